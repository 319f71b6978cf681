/* SPDX-License-Identifier: Apache-2.0 */
/* Bad scenarios, one fault each: the place, the field, what was found and what was expected. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "check.h"
#include "scenario/scenario.h"

/* A good scenario; every case below replaces one text of it by another. */
static const char BASE[] =
    "apiVersion: snug/v1\n"                                                               /* 1 */
    "kind: Scenario\n"                                                                    /* 2 */
    "metadata: {name: test}\n"                                                            /* 3 */
    "gpus: {model: A100-SXM4-80GB, price: 2.0}\n"                                         /* 4 */
    "workloads:\n"                                                                        /* 5 */
    "  - {name: asr, profile: parakeet-1.1b-a100}\n"                                      /* 6 */
    "  - {name: tts, profile: magpie-a100}\n"                                             /* 7 */
    "  - {name: llm, profile: nemotron-nano-8b-a100}\n"                                   /* 8 */
    "pipeline: {kind: streaming}\n"                                                       /* 9 */
    "gateway: {cpu: 0.5, cost: {turn: {value: 10ms, source: a guess, assumed: true}}}\n"  /* 10 */
    "network: {roundTrip: 500us}\n"                                                       /* 11 */
    "conversation: {reply: {mean: 60, cv: 0.5}}\n"                                        /* 12 */
    "load:\n"                                                                             /* 13 */
    "  heavy: {users: 50, rampUp: 60s, hold: 300s, rampDown: 15s, thinkTime: 1s}\n"       /* 14 */
    "  open: {arrivals: {rate: 2.0, process: poisson}, hold: 60s}\n"                      /* 15 */
    "compare: [heavy]\n"                                                                  /* 16 */
    "objectives: {voice_to_voice: {p95: 1.5s}, success: 0.99}\n"                          /* 17 */
    "configurations:\n"                                                                   /* 18 */
    "  dedicated: [{alone: asr}, {alone: tts}, {alone: llm}]\n"                           /* 19 */
    "  sliced: [{timeSlicing: [asr, tts]}, {alone: llm}]\n"                               /* 20 */
    "  mig: [{mig: {3g.40gb@0: asr, 3g.40gb@4: tts}}, {alone: llm}]\n";                   /* 21 */

struct fault {
    const char *find, *put;
    const char *place;   /* LINE:COLUMN */
    const char *message; /* all of it, or its beginning when it ends in "..." */
};

static void put_case(struct buf *b, const struct fault *f)
{
    const char *at = strstr(BASE, f->find);

    if (!at || strstr(at + 1, f->find))
        check_fail(__FILE__, __LINE__, "\"%s\" does not stand once in the base", f->find);
    buf_add(b, BASE, (size_t)(at - BASE));
    buf_puts(b, f->put);
    buf_puts(b, at + strlen(f->find));
}

static void refuse(const struct fault *f)
{
    struct buf text, expected;
    struct err err = {0};
    struct scenario *s;
    size_t n;

    buf_init(&text, 1 << 16);
    buf_init(&expected, 4096);
    put_case(&text, f);
    buf_printf(&expected, "s.yaml:%s: %s", f->place, f->message);
    s = scenario_parse("s.yaml", buf_str(&text), text.len, &err);
    if (s)
        check_fail(__FILE__, __LINE__, "\"%s\" was accepted, expected \"%s\"", f->put, buf_str(&expected));
    CHECK_EQ(err.kind, strstr(err.msg, "No such file") ? ERR_OUTSIDE : ERR_INPUT);
    n = expected.len;
    if (n > 3 && strcmp(buf_str(&expected) + n - 3, "...") == 0) {
        expected.data[n - 3] = '\0';
        if (strncmp(err.msg, buf_str(&expected), n - 3) != 0)
            CHECK_STR(err.msg, buf_str(&expected));
    } else {
        CHECK_STR(err.msg, buf_str(&expected));
    }
    buf_done(&text);
    buf_done(&expected);
}

static void refuse_all(const struct fault *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        refuse(&f[i]);
}
#define REFUSE(faults) refuse_all(faults, ARRAY_LEN(faults))

#define DURATION "expected a duration such as 250ms, 2s or 1m30s, "
#define WORKLOADS "expected a workload of this scenario: asr, tts, llm"

