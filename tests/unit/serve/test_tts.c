/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/tts.h"

#include "rig.h"

/* Chunks of 200 ms of audio every 10 ms + 1 ms a stream, the first after two steps. */
static struct profile profile_slots(double slots)
{
    struct profile p = plain_profile(PROFILE_TTS, 1 << 30);

    p.tts.slots = slots;
    p.tts.step_audio = 200e6;
    p.tts.first_steps = 2;
    p.tts.host = 10e6;
    p.tts.compute = 1e6;
    p.tts.chars_second = 10;
    return p;
}

static const char *check_tts(const void *t)
{
    return tts_server_check(t);
}

struct client {
    struct tts_call call;
    struct world *w;
    int64_t asked, first, last, audio;
    unsigned pieces;
    int ends;
    enum serve_status status;
    struct client *cancel_at_first;
    struct tts_service *service;
};

static void on_audio(struct tts_call *call, const struct audio *piece)
{
    struct client *c = CONTAINER_OF(call, struct client, call);

    CHECK_EQ(c->ends, 0);
    CHECK_LT(0, piece->duration);
    if (c->pieces++ == 0)
        c->first = c->w->now;
    c->last = c->w->now;
    c->audio += piece->duration;
    if (c->pieces == 1 && c->cancel_at_first && c->cancel_at_first->ends == 0) {
        c->service->ops->cancel(c->service, &c->cancel_at_first->call);
        c->cancel_at_first->ends = -1;
    }
}

static void on_end(struct tts_call *call, enum serve_status status)
{
    struct client *c = CONTAINER_OF(call, struct client, call);

    CHECK_EQ(c->ends, 0);
    c->ends = 1;
    c->status = status;
}

static const struct tts_events events = {.audio = on_audio, .end = on_end};

static void ask(struct client *c, struct rig *r, struct tts_server *t, uint32_t chars, int64_t duration)
{
    c->call = (struct tts_call){.on = &events, .n = chars, .duration = duration};
    c->w = r->w;
    c->asked = r->w->now;
    c->service = tts_server_service(t);
    c->service->ops->submit(c->service, &c->call);
    CHECK_EQ(c->ends, 0);
}

static struct tts_server *serve(struct rig *r, const struct profile *p)
{
    struct err err = {0};
    struct tts_server *t = tts_server_new(r->w, "tts", p, &r->place, &err);

    CHECK_STR(err.msg, "");
    return t;
}

TEST(first_audio_and_chunks_come_at_the_pace_of_the_steps)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_slots(4);
    struct tts_server *t = serve(&r, &p);
    struct client c = {0};

    ask(&c, &r, t, 10, 0); /* 1 s of audio: 5 steps of 11 ms, chunks after 2, 3, 4, 5 */
    rig_run(&r, check_tts, t, NS_PER_S);
    CHECK_EQ(c.ends, 1);
    CHECK_EQ(c.pieces, 4);
    CHECK_EQ(c.audio, NS_PER_S);
    CHECK_EQ(c.first, 22 * NS_PER_MS);
    CHECK_EQ(c.last, 55 * NS_PER_MS);
    tts_server_free(t);
    rig_free(&r);
}

TEST(streams_share_steps_up_to_the_slots_then_wait_in_order)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_slots(2);
    struct tts_server *t = serve(&r, &p);
    struct client c[4] = {0};
    struct tts_stats s;

    for (int i = 0; i < 4; i++)
        ask(&c[i], &r, t, 10, 0);
    rig_run(&r, check_tts, t, NS_PER_S);
    tts_server_stats(t, &s);
    CHECK_EQ(s.active_peak, 2);
    CHECK_EQ(s.waiting_peak, 3);
    CHECK_EQ(s.done, 4);
    CHECK_EQ(c[0].last, (11 + 4 * 12) * NS_PER_MS); /* the second stream joins at the second step */
    for (int i = 1; i < 4; i++)
        CHECK_LE(c[i - 1].first, c[i].first);
    tts_server_free(t);
    rig_free(&r);
}

TEST(a_full_queue_refuses_and_nothing_is_said_at_once)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_slots(1);
    struct tts_server *t;
    struct client c[4] = {0}, empty = {0};

    p.tts.queue = 1;
    t = serve(&r, &p);
    for (int i = 0; i < 4; i++)
        ask(&c[i], &r, t, 10, 0);
    ask(&empty, &r, t, 0, 0);
    rig_run(&r, check_tts, t, NS_PER_S);
    CHECK_EQ(c[0].status, SERVE_OK);
    CHECK_EQ(c[1].status, SERVE_OK);
    CHECK_EQ(c[2].status, SERVE_REJECTED);
    CHECK_EQ(c[3].status, SERVE_REJECTED);
    CHECK_EQ(empty.ends, 1);
    CHECK_EQ(empty.pieces, 0);
    tts_server_free(t);
    rig_free(&r);
}

