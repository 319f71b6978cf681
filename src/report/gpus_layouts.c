/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "report/draw_layout.h"
#include "report/gpus.h"
#include "report/table.h"
#include "report/tree.h"

static const char *const KINDS[] = {"feasible", "maximal", "multisets", "pareto"};

static json_t *layout_tree(const struct layout *l)
{
    json_t *instances = json_array();
    int compute = 0, memory = 0, sm = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct gpu_instance *g = &l->at[i];
        json_array_append_new(instances, json_pack("{s:s, s:i, s:i}", "profile", g->profile->name,
                                                   "start", g->start, "size", g->profile->size));
        compute += g->profile->compute_slices;
        memory += g->profile->size;
        sm += g->profile->sm;
    }
    return json_pack("{s:o, s:i, s:i, s:i}", "instances", instances, "compute_slices", compute,
                     "memory_slices", memory, "sm", sm);
}

static void layouts_table(const struct gpu_model *m, const struct layout_list *l, const char *title,
                          const struct text_style *style, struct buf *out)
{
    cleanup_table struct table *t = table_new();

    text_put(out, style, TEXT_BOLD, title);
    buf_puts(out, "\n\n");
    table_column(t, "#", TABLE_RIGHT);
    table_column(t, "compute", TABLE_RIGHT);
    table_column(t, "memory", TABLE_RIGHT);
    table_column(t, "SMs", TABLE_RIGHT);
    table_column(t, "instances@slice", TABLE_LEFT | TABLE_WRAP);
    for (size_t i = 0; i < l->n; i++) {
        cleanup_buf struct buf text = {.max = 400};
        int compute = 0, memory = 0, sm = 0;
        bool known = true;
        for (size_t k = 0; k < l->at[i].n; k++) {
            const struct gpu_profile *p = l->at[i].at[k].profile;
            compute += p->compute_slices;
            memory += p->size;
            sm += p->sm;
            known = known && p->sm > 0;
        }
        layout_format(&l->at[i], &text);
        table_cellf(t, "%zu", i + 1);
        table_cellf(t, "%d/%d", compute, m->compute_slices);
        table_cellf(t, "%d/%d", memory, m->grid);
        if (known)
            table_cellf(t, "%d", sm);
        else
            table_cell(t, "?");
        table_cell(t, buf_str(&text));
    }
    table_print(t, style, out);
}

static void layouts_csv(const struct layout_list *l, struct buf *out)
{
    buf_puts(out, "layout,profile,start,size\n");
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < l->at[i].n; k++)
            buf_printf(out, "%zu,%s,%d,%d\n", i + 1, l->at[i].at[k].profile->name,
                       l->at[i].at[k].start, l->at[i].at[k].profile->size);
}

static const char *kind_words(enum layout_kind kind)
{
    switch (kind) {
    case LAYOUT_FEASIBLE:
        return "legal layouts, the empty one included";
    case LAYOUT_MAXIMAL:
        return "layouts that take no further instance";
    case LAYOUT_MULTISETS:
        return "legal sets of profiles, each at its roomiest place";
    case LAYOUT_PARETO:
        break;
    }
    return "largest sets of profiles: every other one is part of one of these";
}

static int need_mig(const struct gpu_model *m, struct err *err)
{
    return m->grid > 0 ? 0 : err_set(err, ERR_INPUT, "%s has no MIG, so it has no layouts", m->key);
}

int gpus_layouts(const struct gpu_model *m, uint32_t profiles, enum layout_kind kind,
                 enum gpus_format format, const struct text_style *style, struct buf *out,
                 struct err *err)
{
    cleanup_layout_list struct layout_list l = {0};
    cleanup_free char *title = NULL;
    json_t *root, *names, *list;

