/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A share of a GPU and the steps that run on it.
 *
 * A share is an isolation domain: a whole GPU or one MIG instance. Its tenants (model server
 * processes) submit steps, one at a time each. How steps of several tenants meet is the share's
 * mode:
 *   alone         one tenant; a step takes what it takes on the share's SMs and bandwidth
 *   time-slicing  contexts take turns; work-conserving, max-min fair in GPU time, a cost per switch; while
 *                 one context's kernels run, no other's do, however few SMs they fill; one that was idle
 *                 waits for the present turn to end
 *   MPS           kernels of all tenants run side by side and slow each other by what each uses
 * MIG is several shares on one GPU that never meet.
 *
 * A step (struct gpu_step) has these parts, all stated for the WHOLE GPU with MIG off:
 *   host     serial CPU time before anything is launched: tokenising, scheduling, sampling
 *   launch   CPU time of launching the kernels; it runs beside them, so it is a floor of the device part
 *   floor    kernel time that more SMs do not shorten: dependent small kernels
 *   compute  kernel time that scales with the share's SMs
 *   memory   kernel time that scales with the share's bandwidth
 *   stream   the same for kernels that run by themselves, so that no compute hides them: attention over a KV cache
 * Kernel time on a share with SM fraction s and bandwidth fraction b is, with two soft maxima,
 *     R = ((compute/s)^q + (memory/b)^q)^(1/q),   q = 2.5      the roofline
 *     K = (floor^4 + R^4)^(1/4) + stream/b
 * and the step takes host + max(launch, K). The constants and their sources stand in share.c; what
 * they were fitted on, and what they predict, is printed by `snug validate --sharing`
 * (docs/sharing.md).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/world.h"

enum share_mode { SHARE_ALONE, SHARE_TIME_SLICING, SHARE_MPS };

/*
 * What one step asks; times in ns on the whole GPU, MIG off. Zero is a legal value of every field.
 */
struct gpu_step {
    double host, launch, floor, compute, memory, stream;
};

/* The part of a GPU that a share owns. */
struct share_size {
    double sm;        /* fraction of the GPU's SMs, (0, 1]: 42/108 for 3g.40gb of an A100 */
    double bandwidth; /* fraction of the memory bandwidth, (0, 1]: 4/8 for 3g.40gb */
    int64_t memory;   /* bytes that its tenants may hold */
};

/* Scheduling constants of a share; SHARE_TUNING_DEFAULT has the sourced ones. */
struct share_tuning {
    int64_t timeslice;    /* ns of one context's turn: `nvidia-smi compute-policy --set-timeslice` (docs/sharing.md) */
    int64_t switch_cost;  /* ns lost per turn when more than one context wants the GPU */
    double idle_tenant;   /* relative cost, under time-slicing, of other tenants that are attached and idle */
    double mps_contention; /* how much of a neighbour's use becomes one's own slowdown */
};
extern const struct share_tuning SHARE_TUNING_DEFAULT;

struct share;
struct share_tenant;

/* Called when the step is done. It may submit the next one. */
typedef void share_done_fn(void *arg);

/* A share in world w. The name (copied) is for reports and messages: "gpu0", "gpu0/3g.40gb@4". */
struct share *share_new(struct world *w, const char *name, enum share_mode mode,
                        const struct share_size *size, const struct share_tuning *tuning);
void share_free(struct share *s); /* NULL accepted; with its tenants */

/*
 * Attaches, before the first step of the share, a server process that holds `memory` bytes and
 * calls done(arg) after every step. `sm_cap` is the MPS active thread percentage as a fraction, 1
 * for none; other modes ignore it. Fails with ERR_INPUT, with the arithmetic, if the memory does
 * not fit or the share is alone's and taken.
 */
struct share_tenant *share_attach(struct share *s, const char *name, int64_t memory, double sm_cap,
                                  share_done_fn *done, void *arg, struct err *err);

/* Submits a step; the tenant's previous one must be done. */
void share_submit(struct share_tenant *t, const struct gpu_step *step);

bool share_busy(const struct share_tenant *t); /* a step is under way */

/* Kernel time (ns) of a step on a share of this size without neighbours: K above. */
double gpu_step_kernel(const struct gpu_step *step, const struct share_size *size);

/* How long the step takes there without neighbours, ns: host + max(launch, K). */
double gpu_step_duration(const struct gpu_step *step, const struct share_size *size);

/* Accounts, as of world->now. Busy counts time with a kernel running, once however many run. */
struct share_usage {
    int64_t busy;         /* ns with a kernel of any tenant on the SMs */
    int64_t memory;       /* bytes held by the tenants */
    uint64_t steps;
};
void share_usage(const struct share *s, struct share_usage *ret_usage);
size_t share_tenant_count(const struct share *s);
const struct share_tenant *share_tenant_at(const struct share *s, size_t i); /* in the order of attaching */
const char *share_tenant_name(const struct share_tenant *t);
int64_t share_tenant_busy(const struct share_tenant *t);    /* ns its own kernels ran */
/* ns it had a step under way, host part and waiting included */
int64_t share_tenant_engaged(const struct share_tenant *t);
const char *share_name(const struct share *s);
const struct share_size *share_size(const struct share *s);
enum share_mode share_mode(const struct share *s);

/*
 * Names the broken invariant, or NULL: busy within wall time, memory within bounds, progress in [0,
 * 1].
 */
const char *share_check(const struct share *s);
