/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/compare.h"

#include <math.h>
#include <time.h>

#include "base/parallel.h"
#include "base/rng.h"
#include "load/conversation.h"
#include "load/verdict.h"
#include "sim/headroom.h"
#include "sim/outcome.h"

/* One run to do and its place in the results. */
struct job {
    const struct scenario_configuration *configuration;
    const struct scenario_load *load;
    unsigned repetition;
    struct run *run; /* NULL: not run, or broken off */
    double wall_s;
    struct err err;
};

struct plan {
    const struct compare_spec *spec;
    struct stock *stock;
    const struct scenario_configuration **configurations;
    size_t configuration_count;
    const struct scenario_load **loads;
    size_t load_count;
    struct job *jobs; /* repetition by repetition, in it load by load, in it configuration by
                         configuration */
    size_t job_count;
    struct configuration_result *results;
    struct arena **arenas; /* one a configuration, for the headroom search's threads */
    double work;           /* simulated user-seconds in all */
    _Atomic double finished;
};

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int choose_configurations(struct plan *p, struct arena *a, struct err *err)
{
    const struct scenario *s = p->spec->scenario;
    const char *const *names = p->spec->configurations;
    size_t n = names ? 0 : s->configuration_count;

    while (names && names[n])
        n++;
    p->configurations = ARENA_ARRAY(a, const struct scenario_configuration *, n + 1);
    for (size_t i = 0; i < n; i++) {
        p->configurations[i] =
            names ? scenario_find_configuration(s, names[i], err) : &s->configurations[i];
        if (!p->configurations[i])
            return -1;
    }
    p->configuration_count = n;
    return 0;
}

static int choose_loads(struct plan *p, struct arena *a, struct err *err)
{
    const struct scenario *s = p->spec->scenario;
    const char *const *names = p->spec->loads;
    size_t n = 0;

    while (names && names[n])
        n++;
    p->loads = ARENA_ARRAY(a, const struct scenario_load *, (names ? n : s->load_count) + 1);
    for (size_t i = 0; i < n; i++) {
        p->loads[i] = scenario_find_load(s, names[i], err);
        if (!p->loads[i])
            return -1;
    }
    for (size_t i = 0; !names && i < s->load_count; i++)
        if (s->loads[i].compared)
            p->loads[n++] = &s->loads[i];
    p->load_count = n;
    return 0;
}

static void list_jobs(struct plan *p, struct arena *a)
{
    size_t n = 0;

    p->job_count = p->spec->repetitions * p->load_count * p->configuration_count;
    p->jobs = ARENA_ARRAY(a, struct job, p->job_count);
    for (unsigned r = 0; r < p->spec->repetitions; r++)
        for (size_t l = 0; l < p->load_count; l++)
            for (size_t c = 0; c < p->configuration_count; c++)
                p->jobs[n++] = (struct job){
                    .configuration = p->configurations[c], .load = p->loads[l], .repetition = r};
}

/* How long a run takes goes with its users times its length; good enough for a progress bar. */
static double job_work(const struct job *j)
{
    const struct load_spec *l = &j->load->turns;

    return (double)load_length(l) / 1e9 * (l->users ? l->users : 20);
}

static void advance(struct plan *p, double work)
{
    double before = atomic_load(&p->finished);

    while (!atomic_compare_exchange_weak(&p->finished, &before, before + work))
        ;
    if (p->spec->progress)
        p->spec->progress(p->spec->progress_arg, fmin(1, (before + work) / p->work));
}

static void run_job(void *ctx, size_t i)
{
    struct plan *p = ctx;
    struct job *j = &p->jobs[i];
    const struct compare_spec *spec = p->spec;
    struct run_spec rs = {.scenario = spec->scenario,
                          .configuration = j->configuration,
                          .load = j->load,
                          .stock = p->stock,
                          .seed = rng_mix(spec->seed, j->repetition),
                          .samples = j->repetition == 0,
                          .stop = spec->stop};
    double start = seconds_now();

    if (spec->sink)
        rs.sink = spec->sink(spec->each_arg, j->configuration->name, j->load->turns.name,
                             j->repetition, &rs.sink_arg);
    j->run = run_new(&rs, &j->err);
    j->wall_s = seconds_now() - start;
    if (j->run && j->run->interrupted &&
        spec->repetitions * p->load_count * p->configuration_count > 1) {
        run_free(j->run); /* a part of a hold phase is no repetition */
        j->run = NULL;
    }
    advance(p, job_work(j));
}

static const struct scenario_load *headroom_load(const struct plan *p)
{
    for (size_t i = p->load_count; i > 0; i--)
        if (p->loads[i - 1]->turns.users > 0)
            return p->loads[i - 1];
    return NULL;
}

static void headroom_job(void *ctx, size_t i)
{
    struct plan *p = ctx;
    const struct scenario_load *load = headroom_load(p);

    headroom_search(p->spec->scenario, p->configurations[i], load, p->stock,
                    rng_mix(p->spec->seed, 0), p->spec->stop, p->arenas[i], &p->results[i]);
    advance(p, p->work / 2 / (double)p->configuration_count);
}

