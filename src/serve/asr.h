/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming ASR server: streams of chunks that share batched steps.
 *
 * Audio collects in its stream; whoever has a full server chunk (or, after finish, a last part of
 * one) waits for the next step, and a step takes all that wait, up to maxBatch. The step costs
 * nearly the same for one chunk or many (launch-bound), but serial CPU time per chunk
 * (hostPerChunk) caps what one server process can do:
 *     host     host + hostPerChunk * chunks        launch, floor, memory    the profile's
 *     compute  computePerChunk * chunks
 * A stream whose audio arrives faster than real time is decoded chunk by chunk, one per step.
 *
 * An utterance ends when the decoded audio ends in `server_endpoint` ns of unvoiced audio after
 * some voiced audio, or by finish; `final` later its transcript goes out. After finish the stream
 * ends with it. A partial goes out with every chunk decoded in between.
 *
 * A stream opened with `offline` is one whole-audio request: its audio in one piece, then finish;
 * it waits in a queue of its own for steps of up to offlineBatch requests, which run between the
 * others (offlineHost, offlineLaunch and offlineComputePerSecond take the place of the costs of
 * chunks).
 */
#pragma once

#include "serve/place.h"
#include "serve/profile.h"
#include "serve/service.h"

struct asr_server;

struct asr_server *asr_server_new(struct world *w, const char *name, const struct profile *p,
                                  const struct serve_place *at, struct err *err);
void asr_server_free(struct asr_server *a); /* NULL accepted; streams are forgotten */
struct asr_service *asr_server_service(struct asr_server *a);

struct asr_stats {
    uint32_t streams, max_streams, waiting; /* open; the cap; chunks and requests that wait for a step */
    uint32_t streams_peak, waiting_peak;
    double streams_ns;  /* time integral of streams, as of now */
    double audio;       /* ns of audio decoded */
    uint64_t steps, chunks, opened, done, rejected, cancelled, finals;
    double lag_worst;   /* ns: the longest a full chunk waited for the end of its step */
};
void asr_server_stats(const struct asr_server *a, struct asr_stats *ret);

/* Names the broken invariant, or NULL: streams and audio conserved, caps kept. */
const char *asr_server_check(const struct asr_server *a);
