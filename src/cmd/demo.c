/* SPDX-License-Identifier: Apache-2.0 */
/* snug demo: the published experiment, whole, from a scenario that is part of the program. */
#include <string.h>

#include "base/embedded.h"
#include "base/mem.h"
#include "cmd/execution.h"

static const char scenario_path[] = "examples/voice.yaml";

static const struct cli_option options[] = {
    {.name = "show", .help = "print the scenario instead of running it, to be changed and compared"},
    {0},
};

static const struct cli_example examples[] = {
    {"snug demo", "the experiment, with the most users that each configuration serves, and report.html"},
    {"snug demo --show --out mine.yaml", "its scenario, as a start for one's own"},
    {0},
};

static const struct embedded_file *find_scenario(void)
{
    const struct embedded_file *f = embedded_files;

    while (f->path && strcmp(f->path, scenario_path) != 0)
        f++;
    return f->path ? f : NULL;
}

static int run(struct cli *cli, struct err *err)
{
    const struct embedded_file *file = find_scenario();
    cleanup_scenario struct scenario *s = NULL;
    struct execution x = {.repetitions = 5, .headroom = true, .verdict = true};

    if (!file)
        return err_set(err, ERR_OUTSIDE, "%s is not part of this program", scenario_path);
    if (cli_has(cli, "show"))
        return cli_output(cli, file->data, file->size, err);
    if (!(s = scenario_parse(file->path, file->data, file->size, err)))
        return -1;
    cli_note(cli, "%s: speech recognition, speech synthesis and an LLM on emulated GPUs, in virtual time", file->path);
    x.scenario = s;
    if (!cli->out && strcmp(cli->format, "table") == 0)
        return execution_demo(cli, &x, "report.html", err);
    return execution_run(cli, &x, err);
}

const struct command command_demo = {
    .name = "demo",
    .summary = "the published voice experiment on emulated GPUs",
    .common = CLI_FORMAT,
    .formats = EXECUTION_FORMATS,
    .options = options,
    .description = "Runs the experiment that this program grew from: streaming speech recognition, bursty speech synthesis and a "
                   "heavy LLM on A100s, each alone, or recognition and synthesis sharing one GPU by time-slicing, MIG or MPS, "
                   "and once more with the freed GPU as a second LLM replica; under 5 and under 50 users. It is "
                   "'snug compare --headroom' on a scenario that is part of the program, and needs neither a GPU nor a file. Without -o and "
                   "--out it also writes the whole report to report.html.\n\n"
                   "Its source is NVIDIA's technical blog of 2026-03-25 on consolidating underutilized GPU workloads. What "
                   "the blog leaves open is stated in the scenario with its reason.",
    .examples = examples,
    .run = run,
};
