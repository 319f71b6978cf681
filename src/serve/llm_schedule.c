/* SPDX-License-Identifier: Apache-2.0 */
/* The queue, the KV cache and the making of a step: see serve/llm.h. */
#include "serve/llm_state.h"

/* ---- accounts ---- */

void llm_count_time(struct llm_server *l)
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

/* ---- the queue ---- */

void llm_queue_append(struct llm_server *l, struct seq *s)
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

void llm_queue_remove(struct llm_server *l, struct seq *s)
{
    *(s->prev ? &s->prev->next : &l->head) = s->next;
    *(s->next ? &s->next->prev : &l->tail) = s->prev;
    l->stats.waiting--;
}

/* ---- KV blocks ---- */

uint32_t llm_blocks_for(const struct llm_server *l, uint64_t tokens)
{
    return (uint32_t)((tokens + l->block - 1) / l->block);
}

static bool take_room(struct llm_server *l, struct seq *s, uint64_t tokens)
{
    uint32_t have = s->room / l->block, want = llm_blocks_for(l, tokens);

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

/* Takes a running sequence out of the sums; its blocks are given back. */
void llm_leave(struct llm_server *l, struct seq *s)
{
    if (llm_decoding(s)) {
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

void llm_close_holes(struct llm_server *l)
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
    llm_leave(l, s);
    s->context = 0;
    s->piece = 0;
    l->stats.preemptions++;
    queue_prepend(l, s);
}

/*
 * A block for every sequence that has outgrown its last; where there is none, who came last gives
 * way.
 */
static void grow(struct llm_server *l)
{
    for (uint32_t i = 0; i < l->running && l->full > 0; i++) {
        struct seq *s = l->run[i];
        if (!llm_decoding(s) || s->context < s->room)
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
        if (llm_decoding(s))
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
        llm_queue_remove(l, s);
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
        l->run[i]->decodes = llm_decoding(l->run[i]);
    *budget -= n;
    l->step.compute += n * l->ns_token;
    l->step.stream += (double)(l->context + n) * l->ns_context;
}

/* Nothing moved although sequences run: prompts hold all blocks. The last one gives way. */
static void unblock(struct llm_server *l)
{
    preempt(l, l->run[l->running - 1]);
}

void llm_schedule(struct llm_server *l)
{
    int64_t budget = l->budget;
    uint64_t preempted = l->stats.preemptions;
    bool prompts = false;
    uint32_t decoders;

    if (l->engine.busy || l->delivering || (l->running == 0 && !l->head))
        return;
    llm_count_time(l);
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
            llm_schedule(l);
        }
        return;
    }
    l->step.host += l->running * l->p.host_sequence;
    l->stats.steps++;
    note_peaks(l);
    serve_engine_submit(&l->engine, &l->step);
}
