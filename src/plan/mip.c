/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/mip.h"

#include <coin/Cbc_C_Interface.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { QUICK_NODES = 300 };

struct entry {
    int row, column;
    double value;
};

struct mip {
    double *lo, *hi, *cost;
    char *integer;
    size_t columns, lo_cap, hi_cap, cost_cap, integer_cap;
    double *row_lo, *row_hi;
    size_t rows, row_lo_cap, row_hi_cap;
    struct entry *entries;
    size_t entry_count, entry_cap;
};

struct mip *mip_new(void)
{
    return xcalloc(1, sizeof(struct mip));
}

void mip_free(struct mip *m)
{
    if (!m)
        return;
    free(m->lo);
    free(m->hi);
    free(m->cost);
    free(m->integer);
    free(m->row_lo);
    free(m->row_hi);
    free(m->entries);
    free(m);
}

int mip_column(struct mip *m, double lo, double hi, bool integer)
{
    size_t i = m->columns++;

    GROW(m->lo, m->lo_cap, i + 1);
    GROW(m->hi, m->hi_cap, i + 1);
    GROW(m->cost, m->cost_cap, i + 1);
    GROW(m->integer, m->integer_cap, i + 1);
    m->lo[i] = lo;
    m->hi[i] = hi;
    m->cost[i] = 0;
    m->integer[i] = integer;
    return (int)i;
}

int mip_row(struct mip *m, double lo, double hi)
{
    size_t i = m->rows++;

    GROW(m->row_lo, m->row_lo_cap, i + 1);
    GROW(m->row_hi, m->row_hi_cap, i + 1);
    m->row_lo[i] = lo;
    m->row_hi[i] = hi;
    return (int)i;
}

void mip_set(struct mip *m, int row, int column, double value)
{
    GROW(m->entries, m->entry_cap, m->entry_count + 1);
    m->entries[m->entry_count++] = (struct entry){row, column, value};
}

void mip_bounds(struct mip *m, int column, double lo, double hi)
{
    m->lo[column] = lo;
    m->hi[column] = hi;
}

void mip_row_bounds(struct mip *m, int row, double lo, double hi)
{
    m->row_lo[row] = lo;
    m->row_hi[row] = hi;
}

void mip_cost(struct mip *m, int column, double cost)
{
    m->cost[column] = cost;
}

void mip_clear_costs(struct mip *m)
{
    for (size_t i = 0; i < m->columns; i++)
        m->cost[i] = 0;
}

void mip_integer(struct mip *m, int column, bool integer)
{
    m->integer[column] = integer;
}

size_t mip_columns(const struct mip *m)
{
    return m->columns;
}

size_t mip_rows(const struct mip *m)
{
    return m->rows;
}

