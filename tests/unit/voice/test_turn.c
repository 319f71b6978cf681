/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/turn.h"

#include "base/mem.h"
#include "check.h"
#include "fake_services.h"
#include "sim/virtual.h"

/* A user who speaks for a second in 100 ms pieces, then is silent until the endpoint (or says that he is done). */
struct speaker {
    struct session session;
    struct timer timer;
    struct world *w;
    struct session_service *pipeline;
    struct utterance utterance;
    bool half_close, endpoint;
    int pieces;
    int64_t at[TURN_END + 1]; /* first time of each event; -1 */
    unsigned count[TURN_END + 1];
    int64_t audio;
    uint32_t tokens;
    enum turn_event_kind last;
    enum turn_outcome outcome;
    unsigned ends;
};

struct rig {
    struct virtual_world *v;
    struct fakes fakes;
    struct pipeline *pipeline;
    struct speaker speakers[16];
    size_t n;
};

static void heard(struct session *s, const struct turn_event *e)
{
    struct speaker *p = CONTAINER_OF(s, struct speaker, session);

    CHECK_EQ(p->ends, 0);
    if (p->at[e->kind] < 0)
        p->at[e->kind] = p->w->now;
    p->count[e->kind]++;
    p->last = e->kind;
    p->endpoint = p->endpoint || e->kind == TURN_ENDPOINT;
    if (e->kind == TURN_AUDIO)
        p->audio += e->duration;
    if (e->kind == TURN_LLM_DONE)
        p->tokens = e->tokens;
    if (e->kind == TURN_END) {
        p->ends++;
        p->outcome = e->outcome;
    }
}

static const struct session_events listens = {.event = heard};

static void speak(struct timer *t)
{
    struct speaker *p = CONTAINER_OF(t, struct speaker, timer);
    struct audio piece = {.duration = 100 * NS_PER_MS, .voiced = p->pieces < 10};

    if (p->endpoint || p->ends)
        return;
    p->pieces++;
    p->pipeline->ops->audio(p->pipeline, &p->session, &piece);
    if (p->half_close && p->pieces == 10) {
        p->pipeline->ops->finish(p->pipeline, &p->session);
        return;
    }
    if (p->pieces < 100)
        timer_start(p->w, t, p->w->now + piece.duration);
}

static struct speaker *say(struct rig *r)
{
    struct speaker *p = &r->speakers[r->n++];

    *p = (struct speaker){.session.on = &listens, .timer.fire = speak, .w = virtual_world(r->v),
                          .pipeline = pipeline_service(r->pipeline), .utterance = {.speech = NS_PER_S, .text = "hello"}};
    for (int i = 0; i <= TURN_END; i++)
        p->at[i] = -1;
    p->session.utterance = &p->utterance;
    p->pipeline->ops->open(p->pipeline, &p->session);
    timer_start(p->w, &p->timer, p->w->now + 100 * NS_PER_MS);
    return p;
}

static struct rig *rig_new(const struct turn_conf *conf)
{
    struct rig *r = xcalloc(1, sizeof *r);
    struct pipeline_services to;

    r->v = virtual_new();
    fakes_init(&r->fakes, virtual_world(r->v));
    to = (struct pipeline_services){&r->fakes.asr, &r->fakes.llm, &r->fakes.tts};
    r->pipeline = pipeline_new(virtual_world(r->v), conf, &to);
    return r;
}

static void rig_run(struct rig *r, int64_t until)
{
    while (virtual_step(r->v, until)) {
        const char *b = pipeline_check(r->pipeline);
        if (b)
            check_fail(__FILE__, __LINE__, "%s", b);
    }
}

static void rig_free(struct rig *r)
{
    pipeline_free(r->pipeline);
    virtual_free(r->v);
    free(r);
}

#define MS(x) ((x) * NS_PER_MS)

/* Speech ends at 1.0 s; every stamp follows by hand from the fakes' times. */
TEST(a_streaming_turn_stamp_by_stamp)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r = rig_new(&conf);
    struct speaker *p = say(r);

    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    CHECK_EQ(p->at[TURN_ENDPOINT], MS(1500));
    CHECK_EQ(p->at[TURN_TRANSCRIPT], MS(1600));
    CHECK_EQ(p->at[TURN_LLM_REQUEST], MS(1600));
    CHECK_EQ(p->at[TURN_LLM_FIRST_TOKEN], MS(1650));
    CHECK_EQ(p->at[TURN_SENTENCE], MS(1700)); /* "five. " is the fifth token, and "Six" tells that it was the end */
    CHECK_EQ(p->at[TURN_TTS_REQUEST], MS(1700));
    CHECK_EQ(p->at[TURN_TTS_FIRST_AUDIO], MS(1750));
    CHECK_EQ(p->at[TURN_AUDIO], MS(1750));
    CHECK_EQ(p->at[TURN_LLM_DONE], MS(1780)); /* 14 tokens: 50 + 13 * 10 ms */
    CHECK_EQ(p->at[TURN_END], MS(2300));      /* 1700 + 300; the third may begin then and takes 300 */
    CHECK_EQ(p->count[TURN_TTS_DONE], 3);
    CHECK_EQ(p->audio, 6 * NS_PER_S);
    CHECK_EQ(p->tokens, 14);
    CHECK_EQ(p->ends, 1);
    CHECK_EQ(r->fakes.held, 0);
    CHECK_EQ(r->fakes.tts_open_most, 2);
    rig_free(r);
}

