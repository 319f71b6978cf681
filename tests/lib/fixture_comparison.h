/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison made by hand, for the tests of the reports: eight configurations of the voice
 * scenario, a light and a heavy load, one result that is INVALID, headroom curves, timelines,
 * waterfalls. The figures are plausible and invented.
 */
#pragma once

#include "load/result.h"

enum {
    FIXTURE_ONE = 1,      /* one configuration and no verdict, as of `simulate` */
    FIXTURE_EMPTY = 2,    /* no configuration at all */
    FIXTURE_NAN = 4,      /* no number was measured anywhere */
    FIXTURE_HOSTILE = 8,  /* names that try to break out of HTML, CSV and terminals */
    FIXTURE_EVEN = 16,    /* the data cannot tell the configurations apart */
    FIXTURE_INVALID = 32, /* every load is INVALID */
    FIXTURE_NO_HEADROOM = 64,
    FIXTURE_NO_PRICE = 128,
};

struct comparison *fixture_comparison(unsigned flags); /* ends with comparison_free() */
