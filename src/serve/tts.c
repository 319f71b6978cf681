/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/tts.h"

#include <assert.h>

#include "base/mem.h"

enum state { FREE, ARRIVING, WAITING, ACTIVE };

struct syn {
    struct tts_server *server;
    struct tts_call *call;
    struct syn *prev, *next; /* in the queue; next alone in the free list */
    enum state state;
    uint32_t prefill; /* steps of its prefill that are left, the one under way included */
    bool in_step;
    uint32_t slot;    /* in active[] */
    uint32_t chars;
    int64_t duration; /* ns of audio it will be */
    int64_t sent;     /* of it, handed out */
    uint64_t steps, steps_all; /* done; in all */
    uint64_t until;   /* steps until its next chunk */
    uint64_t number;  /* of arrival: the queue's order */
    struct timer front;
};

enum { SLAB = 32 };
struct slab {
    struct slab *next;
    struct syn syns[SLAB];
};

struct tts_server {
    struct tts_service service; /* first: a service is its server */
    struct world *world;
    struct serve_engine engine;
    struct tts_params p;
    int64_t step_audio;
    uint64_t first_steps, chunk_steps;
    uint32_t slots, queue_most, join_most, prefill_steps;
    uint32_t joining; /* active streams in their prefill */

    struct slab *slabs;
    struct syn *unused;
    struct syn *head, *tail; /* the queue */
    struct syn **active;     /* by admission; holes while `delivering` */
    uint32_t count, holes;
    bool delivering;
    uint64_t numbers, last_admitted;

    struct tts_stats stats;
    int64_t counted_at;
};

static void count_time(struct tts_server *t)
{
    t->stats.active_ns += (double)(t->world->now - t->counted_at) * t->stats.active;
    t->counted_at = t->world->now;
}

/* ---- pool and queue ---- */

static void on_front(struct timer *timer);

static struct syn *syn_new(struct tts_server *t)
{
    struct syn *s;

    if (!t->unused) {
        struct slab *slab = xcalloc(1, sizeof *slab);
        slab->next = t->slabs;
        t->slabs = slab;
        for (int i = SLAB - 1; i >= 0; i--) {
            slab->syns[i].server = t;
            slab->syns[i].front.fire = on_front;
            slab->syns[i].next = t->unused;
            t->unused = &slab->syns[i];
        }
    }
    s = t->unused;
    t->unused = s->next;
    return s;
}

static void syn_free(struct syn *s)
{
    s->state = FREE;
    s->call = NULL;
    s->next = s->server->unused;
    s->server->unused = s;
}

static void queue_append(struct tts_server *t, struct syn *s)
{
    s->prev = t->tail;
    s->next = NULL;
    *(t->tail ? &t->tail->next : &t->head) = s;
    t->tail = s;
    s->state = WAITING;
    if (++t->stats.waiting > t->stats.waiting_peak)
        t->stats.waiting_peak = t->stats.waiting;
}

static void queue_remove(struct tts_server *t, struct syn *s)
{
    *(s->prev ? &s->prev->next : &t->head) = s->next;
    *(s->next ? &s->next->prev : &t->tail) = s->prev;
    t->stats.waiting--;
}

static void leave(struct tts_server *t, struct syn *s)
{
    t->stats.active--;
    t->joining -= s->prefill > 0;
    if (t->delivering) {
        t->active[s->slot] = NULL;
        t->holes++;
        return;
    }
    t->count--;
    for (uint32_t i = s->slot; i < t->count; i++) {
        t->active[i] = t->active[i + 1];
        t->active[i]->slot = i;
    }
}

static void close_holes(struct tts_server *t)
{
    uint32_t n = 0;

    if (t->holes == 0)
        return;
    for (uint32_t i = 0; i < t->count; i++) {
        if (!t->active[i])
            continue;
        t->active[n] = t->active[i];
        t->active[n]->slot = n;
        n++;
    }
    t->count = n;
    t->holes = 0;
}

/* ---- steps ---- */

