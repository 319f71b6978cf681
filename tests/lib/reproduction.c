/* SPDX-License-Identifier: Apache-2.0 */
#include "reproduction.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "figures.h"

enum { A, B, SCENARIOS };
enum { DEDICATED, SLICED, MIG, MPS, SLICED_LLM, MIG_LLM, CONFIGURATIONS };
enum { HEAVY, LIGHT, LOADS };

static const char *const FILES[SCENARIOS] = {
    "examples/published/gateway-cpu.yaml",
    "examples/published/long-replies.yaml",
};
static const char *const CONFIGURATION[CONFIGURATIONS] = {
    "dedicated", "time-slicing", "mig", "mps", "time-slicing+llm", "mig+llm"};
static const char *const LOAD[LOADS] = {"heavy", "light"};
enum { MANY = 15, FEW = 5 }; /* repetitions; FEW is what `snug compare` takes by itself */

struct study {
    struct scenario *scenario[SCENARIOS];
    struct figures base[SCENARIOS][CONFIGURATIONS][LOADS];
};

static int measure(const struct scenario *s, int configuration, int load, unsigned repetitions,
                   struct figures *ret, struct err *err)
{
    return figures_measure(s, CONFIGURATION[configuration], LOAD[load], repetitions, ret, err);
}

struct study *study_new(struct err *err)
{
    struct study *t = xcalloc(1, sizeof *t);

    for (int s = 0; s < SCENARIOS; s++) {
        t->scenario[s] = scenario_load(FILES[s], err);
        for (int c = 0; t->scenario[s] && c < CONFIGURATIONS; c++)
            for (int l = 0; l < LOADS; l++)
                if (measure(t->scenario[s], c, l, l == HEAVY ? MANY : FEW, &t->base[s][c][l], err) < 0)
                    goto failed;
        if (!t->scenario[s])
            goto failed;
    }
    return t;
failed:
    study_free(t);
    return NULL;
}

void study_free(struct study *t)
{
    if (!t)
        return;
    for (int s = 0; s < SCENARIOS; s++)
        scenario_free(t->scenario[s]);
    free(t);
}

/* ---- the published totals ---- */

static double off(double value, double published)
{
    return 100 * (value / published - 1);
}

static const struct {
    const char *name;
    int configuration;
    bool latency;
    double published;
} TOTALS[] = {
    {"time-slicing, turns/s", SLICED, false, 1.52},
    {"MIG, turns/s", MIG, false, 2.00},
    {"time-slicing, TTS mean latency, ms", SLICED, true, 144.7},
    {"MIG, TTS mean latency, ms", MIG, true, 168.2},
};

static void put_value(struct buf *out, const struct figures *f, bool latency)
{
    if (!f->valid)
        buf_puts(out, "invalid");
    else if (latency)
        buf_printf(out, "%.1f", f->tts);
    else
        buf_printf(out, "%.2f ±%.2f", f->rate.mean, f->rate.hi - f->rate.mean);
}

static int table_totals(struct study *t, struct buf *out, struct err *err)
{
    double worst = 0;

    (void)err;
    buf_puts(out, "| 50 users | published | A: gateway CPU | | B: long replies | |\n"
                  "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(TOTALS); i++) {
        buf_printf(out, "| %s | %.*f |", TOTALS[i].name, TOTALS[i].latency ? 1 : 2,
                   TOTALS[i].published);
        for (int s = 0; s < SCENARIOS; s++) {
            const struct figures *f = &t->base[s][TOTALS[i].configuration][HEAVY];
            double e = off(TOTALS[i].latency ? f->tts : f->rate.mean, TOTALS[i].published);
            buf_putc(out, ' ');
            put_value(out, f, TOTALS[i].latency);
            buf_printf(out, " | %+.1f %% |", e);
            worst = fmax(worst, fabs(e));
        }
        buf_putc(out, '\n');
    }
    for (int c = SLICED; c <= MIG; c++)
        buf_printf(out, "| %s, success | 100 %% | %.0f %% | | %.0f %% | |\n",
                   c == MIG ? "MIG" : "time-slicing", 100 * t->base[A][c][HEAVY].success,
                   100 * t->base[B][c][HEAVY].success);
    buf_printf(out, "\nThe worst of the eight is off by %.1f %%.\n", worst);
    return 0;
}

