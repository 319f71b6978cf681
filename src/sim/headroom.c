/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/headroom.h"

#include "sim/outcome.h"
#include "sim/run.h"

enum { PROBES_MAX = 32 };

struct search {
    const struct scenario *scenario;
    const struct scenario_configuration *configuration;
    const struct scenario_load *load;
    const struct stock *stock;
    uint64_t seed;
    const atomic_int *stop;
    struct headroom_point points[PROBES_MAX]; /* ascending users */
    size_t count;
    const char *limit; /* of the smallest failing probe; in the arena */
    unsigned limit_users;
    struct arena *arena;
    bool broken; /* interrupted, or a probe could not be run */
};

static void keep(struct search *s, const struct headroom_point *p)
{
    size_t i = s->count;

    while (i > 0 && s->points[i - 1].users > p->users) {
        s->points[i] = s->points[i - 1];
        i--;
    }
    s->points[i] = *p;
    s->count++;
}

static bool probe(struct search *s, unsigned users)
{
    struct run_spec spec = {.scenario = s->scenario,
                            .configuration = s->configuration,
                            .load = s->load,
                            .stock = s->stock,
                            .seed = s->seed,
                            .users = users,
                            .ramp_up = 30 * NS_PER_S,
                            .hold = 120 * NS_PER_S,
                            .stop = s->stop};
    struct arena *arena;
    struct load_result r;
    struct headroom_point p;
    struct err err = {0};
    struct run *run;

    if (s->broken || s->count == PROBES_MAX)
        return false;
    run = run_new(&spec, &err);
    if (!run || run->interrupted) {
        s->broken = true;
        run_free(run);
        return false;
    }
    arena = arena_new();
    outcome_fill(&r, arena, s->scenario, s->configuration, s->load, users,
                 (const struct run *const *)&run, 1);
    p = (struct headroom_point){.users = users,
                                .ok = r.valid && r.objectives_met,
                                .throughput = r.throughput.mean,
                                .p95_voice_ms = r.stages[STAGE_VOICE_TO_VOICE].p95_ms,
                                .success_rate = r.success_rate};
    keep(s, &p);
    if (!p.ok && (!s->limit || users < s->limit_users)) {
        s->limit = outcome_scarce(s->arena, s->scenario, s->configuration, run);
        s->limit_users = users;
    }
    load_result_done(&r);
    run_free(run);
    arena_free(arena);
    return p.ok;
}

/* Brackets the answer: *lo met the objectives (0: none did), *hi did not (0: all did). */
static void bracket(struct search *s, unsigned start, unsigned *lo, unsigned *hi)
{
    unsigned n = start;

    *lo = *hi = 0;
    if (probe(s, n)) {
        *lo = n;
        while (!s->broken && *lo < HEADROOM_MAX_USERS) {
            n = *lo * 2 < HEADROOM_MAX_USERS ? *lo * 2 : HEADROOM_MAX_USERS;
            if (!probe(s, n)) {
                *hi = n;
                return;
            }
            *lo = n;
        }
        return;
    }
    *hi = n;
    while (!s->broken && n > 1) {
        n /= 2;
        if (probe(s, n)) {
            *lo = n;
            return;
        }
        *hi = n;
    }
}

void headroom_search(const struct scenario *s, const struct scenario_configuration *c,
                     const struct scenario_load *load, const struct stock *stock, uint64_t seed,
                     const atomic_int *stop, struct arena *arena, struct configuration_result *ret)
{
    struct search q = {.scenario = s,
                       .configuration = c,
                       .load = load,
                       .stock = stock,
                       .seed = seed,
                       .stop = stop,
                       .arena = arena};
    struct headroom_point *curve;
    unsigned lo, hi;

    bracket(&q, load->turns.users, &lo, &hi);
    while (!q.broken && hi > lo + 1 && (hi - lo) * 50 > lo && q.count < PROBES_MAX) {
        unsigned middle = lo + (hi - lo) / 2;
        if (probe(&q, middle))
            lo = middle;
        else
            hi = middle;
    }
    curve = ARENA_ARRAY(arena, struct headroom_point, q.count);
    for (size_t i = 0; i < q.count; i++)
        curve[i] = q.points[i];
    ret->curve = curve;
    ret->curve_count = q.count;
    if (q.broken)
        return;
    ret->headroom_users = lo;
    ret->headroom_bounded = hi != 0;
    ret->headroom_limit = q.limit;
}
