/* SPDX-License-Identifier: Apache-2.0 */
/* snug import: other formats to a Fleet. */
#include <string.h>

#include "base/buf.h"
#include "cmd/cli.h"
#include "plan/import_parvagpu.h"

static const struct cli_option options[] = {
    {"scenario", 0, "SN", "S1 S2 S3 S4 S5 S6", false, "parvagpu: which scenario (default S1)"},
    {"processes", 0, "N", NULL, false, "parvagpu: at most so many processes an instance (default 5)"},
    {"rates", 0, "X", NULL, false, "parvagpu: rates times X (default 1)"},
    {"latencies", 0, "X", NULL, false, "parvagpu: latency objectives times X (default 1)"},
    {"nodes", 0, "N", NULL, false, "parvagpu: nodes of eight A100-SXM4-80GB (default: enough for any plan)"},
    {0},
};

static const struct cli_example examples[] = {
    {"snug import parvagpu traces/parvagpu --scenario S5 --out s5.yaml", "a scenario of the ParvaGPU paper"},
    {"snug import parvagpu traces/parvagpu --scenario S6 --rates 2", "the same services at twice the load"},
    {0},
};

static int parvagpu(struct cli *cli, struct buf *out, struct err *err)
{
    struct parvagpu_request r = {.dir = cli->operands[1], .scenario = 1, .rate_times = 1, .latency_times = 1};
    const char *scenario = cli_get(cli, "scenario");
    int64_t processes = 5, nodes = 0;

    if (cli_get_int(cli, "processes", 1, 1000, &processes, err) != 0 || cli_get_int(cli, "nodes", 1, 100000, &nodes, err) != 0 ||
        cli_get_double(cli, "rates", 1e-6, 1e6, &r.rate_times, err) != 0 ||
        cli_get_double(cli, "latencies", 1e-6, 1e6, &r.latency_times, err) != 0)
        return -1;
    if (scenario)
        r.scenario = scenario[1] - '0';
    r.processes = (int)processes;
    r.nodes = (int)nodes;
    return import_parvagpu(&r, out, err);
}

static int run(struct cli *cli, struct err *err)
{
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};

    if (strcmp(cli->operands[0], "parvagpu") != 0)
        return err_set(err, ERR_INPUT, "import: unknown format \"%s\", expected parvagpu", cli->operands[0]);
    if (parvagpu(cli, &out, err) != 0)
        return -1;
    return cli_output(cli, buf_str(&out), out.len, err);
}

const struct command command_import = {
    .name = "import",
    .summary = "other formats to a Fleet",
    .operands = "FORMAT PATH",
    .min_operands = 2,
    .max_operands = 2,
    .options = options,
    .description =
        "Writes a Fleet for snug plan from what another program wrote. FORMAT is parvagpu: the scenarios of ParvaGPU (SC'24), PATH being "
        "the folder with slo_latency.csv, slo_req_rate.csv and profiles/. As that paper's configurator counts, a profile's row is an "
        "option when its latency is strictly under half the objective times 0.9, and of a MIG size's rows the one with the most "
        "throughput is taken.",
    .examples = examples,
    .run = run,
};
