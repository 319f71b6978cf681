/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/turn.h"

#include "base/mem.h"
#include "voice/internal.h"

bool turn_tell(struct turn *t, const struct turn_event *e)
{
    uint32_t generation = t->generation;

    t->session->on->event(t->session, e);
    return t->generation == generation;
}

bool turn_tell_kind(struct turn *t, enum turn_event_kind kind)
{
    return turn_tell(t, &(struct turn_event){.kind = kind});
}

/* ---- the end of a turn ---- */

static void drop_asr(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    if (t->asr_open)
        p->to.asr->ops->cancel(p->to.asr, &t->asr);
    t->asr_open = false;
    workers_leave(&p->workers, &t->asr_worker);
}

/* Frees all that the turn holds, and itself; the workers that it leaves are not served yet. */
static void drop(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    p->open -= t->state != TURN_REFUSING;
    t->state = TURN_FREE;
    t->generation++;
    timer_stop(p->world, &t->silence);
    timer_stop(p->world, &t->deadline);
    cpu_cancel(&p->cpu, &t->asking);
    reply_drop(t);
    drop_asr(t);
    t->session->impl = NULL;
    t->next = p->unused;
    p->unused = t;
}

void turn_end(struct turn *t, enum turn_outcome outcome)
{
    struct pipeline *p = t->pipeline;
    struct session *s = t->session;

    drop(t);
    p->stats.ended[outcome]++;
    s->on->event(s, &(struct turn_event){.kind = TURN_END, .outcome = outcome});
    workers_serve(&p->workers);
}

void turn_cancel(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    drop(t);
    p->stats.cancelled++;
    workers_serve(&p->workers);
}

/* ---- deadlines ---- */

static int64_t earliest(const struct turn *t)
{
    int64_t at = t->stage_by < t->turn_by ? t->stage_by : t->turn_by, reply = reply_deadline(t);

    return at < reply ? at : reply;
}

/* The timer is moved only to an earlier time; one that fires too early looks again. */
void turn_watch(struct turn *t)
{
    int64_t at = earliest(t);

    if (timer_running(&t->deadline) && t->deadline_at <= at)
        return;
    t->deadline_at = at;
    timer_start(t->pipeline->world, &t->deadline, at);
}

static enum turn_bound exceeded(const struct turn *t)
{
    if (t->turn_by <= turn_now(t))
        return BOUND_TURN;
    if (t->stage_by > turn_now(t))
        return BOUND_TTS;
    return t->state == TURN_HEARING    ? BOUND_SPEECH
           : t->state == TURN_DECODING ? BOUND_ASR
                                       : BOUND_LLM;
}

static void on_deadline(struct timer *timer)
{
    struct turn *t = CONTAINER_OF(timer, struct turn, deadline);

    if (t->state == TURN_REFUSING) {
        turn_end(t, TURN_REFUSED);
    } else if (earliest(t) <= turn_now(t)) {
        t->pipeline->stats.timed_out[exceeded(t)]++;
        turn_end(t, TURN_TIMED_OUT);
    } else {
        turn_watch(t);
    }
}

/* ---- from speech to the LLM's request ---- */

static void on_asked(struct cpu_job *job)
{
    reply_ask(CONTAINER_OF(job, struct turn, asking));
}

static void ask(struct turn *t)
{
    struct pipeline *p = t->pipeline;
    const struct gateway_cost *cost = &p->conf.cost;
    int64_t listened = p->to.asr ? turn_now(t) - t->asr_opened_at : 0;
    double work = (double)cost->turn + (double)cost->audio_in * (double)t->heard / NS_PER_S +
                  (double)cost->recognition * (double)listened / NS_PER_S;

    t->state = TURN_ASKING;
    t->stage_by = TIME_NEVER;
    cpu_run(&p->cpu, &t->asking, (int64_t)work);
}

/* The end of speech is found; `by` is when the transcript must be here. */
static bool end_speech(struct turn *t, int64_t by)
{
    timer_stop(t->pipeline->world, &t->silence);
    t->state = TURN_DECODING;
    t->turn_by = turn_now(t) + t->pipeline->conf.turn_timeout;
    t->stage_by = by;
    turn_watch(t);
    return turn_tell_kind(t, TURN_ENDPOINT);
}

/* The gateway has found it, or the client says so. */
static void endpoint(struct turn *t)
{
    struct pipeline *p = t->pipeline;

    if (!end_speech(t, turn_now(t) + p->conf.asr_timeout))
        return;
    if (!p->to.asr)
        ask(t);
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

    if (t->state == TURN_HEARING && !end_speech(t, TIME_NEVER)) /* the server has found it */
        return;
    if (t->state != TURN_DECODING)
        return;
    if (text && !*text) {
        turn_end(t, TURN_NO_TRANSCRIPT);
        return;
    }
    if (t->pipeline->conf.endpointing == ENDPOINT_SERVER && !turn_serial(t))
        drop_asr(
            t); /* the serial gateway keeps the microphone's stream, and its worker, to the end */
    if (turn_tell_kind(t, TURN_TRANSCRIPT))
        ask(t);
}

