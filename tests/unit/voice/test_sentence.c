/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/sentence.h"

#include <ctype.h>
#include <stdio.h>

#include "check.h"

/* The sentences of a text that arrives in pieces of `piece` bytes, joined by '|'. */
static const char *cut(enum sentence_rule rule, size_t min, size_t max, const char *text, size_t n,
                       size_t piece)
{
    static char out[2][8192];
    static int turn;
    char *o = out[turn ^= 1];
    struct sentence_cutter c;
    size_t len = 0, from, k;

    sentence_init(&c, rule, min, max);
    for (size_t have = 0; have <= n; have = have < n && have + piece > n ? n : have + piece) {
        while (sentence_next(&c, text, have, have == n, &from, &k)) {
            CHECK(k > 0 && from + k <= have);
            CHECK(len + k + 2 < sizeof out[0]);
            memcpy(o + len, text + from, k);
            len += k;
            o[len++] = '|';
        }
        if (have == n)
            break;
    }
    o[len] = '\0';
    return o;
}

static const char *full(const char *text)
{
    return cut(SENTENCE_FULL, 1, 240, text, strlen(text), 3);
}

TEST(sentences_end_at_stops_followed_by_space)
{
    CHECK_STR(full("It rains. Take a coat! Will you? Yes..."),
              "It rains.|Take a coat!|Will you?|Yes...|");
    CHECK_STR(full("He said \"Go.\" Then he left."), "He said \"Go.\"|Then he left.|");
    CHECK_STR(full("(So it is.) Good."), "(So it is.)|Good.|");
    CHECK_STR(full("one\ntwo\n\nthree"), "one|two|three|");
    CHECK_STR(full("Wirklich?! Ja."), "Wirklich?!|Ja.|");
    CHECK_STR(full("\u0928\u092e\u0938\u094d\u0924\u0947\u0964 \u0920\u0940\u0915"),
              "\u0928\u092e\u0938\u094d\u0924\u0947\u0964|\u0920\u0940\u0915|");
    CHECK_STR(full(""), "");
    CHECK_STR(full("  \n "), "");
}

TEST(numbers_names_and_abbreviations_stay_whole)
{
    CHECK_STR(full("The value is 3.14 meters. Good."), "The value is 3.14 meters.|Good.|");
    CHECK_STR(full("Dr. Smith lives in the U.S. now. He is well."),
              "Dr. Smith lives in the U.S. now.|He is well.|");
    CHECK_STR(full("Use v1.2 of it, e.g. today. See snug.example/?a=b!c for more."),
              "Use v1.2 of it, e.g. today.|See snug.example/?a=b!c for more.|");
    CHECK_STR(full("See https://a.example/x?y. Then go."), "See https://a.example/x?y.|Then go.|");
    CHECK_STR(full("1. First\n2. Second"), "1. First|2. Second|");
    CHECK_STR(full("It costs $3.50. That is fine."), "It costs $3.50.|That is fine.|");
}

TEST(a_lower_case_letter_goes_on)
{
    CHECK_STR(full("Take approx. five of them. Go."), "Take approx. five of them.|Go.|");
    CHECK_STR(full("Well... yes. Well... No."), "Well... yes.|Well...|No.|");
    CHECK_STR(full("\"Why?\" he asked. \"Why?\" He asked."),
              "\"Why?\" he asked.|\"Why?\"|He asked.|");
    CHECK_STR(full("really? yes! ok."), "really?|yes!|ok.|");
    CHECK_STR(full("Apples, pears, etc. are fruit. Apples etc. Pears."),
              "Apples, pears, etc. are fruit.|Apples etc.|Pears.|");
}

TEST(an_abbreviation_before_a_number_is_a_word_elsewhere)
{
    CHECK_STR(full("Take No. 5 on Jan. 3. Is it? No. It is not."),
              "Take No. 5 on Jan. 3.|Is it?|No.|It is not.|");
    CHECK_STR(full("He likes art. It shows in Fig. 2. Wait 5 min. Then go."),
              "He likes art.|It shows in Fig. 2.|Wait 5 min.|Then go.|");
}

