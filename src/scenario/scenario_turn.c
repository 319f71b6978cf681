/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline, its gateway, and what is said: sections pipeline, gateway, conversation of a scenario. */
#include <string.h>

#include "base/world.h"
#include "scenario/internal.h"

/* ---- which workloads ---- */

/* The workload that a key of `pipeline` names, which must serve that. */
static int named(struct scenario_reader *r, struct conf *c, const char *key, enum profile_kind kind)
{
    const struct scenario_workload *w;
    size_t i;

    if (!conf_has(c, key))
        return -1;
    i = scenario_workload_at(r, c, key);
    if (conf_failed(c))
        return -1;
    w = &r->s->workloads[i];
    if (w->profile->kind != kind)
        conf_fail(c, key, "found %s, whose profile %s serves %s, expected a workload that serves %s", w->name, w->profile->name,
                  profile_kind_name(w->profile->kind), key);
    return (int)i;
}

/* The one workload of a kind; two of them must be told apart by the key. */
static int only(struct scenario_reader *r, struct conf *c, const char *key, enum profile_kind kind)
{
    const struct scenario *s = r->s;
    int found = -1;

    for (size_t i = 0; i < s->workload_count; i++) {
        if (s->workloads[i].profile->kind != kind)
            continue;
        if (found >= 0) {
            conf_fail(c, key, "missing, expected %s or %s: both serve %s", s->workloads[found].name, s->workloads[i].name, key);
            return -1;
        }
        found = (int)i;
    }
    return found;
}

static void read_members(struct scenario_reader *r, struct conf *c)
{
    struct scenario *s = r->s;
    bool asr = conf_has(c, "asr"), llm = conf_has(c, "llm"), tts = conf_has(c, "tts");
    int (*choose)(struct scenario_reader *, struct conf *, const char *, enum profile_kind) = only;

    if (asr || llm || tts)
        choose = named;
    s->asr = choose(r, c, "asr", PROFILE_ASR);
    s->llm = choose(r, c, "llm", PROFILE_LLM);
    s->tts = choose(r, c, "tts", PROFILE_TTS);
    if (!conf_failed(c) && choose == named && !llm)
        conf_fail(c, "llm", "missing, expected a workload that serves llm: a turn goes through it");
}

/* ---- pipeline ---- */

static void read_sentences(struct conf *parent, struct turn_conf *t)
{
    static const char *const rules[] = {"full", "naive", NULL};
    struct conf c;

    conf_sub_or(parent, "sentences", &c);
    t->rule = (enum sentence_rule)conf_choice_or(&c, "rule", rules, (int)t->rule);
    t->sentence_min = (uint32_t)conf_int_or(&c, "min", 1, 1000, t->sentence_min);
    t->sentence_max = (uint32_t)conf_int_or(&c, "max", t->sentence_min, 2000, t->sentence_max);
    t->tts_ahead = (uint32_t)conf_int_or(&c, "ahead", 0, 100, t->tts_ahead);
    t->play_ahead = conf_duration_or(&c, "playAhead", 0, 3600 * NS_PER_S, t->play_ahead);
    conf_end(&c);
}

static void read_timeouts(struct conf *parent, struct turn_conf *t)
{
    const int64_t lo = NS_PER_MS, hi = 3600 * NS_PER_S;
    struct conf c;

    conf_sub_or(parent, "timeouts", &c);
    t->speech_timeout = conf_duration_or(&c, "speech", lo, hi, t->speech_timeout);
    t->asr_timeout = conf_duration_or(&c, "asr", lo, hi, t->asr_timeout);
    t->llm_timeout = conf_duration_or(&c, "llm", lo, hi, t->llm_timeout);
    t->tts_timeout = conf_duration_or(&c, "tts", lo, hi, t->tts_timeout);
    t->turn_timeout = conf_duration_or(&c, "turn", lo, hi, t->turn_timeout);
    conf_end(&c);
}

static void read_pipeline(struct scenario_reader *r, struct conf *root)
{
    static const char *const kinds[] = {"streaming", "serial", NULL};
    struct turn_conf *t = &r->s->turn;
    struct conf c;

    conf_sub_or(root, "pipeline", &c);
    read_members(r, &c);
    t->kind = (enum pipeline_kind)conf_choice_or(&c, "kind", kinds, (int)t->kind);
    if (t->kind == PIPELINE_SERIAL) /* as published; the file may say otherwise */
        t->rule = SENTENCE_NAIVE;
    t->workers = (uint32_t)conf_int_or(&c, "workers", 1, 10000, t->workers);
    t->max_sessions = (uint32_t)conf_int_or(&c, "maxSessions", 1, 1000000, t->max_sessions);
    t->barge_in = conf_duration_or(&c, "bargeInSpeech", 0, 3600 * NS_PER_S, t->barge_in);
    if (!conf_bool_or(&c, "bargeIn", true))
        t->barge_in = TIME_NEVER;
    read_sentences(&c, t);
    read_timeouts(&c, t);
    conf_end(&c);
}

