/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open arrivals: when requests come that do not wait for each other.
 *
 * The schedule is one of absolute planned times, drawn before anything is known of the system's
 * speed; a late start never moves the next one. Latencies count from the planned time, so that a
 * stall shows in full (no coordinated omission).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"

enum arrivals_process {
    ARRIVALS_NONE, /* a closed loop: users wait for their answers */
    ARRIVALS_POISSON,
    ARRIVALS_CONSTANT, /* every 1/rate s, the first after half of that */
    ARRIVALS_TRACE
};

/*
 * A trace file: CSV with a header; columns `timestamp`, `context`, `generated` in any letter case,
 * also by the names of Azure's traces (TIMESTAMP, ContextTokens, GeneratedTokens). A timestamp is
 * seconds, or a date and time (2023-11-16 18:15:46.6805900, with T, Z or an offset too); times count
 * from the first row. Rows out of order are sorted, equal times keep their order. At most
 * ARRIVALS_MAX_ROWS rows.
 */
enum { ARRIVALS_MAX_ROWS = 10 * 1000 * 1000 };
struct arrival {
    int64_t at; /* ns since the start of the schedule: the planned time */
    uint32_t context, generated; /* tokens; 0 where the process does not say */
    uint64_t number; /* 0, 1, 2, ...: the key of its random numbers */
};
struct arrival_trace {
    struct arrival *rows; /* owned */
    size_t count;
    double mean_context, mean_generated;
};
/* `name` is for messages. Fails with ERR_INPUT, naming file, line and field. */
struct arrival_trace *arrival_trace_parse(const char *name, const char *text, size_t size, struct err *err);
struct arrival_trace *arrival_trace_read(const char *path, struct err *err);
void arrival_trace_free(struct arrival_trace *t); /* NULL accepted */

struct arrivals_spec {
    enum arrivals_process process;
    double rate;    /* arrivals/s, for POISSON and CONSTANT */
    const struct arrival_trace *trace; /* for TRACE; borrowed */
    double speedup; /* the schedule runs so many times faster; 0 reads as 1 */
    int64_t offset; /* ns of the trace to skip */
    bool loop;      /* begin the trace again when it ends, a mean gap later */
};

struct arrivals {
    struct arrivals_spec spec;
    struct rng rng;
    double gap;     /* ns between two arrivals on average */
    int64_t last;   /* planned time of the arrival before */
    uint64_t number;
    size_t row;
    int64_t base;   /* TRACE: ns added to a row's time, before the speed-up */
};

void arrivals_init(struct arrivals *a, const struct arrivals_spec *spec, uint64_t seed, uint64_t key);
bool arrivals_next(struct arrivals *a, struct arrival *ret); /* false: the trace is over */
