/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile carried over to a GPU on which nobody measured it.
 *
 * What the catalogue says of both GPUs scales what depends on it: peak FLOP/s and kernel times that
 * scale with SMs by dense FP16 throughput, peak bandwidth and kernel times of memory by bandwidth, the
 * reservation by memory. What the CPU or the length of a chain of kernels sets (host, launch, floor,
 * front) stays. Every number so changed says so and is assumed. It is a prior to fit from, and a
 * prediction where there is nothing to fit; docs/fidelity.md shows how good.
 */
#pragma once

#include "gpu/catalog.h"
#include "serve/profile.h"

/* Fails with ERR_INPUT where the model's need does not fit the GPU, or a figure of the catalogue is not known. */
int profile_retarget(struct profile *p, const struct gpu_model *from, const struct gpu_model *to,
                     struct err *err);
