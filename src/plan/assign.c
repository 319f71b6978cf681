/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/assign.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* Work lists while places are filled. */
struct free_place {
    size_t gpu;
    int place, unit; /* unit: of an indexed solution, else -1 */
};

struct free_list {
    struct free_place *at;
    size_t n, cap, next;
};

struct assigner {
    const struct problem *p;
    const struct solution *s;
    struct plan *plan;
    int *mode_of;              /* by node: mode of its cell */
    int *block_of;             /* by GPU */
    int *outcome_of;           /* by GPU */
    int *unit_of;              /* by node; -1 unless indexed */
    struct free_list *free;    /* by slot */
    struct free_list *staying; /* by keep: places whose replica may stay */
    int *slice_of_block;       /* not indexed: by block */
};

/* Which mode every node takes, and with it each GPU's block: GPUs by state, as the cell lists them. */
static void give_modes(struct assigner *a)
{
    const struct problem *p = a->p;

    for (size_t u = 0; u < a->s->unit_count; u++) {
        const struct cell *c = &p->cells[a->s->units[u].cell];
        size_t mode = 0, first = 0, last = c->node_count;
        int64_t left = a->s->units[u].modes[0];
        if (a->s->units[u].node >= 0)
            last = 1;
        for (size_t i = first; i < last; i++) {
            int node = a->s->units[u].node >= 0 ? a->s->units[u].node : c->nodes[i];
            const struct fleet_node *n = &p->fleet->nodes[node];
            bool taken[FLEET_GPUS_PER_NODE] = {false};
            while (left == 0 && mode + 1 < c->mode_count)
                left = a->s->units[u].modes[++mode];
            left--;
            a->mode_of[node] = c->modes[mode].mode;
            a->unit_of[node] = a->s->units[u].node >= 0 ? (int)u : -1;
            for (int g = 0; g < n->count; g++)
                for (size_t k = 0; k < c->gpu_count; k++)
                    if (!taken[k] && c->states[k] == p->state_of[n->first + (size_t)g]) {
                        taken[k] = true;
                        a->block_of[n->first + (size_t)g] = c->modes[mode].blocks[k];
                        break;
                    }
        }
    }
}

static const struct slice *slice_of(const struct assigner *a, int unit, int block)
{
    if (unit < 0)
        return &a->s->slices[a->slice_of_block[block]];
    for (size_t i = 0; i < a->s->slice_count; i++)
        if (a->s->slices[i].block == block && a->s->slices[i].unit == unit)
            return &a->s->slices[i];
    return NULL;
}

/*
 * Outcomes. First the idle ones: nodes whose GPUs can all be idle take them whole, those with the fewest busy GPUs
 * now first; then the rest in order.
 */
static void give_outcomes(struct assigner *a)
{
    const struct fleet *f = a->p->fleet;
    int64_t **left = xcalloc(a->s->slice_count + 1, sizeof *left);
    size_t *of = xcalloc(f->gpu_count + 1, sizeof *of);

    for (size_t i = 0; i < a->s->slice_count; i++) {
        size_t n = a->p->blocks[a->s->slices[i].block].outcome_count;
        left[i] = xcalloc(n + 1, sizeof **left);
        memcpy(left[i], a->s->slices[i].counts, n * sizeof **left);
    }
    for (size_t n = 0; n < f->node_count; n++)
        for (size_t g = f->nodes[n].first; g < f->nodes[n].first + (size_t)f->nodes[n].count; g++) {
            of[g] = (size_t)(slice_of(a, a->unit_of[n], a->block_of[g]) - a->s->slices);
            a->outcome_of[g] = -1;
        }
    for (int busy = 0; busy <= FLEET_GPUS_PER_NODE; busy++)
        for (size_t n = 0; n < f->node_count; n++) {
            size_t first = f->nodes[n].first, count = (size_t)f->nodes[n].count, got = 0;
            int now = 0;
            for (size_t g = 0; g < count; g++)
                now += fleet_in_use(&f->nodes[n].gpus[g]);
            if (now != busy)
                continue;
            for (; got < count; got++) {
                size_t s = of[first + got];
                if (a->p->blocks[a->block_of[first + got]].outcomes[0].in_use || left[s][0] == 0)
                    break;
                left[s][0]--;
            }
            for (size_t g = 0; g < got; g++) {
                if (got == count)
                    a->outcome_of[first + g] = 0;
                else
                    left[of[first + g]][0]++;
            }
        }
    for (size_t g = 0; g < f->gpu_count; g++) {
        const struct block *b = &a->p->blocks[a->block_of[g]];
        for (size_t o = b->outcome_count; a->outcome_of[g] < 0 && o-- > 0;)
            if (left[of[g]][o] > 0) {
                left[of[g]][o]--;
                a->outcome_of[g] = (int)o;
            }
    }
    for (size_t i = 0; i < a->s->slice_count; i++)
        free(left[i]);
    free(left);
    free(of);
}

