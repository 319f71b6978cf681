/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test harness: tests register themselves, run in order of their names in the file, print TAP.
 *
 *     TEST(arena_gives_zeroed_memory) { ... CHECK_EQ(p[0], 0); }
 *     PROPERTY(heap_sorts, 1000) { size_t n = gen_size(g, 50); ... }
 *
 * A failed check ends its test and prints both values. A property runs its body with generated input, many
 * times; on failure it is run again with smaller sizes until it no longer fails, and the smallest
 * failing seed and size are printed: SNUG_SEED=S SNUG_SIZE=N reruns exactly that one. SNUG_RUNS scales
 * the number of runs (default 1). A program exits 1 when a test failed.
 */
#pragma once

#include <inttypes.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/rng.h"

/* The source of a property's input. Sizes shrink towards 0 with `scale` when a failure is narrowed down. */
struct gen {
    struct rng rng;
    double scale; /* (0, 1] */
};
size_t gen_size(struct gen *g, size_t max);               /* [0, max], shrinking to 0 */
int64_t gen_range(struct gen *g, int64_t lo, int64_t hi); /* [lo, hi], shrinking to lo */
double gen_real(struct gen *g, double lo, double hi);     /* [lo, hi), shrinking to lo */
bool gen_bool(struct gen *g);

struct check_test {
    const char *name;
    void (*body)(void);
    void (*property)(struct gen *g);
    unsigned runs;
    struct check_test *next;
};
void check_register(struct check_test *t);

#define TEST(id)                                                                                   \
    static void test_##id(void);                                                                   \
    __attribute__((constructor)) static void register_##id(void)                                   \
    {                                                                                              \
        static struct check_test t = {#id, test_##id, 0, 1, 0};                                    \
        check_register(&t);                                                                        \
    }                                                                                              \
    static void test_##id(void)

#define PROPERTY(id, n)                                                                            \
    static void test_##id(struct gen *g);                                                          \
    __attribute__((constructor)) static void register_##id(void)                                   \
    {                                                                                              \
        static struct check_test t = {#id, 0, test_##id, (n), 0};                                  \
        check_register(&t);                                                                        \
    }                                                                                              \
    static void test_##id(__attribute__((unused)) struct gen *g)

/* Ends the running test as failed / skipped with its reason. */
_Noreturn void check_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void check_skip(const char *reason);

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            check_fail(__FILE__, __LINE__, "%s", #cond);                                           \
    } while (0)
#define CHECK_INT_(a, op, b)                                                                       \
    do {                                                                                           \
        int64_t a_ = (int64_t)(a), b_ = (int64_t)(b);                                              \
        if (!(a_ op b_))                                                                           \
            check_fail(__FILE__, __LINE__, "%s %s %s: %" PRId64 " and %" PRId64, #a, #op, #b, a_, b_); \
    } while (0)
#define CHECK_EQ(a, b) CHECK_INT_(a, ==, b)
#define CHECK_NE(a, b) CHECK_INT_(a, !=, b)
#define CHECK_LE(a, b) CHECK_INT_(a, <=, b)
#define CHECK_LT(a, b) CHECK_INT_(a, <, b)
#define CHECK_GE(a, b) CHECK_INT_(a, >=, b)
#define CHECK_STR(a, b)                                                                            \
    do {                                                                                           \
        const char *a_ = (a), *b_ = (b);                                                           \
        if (!a_ || !b_ || strcmp(a_, b_) != 0)                                                     \
            check_fail(__FILE__, __LINE__, "%s: \"%s\", expected \"%s\"", #a, a_ ? a_ : "(null)", b_ ? b_ : "(null)"); \
    } while (0)
#define CHECK_CONTAINS(a, part)                                                                    \
    do {                                                                                           \
        const char *a_ = (a), *b_ = (part);                                                        \
        if (!a_ || !strstr(a_, b_))                                                                \
            check_fail(__FILE__, __LINE__, "%s: \"%s\" does not contain \"%s\"", #a, a_ ? a_ : "(null)", b_); \
    } while (0)
/* |a - b| <= tol, absolute */
#define CHECK_NEAR(a, b, tol)                                                                      \
    do {                                                                                           \
        double a_ = (a), b_ = (b), t_ = (tol);                                                     \
        if (!(a_ - b_ <= t_ && b_ - a_ <= t_))                                                     \
            check_fail(__FILE__, __LINE__, "%s: %.9g, expected %.9g within %.3g", #a, a_, b_, t_);  \
    } while (0)
