/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/turn.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "voice/cpu.h"
#include "voice/workers.h"

/* Where a sentence's synthesis stands. */
enum synth_state {
    SYNTH_FREE,
    SYNTH_PREPARING, /* its CPU work, then (serial) its worker */
    SYNTH_OPEN,      /* asked */
    SYNTH_CLOSING,   /* all audio is here; its CPU work */
    SYNTH_CLOSED     /* may be left behind as soon as its turn has come */
};

struct synth {
    struct turn *turn;
    enum synth_state state;
    struct tts_call call;
    struct cpu_job job;
    struct worker_wait worker;
    int64_t asked_at, audio; /* ns */
    int64_t held;            /* ns of audio that is not handed on yet */
};

enum { SYNTHS = TURN_MAX_AHEAD + 1 };

/* How far a turn is. */
enum turn_state {
    TURN_FREE,
    TURN_REFUSING,  /* the refusal is on its way */
    TURN_HEARING,   /* the user speaks */
    TURN_DECODING,  /* end of speech found, the transcript is awaited */
    TURN_ASKING,    /* CPU work before the LLM is asked */
    TURN_ANSWERING  /* LLM and TTS */
};

struct turn {
    struct pipeline *pipeline;
    struct session *session;
    struct turn *next; /* in the free list */
    enum turn_state state;
    uint32_t generation; /* counts the turns that this memory has been */

    struct asr_stream asr;
    bool asr_open, asr_over; /* has a stream; it has ended */
    struct worker_wait asr_worker;
    int64_t early_voiced, early_silent; /* ns of audio before a worker was free */
    bool finish_early;
    int64_t heard;        /* ns of audio from the user */
    bool speaking;        /* the last piece was voiced */
    struct timer silence; /* end of the hangover */

    struct llm_call llm;
    struct cpu_job asking;
    bool llm_open, llm_over, llm_told; /* under way; last token is here; TURN_LLM_DONE went out */
    uint32_t tokens, tokens_cut;
    char *text; /* owned, kept from turn to turn: the reply so far */
    size_t n, cap;
    struct sentence_cutter cutter;

    struct synth synths[SYNTHS]; /* sentence k in [k % SYNTHS] */
    uint32_t asked, spoken;      /* sentences handed to the TTS, and done with */
    int64_t audio;               /* ns handed to the user */

    struct timer deadline;
    int64_t deadline_at, stage_by, turn_by;
};

enum { SLAB = 16 };
struct slab {
    struct slab *next;
    struct turn turns[SLAB];
};

struct pipeline {
    struct session_service service;
    struct world *world;
    struct turn_conf conf;
    struct pipeline_services to;
    struct cpu cpu;
    struct workers workers;
    struct slab *slabs;
    struct turn *unused;
    uint32_t open;
};

const struct turn_conf TURN_CONF_DEFAULT = {
    .kind = PIPELINE_STREAMING,
    .endpointing = ENDPOINT_GATEWAY,
    .hangover = 500 * NS_PER_MS,
    .rule = SENTENCE_FULL,
    .sentence_min = 12,
    .sentence_max = 240,
    .tts_ahead = 1,
    .workers = 12,
    .max_sessions = 100000,
    .asr_timeout = 10 * NS_PER_S,
    .llm_timeout = 30 * NS_PER_S,
    .tts_timeout = 30 * NS_PER_S,
    .turn_timeout = 120 * NS_PER_S,
};

const char *turn_outcome_text(enum turn_outcome o)
{
    static const char *const texts[] = {
#define X(name, text) text,
        TURN_OUTCOMES(X)
#undef X
    };
    return texts[o];
}

int turn_conf_check(const struct turn_conf *c, const char *where, struct err *err)
{
    if (c->tts_ahead > TURN_MAX_AHEAD)
        return err_set(err, ERR_INPUT, "%s: %u sentences ahead, expected at most %d", where, c->tts_ahead, TURN_MAX_AHEAD);
    if (c->sentence_max < 8 || c->sentence_min > c->sentence_max)
        return err_set(err, ERR_INPUT, "%s: sentences of %u to %u bytes, expected a maximum of at least 8 and the minimum below it",
                       where, c->sentence_min, c->sentence_max);
    if (c->kind == PIPELINE_SERIAL && c->workers == 0)
        return err_set(err, ERR_INPUT, "%s: 0 workers, expected at least 1 for a serial pipeline", where);
    if (c->max_sessions == 0)
        return err_set(err, ERR_INPUT, "%s: 0 sessions, expected at least 1", where);
    if (c->hangover < 0 || c->asr_timeout <= 0 || c->llm_timeout <= 0 || c->tts_timeout <= 0 || c->turn_timeout <= 0)
        return err_set(err, ERR_INPUT, "%s: a timeout that is not above 0", where);
    if (!(c->cpu >= 0))
        return err_set(err, ERR_INPUT, "%s: cpu %g, expected cores, or 0 for a CPU that costs nothing", where, c->cpu);
    return 0;
}

