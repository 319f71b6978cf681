/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The charts of a comparison's page: inline SVG of CHART_WIDTH pixels each, made to stand beside each
 * other on a desk and below each other on a phone, where their letters stay readable. Colours are
 * classes of data/report/style.css. A chart of which nothing is known says so in one line.
 */
#pragma once

#include "load/result.h"
#include "report/svg.h"

enum { CHART_WIDTH = 400, CHART_LOADS = 32, CHART_NAME = 24 };

/* ---- what the page and its charts share ---- */

/* The loads of all configurations by name, each once, in order; returns how many (CHART_LOADS at most). */
size_t chart_loads(const struct comparison *c, const char *ret[CHART_LOADS]);
const struct load_result *chart_load(const struct configuration_result *c, const char *name); /* NULL: did not run */
const char *chart_unit(const struct load_result *l); /* "turns" or "requests": what is counted */
/* What users wait for: voice to voice; in a load without turns the first answer of its stream. */
enum stage chart_stage(const struct comparison *c, const char *load);
const char *chart_stage_text(enum stage s); /* "Voice to voice" */
const char *chart_failed(const struct load_result *l); /* the first audit that failed; NULL */

/*
 * The ink of a configuration's lines: one hue each; "mig+llm" has the hue of "mig", dashed.
 */
const char *chart_ink(const struct comparison *c, size_t configuration, char ret[CHART_NAME]);
/* The ink of a workload, the same in every chart: by its first appearance. */
const char *chart_workload(const struct comparison *c, const char *workload, char ret[CHART_NAME]);
/* The ink of a step of a turn (struct waterfall_part). */
const char *chart_step(const char *stage);

/* A label cut to `columns`. */
void chart_label(struct svg *s, double x, double y, const char *class, const char *text, size_t columns);

/* ---- scales ---- */
struct scale {
    double min, max; /* the values at `from` and `to` */
    double from, to; /* pixels */
    double step;     /* between ticks */
};
struct scale scale_make(double min, double max, double from, double to, unsigned ticks); /* rounded to ticks */
double scale_at(const struct scale *s, double v);                            /* kept within from .. to */
bool scale_tick(const struct scale *s, int i, double *ret);                  /* the i-th tick's value; false beyond */
int scale_decimals(const struct scale *s);                                   /* of its ticks */

/* ---- charts ---- */

/* Bars with intervals, a configuration each. `value` of a load that is INVALID is not asked. */
typedef struct estimate chart_value_fn(const struct load_result *l);
void chart_bars(struct buf *out, const struct comparison *c, const char *load, const char *what, int decimals,
                const char *strong, chart_value_fn *value);
bool chart_has_turns(const struct comparison *c); /* some load has waterfalls */
void chart_waterfalls(struct buf *out, const struct comparison *c, const char *load);
void chart_latency(struct buf *out, const struct comparison *c, const char *load);
void chart_headroom(struct buf *out, const struct comparison *c);
void chart_timeline(struct buf *out, const struct comparison *c, const struct configuration_result *k,
                    const struct load_result *l);
void chart_gpus(struct buf *out, const struct comparison *c, const struct configuration_result *k,
                const struct load_result *l);

/* Fill patterns that the charts refer to; once a page. */
void chart_patterns(struct buf *out);
