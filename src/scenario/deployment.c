/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/deployment.h"

#include <stdio.h>

#include "serve/asr.h"
#include "serve/balance.h"
#include "serve/infer.h"
#include "serve/llm.h"
#include "serve/tts.h"

/* One server process group; which of the union is its profile's kind. */
struct server {
    size_t workload;
    const struct profile *profile;
    const char *name;
    const char *label; /* of its capacity, for deployment_use */
    const char *label_kv;
    union {
        struct asr_server *asr;
        struct llm_server *llm;
        struct tts_server *tts;
        struct infer_server *infer;
    };
};

struct deployment {
    struct world *world;
    const struct scenario *scenario;
    const struct scenario_configuration *configuration;
    struct arena *arena;
    struct share ***shares; /* [gpu][slot] */
    const char **gpu_names;
    struct server *servers;
    size_t server_count;
    struct balance *balances; /* one a workload */
    struct pipeline *pipeline;
};

static uint32_t asr_load(void *server)
{
    struct asr_stats st;

    asr_server_stats(server, &st);
    return st.streams + st.waiting;
}

static uint32_t llm_load(void *server)
{
    struct llm_stats st;

    llm_server_stats(server, &st);
    return st.arriving + st.waiting + st.running;
}

static uint32_t tts_load(void *server)
{
    struct tts_stats st;

    tts_server_stats(server, &st);
    return st.arriving + st.waiting + st.active;
}

static uint32_t infer_load(void *server)
{
    struct infer_stats st;

    infer_server_stats(server, &st);
    return st.arriving + st.waiting + st.running;
}

/* Starts the server and puts it behind its workload's balancer. */
static int server_start(struct deployment *d, struct server *s, const struct serve_place *at, struct err *err)
{
    struct balance_replica r = {0};
    struct world *w = d->world;
    const struct profile *p = s->profile;

    switch (p->kind) {
    case PROFILE_ASR:
        if (!(s->asr = asr_server_new(w, s->name, p, at, err)))
            return -1;
        r = (struct balance_replica){.asr = asr_server_service(s->asr), .load = asr_load, .server = s->asr};
        break;
    case PROFILE_LLM:
        if (!(s->llm = llm_server_new(w, s->name, p, at, err)))
            return -1;
        r = (struct balance_replica){.llm = llm_server_service(s->llm), .load = llm_load, .server = s->llm};
        break;
    case PROFILE_TTS:
        if (!(s->tts = tts_server_new(w, s->name, p, at, err)))
            return -1;
        r = (struct balance_replica){.tts = tts_server_service(s->tts), .load = tts_load, .server = s->tts};
        break;
    case PROFILE_INFER:
        if (!(s->infer = infer_server_new(w, s->name, p, at, err)))
            return -1;
        r = (struct balance_replica){.infer = infer_server_service(s->infer), .load = infer_load, .server = s->infer};
        break;
    }
    balance_add(&d->balances[s->workload], &r);
    return 0;
}

static const char *slot_name(struct deployment *d, size_t gpu, const struct scenario_slot *slot)
{
    if (slot->profile)
        return arena_printf(d->arena, "GPU %zu %s@%d", gpu, slot->profile->name, slot->start);
    return arena_printf(d->arena, "GPU %zu", gpu);
}

static void shares_cut(struct deployment *d)
{
    const struct scenario *s = d->scenario;
    const struct scenario_configuration *c = d->configuration;

    d->shares = ARENA_ARRAY(d->arena, struct share **, c->count);
    for (size_t g = 0; g < c->count; g++) {
        d->shares[g] = ARENA_ARRAY(d->arena, struct share *, c->gpus[g].count);
        for (size_t i = 0; i < c->gpus[g].count; i++) {
            const struct scenario_slot *slot = &c->gpus[g].slots[i];
            struct share_size size = gpu_profile_size(s->gpu, slot->profile);
            d->shares[g][i] = share_new(d->world, slot_name(d, g, slot), slot->mode, &size, &s->sharing);
        }
    }
}

