/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said: how long users speak, what they say, what the model answers.
 *
 * Everything is drawn from streams keyed by (seed, user, turn number), so that every configuration
 * sees the same conversation (common random numbers) whatever happened before. Texts are stock
 * sentences (our own, data/texts/), cut into tokens when the stock is made: a turn copies whole
 * sentences into its user's buffer, which is the only memory it needs.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "serve/service.h"
#include "voice/session.h"

/*
 * A length: log-normal with the given mean and coefficient of variation, cut to [min, max] (which
 * moves the mean where they are close); cv 0 is a constant.
 */
struct spread {
    double mean, cv, min, max;
};
double spread_draw(const struct spread *s, struct rng *rng);

struct conversation_spec {
    struct spread speech;          /* s of one utterance, first to last voiced sample; mean 0: typed, a chat */
    double chars_per_s;            /* of the user's speech, for the length of its transcript */
    struct spread reply;           /* tokens of an answer */
    uint32_t max_tokens;           /* the request's limit; also what bounds `reply` */
    double chars_per_token;        /* of prompts (the user's words as the model counts them) */
    uint32_t system_tokens;        /* the system prompt */
    uint32_t history_tokens;       /* of earlier turns kept in the prompt at most; 0: none, as published */
    double prefix_cached;          /* part of system + history whose KV blocks the server may still hold, 0..1 */
    double decimals, abbreviations; /* fraction of reply sentences with "3.14", with "Dr. Smith" in them */
};

/*
 * Defaults, each with its reason (conversation.c): utterances of 3.9 s (cv 0.3), 15 characters/s,
 * replies of 60 tokens (cv 0.5, at most 512), 150 system tokens, 1,000 history tokens, 4 characters
 * per token.
 */
extern const struct conversation_spec CONVERSATION_DEFAULT;

/* Names the first field that is out of range and fails with ERR_INPUT; `where` prefixes the message. */
int conversation_check(const struct conversation_spec *spec, const char *where, struct err *err);

/* The sentences, cut into tokens once; immutable, may be shared between users and threads. */
struct stock;
struct stock *stock_new(void);
void stock_free(struct stock *s); /* NULL accepted */
size_t stock_sentences(const struct stock *s);

enum { CONVERSATION_MAX_TOKENS = 4096, CONVERSATION_MAX_TEXT = CONVERSATION_MAX_TOKENS * 8 };

/* One user's side of it. */
struct conversation;
struct conversation *conversation_new(const struct conversation_spec *spec,
                                      const struct stock *stock, uint64_t seed, uint32_t user);
void conversation_free(struct conversation *c); /* NULL accepted */

/* Another user's conversation from now on, its history empty (a new caller of an open load). */
void conversation_restart(struct conversation *c, uint32_t user);

/*
 * The next turn: number 0, 1, 2, ... in *ret; what it points to belongs to c and holds until the next
 * call. History grows by the utterance and the reply asked here.
 */
void conversation_turn(struct conversation *c, uint32_t turn, struct utterance *ret);

/*
 * The same with the lengths that a trace's request states, in tokens (0: as drawn). A typed turn's
 * reply of stated length is tokens without text (utterance.reply NULL, max_tokens its length),
 * however long; a spoken one has at most the spec's longest.
 */
void conversation_turn_sized(struct conversation *c, uint32_t turn, uint32_t prompt, uint32_t reply,
                             struct utterance *ret);

/* The stream of one of a user's other decisions in a turn (think time, barge-in); `what` tells them apart. */
void conversation_rng(const struct conversation *c, uint32_t turn, uint32_t what, struct rng *ret);

/* A script of exactly `tokens` tokens that repeats the stock's sentences; for single-service clients. */
struct script *stock_script(const struct stock *s, uint32_t tokens, uint64_t key);
void stock_script_free(struct script *s);
