/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of a comparison's page (comparison_html.h), each of which may find nothing to say. */
#pragma once

#include "report/charts.h"

/* What a section needs to know. */
struct page {
    const struct comparison *c;
    struct buf *out;
    const char *loads[CHART_LOADS];
    size_t load_count;
    const char *focus; /* the load that the verdict is about, else the last; NULL without any */
};

void page_section(struct page *p, const char *id, const char *title, const char *text); /* text may be NULL */
void page_section_end(struct page *p);
void page_panel(struct page *p, const char *title, const char *note); /* a chart's frame in a grid */
void page_panel_end(struct page *p);
void page_fold(struct page *p, const char *title, bool open);
void page_fold_end(struct page *p);
void page_load_note(const struct load_result *l, struct buf *out); /* "50 users", "2 turns/s arriving" */
const struct load_result *page_any(const struct page *p, const char *load); /* a result under that load */
void page_key(struct page *p); /* the configurations' inks */

/* page_tables.c */
void page_results(struct page *p);
void page_stages(struct page *p); /* folded: latencies of all stages */
void page_turn_numbers(struct page *p); /* folded: the waterfalls in numbers */
void page_headroom_table(struct page *p);
void page_cost_table(struct page *p);
void page_audits(struct page *p);
void page_inputs(struct page *p);
