/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline: its parameters, the pool of turns, the port, the invariants. */
#include "base/mem.h"
#include "voice/internal.h"

const struct turn_conf TURN_CONF_DEFAULT = {
    .kind = PIPELINE_STREAMING,
    .endpointing = ENDPOINT_GATEWAY,
    .hangover = 500 * NS_PER_MS,
    .rule = SENTENCE_FULL,
    .sentence_min = 12,
    .sentence_max = 240,
    .tts_ahead = 1,
    .sample_rate = 22050,
    .workers = 12,
    .max_sessions = 100000,
    .speech_timeout = 120 * NS_PER_S,
    .asr_timeout = 10 * NS_PER_S,
    .llm_timeout = 30 * NS_PER_S,
    .tts_timeout = 30 * NS_PER_S,
    .turn_timeout = 120 * NS_PER_S,
};

const char *turn_outcome_text(enum turn_outcome o)
{
    static const char *const texts[] = {
#define X(name, text) text,
        TURN_OUTCOMES(X)
#undef X
    };
    return texts[o];
}

static int check_costs(const struct gateway_cost *c, const char *where, struct err *err)
{
    const struct {
        const char *name;
        int64_t value;
    } costs[] = {{"turn", c->turn},          {"audioIn", c->audio_in},
                 {"token", c->token},        {"sentence", c->sentence},
                 {"audioOut", c->audio_out}, {"recognition", c->recognition},
                 {"synthesis", c->synthesis}};

    for (size_t i = 0; i < ARRAY_LEN(costs); i++)
        if (costs[i].value < 0 || costs[i].value > 60 * NS_PER_S)
            return err_set(err, ERR_INPUT, "%s: cost of %s %.9g s, expected 0 to 60 s", where,
                           costs[i].name, (double)costs[i].value / NS_PER_S);
    return 0;
}

int turn_conf_check(const struct turn_conf *c, const char *where, struct err *err)
{
    if (c->tts_ahead > TURN_MAX_AHEAD)
        return err_set(err, ERR_INPUT, "%s: %u sentences ahead, expected at most %d", where,
                       c->tts_ahead, TURN_MAX_AHEAD);
    if (c->sentence_max < 8 || c->sentence_min > c->sentence_max)
        return err_set(err, ERR_INPUT,
                       "%s: sentences of %u to %u bytes, expected a maximum of at least 8 and the "
                       "minimum below it",
                       where, c->sentence_min, c->sentence_max);
    if (c->kind == PIPELINE_SERIAL && c->workers == 0)
        return err_set(err, ERR_INPUT, "%s: 0 workers, expected at least 1 for a serial pipeline",
                       where);
    if (c->max_sessions == 0)
        return err_set(err, ERR_INPUT, "%s: 0 sessions, expected at least 1", where);
    if (c->sample_rate < 8000 || c->sample_rate > 192000)
        return err_set(err, ERR_INPUT, "%s: %u samples/s, expected 8000 to 192000", where,
                       c->sample_rate);
    if (c->play_ahead < 0 || c->barge_in < 0)
        return err_set(err, ERR_INPUT, "%s: a length of audio below 0", where);
    if (c->hangover < 0 || c->speech_timeout <= 0 || c->asr_timeout <= 0 || c->llm_timeout <= 0 ||
        c->tts_timeout <= 0 || c->turn_timeout <= 0)
        return err_set(err, ERR_INPUT, "%s: a timeout that is not above 0", where);
    if (!(c->cpu >= 0 && c->cpu <= 1e6))
        return err_set(err, ERR_INPUT,
                       "%s: cpu %g, expected cores, or 0 for a CPU that costs nothing", where,
                       c->cpu);
    return check_costs(&c->cost, where, err);
}

/* ---- the pool ---- */

static struct turn *turn_take(struct pipeline *p)
{
    struct turn *t;

    if (!p->unused) {
        struct slab *slab = xcalloc(1, sizeof *slab);
        slab->next = p->slabs;
        p->slabs = slab;
        for (int i = SLAB - 1; i >= 0; i--) {
            turn_init(p, &slab->turns[i]);
            slab->turns[i].next = p->unused;
            p->unused = &slab->turns[i];
        }
    }
    t = p->unused;
    p->unused = t->next;
    return t;
}

static void turn_done(struct turn *t)
{
    struct world *w = t->pipeline->world;

    timer_stop(w, &t->silence);
    timer_stop(w, &t->deadline);
    timer_stop(w, &t->room);
    free(t->text);
    for (int i = 0; i < SYNTHS; i++)
        free(t->synths[i].pcm);
}

/* ---- the port ---- */

