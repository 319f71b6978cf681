/* SPDX-License-Identifier: Apache-2.0 */
#include "load/record.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/world.h"
#include "check.h"

static struct recorder *new_recorder(int64_t from_s, int64_t until_s)
{
    return recorder_new(&(struct recorder_spec){
        .hold_from = from_s * NS_PER_S, .hold_until = until_s * NS_PER_S, .users = 1, .arrival_rate = NAN});
}

/* A completed turn whose events come `step` apart, speech lasting one step too. */
static struct turn_record turn(int64_t planned, int64_t step)
{
    struct turn_record t;

    turn_record_init(&t, 3, 4, planned);
    for (int i = 1; i < STAMP_COUNT; i++)
        t.stamp[i] = planned + i * step;
    t.tokens = 11;
    t.fate = FATE_COMPLETED;
    return t;
}

static void hand_in(struct recorder *r, struct turn_record t)
{
    recorder_begin(r, t.stamp[STAMP_PLANNED], t.stamp[STAMP_PLANNED]);
    recorder_turn(r, &t);
}

TEST(stages_and_parts_of_one_turn)
{
    struct recorder *r = new_recorder(0, 60);
    double parts[PART_COUNT], sum = 0;
    int64_t example[PART_COUNT];

    hand_in(r, turn(NS_PER_S, 10 * NS_PER_MS));
    recorder_close(&r, 1);
    CHECK_EQ(hist_mean(recorder_stage(r, STAGE_ASR_FINAL)), 20 * NS_PER_MS);
    CHECK_EQ(hist_mean(recorder_stage(r, STAGE_LLM_TTFT)), 10 * NS_PER_MS);
    CHECK_EQ(hist_mean(recorder_stage(r, STAGE_LLM_TOTAL)), (STAMP_LLM_DONE - STAMP_LLM_REQUEST) * 10 * NS_PER_MS);
    CHECK_EQ(hist_mean(recorder_stage(r, STAGE_LLM_ITL)), (STAMP_LLM_DONE - STAMP_LLM_FIRST_TOKEN) * NS_PER_MS);
    CHECK_EQ(hist_mean(recorder_stage(r, STAGE_VOICE_TO_VOICE)), (STAMP_AUDIBLE - STAMP_SPEECH_END) * 10 * NS_PER_MS);
    CHECK_EQ(hist_mean(recorder_stage(r, STAGE_TURN)), STAMP_LAST_AUDIO * 10 * NS_PER_MS);
    CHECK_EQ(recorder_parts(r, parts), 1);
    for (int i = 0; i < PART_COUNT; i++)
        sum += parts[i];
    CHECK(sum == (STAMP_AUDIBLE - STAMP_SPEECH_END) * 10.0 * NS_PER_MS);
    CHECK(parts[PART_UNEXPLAINED] == 0 && parts[PART_GATEWAY] == 30.0 * NS_PER_MS);
    CHECK(recorder_example(r, 90 * NS_PER_MS, example));
    CHECK_EQ(example[PART_GATEWAY], 30 * NS_PER_MS);
    recorder_free(r);
}

TEST(a_missing_or_misplaced_stamp_is_unexplained)
{
    struct turn_record t = turn(0, 10);
    int64_t part[PART_COUNT];

    t.stamp[STAMP_FIRST_SENTENCE] = TIME_NEVER;
    CHECK(turn_parts(&t, part));
    CHECK_EQ(part[PART_SENTENCE], 0);
    CHECK_EQ(part[PART_UNEXPLAINED], 20); /* it and the step after it */
    t = turn(0, 10);
    t.stamp[STAMP_LLM_REQUEST] = t.stamp[STAMP_ASR_FINAL] - 5;
    CHECK(turn_parts(&t, part));
    CHECK_EQ(part[PART_UNEXPLAINED], -5); /* counted twice: from before the transcript on */
    t = turn(0, 10);
    t.stamp[STAMP_ENDPOINT] = TIME_NEVER; /* half-close: the pipeline finds no endpoint */
    CHECK(turn_parts(&t, part));
    CHECK(part[PART_UNEXPLAINED] == 0 && part[PART_ASR] == 20);
    t.stamp[STAMP_ASR_FINAL] = TIME_NEVER; /* a chat, without ASR */
    CHECK(turn_parts(&t, part));
    CHECK(part[PART_UNEXPLAINED] == 0 && part[PART_GATEWAY] == 50);
    t.stamp[STAMP_AUDIBLE] = TIME_NEVER;
    CHECK(!turn_parts(&t, part));
}

