/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stats.h"

#include <math.h>

#include "base/detmath.h"
#include "base/mem.h"

/* ---- distributions ---- */

/* Stirling's series, after shifting the argument above 10, where eight terms give 1e-15. */
double stats_log_gamma(double x)
{
    static const double term[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                                  5.0 / 5940, -691.0 / 360360, 7.0 / 1092};
    double shift = 1, inverse, sum = 0;

    while (x < 10)
        shift *= x++;
    inverse = 1 / (x * x);
    for (size_t i = ARRAY_LEN(term); i-- > 0;)
        sum = sum * inverse + term[i];
    return (x - 0.5) * det_log(x) - x + 0.91893853320467274178 + sum / x - det_log(shift);
}

/* Lentz's continued fraction of the incomplete beta function, DLMF 8.17.22. */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), result;

    d = 1 / (fabs(d) < tiny ? tiny : d);
    result = d;
    for (int m = 1; m <= 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step;
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        result *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        step = d * c;
        result *= step;
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return result;
}

double stats_beta_cdf(double x, double a, double b)
{
    double front;

    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    front = a * det_log(x) + b * det_log(1 - x) + stats_log_gamma(a + b) - stats_log_gamma(a) - stats_log_gamma(b);
    front = front < -690 ? 0 : det_exp(front);
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double stats_t_cdf(double t, double df)
{
    double tail = stats_beta_cdf(df / (df + t * t), df / 2, 0.5) / 2;

    return t < 0 ? tail : 1 - tail;
}

/* The normal is Student's t in the limit; erfc by its own series and fraction keeps the tails exact. */
double stats_normal_cdf(double x)
{
    double z = fabs(x), density = 0.39894228040143267794, tail;

    if (z > 37)
        return x < 0 ? 0 : 1;
    density *= det_exp(-z * z / 2);
    if (z < 3) {
        double sum = z, term = z;
        for (int i = 3; term > 1e-17 * sum; i += 2)
            sum += term *= z * z / i;
        tail = 0.5 - density * sum;
    } else {
        double f = 0;
        for (int i = 200; i >= 1; i--)
            f = i / (z + f);
        tail = density / (z + f);
    }
    return x < 0 ? tail : 1 - tail;
}

/* The point where an increasing function reaches p, within [lo, hi], to the last bits of a double. */
static double invert(double (*cdf)(double, double), double arg, double p, double lo, double hi)
{
    for (int i = 0; i < 200; i++) {
        double mid = lo + (hi - lo) / 2;
        if (mid == lo || mid == hi)
            break;
        if (cdf(mid, arg) < p)
            lo = mid;
        else
            hi = mid;
    }
    return lo + (hi - lo) / 2;
}

static double normal_cdf2(double x, double unused)
{
    (void)unused;
    return stats_normal_cdf(x);
}

/* Both are symmetric: the lower half is inverted, where the tail keeps its digits. */
double stats_normal_quantile(double p)
{
    if (!(p > 0 && p < 1))
        return NAN;
    if (p == 0.5)
        return 0;
    return p > 0.5 ? -invert(normal_cdf2, 0, 1 - p, -40, 0) : invert(normal_cdf2, 0, p, -40, 0);
}

double stats_t_quantile(double p, double df)
{
    double tail = p > 0.5 ? 1 - p : p, low = -1, q;

    if (!(p > 0 && p < 1) || !(df > 0))
        return NAN;
    if (p == 0.5)
        return 0;
    while (low > -1e150 && stats_t_cdf(low, df) > tail)
        low *= 4;
    q = invert(stats_t_cdf, df, tail, low, 0);
    return p > 0.5 ? -q : q;
}

double stats_binomial_cdf(uint64_t k, uint64_t n, double p)
{
    if (k >= n)
        return 1;
    return stats_beta_cdf(1 - p, (double)(n - k), (double)k + 1);
}

/* ---- plain samples ---- */

double stats_mean(const double *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return n ? sum / (double)n : NAN;
}

double stats_variance(const double *x, size_t n)
{
    double mean = stats_mean(x, n), sum = 0;

    if (n < 2)
        return NAN;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum / (double)(n - 1);
}

double stats_lag1(const double *x, size_t n)
{
    double mean = stats_mean(x, n), cross = 0, sum = 0;

    if (n < 3)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        sum += (x[i] - mean) * (x[i] - mean);
        if (i > 0)
            cross += (x[i] - mean) * (x[i - 1] - mean);
    }
    return sum > 0 ? cross / sum : NAN;
}

static struct estimate around(double mean, double error, double df, double level)
{
    double half = error > 0 ? stats_t_quantile((1 + level) / 2, df) * error : 0;

    return (struct estimate){mean, mean - half, mean + half};
}

struct estimate stats_estimate(const double *x, size_t n, double level)
{
    if (n < 2)
        return (struct estimate){stats_mean(x, n), NAN, NAN};
    return around(stats_mean(x, n), sqrt(stats_variance(x, n) / (double)n), (double)(n - 1), level);
}

/* ---- two systems ---- */

struct estimate stats_paired_difference(const double *a, const double *b, size_t n, double level)
{
    cleanup_free double *d = xcalloc(n, sizeof *d);

    for (size_t i = 0; i < n; i++)
        d[i] = a[i] - b[i];
    return stats_estimate(d, n, level);
}

struct estimate stats_paired_ratio(const double *a, const double *b, size_t n, double level)
{
    cleanup_free double *d = xcalloc(n, sizeof *d);
    double sum_a = 0, sum_b = 0;
    bool positive = n > 0;
    struct estimate e;

