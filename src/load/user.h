/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated user, which is the load generator's user too: it speaks at the pace of speech, listens to
 * the answer, thinks, and speaks again.
 *
 * It knows the voice pipeline through voice/session.h alone. A closed load has `users` of them: they
 * start spread evenly over rampUp (so that no two are in phase), go on through hold, and stop spread
 * over rampDown: a user past its stop ends the turn it is in and begins none. What is in flight at
 * the very end is unfinished, counted as such, never dropped. An open load opens a session at every
 * planned arrival; a trace says how many tokens are asked and answered. Where the conversation is
 * typed (a chat) a turn begins with its end of speech.
 *
 * Audio goes out once per `chunk`, at the moment its last sample has been spoken, and once more when
 * speech ends. That is exact where the server works in chunks of the same length (or a multiple):
 * frames of 20 ms that do not complete a server chunk change nothing there. A real client sets chunk
 * to 20 ms; nothing else differs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/world.h"
#include "load/arrivals.h"
#include "load/conversation.h"
#include "load/record.h"
#include "voice/session.h"

enum think_kind { THINK_CONSTANT, THINK_EXPONENTIAL };

/* One entry of a scenario's `load`. All times ns. */
struct load_spec {
    const char *name;
    unsigned users;        /* closed load; 0 with open arrivals */
    unsigned max_sessions; /* of an open load; more are refused as TURN_REFUSED */
    struct arrivals_spec arrivals; /* process ARRIVALS_NONE for a closed load */
    int64_t ramp_up, hold, ramp_down;
    int64_t think;          /* mean time from the end of a turn to the start of the next */
    int64_t chunk;          /* of audio between two sends, 160 ms */
    double pacing;          /* 1: real time; 12.8: the published test's upload */
    double barge_in;        /* probability that the user interrupts a reply */
    int64_t barge_in_after; /* mean time of listening before he does, exponential */
    int64_t give_up;        /* after so long without an end from his planned start he hangs up: TURN_TIMED_OUT */
    int64_t jitter;         /* buffer of the listener: playback begins so long after the first audio */
    int64_t stall_bound;    /* a completed turn with more stalled playback has failed: TURN_STALLED; TIME_NEVER: none */
    enum think_kind think_kind;
    bool half_close;        /* say "finish" after the last voiced sample instead of going on with silence */
    bool listen;            /* the turn lasts until the reply has been heard; false: until it is handed over */
};

/*
 * Defaults: constant think time 2 s, 160 ms chunks, real-time pacing, listening with a buffer of 60
 * ms, no barge-in, 60 s patience, no stall bound, 100,000 sessions. The presets are the published
 * loads (docs/measurement.md): baseline light medium heavy spike endurance.
 */
extern const struct load_spec LOAD_DEFAULT;
extern const struct load_spec LOAD_PRESETS[];
extern const size_t LOAD_PRESET_COUNT;
const struct load_spec *load_preset(const char *name); /* NULL: no such */

enum { LOAD_MAX_USERS = 100000 };
int load_check(const struct load_spec *spec, const char *where, struct err *err); /* ERR_INPUT, names the field */

int64_t load_length(const struct load_spec *spec); /* rampUp + hold + rampDown */

struct users;
/*
 * The users of one load against one pipeline. Borrows everything but the specs, which are copied;
 * `recorder` gets every turn. Random numbers come from `seed` alone.
 */
struct users *users_new(struct world *w, struct session_service *pipeline, const struct load_spec *load,
                        const struct conversation_spec *conversation, const struct stock *stock,
                        struct recorder *recorder, uint64_t seed);
void users_start(struct users *u); /* from world->now on */

/* The end of the run: cancels what is in flight and records it as unfinished. No event comes afterwards. */
void users_stop(struct users *u);
void users_free(struct users *u); /* NULL accepted; stop first */

unsigned users_present(const struct users *u);  /* between their first turn and their stop */
unsigned users_in_turn(const struct users *u);  /* turns in flight */
const char *users_check(const struct users *u); /* the broken invariant, or NULL */