double mip_violation(const struct mip *m, const double *x)
{
    double *activity = xcalloc(m->rows + 1, sizeof *activity), worst = 0;

    for (size_t i = 0; i < m->entry_count; i++)
        activity[m->entries[i].row] += m->entries[i].value * x[m->entries[i].column];
    for (size_t i = 0; i < m->rows; i++)
        worst = fmax(worst, fmax(m->row_lo[i] - activity[i], activity[i] - m->row_hi[i]));
    for (size_t i = 0; i < m->columns; i++)
        worst = fmax(worst, fmax(m->lo[i] - x[i], x[i] - m->hi[i]));
    free(activity);
    return worst;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Entries by column for the solver: a counting sort, stable, so that the same program is the same input. */
static void load(const struct mip *m, Cbc_Model *cbc)
{
    CoinBigIndex *start = xcalloc(m->columns + 2, sizeof *start);
    int *index = xmalloc((m->entry_count + 1) * sizeof *index);
    double *value = xmalloc((m->entry_count + 1) * sizeof *value);
    double *lo = xmalloc((m->columns + 1) * sizeof *lo), *hi = xmalloc((m->columns + 1) * sizeof *hi);
    double *row_lo = xmalloc((m->rows + 1) * sizeof *lo), *row_hi = xmalloc((m->rows + 1) * sizeof *hi);

    for (size_t i = 0; i < m->entry_count; i++)
        start[m->entries[i].column + 2]++;
    for (size_t i = 2; i < m->columns + 2; i++)
        start[i] += start[i - 1];
    for (size_t i = 0; i < m->entry_count; i++) {
        CoinBigIndex at = start[m->entries[i].column + 1]++;
        index[at] = m->entries[i].row;
        value[at] = m->entries[i].value;
    }
    for (size_t i = 0; i < m->columns; i++) {
        lo[i] = isinf(m->lo[i]) ? -DBL_MAX : m->lo[i];
        hi[i] = isinf(m->hi[i]) ? DBL_MAX : m->hi[i];
    }
    for (size_t i = 0; i < m->rows; i++) {
        row_lo[i] = isinf(m->row_lo[i]) ? -DBL_MAX : m->row_lo[i];
        row_hi[i] = isinf(m->row_hi[i]) ? DBL_MAX : m->row_hi[i];
    }
    Cbc_loadProblem(cbc, (int)m->columns, (int)m->rows, start, index, value, lo, hi, m->cost, row_lo, row_hi);
    for (size_t i = 0; i < m->columns; i++)
        if (m->integer[i])
            Cbc_setInteger(cbc, (int)i);
    free(start);
    free(index);
    free(value);
    free(lo);
    free(hi);
    free(row_lo);
    free(row_hi);
}

static void take_solution(const struct mip *m, const double *x, struct mip_result *ret)
{
    ret->x = xmalloc((m->columns + 1) * sizeof *ret->x);
    ret->value = 0;
    for (size_t i = 0; i < m->columns; i++) {
        double v = m->integer[i] ? nearbyint(x[i]) : x[i];
        if (v < m->lo[i])
            v = m->lo[i];
        if (v > m->hi[i])
            v = m->hi[i];
        ret->x[i] = v;
        ret->value += v * m->cost[i];
    }
}

static void solve_once(const struct mip *m, const struct mip_limits *limits, double seconds, bool quick,
                       const double *start, struct mip_result *ret)
{
    Cbc_Model *cbc = Cbc_newModel();
    double began = now();

    *ret = (struct mip_result){.status = MIP_UNKNOWN, .bound = -HUGE_VAL};
    if (m->columns == 0) {
        bool ok = true;
        for (size_t i = 0; i < m->rows; i++)
            ok = ok && m->row_lo[i] <= 0 && m->row_hi[i] >= 0;
        ret->status = ok ? MIP_OPTIMAL : MIP_INFEASIBLE;
        ret->x = ok ? xcalloc(1, sizeof *ret->x) : NULL;
        ret->bound = 0;
        Cbc_deleteModel(cbc);
        return;
    }
    load(m, cbc);
    Cbc_setObjSense(cbc, 1);
    Cbc_setLogLevel(cbc, 0);
    Cbc_setParameter(cbc, "timeMode", "elapsed");
    if (seconds > 0)
        Cbc_setMaximumSeconds(cbc, seconds);
    Cbc_setAllowableGap(cbc, limits && limits->step > 0 ? limits->step * 0.99 : 1e-9);
    Cbc_setAllowableFractionGap(cbc, 0);
    if (start) {
        int *at = xmalloc((m->columns + 1) * sizeof *at);
        for (size_t i = 0; i < m->columns; i++)
            at[i] = (int)i;
        Cbc_setMIPStartI(cbc, (int)m->columns, at, start);
        free(at);
    }
    /*
     * Without its preprocessing CBC 2.10.8's MIR cuts were wrong on live fleets of mixed models: "optimal" with 119
     * moves where 116 are possible. They stay off, whatever they would gain.
     */
    Cbc_setParameter(cbc, "mixedIntegerRoundingCuts", "off");
    Cbc_setParameter(cbc, "twoMirCuts", "off");
    if (quick) {
        Cbc_setParameter(cbc, "preprocess", "off");
        Cbc_setParameter(cbc, "presolve", "off");
        Cbc_setMaximumNodes(cbc, QUICK_NODES);
    }
    Cbc_solve(cbc);
    if (Cbc_isProvenInfeasible(cbc)) {
        ret->status = MIP_INFEASIBLE;
    } else {
        const double *x = Cbc_bestSolution(cbc);
        bool done = Cbc_isProvenOptimal(cbc);
        ret->bound = Cbc_getBestPossibleObjValue(cbc);
        if (!x && done)
            x = Cbc_getColSolution(cbc);
        if (x)
            take_solution(m, x, ret);
        ret->status = x ? (done ? MIP_OPTIMAL : MIP_FEASIBLE) : MIP_UNKNOWN;
        if (ret->status == MIP_OPTIMAL) /* the gap allowed is below one step of the objective */
            ret->bound = ret->value;
    }
    ret->seconds = now() - began;
    Cbc_deleteModel(cbc);
}

/*
 * Twice at most: as it stands, which is best for most of our programs (a live fleet of 3,000 H100: 0.1 s against 0.6
 * s), for a number of nodes, not of seconds, so that the same input is the same search; then with preprocessing, from
 * the best solution so far.
 */
static void solve_here(const struct mip *m, const struct mip_limits *limits, struct mip_result *ret)
{
    double began = now(), seconds = limits ? limits->seconds : 0;
    struct mip_result first;

    solve_once(m, limits, seconds, true, limits ? limits->start : NULL, ret);
    if (ret->status == MIP_OPTIMAL || ret->status == MIP_INFEASIBLE)
        return;
    first = *ret;
    if (seconds > 0)
        seconds = fmax(seconds - (now() - began), 0.05);
    solve_once(m, limits, seconds, false, first.x ? first.x : limits ? limits->start : NULL, ret);
    if (first.x && (!ret->x || first.value < ret->value)) {
        free(ret->x);
        ret->x = TAKE(first.x);
        ret->value = first.value;
        if (ret->status == MIP_UNKNOWN || ret->status == MIP_INFEASIBLE)
            ret->status = MIP_FEASIBLE;
    }
    if (ret->status != MIP_OPTIMAL)
        ret->bound = fmax(ret->bound, first.bound);
    ret->seconds = now() - began;
    free(first.x);
}

/* What a child process sends back; the solution's columns follow where there is one. */
struct wire {
    int status, solved;
    double value, bound;
};

static bool put_all(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w <= 0 && errno != EINTR)
            return false;
        if (w > 0) {
            p += w;
            n -= (size_t)w;
        }
    }
    return true;
}

