/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sharing.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/detmath.h"
#include "base/mem.h"
#include "gpu/scaling.h"
#include "sim/virtual.h"

static void add_row(struct sharing_rows *r, const char *table, const char *group, const char *row,
                    const char *metric, double measured, double predicted, bool constant)
{
    struct sharing_row *x;

    GROW(r->at, r->cap, r->n + 1);
    x = &r->at[r->n++];
    *x = (struct sharing_row){.measured = measured,
                              .predicted = predicted,
                              .error = predicted / measured - 1,
                              .constant = constant};
    snprintf(x->table, sizeof x->table, "%s", table);
    snprintf(x->group, sizeof x->group, "%s", group);
    snprintf(x->row, sizeof x->row, "%s", row);
    snprintf(x->metric, sizeof x->metric, "%s", metric);
}

void sharing_rows_done(struct sharing_rows *r)
{
    free(r->at);
    *r = (struct sharing_rows){0};
}

/* ---- closed-loop clients on one share ---- */

struct client {
    struct share_tenant *tenant;
    struct gpu_step step;
    double cap; /* MPS active thread percentage */
    uint64_t limit; /* steps, 0: until the others are done */
    uint64_t done;
    bool *over; /* set when a client without a limit is to stop */
    struct world *world;
    int64_t ended;
};

static void client_done(void *arg)
{
    struct client *c = arg;

    c->done++;
    c->ended = c->world->now;
    if ((c->limit == 0 || c->done < c->limit) && !*c->over)
        share_submit(c->tenant, &c->step);
}

/*
 * Runs clients on a share until `until` (or their limits) and gives each one's mean seconds a step.
 * Those with a zero step stay idle.
 */
static int run_clients(enum share_mode mode, struct client *clients, size_t n, int64_t until,
                       double *ret_s, struct err *err)
{
    const struct share_size whole = {.sm = 1, .bandwidth = 1, .memory = INT64_C(80) << 30};
    struct virtual_world *v = virtual_new();
    struct share *s = share_new(virtual_world(v), "gpu0", mode, &whole, &SHARE_TUNING_DEFAULT);
    bool over = false;
    int failed = 0;

    for (size_t i = 0; i < n && !failed; i++) {
        struct client *c = &clients[i];
        c->over = &over;
        c->world = virtual_world(v);
        c->tenant =
            share_attach(s, "client", 1 << 20, c->cap > 0 ? c->cap : 1, client_done, c, err);
        failed = c->tenant ? 0 : -1;
    }
    for (size_t i = 0; i < n && !failed; i++)
        if (gpu_step_duration(&clients[i].step, &whole) > 0)
            share_submit(clients[i].tenant, &clients[i].step);
    while (!failed && virtual_step(v, until)) {
    }
    for (size_t i = 0; i < n && !failed; i++)
        ret_s[i] = clients[i].done ? (double)clients[i].ended / 1e9 / (double)clients[i].done : 0;
    share_free(s);
    virtual_free(v);
    return failed;
}

static double pow4(double x)
{
    return x * x * x * x;
}

/* ---- tables ---- */

static struct csv *open_table(const char *dir, const char *below, const char *name, struct err *err)
{
    cleanup_free char *path = xasprintf("%s/%s/%s.csv", dir, below, name);

    if (access(path, R_OK) != 0)
        return NULL;
    return csv_open(path, NULL, err);
}

/* A number that must be there. */
static double number(const struct csv *t, size_t row, const char *column, struct err *err)
{
    int c = csv_column(t, column);
    double v = NAN;

    if (c < 0)
        err_set(err, ERR_INPUT, "%s: no column %s", csv_file(t), column);
    else if (csv_number(t, row, (size_t)c, &v, err) == 0)
        csv_fail(t, row, (size_t)c, err, "found nothing, expected a number");
    return v;
}

