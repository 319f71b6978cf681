/* SPDX-License-Identifier: Apache-2.0 */
/* Any YAML or JSON: the tree is walked whole, so that every pointer in it is followed. */
#include <stdint.h>

#include "base/doc.h"
#include "lsan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct doc_node *n)
{
    size_t sum = n->line + n->column;

    if (n->kind == DOC_SCALAR)
        return sum + (size_t)n->text[n->len];
    for (size_t i = 0; n->kind == DOC_SEQUENCE && i < n->count; i++)
        sum += walk(n->items[i]);
    for (size_t i = 0; n->kind == DOC_MAPPING && i < n->count; i++)
        sum += walk(n->entries[i].key) + walk(n->entries[i].value);
    return sum;
}

static void read_as(const char *name, const uint8_t *data, size_t size)
{
    const struct doc_limits limits = {.bytes = 1 << 16, .nodes = 100000, .documents = 4};
    struct err err = {.kind = ERR_NONE};
    cleanup_doc struct doc *d = doc_parse(name, (const char *)data, size, &limits, &err);

    if (!d && (err.kind != ERR_INPUT || !err.msg[0]))
        __builtin_trap();
    for (size_t i = 0; d && i < doc_count(d); i++)
        walk(doc_root(d, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as("x.yaml", data, size);
    read_as("x.json", data, size);
    return 0;
}
