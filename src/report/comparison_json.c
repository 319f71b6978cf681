/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison_json.h"

#include <math.h>

#include "report/output.h"
#include "voice/session.h"

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *estimate_tree(struct estimate e, bool shown)
{
    if (!shown)
        return json_null();
    return json_pack("{s:o, s:o}", "mean", output_number(e.mean), "ci95",
                     isnan(e.lo) ? json_null()
                                 : json_pack("[o, o]", output_number(e.lo), output_number(e.hi)));
}

/* Buckets as [value in ns, count]: the middle of each, which falls into the same bucket again. */
static json_t *hist_tree(const struct hist *h)
{
    json_t *list = json_array();
    struct hist_step step = {.bucket = -1};

    while (hist_next(h, &step))
        json_array_append_new(
            list, json_pack("[o, o]", json_integer(step.low + step.width / 2), count(step.count)));
    return list;
}

static json_t *stage_tree(const struct stage_stats *s, unsigned flags)
{
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o}", "mean_ms", output_number(s->mean_ms),
                          "p50_ms", output_number(s->p50_ms), "p95_ms", output_number(s->p95_ms),
                          "p99_ms", output_number(s->p99_ms), "count", count(s->count));

    if (flags & COMPARISON_HISTOGRAMS && s->hist)
        json_object_set_new(o, "histogram_ns", hist_tree(s->hist));
    return o;
}

static json_t *stages_tree(const struct load_result *l, unsigned flags)
{
    json_t *o = json_object();

    for (int s = 0; s < STAGE_COUNT; s++)
        json_object_set_new(o, stage_key((enum stage)s),
                            l->valid ? stage_tree(&l->stages[s], flags) : json_null());
    return o;
}

/* The LLM's part under the tags of NVIDIA's aiperf, for who has tools for those. */
static json_t *aiperf_tree(const struct load_result *l)
{
    static const struct {
        const char *tag;
        enum stage stage;
    } tags[] = {{"time_to_first_token", STAGE_LLM_TTFT},
                {"inter_token_latency", STAGE_LLM_ITL},
                {"request_latency", STAGE_LLM_TOTAL}};
    json_t *o = json_object();

    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        const struct stage_stats *s = &l->stages[tags[i].stage];
        json_object_set_new(
            o, tags[i].tag,
            !l->valid ? json_null()
                      : json_pack("{s:s, s:o, s:o, s:o, s:o}", "unit", "ms", "avg",
                                  output_number(s->mean_ms), "p50", output_number(s->p50_ms), "p95",
                                  output_number(s->p95_ms), "p99", output_number(s->p99_ms)));
    }
    return o;
}

static json_t *share_tree(const struct gpu_share_result *s, bool valid)
{
    json_t *workloads = json_array();

    for (size_t i = 0; s->workloads && s->workloads[i]; i++)
        json_array_append_new(workloads, output_string(s->workloads[i]));
    return json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o}", "name",
                     output_string(s->name), "mode", output_string(s->mode), "profile",
                     output_string(s->profile), "start", s->start, "slices", s->slices, "workloads",
                     workloads, "busy", output_number(valid ? s->busy : NAN), "memory_gib",
                     output_number(s->memory_gib), "memory_limit_gib",
                     output_number(s->memory_limit_gib));
}

static json_t *gpus_tree(const struct load_result *l)
{
    json_t *list = json_array();

    for (size_t g = 0; g < l->gpu_count; g++) {
        const struct gpu_result *p = &l->gpus[g];
        json_t *shares = json_array();
        for (size_t i = 0; i < p->count; i++)
            json_array_append_new(shares, share_tree(&p->shares[i], l->valid));
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:i, s:o}", "busy",
                                              output_number(l->valid ? p->busy : NAN), "memory_gib",
                                              output_number(p->memory_gib), "memory_limit_gib",
                                              output_number(p->memory_limit_gib), "memory_slices",
                                              p->grid, "shares", shares));
    }
    return list;
}

static json_t *audit_tree(const struct load_result *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->audit_count; i++) {
        const struct audit_line *a = &l->audit[i];
        json_array_append_new(
            list, json_pack("{s:o, s:b, s:o, s:o, s:o}", "check", output_string(a->check), "ok",
                            a->ok, "value", output_number(a->value), "bound",
                            output_number(a->bound), "text", output_string(a->text)));
    }
    return list;
}

static json_t *failed_audits(const struct load_result *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->audit_count; i++)
        if (!l->audit[i].ok)
            json_array_append_new(list, output_string(l->audit[i].check));
    return list;
}

static json_t *waterfall_tree(const struct load_result *l)
{
    json_t *list = json_array();

    for (size_t i = 0; l->valid && i < l->waterfall_count; i++) {
        const struct waterfall *w = &l->waterfalls[i];
        json_t *parts = json_array();
        for (size_t k = 0; k < w->count; k++)
            json_array_append_new(parts,
                                  json_pack("{s:o, s:o}", "stage", output_string(w->parts[k].stage),
                                            "ms", output_number(w->parts[k].ms)));
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o}", "name", output_string(w->name),
                                        "total_ms", output_number(w->total_ms), "parts", parts));
    }
    return list;
}

