/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"

enum { GAP = 2, SHRUNK = 8 };

struct column {
    char *title[2]; /* owned; the second may be NULL */
    unsigned flags;
};

struct cell {
    char *text; /* owned */
    enum text_paint paint;
    bool rule; /* an empty line after this row; on its last cell */
};

struct table {
    struct column columns[TABLE_COLUMNS];
    size_t n;
    struct cell *cells; /* row after row */
    size_t count, cap;
};

struct table *table_new(void)
{
    return xcalloc(1, sizeof(struct table));
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++) {
        free(t->columns[i].title[0]);
        free(t->columns[i].title[1]);
    }
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
}

void table_column(struct table *t, const char *title, unsigned flags)
{
    const char *second = strchr(title, '\n');
    struct column *c = &t->columns[t->n++];

    assert(t->n <= TABLE_COLUMNS && t->count == 0);
    c->flags = flags;
    c->title[0] = second ? xasprintf("%.*s", (int)(second - title), title) : xstrdup(title);
    c->title[1] = second ? xstrdup(second + 1) : NULL;
}

void table_cell(struct table *t, const char *text)
{
    GROW(t->cells, t->cap, t->count + 1);
    t->cells[t->count++] = (struct cell){.text = xstrdup(text ? text : "-")};
}

void table_cellf(struct table *t, const char *fmt, ...)
{
    cleanup_buf struct buf text;
    va_list ap;

    buf_init(&text, 1 << 16);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    table_cell(t, buf_str(&text));
}

void table_paint(struct table *t, enum text_paint paint)
{
    assert(t->count);
    t->cells[t->count - 1].paint = paint;
}

void table_paint_row(struct table *t, enum text_paint paint)
{
    assert(t->count);
    for (size_t i = (t->count - 1) / t->n * t->n; i < t->count; i++)
        t->cells[i].paint = paint;
}

void table_rule(struct table *t)
{
    if (t->count)
        t->cells[t->count - 1].rule = true;
}

static size_t max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The widest column that may give way, or n. */
static size_t victim(const struct table *t, const size_t *width)
{
    size_t best = t->n;

    for (size_t i = 0; i < t->n; i++)
        if (t->columns[i].flags & (TABLE_SHRINK | TABLE_WRAP) && width[i] > SHRUNK &&
            (best == t->n || width[i] > width[best]))
            best = i;
    return best;
}

static void measure(const struct table *t, size_t room, size_t *width)
{
    size_t total = (t->n - 1) * GAP, i;

    for (i = 0; i < t->n; i++) {
        const struct column *c = &t->columns[i];
        width[i] = max(text_width(c->title[0]), c->title[1] ? text_width(c->title[1]) : 0);
    }
    for (size_t k = 0; k < t->count; k++)
        width[k % t->n] = max(width[k % t->n], text_width(t->cells[k].text));
    for (i = 0; i < t->n; i++)
        total += width[i];
    for (; total > room && (i = victim(t, width)) < t->n; total--)
        width[i]--;
}

static void spaces(struct buf *out, size_t n)
{
    buf_printf(out, "%*s", (int)n, "");
}

/* One cell with its alignment; `pending` spaces are owed from the cells before. */
static void put(struct buf *out, const struct text_style *style, const struct column *c, size_t width, const char *text,
                enum text_paint paint, size_t *pending)
{
    size_t used = text_width(text);
    cleanup_buf struct buf fitted;

    buf_init(&fitted, 1 << 16);
    used = text_fit(&fitted, text, used < width ? used : width);
    if (c->flags & TABLE_RIGHT)
        *pending += width - used;
    if (used) {
        spaces(out, *pending);
        *pending = 0;
        text_put(out, style, paint, buf_str(&fitted));
    }
    if (!(c->flags & TABLE_RIGHT))
        *pending += width - used;
    *pending += GAP;
}

static void header(const struct table *t, const struct text_style *style, size_t indent,
                   const size_t *width, struct buf *out)
{
    int lines = 1;

    for (size_t i = 0; i < t->n; i++)
        if (t->columns[i].title[1])
            lines = 2;
    for (int line = 0; line < lines; line++) {
        size_t pending = indent;
        for (size_t i = 0; i < t->n; i++) {
            const struct column *c = &t->columns[i];
            /* A title of one line stands on the last one. */
            const char *text = lines == 2 && !c->title[1] ? (line ? c->title[0] : "") : c->title[line];
            put(out, style, c, width[i], text, TEXT_DIM, &pending);
        }
        buf_putc(out, '\n');
    }
}

void table_print_indented(const struct table *t, const struct text_style *style, size_t indent, struct buf *out)
{
    size_t room = style && style->width ? style->width : TEXT_COLUMNS, width[TABLE_COLUMNS] = {0}, left = indent;
    bool wraps = t->n && t->columns[t->n - 1].flags & TABLE_WRAP;

    if (!t->count)
        return;
    assert(t->n && t->count % t->n == 0);
    measure(t, room > indent ? room - indent : 0, width);
    header(t, style, indent, width, out);
    for (size_t i = 0; i + 1 < t->n; i++)
        left += width[i] + GAP;
    for (size_t k = 0; k < t->count; k += t->n) {
        size_t pending = indent;
        for (size_t i = 0; i < t->n; i++) {
            const struct cell *c = &t->cells[k + i];
            if (i + 1 == t->n && wraps) {
                cleanup_buf struct buf first;
                struct text_style narrow = {.color = style && style->color, .width = left + width[i]};

                buf_init(&first, 4096);
                spaces(out, pending);
                /* The row stands there already: wrap with an indent of its width, less the first line's. */
                spaces(&first, left);
                cleanup_buf struct buf para;
                buf_init(&para, 1 << 20);
                text_wrap(&para, &narrow, c->paint, buf_str(&first), c->text);
                buf_puts(out, buf_str(&para) + left);
            } else {
                put(out, style, &t->columns[i], width[i], c->text, c->paint, &pending);
            }
        }
        if (!wraps)
            buf_putc(out, '\n');
        if (t->cells[k + t->n - 1].rule && k + t->n < t->count)
            buf_putc(out, '\n');
    }
}

void table_print(const struct table *t, const struct text_style *style, struct buf *out)
{
    table_print_indented(t, style, 0, out);
}
