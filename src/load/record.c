/* SPDX-License-Identifier: Apache-2.0 */
#include "load/record.h"

#include <assert.h>
#include <math.h>

#include "base/mem.h"
#include "base/world.h"

static const char *const stamp_keys[] = {
#define X(name, key) key,
    TURN_STAMPS(X)
#undef X
};
static const char *const part_texts[] = {
#define X(name, text) text,
    TURN_PARTS(X)
#undef X
};

const char *turn_stamp_key(enum turn_stamp s)
{
    return stamp_keys[s];
}

const char *turn_part_text(enum turn_part p)
{
    return part_texts[p];
}

enum { CUT_MAX = RECORDER_EIGHTHS / 2, SETS = CUT_MAX + 1 }; /* MSER-5 cuts at most the first half */

/* The latencies of the turns planned in one eighth of the hold phase; the last set holds the second half. */
struct stage_set {
    struct hist stage[STAGE_COUNT];
    double parts[PART_COUNT]; /* ns */
    double unexplained;       /* ns, absolute values */
    uint64_t audible;
};

/* The last turn of a voice-to-voice bucket, for the waterfalls. */
struct example {
    int64_t part[PART_COUNT];
    int8_t eighth; /* of its planned time, -1: no example */
};

/* Little's law: the activities (turns, thinking) that ended in the hold phase, and what overlaps its ends. */
struct little {
    double turn_s, think_s;
    double ends_s; /* in the hold phase of activities that end after it, less what ended ones spent before it */
    uint64_t turns;
    double present_s; /* integral of users present over the hold phase */
    int64_t present, since;
};

struct recorder {
    struct recorder_spec spec;
    struct turn_counts counts;
    struct hist lag;
    struct stage_set set[SETS];
    struct stage_set window; /* the sets behind the cut, once closed */
    struct example *example[HIST_BLOCKS]; /* owned, by bucket of voice-to-voice */
    uint32_t *completed;     /* owned, by bin */
    double turn_s[RECORDER_EIGHTHS]; /* of completed turns, by the eighth they were planned in */
    uint64_t turns[RECORDER_EIGHTHS], ended[RECORDER_EIGHTHS];
    size_t bins;
    int64_t width;  /* of a bin */
    int64_t eighth; /* of the hold phase as planned */
    struct little little;
    int cut; /* eighths */
    bool closed, steady;
};

void turn_record_init(struct turn_record *t, uint32_t user, uint32_t number, int64_t planned)
{
    *t = (struct turn_record){.user = user, .number = number, .outcome = TURN_COMPLETED};
    for (int i = 0; i < STAMP_COUNT; i++)
        t->stamp[i] = TIME_NEVER;
    t->stamp[STAMP_PLANNED] = planned;
}

bool turn_parts(const struct turn_record *t, int64_t ret_ns[PART_COUNT])
{
    static const struct {
        enum turn_part part;
        enum turn_stamp until;
    } steps[] = {
        {PART_ENDPOINTING, STAMP_ENDPOINT}, {PART_ASR, STAMP_ASR_FINAL},           {PART_GATEWAY, STAMP_LLM_REQUEST},
        {PART_LLM, STAMP_LLM_FIRST_TOKEN},  {PART_SENTENCE, STAMP_FIRST_SENTENCE}, {PART_GATEWAY, STAMP_TTS_REQUEST},
        {PART_TTS, STAMP_TTS_FIRST_AUDIO},  {PART_GATEWAY, STAMP_FIRST_AUDIO},     {PART_PLAYBACK, STAMP_AUDIBLE},
    };
    const int64_t *stamp = t->stamp;
    int64_t at = stamp[STAMP_SPEECH_END], total, sum = 0;
    size_t first = 0;

    for (int i = 0; i < PART_COUNT; i++)
        ret_ns[i] = 0;
    if (at == TIME_NEVER || stamp[STAMP_AUDIBLE] == TIME_NEVER)
        return false;
    total = stamp[STAMP_AUDIBLE] - at;
    /* A pipeline that is told the end of speech has no endpoint of its own, one without an ASR no transcript. */
    while (first < 2 && stamp[steps[first].until] == TIME_NEVER)
        first++;
    /* A step with a missing stamp, or one before the step it follows, is left to "unexplained". */
    for (size_t i = first; i < ARRAY_LEN(steps); i++) {
        int64_t end = stamp[steps[i].until], from = i == first ? at : stamp[steps[i - 1].until];
        if (end == TIME_NEVER || from == TIME_NEVER || end < from)
            continue;
        ret_ns[steps[i].part] += end - from;
        sum += end - from;
    }
    ret_ns[PART_UNEXPLAINED] = total - sum;
    return true;
}

