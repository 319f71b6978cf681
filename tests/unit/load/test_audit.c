/* SPDX-License-Identifier: Apache-2.0 */
#include "load/audit.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/world.h"
#include "check.h"
#include "load/client.h"

/* Runs of an open load: turns of 100 ms, `rate(t)` of them a second, latency `slow(t)` ns on top. */
struct script_run {
    double rate0, rate1; /* at the start and the end of 200 s */
    double slow0, slow1; /* s */
    int64_t lag;         /* ns that turns start late */
    int lose_every;      /* turns that begin and are never handed in */
    bool skip_stamp, trace;
    uint64_t seed;
};

static struct recorder *run(const struct script_run *p)
{
    struct recorder *r = recorder_new(&(struct recorder_spec){
        .hold_until = 200 * NS_PER_S, .arrival_rate = p->trace ? 0 : p->rate0});
    struct rng rng;
    double at = 0;
    int n = 0;

    rng_init(&rng, p->seed, 1);
    for (;;) {
        double part = at / 200, took = 0.1 + p->slow0 + (p->slow1 - p->slow0) * part;
        struct turn_record t;
        at += rng_exponential(&rng, 1 / (p->rate0 + (p->rate1 - p->rate0) * part));
        if (at >= 200)
            break;
        turn_record_init(&t, 0, 0, (int64_t)(at * 1e9));
        for (int i = 1; i < STAMP_COUNT; i++)
            t.stamp[i] = (int64_t)((at + took * i / STAMP_COUNT) * 1e9);
        if (p->skip_stamp)
            t.stamp[STAMP_TTS_REQUEST] = TIME_NEVER;
        /* Presence is not kept here: test_user.c has it, and the last test below. */
        recorder_present(r, t.stamp[STAMP_PLANNED], 1);
        recorder_begin(r, t.stamp[STAMP_PLANNED], t.stamp[STAMP_PLANNED] + p->lag);
        if (p->lose_every && ++n % p->lose_every == 0)
            continue;
        recorder_turn(r, &t);
        recorder_present(r, t.stamp[STAMP_PLANNED], -1);
    }
    return r;
}

struct verdicts {
    bool lag, steady, latency, attribution, accounting, samples, valid;
    const struct audit_line *line;
    struct arena *arena;
};

static struct verdicts audit(const struct script_run *p, size_t n)
{
    struct verdicts v = {.arena = arena_new()};
    struct recorder *r[8];
    size_t count;

    for (size_t i = 0; i < n; i++) {
        struct script_run q = *p;
        q.seed += i;
        r[i] = run(&q);
    }
    recorder_close(r, n);
    count = audit_load(v.arena, r, n, &AUDIT_BOUNDS_DEFAULT, &v.line, &v.valid);
    CHECK_EQ(count, 7);
    v.lag = v.line[1].ok;
    v.steady = v.line[2].ok;
    v.latency = v.line[3].ok;
    v.attribution = v.line[4].ok;
    v.accounting = v.line[5].ok;
    v.samples = v.line[6].ok;
    for (size_t i = 0; i < n; i++)
        recorder_free(r[i]);
    return v;
}

static const struct script_run SOUND = {.rate0 = 10, .rate1 = 10, .seed = 1};

TEST(a_sound_run_passes)
{
    struct verdicts v = audit(&SOUND, 3);

    CHECK(v.lag && v.steady && v.latency && v.attribution && v.accounting && v.samples);
    CHECK_STR(v.line[0].check, "littles_law");
    CHECK_STR(v.line[1].check, "schedule_lag");
    CHECK(v.line[1].value == 0);
    CHECK_CONTAINS(v.line[5].text, "0 lost");
    arena_free(v.arena);
}

TEST(each_fault_fails_its_own_check)
{
    struct script_run p = SOUND;
    struct verdicts v;

    p.rate1 = 15; /* throughput drifts */
    v = audit(&p, 3);
    CHECK(!v.steady && v.accounting && !v.valid);
    arena_free(v.arena);
    p = SOUND;
    p.slow1 = 2; /* a queue that grows */
    v = audit(&p, 3);
    CHECK(v.steady && !v.latency && !v.valid);
    arena_free(v.arena);
    p = SOUND;
    p.lag = 20 * NS_PER_MS; /* the client cannot keep its schedule */
    v = audit(&p, 3);
    CHECK(!v.lag && v.steady && !v.valid);
    CHECK_NEAR(v.line[1].value, 20, 0.2);
    arena_free(v.arena);
    p = SOUND;
    p.lose_every = 50;
    v = audit(&p, 3);
    CHECK(!v.accounting && !v.valid);
    arena_free(v.arena);
    p = SOUND;
    p.skip_stamp = true;
    v = audit(&p, 3);
    CHECK(!v.attribution && !v.valid);
    arena_free(v.arena);
    p = SOUND;
    p.rate0 = p.rate1 = 0.05;
    v = audit(&p, 1);
    CHECK(!v.samples && !v.valid);
    arena_free(v.arena);
}

