/* SPDX-License-Identifier: Apache-2.0 */
/* Curves of a comparison: latency by percentile, latency by users. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/detmath.h"
#include "report/charts.h"
#include "report/html.h"

enum { LEFT = 40, RIGHT = CHART_WIDTH - 8, TOP = 22, BOTTOM = 240, HEIGHT = 278 };

static void draw_frame(struct svg *s, const struct scale *y, const char *unit)
{
    char text[HTML_NUMBER];
    double v;

    for (int i = 0; scale_tick(y, i, &v); i++) {
        double at = scale_at(y, v);
        svg_line(s, LEFT, at, RIGHT, at, i ? "grid" : "axis", NULL);
        svg_text(s, LEFT - 6, at + 4, "dim end", html_number(text, v, scale_decimals(y)));
    }
    svg_text(s, LEFT, TOP - 11, "dim", unit);
}

static void draw_objective(struct svg *s, const struct comparison *c, const struct scale *y)
{
    char tip[80], ms[HTML_NUMBER];
    double at = scale_at(y, c->objective_ms / 1e3);

    if (!(c->objective_ms / 1e3 <= y->max))
        return;
    html_ms(ms, c->objective_ms);
    snprintf(tip, sizeof tip, "objective: p95 at most %s", ms);
    svg_line(s, LEFT, at, RIGHT, at, "objective", tip);
    svg_textf(s, LEFT + 6, at - 5, "small goal halo", "objective %s", ms);
}

static const char *line_class(const struct comparison *c, size_t i, char ret[CHART_NAME + 8])
{
    char ink[CHART_NAME];

    snprintf(ret, CHART_NAME + 8, "line %s", chart_ink(c, i, ink));
    return ret;
}

/* ---- latency by percentile; the axis counts nines, so that the tail has room ---- */

enum { PER_NINE = 12 }; /* points of a curve from one nine to the next */

static double nines(double q)
{
    return -det_log(1 - q) / det_log(10);
}

/* The percentiles that the samples can tell: STATS_TAIL values beyond. */
static double last_nines(const struct stage_stats *v)
{
    double tail = v->hist && v->hist->count ? (double)v->hist->count / STATS_TAIL : 0;

    return tail > 1 ? fmin(3, det_log(tail) / det_log(10)) : 0;
}

static double latency_s(const struct stage_stats *v, double at)
{
    return (double)hist_quantile(v->hist, 1 - det_pow(10, -at)) / 1e9;
}

static double slowest(const struct stage_stats *v)
{
    if (v->hist && v->hist->count)
        return latency_s(v, last_nines(v));
    return fmax(fmax(v->p50_ms, v->p95_ms), v->p99_ms) / 1e3;
}

static double fastest(const struct stage_stats *v)
{
    return v->hist && v->hist->count ? latency_s(v, 0) : fmin(fmin(v->p50_ms, v->p95_ms), v->p99_ms) / 1e3;
}

static void draw_latency(struct svg *s, const struct comparison *c, size_t i, const struct stage_stats *v,
                         const struct scale *x, const struct scale *y)
{
    char class[CHART_NAME + 8], tip[200], p50[HTML_NUMBER], p95[HTML_NUMBER], p99[HTML_NUMBER];
    const double q[] = {0.5, 0.95, 0.99}, ms[] = {v->p50_ms, v->p95_ms, v->p99_ms};
    double end = last_nines(v);
    bool any = false;

    snprintf(tip, sizeof tip, "%.60s: p50 %s, p95 %s, p99 %s", c->configurations[i].name, html_ms(p50, v->p50_ms),
             html_ms(p95, v->p95_ms), html_ms(p99, v->p99_ms));
    svg_path(s, line_class(c, i, class), tip);
    for (int k = 0; v->hist && v->hist->count && k <= PER_NINE * end; k++) {
        double at = (double)k / PER_NINE, px = scale_at(x, at), py = scale_at(y, latency_s(v, at));
        any ? svg_to(s, px, py) : svg_move(s, px, py);
        any = true;
    }
    for (size_t k = 0; !v->hist && k < 3; k++)
        if (isfinite(ms[k])) {
            double px = scale_at(x, nines(q[k])), py = scale_at(y, ms[k] / 1e3);
            any ? svg_to(s, px, py) : svg_move(s, px, py);
            any = true;
        }
    svg_path_end(s);
}

static void draw_percentiles(struct svg *s, const struct scale *x)
{
    static const double q[] = {0, 0.5, 0.9, 0.95, 0.99, 0.999};
    static const char *const names[] = {"", "p50", "p90", "p95", "p99", "p99.9"};

    for (size_t i = 0; i < 6; i++)
        if (nines(q[i]) <= x->max + 1e-9) {
            double at = scale_at(x, nines(q[i]));
            svg_line(s, at, TOP, at, BOTTOM, "grid", NULL);
            svg_text(s, at, BOTTOM + 16, i == 0 ? "dim" : i == 5 ? "dim end" : "dim middle", names[i]);
        }
}

static const struct stage_stats *wait_of(const struct comparison *c, size_t i, const char *load, enum stage stage)
{
    const struct load_result *l = chart_load(&c->configurations[i], load);
    const struct stage_stats *v = l ? &l->stages[stage] : NULL;

    return v && l->valid && (isfinite(v->p50_ms) || (v->hist && v->hist->count)) ? v : NULL;
}

