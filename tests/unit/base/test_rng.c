/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include <math.h>

#include "check.h"

TEST(streams_are_reproducible_and_differ_by_key)
{
    struct rng a, b, c;

    rng_init(&a, 1, rng_key("users"));
    rng_init(&b, 1, rng_key("users"));
    rng_init(&c, 1, rng_key("replies"));
    for (int i = 0; i < 100; i++) {
        uint64_t x = rng_next(&a);
        CHECK(x == rng_next(&b));
        CHECK(x != rng_next(&c));
    }
}

TEST(known_values_never_change)
{
    struct rng r;

    rng_init(&r, 42, 7);
    CHECK(rng_next(&r) == UINT64_C(0x719e15cf3d4342f));
}

/* The mean of n draws lies within 5 standard errors of the stated one. */
static void mean_is(double (*draw)(struct rng *), double mean, double sd)
{
    struct rng r;
    double sum = 0;
    int n = 200000;

    rng_init(&r, 3, 9);
    for (int i = 0; i < n; i++)
        sum += draw(&r);
    CHECK_NEAR(sum / n, mean, 5 * sd / sqrt(n));
}

static double exponential(struct rng *r)
{
    return rng_exponential(r, 2);
}

static double lognormal(struct rng *r)
{
    return rng_lognormal(r, 5, 0.5);
}

TEST(distributions_have_their_means)
{
    mean_is(rng_unit, 0.5, sqrt(1 / 12.0));
    mean_is(exponential, 2, 2);
    mean_is(rng_normal, 0, 1);
    mean_is(lognormal, 5, 2.5);
}

PROPERTY(below_stays_below, 200)
{
    uint64_t n = (uint64_t)gen_range(g, 1, INT64_MAX - 1);

    CHECK(rng_below(&g->rng, n) < n);
}
