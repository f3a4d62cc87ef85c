/* SPDX-License-Identifier: PostgreSQL */
/*
 * Simulation: another policy beside the one in force, over the same register and facts, as a round would load them: what
 * would each say of every household today? Both are asked afresh; what stands for want of fresh data plays no part, so that every
 * difference is one of the policies.
 *
 * Reads within one snapshot, read only; writes nothing, tells nobody. One load, two evaluations: about the time of a round
 * without its commit, and 32 bytes of memory per household more, with some 300 for each one that moves. Those are explained by both
 * policies, some thousands at a time: 150 µs each.
 *
 * A date before the last committed round's counts only what was known on it, as in a dry run (round.h, "Dates").
 *
 * Threading: blocks; starts one helper thread at a time, as a round does.
 */
#ifndef SHOUWANG_ROUND_SIMULATE_H
#define SHOUWANG_ROUND_SIMULATE_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "policy/policy.h"
#include "round/round.h"

#include <stdint.h>

enum simulate_form { SIMULATE_TEXT, SIMULATE_JSON, SIMULATE_CSV };

struct simulate_policy {
    const struct policy *policy;
    const char *hash;
    const char *trial; /* the overlay in it, NULL = none */
};

struct simulate_options {
    const char *conninfo;
    struct simulate_policy in_force, other;
    day_t as_of;      /* DAY_NONE: the last committed round's date; today where there was none */
    int64_t township; /* 9 digits, 0 = all */
    enum simulate_form form;
    /* After each stage; may be NULL. */
    void (*progress)(void *context, const struct round_stage *stage);
    void *context;
};

/* Takes the report part by part: a county in which everybody moves makes hundreds of megabytes. False: it cannot be taken. */
struct simulate_sink {
    bool (*take)(void *context, struct slice part);
    void *context;
};

/* Parts are about so long. */
enum { SIMULATE_PART_BYTES = 1 << 12 };

/* The report, in the form that is asked for. STATUS_CONFIG when one of the policies says nothing about the date. Nothing is handed
 * over before both policies are evaluated; what fails afterwards (the database, memory, the sink) leaves a beginning taken. */
enum status simulate_execute(const struct simulate_options *options, const atomic_bool *cancel,
                             const struct simulate_sink *sink, struct error *err) WARN_UNUSED;

#endif