static size_t row_of(const struct csv *t, const char *column, double value, struct err *err)
{
    for (size_t r = 0; r < csv_rows(t) && err->kind == ERR_NONE; r++)
        if (number(t, r, column, err) == value)
            return r;
    if (err->kind == ERR_NONE)
        err_set(err, ERR_INPUT, "%s: no row with %s %g", csv_file(t), column, value);
    return 0;
}

static struct share_size size_of(const struct gpu_model *m, int nvml)
{
    return gpu_profile_size(m, gpu_profile_nvml(m, nvml));
}

/* YOLOS-small on an A100 80GB PCIe: the step from one pod on the whole GPU and one pod on 1g. */
static void validate_nos(const struct csv *t, const struct gpu_model *m, struct sharing_rows *out,
                         struct err *err)
{
    const struct share_size whole = gpu_profile_size(m, NULL), one = size_of(m, 0);
    size_t alone = row_of(t, "pods", 1, err);
    double t_slice = number(t, alone, "timeslicing_s", err), t_mps = number(t, alone, "mps_s", err);
    double t_mig = number(t, alone, "mig_1g_s", err);
    struct gpu_step slice = scaling_step(&one, t_mig * 1e9, &whole, t_slice * 1e9);
    struct gpu_step mps = scaling_step(&one, t_mig * 1e9, &whole, t_mps * 1e9);

    for (size_t r = 0; r < csv_rows(t) && err->kind == ERR_NONE; r++) {
        struct client a[8] = {0}, b[8] = {0};
        double s[8], pods = number(t, r, "pods", err);
        size_t n = (size_t)pods;
        char row[48];

        if (!(pods >= 2 && pods <= 8))
            continue;
        for (size_t i = 0; i < n; i++) {
            a[i].step = slice;
            b[i].step = mps;
        }
        snprintf(row, sizeof row, "%zu pods", n);
        if (run_clients(SHARE_TIME_SLICING, a, n, 120 * NS_PER_S, s, err) < 0)
            return;
        add_row(out, "nos_sharing", "time-slicing", row, "timeslicing_s",
                number(t, r, "timeslicing_s", err), s[0], true);
        if (run_clients(SHARE_MPS, b, n, 120 * NS_PER_S, s, err) < 0)
            return;
        add_row(out, "nos_sharing", "mps", row, "mps_s", number(t, r, "mps_s", err), s[0], false);
        add_row(out, "nos_sharing", "mig", row, "mig_1g_s", number(t, r, "mig_1g_s", err), t_mig,
                false);
    }
}

/*
 * DenseNet121 under complementary thread percentages: the step from those of 10 % and 90 % alone.
 */
static void validate_nvforum(const struct csv *t, const struct gpu_model *m,
                             struct sharing_rows *out, struct err *err)
{
    const struct share_size small = {.sm = 0.1, .bandwidth = 1},
                            large = {.sm = 0.9, .bandwidth = 1};
    size_t r10 = row_of(t, "sm_pct", 10, err), r90 = row_of(t, "sm_pct", 90, err);
    struct gpu_step step = scaling_step(&small, number(t, r10, "alone_s", err) * 1e9, &large,
                                        number(t, r90, "alone_s", err) * 1e9);

    for (size_t r = 0; r < csv_rows(t) && err->kind == ERR_NONE; r++) {
        double pct = number(t, r, "sm_pct", err), s[2];
        struct share_size capped = {.sm = pct / 100, .bandwidth = 1};
        struct client pair[2] = {{.step = step, .cap = pct / 100},
                                 {.step = step, .cap = 1 - pct / 100}};
        char row[48];

        snprintf(row, sizeof row, "%g %% of the SMs", pct);
        if (r != r10 && r != r90)
            add_row(out, "nvforum_mps", "alone", row, "alone_s", number(t, r, "alone_s", err),
                    gpu_step_duration(&step, &capped) / 1e9, false);
        if (run_clients(SHARE_MPS, pair, 2, 30 * NS_PER_S, s, err) < 0)
            return;
        add_row(out, "nvforum_mps", "mps", row, "with_neighbour",
                number(t, r, "with_complement_neighbour_s", err), s[0], false);
    }
}

