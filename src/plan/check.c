/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

struct place {
    int node, gpu, mode; /* enum fleet_mode */
    const struct gpu_profile *profile;
    int start, workload; /* FLEET_NONE: idle */
    int64_t replica;
    bool reserved, stays;
};

struct checker {
    const struct fleet *f;
    const struct doc_node *plan;
    struct findings *out;
    struct place *at; /* by node, then GPU */
    size_t n, cap;
    size_t *first;                    /* by GPU: index in `at`; one more at the end */
    int64_t *real, *reserved, *stays; /* by workload */
    double *rate;
    bool *change; /* by node: a GPU's MIG mode changes */
    bool *in_use; /* by GPU */
    int64_t moves, gpus;
    double weighted;
};

__attribute__((format(printf, 2, 3))) static void find(struct checker *c, const char *fmt, ...)
{
    va_list ap;
    char text[500];

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (c->out->n < CHECK_FINDINGS_MAX)
        c->out->at[c->out->n] = xstrdup(text);
    c->out->n++;
}

static bool number(const struct doc_node *n, double *ret)
{
    return n && n->kind == DOC_SCALAR && !n->quoted && units_parse_real(n->text, n->len, ret) == 0;
}

static bool whole(const struct doc_node *n, int64_t *ret)
{
    return n && n->kind == DOC_SCALAR && !n->quoted && units_parse_int(n->text, n->len, ret) == 0;
}

static const char *text_of(const struct doc_node *n)
{
    return n && n->kind == DOC_SCALAR ? n->text : NULL;
}

static bool is_true(const struct doc_node *n)
{
    const char *t = text_of(n);

    return t && strcmp(t, "true") == 0;
}

static bool equal(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(1, fabs(b));
}

/* ---- placements ---- */

static bool read_placement(struct checker *c, const struct doc_node *n, size_t index, struct place *p)
{
    const char *node = text_of(doc_get(n, "node")), *mode = text_of(doc_get(n, "mode"));
    const char *profile =
        doc_get(n, "profile") && doc_get(n, "profile")->kind == DOC_SCALAR ? text_of(doc_get(n, "profile")) : NULL;
    const struct doc_node *w = doc_get(n, "workload"), *r = doc_get(n, "reserved");
    int64_t gpu = -1, start = 0;
    struct err e = {0};

    *p = (struct place){
        .node = node ? fleet_find_node(c->f, node) : FLEET_NONE, .workload = FLEET_NONE, .replica = -1};
    if (p->node == FLEET_NONE || !whole(doc_get(n, "gpu"), &gpu) || gpu < 0 || gpu >= c->f->nodes[p->node].count) {
        find(c, "placement %zu: no such node or GPU", index);
        return false;
    }
    p->gpu = (int)gpu;
    for (p->mode = FLEET_MPS; p->mode > 0 && (!mode || strcmp(FLEET_MODE_NAMES[p->mode], mode) != 0); p->mode--)
        ;
    if (p->mode == FLEET_EMPTY) {
        find(c, "placement %zu on %s/%d: unknown mode", index, node, p->gpu);
        return false;
    }
    if (p->mode == FLEET_MIG) {
        p->profile = profile ? gpu_profile_find(c->f->nodes[p->node].model, profile, &e) : NULL;
        if (!p->profile || !whole(doc_get(n, "start"), &start)) {
            find(c, "placement %zu on %s/%d: no such MIG profile, or no start", index, node, p->gpu);
            return false;
        }
        p->start = (int)start;
    } else if (profile) {
        find(c, "placement %zu on %s/%d: a profile without MIG", index, node, p->gpu);
    }
    if (r && r->kind == DOC_SCALAR)
        p->reserved = true;
    if (p->reserved && w && w->kind == DOC_SCALAR)
        find(c, "placement %zu on %s/%d: reserved and taken at once", index, node, p->gpu);
    if (p->reserved)
        w = r;
    if (w && w->kind == DOC_SCALAR) {
        p->workload = fleet_find_workload(c->f, w->text);
        if (p->workload == FLEET_NONE) {
            find(c, "placement %zu on %s/%d: no workload \"%s\"", index, node, p->gpu, w->text);
            return false;
        }
        if (!p->reserved && !whole(doc_get(n, "replica"), &p->replica))
            find(c, "placement %zu on %s/%d: a replica without its number", index, node, p->gpu);
    } else if (p->mode != FLEET_MIG) {
        find(c, "placement %zu on %s/%d: nobody on a whole GPU", index, node, p->gpu);
    }
    p->stays = is_true(doc_get(n, "stays"));
    return true;
}

static int place_order(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->gpu != y->gpu)
        return x->gpu < y->gpu ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->workload != y->workload)
        return x->workload < y->workload ? -1 : 1;
    return x->replica < y->replica ? -1 : x->replica > y->replica;
}