TEST(a_prefill_makes_the_step_longer_for_all)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_slots(8);
    struct tts_server *t;
    struct client a = {0}, b = {0};

    p.tts.join_char = 1e6;
    t = serve(&r, &p);
    ask(&a, &r, t, 10, 0); /* 5 steps of 11 ms, the first 10 ms longer */
    rig_run(&r, check_tts, t, 5 * NS_PER_MS);
    ask(&b, &r, t, 20, 0);
    rig_run(&r, check_tts, t, NS_PER_S);
    CHECK_EQ(a.first, (21 + 32) * NS_PER_MS); /* b joins at its second step: 12 + 20 ms */
    CHECK_EQ(b.first, (21 + 32 + 12) * NS_PER_MS);
    tts_server_free(t);
    rig_free(&r);
}

TEST(prefill_of_its_own_takes_turns_with_the_chunks)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_slots(8);
    struct tts_server *t;
    struct client c[3] = {0};

    p.tts.prefill_steps = 3;
    p.tts.join_most = 1;
    t = serve(&r, &p);
    for (int i = 0; i < 3; i++)
        ask(&c[i], &r, t, 10, 0);
    rig_run(&r, check_tts, t, NS_PER_S);
    CHECK_NEAR((double)c[0].first, (3 * 10 + 2 * 11) * 1e6, 10); /* prefill, then two steps beside the next one's */
    /* The second one's prefill began when the first one's had ended. */
    CHECK_NEAR((double)c[1].first, (3 * 10 + 3 * 11 + 2 * 12) * 1e6, 10);
    CHECK_LT(c[1].first, c[2].first);
    tts_server_free(t);
    rig_free(&r);
}

PROPERTY(any_load_keeps_the_invariants, 400)
{
    struct rig r = rig_new(INT64_C(8) << 30);
    struct profile p = profile_slots((double)gen_range(g, 1, 8));
    size_t n = gen_size(g, 60);
    struct client *c = xcalloc(n + 1, sizeof *c);
    struct tts_server *t;
    struct tts_service *service;
    struct tts_stats s;

    p.tts.step_audio = (double)gen_range(g, 10, 500) * 1e6;
    p.tts.first_steps = (double)gen_range(g, 1, 10);
    p.tts.chunk_steps = (double)gen_range(g, 1, 10);
    p.tts.queue = (double)gen_range(g, 0, 40);
    p.tts.front = gen_real(g, 0, 5e6);
    p.tts.join_most = (double)gen_range(g, 1, 4);
    p.tts.prefill_steps = (double)gen_range(g, 0, 3);
    t = serve(&r, &p);
    service = tts_server_service(t);
    for (size_t i = 0; i < n; i++) {
        ask(&c[i], &r, t, (uint32_t)gen_range(g, 0, 80), gen_bool(g) ? gen_range(g, 0, 5 * NS_PER_S) : 0);
        if (i > 0 && rng_below(&g->rng, 5) == 0)
            c[i].cancel_at_first = &c[rng_below(&g->rng, i)];
        if (gen_bool(g))
            rig_run(&r, check_tts, t, r.w->now + gen_range(g, 0, 100 * NS_PER_MS));
        if (rng_below(&g->rng, 4) == 0) {
            struct client *victim = &c[rng_below(&g->rng, i + 1)];
            if (victim->ends == 0) {
                service->ops->cancel(service, &victim->call);
                victim->ends = -1;
                CHECK_STR(tts_server_check(t) ? tts_server_check(t) : "", "");
            }
        }
    }
    rig_run(&r, check_tts, t, r.w->now + 1000 * NS_PER_S);
    tts_server_stats(t, &s);
    for (size_t i = 0; i < n; i++) {
        CHECK_NE(c[i].ends, 0);
        if (c[i].ends == 1 && c[i].status == SERVE_OK && c[i].call.duration > 0)
            CHECK_EQ(c[i].audio, c[i].call.duration);
    }
    CHECK_EQ(s.active + s.waiting + s.arriving, 0);
    tts_server_free(t);
    rig_free(&r);
    free(c);
}