static void on_asr_end(struct asr_stream *s, enum serve_status status)
{
    struct turn *t = CONTAINER_OF(s, struct turn, asr);
    struct pipeline *p = t->pipeline;

    t->asr_open = false;
    workers_leave(&p->workers, &t->asr_worker);
    if (t->state != TURN_HEARING && t->state != TURN_DECODING)
        workers_serve(&p->workers);
    else if (status == SERVE_OK)
        turn_end(t, TURN_NO_TRANSCRIPT);
    else
        turn_end(t, status == SERVE_REJECTED ? TURN_ASR_REJECTED : TURN_ASR_FAILED);
}

static const struct asr_events asr_events = {.final = on_asr_final, .end = on_asr_end};

static void asr_send(struct turn *t, int64_t duration, bool voiced, const int16_t *pcm)
{
    struct asr_service *a = t->pipeline->to.asr;

    if (duration > 0)
        a->ops->audio(a, &t->asr,
                      &(struct audio){.duration = duration, .voiced = voiced, .pcm = pcm});
}

static void on_asr_worker(struct worker_wait *w)
{
    struct turn *t = CONTAINER_OF(w, struct turn, asr_worker);
    struct asr_service *a = t->pipeline->to.asr;

    t->asr_open = true;
    t->asr_opened_at = turn_now(t);
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
    if (turn_serial(t))
        workers_take(&t->pipeline->workers, &t->asr_worker);
    else
        on_asr_worker(&t->asr_worker);
}

/*
 * Has the gateway heard enough silence? It hears a piece when the piece is over. In real time the
 * hangover ends between two pieces, which is the timer's; audio that comes faster than real time
 * brings its silence along.
 */
static bool hangover_over(struct turn *t, const struct audio *piece)
{
    struct pipeline *p = t->pipeline;

    if (p->conf.endpointing != ENDPOINT_GATEWAY)
        return false;
    if (piece->voiced) {
        t->spoke = true;
        t->quiet = 0;
        timer_stop(p->world, &t->silence);
        return false;
    }
    t->quiet += piece->duration;
    if (!t->spoke || t->quiet >= p->conf.hangover)
        return t->spoke;
    if (!timer_running(&t->silence))
        timer_start(p->world, &t->silence, turn_now(t) + p->conf.hangover - t->quiet);
    return false;
}

/* ---- what the user does ---- */

void turn_audio(struct turn *t, const struct audio *piece)
{
    struct pipeline *p = t->pipeline;

    p->stats.audio_in += piece->duration;
    if (t->state == TURN_HEARING) {
        t->heard += piece->duration;
        if (t->asr_open)
            asr_send(t, piece->duration, piece->voiced, piece->pcm);
        else
            *(piece->voiced ? &t->early_voiced : &t->early_silent) += piece->duration;
        if (hangover_over(t, piece))
            endpoint(t);
        return;
    }
    if (t->state < TURN_DECODING || turn_serial(t))
        return;
    t->interrupting = piece->voiced ? t->interrupting + piece->duration : 0;
    if (!piece->voiced || t->interrupting < p->conf.barge_in)
        return;
    p->stats.barge_ins++;
    turn_end(t, t->audio > 0 ? TURN_COMPLETED : TURN_INTERRUPTED);
}

void turn_finish(struct turn *t)
{
    if (t->state == TURN_HEARING)
        endpoint(t);
}

/* ---- the beginning ---- */

void turn_init(struct pipeline *p, struct turn *t)
{
    *t = (struct turn){.pipeline = p,
                       .silence.fire = on_silence,
                       .deadline.fire = on_deadline,
                       .asking.run = on_asked,
                       .asr_worker.granted = on_asr_worker,
                       .asr.on = &asr_events};
    reply_init(t);
}

void turn_refuse(struct turn *t, struct session *s)
{
    t->session = s;
    t->state = TURN_REFUSING;
    timer_start(t->pipeline->world, &t->deadline, turn_now(t));
}

void turn_open(struct turn *t, struct session *s)
{
    struct pipeline *p = t->pipeline;

    t->session = s;
    t->state = TURN_HEARING;
    t->finish_early = t->spoke = false;
    t->early_voiced = t->early_silent = t->heard = t->quiet = t->interrupting = 0;
    t->turn_by = TIME_NEVER;
    t->stage_by = turn_now(t) + p->conf.speech_timeout;
    reply_reset(t);
    turn_watch(t);
    if (p->to.asr)
        asr_begin(t);
}