static int64_t now(const struct turn *t)
{
    return t->pipeline->world->now;
}

static bool serial(const struct turn *t)
{
    return t->pipeline->conf.kind == PIPELINE_SERIAL;
}

/* Tells the user; false when he has ended the turn meanwhile, and nothing of it may be touched. */
static bool tell(struct turn *t, const struct turn_event *e)
{
    uint32_t generation = t->generation;

    t->session->on->event(t->session, e);
    return t->generation == generation;
}

static bool tell_kind(struct turn *t, enum turn_event_kind kind)
{
    return tell(t, &(struct turn_event){.kind = kind});
}

/* ---- the end of a turn ---- */

static void drop_asr(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    if (t->asr_open && !t->asr_over)
        p->to.asr->ops->cancel(p->to.asr, &t->asr);
    t->asr_open = false;
    workers_give(&p->workers, &t->asr_worker);
}

static void drop_synth(struct synth *s)
{
    struct pipeline *p = s->turn->pipeline;

    if (s->state == SYNTH_OPEN)
        p->to.tts->ops->cancel(p->to.tts, &s->call);
    cpu_cancel(&p->cpu, &s->job);
    s->state = SYNTH_FREE;
    workers_give(&p->workers, &s->worker);
}

/* Frees everything that the turn holds in the servers and the turn itself. */
static void release(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    if (t->state != TURN_REFUSING)
        p->open--;
    t->state = TURN_FREE;
    t->generation++;
    timer_stop(p->world, &t->silence);
    timer_stop(p->world, &t->deadline);
    cpu_cancel(&p->cpu, &t->asking);
    if (t->llm_open)
        p->to.llm->ops->cancel(p->to.llm, &t->llm);
    t->llm_open = false;
    for (int i = 0; i < SYNTHS; i++)
        if (t->synths[i].state != SYNTH_FREE)
            drop_synth(&t->synths[i]);
    drop_asr(t);
    t->session->impl = NULL;
    t->next = p->unused;
    p->unused = t;
}

static void end(struct turn *t, enum turn_outcome outcome)
{
    struct session *s = t->session;

    release(t);
    s->on->event(s, &(struct turn_event){.kind = TURN_END, .outcome = outcome});
}

/* ---- deadlines ---- */

static int64_t earliest(const struct turn *t)
{
    int64_t at = t->stage_by < t->turn_by ? t->stage_by : t->turn_by;

    for (int i = 0; i < SYNTHS; i++)
        if (t->synths[i].state == SYNTH_OPEN && t->synths[i].asked_at + t->pipeline->conf.tts_timeout < at)
            at = t->synths[i].asked_at + t->pipeline->conf.tts_timeout;
    return at;
}

/* The timer is moved only to an earlier time; one that fires too early looks again. */
static void watch(struct turn *t)
{
    int64_t at = earliest(t);

    if (timer_running(&t->deadline) && t->deadline_at <= at)
        return;
    t->deadline_at = at;
    timer_start(t->pipeline->world, &t->deadline, at);
}

static void on_deadline(struct timer *timer)
{
    struct turn *t = CONTAINER_OF(timer, struct turn, deadline);

    if (t->state == TURN_REFUSING)
        end(t, TURN_REFUSED);
    else if (earliest(t) <= now(t))
        end(t, TURN_TIMED_OUT);
    else
        watch(t);
}

/* ---- synthesis ---- */

static void pump(struct turn *t);

static bool hand_over(struct turn *t, int64_t duration, const int16_t *pcm)
{
    t->audio += duration;
    return tell(t, &(struct turn_event){.kind = TURN_AUDIO, .duration = duration, .pcm = pcm});
}

