/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/infer.h"

#include "rig.h"

static struct profile profile_batch(double most)
{
    struct profile p = plain_profile(PROFILE_INFER, 1 << 30);

    p.infer.max_batch = most;
    p.infer.host = 5e6;
    p.infer.compute = 1e6;
    return p;
}

static const char *check_infer(const void *s)
{
    return infer_server_check(s);
}

struct client {
    struct infer_call call;
    struct world *w;
    int64_t end_at;
    int ends;
    enum serve_status status;
};

static void on_end(struct infer_call *call, enum serve_status status)
{
    struct client *c = CONTAINER_OF(call, struct client, call);

    CHECK_EQ(c->ends, 0);
    c->ends = 1;
    c->status = status;
    c->end_at = c->w->now;
}

static const struct infer_events events = {.end = on_end};

static void ask(struct client *c, struct rig *r, struct infer_server *s, uint32_t items)
{
    c->call = (struct infer_call){.on = &events, .items = items};
    c->w = r->w;
    infer_server_service(s)->ops->submit(infer_server_service(s), &c->call);
    CHECK_EQ(c->ends, 0);
}

static struct infer_server *serve(struct rig *r, const struct profile *p)
{
    struct err err = {0};
    struct infer_server *s = infer_server_new(r->w, "infer", p, &r->place, &err);

    CHECK_STR(err.msg, "");
    return s;
}

TEST(requests_share_a_step_up_to_the_batch)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_batch(4);
    struct infer_server *s = serve(&r, &p);
    struct client c[6] = {0};

    for (int i = 0; i < 6; i++)
        ask(&c[i], &r, s, 1);
    rig_run(&r, check_infer, s, NS_PER_S);
    CHECK_EQ(c[0].end_at, 6 * NS_PER_MS);
    for (int i = 1; i < 5; i++)
        CHECK_EQ(c[i].end_at, (6 + 9) * NS_PER_MS);
    CHECK_EQ(c[5].end_at, (6 + 9 + 6) * NS_PER_MS);
    infer_server_free(s);
    rig_free(&r);
}

PROPERTY(any_load_keeps_the_invariants, 300)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_batch((double)gen_range(g, 1, 8));
    size_t n = gen_size(g, 60);
    struct client *c = xcalloc(n + 1, sizeof *c);
    struct infer_server *s;
    struct infer_stats stats;

    p.infer.queue = (double)gen_range(g, 0, 30);
    p.infer.front = gen_real(g, 0, 5e6);
    s = serve(&r, &p);
    for (size_t i = 0; i < n; i++) {
        ask(&c[i], &r, s, (uint32_t)gen_range(g, 0, 12));
        if (gen_bool(g))
            rig_run(&r, check_infer, s, r.w->now + gen_range(g, 0, 30 * NS_PER_MS));
        if (rng_below(&g->rng, 4) == 0) {
            struct client *victim = &c[rng_below(&g->rng, i + 1)];
            if (victim->ends == 0) {
                infer_server_service(s)->ops->cancel(infer_server_service(s), &victim->call);
                victim->ends = -1;
            }
        }
    }
    rig_run(&r, check_infer, s, r.w->now + 100 * NS_PER_S);
    infer_server_stats(s, &stats);
    for (size_t i = 0; i < n; i++)
        CHECK_NE(c[i].ends, 0);
    CHECK_EQ(stats.running + stats.waiting + stats.arriving, 0);
    infer_server_free(s);
    rig_free(&r);
    free(c);
}
