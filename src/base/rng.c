/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include <math.h>

#include "base/detmath.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t rng_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a;

    x = splitmix(&x) ^ b;
    return splitmix(&x);
}

uint64_t rng_key(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return splitmix(&h);
}

void rng_init(struct rng *r, uint64_t seed, uint64_t key)
{
    uint64_t x = rng_mix(seed, key);

    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&x);
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t limit = -n % n; /* 2^64 mod n: values below it would be one too many */
    uint64_t x;

    do
        x = rng_next(r);
    while (x < limit);
    return x % n;
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}

double rng_open(struct rng *r)
{
    return 1 - rng_unit(r);
}

double rng_exponential(struct rng *r, double mean)
{
    return -mean * det_log(rng_open(r));
}

/* Marsaglia's polar method, one value a call: the pair's other half is dropped, which costs little. */
double rng_normal(struct rng *r)
{
    double u, v, s;

    do {
        u = 2 * rng_unit(r) - 1;
        v = 2 * rng_unit(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * det_log(s) / s);
}

double rng_lognormal(struct rng *r, double mean, double cv)
{
    double var;

    if (cv <= 0)
        return mean;
    var = det_log(1 + cv * cv);
    return mean * det_exp(rng_normal(r) * sqrt(var) - var / 2);
}
