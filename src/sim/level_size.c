/* SPDX-License-Identifier: Apache-2.0 */
/* Request sizes of a level: see sim/level.h. */
#include <math.h>
#include <string.h>

#include "base/detmath.h"
#include "sim/level.h"

struct level_size level_constant(double value)
{
    return (struct level_size){.count = 1, .value = {value}};
}

/* Mean of the tilted values; fills in their cumulative probabilities. */
static double tilt(struct level_size *s, const double *weight, double t)
{
    double sum = 0, mean = 0, top = s->value[s->count - 1];

    for (unsigned i = 0; i < s->count; i++) {
        double w = weight[i] * det_exp(t * (s->value[i] / top - 1));
        sum += w;
        mean += w * s->value[i];
        s->quantile[i] = sum;
    }
    for (unsigned i = 0; i < s->count; i++)
        s->quantile[i] /= sum;
    return mean / sum;
}

struct level_size level_tilted(const double *value, const double *weight, unsigned n, double mean)
{
    struct level_size s = {.count = n, .discrete = true};
    double lo = -40, hi = 40;

    memcpy(s.value, value, n * sizeof *value);
    if (mean <= value[0] * 1.05 || mean >= value[n - 1] * 0.95) {
        double factor = mean / tilt(&s, weight, 0);
        for (unsigned i = 0; i < n; i++)
            s.value[i] *= factor;
        return s;
    }
    for (int i = 0; i < 60; i++) {
        double mid = (lo + hi) / 2;
        *(tilt(&s, weight, mid) < mean ? &lo : &hi) = mid;
    }
    return s;
}

double level_size_at(const struct level_size *s, double u)
{
    double v;
    unsigned i = 0;

    if (s->count <= 1)
        return s->value[0];
    if (s->discrete) {
        while (i + 1 < s->count && u >= s->quantile[i])
            i++;
        v = s->value[i];
    } else {
        while (i + 2 < s->count && u > s->quantile[i + 1])
            i++;
        v = s->value[i] + (s->value[i + 1] - s->value[i]) * (u - s->quantile[i]) /
                              (s->quantile[i + 1] - s->quantile[i]);
    }
    return s->most > 0 && v > s->most ? s->most : v;
}

double level_size_mean(const struct level_size *s)
{
    double sum = 0;

    for (int i = 0; i < 4096; i++)
        sum += level_size_at(s, (i + 0.5) / 4096);
    return sum / 4096;
}
