/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, memory and numbers; what a duration is printed as must read back as the same one. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    char text[UNITS_MAX];
    int64_t ns, again, bytes, whole;
    double real;

    if (units_parse_duration(s, size, &ns) == 0) {
        units_duration(text, ns);
        units_duration_exact(text, ns);
        if (ns < 0 || units_parse_duration(text, strlen(text), &again) < 0 || again != ns)
            __builtin_trap();
    }
    if (units_parse_memory(s, size, &bytes) == 0) {
        units_memory(text, bytes);
        if (bytes < 0)
            __builtin_trap();
    }
    if (units_parse_real(s, size, &real) == 0 && !isfinite(real))
        __builtin_trap();
    units_parse_int(s, size, &whole);
    return 0;
}
