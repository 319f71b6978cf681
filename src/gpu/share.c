/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/share.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/detmath.h"
#include "base/mem.h"

/*
 * Sources.
 * timeslice       NVIDIA open kernel modules, kernel_fifo_gv100.c: 1.024 ms a channel group's turn
 * switch_cost     N saturating equal clients take N*t*1.11 (nos sharing table, A100): 0.11 of a turn
 * idle_tenant     L40S time-slicing table: an idle neighbour costs about 1 %
 * mps_contention  1: the neighbour's use is lost to oneself, as in processor sharing; not fitted
 */
const struct share_tuning SHARE_TUNING_DEFAULT = {
    .timeslice = 1024 * NS_PER_US,
    .switch_cost = 113 * NS_PER_US,
    .idle_tenant = 0.01,
    .mps_contention = 1.0,
};

/*
 * The corners of K. Roofline: median times of the linear layers of Llama-2-7B and Llama-3-8B
 * against the number of tokens (vidur tables, A100 and H100) bend with 2 to 3. Floor: throughput of
 * eleven models on 1g to 7g of an A100 (parvagpu) bends with 4, whose root needs no logarithm.
 * docs/sharing.md prints what they predict.
 */
static const double ROOFLINE_CORNER = 2.5;

enum phase { IDLE, HOST, TURN, DEVICE }; /* TURN: time-slicing, waits for another context's turn to end */

struct share_tenant {
    struct share *share;
    char *name; /* owned */
    int64_t memory;
    double sm_cap;
    share_done_fn *done;
    void *arg;

    enum phase phase;
    struct gpu_step step;
    struct timer host; /* end of the host part, then of the wait for a turn */
    double kernel;     /* K of the step on this share, ns */
    double pace;       /* max(launch, K): device part without neighbours, ns */
    double use_sm, use_bandwidth; /* parts of the share's SMs and bandwidth it uses meanwhile, [0, 1] */
    double need_sm, need_bandwidth; /* the same relative to the larger one; 1 where it uses neither */
    double left;       /* of the device part, 1 down to 0 */
    double rate;       /* of `left`, per ns */
    double gpu_rate;   /* ns of kernel time per ns */
    double busy;
    int64_t engaged;   /* of finished steps */
    int64_t submitted_at;
};

struct share {
    struct world *world;
    char *name; /* owned */
    enum share_mode mode;
    struct share_size size;
    struct share_tuning tuning;
    struct share_tenant **tenants; /* owned, each owned */
    size_t count, cap;
    int64_t memory;
    size_t active;      /* tenants in phase DEVICE */
    struct timer next;  /* end of the next device part */
    int64_t settled_at; /* accounts below are as of then */
    double busy;
    double busy_rate;
    uint64_t steps;
};

/* As fmin and fmax of numbers that are never NaN; those are calls into the C library. */
static inline double smaller(double a, double b)
{
    return a < b ? a : b;
}

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

/* (a^4 + b^4)^(1/4) */
static double floor_corner(double a, double b)
{
    double hi = larger(a, b), r = smaller(a, b);

    if (r <= 0)
        return hi;
    r /= hi;
    r *= r;
    return hi * sqrt(sqrt(1 + r * r));
}

static double roofline(double compute, double memory)
{
    if (compute <= 0 || memory <= 0)
        return larger(compute, memory);
    return det_pnorm(compute, memory, ROOFLINE_CORNER);
}

static double kernel_time(const struct gpu_step *step, double sm, double bandwidth)
{
    return floor_corner(step->floor, roofline(step->compute / sm, step->memory / bandwidth)) +
           step->stream / bandwidth;
}

double gpu_step_kernel(const struct gpu_step *step, const struct share_size *size)
{
    return kernel_time(step, size->sm, size->bandwidth);
}

double gpu_step_duration(const struct gpu_step *step, const struct share_size *size)
{
    return step->host + larger(step->launch, gpu_step_kernel(step, size));
}

/* Brings the accounts and every tenant's progress up to now. */
static void settle(struct share *s)
{
    double dt = (double)(s->world->now - s->settled_at);

    s->settled_at = s->world->now;
    if (s->active == 0 || dt == 0)
        return;
    s->busy += dt * s->busy_rate;
    for (size_t i = 0; i < s->count; i++) {
        struct share_tenant *t = s->tenants[i];
        if (t->phase != DEVICE)
            continue;
        t->left = larger(0, t->left - dt * t->rate);
        t->busy += dt * t->gpu_rate;
    }
}

