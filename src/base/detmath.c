/* SPDX-License-Identifier: Apache-2.0 */
#include "base/detmath.h"

#include <math.h>

static const double LN2_HI = 6.93147180369123816490e-01; /* ln 2 in two parts, so that k*HI is exact */
static const double LN2_LO = 1.90821492927058770002e-10;

double det_log(double x)
{
    int k;
    double m = frexp(x, &k); /* x = m * 2^k, m in [0.5, 1) */
    double s, z, sum = 0;

    if (m < 0.70710678118654752440) {
        m *= 2;
        k--;
    }
    /* log m = 2 atanh(s), s = (m-1)/(m+1), |s| < 0.172 */
    s = (m - 1) / (m + 1);
    z = s * s;
    for (int i = 21; i >= 1; i -= 2)
        sum = sum * z + 1.0 / i;
    return k * LN2_HI + (2 * s * sum + k * LN2_LO);
}

double det_exp(double x)
{
    double k = nearbyint(x / 0.69314718055994530942);
    double r = (x - k * LN2_HI) - k * LN2_LO; /* |r| <= 0.35 */
    double sum = 1;

    for (int i = 14; i >= 1; i--)
        sum = 1 + sum * r / i;
    return ldexp(sum, (int)k);
}

double det_pow(double x, double y)
{
    if (x == 0)
        return y == 0 ? 1 : 0;
    return det_exp(y * det_log(x));
}

/* (1 + r^2.5)^0.4 for r in [0, 1] without logarithms: z^5 = (1 + r^2.5)^2 by Newton from a cubic within 1.1e-4. */
static double pnorm_2_5(double r)
{
    double x = r * r * sqrt(r), y = (1 + x) * (1 + x);
    double z = 1.000106746743048 + x * (0.39651266132059043 + x * (-0.10058228278620386 + x * 0.023535738056415404));

    for (int i = 0; i < 2; i++) {
        double z4 = (z * z) * (z * z);
        z -= (z4 * z - y) / (5 * z4);
    }
    return z;
}

double det_pnorm(double a, double b, double p)
{
    double hi = a > b ? a : b, lo = a > b ? b : a;

    if (hi <= 0)
        return 0;
    if (p == 1)
        return hi + lo;
    if (p == 2)
        return sqrt(hi * hi + lo * lo);
    if (p == 2.5)
        return hi * pnorm_2_5(lo / hi);
    return hi * det_pow(1 + det_pow(lo / hi, p), 1 / p);
}
