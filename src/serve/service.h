/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports of the model servers: what a client may ask of an ASR, an LLM, a TTS or an inference
 * service.
 *
 * In the virtual world a service is the model server itself (serve/asr.h, llm.h, tts.h, infer.h)
 * behind a link that adds the network's round trip; in the real world it is a client of Riva or
 * OpenAI's protocol, and the emulated server puts the same model server behind that protocol. The
 * turn (voice/turn.h) and the single-service clients (load/client.h) know only this header.
 *
 * A call is a struct that its caller owns and keeps in place from the asking until its end event;
 * it is usually embedded in the caller, who finds himself again with CONTAINER_OF. Rules of every
 * service:
 *  - the end event comes exactly once, after it nothing else; never from inside the asking call itself
 *  - after cancel() no event comes at all, not even the end, and the service holds nothing of the call
 *  - event callbacks may ask for new calls, and may cancel any call
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/world.h"

enum serve_status {
    SERVE_OK,
    SERVE_REJECTED, /* a queue or stream limit is full: RESOURCE_EXHAUSTED, 429 */
    SERVE_TOO_LARGE, /* can never be served: a prompt beyond the KV cache, audio beyond a limit */
    SERVE_FAILED    /* the server broke: UNAVAILABLE, 5xx, a cut stream */
};
const char *serve_status_name(enum serve_status s);

/* A piece of audio on its way; pcm is NULL where nobody will listen (virtual time). */
struct audio {
    int64_t duration;   /* ns */
    bool voiced;        /* speech, as opposed to silence or room noise */
    const int16_t *pcm; /* mono, signed 16 bit, the service's sample rate; borrowed for the call */
};

/* ---- streaming speech recognition ---- */

struct asr_stream;

struct asr_events {
    void (*partial)(struct asr_stream *s, const char *text); /* may be NULL; text may be NULL in virtual time */
    /* End of utterance found (by the server's stop_history or by asr_finish) and decoded. */
    void (*final)(struct asr_stream *s, const char *text);
    void (*end)(struct asr_stream *s, enum serve_status status);
};

struct asr_stream {
    const struct asr_events *on;
    const char *truth;       /* what is being said, for an emulated server to return; borrowed, may be NULL */
    int64_t server_endpoint; /* ns of silence after which the server ends an utterance; 0: never by itself */
    bool offline;            /* one whole-audio request (Riva's Recognize): audio in one piece, then finish */
    void *impl;              /* the service's */
    void *replica;           /* a balancer's (serve/balance.h): who has it */
};

struct asr_service;
struct asr_service_ops {
    void (*open)(struct asr_service *a, struct asr_stream *s);
    void (*audio)(struct asr_service *a, struct asr_stream *s, const struct audio *piece);
    /* The client says the utterance is over: decode what is there, then final, then end. */
    void (*finish)(struct asr_service *a, struct asr_stream *s);
    void (*cancel)(struct asr_service *a, struct asr_stream *s);
};
struct asr_service {
    const struct asr_service_ops *ops;
};

/* ---- chat completion ---- */

/*
 * A text cut into tokens, what an emulated LLM says: token i is text[end[i-1]..end[i]). Borrowed.
 */
struct script {
    const char *text;
    const uint32_t *end; /* byte offsets, `tokens` of them */
    uint32_t tokens;
};

struct llm_call;

struct llm_events {
    /*
     * The tokens since the last event: `count` of them, `n` bytes of text (NULL: nobody asked for
     * text). May be NULL.
     */
    void (*tokens)(struct llm_call *c, uint32_t count, const char *text, uint32_t n);
    void (*end)(struct llm_call *c, enum serve_status status);
};

struct llm_call {
    const struct llm_events *on;
    uint32_t prompt_tokens;      /* for an emulated server; a real one counts for itself */
    uint32_t cached_tokens;      /* of those, a prefix whose KV blocks a server may still hold */
    uint32_t max_tokens;         /* generation stops there at the latest */
    const struct script *script; /* what an emulated server answers; NULL: max_tokens tokens without text */
    const char *prompt;          /* the user's words, for a real server; may be NULL */
    void *impl;
    void *replica;
};

struct llm_service;
struct llm_service_ops {
    void (*submit)(struct llm_service *l, struct llm_call *c);
    void (*cancel)(struct llm_service *l, struct llm_call *c);
};
struct llm_service {
    const struct llm_service_ops *ops;
};

/* ---- speech synthesis ---- */

struct tts_call;

struct tts_events {
    void (*audio)(struct tts_call *c, const struct audio *piece);
    void (*end)(struct tts_call *c, enum serve_status status);
};

struct tts_call {
    const struct tts_events *on;
    const char *text; /* borrowed for the call's life; n bytes, no NUL needed */
    uint32_t n;
    int64_t duration; /* ns of audio it will make where the caller knows (a measured table); 0: from the text */
    void *impl;
    void *replica;
};

struct tts_service;
struct tts_service_ops {
    void (*submit)(struct tts_service *t, struct tts_call *c);
    void (*cancel)(struct tts_service *t, struct tts_call *c);
};
struct tts_service {
    const struct tts_service_ops *ops;
};

/* ---- one request, one answer: embedding, vision, a guardrail ---- */

struct infer_call;

struct infer_events {
    void (*end)(struct infer_call *c, enum serve_status status);
};

struct infer_call {
    const struct infer_events *on;
    uint32_t items; /* images, sentences: the unit of the profile's batch */
    void *impl;
    void *replica;
};

struct infer_service;
struct infer_service_ops {
    void (*submit)(struct infer_service *i, struct infer_call *c);
    void (*cancel)(struct infer_service *i, struct infer_call *c);
};
struct infer_service {
    const struct infer_service_ops *ops;
};
