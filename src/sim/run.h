/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run: a load on a configuration of a scenario, once, in virtual time.
 *
 * A run depends on nothing but its spec: the same spec gives the same bytes, and two configurations
 * under the same seed meet the same users saying the same things at the same times (common random
 * numbers).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "load/client.h"
#include "load/record.h"
#include "scenario/scenario.h"

struct run_spec {
    const struct scenario *scenario;
    const struct scenario_configuration *configuration;
    const struct scenario_load *load;
    const struct stock *stock; /* of sentences, shared between runs */
    uint64_t seed;
    unsigned users;        /* instead of the load's; 0: the load's own */
    int64_t ramp_up, hold; /* ns, instead of the load's; 0: the load's own */
    bool check;            /* invariants after every event (slow) */
    bool samples;          /* keep the samples below */
    turn_sink *sink;       /* every turn as it ends; may be NULL */
    void *sink_arg;
    const atomic_int
        *stop; /* non-zero: end now, as soon as the present second is over; may be NULL */
};

/* Once a second of the whole run: the mean use of each resource over that second, then the two
 * counts. */
struct run_samples {
    size_t columns, rows, cap;
    const char **names;               /* of the columns, in the run's arena */
    double *values;                   /* row by row; owned */
    size_t tenant_from, tenant_count; /* columns that are a tenant's own busy time */
};

struct run_tenant { /* of the samples' tenant columns */
    size_t gpu, slot;
    const char *workload;
};

struct run {
    struct arena *arena;
    struct recorder *recorder;
    struct client **clients; /* one per request stream of the load */
    size_t client_count;

    /* Over the hold phase. */
    double **share_busy;    /* [gpu][slot], fraction */
    int64_t **share_memory; /* [gpu][slot], bytes */
    const char **use_names;
    double *use; /* mean fraction used */
    bool *use_hard;
    size_t use_count;

    struct run_samples samples;
    const struct run_tenant *tenants;
    int64_t hold_from, hold_until, end; /* ns */
    uint64_t events;
    bool interrupted;
};

/* ERR_INPUT where the configuration cannot be deployed, ERR_INVALID with the broken invariant under
 * `check`. */
struct run *run_new(const struct run_spec *spec, struct err *err);
void run_free(struct run *r); /* NULL accepted */
