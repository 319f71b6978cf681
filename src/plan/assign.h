/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From counts to GPUs: gives every node its mode, every GPU its outcome, every replica its place.
 *
 * GPUs of a block, places of a slot and workloads of a group are interchangeable, so any choice has the solution's
 * value. Idle GPUs are gathered on as few nodes as can be done greedily. Spread over nodes is followed where the
 * solution is indexed; else replicas of spread workloads take places on nodes of their own as far as there are such,
 * first come first served.
 */
#pragma once

#include "plan/master.h"
#include "plan/plan.h"

/* Fills plan->gpus (owned by the plan). */
void assign(const struct problem *p, const struct solution *s, struct plan *plan);

/* Every demand placed, and spread kept? Places that are missing or on one node mean that the solution has to be found
 * by node. */
bool assign_complete(const struct fleet *f, const struct options *o, const struct plan *plan);

/*
 * Places what a spread workload still lacks on nodes that it is not on yet: idle MIG instances first, then unused
 * GPUs that are in MIG mode. Costs GPUs or moves that the search by nodes might save; assign_complete() says whether
 * it was enough.
 */
void assign_mend(const struct fleet *f, const struct options *o, struct plan *plan);

/* Numbers replicas, pairs those that leave with those that come, and counts: moves, GPUs, cost. */
void assign_moves(struct plan *plan);
