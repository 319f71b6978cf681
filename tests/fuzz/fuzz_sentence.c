/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentence cutter on any bytes: whole and in pieces it finds the same sentences, in order,
 * none empty, none longer than the maximum. The first three bytes choose rule, minimum and
 * maximum, and the size of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "voice/sentence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct place {
    size_t from, n;
};

/* Returns how many there are; ret has room for one a byte. */
static size_t cut(const struct sentence_cutter *fresh, const char *text, size_t n, size_t piece,
                  struct place *ret)
{
    struct sentence_cutter c = *fresh;
    size_t count = 0, before = 0;

    for (size_t have = piece < n ? piece : n;; have = n - have < piece ? n : have + piece) {
        while (sentence_next(&c, text, have, have == n, &ret[count].from, &ret[count].n)) {
            const struct place *p = &ret[count++];
            if (p->n == 0 || p->from < before || p->from + p->n > have ||
                (c.rule == SENTENCE_FULL && p->n > c.max))
                __builtin_trap();
            before = p->from + p->n;
        }
        if (have == n)
            return count;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sentence_cutter fresh;
    const char *text = (const char *)data + 3;
    cleanup_free struct place *whole = NULL, *pieces = NULL;
    size_t n, a, b;

    if (size < 3)
        return 0;
    n = size - 3 < 8192 ? size - 3 : 8192;
    whole = xcalloc(n + 1, sizeof *whole);
    pieces = xcalloc(n + 1, sizeof *pieces);
    sentence_init(&fresh, data[0] & 1 ? SENTENCE_NAIVE : SENTENCE_FULL, data[0] >> 2,
                  (size_t)(data[0] >> 2) + 8 + data[1]);
    a = cut(&fresh, text, n, n + 1, whole);
    b = cut(&fresh, text, n, (size_t)1 + data[2] % 32, pieces);
    if (a != b)
        __builtin_trap();
    for (size_t i = 0; i < a; i++)
        if (whole[i].from != pieces[i].from || whole[i].n != pieces[i].n)
            __builtin_trap();
    return 0;
}