struct recorder *recorder_new(const struct recorder_spec *spec)
{
    struct recorder *r = xcalloc(1, sizeof *r);
    int64_t hold = spec->hold_until - spec->hold_from;

    assert(hold >= 0);
    r->spec = *spec;
    r->width = NS_PER_S * ((hold + RECORDER_BINS * NS_PER_S - 1) / (RECORDER_BINS * NS_PER_S));
    if (hold < r->width || r->width == 0)
        r->width = hold > 0 ? hold : NS_PER_S;
    r->bins = hold > 0 ? (size_t)(hold / r->width) : 0;
    r->completed = xcalloc(r->bins, sizeof *r->completed);
    r->eighth = hold > 0 ? (hold + RECORDER_EIGHTHS - 1) / RECORDER_EIGHTHS : 1;
    r->little.since = spec->hold_from;
    return r;
}

static void set_done(struct stage_set *s)
{
    for (int i = 0; i < STAGE_COUNT; i++)
        hist_done(&s->stage[i]);
    *s = (struct stage_set){0};
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    hist_done(&r->lag);
    for (int i = 0; i < SETS; i++)
        set_done(&r->set[i]);
    set_done(&r->window);
    for (int i = 0; i < HIST_BLOCKS; i++)
        free(r->example[i]);
    free(r->completed);
    free(r);
}

static bool in_hold(const struct recorder *r, int64_t t)
{
    return t >= r->spec.hold_from && t < r->spec.hold_until;
}

static int eighth_of(const struct recorder *r, int64_t t)
{
    return (int)((t - r->spec.hold_from) / r->eighth);
}

void recorder_stop(struct recorder *r, int64_t now)
{
    if (now >= r->spec.hold_until)
        return;
    r->spec.hold_until = now > r->spec.hold_from ? now : r->spec.hold_from;
    r->bins = (size_t)((r->spec.hold_until - r->spec.hold_from) / r->width);
}

void recorder_begin(struct recorder *r, int64_t planned, int64_t actual)
{
    r->counts.started++;
    hist_record(&r->lag, actual - planned);
}

static void activity(struct recorder *r, int64_t from, int64_t until, bool turn)
{
    struct little *l = &r->little;
    int64_t lo = r->spec.hold_from, hi = r->spec.hold_until;
    double s = (double)(until - from) / 1e9;

    if (until < lo || from >= hi)
        return;
    if (until >= hi) {
        l->ends_s += (double)(hi - (from > lo ? from : lo)) / 1e9;
        return;
    }
    if (from < lo)
        l->ends_s -= (double)(lo - from) / 1e9;
    if (turn) {
        l->turns++;
        l->turn_s += s;
    } else {
        l->think_s += s;
    }
}

void recorder_thought(struct recorder *r, int64_t from, int64_t until)
{
    activity(r, from, until, false);
}

void recorder_present(struct recorder *r, int64_t now, int change)
{
    struct little *l = &r->little;
    int64_t until = now < r->spec.hold_until ? now : r->spec.hold_until;

    if (until > l->since) {
        l->present_s += (double)l->present * ((double)(until - l->since) / 1e9);
        l->since = until;
    }
    l->present += change;
    assert(l->present >= 0);
}

