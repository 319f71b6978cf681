/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way for a fleet where nothing runs, of one GPU model at one price, all MIG, without spread: the pattern
 * program's own core (plan/pattern.h), without a solver.
 */
#pragma once

#include "plan/master.h"

/* True with a solution and its values when the fleet is of that kind and the optimum is proven. */
bool quick_solve(const struct problem *p, struct solution *ret, struct master_result *result);
