/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small pieces of HTML: escaped texts, cells, and numbers as a page shows them. What is not finite is
 * an en dash, so that nobody takes it for a zero.
 */
#pragma once

#include "base/buf.h"
#include "base/stats.h"

/* Text between tags, escaped. */
void html_text(struct buf *out, const char *s); /* NULL is an en dash */
void html_textf(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* <TAG class="CLASS">text</TAG> and a newline; CLASS may be NULL. */
void html_element(struct buf *out, const char *tag, const char *class, const char *text);
void html_elementf(struct buf *out, const char *tag, const char *class, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A table in a box that scrolls sideways by itself; titles end with NULL, one that starts with '<' is left-aligned. */
void html_table_begin(struct buf *out, const char *caption, const char *const *titles);
void html_table_end(struct buf *out);

/* A number as it is shown, in a buffer of the caller's. */
enum { HTML_NUMBER = 48 };
const char *html_number(char ret[HTML_NUMBER], double v, int decimals);
const char *html_ms(char ret[HTML_NUMBER], double ms);          /* "168 ms", "1.52 s" */
const char *html_percent(char ret[HTML_NUMBER], double fraction, int decimals);
const char *html_interval(char ret[HTML_NUMBER], struct estimate e, int decimals); /* "0.61 to 0.64"; "" without one */
