/* SPDX-License-Identifier: Apache-2.0 */
#include "report/output.h"

#include <math.h>

#include "base/doc.h"
#include "check.h"

static const char *number_text(double v, struct buf *out)
{
    buf_init(out, 100);
    output_double(out, v);
    return buf_str(out);
}

TEST(numbers_read_well)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.0, "0.0"},
                 {1, "1.0"},
                 {0.1, "0.1"},
                 {1.0 / 3, "0.333333333"},
                 {1e-7, "1e-07"},
                 {123456.789, "123456.789"},
                 {-2.5, "-2.5"},
                 {1e300, "1e+300"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {-INFINITY, "null"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cleanup_buf struct buf out;
        CHECK_STR(number_text(cases[i].v, &out), cases[i].text);
    }
}

static json_t *sample(void)
{
    json_t *long_row = json_array();

    for (int i = 0; i < 40; i++)
        json_array_append_new(long_row, output_number(i / 8.0));
    return json_pack("{s:o, s:{s:o, s:[o, o]}, s:[{s:i}, {s:i}], s:o, s:b, s:[], s:{}}", "text",
                     output_string("a \"b\"\n\\"), "mean", "x", output_number(NAN), "ci95",
                     output_number(1), output_number(2.25), "list", "n", 1, "n", 2, "row", long_row,
                     "yes", 1, "none", "empty");
}

TEST(json_puts_small_things_on_one_line)
{
    cleanup_json json_t *j = sample();
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};

    output_json(j, &out);
    CHECK_STR(buf_str(&out), "{\n"
                             "  \"text\": \"a \\\"b\\\"\\n\\\\\",\n"
                             "  \"mean\": {\"x\": null, \"ci95\": [1.0, 2.25]},\n"
                             "  \"list\": [{\"n\": 1}, {\"n\": 2}],\n"
                             "  \"row\": [\n"
                             "    0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, "
                             "1.25, 1.375, 1.5, 1.625, 1.75,\n"
                             "    1.875, 2.0, 2.125, 2.25, 2.375, 2.5, 2.625, 2.75, 2.875, 3.0, "
                             "3.125, 3.25, 3.375, 3.5, 3.625,\n"
                             "    3.75, 3.875, 4.0, 4.125, 4.25, 4.375, 4.5, 4.625, 4.75, 4.875\n"
                             "  ],\n"
                             "  \"yes\": true,\n"
                             "  \"none\": [],\n"
                             "  \"empty\": {}\n"
                             "}\n");
}

/* One tree of a document as compact JSON, to compare what two writers mean. */
static void walk(const struct doc_node *n, struct buf *out)
{
    switch (n->kind) {
    case DOC_MAPPING:
        buf_putc(out, '{');
        for (size_t i = 0; i < n->count; i++) {
            buf_printf(out, "%s:", n->entries[i].key->text);
            walk(n->entries[i].value, out);
            buf_putc(out, ' ');
        }
        buf_putc(out, '}');
        break;
    case DOC_SEQUENCE:
        buf_putc(out, '[');
        for (size_t i = 0; i < n->count; i++) {
            walk(n->items[i], out);
            buf_putc(out, ' ');
        }
        buf_putc(out, ']');
        break;
    default:
        buf_puts(out, n->kind == DOC_NULL ? "~null" : n->text);
        break;
    }
}

static void meaning(const char *name, const char *text, struct buf *out)
{
    struct err err = {0};
    cleanup_doc struct doc *d = doc_parse(name, text, strlen(text), NULL, &err);

    if (!d)
        check_fail(__FILE__, __LINE__, "%s: in %s", err.msg, text);
    walk(doc_root(d, 0), out);
}

static json_t *generate(struct gen *g, int depth)
{
    static const char *const words[] = {"mig",  "no",  "3g.40gb@4",     "",    "a: b", "- x", "#c",
                                        "null", "1e3", "\xc3\xa9\n\ty", "'q'", "{"};
    size_t kind = gen_size(g, depth > 3 ? 3 : 5), n = gen_size(g, 6);
    json_t *j;

    switch (kind) {
    case 0:
        return output_string(words[gen_range(g, 0, 11)]);
    case 1:
        return output_number(gen_real(g, -1000, 1000));
    case 2:
        return json_integer(gen_range(g, -5, 1000000));
    case 3:
        return gen_bool(g) ? json_null() : json_boolean(gen_bool(g));
    case 4:
        j = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(j, generate(g, depth + 1));
        return j;
    default:
        j = json_object();
        for (size_t i = 0; i < n; i++)
            json_object_set_new(j, words[gen_range(g, 0, 11)], generate(g, depth + 1));
        return j;
    }
}

PROPERTY(yaml_and_json_mean_the_same, 2000)
{
    cleanup_json json_t *j = json_object();
    cleanup_buf struct buf json = {.max = BUF_MAX_OUTPUT}, yaml = {.max = BUF_MAX_OUTPUT};
    cleanup_buf struct buf a = {.max = BUF_MAX_OUTPUT}, b = {.max = BUF_MAX_OUTPUT};

    json_object_set_new(j, "root", generate(g, 0));
    output_json(j, &json);
    output_yaml(j, &yaml);
    meaning("a.json", buf_str(&json), &a);
    meaning("a.yaml", buf_str(&yaml), &b);
    CHECK_STR(buf_str(&b), buf_str(&a));
}

TEST(csv_quotes_and_flattens)
{
    cleanup_json json_t *rows = json_pack("[{s:s, s:{s:[i, n]}}, {s:s, s:b}]", "name", "a,\"b\"",
                                          "x", "ci95", 1, "name", "plain", "ok", 1);
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};

    output_csv(rows, &out);
    CHECK_STR(buf_str(&out), "name,x.ci95.0,x.ci95.1,ok\n\"a,\"\"b\"\"\",1,,\nplain,,,true\n");
}

TEST(broken_utf8_becomes_the_replacement_character)
{
    cleanup_json json_t *j = json_pack("[o, o]",
                                       output_string("a\xff"
                                                     "b"),
                                       output_string(NULL));
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};

    output_json(j, &out);
    CHECK_CONTAINS(buf_str(&out), "\"a\xef\xbf\xbd"
                                  "b\"");
    CHECK_CONTAINS(buf_str(&out), "null");
}
