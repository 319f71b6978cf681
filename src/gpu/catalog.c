/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/catalog.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/doc.h"
#include "base/embedded.h"
#include "base/mem.h"
#include "gpu/names.h"

enum { MODELS_MAX = 128, NAME_MAX_PLAIN = 96, MIB_MAX = 1 << 24 };

struct entry {
    const struct embedded_file *file;
    struct gpu_model *model; /* NULL: not read yet */
};

struct source {
    const char *key, *text;
};

struct catalog {
    struct arena *arena; /* models and strings */
    struct entry entries[MODELS_MAX];
    size_t count;
    struct source *sources; /* NULL: not read yet */
    size_t source_count;
};

static const char *const TOGGLES[] = {"live", "reset", NULL};

struct catalog *catalog_open(struct err *err)
{
    struct catalog *c = xcalloc(1, sizeof *c);

    c->arena = arena_new();
    for (const struct embedded_file *f = embedded_files; f->path; f++) {
        if (strncmp(f->path, "gpus/", 5) != 0 || !strstr(f->path, ".yaml") ||
            strcmp(f->path, "gpus/sources.yaml") == 0)
            continue;
        if (c->count == MODELS_MAX) {
            err_set(err, ERR_INPUT, "the GPU catalogue holds more than %d files", MODELS_MAX);
            catalog_free(c);
            return NULL;
        }
        c->entries[c->count++].file = f;
    }
    return c;
}

void catalog_free(struct catalog *c)
{
    if (!c)
        return;
    arena_free(c->arena);
    free(c);
}

/* Appends the keys of `sources:` to what stands in `before`, each once. */
static const char *read_sources(struct arena *a, struct conf *c, const char *before)
{
    struct conf list, item;
    size_t n = conf_list_or(c, "sources", 8, &list);

    for (size_t i = 0; i < n; i++) {
        const char *key;
        conf_item(&list, i, &item);
        key = conf_string(&item, NULL);
        if (!strstr(before, key))
            before = arena_printf(a, "%s%s%s", before, *before ? " " : "", key);
    }
    return before;
}

/*
 * A whole figure of the GPU: {count: 132, sources: [...]} or {count: 132, inferred: true, why:
 * "..."}.
 */
static double read_figure(struct arena *a, struct conf *c, const char *key, const char *unit,
                          unsigned bit, struct gpu_model *m)
{
    struct conf f;
    double v = 0;

    if (!conf_sub_or(c, key, &f))
        return 0;
    v = conf_real(&f, unit, 1e-3, 1e9);
    m->sources = read_sources(a, &f, m->sources);
    if (conf_bool_or(&f, "inferred", false)) {
        const char *why = conf_string(&f, "why");
        m->inferred |= bit;
        m->note = arena_printf(a, "%s%s%s: %s", m->note, *m->note ? "; " : "", key, why);
    }
    conf_end(&f);
    return v;
}

/* A figure of a profile: 16, or {value: 16, inferred: true}; absent: `otherwise`. */
static int64_t read_count(struct conf *c, const char *key, int64_t hi, int64_t otherwise,
                          unsigned bit, struct gpu_profile *p)
{
    const struct doc_node *n = doc_get(c->node, key);
    struct conf f;
    int64_t v;

    if (!n || n->kind != DOC_MAPPING)
        return conf_int_or(c, key, 0, hi, otherwise);
    conf_sub(c, key, &f);
    v = conf_int(&f, "value", 0, hi);
    if (conf_bool_or(&f, "inferred", false))
        p->inferred |= bit;
    conf_end(&f);
    return v;
}

static void read_engines(struct conf *c, struct gpu_profile *p)
{
    struct conf e;

    p->copy_engines = p->nvdec = p->nvenc = p->jpeg = p->ofa = -1;
    if (!conf_sub_or(c, "engines", &e))
        return;
    p->copy_engines = (int)conf_int_or(&e, "copy", 0, 64, -1);
    p->nvdec = (int)conf_int_or(&e, "nvdec", 0, 64, -1);
    p->nvenc = (int)conf_int_or(&e, "nvenc", 0, 64, -1);
    p->jpeg = (int)conf_int_or(&e, "jpeg", 0, 64, -1);
    p->ofa = (int)conf_int_or(&e, "ofa", 0, 64, -1);
    conf_end(&e);
}

