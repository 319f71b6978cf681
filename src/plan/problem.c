/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/problem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "plan/bundle.h"
#include "plan/intern.h"
#include "plan/outcome.h"

/* The workloads that can be served, and as what. */
struct maker {
    struct problem p; /* first */
    struct arena *arena;
    struct outcomes *outcomes;
    bool blank;
    size_t slot_cap, keep_cap, group_cap, mode_cap;
};

static int find_slot(struct maker *k, const struct way *w, int64_t memory)
{
    struct slot s = {.mode = w->mode, .model = w->model, .profile = w->profile};

    if (w->mode == FLEET_TIME_SLICING || w->mode == FLEET_MPS) {
        s.limit = w->limit;
        s.memory = memory;
    }
    for (size_t i = 0; i < k->p.slot_count; i++) {
        const struct slot *o = &k->p.slots[i];
        if (o->mode == s.mode && o->model == s.model && o->profile == s.profile && o->limit == s.limit &&
            o->memory == s.memory)
            return (int)i;
    }
    GROW(k->p.slots, k->slot_cap, k->p.slot_count + 1);
    k->p.slots[k->p.slot_count] = s;
    return (int)k->p.slot_count++;
}

static int use_order(const void *a, const void *b)
{
    const struct use *x = a, *y = b;

    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->gives > y->gives ? -1 : x->gives < y->gives;
}

/* A workload's uses by slot; where two give different rates on one slot (other limits), the better one. */
static struct use *make_uses(struct maker *k, int workload, size_t *ret_n)
{
    const struct ways *ways = &k->p.options->of[workload];
    struct use *u = ARENA_ARRAY(k->arena, struct use, ways->n + 1);
    size_t n = 0;

    for (size_t i = 0; i < ways->n; i++) {
        const struct way *w = &ways->at[i];
        u[n++] = (struct use){find_slot(k, w, k->p.fleet->workloads[workload].memory), w->gives, w->batch,
                              w->processes, -1};
    }
    qsort(u, n, sizeof *u, use_order);
    *ret_n = 0;
    for (size_t i = 0; i < n; i++)
        if (*ret_n == 0 || u[*ret_n - 1].slot != u[i].slot)
            u[(*ret_n)++] = u[i];
    return u;
}

static bool is_fixed(const struct fleet_workload *w)
{
    return w->pinned && !w->spread && !w->by_rate && w->running <= w->replicas;
}

static void conflict(struct maker *k, const char *rules, const char *why)
{
    if (k->p.conflict)
        return;
    k->p.conflict = rules;
    k->p.conflict_why = why;
}

/* What merges: replicas that only differ in name. Whoever may retire, is spread or has a rate stays apart. */
static bool merges(const struct fleet_workload *w)
{
    return !w->by_rate && !w->spread && (is_fixed(w) || (!w->pinned && w->running <= w->replicas));
}

static void add_to_group(struct group *g, const struct fleet_workload *w, int64_t slots, bool blank)
{
    bool fixed = is_fixed(w);
    int64_t stands = fixed ? w->running : 0;

    g->demand += slots - stands;
    g->replicas += w->replicas - stands;
    g->running += blank ? 0 : w->running - stands;
}

