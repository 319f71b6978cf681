/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's CPU: a quota of `cores`, work done first come, first served.
 *
 * A model of a container with a CPU limit. A job runs on one thread; there are as many threads as
 * the quota has cores, rounded up, and they share it evenly, so a job of c ns of one core takes c *
 * threads / cores: on half a core 2c, on two cores c, on 1.5 cores 4/3 c. A quota is a slower
 * processor here, not the kernel's 100 ms periods of running and throttling. In the real world the
 * CPU is the real one: cores is 0 there, and then a job runs at once, whatever it says that it
 * costs.
 *
 * Jobs are embedded in their owners; the queue has no memory of its own and is as bounded as they
 * are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/world.h"

enum { CPU_MAX_THREADS = 64 }; /* a larger quota is used to this many cores */

struct cpu_job {
    void (*run)(struct cpu_job *j); /* when the work is done */
    struct cpu_job *next, *prev;    /* the queue's */
    struct cpu_thread *on;          /* works on it; NULL: it waits, or is not queued */
    int64_t cost;                   /* ns of one core */
    bool queued;                    /* waits or is worked on */
};

struct cpu_thread {
    struct timer timer;
    struct cpu *cpu;
    struct cpu_job *job; /* NULL: idle */
    int64_t from;
};

struct cpu {
    struct world *world;
    double cores;
    uint32_t threads, working;
    struct cpu_job *head, *tail; /* waiting */
    double busy;                 /* ns of full use by jobs that are over */
    struct cpu_thread thread[CPU_MAX_THREADS];
};

void cpu_init(struct cpu *c, struct world *w, double cores);
void cpu_done(struct cpu *c); /* drops what is queued */

/* `cost` ns of work, then job->run. At once, without an event, when it is free and nothing waits. */
void cpu_run(struct cpu *c, struct cpu_job *job, int64_t cost);

/* Takes a queued job back, what is left of its work too; harmless on one that is not queued. */
void cpu_cancel(struct cpu *c, struct cpu_job *job);

double cpu_busy(const struct cpu *c);       /* ns of full use of the quota, as of now */
const char *cpu_check(const struct cpu *c); /* the broken invariant, or NULL */