/*
 * Two Qwen3-4B-FP8 servers, a GPU each against 60 % of one GPU each under MPS. What a decode step
 * asks of the GPU follows from the model: weights and KV cache over the bandwidth, decoded and
 * prefilled tokens over the tensor cores; the rest of the token time is floor. The prompts' length
 * is not stated: 1024 tokens, the customary one, is assumed.
 */
static void validate_gopebble(const struct csv *t, const struct gpu_model *m,
                              struct sharing_rows *out, struct err *err)
{
    const double PARAMETERS = 4.02e9, WEIGHT_BYTES = 4.4e9, PROMPT = 1024;
    const double KV_BYTES = 36 * 8 * 128 * 2 *
                            2; /* a token: layers, KV heads, head size, K and V, BF16 */
    double rate = number(t, 0, "req_per_s", err) / 2,
           tokens = number(t, 0, "tok_per_s", err) / 2; /* of one server */
    double ttft = number(t, 0, "ttft_ms", err) * 1e6, tpot = number(t, 0, "tpot_ms", err) * 1e6;
    double batch = tokens * tpot / 1e9, answer = tokens / rate;
    double bytes = WEIGHT_BYTES + batch * KV_BYTES * (PROMPT + answer / 2);
    double flops = 2 * PARAMETERS * (batch + rate * PROMPT * tpot / 1e9);
    struct gpu_step step = {.compute = flops / m->fp16_tflops / 1e12 * 1e9,
                            .memory = bytes / m->bandwidth_gbs};
    const struct share_size whole = gpu_profile_size(m, NULL);
    double scaling = gpu_step_kernel(&step, &whole), s[2], slow, turn, held;
    struct client pair[2];

    step.floor = sqrt(sqrt(
        fmax(0, pow4(tpot) - pow4(scaling)))); /* so that K on the whole GPU is the measured time */
    pair[0] = pair[1] = (struct client){.step = step, .cap = 0.6};
    if (err->kind != ERR_NONE || run_clients(SHARE_MPS, pair, 2, 30 * NS_PER_S, s, err) < 0)
        return;
    slow = s[0] * 1e9 / tpot;
    held = rate * (ttft + (answer - 1) * tpot) /
           1e9; /* requests in progress: a closed loop keeps them */
    turn = slow * (ttft + (answer - 1) * tpot) / 1e9;
    add_row(out, "gopebble_mps", "mps", "2 servers, 60 % each", "tpot_ms",
            number(t, 1, "tpot_ms", err), slow * tpot / 1e6, false);
    add_row(out, "gopebble_mps", "mps", "2 servers, 60 % each", "ttft_ms",
            number(t, 1, "ttft_ms", err), slow * ttft / 1e6, false);
    add_row(out, "gopebble_mps", "mps", "2 servers, 60 % each", "req_per_s",
            number(t, 1, "req_per_s", err), 2 * held / turn, false);
}

/*
 * Two LLM servers time-sliced on an L40S, one request at a time each. Decoding streams the weights
 * (BF16) once a token; with both latencies alone, equal answers give the number of tokens and the
 * host time of a token. Both clients send equally many requests, so the faster one's end leaves the
 * other alone: the mean over all requests is what the table has.
 */
