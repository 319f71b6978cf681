/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serial pipeline against measurements of the published gateway: its unmodified program in
 * front of backends that never slow down (first token 50 ms, 45 tokens of 10 ms in three
 * sentences: 0.50 s; synthesis 0.3 s a sentence, first chunk after 50 ms; transcript 0.1 s after
 * the half-close). docs/turn.md has the table. What is measured contains a Python program's own
 * time, some 10 to 30 ms a step, which the model is not given.
 */
#include "base/mem.h"
#include "check.h"
#include "fake_services.h"
#include "sim/virtual.h"
#include "voice/turn.h"

#define MS(x) ((x)*NS_PER_MS)

enum { CALLERS = 50 };

/* Means over turns, s. */
struct seen {
    double llm_total, llm_worst; /* the gateway's metric: request to the last token it has read */
    double tts;                  /* the gateway's metric: request to first chunk */
    double client_tts;           /* first token to first audio at the client */
    double e2e;                  /* transcript to first audio at the client */
    double last_token;           /* transcript to the last token at the client; one caller only */
    unsigned turns, failed;
};

/*
 * One client of the published load test: 0.4 s of upload, half-close, and again after a second; or
 * a microphone.
 */
struct caller {
    struct bed *bed;
    struct session session;
    struct utterance utterance;
    struct timer timer;
    bool talking;
    int pieces;
    int64_t at[TURN_END + 1], last_asked;
};

struct bed {
    struct virtual_world *v;
    struct world *w;
    struct fakes fakes;
    struct pipeline *pipeline;
    int64_t think; /* TIME_NEVER: one turn each */
    bool microphone;
    int64_t from; /* turns that began earlier are not counted */
    struct seen sum;
    struct caller callers[CALLERS];
};

static double s_between(const struct caller *c, enum turn_event_kind a, enum turn_event_kind b)
{
    return (double)(c->at[b] - c->at[a]) / NS_PER_S;
}

static void count(struct caller *c)
{
    struct seen *s = &c->bed->sum;
    double llm = s_between(c, TURN_LLM_REQUEST, TURN_LLM_DONE);

    s->turns++;
    s->llm_total += llm;
    s->llm_worst = llm > s->llm_worst ? llm : s->llm_worst;
    s->tts += s_between(c, TURN_TTS_REQUEST, TURN_TTS_FIRST_AUDIO);
    s->client_tts += s_between(c, TURN_LLM_FIRST_TOKEN, TURN_AUDIO);
    s->e2e += s_between(c, TURN_TRANSCRIPT, TURN_AUDIO);
    s->last_token += (double)(c->last_asked - c->at[TURN_TRANSCRIPT]) / NS_PER_S;
}

static void heard(struct session *session, const struct turn_event *e)
{
    struct caller *c = CONTAINER_OF(session, struct caller, session);
    struct bed *b = c->bed;

    if (c->at[e->kind] < 0)
        c->at[e->kind] = b->w->now;
    if (e->kind == TURN_TTS_DONE)
        c->last_asked = b->w->now - e->duration;
    if (e->kind == TURN_ENDPOINT || e->kind == TURN_END)
        timer_stop(b->w, &c->timer);
    if (e->kind != TURN_END)
        return;
    if (e->outcome != TURN_COMPLETED)
        b->sum.failed++;
    else if (c->at[TURN_LLM_REQUEST] >= b->from)
        count(c);
    c->talking = false;
    if (b->think != TIME_NEVER)
        timer_start(b->w, &c->timer, b->w->now + b->think);
}

static const struct session_events listens = {heard};

static void act(struct timer *t)
{
    struct caller *c = CONTAINER_OF(t, struct caller, timer);
    struct bed *b = c->bed;
    struct session_service *g = pipeline_service(b->pipeline);

    if (!c->talking) {
        for (int i = 0; i <= TURN_END; i++)
            c->at[i] = -1;
        c->talking = true;
        c->pieces = 0;
        g->ops->open(g, &c->session);
        timer_start(b->w, t, b->w->now + MS(100));
        return;
    }
    c->pieces++;
    g->ops->audio(
        g, &c->session,
        &(struct audio){.duration = b->microphone ? MS(100) : MS(1280), .voiced = c->pieces <= 4});
    if (b->microphone || c->pieces < 4)
        timer_start(b->w, t, b->w->now + MS(100));
    else
        g->ops->finish(g, &c->session);
}

static struct bed *bed_new(uint32_t workers, size_t callers, int64_t synthesis)
{
    struct bed *b = xcalloc(1, sizeof *b);
    struct turn_conf conf = TURN_CONF_DEFAULT;

    b->v = virtual_new();
    b->w = virtual_world(b->v);
    b->think = TIME_NEVER;
    fakes_init(&b->fakes, b->w);
    b->fakes.reply = "a b c d e f g h i j k l m n o. a b c d e f g h i j k l m n o. a b c d e f g "
                     "h i j k l m n o.";
    b->fakes.tts_whole = synthesis;
    conf.kind = PIPELINE_SERIAL;
    conf.rule = SENTENCE_NAIVE;
    conf.endpointing = ENDPOINT_SERVER;
    conf.hangover = MS(800);
    conf.workers = workers;
    b->pipeline = pipeline_new(
        b->w, &conf, &(struct pipeline_services){&b->fakes.asr, &b->fakes.llm, &b->fakes.tts});
    for (size_t i = 0; i < callers; i++) {
        b->callers[i] = (struct caller){
            .bed = b, .session.on = &listens, .timer.fire = act, .utterance = {.text = "hello"}};
        b->callers[i].session.utterance = &b->callers[i].utterance;
        timer_start(b->w, &b->callers[i].timer, 0);
    }
    return b;
}

