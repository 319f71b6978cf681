/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { BAR = 30 };

static const double quiet_s = 1, redraw_s = 0.1;

struct progress {
    const char *what;
    bool wanted, drawn;
    pthread_mutex_t lock;
    double start, last, done; /* s, s, 0..1 */
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct progress *progress_new(const struct cli *cli, const char *what)
{
    struct progress *p = xcalloc(1, sizeof *p);

    p->what = what;
    p->wanted = !cli->quiet && isatty(STDERR_FILENO);
    p->start = p->last = now_s();
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    if (p->drawn)
        fputs("\r\033[K", stderr);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void draw(struct progress *p, double now)
{
    char bar[BAR + 1];
    int full = (int)(p->done * BAR);
    double left = p->done > 0 ? (now - p->start) * (1 - p->done) / p->done : 0;

    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%, %.0f s left\033[K", p->what, bar, p->done * 100, left);
    fflush(stderr);
    p->drawn = true;
    p->last = now;
}

void progress_set(void *arg, double done)
{
    struct progress *p = arg;
    double now;

    if (!p->wanted)
        return;
    pthread_mutex_lock(&p->lock);
    now = now_s();
    if (done > p->done)
        p->done = done < 1 ? done : 1;
    if (now - p->start > quiet_s && now - p->last > redraw_s)
        draw(p, now);
    pthread_mutex_unlock(&p->lock);
}
