/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of data/ (the GPU catalogue, profiles, texts, the report's style) and of examples/ that are
 * part of the program. Written by tools/embed.py at build time.
 */
#pragma once

#include <stddef.h>

struct embedded_file {
    const char *path; /* below data/: "gpus/a100-sxm4-80gb.yaml"; or "examples/voice.yaml" */
    const char *data; /* NUL-terminated beyond size */
    size_t size;
};

/* Sorted by path; the last entry's path is NULL. */
extern const struct embedded_file embedded_files[];
