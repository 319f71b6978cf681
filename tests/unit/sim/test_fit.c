/* SPDX-License-Identifier: Apache-2.0 */
/* Fitting finds what made a table; the built-in profiles stay within the bars on the published ones. */
#include "sim/fit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "check.h"
#include "sim/validate.h"

struct judged {
    struct catalog *gpus;
    struct arena *a;
    struct csv *csv;
    struct measured *m;
    struct profile *p;
};

static void open_table(struct judged *j, const char *text, const char *profile)
{
    struct err err = {0};

    *j = (struct judged){.gpus = catalog_open(&err), .a = arena_new()};
    j->p = profile_load(profile, &err);
    CHECK_STR(err.msg, "");
    j->csv = csv_parse("table.csv", text, strlen(text), NULL, &err);
    CHECK_STR(err.msg, "");
    j->m = measured_read(j->csv, j->p, j->gpus, &(struct measured_options){.isl = 0}, j->a, &err);
    CHECK_STR(err.msg, "");
}

static void close_table(struct judged *j)
{
    profile_free(j->p);
    csv_free(j->csv);
    arena_free(j->a);
    catalog_free(j->gpus);
}

TEST(a_perturbed_profile_is_fitted_back_to_its_own_table)
{
    cleanup_buf struct buf text = {.max = 1 << 16};
    struct judged j;
    struct fit_spec spec = {.seed = 1, .evaluations = 200};
    struct fit_report report;
    struct err err = {0};
    struct validation *v;

    buf_puts(&text, "# config: ISL 300 OSL 100\nconcurrency,ttft_ms,itl_ms,output_tok_per_s\n"
                    "1,1,1,1\n8,1,1,1\n32,1,1,1\n128,1,1,1\n");
    open_table(&j, buf_str(&text), "llama-3-8b-a100");
    v = validate(&j.m, 1, j.p, NULL, 1, j.a, NULL, &err);
    CHECK_STR(err.msg, "");
    buf_clear(&text);
    buf_puts(&text, "# config: ISL 300 OSL 100\nconcurrency,output_tok_per_s,ttft_ms,itl_ms\n");
    for (int r = 0; r < 4; r++) { /* what the profile itself makes of it */
        static const int loads[] = {1, 8, 32, 128};
        buf_printf(&text, "%d,%.6g,%.6g,%.6g\n", loads[r], v->rows[3 * r].predicted,
                   v->rows[3 * r + 1].predicted, v->rows[3 * r + 2].predicted);
    }
    close_table(&j);
    open_table(&j, buf_str(&text), "llama-3-8b-a100");
    *profile_number(j.p, "computeEfficiency") *= 0.7;
    *profile_number(j.p, "memoryEfficiency") *= 0.8;
    *profile_number(j.p, "hostPerSequence") *= 3;
    fit(j.p, &j.m, 1, NULL, &spec, "test", &report, &err);
    CHECK_STR(err.msg, "");
    CHECK(report.after < 0.05 * report.before);
    v = validate(&j.m, 1, j.p, NULL, 1, j.a, NULL, &err);
    CHECK(v->within);
    CHECK(v->mape[MEASURE_THROUGHPUT] < 0.02);
    close_table(&j);
}

TEST(a_parameter_that_is_none_is_refused)
{
    static const char *const keys[] = {"slots", NULL};
    struct judged j;
    struct fit_spec spec = {.seed = 1, .free = keys};
    struct fit_report report;
    struct err err = {0};

    open_table(&j, "concurrency,ttft_ms\n1,10\n", "llama-3-8b-a100");
    CHECK(fit(j.p, &j.m, 1, NULL, &spec, "test", &report, &err) < 0);
    CHECK_CONTAINS(err.msg, "slots");
    close_table(&j);
}

