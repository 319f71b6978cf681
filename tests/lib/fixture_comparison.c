/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture_comparison.h"

#include <math.h>

#include "base/rng.h"
#include "voice/session.h"

enum { HOSTILE = FIXTURE_HOSTILE, REPETITIONS = 5, SAMPLES = 120 };

/* What a configuration is made of; capacity in turns/s, from which everything else follows. */
static const struct plan {
    const char *name;
    int gpus;
    const char *mode; /* of ASR and TTS */
    double capacity, voice_ms;
    unsigned headroom;
} plans[] = {
    {"dedicated", 3, "alone", 2.02, 800, 150},
    {"time-slicing", 2, "time-slicing", 1.52, 1310, 44},
    {"mig", 2, "mig", 2.00, 905, 118},
    {"mps", 2, "mps", 1.93, 990, 96},
    {"dedicated+llm", 4, "alone", 2.03, 760, 210},
    {"time-slicing+llm", 3, "time-slicing", 1.55, 1290, 45},
    {"mig+llm", 3, "mig", 2.02, 870, 131},
    {"mps+llm", 3, "mps", 1.97, 940, 102},
};

struct fixture {
    struct arena *a;
    unsigned flags;
    struct rng rng;
};

static double num(struct fixture *f, double v)
{
    return f->flags & FIXTURE_NAN ? NAN : v;
}

static struct estimate around(struct fixture *f, double mean, double half)
{
    return (struct estimate){num(f, mean), num(f, mean - half), num(f, mean + half)};
}

static const char *const *workloads(struct fixture *f, const char *a, const char *b)
{
    const char **w = ARENA_ARRAY(f->a, const char *, 3);

    w[0] = a && f->flags & HOSTILE ? "<script>alert(1)</script>" : a;
    w[1] = b;
    return w;
}

static struct gpu_share_result whole(struct fixture *f, const char *mode, const char *a,
                                     const char *b, double busy, double gib)
{
    return (struct gpu_share_result){.name = mode,
                                     .mode = mode,
                                     .start = 0,
                                     .slices = 8,
                                     .workloads = workloads(f, a, b),
                                     .busy = num(f, busy),
                                     .memory_gib = num(f, gib),
                                     .memory_limit_gib = num(f, 80)};
}

static struct gpu_share_result slice(struct fixture *f, int start, const char *a, double busy,
                                     double gib)
{
    return (struct gpu_share_result){.name = start ? "3g.40gb@4" : "3g.40gb@0",
                                     .mode = "mig",
                                     .profile = "3g.40gb",
                                     .start = start,
                                     .slices = 4,
                                     .workloads = workloads(f, a, NULL),
                                     .busy = num(f, busy),
                                     .memory_gib = num(f, gib),
                                     .memory_limit_gib = num(f, 39.5)};
}

static void fill_gpus(struct fixture *f, const struct plan *p, double load, struct load_result *l)
{
    struct gpu_result *g = ARENA_ARRAY(f->a, struct gpu_result, (size_t)p->gpus);
    int n = 0;

    if (p->mode[0] == 'a') {
        const char *names[] = {"asr", "tts"};
        for (int i = 0; i < 2; i++, n++) {
            struct gpu_share_result *s = ARENA_NEW(f->a, struct gpu_share_result);
            *s = whole(f, "alone", names[i], NULL, load * (i ? 0.31 : 0.22), i ? 12.5 : 8.9);
            g[n] = (struct gpu_result){
                .busy = s->busy, .memory_gib = s->memory_gib, .shares = s, .count = 1};
        }
    } else if (p->mode[1] == 'i' && p->mode[2] == 'g') {
        struct gpu_share_result *s = ARENA_ARRAY(f->a, struct gpu_share_result, 2);
        s[0] = slice(f, 0, "asr", load * 0.27, 8.9);
        s[1] = slice(f, 4, "tts", load * 0.68, 12.5);
        g[n++] = (struct gpu_result){
            .busy = num(f, load * 0.41), .memory_gib = num(f, 21.4), .shares = s, .count = 2};
    } else {
        struct gpu_share_result *s = ARENA_NEW(f->a, struct gpu_share_result);
        *s = whole(f, p->mode, "asr", "tts", load * 0.55, 21.4);
        g[n++] = (struct gpu_result){
            .busy = s->busy, .memory_gib = s->memory_gib, .shares = s, .count = 1};
    }
    for (; n < p->gpus; n++) {
        struct gpu_share_result *s = ARENA_NEW(f->a, struct gpu_share_result);
        *s = whole(f, "alone", "llm", NULL, load * 0.74, 68.2);
        g[n] = (struct gpu_result){
            .busy = s->busy, .memory_gib = s->memory_gib, .shares = s, .count = 1};
    }
    for (int i = 0; i < p->gpus; i++) {
        g[i].memory_limit_gib = num(f, 80);
        g[i].grid = 8;
    }
    l->gpus = g;
    l->gpu_count = (size_t)p->gpus;
}

