/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/waves.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

struct pending {
    const struct plan_move *m;
    size_t first, count; /* blockers, in scheduler.blockers */
    bool done;           /* its old place is free and its new one taken */
    int64_t at;          /* the GPU where it waits, by way of which it goes; -1: at its old place */
    unsigned picked;     /* the set under way that it is in */
};

struct scheduler {
    const struct plan *plan;
    const struct fleet *f;
    struct pending *all;
    size_t n;
    int *blockers;
    size_t blocker_count, blocker_cap;
    int *first_from;   /* by GPU: index in `from`; one more entry at the end */
    int *from;         /* moves by the GPU that they leave */
    bool *mode_change; /* by node */
    int *waiting;      /* by GPU: replicas that wait there */
    int *tenants;      /* by GPU: replicas there now */
    int *taken;        /* by workload: in this wave */
    struct wave_move *out;
    int *out_wave;
    size_t out_count, out_cap, out_wave_cap;
    int *set; /* the set under way: indices */
    size_t set_size;
    unsigned mark; /* its number */
    int wave;
    struct waves *ret;
};

static bool whole(enum fleet_mode m)
{
    return m == FLEET_ALONE || m == FLEET_TIME_SLICING || m == FLEET_MPS;
}

static void block(struct scheduler *s, size_t gpu, const struct plan_place *over)
{
    for (int i = s->first_from[gpu]; i < s->first_from[gpu + 1]; i++) {
        const struct plan_move *m = s->all[s->from[i]].m;
        const struct fleet_place *p = &fleet_gpu_at(s->f, gpu)->places[m->from_place];
        if (over && p->profile &&
            (p->start >= over->start + over->profile->size || over->start >= p->start + p->profile->size))
            continue;
        GROW(s->blockers, s->blocker_cap, s->blocker_count + 1);
        s->blockers[s->blocker_count++] = s->from[i];
    }
}

/* Everything on the node that excludes what is to come to `gpu`. */
static void block_node(struct scheduler *s, size_t node, size_t gpu)
{
    const struct fleet_node *n = &s->f->nodes[node];
    const struct plan_gpu *to = &s->plan->gpus[gpu];
    bool parted = s->f->rules.actuator == FLEET_MIG_PARTED;

    for (size_t i = 0; i < (size_t)n->count; i++) {
        enum fleet_mode now = n->gpus[i].mode;
        bool excludes = false;
        if (n->first + i == gpu)
            continue;
        if (now == FLEET_MIG)
            excludes = to->mode == FLEET_MPS || (parted && s->mode_change[node] && !to->keeps_layout);
        else if (whole(now))
            excludes = to->mode == FLEET_MIG ? now == FLEET_MPS : now != to->mode;
        if (excludes)
            block(s, n->first + i, NULL);
    }
}

static void find_blockers(struct scheduler *s, struct pending *q)
{
    size_t gpu = (size_t)q->m->to, node;
    const struct plan_gpu *to;
    const struct fleet_gpu *now;

    q->first = s->blocker_count;
    if (q->m->to < 0)
        return;
    node = fleet_node_of(s->f, gpu);
    to = &s->plan->gpus[gpu];
    now = &s->f->nodes[node].gpus[gpu - s->f->nodes[node].first];
    if (to->mode == FLEET_MIG && now->mode == FLEET_MIG &&
        (to->keeps_layout || s->f->rules.actuator != FLEET_MIG_PARTED))
        block(s, gpu, &to->places[q->m->to_place]);
    else
        block(s, gpu, NULL);
    block_node(s, node, gpu);
    q->count = s->blocker_count - q->first;
}

