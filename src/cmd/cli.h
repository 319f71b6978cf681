/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of every subcommand: one table of options from which come parsing, --help, the man page and
 * shell completion (cmd/manual.h), and one place that reports errors.
 *
 * A subcommand is one file src/cmd/NAME.c with its table and one call into the rooms below:
 *
 *     static int run(struct cli *cli, struct err *err) { ... return cli_output(cli, text, n, err); }
 *     const struct command command_gpus = {.name = "gpus", .summary = "...", .run = run, ...};
 *
 * and one word in COMMANDS (cmd/commands.h) and in src/cmd/meson.build.
 *
 * run() returns 0 (done, the answer is yes), CLI_NO (done, the answer is no: it stands in the output),
 * CLI_INVALID (the measurement was withheld, the output says why) or a negative value with *err filled in,
 * whose kind is the exit status (docs/errors.md). It prints nothing itself: results go through cli_output(), remarks
 * through cli_note() and cli_detail().
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CLI_NO = ERR_NO, CLI_INVALID = ERR_INVALID };

/* An option; an array of them ends with an entry whose name is NULL. */
struct cli_option {
    const char *name;    /* long name without dashes: "repetitions" */
    char letter;         /* short name, 0 for none */
    const char *arg;     /* name of its argument, in capitals; NULL for a switch */
    const char *choices; /* space-separated legal values, NULL: any */
    bool repeatable;     /* may be given more than once; otherwise the second one is an error */
    const char *help;    /* one sentence, no full stop, default in brackets: "users per GPU (default 5)" */
};

struct cli_example {
    const char *line; /* "snug gpus A30-24GB --layouts"; tests parse every one */
    const char *says; /* what it does, no full stop */
};

/* Which of the common options a command has; --out, --seed, -q, -v, --color and --help are always there. */
enum {
    CLI_FILE = 1,   /* -f FILE, repeatable */
    CLI_FORMAT = 2, /* -o FORMAT, one of .formats */
};

struct cli;

struct command {
    const char *name;
    const char *summary;  /* one line, no full stop: "the catalogue: GPU models, MIG profiles, legal layouts" */
    const char *operands; /* as in the synopsis: "[MODEL]..."; NULL: none are taken */
    unsigned min_operands, max_operands;
    unsigned common;                   /* CLI_FILE | CLI_FORMAT */
    const char *formats;               /* with CLI_FORMAT: "table json svg", the first is the default */
    const struct cli_option *options;  /* its own, may be NULL */
    const char *description;           /* paragraphs, an empty line apart; one that starts with a space is kept */
    const struct cli_example *examples; /* ended by a NULL line, may be NULL */
    int (*run)(struct cli *cli, struct err *err);
};

/* A parsed command line. Strings live as long as the program's arguments. */
struct cli {
    const struct command *command;
    const char *const *operands;
    size_t operand_count;
    const char *const *files; /* -f in order, "-" is standard input */
    size_t file_count;
    const char *format; /* one of the command's formats; NULL without CLI_FORMAT */
    const char *out;    /* --out; NULL: standard output */
    uint64_t seed;      /* --seed, 1 unless given */
    bool quiet;
    bool verbose;
    bool color; /* of what cli_output() will write: --color, NO_COLOR and the terminal decide */
    struct cli_given *given; /* the command's own options; owned, cmd/cli.c */
    size_t given_count, given_cap;
    const char **list; /* owned: files and operands */
    char *default_format; /* owned */
};

/*
 * Parses argv[1..] for a command, argv[0] being the command's name. Returns what is asked for, or fails with
 * ERR_INPUT. cli_done() frees in every case.
 */
enum cli_asked { CLI_RUN, CLI_SHOW_HELP, CLI_SHOW_VERSION };
int cli_parse(struct cli *cli, const struct command *command, int argc, char **argv, struct err *err);
void cli_done(struct cli *cli);

/* The command's own options; the name must stand in its table. */
bool cli_has(const struct cli *cli, const char *name);
size_t cli_count(const struct cli *cli, const char *name);
const char *cli_get(const struct cli *cli, const char *name); /* the (first) value; NULL: not given */
const char *cli_get_nth(const struct cli *cli, const char *name, size_t i);

/* A number within [lo, hi]; *value is left alone when the option was not given. Fails with ERR_INPUT. */
int cli_get_int(const struct cli *cli, const char *name, int64_t lo, int64_t hi, int64_t *value, struct err *err);
int cli_get_double(const struct cli *cli, const char *name, double lo, double hi, double *value, struct err *err);

/*
 * The result: to standard output, or to the file --out, which appears whole or not at all. A reader who
 * has closed the pipe (`| head`) is no error.
 */
int cli_output(struct cli *cli, const char *data, size_t n, struct err *err);

/* A remark on standard error: note unless -q, detail only with -v. One line, no newline. */
void cli_note(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_detail(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Nonzero once the user has pressed Ctrl-C (or SIGTERM came): finish, keep what was measured, fail
 * with ERR_STOPPED. A second one ends the process.
 */
const atomic_int *cli_interrupted(void);


/* All commands in the order of `snug help`, ended by NULL. */
extern const struct command *const cli_commands[];
const struct command *cli_find(const char *name); /* NULL: none of that name */

/* The common options, ended by a NULL name; whether a command has this one; the values that it takes, NULL: any. */
extern const struct cli_option cli_common_options[];
bool cli_has_common(const struct command *c, const struct cli_option *o);
const char *cli_choices(const struct command *c, const struct cli_option *o);
