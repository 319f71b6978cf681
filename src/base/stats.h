/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of repeated and of autocorrelated measurements.
 *
 * Everything here is arithmetic on plain arrays of double and gives the same bits on every machine
 * (base/detmath.h). NaN stands for "the data cannot say"; no function fails otherwise. `level` is a
 * two-sided confidence, 0.95 for the intervals of all reports.
 *
 * Sources: Student's t and the binomial through the regularised incomplete beta function (continued
 * fraction of Lentz, DLMF 8.17.22); MSER-5: White, Cobb, Spratt, "A comparison of five steady-state
 * truncation heuristics for simulation", WSC 2000; batch means: Law, "Simulation Modeling and
 * Analysis", ch. 9.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value with its interval; lo and hi are NaN where the data have too few values for one. */
struct estimate {
    double mean, lo, hi;
};
#define ESTIMATE_NONE ((struct estimate){__builtin_nan(""), __builtin_nan(""), __builtin_nan("")})

/* ---- distributions ---- */
double stats_log_gamma(double x);                        /* x > 0 */
double stats_beta_cdf(double x, double a, double b);     /* regularised incomplete beta I_x(a, b) */
double stats_normal_cdf(double x);
double stats_normal_quantile(double p);                  /* p in (0, 1) */
double stats_t_cdf(double t, double df);                 /* df > 0, need not be whole */
double stats_t_quantile(double p, double df);            /* p in (0, 1); error below 1e-9 */
double stats_binomial_cdf(uint64_t k, uint64_t n, double p); /* P(X <= k) */

/* ---- plain samples ---- */
double stats_mean(const double *x, size_t n);
double stats_variance(const double *x, size_t n); /* divisor n - 1; NaN below two values */
double stats_lag1(const double *x, size_t n);     /* autocorrelation at lag 1; NaN below 3 values */

/* Mean with the Student interval of n independent values (repetitions). */
struct estimate stats_estimate(const double *x, size_t n, double level);

/* ---- two systems ---- */

/* Mean of a[i] - b[i]: pair i saw the same random numbers (the same repetition). */
struct estimate stats_paired_difference(const double *a, const double *b, size_t n, double level);

/*
 * a / b of paired values, by logarithms: exp of the Student interval of log(a[i] / b[i]); the mean is the
 * geometric mean of the ratios. It needs every value above 0; else the mean is sum(a) / sum(b) and
 * there is no interval.
 */
struct estimate stats_paired_ratio(const double *a, const double *b, size_t n, double level);

/* Welch's interval of mean(a) - mean(b) of independent samples with unequal variances. */
struct estimate stats_welch(const double *a, size_t na, const double *b, size_t nb, double level);

enum stats_answer { STATS_NO, STATS_YES, STATS_UNKNOWN };

/*
 * "a is no worse than b by more than `margin`" (0.02 for 2 %), from a paired ratio a/b of something
 * of which more is better: yes when the interval lies above 1 - margin, no when below it, else
 * unknown. For something of which less is better hand in b/a. stats_equivalent: yes when the interval
 * lies within [1/(1+m), 1+m], no when it lies outside, else unknown (two one-sided tests).
 */
enum stats_answer stats_no_worse(struct estimate ratio, double margin);
enum stats_answer stats_equivalent(struct estimate ratio, double margin);
bool stats_excludes(struct estimate e, double value); /* the interval exists and `value` is not in it */

/* ---- one autocorrelated series ---- */

/* Mean of a series from `batches` equal batches of neighbours; ret_lag1 (may be NULL) is their autocorrelation. */
struct estimate stats_batch_means(const double *x, size_t n, size_t batches, double level, double *ret_lag1);

/*
 * How many values to drop at the start: of all cuts in the first half the one that minimises the
 * standard error of the mean of what remains, reckoned on batches of `size` neighbours (MSER-5: 5; 1
 * where a value is a batch already). A multiple of the size; n where the minimum stands at that
 * half's very end, which means that the series never became steady; 0 for a series of fewer than
 * STATS_MSER_BATCHES batches.
 */
enum { STATS_MSER_BATCHES = 10 };
size_t stats_mser(const double *x, size_t n, size_t size);
size_t stats_mser5(const double *x, size_t n);

/*
 * A trend over the whole series: least squares on `batches` batch means. `change` is the slope times
 * the length over the mean (+0.10: it rose by 10 %), with its interval. A steady series has |change|
 * small or an interval that contains 0.
 */
struct estimate stats_drift(const double *x, size_t n, size_t batches, double level);

/* ---- percentiles ---- */

enum { STATS_TAIL = 10 }; /* a percentile needs at least so many samples beyond it, on its thinner side */
uint64_t stats_samples_needed(double q); /* ceil(STATS_TAIL / min(q, 1-q)): 20 for p50, 200 for p95, 1000 for p99 */

/*
 * Ranks (1-based) of the order statistics that enclose the q-quantile with at least `level` of n
 * independent samples; ret_lo 0 or ret_hi n + 1 where the sample has no such order statistic.
 */
void stats_quantile_ranks(uint64_t n, double q, double level, uint64_t *ret_lo, uint64_t *ret_hi);