TEST(the_base_is_good)
{
    struct err err = {0};
    struct scenario *s = scenario_parse("s.yaml", BASE, strlen(BASE), &err);

    if (!s)
        check_fail(__FILE__, __LINE__, "%s", err.msg);
    scenario_free(s);
}

TEST(head)
{
    static const struct fault faults[] = {
        {"snug/v1", "snug/v9", "1:13", "apiVersion: found snug/v9, expected snug/v1"},
        {"kind: Scenario", "kind: Fleet", "2:7", "kind: found Fleet, expected Scenario"},
        {"kind: Scenario\n", "", "1:1", "kind: missing, expected a text"},
        {"metadata: {name: test}", "metadata: {}", "3:11", "metadata.name: missing, expected a text"},
        {"metadata: {name: test}", "metadata: {name: a b}", "3:18",
         "metadata.name: found \"a b\", expected letters, digits and . _ + - (at most 63)"},
        {"metadata: {name: test}", "metadata: {nam: test}", "3:11", "metadata.name: missing, expected a text"},
        {"metadata: {name: test}", "metadata: {name: test, label: x}", "3:24", "metadata.label: unknown key, expected one of name, description"},
        {"network: {roundTrip: 500us}", "netwerk: {}", "11:1", "netwerk: unknown key, did you mean network?"},
        {"network: {roundTrip: 500us}", "kind: Scenario", "11:1", "found the key \"kind\" again, the first one is at 2:1"},
        {"compare: [heavy]", "compare: [heavy", "18:1", "wrongly indented flow sequence"},
    };

    REFUSE(faults);
}

TEST(gpus)
{
    static const struct fault faults[] = {
        {"gpus: {model: A100-SXM4-80GB, price: 2.0}", "gpus: A100", "4:7", "gpus: found \"A100\", expected a mapping (key: value lines)"},
        {"model: A100-SXM4-80GB, ", "", "4:7", "gpus.model: missing, expected a text"},
        {"model: A100-SXM4-80GB", "model: A100-SMX4-80GB", "4:15",
         "gpus.model: no GPU \"A100-SMX4-80GB\" in the catalogue; near it: A100-SXM4-80GB..."},
        {"model: A100-SXM4-80GB", "model: Voodoo2", "4:15", "gpus.model: no GPU \"Voodoo2\" in the catalogue..."},
        {"model: A100-SXM4-80GB", "model: H100-SXM5-80GB", "6:26",
         "workloads[0].profile: built-in profile parakeet-1.1b-a100 is for A100-SXM4-80GB, expected one for H100-SXM5-80GB (gpus.model)"},
        {"price: 2.0", "price: -2.0", "4:38", "gpus.price: found -2.0, expected a number from 0 to 10000"},
        {"price: 2.0", "price: .nan", "4:38", "gpus.price: found .nan, expected a number from 0 to 10000"},
        {"price: 2.0", "price: two", "4:38", "gpus.price: found two, expected a number from 0 to 10000"},
        {"price: 2.0", "prise: 2.0", "4:31", "gpus.prise: unknown key, did you mean price?"},
        {"price: 2.0", "sharing: {timeslice: 0}", "4:52", "gpus.sharing.timeslice: found 0, " DURATION "from 1us to 1s"},
        {"price: 2.0", "sharing: {idleTenant: {value: 2}}", "4:61", "gpus.sharing.idleTenant.value: found 2, expected a number from 0 to 1"},
    };

    REFUSE(faults);
}

