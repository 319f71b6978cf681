/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the scenario's reader share; nobody else includes this. */
#pragma once

#include "base/conf.h"
#include "scenario/scenario.h"

struct scenario_reader {
    struct scenario *s;
    struct scenario_parameter *parameters; /* of SCENARIO_PARAMETERS_MAX; further ones are not listed */
    struct load_spec user; /* how users behave unless their load says otherwise: LOAD_DEFAULT and `conversation` */
    const char *dir; /* of the scenario's file, with its '/'; "" for the working directory */
};

enum { SCENARIO_PARAMETERS_MAX = 400 };

/* A sourced number of the scenario's own, noted as a free parameter under PREFIX.key when it is there. */
double scenario_parameter(struct scenario_reader *r, struct conf *c, const char *prefix, const char *key,
                          enum conf_unit unit, double lo, double hi, double otherwise);

void scenario_note(struct scenario_reader *r, struct conf *c, const char *prefix, const char *key,
                   const struct conf_sourced *v);

/* The index of a workload by the name that stands at `key` of c (NULL: c itself); complains and gives 0 otherwise. */
size_t scenario_workload_at(struct scenario_reader *r, struct conf *c, const char *key);

/* A path as the file means it: beside the scenario's file unless absolute. Arena-owned. */
const char *scenario_path(struct scenario_reader *r, const char *path);

/* A name of the user's: letters, digits and ._+- , at most 63. */
bool scenario_good_name(const char *name);

/* The sections, each from the conf of the whole file. */
void scenario_read_turn(struct scenario_reader *r, struct conf *root);
void scenario_read_user(struct conf *c, struct load_spec *t); /* how users behave: in `conversation` and in each load */
void scenario_read_loads(struct scenario_reader *r, struct conf *root);
void scenario_read_objectives(struct scenario_reader *r, struct conf *root);
void scenario_read_configurations(struct scenario_reader *r, struct conf *root);

/* A length: a number or {mean, cv, min, max}; without min and max a quarter and four times the mean bound it. */
struct spread scenario_spread(struct conf *c, const char *key, enum conf_unit unit, double lo, double hi,
                              struct spread otherwise);
