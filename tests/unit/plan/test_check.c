/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded corruptions of plans: each kind, at a random place, must be found by --check. */
#include "plan/check.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "check.h"
#include "plan/plan.h"
#include "report/plan.h"

static const char FLEET[] =
    "kind: Fleet\n"
    "nodes:\n"
    "  - {name: n0, gpu: A100-SXM4-80GB, count: 4, price: 2.5, layouts: {\n"
    "      0: {mig: [{profile: 3g.40gb, start: 4, workload: asr}, {profile: 1g.10gb, start: 0, workload: embed}, {profile: 1g.10gb, start: 1}]},\n"
    "      1: {mig: [{profile: 3g.40gb, start: 0, workload: asr}, {profile: 2g.20gb, start: 4, workload: tts}]},\n"
    "      2: {mig: [{profile: 2g.20gb, start: 0, workload: tts}, {profile: 1g.10gb, start: 6, workload: embed}]}}}\n"
    "  - {name: n1, gpu: A100-SXM4-80GB, count: 3, price: 2.5, layouts: {\n"
    "      0: {mig: [{profile: 4g.40gb, start: 0, workload: llm}, {profile: 3g.40gb, start: 4}]},\n"
    "      1: {mig: [{profile: 3g.40gb, start: 0, workload: asr}, {profile: 1g.10gb, start: 4, workload: old}, {profile: 1g.10gb, start: 5, workload: old}]}}}\n"
    "  - {name: n2, gpu: A30-24GB, count: 2, price: 0.7, layouts: {0: {timeSlicing: [chat, chat]}, 1: {timeSlicing: [chat]}}}\n"
    "  - {name: n3, gpu: A30-24GB, count: 2, price: 0.7, layouts: {0: {alone: rank}}}\n"
    "workloads:\n"
    "  - {name: asr, replicas: 3, fits: [{mig: 3g.40gb}], team: voice}\n"
    "  - {name: tts, replicas: 3, fits: [{mig: 2g.20gb}, {mig: 3g.40gb}], disruption: {maxUnavailable: 0}}\n"
    "  - {name: embed, replicas: 2, fits: [{mig: 1g.10gb}]}\n"
    "  - {name: llm, replicas: 1, fits: [{mig: 4g.40gb}], disruption: {pinned: true}}\n"
    "  - {name: old, replicas: 1, fits: [{mig: 1g.10gb}]}\n"
    "  - {name: chat, replicas: 4, memory: 5Gi, fits: [{timeSlicing: 4}]}\n"
    "  - {name: rank, replicas: 1, fits: [{alone: true, gpu: A30-24GB}]}\n"
    "rules: {actuator: %s, headroom: %s}\n";

struct rig {
    struct catalog *catalog;
    struct fleet *fleet;
    json_t *plan;
};

static struct rig make(const char *actuator, const char *headroom)
{
    struct rig r = {.plan = NULL};
    struct err e = {0};
    struct buf json = {.max = 1 << 24};
    char *text = xmalloc(sizeof FLEET + 100);
    struct options *o;
    struct plan *p;

    snprintf(text, sizeof FLEET + 100, FLEET, actuator, headroom);
    r.catalog = catalog_open(&e);
    r.fleet = fleet_parse("fleet.yaml", text, strlen(text), r.catalog, &e);
    if (!r.fleet)
        fprintf(stderr, "%s\n", e.msg);
    CHECK(r.fleet != NULL);
    o = options_derive(r.fleet);
    p = plan_make(r.fleet, o, NULL, &e);
    CHECK(p->feasible);
    plan_json(p, o, &json);
    r.plan = json_loads(buf_str(&json), 0, NULL);
    CHECK(r.plan != NULL);
    plan_free(p);
    options_free(o);
    buf_done(&json);
    free(text);
    return r;
}

static void done(struct rig *r)
{
    json_decref(r->plan);
    fleet_free(r->fleet);
    catalog_free(r->catalog);
}

