/* SPDX-License-Identifier: Apache-2.0 */
#include "report/gpus.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "report/table.h"
#include "report/tree.h"

static const struct {
    unsigned bit;
    const char *name;
} FIGURES[] = {{GPU_SM, "sm"},           {GPU_MEMORY, "memory"}, {GPU_PLACEMENTS, "placements"},
               {GPU_ENGINES, "engines"}, {GPU_IDS, "id"},        {GPU_BANDWIDTH, "bandwidth"},
               {GPU_TFLOPS, "fp16"}};

/* ---- JSON and YAML ---- */

/* What is not known is left out: a reader must not take it for zero. */
static void set_number(json_t *o, const char *key, double v)
{
    if (v > 0)
        json_object_set_new(
            o, key, v == (double)(json_int_t)v ? json_integer((json_int_t)v) : json_real(v));
}

static void set_words(json_t *o, const char *key, const char *words)
{
    cleanup_free char *copy = xstrdup(words);
    json_t *list = json_array();
    char *save = NULL;

    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        json_array_append_new(list, json_string(w));
    json_object_set_new(o, key, list);
}

static void set_inferred(json_t *o, unsigned bits)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARRAY_LEN(FIGURES); i++)
        if (bits & FIGURES[i].bit)
            json_array_append_new(list, json_string(FIGURES[i].name));
    json_object_set_new(o, "inferred", list);
}

static json_t *profile_tree(const struct gpu_model *m, const struct gpu_profile *p)
{
    const struct {
        const char *name;
        int count;
    } engines[] = {{"copy", p->copy_engines},
                   {"nvdec", p->nvdec},
                   {"nvenc", p->nvenc},
                   {"jpeg", p->jpeg},
                   {"ofa", p->ofa}};
    struct share_size size = gpu_profile_size(m, p);
    json_t *o = json_pack("{s:s, s:i, s:i, s:i, s:i}", "name", p->name, "nvml", p->nvml,
                          "compute_slices", p->compute_slices, "memory_slices", p->memory_slices,
                          "max_instances", p->max_instances);
    json_t *starts = json_array(), *e = json_object();

    if (p->id >= 0)
        json_object_set_new(o, "id", json_integer(p->id));
    set_number(o, "sm", p->sm);
    set_number(o, "memory_mib", (double)p->memory_mib);
    set_number(o, "sm_fraction", size.sm);
    set_number(o, "bandwidth_fraction", size.bandwidth);
    for (size_t i = 0; i < p->start_count; i++)
        json_array_append_new(starts, json_integer(p->starts[i]));
    json_object_set_new(o, "placements",
                        json_pack("{s:o, s:i}", "starts", starts, "size", p->size));
    for (size_t i = 0; i < ARRAY_LEN(engines); i++)
        if (engines[i].count >= 0)
            json_object_set_new(e, engines[i].name, json_integer(engines[i].count));
    json_object_set_new(o, "engines", e);
    set_inferred(o, p->inferred);
    set_words(o, "sources", p->sources);
    if (*p->note)
        json_object_set_new(o, "note", json_string(p->note));
    return o;
}

static void fill_model(json_t *o, const struct gpu_model *m, bool with_profiles)
{
    json_t *aliases = json_array(), *profiles = json_array();

    json_object_set_new(o, "key", json_string(m->key));
    json_object_set_new(o, "title", json_string(m->title));
    json_object_set_new(o, "arch", json_string(m->arch));
    for (const char *const *a = m->aliases; *a; a++)
        json_array_append_new(aliases, json_string(*a));
    json_object_set_new(o, "aliases", aliases);
    set_number(o, "sm", m->sm);
    set_number(o, "memory_mib", (double)m->memory_mib);
    set_number(o, "bandwidth_gb_s", m->bandwidth_gbs);
    set_number(o, "fp16_tflops", m->fp16_tflops);
    set_number(o, "l2_mib", m->l2_mib);
    set_inferred(o, m->inferred);
    set_words(o, "sources", m->sources);
    if (*m->note)
        json_object_set_new(o, "note", json_string(m->note));
    for (size_t i = 0; i < m->profile_count; i++)
        json_array_append_new(profiles, with_profiles ? profile_tree(m, &m->profiles[i])
                                                      : json_string(m->profiles[i].name));
    if (m->grid > 0)
        json_object_set_new(o, "mig",
                            json_pack("{s:i, s:i, s:s, s:o}", "memory_slices", m->grid,
                                      "compute_slices", m->compute_slices, "toggle",
                                      m->mig_needs_reset ? "reset" : "live", "profiles", profiles));
    else
        json_decref(profiles);
}

