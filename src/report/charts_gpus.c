/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration's GPUs: drawn to scale, and busy over time. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/charts.h"
#include "report/html.h"
#include "report/text.h"

void chart_patterns(struct buf *out)
{
    buf_puts(out,
             "<svg width=\"0\" height=\"0\" class=\"defs\" aria-hidden=\"true\"><defs>\n"
             "<pattern id=\"hatch-time\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" "
             "patternTransform=\"rotate(45)\"><rect width=\"3\" height=\"8\" class=\"hatch\"/></pattern>\n"
             "<pattern id=\"hatch-mps\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\">"
             "<circle cx=\"2\" cy=\"2\" r=\"1.3\" class=\"hatch\"/></pattern>\n</defs></svg>\n");
}

/* ---- to scale ---- */

enum { BAR_HEIGHT = 38, ROW = 19, METER = 48, METER_BUSY = 176, METER_MEMORY = 270 };

static void join_workloads(struct buf *out, const char *const *workloads)
{
    if (!workloads || !*workloads)
        buf_puts(out, "idle");
    for (size_t i = 0; workloads && workloads[i]; i++)
        buf_printf(out, "%s%s", i ? " + " : "", workloads[i]);
}

static const char *share_class(const struct gpu_share_result *h)
{
    bool idle = !h->workloads || !*h->workloads;

    return idle ? "share-idle" : strcmp(h->mode, "mig") == 0 ? "share-mig" : "share";
}

/* Tenants of one share: a layer each, since all of them reach over its whole memory. */
static void draw_tenants(struct svg *s, const struct comparison *c, double x, double y, double w,
                         const char *const *workloads)
{
    char ink[CHART_NAME], class[CHART_NAME + 16];
    size_t n = 0;

    while (workloads && workloads[n])
        n++;
    for (size_t i = 0; i < n; i++) {
        double h = (double)BAR_HEIGHT / (double)n;
        snprintf(class, sizeof class, "layer %s", chart_workload(c, workloads[i], ink));
        svg_rect(s, x, y + h * (double)i, w, h, class, NULL);
    }
}

static void draw_share(struct svg *s, const struct comparison *c, double x, double y, double w,
                       const struct gpu_share_result *h)
{
    cleanup_buf struct buf who, tip;
    char ink[CHART_NAME], class[CHART_NAME + 16], busy[HTML_NUMBER];
    const char *pattern = strcmp(h->mode, "time-slicing") == 0 ? "time" : strcmp(h->mode, "mps") == 0 ? "mps" : NULL;
    size_t columns = (size_t)fmax(0, w / 7.5);

    buf_init(&who, 1 << 16);
    buf_init(&tip, 1 << 16);
    join_workloads(&who, h->workloads);
    buf_printf(&tip, "%s (%s): %s, busy %s", h->name, h->mode, buf_str(&who), html_percent(busy, h->busy, 0));
    snprintf(class, sizeof class, "%s %s", share_class(h),
             h->workloads && *h->workloads ? chart_workload(c, h->workloads[0], ink) : "");
    svg_attr(s, "rx", "3");
    svg_rect(s, x + 1, y, w - 2, BAR_HEIGHT, class, buf_str(&tip));
    if (pattern)
        draw_tenants(s, c, x + 1, y, w - 2, h->workloads);
    if (pattern) {
        snprintf(class, sizeof class, "url(#hatch-%s)", pattern);
        svg_attr(s, "fill", class);
        svg_rect(s, x + 1, y, w - 2, BAR_HEIGHT, "over", buf_str(&tip));
    }
    if (columns >= 3)
        chart_label(s, x + w / 2, y + (w >= 80 ? 17 : 23), "middle on", buf_str(&who), columns);
    if (w >= 80)
        chart_label(s, x + w / 2, y + 31, "middle on small", h->name, columns);
}

