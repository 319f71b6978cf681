/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sharing.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/table.h"

static const struct {
    const char *table, *group, *what;
    double bar;
} MEANS[] = {
    {"parvagpu", NULL, "MIG scaling, 2g 3g 4g from 1g and 7g", 0.06},
    {"nos_sharing", "mps", "MPS, YOLOS-small, 3 and 5 pods", 0.13},
    {"nvforum_mps", "mps", "MPS, DenseNet121 under thread percentages", 0.13},
    {"gopebble_mps", NULL, "MPS, two Qwen3-4B servers", 0.13},
    {"nos_sharing", "mig", "MIG, YOLOS-small, neighbours", 0.06},
    {"eks_l40s_ts", NULL, "time-slicing, two LLM servers", 0.13},
};

int sharing_run(const char *dir, struct catalog *catalog, struct sharing_results *ret,
                struct err *err)
{
    struct err own = {0};

    *ret = (struct sharing_results){.leave_one_out = NAN};
    if (sharing_validate(dir, catalog, &ret->rows, err) < 0)
        return -1;
    ret->leave_one_out = sharing_leave_one_out(dir, catalog, &own);
    ret->proportional = sharing_reference(dir, SHARING_PROPORTIONAL, &own);
    ret->minimum = sharing_reference(dir, SHARING_MINIMUM, &own);
    ret->amdahl = sharing_reference(dir, SHARING_AMDAHL, &own);
    return 0;
}

void sharing_results_done(struct sharing_results *r)
{
    sharing_rows_done(&r->rows);
}

bool sharing_within_bars(const struct sharing_results *r)
{
    for (size_t i = 0; i < ARRAY_LEN(MEANS); i++)
        if (sharing_mape(&r->rows, MEANS[i].table, MEANS[i].group) >
            MEANS[i].bar) /* NaN: no such table, no verdict */
            return false;
    return !(r->leave_one_out > 0.06);
}

/* The summary's lines below the means: what is compared with them. */
struct reference {
    const char *what;
    double error;
};

static size_t references(const struct sharing_results *r, struct reference ret[4])
{
    const struct reference all[] = {{"MIG scaling by min(g x 1g, 7g), for comparison", r->minimum},
                                    {"MIG scaling by Amdahl's law, for comparison", r->amdahl},
                                    {"MIG scaling by g/7 of 7g, for comparison", r->proportional}};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (!isnan(all[i].error))
            ret[n++] = all[i];
    return n;
}

/* Rows of the eleven models are summed up per model. */
static bool is_single(const struct sharing_row *x)
{
    return strcmp(x->table, "parvagpu") != 0;
}

static const char *remark(const struct sharing_row *x)
{
    return x->constant ? "constant from this table" : "";
}

static void put_table(const struct sharing_results *results, const struct text_style *style,
                      struct buf *out)
{
    const struct sharing_rows *r = &results->rows;
    struct reference other[4];
    size_t others = references(results, other);
    double leave_one_out = results->leave_one_out;
    cleanup_table struct table *rows = table_new(), *models = table_new(), *means = table_new();
    const char *last = "";

