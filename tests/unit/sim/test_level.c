/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/level.h"

#include "base/mem.h"
#include "check.h"

static const struct share_size WHOLE = {.sm = 1, .bandwidth = 1, .memory = INT64_C(80) << 30};

static struct profile *load(const char *name)
{
    struct err err = {0};
    struct profile *p = profile_load(name, &err);

    CHECK_STR(err.msg, "");
    return p;
}

static struct level_result run(const struct level *l, const struct profile *p)
{
    struct err err = {0};
    struct level_result r;

    level_run(l, p, 1, 2, &r, &err);
    CHECK_STR(err.msg, "");
    return r;
}

static struct level tts_level(unsigned concurrency)
{
    return (struct level){.concurrency = concurrency, .requests = 60, .audio = level_constant(10),
                          .size = WHOLE, .servers = 1};
}

TEST(a_level_is_reproducible)
{
    cleanup_profile struct profile *p = load("magpie-h100");
    struct level l = tts_level(8);
    struct level_result a = run(&l, p), b = run(&l, p);

    CHECK(memcmp(&a, &b, sizeof a) == 0);
    CHECK_EQ(a.failed, 0);
}

TEST(above_the_slots_throughput_stays_and_first_audio_waits)
{
    cleanup_profile struct profile *p = load("magpie-h100");
    struct level at = tts_level(8), above = tts_level(24);
    struct level_result a = run(&at, p), b = run(&above, p);

    CHECK_NEAR(b.rtfx / a.rtfx, 1, 0.15);
    CHECK(b.first > 5 * a.first);
    CHECK(b.between < 1.1 * a.between); /* chunks come as before once a stream is in its slot */
}

TEST(an_open_level_counts_what_it_asked)
{
    cleanup_profile struct profile *p = load("llama-3-8b-a100");
    struct level l = {.qps = 3, .requests = 200, .input = level_constant(200),
                      .output = level_constant(100), .size = WHOLE, .servers = 1};
    struct level_result r = run(&l, p);

    CHECK_NEAR(r.requests_per_s, 3, 0.4);
    CHECK_NEAR(r.tokens_per_s / r.requests_per_s, 100, 1e-6);
    CHECK(r.first_p50 <= r.first_p90 && r.first_p90 <= r.first_p99);
    CHECK(r.p50 <= r.p90 && r.p90 <= r.p99);
}

TEST(two_servers_on_one_gpu_slow_each_other_and_on_two_slices_do_not)
{
    cleanup_profile struct profile *p = load("llama-3-8b-a100");
    struct level l = {.concurrency = 4, .requests = 40, .input = level_constant(200),
                      .output = level_constant(100), .size = WHOLE, .servers = 1};
    struct level_result alone = run(&l, p), shared, separate;

    l.servers = 2;
    l.mode = SHARE_TIME_SLICING;
    shared = run(&l, p);
    l.separate = true;
    separate = run(&l, p);
    CHECK(shared.between > 1.6 * alone.between);
    CHECK_NEAR(separate.between / alone.between, 1, 0.02);
    CHECK_NEAR(separate.tokens_per_s / alone.tokens_per_s, 2, 0.1);
}

TEST(what_does_not_fit_is_refused)
{
    cleanup_profile struct profile *p = load("llama-3.1-8b-h100-bf16");
    struct level l = {.concurrency = 1, .requests = 2, .input = level_constant(10),
                      .output = level_constant(10), .servers = 1};
    struct level_result r;
    struct err err = {0};

    l.size = (struct share_size){.sm = 0.1, .bandwidth = 0.1, .memory = INT64_C(10) << 30};
    CHECK(level_run(&l, p, 1, 1, &r, &err) < 0);
    CHECK_CONTAINS(err.msg, "does not fit");
}

PROPERTY(tilted_sizes_have_the_asked_mean, 500)
{
    static const double value[] = {3, 17, 60, 66}, weight[] = {3, 3, 2, 1};
    double mean = gen_real(g, 1, 80);
    struct level_size s = level_tilted(value, weight, 4, mean);

    CHECK_NEAR(level_size_mean(&s) / mean, 1, 0.02);
}

TEST(finite_levels_are_mostly_start_and_end)
{
    cleanup_profile struct profile *p = load("parakeet-1.1b-h100");
    struct level l = {.concurrency = 16, .requests = 30, .offline = true,
                      .audio = level_constant(8), .size = WHOLE, .servers = 1};
    struct level_result few = run(&l, p), many;

    l.requests = 2000;
    many = run(&l, p);
    CHECK(few.mean < 0.9 * many.mean); /* the last ones find the queue empty */
}
