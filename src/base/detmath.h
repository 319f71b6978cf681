/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logarithm, exponential and power from IEEE 754 additions, multiplications and divisions only.
 *
 * The C library's versions may differ in the last bit between machines (it picks fused variants by
 * processor), and a simulation turns such a bit into another nanosecond. These give the same bits
 * everywhere; the tree is compiled with -ffp-contract=off. Relative error below 1e-14.
 */
#pragma once

double det_log(double x);           /* x > 0 */
double det_exp(double x);           /* |x| < 700 */
double det_pow(double x, double y); /* x >= 0; det_pow(0, y) is 0 for y > 0 */

/*
 * A soft maximum of two non-negative costs: (a^p + b^p)^(1/p), p >= 1. It is the roofline's corner: with
 * p large the larger cost alone, with p = 1 their sum.
 */
double det_pnorm(double a, double b, double p);
