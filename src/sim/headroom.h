/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headroom: the most users with whom a configuration still meets its objectives, by doubling and
 * bisection.
 *
 * A probe is one short run of the load with another number of users: 30 s of ramp-up and 120 s of
 * hold, the same conversations for the users that two probes share. The answer is exact to 1 user
 * or 2 %, whichever is more, as far as one run can tell; every probe is a point of the
 * users-against-latency curve.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/mem.h"
#include "load/result.h"
#include "scenario/scenario.h"

struct stock;

enum { HEADROOM_MAX_USERS = 4096 };

/*
 * Fills the headroom and curve fields of *ret, texts and points in `arena`. Nothing is found when
 * *stop is set meanwhile.
 */
void headroom_search(const struct scenario *s, const struct scenario_configuration *c,
                     const struct scenario_load *load, const struct stock *stock, uint64_t seed,
                     const atomic_int *stop, struct arena *arena, struct configuration_result *ret);
