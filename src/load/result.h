/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an execution gives back: filled by sim/ (virtual time) or bench (sockets), read by report/.
 *
 * The JSON of `compare`, `simulate` and `bench` is this structure, key for key (docs/result.md).
 * Everything is owned by the comparison's arena, but the histograms, which comparison_free() frees. A
 * struct estimate is a mean over repetitions with its Student 95 % interval. NaN stands for "not
 * measured" and prints as null.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hist.h"
#include "base/mem.h"
#include "base/stats.h"

#define STAGES(X)                                                                                        \
    X(STAGE_ASR_FINAL, "asr_final", "end of speech to final transcript, endpointing included")           \
    X(STAGE_LLM_TTFT, "llm_ttft", "LLM request to first token")                                          \
    X(STAGE_LLM_ITL, "llm_itl", "mean time between a reply's tokens")                                    \
    X(STAGE_LLM_TOTAL, "llm_total", "LLM request to last token")                                         \
    X(STAGE_TTS_FIRST_AUDIO, "tts_first_audio", "first sentence's request to its first audio")           \
    X(STAGE_TTS_TOTAL, "tts_total", "a sentence's request to its last audio")                            \
    X(STAGE_VOICE_TO_VOICE, "voice_to_voice", "last voiced sample of the user to first audible reply")   \
    X(STAGE_TURN, "turn", "planned start of the turn to its last audio handed over")

enum stage {
#define X(name, key, text) name,
    STAGES(X)
#undef X
    STAGE_COUNT
};
const char *stage_key(enum stage s);
const char *stage_text(enum stage s);

/* Milliseconds; a percentile with too few samples behind it is NaN (base/stats.h says how few). */
struct stage_stats {
    double mean_ms, p50_ms, p95_ms, p99_ms;
    uint64_t count;
    const struct hist *hist; /* all repetitions merged, ns; NULL in what was read back from a file */
};

/* One line of the audit printed with every result. */
struct audit_line {
    const char *check; /* "littles_law", "schedule_lag", "steady_state", "attribution", ... */
    const char *text;  /* what it says, for people */
    bool ok;
    double value, bound;
};

/* Where the milliseconds of one turn's voice-to-voice went; consecutive, they add up with `unexplained`. */
struct waterfall_part {
    const char *stage; /* "endpointing", "ASR", "gateway", "LLM first token", "first sentence", "TTS", "unexplained" */
    double ms;
};
struct waterfall {
    const char *name; /* "median turn", "p95 turn" */
    double total_ms;
    const struct waterfall_part *parts;
    size_t count;
};

/* One GPU of a configuration over the hold phase. */
struct gpu_share_result {
    const char *name;      /* "alone", "3g.40gb@4", "time-slicing", "mps" */
    const char *mode;      /* alone | mig | time-slicing | mps */
    const char *profile;   /* MIG profile or NULL */
    int start, slices;     /* MIG placement: memory slices from start; whole GPU: 0 and the grid */
    const char *const *workloads; /* tenants, NULL-terminated */
    double busy;           /* fraction of the hold phase with a kernel running */
    double memory_gib, memory_limit_gib;
};
struct gpu_result {
    double busy; /* of the whole GPU, shares weighted by their compute part */
    double memory_gib, memory_limit_gib;
    int grid; /* memory slices of the GPU's layout */
    const struct gpu_share_result *shares;
    size_t count;
};

/* Busy fraction of every tenant over time, of one repetition: the report's GPU timeline. */
struct timeline_track {
    size_t gpu;
    const char *share, *workload;
    const float *busy; /* `samples` values in [0, 1] */
};
struct timeline {
    double start_s, step_s;
    size_t samples, tracks;
    const struct timeline_track *track;
};

/* What keeps the configuration from doing more: the resource with the highest use, by name. */
struct limit {
    const char *resource; /* "GPU 1 (llm)", "tts slots", "gateway CPU", "users' think time" */
    double use;           /* 0..1 */
    bool saturated;       /* use above the bound stated in docs/result.md */
};

/* One point of the users-against-latency curve. */
struct headroom_point {
    unsigned users;
    bool ok; /* objectives met */
    double p95_voice_ms, throughput, success_rate;
};

/*
 * One stream of requests to one service beside (or instead of) the turns, repetitions merged. A stage
 * that its service does not have counts nothing.
 */
