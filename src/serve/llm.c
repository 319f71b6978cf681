/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/llm.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum state { FREE, ARRIVING, WAITING, RUNNING };
enum prefill_mode { PREFILL_ALONE, PREFILL_CHUNKED, PREFILL_WHOLE };

struct seq {
    struct llm_server *server;
    struct llm_call *call;
    struct seq *prev, *next; /* in the queue; next alone in the free list */
    enum state state;
    uint32_t slot;    /* in run[] */
    uint32_t prompt;  /* tokens asked to be read, cached ones included */
    uint32_t output;  /* tokens to generate */
    uint32_t made;    /* of those, so far */
    uint32_t target;  /* tokens to have in the KV cache before it decodes: prompt + made at admission */
    uint32_t context; /* tokens in the KV cache */
    uint32_t room;    /* tokens that its blocks hold */
    uint32_t piece;   /* prompt tokens of it in the step under way */
    bool decodes;     /* it is in the step under way with one token */
    uint64_t number;  /* of arrival: the queue's order */
    uint64_t from_step; /* the first step that it may join */
    struct timer front;
};

enum { SLAB = 64 };
struct slab {
    struct slab *next;
    struct seq seqs[SLAB];
};

struct llm_server {
    struct llm_service service; /* first: a service is its server */
    struct world *world;
    struct serve_engine engine;
    struct llm_params p;
    double ns_token, ns_pair, ns_weights, ns_context; /* step costs, derived from p */
    enum prefill_mode mode;
    uint32_t block, max_sequences, budget, queue_most;

    struct slab *slabs;
    struct seq *unused;
    struct seq *head, *tail; /* the queue */
    struct seq **run;        /* by admission; holes while `delivering` */
    uint32_t running, holes;
    uint32_t prefilling;     /* of run[]: with context < target */
    uint64_t context;        /* KV tokens of the others */
    uint32_t full;           /* of the others: those that need a block for their next token */
    uint32_t pieces;         /* pieces of prompts in the step being made */
    uint32_t free_blocks, blocks;
    bool delivering;
    uint64_t numbers;
    struct gpu_step step;

    struct llm_stats stats;
    int64_t counted_at;
};

/* ---- accounts ---- */

static void count_time(struct llm_server *l)
{
    double dt = (double)(l->world->now - l->counted_at);

    l->counted_at = l->world->now;
    l->stats.running_ns += dt * l->stats.running;
    l->stats.blocks_ns += dt * (l->blocks - l->free_blocks);
}

static void note_peaks(struct llm_server *l)
{
    uint32_t used = l->blocks - l->free_blocks;

    if (l->stats.running > l->stats.running_peak)
        l->stats.running_peak = l->stats.running;
    if (used > l->stats.blocks_peak)
        l->stats.blocks_peak = used;
}

/* ---- the pool ---- */

static void on_front(struct timer *t);

static struct seq *seq_new(struct llm_server *l)
{
    struct seq *s;

    if (!l->unused) {
        struct slab *slab = xcalloc(1, sizeof *slab);
        slab->next = l->slabs;
        l->slabs = slab;
        for (int i = SLAB - 1; i >= 0; i--) {
            slab->seqs[i].server = l;
            slab->seqs[i].front.fire = on_front;
            slab->seqs[i].next = l->unused;
            l->unused = &slab->seqs[i];
        }
    }
    s = l->unused;
    l->unused = s->next;
    return s;
}

static void seq_free(struct seq *s)
{
    struct llm_server *l = s->server;

    s->state = FREE;
    s->call = NULL;
    s->next = l->unused;
    l->unused = s;
}

static void queue_append(struct llm_server *l, struct seq *s)
{
    s->prev = l->tail;
    s->next = NULL;
    *(l->tail ? &l->tail->next : &l->head) = s;
    l->tail = s;
    s->state = WAITING;
    if (++l->stats.waiting > l->stats.waiting_peak)
        l->stats.waiting_peak = l->stats.waiting;
}