static void push(struct free_list *l, size_t gpu, int place, int unit)
{
    GROW(l->at, l->cap, l->n + 1);
    l->at[l->n++] = (struct free_place){gpu, place, unit};
}

static const struct use *use_at(const struct problem *p, int workload, enum fleet_mode mode, int model,
                                const struct gpu_profile *profile)
{
    const struct group *g = &p->groups[p->group_of[workload]];

    for (size_t u = 0; u < g->use_count; u++) {
        const struct slot *s = &p->slots[g->uses[u].slot];
        if (s->mode == mode && s->model == model && s->profile == profile)
            return &g->uses[u];
    }
    return NULL;
}

static bool fixed(const struct fleet_workload *w)
{
    return w->pinned && !w->spread && !w->by_rate && w->running <= w->replicas;
}

/* The present place that a place of the plan is, -1. */
static int same_place(const struct fleet_gpu *now, const struct plan_gpu *g, size_t place)
{
    if (now->mode != FLEET_MIG || g->mode != FLEET_MIG)
        return -1;
    for (size_t i = 0; i < now->n; i++)
        if (now->places[i].profile == g->places[place].profile && now->places[i].start == g->places[place].start)
            return (int)i;
    return -1;
}

static int slot_of(const struct problem *p, enum fleet_mode mode, int model, const struct gpu_profile *profile)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].mode == mode && p->slots[i].model == model && p->slots[i].profile == profile)
            return (int)i;
    return -1;
}

/* A tenant of now in a place of the plan: it is fixed there, or may stay, or the place is free. */
static void offer_place(struct assigner *a, size_t gpu, int place, int unit, int model, int workload, int slot)
{
    struct plan_gpu *g = &a->plan->gpus[gpu];
    const struct use *u =
        workload == FLEET_NONE ? NULL : use_at(a->p, workload, g->mode, model, g->places[place].profile);

    if (u && fixed(&a->p->fleet->workloads[workload])) {
        g->places[place].workload = workload;
        g->places[place].stays = true;
        return;
    }
    if (u && u->keep >= 0) {
        push(&a->staying[u->keep], gpu, place, unit);
        return;
    }
    if (slot >= 0)
        push(&a->free[slot], gpu, place, unit);
}

static void new_places(struct plan_gpu *g, size_t n)
{
    g->places = xcalloc(n + 1, sizeof *g->places);
    for (size_t i = 0; i < n; i++) {
        g->places[i].workload = FLEET_NONE;
        g->places[i].replica = -1;
    }
    g->n = (uint16_t)n;
}

static void open_mig(struct assigner *a, size_t gpu, const struct fleet_node *node, const struct fleet_gpu *now,
                     int unit, const struct reach *reach)
{
    struct plan_gpu *g = &a->plan->gpus[gpu];
    bool parted = a->p->fleet->rules.actuator == FLEET_MIG_PARTED;

    g->mode = FLEET_MIG;
    g->keeps_layout = reach->kind == OUTCOME_KEEP;
    new_places(g, g->keeps_layout ? now->n : reach->layout.n);
    for (size_t i = 0; i < g->n; i++) {
        int here;
        g->places[i].profile = g->keeps_layout ? now->places[i].profile : reach->layout.at[i].profile;
        g->places[i].start = g->keeps_layout ? now->places[i].start : reach->layout.at[i].start;
        here = g->keeps_layout ? (int)i : parted ? -1 : same_place(now, g, i);
        offer_place(a, gpu, (int)i, unit, node->model_index, here >= 0 ? now->places[here].workload : FLEET_NONE,
                    slot_of(a->p, FLEET_MIG, node->model_index, g->places[i].profile));
    }
}

