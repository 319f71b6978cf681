/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/level.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "serve/asr.h"
#include "serve/infer.h"
#include "serve/llm.h"
#include "serve/tts.h"
#include "sim/virtual.h"

/* ---- the measuring tool ---- */

struct figures {
    double *v;
    size_t n, cap;
};

static void note(struct figures *f, double v)
{
    GROW(f->v, f->cap, f->n + 1);
    f->v[f->n++] = v;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* numpy's default: linear between order statistics. */
static double quantile(struct figures *f, double q)
{
    double at;
    size_t i;

    if (f->n == 0)
        return NAN;
    qsort(f->v, f->n, sizeof *f->v, ascending); /* equal values are alike: ties do not matter */
    at = q * (double)(f->n - 1);
    i = (size_t)at;
    return i + 1 < f->n ? f->v[i] + (at - (double)i) * (f->v[i + 1] - f->v[i]) : f->v[f->n - 1];
}

static double mean(const struct figures *f)
{
    double sum = 0;

    for (size_t i = 0; i < f->n; i++)
        sum += f->v[i];
    return f->n ? sum / (double)f->n : NAN;
}

static const double TOOL_PAUSE = 1e6; /* ns, mean: a judgement; nobody measured the tools' own time */

struct tool;

struct worker {
    struct tool *tool;
    union {
        struct llm_call llm;
        struct tts_call tts;
        struct asr_stream asr;
        struct infer_call infer;
    };
    struct timer pace;       /* ASR streaming */
    struct timer pause;      /* the tool's own time between two requests */
    struct worker *next_free; /* open load */
    unsigned number;         /* of the request */
    int64_t asked, first, last;
    uint32_t count;          /* tokens or pieces */
    double audio;            /* s */
    int64_t left;            /* ns of audio to send */
    int64_t sent_at;         /* when the last piece was sent */
};

struct request {
    double input, output, audio;
};

/* The clients of one server. */
struct tool {
    struct world *w;
    const struct level *level;
    enum profile_kind kind;
    void *service;
    struct request *list;
    unsigned next, ended, requests;
    struct worker **workers; /* owned, each owned */
    size_t worker_count, worker_cap;
    struct worker *idle;
    struct timer arrival;
    struct rng rng;
    int64_t began, finished;
    struct figures total, first, between, tail;
    double tokens, audio;
    unsigned failed, counted;
    int64_t count_from, count_until;
};

static void take_next(struct worker *k);
static void pause_then_next(struct worker *k);

/* Is the request within what a steady figure counts? */
static bool counts(const struct tool *t, unsigned number)
{
    unsigned edge = t->level->steady ? t->level->concurrency : 0;

    return number >= edge && number + edge < t->requests;
}

static void end_request(struct worker *k, enum serve_status status)
{
    struct tool *t = k->tool;
    double ms = (double)(t->w->now - k->asked) / 1e6;

    t->ended++;
    t->finished = t->w->now;
    if (status != SERVE_OK) {
        t->failed++;
    } else if (counts(t, k->number)) {
        if (t->counted++ == 0)
            t->count_from = k->asked;
        t->count_until = t->w->now;
        t->audio += k->audio;
        t->tokens += t->kind == PROFILE_LLM ? k->count : 0;
        if (t->kind != PROFILE_ASR || t->level->offline)
            note(&t->total, ms);
        else
            note(&t->tail, (double)(t->w->now - k->sent_at) / 1e6);
        if (k->first >= 0)
            note(&t->first, (double)(k->first - k->asked) / 1e6);
        if (k->count > 1 && t->kind != PROFILE_ASR)
            note(&t->between, (double)(k->last - k->first) / 1e6 / (k->count - 1));
    }
    if (t->level->concurrency > 0) {
        pause_then_next(k);
        return;
    }
    k->next_free = t->idle;
    t->idle = k;
}

static void hear(struct worker *k, uint32_t count)
{
    k->last = k->tool->w->now;
    if (k->count == 0)
        k->first = k->last;
    k->count += count;
}

static void on_llm_tokens(struct llm_call *c, uint32_t count, const char *text, uint32_t n)
{
    hear(CONTAINER_OF(c, struct worker, llm), count);
}

static void on_llm_end(struct llm_call *c, enum serve_status status)
{
    end_request(CONTAINER_OF(c, struct worker, llm), status);
}

static void on_tts_audio(struct tts_call *c, const struct audio *piece)
{
    hear(CONTAINER_OF(c, struct worker, tts), 1);
}

static void on_tts_end(struct tts_call *c, enum serve_status status)
{
    end_request(CONTAINER_OF(c, struct worker, tts), status);
}

static void on_asr_response(struct worker *k)
{
    if (counts(k->tool, k->number) && !k->tool->level->offline)
        note(&k->tool->total, (double)(k->tool->w->now - k->sent_at) / 1e6);
}

static void on_asr_partial(struct asr_stream *s, const char *text)
{
    on_asr_response(CONTAINER_OF(s, struct worker, asr));
}

static void on_asr_final(struct asr_stream *s, const char *text)
{
    on_asr_response(CONTAINER_OF(s, struct worker, asr));
}

static void on_asr_end(struct asr_stream *s, enum serve_status status)
{
    struct worker *k = CONTAINER_OF(s, struct worker, asr);

    timer_stop(k->tool->w, &k->pace);
    end_request(k, status);
}

static void on_infer_end(struct infer_call *c, enum serve_status status)
{
    end_request(CONTAINER_OF(c, struct worker, infer), status);
}

static const struct llm_events llm_on = {.tokens = on_llm_tokens, .end = on_llm_end};
static const struct tts_events tts_on = {.audio = on_tts_audio, .end = on_tts_end};
static const struct asr_events asr_on = {.partial = on_asr_partial, .final = on_asr_final, .end = on_asr_end};
static const struct infer_events infer_on = {.end = on_infer_end};

/* Sends the next piece of a stream at the pace of speech: after it was spoken. */
static void on_pace(struct timer *timer)
{
    struct worker *k = CONTAINER_OF(timer, struct worker, pace);
    struct tool *t = k->tool;
    struct asr_service *s = t->service;
    int64_t n = (int64_t)(t->level->chunk * 1e9);
    struct audio piece = {.voiced = true};

    piece.duration = n < k->left ? n : k->left;
    k->left -= piece.duration;
    k->sent_at = t->w->now;
    s->ops->audio(s, &k->asr, &piece);
    if (k->left > 0)
        timer_start(t->w, timer, t->w->now + (n < k->left ? n : k->left));
    else
        s->ops->finish(s, &k->asr);
}

static void ask_asr(struct worker *k)
{
    struct tool *t = k->tool;
    struct asr_service *s = t->service;
    struct audio whole = {.duration = (int64_t)(k->audio * 1e9), .voiced = true};

    k->asr = (struct asr_stream){.on = &asr_on, .offline = t->level->offline};
    k->left = whole.duration;
    s->ops->open(s, &k->asr);
    if (!t->level->offline) {
        timer_start(t->w, &k->pace, t->w->now + (int64_t)(fmin(t->level->chunk, k->audio) * 1e9));
        return;
    }
    s->ops->audio(s, &k->asr, &whole);
    s->ops->finish(s, &k->asr);
}

static void take_next(struct worker *k)
{
    struct tool *t = k->tool;
    const struct request *q;

    if (t->next == t->requests)
        return;
    k->number = t->next++;
    q = &t->list[k->number];
    k->asked = t->w->now;
    k->first = -1;
    k->count = 0;
    k->audio = fmax(0.02, q->audio);
    switch (t->kind) {
    case PROFILE_LLM: {
        struct llm_service *s = t->service;
        k->llm = (struct llm_call){.on = &llm_on,
                                   .prompt_tokens = (uint32_t)fmax(1, q->input),
                                   .max_tokens = (uint32_t)fmax(1, q->output)};
        s->ops->submit(s, &k->llm);
        break;
    }
    case PROFILE_TTS: {
        struct tts_service *s = t->service;
        k->tts = (struct tts_call){.on = &tts_on, .duration = (int64_t)(k->audio * 1e9)};
        s->ops->submit(s, &k->tts);
        break;
    }
    case PROFILE_ASR:
        ask_asr(k);
        break;
    case PROFILE_INFER: {
        struct infer_service *s = t->service;
        k->infer = (struct infer_call){.on = &infer_on, .items = t->level->items};
        s->ops->submit(s, &k->infer);
        break;
    }
    }
}

static void on_pause(struct timer *timer)
{
    take_next(CONTAINER_OF(timer, struct worker, pause));
}

static void pause_then_next(struct worker *k)
{
    struct tool *t = k->tool;

    timer_start(t->w, &k->pause, t->w->now + (int64_t)rng_exponential(&t->rng, TOOL_PAUSE));
}

static struct worker *worker_new(struct tool *t)
{
    struct worker *k = xcalloc(1, sizeof *k);

    k->tool = t;
    k->pace.fire = on_pace;
    k->pause.fire = on_pause;
    GROW(t->workers, t->worker_cap, t->worker_count + 1);
    t->workers[t->worker_count++] = k;
    return k;
}

static void on_arrival(struct timer *timer)
{
    struct tool *t = CONTAINER_OF(timer, struct tool, arrival);
    struct worker *k = t->idle;

    if (k)
        t->idle = k->next_free;
    else
        k = worker_new(t);
    if (t->next + 1 < t->requests)
        timer_start(t->w, timer, t->w->now + (int64_t)(rng_exponential(&t->rng, 1 / t->level->qps) * 1e9));
    take_next(k);
}

/*
 * One of the request's sizes for all: stratified, one draw from each n-th of the distribution, in
 * random order. The mean of the list is then the stated one, as it was in the measured run.
 */
static void draw_list(struct tool *t, const struct level_size *s, size_t offset)
{
    unsigned n = t->requests;

    for (unsigned i = 0; i < n; i++)
        *(double *)(void *)((char *)&t->list[i] + offset) = level_size_at(s, (i + rng_unit(&t->rng)) / n);
    for (unsigned i = n; i > 1; i--) {
        double *a = (double *)(void *)((char *)&t->list[i - 1] + offset);
        double *b = (double *)(void *)((char *)&t->list[rng_below(&t->rng, i)] + offset), keep = *a;
        *a = *b;
        *b = keep;
    }
}

static void tool_init(struct tool *t, struct world *w, const struct level *l, enum profile_kind kind, void *service,
                      uint64_t seed, uint64_t key)
{
    *t = (struct tool){.w = w, .level = l, .kind = kind, .service = service, .requests = l->requests};
    t->arrival.fire = on_arrival;
    rng_init(&t->rng, seed, key);
    t->list = xcalloc(l->requests, sizeof *t->list);
    if (kind == PROFILE_LLM) {
        draw_list(t, &l->input, offsetof(struct request, input));
        draw_list(t, &l->output, offsetof(struct request, output));
    } else if (kind != PROFILE_INFER) {
        draw_list(t, &l->audio, offsetof(struct request, audio));
    }
}

static void tool_start(struct tool *t)
{
    if (t->level->concurrency == 0) {
        timer_start(t->w, &t->arrival, t->w->now);
        return;
    }
    for (unsigned i = 0; i < t->level->concurrency && i < t->requests; i++)
        pause_then_next(worker_new(t));
}

static void tool_done(struct tool *t)
{
    for (size_t i = 0; i < t->worker_count; i++) {
        timer_stop(t->w, &t->workers[i]->pace);
        timer_stop(t->w, &t->workers[i]->pause);
        free(t->workers[i]);
    }
    free(t->workers);
    free(t->list);
    free(t->total.v);
    free(t->first.v);
    free(t->between.v);
    free(t->tail.v);
}

/* ---- one repetition ---- */

struct server {
    enum profile_kind kind;
    union {
        struct llm_server *llm;
        struct tts_server *tts;
        struct asr_server *asr;
        struct infer_server *infer;
    };
};

static void *server_new(struct server *s, struct world *w, const struct profile *p, const struct serve_place *at,
                        struct err *err)
{
    s->kind = p->kind;
    switch (p->kind) {
    case PROFILE_LLM:
        s->llm = llm_server_new(w, p->name, p, at, err);
        return s->llm ? llm_server_service(s->llm) : NULL;
    case PROFILE_TTS:
        s->tts = tts_server_new(w, p->name, p, at, err);
        return s->tts ? tts_server_service(s->tts) : NULL;
    case PROFILE_ASR:
        s->asr = asr_server_new(w, p->name, p, at, err);
        return s->asr ? asr_server_service(s->asr) : NULL;
    case PROFILE_INFER:
        break;
    }
    s->infer = infer_server_new(w, p->name, p, at, err);
    return s->infer ? infer_server_service(s->infer) : NULL;
}

static void server_free(struct server *s)
{
    switch (s->kind) {
    case PROFILE_LLM:
        llm_server_free(s->llm);
        break;
    case PROFILE_TTS:
        tts_server_free(s->tts);
        break;
    case PROFILE_ASR:
        asr_server_free(s->asr);
        break;
    case PROFILE_INFER:
        infer_server_free(s->infer);
        break;
    }
}

static void merge(struct figures *into, const struct figures *from)
{
    for (size_t i = 0; i < from->n; i++)
        note(into, from->v[i]);
}

/* What the tool prints, of all its servers together; rates add up. */
static void print_figures(struct tool *tools, unsigned n, struct level_result *r)
{
    struct tool *a = &tools[0];

    for (unsigned i = 0; i < n; i++) {
        struct tool *t = &tools[i];
        double s = (double)(t->level->steady ? t->count_until - t->count_from : t->finished - t->began) / 1e9;
        unsigned done = t->level->steady ? t->counted : t->requests - t->failed;
        r->requests_per_s += s > 0 ? done / s : 0;
        r->tokens_per_s += s > 0 ? t->tokens / s : 0;
        r->rtfx += s > 0 ? t->audio / s : 0;
        r->failed += (double)t->failed / t->requests / n;
        if (i > 0) {
            merge(&a->total, &t->total);
            merge(&a->first, &t->first);
            merge(&a->between, &t->between);
            merge(&a->tail, &t->tail);
        }
    }
    r->mean = mean(&a->total);
    r->p50 = quantile(&a->total, 0.5);
    r->p90 = quantile(&a->total, 0.9);
    r->p95 = quantile(&a->total, 0.95);
    r->p99 = quantile(&a->total, 0.99);
    r->first = mean(&a->first);
    r->first_p50 = quantile(&a->first, 0.5);
    r->first_p90 = quantile(&a->first, 0.9);
    r->first_p95 = quantile(&a->first, 0.95);
    r->first_p99 = quantile(&a->first, 0.99);
    r->between = mean(&a->between);
    r->between_p50 = quantile(&a->between, 0.5);
    r->between_p90 = quantile(&a->between, 0.9);
    r->between_p99 = quantile(&a->between, 0.99);
    r->tail = mean(&a->tail);
}

/*
 * The world of one repetition: servers, each with its clients, on one group of shares or on one
 * each.
 */
struct stage {
    struct virtual_world *v;
    struct share *shares[LEVEL_SERVERS][SERVE_SHARES_MAX]; /* of a server; a shared one stands in the first row */
    struct server servers[LEVEL_SERVERS];
    struct tool tools[LEVEL_SERVERS];
    unsigned made;
};

static int set_stage(struct stage *s, const struct level *l, const struct profile *p, uint64_t seed, struct err *err)
{
    struct world *w = virtual_world(s->v);
    bool together = l->servers > 1 && !l->separate;

    for (; s->made < l->servers; s->made++) {
        unsigned i = s->made;
        struct share **mine = s->shares[together ? 0 : i];
        struct serve_place at = {.count = p->gpu_count, .memory = together ? p->need : 0};
        void *service;
        for (size_t k = 0; k < at.count; k++) {
            if (!mine[k])
                mine[k] = share_new(w, "GPU", together ? l->mode : SHARE_ALONE, &l->size, &SHARE_TUNING_DEFAULT);
            at.shares[k] = mine[k];
        }
        service = server_new(&s->servers[i], w, p, &at, err);
        if (!service)
            return -1;
        tool_init(&s->tools[i], w, l, p->kind, service, seed, i + 1);
    }
    return 0;
}

static void strike_stage(struct stage *s)
{
    for (unsigned i = 0; i < s->made; i++) {
        server_free(&s->servers[i]);
        tool_done(&s->tools[i]);
    }
    for (unsigned i = 0; i < LEVEL_SERVERS; i++)
        for (size_t k = 0; k < SERVE_SHARES_MAX; k++)
            share_free(s->shares[i][k]);
    virtual_free(s->v);
}

static int play(struct stage *s, const struct profile *p, struct err *err)
{
    unsigned ended = 0;

    for (unsigned i = 0; i < s->made; i++)
        tool_start(&s->tools[i]);
    while (ended < s->made) {
        if (!virtual_step(s->v, TIME_NEVER))
            return err_set(err, ERR_INVALID, "the simulation of profile %s stands still", p->name);
        while (ended < s->made && s->tools[ended].ended == s->tools[ended].requests)
            ended++;
    }
    return 0;
}

static int run_once(const struct level *l, const struct profile *p, uint64_t seed, struct level_result *r,
                    struct err *err)
{
    struct stage s = {.v = virtual_new()};
    int rc = set_stage(&s, l, p, seed, err);

    if (rc == 0)
        rc = play(&s, p, err);
    if (rc == 0) {
        int64_t now = virtual_world(s.v)->now;
        struct share_usage u;
        print_figures(s.tools, s.made, r);
        share_usage(s.shares[0][0], &u);
        r->gpu_busy = now > 0 ? (double)u.busy / (double)now : 0;
        r->events = virtual_events(s.v);
    }
    strike_stage(&s);
    return rc;
}

int level_run(const struct level *l, const struct profile *p, uint64_t seed, unsigned repetitions,
              struct level_result *ret, struct err *err)
{
    enum { FIELDS = offsetof(struct level_result, events) / sizeof(double) };
    struct level_result sum = {0};

    assert(l->servers >= 1 && l->servers <= LEVEL_SERVERS && l->requests > 0);
    for (unsigned i = 0; i < repetitions; i++) {
        struct level_result one = {0};
        double *a = (double *)(void *)&sum, *b = (double *)(void *)&one;
        if (run_once(l, p, rng_mix(seed, i + 1), &one, err) < 0)
            return -1;
        for (int k = 0; k < FIELDS; k++)
            a[k] += b[k] / repetitions;
        sum.events += one.events;
    }
    *ret = sum;
    return 0;
}
