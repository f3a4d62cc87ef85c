/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/statement.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/pg.h"

#include <string.h>

/* That one, or the one to be forgotten for it. */
static struct statement_reason *find_reason(struct statements *statements, const char *text)
{
    struct statement_reason *oldest = &statements->reasons[0];
    for (int i = 0; i < STATEMENT_REASONS; i++) {
        struct statement_reason *reason = &statements->reasons[i];
        if (strcmp(reason->text, text) == 0)
            return reason;
        if (reason->told_ms < oldest->told_ms)
            oldest = reason;
    }
    return oldest;
}

void statement_failed(struct statements *statements, const struct error *err)
{
    if (!pg_async_is_up(statements->pg))
        return;
    const int64_t now_ms = clock_monotonic_ms();
    struct statement_reason *reason = find_reason(statements, err->text);
    if (strcmp(reason->text, err->text) != 0) {
        *reason = (struct statement_reason){.told_ms = now_ms - STATEMENT_TOLD_MS};
        memcpy(reason->text, err->text, sizeof reason->text);
    }
    if (now_ms - reason->told_ms < STATEMENT_TOLD_MS) {
        reason->untold++;
        return;
    }
    const struct log_field nothing = {.kind = LOG_FIELD_END};
    log_event(LOG_DELIVERY_DATABASE, log_error(err),
              reason->untold > 0 ? log_int("untold", reason->untold) : nothing);
    reason->told_ms = now_ms;
    reason->untold = 0;
}
