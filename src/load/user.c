/* SPDX-License-Identifier: Apache-2.0 */
#include "load/user.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "voice/playback.h"

#define DEFAULTS(think_ns)                                                                                      \
    .think = (think_ns), .think_kind = THINK_CONSTANT, .chunk = 160 * NS_PER_MS, .pacing = 1, .listen = true,   \
    .barge_in_after = NS_PER_S, .give_up = 60 * NS_PER_S, .jitter = 60 * NS_PER_MS, .stall_bound = TIME_NEVER,  \
    .max_sessions = LOAD_MAX_USERS

const struct load_spec LOAD_DEFAULT = {DEFAULTS(2 * NS_PER_S)};

#define PRESET(preset, n, up_s, hold_s, down_s, think_ms)                                                      \
    {                                                                                                           \
        DEFAULTS((think_ms)*NS_PER_MS), .name = (preset), .users = (n), .ramp_up = (up_s)*NS_PER_S,             \
        .hold = (hold_s)*NS_PER_S, .ramp_down = (down_s)*NS_PER_S                                               \
    }

/* The published loads; think time of `baseline` is not published, the default stands in. */
const struct load_spec LOAD_PRESETS[] = {
    PRESET("baseline", 1, 0, 30, 0, 2000),    PRESET("light", 5, 10, 120, 5, 2000),
    PRESET("medium", 20, 30, 300, 10, 1500),  PRESET("heavy", 50, 60, 300, 15, 1000),
    PRESET("spike", 100, 5, 30, 5, 500),      PRESET("endurance", 20, 30, 1800, 10, 3000),
};
const size_t LOAD_PRESET_COUNT = ARRAY_LEN(LOAD_PRESETS);

const struct load_spec *load_preset(const char *name)
{
    for (size_t i = 0; i < LOAD_PRESET_COUNT; i++)
        if (strcmp(LOAD_PRESETS[i].name, name) == 0)
            return &LOAD_PRESETS[i];
    return NULL;
}

static int check_time(const char *where, const char *field, int64_t v, int64_t lo, int64_t hi, struct err *err)
{
    if (v >= lo && v <= hi)
        return 0;
    return err_set(err, ERR_INPUT, "%s: %s: %.9g s, expected %.9g to %.9g s", where, field, (double)v / 1e9, (double)lo / 1e9,
                   (double)hi / 1e9);
}

int load_check(const struct load_spec *s, const char *where, struct err *err)
{
    const int64_t day = 86400 * NS_PER_S;
    bool open = s->arrivals.process != ARRIVALS_NONE;

    if (!open && (s->users < 1 || s->users > LOAD_MAX_USERS))
        return err_set(err, ERR_INPUT, "%s: users: %u, expected 1 to %d", where, s->users, LOAD_MAX_USERS);
    if (open && s->users > 0)
        return err_set(err, ERR_INPUT, "%s: users and arrivals exclude each other", where);
    if (open && s->arrivals.process != ARRIVALS_TRACE && !(s->arrivals.rate > 0 && s->arrivals.rate <= 1e6))
        return err_set(err, ERR_INPUT, "%s: arrivals: rate: %.9g, expected above 0 to 1e6 requests/s", where, s->arrivals.rate);
    if (check_time(where, "rampUp", s->ramp_up, 0, day, err) ||
        check_time(where, "hold", s->hold, NS_PER_S, 30 * day, err) ||
        check_time(where, "rampDown", s->ramp_down, 0, day, err) ||
        check_time(where, "thinkTime", s->think, 0, day, err) ||
        check_time(where, "chunk", s->chunk, NS_PER_MS, 10 * NS_PER_S, err) ||
        check_time(where, "giveUp", s->give_up, NS_PER_MS, day, err) ||
        check_time(where, "jitter", s->jitter, 0, 10 * NS_PER_S, err) ||
        check_time(where, "bargeInAfter", s->barge_in_after, 0, day, err))
        return -1;
    if (!(s->pacing >= 0.01 && s->pacing <= 10000))
        return err_set(err, ERR_INPUT, "%s: pacing: %.9g, expected 0.01 to 10000 (1 is real time)", where, s->pacing);
    if (!(s->barge_in >= 0 && s->barge_in <= 1))
        return err_set(err, ERR_INPUT, "%s: bargeIn: %.9g, expected a probability, 0 to 1", where, s->barge_in);
    return 0;
}

