/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"

struct cell {
    const char *text;
    uint32_t line, column;
};

struct meta {
    const char *key, *value;
    uint32_t line;
};

struct csv {
    struct arena *arena;
    const char *name;
    struct meta *meta;
    size_t meta_count, meta_cap;
    struct cell *cells; /* rows times columns, the header first */
    size_t cell_count, cell_cap;
    size_t columns, rows; /* without the header */
};

static const struct csv_limits DEFAULTS = {.bytes = 64 << 20, .rows = 4000000, .columns = 256};

enum { META_MAX = 1000 };

struct reader {
    struct csv *csv;
    struct csv_limits limits;
    const char *at, *end;
    uint32_t line, column;
    char *scratch; /* a quoted cell's text while it is read */
    size_t scratch_cap;
    struct err *err;
};

static int fail(struct reader *r, uint32_t line, uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static int fail(struct reader *r, uint32_t line, uint32_t column, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(r->err, ERR_INPUT, "%.200s:%u:%u: %s", r->csv->name, line, column, text);
}

/* Text in quotes for a message, cut. */
static const char *shown(const char *text, char buf[DOC_FOUND_MAX])
{
    const struct doc_node n = {.kind = DOC_SCALAR, .text = text, .len = strlen(text)};

    return doc_found(&n, buf);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *trimmed(struct reader *r, const char *from, const char *to)
{
    while (from < to && blank(*from))
        from++;
    while (to > from && blank(to[-1]))
        to--;
    if (from == to)
        return "";
    return arena_strndup(r->csv->arena, from, (size_t)(to - from));
}

static void next_line(struct reader *r)
{
    r->line++;
    r->column = 1;
}

/* `# key: value`; a comment without a colon is only a comment. */
static int read_meta(struct reader *r)
{
    struct csv *c = r->csv;
    const char *eol = memchr(r->at, '\n', (size_t)(r->end - r->at)), *colon;

    if (!eol)
        eol = r->end;
    colon = memchr(r->at, ':', (size_t)(eol - r->at));
    if (colon) {
        if (c->meta_count == META_MAX)
            return fail(r, r->line, 1, "more than %d lines of the form # key: value", META_MAX);
        GROW(c->meta, c->meta_cap, c->meta_count + 1);
        c->meta[c->meta_count++] = (struct meta){
            .key = trimmed(r, r->at + 1, colon), .value = trimmed(r, colon + 1, eol), .line = r->line};
    }
    r->at = eol < r->end ? eol + 1 : eol;
    next_line(r);
    return 0;
}

static int read_quoted(struct reader *r, const char **ret_text)
{
    uint32_t line = r->line, column = r->column;
    size_t n = 0;

    r->at++;
    r->column++;
    for (;; r->at++) {
        if (r->at == r->end)
            return fail(r, line, column, "found a quoted cell that never ends, expected a closing \"");
        if (*r->at == '"') {
            r->column++;
            if (r->at + 1 == r->end || r->at[1] != '"')
                break;
            r->at++;
        }
        if (*r->at == '\n')
            next_line(r);
        else if (((unsigned char)*r->at & 0xc0) != 0x80)
            r->column++;
        GROW(r->scratch, r->scratch_cap, n + 1);
        r->scratch[n++] = *r->at;
    }
    r->at++;
    *ret_text = arena_strndup(r->csv->arena, n ? r->scratch : "", n);
    while (r->at < r->end && blank(*r->at)) {
        r->at++;
        r->column++;
    }
    if (r->at < r->end && *r->at != ',' && *r->at != '\n')
        return fail(r, r->line, r->column, "found text after a quoted cell, expected a comma or the line's end");
    return 0;
}

static void read_plain(struct reader *r, const char **ret_text)
{
    const char *from = r->at;

    for (; r->at < r->end && *r->at != ',' && *r->at != '\n'; r->at++)
        if (((unsigned char)*r->at & 0xc0) != 0x80)
            r->column++;
    *ret_text = trimmed(r, from, r->at);
}

/* One record; the header decides how many cells each has. */
static int read_record(struct reader *r, bool header)
{
    struct csv *c = r->csv;
    uint32_t line = r->line;
    size_t n = 0, most = header ? r->limits.columns : c->columns;

    for (;;) {
        struct cell cell = {.line = r->line, .column = r->column};
        if (r->at < r->end && *r->at == '"') {
            if (read_quoted(r, &cell.text) < 0)
                return -1;
        } else {
            read_plain(r, &cell.text);
        }
        if (n == most)
            return header ? fail(r, cell.line, cell.column, "more than %zu columns", most)
                          : fail(r, cell.line, cell.column, "found more cells than the header has columns, expected %zu", most);
        if (c->cell_count == 4 * r->limits.rows)
            return fail(r, cell.line, cell.column, "more than %zu cells", c->cell_count);
        GROW(c->cells, c->cell_cap, c->cell_count + 1);
        c->cells[c->cell_count++] = cell;
        n++;
        if (r->at == r->end || *r->at == '\n')
            break;
        r->at++; /* the comma */
        r->column++;
    }
    if (r->at < r->end)
        r->at++;
    if (!header && n < most)
        return fail(r, line, 1, "found %zu cell%s, expected %zu as in the header", n, n == 1 ? "" : "s", most);
    next_line(r);
    if (header)
        c->columns = n;
    else
        c->rows++;
    return 0;
}

static int check_header(struct reader *r)
{
    const struct csv *c = r->csv;
    char buf[DOC_FOUND_MAX];

    for (size_t i = 0; i < c->columns; i++) {
        const struct cell *cell = &c->cells[i];
        if (!*cell->text)
            return fail(r, cell->line, cell->column, "found an empty column name, expected a name");
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->cells[k].text, cell->text) == 0)
                return fail(r, cell->line, cell->column, "found the column %s again, the first one is at %u:%u",
                            shown(cell->text, buf), c->cells[k].line, c->cells[k].column);
    }
    return 0;
}