void chart_latency(struct buf *out, const struct comparison *c, const char *load)
{
    struct scale x = {.max = 3, .from = LEFT, .to = RIGHT}, y;
    double min = INFINITY, max = 0;
    enum stage stage = chart_stage(c, load);
    bool asked = stage == STAGE_VOICE_TO_VOICE && c->objective_ms > 0;
    char label[96];
    struct svg s;

    for (size_t i = 0; i < c->count; i++)
        if (wait_of(c, i, load, stage)) {
            min = fmin(min, 0.9 * fastest(wait_of(c, i, load, stage)));
            max = fmax(max, slowest(wait_of(c, i, load, stage)));
        }
    if (max <= 0) {
        html_element(out, "p", "none", "No latency was measured.");
        return;
    }
    if (asked && c->objective_ms / 1e3 < 2 * max)
        max = fmax(max, 1.05 * c->objective_ms / 1e3);
    y = scale_make(min, max, BOTTOM, TOP, 5);
    snprintf(label, sizeof label, "%s, seconds by percentile", chart_stage_text(stage));
    svg_begin(&s, out, CHART_WIDTH, HEIGHT, label, NULL);
    draw_frame(&s, &y, label);
    draw_percentiles(&s, &x);
    if (asked)
        draw_objective(&s, c, &y);
    for (size_t i = 0; i < c->count; i++)
        if (wait_of(c, i, load, stage))
            draw_latency(&s, c, i, wait_of(c, i, load, stage), &x, &y);
    svg_text(&s, (LEFT + RIGHT) / 2.0, BOTTOM + 34, "dim middle", stage == STAGE_VOICE_TO_VOICE ? "percentile of turns" : "percentile of requests");
    svg_end(&s);
}

/* ---- latency by users ---- */

/* What stands above the scale is not drawn: the line ends where it leaves. */
static void draw_users(struct svg *s, const struct comparison *c, size_t i, const struct scale *x,
                       const struct scale *y)
{
    const struct configuration_result *k = &c->configurations[i];
    char class[CHART_NAME + 8], tip[160];
    double was_u = NAN, was_v = NAN;

    snprintf(tip, sizeof tip, "%.60s: %s%u users meet the objectives", k->name, k->headroom_bounded ? "" : "at least ",
             k->headroom_users);
    svg_path(s, line_class(c, i, class), tip);
    for (size_t p = 0; p < k->curve_count; p++) {
        double u = k->curve[p].users, v = k->curve[p].p95_voice_ms / 1e3;
        if (!isfinite(v))
            continue;
        if (u > x->max)
            break;
        if (v > y->max) {
            if (isfinite(was_v) && v > was_v)
                svg_to(s, scale_at(x, was_u + (u - was_u) * (y->max - was_v) / (v - was_v)), scale_at(y, y->max));
            break;
        }
        isfinite(was_v) ? svg_to(s, scale_at(x, u), scale_at(y, v)) : svg_move(s, scale_at(x, u), scale_at(y, v));
        was_u = u;
        was_v = v;
    }
    svg_path_end(s);
}

static void draw_points(struct svg *s, const struct comparison *c, size_t i, const struct scale *x,
                        const struct scale *y)
{
    const struct configuration_result *k = &c->configurations[i];
    char class[CHART_NAME + 16], ink[CHART_NAME], tip[200], ms[HTML_NUMBER], success[HTML_NUMBER];

    for (size_t p = 0; p < k->curve_count; p++) {
        const struct headroom_point *at = &k->curve[p];
        if (!(at->p95_voice_ms / 1e3 <= y->max) || at->users > x->max)
            continue;
        snprintf(class, sizeof class, "%s %s", at->ok ? "point" : "point miss", chart_ink(c, i, ink));
        snprintf(tip, sizeof tip, "%.60s, %u users: p95 %s, success %s, objectives %s", k->name, at->users,
                 html_ms(ms, at->p95_voice_ms), html_percent(success, at->success_rate, 2), at->ok ? "met" : "missed");
        svg_circle(s, scale_at(x, at->users), scale_at(y, at->p95_voice_ms / 1e3), at->ok ? 2.6 : 3, class, tip);
    }
}

void chart_headroom(struct buf *out, const struct comparison *c)
{
    double users = 0, fewest = INFINITY, slow = 0, most = 0, v;
    struct scale x, y;
    struct svg s;
    char text[HTML_NUMBER];

    for (size_t i = 0; i < c->count; i++) {
        const struct configuration_result *k = &c->configurations[i];
        most = fmax(most, k->headroom_users);
        for (size_t p = 0; p < k->curve_count; p++) {
            users = fmax(users, k->curve[p].users);
            fewest = fmin(fewest, k->curve[p].users);
            slow = fmax(slow, k->curve[p].p95_voice_ms / 1e3);
        }
    }
    if (most > 0)
        users = fmin(users, 1.25 * most);
    if (c->objective_ms > 0)
        slow = fmin(fmax(slow, c->objective_ms / 1e3), 2 * c->objective_ms / 1e3);
    x = scale_make(fewest, users, LEFT, RIGHT, 5);
    y = scale_make(0, slow, BOTTOM, TOP, 5);
    svg_begin(&s, out, CHART_WIDTH, HEIGHT, "p95 of voice-to-voice latency against users, a curve for each configuration", NULL);
    draw_frame(&s, &y, "p95 of voice to voice, seconds");
    for (int i = 0; scale_tick(&x, i, &v); i++)
        svg_text(&s, scale_at(&x, v), BOTTOM + 16, v > x.max * 0.99 ? "dim end" : "dim middle",
                 html_number(text, v, scale_decimals(&x)));
    draw_objective(&s, c, &y);
    for (size_t i = 0; i < c->count; i++)
        draw_users(&s, c, i, &x, &y);
    for (size_t i = 0; i < c->count; i++)
        draw_points(&s, c, i, &x, &y);
    svg_text(&s, (LEFT + RIGHT) / 2.0, BOTTOM + 34, "dim middle", "users at once");
    svg_end(&s);
}
