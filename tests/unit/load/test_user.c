/* SPDX-License-Identifier: Apache-2.0 */
#include "load/user.h"

#include <math.h>

#include "base/mem.h"
#include "check.h"
#include "fake_session.h"
#include "load/audit.h"
#include "sim/virtual.h"

/* A load against the fake pipeline, run to its end in virtual time. */
struct rig {
    struct virtual_world *v;
    struct fake_session_service pipeline;
    struct load_spec load;
    struct conversation_spec talk;
    struct stock *stock;
    struct recorder *recorder;
    struct users *users;
    struct turn_record last;
    uint64_t turns;
    double speech_s;
};

static void keep_last(void *arg, const struct turn_record *t)
{
    struct rig *r = arg;

    if (t->fate == FATE_COMPLETED)
        r->last = *t;
    r->turns++;
    if (t->fate == FATE_COMPLETED)
        CHECK(t->stamp[STAMP_SPEECH_END] > t->stamp[STAMP_PLANNED]);
}

static void rig_init(struct rig *r)
{
    *r = (struct rig){.v = virtual_new(), .load = LOAD_DEFAULT, .talk = CONVERSATION_DEFAULT, .stock = stock_new()};
    fake_session_init(&r->pipeline, virtual_world(r->v));
    r->talk.speech = (struct spread){.mean = 4.0};
    r->talk.reply = (struct spread){.mean = 40};
    r->load.users = 5;
    r->load.ramp_up = 10 * NS_PER_S;
    r->load.hold = 120 * NS_PER_S;
    r->load.ramp_down = 5 * NS_PER_S;
}

static void rig_run(struct rig *r, uint64_t seed)
{
    struct recorder_spec spec = {.hold_from = r->load.ramp_up,
                                 .hold_until = r->load.ramp_up + r->load.hold,
                                 .users = r->load.users,
                                 .arrival_rate = NAN,
                                 .sink = keep_last,
                                 .sink_arg = r};

    r->recorder = recorder_new(&spec);
    r->users = users_new(virtual_world(r->v), &r->pipeline.service, &r->load, &r->talk, r->stock, r->recorder, seed);
    users_start(r->users);
    while (virtual_step(r->v, load_length(&r->load))) {
        const char *broken = users_check(r->users);
        if (broken)
            check_fail(__FILE__, __LINE__, "%s", broken);
    }
    virtual_run(r->v, load_length(&r->load));
    users_stop(r->users);
    CHECK_EQ(users_present(r->users), 0);
    CHECK_EQ(users_in_turn(r->users), 0);
    CHECK_EQ(r->pipeline.open, 0);
    CHECK_EQ(virtual_run(r->v, TIME_NEVER), 0); /* nothing is left to happen */
    recorder_close(&r->recorder, 1);
}

static void rig_done(struct rig *r)
{
    users_free(r->users);
    recorder_free(r->recorder);
    stock_free(r->stock);
    virtual_free(r->v);
}

static void check_accounts(const struct rig *r)
{
    const struct turn_counts *c = recorder_counts(r->recorder);

    CHECK_EQ(c->started, c->completed + c->failed + c->unfinished);
    CHECK_EQ(c->started, r->turns);
    CHECK_EQ(c->started, r->pipeline.opened);
}

TEST(closed_loop_of_fixed_times_gives_n_over_r_plus_z)
{
    struct rig r;
    double cycle, expected;

    rig_init(&r);
    r.load.listen = false;
    rig_run(&r, 1);
    cycle = 4.0 + (double)fake_session_answer(&r.pipeline) / 1e9 + 2.0;
    expected = 5 / cycle;
    CHECK_NEAR(recorder_throughput(r.recorder), expected, 5 / 120.0); /* one turn more or less at either end, a user */
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_TURN)) / 1e9, cycle - 2.0, 1e-6);
    check_accounts(&r);
    rig_done(&r);

    rig_init(&r); /* with a hold of whole cycles it is exact */
    r.load.listen = false;
    r.load.hold = (int64_t)(cycle * 1e9 + 0.5) * 100;
    rig_run(&r, 1);
    CHECK_EQ(recorder_completed(r.recorder), 500);
    CHECK_NEAR(recorder_throughput(r.recorder), expected, 1e-9);
    rig_done(&r);
}

