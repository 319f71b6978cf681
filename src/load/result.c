/* SPDX-License-Identifier: Apache-2.0 */
#include "load/result.h"

#include <math.h>
#include <string.h>

#include "load/audit.h"
#include "load/client.h"
#include "load/record.h"

static const struct {
    const char *key, *text;
} stages[] = {
#define X(name, key, text) {key, text},
    STAGES(X)
#undef X
};

const char *stage_key(enum stage s)
{
    return stages[s].key;
}

const char *stage_text(enum stage s)
{
    return stages[s].text;
}

static void stage_free(const struct stage_stats *s)
{
    hist_free((struct hist *)(uintptr_t)s->hist);
}

void load_result_done(const struct load_result *r)
{
    for (int s = 0; s < STAGE_COUNT; s++)
        stage_free(&r->stages[s]);
    for (size_t i = 0; i < r->request_count; i++) {
        stage_free(&r->requests[i].first);
        stage_free(&r->requests[i].cadence);
        stage_free(&r->requests[i].total);
    }
}

void comparison_free(struct comparison *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++)
            load_result_done(&c->configurations[i].loads[k]);
    for (struct comparison *j = c->joined, *next; j; j = next) { /* their histograms were c's */
        next = j->joined;
        arena_free(j->arena);
    }
    arena_free(c->arena);
}

int comparison_join(struct comparison *c, struct comparison *other, struct err *err)
{
    struct configuration_result *both =
        ARENA_ARRAY(c->arena, struct configuration_result, c->count + other->count);

    if (strcmp(c->scenario, other->scenario) != 0 || strcmp(c->gpu_model, other->gpu_model) != 0 ||
        strcmp(c->clock, other->clock) != 0)
        return err_set(
            err, ERR_INPUT, "%s on %s in %s time cannot stand beside %s on %s in %s time",
            other->scenario, other->gpu_model, other->clock, c->scenario, c->gpu_model, c->clock);
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < other->count; k++)
            if (strcmp(c->configurations[i].name, other->configurations[k].name) == 0)
                return err_set(err, ERR_INPUT, "configuration %s is in two of the runs",
                               c->configurations[i].name);
    for (size_t i = 0; i < c->count; i++)
        both[i] = c->configurations[i];
    for (size_t k = 0; k < other->count; k++)
        both[c->count + k] = other->configurations[k];
    c->configurations = both;
    c->count += other->count;
    if (other->repetitions < c->repetitions)
        c->repetitions = other->repetitions;
    other->joined = c->joined;
    c->joined = other;
    return 0;
}

static double quantile_ms(const struct hist *h, double q)
{
    return h->count >= stats_samples_needed(q) ? (double)hist_quantile(h, q) / 1e6 : NAN;
}

/* Takes the histogram over. */
static struct stage_stats stats_of(const struct hist *h)
{
    return (struct stage_stats){
        .mean_ms = hist_mean(h) / 1e6,
        .p50_ms = quantile_ms(h, 0.50),
        .p95_ms = quantile_ms(h, 0.95),
        .p99_ms = quantile_ms(h, 0.99),
        .count = h->count,
        .hist = h,
    };
}

static void fill_stages(struct load_result *r, struct recorder *const *runs, size_t n)
{
    for (int s = 0; s < STAGE_COUNT; s++) {
        struct hist *h = hist_new();
        for (size_t i = 0; i < n; i++)
            hist_merge(h, recorder_stage(runs[i], (enum stage)s));
        r->stages[s] = stats_of(h);
    }
}

static void fill_counts(struct load_result *r, struct recorder *const *runs, size_t n)
{
    double underruns = 0, stalled = 0;

    for (size_t i = 0; i < n; i++) {
        const struct turn_counts *c = recorder_counts(runs[i]);
        r->started += c->started;
        r->completed += c->completed;
        r->failed += c->failed;
        r->unfinished += c->unfinished;
        for (size_t k = 0; k < TURN_OUTCOME_COUNT && k < ARRAY_LEN(r->failures); k++)
            r->failures[k] += c->failures[k];
        underruns += (double)c->underruns;
        stalled += (double)c->stalled / 1e6;
    }
    r->success_rate =
        r->completed + r->failed ? (double)r->completed / (double)(r->completed + r->failed) : NAN;
    r->underruns_per_turn = r->completed ? underruns / (double)r->completed : NAN;
    r->stalled_ms_per_turn = r->completed ? stalled / (double)r->completed : NAN;
}

static void fill_waterfalls(struct load_result *r, struct arena *a, struct recorder *const *runs,
                            size_t n)
{
    static const struct {
        const char *name;
        double q;
    } wanted[] = {{"median turn", 0.50}, {"p95 turn", 0.95}};
    const struct hist *h = r->stages[STAGE_VOICE_TO_VOICE].hist;
    struct waterfall *w = ARENA_ARRAY(a, struct waterfall, ARRAY_LEN(wanted));

    r->waterfalls = w;
    for (size_t k = 0; k < ARRAY_LEN(wanted); k++) {
        int64_t part[PART_COUNT];
        struct waterfall_part *parts;
        bool found = false;
        if (h->count < stats_samples_needed(wanted[k].q))
            continue;
        for (size_t i = 0; i < n && !found; i++)
            found = recorder_example(runs[i], hist_quantile(h, wanted[k].q), part);
        if (!found)
            continue;
        parts = ARENA_ARRAY(a, struct waterfall_part, PART_COUNT);
        *w = (struct waterfall){.name = wanted[k].name, .parts = parts, .count = PART_COUNT};
        for (int i = 0; i < PART_COUNT; i++) {
            parts[i] =
                (struct waterfall_part){turn_part_text((enum turn_part)i), (double)part[i] / 1e6};
            w->total_ms += parts[i].ms;
        }
        w++;
        r->waterfall_count++;
    }
}

