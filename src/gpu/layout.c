/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A layout while it is put together: which memory slices are taken, how many of each profile stand. */
struct draft {
    const struct gpu_model *model;
    uint32_t taken;
    int count[GPU_PROFILES_MAX];
    int me, me_all, others; /* instances with the media engines, with all of them, with any engine (not -me) */
};

static uint32_t slices_of(const struct gpu_profile *p, int start)
{
    return ((UINT32_C(1) << p->size) - 1) << start;
}

static bool may_stand(const struct draft *d, const struct gpu_profile *p)
{
    bool all = strcmp(p->attributes, "me.all") == 0, none = strcmp(p->attributes, "-me") == 0;

    if (d->count[p->index] >= p->max_instances)
        return false;
    if (d->me_all > 0)
        return none;
    if (all)
        return d->others == 0;
    return strcmp(p->attributes, "me") != 0 || d->me == 0;
}

static bool is_free(const struct draft *d, const struct gpu_profile *p, int start)
{
    return (d->taken & slices_of(p, start)) == 0;
}

static void put(struct draft *d, const struct gpu_profile *p, int start, int by)
{
    d->taken ^= slices_of(p, start);
    d->count[p->index] += by;
    d->me += by * (strcmp(p->attributes, "me") == 0);
    d->me_all += by * (strcmp(p->attributes, "me.all") == 0);
    d->others += by * (strcmp(p->attributes, "-me") != 0);
}

static void draft_of(const struct gpu_model *m, const struct layout *l, struct draft *ret)
{
    *ret = (struct draft){.model = m};
    for (size_t i = 0; i < l->n; i++)
        put(ret, l->at[i].profile, l->at[i].start, 1);
}

static bool has_start(const struct gpu_profile *p, int start)
{
    for (size_t i = 0; i < p->start_count; i++)
        if (p->starts[i] == start)
            return true;
    return false;
}

/* Large before small: by memory slices, then compute slices, then the plain ones, then the catalogue's order. */
static int by_size(const struct gpu_profile *a, const struct gpu_profile *b)
{
    if (a->size != b->size)
        return b->size - a->size;
    if (a->compute_slices != b->compute_slices)
        return b->compute_slices - a->compute_slices;
    if ((*a->attributes == '\0') != (*b->attributes == '\0'))
        return *a->attributes ? 1 : -1;
    return a->index - b->index;
}

static void size_order(const struct gpu_model *m, int ret[GPU_PROFILES_MAX])
{
    for (size_t i = 0; i < m->profile_count; i++) {
        size_t j = i;
        for (; j > 0 && by_size(&m->profiles[ret[j - 1]], &m->profiles[i]) > 0; j--)
            ret[j] = ret[j - 1];
        ret[j] = (int)i;
    }
}

void layout_sort(struct layout *l)
{
    for (size_t i = 1; i < l->n; i++) {
        struct gpu_instance x = l->at[i];
        size_t j = i;
        for (; j > 0 && l->at[j - 1].start > x.start; j--)
            l->at[j] = l->at[j - 1];
        l->at[j] = x;
    }
}

void layout_format(const struct layout *l, struct buf *out)
{
    if (l->n == 0)
        buf_puts(out, "empty");
    for (size_t i = 0; i < l->n; i++)
        buf_printf(out, "%s%s@%d", i ? " " : "", l->at[i].profile->name, l->at[i].start);
}

static void add_near(const struct gpu_model *m, const struct layout *l, struct err *err)
{
    cleanup_buf struct buf text = {.max = 500};
    struct layout near[3];
    size_t n = layout_nearest(m, l, near, ARRAY_LEN(near));
    char said[600];

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        buf_puts(&text, i ? "; " : "");
        layout_format(&near[i], &text);
    }
    snprintf(said, sizeof said, "%.599s", err->msg);
    err_set(err, ERR_INPUT, "%s. Legal and near it: %s", said, buf_str(&text));
}

static void name_slices(const struct gpu_instance *g, char ret[64])
{
    int last = g->start + g->profile->size - 1;

    if (last == g->start)
        snprintf(ret, 64, "%s@%d (slice %d)", g->profile->name, g->start, g->start);
    else
        snprintf(ret, 64, "%s@%d (slices %d-%d)", g->profile->name, g->start, g->start, last);
}

static int bad_start(const struct gpu_model *m, const struct gpu_profile *p, int start, struct err *err)
{
    cleanup_buf struct buf starts = {.max = 100};

    for (size_t i = 0; i < p->start_count; i++)
        buf_printf(&starts, "%s%d", i == 0 ? "" : i + 1 == p->start_count ? " or " : ", ", p->starts[i]);
    return err_set(err, ERR_INPUT, "%s@%d: on %s a %s starts at memory slice %s", p->name, start, m->key, p->name, buf_str(&starts));
}

