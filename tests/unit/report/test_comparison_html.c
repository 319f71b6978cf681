/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison_html.h"

#include <math.h>

#include "check.h"
#include "fixture_comparison.h"
#include "golden.h"

/* A small comparison made by hand: nothing in it is measured unless a test sets it. */
struct fixture {
    struct comparison c;
    struct configuration_result configurations[3];
    struct load_result loads[3][2];
    struct gpu_share_result shares[2];
    struct gpu_result gpu;
    struct audit_line audit[2];
    struct waterfall_part parts[2];
    struct waterfall waterfalls[2];
    struct timeline_track track;
    struct headroom_point curve[3];
    struct hist hist;
};

static const char *const TENANTS[] = {"asr", "tts", NULL};
static const char *const LLM[] = {"llm", NULL};
static const char *const WHY[] = {"Because of <it>.", NULL};
static const float BUSY[] = {0.0f, 0.5f, 1.0f};
static const double SAMPLES[][2] = {{1.9, 2.1}, {2.0, 2.2}, {2.1, 2.3}};

static void fill_load(struct fixture *f, struct load_result *l, const char *name, size_t i)
{
    *l = (struct load_result){.name = name, .users = 5, .arrival_rate = NAN, .valid = true, .started = 20,
                              .completed = 20,
                              .success_rate = 1, .throughput = {2, 1.9, 2.1}, .throughput_per_gpu = {1, 0.95, 1.05},
                              .cost_per_1000_turns = 0.5, .gpus = &f->gpu, .gpu_count = 1, .audit = f->audit,
                              .audit_count = 2,
                              .limit = {"GPU 0 (llm)", 0.97, true}, .waterfalls = f->waterfalls, .waterfall_count = 2,
                              .objectives_met = true, .objectives_text = "met", .samples = SAMPLES[i], .sample_count = 2};
    for (int s = 0; s < STAGE_COUNT; s++)
        l->stages[s] = (struct stage_stats){800, 790, 900, NAN, 20, s == STAGE_VOICE_TO_VOICE ? &f->hist : NULL};
    l->timeline = (struct timeline){0, 1, 3, 1, &f->track};
}

static void make(struct fixture *f, const char *name)
{
    *f = (struct fixture){.hist = {.count = 0}};
    for (int i = 1; i <= 2000; i++)
        hist_record(&f->hist, (int64_t)i * 500000);
    f->shares[0] = (struct gpu_share_result){"3g.40gb@0", "mig", "3g.40gb", 0, 4, TENANTS, 0.3, 9, 40};
    f->shares[1] = (struct gpu_share_result){"3g.40gb@4", "mig", "3g.40gb", 4, 4, LLM, 0.3, 9, 40};
    f->gpu = (struct gpu_result){0.3, 18, 80, 8, f->shares, 2};
    f->audit[0] = (struct audit_line){"littles_law", "users present = rate * time", true, 0.0001, 0.001};
    f->audit[1] = (struct audit_line){"steady_state", "no drift", true, 0.01, 0.15};
    f->parts[0] = (struct waterfall_part){"endpointing", 500};
    f->parts[1] = (struct waterfall_part){"ASR", 300};
    f->waterfalls[0] = (struct waterfall){"median turn", 800, f->parts, 2};
    f->waterfalls[1] = (struct waterfall){"p95 turn", 900, f->parts, 2};
    f->track = (struct timeline_track){0, "3g.40gb@0", "asr", BUSY};
    for (unsigned i = 0; i < 3; i++)
        f->curve[i] = (struct headroom_point){10 * (i + 1), i < 2, 700 + 500 * i, 2, 1};
    for (size_t i = 0; i < 3; i++) {
        fill_load(f, &f->loads[i][0], "light", i);
        fill_load(f, &f->loads[i][1], "heavy", i);
        f->configurations[i] = (struct configuration_result){.name = i == 0 ? name : i == 1 ? "mig" : "mig+llm", .gpus = 2,
                                                             .price_per_hour = 4, .loads = f->loads[i], .load_count = 2,
                                                             .headroom_users = 20, .headroom_bounded = true,
                                                             .headroom_limit = "GPU 0 (llm)", .curve = f->curve, .curve_count = 3};
    }
    f->c = (struct comparison){.clock = "virtual", .emulated = true, .scenario = name, .source_path = name,
                               .source_text = name,
                               .gpu_model = name, .seed = 7, .repetitions = 2, .objective_ms = 1500,
                               .configurations = f->configurations, .count = 3, .has_verdict = true};
    f->c.verdict = (struct verdict){.load = "heavy", .best = "mig", .against = name, .ratio = {1.5, 1.4, 1.6},
                                    .distinguishable = true, .production = "mig", .development = name, .why = WHY};
}

