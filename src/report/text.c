/* SPDX-License-Identifier: Apache-2.0 */
#include "report/text.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static const char *const PAINT[] = {
    [TEXT_PLAIN] = "", [TEXT_BOLD] = "\033[1m", [TEXT_DIM] = "\033[2m",
    [TEXT_GOOD] = "\033[32m", [TEXT_BAD] = "\033[31m", [TEXT_WARN] = "\033[33m",
};

size_t text_decode(const char *s, unsigned *ret_point)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned point, least;
    size_t n;

    *ret_point = 0xfffd;
    if (!p[0])
        return 0;
    if (p[0] < 0x80) {
        *ret_point = p[0];
        return 1;
    }
    if (p[0] >= 0xc2 && p[0] < 0xe0) {
        n = 2, least = 0x80, point = p[0] & 0x1f;
    } else if ((p[0] & 0xf0) == 0xe0) {
        n = 3, least = 0x800, point = p[0] & 0x0f;
    } else if (p[0] >= 0xf0 && p[0] < 0xf5) {
        n = 4, least = 0x10000, point = p[0] & 0x07;
    } else {
        return 1;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        point = point << 6 | (p[i] & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 1;
    *ret_point = point;
    return n;
}

/* Combining marks, joiners and marks of direction: the blocks that occur, not the whole of Unicode's table. */
static bool zero_width(unsigned c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x483 && c <= 0x489) || (c >= 0x591 && c <= 0x5bd) ||
           (c >= 0x610 && c <= 0x61a) || (c >= 0x64b && c <= 0x65f) || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x200b && c <= 0x200f) || (c >= 0x20d0 && c <= 0x20ff) ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xfe20 && c <= 0xfe2f);
}

static bool wide(unsigned c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0x303e) || (c >= 0x3041 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
           (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1f64f) ||
           (c >= 0x1f900 && c <= 0x1f9ff) || (c >= 0x20000 && c <= 0x3fffd);
}

/* Marks that turn the direction of what follows can make a line read as another one: they count as control. */
static bool control(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static size_t columns_of(unsigned c)
{
    return control(c) ? 1 : zero_width(c) ? 0 : wide(c) ? 2 : 1;
}

size_t text_width(const char *s)
{
    size_t columns = 0, n;
    unsigned c;

    for (; (n = text_decode(s, &c)); s += n)
        columns += columns_of(c);
    return columns;
}

static void put_char(struct buf *out, const char *s, size_t n, unsigned c)
{
    if (control(c))
        buf_putc(out, '?');
    else if (c == 0xfffd && n == 1)
        buf_puts(out, "\xef\xbf\xbd");
    else
        buf_add(out, s, n);
}

static void put_n(struct buf *out, const char *s, size_t len)
{
    unsigned c;

    for (size_t i = 0, n; i < len && (n = text_decode(s + i, &c)); i += n)
        put_char(out, s + i, n, c);
}

void text_put(struct buf *out, const struct text_style *style, enum text_paint paint, const char *s)
{
    bool on = style && style->color && paint != TEXT_PLAIN && *s;

    if (on)
        buf_puts(out, PAINT[paint]);
    put_n(out, s, strlen(s));
    if (on)
        buf_puts(out, "\033[0m");
}

size_t text_fit(struct buf *out, const char *s, size_t columns)
{
    bool cut = text_width(s) > columns;
    size_t used = 0, room = cut && columns ? columns - 1 : columns, n;
    unsigned c;

    for (; (n = text_decode(s, &c)) && used + columns_of(c) <= room; s += n) {
        put_char(out, s, n, c);
        used += columns_of(c);
    }
    if (cut && columns) {
        buf_puts(out, "…");
        used++;
    }
    return used;
}

void text_wrap(struct buf *out, const struct text_style *style, enum text_paint paint, const char *first, const char *s)
{
    size_t width = style && style->width ? style->width : TEXT_COLUMNS, indent = text_width(first), used = indent;
    bool at_start = true, on = style && style->color && paint != TEXT_PLAIN;

    text_put(out, NULL, TEXT_PLAIN, first);
    if (on)
        buf_puts(out, PAINT[paint]);
    while (*s) {
        size_t n = strcspn(s, " \n"), columns;
        cleanup_free char *word = xasprintf("%.*s", (int)(n < 4096 ? n : 4096), s);

        if (n) {
            columns = text_width(word);
            if (!at_start && used + 1 + columns > width) {
                buf_printf(out, "\n%*s", (int)indent, "");
                used = indent;
                at_start = true;
            }
            if (!at_start) {
                buf_putc(out, ' ');
                used++;
            }
            put_n(out, word, strlen(word));
            used += columns;
            at_start = false;
        }
        s += n;
        s += strspn(s, " \n");
    }
    buf_puts(out, on ? "\033[0m\n" : "\n");
}

void text_escape(struct buf *out, const char *s)
{
    size_t n;
    unsigned c;

    for (; (n = text_decode(s, &c)); s += n) {
        if (c == '&')
            buf_puts(out, "&amp;");
        else if (c == '<')
            buf_puts(out, "&lt;");
        else if (c == '>')
            buf_puts(out, "&gt;");
        else if (c == '"')
            buf_puts(out, "&quot;");
        else if (c == '\'')
            buf_puts(out, "&#39;");
        else if ((control(c) && c != '\n' && c != '\t') || c == 0xfffe || c == 0xffff || (c == 0xfffd && n == 1))
            buf_puts(out, "\xef\xbf\xbd");
        else
            buf_add(out, s, n);
    }
}
