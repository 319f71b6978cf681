/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plan.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "plan/cost.h"
#include "plan/explain.h"
#include "plan/waves.h"
#include "report/table.h"

enum { STEPS_SHOWN = 25, REFUSED_SHOWN = 15 };

static void put_refused(const struct plan *p, const struct options *o,
                        const struct text_style *style, bool all, struct buf *out)
{
    cleanup_table struct table *t = table_new();
    size_t shown = 0;

    if (o->refused_count == 0)
        return;
    table_column(t, "workload", TABLE_SHRINK);
    table_column(t, "option", TABLE_LEFT);
    table_column(t, "refused because", TABLE_WRAP);
    for (size_t i = 0; i < o->refused_count && (all || shown < REFUSED_SHOWN); i++, shown++) {
        table_cell(t, p->fleet->workloads[o->refused[i].workload].name);
        table_cell(t, o->refused[i].option);
        table_cell(t, o->refused[i].why);
    }
    buf_putc(out, '\n');
    table_print(t, style, out);
    if (shown < o->refused_count)
        buf_printf(out, "... and %zu more (-o json has them all)\n", o->refused_count - shown);
}

static void put_value(struct table *t, const char *what, int64_t before, int64_t after, int64_t bound, bool proven)
{
    table_cell(t, what);
    if (before >= 0)
        table_cellf(t, "%" PRId64, before);
    else
        table_cell(t, "");
    table_cellf(t, "%" PRId64, after);
    table_cellf(t, "%" PRId64, bound);
    if (proven)
        table_cell(t, "proven");
    else
        table_cellf(t, "gap %.2f %%", after > 0 ? 100.0 * (double)(after - bound) / (double)after : 0.0);
    table_paint(t, proven ? TEXT_GOOD : TEXT_WARN);
}

static void put_summary(const struct plan *p, const struct waves *w, const struct text_style *style, struct buf *out)
{
    cleanup_table struct table *t = table_new();
    cleanup_cost struct cost before, after;
    size_t freed = 0;

    cost_before(p->fleet, &before);
    cost_after(p, &after);
    table_column(t, "", TABLE_LEFT);
    table_column(t, "before", TABLE_RIGHT);
    table_column(t, "after", TABLE_RIGHT);
    table_column(t, "bound", TABLE_RIGHT);
    table_column(t, "", TABLE_LEFT);
    put_value(t, "GPUs in use", p->gpus_before, p->gpus_after, p->gpus_bound, p->gpus_proven);
    put_value(t, "replicas moved", -1, p->moves_done, p->moves_bound, p->moves_proven);
    if (p->fleet->priced) {
        table_cell(t, "bill, $/h");
        table_cellf(t, "%.2f", (double)before.bill / COST_UNIT);
        table_cellf(t, "%.2f", (double)after.bill / COST_UNIT);
        if (p->priced) {
            table_cellf(t, "%.2f", p->cost.bound);
            table_cell(t, p->cost.proven ? "proven" : "not proven");
            table_paint(t, p->cost.proven ? TEXT_GOOD : TEXT_WARN);
        } else {
            table_cell(t, "");
            table_cell(t, "");
        }
        table_cell(t, "  idle, $/h");
        table_cellf(t, "%.2f", (double)before.idle / COST_UNIT);
        table_cellf(t, "%.2f", (double)after.idle / COST_UNIT);
        table_cell(t, "");
        table_cell(t, "");
        table_cell(t, "  stranded, $/h");
        table_cellf(t, "%.2f", (double)before.stranded / COST_UNIT);
        table_cellf(t, "%.2f", (double)after.stranded / COST_UNIT);
        table_cell(t, "");
        table_cell(t, "");
    }
    table_print(t, style, out);
    for (size_t n = 0; n < p->fleet->node_count; n++)
        freed += explain_node_freed(p, n);
    buf_printf(out,
               "\n%" PRId64
               " GPUs and %zu whole nodes freed; %zu steps in %d waves; solved in %.2f s\n",
               p->gpus_before > p->gpus_after ? p->gpus_before - p->gpus_after : 0, freed,
               w->step_count, w->count, p->solve_seconds);
    if (w->forced_why)
        text_wrap(out, style, TEXT_BAD, "! ", w->forced_why);
    if (p->fleet->partly_priced)
        text_wrap(out, style, TEXT_WARN, "! ", "some nodes have a price and some have none: those count as free");
    if (p->frontier_count > 1) {
        buf_puts(out, "\nmoves at more GPUs:");
        for (size_t i = 0; i < p->frontier_count; i++)
            buf_printf(out, "  %" PRId64 " GPUs %" PRId64 " moves%s", p->frontier[i].gpus, p->frontier[i].moves,
                       p->frontier[i].proven ? "" : " (not proven)");
        buf_putc(out, '\n');
    }
}

static void put_steps(const struct plan *p, const struct waves *w, const struct text_style *style,
                      bool all, struct buf *out)
{
    cleanup_table struct table *t = table_new();
    size_t shown = 0;

    if (w->step_count == 0)
        return;
    table_column(t, "wave", TABLE_RIGHT);
    table_column(t, "node/GPU", TABLE_SHRINK);
    table_column(t, "becomes", TABLE_SHRINK);
    table_column(t, "because", TABLE_WRAP);
    for (; shown < w->step_count && (all || shown < STEPS_SHOWN); shown++) {
        const struct step *s = &w->steps[shown];
        const struct fleet_node *n = &p->fleet->nodes[fleet_node_of(p->fleet, (size_t)s->gpu)];
        struct buf text = {.max = BUF_MAX_OUTPUT};
        table_cellf(t, "%d", s->wave);
        table_cellf(t, "%s/%d", n->name, (int)((size_t)s->gpu - n->first));
        explain_after(p, (size_t)s->gpu, &text);
        table_cell(t, buf_str(&text));
        buf_clear(&text);
        explain_step(p, w, s, &text);
        table_cell(t, buf_str(&text));
        buf_done(&text);
    }
    buf_putc(out, '\n');
    table_print(t, style, out);
    if (shown < w->step_count)
        buf_printf(out, "... and %zu more steps (-v, or -o json, has them all)\n", w->step_count - shown);
}

void plan_table(const struct plan *p, const struct options *o, const struct text_style *style,
                bool all, struct buf *out)
{
    cleanup_waves struct waves w = {.count = 0};

    if (!p->feasible) {
        text_wrap(out, style, TEXT_BAD, "", p->known ? "No plan: these rules cannot be kept together:" : "No plan was found in the time given.");
        if (p->conflict)
            text_wrap(out, style, TEXT_PLAIN, "  ", p->conflict);
        if (p->conflict_why)
            text_wrap(out, style, TEXT_PLAIN, "  ", p->conflict_why);
        put_refused(p, o, style, all, out);
        return;
    }
    waves_make(p, &w);
    put_summary(p, &w, style, out);
    put_steps(p, &w, style, all, out);
    put_refused(p, o, style, all, out);
}
