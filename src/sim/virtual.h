/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual world: a deterministic event heap.
 *
 * Events run in the order (time, sequence of starting); ties therefore run in the order they were asked
 * for, on every machine. The time stands still while an event runs.
 */
#pragma once

#include <stdbool.h>

#include "base/world.h"

struct virtual_world;

struct virtual_world *virtual_new(void);
void virtual_free(struct virtual_world *v); /* NULL accepted; running timers are forgotten */
struct world *virtual_world(struct virtual_world *v);

/* Runs the earliest event; false when there is none at or before `until` (the time is then unchanged). */
bool virtual_step(struct virtual_world *v, int64_t until);

/* Runs events until none is left at or before `until`, then sets the time to it. Returns how many ran. */
uint64_t virtual_run(struct virtual_world *v, int64_t until);

uint64_t virtual_events(const struct virtual_world *v); /* events run since the start */
