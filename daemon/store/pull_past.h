/* SPDX-License-Identifier: PostgreSQL */
/*
 * What was known when a round was computed: the register before the imports that came later (household_history,
 * membership_history) and the facts of the batches that it saw (person_fact, household_fact and their histories).
 *
 * Read within one snapshot. Everything returned lies in the caller's arena.
 */
#ifndef SHOUWANG_STORE_PULL_PAST_H
#define SHOUWANG_STORE_PULL_PAST_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "domain/fact.h"
#include "store/pull_one.h"
#include "store/round_store.h"

#include <stdbool.h>
#include <stdint.h>

struct pg;

/* The newest committed round whose date is not after `day`. *round stays NULL when there is none. */
enum status pull_round_on(struct pg *pg, day_t day, struct arena *arena, const struct round_info **round,
                          struct error *err) WARN_UNUSED;

/* By source the newest accepted batch that a round saw; 0 = none. */
struct pull_seen {
    int64_t batch[SOURCE_NUMBER_MAX + 1];
};

/* Everything about one household as those batches had it; address and names are those of now. Members have no `since`.
 * A household that was not on the register then has neither members nor facts. *one stays NULL when the number is not
 * known at all. */
enum status pull_one_past(struct pg *pg, const char *household_no, const struct pull_seen *seen,
                          struct arena *arena, const struct pull_one **one, struct error *err) WARN_UNUSED;

/* Whether something that those batches brought was given up since (table history_start). */
enum status pull_past_is_whole(struct pg *pg, const struct pull_seen *seen, bool *whole,
                               struct error *err) WARN_UNUSED;

#endif
