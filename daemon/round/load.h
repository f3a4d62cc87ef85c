/* SPDX-License-Identifier: PostgreSQL */
/*
 * Loading: everything that a round compares, by two connections on one snapshot, into columns.
 *
 *     together   households, batches, what stands (first connection)   |   memberships (second)
 *     then       match households and persons, place the persons
 *     together   the facts of the policy's codes, code by code, each taken by whichever connection is free
 *     then       place the facts
 *
 * The first connection keeps its snapshot, so that the particulars of changed households can be asked for; the caller
 * ends it. The second one is free after load_run, and its snapshot ended.
 *
 * Ownership: the load owns all its columns and borrows the connections.
 */
#ifndef SHOUWANG_ROUND_LOAD_H
#define SHOUWANG_ROUND_LOAD_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "policy/policy.h"
#include "round/assemble.h"
#include "round/match.h"
#include "round/origin.h"
#include "round/round.h"
#include "store/pull.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

struct load {
    struct arena *arena;
    struct pg *first, *second;
    const struct policy *policy;
    const atomic_bool *cancel;

    struct pull_households households;
    struct match *household_match; /* household_id → position */
    struct assembly assembly;      /* positions are those of `households` */

    struct pull_findings findings;
    struct pull_warnings warnings;

    struct origins origins;
    /* The newest one of each source that counts on the evaluation date. */
    size_t newest_count;
    struct pull_batch *newest;
    size_t pair_count;
    const struct pull_source_code *pairs;

    struct assemble_exclusion exclusion; /* batches that do not count */
};

/*
 * Both connections are within the same snapshot. known_on: DAY_NONE, or the date after which nothing was known yet
 * (round.h, "Dates"). Times and rows of the stages go into the report: "register", "match", "facts", "assemble".
 */
enum status load_run(struct load *load, struct pg *first, struct pg *second, const struct policy *policy,
                     const atomic_bool *cancel, day_t known_on, struct round_report *report,
                     struct error *err) WARN_UNUSED;
void load_fini(struct load *load);

#endif
