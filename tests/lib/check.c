/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct check_test *first, **last = &first;
static jmp_buf on_end;
static char message[2000];
static enum { RUNNING, FAILED, SKIPPED } state;

void check_register(struct check_test *t)
{
    *last = t;
    last = &t->next;
}

_Noreturn void check_fail(const char *file, int line, const char *fmt, ...)
{
    int n = snprintf(message, sizeof message, "%s:%d: ", file, line);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message + n, sizeof message - (size_t)n, fmt, ap);
    va_end(ap);
    state = FAILED;
    longjmp(on_end, 1);
}

_Noreturn void check_skip(const char *reason)
{
    snprintf(message, sizeof message, "%s", reason);
    state = SKIPPED;
    longjmp(on_end, 1);
}

size_t gen_size(struct gen *g, size_t max)
{
    return (size_t)((double)rng_below(&g->rng, max + 1) * g->scale);
}

int64_t gen_range(struct gen *g, int64_t lo, int64_t hi)
{
    return lo + (int64_t)((double)rng_below(&g->rng, (uint64_t)(hi - lo) + 1) * g->scale);
}

double gen_real(struct gen *g, double lo, double hi)
{
    return lo + (hi - lo) * rng_unit(&g->rng) * g->scale;
}

bool gen_bool(struct gen *g)
{
    return rng_next(&g->rng) >> 63;
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);

    return s && *s ? strtoull(s, NULL, 0) : otherwise;
}

static bool run_property(const struct check_test *t, uint64_t seed, double scale)
{
    struct gen g = {.scale = scale};

    rng_init(&g.rng, seed, rng_key(t->name));
    state = RUNNING;
    if (setjmp(on_end) == 0)
        t->property(&g);
    return state != FAILED;
}

static void run_test(const struct check_test *t)
{
    state = RUNNING;
    if (setjmp(on_end) == 0)
        t->body();
}

static void property(const struct check_test *t)
{
    uint64_t seed = env_number("SNUG_SEED", 0), runs = t->runs * env_number("SNUG_RUNS", 1);
    double scale = (double)env_number("SNUG_SIZE", 1024) / 1024;
    char smallest[sizeof message];

    if (seed) {
        run_property(t, seed, scale);
        return;
    }
    for (seed = 1; seed <= runs; seed++)
        if (!run_property(t, seed, 1))
            break;
        else if (state == SKIPPED)
            return;
    if (seed > runs)
        return;
    memcpy(smallest, message, sizeof smallest);
    scale = 1;
    for (unsigned size = 1; size < 1024; size *= 2)
        if (!run_property(t, seed, size / 1024.0)) {
            scale = size / 1024.0;
            memcpy(smallest, message, sizeof smallest);
            break;
        }
    state = FAILED;
    snprintf(message, sizeof message, "%.1800s (SNUG_SEED=%" PRIu64 " SNUG_SIZE=%.0f)", smallest, seed, scale * 1024);
}

int main(int argc, char **argv)
{
    unsigned count = 0, number = 0;
    int failed = 0;
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (const struct check_test *t = first; t; t = t->next)
        count += !only || strstr(t->name, only) != NULL;
    printf("1..%u\n", count);
    for (const struct check_test *t = first; t; t = t->next) {
        if (only && !strstr(t->name, only))
            continue;
        state = RUNNING;
        if (t->property)
            property(t);
        else
            run_test(t);
        number++;
        if (state == FAILED) {
            failed = 1;
            printf("not ok %u - %s\n# %s\n", number, t->name, message);
        } else {
            printf("ok %u - %s%s%s\n", number, t->name, state == SKIPPED ? " # SKIP " : "", state == SKIPPED ? message : "");
        }
    }
    return failed;
}
