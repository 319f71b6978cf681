/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run.h"

#include <math.h>

#include "scenario/deployment.h"
#include "sim/virtual.h"

/* What lives only while the run does. */
struct stage_set {
    const struct run_spec *spec;
    struct load_spec turns; /* the load's, with the spec's own users and times */
    struct run *run;
    struct virtual_world *virtual;
    struct world *world;
    struct deployment *deployment;
    struct users *users;
    struct deployment_use before[DEPLOYMENT_USES_MAX], after[DEPLOYMENT_USES_MAX];
    const struct share_tenant **tenants; /* of the samples */
    double *tenant_before;
};

static void list_tenants(struct stage_set *s)
{
    const struct scenario_configuration *c = s->spec->configuration;
    struct run *r = s->run;
    struct run_tenant *list;
    size_t n = 0;

    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++)
            n += share_tenant_count(deployment_share(s->deployment, g, i));
    list = ARENA_ARRAY(r->arena, struct run_tenant, n + 1);
    s->tenants = ARENA_ARRAY(r->arena, const struct share_tenant *, n + 1);
    s->tenant_before = ARENA_ARRAY(r->arena, double, n + 1);
    n = 0;
    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++) {
            const struct share *share = deployment_share(s->deployment, g, i);
            for (size_t k = 0; k < share_tenant_count(share); k++, n++) {
                s->tenants[n] = share_tenant_at(share, k);
                list[n] = (struct run_tenant){
                    g, i, arena_strdup(r->arena, share_tenant_name(s->tenants[n]))};
            }
        }
    r->tenants = list;
    r->samples.tenant_count = n;
}

static void samples_begin(struct stage_set *s)
{
    struct run_samples *p = &s->run->samples;
    struct run *r = s->run;
    size_t n = 0;

    r->use_count = deployment_uses(s->deployment, s->before, DEPLOYMENT_USES_MAX);
    list_tenants(s);
    p->columns = r->use_count + p->tenant_count + 2;
    p->tenant_from = r->use_count;
    p->names = ARENA_ARRAY(r->arena, const char *, p->columns);
    for (size_t i = 0; i < r->use_count; i++)
        p->names[n++] = arena_strdup(r->arena, s->before[i].resource);
    for (size_t i = 0; i < p->tenant_count; i++)
        p->names[n++] =
            arena_printf(r->arena, "GPU %zu: %s", r->tenants[i].gpu, r->tenants[i].workload);
    p->names[n++] = "turns in flight";
    p->names[n++] = "users";
}

static void samples_take(struct stage_set *s, int64_t width)
{
    struct run_samples *p = &s->run->samples;
    double *row;

    deployment_uses(s->deployment, s->after, DEPLOYMENT_USES_MAX);
    GROW(p->values, p->cap, (p->rows + 1) * p->columns);
    row = p->values + p->rows++ * p->columns;
    for (size_t i = 0; i < s->run->use_count; i++)
        *row++ = (s->after[i].integral - s->before[i].integral) / (double)width;
    for (size_t i = 0; i < p->tenant_count; i++) {
        double busy = (double)share_tenant_busy(s->tenants[i]);
        *row++ = fmin(1, (busy - s->tenant_before[i]) / (double)width);
        s->tenant_before[i] = busy;
    }
    *row++ = s->users ? users_in_turn(s->users) : 0;
    *row++ = s->users ? users_present(s->users) : 0;
    for (size_t i = 0; i < s->run->use_count; i++)
        s->before[i] = s->after[i];
}

/* Runs until `until`, a second at a time, so that a request to stop is heard. */
static int advance(struct stage_set *s, int64_t until, struct err *err)
{
    const struct run_spec *spec = s->spec;

    while (s->world->now < until) {
        int64_t from = s->world->now, next = from + NS_PER_S < until ? from + NS_PER_S : until;

        if (spec->stop && atomic_load(spec->stop)) {
            s->run->interrupted = true;
            return 0;
        }
        while (spec->check && virtual_step(s->virtual, next)) {
            const char *broken = deployment_check(s->deployment);
            if (!broken && s->users)
                broken = users_check(s->users);
            if (broken)
                return err_set(err, ERR_INVALID, "invariant broken at %.9f s, seed %llu: %s",
                               (double)s->world->now / 1e9, (unsigned long long)spec->seed, broken);
        }
        virtual_run(s->virtual, next);
        if (spec->samples)
            samples_take(s, next - from);
    }
    return 0;
}

/* Reads what the hold phase used; called at its start (into `use` as it stands) and at its end (as
 * a fraction). */
static void usage_mark(struct stage_set *s, int64_t *ret_busy)
{
    const struct scenario_configuration *c = s->spec->configuration;
    struct deployment_use now[DEPLOYMENT_USES_MAX];
    size_t k = 0;

    deployment_uses(s->deployment, now, DEPLOYMENT_USES_MAX);
    for (size_t i = 0; i < s->run->use_count; i++)
        s->run->use[i] = now[i].integral - s->run->use[i];
    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++) {
            struct share_usage u;
            share_usage(deployment_share(s->deployment, g, i), &u);
            ret_busy[k] = u.busy - ret_busy[k];
            s->run->share_memory[g][i] = u.memory;
            k++;
        }
}

