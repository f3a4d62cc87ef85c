/* SPDX-License-Identifier: PostgreSQL */
/*
 * Leases: who may do what, as rows of the table lease, with fencing tokens.
 *
 * Two uses:
 *   - A duty held over time (a daemon's rounds, its delivery): lease_take … lease_renew … lease_release. Time is
 *     the database's. The token grows with every change of holder; whoever writes under a lease locks the row in
 *     the same transaction with its token (lease_lock), so that a holder who was asleep writes nothing.
 *   - Mutual exclusion of one transaction (an ingest, an import): lease_lock with token 0, which waits.
 */
#ifndef SHOUWANG_STORE_LEASE_H
#define SHOUWANG_STORE_LEASE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct pg;

enum lease_duty { LEASE_INGEST, LEASE_ROUND, LEASE_DELIVERY };

struct lease {
    enum lease_duty duty;
    int64_t token; /* 0 = not held */
};

/* Takes the duty if nobody holds it, its holder let it expire, or `holder` (host, process and start) is
 * ourselves. lease->token stays 0 when somebody else holds it; then `other` (may be NULL, 128 bytes) says
 * who. */
enum status lease_take(struct pg *pg, enum lease_duty duty, const char *holder, int ttl_ms,
                       struct lease *lease, char other[128], struct error *err) WARN_UNUSED;
/* Prolongs it. Sets lease->token to 0 (STATUS_OK) when somebody else has taken it meanwhile. */
enum status lease_renew(struct pg *pg, struct lease *lease, int ttl_ms, struct error *err) WARN_UNUSED;
/* Gives it back; harmless when it is no longer ours. */
enum status lease_release(struct pg *pg, struct lease *lease, struct error *err) WARN_UNUSED;

/* Within a transaction: locks the duty's row until its end. With a token other than 0, STATUS_RETRY when the
 * duty has passed to somebody else. */
enum status lease_lock(struct pg *pg, enum lease_duty duty, int64_t token, struct error *err) WARN_UNUSED;

#endif
