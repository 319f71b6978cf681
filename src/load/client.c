/* SPDX-License-Identifier: Apache-2.0 */
#include "load/client.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

const struct client_spec CLIENT_DEFAULT = {
    .concurrency = 1,
    .prompt = {.mean = 200},
    .output = {.mean = 200},
    .characters = {.mean = 60},
    .audio = {.mean = 5},
    .chunk = 160 * NS_PER_MS,
    .realtime = true,
    .voiced = 1,
    .items = 1,
};

enum { MAX_IN_FLIGHT = 100000, PIECES = 64 }; /* pieces of ASR audio whose responses may be outstanding */

/* One request; kept for the next one when it is over. */
struct request {
    struct client *client;
    union {
        struct llm_call llm;
        struct tts_call tts;
        struct asr_stream asr;
        struct infer_call infer;
    };
    struct timer next;     /* start of a closed loop's worker, or the next piece of ASR audio */
    struct timer patience;
    bool active, measured, got_final;
    uint32_t index;
    int64_t planned;
    int64_t first, last;   /* token, or piece of audio; TIME_NEVER: none yet */
    uint64_t tokens;
    int64_t audio;         /* ns: TTS made, ASR of the utterance */
    int64_t sent, ended;   /* ASR: audio sent; when its last piece was */
    uint32_t pieces, responses;
    int64_t sent_at[PIECES];
};

struct client {
    struct world *world;
    struct client_service service;
    struct client_spec spec;
    uint64_t seed;
    struct request **request; /* owned, each owned */
    size_t count, cap;
    uint32_t *idle; /* owned; open load */
    size_t idle_count, idle_cap;
    unsigned in_flight;
    uint64_t number; /* of the next request */
    struct arrivals arrivals;
    struct arrival arrival;
    struct timer arrive;
    int64_t from;
    bool trace_over, stopped;
    char *text;            /* owned: what a TTS says */
    struct script *script; /* owned, may be NULL */
    struct client_record record;
    double flight_area; /* integral of requests in flight over the measured window, ns */
    int64_t flight_since;
};

static bool is_open(const struct client *c)
{
    return c->spec.arrivals.process != ARRIVALS_NONE;
}

static void count_flight(struct client *c, int change)
{
    int64_t now = c->world->now, until = c->spec.measure_until;

    if (until > 0 && now > until)
        now = until;
    if (now > c->flight_since) {
        c->flight_area += (double)c->in_flight * (double)(now - c->flight_since);
        c->flight_since = now;
        c->record.in_flight = c->flight_area / (double)(now - c->spec.measure_from);
    }
    c->in_flight += (unsigned)change;
}

/* ---- one request ---- */

static void start_worker(struct client *c, struct request *r, int64_t at)
{
    if (c->spec.requests > 0 && c->number >= c->spec.requests)
        return;
    r->planned = at;
    timer_start(c->world, &r->next, at);
}

static void count_eighth(struct client *c, int64_t planned, int64_t total)
{
    int64_t window = c->spec.measure_until - c->spec.measure_from;
    size_t e = window > 0 ? (size_t)((double)(planned - c->spec.measure_from) / (double)window * 8) : 8;

    if (e >= 8)
        return;
    c->record.eighth_s[e] += (double)total / 1e9;
    c->record.eighth_n[e]++;
}

/* The request is over, whatever became of it; the service holds nothing of it any more. */
static void over(struct request *r, bool ok)
{
    struct client *c = r->client;
    struct client_record *rec = &c->record;
    int64_t now = c->world->now;

    timer_stop(c->world, &r->next);
    timer_stop(c->world, &r->patience);
    count_flight(c, -1);
    r->active = false;
    if (r->measured) {
        rec->last_end = now;
        if (ok) {
            int64_t total = now - (c->service.kind == CLIENT_ASR ? r->ended : r->planned);
            rec->completed++;
            hist_record(&rec->total, total);
            count_eighth(c, r->planned, total);
        } else {
            rec->failed++;
        }
    }
    if (is_open(c)) {
        GROW(c->idle, c->idle_cap, c->idle_count + 1);
        c->idle[c->idle_count++] = r->index;
    } else if (!c->stopped) {
        start_worker(c, r, now + c->spec.think);
    }
}

static void failed(struct request *r, enum serve_status status)
{
    if (r->measured && status == SERVE_REJECTED)
        r->client->record.rejected++;
    over(r, false);
}

