/* SPDX-License-Identifier: PostgreSQL */
/* The blocking connection: every wait is a poll with the call's deadline. */
#include "io/pg.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "io/pg_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { CANCEL_POLL_MS = 100, ROLLBACK_TIMEOUT_MS = 5000 };

/* --- waiting --- */

enum status pg_break(struct pg *pg, struct error *err, const char *why)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
    return error_set(err, STATUS_RETRY, "database: %s", why);
}

enum status pg_call_begin(struct pg *pg, struct error *err)
{
    pg->sqlstate[0] = '\0';
    pg->commit_unknown = false;
    if (!pg->conn)
        return error_set(err, STATUS_RETRY, "database: the connection is broken");
    pg->deadline_ms = clock_monotonic_ms() + pg->call_timeout_ms;
    return STATUS_OK;
}

/* One poll; *ready tells whether it ended because the socket is ready. */
static enum status poll_once(struct pg *pg, short events, int64_t left_ms, bool *ready, struct error *err)
{
    struct pollfd socket = {.fd = PQsocket(pg->conn), .events = events};
    int slice_ms = (int)left_ms;
    if (pg->cancel && slice_ms > CANCEL_POLL_MS)
        slice_ms = CANCEL_POLL_MS;
    int n = poll(&socket, 1, slice_ms);
    *ready = n > 0;
    if (n < 0 && errno != EINTR)
        return pg_break(pg, err, "the connection's socket cannot be polled");
    return STATUS_OK;
}

