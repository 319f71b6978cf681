/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/bound.h"
#include "plan/pattern.h"

#include "base/mem.h"
#include "check.h"

static struct catalog *catalog;

static const struct gpu_model *model(const char *key)
{
    struct err e = {0};

    if (!catalog)
        catalog = catalog_open(&e);
    return catalog_find(catalog, key, &e);
}

/*
 * The truth, without the closed form: which demands 0..top of each profile one GPU more can hold, by dynamic
 * programming over the Pareto layouts. least[d] is the number of GPUs.
 */
struct truth {
    const struct gpu_model *m;
    int profiles[GPU_PROFILES_MAX];
    size_t n;
    int top;
    size_t size;
    uint8_t *least; /* owned */
};

static size_t index_of(const struct truth *t, const int *d)
{
    size_t at = 0;

    for (size_t i = 0; i < t->n; i++)
        at = at * (size_t)(t->top + 1) + (size_t)d[i];
    return at;
}

static void enumerate(struct truth *t, const struct gpu_model *m, uint32_t mask, int top)
{
    struct layout_list list = {0};
    int d[GPU_PROFILES_MAX] = {0};

    *t = (struct truth){.m = m, .top = top, .size = 1};
    for (size_t i = 0; i < m->profile_count; i++)
        if (mask >> i & 1)
            t->profiles[t->n++] = (int)i;
    for (size_t i = 0; i < t->n; i++)
        t->size *= (size_t)top + 1;
    t->least = xcalloc(t->size, 1);
    layout_list(m, mask, LAYOUT_PARETO, &list);
    for (size_t at = 1; at < t->size; at++) {
        size_t rest = at;
        int best = 255;
        for (size_t i = t->n; i-- > 0; rest /= (size_t)top + 1)
            d[i] = (int)(rest % ((size_t)top + 1));
        for (size_t p = 0; p < list.n; p++) {
            int left[GPU_PROFILES_MAX];
            size_t before;
            for (size_t i = 0; i < t->n; i++)
                left[i] = d[i];
            for (size_t k = 0; k < list.at[p].n; k++)
                for (size_t i = 0; i < t->n; i++)
                    if (t->profiles[i] == list.at[p].at[k].profile->index && left[i] > 0)
                        left[i]--;
            before = index_of(t, left);
            if (before < at && t->least[before] + 1 < best)
                best = t->least[before] + 1;
        }
        t->least[at] = (uint8_t)best;
    }
    layout_list_done(&list);
}

static void compare(const char *key, bool with_double, int top)
{
    const struct gpu_model *m = model(key);
    struct truth t;
    struct bound_face faces[BOUND_FACES_MAX];
    uint32_t mask;
    size_t n;

    CHECK(m != NULL);
    mask = with_double ? gpu_profiles_double(m) : gpu_profiles_base(m);
    n = bound_faces(m, mask, faces);
    CHECK(n > 0);
    enumerate(&t, m, mask, top);
    for (size_t at = 0; at < t.size; at++) {
        int64_t demand[GPU_PROFILES_MAX] = {0};
        size_t rest = at;
        for (size_t i = t.n; i-- > 0; rest /= (size_t)top + 1)
            demand[t.profiles[i]] = (int64_t)(rest % ((size_t)top + 1));
        CHECK_EQ(bound_gpus(faces, n, demand, NULL), t.least[at]);
    }
    free(t.least);
}

TEST(closed_form_is_exact_on_all_small_demands_a100)
{
    compare("A100-SXM4-80GB", false, 7);
}

TEST(closed_form_is_exact_with_double_memory_h100)
{
    compare("H100-SXM5-80GB", true, 4);
}

TEST(closed_form_is_exact_on_all_small_demands_a30)
{
    compare("A30-24GB", false, 12);
}

TEST(closed_form_is_exact_on_the_twelve_slice_grid)
{
    compare("RTX-PRO-6000-96GB", false, 12);
}

TEST(no_closed_form_with_media_profiles)
{
    struct bound_face faces[BOUND_FACES_MAX];
    const struct gpu_model *m = model("A100-SXM4-80GB");

    CHECK_EQ(bound_faces(m, gpu_profiles_all(m), faces), 0);
}

/* Large demands: layouts are found for exactly as many GPUs as the bound says, and they hold the demand. */
PROPERTY(large_demands_are_cut_into_as_many_layouts, 3000)
{
    static const char *const keys[] = {"A100-SXM4-80GB", "H100-SXM5-80GB", "A30-24GB", "H200-SXM-141GB"};
    const struct gpu_model *m = model(keys[gen_range(g, 0, 3)]);
    uint32_t mask = gen_bool(g) ? gpu_profiles_double(m) : gpu_profiles_base(m);
    int64_t demand[GPU_PROFILES_MAX] = {0}, held[GPU_PROFILES_MAX] = {0}, gpus, used = 0;
    struct bound_face faces[BOUND_FACES_MAX];
    struct pattern_use *uses;
    size_t n = bound_faces(m, mask, faces), count;

    for (size_t i = 0; i < m->profile_count; i++)
        if (mask >> i & 1)
            demand[i] = gen_range(g, 0, 5000);
    gpus = bound_gpus(faces, n, demand, NULL);
    count = pattern_layouts(m, demand, gpus, &uses);
    for (size_t u = 0; u < count; u++) {
        struct err e = {0};
        CHECK_EQ(layout_check(m, &uses[u].layout, &e), 0);
        used += uses[u].times;
        for (size_t k = 0; k < uses[u].layout.n; k++)
            held[uses[u].layout.at[k].profile->index] += uses[u].times;
    }
    CHECK_LE(used, gpus);
    for (size_t i = 0; i < m->profile_count; i++)
        CHECK_GE(held[i], demand[i]);
    free(uses);
}
