/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text for people on a terminal: widths, wrapping, colour.
 *
 * Widths count terminal columns of UTF-8: combining marks take none, East Asian wide characters and emoji two,
 * a byte that is not UTF-8 one. No locale is asked. Control characters never reach the terminal: they are
 * printed as '?', so that a name from a file cannot move the cursor or paint.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { TEXT_COLUMNS = 100 }; /* what every report fits into */

enum text_paint { TEXT_PLAIN, TEXT_BOLD, TEXT_DIM, TEXT_GOOD, TEXT_BAD, TEXT_WARN };

/* How a report is printed. */
struct text_style {
    bool color;   /* ANSI colours */
    size_t width; /* columns; 0: TEXT_COLUMNS */
};

size_t text_width(const char *s);

/*
 * Appends s as it may be shown: no control characters, no broken UTF-8. Paint wraps it in colour
 * where style says so.
 */
void text_put(struct buf *out, const struct text_style *style, enum text_paint paint, const char *s);

/* Appends s cut to `columns`, an ellipsis as the last one where something was left out. Returns the columns used. */
size_t text_fit(struct buf *out, const char *s, size_t columns);

/*
 * Appends s as a paragraph of at most style->width columns, broken at spaces, with `first` in front of the first
 * line and as many spaces in front of the others; ends with a newline. A longer word stands alone on its line.
 */
void text_wrap(struct buf *out, const struct text_style *style, enum text_paint paint,
               const char *first, const char *s);

/* Decodes one character at s: returns its bytes (1 to 4), 0 at the end; *ret_point is U+FFFD for a broken byte. */
size_t text_decode(const char *s, unsigned *ret_point);

/* Appends s for XML and HTML, in text and in quoted attributes: & < > " ' escaped, what XML forbids as U+FFFD. */
void text_escape(struct buf *out, const char *s);