PROPERTY(parts_add_up_whatever_the_stamps, 500)
{
    struct turn_record t = turn(0, 10);
    int64_t part[PART_COUNT], sum = 0;

    for (int i = STAMP_ENDPOINT; i < STAMP_AUDIBLE; i++)
        t.stamp[i] = gen_bool(g) ? gen_range(g, 0, 1000) : TIME_NEVER;
    CHECK(turn_parts(&t, part));
    for (int i = 0; i < PART_COUNT; i++)
        sum += part[i];
    CHECK_EQ(sum, t.stamp[STAMP_AUDIBLE] - t.stamp[STAMP_SPEECH_END]);
}

TEST(only_turns_planned_in_the_hold_phase_enter_latency)
{
    struct recorder *r = new_recorder(10, 70);
    struct turn_record failed = turn(20 * NS_PER_S, NS_PER_MS), open = failed;

    hand_in(r, turn(9 * NS_PER_S, NS_PER_MS));   /* ramp-up */
    hand_in(r, turn(10 * NS_PER_S, NS_PER_MS));
    hand_in(r, turn(69 * NS_PER_S, NS_PER_S));   /* ends in ramp-down: its latency counts, its completion does not */
    hand_in(r, turn(70 * NS_PER_S, NS_PER_MS));  /* ramp-down */
    failed.fate = FATE_FAILED;
    failed.outcome = TURN_LLM_FAILED;
    hand_in(r, failed);
    open.fate = FATE_UNFINISHED;
    hand_in(r, open);
    recorder_close(&r, 1);
    CHECK_EQ(recorder_stage(r, STAGE_TURN)->count, 2);
    CHECK_EQ(recorder_completed(r), 1);
    CHECK_EQ(recorder_counts(r)->started, 6);
    CHECK_EQ(recorder_counts(r)->failures[TURN_LLM_FAILED], 1);
    CHECK_EQ(recorder_counts(r)->unfinished, 1);
    recorder_free(r);
}

TEST(a_slow_start_is_cut_off_by_eighths)
{
    struct recorder *r = new_recorder(0, 400);

    /* 40 s at a fifth of the rate and ten times the latency, then 10 turns/s. */
    for (int64_t i = 0; i < 80; i++)
        hand_in(r, turn(i * 500 * NS_PER_MS, 10 * NS_PER_MS));
    for (int64_t i = 0; i < 3600; i++)
        hand_in(r, turn(40 * NS_PER_S + i * 100 * NS_PER_MS, NS_PER_MS));
    recorder_close(&r, 1);
    CHECK(recorder_steady(r));
    CHECK_EQ(recorder_cut(r), 1); /* 40 of 400 s, rounded up to 50 */
    CHECK_EQ(recorder_window_from(r), 50 * NS_PER_S);
    CHECK_NEAR(recorder_throughput(r), 10, 0.01);
    CHECK_EQ(recorder_stage(r, STAGE_TURN)->max, STAMP_LAST_AUDIO * NS_PER_MS);
    recorder_free(r);
}

TEST(repetitions_have_one_cut)
{
    struct recorder *r[3];

    for (int k = 0; k < 3; k++) {
        r[k] = new_recorder(0, 400);
        for (int64_t i = k == 1 ? 100 : 0; i < 2000; i++)
            hand_in(r[k], turn(i * 200 * NS_PER_MS, NS_PER_MS));
    }
    recorder_close(r, 3);
    CHECK(recorder_cut(r[0]) == recorder_cut(r[1]) && recorder_cut(r[0]) == recorder_cut(r[2]));
    for (int k = 0; k < 3; k++)
        recorder_free(r[k]);
}

