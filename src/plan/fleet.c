/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/fleet.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/csv.h"
#include "base/mem.h"
#include "base/units.h"
#include "base/world.h"

const char *const FLEET_MODE_NAMES[] = {"empty", "alone", "mig", "time-slicing", "mps", NULL};
const char *const FLEET_ACTUATOR_NAMES[] = {"mig-parted", "nvml", "dra", NULL};

/* Names with their indices, sorted, for lookups. */
struct index_entry {
    const char *name;
    int at;
};

struct owner {
    struct fleet f; /* first */
    struct arena *arena;
    struct doc *doc;
    struct catalog *catalog;
    struct index_entry *workload_index, *node_index;
    size_t model_cap, workload_cap, node_cap;
};

static int entry_order(const void *a, const void *b)
{
    const struct index_entry *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    return c ? c : x->at - y->at;
}

static int find(const struct index_entry *index, size_t n, const char *name)
{
    struct index_entry key = {name, 0};
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(index[mid].name, key.name);
        if (c == 0)
            return index[mid].at;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return FLEET_NONE;
}

int fleet_find_workload(const struct fleet *f, const char *name)
{
    return find(((const struct owner *)(const void *)f)->workload_index, f->workload_count, name);
}

int fleet_find_node(const struct fleet *f, const char *name)
{
    return find(((const struct owner *)(const void *)f)->node_index, f->node_count, name);
}

static int model_index(struct owner *o, const struct gpu_model *m)
{
    for (size_t i = 0; i < o->f.model_count; i++)
        if (o->f.models[i] == m)
            return (int)i;
    GROW(o->f.models, o->model_cap, o->f.model_count + 1);
    o->f.models[o->f.model_count] = m;
    return (int)o->f.model_count++;
}

/* The models of an option's `gpu`: a name or a list of them. Those that the fleet lacks leave nothing behind. */
static void read_models(struct owner *o, struct conf *c, struct fleet_option *opt)
{
    struct conf list, item;
    struct buf text;
    int *models;
    size_t n;

    if (!conf_has(c, "gpu"))
        return;
    opt->limited = true;
    buf_init(&text, 4096);
    n = doc_get(c->node, "gpu")->kind == DOC_SEQUENCE ? conf_list(c, "gpu", 1, 64, &list) : 1;
    models = ARENA_ARRAY(o->arena, int, n);
    for (size_t i = 0; i < n && !conf_failed(c); i++) {
        struct err e = {0};
        bool listed = doc_get(c->node, "gpu")->kind == DOC_SEQUENCE;
        const char *name = listed && conf_item(&list, i, &item) ? conf_string(&item, NULL) : conf_string(c, "gpu");
        const struct gpu_model *m = catalog_find(o->catalog, name, &e);
        if (!m) {
            conf_pass(listed ? &item : c, listed ? NULL : "gpu", &e);
            break;
        }
        buf_printf(&text, "%s%s", i ? ", " : "", m->key);
        for (size_t k = 0; k < o->f.model_count; k++)
            if (o->f.models[k] == m)
                models[opt->model_count++] = (int)k;
    }
    opt->models = models;
    opt->models_text = arena_strdup(o->arena, buf_str(&text));
    buf_done(&text);
}

static void read_option(struct owner *o, struct conf *c, bool by_rate, struct fleet_option *opt)
{
    int kinds = 0;

    if (conf_has(c, "mig")) {
        opt->mode = FLEET_MIG;
        opt->profile = conf_string(c, "mig");
        kinds++;
    }
    if (conf_has(c, "alone")) {
        opt->mode = FLEET_ALONE;
        if (!conf_bool(c, "alone"))
            conf_fail(c, "alone", "found false, expected true, or leave the option out");
        kinds++;
    }
    if (conf_has(c, "timeSlicing")) {
        opt->mode = FLEET_TIME_SLICING;
        opt->limit = (int)conf_int(c, "timeSlicing", 2, FLEET_TENANTS_MAX);
        kinds++;
    }
    if (conf_has(c, "mps")) {
        opt->mode = FLEET_MPS;
        opt->limit = (int)conf_int(c, "mps", 2, 48);
        kinds++;
    }
    if (kinds != 1)
        conf_fail(c, NULL, "found %d of mig, alone, timeSlicing and mps, expected exactly one", kinds);
    read_models(o, c, opt);
    if (by_rate)
        opt->throughput = conf_real(c, "throughput", 1e-9, 1e12);
    else
        opt->throughput = conf_real_or(c, "throughput", 1e-9, 1e12, 0);
    opt->batch = (int)conf_int_or(c, "batch", 1, 1000000, 0);
    opt->processes = (int)conf_int_or(c, "processes", 1, 1000, 0);
    conf_end(c);
}

