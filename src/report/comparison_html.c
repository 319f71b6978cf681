/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison_html.h"

#include <math.h>
#include <string.h>

#include "base/embedded.h"
#include "report/html.h"
#include "report/page.h"
#include "report/text.h"

/* ---- frame ---- */

static const char *embedded(const char *path)
{
    for (const struct embedded_file *f = embedded_files; f->path; f++)
        if (strcmp(f->path, path) == 0)
            return f->data;
    return "";
}

void page_section(struct page *p, const char *id, const char *title, const char *text)
{
    buf_printf(p->out, "<section id=\"%s\">\n", id);
    html_element(p->out, "h2", NULL, title);
    if (text)
        html_element(p->out, "p", "about", text);
}

void page_section_end(struct page *p)
{
    buf_puts(p->out, "</section>\n");
}

void page_panel(struct page *p, const char *title, const char *note)
{
    buf_puts(p->out, "<figure>\n<figcaption><b>");
    html_text(p->out, title);
    buf_puts(p->out, "</b> ");
    html_text(p->out, note);
    buf_puts(p->out, "</figcaption>\n");
}

void page_panel_end(struct page *p)
{
    buf_puts(p->out, "</figure>\n");
}

void page_fold(struct page *p, const char *title, bool open)
{
    buf_printf(p->out, "<details%s>", open ? " open" : "");
    html_element(p->out, "summary", NULL, title);
}

void page_fold_end(struct page *p)
{
    buf_puts(p->out, "</details>\n");
}

const struct load_result *page_any(const struct page *p, const char *load)
{
    for (size_t i = 0; i < p->c->count; i++)
        if (chart_load(&p->c->configurations[i], load))
            return chart_load(&p->c->configurations[i], load);
    return NULL;
}

void page_load_note(const struct load_result *l, struct buf *out)
{
    char t[HTML_NUMBER];

    if (l->users)
        html_textf(out, "%u user%s", l->users, l->users == 1 ? "" : "s");
    else if (l->arrival_rate > 0)
        html_textf(out, "%s %s/s arriving", html_number(t, l->arrival_rate, 2), chart_unit(l));
    else
        html_text(out, "open arrivals");
}

static void load_panel(struct page *p, const char *load)
{
    buf_puts(p->out, "<figure>\n<figcaption><b>");
    html_text(p->out, load);
    buf_puts(p->out, "</b> ");
    page_load_note(page_any(p, load), p->out);
    buf_puts(p->out, "</figcaption>\n");
}

void page_key(struct page *p)
{
    char ink[CHART_NAME];

    buf_puts(p->out, "<ul class=\"key\">\n");
    for (size_t i = 0; i < p->c->count; i++) {
        buf_printf(p->out, "<li><svg viewBox=\"0 0 26 8\" aria-hidden=\"true\"><path class=\"line %s\" d=\"M0 4H26\"/></svg>",
                   chart_ink(p->c, i, ink));
        html_text(p->out, p->c->configurations[i].name);
        buf_puts(p->out, "</li>\n");
    }
    buf_puts(p->out, "</ul>\n");
}

/* ---- the head: what, and what follows from it ---- */

static void put_verdict_sentence(struct page *p, const struct verdict *v)
{
    const struct load_result *any = page_any(p, v->load);
    char ratio[HTML_NUMBER], range[HTML_NUMBER];
    struct buf *out = p->out;

    buf_puts(out, "<p class=\"sentence\">");
    if (!v->best)
        html_textf(out, "On %s the data cannot tell the best configuration from %s.", v->load, v->against ? v->against : "the others");
    else if (!v->against)
        html_textf(out, "On %s only %s was measured.", v->load, v->best);
    else if (!v->distinguishable)
        html_textf(out, "On %s the data cannot tell %s and %s apart.", v->load, v->best, v->against);
    else
        html_textf(out, "On %s, %s serves %s times as many %s per GPU as %s.", v->load, v->best,
                   html_number(ratio, v->ratio.mean, 2), any ? chart_unit(any) : "turns", v->against);
    if (isfinite(v->ratio.lo) && v->ratio.lo == v->ratio.hi)
        buf_puts(out, " <span>The same in every repetition.</span>");
    else if (isfinite(v->ratio.lo) && isfinite(v->ratio.hi)) {
        buf_puts(out, " <span>Ratio ");
        html_textf(out, "%s, 95 %% interval %s, paired over %u repetitions.", html_number(ratio, v->ratio.mean, 3),
                   html_interval(range, v->ratio, 3), p->c->repetitions);
        buf_puts(out, "</span>");
    }
    buf_puts(out, "</p>\n");
}