void recorder_sentence(struct recorder *r, int64_t now, int64_t duration)
{
    int e;

    if (!in_hold(r, now))
        return;
    e = eighth_of(r, now);
    hist_record(&r->set[e < CUT_MAX ? e : CUT_MAX].stage[STAGE_TTS_TOTAL], duration);
}

static void span(struct hist *h, const struct turn_record *t, enum turn_stamp from, enum turn_stamp until)
{
    if (t->stamp[from] != TIME_NEVER && t->stamp[until] != TIME_NEVER)
        hist_record(h, t->stamp[until] - t->stamp[from]);
}

static void keep_example(struct recorder *r, int64_t voice_to_voice, const int64_t part[PART_COUNT], int eighth)
{
    unsigned bucket = hist_bucket(voice_to_voice);
    struct example **block = &r->example[bucket >> HIST_BITS], *e;

    if (!*block) {
        *block = xcalloc(HIST_SUB, sizeof **block);
        for (int i = 0; i < HIST_SUB; i++)
            (*block)[i].eighth = -1;
    }
    e = &(*block)[bucket & (HIST_SUB - 1)];
    for (int i = 0; i < PART_COUNT; i++)
        e->part[i] = part[i];
    e->eighth = (int8_t)eighth;
}

/* The stages of a completed turn that was planned in the hold phase. */
static void stages(struct recorder *r, const struct turn_record *t)
{
    int eighth = eighth_of(r, t->stamp[STAMP_PLANNED]);
    struct stage_set *s = &r->set[eighth < CUT_MAX ? eighth : CUT_MAX];
    enum turn_stamp last = t->stamp[STAMP_LAST_AUDIO] != TIME_NEVER ? STAMP_LAST_AUDIO : STAMP_LLM_DONE; /* a chat */
    int64_t part[PART_COUNT], generating = t->stamp[STAMP_LLM_DONE] - t->stamp[STAMP_LLM_FIRST_TOKEN];

    span(&s->stage[STAGE_ASR_FINAL], t, STAMP_SPEECH_END, STAMP_ASR_FINAL);
    span(&s->stage[STAGE_LLM_TTFT], t, STAMP_LLM_REQUEST, STAMP_LLM_FIRST_TOKEN);
    span(&s->stage[STAGE_LLM_TOTAL], t, STAMP_LLM_REQUEST, STAMP_LLM_DONE);
    if (t->stamp[STAMP_LLM_DONE] != TIME_NEVER && t->stamp[STAMP_LLM_FIRST_TOKEN] != TIME_NEVER && t->tokens > 1)
        hist_record(&s->stage[STAGE_LLM_ITL], generating / (t->tokens - 1));
    span(&s->stage[STAGE_TTS_FIRST_AUDIO], t, STAMP_TTS_REQUEST, STAMP_TTS_FIRST_AUDIO);
    span(&s->stage[STAGE_VOICE_TO_VOICE], t, STAMP_SPEECH_END, STAMP_AUDIBLE);
    if (!t->interrupted && t->stamp[last] != TIME_NEVER) {
        span(&s->stage[STAGE_TURN], t, STAMP_PLANNED, last);
        r->turn_s[eighth] += (double)(t->stamp[last] - t->stamp[STAMP_PLANNED]) / 1e9;
        r->turns[eighth]++;
    }
    if (turn_parts(t, part)) {
        for (int i = 0; i < PART_COUNT; i++)
            s->parts[i] += (double)part[i];
        s->unexplained += fabs((double)part[PART_UNEXPLAINED]);
        s->audible++;
        keep_example(r, t->stamp[STAMP_AUDIBLE] - t->stamp[STAMP_SPEECH_END], part, eighth);
    }
}

