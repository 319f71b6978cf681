/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Messages quote what files say: that may not break a line, colour a terminal or be cut inside a character. */
static void clean(char *s)
{
    for (size_t n = strlen(s), len; n; s += len, n -= len) {
        len = str_utf8(s, n);
        if (!len || (unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = '?';
            len = 1;
        }
    }
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;

    e->kind = kind;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    clean(e->msg);
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char old[sizeof e->msg];
    va_list ap;
    size_t n;

    memcpy(old, e->msg, sizeof old);
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    n = strlen(e->msg);
    snprintf(e->msg + n, sizeof e->msg - n, ": %s", old);
    clean(e->msg);
    return -1;
}
