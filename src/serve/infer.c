/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/infer.h"

#include <assert.h>

#include "base/mem.h"

enum state { FREE, ARRIVING, WAITING, RUNNING };

struct job {
    struct infer_server *server;
    struct infer_call *call;
    struct job *prev, *next; /* in the queue; next alone in the free list */
    enum state state;
    uint32_t items;
    uint32_t slot; /* in batch[] */
    struct timer front;
};

enum { SLAB = 32 };
struct slab {
    struct slab *next;
    struct job jobs[SLAB];
};

struct infer_server {
    struct infer_service service; /* first: a service is its server */
    struct world *world;
    struct serve_engine engine;
    struct infer_params p;
    int64_t front;
    uint32_t max_batch, queue_most;

    struct slab *slabs;
    struct job *unused;
    struct job *head, *tail; /* the queue */
    struct job **batch;      /* the step under way; NULL for those cancelled since */
    uint32_t batch_count;
    bool delivering;

    struct infer_stats stats;
    int64_t counted_at;
};

static void count_time(struct infer_server *s)
{
    s->stats.running_ns += (double)(s->world->now - s->counted_at) * s->stats.running;
    s->counted_at = s->world->now;
}

static void on_front(struct timer *timer);

static struct job *job_new(struct infer_server *s)
{
    struct job *j;

    if (!s->unused) {
        struct slab *slab = xcalloc(1, sizeof *slab);
        slab->next = s->slabs;
        s->slabs = slab;
        for (int i = SLAB - 1; i >= 0; i--) {
            slab->jobs[i].server = s;
            slab->jobs[i].front.fire = on_front;
            slab->jobs[i].next = s->unused;
            s->unused = &slab->jobs[i];
        }
    }
    j = s->unused;
    s->unused = j->next;
    return j;
}

static void job_free(struct job *j)
{
    j->state = FREE;
    j->call = NULL;
    j->next = j->server->unused;
    j->server->unused = j;
}

static void queue_append(struct infer_server *s, struct job *j)
{
    j->prev = s->tail;
    j->next = NULL;
    *(s->tail ? &s->tail->next : &s->head) = j;
    s->tail = j;
    j->state = WAITING;
    if (++s->stats.waiting > s->stats.waiting_peak)
        s->stats.waiting_peak = s->stats.waiting;
}

static void queue_remove(struct infer_server *s, struct job *j)
{
    *(j->prev ? &j->prev->next : &s->head) = j->next;
    *(j->next ? &j->next->prev : &s->tail) = j->prev;
    s->stats.waiting--;
}

static void begin_step(struct infer_server *s)
{
    struct gpu_step step = {.host = s->p.host, .launch = s->p.launch, .floor = s->p.floor, .memory = s->p.memory};
    uint32_t items = 0;

    if (s->engine.busy || s->delivering || !s->head)
        return;
    count_time(s);
    s->batch_count = 0;
    while (s->head && s->batch_count < s->max_batch && (items == 0 || items + s->head->items <= s->max_batch)) {
        struct job *j = s->head;
        queue_remove(s, j);
        j->state = RUNNING;
        j->slot = s->batch_count;
        s->batch[s->batch_count++] = j;
        s->stats.running++;
        items += j->items;
    }
    step.host += items * s->p.host_item;
    step.compute += items * s->p.compute;
    s->stats.steps++;
    s->stats.items += items;
    serve_engine_submit(&s->engine, &step);
}

static void finish(struct job *j, enum serve_status status)
{
    struct infer_call *c = j->call;

    job_free(j);
    c->impl = NULL;
    c->on->end(c, status);
}

static void on_step_done(void *arg)
{
    struct infer_server *s = arg;

    count_time(s);
    s->delivering = true;
    for (uint32_t i = 0; i < s->batch_count; i++) {
        struct job *j = s->batch[i];
        if (!j)
            continue;
        s->stats.running--;
        s->stats.done++;
        finish(j, SERVE_OK);
    }
    s->batch_count = 0;
    s->delivering = false;
    begin_step(s);
}

