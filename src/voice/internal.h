/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the pipeline share:
 *   pipeline.c  the port, the pool of turns, admission, invariants
 *   turn.c      a turn from its opening to the LLM's request; its deadlines and its end
 *   reply.c     from the LLM's tokens to the last audio
 *
 * Telling the user anything may end the turn under one's feet, since he may cancel it from the
 * event: every function that tells returns false then, and the caller returns at once. A turn's
 * memory stays, so that its generation can be compared.
 */
#pragma once

#include "voice/cpu.h"
#include "voice/playback.h"
#include "voice/turn.h"
#include "voice/workers.h"

/* Where a sentence's synthesis stands. */
enum synth_state {
    SYNTH_FREE,
    SYNTH_PREPARING, /* its CPU work, then (serial) its worker */
    SYNTH_OPEN,      /* asked */
    SYNTH_CLOSING,   /* all audio is here; its CPU work */
    SYNTH_CLOSED     /* left behind as soon as its turn has come */
};

struct synth {
    struct turn *turn;
    enum synth_state state;
    struct tts_call call;
    struct cpu_job job;
    struct worker_wait worker;
    int64_t asked_at, audio; /* ns */
    int64_t held;            /* ns of audio that is not handed on yet */
    int16_t *pcm;            /* owned, kept from turn to turn: its samples, in the real world */
    size_t pcm_n, pcm_cap;
};

enum { SYNTHS = TURN_MAX_AHEAD + 1 };

/* How far a turn is. */
enum turn_state {
    TURN_FREE,
    TURN_REFUSING, /* the refusal is on its way */
    TURN_HEARING,  /* the user speaks */
    TURN_DECODING, /* end of speech found, the transcript is awaited */
    TURN_ASKING,   /* CPU work before the LLM is asked */
    TURN_ANSWERING /* LLM and TTS */
};

struct turn {
    struct pipeline *pipeline;
    struct session *session;
    struct turn *next; /* in the free list */
    enum turn_state state;
    uint32_t generation; /* counts the turns that this memory has been */

    struct asr_stream asr;
    struct worker_wait asr_worker;
    bool asr_open;                      /* has a stream that has not ended */
    int64_t asr_opened_at;              /* ns */
    bool finish_early;                  /* speech ended before a worker was free */
    bool spoke;                         /* some audio was voiced */
    int64_t early_voiced, early_silent; /* ns of audio before a worker was free */
    int64_t heard;                      /* ns of audio until the end of speech */
    int64_t quiet;                      /* ns of silence since the last voiced piece */
    int64_t interrupting;               /* ns of speech during the reply */
    struct timer silence;               /* end of the hangover */

    struct cpu_job asking;
    struct llm_call llm;
    bool llm_open, llm_over; /* under way; its last token is here */
    bool told_done, told_request, told_audio;
    uint32_t tokens, tokens_charged;
    uint32_t n;
    char *text; /* owned, kept from turn to turn: the reply so far, n bytes */
    struct sentence_cutter cutter;

    struct synth synths[SYNTHS]; /* sentence k in [k % SYNTHS] */
    uint32_t asked, spoken;      /* sentences handed to the TTS, and done with */
    int64_t audio;               /* ns handed to the user */
    struct playback playback;    /* kept only with play_ahead */
    struct timer room; /* so much has been heard that the next sentence may be synthesised */

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
    struct pipeline_stats stats; /* what is counted as it happens */
};

static inline int64_t turn_now(const struct turn *t)
{
    return t->pipeline->world->now;
}

static inline bool turn_serial(const struct turn *t)
{
    return t->pipeline->conf.kind == PIPELINE_SERIAL;
}

/* ---- turn.c ---- */

void turn_init(struct pipeline *p, struct turn *t); /* once */
void turn_open(struct turn *t, struct session *s);
void turn_refuse(struct turn *t, struct session *s);
void turn_audio(struct turn *t, const struct audio *piece);
void turn_finish(struct turn *t);
void turn_cancel(struct turn *t);
void turn_watch(struct turn *t); /* a deadline has been set */
void turn_end(struct turn *t, enum turn_outcome outcome); /* frees all it holds, then TURN_END */
bool turn_tell(struct turn *t, const struct turn_event *e);
bool turn_tell_kind(struct turn *t, enum turn_event_kind kind);

/* ---- reply.c ---- */

void reply_init(struct turn *t);  /* once */
void reply_reset(struct turn *t); /* a new turn */
void reply_ask(struct turn *t);   /* submits to the LLM */
void reply_drop(struct turn *t);  /* cancels its calls and jobs, leaves its workers unserved */
int64_t reply_deadline(const struct turn *t);
