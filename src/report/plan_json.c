/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "plan/cost.h"
#include "plan/explain.h"
#include "plan/waves.h"
#include "report/plan.h"

/*
 * Written straight into the buffer: a plan of a large fleet has a million placements, and a tree of them would take
 * more memory than everything else.
 */
static void put_text(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_putc(out, '\\');
        if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

static void put_key(struct buf *out, const char *key, const char *s)
{
    buf_printf(out, "\"%s\": ", key);
    if (s)
        put_text(out, s);
    else
        buf_puts(out, "null");
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static void put_placements(const struct plan *p, struct buf *out)
{
    const struct fleet *f = p->fleet;
    bool first = true;

    buf_puts(out, "  \"placements\": [");
    for (size_t n = 0; n < f->node_count; n++)
        for (int g = 0; g < f->nodes[n].count; g++) {
            const struct plan_gpu *gpu = &p->gpus[f->nodes[n].first + (size_t)g];
            for (size_t i = 0; i < gpu->n; i++) {
                const struct plan_place *q = &gpu->places[i];
                const char *name = q->workload == FLEET_NONE ? NULL : f->workloads[q->workload].name;
                buf_puts(out, first ? "\n    {" : ",\n    {");
                first = false;
                put_key(out, "node", f->nodes[n].name);
                buf_printf(out, ", \"gpu\": %d, \"mode\": \"%s\"", g, FLEET_MODE_NAMES[gpu->mode]);
                if (q->profile)
                    buf_printf(out, ", \"profile\": \"%s\", \"start\": %d, ", q->profile->name, q->start);
                else
                    buf_puts(out, ", \"profile\": null, \"start\": null, ");
                put_key(out, "workload", q->reserved ? NULL : name);
                if (q->reserved) {
                    buf_puts(out, ", \"replica\": null, ");
                    put_key(out, "reserved", name);
                } else if (q->replica >= 0) {
                    buf_printf(out, ", \"replica\": %" PRId64, q->replica);
                } else {
                    buf_puts(out, ", \"replica\": null");
                }
                if (q->batch)
                    buf_printf(out, ", \"batch\": %d", q->batch);
                if (q->processes)
                    buf_printf(out, ", \"processes\": %d", q->processes);
                if (q->stays)
                    buf_puts(out, ", \"stays\": true");
                buf_putc(out, '}');
            }
        }
    buf_puts(out, first ? "],\n" : "\n  ],\n");
}

static void put_place(const struct plan *p, const struct wave_move *m, bool to, struct buf *out)
{
    const struct fleet *f = p->fleet;
    int64_t gpu = to ? m->to : m->from;
    const struct fleet_node *n;

    buf_printf(out, "\"%s\": ", to ? "to" : "from");
    if (gpu < 0) {
        buf_puts(out, "null");
        return;
    }
    n = &f->nodes[fleet_node_of(f, (size_t)gpu)];
    buf_putc(out, '{');
    put_key(out, "node", n->name);
    buf_printf(out, ", \"gpu\": %d", (int)((size_t)gpu - n->first));
    if (to && m->kind != WAVE_VIA) {
        const struct plan_gpu *g = &p->gpus[gpu];
        const struct plan_place *q = &g->places[m->move->to_place];
        buf_printf(out, ", \"mode\": \"%s\"", FLEET_MODE_NAMES[g->mode]);
        if (q->profile)
            buf_printf(out, ", \"profile\": \"%s\", \"start\": %d", q->profile->name, q->start);
    } else if (!to && gpu == m->move->from) {
        const struct fleet_gpu *g = &n->gpus[(size_t)gpu - n->first];
        const struct fleet_place *q = &g->places[m->move->from_place];
        buf_printf(out, ", \"mode\": \"%s\"", FLEET_MODE_NAMES[g->mode]);
        if (q->profile)
            buf_printf(out, ", \"profile\": \"%s\", \"start\": %d", q->profile->name, q->start);
    } else {
        buf_puts(out, ", \"waits\": true");
    }
    buf_putc(out, '}');
}

static const char *const KINDS[] = {"place then free", "free then place", "by way of an unused GPU", "new",
                                    "retired"};

static void put_steps(const struct plan *p, const struct waves *w, struct buf *out)
{
    const struct fleet *f = p->fleet;

    buf_puts(out, "  \"steps\": [");
    for (size_t i = 0; i < w->step_count; i++) {
        const struct step *s = &w->steps[i];
        const struct fleet_node *n = &f->nodes[fleet_node_of(f, (size_t)s->gpu)];
        struct buf text = {.max = BUF_MAX_OUTPUT};
        buf_puts(out, i ? ",\n    {" : "\n    {");
        buf_printf(out, "\"wave\": %d, ", s->wave);
        put_key(out, "node", n->name);
        buf_printf(out, ", \"gpu\": %d, ", (int)((size_t)s->gpu - n->first));
        explain_before(f, (size_t)s->gpu, &text);
        put_key(out, "from", buf_str(&text));
        buf_clear(&text);
        explain_after(p, (size_t)s->gpu, &text);
        buf_puts(out, ", ");
        put_key(out, "to", buf_str(&text));
        buf_puts(out, ", \"moves\": [");
        for (size_t k = 0; k < s->count; k++) {
            const struct wave_move *m = &w->moves[s->first + k];
            buf_puts(out, k ? ", {" : "{");
            put_key(out, "workload", f->workloads[m->move->workload].name);
            if (m->move->replica >= 0)
                buf_printf(out, ", \"replica\": %" PRId64 ", ", m->move->replica);
            else
                buf_puts(out, ", \"replica\": null, ");
            put_place(p, m, false, out);
            buf_puts(out, ", ");
            put_place(p, m, true, out);
            buf_puts(out, ", ");
            put_key(out, "how", KINDS[m->kind]);
            if (m->forced)
                buf_puts(out, ", \"forced\": true");
            buf_putc(out, '}');
        }
        buf_puts(out, "], ");
        buf_clear(&text);
        explain_step(p, w, s, &text);
        put_key(out, "why", buf_str(&text));
        buf_putc(out, '}');
        buf_done(&text);
    }
    buf_puts(out, w->step_count ? "\n  ],\n" : "],\n");
    buf_puts(out, "  ");
    put_key(out, "transition", w->forced_why ? w->forced_why : "every allowance is kept");
    buf_printf(out, ",\n  \"waves\": %d,\n", w->count);
}

static void put_kept(const struct plan *p, struct buf *out)
{
    const struct fleet *f = p->fleet;
    bool first = true;

    buf_puts(out, "  \"kept\": [");
    for (size_t n = 0; n < f->node_count; n++)
        for (int g = 0; g < f->nodes[n].count; g++) {
            struct buf why = {.max = 4096};
            if (explain_kept(p, f->nodes[n].first + (size_t)g, &why)) {
                buf_puts(out, first ? "\n    {" : ",\n    {");
                first = false;
                put_key(out, "node", f->nodes[n].name);
                buf_printf(out, ", \"gpu\": %d, ", g);
                put_key(out, "why", buf_str(&why));
                buf_putc(out, '}');
            }
            buf_done(&why);
        }
    buf_puts(out, first ? "],\n" : "\n  ],\n");
}

static void put_refused(const struct plan *p, const struct options *o, struct buf *out)
{
    buf_puts(out, "  \"refused\": [");
    for (size_t i = 0; i < o->refused_count; i++) {
        buf_puts(out, i ? ",\n    {" : "\n    {");
        put_key(out, "workload", p->fleet->workloads[o->refused[i].workload].name);
        buf_puts(out, ", ");
        put_key(out, "option", o->refused[i].option);
        buf_puts(out, ", ");
        put_key(out, "why", o->refused[i].why);
        buf_putc(out, '}');
    }
    buf_puts(out, o->refused_count ? "\n  ]" : "]");
}

static void put_money(struct buf *out, int64_t micro)
{
    char text[48];
    size_t n;

    snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64, micro / COST_UNIT, micro % COST_UNIT);
    for (n = strlen(text); text[n - 1] == '0' && text[n - 2] != '.'; n--)
        text[n - 1] = 0;
    buf_puts(out, text);
}

static void put_bill(const struct plan *p, const char *key, const struct cost *c, struct buf *out)
{
    const struct fleet *f = p->fleet;
    bool first = true;

    buf_printf(out, "\"%s\": {\"bill\": ", key);
    put_money(out, c->bill);
    buf_puts(out, ", \"workloads\": {");
    for (size_t w = 0; w < f->workload_count; w++) {
        if (c->workloads[w] == 0)
            continue;
        buf_puts(out, first ? "" : ", ");
        first = false;
        put_text(out, f->workloads[w].name);
        buf_puts(out, ": ");
        put_money(out, c->workloads[w]);
    }
    buf_puts(out, "}, \"idle\": ");
    put_money(out, c->idle);
    buf_puts(out, ", \"stranded\": ");
    put_money(out, c->stranded);
    buf_puts(out, ", \"teams\": {");
    first = true;
    for (size_t w = 0; w < f->workload_count; w++) {
        int64_t sum = 0;
        bool seen = !f->workloads[w].team[0];
        for (size_t v = 0; v < w && !seen && f->workload_count < 5000; v++)
            seen = strcmp(f->workloads[v].team, f->workloads[w].team) == 0;
        for (size_t v = w; v < f->workload_count && !seen; v++)
            if (strcmp(f->workloads[v].team, f->workloads[w].team) == 0)
                sum += c->workloads[v];
        if (seen)
            continue;
        buf_puts(out, first ? "" : ", ");
        first = false;
        put_text(out, f->workloads[w].team);
        buf_puts(out, ": ");
        put_money(out, sum);
    }
    buf_puts(out, "}}");
}

static void put_cost(const struct plan *p, struct buf *out)
{
    cleanup_cost struct cost before, after;

    cost_before(p->fleet, &before);
    cost_after(p, &after);
    buf_puts(out, "  \"cost\": {");
    put_bill(p, "before", &before, out);
    buf_puts(out, ",\n    ");
    put_bill(p, "after", &after, out);
    buf_puts(out, ",\n    \"unit\": \"$/h\"");
    if (p->priced)
        buf_printf(out, ", \"value\": %.6f, \"bound\": %.6f, \"proven\": %s", p->cost.value, p->cost.bound,
                   truth(p->cost.proven));
    buf_puts(out, "},\n  \"nodes_freed\": [");
    for (size_t n = 0, k = 0; n < p->fleet->node_count; n++) {
        if (!explain_node_freed(p, n))
            continue;
        buf_puts(out, k++ ? ", " : "");
        put_text(out, p->fleet->nodes[n].name);
    }
    buf_puts(out, "],\n");
}

void plan_json(const struct plan *p, const struct options *o, struct buf *out)
{
    cleanup_waves struct waves w = {.count = 0};

    buf_puts(out, "{\n  \"apiVersion\": \"snug/v1\",\n  \"kind\": \"Plan\",\n  ");
    put_key(out, "fleet", p->fleet->name);
    buf_printf(out, ",\n  \"digest\": \"%016" PRIx64 "\",\n  \"feasible\": %s,\n", p->fleet->digest,
               truth(p->feasible));
    if (!p->feasible) {
        buf_printf(out, "  \"gpus\": {\"before\": %" PRId64 ", \"after\": null, \"bound\": null, \"proven\": %s},\n",
                   p->gpus_before, truth(p->known));
        buf_puts(out, "  \"placements\": [],\n  \"conflict\": {");
        put_key(out, "rules", p->conflict ? p->conflict : "");
        buf_puts(out, ", ");
        put_key(out, "why",
                p->conflict_why ? p->conflict_why
                                : "the time ran out before a plan was found, or none was ruled out");
        buf_puts(out, "},\n");
        put_refused(p, o, out);
        buf_printf(out, ",\n  \"solve_s\": %.4f\n}\n", p->solve_seconds);
        return;
    }
    waves_make(p, &w);
    buf_printf(out,
               "  \"gpus\": {\"before\": %" PRId64 ", \"after\": %" PRId64 ", \"bound\": %" PRId64
               ", \"proven\": %s},\n",
               p->gpus_before, p->gpus_after, p->gpus_bound, truth(p->gpus_proven));
    buf_printf(out,
               "  \"moves\": {\"count\": %" PRId64 ", \"bound\": %" PRId64 ", \"proven\": %s, \"weighted\": %.6g},\n",
               p->moves_done, p->moves_bound, truth(p->moves_proven), p->weighted.value);
    put_placements(p, out);
    put_steps(p, &w, out);
    put_kept(p, out);
    put_refused(p, o, out);
    buf_puts(out, ",\n  \"frontier\": [");
    for (size_t i = 0; i < p->frontier_count; i++)
        buf_printf(out, "%s{\"gpus\": %" PRId64 ", \"moves\": %" PRId64 ", \"proven\": %s}", i ? ", " : "",
                   p->frontier[i].gpus, p->frontier[i].moves, truth(p->frontier[i].proven));
    buf_puts(out, "],\n");
    put_cost(p, out);
    buf_printf(out,
               "  \"search\": {\"states\": %zu, \"blocks\": %zu, \"cells\": %zu, \"columns\": %zu, \"rows\": %zu, "
               "\"by_node\": %s, "
               "\"counting_s\": %.4f, \"cost_s\": %.4f, \"gpus_s\": %.4f, \"moves_s\": %.4f, \"spread_s\": %.4f, "
               "\"frontier_s\": %.4f},\n",
               p->search.states, p->search.blocks, p->search.cells, p->search.columns, p->search.rows,
               truth(p->search.by_node), p->search.counting, p->search.cost, p->search.gpus, p->search.moves,
               p->search.spread, p->search.frontier);
    buf_printf(out, "  \"solve_s\": %.4f\n}\n", p->solve_seconds);
}
