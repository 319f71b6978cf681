/* SPDX-License-Identifier: Apache-2.0 */
#include "base/doc.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "check.h"

static struct doc *parse(const char *text, struct err *err)
{
    return doc_parse("x.yaml", text, strlen(text), NULL, err);
}

/* Parses what must not parse, and compares the whole message. */
static void refuse(const char *name, const char *text, size_t n, const char *expected)
{
    struct err err = {0};
    struct doc *d = doc_parse(name, text, n, NULL, &err);

    if (d)
        check_fail(__FILE__, __LINE__, "parsed, expected \"%s\"", expected);
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_STR(err.msg, expected);
}
#define REFUSE(text, expected) refuse("x.yaml", text, sizeof text - 1, expected)

TEST(every_node_has_its_place)
{
    struct err err = {0};
    struct doc *d = parse("a: 1\nb: [x, 'y', {z: ~}]\nc:\n  - d: \"q\"\n    e: |\n      block\n", &err);
    const struct doc_node *root, *b, *c;

    CHECK(d);
    root = doc_root(d, 0);
    CHECK_EQ(root->kind, DOC_MAPPING);
    CHECK_EQ(root->count, 3);
    CHECK_STR(root->entries[2].key->text, "c");
    CHECK_EQ(root->entries[2].key->line, 3);
    b = doc_get(root, "b");
    CHECK_EQ(b->kind, DOC_SEQUENCE);
    CHECK_EQ(b->items[1]->line, 2);
    CHECK_EQ(b->items[1]->column, 8);
    CHECK(b->items[1]->quoted);
    CHECK(!b->items[0]->quoted);
    CHECK_EQ(doc_get(b->items[2], "z")->kind, DOC_NULL);
    c = doc_get(root, "c");
    CHECK_STR(doc_get(c->items[0], "e")->text, "block\n");
    CHECK_EQ(root->weight, 17);
    CHECK(!doc_get(root, "d"));
    doc_free(d);
}

TEST(json_is_read_with_its_escapes)
{
    struct err err = {0};
    const char *text = "{\"a\": [1, null, true, \"\\ud83d\\ude00\\n\\/\"],\n\t\"b\": {}}";
    struct doc *d = doc_parse("x.json", text, strlen(text), NULL, &err);
    const struct doc_node *a;

    CHECK(d);
    a = doc_get(doc_root(d, 0), "a");
    CHECK_EQ(a->count, 4);
    CHECK_EQ(a->items[1]->kind, DOC_NULL);
    CHECK_STR(a->items[3]->text, "\xf0\x9f\x98\x80\n/");
    CHECK_EQ(doc_get(doc_root(d, 0), "b")->line, 2);
    doc_free(d);
    refuse("x.json", "{'a': 1}", 8, "x.json:1:2: single quoted scalars not supported in JSON mode");
}

TEST(columns_count_characters)
{
    struct err err = {0};
    struct doc *d = parse("\xc3\xbc: {\xc3\xa9: \xc3\xb6, a: b}\n", &err);

    CHECK(d);
    CHECK_EQ(doc_get(doc_get(doc_root(d, 0), "\xc3\xbc"), "a")->column, 14);
    doc_free(d);
}

TEST(an_empty_input_is_one_null)
{
    const char *const empty[] = {"", "# only a comment\n", "---\n", "\n\n"};
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        struct doc *d = parse(empty[i], &err);
        CHECK(d);
        CHECK_EQ(doc_count(d), 1);
        CHECK_EQ(doc_root(d, 0)->kind, DOC_NULL);
        doc_free(d);
    }
}

TEST(several_documents_on_demand)
{
    struct err err = {0};
    const char *text = "a: 1\n---\nb: 2\n";
    struct doc *d = doc_parse("x.yaml", text, strlen(text), &(struct doc_limits){.documents = 5}, &err);

    CHECK(d);
    CHECK_EQ(doc_count(d), 2);
    CHECK_STR(doc_get(doc_root(d, 1), "b")->text, "2");
    doc_free(d);
    REFUSE("a: 1\n---\nb: 2\n", "x.yaml:3:1: found another document, expected one");
}

TEST(aliases_are_the_anchored_node)
{
    struct err err = {0};
    struct doc *d = parse("a: &x [1, 2]\nb: *x\nc: [*x, *x]\n", &err);
    const struct doc_node *root;

    CHECK(d);
    root = doc_root(d, 0);
    CHECK(doc_get(root, "a") == doc_get(root, "b"));
    CHECK_EQ(doc_get(root, "c")->weight, 7);
    doc_free(d);
    REFUSE("a: *x\nb: &x 1\n", "x.yaml:1:4: found an alias to \"x\", which is no anchor before this place");
    REFUSE("a: &x {b: *x}\n", "x.yaml:1:11: found an alias to \"x\", which is no anchor before this place");
}

