/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the database says about the county, for the status page, readiness, metrics and `shouwangctl status`: levels by
 * township, feeds, rounds, queue. Counts and times alone: no personal data.
 *
 * Blocking: read on a worker. Ownership: everything is in the facts' arena; immutable once read.
 */
#ifndef SHOUWANG_API_FACTS_H
#define SHOUWANG_API_FACTS_H

#include "base/arena.h"
#include "base/status.h"
#include "store/batch.h"
#include "store/listing.h"
#include "store/round_store.h"

#include <stddef.h>
#include <stdint.h>

struct pg;

enum { API_ROUNDS_SHOWN = 10 };

struct api_facts {
    struct arena *arena;
    int64_t read_unix_ms;
    struct listing_status status;
    const struct listing_township_level *levels;
    size_t level_count;
    const struct batch_info *batches; /* newest of each source, see batch_list_newest */
    size_t batch_count;
    const struct round_info *rounds; /* newest first */
    size_t round_count;
    const struct listing_shape *queue; /* by township */
    size_t queue_count;
};

enum status api_facts_read(struct pg *pg, struct api_facts **facts, struct error *err) WARN_UNUSED;
void api_facts_free(struct api_facts *facts); /* NULL is allowed */

#endif