/* ---- tables ---- */

static void number_cell(struct table *t, double v, bool inferred)
{
    if (v > 0)
        table_cellf(t, "%.10g%s", v, inferred ? "*" : "");
    else
        table_cell(t, "?");
}

static void gib_cell(struct table *t, int64_t mib, bool inferred)
{
    if (mib > 0)
        table_cellf(t, "%.2f%s", (double)mib / 1024, inferred ? "*" : "");
    else
        table_cell(t, "?");
}

static void profile_range(const struct gpu_model *m, struct buf *out)
{
    uint32_t base = gpu_profiles_base(m);
    const char *first = NULL, *last = NULL;

    for (size_t i = 0; i < m->profile_count; i++) {
        if (!(base >> i & 1))
            continue;
        first = first ? first : m->profiles[i].name;
        last = m->profiles[i].name;
    }
    if (first)
        buf_printf(out, "%d x %s to %s", gpu_profile_nvml(m, 0)->max_instances, first, last);
    else
        buf_puts(out, "no MIG");
}

static void list_table(struct catalog *c, const struct text_style *style, struct buf *out,
                       struct err *err)
{
    cleanup_table struct table *t = table_new();

    table_column(t, "GPU", TABLE_LEFT);
    table_column(t, "architecture", TABLE_LEFT);
    table_column(t, "SMs", TABLE_RIGHT);
    table_column(t, "GiB", TABLE_RIGHT);
    table_column(t, "GB/s", TABLE_RIGHT);
    table_column(t, "FP16 TFLOPS", TABLE_RIGHT);
    table_column(t, "MIG", TABLE_LEFT);
    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct gpu_model *m = catalog_at(c, i, err);
        cleanup_buf struct buf range = {.max = 100};
        if (!m)
            return;
        table_cell(t, m->key);
        table_cell(t, m->arch);
        number_cell(t, m->sm, m->inferred & GPU_SM);
        gib_cell(t, m->memory_mib, m->inferred & GPU_MEMORY);
        number_cell(t, m->bandwidth_gbs, m->inferred & GPU_BANDWIDTH);
        number_cell(t, m->fp16_tflops, m->inferred & GPU_TFLOPS);
        profile_range(m, &range);
        table_cell(t, buf_str(&range));
    }
    table_print(t, style, out);
    buf_puts(out,
             "\n* inferred, ? not known. `snug gpus MODEL` says where each figure comes from.\n");
}

static void list_csv(struct catalog *c, struct buf *out, struct err *err)
{
    buf_puts(
        out,
        "gpu,arch,sm,memory_mib,bandwidth_gb_s,fp16_tflops,mig_memory_slices,mig_compute_slices\n");
    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct gpu_model *m = catalog_at(c, i, err);
        if (!m)
            return;
        buf_printf(out, "%s,%s,", m->key, m->arch);
        buf_printf(out, m->sm ? "%d," : ",", m->sm);
        buf_printf(out, "%lld,", (long long)m->memory_mib);
        buf_printf(out, m->bandwidth_gbs > 0 ? "%.10g," : ",", m->bandwidth_gbs);
        buf_printf(out, m->fp16_tflops > 0 ? "%.10g," : ",", m->fp16_tflops);
        buf_printf(out, "%d,%d\n", m->grid, m->compute_slices);
    }
}

static int no_svg(struct err *err)
{
    return err_set(err, ERR_INPUT, "only layouts can be drawn: snug gpus MODEL --layouts -o svg");
}

