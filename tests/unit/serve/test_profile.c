/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/profile.h"

#include "base/mem.h"
#include "check.h"

TEST(every_built_in_profile_reads_and_names_its_sources)
{
    cleanup_free const char **names = profile_names();
    size_t n = 0;

    for (; names[n]; n++) {
        struct err err = {0};
        cleanup_profile struct profile *p = profile_load(names[n], &err);
        CHECK_STR(err.msg, "");
        CHECK_STR(p->name, names[n]); /* the file is called what it holds */
        CHECK_LT(0, p->need);
        CHECK_LE(p->need, p->reserve);
        CHECK(strlen(p->valid) > 20);
    }
    CHECK_LE(3, n);
}

TEST(a_written_profile_reads_back)
{
    cleanup_free const char **names = profile_names();

    for (size_t i = 0; names[i]; i++) {
        struct err err = {0};
        cleanup_profile struct profile *p = profile_load(names[i], &err), *q = NULL;
        cleanup_doc struct doc *d = NULL;
        cleanup_buf struct buf text;
        size_t n;
        const struct profile_param *list = profile_params(p->kind, &n);

        buf_init(&text, 1 << 20);
        profile_write(p, &text);
        d = doc_parse("copy.yaml", buf_str(&text), text.len, NULL, &err);
        CHECK_STR(err.msg, "");
        q = profile_read(doc_root(d, 0), "copy.yaml", &err);
        CHECK_STR(err.msg, "");
        CHECK_EQ(q->need, p->need);
        CHECK_EQ(q->reserve, p->reserve);
        for (size_t k = 0; k < n; k++)
            CHECK_NEAR(*profile_param_at(q, &list[k]), *profile_param_at(p, &list[k]),
                       1e-6 * fabs(*profile_param_at(p, &list[k])));
    }
}

static void refused(const char *text, const char *part)
{
    struct err err = {0};
    cleanup_doc struct doc *d = doc_parse("p.yaml", text, strlen(text), NULL, &err);
    struct profile *p;

    CHECK_STR(err.msg, "");
    p = profile_read(doc_root(d, 0), "p.yaml", &err);
    CHECK(!p);
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg, part);
    CHECK_CONTAINS(err.msg, "p.yaml:");
}

#define HEAD "kind: Profile\nmetadata: {name: x}\nserves: infer\nmodel: m\ngpu: {model: A30-24GB}\n" \
             "memory: {need: {value: 1GB, source: s}}\n"

TEST(bad_profiles_are_refused_with_their_place)
{
    refused("kind: Profile\nmetadata: {name: x}\nserves: tea\n", "serves");
    refused(HEAD "parameters: {computePerItem: 5ms}\n", "source");
    refused(HEAD "parameters: {computePerItems: {value: 5ms, source: s}}\n", "computePerItem");
    refused(HEAD "parameters: {computePerItem: {value: -5ms, source: s}}\n", "computePerItem");
    refused(HEAD "parameters: {maxBatch: {value: 0, source: s}}\n", "maxBatch");
    refused(HEAD "parameters: {maxBatch: {value: .nan, source: s}}\n", "maxBatch");
    refused(HEAD "surprise: 1\nparameters: {}\n", "surprise");
}

TEST(a_name_that_is_not_built_in_gets_the_nearest)
{
    struct err err = {0};

    CHECK(!profile_load("magpie-a10", &err));
    CHECK_CONTAINS(err.msg, "magpie-a100");
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK(!profile_load("./none.yaml", &err));
}
