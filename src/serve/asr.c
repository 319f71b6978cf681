/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/asr.h"

#include <assert.h>

#include "base/mem.h"

enum state { FREE, OPEN, REFUSED };

/*
 * A run of audio of one kind that waits in a stream; a stream needs few, since neighbours of a kind
 * are merged.
 */
struct run {
    int64_t duration;
    bool voiced;
};
enum { RUNS = 16 };

struct rec {
    struct asr_server *server;
    struct asr_stream *stream;
    struct rec *prev, *next; /* among those that wait for a step; next alone in the free list */
    enum state state;
    bool offline, finished;
    bool waits;       /* is in a waiting list */
    bool in_step;     /* its part is in the step under way */
    uint32_t slot;    /* in open[] */
    uint32_t batch_slot; /* in batch[] while in_step */
    struct run runs[RUNS]; /* audio received and not decoded, oldest first */
    uint32_t run_count;
    int64_t pending;  /* ns in runs */
    int64_t part;     /* ns of audio in the step under way */
    bool heard;       /* voiced audio in this utterance */
    int64_t silence;  /* ns of unvoiced audio decoded since the last voiced one */
    int64_t full_at;  /* when the chunk that waits was whole */
    bool utterance_over; /* its end is decoded, `final` runs */
    bool speaks;         /* and there is something to say then */
    uint32_t finals;     /* so far */
    struct timer front, final;
};

enum { SLAB = 32 };
struct slab {
    struct slab *next;
    struct rec recs[SLAB];
};

struct list {
    struct rec *head, *tail;
    uint32_t count;
};

struct asr_server {
    struct asr_service service; /* first: a service is its server */
    struct world *world;
    struct serve_engine engine;
    struct asr_params p;
    int64_t chunk, front, final, offline_front;
    uint32_t max_streams, max_batch, offline_batch, offline_queue;

    struct slab *slabs;
    struct rec *unused;
    struct list live, whole; /* wait for a step: chunks of streams, whole-audio requests */
    struct rec **batch;      /* the step under way; NULL for those cancelled since */
    uint32_t batch_count;
    bool batch_offline;      /* what the last step was */
    bool delivering;
    uint32_t offline_open;

    struct asr_stats stats;
    int64_t counted_at;
};

static void count_time(struct asr_server *a)
{
    a->stats.streams_ns += (double)(a->world->now - a->counted_at) * a->stats.streams;
    a->counted_at = a->world->now;
}

/* ---- pool and lists ---- */

static void on_front(struct timer *timer);
static void on_final(struct timer *timer);

static struct rec *rec_new(struct asr_server *a)
{
    struct rec *r;

    if (!a->unused) {
        struct slab *slab = xcalloc(1, sizeof *slab);
        slab->next = a->slabs;
        a->slabs = slab;
        for (int i = SLAB - 1; i >= 0; i--) {
            slab->recs[i].server = a;
            slab->recs[i].front.fire = on_front;
            slab->recs[i].final.fire = on_final;
            slab->recs[i].next = a->unused;
            a->unused = &slab->recs[i];
        }
    }
    r = a->unused;
    a->unused = r->next;
    return r;
}

static void rec_free(struct rec *r)
{
    r->state = FREE;
    r->stream = NULL;
    r->next = r->server->unused;
    r->server->unused = r;
}

static struct list *list_of(struct rec *r)
{
    return r->offline ? &r->server->whole : &r->server->live;
}

static void wait_for_step(struct rec *r)
{
    struct asr_server *a = r->server;
    struct list *l = list_of(r);

    r->waits = true;
    r->full_at = a->world->now;
    r->prev = l->tail;
    r->next = NULL;
    *(l->tail ? &l->tail->next : &l->head) = r;
    l->tail = r;
    l->count++;
    if (++a->stats.waiting > a->stats.waiting_peak)
        a->stats.waiting_peak = a->stats.waiting;
}

static void wait_no_more(struct rec *r)
{
    struct list *l = list_of(r);

    *(r->prev ? &r->prev->next : &l->head) = r->next;
    *(r->next ? &r->next->prev : &l->tail) = r->prev;
    l->count--;
    r->server->stats.waiting--;
    r->waits = false;
}

/* ---- audio ---- */

