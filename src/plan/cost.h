/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bill of the GPUs in use, and who it is for: workloads + idle + stranded = bill, to the micro-dollar.
 *
 * A MIG instance costs its memory slices' part of the GPU. An instance without a replica, and one that is reserved, is
 * idle; slices in no instance are stranded. Tenants of a shared GPU split it evenly. GPUs not in use are in no bill.
 */
#pragma once

#include "plan/plan.h"

enum { COST_UNIT = 1000000 }; /* of int64_t amounts: micro-dollars an hour */

struct cost {
    int64_t bill, idle, stranded;
    int64_t *workloads; /* by workload; owned */
    int64_t *nodes;     /* bill by node; owned */
};

void cost_before(const struct fleet *f, struct cost *ret);
void cost_after(const struct plan *p, struct cost *ret);
void cost_done(struct cost *c);
#define cleanup_cost __attribute__((cleanup(cost_done)))
