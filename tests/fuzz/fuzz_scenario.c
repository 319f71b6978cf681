/* SPDX-License-Identifier: Apache-2.0 */
/* Any scenario: what is accepted is whole, what is refused has a message with a place. */
#include <stdint.h>
#include <string.h>

#include "lsan.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_configuration(const struct scenario *s, const struct scenario_configuration *c)
{
    size_t places = 0;

    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++) {
            const struct scenario_slot *slot = &c->gpus[g].slots[i];
            for (size_t k = 0; k < slot->count; k++)
                if (slot->workloads[k] >= s->workload_count)
                    __builtin_trap();
            if (slot->profile && (slot->start < 0 || slot->start + slot->profile->size > s->gpu->grid))
                __builtin_trap();
            places += slot->count;
        }
    if (places < s->workload_count)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {.kind = ERR_NONE};
    cleanup_scenario struct scenario *s = NULL;

    if (size > 1 << 14 || memmem(data, size, "/", 1)) /* no paths: what lies on this machine is no input */
        return 0;
    s = scenario_parse("x.yaml", (const char *)data, size, &err);
    if (!s) {
        if (err.kind == ERR_NONE || strncmp(err.msg, "x.yaml:", 7) != 0 || strchr(err.msg, '\n'))
            __builtin_trap();
        return 0;
    }
    for (size_t i = 0; i < s->configuration_count; i++)
        check_configuration(s, &s->configurations[i]);
    for (size_t i = 0; i < s->load_count; i++)
        for (size_t k = 0; k < s->loads[i].request_count; k++)
            if (s->loads[i].requests[k].workload >= s->workload_count)
                __builtin_trap();
    if (!s->load_count || !s->configuration_count || !s->gpu || strlen(scenario_digest(s)) != 16)
        __builtin_trap();
    return 0;
}
