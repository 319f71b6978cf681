/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/asr.h"

#include "rig.h"

/* Chunks of 160 ms; a step takes 12 ms and 1 ms a chunk. */
static struct profile profile_160(double streams)
{
    struct profile p = plain_profile(PROFILE_ASR, 1 << 30);

    p.asr.chunk = 160e6;
    p.asr.max_streams = streams;
    p.asr.launch = 12e6;
    p.asr.floor = 6e6;
    p.asr.host_item = 1e6;
    p.asr.final = 5e6;
    p.asr.offline_host = 20e6;
    p.asr.offline_launch = 12e6;
    p.asr.offline_front = 30e6;
    return p;
}

static const char *check_asr(const void *a)
{
    return asr_server_check(a);
}

struct client {
    struct asr_stream stream;
    struct world *w;
    struct asr_service *service;
    int64_t final_at;
    unsigned partials, finals;
    int ends;
    bool finish_in_final, cancel_in_final;
    enum serve_status status;
};

static void on_partial(struct asr_stream *s, const char *text)
{
    struct client *c = CONTAINER_OF(s, struct client, stream);

    CHECK_EQ(c->ends, 0);
    c->partials++;
}

static void on_final(struct asr_stream *s, const char *text)
{
    struct client *c = CONTAINER_OF(s, struct client, stream);

    CHECK_EQ(c->ends, 0);
    c->finals++;
    c->final_at = c->w->now;
    if (c->cancel_in_final) {
        c->ends = -1;
        c->service->ops->cancel(c->service, s);
    } else if (c->finish_in_final) {
        c->service->ops->finish(c->service, s);
    }
}

static void on_end(struct asr_stream *s, enum serve_status status)
{
    struct client *c = CONTAINER_OF(s, struct client, stream);

    CHECK_EQ(c->ends, 0);
    c->ends = 1;
    c->status = status;
}

static const struct asr_events events = {.partial = on_partial, .final = on_final, .end = on_end};

static void open_client(struct client *c, struct rig *r, struct asr_server *a, int64_t endpoint, bool offline)
{
    c->stream = (struct asr_stream){.on = &events, .server_endpoint = endpoint, .offline = offline, .truth = "hi"};
    c->w = r->w;
    c->service = asr_server_service(a);
    c->service->ops->open(c->service, &c->stream);
    CHECK_EQ(c->ends, 0);
}

static void send(struct client *c, int64_t duration, bool voiced)
{
    struct audio piece = {.duration = duration, .voiced = voiced};

    if (c->ends == 0)
        c->service->ops->audio(c->service, &c->stream, &piece);
}

static struct asr_server *serve(struct rig *r, const struct profile *p)
{
    struct err err = {0};
    struct asr_server *a = asr_server_new(r->w, "asr", p, &r->place, &err);

    CHECK_STR(err.msg, "");
    return a;
}

TEST(the_server_ends_the_utterance_after_its_silence)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_160(4);
    struct asr_server *a = serve(&r, &p);
    struct client c = {0};

    open_client(&c, &r, a, 320 * NS_PER_MS, false);
    for (int i = 0; i < 30; i++) { /* 960 ms of speech, then silence, in 80 ms pieces */
        send(&c, 80 * NS_PER_MS, i < 12);
        rig_run(&r, check_asr, a, r.w->now + 80 * NS_PER_MS);
    }
    CHECK_EQ(c.finals, 1);
    /* The chunk that ends at 1280 ms holds the 320th ms of silence. Its last piece is sent at 1200 ms; + 13 + 5 ms. */
    CHECK_EQ(c.final_at, (1200 + 13 + 5) * NS_PER_MS);
    CHECK_EQ(c.ends, 0);
    c.service->ops->finish(c.service, &c.stream);
    rig_run(&r, check_asr, a, r.w->now + NS_PER_S);
    CHECK_EQ(c.ends, 1);
    CHECK_EQ(c.finals, 1); /* silence makes no second one */
    CHECK_EQ(c.partials, 14); /* of 15 chunks one ended the utterance, and the last is silence before the end */
    asr_server_free(a);
    rig_free(&r);
}

