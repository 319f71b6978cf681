/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scenario's configurations held against each other in virtual time.
 *
 * Every configuration meets every load `repetitions` times; repetition r of all of them draws from
 * the same random numbers, so that differences are paired. Runs are spread over the cores; what
 * comes out does not depend on how many there are.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "load/record.h"
#include "load/result.h"
#include "scenario/scenario.h"
#include "sim/run.h"

struct compare_spec {
    const struct scenario *scenario;
    const char *const *configurations; /* names, NULL-terminated; NULL: all */
    const char *const *loads; /* names, NULL-terminated; NULL: those the scenario compares */
    const char *against;      /* for the verdict; NULL: it chooses */
    uint64_t seed;
    unsigned repetitions; /* at least 1 */
    unsigned threads;     /* 0: one a core */
    bool headroom;        /* search the most users that meet the objectives, too */
    bool verdict;
    const atomic_int *stop; /* non-zero: start nothing more, keep what is done; may be NULL */
    void (*progress)(void *arg, double done); /* 0..1, from any thread; may be NULL */
    void *progress_arg;
    /* Called after everything ran, for each finished run, in order; may be NULL. For --out. */
    void (*each)(void *arg, const char *configuration, const char *load, unsigned repetition,
                 const struct run *run);
    turn_sink *(*sink)(void *arg, const char *configuration, const char *load, unsigned repetition,
                       void **ret_sink_arg);
    void *each_arg;
};

enum { COMPARE_MAX_REPETITIONS = 1000 };

/* The comparison, the caller's to free; interrupted: with what was done. On error NULL. */
struct comparison *compare_run(const struct compare_spec *spec, struct err *err);