static void make_groups(struct maker *k)
{
    const struct fleet *f = k->p.fleet;
    struct intern *keys = intern_new();
    size_t *members, *place;
    int *numbers = ARENA_ARRAY(k->arena, int, f->workload_count + 1);
    unsigned char *key = NULL;
    size_t key_cap = 0;

    k->p.group_of = numbers;
    for (size_t i = 0; i < f->workload_count; i++) {
        const struct fleet_workload *w = &f->workloads[i];
        size_t n, used = 0;
        struct use *uses = make_uses(k, (int)i, &n);
        int64_t mark = merges(w) || (k->blank && !w->by_rate && !w->spread) ? -1 : (int64_t)i;
        double weight = is_fixed(w) || w->running == 0 || k->blank ? 1 : w->weight;
        int number;
        if (n == 0 && (w->replicas > 0 || w->rate > 0))
            conflict(
                k, arena_printf(k->arena, "workload %s", w->name),
                arena_printf(k->arena, "no option of %s can be served; each is listed with its reason", w->name));
        GROW(key, key_cap, sizeof mark + sizeof weight + n * (sizeof(int) + 3 * sizeof(double)));
        memcpy(key, &mark, sizeof mark);
        memcpy(key + sizeof mark, &weight, sizeof weight);
        used = sizeof mark + sizeof weight;
        for (size_t u = 0; u < n; u++) {
            memcpy(key + used, &uses[u].slot, sizeof(int));
            used += sizeof(int);
        }
        number = intern(keys, key, used);
        if ((size_t)number == k->p.group_count) {
            GROW(k->p.groups, k->group_cap, k->p.group_count + 1);
            k->p.groups[k->p.group_count++] = (struct group){.by_rate = w->by_rate,
                                                             .spread = w->spread,
                                                             .strict = w->pinned && !is_fixed(w) && !k->blank,
                                                             .rate = w->rate * (1 + f->rules.headroom),
                                                             .weight = weight,
                                                             .uses = uses,
                                                             .use_count = n};
        }
        numbers[i] = number;
        add_to_group(&k->p.groups[number], w, fleet_slots(f, w), k->blank);
        k->p.groups[number].workload_count++;
        k->p.has_spread = k->p.has_spread || w->spread;
        k->p.has_running = k->p.has_running || (w->running && !k->blank);
        if (is_fixed(w))
            k->p.fixed += w->running;
    }
    members = xcalloc(f->workload_count + 1, sizeof *members);
    place = xcalloc(k->p.group_count + 1, sizeof *place);
    for (size_t g = 0; g < k->p.group_count; g++)
        k->p.groups[g].workloads = ARENA_ARRAY(k->arena, int, k->p.groups[g].workload_count);
    for (size_t i = 0; i < f->workload_count; i++)
        k->p.groups[numbers[i]].workloads[place[numbers[i]]++] = (int)i;
    free(members);
    free(place);
    free(key);
    intern_free(keys);
}

/* The use of a group that a running replica's place is, NULL if it could not stay there. */
static struct use *use_of_place(struct maker *k, int group, enum fleet_mode mode, int model,
                                const struct gpu_profile *profile)
{
    struct group *g = &k->p.groups[group];

    for (size_t u = 0; u < g->use_count; u++) {
        const struct slot *s = &k->p.slots[g->uses[u].slot];
        if (s->mode == mode && s->model == model && s->profile == profile)
            return &g->uses[u];
    }
    return NULL;
}

static int profile_slot(struct maker *k, int model, const struct gpu_profile *profile)
{
    for (size_t i = 0; i < k->p.slot_count; i++)
        if (k->p.slots[i].mode == FLEET_MIG && k->p.slots[i].model == model && k->p.slots[i].profile == profile)
            return (int)i;
    return -1;
}

static int keep_of(struct maker *k, int group, struct use *u)
{
    if (u->keep < 0) {
        GROW(k->p.keeps, k->keep_cap, k->p.keep_count + 1);
        k->p.keeps[k->p.keep_count] = (struct keep){group, u->slot};
        u->keep = (int)k->p.keep_count++;
    }
    return u->keep;
}

static int place_order(const void *a, const void *b)
{
    const struct state_place *x = a, *y = b;
    int px = x->profile ? x->profile->index : -1, py = y->profile ? y->profile->index : -1;

    if (px != py)
        return px < py ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    return (int)x->required - (int)y->required;
}

/*
 * A GPU's state. What cannot matter is left out, so that more GPUs are alike: under NVML idle instances, under
 * mig-parted (which keeps all or nothing) where the instances start.
 */
