/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>

struct batch {
    size_t n;
    void (*job)(void *ctx, size_t i);
    void *ctx;
    const atomic_int *stop;
    atomic_size_t next, done;
};

enum { THREADS_MAX = 256 };

unsigned parallel_cores(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

static void *work(void *arg)
{
    struct batch *b = arg;
    size_t i;

    while (!(b->stop && atomic_load(b->stop)) && (i = atomic_fetch_add(&b->next, 1)) < b->n) {
        b->job(b->ctx, i);
        atomic_fetch_add(&b->done, 1);
    }
    return NULL;
}

size_t parallel_for(size_t n, unsigned threads, void (*job)(void *ctx, size_t i), void *ctx,
                    const atomic_int *stop)
{
    struct batch b = {.n = n, .job = job, .ctx = ctx, .stop = stop};
    pthread_t others[THREADS_MAX];
    unsigned want = threads ? threads : parallel_cores(), started = 0;

    if (want > THREADS_MAX)
        want = THREADS_MAX;
    if (want > n)
        want = (unsigned)n;
    /* One thread fewer than wanted: this one works too. A thread that cannot be had is done without. */
    while (started + 1 < want && pthread_create(&others[started], NULL, work, &b) == 0)
        started++;
    work(&b);
    for (unsigned i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    return atomic_load(&b.done);
}
