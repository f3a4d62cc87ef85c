/* SPDX-License-Identifier: PostgreSQL */
/*
 * Leases: who may do what, as rows of the table lease.
 *
 *   leader         Which of several daemons on one database acts: holder, fencing token, and expires_at by the database's
 *                  clock. Taken, kept and left from the loop (lease_take_async …).
 *   ingest, round  Rows to lock: an ingest or import, and a round's commit, exclude each other by them (lease_lock),
 *                  whoever runs them: daemon or shouwangctl.
 *
 * Fencing. The token grows with every taking and with every leaving. Whatever a daemon writes carries the token of its
 * leadership, and the writing transaction itself calls fence() (sql/migrations/0006): it locks the row `for key share` and
 * refuses a token that is no longer the row's. The strengths of the locks do the rest:
 *
 *                        writer: key share     holder's renewal: update     taking: for update
 *     writer             together              together                     the taker skips, and comes again
 *
 * So a renewal never waits for a long ingest, and nobody takes the lease while a transaction that was checked is still
 * open: what a daemon wrote under its token was committed before the next daemon began. A daemon that was frozen or cut
 * off with such a transaction open would keep the lease for ever; the taker ends its sessions (lease_evict_async).
 *
 * No session state, no advisory locks: it works through a pooler in transaction mode.
 */
#ifndef SHOUWANG_STORE_LEASE_H
#define SHOUWANG_STORE_LEASE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct pg;
struct pg_async;

/* --- within a transaction ------------------------------------------------------------------------------------- */

enum lease_duty { LEASE_INGEST, LEASE_ROUND };

/* Locks the duty's row until the transaction's end, then as lease_fence. */
enum status lease_lock(struct pg *pg, enum lease_duty duty, int64_t leader, struct error *err) WARN_UNUSED;
/* STATUS_RETRY when the leadership of that token is over. 0 = the caller leads nothing: not checked. */
enum status lease_fence(struct pg *pg, int64_t leader, struct error *err) WARN_UNUSED;
/* pg_begin (read committed) and lease_fence. */
enum status lease_begin(struct pg *pg, int64_t leader, struct error *err) WARN_UNUSED;

/* --- who leads, from the loop --------------------------------------------------------------------------------- */

/* The longest term that a daemon may ask for. A lease that seems to run for longer was prolonged before the database's
 * clock was set back: it counts as run out, or a daemon that died then would lead for as long as the clock was wrong. */
#define LEASE_DURATION_MAX_MS 300000
enum { LEASE_HOLDER_MAX = 200 };

/* The row as it is after the call. */
struct lease_seen {
    bool ours; /* taken, or kept */
    int64_t token;
    int64_t taken_unix_ms;         /* 0 = never */
    char holder[LEASE_HOLDER_MAX]; /* "" = nobody. After taking: the one before */
    bool expired; /* not ours: it could have been taken, but one of its holder's transactions is still open */
};
/* seen is NULL unless STATUS_OK. With STATUS_RETRY it may have happened all the same. */
typedef void (*lease_answered)(void *context, enum status status, const struct lease_seen *seen,
                               const struct error *err);

/* Takes the leadership if nobody has it or it has run out, patience_ms ago or more; with `again`, also from a holder of our
 * own name (host and control socket): a daemon that was killed and started again. */
enum status lease_take_async(struct pg_async *async, const char *holder, bool again, int64_t duration_ms,
                             int64_t patience_ms, int timeout_ms, lease_answered done, void *context,
                             struct error *err) WARN_UNUSED;
/* Prolongs it, even one that ran out, as long as nobody else has taken it. holder: as it was taken. With a duration of 0 it
 * runs out at once: ours until somebody takes it. */
enum status lease_keep_async(struct pg_async *async, const char *holder, int64_t token, int64_t duration_ms,
                             int timeout_ms, lease_answered done, void *context,
                             struct error *err) WARN_UNUSED;
/* Gives it back, for the next to take at once; does nothing when it is no longer ours. */
enum status lease_leave_async(struct pg_async *async, int64_t token, int timeout_ms, lease_answered done,
                              void *context, struct error *err) WARN_UNUSED;

/* Ends the sessions of a daemon whose lease has run out and that still hold a lock on the leases. STATUS_CONFIG: this
 * account may not end theirs. */
typedef void (*lease_evicted)(void *context, enum status status, int64_t sessions, const struct error *err);
enum status lease_evict_async(struct pg_async *async, int timeout_ms, lease_evicted done, void *context,
                              struct error *err) WARN_UNUSED;

#endif
