/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `snug validate --sharing DIR` says: the predictions of sim/sharing.h beside the tables.
 */
#pragma once

#include "report/text.h"
#include "sim/sharing.h"

enum sharing_format { SHARING_TABLE, SHARING_JSON, SHARING_CSV, SHARING_MARKDOWN };

/* Everything there is to say. */
struct sharing_results {
    struct sharing_rows rows;
    double leave_one_out; /* NaN: not known */
    double proportional, minimum, amdahl; /* errors of simple rules on parvagpu; NaN: not known */
};

/* Runs it all on the tables below DIR, see sharing_validate(). */
int sharing_run(const char *dir, struct catalog *catalog, struct sharing_results *ret, struct err *err);
void sharing_results_done(struct sharing_results *r);
#define cleanup_sharing_results __attribute__((cleanup(sharing_results_done)))

/* Means are taken over rows that are evidence. The bars: 6 % for MIG scaling, 13 % for the rest. */
bool sharing_within_bars(const struct sharing_results *r);

void sharing_report(const struct sharing_results *r, enum sharing_format format, const struct text_style *style,
                    struct buf *out);
