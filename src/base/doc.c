/* SPDX-License-Identifier: Apache-2.0 */
#include "base/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/doc_internal.h"
#include "base/file.h"
#include "base/str.h"

static const struct doc_limits DEFAULTS = {
    .bytes = 64 << 20, .depth = 64, .nodes = 4000000, .documents = 1};

enum { DEPTH_MAX = 1000 };

/* ---- messages ---- */

int doc_fail(const struct doc_node *node, struct err *err, const char *fmt, ...)
{
    char text[900];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_INPUT, "%.200s:%u:%u: %s", node->file, node->line, node->column, text);
}

int doc_fail_at(const struct doc *d, struct err *err, size_t line, size_t column, const char *fmt, ...)
{
    char text[900];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_INPUT, "%.200s:%zu:%zu: %s", d->name, line, column, text);
}

void doc_place(const struct doc *d, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    const char *s = d->source;
    unsigned line = 1, column = 1;

    for (size_t i = 0; i < offset; i++) {
        if (s[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)s[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

const char *doc_quoted(const char *text, size_t len, char buf[DOC_FOUND_MAX])
{
    const size_t max = DOC_FOUND_MAX - 10;
    size_t n = len < max ? len : max;

    if (n < len)
        while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    snprintf(buf, DOC_FOUND_MAX, "\"%.*s%s\"", (int)n, text, n < len ? "..." : "");
    return buf;
}

const char *doc_found(const struct doc_node *node, char buf[DOC_FOUND_MAX])
{
    if (!node)
        return "nothing";
    switch (node->kind) {
    case DOC_NULL:
        return "null";
    case DOC_SEQUENCE:
        return node->count ? "a sequence" : "an empty sequence";
    case DOC_MAPPING:
        return node->count ? "a mapping" : "an empty mapping";
    case DOC_SCALAR:
        break;
    }
    return doc_quoted(node->text, node->len, buf);
}

/* ---- opening ---- */

/* Whether the source is text: valid UTF-8 without control characters. */
static int check_text(const struct doc *d, struct err *err)
{
    const unsigned char *s = (const unsigned char *)d->source;
    unsigned line, column;
    size_t len;

    for (size_t i = 0; i < d->size; i += len) {
        len = str_utf8(d->source + i, d->size - i);
        if (len && (s[i] >= 0x20 || s[i] == '\n' || s[i] == '\r' || s[i] == '\t'))
            continue;
        doc_place(d, i, &line, &column);
        if (!s[i])
            return doc_fail_at(d, err, line, column, "found a NUL byte, expected text");
        if (len)
            return doc_fail_at(d, err, line, column, "found the control character 0x%02x, expected text", s[i]);
        return doc_fail_at(d, err, line, column, "found the byte 0x%02x, which is not valid UTF-8", s[i]);
    }
    return 0;
}

/* Takes `data` over. */
static struct doc *read_doc(const char *name, char *data, size_t n, const struct doc_limits *limits, struct err *err)
{
    cleanup_doc struct doc *d = xcalloc(1, sizeof *d);

    d->arena = arena_new();
    d->name = arena_strdup(d->arena, strcmp(name, "-") == 0 ? "<stdin>" : name);
    d->source = data;
    d->size = n;
    if (check_text(d, err) < 0 || (n && doc_read(d, limits, err) < 0))
        return NULL;
    if (!d->count) {
        struct doc_node *none = ARENA_NEW(d->arena, struct doc_node);
        *none = (struct doc_node){.file = d->name, .line = 1, .column = 1, .text = "null", .len = 4, .weight = 1};
        GROW(d->roots, d->cap, 1);
        d->roots[d->count++] = none;
    }
    return TAKE(d);
}

static struct doc_limits with_defaults(const struct doc_limits *given)
{
    struct doc_limits l = given ? *given : DEFAULTS;

    l.bytes = l.bytes ? l.bytes : DEFAULTS.bytes;
    l.depth = l.depth ? l.depth : DEFAULTS.depth;
    l.depth = l.depth > DEPTH_MAX ? DEPTH_MAX : l.depth;
    l.nodes = l.nodes ? l.nodes : DEFAULTS.nodes;
    l.documents = l.documents ? l.documents : DEFAULTS.documents;
    return l;
}

struct doc *doc_open(const char *path, const struct doc_limits *limits, struct err *err)
{
    struct doc_limits l = with_defaults(limits);
    cleanup_buf struct buf b;

    buf_init(&b, l.bytes);
    if (file_read(path, &b, err) < 0)
        return NULL;
    return doc_parse(path, buf_str(&b), b.len, &l, err);
}

struct doc *doc_parse(const char *name, const char *data, size_t n, const struct doc_limits *limits,
                      struct err *err)
{
    struct doc_limits l = with_defaults(limits);
    char *copy;

    if (n > l.bytes) {
        err_set(err, ERR_INPUT, "%.200s: has %zu bytes, at most %zu are read", name, n, l.bytes);
        return NULL;
    }
    copy = xmalloc(n + 1);
    if (n)
        memcpy(copy, data, n);
    copy[n] = '\0';
    return read_doc(name, copy, n, &l, err);
}

void doc_free(struct doc *d)
{
    if (!d)
        return;
    arena_free(d->arena);
    free(d->source);
    free(d->roots);
    free(d);
}

const char *doc_name(const struct doc *d)
{
    return d->name;
}

const char *doc_source(const struct doc *d, size_t *ret_n)
{
    if (ret_n)
        *ret_n = d->size;
    return d->source;
}

size_t doc_count(const struct doc *d)
{
    return d->count;
}

const struct doc_node *doc_root(const struct doc *d, size_t i)
{
    return i < d->count ? d->roots[i] : NULL;
}

const struct doc_node *doc_get(const struct doc_node *node, const char *key)
{
    if (!node || node->kind != DOC_MAPPING)
        return NULL;
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->entries[i].key->text, key) == 0)
            return node->entries[i].value;
    return NULL;
}
