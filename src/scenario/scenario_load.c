/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks what of a scenario's workloads, and what counts as good: loads, request streams, objectives. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/embedded.h"
#include "base/world.h"
#include "scenario/internal.h"

static const int64_t DAY = 86400 * NS_PER_S;

/* ---- lengths ---- */

static double length_value(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi, double otherwise)
{
    if (unit == CONF_DURATION)
        return (double)conf_duration_or(c, key, (int64_t)(lo * 1e9), (int64_t)(hi * 1e9),
                                        (int64_t)(otherwise * 1e9)) / 1e9;
    return conf_real_or(c, key, lo, hi, otherwise);
}

struct spread scenario_spread(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi,
                              struct spread otherwise)
{
    struct spread s = otherwise;
    struct conf sub;

    if (!conf_has(c, key))
        return otherwise;
    if (doc_get(c->node, key)->kind != DOC_MAPPING) {
        s.mean = length_value(c, key, unit, lo, hi, 0);
        return (struct spread){.mean = s.mean, .min = s.mean, .max = s.mean};
    }
    conf_sub(c, key, &sub);
    s.mean = length_value(&sub, "mean", unit, lo, hi, otherwise.mean);
    s.cv = conf_real_or(&sub, "cv", 0, 10, otherwise.cv);
    if (conf_has(&sub, "mean")) {
        s.min = fmax(lo, s.mean / 4);
        s.max = fmin(hi, s.mean * 4);
    }
    s.min = length_value(&sub, "min", unit, lo, s.mean, s.min);
    s.max = length_value(&sub, "max", unit, s.mean, hi, s.max);
    conf_end(&sub);
    return s;
}

/* ---- arrivals ---- */

/* A trace's file beside the scenario's, or the name of a built-in one: data/traces/NAME.csv. */
static struct arrival_trace *open_trace(struct scenario_reader *r, const char *name, struct err *err)
{
    char path[100];

    if (strchr(name, '/') || strchr(name, '.'))
        return arrival_trace_read(scenario_path(r, name), err);
    snprintf(path, sizeof path, "traces/%.80s.csv", name);
    for (const struct embedded_file *f = embedded_files; f->path; f++)
        if (strcmp(f->path, path) == 0)
            return arrival_trace_parse(name, f->data, f->size, err);
    err_set(err, ERR_INPUT, "found \"%.80s\", expected the name of a built-in trace or a path (with a '/' or a '.')", name);
    return NULL;
}

static void read_trace(struct scenario_reader *r, struct conf *c, struct arrivals_spec *a)
{
    struct scenario *s = r->s;
    struct err err = {0};
    struct arrival_trace *t = open_trace(r, conf_string(c, "trace"), &err);

    if (!t) {
        conf_pass(c, "trace", &err);
        return;
    }
    GROW(s->traces, s->trace_cap, s->trace_count + 1);
    s->traces[s->trace_count++] = t;
    a->process = ARRIVALS_TRACE;
    a->trace = t;
    a->speedup = conf_real_or(c, "speedup", 0.001, 1000, 1);
    a->offset = conf_duration_or(c, "offset", 0, 30 * DAY, 0);
    a->loop = conf_bool_or(c, "loop", false);
    if (!conf_failed(c) && a->offset > t->rows[t->count - 1].at)
        conf_fail(c, "offset", "beyond the trace's end, expected at most %.9g s", (double)t->rows[t->count - 1].at / 1e9);
}

/* arrivals: {rate: 2.0, process: poisson} or {trace: FILE, speedup: 2, offset: 10m, loop: true} */
static void read_arrivals(struct scenario_reader *r, struct conf *parent, struct arrivals_spec *a)
{
    static const char *const processes[] = {"poisson", "constant", NULL};
    struct conf c;

    *a = (struct arrivals_spec){.process = ARRIVALS_NONE, .speedup = 1};
    if (!conf_sub_or(parent, "arrivals", &c))
        return;
    if (conf_has(&c, "trace")) {
        if (conf_has(&c, "rate"))
            conf_fail(&c, "rate", "found beside trace, expected one of them");
        if (!conf_failed(&c))
            read_trace(r, &c, a);
    } else {
        a->rate = conf_real(&c, "rate", 1e-6, 1e6);
        a->process = conf_choice_or(&c, "process", processes, 0) == 0 ? ARRIVALS_POISSON : ARRIVALS_CONSTANT;
    }
    conf_end(&c);
}

/* ---- request streams to one workload ---- */