static void read_placements(struct checker *c, const struct doc_node *list)
{
    size_t at = 0;

    for (size_t i = 0; list && i < list->count; i++) {
        GROW(c->at, c->cap, c->n + 1);
        c->n += read_placement(c, list->items[i], i, &c->at[c->n]);
    }
    if (c->n)
        qsort(c->at, c->n, sizeof *c->at, place_order);
    for (size_t n = 0; n < c->f->node_count; n++)
        for (int g = 0; g < c->f->nodes[n].count; g++) {
            c->first[c->f->nodes[n].first + (size_t)g] = at;
            while (at < c->n && c->at[at].node == (int)n && c->at[at].gpu == g)
                at++;
        }
    c->first[c->f->gpu_count] = at;
}

/* ---- one GPU ---- */

static void check_mig(struct checker *c, const struct fleet_node *node, size_t gpu)
{
    int g = (int)(gpu - node->first), count[GPU_PROFILES_MAX] = {0}, end = 0;

    for (size_t i = c->first[gpu]; i < c->first[gpu + 1]; i++) {
        const struct place *p = &c->at[i];
        bool legal = false;
        if (!p->profile)
            continue;
        for (size_t s = 0; s < p->profile->start_count; s++)
            legal = legal || p->profile->starts[s] == p->start;
        if (!legal)
            find(c, "%s/%d: %s cannot start at %d", node->name, g, p->profile->name, p->start);
        if (p->start < end)
            find(c, "%s/%d: %s@%d overlaps the instance before it", node->name, g, p->profile->name, p->start);
        end = p->start + p->profile->size;
        if (++count[p->profile->index] > p->profile->max_instances)
            find(c, "%s/%d: more %s than the GPU can have", node->name, g, p->profile->name);
    }
}

static const struct fleet_option *option_of(const struct checker *c, const struct place *p, int tenants)
{
    const struct fleet_workload *w = &c->f->workloads[p->workload];
    const struct gpu_model *m = c->f->nodes[p->node].model;
    const struct fleet_option *best = NULL;

    for (size_t i = 0; i < w->option_count; i++) {
        const struct fleet_option *o = &w->options[i];
        struct err e = {0};
        bool here = !o->limited;
        for (size_t k = 0; k < o->model_count; k++)
            here = here || o->models[k] == c->f->nodes[p->node].model_index;
        if ((int)o->mode != p->mode || !here ||
            (o->mode == FLEET_MIG && gpu_profile_find(m, o->profile, &e) != p->profile))
            continue;
        if ((o->mode == FLEET_TIME_SLICING || o->mode == FLEET_MPS) && (w->isolated || o->limit < tenants))
            continue;
        if (!best || o->throughput > best->throughput)
            best = o;
    }
    return best;
}

/* What an instance gives by a measured table: the best row of its size below the objective. */
static double measured(const struct checker *c, const struct place *p)
{
    const struct fleet_workload *w = &c->f->workloads[p->workload];
    double best = 0;

    for (size_t i = 0; i < w->measured_count && p->profile && !p->profile->attributes[0]; i++)
        if (w->measured[i].slices == p->profile->compute_slices &&
            (!w->latency || w->measured[i].latency < (double)w->latency * 1e-9) &&
            (!w->measured_gpu || strcmp(w->measured_gpu, c->f->nodes[p->node].model->key) == 0))
            best = fmax(best, w->measured[i].throughput * w->measured[i].processes);
    return best;
}

static void check_option(struct checker *c, const struct place *p, int tenants)
{
    const struct fleet_workload *w = &c->f->workloads[p->workload];
    const struct fleet_node *node = &c->f->nodes[p->node];
    double gives = 1;

    if (w->option_count) {
        const struct fleet_option *o = option_of(c, p, tenants);
        if (!o) {
            find(c, "%s/%d: %s has no option for %s%s%s", node->name, p->gpu, w->name, FLEET_MODE_NAMES[p->mode],
                 p->profile ? " " : "", p->profile ? p->profile->name : "");
            return;
        }
        gives = o->throughput;
    } else if (w->measured) {
        gives = p->mode == FLEET_MIG ? measured(c, p) : 0;
        if (gives <= 0)
            find(c, "%s/%d: %s: the table has no row for this place below the objective", node->name, p->gpu,
                 w->name);
    } else if (p->mode == FLEET_TIME_SLICING || p->mode == FLEET_MPS) {
        find(c, "%s/%d: %s shares a GPU, nothing allows it", node->name, p->gpu, w->name);
    } else if ((double)((p->profile ? p->profile->memory_mib : node->model->memory_mib) << 20) <
               1.1 * (double)w->memory) {
        find(c, "%s/%d: %s needs more memory with headroom than there is", node->name, p->gpu, w->name);
    }
    if (w->by_rate)
        c->rate[p->workload] += gives;
}

