/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison as a tree of JSON and back: the keys of docs/result.md.
 *
 * A load whose measurement is INVALID has `valid: false`, the names of its failed audits in
 * `invalid`, and null wherever a number would stand that an invalid measurement cannot give. The
 * same comparison gives the same bytes; wall-clock times, which do not repeat, appear only with
 * COMPARISON_WALL.
 */
#pragma once

#include <jansson.h>

#include "base/doc.h"
#include "load/result.h"

enum {
    COMPARISON_WALL = 1, /* wall_s */
    COMPARISON_HISTOGRAMS =
        2, /* every latency histogram, and the scenario's text: what run.json holds */
};

/* The whole of it; the caller releases it. */
json_t *comparison_tree(const struct comparison *c, unsigned flags);

/* For -o csv: an object for every configuration and load, without timelines, waterfalls and audits'
 * texts. */
json_t *comparison_rows(const struct comparison *c);

/*
 * Reads a tree that was written with or without COMPARISON_HISTOGRAMS. ERR_INPUT names the line and
 * key of what does not belong. What was withheld is NaN; without histograms the stages' are NULL.
 */
struct comparison *comparison_read(const struct doc_node *node, struct err *err);