static void open_alone(struct assigner *a, size_t gpu, const struct fleet_node *node, const struct fleet_gpu *now,
                       int unit)
{
    struct plan_gpu *g = &a->plan->gpus[gpu];

    g->mode = FLEET_ALONE;
    new_places(g, 1);
    offer_place(a, gpu, 0, unit, node->model_index, now->mode == FLEET_ALONE ? now->places[0].workload : FLEET_NONE,
                slot_of(a->p, FLEET_ALONE, node->model_index, NULL));
}

/* Shared: fixed tenants, those that may stay (as many as the outcome says), then free tenancies by slot. */
static void open_shared(struct assigner *a, size_t gpu, const struct fleet_node *node, const struct fleet_gpu *now,
                        int unit, enum fleet_mode mode, const struct outcome *o)
{
    const struct problem *p = a->p;
    struct plan_gpu *g = &a->plan->gpus[gpu];
    int tenancies[FLEET_TENANTS_MAX], may_stay[FLEET_TENANTS_MAX], n = 0, place = 0;
    bool used[FLEET_TENANTS_MAX] = {false};
    int places = 0;

    g->mode = mode;
    for (size_t i = 0; i < o->offer_count; i++)
        if ((size_t)o->offers[i].row < p->slot_count)
            places += o->offers[i].count;
    for (size_t t = 0; now->mode == mode && t < now->n; t++)
        places += now->places[t].workload != FLEET_NONE && fixed(&p->fleet->workloads[now->places[t].workload]);
    new_places(g, (size_t)places);
    for (size_t t = 0; now->mode == mode && t < now->n; t++)
        if (now->places[t].workload != FLEET_NONE && fixed(&p->fleet->workloads[now->places[t].workload])) {
            g->places[place].workload = now->places[t].workload;
            g->places[place++].stays = true;
            used[t] = true;
        }
    for (size_t i = 0; i < o->offer_count; i++) {
        const struct keep *k;
        if ((size_t)o->offers[i].row < p->slot_count)
            continue;
        k = &p->keeps[(size_t)o->offers[i].row - p->slot_count];
        for (int c = 0; c < o->offers[i].count; c++)
            for (size_t t = 0; t < now->n; t++)
                if (!used[t] && now->places[t].workload != FLEET_NONE &&
                    p->group_of[now->places[t].workload] == k->group) {
                    used[t] = true;
                    may_stay[n] = (int)t;
                    tenancies[n++] = k->slot;
                    break;
                }
    }
    for (size_t i = 0; i < o->offer_count; i++) {
        int row = o->offers[i].row, left = o->offers[i].count;
        if ((size_t)row >= p->slot_count)
            continue;
        for (int k = 0; k < n && left > 0; k++)
            if (tenancies[k] == row) {
                offer_place(a, gpu, place++, unit, node->model_index, now->places[may_stay[k]].workload, row);
                tenancies[k] = -1;
                left--;
            }
        while (left-- > 0)
            push(&a->free[row], gpu, place++, unit);
    }
}

static void open_gpus(struct assigner *a)
{
    const struct fleet *f = a->p->fleet;

    for (size_t n = 0; n < f->node_count; n++)
        for (int i = 0; i < f->nodes[n].count; i++) {
            size_t gpu = f->nodes[n].first + (size_t)i;
            const struct fleet_gpu *now = &f->nodes[n].gpus[i];
            const struct outcome *o = &a->p->blocks[a->block_of[gpu]].outcomes[a->outcome_of[gpu]];
            struct reach reach;
            if (!o->in_use)
                continue;
            problem_reach(a->p, a->p->state_of[gpu], a->mode_of[n], o, &reach);
            if (reach.kind == OUTCOME_KEEP || reach.kind == OUTCOME_MIG)
                open_mig(a, gpu, &f->nodes[n], now, a->unit_of[n], &reach);
            else if (reach.kind == OUTCOME_ALONE)
                open_alone(a, gpu, &f->nodes[n], now, a->unit_of[n]);
            else
                open_shared(a, gpu, &f->nodes[n], now, a->unit_of[n], a->p->modes[a->mode_of[n]].full, o);
        }
}