/* ---- free parameters ---- */

static void put_parameters(struct buf *out, const struct scenario *s, const char *workers,
                           const char *reply)
{
    buf_puts(out, "| parameter | value | reason |\n|---|---|---|\n");
    for (size_t i = 0; i < s->parameter_count; i++)
        buf_printf(out, "| `%s` | %s | %s%s |\n", s->parameters[i].name, s->parameters[i].text,
                   s->parameters[i].source ? s->parameters[i].source : "",
                   s->parameters[i].assumed ? "" : " (stated)");
    buf_printf(out, "| `pipeline.workers` | %u | %s |\n", s->turn.workers, workers);
    buf_printf(out, "| `conversation.reply.mean` | %.0f tokens | %s |\n", s->conversation.reply.mean,
               reply);
    buf_printf(out, "| `conversation.reply.cv` | %.1f | a judgement: replies differ in length |\n",
               s->conversation.reply.cv);
    buf_printf(out, "| `conversation.speech.mean` | %.2f s | the three recordings, whole (stated) |\n",
               s->conversation.speech.mean);
}

static int table_parameters_a(struct study *t, struct buf *out, struct err *err)
{
    (void)err;
    put_parameters(out, t->scenario[A],
                   "the pool's cap; a node of three A100s has 28 CPUs and more",
                   "not fitted: the raw result at 5 users spends 0.66 s in an 8B model");
    return 0;
}

static int table_parameters_b(struct study *t, struct buf *out, struct err *err)
{
    (void)err;
    put_parameters(out, t->scenario[B],
                   "chosen: 4 more than a node of 10 CPUs, which is few for three A100s",
                   "fitted to the throughput");
    return 0;
}

/* ---- one thing changed ---- */

struct change {
    const char *text;
    void (*apply)(struct scenario *s);
};

/* A workload's parameters as its profile's own file has them; keys end with NULL. */
static void restore(struct scenario *s, int workload, const char *file, const char *const *keys)
{
    struct err err = {0};
    cleanup_profile struct profile *p = profile_load(file, &err);

    for (; p && *keys; keys++)
        *profile_number(s->workloads[workload].profile, *keys) = *profile_number(p, *keys);
}

static void nothing(struct scenario *s)
{
    (void)s;
}

static void measured_asr(struct scenario *s)
{
    restore(s, s->asr, "examples/published/parakeet.yaml",
            (const char *const[]){"chunk", "floor", NULL});
}

static void measured_tts(struct scenario *s)
{
    restore(s, s->tts, "examples/published/magpie.yaml",
            (const char *const[]){"front", "computePerStream", "hostPerStream", "joinCompute", NULL});
}

static void measured_all(struct scenario *s)
{
    measured_asr(s);
    measured_tts(s);
}

static void measured_front(struct scenario *s)
{
    restore(s, s->tts, "examples/published/magpie.yaml", (const char *const[]){"front", NULL});
}

static void measured_prefill(struct scenario *s)
{
    restore(s, s->tts, "examples/published/magpie.yaml", (const char *const[]){"joinCompute", NULL});
}

static void measured_split(struct scenario *s)
{
    restore(s, s->tts, "examples/published/magpie.yaml",
            (const char *const[]){"computePerStream", "hostPerStream", NULL});
}

static void free_waiting(struct scenario *s)
{
    s->turn.cost.recognition = s->turn.cost.synthesis = 0;
}

static void free_recognition(struct scenario *s)
{
    s->turn.cost.recognition = 0;
}

static void free_tokens(struct scenario *s)
{
    s->turn.cost.token = 0;
}

static void workers_12(struct scenario *s)
{
    s->turn.workers = 12;
}

static void workers_16(struct scenario *s)
{
    s->turn.workers = 16;
}

static void workers_32(struct scenario *s)
{
    s->turn.workers = 32;
}

static void twice_the_cpu(struct scenario *s)
{
    s->turn.cpu *= 2;
}

