/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner against brute force on small random fleets with every rule: the same feasibility, $/h, GPUs and moves.
 *
 * The brute force shares nothing with the search: it walks GPU by GPU over every content that a GPU can have (any
 * legal placement set, any tenants), under every mode of the node, and keeps for every state (what is placed, what
 * stays, how many GPUs) the least price.
 */
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "check.h"
#include "plan/check.h"
#include "plan/intern.h"
#include "report/plan.h"

enum { W_MAX = 4 };

static struct catalog *catalog;

/* What a GPU's content adds: per workload places (or requests/s) and instances, and stays. */
struct content {
    int16_t used[W_MAX], count[W_MAX], stays[W_MAX];
    int16_t in_use;
};

struct brute {
    const struct fleet *f;
    int16_t need[W_MAX], cap[W_MAX]; /* places or requests/s wanted; replicas (count matters up to here) */
    struct intern *contents;
    struct content now; /* under construction */
};

static bool option_allows(const struct fleet *f, const struct fleet_workload *w, enum fleet_mode mode, int model,
                          const struct gpu_profile *profile, int r, double *gives)
{
    bool any = false;
    int limit = 0;

    for (size_t i = 0; i < w->option_count;
         i++) { /* of several for one place: the most throughput, then the larger limit */
        const struct fleet_option *o = &w->options[i];
        bool on = !o->limited;
        struct err e = {0};
        for (size_t k = 0; k < o->model_count; k++)
            on = on || o->models[k] == model;
        if (o->mode != mode || !on || ((mode == FLEET_TIME_SLICING || mode == FLEET_MPS) && w->isolated))
            continue;
        if (mode == FLEET_MIG && gpu_profile_find(f->models[model], o->profile, &e) != profile)
            continue;
        if (any &&
            ((w->by_rate && o->throughput < *gives) || (!(w->by_rate && o->throughput > *gives) && o->limit < limit)))
            continue;
        *gives = w->by_rate ? o->throughput : 1;
        limit = o->limit;
        any = true;
    }
    return any && limit >= r;
}

static void note(struct brute *b)
{
    bool any = false;
    struct content c = b->now;

    for (size_t w = 0; w < b->f->workload_count; w++)
        any = any || c.count[w] > 0;
    c.in_use = any;
    intern(b->contents, &c, sizeof c);
}

/* All ways to fill the instances of one placement set from `at` on. */
static void fill_mig(struct brute *b, const struct layout *l, size_t at, int model, const struct fleet_gpu *now,
                     bool keeps, bool in_place)
{
    if (at == l->n) {
        note(b);
        return;
    }
    for (int w = 0; w < (int)b->f->workload_count; w++) {
        const struct fleet_workload *fw = &b->f->workloads[w];
        struct content before = b->now;
        double gives;
        if (!option_allows(b->f, fw, FLEET_MIG, model, l->at[at].profile, 0, &gives))
            continue;
        b->now.used[w] = (int16_t)(b->now.used[w] + (int)gives);
        b->now.count[w]++;
        for (size_t i = 0; (keeps || in_place) && now->mode == FLEET_MIG && i < now->n; i++)
            if (now->places[i].workload == w && now->places[i].profile == l->at[at].profile &&
                now->places[i].start == l->at[at].start)
                b->now.stays[w]++;
        if (fw->by_rate || b->now.used[w] <= b->need[w])
            fill_mig(b, l, at + 1, model, now, keeps, in_place);
        b->now = before;
    }
}

static bool subset(const struct layout *l, const struct fleet_gpu *now)
{
    for (size_t k = 0; k < l->n; k++) {
        bool found = false;
        for (size_t i = 0; i < now->n; i++)
            found = found || (now->places[i].profile == l->at[k].profile && now->places[i].start == l->at[k].start);
        if (!found)
            return false;
    }
    return true;
}

static void fill_shared(struct brute *b, int from, int left, int r, int64_t memory, enum fleet_mode mode, int model,
                        const struct fleet_gpu *now)
{
    note(b);
    for (int w = from; w < (int)b->f->workload_count && left > 0; w++) {
        const struct fleet_workload *fw = &b->f->workloads[w];
        struct content before = b->now;
        int running = 0;
        double gives;
        if (!option_allows(b->f, fw, mode, model, NULL, r, &gives) || fw->memory > memory)
            continue;
        for (size_t i = 0; now->mode == mode && i < now->n; i++)
            running += now->places[i].workload == w;
        b->now.used[w] = (int16_t)(b->now.used[w] + (int)gives);
        b->now.count[w]++;
        if (b->now.stays[w] < running)
            b->now.stays[w]++;
        if (fw->by_rate || b->now.used[w] <= b->need[w])
            fill_shared(b, w, left - 1, r, memory - fw->memory, mode, model, now);
        b->now = before;
    }
}

