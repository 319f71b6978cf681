/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile: how one model behaves on one GPU with one engine in one precision.
 *
 * A profile is ONE set of physical parameters, each with its source; it is for (GPU, engine,
 * version, precision), never for a model alone: two versions of one engine differ by 1.6x on the
 * same card. Its file is INTERFACE section 2's `kind: Profile`:
 *
 *     kind: Profile
 *     metadata: {name: llama-3.1-8b-h100}
 *     serves: llm                                     # asr | llm | tts | infer
 *     model: Llama-3.1-8B-Instruct
 *     gpu: {model: H100-SXM5-80GB, count: 1}          # catalogue key; count > 1: tensor parallel
 *     engine: NIM 1.8.0
 *     precision: FP8
 *     valid: "prompts to 8k tokens; ..."              # where the numbers may be trusted
 *     memory: {need: {value: 12GB, source: ...}, reserve: {value: 68GB, source: ...}}
 *     parameters:
 *       weights: {value: 8.03GB, source: "...", assumed: true}
 *
 * The parameters are listed once, below; a parameter that is left out has the default that stands
 * there (`profile_load` refuses a required one, marked NaN). Costs are for the WHOLE GPU with MIG
 * off (for tensor parallel: of each GPU), as in gpu/share.h. In memory every time is in ns and
 * every size in bytes.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"

enum profile_kind { PROFILE_ASR, PROFILE_LLM, PROFILE_TTS, PROFILE_INFER };

/* X(field, key in the file, unit, lowest, highest, default or NAN for required, what it is) */
#define LLM_PARAMS(X)                                                                                       \
    X(weights, "weights", CONF_MEMORY, 1e6, 1e13, NAN, "weights held and read by every step")               \
    X(runtime, "runtime", CONF_MEMORY, 0, 1e12, 3e9, "context, activations, graphs: memory beside weights and KV") \
    X(kv_token, "kvPerToken", CONF_MEMORY, 1, 1e8, NAN, "KV cache of one token")                            \
    X(kv_block, "kvBlock", CONF_PLAIN, 1, 4096, 16, "tokens of a KV block")                                 \
    X(flops_token, "flopsPerToken", CONF_PLAIN, 0, 1e15, NAN, "FLOP per token in the linear layers")        \
    X(flops_attention, "flopsPerTokenPair", CONF_PLAIN, 0, 1e9, 0, "FLOP per token and token of context, prefill attention") \
    X(peak_flops, "peakFlops", CONF_PLAIN, 1e9, 1e17, NAN, "dense FLOP/s of the GPU in this precision")     \
    X(compute_efficiency, "computeEfficiency", CONF_PLAIN, 0.01, 1, NAN, "part of peakFlops reached by large steps") \
    X(peak_bandwidth, "peakBandwidth", CONF_PLAIN, 1e9, 1e14, NAN, "memory bandwidth, B/s")                 \
    X(memory_efficiency, "memoryEfficiency", CONF_PLAIN, 0.01, 1, NAN, "part of peakBandwidth reached reading weights") \
    X(kv_efficiency, "kvEfficiency", CONF_PLAIN, 0.01, 1, 0.6, "part of peakBandwidth reached reading the KV cache") \
    X(floor, "floor", CONF_DURATION, 0, 1e9, 0, "kernel time of a step that nothing shortens: small kernels, all-reduce") \
    X(launch, "launch", CONF_DURATION, 0, 1e9, 0, "CPU time of launching a step's kernels, beside them")    \
    X(host, "host", CONF_DURATION, 0, 1e9, 0, "serial CPU time of a step: scheduling")                      \
    X(host_sequence, "hostPerSequence", CONF_DURATION, 0, 1e8, 0, "serial CPU time per running sequence: sampling, detokenising") \
    X(host_prompt, "hostPerPrompt", CONF_DURATION, 0, 1e9, 0, "serial CPU time per prompt admitted to a step") \
    X(front, "front", CONF_DURATION, 0, 1e10, 0, "request to queue: HTTP, tokeniser")                       \
    X(front_token, "frontPerToken", CONF_DURATION, 0, 1e7, 0, "the same per prompt token")                  \
    X(max_sequences, "maxSequences", CONF_PLAIN, 1, 65536, 256, "sequences that run at once")               \
    X(token_budget, "tokenBudget", CONF_PLAIN, 1, 1e6, 8192, "tokens of one step, decode and prefill")      \
    X(queue, "queue", CONF_PLAIN, 0, 1e6, 100000, "requests that may wait; beyond it they are refused")     \
    X(prefill_mode, "prefillMode", CONF_PLAIN, 0, 2, 1, "0: alone, before decoding; 1: cut to the token budget, beside decoding; 2: whole prompts beside decoding") \
    X(ahead, "scheduledAhead", CONF_PLAIN, 0, 1, 0, "1: a step is composed when the one before it begins, so that a new prompt misses it") \
    X(reserve_output, "reserveOutput", CONF_PLAIN, 0, 1, 0, "1: blocks for the whole answer at admission, never preempts") \
    X(prefix_cache, "prefixCache", CONF_PLAIN, 0, 1, 0, "1: cached_tokens of a call cost no prefill")

