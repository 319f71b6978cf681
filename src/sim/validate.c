/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

/*
 * Noise floors: what two real runs of the same thing differ by, |a - b| over their mean.
 *   LLM        gt_vllm, experiments 16 and 25: E2E mean 0.4 %, TTFT mean 9 %, TTFT p99 39 %
 *   FastPitch  nf_tts_fastpitch_a, b, c, all pairs of rows
 *   Magpie     nf_tts_magpie_bs8 and _b; rate and latency mostly by the texts each run happened to draw
 */
static double noise_floor(const struct profile *p, enum measure m)
{
    static const double llm[] = {NAN, 0.004, 0.09, 0.39, NAN};
    static const double fastpitch[] = {0.147, 0.107, 0.148, 0.184, NAN};
    static const double magpie[] = {0.087, 0.126, 0.024, 0.028, NAN};

    if (p->kind == PROFILE_LLM)
        return llm[m];
    if (p->kind != PROFILE_TTS)
        return NAN;
    return strncmp(p->model, "Magpie", 6) == 0 ? magpie[m] : fastpitch[m];
}

struct job {
    const struct measured_row *row;
    const struct profile *profile;
    uint64_t seed;
    struct level_result result;
    struct err err;
};

static void run_job(void *ctx, size_t i)
{
    struct job *j = &((struct job *)ctx)[i];

    level_run(&j->row->level, j->profile, j->seed, VALIDATE_REPETITIONS, &j->result, &j->err);
}

static void add_rows(struct validation *v, const struct measured *t, const struct measured_row *row,
                     const struct level_result *r, const struct profile *p, double beyond)
{
    for (unsigned i = 0; i < row->count; i++) {
        const struct measured_figure *f = &row->figures[i];
        struct validation_row *o = &v->rows[v->count++];
        o->table = t->name;
        o->row = row->label;
        o->column = f->column;
        o->measure = f->measure;
        o->measured = f->value;
        o->predicted = *(const double *)(const void *)((const char *)r + f->offset);
        o->error = o->predicted / o->measured - 1;
        o->floor = noise_floor(p, f->measure);
        o->held_out = row->load > beyond;
        o->beyond = fabs(o->error) > measure_bar(f->measure);
    }
}

static double mape(const struct validation *v, enum measure m, bool held_out_only)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < v->count; i++) {
        if (v->rows[i].measure != m || (held_out_only && !v->rows[i].held_out) || isnan(v->rows[i].error))
            continue;
        sum += fabs(v->rows[i].error);
        n++;
    }
    return n ? sum / (double)n : NAN;
}

static void summarise(struct validation *v)
{
    v->within = true;
    for (int m = 0; m < MEASURE_COUNT; m++) {
        v->mape[m] = mape(v, m, false);
        v->held_out_mape[m] = mape(v, m, true);
        if (v->mape[m] > measure_bar(m)) /* false for NaN on either side */
            v->within = false;
    }
}

struct validation *validate(struct measured *const *tables, size_t n, const struct profile *p, const double *beyond,
                            uint64_t seed, struct arena *a, const atomic_int *stop, struct err *err)
{
    struct validation *v = ARENA_NEW(a, struct validation);
    size_t jobs = 0, figures = 0, k = 0, notes = 0;
    cleanup_free struct job *job = NULL;
    const char **all;

    for (size_t i = 0; i < n; i++) {
        jobs += tables[i]->count;
        for (size_t r = 0; r < tables[i]->count; r++)
            figures += tables[i]->rows[r].count;
        for (size_t q = 0; tables[i]->notes[q]; q++)
            notes++;
    }
    job = xcalloc(jobs + 1, sizeof *job);
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < tables[i]->count; r++)
            job[k++] = (struct job){.row = &tables[i]->rows[r], .profile = p, .seed = seed};
    if (parallel_for(jobs, 0, run_job, job, stop) < jobs) {
        err_set(err, ERR_STOPPED, "interrupted");
        return NULL;
    }
    v->rows = ARENA_ARRAY(a, struct validation_row, figures + 1);
    v->profile = arena_strdup(a, p->name);
    all = ARENA_ARRAY(a, const char *, notes + 1);
    k = notes = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < tables[i]->count; r++, k++) {
            if (job[k].err.kind != ERR_NONE) {
                *err = job[k].err;
                err_wrap(err, "%s:%d", tables[i]->name, job[k].row->line);
                return NULL;
            }
            add_rows(v, tables[i], job[k].row, &job[k].result, p, beyond ? beyond[i] : INFINITY);
        }
        for (size_t q = 0; tables[i]->notes[q]; q++)
            all[notes++] = tables[i]->notes[q];
    }
    v->notes = all;
    summarise(v);
    return v;
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

double validation_holdout(const struct measured *table)
{
    cleanup_free double *loads = xcalloc(table->count + 1, sizeof *loads);
    size_t distinct = 0, out;

    for (size_t i = 0; i < table->count; i++)
        loads[i] = table->rows[i].load;
    qsort(loads, table->count, sizeof *loads, falling);
    for (size_t i = 0; i < table->count; i++)
        if (distinct == 0 || loads[distinct - 1] > loads[i])
            loads[distinct++] = loads[i];
    if (distinct < 3)
        return INFINITY;
    out = distinct / 5 > 0 ? distinct / 5 : 1;
    if (distinct >= 5)
        out = 2; /* the two highest of five or more */
    return loads[out];
}

/* ---- writing ---- */

static void json_number(struct buf *out, double x)
{
    if (isfinite(x))
        buf_printf(out, "%.6g", x);
    else
        buf_puts(out, "null");
}

