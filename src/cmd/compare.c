/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cmd/execution.h"
#include "load/verdict.h"
#include "report/run_dir.h"

static const struct cli_option options[] = {
    EXECUTION_OPTIONS("5"),
    {.name = "against",
     .arg = "NAME",
     .help = "the configuration that the best one is held against (default: the runner-up)"},
    {.name = "headroom",
     .help = "also search the most users with whom each configuration meets the objectives"},
    {0},
};

static const struct cli_example examples[] = {
    {"snug compare -f examples/voice.yaml", "all configurations, light and heavy load, a verdict"},
    {"snug compare -f examples/voice.yaml --headroom", "also how many users each would serve"},
    {"snug compare -f examples/voice.yaml --load heavy -o json", "for scripts"},
    {"snug compare runs/mig runs/ts", "hold kept runs against each other"},
    {0},
};

/* Kept runs, as one comparison: their configurations side by side. */
static struct comparison *read_runs(const struct cli *cli, struct err *err)
{
    struct comparison *all = NULL;

    for (size_t i = 0; i < cli->operand_count; i++) {
        struct comparison *one = run_dir_read(cli->operands[i], err);
        if (!one || (all && comparison_join(all, one, err) < 0)) {
            err_wrap(err, "%s", cli->operands[i]);
            comparison_free(one);
            comparison_free(all);
            return NULL;
        }
        all = all ? all : one;
    }
    return all;
}

static int compare_runs(struct cli *cli, struct err *err)
{
    struct comparison *c;
    int rc;

    if (cli->file_count)
        return err_set(err, ERR_INPUT, "found both -f and run folders, expected one of them");
    c = read_runs(cli, err);
    if (!c)
        return -1;
    if (c->count > 1)
        verdict_decide(c, NULL, cli_get(cli, "against"));
    rc = execution_print(cli, c, err);
    comparison_free(c);
    return rc;
}

static int run(struct cli *cli, struct err *err)
{
    cleanup_scenario struct scenario *s = NULL;
    cleanup_free const char **configurations = execution_names(cli, "configuration"),
                            **loads = execution_names(cli, "load");
    struct execution x = {.configurations = configurations,
                          .loads = loads,
                          .against = cli_get(cli, "against"),
                          .headroom = cli_has(cli, "headroom"),
                          .verdict = true};
    int64_t repetitions = 5;

    if (cli->operand_count)
        return compare_runs(cli, err);
    if (!(s = execution_scenario(cli, err)) ||
        cli_get_int(cli, "repetitions", 1, 1000, &repetitions, err) < 0)
        return -1;
    if (x.against && !scenario_find_configuration(s, x.against, err))
        return -1;
    x.scenario = s;
    x.repetitions = (unsigned)repetitions;
    return execution_run(cli, &x, err);
}

const struct command command_compare = {
    .name = "compare",
    .summary = "hold a scenario's configurations against each other and give a verdict",
    .operands = "[RUN]...",
    .max_operands = 64,
    .common = CLI_FILE | CLI_FORMAT,
    .formats = EXECUTION_FORMATS,
    .options = options,
    .description = "Runs every configuration of a scenario under its loads, several times with "
                   "common random numbers, in virtual time, and says "
                   "which does more work per GPU, by how much, whether that is more than chance, "
                   "what limits each, and which to use in production "
                   "and in development. Differences are paired over the repetitions; intervals are "
                   "Student's at 95 %.\n\n"
                   "With RUN, folders that simulate --out or compare --out left, nothing is run: "
                   "what was measured is read again.\n\n"
                   "Exits 0 when a configuration meets the objectives, 1 when none does, 4 when no "
                   "result is valid.",
    .examples = examples,
    .run = run,
};
