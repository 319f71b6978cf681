/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "check.h"
#include "plan/import_parvagpu.h"

static struct catalog *catalog;

static const struct gpu_model *model(const char *key)
{
    struct err e = {0};

    if (!catalog)
        catalog = catalog_open(&e);
    return catalog_find(catalog, key, &e);
}

static int profile(const struct gpu_model *m, int slices)
{
    for (size_t i = 0; i < m->profile_count; i++)
        if (!m->profiles[i].attributes[0] && m->profiles[i].compute_slices == slices && m->profiles[i].nvml != 9)
            return (int)i;
    return -1;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void solve_scenario(const struct parvagpu_request *r, struct pattern_result *ret)
{
    const struct gpu_model *m = model("A100-SXM4-80GB");
    struct parvagpu_model models[PARVAGPU_MODELS];
    struct pattern_item items[PARVAGPU_MODELS];
    struct err e = {0};
    int n = parvagpu_read(r, models, &e);

    CHECK_GE(n, 1);
    for (int i = 0; i < n; i++) {
        items[i] = (struct pattern_item){.need = models[i].rate};
        for (int s = 1; s < 8; s++)
            if (models[i].size[s].throughput > 0)
                items[i].options[items[i].option_count++] =
                    (struct pattern_option){profile(m, s), models[i].size[s].throughput};
    }
    CHECK_EQ(pattern_solve(m, items, (size_t)n, NULL, ret), 0);
    for (int i = 0; i < n; i++) { /* every rate is met */
        double sum = 0;
        for (size_t o = 0; o < items[i].option_count; o++)
            sum += (double)ret->counts[i][o] * items[i].options[o].gives;
        CHECK(sum >= items[i].need * (1 - 1e-8));
    }
}

static const char *traces(void)
{
    static char path[4096];
    const char *shared = getenv("SNUG_SHARED");
    struct err e = {0};
    struct parvagpu_model models[PARVAGPU_MODELS];
    struct parvagpu_request r = {path, 1, 5, 1, 1, 0};

    snprintf(path, sizeof path, "%s/traces/parvagpu", shared ? shared : "../shared");
    if (parvagpu_read(&r, models, &e) < 0)
        check_skip("no ParvaGPU tables (SNUG_SHARED, or ../shared beside the checkout)");
    return path;
}

static void scenarios(double times, const int expected[6])
{
    const char *dir = traces();

    for (int s = 1; s <= 6; s++) {
        struct parvagpu_request r = {dir, s, 5, times, 1, 0};
        struct pattern_result result;
        double began = seconds();
        solve_scenario(&r, &result);
        printf("# S%d x%g: %d GPUs, bound %d, %d nodes, %.3f s\n", s, times, (int)result.gpus, (int)result.bound,
               (int)result.nodes, seconds() - began);
        if (expected) {
            CHECK_EQ(result.gpus, expected[s - 1]);
            CHECK(result.proven);
        }
        CHECK_LE(result.bound, result.gpus);
        pattern_result_done(&result);
    }
}

TEST(parvagpu_scenarios_are_proven)
{
    scenarios(1, (const int[]){2, 3, 5, 7, 12, 15});
}

TEST(parvagpu_scenarios_at_twice_the_rate_are_proven)
{
    scenarios(2, (const int[]){3, 5, 8, 12, 23, 30});
}

TEST(parvagpu_scenarios_at_twenty_times_the_rate)
{
    scenarios(20, NULL);
}

/* Against plain enumeration: all compositions of small demands, and the closed form. */
PROPERTY(choices_equal_enumeration, 2000)
{
    const struct gpu_model *m = model(gen_bool(g) ? "A100-SXM4-80GB" : "A30-24GB");
    struct pattern_item items[2] = {{.need = 0}, {.need = 0}};
    struct bound_face faces[BOUND_FACES_MAX];
    struct pattern_result r;
    size_t n = bound_faces(m, gpu_profiles_base(m), faces);
    int sizes = m->grid == 8 ? 5 : 3;
    int64_t best = INT64_MAX;

    for (int i = 0; i < 2; i++) {
        items[i].need = (double)gen_range(g, 0, 12);
        items[i].option_count = 2;
        for (int o = 0; o < 2; o++) {
            int p = (int)gen_range(g, 0, sizes - 1),
                slices = m->grid == 8 ? (const int[]){1, 2, 3, 4, 7}[p] : (const int[]){1, 2, 4}[p];
            items[i].options[o] = (struct pattern_option){profile(m, slices), (double)gen_range(g, 1, 4)};
        }
    }
    for (int a = 0; a <= 12; a++)
        for (int b = 0; b <= 12; b++)
            for (int c = 0; c <= 12; c++)
                for (int d = 0; d <= 12; d++) {
                    int64_t demand[GPU_PROFILES_MAX] = {0}, gpus;
                    if (a * items[0].options[0].gives + b * items[0].options[1].gives < items[0].need ||
                        c * items[1].options[0].gives + d * items[1].options[1].gives < items[1].need)
                        continue;
                    demand[items[0].options[0].profile] += a;
                    demand[items[0].options[1].profile] += b;
                    demand[items[1].options[0].profile] += c;
                    demand[items[1].options[1].profile] += d;
                    gpus = bound_gpus(faces, n, demand, NULL);
                    best = gpus < best ? gpus : best;
                }
    CHECK_EQ(pattern_solve(m, items, 2, NULL, &r), 0);
    CHECK(r.proven);
    CHECK_EQ(r.gpus, best);
    pattern_result_done(&r);
}