static void fill_stages(struct fixture *f, const struct plan *p, double load, struct load_result *l)
{
    const double share[STAGE_COUNT] = {0.62, 0.12, 0.01, 0.6, 0.16, 0.3, 1, 9};

    for (int s = 0; s < STAGE_COUNT; s++) {
        struct hist *h = hist_new();
        double mean = p->voice_ms * (0.6 + 0.4 * load) * share[s] * 1e6;
        for (int i = 0; i < 400; i++)
            hist_record(h, (int64_t)rng_lognormal(&f->rng, mean, 0.28));
        l->stages[s] = (struct stage_stats){hist_mean(h) / 1e6,
                                            (double)hist_quantile(h, 0.5) / 1e6,
                                            (double)hist_quantile(h, 0.95) / 1e6,
                                            NAN,
                                            h->count,
                                            h};
        if (f->flags & FIXTURE_NAN) {
            hist_free(h);
            l->stages[s] = (struct stage_stats){NAN, NAN, NAN, NAN, 0, NULL};
        }
    }
}

static void fill_waterfalls(struct fixture *f, struct load_result *l)
{
    static const char *const names[] = {
        "endpointing",    "ASR", "gateway",         "LLM first token",
        "first sentence", "TTS", "playback buffer", "unexplained"};
    static const double parts[] = {0.5, 0.08, 0.01, 0.1, 0.14, 0.14, 0.03, 0};
    struct waterfall *w = ARENA_ARRAY(f->a, struct waterfall, 2);

    for (int i = 0; i < 2; i++) {
        struct waterfall_part *p = ARENA_ARRAY(f->a, struct waterfall_part, ARRAY_LEN(names));
        double total =
            i ? l->stages[STAGE_VOICE_TO_VOICE].p95_ms : l->stages[STAGE_VOICE_TO_VOICE].p50_ms;
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            p[k] = (struct waterfall_part){names[k], total * parts[k]};
        w[i] = (struct waterfall){i ? "p95 turn" : "median turn", total, p, ARRAY_LEN(names)};
    }
    l->waterfalls = w;
    l->waterfall_count = 2;
}

static void fill_timeline(struct fixture *f, struct load_result *l)
{
    struct timeline_track *t = ARENA_ARRAY(f->a, struct timeline_track, 8);
    size_t n = 0;

    for (size_t g = 0; g < l->gpu_count; g++)
        for (size_t s = 0; s < l->gpus[g].count; s++)
            for (const char *const *w = l->gpus[g].shares[s].workloads; *w; w++) {
                float *busy = ARENA_ARRAY(f->a, float, SAMPLES);
                for (int i = 0; i < SAMPLES; i++)
                    busy[i] = (float)(0.8 * rng_unit(&f->rng));
                t[n++] = (struct timeline_track){g, l->gpus[g].shares[s].name, *w, busy};
            }
    l->timeline = (struct timeline){0, 3, SAMPLES, n, t};
}

static void fill_audit(struct fixture *f, bool bad, struct load_result *l)
{
    struct audit_line *a = ARENA_ARRAY(f->a, struct audit_line, 4);

    a[0] = (struct audit_line){"littles_law",
                               "49.98 present = 2.000 turns/s x (23.99 + 1.00) s, 0.004 % apart",
                               true, 0.00004, 0.001};
    a[1] = (struct audit_line){"schedule_lag",
                               "turns start 0.000 ms (p99) after their planned time", true, 0, 10};
    a[2] = (struct audit_line){
        "steady_state",
        bad ? "throughput changed by -31.0 % over the window (99 % interval -38.2 to -23.8 %)"
            : "throughput changed by +0.8 % over the window (99 % interval -2.1 to +3.7 %)",
        !bad, bad ? -0.31 : 0.008, 0.15};
    a[3] = (struct audit_line){
        "attribution", "the stages leave 0.00 % of voice-to-voice unexplained", true, 0, 0.01};
    l->audit = a;
    l->audit_count = 4;
    l->valid = !bad;
}

