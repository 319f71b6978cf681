/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/import_parvagpu.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"

static const char *const MODELS[PARVAGPU_MODELS] = {"bert",        "densenet121", "densenet169", "densenet201",
                                                    "inceptionv3", "mobilenetv2", "resnet101",   "resnet152",
                                                    "resnet50",    "vgg16",       "vgg19"};
static const char *const PROFILES[8] = {
    [1] = "1g.10gb", [2] = "2g.20gb", [3] = "3g.40gb", [4] = "4g.40gb", [7] = "7g.80gb"};

/* One scenario's numbers of a file without a header; -1 stands for N/A. */
static int read_line(const char *dir, const char *file, int scenario, double ret[PARVAGPU_MODELS], struct err *err)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, file);
    cleanup_buf struct buf b = {.max = 1 << 20};
    cleanup_free char *text = NULL;
    char *line, *save = NULL, *cell, *rest;
    int at = 0, column = 0;

    if (file_read(path, &b, err) != 0)
        return -1;
    text = xstrdup(buf_str(&b));
    for (line = strtok_r(text, "\r\n", &save); line && ++at < scenario; line = strtok_r(NULL, "\r\n", &save))
        ;
    if (!line)
        return err_set(err, ERR_INPUT, "%s: found %d scenarios, asked for number %d", path, at, scenario);
    for (cell = strtok_r(line, ",", &rest); cell && column < PARVAGPU_MODELS;
         cell = strtok_r(NULL, ",", &rest), column++) {
        double v = -1;
        if (strcmp(cell, "N/A") != 0 && (units_parse_real(cell, strlen(cell), &v) != 0 || v <= 0))
            return err_set(err, ERR_INPUT, "%s:%d:%d: found \"%s\", expected a positive number or N/A", path,
                           scenario, column + 1, cell);
        ret[column] = v < 0 ? -1 : floor(v);
    }
    if (column != PARVAGPU_MODELS)
        return err_set(err, ERR_INPUT, "%s:%d: found %d columns, expected %d", path, scenario, column,
                       PARVAGPU_MODELS);
    return 0;
}

static int read_profile(const struct parvagpu_request *r, struct parvagpu_model *m, struct err *err)
{
    static const char *const names[] = {"Mig instance", "Batch size", "Workload Number", "Throughput", "Latency"};
    cleanup_free char *path = xasprintf("%s/profiles/%s.csv", r->dir, m->name);
    cleanup_csv struct csv *csv = csv_open(path, NULL, err);
    int columns[5];

    if (!csv)
        return -1;
    for (int i = 0; i < 5; i++)
        if ((columns[i] = csv_column(csv, names[i])) < 0)
            return err_set(err, ERR_INPUT, "%s: no column \"%s\"", path, names[i]);
    for (size_t row = 0; row < csv_rows(csv); row++) {
        double v[5];
        int slices;
        for (int i = 0; i < 5; i++) {
            int got = csv_number(csv, row, (size_t)columns[i], &v[i], err);
            if (got < 0)
                return -1;
            if (got == 0 || v[i] < 0)
                return csv_fail(csv, row, (size_t)columns[i], err, "expected a non-negative number");
        }
        slices = v[0] <= 7 ? (int)v[0] : 0;
        if (!PROFILES[slices] || v[2] > r->processes || v[4] * 1e3 >= m->limit_ms ||
            v[3] * v[2] <= m->size[slices].throughput)
            continue;
        m->size[slices].throughput = v[3] * v[2];
        m->size[slices].batch = (int)v[1];
        m->size[slices].processes = (int)v[2];
    }
    return 0;
}

int parvagpu_read(const struct parvagpu_request *r, struct parvagpu_model ret[PARVAGPU_MODELS], struct err *err)
{
    double latency[PARVAGPU_MODELS] = {0}, rate[PARVAGPU_MODELS] = {0};
    int n = 0;

    if (read_line(r->dir, "slo_latency.csv", r->scenario, latency, err) != 0 ||
        read_line(r->dir, "slo_req_rate.csv", r->scenario, rate, err) != 0)
        return -1;
    for (int i = 0; i < PARVAGPU_MODELS; i++) {
        struct parvagpu_model *m = &ret[n];
        if (latency[i] < 0 || rate[i] < 0)
            continue;
        memset(m, 0, sizeof *m);
        snprintf(m->name, sizeof m->name, "%s", MODELS[i]);
        m->rate = rate[i] * r->rate_times;
        m->limit_ms = latency[i] * r->latency_times / 2 * 0.9;
        if (read_profile(r, m, err) != 0)
            return -1;
        n++;
    }
    return n;
}

int import_parvagpu(const struct parvagpu_request *r, struct buf *out, struct err *err)
{
    struct parvagpu_model models[PARVAGPU_MODELS];
    int n = parvagpu_read(r, models, err), nodes = r->nodes;
    double gpus = 0;

    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        double best = 0;
        for (int s = 1; s < 8; s++)
            best = fmax(best, models[i].size[s].throughput);
        gpus += best > 0 ? ceil(models[i].rate / best) : 0;
    }
    if (!nodes)
        nodes = (int)fmin(fmax(ceil(gpus / 8), 1), 100000);
    buf_printf(
        out, "# ParvaGPU (SC'24) scenario S%d: rates x%g, latency objectives x%g, at most %d processes an instance\n",
        r->scenario, r->rate_times, r->latency_times, r->processes);
    buf_puts(out, "apiVersion: snug/v1\nkind: Fleet\nmetadata: {name: parvagpu}\nnodes:\n");
    for (int i = 0; i < nodes; i++)
        buf_printf(out, "  - {name: n%d, gpu: A100-SXM4-80GB, count: 8}\n", i);
    buf_puts(out, "workloads:\n");
    for (int i = 0; i < n; i++) {
        bool any = false;
        buf_printf(out, "  - name: %s\n    rate: %.12g\n    latency: %.6gms\n    fits:", models[i].name,
                   models[i].rate, models[i].limit_ms);
        for (int s = 1; s < 8; s++) {
            if (models[i].size[s].throughput <= 0)
                continue;
            buf_printf(out, "\n      - {mig: %s, throughput: %.12g, batch: %d, processes: %d}", PROFILES[s],
                       models[i].size[s].throughput, models[i].size[s].batch, models[i].size[s].processes);
            any = true;
        }
        if (!any)
            return err_set(err, ERR_INPUT, "%s: no row of profiles/%s.csv is under %.4g ms", r->dir, models[i].name,
                           models[i].limit_ms);
        buf_putc(out, '\n');
    }
    return 0;
}