static void on_tokens(struct llm_call *call, uint32_t count, const char *text, uint32_t n)
{
    struct request *r = CONTAINER_OF(call, struct request, llm);

    if (r->first == TIME_NEVER)
        r->first = r->client->world->now;
    r->last = r->client->world->now;
    r->tokens += count;
}

static void on_llm_end(struct llm_call *call, enum serve_status status)
{
    struct request *r = CONTAINER_OF(call, struct request, llm);
    struct client_record *rec = &r->client->record;

    if (status != SERVE_OK || r->tokens == 0) {
        failed(r, status);
        return;
    }
    if (r->measured) {
        hist_record(&rec->ttft, r->first - r->planned);
        if (r->tokens > 1)
            hist_record(&rec->itl, (r->last - r->first) / (int64_t)(r->tokens - 1));
        rec->tokens += r->tokens;
        rec->prompt_tokens += call->prompt_tokens;
    }
    over(r, true);
}

static void on_audio(struct tts_call *call, const struct audio *piece)
{
    struct request *r = CONTAINER_OF(call, struct request, tts);
    struct client_record *rec = &r->client->record;
    int64_t now = r->client->world->now;

    if (r->first == TIME_NEVER)
        r->first = now;
    else if (r->measured)
        hist_record(&rec->chunk_interval, now - r->last);
    r->last = now;
    r->audio += piece->duration;
}

static void on_tts_end(struct tts_call *call, enum serve_status status)
{
    struct request *r = CONTAINER_OF(call, struct request, tts);
    struct client_record *rec = &r->client->record;

    if (status != SERVE_OK || r->first == TIME_NEVER) {
        failed(r, status);
        return;
    }
    if (r->measured) {
        hist_record(&rec->first_audio, r->first - r->planned);
        rec->audio += r->audio;
    }
    over(r, true);
}

/* The k-th response answers the k-th piece, as riva_streaming_asr_client pairs them. */
static void on_partial(struct asr_stream *s, const char *text)
{
    struct request *r = CONTAINER_OF(s, struct request, asr);

    if (r->responses >= r->pieces)
        return;
    if (r->measured && r->pieces - r->responses <= PIECES)
        hist_record(&r->client->record.chunk_interval, r->client->world->now - r->sent_at[r->responses % PIECES]);
    r->responses++;
}

static void on_final(struct asr_stream *s, const char *text)
{
    CONTAINER_OF(s, struct request, asr)->got_final = true;
    on_partial(s, text);
}

static void on_asr_end(struct asr_stream *s, enum serve_status status)
{
    struct request *r = CONTAINER_OF(s, struct request, asr);

    if (status != SERVE_OK || !r->got_final || r->ended == TIME_NEVER) {
        failed(r, status);
        return;
    }
    if (r->measured)
        r->client->record.audio += r->audio;
    over(r, true);
}

static void on_infer_end(struct infer_call *call, enum serve_status status)
{
    struct request *r = CONTAINER_OF(call, struct request, infer);

    if (status != SERVE_OK) {
        failed(r, status);
        return;
    }
    if (r->measured)
        r->client->record.items += call->items;
    over(r, true);
}

static const struct llm_events llm_events = {.tokens = on_tokens, .end = on_llm_end};
static const struct tts_events tts_events = {.audio = on_audio, .end = on_tts_end};
static const struct asr_events asr_events = {.partial = on_partial, .final = on_final, .end = on_asr_end};
static const struct infer_events infer_events = {.end = on_infer_end};

static void send_piece(struct request *r)
{
    struct client *c = r->client;
    struct asr_service *a = c->service.asr;
    int64_t left = r->audio - r->sent;
    struct audio piece = {.duration = left < c->spec.chunk ? left : c->spec.chunk};

    piece.voiced = (double)r->sent < c->spec.voiced * (double)r->audio;
    r->sent += piece.duration;
    r->sent_at[r->pieces++ % PIECES] = c->world->now;
    a->ops->audio(a, &r->asr, &piece);
    if (r->sent < r->audio)
        return;
    r->ended = c->world->now;
    a->ops->finish(a, &r->asr);
}

/* A piece of audio leaves when its last sample has been spoken. */
static void arm_piece(struct request *r)
{
    int64_t left = r->audio - r->sent, chunk = r->client->spec.chunk;

    timer_start(r->client->world, &r->next, r->planned + r->sent + (left < chunk ? left : chunk));
}

static uint32_t at_least_one(double v)
{
    return v < 1 ? 1 : (uint32_t)(v + 0.5);
}

