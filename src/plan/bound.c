/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/bound.h"

#include "base/buf.h"

/* The faces on the 8-slice grid by NVML enum: 1g, 2g, 3g, 4g, 7g, and the double-memory 1g (REV2). */
static const struct {
    int nvml, weight[BOUND_FACES_MAX];
} EIGHT[] = {
    {0, {0, 0, 1, 1}}, {9, {0, 0, 2, 1}}, {1, {0, 1, 2, 2}}, {2, {0, 1, 4, 3}}, {3, {1, 2, 4, 4}}, {4, {1, 3, 8, 7}},
};
static const int EIGHT_CAPACITY[BOUND_FACES_MAX] = {1, 3, 8, 7};

static bool starts_are(const struct gpu_profile *p, const int *starts, size_t n)
{
    if (p->start_count != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p->starts[i] != starts[i])
            return false;
    return true;
}

/* The placements that the proof stands on; a model that differs has no closed form here. */
static bool eight_placements(const struct gpu_profile *p)
{
    static const int all[] = {0, 1, 2, 3, 4, 5, 6}, even[] = {0, 2, 4, 6}, two[] = {0, 2, 4}, half[] = {0, 4},
                     zero[] = {0};

    switch (p->nvml) {
    case 0:
        return p->size == 1 && starts_are(p, all, 7);
    case 9:
        return p->size == 2 && starts_are(p, even, 4);
    case 1:
        return p->size == 2 && starts_are(p, two, 3);
    case 2:
        return p->size == 4 && starts_are(p, half, 2);
    case 3:
        return p->size == 4 && starts_are(p, zero, 1);
    case 4:
        return p->size == 8 && starts_are(p, zero, 1);
    default:
        return false;
    }
}

/* Buddy placements on a grid of four units: sizes 1, 2, 4 at their multiples. */
static bool four_placements(const struct gpu_model *m, const struct gpu_profile *p)
{
    int unit = m->grid / 4;

    if (p->size != unit && p->size != 2 * unit && p->size != 4 * unit)
        return false;
    if (p->start_count != (size_t)(m->grid / p->size))
        return false;
    for (size_t i = 0; i < p->start_count; i++)
        if (p->starts[i] != (int)i * p->size)
            return false;
    return true;
}

static size_t eight_faces(const struct gpu_model *m, uint32_t mask, struct bound_face *ret)
{
    for (size_t i = 0; i < m->profile_count; i++) {
        const struct gpu_profile *p = &m->profiles[i];
        size_t k = 0;
        if (!(mask & (UINT32_C(1) << p->index)))
            continue;
        while (k < sizeof EIGHT / sizeof EIGHT[0] && EIGHT[k].nvml != p->nvml)
            k++;
        if (k == sizeof EIGHT / sizeof EIGHT[0] || !eight_placements(p))
            return 0;
        for (size_t f = 0; f < BOUND_FACES_MAX; f++)
            ret[f].weight[p->index] = EIGHT[k].weight[f];
    }
    for (size_t f = 0; f < BOUND_FACES_MAX; f++)
        ret[f].capacity = EIGHT_CAPACITY[f];
    return BOUND_FACES_MAX;
}

size_t bound_faces(const struct gpu_model *m, uint32_t mask, struct bound_face ret[BOUND_FACES_MAX])
{
    for (size_t f = 0; f < BOUND_FACES_MAX; f++)
        ret[f] = (struct bound_face){.capacity = 0};
    if (m->grid == 8 && m->compute_slices == 7)
        return eight_faces(m, mask, ret);
    if (m->grid < 4 || m->grid % 4 != 0)
        return 0;
    for (size_t i = 0; i < m->profile_count; i++) {
        const struct gpu_profile *p = &m->profiles[i];
        if (!(mask & (UINT32_C(1) << p->index)))
            continue;
        if (p->attributes[0] || !four_placements(m, p))
            return 0;
        ret[0].weight[p->index] = p->size / (m->grid / 4);
    }
    ret[0].capacity = 4;
    return 1;
}

int64_t bound_gpus(const struct bound_face *faces, size_t n, const int64_t demand[GPU_PROFILES_MAX], size_t *ret_face)
{
    int64_t best = 0;
    size_t face = 0;

    for (size_t f = 0; f < n; f++) {
        int64_t need = 0;
        for (size_t i = 0; i < GPU_PROFILES_MAX; i++)
            need += faces[f].weight[i] * demand[i];
        need = (need + faces[f].capacity - 1) / faces[f].capacity;
        if (need > best) {
            best = need;
            face = f;
        }
    }
    if (ret_face)
        *ret_face = face;
    return best;
}

void bound_format(const struct gpu_model *m, const struct bound_face *face, struct buf *out)
{
    bool first = true;

    for (size_t i = 0; i < m->profile_count; i++) {
        if (!face->weight[i])
            continue;
        buf_puts(out, first ? "" : " + ");
        if (face->weight[i] > 1)
            buf_printf(out, "%d ", face->weight[i]);
        buf_printf(out, "n(%s)", m->profiles[i].name);
        first = false;
    }
    if (face->capacity == 1)
        buf_puts(out, " <= G");
    else
        buf_printf(out, " <= %d G", face->capacity);
}