/*
 * Max-min fair GPU time: each context wants the fraction K/pace of the time; what the modest ones
 * leave goes to the others in equal parts. Returns the total wanted.
 */
static double fair_turns(struct share *s)
{
    double room = 1, wanted = 0, level = 0;
    size_t open = s->active;

    for (size_t i = 0; i < s->count; i++) {
        struct share_tenant *t = s->tenants[i];
        t->gpu_rate = -1;
        if (t->phase == DEVICE)
            wanted += t->kernel / t->pace;
    }
    for (bool again = true; again && open > 0;) {
        again = false;
        level = room / (double)open;
        for (size_t i = 0; i < s->count; i++) {
            struct share_tenant *t = s->tenants[i];
            if (t->phase != DEVICE || t->gpu_rate >= 0 || t->kernel / t->pace > level)
                continue;
            t->gpu_rate = t->kernel / t->pace;
            room -= t->gpu_rate;
            open--;
            again = true;
        }
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->tenants[i]->phase == DEVICE && s->tenants[i]->gpu_rate < 0)
            s->tenants[i]->gpu_rate = level;
    return wanted;
}

/*
 * Contexts take turns; the switch cost is lost in proportion to how much they want each other's
 * time.
 */
static void rates_time_slicing(struct share *s)
{
    double wanted = fair_turns(s), crowd = 0, lost;

    if (s->active > 1)
        crowd = smaller(1, larger(0, (wanted - 1) / (double)(s->active - 1)));
    lost = 1 + crowd * (double)s->tuning.switch_cost / (double)s->tuning.timeslice;
    s->busy_rate = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct share_tenant *t = s->tenants[i];
        if (t->phase != DEVICE)
            continue;
        s->busy_rate += t->gpu_rate;
        if (t->kernel <= 0) { /* launches only: nobody to wait for */
            t->rate = 1 / t->pace;
            continue;
        }
        t->rate = t->gpu_rate / t->kernel / lost / (1 + (1 - crowd) * s->tuning.idle_tenant);
    }
    s->busy_rate = smaller(1, s->busy_rate);
}

/*
 * Kernels side by side: what the neighbours use of the SMs or of the bandwidth is one's own
 * slowdown, in full for the one that the step itself uses most, in proportion for the other; the
 * worse of the two counts.
 */
