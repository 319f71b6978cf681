/* SPDX-License-Identifier: Apache-2.0 */
#include "load/verdict.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"

/* ---- objectives ---- */

/*
 * What an objective is judged by, ms: the mean, the percentile, or where that has too few samples
 * behind it the order statistic that the true percentile stays below (above) with 97.5 % confidence,
 * if the sample has one.
 */
struct judged {
    double ms;
    const char *how; /* "", "at most ", "at least " */
};

static double order_ms(const struct hist *h, uint64_t rank)
{
    return (double)hist_quantile(h, ((double)rank - 0.5) / (double)h->count) / 1e6;
}

static struct judged judged_by(const struct stage_stats *s, double q, double bound)
{
    const struct hist *h = s->hist;
    uint64_t lo, hi;

    if (q == 0)
        return (struct judged){s->mean_ms, ""};
    if (!h)
        return (struct judged){q == 0.5 ? s->p50_ms : q == 0.95 ? s->p95_ms : q == 0.99 ? s->p99_ms : NAN, ""};
    if (h->count >= stats_samples_needed(q))
        return (struct judged){(double)hist_quantile(h, q) / 1e6, ""};
    if (h->count == 0)
        return (struct judged){NAN, ""};
    stats_quantile_ranks(h->count, q, 0.95, &lo, &hi);
    if (hi <= h->count && order_ms(h, hi) <= bound)
        return (struct judged){order_ms(h, hi), "at most "};
    if (lo >= 1 && order_ms(h, lo) > bound)
        return (struct judged){order_ms(h, lo), "at least "};
    return (struct judged){NAN, ""};
}

static void time_text(struct buf *b, double ms)
{
    if (isnan(ms))
        buf_puts(b, "too few samples to say");
    else if (ms < 1000)
        buf_printf(b, "%.0f ms", ms);
    else
        buf_printf(b, "%.2f s", ms / 1e3);
}

void objectives_judge(struct arena *a, const struct objectives *o, struct load_result *r)
{
    cleanup_buf struct buf b = {0};
    bool met = true;

    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < o->count; i++) {
        const struct objective *g = &o->stage[i];
        struct judged j = judged_by(&r->stages[g->stage], g->q, g->bound);
        bool ok = j.ms <= g->bound; /* false for NaN */
        buf_printf(&b, "%s%s ", i ? "; " : "", stage_key(g->stage));
        if (g->q == 0)
            buf_puts(&b, "mean ");
        else
            buf_printf(&b, "p%.4g ", 100 * g->q);
        buf_puts(&b, j.how);
        time_text(&b, j.ms);
        buf_puts(&b, ok ? " <= " : isnan(j.ms) ? ", asked <= " : " > ");
        time_text(&b, g->bound);
        buf_puts(&b, ok ? ": met" : ": missed");
        met = met && ok;
    }
    if (o->success > 0) {
        bool ok = r->success_rate >= o->success;
        buf_printf(&b, "%ssuccess %.2f %% %s %.2f %%: %s", o->count ? "; " : "", 100 * r->success_rate, ok ? ">=" : "<",
                   100 * o->success, ok ? "met" : "missed");
        met = met && ok;
    }
    r->objectives_met = met;
    r->objectives_text = arena_strdup(a, buf_str(&b));
}

struct limit limit_find(const struct limit *candidates, size_t n)
{
    struct limit best = candidates[0];

    for (size_t i = 1; i < n; i++)
        if (candidates[i].use > best.use)
            best = candidates[i];
    best.saturated = best.use >= LIMIT_SATURATED;
    return best;
}

/* ---- the verdict ---- */

/* A difference below this matters to nobody and is within what two runs of one server differ. */
static const double SAME = 0.01;

enum { WHY_MAX = 16 };

struct judge {
    struct comparison *c;
    const char *load;
    const char **why;
    size_t count;
};

/* One configuration's result on the load in question. */
struct entry {
    const struct configuration_result *configuration;
    const struct load_result *load;
};

static void say(struct judge *j, const char *text)
{
    if (j->count < WHY_MAX - 1)
        j->why[j->count++] = text;
}

static const struct load_result *find_load(const struct configuration_result *c, const char *name)
{
    for (size_t i = 0; i < c->load_count; i++)
        if (strcmp(c->loads[i].name, name) == 0)
            return &c->loads[i];
    return NULL;
}

/* The load with the most users (sign 1), or the fewest (-1); by its rate where there are no users. */
static const char *extreme_load(const struct comparison *c, double sign)
{
    const char *name = NULL;
    double best = -INFINITY;

    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            const struct load_result *l = &c->configurations[i].loads[k];
            double size = l->users ? l->users : l->arrival_rate > 0 ? l->arrival_rate : l->throughput.mean;
            if (sign * size > best || (sign > 0 && size == best)) {
                best = sign * size;
                name = l->name;
            }
        }
    return name;
}

static struct entry entry_of(const struct comparison *c, size_t i, const char *load)
{
    return (struct entry){&c->configurations[i], find_load(&c->configurations[i], load)};
}

