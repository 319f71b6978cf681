/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scenario: an experiment as its file states it (INTERFACE section 2, `kind: Scenario`), checked.
 *
 * Everything that a run needs is here and nothing of a run: which models on which GPU, who asks what of
 * them, what counts as good, and the configurations to hold against each other. Once parsed it does not
 * change, and any number of runs, on any number of threads, read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/doc.h"
#include "base/err.h"
#include "base/mem.h"
#include "gpu/catalog.h"
#include "load/client.h"
#include "load/conversation.h"
#include "load/user.h"
#include "load/verdict.h"
#include "serve/profile.h"
#include "voice/turn.h"

struct scenario_workload {
    const char *name;
    struct profile *profile;
    double sm_cap; /* MPS active thread percentage as a fraction; 1: none (key mpsPercentage) */
    const struct doc_node *at; /* where it stands in the file, for messages (doc_fail) */
};

/*
 * One share of a GPU and who is on it. The file's forms:
 *   {alone: w}   {timeSlicing: [w, w]}   {mps: [w, w]}
 *   {mig: {3g.40gb@0: w, 3g.40gb: null}}              without @SLICE it is placed so that the most room is left
 *   {mig: [{profile: 3g.40gb, start: 4, workload: w}]} the same, for several instances of one profile
 * Instead of w an instance may carry [w, w] or {timeSlicing: [w, w]} or {mps: [w, w]}; a bare list is time-slicing.
 */
struct scenario_slot {
    const struct gpu_profile *profile; /* MIG instance; NULL: the whole GPU */
    int start;                         /* of the instance, memory slices */
    enum share_mode mode;              /* of the tenants among each other; one tenant: SHARE_ALONE */
    const size_t *workloads;           /* indices of scenario.workloads; 0 of them: an idle instance */
    size_t count;
};

struct scenario_gpu {
    const char *mode; /* "alone", "mig", "mps", "time-slicing" */
    const struct scenario_slot *slots;
    size_t count;
};

/*
 * A workload that stands n times in it has n replicas behind one balancer, except that a profile of k GPUs
 * (tensor parallel) makes one server of every k places.
 */
struct scenario_configuration {
    const char *name;
    const struct scenario_gpu *gpus;
    size_t count;
    const struct doc_node *at;
};

/* A stream of requests to one workload beside (or instead of) the turns. */
struct scenario_requests {
    size_t workload;
    struct client_spec spec; /* measure_from and measure_until are the run's to set */
};

/* A chat (no ASR, no TTS) under a trace with token counts has its turns as a request stream to the LLM. */
struct scenario_load {
    struct load_spec turns; /* its name is the load's; users 0 and no arrivals: no turns, requests alone */
    const struct scenario_requests *requests;
    size_t request_count;
    bool compared; /* by `compare` without --load (key compare; default: all) */
    const struct doc_node *at;
};

/* A number that the file sets and that nobody measured here: a report names them all. */
struct scenario_parameter {
    const char *name;   /* "gateway.cost.turn", "workloads.tts.slots" */
    const char *text;   /* as written: "240ms" */
    const char *source; /* its reason; NULL: not said */
    bool assumed;
};

struct scenario {
    struct arena *arena;    /* owns all that is not owned by name */
    struct catalog *catalog; /* owned */
    struct doc *doc; /* owned; strings and places lie in it */
    const char *name, *path, *text; /* text: the file as read */
    size_t text_size;
    char digest[17]; /* scenario_digest() */
    const struct gpu_model *gpu;
    double price; /* $ per GPU-hour, NaN: not said */
    struct share_tuning sharing;
    int64_t round_trip; /* ns between gateway and servers, there and back */

    struct scenario_workload *workloads; /* profiles owned */
    size_t workload_count;
    /*
     * The pipeline's workloads, -1: it has none. Without the keys pipeline.asr, .llm, .tts it takes
     * the one workload of each kind; with any of them exactly those. Without ASR and TTS a turn is
     * a chat; without an LLM there are no turns.
     */
    int asr, llm, tts;
    struct turn_conf turn;
    struct conversation_spec conversation;

    const struct scenario_load *loads;
    size_t load_count;
    struct objectives objectives;
    const struct scenario_configuration *configurations;
    size_t configuration_count;

    const struct scenario_parameter *parameters; /* all free ones that the file states */
    size_t parameter_count;

    struct arrival_trace **traces; /* owned; the loads borrow them */
    size_t trace_count, trace_cap;
};

/*
 * Limits: 64 workloads, loads, configurations, GPUs in a configuration; 32 request streams a load.
 *
 * A profile or trace that is a path is looked for beside the scenario's file. Workloads may state `memory` (in place of
 * the profile's reservation), `mpsPercentage`, and `parameters: {slots: {value: 32, source: ...}}` in place of the
 * profile's.
 */
enum { SCENARIO_MAX = 64, SCENARIO_REQUESTS_MAX = 32 };

/* Reads and checks it all: ERR_INPUT with FILE:LINE:COLUMN and the field; ERR_OUTSIDE for an unreadable file. */
struct scenario *scenario_load(const char *path, struct err *err);
struct scenario *scenario_parse(const char *name, const char *data, size_t n, struct err *err);
void scenario_free(struct scenario *s); /* NULL accepted */
#define cleanup_scenario __attribute__((cleanup(scenario_freep)))
static inline void scenario_freep(struct scenario **s)
{
    scenario_free(*s);
}

/* By name; on a miss ERR_INPUT with the names there are and the nearest one. */
const struct scenario_load *scenario_find_load(const struct scenario *s, const char *name, struct err *err);
const struct scenario_configuration *scenario_find_configuration(const struct scenario *s, const char *name,
                                                                 struct err *err);

/*
 * 16 hex digits over everything that a run's outcome depends on: the file's text, the profiles' numbers and the
 * traces. Two scenarios with the same digest give the same results from the same seed.
 */
const char *scenario_digest(const struct scenario *s);

/* $ per hour of all GPUs of a configuration, NaN without a price. */
double scenario_price(const struct scenario *s, const struct scenario_configuration *c);