static char *beside(struct owner *o, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');

    if (path[0] == '/' || !slash)
        return arena_strdup(o->arena, path);
    return arena_printf(o->arena, "%.*s/%s", (int)(slash - file), file, path);
}

static int column(const struct csv *csv, const char *name, struct err *err)
{
    int c = csv_column(csv, name);

    if (c < 0)
        err_set(err, ERR_INPUT, "%s: no column \"%s\", expected mig_size, batch, processes, throughput and latency_s",
                csv_file(csv), name);
    return c;
}

/* Reads the table of a workload; rows are checked, all of them are kept. */
static int read_table(struct owner *o, struct fleet_workload *w, const char *path, struct err *err)
{
    static const char *const names[] = {"mig_size", "batch", "processes", "throughput", "latency_s"};
    cleanup_csv struct csv *csv = csv_open(path, NULL, err);
    struct fleet_measurement *rows;
    int columns[5];

    if (!csv)
        return -1;
    for (size_t i = 0; i < 5; i++)
        if ((columns[i] = column(csv, names[i], err)) < 0)
            return -1;
    if (csv_meta(csv, "gpu")) {
        const struct gpu_model *m = catalog_find(o->catalog, csv_meta(csv, "gpu"), err);
        if (!m)
            return err_wrap(err, "%s: # gpu", path);
        w->measured_gpu = m->key;
    }
    rows = ARENA_ARRAY(o->arena, struct fleet_measurement, csv_rows(csv) + 1);
    for (size_t r = 0; r < csv_rows(csv); r++) {
        double v[5];
        for (size_t i = 0; i < 5; i++) {
            int got = csv_number(csv, r, (size_t)columns[i], &v[i], err);
            if (got < 0)
                return -1;
            if (got == 0)
                return csv_fail(csv, r, (size_t)columns[i], err, "found nothing, expected a number");
            if (v[i] < 0 || v[i] > 1e12 || (i < 3 && (v[i] < 1 || v[i] > 1e6 || v[i] != floor(v[i]))))
                return csv_fail(csv, r, (size_t)columns[i], err, "found %g, expected a %s number", v[i],
                                i < 3 ? "whole, positive" : "non-negative");
        }
        rows[r] = (struct fleet_measurement){(int)v[0], (int)v[1], (int)v[2], v[3], v[4]};
    }
    w->measured = rows;
    w->measured_count = csv_rows(csv);
    return 0;
}

static void read_disruption(struct conf *c, struct fleet_workload *w)
{
    struct conf d;

    w->max_unavailable = 1;
    w->weight = 1;
    if (!conf_sub_or(c, "disruption", &d))
        return;
    w->max_unavailable = (int)conf_int_or(&d, "maxUnavailable", 0, 1000000, 1);
    w->pinned = conf_bool_or(&d, "pinned", false);
    w->weight = conf_real_or(&d, "weight", 0, 1e6, 1);
    conf_end(&d);
}

static void read_workload(struct owner *o, struct conf *c, struct fleet_workload *w)
{
    static const char *const spreads[] = {"none", "node", NULL}, *const isolations[] = {"none", "required", NULL};
    struct conf fits, item;
    size_t n;

    w->line = c->node ? c->node->line : 0;
    w->name = conf_string(c, "name");
    w->team = conf_string_or(c, "team", "");
    if (conf_has(c, "replicas") == conf_has(c, "rate"))
        conf_fail(c, NULL, "found %s, expected exactly one of replicas and rate",
                  conf_has(c, "rate") ? "both replicas and rate" : "neither replicas nor rate");
    w->by_rate = conf_has(c, "rate");
    if (w->by_rate)
        w->rate = conf_real(c, "rate", 0, 1e12);
    else
        w->replicas = conf_int(c, "replicas", 0, FLEET_REPLICAS_MAX);
    w->latency = conf_duration_or(c, "latency", 0, 24 * 3600 * NS_PER_S, 0);
    w->memory = conf_memory_or(c, "memory", 0, INT64_C(1) << 50, 0);
    w->spread = conf_choice_or(c, "spread", spreads, 0) == 1;
    w->isolated = conf_choice_or(c, "isolation", isolations, 0) == 1;
    read_disruption(c, w);
    if (conf_has(c, "measured")) {
        struct err e = {0};
        if (conf_has(c, "fits"))
            conf_fail(c, "measured", "found it beside fits, expected one of the two");
        if (!w->by_rate)
            conf_fail(c, "measured", "found it without rate, expected a rate that the table is to carry");
        if (!conf_failed(c) && read_table(o, w, beside(o, c->node->file, conf_string(c, "measured")), &e) != 0)
            conf_pass(c, "measured", &e);
    }
    n = conf_list_or(c, "fits", FLEET_OPTIONS_MAX, &fits);
    if (n) {
        struct fleet_option *options = ARENA_ARRAY(o->arena, struct fleet_option, n);
        for (size_t i = 0; i < n && !conf_failed(c); i++)
            if (conf_item(&fits, i, &item))
                read_option(o, &item, w->by_rate, &options[i]);
        w->options = options;
        w->option_count = n;
    }
    if (w->by_rate && !n && !w->measured)
        conf_fail(c, "rate", "found it without options, expected fits with throughput, or measured");
    conf_end(c);
}

