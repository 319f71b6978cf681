/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/tables.h"

#include <string.h>

#include "serve/retarget.h"
#include "sim/validate.h"

static int read_options(struct tables *t, const struct cli *cli, struct measured_options *o, struct err *err)
{
    size_t n = cli_count(cli, "where");

    if (n > TABLES_WHERE_MAX)
        return err_set(err, ERR_INPUT, "--where may be given %d times", TABLES_WHERE_MAX);
    for (size_t i = 0; i < n; i++) {
        t->where[i] = cli_get_nth(cli, "where", i);
        if (!strchr(t->where[i], '='))
            return err_set(err, ERR_INPUT, "--where %s: expected COLUMN=VALUE", t->where[i]);
    }
    o->where = t->where;
    o->sharing = cli_get(cli, "mode");
    if (cli_get_double(cli, "isl", 1, 1e7, &o->isl, err) < 0 || cli_get_double(cli, "osl", 1, 1e6, &o->osl, err) < 0 ||
        cli_get_double(cli, "audio-s", 0.02, 36000, &o->audio_s, err) < 0 ||
        cli_get_double(cli, "chunk-ms", 1, 60000, &o->chunk_ms, err) < 0 ||
        cli_get_double(cli, "requests", 1, 1e6, &o->requests, err) < 0 ||
        cli_get_double(cli, "servers", 1, LEVEL_SERVERS, &o->servers, err) < 0)
        return -1;
    return 0;
}

struct profile *tables_profile(const struct cli *cli, const char *option, struct catalog *gpus, struct err *err)
{
    cleanup_profile struct profile *p = profile_load(cli_get(cli, option), err);
    const struct gpu_model *from, *to;

    if (!p || !cli_has(cli, "gpu"))
        return TAKE(p);
    from = catalog_find(gpus, p->gpu, err);
    to = from ? catalog_find(gpus, cli_get(cli, "gpu"), err) : NULL;
    if (!to || profile_retarget(p, from, to, err) < 0)
        return NULL;
    return TAKE(p);
}

int tables_read(struct tables *t, const struct cli *cli, const struct profile *p, struct catalog *gpus, struct arena *a,
                struct err *err)
{
    struct measured_options o = {0};

    if (read_options(t, cli, &o, err) < 0)
        return -1;
    for (size_t i = 0; i < cli->operand_count && i < TABLES_MAX; i++) {
        t->files[i] = csv_open(cli->operands[i], NULL, err);
        if (!t->files[i])
            return -1;
        t->at[i] = measured_read(t->files[i], p, gpus, &o, a, err);
        if (!t->at[i])
            return -1;
        t->beyond[i] = validation_holdout(t->at[i]);
        t->count++;
    }
    return 0;
}

void tables_done(struct tables *t)
{
    for (size_t i = 0; i < TABLES_MAX; i++)
        csv_free(t->files[i]);
}
