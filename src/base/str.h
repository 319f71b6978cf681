/* SPDX-License-Identifier: Apache-2.0 */
/* Small questions about words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The candidate nearest to a mistyped word by edits (a letter added, dropped, changed, or two neighbours swapped; case
 * aside), the first of equals; else the first that it begins, or that begins it (three letters at least); NULL
 * when none is near enough to be meant. `candidates` ends with NULL.
 */
const char *str_nearest(const char *word, const char *const *candidates);

/* The number of such edits between two words; words longer than 63 bytes are infinitely far (SIZE_MAX). */
size_t str_distance(const char *a, const char *b);

/* Whether `word` is one of the space-separated words of `list`. */
bool str_in_list(const char *word, const char *list);

/*
 * The length of the valid UTF-8 character at the start of n > 0 bytes; 0 when there is none (overlong, a surrogate,
 * beyond U+10FFFF, cut off). NUL is a character of one byte.
 */
size_t str_utf8(const char *s, size_t n);
