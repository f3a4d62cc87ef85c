/* SPDX-License-Identifier: PostgreSQL */
/*
 * Events whose term has run out: each is given up, and the county is told instead (warning.overdue), in one statement, so
 * that it is told exactly once. Where the county has no endpoint, the log says it, at level error.
 *
 * Looked for every OVERDUE_EVERY_MS, and when the database is back. Threading: the loop's thread.
 */
#ifndef SHOUWANG_DELIVERY_OVERDUE_H
#define SHOUWANG_DELIVERY_OVERDUE_H

#include "base/status.h"
#include "base/text.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct outbox_overdue;
struct overdue;
struct statements;

enum { OVERDUE_EVERY_MS = 10000 /* terms are days; a household's next event waits behind an overdue one */ };

struct overdue_terms {
    int64_t county_code;
    bool county_has_endpoint;
    bool county_may_know_names; /* its endpoint's disclosure, whatever the township's was */
    int64_t expiry_ms;          /* of what the county is told */
};

/* given_up: an event was given up; the queue behind it may go on, and the county has something to be sent. */
enum status overdue_new(struct overdue **overdue, struct loop *loop, struct statements *statements,
                        const struct overdue_terms *terms, loop_fn *given_up, void *ctx,
                        struct error *err) WARN_UNUSED;
/* Nothing is given up before; 0 = no longer. */
void overdue_lead(struct overdue *overdue, int64_t leader);
/* By how much the wall clock is ahead of the monotonic one, as of when it last agreed with the database's: terms that have
 * run out by a clock that has leapt since have not. Before the first call nothing has. */
void overdue_set_clock(struct overdue *overdue, int64_t wall_ahead_ms);
void overdue_configure(struct overdue *overdue, const struct overdue_terms *terms);
/* Looks at once: terms run out while the database or we were away. */
void overdue_look(struct overdue *overdue);
void overdue_free(struct overdue *overdue);            /* after its connection; NULL is allowed */
uint64_t overdue_count(const struct overdue *overdue); /* given up since the start */

/* The county's event: the township's own with a new id, addressed to the county, and `undelivered` (id, type, township,
 * attempts) in its data. Unless named, persons are masked as in every masked event and the address is left out.
 * STATUS_REJECT: the stored event is no JSON object. */
enum status overdue_compose(const struct outbox_overdue *overdue, const char *event_id, int64_t unix_ms,
                            bool named, struct text *out, struct error *err) WARN_UNUSED;

#endif
