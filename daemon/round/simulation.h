/* SPDX-License-Identifier: PostgreSQL */
/* What a simulation found, and its three forms (simulation.c): plain Chinese, the JSON of docs/json.md, CSV. Pure. */
#ifndef SHOUWANG_ROUND_SIMULATION_H
#define SHOUWANG_ROUND_SIMULATION_H

#include "base/text.h"
#include "policy/policy.h"
#include "round/round.h"
#include "round/simulate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIMULATION_LEVELS = LEVEL_RED + 1 };

/* Households by their level before and after, and what becomes of their checks. */
struct simulation_matrix {
    int64_t township; /* 0: of all */
    int64_t households[SIMULATION_LEVELS][SIMULATION_LEVELS];
    int64_t moved; /* to another level */
    int64_t checks_raised, checks_cleared;
};

/* A household whose level or checks differ. */
struct simulation_move {
    uint32_t position;
    const char *household_no;
    int64_t township, village;
    struct policy_outcome before, after;
};

/* A clause that has found something of a household, in words with its figures. */
struct simulation_reason {
    size_t clause;
    const char *text;
    size_t amount_count; /* of suggestions */
    const struct policy_shown_amount *amounts;
};

/* Of a move, by the policy in force and by the other: colours, verify clauses, checks and suggestions that fired or are undecided
 * with evidence, in the policy's order. */
struct simulation_told {
    struct {
        size_t count;
        const struct simulation_reason *reasons;
    } sides[2];
};

enum {
    SIMULATION_BLOCK = 16384
}; /* moves that are told at a time: few questions to the database, some tens of megabytes */
typedef enum status simulation_tell(void *teller, const struct simulation_move *moves, size_t count,
                                    const struct simulation_told **told, struct error *err);

/* What the suggestions of one clause and title come to. */
struct simulation_amount {
    const char *rule, *title, *unit;
    struct simulation_sum {
        int64_t households;
        int64_t low, high; /* fen; apart when some are not known exactly */
    } parts[2];            /* by the policy in force, by the other */
};

struct simulation {
    const struct simulate_options *options;
    const struct round_report *report; /* date, counts, stages */
    struct simulation_matrix total;
    size_t township_count;
    const struct simulation_matrix *townships; /* by code */
    size_t amount_count;
    const struct simulation_amount *amounts;
    size_t move_count;
    const struct simulation_move *moves; /* by township and the bytes of household_no */
    /* Why, of a block of moves: *told has `count` entries, valid until the next call. */
    simulation_tell *tell;
    void *teller;
    const struct simulate_sink *sink;
};

/* Fails as `tell` does, when the sink does, and without memory. */
enum status simulation_write(const struct simulation *simulation, struct error *err) WARN_UNUSED;

/* Checks that fired by one policy and not by the other, by name. */
int simulation_new_checks(const struct policy *from, uint64_t fired_from, const struct policy *to,
                          uint64_t fired_to);

#endif
