/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TTS server: slots (a hard cap on streams synthesised at once), then first in first out.
 *
 * While a slot is taken it runs one step after another; a step makes `stepAudio` of audio for every
 * active stream at once. A stream's first chunk comes after `firstSteps` of its steps, the next
 * ones every `chunkSteps`, the rest with its last step. A stream joins at the beginning of a step
 * and makes that step longer by its prefill; with `prefillSteps` the prefill is so many steps of
 * its own, which make no audio, and only `joinMost` streams are in it at once. Autoregressive
 * models (Magpie) have a short stepAudio (codec frames) and slots = the batch profile; models that
 * make a sentence at once (FastPitch) have one acoustic model at work at a time (joinMost 1) beside
 * the vocoder's chunks, between which the GPU takes turns.
 *     host     host + hostPerStream * making audio + joinHost * in prefill
 *     floor    floor (+ joinFloor if any is in prefill)
 *     compute  computePerStream * making audio + joinCompute * in prefill + joinComputePerChar * their characters
 * Audio lasts as long as the call says, else characters / charsPerSecond.
 */
#pragma once

#include "serve/place.h"
#include "serve/profile.h"
#include "serve/service.h"

struct tts_server;

struct tts_server *tts_server_new(struct world *w, const char *name, const struct profile *p,
                                  const struct serve_place *at, struct err *err);
void tts_server_free(struct tts_server *t); /* NULL accepted; calls under way are forgotten */
struct tts_service *tts_server_service(struct tts_server *t);

struct tts_stats {
    uint32_t arriving, waiting, active, slots; /* in the front end, in the queue, in slots; the cap */
    uint32_t active_peak, waiting_peak;
    double active_ns;  /* time integral of active, as of now */
    double audio;      /* ns of audio made */
    uint64_t steps, accepted, done, rejected, cancelled;
};
void tts_server_stats(const struct tts_server *t, struct tts_stats *ret);

/* Names the broken invariant, or NULL: calls conserved, slots within the cap, queue in order. */
const char *tts_server_check(const struct tts_server *t);
