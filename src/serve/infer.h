/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request, one answer: an embedder, a vision model, a guardrail.
 *
 * Requests wait first in, first out; a step takes waiting requests from the head as long as their
 * items fit into maxBatch (a larger request alone takes several steps' worth in one). All requests
 * of a step end with it.
 */
#pragma once

#include "serve/place.h"
#include "serve/profile.h"
#include "serve/service.h"

struct infer_server;

struct infer_server *infer_server_new(struct world *w, const char *name, const struct profile *p,
                                      const struct serve_place *at, struct err *err);
void infer_server_free(struct infer_server *i); /* NULL accepted; calls under way are forgotten */
struct infer_service *infer_server_service(struct infer_server *i);

struct infer_stats {
    uint32_t arriving, waiting, running, max_batch;
    uint32_t waiting_peak;
    double running_ns; /* time integral of requests in a step, as of now */
    uint64_t steps, items, accepted, done, rejected, cancelled;
};
void infer_server_stats(const struct infer_server *i, struct infer_stats *ret);

/* Names the broken invariant, or NULL. */
const char *infer_server_check(const struct infer_server *i);
