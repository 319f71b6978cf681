/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of GPUs and MIG profiles as tools print them.
 *
 * A profile's name is COMPUTEg.MEMORYgb with attributes behind: 1g.10gb, 1g.10gb+me, 1g.24gb-me,
 * 1g.24gb+me.all. Its memory is a rounded figure and moves with the driver, see profile_name_gb().
 * Kubernetes writes + as a dot (nvidia.com/mig-1g.10gb.me).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile_name {
    int compute;         /* slices: the 3 of 3g.40gb */
    int gb;              /* the 40 */
    char attributes[12]; /* "", "me", "gfx", "me.all", "-me" */
};

/*
 * Reads a profile's name, case aside, with "MIG " or "nvidia.com/mig-" before it. False if it is
 * none; a compute instance's (1c.3g.40gb) is none.
 */
bool profile_name_parse(const char *text, struct profile_name *ret);

/*
 * The GB that NVIDIA's tools put into the name of a profile with so much memory, of so much in all:
 * the fraction in eighths rounded up, times the total in GiB rounded up, rounded to the nearest
 * (go-nvlib, getMigMemorySizeGB).
 */
int profile_name_gb(int64_t profile_mib, int64_t total_mib);

/* Close enough to be one profile under two drivers: 1 GB or 3 %. */
bool profile_name_near(const struct profile_name *a, const struct profile_name *b);

/*
 * A GPU's name in its plain form: lower case, runs of other characters than letters, digits and
 * dots become one '-', without "nvidia-" before and "-mig-PROFILE" and "-shared" behind. Cut to n -
 * 1 characters.
 */
void gpu_name_plain(const char *name, char *ret, size_t n);

/*
 * Edits (insert, delete, change) from one string to the other; strings beyond 63 characters count
 * as far.
 */
unsigned name_distance(const char *a, const char *b);
