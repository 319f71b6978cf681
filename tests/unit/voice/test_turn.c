/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/turn.h"

#include "base/mem.h"
#include "check.h"
#include "fake_services.h"
#include "sim/virtual.h"

/*
 * A user who speaks for a second in 100 ms pieces, then is silent until the endpoint (or says that
 * he is done).
 */
struct speaker {
    struct session session;
    struct timer timer;
    struct world *w;
    struct session_service *pipeline;
    struct utterance utterance;
    bool half_close, open;
    bool babbling;            /* he goes on sending after the endpoint */
    int voiced, pieces;       /* pieces of speech, then silence; sent so far */
    int again;                /* turns that he begins from within TURN_END */
    int hang_up;              /* kind of event from within which he cancels; -1: none */
    int64_t at[TURN_END + 1]; /* first time of each event in the turn; -1 */
    unsigned count[TURN_END + 1];
    int64_t audio;
    uint32_t tokens;
    enum turn_outcome outcome;
    unsigned ends;
    int16_t pcm[64]; /* the first sample of every piece of audio that has any */
    size_t pcm_n;
};

struct rig {
    struct virtual_world *v;
    struct fakes fakes;
    struct pipeline *pipeline;
    struct speaker speakers[16];
    size_t n;
};

static void begin(struct speaker *p)
{
    for (int i = 0; i <= TURN_END; i++) {
        p->at[i] = -1;
        p->count[i] = 0;
    }
    p->audio = 0;
    p->pieces = 0;
    p->open = true;
    p->pipeline->ops->open(p->pipeline, &p->session);
    timer_start(p->w, &p->timer, p->w->now + 100 * NS_PER_MS);
}

static void hang_up(struct speaker *p)
{
    timer_stop(p->w, &p->timer);
    p->open = false;
    p->pipeline->ops->cancel(p->pipeline, &p->session);
}

/* Kinds up to TURN_AUDIO come in their order; the other two have their causes before them. */
static void check_order(const struct speaker *p, enum turn_event_kind kind)
{
    for (int later = kind + 1; p->count[kind] == 0 && kind <= TURN_AUDIO && later <= TURN_AUDIO;
         later++)
        CHECK_EQ(p->count[later], 0);
    if (kind == TURN_LLM_DONE)
        CHECK_EQ(p->count[TURN_LLM_REQUEST], 1);
    if (kind == TURN_TTS_DONE)
        CHECK_EQ(p->count[TURN_TTS_REQUEST], 1);
    if (kind != TURN_AUDIO && kind != TURN_TTS_DONE)
        CHECK_EQ(p->count[kind], 0);
}

static void heard(struct session *s, const struct turn_event *e)
{
    struct speaker *p = CONTAINER_OF(s, struct speaker, session);

    CHECK(p->open);
    check_order(p, e->kind);
    if (p->at[e->kind] < 0)
        p->at[e->kind] = p->w->now;
    p->count[e->kind]++;
    if (e->kind == TURN_AUDIO)
        p->audio += e->duration;
    if (e->kind == TURN_AUDIO && e->pcm && p->pcm_n < ARRAY_LEN(p->pcm))
        p->pcm[p->pcm_n++] = e->pcm[0];
    if (e->kind == TURN_LLM_DONE)
        p->tokens = e->tokens;
    if (e->kind == TURN_END) {
        p->ends++;
        p->outcome = e->outcome;
        p->open = false;
        timer_stop(p->w, &p->timer);
        if (p->again-- > 0)
            begin(p);
    } else if ((int)e->kind == p->hang_up) {
        hang_up(p);
    }
}

static const struct session_events listens = {.event = heard};

static void speak(struct timer *t)
{
    struct speaker *p = CONTAINER_OF(t, struct speaker, timer);
    struct audio piece = {.duration = 100 * NS_PER_MS, .voiced = p->pieces < p->voiced};

    if (p->count[TURN_ENDPOINT] && !p->babbling)
        return;
    if (++p->pieces < 1000)
        timer_start(p->w, t, p->w->now + piece.duration);
    p->pipeline->ops->audio(p->pipeline, &p->session, &piece);
    if (p->open && p->half_close && p->pieces == 10)
        p->pipeline->ops->finish(p->pipeline, &p->session);
}

static struct speaker *say(struct rig *r)
{
    struct speaker *p = &r->speakers[r->n++];

