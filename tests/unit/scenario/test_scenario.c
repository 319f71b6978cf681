/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/scenario.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>

#include "base/world.h"
#include "check.h"

static struct scenario *load(const char *path)
{
    struct err err = {0};
    struct scenario *s = scenario_load(path, &err);

    if (!s)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    return s;
}

static struct scenario *parse(const char *text)
{
    struct err err = {0};
    struct scenario *s = scenario_parse("s.yaml", text, strlen(text), &err);

    if (!s)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    return s;
}

static const struct scenario_configuration *configuration(const struct scenario *s, const char *name)
{
    struct err err = {0};
    const struct scenario_configuration *c = scenario_find_configuration(s, name, &err);

    if (!c)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    return c;
}

TEST(the_published_experiment)
{
    cleanup_scenario struct scenario *s = load("examples/voice.yaml");
    const struct scenario_load *heavy;
    const struct scenario_gpu *gpu;
    struct err err = {0};
    size_t compared = 0;

    CHECK_STR(s->name, "voice");
    CHECK_STR(s->gpu->key, "A100-SXM4-80GB");
    CHECK_EQ(s->workload_count, 3);
    CHECK_STR(s->workloads[s->asr].name, "asr");
    CHECK_STR(s->workloads[s->llm].name, "llm");
    CHECK_STR(s->workloads[s->tts].name, "tts");
    heavy = scenario_find_load(s, "heavy", &err);
    CHECK_EQ(heavy->turns.users, 50);
    CHECK_EQ(heavy->turns.ramp_up, 60 * NS_PER_S);
    CHECK_EQ(heavy->turns.hold, 300 * NS_PER_S);
    CHECK_EQ(heavy->turns.ramp_down, 15 * NS_PER_S);
    CHECK_EQ(heavy->turns.think, NS_PER_S);
    for (size_t i = 0; i < s->load_count; i++)
        compared += s->loads[i].compared;
    CHECK_EQ(compared, 2);
    CHECK_EQ(s->configuration_count, 7);
    gpu = &configuration(s, "mig")->gpus[0];
    CHECK_EQ(gpu->count, 2);
    CHECK_STR(gpu->slots[1].profile->name, "3g.40gb");
    CHECK_EQ(gpu->slots[1].start, 4);
    CHECK_EQ(gpu->slots[1].workloads[0], (size_t)s->tts);
    gpu = &configuration(s, "time-slicing")->gpus[0];
    CHECK_STR(gpu->mode, "time-slicing");
    CHECK_EQ(gpu->slots[0].mode, SHARE_TIME_SLICING);
    CHECK_EQ(gpu->slots[0].count, 2);
    CHECK_EQ(configuration(s, "mig+llm")->count, 3);
    CHECK_NEAR(scenario_price(s, configuration(s, "mig")), 4.0, 0);
    CHECK_EQ(s->objectives.count, 1);
    CHECK_NEAR(s->objectives.stage[0].bound, 1500, 0);
    CHECK_NEAR(s->objectives.success, 0.99, 0);
    CHECK(!scenario_find_load(s, "heavi", &err));
    CHECK_CONTAINS(err.msg, "did you mean heavy?");
    CHECK(!scenario_find_configuration(s, "MIG2", &err));
    CHECK_CONTAINS(err.msg, "there are dedicated, time-slicing, mig, mps, time-slicing+llm, mig+llm, mps+llm; did you mean mig?");
}

/* Every example that ships is good. */
TEST(the_examples)
{
    glob_t g;

    CHECK_EQ(glob("examples/*.yaml", 0, NULL, &g), 0);
    CHECK_GE(g.gl_pathc, 3);
    for (size_t i = 0; i < g.gl_pathc; i++)
        scenario_free(load(g.gl_pathv[i]));
    globfree(&g);
}

static const char HEAD[] =
    "kind: Scenario\nmetadata: {name: x}\ngpus: {model: A100-SXM4-80GB}\n"
    "workloads: [{name: a, profile: parakeet-1.1b-a100}, {name: t, profile: magpie-a100, memory: 14GiB, mpsPercentage: 40},"
    " {name: l, profile: nemotron-nano-8b-a100, memory: 30GB, parameters: {maxSequences: {value: 64, source: mine}}}]\n";

static struct scenario *with(const char *rest)
{
    char text[8192];

    snprintf(text, sizeof text, "%s%s", HEAD, rest);
    return parse(text);
}

