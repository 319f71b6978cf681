/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/layout_draft.h"

#include <string.h>

uint32_t draft_slices(const struct gpu_profile *p, int start)
{
    return ((UINT32_C(1) << p->size) - 1) << start;
}

bool draft_may_stand(const struct draft *d, const struct gpu_profile *p)
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

bool draft_is_free(const struct draft *d, const struct gpu_profile *p, int start)
{
    return (d->taken & draft_slices(p, start)) == 0;
}

void draft_put(struct draft *d, const struct gpu_profile *p, int start, int by)
{
    d->taken ^= draft_slices(p, start);
    d->count[p->index] += by;
    d->me += by * (strcmp(p->attributes, "me") == 0);
    d->me_all += by * (strcmp(p->attributes, "me.all") == 0);
    d->others += by * (strcmp(p->attributes, "-me") != 0);
}

void draft_of(const struct gpu_model *m, const struct layout *l, struct draft *ret)
{
    *ret = (struct draft){.model = m};
    for (size_t i = 0; i < l->n; i++)
        draft_put(ret, l->at[i].profile, l->at[i].start, 1);
}

bool draft_has_start(const struct gpu_profile *p, int start)
{
    for (size_t i = 0; i < p->start_count; i++)
        if (p->starts[i] == start)
            return true;
    return false;
}

int draft_by_size(const struct gpu_profile *a, const struct gpu_profile *b)
{
    if (a->size != b->size)
        return b->size - a->size;
    if (a->compute_slices != b->compute_slices)
        return b->compute_slices - a->compute_slices;
    if ((*a->attributes == '\0') != (*b->attributes == '\0'))
        return *a->attributes ? 1 : -1;
    return a->index - b->index;
}

void draft_size_order(const struct gpu_model *m, int ret[GPU_PROFILES_MAX])
{
    for (size_t i = 0; i < m->profile_count; i++) {
        size_t j = i;
        for (; j > 0 && draft_by_size(&m->profiles[ret[j - 1]], &m->profiles[i]) > 0; j--)
            ret[j] = ret[j - 1];
        ret[j] = (int)i;
    }
}

/*
 * How many more instances of p alone fit; its starts ascend, so taking each one that is free is the
 * best.
 */
int draft_room(struct draft d, const struct gpu_profile *p)
{
    int n = 0;

    for (size_t i = 0; i < p->start_count && draft_may_stand(&d, p); i++) {
        if (draft_is_free(&d, p, p->starts[i])) {
            draft_put(&d, p, p->starts[i], 1);
            n++;
        }
    }
    return n;
}

bool draft_roomier(const struct gpu_model *m, const struct layout *a, const struct layout *b)
{
    int order[GPU_PROFILES_MAX];
    int ra[GPU_PROFILES_MAX] = {0}, rb[GPU_PROFILES_MAX] = {0};
    uint32_t base = gpu_profiles_base(m);

    draft_size_order(m, order);
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
