/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's free parameters from measured tables, by replaying every row in virtual time.
 *
 * What is minimised over all rows and figures, in logarithms, so that twice too much and half too
 * much weigh the same:
 *     sum of (log(predicted / measured) / bar)^2  +  sum over free parameters of (log(value / start) / log 4)^2 * PULL
 * The bars are those of sim/measured.h; figures without one (percentiles) count with 0.5. The
 * second sum holds a parameter that the tables say nothing about at its start, which is the --like
 * profile's physical value. One set of parameters serves all rows; nothing is fitted per row. Sbplx
 * (NLopt), bounded, with a fixed number of evaluations: the same input gives the same profile.
 */
#pragma once

#include <stdatomic.h>

#include "sim/measured.h"

enum { FIT_FREE_MAX = 16 };

struct fit_spec {
    const char *const *free; /* keys of parameters to estimate, NULL-terminated; NULL: the kind's usual ones */
    unsigned evaluations;    /* at most; 0: 400 */
    unsigned repetitions;    /* of a level; 0: 3 */
    uint64_t seed;
    const atomic_int *stop;
    void (*progress)(void *arg, unsigned done, unsigned of); /* may be NULL */
    void *arg;
};

struct fit_report {
    struct {
        const char *key; /* of the profile's list: static */
        double before, after;
        bool at_bound;
    } free[FIT_FREE_MAX];
    size_t count;
    unsigned evaluations, rows;
    double before, after; /* the sum minimised */
};

/*
 * Fits p in place; rows whose load is above `beyond[i]` of table i (NULL: none) are not used. The
 * parameters' source becomes `source`. -1 with err, p unchanged.
 */
int fit(struct profile *p, struct measured *const *tables, size_t n, const double *beyond, const struct fit_spec *spec,
        const char *source, struct fit_report *ret, struct err *err);

/*
 * The parameters usually estimated for a kind, of those that these tables can tell;
 * NULL-terminated, static.
 */
const char *const *fit_usual(const struct profile *p, struct measured *const *tables, size_t n);
