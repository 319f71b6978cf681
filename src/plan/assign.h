/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From counts to GPUs: gives every node its mode, every GPU its outcome, every replica its place.
 *
 * GPUs of a block, places of a slot and workloads of a group are interchangeable, so any choice has the solution's value. Idle
 * GPUs are gathered on as few nodes as can be done greedily. Spread over nodes is not looked at here unless
 * the solution is indexed; assign_spread_ok() says whether it came out right, and assign_spread() mends what it can by exchanging
 * replicas between places of one slot (a flow).
 */
#pragma once

#include "plan/master.h"
#include "plan/plan.h"

/* Fills plan->gpus (owned by the plan). */
void assign(const struct problem *p, const struct solution *s, struct plan *plan);

bool assign_spread_ok(const struct fleet *f, const struct plan *plan);

/* Numbers replicas, pairs those that leave with those that come, and counts: moves, GPUs, cost. */
void assign_moves(struct plan *plan);
