/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The playback clock: what a listener hears of audio that arrives in pieces. Arithmetic at every
 * arrival, no timer.
 *
 * Playing begins `jitter` ns after the first piece. A piece that comes when all before it has been
 * played is an underrun: the silence from then until now was a stall, and playing goes on at once,
 * without buffering anew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/world.h"

struct playback {
    int64_t jitter;     /* ns of buffering before the first sample */
    int64_t begin;      /* the first sample sounds; TIME_NEVER: nothing received */
    int64_t end;        /* all received so far has sounded; TIME_NEVER likewise */
    int64_t received;   /* ns of audio */
    int64_t stalled;    /* ns of silence in between */
    uint32_t underruns;
};

static inline void playback_init(struct playback *p, int64_t jitter)
{
    *p = (struct playback){.jitter = jitter, .begin = TIME_NEVER, .end = TIME_NEVER};
}

/* `duration` ns of audio arrive at `now`; arrivals come in the order of time. */
void playback_add(struct playback *p, int64_t now, int64_t duration);

/* ns of audio received that have not sounded, and that have; together all received. */
int64_t playback_left(const struct playback *p, int64_t now);
int64_t playback_played(const struct playback *p, int64_t now);
