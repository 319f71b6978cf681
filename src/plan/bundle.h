/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles: which tenants can share one whole GPU. A bundle counts tenancies by slot (memory and limit); its memory
 * fits the GPU, its tenants are at most r, and each of them accepts r. Only full bundles are listed: those that
 * nobody else, whom anyone would want, fits into.
 */
#pragma once

#include "plan/problem.h"

enum { BUNDLES_MAX = 20000 };

struct bundle_list {
    const int *slots; /* that may take part, ascending */
    size_t slot_count;
    int *counts; /* owned; n rows of slot_count */
    size_t n, cap;
    bool truncated; /* there are more than BUNDLES_MAX */
};

/* `wanted` is by slot: how many tenancies of it anyone could want. */
void bundle_list(const struct problem *p, enum fleet_mode mode, int r, int model, const int64_t *wanted,
                 struct bundle_list *ret);
void bundle_list_done(struct bundle_list *l);
