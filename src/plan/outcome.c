/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/outcome.h"

#include <string.h>

#include "base/mem.h"
#include "plan/bundle.h"
#include "plan/intern.h"

enum { OFFERS_MAX = 2 * FLEET_TENANTS_MAX };

struct candidate {
    struct outcome o;            /* first: sorting */
    const struct layout *layout; /* MIG */
};

struct model_layouts {
    struct layout_list maximal, pareto; /* over the profiles that anyone may use */
    bool made;
};

struct bundles {
    int mode, r, model;
    struct bundle_list list;
};

struct outcomes {
    struct problem *p;
    struct arena *arena, *scratch;
    struct model_layouts *layouts; /* by model */
    struct bundles *bundles;
    size_t bundle_count, bundle_cap;
    int64_t *wanted;      /* by slot */
    struct intern *keys;  /* of blocks */
    struct intern *asked; /* (state, mode, price) */
    int *answers;
    size_t answered, answer_cap, block_cap;
    struct candidate *found; /* of the state under way */
    size_t n, cap;
};

/* How many tenancies of each slot anyone could want: fixed tenants and whole demands. */
static void count_wanted(struct outcomes *o)
{
    struct problem *p = o->p;

    o->wanted = ARENA_ARRAY(o->arena, int64_t, p->slot_count + 1);
    for (size_t g = 0; g < p->group_count; g++)
        for (size_t u = 0; u < p->groups[g].use_count; u++) {
            const struct use *use = &p->groups[g].uses[u];
            double want = p->groups[g].by_rate ? p->groups[g].rate / use->gives + 1 : (double)p->groups[g].demand;
            o->wanted[use->slot] += want > FLEET_TENANTS_MAX ? FLEET_TENANTS_MAX : (int64_t)want;
        }
    for (size_t s = 0; s < p->state_count; s++)
        for (size_t t = 0; t < p->states[s].n; t++)
            if (p->states[s].at[t].tag == STATE_FIXED && p->states[s].at[t].slot >= 0)
                o->wanted[p->states[s].at[t].slot] += 1;
}

struct outcomes *outcomes_new(struct problem *p)
{
    struct outcomes *o = xcalloc(1, sizeof *o);

    o->p = p;
    o->arena = arena_new();
    o->scratch = arena_new();
    o->layouts = ARENA_ARRAY(o->arena, struct model_layouts, p->fleet->model_count);
    o->keys = intern_new();
    o->asked = intern_new();
    count_wanted(o);
    return o;
}

void outcomes_free(struct outcomes *o)
{
    if (!o)
        return;
    for (size_t m = 0; m < o->p->fleet->model_count; m++) {
        layout_list_done(&o->layouts[m].maximal);
        layout_list_done(&o->layouts[m].pareto);
    }
    for (size_t i = 0; i < o->bundle_count; i++)
        bundle_list_done(&o->bundles[i].list);
    free(o->bundles);
    free(o->p->blocks);
    intern_free(o->keys);
    intern_free(o->asked);
    free(o->answers);
    free(o->found);
    arena_free(o->scratch);
    arena_free(o->arena);
    free(o);
}

static int mig_slot(const struct problem *p, int model, const struct gpu_profile *profile)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].mode == FLEET_MIG && p->slots[i].model == model && p->slots[i].profile == profile)
            return (int)i;
    return -1;
}

static const struct model_layouts *layouts_of(struct outcomes *o, int model)
{
    struct model_layouts *l = &o->layouts[model];
    const struct problem *p = o->p;
    uint32_t wanted = 0, standing = 0;

    if (l->made)
        return l;
    l->made = true;
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].mode == FLEET_MIG && p->slots[i].model == model)
            wanted |= UINT32_C(1) << p->slots[i].profile->index;
    for (size_t s = 0; s < p->state_count; s++)
        for (size_t t = 0; t < p->states[s].n; t++)
            if (p->states[s].model == model && p->states[s].at[t].profile && p->states[s].at[t].tag != STATE_IDLE)
                standing |= UINT32_C(1) << p->states[s].at[t].profile->index;
    if (wanted)
        layout_list(p->fleet->models[model], wanted, LAYOUT_PARETO, &l->pareto);
    if (wanted | standing)
        layout_list(p->fleet->models[model], wanted | standing, LAYOUT_MAXIMAL, &l->maximal);
    return l;
}