TEST(every_stage_is_what_the_pipeline_took)
{
    struct rig r;
    int64_t v2v;

    rig_init(&r);
    rig_run(&r, 1);
    v2v = fake_session_first_audio(&r.pipeline) + r.load.jitter;
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_VOICE_TO_VOICE)), (double)v2v, 1);
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_ASR_FINAL)), 530e6, 1);
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_LLM_TTFT)), 50e6, 1);
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_LLM_TOTAL)), 152e6, 1);
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_LLM_ITL)), 102e6 / 39, 1);
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_TTS_FIRST_AUDIO)), 80e6, 1);
    CHECK_NEAR(hist_mean(recorder_stage(r.recorder, STAGE_TTS_TOTAL)), 82e6 + 9 * 20e6, 1);
    CHECK_EQ(r.last.tokens, 40);
    CHECK_EQ(r.last.reply, 2 * NS_PER_S);
    CHECK_EQ(r.last.stamp[STAMP_PLAYBACK_END] - r.last.stamp[STAMP_AUDIBLE], 2 * NS_PER_S);
    CHECK_EQ(r.last.underruns, 0);
    rig_done(&r);
}

TEST(listening_lasts_until_the_reply_is_heard)
{
    struct rig r;
    double cycle;

    rig_init(&r);
    r.load.users = 1;
    r.load.ramp_up = 0;
    rig_run(&r, 1);
    cycle = 4.0 + (double)(fake_session_first_audio(&r.pipeline) + r.load.jitter) / 1e9 + 2.0 + 2.0;
    CHECK_EQ(recorder_completed(r.recorder), (uint64_t)((120 + 2.0) / cycle));
    rig_done(&r);
}

TEST(starved_playback_counts_underruns_and_stalls)
{
    struct rig r;

    rig_init(&r);
    r.pipeline.piece_every = 250 * NS_PER_MS; /* slower than the 200 ms each piece lasts */
    rig_run(&r, 1);
    /* The buffer of 60 ms covers one gap of 50 ms; the other eight stall, 390 ms in all. */
    CHECK_EQ(r.last.underruns, 8);
    CHECK_EQ(r.last.stalled, 390 * NS_PER_MS);
    CHECK_EQ(recorder_counts(r.recorder)->failed, 0);
    rig_done(&r);

    rig_init(&r);
    r.pipeline.piece_every = 250 * NS_PER_MS;
    r.load.stall_bound = 300 * NS_PER_MS;
    rig_run(&r, 1);
    CHECK_EQ(recorder_counts(r.recorder)->completed, 0);
    CHECK_LT(10, recorder_counts(r.recorder)->failures[TURN_STALLED]);
    rig_done(&r);
}

TEST(published_upload_is_fast_and_half_closed)
{
    struct rig r;

    rig_init(&r);
    r.load.pacing = 12.8;
    r.load.half_close = true;
    r.load.listen = false;
    rig_run(&r, 1);
    CHECK_EQ(r.last.stamp[STAMP_SPEECH_END] - r.last.stamp[STAMP_PLANNED], (int64_t)(4e9 / 12.8));
    CHECK_EQ(r.pipeline.finished, r.pipeline.opened - recorder_counts(r.recorder)->unfinished);
    rig_done(&r);
}

/* Sends silence until the endpoint and not beyond; the last voiced piece ends where speech ends. */
struct audio_log {
    struct session_service service;
    struct session_service *inner;
    int64_t voiced, silent, last_silent_at;
    struct world *w;
};
static void log_open(struct session_service *g, struct session *s)
{
    struct audio_log *l = CONTAINER_OF(g, struct audio_log, service);

    l->voiced = l->silent = 0;
    l->inner->ops->open(l->inner, s);
}
static void log_audio(struct session_service *g, struct session *s, const struct audio *piece)
{
    struct audio_log *l = CONTAINER_OF(g, struct audio_log, service);

    *(piece->voiced ? &l->voiced : &l->silent) += piece->duration;
    l->inner->ops->audio(l->inner, s, piece);
}
static void log_cancel(struct session_service *g, struct session *s)
{
    struct audio_log *l = CONTAINER_OF(g, struct audio_log, service);

    l->inner->ops->cancel(l->inner, s);
}

