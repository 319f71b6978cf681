/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gpu/layout_draft.h"

struct listing {
    struct draft draft;
    uint32_t mask;
    struct layout now;
    struct layout_list *out;
};

/* Every choice for the memory slices from `slice` on; each legal set once. */
static void list_from(struct listing *s, int slice)
{
    const struct gpu_model *m = s->draft.model;

    if (slice == m->grid) {
        GROW(s->out->at, s->out->cap, s->out->n + 1);
        s->out->at[s->out->n++] = s->now;
        return;
    }
    list_from(s, slice + 1);
    for (size_t i = 0; i < m->profile_count; i++) {
        const struct gpu_profile *p = &m->profiles[i];
        if (!(s->mask >> i & 1) || !draft_has_start(p, slice) || !draft_may_stand(&s->draft, p))
            continue;
        draft_put(&s->draft, p, slice, 1);
        s->now.at[s->now.n++] = (struct gpu_instance){p, slice};
        list_from(s, slice + p->size);
        s->now.n--;
        draft_put(&s->draft, p, slice, -1);
    }
}

static bool is_maximal(const struct gpu_model *m, uint32_t mask, const struct layout *l)
{
    struct draft d;

    draft_of(m, l, &d);
    for (size_t i = 0; i < m->profile_count; i++)
        if ((mask >> i & 1) && draft_room(d, &m->profiles[i]) > 0)
            return false;
    return true;
}

static void counts_of(const struct layout *l, int ret[GPU_PROFILES_MAX])
{
    memset(ret, 0, GPU_PROFILES_MAX * sizeof *ret);
    for (size_t i = 0; i < l->n; i++)
        ret[l->at[i].profile->index]++;
}

/* Does multiset a hold all of b, and more? */
static bool contains(const struct layout *a, const struct layout *b)
{
    int ca[GPU_PROFILES_MAX], cb[GPU_PROFILES_MAX];

    if (a->n <= b->n)
        return false;
    counts_of(a, ca);
    counts_of(b, cb);
    for (size_t i = 0; i < GPU_PROFILES_MAX; i++)
        if (ca[i] < cb[i])
            return false;
    return true;
}

/* Fixed order of lists: more of the large profiles first, then lower starts of the large ones. */
struct ordered {
    const struct gpu_model *model;
    int order[GPU_PROFILES_MAX];
};

static int compare_layouts(const void *pa, const void *pb, void *arg)
{
    const struct layout *a = pa, *b = pb;
    const struct ordered *o = arg;
    int ca[GPU_PROFILES_MAX], cb[GPU_PROFILES_MAX];

    counts_of(a, ca);
    counts_of(b, cb);
    for (size_t i = 0; i < o->model->profile_count; i++)
        if (ca[o->order[i]] != cb[o->order[i]])
            return cb[o->order[i]] - ca[o->order[i]];
    for (size_t i = 0; i < o->model->profile_count; i++) {
        size_t ka = 0, kb = 0;
        for (;; ka++, kb++) { /* the instances of one profile stand by start in both */
            while (ka < a->n && a->at[ka].profile->index != o->order[i])
                ka++;
            while (kb < b->n && b->at[kb].profile->index != o->order[i])
                kb++;
            if (ka == a->n || kb == b->n)
                break;
            if (a->at[ka].start != b->at[kb].start)
                return a->at[ka].start - b->at[kb].start;
        }
    }
    return 0;
}

static void sort_list(const struct gpu_model *m, struct layout_list *l)
{
    struct ordered o = {.model = m};

    draft_size_order(m, o.order);
    if (l->n > 1)
        qsort_r(l->at, l->n, sizeof *l->at, compare_layouts, &o);
}

static bool same_counts(const struct layout *a, const struct layout *b)
{
    int ca[GPU_PROFILES_MAX], cb[GPU_PROFILES_MAX];

    counts_of(a, ca);
    counts_of(b, cb);
    return memcmp(ca, cb, sizeof ca) == 0;
}

/* Of a sorted list, the roomiest of each run of equal multisets. */
static void keep_multisets(const struct gpu_model *m, struct layout_list *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (kept > 0 && same_counts(&l->at[kept - 1], &l->at[i])) {
            if (draft_roomier(m, &l->at[i], &l->at[kept - 1]))
                l->at[kept - 1] = l->at[i];
        } else {
            l->at[kept++] = l->at[i];
        }
    }
    l->n = kept;
}

static void keep_pareto(struct layout_list *l)
{
    bool *keep = xcalloc(l->n + 1, sizeof *keep);
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++) {
        keep[i] = true;
        for (size_t j = 0; j < l->n && keep[i]; j++)
            keep[i] = !contains(&l->at[j], &l->at[i]);
    }
    for (size_t i = 0; i < l->n; i++)
        if (keep[i])
            l->at[kept++] = l->at[i];
    l->n = kept;
    free(keep);
}

void layout_list(const struct gpu_model *m, uint32_t profiles, enum layout_kind kind,
                 struct layout_list *ret)
{
    struct listing s = {.draft = {.model = m}, .mask = profiles, .out = ret};
    size_t kept = 0;

    *ret = (struct layout_list){0};
    if (m->grid == 0)
        return;
    list_from(&s, 0);
    if (kind == LAYOUT_MAXIMAL) {
        for (size_t i = 0; i < ret->n; i++)
            if (is_maximal(m, profiles, &ret->at[i]))
                ret->at[kept++] = ret->at[i];
        ret->n = kept;
    }
    sort_list(m, ret);
    if (kind == LAYOUT_MULTISETS || kind == LAYOUT_PARETO)
        keep_multisets(m, ret);
    if (kind == LAYOUT_PARETO)
        keep_pareto(ret);
}

void layout_list_done(struct layout_list *l)
{
    free(l->at);
    *l = (struct layout_list){0};
}

/*
 * Instances in common by profile (most), memory slices in common by place, and those in use, as one
 * number.
 */
static int likeness(const struct layout *a, const struct layout *wish)
{
    int ca[GPU_PROFILES_MAX], cw[GPU_PROFILES_MAX];
    int shared = 0, placed = 0, used = 0;

    counts_of(a, ca);
    counts_of(wish, cw);
    for (size_t i = 0; i < GPU_PROFILES_MAX; i++)
        shared += ca[i] < cw[i] ? ca[i] : cw[i];
    for (size_t i = 0; i < a->n; i++) {
        used += a->at[i].profile->size;
        for (size_t k = 0; k < wish->n; k++)
            if (wish->at[k].profile == a->at[i].profile && wish->at[k].start == a->at[i].start)
                placed += a->at[i].profile->size;
    }
    return 10000 * shared + 100 * placed + used;
}

size_t layout_nearest(const struct gpu_model *m, const struct layout *l, struct layout *ret,
                      size_t max)
{
    cleanup_layout_list struct layout_list all = {0};
    uint32_t mask = gpu_profiles_base(m);
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        mask |= UINT32_C(1) << l->at[i].profile->index;
    layout_list(m, mask, LAYOUT_MAXIMAL, &all);
    while (n < max) {
        const struct layout *best = NULL;
        for (size_t i = 0; i < all.n; i++) {
            bool seen = false;
            for (size_t k = 0; k < n && !seen; k++)
                seen = same_counts(&ret[k], &all.at[i]);
            if (!seen && (!best || likeness(&all.at[i], l) > likeness(best, l)))
                best = &all.at[i];
        }
        if (!best)
            break;
        ret[n++] = *best;
    }
    return n;
}
