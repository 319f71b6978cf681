/* SPDX-License-Identifier: Apache-2.0 */
#include "base/detmath.h"

#include <math.h>

#include "check.h"

PROPERTY(agrees_with_the_c_library, 20000)
{
    double x = exp(gen_real(g, -300, 300)), y = gen_real(g, -600, 600);

    CHECK_NEAR(det_log(x), log(x), 1e-13 * fmax(1, fabs(log(x))));
    CHECK_NEAR(det_exp(y) / exp(y), 1, 1e-13);
    CHECK_NEAR(det_pow(x, 0.37) / pow(x, 0.37), 1, 1e-12);
}

TEST(pnorm_lies_between_maximum_and_sum)
{
    CHECK_NEAR(det_pnorm(3, 4, 2), 5, 1e-12);
    CHECK_NEAR(det_pnorm(3, 4, 1), 7, 1e-12);
    CHECK_NEAR(det_pnorm(0, 4, 2.5), 4, 1e-12);
    CHECK_NEAR(det_pnorm(0, 0, 2.5), 0, 0);
    CHECK_NEAR(det_pnorm(3, 4, 60), 4, 1e-3);
}

PROPERTY(pnorm_of_the_roofline_agrees_with_the_powers, 20000)
{
    double a = exp(gen_real(g, -20, 20)), b = exp(gen_real(g, -20, 20));

    CHECK_NEAR(det_pnorm(a, b, 2.5) / pow(pow(a, 2.5) + pow(b, 2.5), 0.4), 1, 1e-13);
}
