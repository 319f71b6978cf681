/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several replicas of a model server behind one service.
 *
 * A call goes to the replica that holds the fewest calls at that moment; among equals to the one next in turn, so that
 * an idle set is used evenly. It stays there: a stream's audio and a cancel follow it. Nothing is queued here.
 */
#pragma once

#include "serve/service.h"

enum { BALANCE_MAX = 64 };

/* How many calls a replica holds now, waiting ones included. */
typedef uint32_t balance_load_fn(void *server);

/* One replica; exactly the field of the balancer's kind is set. */
struct balance_replica {
    union {
        struct asr_service *asr;
        struct llm_service *llm;
        struct tts_service *tts;
        struct infer_service *infer;
    };
    balance_load_fn *load;
    void *server; /* of load(); borrowed */
};

/* A balancer offers the four ports; only the one of its replicas' kind may be used. Place it and keep it in place. */
struct balance {
    struct asr_service asr;
    struct llm_service llm;
    struct tts_service tts;
    struct infer_service infer;
    struct balance_replica replicas[BALANCE_MAX];
    unsigned count, next;
};

void balance_init(struct balance *b);
void balance_add(struct balance *b, const struct balance_replica *r); /* at most BALANCE_MAX */
