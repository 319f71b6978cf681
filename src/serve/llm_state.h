/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What llm.c (the port and the end of a step) and llm_schedule.c (the queue, the KV cache, the
 * making of a step) share; nobody else includes this.
 */
#pragma once

#include "serve/llm.h"

enum seq_state { FREE, ARRIVING, WAITING, RUNNING };
enum prefill_mode { PREFILL_ALONE, PREFILL_CHUNKED, PREFILL_WHOLE };

struct seq {
    struct llm_server *server;
    struct llm_call *call;
    struct seq *prev, *next; /* in the queue; next alone in the free list */
    enum seq_state state;
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

enum { LLM_SLAB = 64 };
struct llm_slab {
    struct llm_slab *next;
    struct seq seqs[LLM_SLAB];
};

struct llm_server {
    struct llm_service service; /* first: a service is its server */
    struct world *world;
    struct serve_engine engine;
    struct llm_params p;
    double ns_token, ns_pair, ns_weights, ns_context; /* step costs, derived from p */
    enum prefill_mode mode;
    uint32_t block, max_sequences, budget, queue_most;

    struct llm_slab *slabs;
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

void llm_count_time(struct llm_server *l); /* brings the time integrals up to now */

void llm_queue_append(struct llm_server *l, struct seq *s);
void llm_queue_remove(struct llm_server *l, struct seq *s);

uint32_t llm_blocks_for(const struct llm_server *l, uint64_t tokens);

/* It has its whole prompt in the cache and makes tokens. */
static inline bool llm_decoding(const struct seq *s)
{
    return s->context >= s->target;
}

/* Takes a running sequence out of the sums; its blocks are given back. */
void llm_leave(struct llm_server *l, struct seq *s);

/* Closes the holes that llm_leave() left in run[] while events were delivered. */
void llm_close_holes(struct llm_server *l);

/* Makes the next step and submits it, if none runs and there is work. */
void llm_schedule(struct llm_server *l);
