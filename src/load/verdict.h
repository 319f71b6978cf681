/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: which configuration is better, by how much, is that more than chance, and which to run
 * where.
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

/*
 * Fills r->objectives_met and objectives_text (in `a`). A percentile with too few samples behind it
 * is judged by the order statistics that enclose it with 95 % confidence; where even they cannot say,
 * it is not met.
 */
void objectives_judge(struct arena *a, const struct objectives *o, struct load_result *r);

/* The resource with the highest use; saturated from LIMIT_SATURATED on. Ties go to the first. n > 0. */
#define LIMIT_SATURATED 0.9
struct limit limit_find(const struct limit *candidates, size_t n);

/*
 * Decides on the load named `load` (NULL: the one with the most users), best throughput per GPU among
 * valid results that meet their objectives (all valid ones if none does), against `against` (NULL:
 * "time-slicing" where that is a valid configuration and not the best, else the runner-up). Fills
 * c->verdict and has_verdict (false with fewer than two valid results); texts go to c's arena.
 *
 * `best` is NULL where the data cannot tell the two apart: the paired interval contains 1, or lies
 * within 1 % of it (two runs of one real server differ by 0.4 % on average). The ratio is then still
 * that of the top one and `against`.
 *
 * Production wants isolation: alone and MIG have it, time-slicing and MPS do not (memory and faults
 * are shared). It is the best isolated configuration that meets its objectives; of those that cannot
 * be told apart the cheapest. Development wants the fewest dollars that still do the work at the
 * smallest load; at the same price the one that is least to set up: time-slicing (a ConfigMap), MPS,
 * MIG (a drained GPU).
 */
void verdict_decide(struct comparison *c, const char *load, const char *against);
