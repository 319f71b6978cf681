/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Independent jobs over the machine's cores.
 *
 * Each job writes only to its own place in the results, so that what comes out does not depend on how
 * many threads there are or which of them was faster.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

/*
 * Runs job(ctx, 0) ... job(ctx, n - 1), each exactly once, on up to `threads` threads (0: one per core
 * that this process may use), starting them in ascending order. When *stop (NULL: never) becomes
 * non-zero no further job is started; those under way end. Returns the number of jobs run.
 */
size_t parallel_for(size_t n, unsigned threads, void (*job)(void *ctx, size_t i), void *ctx,
                    const atomic_int *stop);

unsigned parallel_cores(void);
