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

TEST(a_word_that_is_begun_is_meant)
{
    static const char *const words[] = {"timeSlicing", "mps", "mig", "alone", NULL};

    CHECK_STR(str_nearest("timeslicing", words), "timeSlicing");
    CHECK_STR(str_nearest("timeSlice", words), "timeSlicing");
    CHECK_STR(str_nearest("mgi", words), "mig");
    CHECK_STR(str_nearest("time", words), "timeSlicing");
    CHECK(!str_nearest("exclusive", words));
    CHECK(!str_nearest("", words));
}

TEST(utf8_characters)
{
    static const struct {
        const char *text;
        size_t n, length;
    } cases[] = {{"a", 1, 1}, {"", 1, 1}, {"\xc3\xa9", 2, 2}, {"\xe2\x82\xac", 3, 3}, {"\xf0\x9f\x98\x80", 4, 4}, {"\x80", 1, 0}, {"\xff", 1, 0},
                 {"\xc0\xaf", 2, 0}, {"\xe0\x80\xaf", 3, 0}, {"\xed\xa0\x80", 3, 0}, {"\xf4\x90\x80\x80", 4, 0}, {"\xe2\x82", 2, 0}, {"\xc3\x28", 2, 0}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_EQ(str_utf8(cases[i].text, cases[i].n), cases[i].length);
}