TEST(workloads)
{
    static const struct fault faults[] = {
        {"name: asr, profile: parakeet-1.1b-a100", "profile: parakeet-1.1b-a100", "6:5", "workloads[0].name: missing, expected a text"},
        {"name: tts", "name: asr", "7:12", "workloads[1].name: found asr again, expected another name (the first one is at 6:5)"},
        {"name: tts", "name: t/t", "7:12", "workloads[1].name: found \"t/t\", expected letters, digits and . _ + - (at most 63)"},
        {"profile: magpie-a100", "profile: magpie-a1000", "7:26",
         "workloads[1].profile: no built-in profile is called \"magpie-a1000\", did you mean \"magpie-a100\"?..."},
        {"profile: magpie-a100", "profile: ./nothing.yaml", "7:26",
         "workloads[1].profile: ./nothing.yaml: No such file or directory"},
        {"profile: magpie-a100", "profile: \"-\"", "7:26", "workloads[1].profile: found \"-\", expected a built-in profile's name or a path"},
        {"name: tts, profile: magpie-a100", "name: tts", "7:5", "workloads[1].profile: missing, expected a text"},
        {"profile: magpie-a100", "profile: [magpie-a100]", "7:26", "workloads[1].profile: found a sequence, expected a text"},
        {"profile: magpie-a100", "profile: magpie-a100, mpsPercentage: 0", "7:54",
         "workloads[1].mpsPercentage: found 0, expected a number from 1 to 100"},
        {"profile: magpie-a100", "profile: magpie-a100, memory: 1Gi", "7:47",
         "workloads[1].memory: found 1Gi, expected memory such as 9.6Gi or 512Mi, from 12.5 GiB to 8.00 TiB"},
        {"profile: magpie-a100", "profile: magpie-a100, parameters: {slot: 4}", "7:52", "workloads[1].parameters.slot: unknown key, did you mean slots?"},
        {"profile: magpie-a100", "profile: magpie-a100, parameters: {slots: 0}", "7:59",
         "workloads[1].parameters.slots: found 0, expected a number from 1 to 4096"},
        {"profile: magpie-a100", "profile: magpie-a100, replicas: 2", "7:39", "workloads[1].replicas: unknown key, expected one of..."},
        {"  - {name: llm, profile: nemotron-nano-8b-a100}\n", "  - llm\n", "8:5", "workloads[2]: found \"llm\", expected a mapping (key: value lines)"},
    };

    REFUSE(faults);
}

TEST(pipeline_gateway_network_conversation)
{
    static const struct fault faults[] = {
        {"kind: streaming", "kind: steaming", "9:18", "pipeline.kind: found \"steaming\", expected one of streaming, serial; did you mean streaming?"},
        {"kind: streaming", "llm: llmm", "9:17", "pipeline.llm: found \"llmm\", " WORKLOADS "; did you mean llm?"},
        {"kind: streaming", "llm: asr", "9:17",
         "pipeline.llm: found asr, whose profile parakeet-1.1b-a100 serves asr, expected a workload that serves llm"},
        {"kind: streaming", "asr: asr", "9:11", "pipeline.llm: missing, expected a workload that serves llm: a turn goes through it"},
        {"kind: streaming", "workers: 0", "9:21", "pipeline.workers: found 0, expected an integer from 1 to 10000"},
        {"kind: streaming", "sentences: {min: 50, max: 20}", "9:38", "pipeline.sentences.max: found 20, expected an integer from 50 to 2000"},
        {"kind: streaming", "timeouts: {llm: 0}", "9:28", "pipeline.timeouts.llm: found 0, " DURATION "from 1ms to 1h"},
        {"cpu: 0.5", "cpu: -1", "10:16", "gateway.cpu: found -1, expected a number from 0 to 1024"},
        {"cpu: 0.5", "cpus: 0.5", "10:11", "gateway.cpus: unknown key, did you mean cpu?"},
        {"value: 10ms", "value: 10", "10:42", "gateway.cost.turn.value: found 10, " DURATION "from 0 to 1m"},
        {"roundTrip: 500us", "roundTrip: 1h", "11:22", "network.roundTrip: found 1h, " DURATION "from 0 to 10s"},
        {"roundTrip: 500us", "rtt: 1ms", "11:11", "network.rtt: unknown key, expected roundTrip"},
        {"{mean: 60, cv: 0.5}", "-5", "12:23", "conversation.reply: found -5, expected a number from 1 to 4096"},
        {"mean: 60, cv: 0.5", "mean: 60, cv: 0.5, max: 30", "12:48", "conversation.reply.max: found 30, expected a number from 60 to 4096"},
        {"reply: {mean: 60, cv: 0.5}", "speech: 4", "12:24", "conversation.speech: found 4, " DURATION "from 100ms to 10m"},
        {"reply: {mean: 60, cv: 0.5}", "endpointing: {by: vad}", "12:34", "conversation.endpointing.by: found \"vad\", expected one of gateway, server, client"},
        {"reply: {mean: 60, cv: 0.5}", "bargeIn: 1.5", "12:25", "conversation.bargeIn: found 1.5, expected a number from 0 to 1"},
    };

    REFUSE(faults);
}