int64_t load_length(const struct load_spec *s)
{
    return s->ramp_up + s->hold + s->ramp_down;
}

/* ---- one user ---- */

enum state {
    AWAY,      /* not yet come, or gone */
    THINKING,  /* `next` is the start of the next turn, or the user's stop */
    SPEAKING,  /* `next` is the next piece of audio, speech and then silence */
    REPLY,     /* the pipeline works; `next` is an interruption, if there will be one */
    LISTENING, /* the turn is over for the pipeline; `next` is the end of playback, or an interruption */
};

/* What of a turn is drawn at random beside what is said; keys of conversation_rng(). */
enum { DRAW_THINK = 1, DRAW_BARGE_IN = 2 };

struct user {
    struct users *all;
    struct session session;
    struct timer next, patience;
    struct conversation *talk; /* owned */
    struct utterance utterance;
    struct turn_record turn;
    enum state state;
    bool endpoint;      /* found in this turn */
    bool present;
    uint32_t id, number; /* of the user, of the next turn */
    uint32_t index;     /* open load: place in the list of free sessions */
    int64_t stop;       /* no turn begins at or after it */
    int64_t planned;    /* start of the next turn */
    int64_t thought_from;
    int64_t began;      /* actual start of speech */
    int64_t sent;       /* ns of audio, speech and silence */
    int64_t barge_in;   /* time of the interruption, TIME_NEVER: none */
    uint32_t prompt, reply; /* tokens, where a trace says so; else 0 */
    struct playback playback;
};

struct users {
    struct world *world;
    struct session_service *pipeline;
    struct load_spec spec;
    struct conversation_spec conversation;
    const struct stock *stock;
    struct recorder *recorder;
    uint64_t seed;
    struct user **user; /* owned, each owned */
    size_t count, cap;
    uint32_t *idle; /* owned: users of an open load without a turn */
    size_t idle_count, idle_cap;
    unsigned present, in_turn;
    int64_t from;
    /* open load */
    struct arrivals arrivals;
    struct arrival arrival; /* the next one */
    struct timer arrive;
    bool stopped;
};

static bool is_open(const struct users *all)
{
    return all->spec.arrivals.process != ARRIVALS_NONE;
}

static void set_present(struct user *u, bool present)
{
    if (u->present == present)
        return;
    u->present = present;
    u->all->present += present ? 1u : -1u;
    recorder_present(u->all->recorder, u->all->world->now, present ? 1 : -1);
}

static void leave(struct user *u)
{
    u->state = AWAY;
    set_present(u, false);
    if (is_open(u->all)) {
        GROW(u->all->idle, u->all->idle_cap, u->all->idle_count + 1);
        u->all->idle[u->all->idle_count++] = u->index;
    }
}

static int64_t thinking_time(const struct user *u)
{
    const struct load_spec *s = &u->all->spec;
    struct rng rng;

    if (s->think_kind == THINK_CONSTANT || s->think == 0)
        return s->think;
    conversation_rng(u->talk, u->number, DRAW_THINK, &rng);
    return (int64_t)rng_exponential(&rng, (double)s->think);
}

static void think(struct user *u, int64_t planned)
{
    struct world *w = u->all->world;

    if (is_open(u->all) || w->now >= u->stop) {
        leave(u);
        return;
    }
    u->state = THINKING;
    u->thought_from = w->now;
    u->planned = planned;
    timer_start(w, &u->next, planned < u->stop ? planned : u->stop);
}

/* The next piece of audio ends on the grid of chunks, or where speech ends within it. */
static int64_t piece_end(const struct user *u)
{
    int64_t chunk = u->all->spec.chunk, grid = (u->sent / chunk + 1) * chunk;

    return u->sent < u->utterance.speech && grid > u->utterance.speech ? u->utterance.speech : grid;
}

static void arm_piece(struct user *u)
{
    double pacing = u->all->spec.pacing;
    int64_t end = piece_end(u), after = pacing == 1 ? end : (int64_t)((double)end / pacing);

    timer_start(u->all->world, &u->next, u->began + after);
}

