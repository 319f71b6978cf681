/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as files: profile_read, profile_load, profile_write of serve/profile.h. */
#include <string.h>

#include "base/embedded.h"
#include "base/mem.h"
#include "base/str.h"
#include "serve/place.h"
#include "serve/profile.h"

static const char *const KINDS[] = {"asr", "llm", "tts", "infer", NULL}; /* by enum profile_kind */

/* ---- reading ---- */

static char *copy_or_null(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static void read_parameters(struct profile *p, struct conf *c)
{
    size_t n;
    const struct profile_param *list = profile_params(p->kind, &n);

    for (size_t i = 0; i < n; i++) {
        const struct profile_param *q = &list[i];
        struct conf_sourced v = isnan(q->otherwise) ? conf_sourced(c, q->key, q->unit, q->lo, q->hi)
                                                    : conf_sourced_or(c, q->key, q->unit, q->lo, q->hi, q->otherwise);
        *profile_param_at(p, q) = v.value;
        p->origin[i].source = copy_or_null(v.source);
        p->origin[i].assumed = v.assumed;
        p->origin[i].given = v.given;
        if (v.given && !v.source)
            conf_fail(c, q->key, "has no source, expected {value:, source:} (and assumed: true for a judgement)");
    }
}

static void read_memory(struct profile *p, struct conf *c)
{
    struct conf_sourced need = conf_sourced(c, "need", CONF_MEMORY, 0, 1e13);
    struct conf_sourced reserve = conf_sourced_or(c, "reserve", CONF_MEMORY, need.value, 1e13, need.value);

    p->need = (int64_t)need.value;
    p->reserve = (int64_t)reserve.value;
    p->need_origin.source = copy_or_null(need.source);
    p->need_origin.assumed = need.assumed;
    p->need_origin.given = need.given;
    p->reserve_origin.source = copy_or_null(reserve.source);
    p->reserve_origin.assumed = reserve.assumed;
    p->reserve_origin.given = reserve.given;
}

struct profile *profile_read(const struct doc_node *root, const char *path, struct err *err)
{
    cleanup_profile struct profile *p = xcalloc(1, sizeof *p);
    struct conf c, metadata, gpu, memory, parameters;

    p->path = xstrdup(path);
    conf_root(&c, root, err);
    conf_kind(&c, "Profile");
    conf_sub(&c, "metadata", &metadata);
    p->name = xstrdup(conf_string(&metadata, "name"));
    conf_end(&metadata);
    p->kind = (enum profile_kind)conf_choice(&c, "serves", KINDS);
    p->model = xstrdup(conf_string(&c, "model"));
    conf_sub(&c, "gpu", &gpu);
    p->gpu = xstrdup(conf_string(&gpu, "model"));
    p->gpu_count = (unsigned)conf_int_or(&gpu, "count", 1, SERVE_SHARES_MAX, 1);
    conf_end(&gpu);
    p->engine = xstrdup(conf_string_or(&c, "engine", "not stated"));
    p->precision = xstrdup(conf_string_or(&c, "precision", "not stated"));
    p->valid = xstrdup(conf_string_or(&c, "valid", "not stated"));
    conf_sub(&c, "memory", &memory);
    read_memory(p, &memory);
    conf_end(&memory);
    conf_sub(&c, "parameters", &parameters);
    read_parameters(p, &parameters);
    conf_end(&parameters);
    if (conf_end(&c) < 0)
        return NULL;
    return TAKE(p);
}

static bool is_profile_file(const char *path)
{
    return strncmp(path, "profiles/", 9) == 0;
}

/* "profiles/NAME.yaml" is called NAME. */
static size_t name_length(const char *path)
{
    const char *base = path + 9, *dot = strrchr(base, '.');

    return dot ? (size_t)(dot - base) : strlen(base);
}

const char **profile_names(void)
{
    const char **names = NULL;
    size_t n = 0, cap = 0, bytes = 0;
    char *text;

    for (const struct embedded_file *f = embedded_files; f->path; f++)
        if (is_profile_file(f->path))
            bytes += name_length(f->path) + 1, n++;
    cap = (n + 1) * sizeof *names;
    names = xcalloc(1, cap + bytes); /* the names stand behind the array */
    text = (char *)names + cap;
    n = 0;
    for (const struct embedded_file *f = embedded_files; f->path; f++) {
        if (!is_profile_file(f->path))
            continue;
        names[n++] = text;
        memcpy(text, f->path + 9, name_length(f->path));
        text += name_length(f->path) + 1;
    }
    return names;
}

static const struct embedded_file *find_built_in(const char *name)
{
    for (const struct embedded_file *f = embedded_files; f->path; f++)
        if (is_profile_file(f->path) && strlen(name) == name_length(f->path) &&
            strncmp(f->path + 9, name, name_length(f->path)) == 0)
            return f;
    return NULL;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

static struct profile *load_built_in(const char *name, struct err *err)
{
    const struct embedded_file *f = find_built_in(name);
    cleanup_free char *title = xasprintf("built-in profile %s", name);
    cleanup_free const char **names = NULL;
    cleanup_doc struct doc *d = NULL;
    const char *near;

    if (!f) {
        names = profile_names();
        near = str_nearest(name, names);
        err_set(err, ERR_INPUT,
                "no built-in profile is called \"%s\"%s%s%s (a path has a '/' or ends in .yaml or .json)",
                name, near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return NULL;
    }
    d = doc_parse(title, f->data, f->size, NULL, err);
    return d ? profile_read(doc_root(d, 0), title, err) : NULL;
}

struct profile *profile_load(const char *name_or_path, struct err *err)
{
    cleanup_doc struct doc *d = NULL;

    if (!strchr(name_or_path, '/') && !ends_with(name_or_path, ".yaml") && !ends_with(name_or_path, ".yml") &&
        !ends_with(name_or_path, ".json") && strcmp(name_or_path, "-") != 0)
        return load_built_in(name_or_path, err);
    d = doc_open(name_or_path, NULL, err);
    return d ? profile_read(doc_root(d, 0), name_or_path, err) : NULL;
}

/* ---- writing ---- */

static void write_text(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *s == '\n' ? ' ' : *s);
    }
    buf_putc(out, '"');
}

static void write_number(struct buf *out, const char *indent, const char *key, double value, enum conf_unit unit,
                         const char *source, bool assumed)
{
    buf_printf(out, "%s%s: {value: ", indent, key);
    if (unit == CONF_DURATION)
        buf_printf(out, "%.6gus", value / 1e3);
    else if (unit == CONF_MEMORY)
        buf_printf(out, "%.0f", value);
    else
        buf_printf(out, "%.7g", value);
    if (source) {
        buf_puts(out, ", source: ");
        write_text(out, source);
    }
    buf_puts(out, assumed ? ", assumed: true}\n" : "}\n");
}

void profile_write(const struct profile *p, struct buf *out)
{
    size_t n;
    const struct profile_param *list = profile_params(p->kind, &n);

    buf_printf(out, "apiVersion: snug/v1\nkind: Profile\nmetadata: {name: %s}\nserves: %s\nmodel: ", p->name,
               profile_kind_name(p->kind));
    write_text(out, p->model);
    buf_printf(out, "\ngpu: {model: %s, count: %u}\nengine: ", p->gpu, p->gpu_count);
    write_text(out, p->engine);
    buf_puts(out, "\nprecision: ");
    write_text(out, p->precision);
    buf_puts(out, "\nvalid: ");
    write_text(out, p->valid);
    buf_puts(out, "\nmemory:\n");
    write_number(out, "  ", "need", (double)p->need, CONF_MEMORY, p->need_origin.source, p->need_origin.assumed);
    if (p->reserve_origin.given)
        write_number(out, "  ", "reserve", (double)p->reserve, CONF_MEMORY, p->reserve_origin.source,
                     p->reserve_origin.assumed);
    buf_puts(out, "parameters:\n");
    for (size_t i = 0; i < n; i++)
        if (p->origin[i].given)
            write_number(out, "  ", list[i].key,
                         *profile_param_at((struct profile *)(uintptr_t)p, &list[i]), list[i].unit,
                         p->origin[i].source, p->origin[i].assumed);
}
