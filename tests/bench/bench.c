/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed and size: ./dev bench [NAME] [-o json]. Every line is a ratio to a stated goal, measured
 * here and now; nothing of it is a test. CPU seconds are of this process, so that other work on the
 * machine disturbs little.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/stats.h"
#include "sim/run.h"

extern char **environ;

struct bench {
    const char *snug; /* the program */
    const char *only; /* name or its beginning; NULL: all */
    json_t *results;
    struct scenario *scenario;
    struct stock *stock;
};

static double clock_s(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool wanted(const struct bench *b, const char *name)
{
    return !b->only || strncmp(name, b->only, strlen(b->only)) == 0;
}

/*
 * goal_is_most: the value must not exceed the goal; else it must reach it. ratio is value/goal or
 * goal/value, 1 or more is good.
 */
static void result(struct bench *b, const char *name, double value, const char *unit,
                   const char *against, double goal, bool goal_is_most)
{
    double ratio = goal_is_most ? goal / value : value / goal;

    json_array_append_new(b->results, json_pack("{s:s, s:f, s:s, s:s, s:f, s:f, s:b}", "name", name, "value", value, "unit", unit,
                                                "against", against, "ratio", ratio, "goal", goal, "holds", ratio >= 1));
    fprintf(stderr, "%-22s %12.5g %-28s goal %s %-9g %s (%s)\n", name, value, unit, goal_is_most ? "<=" : ">=", goal,
            ratio >= 1 ? "holds" : "MISSED", against);
}

struct cost {
    double cpu_s, simulated_s;
    uint64_t events, turns;
};

static struct cost run_once(struct bench *b, const char *configuration, const char *load, int64_t hold, uint64_t seed)
{
    struct run_spec spec = {.scenario = b->scenario, .stock = b->stock, .seed = seed, .hold = hold};
    struct err err = {0};
    struct cost c;
    struct run *r;
    double start;

    spec.configuration = scenario_find_configuration(b->scenario, configuration, &err);
    spec.load = scenario_find_load(b->scenario, load, &err);
    start = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    r = spec.configuration && spec.load ? run_new(&spec, &err) : NULL;
    if (!r) {
        fprintf(stderr, "bench: %s\n", err.msg);
        exit(3);
    }
    c = (struct cost){clock_s(CLOCK_PROCESS_CPUTIME_ID) - start, (double)r->end / 1e9, r->events,
                      recorder_counts(r->recorder)->started};
    run_free(r);
    return c;
}

/* The slowest of the scenario's configurations, each the best of five runs. */
static void bench_voice(struct bench *b)
{
    double slowest = INFINITY, ns_event = 0;

    for (size_t i = 0; i < b->scenario->configuration_count; i++) {
        const char *name = b->scenario->configurations[i].name;
        double best = 0, ns = 0;
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct cost c = run_once(b, name, "heavy", 0, seed);
            if (c.simulated_s / c.cpu_s > best) {
                best = c.simulated_s / c.cpu_s;
                ns = c.cpu_s / (double)c.events * 1e9;
            }
        }
        fprintf(stderr, "  %-20s %8.0f simulated s per CPU s, %5.0f ns/event\n", name, best, ns);
        if (best < slowest) {
            slowest = best;
            ns_event = ns;
        }
    }
    result(b, "sim.voice_heavy", slowest, "x real time, slowest config", "BLIS 93 to 251 for one 8B server, as measured elsewhere", 10000, false);
    result(b, "sim.event", ns_event, "ns per event there", "10,000 x real time at 600 events/s", 167, true);
}

static double resident_mib(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

/* Cost per turn and memory at a million turns, against ten thousand of the same run's kind. */
static void bench_turns(struct bench *b)
{
    struct cost rate = run_once(b, "mig", "heavy", 0, 1), few = {.cpu_s = INFINITY}, many;
    double per_s = (double)rate.turns / rate.simulated_s;

    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct cost c = run_once(b, "mig", "heavy", (int64_t)(1e4 / per_s) * NS_PER_S, seed);
        if (c.cpu_s / (double)c.turns < few.cpu_s / (double)(few.turns + 1))
            few = c;
    }
    many = run_once(b, "mig", "heavy", (int64_t)(1e6 / per_s) * NS_PER_S, 1);
    fprintf(stderr, "  %llu turns: %.2f us a turn; %llu turns: %.2f us a turn\n", (unsigned long long)few.turns,
            few.cpu_s / (double)few.turns * 1e6, (unsigned long long)many.turns, many.cpu_s / (double)many.turns * 1e6);
    result(b, "sim.turn_cost", (many.cpu_s / (double)many.turns) / (few.cpu_s / (double)few.turns), "cost at 1e6 / at 1e4 turns",
           "constant cost", 1.10, true);
    result(b, "sim.memory", resident_mib(), "MiB resident at 1e6 turns", "stated goal", 64, true);
}

static double run_program(const struct bench *b, char *const argv[])
{
    posix_spawn_file_actions_t fa;
    double start = clock_s(CLOCK_MONOTONIC);
    int status = -1;
    pid_t pid;

    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", 1, 0);
    if (posix_spawn(&pid, b->snug, &fa, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&fa);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        fprintf(stderr, "bench: %s %s did not work\n", b->snug, argv[1]);
        exit(3);
    }
    return clock_s(CLOCK_MONOTONIC) - start;
}

static void bench_compare(struct bench *b)
{
    char *plain[] = {"snug", "compare", "-f", "examples/voice.yaml", "-q", "-o", "json", NULL};
    char *headroom[] = {"snug", "compare", "-f", "examples/voice.yaml", "-q", "-o", "json", "--headroom", NULL};

    if (wanted(b, "compare.voice"))
        result(b, "compare.voice", run_program(b, plain), "s wall, 7 configs, 2 loads, 5 reps", "stated goal", 2, true);
    if (wanted(b, "compare.headroom"))
        result(b, "compare.headroom", run_program(b, headroom), "s wall, with the search", "stated goal", 10, true);
}

int main(int argc, char **argv)
{
    struct bench b = {.results = json_array()};
    struct err err = {0};
    bool as_json = false, all = true;
    json_t *object;

    if (argc < 2)
        return 2;
    b.snug = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            as_json = strcmp(argv[++i], "json") == 0;
        else
            b.only = argv[i];
    }
    b.scenario = scenario_load("examples/voice.yaml", &err);
    if (!b.scenario) {
        fprintf(stderr, "bench: %s\n", err.msg);
        return 3;
    }
    b.stock = stock_new();
    if (wanted(&b, "sim.voice_heavy") || wanted(&b, "sim.event"))
        bench_voice(&b);
    if (wanted(&b, "sim.turn_cost") || wanted(&b, "sim.memory"))
        bench_turns(&b);
    bench_compare(&b);
    for (size_t i = 0; i < json_array_size(b.results); i++)
        all = all && json_is_true(json_object_get(json_array_get(b.results, i), "holds"));
    object = json_pack("{s:s, s:o}", "kind", "Bench", "results", b.results);
    if (as_json) {
        json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        putchar('\n');
    }
    json_decref(object);
    stock_free(b.stock);
    scenario_free(b.scenario);
    return all ? 0 : 1;
}
