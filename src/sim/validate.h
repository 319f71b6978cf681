/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile against measured tables: every row replayed (sim/level.h), measured, predicted, error.
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "sim/measured.h"

/* How often a level is replayed with other draws; the prediction is the mean. */
enum { VALIDATE_REPETITIONS = 12 };

struct validation_row {
    const char *table;  /* file, or "" with a single one */
    const char *row;    /* "concurrency 25" */
    const char *column;
    enum measure measure;
    double measured, predicted;
    double error;       /* predicted / measured - 1 */
    double floor;       /* what real twin runs differ by (relative); NaN where nobody measured it */
    bool held_out;      /* not used in fitting; meaningful with struct validation.holdout */
    bool beyond;        /* above every bar */
};

struct validation {
    struct validation_row *rows; /* of the arena */
    size_t count;
    double mape[MEASURE_COUNT], held_out_mape[MEASURE_COUNT]; /* NaN: no such row */
    bool within; /* every class that has rows is within its bar */
    const char *profile;
    const char *const *notes;
};

/*
 * Replays `n` tables. `beyond` (NaN: none): rows whose load is above it in table i count as held
 * out. Rows are spread over the cores; the result does not depend on how many. NULL with err.
 */
struct validation *validate(struct measured *const *tables, size_t n, const struct profile *p, const double *beyond,
                            uint64_t seed, struct arena *a, const atomic_int *stop, struct err *err);

/*
 * The load above which a table's highest fifth (at least one, if there are three rows) of its loads
 * lies.
 */
double validation_holdout(const struct measured *table);

void validation_json(const struct validation *v, struct buf *out);
void validation_table(const struct validation *v, bool holdout, struct buf *out);
/*
 * A Markdown table; `held` (NULL: none) is the same tables under a fit that left the highest loads
 * out: its errors there stand beside.
 */
void validation_markdown(const struct validation *v, const struct validation *held, struct buf *out);