static void submit(struct request *r, const struct arrival *arrival)
{
    struct client *c = r->client;
    const struct client_spec *s = &c->spec;
    struct rng rng;

    rng_init(&rng, c->seed, rng_mix(rng_key("client"), arrival->number));
    switch (c->service.kind) {
    case CLIENT_LLM: {
        double prompt = spread_draw(&s->prompt, &rng), output = spread_draw(&s->output, &rng);
        uint32_t tokens = arrival->context ? arrival->context : at_least_one(prompt);
        r->llm = (struct llm_call){.on = &llm_events,
                                   .prompt_tokens = tokens,
                                   .cached_tokens = (uint32_t)(tokens * s->cached),
                                   .max_tokens = arrival->generated ? arrival->generated : at_least_one(output),
                                   .script = c->script};
        c->service.llm->ops->submit(c->service.llm, &r->llm);
        break;
    }
    case CLIENT_TTS:
        r->tts = (struct tts_call){.on = &tts_events,
                                   .text = c->text,
                                   .n = at_least_one(spread_draw(&s->characters, &rng))};
        r->tts.duration = s->audio.mean > 0 ? (int64_t)(spread_draw(&s->audio, &rng) * 1e9) : 0;
        c->service.tts->ops->submit(c->service.tts, &r->tts);
        break;
    case CLIENT_ASR:
        r->asr = (struct asr_stream){.on = &asr_events};
        r->audio = (int64_t)(spread_draw(&s->audio, &rng) * 1e9);
        if (s->realtime)
            arm_piece(r);
        c->service.asr->ops->open(c->service.asr, &r->asr);
        while (!s->realtime && r->sent < r->audio)
            send_piece(r);
        break;
    case CLIENT_INFER:
        r->infer = (struct infer_call){.on = &infer_events, .items = s->items};
        c->service.infer->ops->submit(c->service.infer, &r->infer);
        break;
    }
}

static void begin(struct request *r, const struct arrival *arrival)
{
    struct client *c = r->client;
    struct client_record *rec = &c->record;
    int64_t now = c->world->now;

    count_flight(c, 1);
    r->active = true;
    r->measured = r->planned >= c->spec.measure_from &&
                  (c->spec.measure_until == 0 || r->planned < c->spec.measure_until);
    r->got_final = false;
    r->first = r->last = r->ended = TIME_NEVER;
    r->tokens = 0;
    r->audio = r->sent = 0;
    r->pieces = r->responses = 0;
    if (r->measured) {
        if (rec->started++ == 0)
            rec->first_start = rec->last_end = r->planned;
        hist_record(&rec->schedule_lag, now - r->planned);
    }
    if (c->spec.give_up > 0)
        timer_start(c->world, &r->patience, r->planned + c->spec.give_up);
    submit(r, arrival);
}

static void cancel(struct request *r)
{
    const struct client_service *s = &r->client->service;

    switch (s->kind) {
    case CLIENT_LLM:
        s->llm->ops->cancel(s->llm, &r->llm);
        break;
    case CLIENT_TTS:
        s->tts->ops->cancel(s->tts, &r->tts);
        break;
    case CLIENT_ASR:
        s->asr->ops->cancel(s->asr, &r->asr);
        break;
    case CLIENT_INFER:
        s->infer->ops->cancel(s->infer, &r->infer);
        break;
    }
}

static void on_patience(struct timer *t)
{
    struct request *r = CONTAINER_OF(t, struct request, patience);

    cancel(r);
    over(r, false);
}

/* A worker of the closed loop begins, or a piece of audio is due. */
static void on_next(struct timer *t)
{
    struct request *r = CONTAINER_OF(t, struct request, next);
    struct client *c = r->client;

    if (r->active) {
        send_piece(r); /* no event comes from inside, the request is still there */
        if (r->sent < r->audio)
            arm_piece(r);
        return;
    }
    if (c->spec.requests > 0 && c->number >= c->spec.requests)
        return;
    begin(r, &(struct arrival){.number = c->number++});
}

static struct request *add_request(struct client *c)
{
    struct request *r = xcalloc(1, sizeof *r);

    r->client = c;
    r->next.fire = on_next;
    r->patience.fire = on_patience;
    GROW(c->request, c->cap, c->count + 1);
    r->index = (uint32_t)c->count;
    c->request[c->count++] = r;
    return r;
}

/* ---- open arrivals ---- */