/* Who runs now in the place that a staying list names. */
static int tenant_of(const struct assigner *a, const struct free_place *fp, struct plan_gpu *g)
{
    const struct fleet_gpu *now = fleet_gpu_at(a->p->fleet, fp->gpu);

    if (now->mode == FLEET_MIG) {
        int here = same_place(now, g, (size_t)fp->place);
        return here >= 0 ? now->places[here].workload : FLEET_NONE;
    }
    if (now->mode == FLEET_ALONE)
        return now->places[0].workload;
    return FLEET_NONE; /* shared: any tenant of the group; see stay() */
}

/* Is a replica of the workload, or room for one, on the GPU's node? */
static bool on_node(const struct assigner *a, size_t gpu, int workload)
{
    const struct fleet_node *n = &a->p->fleet->nodes[fleet_node_of(a->p->fleet, gpu)];

    for (size_t g = n->first; g < n->first + (size_t)n->count; g++)
        for (size_t k = 0; k < a->plan->gpus[g].n; k++)
            if (a->plan->gpus[g].places[k].workload == workload)
                return true;
    return false;
}

/* Places in which replicas of a group stay: as many as the solution says, the first ones; the others are free. */
static void stay(struct assigner *a, int keep, int unit, int64_t count, int64_t *stayed)
{
    const struct problem *p = a->p;
    struct free_list *l = &a->staying[keep];
    bool by_unit = unit >= 0;

    for (size_t i = 0; i < l->n; i++) {
        struct free_place fp = l->at[i];
        struct plan_gpu *g = &a->plan->gpus[fp.gpu];
        int w;
        if (by_unit && fp.unit != unit)
            continue;
        if (g->places[fp.place].stays)
            continue;
        w = tenant_of(a, &fp, g);
        if (w == FLEET_NONE) { /* a tenant of the shared GPU who has no place yet */
            const struct fleet_gpu *now = fleet_gpu_at(p->fleet, fp.gpu);
            for (size_t t = 0; t < now->n && w == FLEET_NONE; t++) {
                int running = 0, placed = 0, c = now->places[t].workload;
                if (c == FLEET_NONE || p->group_of[c] != p->keeps[keep].group || fixed(&p->fleet->workloads[c]))
                    continue;
                for (size_t k = 0; k < now->n; k++)
                    running += now->places[k].workload == c;
                for (size_t k = 0; k < g->n; k++)
                    placed += g->places[k].stays && g->places[k].workload == c;
                if (placed < running)
                    w = c;
            }
        }
        if (count == 0 || w == FLEET_NONE || (p->fleet->workloads[w].spread && on_node(a, fp.gpu, w)))
            continue;
        g->places[fp.place].workload = w;
        g->places[fp.place].stays = true;
        stayed[w]++;
        count--;
    }
}

static void release_staying(struct assigner *a)
{
    for (size_t k = 0; k < a->p->keep_count; k++)
        for (size_t i = 0; i < a->staying[k].n; i++) {
            const struct free_place *fp = &a->staying[k].at[i];
            if (!a->plan->gpus[fp->gpu].places[fp->place].stays)
                push(&a->free[a->p->keeps[k].slot], fp->gpu, fp->place, fp->unit);
        }
}

struct want {
    int workload;
    int64_t replicas, reserved; /* still to place */
};

/* The next place of a slot, on a node of its own where asked; NULL: none is left. `apart`: a workload that is not on
 * the node yet. */
static struct free_place *take_place(struct assigner *a, int slot, int unit, int apart)
{
    struct free_list *l = &a->free[slot];

    for (size_t i = l->next; i < l->n; i++) {
        struct plan_place *q = &a->plan->gpus[l->at[i].gpu].places[l->at[i].place];
        if (q->workload != FLEET_NONE) {
            if (i == l->next)
                l->next++;
            continue;
        }
        if ((unit < 0 || l->at[i].unit == unit) && (apart == FLEET_NONE || !on_node(a, l->at[i].gpu, apart)))
            return &l->at[i];
    }
    return NULL;
}

