/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>

#include "check.h"

TEST(distance_counts_edits)
{
    CHECK_EQ(str_distance("", ""), 0);
    CHECK_EQ(str_distance("abc", ""), 3);
    CHECK_EQ(str_distance("compare", "Compare"), 0);
    CHECK_EQ(str_distance("comapre", "compare"), 1); /* a swap */
    CHECK_EQ(str_distance("kitten", "sitting"), 3);
    CHECK(str_distance("a", "0123456789012345678901234567890123456789012345678901234567890123") == SIZE_MAX);
}

TEST(nearest_suggests_only_what_may_be_meant)
{
    const char *const words[] = {"compare", "simulate", "fit", "gpus", NULL};

    CHECK_STR(str_nearest("simulat", words), "simulate");
    CHECK_STR(str_nearest("comapre", words), "compare");
    CHECK_STR(str_nearest("gpu", words), "gpus");
    CHECK(str_nearest("kubernetes", words) == NULL);
    CHECK(str_nearest("", words) == NULL);
    CHECK(str_nearest("x", words) == NULL);
}

TEST(list_matches_whole_words)
{
    CHECK(str_in_list("json", "table json svg"));
    CHECK(str_in_list("svg", "table json svg"));
    CHECK(!str_in_list("js", "table json svg"));
    CHECK(!str_in_list("table json", "table json svg"));
    CHECK(!str_in_list("", "table"));
}

static void random_word(struct gen *g, char *w, size_t max)
{
    size_t n = gen_size(g, max);

    for (size_t i = 0; i < n; i++)
        w[i] = (char)('a' + gen_range(g, 0, 3));
    w[n] = '\0';
}

PROPERTY(distance_is_symmetric_and_bounded, 2000)
{
    char a[16], b[16];
    size_t d, n, m;

    random_word(g, a, 15);
    random_word(g, b, 15);
    d = str_distance(a, b);
    n = strlen(a);
    m = strlen(b);
    CHECK_EQ(d, str_distance(b, a));
    CHECK_LE(d, n > m ? n : m);
    CHECK_GE(d, n > m ? n - m : m - n);
    CHECK((d == 0) == (strcmp(a, b) == 0));
}