static void done(struct fixture *f, char *page)
{
    hist_done(&f->hist);
    free(page);
}

static char *page_of(const struct comparison *c)
{
    struct buf out = {.max = BUF_MAX_OUTPUT};

    comparison_html(c, &out);
    CHECK(!buf_full(&out));
    return out.data;
}

static bool is_void(const char *name)
{
    return strcmp(name, "meta") == 0 || strcmp(name, "br") == 0 || strcmp(name, "!DOCTYPE") == 0;
}

/* Every element is closed by its own name, in order; style and script are left alone. */
static void check_balanced(const char *page)
{
    char open[64][16];
    size_t depth = 0;

    for (const char *s = strchr(page, '<'); s; s = strchr(s, '<')) {
        bool closing = s[1] == '/';
        const char *end = strchr(s, '>');
        char name[16] = "";
        CHECK(end);
        for (const char *p = s + 1 + closing; *p && *p != ' ' && *p != '>' && *p != '/' && strlen(name) < 15; p++)
            name[strlen(name)] = *p;
        s = end;
        if (is_void(name) || end[-1] == '/')
            continue;
        if (closing) {
            CHECK(depth > 0);
            CHECK_STR(open[--depth], name);
            continue;
        }
        CHECK(depth < 64);
        memcpy(open[depth++], name, sizeof name);
        if (strcmp(name, "style") == 0 || strcmp(name, "script") == 0)
            CHECK((s = strstr(s, strcmp(name, "style") == 0 ? "</style" : "</script")));
    }
    CHECK_EQ(depth, 0);
}

static void check_page(const char *page)
{
    check_balanced(page);
    CHECK(!strstr(page, "nan"));
    CHECK(!strstr(page, "inf<") && !strstr(page, "\"inf") && !strstr(page, "-inf"));
    CHECK(!strstr(page, "http")); /* nothing from elsewhere */
    CHECK(!strstr(page, "@import"));
}

TEST(a_page_says_what_was_found)
{
    struct fixture f;
    char *page;

    make(&f, "dedicated");
    page = page_of(&f.c);
    check_page(page);
    CHECK_CONTAINS(page, "virtual time, emulated GPUs");
    CHECK_CONTAINS(page, "On heavy, mig serves 1.50 times as many turns per GPU as dedicated.");
    CHECK_CONTAINS(page, "95 % interval 1.400 to 1.600");
    CHECK_CONTAINS(page, "Because of &lt;it&gt;.");
    CHECK_CONTAINS(page, "objective 1.50 s");
    CHECK_CONTAINS(page, "prefers-color-scheme");
    CHECK_CONTAINS(page, "0.950 to 1.050");
    CHECK_CONTAINS(page, "light: 6 checks, 0 failed");
    CHECK(!strstr(page, "INVALID:"));
    done(&f, page);
}

TEST(the_same_comparison_gives_the_same_bytes)
{
    struct fixture f, g;
    char *a, *b;

    make(&f, "dedicated");
    make(&g, "dedicated");
    a = page_of(&f.c);
    b = page_of(&g.c);
    CHECK_STR(a, b);
    done(&f, a);
    done(&g, b);
}

TEST(hostile_names_are_escaped)
{
    struct fixture f;
    char *page;

    make(&f, "</pre><script>alert('1')</script>\"&\x01\xff");
    f.loads[0][0].name = f.loads[1][0].name = f.loads[2][0].name = "<b onmouseover=\"x\">%s%n";
    f.loads[1][1].objectives_met = false;
    f.loads[1][1].objectives_text = "\"><img src=y>";
    f.shares[0].name = f.track.share = f.track.workload = f.audit[0].text = f.parts[0].stage = "\"><img src=x>";
    f.configurations[0].headroom_limit = f.loads[0][0].limit.resource = "<i>";
    page = page_of(&f.c);
    check_page(page);
    CHECK(!strstr(page, "<script>alert"));
    CHECK(!strstr(page, "<b onmouseover"));
    CHECK(!strstr(page, "<img"));
    CHECK(!strstr(page, "<i>"));
    CHECK_CONTAINS(page, "&lt;script&gt;alert");
    CHECK_CONTAINS(page, "objectives missed");
    done(&f, page);
}

