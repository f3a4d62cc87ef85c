/* SPDX-License-Identifier: PostgreSQL */
/*
 * Loading: everything that a round compares, by two connections on one snapshot, into columns.
 *
 *     together   households, batches, what stands (first connection); memberships, in stretches, by whichever is free
 *     then       match households and persons, place the persons
 *     together   the facts of the policy's codes, in stretches, each taken by whichever connection is free (load_facts.h)
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
#include "round/shard.h"
#include "store/pull.h"
#include "store/pull_standing.h"

#include <stddef.h>
#include <stdint.h>

struct pg;

enum {
    LOAD_BAGS = 2,
    /* A stretch of a table that one connection pulls at a time: some 50 ms, so that neither waits long for the other at the
     * end; beginning one costs less than a hundredth of that. */
    LOAD_STRETCH_PAGES = 1024,
};

/* At most two policies are asked about the same facts: the one in force, and another beside it (simulate.h). */
enum { LOAD_POLICIES_MAX = 2 };

struct load {
    struct arena *arena;
    struct pg *first, *second;
    const struct policy *policy;
    const struct policy *beside; /* NULL in a round */

    /* The codes of the facts in the bags: those of the policy, or of both. */
    size_t code_count;
    const int16_t *codes; /* dictionary numbers, ascending */
    const int16_t *positions
        [LOAD_POLICIES_MAX]; /* by code: in policy_codes() of each, -1 = does not read it; NULL in a round: the same */

    struct pull_households households;
    struct match *household_match; /* household_id → position */
    struct assembly assembly;      /* positions are those of `households` */

    struct pull_findings findings;
    struct pull_warnings warnings;

    struct origins origins;
    /* Those of them that were known on the evaluation date, by batch_id. */
    size_t known_count;
    const struct batch_info **known;
    /* The newest one of each source that counts on the evaluation date. */
    size_t newest_count;
    struct pull_batch *newest;
    size_t pair_count;
    const struct pull_source_code *pairs;

    struct shard_exclusion exclusion; /* batches that do not count */
    struct shard_bag bags[LOAD_BAGS]; /* the facts, by who pulled them */
};

/*
 * Both connections are within the same snapshot. known_on: DAY_NONE, or the date after which nothing was known yet
 * (round.h, "Dates"). Times and rows of the stages go into the report: "register", "match", "facts". STATUS_CONFIG when the
 * policy says nothing about the date.
 */
enum status load_run(struct load *load, struct pg *first, struct pg *second, const struct policy *policy,
                     day_t as_of, day_t known_on, struct round_report *report, struct error *err) WARN_UNUSED;
/* The same for two policies on one date: what either needs is loaded, once. */
enum status load_run_beside(struct load *load, struct pg *first, struct pg *second,
                            const struct policy *policy, const struct policy *beside, day_t as_of,
                            day_t known_on, struct round_report *report, struct error *err) WARN_UNUSED;
/* Gives back the memory of the facts, once they are evaluated. */
void load_forget_facts(struct load *load);
void load_fini(struct load *load);

#endif
