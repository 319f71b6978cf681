/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files: read with a stated maximum, written all or not at all.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { FILE_MAX_INPUT = 64 << 20 }; /* bytes of one input file; more is refused before it is parsed */

/*
 * Appends the file's bytes to *b, "-" being standard input. ERR_OUTSIDE when it cannot be read, ERR_INPUT
 * when it is a directory or longer than b->max (a regular file by its size, before anything is read).
 */
int file_read(const char *path, struct buf *b, struct err *err);

/*
 * Writes n bytes to path. A regular file appears whole or stays as it was (temporary file beside it, then
 * rename); a device or pipe is written to directly. Fails with ERR_OUTSIDE.
 */
int file_write(const char *path, const void *data, size_t n, struct err *err);

/* Makes the directory and its missing parents; an existing one is fine. Fails with ERR_OUTSIDE. */
int file_make_dir(const char *path, struct err *err);
