/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/quick.h"

#include <string.h>

#include "base/mem.h"
#include "plan/pattern.h"

static bool applies(const struct problem *p)
{
    if (p->has_running || p->has_spread || p->truncated || p->block_count != 1 || p->slot_count == 0)
        return false;
    for (size_t s = 0; s < p->slot_count; s++)
        if (p->slots[s].mode != FLEET_MIG || p->slots[s].model != p->slots[0].model)
            return false;
    for (size_t c = 0; c < p->cell_count; c++)
        if (p->cells[c].mode_count != 1)
            return false;
    for (size_t g = 0; g < p->group_count; g++)
        if (p->groups[g].use_count > PATTERN_OPTIONS_MAX)
            return false;
    return true;
}

/* The outcome of the block that offers at least what a layout holds. */
static size_t outcome_for(const struct problem *p, const struct layout *l)
{
    const struct block *b = &p->blocks[0];

    for (size_t o = 0; o < b->outcome_count; o++) {
        bool ok = true;
        for (size_t s = 0; s < p->slot_count && ok; s++) {
            int want = 0, have = 0;
            for (size_t i = 0; i < l->n; i++)
                want += l->at[i].profile == p->slots[s].profile;
            for (size_t k = 0; k < b->outcomes[o].offer_count; k++)
                if (b->outcomes[o].offers[k].row == (int)s)
                    have = b->outcomes[o].offers[k].count;
            ok = have >= want;
        }
        if (ok)
            return o;
    }
    return SIZE_MAX;
}

static bool fill(const struct problem *p, const struct pattern_result *r, struct solution *ret)
{
    const struct gpu_model *m = p->fleet->models[p->slots[0].model];
    struct pattern_use *uses;
    size_t n = pattern_layouts(m, r->total, r->gpus, &uses), options = 0;
    int64_t *counts = xcalloc(p->blocks[0].outcome_count + 1, sizeof *counts), left = (int64_t)p->fleet->gpu_count;
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++) {
        size_t o = outcome_for(p, &uses[i].layout);
        ok = o != SIZE_MAX;
        if (ok) {
            counts[o] += uses[i].times;
            left -= uses[i].times;
        }
    }
    free(uses);
    ok = ok && left >= 0 && !p->blocks[0].outcomes[0].in_use;
    if (!ok) {
        free(counts);
        return false;
    }
    counts[0] = left;
    for (size_t g = 0; g < p->group_count; g++)
        options += p->groups[g].use_count;
    *ret = (struct solution){.units = xcalloc(p->cell_count + 1, sizeof *ret->units),
                             .unit_count = p->cell_count,
                             .slices = xcalloc(1, sizeof *ret->slices),
                             .slice_count = 1,
                             .placings = xcalloc(options + 1, sizeof *ret->placings)};
    for (size_t c = 0; c < p->cell_count; c++) {
        int64_t *modes = xcalloc(2, sizeof *modes);
        modes[0] = (int64_t)p->cells[c].node_count;
        ret->units[c] = (struct unit){(int)c, -1, modes};
    }
    ret->slices[0] = (struct slice){-1, 0, counts};
    for (size_t g = 0; g < p->group_count; g++)
        for (size_t u = 0; u < p->groups[g].use_count; u++)
            if (r->counts[g][u] > 0)
                ret->placings[ret->placing_count++] = (struct placing){(int)g, (int)u, -1, false, r->counts[g][u]};
    return true;
}

bool quick_solve(const struct problem *p, struct solution *ret, struct master_result *result)
{
    struct pattern_item *items;
    struct pattern_result r;
    bool ok;

    if (!applies(p))
        return false;
    items = xcalloc(p->group_count + 1, sizeof *items);
    for (size_t g = 0; g < p->group_count; g++) {
        const struct group *group = &p->groups[g];
        items[g].need = group->by_rate ? group->rate : (double)group->demand;
        for (size_t u = 0; u < group->use_count; u++)
            items[g].options[items[g].option_count++] = (struct pattern_option){
                p->slots[group->uses[u].slot].profile->index, group->by_rate ? group->uses[u].gives : 1};
    }
    ok = pattern_solve(p->fleet->models[p->slots[0].model], items, p->group_count, NULL, &r) == 0;
    free(items);
    if (!ok)
        return false;
    ok = r.proven && r.gpus + p->fleet->rules.spare_gpus <= (int64_t)p->fleet->gpu_count && fill(p, &r, ret);
    if (ok) {
        *result = (struct master_result){.feasible = true, .known = true};
        result->gpus = (struct stage){(double)r.gpus, (double)r.bound, true, 0};
        result->moves.proven = true;
    }
    pattern_result_done(&r);
    return ok;
}
