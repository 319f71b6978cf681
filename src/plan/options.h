/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways in which each workload may be served: explicit (`fits`), from a measured table, or derived from its
 * memory; and every way that was refused, with the reason.
 *
 * - `fits` is taken at its word; isolation strikes time-slicing and MPS out, a model without the profile refuses it.
 *   Of several options for one place (say, two limits of time-slicing) the one that gives most counts, then the
 * larger limit.
 * - A measured table gives one option for every MIG size that has rows strictly below the latency objective: of those
 *   rows the one with the most throughput (of all its processes), on the plain profile with as many compute slices.
 * - Without either, every plain MIG profile whose memory is 1.1 times the need or more, and a whole GPU likewise;
 * sharing is refused, as nothing says what a neighbour would do to it.
 */
#pragma once

#include "base/err.h"
#include "plan/fleet.h"

struct way {
    enum fleet_mode mode;
    int model;                         /* index in fleet.models */
    const struct gpu_profile *profile; /* MIG */
    int limit;                         /* time-slicing, MPS */
    double gives;                      /* requests/s where the workload has a rate, else 1 */
    int batch, processes;              /* 0: not said */
};

struct refusal {
    int workload;
    const char *option, *why;
};

struct options {
    struct ways {
        struct way *at;
        size_t n;
    } * of; /* by workload */
    struct refusal *refused;
    size_t refused_count;
};

/* Never fails on account of a workload that nothing can hold: it has no ways then, and refusals. */
struct options *options_derive(const struct fleet *f);
void options_free(struct options *o); /* NULL accepted */
