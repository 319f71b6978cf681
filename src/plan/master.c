/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/master.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

static const double EPS = 1e-6;

struct part { /* of a block: a row and the columns of its outcomes */
    int unit, block, row, first;
    int64_t constant; /* GPUs from units without a choice of modes */
    size_t outcome_count;
};

struct flow { /* y and k of a use, of all nodes or of one */
    int group, use, unit;
    int fresh, stay; /* columns, -1 none */
};

struct master {
    const struct problem *p;
    struct mip *mip;
    bool indexed;
    struct unit *units; /* modes unused */
    int *mode_column;   /* by unit: column of its first mode, -1: no choice */
    size_t unit_count;
    struct part *parts;
    size_t part_count, part_cap;
    int *part_of; /* by block; indexed: by unit's own search */
    struct flow *flows;
    size_t flow_count, flow_cap;
    int *group_moves; /* by group with a rate: column of its moves, -1 */
    int cost_row, gpus_row, moves_row, spare_row, budget_row;
    double *move_weight; /* by column: what it adds to weighted moves */
    double move_constant;
    double *cost_of, *use_of; /* by column */
    int *spread_rows;         /* owned: caps of spread groups */
    size_t spread_row_count, spread_row_cap;
    int *strict_rows;
    size_t strict_row_count, strict_row_cap;
    bool priced;
    double cost_step, move_step;
    double *x; /* the solution held, owned */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

/* The common step of numbers that people write with few decimals; 0 if there is none worth using. */
static double common_step(const double *v, size_t n)
{
    int64_t g = 0;

    for (size_t i = 0; i < n; i++) {
        double scaled = v[i] * 1e6;
        if (fabs(scaled - nearbyint(scaled)) > 1e-3 || scaled > 1e15)
            return 0;
        g = gcd(g, (int64_t)nearbyint(scaled));
    }
    return g >= 100 ? (double)g * 1e-6 : 0;
}

static void make_units(struct master *m)
{
    const struct problem *p = m->p;
    size_t n = 0;

    for (size_t c = 0; c < p->cell_count; c++)
        n += m->indexed ? p->cells[c].node_count : 1;
    m->units = xcalloc(n + 1, sizeof *m->units);
    m->mode_column = xcalloc(n + 1, sizeof *m->mode_column);
    for (size_t c = 0; c < p->cell_count; c++)
        for (size_t k = 0; k < (m->indexed ? p->cells[c].node_count : 1); k++)
            m->units[m->unit_count++] = (struct unit){.cell = (int)c, .node = m->indexed ? p->cells[c].nodes[k] : -1};
}

/* Indexed parts are per unit and made unit by unit, so only the last ones need be looked at. */
static struct part *part_for(struct master *m, int unit, int block)
{
    if (!m->indexed) {
        if (m->part_of[block] >= 0)
            return &m->parts[m->part_of[block]];
    } else {
        for (size_t i = m->part_count; i-- > 0 && m->parts[i].unit == unit;)
            if (m->parts[i].block == block)
                return &m->parts[i];
    }
    GROW(m->parts, m->part_cap, m->part_count + 1);
    m->parts[m->part_count] =
        (struct part){.unit = m->indexed ? unit : -1, .block = block, .row = mip_row(m->mip, 0, 0)};
    if (!m->indexed)
        m->part_of[block] = (int)m->part_count;
    return &m->parts[m->part_count++];
}

static void add_units(struct master *m)
{
    const struct problem *p = m->p;

    m->part_of = xmalloc((p->block_count + 1) * sizeof *m->part_of);
    for (size_t b = 0; b < p->block_count; b++)
        m->part_of[b] = -1;
    for (size_t u = 0; u < m->unit_count; u++) {
        const struct cell *c = &p->cells[m->units[u].cell];
        int64_t nodes = m->indexed ? 1 : (int64_t)c->node_count;
        int row = -1;
        m->mode_column[u] = -1;
        if (c->mode_count > 1)
            row = mip_row(m->mip, (double)nodes, (double)nodes);
        for (size_t k = 0; k < c->mode_count; k++) {
            int column = -1;
            if (row >= 0) {
                column = mip_column(m->mip, 0, (double)nodes, true);
                mip_set(m->mip, row, column, 1);
                if (k == 0)
                    m->mode_column[u] = column;
            }
            for (size_t g = 0; g < c->gpu_count;) { /* equal blocks need not stand together: add up per block */
                int block = c->modes[k].blocks[g], count = 0;
                bool seen = false;
                for (size_t o = 0; o < c->gpu_count; o++) {
                    count += c->modes[k].blocks[o] == block;
                    seen = seen || (o < g && c->modes[k].blocks[o] == block);
                }
                g++;
                if (seen)
                    continue;
                struct part *part = part_for(m, (int)u, block);
                if (column < 0)
                    part->constant += count * nodes;
                else
                    mip_set(m->mip, part->row, column, -count);
            }
        }
    }
}

static void note_column(struct master *m, size_t *cap, int column)
{
    size_t need = (size_t)column + 1;

    if (need <= *cap)
        return;
    *cap = need * 2;
    m->cost_of = xrealloc(m->cost_of, *cap * sizeof *m->cost_of);
    m->use_of = xrealloc(m->use_of, *cap * sizeof *m->use_of);
    m->move_weight = xrealloc(m->move_weight, *cap * sizeof *m->move_weight);
}

static void add_outcomes(struct master *m)
{
    const struct problem *p = m->p;

    for (size_t i = 0; i < m->part_count; i++) {
        struct part *part = &m->parts[i];
        const struct block *b = &p->blocks[part->block];
        mip_row_bounds(m->mip, part->row, (double)part->constant, (double)part->constant);
        part->outcome_count = b->outcome_count;
        for (size_t o = 0; o < b->outcome_count; o++) {
            int column = mip_column(m->mip, 0, (double)m->p->fleet->gpu_count, true);
            if (o == 0)
                part->first = column;
            mip_set(m->mip, part->row, column, 1);
        }
    }
}

static double most_instances(const struct group *g)
{
    double least = HUGE_VAL;

    for (size_t u = 0; u < g->use_count; u++)
        least = fmin(least, g->uses[u].gives);
    return g->use_count ? ceil(g->rate / least) + 1 : 0;
}

static struct flow *new_flow(struct master *m, int group, int use, int unit, bool fresh, bool stay)
{
    const struct group *g = &m->p->groups[group];
    double most = g->by_rate ? most_instances(g) + (double)g->running : (double)g->demand;
    struct flow f = {group, use, unit, -1, -1};

