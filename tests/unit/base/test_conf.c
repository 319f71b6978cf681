/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include "base/world.h"
#include "check.h"

static const char *const COLOURS[] = {"red", "green", "blue", NULL};

/* A parser as a room would write one. */
struct thing {
    const char *name, *comment;
    bool on;
    int64_t count, wait, memory, deep;
    double rate;
    int colour;
    struct conf_sourced cost;
    int64_t parts[4];
    size_t part_count;
    const char *names[4];
    size_t name_count;
};

static int read_thing(const char *text, struct thing *t, struct doc **ret_doc, struct err *err)
{
    struct doc *d = doc_parse("t.yaml", text, strlen(text), NULL, err);
    struct conf c, sub, list, item;

    *t = (struct thing){0};
    *ret_doc = d;
    CHECK(d);
    conf_root(&c, doc_root(d, 0), err);
    t->name = conf_string(&c, "name");
    t->comment = conf_string_or(&c, "comment", "none");
    t->on = conf_bool_or(&c, "on", true);
    t->count = conf_int_or(&c, "count", 1, 1000, 5);
    t->rate = conf_real_or(&c, "rate", 0, 10, 0.5);
    t->wait = conf_duration_or(&c, "wait", 0, 60 * NS_PER_S, NS_PER_S);
    t->memory = conf_memory_or(&c, "memory", 1, INT64_MAX, 1);
    t->colour = conf_choice_or(&c, "colour", COLOURS, 1);
    t->cost = conf_sourced_or(&c, "cost", CONF_DURATION, 0, 1e9, 7);
    conf_sub_or(&c, "sub", &sub);
    t->deep = conf_int_or(&sub, "deep", 0, 9, 3);
    conf_end(&sub);
    t->part_count = conf_list_or(&c, "parts", 4, &list);
    for (size_t i = 0; i < t->part_count; i++)
        if (conf_item(&list, i, &item)) {
            conf_sub(&item, NULL, &sub);
            t->parts[i] = conf_int(&sub, "size", 0, 100);
            conf_end(&sub);
        }
    t->name_count = conf_names(&c, "names", 0, 4, &list);
    for (size_t i = 0; i < t->name_count; i++) {
        t->names[i] = conf_name(&list, i, &item);
        conf_int(&item, NULL, 0, 10);
    }
    return conf_end(&c);
}

TEST(reads_what_is_there_and_defaults_the_rest)
{
    struct err err = {0};
    struct thing t;
    struct doc *d;

    CHECK_EQ(read_thing("name: x\ncount: 7\nrate: 2.5e0\nwait: 1m\nmemory: 9.6Gi\ncolour: blue\non: false\n"
                        "cost: {value: 12ms, source: a table, assumed: true}\nsub: {deep: 1}\n"
                        "parts: [{size: 3}, {size: 4}]\nnames: {a: 1, b: 2}\n", &t, &d, &err), 0);
    CHECK_STR(t.name, "x");
    CHECK_STR(t.comment, "none");
    CHECK_EQ(t.count, 7);
    CHECK(!t.on);
    CHECK_NEAR(t.rate, 2.5, 0);
    CHECK_EQ(t.wait, 60 * NS_PER_S);
    CHECK_EQ(t.memory, INT64_C(10307921510));
    CHECK_EQ(t.colour, 2);
    CHECK_NEAR(t.cost.value, 12e6, 0);
    CHECK_STR(t.cost.source, "a table");
    CHECK(t.cost.assumed && t.cost.given);
    CHECK_EQ(t.deep, 1);
    CHECK_EQ(t.parts[1], 4);
    CHECK_STR(t.names[1], "b");
    doc_free(d);

    CHECK_EQ(read_thing("name: y\nsub:\nwait: ~\n", &t, &d, &err), 0);
    CHECK_EQ(t.wait, NS_PER_S);
    CHECK_EQ(t.deep, 3);
    CHECK_EQ(t.colour, 1);
    CHECK_NEAR(t.cost.value, 7, 0);
    CHECK(!t.cost.given);
    doc_free(d);
}

struct bad {
    const char *text, *message;
};