enum status pg_wait(struct pg *pg, short events, struct error *err)
{
    bool ready = false;
    while (!ready) {
        if (pg->cancel && atomic_load_explicit(pg->cancel, memory_order_relaxed))
            return pg_break(pg, err, "cancelled");
        int64_t left_ms = pg->deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return pg_break(pg, err, "no answer before the deadline");
        enum status status = poll_once(pg, events, left_ms, &ready, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

enum status pg_flush(struct pg *pg, struct error *err)
{
    for (;;) {
        int more = PQflush(pg->conn);
        if (more == 0)
            return STATUS_OK;
        if (more < 0)
            return pg_break(pg, err, "connection lost");
        enum status status = pg_wait(pg, POLLIN | POLLOUT, err);
        if (status)
            return status;
        /* The server may have to get rid of an answer before it reads on. */
        if (!PQconsumeInput(pg->conn))
            return pg_break(pg, err, "connection lost");
    }
}

enum status pg_next_result(struct pg *pg, PGresult **result, struct error *err)
{
    while (PQisBusy(pg->conn)) {
        enum status status = pg_wait(pg, POLLIN, err);
        if (status)
            return status;
        if (!PQconsumeInput(pg->conn))
            return pg_break(pg, err, "connection lost");
    }
    *result = PQgetResult(pg->conn);
    return STATUS_OK;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType type = PQresultStatus(result);
    return type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK || type == PGRES_EMPTY_QUERY;
}

static bool is_copy(const PGresult *result)
{
    ExecStatusType type = PQresultStatus(result);
    return type == PGRES_COPY_IN || type == PGRES_COPY_OUT || type == PGRES_COPY_BOTH;
}

enum status pg_finish_results(struct pg *pg, PGresult **last, struct error *err)
{
    PGresult *kept = NULL;
    enum status failed = STATUS_OK;
    for (;;) {
        PGresult *result;
        enum status status = pg_next_result(pg, &result, err);
        if (status || !result) {
            failed = failed ? failed : status;
            break;
        }
        if (is_copy(result)) { /* would never end by itself */
            PQclear(result);
            failed = pg_break(pg, err, "a COPY came where none was expected");
            break;
        }
        if (!is_good(result) && !failed)
            failed = pg_result_error(result, pg->sqlstate, err);
        PQclear(kept);
        kept = result;
    }
    if (pg->conn && PQstatus(pg->conn) == CONNECTION_BAD) {
        PQfinish(pg->conn);
        pg->conn = NULL;
        if (!failed)
            failed = error_set(err, STATUS_RETRY, "database: connection lost");
    }
    if (failed || !last) {
        PQclear(kept);
        kept = NULL;
    }
    if (last)
        *last = kept;
    return failed;
}

/* --- connecting --- */

static enum status connect_poll(struct pg *pg, struct error *err)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        next = PGRES_POLLING_FAILED;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        enum status status = pg_wait(pg, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, err);
        if (status)
            return status;
        next = PQconnectPoll(pg->conn);
    }
    if (next != PGRES_POLLING_OK)
        return pg_connect_error(pg->conn, pg->sqlstate, err);
    if (PQsetnonblocking(pg->conn, 1) != 0)
        return pg_break(pg, err, "connection lost");
    return STATUS_OK;
}

/* Waits for the addresses, within the deadline. */
static enum status wait_resolved(const struct pg *pg, int fd, struct error *err)
{
    struct pollfd done = {.fd = fd, .events = POLLIN};
    for (;;) {
        int64_t left_ms = pg->deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return error_set(err, STATUS_RETRY,
                             "database: its host name was not resolved before the deadline");
        if (poll(&done, 1, (int)left_ms) > 0)
            return STATUS_OK;
    }
}

static enum status start_resolved(struct pg *pg, const char *conninfo, const char *application_name,
                                  const char *hosts, struct error *err)
{
    struct pg_resolve *resolve;
    int fd;
    enum status status = pg_resolve_start(hosts, &resolve, &fd, err);
    if (status)
        return status;
    status = wait_resolved(pg, fd, err);
    if (!status && !pg_resolve_addresses(resolve))
        status = error_set(err, STATUS_RETRY, "database: its host name %s cannot be resolved", hosts);
    if (!status)
        status = pg_start(conninfo, application_name, pg_resolve_addresses(resolve), &pg->conn, err);
    pg_resolve_free(resolve);
    return status;
}

static enum status start(struct pg *pg, const char *conninfo, const char *application_name, struct error *err)
{
    char *hosts;
    enum status status = pg_host_to_resolve(conninfo, &hosts, err);
    if (status)
        return status;
    status = hosts ? start_resolved(pg, conninfo, application_name, hosts, err)
                   : pg_start(conninfo, application_name, NULL, &pg->conn, err);
    free(hosts);
    return status;
}

enum status pg_connect(const char *conninfo, const char *application_name, int timeout_ms, struct pg **pg,
                       struct error *err)
{
    *pg = NULL;
    struct pg *new = calloc(1, sizeof *new);
    if (!new)
        return error_set(err, STATUS_FATAL, "database: no memory for a connection");
    new->call_timeout_ms = PG_CALL_TIMEOUT_MS;
    new->deadline_ms = clock_monotonic_ms() + timeout_ms;
    enum status status = start(new, conninfo, application_name, err);
    if (!status)
        status = connect_poll(new, err);
    if (status) {
        pg_close(new);
        return status;
    }
    *pg = new;
    return STATUS_OK;
}

void pg_close(struct pg *pg)
{
    if (!pg)
        return;
    PQfinish(pg->conn);
    free(pg);
}

bool pg_is_broken(const struct pg *pg)
{
    return !pg->conn;
}

void pg_set_call_timeout(struct pg *pg, int timeout_ms)
{
    pg->call_timeout_ms = timeout_ms;
}

void pg_set_cancel(struct pg *pg, const atomic_bool *cancel)
{
    pg->cancel = cancel;
}

const char *pg_sqlstate(const struct pg *pg)
{
    return pg->sqlstate;
}

const char *pg_server_encoding(const struct pg *pg)
{
    const char *encoding = pg->conn ? PQparameterStatus(pg->conn, "server_encoding") : NULL;
    return encoding ? encoding : "";
}

/* --- statements --- */

/* libpq refuses to send when the connection is lost or a statement is still under way. */
static enum status not_sent(struct pg *pg, struct error *err)
{
    return pg_break(pg, err, "connection lost");
}

enum status pg_exec(struct pg *pg, const char *sql, struct error *err)
{
    enum status status = pg_call_begin(pg, err);
    if (status)
        return status;
    if (!PQsendQuery(pg->conn, sql))
        return not_sent(pg, err);
    status = pg_flush(pg, err);
    return status ? status : pg_finish_results(pg, NULL, err);
}

static enum status send_encoded(struct pg *pg, const char *sql, const struct pg_encoded *encoded,
                                PGresult **result, struct error *err)
{
    enum status status = pg_call_begin(pg, err);
    if (status)
        return status;
    if (!PQsendQueryParams(pg->conn, sql, encoded->count, encoded->types, encoded->values, encoded->lengths,
                           encoded->formats, 1))
        return not_sent(pg, err);
    status = pg_flush(pg, err);
    return status ? status : pg_finish_results(pg, result, err);
}

enum status pg_query(struct pg *pg, const char *sql, const struct pg_param *params, struct pg_result **result,
                     struct error *err)
{
    struct pg_encoded encoded;
    PGresult *rows = NULL;
    *result = NULL;
    enum status status = pg_encode(params, &encoded, err);
    if (!status)
        status = send_encoded(pg, sql, &encoded, &rows, err);
    pg_encoded_fini(&encoded);
    *result = (struct pg_result *)rows;
    return status;
}

enum status pg_update(struct pg *pg, const char *sql, const struct pg_param *params, int64_t *affected,
                      struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(pg, sql, params, &result, err);
    if (status)
        return status;
    if (affected)
        *affected = strtoll(PQcmdTuples((PGresult *)result), NULL, 10);
    pg_result_free(result);
    return STATUS_OK;
}

/* --- transactions --- */

enum status pg_begin(struct pg *pg, enum pg_isolation isolation, struct error *err)
{
    return pg_exec(pg,
                   isolation == PG_SNAPSHOT ? "begin isolation level repeatable read read only"
                                            : "begin isolation level read committed",
                   err);
}

/* Did COMMIT's answer leave it open what happened? Only an ERROR of a living session says that nothing did. */
static bool outcome_is_open(const struct pg *pg)
{
    return !pg->conn || strncmp(pg->sqlstate, "57P", 3) == 0 || strncmp(pg->sqlstate, "08", 2) == 0;
}

enum status pg_commit(struct pg *pg, struct error *err)
{
    enum status status = pg_call_begin(pg, err);
    if (status)
        return status; /* broken before: the server has rolled back */
    PGresult *result = NULL;
    if (PQsendQuery(pg->conn, "commit"))
        status = pg_flush(pg, err);
    else
        status = not_sent(pg, err);
    KILL_POINT("database.commit_sent");
    if (!status)
        status = pg_finish_results(pg, &result, err);
    if (status) {
        pg->commit_unknown = outcome_is_open(pg);
        return pg->commit_unknown ? error_wrap(err, "COMMIT was sent and its outcome is not known") : status;
    }
    bool committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
    if (!committed)
        return error_set(err, STATUS_FATAL, "database: the transaction had failed and was rolled back");
    return STATUS_OK;
}

bool pg_commit_unknown(const struct pg *pg)
{
    return pg->commit_unknown;
}

void pg_rollback(struct pg *pg)
{
    if (!pg->conn)
        return;
    struct error ignored;
    PGTransactionStatusType state = PQtransactionStatus(pg->conn);
    if (state == PQTRANS_IDLE)
        return;
    char sqlstate[PG_SQLSTATE_SIZE]; /* the caller may still want to know why it rolls back */
    memcpy(sqlstate, pg->sqlstate, sizeof sqlstate);
    int timeout_ms = pg->call_timeout_ms;
    const atomic_bool *cancel = pg->cancel;
    pg->call_timeout_ms = ROLLBACK_TIMEOUT_MS;
    pg->cancel = NULL;
    if (state == PQTRANS_ACTIVE || state == PQTRANS_UNKNOWN || pg_exec(pg, "rollback", &ignored)) {
        PQfinish(pg->conn);
        pg->conn = NULL;
    }
    pg->call_timeout_ms = timeout_ms;
    pg->cancel = cancel;
    memcpy(pg->sqlstate, sqlstate, sizeof sqlstate);
}