    if (unit >= 0 && g->spread && most > 1)
        most = 1;
    if (fresh)
        f.fresh = mip_column(m->mip, 0, most, g->by_rate);
    if (stay && g->uses[use].keep >= 0)
        f.stay = mip_column(m->mip, 0, most, g->by_rate);
    GROW(m->flows, m->flow_cap, m->flow_count + 1);
    m->flows[m->flow_count] = f;
    return &m->flows[m->flow_count++];
}

/* By unit, what its outcomes add to slot and keep rows: only for slots of spread groups. */
static bool *spread_slots(const struct problem *p)
{
    bool *is = xcalloc(p->slot_count + 1, sizeof *is);

    for (size_t g = 0; g < p->group_count; g++)
        for (size_t u = 0; u < p->groups[g].use_count && p->groups[g].spread; u++)
            is[p->groups[g].uses[u].slot] = true;
    return is;
}

static void add_slot_rows(struct master *m, int *slot_row, int *keep_row)
{
    const struct problem *p = m->p;
    bool *spread = spread_slots(p);

    for (size_t s = 0; s < p->slot_count; s++)
        slot_row[s] = mip_row(m->mip, -HUGE_VAL, 0);
    for (size_t k = 0; k < p->keep_count; k++)
        keep_row[k] = m->indexed && spread[p->keeps[k].slot] ? -1 : mip_row(m->mip, -HUGE_VAL, 0);
    for (size_t i = 0; i < m->part_count; i++) {
        const struct block *b = &p->blocks[m->parts[i].block];
        for (size_t o = 0; o < b->outcome_count; o++)
            for (size_t k = 0; k < b->outcomes[o].offer_count; k++) {
                const struct offer *f = &b->outcomes[o].offers[k];
                int row =
                    (size_t)f->row < p->slot_count ? slot_row[f->row] : keep_row[(size_t)f->row - p->slot_count];
                if (row >= 0)
                    mip_set(m->mip, row, m->parts[i].first + (int)o, -f->count);
            }
    }
    free(spread);
}

/* Replicas of other groups that stay on this node in slots which spread groups want too: they take them here, not
 * anywhere. */
static void add_stays_here(struct master *m, int group, int unit, const int *unit_slot, const int *unit_keep,
                           const int *slot_row, const bool *spread)
{
    const struct group *g = &m->p->groups[group];

    for (size_t k = 0; k < g->use_count; k++) {
        const struct use *use = &g->uses[k];
        const struct flow *f;
        if (use->keep < 0 || !spread[use->slot] || unit_slot[use->slot] < 0 || unit_keep[use->keep] < 0)
            continue;
        f = new_flow(m, group, (int)k, unit, false, true);
        mip_set(m->mip, unit_slot[use->slot], f->stay, 1);
        mip_set(m->mip, slot_row[use->slot], f->stay, 1);
        mip_set(m->mip, unit_keep[use->keep], f->stay, 1);
    }
}

/* Indexed: for every node its own slots for spread groups, their keeps, and one replica of each group. */
static void add_spread(struct master *m, const int *slot_row)
{
    const struct problem *p = m->p;
    bool *spread = spread_slots(p);
    int *unit_slot = xmalloc((p->slot_count + 1) * sizeof *unit_slot);
    int *unit_keep = xmalloc((p->keep_count + 1) * sizeof *unit_keep);
    size_t part = 0;

    for (size_t u = 0; u < m->unit_count; u++) {
        for (size_t s = 0; s < p->slot_count; s++)
            unit_slot[s] = -1;
        for (size_t k = 0; k < p->keep_count; k++)
            unit_keep[k] = -1;
        for (; part < m->part_count && m->parts[part].unit == (int)u; part++) {
            const struct block *b = &p->blocks[m->parts[part].block];
            for (size_t o = 0; o < b->outcome_count; o++)
                for (size_t k = 0; k < b->outcomes[o].offer_count; k++) {
                    const struct offer *f = &b->outcomes[o].offers[k];
                    int *row;
                    if ((size_t)f->row < p->slot_count) {
                        if (!spread[f->row])
                            continue;
                        row = &unit_slot[f->row];
                    } else {
                        size_t keep = (size_t)f->row - p->slot_count;
                        if (!spread[p->keeps[keep].slot])
                            continue;
                        row = &unit_keep[keep];
                    }
                    if (*row < 0)
                        *row = mip_row(m->mip, -HUGE_VAL, 0);
                    mip_set(m->mip, *row, m->parts[part].first + (int)o, -f->count);
                }
        }
        for (size_t g = 0; g < p->group_count; g++) {
            const struct group *group = &p->groups[g];
            int cap = -1;
            if (!group->spread) {
                add_stays_here(m, (int)g, (int)u, unit_slot, unit_keep, slot_row, spread);
                continue;
            }
            for (size_t k = 0; k < group->use_count; k++) {
                const struct use *use = &group->uses[k];
                const struct flow *f;
                if (unit_slot[use->slot] < 0)
                    continue;
                if (cap < 0) {
                    cap = mip_row(m->mip, -HUGE_VAL, 1);
                    GROW(m->spread_rows, m->spread_row_cap, m->spread_row_count + 1);
                    m->spread_rows[m->spread_row_count++] = cap;
                }
                f = new_flow(m, (int)g, (int)k, (int)u, true, true);
                mip_set(m->mip, cap, f->fresh, 1);
                mip_set(m->mip, unit_slot[use->slot], f->fresh, 1);
                mip_set(m->mip, slot_row[use->slot], f->fresh, 1);
                if (f->stay >= 0 && unit_keep[use->keep] < 0)
                    mip_bounds(m->mip, f->stay, 0, 0);
                if (f->stay >= 0) {
                    mip_set(m->mip, cap, f->stay, 1);
                    mip_set(m->mip, unit_slot[use->slot], f->stay, 1);
                    mip_set(m->mip, slot_row[use->slot], f->stay, 1);
                    if (unit_keep[use->keep] >= 0)
                        mip_set(m->mip, unit_keep[use->keep], f->stay, 1);
                }
            }
        }
    }
    free(spread);
    free(unit_slot);
    free(unit_keep);
}

static void add_flows(struct master *m, const int *slot_row, const int *keep_row)
{
    const struct problem *p = m->p;
    bool *spread = spread_slots(p);

    for (size_t g = 0; g < p->group_count; g++)
        for (size_t k = 0; k < p->groups[g].use_count; k++) {
            const struct use *use = &p->groups[g].uses[k];
            const struct flow *f;
            if (m->indexed && p->groups[g].spread)
                continue;
            f = new_flow(m, (int)g, (int)k, -1, true, !(m->indexed && spread[use->slot]));
            mip_set(m->mip, slot_row[use->slot], f->fresh, 1);
            if (f->stay >= 0) {
                mip_set(m->mip, slot_row[use->slot], f->stay, 1);
                mip_set(m->mip, keep_row[use->keep], f->stay, 1);
            }
        }
    free(spread);
}

/* The nodes where a replica of the group runs in a way in which it could stay: no more of a spread group than these
 * can stay. */
static int64_t nodes_where(const struct problem *p, int group)
{
    int64_t n = 0;

    for (size_t c = 0; c < p->cell_count; c++) {
        bool here = false;
        for (size_t g = 0; g < p->cells[c].gpu_count; g++) {
            const struct state *s = &p->states[p->cells[c].states[g]];
            for (size_t t = 0; t < s->n; t++)
                here = here || s->at[t].tag == group;
        }
        n += here ? (int64_t)p->cells[c].node_count : 0;
    }
    return n;
}

/*
 * Demands, and what a move is. The moves of a rate's group are min(running, instances) - staying, a concave thing to
 * minimise: one binary says which of the two is the smaller.
 */
static void add_demands(struct master *m)
{
    const struct problem *p = m->p;
    int *demand = xmalloc((p->group_count + 1) * sizeof *demand),
        *stays = xmalloc((p->group_count + 1) * sizeof *stays);
    int(*rate)[2] = xmalloc((p->group_count + 1) * sizeof *rate);

    m->group_moves = xmalloc((p->group_count + 1) * sizeof *m->group_moves);
    for (size_t i = 0; i < p->group_count; i++) {
        const struct group *g = &p->groups[i];
        double survivors = (double)(g->running < g->replicas ? g->running : g->replicas);
        m->group_moves[i] = stays[i] = rate[i][0] = rate[i][1] = -1;
        if (g->by_rate) {
            demand[i] = mip_row(m->mip, g->rate * (1 - 1e-9), HUGE_VAL);
            if (g->running) {
                double r = (double)g->running, most = most_instances(g) + r;
                int moves = mip_column(m->mip, 0, g->strict ? 0 : r, false), fewer = mip_column(m->mip, 0, 1, true);
                m->group_moves[i] = moves;
                rate[i][0] = mip_row(m->mip, r, HUGE_VAL);     /* moves + stays + r fewer >= r */
                rate[i][1] = mip_row(m->mip, -most, HUGE_VAL); /* moves + stays - instances - most fewer >= -most */
                mip_set(m->mip, rate[i][0], moves, 1);
                mip_set(m->mip, rate[i][0], fewer, r);
                mip_set(m->mip, rate[i][1], moves, 1);
                mip_set(m->mip, rate[i][1], fewer, -most);
            }
            continue;
        }
        demand[i] = mip_row(m->mip, (double)g->demand, (double)g->demand);
        m->move_constant += survivors * g->weight;
        if (g->running == 0)
            continue;
        stays[i] = mip_row(m->mip, g->strict ? survivors : 0,
                           g->spread ? fmin(survivors, (double)nodes_where(p, (int)i)) : survivors);
        if (g->strict) {
            GROW(m->strict_rows, m->strict_row_cap, m->strict_row_count + 1);
            m->strict_rows[m->strict_row_count++] = stays[i];
        }
    }
    for (size_t i = 0; i < m->flow_count; i++) {
        const struct flow *f = &m->flows[i];
        const struct group *g = &p->groups[f->group];
        double gives = g->by_rate ? g->uses[f->use].gives : 1;
        if (f->fresh >= 0)
            mip_set(m->mip, demand[f->group], f->fresh, gives);
        if (f->fresh >= 0 && rate[f->group][1] >= 0)
            mip_set(m->mip, rate[f->group][1], f->fresh, -1);
        if (f->stay < 0)
            continue;
        mip_set(m->mip, demand[f->group], f->stay, gives);
        if (stays[f->group] >= 0)
            mip_set(m->mip, stays[f->group], f->stay, 1);
        if (rate[f->group][0] >= 0)
            mip_set(m->mip, rate[f->group][0], f->stay,
                    1); /* in the second row staying and being an instance cancel out */
    }
    free(demand);
    free(stays);
    free(rate);
}

/* The rows that hold earlier stages' values, the budget of moves and the spare GPUs. */
static void add_stage_rows(struct master *m)
{
    const struct problem *p = m->p;
    const struct fleet_rules *rules = &p->fleet->rules;
    size_t cap = 0, weights = 0;
    double budget_constant = 0, *weight = xcalloc(p->group_count + 1, sizeof *weight);

    note_column(m, &cap, (int)mip_columns(m->mip));
    for (size_t i = 0; i <= mip_columns(m->mip); i++)
        m->cost_of[i] = m->use_of[i] = m->move_weight[i] = 0;
    m->cost_row = mip_row(m->mip, -HUGE_VAL, HUGE_VAL);
    m->gpus_row = mip_row(m->mip, -HUGE_VAL, HUGE_VAL);
    m->moves_row = mip_row(m->mip, -HUGE_VAL, HUGE_VAL);
    m->budget_row = mip_row(m->mip, -HUGE_VAL, HUGE_VAL);
    m->spare_row = mip_row(m->mip, -HUGE_VAL, (double)p->fleet->gpu_count - (double)rules->spare_gpus);
    for (size_t i = 0; i < m->part_count; i++) {
        const struct block *b = &p->blocks[m->parts[i].block];
        for (size_t o = 0; o < b->outcome_count; o++) {
            int column = m->parts[i].first + (int)o;
            if (!b->outcomes[o].in_use)
                continue;
            m->cost_of[column] = b->price;
            m->use_of[column] = 1;
            if (b->price > 0)
                mip_set(m->mip, m->cost_row, column, b->price);
            mip_set(m->mip, m->gpus_row, column, 1);
            mip_set(m->mip, m->spare_row, column, 1);
        }
    }
    for (size_t i = 0; i < p->group_count; i++) {
        const struct group *g = &p->groups[i];
        if (!g->by_rate)
            budget_constant += (double)(g->running < g->replicas ? g->running : g->replicas);
        if (g->running)
            weight[weights++] = g->weight;
        if (m->group_moves[i] >= 0) {
            m->move_weight[m->group_moves[i]] = g->weight;
            mip_set(m->mip, m->moves_row, m->group_moves[i], g->weight);
            mip_set(m->mip, m->budget_row, m->group_moves[i], 1);
        }
    }
    for (size_t i = 0; i < m->flow_count; i++) {
        const struct group *g = &p->groups[m->flows[i].group];
        if (m->flows[i].stay < 0 || g->by_rate)
            continue;
        m->move_weight[m->flows[i].stay] = -g->weight;
        mip_set(m->mip, m->moves_row, m->flows[i].stay, -g->weight);
        mip_set(m->mip, m->budget_row, m->flows[i].stay, -1);
    }
    if (rules->moves >= 0)
        mip_row_bounds(m->mip, m->budget_row, -HUGE_VAL, (double)rules->moves - budget_constant);
    m->move_step = common_step(weight, weights);
    free(weight);
}

static void look_at_prices(struct master *m)
{
    const struct problem *p = m->p;
    double *prices = xcalloc(p->cell_count + 1, sizeof *prices);

    for (size_t c = 0; c < p->cell_count; c++) {
        prices[c] = p->cells[c].price;
        m->priced = m->priced || prices[c] < prices[0] || prices[c] > prices[0];
    }
    m->cost_step = common_step(prices, p->cell_count);
    free(prices);
}

struct master *master_new(const struct problem *p, bool indexed)
{
    struct master *m = xcalloc(1, sizeof *m);
    int *slot_row = xmalloc((p->slot_count + 1) * sizeof *slot_row),
        *keep_row = xmalloc((p->keep_count + 1) * sizeof *keep_row);