static int workload_ref(struct owner *o, struct conf *c, const char *key)
{
    const char *name = conf_string(c, key);
    int w;

    if (conf_failed(c))
        return FLEET_NONE;
    w = fleet_find_workload(&o->f, name);
    if (w == FLEET_NONE)
        conf_fail(c, key, "found \"%s\", expected the name of a workload of this fleet", name);
    else
        o->f.workloads[w].running++;
    return w;
}

static void read_mig(struct owner *o, struct conf *c, const struct gpu_model *m, struct fleet_gpu *g)
{
    struct conf list, item;
    struct fleet_place *places;
    struct layout layout = {.n = 0};
    struct err e = {0};
    size_t n = conf_list(c, "mig", 0, LAYOUT_MAX, &list);

    g->mode = FLEET_MIG;
    if (!m->grid) {
        conf_fail(c, "mig", "found MIG instances, %s has no MIG", m->key);
        return;
    }
    places = ARENA_ARRAY(o->arena, struct fleet_place, n + 1);
    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++) {
        struct fleet_place p = {.workload = FLEET_NONE};
        size_t k = i;
        p.profile = gpu_profile_find(m, conf_string(&item, "profile"), &e);
        if (!p.profile)
            conf_pass(&item, "profile", &e);
        p.start = (int)conf_int(&item, "start", 0, m->grid - 1);
        if (conf_has(&item, "workload"))
            p.workload = workload_ref(o, &item, "workload");
        conf_int_or(&item, "batch", 1, 1000000, 0);
        conf_int_or(&item, "processes", 1, 1000, 0);
        conf_end(&item);
        if (conf_failed(c))
            return;
        for (; k > 0 && places[k - 1].start > p.start; k--)
            places[k] = places[k - 1];
        places[k] = p;
        layout.at[layout.n++] = (struct gpu_instance){p.profile, p.start};
    }
    layout_sort(&layout);
    if (!conf_failed(c) && layout_check(m, &layout, &e) != 0)
        conf_pass(c, "mig", &e);
    g->n = (uint16_t)n;
    g->places = places;
}

static void read_tenants(struct owner *o, struct conf *c, const char *key, enum fleet_mode mode, struct fleet_gpu *g)
{
    struct conf list, item;
    size_t n = 1;
    struct fleet_place *places;

    g->mode = mode;
    if (mode != FLEET_ALONE)
        n = conf_list(c, key, 0, FLEET_TENANTS_MAX, &list);
    places = ARENA_ARRAY(o->arena, struct fleet_place, n + 1);
    for (size_t i = 0; i < n && !conf_failed(c); i++) {
        places[i] = (struct fleet_place){.profile = NULL};
        if (mode == FLEET_ALONE)
            places[i].workload = workload_ref(o, c, key);
        else if (conf_item(&list, i, &item))
            places[i].workload = workload_ref(o, &item, NULL);
    }
    g->n = (uint16_t)n;
    g->places = places;
    if (n == 0)
        g->mode = FLEET_EMPTY;
}

