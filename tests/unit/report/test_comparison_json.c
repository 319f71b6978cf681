/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison_json.h"

#include <math.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture_comparison.h"
#include "golden.h"
#include "make_scenario.h"
#include "report/output.h"
#include "sim/compare.h"

static struct comparison *compared(uint64_t seed)
{
    struct scenario *s = make_voice_scenario();
    static const char *const loads[] = {"light", NULL};
    struct compare_spec spec = {
        .scenario = s, .loads = loads, .seed = seed, .repetitions = 2, .verdict = true};
    struct err err = {0};
    struct comparison *c = compare_run(&spec, &err);

    if (!c)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    scenario_free(s);
    return c;
}

static char *text(const struct comparison *c, unsigned flags)
{
    cleanup_json json_t *tree = comparison_tree(c, flags);
    struct buf out = {.max = BUF_MAX_OUTPUT};

    output_json(tree, &out);
    return out.data;
}

TEST(the_same_seed_gives_the_same_bytes)
{
    struct comparison *a = compared(7), *b = compared(7), *other = compared(8);
    cleanup_free char *ta = text(a, 0), *tb = text(b, 0), *to = text(other, 0);

    CHECK_STR(ta, tb);
    CHECK(strcmp(ta, to) != 0);
    comparison_free(a);
    comparison_free(b);
    comparison_free(other);
}

/* What is written and read back is written again to the same bytes, histograms included. */
TEST(a_written_comparison_reads_back_whole)
{
    struct comparison *a = compared(7), *b;
    cleanup_free char *ta = text(a, COMPARISON_HISTOGRAMS), *tb = NULL;
    struct err err = {0};
    struct doc *d = doc_parse("run.json", ta, strlen(ta), NULL, &err);

    CHECK(d);
    b = comparison_read(doc_root(d, 0), &err);
    if (!b)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    tb = text(b, COMPARISON_HISTOGRAMS);
    CHECK_STR(tb, ta);
    doc_free(d);
    comparison_free(a);
    comparison_free(b);
}

TEST(an_invalid_load_withholds_its_numbers)
{
    struct comparison *c = compared(7);
    struct load_result *l = (struct load_result *)(uintptr_t)&c->configurations[0].loads[0];
    cleanup_json json_t *tree = NULL;
    const json_t *load;

    l->valid = false;
    tree = comparison_tree(c, 0);
    load = json_array_get(
        json_object_get(json_array_get(json_object_get(tree, "configurations"), 0), "loads"), 0);
    CHECK(json_is_false(json_object_get(load, "valid")));
    CHECK(json_is_null(json_object_get(load, "request_throughput")));
    CHECK(json_is_integer(json_object_get(json_object_get(load, "turns"), "started")));
    comparison_free(c);
}

/* ---- a comparison made by hand ---- */

static struct comparison *read_back(const char *json)
{
    struct err err = {0};
    cleanup_doc struct doc *doc = doc_parse("run.json", json, strlen(json), NULL, &err);
    struct comparison *c = doc ? comparison_read(doc_root(doc, 0), &err) : NULL;

    if (!c)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    return c;
}

TEST(one_configuration_looks_like_this)
{
    struct comparison *c = fixture_comparison(FIXTURE_ONE);
    cleanup_free char *json = text(c, 0);

    check_golden("comparison_one.json", json);
    comparison_free(c);
}

TEST(what_was_written_reads_back_to_the_same_bytes)
{
    static const unsigned kinds[] = {0,
                                     FIXTURE_ONE,
                                     FIXTURE_EMPTY,
                                     FIXTURE_NAN,
                                     FIXTURE_EVEN,
                                     FIXTURE_INVALID,
                                     FIXTURE_NO_HEADROOM | FIXTURE_NO_PRICE};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        for (unsigned flags = 0; flags <= COMPARISON_HISTOGRAMS + COMPARISON_WALL; flags++) {
            struct comparison *c = fixture_comparison(kinds[i]), *back;
            char *a = text(c, flags), *b;
            back = read_back(a);
            b = text(back, flags);
            CHECK_STR(b, a);
            free(a);
            free(b);
            comparison_free(c);
            comparison_free(back);
        }
}

