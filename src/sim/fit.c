/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fit.h"

#include <math.h>
#include <string.h>

#include <nlopt.h>

#include "base/detmath.h"
#include "base/mem.h"
#include "base/parallel.h"

static const double PULL = 1.0;
static const double REACH = 8; /* a parameter moves at most by this factor from its start */

const char *const *fit_usual(const struct profile *p, struct measured *const *tables, size_t n)
{
    static const char *const llm[] = {"computeEfficiency", "memoryEfficiency", "kvEfficiency", "floor", "host",
                                      "hostPerSequence", "front", "hostPerPrompt", NULL};
    static const char *const tts[] = {"front", "frontPerChar", "launch", "hostPerStream", "computePerStream",
                                      "joinHost", "joinCompute", "joinComputePerChar", NULL};
    static const char *const streaming[] = {"launch", "hostPerChunk", "computePerChunk", "final", NULL};
    static const char *const offline[] = {"offlineFront", "offlineFrontPerSecond", "offlineLaunch", "offlineHost",
                                          "offlineHostPerSecond", NULL};
    static const char *const infer[] = {"front", "host", "floor", "computePerItem", NULL};

    switch (p->kind) {
    case PROFILE_LLM:
        return llm;
    case PROFILE_TTS:
        return tts;
    case PROFILE_ASR:
        return n > 0 && tables[0]->count > 0 && tables[0]->rows[0].level.offline ? offline : streaming;
    case PROFILE_INFER:
        break;
    }
    return infer;
}

struct job {
    const struct measured_row *row;
    struct level_result result;
    struct err err;
};

struct search {
    struct profile *p; /* the one tried */
    double *at[FIT_FREE_MAX];
    double start[FIT_FREE_MAX];
    unsigned n;
    struct job *jobs;
    size_t job_count;
    const struct fit_spec *spec;
    unsigned repetitions, evaluations;
    nlopt_opt opt;
    double best;
    double best_x[FIT_FREE_MAX];
    struct err err;
};

static void run_job(void *ctx, size_t i)
{
    struct search *s = ctx;
    struct job *j = &s->jobs[i];

    j->err.kind = ERR_NONE;
    level_run(&j->row->level, s->p, s->spec->seed, s->repetitions, &j->result, &j->err);
}

static double misfit(const struct job *j)
{
    double sum = 0;

    for (unsigned i = 0; i < j->row->count; i++) {
        const struct measured_figure *f = &j->row->figures[i];
        double x = *(const double *)(const void *)((const char *)&j->result + f->offset);
        double bar = isnan(measure_bar(f->measure)) ? 0.5 : measure_bar(f->measure);
        double e = x > 0 ? det_log(x / f->value) / bar : 100;
        sum += e * e;
    }
    return sum;
}

/* x is log(value / start). */
static double evaluate(unsigned n, const double *x, double *gradient, void *arg)
{
    struct search *s = arg;
    double sum = 0;

    for (unsigned i = 0; i < n; i++) {
        *s->at[i] = s->start[i] * det_exp(x[i]);
        sum += PULL * x[i] * x[i] / (1.3862943611198906 * 1.3862943611198906);
    }
    parallel_for(s->job_count, 0, run_job, s, NULL);
    for (size_t i = 0; i < s->job_count; i++) {
        if (s->jobs[i].err.kind != ERR_NONE) {
            s->err = s->jobs[i].err;
            sum += 1e9; /* a profile that cannot serve the row at all */
            continue;
        }
        sum += misfit(&s->jobs[i]);
    }
    if (s->evaluations++ == 0 || sum < s->best) {
        s->best = sum;
        memcpy(s->best_x, x, n * sizeof *x);
    }
    if (s->spec->progress)
        s->spec->progress(s->spec->arg, s->evaluations, s->spec->evaluations ? s->spec->evaluations : 400);
    if (s->spec->stop && atomic_load(s->spec->stop))
        nlopt_force_stop(s->opt);
    return sum;
}

static int choose(struct search *s, const char *const *keys, double *lo, double *hi, struct fit_report *r,
                  struct err *err)
{
    size_t params;
    const struct profile_param *list = profile_params(s->p->kind, &params);