static bool usable(struct entry e)
{
    return e.load && e.load->valid && e.load->throughput_per_gpu.mean > 0;
}

/* Throughput per GPU of a over b, paired over repetitions. */
static struct estimate ratio(struct entry a, struct entry b)
{
    size_t n = a.load->sample_count < b.load->sample_count ? a.load->sample_count : b.load->sample_count;
    double gpus = (double)b.configuration->gpus / (double)a.configuration->gpus;
    struct estimate e;

    if (n == 0 || !a.load->samples || !b.load->samples)
        return (struct estimate){a.load->throughput_per_gpu.mean / b.load->throughput_per_gpu.mean, NAN, NAN};
    e = stats_paired_ratio(a.load->samples, b.load->samples, n, 0.95);
    return (struct estimate){e.mean * gpus, e.lo * gpus, e.hi * gpus};
}

static bool apart(struct estimate e)
{
    return stats_excludes(e, 1) && stats_equivalent(e, SAME) != STATS_YES;
}

static double price(const struct configuration_result *c)
{
    return isnan(c->price_per_hour) ? (double)c->gpus : c->price_per_hour;
}

static bool mode_is(const struct gpu_share_result *s, const char *mode)
{
    return s->mode && strcmp(s->mode, mode) == 0;
}

/* What it takes to set up, of the most demanding share; and whether tenants share memory and faults. */
static int setup_rank(const struct load_result *l, bool *ret_isolated)
{
    int rank = 0;

    *ret_isolated = true;
    for (size_t g = 0; g < l->gpu_count; g++)
        for (size_t i = 0; i < l->gpus[g].count; i++) {
            const struct gpu_share_result *s = &l->gpus[g].shares[i];
            int r = mode_is(s, "time-slicing") ? 1 : mode_is(s, "mps") ? 2 : mode_is(s, "mig") || s->profile ? 3 : 0;
            if (mode_is(s, "time-slicing") || mode_is(s, "mps"))
                *ret_isolated = false;
            rank = r > rank ? r : rank;
        }
    return rank;
}

/* Best throughput per GPU; `met`: only of those that meet their objectives; `except` may be NULL. */
static struct entry top(const struct judge *j, bool met, const struct configuration_result *except)
{
    struct entry best = {0};

    for (size_t i = 0; i < j->c->count; i++) {
        struct entry e = entry_of(j->c, i, j->load);
        if (!usable(e) || e.configuration == except || (met && !e.load->objectives_met))
            continue;
        if (!best.load || e.load->throughput_per_gpu.mean > best.load->throughput_per_gpu.mean)
            best = e;
    }
    return best;
}

static struct entry opponent(const struct judge *j, struct entry best, bool met, const char *against)
{
    struct entry e = {0};

    for (size_t i = 0; i < j->c->count; i++) {
        const struct configuration_result *c = &j->c->configurations[i];
        if (strcmp(c->name, against ? against : "time-slicing") == 0 && c != best.configuration &&
            usable(entry_of(j->c, i, j->load)))
            e = entry_of(j->c, i, j->load);
    }
    if (!e.load)
        e = top(j, met, best.configuration);
    return e.load ? e : top(j, false, best.configuration);
}

static void say_comparison(struct judge *j, struct entry best, struct entry other, struct estimate e, bool is_apart)
{
    struct arena *a = j->c->arena;
    const char *unit = best.load->request_count && best.load->started == best.load->requests[0].started ? "requests" : "turns";
    const char *range = isnan(e.lo)    ? "no interval from one repetition"
                        : e.lo == e.hi ? "the same in every repetition: this load leaves nothing to chance"
                                       : arena_printf(a, "95 %% interval %.3f to %.3f, %zu paired repetitions", e.lo, e.hi,
                                                   best.load->sample_count);

    if (is_apart)
        say(j, arena_printf(
                   a, "On %s %s serves %.3f %s/s per GPU, %s %.3f: %.2f times as much (%s).",
                   j->load, best.configuration->name, best.load->throughput_per_gpu.mean, unit,
                   other.configuration->name, other.load->throughput_per_gpu.mean, e.mean, range));
    else
        say(j, arena_printf(a, "On %s the data cannot tell %s and %s apart: ratio %.3f (%s).", j->load,
                            best.configuration->name, other.configuration->name, e.mean, range));
}

static void say_limits(struct judge *j)
{
    struct arena *a = j->c->arena;

    for (size_t i = 0; i < j->c->count; i++) {
        struct entry e = entry_of(j->c, i, j->load);
        if (!e.load)
            continue;
        for (size_t k = 0; !e.load->valid && k < e.load->audit_count; k++)
            if (!e.load->audit[k].ok) {
                say(j, arena_printf(a, "%s is withheld, its measurement is INVALID: %s (%s).", e.configuration->name,
                                    e.load->audit[k].check, e.load->audit[k].text));
                break;
            }
        if (e.load->valid && !e.load->objectives_met)
            say(j, arena_printf(a, "%s misses its objectives: %s.", e.configuration->name, e.load->objectives_text));
    }
}

