/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Fleet file: what runs where, and what it needs (docs/planning.md has the meaning of every key).
 *
 * A fleet is read whole and then never changes. Present layouts are legal (checked against the catalogue), names are
 * unique and resolved to indices, quantities are in range; whatever is wrong is ERR_INPUT with file, line, column and
 * field. Whether workloads can be placed is not asked here (plan/options.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/doc.h"
#include "base/err.h"
#include "gpu/catalog.h"
#include "gpu/layout.h"

/* How a GPU is used. The names in files: "alone", "mig", "time-slicing", "mps" (timeSlicing in a fleet). */
enum fleet_mode { FLEET_EMPTY, FLEET_ALONE, FLEET_MIG, FLEET_TIME_SLICING, FLEET_MPS };
extern const char *const FLEET_MODE_NAMES[];

enum fleet_actuator { FLEET_MIG_PARTED, FLEET_NVML, FLEET_DRA };
extern const char *const FLEET_ACTUATOR_NAMES[];

enum {
    FLEET_NODES_MAX = 200000,
    FLEET_GPUS_MAX = 1000000,
    FLEET_GPUS_PER_NODE = 64,
    FLEET_WORKLOADS_MAX = 1000000,
    FLEET_TENANTS_MAX = 64, /* on one shared GPU */
    FLEET_OPTIONS_MAX = 32,
    FLEET_REPLICAS_MAX = 10000000,
    FLEET_NONE = -1,
};

/* A tenant's place on a GPU: a MIG instance (which may be idle), or a tenant of a whole GPU (profile NULL). */
struct fleet_place {
    const struct gpu_profile *profile;
    int start;    /* memory slice; 0 without a profile */
    int workload; /* index, FLEET_NONE: idle */
};

struct fleet_gpu {
    enum fleet_mode mode; /* FLEET_MIG with no places: MIG is on, no instance stands */
    uint16_t n;
    const struct fleet_place *places; /* MIG: by start */
};

struct fleet_node {
    const char *name;
    const char *team; /* "" if none */
    const struct gpu_model *model;
    int model_index; /* in fleet.models */
    double price;    /* $/GPU-hour, 0 where none is given */
    int count;
    size_t first; /* index of its GPU 0 among all GPUs */
    const struct fleet_gpu *gpus;
};

/* One line of `fits`, or one that was derived. */
struct fleet_option {
    enum fleet_mode mode;
    const char *profile;     /* MIG: as written */
    int limit;               /* time-slicing, MPS: at most so many tenants on a GPU */
    const int *models;       /* indices in fleet.models that it is limited to */
    size_t model_count;      /* 0 with `limited`: none of the fleet's */
    bool limited;            /* only those models */
    const char *models_text; /* as written, for reasons */
    double throughput;       /* requests/s of one instance, 0: not said */
    int batch, processes;    /* 0: not said */
};

/* A row of a measured table. */
struct fleet_measurement {
    int slices, batch, processes;
    double throughput; /* requests/s of one process */
    double latency;    /* s */
};

struct fleet_workload {
    const char *name, *team; /* team "" if none */
    bool by_rate;
    int64_t replicas;                   /* where not by_rate */
    double rate;                        /* requests/s */
    int64_t latency;                    /* ns, 0: no objective */
    int64_t memory;                     /* bytes, 0: not said */
    const struct fleet_option *options; /* `fits` */
    size_t option_count;
    const struct fleet_measurement *measured;
    size_t measured_count;
    const char *measured_gpu; /* key of the table's `# gpu:`, NULL: not said */
    int max_unavailable;
    bool pinned, spread, isolated;
    double weight;   /* of one of its moves, default 1 */
    int64_t running; /* replicas in the present layouts */
    uint32_t line;   /* in the file, for messages */
};

struct fleet_rules {
    enum fleet_actuator actuator;
    int64_t moves; /* -1: no limit */
    double headroom;
    int64_t spare_gpus;
};

struct fleet {
    const char *name; /* "" if none */
    const char *file;
    struct fleet_node *nodes;
    size_t node_count;
    size_t gpu_count;
    struct fleet_workload *workloads;
    size_t workload_count;
    const struct gpu_model **models; /* distinct, in order of first appearance */
    size_t model_count;
    bool priced;        /* some node has a price */
    bool partly_priced; /* and some has none */
    struct fleet_rules rules;
    uint64_t digest; /* of the file's bytes */
};

/* Reads a fleet; the catalogue must outlive it. Measured tables are sought beside the file. */
struct fleet *fleet_open(const char *path, struct catalog *catalog, struct err *err);
struct fleet *fleet_parse(const char *name, const char *data, size_t n, struct catalog *catalog, struct err *err);
void fleet_free(struct fleet *f); /* NULL accepted */

/* The index of a name, FLEET_NONE if there is none. */
int fleet_find_workload(const struct fleet *f, const char *name);
int fleet_find_node(const struct fleet *f, const char *name);

/* The node that owns a GPU (index among all), and the GPU. */
size_t fleet_node_of(const struct fleet *f, size_t gpu);
const struct fleet_gpu *fleet_gpu_at(const struct fleet *f, size_t gpu);

/* Replicas that a workload must have room for: ceil(replicas (1 + headroom)); those above `replicas` are reserved. */
int64_t fleet_slots(const struct fleet *f, const struct fleet_workload *w);

static inline void cleanup_fleetp(struct fleet **f)
{
    fleet_free(*f);
}
#define cleanup_fleet __attribute__((cleanup(cleanup_fleetp)))
