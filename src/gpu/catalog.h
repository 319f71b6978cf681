/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPU catalogue: what each model is, and into which MIG profiles it can be cut.
 *
 * The figures stand in data/gpus/, one YAML file a GPU, each with its source
 * (data/gpus/sources.yaml spells the sources out); they are part of the program. Figures that
 * nobody printed but that follow from others are marked inferred. A figure that is not known is 0
 * here (-1 for engine counts) and absent there.
 *
 * Profiles are told apart by their NVML enum (nvmlDeviceGetGpuInstanceProfileInfo's argument):
 * their ids are per GPU model, their names move with the driver (7g.79gb is 7g.80gb elsewhere).
 *
 * A key is MODEL-FORM-MEMORY: A100-SXM4-80GB, A100-PCIE-80GB, H100-SXM5-80GB, A30-24GB. Accepted
 * beside it: the product names of GPU feature discovery, with or without -MIG-PROFILE and -SHARED
 * (NVIDIA-A100-SXM4-80GB-MIG-3g.40gb), and nvidia-smi's (NVIDIA H100 80GB HBM3).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gpu/share.h"

enum { GPU_PLACEMENTS_MAX = 12, GPU_PROFILES_MAX = 24 };

/* Figures of a profile or model that are inferred: bits of `inferred`. */
enum gpu_figure {
    GPU_SM = 1,
    GPU_MEMORY = 2,
    GPU_PLACEMENTS = 4,
    GPU_ENGINES = 8,
    GPU_IDS = 16,
    GPU_BANDWIDTH = 32,
    GPU_TFLOPS = 64,
};

/* One MIG profile of one GPU model. */
struct gpu_profile {
    const char *name;         /* as printed: "3g.40gb", "1g.10gb+me" */
    const char *attributes;   /* what follows the name's first '+' or '-': "me", "gfx", "me.all", "-me"; "" if none */
    int index;                /* in gpu_model.profiles; the bit in a profile mask */
    int nvml;                 /* NVML enum: 0 1_SLICE, 1 2_, 2 3_, 3 4_, 4 7_SLICE, 7 1_SLICE_REV1 (+me), 9 _REV2 */
    int id;                   /* what `nvidia-smi mig -lgip` prints, -1 unknown */
    int compute_slices, memory_slices;
    int sm;                   /* streaming multiprocessors */
    int64_t memory_mib;       /* as printed */
    int max_instances;        /* per GPU */
    int copy_engines, nvdec, nvenc, jpeg, ofa; /* -1 unknown */
    int starts[GPU_PLACEMENTS_MAX]; /* memory slices where an instance may start, ascending */
    size_t start_count;
    int size;                 /* memory slices that it takes there (the grid's unit) */
    unsigned inferred;        /* enum gpu_figure bits */
    const char *sources;      /* keys of sources.yaml, "S7 S1" */
    const char *note;         /* "" if none */
};

struct gpu_model {
    const char *key;
    const char *title;        /* "NVIDIA A100 80GB, SXM4" */
    const char *arch;         /* "Ampere GA100" */
    const char *const *aliases; /* NULL-terminated */
    int sm;                   /* with MIG off */
    int64_t memory_mib;       /* with MIG off, as nvidia-smi prints it */
    double bandwidth_gbs;     /* GB/s */
    double fp16_tflops;       /* dense FP16/BF16 with tensor cores */
    double l2_mib;
    int grid;                 /* memory slices, 0: no MIG */
    int compute_slices;       /* 0: no MIG */
    int name_gb;              /* GB of the whole that profile names are reckoned from (gpu/names.h) */
    bool mig_needs_reset;     /* switching MIG on or off resets the GPU (Ampere) */
    struct gpu_profile profiles[GPU_PROFILES_MAX]; /* in the order of NVML's enum within a size, small to large */
    size_t profile_count;
    unsigned inferred;
    const char *sources;
    const char *note;
};

struct catalog;

/*
 * Reads nothing yet: a model's file is parsed when it is first asked for. Ends with catalog_free().
 */
struct catalog *catalog_open(struct err *err);
void catalog_free(struct catalog *c); /* NULL accepted; models die with it */
#define cleanup_catalog __attribute__((cleanup(catalog_freep)))
static inline void catalog_freep(struct catalog **c)
{
    catalog_free(*c);
}

/*
 * By key or alias, case aside. Unknown: NULL and ERR_INPUT with the nearest names. Not for two
 * threads at once; a model that was found may be read by any.
 */
const struct gpu_model *catalog_find(struct catalog *c, const char *name, struct err *err);

/* All models in the order of their keys; a file that cannot be read is an error. */
size_t catalog_count(struct catalog *c);
const struct gpu_model *catalog_at(struct catalog *c, size_t i, struct err *err);

/* What a source key ("S7") stands for; NULL if unknown. */
const char *catalog_source(struct catalog *c, const char *key);

/*
 * By profile name, tolerant of what drivers vary: case, "MIG " before it, a compute instance's
 * "1c." prefix is refused, the memory may be off by 1 GB or 3 %, as 7g.79gb and 7g.80gb are one
 * profile. NULL and ERR_INPUT with the model's profiles.
 */
const struct gpu_profile *gpu_profile_find(const struct gpu_model *m, const char *name, struct err *err);

/* By NVML enum; NULL if the model lacks it. */
const struct gpu_profile *gpu_profile_nvml(const struct gpu_model *m, int nvml);

/*
 * Masks of profiles (bits by index): the plain ones (1g 2g 3g 4g 7g), those with the double-memory
 * 1g too, all.
 */
uint32_t gpu_profiles_base(const struct gpu_model *m);
uint32_t gpu_profiles_double(const struct gpu_model *m);
uint32_t gpu_profiles_all(const struct gpu_model *m);

/*
 * What an instance of p, or (p NULL) the whole GPU with MIG off, gives a share: its SMs of the
 * GPU's (where they are not known: its compute slices of the GPU's), its memory slices of the grid,
 * its memory.
 */
struct share_size gpu_profile_size(const struct gpu_model *m, const struct gpu_profile *p);
