/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "base/world.h"

static const double MEMORY_ROOM = 1.1; /* derived options: the instance's memory over the need */

struct deriver {
    struct options o; /* first */
    struct arena *arena;
    const struct fleet *f;
    size_t refused_cap;
    struct way *ways; /* of the workload under way */
    size_t n, cap;
};

static void refuse(struct deriver *d, int workload, const char *option, const char *why)
{
    GROW(d->o.refused, d->refused_cap, d->o.refused_count + 1);
    d->o.refused[d->o.refused_count++] = (struct refusal){workload, option, why};
}

/* One way for a place is enough: the one that gives the most, or lets the most tenants in. */
static void add_way(struct deriver *d, const struct way *w)
{
    for (size_t i = 0; i < d->n; i++) {
        struct way *o = &d->ways[i];
        if (o->mode != w->mode || o->model != w->model || o->profile != w->profile)
            continue;
        if (w->gives < o->gives || (w->gives <= o->gives && w->limit <= o->limit))
            return;
        *o = *w;
        return;
    }
    GROW(d->ways, d->cap, d->n + 1);
    d->ways[d->n++] = *w;
}

static char *profile_names(struct deriver *d, const struct gpu_model *m)
{
    char text[400];
    size_t len = 0;

    for (size_t i = 0; i < m->profile_count && len < sizeof text - 40; i++)
        if (!m->profiles[i].attributes[0])
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? ", " : "", m->profiles[i].name);
    text[len] = 0;
    return arena_strdup(d->arena, len ? text : "none");
}

static const char *option_text(struct deriver *d, const struct fleet_option *o)
{
    const char *on = o->limited ? arena_printf(d->arena, " on %s", o->models_text) : "";

    switch (o->mode) {
    case FLEET_MIG: return arena_printf(d->arena, "mig %s%s", o->profile, on);
    case FLEET_TIME_SLICING: return arena_printf(d->arena, "time-slicing %d%s", o->limit, on);
    case FLEET_MPS: return arena_printf(d->arena, "mps %d%s", o->limit, on);
    default: return arena_printf(d->arena, "alone%s", on);
    }
}

static bool allows_model(const struct fleet_option *o, size_t model)
{
    if (!o->limited)
        return true;
    for (size_t i = 0; i < o->model_count; i++)
        if (o->models[i] == (int)model)
            return true;
    return false;
}

static void explicit_option(struct deriver *d, int workload, const struct fleet_option *o)
{
    const struct fleet_workload *w = &d->f->workloads[workload];
    const char *text = option_text(d, o), *why = NULL;
    bool any = false, shared = o->mode == FLEET_TIME_SLICING || o->mode == FLEET_MPS;

    if (shared && w->isolated) {
        refuse(d, workload, text, o->mode == FLEET_MPS
               ? "isolation is required; under MPS a fault of one client ends them all"
               : "isolation is required; time-slicing isolates neither memory nor faults");
        return;
    }
    for (size_t m = 0; m < d->f->model_count; m++) {
        const struct gpu_model *model = d->f->models[m];
        struct way way = {.mode = o->mode, .model = (int)m, .limit = o->limit, .gives = w->by_rate ? o->throughput : 1,
                          .batch = o->batch, .processes = o->processes};
        struct err e = {0};
        char need[UNITS_MAX], have[UNITS_MAX];
        if (!allows_model(o, m))
            continue;
        if (o->mode == FLEET_MIG) {
            way.profile = model->grid ? gpu_profile_find(model, o->profile, &e) : NULL;
            if (!way.profile) {
                why = model->grid ? arena_printf(d->arena, "%s has no profile %s, it has %s", model->key, o->profile,
                                                 profile_names(d, model))
                                  : arena_printf(d->arena, "%s has no MIG", model->key);
                continue;
            }
        } else if (shared && w->memory > model->memory_mib << 20) {
            why = arena_printf(d->arena, "it needs %s, %s has %s", units_memory(need, w->memory), model->key,
                               units_memory(have, model->memory_mib << 20));
            continue;
        }
        any = true;
        add_way(d, &way);
    }
    if (!any)
        refuse(d, workload, text, why ? why : "no GPU of the fleet is of these models");
}

static const struct gpu_profile *plain_profile(const struct gpu_model *m, int slices)
{
    const struct gpu_profile *best = NULL;

    for (size_t i = 0; i < m->profile_count; i++) {
        const struct gpu_profile *p = &m->profiles[i];
        if (!p->attributes[0] && p->compute_slices == slices && (!best || p->memory_slices < best->memory_slices))
            best = p;
    }
    return best;
}