static void read_placements(struct conf *c, int grid, struct gpu_profile *p)
{
    struct conf f, list, item;

    conf_sub(c, "placements", &f);
    p->size = (int)conf_int(&f, "size", 1, grid);
    p->start_count = conf_list(&f, "starts", 1, GPU_PLACEMENTS_MAX, &list);
    for (size_t i = 0; i < p->start_count; i++) {
        conf_item(&list, i, &item);
        p->starts[i] = (int)conf_int(&item, NULL, 0, grid - p->size);
        if (i > 0 && p->starts[i] <= p->starts[i - 1])
            conf_fail(&item, NULL, "found %d, expected starts that ascend", p->starts[i]);
    }
    if (conf_bool_or(&f, "inferred", false))
        p->inferred |= GPU_PLACEMENTS;
    conf_end(&f);
}

static void read_profile(struct arena *a, struct conf *c, int grid, struct gpu_profile *p)
{
    struct profile_name name;

    p->name = arena_strdup(a, conf_string(c, "name"));
    p->attributes = "";
    if (conf_failed(c))
        return;
    if (!profile_name_parse(p->name, &name)) {
        conf_fail(c, "name", "found \"%s\", expected a MIG profile such as 3g.40gb", p->name);
        return;
    }
    p->attributes = arena_strdup(a, name.attributes);
    p->nvml = (int)read_count(c, "nvml", 63, -1, GPU_IDS, p);
    p->id = (int)read_count(c, "id", 1023, -1, GPU_IDS, p);
    p->compute_slices = (int)conf_int(c, "computeSlices", 1, 16);
    p->memory_slices = (int)read_count(c, "memorySlices", grid, 0, GPU_PLACEMENTS, p);
    p->sm = (int)read_count(c, "sm", 4096, 0, GPU_SM, p);
    p->memory_mib = read_count(c, "mib", MIB_MAX, 0, GPU_MEMORY, p);
    p->max_instances = (int)conf_int(c, "maxInstances", 1, GPU_PLACEMENTS_MAX);
    read_engines(c, p);
    read_placements(c, grid, p);
    p->sources = read_sources(a, c, "");
    p->note = arena_strdup(a, conf_string_or(c, "note", ""));
    if (name.compute != p->compute_slices)
        conf_fail(c, "computeSlices", "found %d, expected the %d of %s", p->compute_slices,
                  name.compute, p->name);
}

static void read_mig(struct arena *a, struct conf *c, struct gpu_model *m)
{
    struct conf mig, list, item;

    if (!conf_sub_or(c, "mig", &mig))
        return;
    m->grid = (int)conf_int(&mig, "grid", 1, GPU_PLACEMENTS_MAX);
    m->compute_slices = (int)conf_int(&mig, "computeSlices", 1, 16);
    m->mig_needs_reset = conf_choice(&mig, "toggle", TOGGLES) == 1;
    m->name_gb = (int)conf_int_or(&mig, "nameGb", 1, 4096, (m->memory_mib + 1023) / 1024);
    m->profile_count = conf_list(&mig, "profiles", 1, GPU_PROFILES_MAX, &list);
    for (size_t i = 0; i < m->profile_count && !conf_failed(c); i++) {
        conf_item(&list, i, &item);
        m->profiles[i].index = (int)i;
        read_profile(a, &item, m->grid, &m->profiles[i]);
        conf_end(&item);
    }
    conf_end(&mig);
}

static int read_model(struct arena *a, struct conf *c, struct gpu_model *m)
{
    struct conf list, item;
    const char **aliases;
    size_t n;

    conf_kind(c, "GPU");
    m->key = arena_strdup(a, conf_string(c, "key"));
    m->title = arena_strdup(a, conf_string(c, "title"));
    m->arch = arena_strdup(a, conf_string(c, "arch"));
    m->sources = "";
    m->note = arena_strdup(a, conf_string_or(c, "note", ""));
    n = conf_list_or(c, "aliases", 32, &list);
    aliases = ARENA_ARRAY(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        conf_item(&list, i, &item);
        aliases[i] = arena_strdup(a, conf_string(&item, NULL));
    }
    m->aliases = aliases;
    m->sm = (int)read_figure(a, c, "sm", "count", GPU_SM, m);
    m->memory_mib = (int64_t)read_figure(a, c, "memory", "mib", GPU_MEMORY, m);
    m->bandwidth_gbs = read_figure(a, c, "bandwidth", "gbPerSecond", GPU_BANDWIDTH, m);
    m->fp16_tflops = read_figure(a, c, "fp16", "tflops", GPU_TFLOPS, m);
    m->l2_mib = read_figure(a, c, "l2", "mib", 0, m);
    read_mig(a, c, m);
    return conf_end(c);
}

