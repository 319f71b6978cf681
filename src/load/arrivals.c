/* SPDX-License-Identifier: Apache-2.0 */
#include "load/arrivals.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/world.h"

/* ---- time stamps ---- */

/* Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's algorithm, written anew). */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    int64_t era, year_of_era, day_of_year;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    year_of_era = y - era * 400;
    day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* Reads exactly n digits. */
static bool digits(const char **p, int n, int *ret)
{
    int v = 0;

    for (int i = 0; i < n; i++, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        v = v * 10 + (**p - '0');
    }
    *ret = v;
    return true;
}

static bool skip(const char **p, const char *any)
{
    if (**p == '\0' || !strchr(any, **p))
        return false;
    (*p)++;
    return true;
}

/* ".679" to ns; nothing there is 0. Digits beyond the ninth are dropped. */
static int64_t fraction(const char **p)
{
    int64_t ns = 0, unit = NS_PER_S / 10;

    if (**p != '.' && **p != ',')
        return 0;
    for ((*p)++; isdigit((unsigned char)**p); (*p)++, unit /= 10)
        ns += unit * (**p - '0');
    return ns;
}

static bool zone(const char **p, int64_t *ret_s)
{
    int h, m = 0, sign;

    *ret_s = 0;
    if (**p == '\0' || skip(p, "zZ"))
        return true;
    if (**p != '+' && **p != '-')
        return false;
    sign = *(*p)++ == '-' ? -1 : 1;
    if (!digits(p, 2, &h))
        return false;
    skip(p, ":");
    if (**p && !digits(p, 2, &m))
        return false;
    *ret_s = sign * (h * INT64_C(3600) + m * INT64_C(60));
    return true;
}

static bool parse_date(const char *p, int64_t *ret)
{
    int y, mo, d, h = 0, mi = 0, s = 0;
    int64_t ns = 0, offset;

    if (!digits(&p, 4, &y) || !skip(&p, "-/") || !digits(&p, 2, &mo) || !skip(&p, "-/") || !digits(&p, 2, &d))
        return false;
    if (skip(&p, " Tt")) {
        if (!digits(&p, 2, &h) || !skip(&p, ":") || !digits(&p, 2, &mi))
            return false;
        if (skip(&p, ":") && !digits(&p, 2, &s))
            return false;
        ns = fraction(&p);
    }
    if (!zone(&p, &offset) || *p || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 60)
        return false;
    if (y < 1700 || y > 2200) /* 64 bits of ns reach no further */
        return false;
    *ret = (days_from_civil(y, mo, d) * 86400 + h * INT64_C(3600) + mi * INT64_C(60) + s - offset) * NS_PER_S + ns;
    return true;
}

/* A date, or plain seconds. */
static bool parse_time(const char *text, int64_t *ret)
{
    char *end;
    double s;

    if (parse_date(text, ret))
        return true;
    s = strtod(text, &end);
    if (end == text || *end || !isfinite(s) || fabs(s) > 9e9)
        return false;
    *ret = (int64_t)floor(s) * NS_PER_S + (int64_t)((s - floor(s)) * 1e9 + 0.5);
    return true;
}

/* ---- traces ---- */

/* A column by one of its names in any letter case. */
static int find_column(const struct csv *c, const char *const *names)
{
    for (size_t i = 0; i < csv_columns(c); i++)
        for (size_t k = 0; names[k]; k++)
            if (strcasecmp(csv_column_name(c, i), names[k]) == 0)
                return (int)i;
    return -1;
}

