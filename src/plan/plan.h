/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: what every GPU of a fleet is to carry, and how that was arrived at.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/fleet.h"
#include "plan/options.h"

struct plan_place {
    const struct gpu_profile *profile; /* MIG */
    int start;
    int workload;         /* FLEET_NONE: idle */
    int64_t replica;      /* of the workload, from 0; -1 for idle and reserved places */
    bool reserved;        /* kept free for the workload */
    bool stays;           /* the replica runs here now and is not touched */
    int batch, processes; /* 0: not said */
};

struct plan_gpu {
    enum fleet_mode mode;
    bool keeps_layout; /* MIG: its present instances stand as they are */
    uint16_t n;
    struct plan_place *places;
};

/* A replica on its way. From nowhere: new. To nowhere: retired. */
struct plan_move {
    int workload;
    int64_t replica;          /* -1: retired */
    int64_t from, to;         /* GPUs, -1 */
    int from_place, to_place; /* indices there */
};

struct plan_value {
    double value, bound;
    bool proven;
};

struct plan_point {
    int64_t gpus, moves;
    bool proven;
};

struct plan {
    const struct fleet *fleet;
    bool feasible, known;    /* known false: the time ran out before anything was found */
    struct plan_gpu *gpus;   /* by GPU; owned */
    struct plan_move *moves; /* by workload, then replica; owned */
    size_t move_count;
    int64_t gpus_before, gpus_after, gpus_bound;
    bool gpus_proven;
    int64_t moves_done, moves_bound; /* replicas that run now and do not stay */
    bool moves_proven;
    bool priced;
    struct plan_value cost;      /* $/h, the first objective where prices differ */
    struct plan_value weighted;  /* moves by weight */
    struct plan_point *frontier; /* owned */
    size_t frontier_count;
    char *conflict;     /* infeasible: the smallest set of rules that no plan can keep; owned */
    char *conflict_why; /* owned */
    struct plan_search {
        size_t states, blocks, cells, columns, rows;          /* of the program by counts */
        bool by_node;                                         /* spread made it go by single nodes */
        double counting, cost, gpus, moves, spread, frontier; /* seconds */
    } search;
    double solve_seconds;
};

struct plan_limits {
    double seconds; /* 0: none */
    const atomic_int *stop;
    bool frontier; /* with what lies between the points */
};

/* Plans. An infeasible fleet is no error: plan->feasible says so. */
struct plan *plan_make(const struct fleet *f, const struct options *o, const struct plan_limits *limits,
                       struct err *err);
void plan_free(struct plan *p); /* NULL accepted */

bool plan_in_use(const struct plan_gpu *g); /* carries a replica or a reserved place */
bool fleet_in_use(const struct fleet_gpu *g);