/* A table's best row of a size under the objective; *ret_fastest is the least latency of the size, -1 without rows. */
static const struct fleet_measurement *best_row(const struct fleet_workload *w, int slices, double *ret_fastest)
{
    const struct fleet_measurement *best = NULL;
    double objective = w->latency ? (double)w->latency / NS_PER_S : 1e300;

    *ret_fastest = -1;
    for (size_t i = 0; i < w->measured_count; i++) {
        const struct fleet_measurement *r = &w->measured[i];
        double total = r->throughput * r->processes;
        if (r->slices != slices)
            continue;
        if (*ret_fastest < 0 || r->latency < *ret_fastest)
            *ret_fastest = r->latency;
        if (r->latency >= objective || total <= 0)
            continue;
        if (!best || total > best->throughput * best->processes ||
            (total >= best->throughput * best->processes && r->latency < best->latency))
            best = r;
    }
    return best;
}

static void measured_options(struct deriver *d, int workload)
{
    const struct fleet_workload *w = &d->f->workloads[workload];

    for (int slices = 1; slices <= 8; slices++) {
        double fastest;
        const struct fleet_measurement *r = best_row(w, slices, &fastest);
        bool any = false;
        if (fastest < 0)
            continue;
        if (!r) {
            refuse(d, workload, arena_printf(d->arena, "mig %dg", slices),
                   arena_printf(d->arena, "no row is below the latency objective: the fastest takes %.3g ms, the objective is %.3g ms",
                                fastest * 1e3, (double)w->latency / NS_PER_MS));
            continue;
        }
        for (size_t m = 0; m < d->f->model_count; m++) {
            const struct gpu_profile *p = plain_profile(d->f->models[m], slices);
            struct way way = {.mode = FLEET_MIG, .model = (int)m, .profile = p, .gives = r->throughput * r->processes,
                              .batch = r->batch, .processes = r->processes};
            if (!p || (w->measured_gpu && strcmp(w->measured_gpu, d->f->models[m]->key) != 0))
                continue;
            any = true;
            add_way(d, &way);
        }
        if (!any)
            refuse(d, workload, arena_printf(d->arena, "mig %dg", slices),
                   "no GPU of the fleet has a profile of that many compute slices, or the table is of another model");
    }
}

static void derived_options(struct deriver *d, int workload)
{
    const struct fleet_workload *w = &d->f->workloads[workload];
    double need = (double)w->memory * MEMORY_ROOM;
    char a[UNITS_MAX], b[UNITS_MAX];

    for (size_t m = 0; m < d->f->model_count; m++) {
        const struct gpu_model *model = d->f->models[m];
        struct way way = {.mode = FLEET_ALONE, .model = (int)m, .gives = 1};
        if (need <= (double)(model->memory_mib << 20))
            add_way(d, &way);
        else
            refuse(d, workload, arena_printf(d->arena, "alone on %s", model->key),
                   arena_printf(d->arena, "it needs %s with headroom, the GPU has %s", units_memory(a, (int64_t)need),
                                units_memory(b, model->memory_mib << 20)));
        for (size_t i = 0; w->memory && i < model->profile_count; i++) {
            const struct gpu_profile *p = &model->profiles[i];
            if (p->attributes[0])
                continue;
            way = (struct way){.mode = FLEET_MIG, .model = (int)m, .profile = p, .gives = 1};
            if (need <= (double)(p->memory_mib << 20))
                add_way(d, &way);
            else
                refuse(d, workload, arena_printf(d->arena, "mig %s on %s", p->name, model->key),
                       arena_printf(d->arena, "it needs %s with headroom, the profile has %s", units_memory(a, (int64_t)need),
                                    units_memory(b, p->memory_mib << 20)));
        }
    }
    refuse(d, workload, "time-slicing", "nothing says that it meets its objective beside others; say so in fits");
    refuse(d, workload, "mps", "nothing says that it meets its objective beside others; say so in fits");
}

struct options *options_derive(const struct fleet *f)
{
    struct deriver *d = xcalloc(1, sizeof *d);

    d->arena = arena_new();
    d->f = f;
    d->o.of = ARENA_ARRAY(d->arena, struct ways, f->workload_count + 1);
    for (size_t i = 0; i < f->workload_count; i++) {
        const struct fleet_workload *w = &f->workloads[i];
        d->n = 0;
        for (size_t k = 0; k < w->option_count; k++)
            explicit_option(d, (int)i, &w->options[k]);
        if (!w->option_count && w->measured)
            measured_options(d, (int)i);
        else if (!w->option_count)
            derived_options(d, (int)i);
        d->o.of[i].n = d->n;
        d->o.of[i].at = ARENA_ARRAY(d->arena, struct way, d->n + 1);
        if (d->n)
            memcpy(d->o.of[i].at, d->ways, d->n * sizeof *d->ways);
    }
    free(d->ways);
    return &d->o;
}

void options_free(struct options *o)
{
    struct deriver *d = (struct deriver *)(void *)o;

    if (!o)
        return;
    free(o->refused);
    arena_free(d->arena);
    free(d);
}
