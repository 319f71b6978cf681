/* SPDX-License-Identifier: Apache-2.0 */
/* snug plan: who should share which GPU, and how; proven; with the moves and their price. */
#include <string.h>

#include "base/units.h"
#include "base/world.h"
#include "cmd/cli.h"
#include "plan/check.h"
#include "plan/plan.h"
#include "report/plan.h"

static const struct cli_option options[] = {
    {"frontier", 0, NULL, NULL, false, "GPUs against moves: further points between the least GPUs and 5 % more"},
    {"check", 0, "PLAN", NULL, false, "verify a plan's JSON against the fleet, from scratch, instead of making one"},
    {"time", 0, "DURATION", NULL, false, "stop searching after so long, with the best plan found and the bound that is proven"},
    {0},
};

static const struct cli_example examples[] = {
    {"snug plan -f fleet.yaml", "what changes and why, GPUs and money before and after"},
    {"snug plan -f fleet.yaml -o json --out plan.json", "the plan for scripts, and for simulate, compare and apply"},
    {"snug plan -f fleet.yaml --frontier", "how many moves one more GPU would save"},
    {"snug plan --check plan.json -f fleet.yaml", "recompute everything that the plan states"},
    {"snug plan -f fleet.yaml --time 10s", "the best plan of ten seconds, with its proven bound"},
    {0},
};

static int time_limit(const struct cli *cli, double *seconds, struct err *err)
{
    const char *text = cli_get(cli, "time");
    int64_t ns;

    if (!text)
        return 0;
    if (units_parse_duration(text, strlen(text), &ns) != 0 || ns <= 0)
        return err_set(err, ERR_INPUT, "--time: found \"%s\", expected a duration such as 10s", text);
    *seconds = (double)ns / NS_PER_S;
    return 0;
}

static int check(struct cli *cli, const struct fleet *fleet, struct err *err)
{
    static const struct doc_limits limits = {.bytes = (size_t)1 << 30, .nodes = 64000000};
    cleanup_doc struct doc *doc = doc_open(cli_get(cli, "check"), &limits, err);
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};
    cleanup_findings struct findings found = {.n = 0};
    int rc;

    if (!doc || check_plan(fleet, doc_root(doc, 0), &found, err) != 0)
        return -1;
    for (size_t i = 0; i < found.n && i < CHECK_FINDINGS_MAX; i++)
        buf_printf(&out, "%s\n", found.at[i]);
    if (found.n)
        buf_printf(&out, "%zu findings: the plan does not hold\n", found.n);
    else
        buf_printf(&out, "the plan holds: %zu placements and %zu steps checked\n", found.placements, found.steps);
    rc = cli_output(cli, buf_str(&out), out.len, err);
    return rc == 0 && found.n ? CLI_NO : rc;
}

static int run(struct cli *cli, struct err *err)
{
    cleanup_catalog struct catalog *catalog = catalog_open(err);
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};
    const struct text_style style = {.color = cli->color};
    struct plan_limits limits = {.stop = cli_interrupted(), .frontier = cli_has(cli, "frontier")};
    struct fleet *fleet;
    struct options *ways;
    struct plan *plan;
    int rc;

    if (!catalog || time_limit(cli, &limits.seconds, err) != 0)
        return -1;
    if (cli->file_count != 1)
        return err_set(err, ERR_INPUT, "plan: expected one fleet: snug plan -f fleet.yaml");
    fleet = fleet_open(cli->files[0], catalog, err);
    if (!fleet)
        return -1;
    if (cli_has(cli, "check")) {
        rc = check(cli, fleet, err);
        fleet_free(fleet);
        return rc;
    }
    ways = options_derive(fleet);
    plan = plan_make(fleet, ways, &limits, err);
    if (strcmp(cli->format, "json") == 0)
        plan_json(plan, ways, &out);
    else
        plan_table(plan, ways, &style, cli->verbose, &out);
    rc = cli_output(cli, buf_str(&out), out.len, err);
    if (rc == 0 && atomic_load(cli_interrupted()))
        rc = err_set(err, ERR_STOPPED, "interrupted; %s", plan->feasible ? "the best plan found so far is printed" : "nothing was found yet");
    else if (rc == 0 && !plan->feasible)
        rc = CLI_NO;
    plan_free(plan);
    options_free(ways);
    fleet_free(fleet);
    return rc;
}

const struct command command_plan = {
    .name = "plan",
    .summary = "who should share which GPU, and how; proven; with the moves and their price",
    .common = CLI_FILE | CLI_FORMAT,
    .formats = "table json",
    .options = options,
    .description =
        "Reads a Fleet (what runs where, what it needs, the rules) and finds the cheapest way to carry it: first $/h where prices "
        "differ, else GPUs; then GPUs; then moves of running replicas. Prints the plan with the bound that is proven for each, the "
        "steps in waves that keep every workload's allowance, why each GPU changes or does not, and what each refused option was "
        "refused for.\n\n"
        "Exits with 1 when no plan keeps all rules; the smallest set of rules that conflict is then printed.",
    .examples = examples,
    .run = run,
};
