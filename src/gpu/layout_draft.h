/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gpu/layout.c and gpu/layout_list.c share: a layout while it is put together, and the rules.
 */
#pragma once

#include <stdbool.h>

#include "gpu/layout.h"

/*
 * A layout while it is put together: which memory slices are taken, how many of each profile stand.
 */
struct draft {
    const struct gpu_model *model;
    uint32_t taken;
    int count[GPU_PROFILES_MAX];
    int me, me_all,
        others; /* instances with the media engines, with all of them, with any engine (not -me) */
};

uint32_t draft_slices(const struct gpu_profile *p, int start); /* the memory slices it takes there */

/* May one more instance of p stand, by counts and media engines? Its place is another question. */
bool draft_may_stand(const struct draft *d, const struct gpu_profile *p);
bool draft_is_free(const struct draft *d, const struct gpu_profile *p, int start);
bool draft_has_start(const struct gpu_profile *p, int start); /* a placement of p */

/* Puts an instance in (by 1) or takes it out (by -1). */
void draft_put(struct draft *d, const struct gpu_profile *p, int start, int by);
void draft_of(const struct gpu_model *m, const struct layout *l, struct draft *ret);

/*
 * Large before small: by memory slices, then compute slices, then the plain ones, then the
 * catalogue's order. The second gives the indices of all profiles in that order.
 */
int draft_by_size(const struct gpu_profile *a, const struct gpu_profile *b);
void draft_size_order(const struct gpu_model *m, int ret[GPU_PROFILES_MAX]);

/* How many more instances of p alone fit. */
int draft_room(struct draft d, const struct gpu_profile *p);

/*
 * Is a better than b: more room for plain profiles, large ones first; then higher starts, large
 * instances first?
 */
bool draft_roomier(const struct gpu_model *m, const struct layout *a, const struct layout *b);
