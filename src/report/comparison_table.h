/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison for people on a terminal, within 100 columns: a table per load, the verdict, what
 * the audits say.
 */
#pragma once

#include "load/result.h"
#include "report/text.h"

void comparison_table(const struct comparison *c, const struct text_style *style, struct buf *out);