/* What the recommendation brings over the first configuration, the one that a reader starts from. */
static void put_gain(struct page *p, const struct verdict *v)
{
    const struct configuration_result *from = &p->c->configurations[0], *to = NULL;
    const struct load_result *a, *b;
    char gain[HTML_NUMBER], range[HTML_NUMBER];
    struct estimate e;

    for (size_t i = 1; v->production && i < p->c->count; i++)
        if (strcmp(p->c->configurations[i].name, v->production) == 0)
            to = &p->c->configurations[i];
    if (!to || !(a = chart_load(to, v->load)) || !(b = chart_load(from, v->load)) || !a->valid || !b->valid)
        return;
    if (v->best && v->against && strcmp(v->best, v->production) == 0 && strcmp(v->against, from->name) == 0)
        return; /* the verdict says it */
    if (!a->samples || !b->samples || a->sample_count != b->sample_count || a->sample_count == 0 || !to->gpus)
        return;
    e = stats_paired_ratio(a->samples, b->samples, a->sample_count, 0.95);
    e.mean *= (double)from->gpus / (double)to->gpus;
    e.lo *= (double)from->gpus / (double)to->gpus;
    e.hi *= (double)from->gpus / (double)to->gpus;
    if (!isfinite(e.mean))
        return;
    buf_puts(p->out, "<p class=\"gain\">");
    html_textf(p->out, "On %s, %s serves %s times as many %s per GPU as %s", v->load, to->name, html_number(gain, e.mean, 2),
               chart_unit(a), from->name);
    if (isfinite(e.lo) && isfinite(e.hi))
        html_textf(p->out, " (95 %% interval %s)", html_interval(range, e, 3));
    if (to->gpus != from->gpus)
        html_textf(p->out, ", on %zu GPU%s instead of %zu", to->gpus, to->gpus == 1 ? "" : "s", from->gpus);
    buf_puts(p->out, ".</p>\n");
}

static void put_verdict(struct page *p)
{
    const struct verdict *v = &p->c->verdict;

    buf_puts(p->out, "<section id=\"verdict\" aria-label=\"Verdict\">\n");
    put_verdict_sentence(p, v);
    put_gain(p, v);
    buf_puts(p->out, "<dl class=\"choice\"><div><dt>For production</dt>\n");
    html_element(p->out, "dd", NULL, v->production ? v->production : "no recommendation");
    buf_puts(p->out, "</div><div><dt>For development</dt>\n");
    html_element(p->out, "dd", NULL, v->development ? v->development : "no recommendation");
    buf_puts(p->out, "</div></dl>\n");
    if (v->why && v->why[0]) {
        buf_puts(p->out, "<ul class=\"why\">\n");
        for (size_t i = 0; v->why[i]; i++)
            html_element(p->out, "li", NULL, v->why[i]);
        buf_puts(p->out, "</ul>\n");
    }
    page_section_end(p);
}

static void put_title(struct page *p)
{
    const struct comparison *c = p->c;
    struct buf *out = p->out;

    buf_puts(out, "<header>\n<h1>");
    html_text(out, c->scenario);
    buf_puts(out, "</h1>\n<p>");
    html_textf(out, "%zu configuration%s of %s, %s", c->count, c->count == 1 ? "" : "s", c->gpu_model ? c->gpu_model : "unknown GPUs",
               c->clock && strcmp(c->clock, "real") == 0 ? "real time" : "virtual time");
    buf_puts(out, c->emulated ? ", emulated GPUs: no GPU ran for these figures." : ".");
    buf_puts(out, "</p>\n");
    if (c->interrupted)
        html_element(out, "p", "bad", "Interrupted: only what was finished until then is here.");
    buf_puts(out, "</header>\n");
}