TEST(the_next_word_tells_what_an_initial_is)
{
    CHECK_STR(full("Ask J. Doe. She knows."), "Ask J. Doe.|She knows.|");
    CHECK_STR(full("It was me and I. Then he came."), "It was me and I.|Then he came.|");
    CHECK_STR(full("At 5 p.m. we left. We met at 6 p.m. The U.S. Army came."),
              "At 5 p.m. we left.|We met at 6 p.m.|The U.S. Army came.|");
    CHECK_STR(full("He works at Acme Inc. Paris likes it. She works at Acme Inc. They pay."),
              "He works at Acme Inc. Paris likes it.|She works at Acme Inc.|They pay.|");
    CHECK_STR(full("On Main St. Nicholas sang. We took Plan B. It worked."),
              "On Main St. Nicholas sang.|We took Plan B.|It worked.|");
}

TEST(what_has_nothing_to_say_waits_or_is_dropped)
{
    CHECK_STR(full("...\n---\nGood. ***"), "...\n---\nGood.|");
    CHECK_STR(full("**Note.** Go! !"), "**Note.**|Go!|");
    CHECK_STR(full("- One\n- Two"), "- One|- Two|");
    CHECK_STR(full("?!"), "");
}

TEST(short_sentences_wait_and_long_ones_are_cut)
{
    CHECK_STR(cut(SENTENCE_FULL, 12, 240, "Yes. I do. That is a fact. No.", 30, 4),
              "Yes. I do. That is a fact.|No.|");
    CHECK_STR(cut(SENTENCE_FULL, 1, 20, "one two three, four five six seven eight", 40, 5),
              "one two three,|four five six seven|eight|");
    CHECK_STR(cut(SENTENCE_FULL, 1, 8, "abcdefghijklmnop", 16, 16), "abcdefgh|ijklmnop|");
}

TEST(naive_rule_cuts_at_every_stop)
{
    const char *text = "The value is 3.14 meters. Dr. Smith lives in the U.S. now.";

    CHECK_STR(cut(SENTENCE_NAIVE, 1, 240, text, strlen(text), 4),
              "The value is 3.|14 meters.|Dr.|Smith lives in the U.|S.|now.|");
}

/*
 * Whatever the text and the pieces: the same sentences, every byte but white space once and in
 * order, none longer than max.
 */
PROPERTY(any_split_gives_the_same_sentences, 3000)
{
    static const char *const stock[] = {"a",      "Mr",         ".",    ".",    "!",      "?",
                                        " ",      " ",          "\n",   "3",    "\u0964", "\u201d",
                                        "\"",     "long word ", "x,",   "The ", "No",     "U.S",
                                        "\u3002", "\u00e9",     "\xff", "e.g."};
    char text[600], squeezed[2][600];
    const char *whole, *pieces;
    enum sentence_rule rule = gen_bool(g) ? SENTENCE_FULL : SENTENCE_NAIVE;
    size_t n = 0, min = 1 + gen_size(g, 20), max = min + 8 + gen_size(g, 100), k[2] = {0, 0};

    for (size_t i = gen_size(g, 100); i > 0 && n < 500; i--) {
        const char *s = stock[rng_below(&g->rng, sizeof stock / sizeof stock[0])];
        memcpy(text + n, s, strlen(s));
        n += strlen(s);
    }
    text[n] = '\0';
    whole = cut(rule, min, max, text, n, n ? n : 1);
    pieces = cut(rule, min, max, text, n, 1 + gen_size(g, 7));
    CHECK_STR(pieces, whole);
    for (const char *p = text; *p; p++)
        if (!strchr(" \n", *p))
            squeezed[0][k[0]++] = *p;
    for (const char *p = whole; *p; p++)
        if (!strchr(" \n|", *p))
            squeezed[1][k[1]++] = *p;
    if (rule == SENTENCE_FULL) /* an end without anything to say is dropped */
        while (k[0] > k[1] && !(squeezed[0][k[0] - 1] & 0x80) && !isalnum(squeezed[0][k[0] - 1]))
            k[0]--;
    squeezed[0][k[0]] = squeezed[1][k[1]] = '\0';
    CHECK_STR(squeezed[1], squeezed[0]);
    if (rule == SENTENCE_FULL)
        for (const char *p = whole, *q; (q = strchr(p, '|')); p = q + 1)
            CHECK_LE(q - p, max);
}
