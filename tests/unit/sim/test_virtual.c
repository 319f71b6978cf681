/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/virtual.h"

#include "base/mem.h"
#include "check.h"

struct item {
    struct timer timer;
    int64_t at;
    int order; /* of starting */
};

struct log {
    struct world *w;
    struct item *seen[4096];
    size_t n;
} trace;

static void fire(struct timer *t)
{
    struct item *i = CONTAINER_OF(t, struct item, timer);

    CHECK_EQ(trace.w->now, i->at);
    trace.seen[trace.n++] = i;
}

PROPERTY(events_run_in_order_of_time_then_start, 500)
{
    size_t n = gen_size(g, 300);
    struct virtual_world *v = virtual_new();
    struct item *items = xcalloc(n + 1, sizeof *items);
    int order = 0;
    size_t stopped = 0;

    trace = (struct log){.w = virtual_world(v)};
    for (size_t i = 0; i < n; i++)
        items[i].timer.fire = fire;
    for (size_t step = 0; n && step < 3 * n; step++) { /* start, restart and stop at random */
        struct item *i = &items[rng_below(&g->rng, n)];
        if (rng_below(&g->rng, 4) == 0) {
            timer_stop(trace.w, &i->timer);
            continue;
        }
        i->at = gen_range(g, 0, 50);
        i->order = order++;
        timer_start(trace.w, &i->timer, i->at);
    }
    for (size_t i = 0; i < n; i++)
        stopped += !timer_running(&items[i].timer);
    virtual_run(v, 1000);
    CHECK_EQ(trace.n + stopped, n);
    for (size_t i = 1; i < trace.n; i++) {
        const struct item *a = trace.seen[i - 1], *b = trace.seen[i];
        CHECK(a->at < b->at || (a->at == b->at && a->order < b->order));
    }
    CHECK_EQ(trace.w->now, 1000);
    free(items);
    virtual_free(v);
}

TEST(a_past_time_means_now_and_until_is_kept)
{
    struct virtual_world *v = virtual_new();
    struct item i = {.timer = {.fire = fire}, .at = 100};

    trace = (struct log){.w = virtual_world(v)};
    CHECK(!virtual_step(v, 10));
    virtual_run(v, 100);
    timer_start(trace.w, &i.timer, 5);
    CHECK(virtual_step(v, 100));
    CHECK_EQ(trace.n, 1);
    virtual_free(v);
}