    m->p = p;
    m->indexed = indexed;
    m->mip = mip_new();
    make_units(m);
    add_units(m);
    add_outcomes(m);
    add_slot_rows(m, slot_row, keep_row);
    add_flows(m, slot_row, keep_row);
    if (indexed)
        add_spread(m, slot_row);
    add_demands(m);
    add_stage_rows(m);
    look_at_prices(m);
    free(slot_row);
    free(keep_row);
    return m;
}

void master_free(struct master *m)
{
    if (!m)
        return;
    mip_free(m->mip);
    free(m->units);
    free(m->mode_column);
    free(m->parts);
    free(m->part_of);
    free(m->flows);
    free(m->group_moves);
    free(m->cost_of);
    free(m->use_of);
    free(m->move_weight);
    free(m->spread_rows);
    free(m->strict_rows);
    free(m->x);
    free(m);
}

void master_size(const struct master *m, size_t *ret_columns, size_t *ret_rows)
{
    *ret_columns = mip_columns(m->mip);
    *ret_rows = mip_rows(m->mip);
}

void master_relax(struct master *m, unsigned rules)
{
    if (rules & MASTER_MOVES)
        mip_row_bounds(m->mip, m->budget_row, -HUGE_VAL, HUGE_VAL);
    if (rules & MASTER_SPARE)
        mip_row_bounds(m->mip, m->spare_row, -HUGE_VAL, HUGE_VAL);
    for (size_t i = 0; i < m->spread_row_count && (rules & MASTER_SPREAD); i++)
        mip_row_bounds(m->mip, m->spread_rows[i], -HUGE_VAL, HUGE_VAL);
    for (size_t i = 0; i < m->strict_row_count && (rules & MASTER_STRICT); i++)
        mip_row_bounds(m->mip, m->strict_rows[i], -HUGE_VAL, HUGE_VAL);
}

struct run {
    struct master *m;
    double deadline; /* 0: none */
    const atomic_int *stop;
};

/* One stage: its objective by column. Holds its solution when it has one. */
static enum mip_status solve(struct run *r, const double *cost, double constant, double step, struct stage *ret)
{
    struct mip_limits l = {.step = step, .start = r->m->x, .stop = r->stop};
    struct mip_result result;
    enum mip_status status;

