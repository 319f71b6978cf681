/* SPDX-License-Identifier: Apache-2.0 */
/* The configurations of a scenario: who stands on which share of which GPU, and does it fit. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "gpu/layout.h"
#include "scenario/internal.h"

static const char *const SHARING_FORM = "one of alone: w, timeSlicing: [w, w], mps: [w, w], mig: {3g.40gb@0: w}";

/* A MIG instance as the file states it, before the free ones are placed. */
struct wish {
    struct gpu_instance instance; /* start -1: to be placed */
    struct scenario_slot slot;
    struct conf c; /* stands on the instance's value or item */
};

/* ---- tenants ---- */

static void add_tenants(struct scenario_reader *r, struct conf *c, const char *key, struct scenario_slot *slot)
{
    struct conf list, item;
    size_t n = conf_list(c, key, 1, SCENARIO_MAX, &list);
    size_t *w = ARENA_ARRAY(r->s->arena, size_t, n + 1);

    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++)
        w[i] = scenario_workload_at(r, &item, NULL);
    slot->workloads = w;
    slot->count = n;
}

static void add_one(struct scenario_reader *r, struct conf *c, const char *key, struct scenario_slot *slot)
{
    size_t *w = ARENA_ARRAY(r->s->arena, size_t, 1);

    *w = scenario_workload_at(r, c, key);
    slot->workloads = w;
    slot->count = 1;
}

static void set_mode(struct scenario_slot *slot, enum share_mode mode)
{
    slot->mode = slot->count > 1 ? mode : SHARE_ALONE;
}

/* What a MIG instance carries: nothing, w, [w, w], {timeSlicing: [..]} or {mps: [..]}. */
static void read_tenants(struct scenario_reader *r, struct conf *c, struct scenario_slot *slot)
{
    struct conf sub;
    char found[DOC_FOUND_MAX];

    if (conf_failed(c) || !c->node || c->node->kind == DOC_NULL)
        return;
    if (c->node->kind == DOC_SCALAR) {
        add_one(r, c, NULL, slot);
    } else if (c->node->kind == DOC_SEQUENCE) {
        add_tenants(r, c, NULL, slot);
        set_mode(slot, SHARE_TIME_SLICING);
    } else if (conf_sub(c, NULL, &sub)) {
        bool mps = conf_has(&sub, "mps"), sliced = conf_has(&sub, "timeSlicing");
        conf_end(&sub);
        if (mps == sliced)
            conf_fail(c, NULL, "found %s, expected a workload, [w, w], {mps: [w, w]}, {timeSlicing: [w, w]} or null",
                      doc_found(c->node, found));
        add_tenants(r, &sub, mps ? "mps" : "timeSlicing", slot);
        set_mode(slot, mps ? SHARE_MPS : SHARE_TIME_SLICING);
    }
}

/* ---- MIG ---- */

static void parse_wish(struct scenario_reader *r, struct conf *c, const char *key, const char *name, struct wish *w)
{
    struct err err = {0};

    w->instance.profile = layout_parse_instance(r->s->gpu, name, &w->instance.start, &err);
    conf_pass(c, key, &err);
    w->slot.profile = w->instance.profile;
}

/* {3g.40gb@0: asr, 3g.40gb@4: tts} */
static size_t wishes_by_name(struct scenario_reader *r, struct conf *gpu, struct wish wishes[LAYOUT_MAX])
{
    struct conf names;
    size_t n = conf_names(gpu, "mig", 1, LAYOUT_MAX, &names);

    for (size_t i = 0; i < n && !conf_failed(gpu); i++) {
        struct wish *w = &wishes[i];
        struct err err = {0};
        const char *name = conf_name(&names, i, &w->c);
        w->instance.profile = layout_parse_instance(r->s->gpu, name, &w->instance.start, &err);
        if (!w->instance.profile)
            conf_fail_name(&names, i, "%s", err.msg);
        w->slot.profile = w->instance.profile;
        read_tenants(r, &w->c, &w->slot);
        w->c.parent = gpu; /* `names` ends here; messages about the instance name the whole layout */
        w->c.key = "mig";
    }
    return n;
}

