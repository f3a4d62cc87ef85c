/* SPDX-License-Identifier: PostgreSQL */
/*
 * Findings that wait to be cleared (解除 in the policy): what a round must know to go on counting, and what is told of it.
 *
 * Ownership: everything in the caller's arena.
 */
#ifndef SHOUWANG_STORE_CLEARING_STORE_H
#define SHOUWANG_STORE_CLEARING_STORE_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

struct clearing_row {
    int64_t household_id;
    const char *rule;
    day_t since, counted_on; /* DAY_NONE: waits no more */
    int rounds, rounds_needed;
    int64_t base_batch;
    int batches, batches_needed;
    int64_t told_by; /* clearing_told of a round: the round that counted last */
};

struct clearing_batch {
    int source;
    int64_t batch_id;
};

struct clearing_rows {
    size_t count;
    const struct clearing_row *rows; /* by household_id */
    size_t seen_count;
    const struct clearing_batch *seen; /* the newest of each source that the last committed round saw */
    size_t since_count;
    const struct clearing_batch *since; /* accepted ones, by source and number, that may count */
};

/* batches: those, too; otherwise the rows alone, of which there are none where no clause asks for anything. */
enum status clearing_pull(struct pg *pg, struct arena *arena, bool batches, struct clearing_rows *rows,
                          struct error *err) WARN_UNUSED;

/* What waits of one household's findings: after the last round (round_id 0), or after a round; by rule. counted_on and
 * base_batch are not told. */
enum status clearing_told(struct pg *pg, int64_t household_id, int64_t round_id, struct arena *arena,
                          const struct clearing_row **rows, size_t *count, struct error *err) WARN_UNUSED;

#endif
