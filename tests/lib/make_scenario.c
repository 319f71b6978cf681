/* SPDX-License-Identifier: Apache-2.0 */
#include "make_scenario.h"

#include <math.h>

static struct scenario *begin(const char *name, const char *gpu)
{
    struct arena *a = arena_new();
    struct scenario *s = ARENA_NEW(a, struct scenario);
    struct err err = {0};

    *s = (struct scenario){.arena = a, .name = name, .path = name, .text = "", .price = 2,
                           .sharing = SHARE_TUNING_DEFAULT, .turn = TURN_CONF_DEFAULT,
                           .conversation = CONVERSATION_DEFAULT, .asr = 0, .tts = 1, .llm = 2};
    s->catalog = catalog_open(&err);
    if (!s->catalog || !(s->gpu = catalog_find(s->catalog, gpu, &err)))
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    return s;
}

static void add_workload(struct scenario *s, const char *name, const char *profile)
{
    struct err err = {0};
    struct profile *p = profile_load(profile, &err);

    if (!p)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    s->workloads[s->workload_count++] = (struct scenario_workload){.name = name, .profile = p, .sm_cap = 1};
}

static const size_t ASR[] = {0}, TTS[] = {1}, LLM[] = {2}, BOTH[] = {0, 1};

static struct scenario_gpu whole(struct scenario *s, enum share_mode mode, const char *name,
                                 const size_t *who, size_t n)
{
    struct scenario_slot *slot = ARENA_NEW(s->arena, struct scenario_slot);

    *slot = (struct scenario_slot){.mode = mode, .workloads = who, .count = n};
    return (struct scenario_gpu){.mode = name, .slots = slot, .count = 1};
}

static struct scenario_gpu halves(struct scenario *s)
{
    struct scenario_slot *slots = ARENA_ARRAY(s->arena, struct scenario_slot, 2);
    struct err err = {0};
    const struct gpu_profile *p = gpu_profile_find(s->gpu, "3g.40gb", &err);

    slots[0] = (struct scenario_slot){p, 0, SHARE_ALONE, ASR, 1};
    slots[1] = (struct scenario_slot){p, 4, SHARE_ALONE, TTS, 1};
    return (struct scenario_gpu){"mig", slots, 2};
}

struct scenario *make_voice_scenario(void)
{
    struct scenario *s = begin("voice", "A100-SXM4-80GB");
    struct scenario_configuration *c = ARENA_ARRAY(s->arena, struct scenario_configuration, 5);
    struct scenario_load *loads = ARENA_ARRAY(s->arena, struct scenario_load, 2);
    struct scenario_gpu llm, *g = ARENA_ARRAY(s->arena, struct scenario_gpu, 16);

    s->workloads = ARENA_ARRAY(s->arena, struct scenario_workload, 3);
    add_workload(s, "asr", "parakeet-1.1b-a100");
    add_workload(s, "tts", "magpie-a100");
    add_workload(s, "llm", "nemotron-nano-8b-a100");
    llm = whole(s, SHARE_ALONE, "alone", LLM, 1);
    g[0] = whole(s, SHARE_ALONE, "alone", ASR, 1);
    g[1] = whole(s, SHARE_ALONE, "alone", TTS, 1);
    g[2] = g[4] = g[6] = g[8] = g[10] = g[11] = llm;
    g[3] = whole(s, SHARE_TIME_SLICING, "time-slicing", BOTH, 2);
    g[5] = g[9] = halves(s);
    g[7] = whole(s, SHARE_MPS, "mps", BOTH, 2);
    c[0] = (struct scenario_configuration){.name = "dedicated", .gpus = g, .count = 3};
    c[1] = (struct scenario_configuration){.name = "time-slicing", .gpus = g + 3, .count = 2};
    c[2] = (struct scenario_configuration){.name = "mig", .gpus = g + 5, .count = 2};
    c[3] = (struct scenario_configuration){.name = "mps", .gpus = g + 7, .count = 2};
    c[4] = (struct scenario_configuration){.name = "mig+llm", .gpus = g + 9, .count = 3};
    s->configurations = c;
    s->configuration_count = 5;
    loads[0] = (struct scenario_load){.turns = *load_preset("light"), .compared = true};
    loads[1] = (struct scenario_load){.turns = *load_preset("heavy"), .compared = true};
    s->loads = loads;
    s->load_count = 2;
    return s;
}

/* Sets a parameter of a profile, where it has it. */
static void set(struct scenario *s, size_t workload, const char *key, double value)
{
    double *p = profile_number(s->workloads[workload].profile, key);

    CHECK(p);
    *p = value;
}

static void random_profiles(struct scenario *s, struct gen *g)
{
    if (gen_bool(g)) {
        set(s, 0, "maxStreams", 1 + (double)gen_size(g, 5));
        set(s, 0, "maxBatch", 1 + (double)gen_size(g, 3));
    }
    if (gen_bool(g)) {
        set(s, 1, "slots", 1 + (double)gen_size(g, 3));
        set(s, 1, "queue", (double)gen_size(g, 3));
    }
    if (gen_bool(g)) {
        set(s, 2, "maxSequences", 1 + (double)gen_size(g, 3));
        set(s, 2, "queue", (double)gen_size(g, 4));
        set(s, 2, "tokenBudget", 16 + (double)gen_size(g, 400));
    }
    if (gen_bool(g)) { /* a KV cache of a few requests */
        struct profile *p = s->workloads[2].profile;
        p->need = p->reserve = (int64_t)(p->llm.weights + p->llm.runtime +
                                         p->llm.kv_token * (700 + (double)gen_size(g, 2000)));
    }
}