TEST(finish_decodes_the_tail)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_160(4);
    struct asr_server *a = serve(&r, &p);
    struct client c = {0};
    struct asr_stats s;

    open_client(&c, &r, a, 0, false);
    send(&c, 500 * NS_PER_MS, true); /* faster than real time: 3 chunks and a tail of 20 ms, one per step */
    c.service->ops->finish(c.service, &c.stream);
    rig_run(&r, check_asr, a, NS_PER_S);
    CHECK_EQ(c.ends, 1);
    CHECK_EQ(c.finals, 1);
    CHECK_EQ(c.final_at, (4 * 13 + 5) * NS_PER_MS);
    asr_server_stats(a, &s);
    CHECK_EQ(s.steps, 4);
    CHECK_NEAR(s.audio, 500e6, 0);
    asr_server_free(a);
    rig_free(&r);
}

TEST(streams_share_steps_and_the_limit_refuses)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_160(32);
    struct asr_server *a = serve(&r, &p);
    struct client c[40] = {0};
    struct asr_stats s;

    for (int i = 0; i < 40; i++) {
        open_client(&c[i], &r, a, 0, false);
        send(&c[i], 160 * NS_PER_MS, true);
        if (c[i].ends == 0)
            c[i].service->ops->finish(c[i].service, &c[i].stream);
    }
    rig_run(&r, check_asr, a, NS_PER_S);
    asr_server_stats(a, &s);
    CHECK_EQ(s.rejected, 8);
    CHECK_EQ(s.done, 32);
    CHECK_EQ(s.steps, 2); /* the first one alone, the others in one step */
    CHECK_EQ(c[39].status, SERVE_REJECTED);
    asr_server_free(a);
    rig_free(&r);
}

TEST(whole_audio_requests_are_bound_by_the_process)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_160(32);
    struct asr_server *a = serve(&r, &p);
    struct client c[10] = {0};

    for (int i = 0; i < 10; i++) {
        open_client(&c[i], &r, a, 0, true);
        send(&c[i], 8 * NS_PER_S, true);
        c[i].service->ops->finish(c[i].service, &c[i].stream);
    }
    rig_run(&r, check_asr, a, 10 * NS_PER_S);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(c[i].finals, 1);
        CHECK_EQ(c[i].final_at, (30 + 32 * (i + 1) + 5) * NS_PER_MS); /* one after the other: 20 + 12 ms */
    }
    asr_server_free(a);
    rig_free(&r);
}

PROPERTY(any_load_keeps_the_invariants, 400)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_160((double)gen_range(g, 1, 20));
    size_t n = gen_size(g, 30);
    struct client *c = xcalloc(n + 1, sizeof *c);
    struct asr_server *a;
    struct asr_stats s;

    p.asr.front = gen_real(g, 0, 5e6);
    p.asr.max_batch = (double)gen_range(g, 1, 10);
    p.asr.offline_batch = (double)gen_range(g, 1, 4);
    p.asr.offline_queue = (double)gen_range(g, 0, 4);
    p.asr.final = gen_real(g, 0, 30e6);
    a = serve(&r, &p);
    for (size_t i = 0; i < n; i++) {
        c[i].finish_in_final = rng_below(&g->rng, 3) == 0;
        c[i].cancel_in_final = rng_below(&g->rng, 6) == 0;
        open_client(&c[i], &r, a, gen_bool(g) ? gen_range(g, 0, NS_PER_S) : 0, rng_below(&g->rng, 4) == 0);
        if (c[i].stream.offline)
            send(&c[i], gen_range(g, 0, 9 * NS_PER_S), true);
        for (size_t k = gen_size(g, 30); k > 0; k--) {
            struct client *some = &c[rng_below(&g->rng, i + 1)];
            send(some, gen_range(g, 0, 300 * NS_PER_MS), gen_bool(g));
            if (gen_bool(g))
                rig_run(&r, check_asr, a, r.w->now + gen_range(g, 0, 100 * NS_PER_MS));
            if (rng_below(&g->rng, 10) == 0 && some->ends == 0)
                some->service->ops->finish(some->service, &some->stream);
            if (rng_below(&g->rng, 20) == 0 && some->ends == 0) {
                some->ends = -1;
                some->service->ops->cancel(some->service, &some->stream);
            }
        }
    }
    for (size_t i = 0; i < n; i++)
        if (c[i].ends == 0)
            c[i].service->ops->finish(c[i].service, &c[i].stream);
    rig_run(&r, check_asr, a, r.w->now + 1000 * NS_PER_S);
    asr_server_stats(a, &s);
    for (size_t i = 0; i < n; i++) {
        CHECK_NE(c[i].ends, 0);
        if (c[i].ends == 1 && c[i].status == SERVE_OK)
            CHECK_LE(1, c[i].finals);
    }
    CHECK_EQ(s.streams + s.waiting, 0);
    asr_server_free(a);
    rig_free(&r);
    free(c);
}
