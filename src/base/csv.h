/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A measured table: CSV with `# key: value` lines, then a header, then rows (INTERFACE, section 2).
 *
 * Cells may be quoted, with "" for a quote, and then hold commas and newlines. Every row has as many cells as
 * the header. Empty cells are allowed and are not zero. Columns that nobody asks for are kept and can be
 * named; nothing is guessed. Errors are "FILE:LINE:COLUMN: ...", the column being that of the character.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Zero in a field stands for its default. */
struct csv_limits {
    size_t bytes;   /* default 64 MiB */
    size_t rows;    /* default 4 million */
    size_t columns; /* default 256; the cells of all rows are bounded by four times `rows` */
};

struct csv;

struct csv *csv_open(const char *path, const struct csv_limits *limits, struct err *err); /* "-" is standard input */
struct csv *csv_parse(const char *name, const char *data, size_t n, const struct csv_limits *limits, struct err *err);
void csv_free(struct csv *c); /* NULL accepted */

const char *csv_file(const struct csv *c);

/* `# key: value` lines; keys are as written. */
size_t csv_meta_count(const struct csv *c);
const char *csv_meta_key(const struct csv *c, size_t i);
const char *csv_meta_value(const struct csv *c, size_t i);
const char *csv_meta(const struct csv *c, const char *key); /* NULL: no such line; the first of several */

size_t csv_columns(const struct csv *c);
size_t csv_rows(const struct csv *c);
const char *csv_column_name(const struct csv *c, size_t column);
int csv_column(const struct csv *c, const char *name); /* its index, or -1 */

const char *csv_cell(const struct csv *c, size_t row, size_t column); /* "" for an empty one */
int csv_line(const struct csv *c, size_t row);                        /* where the row begins, from 1 */

/* A cell's finite number: 1 with *ret set, 0 for an empty cell (*ret untouched), -1 with err for anything else. */
int csv_number(const struct csv *c, size_t row, size_t column, double *ret, struct err *err);

/* The number of a `# key: value` line: 1, 0 when there is no such line, -1 with err. */
int csv_meta_number(const struct csv *c, const char *key, double *ret, struct err *err);

/* Fills in "FILE:LINE:COLUMN: COLUMN_NAME: ..." of a cell, and returns -1. */
int csv_fail(const struct csv *c, size_t row, size_t column, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static inline void cleanup_csvp(struct csv **c)
{
    csv_free(*c);
}
#define cleanup_csv __attribute__((cleanup(cleanup_csvp)))
