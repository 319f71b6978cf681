/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios made in the test, without a file: the published experiment's, and random ones.
 */
#pragma once

#include "check.h"
#include "scenario/scenario.h"

/*
 * The voice pipeline on A100s: configurations dedicated, time-slicing, mig, mps and mig+llm; loads light and heavy. The
 * caller frees it with scenario_free().
 */
struct scenario *make_voice_scenario(void);

/*
 * Any pipeline, any mix of sharing, any load, of a few seconds and users, with profiles whose limits are small enough
 * to be met: queues that fill, KV caches that run out, timeouts that strike. Its one configuration is `random`.
 */
struct scenario *make_random_scenario(struct gen *g);
