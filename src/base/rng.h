/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers: xoshiro256** (Blackman, Vigna 2018), seeded through SplitMix64.
 *
 * Every consumer has a stream of its own, derived from the run's seed and a key, so that two
 * configurations see the same users and the same replies (common random numbers) whatever else differs.
 */
#pragma once

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* The stream number `key` of the seed; streams of different keys are independent for our purposes. */
void rng_init(struct rng *r, uint64_t seed, uint64_t key);

uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n), n > 0, without bias */
double rng_unit(struct rng *r);                /* uniform in [0, 1) */
double rng_open(struct rng *r);                /* uniform in (0, 1] */

double rng_exponential(struct rng *r, double mean);
double rng_normal(struct rng *r); /* mean 0, variance 1 */

/* Log-normal with the given mean and coefficient of variation (standard deviation / mean). */
double rng_lognormal(struct rng *r, double mean, double cv);

/* A 64-bit hash of a string, for deriving keys from names. FNV-1a followed by a SplitMix64 finaliser. */
uint64_t rng_key(const char *name);
uint64_t rng_mix(uint64_t a, uint64_t b);
