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