static bool blank_line(const struct reader *r)
{
    const char *p = r->at;

    while (p < r->end && blank(*p))
        p++;
    return p == r->end || *p == '\n';
}

static void skip_line(struct reader *r)
{
    const char *eol = memchr(r->at, '\n', (size_t)(r->end - r->at));

    r->at = eol ? eol + 1 : r->end;
    next_line(r);
}

static int read_table(struct reader *r)
{
    struct csv *c = r->csv;

    if (r->end - r->at >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
        r->at += 3;
    while (r->at < r->end) {
        int rc = 0;
        if (*r->at == '#')
            rc = read_meta(r);
        else if (blank_line(r))
            skip_line(r);
        else if (c->columns && c->rows == r->limits.rows)
            rc = fail(r, r->line, 1, "more than %zu rows", r->limits.rows);
        else if (c->columns)
            rc = read_record(r, false);
        else if ((rc = read_record(r, true)) == 0)
            rc = check_header(r);
        if (rc < 0)
            return rc;
    }
    if (!c->columns)
        return fail(r, r->line, 1, "found no header, expected a line with the columns' names");
    return 0;
}

static struct csv *read_csv(const char *name, const char *data, size_t n, const struct csv_limits *limits,
                            struct err *err)
{
    struct csv *c = xcalloc(1, sizeof *c);
    struct reader r = {.csv = c, .limits = *limits, .at = data, .end = data + n, .line = 1, .column = 1, .err = err};
    const char *nul = n ? memchr(data, '\0', n) : NULL;
    int rc = 0;

    c->arena = arena_new();
    c->name = arena_strdup(c->arena, strcmp(name, "-") == 0 ? "<stdin>" : name);
    if (nul) {
        for (const char *p = data; p < nul; p++) {
            r.column++;
            if (*p == '\n')
                next_line(&r);
        }
        rc = fail(&r, r.line, r.column, "found a NUL byte, expected text");
    }
    if (rc == 0)
        rc = read_table(&r);
    free(r.scratch);
    if (rc < 0) {
        csv_free(c);
        return NULL;
    }
    return c;
}

static struct csv_limits with_defaults(const struct csv_limits *given)
{
    struct csv_limits l = given ? *given : DEFAULTS;

    l.bytes = l.bytes ? l.bytes : DEFAULTS.bytes;
    l.rows = l.rows ? l.rows : DEFAULTS.rows;
    l.columns = l.columns ? l.columns : DEFAULTS.columns;
    return l;
}

struct csv *csv_open(const char *path, const struct csv_limits *limits, struct err *err)
{
    struct csv_limits l = with_defaults(limits);
    cleanup_buf struct buf b;

    buf_init(&b, l.bytes);
    return file_read(path, &b, err) == 0 ? read_csv(path, buf_str(&b), b.len, &l, err) : NULL;
}

struct csv *csv_parse(const char *name, const char *data, size_t n, const struct csv_limits *limits, struct err *err)
{
    struct csv_limits l = with_defaults(limits);

    if (n > l.bytes) {
        err_set(err, ERR_INPUT, "%.200s: has %zu bytes, at most %zu are read", name, n, l.bytes);
        return NULL;
    }
    return read_csv(name, data, n, &l, err);
}

void csv_free(struct csv *c)
{
    if (!c)
        return;
    arena_free(c->arena);
    free(c->meta);
    free(c->cells);
    free(c);
}

const char *csv_file(const struct csv *c)
{
    return c->name;
}

size_t csv_meta_count(const struct csv *c)
{
    return c->meta_count;
}

const char *csv_meta_key(const struct csv *c, size_t i)
{
    return c->meta[i].key;
}

const char *csv_meta_value(const struct csv *c, size_t i)
{
    return c->meta[i].value;
}

static const struct meta *find_meta(const struct csv *c, const char *key)
{
    for (size_t i = 0; i < c->meta_count; i++)
        if (strcmp(c->meta[i].key, key) == 0)
            return &c->meta[i];
    return NULL;
}

const char *csv_meta(const struct csv *c, const char *key)
{
    const struct meta *m = find_meta(c, key);

    return m ? m->value : NULL;
}

size_t csv_columns(const struct csv *c)
{
    return c->columns;
}

size_t csv_rows(const struct csv *c)
{
    return c->rows;
}

const char *csv_column_name(const struct csv *c, size_t column)
{
    return c->cells[column].text;
}

int csv_column(const struct csv *c, const char *name)
{
    for (size_t i = 0; i < c->columns; i++)
        if (strcmp(c->cells[i].text, name) == 0)
            return (int)i;
    return -1;
}

static const struct cell *cell_at(const struct csv *c, size_t row, size_t column)
{
    return &c->cells[(row + 1) * c->columns + column];
}

const char *csv_cell(const struct csv *c, size_t row, size_t column)
{
    return cell_at(c, row, column)->text;
}

int csv_line(const struct csv *c, size_t row)
{
    return (int)cell_at(c, row, 0)->line;
}

int csv_number(const struct csv *c, size_t row, size_t column, double *ret, struct err *err)
{
    const char *text = csv_cell(c, row, column);
    char buf[DOC_FOUND_MAX];

    if (!*text)
        return 0;
    if (units_parse_real(text, strlen(text), ret) == 0)
        return 1;
    return csv_fail(c, row, column, err, "found %s, expected a finite number", shown(text, buf));
}

int csv_meta_number(const struct csv *c, const char *key, double *ret, struct err *err)
{
    const struct meta *m = find_meta(c, key);
    char buf[DOC_FOUND_MAX];

    if (!m)
        return 0;
    if (units_parse_real(m->value, strlen(m->value), ret) == 0)
        return 1;
    return err_set(err, ERR_INPUT, "%.200s:%u:1: # %.40s: found %s, expected a finite number", c->name, m->line, key,
                   shown(m->value, buf));
}

int csv_fail(const struct csv *c, size_t row, size_t column, struct err *err, const char *fmt, ...)
{
    const struct cell *cell = cell_at(c, row, column);
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_INPUT, "%.200s:%u:%u: %.60s: %s", c->name, cell->line, cell->column,
                   csv_column_name(c, column), text);
}