static void prepare(struct scheduler *s, const struct plan *p)
{
    const struct fleet *f = p->fleet;
    int *next;

    s->plan = p;
    s->f = f;
    s->n = p->move_count;
    s->all = xcalloc(s->n + 1, sizeof *s->all);
    s->first_from = xcalloc(f->gpu_count + 2, sizeof *s->first_from);
    s->from = xcalloc(s->n + 1, sizeof *s->from);
    s->mode_change = xcalloc(f->node_count + 1, sizeof *s->mode_change);
    s->waiting = xcalloc(f->gpu_count + 1, sizeof *s->waiting);
    s->tenants = xcalloc(f->gpu_count + 1, sizeof *s->tenants);
    s->taken = xcalloc(f->workload_count + 1, sizeof *s->taken);
    for (size_t n = 0; n < f->node_count; n++)
        for (size_t g = 0; g < (size_t)f->nodes[n].count; g++) {
            const struct fleet_gpu *now = &f->nodes[n].gpus[g];
            const struct plan_gpu *to = &p->gpus[f->nodes[n].first + g];
            if (to->mode != FLEET_EMPTY && (now->mode == FLEET_MIG) != (to->mode == FLEET_MIG))
                s->mode_change[n] = true;
            for (size_t i = 0; i < now->n; i++)
                s->tenants[f->nodes[n].first + g] += now->places[i].workload != FLEET_NONE;
        }
    for (size_t i = 0; i < s->n; i++) {
        s->all[i] = (struct pending){.m = &p->moves[i], .at = -1};
        if (p->moves[i].from >= 0)
            s->first_from[p->moves[i].from + 1]++;
    }
    for (size_t g = 0; g < f->gpu_count; g++)
        s->first_from[g + 1] += s->first_from[g];
    next = xcalloc(f->gpu_count + 1, sizeof *next);
    memcpy(next, s->first_from, f->gpu_count * sizeof *next);
    for (size_t i = 0; i < s->n; i++)
        if (p->moves[i].from >= 0)
            s->from[next[p->moves[i].from]++] = (int)i;
    free(next);
    for (size_t i = 0; i < s->n; i++)
        find_blockers(s, &s->all[i]);
}

static void emit(struct scheduler *s, struct pending *q, enum wave_kind kind, int64_t from, int64_t to, bool forced)
{
    GROW(s->out, s->out_cap, s->out_count + 1);
    GROW(s->out_wave, s->out_wave_cap, s->out_count + 1);
    s->out[s->out_count] = (struct wave_move){q->m, kind, from, to, forced};
    s->out_wave[s->out_count++] = s->wave;
}

/* Has the replica left its old place? */
static bool left(const struct pending *q)
{
    return q->done || q->at >= 0;
}

static bool clear(const struct scheduler *s, const struct pending *q)
{
    for (size_t i = 0; i < q->count; i++)
        if (!left(&s->all[s->blockers[q->first + i]]))
            return false;
    return q->m->to < 0 || s->waiting[q->m->to] == 0 || q->at == q->m->to;
}

static int allowance(const struct scheduler *s, const struct pending *q)
{
    int a = s->f->workloads[q->m->workload].max_unavailable;

    return a > 1 ? a : 1;
}

static int64_t where(const struct pending *q)
{
    return q->at >= 0 ? q->at : q->m->from;
}

static void finish(struct scheduler *s, struct pending *q, enum wave_kind kind, bool forced)
{
    int64_t from = where(q);

    emit(s, q, kind, from, q->m->to, forced);
    if (q->at >= 0)
        s->waiting[q->at]--;
    if (from >= 0)
        s->tenants[from]--;
    if (q->m->to >= 0)
        s->tenants[q->m->to]++;
    q->done = true;
}

/*
 * All moves whose place is clear now, as far as the allowances go. Whether a place is clear is asked before any of
 * the wave's moves, as the old replicas go only when the new ones are ready.
 */
static size_t place_then_free(struct scheduler *s)
{
    s->set_size = 0;
    memset(s->taken, 0, s->f->workload_count * sizeof *s->taken);
    for (size_t i = 0; i < s->n; i++) {
        struct pending *q = &s->all[i];
        if (q->done || !clear(s, q))
            continue;
        if (q->m->from >= 0 && q->m->to >= 0 && s->taken[q->m->workload] >= allowance(s, q))
            continue;
        s->taken[q->m->workload] += q->m->from >= 0 && q->m->to >= 0;
        s->set[s->set_size++] = (int)i;
    }
    for (size_t i = 0; i < s->set_size; i++) {
        struct pending *q = &s->all[s->set[i]];
        finish(s, q, q->m->from < 0 ? WAVE_NEW : q->m->to < 0 ? WAVE_RETIRE : WAVE_PLACE_FREE, false);
    }
    return s->set_size;
}

/*
 * The moves that must go at once with this one, itself included. SIZE_MAX: one waits for a replica that waits, or the
 * set is `limit` or larger.
 */
static size_t closure(struct scheduler *s, size_t seed, size_t limit)
{
    s->mark++;
    s->set_size = 0;
    s->set[s->set_size++] = (int)seed;
    s->all[seed].picked = s->mark;
    for (size_t k = 0; k < s->set_size; k++) {
        const struct pending *q = &s->all[s->set[k]];
        if (q->m->to >= 0 && s->waiting[q->m->to] > 0 && q->at != q->m->to)
            return SIZE_MAX;
        for (size_t b = 0; b < q->count; b++) {
            struct pending *o = &s->all[s->blockers[q->first + b]];
            if (left(o) || o->picked == s->mark)
                continue;
            if (s->set_size + 1 >= limit)
                return SIZE_MAX;
            o->picked = s->mark;
            s->set[s->set_size++] = s->blockers[q->first + b];
        }
    }
    return s->set_size;
}

