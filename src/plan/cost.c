/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/cost.h"

#include <math.h>

#include "base/mem.h"

/* One tenant or instance as the bill sees it. */
struct item {
    int size;     /* memory slices; 0: shares the whole GPU evenly */
    int workload; /* FLEET_NONE: idle */
};

static void bill_gpu(struct cost *c, const struct fleet_node *node, size_t node_index, enum fleet_mode mode,
                     const struct item *items, size_t n)
{
    int64_t price = (int64_t)nearbyint(node->price * COST_UNIT), left = price;

    c->bill += price;
    c->nodes[node_index] += price;
    for (size_t i = 0; i < n; i++) {
        int64_t part = mode == FLEET_MIG ? price * items[i].size / node->model->grid : price / (int64_t)n;
        left -= part;
        if (items[i].workload == FLEET_NONE)
            c->idle += part;
        else
            c->workloads[items[i].workload] += part;
    }
    if (mode != FLEET_MIG && n > 0 && items[n - 1].workload != FLEET_NONE) { /* what does not divide */
        c->workloads[items[n - 1].workload] += left;
        left = 0;
    }
    c->stranded += left;
}

static void begin(const struct fleet *f, struct cost *c)
{
    *c = (struct cost){.workloads = xcalloc(f->workload_count + 1, sizeof *c->workloads),
                       .nodes = xcalloc(f->node_count + 1, sizeof *c->nodes)};
}

void cost_before(const struct fleet *f, struct cost *ret)
{
    begin(f, ret);
    for (size_t n = 0; n < f->node_count; n++)
        for (int g = 0; g < f->nodes[n].count; g++) {
            const struct fleet_gpu *gpu = &f->nodes[n].gpus[g];
            struct item items[FLEET_TENANTS_MAX];
            if (!fleet_in_use(gpu))
                continue;
            for (size_t i = 0; i < gpu->n; i++)
                items[i] =
                    (struct item){gpu->places[i].profile ? gpu->places[i].profile->size : 0, gpu->places[i].workload};
            bill_gpu(ret, &f->nodes[n], n, gpu->mode, items, gpu->n);
        }
}

void cost_after(const struct plan *p, struct cost *ret)
{
    const struct fleet *f = p->fleet;

    begin(f, ret);
    for (size_t n = 0; n < f->node_count; n++)
        for (int g = 0; g < f->nodes[n].count; g++) {
            const struct plan_gpu *gpu = &p->gpus[f->nodes[n].first + (size_t)g];
            struct item items[FLEET_TENANTS_MAX];
            if (!plan_in_use(gpu))
                continue;
            for (size_t i = 0; i < gpu->n; i++)
                items[i] = (struct item){gpu->places[i].profile ? gpu->places[i].profile->size : 0,
                                         gpu->places[i].reserved ? FLEET_NONE : gpu->places[i].workload};
            bill_gpu(ret, &f->nodes[n], n, gpu->mode, items, gpu->n);
        }
}

void cost_done(struct cost *c)
{
    free(c->workloads);
    free(c->nodes);
    *c = (struct cost){.bill = 0};
}