static void queue_prepend(struct llm_server *l, struct seq *s)
{
    s->prev = NULL;
    s->next = l->head;
    *(l->head ? &l->head->prev : &l->tail) = s;
    l->head = s;
    s->state = WAITING;
    if (++l->stats.waiting > l->stats.waiting_peak)
        l->stats.waiting_peak = l->stats.waiting;
}

static void queue_remove(struct llm_server *l, struct seq *s)
{
    *(s->prev ? &s->prev->next : &l->head) = s->next;
    *(s->next ? &s->next->prev : &l->tail) = s->prev;
    l->stats.waiting--;
}

/* ---- KV blocks ---- */

static uint32_t blocks_for(const struct llm_server *l, uint64_t tokens)
{
    return (uint32_t)((tokens + l->block - 1) / l->block);
}

static bool take_room(struct llm_server *l, struct seq *s, uint64_t tokens)
{
    uint32_t have = s->room / l->block, want = blocks_for(l, tokens);

    if (want <= have)
        return true;
    if (want - have > l->free_blocks)
        return false;
    l->free_blocks -= want - have;
    s->room = want * l->block;
    return true;
}

static void give_room(struct llm_server *l, struct seq *s)
{
    l->free_blocks += s->room / l->block;
    s->room = 0;
}

static bool decoding(const struct seq *s)
{
    return s->context >= s->target;
}

/* Takes a running sequence out of the sums; its blocks are given back. */
static void leave(struct llm_server *l, struct seq *s)
{
    if (decoding(s)) {
        l->context -= s->context;
        l->full -= s->context >= s->room;
    } else {
        l->prefilling--;
    }
    give_room(l, s);
    l->stats.running--;
    if (l->delivering) {
        l->run[s->slot] = NULL;
        l->holes++;
        return;
    }
    l->running--;
    for (uint32_t i = s->slot; i < l->running; i++) {
        l->run[i] = l->run[i + 1];
        l->run[i]->slot = i;
    }
}

static void close_holes(struct llm_server *l)
{
    uint32_t n = 0;

    if (l->holes == 0)
        return;
    for (uint32_t i = 0; i < l->running; i++) {
        if (!l->run[i])
            continue;
        l->run[n] = l->run[i];
        l->run[n]->slot = n;
        n++;
    }
    l->running = n;
    l->holes = 0;
}

/* ---- scheduling ---- */

static void preempt(struct llm_server *l, struct seq *s)
{
    leave(l, s);
    s->context = 0;
    s->piece = 0;
    l->stats.preemptions++;
    queue_prepend(l, s);
}

/* A block for every sequence that has outgrown its last; where there is none, who came last gives way. */
static void grow(struct llm_server *l)
{
    for (uint32_t i = 0; i < l->running && l->full > 0; i++) {
        struct seq *s = l->run[i];
        if (!decoding(s) || s->context < s->room)
            continue;
        while (!take_room(l, s, (uint64_t)s->context + 1)) {
            struct seq *last = l->run[l->running - 1];
            preempt(l, last);
            if (last == s)
                break;
        }
        if (s->state == RUNNING)
            l->full--;
    }
}

/* Puts a piece of a prompt into the step; false when the budget or the blocks do not allow one. */
static bool add_piece(struct llm_server *l, struct seq *s, int64_t *budget)
{
    uint32_t left = s->target - s->context, piece = left;
    double pairs;

    if (*budget <= 0)
        return false;
    if (l->mode == PREFILL_CHUNKED && piece > *budget)
        piece = (uint32_t)*budget;
    else if (piece > *budget && l->pieces > 0)
        return false; /* whole or not at all; one beyond the budget is the only one of its step */
    if (l->p.reserve_output == 0 && !take_room(l, s, (uint64_t)s->context + piece))
        return false;
    s->piece = piece;
    l->pieces++;
    *budget -= piece;
    pairs = (double)piece * (s->context + 0.5 * piece);
    l->step.compute += piece * l->ns_token + pairs * l->ns_pair;
    l->step.stream += (double)s->context * l->ns_context;
    return true;
}

/* The rest of begun prompts, in order. */
static bool continue_prompts(struct llm_server *l, int64_t *budget)
{
    bool any = false;

    for (uint32_t i = 0; i < l->running && l->prefilling > 0; i++) {
        struct seq *s = l->run[i];
        if (decoding(s))
            continue;
        if (!add_piece(l, s, budget))
            break;
        any = true;
    }
    return any;
}

