/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"

/* ---- standing on nodes ---- */

void conf_root_at(struct conf *c, const struct doc_node *node, const char *path, struct err *err)
{
    *c = (struct conf){.node = node, .key = path, .err = err};
    err->kind = ERR_NONE;
    err->msg[0] = '\0';
    if (node && node->kind != DOC_MAPPING) {
        char found[DOC_FOUND_MAX];
        conf_fail(c, NULL, "found %s, expected a mapping (key: value lines)", doc_found(node, found));
    }
}

void conf_root(struct conf *c, const struct doc_node *node, struct err *err)
{
    conf_root_at(c, node, NULL, err);
}

static struct conf *root_of(const struct conf *c)
{
    struct conf *r = (struct conf *)c;

    while (r->parent)
        r = r->parent;
    return r;
}

bool conf_failed(const struct conf *c)
{
    return root_of(c)->failed;
}

static void stand(struct conf *c, struct conf *parent, const char *key, size_t index, const struct doc_node *node)
{
    *c = (struct conf){.node = node, .parent = parent, .key = key, .index = index};
}

/* Stands on a key's value, or (key NULL) once more on the parent's own node. */
static void stand_below(struct conf *c, struct conf *parent, const char *key, const struct doc_node *node)
{
    stand(c, parent, key, 0, node);
    c->same = !key;
}

/* ---- messages ---- */

/* "loads.heavy.users", "workloads[2].name"; empty for the root. */
static void put_path(struct buf *b, const struct conf *c, const char *key)
{
    if (c->parent) {
        put_path(b, c->parent, NULL);
        if (c->same)
            ;
        else if (c->key)
            buf_printf(b, "%s%.60s", b->len ? "." : "", c->key);
        else
            buf_printf(b, "[%zu]", c->index);
    } else if (c->key) {
        buf_puts(b, c->key);
    }
    if (key)
        buf_printf(b, "%s%.60s", b->len ? "." : "", key);
}

/* The nearest node that is really in the file: where a missing thing belongs. */
static const struct doc_node *nearest_node(const struct conf *c)
{
    while (!c->node && c->parent)
        c = c->parent;
    return c->node;
}

static void report(struct conf *c, const struct doc_node *at, const char *key, const char *text)
{
    struct conf *root = root_of(c);
    struct buf path;

    if (root->failed)
        return;
    root->failed = true;
    buf_init(&path, 400);
    put_path(&path, c, key);
    if (at)
        doc_fail(at, root->err, "%s%s%s", buf_str(&path), path.len ? ": " : "", text);
    else
        err_set(root->err, ERR_INPUT, "%s%s%s", buf_str(&path), path.len ? ": " : "", text);
    buf_done(&path);
}

static const struct doc_node *value_of(struct conf *c, const char *key)
{
    return key ? doc_get(c->node, key) : c->node;
}

void conf_fail(struct conf *c, const char *key, const char *fmt, ...)
{
    const struct doc_node *at = value_of(c, key);
    char text[800];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    report(c, at ? at : nearest_node(c), key, text);
}

void conf_fail_name(struct conf *names, size_t i, const char *fmt, ...)
{
    const struct doc_node *key = names->node->entries[i].key;
    char text[800];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    report(names, key, key->text, text);
}

void conf_pass(struct conf *c, const char *key, const struct err *e)
{
    struct conf *root = root_of(c);

    if (e->kind == ERR_NONE || root->failed)
        return;
    conf_fail(c, key, "%s", e->msg);
    root->err->kind = e->kind;
}

/* "found X, expected Y" or "missing, expected Y". */
static void fail_value(struct conf *c, const char *key, const struct doc_node *n, const char *expected)
{
    char found[DOC_FOUND_MAX];

    if (n)
        conf_fail(c, key, "found %s, expected %s", doc_found(n, found), expected);
    else
        conf_fail(c, key, "missing, expected %s", expected);
}

/* Numbers are shown as they stand, without quotes. */
static void fail_number(struct conf *c, const char *key, const struct doc_node *n, const char *expected)
{
    if (n && n->kind == DOC_SCALAR && !n->quoted && n->len < 40)
        conf_fail(c, key, "found %s, expected %s", n->text, expected);
    else
        fail_value(c, key, n, expected);
}

/* ---- keys ---- */

static void know(struct conf *c, const char *key)
{
    for (unsigned i = 0; i < c->known_count; i++)
        if (c->known[i] == key || strcmp(c->known[i], key) == 0)
            return;
    if (c->known_count < CONF_KEYS_MAX)
        c->known[c->known_count++] = key;
}

static bool is_known(const struct conf *c, const char *key)
{
    for (unsigned i = 0; i < c->known_count; i++)
        if (strcmp(c->known[i], key) == 0)
            return true;
    return false;
}

