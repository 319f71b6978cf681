/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/outcome.h"

#include <math.h>

#include "load/verdict.h"

/* A hard capacity used above this on average makes requests wait: it is what limits. */
static const double SATURATED = 0.9;

/* From here on it is what limits: bursts already meet its end. */
static const double LIMITS = 0.8;

static double mean_busy(const struct run *const *runs, size_t n, size_t gpu, size_t slot)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += runs[i]->share_busy[gpu][slot];
    return n ? sum / (double)n : NAN;
}

static const char *slot_label(struct arena *a, const struct scenario_gpu *gpu,
                              const struct scenario_slot *slot)
{
    if (slot->profile)
        return arena_printf(a, "%s@%d", slot->profile->name, slot->start);
    return arena_strdup(a, gpu->mode);
}

static struct gpu_share_result slot_result(struct arena *a, const struct scenario *s,
                                           const struct scenario_gpu *gpu,
                                           const struct scenario_slot *slot)
{
    struct share_size size = gpu_profile_size(s->gpu, slot->profile);
    const char **names = ARENA_ARRAY(a, const char *, slot->count + 1);

    for (size_t k = 0; k < slot->count; k++)
        names[k] = arena_strdup(
            a, s->workloads[slot->workloads[k]].name); /* the result outlives the scenario */
    return (struct gpu_share_result){
        .name = slot_label(a, gpu, slot),
        .mode = arena_strdup(a, gpu->mode),
        .profile = slot->profile ? arena_strdup(a, slot->profile->name) : NULL,
        .start = slot->profile ? slot->start : 0,
        .slices = slot->profile  ? slot->profile->size
                  : s->gpu->grid ? s->gpu->grid
                                 : 1,
        .workloads = names,
        .memory_limit_gib = (double)size.memory / (1 << 30),
    };
}

/* GPU by GPU; a MIG GPU's busy time is that of its instances weighted by their SMs. */
static void fill_gpus(struct load_result *r, struct arena *a, const struct scenario *s,
                      const struct scenario_configuration *c, const struct run *const *runs,
                      size_t n)
{
    struct gpu_result *gpus = ARENA_ARRAY(a, struct gpu_result, c->count);

    for (size_t g = 0; g < c->count; g++) {
        const struct scenario_gpu *gpu = &c->gpus[g];
        struct gpu_share_result *shares = ARENA_ARRAY(a, struct gpu_share_result, gpu->count);
        struct share_size whole = gpu_profile_size(s->gpu, NULL);
        gpus[g] = (struct gpu_result){.shares = shares,
                                      .count = gpu->count,
                                      .grid = s->gpu->grid ? s->gpu->grid : 1,
                                      .memory_limit_gib = (double)whole.memory / (1 << 30)};
        for (size_t i = 0; i < gpu->count; i++) {
            shares[i] = slot_result(a, s, gpu, &gpu->slots[i]);
            shares[i].busy = mean_busy(runs, n, g, i);
            shares[i].memory_gib = n ? (double)runs[0]->share_memory[g][i] / (1 << 30) : NAN;
            gpus[g].busy += shares[i].busy * gpu_profile_size(s->gpu, gpu->slots[i].profile).sm;
            gpus[g].memory_gib += shares[i].memory_gib;
        }
    }
    r->gpus = gpus;
    r->gpu_count = c->count;
}

/* "GPU 1 (llm)": the share's name with its tenants. */
static const char *busiest_name(struct arena *a, const struct scenario *s,
                                const struct scenario_configuration *c, size_t gpu, size_t slot)
{
    const struct scenario_slot *p = &c->gpus[gpu].slots[slot];
    const char *who = p->count ? s->workloads[p->workloads[0]].name : "idle";

    for (size_t k = 1; k < p->count; k++)
        who = arena_printf(a, "%s + %s", who, s->workloads[p->workloads[k]].name);
    return p->profile ? arena_printf(a, "GPU %zu %s (%s)", gpu, p->profile->name, who)
                      : arena_printf(a, "GPU %zu (%s)", gpu, who);
}

/* Part of the users' time that no faster system could have spared: speaking, listening and
 * thinking. */
static double human_part(const struct recorder *r)
{
    struct recorder_little l;
    double parts[PART_COUNT], wait = 0;
    uint64_t n = recorder_parts(r, parts);

    recorder_little(r, &l);
    if (n == 0 || !(l.turn_s + l.think_s > 0))
        return NAN;
    for (int i = 0; i < PART_COUNT; i++)
        wait += parts[i];
    return fmax(0, 1 - wait / (double)n / 1e9 / (l.turn_s + l.think_s));
}

/* The hard capacity that was used most on average, and the GPU share that was busiest. */
static void most_used(struct limit *ret_hard, struct limit *ret_gpu, struct arena *a,
                      const struct scenario *s, const struct scenario_configuration *c,
                      const struct run *const *runs, size_t n)
{
    *ret_hard = *ret_gpu = (struct limit){.resource = "nothing measured", .use = NAN};
    for (size_t i = 0; n && i < runs[0]->use_count; i++) {
        double use = 0;
        for (size_t k = 0; k < n; k++)
            use += runs[k]->use[i] / (double)n;
        if (runs[0]->use_hard[i] && !(use <= ret_hard->use))
            *ret_hard =
                (struct limit){arena_strdup(a, runs[0]->use_names[i]), use, use >= SATURATED};
    }
    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++) {
            double busy = mean_busy(runs, n, g, i);
            if (!(busy <= ret_gpu->use))
                *ret_gpu = (struct limit){busiest_name(a, s, c, g, i), busy, busy >= SATURATED};
        }
}

