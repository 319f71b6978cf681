/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a stated maximum (as curl's dynbuf).
 *
 * Appending past the maximum sets `full` and drops the bytes; whoever fills a buffer from outside
 * input checks buf_full() once at the end. The bytes are always followed by a NUL.
 */
#pragma once

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data; /* owned; NULL while empty */
    size_t len, cap, max;
    bool full;
};

enum { BUF_MAX_OUTPUT = 1 << 30 }; /* what the program itself writes: reports, manifests */

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
void buf_clear(struct buf *b); /* empties it and keeps the memory */
void buf_add(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
const char *buf_str(const struct buf *b); /* "" while empty; valid until the next append */
bool buf_full(const struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_done)))
