/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG layouts of one GPU: which GPU instances can stand beside each other, and where.
 *
 * An instance occupies `profile->size` memory slices of the GPU's grid from `start`. A layout is
 * legal when every start is one of its profile's placements, no two instances overlap, no profile
 * exceeds its count, at most one instance has the media engines (+me), and +me.all stands only
 * beside -me. Compute slices need no rule of their own: with NVIDIA's placements, memory that does
 * not overlap never asks for more than there are. Nothing is listed by hand: everything follows
 * from the placements in the catalogue.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "gpu/catalog.h"

enum { LAYOUT_MAX = 12 }; /* instances on one GPU: at most one a memory slice */

struct gpu_instance {
    const struct gpu_profile *profile;
    int start; /* memory slice */
};

struct layout {
    struct gpu_instance at[LAYOUT_MAX]; /* by start; layout_sort() */
    size_t n;
};

void layout_sort(struct layout *l);

/*
 * Legal? If not, -1 and ERR_INPUT with the rule and the overlap by name ("3g.40gb@4 (slices 4-7)
 * overlaps ...").
 */
int layout_check(const struct gpu_model *m, const struct layout *l, struct err *err);

/*
 * Reads "3g.40gb@4" (ret_start 4) or "3g.40gb" (ret_start -1, to be placed) for this GPU. ERR_INPUT
 * names the profiles, or the starts, that exist.
 */
const struct gpu_profile *layout_parse_instance(const struct gpu_model *m, const char *text,
                                                int *ret_start, struct err *err);

/* "3g.40gb@0 3g.40gb@4"; "empty" */
void layout_format(const struct layout *l, struct buf *out);

/*
 * Places n further instances beside those of `kept` (NULL: none), so that the most room is left:
 * the layout that can still take the most of the largest plain profile, then of the next; among
 * equals the one whose instances start highest (1g at 6, 5, 4; 3g at 4). Ends with -1 and
 * ERR_INPUT, the reason and the nearest legal layouts, if there is no such placement.
 */
int layout_place(const struct gpu_model *m, const struct gpu_profile *const *profiles, size_t n,
                 const struct layout *kept, struct layout *ret, struct err *err);

/*
 * Room left in a legal layout: how many instances of each profile (by index) it could still take,
 * one profile at a time.
 */
void layout_room(const struct gpu_model *m, const struct layout *l, int ret_room[GPU_PROFILES_MAX]);

/* Which layouts layout_list() gives, over the profiles of a mask. */
enum layout_kind {
    LAYOUT_FEASIBLE, /* every legal placement set, the empty one too: 298 on A100 (base profiles) */
    LAYOUT_MAXIMAL,  /* those that no further instance fits into: 19 */
    LAYOUT_MULTISETS, /* one placement set for every distinct legal multiset of profiles: 38 */
    LAYOUT_PARETO,   /* those of LAYOUT_MULTISETS that no other contains: 12 */
};

struct layout_list {
    struct layout *at; /* owned; largest instances first, then by start: a fixed order */
    size_t n, cap;
};
void layout_list(const struct gpu_model *m, uint32_t profiles, enum layout_kind kind, struct layout_list *ret);
void layout_list_done(struct layout_list *l);
#define cleanup_layout_list __attribute__((cleanup(layout_list_done)))

/*
 * The up to `max` maximal layouts nearest to one that need not be legal: those that share the most
 * instances with it (a profile counts, its place breaks ties), then the fuller ones; no multiset
 * twice. Returns how many were written.
 */
size_t layout_nearest(const struct gpu_model *m, const struct layout *l, struct layout *ret, size_t max);