    if (r->deadline > 0)
        l.seconds = fmax(r->deadline - now(), 0.05);
    mip_clear_costs(r->m->mip);
    for (size_t i = 0; i < mip_columns(r->m->mip); i++)
        mip_cost(r->m->mip, (int)i, cost[i]);
    mip_solve(r->m->mip, &l, &result);
    status = result.status;
    ret->value = result.value + constant;
    ret->bound = result.bound + constant;
    ret->seconds = result.seconds;
    ret->proven = status == MIP_OPTIMAL;
    if (status == MIP_FEASIBLE && step > 0) { /* the next value of the objective's grid is a bound too */
        double up = ceil(ret->bound / step - 1e-3) * step;
        ret->bound = fmin(fmax(ret->bound, up), ret->value);
        ret->proven = ret->bound > ret->value - step * 0.5;
    }
    if (result.x) {
        free(r->m->x);
        r->m->x = TAKE(result.x);
    }
    mip_result_done(&result);
    return status;
}

void master_run(struct master *m, const struct master_limits *l, struct master_result *ret)
{
    struct run r = {.m = m, .stop = l ? l->stop : NULL};
    enum mip_status status = MIP_OPTIMAL;

    *ret = (struct master_result){.priced = m->priced};
    r.deadline = l && l->seconds > 0 ? now() + l->seconds : 0;
    if (m->priced) {
        status = solve(&r, m->cost_of, 0, m->cost_step, &ret->cost);
        if (m->x)
            mip_row_bounds(m->mip, m->cost_row, -HUGE_VAL, ret->cost.value + EPS);
    }
    if (status == MIP_OPTIMAL || status == MIP_FEASIBLE)
        status = solve(&r, m->use_of, 0, 1, &ret->gpus);
    ret->feasible = m->x != NULL;
    ret->known = ret->feasible || status == MIP_INFEASIBLE;
    if (!ret->feasible)
        return;
    mip_row_bounds(m->mip, m->gpus_row, -HUGE_VAL, ret->gpus.value + EPS);
    if (m->p->has_running) {
        solve(&r, m->move_weight, m->move_constant, m->move_step, &ret->moves);
        mip_row_bounds(m->mip, m->moves_row, -HUGE_VAL, ret->moves.value - m->move_constant + EPS);
    } else {
        ret->moves.proven = true;
    }
}

int master_frontier(struct master *m, int64_t gpus, double seconds, const atomic_int *stop, struct stage *ret,
                    struct solution *ret_solution)
{
    struct run r = {.m = m, .stop = stop, .deadline = seconds > 0 ? now() + seconds : 0};
    double *held = m->x ? xmalloc((mip_columns(m->mip) + 1) * sizeof *held) : NULL;
    enum mip_status status = MIP_UNKNOWN;
    int rc = -1;