static void validate_eks(const struct csv *t, const struct gpu_model *m, struct sharing_rows *out,
                         struct err *err)
{
    const double bytes[2] = {3.82e9 * 2, 8.03e9 * 2};
    const double requests = 100;
    double alone[2], stream[2], s[2], tokens, host;
    struct client pair[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        alone[i] = number(t, i, "alone_latency_s", err);
        stream[i] = bytes[i] / m->bandwidth_gbs; /* ns */
    }
    if (err->kind != ERR_NONE)
        return;
    tokens = round((alone[1] - alone[0]) * 1e9 / (stream[1] - stream[0]));
    host = alone[0] * 1e9 / tokens - stream[0];
    for (size_t i = 0; i < 2; i++)
        pair[i] = (struct client){.step = {.host = host, .stream = stream[i]},
                                  .limit = (uint64_t)(requests * tokens)};
    if (run_clients(SHARE_TIME_SLICING, pair, 2, 3600 * NS_PER_S, s, err) < 0)
        return;
    for (size_t i = 0; i < 2; i++) {
        const char *model = csv_cell(t, i, 0);
        double exclusive = number(t, i, "idle_neighbour_latency_s_exclusive", err);
        add_row(out, "eks_l40s_ts", "time-slicing", model, "latency_s",
                alone[i] * (1 + number(t, i, "latency_change_pct", err) / 100), s[i] * tokens,
                false);
        add_row(out, "eks_l40s_ts", "time-slicing", model, "req_per_min",
                number(t, i, "alone_req_per_min", err) *
                    (1 + number(t, i, "throughput_change_pct", err) / 100),
                60 / (s[i] * tokens), false);
        add_row(out, "eks_l40s_ts", "idle neighbour", model, "latency_s", alone[i],
                exclusive * (1 + SHARE_TUNING_DEFAULT.idle_tenant), true);
    }
}

/* ---- MIG scaling of eleven models ---- */

enum { PARVA_BATCHES = 16, PARVA_PROCESSES = 6, PARVA_MODELS = 32 };
static const int PARVA_NVML[5] = {0, 1, 2, 3, 4};
static const int PARVA_SLICES[5] = {1, 2, 3, 4, 7};

struct parva {
    char model[24];
    int batch[PARVA_BATCHES];
    size_t batches;
    double rate[PARVA_BATCHES][PARVA_PROCESSES]
               [5]; /* requests/s of all processes; 0: did not run */
};

