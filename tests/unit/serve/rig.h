/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the model servers share: a world, one GPU, and a run that checks invariants after every event. */
#pragma once

#include "base/mem.h"
#include "check.h"
#include "gpu/share.h"
#include "serve/place.h"
#include "serve/profile.h"
#include "sim/virtual.h"

struct rig {
    struct virtual_world *v;
    struct world *w;
    struct share *share;
    struct serve_place place;
};

static inline struct rig rig_new(int64_t memory)
{
    struct rig r = {.v = virtual_new()};
    struct share_size size = {.sm = 1, .bandwidth = 1, .memory = memory};

    r.w = virtual_world(r.v);
    r.share = share_new(r.w, "gpu0", SHARE_ALONE, &size, &SHARE_TUNING_DEFAULT);
    r.place = serve_place_on(r.share);
    return r;
}

static inline void rig_free(struct rig *r)
{
    share_free(r->share);
    virtual_free(r->v);
}

/* Runs all events until `until`, with check(server) and the share's own after each. */
static inline void rig_run(struct rig *r, const char *(*check)(const void *), const void *server, int64_t until)
{
    while (virtual_step(r->v, until)) {
        const char *broken = check(server);
        if (!broken)
            broken = share_check(r->share);
        if (broken)
            check_fail(__FILE__, __LINE__, "%s at %" PRId64 " ns", broken, r->w->now);
    }
    virtual_run(r->v, until); /* sets the time */
}

/* A profile with every parameter at its default, 0 where it has none. */
static inline struct profile plain_profile(enum profile_kind kind, int64_t memory)
{
    struct profile p = {.name = (char *)(uintptr_t)"test", .kind = kind, .gpu_count = 1, .need = memory, .reserve = memory};
    size_t n;
    const struct profile_param *list = profile_params(kind, &n);

    for (size_t i = 0; i < n; i++)
        *profile_number(&p, list[i].key) = isnan(list[i].otherwise) ? 0 : list[i].otherwise;
    return p;
}
