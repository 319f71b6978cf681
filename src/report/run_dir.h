/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder that an execution leaves with --out DIR (INTERFACE section 2, Run):
 *   run.json     inputs, seed, versions, result, with every latency histogram; `snug compare
 * DIR...` reads it again turns.csv    a line per turn: configuration, load, repetition, user,
 * number, outcome, the stamps in ns (empty: did not happen) samples.csv  a line per second and
 * series of each first repetition: use of every resource, users, turns in flight All three appear
 * together at the end, or not at all.
 */
#pragma once

#include "load/record.h"
#include "load/result.h"
#include "sim/run.h"

struct run_dir;

struct run_dir *run_dir_new(void);
void run_dir_free(struct run_dir *d); /* NULL accepted */

/* Callbacks for struct compare_spec (sim/compare.h), with the run_dir as their argument. The sink
 * may be asked for from any thread. */
turn_sink *run_dir_sink(void *run_dir, const char *configuration, const char *load,
                        unsigned repetition, void **ret_sink_arg);
void run_dir_each(void *run_dir, const char *configuration, const char *load, unsigned repetition,
                  const struct run *run);

/* Writes it below `path`, which is made. Fails with ERR_OUTSIDE. */
int run_dir_write(struct run_dir *d, const char *path, const struct comparison *c, struct err *err);

/* Reads DIR/run.json (or the file itself). ERR_INPUT or ERR_OUTSIDE with its name. */
struct comparison *run_dir_read(const char *path, struct err *err);