static void fill(struct assigner *a, const struct placing *pl, struct want *wants, size_t n)
{
    const struct use *u = &a->p->groups[pl->group].uses[pl->use];
    size_t next = 0;

    for (int64_t c = 0; c < pl->count; c++) {
        struct free_place *fp = take_place(
            a, u->slot, pl->unit, a->p->groups[pl->group].spread ? a->p->groups[pl->group].workloads[0] : FLEET_NONE);
        struct plan_place *q;
        size_t k;
        if (!fp)
            return;
        q = &a->plan->gpus[fp->gpu].places[fp->place];
        for (k = next; k < n && wants[k].replicas == 0; k++)
            next = k;
        for (k = next; k < n && wants[k].replicas == 0; k++)
            ;
        if (k < n) {
            wants[k].replicas--;
            q->workload = wants[k].workload;
            continue;
        }
        for (k = 0; k < n && wants[k].reserved == 0; k++)
            ;
        if (k == n)
            return;
        wants[k].reserved--;
        q->workload = wants[k].workload;
        q->reserved = true;
    }
}

static void place_all(struct assigner *a)
{
    const struct problem *p = a->p;
    int64_t *stayed = xcalloc(p->fleet->workload_count + 1, sizeof *stayed);

    for (size_t i = 0; i < a->s->placing_count; i++) {
        const struct placing *pl = &a->s->placings[i];
        if (pl->stays)
            stay(a, p->groups[pl->group].uses[pl->use].keep, pl->unit, pl->count, stayed);
    }
    release_staying(a);
    /* Those whose node matters first: the others take what is left. */
    for (int pass = 0; pass < 2; pass++)
        for (size_t g = 0; g < p->group_count; g++) {
            const struct group *group = &p->groups[g];
            struct want *wants = xcalloc(group->workload_count + 1, sizeof *wants);
            for (size_t i = 0; i < group->workload_count; i++) {
                int w = group->workloads[i];
                const struct fleet_workload *fw = &p->fleet->workloads[w];
                int64_t stands = stayed[w] + (fixed(fw) ? fw->running : 0);
                wants[i] = (struct want){w, group->by_rate ? INT64_MAX / 2 : fw->replicas - stands,
                                         fleet_slots(p->fleet, fw) - fw->replicas};
            }
            for (size_t i = 0; i < a->s->placing_count; i++) {
                const struct placing *pl = &a->s->placings[i];
                if (pl->stays || pl->group != (int)g || group->spread != (pass == 0))
                    continue;
                fill(a, pl, wants, group->workload_count);
            }
            free(wants);
        }
    free(stayed);
}

/* Batch and processes ride along from the option. */
static void annotate(struct assigner *a)
{
    const struct fleet *f = a->p->fleet;

    for (size_t n = 0; n < f->node_count; n++)
        for (int i = 0; i < f->nodes[n].count; i++) {
            struct plan_gpu *g = &a->plan->gpus[f->nodes[n].first + (size_t)i];
            for (size_t k = 0; k < g->n; k++) {
                const struct use *u;
                if (g->places[k].workload == FLEET_NONE)
                    continue;
                u = use_at(a->p, g->places[k].workload, g->mode, f->nodes[n].model_index, g->places[k].profile);
                if (u && a->p->groups[a->p->group_of[g->places[k].workload]].workload_count == 1) {
                    g->places[k].batch = u->batch;
                    g->places[k].processes = u->processes;
                }
            }
        }
}

static bool within_layout(const struct fleet_gpu *now, const struct plan_gpu *g)
{
    for (size_t k = 0; k < g->n; k++)
        if (same_place(now, g, k) < 0)
            return false;
    return true;
}

static bool changes_mode(const struct fleet *f, const struct plan *plan, size_t node)
{
    const struct fleet_node *n = &f->nodes[node];

    for (size_t g = 0; g < (size_t)n->count; g++)
        if (plan_in_use(&plan->gpus[n->first + g]) &&
            (n->gpus[g].mode == FLEET_MIG) != (plan->gpus[n->first + g].mode == FLEET_MIG))
            return true;
    return false;
}

