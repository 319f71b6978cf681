/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as JSON, YAML or CSV: the one place that decides how numbers, texts and lines look.
 *
 * Keys keep the order in which they were set. Numbers have up to nine significant digits, formatted
 * the same way on every machine; whatever is not finite is null. Small objects and arrays stand on
 * one line, long rows of numbers fill lines of 100 columns.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* A number, or null where it is NaN or infinite. json_real() refuses those, so every double goes
 * through here. */
json_t *output_number(double v);

/* A text, or null for NULL; bytes that are not UTF-8 become U+FFFD, since JSON can hold no others.
 */
json_t *output_string(const char *s);

void output_json(const json_t *root, struct buf *out);
void output_yaml(const json_t *root, struct buf *out);

/*
 * An array of objects as CSV, one line an object. What is nested is flattened
 * ("stages.turn.p95_ms", "ci95.0"); the columns are those of all rows, in the order of their first
 * appearance. null is an empty cell.
 */
void output_csv(const json_t *rows, struct buf *out);

/* A double with up to nine significant digits, "1.0" for a whole one; "null" where it is not
 * finite. */
void output_double(struct buf *out, double v);

/* One CSV cell, quoted where it must be. */
void output_csv_cell(struct buf *out, const char *s);

/* Drops one reference, NULL accepted: for locals. */
static inline void cleanup_jsonp(json_t **j)
{
    json_decref(*j);
}
#define cleanup_json __attribute__((cleanup(cleanup_jsonp)))
