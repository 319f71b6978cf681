/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of text with aligned columns, for a terminal.
 *
 *     struct table *t = table_new();
 *     table_column(t, "profile", TABLE_LEFT);
 *     table_column(t, "SMs", TABLE_RIGHT);
 *     table_cell(t, "3g.40gb"); table_cellf(t, "%d", 42);
 *     table_print(t, &(struct text_style){.color = cli->color}, out);
 *
 * Cells are added row by row; a row begins by itself when the last one is full. Columns are parted
 * by two spaces, no line has trailing spaces. Where the whole is wider than the style's width,
 * columns marked TABLE_SHRINK give way (widest first, down to 8 columns, with an ellipsis), and a
 * last column marked TABLE_WRAP continues below itself.
 */
#pragma once

#include "report/text.h"

enum {
    TABLE_LEFT = 0,
    TABLE_RIGHT = 1,
    TABLE_SHRINK = 2,
    TABLE_WRAP = 4, /* the last column only */
};

enum { TABLE_COLUMNS = 32 };

struct table;
struct table *table_new(void);
void table_free(struct table *t); /* NULL accepted */

/* Before the first cell. A title of two lines ("per GPU\nturns/s") makes a header of two. */
void table_column(struct table *t, const char *title, unsigned flags);

void table_cell(struct table *t, const char *text); /* copied; NULL is "-" */
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_paint(struct table *t, enum text_paint paint); /* of the cell added last */
void table_paint_row(struct table *t, enum text_paint paint); /* of the cells of its row so far */
void table_rule(struct table *t); /* an empty line after the rows so far */

/* Header and rows with `indent` spaces in front; nothing at all for a table without rows. */
void table_print_indented(const struct table *t, const struct text_style *style, size_t indent, struct buf *out);
void table_print(const struct table *t, const struct text_style *style, struct buf *out);

static inline void table_freep(struct table **t)
{
    table_free(*t);
}
#define cleanup_table __attribute__((cleanup(table_freep)))
