/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers against queueing theory: with parameters that make them a known system, the mean time in the system lies
 * within its 99 % interval (batch means, 30 batches, the first tenth dropped).
 */
#include "base/stats.h"
#include "serve/infer.h"
#include "serve/llm.h"
#include "serve/tts.h"

#include "rig.h"

enum { CALLS = 120000, FEW_CALLS = 40000, BATCHES = 30 };
static const double UNIT = 1e6; /* ns of mean service: 1 ms */

/* Service times in UNITs, mean 1. */
enum law { CONSTANT, EXPONENTIAL, HYPER };

static double draw(struct rng *r, enum law law)
{
    if (law == CONSTANT)
        return 1;
    if (law == EXPONENTIAL)
        return rng_exponential(r, 1);
    return rng_exponential(r, rng_unit(r) < 0.1 ? 5.5 : 0.5); /* squared coefficient of variation 5.5 */
}

struct load;

struct customer {
    struct load *load;
    union {
        struct infer_call infer;
        struct tts_call tts;
        struct llm_call llm;
    };
    struct timer think; /* closed loop */
    int64_t asked;
    struct customer *next;
};

/* Poisson arrivals, or `count` customers that think and come again. */
struct load {
    struct rig *rig;
    enum { INFER, TTS, LLM } kind;
    void *service;
    enum law law;
    double gap;          /* ns between arrivals, or of thinking */
    struct rng arrivals, work;
    struct timer next;
    struct customer *idle;
    struct customer *all[4096];
    unsigned count;
    bool closed;
    double *times; /* ns in the system, by order of leaving */
    size_t done, want;
    int64_t began;
};

static void on_infer_end(struct infer_call *call, enum serve_status status);
static void on_tts_audio(struct tts_call *call, const struct audio *piece)
{
}
static void on_tts_end(struct tts_call *call, enum serve_status status);
static void on_llm_end(struct llm_call *call, enum serve_status status);

static const struct infer_events infer_on = {.end = on_infer_end};
static const struct tts_events tts_on = {.audio = on_tts_audio, .end = on_tts_end};
static const struct llm_events llm_on = {.end = on_llm_end};

static void enter(struct customer *c)
{
    struct load *l = c->load;
    double work = draw(&l->work, l->law) * UNIT;

    c->asked = l->rig->w->now;
    if (l->kind == INFER) { /* an item is a microsecond of host time */
        struct infer_service *s = l->service;
        c->infer = (struct infer_call){.on = &infer_on, .items = (uint32_t)(work / 1e3) + 1};
        s->ops->submit(s, &c->infer);
    } else if (l->kind == TTS) { /* steps take as long as their audio */
        struct tts_service *s = l->service;
        c->tts = (struct tts_call){.on = &tts_on, .n = 1, .duration = (int64_t)work + 1};
        s->ops->submit(s, &c->tts);
    } else { /* a token is 2 us */
        struct llm_service *s = l->service;
        c->llm = (struct llm_call){.on = &llm_on, .prompt_tokens = 1, .max_tokens = (uint32_t)(work / 2e3) + 1};
        s->ops->submit(s, &c->llm);
    }
}

static void leave(struct customer *c)
{
    struct load *l = c->load;

    if (l->done < l->want)
        l->times[l->done++] = (double)(l->rig->w->now - c->asked);
    if (l->closed) {
        timer_start(l->rig->w, &c->think, l->rig->w->now + (int64_t)rng_exponential(&l->arrivals, l->gap));
        return;
    }
    c->next = l->idle;
    l->idle = c;
}

static void on_infer_end(struct infer_call *call, enum serve_status status)
{
    leave(CONTAINER_OF(call, struct customer, infer));
}

static void on_tts_end(struct tts_call *call, enum serve_status status)
{
    leave(CONTAINER_OF(call, struct customer, tts));
}