/* Walks all places of a workload in order; every profile.gpu_count of them make one server. */
static int workload_start(struct deployment *d, size_t w, struct err *err)
{
    const struct scenario_workload *workload = &d->scenario->workloads[w];
    const struct scenario_configuration *c = d->configuration;
    struct serve_place at = {.sm_cap = workload->sm_cap, .round_trip = d->scenario->round_trip};
    unsigned replica = 0;

    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++)
            for (size_t k = 0; k < c->gpus[g].slots[i].count; k++) {
                struct server *s = &d->servers[d->server_count];
                if (c->gpus[g].slots[i].workloads[k] != w)
                    continue;
                at.shares[at.count++] = d->shares[g][i];
                if (at.count < workload->profile->gpu_count)
                    continue;
                *s = (struct server){.workload = w, .profile = workload->profile};
                s->name = replica++ ? arena_printf(d->arena, "%s-%u", workload->name, replica) : workload->name;
                if (server_start(d, s, &at, err) < 0)
                    return err_wrap(err, "configuration %s", c->name);
                d->server_count++;
                at.count = 0;
            }
    if (at.count > 0)
        return err_set(err, ERR_INPUT, "configuration %s: %s stands on %zu GPUs beyond whole servers of %u", c->name,
                       workload->name, at.count, workload->profile->gpu_count);
    return 0;
}

static size_t places(const struct scenario_configuration *c)
{
    size_t n = 0;

    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++)
            n += c->gpus[g].slots[i].count;
    return n;
}

static void pipeline_build(struct deployment *d)
{
    const struct scenario *s = d->scenario;
    struct pipeline_services services = {
        .asr = s->asr >= 0 ? &d->balances[s->asr].asr : NULL,
        .llm = s->llm >= 0 ? &d->balances[s->llm].llm : NULL,
        .tts = s->tts >= 0 ? &d->balances[s->tts].tts : NULL,
    };

    if (services.llm)
        d->pipeline = pipeline_new(d->world, &s->turn, &services);
}

/* What the resources are called in reports; done once, so that reading their use allocates nothing. */
static void name_resources(struct deployment *d)
{
    static const char *const capacity[] = {
        [PROFILE_ASR] = "streams", [PROFILE_LLM] = "sequences", [PROFILE_TTS] = "slots", [PROFILE_INFER] = NULL};

    for (size_t i = 0; i < d->server_count; i++) {
        struct server *s = &d->servers[i];
        if (capacity[s->profile->kind])
            s->label = arena_printf(d->arena, "%s: %s", s->name, capacity[s->profile->kind]);
        if (s->profile->kind == PROFILE_LLM)
            s->label_kv = arena_printf(d->arena, "%s: KV cache", s->name);
    }
}

struct deployment *deployment_new(struct world *w, const struct scenario *s,
                                  const struct scenario_configuration *c, struct err *err)
{
    struct arena *arena = arena_new();
    struct deployment *d = ARENA_NEW(arena, struct deployment);

    *d = (struct deployment){.world = w, .scenario = s, .configuration = c, .arena = arena};
    d->balances = ARENA_ARRAY(arena, struct balance, s->workload_count);
    d->servers = ARENA_ARRAY(arena, struct server, places(c) + 1);
    shares_cut(d);
    for (size_t i = 0; i < s->workload_count; i++) {
        balance_init(&d->balances[i]);
        if (workload_start(d, i, err) < 0) {
            deployment_free(d);
            return NULL;
        }
    }
    pipeline_build(d);
    name_resources(d);
    return d;
}

void deployment_free(struct deployment *d)
{
    if (!d)
        return;
    pipeline_free(d->pipeline);
    for (size_t i = 0; i < d->server_count; i++) {
        struct server *s = &d->servers[i];
        switch (s->profile->kind) {
        case PROFILE_ASR:
            asr_server_free(s->asr);
            break;
        case PROFILE_LLM:
            llm_server_free(s->llm);
            break;
        case PROFILE_TTS:
            tts_server_free(s->tts);
            break;
        case PROFILE_INFER:
            infer_server_free(s->infer);
            break;
        }
    }
    for (size_t g = 0; g < d->configuration->count; g++)
        for (size_t i = 0; i < d->configuration->gpus[g].count; i++)
            share_free(d->shares[g][i]);
    arena_free(d->arena);
}

