/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/retarget.h"

#include <string.h>

#include "base/mem.h"

/* Parameters that are multiplied by a power of a ratio (to over from). */
static const struct {
    enum profile_kind kind;
    const char *key;
    bool bandwidth; /* else throughput */
    bool inverse;   /* a time */
} scaled[] = {
    {PROFILE_LLM, "peakFlops", false, false},
    {PROFILE_LLM, "peakBandwidth", true, false},
    {PROFILE_TTS, "computePerStream", false, true},
    {PROFILE_TTS, "joinCompute", false, true},
    {PROFILE_TTS, "joinComputePerChar", false, true},
    {PROFILE_TTS, "memory", true, true},
    {PROFILE_ASR, "computePerChunk", false, true},
    {PROFILE_ASR, "offlineComputePerSecond", false, true},
    {PROFILE_ASR, "memory", true, true},
    {PROFILE_INFER, "computePerItem", false, true},
    {PROFILE_INFER, "memory", true, true},
};

/* The same part of the GPU's memory, at least the need. */
static int64_t reservation(const struct profile *p, int64_t from, int64_t to)
{
    int64_t r = p->reserve;

    if (p->reserve > p->need) /* a reservation: a part of the GPU */
        r = (int64_t)((double)p->reserve * (double)to / (double)from);
    return r > p->need ? r : p->need;
}

int profile_retarget(struct profile *p, const struct gpu_model *from, const struct gpu_model *to,
                     struct err *err)
{
    double flops = to->fp16_tflops / from->fp16_tflops, bandwidth = to->bandwidth_gbs / from->bandwidth_gbs;
    int64_t memory = to->memory_mib << 20;
    cleanup_free char *source = xasprintf("%s's, scaled to %s by the catalogue", p->name, to->key);

    if (from == to)
        return 0;
    if (!(flops > 0 && flops < 1e6 && bandwidth > 0 && bandwidth < 1e6))
        return err_set(err, ERR_INPUT, "the catalogue lacks a throughput or a bandwidth of %s or %s", from->key, to->key);
    if (p->need > memory)
        return err_set(err, ERR_INPUT, "profile %s needs %.2f GiB, %s has %.2f GiB", p->name,
                       (double)p->need / (1 << 30), to->key, (double)memory / (1 << 30));
    for (size_t i = 0; i < ARRAY_LEN(scaled); i++) {
        double ratio = scaled[i].bandwidth ? bandwidth : flops;
        double *x = scaled[i].kind == p->kind ? profile_number(p, scaled[i].key) : NULL;
        if (x && *x > 0)
            profile_set(p, scaled[i].key, scaled[i].inverse ? *x / ratio : *x * ratio, source, true);
    }
    p->reserve = reservation(p, from->memory_mib << 20, memory);
    free(p->gpu);
    p->gpu = xstrdup(to->key);
    return 0;
}
