/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration brought to life in a world: GPUs cut into shares, model servers on them, replicas behind
 * balancers, and the voice pipeline in front.
 *
 * The virtual world's driver and the emulator build the same thing with this; it knows neither.
 */
#pragma once

#include <stddef.h>

#include "base/world.h"
#include "load/client.h"
#include "scenario/scenario.h"

struct deployment;

/* Fails with ERR_INPUT where memory does not fit, with the arithmetic and the configuration's and GPU's name. */
struct deployment *deployment_new(struct world *w, const struct scenario *s,
                                  const struct scenario_configuration *c, struct err *err);
void deployment_free(struct deployment *d); /* NULL accepted; what is in flight is forgotten */

/* The voice pipeline, NULL where the scenario has no turns. */
struct session_service *deployment_pipeline(struct deployment *d);

/* The service of a workload, for a client; with replicas it is their balancer's. */
struct client_service deployment_service(struct deployment *d, size_t workload);

/* The share that stands for slot `slot` of GPU `gpu` of the configuration. */
struct share *deployment_share(struct deployment *d, size_t gpu, size_t slot);

/*
 * Resources that can run out, each with its use integrated over time: (use at `until` - use at `from`) / (until - from)
 * is the mean fraction used between two instants. Names belong to the deployment.
 */
struct deployment_use {
    const char *resource; /* "llm: KV blocks", "tts: slots", "GPU 1", "gateway CPU" */
    bool hard;            /* requests wait beyond it; not so a GPU's busy time, where batching still gains */
    double integral;      /* ns of full use */
};
size_t deployment_uses(const struct deployment *d, struct deployment_use *ret, size_t max);
enum { DEPLOYMENT_USES_MAX = 512 };

/* Names the broken invariant of any part, or NULL. */
const char *deployment_check(const struct deployment *d);