static bool admit(struct llm_server *l, int64_t *budget)
{
    bool any = false;

    while (l->head && l->running < l->max_sequences) {
        struct seq *s = l->head;
        if (s->from_step > l->stats.steps + 1 && (l->running > 0 || l->pieces > 0))
            break;
        s->target = s->prompt + s->made;
        s->context = 0;
        if (l->p.prefix_cache != 0 && s->call->cached_tokens < s->prompt)
            s->context = s->call->cached_tokens;
        if (l->p.reserve_output != 0 && *budget > 0 && !take_room(l, s, (uint64_t)s->prompt + s->output))
            break;
        if (!add_piece(l, s, budget)) {
            give_room(l, s);
            break;
        }
        queue_remove(l, s);
        s->state = RUNNING;
        s->slot = l->running;
        l->run[l->running++] = s;
        l->stats.running++;
        l->prefilling++;
        l->step.host += l->p.host_prompt;
        any = true;
    }
    return any;
}

static void add_decoding(struct llm_server *l, int64_t *budget)
{
    uint32_t n = l->running - l->prefilling;

    for (uint32_t i = 0; i < l->running; i++)
        l->run[i]->decodes = decoding(l->run[i]);
    *budget -= n;
    l->step.compute += n * l->ns_token;
    l->step.stream += (double)(l->context + n) * l->ns_context;
}

/* Nothing moved although sequences run: prompts hold all blocks. The last one gives way. */
static void unblock(struct llm_server *l)
{
    preempt(l, l->run[l->running - 1]);
}

static void schedule(struct llm_server *l)
{
    int64_t budget = l->budget;
    uint64_t preempted = l->stats.preemptions;
    bool prompts = false;
    uint32_t decoders;

    if (l->engine.busy || l->delivering || (l->running == 0 && !l->head))
        return;
    count_time(l);
    if (l->full > 0)
        grow(l);
    l->step = (struct gpu_step){.host = l->p.host, .launch = l->p.launch, .floor = l->p.floor, .memory = l->ns_weights};
    l->pieces = 0;
    decoders = l->running - l->prefilling;
    if (l->mode != PREFILL_ALONE && decoders > 0)
        add_decoding(l, &budget);
    prompts = continue_prompts(l, &budget);
    if ((l->prefilling == 0 || prompts) && l->stats.preemptions == preempted)
        prompts |= admit(l, &budget);
    if (l->mode == PREFILL_ALONE && !prompts && decoders > 0)
        add_decoding(l, &budget);
    if (!prompts && decoders == 0) {
        if (l->running > 0) {
            unblock(l);
            schedule(l);
        }
        return;
    }
    l->step.host += l->running * l->p.host_sequence;
    l->stats.steps++;
    note_peaks(l);
    serve_engine_submit(&l->engine, &l->step);
}

/* ---- the end of a step ---- */

static void finish(struct llm_server *l, struct seq *s, enum serve_status status)
{
    struct llm_call *c = s->call;

    seq_free(s);
    c->impl = NULL;
    c->on->end(c, status);
}

/* One more token of a sequence; its call may be cancelled meanwhile. */
static void say(struct llm_server *l, struct seq *s)
{
    struct llm_call *c = s->call;
    uint32_t i = s->slot, token = s->made++;
    const struct script *script = c->script;

    l->stats.tokens++;
    if (c->on->tokens) {
        uint32_t begin = script && token > 0 ? script->end[token - 1] : 0;
        c->on->tokens(c, 1, script ? script->text + begin : NULL, script ? script->end[token] - begin : 0);
    }
    if (l->run[i] != s || s->made < s->output)
        return;
    leave(l, s);
    l->stats.done++;
    finish(l, s, SERVE_OK);
}

