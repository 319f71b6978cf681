/* SPDX-License-Identifier: Apache-2.0 */
#include "report/gpus.h"

#include <jansson.h>

#include "base/doc.h"
#include "base/mem.h"
#include "check.h"

static const struct text_style STYLE = {.color = false};

static struct catalog *opened(void)
{
    struct err err = {0};

    return catalog_open(&err);
}

static void check_width(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        cleanup_free char *line = xasprintf("%.*s", (int)n, text);
        if (text_width(line) > TEXT_COLUMNS)
            check_fail(__FILE__, __LINE__, "wider than %d columns: %s", TEXT_COLUMNS, line);
        if (n > 0 && line[n - 1] == ' ')
            check_fail(__FILE__, __LINE__, "ends with a blank: \"%s\"", line);
        text += n + (text[n] == '\n');
    }
}

TEST(tables_fit_a_terminal)
{
    cleanup_catalog struct catalog *c = opened();
    cleanup_buf struct buf list = {.max = 1 << 20};
    struct err err = {0};

    CHECK_EQ(gpus_list(c, GPUS_TABLE, &STYLE, &list, &err), 0);
    check_width(buf_str(&list));
    CHECK_CONTAINS(buf_str(&list), "A100-SXM4-80GB");
    for (size_t i = 0; i < catalog_count(c); i++) {
        cleanup_buf struct buf out = {.max = 1 << 20};
        const struct gpu_model *m = catalog_at(c, i, &err);
        CHECK_EQ(gpus_show(c, m, GPUS_TABLE, &STYLE, &out, &err), 0);
        check_width(buf_str(&out));
        buf_clear(&out);
        if (m->grid > 0) {
            CHECK_EQ(
                gpus_layouts(m, gpu_profiles_all(m), LAYOUT_PARETO, GPUS_TABLE, &STYLE, &out, &err),
                0);
            check_width(buf_str(&out));
        }
    }
}

TEST(json_holds_the_catalogue)
{
    cleanup_catalog struct catalog *c = opened();
    cleanup_buf struct buf out = {.max = 1 << 20};
    struct err err = {0};
    const struct gpu_model *m = catalog_find(c, "GB200", &err);
    json_t *root, *mig, *p;

    CHECK_EQ(gpus_show(c, m, GPUS_JSON, &STYLE, &out, &err), 0);
    root = json_loads(buf_str(&out), JSON_REJECT_DUPLICATES, NULL);
    CHECK(root);
    CHECK_STR(json_string_value(json_object_get(root, "kind")), "GPU");
    CHECK(!json_object_get(root, "sm")); /* not known: absent, never 0 */
    mig = json_object_get(root, "mig");
    CHECK_EQ(json_array_size(json_object_get(mig, "profiles")), 7);
    p = json_array_get(json_object_get(mig, "profiles"), 4);
    CHECK_STR(json_string_value(json_object_get(p, "name")), "3g.93gb");
    CHECK(!json_object_get(p, "sm"));
    CHECK_STR(json_string_value(json_array_get(json_object_get(p, "inferred"), 0)), "memory");
    json_decref(root);
}

TEST(json_counts_layouts)
{
    cleanup_catalog struct catalog *c = opened();
    struct err err = {0};
    const struct gpu_model *m = catalog_find(c, "A100-SXM4-80GB", &err);
    static const struct {
        enum layout_kind kind;
        const char *of;
        int count;
    } cases[] = {{LAYOUT_FEASIBLE, "feasible", 298},
                 {LAYOUT_MAXIMAL, "maximal", 19},
                 {LAYOUT_PARETO, "pareto", 12}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_buf struct buf out = {.max = 1 << 22};
        json_t *root;
        CHECK_EQ(
            gpus_layouts(m, gpu_profiles_base(m), cases[i].kind, GPUS_JSON, &STYLE, &out, &err), 0);
        CHECK((root = json_loads(buf_str(&out), 0, NULL)));
        CHECK_STR(json_string_value(json_object_get(root, "of")), cases[i].of);
        CHECK_EQ(json_integer_value(json_object_get(root, "count")), cases[i].count);
        CHECK_EQ(json_array_size(json_object_get(root, "layouts")), cases[i].count);
        json_decref(root);
    }
}

TEST(yaml_says_the_same_as_json)
{
    cleanup_catalog struct catalog *c = opened();
    cleanup_buf struct buf out = {.max = 1 << 20};
    cleanup_doc struct doc *doc = NULL;
    struct err err = {0};

    CHECK_EQ(gpus_list(c, GPUS_YAML, &STYLE, &out, &err), 0);
    CHECK((doc = doc_parse("out.yaml", buf_str(&out), out.len, NULL, &err)));
    CHECK_EQ(doc_get(doc_root(doc, 0), "gpus")->count, catalog_count(c));
}

TEST(places_instances_and_tells_the_room)
{
    cleanup_catalog struct catalog *c = opened();
    cleanup_buf struct buf out = {.max = 1 << 20};
    struct err err = {0};
    const struct gpu_model *m = catalog_find(c, "A100-SXM4-80GB", &err);

    CHECK_EQ(gpus_place(m, "1g.10gb, 3g.40gb@0", GPUS_CSV, &STYLE, &out, &err), 0);
    CHECK_STR(buf_str(&out), "layout,profile,start,size\n1,3g.40gb,0,4\n1,1g.10gb,6,1\n");
    buf_clear(&out);
    CHECK_EQ(gpus_place(m, "7g.80gb", GPUS_TABLE, &STYLE, &out, &err), 0);
    CHECK_CONTAINS(buf_str(&out), "room for nothing more");
    CHECK_EQ(gpus_place(m, " , ", GPUS_TABLE, &STYLE, &out, &err), -1);
    CHECK_CONTAINS(err.msg, "no instance to place");
    CHECK_EQ(gpus_place(m, "4g.40gb@0 4g.40gb", GPUS_TABLE, &STYLE, &out, &err), -1);
    CHECK_CONTAINS(err.msg, "do not fit on one A100-SXM4-80GB beside 4g.40gb@0");
    CHECK_EQ(gpus_place(m,
                        "1g.10gb 1g.10gb 1g.10gb 1g.10gb 1g.10gb 1g.10gb 1g.10gb 1g.10gb 1g.10gb "
                        "1g.10gb 1g.10gb 1g.10gb 1g.10gb",
                        GPUS_TABLE, &STYLE, &out, &err),
             -1);
    CHECK_CONTAINS(err.msg, "more than 12 instances");
}

TEST(a_gpu_without_mig_has_no_layouts)
{
    cleanup_catalog struct catalog *c = opened();
    cleanup_buf struct buf out = {.max = 1 << 20};
    struct err err = {0};

    CHECK_EQ(
        gpus_layouts(catalog_find(c, "L4", &err), 1, LAYOUT_PARETO, GPUS_SVG, &STYLE, &out, &err),
        -1);
    CHECK_CONTAINS(err.msg, "L4-24GB has no MIG");
    CHECK_EQ(gpus_list(c, GPUS_SVG, &STYLE, &out, &err), -1);
    CHECK_EQ(err.kind, ERR_INPUT);
}