static void add_audio(struct rec *r, int64_t duration, bool voiced)
{
    struct run *last = r->run_count > 0 ? &r->runs[r->run_count - 1] : NULL;

    r->pending += duration;
    if (last && (last->voiced == voiced || r->run_count == RUNS)) { /* the last run may blur, it is never lost */
        last->duration += duration;
        return;
    }
    r->runs[r->run_count++] = (struct run){duration, voiced};
}

/* Decodes `part` ns from the front; true when an utterance's end is found in it. */
static bool take_audio(struct rec *r, int64_t part, int64_t endpoint)
{
    bool over = false;
    uint32_t gone = 0;

    r->pending -= part;
    while (part > 0) {
        struct run *run = &r->runs[gone];
        int64_t n = run->duration < part ? run->duration : part;
        if (run->voiced) {
            r->heard = true;
            r->silence = 0;
        } else {
            r->silence += n;
        }
        if (endpoint > 0 && r->heard && r->silence >= endpoint)
            over = true;
        part -= n;
        run->duration -= n;
        gone += run->duration == 0;
    }
    if (gone > 0) {
        r->run_count -= gone;
        for (uint32_t i = 0; i < r->run_count; i++)
            r->runs[i] = r->runs[i + gone];
    }
    return over;
}

/* Queues the stream for a step if it has something to decode. */
static void consider(struct rec *r)
{
    if (r->waits || r->in_step || timer_running(&r->front))
        return;
    if (r->pending >= r->server->chunk || (r->finished && r->pending > 0))
        wait_for_step(r);
}

/* ---- steps ---- */

static void take_batch(struct asr_server *a, struct list *l, uint32_t most)
{
    while (l->head && a->batch_count < most) {
        struct rec *r = l->head;
        wait_no_more(r);
        r->in_step = true;
        r->part = r->offline || r->pending < a->chunk ? r->pending : a->chunk;
        r->batch_slot = a->batch_count;
        a->batch[a->batch_count++] = r;
    }
}

static void begin_step(struct asr_server *a)
{
    struct gpu_step step = {.host = a->p.host, .launch = a->p.launch, .floor = a->p.floor, .memory = a->p.memory};
    bool offline;

    if (a->engine.busy || a->delivering || a->stats.waiting == 0)
        return;
    offline = a->whole.count > 0 && (a->live.count == 0 || !a->batch_offline); /* they take turns */
    a->batch_offline = offline;
    if (offline)
        step.launch = a->p.offline_launch;
    a->batch_count = 0;
    take_batch(a, offline ? &a->whole : &a->live, offline ? a->offline_batch : a->max_batch);
    for (uint32_t i = 0; i < a->batch_count; i++) {
        double seconds = (double)a->batch[i]->part / 1e9;
        step.host += offline ? a->p.offline_host + a->p.offline_host_second * seconds : a->p.host_item;
        step.compute += offline ? a->p.offline_compute_second * seconds : a->p.compute;
    }
    a->stats.steps++;
    serve_engine_submit(&a->engine, &step);
}

/*
 * The utterance is decoded: its final goes out `final` ns later. Silence after the last one makes
 * no other.
 */
static void end_utterance(struct rec *r)
{
    r->utterance_over = true;
    r->speaks = r->heard || r->finals == 0;
    r->heard = false;
    r->silence = 0;
    timer_start(r->server->world, &r->final, r->server->world->now + r->server->final);
}

static void decoded(struct asr_server *a, struct rec *r)
{
    struct asr_stream *s = r->stream;
    bool over;
    double lag = (double)(a->world->now - r->full_at);

    r->in_step = false;
    a->stats.chunks++;
    a->stats.audio += (double)r->part;
    if (!r->offline && lag > a->stats.lag_worst)
        a->stats.lag_worst = lag;
    over = take_audio(r, r->part, s->server_endpoint);
    r->part = 0;
    if ((over && !r->utterance_over) || (r->finished && r->pending == 0)) {
        if (!r->utterance_over)
            end_utterance(r);
        consider(r);
        return;
    }
    consider(r);
    if (s->on->partial && !r->offline)
        s->on->partial(s, NULL);
}

static void on_step_done(void *arg)
{
    struct asr_server *a = arg;
    uint32_t n = a->batch_count;

    count_time(a);
    a->delivering = true;
    for (uint32_t i = 0; i < n; i++)
        if (a->batch[i])
            decoded(a, a->batch[i]);
    a->batch_count = 0;
    a->delivering = false;
    begin_step(a);
}

/* ---- ends ---- */