static void check_gpu(struct checker *c, size_t n, int g, int tenants_of_node)
{
    const struct fleet_node *node = &c->f->nodes[n];
    size_t gpu = node->first + (size_t)g, first = c->first[gpu], end = c->first[gpu + 1];
    int64_t memory = 0;

    for (size_t i = first; i < end; i++) {
        const struct place *p = &c->at[i];
        if (p->mode != c->at[first].mode)
            find(c, "%s/%d: two modes on one GPU", node->name, g);
        if (p->workload == FLEET_NONE)
            continue;
        c->in_use[gpu] = true;
        if (p->reserved)
            c->reserved[p->workload]++;
        else
            c->real[p->workload]++;
        memory += c->f->workloads[p->workload].memory;
        check_option(c, p, tenants_of_node);
    }
    c->gpus += c->in_use[gpu];
    if (first == end)
        return;
    if (c->at[first].mode == FLEET_MIG)
        check_mig(c, node, gpu);
    else if (c->at[first].mode == FLEET_ALONE && end - first != 1)
        find(c, "%s/%d: %zu tenants on a GPU for one alone", node->name, g, end - first);
    else if (c->at[first].mode != FLEET_ALONE && memory > node->model->memory_mib << 20)
        find(c, "%s/%d: the tenants need %.2f GiB, the GPU has %.2f GiB", node->name, g, (double)memory / (1 << 30),
             (double)node->model->memory_mib / 1024);
}

/* Modes beside each other, and how many tenants the fullest time-sliced (or MPS) GPU of the node has. */
static void check_node(struct checker *c, size_t n)
{
    const struct fleet_node *node = &c->f->nodes[n];
    bool has[FLEET_MPS + 1] = {false};
    int tenants = 0;

    for (int g = 0; g < node->count; g++) {
        size_t gpu = node->first + (size_t)g, count = c->first[gpu + 1] - c->first[gpu];
        enum fleet_mode before = node->gpus[g].mode;
        int mode;
        if (count == 0)
            continue;
        mode = c->at[c->first[gpu]].mode;
        has[mode] = true;
        if ((mode == FLEET_TIME_SLICING || mode == FLEET_MPS) && (int)count > tenants)
            tenants = (int)count;
        c->change[n] = c->change[n] || (before == FLEET_MIG) != (mode == FLEET_MIG);
    }
    if (has[FLEET_ALONE] && has[FLEET_TIME_SLICING])
        find(c, "%s: alone beside time-slicing", node->name);
    if (has[FLEET_MPS] && (has[FLEET_ALONE] || has[FLEET_TIME_SLICING] || has[FLEET_MIG]))
        find(c, "%s: MPS beside another mode", node->name);
    for (int g = 0; g < node->count; g++)
        check_gpu(c, n, g, tenants);
}

/* ---- who stays ---- */

static bool layout_stands(const struct checker *c, const struct fleet_node *node, int g)
{
    size_t gpu = node->first + (size_t)g;
    const struct fleet_gpu *now = &node->gpus[g];

    if (c->f->rules.actuator != FLEET_MIG_PARTED)
        return true;
    if (c->change[(size_t)(node - c->f->nodes)])
        return false;
    for (size_t i = c->first[gpu]; i < c->first[gpu + 1]; i++) {
        bool found = false;
        for (size_t k = 0; k < now->n; k++)
            found = found || (now->places[k].profile == c->at[i].profile && now->places[k].start == c->at[i].start);
        if (!found)
            return false;
    }
    return true;
}

static void count_stays(struct checker *c, size_t n, int g)
{
    const struct fleet_node *node = &c->f->nodes[n];
    const struct fleet_gpu *now = &node->gpus[g];
    size_t gpu = node->first + (size_t)g;
    bool used[FLEET_TENANTS_MAX] = {false}, stands = now->mode != FLEET_MIG || layout_stands(c, node, g);

    for (size_t i = c->first[gpu]; i < c->first[gpu + 1]; i++) {
        struct place *p = &c->at[i];
        bool stays = false;
        for (size_t k = 0; k < now->n && stands && !stays && !p->reserved && p->workload != FLEET_NONE; k++) {
            const struct fleet_place *q = &now->places[k];
            stays = !used[k] && p->mode == (int)now->mode && q->workload == p->workload && q->profile == p->profile &&
                    (!q->profile || q->start == p->start);
            if (stays)
                used[k] = true;
        }
        if (p->stays != stays)
            find(c, "%s/%d: replica of %s is said %s", node->name, g,
                 p->workload == FLEET_NONE ? "nobody" : c->f->workloads[p->workload].name,
                 p->stays ? "to stay, it cannot" : "to move, it stays");
        if (stays)
            c->stays[p->workload]++;
    }
}