static struct turn_conf random_turn(struct gen *g)
{
    struct turn_conf c = TURN_CONF_DEFAULT;

    c.kind = gen_bool(g) ? PIPELINE_SERIAL : PIPELINE_STREAMING;
    c.endpointing = (enum endpointing)gen_range(g, 0, 2);
    c.hangover = gen_range(g, 1, 1000) * NS_PER_MS;
    c.rule = gen_bool(g) ? SENTENCE_NAIVE : SENTENCE_FULL;
    c.sentence_max = 16 + (uint32_t)gen_size(g, 300);
    c.tts_ahead = (uint32_t)gen_size(g, TURN_MAX_AHEAD);
    c.workers = 1 + (uint32_t)gen_size(g, 8);
    c.max_sessions = 1 + (uint32_t)gen_size(g, 10);
    c.turn_timeout = NS_PER_S * gen_range(g, 1, 60);
    c.llm_timeout = NS_PER_MS * gen_range(g, 50, 5000);
    c.tts_timeout = NS_PER_MS * gen_range(g, 200, 10000);
    if (gen_bool(g)) {
        c.cpu = gen_real(g, 0.1, 4);
        c.cost = (struct gateway_cost){.turn = gen_range(g, 0, 100) * NS_PER_MS,
                                       .audio_in = gen_range(g, 0, 30) * NS_PER_MS,
                                       .token = gen_range(g, 0, 1000) * NS_PER_US,
                                       .sentence = gen_range(g, 0, 20) * NS_PER_MS,
                                       .audio_out = gen_range(g, 0, 30) * NS_PER_MS,
                                       .recognition = gen_range(g, 0, 200) * NS_PER_MS,
                                       .synthesis = gen_range(g, 0, 200) * NS_PER_MS};
    }
    return c;
}

static struct load_spec random_load(struct gen *g)
{
    struct load_spec l = LOAD_DEFAULT;

    l.name = "random";
    if (gen_bool(g))
        l.users = 1 + (unsigned)gen_size(g, 12);
    else
        l.arrivals =
            (struct arrivals_spec){.process = gen_bool(g) ? ARRIVALS_POISSON : ARRIVALS_CONSTANT,
                                   .rate = gen_real(g, 0.1, 3)};
    l.ramp_up = gen_range(g, 0, 3) * NS_PER_S;
    l.hold = gen_range(g, 1, 15) * NS_PER_S;
    l.ramp_down = gen_range(g, 0, 2) * NS_PER_S;
    l.think = gen_range(g, 0, 2000) * NS_PER_MS;
    l.think_kind = gen_bool(g) ? THINK_CONSTANT : THINK_EXPONENTIAL;
    l.pacing = gen_bool(g) ? 1 : 12.8;
    l.half_close = gen_bool(g);
    l.listen = gen_bool(g);
    l.barge_in = gen_bool(g) ? gen_real(g, 0, 1) : 0;
    l.barge_in_after = gen_range(g, 1, 3000) * NS_PER_MS;
    l.give_up = gen_range(g, 1, 30) * NS_PER_S;
    return l;
}

/* One to three GPUs that hold the three workloads somehow, replicas of the LLM on what is left. */
static void random_configuration(struct scenario *s, struct gen *g)
{
    struct scenario_configuration *c = ARENA_NEW(s->arena, struct scenario_configuration);
    struct scenario_gpu *gpus = ARENA_ARRAY(s->arena, struct scenario_gpu, 6);
    size_t n = 0;

    switch (gen_range(g, 0, 3)) {
    case 0:
        gpus[n++] = whole(s, SHARE_ALONE, "alone", ASR, 1);
        gpus[n++] = whole(s, SHARE_ALONE, "alone", TTS, 1);
        break;
    case 1:
        gpus[n++] = whole(s, SHARE_TIME_SLICING, "time-slicing", BOTH, 2);
        break;
    case 2:
        gpus[n++] = whole(s, SHARE_MPS, "mps", BOTH, 2);
        break;
    default:
        gpus[n++] = halves(s);
    }
    for (int64_t k = gen_range(g, 1, 3); k > 0; k--)
        gpus[n++] = whole(s, SHARE_ALONE, "alone", LLM, 1);
    *c = (struct scenario_configuration){.name = "random", .gpus = gpus, .count = n};
    s->configurations = c;
    s->configuration_count = 1;
}

struct scenario *make_random_scenario(struct gen *g)
{
    struct scenario *s = begin("random", "A100-SXM4-80GB");
    struct scenario_load *load = ARENA_NEW(s->arena, struct scenario_load);

    s->workloads = ARENA_ARRAY(s->arena, struct scenario_workload, 3);
    add_workload(s, "asr", "parakeet-1.1b-a100");
    add_workload(s, "tts", "magpie-a100");
    add_workload(s, "llm", "nemotron-nano-8b-a100");
    random_profiles(s, g);
    random_configuration(s, g);
    s->turn = random_turn(g);
    s->round_trip = gen_range(g, 0, 20) * NS_PER_MS;
    s->conversation.speech.mean = gen_real(g, 0.5, 5);
    s->conversation.reply.mean = 5 + gen_real(g, 0, 150);
    load->turns = random_load(g);
    if (load->turns.half_close != (s->turn.endpointing == ENDPOINT_CLIENT)) /* somebody must find the end of speech */
        load->turns.half_close = s->turn.endpointing == ENDPOINT_CLIENT;
    s->loads = load;
    s->load_count = 1;
    return s;
}
