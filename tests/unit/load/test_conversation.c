/* SPDX-License-Identifier: Apache-2.0 */
#include "load/conversation.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"

static void check_script(const struct script *s)
{
    CHECK_LE(1, s->tokens);
    for (uint32_t i = 0; i < s->tokens; i++) {
        uint32_t from = i ? s->end[i - 1] : 0;
        CHECK_LT(from, s->end[i]);
        CHECK_LE(s->end[i] - from, 8);
    }
    CHECK_EQ(strlen(s->text), s->end[s->tokens - 1]);
    CHECK(s->text[0] != ' ');
}

PROPERTY(scripts_are_whole_and_of_the_length_asked, 300)
{
    struct stock *stock = stock_new();
    struct conversation_spec spec = CONVERSATION_DEFAULT;
    struct conversation *c;
    struct utterance u;
    double tokens = (double)gen_range(g, 1, 2000);

    spec.reply = (struct spread){.mean = tokens};
    spec.max_tokens = (uint32_t)gen_range(g, 1, 2000);
    spec.decimals = gen_real(g, 0, 0.5);
    spec.abbreviations = gen_real(g, 0, 0.5);
    c = conversation_new(&spec, stock, rng_next(&g->rng), 3);
    for (uint32_t k = 0; k < 5; k++) {
        conversation_turn(c, k, &u);
        CHECK_EQ(u.reply->tokens, fmin(tokens, spec.max_tokens));
        check_script(u.reply);
    }
    conversation_free(c);
    stock_free(stock);
}

TEST(stock_has_4_2_characters_a_token)
{
    struct stock *stock = stock_new();
    struct script *s = stock_script(stock, 4000, 1);

    CHECK_LE(40, stock_sentences(stock));
    CHECK_EQ(s->tokens, 4000);
    check_script(s);
    CHECK_NEAR(s->end[3999] / 4000.0, 4.2, 0.1);
    stock_script_free(s);
    stock_free(stock);
}

TEST(replies_end_in_a_stop_and_hold_decimals_and_abbreviations)
{
    struct stock *stock = stock_new();
    struct conversation_spec spec = CONVERSATION_DEFAULT;
    struct conversation *c;
    struct utterance u;
    bool decimal = false, abbreviation = false;
    unsigned stops = 0;

    spec.decimals = spec.abbreviations = 0.2;
    c = conversation_new(&spec, stock, 1, 0);
    for (uint32_t k = 0; k < 200; k++) {
        conversation_turn(c, k, &u);
        decimal = decimal || strstr(u.reply->text, "3.14");
        abbreviation = abbreviation || strstr(u.reply->text, "Dr. Smith");
        stops += u.reply->text[strlen(u.reply->text) - 1] == '.';
        CHECK(!strstr(u.reply->text, "  "));
    }
    CHECK(decimal && abbreviation);
    CHECK_LE(160, stops); /* the rest ends with the first word of a sentence, cut by its length */
    conversation_free(c);
    stock_free(stock);
}

/* Turn 7 of user 2 is the same whatever was asked before, who else is there, and in which order. */
TEST(turns_are_keyed_by_user_and_number)
{
    struct stock *stock = stock_new();
    struct conversation_spec spec = CONVERSATION_DEFAULT;
    struct conversation *a, *b, *other;
    struct utterance x, y, z;

    spec.history_tokens = 0;
    a = conversation_new(&spec, stock, 5, 2);
    b = conversation_new(&spec, stock, 5, 9);
    other = conversation_new(&spec, stock, 5, 3);
    for (uint32_t k = 0; k <= 7; k++)
        conversation_turn(a, k, &x);
    conversation_restart(b, 2);
    conversation_turn(b, 7, &y);
    conversation_turn(other, 7, &z);
    CHECK(x.speech == y.speech && x.prompt_tokens == y.prompt_tokens && x.reply->tokens == y.reply->tokens);
    CHECK_STR(x.reply->text, y.reply->text);
    CHECK_STR(x.text, y.text);
    CHECK(x.speech != z.speech);
    conversation_free(a);
    conversation_free(b);
    conversation_free(other);
    stock_free(stock);
}

