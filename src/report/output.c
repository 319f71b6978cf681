/* SPDX-License-Identifier: Apache-2.0 */
#include "report/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "report/text.h"

enum { LINE = 100, INDENT = 2 };

json_t *output_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *output_string(const char *s)
{
    cleanup_buf struct buf clean = {.max = BUF_MAX_OUTPUT};
    json_t *j = s ? json_string(s) : json_null();
    size_t n;
    unsigned c;

    if (j)
        return j;
    for (; (n = text_decode(s, &c)); s += n) {
        if (c == 0xfffd && n == 1)
            buf_puts(&clean, "\xef\xbf\xbd");
        else
            buf_add(&clean, s, n);
    }
    return json_string(buf_str(&clean));
}

void output_double(struct buf *out, double v)
{
    char text[40];

    if (!isfinite(v)) {
        buf_puts(out, "null");
        return;
    }
    snprintf(text, sizeof text, "%.9g", v == 0 ? 0 : v); /* no -0 */
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = '.'; /* whatever the locale says */
    buf_puts(out, text);
    if (!strpbrk(text, ".e"))
        buf_puts(out, ".0");
}

static void put_string(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_puts(out, "\\n");
        else if (c == '\t')
            buf_puts(out, "\\t");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

static void put_scalar(struct buf *out, const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_STRING:
        put_string(out, json_string_value(j));
        break;
    case JSON_INTEGER:
        buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
        break;
    case JSON_REAL:
        output_double(out, json_real_value(j));
        break;
    case JSON_TRUE:
        buf_puts(out, "true");
        break;
    case JSON_FALSE:
        buf_puts(out, "false");
        break;
    default:
        buf_puts(out, "null");
        break;
    }
}

/* On one line; stops early once `out` is full. */
static void put_flat(struct buf *out, const json_t *j)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_object(j)) {
        bool first = true;
        buf_putc(out, '{');
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            if (!first)
                buf_puts(out, ", ");
            first = false;
            put_string(out, key);
            buf_puts(out, ": ");
            put_flat(out, value);
            if (buf_full(out))
                return;
        }
        buf_putc(out, '}');
    } else if (json_is_array(j)) {
        buf_putc(out, '[');
        json_array_foreach(j, i, value)
        {
            if (i)
                buf_puts(out, ", ");
            put_flat(out, value);
            if (buf_full(out))
                return;
        }
        buf_putc(out, ']');
    } else {
        put_scalar(out, j);
    }
}

/* Appends j on one line if it takes at most `room` bytes; else appends nothing and says false. */
static bool fits_flat(struct buf *out, const json_t *j, int room)
{
    cleanup_buf struct buf flat = {.max = (size_t)(room > 0 ? room : 0)};

    if (room <= 0)
        return false;
    put_flat(&flat, j);
    if (buf_full(&flat))
        return false;
    buf_puts(out, buf_str(&flat));
    return true;
}

static bool only_scalars(const json_t *array)
{
    size_t i;
    json_t *value;

    json_array_foreach(array, i,
                       value) if (json_is_object(value) || json_is_array(value)) return false;
    return json_array_size(array) > 0;
}

static void newline(struct buf *out, int indent)
{
    buf_printf(out, "\n%*s", indent, "");
}

/* A row of scalars over as many lines as it takes. `room` is what the first line has left. */
static void put_filled(struct buf *out, const json_t *array, int indent)
{
    int used = LINE;
    size_t i, n = json_array_size(array);
    json_t *value;

    buf_putc(out, '[');
    json_array_foreach(array, i, value)
    {
        cleanup_buf struct buf cell;
        buf_init(&cell, BUF_MAX_OUTPUT);
        put_scalar(&cell, value);
        if (i + 1 < n)
            buf_putc(&cell, ',');
        if (used + 1 + (int)cell.len > LINE) {
            newline(out, indent + INDENT);
            used = indent + INDENT;
        } else {
            buf_putc(out, ' ');
            used++;
        }
        buf_puts(out, buf_str(&cell));
        used += (int)cell.len;
    }
    newline(out, indent);
    buf_putc(out, ']');
}

static void put_json(struct buf *out, const json_t *j, int indent, int used)
{
    const char *key;
    json_t *value;
    size_t i;
    bool first = true;

    /* One byte is kept for the comma that may follow. */
    if ((!json_is_object(j) && !json_is_array(j)) ||
        (indent > 0 && fits_flat(out, j, LINE - used - 1))) {
        if (!json_is_object(j) && !json_is_array(j))
            put_scalar(out, j);
        return;
    }
    if (json_is_array(j) && only_scalars(j)) {
        put_filled(out, j, indent);
        return;
    }
    buf_putc(out, json_is_object(j) ? '{' : '[');
    if (json_is_object(j)) {
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            if (!first)
                buf_putc(out, ',');
            first = false;
            newline(out, indent + INDENT);
            put_string(out, key);
            buf_puts(out, ": ");
            put_json(out, value, indent + INDENT, indent + INDENT + (int)strlen(key) + 4);
        }
    } else {
        json_array_foreach(j, i, value)
        {
            if (!first)
                buf_putc(out, ',');
            first = false;
            newline(out, indent + INDENT);
            put_json(out, value, indent + INDENT, indent + INDENT);
        }
    }
    if (!first)
        newline(out, indent);
    buf_putc(out, json_is_object(j) ? '}' : ']');
}