static void make_state(struct maker *k, const struct fleet_node *node, const struct fleet_gpu *gpu, struct state *s,
                       struct state_place *places)
{
    bool parted = k->p.fleet->rules.actuator == FLEET_MIG_PARTED;

    *s = (struct state){.model = node->model_index, .mode = gpu->mode, .at = places};
    for (size_t i = 0; i < gpu->n; i++) {
        const struct fleet_place *p = &gpu->places[i];
        struct state_place *q = &places[s->n];
        *q = (struct state_place){
            .profile = p->profile, .start = parted ? 0 : p->start, .tag = STATE_IDLE, .slot = -1};
        if (p->workload != FLEET_NONE) {
            const struct fleet_workload *w = &k->p.fleet->workloads[p->workload];
            int group = k->p.group_of[p->workload];
            struct use *u = use_of_place(k, group, gpu->mode, node->model_index, p->profile);
            if (u) {
                if (k->blank && !is_fixed(w))
                    continue;
                q->slot = u->slot;
                q->tag = is_fixed(w) ? STATE_FIXED : group;
                q->required = w->pinned && !w->by_rate && w->running <= w->replicas;
                if (q->tag >= 0)
                    keep_of(k, group, u);
            } else if (w->pinned && w->running <= w->replicas) {
                conflict(
                    k, arena_printf(k->arena, "workload %s: disruption.pinned, fits", w->name),
                    arena_printf(k->arena,
                                 "%s is pinned and runs on node %s in a way that its options do not allow (%s%s%s)",
                                 w->name, node->name, FLEET_MODE_NAMES[gpu->mode], p->profile ? " " : "",
                                 p->profile ? p->profile->name : ""));
            }
        }
        if (gpu->mode == FLEET_MIG && q->slot < 0)
            q->slot = profile_slot(k, node->model_index, p->profile);
        if (q->tag == STATE_IDLE && (gpu->mode != FLEET_MIG || !parted || q->slot < 0))
            continue;
        s->n++;
    }
    if (k->blank) {
        bool required = false;
        for (size_t i = 0; i < s->n; i++)
            required = required || s->at[i].required;
        if (!required)
            s->n = 0;
    }
    if (s->n == 0 && (gpu->mode != FLEET_MIG || !parted))
        s->mode = FLEET_EMPTY;
    qsort(places, s->n, sizeof *places, place_order);
}

static int intern_state(struct intern *keys, const struct state *s)
{
    int32_t key[2 + 5 * FLEET_TENANTS_MAX];
    size_t n = 0;

    key[n++] = s->model;
    key[n++] = (int32_t)s->mode;
    for (size_t i = 0; i < s->n; i++) {
        key[n++] = s->at[i].profile ? s->at[i].profile->index : -1;
        key[n++] = s->at[i].start;
        key[n++] = s->at[i].tag;
        key[n++] = s->at[i].slot;
        key[n++] = s->at[i].required;
    }
    return intern(keys, key, n * sizeof key[0]);
}

static void make_states(struct maker *k)
{
    const struct fleet *f = k->p.fleet;
    struct intern *keys = intern_new();
    size_t cap = 0;

    k->p.state_of = ARENA_ARRAY(k->arena, int, f->gpu_count + 1);
    for (size_t n = 0; n < f->node_count; n++) {
        const struct fleet_node *node = &f->nodes[n];
        for (int g = 0; g < node->count; g++) {
            struct state_place places[FLEET_TENANTS_MAX];
            struct state s;
            int number;
            make_state(k, node, &node->gpus[g], &s, places);
            number = intern_state(keys, &s);
            if ((size_t)number == k->p.state_count) {
                GROW(k->p.states, cap, k->p.state_count + 1);
                s.at = ARENA_ARRAY(k->arena, struct state_place, s.n + 1);
                memcpy(s.at, places, s.n * sizeof *places);
                k->p.states[k->p.state_count++] = s;
            }
            k->p.state_of[node->first + (size_t)g] = number;
        }
    }
    intern_free(keys);
}

