/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/charts.h"
#include "report/table.h"

/* A number in a cell; "-" where it was not measured. */
static void number(struct table *t, int decimals, double v)
{
    if (isnan(v))
        table_cell(t, NULL);
    else
        table_cellf(t, "%.*f", decimals, v);
}

/* Whole percents, but never 100 for what is not all, nor 0 for what is not nothing. */
static void percent(struct table *t, double v)
{
    double p = 100 * v;

    if (isnan(v))
        table_cell(t, NULL);
    else
        table_cellf(t, "%.*f %%", (p > 99 && p < 100) || (p > 0 && p < 1) ? 2 : 0, p);
}

/* "1.263 ±0.004": the half width of the interval, which is symmetric. */
static void interval(struct table *t, struct estimate e)
{
    if (isnan(e.mean))
        table_cell(t, NULL);
    else if (isnan(e.lo))
        table_cellf(t, "%.3f", e.mean);
    else
        table_cellf(t, "%.3f \u00b1%.3f", e.mean, e.hi - e.mean);
}

static double busiest(const struct load_result *l)
{
    double most = NAN;

    for (size_t g = 0; g < l->gpu_count; g++)
        for (size_t i = 0; i < l->gpus[g].count; i++)
            most = l->gpus[g].shares[i].busy <= most ? most : l->gpus[g].shares[i].busy;
    return most;
}

/* The audits that failed, by name: what an INVALID load shows instead of its figures. */
static void failed_audits(struct table *t, const struct load_result *l)
{
    cleanup_buf struct buf names = {.max = 1 << 16};

    for (size_t i = 0; i < l->audit_count; i++)
        if (!l->audit[i].ok)
            buf_printf(&names, "%s%s", names.len ? ", " : "", l->audit[i].check);
    table_cellf(t, "failed %s", names.len ? buf_str(&names) : "its audit");
    table_paint(t, TEXT_BAD);
}

static void row(struct table *t, const struct configuration_result *c, const struct load_result *l,
                bool best)
{
    const struct stage_stats *voice = &l->stages[STAGE_VOICE_TO_VOICE];

    table_cell(t, c->name);
    if (best)
        table_paint(t, TEXT_BOLD);
    table_cellf(t, "%zu", c->gpus);
    if (!l->valid) {
        table_cell(t, "INVALID");
        table_paint(t, TEXT_BAD);
        for (int i = 0; i < 6; i++)
            table_cell(t, NULL);
        failed_audits(t, l);
        return;
    }
    number(t, 2, l->throughput.mean);
    interval(t, l->throughput_per_gpu);
    number(t, 2, l->cost_per_1000_turns);
    number(t, 0, voice->count ? voice->p50_ms : l->stages[STAGE_TURN].p50_ms);
    number(t, 0, voice->count ? voice->p95_ms : l->stages[STAGE_TURN].p95_ms);
    percent(t, l->success_rate);
    percent(t, busiest(l));
    table_cell(t, l->limit.resource);
}

static void load_heading(const struct load_result *l, const struct text_style *style,
                         struct buf *out)
{
    buf_putc(out, '\n');
    text_put(out, style, TEXT_BOLD, l->name);
    if (l->users)
        buf_printf(out, ": %u users", l->users);
    else if (!isnan(l->arrival_rate) && l->arrival_rate > 0)
        buf_printf(out, ": %.3g turns/s", l->arrival_rate);
    buf_puts(out, "\n");
}

/* The result of the first configuration that ran under this load, a valid one if there is one. */
static const struct load_result *example(const struct comparison *c, const char *load)
{
    const struct load_result *found = NULL;

    for (size_t i = 0; i < c->count; i++) {
        const struct load_result *l = chart_load(&c->configurations[i], load);
        if (l && (!found || (!found->valid && l->valid)))
            found = l;
    }
    return found;
}

static void load_table(const struct comparison *c, const char *load, const struct text_style *style,
                       struct buf *out)
{
    const struct load_result *shown = example(c, load);
    bool voice = shown->stages[STAGE_VOICE_TO_VOICE].count > 0;
    cleanup_table struct table *t = table_new();