/* The contents of one GPU while its node works in (full, r, change). */
static void contents_of(struct brute *b, const struct fleet_node *n, int gpu, enum fleet_mode full, int r,
                        bool change)
{
    const struct fleet_gpu *now = &n->gpus[gpu];
    bool parted = b->f->rules.actuator == FLEET_MIG_PARTED, in_mig = now->mode == FLEET_MIG;

    memset(&b->now, 0, sizeof b->now);
    note(b);
    if (full != FLEET_MPS && n->model->grid && (!parted || change || in_mig)) {
        struct layout_list list = {0};
        layout_list(n->model, gpu_profiles_double(n->model), LAYOUT_FEASIBLE, &list);
        for (size_t i = 0; i < list.n; i++) {
            bool keeps = parted && !change && in_mig && subset(&list.at[i], now);
            fill_mig(b, &list.at[i], 0, n->model_index, now, keeps, !parted);
        }
        layout_list_done(&list);
    }
    if (parted && !change && in_mig)
        return;
    if (full != FLEET_ALONE) {
        fill_shared(b, 0, r, r, n->model->memory_mib << 20, full, n->model_index, now);
        return;
    }
    for (int w = 0; w < (int)b->f->workload_count; w++) {
        double gives;
        if (!option_allows(b->f, &b->f->workloads[w], FLEET_ALONE, n->model_index, NULL, 0, &gives))
            continue;
        memset(&b->now, 0, sizeof b->now);
        b->now.used[w] = (int16_t)gives;
        b->now.count[w] = 1;
        b->now.stays[w] = now->mode == FLEET_ALONE && now->places[0].workload == w;
        note(b);
    }
}

struct key {
    int16_t used[W_MAX], count[W_MAX], stays[W_MAX];
    int16_t gpus, here; /* here: spread workloads on this node, a mask */
};

struct map {
    struct intern *keys;
    double *price;
    size_t cap;
};

static void put(struct map *m, const struct key *k, double price)
{
    size_t before = intern_count(m->keys);
    int i = intern(m->keys, k, sizeof *k);

    if ((size_t)i == before) {
        GROW(m->price, m->cap, before + 1);
        m->price[i] = price;
    } else if (price < m->price[i]) {
        m->price[i] = price;
    }
}

static void map_done(struct map *m)
{
    intern_free(m->keys);
    free(m->price);
}

/* One GPU further: every state with every content. */
static void step(struct brute *b, const struct map *from, struct map *to, double price)
{
    for (size_t s = 0; s < intern_count(from->keys); s++)
        for (size_t c = 0; c < intern_count(b->contents); c++) {
            struct key k = *(const struct key *)intern_at(from->keys, (int)s, NULL);
            const struct content *t = intern_at(b->contents, (int)c, NULL);
            bool ok = true;
            for (size_t w = 0; w < b->f->workload_count && ok; w++) {
                const struct fleet_workload *fw = &b->f->workloads[w];
                int used = k.used[w] + t->used[w], count = k.count[w] + t->count[w];
                if (fw->by_rate) {
                    if (used > b->need[w])
                        used = b->need[w];
                    if (count > fw->running)
                        count = (int)fw->running;
                } else if (used > b->need[w]) {
                    ok = false;
                }
                if (fw->spread && t->count[w] > 0) {
                    ok = ok && t->count[w] == 1 && !(k.here >> w & 1);
                    k.here = (int16_t)(k.here | 1 << w);
                }
                k.used[w] = (int16_t)used;
                k.count[w] = fw->by_rate ? (int16_t)count : 0;
                k.stays[w] = (int16_t)(k.stays[w] + t->stays[w]);
                if (k.stays[w] > b->cap[w])
                    k.stays[w] = b->cap[w];
            }
            k.gpus = (int16_t)(k.gpus + t->in_use);
            if (ok)
                put(to, &k, from->price[s] + t->in_use * price);
        }
}

