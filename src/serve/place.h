/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a model server stands: the shares it runs on, and how far its clients are.
 *
 * A server is one process group: one tenant of every share. With several shares (tensor parallel, as many as the
 * profile's gpu count) a step runs on all of them and is done when the last one is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gpu/share.h"

enum { SERVE_SHARES_MAX = 8 };

struct serve_place {
    struct share *shares[SERVE_SHARES_MAX];
    size_t count;
    double sm_cap;      /* MPS active thread percentage as a fraction; 0 or 1: none */
    int64_t memory;     /* bytes to take on each share; 0: the profile's reservation, less (down to its need) where the
                           share is its alone and smaller */
    int64_t round_trip; /* ns of network, there and back; added once, at the request, so that no event is needed per token */
};

static inline struct serve_place serve_place_on(struct share *s)
{
    return (struct serve_place){.shares = {s}, .count = 1};
}
