/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/playback.h"

void playback_add(struct playback *p, int64_t now, int64_t duration)
{
    p->received += duration;
    if (p->end == TIME_NEVER) {
        p->begin = p->end = now + p->jitter;
    } else if (now > p->end) {
        p->underruns++;
        p->stalled += now - p->end;
        p->end = now;
    }
    p->end += duration;
}

/* During the jitter buffer more time than audio is left. */
int64_t playback_left(const struct playback *p, int64_t now)
{
    int64_t left = p->end == TIME_NEVER || now >= p->end ? 0 : p->end - now;

    return left < p->received ? left : p->received;
}

int64_t playback_played(const struct playback *p, int64_t now)
{
    return p->received - playback_left(p, now);
}
