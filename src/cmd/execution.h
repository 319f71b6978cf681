/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What simulate, compare and demo share: from a scenario and a parsed command line to a printed
 * comparison.
 */
#pragma once

#include "cmd/cli.h"
#include "scenario/scenario.h"

#define EXECUTION_FORMATS "table json yaml csv html"

/* Options that mean the same in each of them; to be put into their tables. */
#define EXECUTION_OPTIONS(repetitions)                                                             \
    {.name = "configuration",                                                                      \
     .letter = 'c',                                                                                \
     .arg = "NAME",                                                                                \
     .repeatable = true,                                                                           \
     .help = "only this configuration of the scenario"},                                           \
        {.name = "load",                                                                           \
         .letter = 'l',                                                                            \
         .arg = "NAME",                                                                            \
         .repeatable = true,                                                                       \
         .help = "only this load of the scenario (default: those under its key compare)"},         \
    {                                                                                              \
        .name = "repetitions", .letter = 'r', .arg = "N",                                          \
        .help = "runs of each configuration under each load (default " repetitions ")"             \
    }

struct execution {
    const struct scenario *scenario;
    const char *const *configurations,
        *const *loads; /* names, NULL-terminated; NULL: all, the compared ones */
    unsigned repetitions;
    const char *against;
    bool headroom, verdict;
};

/* The values of a repeatable option, NULL-terminated, NULL if it was not given; the caller frees
 * the array. */
const char **execution_names(const struct cli *cli, const char *option);

/*
 * Runs it in virtual time, prints the result in the format asked for and writes the run folder, if
 * --out names one. Returns what a command's run() does: CLI_NO when an objective is missed or the
 * verdict is lost, CLI_INVALID when nothing measured is valid.
 */
int execution_run(struct cli *cli, const struct execution *x, struct err *err);

/* Prints a comparison however it came about, with the same answer. */
struct comparison;
int execution_print(struct cli *cli, const struct comparison *c, struct err *err);

/* Runs it, prints the table, and writes the whole report as HTML to `html`. */
int execution_demo(struct cli *cli, const struct execution *x, const char *html, struct err *err);

/* Reads the one scenario that -f names. */
struct scenario *execution_scenario(const struct cli *cli, struct err *err);
