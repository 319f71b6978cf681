/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/playback.h"

#include "check.h"

TEST(playing_begins_after_the_jitter_buffer)
{
    struct playback p;

    playback_init(&p, 60);
    CHECK_EQ(p.begin, TIME_NEVER);
    CHECK_EQ(playback_left(&p, 1000), 0);
    playback_add(&p, 1000, 200);
    CHECK_EQ(p.begin, 1060);
    CHECK_EQ(p.end, 1260);
    CHECK_EQ(playback_left(&p, 1030), 200);
    CHECK_EQ(playback_left(&p, 1160), 100);
    CHECK_EQ(playback_played(&p, 1160), 100);
    CHECK_EQ(playback_left(&p, 2000), 0);
}

TEST(a_late_piece_is_an_underrun_and_stalls_until_it_comes)
{
    struct playback p;

    playback_init(&p, 0);
    playback_add(&p, 0, 100);
    playback_add(&p, 100, 100); /* just in time */
    CHECK_EQ(p.underruns, 0);
    playback_add(&p, 250, 100);
    CHECK_EQ(p.underruns, 1);
    CHECK_EQ(p.stalled, 50);
    CHECK_EQ(p.end, 350);
    playback_add(&p, 260, 100);
    CHECK_EQ(p.end, 450);
    CHECK_EQ(p.received, 400);
}

/* Against a listener that goes through time tick by tick. */
PROPERTY(arithmetic_agrees_with_playing_tick_by_tick, 2000)
{
    struct playback p;
    int64_t jitter = gen_range(g, 0, 20), now = gen_range(g, 0, 20), arrive[40], length[40],
            heard = 0, stalled = 0, wait = -1, have = 0;
    size_t n = 1 + gen_size(g, 39), next = 0;

    playback_init(&p, jitter);
    for (size_t i = 0; i < n; i++) {
        arrive[i] = now;
        length[i] = gen_range(g, 1, 30);
        now += gen_range(g, 0, 40);
    }
    for (int64_t t = 0; next < n || have > 0;
         t++) { /* during tick t: what has arrived by t sounds */
        while (next < n && arrive[next] == t) {
            if (wait < 0)
                wait = jitter;
            playback_add(&p, t, length[next]);
            have += length[next++];
        }
        CHECK_EQ(playback_left(&p, t), have);
        CHECK_EQ(playback_played(&p, t), heard);
        if (wait != 0) {
            wait -= wait > 0;
        } else if (have > 0) {
            have--;
            heard++;
        } else {
            stalled++;
        }
        if (next == n && have == 0)
            CHECK_EQ(p.end, t + 1);
    }
    CHECK_EQ(p.stalled, stalled);
    CHECK_EQ(heard, p.received);
}
