/* SPDX-License-Identifier: Apache-2.0 */
#include "load/arrivals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/world.h"
#include "check.h"

static struct arrival_trace *parse(const char *text, struct err *err)
{
    return arrival_trace_parse("t.csv", text, strlen(text), err);
}

TEST(poisson_has_its_rate_and_its_variance)
{
    struct arrivals a;
    struct arrival x, before = {0};
    double sum = 0, squares = 0;
    const int n = 100000;

    arrivals_init(&a, &(struct arrivals_spec){.process = ARRIVALS_POISSON, .rate = 50}, 1, 2);
    for (int i = 0; i < n; i++) {
        double gap;
        CHECK(arrivals_next(&a, &x));
        CHECK_EQ(x.number, i);
        CHECK_GE(x.at, before.at);
        gap = (double)(x.at - before.at) / 1e9;
        sum += gap;
        squares += gap * gap;
        before = x;
    }
    CHECK_NEAR(sum / n, 0.02, 0.0002);
    CHECK_NEAR(sqrt(squares / n - sum / n * (sum / n)), 0.02, 0.0004);
}

TEST(constant_gaps_add_up_without_rounding)
{
    struct arrivals a;
    struct arrival x = {0};

    arrivals_init(&a, &(struct arrivals_spec){.process = ARRIVALS_CONSTANT, .rate = 3, .speedup = 2}, 1, 2);
    for (int i = 0; i < 60000; i++)
        CHECK(arrivals_next(&a, &x));
    CHECK_NEAR((double)x.at, 59999.5 / 6 * 1e9, 2);
}

TEST(same_seed_same_schedule)
{
    struct arrivals a, b, c;
    struct arrival x, y, z;
    struct arrivals_spec s = {.process = ARRIVALS_POISSON, .rate = 1};
    bool differs = false;

    arrivals_init(&a, &s, 1, 2);
    arrivals_init(&b, &s, 1, 2);
    arrivals_init(&c, &s, 2, 2);
    for (int i = 0; i < 100; i++) {
        CHECK(arrivals_next(&a, &x) && arrivals_next(&b, &y) && arrivals_next(&c, &z));
        CHECK_EQ(x.at, y.at);
        differs = differs || x.at != z.at;
    }
    CHECK(differs);
}

TEST(a_trace_of_dates_as_azure_writes_it)
{
    struct err err = {0};
    struct arrival_trace *t = parse("TIMESTAMP,ContextTokens,GeneratedTokens\n"
                                    "2023-11-16 18:15:46.6805900,374,44\n"
                                    "2023-11-16 18:15:50.9951690,396,109\n"
                                    "2023-11-17T00:00:00Z,879,55\n"
                                    "2023-11-17T02:00:00+02:00,1,2\n",
                                    &err);

    CHECK(t);
    CHECK_EQ(t->count, 4);
    CHECK_EQ(t->rows[0].at, 0);
    CHECK_EQ(t->rows[1].at, 4314579000);
    CHECK_EQ(t->rows[2].at, t->rows[3].at);
    CHECK_EQ(t->rows[2].at, (5 * 3600 + 44 * 60 + 13) * NS_PER_S + 319410000);
    CHECK(t->rows[1].context == 396 && t->rows[1].generated == 109);
    CHECK_NEAR(t->mean_context, 412.5, 1e-9);
    arrival_trace_free(t);
}

TEST(a_trace_of_seconds_is_sorted_sped_up_and_looped)
{
    struct err err = {0};
    struct arrival_trace *t = parse("timestamp,context,generated\n10.5,1,2\n10,3,4\n12,5,6\n", &err);
    struct arrivals a;
    struct arrival x;
    static const int64_t expected[] = {0, 250, 1000, 1333, 1583, 2333};
    static const uint32_t contexts[] = {3, 1, 5};

    CHECK(t);
    arrivals_init(&a, &(struct arrivals_spec){.process = ARRIVALS_TRACE, .trace = t, .speedup = 2, .loop = true}, 1, 1);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        CHECK(arrivals_next(&a, &x));
        CHECK_EQ(x.at / NS_PER_MS, expected[i]);
        CHECK_EQ(x.number, i);
        CHECK_EQ(x.context, contexts[i % 3]);
    }
    arrivals_init(&a, &(struct arrivals_spec){.process = ARRIVALS_TRACE, .trace = t, .offset = 400 * NS_PER_MS}, 1, 1);
    CHECK(arrivals_next(&a, &x));
    CHECK_EQ(x.at, 100 * NS_PER_MS);
    CHECK(arrivals_next(&a, &x) && !arrivals_next(&a, &x));
    arrival_trace_free(t);
}

static void check_refused(const char *text, const char *part)
{
    struct err err = {0};
    struct arrival_trace *t = parse(text, &err);

    CHECK(!t);
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg, "t.csv");
    CHECK_CONTAINS(err.msg, part);
}

TEST(bad_traces_are_refused_with_their_place)
{
    check_refused("context,generated\n1,2\n", "timestamp");
    check_refused("timestamp,context\n", "at least one row");
    check_refused("timestamp,context\n1,2\nnoon,2\n", "t.csv:3");
    check_refused("timestamp,context\n1,-2\n", "t.csv:2");
    check_refused("timestamp,context\n1,2.5\n", "number of tokens");
    check_refused("timestamp,context\nnan,2\n", "neither seconds nor");
    check_refused("timestamp,context\n1e300,2\n", "neither seconds nor");
    check_refused("timestamp,context\n2023-13-01,2\n", "neither seconds nor");
    check_refused("timestamp,context\n9999-01-01,2\n", "neither seconds nor");
    check_refused("timestamp,context\n1,nan\n", "t.csv:2");
}

TEST(the_azure_conversation_trace)
{
    const char *shared = getenv("SNUG_SHARED");
    char path[1024];
    struct err err = {0};
    struct arrival_trace *t;

    snprintf(path, sizeof path, "%s/traces/azure-llm-2023/conv.csv", shared ? shared : "../shared");
    t = arrival_trace_read(path, &err);
    if (!t && err.kind == ERR_OUTSIDE)
        check_skip("traces/azure-llm-2023/conv.csv not found: set SNUG_SHARED to the folder with the traces");
    CHECK(t);
    CHECK_EQ(t->count, 19366);
    CHECK_NEAR(t->mean_context, 1154.7, 0.1);
    CHECK_NEAR(t->mean_generated, 211.1, 0.1);
    CHECK_NEAR((double)t->rows[t->count - 1].at / 1e9, 3500, 10); /* close to an hour */
    arrival_trace_free(t);
}
