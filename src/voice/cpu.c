/* SPDX-License-Identifier: Apache-2.0 */
#include "voice/cpu.h"

#include <math.h>

#include "base/mem.h"

static void begin(struct cpu *c)
{
    c->head_from = c->world->now;
    timer_start(c->world, &c->timer, c->world->now + (int64_t)ceil((double)c->head->cost / c->cores));
}

static void unlink_job(struct cpu *c, struct cpu_job *j)
{
    *(j->prev ? &j->prev->next : &c->head) = j->next;
    *(j->next ? &j->next->prev : &c->tail) = j->prev;
    j->queued = false;
}

static void on_timer(struct timer *t)
{
    struct cpu *c = CONTAINER_OF(t, struct cpu, timer);
    struct cpu_job *j = c->head;

    c->busy += (double)(c->world->now - c->head_from);
    unlink_job(c, j);
    if (c->head)
        begin(c);
    j->run(j);
}

void cpu_init(struct cpu *c, struct world *w, double cores)
{
    *c = (struct cpu){.world = w, .cores = cores, .timer = {.fire = on_timer}};
}

void cpu_done(struct cpu *c)
{
    timer_stop(c->world, &c->timer);
    c->head = c->tail = NULL;
}

void cpu_run(struct cpu *c, struct cpu_job *job, int64_t cost)
{
    if (c->cores <= 0 || (cost <= 0 && !c->head)) {
        job->run(job);
        return;
    }
    job->cost = cost;
    job->queued = true;
    job->next = NULL;
    job->prev = c->tail;
    *(c->tail ? &c->tail->next : &c->head) = job;
    c->tail = job;
    if (c->head == job)
        begin(c);
}

/* What was done of the head's work counts; the rest is not done. */
void cpu_cancel(struct cpu *c, struct cpu_job *job)
{
    bool head = job->queued && c->head == job;

    if (!job->queued)
        return;
    unlink_job(c, job);
    if (!head)
        return;
    c->busy += (double)(c->world->now - c->head_from);
    timer_stop(c->world, &c->timer);
    if (c->head)
        begin(c);
}

double cpu_busy(const struct cpu *c)
{
    return c->busy + (c->head ? (double)(c->world->now - c->head_from) : 0);
}