static const struct bundle_list *bundles_of(struct outcomes *o, enum fleet_mode mode, int r, int model)
{
    for (size_t i = 0; i < o->bundle_count; i++)
        if (o->bundles[i].mode == (int)mode && o->bundles[i].r == r && o->bundles[i].model == model)
            return &o->bundles[i].list;
    GROW(o->bundles, o->bundle_cap, o->bundle_count + 1);
    o->bundles[o->bundle_count] = (struct bundles){.mode = (int)mode, .r = r, .model = model};
    bundle_list(o->p, mode, r, model, o->wanted, &o->bundles[o->bundle_count].list);
    o->p->truncated = o->p->truncated || o->bundles[o->bundle_count].list.truncated;
    return &o->bundles[o->bundle_count++].list;
}

/* Offers of one candidate while they are gathered. */
struct gathering {
    struct offer at[OFFERS_MAX];
    size_t n;
};

static void offer(struct gathering *g, int row, int count)
{
    size_t i = 0;

    if (row < 0 || count == 0)
        return;
    while (i < g->n && g->at[i].row < row)
        i++;
    if (i < g->n && g->at[i].row == row) {
        g->at[i].count += count;
        return;
    }
    if (g->n == OFFERS_MAX)
        return;
    memmove(&g->at[i + 1], &g->at[i], (g->n - i) * sizeof g->at[0]);
    g->at[i] = (struct offer){row, count};
    g->n++;
}

static int keep_row(const struct problem *p, int group, int slot)
{
    const struct group *g = &p->groups[group];

    for (size_t u = 0; u < g->use_count; u++)
        if (g->uses[u].slot == slot)
            return g->uses[u].keep < 0 ? -1 : (int)p->slot_count + g->uses[u].keep;
    return -1;
}

/* Is everything that a offers offered by b too? */
static bool within(const struct outcome *a, const struct outcome *b)
{
    size_t k = 0;

    for (size_t i = 0; i < a->offer_count; i++) {
        while (k < b->offer_count && b->offers[k].row < a->offers[i].row)
            k++;
        if (k == b->offer_count || b->offers[k].row != a->offers[i].row || b->offers[k].count < a->offers[i].count)
            return false;
    }
    return true;
}

/* Adds a candidate unless one that offers as much stands; those that it beats go. */
static void add(struct outcomes *o, enum outcome_kind kind, bool in_use, const struct gathering *g,
                const struct layout *layout)
{
    struct candidate c = {.o = {.kind = kind, .in_use = in_use, .offers = g->at, .offer_count = g->n},
                          .layout = layout};
    struct offer *copy;
    size_t kept = 0;

    for (size_t i = 0; i < o->n; i++)
        if (o->found[i].o.in_use == in_use && within(&c.o, &o->found[i].o))
            return;
    for (size_t i = 0; i < o->n; i++)
        if (o->found[i].o.in_use != in_use || !within(&o->found[i].o, &c.o))
            o->found[kept++] = o->found[i];
    o->n = kept;
    copy = ARENA_ARRAY(o->scratch, struct offer, g->n + 1);
    memcpy(copy, g->at, g->n * sizeof *copy);
    c.o.offers = copy;
    GROW(o->found, o->cap, o->n + 1);
    o->found[o->n++] = c;
}

static void add_keep(struct outcomes *o, const struct state *s)
{
    struct gathering g = {.n = 0};

    for (size_t i = 0; i < s->n; i++) {
        const struct state_place *q = &s->at[i];
        if (q->tag == STATE_FIXED)
            continue;
        offer(&g, q->slot, 1);
        if (q->tag >= 0)
            offer(&g, keep_row(o->p, q->tag, q->slot), 1);
    }
    add(o, OUTCOME_KEEP, true, &g, NULL);
}

static void add_rebuilds(struct outcomes *o, const struct state *s)
{
    const struct model_layouts *l = layouts_of(o, s->model);

    for (size_t i = 0; i < l->pareto.n; i++) {
        struct gathering g = {.n = 0};
        for (size_t k = 0; k < l->pareto.at[i].n; k++)
            offer(&g, mig_slot(o->p, s->model, l->pareto.at[i].at[k].profile), 1);
        if (g.n)
            add(o, OUTCOME_MIG, true, &g, &l->pareto.at[i]);
    }
}

/* In place: every maximal layout, with the instances of now that stand in it. */
static void add_in_place(struct outcomes *o, const struct state *s)
{
    const struct model_layouts *l = layouts_of(o, s->model);

    for (size_t i = 0; i < l->maximal.n; i++) {
        const struct layout *layout = &l->maximal.at[i];
        struct gathering g = {.n = 0};
        size_t required = 0, held = 0;
        for (size_t t = 0; t < s->n; t++)
            required += s->at[t].required;
        for (size_t k = 0; k < layout->n; k++) {
            const struct state_place *here = NULL;
            for (size_t t = 0; t < s->n && !here; t++)
                if (s->at[t].profile == layout->at[k].profile && s->at[t].start == layout->at[k].start)
                    here = &s->at[t];
            if (here)
                held += here->required;
            if (here && here->tag == STATE_FIXED)
                continue;
            offer(&g, mig_slot(o->p, s->model, layout->at[k].profile), 1);
            if (here && here->tag >= 0)
                offer(&g, keep_row(o->p, here->tag, here->slot), 1);
        }
        if (held == required && (g.n || required))
            add(o, OUTCOME_MIG, true, &g, layout);
    }
}

