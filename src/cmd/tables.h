/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measured tables as operands, with the options that say what a table leaves open: `snug validate`
 * and `snug fit`.
 */
#pragma once

#include "cmd/cli.h"
#include "sim/measured.h"

/* For both commands; applied by tables_profile(). */
#define TABLES_GPU_OPTION                                                                                     \
    {"gpu", 0, "MODEL", NULL, false, "carry the profile over to this GPU of the catalogue first (FLOP/s, bandwidth, memory)"}

#define TABLES_OPTIONS                                                                                        \
    {"isl", 0, "TOKENS", NULL, false, "prompt tokens of every request"},                                      \
    {"osl", 0, "TOKENS", NULL, false, "tokens of every answer"},                                              \
    {"audio-s", 0, "SECONDS", NULL, false, "audio of a request: what TTS makes, what ASR hears"},             \
    {"chunk-ms", 0, "MS", NULL, false, "audio of a streaming ASR message (default 160)"},                     \
    {"requests", 0, "N", NULL, false, "requests of a level"},                                                 \
    {"servers", 0, "N", NULL, false, "servers of the profile side by side on the GPU (default 1)"},           \
    {"mode", 0, "MODE", "time-slicing mps", false, "how several servers share it (default time-slicing)"},    \
    {"where", 0, "COLUMN=VALUE", NULL, true, "only rows whose column says this"}

enum { TABLES_MAX = 32, TABLES_WHERE_MAX = 16 };

struct tables {
    struct csv *files[TABLES_MAX]; /* owned */
    struct measured *at[TABLES_MAX];
    double beyond[TABLES_MAX];     /* above this load a row is held out (sim/validate.h) */
    size_t count;
    const char *where[TABLES_WHERE_MAX + 1];
};

/* Loads the profile that the option names, carried over to --gpu where that is given. NULL with err. */
struct profile *tables_profile(const struct cli *cli, const char *option, struct catalog *gpus, struct err *err);

/* Reads the command's operands for p; what it gives lives in `a` and in *t. */
int tables_read(struct tables *t, const struct cli *cli, const struct profile *p, struct catalog *gpus, struct arena *a,
                struct err *err);
void tables_done(struct tables *t);
#define cleanup_tables __attribute__((cleanup(tables_done)))
