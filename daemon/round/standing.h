/* SPDX-License-Identifier: PostgreSQL */
/*
 * What stands, by household: the findings and open cases as they were pulled, sorted to the households of the round.
 *
 * Households have positions: first those on the register, in the order in which they were pulled; then those that are
 * off it but of which something still stands.
 *
 * Ownership: owns its index; borrows findings, warnings and the policy.
 */
#ifndef SHOUWANG_ROUND_STANDING_H
#define SHOUWANG_ROUND_STANDING_H

#include "base/status.h"
#include "policy/policy.h"
#include "round/compare.h"
#include "round/match.h"
#include "store/pull_standing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct standing {
    const struct pull_findings *findings;
    const struct pull_warnings *warnings;
    const struct policy *policy;
    day_t as_of;                  /* which version of a clause a rule is */
    size_t register_count, count; /* households on the register; all */
    int64_t *off_id;         /* household_id of those off the register, ascending; count - register_count */
    uint32_t *finding_begin; /* count + 1 */
    uint32_t *finding_order; /* positions in findings, by household */
    uint32_t *case_of;       /* position in warnings, or MATCH_NONE; count */
    int *clause_of_rule;     /* -1: the policy no longer has it */
};

enum status standing_init(struct standing *standing, const struct policy *policy, day_t as_of,
                          const struct pull_findings *findings, const struct pull_warnings *warnings,
                          const struct match *households, size_t register_count,
                          struct error *err) WARN_UNUSED;
void standing_fini(struct standing *standing);

/* What stands about the household at `position`. */
struct compare_standing standing_get(const struct standing *standing, size_t position);
bool standing_is_empty(const struct standing *standing, size_t position);
/* The clause that a finding is of; -1 when the policy no longer has it, or has another kind of clause by that name. */
int standing_clause(const struct standing *standing, uint32_t finding);
/* Whether of the household a finding stands that has the clause's name and is of another kind. */
bool standing_has_namesake(const struct standing *standing, size_t position, int clause);
/* The position of a clause's finding in findings; MATCH_NONE when it does not stand. */
uint32_t standing_finding(const struct standing *standing, size_t position, int clause);

#endif
