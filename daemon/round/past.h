/* SPDX-License-Identifier: PostgreSQL */
/*
 * A committed round, computed again for one household: by its own policy's text, from the register and the facts as the
 * batches had them that it saw, compared with what had stood before it. What comes out is set beside what the round
 * recorded (warning_history); whoever shows it says whether they agree.
 *
 * Only what was given up since (a policy's text, history older than the database keeps) can make them differ.
 *
 * Ownership: a past owns its policy; the rest lies in the arena. Everything is read within the caller's snapshot.
 */
#ifndef SHOUWANG_ROUND_PAST_H
#define SHOUWANG_ROUND_PAST_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "domain/fact.h"
#include "policy/policy.h"
#include "round/rules.h"
#include "round/swings.h"
#include "store/clearing_store.h"
#include "store/pull_past.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

struct past {
    const struct round_info *info;
    struct policy *policy; /* the text that the round used */
    struct pull_seen seen;
    struct swings swings; /* that the round found and recorded */
    size_t unusable_count;
    const struct unusable *unusable; /* likewise */
    struct rules rules;              /* with what the round might end */
    bool whole;                      /* nothing that it knew was given up since */
};

/* STATUS_REJECT when the round is not a committed one, or its policy or batches are no longer stored: the error says so.
 * past_close in any case. */
enum status past_open(struct pg *pg, const struct round_info *info, const struct dictionary *dictionary,
                      struct arena *arena, struct past *past, struct error *err) WARN_UNUSED;
void past_close(struct past *past);

/* Something that stood about a household after the round. */
struct past_finding {
    const char *rule;
    const char *title; /* of the clause; "" when the policy has none of that name */
    enum policy_clause_kind kind;
    bool undecided;
    bool stale;    /* the round did not find it; it stood because no fresh source denied it */
    bool swings;   /* and it is stale only because a source that denies it swings there (swings.h) */
    bool unusable; /* or lost much of a batch (store/unusable.h) */
    enum policy_level level;
    int64_t since_round;
    day_t since_on;
};

struct past_record {
    int64_t round_id;        /* the round that was asked for */
    int64_t changed_round;   /* the newest up to it that wrote anything about the household; 0 = none did */
    const char *written;     /* the evidence that this very round wrote, NULL = it changed nothing */
    enum policy_level level; /* after the round */
    size_t count;
    const struct past_finding *findings;
    size_t waiting_count;
    const struct clearing_row *waiting; /* which of them waited to be cleared (解除), as the rounds counted */
    bool agrees;                        /* what was recorded is what comes out */
    bool whole;                         /* struct past */
    /* private to past.c: what stood before; how findings waited, former ones of the same clauses among them */
    const struct round_household *now, *before;
    size_t told_count;
    const struct clearing_row *told;
};

/* What is recorded of the household; `agrees`, `stale` and what waits are not known yet. */
enum status past_recall(struct pg *pg, const struct past *past, int64_t household_id, struct arena *arena,
                        struct past_record *record, struct error *err) WARN_UNUSED;
/* Compares with the outcome of this round. township: where the household was registered then. Of one that was off the register:
 * NULL, 0. */
enum status past_compare(const struct past *past, int64_t township, const struct policy_outcome *outcome,
                         struct arena *arena, struct past_record *record, struct error *err) WARN_UNUSED;

#endif
