/* SPDX-License-Identifier: Apache-2.0 */
/* snug gpus: the catalogue, one GPU, its layouts. */
#include <string.h>

#include "cmd/cli.h"
#include "report/gpus.h"

static const struct cli_option options[] = {
    {"layouts", 0, NULL, NULL, false, "the legal MIG layouts of MODEL instead of its profiles"},
    {"maximal", 0, NULL, NULL, false,
     "with --layouts: every layout that takes no further instance"},
    {"pareto", 0, NULL, NULL, false,
     "with --layouts: the largest sets of profiles, each at its roomiest place (the default)"},
    {"all", 0, NULL, NULL, false, "with --layouts: every legal layout"},
    {"profiles", 0, "SET", "base double all", false,
     "with --layouts: the plain profiles, those with the double-memory 1g, or every one with +me "
     "and the like (default base)"},
    {"place", 0, "LIST", NULL, false,
     "where these instances go so that the most room is left: \"3g.40gb@4 1g.10gb 1g.10gb\"; those "
     "with a slice stay there"},
    {0},
};

static const struct cli_example examples[] = {
    {"snug gpus", "every GPU that snug knows"},
    {"snug gpus A100-SXM4-80GB",
     "its MIG profiles with SMs, memory and placements, and the source of each figure"},
    {"snug gpus H100-SXM5-80GB --layouts --maximal",
     "the 19 layouts that take no further instance"},
    {"snug gpus A100-SXM4-80GB --layouts -o svg --out layouts.svg", "a drawing to scale"},
    {"snug gpus A30-24GB --place \"2g.12gb 1g.6gb\"", "the placement that leaves the most room"},
    {0},
};

static enum gpus_format format_of(const struct cli *cli)
{
    static const char *const names[] = {"table", "json", "yaml", "csv", "svg"};
    int i = 0;

    while (i < GPUS_SVG && strcmp(names[i], cli->format) != 0)
        i++;
    return (enum gpus_format)i;
}

/* The kind of layouts asked for; -1 with err if the options contradict each other. */
static int kind_of(const struct cli *cli, struct err *err)
{
    bool layouts = cli_has(cli, "layouts");
    int asked = cli_has(cli, "maximal") + cli_has(cli, "pareto") + cli_has(cli, "all");

    if (asked > 1)
        return err_set(err, ERR_INPUT, "--maximal, --pareto and --all exclude each other");
    if (!layouts && (asked || cli_has(cli, "profiles")))
        return err_set(err, ERR_INPUT,
                       "--maximal, --pareto, --all and --profiles go with --layouts");
    if (cli_has(cli, "place") && layouts)
        return err_set(err, ERR_INPUT, "--place and --layouts exclude each other");
    if (cli->operand_count == 0 && (layouts || cli_has(cli, "place")))
        return err_set(err, ERR_INPUT,
                       "--layouts and --place need a MODEL: snug gpus A100-SXM4-80GB --layouts");
    return cli_has(cli, "maximal") ? LAYOUT_MAXIMAL
           : cli_has(cli, "all")   ? LAYOUT_FEASIBLE
                                   : LAYOUT_PARETO;
}

static uint32_t profiles_of(const struct cli *cli, const struct gpu_model *m)
{
    const char *set = cli_get(cli, "profiles");

    if (set && strcmp(set, "all") == 0)
        return gpu_profiles_all(m);
    return set && strcmp(set, "double") == 0 ? gpu_profiles_double(m) : gpu_profiles_base(m);
}

static int run(struct cli *cli, struct err *err)
{
    cleanup_catalog struct catalog *c = catalog_open(err);
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};
    const struct text_style style = {.color = cli->color};
    const struct gpu_model *m = NULL;
    int kind = kind_of(cli, err), rc;

    if (!c || kind < 0 || (cli->operand_count > 0 && !(m = catalog_find(c, cli->operands[0], err))))
        return -1;
    if (!m)
        rc = gpus_list(c, format_of(cli), &style, &out, err);
    else if (cli_has(cli, "place"))
        rc = gpus_place(m, cli_get(cli, "place"), format_of(cli), &style, &out, err);
    else if (cli_has(cli, "layouts"))
        rc = gpus_layouts(m, profiles_of(cli, m), (enum layout_kind)kind, format_of(cli), &style,
                          &out, err);
    else
        rc = gpus_show(c, m, format_of(cli), &style, &out, err);
    return rc < 0 ? rc : cli_output(cli, buf_str(&out), out.len, err);
}

const struct command command_gpus = {
    .name = "gpus",
    .summary = "the catalogue: GPU models, MIG profiles, legal layouts",
    .operands = "[MODEL]",
    .max_operands = 1,
    .common = CLI_FORMAT,
    .formats = "table json yaml csv svg",
    .options = options,
    .description = "Without MODEL, lists every GPU of the catalogue. With MODEL, a catalogue key "
                   "or a product name as GPU feature discovery "
                   "or nvidia-smi writes it, shows its figures and MIG profiles, and where each "
                   "comes from.\n\n"
                   "With --layouts, lists which MIG instances can stand beside each other and "
                   "where. Layouts are enumerated from the "
                   "placements, not listed by hand. A layout is written as PROFILE@SLICE, the "
                   "memory slice where the instance begins.",
    .examples = examples,
    .run = run,
};