static void fill_throughput(struct load_result *r, const double *samples, size_t n, size_t gpus,
                            double price_per_hour)
{
    double per_gpu = 1 / (double)gpus;

    r->samples = samples;
    r->sample_count = n;
    r->throughput = stats_estimate(samples, n, 0.95);
    r->throughput_per_gpu = (struct estimate){
        r->throughput.mean * per_gpu, r->throughput.lo * per_gpu, r->throughput.hi * per_gpu};
    r->cost_per_1000_turns =
        r->throughput.mean > 0 ? price_per_hour / (r->throughput.mean * 3600) * 1000 : NAN;
}

void load_result_fill(struct load_result *r, struct arena *a, struct recorder *const *runs,
                      size_t n, size_t gpus, double price_per_hour)
{
    double *samples = ARENA_ARRAY(a, double, n);

    recorder_close(runs, n);
    for (size_t i = 0; i < n; i++)
        samples[i] = recorder_throughput(runs[i]);
    fill_counts(r, runs, n);
    fill_stages(r, runs, n);
    fill_waterfalls(r, a, runs, n);
    fill_throughput(r, samples, n, gpus, price_per_hour);
    r->audit_count = audit_load(a, runs, n, &AUDIT_BOUNDS_DEFAULT, &r->audit, &r->valid);
}

/* ---- streams of requests ---- */

static struct stage_stats merged(const struct hist *a, const struct hist *b)
{
    struct hist *h = hist_new();

    hist_merge(h, a);
    if (b)
        hist_merge(h, b); /* a service fills one of the two */
    return stats_of(h);
}

/* The first stream stands for a load without turns. */
static void stand_for_load(struct load_result *r, struct arena *a, const struct request_result *q,
                           bool trace, const struct client_record *sum, const double *samples,
                           size_t n, size_t gpus, double price_per_hour)
{
    struct {
        enum stage stage;
        const struct hist *hist;
    } const its[] = {{STAGE_LLM_TTFT, &sum->ttft},
                     {STAGE_LLM_ITL, &sum->itl},
                     {STAGE_TTS_FIRST_AUDIO, &sum->first_audio},
                     {STAGE_TURN, &sum->total}};

    r->started = q->started;
    r->completed = q->completed;
    r->failed = q->failed;
    r->unfinished = q->unfinished;
    r->success_rate =
        q->completed + q->failed ? (double)q->completed / (double)(q->completed + q->failed) : NAN;
    fill_throughput(r, samples, n, gpus, price_per_hour);
    for (size_t i = 0; i < ARRAY_LEN(its); i++) {
        stage_free(&r->stages[its[i].stage]);
        r->stages[its[i].stage] = merged(its[i].hist, NULL);
    }
    r->audit_count = audit_requests(a, sum, trace, &AUDIT_BOUNDS_DEFAULT, &r->audit, &r->valid);
}

void load_result_add_requests(struct load_result *r, struct arena *a, const char *workload,
                              const char *kind, bool trace, const struct client_record *const *runs,
                              size_t n, size_t gpus, double price_per_hour)
{
    struct request_result *all = ARENA_ARRAY(a, struct request_result, r->request_count + 1),
                          *q = &all[r->request_count];
    double *samples = ARENA_ARRAY(a, double, n), tokens = 0, rtfx = 0;
    struct client_record sum = {0};

    for (size_t i = 0; i < r->request_count; i++)
        all[i] = r->requests[i];
    for (size_t i = 0; i < n; i++) {
        client_record_merge(&sum, runs[i]);
        samples[i] = client_request_rate(runs[i]);
        tokens += client_token_rate(runs[i]) / (double)n;
        rtfx += client_rtfx(runs[i]) / (double)n;
    }
    *q = (struct request_result){
        .workload = workload,
        .kind = kind,
        .started = sum.started,
        .completed = sum.completed,
        .failed = sum.failed,
        .unfinished = sum.unfinished,
        .rejected = sum.rejected,
        .rate = stats_estimate(samples, n, 0.95),
        .tokens_per_s = sum.tokens ? tokens : NAN,
        .rtfx = sum.audio ? rtfx : NAN,
        .first = merged(&sum.ttft, &sum.first_audio),
        .cadence = merged(&sum.itl, &sum.chunk_interval),
        .total = merged(&sum.total, NULL),
    };
    if (r->request_count == 0 && r->started == 0)
        stand_for_load(r, a, q, trace, &sum, samples, n, gpus, price_per_hour);
    r->requests = all;
    r->request_count++;
    client_record_done(&sum);
}