    *p = (struct speaker){.session.on = &listens,
                          .timer.fire = speak,
                          .w = virtual_world(r->v),
                          .voiced = 10,
                          .hang_up = -1,
                          .pipeline = pipeline_service(r->pipeline),
                          .utterance = {.speech = NS_PER_S, .text = "hello"}};
    p->session.utterance = &p->utterance;
    begin(p);
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

#define MS(x) ((x)*NS_PER_MS)

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
    CHECK_EQ(p->at[TURN_SENTENCE],
             MS(1700)); /* "five. " is the fifth token, and "Six" tells that it was the end */
    CHECK_EQ(p->at[TURN_TTS_REQUEST], MS(1700));
    CHECK_EQ(p->at[TURN_TTS_FIRST_AUDIO], MS(1750));
    CHECK_EQ(p->at[TURN_AUDIO], MS(1750));
    CHECK_EQ(p->at[TURN_LLM_DONE], MS(1780)); /* 14 tokens: 50 + 13 * 10 ms */
    CHECK_EQ(p->at[TURN_END], MS(2300)); /* 1700 + 300; the third may begin then and takes 300 */
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
 * A pause shorter than the hangover is no end; audio that comes faster than real time brings its
 * silence along.
 */
TEST(the_gateway_hears_silence_in_the_audio_and_in_time)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r = rig_new(&conf);
    struct speaker *p = say(r);
    struct session_service *g = p->pipeline;
    struct audio voiced = {.duration = MS(100), .voiced = true}, silent = {.duration = MS(100)};

    timer_stop(p->w, &p->timer);
    for (int i = 0; i < 9; i++) /* silence before speech means nothing */
        g->ops->audio(g, &p->session, &silent);
    for (int pause = 0; pause < 3; pause++) {
        g->ops->audio(g, &p->session, &voiced);
        for (int i = 0; i < 4; i++)
            g->ops->audio(g, &p->session, &silent);
    }
    CHECK_EQ(p->count[TURN_ENDPOINT], 0);
    g->ops->audio(g, &p->session, &silent);
    CHECK_EQ(p->count[TURN_ENDPOINT], 1); /* half a second of silence within no time */
    hang_up(p);

    p = say(r);
    timer_stop(p->w, &p->timer);
    g->ops->audio(g, &p->session, &voiced);
    g->ops->audio(g, &p->session, &silent);
    rig_run(r, MS(399));
    CHECK_EQ(p->count[TURN_ENDPOINT], 0);
    rig_run(r, MS(400)); /* nothing more came */
    CHECK_EQ(p->count[TURN_ENDPOINT], 1);
    hang_up(p);
    CHECK_EQ(r->fakes.held, 0);
    rig_free(r);
}

/* He speaks again 0.6 s into the reply: within that piece everything is cancelled. */
TEST(speech_during_the_reply_ends_the_turn_within_a_frame)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r = rig_new(&conf);
    struct speaker *p = say(r);
    struct session_service *g = p->pipeline;
    struct pipeline_stats stats;

    rig_run(r, MS(1990));
    CHECK_EQ(r->fakes.held, 2);
    g->ops->audio(g, &p->session, &(struct audio){.duration = MS(20)}); /* noise is none */
    CHECK_EQ(p->ends, 0);
    g->ops->audio(g, &p->session, &(struct audio){.duration = MS(20), .voiced = true});
    CHECK_EQ(p->ends, 1);
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    CHECK_EQ(r->fakes.held, 0);
    pipeline_stats(r->pipeline, &stats);
    CHECK_EQ(stats.barge_ins, 1);
    rig_free(r);
}

TEST(speech_before_any_audio_interrupts_the_turn)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;

    for (int64_t bound = 0; bound <= MS(200); bound += MS(200)) {
        conf.barge_in = bound;
        r = rig_new(&conf);
        p = say(r);
        p->half_close = p->babbling = true;
        p->voiced = 1000;
        rig_run(r, 60 * NS_PER_S);
        CHECK_EQ(p->outcome, TURN_INTERRUPTED);
        CHECK_EQ(p->at[TURN_END],
                 MS(1100) + (bound ? MS(100) : 0)); /* the pieces after the half-close at 1.0 s */
        CHECK_EQ(r->fakes.held, 0);
        rig_free(r);
    }
    conf.barge_in = TIME_NEVER;
    r = rig_new(&conf);
    p = say(r);
    p->half_close = p->babbling = true;
    p->voiced = 1000;
    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    rig_free(r);
}

/*
 * Three sentences of 2 s of audio, asked at 1.70, 1.75 and, in order, when the first is handed on.
 * With at most 1 s of unheard audio: the first has half of its audio here at 1.75 (heard at 2.75),
 * all at 2.00 (heard at 3.75): the third waits for the second.
 */
TEST(no_further_sentence_is_synthesised_while_enough_is_unheard)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;

    conf.play_ahead = NS_PER_S;
    r = rig_new(&conf);
    p = say(r);
    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    /* 4 s of audio at 2.05, heard until 5.75: the third is asked at 4.75 and takes 300 ms */
    CHECK_EQ(p->at[TURN_END], MS(5050));
    CHECK_EQ(p->audio, 6 * NS_PER_S);
    rig_free(r);
}

