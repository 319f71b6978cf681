/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fidelity.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/retarget.h"
#include "sim/fit.h"
#include "sim/validate.h"

enum { TABLES_MAX = 4 };

struct pair {
    const char *profile;
    const char *tables[TABLES_MAX]; /* without .csv */
    struct measured_options options;
    const char *remark;
    const char *gpu; /* another GPU of the catalogue: the profile is carried over, never fitted */
};

static const char *const asr_low_latency[] = {"model=parakeet-0.6b-ctc", "mode=streaming low-latency", NULL};

static const struct pair pairs[] = {
    {"llama-3.1-8b-h100", {"nim_l31_8b_v180"}, {.isl = 0}, "Prompts of 200 tokens, which the table calls likely.", NULL},
    {"llama-3.1-8b-h100-nim1.3", {"nim_l31_8b_v130"}, {.isl = 0}, "Prompt length not stated; first tokens go up and down with the load (21 ms at 25 requests, 51 ms at 50) in a way that no model of one engine follows.", NULL},
    {"llama-3.3-70b-2xh100", {"nim_l33_70b_v180"}, {.isl = 0}, "100 requests are beyond the KV cache: 15 of them wait.", NULL},
    {"llama-3-8b-a100", {"accelmark_interactive", "accelmark_online", "accelmark_offline", "accelmark_sustained"}, {.isl = 0}, NULL, NULL},
    {"llama-3-8b-a100-vllm0.7.3", {"accelmark_interactive", "accelmark_online", "accelmark_offline", "accelmark_sustained"}, {.isl = 0}, "A100 and A800 rows; 5 requests/s drifted in the measured run (the sustained series falls by 9 % in half an hour).", NULL},
    {"llama-3.1-8b-h100-bf16", {"accelmark_interactive", "accelmark_online", "accelmark_offline", "accelmark_sustained"}, {.isl = 0}, NULL, NULL},
    {"llama-3.1-8b-h100-bf16", {"accelmark_interactive", "accelmark_online", "accelmark_offline", "accelmark_sustained"}, {.isl = 0}, "Another GPU: from H100 by the catalogue's figures alone.", "A100-SXM4-80GB"},
    {"llama-3.1-8b-h100-bf16", {"accelmark_interactive", "accelmark_online", "accelmark_offline", "accelmark_sustained"}, {.isl = 0}, "Another GPU: from H100 by the catalogue's figures alone. The measured H200 was slower than the H100 of the same table (14.2 against 9.5 ms a token at 5 requests/s): its host, not its GPU.", "H200-SXM-141GB"},
    {"llama-3.1-8b-h100-bf16", {"accelmark_interactive", "accelmark_online", "accelmark_offline", "accelmark_sustained"}, {.isl = 0}, "Another GPU: from H100 by the catalogue's figures alone. The 72 W card throttles (sustained series: coefficient of variation 9 %).", "L4-24GB"},
    {"magpie-a100-b64", {"magpie_a100"}, {.isl = 0}, "Audio per request not stated: 2.3 s, with which first-audio times, chunk times and rtfx close.", NULL},
    {"magpie-h100", {"nf_tts_magpie_bs8", "nf_tts_magpie_bs8_b"}, {.isl = 0}, NULL, NULL},
    {"magpie-h100-b64", {"nf_tts_magpie_bs64"}, {.isl = 0}, NULL, NULL},
    {"magpie-h100", {"magpie_h100"}, {.isl = 0}, "Never fitted: a single row of the vendor's.", NULL},
    {"fastpitch-h100", {"nf_tts_fastpitch_a", "nf_tts_fastpitch_b", "nf_tts_fastpitch_c"}, {.isl = 0}, "Three runs of the same load, which differ by up to two thirds from each other (16 clients: 346, 576, 396 rtfx).", NULL},
    {"fastpitch-h100", {"fastpitch_vendor"}, {.audio_s = 6.6}, "Texts of 6.6 s, with which fastpitch_riva210 closes.", NULL},
    {"parakeet-1.1b-h100", {"nf_asr_offline", "nf_asr_offline_mig_inst0"}, {.isl = 0}, "The p99 at one client is its first, cold request.", NULL},
    {"parakeet-1.1b-h100", {"nf_asr_stream"}, {.isl = 0}, "server_tail: from the last audio sent to the end.", NULL},
    {"parakeet-1.1b-h100", {"asr_nim"}, {.where = asr_low_latency}, "Another model of the family (0.6b).", NULL},
    {"parakeet-1.1b-a100", {"asr_nim"}, {.where = asr_low_latency}, "Another model of the family (0.6b); the time of launching was chosen with this row in view.", NULL},
};

/*
 * Where a hold-out's fit begins, whatever the profile says: round values of the right order, the same for
 * all tables of a kind, chosen by people who had seen the tables.
 */
