/* SPDX-License-Identifier: Apache-2.0 */
/* Any measured table: every cell is asked for, as text and as a number. */
#include <math.h>
#include <stdint.h>

#include "base/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct csv_limits limits = {.bytes = 1 << 16, .rows = 5000};
    struct err err = {.kind = ERR_NONE};
    cleanup_csv struct csv *c = csv_parse("x.csv", (const char *)data, size, &limits, &err);

    if (!c && (err.kind != ERR_INPUT || !err.msg[0]))
        __builtin_trap();
    for (size_t row = 0; c && row < csv_rows(c); row++)
        for (size_t column = 0; column < csv_columns(c); column++) {
            double value = 0;
            int rc = csv_number(c, row, column, &value, &err);
            if (!csv_cell(c, row, column) || csv_line(c, row) < 1 || (rc == 1 && !isfinite(value)))
                __builtin_trap();
        }
    return 0;
}
