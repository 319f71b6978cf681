/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ASR, LLM and TTS of fixed timing in a world, which never slow down, and fail on request.
 *
 * ASR: the final comes `asr_final` after finish (or after asr_endpoint of silence when the stream
 * asks for that). LLM: the first token after `llm_first`, then one every `llm_gap`; it says
 * `reply`, a token a word. TTS: a sentence takes `tts_whole`, its audio of `tts_audio` comes in two
 * equal chunks, at `tts_first` and at the end.
 */
#pragma once

#include "serve/service.h"

enum fake_fault { FAKE_FINE, FAKE_REJECTS, FAKE_FAILS, FAKE_EMPTY, FAKE_SILENT };

enum { FAKE_CALLS = 256, FAKE_SAMPLES = 22050 };

struct fake_call {
    struct timer timer;
    struct fakes *fakes;
    void *call; /* NULL: free */
    int kind, step;
    bool finished; /* ASR: the client has said that the utterance is over; the stream ends with its final */
    int64_t began;
    int number; /* TTS: of the sentence, in the order of asking */
};

struct fakes {
    struct world *w;
    struct asr_service asr;
    struct llm_service llm;
    struct tts_service tts;
    int64_t asr_final, llm_first, llm_gap, tts_first, tts_whole, tts_audio; /* ns */
    const char *reply;
    enum fake_fault asr_fault, llm_fault, tts_fault;
    unsigned held; /* calls that have neither ended nor been cancelled */
    unsigned asr_open, asr_open_most, tts_open, tts_open_most;
    bool pcm; /* the TTS has samples: 2 * number of the sentence, one more in its second chunk */
    int tts_calls;
    int16_t samples[FAKE_SAMPLES];
    struct fake_call calls[FAKE_CALLS];
};

void fakes_init(struct fakes *f, struct world *w);
