/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The integer program over blocks and cells, stage by stage: $/h (where prices differ), GPUs, weighted moves.
 *
 *     x[b,o]  GPUs of block b that get outcome o                     integer
 *     w[c,m]  nodes of cell c that work in mode m                    integer
 *     y[g,s]  replicas of group g that come to a slot of kind s      a flow; integer by itself once x is
 *     k[g,s]  replicas of g that stay in theirs                      likewise
 *
 *     sum_o x[b,o] = GPUs that the cells and their modes put into b
 *     sum_m w[c,m] = nodes of c
 *     sum_g y[g,s] + k[g,s] <= sum count(o,s) x[b,o]                 slots
 *     k[g,s] <= sum stays(o,g,s) x[b,o]
 *     sum_s y[g,s] + k[g,s] = demand(g)                              or sum gives(g,s) (y + k) >= rate(g)
 *     moves(g) = min(running(g), replicas(g)) - sum_s k[g,s]
 *
 * Each stage's value is a constraint of the next. `indexed` makes every node a cell of its own, which spread needs:
 *     sum_s y[g,s,node] + k[g,s,node] <= 1
 * Without it spread is relaxed to the whole fleet: its values are then bounds, and plans where the assignment to
 * nodes works out (plan/assign.h) are optimal.
 */
#pragma once

#include <stdatomic.h>

#include "plan/mip.h"
#include "plan/problem.h"

struct master;
struct master *master_new(const struct problem *p, bool indexed);
void master_free(struct master *m); /* NULL accepted */
void master_size(const struct master *m, size_t *ret_columns, size_t *ret_rows);

/* A value with the bound that is proven for it. */
struct stage {
    double value, bound;
    bool proven;
    double seconds;
};

struct master_result {
    bool feasible, known;           /* known: feasibility is settled */
    struct stage cost, gpus, moves; /* cost only where prices differ; moves are weighted */
    bool priced;
};

struct master_limits {
    double seconds; /* for all stages together, 0: none */
    const atomic_int *stop;
};

/* All stages. The solution of the last one is held for master_solution(). */
void master_run(struct master *m, const struct master_limits *l, struct master_result *ret);

/*
 * The least weighted moves with at most so many GPUs, whatever they cost; does not change the solution held. 0, or
 * -1: no plan known. *ret_solution (may be NULL) is owned by the caller.
 */
struct solution;
int master_frontier(struct master *m, int64_t gpus, double seconds, const atomic_int *stop, struct stage *ret,
                    struct solution *ret_solution);

/*
 * The least moves at $/h and GPUs that a relaxation (the blank fleet; the fleet without spread) has proven, in one
 * stage. A solution is then as good as any; false: there is none at these values, or none was found.
 */
bool master_follow(struct master *m, const struct master_result *values, double seconds, const atomic_int *stop,
                   struct master_result *ret);

/* Bounds known from elsewhere, for the stages to come: nothing costs less, no plan has fewer GPUs at that. */
void master_bounds(struct master *m, const struct master_result *known);

/* Drops rules for the search of a conflict: a bit mask. */
enum { MASTER_MOVES = 1, MASTER_SPARE = 2, MASTER_SPREAD = 4, MASTER_STRICT = 8 };
void master_relax(struct master *m, unsigned rules);

/* The solution held, in whole numbers. */
struct placing {
    int group, use, unit; /* unit -1: anywhere */
    bool stays;
    int64_t count;
};
struct unit {
    int cell, node;       /* node -1: all nodes of the cell */
    const int64_t *modes; /* nodes by mode of the cell */
};
struct solution {
    struct unit *units;
    size_t unit_count;
    struct slice {             /* GPUs of a block (of one unit, when indexed) */
        int unit, block;       /* unit -1: of all */
        const int64_t *counts; /* by outcome */
    } * slices;
    size_t slice_count;
    struct placing *placings;
    size_t placing_count;
};
int master_solution(struct master *m,
                    struct solution *ret); /* 0; -1: none held. Owned by the caller: master_solution_done */
void master_solution_done(struct solution *s);