static void two_gateways(struct scenario *s)
{
    s->turn.cpu *= 2;
    s->turn.workers *= 2;
}

static void half_the_reply(struct scenario *s)
{
    s->conversation.reply.mean /= 2;
}

static void more_slots(struct scenario *s)
{
    *profile_number(s->workloads[s->tts].profile, "slots") = 32;
}

static void streaming(struct scenario *s)
{
    s->turn.kind = PIPELINE_STREAMING;
    s->turn.rule = SENTENCE_FULL;
}

static int measure_both(const struct scenario *s, struct figures ret[2], struct err *err)
{
    if (measure(s, SLICED, HEAVY, FEW, &ret[0], err) < 0)
        return -1;
    return measure(s, MIG, HEAVY, FEW, &ret[1], err);
}

/* The figures of time-slicing and MIG under heavy load with the change made. */
static int changed(int scenario, const struct change *c, struct figures ret[2], struct err *err)
{
    cleanup_scenario struct scenario *s = scenario_load(FILES[scenario], err);

    if (!s)
        return -1;
    c->apply(s);
    return measure_both(s, ret, err);
}

static int put_changes(struct buf *out, int scenario, const struct change *list, size_t n,
                       struct err *err)
{
    struct figures f[2];

    buf_puts(out, "| changed | time-slicing, turns/s | MIG, turns/s | ratio | time-slicing, TTS ms | "
                  "MIG, TTS ms |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        if (changed(scenario, &list[i], f, err) < 0)
            return -1;
        buf_printf(out, "| %s | ", list[i].text);
        put_value(out, &f[0], false);
        buf_puts(out, " | ");
        put_value(out, &f[1], false);
        buf_printf(out, " | %.2f | ", f[0].rate.mean / f[1].rate.mean);
        put_value(out, &f[0], true);
        buf_puts(out, " | ");
        put_value(out, &f[1], true);
        buf_puts(out, " |\n");
    }
    return 0;
}

static int table_changes_a(struct study *t, struct buf *out, struct err *err)
{
    static const struct change list[] = {
        {"nothing", nothing},
        {"the ASR as measured: 160 ms chunks, half of a step is launches", measured_asr},
        {"the TTS's prefill as measured", measured_prefill},
        {"both as measured", measured_all},
        {"waiting for the ASR is free", free_recognition},
        {"all waiting is free", free_waiting},
        {"tokens are free", free_tokens},
        {"12 threads: a node of 8 CPUs", workers_12},
    };
    (void)t;
    return put_changes(out, A, list, ARRAY_LEN(list), err);
}

static int table_changes_b(struct study *t, struct buf *out, struct err *err)
{
    static const struct change list[] = {
        {"nothing", nothing},
        {"the ASR as measured: 160 ms chunks, half of a step is launches", measured_asr},
        {"the TTS's time before its first step as measured", measured_front},
        {"the TTS's prefill as measured", measured_prefill},
        {"the TTS's work per stream in the process, as fitted to the vendor's table", measured_split},
        {"ASR and TTS as measured", measured_all},
        {"12 threads: a node of 8 CPUs", workers_12},
        {"16 threads: a node of 12 CPUs", workers_16},
        {"32 threads: a node of 28 CPUs and more", workers_32},
        {"replies half as long", half_the_reply},
    };
    (void)t;
    return put_changes(out, B, list, ARRAY_LEN(list), err);
}

/* The ASR's step as long as it is, its kernels running for a part of it. */
static int table_kernels(struct study *t, struct buf *out, struct err *err)
{
    static const double parts[] = {0.25, 0.46, 0.6, 0.8, 1};

    buf_puts(out, "| kernels' part of the ASR's step | A: time-slicing | A: MIG | ratio | B: "
                  "time-slicing | B: MIG | ratio |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        buf_printf(out, "| %.0f %% |", 100 * parts[i]);
        for (int s = 0; s < SCENARIOS; s++) {
            cleanup_scenario struct scenario *v = scenario_load(FILES[s], err);
            struct figures f[2];
            double *floor = v ? profile_number(v->workloads[v->asr].profile, "floor") : NULL;
            if (!floor)
                return -1;
            *profile_number(v->workloads[v->asr].profile, "launch") = *floor;
            *floor *= parts[i];
            if (measure_both(v, f, err) < 0)
                return -1;
            buf_printf(out, " %.2f | %.2f | %.2f |", f[0].rate.mean, f[1].rate.mean,
                       f[0].rate.mean / f[1].rate.mean);
        }
        buf_putc(out, '\n');
    }
    (void)t;
    return 0;
}