static void fail_unknown(struct conf *c, const struct doc_node *key)
{
    const char *names[CONF_KEYS_MAX + 1] = {0}, *nearest;
    struct buf list;

    memcpy(names, c->known, c->known_count * sizeof *names);
    nearest = str_nearest(key->text, names);
    buf_init(&list, 500);
    for (unsigned i = 0; i < c->known_count; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", c->known[i]);
    if (nearest) {
        buf_clear(&list);
        buf_printf(&list, "unknown key, did you mean %s?", nearest);
        report(c, key, key->text, buf_str(&list));
    } else {
        char text[600];
        snprintf(text, sizeof text, "unknown key, expected %s%s", c->known_count == 1 ? "" : "one of ", buf_str(&list));
        report(c, key, key->text, c->known_count ? text : "unknown key, expected none");
    }
    buf_done(&list);
}

int conf_end(struct conf *c)
{
    if (!conf_failed(c) && !c->checked && c->node && c->node->kind == DOC_MAPPING)
        for (size_t i = 0; i < c->node->count; i++)
            if (!is_known(c, c->node->entries[i].key->text)) {
                fail_unknown(c, c->node->entries[i].key);
                break;
            }
    c->checked = true;
    return conf_failed(c) ? -1 : 0;
}

/*
 * The node of a key that is there; NULL when it is not, or after an error. Null counts as absent: where the key is
 * required, the getter's complaint follows.
 */
static const struct doc_node *look(struct conf *c, const char *key)
{
    const struct doc_node *n;

    if (key)
        know(c, key);
    if (conf_failed(c))
        return NULL;
    n = value_of(c, key);
    return n && n->kind != DOC_NULL ? n : NULL;
}

bool conf_has(struct conf *c, const char *key)
{
    return look(c, key) != NULL;
}

void conf_kind(struct conf *c, const char *kind)
{
    const char *version = conf_string_or(c, "apiVersion", "snug/v1");
    const char *found = conf_string(c, "kind");

    if (!conf_failed(c) && strcmp(found, kind) != 0)
        conf_fail(c, "kind", "found %.40s, expected %s", found, kind);
    if (!conf_failed(c) && strcmp(version, "snug/v1") != 0)
        conf_fail(c, "apiVersion", "found %.40s, expected snug/v1", version);
}

/* ---- scalars ---- */

static const char *text_of(struct conf *c, const char *key, bool required, const char *otherwise)
{
    const struct doc_node *n = look(c, key);

    if (n && n->kind == DOC_SCALAR && n->len)
        return n->text;
    if (n || required)
        fail_value(c, key, n ? n : value_of(c, key), "a text");
    return otherwise;
}

const char *conf_string(struct conf *c, const char *key)
{
    return text_of(c, key, true, "");
}

const char *conf_string_or(struct conf *c, const char *key, const char *otherwise)
{
    return text_of(c, key, false, otherwise);
}

static bool bool_of(struct conf *c, const char *key, bool required, bool otherwise)
{
    const struct doc_node *n = look(c, key);

    if (n && n->kind == DOC_SCALAR && !n->quoted) {
        if (!strcmp(n->text, "true") || !strcmp(n->text, "True"))
            return true;
        if (!strcmp(n->text, "false") || !strcmp(n->text, "False"))
            return false;
    }
    if (n || required)
        fail_number(c, key, n ? n : value_of(c, key), "true or false");
    return otherwise;
}

bool conf_bool(struct conf *c, const char *key)
{
    return bool_of(c, key, true, false);
}

bool conf_bool_or(struct conf *c, const char *key, bool otherwise)
{
    return bool_of(c, key, false, otherwise);
}

static int64_t int_of(struct conf *c, const char *key, int64_t lo, int64_t hi, bool required, int64_t otherwise)
{
    const struct doc_node *n = look(c, key);
    char expected[100];
    int64_t v;

    if (n && n->kind == DOC_SCALAR && !n->quoted && units_parse_int(n->text, n->len, &v) == 0 && v >= lo && v <= hi)
        return v;
    if (n || required) {
        if (hi == INT64_MAX)
            snprintf(expected, sizeof expected, "an integer of at least %lld", (long long)lo);
        else
            snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)lo, (long long)hi);
        fail_number(c, key, n ? n : value_of(c, key), expected);
    }
    return otherwise;
}

int64_t conf_int(struct conf *c, const char *key, int64_t lo, int64_t hi)
{
    return int_of(c, key, lo, hi, true, 0);
}

int64_t conf_int_or(struct conf *c, const char *key, int64_t lo, int64_t hi, int64_t otherwise)
{
    return int_of(c, key, lo, hi, false, otherwise);
}

