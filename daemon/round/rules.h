/* SPDX-License-Identifier: PostgreSQL */
/*
 * What comparing must know of the policy, as masks by clause.
 */
#ifndef SHOUWANG_ROUND_RULES_H
#define SHOUWANG_ROUND_RULES_H

#include "policy/policy.h"

#include <stddef.h>
#include <stdint.h>

struct rules_withheld {
    int64_t township;
    uint64_t clauses;
};

struct rules {
    uint64_t colours, verifies, checks, suggestions, tags;
    uint64_t by_level[LEVEL_RED + 1]; /* colours and verify clauses of each level */
    uint64_t fresh;                   /* clauses that this round may end (freshness.h) */
    /* Of these, not for households of such a township, or of any: a batch swings there (swings.h). By township; borrowed. */
    size_t withheld_count;
    const struct rules_withheld *withheld;
    uint64_t withheld_everywhere;
    uint64_t
        unusable; /* nor of these, for any household: a source of theirs lost much of a batch (store/unusable.h) */
};

void rules_init(struct rules *rules, const struct policy *policy, uint64_t fresh);

/* What the round may not end for a household of this township, fresh or not; and of that, what swings there. */
uint64_t rules_withheld(const struct rules *rules, int64_t township);
uint64_t rules_swinging(const struct rules *rules, int64_t township);

/* Days to act on what stands: the fewest that a fired clause of `level` gives (of verify: also one undecided); the county's
 * usual ones where the policy says none (red 3, orange 7, yellow 15, verify 7: no document gives days per colour). */
int rules_due_days(const struct rules *rules, const struct policy *policy, enum policy_level level,
                   uint64_t fired, uint64_t undecided);

#endif