struct session_service *deployment_pipeline(struct deployment *d)
{
    return d->pipeline ? pipeline_service(d->pipeline) : NULL;
}

struct client_service deployment_service(struct deployment *d, size_t workload)
{
    struct balance *b = &d->balances[workload];

    switch (d->scenario->workloads[workload].profile->kind) {
    case PROFILE_ASR:
        return (struct client_service){.kind = CLIENT_ASR, .asr = &b->asr};
    case PROFILE_LLM:
        return (struct client_service){.kind = CLIENT_LLM, .llm = &b->llm};
    case PROFILE_TTS:
        return (struct client_service){.kind = CLIENT_TTS, .tts = &b->tts};
    case PROFILE_INFER:
        break;
    }
    return (struct client_service){.kind = CLIENT_INFER, .infer = &b->infer};
}

struct share *deployment_share(struct deployment *d, size_t gpu, size_t slot)
{
    return d->shares[gpu][slot];
}

/* A server's hard capacities; returns how many were written. */
static size_t server_uses(const struct server *s, struct deployment_use ret[2])
{
    switch (s->profile->kind) {
    case PROFILE_ASR: {
        struct asr_stats st;
        asr_server_stats(s->asr, &st);
        ret[0] = (struct deployment_use){s->label, true, st.streams_ns / st.max_streams};
        return 1;
    }
    case PROFILE_LLM: {
        struct llm_stats st;
        llm_server_stats(s->llm, &st);
        ret[0] = (struct deployment_use){s->label, true, st.running_ns / st.max_sequences};
        ret[1] = (struct deployment_use){s->label_kv, true, st.blocks_ns / st.blocks_total};
        return 2;
    }
    case PROFILE_TTS: {
        struct tts_stats st;
        tts_server_stats(s->tts, &st);
        ret[0] = (struct deployment_use){s->label, true, st.active_ns / st.slots};
        return 1;
    }
    case PROFILE_INFER:
        break;
    }
    return 0;
}

size_t deployment_uses(const struct deployment *d, struct deployment_use *ret, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < d->server_count && n + 2 <= max; i++)
        n += server_uses(&d->servers[i], ret + n);
    for (size_t g = 0; g < d->configuration->count; g++)
        for (size_t i = 0; i < d->configuration->gpus[g].count && n < max; i++) {
            struct share_usage u;
            share_usage(d->shares[g][i], &u);
            ret[n++] = (struct deployment_use){share_name(d->shares[g][i]), false, (double)u.busy};
        }
    if (d->pipeline && n < max && pipeline_cpu_busy(d->pipeline) >= 0)
        ret[n++] = (struct deployment_use){"gateway CPU", true, pipeline_cpu_busy(d->pipeline)};
    return n;
}

static const char *server_check(const struct server *s)
{
    switch (s->profile->kind) {
    case PROFILE_ASR:
        return asr_server_check(s->asr);
    case PROFILE_LLM:
        return llm_server_check(s->llm);
    case PROFILE_TTS:
        return tts_server_check(s->tts);
    case PROFILE_INFER:
        break;
    }
    return infer_server_check(s->infer);
}

const char *deployment_check(const struct deployment *d)
{
    const char *broken = d->pipeline ? pipeline_check(d->pipeline) : NULL;

    for (size_t i = 0; i < d->server_count && !broken; i++)
        broken = server_check(&d->servers[i]);
    for (size_t g = 0; g < d->configuration->count && !broken; g++)
        for (size_t i = 0; i < d->configuration->gpus[g].count && !broken; i++)
            broken = share_check(d->shares[g][i]);
    return broken;
}
