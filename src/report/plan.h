/* SPDX-License-Identifier: Apache-2.0 */
/* What `snug plan` says: the plan as a summary and its steps, or as JSON (kind Plan). */
#pragma once

#include "plan/plan.h"
#include "report/text.h"

void plan_json(const struct plan *p, const struct options *o, struct buf *out);
void plan_table(const struct plan *p, const struct options *o, const struct text_style *style,
                bool all, struct buf *out);
