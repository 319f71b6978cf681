/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_session.h"

#include "base/mem.h"

/* A turn steps through these, one timer at a time; then come the pieces of audio, TTS_DONE and END. */
static const enum turn_event_kind steps[] = {
    TURN_ENDPOINT, TURN_TRANSCRIPT,  TURN_LLM_REQUEST, TURN_LLM_FIRST_TOKEN,
    TURN_SENTENCE, TURN_TTS_REQUEST, TURN_LLM_DONE,    TURN_TTS_FIRST_AUDIO};

struct fake_turn {
    struct fake_session_service *f;
    struct session *session;
    struct timer timer;
    int64_t voiced, tts_asked;
    unsigned step, piece;
};

static int64_t delay(const struct fake_session_service *f, const struct fake_turn *t)
{
    const int64_t of[] = {f->endpoint, f->asr, f->gateway, f->llm, f->sentence, f->gateway, 0, f->tts};

    if (t->step < ARRAY_LEN(steps))
        return of[t->step];
    return t->piece == 0 ? f->gateway : f->piece_every;
}

static void arm(struct fake_turn *t)
{
    int64_t at = t->f->world->now + delay(t->f, t);

    if (at >= t->f->stall_from && at < t->f->stall_until)
        at = t->f->stall_until;
    timer_start(t->f->world, &t->timer, at);
}

static void tell(struct fake_turn *t, struct turn_event e)
{
    t->session->on->event(t->session, &e);
}

static void end(struct fake_turn *t, enum turn_outcome outcome)
{
    struct session *s = t->session;

    t->f->open--;
    s->impl = NULL;
    free(t);
    s->on->event(s, &(struct turn_event){.kind = TURN_END, .outcome = outcome});
}

static void on_timer(struct timer *timer)
{
    struct fake_turn *t = CONTAINER_OF(timer, struct fake_turn, timer);
    struct fake_session_service *f = t->f;

    if (t->step < ARRAY_LEN(steps)) {
        enum turn_event_kind kind = steps[t->step++];
        if (kind == TURN_LLM_FIRST_TOKEN && f->fail_every && f->opened % f->fail_every == 0) {
            end(t, TURN_LLM_FAILED);
            return;
        }
        if (kind == TURN_TTS_REQUEST)
            t->tts_asked = f->world->now;
        tell(t, (struct turn_event){.kind = kind, .tokens = f->tokens});
        arm(t);
        return;
    }
    tell(t, (struct turn_event){.kind = TURN_AUDIO, .duration = f->piece});
    if (++t->piece < f->pieces) {
        arm(t);
        return;
    }
    tell(t, (struct turn_event){.kind = TURN_TTS_DONE, .duration = f->world->now - t->tts_asked});
    end(t, TURN_COMPLETED);
}

static struct fake_session_service *self(struct session_service *g)
{
    return CONTAINER_OF(g, struct fake_session_service, service);
}

static void open_turn(struct session_service *g, struct session *s)
{
    struct fake_turn *t = xcalloc(1, sizeof *t);

    t->f = self(g);
    t->session = s;
    t->timer.fire = on_timer;
    s->impl = t;
    t->f->open++;
    t->f->opened++;
}

static void audio(struct session_service *g, struct session *s, const struct audio *piece)
{
    struct fake_turn *t = s->impl;

    if (!piece->voiced)
        return;
    t->voiced += piece->duration;
    if (t->voiced == s->utterance->speech)
        arm(t);
}

static void finish(struct session_service *g, struct session *s)
{
    self(g)->finished++;
    if (s->utterance->speech == 0)
        arm(s->impl);
}

static void cancel(struct session_service *g, struct session *s)
{
    struct fake_turn *t = s->impl;

    timer_stop(t->f->world, &t->timer);
    t->f->open--;
    t->f->cancelled++;
    s->impl = NULL;
    free(t);
}

static const struct session_service_ops ops = {.open = open_turn, .audio = audio, .finish = finish, .cancel = cancel};

void fake_session_init(struct fake_session_service *f, struct world *w)
{
    *f = (struct fake_session_service){
        .service.ops = &ops,
        .world = w,
        .endpoint = 500 * NS_PER_MS,
        .asr = 30 * NS_PER_MS,
        .gateway = 2 * NS_PER_MS,
        .llm = 50 * NS_PER_MS,
        .sentence = 100 * NS_PER_MS,
        .tts = 80 * NS_PER_MS,
        .pieces = 10,
        .piece = 200 * NS_PER_MS,
        .piece_every = 20 * NS_PER_MS,
        .tokens = 40,
        .stall_from = TIME_NEVER,
        .stall_until = TIME_NEVER,
    };
}

int64_t fake_session_first_audio(const struct fake_session_service *f)
{
    return f->endpoint + f->asr + 3 * f->gateway + f->llm + f->sentence + f->tts;
}

int64_t fake_session_answer(const struct fake_session_service *f)
{
    return fake_session_first_audio(f) + (f->pieces - 1) * f->piece_every;
}