TEST(sharing_forms)
{
    cleanup_scenario struct scenario *s =
        with("load: {o: {hold: 1m, users: 1}}\nconfigurations:\n"
             "  x: [{mig: {1g.10gb: null, 3g.40gb@0: [a, t], 2g.20gb: {mps: [a, a]}}}, {mig: [{profile: 7g.80gb, workload: l}]}]\n"
             "  y: [{timeSlicing: [a, t, l]}, {mps: [a]}]\n"
             "  z: [{mig: [{profile: 3g.40gb, workload: l}, {profile: 3g.40gb, start: 4, workload: [t, a]}]}]\n");
    const struct scenario_gpu *gpu = &configuration(s, "x")->gpus[0];

    CHECK_EQ(gpu->count, 3); /* by start */
    CHECK_EQ(gpu->slots[0].start, 0);
    CHECK_EQ(gpu->slots[0].mode, SHARE_TIME_SLICING);
    CHECK_STR(gpu->slots[1].profile->name, "2g.20gb");
    CHECK_EQ(gpu->slots[1].start, 4);
    CHECK_EQ(gpu->slots[1].mode, SHARE_MPS);
    CHECK_EQ(gpu->slots[2].count, 0);
    CHECK_EQ(gpu->slots[2].start, 6);
    CHECK_EQ(configuration(s, "y")->gpus[0].slots[0].count, 3);
    CHECK_EQ(configuration(s, "y")->gpus[1].slots[0].mode, SHARE_ALONE);
    CHECK_STR(configuration(s, "y")->gpus[1].mode, "mps");
    gpu = &configuration(s, "z")->gpus[0];
    CHECK_EQ(gpu->slots[0].start, 0);
    CHECK_EQ(gpu->slots[0].workloads[0], 2);
    CHECK_EQ(gpu->slots[1].count, 2);
    CHECK(isnan(s->price) && isnan(scenario_price(s, configuration(s, "z"))));
}

TEST(workloads_replace_what_their_profile_says)
{
    cleanup_scenario struct scenario *s = with("load: {o: {hold: 1m, users: 1}}\nconfigurations: {y: [{mps: [a, t, l]}]}\n");

    CHECK_EQ(s->workloads[1].profile->reserve, INT64_C(14) << 30);
    CHECK_NEAR(s->workloads[1].sm_cap, 0.4, 1e-12);
    CHECK_NEAR(*profile_number(s->workloads[2].profile, "maxSequences"), 64, 0);
    CHECK_EQ(s->parameter_count, 1);
    CHECK_STR(s->parameters[0].name, "workloads.l.maxSequences");
    CHECK_STR(s->parameters[0].text, "64");
    CHECK_STR(s->parameters[0].source, "mine");
}

TEST(loads_of_requests_and_traces)
{
    cleanup_scenario struct scenario *s =
        with("pipeline: {llm: l}\nload:\n"
             "  r: {hold: 1m, requests: [{workload: a, concurrency: 3, audio: {mean: 5s, cv: 1}}, {workload: l, arrivals: {rate: 2, process: constant}, prompt: 500}]}\n"
             "  t: {hold: 1m, arrivals: {trace: azure-2023-conversation, speedup: 2}, requests: [{workload: t, concurrency: 1}]}\n"
             "configurations: {y: [{mps: [a, t, l]}]}\n");
    const struct scenario_load *l = &s->loads[0];

    CHECK_EQ(s->asr, -1);
    CHECK_EQ(s->llm, 2);
    CHECK_EQ(l->turns.users, 0);
    CHECK_EQ(l->request_count, 2);
    CHECK_EQ(l->requests[0].spec.concurrency, 3);
    CHECK_NEAR(l->requests[0].spec.audio.mean, 5, 0);
    CHECK_NEAR(l->requests[0].spec.audio.max, 20, 0);
    CHECK_EQ(l->requests[1].spec.arrivals.process, ARRIVALS_CONSTANT);
    CHECK_NEAR(l->requests[1].spec.prompt.mean, 500, 0);
    CHECK_NEAR(l->requests[1].spec.prompt.cv, 0, 0);
    l = &s->loads[1]; /* a chat under a trace: a request stream to the LLM, its rows' tokens kept */
    CHECK_EQ(l->turns.arrivals.process, ARRIVALS_NONE);
    CHECK_EQ(l->request_count, 2);
    CHECK_EQ(l->requests[0].workload, 2);
    CHECK_EQ(l->requests[0].spec.arrivals.process, ARRIVALS_TRACE);
    CHECK_EQ(l->requests[0].spec.arrivals.trace->count, 5985);
    CHECK_EQ(l->requests[0].spec.arrivals.trace->rows[0].context, 374);
    CHECK_NEAR(l->requests[0].spec.arrivals.speedup, 2, 0);
}

TEST(the_digest_is_over_what_decides_the_outcome)
{
    static const char rest[] = "load: {o: {hold: 1m, users: 1}}\nconfigurations: {y: [{mps: [a, t, l]}]}\n";
    cleanup_scenario struct scenario *a = with(rest), *b = with(rest);
    cleanup_scenario struct scenario *c = with("load: {o: {hold: 1m, users: 2}}\nconfigurations: {y: [{mps: [a, t, l]}]}\n");

    CHECK_EQ(strlen(scenario_digest(a)), 16);
    CHECK_STR(scenario_digest(a), scenario_digest(b));
    CHECK(strcmp(scenario_digest(a), scenario_digest(c)) != 0);
}