static void check_workloads(struct checker *c)
{
    const struct fleet *f = c->f;
    int *last = xmalloc((f->workload_count + 1) * sizeof *last);

    for (size_t w = 0; w < f->workload_count; w++) {
        const struct fleet_workload *fw = &f->workloads[w];
        int64_t remain = fw->by_rate ? c->real[w] : fw->replicas,
                slots = (int64_t)ceil((double)fw->replicas * (1 + f->rules.headroom) * (1 - 1e-9));
        int64_t moves;
        last[w] = -1;
        if (fw->by_rate) {
            if (c->rate[w] < fw->rate * (1 + f->rules.headroom) * (1 - 1e-8))
                find(c, "%s: its instances give %.6g requests/s, the rate is %.6g with headroom", fw->name,
                     c->rate[w], fw->rate * (1 + f->rules.headroom));
            if (c->reserved[w])
                find(c, "%s: reserved places of a workload with a rate", fw->name);
        } else {
            if (c->real[w] != fw->replicas)
                find(c, "%s: %" PRId64 " replicas are placed, %" PRId64 " are wanted", fw->name, c->real[w],
                     fw->replicas);
            if (c->reserved[w] != slots - fw->replicas)
                find(c, "%s: room for %" PRId64 " more replicas, headroom wants %" PRId64, fw->name, c->reserved[w],
                     slots - fw->replicas);
        }
        if (fw->running < remain)
            remain = fw->running;
        moves = remain - c->stays[w];
        c->moves += moves;
        c->weighted += fw->weight * (double)moves;
        if (fw->pinned && moves > 0)
            find(c, "%s is pinned, %" PRId64 " of its replicas move", fw->name, moves);
    }
    for (size_t i = 0; i < c->n; i++) {
        int w = c->at[i].workload;
        if (w == FLEET_NONE || !f->workloads[w].spread)
            continue;
        if (last[w] == c->at[i].node)
            find(c, "%s: two replicas on node %s", f->workloads[w].name, f->nodes[c->at[i].node].name);
        last[w] = c->at[i].node;
    }
    free(last);
}

static int replica_order(const void *a, const void *b)
{
    const struct place *x = *(const struct place *const *)a, *y = *(const struct place *const *)b;

    if (x->workload != y->workload)
        return x->workload < y->workload ? -1 : 1;
    return x->replica < y->replica ? -1 : x->replica > y->replica;
}

/* Each workload's replicas are numbered from 0 without a gap. */
static void check_numbers(struct checker *c)
{
    const struct place **sorted = xmalloc((c->n + 1) * sizeof *sorted);
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].workload != FLEET_NONE && !c->at[i].reserved)
            sorted[n++] = &c->at[i];
    if (n)
        qsort(sorted, n, sizeof *sorted, replica_order);
    for (size_t i = 0; i < n; i++) {
        int64_t expected = i > 0 && sorted[i - 1]->workload == sorted[i]->workload ? sorted[i - 1]->replica + 1 : 0;
        if (sorted[i]->replica != expected)
            find(c, "%s: found replica %" PRId64 ", expected %" PRId64, c->f->workloads[sorted[i]->workload].name,
                 sorted[i]->replica, expected);
    }
    free(sorted);
}

/* ---- what is stated ---- */

static void stated(struct checker *c, const char *what, const struct doc_node *n, const char *key, double truth)
{
    double v;

    if (!number(doc_get(n, key), &v))
        find(c, "%s.%s: no number", what, key);
    else if (!equal(v, truth))
        find(c, "%s.%s: %.10g is stated, it is %.10g", what, key, v, truth);
}

/* The least memory slices (whole GPUs) that the demand can take: a bound that holds of any plan. */
static int64_t simple_bound(const struct checker *c)
{
    return c->gpus > 0;
}

static void check_value(struct checker *c, const char *what, const struct doc_node *n, const char *key, double truth,
                        double least)
{
    double bound;

    stated(c, what, n, key, truth);
    if (!number(doc_get(n, "bound"), &bound)) {
        find(c, "%s.bound: no number", what);
        return;
    }
    if (bound > truth + 1e-6)
        find(c, "%s.bound: %.10g is above the value %.10g that the plan itself reaches", what, bound, truth);
    if (is_true(doc_get(n, "proven")) && !equal(bound, truth))
        find(c, "%s: said to be proven, bound %.10g and value %.10g differ", what, bound, truth);
    if (is_true(doc_get(n, "proven")) && bound < least)
        find(c, "%s.bound: %.10g is below %.10g, which any plan needs", what, bound, least);
}

struct bill {
    double bill, idle, stranded;
    double *workloads;
};

static void bill_gpu(const struct checker *c, size_t n, bool after, int g, struct bill *b)
{
    const struct fleet_node *node = &c->f->nodes[n];
    const struct fleet_gpu *now = &node->gpus[g];
    size_t gpu = node->first + (size_t)g, count = after ? c->first[gpu + 1] - c->first[gpu] : now->n;
    double left = node->price;
    bool used = false;

    for (size_t i = 0; i < count; i++)
        used = used || (after ? c->at[c->first[gpu] + i].workload : now->places[i].workload) != FLEET_NONE;
    if (!used)
        return;
    b->bill += node->price;
    for (size_t i = 0; i < count; i++) {
        const struct place *p = after ? &c->at[c->first[gpu] + i] : NULL;
        const struct gpu_profile *profile = after ? p->profile : now->places[i].profile;
        int w = after ? (p->reserved ? FLEET_NONE : p->workload) : now->places[i].workload;
        double part = profile ? node->price * profile->size / node->model->grid : node->price / (double)count;
        left -= part;
        if (w == FLEET_NONE)
            b->idle += part;
        else
            b->workloads[w] += part;
    }
    b->stranded += left;
}

