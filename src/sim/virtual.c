/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/virtual.h"

#include <assert.h>

#include "base/mem.h"

/* The keys stand beside the pointer, so that sifting touches no owner's memory. */
struct entry {
    int64_t at;
    uint64_t seq;
    struct timer *timer;
};

struct virtual_world {
    struct world world;
    struct entry *heap; /* 1-based, four children a node: child i of n is 4n-2+i */
    size_t cap;
    uint32_t count;
    bool vacant; /* the root is the event that is running: earlier than all, and the place for what it starts */
    uint64_t seq, events;
};

static struct virtual_world *self(struct world *w)
{
    return CONTAINER_OF(w, struct virtual_world, world);
}

static bool earlier(const struct entry *a, const struct entry *b)
{
    return a->at < b->at || (a->at == b->at && a->seq < b->seq);
}

static void put(struct virtual_world *v, uint32_t i, const struct entry *e)
{
    v->heap[i] = *e;
    e->timer->slot = i;
}

static void sift_up(struct virtual_world *v, uint32_t i, const struct entry *e)
{
    while (i > 1) {
        uint32_t parent = (i + 2) / 4;
        if (!earlier(e, &v->heap[parent]))
            break;
        put(v, i, &v->heap[parent]);
        i = parent;
    }
    put(v, i, e);
}

static void sift_down(struct virtual_world *v, uint32_t i, const struct entry *e)
{
    for (;;) {
        uint32_t first = 4 * i - 2, last = first + 3, best = first;
        if (first > v->count)
            break;
        if (last > v->count)
            last = v->count;
        for (uint32_t c = first + 1; c <= last; c++)
            if (earlier(&v->heap[c], &v->heap[best]))
                best = c;
        if (!earlier(&v->heap[best], e))
            break;
        put(v, i, &v->heap[best]);
        i = best;
    }
    put(v, i, e);
}

static void move(struct virtual_world *v, uint32_t i, const struct entry *e)
{
    if (i > 1 && earlier(e, &v->heap[(i + 2) / 4]))
        sift_up(v, i, e);
    else
        sift_down(v, i, e);
}

static void start(struct world *w, struct timer *t, int64_t at)
{
    struct virtual_world *v = self(w);
    struct entry e = {.at = at > w->now ? at : w->now, .seq = ++v->seq, .timer = t};

    if (t->slot) {
        move(v, t->slot, &e);
        return;
    }
    if (v->vacant) {
        v->vacant = false;
        sift_down(v, 1, &e);
        return;
    }
    assert(v->count < UINT32_MAX / 8);
    GROW(v->heap, v->cap, (size_t)v->count + 2);
    v->count++;
    sift_up(v, v->count, &e);
}

static void stop(struct world *w, struct timer *t)
{
    struct virtual_world *v = self(w);
    uint32_t i = t->slot;
    struct entry last = v->heap[v->count];

    t->slot = 0;
    v->count--;
    if (i <= v->count)
        move(v, i, &last);
}

static const struct world_ops virtual_ops = {.timer_start = start, .timer_stop = stop};

struct virtual_world *virtual_new(void)
{
    struct virtual_world *v = xcalloc(1, sizeof *v);

    v->world.ops = &virtual_ops;
    return v;
}

void virtual_free(struct virtual_world *v)
{
    if (!v)
        return;
    free(v->heap);
    free(v);
}

struct world *virtual_world(struct virtual_world *v)
{
    return &v->world;
}

/*
 * Most events start another soon: their entry stays at the root while they run, so that the new one sinks from there
 * a little instead of the last one all the way.
 */
bool virtual_step(struct virtual_world *v, int64_t until)
{
    struct timer *t;

    if (v->count == 0 || v->heap[1].at > until)
        return false;
    t = v->heap[1].timer;
    v->world.now = v->heap[1].at;
    t->slot = 0;
    v->vacant = true;
    v->events++;
    t->fire(t);
    if (v->vacant) {
        struct entry last = v->heap[v->count];
        v->vacant = false;
        if (--v->count > 0)
            sift_down(v, 1, &last);
    }
    return true;
}

uint64_t virtual_run(struct virtual_world *v, int64_t until)
{
    uint64_t before = v->events;

    while (virtual_step(v, until))
        ;
    if (until > v->world.now && until != TIME_NEVER)
        v->world.now = until;
    return v->events - before;
}

uint64_t virtual_events(const struct virtual_world *v)
{
    return v->events;
}
