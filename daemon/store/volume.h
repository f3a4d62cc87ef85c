/* SPDX-License-Identifier: PostgreSQL */
/*
 * How many facts a feed's batch stated, township by township; and where a round found that it swings (波动 in the policy).
 *
 * Counted by one statement at the end of the ingest, within its transaction: of a full batch everything that is live of the
 * source, of a delta batch what carries its number. Never changed later, whatever becomes of the register.
 */
#ifndef SHOUWANG_STORE_VOLUME_H
#define SHOUWANG_STORE_VOLUME_H

#include "base/arena.h"
#include "base/status.h"
#include "store/fact_store.h"

#include <stddef.h>
#include <stdint.h>

struct pg;

/* Stands for no township: people who are not on the register. Of a swing: all townships in sum. */
#define VOLUME_NO_TOWNSHIP 0

/* After fact_writer_finish. strangers: facts about people who are no persons of ours; plan: of the batch, with the scope of
 * its writer or without. */
enum status volume_count(struct pg *pg, const struct fact_plan *plan, int64_t strangers,
                         struct error *err) WARN_UNUSED;

struct volume {
    int64_t township, batch_id, rows;
};
/* By township, then batch. A batch that was never counted has none, one that was has one of VOLUME_NO_TOWNSHIP. */
enum status volume_read(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *arena,
                        const struct volume **volumes, size_t *volume_count, struct error *err) WARN_UNUSED;

struct volume_swing {
    int source;
    int64_t batch_id;
    int64_t township; /* VOLUME_NO_TOWNSHIP: in sum */
    int64_t rows;
    int64_t low, high;                              /* what would have been usual */
    const char *batch, *source_name, *source_title; /* filled by volume_swings */
};
enum status volume_put_swings(struct pg *pg, int64_t round_id, const struct volume_swing *swings,
                              size_t count, struct error *err) WARN_UNUSED;
/* What the round found, by source, batch and township. 0: the newest that was committed or held. */
enum status volume_swings(struct pg *pg, int64_t round_id, struct arena *arena,
                          const struct volume_swing **swings, size_t *count, struct error *err) WARN_UNUSED;

#endif
