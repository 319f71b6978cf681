/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/retarget.h"

#include "base/mem.h"
#include "check.h"

TEST(what_the_gpu_sets_is_scaled_and_the_rest_stays)
{
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);
    const struct gpu_model *a100 = catalog_find(c, "A100-SXM4-80GB", &err), *h100 = catalog_find(c, "H100-SXM5-80GB", &err);
    cleanup_profile struct profile *p = profile_load("llama-3-8b-a100", &err), *q = profile_copy(p);

    CHECK_EQ(profile_retarget(q, a100, h100, &err), 0);
    CHECK_STR(q->gpu, "H100-SXM5-80GB");
    CHECK_NEAR(q->llm.peak_bandwidth / p->llm.peak_bandwidth, h100->bandwidth_gbs / a100->bandwidth_gbs, 1e-9);
    CHECK_NEAR(q->llm.peak_flops / p->llm.peak_flops, h100->fp16_tflops / a100->fp16_tflops, 1e-9);
    CHECK_NEAR(q->llm.host, p->llm.host, 0);
    CHECK_NEAR(q->llm.floor, p->llm.floor, 0);
    CHECK_EQ(profile_retarget(q, h100, a100, &err), 0); /* and back */
    CHECK_NEAR(q->llm.peak_flops / p->llm.peak_flops, 1, 1e-9);
}

TEST(a_model_that_does_not_fit_is_refused)
{
    struct err err = {0};
    cleanup_catalog struct catalog *c = catalog_open(&err);
    const struct gpu_model *a100 = catalog_find(c, "A100-SXM4-80GB", &err), *t4 = catalog_find(c, "T4-16GB", &err);
    cleanup_profile struct profile *p = profile_load("llama-3-8b-a100", &err);

    CHECK(profile_retarget(p, a100, t4, &err) < 0);
    CHECK_CONTAINS(err.msg, "T4-16GB has");
    CHECK_STR(p->gpu, "A100-SXM4-80GB");
}