static void rates_mps(struct share *s)
{
    double sm = 0, bandwidth = 0, quiet = 1;

    for (size_t i = 0; i < s->count; i++) {
        const struct share_tenant *t = s->tenants[i];
        if (t->phase == DEVICE) {
            sm += t->use_sm;
            bandwidth += t->use_bandwidth;
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        struct share_tenant *t = s->tenants[i];
        double slow, lasts;
        if (t->phase != DEVICE)
            continue;
        slow = 1 + s->tuning.mps_contention *
                       larger(0, larger((sm - t->use_sm) * t->need_sm,
                                        (bandwidth - t->use_bandwidth) * t->need_bandwidth));
        lasts = larger(t->pace, t->kernel * slow);
        t->rate = 1 / lasts;
        t->gpu_rate = t->kernel * slow / lasts;
        quiet *= 1 - t->gpu_rate;
    }
    s->busy_rate = 1 - quiet;
}

/* The only one on the device: what both modes come to, without the sums. Returns when it will be done, ns from now. */
static double rate_single(struct share *s)
{
    double idle = s->mode == SHARE_MPS ? 0 : s->tuning.idle_tenant;
    struct share_tenant **t = s->tenants;

    while ((*t)->phase != DEVICE)
        t++;
    (*t)->rate = 1 / ((*t)->pace * (1 + ((*t)->kernel > 0 ? idle : 0)));
    s->busy_rate = (*t)->gpu_rate = (*t)->kernel / (*t)->pace;
    return (*t)->left / (*t)->rate;
}

/* Sets every rate anew and the timer to the next end. */
static void reckon(struct share *s)
{
    double next = INFINITY;

    if (s->active == 0) {
        timer_stop(s->world, &s->next);
        return;
    }
    if (s->active == 1) {
        timer_start(s->world, &s->next, s->world->now + (int64_t)ceil(rate_single(s)));
        return;
    }
    if (s->mode == SHARE_MPS)
        rates_mps(s);
    else
        rates_time_slicing(s);
    for (size_t i = 0; i < s->count; i++) {
        const struct share_tenant *t = s->tenants[i];
        if (t->phase == DEVICE)
            next = smaller(next, t->left / t->rate);
    }
    timer_start(s->world, &s->next, s->world->now + (int64_t)ceil(next));
}

static void finish(struct share_tenant *t)
{
    t->phase = IDLE;
    t->engaged += t->share->world->now - t->submitted_at;
    t->share->steps++;
    t->done(t->arg);
}

static void device_begin(struct share_tenant *t)
{
    struct share *s = t->share;

    settle(s);
    t->phase = DEVICE;
    t->left = 1;
    s->active++;
    reckon(s);
}

/*
 * A context that was idle meanwhile waits for the turn of the one that runs to end: on average half
 * of a time slice, or of what that one still has to do. The context whose host part was zero never
 * gave its turn away.
 */
static int64_t turn_wait(struct share *s)
{
    double wait = 0;

    if (s->mode != SHARE_TIME_SLICING || s->active == 0)
        return 0;
    settle(s);
    for (size_t i = 0; i < s->count; i++) {
        const struct share_tenant *t = s->tenants[i];
        if (t->phase == DEVICE)
            wait += t->gpu_rate * smaller((double)s->tuning.timeslice, t->left * t->kernel) / 2;
    }
    return (int64_t)wait;
}

static void on_host_done(struct timer *timer)
{
    struct share_tenant *t = CONTAINER_OF(timer, struct share_tenant, host);
    struct share *s = t->share;

    if (s->count > 1) {
        int64_t wait = t->phase == HOST ? turn_wait(s) : 0;
        if (wait > 0) {
            t->phase = TURN;
            timer_start(s->world, &t->host, s->world->now + wait);
            return;
        }
        device_begin(t);
        return;
    }
    t->share->busy += t->kernel; /* alone: one timer covered host and device part */
    t->busy += t->kernel;
    finish(t);
}

static void on_device_done(struct timer *timer)
{
    struct share *s = CONTAINER_OF(timer, struct share, next);
    struct share_tenant *over[64];
    size_t n = 0;

    settle(s);
    for (size_t i = 0; i < s->count && n < ARRAY_LEN(over); i++) {
        struct share_tenant *t = s->tenants[i];
        if (t->phase == DEVICE && t->left / t->rate < 0.5) { /* less than half a nanosecond left */
            t->phase = IDLE;
            s->active--;
            over[n++] = t;
        }
    }
    reckon(s);
    for (size_t i = 0; i < n; i++)
        finish(over[i]);
}

struct share *share_new(struct world *w, const char *name, enum share_mode mode,
                        const struct share_size *size, const struct share_tuning *tuning)
{
    struct share *s = xcalloc(1, sizeof *s);

    s->world = w;
    s->name = xstrdup(name);
    s->mode = mode;
    s->size = *size;
    s->tuning = *tuning;
    s->next.fire = on_device_done;
    s->settled_at = w->now;
    return s;
}

void share_free(struct share *s)
{
    if (!s)
        return;
    timer_stop(s->world, &s->next);
    for (size_t i = 0; i < s->count; i++) {
        timer_stop(s->world, &s->tenants[i]->host);
        free(s->tenants[i]->name);
        free(s->tenants[i]);
    }
    free(s->tenants);
    free(s->name);
    free(s);
}

static double gib(int64_t bytes)
{
    return (double)bytes / (1 << 30);
}

struct share_tenant *share_attach(struct share *s, const char *name, int64_t memory, double sm_cap,
                                  share_done_fn *done, void *arg, struct err *err)
{
    struct share_tenant *t;

    if (s->mode == SHARE_ALONE && s->count > 0) {
        err_set(err, ERR_INPUT, "%s: %s cannot join, %s has it alone", s->name, name, s->tenants[0]->name);
        return NULL;
    }
    if (memory > s->size.memory - s->memory) {
        err_set(err, ERR_INPUT, "%s: %s does not fit: it needs %.2f GiB, of %.2f GiB %.2f GiB are taken, %.2f GiB are free",
                s->name, name, gib(memory), gib(s->size.memory), gib(s->memory), gib(s->size.memory - s->memory));
        return NULL;
    }
    t = xcalloc(1, sizeof *t);
    t->share = s;
    t->name = xstrdup(name);
    t->memory = memory;
    t->sm_cap = s->mode == SHARE_MPS && sm_cap > 0 ? smaller(1, sm_cap) : 1;
    t->done = done;
    t->arg = arg;
    t->host.fire = on_host_done;
    s->memory += memory;
    GROW(s->tenants, s->cap, s->count + 1);
    s->tenants[s->count++] = t;
    return t;
}

void share_submit(struct share_tenant *t, const struct gpu_step *step)
{
    struct share *s = t->share;
    double most;

    assert(t->phase == IDLE);
    if (memcmp(&t->step, step, sizeof *step) != 0 || t->pace <= 0) { /* often the same one again */
        t->step = *step;
        t->kernel = kernel_time(step, s->size.sm * t->sm_cap, s->size.bandwidth);
        t->pace = larger(1, larger(step->launch, t->kernel)); /* a step of nothing still ends in an event */
    }
    t->phase = HOST;
    t->submitted_at = s->world->now;
    if (s->count == 1) {
        timer_start(s->world, &t->host, s->world->now + (int64_t)ceil(step->host + t->pace));
        return;
    }
    t->use_sm = smaller(1, step->compute / s->size.sm / t->pace);
    t->use_bandwidth = smaller(1, (step->memory + step->stream) / s->size.bandwidth / t->pace);
    most = larger(t->use_sm, t->use_bandwidth);
    t->need_sm = most > 0 ? t->use_sm / most : 1;
    t->need_bandwidth = most > 0 ? t->use_bandwidth / most : 1;
    if (step->host > 0)
        timer_start(s->world, &t->host, s->world->now + (int64_t)ceil(step->host));
    else
        device_begin(t);
}

bool share_busy(const struct share_tenant *t)
{
    return t->phase != IDLE;
}

void share_usage(const struct share *s, struct share_usage *ret_usage)
{
    double since = s->active ? (double)(s->world->now - s->settled_at) * s->busy_rate : 0;

    *ret_usage = (struct share_usage){
        .busy = (int64_t)(s->busy + since), .memory = s->memory, .steps = s->steps};
}

int64_t share_tenant_busy(const struct share_tenant *t)
{
    double since = 0;

    if (t->phase == DEVICE)
        since = (double)(t->share->world->now - t->share->settled_at) * t->gpu_rate;
    return (int64_t)(t->busy + since);
}

int64_t share_tenant_engaged(const struct share_tenant *t)
{
    return t->engaged + (t->phase != IDLE ? t->share->world->now - t->submitted_at : 0);
}

size_t share_tenant_count(const struct share *s)
{
    return s->count;
}

const struct share_tenant *share_tenant_at(const struct share *s, size_t i)
{
    return s->tenants[i];
}

const char *share_tenant_name(const struct share_tenant *t)
{
    return t->name;
}

const char *share_name(const struct share *s)
{
    return s->name;
}

const struct share_size *share_size(const struct share *s)
{
    return &s->size;
}

enum share_mode share_mode(const struct share *s)
{
    return s->mode;
}

const char *share_check(const struct share *s)
{
    struct share_usage u;
    int64_t memory = 0;
    size_t active = 0;

    share_usage(s, &u);
    if (u.busy > s->world->now + (int64_t)s->steps)
        return "GPU busy time above wall time";
    for (size_t i = 0; i < s->count; i++) {
        const struct share_tenant *t = s->tenants[i];
        memory += t->memory;
        active += t->phase == DEVICE;
        if (t->phase == DEVICE && !(t->left >= 0 && t->left <= 1 && t->rate > 0))
            return "a step's progress is outside [0, 1]";
        if (s->count > 1 && (t->phase == HOST || t->phase == TURN) && !timer_running(&t->host))
            return "a step was lost in its host part";
    }
    if (memory != s->memory || memory > s->size.memory)
        return "memory of a share above its bound";
    if (active != s->active)
        return "count of active tenants is wrong";
    return NULL;
}
