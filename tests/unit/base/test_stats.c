/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "check.h"

/* Published tables, and where there is one the closed form of the distribution. */
TEST(t_quantiles)
{
    CHECK_NEAR(stats_t_quantile(0.975, 1), 12.7062047361747, 1e-6);
    CHECK_NEAR(stats_t_quantile(0.975, 2), 4.30265272974946, 1e-6);
    CHECK_NEAR(stats_t_quantile(0.975, 4), 2.77644510519779, 1e-6);
    CHECK_NEAR(stats_t_quantile(0.975, 9), 2.26215716279820, 1e-6);
    CHECK_NEAR(stats_t_quantile(0.975, 30), 2.04227245630124, 1e-6);
    CHECK_NEAR(stats_t_quantile(0.995, 5), 4.03214298355522, 1e-6);
    CHECK_NEAR(stats_t_quantile(0.95, 120), 1.65765089935525, 1e-6);
    CHECK_NEAR(stats_t_quantile(0.975, 1e7), 1.95996422, 1e-6);
    for (double p = 0.001; p < 1; p += 0.0173) {
        double a = 4 * p * (1 - p), c = sqrt(1 / a - 1), q;
        CHECK_NEAR(stats_t_quantile(p, 1), tan(M_PI * (p - 0.5)), 1e-6 * (1 + fabs(tan(M_PI * (p - 0.5)))));
        CHECK_NEAR(stats_t_quantile(p, 2), (2 * p - 1) * sqrt(2 / a), 1e-8 * (1 + fabs(c)));
        q = 2 * sqrt(cos(acos(sqrt(a)) / 3) / sqrt(a) - 1); /* four degrees of freedom */
        CHECK_NEAR(stats_t_quantile(p, 4), p < 0.5 ? -q : q, 1e-7);
    }
}

PROPERTY(t_quantile_inverts_the_cdf, 300)
{
    double p = gen_real(g, 0.0005, 0.9995), df = gen_real(g, 0.5, 500);

    CHECK_NEAR(stats_t_cdf(stats_t_quantile(p, df), df), p, 1e-10);
    CHECK_NEAR(stats_normal_cdf(stats_normal_quantile(p)), p, 1e-12);
    CHECK_NEAR(stats_t_quantile(p, df), -stats_t_quantile(1 - p, df), 1e-7 * (1 + fabs(stats_t_quantile(p, df))));
}

TEST(normal_binomial_and_gamma)
{
    double f = 0;

    CHECK_NEAR(stats_normal_quantile(0.975), 1.95996398454005, 1e-10);
    CHECK_NEAR(stats_normal_quantile(0.999), 3.09023230616781, 1e-9);
    CHECK_NEAR(stats_normal_quantile(1e-6), -4.75342430882290, 1e-8);
    for (double x = -6; x <= 6; x += 0.25)
        CHECK_NEAR(stats_normal_cdf(x), 0.5 * erfc(-x / sqrt(2)), 1e-14);
    CHECK_NEAR(stats_binomial_cdf(3, 10, 0.5), 176.0 / 1024, 1e-12);
    CHECK_NEAR(stats_binomial_cdf(0, 5, 0.1), 0.59049, 1e-12);
    CHECK_NEAR(stats_binomial_cdf(5, 5, 0.1), 1, 0);
    for (int i = 1; i < 150; i++) {
        CHECK_NEAR(stats_log_gamma(i), f, 1e-12 * (1 + f));
        f += log(i);
    }
    CHECK_NEAR(stats_log_gamma(0.5), log(sqrt(M_PI)), 1e-13);
}

TEST(an_estimate_worked_by_hand)
{
    static const double x[] = {10.1, 9.8, 10.4, 9.9, 10.3};
    struct estimate e = stats_estimate(x, 5, 0.95);

    CHECK_NEAR(e.mean, 10.1, 1e-12);
    CHECK_NEAR(e.hi - e.mean, 2.776445105 * sqrt(0.065 / 5), 1e-8);
    CHECK_NEAR(e.mean - e.lo, e.hi - e.mean, 1e-12);
    CHECK(isnan(stats_estimate(x, 1, 0.95).lo));
    CHECK(isnan(stats_estimate(x, 0, 0.95).mean));
}

