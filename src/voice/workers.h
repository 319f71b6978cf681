/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of threads that calls hold for as long as they last, first come, first served: the published gateway's
 * min(32, cores + 4). The streaming pipeline needs none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct worker_wait {
    void (*granted)(struct worker_wait *w); /* may be called from within workers_take() */
    struct worker_wait *next, *prev;        /* the pool's */
    bool waiting, held;
};

struct workers {
    uint32_t count, taken;
    struct worker_wait *head, *tail;
};

void workers_init(struct workers *p, uint32_t count);
void workers_take(struct workers *p, struct worker_wait *w); /* not while it waits or holds */
void workers_give(struct workers *p, struct worker_wait *w); /* ends waiting or holding; harmless otherwise */
