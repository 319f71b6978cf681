/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "check.h"

void check_golden(const char *name, const char *text)
{
    cleanup_free char *path = xasprintf("tests/golden/%s", name);
    const char *update = getenv("SNUG_GOLDEN");
    struct buf want = {.max = FILE_MAX_INPUT};
    struct err err = {0};
    const char *a = text, *b;
    int line = 1;

    if (update && strcmp(update, "update") == 0) {
        if (file_write(path, text, strlen(text), &err) < 0)
            check_fail(__FILE__, __LINE__, "%s", err.msg);
        return;
    }
    if (file_read(path, &want, &err) < 0)
        check_fail(__FILE__, __LINE__, "%s (SNUG_GOLDEN=update makes it)", err.msg);
    for (b = buf_str(&want); *a && *a == *b; a++, b++)
        line += *a == '\n';
    if (*a != *b) {
        while (a > text && a[-1] != '\n')
            a--, b--;
        check_fail(__FILE__, __LINE__, "%s:%d: \"%.*s\", expected \"%.*s\"", path, line,
                   (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
    }
    buf_done(&want);
}

enum { DEPTH = 64 };

struct markup {
    const char *start, *at;
    char open[DEPTH][24];
    int depth;
};

_Noreturn static void broken(const struct markup *m, const char *what)
{
    int line = 1;

    for (const char *p = m->start; p < m->at; p++)
        line += *p == '\n';
    check_fail(__FILE__, __LINE__, "markup line %d: %s at \"%.60s\"", line, what, m->at);
}

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "br", "hr", "link", "img", "input", "col"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void read_name(struct markup *m, char name[24])
{
    size_t n = 0;

    while (isalnum((unsigned char)m->at[n]) || m->at[n] == '-')
        n++;
    if (n == 0 || n >= 24)
        broken(m, "bad name");
    memcpy(name, m->at, n);
    name[n] = '\0';
    m->at += n;
}

static void check_entity(struct markup *m)
{
    const char *p = m->at + 1;

    while (isalnum((unsigned char)*p) || *p == '#')
        p++;
    if (*p != ';' || p == m->at + 1)
        broken(m, "bare ampersand");
    m->at = p + 1;
}

static void read_attribute(struct markup *m)
{
    char name[24];

    if (m->at[-1] != ' ' && m->at[-1] != '\n')
        broken(m, "attributes run together");
    read_name(m, name);
    if (*m->at != '=')
        return; /* a boolean one */
    m->at++;
    if (*m->at++ != '"')
        broken(m, "attribute without quotes");
    while (*m->at && *m->at != '"') {
        if (*m->at == '<' || *m->at == '>')
            broken(m, "markup in an attribute");
        if (*m->at == '&')
            check_entity(m);
        else
            m->at++;
    }
    if (*m->at++ != '"')
        broken(m, "attribute without end");
    if (strncmp(name, "on", 2) == 0)
        broken(m, "event handler");
}

static void read_open(struct markup *m)
{
    char name[24], end[32];
    bool closed = false;

    read_name(m, name);
    while (*m->at && *m->at != '>') {
        if (*m->at == '/' && m->at[1] == '>')
            closed = true, m->at++;
        else if (isspace((unsigned char)*m->at))
            m->at++;
        else
            read_attribute(m);
    }
    if (*m->at++ != '>')
        broken(m, "tag without end");
    if (closed || is_void(name))
        return;
    if (strcmp(name, "script") == 0 || strcmp(name, "style") == 0) {
        snprintf(end, sizeof end, "</%s>", name);
        m->at = strstr(m->at, end);
        if (!m->at)
            check_fail(__FILE__, __LINE__, "%s never ends", name);
        m->at += strlen(end);
        return;
    }
    if (m->depth == DEPTH)
        broken(m, "too deep");
    memcpy(m->open[m->depth++], name, sizeof name);
}

void check_markup(const char *html)
{
    struct markup m = {.start = html, .at = html};
    char name[24];

    if (strncasecmp(m.at, "<!doctype html>", 15) == 0)
        m.at += 15;
    while (*m.at) {
        if (*m.at == '&') {
            check_entity(&m);
        } else if (*m.at != '<') {
            if (*m.at == '>')
                broken(&m, "bare >");
            m.at++;
        } else if (m.at[1] == '/') {
            m.at += 2;
            read_name(&m, name);
            if (m.depth == 0 || strcmp(m.open[m.depth - 1], name) != 0)
                broken(&m, m.depth ? m.open[m.depth - 1] : "nothing is open");
            m.depth--;
            if (*m.at++ != '>')
                broken(&m, "bad end tag");
        } else {
            m.at++;
            read_open(&m);
        }
    }
    if (m.depth)
        check_fail(__FILE__, __LINE__, "<%s> is never closed", m.open[m.depth - 1]);
}
