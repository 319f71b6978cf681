/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison as one self-contained page: no other file, nothing from elsewhere, no JavaScript
 * needed (a few lines open what is folded when the page is printed). Light and dark, 360 px and
 * wide. Style and script are data/report/style.css and script.js.
 *
 * The same comparison gives the same bytes. What was not measured is an en dash; a load that is
 * INVALID shows which audit failed instead of its throughput and latencies.
 */
#pragma once

#include "base/buf.h"
#include "load/result.h"

void comparison_html(const struct comparison *c, struct buf *out);
