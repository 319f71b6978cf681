/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sharing.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "check.h"

static const struct text_style STYLE = {.color = false};
static struct sharing_row ROWS[] = {
    {"nos_sharing", "mps", "3 pods", "mps_s", 0.164, 0.1655, 0.0091, false},
    {"nos_sharing", "time-slicing", "3 pods", "timeslicing_s", 0.2931, 0.2936, 0.002, true},
    {"parvagpu", "bert", "bert 3g batch 8 x2", "req_per_s", 100, 116, 0.16, false},
};

static struct sharing_results synthetic(void)
{
    return (struct sharing_results){.rows = {.at = ROWS, .n = ARRAY_LEN(ROWS)},
                                    .leave_one_out = NAN,
                                    .proportional = NAN,
                                    .minimum = 0.067,
                                    .amdahl = NAN};
}

TEST(means_leave_out_what_is_no_evidence)
{
    struct sharing_results all = synthetic();
    struct sharing_rows r = all.rows;

    CHECK_NEAR(sharing_mape(&r, "nos_sharing", NULL), 0.0091, 1e-12);
    CHECK(isnan(sharing_mape(&r, "nos_sharing", "time-slicing")));
    CHECK(isnan(sharing_mape(&r, "none", NULL)));
    CHECK(!sharing_within_bars(&all)); /* bert alone is above 6 % */
    all.rows.n = 2;
    CHECK(sharing_within_bars(&all));
    all.leave_one_out = 0.061;
    CHECK(!sharing_within_bars(&all));
}

TEST(json_has_the_keys_of_a_validation)
{
    struct sharing_results r = synthetic();
    cleanup_buf struct buf out = {.max = 1 << 20};
    json_t *root, *row;

    sharing_report(&r, SHARING_JSON, &STYLE, &out);
    CHECK((root = json_loads(buf_str(&out), 0, NULL)));
    CHECK_STR(json_string_value(json_object_get(root, "kind")), "Validation");
    CHECK(json_is_false(json_object_get(root, "within_bars")));
    CHECK_EQ(json_array_size(json_object_get(root, "rows")), 3);
    row = json_array_get(json_object_get(root, "rows"), 0);
    CHECK_STR(json_string_value(json_object_get(row, "row")), "3 pods");
    CHECK_NEAR(json_real_value(json_object_get(row, "error")), 0.0091, 1e-9);
    json_decref(root);
}

TEST(the_table_says_what_holds)
{
    struct sharing_results r = synthetic();
    cleanup_buf struct buf out = {.max = 1 << 20};

    sharing_report(&r, SHARING_TABLE, &STYLE, &out);
    CHECK_CONTAINS(buf_str(&out), "MIG scaling, 2g 3g 4g from 1g and 7g");
    CHECK_CONTAINS(buf_str(&out), "min(g x 1g, 7g)");
    CHECK_CONTAINS(buf_str(&out), "missed");
    CHECK_CONTAINS(buf_str(&out), "holds");
    CHECK_CONTAINS(buf_str(&out), "constant from this table");
    buf_clear(&out);
    sharing_report(&r, SHARING_CSV, &STYLE, &out);
    CHECK_CONTAINS(buf_str(&out), "nos_sharing,mps,\"3 pods\",mps_s,0.164,0.1655,0.0091,0\n");
}

/* docs/sharing.md holds what the program predicts now; SNUG_UPDATE=1 writes it anew. */
TEST(the_document_is_what_the_program_predicts)
{
    const char *dir = getenv("SNUG_SHARED") ? getenv("SNUG_SHARED") : "../shared";
    static const char first[] = "<!-- generated", last[] = "<!-- end -->";
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);
    cleanup_sharing_results struct sharing_results all = {0};
    cleanup_buf struct buf fresh = {.max = 1 << 20}, text = {.max = 1 << 20};
    cleanup_buf struct buf page = {.max = 1 << 20};
    char *old, *from, *to;

    if (sharing_run(dir, c, &all, &err) < 0 || isnan(all.leave_one_out) ||
        isnan(sharing_mape(&all.rows, "nos_sharing", NULL)))
        check_skip("no measured tables beside the checkout (SNUG_SHARED)");
    sharing_report(&all, SHARING_MARKDOWN, &STYLE, &fresh);
    if (file_read("docs/sharing.md", &page, &err) < 0)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    old = page.data;
    CHECK((from = strstr(old, first)) && (from = strchr(from, '\n')) && (to = strstr(from, last)));
    buf_add(&text, from + 1, (size_t)(to - from - 1));
    if (getenv("SNUG_UPDATE")) {
        FILE *f = fopen("docs/sharing.md", "w");
        CHECK(f);
        fprintf(f, "%.*s%s%s", (int)(from + 1 - old), old, buf_str(&fresh), to);
        CHECK_EQ(fclose(f), 0);
        return;
    }
    if (strcmp(buf_str(&text), buf_str(&fresh)) != 0)
        check_fail(__FILE__, __LINE__, "docs/sharing.md is out of date; SNUG_UPDATE=1 %s",
                   "build/release/tests/test-report-sharing writes it anew");
}