int gpus_list(struct catalog *c, enum gpus_format format, const struct text_style *style,
              struct buf *out, struct err *err)
{
    struct err own = {0};
    json_t *root, *list;

    if (format == GPUS_SVG)
        return no_svg(err);
    if (format == GPUS_TABLE) {
        list_table(c, style, out, &own);
    } else if (format == GPUS_CSV) {
        list_csv(c, out, &own);
    } else {
        root = tree_of("GPUs");
        list = json_array();
        for (size_t i = 0; i < catalog_count(c) && own.kind == ERR_NONE; i++) {
            const struct gpu_model *m = catalog_at(c, i, &own);
            json_t *o = json_object();
            if (m)
                fill_model(o, m, false);
            json_array_append_new(list, o);
        }
        json_object_set_new(root, "gpus", list);
        if (own.kind == ERR_NONE)
            return tree_put(root, format == GPUS_YAML, out, err);
        json_decref(root);
    }
    if (own.kind == ERR_NONE)
        return 0;
    *err = own;
    return -1;
}

/* ---- one model ---- */

static void join_starts(const struct gpu_profile *p, struct buf *out)
{
    for (size_t i = 0; i < p->start_count; i++)
        buf_printf(out, "%s%d", i ? " " : "", p->starts[i]);
    buf_printf(out, " (%d)%s", p->size, p->inferred & GPU_PLACEMENTS ? "*" : "");
}

static void profile_table(const struct gpu_model *m, const struct text_style *style,
                          struct buf *out)
{
    cleanup_table struct table *t = table_new();

    table_column(t, "profile", TABLE_LEFT);
    table_column(t, "id", TABLE_RIGHT);
    table_column(t, "max", TABLE_RIGHT);
    table_column(t, "SMs", TABLE_RIGHT);
    table_column(t, "GiB", TABLE_RIGHT);
    table_column(t, "bandwidth", TABLE_RIGHT);
    table_column(t, "copy", TABLE_RIGHT);
    table_column(t, "starts (slices)", TABLE_LEFT);
    table_column(t, "sources", TABLE_LEFT | TABLE_WRAP);
    for (size_t i = 0; i < m->profile_count; i++) {
        const struct gpu_profile *p = &m->profiles[i];
        cleanup_buf struct buf starts = {.max = 100};
        join_starts(p, &starts);
        table_cell(t, p->name);
        if (p->id >= 0)
            table_cellf(t, "%d%s", p->id, p->inferred & GPU_IDS ? "*" : "");
        else
            table_cell(t, "?");
        table_cellf(t, "%d", p->max_instances);
        number_cell(t, p->sm, p->inferred & GPU_SM);
        gib_cell(t, p->memory_mib, p->inferred & GPU_MEMORY);
        table_cellf(t, "%d/%d", p->memory_slices, m->grid);
        if (p->copy_engines >= 0)
            table_cellf(t, "%d", p->copy_engines);
        else
            table_cell(t, "?");
        table_cell(t, buf_str(&starts));
        table_cell(t, p->sources);
    }
    table_print(t, style, out);
}

/* Every source key of the model, spelled out once. */
static void source_lines(struct catalog *c, const struct gpu_model *m,
                         const struct text_style *style, struct buf *out)
{
    cleanup_buf struct buf seen = {.max = 2000};

    buf_putc(&seen, ' ');
    for (size_t i = 0; i <= m->profile_count; i++) {
        cleanup_free char *keys = xstrdup(i == 0 ? m->sources : m->profiles[i - 1].sources);
        char *save = NULL;
        for (char *key = strtok_r(keys, " ", &save); key; key = strtok_r(NULL, " ", &save)) {
            cleanup_free char *word = xasprintf(" %s ", key), *first = xasprintf("  %-18s ", key);
            if (strstr(buf_str(&seen), word))
                continue;
            buf_printf(&seen, "%s ", key);
            text_wrap(out, style, TEXT_PLAIN, first,
                      catalog_source(c, key) ? catalog_source(c, key) : "not spelled out");
        }
    }
}

