/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_services.h"

#include <string.h>

#include "base/mem.h"
#include "check.h"

enum { ASR, LLM, TTS };

static struct fake_call *call_new(struct fakes *f, int kind, void *call)
{
    for (int i = 0; i < FAKE_CALLS; i++) {
        struct fake_call *c = &f->calls[i];
        if (c->call)
            continue;
        c->call = call;
        c->kind = kind;
        c->step = 0;
        c->finished = false;
        c->began = f->w->now;
        f->held++;
        if (kind == ASR && ++f->asr_open > f->asr_open_most)
            f->asr_open_most = f->asr_open;
        if (kind == TTS && ++f->tts_open > f->tts_open_most)
            f->tts_open_most = f->tts_open;
        return c;
    }
    check_fail(__FILE__, __LINE__, "more than %d calls at the fake services", FAKE_CALLS);
}

static void call_free(struct fake_call *c)
{
    timer_stop(c->fakes->w, &c->timer);
    c->call = NULL;
    c->fakes->held--;
    c->fakes->tts_open -= c->kind == TTS;
    c->fakes->asr_open -= c->kind == ASR;
}

static void after(struct fake_call *c, int64_t ns)
{
    timer_start(c->fakes->w, &c->timer, c->fakes->w->now + ns);
}

static bool broken(enum fake_fault fault)
{
    return fault == FAKE_REJECTS || fault == FAKE_FAILS;
}

static enum serve_status status_of(enum fake_fault fault)
{
    return fault == FAKE_REJECTS ? SERVE_REJECTED : SERVE_FAILED;
}

/* ---- ASR ---- */

static void asr_step(struct fake_call *c)
{
    struct asr_stream *s = c->call;
    struct fakes *f = c->fakes;

    if (broken(f->asr_fault)) {
        call_free(c);
        s->on->end(s, status_of(f->asr_fault));
        return;
    }
    if (c->step++ == 0) {
        if (c->finished)
            after(c, 0);
        s->on->final(s, f->asr_fault == FAKE_EMPTY ? "" : s->truth);
        return;
    }
    call_free(c);
    s->on->end(s, SERVE_OK);
}

static void asr_open(struct asr_service *a, struct asr_stream *s)
{
    struct fakes *f = CONTAINER_OF(a, struct fakes, asr);
    struct fake_call *c = call_new(f, ASR, s);

    s->impl = c;
    if (broken(f->asr_fault))
        after(c, 0);
}

static void asr_audio(struct asr_service *a, struct asr_stream *s, const struct audio *piece)
{
    struct fake_call *c = s->impl;

    (void)a;
    if (s->server_endpoint && !piece->voiced && !timer_running(&c->timer) && c->step == 0 &&
        c->fakes->asr_fault != FAKE_SILENT)
        after(c, s->server_endpoint - piece->duration + c->fakes->asr_final);
}

static void asr_finish(struct asr_service *a, struct asr_stream *s)
{
    struct fakes *f = CONTAINER_OF(a, struct fakes, asr);

    ((struct fake_call *)s->impl)->finished = true;
    if (f->asr_fault != FAKE_SILENT)
        after(s->impl, f->asr_final);
}

static void asr_cancel(struct asr_service *a, struct asr_stream *s)
{
    (void)a;
    call_free(s->impl);
}

/* ---- LLM ---- */

static void llm_step(struct fake_call *c)
{
    struct llm_call *call = c->call;
    struct fakes *f = c->fakes;
    const char *word = f->reply, *end;

    if (broken(f->llm_fault)) {
        call_free(c);
        call->on->end(call, status_of(f->llm_fault));
        return;
    }
    for (int i = 0; i < c->step && *word; i++)
        word += strcspn(word, " ") + (word[strcspn(word, " ")] == ' ');
    if (!*word || f->llm_fault == FAKE_EMPTY) {
        call_free(c);
        call->on->end(call, SERVE_OK);
        return;
    }
    c->step++;
    end = word + strcspn(word, " ");
    end += *end == ' ';
    after(c, *end ? f->llm_gap : 0);
    call->on->tokens(call, 1, word, (uint32_t)(end - word));
}

static void llm_submit(struct llm_service *l, struct llm_call *call)
{
    struct fakes *f = CONTAINER_OF(l, struct fakes, llm);
    struct fake_call *c = call_new(f, LLM, call);

    call->impl = c;
    if (f->llm_fault != FAKE_SILENT)
        after(c, broken(f->llm_fault) ? 0 : f->llm_first);
}

static void llm_cancel(struct llm_service *l, struct llm_call *call)
{
    (void)l;
    call_free(call->impl);
}

/* ---- TTS ---- */

static void tts_step(struct fake_call *c)
{
    struct tts_call *call = c->call;
    struct fakes *f = c->fakes;
    struct audio half = {.duration = f->tts_audio / 2, .voiced = true};

    if (broken(f->tts_fault)) {
        call_free(c);
        call->on->end(call, status_of(f->tts_fault));
        return;
    }
    if (f->tts_fault == FAKE_EMPTY || c->step == 2) {
        call_free(c);
        call->on->end(call, SERVE_OK);
        return;
    }
    timer_start(f->w, &c->timer, c->began + f->tts_whole);
    for (size_t i = 0; f->pcm && i < FAKE_SAMPLES; i++)
        f->samples[i] = (int16_t)(2 * c->number + c->step);
    if (f->pcm)
        half.pcm = f->samples;
    c->step++;
    call->on->audio(call, &half);
}

static void tts_submit(struct tts_service *t, struct tts_call *call)
{
    struct fakes *f = CONTAINER_OF(t, struct fakes, tts);
    struct fake_call *c = call_new(f, TTS, call);

    c->number = f->tts_calls++;
    call->impl = c;
    if (f->tts_fault != FAKE_SILENT)
        after(c, broken(f->tts_fault) ? 0 : f->tts_first);
}

static void tts_cancel(struct tts_service *t, struct tts_call *call)
{
    (void)t;
    call_free(call->impl);
}

static void fire(struct timer *t)
{
    struct fake_call *c = CONTAINER_OF(t, struct fake_call, timer);

    if (c->kind == ASR)
        asr_step(c);
    else if (c->kind == LLM)
        llm_step(c);
    else
        tts_step(c);
}

void fakes_init(struct fakes *f, struct world *w)
{
    static const struct asr_service_ops asr = {asr_open, asr_audio, asr_finish, asr_cancel};
    static const struct llm_service_ops llm = {llm_submit, llm_cancel};
    static const struct tts_service_ops tts = {tts_submit, tts_cancel};

    *f = (struct fakes){
        .w = w,
        .asr = {&asr},
        .llm = {&llm},
        .tts = {&tts},
        .asr_final = 100 * NS_PER_MS,
        .llm_first = 50 * NS_PER_MS,
        .llm_gap = 10 * NS_PER_MS,
        .tts_first = 50 * NS_PER_MS,
        .tts_whole = 300 * NS_PER_MS,
        .tts_audio = 2 * NS_PER_S,
        .reply =
            "One two three four five. Six seven eight nine ten. Eleven twelve thirteen fourteen."};
    for (int i = 0; i < FAKE_CALLS; i++)
        f->calls[i] = (struct fake_call){.fakes = f, .timer.fire = fire};
}