static void on_step_done(void *arg)
{
    struct llm_server *l = arg;
    uint32_t n = l->running; /* who joined since waits in the queue */

    count_time(l);
    l->delivering = true;
    for (uint32_t i = 0; i < n; i++) {
        struct seq *s = l->run[i];
        if (!s)
            continue;
        if (s->piece > 0) {
            s->context += s->piece;
            l->stats.prompt_tokens += s->piece;
            s->piece = 0;
            if (!decoding(s))
                continue;
            l->prefilling--;
            l->context += s->context;
            l->full += s->context >= s->room;
        } else if (s->decodes) {
            s->context++;
            l->context++;
            l->full += s->context == s->room;
        } else {
            continue;
        }
        s->decodes = false;
        say(l, s);
    }
    l->delivering = false;
    close_holes(l);
    schedule(l);
}

/* ---- the port ---- */

static void refuse(struct llm_server *l, struct seq *s, enum serve_status status)
{
    if (status == SERVE_REJECTED)
        l->stats.rejected++;
    else
        l->stats.too_large++;
    finish(l, s, status);
}

static void on_front(struct timer *t)
{
    struct seq *s = CONTAINER_OF(t, struct seq, front);
    struct llm_server *l = s->server;

    l->stats.arriving--;
    if (s->output == 0) { /* nothing asked: answered at once */
        l->stats.done++;
        finish(l, s, SERVE_OK);
        return;
    }
    if (blocks_for(l, (uint64_t)s->prompt + s->output) > l->blocks) {
        refuse(l, s, SERVE_TOO_LARGE);
        return;
    }
    if (l->stats.waiting >= l->queue_most && (l->running >= l->max_sequences || l->head)) {
        refuse(l, s, SERVE_REJECTED);
        return;
    }
    s->number = l->numbers++;
    s->from_step = l->p.ahead > 0 && l->engine.busy ? l->stats.steps + 2 : 0;
    queue_append(l, s);
    schedule(l);
}

static void submit(struct llm_service *service, struct llm_call *c)
{
    struct llm_server *l = (struct llm_server *)service;
    struct seq *s = seq_new(l);

    s->state = ARRIVING;
    s->call = c;
    s->prompt = c->prompt_tokens > 0 ? c->prompt_tokens : 1;
    s->output = c->max_tokens;
    if (c->script && c->script->tokens < s->output)
        s->output = c->script->tokens;
    s->made = s->context = s->target = s->room = s->piece = 0;
    s->decodes = false;
    c->impl = s;
    l->stats.accepted++;
    l->stats.arriving++;
    timer_start(l->world, &s->front, l->world->now + (int64_t)(l->p.front + l->p.front_token * s->prompt));
}

static void cancel(struct llm_service *service, struct llm_call *c)
{
    struct llm_server *l = (struct llm_server *)service;
    struct seq *s = c->impl;

    if (!s)
        return;
    c->impl = NULL;
    count_time(l);
    switch (s->state) {
    case ARRIVING:
        timer_stop(l->world, &s->front);
        l->stats.arriving--;
        break;
    case WAITING:
        queue_remove(l, s);
        break;
    case RUNNING:
        leave(l, s);
        break;
    case FREE:
        assert(0 && "a call that is not under way");
    }
    l->stats.cancelled++;
    seq_free(s);
    schedule(l);
}

static const struct llm_service_ops llm_ops = {.submit = submit, .cancel = cancel};

/* ---- life ---- */