static bool allowed(struct scheduler *s)
{
    bool ok = true;

    for (size_t i = 0; i < s->set_size; i++)
        s->taken[s->all[s->set[i]].m->workload] = 0;
    for (size_t i = 0; i < s->set_size; i++) {
        const struct plan_move *m = s->all[s->set[i]].m;
        if (m->from >= 0 && m->to >= 0)
            ok = ++s->taken[m->workload] <= s->f->workloads[m->workload].max_unavailable && ok;
    }
    return ok;
}

/* The seed of the smallest set that blocks only itself and is allowed, SIZE_MAX: none. *ret_any: of the smallest at
 * all. */
static size_t smallest(struct scheduler *s, size_t *ret_any)
{
    size_t best = SIZE_MAX, seed = SIZE_MAX, any = SIZE_MAX;

    *ret_any = SIZE_MAX;
    for (size_t i = 0; i < s->n && best > 1; i++) {
        size_t n;
        if (s->all[i].done)
            continue;
        n = closure(s, i, best);
        if (n < any) {
            any = n;
            *ret_any = i;
        }
        if (n < best && allowed(s)) {
            best = n;
            seed = i;
        }
    }
    return seed;
}

/* May a replica stand on this unused GPU for a while, as it stands on its old one? */
static bool may_wait(const struct scheduler *s, const struct pending *q, size_t node, size_t gpu)
{
    const struct fleet_node *n = &s->f->nodes[node], *old = &s->f->nodes[fleet_node_of(s->f, (size_t)q->m->from)];
    const struct fleet_gpu *was = fleet_gpu_at(s->f, (size_t)q->m->from), *now = &n->gpus[gpu - n->first];
    bool mig = was->mode == FLEET_MIG, parted = s->f->rules.actuator == FLEET_MIG_PARTED;

    if (s->tenants[gpu] > 0 || n->model != old->model || (int64_t)gpu == q->m->to)
        return false;
    for (size_t i = 0; i < (size_t)n->count; i++) {
        size_t other = n->first + i;
        const struct plan_gpu *to = &s->plan->gpus[other];
        enum fleet_mode modes[2] = {n->gpus[i].mode, to->mode};
        if (s->tenants[other] == 0)
            continue;
        for (size_t t = 0; t < to->n && s->f->workloads[q->m->workload].spread; t++)
            if (to->places[t].workload == q->m->workload)
                return false;
        for (size_t t = 0; t < n->gpus[i].n && s->f->workloads[q->m->workload].spread; t++)
            if (n->gpus[i].places[t].workload == q->m->workload)
                return false;
        for (int k = 0; k < 2; k++) {
            if (modes[k] == FLEET_EMPTY)
                continue;
            if (mig ? modes[k] == FLEET_MPS : whole(modes[k]) && modes[k] != was->mode)
                return false;
            if (was->mode == FLEET_MPS && modes[k] == FLEET_MIG)
                return false;
            if (parted && modes[k] == FLEET_MIG && (now->mode == FLEET_MIG) != mig)
                return false;
        }
    }
    return true;
}

/* Sends one replica of the set that cannot go at once to a GPU that nobody uses. */
static bool by_way_of(struct scheduler *s, size_t seed)
{
    closure(s, seed, SIZE_MAX);
    for (size_t i = 0; i < s->set_size; i++) {
        struct pending *q = &s->all[s->set[i]];
        if (q->done || q->at >= 0 || q->m->from < 0 || q->m->to < 0)
            continue;
        for (size_t n = 0; n < s->f->node_count; n++)
            for (size_t g = s->f->nodes[n].first; g < s->f->nodes[n].first + (size_t)s->f->nodes[n].count; g++) {
                if (!may_wait(s, q, n, g))
                    continue;
                emit(s, q, WAVE_VIA, q->m->from, (int64_t)g, false);
                s->tenants[q->m->from]--;
                s->tenants[g]++;
                s->waiting[g]++;
                q->at = (int64_t)g;
                return true;
            }
    }
    return false;
}