TEST(audio_is_paced_in_chunks_with_exact_end_of_speech)
{
    static const struct session_service_ops ops = {.open = log_open, .audio = log_audio, .cancel = log_cancel};
    struct rig r;
    struct audio_log l;
    struct recorder_spec spec = {.hold_until = 20 * NS_PER_S, .users = 1, .sink = keep_last, .sink_arg = &r};

    rig_init(&r);
    l = (struct audio_log){.service.ops = &ops, .inner = &r.pipeline.service, .w = virtual_world(r.v)};
    r.load.users = 1;
    r.talk.speech.mean = 1.0; /* six chunks of 160 ms and a quarter of one */
    r.recorder = recorder_new(&spec);
    r.users = users_new(virtual_world(r.v), &l.service, &r.load, &r.talk, r.stock, r.recorder, 1);
    users_start(r.users);
    virtual_run(r.v, 1000 * NS_PER_MS - 1);
    CHECK_EQ(l.voiced, 960 * NS_PER_MS);
    virtual_run(r.v, 1000 * NS_PER_MS);
    CHECK_EQ(l.voiced, 1000 * NS_PER_MS);
    CHECK_EQ(l.silent, 0);
    virtual_run(r.v, 1120 * NS_PER_MS); /* the rest of the seventh chunk keeps the grid */
    CHECK_EQ(l.silent, 120 * NS_PER_MS);
    virtual_run(r.v, 5 * NS_PER_S);     /* endpoint at 1500 ms: the chunk of 1600 ms is not sent any more */
    CHECK_EQ(l.silent, 440 * NS_PER_MS);
    users_stop(r.users);
    rig_done(&r);
}

TEST(users_give_up_and_unfinished_turns_are_counted)
{
    struct rig r;
    const struct turn_counts *c;

    rig_init(&r);
    r.pipeline.llm = 20 * NS_PER_S;
    r.load.give_up = 10 * NS_PER_S;
    rig_run(&r, 1);
    c = recorder_counts(r.recorder);
    CHECK_EQ(c->completed, 0);
    CHECK_EQ(c->failures[TURN_TIMED_OUT], c->failed);
    CHECK_LT(20, c->failed);
    CHECK_LE(1, c->unfinished);
    CHECK_EQ(r.pipeline.cancelled, c->failed + c->unfinished);
    check_accounts(&r);
    rig_done(&r);
}

TEST(failures_are_failures)
{
    struct rig r;
    const struct turn_counts *c;

    rig_init(&r);
    r.pipeline.fail_every = 3;
    rig_run(&r, 1);
    c = recorder_counts(r.recorder);
    CHECK_LT(10, c->failed);
    CHECK_EQ(c->failures[TURN_LLM_FAILED], c->failed);
    check_accounts(&r);
    rig_done(&r);
}

TEST(barge_in_interrupts_and_speaks_at_once)
{
    struct rig r;
    const struct turn_counts *c;
    double share;

    rig_init(&r);
    r.load.barge_in = 0.5;
    r.load.barge_in_after = 300 * NS_PER_MS;
    r.load.hold = 1200 * NS_PER_S;
    rig_run(&r, 1);
    c = recorder_counts(r.recorder);
    share = (double)c->interrupted / (double)c->completed;
    CHECK_NEAR(share, 0.5, 0.06); /* exponential 0.3 s falls within the 2 s of reply all but surely */
    CHECK_LT(0, r.pipeline.cancelled);
    check_accounts(&r);
    rig_done(&r);
}

