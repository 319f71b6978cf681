/* SPDX-License-Identifier: Apache-2.0 */
#include "load/client_record.h"

#include <math.h>

#include "base/mem.h"

void client_record_done(struct client_record *r)
{
    hist_done(&r->total);
    hist_done(&r->ttft);
    hist_done(&r->itl);
    hist_done(&r->first_audio);
    hist_done(&r->chunk_interval);
    hist_done(&r->schedule_lag);
}

void client_record_merge(struct client_record *into, const struct client_record *from)
{
    bool first = into->started == 0;
    double a = client_duration_s(into), b = client_duration_s(from);

    into->in_flight = a + b > 0 ? (into->in_flight * a + from->in_flight * b) / (a + b) : 0;
    if (first || (from->started > 0 && from->first_start < into->first_start))
        into->first_start = from->first_start;
    if (first || from->last_end > into->last_end)
        into->last_end = from->last_end;
    into->started += from->started;
    into->completed += from->completed;
    into->failed += from->failed;
    into->unfinished += from->unfinished;
    into->rejected += from->rejected;
    into->tokens += from->tokens;
    into->prompt_tokens += from->prompt_tokens;
    into->items += from->items;
    into->audio += from->audio;
    for (size_t i = 0; i < ARRAY_LEN(into->eighth_n); i++) {
        into->eighth_s[i] += from->eighth_s[i];
        into->eighth_n[i] += from->eighth_n[i];
    }
    hist_merge(&into->total, &from->total);
    hist_merge(&into->ttft, &from->ttft);
    hist_merge(&into->itl, &from->itl);
    hist_merge(&into->first_audio, &from->first_audio);
    hist_merge(&into->chunk_interval, &from->chunk_interval);
    hist_merge(&into->schedule_lag, &from->schedule_lag);
}

double client_duration_s(const struct client_record *r)
{
    return (double)(r->last_end - r->first_start) / 1e9;
}

static double per_second(const struct client_record *r, double n)
{
    double s = client_duration_s(r);

    return s > 0 ? n / s : NAN;
}

double client_request_rate(const struct client_record *r)
{
    return per_second(r, (double)r->completed);
}

double client_token_rate(const struct client_record *r)
{
    return per_second(r, (double)r->tokens);
}

double client_rtfx(const struct client_record *r)
{
    return per_second(r, (double)r->audio / 1e9);
}