/* The first broken rule between instance i and those before it. */
static int check_instance(const struct gpu_model *m, const struct layout *l, size_t i, const struct draft *d, struct err *err)
{
    const struct gpu_instance *g = &l->at[i];
    char own[64], other[64];

    if (!has_start(g->profile, g->start))
        return bad_start(m, g->profile, g->start, err);
    if (!is_free(d, g->profile, g->start)) {
        for (size_t j = 0; j < i; j++) {
            if (!(slices_of(l->at[j].profile, l->at[j].start) & slices_of(g->profile, g->start)))
                continue;
            name_slices(&l->at[j], other);
            name_slices(g, own);
            return err_set(err, ERR_INPUT, "%s and %s overlap on %s", other, own, m->key);
        }
    }
    if (d->count[g->profile->index] >= g->profile->max_instances)
        return err_set(err, ERR_INPUT, "%d instances of %s, %s takes at most %d", d->count[g->profile->index] + 1,
                       g->profile->name, m->key, g->profile->max_instances);
    if (!may_stand(d, g->profile)) {
        if (d->me_all || strcmp(g->profile->attributes, "me.all") == 0)
            return err_set(err, ERR_INPUT, "%s@%d: beside a +me.all instance only -me ones can stand", g->profile->name, g->start);
        return err_set(err, ERR_INPUT, "%s@%d: only one instance of a GPU can have the media engines (+me)", g->profile->name, g->start);
    }
    return 0;
}

int layout_check(const struct gpu_model *m, const struct layout *l, struct err *err)
{
    struct draft d = {.model = m};

    if (l->n > LAYOUT_MAX)
        return err_set(err, ERR_INPUT, "%zu instances, a GPU takes at most %d", l->n, LAYOUT_MAX);
    for (size_t i = 0; i < l->n; i++) {
        if (check_instance(m, l, i, &d, err) < 0) {
            add_near(m, l, err);
            return -1;
        }
        put(&d, l->at[i].profile, l->at[i].start, 1);
    }
    return 0;
}

const struct gpu_profile *layout_parse_instance(const struct gpu_model *m, const char *text, int *ret_start, struct err *err)
{
    const char *at = strchr(text, '@');
    const struct gpu_profile *p;
    char name[64], *end;
    long start = -1;

    snprintf(name, sizeof name, "%.*s", (int)(at ? at - text : (long)strlen(text)), text);
    if (!(p = gpu_profile_find(m, name, err)))
        return NULL;
    if (at) {
        errno = 0;
        start = strtol(at + 1, &end, 10);
        if (at[1] < '0' || at[1] > '9' || *end != '\0' || errno || start > GPU_PLACEMENTS_MAX) {
            err_set(err, ERR_INPUT, "found \"%.60s\", expected PROFILE@SLICE such as %s@%d", text, p->name, p->starts[0]);
            return NULL;
        }
        if (!has_start(p, (int)start)) {
            bad_start(m, p, (int)start, err);
            return NULL;
        }
    }
    *ret_start = (int)start;
    return p;
}

/* How many more instances of p alone fit; its starts ascend, so taking each one that is free is the best. */
static int room_for(struct draft d, const struct gpu_profile *p)
{
    int n = 0;

    for (size_t i = 0; i < p->start_count && may_stand(&d, p); i++) {
        if (is_free(&d, p, p->starts[i])) {
            put(&d, p, p->starts[i], 1);
            n++;
        }
    }
    return n;
}

void layout_room(const struct gpu_model *m, const struct layout *l, int ret_room[GPU_PROFILES_MAX])
{
    struct draft d;

    draft_of(m, l, &d);
    for (size_t i = 0; i < m->profile_count; i++)
        ret_room[i] = room_for(d, &m->profiles[i]);
}

/* Is a better than b: more room for plain profiles, large ones first; then higher starts, large instances first? */
static bool roomier(const struct gpu_model *m, const struct layout *a, const struct layout *b)
{
    int order[GPU_PROFILES_MAX];
    int ra[GPU_PROFILES_MAX] = {0}, rb[GPU_PROFILES_MAX] = {0};
    uint32_t base = gpu_profiles_base(m);

    size_order(m, order);
    layout_room(m, a, ra);
    layout_room(m, b, rb);
    for (size_t i = 0; i < m->profile_count; i++)
        if ((base >> order[i] & 1) && ra[order[i]] != rb[order[i]])
            return ra[order[i]] > rb[order[i]];
    for (size_t i = 0; i < m->profile_count; i++) {
        uint32_t sa = 0, sb = 0;
        for (size_t k = 0; k < a->n; k++)
            if (a->at[k].profile->index == order[i])
                sa |= UINT32_C(1) << a->at[k].start;
        for (size_t k = 0; k < b->n; k++)
            if (b->at[k].profile->index == order[i])
                sb |= UINT32_C(1) << b->at[k].start;
        if (sa != sb)
            return sa > sb;
    }
    return false;
}

