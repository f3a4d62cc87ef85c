/* SPDX-License-Identifier: PostgreSQL */
/*
 * 解除: what a clause asks for before a finding of it ends, over and above being denied on fresh data.
 *
 *     this round       was waiting: no                     yes
 *     found            -                                   waits no more, the count begins anew
 *     denied, fresh    begins to wait, one round counted   one round more, unless this date was counted; the batches are
 *                                                          counted anew; ends when nothing is asked for any more
 *     anything else    -                                   as it was
 *
 * Rounds: of several rounds of one evaluation date one counts, so that a round over unchanged input changes nothing. Batches:
 * accepted ones of the clause's source, newer than the newest that the round had seen before the one which first denied it, but
 * for those much of which is lost (store/unusable.h).
 * A household off the register waits for nothing, nor does a finding whose clause no longer asks for anything.
 *
 * Pure but for clearing_load.
 */
#ifndef SHOUWANG_ROUND_CLEARING_H
#define SHOUWANG_ROUND_CLEARING_H

#include "domain/fact.h"
#include "policy/policy.h"
#include "round/compare.h"
#include "store/clearing_store.h"

#include <stdbool.h>

struct clearing {
    const struct policy *policy;
    uint64_t clauses; /* that ask for something, or whose findings wait since they did by another policy */
    day_t as_of;
    struct clearing_rows stored;
    int64_t seen[SOURCE_NUMBER_MAX + 1]; /* by source: the newest batch that the last committed round saw */
};

enum status clearing_load(struct clearing *clearing, const struct policy *policy, day_t as_of, struct pg *pg,
                          struct arena *arena, struct error *err) WARN_UNUSED;

/* Of the findings that stand: those that stay although they are denied on fresh data; *changed: whose row must be written. */
uint64_t clearing_waits(const struct clearing *clearing, int64_t household_id,
                        const struct compare_standing *standing, const struct policy_outcome *outcome,
                        uint64_t fresh, uint64_t *changed);

/* The row of a finding after this round; since is DAY_NONE when it waits no more. */
struct clearing_row clearing_next(const struct clearing *clearing, int64_t household_id, int clause,
                                  bool found, bool good, bool *waits);

#endif
