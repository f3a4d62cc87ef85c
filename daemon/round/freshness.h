/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which feeds are fresh, and so which clauses a round may end.
 *
 * A feed is fresh on D when its newest accepted batch can tell (batch_speaks_to) of D minus the days that the policy
 * gives it (时效; 35 where the policy does not know the source). A batch that does not say to which day it speaks is
 * never fresh. The register is not a feed: a round reads it as it is, and it is always fresh.
 *
 * A feed provides a code when it has an accepted batch, and has ever spoken about the code or is named for it by the
 * policy (先 …). A clause may be ended when every feed that provides one of its codes is fresh and trusted to clear
 * (可解警). A feed that a county never had hinders nothing.
 *
 * But nothing ends by a feed that lost much of a batch, fresh or not, until what was lost has come or an operator has said that the
 * batch is right (store/unusable.h).
 *
 * Pure.
 */
#ifndef SHOUWANG_ROUND_FRESHNESS_H
#define SHOUWANG_ROUND_FRESHNESS_H

#include "base/civil.h"
#include "domain/fact.h"
#include "policy/policy.h"
#include "store/pull.h"
#include "store/unusable.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRESHNESS_DAYS_DEFAULT = 35 }; /* a month and some days' grace: policy-language, 13 */

struct freshness_source {
    int64_t batch_id; /* 0: has none */
    day_t period_to;
    int days;
    bool fresh;
    bool may_clear;
};

struct freshness {
    struct freshness_source sources[SOURCE_NUMBER_MAX + 1]; /* by source */
    uint64_t clauses;                                       /* that this round may end */
};

/* batches: the newest accepted one of each source; pairs: which sources ever spoke about which codes. */
void freshness_judge(struct freshness *freshness, const struct policy *policy,
                     const struct pull_batch *batches, size_t batch_count,
                     const struct pull_source_code *pairs, size_t pair_count, day_t as_of);

/* The clauses one of whose codes the source provides; it must have an accepted batch. */
uint64_t freshness_provided(const struct policy *policy, const struct pull_source_code *pairs,
                            size_t pair_count, int source);
/* Of the sources of these batches, but for those that are trusted. */
uint64_t freshness_unusable(const struct policy *policy, const struct pull_source_code *pairs,
                            size_t pair_count, const struct unusable *items, size_t count);

#endif
