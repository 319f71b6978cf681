/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a model server stands: the shares it runs on, and how far its clients are.
 *
 * A server is one process group: one tenant of every share. With several shares (tensor parallel,
 * as many as the profile's gpu count) a step runs on all of them and is done when the last one is.
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
    int64_t memory;     /* bytes to take on each share; 0: the profile's reservation, less (down to
                           its need) where the share is its alone and smaller */
    int64_t round_trip; /* ns of network, there and back; added once, at the request: no event per token */
};

static inline struct serve_place serve_place_on(struct share *s)
{
    return (struct serve_place){.shares = {s}, .count = 1};
}

struct profile;

/* A server's tenants, one on each of its shares; embedded in the server. */
struct serve_engine {
    struct share_tenant *tenants[SERVE_SHARES_MAX];
    size_t count, left; /* of them, still in the step under way */
    bool busy;
    int64_t memory; /* bytes taken on each share */
    share_done_fn *done;
    void *arg;
};

/*
 * Attaches to every share of the place; done(arg) is called once after every step. -1 with the
 * arithmetic.
 */
int serve_engine_attach(struct serve_engine *e, const char *name, const struct profile *p,
                        const struct serve_place *at, share_done_fn *done, void *arg, struct err *err);

/* Runs a step on every share; none may be under way. */
void serve_engine_submit(struct serve_engine *e, const struct gpu_step *step);
