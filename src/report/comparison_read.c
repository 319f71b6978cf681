/* SPDX-License-Identifier: Apache-2.0 */
/* The way back from run.json: every key of comparison_json.c, strictly. */
#include <math.h>
#include <string.h>

#include "base/conf.h"
#include "report/comparison_json.h"
#include "voice/session.h"

/* Bounds of what a file may ask for; far beyond what any run writes. */
enum { LIST_MAX = 100000, TEXT_MAX = 16 << 20 };
static const int64_t COUNT_MAX = INT64_MAX;

struct reader {
    struct arena *arena;
};

/* A text of any length, "" included; null or absent: NULL. */
static const char *text(struct reader *r, struct conf *c, const char *key)
{
    const struct doc_node *n = key ? doc_get(c->node, key) : c->node;
    char found[DOC_FOUND_MAX];

    if ((key && !conf_has(c, key)) || !n || n->kind == DOC_NULL)
        return NULL;
    if (n->kind != DOC_SCALAR || n->len > TEXT_MAX) {
        conf_fail(c, key, "found %s, expected a text", doc_found(n, found));
        return NULL;
    }
    return arena_strndup(r->arena, n->text, n->len);
}

static const char *needed_text(struct reader *r, struct conf *c, const char *key)
{
    const char *s = text(r, c, key);

    if (!s && !conf_failed(c))
        conf_fail(c, key, "found nothing, expected a text");
    return s ? s : "";
}

/* null and absent are NaN. */
static double number(struct conf *c, const char *key)
{
    return conf_real_or(c, key, -1e18, 1e18, NAN);
}

static uint64_t count(struct conf *c, const char *key)
{
    return (uint64_t)conf_int_or(c, key, 0, COUNT_MAX, 0);
}

static struct estimate estimate(struct conf *c, const char *key)
{
    struct estimate e = ESTIMATE_NONE;
    struct conf sub, ci, item;

    if (!conf_has(c, key))
        return e;
    conf_sub(c, key, &sub);
    e.mean = number(&sub, "mean");
    if (conf_has(&sub, "ci95") && conf_list(&sub, "ci95", 2, 2, &ci) == 2) {
        if (conf_item(&ci, 0, &item))
            e.lo = number(&item, NULL);
        if (conf_item(&ci, 1, &item))
            e.hi = number(&item, NULL);
    }
    conf_end(&sub);
    return e;
}

static struct hist *histogram(struct conf *c, const char *key)
{
    struct conf list, pair, item;
    size_t n;
    struct hist *h;

    if (!conf_has(c, key))
        return NULL;
    n = conf_list(c, key, 0, HIST_BUCKETS, &list);
    h = hist_new();
    for (size_t i = 0; i < n && conf_item(&list, i, &pair); i++) {
        struct conf values;
        int64_t value = 0, times = 0;
        if (conf_list(&pair, NULL, 2, 2, &values) != 2)
            break;
        if (conf_item(&values, 0, &item))
            value = conf_int(&item, NULL, 0, INT64_MAX / 2);
        if (conf_item(&values, 1, &item))
            times = conf_int(&item, NULL, 1, INT64_C(1) << 48);
        if (!conf_failed(c))
            hist_record_n(h, value, (uint64_t)times);
    }
    return h;
}

/* What was withheld is null, and NaN here. */
static void read_stage(struct conf *parent, const char *key, struct stage_stats *st)
{
    struct conf sub;

    *st = (struct stage_stats){NAN, NAN, NAN, NAN, 0, NULL};
    if (!conf_has(parent, key))
        return;
    conf_sub(parent, key, &sub);
    st->mean_ms = number(&sub, "mean_ms");
    st->p50_ms = number(&sub, "p50_ms");
    st->p95_ms = number(&sub, "p95_ms");
    st->p99_ms = number(&sub, "p99_ms");
    st->count = count(&sub, "count");
    st->hist = histogram(&sub, "histogram_ns");
    conf_end(&sub);
}

static void read_stages(struct conf *c, struct load_result *l)
{
    struct conf stages;

    conf_sub(c, "stages", &stages);
    for (int s = 0; s < STAGE_COUNT; s++)
        read_stage(&stages, stage_key((enum stage)s), &l->stages[s]);
    conf_end(&stages);
}

/* The same figures again under other names: known, and not read. */
static void skip(struct conf *c, const char *key)
{
    conf_has(c, key);
}

static const char *const *words(struct reader *r, struct conf *c, const char *key)
{
    struct conf list, item;
    size_t n = conf_list_or(c, key, LIST_MAX, &list);
    const char **ret = ARENA_ARRAY(r->arena, const char *, n + 1);

    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++)
        ret[i] = needed_text(r, &item, NULL);
    return ret;
}

