/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every profile against every table it has to do with: docs/fidelity.md.
 *
 * For each pair twice: the built-in profile on all rows (it was fitted to them), and a hold-out:
 * the parameters are set to neutral values (fidelity.c), fitted to the table without its highest
 * loads, and judged on those alone. The second is evidence, the first is how well one set of
 * parameters can describe the table.
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "gpu/catalog.h"

/*
 * Writes the Markdown. DIR holds the tables (NAME.csv); pairs whose table is not there are named
 * and left out; none there at all is ERR_OUTSIDE. `progress` may be NULL.
 */
int fidelity_markdown(const char *dir, struct catalog *gpus, uint64_t seed, const atomic_int *stop,
                      void (*progress)(void *arg, double done), void *arg, struct buf *out, struct err *err);
