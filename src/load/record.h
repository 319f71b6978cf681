/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder: every turn's stamps in, histograms per stage, series and accounts out, in bounded memory.
 *
 * A turn is stamped by its user as the events arrive (int64 ns of world time). When it is over it is
 * handed in, reduced to the histograms of its stages and forgotten; who wants every turn passes a
 * sink (turns.csv).
 *
 * Which turns count: those whose planned start lies in the hold phase, after the warm-up cut. The cut
 * is that of MSER-5 on the completions per second, rounded up to an eighth of the hold phase (the
 * histograms are kept by eighth until then); throughput is completions per second in the same window.
 * Failed turns enter no latency but are counted; the unfinished are counted. Latencies count from the
 * planned time, never from a late start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hist.h"
#include "load/result.h"
#include "voice/session.h"

#define TURN_STAMPS(X)                          \
    X(STAMP_PLANNED, "planned")                 \
    X(STAMP_SPEECH_START, "speech_start")       \
    X(STAMP_SPEECH_END, "speech_end")           \
    X(STAMP_ENDPOINT, "endpoint")               \
    X(STAMP_ASR_FINAL, "asr_final")             \
    X(STAMP_LLM_REQUEST, "llm_request")         \
    X(STAMP_LLM_FIRST_TOKEN, "llm_first_token") \
    X(STAMP_FIRST_SENTENCE, "first_sentence")   \
    X(STAMP_TTS_REQUEST, "tts_request")         \
    X(STAMP_TTS_FIRST_AUDIO, "tts_first_audio") \
    X(STAMP_FIRST_AUDIO, "first_audio")         \
    X(STAMP_AUDIBLE, "audible")                 \
    X(STAMP_LLM_DONE, "llm_done")               \
    X(STAMP_LAST_AUDIO, "last_audio")           \
    X(STAMP_PLAYBACK_END, "playback_end")       \
    X(STAMP_END, "end")

enum turn_stamp {
#define X(name, key) name,
    TURN_STAMPS(X)
#undef X
    STAMP_COUNT
};
const char *turn_stamp_key(enum turn_stamp s);

enum turn_fate { FATE_COMPLETED, FATE_FAILED, FATE_UNFINISHED };

/* One turn. audible: playback of the reply begins (first_audio plus the jitter buffer); end: the
 * user is free to think. */
struct turn_record {
    uint32_t user, number;
    int64_t stamp[STAMP_COUNT]; /* ns; TIME_NEVER: did not happen */
    uint32_t tokens, sentences, underruns;
    int64_t stalled; /* ns of playback without audio */
    int64_t reply;   /* ns of audio received */
    enum turn_fate fate;
    enum turn_outcome outcome;
    bool interrupted; /* by the user's barge-in */
};
void turn_record_init(struct turn_record *t, uint32_t user, uint32_t number, int64_t planned);

/*
 * The parts of voice-to-voice, consecutive; ns[PART_UNEXPLAINED] is what no pair of stamps accounts for
 * (a stamp that is missing or out of order), so that they always add up to audible - speech_end.
 */
#define TURN_PARTS(X)                        \
    X(PART_ENDPOINTING, "endpointing")       \
    X(PART_ASR, "ASR")                       \
    X(PART_GATEWAY, "gateway")               \
    X(PART_LLM, "LLM first token")           \
    X(PART_SENTENCE, "first sentence")       \
    X(PART_TTS, "TTS")                       \
    X(PART_PLAYBACK, "playback buffer")      \
    X(PART_UNEXPLAINED, "unexplained")
enum turn_part {
#define X(name, text) name,
    TURN_PARTS(X)
#undef X
    PART_COUNT
};
const char *turn_part_text(enum turn_part p);
bool turn_parts(const struct turn_record *t, int64_t ret_ns[PART_COUNT]); /* false: no audible reply */

typedef void turn_sink(void *arg, const struct turn_record *t);

struct recorder_spec {
    int64_t hold_from, hold_until; /* ns of world time */
    unsigned users;                /* 0: open arrivals */
    double arrival_rate;           /* turns/s asked, NaN for a closed load, 0 for a trace */
    turn_sink *sink;               /* may be NULL */
    void *sink_arg;
};

