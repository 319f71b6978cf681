/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The voice pipeline: audio in, ASR -> LLM -> TTS, audio out; one turn after another for every
 * session. docs/turn.md has the picture.
 *
 * It offers the port of voice/session.h over the ports of serve/service.h. In the virtual world it
 * is the simulated gateway, in the real one the gateway itself.
 *
 * Streaming (the default): the ASR's final transcript goes to the LLM at once, its tokens through
 * the sentence cutter, every sentence to the TTS as soon as it is whole, at most `tts_ahead` of
 * them beyond the one that is being handed out; audio goes to the user in order as it comes. Speech
 * during the reply ends the turn at once (barge-in), and whatever the turn holds in the servers is
 * cancelled with it, as with every other end.
 *
 * Serial behaves as the published pipeline's gateway: a sentence's synthesis is awaited in full
 * before its first chunk goes out, reading the LLM's stream stops meanwhile, and a pool of
 * `workers` threads carries the ASR streams (each held for the stream's life, which with
 * endpointing by the server is the turn's) and the synthesis calls. With as many open microphones
 * as workers no turn ever gets its audio, and they end by timeout. It knows no barge-in. Its
 * TURN_LLM_DONE is when it has read the last token, which is what its own metric says, not when the
 * LLM was done.
 *
 * With endpointing by the server the gateway learns of the end of speech with the transcript:
 * TURN_ENDPOINT and TURN_TRANSCRIPT then come at the same time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/world.h"
#include "serve/service.h"
#include "voice/sentence.h"
#include "voice/session.h"

enum pipeline_kind { PIPELINE_STREAMING, PIPELINE_SERIAL };

enum endpointing {
    ENDPOINT_GATEWAY, /* the gateway hears `hangover` of silence and finishes the ASR stream */
    ENDPOINT_SERVER,  /* the ASR server does, its stop_history being `hangover` */
    ENDPOINT_CLIENT   /* the user says so (session finish): half-close */
};

/* CPU time of the gateway, ns of one core, charged when the thing happens; 0 costs no event. */
struct gateway_cost {
    int64_t turn;          /* once a turn, before the LLM is asked */
    int64_t audio_in;      /* per second of the user's audio */
    int64_t token;         /* per LLM token, charged with its sentence */
    int64_t sentence;      /* per sentence sent to the TTS */
    int64_t audio_out;     /* per second of reply audio */
    int64_t recognition;   /* per second that an ASR stream is open: threads that wait are not free */
    int64_t synthesis;     /* per second that a TTS call is open, likewise */
};

enum {
    TURN_MAX_AHEAD = 7,
    TURN_MAX_REPLY = 64 * 1024, /* bytes of a reply; there the LLM is cancelled */
    TURN_MAX_HELD = 8 << 20     /* bytes of a sentence's waiting samples; beyond it the turn fails */
};

struct turn_conf {
    enum pipeline_kind kind;
    enum endpointing endpointing;
    int64_t hangover;          /* ns of silence that end an utterance, 500 ms */
    enum sentence_rule rule;
    uint32_t sentence_min;     /* bytes; shorter sentences wait for the next one, 12 */
    uint32_t sentence_max;     /* bytes; longer ones are cut at a comma or a space, 240 */
    uint32_t tts_ahead;        /* sentences synthesised ahead, 1; at most TURN_MAX_AHEAD */
    int64_t play_ahead;        /* ns of audio handed on and not yet heard, above which no further
                                  sentence is synthesised; 0: no such bound. Streaming only */
    int64_t barge_in;          /* ns of speech during the reply that end the turn; 0: its first
                                  piece; TIME_NEVER: speech is ignored. Streaming only */
    uint32_t sample_rate;      /* of the TTS's samples, 22,050/s; matters in the real world only */
    uint32_t workers;          /* serial: threads of the pool, min(32, cores + 4) */
    uint32_t max_sessions;     /* open turns; beyond it TURN_REFUSED */
    int64_t speech_timeout;    /* opening to end of speech, 120 s */
    int64_t asr_timeout;       /* end of speech to final transcript, 10 s */
    int64_t llm_timeout;       /* request to first token, 30 s */
    int64_t tts_timeout;       /* a sentence's request to its end, 30 s */
    int64_t turn_timeout;      /* end of speech to the end of the turn, 120 s */
    double cpu;                /* cores the gateway may use; 0: its CPU costs nothing */
    struct gateway_cost cost;
};
extern const struct turn_conf TURN_CONF_DEFAULT;

/* Names the first field that is out of range and fails with ERR_INPUT; `where` prefixes the message. */
int turn_conf_check(const struct turn_conf *conf, const char *where, struct err *err);

/* asr NULL: the turn begins at the LLM, the moment speech ends (a chat); tts NULL: the tokens are the reply. */
struct pipeline_services {
    struct asr_service *asr;
    struct llm_service *llm;
    struct tts_service *tts;
};

struct pipeline;
struct pipeline *pipeline_new(struct world *w, const struct turn_conf *conf,
                              const struct pipeline_services *services);
void pipeline_free(struct pipeline *p); /* NULL accepted; turns in flight are forgotten */
struct session_service *pipeline_service(struct pipeline *p);
double pipeline_cpu_busy(const struct pipeline *p); /* ns of full use, as of now; -1: not counted */

/* Which bound it was that made a turn TURN_TIMED_OUT. */
enum turn_bound { BOUND_SPEECH, BOUND_ASR, BOUND_LLM, BOUND_TTS, BOUND_TURN, BOUND_COUNT };

/* opened = cancelled + all of ended + those in flight (refusals on their way included). */
struct pipeline_stats {
    uint32_t turns, turns_peak;                       /* in flight */
    uint32_t workers_taken, workers_waiting;          /* serial */
    uint64_t opened, cancelled, ended[TURN_OUTCOME_COUNT];
    uint64_t timed_out[BOUND_COUNT], barge_ins;
    uint64_t cut_off;                                 /* replies longer than TURN_MAX_REPLY */
    uint64_t tokens, sentences;                       /* received; sent to the TTS */
    int64_t audio_in, audio_out;                      /* ns: from users; handed to them */
};
void pipeline_stats(const struct pipeline *p, struct pipeline_stats *ret);
const char *pipeline_check(const struct pipeline *p); /* the broken invariant, or NULL */
