/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small writer of SVG: for the charts of a report (inline in HTML) and for pictures on their own.
 *
 *     struct svg s;
 *     svg_begin(&s, out, 640, 120, "A100-SXM4-80GB: 3g.40gb@0 and 3g.40gb@4", NULL);
 *     svg_rect(&s, 0, 20, 300, 40, "slice", "3g.40gb@0: asr, 9.6 of 39.5 GiB");
 *     svg_attr(&s, "rx", "3");                           (goes to the next element)
 *     svg_text(&s, 150, 44, "label middle", "asr");
 *     svg_end(&s);
 *
 * Colours and fonts come from classes (data/report/style.css); svg_begin() with a style text puts
 * one inside, for a picture on its own. Coordinates are pixels with two decimals, formatted without
 * the C library's printf of doubles, so that the same input gives the same bytes everywhere; what
 * is not finite is written as 0. Every text is escaped. Titles (NULL: none) become <title>
 * elements: tooltips, and what a screen reader says.
 */
#pragma once

#include "base/buf.h"

enum { SVG_DEPTH = 16 };

struct svg {
    struct buf *out;
    int depth;           /* open groups and links */
    const char *title;   /* of the open path */
    struct buf attrs;    /* for the next element */
};

/*
 * Opens <svg> of w x h pixels, which scales to the room it is given. `label` is its text
 * alternative. `style` is CSS for a picture on its own (with its xmlns), NULL for one that is
 * inline.
 */
void svg_begin(struct svg *s, struct buf *out, double w, double h, const char *label, const char *style);
void svg_end(struct svg *s); /* closes what is open */

/* A further attribute of the next element (or group or path). */
void svg_attr(struct svg *s, const char *name, const char *value);
void svg_attr_number(struct svg *s, const char *name, double value);

void svg_rect(struct svg *s, double x, double y, double w, double h, const char *class, const char *title);
void svg_line(struct svg *s, double x1, double y1, double x2, double y2, const char *class, const char *title);
void svg_circle(struct svg *s, double x, double y, double r, const char *class, const char *title);

/* Text at its baseline; classes "middle" and "end" anchor it there (style.css and svg_css). */
void svg_text(struct svg *s, double x, double y, const char *class, const char *text);
void svg_textf(struct svg *s, double x, double y, const char *class, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* svg_path, then moves and lines, then svg_path_end. The title must live until then. */
void svg_path(struct svg *s, const char *class, const char *title);
void svg_move(struct svg *s, double x, double y);
void svg_to(struct svg *s, double x, double y);
void svg_across(struct svg *s, double x); /* horizontal line */
void svg_down(struct svg *s, double y);   /* vertical line */
void svg_close(struct svg *s);
void svg_path_end(struct svg *s);

/* A group, with the title for everything in it. */
void svg_group(struct svg *s, const char *class, const char *title);
void svg_group_at(struct svg *s, double x, double y, const char *class, const char *title); /* its origin at (x, y) */
void svg_group_end(struct svg *s);

/* A number as it stands in coordinates: at most two decimals, no trailing zeros. */
void svg_number(struct buf *out, double v);