static int read_parva(const char *path, const char *model, struct parva *p, struct err *err)
{
    cleanup_csv struct csv *t = csv_open(path, NULL, err);

    if (!t)
        return -1;
    *p = (struct parva){0};
    snprintf(p->model, sizeof p->model, "%.*s", (int)sizeof p->model - 1, model);
    for (size_t r = 0; r < csv_rows(t) && err->kind == ERR_NONE; r++) {
        int slices = (int)number(t, r, "Mig instance", err),
            batch = (int)number(t, r, "Batch size", err);
        double processes = number(t, r, "Workload Number", err),
               rate = number(t, r, "Throughput", err);
        size_t b = 0, s = 0;

        while (b < p->batches && p->batch[b] != batch)
            b++;
        while (s < 5 && PARVA_SLICES[s] != slices)
            s++;
        if (b == PARVA_BATCHES || s == 5 || !(processes >= 1 && processes < PARVA_PROCESSES))
            return csv_fail(t, r, 0, err,
                            "found a size, batch or number of processes out of range");
        if (b == p->batches)
            p->batch[p->batches++] = batch;
        p->rate[b][(size_t)processes][s] = rate * processes;
    }
    return err->kind == ERR_NONE ? 0 : -1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_csv(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');

    return dot && strcmp(dot, ".csv") == 0;
}

/* All models by name; returns how many, -1 with err. */
static int read_all_parva(const char *dir, struct parva **ret, struct err *err)
{
    cleanup_free char *below = xasprintf("%s/traces/parvagpu/profiles", dir);
    struct dirent **names = NULL;
    int n = scandir(below, &names, is_csv, by_name), failed = 0;

    *ret = xcalloc(PARVA_MODELS, sizeof **ret);
    for (int i = 0; i < n; i++) {
        cleanup_free char *path = xasprintf("%s/%s", below, names[i]->d_name);
        *strrchr(names[i]->d_name, '.') = '\0';
        if (!failed && i < PARVA_MODELS)
            failed = read_parva(path, names[i]->d_name, &(*ret)[i], err);
        free(names[i]);
    }
    free(names);
    return failed ? -1 : n < 0 ? 0 : n < PARVA_MODELS ? n : PARVA_MODELS;
}

static void validate_parva(const struct parva *p, const struct gpu_model *m,
                           struct sharing_rows *out)
{
    struct share_size size[5];

    for (size_t s = 0; s < 5; s++)
        size[s] = size_of(m, PARVA_NVML[s]);
    for (size_t b = 0; b < p->batches; b++) {
        for (size_t w = 1; w < PARVA_PROCESSES; w++) {
            const double *rate = p->rate[b][w];
            struct gpu_step step;
            if (!(rate[0] > 0 && rate[4] > 0))
                continue;
            step = scaling_step(&size[0], 1e9 / rate[0], &size[4], 1e9 / rate[4]);
            for (size_t s = 1; s < 4; s++) {
                char row[48];
                snprintf(row, sizeof row, "%s %dg batch %d x%zu", p->model, PARVA_SLICES[s],
                         p->batch[b], w);
                if (rate[s] > 0)
                    add_row(out, "parvagpu", p->model, row, "req_per_s", rate[s],
                            1e9 / gpu_step_duration(&step, &size[s]), false);
            }
        }
    }
}

/*
 * The same prediction with other constants, for the leave-one-out: sum of absolute errors and their
 * number.
 */
static double parva_errors(const struct parva *p, const struct share_size size[5], double corner,
                           double memory, size_t *ret_n)
{
    double x[5], sum = 0;

    for (size_t s = 0; s < 5; s++) {
        const struct gpu_step unit = {.compute = 1 - memory, .memory = memory};
        x[s] = det_pow(gpu_step_kernel(&unit, &size[s]), corner);
    }
    for (size_t b = 0; b < p->batches; b++) {
        for (size_t w = 1; w < PARVA_PROCESSES; w++) {
            const double *rate = p->rate[b][w];
            double a, c, floor, scale;
            if (!(rate[0] > 0 && rate[4] > 0))
                continue;
            a = det_pow(1 / rate[0], corner);
            c = det_pow(1 / rate[4], corner);
            scale = fmax(0, (a - c) / (x[0] - x[4]));
            floor = c - scale * x[4];
            if (floor < 0) {
                floor = 0;
                scale = c / x[4];
            }
            for (size_t s = 1; s < 4; s++) {
                if (rate[s] <= 0)
                    continue;
                sum += fabs(det_pow(floor + scale * x[s], -1 / corner) / rate[s] - 1);
                (*ret_n)++;
            }
        }
    }
    return sum;
}

double sharing_leave_one_out(const char *dir, struct catalog *catalog, struct err *err)
{
    static const double corners[] = {2, 2.5, 3, 3.5, 4, 4.5, 5, 6},
                        memories[] = {0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5};
    enum { GRID = ARRAY_LEN(corners) * ARRAY_LEN(memories) };
    cleanup_free struct parva *models = NULL;
    cleanup_free double(*sum)[GRID] = NULL;
    const struct gpu_model *m = catalog_find(catalog, "A100-SXM4-80GB", err);
    struct share_size size[5];
    double total = 0;
    size_t count = 0;
    int n = m ? read_all_parva(dir, &models, err) : -1;

    if (n <= 0)
        return NAN;
    sum = xcalloc((size_t)n, sizeof *sum);
    for (size_t s = 0; s < 5; s++)
        size[s] = size_of(m, PARVA_NVML[s]);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < GRID; k++) {
            size_t rows = 0;
            sum[i][k] = parva_errors(&models[i], size, corners[k / ARRAY_LEN(memories)],
                                     memories[k % ARRAY_LEN(memories)], &rows);
            count += k == 0 ? rows : 0;
        }
    for (int out = 0; out < n; out++) {
        double best = INFINITY;
        size_t chosen = 0;
        for (size_t k = 0; k < GRID; k++) {
            double others = 0;
            for (int i = 0; i < n; i++)
                others += i == out ? 0 : sum[i][k];
            if (others < best) {
                best = others;
                chosen = k;
            }
        }
        total += sum[out][chosen];
    }
    return total / (double)count;
}