static void close_rec(struct rec *r)
{
    struct asr_server *a = r->server;

    count_time(a);
    if (r->offline)
        a->offline_open--;
    else
        a->stats.streams--;
    r->stream->impl = NULL;
    rec_free(r);
}

static void on_final(struct timer *timer)
{
    struct rec *r = CONTAINER_OF(timer, struct rec, final);
    struct asr_server *a = r->server;
    struct asr_stream *s = r->stream;

    if (r->state == REFUSED) {
        a->stats.rejected++;
        r->stream->impl = NULL;
        rec_free(r);
        s->on->end(s, SERVE_REJECTED);
        return;
    }
    r->utterance_over = false;
    if (r->speaks) {
        a->stats.finals++;
        r->finals++;
        s->on->final(s, s->truth);
        if (s->impl != r) /* cancelled meanwhile */
            return;
    }
    if (!r->finished || r->pending > 0 || r->in_step || timer_running(&r->front))
        return;
    if (r->utterance_over) /* finish() came from inside the callback */
        return;
    close_rec(r);
    a->stats.done++;
    s->on->end(s, SERVE_OK);
}

/* ---- the port ---- */

static void on_front(struct timer *timer)
{
    struct rec *r = CONTAINER_OF(timer, struct rec, front);

    consider(r);
    if (r->finished && r->pending == 0 && !r->in_step && !r->utterance_over)
        end_utterance(r); /* finished with nothing left to decode */
    begin_step(r->server);
}

static void open_stream(struct asr_service *service, struct asr_stream *s)
{
    struct asr_server *a = (struct asr_server *)service;
    struct rec *r = rec_new(a);

    count_time(a);
    r->stream = s;
    r->offline = s->offline;
    r->finished = r->waits = r->in_step = r->heard = r->utterance_over = false;
    r->run_count = r->finals = 0;
    r->pending = r->part = r->silence = 0;
    s->impl = r;
    a->stats.opened++;
    if (r->offline ? a->offline_open >= a->offline_queue + a->offline_batch : a->stats.streams >= a->max_streams) {
        r->state = REFUSED;
        timer_start(a->world, &r->final, a->world->now + a->front);
        return;
    }
    r->state = OPEN;
    if (r->offline) {
        a->offline_open++;
        return;
    }
    if (++a->stats.streams > a->stats.streams_peak)
        a->stats.streams_peak = a->stats.streams;
}

static void audio(struct asr_service *service, struct asr_stream *s, const struct audio *piece)
{
    struct asr_server *a = (struct asr_server *)service;
    struct rec *r = s->impl;

    if (!r || r->state != OPEN || r->finished || piece->duration <= 0)
        return;
    add_audio(r, piece->duration, piece->voiced);
    if (r->offline || r->waits || r->in_step || timer_running(&r->front) || r->pending < a->chunk)
        return;
    timer_start(a->world, &r->front, a->world->now + a->front);
}

static void finish_stream(struct asr_service *service, struct asr_stream *s)
{
    struct asr_server *a = (struct asr_server *)service;
    struct rec *r = s->impl;
    int64_t front;

    if (!r || r->state != OPEN || r->finished)
        return;
    r->finished = true;
    if (r->waits || r->in_step || timer_running(&r->front))
        return; /* the rest follows the step that it waits for */
    front = r->offline ? a->offline_front + (int64_t)(a->p.offline_front_second * (double)r->pending / 1e9) : a->front;
    timer_start(a->world, &r->front, a->world->now + front);
}

static void cancel(struct asr_service *service, struct asr_stream *s)
{
    struct asr_server *a = (struct asr_server *)service;
    struct rec *r = s->impl;

    if (!r)
        return;
    timer_stop(a->world, &r->front);
    timer_stop(a->world, &r->final);
    if (r->waits)
        wait_no_more(r);
    if (r->in_step)
        a->batch[r->batch_slot] = NULL;
    a->stats.cancelled++;
    if (r->state == REFUSED) {
        s->impl = NULL;
        rec_free(r);
    } else {
        close_rec(r);
    }
}

static const struct asr_service_ops asr_ops = {
    .open = open_stream, .audio = audio, .finish = finish_stream, .cancel = cancel};

/* ---- life ---- */