    table_column(rows, "table", TABLE_LEFT);
    table_column(rows, "row", TABLE_LEFT);
    table_column(rows, "metric", TABLE_LEFT);
    table_column(rows, "measured", TABLE_RIGHT);
    table_column(rows, "predicted", TABLE_RIGHT);
    table_column(rows, "error %", TABLE_RIGHT);
    table_column(rows, "", TABLE_LEFT);
    table_column(models, "MIG scaling", TABLE_LEFT);
    table_column(models, "mean error %", TABLE_RIGHT);
    table_column(means, "mean absolute error", TABLE_LEFT);
    table_column(means, "%", TABLE_RIGHT);
    table_column(means, "bar %", TABLE_RIGHT);
    table_column(means, "", TABLE_LEFT);
    for (size_t i = 0; i < r->n; i++) {
        const struct sharing_row *x = &r->at[i];
        if (is_single(x)) {
            table_cell(rows, x->table);
            table_cell(rows, x->row);
            table_cell(rows, x->metric);
            table_cellf(rows, "%.4g", x->measured);
            table_cellf(rows, "%.4g", x->predicted);
            table_cellf(rows, "%+.1f", 100 * x->error);
            table_cell(rows, remark(x));
        } else if (strcmp(x->group, last) != 0) {
            table_cell(models, x->group);
            table_cellf(models, "%.1f", 100 * sharing_mape(r, x->table, x->group));
            last = x->group;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(MEANS); i++) {
        double mape = sharing_mape(r, MEANS[i].table, MEANS[i].group);
        if (isnan(mape))
            continue;
        table_cell(means, MEANS[i].what);
        table_cellf(means, "%.1f", 100 * mape);
        table_cellf(means, "%.0f", 100 * MEANS[i].bar);
        table_cell(means, mape <= MEANS[i].bar ? "holds" : "missed");
        table_paint(means, mape <= MEANS[i].bar ? TEXT_GOOD : TEXT_BAD);
    }
    if (!isnan(leave_one_out)) {
        table_cell(means, "MIG scaling, one model left out of the fit at a time");
        table_cellf(means, "%.1f", 100 * leave_one_out);
        table_cell(means, "6");
        table_cell(means, leave_one_out <= 0.06 ? "holds" : "missed");
    }
    for (size_t i = 0; i < others; i++) {
        table_cell(means, other[i].what);
        table_cellf(means, "%.1f", 100 * other[i].error);
        table_cell(means, "");
        table_cell(means, "");
    }
    table_print(rows, style, out);
    buf_putc(out, '\n');
    table_print(models, style, out);
    buf_putc(out, '\n');
    table_print(means, style, out);
}

static void put_csv(const struct sharing_rows *r, struct buf *out)
{
    buf_puts(out, "table,group,row,metric,measured,predicted,error,constant_from_this_table\n");
    for (size_t i = 0; i < r->n; i++) {
        const struct sharing_row *x = &r->at[i];
        buf_printf(out, "%s,%s,\"%s\",%s,%.6g,%.6g,%.4f,%d\n", x->table, x->group, x->row,
                   x->metric, x->measured, x->predicted, x->error, x->constant);
    }
}

static void put_json(const struct sharing_results *results, struct buf *out)
{
    const struct sharing_rows *r = &results->rows;
    double leave_one_out = results->leave_one_out;
    json_t *root, *rows = json_array(), *metrics = json_object();
    cleanup_free char *text = NULL;

    for (size_t i = 0; i < r->n; i++) {
        const struct sharing_row *x = &r->at[i];
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:b}", "table", x->table, "group",
                            x->group, "row", x->row, "metric", x->metric, "measured", x->measured,
                            "predicted", x->predicted, "error", x->error, "constant", x->constant));
    }
    for (size_t i = 0; i < ARRAY_LEN(MEANS); i++) {
        double mape = sharing_mape(r, MEANS[i].table, MEANS[i].group);
        cleanup_free char *key = xasprintf("%s%s%s", MEANS[i].table, MEANS[i].group ? "." : "",
                                           MEANS[i].group ? MEANS[i].group : "");
        if (!isnan(mape))
            json_object_set_new(metrics, key,
                                json_pack("{s:f, s:f}", "mape", mape, "bar", MEANS[i].bar));
    }
    if (!isnan(leave_one_out))
        json_object_set_new(metrics, "parvagpu.leave_one_out",
                            json_pack("{s:f, s:f}", "mape", leave_one_out, "bar", 0.06));
    root = json_pack("{s:s, s:s, s:s, s:o, s:o, s:b}", "apiVersion", "snug/v1", "kind",
                     "Validation", "of", "sharing", "rows", rows, "metrics", metrics, "within_bars",
                     sharing_within_bars(results));
    text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    json_decref(root);
    buf_puts(out, text ? text : "{}");
    buf_putc(out, '\n');
}

static void put_markdown(const struct sharing_results *results, struct buf *out)
{
    const struct sharing_rows *r = &results->rows;
    struct reference other[4];
    size_t others = references(results, other);
    double leave_one_out = results->leave_one_out;
    const char *last = "";

    buf_puts(out, "| mean absolute error | | bar |\n|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(MEANS); i++) {
        double mape = sharing_mape(r, MEANS[i].table, MEANS[i].group);
        if (!isnan(mape))
            buf_printf(out, "| %s (%s) | %.1f %% | %.0f %% |\n", MEANS[i].what, MEANS[i].table,
                       100 * mape, 100 * MEANS[i].bar);
    }
    if (!isnan(leave_one_out))
        buf_printf(out,
                   "| MIG scaling, one model left out of the fit at a time | %.1f %% | 6 %% |\n",
                   100 * leave_one_out);
    for (size_t i = 0; i < others; i++)
        buf_printf(out, "| %s | %.1f %% | |\n", other[i].what, 100 * other[i].error);
    buf_puts(out, "\n| table | row | metric | measured | predicted | error | "
                  "|\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < r->n; i++) {
        const struct sharing_row *x = &r->at[i];
        if (is_single(x))
            buf_printf(out, "| %s | %s | %s | %.4g | %.4g | %+.1f %% | %s |\n", x->table, x->row,
                       x->metric, x->measured, x->predicted, 100 * x->error, remark(x));
    }
    buf_puts(out, "\n| MIG scaling of | mean absolute error |\n|---|---|\n");
    for (size_t i = 0; i < r->n; i++) {
        const struct sharing_row *x = &r->at[i];
        if (is_single(x) || strcmp(x->group, last) == 0)
            continue;
        buf_printf(out, "| %s | %.1f %% |\n", x->group, 100 * sharing_mape(r, x->table, x->group));
        last = x->group;
    }
}

void sharing_report(const struct sharing_results *r, enum sharing_format format,
                    const struct text_style *style, struct buf *out)
{
    switch (format) {
    case SHARING_TABLE:
        put_table(r, style, out);
        break;
    case SHARING_JSON:
        put_json(r, out);
        break;
    case SHARING_CSV:
        put_csv(&r->rows, out);
        break;
    case SHARING_MARKDOWN:
        put_markdown(r, out);
        break;
    }
}