/* ---- what tells them apart ---- */

static int table_interventions(struct study *t, struct buf *out, struct err *err)
{
    static const struct change list[] = {
        {"gateway limit of 1 core", twice_the_cpu},
        {"second gateway replica: twice the CPU and the threads", two_gateways},
        {"replies cut to half (`max_tokens`, or a terse system prompt)", half_the_reply},
        {"TTS batch profile of 32 slots", more_slots},
        {"a gateway that streams, in place of the serial one", streaming},
    };
    static const struct change none = {"none", nothing};
    struct figures f[SCENARIOS][2], base[SCENARIOS][2];

    for (int s = 0; s < SCENARIOS; s++)
        if (changed(s, &none, base[s], err) < 0)
            return -1;
    buf_puts(out, "| intervention, 50 users | A: time-slicing | A: MIG | B: time-slicing | B: MIG |\n"
                  "|---|---|---|---|---|\n| none, turns/s |");
    for (int s = 0; s < SCENARIOS; s++)
        buf_printf(out, " %.2f | %.2f |", t->base[s][SLICED][HEAVY].rate.mean,
                   t->base[s][MIG][HEAVY].rate.mean);
    buf_puts(out, "\n| second LLM replica |");
    for (int s = 0; s < SCENARIOS; s++)
        buf_printf(out, " %.2f x | %.2f x |",
                   t->base[s][SLICED_LLM][HEAVY].rate.mean / t->base[s][SLICED][HEAVY].rate.mean,
                   t->base[s][MIG_LLM][HEAVY].rate.mean / t->base[s][MIG][HEAVY].rate.mean);
    buf_putc(out, '\n');
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        buf_printf(out, "| %s |", list[i].text);
        for (int s = 0; s < SCENARIOS; s++) {
            if (changed(s, &list[i], f[s], err) < 0)
                return -1;
            buf_printf(out, " %.2f x | %.2f x |", f[s][0].rate.mean / base[s][0].rate.mean,
                       f[s][1].rate.mean / base[s][1].rate.mean);
        }
        buf_putc(out, '\n');
    }
    return 0;
}

static void put_gauge(struct buf *out, const struct study *t, const char *name, bool percent,
                      double scale, size_t offset)
{
    buf_printf(out, "| %s |", name);
    for (int s = 0; s < SCENARIOS; s++)
        for (int c = SLICED; c <= MIG; c++) {
            double v = *(const double *)((const char *)&t->base[s][c][HEAVY] + offset);
            buf_putc(out, ' ');
            if (isnan(v))
                buf_puts(out, "free");
            else
                buf_printf(out, "%.*f%s", percent ? 0 : 1, v * scale, percent ? " %" : "");
            buf_puts(out, " |");
        }
    buf_putc(out, '\n');
}

static int table_gauges(struct study *t, struct buf *out, struct err *err)
{
    (void)err;
    buf_puts(out, "| to be read off, 50 users | A: time-slicing | A: MIG | B: time-slicing | B: MIG |\n"
                  "|---|---|---|---|---|\n");
    put_gauge(out, t, "gateway CPU, of its limit", true, 100, offsetof(struct figures, cpu));
    put_gauge(out, t, "audio of a reply, s", false, 1, offsetof(struct figures, audio));
    put_gauge(out, t, "synthesis calls of a turn", false, 1, offsetof(struct figures, sentences));
    put_gauge(out, t, "TTS slots in use", true, 100, offsetof(struct figures, slots));
    put_gauge(out, t, "ASR's share busy", true, 100, offsetof(struct figures, gpu[0]));
    put_gauge(out, t, "TTS's share busy", true, 100, offsetof(struct figures, gpu[1]));
    put_gauge(out, t, "LLM's GPU busy", true, 100, offsetof(struct figures, gpu[2]));
    put_gauge(out, t, "start of a turn to the LLM's request, s", false, 1e-3,
              offsetof(struct figures, before_llm));
    put_gauge(out, t, "the gateway's LLM total, s", false, 1e-3, offsetof(struct figures, llm));
    put_gauge(out, t, "whole turn, s", false, 1e-3, offsetof(struct figures, turn));
    return 0;
}