static void begin(struct user *u)
{
    struct users *all = u->all;
    struct world *w = all->world;

    set_present(u, true);
    all->in_turn++;
    recorder_begin(all->recorder, u->planned, w->now);
    turn_record_init(&u->turn, u->id, u->number, u->planned);
    conversation_turn_sized(u->talk, u->number++, u->prompt, u->reply, &u->utterance);
    u->turn.stamp[STAMP_SPEECH_START] = w->now;
    u->began = w->now;
    u->sent = 0;
    u->endpoint = false;
    u->barge_in = TIME_NEVER;
    playback_init(&u->playback, all->spec.jitter);
    u->state = SPEAKING;
    u->session.utterance = &u->utterance;
    timer_start(w, &u->patience, u->planned + all->spec.give_up);
    if (u->utterance.speech == 0) { /* typed */
        u->turn.stamp[STAMP_SPEECH_END] = w->now;
        u->state = REPLY;
        all->pipeline->ops->open(all->pipeline, &u->session);
        all->pipeline->ops->finish(all->pipeline, &u->session);
        return;
    }
    arm_piece(u);
    all->pipeline->ops->open(all->pipeline, &u->session);
}

/* The turn is over for the user too. */
static void hand_in(struct user *u, enum turn_fate fate)
{
    struct users *all = u->all;
    struct turn_record *t = &u->turn;

    timer_stop(all->world, &u->next);
    timer_stop(all->world, &u->patience);
    all->in_turn--;
    t->stamp[STAMP_END] = all->world->now;
    if (u->playback.end != TIME_NEVER)
        t->stamp[STAMP_PLAYBACK_END] = t->interrupted ? all->world->now : u->playback.end;
    t->reply = u->playback.received;
    t->underruns = u->playback.underruns;
    t->stalled = u->playback.stalled;
    if (fate == FATE_COMPLETED && t->stalled > all->spec.stall_bound) {
        fate = FATE_FAILED;
        t->outcome = TURN_STALLED;
    }
    t->fate = fate;
    recorder_turn(all->recorder, t);
}

static void end_turn(struct user *u, enum turn_fate fate)
{
    hand_in(u, fate);
    think(u, u->all->world->now + thinking_time(u));
}

static void send_piece(struct user *u)
{
    struct users *all = u->all;
    struct session_service *p = all->pipeline;
    int64_t end = piece_end(u);
    struct audio piece = {.duration = end - u->sent, .voiced = end <= u->utterance.speech};
    bool last = end == u->utterance.speech;

    u->sent = end;
    if (last)
        u->turn.stamp[STAMP_SPEECH_END] = all->world->now;
    if (last && (all->spec.half_close || u->endpoint))
        u->state = REPLY;
    else
        arm_piece(u);
    p->ops->audio(p, &u->session, &piece);
    if (last && all->spec.half_close)
        p->ops->finish(p, &u->session);
}

/* He cuts the reply short and speaks at once. */
static void interrupt(struct user *u)
{
    struct users *all = u->all;

    u->turn.interrupted = true;
    if (u->state == REPLY)
        all->pipeline->ops->cancel(all->pipeline, &u->session);
    hand_in(u, FATE_COMPLETED);
    think(u, all->world->now);
}

static void on_next(struct timer *t)
{
    struct user *u = CONTAINER_OF(t, struct user, next);
    int64_t now = u->all->world->now;

    switch (u->state) {
    case AWAY: /* the first turn of a closed load's user */
        if (u->planned >= u->stop)
            break;
        begin(u);
        break;
    case THINKING:
        recorder_thought(u->all->recorder, u->thought_from, now);
        if (u->planned < u->stop)
            begin(u);
        else
            leave(u);
        break;
    case SPEAKING:
        send_piece(u);
        break;
    case REPLY:
        interrupt(u);
        break;
    case LISTENING:
        if (now >= u->barge_in && now < u->playback.end)
            interrupt(u);
        else
            end_turn(u, FATE_COMPLETED);
        break;
    }
}

static void on_patience(struct timer *t)
{
    struct user *u = CONTAINER_OF(t, struct user, patience);

    u->all->pipeline->ops->cancel(u->all->pipeline, &u->session);
    u->turn.outcome = TURN_TIMED_OUT;
    end_turn(u, FATE_FAILED);
}

