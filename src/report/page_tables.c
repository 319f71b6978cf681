/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a comparison's page. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"

static void cell(struct buf *out, const char *text)
{
    html_element(out, "td", NULL, text);
}

static void head_cell(struct page *p, const char *name)
{
    bool best = p->c->has_verdict && p->c->verdict.production && strcmp(name, p->c->verdict.production) == 0;

    html_element(p->out, "th", best ? "row best" : "row", name);
}

/* ---- results ---- */

static double busiest(const struct load_result *l)
{
    double most = NAN;

    for (size_t g = 0; g < l->gpu_count; g++)
        if (!(l->gpus[g].busy <= most))
            most = l->gpus[g].busy;
    return most;
}

/* First column after the name that a withheld load spans with its reason. */
static void withheld(struct buf *out, const struct load_result *l, int columns)
{
    buf_printf(out, "<td class=\"l\" colspan=\"%d\"><b class=\"bad\">INVALID</b> ", columns);
    for (size_t i = 0, said = 0; i < l->audit_count; i++)
        if (!l->audit[i].ok)
            html_textf(out, "%s%s (%s)", said++ ? "; " : "", l->audit[i].check, l->audit[i].text ? l->audit[i].text : "");
    buf_puts(out, "</td>\n");
}

static void result_row(struct page *p, const struct configuration_result *k, const struct load_result *l)
{
    enum stage stage = chart_stage(p->c, l->name);
    const struct stage_stats *v = &l->stages[stage];
    bool slow = stage == STAGE_VOICE_TO_VOICE && v->p95_ms > p->c->objective_ms;
    struct buf *out = p->out;
    char t[HTML_NUMBER];

    buf_puts(out, "<tr>");
    head_cell(p, k->name);
    html_elementf(out, "td", NULL, "%zu", k->gpus);
    if (!l->valid) {
        withheld(out, l, 6);
    } else {
        cell(out, html_number(t, l->throughput.mean, 3));
        buf_puts(out, "<td><b>");
        html_text(out, html_number(t, l->throughput_per_gpu.mean, 3));
        buf_puts(out, "</b> <span class=\"range\">");
        html_text(out, html_interval(t, l->throughput_per_gpu, 3));
        buf_puts(out, "</span></td>\n");
        cell(out, html_number(t, l->cost_per_1000_turns, 2));
        cell(out, html_ms(t, v->p50_ms));
        html_element(out, "td", slow ? "bad" : NULL, html_ms(t, v->p95_ms));
        cell(out, html_percent(t, l->success_rate, 2));
    }
    cell(out, html_percent(t, busiest(l), 0));
    buf_puts(out, "<td class=\"l wide\">");
    html_text(out, l->limit.resource);
    if (l->limit.resource && isfinite(l->limit.use))
        html_textf(out, ", %.0f %%%s", 100 * fmin(l->limit.use, 1e6), l->limit.saturated ? ", saturated" : "");
    if (l->valid && l->objectives_text && !l->objectives_met) {
        buf_puts(out, "<br><abbr class=\"bad\" title=\"");
        html_text(out, l->objectives_text);
        buf_puts(out, "\">objectives missed</abbr>");
    }
    buf_puts(out, "</td></tr>\n");
}

static void request_rows(struct page *p, const struct configuration_result *k, const struct load_result *l)
{
    struct buf *out = p->out;
    char t[HTML_NUMBER];

    for (size_t i = 0; i < l->request_count; i++) {
        const struct request_result *r = &l->requests[i];
        buf_puts(out, i ? "<tr>" : "<tr class=\"first\">");
        head_cell(p, i ? "" : k->name);
        html_elementf(out, "td", "l", "%s (%s)", r->workload, r->kind);
        cell(out, html_number(t, l->valid ? r->rate.mean : NAN, 3));
        cell(out, html_number(t, l->valid ? r->tokens_per_s : NAN, 0));
        cell(out, html_number(t, l->valid ? r->rtfx : NAN, 1));
        cell(out, html_ms(t, l->valid ? r->first.p50_ms : NAN));
        cell(out, html_ms(t, l->valid ? r->first.p95_ms : NAN));
        cell(out, html_ms(t, l->valid ? r->cadence.mean_ms : NAN));
        cell(out, html_ms(t, l->valid ? r->total.p95_ms : NAN));
        html_elementf(out, "td", NULL, "%" PRIu64 " of %" PRIu64, r->failed, r->started);
        buf_puts(out, "</tr>\n");
    }
}