TEST(lengths_have_the_mean_and_spread_asked)
{
    struct stock *stock = stock_new();
    struct conversation_spec spec = CONVERSATION_DEFAULT;
    double speech = 0, tokens = 0, squares = 0;
    const int n = 20000;

    spec.reply = (struct spread){.mean = 60, .cv = 0.5, .min = 1, .max = 512};
    spec.speech = (struct spread){.mean = 3.9, .cv = 0.3, .min = 0.1, .max = 60};
    for (int k = 0; k < n; k++) {
        struct conversation *c = k % 100 == 0 ? conversation_new(&spec, stock, 1, (uint32_t)k) : NULL;
        static struct conversation *keep;
        struct utterance u;
        if (c) {
            conversation_free(keep);
            keep = c;
        }
        conversation_turn(keep, (uint32_t)k, &u);
        speech += (double)u.speech / 1e9;
        tokens += u.reply->tokens;
        squares += (double)u.reply->tokens * u.reply->tokens;
        CHECK_NEAR((double)strlen(u.text), (double)u.speech / 1e9 * 15, 2);
        if (k == n - 1) {
            conversation_free(keep);
            keep = NULL;
        }
    }
    CHECK_NEAR(speech / n, 3.9, 0.03);
    CHECK_NEAR(tokens / n, 60, 0.8);
    CHECK_NEAR(sqrt(squares / n - tokens / n * (tokens / n)) / 60, 0.5, 0.02);
    stock_free(stock);
}

TEST(history_grows_to_its_bound)
{
    struct stock *stock = stock_new();
    struct conversation_spec spec = CONVERSATION_DEFAULT;
    struct conversation *c;
    struct utterance u;
    uint32_t before = 0;

    spec.prefix_cached = 0.5;
    c = conversation_new(&spec, stock, 1, 0);
    for (uint32_t k = 0; k < 60; k++) {
        uint32_t said;
        conversation_turn(c, k, &u);
        said = (uint32_t)ceil((double)strlen(u.text) / 4);
        CHECK_LE(u.prompt_tokens, 150 + 1000 + said + 1);
        CHECK_NEAR(u.cached_tokens, (u.prompt_tokens - said) / 2.0, 1.5);
        if (k > 0 && k < 5)
            CHECK_LT(before, u.prompt_tokens - said);
        before = u.prompt_tokens - said;
    }
    CHECK_NEAR(before, 1150, 1);
    conversation_restart(c, 1);
    conversation_turn(c, 0, &u);
    CHECK_LT(u.prompt_tokens, 300);
    conversation_free(c);
    stock_free(stock);
}

TEST(bad_conversations_are_refused_by_field)
{
    struct conversation_spec s = CONVERSATION_DEFAULT;
    struct err err = {0};

    CHECK_EQ(conversation_check(&s, "conversation", &err), 0);
    s.reply.mean = 0;
    CHECK_EQ(conversation_check(&s, "conversation", &err), -1);
    CHECK_CONTAINS(err.msg, "conversation: reply: 0, expected 1 to 4096");
    s = CONVERSATION_DEFAULT;
    s.speech.max = 1;
    CHECK_EQ(conversation_check(&s, "conversation", &err), -1);
    CHECK_CONTAINS(err.msg, "min <= mean <= max");
    s = CONVERSATION_DEFAULT;
    s.prefix_cached = NAN;
    CHECK_EQ(conversation_check(&s, "conversation", &err), -1);
    s = CONVERSATION_DEFAULT;
    s.decimals = 0.7;
    s.abbreviations = 0.7;
    CHECK_EQ(conversation_check(&s, "conversation", &err), -1);
}
