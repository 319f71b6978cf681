/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/scaling.h"

#include <math.h>

const double SCALING_MEMORY = 0.4;

static double fourth(double x)
{
    return x * x * x * x;
}

/* K^4 = floor^4 + (u * R)^4 on both shares, R being the roofline of a unit of scaling work. */
struct gpu_step scaling_step(const struct share_size *small, double t_small,
                             const struct share_size *large, double t_large)
{
    const struct gpu_step unit = {.compute = 1 - SCALING_MEMORY, .memory = SCALING_MEMORY};
    double r_small = gpu_step_kernel(&unit, small), r_large = gpu_step_kernel(&unit, large);
    double scaling = (fourth(t_small) - fourth(t_large)) / (fourth(r_small) - fourth(r_large));
    double floor4 = fourth(t_large) - scaling * fourth(r_large);
    double u;

    if (scaling <= 0)
        return (struct gpu_step){.floor = t_large};
    if (floor4 < 0) {
        u = t_large / r_large;
        floor4 = 0;
    } else {
        u = sqrt(sqrt(scaling));
    }
    return (struct gpu_step){
        .floor = sqrt(sqrt(floor4)), .compute = u * unit.compute, .memory = u * unit.memory};
}