void output_json(const json_t *root, struct buf *out)
{
    put_json(out, root, 0, 0);
    buf_putc(out, '\n');
}

/* ---- YAML ---- */

/* A word that every YAML reader takes for the same text; all others are written as JSON strings,
 * which are YAML too. */
static bool plain_word(const char *s)
{
    static const char *const taken[] = {"true", "false", "yes", "no",  "on", "off",
                                        "null", "y",     "n",   "inf", "nan"};
    size_t n = strlen(s);

    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcasecmp(s, taken[i]) == 0)
            return false;
    return n > 0 && n < 60 && ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_') &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./@") == n;
}

static void put_yaml_string(struct buf *out, const char *s)
{
    if (plain_word(s))
        buf_puts(out, s);
    else
        put_string(out, s);
}

static void put_yaml(struct buf *out, const json_t *j, int indent, int used, bool in_item)
{
    const char *key;
    json_t *value;
    size_t i;
    bool first = in_item;

    if (json_is_string(j)) {
        put_yaml_string(out, json_string_value(j));
    } else if (!json_is_object(j) && !json_is_array(j)) {
        put_scalar(out, j);
    } else if (json_is_array(j) && (only_scalars(j) || json_array_size(j) == 0)) {
        if (!fits_flat(out, j, LINE - used))
            put_filled(out, j, indent);
    } else if (json_is_array(j)) {
        json_array_foreach(j, i, value)
        {
            if (i || used > 0)
                newline(out, indent);
            buf_puts(out, "- ");
            put_yaml(out, value, indent + INDENT, indent + INDENT, true);
        }
    } else if (json_object_size(j) == 0) {
        buf_puts(out, "{}");
    } else {
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            if (!first)
                newline(out, indent);
            first = false;
            put_yaml_string(out, key);
            buf_puts(out, ": ");
            /* A small mapping of scalars reads better on its line; below, `used` > 0 begins on the
             * next one. */
            if (json_is_object(value) && json_object_size(value) &&
                fits_flat(out, value, LINE - indent - (int)strlen(key) - 2))
                continue;
            if ((json_is_object(value) && json_object_size(value)) ||
                (json_is_array(value) && json_array_size(value) && !only_scalars(value)))
                out->data[--out->len] = '\0';
            put_yaml(out, value, indent + INDENT, indent + (int)strlen(key) + 2, false);
        }
    }
}

void output_yaml(const json_t *root, struct buf *out)
{
    put_yaml(out, root, 0, 0, true);
    buf_putc(out, '\n');
}

/* ---- CSV ---- */

void output_csv_cell(struct buf *out, const char *s)
{
    if (!strpbrk(s, ",\"\r\n") && *s != ' ' && *s != '#') {
        buf_puts(out, s);
        return;
    }
    buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"')
            buf_putc(out, '"');
        buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

/* Flattens j into the object `flat`, keys joined by dots. */
static void flatten(json_t *flat, const char *prefix, const json_t *j)
{
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_object(j)) {
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            cleanup_free char *path = *prefix ? xasprintf("%s.%s", prefix, key) : xstrdup(key);
            flatten(flat, path, value);
        }
    } else if (json_is_array(j)) {
        json_array_foreach(j, i, value)
        {
            cleanup_free char *path = xasprintf("%s.%zu", prefix, i);
            flatten(flat, path, value);
        }
    } else {
        json_object_set(flat, prefix, (json_t *)(uintptr_t)j);
    }
}

static void put_csv_value(struct buf *out, const json_t *j)
{
    cleanup_buf struct buf text = {.max = BUF_MAX_OUTPUT};

    if (!j || json_is_null(j))
        return;
    if (json_is_string(j))
        buf_puts(&text, json_string_value(j));
    else
        put_scalar(&text, j);
    output_csv_cell(out, buf_str(&text));
}

void output_csv(const json_t *rows, struct buf *out)
{
    cleanup_json json_t *flat = json_array(), *columns = json_object();
    const char *key;
    json_t *row, *value;
    size_t i;
    bool first = true;

    json_array_foreach(rows, i, row)
    {
        json_t *one = json_object();
        flatten(one, "", row);
        json_array_append_new(flat, one);
        json_object_foreach(one, key, value) if (!json_object_get(columns, key))
            json_object_set_new(columns, key, json_true());
    }
    json_object_foreach(columns, key, value)
    {
        if (!first)
            buf_putc(out, ',');
        first = false;
        output_csv_cell(out, key);
    }
    buf_putc(out, '\n');
    json_array_foreach(flat, i, row)
    {
        first = true;
        json_object_foreach(columns, key, value)
        {
            if (!first)
                buf_putc(out, ',');
            first = false;
            put_csv_value(out, json_object_get(row, key));
        }
        buf_putc(out, '\n');
    }
}