static void read_share(struct reader *r, struct conf *c, struct gpu_share_result *s)
{
    s->name = needed_text(r, c, "name");
    s->mode = needed_text(r, c, "mode");
    s->profile = text(r, c, "profile");
    s->start = (int)conf_int_or(c, "start", 0, 64, 0);
    s->slices = (int)conf_int_or(c, "slices", 0, 64, 1);
    s->workloads = words(r, c, "workloads");
    s->busy = number(c, "busy");
    s->memory_gib = number(c, "memory_gib");
    s->memory_limit_gib = number(c, "memory_limit_gib");
    conf_end(c);
}

static void read_gpus(struct reader *r, struct conf *c, struct load_result *l)
{
    struct conf list, gpu;
    size_t n = conf_list_or(c, "gpu", LIST_MAX, &list);
    struct gpu_result *gpus = ARENA_ARRAY(r->arena, struct gpu_result, n);

    for (size_t g = 0; g < n && conf_item(&list, g, &gpu); g++) {
        struct gpu_share_result *shares;
        struct conf items, share;
        gpus[g].busy = number(&gpu, "busy");
        gpus[g].memory_gib = number(&gpu, "memory_gib");
        gpus[g].memory_limit_gib = number(&gpu, "memory_limit_gib");
        gpus[g].grid = (int)conf_int_or(&gpu, "memory_slices", 1, 64, 1);
        gpus[g].count = conf_list_or(&gpu, "shares", 64, &items);
        gpus[g].shares = shares = ARENA_ARRAY(r->arena, struct gpu_share_result, gpus[g].count);
        for (size_t i = 0; i < gpus[g].count && conf_item(&items, i, &share); i++)
            read_share(r, &share, &shares[i]);
        conf_end(&gpu);
    }
    l->gpus = gpus;
    l->gpu_count = n;
}

static void read_audit(struct reader *r, struct conf *c, struct load_result *l)
{
    struct conf list, item;
    size_t n = conf_list_or(c, "audit", 1000, &list);
    struct audit_line *audit = ARENA_ARRAY(r->arena, struct audit_line, n);

    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++) {
        audit[i].check = needed_text(r, &item, "check");
        audit[i].ok = conf_bool(&item, "ok");
        audit[i].value = number(&item, "value");
        audit[i].bound = number(&item, "bound");
        audit[i].text = needed_text(r, &item, "text");
        conf_end(&item);
    }
    l->audit = audit;
    l->audit_count = n;
}

static void read_waterfalls(struct reader *r, struct conf *c, struct load_result *l)
{
    struct conf list, item;
    size_t n = conf_list_or(c, "waterfall", 1000, &list);
    struct waterfall *w = ARENA_ARRAY(r->arena, struct waterfall, n);

    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++) {
        struct waterfall_part *parts;
        struct conf sub, part;
        w[i].name = needed_text(r, &item, "name");
        w[i].total_ms = number(&item, "total_ms");
        w[i].count = conf_list_or(&item, "parts", 1000, &sub);
        w[i].parts = parts = ARENA_ARRAY(r->arena, struct waterfall_part, w[i].count);
        for (size_t k = 0; k < w[i].count && conf_item(&sub, k, &part); k++) {
            parts[k].stage = needed_text(r, &part, "stage");
            parts[k].ms = number(&part, "ms");
            conf_end(&part);
        }
        conf_end(&item);
    }
    l->waterfalls = w;
    l->waterfall_count = n;
}

static void read_track(struct reader *r, struct conf *c, struct timeline *t,
                       struct timeline_track *track)
{
    struct conf list, item;
    size_t n;
    float *busy;

    track->gpu = count(c, "gpu");
    track->share = needed_text(r, c, "share");
    track->workload = needed_text(r, c, "workload");
    n = conf_list_or(c, "busy", LIST_MAX, &list);
    if (t->samples && n != t->samples)
        conf_fail(c, "busy", "found %zu values, expected %zu as in the first track", n, t->samples);
    t->samples = n;
    track->busy = busy = ARENA_ARRAY(r->arena, float, n);
    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++)
        busy[i] = (float)conf_real(&item, NULL, 0, 1.01);
    conf_end(c);
}

