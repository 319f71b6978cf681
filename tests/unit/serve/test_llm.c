/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/llm.h"

#include "rig.h"

/* An 8B model in BF16: 8 ms of weights, a token 0.1 ms of compute, a context token 100 ns. */
static struct profile profile_8b(double blocks)
{
    struct profile p = plain_profile(PROFILE_LLM, 0);

    p.llm.weights = 16e9;
    p.llm.runtime = 1e9;
    p.llm.kv_token = 131072;
    p.llm.flops_token = 1e10;
    p.llm.peak_flops = 1e14;
    p.llm.compute_efficiency = 1;
    p.llm.peak_bandwidth = 2e12;
    p.llm.memory_efficiency = 1;
    p.llm.kv_efficiency = 0.65536;
    p.need = p.reserve = (int64_t)(17e9 + blocks * p.llm.kv_block * p.llm.kv_token + 1e5);
    return p;
}

static const char *check_llm(const void *l)
{
    return llm_server_check(l);
}

struct client {
    struct llm_call call;
    struct world *w;
    int64_t asked, first, last;
    uint32_t tokens, bytes;
    int ends;
    enum serve_status status;
    struct client *cancel_at_first; /* another one to cancel from inside its first token's event */
    struct llm_service *service;
};

static void on_tokens(struct llm_call *call, uint32_t count, const char *text, uint32_t n)
{
    struct client *c = CONTAINER_OF(call, struct client, call);

    CHECK_EQ(c->ends, 0);
    CHECK((text != NULL) == (call->script != NULL));
    if (c->tokens == 0)
        c->first = c->w->now;
    c->last = c->w->now;
    c->tokens += count;
    c->bytes += n;
    if (c->tokens == 1 && c->cancel_at_first && c->cancel_at_first->ends == 0) {
        c->service->ops->cancel(c->service, &c->cancel_at_first->call);
        c->cancel_at_first->ends = -1;
    }
}

static void on_end(struct llm_call *call, enum serve_status status)
{
    struct client *c = CONTAINER_OF(call, struct client, call);

    CHECK_EQ(c->ends, 0); /* never twice, never after cancel */
    c->ends = 1;
    c->status = status;
}

static const struct llm_events events = {.tokens = on_tokens, .end = on_end};

static void ask(struct client *c, struct rig *r, struct llm_server *l, uint32_t prompt, uint32_t output)
{
    c->call = (struct llm_call){.on = &events, .prompt_tokens = prompt, .max_tokens = output};
    c->w = r->w;
    c->asked = r->w->now;
    c->service = llm_server_service(l);
    c->service->ops->submit(c->service, &c->call);
    CHECK_EQ(c->ends, 0);
}

static struct llm_server *serve(struct rig *r, const struct profile *p)
{
    struct err err = {0};
    struct llm_server *l = llm_server_new(r->w, "llm", p, &r->place, &err);

    CHECK_STR(err.msg, "");
    return l;
}

TEST(one_request_takes_its_prefill_and_its_decode_steps)
{
    struct rig r = rig_new(INT64_C(80) << 30);
    struct profile p = profile_8b(1000);
    struct llm_server *l;
    struct client c = {0};

    p.llm.front = 1e6;
    l = serve(&r, &p);
    ask(&c, &r, l, 100, 11);
    rig_run(&r, check_llm, l, NS_PER_S);
    CHECK_EQ(c.ends, 1);
    CHECK_EQ(c.status, SERVE_OK);
    CHECK_EQ(c.tokens, 11);
    CHECK_NEAR((double)c.first / 1e6, 1 + 11.98, 0.02); /* (8^2.5 + 10^2.5)^(1/2.5) ms */
    CHECK_NEAR((double)(c.last - c.first) / 10e6, 8.01, 0.02);
    llm_server_free(l);
    rig_free(&r);
}

TEST(the_step_leaves_the_bandwidth_bound_regime)
{
    double itl[3];
    unsigned batch[3] = {1, 8, 800};

    for (int k = 0; k < 3; k++) {
        struct rig r = rig_new(INT64_C(80) << 30);
        struct profile p = profile_8b(100000);
        struct llm_server *l;
        struct client *c = xcalloc(batch[k], sizeof *c);

        p.need = p.reserve = INT64_C(70) << 30;
        p.llm.max_sequences = 1000;
        p.llm.token_budget = 100000;
        l = serve(&r, &p);
        for (unsigned i = 0; i < batch[k]; i++)
            ask(&c[i], &r, l, 10, 300);
        rig_run(&r, check_llm, l, 300 * NS_PER_S);
        itl[k] = (double)(c[0].last - c[0].first) / 299e6;
        llm_server_free(l);
        rig_free(&r);
        free(c);
    }
    CHECK_NEAR(itl[1] / itl[0], 1, 0.02);  /* flat: the weights are read once for all */
    CHECK_NEAR(itl[2], 80 + 800 * 160 * 1e-4, 6); /* 800 * 0.1 ms and the KV cache: linear */
}