static size_t findings_of(const struct rig *r, json_t *plan, char *first, size_t size)
{
    char *text = json_dumps(plan, JSON_REAL_PRECISION(15));
    struct err e = {0};
    struct doc *d = doc_parse("plan.json", text, strlen(text), NULL, &e);
    struct findings found = {.n = 0};
    size_t n = 1;

    if (!d || check_plan(r->fleet, doc_root(d, 0), &found, &e) != 0)
        snprintf(first, size, "%.500s", e.msg);
    else {
        n = found.n;
        snprintf(first, size, "%s", n ? found.at[0] : "");
    }
    findings_done(&found);
    doc_free(d);
    free(text);
    return n;
}

static json_t *pick(struct gen *g, json_t *list)
{
    return json_array_get(list, (size_t)gen_range(g, 0, (int64_t)json_array_size(list) - 1));
}

/* A placement with a workload (or reserved), at random. */
static json_t *taken(struct gen *g, json_t *plan)
{
    for (int i = 0; i < 1000; i++) {
        json_t *p = pick(g, json_object_get(plan, "placements"));
        if (json_is_string(json_object_get(p, "workload")))
            return p;
    }
    return NULL;
}

/* A move of a step, at random, with its list. */
static json_t *a_move(struct gen *g, json_t *plan, json_t **list)
{
    for (int i = 0; i < 1000; i++) {
        json_t *moves = json_object_get(pick(g, json_object_get(plan, "steps")), "moves");
        if (json_array_size(moves) > 0) {
            *list = moves;
            return pick(g, moves);
        }
    }
    return NULL;
}

static void add(json_t *o, const char *key, double by)
{
    json_t *v = json_object_get(o, key);

    if (json_is_integer(v))
        json_object_set_new(o, key, json_integer(json_integer_value(v) + (json_int_t)by));
    else
        json_object_set_new(o, key, json_real(json_number_value(v) + by));
}

static json_t *in(json_t *plan, const char *a, const char *b)
{
    return json_object_get(json_object_get(plan, a), b);
}

enum { KINDS = 50 };

