/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of docs/reproduction.md: the two scenarios of examples/published simulated as they are
 * and with one thing changed at a time, beside what was published.
 *
 * Everything is simulated anew, from the files below the working directory, with the seed that
 * `snug compare` takes by itself, so that a reader's command prints the same totals.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct study;
struct study *study_new(struct err *err); /* simulates both as they are; a second or two */
void study_free(struct study *t);         /* NULL accepted */

/* Appends one of the page's tables; false with the reason. */
bool study_table(struct study *t, const char *name, struct buf *out, struct err *err);
