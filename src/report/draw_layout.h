/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG layouts drawn to scale: the GPU's memory slices from left to right, each instance as wide as
 * it takes.
 */
#pragma once

#include "gpu/layout.h"
#include "report/svg.h"

/*
 * CSS of the classes used here (gi-1 to gi-7, gi-free, ...), light and dark; for the style of a
 * page or of a picture on its own.
 */
extern const char draw_layout_css[];

/*
 * One layout as a bar at (x, y), w wide and h high, inside an open SVG. `label` (may be NULL) gives
 * the text of an instance, else its profile's name is written; what does not fit is shortened to
 * its size class (1g) or left to the tooltip.
 */
typedef const char *draw_label_fn(const struct gpu_instance *g, void *arg);
void draw_layout(struct svg *s, double x, double y, double w, double h, const struct gpu_model *m,
                 const struct layout *l, draw_label_fn *label, void *arg);

/* A picture of its own with all layouts of a list, below `title`. */
void draw_layouts(const struct gpu_model *m, const struct layout_list *l, const char *title, struct buf *out);
