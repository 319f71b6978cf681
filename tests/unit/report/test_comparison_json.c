/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison_json.h"

#include <math.h>

#include "base/buf.h"
#include "make_scenario.h"
#include "report/output.h"
#include "sim/compare.h"

static struct comparison *compared(uint64_t seed)
{
    struct scenario *s = make_voice_scenario();
    static const char *const loads[] = {"light", NULL};
    struct compare_spec spec = {.scenario = s, .loads = loads, .seed = seed, .repetitions = 2, .verdict = true};
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
    load = json_array_get(json_object_get(json_array_get(json_object_get(tree, "configurations"), 0), "loads"), 0);
    CHECK(json_is_false(json_object_get(load, "valid")));
    CHECK(json_is_null(json_object_get(load, "request_throughput")));
    CHECK(json_is_integer(json_object_get(json_object_get(load, "turns"), "started")));
    comparison_free(c);
}
