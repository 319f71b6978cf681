/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log-linear histogram of non-negative 64-bit integers, here nanoseconds.
 *
 * Values below 64 have a bucket each; above, every power of two is cut into 64 equal buckets, and a
 * bucket is read back as its middle, so that no value is off by more than 1/128 = 0.79 %. Count, sum
 * (hence the mean), minimum and maximum are exact. A block of 64 counters is allocated when its power
 * of two first occurs: latencies from 1 ms to 10 s take 7 KiB, anything at all 30 KiB. Two histograms
 * merge by adding, in any order, to the same result.
 *
 * A struct hist of zeroes is an empty one. Negative values count as 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HIST_BITS = 6, /* log2 of the buckets per power of two */
    HIST_SUB = 1 << HIST_BITS,
    HIST_BLOCKS = 64 - HIST_BITS, /* block 0 holds [0, 64), block b > 0 holds [64 * 2^(b-1), 64 * 2^b) */
    HIST_BUCKETS = HIST_BLOCKS * HIST_SUB
};

struct hist {
    uint64_t *block[HIST_BLOCKS]; /* owned, HIST_SUB counters each, NULL while unused */
    uint64_t count;
    int64_t min, max;    /* undefined while empty */
    __extension__ __int128 sum;
};

struct hist *hist_new(void);
void hist_free(struct hist *h); /* NULL accepted */
void hist_done(struct hist *h); /* frees the contents and leaves an empty histogram */

uint64_t *hist_block_new(struct hist *h, unsigned block); /* hist_record()'s, out of line */

/* The bucket of a value, in [0, HIST_BUCKETS). */
static inline unsigned hist_bucket(int64_t value)
{
    uint64_t v = (uint64_t)(value > 0 ? value : 0);
    unsigned shift = 63 - (unsigned)__builtin_clzll(v | HIST_SUB) - HIST_BITS;

    /* v >> shift is in [64, 128) above the first block: its lower 6 bits count within block shift + 1. */
    return v < HIST_SUB ? (unsigned)v : ((shift + 1) << HIST_BITS) + (unsigned)((v >> shift) & (HIST_SUB - 1));
}

static inline void hist_record_n(struct hist *h, int64_t value, uint64_t n)
{
    unsigned b = hist_bucket(value);
    uint64_t *block = h->block[b >> HIST_BITS];

    if (value < 0)
        value = 0;
    if (__builtin_expect(!block, 0))
        block = hist_block_new(h, b >> HIST_BITS);
    block[b & (HIST_SUB - 1)] += n;
    if (h->count == 0 || value < h->min)
        h->min = value;
    if (h->count == 0 || value > h->max)
        h->max = value;
    h->count += n;
    h->sum += (__int128)value * (__int128)n;
}

static inline void hist_record(struct hist *h, int64_t value)
{
    hist_record_n(h, value, 1);
}

void hist_merge(struct hist *into, const struct hist *from);

double hist_mean(const struct hist *h);   /* exact; NaN while empty */
double hist_stddev(const struct hist *h); /* of the values' buckets; NaN below two values */

/*
 * The value that a fraction q (0..1) of the values does not exceed: the smallest bucket whose cumulated
 * count reaches max(1, ceil(q * count)), as its middle, kept within [min, max]. 0 while empty.
 */
int64_t hist_quantile(const struct hist *h, double q);

uint64_t hist_count_above(const struct hist *h, int64_t value); /* values in buckets wholly above it */

int64_t hist_bucket_low(unsigned bucket);   /* smallest value of a bucket */
int64_t hist_bucket_width(unsigned bucket); /* how many values it covers */

/* Walks the buckets that are not empty, ascending: start with bucket = -1; false at the end. */
struct hist_step {
    int bucket;
    int64_t low, width;
    uint64_t count;
};
bool hist_next(const struct hist *h, struct hist_step *step);

size_t hist_bytes(const struct hist *h); /* memory held, the struct included */