static struct map empty_map(void)
{
    return (struct map){.keys = intern_new()};
}

static void walk_node(struct brute *b, const struct fleet_node *n, const struct map *from, struct map *to,
                      enum fleet_mode full, int r, bool change)
{
    struct map at = empty_map();

    for (size_t s = 0; s < intern_count(from->keys); s++)
        put(&at, intern_at(from->keys, (int)s, NULL), from->price[s]);
    for (int g = 0; g < n->count; g++) {
        struct map next = empty_map();
        b->contents = intern_new();
        contents_of(b, n, g, full, r, change);
        step(b, &at, &next, n->price);
        intern_free(b->contents);
        map_done(&at);
        at = next;
    }
    for (size_t s = 0; s < intern_count(at.keys); s++) {
        struct key k = *(const struct key *)intern_at(at.keys, (int)s, NULL);
        k.here = 0;
        put(to, &k, at.price[s]);
    }
    map_done(&at);
}

struct answer {
    bool feasible;
    double price, moves;
    int gpus;
};

static struct answer brute_force(const struct fleet *f)
{
    struct brute b = {.f = f};
    struct map at = empty_map();
    struct key none = {.gpus = 0};
    struct answer best = {false, 0, 0, 0};
    bool priced = false, ts[8] = {false}, mps[8] = {false};

    for (size_t w = 0; w < f->workload_count; w++) {
        const struct fleet_workload *fw = &f->workloads[w];
        b.need[w] =
            (int16_t)(fw->by_rate ? (int)(fw->rate * (1 + f->rules.headroom) + 0.999999) : (int)fleet_slots(f, fw));
        b.cap[w] = (int16_t)(fw->by_rate ? 1000 : fw->replicas);
        for (size_t i = 0; i < fw->option_count; i++) {
            if (fw->options[i].mode == FLEET_TIME_SLICING)
                ts[fw->options[i].limit] = true;
            if (fw->options[i].mode == FLEET_MPS)
                mps[fw->options[i].limit] = true;
        }
    }
    put(&at, &none, 0);
    for (size_t n = 0; n < f->node_count; n++) {
        struct map next = empty_map();
        priced = priced || f->nodes[n].price != f->nodes[0].price;
        for (int change = f->rules.actuator != FLEET_MIG_PARTED; change < 2; change++) {
            walk_node(&b, &f->nodes[n], &at, &next, FLEET_ALONE, 0, change);
            for (int r = 2; r < 8; r++) {
                if (ts[r])
                    walk_node(&b, &f->nodes[n], &at, &next, FLEET_TIME_SLICING, r, change);
                if (mps[r])
                    walk_node(&b, &f->nodes[n], &at, &next, FLEET_MPS, r, change);
            }
        }
        map_done(&at);
        at = next;
    }
    for (size_t s = 0; s < intern_count(at.keys); s++) {
        const struct key *k = intern_at(at.keys, (int)s, NULL);
        struct answer a = {true, priced ? at.price[s] : 0, 0, k->gpus};
        int moves = 0;
        for (size_t w = 0; w < f->workload_count; w++) {
            const struct fleet_workload *fw = &f->workloads[w];
            int64_t remain = fw->by_rate ? k->count[w] : fw->replicas;
            int m;
            if (fw->running < remain)
                remain = fw->running;
            m = (int)remain - k->stays[w];
            if (k->used[w] < b.need[w] || (fw->pinned && m > 0))
                a.feasible = false;
            moves += m;
            a.moves += fw->weight * m;
        }
        if ((f->rules.moves >= 0 && moves > f->rules.moves) || (int64_t)f->gpu_count - k->gpus < f->rules.spare_gpus)
            a.feasible = false;
        if (!a.feasible)
            continue;
        if (!best.feasible || a.price < best.price - 1e-9 ||
            (a.price < best.price + 1e-9 &&
             (a.gpus < best.gpus || (a.gpus == best.gpus && a.moves < best.moves - 1e-9))))
            best = a;
    }
    map_done(&at);
    return best;
}

/* ---- random fleets ---- */

static const char *const A100[] = {"1g.10gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb", "1g.20gb"};
static const char *const A30[] = {"1g.6gb", "2g.12gb", "4g.24gb"};

struct writer {
    struct gen *g;
    struct buf *out;
    int workloads, kind; /* kind: 0 A100, 1 A30, 2 both */
    bool shared;
};

