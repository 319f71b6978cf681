/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of threads that calls hold for as long as they last, first come, first served: the
 * published gateway's min(32, cores + 4). The streaming pipeline needs none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct worker_wait {
    void (*granted)(struct worker_wait *w); /* perhaps from within workers_take() */
    struct worker_wait *next, *prev;        /* the pool's */
    bool waiting, held;
};

struct workers {
    uint32_t count, taken;
    struct worker_wait *head, *tail;
};

void workers_init(struct workers *p, uint32_t count);
void workers_take(struct workers *p, struct worker_wait *w); /* not while it waits or holds */

/*
 * Ends waiting or holding; harmless otherwise. Nobody is granted what has become free before
 * workers_serve(), so that who gives up several can do so before others act.
 */
void workers_leave(struct workers *p, struct worker_wait *w);
void workers_serve(struct workers *p);
