/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "plan/assign.h"
#include "plan/master.h"
#include "plan/problem.h"
#include "plan/quick.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool plan_in_use(const struct plan_gpu *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->places[i].workload != FLEET_NONE)
            return true;
    return false;
}

bool fleet_in_use(const struct fleet_gpu *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->places[i].workload != FLEET_NONE)
            return true;
    return false;
}

struct making {
    const struct problem *problem;
    struct plan *plan;
    const struct plan_limits *limits;
    double deadline; /* 0: none */
    bool held;       /* the plan under way has a whole, legal set of GPUs already */
    struct master_result held_values;
};

static double left(const struct making *k)
{
    return k->deadline > 0 ? fmax(k->deadline - now(), 0.05) : 0;
}

static struct master_limits limits_of(const struct making *k)
{
    return (struct master_limits){left(k), k->limits ? k->limits->stop : NULL};
}

static bool holds(const struct problem *p, unsigned relaxed)
{
    struct master *m = master_new(p, p->has_spread);
    struct master_limits l = {.seconds = 10};
    struct master_result r;

    master_relax(m, relaxed);
    master_run(m, &l, &r);
    master_free(m);
    return r.feasible || !r.known;
}

/*
 * The smallest set of rules that cannot be kept together: of those whose absence helps, each is dropped in turn as
 * long as what is left still has no plan.
 */
static void find_conflict(struct making *k)
{
    static const struct {
        unsigned rule;
        const char *name;
    } RULES[] = {{MASTER_MOVES, "rules.moves"},
                 {MASTER_SPARE, "rules.spare"},
                 {MASTER_SPREAD, "spread: node"},
                 {MASTER_STRICT, "disruption.pinned"}};
    const struct fleet *f = k->problem->fleet;
    unsigned relaxed = 0;
    char text[512] = "";
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(RULES); i++)
        if (!holds(k->problem, relaxed | RULES[i].rule))
            relaxed |= RULES[i].rule;
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++)
        if (!(relaxed & RULES[i].rule))
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", RULES[i].name);
    if (n)
        k->plan->conflict = xasprintf("%s, demand of the workloads", text);
    else
        k->plan->conflict =
            xstrdup(f->rules.headroom > 0 ? "rules.headroom, demand of the workloads" : "demand of the workloads");
    k->plan->conflict_why =
        xasprintf("the fleet's %zu GPUs do not hold every workload under these rules, whatever moves", f->gpu_count);
}

static void take_values(struct plan *plan, const struct master_result *r)
{
    plan->priced = r->priced;
    plan->search.cost = r->cost.seconds;
    plan->search.gpus = r->gpus.seconds;
    plan->search.moves = r->moves.seconds;
    plan->cost = (struct plan_value){r->cost.value, r->cost.bound, r->cost.proven};
    plan->gpus_bound = (int64_t)ceil(r->gpus.bound - 1e-3);
    plan->gpus_proven = r->gpus.proven && (!r->priced || r->cost.proven);
    plan->weighted = (struct plan_value){r->moves.value, r->moves.bound, r->moves.proven};
    plan->moves_proven = r->moves.proven && plan->gpus_proven;
}

static void drop_gpus(struct plan *p)
{
    for (size_t g = 0; p->gpus && g < p->fleet->gpu_count; g++)
        free(p->gpus[g].places);
    free(p->gpus);
    p->gpus = NULL;
}

static void place(struct making *k, struct master *m)
{
    struct solution s;

    if (master_solution(m, &s) != 0)
        return;
    drop_gpus(k->plan);
    assign(k->problem, &s, k->plan);
    master_solution_done(&s);
}

/* The plan as mended by hand keeps the budget of moves and the spare GPUs? */
static bool within_rules(const struct fleet *f, const struct plan *p)
{
    return (f->rules.moves < 0 || p->moves_done <= f->rules.moves) &&
           (int64_t)f->gpu_count - p->gpus_after >= f->rules.spare_gpus;
}

static int point_order(const void *a, const void *b)
{
    const struct plan_point *x = a, *y = b;

    return x->gpus < y->gpus ? -1 : x->gpus > y->gpus;
}

