/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document: one immutable tree for YAML and JSON input, every node with its place.
 *
 * Both are read by libfyaml, from a file, from standard input ("-") or from memory. The tree belongs to the
 * document's arena and lives until doc_free(). Mappings keep the order of their keys; a key that comes twice is an
 * error that names both places. An alias is the anchored node itself (with the anchor's place); what it
 * repeats counts against the limit on nodes, so that a small file cannot stand for a large tree.
 *
 * Errors are ERR_INPUT and read "FILE:LINE:COLUMN: what is wrong"; ERR_OUTSIDE for a file that cannot be read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum doc_kind {
    DOC_NULL,    /* absent value, `null` or `~` */
    DOC_SCALAR,  /* text; what it means is its reader's to say (base/conf.h) */
    DOC_SEQUENCE,
    DOC_MAPPING
};

struct doc_node;

struct doc_entry {
    const struct doc_node *key; /* always a scalar */
    const struct doc_node *value;
};

struct doc_node {
    const char *file; /* the document's name, for messages */
    uint32_t line, column; /* from 1; the column counts characters, as editors do */
    enum doc_kind kind;
    bool quoted;       /* a scalar in quotes or a block: text, never a number, a bool or null */
    const char *text;  /* scalars: valid UTF-8 without NUL inside, NUL-terminated; nulls: "null" */
    size_t len;        /* scalars: bytes of text */
    size_t count;      /* sequences and mappings */
    size_t weight;     /* nodes of the tree below, itself and keys included, aliases counted as often as they stand */
    const struct doc_node *const *items; /* sequences */
    const struct doc_entry *entries;     /* mappings */
};

/* Zero in a field stands for its default. */
struct doc_limits {
    size_t bytes;     /* of input; default 64 MiB, a larger file is refused by its size before it is read */
    unsigned depth;   /* of nesting; default 64, at most 1000 */
    size_t nodes;     /* of the tree, aliases counted as often as they stand; default 4 million */
    size_t documents; /* in one stream ("---"); default 1 */
};

struct doc;

/* Opens a file or "-". A name that ends in .json is held to JSON's grammar. `limits` may be NULL. */
struct doc *doc_open(const char *path, const struct doc_limits *limits, struct err *err);

/* The same from memory (copied); `name` stands in messages. */
struct doc *doc_parse(const char *name, const char *data, size_t n, const struct doc_limits *limits,
                      struct err *err);
void doc_free(struct doc *d); /* NULL accepted */

const char *doc_name(const struct doc *d);
const char *doc_source(const struct doc *d, size_t *ret_n); /* the bytes as read, NUL-terminated */
size_t doc_count(const struct doc *d);                      /* documents; an empty input is one null */
const struct doc_node *doc_root(const struct doc *d, size_t i);

/* The value of a key of a mapping, NULL where it has none (or node is NULL or no mapping). */
const struct doc_node *doc_get(const struct doc_node *node, const char *key);

/* "a mapping", "a sequence", "null", the text in quotes: what was found, for messages; valid in buf. */
enum { DOC_FOUND_MAX = 80 };
const char *doc_found(const struct doc_node *node, char buf[DOC_FOUND_MAX]);

/* Fills in "FILE:LINE:COLUMN: ..." and returns -1. */
int doc_fail(const struct doc_node *node, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static inline void cleanup_docp(struct doc **d)
{
    doc_free(*d);
}
#define cleanup_doc __attribute__((cleanup(cleanup_docp)))
