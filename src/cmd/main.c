/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the subcommand, runs it, reports its error. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd/cli.h"
#include "cmd/commands.h"
#include "cmd/manual.h"

#define X(name) extern const struct command command_##name;
COMMANDS(X)
#undef X

const struct command *const cli_commands[] = {
#define X(name) &command_##name,
    COMMANDS(X)
#undef X
    NULL,
};

static atomic_int interrupted;

const atomic_int *cli_interrupted(void)
{
    return &interrupted;
}

static void on_signal(int number)
{
    atomic_store(&interrupted, number);
}

/* The first Ctrl-C asks, the second one ends the process as it would without a handler. */
static void install_signals(void)
{
    struct sigaction ask = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &ask, NULL);
    sigaction(SIGTERM, &ask, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* write(2) says EPIPE instead, see cli_output() */
}

/* A file must never get the number of a standard stream that came closed: what is printed would land in it. */
static void keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            _exit(ERR_OUTSIDE);
}

const struct command *cli_find(const char *name)
{
    for (const struct command *const *c = cli_commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

static int unknown_command(const char *word, struct err *err)
{
    const char *names[sizeof cli_commands / sizeof cli_commands[0]] = {NULL}, *near;

    for (size_t i = 0; cli_commands[i]; i++)
        names[i] = cli_commands[i]->name;
    near = str_nearest(word, names);
    if (near)
        return err_set(err, ERR_INPUT, "unknown command \"%s\", did you mean \"%s\"?", word, near);
    return err_set(err, ERR_INPUT, "unknown command \"%s\"; 'snug help' lists them", word);
}

static int show(void (*render)(struct buf *b, const struct command *c), const struct command *c, struct err *err)
{
    struct cli cli = {.command = c};
    cleanup_buf struct buf b;

    buf_init(&b, BUF_MAX_OUTPUT);
    render(&b, c);
    return cli_output(&cli, buf_str(&b), b.len, err);
}

static int run_command(const struct command *c, int argc, char **argv, struct err *err)
{
    __attribute__((cleanup(cli_done))) struct cli cli;
    int rc = cli_parse(&cli, c, argc, argv, err);

    if (rc < 0) {
        err_wrap(err, "%s", c->name);
        fprintf(stderr, "snug: %s\nsnug: 'snug %s --help' shows its options\n", err->msg, c->name);
        return err->kind;
    }
    if (rc == CLI_SHOW_HELP)
        rc = show(manual_help, c, err);
    else if (rc == CLI_SHOW_VERSION)
        rc = show(manual_version, c, err);
    else
        rc = c->run(&cli, err);
    if (rc < 0) {
        fprintf(stderr, "snug: %s\n", err->msg);
        return err->kind;
    }
    return rc;
}

static int program(int argc, char **argv)
{
    struct err err = {.kind = ERR_NONE};
    const struct command *c;
    int rc = 0;

    if (argc < 2) {
        cleanup_buf struct buf b;
        buf_init(&b, BUF_MAX_OUTPUT);
        manual_overview(&b, NULL);
        fputs(buf_str(&b), stderr);
        return ERR_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        rc = show(manual_overview, NULL, &err);
    else if (strcmp(argv[1], "--version") == 0)
        rc = show(manual_version, NULL, &err);
    else if (argv[1][0] == '-')
        rc = err_set(&err, ERR_INPUT, "%s: options come after the command: snug COMMAND [OPTION]...", argv[1]);
    else if ((c = cli_find(argv[1])))
        return run_command(c, argc - 1, argv + 1, &err);
    else
        rc = unknown_command(argv[1], &err);
    if (rc < 0)
        fprintf(stderr, "snug: %s\n", err.msg);
    return rc < 0 ? (int)err.kind : 0;
}

int main(int argc, char **argv)
{
    keep_standard_streams();
    install_signals();
    return program(argc, argv);
}
