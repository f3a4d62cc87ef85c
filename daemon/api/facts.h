/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the database says about the county, for the status page, readiness, metrics and `shouwangctl status`: levels by
 * township, feeds, rounds, queue. Counts and times alone: no personal data.
 *
 * Facts are read every few seconds, and cost what is under way: the events that are not delivered. Counts cost what the county
 * is large, but change only with an import or a round; so they are kept until one was committed, by whomever.
 *
 * Blocking: read on a worker. Ownership: everything is in the facts' or the counts' arena; immutable once read, but for
 * the pointer from facts to counts, which the owner of both sets.
 */
#ifndef SHOUWANG_API_FACTS_H
#define SHOUWANG_API_FACTS_H

#include "base/arena.h"
#include "base/status.h"
#include "store/batch.h"
#include "store/listing.h"
#include "store/round_store.h"
#include "store/transactions.h"
#include "store/unusable.h"
#include "store/volume.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

enum { API_ROUNDS_SHOWN = 10 };

/* What the register and the standing warnings amount to, and which feeds swing, as of an import and a round. */
struct api_counts {
    struct arena *arena;
    int64_t import,
        round; /* the newest when counting began, the round committed or held; 0 = none. What is counted is
                              that, or newer */
    struct listing_register on_register;
    const struct listing_township_level *levels;
    size_t level_count;
    const struct volume_swinging *swinging; /* by source */
    size_t swinging_count;
};

struct api_facts {
    struct arena *arena;
    int64_t read_unix_ms;
    struct listing_status status;
    const struct api_counts
        *counts; /* borrowed; NULL = not counted yet. May be of the import or the round before */
    const struct batch_info *batches; /* newest of each source, see batch_list_newest */
    size_t batch_count;
    const struct unusable *unusable; /* by source; those that a round would find now */
    size_t unusable_count;
    const struct round_info *rounds; /* newest first */
    size_t round_count;
    const struct listing_shape *queue; /* by township */
    size_t queue_count;
    const int64_t *held; /* townships whose receivers are held, in order */
    size_t held_count;
    struct transaction *transactions;
    size_t transaction_count;
    const struct transaction *oldest; /* of them; set by the owner, who has seen them before. NULL = none */
};

enum status api_facts_read(struct pg *pg, struct api_facts **facts, struct error *err) WARN_UNUSED;
void api_facts_free(struct api_facts *facts); /* NULL is allowed; leaves its counts */

/* import, round: the newest, read before (listing_status). */
enum status api_counts_read(struct pg *pg, int64_t import, int64_t round, struct api_counts **counts,
                            struct error *err) WARN_UNUSED;
/* Whether they count what the facts tell of; counts may be NULL. */
bool api_counts_match(const struct api_counts *counts, const struct api_facts *facts);
void api_counts_free(struct api_counts *counts); /* NULL is allowed */

#endif
