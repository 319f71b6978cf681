/* SPDX-License-Identifier: Apache-2.0 */
/* A plan in words: what stands on a GPU, why it changes, why it does not. */
#pragma once

#include "plan/waves.h"

/* "mig 3g.40gb@0 asr, 3g.40gb@4 idle"; "alone llm"; "empty" */
void explain_before(const struct fleet *f, size_t gpu, struct buf *out);
void explain_after(const struct plan *p, size_t gpu, struct buf *out);

void explain_step(const struct plan *p, const struct waves *w, const struct step *s, struct buf *out);

/* Why a GPU in use now is left as it is; false if it is not, or nobody uses it. */
bool explain_kept(const struct plan *p, size_t gpu, struct buf *out);

bool explain_node_freed(const struct plan *p, size_t node); /* in use now, not in the plan */
