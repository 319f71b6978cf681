/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type of the program.
 *
 * A function that can fail takes a struct err as its last argument and returns a negative value (or
 * NULL) when it has filled it in. On success the error is left untouched. Callers add context on the
 * way up with err_wrap(). Library code never prints and never exits: src/cmd does both.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* What kind of failure it is; the values are the program's exit statuses (docs/errors.md). */
enum err_kind {
    ERR_NONE = 0,
    ERR_NO = 1,       /* done, and the answer is no: objective missed, no feasible plan */
    ERR_INPUT = 2,    /* bad usage or bad input; nothing was changed */
    ERR_OUTSIDE = 3,  /* something outside is missing or refused: a file, a socket, a permission */
    ERR_INVALID = 4,  /* the measurement cannot be stood behind; its number is withheld */
    ERR_STOPPED = 130 /* interrupted; what was measured is kept */
};

struct err {
    enum err_kind kind;
    char msg[1000]; /* one line of valid UTF-8, '?' for control characters; empty while kind is ERR_NONE */
};

/* Fills in *e, replacing what it held, and returns -1. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Prefixes the message with "CONTEXT: " and returns -1, so that `return err_wrap(...)` reads well. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
