/* SPDX-License-Identifier: Apache-2.0 */
/* snug help: the overview, a command's help, the man pages, shell completion. */
#include "base/buf.h"
#include "base/str.h"
#include "cmd/cli.h"
#include "cmd/manual.h"

static int unknown(const char *word, struct err *err)
{
    return err_set(err, ERR_INPUT, "help: there is no command \"%s\"; 'snug help' lists them", word);
}

static int run(struct cli *cli, struct err *err)
{
    const struct command *c = NULL;
    cleanup_buf struct buf b;

    buf_init(&b, BUF_MAX_OUTPUT);
    if (cli->operand_count && !(c = cli_find(cli->operands[0])))
        return unknown(cli->operands[0], err);
    if (cli_has(cli, "completion"))
        manual_bash(&b);
    else if (cli_has(cli, "man"))
        manual_roff(&b, c);
    else if (c)
        manual_help(&b, c);
    else
        manual_overview(&b, NULL);
    return cli_output(cli, buf_str(&b), b.len, err);
}

static const struct cli_option options[] = {
    {.name = "man", .help = "print the man page, of snug itself when no command is named"},
    {.name = "completion", .arg = "SHELL", .choices = "bash", .help = "print a script that completes snug's commands and options"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"snug help gpus", "the help of 'snug gpus'"},
    {"snug help --man gpus | man -l -", "its man page, without installing anything"},
    {"source <(snug help --completion bash)", "completion in the running shell"},
    {NULL, NULL},
};

const struct command command_help = {
    .name = "help",
    .summary = "what the commands do",
    .operands = "[COMMAND]",
    .max_operands = 1,
    .options = options,
    .description = "Without an operand, lists the commands. With one, shows that command's help, as 'snug COMMAND --help' does.",
    .examples = examples,
    .run = run,
};