/* Leaves finished sentences behind; what the next one has in store goes out at once. */
static void go_on(struct turn *t)
{
    while (t->spoken < t->asked) {
        struct synth *s = &t->synths[t->spoken % SYNTHS];
        int64_t held = s->held;
        s->held = 0;
        if (held > 0 && !hand_over(t, held, NULL))
            return;
        if (s->state != SYNTH_CLOSED)
            break;
        s->state = SYNTH_FREE;
        t->spoken++;
    }
    pump(t);
}

static void on_synth_closed(struct cpu_job *job)
{
    struct synth *s = CONTAINER_OF(job, struct synth, job);
    struct turn *t = s->turn;

    s->state = SYNTH_CLOSED;
    workers_give(&t->pipeline->workers, &s->worker);
    if (s == &t->synths[t->spoken % SYNTHS])
        go_on(t);
}

static void on_tts_audio(struct tts_call *c, const struct audio *piece)
{
    struct synth *s = CONTAINER_OF(c, struct synth, call);
    struct turn *t = s->turn;
    bool first = t->spoken == 0 && s == &t->synths[0] && s->audio == 0;

    s->audio += piece->duration;
    if (first && !tell_kind(t, TURN_TTS_FIRST_AUDIO))
        return;
    if (serial(t) || s != &t->synths[t->spoken % SYNTHS])
        s->held += piece->duration;
    else
        hand_over(t, piece->duration, piece->pcm);
}

static void on_tts_end(struct tts_call *c, enum serve_status status)
{
    struct synth *s = CONTAINER_OF(c, struct synth, call);
    struct turn *t = s->turn;
    const struct gateway_cost *cost = &t->pipeline->conf.cost;
    int64_t lasted = now(t) - s->asked_at;
    double work = (double)cost->audio_out * (double)s->audio / NS_PER_S + (double)cost->synthesis * (double)lasted / NS_PER_S;

    s->state = SYNTH_CLOSING;
    if (status != SERVE_OK) {
        end(t, status == SERVE_REJECTED ? TURN_TTS_REJECTED : TURN_TTS_FAILED);
        return;
    }
    if (!tell(t, &(struct turn_event){.kind = TURN_TTS_DONE, .duration = lasted}))
        return;
    cpu_run(&t->pipeline->cpu, &s->job, (int64_t)work);
}

static const struct tts_events tts_events = {.audio = on_tts_audio, .end = on_tts_end};

static void synth_ask(struct synth *s)
{
    struct turn *t = s->turn;
    struct pipeline *p = t->pipeline;

    if (t->asked == 1 && t->spoken == 0 && !tell_kind(t, TURN_TTS_REQUEST))
        return;
    s->state = SYNTH_OPEN;
    s->asked_at = now(t);
    s->job.run = on_synth_closed;
    watch(t);
    p->to.tts->ops->submit(p->to.tts, &s->call);
}

static void on_synth_worker(struct worker_wait *w)
{
    synth_ask(CONTAINER_OF(w, struct synth, worker));
}

static void on_synth_prepared(struct cpu_job *job)
{
    struct synth *s = CONTAINER_OF(job, struct synth, job);

    if (serial(s->turn))
        workers_take(&s->turn->pipeline->workers, &s->worker);
    else
        synth_ask(s);
}

static bool synth_begin(struct turn *t, size_t from, size_t n)
{
    struct synth *s = &t->synths[t->asked % SYNTHS];
    const struct gateway_cost *cost = &t->pipeline->conf.cost;
    int64_t work = cost->sentence + cost->token * (t->tokens - t->tokens_cut);
    uint32_t generation = t->generation;

    if (t->asked == 0 && !tell_kind(t, TURN_SENTENCE))
        return false;
    t->tokens_cut = t->tokens;
    t->asked++;
    s->state = SYNTH_PREPARING;
    s->audio = s->held = 0;
    s->call.text = t->text + from;
    s->call.n = (uint32_t)n;
    s->job.run = on_synth_prepared;
    cpu_run(&t->pipeline->cpu, &s->job, work);
    return t->generation == generation;
}

/* ---- the answer ---- */

/* Serial: nobody reads the LLM's stream while a sentence is being synthesised. */
static uint32_t sentences_at_once(const struct turn *t)
{
    return serial(t) ? 1 : 1 + t->pipeline->conf.tts_ahead;
}