/* Gives free slots to the head of the queue. */
static void admit(struct tts_server *t)
{
    while (t->head && t->count < t->slots && t->joining < t->join_most) {
        struct syn *s = t->head;
        queue_remove(t, s);
        s->state = ACTIVE;
        s->prefill = t->prefill_steps > 0 ? t->prefill_steps : 1;
        t->joining++;
        s->slot = t->count;
        t->active[t->count++] = s;
        t->last_admitted = s->number;
        if (++t->stats.active > t->stats.active_peak)
            t->stats.active_peak = t->stats.active;
    }
}

static void begin_step(struct tts_server *t)
{
    struct gpu_step step = {.host = t->p.host, .launch = t->p.launch, .floor = t->p.floor, .memory = t->p.memory};
    uint32_t making;

    if (t->engine.busy || t->delivering)
        return;
    count_time(t);
    admit(t);
    if (t->count == 0)
        return;
    for (uint32_t i = 0; i < t->count; i++) {
        struct syn *s = t->active[i];
        s->in_step = true;
        if (s->prefill > 0)
            step.compute += t->p.join_compute + s->chars * t->p.join_char;
    }
    making = t->prefill_steps > 0 ? t->count - t->joining : t->count;
    step.host += making * t->p.host_stream + t->joining * t->p.join_host;
    step.compute += making * t->p.compute;
    if (t->joining > 0)
        step.floor += t->p.join_floor;
    t->stats.steps++;
    serve_engine_submit(&t->engine, &step);
}

static void finish(struct syn *s, enum serve_status status)
{
    struct tts_call *c = s->call;

    syn_free(s);
    c->impl = NULL;
    c->on->end(c, status);
}

/* Hands out what is made and not yet sent; the stream may be cancelled meanwhile. */
static void emit(struct tts_server *t, struct syn *s)
{
    struct tts_call *c = s->call;
    uint32_t slot = s->slot;
    int64_t made = s->steps >= s->steps_all ? s->duration : (int64_t)s->steps * t->step_audio;
    struct audio piece = {.duration = made - s->sent, .voiced = true};

    s->sent = made;
    s->until = t->chunk_steps;
    if (s->steps + s->until > s->steps_all)
        s->until = s->steps_all - s->steps;
    t->stats.audio += (double)piece.duration;
    c->on->audio(c, &piece);
    if (t->active[slot] != s || s->steps < s->steps_all)
        return;
    leave(t, s);
    t->stats.done++;
    finish(s, SERVE_OK);
}

static void on_step_done(void *arg)
{
    struct tts_server *t = arg;
    uint32_t n = t->count;

    count_time(t);
    t->delivering = true;
    for (uint32_t i = 0; i < n; i++) {
        struct syn *s = t->active[i];
        if (!s || !s->in_step)
            continue;
        s->in_step = false;
        if (s->prefill > 0) {
            if (--s->prefill == 0)
                t->joining--;
            if (t->prefill_steps > 0)
                continue;
        }
        s->steps++;
        if (--s->until == 0)
            emit(t, s);
    }
    t->delivering = false;
    close_holes(t);
    begin_step(t);
}

/* ---- the port ---- */

static void on_front(struct timer *timer)
{
    struct syn *s = CONTAINER_OF(timer, struct syn, front);
    struct tts_server *t = s->server;

    t->stats.arriving--;
    if (t->stats.waiting >= t->queue_most && (t->head || t->count >= t->slots)) {
        t->stats.rejected++;
        finish(s, SERVE_REJECTED);
        return;
    }
    if (s->duration <= 0) { /* nothing to say */
        t->stats.done++;
        finish(s, SERVE_OK);
        return;
    }
    s->number = ++t->numbers;
    queue_append(t, s);
    begin_step(t);
}

static void submit(struct tts_service *service, struct tts_call *c)
{
    struct tts_server *t = (struct tts_server *)service;
    struct syn *s = syn_new(t);

    s->state = ARRIVING;
    s->call = c;
    s->chars = c->n;
    s->duration = c->duration > 0 ? c->duration : (int64_t)(c->n / t->p.chars_second * 1e9);
    if (c->n == 0)
        s->chars = (uint32_t)((double)s->duration / 1e9 * t->p.chars_second);
    s->sent = 0;
    s->steps = 0;
    s->steps_all = (uint64_t)((s->duration + t->step_audio - 1) / t->step_audio);
    s->until = t->first_steps < s->steps_all ? t->first_steps : s->steps_all;
    s->prefill = 0;
    s->in_step = false;
    c->impl = s;
    t->stats.accepted++;
    t->stats.arriving++;
    timer_start(t->world, &s->front, t->world->now + (int64_t)(t->p.front + t->p.front_char * s->chars));
}