static int add_mode(struct maker *k, struct node_mode m)
{
    for (size_t i = 0; i < k->p.mode_count; i++)
        if (k->p.modes[i].full == m.full && k->p.modes[i].r == m.r && k->p.modes[i].change == m.change)
            return (int)i;
    GROW(k->p.modes, k->mode_cap, k->p.mode_count + 1);
    k->p.modes[k->p.mode_count] = m;
    return (int)k->p.mode_count++;
}

struct node_kind {
    bool mig_stays; /* a MIG instance whose replica could stay */
    bool in_mig, out_of_mig;
    bool full_required; /* a whole GPU whose tenants must stay */
};

static struct node_kind look_at(const struct problem *p, const int *states, size_t n)
{
    struct node_kind k = {0};

    for (size_t i = 0; i < n; i++) {
        const struct state *s = &p->states[states[i]];
        bool mig = state_in_mig(s);
        k.in_mig = k.in_mig || mig;
        k.out_of_mig = k.out_of_mig || !mig;
        for (size_t t = 0; t < s->n; t++) {
            k.mig_stays = k.mig_stays || (mig && s->at[t].tag != STATE_IDLE);
            k.full_required = k.full_required || (!mig && s->at[t].required);
        }
    }
    return k;
}

/* The modes that a node of this kind may take; those that another one contains are left out. */
static size_t list_modes(struct maker *k, int model, const struct node_kind *kind, struct node_mode *ret, size_t max)
{
    bool parted = k->p.fleet->rules.actuator == FLEET_MIG_PARTED, mig = false, alone = false, sliced = false;
    size_t n = 0;
    uint64_t limits[2] = {0, 0};

    for (size_t i = 0; i < k->p.slot_count; i++) {
        const struct slot *s = &k->p.slots[i];
        if (s->model != model)
            continue;
        mig = mig || s->mode == FLEET_MIG;
        alone = alone || s->mode == FLEET_ALONE;
        if (s->mode == FLEET_TIME_SLICING)
            limits[0] |= UINT64_C(1) << (s->limit - 1);
        if (s->mode == FLEET_MPS)
            limits[1] |= UINT64_C(1) << (s->limit - 1);
    }
    sliced = limits[0] != 0;
    for (int full = 0; full < 3; full++)
        for (int r = 1; r <= FLEET_TENANTS_MAX; r++) {
            struct node_mode m = {full == 0   ? FLEET_ALONE
                                  : full == 1 ? FLEET_TIME_SLICING
                                              : FLEET_MPS,
                                  full ? r : 0, true};
            bool offers = full == 0 ? alone : true;
            if (full == 0 ? r > 1 || (!alone && sliced && !kind->full_required) : !(limits[full - 1] >> (r - 1) & 1))
                continue;
            /* Does changing MIG modes open anything? Where nothing could stay it costs nothing. */
            if (parted && kind->mig_stays && full < 2) {
                bool opens = (mig && kind->out_of_mig) || (offers && kind->in_mig);
                m.change = false;
                if (n < max)
                    ret[n++] = m;
                if (!opens)
                    continue;
                m.change = true;
            }
            if (n < max)
                ret[n++] = m;
        }
    return n;
}