static const struct {
    enum profile_kind kind;
    const char *key;
    double value;
} neutral[] = {
    {PROFILE_LLM, "computeEfficiency", 0.65}, {PROFILE_LLM, "memoryEfficiency", 0.7}, {PROFILE_LLM, "kvEfficiency", 0.6},
    {PROFILE_LLM, "floor", 2e6}, {PROFILE_LLM, "host", 5e5}, {PROFILE_LLM, "hostPerSequence", 15e3},
    {PROFILE_LLM, "front", 5e6}, {PROFILE_LLM, "hostPerPrompt", 2e5},
    {PROFILE_TTS, "front", 20e6}, {PROFILE_TTS, "frontPerChar", 40e3}, {PROFILE_TTS, "launch", 2.5e6}, {PROFILE_TTS, "hostPerStream", 2e5},
    {PROFILE_TTS, "computePerStream", 5e4}, {PROFILE_TTS, "joinCompute", 3e6}, {PROFILE_TTS, "joinHost", 2e6}, {PROFILE_TTS, "joinComputePerChar", 3e3},
    {PROFILE_ASR, "launch", 15e6}, {PROFILE_ASR, "hostPerChunk", 2e5}, {PROFILE_ASR, "computePerChunk", 1e5}, {PROFILE_ASR, "final", 20e6},
    {PROFILE_ASR, "offlineFront", 10e6}, {PROFILE_ASR, "offlineFrontPerSecond", 2e6}, {PROFILE_ASR, "offlineLaunch", 10e6},
    {PROFILE_ASR, "offlineHost", 3e6}, {PROFILE_ASR, "offlineHostPerSecond", 1.2e6},
};

static void make_neutral(struct profile *p)
{
    for (size_t i = 0; i < ARRAY_LEN(neutral); i++) {
        double *x = neutral[i].kind == p->kind ? profile_number(p, neutral[i].key) : NULL;
        if (x && *x > 0)
            *x = neutral[i].value;
    }
}

struct set {
    struct csv *files[TABLES_MAX];
    struct measured *tables[TABLES_MAX];
    double beyond[TABLES_MAX];
    size_t n;
    bool holdout;
};

static void set_done(struct set *s)
{
    for (size_t i = 0; i < TABLES_MAX; i++)
        csv_free(s->files[i]);
}

static int read_set(const struct pair *q, const char *dir, const struct profile *p,
                    struct catalog *gpus, struct arena *a, struct set *s, struct err *err)
{
    for (size_t i = 0; i < TABLES_MAX && q->tables[i]; i++) {
        cleanup_free char *path = xasprintf("%s/%s.csv", dir, q->tables[i]);
        if (access(path, R_OK) != 0)
            continue;
        s->files[s->n] = csv_open(path, NULL, err);
        if (!s->files[s->n])
            return -1;
        s->tables[s->n] = measured_read(s->files[s->n], p, gpus, &q->options, a, err);
        if (!s->tables[s->n])
            return -1;
        s->beyond[s->n] = validation_holdout(s->tables[s->n]);
        s->holdout |= !q->gpu && isfinite(s->beyond[s->n]);
        s->n++;
    }
    return 0;
}

static void percent(struct buf *out, double x)
{
    if (isfinite(x))
        buf_printf(out, " %.1f %% |", 100 * x);
    else
        buf_puts(out, " - |");
}

/* The pair's profile, carried over to its GPU. */
static struct profile *pair_profile(const struct pair *q, struct catalog *gpus, struct err *err)
{
    cleanup_profile struct profile *p = profile_load(q->profile, err);
    const struct gpu_model *from, *to;

    if (!p || !q->gpu)
        return TAKE(p);
    from = catalog_find(gpus, p->gpu, err);
    to = from ? catalog_find(gpus, q->gpu, err) : NULL;
    if (!to || profile_retarget(p, from, to, err) < 0)
        return NULL;
    return TAKE(p);
}

