/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gpu/layout_draft.h"

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

static int bad_start(const struct gpu_model *m, const struct gpu_profile *p, int start,
                     struct err *err)
{
    cleanup_buf struct buf starts = {.max = 100};

    for (size_t i = 0; i < p->start_count; i++)
        buf_printf(&starts, "%s%d",
                   i == 0                    ? ""
                   : i + 1 == p->start_count ? " or "
                                             : ", ",
                   p->starts[i]);
    return err_set(err, ERR_INPUT, "%s@%d: on %s a %s starts at memory slice %s", p->name, start,
                   m->key, p->name, buf_str(&starts));
}

/* The first broken rule between instance i and those before it. */
static int check_instance(const struct gpu_model *m, const struct layout *l, size_t i,
                          const struct draft *d, struct err *err)
{
    const struct gpu_instance *g = &l->at[i];
    char own[64], other[64];

    if (!draft_has_start(g->profile, g->start))
        return bad_start(m, g->profile, g->start, err);
    if (!draft_is_free(d, g->profile, g->start)) {
        for (size_t j = 0; j < i; j++) {
            if (!(draft_slices(l->at[j].profile, l->at[j].start) &
                  draft_slices(g->profile, g->start)))
                continue;
            name_slices(&l->at[j], other);
            name_slices(g, own);
            return err_set(err, ERR_INPUT, "%s and %s overlap on %s", other, own, m->key);
        }
    }
    if (d->count[g->profile->index] >= g->profile->max_instances)
        return err_set(err, ERR_INPUT, "%d instances of %s, %s takes at most %d",
                       d->count[g->profile->index] + 1, g->profile->name, m->key,
                       g->profile->max_instances);
    if (!draft_may_stand(d, g->profile)) {
        if (d->me_all || strcmp(g->profile->attributes, "me.all") == 0)
            return err_set(err, ERR_INPUT,
                           "%s@%d: beside a +me.all instance only -me ones can stand",
                           g->profile->name, g->start);
        return err_set(err, ERR_INPUT,
                       "%s@%d: only one instance of a GPU can have the media engines (+me)",
                       g->profile->name, g->start);
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
        draft_put(&d, l->at[i].profile, l->at[i].start, 1);
    }
    return 0;
}

const struct gpu_profile *layout_parse_instance(const struct gpu_model *m, const char *text,
                                                int *ret_start, struct err *err)
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
            err_set(err, ERR_INPUT, "found \"%.60s\", expected PROFILE@SLICE such as %s@%d", text,
                    p->name, p->starts[0]);
            return NULL;
        }
        if (!draft_has_start(p, (int)start)) {
            bad_start(m, p, (int)start, err);
            return NULL;
        }
    }
    *ret_start = (int)start;
    return p;
}

void layout_room(const struct gpu_model *m, const struct layout *l, int ret_room[GPU_PROFILES_MAX])
{
    struct draft d;

    draft_of(m, l, &d);
    for (size_t i = 0; i < m->profile_count; i++)
        ret_room[i] = draft_room(d, &m->profiles[i]);
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
        if (!p->found || draft_roomier(p->draft.model, &p->now, &p->best))
            p->best = p->now;
        p->found = true;
        return;
    }
    g = p->profiles[i];
    if (i > 0 &&
        p->profiles[i - 1] == g) /* equal ones in the order of their starts: every set once */
        after = p->now.at[p->now.n - 1].start;
    for (size_t k = 0; k < g->start_count; k++) {
        int start = g->starts[k];
        if (start <= after || !draft_may_stand(&p->draft, g) || !draft_is_free(&p->draft, g, start))
            continue;
        draft_put(&p->draft, g, start, 1);
        p->now.at[p->now.n++] = (struct gpu_instance){g, start};
        place_next(p, i + 1);
        p->now.n--;
        draft_put(&p->draft, g, start, -1);
    }
}

static int no_placement(const struct gpu_model *m, const struct placing *p,
                        const struct layout *kept, struct err *err)
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
        return err_set(err, ERR_INPUT, "%zu instances, a GPU takes at most %d", n + p.now.n,
                       LAYOUT_MAX);
    for (size_t i = 0; i < n; i++) {
        size_t j = p.n++;
        for (; j > 0 && draft_by_size(p.profiles[j - 1], profiles[i]) > 0; j--)
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