static json_t *timeline_tree(const struct load_result *l)
{
    const struct timeline *t = &l->timeline;
    json_t *tracks = json_array();

    if (!l->valid || t->samples == 0) {
        json_decref(tracks);
        return json_null();
    }
    for (size_t i = 0; i < t->tracks; i++) {
        json_t *busy = json_array();
        for (size_t k = 0; k < t->samples; k++)
            json_array_append_new(
                busy, output_number(floor((double)t->track[i].busy[k] * 1000 + 0.5) / 1000));
        json_array_append_new(tracks,
                              json_pack("{s:o, s:o, s:o, s:o}", "gpu", count(t->track[i].gpu),
                                        "share", output_string(t->track[i].share), "workload",
                                        output_string(t->track[i].workload), "busy", busy));
    }
    return json_pack("{s:o, s:o, s:o}", "start_s", output_number(t->start_s), "step_s",
                     output_number(t->step_s), "tracks", tracks);
}

static json_t *failures_tree(const struct load_result *l)
{
    json_t *o = json_object();

    for (int i = TURN_COMPLETED + 1; i < TURN_OUTCOME_COUNT; i++)
        if (l->failures[i])
            json_object_set_new(o, turn_outcome_text((enum turn_outcome)i), count(l->failures[i]));
    return o;
}

static json_t *limit_tree(const struct load_result *l)
{
    if (!l->valid || !l->limit.resource)
        return json_null();
    return json_pack("{s:o, s:o, s:b}", "resource", output_string(l->limit.resource), "use",
                     output_number(l->limit.use), "saturated", l->limit.saturated);
}

static json_t *objectives_tree(const struct load_result *l)
{
    return json_pack("{s:o, s:o}", "met", l->valid ? json_boolean(l->objectives_met) : json_null(),
                     "text", l->valid ? output_string(l->objectives_text) : json_null());
}

static json_t *repetitions_tree(const struct load_result *l)
{
    json_t *list = json_array();

    for (size_t i = 0; l->valid && l->samples && i < l->sample_count; i++)
        json_array_append_new(list, output_number(l->samples[i]));
    return list;
}

/* A number that an invalid measurement does not give. */
/* The streams of requests beside the turns; without histograms. */
static json_t *requests_tree(const struct load_result *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->request_count; i++) {
        const struct request_result *q = &l->requests[i];
        json_t *o = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "workload",
                              output_string(q->workload), "kind", q->kind, "started",
                              count(q->started), "completed", count(q->completed), "failed",
                              count(q->failed), "unfinished", count(q->unfinished), "rejected",
                              count(q->rejected));
        json_object_set_new(o, "rate", estimate_tree(q->rate, l->valid));
        json_object_set_new(o, "tokens_per_s", output_number(l->valid ? q->tokens_per_s : NAN));
        json_object_set_new(o, "rtfx", output_number(l->valid ? q->rtfx : NAN));
        json_object_set_new(o, "first", l->valid ? stage_tree(&q->first, 0) : json_null());
        json_object_set_new(o, "cadence", l->valid ? stage_tree(&q->cadence, 0) : json_null());
        json_object_set_new(o, "total", l->valid ? stage_tree(&q->total, 0) : json_null());
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *if_valid(const struct load_result *l, double v)
{
    return output_number(l->valid ? v : NAN);
}

static json_t *load_tree(const struct load_result *l, unsigned flags)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", output_string(l->name));
    json_object_set_new(o, "users", l->users ? count(l->users) : json_null());
    json_object_set_new(o, "arrival_rate", output_number(l->arrival_rate));
    json_object_set_new(o, "valid", json_boolean(l->valid));
    json_object_set_new(o, "invalid", failed_audits(l));
    json_object_set_new(o, "turns",
                        json_pack("{s:o, s:o, s:o, s:o}", "started", count(l->started), "completed",
                                  count(l->completed), "failed", count(l->failed), "unfinished",
                                  count(l->unfinished)));
    json_object_set_new(o, "failures", failures_tree(l));
    json_object_set_new(o, "success_rate", if_valid(l, l->success_rate));
    json_object_set_new(o, "request_throughput", estimate_tree(l->throughput, l->valid));
    json_object_set_new(o, "throughput_per_gpu", estimate_tree(l->throughput_per_gpu, l->valid));
    json_object_set_new(o, "repetition_throughput", repetitions_tree(l));
    json_object_set_new(o, "cost_per_1000_turns", if_valid(l, l->cost_per_1000_turns));
    json_object_set_new(o, "objectives", objectives_tree(l));
    json_object_set_new(o, "stages", stages_tree(l, flags));
    json_object_set_new(o, "aiperf", aiperf_tree(l));
    json_object_set_new(o, "underruns_per_turn", if_valid(l, l->underruns_per_turn));
    json_object_set_new(o, "stalled_ms_per_turn", if_valid(l, l->stalled_ms_per_turn));
    json_object_set_new(o, "limit", limit_tree(l));
    json_object_set_new(o, "gpu", gpus_tree(l));
    json_object_set_new(o, "audit", audit_tree(l));
    json_object_set_new(o, "waterfall", waterfall_tree(l));
    json_object_set_new(o, "timeline", timeline_tree(l));
    json_object_set_new(o, "requests", requests_tree(l));
    json_object_set_new(o, "simulated_s", output_number(l->simulated_s));
    if (flags & COMPARISON_WALL)
        json_object_set_new(o, "wall_s", output_number(l->wall_s));
    json_object_set_new(o, "events", count(l->events));
    return o;
}

