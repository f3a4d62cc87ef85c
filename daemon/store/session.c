/* SPDX-License-Identifier: PostgreSQL */
#include "store/session.h"

#include "io/pg.h"

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

void session_shield(struct pg *pg)
{
    pg_set_cancel(pg, NULL);
}

void session_close(struct pg *pg)
{
    pg_close(pg);
}