static void read_timeline(struct reader *r, struct conf *c, struct load_result *l)
{
    struct timeline *t = &l->timeline;
    struct timeline_track *tracks;
    struct conf sub, list, item;

    if (!conf_has(c, "timeline"))
        return;
    conf_sub(c, "timeline", &sub);
    t->start_s = number(&sub, "start_s");
    t->step_s = conf_real(&sub, "step_s", 0, 1e9);
    t->tracks = conf_list_or(&sub, "tracks", 10000, &list);
    t->track = tracks = ARENA_ARRAY(r->arena, struct timeline_track, t->tracks);
    for (size_t i = 0; i < t->tracks && conf_item(&list, i, &item); i++)
        read_track(r, &item, t, &tracks[i]);
    conf_end(&sub);
}

static void read_request(struct reader *r, struct conf *c, struct request_result *q)
{
    static const char *const kinds[] = {"llm", "tts", "asr", "infer", NULL};

    q->workload = needed_text(r, c, "workload");
    q->kind = kinds[conf_choice(c, "kind", kinds)];
    q->started = count(c, "started");
    q->completed = count(c, "completed");
    q->failed = count(c, "failed");
    q->unfinished = count(c, "unfinished");
    q->rejected = count(c, "rejected");
    q->rate = estimate(c, "rate");
    q->tokens_per_s = number(c, "tokens_per_s");
    q->rtfx = number(c, "rtfx");
    read_stage(c, "first", &q->first);
    read_stage(c, "cadence", &q->cadence);
    read_stage(c, "total", &q->total);
    conf_end(c);
}

static void read_requests(struct reader *r, struct conf *c, struct load_result *l)
{
    struct request_result *requests;
    struct conf list, item;

    l->request_count = conf_list_or(c, "requests", 1000, &list);
    l->requests = requests = ARENA_ARRAY(r->arena, struct request_result, l->request_count);
    for (size_t i = 0; i < l->request_count && conf_item(&list, i, &item); i++)
        read_request(r, &item, &requests[i]);
}

static void read_counts(struct conf *c, struct load_result *l)
{
    struct conf turns, failures;

    conf_sub(c, "turns", &turns);
    l->started = count(&turns, "started");
    l->completed = count(&turns, "completed");
    l->failed = count(&turns, "failed");
    l->unfinished = count(&turns, "unfinished");
    conf_end(&turns);
    conf_sub_or(c, "failures", &failures);
    for (int i = TURN_COMPLETED + 1; i < TURN_OUTCOME_COUNT; i++)
        l->failures[i] = count(&failures, turn_outcome_text((enum turn_outcome)i));
    l->failures[TURN_COMPLETED] = l->completed;
    conf_end(&failures);
}

static void read_repetitions(struct reader *r, struct conf *c, struct load_result *l)
{
    struct conf list, item;
    double *samples;

    l->sample_count = conf_list_or(c, "repetition_throughput", LIST_MAX, &list);
    l->samples = samples = l->sample_count ? ARENA_ARRAY(r->arena, double, l->sample_count) : NULL;
    for (size_t i = 0; i < l->sample_count && conf_item(&list, i, &item); i++)
        samples[i] = number(&item, NULL);
}

static void read_load(struct reader *r, struct conf *c, struct load_result *l)
{
    struct conf sub;

    l->name = needed_text(r, c, "name");
    l->users = (unsigned)conf_int_or(c, "users", 1, UINT32_MAX, 0);
    l->arrival_rate = number(c, "arrival_rate");
    l->valid = conf_bool(c, "valid");
    skip(c, "invalid");
    read_counts(c, l);
    l->success_rate = number(c, "success_rate");
    l->throughput = estimate(c, "request_throughput");
    l->throughput_per_gpu = estimate(c, "throughput_per_gpu");
    read_repetitions(r, c, l);
    l->cost_per_1000_turns = number(c, "cost_per_1000_turns");
    if (conf_sub_or(c, "objectives", &sub)) {
        l->objectives_met = conf_bool_or(&sub, "met", false);
        l->objectives_text = text(r, &sub, "text");
        conf_end(&sub);
    }
    read_stages(c, l);
    skip(c, "aiperf");
    l->underruns_per_turn = number(c, "underruns_per_turn");
    l->stalled_ms_per_turn = number(c, "stalled_ms_per_turn");
    if (conf_has(c, "limit") && conf_sub(c, "limit", &sub)) {
        l->limit.resource = text(r, &sub, "resource");
        l->limit.use = number(&sub, "use");
        l->limit.saturated = conf_bool_or(&sub, "saturated", false);
        conf_end(&sub);
    }
    read_gpus(r, c, l);
    read_audit(r, c, l);
    read_waterfalls(r, c, l);
    read_timeline(r, c, l);
    read_requests(r, c, l);
    l->simulated_s = number(c, "simulated_s");
    l->wall_s = number(c, "wall_s");
    l->events = count(c, "events");
    conf_end(c);
}

