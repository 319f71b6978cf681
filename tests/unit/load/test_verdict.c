/* SPDX-License-Identifier: Apache-2.0 */
#include "load/verdict.h"

#include <math.h>

#include "base/mem.h"
#include "check.h"

/* A comparison built by hand: configurations with their throughputs on one or two loads. */
struct bench {
    struct comparison *c;
    struct configuration_result *configuration;
};

static struct bench bench_new(size_t n)
{
    struct arena *a = arena_new();
    struct bench b = {.c = ARENA_NEW(a, struct comparison)};

    b.c->arena = a;
    b.configuration = ARENA_ARRAY(a, struct configuration_result, n);
    b.c->configurations = b.configuration;
    b.c->count = n;
    return b;
}

static struct load_result *add_load(struct bench *b, size_t i, const char *name, unsigned users,
                                    const double *samples, size_t n)
{
    struct configuration_result *c = &b->configuration[i];
    struct load_result *loads = ARENA_ARRAY(b->c->arena, struct load_result, c->load_count + 1),
                       *l = &loads[c->load_count];
    struct gpu_result *gpu = ARENA_NEW(b->c->arena, struct gpu_result);
    struct gpu_share_result *share = ARENA_NEW(b->c->arena, struct gpu_share_result);

    for (size_t k = 0; k < c->load_count; k++)
        loads[k] = c->loads[k];
    *l = (struct load_result){.name = name,
                              .users = users,
                              .arrival_rate = NAN,
                              .valid = true,
                              .objectives_met = true,
                              .objectives_text = "",
                              .samples = samples,
                              .sample_count = n,
                              .gpus = gpu,
                              .gpu_count = 1};
    share->mode = c->name;
    gpu->shares = share;
    gpu->count = 1;
    l->throughput = stats_estimate(samples, n, 0.95);
    l->throughput_per_gpu.mean = l->throughput.mean / (double)c->gpus;
    c->loads = loads;
    c->load_count++;
    return l;
}

static void configure(struct bench *b, size_t i, const char *name, size_t gpus)
{
    b->configuration[i].name = name;
    b->configuration[i].gpus = gpus;
    b->configuration[i].price_per_hour = 2.0 * (double)gpus;
}

static const double MIG[] = {2.00, 2.04, 1.97, 2.02, 1.99},
                    SLICED[] = {1.52, 1.55, 1.49, 1.53, 1.51},
                    ALONE[] = {2.05, 2.09, 2.02, 2.07, 2.03};

static struct bench published(void)
{
    struct bench b = bench_new(3);

    configure(&b, 0, "alone", 3);
    configure(&b, 1, "time-slicing", 2);
    configure(&b, 2, "mig", 2);
    add_load(&b, 0, "heavy", 50, ALONE, 5);
    add_load(&b, 1, "heavy", 50, SLICED, 5);
    add_load(&b, 2, "heavy", 50, MIG, 5);
    return b;
}

TEST(published_figures_give_the_published_verdict)
{
    struct bench b = published();

    verdict_decide(b.c, NULL, NULL);
    CHECK(b.c->has_verdict && b.c->verdict.distinguishable);
    CHECK_STR(b.c->verdict.load, "heavy");
    CHECK_STR(b.c->verdict.best, "mig");
    CHECK_STR(b.c->verdict.against, "time-slicing");
    CHECK_NEAR(b.c->verdict.ratio.mean, 1.318, 0.005);
    CHECK(b.c->verdict.ratio.lo > 1.3 && b.c->verdict.ratio.hi < 1.34);
    CHECK_STR(b.c->verdict.production, "mig");
    CHECK_STR(b.c->verdict.development, "time-slicing");
    CHECK_CONTAINS(b.c->verdict.why[0], "1.32 times");
    comparison_free(b.c);
}

TEST(throughput_is_divided_by_each_ones_gpus)
{
    struct bench b = published();

    verdict_decide(b.c, "heavy", "alone");
    CHECK_STR(b.c->verdict.against, "alone");
    CHECK_NEAR(b.c->verdict.ratio.mean, 2.004 / 2 / (2.052 / 3), 0.005);
    comparison_free(b.c);
}

TEST(what_cannot_be_told_apart_has_no_winner)
{
    static const double a[] = {1.44, 1.46, 1.43, 1.45, 1.44}, same[] = {1.45, 1.45, 1.44, 1.44, 1.45},
                        close[] = {1.4401, 1.4602, 1.4301, 1.4502, 1.4401};
    struct bench b = bench_new(2);

    configure(&b, 0, "time-slicing", 2);
    configure(&b, 1, "mig", 2);
    add_load(&b, 0, "light", 5, a, 5);
    add_load(&b, 1, "light", 5, same, 5);
    verdict_decide(b.c, NULL, NULL);
    CHECK(b.c->has_verdict && !b.c->verdict.distinguishable && !b.c->verdict.best);
    CHECK_CONTAINS(b.c->verdict.why[0], "cannot tell");
    comparison_free(b.c);

    b = bench_new(2); /* sure to differ, by a hundredth of a percent: nothing that matters */
    configure(&b, 0, "time-slicing", 2);
    configure(&b, 1, "mig", 2);
    add_load(&b, 0, "light", 5, a, 5);
    add_load(&b, 1, "light", 5, close, 5);
    verdict_decide(b.c, NULL, NULL);
    CHECK(stats_excludes(b.c->verdict.ratio, 1) && !b.c->verdict.distinguishable);
    comparison_free(b.c);

    b = bench_new(2); /* one repetition has no interval */
    configure(&b, 0, "time-slicing", 2);
    configure(&b, 1, "mig", 2);
    add_load(&b, 0, "heavy", 5, SLICED, 1);
    add_load(&b, 1, "heavy", 5, MIG, 1);
    verdict_decide(b.c, NULL, NULL);
    CHECK(!b.c->verdict.distinguishable && !b.c->verdict.best);
    comparison_free(b.c);
}