/* What the simple rules make of one size; rates of 1g and 7g, slices g. */
static double simple_rule(enum sharing_rule rule, double r1, double r7, int g)
{
    double scaling, floor;

    switch (rule) {
    case SHARING_PROPORTIONAL:
        return r7 * g / 7;
    case SHARING_MINIMUM:
        return fmin(g * r1, r7);
    case SHARING_AMDAHL:
        break;
    }
    scaling = fmax(0, (1 / r1 - 1 / r7) * 7 / 6);
    floor = fmax(0, 1 / r1 - scaling);
    return 1 / (floor + scaling / g);
}

double sharing_reference(const char *dir, enum sharing_rule rule, struct err *err)
{
    cleanup_free struct parva *models = NULL;
    int n = read_all_parva(dir, &models, err);
    double sum = 0;
    size_t count = 0;

    for (int i = 0; i < n; i++)
        for (size_t b = 0; b < models[i].batches; b++)
            for (size_t w = 1; w < PARVA_PROCESSES; w++) {
                const double *rate = models[i].rate[b][w];
                for (size_t s = 1; s < 4 && rate[0] > 0 && rate[4] > 0; s++) {
                    if (rate[s] <= 0)
                        continue;
                    sum += fabs(simple_rule(rule, rate[0], rate[4], PARVA_SLICES[s]) / rate[s] - 1);
                    count++;
                }
            }
    return count ? sum / (double)count : NAN;
}

/* ---- all of it ---- */

static const struct {
    const char *name, *gpu;
    void (*validate)(const struct csv *t, const struct gpu_model *m, struct sharing_rows *out,
                     struct err *err);
} TABLES[] = {
    {"nos_sharing", "A100-PCIE-80GB", validate_nos},
    {"nvforum_mps", "A100-SXM4-80GB",
     validate_nvforum}, /* the GPU is not named; only fractions of it are used */
    {"gopebble_mps", "A100-SXM4-80GB", validate_gopebble},
    {"eks_l40s_ts", "L40S-48GB", validate_eks},
};

int sharing_validate(const char *dir, struct catalog *catalog, struct sharing_rows *ret,
                     struct err *err)
{
    cleanup_free struct parva *models = NULL;
    const struct gpu_model *m;
    struct err own = {0};
    int n;

    *ret = (struct sharing_rows){0};
    for (size_t i = 0; i < ARRAY_LEN(TABLES) && own.kind == ERR_NONE; i++) {
        cleanup_csv struct csv *t = open_table(dir, "tables", TABLES[i].name, &own);
        if (t && (m = catalog_find(catalog, TABLES[i].gpu, &own)))
            TABLES[i].validate(t, m, ret, &own);
    }
    if (own.kind == ERR_NONE && (m = catalog_find(catalog, "A100-SXM4-80GB", &own)) &&
        (n = read_all_parva(dir, &models, &own)) > 0)
        for (int i = 0; i < n; i++)
            validate_parva(&models[i], m, ret);
    if (own.kind == ERR_NONE && ret->n == 0)
        err_set(&own, ERR_OUTSIDE,
                "%s: none of the sharing tables is there (tables/nos_sharing.csv, traces/parvagpu, "
                "...)",
                dir);
    if (own.kind == ERR_NONE)
        return 0;
    sharing_rows_done(ret);
    *err = own;
    return -1;
}

double sharing_mape(const struct sharing_rows *r, const char *table, const char *group)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        const struct sharing_row *x = &r->at[i];
        if (x->constant || strcmp(x->table, table) != 0 || (group && strcmp(x->group, group) != 0))
            continue;
        sum += fabs(x->error);
        n++;
    }
    return n ? sum / (double)n : NAN;
}
