/* SPDX-License-Identifier: PostgreSQL */
/*
 * PostgreSQL connections. This is the only user of libpq.
 *
 * Two kinds:
 *   struct pg        blocking, for worker threads and shouwangctl: one statement at a time, each wait with a deadline
 *   struct pg_async  on the event loop: reconnects by itself, a queue of statements, answers by callback
 *
 * Both connect with client_encoding UTF8, search_path shouwang, the time zone UTC, synchronous commits, keepalives and
 * tcp_user_timeout, and exchange values in PostgreSQL's binary format, so that nothing depends on how a
 * server prints dates or numbers.
 *
 * Errors: never libpq's message (it may quote data), but the SQLSTATE with our own words, and the names of
 * table, column and constraint where the server gives them. Classes:
 *   STATUS_RETRY   connection lost or refused, SQLSTATE 08, 40, 53, 55P03, 57, deadline passed, cancelled
 *   STATUS_CONFIG  28 (authentication), 3D, 3F, 42 (schema and statement do not fit, privileges)
 *   STATUS_FATAL   everything else: our statement or our data is wrong, or memory has run out
 *
 * A connection whose deadline passed, that was cancelled or lost its peer is broken: it fails every further
 * call with STATUS_RETRY and can only be closed (pg_is_broken).
 *
 * Settings travel in the start-up parameter `options`. A pooler that does not pass it on (pgbouncer:
 * ignore_startup_parameters = options) leaves them to the account: alter role … set search_path = shouwang, pg_temp.
 *
 * Threading: a connection belongs to one thread at a time and may be handed over whole.
 */
#ifndef SHOUWANG_IO_PG_H
#define SHOUWANG_IO_PG_H

#include "base/status.h"
#include "io/pg_value.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

/* --- the blocking connection ---------------------------------------------------------------------------- */

enum {
    PG_STATEMENT_TIMEOUT_MS =
        600000, /* the server's own limit; a first import of a million persons needs minutes */
    PG_LOCK_TIMEOUT_MS = 30000,         /* nobody holds our locks for longer than a commit takes */
    PG_IDLE_IN_TRANSACTION_MS = 300000, /* a worker that hangs must not hold a snapshot for ever */
    PG_CALL_TIMEOUT_MS = 630000, /* ours, a little above the server's, so that the server speaks first */
};

/* Whether a password stands in it, of the account or of the client's key. False of what libpq cannot read. */
bool pg_conninfo_has_password(const char *conninfo);
/* conninfo: as libpq takes it (keywords or URI); parameters given there win over ours. timeout_ms bounds the
 * whole connecting, the resolving of a host name included. */
enum status pg_connect(const char *conninfo, const char *application_name, int timeout_ms, struct pg **pg,
                       struct error *err) WARN_UNUSED;
void pg_close(struct pg *pg); /* NULL is allowed; an open transaction is rolled back by the server */
bool pg_is_broken(const struct pg *pg);

/* How long each later call may wait in all (default PG_CALL_TIMEOUT_MS). */
void pg_set_call_timeout(struct pg *pg, int timeout_ms);
/* A wait ends within 100 ms of *cancel becoming true: STATUS_RETRY, connection broken; the server notices within
 * five seconds and ends the statement. NULL = none. The flag must outlive the connection or be taken back. */
void pg_set_cancel(struct pg *pg, const atomic_bool *cancel);
/* The SQLSTATE of the last failure ("23505"), or "" when it had none. */
const char *pg_sqlstate(const struct pg *pg);
const char *pg_server_encoding(const struct pg *pg); /* of the database: "UTF8"; "" when it is not known */

/* Statements without parameters and rows; several may be joined by ';' (they then are one transaction unless
 * one is open). */
enum status pg_exec(struct pg *pg, const char *sql, struct error *err) WARN_UNUSED;
/* One statement; *affected (may be NULL) gets the number of rows it touched. */
enum status pg_update(struct pg *pg, const char *sql, const struct pg_param *params, int64_t *affected,
                      struct error *err) WARN_UNUSED;
/* One statement with rows. The caller frees *result, which is NULL on failure. */
enum status pg_query(struct pg *pg, const char *sql, const struct pg_param *params, struct pg_result **result,
                     struct error *err) WARN_UNUSED;

