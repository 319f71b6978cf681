/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the runs of one load on one configuration to its load_result: what the recorders know
 * (load/result.h) and what only the driver knows: GPUs, the limiting resource, the timeline, the
 * objectives.
 */
#pragma once

#include <stddef.h>

#include "load/result.h"
#include "scenario/scenario.h"
#include "sim/run.h"

/* `runs` are n >= 0 finished runs of the same configuration and load. Everything in *ret lives in
 * `arena`. */
void outcome_fill(struct load_result *ret, struct arena *arena, const struct scenario *s,
                  const struct scenario_configuration *c, const struct scenario_load *load,
                  unsigned users, const struct run *const *runs, size_t n);

/*
 * What ran short in a run that missed its objectives, in `arena`: the hard capacity used most where
 * bursts can have met its end (half of it in use on average), else the busiest GPU share.
 */
const char *outcome_scarce(struct arena *arena, const struct scenario *s,
                           const struct scenario_configuration *c, const struct run *run);