    if (held)
        memcpy(held, m->x, mip_columns(m->mip) * sizeof *held);
    mip_row_bounds(m->mip, m->cost_row, -HUGE_VAL, HUGE_VAL);
    mip_row_bounds(m->mip, m->moves_row, -HUGE_VAL, HUGE_VAL);
    mip_row_bounds(m->mip, m->gpus_row, -HUGE_VAL, (double)gpus + EPS);
    if (m->x)
        status = solve(&r, m->move_weight, m->move_constant, m->move_step, ret);
    if (status == MIP_OPTIMAL || status == MIP_FEASIBLE)
        rc = ret_solution ? master_solution(m, ret_solution) : 0;
    free(m->x);
    m->x = held;
    return rc;
}

bool master_follow(struct master *m, const struct master_result *values, double seconds, const atomic_int *stop,
                   struct master_result *ret)
{
    struct run r = {.m = m, .stop = stop, .deadline = seconds > 0 ? now() + seconds : 0};
    enum mip_status status;

    *ret = *values;
    if (m->priced)
        mip_row_bounds(m->mip, m->cost_row, -HUGE_VAL, values->cost.value + EPS);
    mip_row_bounds(m->mip, m->gpus_row, -HUGE_VAL, values->gpus.value + EPS);
    status = solve(&r, m->move_weight, m->move_constant, m->move_step, &ret->moves);
    if (status == MIP_OPTIMAL || status == MIP_FEASIBLE)
        return true;
    mip_row_bounds(m->mip, m->cost_row, -HUGE_VAL, HUGE_VAL);
    mip_row_bounds(m->mip, m->gpus_row, -HUGE_VAL, HUGE_VAL);
    return false;
}

void master_bounds(struct master *m, const struct master_result *known)
{
    if (m->priced)
        mip_row_bounds(m->mip, m->cost_row, known->cost.bound - EPS, HUGE_VAL);
    else
        mip_row_bounds(m->mip, m->gpus_row, known->gpus.bound - EPS, HUGE_VAL);
}

/* Flows are whole at a vertex; where the solver stopped elsewhere, they are found again with the outcomes fixed. */
static void make_whole(struct master *m)
{
    bool whole = true;
    struct run r = {.m = m};
    struct stage s;

    for (size_t i = 0; i < m->flow_count && whole; i++) {
        double a = m->flows[i].fresh >= 0 ? m->x[m->flows[i].fresh] : 0,
               b = m->flows[i].stay >= 0 ? m->x[m->flows[i].stay] : 0;
        whole = fabs(a - nearbyint(a)) < 1e-6 && fabs(b - nearbyint(b)) < 1e-6;
    }
    if (whole)
        return;
    for (size_t i = 0; i < m->part_count; i++)
        for (size_t o = 0; o < m->parts[i].outcome_count; o++) {
            int column = m->parts[i].first + (int)o;
            mip_bounds(m->mip, column, m->x[column], m->x[column]);
        }
    for (size_t i = 0; i < m->flow_count; i++) {
        if (m->flows[i].fresh >= 0)
            mip_integer(m->mip, m->flows[i].fresh, true);
        if (m->flows[i].stay >= 0)
            mip_integer(m->mip, m->flows[i].stay, true);
    }
    free(TAKE(m->x));
    solve(&r, m->move_weight, m->move_constant, m->move_step, &s);
    for (size_t i = 0; i < m->part_count; i++)
        for (size_t o = 0; o < m->parts[i].outcome_count; o++)
            mip_bounds(m->mip, m->parts[i].first + (int)o, 0, (double)m->p->fleet->gpu_count);
}

/* Instances beyond the rate cost the program nothing; they are not placed. Only newcomers go, the smallest first. */
static void drop_surplus(struct master *m, int group)
{
    const struct group *g = &m->p->groups[group];
    double have = 0;

    for (size_t i = 0; i < m->flow_count; i++)
        if (m->flows[i].group == group)
            have += g->uses[m->flows[i].use].gives * ((m->flows[i].fresh >= 0 ? m->x[m->flows[i].fresh] : 0) +
                                                      (m->flows[i].stay >= 0 ? m->x[m->flows[i].stay] : 0));
    for (;;) {
        struct flow *least = NULL;
        for (size_t i = 0; i < m->flow_count; i++)
            if (m->flows[i].group == group && m->flows[i].fresh >= 0 && m->x[m->flows[i].fresh] > 0.5 &&
                (!least || g->uses[m->flows[i].use].gives < g->uses[least->use].gives))
                least = &m->flows[i];
        if (!least || have - g->uses[least->use].gives < g->rate * (1 - 1e-9))
            return;
        have -= g->uses[least->use].gives;
        m->x[least->fresh] -= 1;
    }
}

static void add_placing(struct solution *s, const struct flow *f, bool stays, double count)
{
    int64_t n = (int64_t)nearbyint(count);

    if (n > 0)
        s->placings[s->placing_count++] = (struct placing){f->group, f->use, f->unit, stays, n};
}

int master_solution(struct master *m, struct solution *ret)
{
    const struct problem *p = m->p;

    *ret = (struct solution){.units = NULL};
    if (m->x)
        make_whole(m);
    if (!m->x)
        return -1;
    for (size_t g = 0; g < p->group_count; g++)
        if (p->groups[g].by_rate)
            drop_surplus(m, (int)g);
    ret->units = xcalloc(m->unit_count + 1, sizeof *ret->units);
    ret->slices = xcalloc(m->part_count + 1, sizeof *ret->slices);
    ret->placings = xcalloc(2 * m->flow_count + 1, sizeof *ret->placings);
    for (size_t u = 0; u < m->unit_count; u++) {
        const struct cell *c = &p->cells[m->units[u].cell];
        int64_t *modes = xcalloc(c->mode_count + 1, sizeof *modes);
        ret->units[u] = m->units[u];
        for (size_t k = 0; k < c->mode_count; k++)
            modes[k] = m->mode_column[u] >= 0 ? (int64_t)nearbyint(m->x[m->mode_column[u] + (int)k])
                       : m->indexed           ? 1
                                              : (int64_t)c->node_count;
        ret->units[u].modes = modes;
    }
    ret->unit_count = m->unit_count;
    for (size_t i = 0; i < m->part_count; i++) {
        int64_t *counts = xcalloc(m->parts[i].outcome_count + 1, sizeof *counts);
        for (size_t o = 0; o < m->parts[i].outcome_count; o++)
            counts[o] = (int64_t)nearbyint(m->x[m->parts[i].first + (int)o]);
        ret->slices[i] = (struct slice){m->parts[i].unit, m->parts[i].block, counts};
    }
    ret->slice_count = m->part_count;
    for (size_t i = 0; i < m->flow_count; i++) {
        if (m->flows[i].stay >= 0)
            add_placing(ret, &m->flows[i], true, m->x[m->flows[i].stay]);
        if (m->flows[i].fresh >= 0)
            add_placing(ret, &m->flows[i], false, m->x[m->flows[i].fresh]);
    }
    return 0;
}

void master_solution_done(struct solution *s)
{
    for (size_t i = 0; i < s->unit_count; i++)
        free((void *)(uintptr_t)s->units[i].modes);
    for (size_t i = 0; i < s->slice_count; i++)
        free((void *)(uintptr_t)s->slices[i].counts);
    free(s->units);
    free(s->slices);
    free(s->placings);
    *s = (struct solution){.units = NULL};
}