static void requests_table(struct page *p, const char *load)
{
    static const char *const titles[] = {"<Configuration", "<Stream", "Requests/s", "Tokens/s", "RTFX", "First p50", "First p95",
                                         "Cadence mean", "Total p95", "Failed", NULL};
    bool any = false;

    for (size_t i = 0; i < p->c->count; i++) {
        const struct load_result *l = chart_load(&p->c->configurations[i], load);
        if (!l || l->request_count == 0)
            continue;
        if (!any)
            html_table_begin(p->out, "request streams", titles);
        any = true;
        request_rows(p, &p->c->configurations[i], l);
    }
    if (any)
        html_table_end(p->out);
}

static void result_table_begin(struct page *p, const char *load, bool turns)
{
    cleanup_buf struct buf wait;
    const char *titles[] = {"<Configuration", "GPUs", turns ? "Turns/s" : "Requests/s", "Per GPU, 95 % interval", "$ per 1,000", NULL,
                            "p95", "Success", "Busiest GPU", "<Limited by", NULL};

    buf_init(&wait, 1 << 12);
    buf_printf(&wait, "%s p50", chart_stage_text(chart_stage(p->c, load)));
    titles[5] = buf_str(&wait);
    html_table_begin(p->out, load, titles);
}

void page_results(struct page *p)
{
    for (size_t n = 0; n < p->load_count; n++) {
        const struct load_result *any = page_any(p, p->loads[n]);
        buf_puts(p->out, "<h3>");
        html_text(p->out, p->loads[n]);
        buf_puts(p->out, " <small>");
        page_load_note(any, p->out);
        buf_puts(p->out, "</small></h3>\n");
        result_table_begin(p, p->loads[n], strcmp(chart_unit(any), "turns") == 0);
        for (size_t i = 0; i < p->c->count; i++) {
            const struct load_result *l = chart_load(&p->c->configurations[i], p->loads[n]);
            if (l)
                result_row(p, &p->c->configurations[i], l);
        }
        html_table_end(p->out);
        requests_table(p, p->loads[n]);
    }
}

/* ---- stages and turns in numbers ---- */

static void stage_rows(struct page *p, const struct configuration_result *k, const struct load_result *l)
{
    char t[HTML_NUMBER];
    bool named = false;

    for (int s = 0; s < STAGE_COUNT; s++) {
        const struct stage_stats *v = &l->stages[s];
        if (v->count == 0)
            continue;
        buf_puts(p->out, named ? "<tr>" : "<tr class=\"first\">");
        html_element(p->out, "th", "row", named ? "" : k->name);
        named = true;
        buf_puts(p->out, "<td class=\"l\"><abbr title=\"");
        html_text(p->out, stage_text((enum stage)s));
        buf_puts(p->out, "\">");
        html_text(p->out, stage_key((enum stage)s));
        buf_puts(p->out, "</abbr></td>\n");
        cell(p->out, html_ms(t, v->mean_ms));
        cell(p->out, html_ms(t, v->p50_ms));
        cell(p->out, html_ms(t, v->p95_ms));
        cell(p->out, html_ms(t, v->p99_ms));
        html_elementf(p->out, "td", NULL, "%" PRIu64, v->count);
        buf_puts(p->out, "</tr>\n");
    }
}

