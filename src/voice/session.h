/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port between a user and the voice pipeline: one session a user, one turn after another in it.
 *
 * In the virtual world the pipeline is voice/turn.h itself; in the real one it is a client of the gateway,
 * and the gateway puts the same turn behind its protocol. The user (load/user.h) knows only this header.
 *
 * The order of a turn: the user opens it, sends audio at the pace of speech, and goes on sending silence
 * until the pipeline has found the end of his speech (TURN_ENDPOINT) or he says so himself (finish, as a
 * load test that half-closes). Events follow in the order of enum turn_event_kind, kinds that do not
 * happen left out, TURN_AUDIO any number of times; TURN_END is the last one and comes exactly once, except
 * after cancel(), which ends the turn silently and frees everything it held in the servers.
 */
#pragma once

#include <stdint.h>

#include "serve/service.h"

/* How a turn ended; everything but TURN_COMPLETED is a failure with its reason. */
#define TURN_OUTCOMES(X)                                                  \
    X(TURN_COMPLETED, "completed")                                        \
    X(TURN_ASR_FAILED, "ASR failed")                                      \
    X(TURN_ASR_REJECTED, "ASR stream limit reached")                      \
    X(TURN_NO_TRANSCRIPT, "no transcript")                                \
    X(TURN_LLM_FAILED, "LLM failed")                                      \
    X(TURN_LLM_REJECTED, "LLM queue full")                                \
    X(TURN_NO_TOKENS, "LLM answered nothing")                             \
    X(TURN_TTS_FAILED, "TTS failed")                                      \
    X(TURN_TTS_REJECTED, "TTS queue full")                                \
    X(TURN_NO_AUDIO, "no audio")                                          \
    X(TURN_TIMED_OUT, "timed out")                                        \
    X(TURN_REFUSED, "gateway refused: no free worker or session")         \
    X(TURN_STALLED, "playback stalled beyond the bound")                  \
    X(TURN_INTERRUPTED, "the user spoke on before any audio")

enum turn_outcome {
#define X(name, text) name,
    TURN_OUTCOMES(X)
#undef X
    TURN_OUTCOME_COUNT
};
const char *turn_outcome_text(enum turn_outcome o);

enum turn_event_kind {
    TURN_ENDPOINT,        /* the pipeline has decided that the user stopped speaking */
    TURN_TRANSCRIPT,      /* final transcript arrived */
    TURN_LLM_REQUEST,     /* asked the LLM */
    TURN_LLM_FIRST_TOKEN, /* first token arrived */
    TURN_SENTENCE,        /* the first sentence is whole */
    TURN_TTS_REQUEST,     /* asked the TTS for it */
    TURN_TTS_FIRST_AUDIO, /* first audio arrived from the TTS */
    TURN_AUDIO,           /* audio handed to the user; `duration` ns of it */
    TURN_LLM_DONE,        /* last token arrived; may come before or between the audio */
    TURN_TTS_DONE,        /* one sentence synthesised: `duration` ns since its request */
    TURN_END              /* the turn is over: `outcome` */
};

struct turn_event {
    enum turn_event_kind kind;
    enum turn_outcome outcome; /* TURN_END */
    uint32_t tokens;           /* TURN_LLM_DONE: generated */
    int64_t duration;          /* ns, see the kinds */
    const int16_t *pcm;        /* TURN_AUDIO in the real world, borrowed */
};

/* What is said in a turn; an emulated pipeline needs it, a real one hears it. Borrowed for the turn. */
struct utterance {
    int64_t speech;             /* ns from the first to the last voiced sample */
    const char *text;           /* ground truth transcript; may be NULL */
    uint32_t prompt_tokens;     /* the whole prompt: system, history, this utterance */
    uint32_t cached_tokens;     /* of those, the prefix shared with the session's last turn */
    uint32_t max_tokens;
    const struct script *reply; /* what an emulated LLM answers */
};

struct session;
struct session_service;

struct session_events {
    void (*event)(struct session *s, const struct turn_event *e); /* at world->now */
};

struct session {
    const struct session_events *on;
    const struct utterance *utterance; /* of the open turn */
    void *impl;
};

struct session_service_ops {
    void (*open)(struct session_service *g, struct session *s); /* begins a turn */
    void (*audio)(struct session_service *g, struct session *s, const struct audio *piece);
    void (*finish)(struct session_service *g, struct session *s);
    void (*cancel)(struct session_service *g, struct session *s);
};
struct session_service {
    const struct session_service_ops *ops;
};
