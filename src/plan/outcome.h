/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GPU can become, for problem.c: the outcomes of a state under a node's mode, without those that another
 * dominates, and the blocks that they make.
 */
#pragma once

#include "plan/problem.h"

struct outcomes;

/* Slots, groups, states of `p` must stand; blocks are added to it as they are met. */
struct outcomes *outcomes_new(struct problem *p);
void outcomes_free(struct outcomes *o); /* NULL accepted */

/* The block of a state in a mode at a price, -1: no outcome is legal. */
int outcomes_block(struct outcomes *o, int state, int mode, double price);

void outcomes_reach(struct outcomes *o, int state, int mode, const struct outcome *want, struct reach *ret);
