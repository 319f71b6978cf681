/* SPDX-License-Identifier: Apache-2.0 */
/* The columns that a measured table may have, and the classes their figures belong to. */
#include <math.h>

#include "base/mem.h"
#include "sim/measured.h"

#define AT(field) offsetof(struct level_result, field)

static const struct measured_column columns[] = {
    {PROFILE_LLM, "output_tok_per_s", MEASURE_THROUGHPUT, AT(tokens_per_s)},
    {PROFILE_LLM, "tok_per_s", MEASURE_THROUGHPUT, AT(tokens_per_s)},
    {PROFILE_LLM, "req_per_s", MEASURE_THROUGHPUT, AT(requests_per_s)},
    {PROFILE_LLM, "ttft_ms", MEASURE_FIRST, AT(first)},
    {PROFILE_LLM, "ttft_mean_ms", MEASURE_FIRST, AT(first)},
    {PROFILE_LLM, "ttft_p50_ms", MEASURE_FIRST, AT(first_p50)},
    {PROFILE_LLM, "ttft_p90_ms", MEASURE_OTHER, AT(first_p90)},
    {PROFILE_LLM, "ttft_p99_ms", MEASURE_P99, AT(first_p99)},
    {PROFILE_LLM, "itl_ms", MEASURE_LATENCY, AT(between)},
    {PROFILE_LLM, "itl_mean_ms", MEASURE_LATENCY, AT(between)},
    {PROFILE_LLM, "tpot_ms", MEASURE_LATENCY, AT(between)},
    {PROFILE_LLM, "tpot_mean_ms", MEASURE_LATENCY, AT(between)},
    {PROFILE_LLM, "tpot_p50_ms", MEASURE_LATENCY, AT(between_p50)},
    {PROFILE_LLM, "tpot_p90_ms", MEASURE_OTHER, AT(between_p90)},
    {PROFILE_LLM, "tpot_p99_ms", MEASURE_P99, AT(between_p99)},
    {PROFILE_LLM, "e2e_mean_ms", MEASURE_LATENCY, AT(mean)},
    {PROFILE_LLM, "mean_ms", MEASURE_LATENCY, AT(mean)},
    {PROFILE_LLM, "p99_ms", MEASURE_P99, AT(p99)},
    {PROFILE_TTS, "req_per_s", MEASURE_THROUGHPUT, AT(requests_per_s)},
    {PROFILE_TTS, "rtfx", MEASURE_THROUGHPUT, AT(rtfx)},
    {PROFILE_TTS, "mean_ms", MEASURE_LATENCY, AT(mean)},
    {PROFILE_TTS, "p90_ms", MEASURE_OTHER, AT(p90)},
    {PROFILE_TTS, "p95_ms", MEASURE_OTHER, AT(p95)},
    {PROFILE_TTS, "p99_ms", MEASURE_P99, AT(p99)},
    {PROFILE_TTS, "ttfa_avg_ms", MEASURE_FIRST, AT(first)},
    {PROFILE_TTS, "ttfa_mean_ms", MEASURE_FIRST, AT(first)},
    {PROFILE_TTS, "ttfb_ms", MEASURE_FIRST, AT(first)},
    {PROFILE_TTS, "ttfa_p90_ms", MEASURE_OTHER, AT(first_p90)},
    {PROFILE_TTS, "ttfa_p95_ms", MEASURE_OTHER, AT(first_p95)},
    {PROFILE_TTS, "ttfa_p99_ms", MEASURE_P99, AT(first_p99)},
    {PROFILE_TTS, "chunk_avg_ms", MEASURE_OTHER, AT(between)},
    {PROFILE_TTS, "inter_chunk_ms", MEASURE_OTHER, AT(between)},
    {PROFILE_ASR, "req_per_s", MEASURE_THROUGHPUT, AT(requests_per_s)},
    {PROFILE_ASR, "rtfx", MEASURE_THROUGHPUT, AT(rtfx)},
    {PROFILE_ASR, "mean_ms", MEASURE_LATENCY, AT(mean)},
    {PROFILE_ASR, "avg_ms", MEASURE_LATENCY, AT(mean)},
    {PROFILE_ASR, "median_ms", MEASURE_OTHER, AT(p50)},
    {PROFILE_ASR, "p90_ms", MEASURE_OTHER, AT(p90)},
    {PROFILE_ASR, "p95_ms", MEASURE_OTHER, AT(p95)},
    {PROFILE_ASR, "p99_ms", MEASURE_P99, AT(p99)},
    {PROFILE_ASR, "server_tail_ms", MEASURE_LATENCY, AT(tail)},
    {PROFILE_INFER, "req_per_s", MEASURE_THROUGHPUT, AT(requests_per_s)},
    {PROFILE_INFER, "mean_ms", MEASURE_LATENCY, AT(mean)},
    {PROFILE_INFER, "p99_ms", MEASURE_P99, AT(p99)},
};

const char *measure_key(enum measure m)
{
    static const char *const keys[] = {"throughput", "latency_mean", "ttft_mean", "p99", "other"};

    return keys[m];
}

double measure_bar(enum measure m)
{
    static const double bars[] = {0.05, 0.10, 0.15, 0.25, NAN};

    return bars[m];
}

const struct measured_column *measured_columns(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(columns);
    return columns;
}