/* Hands whole sentences to the TTS as far as it may, and ends the turn after the last one. */
static void pump(struct turn *t)
{
    size_t from, n;
    bool open = t->pipeline->to.tts != NULL, drained = !open;

    while (open && t->asked - t->spoken < sentences_at_once(t)) {
        drained = !sentence_next(&t->cutter, t->text, t->n, t->llm_over, &from, &n);
        if (drained)
            break;
        if (!synth_begin(t, from, n))
            return;
    }
    if (!t->llm_over || !(drained || !serial(t)))
        return;
    if (!t->llm_told) {
        t->llm_told = true;
        if (!tell(t, &(struct turn_event){.kind = TURN_LLM_DONE, .tokens = t->tokens}))
            return;
    }
    if (!drained || t->spoken < t->asked)
        return;
    if (t->tokens == 0)
        end(t, TURN_NO_TOKENS);
    else if (open && t->audio == 0)
        end(t, TURN_NO_AUDIO);
    else
        end(t, TURN_COMPLETED);
}

/* Room for `more` bytes of reply. The text moves only while no sentence of it is being read. */
static size_t text_room(struct turn *t, size_t more)
{
    if (t->n + more > TURN_MAX_REPLY)
        more = TURN_MAX_REPLY - t->n;
    if (!t->text)
        t->text = xmalloc(TURN_MAX_REPLY);
    return more;
}

static void on_llm_tokens(struct llm_call *c, uint32_t count, const char *text, uint32_t n)
{
    struct turn *t = CONTAINER_OF(c, struct turn, llm);
    bool first = t->tokens == 0;

    t->tokens += count;
    if (first) {
        t->stage_by = TIME_NEVER;
        if (!tell_kind(t, TURN_LLM_FIRST_TOKEN))
            return;
    }
    if (!text || !t->pipeline->to.tts)
        return;
    n = (uint32_t)text_room(t, n);
    memcpy(t->text + t->n, text, n);
    t->n += n;
    if (t->asked - t->spoken < sentences_at_once(t))
        pump(t);
}

static void on_llm_end(struct llm_call *c, enum serve_status status)
{
    struct turn *t = CONTAINER_OF(c, struct turn, llm);

    t->llm_open = false;
    if (status != SERVE_OK) {
        end(t, status == SERVE_REJECTED ? TURN_LLM_REJECTED : TURN_LLM_FAILED);
        return;
    }
    t->llm_over = true;
    pump(t);
}

static const struct llm_events llm_events = {.tokens = on_llm_tokens, .end = on_llm_end};

static void on_asking_done(struct cpu_job *job)
{
    struct turn *t = CONTAINER_OF(job, struct turn, asking);
    struct pipeline *p = t->pipeline;
    const struct utterance *u = t->session->utterance;

    t->state = TURN_ANSWERING;
    t->stage_by = now(t) + p->conf.llm_timeout;
    if (!tell_kind(t, TURN_LLM_REQUEST))
        return;
    watch(t);
    t->llm.prompt_tokens = u->prompt_tokens;
    t->llm.cached_tokens = u->cached_tokens;
    t->llm.max_tokens = u->max_tokens;
    t->llm.script = u->reply;
    t->llm.prompt = u->text;
    t->llm_open = true;
    p->to.llm->ops->submit(p->to.llm, &t->llm);
}

static void ask_llm(struct turn *t)
{
    const struct gateway_cost *cost = &t->pipeline->conf.cost;
    double work = (double)cost->turn + (double)cost->audio_in * (double)t->heard / NS_PER_S;

    t->state = TURN_ASKING;
    t->stage_by = TIME_NEVER;
    cpu_run(&t->pipeline->cpu, &t->asking, (int64_t)work);
}

/* ---- hearing ---- */

/* The end of speech is found (or said). */
static void endpoint(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    timer_stop(p->world, &t->silence);
    t->state = TURN_DECODING;
    t->turn_by = now(t) + p->conf.turn_timeout;
    t->stage_by = now(t) + p->conf.asr_timeout;
    if (!tell_kind(t, TURN_ENDPOINT))
        return;
    watch(t);
    if (!p->to.asr)
        ask_llm(t);
    else if (t->asr_open)
        p->to.asr->ops->finish(p->to.asr, &t->asr);
    else
        t->finish_early = true;
}