static void summary_line(struct buf *out, const struct pair *q, const struct validation *all,
                         const struct validation *held)
{
    buf_printf(out, "| %s%s%s | ", q->profile, q->gpu ? " on " : "", q->gpu ? q->gpu : "");
    for (size_t i = 0; i < TABLES_MAX && q->tables[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : "", q->tables[i]);
    buf_puts(out, " |");
    for (int m = 0; m < MEASURE_OTHER; m++)
        percent(out, all->mape[m]);
    for (int m = 0; m < MEASURE_OTHER; m++)
        percent(out, held ? held->held_out_mape[m] : NAN);
    buf_putc(out, '\n');
}

/* Both judgements of one pair: a line of the summary and a section of rows. */
static int judge(const struct pair *q, const char *dir, struct catalog *gpus, uint64_t seed, const atomic_int *stop,
                 struct buf *summary, struct buf *rows, struct err *err)
{
    cleanup_arena struct arena *a = arena_new();
    cleanup_profile struct profile *p = pair_profile(q, gpus, err), *fresh = NULL;
    struct fit_spec spec = {.seed = seed, .stop = stop};
    struct validation *all, *held = NULL;
    struct fit_report report;
    struct set s = {.n = 0};
    int rc = 0;

    if (!p || read_set(q, dir, p, gpus, a, &s, err) < 0) {
        set_done(&s);
        return -1;
    }
    if (s.n == 0)
        return 0;
    all = validate(s.tables, s.n, p, s.holdout ? s.beyond : NULL, seed, a, stop, err);
    if (all && s.holdout) {
        fresh = profile_copy(p);
        make_neutral(fresh);
        if (fit(fresh, s.tables, s.n, s.beyond, &spec, "hold-out", &report, err) == 0)
            held = validate(s.tables, s.n, fresh, s.beyond, seed, a, stop, err);
    }
    rc = all && (!s.holdout || held) ? 1 : -1;
    if (rc > 0) {
        summary_line(summary, q, all, held);
        buf_printf(rows, "\n### %s%s%s", q->profile, q->gpu ? " carried over to " : "", q->gpu ? q->gpu : "");
        for (size_t i = 0; i < s.n; i++)
            buf_printf(rows, "%s %s", i ? "," : " on", q->tables[i]);
        buf_puts(rows, "\n");
        if (q->remark)
            buf_printf(rows, "%s\n", q->remark);
        buf_puts(rows, "\n");
        validation_markdown(all, held, rows);
    }
    set_done(&s);
    return rc;
}

static const char HEAD[] =
    "# How well the model servers predict what was measured\n"
    "\n"
    "Generated by `snug validate --all DIR -o markdown` from the built-in profiles and the published tables; do not edit. "
    "Every row is replayed in virtual time with the number of requests, the concurrency and the request sizes of its table, twelve times with other "
    "draws. Bad rows are in. Sharing (time-slicing, MPS, MIG scaling) is judged in [sharing.md](sharing.md).\n"
    "\n"
    "- **All rows**: the built-in profile, one set of parameters, on the tables it was fitted to. How well the model can describe them.\n"
    "- **Held out**: parameters set to round values that are the same for all tables of a kind, fitted without the highest loads of each table (the two highest of five or more, the highest of three or four), and "
    "judged on those alone. This is the evidence for saturation that the fit did not see; its authors did. The structure (chunk lengths, budgets, prefill mode) stays the profile's and was chosen with the whole table in view, as were the lengths of texts where a table does not state them.\n"
    "- **Noise floor**: what two real runs of the same thing differ by. LLM: two runs in gt_vllm (E2E mean 0.4 %, TTFT mean 9 %, p99 39 %). FastPitch: three runs (nf_tts_fastpitch). Magpie: two runs (nf_tts_magpie_bs8). Nobody measured it for ASR.\n"
    "\n"
    "Mean absolute error; bars: throughput 5 %, latency mean 10 % (also time per token), first token or audio 15 %, p99 25 %.\n"
    "\n"
    "| profile | tables | throughput | latency | first | p99 | throughput, held out | latency, held out | first, held out | p99, held out |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";

static const char NOT_COVERED[] =
    "\n## Tables that are not replayed, and why\n"
    "- gt_vllm: the arrival rates of its stages are not in the table, so that a row's load is unknown. It gives the noise floor.\n"
    "- lss_val, daily_v2v, blueprint_4xh100: other GPUs, or whole pipelines without their load.\n"
    "- asr_batch_rtfx, asr_rnnt_step, other rows of asr_nim, other GPUs of accelmark: models or GPUs without a profile here; asr_rnnt_step and vidur_mlp gave parts of the profiles' structure.\n"
    "- fastpitch_riva210: another engine version on another GPU (A100); it gave the length of the vendor's texts.\n"
    "- magpie_vram: memory figures, taken over as they are. timeslice_setting: a constant of gpu/share.h.\n"
    "- nos_sharing, nvforum_mps, gopebble_mps, eks_l40s_ts, parvagpu: docs/sharing.md.\n";

int fidelity_markdown(const char *dir, struct catalog *gpus, uint64_t seed, const atomic_int *stop,
                      void (*progress)(void *arg, double done), void *arg, struct buf *out, struct err *err)
{
    cleanup_buf struct buf rows = {.max = BUF_MAX_OUTPUT};
    size_t judged = 0;

    buf_puts(out, HEAD);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        int rc = judge(&pairs[i], dir, gpus, seed, stop, out, &rows, err);
        if (rc < 0)
            return -1;
        judged += rc > 0;
        if (progress)
            progress(arg, (double)(i + 1) / ARRAY_LEN(pairs));
    }
    if (judged == 0)
        return err_set(err, ERR_OUTSIDE, "%s: none of the tables that the built-in profiles are judged by is there", dir);
    buf_puts(out, "\n## Row by row\n");
    buf_puts(out, "`error`: the built-in profile's. `held out`: the error of the fit that had not seen this load.\n");
    buf_puts(out, buf_str(&rows));
    buf_puts(out, NOT_COVERED);
    return 0;
}