void page_stages(struct page *p)
{
    static const char *const titles[] = {"<Configuration", "<Stage", "Mean", "p50", "p95", "p99", "Samples", NULL};

    for (size_t n = 0; n < p->load_count; n++) {
        cleanup_buf struct buf title;
        buf_init(&title, 1 << 16);
        buf_printf(&title, "All stages on %s, in numbers", p->loads[n]);
        page_fold(p, buf_str(&title), false);
        html_table_begin(p->out, buf_str(&title), titles);
        for (size_t i = 0; i < p->c->count; i++) {
            const struct load_result *l = chart_load(&p->c->configurations[i], p->loads[n]);
            if (l && l->valid)
                stage_rows(p, &p->c->configurations[i], l);
        }
        html_table_end(p->out);
        page_fold_end(p);
    }
}

void page_turn_numbers(struct page *p)
{
    static const char *const titles[] = {"<Configuration", "<Load", "<Turn", "Total", "<Of it", NULL};
    char t[HTML_NUMBER];

    page_fold(p, "These turns in numbers", false);
    html_table_begin(p->out, "turns in numbers", titles);
    for (size_t i = 0; i < p->c->count; i++)
        for (size_t n = 0; n < p->c->configurations[i].load_count; n++) {
            const struct load_result *l = &p->c->configurations[i].loads[n];
            for (size_t w = 0; l->valid && w < l->waterfall_count; w++) {
                buf_puts(p->out, "<tr>");
                head_cell(p, p->c->configurations[i].name);
                html_element(p->out, "td", "l", l->name);
                html_element(p->out, "td", "l", l->waterfalls[w].name);
                cell(p->out, html_ms(t, l->waterfalls[w].total_ms));
                buf_puts(p->out, "<td class=\"l wide\">");
                for (size_t k = 0; k < l->waterfalls[w].count; k++)
                    html_textf(p->out, "%s%s %s", k ? ", " : "", l->waterfalls[w].parts[k].stage,
                               html_ms(t, l->waterfalls[w].parts[k].ms));
                buf_puts(p->out, "</td></tr>\n");
            }
        }
    html_table_end(p->out);
    page_fold_end(p);
}

/* ---- headroom, cost ---- */

void page_headroom_table(struct page *p)
{
    static const char *const titles[] = {"<Configuration", "GPUs", "Users at most", "Users per GPU", "$ per user-hour", "<Then limited by", NULL};
    char t[HTML_NUMBER];

    html_table_begin(p->out, "headroom", titles);
    for (size_t i = 0; i < p->c->count; i++) {
        const struct configuration_result *k = &p->c->configurations[i];
        double users = k->headroom_users ? (double)k->headroom_users : (double)NAN;
        buf_puts(p->out, "<tr>");
        head_cell(p, k->name);
        html_elementf(p->out, "td", NULL, "%zu", k->gpus);
        html_elementf(p->out, "td", "strong", "%s%s", k->headroom_users && !k->headroom_bounded ? "at least " : "",
                      k->headroom_users || !k->curve_count ? html_number(t, users, 0) : "none");
        cell(p->out, html_number(t, users / (double)k->gpus, 1));
        cell(p->out, html_number(t, k->price_per_hour / users, 3));
        html_element(p->out, "td", "l wide", k->headroom_limit);
        buf_puts(p->out, "</tr>\n");
    }
    html_table_end(p->out);
}

void page_cost_table(struct page *p)
{
    const char *titles[CHART_LOADS + 4] = {"<Configuration", "GPUs", "$ per hour"};
    char t[HTML_NUMBER];

    for (size_t n = 0; n < p->load_count; n++)
        titles[3 + n] = p->loads[n];
    html_table_begin(p->out, "cost", titles);
    for (size_t i = 0; i < p->c->count; i++) {
        const struct configuration_result *k = &p->c->configurations[i];
        buf_puts(p->out, "<tr>");
        head_cell(p, k->name);
        html_elementf(p->out, "td", NULL, "%zu", k->gpus);
        cell(p->out, html_number(t, k->price_per_hour, 2));
        for (size_t n = 0; n < p->load_count; n++) {
            const struct load_result *l = chart_load(k, p->loads[n]);
            if (l && !l->valid)
                html_element(p->out, "td", "bad", "INVALID");
            else
                cell(p->out, html_number(t, l ? l->cost_per_1000_turns : NAN, 2));
        }
        buf_puts(p->out, "</tr>\n");
    }
    html_table_end(p->out);
}

