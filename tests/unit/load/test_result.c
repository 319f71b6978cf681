/* SPDX-License-Identifier: Apache-2.0 */
#include "load/result.h"

#include <math.h>

#include "base/world.h"
#include "check.h"
#include "fake_session.h"
#include "load/client.h"
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

/* Two repetitions of a stream of 100 answers in 10 s, 50 ms to the first token and 5 ms a token. */
static void add_stream(struct comparison *c, struct load_result *l)
{
    struct client_record r[2] = {0};
    const struct client_record *runs[2] = {&r[0], &r[1]};

    for (int k = 0; k < 2; k++) {
        r[k].started = 101;
        r[k].completed = 100;
        r[k].unfinished = 1;
        r[k].last_end = (10 + k) * NS_PER_S;
        r[k].tokens = 2000;
        hist_record_n(&r[k].ttft, 50 * NS_PER_MS, 100);
        hist_record_n(&r[k].itl, 5 * NS_PER_MS, 100);
        hist_record_n(&r[k].total, 145 * NS_PER_MS, 100);
        hist_record_n(&r[k].schedule_lag, 0, 101);
    }
    load_result_add_requests(l, c->arena, "llm", "llm", false, runs, 2, 2, 4.0);
    for (int k = 0; k < 2; k++)
        client_record_done(&r[k]);
}

TEST(streams_of_requests_stand_beside_the_turns)
{
    struct load_result *l;
    struct comparison *c = run(20, 2, &l);
    double turns = l->throughput.mean;

    add_stream(c, l);
    CHECK_EQ(l->request_count, 1);
    CHECK_STR(l->requests[0].workload, "llm");
    CHECK_EQ(l->requests[0].completed, 200);
    CHECK_NEAR(l->requests[0].rate.mean, (10 + 100.0 / 11) / 2, 1e-9);
    CHECK_NEAR(l->requests[0].tokens_per_s, (200 + 2000.0 / 11) / 2, 1e-9);
    CHECK(isnan(l->requests[0].rtfx));
    CHECK_NEAR(l->requests[0].first.mean_ms, 50, 1e-9);
    CHECK_NEAR(l->requests[0].cadence.mean_ms, 5, 1e-9);
    CHECK(l->throughput.mean == turns); /* the turns stand for the load */
    comparison_free(c);
}

TEST(a_load_without_turns_is_its_first_stream)
{
    struct load_result *l;
    struct comparison *c = run(1, 1, &l);

    load_result_done(l);
    *l = (struct load_result){.name = "requests"};
    add_stream(c, l);
    add_stream(c, l);
    CHECK_EQ(l->request_count, 2);
    CHECK_EQ(l->completed, 200);
    CHECK_NEAR(l->throughput.mean, (10 + 100.0 / 11) / 2, 1e-9);
    CHECK_NEAR(l->stages[STAGE_LLM_TTFT].p95_ms, 50, 0.5);
    CHECK(l->valid && l->audit_count == 4);
    comparison_free(c);
}
