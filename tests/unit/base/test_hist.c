/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hist.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/stats.h"
#include "check.h"

#define cleanup_hist __attribute__((cleanup(hist_done)))

TEST(buckets_tile_the_range_without_gap)
{
    for (unsigned b = 0; b + 1 < HIST_BUCKETS; b++) {
        int64_t low = hist_bucket_low(b), width = hist_bucket_width(b);
        CHECK_EQ(low + width, hist_bucket_low(b + 1));
        CHECK_EQ(hist_bucket(low), b);
        CHECK_EQ(hist_bucket(low + width - 1), b);
    }
    CHECK_EQ(hist_bucket(INT64_MAX), HIST_BUCKETS - 1);
    CHECK_EQ(hist_bucket(0), 0);
    CHECK_EQ(hist_bucket(-5), 0);
}

TEST(empty_answers_nothing)
{
    cleanup_hist struct hist h = {0};
    struct hist_step s = {.bucket = -1};

    CHECK(isnan(hist_mean(&h)));
    CHECK_EQ(hist_quantile(&h, 0.5), 0);
    CHECK(!hist_next(&h, &s));
    CHECK_EQ(hist_count_above(&h, 0), 0);
}

TEST(mean_is_exact_where_buckets_are_coarse)
{
    cleanup_hist struct hist h = {0};

    hist_record(&h, 1000000001);
    hist_record(&h, 1000000004);
    hist_record_n(&h, INT64_MAX, 0);
    CHECK_EQ(h.count, 2);
    CHECK(hist_mean(&h) == 1000000002.5);
    for (int i = 0; i < 100; i++)
        hist_record(&h, INT64_MAX); /* no overflow of the sum */
    CHECK_NEAR(hist_mean(&h) / (0x1p63 * 100 / 102), 1, 1e-9);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

PROPERTY(quantiles_are_within_one_percent_of_the_sorted_sample, 300)
{
    size_t n = 1 + gen_size(g, 2000);
    cleanup_free int64_t *x = xcalloc(n, sizeof *x);
    cleanup_hist struct hist h = {0};
    static const double qs[] = {0, 0.01, 0.5, 0.9, 0.95, 0.99, 1};

    for (size_t i = 0; i < n; i++) {
        x[i] = gen_range(g, 0, INT64_C(1) << gen_range(g, 0, 45));
        hist_record(&h, x[i]);
    }
    qsort(x, n, sizeof *x, ascending);
    CHECK_EQ(h.min, x[0]);
    CHECK_EQ(h.max, x[n - 1]);
    for (size_t k = 0; k < ARRAY_LEN(qs); k++) {
        double rank = fmax(1, ceil(qs[k] * (double)n));
        int64_t truth = x[(size_t)rank - 1];
        CHECK_NEAR((double)hist_quantile(&h, qs[k]), (double)truth, 0.01 * (double)truth);
    }
}

PROPERTY(merging_parts_gives_the_whole, 200)
{
    cleanup_hist struct hist whole = {0}, a = {0}, b = {0}, ab = {0}, ba = {0};
    size_t n = gen_size(g, 500);
    struct hist_step s = {.bucket = -1}, t = {.bucket = -1}, u = {.bucket = -1};

    for (size_t i = 0; i < n; i++) {
        int64_t v = gen_range(g, 0, INT64_C(1) << gen_range(g, 0, 62));
        hist_record(&whole, v);
        hist_record(gen_bool(g) ? &a : &b, v);
    }
    hist_merge(&ab, &a);
    hist_merge(&ab, &b);
    hist_merge(&ba, &b);
    hist_merge(&ba, &a);
    CHECK_EQ(ab.count, n);
    CHECK(ab.sum == whole.sum && ba.sum == whole.sum);
    while (hist_next(&whole, &s)) {
        CHECK(hist_next(&ab, &t) && hist_next(&ba, &u));
        CHECK(s.bucket == t.bucket && s.count == t.count && s.bucket == u.bucket && s.count == u.count);
    }
    CHECK(!hist_next(&ab, &t) && !hist_next(&ba, &u));
    if (n > 0)
        CHECK(ab.min == whole.min && ab.max == whole.max);
}

TEST(memory_is_what_the_header_says)
{
    cleanup_hist struct hist h = {0};

    for (int64_t v = 1000000; v <= INT64_C(10000000000); v += v / 100)
        hist_record(&h, v);
    CHECK_LE(hist_bytes(&h), 8 * 1024 + 512);
    for (unsigned i = 0; i < 63; i++)
        hist_record(&h, INT64_C(1) << i);
    CHECK_LE(hist_bytes(&h), 31 * 1024);
}

TEST(standard_deviation_and_tail_counts)
{
    cleanup_hist struct hist h = {0};

    for (int64_t v = 1; v <= 1000; v++)
        hist_record(&h, v * 1000000);
    CHECK_NEAR(hist_stddev(&h) / 288819436.0, 1, 0.002);
    CHECK_NEAR((double)hist_count_above(&h, 500000000), 500, 8);
}