static size_t usage_prepare(struct stage_set *s)
{
    const struct scenario_configuration *c = s->spec->configuration;
    struct deployment_use now[DEPLOYMENT_USES_MAX];
    struct run *r = s->run;
    size_t shares = 0;

    r->use_count = deployment_uses(s->deployment, now, DEPLOYMENT_USES_MAX);
    r->use = ARENA_ARRAY(r->arena, double, r->use_count);
    r->use_hard = ARENA_ARRAY(r->arena, bool, r->use_count);
    r->use_names = ARENA_ARRAY(r->arena, const char *, r->use_count);
    for (size_t i = 0; i < r->use_count; i++) {
        r->use_names[i] = arena_strdup(r->arena, now[i].resource);
        r->use_hard[i] = now[i].hard;
    }
    r->share_busy = ARENA_ARRAY(r->arena, double *, c->count);
    r->share_memory = ARENA_ARRAY(r->arena, int64_t *, c->count);
    for (size_t g = 0; g < c->count; g++) {
        r->share_busy[g] = ARENA_ARRAY(r->arena, double, c->gpus[g].count);
        r->share_memory[g] = ARENA_ARRAY(r->arena, int64_t, c->gpus[g].count);
        shares += c->gpus[g].count;
    }
    return shares;
}

/* The uses and busy times of the hold phase as fractions of it. */
static void usage_close(struct stage_set *s, const int64_t *busy)
{
    const struct scenario_configuration *c = s->spec->configuration;
    double hold = fmax(1, (double)(s->world->now - s->run->hold_from));
    size_t k = 0;

    for (size_t i = 0; i < s->run->use_count; i++)
        s->run->use[i] /= hold;
    for (size_t g = 0; g < c->count; g++)
        for (size_t i = 0; i < c->gpus[g].count; i++)
            s->run->share_busy[g][i] = fmin(1, (double)busy[k++] / hold);
}

static bool has_turns(const struct load_spec *l)
{
    return l->users > 0 || l->arrivals.process != ARRIVALS_NONE;
}

static void clients_start(struct stage_set *s)
{
    const struct scenario_load *load = s->spec->load;
    struct run *r = s->run;

    r->clients = ARENA_ARRAY(r->arena, struct client *, load->request_count + 1);
    for (size_t i = 0; i < load->request_count; i++) {
        const struct scenario_requests *q = &load->requests[i];
        struct client_service service = deployment_service(s->deployment, q->workload);
        struct client_spec spec = q->spec;
        spec.measure_from = r->hold_from;
        spec.measure_until = r->hold_until;
        r->clients[r->client_count++] =
            client_new(s->world, &service, &spec, s->spec->stock, s->spec->seed + i);
        client_start(r->clients[i]);
    }
}

static int run_through(struct stage_set *s, struct err *err)
{
    struct run *r = s->run;
    size_t shares = usage_prepare(s);
    int64_t *busy = ARENA_ARRAY(r->arena, int64_t, shares);

    if (s->spec->samples)
        samples_begin(s);
    clients_start(s);
    if (s->users)
        users_start(s->users);
    if (advance(s, r->hold_from, err) < 0)
        return -1;
    usage_mark(s, busy);
    if (advance(s, r->hold_until, err) < 0)
        return -1;
    usage_mark(s, busy);
    usage_close(s, busy);
    return advance(s, r->end, err);
}

static void stage_strike(struct stage_set *s)
{
    recorder_stop(s->run->recorder, s->world->now); /* no effect unless interrupted */
    if (s->users) {
        users_stop(s->users);
        users_free(s->users);
    }
    for (size_t i = 0; i < s->run->client_count; i++)
        client_stop(s->run->clients[i]);
    s->run->events = virtual_events(s->virtual);
    s->run->end = s->world->now;
}

static struct load_spec turns_of(const struct run_spec *spec)
{
    struct load_spec t = spec->load->turns;

    if (spec->users)
        t.users = spec->users;
    if (spec->ramp_up)
        t.ramp_up = spec->ramp_up;
    if (spec->hold)
        t.hold = spec->hold;
    return t;
}

struct run *run_new(const struct run_spec *spec, struct err *err)
{
    struct arena *arena = arena_new();
    struct run *r = ARENA_NEW(arena, struct run);
    struct stage_set s = {
        .spec = spec, .turns = turns_of(spec), .run = r, .virtual = virtual_new()};
    struct recorder_spec rs;
    int rc = -1;

    r->arena = arena;
    r->hold_from = s.turns.ramp_up;
    r->hold_until = r->hold_from + s.turns.hold;
    r->end = load_length(&s.turns);
    s.world = virtual_world(s.virtual);
    rs = (struct recorder_spec){.hold_from = r->hold_from,
                                .hold_until = r->hold_until,
                                .users = s.turns.users,
                                .arrival_rate = s.turns.users ? NAN : s.turns.arrivals.rate,
                                .sink = spec->sink,
                                .sink_arg = spec->sink_arg};
    r->recorder = recorder_new(&rs);
    s.deployment = deployment_new(s.world, spec->scenario, spec->configuration, err);
    if (s.deployment) {
        struct session_service *pipeline = deployment_pipeline(s.deployment);
        if (pipeline && has_turns(&s.turns))
            s.users = users_new(s.world, pipeline, &s.turns, &spec->scenario->conversation,
                                spec->stock, r->recorder, spec->seed);
        rc = run_through(&s, err);
        stage_strike(&s);
        deployment_free(s.deployment);
    }
    virtual_free(s.virtual);
    if (rc < 0) {
        run_free(r);
        return NULL;
    }
    return r;
}

void run_free(struct run *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->client_count; i++)
        client_free(r->clients[i]);
    recorder_free(r->recorder);
    free(r->samples.values);
    arena_free(r->arena);
}
