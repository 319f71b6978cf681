/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A voice pipeline of fixed timing behind voice/session.h: what its users see can be worked out by hand.
 *
 * After the last voiced sample every event comes a stated time after the one before. A stall holds
 * back everything that would happen within it until it is over, as a server that hangs does.
 */
#pragma once

#include "base/world.h"
#include "voice/session.h"

struct fake_session_service {
    struct session_service service;
    struct world *world;
    /* ns from event to event: last voiced sample to endpoint, to transcript, ... */
    int64_t endpoint, asr, gateway, llm, sentence, tts;
    unsigned pieces;              /* of reply audio */
    int64_t piece, piece_every;   /* ns of audio in each, ns between two */
    uint32_t tokens;
    int64_t stall_from, stall_until;
    unsigned fail_every;          /* every n-th turn fails in the LLM; 0: none */
    /* accounts */
    unsigned open, opened, cancelled, finished;
};

/* Endpoint 500 ms, ASR 30, gateway 2 (three times), LLM 50, sentence 100, TTS 80 ms; 10 pieces of
 * 200 ms every 20 ms. */
void fake_session_init(struct fake_session_service *f, struct world *w);

/* ns from the last voiced sample to the end of an undisturbed turn, and to its first audio. */
int64_t fake_session_answer(const struct fake_session_service *f);
int64_t fake_session_first_audio(const struct fake_session_service *f);
