/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/layout.h"

#include "base/mem.h"
#include "check.h"

static struct catalog *opened(void)
{
    struct err err = {0};
    struct catalog *c = catalog_open(&err);

    CHECK(c);
    return c;
}

static const struct gpu_model *find(struct catalog *c, const char *name)
{
    struct err err = {0};
    const struct gpu_model *m = catalog_find(c, name, &err);

    CHECK(m);
    return m;
}

static void check_counts(const struct gpu_model *m, uint32_t mask, size_t feasible, size_t maximal,
                         size_t multisets, size_t pareto)
{
    const size_t expected[] = {[LAYOUT_FEASIBLE] = feasible,
                               [LAYOUT_MAXIMAL] = maximal,
                               [LAYOUT_MULTISETS] = multisets,
                               [LAYOUT_PARETO] = pareto};
    struct err err = {0};

    for (int kind = LAYOUT_FEASIBLE; kind <= LAYOUT_PARETO; kind++) {
        cleanup_layout_list struct layout_list l = {0};
        layout_list(m, mask, (enum layout_kind)kind, &l);
        CHECK_EQ(l.n, expected[kind]);
        for (size_t i = 0; i < l.n; i++)
            CHECK_EQ(layout_check(m, &l.at[i], &err), 0);
    }
}

/*
 * NVIDIA's figure of A100 configurations has 19 rows; the other numbers are facts of the
 * placements.
 */
TEST(counts_of_legal_layouts)
{
    cleanup_catalog struct catalog *c = opened();
    static const char *const grid8[] = {"A100-SXM4-80GB", "A100-SXM4-40GB", "H100-SXM5-80GB",
                                        "H100-PCIE-80GB", "H200-SXM-141GB", "B200-SXM-180GB"};

    for (size_t i = 0; i < ARRAY_LEN(grid8); i++) {
        const struct gpu_model *m = find(c, grid8[i]);
        check_counts(m, gpu_profiles_base(m), 298, 19, 38, 12);
        check_counts(m, gpu_profiles_double(m), 723, 78, 78, 28);
    }
    check_counts(find(c, "A30-24GB"), gpu_profiles_base(find(c, "A30-24GB")), 26, 5, 10, 4);
}

/* 4 quarters of 12 memory slices, a half at 0 or 6, the whole: (1 + 1) per quarter, or halves. */
TEST(the_grid_of_twelve)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, "RTX-PRO-6000-96GB");

    check_counts(m, gpu_profiles_base(m), 26, 5, 10, 4);
}

TEST(compute_slices_never_exceed_the_gpu)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, "H100-SXM5-80GB");
    cleanup_layout_list struct layout_list l = {0};

    layout_list(m, gpu_profiles_double(m), LAYOUT_FEASIBLE, &l);
    for (size_t i = 0; i < l.n; i++) {
        int compute = 0, sm = 0;
        for (size_t k = 0; k < l.at[i].n; k++) {
            compute += l.at[i].at[k].profile->compute_slices;
            sm += l.at[i].at[k].profile->sm;
        }
        CHECK(compute <= m->compute_slices && sm <= m->sm);
    }
}

static void place(const struct gpu_model *m, const char *names, const char *expected)
{
    const struct gpu_profile *p[LAYOUT_MAX];
    cleanup_free char *list = xstrdup(names);
    cleanup_buf struct buf text = {.max = 400};
    struct layout l;
    struct err err = {0};
    char *save = NULL;
    size_t n = 0;

    for (char *name = strtok_r(list, " ", &save); name; name = strtok_r(NULL, " ", &save))
        CHECK((p[n++] = gpu_profile_find(m, name, &err)));
    if (layout_place(m, p, n, NULL, &l, &err) < 0)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    layout_format(&l, &text);
    CHECK_STR(buf_str(&text), expected);
}

TEST(placements_that_keep_the_most_room)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, "A100-SXM4-80GB");

    place(m, "1g.10gb", "1g.10gb@6");
    place(m, "1g.10gb 1g.10gb", "1g.10gb@5 1g.10gb@6");
    place(m, "1g.10gb 1g.10gb 1g.10gb", "1g.10gb@4 1g.10gb@5 1g.10gb@6");
    place(m, "3g.40gb", "3g.40gb@4");
    place(m, "3g.40gb 3g.40gb", "3g.40gb@0 3g.40gb@4");
    place(m, "4g.40gb", "4g.40gb@0");
    place(m, "2g.20gb", "2g.20gb@4");
    place(m, "2g.20gb 1g.10gb", "2g.20gb@4 1g.10gb@6");
    place(m, "1g.10gb 1g.10gb 2g.20gb 3g.40gb",
          "1g.10gb@0 1g.10gb@1 2g.20gb@2 3g.40gb@4"); /* -cgi 19,19,14,9 fails in that order */
    place(m, "7g.80gb", "7g.80gb@0");
    place(find(c, "A30"), "1g.6gb", "1g.6gb@3");
    place(find(c, "RTX PRO 6000"), "1g.24gb 2g.48gb", "1g.24gb@3 2g.48gb@6");
}

