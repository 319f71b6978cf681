/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closed form of homogeneous MIG packing: the least number of GPUs that hold a demand of n(profile) instances.
 *
 * On the 8-slice grid (A100, H100, H200, B200, ...) with m double-memory 1g instances,
 *     G* = max( n4 + n7,
 *               ceil((n2 + n3 + 2 n4 + 3 n7) / 3),
 *               ceil((n1 + 2 m + 2 n2 + 4 n3 + 4 n4 + 8 n7) / 8),
 *               ceil((n1 + m + 2 n2 + 3 n3 + 4 n4 + 7 n7) / 7) )
 * and on four slices (A30, RTX PRO 6000) G* = ceil((n1 + 2 n2 + 4 n4) / 4). Each term is a face of the polytope of
 * what one GPU holds; that rounding them up is exact was checked against enumeration (tests/unit/plan/test_bound.c
 * does so again). So "it fits G GPUs" is the same as "no face is over G times its capacity", which is how the search
 * (plan/pattern.h) sees a GPU.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/catalog.h"

enum { BOUND_FACES_MAX = 4 };

/* sum of weight[profile->index] * n <= capacity * GPUs */
struct bound_face {
    int weight[GPU_PROFILES_MAX];
    int capacity;
};

/*
 * The faces of a model over the profiles in `mask`, or 0 where no closed form is known: another grid, or a mask with
 * media (+me) or graphics profiles.
 */
size_t bound_faces(const struct gpu_model *m, uint32_t mask, struct bound_face ret[BOUND_FACES_MAX]);

/* The largest of the faces' bounds for a demand by profile index; ret_face (may be NULL) is the face that gives it.
 */
int64_t bound_gpus(const struct bound_face *faces, size_t n, const int64_t demand[GPU_PROFILES_MAX],
                   size_t *ret_face);

/* "n2 + n3 + 2 n4 + 3 n7 <= 3 G" with the names of the profiles, for reports. */
struct buf;
void bound_format(const struct gpu_model *m, const struct bound_face *face, struct buf *out);
