/* SPDX-License-Identifier: PostgreSQL */
/*
 * A connection of a job's own, for layers that know the store but not io/pg.h.
 */
#ifndef SHOUWANG_STORE_SESSION_H
#define SHOUWANG_STORE_SESSION_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdint.h>

struct pg;

enum { SESSION_CONNECT_TIMEOUT_MS = 10000 }; /* a server on the same network answers in far less */

/* cancel (may be NULL, must outlive the session): once it is true every wait ends with STATUS_RETRY. */
enum status session_open(const char *conninfo, const char *application_name, const atomic_bool *cancel,
                         struct pg **pg, struct error *err) WARN_UNUSED;
/* A transaction under the leadership of that token (store/lease.h; 0 = not checked): STATUS_RETRY when it is over. */
enum status session_begin(struct pg *pg, int64_t leader, struct error *err) WARN_UNUSED;
enum status session_commit(struct pg *pg, struct error *err) WARN_UNUSED;
void session_rollback(struct pg *pg); /* does nothing after a commit */
/* From here on nothing is cancelled: before a commit, whose outcome would otherwise have to be looked up. */
void session_shield(struct pg *pg);
void session_close(struct pg *pg); /* NULL is allowed; an open transaction is rolled back */

/* STATUS_RETRY where nothing can be written: a standby, or one that was the primary. */
enum status session_check_writable(struct pg *pg, struct error *err) WARN_UNUSED;
/* By how much our wall clock is ahead of the database's (negative: behind), to the length of a statement. */
enum status session_clock_off(struct pg *pg, int64_t *off_ms, struct error *err) WARN_UNUSED;

#endif