TEST(what_does_not_fit_is_refused_with_what_would)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, "A100-SXM4-80GB");
    struct err err = {0};
    const struct gpu_profile *g3 = gpu_profile_find(m, "3g.40gb", &err),
                             *g4 = gpu_profile_find(m, "4g.40gb", &err);
    struct layout l, kept = {.at = {{gpu_profile_find(m, "1g.10gb", &err), 2}}, .n = 1};

    CHECK_EQ(layout_place(m, (const struct gpu_profile *[]){g3, g3, g3}, 3, NULL, &l, &err), -1);
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg, "3g.40gb, 3g.40gb, 3g.40gb do not fit on one A100-SXM4-80GB. Legal and "
                            "near it: 3g.40gb@0 3g.40gb@4; ");
    CHECK_EQ(layout_place(m, &g4, 1, &kept, &l, &err), -1);
    CHECK_CONTAINS(err.msg, "4g.40gb do not fit on one A100-SXM4-80GB beside 1g.10gb@2");
    CHECK_EQ(layout_place(m, &g3, 1, &kept, &l, &err), 0);
    CHECK_EQ(l.at[1].start, 4);
}

TEST(illegal_layouts_name_the_rule)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, "A100-SXM4-80GB"), *r = find(c, "RTX PRO 6000");
    struct err err = {0};
    const struct gpu_profile *g1 = gpu_profile_find(m, "1g.10gb", &err),
                             *g3 = gpu_profile_find(m, "3g.40gb", &err);
    const struct gpu_profile *me = gpu_profile_find(m, "1g.10gb+me", &err),
                             *all = gpu_profile_find(r, "1g.24gb+me.all", &err);
    const struct gpu_profile *no_me = gpu_profile_find(r, "1g.24gb-me", &err),
                             *plain = gpu_profile_find(r, "1g.24gb", &err);

    CHECK_EQ(layout_check(m, &(struct layout){{{g3, 0}, {g1, 2}}, 2}, &err), -1);
    CHECK_CONTAINS(err.msg, "3g.40gb@0 (slices 0-3) and 1g.10gb@2 (slice 2) overlap on "
                            "A100-SXM4-80GB. Legal and near it: 3g.40gb@0 ");
    CHECK_EQ(layout_check(m, &(struct layout){{{g3, 2}}, 1}, &err), -1);
    CHECK_CONTAINS(err.msg, "3g.40gb@2: on A100-SXM4-80GB a 3g.40gb starts at memory slice 0 or 4");
    CHECK_EQ(layout_check(m, &(struct layout){{{me, 0}, {me, 1}}, 2}, &err), -1);
    CHECK_CONTAINS(err.msg, "2 instances of 1g.10gb+me, A100-SXM4-80GB takes at most 1");
    CHECK_EQ(layout_check(r, &(struct layout){{{all, 0}, {plain, 3}}, 2}, &err), -1);
    CHECK_CONTAINS(err.msg, "only -me ones");
    CHECK_EQ(
        layout_check(r, &(struct layout){{{all, 0}, {no_me, 3}, {no_me, 6}, {no_me, 9}}, 4}, &err),
        0);
    CHECK_EQ(layout_check(r, &(struct layout){{{plain, 0}, {all, 3}}, 2}, &err), -1);
}

TEST(one_instance_has_the_media_engines)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, "A30");
    struct err err = {0};
    const struct gpu_profile *g1 = gpu_profile_find(m, "1g.6gb+me", &err),
                             *g2 = gpu_profile_find(m, "2g.12gb+me", &err);

    CHECK_EQ(layout_check(m, &(struct layout){{{g2, 0}, {g1, 2}}, 2}, &err), -1);
    CHECK_CONTAINS(err.msg, "only one instance of a GPU can have the media engines (+me)");
}

