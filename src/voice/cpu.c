/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/cpu.h"

#include <math.h>

#include "base/mem.h"

static struct cpu_thread *idle_thread(struct cpu *c)
{
    for (uint32_t i = 0; i < c->threads; i++)
        if (!c->thread[i].job)
            return &c->thread[i];
    return NULL;
}

static void begin(struct cpu *c, struct cpu_thread *t, struct cpu_job *j)
{
    double pace = fmax(1, (double)c->threads / c->cores);

    t->job = j;
    t->from = c->world->now;
    j->on = t;
    c->working++;
    timer_start(c->world, &t->timer, c->world->now + (int64_t)ceil((double)j->cost * pace));
}

static void unlink_job(struct cpu *c, struct cpu_job *j)
{
    *(j->prev ? &j->prev->next : &c->head) = j->next;
    *(j->next ? &j->next->prev : &c->tail) = j->prev;
}

/* The thread's job is over, done or taken back; the one that waits longest begins. */
static void leave(struct cpu *c, struct cpu_thread *t)
{
    struct cpu_job *next = c->head;

    c->busy += (double)(c->world->now - t->from) / c->threads;
    t->job->on = NULL;
    t->job->queued = false;
    t->job = NULL;
    c->working--;
    if (!next)
        return;
    unlink_job(c, next);
    begin(c, t, next);
}

static void on_timer(struct timer *timer)
{
    struct cpu_thread *t = CONTAINER_OF(timer, struct cpu_thread, timer);
    struct cpu_job *j = t->job;

    leave(t->cpu, t);
    j->run(j);
}

void cpu_init(struct cpu *c, struct world *w, double cores)
{
    *c = (struct cpu){.world = w,
                      .cores = cores,
                      .threads = (uint32_t)fmin(CPU_MAX_THREADS, ceil(fmax(0, cores)))};
    for (uint32_t i = 0; i < c->threads; i++)
        c->thread[i] = (struct cpu_thread){.timer.fire = on_timer, .cpu = c};
}

void cpu_done(struct cpu *c)
{
    for (uint32_t i = 0; i < c->threads; i++)
        timer_stop(c->world, &c->thread[i].timer);
    c->head = c->tail = NULL;
}

void cpu_run(struct cpu *c, struct cpu_job *job, int64_t cost)
{
    if (c->threads == 0 || (cost <= 0 && c->working < c->threads)) {
        job->run(job);
        return;
    }
    job->cost = cost;
    job->queued = true;
    if (c->working < c->threads) {
        begin(c, idle_thread(c), job);
        return;
    }
    job->next = NULL;
    job->prev = c->tail;
    *(c->tail ? &c->tail->next : &c->head) = job;
    c->tail = job;
}

void cpu_cancel(struct cpu *c, struct cpu_job *job)
{
    if (!job->queued)
        return;
    if (job->on) { /* what was done of it counts */
        timer_stop(c->world, &job->on->timer);
        leave(c, job->on);
        return;
    }
    unlink_job(c, job);
    job->queued = false;
}

double cpu_busy(const struct cpu *c)
{
    double busy = c->busy;

    for (uint32_t i = 0; i < c->threads; i++)
        if (c->thread[i].job)
            busy += (double)(c->world->now - c->thread[i].from) / c->threads;
    return busy;
}

const char *cpu_check(const struct cpu *c)
{
    uint32_t working = 0;

    for (uint32_t i = 0; i < c->threads; i++) {
        working += c->thread[i].job != NULL;
        if ((c->thread[i].job != NULL) != (timer_running(&c->thread[i].timer) != 0))
            return "a CPU thread has work that nothing will ever end";
    }
    if (working != c->working || (c->head && working < c->threads))
        return "CPU work waits beside an idle thread";
    if (cpu_busy(c) > (double)c->world->now * (1 + 1e-9) + 1)
        return "CPU busy time above wall time";
    return NULL;
}