TEST(an_invalid_load_shows_its_audit_and_no_number)
{
    struct fixture f;
    char *page;

    make(&f, "dedicated");
    for (size_t i = 0; i < 3; i++) {
        f.loads[i][0].valid = f.loads[i][1].valid = false;
        f.loads[i][0].throughput.mean = f.loads[i][1].throughput.mean = 77.125;
        f.loads[i][0].throughput_per_gpu.mean = f.loads[i][1].throughput_per_gpu.mean = 77.125;
    }
    f.audit[1].ok = false;
    page = page_of(&f.c);
    check_page(page);
    CHECK_CONTAINS(page, "<b class=\"bad\">INVALID</b> steady_state (no drift)");
    CHECK_CONTAINS(page, "INVALID: steady_state");
    CHECK(!strstr(page, "77.125"));
    CHECK_CONTAINS(page, "<details open>");
    done(&f, page);
}

static void forget(struct load_result *l)
{
    l->throughput = l->throughput_per_gpu = ESTIMATE_NONE;
    l->cost_per_1000_turns = l->success_rate = l->limit.use = NAN;
    l->limit.resource = l->objectives_text = NULL;
    l->timeline.start_s = l->timeline.step_s = NAN;
    l->samples = NULL;
    for (int s = 0; s < STAGE_COUNT; s++)
        l->stages[s] = (struct stage_stats){NAN, NAN, NAN, NAN, 0, NULL};
}

TEST(what_was_not_measured_is_tolerated_everywhere)
{
    struct fixture f;
    char *page;

    make(&f, "dedicated");
    for (size_t i = 0; i < 3; i++) {
        forget(&f.loads[i][0]);
        forget(&f.loads[i][1]);
        f.configurations[i].price_per_hour = f.curve[i].p95_voice_ms = f.curve[i].success_rate = NAN;
        f.configurations[i].headroom_users = 0;
        f.configurations[i].headroom_limit = NULL;
    }
    f.shares[0].busy = f.shares[0].memory_gib = f.shares[1].memory_limit_gib = f.gpu.busy = NAN;
    f.shares[1].workloads = NULL;
    f.parts[0].ms = f.waterfalls[0].total_ms = f.audit[0].value = f.audit[1].bound = NAN;
    f.c.objective_ms = NAN;
    f.c.verdict = (struct verdict){.load = "heavy", .ratio = {NAN, NAN, NAN}};
    f.c.gpu_model = f.c.source_text = f.c.source_path = NULL;
    page = page_of(&f.c);
    check_page(page);
    CHECK_CONTAINS(page, "No latency was measured.");
    CHECK_CONTAINS(page, "no recommendation");
    done(&f, page);
}

TEST(nothing_and_one_configuration)
{
    struct comparison none = {.clock = "virtual", .emulated = true, .objective_ms = NAN};
    struct fixture f;
    char *page = page_of(&none);

    check_page(page);
    CHECK_CONTAINS(page, "Nothing was measured.");
    free(page);

    make(&f, "alone");
    f.c.count = 1;
    f.c.has_verdict = false;
    f.configurations[0].curve_count = 0;
    page = page_of(&f.c);
    check_page(page);
    CHECK(!strstr(page, "id=\"verdict\""));
    CHECK(!strstr(page, "id=\"headroom\""));
    CHECK_CONTAINS(page, "1 configuration of");
    done(&f, page);
}

/* Eight configurations of everything that a comparison can be, held to a stricter reading of the markup. */
TEST(every_kind_of_comparison_makes_a_whole_page)
{
    static const unsigned kinds[] = {0, FIXTURE_ONE, FIXTURE_EMPTY, FIXTURE_NAN, FIXTURE_EVEN,
                                     FIXTURE_INVALID, FIXTURE_HOSTILE, FIXTURE_NO_HEADROOM | FIXTURE_NO_PRICE,
                                     FIXTURE_NAN | FIXTURE_INVALID | FIXTURE_HOSTILE};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct comparison *c = fixture_comparison(kinds[i]);
        cleanup_free char *page = page_of(c);
        check_markup(page);
        check_page(page);
        CHECK(!strstr(page, "<script>alert"));
        CHECK(!strstr(page, "<img"));
        CHECK(!strstr(page, "(null)"));
        CHECK_LT(strlen(page), 1 << 20); /* what may be mailed */
        comparison_free(c);
    }
}

TEST(a_whole_page_says_emulated_and_shows_no_withheld_number)
{
    struct comparison *c = fixture_comparison(FIXTURE_INVALID);
    cleanup_free char *page = page_of(c);

    CHECK_CONTAINS(page, "emulated");
    CHECK_CONTAINS(page, "steady_state");
    CHECK(!strstr(page, "99.93")); /* success */
    CHECK(!strstr(page, "0.673")); /* turns/s per GPU */
    comparison_free(c);
}
