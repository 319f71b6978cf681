/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema-checked reader on a document's node.
 *
 * A struct conf stands on one node and remembers which keys were asked for. The first error sticks: after it
 * every getter gives its default (or zero, "" and false) at once, so that a parser reads plainly and looks at
 * the outcome only once, in conf_end() of the root:
 *
 *     struct conf c, net;
 *     conf_root(&c, doc_root(doc, 0), err);
 *     s->name = conf_string(&c, "name");
 *     conf_sub_or(&c, "network", &net);                  (absent: every getter of it gives its default)
 *     s->rtt = conf_duration_or(&net, "roundTrip", 0, NS_PER_S, NS_PER_MS);
 *     conf_end(&net);                                    (unknown keys, with the nearest known one)
 *     return conf_end(&c);
 *
 * conf_X() is for a required key, conf_X_or() for one with a default. The key NULL stands for the node
 * itself, for the items of a sequence. Ranges are inclusive. Strings live as long as the document.
 * Errors: "FILE:LINE:COLUMN: dotted.path[2].key: found X, expected Y" (INTERFACE, section 1). NaN, infinities,
 * and numbers beyond their range never get through.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/doc.h"
#include "base/err.h"

enum { CONF_KEYS_MAX = 64 }; /* distinct keys that one mapping's parser may ask for */

struct conf {
    const struct doc_node *node; /* NULL: absent */
    /* private */
    struct conf *parent; /* must stay in place as long as this is used */
    const char *key;     /* in the parent; NULL for the root and for items */
    size_t index;        /* of an item */
    bool same;           /* the parent's own node (key NULL): no part of the path */
    struct err *err;     /* the root's */
    bool failed;         /* the root's */
    bool checked;        /* unknown keys were looked for */
    unsigned known_count;
    const char *known[CONF_KEYS_MAX];
};

/* Stands on the document's root (or any node), which must be a mapping. Clears *err. */
void conf_root(struct conf *c, const struct doc_node *node, struct err *err);

/* The same for a node read in isolation, with `path` (borrowed) in front of every field in messages. */
void conf_root_at(struct conf *c, const struct doc_node *node, const char *path, struct err *err);

/*
 * Looks for keys that nobody asked for and returns 0, or -1 after any error since conf_root(). Call it on every
 * conf; on the root last. A conf on a sequence, scalar or absent node has none.
 */
int conf_end(struct conf *c);

bool conf_failed(const struct conf *c); /* an error stands */
bool conf_has(struct conf *c, const char *key); /* the key is there (null counts as absent) and is known from now on */

/* The check `kind: Scenario` of every file: apiVersion snug/v1 (optional) and the kind. */
void conf_kind(struct conf *c, const char *kind);

const char *conf_string(struct conf *c, const char *key); /* any non-empty scalar, as text */
const char *conf_string_or(struct conf *c, const char *key, const char *otherwise);
bool conf_bool(struct conf *c, const char *key);
bool conf_bool_or(struct conf *c, const char *key, bool otherwise);
int64_t conf_int(struct conf *c, const char *key, int64_t lo, int64_t hi);
int64_t conf_int_or(struct conf *c, const char *key, int64_t lo, int64_t hi, int64_t otherwise);
double conf_real(struct conf *c, const char *key, double lo, double hi);
double conf_real_or(struct conf *c, const char *key, double lo, double hi, double otherwise);

/* Durations in ns (`250ms`, `2s`, `1m30s`); a bare number is refused unless it is 0. */
int64_t conf_duration(struct conf *c, const char *key, int64_t lo, int64_t hi);
int64_t conf_duration_or(struct conf *c, const char *key, int64_t lo, int64_t hi, int64_t otherwise);

/* Memory in bytes (`9.6Gi`, `40GiB`, `512Mi`, `2GB`); a bare number is bytes. */
int64_t conf_memory(struct conf *c, const char *key, int64_t lo, int64_t hi);
int64_t conf_memory_or(struct conf *c, const char *key, int64_t lo, int64_t hi, int64_t otherwise);

/* The index of the value in `names` (NULL-terminated). */
int conf_choice(struct conf *c, const char *key, const char *const *names);
int conf_choice_or(struct conf *c, const char *key, const char *const *names, int otherwise);

/* A mapping below; with _or it may be absent, `sub` then stands on nothing. False: nothing there to read. */
bool conf_sub(struct conf *c, const char *key, struct conf *sub);
bool conf_sub_or(struct conf *c, const char *key, struct conf *sub);

/* A sequence below with `lo` to `hi` items: their number (0 when absent with _or); items by conf_item(). */
size_t conf_list(struct conf *c, const char *key, size_t lo, size_t hi, struct conf *list);
size_t conf_list_or(struct conf *c, const char *key, size_t hi, struct conf *list);
bool conf_item(struct conf *list, size_t i, struct conf *item); /* any kind of node */

/*
 * A mapping whose keys are names of the user's (loads, configurations): the number of entries, then each by
 * its position. conf_end() of `names` finds nothing unknown.
 */
size_t conf_names(struct conf *c, const char *key, size_t lo, size_t hi, struct conf *names);
/* The name; `value` then stands on what it names, any kind of node. */
const char *conf_name(struct conf *names, size_t i, struct conf *value);

/* What a number is written in; its value is in ns or bytes for the latter two. */
enum conf_unit { CONF_PLAIN, CONF_DURATION, CONF_MEMORY };

/* A number with its provenance: a plain scalar, or {value:, source:, assumed: true}. */
struct conf_sourced {
    double value;
    const char *source; /* NULL: not said */
    bool assumed;       /* a judgement, not a measurement */
    bool given;         /* false: the default */
};
struct conf_sourced conf_sourced(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi);
struct conf_sourced conf_sourced_or(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi,
                                    double otherwise);

/* A parser's own complaint about the value of a key (or about the node itself, key NULL). Only the first one sticks. */
void conf_fail(struct conf *c, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same about the key itself: "names" of conf_names() that are not good. */
void conf_fail_name(struct conf *names, size_t i, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The error of a function called on behalf of this key, with place and path put in front; no-op on kind ERR_NONE. */
void conf_pass(struct conf *c, const char *key, const struct err *e);