static void add_mig(struct outcomes *o, const struct state *s, const struct node_mode *m, bool required)
{
    bool parted = o->p->fleet->rules.actuator == FLEET_MIG_PARTED, mig = state_in_mig(s);

    if (m->full == FLEET_MPS || !o->p->fleet->models[s->model]->grid || (required && !mig))
        return;
    if (!parted) {
        add_in_place(o, s);
        return;
    }
    if (mig && !m->change)
        add_keep(o, s);
    if (required || (!mig && !m->change))
        return;
    add_rebuilds(o, s);
}

static int slot_for_alone(const struct problem *p, int model)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].mode == FLEET_ALONE && p->slots[i].model == model)
            return (int)i;
    return -1;
}

static void add_alone(struct outcomes *o, const struct state *s, bool required)
{
    struct gathering g = {.n = 0};
    const struct state_place *here = s->mode == FLEET_ALONE && s->n ? &s->at[0] : NULL;

    if (required && !here)
        return;
    if (!here || here->tag != STATE_FIXED) {
        offer(&g, slot_for_alone(o->p, s->model), 1);
        if (here && here->tag >= 0)
            offer(&g, keep_row(o->p, here->tag, here->slot), 1);
    }
    if (g.n || required)
        add(o, OUTCOME_ALONE, true, &g, NULL);
}

/*
 * Who stays in a bundle. Where more could stay in a slot than the bundle has tenancies of it, an outcome for
 * each choice: stays are counted over all GPUs, and one tenancy must not keep two replicas.
 */
struct staying {
    struct outcomes *o;
    const struct state *s;
    const int *free; /* tenancies by position in `slots` */
    const int *slots;
    size_t slot_count;
};

static void choose_stays(struct staying *y, size_t at, size_t from, int left, const struct gathering *g)
{
    struct gathering next;
    const struct state *s = y->s;
    size_t end = from;
    int count;

    if (at == y->slot_count) {
        add(y->o, OUTCOME_SHARED, true, g, NULL);
        return;
    }
    while (from < s->n && (s->at[from].slot != y->slots[at] || s->at[from].tag < 0))
        from++;
    if (from >= s->n || left == 0) {
        choose_stays(y, at + 1, 0, at + 1 < y->slot_count ? y->free[at + 1] : 0, g);
        return;
    }
    /* Places are sorted by slot, then tag: a run of equal tags is one group's. */
    for (end = from; end < s->n && s->at[end].slot == s->at[from].slot && s->at[end].tag == s->at[from].tag; end++)
        ;
    count = (int)(end - from);
    for (int k = count < left ? count : left; k >= 0; k--) {
        int others = 0;
        next = *g;
        offer(&next, keep_row(y->o->p, s->at[from].tag, s->at[from].slot), k);
        for (size_t t = end; t < s->n; t++)
            others += s->at[t].slot == s->at[from].slot && s->at[t].tag >= 0;
        choose_stays(y, at, end, left - k, &next);
        if (others < left - k + 1)
            break; /* letting one more go would leave a tenancy that nobody stays in */
    }
}

static void add_shared(struct outcomes *o, const struct state *s, const struct node_mode *m, bool required)
{
    const struct bundle_list *l = bundles_of(o, m->full, m->r, s->model);
    bool same = s->mode == m->full;

    if (required && !same)
        return;
    for (size_t b = 0; b < l->n; b++) {
        const int *count = l->counts + b * l->slot_count;
        int free[FLEET_TENANTS_MAX * 4];
        struct gathering g = {.n = 0};
        struct staying y = {o, s, free, l->slots, same ? l->slot_count : 0};
        bool ok = true, any = false;
        int fixed = 0;
        for (size_t i = 0; i < l->slot_count; i++) {
            int stands = 0, must = 0;
            for (size_t t = 0; same && t < s->n; t++) {
                stands += s->at[t].slot == l->slots[i] && s->at[t].tag == STATE_FIXED;
                must += s->at[t].slot == l->slots[i] && s->at[t].required;
            }
            ok = ok && count[i] >= must;
            free[i] = count[i] - stands;
            fixed += must;
            any = any || free[i] > 0;
            offer(&g, l->slots[i], free[i] > 0 ? free[i] : 0);
        }
        for (size_t t = 0; same && t < s->n; t++)
            fixed -= s->at[t].required;
        if (ok && fixed == 0 && (any || required))
            choose_stays(&y, 0, 0, y.slot_count ? free[0] : 0, &g);
    }
}