static double noise(struct gen *g)
{
    return rng_normal(&g->rng);
}

/* How often an interval of nominal 95 % holds the truth, in 2,000 experiments: 95 +- 1.5 % (three sigma). */
static void check_coverage(unsigned hits)
{
    CHECK_NEAR(hits / 2000.0, 0.95, 0.015);
}

PROPERTY(intervals_hold_the_truth_95_times_in_100, 1)
{
    unsigned mean = 0, difference = 0, ratio = 0, welch = 0;

    for (unsigned k = 0; k < 2000; k++) {
        double a[5], b[5], c[9];
        struct estimate e;
        for (int i = 0; i < 5; i++) {
            double common = 3 * noise(g);
            a[i] = 50 + common + noise(g);
            b[i] = 40 + common + noise(g);
        }
        for (int i = 0; i < 9; i++)
            c[i] = 30 + 5 * noise(g);
        e = stats_estimate(a, 5, 0.95);
        mean += e.lo <= 50 && e.hi >= 50;
        e = stats_paired_difference(a, b, 5, 0.95);
        difference += e.lo <= 10 && e.hi >= 10;
        e = stats_welch(a, 5, c, 9, 0.95);
        welch += e.lo <= 20 && e.hi >= 20;
        for (int i = 0; i < 5; i++) {
            double run = exp(0.3 * noise(g));
            a[i] = 1.3 * run * exp(0.05 * noise(g));
            b[i] = run * exp(0.05 * noise(g));
        }
        e = stats_paired_ratio(a, b, 5, 0.95);
        ratio += e.lo <= 1.3 && e.hi >= 1.3;
    }
    check_coverage(mean);
    check_coverage(difference);
    check_coverage(ratio);
    check_coverage(welch);
}

TEST(paired_ratio_without_positive_values_gives_no_interval)
{
    static const double a[] = {1, 2, 0}, b[] = {1, 1, 1}, z[] = {0, 0, 0};

    CHECK_NEAR(stats_paired_ratio(a, b, 3, 0.95).mean, 1, 1e-12);
    CHECK(isnan(stats_paired_ratio(a, b, 3, 0.95).lo));
    CHECK(isnan(stats_paired_ratio(a, z, 3, 0.95).mean));
    CHECK_EQ(stats_no_worse(stats_paired_ratio(a, b, 3, 0.95), 0.1), STATS_UNKNOWN);
}

TEST(no_worse_and_equivalent)
{
    struct estimate same = {1, 0.99, 1.01}, better = {1.3, 1.2, 1.4}, worse = {0.8, 0.75, 0.85}, wide = {1, 0.7, 1.4};

    CHECK_EQ(stats_no_worse(same, 0.02), STATS_YES);
    CHECK_EQ(stats_no_worse(better, 0.02), STATS_YES);
    CHECK_EQ(stats_no_worse(worse, 0.02), STATS_NO);
    CHECK_EQ(stats_no_worse(wide, 0.02), STATS_UNKNOWN);
    CHECK_EQ(stats_equivalent(same, 0.02), STATS_YES);
    CHECK_EQ(stats_equivalent(better, 0.02), STATS_NO);
    CHECK_EQ(stats_equivalent(wide, 0.02), STATS_UNKNOWN);
    CHECK(stats_excludes(better, 1) && !stats_excludes(wide, 1) && !stats_excludes(ESTIMATE_NONE, 1));
}

TEST(lag1_of_known_series)
{
    static const double flip[] = {1, -1, 1, -1, 1, -1, 1, -1}, flat[] = {2, 2, 2, 2};

    CHECK_NEAR(stats_lag1(flip, 8), -7.0 / 8, 1e-12);
    CHECK(isnan(stats_lag1(flat, 4)));
}

