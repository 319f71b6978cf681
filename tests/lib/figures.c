/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#include <math.h>
#include <string.h>

#include "base/world.h"
#include "sim/compare.h"

struct sums {
    int64_t from, until;
    double n, audio, sentences, before_llm, asr, ttft, llm, tts, e2e;
    double cpu, slots;
    unsigned runs;
};

static double ms_between(const struct turn_record *t, enum turn_stamp from, enum turn_stamp to)
{
    return (double)(t->stamp[to] - t->stamp[from]) / NS_PER_MS;
}

static void add_turn(void *arg, const struct turn_record *t)
{
    struct sums *s = arg;

    if (t->fate != FATE_COMPLETED || t->stamp[STAMP_PLANNED] < s->from ||
        t->stamp[STAMP_PLANNED] >= s->until)
        return;
    s->n++;
    s->audio += (double)t->reply / NS_PER_S;
    s->sentences += t->sentences;
    s->before_llm += ms_between(t, STAMP_PLANNED, STAMP_LLM_REQUEST);
    s->asr += ms_between(t, STAMP_SPEECH_START, STAMP_ASR_FINAL);
    s->ttft += ms_between(t, STAMP_ASR_FINAL, STAMP_LLM_FIRST_TOKEN);
    s->llm += ms_between(t, STAMP_ASR_FINAL, STAMP_LLM_DONE);
    s->tts += ms_between(t, STAMP_LLM_FIRST_TOKEN, STAMP_FIRST_AUDIO);
    s->e2e += ms_between(t, STAMP_ASR_FINAL, STAMP_FIRST_AUDIO);
}

static turn_sink *open_sink(void *arg, const char *configuration, const char *load,
                            unsigned repetition, void **ret_sink_arg)
{
    (void)configuration, (void)load, (void)repetition;
    *ret_sink_arg = arg;
    return add_turn;
}

static void add_run(void *arg, const char *configuration, const char *load, unsigned repetition,
                    const struct run *run)
{
    struct sums *s = arg;

    (void)configuration, (void)load, (void)repetition;
    s->runs++;
    for (size_t i = 0; i < run->use_count; i++) {
        if (strcmp(run->use_names[i], "gateway CPU") == 0)
            s->cpu += run->use[i];
        else if (strcmp(run->use_names[i], "tts: slots") == 0)
            s->slots += run->use[i];
    }
}

/* The busy share of the GPU, or of the MIG instance, that carries a workload. */
static double busy_of(const struct load_result *r, const char *workload)
{
    for (size_t g = 0; g < r->gpu_count; g++)
        for (size_t i = 0; i < r->gpus[g].count; i++)
            for (const char *const *w = r->gpus[g].shares[i].workloads; *w; w++)
                if (strcmp(*w, workload) == 0)
                    return r->gpus[g].shares[i].busy;
    return NAN;
}

int figures_measure(const struct scenario *s, const char *configuration, const char *load,
                    unsigned repetitions, struct figures *ret, struct err *err)
{
    const struct scenario_load *l = scenario_find_load(s, load, err);
    struct sums sums = {0};
    struct compare_spec spec = {
        .scenario = s,
        .configurations = (const char *[]){configuration, NULL},
        .loads = (const char *[]){load, NULL},
        .seed = 1,
        .repetitions = repetitions,
        .threads = 1,
        .each = add_run,
        .sink = open_sink,
        .each_arg = &sums,
    };
    struct comparison *c;
    const struct load_result *r;

    if (!l)
        return -1;
    sums.from = l->turns.ramp_up;
    sums.until = l->turns.ramp_up + l->turns.hold;
    if (!(c = compare_run(&spec, err)))
        return -1;
    r = &c->configurations[0].loads[0];
    *ret = (struct figures){
        .rate = r->throughput,
        .tts = r->stages[STAGE_TTS_FIRST_AUDIO].mean_ms,
        .success = r->success_rate,
        .before_llm = sums.before_llm / sums.n,
        .llm = r->stages[STAGE_LLM_TOTAL].mean_ms,
        .turn = r->stages[STAGE_TURN].mean_ms,
        .audio = sums.audio / sums.n,
        .sentences = sums.sentences / sums.n,
        .cpu = s->turn.cpu > 0 ? sums.cpu / sums.runs : NAN,
        .slots = sums.slots / sums.runs,
        .gpu = {busy_of(r, "asr"), busy_of(r, "tts"), busy_of(r, "llm")},
        .valid = r->valid,
        .client_asr = sums.asr / sums.n,
        .client_ttft = sums.ttft / sums.n,
        .client_llm = sums.llm / sums.n,
        .client_tts = sums.tts / sums.n,
        .client_e2e = sums.e2e / sums.n,
    };
    comparison_free(c);
    return 0;
}
