/* SPDX-License-Identifier: PostgreSQL */
#include "store/session.h"

#include "base/clock.h"
#include "io/pg.h"
#include "store/lease.h"

enum status session_open(const char *conninfo, const char *application_name, const atomic_bool *cancel,
                         struct pg **pg, struct error *err)
{
    enum status status = pg_connect(conninfo, application_name, SESSION_CONNECT_TIMEOUT_MS, pg, err);
    if (status != STATUS_OK)
        return status;
    pg_set_cancel(*pg, cancel);
    /* Statements over a hundred partitions take longer to compile than to run. */
    status = pg_exec(*pg, "set jit = off", err);
    if (status != STATUS_OK) {
        pg_close(*pg);
        *pg = NULL;
    }
    return status;
}

enum status session_begin(struct pg *pg, int64_t leader, struct error *err)
{
    return lease_begin(pg, leader, err);
}

enum status session_commit(struct pg *pg, struct error *err)
{
    return pg_commit(pg, err);
}

void session_rollback(struct pg *pg)
{
    pg_rollback(pg);
}

void session_shield(struct pg *pg)
{
    pg_set_cancel(pg, NULL);
}

void session_close(struct pg *pg)
{
    pg_close(pg);
}

enum status session_check_writable(struct pg *pg, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(pg, "select current_setting('transaction_read_only')::boolean", pg_params(), &result, err);
    if (status != STATUS_OK)
        return status;
    bool read_only = pg_get_bool(result, 0, 0);
    pg_result_free(result);
    return read_only
               ? error_set(
                     err, STATUS_RETRY,
                     "database: the server is read-only (a standby, or default_transaction_read_only is set)")
               : STATUS_OK;
}

enum status session_clock_off(struct pg *pg, int64_t *off_ms, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(pg, "select clock_timestamp()", pg_params(), &result, err);
    if (status != STATUS_OK)
        return status;
    *off_ms = clock_unix_ms() - pg_get_unix_ms(result, 0, 0);
    pg_result_free(result);
    return STATUS_OK;
}
