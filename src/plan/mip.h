/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mixed integer program and its solver (CBC through its C interface).
 *
 * Minimises. Columns and rows are added once, objectives and bounds may change between solves, so that the stages of
 * a lexicographic objective share one program. A solve that ends early gives the best solution found and the bound
 * that is proven; the value of a solution is recomputed here from its columns, never taken from the solver.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct mip;
struct mip *mip_new(void);
void mip_free(struct mip *m); /* NULL accepted */

int mip_column(struct mip *m, double lo, double hi, bool integer); /* hi HUGE_VAL: none */
int mip_row(struct mip *m, double lo, double hi);                  /* -HUGE_VAL, HUGE_VAL: none */
void mip_set(struct mip *m, int row, int column, double value); /* at most once for a pair; order does not matter */
void mip_bounds(struct mip *m, int column, double lo, double hi);
void mip_row_bounds(struct mip *m, int row, double lo, double hi);
void mip_cost(struct mip *m, int column, double cost);
void mip_clear_costs(struct mip *m);
void mip_integer(struct mip *m, int column, bool integer);
size_t mip_columns(const struct mip *m);
size_t mip_rows(const struct mip *m);

struct mip_limits {
    double seconds; /* wall clock, 0: none */
    double step;    /* objective values are multiples of this, 0: not known; it lets the search stop early, exactly */
    const double *start;    /* a feasible solution to start from, NULL: none */
    const atomic_int *stop; /* nonzero: give up now. With it the solver runs in a process of its own, else in this
                               one; may be NULL */
};

enum mip_status { MIP_OPTIMAL, MIP_FEASIBLE, MIP_INFEASIBLE, MIP_UNKNOWN };

struct mip_result {
    enum mip_status status; /* FEASIBLE, UNKNOWN: stopped with, without a solution */
    double value, bound;    /* bound <= optimum, as proven */
    double *x;              /* owned; NULL without a solution; integer columns are whole */
    double seconds;
};
void mip_solve(struct mip *m, const struct mip_limits *limits, struct mip_result *ret);
void mip_result_done(struct mip_result *r);
#define cleanup_mip_result __attribute__((cleanup(mip_result_done)))

/* The largest violation of a row or bound by x, for checks. */
double mip_violation(const struct mip *m, const double *x);