static void on_llm_end(struct llm_call *call, enum serve_status status)
{
    leave(CONTAINER_OF(call, struct customer, llm));
}

static void on_think(struct timer *t)
{
    enter(CONTAINER_OF(t, struct customer, think));
}

static struct customer *customer(struct load *l)
{
    struct customer *c = l->idle;

    if (c) {
        l->idle = c->next;
        return c;
    }
    CHECK_LT(l->count, ARRAY_LEN(l->all));
    c = xcalloc(1, sizeof *c);
    c->load = l;
    c->think.fire = on_think;
    l->all[l->count++] = c;
    return c;
}

static void on_arrival(struct timer *t)
{
    struct load *l = CONTAINER_OF(t, struct load, next);

    timer_start(l->rig->w, t, l->rig->w->now + (int64_t)rng_exponential(&l->arrivals, l->gap));
    enter(customer(l));
}

/* Runs until `want` calls are done; mean time in the system in UNITs with its 99 % interval. */
static struct estimate run(struct load *l)
{
    struct estimate e;
    size_t cut;

    l->want = l->want ? l->want : CALLS;
    l->times = xcalloc(l->want, sizeof *l->times);
    l->next.fire = on_arrival;
    rng_init(&l->arrivals, 7, 1);
    rng_init(&l->work, 7, 2);
    if (!l->closed)
        timer_start(l->rig->w, &l->next, 0);
    while (l->done < l->want)
        CHECK(virtual_step(l->rig->v, TIME_NEVER));
    cut = l->want / 10;
    e = stats_batch_means(l->times + cut, l->want - cut, BATCHES, 0.99, NULL);
    e.mean /= UNIT;
    e.lo /= UNIT;
    e.hi /= UNIT;
    return e;
}

static void load_free(struct load *l)
{
    timer_stop(l->rig->w, &l->next);
    for (unsigned i = 0; i < l->count; i++) {
        timer_stop(l->rig->w, &l->all[i]->think);
        free(l->all[i]);
    }
    free(l->times);
    free(l);
}

/* The interval holds the theory's value, and is narrow enough to mean something. */
static void agrees(struct estimate e, double theory)
{
    if (!(e.lo <= theory && theory <= e.hi))
        check_fail(__FILE__, __LINE__, "mean %.4f in [%.4f, %.4f], theory says %.4f", e.mean, e.lo, e.hi, theory);
    CHECK_LT((e.hi - e.lo) / theory * 1000, 300);
}

/* ---- one server at a time ---- */

static struct estimate single_server(enum law law, double rho, unsigned customers, double think)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = plain_profile(PROFILE_INFER, 1 << 30);
    struct load *l = xcalloc(1, sizeof *l);
    struct err err = {0};
    struct infer_server *s;
    struct estimate e;

    p.infer.host_item = 1e3;
    s = infer_server_new(r.w, "queue", &p, &r.place, &err);
    *l = (struct load){.rig = &r, .kind = INFER, .service = infer_server_service(s), .law = law};
    l->gap = customers ? think * UNIT : UNIT / rho;
    l->closed = customers > 0;
    for (unsigned i = 0; i < customers; i++)
        timer_start(r.w, &customer(l)->think, i);
    e = run(l);
    load_free(l);
    infer_server_free(s);
    rig_free(&r);
    return e;
}

TEST(m_m_1)
{
    agrees(single_server(EXPONENTIAL, 0.7, 0, 0), 1 / (1 - 0.7));
}

TEST(m_d_1)
{
    agrees(single_server(CONSTANT, 0.8, 0, 0), 1 + 0.8 / (2 * (1 - 0.8)));
}

TEST(m_g_1_waits_by_pollaczek_and_khinchine)
{
    agrees(single_server(HYPER, 0.5, 0, 0), 1 + 0.5 * (1 + 5.5 * 0.9 + 0.05) / 2 / (1 - 0.5));
}

