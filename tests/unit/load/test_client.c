/* SPDX-License-Identifier: Apache-2.0 */
#include "load/client.h"

#include <math.h>

#include "base/mem.h"
#include "check.h"
#include "sim/virtual.h"

/*
 * A server of fixed timing for all four kinds: an LLM whose first token takes 50 ms and every further
 * one 10 ms; a TTS with first audio after 80 ms and a second of audio every 100 ms; an ASR that
 * answers each piece after 30 ms; an inference of 20 ms. It refuses beyond `limit` calls.
 */
struct fake {
    struct llm_service llm;
    struct tts_service tts;
    struct asr_service asr;
    struct infer_service infer;
    struct world *w;
    unsigned open, most, limit, cancelled;
    int64_t hang_until;
};

struct job {
    struct fake *f;
    struct timer timer;
    struct llm_call *llm;
    struct tts_call *tts;
    struct asr_stream *asr;
    struct infer_call *infer;
    uint32_t step;
    bool finishing;
};

static struct job *job_new(struct fake *f, void (*fire)(struct timer *), int64_t after)
{
    struct job *j = xcalloc(1, sizeof *j);
    int64_t at = f->w->now + after;

    j->f = f;
    j->timer.fire = fire;
    timer_start(f->w, &j->timer, at < f->hang_until ? f->hang_until : at);
    f->open++;
    f->most = f->open > f->most ? f->open : f->most;
    return j;
}

static void job_end(struct job *j)
{
    timer_stop(j->f->w, &j->timer);
    j->f->open--;
    free(j);
}

static bool refused(const struct job *j)
{
    return j->f->limit && j->f->open > j->f->limit;
}

static void llm_step(struct timer *t)
{
    struct job *j = CONTAINER_OF(t, struct job, timer);
    struct llm_call *c = j->llm;

    if (refused(j)) {
        job_end(j);
        c->on->end(c, SERVE_REJECTED);
        return;
    }
    c->on->tokens(c, 1, NULL, 0);
    if (++j->step < c->max_tokens) {
        timer_start(j->f->w, t, j->f->w->now + 10 * NS_PER_MS);
        return;
    }
    job_end(j);
    c->on->end(c, SERVE_OK);
}
static void llm_submit(struct llm_service *l, struct llm_call *c)
{
    struct job *j = job_new(CONTAINER_OF(l, struct fake, llm), llm_step, 50 * NS_PER_MS);

    j->llm = c;
    c->impl = j;
}
static void llm_cancel(struct llm_service *l, struct llm_call *c)
{
    CONTAINER_OF(l, struct fake, llm)->cancelled++;
    job_end(c->impl);
}

static void tts_step(struct timer *t)
{
    struct job *j = CONTAINER_OF(t, struct job, timer);
    struct tts_call *c = j->tts;
    struct audio piece = {.duration = NS_PER_S, .voiced = true};

    c->on->audio(c, &piece);
    if (++j->step < (uint64_t)c->duration / NS_PER_S) {
        timer_start(j->f->w, t, j->f->w->now + 100 * NS_PER_MS);
        return;
    }
    job_end(j);
    c->on->end(c, SERVE_OK);
}
static void tts_submit(struct tts_service *s, struct tts_call *c)
{
    struct job *j = job_new(CONTAINER_OF(s, struct fake, tts), tts_step, 80 * NS_PER_MS);

    CHECK_EQ(strlen(c->text) >= c->n, 1);
    j->tts = c;
    c->impl = j;
}
static void tts_cancel(struct tts_service *s, struct tts_call *c)
{
    job_end(c->impl);
}