    for (size_t i = 0; i < n; i++) {
        sum_a += a[i];
        sum_b += b[i];
        positive = positive && a[i] > 0 && b[i] > 0;
        d[i] = positive ? det_log(a[i] / b[i]) : 0;
    }
    if (!positive)
        return (struct estimate){sum_b > 0 ? sum_a / sum_b : NAN, NAN, NAN};
    e = stats_estimate(d, n, level);
    return (struct estimate){det_exp(e.mean), n > 1 ? det_exp(e.lo) : NAN, n > 1 ? det_exp(e.hi) : NAN};
}

struct estimate stats_welch(const double *a, size_t na, const double *b, size_t nb, double level)
{
    double difference = stats_mean(a, na) - stats_mean(b, nb), va, vb, df;

    if (na < 2 || nb < 2)
        return (struct estimate){difference, NAN, NAN};
    va = stats_variance(a, na) / (double)na;
    vb = stats_variance(b, nb) / (double)nb;
    df = (va + vb) * (va + vb) / (va * va / (double)(na - 1) + vb * vb / (double)(nb - 1));
    return around(difference, sqrt(va + vb), df, level);
}

static enum stats_answer within(struct estimate e, double lo, double hi)
{
    if (isnan(e.lo) || isnan(e.hi))
        return STATS_UNKNOWN;
    if (e.lo >= lo && e.hi <= hi)
        return STATS_YES;
    return e.hi < lo || e.lo > hi ? STATS_NO : STATS_UNKNOWN;
}

enum stats_answer stats_no_worse(struct estimate ratio, double margin)
{
    return within(ratio, 1 - margin, INFINITY);
}

enum stats_answer stats_equivalent(struct estimate ratio, double margin)
{
    return within(ratio, 1 / (1 + margin), 1 + margin);
}

bool stats_excludes(struct estimate e, double value)
{
    return e.lo > value || e.hi < value;
}

/* ---- one autocorrelated series ---- */

/* The means of `batches` equal batches; what does not fill one is left out at the start. */
static double *batch_series(const double *x, size_t n, size_t batches)
{
    double *m = xcalloc(batches, sizeof *m);
    size_t size = n / batches, skip = n - size * batches;

    for (size_t i = 0; i < batches; i++)
        m[i] = stats_mean(x + skip + i * size, size);
    return m;
}

struct estimate stats_batch_means(const double *x, size_t n, size_t batches, double level, double *ret_lag1)
{
    cleanup_free double *m = NULL;
    struct estimate e;

    if (ret_lag1)
        *ret_lag1 = NAN;
    if (batches < 2 || n < batches)
        return (struct estimate){stats_mean(x, n), NAN, NAN};
    m = batch_series(x, n, batches);
    e = stats_estimate(m, batches, level);
    if (ret_lag1)
        *ret_lag1 = stats_lag1(m, batches);
    return e;
}

size_t stats_mser(const double *x, size_t n, size_t size)
{
    size_t batches = n / size, best = 0, half = batches / 2;
    double sum = 0, squares = 0, least = INFINITY, offset;
    cleanup_free double *m = NULL;

    if (batches < STATS_MSER_BATCHES)
        return 0;
    m = batch_series(x, batches * size, batches);
    offset = m[batches - 1]; /* sums of differences from a typical value lose no digits */
    for (size_t d = batches; d-- > 0;) {
        double k = (double)(batches - d), v = m[d] - offset, error;
        sum += v;
        squares += v * v;
        if (d > half)
            continue;
        error = fmax(0, squares - sum * sum / k) / (k * k);
        if (error <= least) { /* of equal cuts the earliest */
            least = error;
            best = d;
        }
    }
    return best == half ? n : best * size;
}

size_t stats_mser5(const double *x, size_t n)
{
    return stats_mser(x, n, 5);
}

struct estimate stats_drift(const double *x, size_t n, size_t batches, double level)
{
    cleanup_free double *m = NULL;
    double mean, sxx = 0, sxy = 0, rest = 0, slope, scale;
    struct estimate e;

    if (batches < 3 || n < batches)
        return ESTIMATE_NONE;
    m = batch_series(x, n, batches);
    mean = stats_mean(m, batches);
    for (size_t i = 0; i < batches; i++) {
        double t = (double)i - (double)(batches - 1) / 2;
        sxx += t * t;
        sxy += t * (m[i] - mean);
    }
    slope = sxy / sxx;
    for (size_t i = 0; i < batches; i++) {
        double t = (double)i - (double)(batches - 1) / 2, d = m[i] - mean - slope * t;
        rest += d * d;
    }
    if (mean == 0)
        return ESTIMATE_NONE;
    scale = (double)batches / fabs(mean);
    e = around(slope, sqrt(rest / (double)(batches - 2) / sxx), (double)(batches - 2), level);
    return (struct estimate){e.mean * scale, e.lo * scale, e.hi * scale};
}

/* ---- percentiles ---- */

uint64_t stats_samples_needed(double q)
{
    double thin = fmin(q, 1 - q);

    return thin > 0 ? (uint64_t)ceil(STATS_TAIL / thin - 1e-6) : UINT64_MAX;
}

/* Smallest k with P(X <= k) >= p. */
static uint64_t binomial_quantile(double p, uint64_t n, double q)
{
    uint64_t lo = 0, hi = n;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (stats_binomial_cdf(mid, n, q) >= p)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

void stats_quantile_ranks(uint64_t n, double q, double level, uint64_t *ret_lo, uint64_t *ret_hi)
{
    double tail = (1 - level) / 2;
    uint64_t k = binomial_quantile(tail, n, q);

    /* P(quantile < x_(lo)) = P(X <= lo - 1) must not exceed the tail; k is the first to reach it. */
    *ret_lo = stats_binomial_cdf(k, n, q) <= tail ? k + 1 : k;
    *ret_hi = binomial_quantile(1 - tail, n, q) + 1;
}
