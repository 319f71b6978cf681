/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: which configuration is better, by how much, is that more than chance, and which to run where.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "load/result.h"

/* One entry of a scenario's objectives: a percentile of a stage at most so long. */
struct objective {
    enum stage stage;
    double q;     /* 0.95 for p95; 0: the mean */
    double bound; /* ms */
};
struct objectives {
    const struct objective *stage; /* borrowed */
    size_t count;
    double success; /* least success rate, 0: none asked */
};

/* Fills r->objectives_met and objectives_text (in `a`). A percentile that could not be measured is not met. */
void objectives_judge(struct arena *a, const struct objectives *o, struct load_result *r);

/*
 * Decides on the load named `load` (NULL: the last one with users), best throughput per GPU among valid
 * results that meet their objectives (all valid ones if none does), against `against` (NULL: the
 * runner-up, or "time-slicing" where that is a configuration and not the best). Fills c->verdict and
 * has_verdict; texts go to c's arena.
 *
 * Production wants isolation: alone and MIG have it, time-slicing and MPS do not (memory and faults are
 * shared). Development wants the fewest dollars that still do the work.
 */
void verdict_decide(struct comparison *c, const char *load, const char *against);