/* A stream of embeddings beside the heavy load. */
static void fill_requests(struct fixture *f, struct load_result *l)
{
    struct request_result *q = ARENA_NEW(f->a, struct request_result);
    struct stage_stats none = {NAN, NAN, NAN, NAN, 0, NULL};

    *q = (struct request_result){
        .workload = f->flags & HOSTILE ? "<embed src=x>" : "embed",
        .kind = "infer",
        .started = 15010,
        .completed = 14990,
        .failed = 15,
        .unfinished = 5,
        .rejected = 15,
        .rate = around(f, 49.9, 0.4),
        .tokens_per_s = NAN,
        .rtfx = NAN,
        .first = none,
        .cadence = none,
        .total = {num(f, 34.7), num(f, 31.2), num(f, 63.7), num(f, 88.1), 14990, NULL}};
    l->requests = q;
    l->request_count = 1;
}

static struct load_result make_load(struct fixture *f, const struct plan *p, bool heavy)
{
    double load = heavy ? 1 : 0.12, total = heavy ? p->capacity : 0.238,
           *samples = ARENA_ARRAY(f->a, double, REPETITIONS);
    struct load_result l = {
        .name = heavy ? "heavy" : "light", .users = heavy ? 50 : 5, .arrival_rate = NAN};
    double price = f->flags & FIXTURE_NO_PRICE ? NAN : 2.0 * p->gpus;

    if (f->flags & HOSTILE)
        l.name = heavy ? "heavy\" onload=\"x" : "light\033[31m";
    l.started = heavy ? 3050 : 160;
    l.completed = heavy ? 2998 : 158;
    l.failed = heavy ? 2 : 0;
    l.unfinished = l.started - l.completed - l.failed;
    l.failures[TURN_COMPLETED] = l.completed;
    l.failures[TURN_TTS_REJECTED] = l.failed;
    l.success_rate = num(f, (double)l.completed / (double)(l.completed + l.failed));
    for (int i = 0; i < REPETITIONS; i++)
        samples[i] = num(f, total * (1 + 0.01 * (i - 2)));
    l.throughput = around(f, total, 0.02 * total);
    l.throughput_per_gpu = around(f, total / p->gpus, 0.02 * total / p->gpus);
    l.samples = samples;
    l.sample_count = REPETITIONS;
    l.cost_per_1000_turns = num(f, price / (total * 3600) * 1000);
    fill_stages(f, p, load, &l);
    l.underruns_per_turn = num(f, 0.002);
    l.stalled_ms_per_turn = num(f, 0.4);
    fill_gpus(f, p, load, &l);
    fill_audit(f, f->flags & FIXTURE_INVALID || (!heavy && p == &plans[7]), &l);
    l.limit = heavy ? (struct limit){p->mode[1] == 'i' ? "GPU 0 3g.40gb (tts)" : "gateway CPU",
                                     num(f, 0.93), true}
                    : (struct limit){"users' time", num(f, 0.96), true};
    fill_waterfalls(f, &l);
    fill_timeline(f, &l);
    if (heavy && p->gpus == 2)
        fill_requests(f, &l);
    l.objectives_met = p->voice_ms < 1200;
    l.objectives_text = p->voice_ms < 1200 ? "voice_to_voice p95 1.21 s <= 1.50 s: met"
                                           : "voice_to_voice p95 1.93 s > 1.50 s: missed";
    l.simulated_s = heavy ? 1875 : 675;
    l.wall_s = 0.123;
    l.events = heavy ? 1234567 : 54321;
    return l;
}

