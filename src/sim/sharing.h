/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does sharing a GPU behave as measured? Predictions of gpu/share.h, run in virtual time, against
 * published tables.
 *
 * What a prediction may know: the table's columns for a model alone (on the whole GPU and on a 1g
 * instance, or under two thread percentages), the GPU catalogue, and for the two LLM tables the
 * sizes of the models. No parameter belongs to a row. docs/sharing.md is generated from this
 * (report/sharing.h) and says where each figure comes from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "gpu/catalog.h"

struct sharing_row {
    char table[24];  /* "nos_sharing" */
    char group[24];  /* what a mean is taken over: a mode, a model */
    char row[48];    /* "3 pods", "bert 3g batch 8 x2" */
    char metric[16]; /* "mps_s" */
    double measured, predicted;
    double error;    /* predicted / measured - 1 */
    bool constant;   /* the constant it tests came from this very table: it is no evidence */
};

struct sharing_rows {
    struct sharing_row *at; /* owned */
    size_t n, cap;
};

/*
 * Reads the tables below DIR (tables/NAME.csv and traces/parvagpu/profiles/MODEL.csv) and predicts
 * them. A table that is not there is left out; if none is, ERR_OUTSIDE. ERR_INPUT for one that
 * cannot be read.
 */
int sharing_validate(const char *dir, struct catalog *catalog, struct sharing_rows *ret, struct err *err);
void sharing_rows_done(struct sharing_rows *r);
#define cleanup_sharing_rows __attribute__((cleanup(sharing_rows_done)))

/*
 * Mean absolute error of a table's rows (group NULL: all; those that are evidence), NaN if there
 * are none.
 */
double sharing_mape(const struct sharing_rows *r, const char *table, const char *group);

/*
 * Leave one model out: for each of the eleven models the two constants of MIG scaling (the floor's
 * corner and SCALING_MEMORY) are chosen on the other ten over a grid; returns the MAPE of all
 * models so predicted. NaN without the traces.
 */
double sharing_leave_one_out(const char *dir, struct catalog *catalog, struct err *err);

/*
 * What simple rules miss the same rows of parvagpu by: g/7 of 7g's throughput; min(g x 1g's, 7g's);
 * Amdahl's law through both.
 */
enum sharing_rule { SHARING_PROPORTIONAL, SHARING_MINIMUM, SHARING_AMDAHL };
double sharing_reference(const char *dir, enum sharing_rule rule, struct err *err); /* NaN without the traces */