/* A service that hangs for 2 s: of an open load's turns planned in that time the one at its start waits 2 s. */
TEST(a_stall_shows_in_full_under_open_arrivals)
{
    struct rig r;
    const struct hist *v2v;
    double base;

    rig_init(&r);
    r.load.users = 0;
    r.load.arrivals = (struct arrivals_spec){.process = ARRIVALS_CONSTANT, .rate = 20};
    r.load.ramp_up = r.load.ramp_down = 10 * NS_PER_S;
    r.load.hold = 100 * NS_PER_S;
    r.pipeline.endpoint = 0;
    r.pipeline.stall_from = 50 * NS_PER_S;
    r.pipeline.stall_until = 52 * NS_PER_S;
    rig_run(&r, 1);
    v2v = recorder_stage(r.recorder, STAGE_VOICE_TO_VOICE);
    base = (double)(fake_session_first_audio(&r.pipeline) + r.load.jitter);
    CHECK_NEAR((double)v2v->count, 2000, 1);
    CHECK_NEAR((double)hist_quantile(v2v, 0.5), base, 0.01 * base);
    /* Five turns are under way when it begins and wait 2 s, 40 begin in it, 50 ms apart: the 20th
     * of 2,000 waits 1.25 s. */
    CHECK_NEAR((double)hist_quantile(v2v, 0.99), base + 1.25e9, 0.06e9);
    CHECK_NEAR((double)v2v->max, base + 2e9, 0.3e9);
    CHECK_EQ(r.turns, r.pipeline.opened);
    rig_done(&r);
}

/* A trace of chat requests: nothing is spoken, lengths are the trace's, a turn is its answer. */
static uint32_t asked_prompt, asked_reply;
static void see_utterance(struct session_service *g, struct session *s)
{
    struct audio_log *l = CONTAINER_OF(g, struct audio_log, service);

    asked_prompt += s->utterance->prompt_tokens;
    asked_reply += s->utterance->reply ? 0 : s->utterance->max_tokens;
    l->inner->ops->open(l->inner, s);
}
static void pass_finish(struct session_service *g, struct session *s)
{
    struct audio_log *l = CONTAINER_OF(g, struct audio_log, service);

    l->inner->ops->finish(l->inner, s);
}

TEST(a_trace_of_chat_requests)
{
    static const struct session_service_ops ops = {see_utterance, log_audio, pass_finish, log_cancel};
    struct arrival rows[] = {{.at = NS_PER_S, .context = 1000, .generated = 5000},
                             {.at = 2 * NS_PER_S, .context = 7, .generated = 3}};
    struct arrival_trace trace = {.rows = rows, .count = 2};
    struct recorder_spec spec = {.hold_until = 20 * NS_PER_S, .arrival_rate = NAN};
    struct audio_log l;
    struct rig r;

    rig_init(&r);
    l = (struct audio_log){.service.ops = &ops, .inner = &r.pipeline.service};
    r.load.users = 0;
    r.load.ramp_up = r.load.ramp_down = 0;
    r.load.hold = 20 * NS_PER_S;
    r.load.arrivals = (struct arrivals_spec){.process = ARRIVALS_TRACE, .trace = &trace};
    r.talk.speech = (struct spread){0};
    r.recorder = recorder_new(&spec);
    r.users = users_new(virtual_world(r.v), &l.service, &r.load, &r.talk, r.stock, r.recorder, 1);
    asked_prompt = asked_reply = 0;
    users_start(r.users);
    while (virtual_step(r.v, 20 * NS_PER_S))
        CHECK(!users_check(r.users));
    users_stop(r.users);
    recorder_close(&r.recorder, 1);
    CHECK_EQ(asked_prompt, 1007);
    CHECK_EQ(asked_reply, 5003);
    CHECK_EQ(recorder_counts(r.recorder)->completed, 2);
    CHECK_EQ(l.voiced + l.silent, 0);
    CHECK_EQ(hist_mean(recorder_stage(r.recorder, STAGE_TURN)), (double)fake_session_answer(&r.pipeline));
    rig_done(&r);
}

TEST(open_load_refuses_beyond_its_sessions)
{
    struct rig r;
    const struct turn_counts *c;

    rig_init(&r);
    r.load.users = 0;
    r.load.arrivals = (struct arrivals_spec){.process = ARRIVALS_POISSON, .rate = 5};
    r.load.max_sessions = 10;
    rig_run(&r, 1);
    c = recorder_counts(r.recorder);
    CHECK_LT(50, c->failures[TURN_REFUSED]);
    CHECK_EQ(c->started, c->completed + c->failed + c->unfinished);
    rig_done(&r);
}

