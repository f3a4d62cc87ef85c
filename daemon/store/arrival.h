/* SPDX-License-Identifier: PostgreSQL */
/*
 * What an arriving file of a source must be compared with: the batches that were accepted before, and the names of the
 * register. Call within the transaction that brings the file, after lease_lock(LEASE_INGEST), so that nothing changes
 * between the look and the deed.
 */
#ifndef SHOUWANG_STORE_ARRIVAL_H
#define SHOUWANG_STORE_ARRIVAL_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "store/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct pg;

enum { ARRIVAL_BATCH_SIZE = 128 };

/* An accepted batch of the source, as far as it matters. */
struct arrival_batch {
    bool exists;
    char name[ARRIVAL_BATCH_SIZE];
    char sha256[65];
    enum batch_mode mode;
    day_t period_from, period_to; /* DAY_NONE when not given */
    int64_t batch_id, rows_total;
    int64_t sent_at_ms; /* Unix; INT64_MIN = not given */
};

struct arrival {
    struct arrival_batch same_name;
    struct arrival_batch same_bytes; /* the newest with this hash */
    struct arrival_batch latest;     /* the one with the latest period_to, of these the newest */
    struct arrival_batch newest;     /* the greatest batch_id */
    struct arrival_batch
        last_sent; /* the latest sent_at, but none that lies ahead of its own arrival by more than a day */
};
enum status arrival_look(struct pg *pg, int source, const char *name, const char *sha256,
                         struct arrival *arrival, struct error *err) WARN_UNUSED;

/* Whether a full batch was sent after sent_at_ms, as last_sent is, and of no earlier period. */
enum status arrival_outdated(struct pg *pg, int source, day_t period_to, int64_t sent_at_ms,
                             struct arrival_batch *batch, struct error *err) WARN_UNUSED;

/*
 * The newest refusal of this file of the source, by the names of batch and file. sha256: of its bytes, NULL = they could
 * not be read; with any_bytes the file is no longer beside its manifest, and its bytes do not matter.
 */
enum status arrival_refused(struct pg *pg, int source, const char *name, const char *file_name,
                            const char *sha256, bool any_bytes, struct arrival_batch *batch,
                            struct error *err) WARN_UNUSED;

/* Every person's name as registered, in no order. */
typedef void arrival_take_name(void *context, int64_t person_id, struct slice name);
enum status arrival_names(struct pg *pg, arrival_take_name *take, void *context,
                          struct error *err) WARN_UNUSED;

/* One audit row. detail_json: an object without personal data. */
enum status arrival_audit(struct pg *pg, const char *actor, const char *action, const char *detail_json,
                          struct error *err) WARN_UNUSED;

#endif