/* A number in a unit, as far as its syntax goes. */
static int parse_unit(const struct doc_node *n, enum conf_unit unit, double *ret)
{
    int64_t v = 0;
    int rc;

    if (unit == CONF_PLAIN)
        return n->quoted ? -1 : units_parse_real(n->text, n->len, ret);
    rc = unit == CONF_DURATION ? units_parse_duration(n->text, n->len, &v) : units_parse_memory(n->text, n->len, &v);
    *ret = (double)v;
    return rc;
}

static void describe(char *buf, size_t size, enum conf_unit unit, double lo, double hi)
{
    char a[UNITS_MAX], b[UNITS_MAX];

    if (unit == CONF_PLAIN) {
        if (hi > 1e300)
            snprintf(buf, size, lo < -1e300 ? "a number" : "a number of at least %.10g", lo);
        else
            snprintf(buf, size, "a number from %.10g to %.10g", lo, hi);
    } else if (unit == CONF_DURATION) {
        snprintf(buf, size, "a duration such as 250ms, 2s or 1m30s, from %s to %s", units_duration_exact(a, (int64_t)lo),
                 hi >= 9e18 ? "any" : units_duration_exact(b, (int64_t)hi));
    } else {
        snprintf(buf, size, "memory such as 9.6Gi or 512Mi, from %s to %s", units_memory(a, (int64_t)lo),
                 hi >= 9e18 ? "any" : units_memory(b, (int64_t)hi));
    }
}

static void fail_unit(struct conf *c, const char *key, const struct doc_node *n, enum conf_unit unit, double lo,
                      double hi)
{
    char expected[200];

    describe(expected, sizeof expected, unit, lo, hi);
    fail_number(c, key, n ? n : value_of(c, key), expected);
}

static double real_of(struct conf *c, const char *key, double lo, double hi, bool required, double otherwise)
{
    const struct doc_node *n = look(c, key);
    double v;

    if (n && n->kind == DOC_SCALAR && parse_unit(n, CONF_PLAIN, &v) == 0 && v >= lo && v <= hi)
        return v;
    if (n || required)
        fail_unit(c, key, n, CONF_PLAIN, lo, hi);
    return otherwise;
}

double conf_real(struct conf *c, const char *key, double lo, double hi)
{
    return real_of(c, key, lo, hi, true, 0);
}

double conf_real_or(struct conf *c, const char *key, double lo, double hi, double otherwise)
{
    return real_of(c, key, lo, hi, false, otherwise);
}

static int parse_integral(const struct doc_node *n, enum conf_unit unit, int64_t *ret)
{
    return unit == CONF_DURATION ? units_parse_duration(n->text, n->len, ret)
                                 : units_parse_memory(n->text, n->len, ret);
}

static int64_t integral_of(struct conf *c, const char *key, enum conf_unit unit, int64_t lo, int64_t hi, bool required,
                           int64_t otherwise)
{
    const struct doc_node *n = look(c, key);
    int64_t v;

    if (n && n->kind == DOC_SCALAR && parse_integral(n, unit, &v) == 0 && v >= lo && v <= hi)
        return v;
    if (n || required)
        fail_unit(c, key, n, unit, (double)lo, (double)hi);
    return otherwise;
}

int64_t conf_duration(struct conf *c, const char *key, int64_t lo, int64_t hi)
{
    return integral_of(c, key, CONF_DURATION, lo, hi, true, 0);
}

int64_t conf_duration_or(struct conf *c, const char *key, int64_t lo, int64_t hi, int64_t otherwise)
{
    return integral_of(c, key, CONF_DURATION, lo, hi, false, otherwise);
}

int64_t conf_memory(struct conf *c, const char *key, int64_t lo, int64_t hi)
{
    return integral_of(c, key, CONF_MEMORY, lo, hi, true, 0);
}

int64_t conf_memory_or(struct conf *c, const char *key, int64_t lo, int64_t hi, int64_t otherwise)
{
    return integral_of(c, key, CONF_MEMORY, lo, hi, false, otherwise);
}

static int choice_of(struct conf *c, const char *key, const char *const *names, bool required, int otherwise)
{
    const struct doc_node *n = look(c, key);
    const char *nearest = NULL;
    struct buf expected;

    if (n && n->kind == DOC_SCALAR) {
        for (int i = 0; names[i]; i++)
            if (strcmp(names[i], n->text) == 0)
                return i;
        nearest = str_nearest(n->text, names);
    }
    if (!n && !required)
        return otherwise;
    buf_init(&expected, 500);
    buf_puts(&expected, names[1] ? "one of " : "");
    for (int i = 0; names[i]; i++)
        buf_printf(&expected, "%s%s", i ? ", " : "", names[i]);
    if (nearest)
        buf_printf(&expected, "; did you mean %s?", nearest);
    fail_value(c, key, n ? n : value_of(c, key), buf_str(&expected));
    buf_done(&expected);
    return otherwise;
}

int conf_choice(struct conf *c, const char *key, const char *const *names)
{
    return choice_of(c, key, names, true, 0);
}