TEST(loads)
{
    static const struct fault faults[] = {
        {"users: 50", "users: 0", "14:18", "load.heavy.users: found 0, expected an integer from 1 to 100000"},
        {"users: 50", "users: -3", "14:18", "load.heavy.users: found -3, expected an integer from 1 to 100000"},
        {"users: 50", "users: 1000000000", "14:18", "load.heavy.users: found 1000000000, expected an integer from 1 to 100000"},
        {"users: 50", "users: 99999999999999999999999", "14:18", "load.heavy.users: found 99999999999999999999999, expected an integer from 1 to 100000"},
        {"users: 50", "users: many", "14:18", "load.heavy.users: found many, expected an integer from 1 to 100000"},
        {"users: 50", "user: 50", "14:11", "load.heavy.user: unknown key, did you mean users?"},
        {"users: 50, rampUp: 60s, hold: 300s, rampDown: 15s, thinkTime: 1s", "hold: 300s", "14:10",
         "load.heavy: found no load, expected users, arrivals or requests"},
        {"hold: 300s, ", "", "14:10", "load.heavy.hold: missing, " DURATION "from 1s to 720h"},
        {"hold: 300s", "hold: 0s", "14:41", "load.heavy.hold: found 0s, " DURATION "from 1s to 720h"},
        {"hold: 300s", "hold: 300", "14:41", "load.heavy.hold: found 300, " DURATION "from 1s to 720h"},
        {"thinkTime: 1s", "thinkTime: -1s", "14:73", "load.heavy.thinkTime: found -1s, " DURATION "from 0 to 24h"},
        {"users: 50", "users: 50, arrivals: {rate: 1}", "14:32", "load.heavy.arrivals: found beside users, expected one of them"},
        {"rate: 2.0", "rate: 0", "15:27", "load.open.arrivals.rate: found 0, expected a number from 1e-06 to 1000000"},
        {"rate: 2.0", "rate: .inf", "15:27", "load.open.arrivals.rate: found .inf, expected a number from 1e-06 to 1000000"},
        {"process: poisson", "process: possion", "15:41", "load.open.arrivals.process: found \"possion\", expected one of poisson, constant; did you mean poisson?"},
        {"rate: 2.0, process: poisson", "trace: nothing", "15:28", "load.open.arrivals.trace: found \"nothing\", expected the name of a built-in trace or a path..."},
        {"rate: 2.0, process: poisson", "trace: ./no.csv", "15:28", "load.open.arrivals.trace: ./no.csv: No such file or directory"},
        {"rate: 2.0, process: poisson", "trace: azure-2023-conversation, rate: 2", "15:59", "load.open.arrivals.rate: found beside trace, expected one of them"},
        {"rate: 2.0, process: poisson", "trace: azure-2023-conversation, offset: 1h", "15:61", "load.open.arrivals.offset: beyond the trace's end, expected at most 1199..."},
        {"hold: 60s}", "hold: 60s, requests: [{workload: vad}]}", "15:84", "load.open.requests[0].workload: found \"vad\", " WORKLOADS "..."},
        {"hold: 60s}", "hold: 60s, requests: [{workload: asr}]}", "15:73", "load.open.requests[0].concurrency: missing, expected an integer from 1 to 100000"},
        {"hold: 60s}", "hold: 60s, requests: [{workload: asr, concurrency: 1, prompt: 5}]}", "15:105",
         "load.open.requests[0].prompt: unknown key, expected one of..."},
        {"  open:", "  a b:", "15:3", "load.a b: expected a name of letters, digits and . _ + - (at most 63)"},
        {"  open:", "  heavy:", "15:3", "found the key \"heavy\" again, the first one is at 14:3"},
        {"compare: [heavy]", "compare: [haevy]", "16:11", "compare[0]: found \"haevy\", expected one of heavy, open; did you mean heavy?"},
        {"compare: [heavy]", "compare: heavy", "16:10", "compare: found \"heavy\", expected a sequence"},
    };

    REFUSE(faults);
}

