/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/llm.h"

#include <assert.h>

#include "base/mem.h"
#include "serve/llm_state.h"

/* ---- the pool ---- */

static void on_front(struct timer *t);

static struct seq *seq_new(struct llm_server *l)
{
    struct seq *s;

    if (!l->unused) {
        struct llm_slab *slab = xcalloc(1, sizeof *slab);
        slab->next = l->slabs;
        l->slabs = slab;
        for (int i = LLM_SLAB - 1; i >= 0; i--) {
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
    llm_leave(l, s);
    l->stats.done++;
    finish(l, s, SERVE_OK);
}

static void on_step_done(void *arg)
{
    struct llm_server *l = arg;
    uint32_t n = l->running; /* who joined since waits in the queue */

    llm_count_time(l);
    l->delivering = true;
    for (uint32_t i = 0; i < n; i++) {
        struct seq *s = l->run[i];
        if (!s)
            continue;
        if (s->piece > 0) {
            s->context += s->piece;
            l->stats.prompt_tokens += s->piece;
            s->piece = 0;
            if (!llm_decoding(s))
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
    llm_close_holes(l);
    llm_schedule(l);
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
    if (llm_blocks_for(l, (uint64_t)s->prompt + s->output) > l->blocks) {
        refuse(l, s, SERVE_TOO_LARGE);
        return;
    }
    if (l->stats.waiting >= l->queue_most && (l->running >= l->max_sequences || l->head)) {
        refuse(l, s, SERVE_REJECTED);
        return;
    }
    s->number = l->numbers++;
    s->from_step = l->p.ahead > 0 && l->engine.busy ? l->stats.steps + 2 : 0;
    llm_queue_append(l, s);
    llm_schedule(l);
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
    llm_count_time(l);
    switch (s->state) {
    case ARRIVING:
        timer_stop(l->world, &s->front);
        l->stats.arriving--;
        break;
    case WAITING:
        llm_queue_remove(l, s);
        break;
    case RUNNING:
        llm_leave(l, s);
        break;
    case FREE:
        assert(0 && "a call that is not under way");
    }
    l->stats.cancelled++;
    seq_free(s);
    llm_schedule(l);
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
        err_set(err, ERR_INPUT,
                "%s: profile %s: no memory is left for a KV cache: %.2f GiB taken, "
                "weights %.2f GiB, runtime %.2f GiB",
                name, p->name, (double)l->engine.memory / (1 << 30), l->p.weights / (1 << 30),
                l->p.runtime / (1 << 30));
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
    for (struct llm_slab *s = l->slabs, *next; s; s = next) {
        next = s->next;
        for (int i = 0; i < LLM_SLAB; i++)
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
        if (llm_decoding(s)) {
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