TEST(a_run_stopped_early_counts_what_it_saw)
{
    struct recorder *r = new_recorder(0, 400);

    for (int64_t i = 0; i < 1000; i++)
        hand_in(r, turn(i * 100 * NS_PER_MS, NS_PER_MS));
    recorder_stop(r, 100 * NS_PER_S);
    recorder_close(&r, 1);
    CHECK_EQ(recorder_window_until(r), 100 * NS_PER_S);
    CHECK_NEAR(recorder_throughput(r), 10, 0.02);
    recorder_free(r);
    r = new_recorder(10, 400);
    recorder_stop(r, 5 * NS_PER_S); /* before the hold phase: nothing was measured */
    recorder_close(&r, 1);
    CHECK(isnan(recorder_throughput(r)));
    recorder_free(r);
}

TEST(littles_law_holds_with_what_overlaps_the_ends)
{
    struct recorder *r = new_recorder(10, 110);
    struct recorder_little l;

    /* One user, present from 0 to 120 s; turns of 3 s and thinking of 2 s in turn, from 1 s on. */
    recorder_present(r, 0, 1);
    recorder_thought(r, 0, NS_PER_S);
    for (int64_t at = 1; at < 120; at += 5) {
        struct turn_record t = turn(at * NS_PER_S, NS_PER_MS);
        t.stamp[STAMP_END] = (at + 3) * NS_PER_S;
        hand_in(r, t);
        recorder_thought(r, (at + 3) * NS_PER_S, (at + 5) * NS_PER_S);
    }
    recorder_present(r, 121 * NS_PER_S, -1);
    recorder_close(&r, 1);
    recorder_little(r, &l);
    CHECK_NEAR(l.present, 1, 1e-12);
    CHECK_NEAR(l.rate, 0.20, 1e-12);
    CHECK_NEAR(l.turn_s, 3, 1e-12);
    CHECK_NEAR(l.present, l.rate * (l.turn_s + l.think_s) + l.ends, 1e-12);
    recorder_free(r);
}

TEST(series_and_memory_are_bounded)
{
    struct recorder *r = new_recorder(0, 20 * 86400);
    struct recorder_series s;

    recorder_series(r, &s);
    CHECK_LE(s.count, RECORDER_BINS);
    CHECK_EQ(s.width % NS_PER_S, 0);
    recorder_free(r);
}

/* A million turns of all latencies: memory stays far below the 64 MiB that a whole run may have. */
TEST(a_million_turns_fit_into_a_megabyte)
{
    struct recorder *r = new_recorder(0, 500000);
    struct rng rng;

    rng_init(&rng, 1, 1);
    for (int64_t i = 0; i < 1000000; i++) {
        struct turn_record t = turn(i * 500 * NS_PER_MS, (int64_t)rng_lognormal(&rng, 1e8, 1.5));
        hand_in(r, t);
    }
    CHECK_LT(recorder_bytes(r), 1 << 20);
    recorder_close(&r, 1);
    CHECK_LT(recorder_bytes(r), 1 << 20);
    CHECK_LE(999000, recorder_stage(r, STAGE_VOICE_TO_VOICE)->count);
    recorder_free(r);
}

static uint64_t seen;
static void count_turn(void *arg, const struct turn_record *t)
{
    seen += t->user + t->number;
    CHECK(arg == &seen);
}

TEST(the_sink_sees_every_turn)
{
    struct recorder *r = recorder_new(
        &(struct recorder_spec){.hold_until = NS_PER_S, .sink = count_turn, .sink_arg = &seen});

    seen = 0;
    for (int64_t i = 0; i < 10; i++)
        hand_in(r, turn(i * NS_PER_S, NS_PER_MS));
    CHECK_EQ(seen, 70);
    CHECK_STR(turn_stamp_key(STAMP_LLM_FIRST_TOKEN), "llm_first_token");
    recorder_free(r);
}