static void read_shape(struct conf *c, enum profile_kind kind, struct client_spec *q)
{
    switch (kind) {
    case PROFILE_LLM:
        q->prompt = scenario_spread(c, "prompt", CONF_PLAIN, 1, 1e6, q->prompt);
        q->output = scenario_spread(c, "output", CONF_PLAIN, 1, 1e6, q->output);
        q->cached = conf_real_or(c, "cached", 0, 1, q->cached);
        break;
    case PROFILE_TTS:
        q->characters = scenario_spread(c, "characters", CONF_PLAIN, 1, 1e5, q->characters);
        break;
    case PROFILE_ASR:
        q->audio = scenario_spread(c, "audio", CONF_DURATION, 0.02, 86400, q->audio);
        q->chunk = conf_duration_or(c, "chunk", NS_PER_MS, 60 * NS_PER_S, q->chunk);
        q->realtime = conf_bool_or(c, "realtime", q->realtime);
        q->voiced = conf_real_or(c, "voiced", 0.01, 1, 1);
        break;
    case PROFILE_INFER:
        q->items = (uint32_t)conf_int_or(c, "items", 1, 65536, q->items);
        break;
    }
}

static void read_requests(struct scenario_reader *r, struct conf *c, struct scenario_requests *q)
{
    q->spec = CLIENT_DEFAULT;
    q->workload = scenario_workload_at(r, c, "workload");
    q->spec.name = r->s->workloads[q->workload].name;
    read_arrivals(r, c, &q->spec.arrivals);
    if (q->spec.arrivals.process == ARRIVALS_NONE) {
        q->spec.concurrency = (unsigned)conf_int(c, "concurrency", 1, LOAD_MAX_USERS);
        q->spec.think = conf_duration_or(c, "thinkTime", 0, DAY, 0);
        q->spec.spread_start = conf_duration_or(c, "rampUp", 0, DAY, 10 * NS_PER_S);
    } else {
        q->spec.concurrency = 0;
        q->spec.max_in_flight = (unsigned)conf_int_or(c, "maxInFlight", 1, 1000000, 100000);
    }
    q->spec.give_up = conf_duration_or(c, "giveUp", 0, DAY, 0);
    read_shape(c, r->s->workloads[q->workload].profile->kind, &q->spec);
    conf_end(c);
}

static void read_streams(struct scenario_reader *r, struct conf *c, struct scenario_load *l)
{
    struct conf list, item, sub;
    size_t n = conf_list_or(c, "requests", SCENARIO_REQUESTS_MAX, &list);
    struct scenario_requests *all = ARENA_ARRAY(r->s->arena, struct scenario_requests, n + 1);

    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++)
        if (conf_sub(&item, NULL, &sub))
            read_requests(r, &sub, &all[i]);
    l->requests = all;
    l->request_count = n;
}

/*
 * A chat under a trace: every row is a request of so many tokens, and a user's turn has none of its own to give. So it
 * becomes a request stream to the LLM.
 */
static void chat_from_trace(struct scenario_reader *r, struct scenario_load *l)
{
    const struct arrivals_spec *a = &l->turns.arrivals;
    struct scenario_requests *all;

    if (r->s->llm < 0 || r->s->asr >= 0 || r->s->tts >= 0)
        return;
    if (a->process != ARRIVALS_TRACE || a->trace->mean_context <= 0)
        return;
    all = ARENA_ARRAY(r->s->arena, struct scenario_requests, l->request_count + 1);
    all[0] = (struct scenario_requests){.workload = (size_t)r->s->llm, .spec = CLIENT_DEFAULT};
    all[0].spec.name = r->s->workloads[r->s->llm].name;
    all[0].spec.concurrency = 0;
    all[0].spec.arrivals = *a;
    all[0].spec.give_up = l->turns.give_up;
    if (l->request_count)
        memcpy(all + 1, l->requests, l->request_count * sizeof *all);
    l->requests = all;
    l->request_count++;
    l->turns.arrivals = (struct arrivals_spec){.process = ARRIVALS_NONE, .speedup = 1};
}

/* ---- loads ---- */

void scenario_read_user(struct conf *c, struct load_spec *t)
{
    static const char *const kinds[] = {"constant", "exponential", NULL};

    t->think = conf_duration_or(c, "thinkTime", 0, DAY, t->think);
    t->think_kind = (enum think_kind)conf_choice_or(c, "thinkTimeIs", kinds, (int)t->think_kind);
    t->chunk = conf_duration_or(c, "chunk", NS_PER_MS, 10 * NS_PER_S, t->chunk);
    t->pacing = conf_real_or(c, "pacing", 0.01, 10000, t->pacing);
    t->half_close = conf_bool_or(c, "halfClose", t->half_close);
    t->listen = conf_bool_or(c, "listen", t->listen);
    t->barge_in = conf_real_or(c, "bargeIn", 0, 1, t->barge_in);
    t->barge_in_after = conf_duration_or(c, "bargeInAfter", 0, DAY, t->barge_in_after);
    t->give_up = conf_duration_or(c, "giveUp", NS_PER_MS, DAY, t->give_up);
    t->jitter = conf_duration_or(c, "jitter", 0, 10 * NS_PER_S, t->jitter);
    t->stall_bound = conf_duration_or(c, "stallBound", 0, DAY, t->stall_bound);
    t->max_sessions = (unsigned)conf_int_or(c, "maxSessions", 1, 1000000, t->max_sessions ? t->max_sessions : 100000);
}