void recorder_turn(struct recorder *r, const struct turn_record *t)
{
    int64_t planned = t->stamp[STAMP_PLANNED], end = t->stamp[STAMP_END];

    assert(!r->closed && end != TIME_NEVER);
    switch (t->fate) {
    case FATE_COMPLETED:
        r->counts.completed++;
        r->counts.underruns += t->underruns;
        r->counts.stalled += t->stalled;
        r->counts.interrupted += t->interrupted;
        if (in_hold(r, end)) {
            size_t bin = (size_t)((end - r->spec.hold_from) / r->width);
            r->ended[eighth_of(r, end)]++;
            if (bin < r->bins)
                r->completed[bin]++;
        }
        if (in_hold(r, planned))
            stages(r, t);
        break;
    case FATE_FAILED:
        r->counts.failed++;
        r->counts.failures[t->outcome]++;
        break;
    case FATE_UNFINISHED:
        r->counts.unfinished++;
        break;
    }
    activity(r, planned, end, true);
    if (r->spec.sink)
        r->spec.sink(r->spec.sink_arg, t);
}

const struct turn_counts *recorder_counts(const struct recorder *r)
{
    return &r->counts;
}

/* ---- closing ---- */

static void close_one(struct recorder *r, int cut, bool steady)
{
    r->cut = cut;
    r->steady = steady;
    r->closed = true;
    recorder_present(r, r->spec.hold_until, 0);
    for (int e = cut; e < SETS; e++) {
        struct stage_set *s = &r->set[e];
        for (int i = 0; i < STAGE_COUNT; i++)
            hist_merge(&r->window.stage[i], &s->stage[i]);
        for (int i = 0; i < PART_COUNT; i++)
            r->window.parts[i] += s->parts[i];
        r->window.unexplained += s->unexplained;
        r->window.audible += s->audible;
    }
    for (int e = 0; e < SETS; e++)
        set_done(&r->set[e]);
}

void recorder_close(struct recorder *const *runs, size_t n)
{
    cleanup_free double *sum = NULL;
    size_t bins = SIZE_MAX, batch = 5, cut;
    double total = 0;
    int eighths = 0;

    if (n == 0 || runs[0]->closed)
        return;
    for (size_t k = 0; k < n; k++)
        bins = runs[k]->bins < bins ? runs[k]->bins : bins; /* one may have been stopped early */
    sum = xcalloc(bins, sizeof *sum);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < bins; i++)
            sum[i] += runs[k]->completed[i];
    for (size_t i = 0; i < bins; i++)
        total += sum[i];
    if (total < (double)bins) /* rare completions: batches long enough for five of them, or chance looks like a ramp */
        batch = total > 0 ? (size_t)ceil(5 * (double)bins / total) : bins;
    cut = bins > 0 ? stats_mser(sum, bins, batch) : 0;
    if (cut < bins && !recorder_is_trace(runs[0]))
        eighths = (int)(((int64_t)cut * runs[0]->width + runs[0]->eighth - 1) / runs[0]->eighth);
    if (eighths > CUT_MAX)
        eighths = CUT_MAX;
    for (size_t k = 0; k < n; k++)
        close_one(runs[k], eighths, bins == 0 || cut < bins);
}

bool recorder_steady(const struct recorder *r)
{
    return r->steady;
}

int64_t recorder_window_from(const struct recorder *r)
{
    return r->spec.hold_from + r->cut * r->eighth;
}

int64_t recorder_window_until(const struct recorder *r)
{
    return r->spec.hold_until;
}

const struct hist *recorder_stage(const struct recorder *r, enum stage s)
{
    return &r->window.stage[s];
}

const struct hist *recorder_lag(const struct recorder *r)
{
    return &r->lag;
}

uint64_t recorder_completed(const struct recorder *r)
{
    uint64_t n = 0;

    for (int e = r->cut; e < RECORDER_EIGHTHS; e++)
        n += r->ended[e];
    return n;
}

