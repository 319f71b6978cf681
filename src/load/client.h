/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of ONE service: background request streams, LLM-only scenarios, and `snug validate`, which
 * replays a measured level the way it was measured.
 *
 * Closed loop: `concurrency` requests are kept in flight, `requests` of them in all (0: until the
 * stop). Open: one request at every planned arrival, whatever is in flight; latencies count from the
 * planned time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/world.h"
#include "load/arrivals.h"
#include "load/client_record.h"
#include "load/conversation.h"
#include "serve/service.h"

enum client_kind { CLIENT_LLM, CLIENT_TTS, CLIENT_ASR, CLIENT_INFER };

struct client_service {
    enum client_kind kind;
    union {
        struct llm_service *llm;
        struct tts_service *tts;
        struct asr_service *asr;
        struct infer_service *infer;
    };
};

struct client_spec {
    const char *name;
    unsigned concurrency;          /* closed loop; 0 with open arrivals */
    uint64_t requests;             /* in all; 0: until client_stop() */
    int64_t think;                 /* ns between an answer and the next request of a closed loop */
    int64_t spread_start; /* closed loop: first requests spread over so long; 0: all at once, as
                             most tools do */
    struct arrivals_spec arrivals; /* process ARRIVALS_NONE for a closed loop */
    unsigned max_in_flight;        /* of an open load; more count as failed at once; 0: 100,000 */
    int64_t measure_from, measure_until; /* ns of world time: requests planned within are recorded; until 0: no end */
    int64_t give_up;               /* ns until a request is cancelled and counted as failed; 0: never */

    /* LLM. A trace's context and generated tokens stand in for these. */
    struct spread prompt, output;  /* tokens */
    double cached;                 /* part of the prompt that is a cached prefix, 0..1 */
    /* TTS */
    struct spread characters;      /* of the text */
    struct spread audio; /* s: of a TTS reply where the table states it (mean 0: from the text), of
                            an ASR utterance */
    /* ASR */
    int64_t chunk;                 /* ns of audio a message */
    bool realtime;                 /* paced; else sent at once */
    double voiced;                 /* part of the audio that is speech, at its start; the rest is silence; 1 */
    /* inference */
    uint32_t items;
};
/* Concurrency 1, prompt and output 200 tokens, 60 characters, 5 s of audio in 160 ms chunks in real time, 1 item. */
extern const struct client_spec CLIENT_DEFAULT;

struct client;
struct client *client_new(struct world *w, const struct client_service *service, const struct client_spec *spec,
                          const struct stock *stock, uint64_t seed); /* stock may be NULL: tokens without text */
void client_start(struct client *c);
bool client_finished(const struct client *c); /* all of `requests` (or of the trace) have ended */
void client_stop(struct client *c);           /* cancels what is in flight; counted as unfinished */
const struct client_record *client_record(const struct client *c);
enum client_kind client_kind(const struct client *c);
void client_free(struct client *c); /* NULL accepted; stop first */
