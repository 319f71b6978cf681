/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { WORD_MAX_LEN = 63 };

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The optimal string alignment distance, three rows of its table at a time. */
size_t str_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t rows[3][WORD_MAX_LEN + 1], *before = rows[0], *last = rows[1], *row = rows[2];

    if (n > WORD_MAX_LEN || m > WORD_MAX_LEN)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *free_row = before;

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = free_row;
    }
    return last[m];
}

/* Whether the shorter of the two, of three letters at least, begins the longer one. */
static bool begins(const char *a, const char *b)
{
    size_t n = least(strlen(a), strlen(b));

    return n >= 3 && strncasecmp(a, b, n) == 0;
}

const char *str_nearest(const char *word, const char *const *candidates)
{
    const char *const *first = candidates;
    const char *best = NULL;
    size_t best_distance = SIZE_MAX, bound = strlen(word) / 3 + 1;

    for (; *candidates; candidates++) {
        size_t d = str_distance(word, *candidates);
        if (d <= bound && d < strlen(*candidates) && d < best_distance) {
            best = *candidates;
            best_distance = d;
        }
    }
    for (size_t i = 0; !best && first[i]; i++)
        if (begins(word, first[i]))
            best = first[i];
    return best;
}

size_t str_utf8(const char *text, size_t n)
{
    static const uint32_t least_of[] = {0, 0, 0x80, 0x800, 0x10000}; /* smaller ones are overlong */
    const unsigned char *s = (const unsigned char *)text;
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    uint32_t c = s[0] & (0xffu >> (len + 1));

    if (len <= 1)
        return len;
    if (len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    return c < least_of[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : len;
}

bool str_in_list(const char *word, const char *list)
{
    size_t n = strlen(word);

    while (*list) {
        size_t len = strcspn(list, " ");
        if (len == n && memcmp(list, word, n) == 0)
            return true;
        list += len;
        list += strspn(list, " ");
    }
    return false;
}