enum pg_isolation {
    PG_READ_COMMITTED,
    PG_SNAPSHOT, /* repeatable read, read only */
};
enum status pg_begin(struct pg *pg, enum pg_isolation isolation, struct error *err) WARN_UNUSED;
/* When the connection is lost after COMMIT was sent, nobody knows what happened: STATUS_RETRY, and
 * pg_commit_unknown is true; the caller must look (with a new connection) before it does anything again.
 * Every other failure means that nothing was committed. */
enum status pg_commit(struct pg *pg, struct error *err) WARN_UNUSED;
bool pg_commit_unknown(const struct pg *pg);
/* Rolls back if a transaction is open; a failure leaves the connection broken. */
void pg_rollback(struct pg *pg);

/* --- COPY ----------------------------------------------------------------------------------------------- */

/* copy_sql: "copy person (person_id, name) from stdin (format binary)". Empties rows on success. Without rows
 * it does nothing. */
enum status pg_copy_in(struct pg *pg, const char *copy_sql, struct pg_rows *rows,
                       struct error *err) WARN_UNUSED;

struct pg_copy_out;
/* copy_sql: "copy (select …) to stdout (format binary)". */
enum status pg_copy_out_begin(struct pg *pg, const char *copy_sql, struct pg_copy_out **copy,
                              struct error *err) WARN_UNUSED;
/* NULL at the end and after a failure; pg_copy_out_end tells which. The row is valid until the next call. */
struct pg_row *pg_copy_out_next(struct pg_copy_out *copy);
/* Must be called after every successful begin; frees. Called before the rows have ended, it abandons the rest, and the
 * connection is broken. */
enum status pg_copy_out_end(struct pg_copy_out *copy, struct error *err) WARN_UNUSED;

/* --- the connection on the loop ------------------------------------------------------------------------- */

/*
 * One connection that the loop thread owns. It connects at once, and again whenever it is lost, with
 * exponential back-off and jitter (PG_BACKOFF_MIN_MS doubling to PG_BACKOFF_MAX_MS, until a statement was answered). Statements are sent in
 * the order in which they were submitted; each stands in a transaction of its own. A server that is read-only (SQLSTATE
 * 25006) counts as lost: another of those that conninfo names may be the primary now.
 *
 * Callbacks run from the loop, never from inside pg_async_submit. They may submit further statements; they
 * may not free the connection.
 */
struct loop;
struct pg_async;

enum {
    PG_BACKOFF_MIN_MS = 200,
    PG_BACKOFF_MAX_MS = 30000,
    PG_CONNECT_TIMEOUT_MS = 10000,
    PG_PROBE_MS = 15000, /* an idle connection is asked so often whether it still hears us */
    PG_PROBE_TIMEOUT_MS = 5000,
    PG_ASYNC_QUEUE_MAX = 4096, /* more waiting statements than that mean that nobody looks at answers */
};

/* result is NULL unless status is STATUS_OK; it and err are valid during the call only. With STATUS_RETRY the
 * statement may or may not have been executed. */
typedef void (*pg_async_done)(void *context, enum status status, const struct pg_result *result,
                              const struct error *err);
/* Told when the connection comes up (err NULL) and when it goes down or an attempt to connect fails (why). */
typedef void (*pg_async_state)(void *context, bool up, const struct error *err);

/* Copies conninfo. */
enum status pg_async_new(struct loop *loop, const char *conninfo, const char *application_name,
                         pg_async_state state, void *context, struct pg_async **async,
                         struct error *err) WARN_UNUSED;
/* Waiting statements are answered with STATUS_RETRY before it returns. */
void pg_async_free(struct pg_async *async);
bool pg_async_is_up(const struct pg_async *async);
/* Parameters are copied. Refused with STATUS_RETRY at once when the connection is down or the queue is full;
 * once accepted, `done` is called exactly once, after timeout_ms at the latest. */
enum status pg_async_submit(struct pg_async *async, const char *sql, const struct pg_param *params,
                            int timeout_ms, pg_async_done done, void *context, struct error *err) WARN_UNUSED;

#endif
