/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/progress.h"
#include "cmd/tables.h"
#include "report/sharing.h"
#include "sim/fidelity.h"
#include "sim/validate.h"

static const struct cli_option options[] = {
    {"profile", 0, "PROFILE", NULL, false, "the profile to judge: a built-in one's name, or a path"},
    TABLES_GPU_OPTION,
    TABLES_OPTIONS,
    {"holdout", 0, NULL, NULL, false, "mark the rows with the highest loads, those that `snug fit --holdout` leaves out, and tell their error apart"},
    {"sharing", 0, "DIR", NULL, false, "judge sharing (time-slicing, MPS, MIG) by DIR/tables and DIR/traces (docs/sharing.md)"},
    {"all", 0, "DIR", NULL, false, "judge every built-in profile by every table of DIR that it has to do with (docs/fidelity.md)"},
    {0},
};

static const struct cli_example examples[] = {
    {"snug validate nim.csv --profile llama-3.1-8b-h100", "measured, predicted and error of every row"},
    {"snug validate nim.csv --profile mine.yaml -o json", "the same for scripts"},
    {"snug validate levels.csv --profile magpie-h100 --audio-s 6.6", "a table that does not say how long its texts were"},
    {"snug validate --sharing .", "time-slicing, MPS and MIG by ./tables and ./traces"},
    {"snug validate --all tables -o markdown --out fidelity.md", "docs/fidelity.md"},
    {0},
};

static int all(struct cli *cli, struct catalog *gpus, struct buf *out, struct err *err)
{
    cleanup_progress struct progress *p = progress_new(cli, "validate");

    return fidelity_markdown(cli_get(cli, "all"), gpus, cli->seed, cli_interrupted(), progress_set, p, out, err);
}

static int sharing(struct cli *cli, struct catalog *gpus, struct buf *out, struct err *err)
{
    cleanup_sharing_results struct sharing_results r = {0};
    const struct text_style style = {.color = cli->color};
    enum sharing_format format = strcmp(cli->format, "json") == 0       ? SHARING_JSON
                                 : strcmp(cli->format, "markdown") == 0 ? SHARING_MARKDOWN
                                                                        : SHARING_TABLE;

    if (sharing_run(cli_get(cli, "sharing"), gpus, &r, err) < 0)
        return -1;
    sharing_report(&r, format, &style, out);
    return sharing_within_bars(&r) ? 0 : CLI_NO;
}

static int profile(struct cli *cli, struct catalog *gpus, struct buf *out, struct err *err)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_tables struct tables t = {0};
    cleanup_profile struct profile *p = NULL;
    const struct validation *v;

    if (!cli_get(cli, "profile") || cli->operand_count == 0)
        return err_set(err, ERR_INPUT, "give at least one TABLE and its --profile (or --all DIR, or --sharing DIR)");
    p = tables_profile(cli, "profile", gpus, err);
    if (!p || tables_read(&t, cli, p, gpus, a, err) < 0)
        return -1;
    v = validate(t.at, t.count, p, cli_has(cli, "holdout") ? t.beyond : NULL, cli->seed, a, cli_interrupted(), err);
    if (!v)
        return -1;
    if (strcmp(cli->format, "json") == 0)
        validation_json(v, out);
    else if (strcmp(cli->format, "markdown") == 0)
        validation_markdown(v, NULL, out);
    else
        validation_table(v, cli_has(cli, "holdout"), out);
    return v->within ? 0 : CLI_NO;
}

static int run(struct cli *cli, struct err *err)
{
    cleanup_catalog struct catalog *gpus = catalog_open(err);
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};
    int rc, written;

    if (!gpus)
        return -1;
    rc = cli_has(cli, "all")       ? all(cli, gpus, &out, err)
         : cli_has(cli, "sharing") ? sharing(cli, gpus, &out, err)
                                   : profile(cli, gpus, &out, err);
    if (rc < 0)
        return rc;
    written = cli_output(cli, buf_str(&out), out.len, err);
    return written < 0 ? written : rc;
}

const struct command command_validate = {
    .name = "validate",
    .summary = "a profile against measured tables",
    .operands = "[TABLE]...",
    .max_operands = 32,
    .common = CLI_FORMAT,
    .formats = "table json markdown",
    .options = options,
    .description =
        "Replays every row of the tables in virtual time as it was measured, with the same number of requests, concurrency or "
        "rate, and request sizes, and prints measured, predicted and error. What a table does not say about its requests is taken from the "
        "options, else from defaults that are told in notes.\n\n"
        "The answer is yes (exit status 0) when the mean absolute errors lie within the bars: throughput 5 %, mean latency and time "
        "per token 10 %, mean time to the first token or audio 15 %, p99 25 %.\n\n"
        "Rows of another GPU, engine or model than the profile's (columns gpu, framework, model) are left out.",
    .examples = examples,
    .run = run,
};