/* A replica that was given the very place it runs in does not move. */
static void settle(struct plan *plan)
{
    const struct fleet *f = plan->fleet;
    bool parted = f->rules.actuator == FLEET_MIG_PARTED;

    for (size_t gpu = 0; gpu < f->gpu_count; gpu++) {
        struct plan_gpu *g = &plan->gpus[gpu];
        const struct fleet_gpu *now = fleet_gpu_at(f, gpu);
        if (parted && g->mode == FLEET_MIG && now->mode == FLEET_MIG && !g->keeps_layout)
            g->keeps_layout = within_layout(now, g) && !changes_mode(f, plan, fleet_node_of(f, gpu));
        if (g->mode != now->mode || g->mode == FLEET_EMPTY || (g->mode == FLEET_MIG && parted && !g->keeps_layout))
            continue;
        for (size_t k = 0; k < g->n; k++) {
            int w = g->places[k].workload, running = 0, stays = 0;
            if (w == FLEET_NONE || g->places[k].reserved || g->places[k].stays)
                continue;
            if (g->mode == FLEET_MIG) {
                int here = same_place(now, g, k);
                g->places[k].stays = here >= 0 && now->places[here].workload == w;
                continue;
            }
            for (size_t t = 0; t < now->n; t++)
                running += now->places[t].workload == w;
            for (size_t t = 0; t < g->n; t++)
                stays += g->places[t].workload == w && g->places[t].stays;
            g->places[k].stays = stays < running;
        }
    }
}

/* A shared GPU has no idle places: what nobody took is not there. */
static void close_places(struct plan *plan)
{
    for (size_t gpu = 0; gpu < plan->fleet->gpu_count; gpu++) {
        struct plan_gpu *g = &plan->gpus[gpu];
        uint16_t n = 0;
        if (g->mode == FLEET_MIG && plan_in_use(g))
            continue;
        for (uint16_t i = 0; i < g->n; i++)
            if (g->places[i].workload != FLEET_NONE)
                g->places[n++] = g->places[i];
        g->n = n;
        if (n == 0)
            g->mode = FLEET_EMPTY;
    }
}

void assign(const struct problem *p, const struct solution *s, struct plan *plan)
{
    const struct fleet *f = p->fleet;
    struct assigner a = {.p = p, .s = s, .plan = plan};

    plan->gpus = xcalloc(f->gpu_count + 1, sizeof *plan->gpus);
    a.mode_of = xcalloc(f->node_count + 1, sizeof *a.mode_of);
    a.unit_of = xcalloc(f->node_count + 1, sizeof *a.unit_of);
    a.block_of = xcalloc(f->gpu_count + 1, sizeof *a.block_of);
    a.outcome_of = xcalloc(f->gpu_count + 1, sizeof *a.outcome_of);
    a.free = xcalloc(p->slot_count + 1, sizeof *a.free);
    a.staying = xcalloc(p->keep_count + 1, sizeof *a.staying);
    a.slice_of_block = xcalloc(p->block_count + 1, sizeof *a.slice_of_block);
    for (size_t i = 0; i < s->slice_count; i++)
        a.slice_of_block[s->slices[i].block] = (int)i;
    give_modes(&a);
    give_outcomes(&a);
    open_gpus(&a);
    place_all(&a);
    settle(plan);
    annotate(&a);
    close_places(plan);
    for (size_t i = 0; i < p->slot_count; i++)
        free(a.free[i].at);
    for (size_t i = 0; i < p->keep_count; i++)
        free(a.staying[i].at);
    free(a.free);
    free(a.staying);
    free(a.mode_of);
    free(a.unit_of);
    free(a.block_of);
    free(a.outcome_of);
    free(a.slice_of_block);
}

static double gives_at(const struct options *o, int workload, enum fleet_mode mode, int model,
                       const struct gpu_profile *profile)
{
    for (size_t i = 0; i < o->of[workload].n; i++) {
        const struct way *w = &o->of[workload].at[i];
        if (w->mode == mode && w->model == model && w->profile == profile)
            return w->gives;
    }
    return 0;
}