/* Least moves at G, 1 % and 5 % more, and, asked for, between: at most eight further points. */
static void make_frontier(struct making *k, struct master *m)
{
    int64_t first = k->plan->gpus_after, all = (int64_t)k->problem->fleet->gpu_count, points[16], n = 0;
    int64_t last = first + first / 20;

    points[n++] = first;
    points[n++] = first + first / 100;
    points[n++] = last;
    for (int64_t i = 1; k->limits && k->limits->frontier && i <= 8; i++)
        points[n++] = first + (last - first) * i / 9;
    k->plan->frontier = xcalloc((size_t)n, sizeof *k->plan->frontier);
    for (int64_t i = 0; i < n; i++) {
        struct plan_point p = {points[i] > all ? all : points[i], k->plan->moves_done, k->plan->moves_proven};
        bool seen = false;
        for (size_t s = 0; s < k->plan->frontier_count; s++)
            seen = seen || k->plan->frontier[s].gpus == p.gpus;
        if (seen)
            continue;
        if ((i > 0 || k->plan->priced) && k->problem->has_running && (p.moves > 0 || !p.proven)) {
            struct stage s;
            struct solution solution;
            struct plan trial = {.fleet = k->problem->fleet};
            if (master_frontier(m, p.gpus, k->deadline > 0 ? left(k) : 0, k->limits ? k->limits->stop : NULL, &s,
                                &solution) != 0)
                continue;
            p.moves = (int64_t)nearbyint(s.value);
            p.proven = s.proven;
            if (k->problem->has_spread && p.proven) { /* counted over the whole fleet: does it work out by node? */
                assign(k->problem, &solution, &trial);
                p.proven = assign_complete(trial.fleet, k->problem->options, &trial);
                drop_gpus(&trial);
            }
            master_solution_done(&solution);
        }
        k->plan->frontier[k->plan->frontier_count++] = p;
    }
    qsort(k->plan->frontier, k->plan->frontier_count, sizeof *k->plan->frontier, point_order);
}

enum { BY_NODE_SECONDS = 60 }; /* where a mended plan stands and no time was given */

/*
 * Spread that does not work out from the counts. The relaxed values stay bounds. A plan mended by hand stands while
 * the program by single nodes looks for a better one: at the relaxed values first, then by all stages.
 */
static bool by_node(struct making *k, struct master_result *r)
{
    const struct fleet *f = k->problem->fleet;
    struct master_result relaxed = *r, own = *r;
    struct master *m = master_new(k->problem, true);
    struct master_limits l = limits_of(k);
    bool mended, found;

    assign_mend(f, k->problem->options, k->plan);
    assign_moves(k->plan);
    mended = assign_complete(f, k->problem->options, k->plan) && within_rules(f, k->plan);
    if (mended && l.seconds <= 0)
        l.seconds = BY_NODE_SECONDS;
    found = master_follow(m, &relaxed, l.seconds, l.stop, &own);
    if (!found && (!mended || k->deadline <= 0)) {
        master_free(m);
        m = master_new(k->problem, true);
        l = limits_of(k);
        if (mended && l.seconds <= 0)
            l.seconds = BY_NODE_SECONDS;
        master_run(m, &l, &own);
        found = own.feasible;
        if (found && !own.priced) { /* the relaxed program's bound is a true one too */
            own.gpus.bound = fmax(own.gpus.bound, relaxed.gpus.bound);
            own.gpus.proven = own.gpus.proven || own.gpus.bound > own.gpus.value - 0.5;
        }
    }
    if (found && mended && !own.priced && k->plan->gpus_after < (int64_t)(own.gpus.value + 0.5))
        found = false;
    if (found) {
        place(k, m);
        *r = own;
        r->feasible = assign_complete(f, k->problem->options, k->plan);
    } else if (mended) {
        *r = relaxed;
        r->cost = (struct stage){k->plan->cost.value, relaxed.cost.bound,
                                 k->plan->cost.value < relaxed.cost.value + 1e-6, relaxed.cost.seconds};
        r->gpus = (struct stage){(double)k->plan->gpus_after, relaxed.gpus.bound,
                                 relaxed.gpus.proven && (double)k->plan->gpus_after < relaxed.gpus.value + 0.5,
                                 relaxed.gpus.seconds};
        r->moves = (struct stage){k->plan->weighted.value, 0, k->plan->weighted.value <= 0, relaxed.moves.seconds};
        if (r->gpus.proven && (!r->priced || r->cost.proven)) {
            r->moves.bound = relaxed.moves.bound;
            r->moves.proven = k->plan->weighted.value < relaxed.moves.bound + 1e-6;
        }
    } else {
        *r = own;
        r->feasible = false;
    }
    master_free(m);
    return found || mended;
}

/* One GPU model, nothing running: no solver is needed. */
static bool run_quick(struct making *k)
{
    struct master_result r;
    struct solution s;
    double began = now();

    if (!quick_solve(k->problem, &s, &r))
        return false;
    assign(k->problem, &s, k->plan);
    master_solution_done(&s);
    if (!assign_complete(k->problem->fleet, k->problem->options, k->plan)) {
        drop_gpus(k->plan);
        return false;
    }
    k->plan->feasible = k->plan->known = true;
    take_values(k->plan, &r);
    assign_moves(k->plan);
    k->plan->frontier = xcalloc(1, sizeof *k->plan->frontier);
    k->plan->frontier[k->plan->frontier_count++] = (struct plan_point){k->plan->gpus_after, 0, true};
    k->plan->search.gpus = now() - began;
    return true;
}