static void check_bill(struct checker *c, const char *key, bool after)
{
    const struct doc_node *stands = doc_get(doc_get(c->plan, "cost"), key), *shares = doc_get(stands, "workloads");
    struct bill b = {.workloads = xcalloc(c->f->workload_count + 1, sizeof(double))};
    double sum = 0, v;

    for (size_t n = 0; n < c->f->node_count; n++)
        for (int g = 0; g < c->f->nodes[n].count; g++)
            bill_gpu(c, n, after, g, &b);
    stated(c, "cost", stands, "bill", b.bill);
    for (size_t w = 0; w < c->f->workload_count; w++) {
        const struct doc_node *n = doc_get(shares, c->f->workloads[w].name);
        double share = 0;
        if (n && !number(n, &share))
            find(c, "cost.%s.workloads.%s: no number", key, c->f->workloads[w].name);
        if (fabs(share - b.workloads[w]) > 1e-4 + 1e-6 * b.workloads[w])
            find(c, "cost.%s.workloads.%s: %.6f is stated, it is %.6f", key, c->f->workloads[w].name, share,
                 b.workloads[w]);
        sum += share;
    }
    if (number(doc_get(stands, "idle"), &v)) {
        sum += v;
        if (fabs(v - b.idle) > 1e-4 + 1e-6 * b.idle)
            find(c, "cost.%s.idle: %.6f is stated, it is %.6f", key, v, b.idle);
    } else {
        find(c, "cost.%s.idle: no number", key);
    }
    if (number(doc_get(stands, "stranded"), &v))
        sum += v;
    else
        find(c, "cost.%s.stranded: no number", key);
    if (fabs(sum - b.bill) > 5e-5)
        find(c, "cost.%s: workloads, idle and stranded are %.6f, the bill is %.6f", key, sum, b.bill);
    free(b.workloads);
}

static void check_freed(struct checker *c)
{
    const struct doc_node *list = doc_get(c->plan, "nodes_freed");
    size_t expected = 0, n = list && list->kind == DOC_SEQUENCE ? list->count : 0;

    for (size_t k = 0; k < c->f->node_count; k++) {
        const struct fleet_node *node = &c->f->nodes[k];
        bool before = false, after = false, said = false;
        for (int g = 0; g < node->count; g++) {
            for (size_t i = 0; i < node->gpus[g].n; i++)
                before = before || node->gpus[g].places[i].workload != FLEET_NONE;
            after = after || c->in_use[node->first + (size_t)g];
        }
        for (size_t i = 0; i < n; i++)
            said = said || (text_of(list->items[i]) && strcmp(text_of(list->items[i]), node->name) == 0);
        expected += before && !after;
        if (said != (before && !after))
            find(c, "nodes_freed: %s is %s", node->name,
                 said ? "listed, it is not freed" : "freed, it is not listed");
    }
    if (n != expected)
        find(c, "nodes_freed: %zu are listed, %zu are freed", n, expected);
}

static void check_frontier(struct checker *c)
{
    const struct doc_node *list = doc_get(c->plan, "frontier");
    double last_gpus = -1, last_moves = 1e300;

    for (size_t i = 0; list && list->kind == DOC_SEQUENCE && i < list->count; i++) {
        double gpus, moves;
        if (!number(doc_get(list->items[i], "gpus"), &gpus) || !number(doc_get(list->items[i], "moves"), &moves)) {
            find(c, "frontier[%zu]: no numbers", i);
            return;
        }
        if (gpus <= last_gpus || gpus > (double)c->f->gpu_count)
            find(c, "frontier[%zu]: GPUs do not rise, or are more than there are", i);
        if (is_true(doc_get(list->items[i], "proven")) && moves > last_moves)
            find(c, "frontier[%zu]: more moves at more GPUs", i);
        if (equal(gpus, (double)c->gpus) && moves > c->weighted + 1e-6)
            find(c, "frontier[%zu]: %g moves, the plan itself takes %g", i, moves, c->weighted);
        last_gpus = gpus;
        last_moves = moves;
    }
}

/* ---- the steps ---- */

static int64_t gpu_of(const struct checker *c, const struct doc_node *at)
{
    const char *node = text_of(doc_get(at, "node"));
    int n = node ? fleet_find_node(c->f, node) : FLEET_NONE;
    int64_t g;

    if (n == FLEET_NONE || !whole(doc_get(at, "gpu"), &g) || g < 0 || g >= c->f->nodes[n].count)
        return -1;
    return (int64_t)c->f->nodes[n].first + g;
}

/* The steps as they are walked: which present replicas have left, wave by wave, and which placements are taken. */
struct walk {
    uint64_t *left, *leaving;                /* by GPU: bits of its present places; `leaving` in the wave under way */
    uint64_t *standing;                      /* by GPU: those who stay to the end */
    bool *taken;                             /* by placement: it has arrived, or stays */
    int64_t *moved, *fresh, *retired, *away; /* by workload; away in the wave under way */
    int64_t *waiting;                        /* by GPU: replicas that wait there */
    bool forced;
};

struct leg {
    const struct doc_node *from, *to;
    const char *how;
    int workload;
    int64_t a, b; /* GPUs, -1 */
    bool from_waits, to_waits, forced;
};