bool assign_complete(const struct fleet *f, const struct options *o, const struct plan *plan)
{
    int *last = xmalloc((f->workload_count + 1) * sizeof *last);
    double *have = xcalloc(f->workload_count + 1, sizeof *have);
    bool ok = true;

    for (size_t w = 0; w < f->workload_count; w++)
        last[w] = -1;
    for (size_t n = 0; n < f->node_count; n++)
        for (int i = 0; i < f->nodes[n].count; i++) {
            const struct plan_gpu *g = &plan->gpus[f->nodes[n].first + (size_t)i];
            for (size_t k = 0; k < g->n; k++) {
                int w = g->places[k].workload;
                if (w == FLEET_NONE)
                    continue;
                ok = ok && !(f->workloads[w].spread && last[w] == (int)n);
                last[w] = (int)n;
                have[w] += f->workloads[w].by_rate
                               ? gives_at(o, w, g->mode, f->nodes[n].model_index, g->places[k].profile)
                               : 1;
            }
        }
    for (size_t w = 0; w < f->workload_count; w++) {
        const struct fleet_workload *fw = &f->workloads[w];
        if (fw->by_rate)
            ok = ok && have[w] >= fw->rate * (1 + f->rules.headroom) * (1 - 1e-8);
        else
            ok = ok && (int64_t)have[w] == fleet_slots(f, fw);
    }
    free(last);
    free(have);
    return ok;
}

static const struct way *mig_way(const struct options *o, int workload, int model, const struct gpu_profile *profile)
{
    for (size_t i = 0; i < o->of[workload].n; i++) {
        const struct way *w = &o->of[workload].at[i];
        if (w->mode == FLEET_MIG && w->model == model && (!profile || w->profile == profile))
            return w;
    }
    return NULL;
}

/* A place on this node for one more replica; false: there is none. */
static bool mend_here(const struct fleet *f, const struct options *o, struct plan *plan, int workload, size_t node,
                      bool reserved)
{
    const struct fleet_node *n = &f->nodes[node];
    const struct way *w = mig_way(o, workload, n->model_index, NULL);
    bool parted = f->rules.actuator == FLEET_MIG_PARTED, mps = false;
    struct plan_gpu *unused = NULL;

    if (!w)
        return false;
    for (size_t g = n->first; g < n->first + (size_t)n->count; g++)
        for (size_t k = 0; k < plan->gpus[g].n; k++)
            if (plan->gpus[g].places[k].workload == workload)
                return false;
    for (size_t g = 0; g < (size_t)n->count; g++) {
        struct plan_gpu *q = &plan->gpus[n->first + g];
        mps = mps || q->mode == FLEET_MPS;
        if (q->n == 0 && (!parted || n->gpus[g].mode == FLEET_MIG) && !unused)
            unused = q;
        for (size_t k = 0; k < q->n && q->mode == FLEET_MIG; k++)
            if (q->places[k].workload == FLEET_NONE && mig_way(o, workload, n->model_index, q->places[k].profile)) {
                q->places[k].workload = workload;
                q->places[k].reserved = reserved;
                return true;
            }
    }
    if (!unused || mps)
        return false;
    new_places(unused, 1);
    unused->mode = FLEET_MIG;
    unused->places[0].profile = w->profile;
    unused->places[0].start = w->profile->starts[w->profile->start_count - 1];
    unused->places[0].workload = workload;
    unused->places[0].reserved = reserved;
    return true;
}

void assign_mend(const struct fleet *f, const struct options *o, struct plan *plan)
{
    int64_t *have = xcalloc(f->workload_count + 1, sizeof *have),
            *room = xcalloc(f->workload_count + 1, sizeof *room);

    for (size_t g = 0; g < f->gpu_count; g++)
        for (size_t k = 0; k < plan->gpus[g].n; k++)
            if (plan->gpus[g].places[k].workload != FLEET_NONE)
                (plan->gpus[g].places[k].reserved ? room : have)[plan->gpus[g].places[k].workload]++;
    for (size_t w = 0; w < f->workload_count; w++) {
        const struct fleet_workload *fw = &f->workloads[w];
        int64_t lacks = fw->replicas - have[w], reserved = fleet_slots(f, fw) - fw->replicas - room[w];
        if (!fw->spread || fw->by_rate)
            continue;
        for (size_t n = 0; n < f->node_count && lacks + reserved > 0; n++)
            if (mend_here(f, o, plan, (int)w, n, lacks == 0)) {
                if (lacks > 0)
                    lacks--;
                else
                    reserved--;
            }
    }
    settle(plan);
    free(have);
    free(room);
}

