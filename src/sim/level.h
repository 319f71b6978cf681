/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One level of a measured table, replayed as it was measured: the same number of requests, the same
 * concurrency or rate, the same request sizes, against the profile's server in virtual time.
 *
 * Measuring tools run a level as a pool of workers over a list of requests drawn beforehand:
 * `concurrency` workers start together, each takes the next request when its last one has ended,
 * after the tool's own millisecond or so (exponential, not counted in any latency; without it
 * workers with equal requests would stay in a step that no real clients keep). A level of 50
 * requests is mostly start and end; it is replayed with 50 requests, several times with other
 * draws, and what comes back are the means over these repetitions of what the tool would have
 * printed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "gpu/share.h"
#include "serve/profile.h"

enum { LEVEL_QUANTILES = 8, LEVEL_SERVERS = 16 };

/*
 * A request size: constant (count 1); one of `count` values, value[i] up to the cumulative
 * probability quantile[i] (discrete); or by linear interpolation between quantiles.
 */
struct level_size {
    unsigned count;
    bool discrete;
    double value[LEVEL_QUANTILES];
    double quantile[LEVEL_QUANTILES]; /* ascending to 1; from 0 where interpolated */
    double most;                      /* cut there; 0: no cut */
};
struct level_size level_constant(double value);

/*
 * One of n values (n <= LEVEL_QUANTILES) with the given weights, tilted (weight * exp(t * value))
 * so that the mean is `mean`; a mean outside the values scales them instead.
 */
struct level_size level_tilted(const double *value, const double *weight, unsigned n, double mean);
double level_size_at(const struct level_size *s, double u); /* the value at u in [0, 1) */
double level_size_mean(const struct level_size *s);

struct level {
    unsigned concurrency; /* workers; 0: open */
    double qps;           /* open: Poisson arrivals/s */
    unsigned requests;    /* of one server, in all */
    bool steady;          /* the first and last `concurrency` requests are run and not counted */
    struct level_size input, output;  /* LLM: tokens */
    struct level_size audio;          /* s: of a TTS reply, of an ASR utterance */
    double chunk;                     /* ASR streaming: s of audio a message */
    bool offline;                     /* ASR: whole audio in one request */
    unsigned items;                   /* inference: per request */
    /* Where: servers of the same profile, each with its own clients. */
    struct share_size size;
    enum share_mode mode; /* of several servers on one share */
    unsigned servers;
    bool separate;        /* every server has a share of this size to itself: MIG instances */
};

/* What the tool would have printed; times in ms; NaN where the kind has no such figure. */
struct level_result {
    double requests_per_s, tokens_per_s, rtfx;
    double mean, p50, p90, p95, p99;                     /* of a request; ASR streaming: of a chunk's response */
    double first, first_p50, first_p90, first_p95, first_p99; /* TTFT, TTFA */
    double between, between_p50, between_p90, between_p99; /* ITL, TPOT; chunk interval */
    double tail;                                         /* ASR streaming: last audio sent to the end */
    double failed;                                       /* fraction of requests */
    double gpu_busy;                                     /* fraction of the level */
    uint64_t events;
};

/*
 * Replays `repetitions` times with draws from `seed`; the shape must suit the profile's kind. -1
 * with err.
 */
int level_run(const struct level *l, const struct profile *p, uint64_t seed, unsigned repetitions,
              struct level_result *ret, struct err *err);
