/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sharing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static const char *shared_dir(void)
{
    const char *dir = getenv("SNUG_SHARED");

    return dir ? dir : "../shared";
}

static bool measured(struct catalog *c, struct sharing_rows *rows)
{
    struct err err = {0};

    if (sharing_validate(shared_dir(), c, rows, &err) == 0)
        return true;
    CHECK_EQ(err.kind, ERR_OUTSIDE);
    return false;
}

static void check_bar(const struct sharing_rows *r, const char *table, const char *group,
                      double mean, double each)
{
    double mape = sharing_mape(r, table, group);

    for (size_t i = 0; i < r->n; i++) {
        const struct sharing_row *x = &r->at[i];
        if (strcmp(x->table, table) != 0 || (group && strcmp(x->group, group) != 0))
            continue;
        printf("# %s %s %s %s: measured %.4g, predicted %.4g, %+.1f %%\n", x->table, x->group,
               x->row, x->metric, x->measured, x->predicted, 100 * x->error);
        if (!(fabs(x->error) <= each))
            check_fail(__FILE__, __LINE__, "%s %s %s: error %.3f above %.3f", x->table, x->row,
                       x->metric, x->error, each);
    }
    printf("# %s %s: mean absolute error %.1f %%\n", table, group ? group : "", 100 * mape);
    if (!isnan(mape) && !(mape <= mean))
        check_fail(__FILE__, __LINE__, "%s: mean error %.4f above %.4f", table, mape, mean);
}

TEST(sharing_tables_are_predicted_from_the_columns_alone)
{
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);
    cleanup_sharing_rows struct sharing_rows rows = {0};

    if (!measured(c, &rows))
        check_skip("no measured tables beside the checkout (SNUG_SHARED)");
    check_bar(&rows, "nos_sharing", "mps", 0.13, 0.13);
    check_bar(&rows, "nos_sharing", "mig", 0.02, 0.02);
    check_bar(&rows, "nos_sharing", "time-slicing", 0.13, 0.03);
    check_bar(&rows, "nvforum_mps", NULL, 0.13, 0.13);
    check_bar(&rows, "gopebble_mps", NULL, 0.13, 0.13);
    check_bar(&rows, "eks_l40s_ts", NULL, 0.13, 0.15);
}

TEST(mig_scaling_of_eleven_models_within_six_percent)
{
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);
    cleanup_sharing_rows struct sharing_rows rows = {0};
    double mape, out;

    if (!measured(c, &rows) || isnan(mape = sharing_mape(&rows, "parvagpu", NULL)))
        check_skip("no parvagpu profiles beside the checkout (SNUG_SHARED)");
    out = sharing_leave_one_out(shared_dir(), c, &err);
    printf("# parvagpu: mean absolute error %.2f %%, leaving one model out %.2f %%\n", 100 * mape,
           100 * out);
    CHECK(mape < 0.06);
    CHECK(out < 0.06);
}

TEST(no_tables_is_said)
{
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);
    struct sharing_rows rows;

    CHECK_EQ(sharing_validate("/nonexistent", c, &rows, &err), -1);
    CHECK_EQ(err.kind, ERR_OUTSIDE);
    CHECK_CONTAINS(err.msg, "/nonexistent: none of the sharing tables is there");
}
