/* SPDX-License-Identifier: Apache-2.0 */
#include "report/charts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/html.h"
#include "report/text.h"

/* ---- what the page and its charts share ---- */

size_t chart_loads(const struct comparison *c, const char *ret[CHART_LOADS])
{
    size_t n = 0;

    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            const char *name = c->configurations[i].loads[k].name;
            size_t at = 0;
            while (at < n && strcmp(ret[at], name) != 0)
                at++;
            if (at == n && n < CHART_LOADS)
                ret[n++] = name;
        }
    return n;
}

const struct load_result *chart_load(const struct configuration_result *c, const char *name)
{
    for (size_t k = 0; k < c->load_count; k++)
        if (strcmp(c->loads[k].name, name) == 0)
            return &c->loads[k];
    return NULL;
}

const char *chart_unit(const struct load_result *l)
{
    return l->request_count && l->started == l->requests[0].started ? "requests" : "turns";
}

static const struct {
    enum stage stage;
    const char *text;
} WAITS[] = {{STAGE_VOICE_TO_VOICE, "Voice to voice"}, {STAGE_LLM_TTFT, "First token"}, {STAGE_TTS_FIRST_AUDIO, "First audio"},
             {STAGE_ASR_FINAL, "ASR final"}, {STAGE_TURN, "Whole request"}};

enum stage chart_stage(const struct comparison *c, const char *load)
{
    for (size_t w = 0; w < sizeof WAITS / sizeof WAITS[0]; w++)
        for (size_t i = 0; i < c->count; i++) {
            const struct load_result *l = chart_load(&c->configurations[i], load);
            if (l && l->stages[WAITS[w].stage].count)
                return WAITS[w].stage;
        }
    return STAGE_VOICE_TO_VOICE;
}

const char *chart_stage_text(enum stage s)
{
    for (size_t w = 0; w < sizeof WAITS / sizeof WAITS[0]; w++)
        if (WAITS[w].stage == s)
            return WAITS[w].text;
    return stage_key(s);
}

const char *chart_failed(const struct load_result *l)
{
    for (size_t i = 0; i < l->audit_count; i++)
        if (!l->audit[i].ok)
            return l->audit[i].check;
    return NULL;
}

const char *chart_ink(const struct comparison *c, size_t configuration, char ret[CHART_NAME])
{
    const char *name = c->configurations[configuration].name;
    size_t hue = 0, base = configuration;

    for (size_t i = 0; i < c->count; i++) {
        size_t n = strlen(c->configurations[i].name);
        if (strncmp(name, c->configurations[i].name, n) == 0 && name[n] == '+')
            base = i;
    }
    for (size_t i = 0; i < base; i++)
        hue += strchr(c->configurations[i].name, '+') == NULL;
    snprintf(ret, CHART_NAME, "c%zu%s", hue % 6, base != configuration ? " alt" : hue >= 6 ? " dot" : "");
    return ret;
}

/* "llm", and "llm-2", its second replica. */
static bool is_replica(const char *workload, const char *name)
{
    size_t n = strlen(workload);

    if (strncmp(workload, name, n) != 0)
        return false;
    return !name[n] || (name[n] == '-' && name[n + 1] && strspn(name + n + 1, "0123456789") == strlen(name + n + 1));
}

const char *chart_workload(const struct comparison *c, const char *workload, char ret[CHART_NAME])
{
    const char *seen[8];
    size_t n = 0, at = 0;

    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            const struct load_result *l = &c->configurations[i].loads[k];
            for (size_t g = 0; g < l->gpu_count; g++)
                for (size_t h = 0; h < l->gpus[g].count; h++)
                    for (const char *const *w = l->gpus[g].shares[h].workloads; w && *w; w++) {
                        for (at = 0; at < n && strcmp(seen[at], *w) != 0;)
                            at++;
                        if (at == n && n < 8)
                            seen[n++] = *w;
                    }
        }
    for (at = 0; at < n && !is_replica(seen[at], workload);)
        at++;
    snprintf(ret, CHART_NAME, "w%zu", at % 6);
    return ret;
}

const char *chart_step(const char *stage)
{
    static const struct {
        const char *stage, *class;
    } steps[] = {{"endpointing", "s-wait"},          {"ASR", "s-asr"}, {"gateway", "s-gateway"},
                 {"LLM first token", "s-llm"},       {"first sentence", "s-llm2"},
                 {"TTS", "s-tts"},                   {"unexplained", "s-odd"}};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (strcmp(stage, steps[i].stage) == 0)
            return steps[i].class;
    return "s-more";
}