/* ---- gateway ---- */

static void read_gateway(struct scenario_reader *r, struct conf *root)
{
    struct turn_conf *t = &r->s->turn;
    struct {
        const char *key;
        int64_t *at;
    } costs[] = {{"turn", &t->cost.turn},         {"audioIn", &t->cost.audio_in},   {"token", &t->cost.token},
                 {"sentence", &t->cost.sentence}, {"audioOut", &t->cost.audio_out},
                 {"recognition", &t->cost.recognition}, {"synthesis", &t->cost.synthesis}};
    struct conf c, cost;

    conf_sub_or(root, "gateway", &c);
    t->cpu = scenario_parameter(r, &c, "gateway", "cpu", CONF_PLAIN, 0, 1024, t->cpu);
    conf_sub_or(&c, "cost", &cost);
    for (size_t i = 0; i < ARRAY_LEN(costs); i++)
        *costs[i].at = (int64_t)scenario_parameter(r, &cost, "gateway.cost", costs[i].key, CONF_DURATION, 0, 60e9,
                                                   (double)*costs[i].at);
    conf_end(&cost);
    conf_end(&c);
}

/* ---- conversation ---- */

static void read_endpointing(struct conf *parent, struct turn_conf *t)
{
    static const char *const by[] = {"gateway", "server", "client", NULL};
    struct conf c;

    conf_sub_or(parent, "endpointing", &c);
    t->endpointing = (enum endpointing)conf_choice_or(&c, "by", by, (int)t->endpointing);
    t->hangover = conf_duration_or(&c, "silence", 0, 10 * NS_PER_S, t->hangover);
    conf_end(&c);
}

static void read_conversation(struct scenario_reader *r, struct conf *root)
{
    struct conversation_spec *v = &r->s->conversation;
    struct err err = {0};
    struct conf c;

    conf_sub_or(root, "conversation", &c);
    v->speech = scenario_spread(&c, "speech", CONF_DURATION, 0.1, 600, v->speech);
    v->chars_per_s = conf_real_or(&c, "charsPerSecond", 1, 100, v->chars_per_s);
    v->reply = scenario_spread(&c, "reply", CONF_PLAIN, 1, CONVERSATION_MAX_TOKENS, v->reply);
    v->max_tokens = (uint32_t)conf_int_or(&c, "maxTokens", 1, CONVERSATION_MAX_TOKENS, v->max_tokens);
    v->chars_per_token = conf_real_or(&c, "charsPerToken", 1, 20, v->chars_per_token);
    v->system_tokens = (uint32_t)conf_int_or(&c, "systemTokens", 0, 1000000, v->system_tokens);
    v->history_tokens = (uint32_t)conf_int_or(&c, "historyTokens", 0, 1000000, v->history_tokens);
    v->prefix_cached = conf_real_or(&c, "prefixCached", 0, 1, v->prefix_cached);
    v->decimals = conf_real_or(&c, "decimals", 0, 1, v->decimals);
    v->abbreviations = conf_real_or(&c, "abbreviations", 0, 1, v->abbreviations);
    read_endpointing(&c, &r->s->turn);
    scenario_read_user(&c, &r->user);
    conf_end(&c);
    if (!conf_failed(root) && conversation_check(v, "conversation", &err) < 0)
        conf_pass(&c, NULL, &err); /* what the ranges above let through */
}

void scenario_read_turn(struct scenario_reader *r, struct conf *root)
{
    struct scenario *s = r->s;
    struct err err = {0};

    s->turn = TURN_CONF_DEFAULT;
    s->conversation = CONVERSATION_DEFAULT;
    read_pipeline(r, root);
    read_gateway(r, root);
    read_conversation(r, root);
    if (s->turn.endpointing == ENDPOINT_CLIENT)
        r->user.half_close = true; /* who else would say when the turn is over */
    if (s->asr < 0)
        s->conversation.speech = (struct spread){0}; /* nobody would hear it: a chat is typed */
    if (!conf_failed(root) && turn_conf_check(&s->turn, "pipeline", &err) < 0)
        conf_pass(root, "pipeline", &err);
}