/* A first-order autoregressive process of known mean: batch means must widen the interval to fit. */
PROPERTY(batch_means_cover_an_autocorrelated_mean, 1)
{
    unsigned batches = 0, naive = 0;

    for (unsigned k = 0; k < 1000; k++) {
        double x[2000], v = 0, lag1;
        struct estimate e;
        for (int i = -200; i < 2000; i++) {
            v = 0.8 * v + noise(g);
            if (i >= 0)
                x[i] = 100 + v;
        }
        e = stats_batch_means(x, 2000, 20, 0.95, &lag1);
        batches += e.lo <= 100 && e.hi >= 100;
        e = stats_estimate(x, 2000, 0.95);
        naive += e.lo <= 100 && e.hi >= 100;
    }
    CHECK_NEAR(batches / 1000.0, 0.95, 0.03);
    CHECK_LT(naive, 700); /* what treating the series as independent would have claimed */
}

PROPERTY(mser5_cuts_a_known_transient, 200)
{
    double x[400];
    size_t length = 20 + gen_size(g, 100), cut;

    for (size_t i = 0; i < 400; i++)
        x[i] = 10 + 0.5 * noise(g) + (i < length ? 8 * (1 - (double)i / (double)length) : 0);
    cut = stats_mser5(x, 400);
    CHECK_EQ(cut % 5, 0);
    CHECK_GE(cut + 10, length * 3 / 4); /* what is left of the ramp is below the noise */
    CHECK_LE(cut, length + 100);        /* chance may take a little more, it cannot take the half */
}

/* Independent noise has no transient; what the rule cuts by chance is little: 60 batches, 3 % on average. */
PROPERTY(mser5_leaves_noise_alone, 1)
{
    unsigned never = 0;
    double cut = 0;

    for (int k = 0; k < 1000; k++) {
        double x[300];
        size_t c;
        for (int i = 0; i < 300; i++)
            x[i] = 10 + 3 * noise(g);
        c = stats_mser5(x, 300);
        never += c == 300;
        cut += c < 300 ? (double)c : 0;
    }
    CHECK_LE(never, 10);
    CHECK_LT(cut / 1000, 15);
}

TEST(mser5_of_steady_of_short_and_of_endless_transients)
{
    double x[200];

    for (int i = 0; i < 200; i++)
        x[i] = 5;
    CHECK_EQ(stats_mser5(x, 200), 0);
    CHECK_EQ(stats_mser5(x, 49), 0);
    for (int i = 0; i < 200; i++)
        x[i] = i;
    CHECK_EQ(stats_mser5(x, 200), 200);
}

TEST(drift_of_a_straight_line)
{
    double x[100];
    struct estimate e;

    for (int i = 0; i < 100; i++)
        x[i] = 95 + 0.1 * (i + 0.5); /* 95 to 105: +10 % of the mean */
    e = stats_drift(x, 100, 10, 0.95);
    CHECK_NEAR(e.mean, 0.10, 1e-9);
    CHECK(stats_excludes(e, 0));
    CHECK(isnan(stats_drift(x, 2, 3, 0.95).mean));
}

TEST(samples_behind_a_percentile)
{
    CHECK_EQ(stats_samples_needed(0.5), 20);
    CHECK_EQ(stats_samples_needed(0.95), 200);
    CHECK_EQ(stats_samples_needed(0.99), 1000);
    CHECK_EQ(stats_samples_needed(0.999), 10000);
    CHECK_EQ(stats_samples_needed(0.05), 200);
}

TEST(quantile_ranks_of_the_textbook)
{
    uint64_t lo, hi;

    stats_quantile_ranks(10, 0.5, 0.95, &lo, &hi); /* the median of ten: second to ninth, 97.9 % */
    CHECK(lo == 2 && hi == 9);
    stats_quantile_ranks(100, 0.5, 0.95, &lo, &hi);
    CHECK(lo == 40 && hi == 61);
    stats_quantile_ranks(5, 0.99, 0.95, &lo, &hi);
    CHECK_EQ(hi, 6); /* five samples say nothing about the upper side of p99 */
}