static void read_gpu(struct owner *o, struct conf *c, const struct gpu_model *m, struct fleet_gpu *g)
{
    int kinds = 0;

    if (!c->node || c->node->kind == DOC_NULL)
        return;
    if (conf_has(c, "mig") && ++kinds)
        read_mig(o, c, m, g);
    if (conf_has(c, "alone") && ++kinds)
        read_tenants(o, c, "alone", FLEET_ALONE, g);
    if (conf_has(c, "timeSlicing") && ++kinds)
        read_tenants(o, c, "timeSlicing", FLEET_TIME_SLICING, g);
    if (conf_has(c, "mps") && ++kinds)
        read_tenants(o, c, "mps", FLEET_MPS, g);
    if (kinds > 1)
        conf_fail(c, NULL, "found %d of mig, alone, timeSlicing and mps, expected one", kinds);
    conf_end(c);
}

static void read_node(struct owner *o, struct conf *c, struct fleet_node *node)
{
    struct conf layouts, value, labels;
    struct fleet_gpu *gpus;
    bool *seen;
    struct err e = {0};
    size_t n;

    node->name = conf_string(c, "name");
    node->team = conf_string_or(c, "team", "");
    n = conf_names(c, "labels", 0, 1000, &labels);
    for (size_t i = 0; i < n; i++) {
        const char *key = conf_name(&labels, i, &value);
        const char *text = conf_string(&value, NULL);
        if (key && strcmp(key, "team") == 0 && !node->team[0])
            node->team = text;
    }
    node->model = catalog_find(o->catalog, conf_string(c, "gpu"), &e);
    if (!node->model) {
        conf_pass(c, "gpu", &e);
        return;
    }
    node->model_index = model_index(o, node->model);
    node->count = (int)conf_int(c, "count", 1, FLEET_GPUS_PER_NODE);
    if (conf_has(c, "price")) {
        node->price = conf_real(c, "price", 0, 1e6);
        o->f.priced = true;
    } else {
        o->f.partly_priced = true;
    }
    gpus = ARENA_ARRAY(o->arena, struct fleet_gpu, node->count);
    seen = ARENA_ARRAY(o->arena, bool, node->count);
    n = conf_names(c, "layouts", 0, FLEET_GPUS_PER_NODE, &layouts);
    for (size_t i = 0; i < n && !conf_failed(c); i++) {
        const char *name = conf_name(&layouts, i, &value);
        int64_t index;
        if (units_parse_int(name, strlen(name), &index) != 0 || index < 0 || index >= node->count)
            conf_fail_name(&layouts, i, "found \"%s\", expected a GPU index from 0 to %d", name, node->count - 1);
        else if (seen[index])
            conf_fail_name(&layouts, i, "found GPU %" PRId64 " a second time", index);
        else {
            seen[index] = true;
            read_gpu(o, &value, node->model, &gpus[index]);
        }
    }
    node->gpus = gpus;
    node->first = o->f.gpu_count;
    o->f.gpu_count += (size_t)node->count;
    conf_end(c);
}

static void read_rules(struct conf *c, struct fleet_rules *r)
{
    struct conf rules, spare;

    *r = (struct fleet_rules){.moves = -1};
    if (!conf_sub_or(c, "rules", &rules))
        return;
    r->actuator = (enum fleet_actuator)conf_choice_or(&rules, "actuator", FLEET_ACTUATOR_NAMES, FLEET_MIG_PARTED);
    r->moves = conf_int_or(&rules, "moves", 0, INT64_C(1) << 40, -1);
    r->headroom = conf_real_or(&rules, "headroom", 0, 100, 0);
    if (conf_sub_or(&rules, "spare", &spare)) {
        r->spare_gpus = conf_int_or(&spare, "gpus", 0, FLEET_GPUS_MAX, 0);
        conf_end(&spare);
    }
    conf_end(&rules);
}

static void unique(struct conf *list, struct index_entry *index, size_t n)
{
    struct conf item;

    qsort(index, n, sizeof *index, entry_order);
    for (size_t i = 1; i < n; i++)
        if (strcmp(index[i].name, index[i - 1].name) == 0 && conf_item(list, (size_t)index[i].at, &item))
            conf_fail(&item, "name", "found \"%s\" a second time, expected a name of its own", index[i].name);
}

/*
 * Nodes are read twice: first their models, which the workloads' options refer to, then, when the workloads are
 * known, what runs on them.
 */