static void put_head(struct page *p)
{
    struct buf *out = p->out;

    buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_textf(out, "%s: GPU configurations compared", p->c->scenario ? p->c->scenario : "snug");
    buf_puts(out, "</title>\n<style>\n");
    buf_puts(out, embedded("report/style.css"));
    buf_puts(out, "</style>\n</head>\n<body>\n<main>\n");
    chart_patterns(out);
}

/* ---- charts by section ---- */

static struct estimate per_gpu(const struct load_result *l)
{
    return l->throughput_per_gpu;
}

static struct estimate cost(const struct load_result *l)
{
    return (struct estimate){l->cost_per_1000_turns, NAN, NAN};
}

static void put_throughput(struct page *p)
{
    const struct verdict *v = p->c->has_verdict ? &p->c->verdict : NULL;

    page_section(p, "throughput", "Throughput per GPU",
                 v && v->production
                     ? "What one GPU of each configuration serves, with 95 % intervals over repetitions. More is better. In colour: "
                       "recommended for production."
                     : "What one GPU of each configuration serves, with 95 % intervals over repetitions. More is better.");
    buf_puts(p->out, "<div class=\"grid big\">\n");
    for (size_t i = 0; i < p->load_count; i++) {
        load_panel(p, p->loads[i]);
        chart_bars(p->out, p->c, p->loads[i],
                   strcmp(chart_unit(page_any(p, p->loads[i])), "turns") == 0 ? "turns/s per GPU" : "requests/s per GPU", 3,
                   v ? v->production : NULL, per_gpu);
        page_panel_end(p);
    }
    buf_puts(p->out, "</div>\n");
    page_section_end(p);
}

static void put_waterfalls(struct page *p)
{
    static const char *const steps[] = {"endpointing", "ASR", "gateway", "LLM first token", "first sentence", "TTS", "playback buffer",
                                        "unexplained"};

    if (!chart_has_turns(p->c))
        return;
    page_section(p, "turns", "Where a turn's time goes",
                 "From the user's last word to the first audible reply: above the median turn, below it the p95 turn. "
                 "The dashed line is the objective.");
    buf_puts(p->out, "<ul class=\"key\">\n");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        buf_printf(p->out, "<li><svg viewBox=\"0 0 12 12\" class=\"box\" aria-hidden=\"true\"><rect width=\"12\" height=\"12\" class=\"%s\"/></svg>%s</li>\n",
                   chart_step(steps[i]), steps[i]);
    buf_puts(p->out, "</ul>\n<div class=\"grid big\">\n");
    for (size_t i = 0; i < p->load_count; i++) {
        load_panel(p, p->loads[i]);
        chart_waterfalls(p->out, p->c, p->loads[i]);
        page_panel_end(p);
    }
    buf_puts(p->out, "</div>\n");
    page_turn_numbers(p);
    page_section_end(p);
}

static void put_latency(struct page *p)
{
    page_section(p, "latency", "Latency",
                 "The wait by percentile; the axis widens towards the slow tail, and a curve ends where too few "
                 "samples lie beyond it to tell.");
    page_key(p);
    buf_puts(p->out, "<div class=\"grid big\">\n");
    for (size_t i = 0; i < p->load_count; i++) {
        load_panel(p, p->loads[i]);
        chart_latency(p->out, p->c, p->loads[i]);
        page_panel_end(p);
    }
    buf_puts(p->out, "</div>\n");
    page_stages(p);
    page_section_end(p);
}

static void put_headroom(struct page *p)
{
    size_t points = 0;

    for (size_t i = 0; i < p->c->count; i++)
        points += p->c->configurations[i].curve_count;
    if (points == 0)
        return;
    page_section(p, "headroom", "Headroom",
                 "How many users each configuration carries before its objectives are missed. Filled points met them, "
                 "hollow ones did not; a curve leaves the chart at twice the objective.");
    page_key(p);
    buf_puts(p->out, "<div class=\"grid side\">\n<figure>\n");
    chart_headroom(p->out, p->c);
    page_panel_end(p);
    page_headroom_table(p);
    buf_puts(p->out, "</div>\n");
    page_section_end(p);
}

typedef void panel_fn(struct buf *out, const struct comparison *c, const struct configuration_result *k,
                      const struct load_result *l);