static const char *pick_profile(struct writer *x, bool a30)
{
    return a30 ? A30[gen_range(x->g, 0, 2)] : A100[gen_range(x->g, 0, gen_range(x->g, 0, 3) == 0 ? 5 : 4)];
}

static void write_layout(struct writer *x, const struct gpu_model *m, int gpu)
{
    struct layout_list list = {0};
    const struct layout *l;

    switch (gen_range(x->g, 0, x->shared ? 6 : 3)) {
    case 0:
        return;
    case 4:
        buf_printf(x->out, "      %d: {alone: w%d}\n", gpu, (int)gen_range(x->g, 0, x->workloads - 1));
        return;
    case 5:
    case 6:
        buf_printf(x->out, "      %d: {%s: [w%d", gpu, gen_bool(x->g) ? "timeSlicing" : "mps",
                   (int)gen_range(x->g, 0, x->workloads - 1));
        for (int i = (int)gen_range(x->g, 0, 2); i > 0; i--)
            buf_printf(x->out, ", w%d", (int)gen_range(x->g, 0, x->workloads - 1));
        buf_puts(x->out, "]}\n");
        return;
    default:
        break;
    }
    layout_list(m, gpu_profiles_base(m), LAYOUT_FEASIBLE, &list);
    l = &list.at[gen_range(x->g, 0, (int64_t)list.n - 1)];
    buf_printf(x->out, "      %d: {mig: [", gpu);
    for (size_t i = 0; i < l->n; i++) {
        buf_printf(x->out, "%s{profile: %s, start: %d", i ? ", " : "", l->at[i].profile->name, l->at[i].start);
        if (gen_range(x->g, 0, 2) == 0)
            buf_printf(x->out, ", workload: w%d", (int)gen_range(x->g, 0, x->workloads - 1));
        buf_puts(x->out, "}");
    }
    buf_puts(x->out, "]}\n");
    layout_list_done(&list);
}

static void write_fleet(struct gen *g, struct buf *out)
{
    static const char *const actuators[] = {"mig-parted", "nvml", "dra"};
    struct writer x = {g, out, (int)gen_range(g, 1, 3), (int)gen_range(g, 0, 2), gen_range(g, 0, 2) == 0};
    int nodes = (int)gen_range(g, 1, 3), left = 4;
    struct err e = {0};
    bool priced = gen_range(g, 0, 2) == 0;

    buf_puts(out, "kind: Fleet\nnodes:\n");
    for (int n = 0; n < nodes && left > 0; n++) {
        bool a30 = x.kind == 1 || (x.kind == 2 && gen_bool(g));
        const struct gpu_model *m = catalog_find(catalog, a30 ? "A30-24GB" : "A100-SXM4-80GB", &e);
        int count = (int)gen_range(g, 1, left < 3 ? left : 3);
        left -= count;
        buf_printf(out, "  - name: n%d\n    gpu: %s\n    count: %d\n", n, m->key, count);
        if (priced)
            buf_printf(out, "    price: %.1f\n", 1 + 0.5 * (double)gen_range(g, 0, 4));
        buf_puts(out, "    layouts:\n");
        for (int i = 0; i < count; i++)
            write_layout(&x, m, i);
    }
    buf_puts(out, "workloads:\n");
    for (int w = 0; w < x.workloads; w++) {
        bool rate = gen_range(g, 0, 4) == 0;
        int options = (int)gen_range(g, 1, 3);
        buf_printf(out, "  - name: w%d\n    memory: %dGi\n", w, (int)gen_range(g, 4, 30));
        if (rate)
            buf_printf(out, "    rate: %d\n", (int)gen_range(g, 1, 60));
        else
            buf_printf(out, "    replicas: %d\n", (int)gen_range(g, 0, 3));
        buf_puts(out, "    fits:\n");
        for (int i = 0; i < options; i++) {
            int64_t k = gen_range(g, 0, x.shared ? 7 : 4);
            if (k <= 3 || (k == 4 && !x.shared))
                buf_printf(out, "      - {mig: %s", pick_profile(&x, x.kind == 1 || (x.kind == 2 && gen_bool(g))));
            else if (k == 4 || k == 5)
                buf_puts(out, "      - {alone: true");
            else
                buf_printf(out, "      - {%s: %d", k == 6 ? "timeSlicing" : "mps", (int)gen_range(g, 2, 4));
            if (gen_range(g, 0, 5) == 0)
                buf_printf(out, ", gpu: [%s]", gen_bool(g) ? "A30-24GB" : "A100-SXM4-80GB");
            if (rate)
                buf_printf(out, ", throughput: %d", (int)gen_range(g, 5, 40));
            buf_puts(out, "}\n");
        }
        if (gen_range(g, 0, 4) == 0)
            buf_puts(out, "    disruption: {pinned: true}\n");
        else if (gen_range(g, 0, 4) == 0)
            buf_printf(out, "    disruption: {weight: %d, maxUnavailable: %d}\n", (int)gen_range(g, 1, 4),
                       (int)gen_range(g, 0, 2));
        if (gen_range(g, 0, 4) == 0)
            buf_puts(out, "    spread: node\n");
        if (gen_range(g, 0, 7) == 0)
            buf_puts(out, "    isolation: required\n");
    }
    buf_printf(out, "rules:\n  actuator: %s\n", actuators[gen_range(g, 0, 2)]);
    if (gen_range(g, 0, 3) == 0)
        buf_printf(out, "  moves: %d\n", (int)gen_range(g, 0, 3));
    if (gen_range(g, 0, 4) == 0)
        buf_printf(out, "  headroom: %.2f\n", (double)gen_range(g, 1, 12) / 10);
    if (gen_range(g, 0, 5) == 0)
        buf_puts(out, "  spare: {gpus: 1}\n");
}