struct llm_server *llm_server_new(struct world *w, const char *name, const struct profile *p,
                                  const struct serve_place *at, struct err *err)
{
    struct llm_server *l = xcalloc(1, sizeof *l);
    double kv;

    assert(p->kind == PROFILE_LLM);
    l->service.ops = &llm_ops;
    l->world = w;
    l->counted_at = w->now;
    l->p = p->llm;
    l->p.front += (double)at->round_trip;
    l->ns_token = 1e9 * l->p.flops_token / (l->p.peak_flops * l->p.compute_efficiency);
    l->ns_pair = 1e9 * l->p.flops_attention / (l->p.peak_flops * l->p.compute_efficiency);
    l->ns_weights = 1e9 * l->p.weights / (l->p.peak_bandwidth * l->p.memory_efficiency);
    l->ns_context = 1e9 * l->p.kv_token / (l->p.peak_bandwidth * l->p.kv_efficiency);
    l->mode = (enum prefill_mode)l->p.prefill_mode;
    l->block = (uint32_t)l->p.kv_block;
    l->max_sequences = (uint32_t)l->p.max_sequences;
    l->budget = (uint32_t)l->p.token_budget;
    l->queue_most = (uint32_t)l->p.queue;
    if (serve_engine_attach(&l->engine, name, p, at, on_step_done, l, err) < 0) {
        free(l);
        return NULL;
    }
    kv = (double)l->engine.memory - l->p.weights - l->p.runtime;
    if (kv < l->p.kv_token * l->p.kv_block) {
        err_set(err, ERR_INPUT, "%s: profile %s: no memory is left for a KV cache: %.2f GiB taken, weights %.2f GiB, runtime %.2f GiB",
                name, p->name, (double)l->engine.memory / (1 << 30), l->p.weights / (1 << 30), l->p.runtime / (1 << 30));
        free(l);
        return NULL;
    }
    l->blocks = l->free_blocks = (uint32_t)(kv / (l->p.kv_token * l->p.kv_block));
    l->run = xcalloc(l->max_sequences + 1, sizeof *l->run);
    return l;
}

void llm_server_free(struct llm_server *l)
{
    if (!l)
        return;
    for (struct slab *s = l->slabs, *next; s; s = next) {
        next = s->next;
        for (int i = 0; i < SLAB; i++)
            timer_stop(l->world, &s->seqs[i].front);
        free(s);
    }
    free(l->run);
    free(l);
}

struct llm_service *llm_server_service(struct llm_server *l)
{
    return &l->service;
}

void llm_server_stats(const struct llm_server *l, struct llm_stats *ret)
{
    double since = (double)(l->world->now - l->counted_at);

    *ret = l->stats;
    ret->max_sequences = l->max_sequences;
    ret->blocks_total = l->blocks;
    ret->blocks_used = l->blocks - l->free_blocks;
    ret->running_ns += since * ret->running;
    ret->blocks_ns += since * ret->blocks_used;
}

/* ---- invariants ---- */

static const char *check_running(const struct llm_server *l)
{
    uint64_t context = 0, blocks = 0;
    uint32_t prefilling = 0, full = 0, running = 0;

    for (uint32_t i = 0; i < l->running; i++) {
        const struct seq *s = l->run[i];
        if (!s)
            continue;
        running++;
        if (s->state != RUNNING || s->slot != i || !s->call || s->call->impl != s)
            return "a running sequence is out of its place";
        if (s->context > s->room || s->made >= s->output)
            return "a sequence has more tokens than room or asked for";
        blocks += s->room / l->block;
        if (decoding(s)) {
            context += s->context;
            full += s->context >= s->room;
        } else {
            prefilling++;
        }
    }
    if (running != l->stats.running || running > l->max_sequences)
        return "count of running sequences is wrong or above its cap";
    if (prefilling != l->prefilling || context != l->context || full != l->full)
        return "sums over the running sequences are wrong";
    if (blocks + l->free_blocks != l->blocks)
        return "KV blocks are not conserved";
    return NULL;
}

const char *llm_server_check(const struct llm_server *l)
{
    const struct llm_stats *t = &l->stats;
    const char *broken = check_running(l);
    uint32_t waiting = 0;

    if (broken)
        return broken;
    for (const struct seq *s = l->head; s; s = s->next) {
        waiting++;
        if (s->state != WAITING || s->room != 0)
            return "a waiting sequence holds blocks or is out of its place";
        if (s->made == 0 && s->next && s->next->number < s->number)
            return "the queue is out of order";
        if (s->next ? s->next->prev != s : l->tail != s)
            return "the queue's links are broken";
    }
    if (waiting != t->waiting)
        return "count of waiting sequences is wrong";
    if (t->accepted != t->done + t->rejected + t->too_large + t->cancelled + t->arriving + t->waiting + t->running)
        return "a call was lost or answered twice";
    if (!l->delivering && !l->engine.busy && (t->running > 0 || t->waiting > 0))
        return "work is there and no step runs";
    return NULL;
}
