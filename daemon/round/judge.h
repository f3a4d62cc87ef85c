/* SPDX-License-Identifier: PostgreSQL */
/*
 * Judging: the policy machine over all households, and what that changes about each.
 *
 * Ownership: owns the outcomes and the list of changes. Positions are those of the standing index.
 */
#ifndef SHOUWANG_ROUND_JUDGE_H
#define SHOUWANG_ROUND_JUDGE_H

#include "base/status.h"
#include "policy/policy.h"
#include "round/clearing.h"
#include "round/compare.h"
#include "round/load.h"
#include "round/round.h"
#include "round/standing.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Above this many households a second thread pays for itself. */
enum { JUDGE_TWO_THREADS_FROM = 50000 };

struct judge_change {
    uint32_t position;
    uint64_t clearing; /* findings whose waiting has changed and must be written */
    enum policy_level before;
    bool vanished;         /* findings of rules that the policy no longer has must go */
    bool moved;            /* the case stands, but the household has come to another township */
    uint64_t moved_checks; /* checks that stand on, of which another township was told */
    struct compare_result now;
};

/* One of the policies that are asked about the same facts. */
struct judge_side {
    const struct policy *policy;
    const int16_t *positions;        /* struct load */
    struct policy_outcome *outcomes; /* of the households on the register; the caller's, zeroed */
    struct policy_large large;
};

struct judge {
    struct policy_outcome *outcomes; /* of the households on the register */
    size_t change_count, change_capacity;
    struct judge_change *changes; /* by position; only what must be written */
    struct policy_large large;
    const struct clearing *clearing; /* NULL: no clause asks for more */
    const int64_t *household_ids;    /* of the households on the register; with clearing */
};

/* Shard by shard, the facts of each put in order first. Stages: "assemble", "evaluate". STATUS_CONFIG when the policy says
 * nothing about the date; STATUS_RETRY when `cancel` became true. */
enum status judge_evaluate(struct judge *judge, const struct load *load, day_t as_of,
                           const atomic_bool *cancel, struct round_report *report,
                           struct error *err) WARN_UNUSED;
/* The same for one or two policies; the load is theirs together. */
enum status judge_sides(struct judge_side *sides, size_t count, const struct load *load, day_t as_of,
                        const atomic_bool *cancel, struct round_report *report,
                        struct error *err) WARN_UNUSED;
/* Fills the changes and the report's counts and statistics. townships: of the households on the register. */
enum status judge_compare(struct judge *judge, const struct rules *rules, const struct standing *standing,
                          const int64_t *townships, struct round_report *report,
                          struct error *err) WARN_UNUSED;
void judge_fini(struct judge *judge);

#endif
