/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the turn's own code costs: 30 pieces of speech, 80 tokens in five sentences, 90 pieces of
 * reply audio, against services and a user that do nothing, event for event called directly. One
 * line a kind of pipeline; not a test.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "sim/virtual.h"
#include "voice/turn.h"

enum { TURNS = 200000, PIECES = 30, CHUNKS = 18 };

static struct asr_stream *stream;
static struct llm_call *llm;
static struct tts_call *synth[8];
static size_t synths;
static uint64_t events, ended;

static void asr_open(struct asr_service *a, struct asr_stream *s)
{
    stream = s;
}
static void asr_audio(struct asr_service *a, struct asr_stream *s, const struct audio *piece)
{
}
static void asr_over(struct asr_service *a, struct asr_stream *s)
{
}
static void llm_submit(struct llm_service *l, struct llm_call *c)
{
    llm = c;
}
static void llm_cancel(struct llm_service *l, struct llm_call *c)
{
}
static void tts_submit(struct tts_service *t, struct tts_call *c)
{
    synth[synths++] = c;
}
static void tts_cancel(struct tts_service *t, struct tts_call *c)
{
}

static const struct asr_service_ops asr_ops = {asr_open, asr_audio, asr_over, asr_over};
static const struct llm_service_ops llm_ops = {llm_submit, llm_cancel};
static const struct tts_service_ops tts_ops = {tts_submit, tts_cancel};

static void heard(struct session *s, const struct turn_event *e)
{
    events++;
    ended += e->kind == TURN_END && e->outcome == TURN_COMPLETED;
}

static const struct session_events listens = {heard};

static void synthesise(void)
{
    struct tts_call *c = synth[--synths];

    for (int i = 0; i < CHUNKS; i++)
        c->on->audio(c, &(struct audio){.duration = 160 * NS_PER_MS, .voiced = true});
    c->on->end(c, SERVE_OK);
}

static void one_turn(struct session_service *g, struct session *s)
{
    static const char *const words[] = {" The",   " weather", " in",      " the", " town", " is",
                                        " quite", " mild",    " today",   ",",    " with", " some",
                                        " rain",  " by",      " evening", "."};

    g->ops->open(g, s);
    for (int i = 0; i < PIECES; i++)
        g->ops->audio(g, s, &(struct audio){.duration = 160 * NS_PER_MS, .voiced = true});
    g->ops->finish(g, s);
    stream->on->final(stream, "how is the weather");
    stream->on->end(stream, SERVE_OK);
    for (size_t i = 0; i < 80; i++) {
        const char *w = words[i % ARRAY_LEN(words)];
        llm->on->tokens(llm, 1, w, (uint32_t)strlen(w));
        if (synths)
            synthesise();
    }
    llm->on->end(llm, SERVE_OK);
    while (synths)
        synthesise();
}

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    struct asr_service asr = {&asr_ops};
    struct llm_service llms = {&llm_ops};
    struct tts_service tts = {&tts_ops};
    struct pipeline_services to = {&asr, &llms, &tts};
    struct utterance said = {.speech = NS_PER_S};
    struct session s = {.on = &listens, .utterance = &said};

    for (enum pipeline_kind kind = PIPELINE_STREAMING; kind <= PIPELINE_SERIAL; kind++) {
        struct virtual_world *v = virtual_new();
        struct turn_conf conf = TURN_CONF_DEFAULT;
        struct pipeline *p;
        double best = 1e9;
        conf.kind = kind;
        p = pipeline_new(virtual_world(v), &conf, &to);
        for (int repetition = 0; repetition < 5; repetition++) {
            double from = cpu_s();
            events = ended = 0;
            for (int i = 0; i < TURNS / 5; i++)
                one_turn(pipeline_service(p), &s);
            if (cpu_s() - from < best)
                best = cpu_s() - from;
        }
        if (ended != TURNS / 5)
            return 1;
        printf("%-10s %6.2f us/turn (best of 5 x %d), %.0f events told, goal 10 us\n",
               kind ? "serial" : "streaming", best / (TURNS / 5) * 1e6, TURNS / 5,
               (double)events / (TURNS / 5));
        pipeline_free(p);
        virtual_free(v);
    }
    return 0;
}