TEST(preemption_keeps_every_token)
{
    struct rig r = rig_new(INT64_C(80) << 30);
    struct profile p = profile_8b(40); /* 640 tokens for 8 calls of 200 */
    struct llm_server *l = serve(&r, &p);
    struct client c[8] = {0};
    struct llm_stats s;

    for (int i = 0; i < 8; i++)
        ask(&c[i], &r, l, 50, 150);
    rig_run(&r, check_llm, l, 100 * NS_PER_S);
    llm_server_stats(l, &s);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(c[i].ends, 1);
        CHECK_EQ(c[i].tokens, 150);
    }
    CHECK_LT(0, s.preemptions);
    CHECK_EQ(s.blocks_used, 0);
    CHECK_LE(s.blocks_peak, 40);
    CHECK_EQ(s.tokens, 8 * 150);
    llm_server_free(l);
    rig_free(&r);
}

TEST(reserved_output_never_preempts)
{
    struct rig r = rig_new(INT64_C(80) << 30);
    struct profile p = profile_8b(40);
    struct llm_server *l;
    struct client c[8] = {0};
    struct llm_stats s;

    p.llm.reserve_output = 1;
    l = serve(&r, &p);
    for (int i = 0; i < 8; i++)
        ask(&c[i], &r, l, 50, 150);
    rig_run(&r, check_llm, l, 100 * NS_PER_S);
    llm_server_stats(l, &s);
    CHECK_EQ(s.preemptions, 0);
    CHECK_EQ(s.running_peak, 3); /* 13 blocks each */
    CHECK_EQ(s.done, 8);
    for (int i = 1; i < 8; i++)
        CHECK_LE(c[i - 1].first, c[i].first); /* first in, first out */
    llm_server_free(l);
    rig_free(&r);
}

TEST(what_can_never_run_is_told_so)
{
    struct rig r = rig_new(INT64_C(80) << 30);
    struct profile p = profile_8b(10);
    struct llm_server *l;
    struct client big = {0}, ok = {0}, none = {0}, late[3] = {0};

    p.llm.queue = 1;
    p.llm.max_sequences = 1;
    l = serve(&r, &p);
    ask(&big, &r, l, 100, 61); /* 161 tokens, 160 fit */
    ask(&none, &r, l, 100, 0);
    ask(&ok, &r, l, 100, 60);
    for (int i = 0; i < 3; i++)
        ask(&late[i], &r, l, 10, 1);
    rig_run(&r, check_llm, l, 10 * NS_PER_S);
    CHECK_EQ(big.status, SERVE_TOO_LARGE);
    CHECK_EQ(none.ends, 1);
    CHECK_EQ(none.tokens, 0);
    CHECK_EQ(ok.tokens, 60);
    CHECK_EQ(late[0].status, SERVE_OK);
    CHECK_EQ(late[1].status, SERVE_REJECTED);
    CHECK_EQ(late[2].status, SERVE_REJECTED);
    llm_server_free(l);
    rig_free(&r);
}

TEST(a_script_is_said_token_by_token)
{
    static const uint32_t end[] = {5, 6, 11};
    static const struct script script = {.text = "hello world", .end = end, .tokens = 3};
    struct rig r = rig_new(INT64_C(80) << 30);
    struct profile p = profile_8b(1000);
    struct llm_server *l = serve(&r, &p);
    struct client c = {.w = r.w};

    c.call = (struct llm_call){.on = &events, .prompt_tokens = 5, .max_tokens = 100, .script = &script};
    llm_server_service(l)->ops->submit(llm_server_service(l), &c.call);
    rig_run(&r, check_llm, l, NS_PER_S);
    CHECK_EQ(c.tokens, 3);
    CHECK_EQ(c.bytes, 11);
    CHECK_EQ(c.ends, 1);
    llm_server_free(l);
    rig_free(&r);
}

TEST(memory_that_does_not_suffice_is_refused_with_the_arithmetic)
{
    struct rig r = rig_new(INT64_C(10) << 30);
    struct profile p = profile_8b(1000);
    struct err err = {0};

    CHECK(!llm_server_new(r.w, "llm", &p, &r.place, &err));
    CHECK_CONTAINS(err.msg, "does not fit");
    p.need = p.reserve = INT64_C(9) << 30;
    CHECK(!llm_server_new(r.w, "llm", &p, &r.place, &err));
    CHECK_CONTAINS(err.msg, "KV cache");
    rig_free(&r);
}

