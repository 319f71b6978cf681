/* SPDX-License-Identifier: Apache-2.0 */
#include "load/audit.h"

#include <math.h>

#include "base/stats.h"
#include "load/client.h"

const struct audit_bounds AUDIT_BOUNDS_DEFAULT = {
    .schedule_lag_ms = 10, /* a hundredth of the objectives people have, above what one loop needs */
    .little = 0.001, /* one turn in a thousand lost, or counted twice */
    .drift = 0.15,
    .unexplained = 0.01,
};

enum { BATCHES = 10, LINES = 7 };

struct audit {
    struct arena *arena;
    struct recorder *const *runs;
    size_t n;
    const struct audit_bounds *bounds;
    struct audit_line *line;
    size_t count;
};

static void say(struct audit *a, const char *check, bool ok, double value, double bound, const char *text)
{
    a->line[a->count++] = (struct audit_line){.check = check, .text = text, .ok = ok, .value = value, .bound = bound};
}

static void littles_law(struct audit *a)
{
    double value = -1;
    struct recorder_little shown = {0};

    for (size_t i = 0; i < a->n; i++) {
        struct recorder_little l;
        double gap;
        recorder_little(a->runs[i], &l);
        gap = l.present > 0 ? fabs(l.present - l.ends - l.rate * (l.turn_s + l.think_s)) / l.present : 0;
        if (gap > value) {
            value = gap;
            shown = l;
        }
    }
    say(a, "littles_law", value <= a->bounds->little, value, a->bounds->little,
        arena_printf(a->arena, "%.2f present = %.3f turns/s x (%.2f + %.2f) s %+.2f in what overlaps the ends, %.3f %% apart",
                     shown.present, shown.rate, shown.turn_s, shown.think_s, shown.ends, 100 * value));
}

static void schedule_lag(struct audit *a)
{
    struct hist all = {0};
    double ms;

    for (size_t i = 0; i < a->n; i++)
        hist_merge(&all, recorder_lag(a->runs[i]));
    ms = (double)hist_quantile(&all, 0.99) / 1e6;
    hist_done(&all);
    say(a, "schedule_lag", ms <= a->bounds->schedule_lag_ms, ms, a->bounds->schedule_lag_ms,
        arena_printf(a->arena, "turns start %.3f ms (p99) after their planned time", ms));
}

/* A change that is large and more than chance; the interval is of 99 %, so that sound runs pass. */
static bool drifts(struct estimate e, double bound)
{
    return fabs(e.mean) > bound && stats_excludes(e, 0);
}

static const char *drift_text(struct audit *a, const char *what, struct estimate e)
{
    if (isnan(e.lo))
        return arena_printf(a->arena, "the hold phase is too short to tell a drift of the %s", what);
    return arena_printf(a->arena, "%s changed by %+.1f %% over the window (99 %% interval %+.1f to %+.1f %%)", what,
                        100 * e.mean, 100 * e.lo, 100 * e.hi);
}

/* Drift of all runs' completions from bin `from` on; none where that is too short for ten batches of five bins. */
static struct estimate throughput_drift(struct audit *a, size_t from)
{
    struct recorder_series s;
    size_t bins = SIZE_MAX;
    double *sum;

    for (size_t k = 0; k < a->n; k++) {
        recorder_series(a->runs[k], &s);
        bins = s.count < bins ? s.count : bins;
    }
    if (bins < from + (size_t)5 * BATCHES)
        return ESTIMATE_NONE;
    sum = ARENA_ARRAY(a->arena, double, bins);
    for (size_t k = 0; k < a->n; k++) {
        recorder_series(a->runs[k], &s);
        for (size_t i = 0; i < bins; i++)
            sum[i] += s.completed[i];
    }
    return stats_drift(sum + from, bins - from, BATCHES, 0.99);
}

static bool need_not_be_steady(struct audit *a, const char *check)
{
    if (!recorder_is_trace(a->runs[0]))
        return false;
    say(a, check, true, NAN, NAN, "a trace is replayed as it was recorded and need not be steady");
    return true;
}

static void steady_throughput(struct audit *a)
{
    struct recorder_series s;
    struct estimate e;

    if (need_not_be_steady(a, "steady_state"))
        return;
    recorder_series(a->runs[0], &s);
    e = throughput_drift(a, (size_t)((recorder_window_from(a->runs[0]) - s.from + s.width - 1) / s.width));
    /* MSER-5 that ends at the half says "never steady", or is one of the few that chance makes end there. */
    if (!recorder_steady(a->runs[0]) && stats_excludes(throughput_drift(a, 0), 0)) {
        say(a, "steady_state", false, e.mean, a->bounds->drift, "MSER-5 finds no steady part: throughput changes to the end");
        return;
    }
    say(a, "steady_state", !drifts(e, a->bounds->drift), e.mean, a->bounds->drift, drift_text(a, "throughput", e));
}

/* A queue that grows while throughput holds (open arrivals beyond capacity) shows only here. */
static void say_latency(struct audit *a, const char *what, const double *mean, size_t count)
{
    struct estimate e = count >= 4 ? stats_drift(mean, count, count, 0.99) : ESTIMATE_NONE;

    say(a, "steady_latency", !drifts(e, 2 * a->bounds->drift), e.mean, 2 * a->bounds->drift, drift_text(a, what, e));
}