/* The finished runs of one configuration and load, in the order of repetitions. */
static size_t runs_of(const struct plan *p, size_t configuration, size_t load,
                      const struct run **ret, double *ret_wall)
{
    size_t n = 0;

    *ret_wall = 0;
    for (size_t i = 0; i < p->job_count; i++) {
        const struct job *j = &p->jobs[i];
        if (j->run && j->configuration == p->configurations[configuration] &&
            j->load == p->loads[load]) {
            ret[n++] = j->run;
            *ret_wall += j->wall_s;
        }
    }
    return n;
}

static void gather(struct plan *p, struct arena *a)
{
    const struct scenario *s = p->spec->scenario;
    const struct run **runs = ARENA_ARRAY(a, const struct run *, p->spec->repetitions);

    for (size_t c = 0; c < p->configuration_count; c++) {
        struct load_result *loads = ARENA_ARRAY(a, struct load_result, p->load_count);
        for (size_t l = 0; l < p->load_count; l++) {
            double wall;
            size_t n = runs_of(p, c, l, runs, &wall);
            outcome_fill(&loads[l], a, s, p->configurations[c], p->loads[l],
                         p->loads[l]->turns.users, runs, n);
            loads[l].wall_s = wall;
        }
        p->results[c].name = arena_strdup(a, p->configurations[c]->name);
        p->results[c].gpus = p->configurations[c]->count;
        p->results[c].price_per_hour = scenario_price(s, p->configurations[c]);
        p->results[c].loads = loads;
        p->results[c].load_count = p->load_count;
    }
}

static struct comparison *comparison_begin(const struct compare_spec *spec, struct arena *a)
{
    struct comparison *c = ARENA_NEW(a, struct comparison);
    const struct scenario *s = spec->scenario;

    *c = (struct comparison){.arena = a,
                             .clock = "virtual",
                             .emulated = true,
                             .seed = spec->seed,
                             .repetitions = spec->repetitions,
                             .objective_ms = NAN,
                             .scenario = arena_strdup(a, s->name),
                             .source_path = arena_strdup(a, s->path),
                             .source_text = arena_strdup(a, s->text),
                             .gpu_model = arena_strdup(a, s->gpu->key)};
    for (size_t i = 0; i < s->objectives.count; i++)
        if (s->objectives.stage[i].stage == STAGE_VOICE_TO_VOICE &&
            s->objectives.stage[i].q == 0.95)
            c->objective_ms = s->objectives.stage[i].bound;
    return c;
}

/* Everything that runs: the repetitions, then the headroom searches. */
static int plan_run(struct plan *p, struct err *err)
{
    const struct compare_spec *spec = p->spec;
    bool headroom = spec->headroom && headroom_load(p);

    for (size_t i = 0; i < p->job_count; i++)
        p->work += job_work(&p->jobs[i]);
    if (headroom)
        p->work *= 2;
    parallel_for(p->job_count, spec->threads, run_job, p, spec->stop);
    for (size_t i = 0; i < p->job_count; i++)
        if (p->jobs[i].err.kind) {
            *err = p->jobs[i].err;
            return -1;
        }
    if (headroom) {
        for (size_t i = 0; i < p->configuration_count; i++)
            p->arenas[i] = arena_new();
        parallel_for(p->configuration_count, spec->threads, headroom_job, p, spec->stop);
    }
    return 0;
}

/* Takes what the searches found over into the comparison's arena. */
static void adopt_headroom(struct plan *p, struct arena *a)
{
    for (size_t i = 0; i < p->configuration_count; i++) {
        struct configuration_result *r = &p->results[i];
        struct headroom_point *curve;
        if (!p->arenas[i])
            continue;
        curve = ARENA_ARRAY(a, struct headroom_point, r->curve_count);
        for (size_t k = 0; k < r->curve_count; k++)
            curve[k] = r->curve[k];
        r->curve = curve;
        r->headroom_limit = r->headroom_limit ? arena_strdup(a, r->headroom_limit) : NULL;
        arena_free(p->arenas[i]);
    }
}

static void plan_each(const struct plan *p)
{
    for (size_t i = 0; p->spec->each && i < p->job_count; i++) {
        const struct job *j = &p->jobs[i];
        if (j->run)
            p->spec->each(p->spec->each_arg, j->configuration->name, j->load->turns.name,
                          j->repetition, j->run);
    }
}

struct comparison *compare_run(const struct compare_spec *spec, struct err *err)
{
    struct arena *a = arena_new();
    struct comparison *ret = NULL;
    struct plan p = {.spec = spec, .stock = stock_new()};

    if (choose_configurations(&p, a, err) == 0 && choose_loads(&p, a, err) == 0) {
        list_jobs(&p, a);
        p.results = ARENA_ARRAY(a, struct configuration_result, p.configuration_count);
        p.arenas = ARENA_ARRAY(a, struct arena *, p.configuration_count);
        if (plan_run(&p, err) == 0) {
            ret = comparison_begin(spec, a);
            gather(&p, a);
            adopt_headroom(&p, a);
            plan_each(&p);
            ret->configurations = p.results;
            ret->count = p.configuration_count;
            ret->interrupted = spec->stop && atomic_load(spec->stop);
            if (spec->verdict && p.configuration_count > 1)
                verdict_decide(ret, NULL, spec->against);
        }
    }
    for (size_t i = 0; i < p.job_count; i++)
        run_free(p.jobs[i].run);
    stock_free(p.stock);
    if (!ret)
        arena_free(a);
    return ret;
}