static void fill_headroom(struct fixture *f, const struct plan *p, struct configuration_result *c)
{
    struct headroom_point *curve = ARENA_ARRAY(f->a, struct headroom_point, 9);

    for (unsigned i = 0; i < 9; i++) {
        unsigned users = 1u << i;
        double x = (double)users / p->headroom;
        double ms = p->voice_ms * 0.7 * (1 + x * x);
        curve[i] =
            (struct headroom_point){users, ms <= 1500, num(f, ms), num(f, users * 0.04), num(f, 1)};
    }
    c->curve = curve;
    c->curve_count = 9;
    c->headroom_users = p->headroom;
    c->headroom_bounded = true;
    c->headroom_limit = "voice_to_voice p95 1.53 s > 1.50 s: missed";
}

static void fill_verdict(struct fixture *f, struct comparison *c)
{
    const char **why = ARENA_ARRAY(f->a, const char *, 6);
    bool even = f->flags & FIXTURE_EVEN;
    const char *heavy = f->flags & HOSTILE ? "heavy\" onload=\"x" : "heavy";

    why[0] = even ? "On heavy the data cannot tell mig and time-slicing apart: ratio 1.002 (95 % "
                    "interval 0.990 to 1.014, 5 paired repetitions)."
                  : "On heavy mig serves 1.000 turns/s per GPU, time-slicing 0.760: 1.32 times as "
                    "much (95 % interval 1.290 to 1.342, 5 paired repetitions).";
    why[1] = "mig is limited by GPU 0 3g.40gb (tts), 93 % in use.";
    why[2] = "time-slicing misses its objectives: voice_to_voice p95 1.93 s > 1.50 s: missed.";
    why[3] = "For production mig: the most turns/s per GPU (1.000) among those whose models share "
             "neither memory nor faults.";
    why[4] = "For development time-slicing: the fewest GPUs (2) that still meet the objectives on "
             "light, and nothing to reconfigure but a replica count.";
    c->has_verdict = true;
    c->verdict = (struct verdict){.load = heavy,
                                  .best = even ? NULL : "mig",
                                  .against = "time-slicing",
                                  .ratio = even ? around(f, 1.002, 0.012) : around(f, 1.316, 0.026),
                                  .distinguishable = !even,
                                  .production = "mig",
                                  .development = "time-slicing",
                                  .why = why};
}

struct comparison *fixture_comparison(unsigned flags)
{
    struct fixture f = {.a = arena_new(), .flags = flags};
    struct comparison *c = ARENA_NEW(f.a, struct comparison);
    size_t n = flags & FIXTURE_EMPTY ? 0 : flags & FIXTURE_ONE ? 1 : ARRAY_LEN(plans);
    struct configuration_result *r =
        ARENA_ARRAY(f.a, struct configuration_result, ARRAY_LEN(plans));

    rng_init(&f.rng, 7, 7);
    *c = (struct comparison){.arena = f.a,
                             .clock = "virtual",
                             .emulated = true,
                             .scenario = "voice",
                             .source_path = "examples/voice.yaml",
                             .source_text = "kind: Scenario\nmetadata: {name: voice}\n",
                             .gpu_model = "A100-SXM4-80GB",
                             .seed = 1,
                             .repetitions = REPETITIONS,
                             .objective_ms = num(&f, 1500),
                             .configurations = r,
                             .count = n};
    if (flags & HOSTILE) {
        c->scenario = "</title><script>alert('x')</script>\xff";
        c->source_text = "</pre><script>alert(1)</script> & \"quotes\"\n";
    }
    for (size_t i = 0; i < n; i++) {
        const struct plan *p = &plans[n == 1 ? 2 : i];
        struct load_result *l = ARENA_ARRAY(f.a, struct load_result, 2);
        l[0] = make_load(&f, p, false);
        l[1] = make_load(&f, p, true);
        r[i] = (struct configuration_result){
            .name = p->name,
            .gpus = (size_t)p->gpus,
            .price_per_hour = flags & FIXTURE_NO_PRICE ? NAN : num(&f, 2.0 * p->gpus),
            .loads = l,
            .load_count = 2};
        if (flags & HOSTILE && i == 2)
            r[i].name = "mig,\"<img src=x onerror=alert(1)>'";
        if (!(flags & FIXTURE_NO_HEADROOM))
            fill_headroom(&f, p, &r[i]);
    }
    if (n > 1)
        fill_verdict(&f, c);
    return c;
}