static void json_text(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20)
            buf_printf(out, "\\u%04x", *s);
        else if (*s == '"' || *s == '\\')
            buf_printf(out, "\\%c", *s);
        else
            buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

static void json_metrics(const struct validation *v, bool held_out, struct buf *out)
{
    const double *m = held_out ? v->held_out_mape : v->mape;

    buf_putc(out, '{');
    for (int i = 0; i < MEASURE_OTHER; i++) {
        buf_printf(out, "%s\"%s\": {\"mape\": ", i ? ", " : "", measure_key(i));
        json_number(out, m[i]);
        buf_puts(out, ", \"bar\": ");
        json_number(out, measure_bar(i));
        buf_putc(out, '}');
    }
    buf_putc(out, '}');
}

void validation_json(const struct validation *v, struct buf *out)
{
    bool held_out = false;

    buf_puts(out, "{\"apiVersion\": \"snug/v1\", \"kind\": \"Validation\", \"profile\": ");
    json_text(out, v->profile);
    buf_puts(out, ",\n \"rows\": [");
    for (size_t i = 0; i < v->count; i++) {
        const struct validation_row *r = &v->rows[i];
        buf_printf(out, "%s\n  {\"table\": ", i ? "," : "");
        json_text(out, r->table);
        buf_puts(out, ", \"row\": ");
        json_text(out, r->row);
        buf_puts(out, ", \"metric\": ");
        json_text(out, r->column);
        buf_printf(out, ", \"class\": \"%s\", \"measured\": ", measure_key(r->measure));
        json_number(out, r->measured);
        buf_puts(out, ", \"predicted\": ");
        json_number(out, r->predicted);
        buf_puts(out, ", \"error\": ");
        json_number(out, r->error);
        buf_puts(out, ", \"noise_floor\": ");
        json_number(out, r->floor);
        buf_printf(out, ", \"held_out\": %s}", r->held_out ? "true" : "false");
        held_out |= r->held_out;
    }
    buf_puts(out, "],\n \"metrics\": ");
    json_metrics(v, false, out);
    if (held_out) {
        buf_puts(out, ",\n \"held_out_metrics\": ");
        json_metrics(v, true, out);
    }
    buf_puts(out, ",\n \"notes\": [");
    for (size_t i = 0; v->notes[i]; i++) {
        buf_puts(out, i ? ", " : "");
        json_text(out, v->notes[i]);
    }
    buf_printf(out, "],\n \"within_bars\": %s}\n", v->within ? "true" : "false");
}

static void percent(char *s, size_t n, double x)
{
    if (isfinite(x))
        snprintf(s, n, "%.1f %%", 100 * x);
    else
        snprintf(s, n, "-");
}

static void table_metrics(const struct validation *v, bool holdout, struct buf *out)
{
    buf_printf(out, "%-14s %10s %8s %8s%s\n", "mean error of", "all rows", "bar", "", holdout ? "   held out" : "");
    for (int m = 0; m < MEASURE_OTHER; m++) {
        char all[16], bar[16], held[16];
        if (isnan(v->mape[m]))
            continue;
        percent(all, sizeof all, v->mape[m]);
        percent(bar, sizeof bar, measure_bar(m));
        percent(held, sizeof held, v->held_out_mape[m]);
        buf_printf(out, "%-14s %10s %8s %8s", measure_key(m), all, bar, v->mape[m] > measure_bar(m) ? "outside" : "within");
        if (holdout)
            buf_printf(out, " %10s", held);
        buf_putc(out, '\n');
    }
}

void validation_table(const struct validation *v, bool holdout, struct buf *out)
{
    const char *table = "";

    buf_printf(out, "Profile %s\n", v->profile);
    for (size_t i = 0; i < v->count; i++) {
        const struct validation_row *r = &v->rows[i];
        if (strcmp(table, r->table) != 0) {
            table = r->table;
            buf_printf(out, "\n%s\n%-18s %-18s %12s %12s %9s\n", table, "row", "figure", "measured", "predicted", "error");
        }
        buf_printf(out, "%-18s %-18s %12.4g %12.4g %+8.1f %%%s%s\n", r->row, r->column, r->measured, r->predicted,
                   100 * r->error, r->held_out ? "  held out" : "", r->beyond ? "  outside" : "");
    }
    buf_putc(out, '\n');
    table_metrics(v, holdout, out);
    for (size_t i = 0; v->notes[i]; i++)
        buf_printf(out, "Note: %s.\n", v->notes[i]);
}

void validation_markdown(const struct validation *v, const struct validation *held, struct buf *out)
{
    buf_puts(out, "| table | row | figure | measured | predicted | error | held out | bar | noise floor | |\n"
                  "|---|---|---|---:|---:|---:|---:|---:|---:|---|\n");
    for (size_t i = 0; i < v->count; i++) {
        const struct validation_row *r = &v->rows[i];
        const char *base = strrchr(r->table, '/');
        char bar[16], floor[16], unseen[16] = "";
        percent(bar, sizeof bar, measure_bar(r->measure));
        percent(floor, sizeof floor, r->floor);
        if (held && held->rows[i].held_out)
            snprintf(unseen, sizeof unseen, "%+.1f %%", 100 * held->rows[i].error);
        buf_printf(out, "| %s | %s | %s | %.4g | %.4g | %+.1f %% | %s | %s | %s | %s |\n", base ? base + 1 : r->table, r->row,
                   r->column, r->measured, r->predicted, 100 * r->error, unseen, bar, floor, r->beyond ? "outside" : "");
    }
}