/*
 * Two sentences at once in the TTS: samples of the second wait for the first and keep their order.
 */
TEST(samples_of_a_sentence_ahead_wait_for_their_turn)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;

    conf.sample_rate = 8000;
    r = rig_new(&conf);
    r->fakes.pcm = true;
    p = say(r);
    rig_run(r, 60 * NS_PER_S);
    CHECK_EQ(p->audio, 6 * NS_PER_S);
    CHECK_EQ(
        p->pcm_n,
        6); /* two pieces a sentence; the second one's first came before the first one's last */
    for (size_t i = 0; i < p->pcm_n; i++)
        CHECK_EQ(p->pcm[i], i);
    rig_free(r);
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

/* The bound that is broken, and when: counted from the event that it is stated for. */
static void check_bound(struct turn_conf *conf, enum fake_fault asr, enum fake_fault llm,
                        enum fake_fault tts, enum turn_bound bound, int64_t at)
{
    struct rig *r = rig_new(conf);
    struct speaker *p;
    struct pipeline_stats stats;

    r->fakes.asr_fault = asr;
    r->fakes.llm_fault = llm;
    r->fakes.tts_fault = tts;
    p = say(r);
    rig_run(r, 600 * NS_PER_S);
    pipeline_stats(r->pipeline, &stats);
    CHECK_EQ(p->outcome, TURN_TIMED_OUT);
    CHECK_EQ(p->at[TURN_END], at);
    CHECK_EQ(stats.timed_out[bound], 1);
    CHECK_EQ(stats.ended[TURN_TIMED_OUT], 1);
    CHECK_EQ(r->fakes.held, 0);
    rig_free(r);
}

TEST(every_stage_has_its_bound)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;

    conf.speech_timeout = MS(7000);
    conf.asr_timeout = MS(1000);
    conf.llm_timeout = MS(2000);
    conf.tts_timeout = MS(3000);
    check_bound(&conf, FAKE_SILENT, FAKE_FINE, FAKE_FINE, BOUND_ASR, MS(1500 + 1000));
    check_bound(&conf, FAKE_FINE, FAKE_SILENT, FAKE_FINE, BOUND_LLM, MS(1600 + 2000));
    check_bound(&conf, FAKE_FINE, FAKE_FINE, FAKE_SILENT, BOUND_TTS, MS(1700 + 3000));
    conf.turn_timeout = MS(900);
    check_bound(&conf, FAKE_SILENT, FAKE_FINE, FAKE_FINE, BOUND_TURN, MS(1500 + 900));
    conf.endpointing = ENDPOINT_SERVER;
    check_bound(&conf, FAKE_SILENT, FAKE_FINE, FAKE_FINE, BOUND_SPEECH, MS(7000));
}

TEST(a_reply_without_end_is_cut_off_and_its_call_cancelled)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;
    struct pipeline_stats stats;
    static char words[TURN_MAX_REPLY + 100];

    memset(words, 'a', sizeof words - 1);
    for (size_t i = 50; i < sizeof words - 1; i += 50)
        words[i] = ' ';
    conf.turn_timeout = 3600 * NS_PER_S;
    r = rig_new(&conf);
    r->fakes.reply = words;
    p = say(r);
    rig_run(r, 3600 * NS_PER_S);
    pipeline_stats(r->pipeline, &stats);
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    CHECK_EQ(stats.cut_off, 1);
    CHECK_EQ(stats.sentences,
             TURN_MAX_REPLY / 200 + 1); /* four words of 50 bytes each in at most 240 */
    CHECK_EQ(r->fakes.held, 0);
    rig_free(r);
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
    conf.cost = (struct gateway_cost){
        .turn = MS(20), .audio_in = MS(10), .sentence = MS(5), .token = MS(1)};
    r = rig_new(&conf);
    p = say(r);
    rig_run(r, 60 * NS_PER_S);
    /* 14 pieces of 100 ms before the endpoint at 10 ms a second, the turn's 20 ms; half a core */
    CHECK_EQ(p->at[TURN_LLM_REQUEST] - p->at[TURN_TRANSCRIPT], MS(68));
    CHECK_EQ(p->at[TURN_TTS_REQUEST] - p->at[TURN_SENTENCE],
             MS(22)); /* six tokens at 1 ms and 5 ms, on half a core */
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    CHECK(pipeline_cpu_busy(r->pipeline) > MS(88));
    rig_free(r);
}

