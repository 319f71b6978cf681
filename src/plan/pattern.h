/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pattern program: how few empty GPUs of one model hold a demand whose items choose among MIG profiles.
 * Exact, without a solver.
 *
 * An item needs `need` of something (replicas, or requests/s); an instance of its option's profile gives
 * `gives` of it; any mix of its options will do. By the closed form (plan/bound.h) a choice fits G GPUs when no
 * face is over G times its capacity, so the layouts themselves leave the program. What is left is one choice
 * for each item among its minimal mixes, a vector of at most four numbers each, and a depth-first search over them.
 * Its lower bound prices the faces (Lagrange multipliers found by subgradient steps; any multipliers give a true
 * bound). A search that ends by itself is a proof.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/layout.h"
#include "plan/bound.h"

enum { PATTERN_OPTIONS_MAX = 12 };

struct pattern_option {
    int profile; /* index in the model */
    double gives;
};

struct pattern_item {
    double need; /* >= 0 */
    struct pattern_option options[PATTERN_OPTIONS_MAX];
    size_t option_count; /* > 0 where need > 0 */
};

struct pattern_limits {
    int64_t nodes; /* of the search, default 4 million */
    size_t mixes;  /* of one item, looked at; default 1 million */
};

struct pattern_result {
    int64_t gpus, bound; /* proven when equal */
    bool proven;
    int64_t nodes;                          /* of the search */
    int64_t (*counts)[PATTERN_OPTIONS_MAX]; /* owned: instances by item and option */
    int64_t total[GPU_PROFILES_MAX];
};

/*
 * Returns 0; 1 when the program is out of this core's reach (no closed form for the model and the profiles, too
 * many mixes), with nothing in *ret. `limits` may be NULL.
 */
int pattern_solve(const struct gpu_model *m, const struct pattern_item *items, size_t n,
                  const struct pattern_limits *limits, struct pattern_result *ret);
void pattern_result_done(struct pattern_result *r);

/*
 * Cuts a demand by profile into layouts: `ret` gets Pareto layouts with how often each is used, together at
 * most `gpus`, which must be at least bound_gpus(). Owned by the caller (free). Returns how many, 0 for no demand.
 */
struct pattern_use {
    struct layout layout;
    int64_t times;
};
size_t pattern_layouts(const struct gpu_model *m, const int64_t demand[GPU_PROFILES_MAX], int64_t gpus,
                       struct pattern_use **ret);
