/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's CPU: `cores` of it, work done first come, first served.
 *
 * A model of a container with a CPU limit: work of c ns of one core occupies the whole quota for c / cores ns, as the
 * kernel's bandwidth control makes it over its 100 ms periods. In the real world the CPU is the real one: cores is 0 there, and
 * then a job runs at once, whatever it says that it costs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/world.h"

struct cpu_job {
    void (*run)(struct cpu_job *j); /* when the work is done */
    struct cpu_job *next, *prev;    /* the queue's */
    int64_t cost;                   /* ns of one core */
    bool queued;
};

struct cpu {
    struct world *world;
    double cores;
    struct timer timer;
    struct cpu_job *head, *tail; /* the head is being worked on */
    int64_t head_from;
    double busy; /* ns of full use by finished jobs */
};

void cpu_init(struct cpu *c, struct world *w, double cores);
void cpu_done(struct cpu *c); /* drops what is queued */

/* Does `cost` ns of work, then job->run. At once, without an event, when it costs nothing and nothing is queued. */
void cpu_run(struct cpu *c, struct cpu_job *job, int64_t cost);

/* Takes a queued job back, what is left of its work too; harmless on one that is not queued. */
void cpu_cancel(struct cpu *c, struct cpu_job *job);

double cpu_busy(const struct cpu *c); /* ns of full use, as of now */