static const struct gpu_model *load(struct catalog *c, struct entry *e, struct err *err)
{
    cleanup_doc struct doc *doc = NULL;
    struct gpu_model *m;
    struct conf root;

    if (e->model)
        return e->model;
    if (!(doc = doc_parse(e->file->path, e->file->data, e->file->size, NULL, err)))
        return NULL;
    m = ARENA_NEW(c->arena, struct gpu_model);
    conf_root(&root, doc_root(doc, 0), err);
    if (read_model(c->arena, &root, m) < 0)
        return NULL;
    return e->model = m;
}

static bool named(const struct gpu_model *m, const char *plain)
{
    char own[NAME_MAX_PLAIN];

    gpu_name_plain(m->key, own, sizeof own);
    if (strcmp(own, plain) == 0)
        return true;
    for (const char *const *alias = m->aliases; *alias; alias++) {
        gpu_name_plain(*alias, own, sizeof own);
        if (strcmp(own, plain) == 0)
            return true;
    }
    return false;
}

/*
 * How far a model is from an unknown name: 0 if it begins with it, else the edits to the nearest of
 * its names.
 */
static unsigned distance(const struct gpu_model *m, const char *plain)
{
    char own[NAME_MAX_PLAIN];
    unsigned best;

    gpu_name_plain(m->key, own, sizeof own);
    if (strncmp(own, plain, strlen(plain)) == 0)
        return 0;
    best = name_distance(own, plain);
    for (const char *const *alias = m->aliases; *alias; alias++) {
        unsigned d;
        gpu_name_plain(*alias, own, sizeof own);
        d = name_distance(own, plain);
        if (d < best)
            best = d;
    }
    return best;
}

static void unknown_model(struct catalog *c, const char *name, const char *plain, struct err *err)
{
    cleanup_buf struct buf near = {.max = 400};
    unsigned best = 5;
    size_t shown = 0;

    for (size_t i = 0; i < c->count; i++) {
        unsigned d = *plain ? distance(c->entries[i].model, plain) : 64;
        if (d < best)
            best = d;
    }
    for (size_t i = 0; i < c->count && best < 5 && shown < 6; i++)
        if (distance(c->entries[i].model, plain) == best)
            buf_printf(&near, "%s%s", shown++ ? ", " : "", c->entries[i].model->key);
    if (shown)
        err_set(err, ERR_INPUT, "no GPU \"%.80s\" in the catalogue; near it: %s", name,
                buf_str(&near));
    else
        err_set(err, ERR_INPUT, "no GPU \"%.80s\" in the catalogue; `snug gpus` lists them", name);
}

const struct gpu_model *catalog_find(struct catalog *c, const char *name, struct err *err)
{
    char plain[NAME_MAX_PLAIN];

    gpu_name_plain(name, plain, sizeof plain);
    for (size_t i = 0; i < c->count; i++) { /* a key is its file's name: read only that one */
        const char *base = c->entries[i].file->path + strlen("gpus/");
        if (strlen(base) == strlen(plain) + strlen(".yaml") &&
            strncmp(base, plain, strlen(plain)) == 0)
            return load(c, &c->entries[i], err);
    }
    for (size_t i = 0; i < c->count; i++) {
        const struct gpu_model *m = load(c, &c->entries[i], err);
        if (!m)
            return NULL;
        if (named(m, plain))
            return m;
    }
    unknown_model(c, name, plain, err);
    return NULL;
}

size_t catalog_count(struct catalog *c)
{
    return c->count;
}

const struct gpu_model *catalog_at(struct catalog *c, size_t i, struct err *err)
{
    return load(c, &c->entries[i], err);
}

