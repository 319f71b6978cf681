/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet as the search sees it: what can be offered, who wants it, and GPUs and nodes counted instead of indexed.
 *
 *   slot     a kind of place for one replica: a MIG profile of a model, a whole GPU of a model, or a tenancy
 *            on a shared GPU of a model with a given memory and a given limit on tenants
 *   group    workloads that are one to the search: the same slots, nothing that tells them apart
 *   state    a GPU's present, as far as it matters: its instances and who in them could stay
 *   outcome  what a GPU can become: the slots that it then offers, and the replicas that could stay in them.
 *            Only outcomes that no other dominates are kept
 *   block    the GPUs with the same outcomes at the same price, whatever they look like now
 *   mode     what a node does: full GPUs alone, time-sliced r ways, or under MPS r ways; and, under mig-parted,
 *            whether it changes the MIG mode of a GPU, which rebuilds every MIG GPU of the node
 *   cell     nodes that are alike: the same model, price and states; or, `indexed`, a single node
 *
 * Nothing is lost by this counting except which node a replica lands on: spread over nodes is the only rule that
 * needs it. A replica that stays keeps its slot (same workload, GPU, mode, profile, start); stays are counted by
 * (group, slot) pairs, which is exact because a MIG instance has one tenant; for shared GPUs an outcome fixes who
 * stays.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/fleet.h"
#include "plan/options.h"

struct slot {
    enum fleet_mode mode;
    int model;
    const struct gpu_profile *profile; /* MIG */
    int limit;                         /* shared */
    int64_t memory;                    /* shared */
};

struct use {
    int slot;
    double gives;
    int batch, processes;
    int keep; /* index of the (group, slot) pair, -1: nobody runs there who could stay */
};

struct group {
    int *workloads; /* ascending */
    size_t workload_count;
    bool by_rate, spread;
    bool strict;      /* none of its replicas may move */
    int64_t demand;   /* slots wanted (not by_rate), reserved ones included, fixed replicas not */
    double rate;      /* by_rate: wanted of fresh and staying instances, fixed ones taken off */
    int64_t replicas; /* of the demand, without those reserved */
    int64_t running;  /* replicas that run now and are not fixed; some of them nowhere they could stay */
    double weight;
    struct use *uses;
    size_t use_count;
};

enum outcome_kind { OUTCOME_EMPTY, OUTCOME_KEEP, OUTCOME_MIG, OUTCOME_ALONE, OUTCOME_SHARED };

/* Rows that an outcome adds to: slots first, then keeps from problem.slot_count on. */
struct offer {
    int row, count;
};

struct outcome {
    enum outcome_kind kind;
    bool in_use;
    const struct offer *offers; /* by row */
    size_t offer_count;
};

/* How a state reaches an outcome: MIG: the layout; shared: tenants by slot. */
struct reach {
    enum outcome_kind kind;
    struct layout layout;
};

struct state {
    int model;
    enum fleet_mode mode; /* FLEET_EMPTY: also an empty GPU with MIG off */
    size_t n;
    struct state_place {
        const struct gpu_profile *profile;
        int start, tag; /* a group, or STATE_IDLE (nobody, or nobody who could stay), or STATE_FIXED */
        int slot;       /* of tenants who could stay or are fixed */
        bool required;  /* the outcome must keep it */
    } * at;
};
enum { STATE_IDLE = -1, STATE_FIXED = -2 };

struct block {
    double price;
    const struct outcome *outcomes; /* 0 is OUTCOME_EMPTY unless the GPU must stay in use */
    size_t outcome_count;
};

struct node_mode {
    enum fleet_mode full; /* FLEET_ALONE, FLEET_TIME_SLICING, FLEET_MPS */
    int r;                /* tenants on a GPU at most, shared modes */
    bool change;          /* MIG modes may change: no MIG instance survives */
};

struct cell_mode {
    int mode;          /* index in problem.modes */
    const int *blocks; /* of the cell's GPUs, by position among its states */
};

struct cell {
    const int *nodes; /* ascending */
    size_t node_count;
    int model;
    double price;
    const int *states; /* of one node's GPUs, ascending */
    size_t gpu_count;
    struct cell_mode *modes;
    size_t mode_count;
};

struct problem {
    const struct fleet *fleet;
    const struct options *options;
    struct slot *slots;
    size_t slot_count;
    struct group *groups;
    size_t group_count;
    int *group_of; /* by workload, -1: no replicas are wanted beyond the fixed ones and none run */
    struct state *states;
    size_t state_count;
    int *state_of; /* by GPU */
    struct block *blocks;
    size_t block_count;
    struct keep {
        int group, slot;
    } * keeps;
    size_t keep_count;
    struct node_mode *modes;
    size_t mode_count;
    struct cell *cells;
    size_t cell_count;
    int64_t fixed;  /* replicas that are pinned and fixed */
    bool truncated; /* too many bundles on a shared GPU: the search is then over a part of them */
    bool has_spread, has_running;
    /* Rules that no plan can keep, found on the way: conflict is NULL, or names the smallest conflicting set. */
    const char *conflict;
    const char *conflict_why;
};

/*
 * `blank`: as if nothing ran but what is pinned. Every plan of the fleet is one of the blank fleet, so its least $/h
 * and GPUs are bounds, from a far smaller program: all GPUs of a model and price are alike then.
 */
struct problem *problem_new(const struct fleet *f, const struct options *o, bool blank);
void problem_free(struct problem *p); /* NULL accepted */

/*
 * How a state reaches outcome k of its block in a mode: a layout for MIG (with the instances that may stay at their
 * places), OUTCOME_KEEP for a layout that stays. For shared outcomes the offers say all.
 */
void problem_reach(const struct problem *p, int state, int mode, const struct outcome *want, struct reach *ret);

/* Whether a state's GPU is in MIG mode. An empty GPU is not, unless its layout says `mig: []`. */
static inline bool state_in_mig(const struct state *s)
{
    return s->mode == FLEET_MIG;
}