TEST(reads_instances_with_and_without_a_place)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, "A100-SXM4-80GB");
    struct err err = {0};
    int start;

    CHECK_STR(layout_parse_instance(m, "3g.40gb@4", &start, &err)->name, "3g.40gb");
    CHECK_EQ(start, 4);
    CHECK_STR(layout_parse_instance(m, "MIG 3g.40gb", &start, &err)->name, "3g.40gb");
    CHECK_EQ(start, -1);
    CHECK(!layout_parse_instance(m, "3g.40gb@1", &start, &err));
    CHECK_CONTAINS(err.msg, "starts at memory slice 0 or 4");
    CHECK(!layout_parse_instance(m, "3g.40gb@", &start, &err));
    CHECK(!layout_parse_instance(m, "3g.40gb@-4", &start, &err));
    CHECK(!layout_parse_instance(m, "3g.40gb@4x", &start, &err));
    CHECK(!layout_parse_instance(m, "3g.40gb@99999999999999999999", &start, &err));
    CHECK(!layout_parse_instance(m, "@4", &start, &err));
}

/*
 * Any placements at random: legal exactly when nothing overlaps and no count is exceeded, by the
 * plain definition.
 */
PROPERTY(legal_is_no_overlap_and_counts, 2000)
{
    cleanup_catalog struct catalog *c = opened();
    static const char *const models[] = {"A100-SXM4-80GB", "A30-24GB", "H100-NVL-94GB"};
    const struct gpu_model *m = find(c, models[gen_size(g, 2)]);
    size_t n = gen_size(g, 8);
    struct layout l = {.n = 0};
    struct err err = {0};
    bool legal = true;

    for (size_t i = 0; i < n; i++) {
        const struct gpu_profile *p = &m->profiles[rng_below(&g->rng, m->profile_count)];
        l.at[l.n++] = (struct gpu_instance){p, p->starts[rng_below(&g->rng, p->start_count)]};
    }
    for (size_t i = 0; i < n; i++) {
        int same = 0, me = 0;
        for (size_t k = 0; k < n; k++) {
            const struct gpu_instance *a = &l.at[i], *b = &l.at[k];
            same += a->profile == b->profile;
            me += strcmp(b->profile->attributes, "me") == 0;
            if (i != k && a->start < b->start + b->profile->size &&
                b->start < a->start + a->profile->size)
                legal = false;
        }
        if (same > l.at[i].profile->max_instances || me > 1)
            legal = false;
    }
    CHECK_EQ(layout_check(m, &l, &err) == 0, legal);
}

/*
 * Any multiset: placed exactly when it is among the feasible ones, legally, and none of its
 * placements leaves more room.
 */
PROPERTY(placing_finds_the_roomiest, 200)
{
    cleanup_catalog struct catalog *c = opened();
    const struct gpu_model *m = find(c, gen_bool(g) ? "A100-SXM4-80GB" : "A30-24GB");
    cleanup_layout_list struct layout_list all = {0};
    static const int large_first[] = {4, 3, 2, 1, 0};
    const struct gpu_profile *p[LAYOUT_MAX];
    size_t n = 1 + gen_size(g, 6);
    struct layout l;
    struct err err = {0};
    uint32_t mask = gpu_profiles_double(m);
    int want[GPU_PROFILES_MAX] = {0}, room[GPU_PROFILES_MAX];
    bool placed, possible = false;

    for (size_t i = 0; i < n; i++) {
        do
            p[i] = &m->profiles[rng_below(&g->rng, m->profile_count)];
        while (!(mask >> p[i]->index & 1));
        want[p[i]->index]++;
    }
    placed = layout_place(m, p, n, NULL, &l, &err) == 0;
    if (placed) {
        CHECK_EQ(layout_check(m, &l, &err), 0);
        layout_room(m, &l, room);
    }
    layout_list(m, mask, LAYOUT_FEASIBLE, &all);
    for (size_t i = 0; i < all.n; i++) {
        int have[GPU_PROFILES_MAX] = {0}, other[GPU_PROFILES_MAX];
        for (size_t k = 0; k < all.at[i].n; k++)
            have[all.at[i].at[k].profile->index]++;
        if (memcmp(have, want, sizeof have) != 0)
            continue;
        possible = true;
        CHECK(placed);
        layout_room(m, &all.at[i], other);
        for (size_t k = 0; k < sizeof large_first / sizeof large_first[0]; k++) {
            const struct gpu_profile *q = gpu_profile_nvml(m, large_first[k]);
            if (!q || other[q->index] == room[q->index])
                continue;
            CHECK(other[q->index] < room[q->index]);
            break;
        }
    }
    CHECK_EQ(placed, possible);
}