TEST(alias_bombs_are_refused)
{
    struct err err = {0};
    struct buf b;

    buf_init(&b, 1 << 16);
    buf_puts(&b, "a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (char c = 'b'; c < 'z'; c++) {
        buf_printf(&b, "%c: &%c [", c, c);
        for (int i = 0; i < 9; i++)
            buf_printf(&b, "%s*%c", i ? ", " : "", c - 1);
        buf_puts(&b, "]\n");
    }
    CHECK(!parse(buf_str(&b), &err));
    CHECK_STR(err.msg, "x.yaml:7:28: with its aliases expanded the document stands for more than 4000000 values");
    buf_done(&b);
}

TEST(deep_nesting_is_refused)
{
    char text[100001];
    struct err err = {0};

    memset(text, '[', 100000);
    text[100000] = '\0';
    CHECK(!parse(text, &err));
    CHECK_STR(err.msg, "x.yaml:1:65: nested deeper than 64 levels");
}

TEST(broken_text_is_refused_with_its_place)
{
    REFUSE("a: b\nc: \xff\n", "x.yaml:2:4: found the byte 0xff, which is not valid UTF-8");
    REFUSE("a: \xc0\xaf\n", "x.yaml:1:4: found the byte 0xc0, which is not valid UTF-8");
    REFUSE("a: \xed\xa0\x80\n", "x.yaml:1:4: found the byte 0xed, which is not valid UTF-8");
    REFUSE("a: \xe2\x82", "x.yaml:1:4: found the byte 0xe2, which is not valid UTF-8");
    REFUSE("a: b\0c\n", "x.yaml:1:5: found a NUL byte, expected text");
    REFUSE("a: \"\\0\"\n", "x.yaml:1:4: found a NUL character in a text");
    REFUSE("a: \x1b[31m\n", "x.yaml:1:4: found the control character 0x1b, expected text");
    REFUSE("a: [1, 2\n", "x.yaml:2:1: flow sequence without a closing bracket");
    REFUSE("a: \"x\n", "x.yaml:1:5: double-quoted scalar without closing quote");
    REFUSE("a: 1\na: 2\n", "x.yaml:2:1: found the key \"a\" again, the first one is at 1:1");
    REFUSE("x: {k: 1, l: 2, k: 3}\n", "x.yaml:1:17: found the key \"k\" again, the first one is at 1:5");
    REFUSE("? [a]\n: 2\n", "x.yaml:1:3: found a sequence as a key, expected a name");
    REFUSE("a: !include x\n", "x.yaml:1:13: found the tag \"!include\", expected a plain value");
    REFUSE("a:\n\t- b\n", "x.yaml:2:1: tab character may not be used as indentation");
}

TEST(sizes_are_bounded)
{
    struct err err = {0};
    char path[] = "/tmp/snug-test-doc-XXXXXX";
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    CHECK(ftruncate(fd, 100 << 20) == 0); /* sparse: refused by its size, before it is read */
    close(fd);
    CHECK(!doc_open(path, NULL, &err));
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg, "104857600 bytes long, at most 67108864 are read");
    unlink(path);
    CHECK(!doc_open(path, NULL, &err));
    CHECK_EQ(err.kind, ERR_OUTSIDE);
    CHECK_CONTAINS(err.msg, ": No such file or directory");
    CHECK(!doc_open("/tmp", NULL, &err));
    CHECK_STR(err.msg, "/tmp: Is a directory");
    CHECK(!doc_parse("m", "12345", 5, &(struct doc_limits){.bytes = 4}, &err));
    CHECK_STR(err.msg, "m: has 5 bytes, at most 4 are read");
    CHECK(!doc_parse("m", "[1,2,3,4]", 9, &(struct doc_limits){.nodes = 4}, &err));
    CHECK_STR(err.msg, "m:1:8: the document stands for more than 4 values");
}

/* Whatever bytes come: a tree or a message with a place, never both, never anything else. */
PROPERTY(any_bytes_give_a_tree_or_a_message, 2000)
{
    static const char alphabet[] = "ab: -[]{}\"'&*!|>?,#%@\n\n \t1~\\";
    char text[80];
    size_t n = gen_size(g, sizeof text);
    struct err err = {0};
    struct doc *d;

    for (size_t i = 0; i < n; i++)
        text[i] = alphabet[rng_below(&g->rng, sizeof alphabet - 1)];
    d = doc_parse("x", text, n, NULL, &err);
    CHECK((d != NULL) == (err.kind == ERR_NONE));
    if (!d)
        CHECK(strncmp(err.msg, "x:", 2) == 0 && !strchr(err.msg, '\n'));
    doc_free(d);
}