/* Corrupts a copy; false: this kind does not apply to what was picked. */
static bool corrupt(struct gen *g, json_t *plan, int kind)
{
    json_t *placements = json_object_get(plan, "placements"), *steps = json_object_get(plan, "steps"), *list = NULL, *m;
    json_t *p = taken(g, plan), *cost = json_object_get(plan, "cost");
    size_t at = (size_t)gen_range(g, 0, (int64_t)json_array_size(placements) - 1);
    const char *mode = json_string_value(json_object_get(p, "mode"));
    bool mig = mode && strcmp(mode, "mig") == 0;

    m = a_move(g, plan, &list);
    switch (kind) {
    case 0: return mig && (add(p, "start", 1), true);
    case 1: return mig && (add(p, "start", -1), true);
    case 2: return mig && (add(p, "start", 8), true);
    case 3: return mig && json_object_set_new(p, "profile", json_string("7g.80gb")) == 0;
    case 4: return mig && json_object_set_new(p, "profile", json_string("5g.50gb")) == 0;
    case 5: return mig && json_object_set_new(p, "profile", json_null()) == 0;
    case 6: return json_object_set_new(p, "workload", json_string("nobody")) == 0;
    case 7:
        return strcmp(json_string_value(json_object_get(p, "workload")), "tts") &&
               json_object_set_new(p, "workload", json_string("tts")) == 0;
    case 8: add(p, "replica", 1); return true;
    case 9: add(p, "replica", 100); return true;
    case 10: json_object_del(p, "replica"); return true;
    case 11: return json_object_set_new(p, "node", json_string("n9")) == 0;
    case 12: add(p, "gpu", 50); return true;
    case 13: return json_object_set_new(p, "mode", json_string("mps")) == 0;
    case 14: return json_object_set_new(p, "mode", json_string("half")) == 0;
    case 15: json_object_set_new(p, "workload", json_null()); return true;
    case 16: json_object_set_new(p, "reserved", json_string("asr")); return true;
    case 17: json_object_set_new(p, "stays", json_boolean(!json_is_true(json_object_get(p, "stays")))); return true;
    case 18:
        return json_is_string(json_object_get(json_array_get(placements, at), "workload")) &&
               json_array_remove(placements, at) == 0;
    case 19: return json_array_append(placements, p) == 0;
    case 20: json_array_clear(placements); return true;
    case 21: add(json_object_get(plan, "gpus"), "before", 1); return true;
    case 22: add(json_object_get(plan, "gpus"), "after", 1); return true;
    case 23: add(json_object_get(plan, "gpus"), "after", -1); return true;
    case 24: add(json_object_get(plan, "gpus"), "bound", 1); return true;
    case 25: add(json_object_get(plan, "gpus"), "bound", -1); return true;
    case 26: add(json_object_get(plan, "moves"), "count", 1); return true;
    case 27: add(json_object_get(plan, "moves"), "count", -1); return true;
    case 28: add(json_object_get(plan, "moves"), "bound", 1); return true;
    case 29: add(json_object_get(plan, "moves"), "bound", -1); return true;
    case 30: add(json_object_get(cost, "after"), "bill", 0.01); return true;
    case 31: add(json_object_get(cost, "before"), "bill", -0.01); return true;
    case 32: add(json_object_get(cost, "after"), "idle", 0.01); return true;
    case 33: add(json_object_get(cost, "before"), "stranded", 0.01); return true;
    case 34: add(json_object_get(json_object_get(cost, "after"), "workloads"), "asr", 0.01); return true;
    case 35: json_object_del(json_object_get(json_object_get(cost, "before"), "workloads"), "asr"); return true;
    case 36: return json_array_append_new(json_object_get(plan, "nodes_freed"), json_string("n0")) == 0;
    case 37: return json_object_set_new(plan, "digest", json_string("0123456789abcdef")) == 0;
    case 38: return json_array_append(list, m) == 0;
    case 39: json_array_remove(list, (size_t)gen_range(g, 0, (int64_t)json_array_size(list) - 1)); return true;
    case 40: json_array_clear(steps); return true;
    case 41: json_object_set_new(m, "workload", json_string("llm")); return true;
    case 42: json_object_set_new(m, "from", json_null()); json_object_set_new(m, "to", json_null()); return true;
    case 43: return json_is_object(json_object_get(m, "to")) && (add(json_object_get(m, "to"), "gpu", 1), true);
    case 44:
        return json_is_object(json_object_get(m, "from")) &&
               json_object_set_new(json_object_get(m, "from"), "node", json_string("n3")) == 0;
    case 45: return json_is_object(json_object_get(m, "from")) && json_is_object(json_object_get(m, "to")) &&
                    json_object_set_new(m, "from", json_deep_copy(json_object_get(m, "to"))) == 0;
    case 46: add(pick(g, steps), "wave", 40); return true;
    case 47: { /* everything in one wave: a broken allowance, or places that are not free */
        for (size_t i = 0; i < json_array_size(steps); i++)
            json_object_set_new(json_array_get(steps, i), "wave", json_integer(1));
        return json_integer_value(json_object_get(plan, "waves")) > 1;
    }
    case 48: { /* the opposite of what it says */
        const char *kept = "every allowance is kept";
        bool keeps = strcmp(json_string_value(json_object_get(plan, "transition")), kept) == 0;
        return json_object_set_new(plan, "transition", json_string(keeps ? "by hand" : kept)) == 0;
    }
    case 49: add(json_array_get(json_object_get(plan, "frontier"), 0), "moves", 5); return true;
    default: return false;
    }
}

static void corruptions(struct gen *g, const char *actuator, const char *headroom)
{
    struct rig r = make(actuator, headroom);
    char first[1024];

    (void)in;
    CHECK_EQ(findings_of(&r, r.plan, first, sizeof first), 0);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < 4; i++) {
            json_t *copy = json_deep_copy(r.plan);
            if (corrupt(g, copy, kind) && findings_of(&r, copy, first, sizeof first) == 0) {
                char *text = json_dumps(copy, JSON_INDENT(1));
                fprintf(stderr, "# corruption %d was not found (%s, headroom %s)\n%s\n", kind, actuator, headroom, text);
                free(text);
                CHECK_EQ(kind, -1);
            }
            json_decref(copy);
        }
    done(&r);
}

PROPERTY(corruptions_under_mig_parted_are_found, 3)
{
    corruptions(g, "mig-parted", "0");
}

PROPERTY(corruptions_under_nvml_are_found, 3)
{
    corruptions(g, "nvml", "0");
}

PROPERTY(corruptions_with_headroom_are_found, 2)
{
    corruptions(g, "nvml", "0.3");
}
