/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `snug gpus` says: the catalogue, one GPU, its legal MIG layouts. As text tables, JSON, YAML,
 * CSV, and layouts as SVG.
 */
#pragma once

#include "gpu/layout.h"
#include "report/text.h"

enum gpus_format { GPUS_TABLE, GPUS_JSON, GPUS_YAML, GPUS_CSV, GPUS_SVG };

/* All models, one line each. SVG is refused. */
int gpus_list(struct catalog *c, enum gpus_format format, const struct text_style *style,
              struct buf *out, struct err *err);

/* One model: its figures, its profiles, where they come from. SVG is refused. */
int gpus_show(struct catalog *c, const struct gpu_model *m, enum gpus_format format,
              const struct text_style *style, struct buf *out, struct err *err);

/* Layouts of a kind over the profiles of a mask. Refused for a GPU without MIG. */
int gpus_layouts(const struct gpu_model *m, uint32_t profiles, enum layout_kind kind,
                 enum gpus_format format, const struct text_style *style, struct buf *out,
                 struct err *err);

/*
 * Places instances given as "3g.40gb@4 1g.10gb 1g.10gb" (blanks or commas): those with a place
 * stay, the others go where they leave the most room. Gives that layout and what could still be
 * added.
 */
int gpus_place(const struct gpu_model *m, const char *instances, enum gpus_format format,
               const struct text_style *style, struct buf *out, struct err *err);