/* Runs and turns the sums into means. */
static struct seen bed_run(struct bed *b, int64_t until)
{
    struct seen s;

    while (virtual_step(b->v, until)) {
        const char *broken = pipeline_check(b->pipeline);
        if (broken)
            check_fail(__FILE__, __LINE__, "%s", broken);
    }
    s = b->sum;
    s.llm_total /= s.turns;
    s.tts /= s.turns;
    s.client_tts /= s.turns;
    s.e2e /= s.turns;
    s.last_token /= s.turns;
    return s;
}

static void bed_free(struct bed *b)
{
    pipeline_free(b->pipeline);
    virtual_free(b->v);
    free(b);
}

/* Within a part of what was measured. */
#define CHECK_CLOSE(a, measured, part) CHECK_NEAR(a, measured, (measured) * (part))

TEST(one_caller_sees_synthesis_as_llm_time)
{
    struct bed *b = bed_new(12, 1, MS(300));
    struct seen s = bed_run(b, 60 * NS_PER_S);

    CHECK_EQ(s.turns, 1);
    CHECK_CLOSE(s.llm_total, 1.10, 0.03); /* true: 0.50 */
    CHECK_CLOSE(s.last_token, 0.80, 0.03);
    CHECK_CLOSE(s.tts, 0.050, 0.01);
    CHECK_CLOSE(s.client_tts, 0.447, 0.03);
    CHECK_CLOSE(s.e2e, 0.498, 0.03);
    CHECK_EQ(b->fakes.held, 0);
    bed_free(b);
}

TEST(slower_synthesis_makes_the_llm_look_slower)
{
    struct bed *b = bed_new(12, 1, MS(1000));
    struct seen s = bed_run(b, 60 * NS_PER_S);

    CHECK_CLOSE(s.llm_total, 3.27, 0.04); /* true: 0.50 still */
    CHECK_CLOSE(s.last_token, 2.27, 0.04);
    CHECK_CLOSE(s.tts, 0.050, 0.01);
    CHECK_CLOSE(s.client_tts, 1.22, 0.08);
    CHECK_CLOSE(s.e2e, 1.27, 0.08);
    bed_free(b);
}

TEST(fifty_at_once_queue_for_six_threads)
{
    struct bed *b = bed_new(6, 50, MS(300));
    struct seen s = bed_run(b, 60 * NS_PER_S);

    CHECK_EQ(s.turns, 50);
    CHECK_CLOSE(s.llm_total, 6.89, 0.05);
    CHECK_CLOSE(s.llm_worst, 7.8, 0.05);
    CHECK_CLOSE(s.tts, 0.054, 0.1);
    CHECK_CLOSE(s.client_tts, 1.73, 0.05);
    CHECK_CLOSE(s.e2e, 1.78, 0.05);
    CHECK_LE(b->fakes.asr_open_most, 6);
    CHECK_EQ(b->fakes.held, 0);
    bed_free(b);
}

/*
 * Fifty callers with a second of thinking, out of phase. The rate is higher than measured by up to
 * a sixth: the model is not given what the real client and gateway spend between turns (a new
 * channel for every request).
 */
TEST(a_closed_loop_depends_on_the_threads_alone)
{
    static const struct {
        uint32_t workers;
        int64_t synthesis;
        double llm_total, client_tts, e2e, rate; /* measured */
    } rows[] = {{12, MS(300), 2.43, 0.88, 0.94, 10.8},
                {32, MS(300), 1.10, 0.45, 0.50, 16.9},
                {32, MS(800), 2.79, 1.04, 1.09, 10.0}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed *b = bed_new(rows[i].workers, CALLERS, rows[i].synthesis);
        struct seen s;
        b->think = NS_PER_S;
        b->from = 20 * NS_PER_S;
        for (int k = 0; k < CALLERS; k++)
            timer_start(b->w, &b->callers[k].timer, k * MS(60));
        s = bed_run(b, 120 * NS_PER_S);
        CHECK_EQ(s.failed, 0);
        CHECK_CLOSE(s.llm_total, rows[i].llm_total, 0.06);
        CHECK_CLOSE(s.tts, 0.050, 0.01);
        CHECK_CLOSE(s.client_tts, rows[i].client_tts, 0.06);
        CHECK_CLOSE(s.e2e, rows[i].e2e, 0.06);
        CHECK_CLOSE(s.turns / 100.0, rows[i].rate, 0.14);
        bed_free(b);
    }
}

/* Each open microphone holds a thread to the end of its turn; what is left synthesises for all. */
TEST(open_microphones_deadlock_at_as_many_as_threads)
{
    static const double measured[] = {[4] = 0.66, [5] = 1.15};

    for (size_t mics = 4; mics <= 7; mics++) {
        struct bed *b = bed_new(6, mics, MS(300));
        struct pipeline_stats stats;
        struct seen s;
        b->microphone = true;
        s = bed_run(b, 300 * NS_PER_S);
        pipeline_stats(b->pipeline, &stats);
        if (mics < 6) {
            CHECK_EQ(s.turns, mics);
            CHECK_CLOSE(s.e2e, measured[mics], 0.06);
        } else { /* six find no thread for their reply, the seventh none for its speech */
            CHECK_EQ(s.failed, mics);
            CHECK_EQ(stats.audio_out, 0);
            CHECK_EQ(stats.timed_out[BOUND_TURN] + stats.timed_out[BOUND_SPEECH], mics);
        }
        CHECK_EQ(stats.workers_taken, 0);
        CHECK_LE(b->fakes.asr_open_most, 6);
        CHECK_EQ(b->fakes.held, 0);
        bed_free(b);
    }
}
