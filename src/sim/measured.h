/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A measured table read for one profile: which level each row is, and which figures it states.
 *
 * Columns, meta lines and their meaning are INTERFACE section 2's. What a table does not say about
 * the shape of its requests is taken from the options, else from its `# config:` words ("ISL 5000
 * OSL 500", "50 requests/level", "3N iterations", "offline"), else from the defaults below; every
 * such choice is told in `notes`, none is made per row.
 *
 * Rows of other GPUs, engines or models (columns `gpu`, `framework`, `model`) are left out, with
 * their number told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/csv.h"
#include "base/mem.h"
#include "gpu/catalog.h"
#include "sim/level.h"

/* The classes that bars stand for; what has no bar is printed all the same. */
enum measure { MEASURE_THROUGHPUT, MEASURE_LATENCY, MEASURE_FIRST, MEASURE_P99, MEASURE_OTHER, MEASURE_COUNT };
const char *measure_key(enum measure m);  /* "throughput", "latency_mean", "ttft_mean", "p99", "other" */
double measure_bar(enum measure m);       /* 0.05, 0.10, 0.15, 0.25; NaN */

/* A column that is understood: whose, what class, which field of struct level_result. */
struct measured_column {
    enum profile_kind kind;
    const char *column;
    enum measure measure;
    size_t offset;
};
const struct measured_column *measured_columns(size_t *ret_count);

struct measured_figure {
    const char *column;
    enum measure measure;
    size_t offset;  /* of its double in struct level_result */
    double value;
};
enum { MEASURED_FIGURES = 20 };

struct measured_row {
    const char *label; /* "concurrency 25", "5 requests/s" */
    struct level level;
    double load;       /* concurrency or rate: what orders the rows */
    struct measured_figure figures[MEASURED_FIGURES];
    unsigned count;
    int line;
};

/* Zero or NaN: not said here. */
struct measured_options {
    double isl, osl, audio_s, chunk_ms, requests, servers;
    const char *sharing;       /* "time-slicing", "mps" */
    const char *const *where;  /* "column=value", NULL-terminated; NULL: none */
};

struct measured {
    const char *name;  /* of the file */
    struct measured_row *rows;
    size_t count;
    const char *const *notes; /* sentences, NULL-terminated */
};

/* Everything is allocated from `a`. NULL with err. */
struct measured *measured_read(const struct csv *table, const struct profile *p, struct catalog *gpus,
                               const struct measured_options *options, struct arena *a, struct err *err);
