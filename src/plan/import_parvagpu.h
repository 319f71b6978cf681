/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ParvaGPU's scenarios (SC'24; profiles/MODEL.csv, slo_latency.csv, slo_req_rate.csv) as a Fleet.
 *
 * As that paper's configurator counts: objectives and rates are truncated to whole numbers, a row counts when its
 * latency is strictly under objective / 2 * 0.9, throughput is per process, at most `processes` of them; of a MIG
 * size's rows the one with the most throughput is its option.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct parvagpu_request {
    const char *dir;
    int scenario;                     /* 1 .. 6: the line of the slo files */
    int processes;                    /* at most; 5 in the tables, 3 in the paper's text */
    double rate_times, latency_times; /* 1: as they stand */
    int nodes;                        /* of 8 A100-SXM4-80GB; 0: as many as 7g instances for every rate would need */
};

/* One model's options at its objective. */
struct parvagpu_model {
    char name[64];
    double rate;     /* requests/s */
    double limit_ms; /* latency of a row strictly below */
    struct {
        double throughput; /* of all processes, 0: no row */
        int batch, processes;
    } size[8]; /* by compute slices */
};
enum { PARVAGPU_MODELS = 11 };

/* Reads a scenario's models; those that are not in it are left out. Returns how many, or -1. */
int parvagpu_read(const struct parvagpu_request *r, struct parvagpu_model ret[PARVAGPU_MODELS], struct err *err);

int import_parvagpu(const struct parvagpu_request *r, struct buf *out, struct err *err);
