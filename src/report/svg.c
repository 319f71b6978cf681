/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "report/text.h"

void svg_number(struct buf *out, double v)
{
    long hundredths;

    if (!isfinite(v) || fabs(v) > 1e9)
        v = 0;
    hundredths = (long)floor(fabs(v) * 100 + 0.5);
    if (v < 0 && hundredths)
        buf_putc(out, '-');
    buf_printf(out, "%ld", hundredths / 100);
    hundredths %= 100;
    if (hundredths % 10)
        buf_printf(out, ".%02ld", hundredths);
    else if (hundredths)
        buf_printf(out, ".%ld", hundredths / 10);
}

static void attr_text(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    text_escape(out, value);
    buf_putc(out, '"');
}

static void attr_number(struct buf *out, const char *name, double value)
{
    buf_printf(out, " %s=\"", name);
    svg_number(out, value);
    buf_putc(out, '"');
}

/* "<NAME class=... further attributes", left open. */
static void open_tag(struct svg *s, const char *name, const char *class)
{
    buf_printf(s->out, "<%s", name);
    if (class && *class)
        attr_text(s->out, "class", class);
    buf_puts(s->out, buf_str(&s->attrs));
    buf_clear(&s->attrs);
}

static void put_title(struct svg *s, const char *title)
{
    buf_puts(s->out, "<title>");
    text_escape(s->out, title);
    buf_puts(s->out, "</title>");
}

static void close_tag(struct svg *s, const char *name, const char *title)
{
    if (!title) {
        buf_puts(s->out, "/>\n");
        return;
    }
    buf_putc(s->out, '>');
    put_title(s, title);
    buf_printf(s->out, "</%s>\n", name);
}

void svg_begin(struct svg *s, struct buf *out, double w, double h, const char *label, const char *style)
{
    *s = (struct svg){.out = out};
    buf_init(&s->attrs, 4096);
    buf_puts(out, "<svg");
    if (style) {
        buf_puts(out, " xmlns=\"http://www.w3.org/2000/svg\"");
        attr_number(out, "width", w);
        attr_number(out, "height", h);
    }
    buf_puts(out, " viewBox=\"0 0 ");
    svg_number(out, w);
    buf_putc(out, ' ');
    svg_number(out, h);
    buf_puts(out, "\" role=\"img\"");
    attr_text(out, "aria-label", label);
    buf_puts(out, ">\n");
    if (style) {
        put_title(s, label);
        buf_puts(out, "<style>");
        text_escape(out, style);
        buf_puts(out, "</style>\n");
    }
}

void svg_end(struct svg *s)
{
    while (s->depth)
        svg_group_end(s);
    buf_puts(s->out, "</svg>\n");
    buf_done(&s->attrs);
}

void svg_attr(struct svg *s, const char *name, const char *value)
{
    attr_text(&s->attrs, name, value);
}

void svg_attr_number(struct svg *s, const char *name, double value)
{
    attr_number(&s->attrs, name, value);
}

void svg_rect(struct svg *s, double x, double y, double w, double h, const char *class, const char *title)
{
    open_tag(s, "rect", class);
    attr_number(s->out, "x", x);
    attr_number(s->out, "y", y);
    attr_number(s->out, "width", w > 0 ? w : 0);
    attr_number(s->out, "height", h > 0 ? h : 0);
    close_tag(s, "rect", title);
}

void svg_line(struct svg *s, double x1, double y1, double x2, double y2, const char *class, const char *title)
{
    open_tag(s, "line", class);
    attr_number(s->out, "x1", x1);
    attr_number(s->out, "y1", y1);
    attr_number(s->out, "x2", x2);
    attr_number(s->out, "y2", y2);
    close_tag(s, "line", title);
}

void svg_circle(struct svg *s, double x, double y, double r, const char *class, const char *title)
{
    open_tag(s, "circle", class);
    attr_number(s->out, "cx", x);
    attr_number(s->out, "cy", y);
    attr_number(s->out, "r", r > 0 ? r : 0);
    close_tag(s, "circle", title);
}

void svg_text(struct svg *s, double x, double y, const char *class, const char *text)
{
    open_tag(s, "text", class);
    attr_number(s->out, "x", x);
    attr_number(s->out, "y", y);
    buf_putc(s->out, '>');
    text_escape(s->out, text);
    buf_puts(s->out, "</text>\n");
}

void svg_textf(struct svg *s, double x, double y, const char *class, const char *fmt, ...)
{
    cleanup_buf struct buf text;
    va_list ap;

    buf_init(&text, 4096);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    svg_text(s, x, y, class, buf_str(&text));
}

void svg_path(struct svg *s, const char *class, const char *title)
{
    open_tag(s, "path", class);
    buf_puts(s->out, " d=\"");
    s->title = title;
}

static void point(struct svg *s, char command, double x, double y)
{
    buf_putc(s->out, command);
    svg_number(s->out, x);
    buf_putc(s->out, ' ');
    svg_number(s->out, y);
}

void svg_move(struct svg *s, double x, double y)
{
    point(s, 'M', x, y);
}

void svg_to(struct svg *s, double x, double y)
{
    point(s, 'L', x, y);
}

void svg_across(struct svg *s, double x)
{
    buf_putc(s->out, 'H');
    svg_number(s->out, x);
}

void svg_down(struct svg *s, double y)
{
    buf_putc(s->out, 'V');
    svg_number(s->out, y);
}

void svg_close(struct svg *s)
{
    buf_putc(s->out, 'Z');
}

void svg_path_end(struct svg *s)
{
    buf_putc(s->out, '"');
    close_tag(s, "path", s->title);
    s->title = NULL;
}

void svg_group(struct svg *s, const char *class, const char *title)
{
    assert(s->depth < SVG_DEPTH);
    open_tag(s, "g", class);
    buf_putc(s->out, '>');
    if (title)
        put_title(s, title);
    buf_putc(s->out, '\n');
    s->depth++;
}

void svg_group_at(struct svg *s, double x, double y, const char *class, const char *title)
{
    buf_puts(&s->attrs, " transform=\"translate(");
    svg_number(&s->attrs, x);
    buf_putc(&s->attrs, ' ');
    svg_number(&s->attrs, y);
    buf_puts(&s->attrs, ")\"");
    svg_group(s, class, title);
}

void svg_group_end(struct svg *s)
{
    assert(s->depth > 0);
    s->depth--;
    buf_puts(s->out, "</g>\n");
}