static void asr_step(struct timer *t)
{
    struct job *j = CONTAINER_OF(t, struct job, timer);
    struct asr_stream *s = j->asr;

    if (!j->finishing) {
        if (j->step > 0)
            s->on->partial(s, NULL);
        return;
    }
    s->on->final(s, NULL);
    job_end(j);
    s->on->end(s, SERVE_OK);
}
static void asr_open(struct asr_service *a, struct asr_stream *s)
{
    struct job *j = job_new(CONTAINER_OF(a, struct fake, asr), asr_step, 0);

    j->asr = s;
    s->impl = j;
}
static void asr_audio(struct asr_service *a, struct asr_stream *s, const struct audio *piece)
{
    struct job *j = s->impl;

    j->step++;
    timer_start(j->f->w, &j->timer, j->f->w->now + 30 * NS_PER_MS);
}
static void asr_finish(struct asr_service *a, struct asr_stream *s)
{
    ((struct job *)s->impl)->finishing = true;
}
static void asr_cancel(struct asr_service *a, struct asr_stream *s)
{
    job_end(s->impl);
}

static void infer_step(struct timer *t)
{
    struct job *j = CONTAINER_OF(t, struct job, timer);
    struct infer_call *c = j->infer;

    job_end(j);
    c->on->end(c, SERVE_OK);
}
static void infer_submit(struct infer_service *i, struct infer_call *c)
{
    struct job *j = job_new(CONTAINER_OF(i, struct fake, infer), infer_step, 20 * NS_PER_MS);

    j->infer = c;
    c->impl = j;
}
static void infer_cancel(struct infer_service *i, struct infer_call *c)
{
    job_end(c->impl);
}

static const struct llm_service_ops llm_ops = {llm_submit, llm_cancel};
static const struct tts_service_ops tts_ops = {tts_submit, tts_cancel};
static const struct asr_service_ops asr_ops = {asr_open, asr_audio, asr_finish, asr_cancel};
static const struct infer_service_ops infer_ops = {infer_submit, infer_cancel};

struct rig {
    struct virtual_world *v;
    struct fake f;
    struct client *client;
};

static void rig_start(struct rig *r, enum client_kind kind, const struct client_spec *spec)
{
    struct client_service s = {.kind = kind};

    r->v = virtual_new();
    r->f.llm.ops = &llm_ops;
    r->f.tts.ops = &tts_ops;
    r->f.asr.ops = &asr_ops;
    r->f.infer.ops = &infer_ops;
    r->f.w = virtual_world(r->v);
    switch (kind) {
    case CLIENT_LLM:
        s.llm = &r->f.llm;
        break;
    case CLIENT_TTS:
        s.tts = &r->f.tts;
        break;
    case CLIENT_ASR:
        s.asr = &r->f.asr;
        break;
    case CLIENT_INFER:
        s.infer = &r->f.infer;
        break;
    }
    r->client = client_new(r->f.w, &s, spec, NULL, 1);
    client_start(r->client);
}

static const struct client_record *rig_run(struct rig *r, int64_t until)
{
    virtual_run(r->v, until);
    client_stop(r->client);
    CHECK_EQ(r->f.open, 0);
    return client_record(r->client);
}

static void rig_done(struct rig *r)
{
    const struct client_record *rec = client_record(r->client);

    CHECK_EQ(rec->started, rec->completed + rec->failed + rec->unfinished);
    client_free(r->client);
    virtual_free(r->v);
}

TEST(closed_llm_loop_of_fixed_times)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct rig r = {0};
    const struct client_record *rec;

    s.concurrency = 7;
    s.requests = 70;
    s.output.mean = 20;
    rig_start(&r, CLIENT_LLM, &s);
    rec = rig_run(&r, 100 * NS_PER_S);
    CHECK(client_finished(r.client));
    CHECK_EQ(r.f.most, 7);
    CHECK_EQ(rec->completed, 70);
    CHECK_EQ(hist_mean(&rec->ttft), 50 * NS_PER_MS);
    CHECK_EQ(hist_mean(&rec->itl), 10 * NS_PER_MS);
    CHECK_EQ(hist_mean(&rec->total), 240 * NS_PER_MS);
    CHECK_NEAR(client_request_rate(rec), 7 / 0.24, 1e-6);
    CHECK_NEAR(client_token_rate(rec), 140 / 0.24, 1e-6);
    CHECK_EQ(rec->prompt_tokens, 70 * 200);
    rig_done(&r);
}