#define TTS_PARAMS(X)                                                                                       \
    X(slots, "slots", CONF_PLAIN, 1, 4096, NAN, "streams synthesised at once: the batch profile")           \
    X(queue, "queue", CONF_PLAIN, 0, 1e6, 100000, "requests that may wait; beyond it they are refused")     \
    X(front, "front", CONF_DURATION, 0, 1e10, 0, "request to queue: HTTP, text normalisation")              \
    X(front_char, "frontPerChar", CONF_DURATION, 0, 1e8, 0, "the same per character")                       \
    X(chars_second, "charsPerSecond", CONF_PLAIN, 1, 100, 17.7, "characters spoken in a second of audio")   \
    X(step_audio, "stepAudio", CONF_DURATION, 1e6, 1e11, NAN, "audio that one step makes for every stream") \
    X(chunk_steps, "chunkSteps", CONF_PLAIN, 1, 1000, 1, "steps of a stream between its chunks")            \
    X(first_steps, "firstSteps", CONF_PLAIN, 1, 1000, 1, "steps of a stream before its first chunk")        \
    X(host, "host", CONF_DURATION, 0, 1e9, 0, "serial CPU time of a step")                                  \
    X(host_stream, "hostPerStream", CONF_DURATION, 0, 1e9, 0, "serial CPU time of a step per active stream") \
    X(launch, "launch", CONF_DURATION, 0, 1e9, 0, "CPU time of launching a step's kernels, beside them")    \
    X(floor, "floor", CONF_DURATION, 0, 1e9, 0, "kernel time of a step that nothing shortens")              \
    X(compute, "computePerStream", CONF_DURATION, 0, 1e9, 0, "kernel time per stream, scales with SMs")     \
    X(memory, "memory", CONF_DURATION, 0, 1e9, 0, "kernel time of reading the weights, scales with bandwidth") \
    X(join_host, "joinHost", CONF_DURATION, 0, 1e10, 0, "serial CPU time of a step of a stream's prefill") \
    X(join_floor, "joinFloor", CONF_DURATION, 0, 1e10, 0, "kernel time of the prefills of a step, however many join") \
    X(join_compute, "joinCompute", CONF_DURATION, 0, 1e10, 0, "kernel time of a step of a stream's prefill, scales with SMs") \
    X(join_char, "joinComputePerChar", CONF_DURATION, 0, 1e8, 0, "the same per character of its text")      \
    X(prefill_steps, "prefillSteps", CONF_PLAIN, 0, 1000, 0, "steps of a stream's prefill, each at the join costs, without audio; 0: within its first step") \
    X(join_most, "joinMost", CONF_PLAIN, 1, 4096, 4096, "streams that may be in their prefill at once")

#define ASR_PARAMS(X)                                                                                       \
    X(chunk, "chunk", CONF_DURATION, 1e6, 1e11, NAN, "server chunk: audio decoded at once")                 \
    X(max_streams, "maxStreams", CONF_PLAIN, 1, 65536, NAN, "open streams; beyond it they are refused")     \
    X(max_batch, "maxBatch", CONF_PLAIN, 1, 65536, 1024, "chunks decoded in one step")                      \
    X(front, "front", CONF_DURATION, 0, 1e10, 0, "a stream's audio to queue, and result to client")         \
    X(host, "host", CONF_DURATION, 0, 1e9, 0, "serial CPU time of a step")                                  \
    X(host_item, "hostPerChunk", CONF_DURATION, 0, 1e9, 0, "serial CPU time of a step per chunk in it")     \
    X(launch, "launch", CONF_DURATION, 0, 1e9, 0, "CPU time of launching a step's kernels, beside them")    \
    X(floor, "floor", CONF_DURATION, 0, 1e9, 0, "kernel time of a step that nothing shortens")              \
    X(compute, "computePerChunk", CONF_DURATION, 0, 1e9, 0, "kernel time per chunk, scales with SMs")       \
    X(memory, "memory", CONF_DURATION, 0, 1e9, 0, "kernel time of reading the weights, scales with bandwidth") \
    X(final, "final", CONF_DURATION, 0, 1e10, 0, "after the last chunk is decoded: rescoring, punctuation") \
    X(offline_front, "offlineFront", CONF_DURATION, 0, 1e10, 0, "whole-audio request to queue")             \
    X(offline_front_second, "offlineFrontPerSecond", CONF_DURATION, 0, 1e9, 0, "the same per second of its audio: upload, decoding")  \
    X(offline_launch, "offlineLaunch", CONF_DURATION, 0, 1e9, 0, "CPU time of launching a step of whole-audio requests")      \
    X(offline_host, "offlineHost", CONF_DURATION, 0, 1e10, 0, "serial CPU time per whole-audio request")    \
    X(offline_host_second, "offlineHostPerSecond", CONF_DURATION, 0, 1e9, 0, "the same per second of its audio") \
    X(offline_batch, "offlineBatch", CONF_PLAIN, 1, 4096, 1, "whole-audio requests in one step")            \
    X(offline_compute_second, "offlineComputePerSecond", CONF_DURATION, 0, 1e9, 0, "kernel time per second of audio, scales with SMs") \
    X(offline_queue, "offlineQueue", CONF_PLAIN, 0, 1e6, 100000, "whole-audio requests that may wait")