int conf_choice_or(struct conf *c, const char *key, const char *const *names, int otherwise)
{
    return choice_of(c, key, names, false, otherwise);
}

/* ---- collections ---- */

static bool sub_of(struct conf *c, const char *key, bool required, struct conf *sub)
{
    const struct doc_node *n = look(c, key);

    stand_below(sub, c, key, n && n->kind == DOC_MAPPING ? n : NULL);
    if ((n && n->kind != DOC_MAPPING) || (!n && required))
        fail_value(c, key, n ? n : value_of(c, key), "a mapping (key: value lines)");
    return sub->node != NULL;
}

bool conf_sub(struct conf *c, const char *key, struct conf *sub)
{
    return sub_of(c, key, true, sub);
}

bool conf_sub_or(struct conf *c, const char *key, struct conf *sub)
{
    return sub_of(c, key, false, sub);
}

static size_t many_of(struct conf *c, const char *key, enum doc_kind kind, size_t lo, size_t hi, bool required,
                      struct conf *many)
{
    const struct doc_node *n = look(c, key);
    bool right = n && n->kind == kind && n->count >= lo && n->count <= hi;
    const char *what = kind == DOC_SEQUENCE ? "a sequence" : "a mapping", *one = kind == DOC_SEQUENCE ? "item" : "name";
    char expected[120];

    stand_below(many, c, key, right ? n : NULL);
    if (right)
        return n->count;
    if (!n && !required)
        return 0;
    if (n && n->kind == kind && n->count > hi) {
        conf_fail(c, key, "found %zu %ss, expected at most %zu", n->count, one, hi);
    } else {
        if (lo)
            snprintf(expected, sizeof expected, "%s of %s%zu %s%s", what, lo == hi ? "" : "at least ", lo, one, lo == 1 ? "" : "s");
        else
            snprintf(expected, sizeof expected, "%s", what);
        fail_value(c, key, n ? n : value_of(c, key), expected);
    }
    return 0;
}

size_t conf_list(struct conf *c, const char *key, size_t lo, size_t hi, struct conf *list)
{
    return many_of(c, key, DOC_SEQUENCE, lo, hi, true, list);
}

size_t conf_list_or(struct conf *c, const char *key, size_t hi, struct conf *list)
{
    return many_of(c, key, DOC_SEQUENCE, 0, hi, false, list);
}

bool conf_item(struct conf *list, size_t i, struct conf *item)
{
    bool there = !conf_failed(list) && list->node && list->node->kind == DOC_SEQUENCE && i < list->node->count;

    stand(item, list, NULL, i, there ? list->node->items[i] : NULL);
    return there;
}

size_t conf_names(struct conf *c, const char *key, size_t lo, size_t hi, struct conf *names)
{
    size_t n = many_of(c, key, DOC_MAPPING, lo, hi, lo > 0, names);

    names->checked = true;
    return n;
}

const char *conf_name(struct conf *names, size_t i, struct conf *value)
{
    bool there = !conf_failed(names) && names->node && names->node->kind == DOC_MAPPING && i < names->node->count;
    const struct doc_entry *e = there ? &names->node->entries[i] : NULL;

    stand(value, names, e ? e->key->text : "", i, e ? e->value : NULL);
    return e ? e->key->text : "";
}

/* ---- numbers with their provenance ---- */

static bool in_range(const struct doc_node *n, enum conf_unit unit, double lo, double hi, double *ret)
{
    return n->kind == DOC_SCALAR && parse_unit(n, unit, ret) == 0 && *ret >= lo && *ret <= hi;
}

static struct conf_sourced sourced_of(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi,
                                      bool required, double otherwise)
{
    const struct doc_node *n = look(c, key), *v;
    struct conf_sourced s = {.value = otherwise};
    struct conf sub;
    double value = otherwise;

    if (n && n->kind == DOC_MAPPING) {
        stand_below(&sub, c, key, n);
        v = look(&sub, "value");
        if (!v || !in_range(v, unit, lo, hi, &value))
            fail_unit(&sub, "value", v, unit, lo, hi);
        s.source = conf_string_or(&sub, "source", NULL);
        s.assumed = conf_bool_or(&sub, "assumed", false);
        conf_end(&sub);
    } else if (n ? !in_range(n, unit, lo, hi, &value) : required) {
        fail_unit(c, key, n, unit, lo, hi);
    }
    if (conf_failed(c))
        return (struct conf_sourced){.value = otherwise};
    s.value = value;
    s.given = n != NULL;
    return s;
}

struct conf_sourced conf_sourced(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi)
{
    return sourced_of(c, key, unit, lo, hi, true, 0);
}

struct conf_sourced conf_sourced_or(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi,
                                    double otherwise)
{
    return sourced_of(c, key, unit, lo, hi, false, otherwise);
}
