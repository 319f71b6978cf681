/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hist.h"

#include <math.h>

#include "base/mem.h"

struct hist *hist_new(void)
{
    return xcalloc(1, sizeof(struct hist));
}

void hist_done(struct hist *h)
{
    for (unsigned b = 0; b < HIST_BLOCKS; b++)
        free(h->block[b]);
    *h = (struct hist){0};
}

void hist_free(struct hist *h)
{
    if (!h)
        return;
    hist_done(h);
    free(h);
}

uint64_t *hist_block_new(struct hist *h, unsigned block)
{
    return h->block[block] = xcalloc(HIST_SUB, sizeof(uint64_t));
}

void hist_merge(struct hist *into, const struct hist *from)
{
    if (from->count == 0)
        return;
    for (unsigned b = 0; b < HIST_BLOCKS; b++) {
        uint64_t *to = into->block[b];
        if (!from->block[b])
            continue;
        if (!to)
            to = hist_block_new(into, b);
        for (unsigned i = 0; i < HIST_SUB; i++)
            to[i] += from->block[b][i];
    }
    if (into->count == 0 || from->min < into->min)
        into->min = from->min;
    if (into->count == 0 || from->max > into->max)
        into->max = from->max;
    into->count += from->count;
    into->sum += from->sum;
}

int64_t hist_bucket_low(unsigned bucket)
{
    unsigned block = bucket >> HIST_BITS, sub = bucket & (HIST_SUB - 1);

    return block == 0 ? (int64_t)sub : (int64_t)(HIST_SUB + sub) << (block - 1);
}

int64_t hist_bucket_width(unsigned bucket)
{
    unsigned block = bucket >> HIST_BITS;

    return block == 0 ? 1 : INT64_C(1) << (block - 1);
}

static int64_t middle(unsigned bucket)
{
    return hist_bucket_low(bucket) + hist_bucket_width(bucket) / 2;
}

bool hist_next(const struct hist *h, struct hist_step *step)
{
    for (unsigned i = (unsigned)(step->bucket + 1); i < HIST_BUCKETS; i++) {
        const uint64_t *block = h->block[i >> HIST_BITS];
        if (!block) {
            i |= HIST_SUB - 1;
            continue;
        }
        if (block[i & (HIST_SUB - 1)] == 0)
            continue;
        *step = (struct hist_step){.bucket = (int)i,
                                   .low = hist_bucket_low(i),
                                   .width = hist_bucket_width(i),
                                   .count = block[i & (HIST_SUB - 1)]};
        return true;
    }
    return false;
}

double hist_mean(const struct hist *h)
{
    return h->count ? (double)h->sum / (double)h->count : NAN;
}

double hist_stddev(const struct hist *h)
{
    struct hist_step s = {.bucket = -1};
    double mean = hist_mean(h), sum = 0;

    if (h->count < 2)
        return NAN;
    while (hist_next(h, &s)) {
        double d = (double)middle((unsigned)s.bucket) - mean;
        sum += d * d * (double)s.count;
    }
    return sqrt(sum / (double)(h->count - 1));
}

int64_t hist_quantile(const struct hist *h, double q)
{
    struct hist_step s = {.bucket = -1};
    uint64_t seen = 0;
    double wanted = fmax(1, ceil(q * (double)h->count));
    int64_t value = 0;

    if (h->count == 0)
        return 0;
    while ((double)seen < wanted && hist_next(h, &s)) {
        seen += s.count;
        value = middle((unsigned)s.bucket);
    }
    if (value < h->min)
        return h->min;
    return value > h->max ? h->max : value;
}

uint64_t hist_count_above(const struct hist *h, int64_t value)
{
    struct hist_step s = {.bucket = (int)hist_bucket(value)};
    uint64_t n = 0;

    while (hist_next(h, &s))
        n += s.count;
    return n;
}

size_t hist_bytes(const struct hist *h)
{
    size_t n = sizeof *h;

    for (unsigned b = 0; b < HIST_BLOCKS; b++)
        if (h->block[b])
            n += HIST_SUB * sizeof(uint64_t);
    return n;
}
