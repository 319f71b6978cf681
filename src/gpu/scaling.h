/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step from times that were measured on two shares of one GPU.
 *
 * With a model's time on a small share (a 1g instance) and on a large one (7g, or the whole GPU)
 * the form of gpu/share.h gives its time on every other: the large one shows the floor, the small
 * one what scales. Two times cannot tell SMs from bandwidth, whose shares differ (a 3g instance has
 * 3 of 7 compute slices but 4 of 8 memory slices): SCALING_MEMORY of what scales is taken to follow
 * the bandwidth. That one constant was fitted on all of parvagpu; docs/sharing.md has its leave-
 * one-model-out error.
 */
#pragma once

#include "gpu/share.h"

extern const double SCALING_MEMORY; /* 0.4 */

/*
 * The step that takes t_small ns on `small` and t_large ns on `large`, all kernels. A time that is
 * longer on the large share, or longer than the sizes can explain, is taken at its limit: all
 * floor, or no floor, through t_large.
 */
struct gpu_step scaling_step(const struct share_size *small, double t_small, const struct share_size *large,
                             double t_large);