TEST(only_requests_of_the_measured_window_count)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct rig r = {0};
    const struct client_record *rec;

    s.concurrency = 4;
    s.output.mean = 6; /* 100 ms */
    s.spread_start = 100 * NS_PER_MS;
    s.measure_from = 10 * NS_PER_S;
    s.measure_until = 20 * NS_PER_S;
    rig_start(&r, CLIENT_LLM, &s);
    rec = rig_run(&r, 30 * NS_PER_S);
    CHECK(!client_finished(r.client));
    CHECK_EQ(rec->completed, 400);
    CHECK_EQ(rec->unfinished, 0);
    CHECK_NEAR(client_request_rate(rec), 40, 0.5);
    CHECK_NEAR(rec->in_flight, 4, 1e-6);
    rig_done(&r);
}

TEST(open_arrivals_keep_their_planned_times_through_a_hang)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct rig r = {0};
    const struct client_record *rec;

    s.concurrency = 0;
    s.requests = 1000;
    s.output.mean = 1;
    s.arrivals = (struct arrivals_spec){.process = ARRIVALS_CONSTANT, .rate = 100};
    r.f.hang_until = 2 * NS_PER_S; /* nothing is answered for the first 2 s */
    rig_start(&r, CLIENT_LLM, &s);
    rec = rig_run(&r, 100 * NS_PER_S);
    CHECK(client_finished(r.client));
    CHECK_EQ(rec->completed, 1000);
    CHECK_EQ(hist_mean(&rec->schedule_lag), 0);
    CHECK_NEAR((double)rec->ttft.max, 1.995e9, 0.01e9);
    /* 195 requests wait, from 1.995 s down to 50 ms; the rest 50 ms: the 100th largest waits one second. */
    CHECK_NEAR((double)hist_quantile(&rec->ttft, 0.90), 1e9, 0.02e9);
    rig_done(&r);
}

TEST(a_trace_says_how_many_tokens)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct arrival rows[] = {{.at = 0, .context = 1000, .generated = 3},
                             {.at = NS_PER_S, .context = 500, .generated = 7}};
    struct arrival_trace t = {.rows = rows, .count = 2};
    struct rig r = {0};
    const struct client_record *rec;

    s.concurrency = 0;
    s.arrivals = (struct arrivals_spec){.process = ARRIVALS_TRACE, .trace = &t};
    rig_start(&r, CLIENT_LLM, &s);
    rec = rig_run(&r, 10 * NS_PER_S);
    CHECK(client_finished(r.client));
    CHECK_EQ(rec->tokens, 10);
    CHECK_EQ(rec->prompt_tokens, 1500);
    rig_done(&r);
}

TEST(refusals_and_timeouts_are_failures)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct rig r = {.f.limit = 3};
    const struct client_record *rec;

    s.concurrency = 5;
    s.requests = 50;
    rig_start(&r, CLIENT_LLM, &s);
    rec = rig_run(&r, 1000 * NS_PER_S);
    CHECK_LT(0, rec->rejected);
    CHECK_EQ(rec->rejected, rec->failed);
    CHECK_EQ(rec->completed + rec->failed, 50);
    rig_done(&r);

    r = (struct rig){0};
    s.give_up = 500 * NS_PER_MS;
    s.output.mean = 100; /* 1040 ms */
    rig_start(&r, CLIENT_LLM, &s);
    rec = rig_run(&r, 1000 * NS_PER_S);
    CHECK_EQ(rec->failed, 50);
    CHECK_EQ(r.f.cancelled, 50);
    rig_done(&r);

    r = (struct rig){0};
    s = CLIENT_DEFAULT;
    s.concurrency = 0;
    s.requests = 100;
    s.max_in_flight = 5;
    s.output.mean = 96; /* 1 s: at 10/s ten would be in flight */
    s.arrivals = (struct arrivals_spec){.process = ARRIVALS_CONSTANT, .rate = 10};
    rig_start(&r, CLIENT_LLM, &s);
    rec = rig_run(&r, 1000 * NS_PER_S);
    CHECK_EQ(r.f.most, 5);
    CHECK_NEAR((double)rec->failed, 50, 5);
    rig_done(&r);
}

