/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"

#include "check.h"

static int runs[1000];
static atomic_int stop;

static void count(void *ctx, size_t i)
{
    runs[i]++;
    if (ctx && i == 5)
        atomic_store(&stop, 1);
}

TEST(every_job_runs_once)
{
    memset(runs, 0, sizeof runs);
    CHECK_EQ(parallel_for(1000, 4, count, NULL, NULL), 1000);
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(runs[i], 1);
    CHECK_EQ(parallel_for(0, 4, count, NULL, NULL), 0);
}

TEST(stop_starts_no_further_job)
{
    memset(runs, 0, sizeof runs);
    atomic_store(&stop, 0);
    CHECK_EQ(parallel_for(1000, 1, count, &stop, &stop), 6);
    CHECK_EQ(runs[6], 0);
}