static void cancel(struct tts_service *service, struct tts_call *c)
{
    struct tts_server *t = (struct tts_server *)service;
    struct syn *s = c->impl;

    if (!s)
        return;
    c->impl = NULL;
    count_time(t);
    switch (s->state) {
    case ARRIVING:
        timer_stop(t->world, &s->front);
        t->stats.arriving--;
        break;
    case WAITING:
        queue_remove(t, s);
        break;
    case ACTIVE:
        leave(t, s);
        break;
    case FREE:
        assert(0 && "a call that is not under way");
    }
    t->stats.cancelled++;
    syn_free(s);
    begin_step(t);
}

static const struct tts_service_ops tts_ops = {.submit = submit, .cancel = cancel};

/* ---- life ---- */

struct tts_server *tts_server_new(struct world *w, const char *name, const struct profile *p,
                                  const struct serve_place *at, struct err *err)
{
    struct tts_server *t = xcalloc(1, sizeof *t);

    assert(p->kind == PROFILE_TTS);
    t->service.ops = &tts_ops;
    t->world = w;
    t->counted_at = w->now;
    t->p = p->tts;
    t->p.front += (double)at->round_trip;
    t->step_audio = (int64_t)t->p.step_audio;
    t->first_steps = (uint64_t)t->p.first_steps;
    t->chunk_steps = (uint64_t)t->p.chunk_steps;
    t->slots = (uint32_t)t->p.slots;
    t->queue_most = (uint32_t)t->p.queue;
    t->join_most = (uint32_t)t->p.join_most;
    t->prefill_steps = (uint32_t)t->p.prefill_steps;
    if (serve_engine_attach(&t->engine, name, p, at, on_step_done, t, err) < 0) {
        free(t);
        return NULL;
    }
    t->active = xcalloc(t->slots, sizeof(struct syn *));
    return t;
}

void tts_server_free(struct tts_server *t)
{
    if (!t)
        return;
    for (struct slab *s = t->slabs, *next; s; s = next) {
        next = s->next;
        for (int i = 0; i < SLAB; i++)
            timer_stop(t->world, &s->syns[i].front);
        free(s);
    }
    free(t->active);
    free(t);
}

struct tts_service *tts_server_service(struct tts_server *t)
{
    return &t->service;
}

void tts_server_stats(const struct tts_server *t, struct tts_stats *ret)
{
    *ret = t->stats;
    ret->slots = t->slots;
    ret->active_ns += (double)(t->world->now - t->counted_at) * ret->active;
}

const char *tts_server_check(const struct tts_server *t)
{
    const struct tts_stats *c = &t->stats;
    uint32_t waiting = 0, active = 0, joining = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        const struct syn *s = t->active[i];
        if (!s)
            continue;
        active++;
        joining += s->prefill > 0;
        if (s->state != ACTIVE || s->slot != i || !s->call || s->call->impl != s)
            return "an active stream is out of its place";
        if (s->sent > s->duration || s->steps > s->steps_all)
            return "a stream made more audio than asked for";
    }
    if (active != c->active || active > t->slots)
        return "count of active streams is wrong or above the slots";
    if (joining != t->joining || joining > t->join_most)
        return "count of streams in their prefill is wrong or above its cap";
    for (const struct syn *s = t->head; s; s = s->next) {
        waiting++;
        if (s->state != WAITING || s->number <= t->last_admitted || (s->next && s->next->number < s->number))
            return "the queue is out of order";
        if (s->next ? s->next->prev != s : t->tail != s)
            return "the queue's links are broken";
    }
    if (waiting != c->waiting)
        return "count of waiting calls is wrong";
    if (c->accepted != c->done + c->rejected + c->cancelled + c->arriving + c->waiting + c->active)
        return "a call was lost or answered twice";
    if (!t->delivering && !t->engine.busy && (c->active > 0 || c->waiting > 0))
        return "work is there and no step runs";
    return NULL;
}