static int read_tokens(const struct csv *c, size_t row, int column, uint32_t *ret, struct err *err)
{
    double v = 0;
    int rc = column < 0 ? 0 : csv_number(c, row, (size_t)column, &v, err);

    if (rc < 0)
        return -1;
    if (v < 0 || v > 1e7 || v != floor(v))
        return csv_fail(c, row, (size_t)column, err, "%.9g is not a number of tokens (0 to 10,000,000)", v);
    *ret = (uint32_t)v;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Rows in order of time, times from the first one. */
static void finish(struct arrival_trace *t)
{
    double context = 0, generated = 0;
    int64_t first;

    qsort(t->rows, t->count, sizeof *t->rows, by_time); /* the number breaks ties: the order is total */
    first = t->rows[0].at;
    for (size_t i = 0; i < t->count; i++) {
        t->rows[i].at -= first;
        t->rows[i].number = i;
        context += t->rows[i].context;
        generated += t->rows[i].generated;
    }
    t->mean_context = context / (double)t->count;
    t->mean_generated = generated / (double)t->count;
}

static struct arrival_trace *from_csv(const struct csv *c, struct err *err)
{
    static const char *const time_names[] = {"timestamp", "time", "arrival", NULL};
    static const char *const context_names[] = {"context", "contexttokens", "context_tokens", "prompt_tokens", NULL};
    static const char *const generated_names[] = {"generated", "generatedtokens", "generated_tokens", "output_tokens", NULL};
    int time = find_column(c, time_names), context = find_column(c, context_names),
        generated = find_column(c, generated_names);
    struct arrival_trace *t;

    if (time < 0) {
        err_set(err, ERR_INPUT, "%s: no column `timestamp` (seconds, or a date and time)", csv_file(c));
        return NULL;
    }
    if (csv_rows(c) == 0) {
        err_set(err, ERR_INPUT, "%s: a trace needs at least one row", csv_file(c));
        return NULL;
    }
    t = xcalloc(1, sizeof *t);
    t->count = csv_rows(c);
    t->rows = xcalloc(t->count, sizeof *t->rows);
    for (size_t i = 0; i < t->count; i++) {
        struct arrival *a = &t->rows[i];
        a->number = i;
        if (!parse_time(csv_cell(c, i, (size_t)time), &a->at)) {
            csv_fail(c, i, (size_t)time, err, "\"%.40s\" is neither seconds nor a date and time", csv_cell(c, i, (size_t)time));
            arrival_trace_free(t);
            return NULL;
        }
        if (read_tokens(c, i, context, &a->context, err) < 0 || read_tokens(c, i, generated, &a->generated, err) < 0) {
            arrival_trace_free(t);
            return NULL;
        }
    }
    finish(t);
    return t;
}

static const struct csv_limits LIMITS = {.bytes = (size_t)1 << 30, .rows = ARRIVALS_MAX_ROWS};

struct arrival_trace *arrival_trace_parse(const char *name, const char *text, size_t size, struct err *err)
{
    cleanup_csv struct csv *c = csv_parse(name, text, size, &LIMITS, err);

    return c ? from_csv(c, err) : NULL;
}

struct arrival_trace *arrival_trace_read(const char *path, struct err *err)
{
    cleanup_csv struct csv *c = csv_open(path, &LIMITS, err);

    return c ? from_csv(c, err) : NULL;
}

void arrival_trace_free(struct arrival_trace *t)
{
    if (!t)
        return;
    free(t->rows);
    free(t);
}

/* ---- schedules ---- */

void arrivals_init(struct arrivals *a, const struct arrivals_spec *spec, uint64_t seed, uint64_t key)
{
    *a = (struct arrivals){.spec = *spec};
    rng_init(&a->rng, seed, key);
    if (!(a->spec.speedup > 0))
        a->spec.speedup = 1;
    if (spec->process == ARRIVALS_TRACE) {
        const struct arrival_trace *t = spec->trace;
        while (a->row < t->count && t->rows[a->row].at < spec->offset)
            a->row++;
        a->base = -spec->offset;
    } else if (spec->process != ARRIVALS_NONE) {
        a->gap = 1e9 / (spec->rate * a->spec.speedup);
    }
}

static bool next_of_trace(struct arrivals *a, struct arrival *ret)
{
    const struct arrival_trace *t = a->spec.trace;

    if (a->row == t->count) {
        int64_t length = t->rows[t->count - 1].at;
        if (!a->spec.loop || length <= 0)
            return false;
        a->base += length + length / (int64_t)t->count;
        a->row = 0;
    }
    *ret = t->rows[a->row++];
    ret->at = (int64_t)((double)(ret->at + a->base) / a->spec.speedup);
    return true;
}

bool arrivals_next(struct arrivals *a, struct arrival *ret)
{
    *ret = (struct arrival){0};
    switch (a->spec.process) {
    case ARRIVALS_NONE:
        return false;
    case ARRIVALS_POISSON:
        ret->at = a->last + (int64_t)rng_exponential(&a->rng, a->gap);
        break;
    case ARRIVALS_CONSTANT: /* from the number, so that no rounding adds up */
        ret->at = (int64_t)(((double)a->number + 0.5) * a->gap);
        break;
    case ARRIVALS_TRACE:
        if (!next_of_trace(a, ret))
            return false;
        break;
    }
    a->last = ret->at;
    ret->number = a->number++;
    return true;
}