static void on_front(struct timer *timer)
{
    struct job *j = CONTAINER_OF(timer, struct job, front);
    struct infer_server *s = j->server;

    s->stats.arriving--;
    if (s->stats.waiting >= s->queue_most && (s->engine.busy || s->head)) {
        s->stats.rejected++;
        finish(j, SERVE_REJECTED);
        return;
    }
    queue_append(s, j);
    begin_step(s);
}

static void submit(struct infer_service *service, struct infer_call *c)
{
    struct infer_server *s = (struct infer_server *)service;
    struct job *j = job_new(s);

    j->state = ARRIVING;
    j->call = c;
    j->items = c->items > 0 ? c->items : 1;
    c->impl = j;
    s->stats.accepted++;
    s->stats.arriving++;
    timer_start(s->world, &j->front, s->world->now + s->front);
}

static void cancel(struct infer_service *service, struct infer_call *c)
{
    struct infer_server *s = (struct infer_server *)service;
    struct job *j = c->impl;

    if (!j)
        return;
    c->impl = NULL;
    count_time(s);
    switch (j->state) {
    case ARRIVING:
        timer_stop(s->world, &j->front);
        s->stats.arriving--;
        break;
    case WAITING:
        queue_remove(s, j);
        break;
    case RUNNING:
        s->batch[j->slot] = NULL;
        s->stats.running--;
        break;
    case FREE:
        assert(0 && "a call that is not under way");
    }
    s->stats.cancelled++;
    job_free(j);
}

static const struct infer_service_ops infer_ops = {.submit = submit, .cancel = cancel};

struct infer_server *infer_server_new(struct world *w, const char *name, const struct profile *p,
                                      const struct serve_place *at, struct err *err)
{
    struct infer_server *s = xcalloc(1, sizeof *s);

    assert(p->kind == PROFILE_INFER);
    s->service.ops = &infer_ops;
    s->world = w;
    s->counted_at = w->now;
    s->p = p->infer;
    s->front = (int64_t)s->p.front + at->round_trip;
    s->max_batch = (uint32_t)s->p.max_batch;
    s->queue_most = (uint32_t)s->p.queue;
    if (serve_engine_attach(&s->engine, name, p, at, on_step_done, s, err) < 0) {
        free(s);
        return NULL;
    }
    s->batch = xcalloc(s->max_batch, sizeof(struct job *));
    return s;
}

void infer_server_free(struct infer_server *s)
{
    if (!s)
        return;
    for (struct slab *b = s->slabs, *next; b; b = next) {
        next = b->next;
        for (int i = 0; i < SLAB; i++)
            timer_stop(s->world, &b->jobs[i].front);
        free(b);
    }
    free(s->batch);
    free(s);
}

struct infer_service *infer_server_service(struct infer_server *s)
{
    return &s->service;
}

void infer_server_stats(const struct infer_server *s, struct infer_stats *ret)
{
    *ret = s->stats;
    ret->max_batch = s->max_batch;
    ret->running_ns += (double)(s->world->now - s->counted_at) * ret->running;
}

const char *infer_server_check(const struct infer_server *s)
{
    const struct infer_stats *c = &s->stats;
    uint32_t waiting = 0, running = 0;

    for (const struct job *j = s->head; j; j = j->next) {
        waiting++;
        if (j->state != WAITING || (j->next ? j->next->prev != j : s->tail != j))
            return "the queue's links are broken";
    }
    for (uint32_t i = 0; i < s->batch_count; i++)
        running += s->batch[i] != NULL && s->batch[i]->state == RUNNING;
    if (waiting != c->waiting || (running != c->running && !s->delivering))
        return "count of waiting or running requests is wrong";
    if (c->accepted != c->done + c->rejected + c->cancelled + c->arriving + c->waiting + c->running)
        return "a call was lost or answered twice";
    if (!s->delivering && !s->engine.busy && (c->running > 0 || c->waiting > 0))
        return "work is there and no step runs";
    return NULL;
}
