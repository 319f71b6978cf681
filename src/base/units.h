/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations, memory and counts as people write and read them.
 *
 * Parsing takes `n` bytes (no NUL needed), wants the whole of them, refuses negative values and whatever does
 * not fit, and returns 0 or -1. Printing gives three significant digits with a unit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* `250ms`, `2s`, `1.5s`, `1m30s`, `1h`, `20us`, `900ns`, `0`: units falling, each once. To ns. */
int units_parse_duration(const char *s, size_t n, int64_t *ret_ns);

/* `9.6Gi`, `40GiB`, `512Mi`, `2GB`, `1024`: Ki..Pi are powers of 1024, k K M G T P of 1000, B optional. To bytes. */
int units_parse_memory(const char *s, size_t n, int64_t *ret_bytes);

/* A finite decimal number, in JSON's grammar with a leading + or . allowed; locale-free. */
int units_parse_real(const char *s, size_t n, double *ret);
int units_parse_int(const char *s, size_t n, int64_t *ret); /* decimal digits, a leading -; 1_000 is refused */

enum { UNITS_MAX = 32 };
char *units_duration(char buf[UNITS_MAX], int64_t ns); /* "850 us", "168 ms", "1.52 s", "6 min 15 s", "2 h 5 min" */
char *units_memory(char buf[UNITS_MAX], int64_t bytes); /* "9.60 GiB", "512 MiB", "73.2 GiB" */
char *units_count(char buf[UNITS_MAX], double n);      /* "950", "12.3 k", "4.56 M" */

/* A form that parses back to the same value: `1m30s`, `250ms`. */
char *units_duration_exact(char buf[UNITS_MAX], int64_t ns);