    table_column(t, "\nconfiguration", TABLE_LEFT | TABLE_SHRINK);
    table_column(t, "\nGPUs", TABLE_RIGHT);
    table_column(t, "\nturns/s", TABLE_RIGHT);
    table_column(t, "turns/s\nper GPU", TABLE_RIGHT);
    table_column(t, "$ per\n1000", TABLE_RIGHT);
    table_column(t, voice ? "voice\np50 ms" : "request\np50 ms", TABLE_RIGHT);
    table_column(t, "\np95 ms", TABLE_RIGHT);
    table_column(t, "\nsuccess", TABLE_RIGHT);
    table_column(t, "GPU\nbusy", TABLE_RIGHT);
    table_column(t, "\nlimited by", TABLE_LEFT | TABLE_WRAP);
    load_heading(shown, style, out);
    for (size_t i = 0; i < c->count; i++) {
        const struct load_result *l = chart_load(&c->configurations[i], load);
        bool best = c->has_verdict && c->verdict.best &&
                    strcmp(c->verdict.best, c->configurations[i].name) == 0;
        if (l)
            row(t, &c->configurations[i], l, best);
    }
    table_print_indented(t, style, 2, out);
}

/* Streams of requests beside the turns; one row a configuration and stream. */
static void requests_table(const struct comparison *c, const char *load,
                           const struct text_style *style, struct buf *out)
{
    cleanup_table struct table *t = table_new();

    table_column(t, "configuration", TABLE_LEFT | TABLE_SHRINK);
    table_column(t, "requests to", TABLE_LEFT | TABLE_SHRINK);
    table_column(t, "per s", TABLE_RIGHT);
    table_column(t, "failed", TABLE_RIGHT);
    table_column(t, "first ms", TABLE_RIGHT);
    table_column(t, "first p95", TABLE_RIGHT);
    table_column(t, "total ms", TABLE_RIGHT);
    table_column(t, "total p95", TABLE_RIGHT);
    for (size_t i = 0; i < c->count; i++) {
        const struct load_result *l = chart_load(&c->configurations[i], load);
        for (size_t k = 0; l && k < l->request_count; k++) {
            const struct request_result *q = &l->requests[k];
            table_cell(t, c->configurations[i].name);
            table_cell(t, q->workload);
            number(t, 2, q->rate.mean);
            table_cellf(t, "%llu", (unsigned long long)q->failed);
            number(t, 1, q->first.count ? q->first.mean_ms : NAN);
            number(t, 1, q->first.count ? q->first.p95_ms : NAN);
            number(t, 1, q->total.mean_ms);
            number(t, 1, q->total.p95_ms);
        }
    }
    if (example(c, load)->request_count) {
        buf_putc(out, '\n');
        table_print_indented(t, style, 2, out);
    }
}

static void headroom_table(const struct comparison *c, const struct text_style *style,
                           struct buf *out)
{
    cleanup_table struct table *t = table_new();
    bool any = false;

    table_column(t, "configuration", TABLE_LEFT | TABLE_SHRINK);
    table_column(t, "GPUs", TABLE_RIGHT);
    table_column(t, "most users", TABLE_RIGHT);
    table_column(t, "per GPU", TABLE_RIGHT);
    table_column(t, "what then limits", TABLE_LEFT | TABLE_WRAP);
    for (size_t i = 0; i < c->count; i++) {
        const struct configuration_result *r = &c->configurations[i];
        if (!r->curve_count)
            continue;
        any = true;
        table_cell(t, r->name);
        table_cellf(t, "%zu", r->gpus);
        table_cellf(t, "%s%u", r->headroom_bounded ? "" : "\u2265 ", r->headroom_users);
        table_cellf(t, "%.1f", (double)r->headroom_users / (double)r->gpus);
        table_cell(t, r->headroom_bounded ? r->headroom_limit : NULL);
    }
    if (!any)
        return;
    buf_putc(out, '\n');
    text_put(out, style, TEXT_BOLD, "headroom");
    buf_puts(out, ": the most users who still meet the objectives\n");
    table_print_indented(t, style, 2, out);
}