TEST(objectives)
{
    static const struct fault faults[] = {
        {"success: 0.99", "success: 99", "17:52", "objectives.success: found 99, expected a number from 0 to 1"},
        {"p95: 1.5s", "p95: 1500", "17:36", "objectives.voice_to_voice.p95: found 1500, " DURATION "from 1ns to 24h"},
        {"p95: 1.5s", "p96: 1.5s", "17:31", "objectives.voice_to_voice.p96: unknown key, did you mean p95?"},
        {"{p95: 1.5s}", "{}", "17:30", "objectives.voice_to_voice: found no bound, expected mean, p50, p95 or p99"},
        {"voice_to_voice:", "voice2voice:", "17:14", "objectives.voice2voice: unknown key, did you mean voice_to_voice?"},
    };

    REFUSE(faults);
}

TEST(configurations)
{
    static const struct fault faults[] = {
        {"[{alone: asr}, {alone: tts}, {alone: llm}]", "[]", "19:14", "configurations.dedicated: found an empty sequence, expected a sequence of at least 1 item"},
        {"[{alone: asr}, {alone: tts}, {alone: llm}]", "[{alone: asr}, {alone: llm}]", "19:14", "configurations.dedicated: workload tts stands nowhere, expected it at least once"},
        {"[{alone: asr}, ", "[{alone: as}, ", "19:23", "configurations.dedicated[0].alone: found \"as\", " WORKLOADS "; did you mean asr?"},
        {"[{alone: asr}, ", "[{aloen: asr}, ", "19:16", "configurations.dedicated[0].aloen: unknown key, did you mean alone?"},
        {"[{alone: asr}, ", "[{alone: asr, mps: [asr, tts]}, ", "19:15",
         "configurations.dedicated[0]: found more than one of them, expected one of alone: w, timeSlicing: [w, w], mps: [w, w], mig: {3g.40gb@0: w}"},
        {"[{alone: asr}, ", "[{}, ", "19:15", "configurations.dedicated[0]: found none of them, expected one of alone..."},
        {"[{alone: asr}, ", "[asr, ", "19:15", "configurations.dedicated[0]: found \"asr\", expected a mapping (key: value lines)"},
        {"timeSlicing: [asr, tts]", "timeSlicing: asr", "20:26", "configurations.sliced[0].timeSlicing: found \"asr\", expected a sequence of at least 1 item"},
        {"timeSlicing: [asr, tts]", "timeSlicing: [asr, vad]", "20:32", "configurations.sliced[0].timeSlicing[1]: found \"vad\", " WORKLOADS "..."},
        {"timeSlicing: [asr, tts]", "timeSlicing: [asr, tts, llm]", "20:26",
         "configurations.sliced[0].timeSlicing: memory does not fit: asr 8.94 GiB + tts 12.5 GiB + llm 68.2 GiB = 89.6 GiB, A100-SXM4-80GB has 80.0 GiB..."},
        {"timeSlicing: [asr, tts]", "mps: [asr, tts, llm]", "20:18",
         "configurations.sliced[0].mps: memory does not fit: asr 8.94 GiB + tts 12.5 GiB + llm 68.2 GiB = 89.6 GiB, A100-SXM4-80GB has 80.0 GiB..."},
        {"  sliced:", "  a/b:", "20:3", "configurations.a/b: expected a name of letters, digits and . _ + - (at most 63)"},
    };

    REFUSE(faults);
}

TEST(mig_layouts)
{
    static const struct fault faults[] = {
        {"3g.40gb@0: asr", "3g.40gb@2: asr", "21:16", "configurations.mig[0].mig.3g.40gb@2: ..."},
        {"3g.40gb@0: asr", "5g.40gb@0: asr", "21:16", "configurations.mig[0].mig.5g.40gb@0: A100-SXM4-80GB has no profile 5g.40gb; it has ..."},
        {"3g.40gb@0: asr", "3g.40gb@x: asr", "21:16", "configurations.mig[0].mig.3g.40gb@x: found \"3g.40gb@x\", expected PROFILE@SLICE such as 3g.40gb@0"},
        {"3g.40gb@0: asr", "4g.40gb@4: asr", "21:16", "configurations.mig[0].mig.4g.40gb@4: ..."},
        {"3g.40gb@4: tts", "2g.20gb@2: tts", "21:15", "configurations.mig[0].mig: 3g.40gb@0 ..."},
        {"3g.40gb@4: tts", "4g.40gb@0: tts", "21:15", "configurations.mig[0].mig: ..."},
        {"3g.40gb@0: asr", "7g.80gb: asr", "21:15", "configurations.mig[0].mig: 7g.80gb do not fit..."},
        {"3g.40gb@0: asr", "1g.10gb@0: tts", "21:27",
         "configurations.mig[0].mig: memory does not fit: tts 12.5 GiB, 1g.10gb@0 has 9..."},
        {"3g.40gb@4: tts", "3g.40gb@4: {mps: [tts], timeSlicing: [tts]}", "21:43", "configurations.mig[0].mig.3g.40gb@4: found a mapping, expected a workload..."},
        {"3g.40gb@4: tts", "3g.40gb@4: null", "21:8", "configurations.mig: workload tts stands nowhere, expected it at least once"},
        {"{3g.40gb@0: asr, 3g.40gb@4: tts}", "{}", "21:15", "configurations.mig[0].mig: found an empty mapping, expected a mapping of at least 1 name"},
        {"{3g.40gb@0: asr, 3g.40gb@4: tts}", "[{profile: 3g.40gb, start: 9, workload: asr}]", "21:26", "configurations.mig[0].mig[0].profile: ..."},
        {"{3g.40gb@0: asr, 3g.40gb@4: tts}", "[{profil: 3g.40gb}]", "21:16", "configurations.mig[0].mig[0].profile: missing, expected a text"},
    };

    REFUSE(faults);
}

