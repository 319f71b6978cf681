/* SPDX-License-Identifier: Apache-2.0 */
#include "load/result.h"

#include <math.h>

#include "load/audit.h"
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

void load_result_done(const struct load_result *r)
{
    for (int s = 0; s < STAGE_COUNT; s++)
        hist_free((struct hist *)(uintptr_t)r->stages[s].hist);
}

void comparison_free(struct comparison *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++)
            load_result_done(&c->configurations[i].loads[k]);
    arena_free(c->arena);
}

static double quantile_ms(const struct hist *h, double q)
{
    return h->count >= stats_samples_needed(q) ? (double)hist_quantile(h, q) / 1e6 : NAN;
}

static void fill_stages(struct load_result *r, struct recorder *const *runs, size_t n)
{
    for (int s = 0; s < STAGE_COUNT; s++) {
        struct hist *h = hist_new();
        for (size_t i = 0; i < n; i++)
            hist_merge(h, recorder_stage(runs[i], (enum stage)s));
        r->stages[s] = (struct stage_stats){
            .mean_ms = hist_mean(h) / 1e6,
            .p50_ms = quantile_ms(h, 0.50),
            .p95_ms = quantile_ms(h, 0.95),
            .p99_ms = quantile_ms(h, 0.99),
            .count = h->count,
            .hist = h,
        };
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
    r->success_rate = r->completed + r->failed ? (double)r->completed / (double)(r->completed + r->failed) : NAN;
    r->underruns_per_turn = r->completed ? underruns / (double)r->completed : NAN;
    r->stalled_ms_per_turn = r->completed ? stalled / (double)r->completed : NAN;
}

static void fill_waterfalls(struct load_result *r, struct arena *a, struct recorder *const *runs, size_t n)
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
            parts[i] = (struct waterfall_part){turn_part_text((enum turn_part)i), (double)part[i] / 1e6};
            w->total_ms += parts[i].ms;
        }
        w++;
        r->waterfall_count++;
    }
}

void load_result_fill(struct load_result *r, struct arena *a, struct recorder *const *runs, size_t n, size_t gpus,
                      double price_per_hour)
{
    double *samples = ARENA_ARRAY(a, double, n), per_gpu = 1 / (double)gpus;

    recorder_close(runs, n);
    for (size_t i = 0; i < n; i++)
        samples[i] = recorder_throughput(runs[i]);
    fill_counts(r, runs, n);
    fill_stages(r, runs, n);
    fill_waterfalls(r, a, runs, n);
    r->samples = samples;
    r->sample_count = n;
    r->throughput = stats_estimate(samples, n, 0.95);
    r->throughput_per_gpu = (struct estimate){r->throughput.mean * per_gpu, r->throughput.lo * per_gpu, r->throughput.hi * per_gpu};
    r->cost_per_1000_turns = r->throughput.mean > 0 ? price_per_hour / (r->throughput.mean * 3600) * 1000 : NAN;
    r->audit_count = audit_load(a, runs, n, &AUDIT_BOUNDS_DEFAULT, &r->audit, &r->valid);
}