void chart_label(struct svg *s, double x, double y, const char *class, const char *text, size_t columns)
{
    cleanup_buf struct buf cut;

    buf_init(&cut, 1 << 16);
    text_fit(&cut, text, columns);
    svg_text(s, x, y, class, buf_str(&cut));
}

/* ---- scales ---- */

struct scale scale_make(double min, double max, double from, double to, unsigned ticks)
{
    static const double steps[] = {1, 2, 5};
    double unit = 1e-9, step = 1e-9;

    if (!isfinite(max) || max <= 0)
        max = 1;
    max = fmin(max, 1e15);
    if (!(min > 0 && min < max))
        min = 0;
    for (int i = 0; step * ticks < max - min; i++) {
        if (i && i % 3 == 0)
            unit *= 10;
        step = unit * steps[i % 3];
    }
    return (struct scale){floor(min / step + 1e-9) * step, ceil(max / step - 1e-9) * step, from, to, step};
}

double scale_at(const struct scale *s, double v)
{
    double part = (v - s->min) / (s->max - s->min);

    if (!isfinite(part))
        part = 0;
    return s->from + (s->to - s->from) * fmin(1, fmax(0, part));
}

bool scale_tick(const struct scale *s, int i, double *ret)
{
    *ret = s->min + i * s->step;
    return i < 64 && *ret <= s->max + s->step * 1e-3;
}

int scale_decimals(const struct scale *s)
{
    int decimals = 0;

    for (double step = s->step; step < 0.999 && decimals < 9; step *= 10)
        decimals++;
    return decimals;
}

/* ---- bars ---- */

enum { BAR_LEFT = 122, BAR_RIGHT = 330, BAR_TOP = 8, BAR_PITCH = 34 };

static double upper(struct estimate e)
{
    return isfinite(e.hi) ? e.hi : e.mean;
}

static void draw_ticks(struct svg *s, const struct scale *x, double top, double bottom)
{
    char text[HTML_NUMBER];
    double v;

    for (int i = 0; scale_tick(x, i, &v); i++) {
        double at = scale_at(x, v);
        svg_line(s, at, top, at, bottom, i ? "grid" : "axis", NULL);
        svg_text(s, at, bottom + 14, "dim middle", html_number(text, v, scale_decimals(x)));
    }
}

static void draw_bar(struct svg *s, const struct scale *x, double y, const char *name, const char *what,
                     int decimals, bool strong, struct estimate e)
{
    char value[HTML_NUMBER], range[HTML_NUMBER];
    cleanup_buf struct buf tip;

    buf_init(&tip, 1 << 16);
    html_interval(range, e, decimals + 1);
    buf_printf(&tip, "%s: %s %s", name, html_number(value, e.mean, decimals), what);
    if (isfinite(e.lo))
        buf_printf(&tip, ", 95 %% interval %s", html_interval(range, e, decimals));
    svg_rect(s, x->from, y + 4, scale_at(x, e.mean) - x->from, 18, strong ? "bar strong" : "bar", buf_str(&tip));
    if (isfinite(e.lo) && isfinite(e.hi)) {
        double lo = scale_at(x, e.lo), hi = scale_at(x, e.hi);
        svg_line(s, lo, y + 13, hi, y + 13, "whisker", NULL);
        svg_line(s, lo, y + 9, lo, y + 17, "whisker", NULL);
        svg_line(s, hi, y + 9, hi, y + 17, "whisker", NULL);
    }
    svg_text(s, CHART_WIDTH, y + 17, strong ? "num end strong" : "num end", html_number(value, e.mean, decimals));
}

void chart_bars(struct buf *out, const struct comparison *c, const char *load, const char *what, int decimals,
                const char *strong, chart_value_fn *value)
{
    double max = 0, bottom = BAR_TOP + (double)c->count * BAR_PITCH;
    struct scale x;
    struct svg s;
    char label[160];

    for (size_t i = 0; i < c->count; i++) {
        const struct load_result *l = chart_load(&c->configurations[i], load);
        if (l && l->valid)
            max = fmax(max, upper(value(l)));
    }
    snprintf(label, sizeof label, "%s by configuration", what);
    x = scale_make(0, max, BAR_LEFT, BAR_RIGHT, 4);
    svg_begin(&s, out, CHART_WIDTH, bottom + 38, label, NULL);
    draw_ticks(&s, &x, BAR_TOP, bottom);
    for (size_t i = 0; i < c->count; i++) {
        const struct configuration_result *k = &c->configurations[i];
        const struct load_result *l = chart_load(k, load);
        double y = BAR_TOP + (double)i * BAR_PITCH + 3;
        bool best = strong && strcmp(strong, k->name) == 0;
        chart_label(&s, BAR_LEFT - 10, y + 12, best ? "end strong" : "end", k->name, 17);
        svg_textf(&s, BAR_LEFT - 10, y + 25, "dim end small", "%zu GPU%s", k->gpus, k->gpus == 1 ? "" : "s");
        if (!l)
            svg_text(&s, BAR_LEFT + 8, y + 17, "dim", "did not run");
        else if (!l->valid)
            svg_textf(&s, BAR_LEFT + 8, y + 17, "bad", "INVALID: %s", chart_failed(l) ? chart_failed(l) : "audit failed");
        else
            draw_bar(&s, &x, y, k->name, what, decimals, best, value(l));
    }
    svg_text(&s, (BAR_LEFT + BAR_RIGHT) / 2.0, bottom + 32, "dim middle", what);
    svg_end(&s);
}