double recorder_throughput(const struct recorder *r)
{
    int64_t window = recorder_window_until(r) - recorder_window_from(r);

    return window > 0 ? (double)recorder_completed(r) / ((double)window / 1e9) : NAN;
}

void recorder_series(const struct recorder *r, struct recorder_series *ret)
{
    *ret = (struct recorder_series){r->spec.hold_from, r->width, r->completed, r->bins};
}

double recorder_turn_mean(const struct recorder *r, int eighth, uint64_t *ret_count)
{
    *ret_count = r->turns[eighth];
    return r->turns[eighth] ? r->turn_s[eighth] / (double)r->turns[eighth] : NAN;
}

int recorder_cut(const struct recorder *r)
{
    return r->cut;
}

void recorder_little(const struct recorder *r, struct recorder_little *ret)
{
    const struct little *l = &r->little;
    double hold = (double)(r->spec.hold_until - r->spec.hold_from) / 1e9;

    *ret = (struct recorder_little){0};
    if (hold <= 0)
        return;
    ret->present = l->present_s / hold;
    ret->rate = (double)l->turns / hold;
    ret->ends = l->ends_s / hold;
    if (l->turns > 0) {
        ret->turn_s = l->turn_s / (double)l->turns;
        ret->think_s = l->think_s / (double)l->turns;
    } else {
        ret->ends += l->think_s / hold; /* thinking that no turn followed */
    }
}

bool recorder_is_trace(const struct recorder *r)
{
    return r->spec.users == 0 && r->spec.arrival_rate == 0;
}

uint64_t recorder_parts(const struct recorder *r, double ret_ns[PART_COUNT])
{
    uint64_t n = r->window.audible;

    for (int i = 0; i < PART_COUNT; i++)
        ret_ns[i] = r->window.parts[i];
    for (int e = 0; !r->closed && e < SETS; e++) {
        n += r->set[e].audible;
        for (int i = 0; i < PART_COUNT; i++)
            ret_ns[i] += r->set[e].parts[i];
    }
    return n;
}

double recorder_unexplained(const struct recorder *r)
{
    double sum = 0;

    for (int i = 0; i < PART_COUNT; i++)
        sum += r->window.parts[i];
    return sum > 0 ? r->window.unexplained / sum : 0;
}

static bool example_at(const struct recorder *r, int bucket, int64_t ret_ns[PART_COUNT])
{
    const struct example *e;

    if (bucket < 0 || bucket >= HIST_BUCKETS || !r->example[bucket >> HIST_BITS])
        return false;
    e = &r->example[bucket >> HIST_BITS][bucket & (HIST_SUB - 1)];
    if (e->eighth < r->cut)
        return false;
    for (int i = 0; i < PART_COUNT; i++)
        ret_ns[i] = e->part[i];
    return true;
}

bool recorder_example(const struct recorder *r, int64_t voice_to_voice, int64_t ret_ns[PART_COUNT])
{
    int bucket = (int)hist_bucket(voice_to_voice);

    for (int d = 0; d < 2 * HIST_SUB; d++) /* the nearest within a factor of four, the lower one first */
        if (example_at(r, bucket - d, ret_ns) || example_at(r, bucket + d, ret_ns))
            return true;
    return false;
}

static size_t set_bytes(const struct stage_set *s)
{
    size_t n = 0;

    for (int i = 0; i < STAGE_COUNT; i++)
        n += hist_bytes(&s->stage[i]) - sizeof(struct hist);
    return n;
}

size_t recorder_bytes(const struct recorder *r)
{
    size_t n = sizeof *r + r->bins * sizeof *r->completed + hist_bytes(&r->lag) + set_bytes(&r->window);

    for (int i = 0; i < SETS; i++)
        n += set_bytes(&r->set[i]);
    for (int i = 0; i < HIST_BLOCKS; i++)
        n += r->example[i] ? HIST_SUB * sizeof **r->example : 0;
    return n;
}