struct placing {
    struct draft draft;
    const struct gpu_profile *profiles[LAYOUT_MAX]; /* large before small */
    size_t n;
    struct layout now, best;
    bool found;
};

static void place_next(struct placing *p, size_t i)
{
    const struct gpu_profile *g;
    int after = -1;

    if (i == p->n) {
        if (!p->found || roomier(p->draft.model, &p->now, &p->best))
            p->best = p->now;
        p->found = true;
        return;
    }
    g = p->profiles[i];
    if (i > 0 && p->profiles[i - 1] == g) /* equal ones in the order of their starts: every set once */
        after = p->now.at[p->now.n - 1].start;
    for (size_t k = 0; k < g->start_count; k++) {
        int start = g->starts[k];
        if (start <= after || !may_stand(&p->draft, g) || !is_free(&p->draft, g, start))
            continue;
        put(&p->draft, g, start, 1);
        p->now.at[p->now.n++] = (struct gpu_instance){g, start};
        place_next(p, i + 1);
        p->now.n--;
        put(&p->draft, g, start, -1);
    }
}

static int no_placement(const struct gpu_model *m, const struct placing *p, const struct layout *kept, struct err *err)
{
    cleanup_buf struct buf what = {.max = 300}, there = {.max = 300};
    struct layout wish = {.n = 0};

    if (kept)
        wish = *kept;
    for (size_t i = 0; i < p->n; i++) {
        buf_printf(&what, "%s%s", i ? ", " : "", p->profiles[i]->name);
        if (wish.n < LAYOUT_MAX)
            wish.at[wish.n++] = (struct gpu_instance){p->profiles[i], -1};
    }
    if (kept && kept->n > 0) {
        buf_puts(&there, " beside ");
        layout_format(kept, &there);
    }
    err_set(err, ERR_INPUT, "%s do not fit on one %s%s", buf_str(&what), m->key, buf_str(&there));
    add_near(m, &wish, err);
    return -1;
}

int layout_place(const struct gpu_model *m, const struct gpu_profile *const *profiles, size_t n,
                 const struct layout *kept, struct layout *ret, struct err *err)
{
    struct placing p = {.draft = {.model = m}};

    if (kept) {
        p.now = *kept;
        draft_of(m, kept, &p.draft);
    }
    if (n + p.now.n > LAYOUT_MAX)
        return err_set(err, ERR_INPUT, "%zu instances, a GPU takes at most %d", n + p.now.n, LAYOUT_MAX);
    for (size_t i = 0; i < n; i++) {
        size_t j = p.n++;
        for (; j > 0 && by_size(p.profiles[j - 1], profiles[i]) > 0; j--)
            p.profiles[j] = p.profiles[j - 1];
        p.profiles[j] = profiles[i];
    }
    place_next(&p, 0);
    if (!p.found)
        return no_placement(m, &p, kept, err);
    *ret = p.best;
    layout_sort(ret);
    return 0;
}

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
        if (!(s->mask >> i & 1) || !has_start(p, slice) || !may_stand(&s->draft, p))
            continue;
        put(&s->draft, p, slice, 1);
        s->now.at[s->now.n++] = (struct gpu_instance){p, slice};
        list_from(s, slice + p->size);
        s->now.n--;
        put(&s->draft, p, slice, -1);
    }
}

static bool is_maximal(const struct gpu_model *m, uint32_t mask, const struct layout *l)
{
    struct draft d;

    draft_of(m, l, &d);
    for (size_t i = 0; i < m->profile_count; i++)
        if ((mask >> i & 1) && room_for(d, &m->profiles[i]) > 0)
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

    size_order(m, o.order);
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
            if (roomier(m, &l->at[i], &l->at[kept - 1]))
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

void layout_list(const struct gpu_model *m, uint32_t profiles, enum layout_kind kind, struct layout_list *ret)
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

/* Instances in common by profile (most), memory slices in common by place, and those in use, as one number. */
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

size_t layout_nearest(const struct gpu_model *m, const struct layout *l, struct layout *ret, size_t max)
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
