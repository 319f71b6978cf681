/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/workers.h"

#include <stddef.h>

void workers_init(struct workers *p, uint32_t count)
{
    *p = (struct workers){.count = count};
}

static void grant(struct workers *p, struct worker_wait *w)
{
    p->taken++;
    w->held = true;
    w->granted(w);
}

static void leave_queue(struct workers *p, struct worker_wait *w)
{
    *(w->prev ? &w->prev->next : &p->head) = w->next;
    *(w->next ? &w->next->prev : &p->tail) = w->prev;
    w->waiting = false;
}

void workers_take(struct workers *p, struct worker_wait *w)
{
    if (p->taken < p->count && !p->head) {
        grant(p, w);
        return;
    }
    w->waiting = true;
    w->next = NULL;
    w->prev = p->tail;
    *(p->tail ? &p->tail->next : &p->head) = w;
    p->tail = w;
}

void workers_leave(struct workers *p, struct worker_wait *w)
{
    if (w->waiting)
        leave_queue(p, w);
    if (!w->held)
        return;
    w->held = false;
    p->taken--;
}

void workers_serve(struct workers *p)
{
    while (p->head && p->taken < p->count) {
        struct worker_wait *w = p->head;
        leave_queue(p, w);
        grant(p, w);
    }
}