TEST(nothing_finished_is_no_measurement)
{
    cleanup_arena struct arena *a = arena_new();
    const struct audit_line *lines;
    bool valid = true;

    CHECK_EQ(audit_load(a, NULL, 0, &AUDIT_BOUNDS_DEFAULT, &lines, &valid), 1);
    CHECK(!valid);
    CHECK_STR(lines[0].check, "enough_samples");
    CHECK(!lines[0].ok);
}

TEST(a_trace_need_not_be_steady)
{
    struct script_run p = {.rate0 = 5, .rate1 = 20, .slow1 = 3, .trace = true, .seed = 1};
    struct verdicts v = audit(&p, 1);

    CHECK(v.steady && v.latency && v.valid);
    CHECK_CONTAINS(v.line[2].text, "replayed");
    arena_free(v.arena);
}

TEST(a_stream_of_requests_that_gets_slower)
{
    struct arena *a = arena_new();
    struct client_record r = {.started = 900, .completed = 900};
    const struct audit_line *line;
    bool valid;

    for (int i = 0; i < 8; i++) {
        r.eighth_n[i] = 100;
        r.eighth_s[i] = 100 * (1 + 0.2 * i);
    }
    CHECK_EQ(audit_requests(a, &r, false, &AUDIT_BOUNDS_DEFAULT, &line, &valid), 4);
    CHECK_STR(line[1].check, "steady_latency");
    CHECK(!line[1].ok && !valid);
    CHECK_EQ(audit_requests(a, &r, true, &AUDIT_BOUNDS_DEFAULT, &line, &valid), 3);
    CHECK(valid);
    r.completed = 899; /* one is nowhere */
    audit_requests(a, &r, true, &AUDIT_BOUNDS_DEFAULT, &line, &valid);
    CHECK(!valid);
    arena_free(a);
}

/* Sound Poisson runs must not be called unsteady: of 400 audits at the light load's rate at most a few. */
TEST(false_alarms_are_rare)
{
    unsigned alarms = 0;

    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct script_run p = {.rate0 = 1.4, .rate1 = 1.4, .seed = seed * 100};
        struct verdicts v = audit(&p, 5);
        alarms += !v.steady || !v.latency;
        arena_free(v.arena);
    }
    CHECK_LE(alarms, 8);
}

/* A user of whom a turn was lost was present for longer than his turns and thoughts account for. */
TEST(littles_law_finds_a_lost_turn)
{
    for (int lose = -1; lose < 20; lose += 7) {
        struct arena *a = arena_new();
        struct recorder *r = recorder_new(
            &(struct recorder_spec){.hold_until = 100 * NS_PER_S, .users = 1, .arrival_rate = NAN});
        const struct audit_line *line;
        bool valid;
        recorder_present(r, 0, 1);
        for (int k = 0; k < 20; k++) {
            struct turn_record t;
            turn_record_init(&t, 0, 0, k * 5 * NS_PER_S);
            t.stamp[STAMP_END] = (k * 5 + 4) * NS_PER_S;
            recorder_begin(r, t.stamp[STAMP_PLANNED], t.stamp[STAMP_PLANNED]);
            if (k != lose)
                recorder_turn(r, &t);
            recorder_thought(r, (k * 5 + 4) * NS_PER_S, (k * 5 + 5) * NS_PER_S);
        }
        recorder_present(r, 100 * NS_PER_S, -1);
        recorder_close(&r, 1);
        audit_load(a, &r, 1, &AUDIT_BOUNDS_DEFAULT, &line, &valid);
        CHECK_EQ(line[0].ok, lose < 0);
        if (lose >= 0)
            CHECK_NEAR(line[0].value, 0.04, 1e-9); /* 4 of 100 s */
        recorder_free(r);
        arena_free(a);
    }
}