TEST(the_highest_loads_are_held_out)
{
    struct judged j;

    open_table(&j, "concurrency,ttft_ms\n1,1\n5,1\n25,1\n50,1\n100,1\n", "llama-3-8b-a100");
    CHECK_EQ(validation_holdout(j.m), 25);
    close_table(&j);
    open_table(&j, "concurrency,ttft_ms\n1,1\n5,1\n25,1\n", "llama-3-8b-a100");
    CHECK_EQ(validation_holdout(j.m), 5);
    close_table(&j);
    open_table(&j, "concurrency,ttft_ms\n1,1\n5,1\n", "llama-3-8b-a100");
    CHECK(isinf(validation_holdout(j.m)));
    close_table(&j);
}

static void refused(const char *text, const char *part)
{
    struct err err = {0};
    cleanup_catalog struct catalog *gpus = catalog_open(&err);
    cleanup_arena struct arena *a = arena_new();
    cleanup_profile struct profile *p = profile_load("magpie-h100", &err);
    cleanup_csv struct csv *c = csv_parse("t.csv", text, strlen(text), NULL, &err);

    CHECK_STR(err.msg, "");
    CHECK(!measured_read(c, p, gpus, &(struct measured_options){.isl = 0}, a, &err));
    CHECK_EQ(err.kind, ERR_INPUT);
    CHECK_CONTAINS(err.msg, part);
    CHECK_CONTAINS(err.msg, "t.csv");
}

TEST(bad_tables_are_refused_with_their_place)
{
    refused("streams,rtfx\n-1,2\n", "streams");
    refused("streams,rtfx\n0,2\n", "streams");
    refused("streams,rtfx\n1e9,2\n", "streams");
    refused("streams,rtfx\n4,nan\n", "rtfx");
    refused("# requests: 0\nstreams,rtfx\n4,9\n", "requests");
    refused("streams,other\n4,9\n", "no row");
    refused("streams,rtfx\n", "no row");
}

/* The published tables, where they are at hand. */
static void published(const char *profile, const char *table, double throughput, double latency, double first)
{
    const char *shared = getenv("SNUG_SHARED");
    cleanup_free char *path = xasprintf("%s/tables/%s.csv", shared ? shared : "../shared", table);
    struct err err = {0};
    cleanup_catalog struct catalog *gpus = catalog_open(&err);
    cleanup_arena struct arena *a = arena_new();
    cleanup_profile struct profile *p = profile_load(profile, &err);
    cleanup_csv struct csv *c = NULL;
    struct measured *m;
    struct validation *v;

    if (access(path, R_OK) != 0)
        check_skip("the published tables are not at hand: set SNUG_SHARED");
    c = csv_open(path, NULL, &err);
    m = c ? measured_read(c, p, gpus, &(struct measured_options){.isl = 0}, a, &err) : NULL;
    v = m ? validate(&m, 1, p, NULL, 1, a, NULL, &err) : NULL;
    CHECK_STR(err.msg, "");
    if (!isnan(throughput))
        CHECK(v->mape[MEASURE_THROUGHPUT] <= throughput);
    if (!isnan(latency))
        CHECK(v->mape[MEASURE_LATENCY] <= latency);
    if (!isnan(first))
        CHECK(v->mape[MEASURE_FIRST] <= first);
}

TEST(llama_8b_on_h100_is_within_the_bars)
{
    published("llama-3.1-8b-h100", "nim_l31_8b_v180", 0.05, 0.10, 0.15);
}

TEST(llama_70b_beyond_its_kv_cache_is_within_the_bars)
{
    published("llama-3.3-70b-2xh100", "nim_l33_70b_v180", 0.05, 0.10, 0.15);
}

TEST(magpie_up_to_64_streams_is_within_the_bars)
{
    published("magpie-a100-b64", "magpie_a100", 0.05, NAN, 0.15);
    published("magpie-h100", "nf_tts_magpie_bs8", 0.05, 0.10, 0.15);
}

TEST(whole_audio_asr_is_within_the_bars_on_the_gpu_and_on_a_slice)
{
    published("parakeet-1.1b-h100", "nf_asr_offline_mig_inst0", 0.05, 0.10, NAN);
}