static void ready(void)
{
    struct err e = {0};

    if (!catalog)
        catalog = catalog_open(&e);
    CHECK(catalog != NULL);
}

/* The plan as written holds before the independent check. */
static void check_json(const struct fleet *f, const struct options *o, const struct plan *p, const char *fleet_text)
{
    struct buf json = {.max = 1 << 24};
    struct err e = {0};
    struct findings found = {.n = 0};
    struct doc *d;

    plan_json(p, o, &json);
    d = doc_parse("plan.json", buf_str(&json), json.len, NULL, &e);
    if (!d || check_plan(f, doc_root(d, 0), &found, &e) != 0)
        fprintf(stderr, "%s\n", e.msg);
    CHECK(d != NULL);
    if (found.n)
        fprintf(stderr, "%s%s# %s\n", fleet_text, buf_str(&json), found.at[0]);
    CHECK_EQ(found.n, 0);
    findings_done(&found);
    doc_free(d);
    buf_done(&json);
}

PROPERTY(plans_equal_brute_force, 500)
{
    struct buf text = {.max = 1 << 20};
    struct err e = {0};
    struct fleet *f;
    struct options *o;
    struct plan *p;
    struct answer a;

    ready();
    write_fleet(g, &text);
    f = fleet_parse("random.yaml", buf_str(&text), text.len, catalog, &e);
    if (!f)
        fprintf(stderr, "%s\n%s\n", e.msg, buf_str(&text));
    CHECK(f != NULL);
    o = options_derive(f);
    p = plan_make(f, o, NULL, &e);
    a = brute_force(f);
    if (p->feasible != a.feasible || (a.feasible && (p->gpus_after != a.gpus || p->weighted.value > a.moves + 1e-6 ||
                                                     p->weighted.value < a.moves - 1e-6 || !p->gpus_proven)))
        fprintf(stderr, "%s# plan %d cost %g gpus %d moves %g; brute force %d cost %g gpus %d moves %g; %s\n",
                buf_str(&text), p->feasible, p->cost.value, (int)p->gpus_after, p->weighted.value, a.feasible,
                a.price, a.gpus, a.moves, p->conflict_why ? p->conflict_why : "");
    CHECK_EQ(p->feasible, a.feasible);
    if (a.feasible) {
        if (p->priced)
            CHECK_NEAR(p->cost.value, a.price, 1e-6);
        CHECK_EQ(p->gpus_after, a.gpus);
        CHECK_NEAR(p->weighted.value, a.moves, 1e-6);
        CHECK(p->gpus_proven && p->moves_proven);
        CHECK_EQ(p->gpus_bound, p->gpus_after);
        check_json(f, o, p, buf_str(&text));
    }
    plan_free(p);
    options_free(o);
    fleet_free(f);
    buf_done(&text);
}