_Noreturn static void solve_in_child(const struct mip *m, const struct mip_limits *limits, int fd)
{
    struct mip_result r;
    struct wire w;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    /* The parent decides on SIGINT; CBC sets its own handler while it searches, which ends the search in order. */
    sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (null >= 0)
        dup2(null, STDOUT_FILENO); /* CBC prints what it was asked not to */
    solve_here(m, limits, &r);
    w = (struct wire){(int)r.status, r.x != NULL, r.value, r.bound};
    if (put_all(fd, &w, sizeof w) && r.x)
        put_all(fd, r.x, m->columns * sizeof *r.x);
    _exit(0);
}

/* Reads n bytes unless it is stopped, or the time (0: none) is over. */
static bool get_all(int fd, void *data, size_t n, double until, const atomic_int *stop, pid_t child)
{
    char *p = data;
    bool asked = false;

    while (n > 0) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        ssize_t r;
        if (atomic_load(stop) && !asked) { /* a second for CBC to hand over what it has */
            asked = true;
            kill(child, SIGINT);
            until = now() + 1;
        }
        if (until > 0 && now() > until)
            return false;
        if (poll(&poll_fd, 1, 50) <= 0)
            continue;
        r = read(fd, p, n);
        if (r == 0 || (r < 0 && errno != EINTR))
            return false;
        if (r > 0) {
            p += r;
            n -= (size_t)r;
        }
    }
    return true;
}

/*
 * In a process of its own, as CBC can neither be interrupted nor be trusted with its time limit: it gets a fifth and
 * half a second more, then it is ended, and only what earlier solves found is left.
 */
static void solve_apart(const struct mip *m, const struct mip_limits *limits, struct mip_result *ret)
{
    double began = now(), until = limits->seconds > 0 ? began + limits->seconds * 1.2 + 0.5 : 0;
    struct wire w;
    int fds[2];
    pid_t child = -1;

    *ret = (struct mip_result){.status = MIP_UNKNOWN, .bound = -HUGE_VAL};
    if (pipe2(fds, O_CLOEXEC) == 0) {
        child = fork();
        if (child == 0)
            solve_in_child(m, limits, fds[1]);
        close(fds[1]);
        if (child < 0)
            close(fds[0]);
    }
    if (child < 0) {
        solve_here(m, limits, ret);
        return;
    }
    if (get_all(fds[0], &w, sizeof w, until, limits->stop, child)) {
        double *x = w.solved ? xmalloc((m->columns + 1) * sizeof *x) : NULL;
        if (!x || get_all(fds[0], x, m->columns * sizeof *x, until + 10 * (until > 0), limits->stop, child))
            *ret =
                (struct mip_result){.status = (enum mip_status)w.status, .value = w.value, .bound = w.bound, .x = x};
        else
            free(x);
    }
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    close(fds[0]);
    ret->seconds = now() - began;
}

void mip_solve(struct mip *m, const struct mip_limits *limits, struct mip_result *ret)
{
    if (limits && limits->stop)
        solve_apart(m, limits, ret);
    else
        solve_here(m, limits, ret);
}

void mip_result_done(struct mip_result *r)
{
    free(r->x);
    *r = (struct mip_result){.x = NULL};
}