/* ---- other configurations, light load ---- */

static int table_configurations(struct study *t, struct buf *out, struct err *err)
{
    (void)err;
    buf_puts(out, "| 50 users | A: turns/s | TTS ms | LLM total s | B: turns/s | TTS ms | LLM total s |\n"
                  "|---|---|---|---|---|---|---|\n");
    for (int c = 0; c < CONFIGURATIONS; c++) {
        buf_printf(out, "| %s |", CONFIGURATION[c]);
        for (int s = 0; s < SCENARIOS; s++) {
            const struct figures *f = &t->base[s][c][HEAVY];
            buf_putc(out, ' ');
            put_value(out, f, false);
            buf_puts(out, " | ");
            put_value(out, f, true);
            buf_printf(out, " | %.1f |", f->llm / 1e3);
        }
        buf_putc(out, '\n');
    }
    return 0;
}

static void put_light(struct buf *out, const char *name, const char *published,
                      const struct figures *f)
{
    buf_printf(out, "| %s |", name);
    if (!f) {
        buf_printf(out, " %s |\n", published);
        return;
    }
    buf_printf(out, " %.2f | %.2f | %.3f | %.2f | %.2f | %.2f | %.2f |\n", f->rate.mean,
               f->client_asr / 1e3, f->client_ttft / 1e3, f->client_llm / 1e3, f->client_tts / 1e3,
               f->client_e2e / 1e3, f->turn / 1e3);
}

static int table_light(struct study *t, struct buf *out, struct err *err)
{
    static const struct change all = {"", measured_all};
    char name[80];

    buf_puts(out, "| 5 users, means in s | turns/s | ASR | LLM first token | LLM total | TTS | final to "
                  "first audio | turn |\n|---|---|---|---|---|---|---|---|\n");
    put_light(out, "published, configuration not recorded",
              "1.46 | 0.57 | 0.051 | 0.66 | 0.28 | 0.33 | 1.27", NULL);
    for (int s = 0; s < SCENARIOS; s++) {
        for (int c = DEDICATED; c <= MIG; c++) {
            snprintf(name, sizeof name, "%c, %s", 'A' + s, CONFIGURATION[c]);
            put_light(out, name, NULL, &t->base[s][c][LIGHT]);
        }
    }
    for (int i = 0; i < SCENARIOS; i++) {
        struct figures f;
        cleanup_scenario struct scenario *s = scenario_load(FILES[i], err);
        if (!s)
            return -1;
        all.apply(s);
        if (measure(s, DEDICATED, LIGHT, FEW, &f, err) < 0)
            return -1;
        snprintf(name, sizeof name, "%c, dedicated, ASR and TTS as measured", 'A' + i);
        put_light(out, name, NULL, &f);
    }
    return 0;
}

bool study_table(struct study *t, const char *name, struct buf *out, struct err *err)
{
    static const struct {
        const char *name;
        int (*put)(struct study *t, struct buf *out, struct err *err);
    } tables[] = {
        {"totals", table_totals},
        {"parameters of A", table_parameters_a},
        {"parameters of B", table_parameters_b},
        {"changes to A", table_changes_a},
        {"changes to B", table_changes_b},
        {"kernels", table_kernels},
        {"configurations", table_configurations},
        {"light load", table_light},
        {"gauges", table_gauges},
        {"interventions", table_interventions},
    };

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (strcmp(tables[i].name, name) == 0)
            return tables[i].put(t, out, err) == 0;
    err_set(err, ERR_INPUT, "no table is called \"%.40s\"", name);
    return false;
}
