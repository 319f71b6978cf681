/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/intern.h"

#include <string.h>

#include "base/mem.h"

struct interned {
    const void *data;
    size_t n;
    uint64_t hash;
};

struct intern {
    struct arena *arena;
    struct interned *at;
    size_t n, cap;
    int *table; /* number + 1, 0: free */
    size_t size;
};

struct intern *intern_new(void)
{
    struct intern *t = xcalloc(1, sizeof *t);

    t->arena = arena_new();
    t->size = 64;
    t->table = xcalloc(t->size, sizeof *t->table);
    return t;
}

void intern_free(struct intern *t)
{
    if (!t)
        return;
    arena_free(t->arena);
    free(t->at);
    free(t->table);
    free(t);
}

static uint64_t hash_bytes(const unsigned char *p, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h ^ (h >> 29);
}

static void widen(struct intern *t)
{
    free(t->table);
    t->size *= 2;
    t->table = xcalloc(t->size, sizeof *t->table);
    for (size_t i = 0; i < t->n; i++) {
        size_t at = t->at[i].hash & (t->size - 1);
        while (t->table[at])
            at = (at + 1) & (t->size - 1);
        t->table[at] = (int)i + 1;
    }
}

int intern(struct intern *t, const void *data, size_t n)
{
    uint64_t h = hash_bytes(data, n);
    size_t at = h & (t->size - 1);

    for (; t->table[at]; at = (at + 1) & (t->size - 1)) {
        const struct interned *e = &t->at[t->table[at] - 1];
        if (e->hash == h && e->n == n && memcmp(e->data, data, n) == 0)
            return t->table[at] - 1;
    }
    GROW(t->at, t->cap, t->n + 1);
    t->at[t->n] = (struct interned){arena_strndup(t->arena, "", 0), n, h};
    if (n) {
        void *copy = arena_alloc(t->arena, n);
        memcpy(copy, data, n);
        t->at[t->n].data = copy;
    }
    t->table[at] = (int)++t->n;
    if (t->n * 2 > t->size)
        widen(t);
    return (int)t->n - 1;
}

size_t intern_count(const struct intern *t)
{
    return t->n;
}

const void *intern_at(const struct intern *t, int number, size_t *ret_n)
{
    if (ret_n)
        *ret_n = t->at[number].n;
    return t->at[number].data;
}
