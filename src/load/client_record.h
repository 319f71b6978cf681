/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client of one service saw (load/client.h), of the requests planned in its measured window.
 * Times ns. Records of repetitions merge. A struct of zeroes is an empty one.
 */
#pragma once

#include <stdint.h>

#include "base/hist.h"

struct client_record {
    uint64_t started, completed, failed, unfinished; /* of the requests measured */
    uint64_t rejected;                               /* of the failed: SERVE_REJECTED */
    uint64_t tokens, prompt_tokens;                  /* of completed requests */
    uint64_t items;
    int64_t audio;                                   /* ns made (TTS) or recognised (ASR) by completed requests */
    int64_t first_start, last_end;
    struct hist total;          /* request to end; ASR: end of audio to final */
    struct hist ttft;           /* LLM: request to first token */
    struct hist itl;            /* LLM: (last - first token) / (tokens - 1) of a request */
    struct hist first_audio;    /* TTS: request to first audio */
    struct hist chunk_interval; /* TTS: between two pieces of audio; ASR: a piece's sending to its
                                   response, all responses */
    struct hist schedule_lag;   /* actual minus planned start */
    double in_flight;           /* mean over the measured window */
    double eighth_s[8]; /* sum of `total`, s, by the eighth of the measured window that a request
                           was planned in */
    uint64_t eighth_n[8];       /* how many; nothing without measure_until */
};
void client_record_done(struct client_record *r);
void client_record_merge(struct client_record *into, const struct client_record *from);

double client_duration_s(const struct client_record *r);    /* last end - first start */
double client_request_rate(const struct client_record *r);  /* completed/s over that */
double client_token_rate(const struct client_record *r);    /* output tokens/s */
double client_rtfx(const struct client_record *r);          /* audio s per s */