TEST(tts_first_audio_cadence_and_rtfx)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct rig r = {0};
    const struct client_record *rec;

    s.concurrency = 2;
    s.requests = 20;
    s.audio.mean = 5;
    rig_start(&r, CLIENT_TTS, &s);
    rec = rig_run(&r, 100 * NS_PER_S);
    CHECK_EQ(rec->completed, 20);
    CHECK_EQ(hist_mean(&rec->first_audio), 80 * NS_PER_MS);
    CHECK_EQ(hist_mean(&rec->chunk_interval), 100 * NS_PER_MS);
    CHECK_EQ(hist_mean(&rec->total), 480 * NS_PER_MS);
    CHECK_NEAR(client_rtfx(rec), 2 * 5 / 0.48, 1e-6);
    rig_done(&r);
}

TEST(asr_is_paced_and_pairs_pieces_with_responses)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct rig r = {0};
    const struct client_record *rec;

    s.concurrency = 3;
    s.requests = 9;
    s.audio.mean = 5; /* 31 pieces of 160 ms and one of 40 */
    rig_start(&r, CLIENT_ASR, &s);
    rec = rig_run(&r, 100 * NS_PER_S);
    CHECK_EQ(rec->completed, 9);
    CHECK_EQ(hist_mean(&rec->total), 30 * NS_PER_MS);
    CHECK_EQ(rec->chunk_interval.count, 9 * 32);
    CHECK_EQ(hist_mean(&rec->chunk_interval), 30 * NS_PER_MS);
    CHECK_NEAR(client_rtfx(rec), 3 * 5 / 5.03, 1e-6);
    rig_done(&r);

    r = (struct rig){0};
    s.realtime = false;
    rig_start(&r, CLIENT_ASR, &s);
    rec = rig_run(&r, 100 * NS_PER_S);
    CHECK_EQ(rec->completed, 9);
    CHECK_NEAR(client_rtfx(rec), 3 * 5 / 0.03, 1e-6);
    rig_done(&r);
}

TEST(inference_with_think_time_and_merged_records)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct client_record sum = {0};

    s.concurrency = 2;
    s.think = 80 * NS_PER_MS;
    s.items = 8;
    s.requests = 20;
    for (int k = 0; k < 2; k++) {
        struct rig r = {0};
        const struct client_record *rec;
        rig_start(&r, CLIENT_INFER, &s);
        rec = rig_run(&r, 100 * NS_PER_S);
        CHECK_NEAR(client_request_rate(rec), 20 / (0.1 * 9 + 0.02), 1e-6);
        client_record_merge(&sum, rec);
        rig_done(&r);
    }
    CHECK_EQ(sum.completed, 40);
    CHECK_EQ(sum.items, 320);
    CHECK_EQ(sum.total.count, 40);
    client_record_done(&sum);
}

PROPERTY(any_closed_loop_accounts_for_every_request, 200)
{
    struct client_spec s = CLIENT_DEFAULT;
    struct rig r = {0};
    enum client_kind kind = (enum client_kind)gen_range(g, CLIENT_LLM, CLIENT_INFER);
    const struct client_record *rec;

    s.concurrency = 1 + (unsigned)gen_size(g, 20);
    s.requests = gen_bool(g) ? 1 + gen_size(g, 100) : 0;
    s.think = gen_range(g, 0, NS_PER_S);
    s.spread_start = gen_range(g, 0, NS_PER_S);
    s.give_up = gen_bool(g) ? gen_range(g, 1, 3 * NS_PER_S) : 0;
    s.output = (struct spread){.mean = 30, .cv = 1, .min = 1, .max = 300};
    s.audio = (struct spread){.mean = 3, .cv = 1, .min = 1, .max = 20};
    s.measure_from = gen_range(g, 0, 5 * NS_PER_S);
    r.f.limit = gen_bool(g) ? 1 + (unsigned)gen_size(g, 10) : 0;
    rig_start(&r, kind, &s);
    rec = rig_run(&r, gen_range(g, 0, 60 * NS_PER_S));
    CHECK_LE(r.f.most, s.concurrency);
    CHECK_LE(rec->in_flight, s.concurrency);
    CHECK_EQ(virtual_run(r.v, TIME_NEVER), 0);
    rig_done(&r);
}
