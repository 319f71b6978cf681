/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/scenario.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/world.h"
#include "scenario/internal.h"

/*
 * Pod to pod and back inside a cluster: tenths of a millisecond of network and kernel on either side. A judgement;
 * the key network.roundTrip replaces it.
 */
static const int64_t ROUND_TRIP = 500 * NS_PER_US;

bool scenario_good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");

    return n > 0 && n < 64 && name[n] == '\0';
}

const char *scenario_path(struct scenario_reader *r, const char *path)
{
    return *path == '/' || !*r->dir ? path : arena_printf(r->s->arena, "%s%s", r->dir, path);
}

static bool is_path(const char *name)
{
    const char *dot = strrchr(name, '.');

    return strchr(name, '/') || (dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json")));
}

size_t scenario_workload_at(struct scenario_reader *r, struct conf *c, const char *key)
{
    const struct scenario *s = r->s;
    const char *names[SCENARIO_MAX + 1] = {0}, *near, *name = conf_string(c, key);
    struct buf list;

    if (conf_failed(c))
        return 0;
    buf_init(&list, 400);
    for (size_t i = 0; i < s->workload_count; i++) {
        names[i] = s->workloads[i].name;
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
        if (strcmp(names[i], name) == 0) {
            buf_done(&list);
            return i;
        }
    }
    near = str_nearest(name, names);
    conf_fail(c, key, "found \"%.60s\", expected a workload of this scenario: %s%s%s%s", name, buf_str(&list),
              near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    buf_done(&list);
    return 0;
}

/* ---- free parameters ---- */

/* The number as it is written. */
static const char *written(const struct doc_node *n)
{
    const struct doc_node *value = n && n->kind == DOC_MAPPING ? doc_get(n, "value") : n;

    return value && value->kind == DOC_SCALAR ? value->text : "";
}

void scenario_note(struct scenario_reader *r, struct conf *c, const char *prefix, const char *key,
                   const struct conf_sourced *v)
{
    struct scenario *s = r->s;

    if (s->parameter_count == SCENARIO_PARAMETERS_MAX)
        return;
    r->parameters[s->parameter_count++] =
        (struct scenario_parameter){.name = arena_printf(s->arena, "%s.%s", prefix, key),
                                    .text = written(doc_get(c->node, key)),
                                    .source = v->source,
                                    .assumed = v->assumed};
}

double scenario_parameter(struct scenario_reader *r, struct conf *c, const char *prefix, const char *key,
                          enum conf_unit unit, double lo, double hi, double otherwise)
{
    struct conf_sourced v = conf_sourced_or(c, key, unit, lo, hi, otherwise);

    if (v.given)
        scenario_note(r, c, prefix, key, &v);
    return v.value;
}

/* ---- gpus ---- */

static void read_sharing(struct scenario_reader *r, struct conf *c, struct share_tuning *t)
{
    static const char prefix[] = "gpus.sharing";

    t->timeslice = (int64_t)scenario_parameter(r, c, prefix, "timeslice", CONF_DURATION, 1e3, 1e9, (double)t->timeslice);
    t->switch_cost = (int64_t)scenario_parameter(r, c, prefix, "switchCost", CONF_DURATION, 0, 1e8, (double)t->switch_cost);
    t->idle_tenant = scenario_parameter(r, c, prefix, "idleTenant", CONF_PLAIN, 0, 1, t->idle_tenant);
    t->mps_contention = scenario_parameter(r, c, prefix, "mpsContention", CONF_PLAIN, 0, 10, t->mps_contention);
}

static void read_gpus(struct scenario_reader *r, struct conf *root)
{
    struct scenario *s = r->s;
    struct conf c, sharing;
    struct err err = {0};
    const char *model;

    s->price = NAN;
    s->sharing = SHARE_TUNING_DEFAULT;
    conf_sub(root, "gpus", &c);
    model = conf_string(&c, "model");
    if (conf_has(&c, "price"))
        s->price = conf_real(&c, "price", 0, 10000);
    conf_sub_or(&c, "sharing", &sharing);
    read_sharing(r, &sharing, &s->sharing);
    conf_end(&sharing);
    conf_end(&c);
    if (conf_failed(root))
        return;
    s->gpu = catalog_find(s->catalog, model, &err);
    if (!s->gpu)
        conf_pass(&c, "model", &err);
}

/* ---- workloads ---- */

/* A profile is for one GPU model: numbers measured on another one say little here. */
static void check_gpu(struct scenario_reader *r, struct conf *c, const struct profile *p)
{
    struct err err = {0};
    const struct gpu_model *m = catalog_find(r->s->catalog, p->gpu, &err);

    if (!m)
        conf_fail(c, "profile", "%s is for a GPU that is not in the catalogue: %.300s", p->path, err.msg);
    else if (m != r->s->gpu)
        conf_fail(c, "profile", "%s is for %s, expected one for %s (gpus.model)", p->path, m->key, r->s->gpu->key);
}

static void read_overrides(struct scenario_reader *r, struct conf *c, struct profile *p, const char *workload)
{
    const char *prefix = arena_printf(r->s->arena, "workloads.%s", workload);
    const struct profile_param *list;
    struct conf sub;
    size_t n;

    if (!conf_sub_or(c, "parameters", &sub))
        return;
    list = profile_params(p->kind, &n);
    for (size_t i = 0; i < n; i++) {
        struct conf_sourced v = conf_sourced_or(&sub, list[i].key, list[i].unit, list[i].lo, list[i].hi, 0);
        if (!v.given)
            continue;
        scenario_note(r, &sub, prefix, list[i].key, &v);
        profile_set(p, list[i].key, v.value, v.source ? v.source : "the scenario", v.assumed);
    }
    conf_end(&sub);
}

static void read_workload(struct scenario_reader *r, struct conf *c)
{
    struct scenario *s = r->s;
    struct scenario_workload *w = &s->workloads[s->workload_count];
    struct err err = {0};
    const char *profile;

    *w = (struct scenario_workload){.name = conf_string(c, "name"), .at = c->node};
    profile = conf_string(c, "profile");
    w->sm_cap = conf_real_or(c, "mpsPercentage", 1, 100, 100) / 100;
    if (conf_failed(c))
        return;
    if (!scenario_good_name(w->name))
        conf_fail(c, "name", "found \"%.80s\", expected letters, digits and . _ + - (at most 63)", w->name);
    for (size_t i = 0; i < s->workload_count; i++)
        if (strcmp(s->workloads[i].name, w->name) == 0)
            conf_fail(c, "name", "found %s again, expected another name (the first one is at %u:%u)", w->name,
                      s->workloads[i].at->line, s->workloads[i].at->column);
    if (conf_failed(c))
        return;
    if (strcmp(profile, "-") == 0) { /* standard input is no place beside the scenario */
        conf_fail(c, "profile", "found \"-\", expected a built-in profile's name or a path");
        return;
    }
    w->profile = profile_load(is_path(profile) ? scenario_path(r, profile) : profile, &err);
    if (!w->profile) {
        conf_pass(c, "profile", &err);
        return;
    }
    s->workload_count++; /* from here on it is freed with the scenario */
    check_gpu(r, c, w->profile);
    w->profile->reserve = conf_memory_or(c, "memory", w->profile->need, INT64_C(1) << 43, w->profile->reserve);
    read_overrides(r, c, w->profile, w->name);
    conf_end(c);
}

static void read_workloads(struct scenario_reader *r, struct conf *root)
{
    struct conf list, item, c;
    size_t n = conf_list(root, "workloads", 1, SCENARIO_MAX, &list);

    r->s->workloads = ARENA_ARRAY(r->s->arena, struct scenario_workload, n + 1);
    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++)
        if (conf_sub(&item, NULL, &c))
            read_workload(r, &c);
}

/* ---- the whole file ---- */

static void read_metadata(struct scenario_reader *r, struct conf *root)
{
    struct conf c;

    conf_kind(root, "Scenario");
    conf_sub(root, "metadata", &c);
    r->s->name = conf_string(&c, "name");
    if (!conf_failed(root) && !scenario_good_name(r->s->name))
        conf_fail(&c, "name", "found \"%.80s\", expected letters, digits and . _ + - (at most 63)", r->s->name);
    conf_string_or(&c, "description", "");
    conf_end(&c);
}

static void read_network(struct scenario_reader *r, struct conf *root)
{
    struct conf c;

    conf_sub_or(root, "network", &c);
    r->s->round_trip = (int64_t)scenario_parameter(r, &c, "network", "roundTrip", CONF_DURATION, 0, 10e9, (double)ROUND_TRIP);
    conf_end(&c);
}

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

static void digest(struct scenario *s)
{
    uint64_t h = hash(UINT64_C(14695981039346656037), s->text, s->text_size);
    struct buf b;

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < s->workload_count; i++)
        profile_write(s->workloads[i].profile, &b);
    h = hash(h, buf_str(&b), b.len);
    buf_done(&b);
    for (size_t i = 0; i < s->trace_count; i++)
        for (size_t k = 0; k < s->traces[i]->count; k++) {
            const struct arrival *a = &s->traces[i]->rows[k];
            uint64_t row[3] = {(uint64_t)a->at, a->context, a->generated};
            h = rng_mix(h, rng_mix(row[0], rng_mix(row[1], row[2])));
        }
    snprintf(s->digest, sizeof s->digest, "%016" PRIx64, h);
}