struct asr_server *asr_server_new(struct world *w, const char *name, const struct profile *p,
                                  const struct serve_place *at, struct err *err)
{
    struct asr_server *a = xcalloc(1, sizeof *a);
    uint32_t most;

    assert(p->kind == PROFILE_ASR);
    a->service.ops = &asr_ops;
    a->world = w;
    a->counted_at = w->now;
    a->p = p->asr;
    a->chunk = (int64_t)a->p.chunk;
    a->front = (int64_t)a->p.front + at->round_trip;
    a->final = (int64_t)a->p.final;
    a->offline_front = (int64_t)a->p.offline_front + at->round_trip;
    a->max_streams = (uint32_t)a->p.max_streams;
    a->max_batch = (uint32_t)a->p.max_batch;
    a->offline_batch = (uint32_t)a->p.offline_batch;
    a->offline_queue = (uint32_t)a->p.offline_queue;
    if (serve_engine_attach(&a->engine, name, p, at, on_step_done, a, err) < 0) {
        free(a);
        return NULL;
    }
    most = a->max_batch > a->offline_batch ? a->max_batch : a->offline_batch;
    a->batch = xcalloc(most, sizeof(struct rec *));
    return a;
}

void asr_server_free(struct asr_server *a)
{
    if (!a)
        return;
    for (struct slab *s = a->slabs, *next; s; s = next) {
        next = s->next;
        for (int i = 0; i < SLAB; i++) {
            timer_stop(a->world, &s->recs[i].front);
            timer_stop(a->world, &s->recs[i].final);
        }
        free(s);
    }
    free(a->batch);
    free(a);
}

struct asr_service *asr_server_service(struct asr_server *a)
{
    return &a->service;
}

void asr_server_stats(const struct asr_server *a, struct asr_stats *ret)
{
    *ret = a->stats;
    ret->max_streams = a->max_streams;
    ret->streams_ns += (double)(a->world->now - a->counted_at) * ret->streams;
}

static const char *check_list(const struct list *l, bool offline)
{
    uint32_t n = 0;

    for (const struct rec *r = l->head; r; r = r->next) {
        n++;
        if (r->state != OPEN || !r->waits || r->in_step || r->offline != offline || r->pending <= 0)
            return "what waits for a step has nothing to decode or is out of its place";
        if (r->next ? r->next->prev != r : l->tail != r)
            return "a waiting list's links are broken";
    }
    return n == l->count ? NULL : "count of what waits for a step is wrong";
}

static const char *check_recs(const struct asr_server *a, uint32_t *ret_refused)
{
    uint32_t streams = 0, offline = 0;

    *ret_refused = 0;
    for (const struct slab *s = a->slabs; s; s = s->next) {
        for (int i = 0; i < SLAB; i++) {
            const struct rec *r = &s->recs[i];
            int64_t pending = 0;
            if (r->state == FREE)
                continue;
            if (r->stream->impl != r)
                return "a stream is out of its place";
            if (r->state == REFUSED) {
                ++*ret_refused;
                continue;
            }
            *(r->offline ? &offline : &streams) += 1;
            for (uint32_t k = 0; k < r->run_count; k++)
                pending += r->runs[k].duration;
            if (pending != r->pending || r->part > r->pending)
                return "audio of a stream was lost";
            if (r->finished && !r->waits && !r->in_step && !timer_running(&r->front) && !r->utterance_over &&
                !a->delivering)
                return "a finished stream is forgotten";
            if (!r->offline && r->pending >= a->chunk && !r->waits && !r->in_step && !timer_running(&r->front) &&
                !a->delivering)
                return "a full chunk waits for nothing";
        }
    }
    if (streams != a->stats.streams || offline != a->offline_open || streams > a->max_streams)
        return "count of open streams is wrong or above the cap";
    return NULL;
}

const char *asr_server_check(const struct asr_server *a)
{
    const struct asr_stats *t = &a->stats;
    uint32_t refused;
    const char *broken = check_recs(a, &refused);

    if (!broken)
        broken = check_list(&a->live, false);
    if (!broken)
        broken = check_list(&a->whole, true);
    if (broken)
        return broken;
    if (t->waiting != a->live.count + a->whole.count)
        return "count of what waits for a step is wrong";
    if (t->opened != t->done + t->rejected + t->cancelled + refused + t->streams + a->offline_open)
        return "a stream was lost or ended twice";
    if (!a->delivering && !a->engine.busy && t->waiting > 0)
        return "work is there and no step runs";
    return NULL;
}