static void read_load(struct scenario_reader *r, struct conf *c, struct scenario_load *l)
{
    struct load_spec *t = &l->turns;
    bool closed = conf_has(c, "users"), open = conf_has(c, "arrivals");

    t->users = closed ? (unsigned)conf_int(c, "users", 1, LOAD_MAX_USERS) : 0;
    t->ramp_up = conf_duration_or(c, "rampUp", 0, DAY, 0);
    t->hold = conf_duration(c, "hold", NS_PER_S, 30 * DAY);
    t->ramp_down = conf_duration_or(c, "rampDown", 0, DAY, 0);
    read_arrivals(r, c, &t->arrivals);
    read_streams(r, c, l);
    if (closed || open)
        scenario_read_user(c, t);
    conf_end(c);
    if (closed && open)
        conf_fail(c, "arrivals", "found beside users, expected one of them");
    else if (!closed && !open && !l->request_count)
        conf_fail(c, NULL, "found no load, expected users, arrivals or requests");
    else if ((closed || open) && r->s->llm < 0)
        conf_fail(c, closed ? "users" : "arrivals", "found in a scenario without an LLM, expected requests to its workloads");
    if (!conf_failed(c))
        chat_from_trace(r, l);
}

static void read_compare(struct scenario_reader *r, struct conf *root, struct scenario_load *loads, size_t n)
{
    const char *names[SCENARIO_MAX + 1] = {0};
    struct conf list, item;
    size_t count = conf_list_or(root, "compare", SCENARIO_MAX, &list);

    for (size_t i = 0; i < n; i++) {
        names[i] = loads[i].turns.name;
        loads[i].compared = count == 0;
    }
    for (size_t k = 0; k < count && conf_item(&list, k, &item); k++) {
        int i = conf_choice(&item, NULL, names);
        if (!conf_failed(root))
            loads[i].compared = true;
    }
}

void scenario_read_loads(struct scenario_reader *r, struct conf *root)
{
    struct scenario *s = r->s;
    struct conf names, value, c;
    struct err err = {0};
    size_t n = conf_names(root, "load", 1, SCENARIO_MAX, &names);
    struct scenario_load *all = ARENA_ARRAY(s->arena, struct scenario_load, n + 1);

    for (size_t i = 0; i < n && !conf_failed(root); i++) {
        struct scenario_load *l = &all[i];
        l->turns = r->user;
        l->turns.name = conf_name(&names, i, &value);
        l->at = names.node->entries[i].key;
        if (!scenario_good_name(l->turns.name))
            conf_fail_name(&names, i, "expected a name of letters, digits and . _ + - (at most 63)");
        if (conf_sub(&value, NULL, &c))
            read_load(r, &c, l);
        if (!conf_failed(root) && (l->turns.users || l->turns.arrivals.process != ARRIVALS_NONE) &&
            load_check(&l->turns, l->turns.name, &err) < 0)
            conf_pass(&value, NULL, &err); /* what the ranges above let through */
    }
    s->loads = all;
    s->load_count = n;
    if (!conf_failed(root))
        read_compare(r, root, all, n);
}

/* ---- objectives ---- */

static size_t read_stage(struct conf *c, enum stage stage, struct objective *to)
{
    static const struct {
        const char *key;
        double q;
    } statistics[] = {{"mean", 0}, {"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(statistics); i++)
        if (conf_has(c, statistics[i].key)) {
            int64_t bound = conf_duration(c, statistics[i].key, 1, DAY);
            to[n++] = (struct objective){.stage = stage, .q = statistics[i].q, .bound = (double)bound / 1e6};
        }
    if (conf_end(c) == 0 && n == 0)
        conf_fail(c, NULL, "found no bound, expected mean, p50, p95 or p99");
    return n;
}

void scenario_read_objectives(struct scenario_reader *r, struct conf *root)
{
    struct objective *all = ARENA_ARRAY(r->s->arena, struct objective, STAGE_COUNT * 4);
    struct objectives *o = &r->s->objectives;
    struct conf c, sub;

    o->stage = all;
    conf_sub_or(root, "objectives", &c);
    for (int i = 0; i < STAGE_COUNT; i++)
        if (conf_sub_or(&c, stage_key((enum stage)i), &sub))
            o->count += read_stage(&sub, (enum stage)i, &all[o->count]);
    o->success = conf_real_or(&c, "success", 0, 1, 0);
    conf_end(&c);
}
