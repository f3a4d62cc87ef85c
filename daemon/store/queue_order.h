/* SPDX-License-Identifier: PostgreSQL */
/*
 * What an operator orders of a township's queue: to send to a receiver that was held, to send again what was given up.
 * Blocking, for shouwangctl, whoever leads meanwhile: each order is one transaction that locks the township's endpoint
 * before any delivery, as claims do (store/outbox.h), and writes one entry of the audit. One that finds nothing to do
 * changes nothing and writes none. A leader sees what came of it when it claims next, within seconds.
 *
 * STATUS_RETRY when the connection failed, the commit's answer included: whoever asks again is told what stands.
 */
#ifndef SHOUWANG_STORE_QUEUE_ORDER_H
#define SHOUWANG_STORE_QUEUE_ORDER_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct pg;

struct queue_order {
    int64_t township;   /* or the county's 6 digits */
    const char *by;     /* who orders it, for the audit */
    const char *reason; /* likewise; NULL = none was given */
};

/* The endpoint is active again. *done false: it was not held, or nothing was ever queued for the township. */
enum status queue_release(struct pg *pg, const struct queue_order *order, bool *done,
                          struct error *err) WARN_UNUSED;

/* What failed or expired is due now, for term_ms by the database's clock, under its old id and sequence, its attempts counted
 * from the beginning. *events: how many that were. */
enum status queue_requeue(struct pg *pg, const struct queue_order *order, int64_t term_ms, int64_t *events,
                          struct error *err) WARN_UNUSED;

#endif
