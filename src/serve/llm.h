/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An LLM server: continuous batching with chunked prefill over a paged KV cache.
 *
 * It runs one step after another while there is work. A step holds one token of every decoding
 * sequence and, within the token budget, pieces of prompts: first those begun, then the waiting
 * ones in order, as long as sequences and KV blocks allow. (prefillMode 1, as vLLM V1. Mode 2,
 * TensorRT-LLM without chunked context: prompts go in whole. Mode 0, as vLLM V0: a step is either
 * prompts or decoding, prompts first.) Its cost on the GPU (struct gpu_step, whole GPU):
 *     host     host + hostPerSequence * sequences + hostPerPrompt * prompts admitted
 *     compute  (tokens * flopsPerToken + prefill token pairs * flopsPerTokenPair) / (peakFlops * computeEfficiency)
 *     memory   weights / (peakBandwidth * memoryEfficiency)
 *     stream   context tokens * kvPerToken / (peakBandwidth * kvEfficiency)
 * The soft maximum of compute and memory in gpu/share.h is the knee at which decoding leaves the
 * bandwidth-bound regime.
 *
 * With scheduledAhead the next step is composed while one runs: a prompt that arrives meanwhile
 * goes into the one after.
 *
 * KV blocks: a prompt's are taken as it is prefilled, one more whenever a sequence outgrows its
 * last. When none is left the sequence admitted last is preempted: it gives its blocks back and is
 * prefilled anew, its tokens so far as part of the prompt, from the head of the queue. With
 * reserveOutput everything is taken at admission instead and nothing is ever preempted. A call that
 * could not run alone ends in SERVE_TOO_LARGE, a full queue in SERVE_REJECTED.
 *
 * The first token comes at the end of the step that finishes the prompt. Events go out when a step
 * ends.
 */
#pragma once

#include "serve/place.h"
#include "serve/profile.h"
#include "serve/service.h"

struct llm_server;

/*
 * `p` is of kind llm and is copied. Attaches to the place's shares; on failure NULL with the
 * share's arithmetic.
 */
struct llm_server *llm_server_new(struct world *w, const char *name, const struct profile *p,
                                  const struct serve_place *at, struct err *err);
void llm_server_free(struct llm_server *l); /* NULL accepted; calls under way are forgotten */
struct llm_service *llm_server_service(struct llm_server *l);

struct llm_stats {
    uint32_t arriving, waiting, running;    /* in the front end, in the queue, in steps */
    uint32_t max_sequences;
    uint32_t blocks_used, blocks_total;
    uint32_t running_peak, waiting_peak, blocks_peak;
    double running_ns, blocks_ns;           /* time integrals, as of now: divide by a window for the mean */
    uint64_t steps, prompt_tokens, tokens;  /* prefilled (again after a preemption), generated */
    uint64_t accepted, done, rejected, too_large, cancelled, preemptions;
};
void llm_server_stats(const struct llm_server *l, struct llm_stats *ret);

/* Names the broken invariant, or NULL: calls and KV blocks conserved, caps kept. */
const char *llm_server_check(const struct llm_server *l);
