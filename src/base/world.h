/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world a state machine lives in: the time, and timers.
 *
 * The core (gpu, serve, voice, load) is pure: state machines that take events and ask for effects. What
 * they ask of the world is this vtable; what they ask of each other goes through typed ports
 * (serve/service.h, voice/session.h), which have the same two implementations. Two worlds implement it:
 *   virtual  sim/virtual.h: a deterministic event heap, the time jumps from event to event
 *   real     a libuv loop and CLOCK_MONOTONIC (`now` is read once per loop turn)
 * No state machine may behave differently in the two.
 *
 * Randomness is not asked of the world: every consumer owns a seeded stream (base/rng.h).
 */
#pragma once

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)
#define TIME_NEVER INT64_MAX /* a stamp of what has not happened */

/*
 * A timer is embedded in its owner, who finds himself again with CONTAINER_OF. It must be idle (never
 * started, fired or stopped) before its memory goes.
 */
struct timer {
    void (*fire)(struct timer *t); /* set once by the owner */
    uint32_t slot;                 /* the world's: 0 while idle */
};

struct world;

struct world_ops {
    /* Fires t at `at` ns (at once, after the events already due, if that is past); restarts a running one. */
    void (*timer_start)(struct world *w, struct timer *t, int64_t at);
    /* Stops t; harmless on an idle one. */
    void (*timer_stop)(struct world *w, struct timer *t);
};

struct world {
    const struct world_ops *ops;
    int64_t now; /* ns since the start of the run; never goes back */
};

static inline void timer_start(struct world *w, struct timer *t, int64_t at)
{
    w->ops->timer_start(w, t, at);
}

static inline void timer_stop(struct world *w, struct timer *t)
{
    if (t->slot)
        w->ops->timer_stop(w, t);
}

static inline int timer_running(const struct timer *t)
{
    return t->slot != 0;
}