static bool keeps_pins(const struct fleet *f, const struct plan *p)
{
    for (size_t i = 0; i < p->move_count; i++)
        if (p->moves[i].from >= 0 && p->moves[i].to >= 0 && f->workloads[p->moves[i].workload].pinned)
            return false;
    return true;
}

/* The blank fleet's plan is one of the fleet's too where no rule is about moves: it stands until a better one is
 * found. */
static void hold_blank(struct making *k, const struct problem *blank, struct master *b,
                       const struct master_result *values)
{
    const struct fleet *f = k->problem->fleet;
    struct solution s;

    if (master_solution(b, &s) != 0)
        return;
    assign(blank, &s, k->plan);
    master_solution_done(&s);
    assign_moves(k->plan);
    k->held = assign_complete(f, k->problem->options, k->plan) && within_rules(f, k->plan) && keeps_pins(f, k->plan);
    if (!k->held) {
        drop_gpus(k->plan);
        return;
    }
    k->held_values = *values;
    k->held_values.known = true;
    k->held_values.moves = (struct stage){k->plan->weighted.value, 0, k->plan->weighted.value <= 0, 0};
}

/*
 * The first stages on the blank fleet, where that is a far smaller program; then the least moves at its values.
 * False: the fleet cannot have these values (or the time was too short), its own stages have to say; the bounds are
 * known from now on.
 */
static bool from_blank(struct making *k, struct master *m, struct master_result *r)
{
    struct problem *blank;
    struct master *b;
    struct master_limits l = limits_of(k);
    struct master_result values;
    bool ok;

    if (!k->problem->has_running)
        return false;
    blank = problem_new(k->problem->fleet, k->problem->options, true);
    if (blank->conflict || blank->truncated) {
        problem_free(blank);
        return false;
    }
    if (l.seconds > 0)
        l.seconds *= 0.4;
    b = master_new(blank, false);
    master_run(b, &l, &values);
    if (values.feasible)
        hold_blank(k, blank, b, &values);
    master_free(b);
    problem_free(blank);
    if (!values.feasible)
        return false;
    ok =
        values.gpus.proven && (!values.priced || values.cost.proven) && master_follow(m, &values, left(k), l.stop, r);
    if (!ok && (values.priced ? values.cost.proven : values.gpus.proven))
        master_bounds(m, &values);
    return ok;
}

static void run(struct making *k)
{
    struct master *m = master_new(k->problem, false);
    struct master_limits l = limits_of(k);
    struct master_result r;
    double began;

    master_size(m, &k->plan->search.columns, &k->plan->search.rows);
    if (!from_blank(k, m, &r)) {
        l = limits_of(k);
        master_run(m, &l, &r);
    }
    if (r.feasible) {
        place(k, m);
        began = now();
        if (!assign_complete(k->problem->fleet, k->problem->options, k->plan) && k->problem->has_spread) {
            by_node(k, &r);
            k->plan->search.by_node = true;
            k->plan->search.spread = now() - began;
        }
    }
    if (!r.feasible && !r.known && k->held)
        r = k->held_values;
    k->plan->feasible = r.feasible;
    k->plan->known = r.known;
    if (r.feasible) {
        take_values(k->plan, &r);
        assign_moves(k->plan);
        k->plan->moves_bound = k->plan->moves_proven ? k->plan->moves_done : (int64_t)ceil(r.moves.bound - 1e-3);
        if (k->problem->truncated) {
            k->plan->gpus_proven = k->plan->moves_proven = k->plan->cost.proven = false;
            k->plan->gpus_bound = 0;
        }
        began = now();
        make_frontier(k, m);
        k->plan->search.frontier = now() - began;
    } else if (r.known) {
        find_conflict(k);
    }
    master_free(m);
}

struct plan *plan_make(const struct fleet *f, const struct options *o, const struct plan_limits *limits,
                       struct err *err)
{
    double began = now();
    struct problem *p = problem_new(f, o, false);
    struct plan *plan = xcalloc(1, sizeof *plan);
    struct making k = {.problem = p, .plan = plan, .limits = limits};

    k.deadline = limits && limits->seconds > 0 ? began + limits->seconds : 0;
    plan->fleet = f;
    plan->search.states = p->state_count;
    plan->search.blocks = p->block_count;
    plan->search.cells = p->cell_count;
    plan->search.counting = now() - began;
    if (p->conflict) {
        plan->known = true;
        plan->conflict = xstrdup(p->conflict);
        plan->conflict_why = xstrdup(p->conflict_why);
    } else if (!run_quick(&k)) {
        run(&k);
    }
    for (size_t g = 0; !plan->feasible && g < f->gpu_count; g++)
        plan->gpus_before += fleet_in_use(fleet_gpu_at(f, g));
    plan->solve_seconds = now() - began;
    problem_free(p);
    return plan;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    drop_gpus(p);
    free(p->moves);
    free(p->frontier);
    free(p->conflict);
    free(p->conflict_why);
    free(p);
}