/*
 * What keeps the configuration from doing more: a hard capacity near its end; else the users
 * themselves where they spend most of their time speaking, listening and thinking; else the GPU
 * share that is busiest.
 */
static void fill_limit(struct load_result *r, struct arena *a, const struct scenario *s,
                       const struct scenario_configuration *c, const struct run *const *runs,
                       size_t n)
{
    struct limit hard, gpu;
    double human = 0;

    most_used(&hard, &gpu, a, s, c, runs, n);
    for (size_t k = 0; k < n; k++)
        human += human_part(runs[k]->recorder) / (double)n;
    if (hard.use >= LIMITS)
        r->limit = hard;
    else if (n && r->users && human >= 0.75)
        r->limit = (struct limit){"users' time", human, human >= SATURATED};
    else
        r->limit = gpu;
}

const char *outcome_scarce(struct arena *arena, const struct scenario *s,
                           const struct scenario_configuration *c, const struct run *run)
{
    struct limit hard, gpu;

    most_used(&hard, &gpu, arena, s, c, &(const struct run *){run}, 1);
    return hard.use >= 0.5 ? hard.resource : gpu.resource;
}

/* Busy time of every tenant, of the first run, thinned to at most 200 points. */
static void fill_timeline(struct load_result *r, struct arena *a, const struct scenario *s,
                          const struct scenario_configuration *c, const struct run *run)
{
    const struct run_samples *p = &run->samples;
    size_t step = (p->rows + 199) / 200, points = step ? p->rows / step : 0;
    struct timeline_track *tracks = ARENA_ARRAY(a, struct timeline_track, p->tenant_count);

    for (size_t t = 0; t < p->tenant_count && points; t++) {
        const struct run_tenant *tenant = &run->tenants[t];
        const struct scenario_gpu *gpu = &c->gpus[tenant->gpu];
        float *busy = ARENA_ARRAY(a, float, points);
        for (size_t i = 0; i < points; i++) {
            double sum = 0;
            for (size_t k = 0; k < step; k++)
                sum += p->values[(i * step + k) * p->columns + p->tenant_from + t];
            busy[i] = (float)(sum / (double)step);
        }
        tracks[t] = (struct timeline_track){.gpu = tenant->gpu,
                                            .busy = busy,
                                            .share = slot_label(a, gpu, &gpu->slots[tenant->slot]),
                                            .workload = arena_strdup(a, tenant->workload)};
    }
    (void)s;
    r->timeline = (struct timeline){.start_s = 0,
                                    .step_s = (double)step,
                                    .samples = points,
                                    .tracks = p->tenant_count,
                                    .track = tracks};
}

/* The streams of requests beside the turns. */
static void fill_requests(struct load_result *r, struct arena *a, const struct scenario *s,
                          const struct scenario_configuration *c, const struct scenario_load *load,
                          const struct run *const *runs, size_t n)
{
    static const char *const kinds[] = {
        [CLIENT_LLM] = "llm", [CLIENT_TTS] = "tts", [CLIENT_ASR] = "asr", [CLIENT_INFER] = "infer"};
    const struct client_record **records = ARENA_ARRAY(a, const struct client_record *, n + 1);

    for (size_t i = 0; n && i < runs[0]->client_count; i++) {
        for (size_t k = 0; k < n; k++)
            records[k] = client_record(runs[k]->clients[i]);
        load_result_add_requests(r, a,
                                 arena_strdup(a, s->workloads[load->requests[i].workload].name),
                                 kinds[client_kind(runs[0]->clients[i])],
                                 load->requests[i].spec.arrivals.process == ARRIVALS_TRACE, records,
                                 n, c->count, scenario_price(s, c));
    }
}

void outcome_fill(struct load_result *ret, struct arena *arena, const struct scenario *s,
                  const struct scenario_configuration *c, const struct scenario_load *load,
                  unsigned users, const struct run *const *runs, size_t n)
{
    struct recorder **recorders = ARENA_ARRAY(arena, struct recorder *, n + 1);

    *ret = (struct load_result){.name = arena_strdup(arena, load->turns.name), .users = users};
    for (size_t i = 0; i < n; i++)
        recorders[i] = runs[i]->recorder;
    load_result_fill(ret, arena, recorders, n, c->count, scenario_price(s, c));
    fill_requests(ret, arena, s, c, load, runs, n);
    ret->arrival_rate = load->turns.users ? NAN : load->turns.arrivals.rate;
    for (size_t i = 0; i < n; i++) {
        ret->simulated_s += (double)runs[i]->end / 1e9;
        ret->events += runs[i]->events;
    }
    fill_gpus(ret, arena, s, c, runs, n);
    fill_limit(ret, arena, s, c, runs, n);
    if (n && runs[0]->samples.rows)
        fill_timeline(ret, arena, s, c, runs[0]);
    objectives_judge(arena, &s->objectives, ret);
}
