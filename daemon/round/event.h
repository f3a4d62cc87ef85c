/* SPDX-License-Identifier: PostgreSQL */
/*
 * The events of a round: CloudEvents 1.0 in structured mode, as docs/townships.md lists them.
 *
 *     warning.raised escalated changed deescalated cleared     one per household and round at the most
 *     check.raised cleared                                      one per check that changed
 *
 * An event holds everything but `sequence`, which the sender splices in when it is first sent. Keys stand in a fixed
 * order, so that the same input gives the same bytes.
 *
 * Least disclosure: names and identity numbers are masked and the address is left out, unless the township's
 * configuration says `disclosure = named`.
 *
 * An event stays below a megabyte, which is what many servers take at the most: of a household beyond any size it tells no more
 * than EVENT_FACTS_MAX facts, each reason an equal share of them, and EVENT_PERSONS_MAX persons, and how many it leaves out
 * (facts_left_out, persons_left_out). All of them are in the evidence.
 *
 * Pure: no clock, no database, no random numbers.
 */
#ifndef SHOUWANG_ROUND_EVENT_H
#define SHOUWANG_ROUND_EVENT_H

#include "base/civil.h"
#include "base/text.h"
#include "domain/fact.h"
#include "policy/policy.h"
#include "round/compare.h"
#include "round/dossier.h"

#include <stdbool.h>
#include <stdint.h>

struct clearing_row;

enum {
    EVENT_FACTS_MAX = 2000,   /* of 300 bytes each at the most, 120 mostly */
    EVENT_PERSONS_MAX = 1000, /* of 300 bytes each at the most, 70 mostly */
};

/* The same for all events of a round. */
struct event_round {
    const struct policy *policy;
    const struct dictionary *dictionary;
    const struct rules *rules;
    const char *policy_hash;
    int64_t county_code, round_id, unix_ms;
    day_t as_of;
};

/* One household after the comparison. */
struct event_household {
    const struct dossier *dossier;
    const struct policy_explanation *explanation; /* NULL: off the register, nothing to explain */
    uint64_t fired, undecided, stale;             /* what stands */
    uint64_t waits;                               /* of that: denied on fresh data, waiting to be cleared */
    const struct clearing_row *waiting;           /* by clause, where waits; NULL when nothing does */
    enum policy_level level, previous_level;
    const char *warning_id; /* NULL: no case (checks alone) */
    const char *state;      /* "open" …; of a household without a case "open" as long as something stands */
    day_t raised_on, due_on; /* DAY_NONE without a case */
    bool named;
};

/* change is not COMPARE_SAME. Adds the JSON to out. */
void event_add_warning(const struct event_round *round, const struct event_household *household,
                       const char *event_id, enum compare_change change, struct text *out);
/* clause: a check of the policy, or -1 for one that the policy no longer has (then `rule` names it and it is cleared).
 * due_on: by when the check should be looked into. */
void event_add_check(const struct event_round *round, const struct event_household *household,
                     const char *event_id, int clause, const char *rule, bool raised, day_t due_on,
                     struct text *out);

/* A fact's value as it is shown to machines: "4830.00", "C", "yes", "肢体二级"; NULL when unknown. The text lies in
 * `buffer` or in the dictionary. */
enum { EVENT_VALUE_SIZE = 64 };
const char *event_fact_value(const struct fact_code *code, int64_t value, char buffer[EVENT_VALUE_SIZE]);
/* "yuan", or "" where the value is no amount. */
const char *event_fact_unit(const struct fact_code *code, int64_t value);

/* The members since, rounds, rounds_needed, batches, batches_needed of what waits to be cleared. */
void event_add_waiting(const struct clearing_row *row, struct text *out);

/* The amounts of a suggestion, as in explain and in events. */
void event_add_amounts(const struct policy_shown_amount *amounts, size_t count, struct text *out);

#endif