static bool read_leg(struct checker *c, const struct doc_node *m, struct leg *l)
{
    const char *name = text_of(doc_get(m, "workload"));

    *l = (struct leg){
        .from = doc_get(m, "from"), .to = doc_get(m, "to"), .how = text_of(doc_get(m, "how")), .a = -1, .b = -1};
    l->workload = name ? fleet_find_workload(c->f, name) : FLEET_NONE;
    l->forced = is_true(doc_get(m, "forced"));
    if (l->from && l->from->kind != DOC_MAPPING)
        l->from = NULL;
    if (l->to && l->to->kind != DOC_MAPPING)
        l->to = NULL;
    if (l->from)
        l->a = gpu_of(c, l->from);
    if (l->to)
        l->b = gpu_of(c, l->to);
    l->from_waits = l->from && is_true(doc_get(l->from, "waits"));
    l->to_waits = l->to && is_true(doc_get(l->to, "waits"));
    return l->workload != FLEET_NONE && l->how && (l->from || l->to) && (!l->from || l->a >= 0) &&
           (!l->to || l->b >= 0);
}

static bool is_place(const struct checker *c, const struct doc_node *at, size_t gpu,
                     const struct gpu_profile *profile, int start, int mode)
{
    const struct gpu_model *m = c->f->nodes[fleet_node_of(c->f, gpu)].model;
    const char *text = text_of(doc_get(at, "profile")), *said = text_of(doc_get(at, "mode"));
    struct err e = {0};
    int64_t s;

    if (!said || strcmp(said, FLEET_MODE_NAMES[mode]) != 0)
        return false;
    if (!profile)
        return !text;
    return text && gpu_profile_find(m, text, &e) == profile && whole(doc_get(at, "start"), &s) && s == start;
}

/* A replica leaves a place where it runs. */
static void leave(struct checker *c, struct walk *k, const struct leg *l)
{
    const struct fleet_gpu *now = fleet_gpu_at(c->f, (size_t)l->a);

    if (l->from_waits) {
        if (k->waiting[l->a]-- <= 0)
            find(c, "steps: a replica of %s leaves where none waits", c->f->workloads[l->workload].name);
        return;
    }
    for (size_t i = 0; i < now->n; i++)
        if (now->places[i].workload == l->workload &&
            !((k->left[l->a] | k->leaving[l->a] | k->standing[l->a]) >> i & 1) &&
            is_place(c, l->from, (size_t)l->a, now->places[i].profile, now->places[i].start, (int)now->mode)) {
            k->leaving[l->a] |= UINT64_C(1) << i;
            return;
        }
    find(c, "steps: a replica of %s leaves a place where none of it runs", c->f->workloads[l->workload].name);
}

/* Is the new place clear of those that have left before `gone` says so? */
static bool clear(const struct checker *c, const struct walk *k, size_t gpu, const struct place *p, bool with_leaving)
{
    const struct fleet_node *node = &c->f->nodes[p->node];
    const struct fleet_gpu *now = fleet_gpu_at(c->f, gpu);
    bool stands = now->mode == FLEET_MIG && p->mode == FLEET_MIG && layout_stands(c, node, p->gpu);

    for (size_t i = 0; i < now->n; i++) {
        bool gone = (k->left[gpu] | (with_leaving ? k->leaving[gpu] : 0)) >> i & 1, stays = false;
        if (now->places[i].workload == FLEET_NONE || gone)
            continue;
        for (size_t q = c->first[gpu]; q < c->first[gpu + 1]; q++)
            stays = stays || (c->at[q].stays && c->at[q].workload == now->places[i].workload &&
                              c->at[q].profile == now->places[i].profile && c->at[q].start == now->places[i].start);
        if (stays && (stands || now->mode != FLEET_MIG))
            continue;
        if (stands && (now->places[i].start >= p->start + p->profile->size ||
                       p->start >= now->places[i].start + now->places[i].profile->size))
            continue;
        return false;
    }
    return true;
}

static void arrive(struct checker *c, struct walk *k, const struct leg *l)
{
    if (l->to_waits) {
        k->waiting[l->b]++;
        for (size_t i = c->first[l->b]; i < c->first[l->b + 1]; i++)
            if (k->taken[i])
                find(c, "steps: a replica of %s waits on a GPU that is in use", c->f->workloads[l->workload].name);
        return;
    }
    for (size_t i = c->first[l->b]; i < c->first[l->b + 1]; i++) {
        const struct place *p = &c->at[i];
        if (p->workload != l->workload || p->reserved || k->taken[i] ||
            !is_place(c, l->to, (size_t)l->b, p->profile, p->start, p->mode))
            continue;
        k->taken[i] = true;
        if (!l->forced && !clear(c, k, (size_t)l->b, p, strcmp(l->how, "free then place") == 0))
            find(c, "steps: a replica of %s comes to %s/%d while its place is not free",
                 c->f->workloads[l->workload].name, c->f->nodes[p->node].name, p->gpu);
        return;
    }
    find(c, "steps: a replica of %s comes to a place that the placements do not have",
         c->f->workloads[l->workload].name);
}