/* Same seed, same turns; and two pipelines of different speed hear the same words from the same user. */
TEST(conversations_do_not_depend_on_the_pipeline)
{
    uint64_t sum[3];

    for (int k = 0; k < 3; k++) {
        struct rig r;
        rig_init(&r);
        r.load = *load_preset("light");
        r.talk = CONVERSATION_DEFAULT;
        r.pipeline.llm = (k == 2 ? 60 : 50) * NS_PER_MS;
        rig_run(&r, 7);
        sum[k] = r.turns + (uint64_t)recorder_stage(r.recorder, STAGE_TURN)->sum;
        rig_done(&r);
    }
    CHECK_EQ(sum[0], sum[1]);
    CHECK_NE(sum[0], sum[2]);
}

PROPERTY(any_load_accounts_for_every_turn, 150)
{
    struct rig r;
    struct arena *a = arena_new();
    const struct audit_line *line;
    bool valid;

    rig_init(&r);
    r.load.users = 1 + (unsigned)gen_size(g, 30);
    r.load.ramp_up = gen_range(g, 0, 20 * NS_PER_S);
    r.load.hold = gen_range(g, 60 * NS_PER_S, 200 * NS_PER_S);
    r.load.ramp_down = gen_range(g, 0, 10 * NS_PER_S);
    r.load.think = gen_range(g, 0, 3 * NS_PER_S);
    r.load.think_kind = gen_bool(g) ? THINK_CONSTANT : THINK_EXPONENTIAL;
    r.load.listen = gen_bool(g);
    r.load.barge_in = gen_bool(g) ? gen_real(g, 0, 1) : 0;
    r.load.chunk = gen_range(g, 20 * NS_PER_MS, 500 * NS_PER_MS);
    r.load.pacing = gen_bool(g) ? 1 : 12.8;
    r.load.half_close = gen_bool(g);
    r.load.give_up = gen_range(g, 3 * NS_PER_S, 60 * NS_PER_S);
    r.talk.speech = (struct spread){.mean = 3, .cv = 0.5, .min = 0.2, .max = 12};
    r.pipeline.llm = gen_range(g, 0, 5 * NS_PER_S);
    r.pipeline.fail_every = gen_bool(g) ? (unsigned)gen_size(g, 20) : 0;
    rig_run(&r, rng_next(&g->rng));
    check_accounts(&r);
    audit_load(a, &r.recorder, 1, &AUDIT_BOUNDS_DEFAULT, &line, &valid);
    for (int i = 0; i < 6; i++) /* all but the number of samples, which a short hold may lack */
        if (!line[i].ok && strcmp(line[i].check, "steady_latency") != 0 && strcmp(line[i].check, "steady_state") != 0)
            check_fail(__FILE__, __LINE__, "%s: %s", line[i].check, line[i].text);
    arena_free(a);
    rig_done(&r);
}

TEST(presets_are_the_published_loads)
{
    const struct load_spec *heavy = load_preset("heavy"), *light = load_preset("light");
    struct err err = {0};

    CHECK(heavy->users == 50 && light->users == 5 && !load_preset("nothing"));
    CHECK_EQ(load_length(heavy), 375 * NS_PER_S);
    CHECK_EQ(load_length(light), 135 * NS_PER_S);
    for (size_t i = 0; i < LOAD_PRESET_COUNT; i++)
        CHECK_EQ(load_check(&LOAD_PRESETS[i], "load", &err), 0);
}

TEST(bad_loads_are_refused_by_field)
{
    struct load_spec s = *load_preset("light");
    struct err err = {0};

    s.users = 0;
    CHECK_EQ(load_check(&s, "load.light", &err), -1);
    CHECK_STR(err.msg, "load.light: users: 0, expected 1 to 100000");
    s.users = 1000000000;
    CHECK_EQ(load_check(&s, "load.light", &err), -1);
    s.users = 5;
    s.think = -1;
    CHECK_EQ(load_check(&s, "load.light", &err), -1);
    CHECK_CONTAINS(err.msg, "thinkTime");
    s.think = 0;
    s.pacing = NAN;
    CHECK_EQ(load_check(&s, "load.light", &err), -1);
    CHECK_CONTAINS(err.msg, "pacing");
}