struct recorder;
struct recorder *recorder_new(const struct recorder_spec *spec);
void recorder_free(struct recorder *r); /* NULL accepted */

/* The user's reports. A turn that began is handed in exactly once, whatever became of it. */
void recorder_begin(struct recorder *r, int64_t planned, int64_t actual);
void recorder_turn(struct recorder *r, const struct turn_record *t);
void recorder_sentence(struct recorder *r, int64_t now, int64_t duration); /* one TTS request's whole time */
void recorder_thought(struct recorder *r, int64_t from,
                      int64_t until); /* think time, or waiting for the first turn */
void recorder_present(struct recorder *r, int64_t now, int change);        /* users in the system: +1, -1 */

/* ---- reading it, after the run ---- */

struct turn_counts {
    uint64_t started, completed, failed, unfinished;
    uint64_t failures[TURN_OUTCOME_COUNT];
    uint64_t underruns, interrupted;
    int64_t stalled; /* ns, of completed turns */
};
const struct turn_counts *recorder_counts(const struct recorder *r); /* of the whole run, ramps included */

/* The run ends before its hold phase does (Ctrl-C): what was measured until now counts. Before the users stop. */
void recorder_stop(struct recorder *r, int64_t now);

/*
 * Finds the warm-up cut and merges the eighths behind it; called before what follows, a second call
 * does nothing. The repetitions of one load are closed together: their completions are added up and
 * have one cut, which chance moves less. load_result_fill() (load/result.h) does it.
 */
void recorder_close(struct recorder *const *runs, size_t n);

bool recorder_steady(const struct recorder *r);     /* false: MSER-5 found no steady part in the first half */
int64_t recorder_window_from(const struct recorder *r);
int64_t recorder_window_until(const struct recorder *r);
const struct hist *recorder_stage(const struct recorder *r, enum stage s); /* ns, in the window */
const struct hist *recorder_lag(const struct recorder *r);  /* actual minus planned start, whole run */
uint64_t recorder_completed(const struct recorder *r);      /* turns completed within the window */
double recorder_throughput(const struct recorder *r);       /* those per second of the window */

/* Completions over the hold phase in equal bins, 1 s wide unless the hold has more than RECORDER_BINS seconds. */
enum { RECORDER_BINS = 4096, RECORDER_EIGHTHS = 8 };
struct recorder_series {
    int64_t from, width; /* ns */
    const uint32_t *completed;
    size_t count;
};
void recorder_series(const struct recorder *r, struct recorder_series *ret);

/*
 * Little's law over the hold phase T: users (closed) or turns (open) present, N, against X * (R + Z)
 * of what ended in T. The two differ by what overlaps the ends of T, which is their sampling error;
 * it is known exactly once the run is over, since every activity is reported when it ends:
 *     N = X * (R + Z) + ends
 */
struct recorder_little {
    double present;         /* N: integral of those present / T */
    double rate;            /* X: turns ended per second, failed ones too */
    double turn_s, think_s; /* R and Z: means, think time per turn */
    double ends; /* part of N, net: time within T of what ends after it, less time before T of what
                    ended in it */
};
void recorder_little(const struct recorder *r, struct recorder_little *ret);

/* Before closing too, then of the whole hold phase: sum over the completed turns of every part of
 * voice-to-voice, ns, and how many turns. */
uint64_t recorder_parts(const struct recorder *r, double ret_ns[PART_COUNT]);

double recorder_unexplained(const struct recorder *r); /* sum of |unexplained| over sum of voice-to-voice */

/* Parts of a turn of the window whose voice-to-voice is that (ns) within 1 %, or of the nearest one; false: none. */
bool recorder_example(const struct recorder *r, int64_t voice_to_voice, int64_t ret_ns[PART_COUNT]);

/* Mean duration (s) and number of the completed turns planned in an eighth of the hold phase; eighths cut off. */
double recorder_turn_mean(const struct recorder *r, int eighth, uint64_t *ret_count);
int recorder_cut(const struct recorder *r);
bool recorder_is_trace(const struct recorder *r); /* its load need not be steady */

size_t recorder_bytes(const struct recorder *r); /* memory held */