static void on_silence(struct timer *timer)
{
    endpoint(CONTAINER_OF(timer, struct turn, silence));
}

static void on_asr_final(struct asr_stream *s, const char *text)
{
    struct turn *t = CONTAINER_OF(s, struct turn, asr);

    if (t->state == TURN_HEARING) { /* the server found the end of speech */
        t->state = TURN_DECODING;
        t->turn_by = now(t) + t->pipeline->conf.turn_timeout;
        if (!tell_kind(t, TURN_ENDPOINT))
            return;
        watch(t);
    }
    if (t->state != TURN_DECODING)
        return;
    if (text && !*text) {
        end(t, TURN_NO_TRANSCRIPT);
        return;
    }
    if (t->pipeline->conf.endpointing == ENDPOINT_SERVER && !serial(t))
        drop_asr(t); /* the serial gateway keeps the microphone's stream, and its worker, to the end */
    if (tell_kind(t, TURN_TRANSCRIPT))
        ask_llm(t);
}

static void on_asr_end(struct asr_stream *s, enum serve_status status)
{
    struct turn *t = CONTAINER_OF(s, struct turn, asr);

    t->asr_over = true;
    drop_asr(t);
    if (t->state != TURN_HEARING && t->state != TURN_DECODING)
        return;
    if (status == SERVE_OK)
        end(t, TURN_NO_TRANSCRIPT);
    else
        end(t, status == SERVE_REJECTED ? TURN_ASR_REJECTED : TURN_ASR_FAILED);
}

static const struct asr_events asr_events = {.final = on_asr_final, .end = on_asr_end};

static void asr_send(struct turn *t, int64_t duration, bool voiced, const int16_t *pcm)
{
    struct asr_service *a = t->pipeline->to.asr;

    if (duration > 0)
        a->ops->audio(a, &t->asr, &(struct audio){.duration = duration, .voiced = voiced, .pcm = pcm});
}

static void on_asr_worker(struct worker_wait *w)
{
    struct turn *t = CONTAINER_OF(w, struct turn, asr_worker);
    struct asr_service *a = t->pipeline->to.asr;

    t->asr_open = true;
    a->ops->open(a, &t->asr);
    asr_send(t, t->early_voiced, true, NULL);
    asr_send(t, t->early_silent, false, NULL);
    if (t->finish_early)
        a->ops->finish(a, &t->asr);
}

static void asr_begin(struct turn *t)
{
    const struct turn_conf *c = &t->pipeline->conf;

    t->asr.truth = t->session->utterance->text;
    t->asr.server_endpoint = c->endpointing == ENDPOINT_SERVER ? c->hangover : 0;
    if (serial(t))
        workers_take(&t->pipeline->workers, &t->asr_worker);
    else
        on_asr_worker(&t->asr_worker);
}

/* ---- the port ---- */

static struct pipeline *self(struct session_service *g)
{
    return CONTAINER_OF(g, struct pipeline, service);
}

static void turn_init(struct pipeline *p, struct turn *t)
{
    *t = (struct turn){.pipeline = p,
                       .silence.fire = on_silence,
                       .deadline.fire = on_deadline,
                       .asking.run = on_asking_done,
                       .asr_worker.granted = on_asr_worker,
                       .asr.on = &asr_events,
                       .llm.on = &llm_events};
    for (int i = 0; i < SYNTHS; i++)
        t->synths[i] = (struct synth){.turn = t, .call.on = &tts_events, .worker.granted = on_synth_worker};
    t->next = p->unused;
    p->unused = t;
}

static struct turn *turn_new(struct pipeline *p)
{
    struct turn *t;

    if (!p->unused) {
        struct slab *slab = xcalloc(1, sizeof *slab);
        slab->next = p->slabs;
        p->slabs = slab;
        for (int i = SLAB - 1; i >= 0; i--)
            turn_init(p, &slab->turns[i]);
    }
    t = p->unused;
    p->unused = t->next;
    t->asr_open = t->asr_over = t->finish_early = t->speaking = false;
    t->early_voiced = t->early_silent = t->heard = 0;
    t->llm_open = t->llm_over = t->llm_told = false;
    t->tokens = t->tokens_cut = t->asked = t->spoken = 0;
    t->audio = 0;
    t->n = 0;
    t->stage_by = t->turn_by = TIME_NEVER;
    sentence_init(&t->cutter, p->conf.rule, p->conf.sentence_min, p->conf.sentence_max);
    return t;
}