/* Closed machine repairman: exact mean value analysis of one queue and a delay. */
static double repairman(unsigned n, double think)
{
    double queue = 0, r = 0;

    for (unsigned k = 1; k <= n; k++) {
        r = 1 + queue;
        queue = k / (r + think) * r;
    }
    return r;
}

TEST(machine_repairman)
{
    agrees(single_server(EXPONENTIAL, 0, 12, 10), repairman(12, 10));
}

/* ---- TTS: slots and steps ---- */

static struct estimate slots(enum law law, double rho, unsigned c, bool sharing)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = plain_profile(PROFILE_TTS, 1 << 30);
    struct load *l = xcalloc(1, sizeof *l);
    struct err err = {0};
    struct tts_server *s;
    struct estimate e;

    p.tts.slots = c;
    p.tts.step_audio = sharing ? 8e3 : 10e3; /* the bias of whole steps is below 1 % */
    p.tts.chunk_steps = p.tts.first_steps = 1000;
    if (sharing)
        p.tts.compute = p.tts.step_audio; /* the step lasts longer the more share it */
    else
        p.tts.host = p.tts.step_audio;
    s = tts_server_new(r.w, "slots", &p, &r.place, &err);
    *l = (struct load){.rig = &r, .kind = TTS, .service = tts_server_service(s), .law = law};
    l->gap = UNIT / rho / (sharing ? 1 : c);
    l->want = FEW_CALLS;
    e = run(l);
    load_free(l);
    tts_server_free(s);
    rig_free(&r);
    return e;
}

static double erlang_c_time(unsigned c, double rho)
{
    double a = c * rho, term = 1, sum = 1;

    for (unsigned k = 1; k < c; k++)
        sum += term *= a / k;
    term *= a / c / (1 - rho);
    return 1 + term / (sum + term) / (c * (1 - rho));
}

TEST(m_m_c)
{
    agrees(slots(EXPONENTIAL, 0.8, 4, false), erlang_c_time(4, 0.8));
}

TEST(m_g_1_processor_sharing_is_insensitive)
{
    agrees(slots(EXPONENTIAL, 0.6, 4000, true), 1 / (1 - 0.6));
    agrees(slots(HYPER, 0.6, 4000, true), 1 / (1 - 0.6));
}

/* ---- LLM: continuous batching of a compute-bound model is processor sharing ---- */

TEST(continuous_batching_shares_and_keeps_littles_law)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = plain_profile(PROFILE_LLM, INT64_C(6) << 30);
    struct load *l = xcalloc(1, sizeof *l);
    struct err err = {0};
    struct llm_server *s;
    struct llm_stats t;
    struct estimate e;

    p.llm.weights = 1;
    p.llm.runtime = 0;
    p.llm.kv_token = 1;
    p.llm.flops_token = 2e3; /* 2 us a token */
    p.llm.peak_flops = 1e9;
    p.llm.compute_efficiency = p.llm.memory_efficiency = p.llm.kv_efficiency = 1;
    p.llm.peak_bandwidth = 1e14;
    p.llm.max_sequences = 4000;
    p.llm.token_budget = 100000;
    s = llm_server_new(r.w, "llm", &p, &r.place, &err);
    CHECK_STR(err.msg, "");
    *l = (struct load){.rig = &r, .kind = LLM, .service = llm_server_service(s), .law = HYPER};
    l->gap = UNIT / 0.6;
    l->want = FEW_CALLS;
    e = run(l);
    agrees(e, 1 / (1 - 0.6));
    llm_server_stats(s, &t);
    {
        double sum = 0, rate = FEW_CALLS / (double)r.w->now;
        for (size_t i = 0; i < l->want; i++)
            sum += l->times[i];
        CHECK_NEAR(t.running_ns / (double)r.w->now, rate * sum / FEW_CALLS, 0.02 * rate * sum / FEW_CALLS);
    }
    load_free(l);
    llm_server_free(s);
    rig_free(&r);
}