static void say_limit(struct judge *j, struct entry e)
{
    if (e.load && e.load->limit.resource)
        say(j, arena_printf(j->c->arena, "%s is limited by %s, %.0f %% in use%s.", e.configuration->name, e.load->limit.resource,
                            100 * e.load->limit.use, e.load->limit.saturated ? "" : ": it has room left"));
}

static const char *production(struct judge *j)
{
    struct arena *a = j->c->arena;
    struct entry best = {0}, cheapest = {0};

    for (size_t i = 0; i < j->c->count; i++) {
        struct entry e = entry_of(j->c, i, j->load);
        bool isolated;
        if (!usable(e) || !e.load->objectives_met)
            continue;
        setup_rank(e.load, &isolated);
        if (isolated && (!best.load || e.load->throughput_per_gpu.mean > best.load->throughput_per_gpu.mean))
            best = e;
    }
    if (!best.load) {
        say(j, arena_printf(a, "For production: no isolated configuration meets the objectives on %s.", j->load));
        return NULL;
    }
    cheapest = best;
    for (size_t i = 0; i < j->c->count; i++) {
        struct entry e = entry_of(j->c, i, j->load);
        bool isolated;
        if (!usable(e) || !e.load->objectives_met || apart(ratio(best, e)))
            continue;
        setup_rank(e.load, &isolated);
        if (isolated && price(e.configuration) < price(cheapest.configuration))
            cheapest = e;
    }
    say(j, arena_printf(a, "For production %s: the most work per GPU (%.3f/s) among those whose models share neither memory nor faults.",
                        cheapest.configuration->name, cheapest.load->throughput_per_gpu.mean));
    return cheapest.configuration->name;
}

static const char *development(struct judge *j)
{
    struct arena *a = j->c->arena;
    const char *load = extreme_load(j->c, -1);
    struct entry best = {0};
    int best_rank = 0;

    for (size_t i = 0; i < j->c->count; i++) {
        struct entry e = entry_of(j->c, i, load);
        bool isolated;
        int rank;
        double p, least;
        if (!usable(e) || !e.load->objectives_met)
            continue;
        rank = setup_rank(e.load, &isolated);
        p = price(e.configuration);
        least = best.load ? price(best.configuration) : INFINITY;
        if (p < least || (p == least && rank < best_rank)) {
            best = e;
            best_rank = rank;
        }
    }
    if (!best.load) {
        say(j, arena_printf(a, "For development: no configuration meets the objectives on %s.", load));
        return NULL;
    }
    say(j, arena_printf(a, "For development %s: the fewest GPUs (%zu) that still meet the objectives on %s%s.", best.configuration->name,
                        best.configuration->gpus, load, best_rank == 1 ? ", and nothing to reconfigure but a replica count" : ""));
    return best.configuration->name;
}

/* Where throughput is the users' own, what each configuration could carry still tells them apart. */
static void say_headroom(struct judge *j)
{
    const struct configuration_result *best = NULL, *second = NULL;
    double most = 0, next = 0;

    for (size_t i = 0; i < j->c->count; i++) {
        const struct configuration_result *r = &j->c->configurations[i];
        double per_gpu = (double)r->headroom_users / (double)r->gpus;
        if (!r->curve_count || !r->headroom_bounded)
            continue;
        if (per_gpu > most) {
            second = best;
            next = most;
            best = r;
            most = per_gpu;
        } else if (per_gpu > next) {
            second = r;
            next = per_gpu;
        }
    }
    if (best && second)
        say(j, arena_printf(j->c->arena,
                            "Headroom: %s carries the most users per GPU within the objectives, %.1f (%u on %zu); then %s, %.1f. One "
                            "search each, without an interval.",
                            best->name, most, best->headroom_users, best->gpus, second->name, next));
}

void verdict_decide(struct comparison *c, const char *load, const char *against)
{
    struct judge j = {.c = c, .load = load ? load : extreme_load(c, 1)};
    struct entry best, other;
    struct estimate e;
    bool met;

    c->has_verdict = false;
    if (!j.load)
        return;
    j.why = ARENA_ARRAY(c->arena, const char *, WHY_MAX);
    best = top(&j, true, NULL);
    met = best.load != NULL;
    if (!met)
        best = top(&j, false, NULL);
    if (!best.load)
        return;
    other = opponent(&j, best, met, against);
    if (!other.load)
        return;
    e = ratio(best, other);
    say_comparison(&j, best, other, e, apart(e));
    say_limit(&j, best);
    say_limit(&j, other);
    say_limits(&j);
    say_headroom(&j);
    c->has_verdict = true;
    c->verdict = (struct verdict){
        .load = j.load,
        .best = apart(e) ? best.configuration->name : NULL,
        .against = other.configuration->name,
        .ratio = e,
        .distinguishable = apart(e),
    };
    c->verdict.production = production(&j);
    c->verdict.development = development(&j);
    c->verdict.why = j.why;
}