static void make_cell_modes(struct maker *k, struct cell *c)
{
    struct node_mode modes[256];
    struct node_kind kind = look_at(&k->p, c->states, c->gpu_count);
    size_t n = list_modes(k, c->model, &kind, modes, ARRAY_LEN(modes));

    c->modes = ARENA_ARRAY(k->arena, struct cell_mode, n + 1);
    for (size_t m = 0; m < n; m++) {
        int *blocks = ARENA_ARRAY(k->arena, int, c->gpu_count);
        int mode = add_mode(k, modes[m]);
        bool ok = true, same = false;
        for (size_t g = 0; g < c->gpu_count && ok; g++) {
            blocks[g] = outcomes_block(k->outcomes, c->states[g], mode, c->price);
            ok = blocks[g] >= 0;
        }
        for (size_t o = 0; o < c->mode_count && ok && !same; o++)
            same = memcmp(c->modes[o].blocks, blocks, c->gpu_count * sizeof *blocks) == 0;
        if (ok && !same)
            c->modes[c->mode_count++] = (struct cell_mode){mode, blocks};
    }
    if (c->mode_count == 0)
        conflict(k,
                 arena_printf(k->arena, "disruption.pinned, sharing on node %s", k->p.fleet->nodes[c->nodes[0]].name),
                 arena_printf(k->arena,
                              "the pinned workloads on node %s need ways of sharing that exclude each other there",
                              k->p.fleet->nodes[c->nodes[0]].name));
}

static int int_order(const void *a, const void *b)
{
    const int *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void make_cells(struct maker *k)
{
    const struct fleet *f = k->p.fleet;
    struct intern *keys = intern_new();
    int *cell_of = xcalloc(f->node_count + 1, sizeof *cell_of);
    size_t cap = 0;

    for (size_t n = 0; n < f->node_count; n++) {
        const struct fleet_node *node = &f->nodes[n];
        struct {
            int32_t model, count;
            double price;
            int32_t states[FLEET_GPUS_PER_NODE];
        } key;
        memset(&key, 0, sizeof key);
        key.model = node->model_index;
        key.count = node->count;
        key.price = f->priced ? node->price : 0;
        for (int g = 0; g < node->count; g++)
            key.states[g] = k->p.state_of[node->first + (size_t)g];
        qsort(key.states, (size_t)node->count, sizeof key.states[0], int_order);
        cell_of[n] = intern(keys, &key, sizeof key);
        if ((size_t)cell_of[n] == k->p.cell_count) {
            struct cell c = {.model = node->model_index, .price = key.price, .gpu_count = (size_t)node->count};
            int *states = ARENA_ARRAY(k->arena, int, node->count);
            memcpy(states, key.states, (size_t)node->count * sizeof *states);
            c.states = states;
            GROW(k->p.cells, cap, k->p.cell_count + 1);
            k->p.cells[k->p.cell_count++] = c;
        }
        k->p.cells[cell_of[n]].node_count++;
    }
    for (size_t c = 0; c < k->p.cell_count; c++) {
        k->p.cells[c].nodes = ARENA_ARRAY(k->arena, int, k->p.cells[c].node_count);
        k->p.cells[c].node_count = 0;
    }
    for (size_t n = 0; n < f->node_count; n++) {
        struct cell *c = &k->p.cells[cell_of[n]];
        ((int *)(uintptr_t)c->nodes)[c->node_count++] = (int)n;
    }
    free(cell_of);
    intern_free(keys);
    for (size_t c = 0; c < k->p.cell_count; c++)
        make_cell_modes(k, &k->p.cells[c]);
}

struct problem *problem_new(const struct fleet *f, const struct options *o, bool blank)
{
    struct maker *k = xcalloc(1, sizeof *k);

    k->arena = arena_new();
    k->p.fleet = f;
    k->p.options = o;
    k->blank = blank;
    make_groups(k);
    make_states(k);
    k->outcomes = outcomes_new(&k->p);
    make_cells(k);
    return &k->p;
}

void problem_free(struct problem *p)
{
    struct maker *k = (struct maker *)(void *)p;

    if (!p)
        return;
    outcomes_free(k->outcomes);
    free(p->slots);
    free(p->groups);
    free(p->states);
    free(p->keeps);
    free(p->modes);
    free(p->cells);
    arena_free(k->arena);
    free(k);
}

void problem_reach(const struct problem *p, int state, int mode, const struct outcome *want, struct reach *ret)
{
    outcomes_reach(((const struct maker *)(const void *)p)->outcomes, state, mode, want, ret);
}