static void count_leg(struct checker *c, struct walk *k, const struct leg *l, int64_t wave)
{
    const struct fleet_workload *w = &c->f->workloads[l->workload];
    int64_t allowed = w->max_unavailable;

    k->forced = k->forced || l->forced;
    if (!l->from) {
        k->fresh[l->workload]++;
        return;
    }
    if (!l->to) {
        k->retired[l->workload]++;
        return;
    }
    k->moved[l->workload] += !l->to_waits;
    k->away[l->workload]++;
    if (strcmp(l->how, "free then place") != 0 && allowed < 1)
        allowed = 1; /* the new replica is ready before the old one goes */
    if (k->away[l->workload] > allowed && !l->forced)
        find(c, "wave %" PRId64 ": %" PRId64 " replicas of %s move, its allowance is %d", wave, k->away[l->workload],
             w->name, w->max_unavailable);
}

/* One wave: steps [first, end). Those that leave are noted first; who comes is judged by how it is said to come. */
static void walk_wave(struct checker *c, struct walk *k, const struct doc_node *steps, size_t first, size_t end,
                      int64_t wave)
{
    struct leg l;

    memset(k->away, 0, (c->f->workload_count + 1) * sizeof *k->away);
    memset(k->leaving, 0, (c->f->gpu_count + 1) * sizeof *k->leaving);
    for (int pass = 0; pass < 2; pass++)
        for (size_t s = first; s < end; s++) {
            const struct doc_node *moves = doc_get(steps->items[s], "moves");
            int64_t here = gpu_of(c, steps->items[s]);
            if (pass == 0 && here < 0)
                find(c, "steps[%zu]: no such node or GPU", s);
            for (size_t i = 0; moves && moves->kind == DOC_SEQUENCE && i < moves->count; i++) {
                if (!read_leg(c, moves->items[i], &l)) {
                    if (pass == 0)
                        find(c, "steps[%zu].moves[%zu]: no such workload, or no places", s, i);
                } else if (pass == 0) {
                    if ((l.to ? l.b : l.a) != here)
                        find(c, "steps[%zu].moves[%zu]: it is at another GPU than the step", s, i);
                    count_leg(c, k, &l, wave);
                    if (l.from)
                        leave(c, k, &l);
                } else if (l.to) {
                    arrive(c, k, &l);
                }
            }
        }
    for (size_t g = 0; g < c->f->gpu_count; g++)
        k->left[g] |= k->leaving[g];
}

static void check_steps(struct checker *c)
{
    const struct doc_node *steps = doc_get(c->plan, "steps");
    const struct fleet *f = c->f;
    const char *transition = text_of(doc_get(c->plan, "transition"));
    size_t n = f->workload_count + 1, count = steps && steps->kind == DOC_SEQUENCE ? steps->count : 0, end;
    struct walk k = {xcalloc(f->gpu_count + 1, sizeof *k.left),
                     xcalloc(f->gpu_count + 1, sizeof *k.left),
                     xcalloc(f->gpu_count + 1, sizeof *k.left),
                     xcalloc(c->n + 1, 1),
                     xcalloc(n, sizeof *k.moved),
                     xcalloc(n, sizeof *k.moved),
                     xcalloc(n, sizeof *k.moved),
                     xcalloc(n, sizeof *k.moved),
                     xcalloc(f->gpu_count + 1, sizeof *k.waiting),
                     false};
    int64_t last = 0;

    for (size_t i = 0; i < c->n; i++) {
        const struct place *p = &c->at[i];
        size_t gpu = f->nodes[p->node].first + (size_t)p->gpu;
        const struct fleet_gpu *now = &f->nodes[p->node].gpus[p->gpu];
        k.taken[i] = p->stays;
        for (size_t t = 0; p->stays && t < now->n; t++)
            if (!(k.standing[gpu] >> t & 1) && now->places[t].workload == p->workload &&
                now->places[t].profile == p->profile && (!p->profile || now->places[t].start == p->start)) {
                k.standing[gpu] |= UINT64_C(1) << t;
                break;
            }
    }
    for (size_t s = 0; s < count; s = end) {
        int64_t wave = 0, next = 0;
        if (!whole(doc_get(steps->items[s], "wave"), &wave) || wave < last + 1 || wave > last + 1)
            find(c, "steps[%zu]: wave %" PRId64 " after wave %" PRId64, s, wave, last);
        last = wave;
        for (end = s + 1; end < count && whole(doc_get(steps->items[end], "wave"), &next) && next == wave; end++)
            ;
        walk_wave(c, &k, steps, s, end, wave);
        c->out->steps += end - s;
    }
    for (size_t w = 0; w < f->workload_count; w++) {
        const struct fleet_workload *fw = &f->workloads[w];
        int64_t remain = fw->running < c->real[w] ? fw->running : c->real[w];
        if (k.moved[w] != remain - c->stays[w])
            find(c, "steps: %" PRId64 " replicas of %s move, the placements want %" PRId64, k.moved[w], fw->name,
                 remain - c->stays[w]);
        if (k.fresh[w] != c->real[w] - remain)
            find(c, "steps: %" PRId64 " replicas of %s are new, the placements want %" PRId64, k.fresh[w], fw->name,
                 c->real[w] - remain);
        if (k.retired[w] != fw->running - remain)
            find(c, "steps: %" PRId64 " replicas of %s retire, the placements want %" PRId64, k.retired[w], fw->name,
                 fw->running - remain);
    }
    for (size_t i = 0; i < c->n; i++)
        if (!k.taken[i] && c->at[i].workload != FLEET_NONE && !c->at[i].reserved)
            find(c, "steps: nothing brings replica %" PRId64 " of %s to its place", c->at[i].replica,
                 f->workloads[c->at[i].workload].name);
    if (k.forced != (transition && strcmp(transition, "every allowance is kept") != 0))
        find(c, "transition: what it says and the steps differ");
    free(k.left);
    free(k.leaving);
    free(k.standing);
    free(k.taken);
    free(k.moved);
    free(k.fresh);
    free(k.retired);
    free(k.away);
    free(k.waiting);
}