static void steady_latency(struct audit *a)
{
    double mean[RECORDER_EIGHTHS];
    size_t count = 0;

    if (need_not_be_steady(a, "steady_latency"))
        return;
    for (int i = recorder_cut(a->runs[0]); i < RECORDER_EIGHTHS; i++) {
        double sum = 0, turns = 0;
        for (size_t k = 0; k < a->n; k++) {
            uint64_t n;
            double m = recorder_turn_mean(a->runs[k], i, &n);
            sum += n ? m * (double)n : 0;
            turns += (double)n;
        }
        if (turns > 0)
            mean[count++] = sum / turns;
    }
    say_latency(a, "turn time", mean, count);
}

static void attribution(struct audit *a)
{
    double worst = 0;

    for (size_t i = 0; i < a->n; i++)
        worst = fmax(worst, recorder_unexplained(a->runs[i]));
    say(a, "attribution", worst <= a->bounds->unexplained, worst, a->bounds->unexplained,
        arena_printf(a->arena, "the stages leave %.2f %% of voice-to-voice unexplained", 100 * worst));
}

static void accounting(struct audit *a)
{
    struct turn_counts sum = {0};
    double gap = 0;

    for (size_t i = 0; i < a->n; i++) {
        const struct turn_counts *c = recorder_counts(a->runs[i]);
        sum.started += c->started;
        sum.completed += c->completed;
        sum.failed += c->failed;
        sum.unfinished += c->unfinished;
        gap += fabs((double)c->started - (double)(c->completed + c->failed + c->unfinished));
    }
    say(a, "accounting", gap == 0, gap, 0,
        arena_printf(a->arena, "%llu started = %llu completed + %llu failed + %llu unfinished, %.0f lost",
                     (unsigned long long)sum.started, (unsigned long long)sum.completed, (unsigned long long)sum.failed,
                     (unsigned long long)sum.unfinished, gap));
}

static void enough_samples(struct audit *a)
{
    double n = 0, needed = (double)stats_samples_needed(0.5);

    for (size_t i = 0; i < a->n; i++)
        n += (double)recorder_completed(a->runs[i]);
    say(a, "enough_samples", n >= needed, n, needed,
        arena_printf(a->arena, "%.0f turns completed in the window, a median needs %.0f", n, needed));
}

size_t audit_load(struct arena *arena, struct recorder *const *runs, size_t n, const struct audit_bounds *bounds,
                  const struct audit_line **ret_lines, bool *ret_valid)
{
    struct audit a = {.arena = arena,
                      .runs = runs,
                      .n = n,
                      .bounds = bounds,
                      .line = ARENA_ARRAY(arena, struct audit_line, LINES)};

    if (n == 0) {
        say(&a, "enough_samples", false, 0, 1, "no run was finished");
    } else {
        littles_law(&a);
        schedule_lag(&a);
        steady_throughput(&a);
        steady_latency(&a);
        attribution(&a);
        accounting(&a);
        enough_samples(&a);
    }
    *ret_lines = a.line;
    *ret_valid = true;
    for (size_t i = 0; i < a.count; i++)
        *ret_valid = *ret_valid && a.line[i].ok;
    return a.count;
}

size_t audit_requests(struct arena *arena, const struct client_record *r, bool trace, const struct audit_bounds *bounds,
                      const struct audit_line **ret_lines, bool *ret_valid)
{
    struct audit a = {.arena = arena, .bounds = bounds, .line = ARENA_ARRAY(arena, struct audit_line, LINES)};
    double ms = (double)hist_quantile(&r->schedule_lag, 0.99) / 1e6, needed = (double)stats_samples_needed(0.5);
    double mean[ARRAY_LEN(r->eighth_n)];
    size_t count = 0;
    double lost = (double)r->started - (double)(r->completed + r->failed + r->unfinished);

    say(&a, "schedule_lag", ms <= bounds->schedule_lag_ms, ms, bounds->schedule_lag_ms,
        arena_printf(arena, "requests start %.3f ms (p99) after their planned time", ms));
    for (size_t i = 0; i < ARRAY_LEN(mean); i++)
        if (r->eighth_n[i])
            mean[count++] = r->eighth_s[i] / (double)r->eighth_n[i];
    if (!trace)
        say_latency(&a, "request time", mean, count);
    say(&a, "accounting", lost == 0, fabs(lost), 0,
        arena_printf(arena,
                     "%llu started = %llu completed + %llu failed + %llu unfinished, %.0f lost",
                     (unsigned long long)r->started, (unsigned long long)r->completed,
                     (unsigned long long)r->failed, (unsigned long long)r->unfinished, fabs(lost)));
    say(&a, "enough_samples", (double)r->completed >= needed, (double)r->completed, needed,
        arena_printf(arena, "%llu requests completed, a median needs %.0f", (unsigned long long)r->completed, needed));
    *ret_lines = a.line;
    *ret_valid = true;
    for (size_t i = 0; i < a.count; i++)
        *ret_valid = *ret_valid && a.line[i].ok;
    return a.count;
}