static void service_open(struct session_service *g, struct session *s)
{
    struct pipeline *p = self(g);
    struct turn *t = turn_new(p);

    t->session = s;
    s->impl = t;
    if (p->open >= p->conf.max_sessions) {
        t->state = TURN_REFUSING;
        timer_start(p->world, &t->deadline, p->world->now);
        return;
    }
    p->open++;
    t->state = TURN_HEARING;
    if (p->to.asr)
        asr_begin(t);
}

static void service_audio(struct session_service *g, struct session *s, const struct audio *piece)
{
    struct pipeline *p = self(g);
    struct turn *t = s->impl;

    if (!t || t->state != TURN_HEARING)
        return;
    t->heard += piece->duration;
    if (p->conf.endpointing == ENDPOINT_GATEWAY && piece->voiced != t->speaking) {
        if (piece->voiced)
            timer_stop(p->world, &t->silence);
        else /* silence began with this piece, which is here now that it is over */
            timer_start(p->world, &t->silence, p->world->now - piece->duration + p->conf.hangover);
    }
    t->speaking = piece->voiced;
    if (t->asr_open)
        asr_send(t, piece->duration, piece->voiced, piece->pcm);
    else
        *(piece->voiced ? &t->early_voiced : &t->early_silent) += piece->duration;
}

static void service_finish(struct session_service *g, struct session *s)
{
    struct turn *t = s->impl;

    (void)g;
    if (t && t->state == TURN_HEARING)
        endpoint(t);
}

static void service_cancel(struct session_service *g, struct session *s)
{
    (void)g;
    if (s->impl)
        release(s->impl);
}

static const struct session_service_ops service_ops = {
    .open = service_open, .audio = service_audio, .finish = service_finish, .cancel = service_cancel};

struct pipeline *pipeline_new(struct world *w, const struct turn_conf *conf, const struct pipeline_services *services)
{
    struct pipeline *p = xcalloc(1, sizeof *p);

    *p = (struct pipeline){.service = {&service_ops}, .world = w, .conf = *conf, .to = *services};
    cpu_init(&p->cpu, w, conf->cpu);
    workers_init(&p->workers, conf->workers);
    return p;
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    cpu_done(&p->cpu);
    for (struct slab *s = p->slabs, *next; s; s = next) {
        next = s->next;
        for (int i = 0; i < SLAB; i++) {
            timer_stop(p->world, &s->turns[i].silence);
            timer_stop(p->world, &s->turns[i].deadline);
            free(s->turns[i].text);
        }
        free(s);
    }
    free(p);
}

struct session_service *pipeline_service(struct pipeline *p)
{
    return &p->service;
}

double pipeline_cpu_busy(const struct pipeline *p)
{
    return p->conf.cpu > 0 ? cpu_busy(&p->cpu) : -1;
}

static const char *turn_check(const struct turn *t, uint32_t *workers)
{
    uint32_t busy = 0;

    for (int i = 0; i < SYNTHS; i++) {
        busy += t->synths[i].state != SYNTH_FREE;
        *workers += t->synths[i].worker.held;
    }
    *workers += t->asr_worker.held;
    if (t->state == TURN_FREE || t->state == TURN_REFUSING)
        return busy || t->llm_open || t->asr_open ? "a turn that is over still holds a call" : NULL;
    if (t->spoken > t->asked || t->asked - t->spoken > 1 + t->pipeline->conf.tts_ahead || busy != t->asked - t->spoken)
        return "sentences under way and counted differ";
    if (t->state >= TURN_DECODING && !timer_running(&t->deadline))
        return "a turn that nothing will ever end";
    return NULL;
}

const char *pipeline_check(const struct pipeline *p)
{
    uint32_t open = 0, workers = 0;

    for (const struct slab *s = p->slabs; s; s = s->next)
        for (int i = 0; i < SLAB; i++) {
            const struct turn *t = &s->turns[i];
            const char *broken = turn_check(t, &workers);
            if (broken)
                return broken;
            open += t->state != TURN_FREE && t->state != TURN_REFUSING;
        }
    if (open != p->open || open > p->conf.max_sessions)
        return "open turns and their count differ";
    if (workers != p->workers.taken || workers > p->workers.count)
        return "workers taken and their count differ";
    return NULL;
}