static void check_rules(struct checker *c)
{
    const struct fleet_rules *r = &c->f->rules;

    if (r->moves >= 0 && c->moves > r->moves)
        find(c, "rules.moves: %" PRId64 " replicas move, %" PRId64 " may", c->moves, r->moves);
    if ((int64_t)c->f->gpu_count - c->gpus < r->spare_gpus)
        find(c, "rules.spare: %" PRId64 " GPUs are unused, %" PRId64 " are to be", (int64_t)c->f->gpu_count - c->gpus,
             r->spare_gpus);
}

static int64_t used_before(const struct fleet *f)
{
    int64_t n = 0;

    for (size_t k = 0; k < f->node_count; k++)
        for (int g = 0; g < f->nodes[k].count; g++) {
            bool used = false;
            for (size_t i = 0; i < f->nodes[k].gpus[g].n; i++)
                used = used || f->nodes[k].gpus[g].places[i].workload != FLEET_NONE;
            n += used;
        }
    return n;
}

static void check_all(struct checker *c)
{
    const struct doc_node *gpus = doc_get(c->plan, "gpus"), *moves = doc_get(c->plan, "moves");
    char digest[32];

    snprintf(digest, sizeof digest, "%016" PRIx64, c->f->digest);
    if (!text_of(doc_get(c->plan, "digest")) || strcmp(text_of(doc_get(c->plan, "digest")), digest) != 0)
        find(c, "digest: the plan was made for another fleet, or the fleet has changed");
    read_placements(c, doc_get(c->plan, "placements"));
    c->out->placements = c->n;
    for (size_t n = 0; n < c->f->node_count; n++)
        check_node(c, n);
    for (size_t n = 0; n < c->f->node_count; n++)
        for (int g = 0; g < c->f->nodes[n].count; g++)
            count_stays(c, n, g);
    check_workloads(c);
    check_numbers(c);
    check_rules(c);
    stated(c, "gpus", gpus, "before", (double)used_before(c->f));
    check_value(c, "gpus", gpus, "after", (double)c->gpus, (double)simple_bound(c));
    check_value(c, "moves", moves, "count", (double)c->moves, 0);
    check_bill(c, "before", false);
    check_bill(c, "after", true);
    check_freed(c);
    check_frontier(c);
    check_steps(c);
}

int check_plan(const struct fleet *f, const struct doc_node *plan, struct findings *ret, struct err *err)
{
    struct checker c = {.f = f, .plan = plan, .out = ret};
    const char *kind = text_of(doc_get(plan, "kind"));

    *ret = (struct findings){.n = 0};
    if (!plan || plan->kind != DOC_MAPPING || !kind || strcmp(kind, "Plan") != 0)
        return err_set(err, ERR_INPUT, "the document is no Plan");
    if (!is_true(doc_get(plan, "feasible")))
        return err_set(err, ERR_INPUT, "the plan says that there is none (feasible: false): nothing to check");
    c.first = xcalloc(f->gpu_count + 2, sizeof *c.first);
    c.real = xcalloc(f->workload_count + 1, sizeof *c.real);
    c.reserved = xcalloc(f->workload_count + 1, sizeof *c.reserved);
    c.stays = xcalloc(f->workload_count + 1, sizeof *c.stays);
    c.rate = xcalloc(f->workload_count + 1, sizeof *c.rate);
    c.change = xcalloc(f->node_count + 1, sizeof *c.change);
    c.in_use = xcalloc(f->gpu_count + 1, sizeof *c.in_use);
    check_all(&c);
    free(c.at);
    free(c.first);
    free(c.real);
    free(c.reserved);
    free(c.stays);
    free(c.rate);
    free(c.change);
    free(c.in_use);
    return 0;
}

void findings_done(struct findings *r)
{
    for (size_t i = 0; i < r->n && i < CHECK_FINDINGS_MAX; i++)
        free(r->at[i]);
    r->n = 0;
}
