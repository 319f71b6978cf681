/* SPDX-License-Identifier: Apache-2.0 */
#include "report/draw_layout.h"

#include <stdio.h>
#include <string.h>

/*
 * One hue by compute slices, from light to strong, so that a large instance is seen at once; text
 * on all of them is dark.
 */
const char draw_layout_css[] =
    ".gi-1{fill:#d7ecc9}.gi-2{fill:#b5dba0}.gi-3{fill:#8fc873}.gi-4{fill:#6fb44f}.gi-7{fill:#"
    "5ca63c}"
    ".gi-me{stroke:#b45309;stroke-width:2}"
    ".gi-name{font:600 12px system-ui,sans-serif;fill:#16240d;text-anchor:middle}"
    ".gi-small{font:10.5px system-ui,sans-serif;fill:#16240d;text-anchor:middle}"
    ".gi-free{fill:none;stroke:#9ca3af;stroke-width:1;stroke-dasharray:3 3}"
    ".gi-note{font:11px "
    "system-ui,sans-serif;fill:#6b7280}.gi-right{text-anchor:end}.gi-mid{text-anchor:middle}"
    ".gi-title{font:600 15px system-ui,sans-serif;fill:#111827}"
    "@media "
    "(prefers-color-scheme:dark){.gi-free{stroke:#6b7280}.gi-note{fill:#9ca3af}.gi-title{fill:#"
    "f3f4f6}}";

static const char PAGE_CSS[] =
    ".page{fill:#fff}@media (prefers-color-scheme:dark){.page{fill:#111318}}";

enum { LETTER = 8 }; /* pixels of one letter of a name, roughly */

static const char *class_of(const struct gpu_profile *p, char ret[32])
{
    int c = p->compute_slices;

    snprintf(ret, 32, "gi-%d%s", c <= 4 ? c : 7,
             strcmp(p->attributes, "me") == 0 || strcmp(p->attributes, "me.all") == 0 ? " gi-me"
                                                                                      : "");
    return ret;
}

static void tooltip(const struct gpu_instance *g, char ret[160])
{
    const struct gpu_profile *p = g->profile;
    int n = snprintf(ret, 160, "%s@%d: memory slices %d to %d", p->name, g->start, g->start,
                     g->start + p->size - 1);

    if (p->size == 1)
        n = snprintf(ret, 160, "%s@%d: memory slice %d", p->name, g->start, g->start);
    if (p->sm > 0)
        n += snprintf(ret + n, 160 - (size_t)n, ", %d SMs", p->sm);
    if (p->memory_mib > 0)
        snprintf(ret + n, 160 - (size_t)n, ", %.2f GiB", (double)p->memory_mib / 1024);
}

static void draw_instance(struct svg *s, double x, double y, double w, double h,
                          const struct gpu_instance *g, const char *label)
{
    const struct gpu_profile *p = g->profile;
    char class[32], title[160], small[40], size[8];
    bool two = h >= 30 && w >= 62 && p->sm > 0;

    tooltip(g, title);
    svg_attr(s, "rx", "3");
    svg_rect(s, x + 1, y, w - 2, h, class_of(p, class), title);
    snprintf(size, sizeof size, "%dg", p->compute_slices);
    if ((double)strlen(label) * LETTER > w - 4)
        label = size;
    if ((double)strlen(label) * LETTER > w - 2)
        return;
    svg_text(s, x + w / 2, y + h / 2 + (two ? -2 : 4), "gi-name", label);
    if (!two)
        return;
    if (w >= 140)
        snprintf(small, sizeof small, "%d SMs, %.2f GiB", p->sm, (double)p->memory_mib / 1024);
    else
        snprintf(small, sizeof small, "%d SMs", p->sm);
    svg_text(s, x + w / 2, y + h / 2 + 12, "gi-small", small);
}

void draw_layout(struct svg *s, double x, double y, double w, double h, const struct gpu_model *m,
                 const struct layout *l, draw_label_fn *label, void *arg)
{
    double slice = w / m->grid;
    int at = 0;

    for (size_t i = 0; i <= l->n; i++) {
        const struct gpu_instance *g = i < l->n ? &l->at[i] : NULL;
        int start = g ? g->start : m->grid;
        if (start > at) {
            char title[64];
            snprintf(title, sizeof title, "%d free memory slice%s", start - at,
                     start - at == 1 ? "" : "s");
            svg_attr(s, "rx", "3");
            svg_rect(s, x + at * slice + 2, y + 1, (start - at) * slice - 4, h - 2, "gi-free",
                     title);
        }
        if (!g)
            break;
        draw_instance(s, x + start * slice, y, g->profile->size * slice, h, g,
                      label ? label(g, arg) : g->profile->name);
        at = start + g->profile->size;
    }
}

/* The numbers of the memory slices above a column of bars. */
static void draw_axis(struct svg *s, double x, double y, double w, const struct gpu_model *m)
{
    for (int i = 0; i < m->grid; i++)
        svg_textf(s, x + (i + 0.5) * w / m->grid, y, "gi-note gi-mid", "%d", i);
}

void draw_layouts(const struct gpu_model *m, const struct layout_list *l, const char *title,
                  struct buf *out)
{
    size_t columns = l->n <= 40 ? 1 : l->n <= 120 ? 2 : 3, rows = (l->n + columns - 1) / columns;
    double bar = columns == 1   ? 640
                 : columns == 2 ? 440
                                : 320,
           h = columns == 1 ? 36 : 24, pitch = h + (columns == 1 ? 10 : 7);
    double left = 44, right = columns == 1 ? 150 : 20, top = 70;
    double width = (double)columns * (left + bar + right), height = top + (double)rows * pitch + 16;
    char style[4096];
    struct svg s;

    snprintf(style, sizeof style, "%s%s", PAGE_CSS, draw_layout_css);
    svg_begin(&s, out, width, height, title, style);
    svg_rect(&s, 0, 0, width, height, "page", NULL);
    svg_text(&s, left, 28, "gi-title", title);
    for (size_t c = 0; c < columns; c++)
        draw_axis(&s, left + (double)c * (left + bar + right), 60, bar, m);
    if (columns == 1)
        svg_text(&s, left - 8, 60, "gi-note gi-right", "slice");
    for (size_t i = 0; i < l->n; i++) {
        const struct layout *one = &l->at[i];
        double x = left + (double)(i / rows) * (left + bar + right),
               y = top + (double)(i % rows) * pitch;
        int compute = 0, memory = 0;
        for (size_t k = 0; k < one->n; k++) {
            compute += one->at[k].profile->compute_slices;
            memory += one->at[k].profile->size;
        }
        svg_textf(&s, x - 10, y + h / 2 + 4, "gi-note gi-right", "%zu", i + 1);
        draw_layout(&s, x, y, bar, h, m, one, NULL, NULL);
        if (columns == 1) {
            svg_textf(&s, x + bar + 12, y + h / 2 - 2, "gi-note", "compute %d of %d", compute,
                      m->compute_slices);
            svg_textf(&s, x + bar + 12, y + h / 2 + 12, "gi-note", "memory %d of %d", memory,
                      m->grid);
        }
    }
    svg_end(&s);
}
