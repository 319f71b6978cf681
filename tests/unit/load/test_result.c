/* SPDX-License-Identifier: Apache-2.0 */
#include "load/result.h"

#include <math.h>

#include "base/world.h"
#include "check.h"
#include "fake_session.h"
#include "load/user.h"
#include "sim/virtual.h"

/* Five repetitions of a load against the fake pipeline, and what the result says of them. */
static struct comparison *run(unsigned users, unsigned repetitions, struct load_result **ret)
{
    struct arena *a = arena_new();
    struct comparison *c = ARENA_NEW(a, struct comparison);
    struct configuration_result *configuration = ARENA_NEW(a, struct configuration_result);
    struct stock *stock = stock_new();
    struct load_spec load = *load_preset("light");
    struct recorder *r[8];

    load.users = users;
    load.hold = 300 * NS_PER_S;
    for (unsigned k = 0; k < repetitions; k++) {
        struct virtual_world *v = virtual_new();
        struct fake_session_service f;
        struct users *u;
        fake_session_init(&f, virtual_world(v));
        r[k] = recorder_new(&(struct recorder_spec){
            .hold_from = load.ramp_up, .hold_until = load.ramp_up + load.hold, .users = users, .arrival_rate = NAN});
        u = users_new(virtual_world(v), &f.service, &load, &CONVERSATION_DEFAULT, stock, r[k], k + 1);
        users_start(u);
        virtual_run(v, load_length(&load));
        users_stop(u);
        users_free(u);
        virtual_free(v);
    }
    *ret = ARENA_NEW(a, struct load_result);
    load_result_fill(*ret, a, r, repetitions, 2, 4.0);
    for (unsigned k = 0; k < repetitions; k++)
        recorder_free(r[k]);
    stock_free(stock);
    c->arena = a;
    c->configurations = configuration;
    c->count = 1;
    configuration->loads = *ret;
    configuration->load_count = 1;
    return c;
}

TEST(five_repetitions_of_a_sound_load)
{
    struct load_result *l;
    struct comparison *c = run(20, 5, &l);
    double sum = 0, total = l->waterfalls[0].total_ms;

    if (!l->valid)
        for (size_t i = 0; i < l->audit_count; i++)
            CHECK_STR(l->audit[i].ok ? "" : l->audit[i].text, "");
    CHECK_EQ(l->started, l->completed + l->unfinished);
    CHECK(l->success_rate == 1 && l->sample_count == 5);
    /* 3.9 s of speech, 768 ms to the first audio, 60 ms of buffer, 2 s of reply, 2 s of thinking */
    CHECK_NEAR(l->throughput.mean, 20 / 8.73, 0.05);
    CHECK(l->throughput.lo < l->throughput.mean && l->throughput.hi > l->throughput.mean);
    CHECK_NEAR(l->throughput_per_gpu.hi, l->throughput.hi / 2, 1e-12);
    CHECK_NEAR(l->cost_per_1000_turns, 4.0 / 3600 / l->throughput.mean * 1000, 1e-9);
    CHECK_NEAR(l->stages[STAGE_VOICE_TO_VOICE].p99_ms, 826, 8.26);
    CHECK_EQ(l->stages[STAGE_VOICE_TO_VOICE].hist->count, l->stages[STAGE_VOICE_TO_VOICE].count);
    CHECK_EQ(l->waterfall_count, 2);
    CHECK_STR(l->waterfalls[0].name, "median turn");
    for (size_t i = 0; i < l->waterfalls[0].count; i++)
        sum += l->waterfalls[0].parts[i].ms;
    CHECK_NEAR(sum, total, 1e-9);
    CHECK_NEAR(total, 826, 1e-6);
    comparison_free(c);
}

TEST(percentiles_without_samples_are_not_a_number)
{
    struct load_result *l;
    struct comparison *c = run(1, 1, &l);

    CHECK_LT(20, l->stages[STAGE_TURN].count);
    CHECK(!isnan(l->stages[STAGE_TURN].p50_ms));
    CHECK(isnan(l->stages[STAGE_TURN].p95_ms) && isnan(l->stages[STAGE_TURN].p99_ms));
    CHECK(isnan(l->throughput.lo));
    CHECK_EQ(l->waterfall_count, 1);
    CHECK_STR(stage_key(STAGE_LLM_TTFT), "llm_ttft");
    comparison_free(c);
    comparison_free(NULL);
}