    if (need_mig(m, err) < 0)
        return -1;
    layout_list(m, profiles, kind, &l);
    title = xasprintf("%s: %zu %s", m->key, l.n, kind_words(kind));
    if (format == GPUS_TABLE) {
        layouts_table(m, &l, title, style, out);
        return 0;
    }
    if (format == GPUS_CSV) {
        layouts_csv(&l, out);
        return 0;
    }
    if (format == GPUS_SVG) {
        draw_layouts(m, &l, title, out);
        return 0;
    }
    root = tree_of("Layouts");
    names = json_array();
    list = json_array();
    for (size_t i = 0; i < m->profile_count; i++)
        if (profiles >> i & 1)
            json_array_append_new(names, json_string(m->profiles[i].name));
    for (size_t i = 0; i < l.n; i++)
        json_array_append_new(list, layout_tree(&l.at[i]));
    json_object_set_new(root, "gpu", json_string(m->key));
    json_object_set_new(root, "of", json_string(KINDS[kind]));
    json_object_set_new(root, "profiles", names);
    json_object_set_new(root, "count", json_integer((json_int_t)l.n));
    json_object_set_new(root, "layouts", list);
    return tree_put(root, format == GPUS_YAML, out, err);
}

/* Instances with a place into `kept`, the others into `free`. */
static int parse_instances(const struct gpu_model *m, const char *text, struct layout *kept,
                           const struct gpu_profile **free_ones, size_t *ret_n, struct err *err)
{
    cleanup_free char *copy = xstrdup(text);
    char *save = NULL;
    size_t n = 0;

    for (char *word = strtok_r(copy, " ,\t\n", &save); word;
         word = strtok_r(NULL, " ,\t\n", &save)) {
        int start;
        const struct gpu_profile *p = layout_parse_instance(m, word, &start, err);
        if (!p)
            return -1;
        if (kept->n + n == LAYOUT_MAX)
            return err_set(err, ERR_INPUT, "more than %d instances on one GPU", LAYOUT_MAX);
        if (start >= 0)
            kept->at[kept->n++] = (struct gpu_instance){p, start};
        else
            free_ones[n++] = p;
    }
    *ret_n = n;
    if (kept->n + n == 0)
        return err_set(err, ERR_INPUT,
                       "no instance to place, expected for instance \"3g.40gb@4 1g.10gb\"");
    return layout_check(m, kept, err);
}

int gpus_place(const struct gpu_model *m, const char *instances, enum gpus_format format,
               const struct text_style *style, struct buf *out, struct err *err)
{
    const struct gpu_profile *free_ones[LAYOUT_MAX];
    struct layout kept = {.n = 0}, one;
    struct layout_list l = {.at = &one, .n = 1};
    int room[GPU_PROFILES_MAX];
    size_t n = 0;
    json_t *root, *o;

    if (need_mig(m, err) < 0 || parse_instances(m, instances, &kept, free_ones, &n, err) < 0 ||
        layout_place(m, free_ones, n, &kept, &one, err) < 0)
        return -1;
    layout_room(m, &one, room);
    if (format == GPUS_CSV) {
        layouts_csv(&l, out);
        return 0;
    }
    if (format == GPUS_SVG) {
        cleanup_free char *title = xasprintf("%s: %s", m->key, instances);
        draw_layouts(m, &l, title, out);
        return 0;
    }
    if (format == GPUS_TABLE) {
        size_t shown = 0;
        layouts_table(m, &l, m->key, style, out);
        buf_puts(out, "\nroom for ");
        for (size_t i = 0; i < m->profile_count; i++)
            if (room[i] > 0)
                buf_printf(out, "%s%d x %s", shown++ ? ", or " : "", room[i], m->profiles[i].name);
        buf_puts(out, shown ? "\n" : "nothing more\n");
        return 0;
    }
    root = tree_of("Layout");
    json_object_set_new(root, "gpu", json_string(m->key));
    json_object_update_new(root, layout_tree(&one));
    o = json_object();
    for (size_t i = 0; i < m->profile_count; i++)
        json_object_set_new(o, m->profiles[i].name, json_integer(room[i]));
    json_object_set_new(root, "room", o);
    return tree_put(root, format == GPUS_YAML, out, err);
}
