/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cmd/execution.h"

static const struct cli_option options[] = {
    EXECUTION_OPTIONS("1"),
    {0},
};

static const struct cli_example examples[] = {
    {"snug simulate -f examples/voice.yaml --configuration mig --load heavy",
     "one configuration under one load"},
    {"snug simulate -f examples/voice.yaml -c mig -l heavy --out runs/mig",
     "keep every turn: runs/mig/{run.json,turns.csv,samples.csv}"},
    {0},
};

static int run(struct cli *cli, struct err *err)
{
    cleanup_scenario struct scenario *s = execution_scenario(cli, err);
    cleanup_free const char **configurations = execution_names(cli, "configuration"),
                            **loads = execution_names(cli, "load");
    struct execution x = {.scenario = s, .configurations = configurations, .loads = loads};
    int64_t repetitions = 1;

    if (!s || cli_get_int(cli, "repetitions", 1, 1000, &repetitions, err) < 0)
        return -1;
    if (!configurations && s->configuration_count > 1)
        return err_set(err, ERR_INPUT,
                       "%s has %zu configurations, expected --configuration NAME (or snug compare "
                       "for all of them)",
                       s->path, s->configuration_count);
    x.repetitions = (unsigned)repetitions;
    return execution_run(cli, &x, err);
}

const struct command command_simulate = {
    .name = "simulate",
    .summary = "run a scenario's configuration in virtual time",
    .common = CLI_FILE | CLI_FORMAT,
    .formats = EXECUTION_FORMATS,
    .options = options,
    .description = "Runs one configuration of a scenario under one or more of its loads on "
                   "emulated GPUs in virtual time, thousands of times "
                   "faster than real time. The same scenario and seed give the same bytes.\n\n"
                   "With --out DIR, keeps the run: run.json (inputs, result, every histogram), "
                   "turns.csv (a line per turn with its stamps in ns) "
                   "and samples.csv (each second: use of every resource). With --out FILE.html (or "
                   ".json, .csv, .yaml, .txt), writes the report there.\n\n"
                   "Exits 0 when the objectives are met, 1 when they are missed, 4 when an audit "
                   "failed and the numbers are withheld.",
    .examples = examples,
    .run = run,
};