static void draw_free(struct svg *s, double x, double y, double w, int slices)
{
    char tip[64];

    snprintf(tip, sizeof tip, "%d free memory slice%s", slices, slices == 1 ? "" : "s");
    svg_attr(s, "rx", "3");
    svg_rect(s, x + 1.5, y + 0.5, w - 3, BAR_HEIGHT - 1, "share-free", tip);
}

/* Instances where they stand; what lies between them is free. A whole GPU is one bar. */
static void draw_gpu_bar(struct svg *s, const struct comparison *c, double y, const struct gpu_result *g)
{
    double slice = (double)CHART_WIDTH / (g->grid > 0 ? g->grid : 1);
    int at = 0;

    for (size_t i = 0; i < g->count; i++) {
        const struct gpu_share_result *h = &g->shares[i];
        bool whole = strcmp(h->mode, "mig") != 0 && !h->profile;
        int start = whole ? 0 : h->start, slices = whole || h->slices <= 0 ? (g->grid > 0 ? g->grid : 1) : h->slices;
        if (start > at)
            draw_free(s, at * slice, y, (start - at) * slice, start - at);
        draw_share(s, c, start * slice, y, fmin(slices, 64) * slice, h);
        at = start + slices > at ? start + slices : at;
    }
    if (at < g->grid)
        draw_free(s, at * slice, y, (g->grid - at) * slice, g->grid - at);
}

static void draw_meter(struct svg *s, double x, double y, double part, const char *class, const char *text)
{
    svg_rect(s, x, y - 8, METER, 7, "meter", NULL);
    if (isfinite(part))
        svg_rect(s, x, y - 8, METER * fmin(1, fmax(0, part)), 7, class, NULL);
    svg_text(s, x + METER + 6, y, "small num", text);
}

static void draw_share_row(struct svg *s, const struct comparison *c, double y, const struct gpu_share_result *h)
{
    char busy[HTML_NUMBER], used[HTML_NUMBER], limit[HTML_NUMBER], memory[2 * HTML_NUMBER], ink[CHART_NAME];
    cleanup_buf struct buf who;
    char class[CHART_NAME + 8] = "w-none";

    buf_init(&who, 1 << 16);
    buf_printf(&who, "%s: ", h->name);
    join_workloads(&who, h->workloads);
    if (h->workloads && *h->workloads && !h->workloads[1])
        snprintf(class, sizeof class, "%s", chart_workload(c, h->workloads[0], ink));
    chart_label(s, 0, y, "small", buf_str(&who), 26);
    draw_meter(s, METER_BUSY, y, h->busy, class, html_percent(busy, h->busy, 0));
    snprintf(memory, sizeof memory, "%s of %s", html_number(used, h->memory_gib, 1),
             html_number(limit, h->memory_limit_gib, 1));
    draw_meter(s, METER_MEMORY, y, h->memory_gib / h->memory_limit_gib, class, memory);
}

void chart_gpus(struct buf *out, const struct comparison *c, const struct configuration_result *k,
                const struct load_result *l)
{
    double height = 0, y = 0;
    struct svg s;
    char label[160];

    for (size_t g = 0; g < l->gpu_count; g++)
        height += 18 + BAR_HEIGHT + 6 + ROW * (double)l->gpus[g].count + 12;
    if (l->gpu_count == 0) {
        html_element(out, "p", "none", "Nothing is known of its GPUs.");
        return;
    }
    snprintf(label, sizeof label, "the GPUs of %.80s, memory to scale", k->name);
    svg_begin(&s, out, CHART_WIDTH, height, label, NULL);
    for (size_t g = 0; g < l->gpu_count; g++) {
        const struct gpu_result *gpu = &l->gpus[g];
        char busy[HTML_NUMBER];
        svg_textf(&s, 0, y + 13, "small strong", "GPU %zu", g);
        if (g == 0) {
            svg_text(&s, METER_BUSY, y + 13, "dim small", "busy");
            svg_text(&s, METER_MEMORY, y + 13, "dim small", "memory, GiB");
        }
        svg_textf(&s, 44, y + 13, "dim small", "busy %s", html_percent(busy, gpu->busy, 0));
        draw_gpu_bar(&s, c, y + 18, gpu);
        y += 18 + BAR_HEIGHT + 6;
        for (size_t i = 0; i < gpu->count; i++, y += ROW)
            draw_share_row(&s, c, y + 12, &gpu->shares[i]);
        y += 12;
    }
    svg_end(&s);
}

