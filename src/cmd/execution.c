/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/execution.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd/progress.h"
#include "report/comparison_html.h"
#include "report/comparison_json.h"
#include "report/comparison_table.h"
#include "report/output.h"
#include "report/run_dir.h"
#include "sim/compare.h"

const char **execution_names(const struct cli *cli, const char *option)
{
    size_t n = cli_count(cli, option);
    const char **names = n ? xcalloc(n + 1, sizeof *names) : NULL;

    for (size_t i = 0; i < n; i++)
        names[i] = cli_get_nth(cli, option, i);
    return names;
}

struct scenario *execution_scenario(const struct cli *cli, struct err *err)
{
    if (cli->file_count != 1) {
        err_set(err, ERR_INPUT, "%zu files given, expected one scenario: -f FILE", cli->file_count);
        return NULL;
    }
    return scenario_load(cli->files[0], err);
}

/* --out names a report if it ends like one, else the folder of the run. */
static bool out_is_folder(const struct cli *cli)
{
    static const char *const endings[] = {".html", ".json", ".yaml", ".yml", ".csv", ".txt"};
    size_t n = cli->out ? strlen(cli->out) : 0;

    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (n > strlen(endings[i]) && strcmp(cli->out + n - strlen(endings[i]), endings[i]) == 0)
            return false;
    return n > 0 && strcmp(cli->out, "-") != 0 && strncmp(cli->out, "/dev/", 5) != 0;
}

static void render(const struct cli *cli, const struct comparison *c, struct buf *out)
{
    const struct text_style style = {.color = cli->color};
    cleanup_json json_t *tree = NULL;

    if (strcmp(cli->format, "table") == 0) {
        comparison_table(c, &style, out);
    } else if (strcmp(cli->format, "html") == 0) {
        comparison_html(c, out);
    } else if (strcmp(cli->format, "csv") == 0) {
        tree = comparison_rows(c);
        output_csv(tree, out);
    } else {
        tree = comparison_tree(c, 0);
        if (strcmp(cli->format, "yaml") == 0)
            output_yaml(tree, out);
        else
            output_json(tree, out);
    }
}

/* Is there any valid result; is there one that meets its objectives? On the load of the verdict,
 * where there is one. */
static int answer(const struct comparison *c)
{
    bool valid = false, met = false;

    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < c->configurations[i].load_count; k++) {
            const struct load_result *l = &c->configurations[i].loads[k];
            if (c->has_verdict && c->verdict.load && strcmp(c->verdict.load, l->name) != 0)
                continue;
            valid = valid || l->valid;
            met = met || (l->valid && l->objectives_met);
        }
    return !valid ? CLI_INVALID : !met ? CLI_NO : 0;
}

int execution_print(struct cli *cli, const struct comparison *c, struct err *err)
{
    cleanup_buf struct buf out = {.max = BUF_MAX_OUTPUT};
    const char *asked = cli->out;
    int rc;

    render(cli, c, &out);
    if (out_is_folder(cli))
        cli->out = NULL; /* the report goes to standard output, the folder is written apart */
    rc = cli_output(cli, buf_str(&out), out.len, err);
    cli->out = asked;
    if (rc < 0)
        return rc;
    if (c->interrupted)
        return err_set(err, ERR_STOPPED, "interrupted; what was finished by then is shown");
    return answer(c);
}

static struct comparison *execute(struct cli *cli, const struct execution *x, struct run_dir *dir,
                                  struct err *err)
{
    cleanup_progress struct progress *progress = progress_new(cli, cli->command->name);
    struct compare_spec spec = {.scenario = x->scenario,
                                .configurations = x->configurations,
                                .loads = x->loads,
                                .against = x->against,
                                .seed = cli->seed,
                                .repetitions = x->repetitions,
                                .headroom = x->headroom,
                                .verdict = x->verdict,
                                .stop = cli_interrupted(),
                                .progress = progress_set,
                                .progress_arg = progress,
                                .each_arg = dir};

    if (dir) {
        spec.sink = run_dir_sink;
        spec.each = run_dir_each;
    }
    return compare_run(&spec, err);
}

int execution_run(struct cli *cli, const struct execution *x, struct err *err)
{
    struct run_dir *dir = out_is_folder(cli) ? run_dir_new() : NULL;
    struct comparison *c = execute(cli, x, dir, err);
    int rc = -1;

    if (c && (!dir || run_dir_write(dir, cli->out, c, err) == 0))
        rc = execution_print(cli, c, err);
    comparison_free(c);
    run_dir_free(dir);
    return rc;
}

int execution_demo(struct cli *cli, const struct execution *x, const char *html, struct err *err)
{
    struct comparison *c = execute(cli, x, NULL, err);
    cleanup_buf struct buf table = {.max = BUF_MAX_OUTPUT}, page = {.max = BUF_MAX_OUTPUT};
    const struct text_style style = {.color = cli->color};
    int rc = -1;

    if (c) {
        comparison_table(c, &style, &table);
        comparison_html(c, &page);
        cli->out = NULL;
        rc = cli_output(cli, buf_str(&table), table.len, err);
        if (rc == 0)
            rc = file_write(html, buf_str(&page), page.len, err);
        if (rc == 0)
            cli_note(cli, "the whole report: %s", html);
        if (rc == 0 && c->interrupted)
            rc = err_set(err, ERR_STOPPED, "interrupted; what was finished by then is shown");
    }
    comparison_free(c);
    return rc;
}