TEST(an_open_recognition_costs_cpu_by_the_second)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct speaker *p;

    conf.cpu = 0.5;
    conf.cost = (struct gateway_cost){.recognition = MS(100)};
    r = rig_new(&conf);
    p = say(r);
    rig_run(r, 60 * NS_PER_S);
    /* a tenth of a core for as long as the stream was open, from the turn's start; half a core */
    CHECK(p->at[TURN_TRANSCRIPT] > 0);
    CHECK_EQ(p->at[TURN_LLM_REQUEST] - p->at[TURN_TRANSCRIPT], p->at[TURN_TRANSCRIPT] / 5);
    CHECK_EQ(p->outcome, TURN_COMPLETED);
    rig_free(r);
}

static void draw_conf(struct gen *g, struct turn_conf *conf)
{
    conf->kind = gen_bool(g) ? PIPELINE_SERIAL : PIPELINE_STREAMING;
    conf->endpointing = (enum endpointing)gen_range(g, 0, 2);
    conf->rule = gen_bool(g) ? SENTENCE_NAIVE : SENTENCE_FULL;
    conf->workers = 1 + (uint32_t)gen_size(g, 9);
    conf->tts_ahead = (uint32_t)gen_size(g, TURN_MAX_AHEAD);
    conf->play_ahead = gen_bool(g) ? gen_range(g, 0, MS(3000)) : 0;
    conf->barge_in = gen_bool(g) ? gen_range(g, 0, MS(400)) : TIME_NEVER;
    conf->max_sessions = 1 + (uint32_t)gen_size(g, 9);
    conf->cpu = gen_bool(g) ? gen_real(g, 0.1, 3) : 0;
    conf->cost = (struct gateway_cost){gen_range(g, 0, MS(50)), gen_range(g, 0, MS(50)),
                                       gen_range(g, 0, MS(5)),  gen_range(g, 0, MS(50)),
                                       gen_range(g, 0, MS(50)), gen_range(g, 0, MS(200)),
                                       gen_range(g, 0, MS(200))};
    conf->speech_timeout = gen_range(g, MS(500), MS(20000));
    conf->turn_timeout = gen_range(g, MS(100), MS(20000));
}

static void draw_fakes(struct gen *g, struct fakes *f)
{
    f->asr_final = gen_range(g, 0, MS(500));
    f->llm_first = gen_range(g, 0, MS(500));
    f->llm_gap = gen_range(g, 0, MS(50));
    f->tts_first = gen_range(g, 0, MS(200));
    f->tts_whole = f->tts_first + gen_range(g, 0, MS(500));
    f->pcm = gen_bool(g);
}

/*
 * Any timing, any fault, hanging up at any moment, within events too, speaking on, beginning anew
 * at once: one end a turn or none after a cancel, nothing held, no event too many or out of order.
 */
PROPERTY(any_turn_ends_once_and_holds_nothing, 3000)
{
    struct turn_conf conf = TURN_CONF_DEFAULT;
    struct rig *r;
    struct pipeline_stats stats;
    size_t n = 1 + gen_size(g, 7);

    draw_conf(g, &conf);
    r = rig_new(&conf);
    draw_fakes(g, &r->fakes);
    for (size_t i = 0; i < n; i++) {
        struct speaker *p = say(r);
        p->half_close = gen_bool(g) || conf.endpointing == ENDPOINT_CLIENT;
        p->babbling = gen_bool(g);
        p->voiced = gen_bool(g) ? 10 : (int)gen_range(g, 0, 40);
        p->again = (int)gen_size(g, 3);
        p->hang_up = gen_bool(g) ? (int)gen_range(g, 0, TURN_TTS_DONE) : -1;
        rig_run(r, virtual_world(r->v)->now + gen_range(g, 0, MS(700)));
        if (gen_range(g, 0, 5) == 5)
            *(enum fake_fault *[]){&r->fakes.asr_fault, &r->fakes.llm_fault,
                                   &r->fakes.tts_fault}[gen_range(g, 0, 2)] =
                (enum fake_fault)gen_range(g, 0, 4);
    }
    for (size_t i = 0; i < n; i++) {
        rig_run(r, virtual_world(r->v)->now + gen_range(g, 0, MS(1500)));
        if (gen_bool(g) && r->speakers[i].open)
            hang_up(&r->speakers[i]);
    }
    rig_run(r, virtual_world(r->v)->now + 200 * NS_PER_S);
    for (size_t i = 0; i < n; i++)
        CHECK(!r->speakers[i].open);
    CHECK_EQ(r->fakes.held, 0);
    pipeline_stats(r->pipeline, &stats);
    CHECK_EQ(stats.turns, 0);
    CHECK_EQ(stats.workers_taken + stats.workers_waiting, 0);
    rig_free(r);
}
