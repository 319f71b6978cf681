/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/progress.h"
#include "cmd/tables.h"

static const struct cli_option options[] = {
    {"like", 0, "PROFILE", NULL, false, "the profile to start from: a built-in one's name, or a path"},
    {"name", 0, "NAME", NULL, false, "the new profile's name (default: --out's file name, else the start's)"},
    {"free", 0, "KEYS", NULL, false, "parameters to estimate, with commas between (default: the kind's usual ones)"},
    {"set", 0, "KEY=NUMBER", NULL, true, "a parameter's start, in its unit in memory: ns, bytes, or plain"},
    {"evaluations", 0, "N", NULL, false, "at most so many sets of parameters are tried (default 400)"},
    {"holdout", 0, NULL, NULL, false, "leave the highest loads of every table out (the two highest of five or more), to be judged by `snug validate --holdout`"},
    TABLES_GPU_OPTION,
    TABLES_OPTIONS,
    {0},
};

static const struct cli_example examples[] = {
    {"snug fit nim.csv --like llama-3.1-8b-h100 --out mine.yaml", "a profile of one's own server"},
    {"snug fit nim.csv --like llama-3.1-8b-h100 --holdout --out part.yaml", "fitted without the highest loads"},
    {"snug fit tts.csv --like magpie-h100 --set slots=32 --free launch,hostPerStream", "another batch profile, two parameters estimated"},
    {0},
};

static void on_progress(void *arg, unsigned done, unsigned of)
{
    progress_set(arg, (double)done / of);
}

static int set_starts(struct cli *cli, struct profile *p, struct err *err)
{
    for (size_t i = 0; i < cli_count(cli, "set"); i++) {
        const char *text = cli_get_nth(cli, "set", i), *eq = strchr(text, '=');
        char key[64];
        double *x, v;
        snprintf(key, sizeof key, "%.*s", eq ? (int)(eq - text) : 0, text);
        x = profile_number(p, key);
        if (!eq || !x || sscanf(eq + 1, "%lf", &v) != 1 || !(v >= 0 && v < 1e18))
            return err_set(err, ERR_INPUT, "--set %s: expected KEY=NUMBER with a parameter of a profile that serves %s", text,
                           profile_kind_name(p->kind));
        profile_set(p, key, v, "given by hand to snug fit", true);
    }
    return 0;
}

static size_t split(char *text, const char **keys, size_t most)
{
    size_t n = 0;
    char *save = NULL;

    for (char *k = strtok_r(text, ",", &save); k && n < most; k = strtok_r(NULL, ",", &save))
        keys[n++] = k;
    keys[n] = NULL;
    return n;
}

static void rename_profile(struct cli *cli, struct profile *p)
{
    const char *name = cli_get(cli, "name"), *base;

    if (!name && !cli->out)
        return;
    if (!name) {
        base = strrchr(cli->out, '/');
        base = base ? base + 1 : cli->out;
        free(p->name);
        p->name = xasprintf("%.*s", (int)strcspn(base, "."), base);
        return;
    }
    free(p->name);
    p->name = xstrdup(name);
}

static void tell(struct cli *cli, const struct fit_report *r)
{
    cli_note(cli, "%u rows, %u evaluations, misfit %.4g -> %.4g", r->rows, r->evaluations, r->before, r->after);
    for (size_t i = 0; i < r->count; i++)
        cli_note(cli, "  %-24s %12.6g -> %12.6g%s", r->free[i].key, r->free[i].before, r->free[i].after,
                 r->free[i].at_bound ? "  at its bound" : "");
}

static int run(struct cli *cli, struct err *err)
{
    cleanup_catalog struct catalog *gpus = catalog_open(err);
    cleanup_arena struct arena *a = arena_new();
    cleanup_tables struct tables t = {0};
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT}, source = {.max = 4096};
    cleanup_profile struct profile *p = NULL;
    cleanup_free char *list = cli_get(cli, "free") ? xstrdup(cli_get(cli, "free")) : NULL;
    const char *keys[FIT_FREE_MAX + 2];
    struct fit_spec spec = {.seed = cli->seed, .stop = cli_interrupted(), .progress = on_progress};
    struct fit_report report;
    int64_t evaluations = 0;
    int rc;

    if (!gpus)
        return -1;
    if (!cli_get(cli, "like"))
        return err_set(err, ERR_INPUT, "give the profile to start from: --like PROFILE");
    p = tables_profile(cli, "like", gpus, err);
    if (!p || set_starts(cli, p, err) < 0 || tables_read(&t, cli, p, gpus, a, err) < 0 ||
        cli_get_int(cli, "evaluations", 1, 100000, &evaluations, err) < 0)
        return -1;
    spec.evaluations = (unsigned)evaluations;
    if (list && split(list, keys, FIT_FREE_MAX + 1) > 0)
        spec.free = keys;
    buf_puts(&source, "fitted by snug fit to");
    for (size_t i = 0; i < cli->operand_count; i++) {
        const char *base = strrchr(cli->operands[i], '/');
        buf_printf(&source, "%s %s", i ? "," : "", base ? base + 1 : cli->operands[i]);
    }
    if (cli_has(cli, "holdout"))
        buf_puts(&source, " without the highest loads");
    {
        cleanup_progress struct progress *bar = progress_new(cli, "fit");
        spec.arg = bar;
        rc = fit(p, t.at, t.count, cli_has(cli, "holdout") ? t.beyond : NULL, &spec, buf_str(&source), &report, err);
    }
    if (rc < 0)
        return -1;
    tell(cli, &report);
    rename_profile(cli, p);
    profile_write(p, &out);
    return cli_output(cli, buf_str(&out), out.len, err);
}

const struct command command_fit = {
    .name = "fit",
    .summary = "a profile from measured tables",
    .operands = "TABLE...",
    .min_operands = 1,
    .max_operands = 32,
    .options = options,
    .description =
        "Estimates the free parameters of a profile so that the tables' rows, replayed in virtual time as they were measured, come "
        "out as measured. One set of parameters serves all rows. A parameter that the tables say nothing about stays near its start, "
        "which is that of the --like profile; one that is 0 there stays 0. The profile is written as YAML, every number with its source.\n\n"
        "Judge it on rows that it has not seen: fit with --holdout, then `snug validate --holdout`.",
    .examples = examples,
    .run = run,
};