/* ---- audits, inputs ---- */

static void audit_rows(struct page *p, const struct configuration_result *k, const struct load_result *l)
{
    char t[HTML_NUMBER];

    for (size_t i = 0; i < l->audit_count; i++) {
        const struct audit_line *a = &l->audit[i];
        buf_puts(p->out, i ? "<tr>" : "<tr class=\"first\">");
        html_element(p->out, "th", "row", i ? "" : k->name);
        html_element(p->out, "td", a->ok ? "l" : "l bad", a->ok ? "ok" : "FAILED");
        html_element(p->out, "td", "l", a->check);
        html_element(p->out, "td", "l wide", a->text);
        cell(p->out, html_number(t, a->value, 4));
        cell(p->out, html_number(t, a->bound, 4));
        buf_puts(p->out, "</tr>\n");
    }
}

void page_audits(struct page *p)
{
    static const char *const titles[] = {"<Configuration", "<Answer", "<Check", "<What it says", "Value", "Bound", NULL};

    for (size_t n = 0; n < p->load_count; n++) {
        cleanup_buf struct buf title;
        size_t lines = 0, failed = 0;
        for (size_t i = 0; i < p->c->count; i++) {
            const struct load_result *l = chart_load(&p->c->configurations[i], p->loads[n]);
            for (size_t k = 0; l && k < l->audit_count; k++, lines++)
                failed += !l->audit[k].ok;
        }
        buf_init(&title, 1 << 16);
        buf_printf(&title, "%s: %zu checks, %zu failed", p->loads[n], lines, failed);
        page_fold(p, buf_str(&title), failed > 0);
        html_table_begin(p->out, buf_str(&title), titles);
        for (size_t i = 0; i < p->c->count; i++) {
            const struct load_result *l = chart_load(&p->c->configurations[i], p->loads[n]);
            if (l)
                audit_rows(p, &p->c->configurations[i], l);
        }
        html_table_end(p->out);
        page_fold_end(p);
    }
}

static void input(struct buf *out, const char *name, const char *value)
{
    html_element(out, "dt", NULL, name);
    html_element(out, "dd", NULL, value);
}

void page_inputs(struct page *p)
{
    const struct comparison *c = p->c;
    double simulated = 0, events = 0;
    char t[HTML_NUMBER];

    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            simulated += c->configurations[i].loads[k].simulated_s;
            events += (double)c->configurations[i].loads[k].events;
        }
    buf_puts(p->out, "<dl>\n");
    input(p->out, "scenario", c->source_path ? c->source_path : c->scenario);
    input(p->out, "GPU", c->gpu_model);
    input(p->out, "clock", c->clock);
    html_element(p->out, "dt", NULL, "seed");
    html_elementf(p->out, "dd", NULL, "%" PRIu64, c->seed);
    html_element(p->out, "dt", NULL, "repetitions");
    html_elementf(p->out, "dd", NULL, "%u", c->repetitions);
    html_element(p->out, "dt", NULL, "measured");
    html_elementf(p->out, "dd", NULL, "%.0f s, %s events", simulated, html_number(t, events, 0));
    input(p->out, "version", "snug " SNUG_VERSION);
    buf_puts(p->out, "</dl>\n");
    if (c->source_text && *c->source_text) {
        page_fold(p, "The scenario as it was read", false);
        buf_puts(p->out, "<pre>");
        html_text(p->out, c->source_text);
        buf_puts(p->out, "</pre>\n");
        page_fold_end(p);
    }
}