TEST(says_where_what_was_found_and_what_was_expected)
{
    static const struct bad bad[] = {
        {"count: 3\n", "t.yaml:1:1: name: missing, expected a text"},
        {"name:\n", "t.yaml:1:1: name: found null, expected a text"},
        {"name: ''\n", "t.yaml:1:7: name: found \"\", expected a text"},
        {"name: [x]\n", "t.yaml:1:7: name: found a sequence, expected a text"},
        {"name: x\ncount: 0\n", "t.yaml:2:8: count: found 0, expected an integer from 1 to 1000"},
        {"name: x\ncount: 1000000000\n", "t.yaml:2:8: count: found 1000000000, expected an integer from 1 to 1000"},
        {"name: x\ncount: 99999999999999999999\n", "t.yaml:2:8: count: found 99999999999999999999, expected an integer from 1 to 1000"},
        {"name: x\ncount: 1.5\n", "t.yaml:2:8: count: found 1.5, expected an integer from 1 to 1000"},
        {"name: x\ncount: '5'\n", "t.yaml:2:8: count: found \"5\", expected an integer from 1 to 1000"},
        {"name: x\nrate: .nan\n", "t.yaml:2:7: rate: found .nan, expected a number from 0 to 10"},
        {"name: x\nrate: nan\n", "t.yaml:2:7: rate: found nan, expected a number from 0 to 10"},
        {"name: x\nrate: .inf\n", "t.yaml:2:7: rate: found .inf, expected a number from 0 to 10"},
        {"name: x\nrate: 1e999\n", "t.yaml:2:7: rate: found 1e999, expected a number from 0 to 10"},
        {"name: x\nrate: -1\n", "t.yaml:2:7: rate: found -1, expected a number from 0 to 10"},
        {"name: x\nrate: 0x10\n", "t.yaml:2:7: rate: found 0x10, expected a number from 0 to 10"},
        {"name: x\nwait: 5\n", "t.yaml:2:7: wait: found 5, expected a duration such as 250ms, 2s or 1m30s, from 0 to 1m"},
        {"name: x\nwait: -5s\n", "t.yaml:2:7: wait: found -5s, expected a duration such as 250ms, 2s or 1m30s, from 0 to 1m"},
        {"name: x\nwait: 61s\n", "t.yaml:2:7: wait: found 61s, expected a duration such as 250ms, 2s or 1m30s, from 0 to 1m"},
        {"name: x\nwait: 2sec\n", "t.yaml:2:7: wait: found 2sec, expected a duration such as 250ms, 2s or 1m30s, from 0 to 1m"},
        {"name: x\nmemory: 0\n", "t.yaml:2:9: memory: found 0, expected memory such as 9.6Gi or 512Mi, from 1 B to any"},
        {"name: x\nmemory: 9.6Gb\n", "t.yaml:2:9: memory: found 9.6Gb, expected memory such as 9.6Gi or 512Mi, from 1 B to any"},
        {"name: x\non: yes\n", "t.yaml:2:5: on: found yes, expected true or false"},
        {"name: x\ncolour: gren\n", "t.yaml:2:9: colour: found \"gren\", expected one of red, green, blue; did you mean green?"},
        {"name: x\ncolour: 7\n", "t.yaml:2:9: colour: found \"7\", expected one of red, green, blue"},
        {"name: x\ncolor: red\n", "t.yaml:2:1: color: unknown key, did you mean colour?"},
        {"name: x\nzzz: 1\n", "t.yaml:2:1: zzz: unknown key, expected one of name, comment, on, count, rate, wait, memory, colour, cost, sub, parts, names"},
        {"name: x\nsub: {deeep: 1}\n", "t.yaml:2:7: sub.deeep: unknown key, did you mean deep?"},
        {"name: x\nsub: 5\n", "t.yaml:2:6: sub: found \"5\", expected a mapping (key: value lines)"},
        {"name: x\nparts: [{size: 1}, {}]\n", "t.yaml:2:20: parts[1].size: missing, expected an integer from 0 to 100"},
        {"name: x\nparts: [{size: 1}, {size: 101}]\n", "t.yaml:2:27: parts[1].size: found 101, expected an integer from 0 to 100"},
        {"name: x\nparts: [1]\n", "t.yaml:2:9: parts[0]: found \"1\", expected a mapping (key: value lines)"},
        {"name: x\nparts: {a: 1}\n", "t.yaml:2:8: parts: found a mapping, expected a sequence"},
        {"name: x\nparts: [{size: 1}, {size: 1}, {size: 1}, {size: 1}, {size: 1}]\n", "t.yaml:2:8: parts: found 5 items, expected at most 4"},
        {"name: x\nnames: {a: 1, b: q}\n", "t.yaml:2:18: names.b: found q, expected an integer from 0 to 10"},
        {"name: x\ncost: {value: 2s}\n", "t.yaml:2:15: cost.value: found 2s, expected a duration such as 250ms, 2s or 1m30s, from 0 to 1s"},
        {"name: x\ncost: {source: y}\n", "t.yaml:2:7: cost.value: missing, expected a duration such as 250ms, 2s or 1m30s, from 0 to 1s"},
        {"name: x\ncost: {value: 2ms, sauce: y}\n", "t.yaml:2:20: cost.sauce: unknown key, did you mean source?"},
        {"[a, b]\n", "t.yaml:1:1: found a sequence, expected a mapping (key: value lines)"},
        {"", "t.yaml:1:1: found null, expected a mapping (key: value lines)"},
        /* the first complaint stays */
        {"count: 0\nrate: -1\nname: x\n", "t.yaml:1:8: count: found 0, expected an integer from 1 to 1000"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        struct thing t;
        struct doc *d;

        CHECK_EQ(read_thing(bad[i].text, &t, &d, &err), -1);
        CHECK_EQ(err.kind, ERR_INPUT);
        CHECK_STR(err.msg, bad[i].message);
        doc_free(d);
    }
}

TEST(the_kind_is_checked)
{
    static const struct bad bad[] = {
        {"kind: Fleet\n", "t.yaml:1:7: kind: found Fleet, expected Scenario"},
        {"apiVersion: snug/v2\nkind: Scenario\n", "t.yaml:1:13: apiVersion: found snug/v2, expected snug/v1"},
        {"{}\n", "t.yaml:1:1: kind: missing, expected a text"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        struct doc *d = doc_parse("t.yaml", bad[i].text, strlen(bad[i].text), NULL, &err);
        struct conf c;

        conf_root(&c, doc_root(d, 0), &err);
        conf_kind(&c, "Scenario");
        CHECK_EQ(conf_end(&c), -1);
        CHECK_STR(err.msg, bad[i].message);
        doc_free(d);
    }
}