PROPERTY(quantile_ranks_cover_at_least_their_level, 200)
{
    uint64_t n = 1 + gen_size(g, 3000), lo, hi;
    double q = gen_real(g, 0.01, 0.99), below, above;

    stats_quantile_ranks(n, q, 0.95, &lo, &hi);
    below = lo > 0 ? stats_binomial_cdf(lo - 1, n, q) : 0;
    above = hi <= n ? 1 - stats_binomial_cdf(hi - 1, n, q) : 0;
    CHECK(lo < hi && below <= 0.025 + 1e-12 && above <= 0.025 + 1e-12);
    if (lo + 1 <= n)
        CHECK(stats_binomial_cdf(lo, n, q) > 0.025 - 1e-12); /* and no rank closer would do */
}

/* ---- real series: 28 minutes of tokens/s of real machines (accelmark_sustained.csv) ---- */

static FILE *open_shared(const char *name)
{
    const char *shared = getenv("SNUG_SHARED");
    char path[1024];

    snprintf(path, sizeof path, "%s/tables/%s", shared ? shared : "../shared", name);
    return fopen(path, "r");
}

/* The series of the row that begins with `row`; returns how many values. */
static size_t series(const char *row, double *x, size_t max)
{
    FILE *f = open_shared("accelmark_sustained.csv");
    char line[4096];
    size_t n = 0;

    if (!f)
        check_skip("accelmark_sustained.csv not found: set SNUG_SHARED to the folder with the measured tables");
    while (fgets(line, sizeof line, f)) {
        char *p = strncmp(line, row, strlen(row)) == 0 ? strchr(line, '[') : NULL;
        while (p && n < max && *p && *p != ']')
            x[n++] = strtod(p + 1, &p);
    }
    fclose(f);
    return n;
}

TEST(real_machines_that_hold_their_rate)
{
    double x[64];
    struct estimate e;

    CHECK_EQ(series("NVIDIA H100 80GB HBM3,vLLM 0.7.3", x, 64), 28);
    e = stats_drift(x, 28, 14, 0.95);
    CHECK(!stats_excludes(e, 0));
    CHECK_LE(stats_mser(x, 28, 1), 5);
    e = stats_batch_means(x, 28, 7, 0.95, NULL);
    CHECK(e.lo < 907.1 && e.hi > 907.1 && (e.hi - e.lo) / e.mean < 0.02);
    CHECK_EQ(series("NVIDIA A100-SXM4-80GB,vLLM 0.20.1", x, 64), 28);
    CHECK(!stats_excludes(stats_drift(x, 28, 14, 0.95), 0));
}

TEST(real_machines_that_drift)
{
    double x[64];
    struct estimate e;

    CHECK_EQ(series("NVIDIA A100-SXM4-80GB,vLLM 0.7.3", x, 64), 28); /* sinks through the half hour */
    e = stats_drift(x, 28, 14, 0.95);
    CHECK(stats_excludes(e, 0) && e.mean < -0.08);
    CHECK_EQ(series("NVIDIA A100-SXM4-40GB,vLLM 0.7.3", x, 64), 28); /* rises */
    e = stats_drift(x, 28, 14, 0.95);
    CHECK(stats_excludes(e, 0) && e.mean > 0.02);
}

TEST(a_real_machine_with_a_fast_start)
{
    double x[64], raw, kept;
    size_t cut;

    CHECK_EQ(series("NVIDIA H200,vLLM 0.7.3", x, 64), 28); /* two minutes at 850, then 700 */
    raw = stats_mean(x, 28);
    cut = stats_mser(x, 28, 1);
    CHECK(cut >= 2 && cut < 14);
    kept = stats_mean(x + cut, 28 - cut);
    CHECK(raw > 705 && kept < 702);
}