static void load_sources(struct catalog *c)
{
    cleanup_doc struct doc *doc = NULL;
    const struct embedded_file *f = embedded_files;
    const struct doc_node *node;
    struct err err = {0};

    while (f->path && strcmp(f->path, "gpus/sources.yaml") != 0)
        f++;
    if (!f->path || !(doc = doc_parse(f->path, f->data, f->size, NULL, &err)))
        return;
    if (!(node = doc_get(doc_root(doc, 0), "sources")) || node->kind != DOC_MAPPING)
        return;
    c->sources = ARENA_ARRAY(c->arena, struct source, node->count + 1);
    for (size_t i = 0; i < node->count; i++)
        if (node->entries[i].value->kind == DOC_SCALAR)
            c->sources[c->source_count++] =
                (struct source){arena_strdup(c->arena, node->entries[i].key->text),
                                arena_strdup(c->arena, node->entries[i].value->text)};
}

const char *catalog_source(struct catalog *c, const char *key)
{
    if (!c->sources)
        load_sources(c);
    for (size_t i = 0; c->sources && i < c->source_count; i++)
        if (strcmp(c->sources[i].key, key) == 0)
            return c->sources[i].text;
    return NULL;
}

static void list_profiles(const struct gpu_model *m, struct buf *out)
{
    for (size_t i = 0; i < m->profile_count; i++)
        buf_printf(out, "%s%s", i ? ", " : "", m->profiles[i].name);
}

const struct gpu_profile *gpu_profile_find(const struct gpu_model *m, const char *name,
                                           struct err *err)
{
    cleanup_buf struct buf all = {.max = 600};
    struct profile_name asked, own;

    if (m->grid == 0) {
        err_set(err, ERR_INPUT, "%s has no MIG, so no profile %.40s", m->key, name);
        return NULL;
    }
    list_profiles(m, &all);
    if (!profile_name_parse(name, &asked)) {
        err_set(err, ERR_INPUT, "found \"%.40s\", expected a MIG profile of %s: %s", name, m->key,
                buf_str(&all));
        return NULL;
    }
    for (int near = 0; near <= 1; near++) {
        for (size_t i = 0; i < m->profile_count; i++) {
            profile_name_parse(m->profiles[i].name, &own);
            if (near ? profile_name_near(&asked, &own)
                     : asked.gb == own.gb && asked.compute == own.compute &&
                           strcmp(asked.attributes, own.attributes) == 0)
                return &m->profiles[i];
        }
    }
    err_set(err, ERR_INPUT, "%s has no profile %.40s; it has %s", m->key, name, buf_str(&all));
    return NULL;
}

const struct gpu_profile *gpu_profile_nvml(const struct gpu_model *m, int nvml)
{
    for (size_t i = 0; i < m->profile_count; i++)
        if (m->profiles[i].nvml == nvml)
            return &m->profiles[i];
    return NULL;
}

enum { NVML_1_SLICE_REV2 = 9, NVML_LAST_PLAIN = 6 };

uint32_t gpu_profiles_base(const struct gpu_model *m)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < m->profile_count; i++)
        if (m->profiles[i].nvml <= NVML_LAST_PLAIN)
            mask |= UINT32_C(1) << i;
    return mask;
}

uint32_t gpu_profiles_double(const struct gpu_model *m)
{
    uint32_t mask = gpu_profiles_base(m);

    for (size_t i = 0; i < m->profile_count; i++)
        if (m->profiles[i].nvml == NVML_1_SLICE_REV2)
            mask |= UINT32_C(1) << i;
    return mask;
}

uint32_t gpu_profiles_all(const struct gpu_model *m)
{
    return (UINT32_C(1) << m->profile_count) - 1;
}

struct share_size gpu_profile_size(const struct gpu_model *m, const struct gpu_profile *p)
{
    struct share_size size = {.sm = 1, .bandwidth = 1, .memory = m->memory_mib << 20};

    if (!p)
        return size;
    if (p->sm > 0 && m->sm > 0)
        size.sm = (double)p->sm / m->sm;
    else
        size.sm = (double)p->compute_slices / m->compute_slices;
    size.bandwidth = (double)p->memory_slices / m->grid;
    if (p->memory_mib > 0)
        size.memory = p->memory_mib << 20;
    else
        size.memory = (int64_t)(size.bandwidth * (double)size.memory);
    return size;
}