static void generate(struct outcomes *o, const struct state *s, const struct node_mode *m)
{
    bool parted = o->p->fleet->rules.actuator == FLEET_MIG_PARTED, required = false;
    struct gathering none = {.n = 0};

    arena_free(o->scratch);
    o->scratch = arena_new();
    o->n = 0;
    for (size_t t = 0; t < s->n; t++)
        required = required || s->at[t].required;
    add_mig(o, s, m, required);
    if (!parted || m->change || !state_in_mig(s)) {
        if (m->full == FLEET_ALONE)
            add_alone(o, s, required);
        else
            add_shared(o, s, m, required);
    }
    if (!required)
        add(o, OUTCOME_EMPTY, false, &none, NULL);
}

/* Empty first, then by what is offered: the order is the block's, whatever state it came from. */
static int candidate_order(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;

    if (x->in_use != y->in_use)
        return x->in_use ? 1 : -1;
    for (size_t i = 0; i < x->offer_count && i < y->offer_count; i++) {
        if (x->offers[i].row != y->offers[i].row)
            return x->offers[i].row < y->offers[i].row ? -1 : 1;
        if (x->offers[i].count != y->offers[i].count)
            return x->offers[i].count > y->offers[i].count ? -1 : 1;
    }
    return x->offer_count < y->offer_count ? -1 : x->offer_count > y->offer_count;
}

static int intern_block(struct outcomes *o, double price)
{
    size_t size = 1, at = 0;
    int32_t *key;
    int number;

    qsort(o->found, o->n, sizeof *o->found, candidate_order);
    for (size_t i = 0; i < o->n; i++)
        size += 2 + 2 * o->found[i].o.offer_count;
    key = xmalloc((size + 2) * sizeof *key);
    memcpy(key, &price, sizeof price);
    at = 2;
    for (size_t i = 0; i < o->n; i++) {
        key[at++] = o->found[i].o.in_use;
        key[at++] = (int32_t)o->found[i].o.offer_count;
        for (size_t k = 0; k < o->found[i].o.offer_count; k++) {
            key[at++] = o->found[i].o.offers[k].row;
            key[at++] = o->found[i].o.offers[k].count;
        }
    }
    number = intern(o->keys, key, at * sizeof *key);
    free(key);
    if ((size_t)number == o->p->block_count) {
        struct outcome *all = ARENA_ARRAY(o->arena, struct outcome, o->n + 1);
        for (size_t i = 0; i < o->n; i++) {
            struct offer *copy = ARENA_ARRAY(o->arena, struct offer, o->found[i].o.offer_count + 1);
            memcpy(copy, o->found[i].o.offers, o->found[i].o.offer_count * sizeof *copy);
            all[i] = o->found[i].o;
            all[i].offers = copy;
        }
        GROW(o->p->blocks, o->block_cap, o->p->block_count + 1);
        o->p->blocks[o->p->block_count++] = (struct block){price, all, o->n};
    }
    return number;
}

int outcomes_block(struct outcomes *o, int state, int mode, double price)
{
    struct {
        int32_t state, mode;
        double price;
    } key = {state, mode, price};
    int asked = intern(o->asked, &key, sizeof key);

    if ((size_t)asked < o->answered)
        return o->answers[asked];
    GROW(o->answers, o->answer_cap, (size_t)asked + 1);
    o->answered = (size_t)asked + 1;
    o->answers[asked] = -1;
    generate(o, &o->p->states[state], &o->p->modes[mode]);
    if (o->n)
        o->answers[asked] = intern_block(o, price);
    return o->answers[asked];
}

void outcomes_reach(struct outcomes *o, int state, int mode, const struct outcome *want, struct reach *ret)
{
    *ret = (struct reach){.kind = OUTCOME_EMPTY};
    if (!want->in_use)
        return;
    generate(o, &o->p->states[state], &o->p->modes[mode]);
    for (size_t i = 0; i < o->n; i++) {
        const struct outcome *c = &o->found[i].o;
        if (!c->in_use || c->offer_count != want->offer_count ||
            (c->offer_count && memcmp(c->offers, want->offers, c->offer_count * sizeof *c->offers) != 0))
            continue;
        ret->kind = c->kind;
        if (o->found[i].layout)
            ret->layout = *o->found[i].layout;
        return;
    }
}