/* ---- where the milliseconds of a turn go ---- */

static void draw_waterfall(struct svg *s, const struct scale *x, double y, const struct waterfall *w)
{
    char ms[HTML_NUMBER], total[HTML_NUMBER];
    double at = 0;

    for (size_t i = 0; i < w->count; i++) {
        double part = isfinite(w->parts[i].ms) ? fmax(0, w->parts[i].ms) : 0;
        double from = scale_at(x, at), to = scale_at(x, at + part);
        char tip[200];
        snprintf(tip, sizeof tip, "%s, %s: %s of %s", w->name, w->parts[i].stage, html_ms(ms, w->parts[i].ms),
                 html_ms(total, w->total_ms));
        if (to - from >= 0.05)
            svg_rect(s, from, y, to - from, 12, chart_step(w->parts[i].stage), tip);
        at += part;
    }
    svg_text(s, CHART_WIDTH, y + 10, "num end small", html_ms(ms, w->total_ms));
}

static double longest_turn(const struct comparison *c, const char *load)
{
    double max = 0;

    for (size_t i = 0; i < c->count; i++) {
        const struct load_result *l = chart_load(&c->configurations[i], load);
        for (size_t k = 0; l && l->valid && k < l->waterfall_count; k++)
            max = fmax(max, l->waterfalls[k].total_ms);
    }
    return max;
}

bool chart_has_turns(const struct comparison *c)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++)
            if (c->configurations[i].loads[k].waterfall_count)
                return true;
    return false;
}

/* The dashed line of what is asked of the p95. */
static void draw_objective(struct svg *s, const struct comparison *c, double x1, double y1, double x2, double y2)
{
    char tip[80], ms[HTML_NUMBER];

    snprintf(tip, sizeof tip, "objective: p95 at most %s", html_ms(ms, c->objective_ms));
    svg_line(s, x1, y1, x2, y2, "objective", tip);
}

void chart_waterfalls(struct buf *out, const struct comparison *c, const char *load)
{
    double max = longest_turn(c, load), bottom = BAR_TOP + (double)c->count * BAR_PITCH;
    struct scale x = scale_make(0, max / 1000, BAR_LEFT, BAR_RIGHT + 12, 4), ms = x;
    struct svg s;

    if (max <= 0) {
        html_element(out, "p", "none", "No turn was measured.");
        return;
    }
    ms.max *= 1000;
    svg_begin(&s, out, CHART_WIDTH, bottom + 38, "stages of the median and of the p95 turn by configuration", NULL);
    draw_ticks(&s, &x, BAR_TOP, bottom);
    for (size_t i = 0; i < c->count; i++) {
        const struct configuration_result *k = &c->configurations[i];
        const struct load_result *l = chart_load(k, load);
        double y = BAR_TOP + (double)i * BAR_PITCH + 3;
        chart_label(&s, BAR_LEFT - 10, y + 18, "end", k->name, 17);
        for (size_t w = 0; l && l->valid && w < l->waterfall_count && w < 2; w++)
            draw_waterfall(&s, &ms, y + 14.0 * (double)w, &l->waterfalls[w]);
        if (!l || !l->valid)
            svg_text(&s, BAR_LEFT + 8, y + 18, "bad", l ? "INVALID" : "did not run");
    }
    if (c->objective_ms <= ms.max)
        draw_objective(&s, c, scale_at(&ms, c->objective_ms), BAR_TOP, scale_at(&ms, c->objective_ms), bottom);
    svg_text(&s, (BAR_LEFT + BAR_RIGHT) / 2.0, bottom + 32, "dim middle", "seconds from the user's last word to audible reply");
    svg_end(&s);
}