/* Whatever stands where a number would, of an invalid load, is null; counts, audits and the layout
 * stay. */
TEST(an_invalid_measurement_withholds_every_number)
{
    static const char *const withheld[] = {"success_rate",
                                           "request_throughput",
                                           "throughput_per_gpu",
                                           "cost_per_1000_turns",
                                           "underruns_per_turn",
                                           "stalled_ms_per_turn",
                                           "limit",
                                           "timeline"};
    struct comparison *c = fixture_comparison(FIXTURE_INVALID);
    cleanup_json json_t *tree = comparison_tree(c, COMPARISON_HISTOGRAMS);
    json_t *load = json_array_get(
        json_object_get(json_array_get(json_object_get(tree, "configurations"), 0), "loads"), 1);
    const char *key;
    json_t *value;

    CHECK(json_is_false(json_object_get(load, "valid")));
    CHECK_STR(json_string_value(json_array_get(json_object_get(load, "invalid"), 0)),
              "steady_state");
    for (size_t i = 0; i < ARRAY_LEN(withheld); i++)
        if (!json_is_null(json_object_get(load, withheld[i])))
            check_fail(__FILE__, __LINE__, "%s is given", withheld[i]);
    json_object_foreach(json_object_get(load, "stages"), key, value) CHECK(json_is_null(value));
    CHECK_EQ(json_array_size(json_object_get(load, "waterfall")), 0);
    CHECK_EQ(json_integer_value(json_object_get(json_object_get(load, "turns"), "started")), 3050);
    CHECK_EQ(json_array_size(json_object_get(load, "audit")), 4);
    comparison_free(c);
}

TEST(a_file_with_a_foreign_key_is_refused)
{
    struct err err = {0};
    const char *json =
        "{\"apiVersion\": \"snug/v1\", \"kind\": \"Comparison\", \"clock\": \"virtual\", "
        "\"emulated\": true,\n"
        " \"scenario\": \"x\", \"seed\": 1, \"repetitions\": 1, \"configuration\": []}";
    cleanup_doc struct doc *doc = doc_parse("run.json", json, strlen(json), NULL, &err);

    CHECK(doc);
    CHECK(!comparison_read(doc_root(doc, 0), &err));
    CHECK_CONTAINS(err.msg, "run.json:2:");
    CHECK_CONTAINS(err.msg, "configurations");
}

TEST(csv_has_a_line_for_every_configuration_and_load)
{
    struct comparison *c = fixture_comparison(FIXTURE_HOSTILE);
    cleanup_json json_t *rows = comparison_rows(c);
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};

    output_csv(rows, &out);
    CHECK_EQ(json_array_size(rows), 16);
    CHECK_CONTAINS(buf_str(&out), "configuration,load,gpus,price_per_hour,users,");
    CHECK_CONTAINS(buf_str(&out), "\n\"mig,\"\"<img src=x onerror=alert(1)>'\",");
    comparison_free(c);
}

/* Every key that is written stands in docs/result.md; those of `failures` are reasons, not keys. */
static void check_documented(const char *page, const json_t *j)
{
    const char *key;
    json_t *value;
    size_t i;

    json_array_foreach(j, i, value) check_documented(page, value);
    if (!json_is_object(j))
        return;
    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        cleanup_free char *quoted = xasprintf("`%s`", key);
        if (!strstr(page, quoted))
            check_fail(__FILE__, __LINE__, "docs/result.md does not explain `%s`", key);
        if (strcmp(key, "failures") != 0)
            check_documented(page, value);
    }
}

TEST(every_key_is_documented)
{
    struct comparison *c = fixture_comparison(0);
    cleanup_json json_t *tree = comparison_tree(c, COMPARISON_HISTOGRAMS | COMPARISON_WALL);
    cleanup_buf struct buf page = {.max = FILE_MAX_INPUT};
    struct err err = {0};

    CHECK_EQ(file_read("docs/result.md", &page, &err), 0);
    check_documented(buf_str(&page), tree);
    comparison_free(c);
}
