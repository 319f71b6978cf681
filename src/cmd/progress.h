/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A progress bar on standard error: only on a terminal, only without -q, only for what takes over a second.
 *
 *     cleanup_progress struct progress *p = progress_new(cli, "compare");
 *     spec.progress = progress_set;
 *     spec.progress_arg = p;
 */
#pragma once

#include "cmd/cli.h"

struct progress;

struct progress *progress_new(const struct cli *cli, const char *what); /* what: borrowed */
void progress_free(struct progress *p); /* wipes the bar; NULL accepted */

/* `done` from 0 to 1; from any thread; what is less than was said before is ignored. */
void progress_set(void *p, double done);

static inline void cleanup_progressp(struct progress **p)
{
    progress_free(*p);
}
#define cleanup_progress __attribute__((cleanup(cleanup_progressp)))