static void figure_line(struct buf *out, const char *name, double v, const char *unit,
                        bool inferred)
{
    if (v > 0)
        buf_printf(out, "  %-12s %.10g%s%s%s\n", name, v, *unit ? " " : "", unit,
                   inferred ? "*" : "");
    else
        buf_printf(out, "  %-12s not known\n", name);
}

static void show_table(struct catalog *c, const struct gpu_model *m, const struct text_style *style,
                       struct buf *out)
{
    cleanup_buf struct buf names = {.max = 2000};

    text_put(out, style, TEXT_BOLD, m->key);
    buf_printf(out, "  %s, %s\n", m->title, m->arch);
    figure_line(out, "SMs", m->sm, "", m->inferred & GPU_SM);
    buf_printf(out, "  %-12s %lld MiB%s\n", "memory", (long long)m->memory_mib,
               m->inferred & GPU_MEMORY ? "*" : "");
    figure_line(out, "bandwidth", m->bandwidth_gbs, "GB/s", m->inferred & GPU_BANDWIDTH);
    figure_line(out, "FP16, BF16", m->fp16_tflops, "TFLOPS, dense", m->inferred & GPU_TFLOPS);
    for (const char *const *a = m->aliases; *a; a++)
        buf_printf(&names, "%s%s", a == m->aliases ? "" : ", ", *a);
    text_wrap(out, style, TEXT_PLAIN, "  also called  ", buf_str(&names));
    if (m->grid > 0) {
        buf_printf(out, "  %-12s %d compute and %d memory slices; %s\n\n", "MIG", m->compute_slices,
                   m->grid,
                   m->mig_needs_reset ? "switching it resets the GPU; it survives a reboot"
                                      : "switched without a reset; a reboot loses it");
        profile_table(m, style, out);
    } else {
        buf_printf(out, "  %-12s no\n", "MIG");
    }
    buf_putc(out, '\n');
    if (*m->note)
        text_wrap(out, style, TEXT_PLAIN, "Note: ", m->note);
    for (size_t i = 0; i < m->profile_count; i++) {
        cleanup_free char *first = xasprintf("%s: ", m->profiles[i].name);
        if (*m->profiles[i].note)
            text_wrap(out, style, TEXT_PLAIN, first, m->profiles[i].note);
    }
    buf_puts(out, "* inferred, ? not known. Sources:\n");
    source_lines(c, m, style, out);
}

static void show_csv(const struct gpu_model *m, struct buf *out)
{
    buf_puts(out, "profile,nvml,id,max_instances,compute_slices,memory_slices,sm,memory_mib,starts,"
                  "size,inferred\n");
    for (size_t i = 0; i < m->profile_count; i++) {
        const struct gpu_profile *p = &m->profiles[i];
        buf_printf(out, "%s,%d,", p->name, p->nvml);
        buf_printf(out, p->id >= 0 ? "%d," : ",", p->id);
        buf_printf(out, "%d,%d,%d,", p->max_instances, p->compute_slices, p->memory_slices);
        buf_printf(out, p->sm > 0 ? "%d," : ",", p->sm);
        buf_printf(out, "%lld,", (long long)p->memory_mib);
        for (size_t k = 0; k < p->start_count; k++)
            buf_printf(out, "%s%d", k ? " " : "", p->starts[k]);
        buf_printf(out, ",%d,", p->size);
        for (size_t k = 0, n = 0; k < ARRAY_LEN(FIGURES); k++)
            if (p->inferred & FIGURES[k].bit)
                buf_printf(out, "%s%s", n++ ? " " : "", FIGURES[k].name);
        buf_putc(out, '\n');
    }
}

int gpus_show(struct catalog *c, const struct gpu_model *m, enum gpus_format format,
              const struct text_style *style, struct buf *out, struct err *err)
{
    json_t *root;

    if (format == GPUS_SVG)
        return no_svg(err);
    if (format == GPUS_TABLE) {
        show_table(c, m, style, out);
        return 0;
    }
    if (format == GPUS_CSV) {
        show_csv(m, out);
        return 0;
    }
    root = tree_of("GPU");
    fill_model(root, m, true);
    return tree_put(root, format == GPUS_YAML, out, err);
}
