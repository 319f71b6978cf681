/* SPDX-License-Identifier: Apache-2.0 */
/* The reply of a turn: LLM, sentences, their synthesis, audio in order. */
#include <string.h>

#include "base/mem.h"
#include "voice/internal.h"

static void pump(struct turn *t);

static struct synth *head(struct turn *t)
{
    return &t->synths[t->spoken % SYNTHS];
}

/* ---- audio ---- */

static bool tell_first_audio(struct turn *t)
{
    if (t->told_audio)
        return true;
    t->told_audio = true;
    return turn_tell_kind(t, TURN_TTS_FIRST_AUDIO);
}

static bool hand_over(struct turn *t, int64_t duration, const int16_t *pcm)
{
    struct pipeline *p = t->pipeline;

    if (!tell_first_audio(t))
        return false;
    t->audio += duration;
    p->stats.audio_out += duration;
    if (p->conf.play_ahead > 0)
        playback_add(&t->playback, turn_now(t), duration);
    return turn_tell(t, &(struct turn_event){.kind = TURN_AUDIO, .duration = duration, .pcm = pcm});
}

/* Keeps a piece until its sentence's turn has come; false: too much. */
static bool hold(struct synth *s, const struct audio *piece)
{
    size_t n =
        (size_t)((piece->duration * s->turn->pipeline->conf.sample_rate + NS_PER_S / 2) / NS_PER_S);

    s->held += piece->duration;
    if (!piece->pcm)
        return true;
    if ((s->pcm_n + n) * sizeof *s->pcm > TURN_MAX_HELD)
        return false;
    GROW(s->pcm, s->pcm_cap, s->pcm_n + n);
    memcpy(s->pcm + s->pcm_n, piece->pcm, n * sizeof *s->pcm);
    s->pcm_n += n;
    return true;
}

/* Leaves finished sentences behind; what the next one has in store goes out at once. */
static void go_on(struct turn *t)
{
    while (t->spoken < t->asked) {
        struct synth *s = head(t);
        int64_t held = s->held;
        const int16_t *pcm = s->pcm_n ? s->pcm : NULL;
        s->held = 0;
        s->pcm_n = 0;
        if (held > 0 && !hand_over(t, held, pcm))
            return;
        if (s->state != SYNTH_CLOSED)
            break;
        s->state = SYNTH_FREE;
        t->spoken++;
    }
    pump(t);
}

/* ---- synthesis ---- */

static void on_closed(struct cpu_job *job)
{
    struct synth *s = CONTAINER_OF(job, struct synth, job);
    struct workers *workers = &s->turn->pipeline->workers;

    s->state = SYNTH_CLOSED;
    workers_leave(workers, &s->worker);
    if (s == head(s->turn))
        go_on(s->turn);
    workers_serve(workers);
}

static void on_tts_audio(struct tts_call *c, const struct audio *piece)
{
    struct synth *s = CONTAINER_OF(c, struct synth, call);
    struct turn *t = s->turn;

    s->audio += piece->duration;
    if (s == head(t) && !tell_first_audio(t))
        return;
    if (s == head(t) && !turn_serial(t))
        hand_over(t, piece->duration, piece->pcm);
    else if (!hold(s, piece))
        turn_end(t, TURN_TTS_FAILED);
}

static void on_tts_end(struct tts_call *c, enum serve_status status)
{
    struct synth *s = CONTAINER_OF(c, struct synth, call);
    struct turn *t = s->turn;
    const struct gateway_cost *cost = &t->pipeline->conf.cost;
    int64_t lasted = turn_now(t) - s->asked_at;
    double work = (double)cost->audio_out * (double)s->audio / NS_PER_S +
                  (double)cost->synthesis * (double)lasted / NS_PER_S;

    s->state = SYNTH_CLOSING;
    if (status != SERVE_OK) {
        turn_end(t, status == SERVE_REJECTED ? TURN_TTS_REJECTED : TURN_TTS_FAILED);
        return;
    }
    s->job.run = on_closed;
    if (turn_tell(t, &(struct turn_event){.kind = TURN_TTS_DONE, .duration = lasted}))
        cpu_run(&t->pipeline->cpu, &s->job, (int64_t)work);
}