TEST(endpointing_by_the_server_and_by_the_client)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;

    conf.endpointing = ENDPOINT_SERVER;
    conf.hangover = MS(800);
    r = rig_new(&conf);
    p = say(r);
    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(p->at[TURN_ENDPOINT], MS(1900));
    CHECK_EQ(p->at[TURN_TRANSCRIPT], MS(1900));
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    CHECK_EQ(r->fakes.held, 0);
    rig_free(r);

    conf.endpointing = ENDPOINT_CLIENT;
    r = rig_new(&conf);
    p = say(r);
    p->half_close = true;
    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(p->at[TURN_ENDPOINT], MS(1000));
    CHECK_EQ(p->at[TURN_TRANSCRIPT], MS(1100));
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    rig_free(r);
}

/*
 * The published gateway against backends that never slow down: LLM 50 ms to the first token and 45 tokens of 10 ms, TTS 0.3 s
 * a sentence. True LLM total 0.50 s; the gateway, which does not read meanwhile, sees 1.10 s with one user (measured on the
 * unmodified gateway; docs/turn.md).
 */
TEST(serial_pipeline_counts_synthesis_as_llm_time)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;

    conf.kind = PIPELINE_SERIAL;
    conf.endpointing = ENDPOINT_CLIENT;
    conf.rule = SENTENCE_NAIVE;
    r = rig_new(&conf);
    r->fakes.reply = "a b c d e f g h i j k l m n o. a b c d e f g h i j k l m n o. a b c d e f g h i j k l m n o.";
    p = say(r);
    p->half_close = true;
    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    CHECK_EQ(p->at[TURN_TTS_FIRST_AUDIO] - p->at[TURN_TTS_REQUEST], MS(50)); /* what its metric says */
    CHECK_EQ(p->at[TURN_AUDIO] - p->at[TURN_TTS_REQUEST], MS(300));          /* what the user waits */
    CHECK_NEAR((double)(p->at[TURN_LLM_DONE] - p->at[TURN_LLM_REQUEST]) / 1e9, 1.10, 0.02);
    CHECK_EQ(r->fakes.tts_open_most, 1);
    CHECK_EQ(r->fakes.held, 0);
    rig_free(r);
}

TEST(serial_pipeline_deadlocks_at_as_many_microphones_as_workers)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;

    conf.kind = PIPELINE_SERIAL;
    conf.workers = 6;
    conf.endpointing = ENDPOINT_SERVER;
    for (size_t mics = 5; mics <= 6; mics++) {
        struct rig *r = rig_new(&conf);
        for (size_t i = 0; i < mics; i++)
            say(r);
        rig_run(r, 300 * NS_PER_S);
        for (size_t i = 0; i < mics; i++) {
            CHECK_EQ(r->speakers[i].audio > 0, mics == 5);
            CHECK_EQ(r->speakers[i].outcome, mics == 5 ? TURN_COMPLETED : TURN_TIMED_OUT);
        }
        rig_free(r);
    }
}

static enum turn_outcome outcome_with(enum fake_fault asr, enum fake_fault llm, enum fake_fault tts)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r = rig_new(&conf);
    struct speaker *p;
    enum turn_outcome o;

    r->fakes.asr_fault = asr;
    r->fakes.llm_fault = llm;
    r->fakes.tts_fault = tts;
    p = say(r);
    rig_run(r, 600 * NS_PER_S);
    CHECK_EQ(p->ends, 1);
    CHECK_EQ(r->fakes.held, 0);
    o = p->outcome;
    rig_free(r);
    return o;
}

TEST(every_failure_has_its_outcome_and_leaves_nothing_behind)
{
    CHECK_EQ(outcome_with(FAKE_FAILS, FAKE_FINE, FAKE_FINE), TURN_ASR_FAILED);
    CHECK_EQ(outcome_with(FAKE_REJECTS, FAKE_FINE, FAKE_FINE), TURN_ASR_REJECTED);
    CHECK_EQ(outcome_with(FAKE_EMPTY, FAKE_FINE, FAKE_FINE), TURN_NO_TRANSCRIPT);
    CHECK_EQ(outcome_with(FAKE_SILENT, FAKE_FINE, FAKE_FINE), TURN_TIMED_OUT);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_FAILS, FAKE_FINE), TURN_LLM_FAILED);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_REJECTS, FAKE_FINE), TURN_LLM_REJECTED);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_EMPTY, FAKE_FINE), TURN_NO_TOKENS);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_SILENT, FAKE_FINE), TURN_TIMED_OUT);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_FINE, FAKE_FAILS), TURN_TTS_FAILED);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_FINE, FAKE_REJECTS), TURN_TTS_REJECTED);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_FINE, FAKE_EMPTY), TURN_NO_AUDIO);
    CHECK_EQ(outcome_with(FAKE_FINE, FAKE_FINE, FAKE_SILENT), TURN_TIMED_OUT);
}

