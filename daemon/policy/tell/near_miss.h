/* SPDX-License-Identifier: PostgreSQL */
/*
 * Of the clauses that did not fire those that nearly did: one condition fails, a comparison of amounts of which neither side is
 * nothing beside the other, and all else holds.
 * What an official asks next, after what fired. Pure.
 *
 * Colours, verify clauses and checks alone: a suggestion follows from them, and a tag warns of nothing.
 */
#ifndef SHOUWANG_POLICY_NEAR_MISS_H
#define SHOUWANG_POLICY_NEAR_MISS_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* More would be a list again; which clauses there are, `policy show` tells. */
enum { NEAR_MISSES_MAX = 3 };

struct near_miss {
    const struct policy_shown_clause *clause;
    const struct policy_shown_conjunct *conjunct; /* that fails */
    bool of_member;                               /* of a clause over members: the nearest one */
    size_t person;
};

/* The nearest first: by the distance in proportion to the larger of the two sides, so that units do not matter; of equal ones
 * the earlier clause. Returns how many. */
size_t near_misses(const struct policy *policy, const struct policy_explanation *explanation,
                   struct near_miss misses[NEAR_MISSES_MAX]);

#endif