static const struct tts_events tts_events = {.audio = on_tts_audio, .end = on_tts_end};

static void synth_ask(struct synth *s)
{
    struct turn *t = s->turn;
    struct tts_service *tts = t->pipeline->to.tts;
    bool first = !t->told_request;

    t->told_request = true;
    if (first && !turn_tell_kind(t, TURN_TTS_REQUEST))
        return;
    s->state = SYNTH_OPEN;
    s->asked_at = turn_now(t);
    turn_watch(t);
    tts->ops->submit(tts, &s->call);
}

static void on_worker(struct worker_wait *w)
{
    synth_ask(CONTAINER_OF(w, struct synth, worker));
}

static void on_prepared(struct cpu_job *job)
{
    struct synth *s = CONTAINER_OF(job, struct synth, job);

    if (turn_serial(s->turn))
        workers_take(&s->turn->pipeline->workers, &s->worker);
    else
        synth_ask(s);
}

static bool synth_begin(struct turn *t, size_t from, size_t n)
{
    struct pipeline *p = t->pipeline;
    struct synth *s = &t->synths[t->asked % SYNTHS];
    int64_t work = p->conf.cost.sentence + p->conf.cost.token * (t->tokens - t->tokens_charged);
    uint32_t generation = t->generation;

    if (t->asked == 0 && !turn_tell_kind(t, TURN_SENTENCE))
        return false;
    t->tokens_charged = t->tokens;
    t->asked++;
    p->stats.sentences++;
    s->state = SYNTH_PREPARING;
    s->audio = s->held = 0;
    s->pcm_n = 0;
    s->call.text = t->text + from;
    s->call.n = (uint32_t)n;
    s->job.run = on_prepared;
    cpu_run(&p->cpu, &s->job, work);
    return t->generation == generation;
}

/* ---- sentences ---- */

/* Serial: nobody reads the LLM's stream while a sentence is being synthesised. */
static bool may_begin(struct turn *t)
{
    const struct turn_conf *c = &t->pipeline->conf;
    int64_t left;

    if (turn_serial(t))
        return t->asked == t->spoken;
    if (t->asked - t->spoken > c->tts_ahead)
        return false;
    if (c->play_ahead <= 0)
        return true;
    left = playback_left(&t->playback, turn_now(t));
    if (left <= c->play_ahead)
        return true;
    if (!timer_running(&t->room))
        timer_start(t->pipeline->world, &t->room, turn_now(t) + left - c->play_ahead);
    return false;
}

static void on_room(struct timer *timer)
{
    pump(CONTAINER_OF(timer, struct turn, room));
}

static bool tell_done(struct turn *t)
{
    if (t->told_done)
        return true;
    t->told_done = true;
    return turn_tell(t, &(struct turn_event){.kind = TURN_LLM_DONE, .tokens = t->tokens});
}

static void finish(struct turn *t)
{
    if (t->tokens == 0)
        turn_end(t, TURN_NO_TOKENS);
    else if (t->pipeline->to.tts && t->audio == 0)
        turn_end(t, TURN_NO_AUDIO);
    else
        turn_end(t, TURN_COMPLETED);
}

/* Is there nothing more to say? Looks with a copy, since the next sentence may not begin yet. */
static bool drained(const struct turn *t)
{
    struct sentence_cutter peek = t->cutter;
    size_t from, n;

    return !t->pipeline->to.tts || !sentence_next(&peek, t->text, t->n, true, &from, &n);
}

/* Hands whole sentences to the TTS as far as it may, and ends the turn after the last one. */
static void pump(struct turn *t)
{
    size_t from, n;

    if (t->llm_over && (!turn_serial(t) || !t->pipeline->to.tts) && !tell_done(t))
        return;
    while (t->pipeline->to.tts && may_begin(t)) {
        bool whole = sentence_next(&t->cutter, t->text, t->n, false, &from, &n);
        if (!whole && !t->llm_over)
            return;
        if (!whole && !tell_done(t)) /* serial: now it has read all */
            return;
        if (!whole && !sentence_next(&t->cutter, t->text, t->n, true, &from, &n))
            break;
        if (!synth_begin(t, from, n))
            return;
    }
    if (t->llm_over && t->spoken == t->asked && drained(t))
        finish(t);
}

