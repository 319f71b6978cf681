/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transition: in which order replicas go and GPUs change, so that no workload is ever short of more replicas than
 * its allowance, and every prefix of waves is a legal, complete state.
 *
 * A wave is a set of moves. A move's blockers are the replicas that must be gone before its new place can be made:
 * those in the way on the GPU (under mig-parted all of a GPU that is rebuilt, and all of the node's MIG GPUs where a
 * MIG mode changes; under NVML the instances that overlap), and those whose way of sharing excludes the new one on
 * the node.
 *
 *   place then free   all blockers left in earlier waves: the new replica is ready before the old one goes. At most
 *                     max(1, maxUnavailable) replicas of a workload go in one wave
 *   free then place   where nothing else is left to do: a set of moves that only block each other goes at once, away
 * for the length of the wave, as far as maxUnavailable allows for every workload in it by way of         a replica
 * that may not be away goes to a GPU that nobody uses, until its new place is free
 *
 * Where none of these is possible no order keeps the allowances on this fleet: the smallest set goes all the same,
 * the wave is marked and `forced_why` says so, for whoever has to decide.
 */
#pragma once

#include "plan/plan.h"

enum wave_kind { WAVE_PLACE_FREE, WAVE_FREE_PLACE, WAVE_VIA, WAVE_NEW, WAVE_RETIRE };

struct wave_move {
    const struct plan_move *move;
    enum wave_kind kind;
    int64_t from,
        to; /* GPUs of this leg, -1: none; they differ from the move's where it goes by way of another GPU */
    bool forced;
};

struct step {
    int wave; /* from 1 */
    int64_t gpu;
    bool leaves;         /* the GPU is left empty: no moves, they stand where they arrive */
    size_t first, count; /* moves, in waves.moves */
};

struct waves {
    struct step *steps; /* by wave, then GPU */
    size_t step_count;
    struct wave_move *moves;
    size_t move_count;
    int count;
    char *forced_why; /* NULL: every allowance is kept */
};

void waves_make(const struct plan *p, struct waves *ret);
void waves_done(struct waves *w);
#define cleanup_waves __attribute__((cleanup(waves_done)))