struct request_result {
    const char *workload;
    const char *kind; /* "llm", "tts", "asr", "infer" */
    uint64_t started, completed, failed, unfinished, rejected; /* rejected: of the failed */
    struct estimate rate;       /* completed requests/s */
    double tokens_per_s, rtfx;  /* NaN where it makes no tokens, no audio */
    struct stage_stats first;   /* LLM: request to first token; TTS: to first audio */
    struct stage_stats cadence; /* LLM: between tokens; TTS: between pieces of audio; ASR: a piece to its response */
    struct stage_stats total;   /* request to end; ASR: end of audio to final */
};

struct load_result {
    const char *name;
    unsigned users;     /* 0: open arrivals */
    double arrival_rate; /* turns/s asked; NaN: closed loop */
    bool valid;         /* every audit ok; otherwise throughput and stages are withheld when printed */
    uint64_t started, completed, failed, unfinished; /* over all repetitions */
    uint64_t failures[32]; /* by enum turn_outcome */
    double success_rate;
    struct estimate throughput;         /* completed turns/s in the steady window */
    struct estimate throughput_per_gpu; /* the same per GPU of the configuration */
    double cost_per_1000_turns;         /* $; NaN without a price */
    struct stage_stats stages[STAGE_COUNT];
    double underruns_per_turn, stalled_ms_per_turn;
    const struct gpu_result *gpus;
    size_t gpu_count;
    const struct audit_line *audit;
    size_t audit_count;
    struct limit limit;
    const struct waterfall *waterfalls;
    size_t waterfall_count;
    struct timeline timeline;
    bool objectives_met;
    const char *objectives_text; /* "voice_to_voice p95 1.21 s <= 1.5 s: met; ..." */
    double simulated_s, wall_s; /* wall_s is printed only on request: it is not reproducible */
    uint64_t events;
    const double *samples; /* throughput of each repetition, turns/s; NULL in what was read back from a file */
    size_t sample_count;
    const struct request_result *requests;
    size_t request_count;
};

struct configuration_result {
    const char *name;
    size_t gpus;
    double price_per_hour; /* of all its GPUs; NaN unknown */
    const struct load_result *loads;
    size_t load_count;
    unsigned headroom_users; /* with --headroom: most users that still meet the objectives; 0 not asked */
    bool headroom_bounded;   /* false: the search stopped at its upper end with the objectives still met */
    const char *headroom_limit;
    const struct headroom_point *curve; /* ascending users */
    size_t curve_count;
};

struct verdict {
    const char *load;    /* decided on this load */
    const char *best;    /* configuration; NULL: the data cannot tell */
    const char *against; /* runner-up or the one asked for */
    struct estimate ratio; /* throughput per GPU, best / against, paired over repetitions */
    bool distinguishable; /* the interval excludes 1 */
    const char *production, *development; /* recommended configurations */
    const char *const *why; /* sentences, NULL-terminated */
};

struct comparison {
    struct arena *arena; /* owns everything below and this struct */
    const char *clock;   /* "virtual" or "real" */
    bool emulated;
    const char *scenario, *source_path, *source_text; /* the scenario file as read */
    const char *gpu_model;
    uint64_t seed;
    unsigned repetitions;
    double objective_ms; /* asked of the p95 of voice_to_voice; NaN: nothing */
    bool interrupted;
    const struct configuration_result *configurations;
    size_t count;
    bool has_verdict;
    struct verdict verdict;
    struct comparison *joined; /* owned: comparisons whose configurations stand here too */
};

void comparison_free(struct comparison *c); /* NULL accepted */

/*
 * Takes the configurations of `other` into c and frees it. ERR_INPUT, and nothing is changed, when one of
 * them has the same name, or scenario, GPU model or clock differ.
 */
int comparison_join(struct comparison *c, struct comparison *other, struct err *err);
void load_result_done(const struct load_result *r); /* its histograms; for one that is in no comparison */

/*
 * Fills in of *r what n recorders (load/record.h, closed here; the repetitions of one load) know:
 * counts, success rate, throughput in all and per GPU, cost, stages, underruns, audits and validity,
 * waterfalls, samples. `price_per_hour` is of all GPUs, NaN if unknown. name, users, gpus, limit,
 * timeline, objectives, simulated_s, wall_s and events are the caller's.
 */
struct recorder;
void load_result_fill(struct load_result *r, struct arena *a, struct recorder *const *runs, size_t n,
                      size_t gpus, double price_per_hour);

/*
 * Adds a stream of requests, of which n repetitions saw these records. In a load without turns the
 * first stream added stands for the load: its requests are counted, its rate is the throughput, its
 * latencies are the stages, and it is audited; a trace is not asked to be steady.
 */
struct client_record;
void load_result_add_requests(struct load_result *r, struct arena *a, const char *workload,
                              const char *kind, bool trace, const struct client_record *const *runs,
                              size_t n, size_t gpus, double price_per_hour);