TEST(a_prompt_misses_the_step_composed_before_it_came)
{
    int64_t first[2];

    for (int ahead = 0; ahead < 2; ahead++) {
        struct rig r = rig_new(INT64_C(80) << 30);
        struct profile p = profile_8b(1000);
        struct llm_server *l;
        struct client a = {0}, b = {0};

        p.llm.ahead = ahead;
        l = serve(&r, &p);
        ask(&a, &r, l, 1, 100);
        rig_run(&r, check_llm, l, 20 * NS_PER_MS);
        ask(&b, &r, l, 1, 1);
        rig_run(&r, check_llm, l, NS_PER_S);
        first[ahead] = b.first - b.asked;
        llm_server_free(l);
        rig_free(&r);
    }
    CHECK_NEAR((double)first[0], 12e6, 0.2e6); /* half a step is left, then its own */
    CHECK_NEAR((double)first[1], 20e6, 0.2e6); /* one more goes by */
}

TEST(two_gpus_step_together)
{
    struct rig r = rig_new(INT64_C(80) << 30), other = r;
    struct share_size size = {.sm = 1, .bandwidth = 1, .memory = INT64_C(80) << 30};
    struct profile p = profile_8b(1000);
    struct llm_server *l;
    struct client c = {0};
    struct share_usage u;

    other.share = share_new(r.w, "gpu1", SHARE_ALONE, &size, &SHARE_TUNING_DEFAULT);
    p.gpu_count = 2;
    r.place.shares[1] = other.share;
    r.place.count = 2;
    l = serve(&r, &p);
    ask(&c, &r, l, 100, 10);
    rig_run(&r, check_llm, l, NS_PER_S);
    CHECK_EQ(c.tokens, 10);
    share_usage(other.share, &u);
    CHECK_EQ(u.steps, 10);
    llm_server_free(l);
    share_free(other.share);
    rig_free(&r);
}

/* Any mix of calls, cancelled at any moment, in any mode: nothing lost, nothing twice, blocks conserved. */
PROPERTY(any_load_keeps_the_invariants, 400)
{
    struct rig r = rig_new(INT64_C(80) << 30);
    struct profile p = profile_8b((double)gen_range(g, 20, 120));
    size_t n = gen_size(g, 60);
    struct client *c = xcalloc(n + 1, sizeof *c);
    struct llm_server *l;
    struct llm_service *service;
    struct llm_stats s;

    p.llm.prefill_mode = (double)rng_below(&g->rng, 3);
    p.llm.reserve_output = gen_bool(g);
    p.llm.prefix_cache = gen_bool(g);
    p.llm.ahead = gen_bool(g);
    p.llm.max_sequences = (double)gen_range(g, 1, 20);
    p.llm.token_budget = (double)gen_range(g, 1, 300);
    p.llm.queue = (double)gen_range(g, 0, 40);
    p.llm.front = gen_real(g, 0, 2e6);
    l = serve(&r, &p);
    service = llm_server_service(l);
    for (size_t i = 0; i < n; i++) {
        ask(&c[i], &r, l, (uint32_t)gen_range(g, 0, 200), (uint32_t)gen_range(g, 0, 200));
        c[i].call.cached_tokens = (uint32_t)gen_range(g, 0, 250);
        if (i > 0 && rng_below(&g->rng, 5) == 0)
            c[i].cancel_at_first = &c[rng_below(&g->rng, i)];
        if (gen_bool(g))
            rig_run(&r, check_llm, l, r.w->now + gen_range(g, 0, 50 * NS_PER_MS));
        if (rng_below(&g->rng, 4) == 0) {
            struct client *victim = &c[rng_below(&g->rng, i + 1)];
            if (victim->ends == 0) {
                service->ops->cancel(service, &victim->call);
                victim->ends = -1;
                CHECK_STR(llm_server_check(l) ? llm_server_check(l) : "", "");
            }
        }
    }
    rig_run(&r, check_llm, l, r.w->now + 1000 * NS_PER_S);
    llm_server_stats(l, &s);
    for (size_t i = 0; i < n; i++) {
        CHECK_NE(c[i].ends, 0);
        if (c[i].ends == 1 && c[i].status == SERVE_OK)
            CHECK_EQ(c[i].tokens, c[i].call.max_tokens);
    }
    CHECK_EQ(s.blocks_used, 0);
    CHECK_EQ(s.accepted, n);
    llm_server_free(l);
    rig_free(&r);
    free(c);
}