#define INFER_PARAMS(X)                                                                                     \
    X(max_batch, "maxBatch", CONF_PLAIN, 1, 65536, 1, "items of one step")                                  \
    X(queue, "queue", CONF_PLAIN, 0, 1e6, 100000, "requests that may wait; beyond it they are refused")     \
    X(front, "front", CONF_DURATION, 0, 1e10, 0, "request to queue: HTTP, decoding")                        \
    X(host, "host", CONF_DURATION, 0, 1e9, 0, "serial CPU time of a step")                                  \
    X(host_item, "hostPerItem", CONF_DURATION, 0, 1e9, 0, "serial CPU time per item: pre- and postprocessing") \
    X(launch, "launch", CONF_DURATION, 0, 1e9, 0, "CPU time of launching a step's kernels, beside them")    \
    X(floor, "floor", CONF_DURATION, 0, 1e9, 0, "kernel time of a step that nothing shortens")              \
    X(compute, "computePerItem", CONF_DURATION, 0, 1e9, 0, "kernel time per item, scales with SMs")         \
    X(memory, "memory", CONF_DURATION, 0, 1e9, 0, "kernel time of reading the weights, scales with bandwidth")

#define PROFILE_FIELD(field, ...) double field;
struct llm_params {
    LLM_PARAMS(PROFILE_FIELD)
};
struct tts_params {
    TTS_PARAMS(PROFILE_FIELD)
};
struct asr_params {
    ASR_PARAMS(PROFILE_FIELD)
};
struct infer_params {
    INFER_PARAMS(PROFILE_FIELD)
};
#undef PROFILE_FIELD

/*
 * What the lists above say of one parameter, for whoever walks them (fit, export, documentation).
 */
struct profile_param {
    const char *key, *text;
    enum conf_unit unit;
    double lo, hi, otherwise;
    size_t offset; /* of its double in the params struct */
};
const struct profile_param *profile_params(enum profile_kind kind, size_t *ret_count);
const char *profile_kind_name(enum profile_kind kind); /* "asr", "llm", "tts", "infer" */

enum { PROFILE_PARAMS_MAX = 40 };

struct profile {
    char *name, *model, *gpu, *engine, *precision, *valid; /* owned; gpu is a catalogue key */
    char *path;        /* owned: the file, or "built-in profile NAME" */
    enum profile_kind kind;
    unsigned gpu_count; /* GPUs of one server: tensor parallel */
    int64_t need;       /* bytes below which it does not run */
    int64_t reserve;    /* bytes it takes where there is room; >= need */
    union {
        struct asr_params asr;
        struct llm_params llm;
        struct tts_params tts;
        struct infer_params infer;
    };
    struct {
        char *source; /* owned; NULL: the default of the list */
        bool assumed, given;
    } origin[PROFILE_PARAMS_MAX], need_origin, reserve_origin; /* by position in the list */
};

/*
 * Reads a profile: a built-in one by its name, else a path (whatever holds a '/' or ends in .yaml,
 * .yml, .json), else ERR_INPUT with the nearest built-in name. The caller frees it.
 */
struct profile *profile_load(const char *name_or_path, struct err *err);
struct profile *profile_read(const struct doc_node *root, const char *path, struct err *err);
struct profile *profile_copy(const struct profile *p);
void profile_free(struct profile *p); /* NULL accepted */

/* Names of the built-in profiles, NULL-terminated; the caller frees the array alone. */
const char **profile_names(void);

/* The parameter that an entry of its kind's list describes. */
double *profile_param_at(struct profile *p, const struct profile_param *q);

/* A parameter by its key, NULL if this kind has none of that name; for fit and for tests. */
double *profile_number(struct profile *p, const char *key);

/* States where a number now comes from (copied). */
void profile_set(struct profile *p, const char *key, double value, const char *source, bool assumed);

/* The profile as its YAML file. */
void profile_write(const struct profile *p, struct buf *out);

static inline void cleanup_profilep(struct profile **p)
{
    profile_free(*p);
}
#define cleanup_profile __attribute__((cleanup(cleanup_profilep)))