static void read_headroom(struct reader *r, struct conf *c, struct configuration_result *p)
{
    struct headroom_point *curve;
    struct conf sub, list, item;

    if (!conf_has(c, "headroom") || !conf_sub(c, "headroom", &sub))
        return;
    p->headroom_users = (unsigned)conf_int_or(&sub, "users", 0, UINT32_MAX, 0);
    p->headroom_bounded = conf_bool_or(&sub, "bounded", false);
    p->headroom_limit = text(r, &sub, "limit");
    p->curve_count = conf_list_or(&sub, "curve", LIST_MAX, &list);
    p->curve = curve = ARENA_ARRAY(r->arena, struct headroom_point, p->curve_count);
    for (size_t i = 0; i < p->curve_count && conf_item(&list, i, &item); i++) {
        curve[i].users = (unsigned)conf_int(&item, "users", 0, UINT32_MAX);
        curve[i].ok = conf_bool(&item, "ok");
        curve[i].p95_voice_ms = number(&item, "p95_voice_to_voice_ms");
        curve[i].throughput = number(&item, "throughput");
        curve[i].success_rate = number(&item, "success_rate");
        conf_end(&item);
    }
    conf_end(&sub);
}

static void read_configuration(struct reader *r, struct conf *c, struct configuration_result *p)
{
    struct load_result *loads;
    struct conf list, item;

    p->name = needed_text(r, c, "name");
    p->gpus = (size_t)conf_int(c, "gpus", 0, 1000000);
    p->price_per_hour = number(c, "price_per_hour");
    read_headroom(r, c, p);
    p->load_count = conf_list_or(c, "loads", LIST_MAX, &list);
    p->loads = loads = ARENA_ARRAY(r->arena, struct load_result, p->load_count);
    for (size_t i = 0; i < p->load_count && conf_item(&list, i, &item); i++)
        read_load(r, &item, &loads[i]);
    conf_end(c);
}

static void read_verdict(struct reader *r, struct conf *c, struct comparison *ret)
{
    struct verdict *v = &ret->verdict;
    struct conf sub, recommend;

    if (!conf_has(c, "verdict") || !conf_sub(c, "verdict", &sub))
        return;
    ret->has_verdict = true;
    v->load = needed_text(r, &sub, "load");
    v->best = text(r, &sub, "best");
    v->against = text(r, &sub, "against");
    v->ratio = estimate(&sub, "throughput_per_gpu_ratio");
    v->distinguishable = conf_bool_or(&sub, "distinguishable", false);
    if (conf_sub_or(&sub, "recommend", &recommend)) {
        v->production = text(r, &recommend, "production");
        v->development = text(r, &recommend, "development");
        conf_end(&recommend);
    }
    v->why = words(r, &sub, "why");
    conf_end(&sub);
}

static void read_source(struct reader *r, struct conf *c, struct comparison *ret)
{
    struct conf sub;

    if (!conf_has(c, "source") || !conf_sub(c, "source", &sub))
        return;
    ret->source_path = text(r, &sub, "path");
    ret->source_text = text(r, &sub, "text");
    conf_end(&sub);
}

struct comparison *comparison_read(const struct doc_node *node, struct err *err)
{
    static const char *const clocks[] = {"virtual", "real", NULL};
    struct reader r = {.arena = arena_new()};
    struct comparison *ret = ARENA_NEW(r.arena, struct comparison);
    struct configuration_result *configurations;
    struct conf c, list, item;

    ret->arena = r.arena;
    conf_root(&c, node, err);
    conf_kind(&c, "Comparison");
    ret->clock = clocks[conf_choice(&c, "clock", clocks)];
    ret->emulated = conf_bool(&c, "emulated");
    ret->scenario = needed_text(&r, &c, "scenario");
    ret->gpu_model = text(&r, &c, "gpu_model");
    ret->seed = count(&c, "seed");
    ret->repetitions = (unsigned)conf_int(&c, "repetitions", 0, UINT32_MAX);
    conf_string_or(&c, "snug", ""); /* the version that wrote it */
    ret->interrupted = conf_bool_or(&c, "interrupted", false);
    ret->objective_ms = number(&c, "objective_p95_voice_to_voice_ms");
    read_source(&r, &c, ret);
    read_verdict(&r, &c, ret);
    ret->count = conf_list_or(&c, "configurations", LIST_MAX, &list);
    ret->configurations = configurations =
        ARENA_ARRAY(r.arena, struct configuration_result, ret->count);
    for (size_t i = 0; i < ret->count && conf_item(&list, i, &item); i++)
        read_configuration(&r, &item, &configurations[i]);
    if (conf_end(&c) < 0) {
        comparison_free(ret);
        return NULL;
    }
    return ret;
}
