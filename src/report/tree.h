/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as JSON or YAML: one object with apiVersion and kind (INTERFACE, section 1).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* {"apiVersion": "snug/v1", "kind": kind}, to be filled in. */
json_t *tree_of(const char *kind);

/* Appends the tree as indented JSON or as block YAML, and releases it in every case. */
int tree_put(json_t *root, bool yaml_wanted, struct buf *out, struct err *err);
