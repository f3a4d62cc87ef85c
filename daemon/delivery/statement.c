/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/statement.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/pg.h"

/* FNV-1a; 0 stands for no reason. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash != 0 ? hash : 1;
}

/* That one, or the one to be forgotten for it. */
static struct statement_reason *find_reason(struct statements *statements, uint64_t hash)
{
    struct statement_reason *oldest = &statements->reasons[0];
    for (int i = 0; i < STATEMENT_REASONS; i++) {
        struct statement_reason *reason = &statements->reasons[i];
        if (reason->hash == hash)
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
    const uint64_t hash = hash_of(err->text);
    struct statement_reason *reason = find_reason(statements, hash);
    if (reason->hash != hash)
        *reason = (struct statement_reason){.hash = hash, .told_ms = now_ms - STATEMENT_TOLD_MS};
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