/* Audio for the playback clock; whether and when he will interrupt is drawn as it begins to sound. */
static void hear(struct user *u, int64_t now, int64_t duration)
{
    const struct load_spec *s = &u->all->spec;
    bool first = u->playback.begin == TIME_NEVER;
    struct rng rng;

    u->turn.stamp[STAMP_LAST_AUDIO] = now;
    playback_add(&u->playback, now, duration);
    if (!first)
        return;
    u->turn.stamp[STAMP_FIRST_AUDIO] = now;
    u->turn.stamp[STAMP_AUDIBLE] = u->playback.begin;
    if (s->barge_in <= 0)
        return;
    conversation_rng(u->talk, u->turn.number, DRAW_BARGE_IN, &rng);
    if (rng_unit(&rng) < s->barge_in)
        u->barge_in = u->playback.begin + (int64_t)rng_exponential(&rng, (double)s->barge_in_after);
    if (u->barge_in != TIME_NEVER && u->state == REPLY)
        timer_start(u->all->world, &u->next, u->barge_in);
}

static void on_end(struct user *u, enum turn_outcome outcome)
{
    struct world *w = u->all->world;

    timer_stop(w, &u->patience);
    if (outcome == TURN_COMPLETED && u->playback.end == TIME_NEVER && u->turn.stamp[STAMP_TTS_REQUEST] != TIME_NEVER)
        outcome = TURN_NO_AUDIO; /* a chat, whose reply is text, asks no TTS */
    u->turn.outcome = outcome;
    if (outcome != TURN_COMPLETED) {
        end_turn(u, FATE_FAILED);
        return;
    }
    if (!u->all->spec.listen || u->playback.end <= w->now) {
        end_turn(u, FATE_COMPLETED);
        return;
    }
    u->state = LISTENING;
    timer_start(w, &u->next, u->barge_in < u->playback.end ? u->barge_in : u->playback.end);
}

static void on_event(struct session *s, const struct turn_event *e)
{
    static const int stamp_of[] = {
        [TURN_ENDPOINT] = STAMP_ENDPOINT,
        [TURN_TRANSCRIPT] = STAMP_ASR_FINAL,
        [TURN_LLM_REQUEST] = STAMP_LLM_REQUEST,
        [TURN_LLM_FIRST_TOKEN] = STAMP_LLM_FIRST_TOKEN,
        [TURN_SENTENCE] = STAMP_FIRST_SENTENCE,
        [TURN_TTS_REQUEST] = STAMP_TTS_REQUEST,
        [TURN_TTS_FIRST_AUDIO] = STAMP_TTS_FIRST_AUDIO,
        [TURN_LLM_DONE] = STAMP_LLM_DONE,
        [TURN_AUDIO] = -1,
        [TURN_TTS_DONE] = -1,
        [TURN_END] = -1,
    };
    struct user *u = CONTAINER_OF(s, struct user, session);
    int64_t now = u->all->world->now;
    int stamp = stamp_of[e->kind];

    assert(u->state == SPEAKING || u->state == REPLY);
    if (stamp >= 0 && u->turn.stamp[stamp] == TIME_NEVER)
        u->turn.stamp[stamp] = now;
    switch (e->kind) {
    case TURN_ENDPOINT:
        u->endpoint = true;
        if (u->state == SPEAKING && u->sent >= u->utterance.speech) {
            u->state = REPLY;
            timer_stop(u->all->world, &u->next);
        }
        break;
    case TURN_AUDIO:
        hear(u, now, e->duration);
        break;
    case TURN_LLM_DONE:
        u->turn.tokens = e->tokens;
        break;
    case TURN_TTS_DONE:
        u->turn.sentences++;
        recorder_sentence(u->all->recorder, now, e->duration);
        break;
    case TURN_END:
        on_end(u, e->outcome);
        break;
    default:
        break;
    }
}

static const struct session_events user_events = {.event = on_event};

/* ---- all of them ---- */

static struct user *add_user(struct users *all, uint32_t id)
{
    struct user *u = xcalloc(1, sizeof *u);

    u->all = all;
    u->session.on = &user_events;
    u->next.fire = on_next;
    u->patience.fire = on_patience;
    u->id = id;
    u->talk = conversation_new(&all->conversation, all->stock, all->seed, id);
    GROW(all->user, all->cap, all->count + 1);
    u->index = (uint32_t)all->count;
    all->user[all->count++] = u;
    return u;
}

static void plan_arrival(struct users *all)
{
    int64_t until = all->from + load_length(&all->spec);

    if (arrivals_next(&all->arrivals, &all->arrival) && all->from + all->arrival.at < until - all->spec.ramp_down)
        timer_start(all->world, &all->arrive, all->from + all->arrival.at);
}