static int read_all(struct scenario *s, struct err *err)
{
    const char *slash = strrchr(s->path, '/');
    struct scenario_reader r = {.s = s, .user = LOAD_DEFAULT, .dir = ""};
    struct conf root;

    if (slash)
        r.dir = arena_strndup(s->arena, s->path, (size_t)(slash - s->path) + 1);
    r.parameters = ARENA_ARRAY(s->arena, struct scenario_parameter, SCENARIO_PARAMETERS_MAX);
    s->parameters = r.parameters;
    conf_root(&root, doc_root(s->doc, 0), err);
    read_metadata(&r, &root);
    read_gpus(&r, &root);
    if (!conf_failed(&root))
        read_workloads(&r, &root);
    read_network(&r, &root);
    if (!conf_failed(&root))
        scenario_read_turn(&r, &root);
    if (!conf_failed(&root))
        scenario_read_loads(&r, &root);
    if (!conf_failed(&root))
        scenario_read_objectives(&r, &root);
    if (!conf_failed(&root))
        scenario_read_configurations(&r, &root);
    if (conf_end(&root) < 0)
        return -1;
    digest(s);
    return 0;
}

/* Takes the document over. */
static struct scenario *from_doc(struct doc *doc, struct err *err)
{
    struct arena *arena;
    struct scenario *s;
    cleanup_scenario struct scenario *owned = NULL;

