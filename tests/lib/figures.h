/* SPDX-License-Identifier: Apache-2.0 */
/* What is read off one configuration of a scenario under one load. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/stats.h"
#include "scenario/scenario.h"

/* Means; times in ms. */
struct figures {
    struct estimate rate; /* turns/s in all */
    double tts;           /* the gateway's tts_latency: inside the thread to the first chunk */
    double success;
    double before_llm, llm, turn; /* start to LLM request; the gateway's llm_total; whole turn */
    double audio, sentences;      /* s of reply, and sentences, of a turn */
    double cpu, slots;            /* mean use; cpu NaN where it costs nothing */
    double gpu[3];                /* busy share of the hold phase: ASR's, TTS's and the LLM's GPU */
    bool valid;
    /* as the published load test's client took them */
    double client_asr, client_ttft, client_llm, client_tts, client_e2e;
};

/* Simulates it `repetitions` times with the seed that `snug compare` takes by itself. */
int figures_measure(const struct scenario *s, const char *configuration, const char *load,
                    unsigned repetitions, struct figures *ret, struct err *err);