static void service_open(struct session_service *g, struct session *s)
{
    struct pipeline *p = CONTAINER_OF(g, struct pipeline, service);
    struct turn *t = turn_take(p);

    s->impl = t;
    p->stats.opened++;
    if (p->open >= p->conf.max_sessions) {
        turn_refuse(t, s);
        return;
    }
    if (++p->open > p->stats.turns_peak)
        p->stats.turns_peak = p->open;
    turn_open(t, s);
}

/* The user may still be sending when his turn is over. */
static void service_audio(struct session_service *g, struct session *s, const struct audio *piece)
{
    if (s->impl)
        turn_audio(s->impl, piece);
}

static void service_finish(struct session_service *g, struct session *s)
{
    if (s->impl)
        turn_finish(s->impl);
}

static void service_cancel(struct session_service *g, struct session *s)
{
    if (s->impl)
        turn_cancel(s->impl);
}

static const struct session_service_ops service_ops = {.open = service_open,
                                                       .audio = service_audio,
                                                       .finish = service_finish,
                                                       .cancel = service_cancel};

struct pipeline *pipeline_new(struct world *w, const struct turn_conf *conf,
                              const struct pipeline_services *services)
{
    struct pipeline *p = xcalloc(1, sizeof *p);

    *p = (struct pipeline){.service = {&service_ops}, .world = w, .conf = *conf, .to = *services};
    cpu_init(&p->cpu, w, conf->cpu);
    workers_init(&p->workers, conf->workers);
    return p;
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    cpu_done(&p->cpu);
    for (struct slab *s = p->slabs, *next; s; s = next) {
        next = s->next;
        for (int i = 0; i < SLAB; i++)
            turn_done(&s->turns[i]);
        free(s);
    }
    free(p);
}

struct session_service *pipeline_service(struct pipeline *p)
{
    return &p->service;
}

double pipeline_cpu_busy(const struct pipeline *p)
{
    return p->conf.cpu > 0 ? cpu_busy(&p->cpu) : -1;
}

void pipeline_stats(const struct pipeline *p, struct pipeline_stats *ret)
{
    *ret = p->stats;
    ret->turns = p->open;
    ret->workers_taken = p->workers.taken;
    for (const struct worker_wait *w = p->workers.head; w; w = w->next)
        ret->workers_waiting++;
}

/* ---- invariants ---- */

static const char *turn_check(const struct turn *t, uint32_t *workers)
{
    uint32_t busy = 0;

    for (int i = 0; i < SYNTHS; i++) {
        busy += t->synths[i].state != SYNTH_FREE;
        *workers += t->synths[i].worker.held;
        if (t->synths[i].state == SYNTH_FREE &&
            (t->synths[i].worker.held || t->synths[i].worker.waiting || t->synths[i].job.queued))
            return "a synthesis that is over still holds or awaits something";
    }
    *workers += t->asr_worker.held;
    if (t->state == TURN_FREE || t->state == TURN_REFUSING) {
        bool holds = busy || t->llm_open || t->asr_open || t->asking.queued || t->asr_worker.held ||
                     t->asr_worker.waiting;
        return holds || timer_running(&t->silence) || timer_running(&t->room)
                   ? "a turn that is over still holds something"
                   : NULL;
    }
    if (!timer_running(&t->deadline))
        return "a turn that nothing will ever end";
    if (t->spoken > t->asked || t->asked - t->spoken > 1 + t->pipeline->conf.tts_ahead ||
        busy != t->asked - t->spoken)
        return "sentences under way and counted differ";
    if (t->state < TURN_ANSWERING && (t->llm_open || t->asked > 0))
        return "a reply before the request";
    return NULL;
}

static const char *counts_check(const struct pipeline *p, uint32_t open, uint32_t refusing,
                                uint32_t workers)
{
    uint64_t over = p->stats.cancelled;

    for (int i = 0; i < TURN_OUTCOME_COUNT; i++)
        over += p->stats.ended[i];
    if (open != p->open || open > p->conf.max_sessions)
        return "open turns and their count differ";
    if (p->stats.opened != over + open + refusing)
        return "a turn was lost or ended twice";
    if (workers != p->workers.taken || workers > p->workers.count)
        return "workers taken and their count differ";
    if (p->workers.head && workers < p->workers.count)
        return "work waits beside an idle worker";
    return cpu_check(&p->cpu);
}

const char *pipeline_check(const struct pipeline *p)
{
    uint32_t open = 0, refusing = 0, workers = 0;

    for (const struct slab *s = p->slabs; s; s = s->next)
        for (int i = 0; i < SLAB; i++) {
            const struct turn *t = &s->turns[i];
            const char *broken = turn_check(t, &workers);
            if (broken)
                return broken;
            refusing += t->state == TURN_REFUSING;
            open += t->state != TURN_FREE && t->state != TURN_REFUSING;
        }
    return counts_check(p, open, refusing, workers);
}
