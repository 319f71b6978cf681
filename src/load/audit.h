/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: may the numbers of a run be believed? (docs/measurement.md)
 *
 *   littles_law    users present = throughput * (turn + think time) + what overlaps the window's ends
 *                  (the law's sampling error, measured): the remainder as a fraction, worst repetition
 *   schedule_lag   p99 of actual minus planned start, ms; 0 in virtual time, and computed there too
 *   steady_state   no drift of the throughput over the window, by batch means
 *   steady_latency no drift of the turn time (bound 2 * drift): a queue that grows while throughput holds
 *   attribution    the stages of voice-to-voice add up: unexplained remainder as a fraction
 *   accounting     started = completed + failed + unfinished, exactly
 *   enough_samples completed turns in the window against what a median needs; the percentiles that
 *                  need more are null one by one
 * A trace is replayed as it was recorded and need not be steady: it has no warm-up cut, and the two
 * checks of steadiness pass. A run in which one of them fails is INVALID: its throughput and latencies
 * are withheld (exit status 4).
 */
#pragma once

#include <stddef.h>

#include "base/mem.h"
#include "load/record.h"
#include "load/result.h"

struct audit_bounds {
    double schedule_lag_ms; /* 10 */
    double little;          /* 0.001 */
    double drift;           /* 0.15: change of throughput over the hold phase that nobody may ignore */
    double unexplained;     /* 0.01 */
};
extern const struct audit_bounds AUDIT_BOUNDS_DEFAULT;

/* The lines for n closed recorders (repetitions of one load), in `a`; returns how many, all ok or not in *ret_valid. */
size_t audit_load(struct arena *a, struct recorder *const *runs, size_t n, const struct audit_bounds *bounds,
                  const struct audit_line **ret_lines, bool *ret_valid);

/*
 * The same for a stream of requests without turns (repetitions merged): schedule_lag, steady_latency
 * (unless it is a trace), accounting, enough_samples.
 */
struct client_record;
size_t audit_requests(struct arena *a, const struct client_record *r, bool trace, const struct audit_bounds *bounds,
                      const struct audit_line **ret_lines, bool *ret_valid);