static void recommend(const char *configuration, const char *for_what,
                      const struct text_style *style, struct buf *out)
{
    if (!configuration)
        return;
    buf_puts(out, for_what);
    text_put(out, style, TEXT_BOLD, configuration);
    buf_putc(out, '\n');
}

static void verdict(const struct comparison *c, const struct text_style *style, struct buf *out)
{
    const struct verdict *v = &c->verdict;
    cleanup_buf struct buf line = {.max = 1 << 16};

    if (!c->has_verdict)
        return;
    buf_printf(&line, "on %s: ", v->load ? v->load : "this load");
    if (v->best && v->against && !isnan(v->ratio.mean))
        buf_printf(&line, "%s does %.3f times the work per GPU of %s", v->best, v->ratio.mean,
                   v->against);
    else
        buf_puts(&line, v->best ? v->best : "the data cannot tell the best ones apart");
    if (v->best && v->against && !isnan(v->ratio.lo))
        buf_printf(&line, " (95 %%: %.3f to %.3f)", v->ratio.lo, v->ratio.hi);
    buf_putc(out, '\n');
    text_wrap(out, style, TEXT_BOLD, "verdict ", buf_str(&line));
    recommend(v->production, "  production   ", style, out);
    recommend(v->development, "  development  ", style, out);
    for (size_t i = 0; v->why && v->why[i]; i++)
        text_wrap(out, style, TEXT_PLAIN, "  - ", v->why[i]);
}

/* One line when all audits hold; each failing one in full. */
static void audits(const struct comparison *c, const struct text_style *style, struct buf *out)
{
    size_t all = 0, bad = 0;

    buf_putc(out, '\n');
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            const struct load_result *l = &c->configurations[i].loads[k];
            for (size_t n = 0; n < l->audit_count; n++) {
                char where[160];
                all++;
                if (l->audit[n].ok)
                    continue;
                bad++;
                snprintf(where, sizeof where, "INVALID %.60s, %.60s: ", c->configurations[i].name,
                         l->name);
                text_wrap(out, style, TEXT_BAD, where, l->audit[n].text);
            }
        }
    if (!all)
        buf_puts(out, "audits: nothing was measured\n");
    else if (!bad)
        buf_printf(out, "audits: all %zu hold\n", all);
    else
        buf_printf(out, "audits: %zu of %zu failed\n", bad, all);
}

static void objectives(const struct comparison *c, const struct text_style *style, struct buf *out)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            const struct load_result *l = &c->configurations[i].loads[k];
            char where[160];
            if (c->has_verdict && c->verdict.load && strcmp(c->verdict.load, l->name) == 0)
                continue; /* the verdict says it */
            if (!l->valid || l->objectives_met || !l->objectives_text || !*l->objectives_text)
                continue;
            snprintf(where, sizeof where,
                     "objective missed by %.60s, %.60s: ", c->configurations[i].name, l->name);
            text_wrap(out, style, TEXT_WARN, where, l->objectives_text);
        }
}

void comparison_table(const struct comparison *c, const struct text_style *style, struct buf *out)
{
    const char *loads[CHART_LOADS];
    size_t n = chart_loads(c, loads);
    cleanup_buf struct buf line = {.max = 1 << 16};

    buf_puts(&line, c->scenario ? c->scenario : "comparison");
    if (c->gpu_model)
        buf_printf(&line, " on %s", c->gpu_model);
    buf_printf(&line, ", %s time%s, seed %llu, %u repetition%s", c->clock,
               c->emulated ? ", emulated GPUs" : "", (unsigned long long)c->seed, c->repetitions,
               c->repetitions == 1 ? "" : "s");
    text_wrap(out, style, TEXT_BOLD, "", buf_str(&line));
    if (c->interrupted)
        text_wrap(out, style, TEXT_WARN, "",
                  "interrupted: only what was finished by then is shown");
    for (size_t i = 0; i < n; i++) {
        load_table(c, loads[i], style, out);
        requests_table(c, loads[i], style, out);
    }
    headroom_table(c, style, out);
    verdict(c, style, out);
    objectives(c, style, out);
    audits(c, style, out);
}
