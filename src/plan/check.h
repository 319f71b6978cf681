/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a plan from scratch: reads the Plan's JSON and the Fleet, and recomputes everything that the plan states.
 * Shares no code with the search; of the fleet it uses what was read, of the catalogue the placements.
 *
 * Looked at: every layout (starts, overlaps, counts), modes beside each other on a node, options of every placement,
 * memory and tenants of shared GPUs, demand and headroom, spread, pinned, spare; GPUs, moves, cost and freed nodes as
 * stated; bounds against values and against what must hold of any plan; the steps: every move once, in an order that
 * never takes a workload below its allowance nor two replicas into one place, ending in the placements.
 */
#pragma once

#include <stddef.h>

#include "base/doc.h"
#include "plan/fleet.h"

enum { CHECK_FINDINGS_MAX = 100 };

struct findings {
    char *at[CHECK_FINDINGS_MAX]; /* owned */
    size_t n;                     /* all of them, also those beyond the array */
    size_t placements, steps;     /* that were looked at */
};

/* Returns 0 with the findings (none: the plan holds), -1 when the document is no Plan. */
int check_plan(const struct fleet *f, const struct doc_node *plan, struct findings *ret, struct err *err);
void findings_done(struct findings *r);
#define cleanup_findings __attribute__((cleanup(findings_done)))
