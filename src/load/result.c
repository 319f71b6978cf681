/* SPDX-License-Identifier: Apache-2.0 */
#include "load/result.h"

static const struct {
    const char *key, *text;
} stages[] = {
#define X(name, key, text) {key, text},
    STAGES(X)
#undef X
};

const char *stage_key(enum stage s)
{
    return stages[s].key;
}

const char *stage_text(enum stage s)
{
    return stages[s].text;
}
