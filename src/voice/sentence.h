/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts a reply that is still arriving into sentences for the TTS.
 *
 * Sans-I/O: the caller keeps the text in one growing buffer and asks after every addition. What
 * comes out depends on the text alone, not on the pieces in which it arrived: a decision that needs
 * more text waits for it. Any bytes are text, UTF-8 is expected.
 *
 * SENTENCE_FULL ends a sentence at . ! ? or a run of them, with closing quotes and brackets, when
 * white space follows. Not so
 *  - within numbers and names: 3.14, v1.2, snug.example/?q
 *  - before a lower-case letter, after a single full stop, an ellipsis or a closing quote: approx.
 *    five, well... yes, "Why?" he asked
 *  - after a title or the like: Dr. Smith, e.g. Berlin; after a word that is an abbreviation before
 *    a number: No. 5, Jan. 3
 *  - after an initial, single letters with stops, Inc., St. and the like, unless the next word is
 *    one that begins sentences: J. Smith, U.S. Army, but "in the U.S. The ..."
 *  - after a numbering at the beginning or after a line break: 1. First
 * A danda or ideographic stop and a line break need no white space. A sentence shorter than `min`
 * bytes, or without a letter or digit, waits for the next one; one longer than `max` is cut behind
 * its last comma, semicolon or colon, else at its last space, else between two characters. What is
 * left at the end is a sentence if it has a letter or a digit.
 *
 * SENTENCE_NAIVE is the published pipeline's: every . ? ! danda or line break ends one, as there
 * where a token ends with it: "3." and "14 meters." are two.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum sentence_rule { SENTENCE_FULL, SENTENCE_NAIVE };

struct sentence_cutter {
    enum sentence_rule rule;
    size_t min, max;
    size_t start; /* of the current sentence */
    size_t scan;  /* up to here no end was found */
};

void sentence_init(struct sentence_cutter *c, enum sentence_rule rule, size_t min, size_t max);

/*
 * The next whole sentence of text[0..n), without the white space around it: true with its place.
 * Call it again until false after every addition. `over`: nothing more will come, what is left is a
 * sentence.
 */
bool sentence_next(struct sentence_cutter *c, const char *text, size_t n, bool over,
                   size_t *ret_from, size_t *ret_n);