    for (; *keys; keys++) {
        const struct profile_param *q = NULL;
        for (size_t i = 0; i < params; i++)
            if (strcmp(list[i].key, *keys) == 0)
                q = &list[i];
        if (!q)
            return err_set(err, ERR_INPUT, "%s is no parameter of a profile that serves %s", *keys,
                           profile_kind_name(s->p->kind));
        if (s->n == FIT_FREE_MAX)
            return err_set(err, ERR_INPUT, "more than %d free parameters", FIT_FREE_MAX);
        s->at[s->n] = profile_param_at(s->p, q);
        s->start[s->n] = *s->at[s->n];
        if (s->start[s->n] <= 0) /* absent in the start profile: it stays so */
            continue;
        hi[s->n] = fmin(det_log(REACH), det_log(q->hi / s->start[s->n]));
        lo[s->n] = -det_log(REACH);
        if (q->lo > 0)
            lo[s->n] = fmax(lo[s->n], det_log(q->lo / s->start[s->n]));
        r->free[s->n].key = q->key;
        r->free[s->n].before = s->start[s->n];
        s->n++;
    }
    if (s->n == 0)
        return err_set(err, ERR_INPUT, "profile %s: none of the parameters to fit has a start above 0", s->p->name);
    return 0;
}

static void collect(struct search *s, struct measured *const *tables, size_t n, const double *beyond)
{
    size_t most = 0;

    for (size_t i = 0; i < n; i++)
        most += tables[i]->count;
    s->jobs = xcalloc(most + 1, sizeof *s->jobs);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < tables[i]->count; k++)
            if (!beyond || tables[i]->rows[k].load <= beyond[i])
                s->jobs[s->job_count++].row = &tables[i]->rows[k];
}

static void search_best(struct search *s, const double *lo, const double *hi)
{
    double x[FIT_FREE_MAX] = {0}, step[FIT_FREE_MAX], least;
    int half = (int)(s->spec->evaluations ? s->spec->evaluations : 400) / 2;

    for (unsigned i = 0; i < s->n; i++)
        step[i] = 0.3;
    for (int round = 0; round < 2; round++) { /* once more from the best, so that it leaves a crease */
        s->opt = nlopt_create(NLOPT_LN_SBPLX, s->n);
        nlopt_set_min_objective(s->opt, evaluate, s);
        nlopt_set_lower_bounds(s->opt, lo);
        nlopt_set_upper_bounds(s->opt, hi);
        nlopt_set_initial_step(s->opt, step);
        nlopt_set_maxeval(s->opt, half);
        nlopt_set_ftol_rel(s->opt, 1e-6);
        nlopt_optimize(s->opt, x, &least);
        nlopt_destroy(s->opt);
        memcpy(x, s->best_x, sizeof x);
    }
}

int fit(struct profile *p, struct measured *const *tables, size_t n, const double *beyond, const struct fit_spec *spec,
        const char *source, struct fit_report *ret, struct err *err)
{
    cleanup_profile struct profile *trial = profile_copy(p);
    struct search s = {.p = trial, .spec = spec, .repetitions = spec->repetitions ? spec->repetitions : 3};
    double lo[FIT_FREE_MAX] = {0}, hi[FIT_FREE_MAX] = {0}, zero[FIT_FREE_MAX] = {0};

    *ret = (struct fit_report){0};
    if (choose(&s, spec->free ? spec->free : fit_usual(p, tables, n), lo, hi, ret, err) < 0)
        return -1;
    collect(&s, tables, n, beyond);
    ret->before = evaluate(s.n, zero, NULL, &s);
    if (ret->before >= 1e9) {
        *err = s.err;
        free(s.jobs);
        return -1;
    }
    search_best(&s, lo, hi);
    free(s.jobs);
    if (spec->stop && atomic_load(spec->stop))
        return err_set(err, ERR_STOPPED, "interrupted");
    ret->count = s.n;
    ret->rows = (unsigned)s.job_count;
    ret->evaluations = s.evaluations;
    ret->after = s.best;
    for (unsigned i = 0; i < s.n; i++) {
        ret->free[i].after = s.start[i] * det_exp(s.best_x[i]);
        ret->free[i].at_bound = s.best_x[i] < lo[i] + 0.01 || s.best_x[i] > hi[i] - 0.01;
        profile_set(p, ret->free[i].key, ret->free[i].after, source, false);
    }
    return 0;
}
