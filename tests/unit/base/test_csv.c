/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "check.h"

TEST(reads_a_measured_table)
{
    static const char text[] = "# gpu: A100 80GB\r\n# isl: 200\n# a comment\nstreams, ttfa_avg_ms,\"odd, name\"\r\n"
                               "1,68.28,\"a \"\"b\"\"\nc\"\n\n4,,x\n";
    struct err err = {0};
    struct csv *c = csv_parse("t.csv", text, strlen(text), NULL, &err);
    double v = -1;

    CHECK(c);
    CHECK_STR(csv_meta(c, "gpu"), "A100 80GB");
    CHECK_EQ(csv_meta_count(c), 2);
    CHECK_EQ(csv_meta_number(c, "isl", &v, &err), 1);
    CHECK_NEAR(v, 200, 0);
    CHECK_EQ(csv_meta_number(c, "osl", &v, &err), 0);
    CHECK_EQ(csv_columns(c), 3);
    CHECK_EQ(csv_rows(c), 2);
    CHECK_EQ(csv_column(c, "ttfa_avg_ms"), 1);
    CHECK_EQ(csv_column(c, "nothing"), -1);
    CHECK_STR(csv_column_name(c, 2), "odd, name");
    CHECK_EQ(csv_number(c, 0, 1, &v, &err), 1);
    CHECK_NEAR(v, 68.28, 0);
    CHECK_STR(csv_cell(c, 0, 2), "a \"b\"\nc");
    CHECK_EQ(csv_number(c, 1, 1, &v, &err), 0);
    CHECK_EQ(csv_line(c, 0), 5);
    CHECK_EQ(csv_line(c, 1), 8);
    CHECK_EQ(csv_number(c, 1, 2, &v, &err), -1);
    CHECK_STR(err.msg, "t.csv:8:4: odd, name: found \"x\", expected a finite number");
    CHECK_EQ(csv_meta_number(c, "gpu", &v, &err), -1);
    CHECK_STR(err.msg, "t.csv:1:1: # gpu: found \"A100 80GB\", expected a finite number");
    csv_free(c);
}

TEST(refuses_what_is_no_table)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "t.csv:1:1: found no header, expected a line with the columns' names"},
        {"# gpu: x\n", "t.csv:2:1: found no header, expected a line with the columns' names"},
        {"a,b\n1\n", "t.csv:2:1: found 1 cell, expected 2 as in the header"},
        {"a,b\n1,2\n1,2,3\n", "t.csv:3:5: found more cells than the header has columns, expected 2"},
        {"a,,b\n1,2,3\n", "t.csv:1:3: found an empty column name, expected a name"},
        {"a,b,a\n", "t.csv:1:5: found the column \"a\" again, the first one is at 1:1"},
        {"a\n\"x\n", "t.csv:2:1: found a quoted cell that never ends, expected a closing \""},
        {"a\n\"x\"y\n", "t.csv:2:4: found text after a quoted cell, expected a comma or the line's end"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        CHECK(!csv_parse("t.csv", bad[i].text, strlen(bad[i].text), NULL, &err));
        CHECK_EQ(err.kind, ERR_INPUT);
        CHECK_STR(err.msg, bad[i].message);
    }
}

TEST(numbers_must_be_finite)
{
    static const char *const bad[] = {"nan", "NaN", "inf", "-inf", "1e999", "n/a", "1,5", "0x1", "12ms"};
    char text[64];
    double v;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        struct csv *c;
        snprintf(text, sizeof text, "a,b\n1,\"%s\"\n", bad[i]);
        c = csv_parse("t.csv", text, strlen(text), NULL, &err);
        CHECK(c);
        CHECK_EQ(csv_number(c, 0, 1, &v, &err), -1);
        CHECK_CONTAINS(err.msg, "t.csv:2:3: b: found ");
        csv_free(c);
    }
}

TEST(is_bounded)
{
    struct err err = {0};

    CHECK(!csv_parse("t", "a\n1\n2\n3\n", 8, &(struct csv_limits){.rows = 2}, &err));
    CHECK_STR(err.msg, "t:4:1: more than 2 rows");
    CHECK(!csv_parse("t", "a,b,c\n", 6, &(struct csv_limits){.columns = 2}, &err));
    CHECK_STR(err.msg, "t:1:5: more than 2 columns");
    CHECK(!csv_parse("t", "a\n1\n", 4, &(struct csv_limits){.bytes = 3}, &err));
    CHECK(!csv_parse("t", "a\n\0\n", 4, NULL, &err));
    CHECK_STR(err.msg, "t:2:1: found a NUL byte, expected text");
}

TEST(reads_all_measured_tables)
{
    const char *shared = getenv("SNUG_SHARED");
    char dir[400], path[800];
    struct dirent *e;
    unsigned count = 0;
    DIR *d;

    snprintf(dir, sizeof dir, "%s/tables", shared ? shared : "../shared");
    d = opendir(dir);
    if (!d)
        check_skip("no measured tables beside the checkout (SNUG_SHARED)");
    while ((e = readdir(d)) != NULL) {
        struct err err = {0};
        struct csv *c;
        if (!strstr(e->d_name, ".csv"))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        c = csv_open(path, NULL, &err);
        if (!c)
            check_fail(__FILE__, __LINE__, "%s", err.msg);
        CHECK(csv_rows(c) > 0);
        CHECK(csv_meta(c, "source"));
        csv_free(c);
        count++;
    }
    closedir(d);
    CHECK(count > 30);
}

PROPERTY(any_bytes_give_a_table_or_a_message, 2000)
{
    static const char alphabet[] = "a1,,\"\"\n\n #:\r.";
    char text[60];
    size_t n = gen_size(g, sizeof text);
    struct err err = {0};
    struct csv *c;

    for (size_t i = 0; i < n; i++)
        text[i] = alphabet[rng_below(&g->rng, sizeof alphabet - 1)];
    c = csv_parse("x", text, n, NULL, &err);
    CHECK((c != NULL) == (err.kind == ERR_NONE));
    csv_free(c);
}