TEST(invalid_results_and_missed_objectives_do_not_win)
{
    static const struct audit_line bad = {"littles_law", "10 % apart", false, 0.1, 0.001};
    struct bench b = published();
    struct load_result *mig = (struct load_result *)(uintptr_t)&b.configuration[2].loads[0];
    bool said = false;

    mig->valid = false;
    mig->audit = &bad;
    mig->audit_count = 1;
    verdict_decide(b.c, NULL, NULL);
    CHECK_STR(b.c->verdict.against, "alone"); /* 0.684 a GPU against 0.760 */
    CHECK_STR(b.c->verdict.best, "time-slicing");
    CHECK_STR(b.c->verdict.production, "alone");
    for (size_t i = 0; b.c->verdict.why[i]; i++)
        said = said || strstr(b.c->verdict.why[i], "INVALID: littles_law");
    CHECK(said);
    mig->valid = true;
    mig->objectives_met = false;
    mig->objectives_text = "voice_to_voice p95 1.91 s > 1.50 s: missed";
    verdict_decide(b.c, NULL, NULL);
    CHECK_STR(b.c->verdict.best, "time-slicing");
    CHECK_STR(b.c->verdict.production, "alone");
    for (size_t i = 0; i < 3; i++)
        ((struct load_result *)(uintptr_t)&b.configuration[i].loads[0])->valid = false;
    verdict_decide(b.c, NULL, NULL);
    CHECK(!b.c->has_verdict);
    comparison_free(b.c);
}

TEST(development_is_judged_at_the_smallest_load)
{
    struct bench b = published();
    static const double light[] = {1.44, 1.46, 1.43, 1.45, 1.44};

    ((struct load_result *)(uintptr_t)&b.configuration[1].loads[0])->objectives_met = false; /* time-slicing on heavy */
    for (size_t i = 0; i < 3; i++)
        add_load(&b, i, "light", 5, light, 5);
    verdict_decide(b.c, NULL, NULL);
    CHECK_STR(b.c->verdict.load, "heavy");
    CHECK_STR(b.c->verdict.production, "mig");
    CHECK_STR(b.c->verdict.development, "time-slicing");
    comparison_free(b.c);
}

TEST(objectives_are_judged_one_by_one)
{
    struct arena *a = arena_new();
    struct load_result r = {.success_rate = 0.995};
    struct hist h = {0};
    static const struct objective goal[] = {{STAGE_VOICE_TO_VOICE, 0.95, 1500}, {STAGE_LLM_TTFT, 0, 100}};
    struct objectives o = {.stage = goal, .count = 2, .success = 0.99};

    for (int i = 1; i <= 1000; i++)
        hist_record(&h, i * INT64_C(1000000));
    r.stages[STAGE_VOICE_TO_VOICE] = (struct stage_stats){.hist = &h, .count = 1000, .p95_ms = 950};
    r.stages[STAGE_LLM_TTFT].mean_ms = 50;
    objectives_judge(a, &o, &r);
    CHECK(r.objectives_met);
    CHECK_STR(r.objectives_text, "voice_to_voice p95 952 ms <= 1.50 s: met; llm_ttft mean 50 ms <= 100 ms: met; success 99.50 % >= 99.00 %: met");
    r.success_rate = 0.98;
    objectives_judge(a, &o, &r);
    CHECK(!r.objectives_met);
    CHECK_CONTAINS(r.objectives_text, "success 98.00 % < 99.00 %: missed");
    hist_done(&h);
    hist_record(&h, 1); /* one sample has no p95 */
    r.success_rate = 1;
    objectives_judge(a, &o, &r);
    CHECK(!r.objectives_met);
    CHECK_CONTAINS(r.objectives_text, "voice_to_voice p95 too few samples to say, asked <= 1.50 s: missed");
    hist_done(&h);
    hist_record_n(&h, 800 * INT64_C(1000000), 125); /* fewer than p95 needs, yet surely below the bound */
    objectives_judge(a, &o, &r);
    CHECK(r.objectives_met);
    CHECK_CONTAINS(r.objectives_text, "voice_to_voice p95 at most 800 ms <= 1.50 s: met");
    hist_done(&h);
    hist_record_n(&h, 1800 * INT64_C(1000000), 30);
    objectives_judge(a, &o, &r);
    CHECK(!r.objectives_met);
    CHECK_CONTAINS(r.objectives_text, "voice_to_voice p95 at least 1.80 s > 1.50 s: missed");
    hist_done(&h);
    objectives_judge(a, &(struct objectives){0}, &r);
    CHECK(r.objectives_met);
    arena_free(a);
}

TEST(limit_is_the_resource_most_in_use)
{
    struct limit l = limit_find((struct limit[]){{"GPU 0", 0.4, false}, {"tts slots", 0.95, false}, {"gateway CPU", 0.95, false}}, 3);

    CHECK_STR(l.resource, "tts slots");
    CHECK(l.saturated);
}
