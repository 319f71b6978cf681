/* SPDX-License-Identifier: Apache-2.0 */
/* What doc.c and doc_read.c share; nobody else includes this. */
#pragma once

#include "base/doc.h"
#include "base/mem.h"

struct doc {
    struct arena *arena;
    const char *name;
    char *source;
    size_t size;
    const struct doc_node **roots;
    size_t count, cap;
};

/* Reads d->source into d->roots; -1 with err. */
int doc_read(struct doc *d, const struct doc_limits *limits, struct err *err);

/* Line and column (in characters, from 1) of a byte offset into the source. */
void doc_place(const struct doc *d, size_t offset, unsigned *ret_line, unsigned *ret_column);

/* "FILE:LINE:COLUMN: ..." for a place that is no node; returns -1. */
int doc_fail_at(const struct doc *d, struct err *err, size_t line, size_t column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Text in quotes, cut at a character's edge; valid in buf. */
const char *doc_quoted(const char *text, size_t len, char buf[DOC_FOUND_MAX]);