static void put_configurations(struct page *p, const char *load, panel_fn *draw)
{
    buf_puts(p->out, "<div class=\"grid\">\n");
    for (size_t i = 0; i < p->c->count; i++) {
        const struct configuration_result *k = &p->c->configurations[i];
        const struct load_result *l = chart_load(k, load);
        if (!l)
            continue;
        page_panel(p, k->name, l->valid ? "" : "INVALID");
        draw(p->out, p->c, k, l);
        page_panel_end(p);
    }
    buf_puts(p->out, "</div>\n");
}

static void put_timelines(struct page *p)
{
    page_section(p, "timelines", "Who ran when",
                 "Each model's share of its GPU's time, one repetition, full height is 100 %.");
    for (size_t i = 0; i < p->load_count; i++) {
        bool focus = p->loads[i] == p->focus;
        if (focus)
            html_elementf(p->out, "h3", NULL, "%s", p->loads[i]);
        else
            page_fold(p, p->loads[i], false);
        put_configurations(p, p->loads[i], chart_timeline);
        if (!focus)
            page_fold_end(p);
    }
    page_section_end(p);
}

static void put_gpus(struct page *p)
{
    cleanup_buf struct buf text;

    if (!p->focus)
        return;
    buf_init(&text, 1 << 16);
    buf_printf(&text,
               "Memory to scale from left to right. Solid: one model alone. Outlined: a MIG instance. Stripes: time-slicing. "
               "Dots: MPS. Dashed: free. Busy and memory as measured on %s.", p->focus);
    page_section(p, "gpus", "The GPUs", buf_str(&text));
    put_configurations(p, p->focus, chart_gpus);
    page_section_end(p);
}

static void put_cost(struct page *p)
{
    bool priced = false;

    for (size_t i = 0; i < p->c->count; i++)
        priced = priced || isfinite(p->c->configurations[i].price_per_hour);
    if (!priced)
        return;
    page_section(p, "cost", "Cost", "What 1,000 completed turns or requests cost at the GPU price of the scenario. Less is better.");
    buf_puts(p->out, "<div class=\"grid big\">\n");
    for (size_t i = 0; i < p->load_count; i++) {
        load_panel(p, p->loads[i]);
        chart_bars(p->out, p->c, p->loads[i],
                   strcmp(chart_unit(page_any(p, p->loads[i])), "turns") == 0 ? "$ per 1,000 turns" : "$ per 1,000 requests", 2,
                   p->c->has_verdict ? p->c->verdict.production : NULL, cost);
        page_panel_end(p);
    }
    buf_puts(p->out, "</div>\n");
    page_cost_table(p);
    page_section_end(p);
}

static void put_results(struct page *p)
{
    page_section(p, "results", "Results",
                 "An en dash stands for what was not measured, and for percentiles that too few turns lie behind.");
    page_results(p);
    page_section_end(p);
}

static void put_ground(struct page *p)
{
    page_section(p, "audits", "Audits",
                 "Checks that every result must pass before its numbers may be believed; one that fails makes the load INVALID.");
    page_audits(p);
    page_section_end(p);
    page_section(p, "inputs", "Inputs", NULL);
    page_inputs(p);
    page_section_end(p);
}

static const char *focus_of(const struct page *p)
{
    for (size_t i = 0; i < p->load_count; i++)
        if (p->c->has_verdict && p->c->verdict.load && strcmp(p->loads[i], p->c->verdict.load) == 0)
            return p->loads[i];
    return p->load_count ? p->loads[p->load_count - 1] : NULL;
}

void comparison_html(const struct comparison *c, struct buf *out)
{
    struct page p = {.c = c, .out = out};

    p.load_count = chart_loads(c, p.loads);
    p.focus = focus_of(&p);
    put_head(&p);
    put_title(&p);
    if (c->has_verdict && c->verdict.load)
        put_verdict(&p);
    if (p.load_count) {
        put_throughput(&p);
        put_results(&p);
        put_waterfalls(&p);
        put_latency(&p);
        put_headroom(&p);
        put_gpus(&p);
        put_timelines(&p);
        put_cost(&p);
    } else {
        html_element(out, "p", "none", "Nothing was measured.");
    }
    put_ground(&p);
    buf_puts(out, "</main>\n<script>\n");
    buf_puts(out, embedded("report/script.js"));
    buf_puts(out, "</script>\n</body>\n</html>\n");
}