TEST(sessions_beyond_the_maximum_are_refused)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;

    conf.max_sessions = 2;
    r = rig_new(&conf);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(say(r)->ends, 0); /* never from inside open() */
    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(r->speakers[0].outcome, TURN_COMPLETED);
    CHECK_EQ(r->speakers[1].outcome, TURN_COMPLETED);
    CHECK_EQ(r->speakers[2].outcome, TURN_REFUSED);
    CHECK_EQ(r->speakers[2].at[TURN_END], 0);
    rig_free(r);
}

TEST(the_gateways_cpu_delays_what_it_costs)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;

    conf.cpu = 0.5;
    conf.cost = (struct gateway_cost){.turn = MS(20), .audio_in = MS(10), .sentence = MS(5), .token = MS(1)};
    r = rig_new(&conf);
    p = say(r);
    rig_run(r, 60 * NS_PER_S);
    /* 1.5 s of audio at 10 ms a second (15 pieces less what came after the endpoint) and the turn's 20 ms, twice as long on half a core */
    CHECK_EQ(p->at[TURN_LLM_REQUEST] - p->at[TURN_TRANSCRIPT], MS(68));
    CHECK_EQ(p->at[TURN_TTS_REQUEST] - p->at[TURN_SENTENCE], MS(22)); /* six tokens at 1 ms and 5 ms, on half a core */
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    CHECK(pipeline_cpu_busy(r->pipeline) > MS(88));
    rig_free(r);
}

/* Any timing, any fault, hanging up at any moment: one end or none after a cancel, nothing held, no event too many. */
PROPERTY(any_turn_ends_once_and_holds_nothing, 2000)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    size_t n = 1 + gen_size(g, 7);

    conf.kind = gen_bool(g) ? PIPELINE_SERIAL : PIPELINE_STREAMING;
    conf.endpointing = (enum endpointing)gen_range(g, 0, 2);
    conf.rule = gen_bool(g) ? SENTENCE_NAIVE : SENTENCE_FULL;
    conf.workers = 1 + (uint32_t)gen_size(g, 9);
    conf.tts_ahead = (uint32_t)gen_size(g, TURN_MAX_AHEAD);
    conf.max_sessions = 1 + (uint32_t)gen_size(g, 9);
    conf.cpu = gen_bool(g) ? gen_real(g, 0.1, 2) : 0;
    conf.cost = (struct gateway_cost){gen_range(g, 0, MS(50)), gen_range(g, 0, MS(50)), gen_range(g, 0, MS(5)),
                                      gen_range(g, 0, MS(50)), gen_range(g, 0, MS(50)), gen_range(g, 0, MS(200))};
    conf.turn_timeout = gen_range(g, MS(100), MS(20000));
    r = rig_new(&conf);
    r->fakes.asr_final = gen_range(g, 0, MS(500));
    r->fakes.llm_first = gen_range(g, 0, MS(500));
    r->fakes.llm_gap = gen_range(g, 0, MS(50));
    r->fakes.tts_first = gen_range(g, 0, MS(200));
    r->fakes.tts_whole = r->fakes.tts_first + gen_range(g, 0, MS(500));
    for (size_t i = 0; i < n; i++) {
        say(r)->half_close = conf.endpointing == ENDPOINT_CLIENT;
        rig_run(r, virtual_world(r->v)->now + gen_range(g, 0, MS(700)));
        if (gen_range(g, 0, 5) == 5)
            *(enum fake_fault *[]){&r->fakes.asr_fault, &r->fakes.llm_fault, &r->fakes.tts_fault}[gen_range(g, 0, 2)] =
                (enum fake_fault)gen_range(g, 0, 4);
    }
    for (size_t i = 0; i < n; i++) {
        struct speaker *p = &r->speakers[i];
        rig_run(r, virtual_world(r->v)->now + gen_range(g, 0, MS(1500)));
        if (gen_bool(g) && !p->ends) {
            p->pipeline->ops->cancel(p->pipeline, &p->session);
            p->ends = 1; /* any further event of it fails in heard() */
        }
    }
    rig_run(r, virtual_world(r->v)->now + 200 * NS_PER_S);
    for (size_t i = 0; i < n; i++) {
        struct speaker *p = &r->speakers[i];
        if (!p->ends) { /* he never got through to the ASR: hang up */
            CHECK(conf.kind == PIPELINE_SERIAL || r->fakes.asr_fault == FAKE_SILENT || conf.endpointing != ENDPOINT_GATEWAY);
            p->pipeline->ops->cancel(p->pipeline, &p->session);
        }
    }
    CHECK_EQ(r->fakes.held, 0);
    rig_free(r);
}
