/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/statement.h"

#include "base/log.h"
#include "io/pg.h"

void statement_failed(const struct pg_async *pg, const struct error *err)
{
    if (pg_async_is_up(pg))
        log_event(LOG_DELIVERY_DATABASE, log_error(err));
}
