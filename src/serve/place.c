/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/place.h"

#include <assert.h>

#include "serve/profile.h"

static void one_done(void *arg)
{
    struct serve_engine *e = arg;

    if (--e->left > 0)
        return;
    e->busy = false;
    e->done(e->arg);
}

/*
 * What the server takes on a share: its reservation, or, where it is alone on a smaller one, what
 * is there.
 */
static int64_t wanted(const struct profile *p, const struct serve_place *at)
{
    int64_t take = p->reserve;

    if (at->memory > 0)
        return at->memory;
    for (size_t i = 0; i < at->count; i++) {
        int64_t room = share_size(at->shares[i])->memory;
        if (share_mode(at->shares[i]) == SHARE_ALONE && room < take && room >= p->need)
            take = room;
    }
    return take;
}

int serve_engine_attach(struct serve_engine *e, const char *name, const struct profile *p,
                        const struct serve_place *at, share_done_fn *done, void *arg, struct err *err)
{
    double cap = at->sm_cap > 0 ? at->sm_cap : 1;

    if (at->count != p->gpu_count)
        return err_set(err, ERR_INPUT, "%s: profile %s runs on %u GPUs at once, it was given %zu", name, p->name,
                       p->gpu_count, at->count);
    e->memory = wanted(p, at);
    if (e->memory < p->need)
        return err_set(err, ERR_INPUT, "%s: profile %s needs %.2f GiB, it may take %.2f GiB", name, p->name,
                       (double)p->need / (1 << 30), (double)e->memory / (1 << 30));
    e->done = done;
    e->arg = arg;
    for (size_t i = 0; i < at->count; i++) {
        e->tenants[i] = share_attach(at->shares[i], name, e->memory, cap, one_done, e, err);
        if (!e->tenants[i])
            return -1;
    }
    e->count = at->count;
    return 0;
}

void serve_engine_submit(struct serve_engine *e, const struct gpu_step *step)
{
    assert(!e->busy);
    e->busy = true;
    e->left = e->count;
    for (size_t i = 0; i < e->count; i++)
        share_submit(e->tenants[i], step);
}