static void plan_arrival(struct client *c)
{
    if ((c->spec.requests > 0 && c->number >= c->spec.requests) || !arrivals_next(&c->arrivals, &c->arrival)) {
        c->trace_over = true;
        return;
    }
    c->number++;
    timer_start(c->world, &c->arrive, c->from + c->arrival.at);
}

static void refuse(struct client *c, int64_t planned)
{
    struct client_record *rec = &c->record;

    if (planned < c->spec.measure_from || (c->spec.measure_until > 0 && planned >= c->spec.measure_until))
        return;
    if (rec->started++ == 0)
        rec->first_start = rec->last_end = planned;
    rec->failed++;
}

static void on_arrival(struct timer *t)
{
    struct client *c = CONTAINER_OF(t, struct client, arrive);
    struct arrival now = c->arrival;
    unsigned limit = c->spec.max_in_flight ? c->spec.max_in_flight : MAX_IN_FLIGHT;
    struct request *r;

    plan_arrival(c);
    if (c->in_flight >= limit) {
        refuse(c, c->from + now.at);
        return;
    }
    r = c->idle_count > 0 ? c->request[c->idle[--c->idle_count]] : add_request(c);
    r->planned = c->from + now.at;
    begin(r, &now);
}

/* ---- the client ---- */

static double longest(const struct spread *s)
{
    return s->cv > 0 ? s->max : s->mean;
}

/* A TTS needs something to say: one sentence (every letter of the alphabet) over and over. */
static char *make_text(size_t n)
{
    static const char pangram[] = "The quick brown fox jumps over the lazy dog. ";
    char *text = xmalloc(n + 1);

    for (size_t i = 0; i < n; i++)
        text[i] = pangram[i % (sizeof pangram - 1)];
    text[n] = '\0';
    return text;
}

static uint32_t longest_answer(const struct client *c)
{
    const struct arrival_trace *t = c->spec.arrivals.process == ARRIVALS_TRACE ? c->spec.arrivals.trace : NULL;
    uint32_t n = at_least_one(longest(&c->spec.output));

    for (size_t i = 0; t && i < t->count; i++)
        n = t->rows[i].generated > n ? t->rows[i].generated : n;
    return n < 65536 ? n : 65536;
}

struct client *client_new(struct world *w, const struct client_service *service, const struct client_spec *spec,
                          const struct stock *stock, uint64_t seed)
{
    struct client *c = xcalloc(1, sizeof *c);

    c->world = w;
    c->service = *service;
    c->spec = *spec;
    c->seed = spec->name ? rng_mix(seed, rng_key(spec->name)) : seed;
    c->arrive.fire = on_arrival;
    if (service->kind == CLIENT_TTS)
        c->text = make_text(at_least_one(longest(&spec->characters)));
    if (service->kind == CLIENT_LLM && stock)
        c->script = stock_script(stock, longest_answer(c), rng_key("client"));
    return c;
}

void client_start(struct client *c)
{
    const struct client_spec *s = &c->spec;

    c->from = c->world->now;
    c->flight_since = s->measure_from > c->from ? s->measure_from : c->from;
    if (s->measure_from < c->from)
        c->spec.measure_from = c->from;
    if (is_open(c)) {
        arrivals_init(&c->arrivals, &s->arrivals, c->seed, rng_key("arrivals"));
        plan_arrival(c);
        return;
    }
    for (unsigned i = 0; i < s->concurrency; i++)
        start_worker(c, add_request(c), c->from + (int64_t)((double)s->spread_start * i / s->concurrency));
}

bool client_finished(const struct client *c)
{
    bool all_begun = is_open(c) ? c->trace_over : c->spec.requests > 0 && c->number >= c->spec.requests;

    return all_begun && c->in_flight == 0;
}

void client_stop(struct client *c)
{
    if (c->stopped)
        return;
    c->stopped = true;
    timer_stop(c->world, &c->arrive);
    for (size_t i = 0; i < c->count; i++) {
        struct request *r = c->request[i];
        timer_stop(c->world, &r->next);
        timer_stop(c->world, &r->patience);
        if (!r->active)
            continue;
        cancel(r);
        count_flight(c, -1);
        r->active = false;
        c->record.unfinished += r->measured;
    }
}

const struct client_record *client_record(const struct client *c)
{
    return &c->record;
}

enum client_kind client_kind(const struct client *c)
{
    return c->service.kind;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        free(c->request[i]);
    free(c->request);
    free(c->idle);
    free(c->text);
    stock_script_free(c->script);
    client_record_done(&c->record);
    free(c);
}
