/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: allocation that cannot fail, arenas, and cleanup attributes.
 *
 * Running out of memory ends the process (as in crun): no caller has a way on. What outside input can
 * make grow is bounded where it is read, so this is reached only on a machine that is truly out.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define NOT_NULL __attribute__((returns_nonnull))
NOT_NULL void *xmalloc(size_t size);
NOT_NULL void *xcalloc(size_t n, size_t size);
NOT_NULL void *xrealloc(void *p, size_t size);
NOT_NULL char *xstrdup(const char *s);
NOT_NULL char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Makes room for `need` elements of `size` bytes in *p (capacity *cap), at least doubling. */
void *xgrow(void *p, size_t *cap, size_t need, size_t size);
#define GROW(ptr, cap, need) ((ptr) = xgrow((ptr), &(cap), (need), sizeof *(ptr)))

static inline void cleanup_freep(void *p)
{
    free(*(void **)p);
}
#define cleanup_free __attribute__((cleanup(cleanup_freep)))

/* Gives the pointer away: returns it and leaves NULL behind for the cleanup attribute. */
#define TAKE(p)                   \
    (__extension__({              \
        __auto_type take_ = (p);  \
        (p) = NULL;               \
        take_;                    \
    }))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* An arena: everything allocated from it is freed at once. Memory comes zeroed. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL accepted */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_bytes(const struct arena *a); /* bytes handed out so far */
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

static inline void cleanup_arenap(struct arena **a)
{
    arena_free(*a);
}
#define cleanup_arena __attribute__((cleanup(cleanup_arenap)))