    if (!doc)
        return NULL;
    arena = arena_new();
    s = owned = ARENA_NEW(arena, struct scenario);
    s->arena = arena;
    s->doc = doc;
    s->path = doc_name(doc);
    s->text = doc_source(doc, &s->text_size);
    s->asr = s->llm = s->tts = -1;
    s->catalog = catalog_open(err);
    if (!s->catalog || read_all(s, err) < 0)
        return NULL;
    return TAKE(owned);
}

/* A scenario is a page or two; what is larger is no scenario. */
static const struct doc_limits LIMITS = {.bytes = 4 << 20, .nodes = 200000};

struct scenario *scenario_load(const char *path, struct err *err)
{
    return from_doc(doc_open(path, &LIMITS, err), err);
}

struct scenario *scenario_parse(const char *name, const char *data, size_t n, struct err *err)
{
    return from_doc(doc_parse(name, data, n, &LIMITS, err), err);
}

void scenario_free(struct scenario *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->workload_count; i++)
        profile_free(s->workloads[i].profile);
    for (size_t i = 0; i < s->trace_count; i++)
        arrival_trace_free(s->traces[i]);
    free(s->traces);
    catalog_free(s->catalog);
    doc_free(s->doc);
    arena_free(s->arena); /* s itself lies in it */
}

/* ---- looking things up ---- */

static void no_such(const struct scenario *s, const char *what, const char *name, const char *const *names,
                    struct err *err)
{
    const char *near = str_nearest(name, names);
    struct buf list;

    buf_init(&list, 500);
    for (size_t i = 0; names[i]; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    err_set(err, ERR_INPUT, "%.200s: no %s is called \"%.60s\", there are %s%s%s%s", s->path, what, name, buf_str(&list),
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    buf_done(&list);
}

const struct scenario_load *scenario_find_load(const struct scenario *s, const char *name, struct err *err)
{
    const char *names[SCENARIO_MAX + 1] = {0};

    for (size_t i = 0; i < s->load_count; i++)
        if (strcmp(names[i] = s->loads[i].turns.name, name) == 0)
            return &s->loads[i];
    no_such(s, "load", name, names, err);
    return NULL;
}

const struct scenario_configuration *scenario_find_configuration(const struct scenario *s, const char *name,
                                                                 struct err *err)
{
    const char *names[SCENARIO_MAX + 1] = {0};

    for (size_t i = 0; i < s->configuration_count; i++)
        if (strcmp(names[i] = s->configurations[i].name, name) == 0)
            return &s->configurations[i];
    no_such(s, "configuration", name, names, err);
    return NULL;
}

double scenario_price(const struct scenario *s, const struct scenario_configuration *c)
{
    return s->price * (double)c->count;
}

const char *scenario_digest(const struct scenario *s)
{
    return s->digest;
}