/* Legal layouts near the one that is not are named. */
TEST(an_illegal_layout_is_answered_with_legal_ones)
{
    struct buf text;
    struct err err = {0};

    buf_init(&text, 1 << 16);
    put_case(&text, &(struct fault){.find = "3g.40gb@4: tts", .put = "4g.40gb@0: tts"});
    CHECK(!scenario_parse("s.yaml", buf_str(&text), text.len, &err));
    CHECK_CONTAINS(err.msg, "overlap");
    CHECK_CONTAINS(err.msg, "Legal and near it: ");
    CHECK_CONTAINS(err.msg, "4g.40gb@0 3g.40gb@4");
    buf_done(&text);
}

TEST(a_gpu_without_mig_has_no_instances)
{
    struct err err = {0};
    const char *text = "kind: Scenario\nmetadata: {name: x}\ngpus: {model: L40S-48GB}\nworkloads: []\n";

    CHECK(!scenario_parse("s.yaml", text, strlen(text), &err));
    CHECK_STR(err.msg, "s.yaml:4:12: workloads: found an empty sequence, expected a sequence of at least 1 item");
}

TEST(files_that_are_none)
{
    struct err err = {0};

    CHECK(!scenario_load("/nonexistent/s.yaml", &err));
    CHECK_EQ(err.kind, ERR_OUTSIDE);
    CHECK_STR(err.msg, "/nonexistent/s.yaml: No such file or directory");
    CHECK(!scenario_parse("s.yaml", "", 0, &err));
    CHECK_STR(err.msg, "s.yaml:1:1: found null, expected a mapping (key: value lines)");
    CHECK(!scenario_parse("s.yaml", "\x7f" "ELF\x02\x01", 6, &err));
    CHECK_EQ(err.kind, ERR_INPUT);
}

/* Every file that is cut off anywhere is refused with a place, or is whole without what was cut. */
TEST(truncated_anywhere)
{
    for (size_t n = 0; n < sizeof BASE - 1; n++) {
        struct err err = {0};
        struct scenario *s = scenario_parse("s.yaml", BASE, n, &err);
        if (s)
            CHECK(strstr(BASE + n, "]\n  sliced: [") == NULL || BASE[n] == '\n'); /* one configuration and all before it at least */
        else
            CHECK(err.kind == ERR_INPUT && strncmp(err.msg, "s.yaml:", 7) == 0);
        scenario_free(s);
    }
}

/* One byte of the file is another one: a scenario or a message with a place, and nothing leaks (under ASan). */
PROPERTY(one_byte_changed, 500)
{
    char text[sizeof BASE];
    struct err err = {0};
    struct scenario *s;

    memcpy(text, BASE, sizeof BASE);
    text[rng_below(&g->rng, sizeof BASE - 1)] = (char)rng_below(&g->rng, 256);
    s = scenario_parse("s.yaml", text, sizeof BASE - 1, &err);
    CHECK((s != NULL) == (err.kind == ERR_NONE));
    if (!s)
        CHECK(strncmp(err.msg, "s.yaml:", 7) == 0 && !strchr(err.msg, '\n'));
    scenario_free(s);
}