/* [{profile: 3g.40gb, start: 0, workload: asr}, ...] */
static size_t wishes_by_list(struct scenario_reader *r, struct conf *gpu, struct wish wishes[LAYOUT_MAX])
{
    struct conf list, item, c, tenants;
    size_t n = conf_list(gpu, "mig", 1, LAYOUT_MAX, &list);

    for (size_t i = 0; i < n && conf_item(&list, i, &item); i++) {
        struct wish *w = &wishes[i];
        char name[80];
        if (!conf_sub(&item, NULL, &c))
            break;
        snprintf(name, sizeof name, "%.60s", conf_string(&c, "profile"));
        if (conf_has(&c, "start")) {
            size_t len = strlen(name);
            snprintf(name + len, sizeof name - len, "@%d", (int)conf_int(&c, "start", 0, GPU_PLACEMENTS_MAX));
        }
        if (!conf_failed(&c))
            parse_wish(r, &c, "profile", name, w);
        if (conf_has(&c, "workload")) {
            tenants = (struct conf){.node = doc_get(c.node, "workload"), .parent = &c, .key = "workload"};
            read_tenants(r, &tenants, &w->slot);
        }
        conf_end(&c);
        w->c = (struct conf){.node = item.node, .parent = gpu, .key = "mig"};
    }
    return n;
}

/* Checks the layout that is asked for, and finds a place for what has none. */
static void place_wishes(struct scenario_reader *r, struct conf *gpu, struct wish *wishes, size_t n)
{
    const struct gpu_profile *free_profiles[LAYOUT_MAX];
    struct layout kept = {0}, all;
    bool used[LAYOUT_MAX] = {false};
    size_t free_count = 0;
    struct err err = {0};

    for (size_t i = 0; i < n; i++) {
        if (wishes[i].instance.start >= 0)
            kept.at[kept.n++] = wishes[i].instance;
        else
            free_profiles[free_count++] = wishes[i].instance.profile;
    }
    layout_sort(&kept);
    if (layout_check(r->s->gpu, &kept, &err) < 0 ||
        (free_count && layout_place(r->s->gpu, free_profiles, free_count, &kept, &all, &err) < 0)) {
        conf_pass(gpu, "mig", &err);
        return;
    }
    if (!free_count)
        all = kept;
    for (size_t pass = 0; pass < 2; pass++) /* those with a place take it first */
        for (size_t i = 0; i < n; i++) {
            struct wish *w = &wishes[i];
            if ((w->instance.start >= 0) != (pass == 0))
                continue;
            for (size_t k = 0; k < all.n; k++)
                if (!used[k] && all.at[k].profile == w->instance.profile &&
                    (pass == 1 || all.at[k].start == w->instance.start)) {
                    used[k] = true;
                    w->slot.start = all.at[k].start;
                    break;
                }
        }
}

static int by_start(const struct scenario_slot *a, const struct scenario_slot *b)
{
    return a->start - b->start;
}

/* ---- does it fit ---- */

/* What a replica takes on a share, by the rule of serve/place.h. */
static int64_t taken(const struct profile *p, const struct scenario_slot *slot, int64_t room)
{
    return slot->count == 1 && room < p->reserve && room >= p->need ? room : p->reserve;
}

static void check_memory(struct scenario_reader *r, struct conf *at, const char *key, const struct scenario_slot *slot)
{
    int64_t room = gpu_profile_size(r->s->gpu, slot->profile).memory, sum = 0;
    char b[UNITS_MAX];
    struct buf text;

    buf_init(&text, 400);
    for (size_t i = 0; i < slot->count; i++) {
        const struct scenario_workload *w = &r->s->workloads[slot->workloads[i]];
        int64_t bytes = taken(w->profile, slot, room);
        sum += bytes;
        buf_printf(&text, "%s%s %s", i ? " + " : "", w->name, units_memory(b, bytes));
    }
    if (sum > room) {
        char total[UNITS_MAX], has[UNITS_MAX], name[100];
        if (slot->profile)
            snprintf(name, sizeof name, "%s@%d", slot->profile->name, slot->start);
        else
            snprintf(name, sizeof name, "%s", r->s->gpu->key);
        if (slot->count > 1)
            buf_printf(&text, " = %s", units_memory(total, sum));
        conf_fail(at, key, "memory does not fit: %s, %s has %s (a workload's `memory` replaces its profile's reservation)",
                  buf_str(&text), name, units_memory(has, room));
    }
    buf_done(&text);
}

/* ---- GPUs ---- */