static int read_fleet(struct owner *o, struct err *err)
{
    struct fleet *f = &o->f;
    struct conf c, meta, nodes, workloads, item;
    size_t n;

    conf_root(&c, doc_root(o->doc, 0), err);
    conf_kind(&c, "Fleet");
    f->name = "";
    if (conf_sub_or(&c, "metadata", &meta)) {
        f->name = conf_string_or(&meta, "name", "");
        conf_end(&meta);
    }
    read_rules(&c, &f->rules);
    n = conf_list(&c, "nodes", 1, FLEET_NODES_MAX, &nodes);
    for (size_t i = 0; i < n && conf_item(&nodes, i, &item); i++) {
        struct err e = {0};
        const struct gpu_model *m = catalog_find(o->catalog, conf_string(&item, "gpu"), &e);
        if (conf_failed(&c))
            break;
        if (!m)
            conf_pass(&item, "gpu", &e);
        else
            model_index(o, m);
    }
    f->workload_count = conf_list_or(&c, "workloads", FLEET_WORKLOADS_MAX, &workloads);
    f->workloads = ARENA_ARRAY(o->arena, struct fleet_workload, f->workload_count + 1);
    o->workload_index = ARENA_ARRAY(o->arena, struct index_entry, f->workload_count + 1);
    for (size_t i = 0; i < f->workload_count && conf_item(&workloads, i, &item) && !conf_failed(&c); i++) {
        read_workload(o, &item, &f->workloads[i]);
        o->workload_index[i] = (struct index_entry){f->workloads[i].name, (int)i};
    }
    if (conf_failed(&c))
        return -1;
    unique(&workloads, o->workload_index, f->workload_count);
    f->node_count = n;
    f->nodes = ARENA_ARRAY(o->arena, struct fleet_node, n + 1);
    o->node_index = ARENA_ARRAY(o->arena, struct index_entry, n + 1);
    for (size_t i = 0; i < n && conf_item(&nodes, i, &item) && !conf_failed(&c); i++) {
        read_node(o, &item, &f->nodes[i]);
        o->node_index[i] = (struct index_entry){f->nodes[i].name, (int)i};
    }
    if (conf_failed(&c))
        return -1;
    unique(&nodes, o->node_index, n);
    if (f->gpu_count > FLEET_GPUS_MAX)
        conf_fail(&c, "nodes", "found %zu GPUs, expected at most %d", f->gpu_count, FLEET_GPUS_MAX);
    f->partly_priced = f->partly_priced && f->priced;
    return conf_end(&c);
}

static struct fleet *finish(struct doc *doc, struct catalog *catalog, struct err *err)
{
    struct owner *o;
    size_t n;
    const char *bytes;

    if (!doc)
        return NULL;
    o = xcalloc(1, sizeof *o);
    o->arena = arena_new();
    o->doc = doc;
    o->catalog = catalog;
    o->f.file = doc_name(doc);
    bytes = doc_source(doc, &n);
    o->f.digest = n + 1;
    for (size_t i = 0; i < n; i++) /* FNV-1a */
        o->f.digest = (o->f.digest ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    if (read_fleet(o, err) != 0) {
        fleet_free(&o->f);
        return NULL;
    }
    return &o->f;
}

static const struct doc_limits LIMITS = {.bytes = (size_t)1 << 30, .nodes = 64000000};

struct fleet *fleet_open(const char *path, struct catalog *catalog, struct err *err)
{
    return finish(doc_open(path, &LIMITS, err), catalog, err);
}

struct fleet *fleet_parse(const char *name, const char *data, size_t n, struct catalog *catalog, struct err *err)
{
    return finish(doc_parse(name, data, n, &LIMITS, err), catalog, err);
}

void fleet_free(struct fleet *f)
{
    struct owner *o = (struct owner *)(void *)f;

    if (!f)
        return;
    free(f->models);
    doc_free(o->doc);
    arena_free(o->arena);
    free(o);
}

size_t fleet_node_of(const struct fleet *f, size_t gpu)
{
    size_t lo = 0, hi = f->node_count;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (f->nodes[mid].first <= gpu)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

const struct fleet_gpu *fleet_gpu_at(const struct fleet *f, size_t gpu)
{
    const struct fleet_node *n = &f->nodes[fleet_node_of(f, gpu)];

    return &n->gpus[gpu - n->first];
}

int64_t fleet_slots(const struct fleet *f, const struct fleet_workload *w)
{
    double want = (double)w->replicas * (1 + f->rules.headroom);

    /* 10 replicas and 0.1 are 11, not 12: the product's last bit is no demand */
    return w->by_rate ? 0 : (int64_t)ceil(want - 1e-9 * want);
}
