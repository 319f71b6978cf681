/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/bundle.h"

#include <string.h>

#include "base/mem.h"

struct filler {
    const struct problem *p;
    struct bundle_list *l;
    const int64_t *wanted;
    int count[FLEET_TENANTS_MAX * 4];
};

static bool full(const struct filler *f, int left, int64_t memory)
{
    if (left == 0)
        return true;
    for (size_t i = 0; i < f->l->slot_count; i++) {
        int s = f->l->slots[i];
        if (f->p->slots[s].memory <= memory && f->count[i] < f->wanted[s])
            return false;
    }
    return true;
}

static void fill(struct filler *f, size_t at, int left, int64_t memory)
{
    struct bundle_list *l = f->l;
    const struct slot *s;
    int most = left;

    if (l->truncated)
        return;
    if (at == l->slot_count) {
        if (!full(f, left, memory))
            return;
        if (l->n == BUNDLES_MAX) {
            l->truncated = true;
            return;
        }
        GROW(l->counts, l->cap, (l->n + 1) * l->slot_count);
        memcpy(l->counts + l->n * l->slot_count, f->count, l->slot_count * sizeof *l->counts);
        l->n++;
        return;
    }
    s = &f->p->slots[l->slots[at]];
    if (s->memory > 0 && memory / s->memory < most)
        most = (int)(memory / s->memory);
    if (f->wanted[l->slots[at]] < most)
        most = (int)f->wanted[l->slots[at]];
    for (int k = most; k >= 0; k--) {
        f->count[at] = k;
        fill(f, at + 1, left - k, memory - k * s->memory);
    }
    f->count[at] = 0;
}

void bundle_list(const struct problem *p, enum fleet_mode mode, int r, int model, const int64_t *wanted,
                 struct bundle_list *ret)
{
    int64_t memory = p->fleet->models[model]->memory_mib << 20;
    struct filler f = {.p = p, .l = ret, .wanted = wanted};
    int *slots = xcalloc(p->slot_count + 1, sizeof *slots);

    *ret = (struct bundle_list){.slots = slots};
    for (size_t i = 0; i < p->slot_count; i++) {
        const struct slot *s = &p->slots[i];
        if (s->mode != mode || s->model != model || s->limit < r || s->memory > memory || wanted[i] == 0)
            continue;
        if (ret->slot_count == ARRAY_LEN(f.count)) {
            ret->truncated = true;
            break;
        }
        slots[ret->slot_count++] = (int)i;
    }
    if (ret->slot_count) {
        bool cut = ret->truncated;
        ret->truncated = false;
        fill(&f, 0, r, memory);
        ret->truncated = ret->truncated || cut;
    }
}

void bundle_list_done(struct bundle_list *l)
{
    free((void *)(uintptr_t)l->slots);
    free(l->counts);
}
