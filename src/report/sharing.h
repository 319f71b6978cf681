/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `snug validate --sharing DIR` says: the predictions of sim/sharing.h beside the tables.
 */
#pragma once

#include "report/text.h"
#include "sim/sharing.h"

enum sharing_format { SHARING_TABLE, SHARING_JSON, SHARING_CSV, SHARING_MARKDOWN };

/* Means are taken over rows that are evidence. The bars: 6 % for MIG scaling, 13 % for MPS. */
bool sharing_within_bars(const struct sharing_rows *r, double leave_one_out);

/* Appends the report; leave_one_out is sharing_leave_one_out()'s, NaN to leave it out. */
void sharing_report(const struct sharing_rows *r, double leave_one_out, enum sharing_format format, const struct text_style *style,
                    struct buf *out);