/* ---- the LLM ---- */

static void on_llm_tokens(struct llm_call *c, uint32_t count, const char *text, uint32_t n)
{
    struct turn *t = CONTAINER_OF(c, struct turn, llm);
    struct pipeline *p = t->pipeline;
    bool first = t->tokens == 0;

    t->tokens += count;
    p->stats.tokens += count;
    if (first) {
        t->stage_by = TIME_NEVER;
        if (!turn_tell_kind(t, TURN_LLM_FIRST_TOKEN))
            return;
    }
    if (!text || !p->to.tts)
        return;
    if (n > TURN_MAX_REPLY - t->n) {
        n = TURN_MAX_REPLY - t->n;
        p->stats.cut_off++;
        p->to.llm->ops->cancel(p->to.llm, c);
        t->llm_open = false;
        t->llm_over = true;
    }
    if (!t->text)
        t->text = xmalloc(TURN_MAX_REPLY);
    memcpy(t->text + t->n, text, n);
    t->n += n;
    if (t->asked - t->spoken <= p->conf.tts_ahead)
        pump(t);
}

static void on_llm_end(struct llm_call *c, enum serve_status status)
{
    struct turn *t = CONTAINER_OF(c, struct turn, llm);

    t->llm_open = false;
    if (status != SERVE_OK) {
        turn_end(t, status == SERVE_REJECTED ? TURN_LLM_REJECTED : TURN_LLM_FAILED);
        return;
    }
    t->llm_over = true;
    pump(t);
}

static const struct llm_events llm_events = {.tokens = on_llm_tokens, .end = on_llm_end};

void reply_ask(struct turn *t)
{
    struct pipeline *p = t->pipeline;
    const struct utterance *u = t->session->utterance;

    t->state = TURN_ANSWERING;
    t->stage_by = turn_now(t) + p->conf.llm_timeout;
    turn_watch(t);
    if (!turn_tell_kind(t, TURN_LLM_REQUEST))
        return;
    t->llm.prompt_tokens = u->prompt_tokens;
    t->llm.cached_tokens = u->cached_tokens;
    t->llm.max_tokens = u->max_tokens;
    t->llm.script = u->reply;
    t->llm.prompt = u->text;
    t->llm_open = true;
    p->to.llm->ops->submit(p->to.llm, &t->llm);
}

/* ---- the turn's side ---- */

void reply_init(struct turn *t)
{
    t->llm.on = &llm_events;
    t->room.fire = on_room;
    for (int i = 0; i < SYNTHS; i++)
        t->synths[i] =
            (struct synth){.turn = t, .call.on = &tts_events, .worker.granted = on_worker};
}

void reply_reset(struct turn *t)
{
    const struct turn_conf *c = &t->pipeline->conf;

    t->llm_open = t->llm_over = false;
    t->told_done = t->told_request = t->told_audio = false;
    t->tokens = t->tokens_charged = t->n = 0;
    t->asked = t->spoken = 0;
    t->audio = 0;
    playback_init(&t->playback, 0);
    sentence_init(&t->cutter, c->rule, c->sentence_min, c->sentence_max);
}

void reply_drop(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    timer_stop(p->world, &t->room);
    if (t->llm_open)
        p->to.llm->ops->cancel(p->to.llm, &t->llm);
    t->llm_open = false;
    for (uint32_t k = t->spoken; k < t->asked; k++) {
        struct synth *s = &t->synths[k % SYNTHS];
        if (s->state == SYNTH_OPEN)
            p->to.tts->ops->cancel(p->to.tts, &s->call);
        cpu_cancel(&p->cpu, &s->job);
        workers_leave(&p->workers, &s->worker);
        s->state = SYNTH_FREE;
    }
    t->spoken = t->asked;
}

/* Of the syntheses under way. */
int64_t reply_deadline(const struct turn *t)
{
    int64_t at = TIME_NEVER;

    for (uint32_t k = t->spoken; k < t->asked; k++) {
        const struct synth *s = &t->synths[k % SYNTHS];
        int64_t by = s->asked_at + t->pipeline->conf.tts_timeout;
        if (s->state == SYNTH_OPEN && by < at)
            at = by;
    }
    return at;
}