static void go_at_once(struct scheduler *s, bool forced)
{
    for (size_t i = 0; i < s->set_size; i++) {
        struct pending *q = &s->all[s->set[i]];
        if (!q->done)
            finish(s, q, q->m->from < 0 ? WAVE_NEW : q->m->to < 0 ? WAVE_RETIRE : WAVE_FREE_PLACE, forced);
    }
}

/* No order keeps the allowances: says so once, and goes on with the smallest set, or with all that is left. */
static void force(struct scheduler *s, size_t seed)
{
    const struct fleet_workload *w;

    if (seed == SIZE_MAX) {
        s->set_size = 0;
        for (size_t i = 0; i < s->n; i++)
            if (!s->all[i].done)
                s->set[s->set_size++] = (int)i;
    } else {
        closure(s, seed, SIZE_MAX);
    }
    w = &s->f->workloads[s->all[s->set[0]].m->workload];
    if (!s->ret->forced_why)
        s->ret->forced_why = xasprintf("no order keeps every allowance: in wave %d replicas (of %s and others) are "
                                       "away together, more than maxUnavailable; "
                                       "an unused GPU of the same model, or a larger maxUnavailable, would do",
                                       s->wave, w->name);
    go_at_once(s, true);
}

static void schedule(struct scheduler *s)
{
    size_t done = 0;

    s->set = xcalloc(s->n + 1, sizeof *s->set);
    while (done < s->n) {
        size_t any, seed;
        s->wave++;
        if (place_then_free(s) == 0) {
            seed = smallest(s, &any);
            if (seed != SIZE_MAX) {
                closure(s, seed, SIZE_MAX);
                go_at_once(s, false);
            } else if (any == SIZE_MAX || !by_way_of(s, any)) {
                force(s, any);
            }
        }
        done = 0;
        for (size_t i = 0; i < s->n; i++)
            done += s->all[i].done;
    }
    free(s->set);
}

struct keyed {
    int wave, order; /* arrivals before the GPUs that were left */
    int64_t gpu;
    size_t at; /* SIZE_MAX: no move */
};

static int keyed_order(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;

    if (x->wave != y->wave)
        return x->wave < y->wave ? -1 : 1;
    if (x->gpu != y->gpu)
        return x->gpu < y->gpu ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Steps: moves by wave and the GPU that they arrive at (retirements: leave), and GPUs that become free. */
static void make_steps(struct scheduler *s, struct waves *ret)
{
    size_t n = 0, cap = s->out_count + s->f->gpu_count + 1;
    struct keyed *k = xcalloc(cap, sizeof *k);
    int *last = xcalloc(s->f->gpu_count + 1, sizeof *last);
    struct wave_move *moves;
    struct step *st;

    for (size_t i = 0; i < s->out_count; i++) {
        const struct wave_move *m = &s->out[i];
        k[n++] = (struct keyed){s->out_wave[i], 0, m->to >= 0 ? m->to : m->from, i};
        if (m->from >= 0)
            last[m->from] = s->out_wave[i];
    }
    for (size_t g = 0; g < s->f->gpu_count; g++)
        if (last[g] && !plan_in_use(&s->plan->gpus[g]))
            k[n++] = (struct keyed){last[g], 1, (int64_t)g, SIZE_MAX};
    qsort(k, n, sizeof *k, keyed_order);
    moves = ret->moves = xcalloc(s->out_count + 1, sizeof *moves);
    st = ret->steps = xcalloc(n + 1, sizeof *st);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || st->wave != k[i].wave || st->gpu != k[i].gpu) {
            st += i > 0;
            *st = (struct step){.wave = k[i].wave, .gpu = k[i].gpu, .first = ret->move_count};
            ret->step_count++;
        }
        if (k[i].at == SIZE_MAX) {
            st->leaves = true;
        } else {
            assert(s->out);
            moves[ret->move_count++] = s->out[k[i].at];
            st->count++;
        }
    }
    ret->count = s->wave;
    free(k);
    free(last);
}

void waves_make(const struct plan *p, struct waves *ret)
{
    struct scheduler s = {.ret = ret};

    *ret = (struct waves){.count = 0};
    prepare(&s, p);
    schedule(&s);
    make_steps(&s, ret);
    free(s.all);
    free(s.blockers);
    free(s.first_from);
    free(s.from);
    free(s.mode_change);
    free(s.waiting);
    free(s.tenants);
    free(s.taken);
    free(s.out);
    free(s.out_wave);
}

void waves_done(struct waves *w)
{
    free(w->steps);
    free(w->moves);
    free(w->forced_why);
    *w = (struct waves){.count = 0};
}
