/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/catalog.h"

#include <stdio.h>

#include "base/mem.h"
#include "check.h"
#include "gpu/names.h"

static const struct gpu_model *find(struct catalog *c, const char *name)
{
    struct err err = {0};
    const struct gpu_model *m = catalog_find(c, name, &err);

    if (!m)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    return m;
}

static struct catalog *opened(void)
{
    struct err err = {0};
    struct catalog *c = catalog_open(&err);

    CHECK(c);
    return c;
}

TEST(every_file_reads_and_its_key_is_its_name)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};

    CHECK(catalog_count(c) >= 25);
    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct gpu_model *m = catalog_at(c, i, &err);
        if (!m)
            check_fail(__FILE__, __LINE__, "%s", err.msg);
        CHECK(find(c, m->key) == m);
        for (const char *const *a = m->aliases; *a; a++)
            if (find(c, *a) != m)
                check_fail(__FILE__, __LINE__, "%s is %s and %s", *a, m->key, find(c, *a)->key);
        CHECK(m->memory_mib > 0);
    }
}

/* A figure without a source must say that it is inferred; a source must be spelled out. */
TEST(every_profile_has_sources_that_are_spelled_out)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};

    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct gpu_model *m = catalog_at(c, i, &err);
        for (size_t k = 0; k <= m->profile_count; k++) {
            cleanup_free char *keys =
                xstrdup(k < m->profile_count ? m->profiles[k].sources : m->sources);
            char *save = NULL;
            if (k < m->profile_count)
                CHECK(*keys);
            for (char *key = strtok_r(keys, " ", &save); key; key = strtok_r(NULL, " ", &save))
                if (!catalog_source(c, key))
                    check_fail(__FILE__, __LINE__, "%s: source %s is not in sources.yaml", m->key,
                               key);
        }
    }
    CHECK(!catalog_source(c, "no-such"));
}

TEST(profile_names_follow_the_rule)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};

    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct gpu_model *m = catalog_at(c, i, &err);
        for (size_t k = 0; k < m->profile_count; k++) {
            const struct gpu_profile *p = &m->profiles[k];
            struct profile_name n;
            CHECK(profile_name_parse(p->name, &n));
            if (profile_name_gb(p->memory_mib, (int64_t)m->name_gb << 10) != n.gb)
                check_fail(__FILE__, __LINE__, "%s %s: the rule says %d GB", m->key, p->name,
                           profile_name_gb(p->memory_mib, (int64_t)m->name_gb << 10));
        }
    }
}

TEST(profiles_are_consistent)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};

    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct gpu_model *m = catalog_at(c, i, &err);
        for (size_t k = 0; k < m->profile_count; k++) {
            const struct gpu_profile *p = &m->profiles[k];
            struct share_size size = gpu_profile_size(m, p);
            CHECK_EQ(p->index, k);
            CHECK_EQ(p->memory_slices, p->size);
            CHECK(p->nvml >= 0 && p->nvml < 18);
            CHECK(gpu_profile_nvml(m, p->nvml) == p);
            CHECK(gpu_profile_find(m, p->name, &err) == p);
            CHECK(p->max_instances <= (int)p->start_count);
            CHECK(p->memory_mib > 0 && p->memory_mib <= m->memory_mib);
            CHECK(m->sm == 0 || p->sm <= m->sm);
            CHECK(size.sm > 0 && size.sm <= 1 && size.bandwidth > 0 && size.bandwidth <= 1);
        }
    }
}

TEST(figures_of_the_published_experiment)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};
    const struct gpu_model *m = find(c, "A100-SXM4-80GB");
    const struct gpu_profile *p = gpu_profile_find(m, "3g.40gb", &err);
    struct share_size s = gpu_profile_size(m, p), whole = gpu_profile_size(m, NULL);

    CHECK_EQ(m->sm, 108);
    CHECK_EQ(m->grid, 8);
    CHECK_NEAR(m->bandwidth_gbs, 2039, 0);
    CHECK_EQ(p->nvml, 2);
    CHECK_EQ(p->id, 9);
    CHECK_EQ(p->sm, 42);
    CHECK_EQ(p->memory_mib, 40192);
    CHECK_NEAR(s.sm, 42.0 / 108, 1e-12);
    CHECK_NEAR(s.bandwidth, 0.5, 0);
    CHECK_EQ(s.memory, INT64_C(40192) << 20);
    CHECK_NEAR(whole.sm, 1, 0);
    CHECK_EQ(gpu_profile_find(m, "7g.80gb", &err)->sm, 98);
    CHECK(gpu_profile_find(m, "7g.79gb", &err) == gpu_profile_find(m, "7g.80gb", &err));
    CHECK(gpu_profile_find(m, "1g.10gb+me", &err)->nvml == 7);
    CHECK_EQ(find(c, "A30")->grid, 4);
    CHECK_EQ(gpu_profile_find(find(c, "A30"), "1g.6gb", &err)->id, 14);
    CHECK_EQ(find(c, "RTX PRO 6000")->grid, 12);
    CHECK_EQ(find(c, "L4")->grid, 0);
}

TEST(aliases_of_labels_and_of_nvidia_smi)
{
    cleanup_catalog struct catalog *c = opened();

    CHECK_STR(find(c, "NVIDIA-A100-SXM4-80GB-MIG-3g.40gb")->key, "A100-SXM4-80GB");
    CHECK_STR(find(c, "NVIDIA-H100-80GB-HBM3-SHARED")->key, "H100-SXM5-80GB");
    CHECK_STR(find(c, "NVIDIA A100 80GB PCIe")->key, "A100-PCIE-80GB");
    CHECK_STR(find(c, "a100-sxm4-80gb")->key, "A100-SXM4-80GB");
    CHECK_STR(find(c, "Tesla T4")->key, "T4-16GB");
}

TEST(unknown_names_come_with_near_ones)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};

    CHECK(!catalog_find(c, "A100", &err));
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg,
                   "near it: A100-PCIE-40GB, A100-PCIE-80GB, A100-SXM4-40GB, A100-SXM4-80GB");
    CHECK(!catalog_find(c, "H100-SXM4-80GB", &err));
    CHECK_CONTAINS(err.msg, "H100-SXM5-80GB");
    CHECK(!catalog_find(c, "MI300X-is-not-ours", &err));
    CHECK_CONTAINS(err.msg, "`snug gpus` lists them");
    CHECK(!catalog_find(c, "", &err));
}

TEST(a_profile_of_another_gpu_is_refused_with_those_that_exist)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};

    CHECK(!gpu_profile_find(find(c, "A100-SXM4-80GB"), "1g.5gb", &err));
    CHECK_CONTAINS(
        err.msg,
        "A100-SXM4-80GB has no profile 1g.5gb; it has 1g.10gb, 1g.10gb+me, 1g.20gb, 2g.20gb");
    CHECK(!gpu_profile_find(find(c, "L40S"), "1g.5gb", &err));
    CHECK_CONTAINS(err.msg, "no MIG");
    CHECK(!gpu_profile_find(find(c, "A30"), "big", &err));
    CHECK_CONTAINS(err.msg, "expected a MIG profile of A30-24GB");
}
