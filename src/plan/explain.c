/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/explain.h"

#include <inttypes.h>

void explain_before(const struct fleet *f, size_t gpu, struct buf *out)
{
    const struct fleet_gpu *g = fleet_gpu_at(f, gpu);

    buf_puts(out, FLEET_MODE_NAMES[g->mode]);
    for (size_t i = 0; i < g->n; i++) {
        buf_puts(out, i ? ", " : " ");
        if (g->places[i].profile)
            buf_printf(out, "%s@%d ", g->places[i].profile->name, g->places[i].start);
        buf_puts(out, g->places[i].workload == FLEET_NONE ? "idle" : f->workloads[g->places[i].workload].name);
    }
}

void explain_after(const struct plan *p, size_t gpu, struct buf *out)
{
    const struct plan_gpu *g = &p->gpus[gpu];

    buf_puts(out, FLEET_MODE_NAMES[g->mode]);
    for (size_t i = 0; i < g->n; i++) {
        const struct plan_place *q = &g->places[i];
        buf_puts(out, i ? ", " : " ");
        if (q->profile)
            buf_printf(out, "%s@%d ", q->profile->name, q->start);
        buf_printf(out, "%s%s", q->reserved ? "room for " : "",
                   q->workload == FLEET_NONE ? "idle" : p->fleet->workloads[q->workload].name);
    }
}

static bool rebuilt(const struct plan *p, size_t gpu)
{
    const struct fleet_gpu *now = fleet_gpu_at(p->fleet, gpu);
    const struct plan_gpu *g = &p->gpus[gpu];

    if (now->mode != g->mode)
        return true;
    return g->mode == FLEET_MIG && !g->keeps_layout && p->fleet->rules.actuator == FLEET_MIG_PARTED;
}

void explain_step(const struct plan *p, const struct waves *w, const struct step *s, struct buf *out)
{
    const struct fleet_gpu *now = fleet_gpu_at(p->fleet, (size_t)s->gpu);
    const struct plan_gpu *to = &p->gpus[s->gpu];
    size_t moves = 0, fresh = 0, retired = 0, via = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct wave_move *m = &w->moves[s->first + i];
        moves += m->kind == WAVE_PLACE_FREE || m->kind == WAVE_FREE_PLACE;
        fresh += m->kind == WAVE_NEW;
        retired += m->kind == WAVE_RETIRE;
        via += m->kind == WAVE_VIA;
    }
    if (via)
        buf_printf(out, "unused, it takes %zu replica%s until the new place is free; ", via, via > 1 ? "s" : "");
    if (retired)
        buf_printf(out, "%zu replica%s more than the demand; ", retired, retired > 1 ? "s are" : " is");
    if (moves || fresh) {
        if (!fleet_in_use(now))
            buf_puts(out, "taken into use");
        else if (rebuilt(p, (size_t)s->gpu))
            buf_printf(out, "rebuilt from %s to %s, as its replicas leave anyway or the new set packs tighter",
                       FLEET_MODE_NAMES[now->mode], FLEET_MODE_NAMES[to->mode]);
        else
            buf_puts(out, "its free places are filled");
        if (moves)
            buf_printf(out, ": %zu replica%s come%s from GPUs that are to be free or rebuilt", moves,
                       moves > 1 ? "s" : "", moves > 1 ? "" : "s");
        if (fresh)
            buf_printf(out, "%s %zu new replica%s", moves ? "," : ":", fresh, fresh > 1 ? "s" : "");
        buf_puts(out, "; ");
    }
    if (s->leaves)
        buf_puts(out, "its last replica has left: the GPU is free; ");
    if (out->len >= 2 && out->data[out->len - 2] == ';')
        out->data[out->len -= 2] = 0;
}

bool explain_kept(const struct plan *p, size_t gpu, struct buf *out)
{
    const struct fleet_gpu *now = fleet_gpu_at(p->fleet, gpu);
    const struct plan_gpu *g = &p->gpus[gpu];
    size_t stays = 0, comes = 0, idle = 0, pinned = 0, tenants = 0;

    if (!fleet_in_use(now))
        return false;
    for (size_t i = 0; i < now->n; i++)
        tenants += now->places[i].workload != FLEET_NONE;
    for (size_t i = 0; i < g->n; i++) {
        stays += g->places[i].stays;
        comes += g->places[i].workload != FLEET_NONE && !g->places[i].stays;
        idle += g->places[i].workload == FLEET_NONE;
        pinned += g->places[i].stays && p->fleet->workloads[g->places[i].workload].pinned;
    }
    if (stays < tenants || comes > 0)
        return false;
    if (pinned)
        buf_printf(out, "pinned: %zu of its %zu replicas may not move", pinned, stays);
    else if (idle == 0)
        buf_puts(out, "full: moving its replicas would free nothing");
    else
        buf_printf(
            out, "emptying it frees no GPU for the %zu move%s that it takes: the fleet needs %" PRId64 " GPUs anyway",
            stays, stays > 1 ? "s" : "", p->gpus_after);
    return true;
}

bool explain_node_freed(const struct plan *p, size_t node)
{
    const struct fleet_node *n = &p->fleet->nodes[node];
    bool before = false, after = false;

    for (size_t g = 0; g < (size_t)n->count; g++) {
        before = before || fleet_in_use(&n->gpus[g]);
        after = after || plan_in_use(&p->gpus[n->first + g]);
    }
    return before && !after;
}
