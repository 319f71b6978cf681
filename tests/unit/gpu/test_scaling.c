/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/scaling.h"

#include "check.h"

static const struct share_size ONE = {.sm = 14.0 / 108, .bandwidth = 1.0 / 8},
                               SEVEN = {.sm = 98.0 / 108, .bandwidth = 1};

TEST(passes_through_both_points)
{
    struct gpu_step s = scaling_step(&ONE, 342e6, &SEVEN, 88e6);

    CHECK_NEAR(gpu_step_kernel(&s, &ONE), 342e6, 10);
    CHECK_NEAR(gpu_step_kernel(&s, &SEVEN), 88e6, 10);
    CHECK(s.floor > 0 && s.compute > 0 && s.memory > 0);
}

TEST(a_time_that_does_not_shrink_is_all_floor)
{
    struct gpu_step s = scaling_step(&ONE, 80e6, &SEVEN, 88e6);

    CHECK_NEAR(s.floor, 88e6, 0);
    CHECK_NEAR(s.compute + s.memory, 0, 0);
}

TEST(a_time_that_shrinks_more_than_the_sizes_has_no_floor)
{
    struct gpu_step s = scaling_step(&ONE, 2000e6, &SEVEN, 88e6);

    CHECK_NEAR(s.floor, 0, 0);
    CHECK_NEAR(gpu_step_kernel(&s, &SEVEN), 88e6, 10);
}

/* Times between the two points lie between the two times, and more SMs never take longer. */
PROPERTY(interpolates, 500)
{
    double t7 = 1e6 + gen_real(g, 0, 1e9), t1 = t7 * (0.5 + gen_real(g, 0, 9)), last = 1e300;
    struct gpu_step s = scaling_step(&ONE, t1, &SEVEN, t7);

    for (double sm = ONE.sm; sm <= 1; sm += 0.05) {
        double t = gpu_step_kernel(&s, &(struct share_size){.sm = sm, .bandwidth = sm});
        CHECK(t <= last * (1 + 1e-12));
        last = t;
    }
}