static void refuse(struct users *all, uint32_t id, int64_t planned)
{
    struct turn_record t;

    turn_record_init(&t, id, 0, planned);
    t.fate = FATE_FAILED;
    t.outcome = TURN_REFUSED;
    t.stamp[STAMP_END] = all->world->now;
    recorder_begin(all->recorder, planned, all->world->now);
    recorder_turn(all->recorder, &t);
}

static void on_arrival(struct timer *t)
{
    struct users *all = CONTAINER_OF(t, struct users, arrive);
    int64_t planned = all->from + all->arrival.at;
    uint32_t id = (uint32_t)all->arrival.number, prompt = all->arrival.context, reply = all->arrival.generated;
    struct user *u = NULL;

    if (all->idle_count > 0)
        u = all->user[all->idle[--all->idle_count]];
    else if (all->count < all->spec.max_sessions)
        u = add_user(all, id);
    plan_arrival(all);
    if (!u) {
        refuse(all, id, planned);
        return;
    }
    conversation_restart(u->talk, id);
    u->id = id;
    u->number = 0;
    u->prompt = prompt;
    u->reply = reply;
    u->planned = planned;
    begin(u);
}

struct users *users_new(struct world *w, struct session_service *pipeline,
                        const struct load_spec *load, const struct conversation_spec *conversation,
                        const struct stock *stock, struct recorder *recorder, uint64_t seed)
{
    struct users *all = xcalloc(1, sizeof *all);

    all->world = w;
    all->pipeline = pipeline;
    all->spec = *load;
    all->conversation = *conversation;
    all->stock = stock;
    all->recorder = recorder;
    all->seed = seed;
    all->arrive.fire = on_arrival;
    if (!is_open(all))
        for (uint32_t i = 0; i < load->users; i++)
            add_user(all, i);
    return all;
}

/* ramp * i / n without overflow: ramps are days at most. */
static int64_t spread_over(int64_t ramp, size_t i, size_t n)
{
    return (int64_t)((double)ramp * (double)i / (double)n);
}

void users_start(struct users *all)
{
    const struct load_spec *s = &all->spec;

    all->from = all->world->now;
    if (is_open(all)) {
        arrivals_init(&all->arrivals, &s->arrivals, all->seed, rng_key("arrivals"));
        plan_arrival(all);
        return;
    }
    for (size_t i = 0; i < all->count; i++) {
        struct user *u = all->user[i];
        u->planned = all->from + spread_over(s->ramp_up, i, all->count);
        u->stop = all->from + s->ramp_up + s->hold + spread_over(s->ramp_down, i, all->count);
        timer_start(all->world, &u->next, u->planned);
    }
}

void users_stop(struct users *all)
{
    struct session_service *p = all->pipeline;

    if (all->stopped)
        return;
    all->stopped = true;
    timer_stop(all->world, &all->arrive);
    for (size_t i = 0; i < all->count; i++) {
        struct user *u = all->user[i];
        if (u->state == SPEAKING || u->state == REPLY) {
            p->ops->cancel(p, &u->session);
            hand_in(u, FATE_UNFINISHED);
        } else if (u->state == LISTENING) { /* it was handed over whole; he is only still listening */
            hand_in(u, FATE_COMPLETED);
        } else if (u->state == THINKING) {
            recorder_thought(all->recorder, u->thought_from, all->world->now);
        }
        timer_stop(all->world, &u->next);
        set_present(u, false);
        u->state = AWAY;
    }
}

void users_free(struct users *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->count; i++) {
        conversation_free(all->user[i]->talk);
        free(all->user[i]);
    }
    free(all->user);
    free(all->idle);
    free(all);
}

unsigned users_present(const struct users *all)
{
    return all->present;
}

unsigned users_in_turn(const struct users *all)
{
    return all->in_turn;
}

const char *users_check(const struct users *all)
{
    unsigned present = 0, in_turn = 0;

    for (size_t i = 0; i < all->count; i++) {
        const struct user *u = all->user[i];
        bool turning = u->state == SPEAKING || u->state == REPLY || u->state == LISTENING;
        present += u->present;
        in_turn += turning;
        if ((u->state == SPEAKING || u->state == REPLY) != timer_running(&u->patience))
            return "a turn without a user's patience, or the other way round";
        if ((u->state == THINKING || u->state == SPEAKING || u->state == LISTENING) && !timer_running(&u->next))
            return "a user waits for nothing";
        if (u->state != AWAY && !u->present)
            return "a user is in a turn and not present";
    }
    if (present != all->present || in_turn != all->in_turn)
        return "counts of users are wrong";
    return NULL;
}
