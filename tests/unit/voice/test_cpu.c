/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/cpu.h"

#include "base/mem.h"
#include "check.h"
#include "sim/virtual.h"

struct task {
    struct cpu_job job;
    struct world *w;
    int64_t done_at;
};

static void done(struct cpu_job *j)
{
    struct task *t = CONTAINER_OF(j, struct task, job);

    t->done_at = t->w->now;
}

TEST(half_a_core_takes_twice_the_time_first_come_first_served)
{
    struct virtual_world *v = virtual_new();
    struct task a = {.job.run = done, .w = virtual_world(v), .done_at = -1}, b = a, c = a;
    struct cpu cpu;

    cpu_init(&cpu, virtual_world(v), 0.5);
    cpu_run(&cpu, &a.job, 10);
    cpu_run(&cpu, &b.job, 0);
    cpu_run(&cpu, &c.job, 5);
    virtual_run(v, 100);
    CHECK_EQ(a.done_at, 20);
    CHECK_EQ(b.done_at, 20);
    CHECK_EQ(c.done_at, 30);
    CHECK_NEAR(cpu_busy(&cpu), 30, 1e-9);
    virtual_free(v);
}

TEST(without_cores_or_cost_a_job_runs_at_once)
{
    struct virtual_world *v = virtual_new();
    struct task a = {.job.run = done, .w = virtual_world(v), .done_at = -1}, b = a;
    struct cpu free_cpu, cpu;

    cpu_init(&free_cpu, virtual_world(v), 0);
    cpu_init(&cpu, virtual_world(v), 1);
    cpu_run(&free_cpu, &a.job, 1000);
    cpu_run(&cpu, &b.job, 0);
    CHECK_EQ(a.done_at, 0);
    CHECK_EQ(b.done_at, 0);
    CHECK_EQ(virtual_run(v, 10), 0);
    virtual_free(v);
}

TEST(a_cancelled_job_never_runs_and_the_next_begins)
{
    struct virtual_world *v = virtual_new();
    struct task a = {.job.run = done, .w = virtual_world(v), .done_at = -1}, b = a, c = a;
    struct cpu cpu;

    cpu_init(&cpu, virtual_world(v), 1);
    cpu_run(&cpu, &a.job, 10);
    cpu_run(&cpu, &b.job, 10);
    cpu_run(&cpu, &c.job, 10);
    cpu_cancel(&cpu, &b.job);
    virtual_run(v, 4);
    cpu_cancel(&cpu, &a.job);
    cpu_cancel(&cpu, &a.job);
    virtual_run(v, 100);
    CHECK_EQ(a.done_at, -1);
    CHECK_EQ(b.done_at, -1);
    CHECK_EQ(c.done_at, 14);
    CHECK_NEAR(cpu_busy(&cpu), 14, 1e-9);
    virtual_free(v);
}

TEST(a_job_never_gets_more_than_one_core)
{
    static const struct {
        double cores;
        int64_t first, second, third; /* ends of three jobs of 12 ns */
    } cases[] = {
        {1, 12, 24, 36}, {1.5, 16, 16, 32}, {2, 12, 12, 24}, {3, 12, 12, 12}, {64.5, 12, 12, 12}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct virtual_world *v = virtual_new();
        struct task a = {.job.run = done, .w = virtual_world(v), .done_at = -1}, b = a, c = a;
        struct cpu cpu;

        cpu_init(&cpu, virtual_world(v), cases[i].cores);
        cpu_run(&cpu, &a.job, 12);
        cpu_run(&cpu, &b.job, 12);
        cpu_run(&cpu, &c.job, 12);
        virtual_run(v, 100);
        CHECK_EQ(a.done_at, cases[i].first);
        CHECK_EQ(b.done_at, cases[i].second);
        CHECK_EQ(c.done_at, cases[i].third);
        virtual_free(v);
    }
}

/* Jobs come and are taken back at any time: order kept, nothing lost, the quota never exceeded. */
PROPERTY(any_jobs_keep_the_invariants, 1000)
{
    struct virtual_world *v = virtual_new();
    struct world *w = virtual_world(v);
    struct task tasks[40];
    bool cancelled[40] = {0};
    size_t n = 1 + gen_size(g, 39);
    double cores = gen_real(g, 0.1, 4), asked = 0;
    struct cpu cpu;

    cpu_init(&cpu, w, cores);
    for (size_t i = 0; i < n; i++) {
        size_t k = gen_size(g, n - 1);
        int64_t cost = gen_range(g, 0, 50), until = w->now + gen_range(g, 0, 40);
        tasks[i] = (struct task){.job.run = done, .w = w, .done_at = -1};
        cpu_run(&cpu, &tasks[i].job, cost);
        asked += (double)cost;
        while (virtual_step(v, until))
            CHECK(!cpu_check(&cpu));
        w->now = until;
        if (k > i || tasks[k].done_at >= 0 || !gen_bool(g))
            continue;
        cpu_cancel(&cpu, &tasks[k].job);
        cancelled[k] = true;
        CHECK(!cpu_check(&cpu));
    }
    while (virtual_step(v, TIME_NEVER))
        CHECK(!cpu_check(&cpu));
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(tasks[i].done_at >= 0, !cancelled[i]);
    CHECK(cpu_busy(&cpu) * cores <=
          asked + (double)n * 4); /* rounding up: under a ns a job and thread */
    virtual_free(v);
}