static json_t *headroom_tree(const struct configuration_result *c)
{
    json_t *curve = json_array();

    if (!c->headroom_users && !c->curve_count) {
        json_decref(curve);
        return json_null();
    }
    for (size_t i = 0; i < c->curve_count; i++) {
        const struct headroom_point *p = &c->curve[i];
        json_array_append_new(
            curve, json_pack("{s:o, s:b, s:o, s:o, s:o}", "users", count(p->users), "ok", p->ok,
                             "p95_voice_to_voice_ms", output_number(p->p95_voice_ms), "throughput",
                             output_number(p->throughput), "success_rate",
                             output_number(p->success_rate)));
    }
    return json_pack("{s:o, s:b, s:o, s:o}", "users", count(c->headroom_users), "bounded",
                     c->headroom_bounded, "limit", output_string(c->headroom_limit), "curve",
                     curve);
}

static json_t *configuration_tree(const struct configuration_result *c, unsigned flags)
{
    json_t *loads = json_array();

    for (size_t i = 0; i < c->load_count; i++)
        json_array_append_new(loads, load_tree(&c->loads[i], flags));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", output_string(c->name), "gpus",
                     count(c->gpus), "price_per_hour", output_number(c->price_per_hour), "headroom",
                     headroom_tree(c), "loads", loads);
}

static json_t *verdict_tree(const struct comparison *c)
{
    const struct verdict *v = &c->verdict;
    json_t *why = json_array();

    if (!c->has_verdict) {
        json_decref(why);
        return json_null();
    }
    for (size_t i = 0; v->why && v->why[i]; i++)
        json_array_append_new(why, output_string(v->why[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:{s:o, s:o}, s:o}", "load", output_string(v->load),
                     "best", output_string(v->best), "against", output_string(v->against),
                     "throughput_per_gpu_ratio", estimate_tree(v->ratio, true), "distinguishable",
                     v->distinguishable, "recommend", "production", output_string(v->production),
                     "development", output_string(v->development), "why", why);
}

json_t *comparison_tree(const struct comparison *c, unsigned flags)
{
    json_t *configurations = json_array(), *o = json_object();

    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(configurations, configuration_tree(&c->configurations[i], flags));
    json_object_set_new(o, "apiVersion", json_string("snug/v1"));
    json_object_set_new(o, "kind", json_string("Comparison"));
    json_object_set_new(o, "clock", output_string(c->clock));
    json_object_set_new(o, "emulated", json_boolean(c->emulated));
    json_object_set_new(o, "scenario", output_string(c->scenario));
    json_object_set_new(o, "gpu_model", output_string(c->gpu_model));
    json_object_set_new(o, "seed", count(c->seed));
    json_object_set_new(o, "repetitions", count(c->repetitions));
    json_object_set_new(o, "interrupted", json_boolean(c->interrupted));
    json_object_set_new(o, "objective_p95_voice_to_voice_ms", output_number(c->objective_ms));
    if (flags & COMPARISON_HISTOGRAMS)
        json_object_set_new(o, "source",
                            json_pack("{s:o, s:o}", "path", output_string(c->source_path), "text",
                                      output_string(c->source_text)));
    json_object_set_new(o, "verdict", verdict_tree(c));
    json_object_set_new(o, "configurations", configurations);
    return o;
}

json_t *comparison_rows(const struct comparison *c)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            const struct configuration_result *p = &c->configurations[i];
            const struct load_result *l = &p->loads[k];
            json_t *o = json_object(), *t = load_tree(l, 0);
            static const char *const kept[] = {"users",
                                               "arrival_rate",
                                               "valid",
                                               "turns",
                                               "success_rate",
                                               "request_throughput",
                                               "throughput_per_gpu",
                                               "cost_per_1000_turns",
                                               "stages",
                                               "underruns_per_turn",
                                               "stalled_ms_per_turn",
                                               "limit",
                                               "simulated_s",
                                               "events"};
            json_object_set_new(o, "configuration", output_string(p->name));
            json_object_set_new(o, "load", output_string(l->name));
            json_object_set_new(o, "gpus", count(p->gpus));
            json_object_set_new(o, "price_per_hour", output_number(p->price_per_hour));
            for (size_t n = 0; n < ARRAY_LEN(kept); n++)
                json_object_set(o, kept[n], json_object_get(t, kept[n]));
            json_object_set_new(
                o, "objectives_met",
                json_incref(json_object_get(json_object_get(t, "objectives"), "met")));
            json_decref(t);
            json_array_append_new(rows, o);
        }
    return rows;
}