/* ---- over time ---- */

enum { TRACK = 46, TRACK_BAR = 28, TRACK_LEFT = 0 };

static double mean_busy(const struct timeline *t, const struct timeline_track *track)
{
    double sum = 0;

    for (size_t i = 0; i < t->samples; i++)
        sum += (double)track->busy[i];
    return t->samples ? sum / (double)t->samples : NAN;
}

static void draw_track(struct svg *s, const struct comparison *c, double y, const struct timeline *t,
                       const struct timeline_track *track)
{
    struct scale x = {.max = (double)t->samples, .from = TRACK_LEFT, .to = CHART_WIDTH};
    struct scale up = {.max = 1, .from = y + 16 + TRACK_BAR, .to = y + 16};
    char ink[CHART_NAME], class[CHART_NAME + 8], busy[HTML_NUMBER], tip[200];

    html_percent(busy, mean_busy(t, track), 0);
    snprintf(tip, sizeof tip, "%.60s on GPU %zu (%.40s): busy %s on average", track->workload, track->gpu, track->share, busy);
    snprintf(class, sizeof class, "area %s", chart_workload(c, track->workload, ink));
    chart_label(s, 0, y + 11, "small strong", track->workload, 24);
    svg_textf(s, CHART_WIDTH, y + 11, "small num end", "%s", busy);
    svg_textf(s, CHART_WIDTH - 44, y + 11, "dim small end", "GPU %zu, %.24s", track->gpu, track->share);
    svg_rect(s, TRACK_LEFT, up.to, CHART_WIDTH - TRACK_LEFT, TRACK_BAR, "track", NULL);
    svg_path(s, class, tip);
    svg_move(s, x.from, up.from);
    for (size_t i = 0; i < t->samples; i++) {
        svg_down(s, scale_at(&up, (double)track->busy[i]));
        svg_across(s, scale_at(&x, (double)i + 1));
    }
    svg_down(s, up.from);
    svg_close(s);
    svg_path_end(s);
}

void chart_timeline(struct buf *out, const struct comparison *c, const struct configuration_result *k,
                    const struct load_result *l)
{
    const struct timeline *t = &l->timeline;
    double seconds = (double)t->samples * t->step_s, bottom = (double)t->tracks * TRACK;
    struct scale x = scale_make(0, seconds, TRACK_LEFT, CHART_WIDTH, 6);
    struct svg s;
    char label[160], text[HTML_NUMBER];
    double v;

    if (t->samples == 0 || t->tracks == 0) {
        html_element(out, "p", "none", "No timeline was recorded.");
        return;
    }
    x.max = seconds;
    snprintf(label, sizeof label, "busy time of each model on the GPUs of %.80s", k->name);
    svg_begin(&s, out, CHART_WIDTH, bottom + 22, label, NULL);
    for (size_t i = 0; i < t->tracks; i++)
        draw_track(&s, c, (double)i * TRACK, t, &t->track[i]);
    for (int i = 0; isfinite(seconds) && scale_tick(&x, i, &v); i++) {
        double at = scale_at(&x, v);
        svg_line(&s, at, bottom - 2, at, bottom + 3, "axis", NULL);
        svg_textf(&s, at, bottom + 16, i == 0 ? "dim small" : at > CHART_WIDTH - 20 ? "dim small end" : "dim small middle", "%s%s",
                  html_number(text, t->start_s + v, scale_decimals(&x)), i ? "" : " s");
    }
    svg_end(&s);
}