struct tenant_of_now {
    int workload;
    int64_t gpu;
    int place;
    bool stays;
};

static int tenant_order(const void *a, const void *b)
{
    const struct tenant_of_now *x = a, *y = b;

    if (x->workload != y->workload)
        return x->workload < y->workload ? -1 : 1;
    if (x->gpu != y->gpu)
        return x->gpu < y->gpu ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* Which present tenant a staying place of the plan is. */
static void mark_stays(const struct fleet_gpu *now, struct plan_gpu *g, bool *stays)
{
    for (size_t k = 0; k < g->n; k++) {
        if (!g->places[k].stays)
            continue;
        for (size_t t = 0; t < now->n; t++)
            if (!stays[t] && now->places[t].workload == g->places[k].workload &&
                (now->mode != FLEET_MIG ||
                 (now->places[t].profile == g->places[k].profile && now->places[t].start == g->places[k].start))) {
                stays[t] = true;
                break;
            }
    }
}

void assign_moves(struct plan *plan)
{
    const struct fleet *f = plan->fleet;
    struct tenant_of_now *old = NULL, *fresh = NULL;
    size_t old_count = 0, old_cap = 0, fresh_count = 0, fresh_cap = 0, move_cap = 0, o = 0, q = 0;
    int64_t *next = xcalloc(f->workload_count + 1, sizeof *next);

    plan->move_count = 0;
    plan->moves_done = plan->gpus_after = plan->gpus_before = 0;
    plan->weighted.value = 0;
    plan->cost.value = 0;
    for (size_t n = 0; n < f->node_count; n++)
        for (int i = 0; i < f->nodes[n].count; i++) {
            size_t gpu = f->nodes[n].first + (size_t)i;
            const struct fleet_gpu *now = &f->nodes[n].gpus[i];
            struct plan_gpu *g = &plan->gpus[gpu];
            bool stays[FLEET_TENANTS_MAX] = {false};
            plan->gpus_before += fleet_in_use(now);
            plan->gpus_after += plan_in_use(g);
            plan->cost.value += plan_in_use(g) ? f->nodes[n].price : 0;
            mark_stays(now, g, stays);
            for (size_t k = 0; k < g->n; k++) {
                struct plan_place *p = &g->places[k];
                if (p->workload == FLEET_NONE || p->reserved)
                    continue;
                p->replica = next[p->workload]++;
                if (p->stays)
                    continue;
                GROW(fresh, fresh_cap, fresh_count + 1);
                fresh[fresh_count++] = (struct tenant_of_now){p->workload, (int64_t)gpu, (int)k, false};
            }
            for (size_t t = 0; t < now->n; t++) {
                if (now->places[t].workload == FLEET_NONE || stays[t])
                    continue;
                GROW(old, old_cap, old_count + 1);
                old[old_count++] = (struct tenant_of_now){now->places[t].workload, (int64_t)gpu, (int)t, false};
            }
        }
    if (old_count)
        qsort(old, old_count, sizeof *old, tenant_order);
    if (fresh_count)
        qsort(fresh, fresh_count, sizeof *fresh, tenant_order);
    while (o < old_count || q < fresh_count) {
        int w = o < old_count && (q == fresh_count || old[o].workload <= fresh[q].workload) ? old[o].workload
                                                                                            : fresh[q].workload;
        struct plan_move m = {w, -1, -1, -1, -1, -1};
        if (o < old_count && old[o].workload == w) {
            m.from = old[o].gpu;
            m.from_place = old[o++].place;
        }
        if (q < fresh_count && fresh[q].workload == w) {
            m.to = fresh[q].gpu;
            m.to_place = fresh[q].place;
            m.replica = plan->gpus[m.to].places[m.to_place].replica;
            q++;
        }
        if (m.from >= 0 && m.to >= 0) {
            plan->moves_done++;
            plan->weighted.value += f->workloads[w].weight;
        }
        GROW(plan->moves, move_cap, plan->move_count + 1);
        plan->moves[plan->move_count++] = m;
    }
    free(old);
    free(fresh);
    free(next);
}