static void read_mig(struct scenario_reader *r, struct conf *c, struct scenario_gpu *gpu)
{
    struct wish wishes[LAYOUT_MAX] = {0};
    const struct doc_node *n = doc_get(c->node, "mig");
    struct scenario_slot *slots;
    size_t count;

    count = n->kind == DOC_SEQUENCE ? wishes_by_list(r, c, wishes) : wishes_by_name(r, c, wishes);
    if (conf_failed(c))
        return;
    place_wishes(r, c, wishes, count);
    if (conf_failed(c))
        return;
    slots = ARENA_ARRAY(r->s->arena, struct scenario_slot, count);
    for (size_t i = 0; i < count; i++) { /* by start: insertion sort of a dozen at most */
        size_t k = i;
        check_memory(r, &wishes[i].c, NULL, &wishes[i].slot);
        for (; k > 0 && by_start(&slots[k - 1], &wishes[i].slot) > 0; k--)
            slots[k] = slots[k - 1];
        slots[k] = wishes[i].slot;
    }
    *gpu = (struct scenario_gpu){.mode = "mig", .slots = slots, .count = count};
}

static void read_whole(struct scenario_reader *r, struct conf *c, const char *key, struct scenario_gpu *gpu)
{
    struct scenario_slot *slot = ARENA_NEW(r->s->arena, struct scenario_slot);

    if (strcmp(key, "alone") == 0) {
        add_one(r, c, key, slot);
        gpu->mode = "alone";
    } else {
        add_tenants(r, c, key, slot);
        set_mode(slot, strcmp(key, "mps") == 0 ? SHARE_MPS : SHARE_TIME_SLICING);
        gpu->mode = strcmp(key, "mps") == 0 ? "mps" : "time-slicing";
    }
    gpu->slots = slot;
    gpu->count = 1;
    if (!conf_failed(c))
        check_memory(r, c, key, slot);
}

static void read_gpu(struct scenario_reader *r, struct conf *item, struct scenario_gpu *gpu)
{
    static const char *const forms[] = {"alone", "timeSlicing", "mps", "mig"};
    const char *key = NULL;
    struct conf c;
    size_t given = 0;

    if (!conf_sub(item, NULL, &c))
        return;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (conf_has(&c, forms[i])) {
            key = forms[i];
            given++;
        }
    if (conf_end(&c) < 0)
        return;
    if (given != 1)
        conf_fail(&c, NULL, "found %s of them, expected %s", given ? "more than one" : "none", SHARING_FORM);
    else if (strcmp(key, "mig") == 0)
        read_mig(r, &c, gpu);
    else
        read_whole(r, &c, key, gpu);
}

/* ---- configurations ---- */

static size_t places_of(const struct scenario_configuration *c, size_t workload)
{
    size_t n = 0;

    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++)
            for (size_t k = 0; k < c->gpus[g].slots[i].count; k++)
                n += c->gpus[g].slots[i].workloads[k] == workload;
    return n;
}

static void check_places(struct scenario_reader *r, struct conf *at, const struct scenario_configuration *c)
{
    for (size_t i = 0; i < r->s->workload_count; i++) {
        const struct scenario_workload *w = &r->s->workloads[i];
        size_t n = places_of(c, i);
        if (n == 0)
            conf_fail(at, NULL, "workload %s stands nowhere, expected it at least once", w->name);
        else if (n % w->profile->gpu_count)
            conf_fail(at, NULL, "workload %s stands %zu times, expected a multiple of %u: profile %s runs on so many GPUs at once",
                      w->name, n, w->profile->gpu_count, w->profile->name);
    }
}

void scenario_read_configurations(struct scenario_reader *r, struct conf *root)
{
    struct scenario *s = r->s;
    struct conf names, list, value, item;
    size_t n = conf_names(root, "configurations", 1, SCENARIO_MAX, &names);
    struct scenario_configuration *all = ARENA_ARRAY(s->arena, struct scenario_configuration, n + 1);

    for (size_t i = 0; i < n && !conf_failed(root); i++) {
        struct scenario_configuration *c = &all[i];
        struct scenario_gpu *gpus;
        c->name = conf_name(&names, i, &value);
        c->at = names.node->entries[i].key;
        if (!scenario_good_name(c->name))
            conf_fail_name(&names, i, "expected a name of letters, digits and . _ + - (at most 63)");
        c->count = conf_list(&value, NULL, 1, SCENARIO_MAX, &list);
        gpus = ARENA_ARRAY(s->arena, struct scenario_gpu, c->count + 1);
        c->gpus = gpus;
        for (size_t g = 0; g < c->count && conf_item(&list, g, &item); g++)
            read_gpu(r, &item, &gpus[g]);
        if (!conf_failed(root))
            check_places(r, &value, c);
    }
    s->configurations = all;
    s->configuration_count = n;
}
