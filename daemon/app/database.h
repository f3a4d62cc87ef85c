/* SPDX-License-Identifier: PostgreSQL */
/*
 * The daemon's eye on the database: whether it can be reached, whether its schema is ours, and what it holds (the figures
 * of the status page). Looks from a worker over one connection of its own; everything else is the loop's.
 *
 *                          look fails to connect
 *     UNKNOWN ─ look ─► UP ◄──────────────────────► DOWN    (back-off 0.5 … 15 s)
 *                       ▲ │ schema is not this program's
 *                       │ ▼
 *                      MISFIT                               (looked at every 15 s: somebody may migrate)
 *
 * When this daemon comes to lead (app/leader.h), the next look that reaches our schema also clears up after the leader
 * before, in one transaction under the new token: rounds that it left running are failed, attempts that it had under way
 * are called back; and endpoints that are configured get their rows.
 *
 * A look costs what is under way, not what the county is large. What the whole register and all cases amount to is counted
 * after a look that found an import or a round committed that was not there before, whoever committed it; the figures'
 * waiters wait for that, the watch function (and so READY=1 and all work) does not.
 *
 * Threading: the loop's thread, all of it.
 */
#ifndef SHOUWANG_APP_DATABASE_H
#define SHOUWANG_APP_DATABASE_H

#include "api/facts.h"
#include "base/status.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct database;
struct settings;
struct workers;

enum database_state { DATABASE_UNKNOWN, DATABASE_DOWN, DATABASE_MISFIT, DATABASE_UP };
const char *database_state_name(enum database_state state);

/* Called after every look; `before` tells a change. */
typedef void database_watch_fn(void *ctx, enum database_state before, enum database_state now);

enum status database_new(struct database **database, struct loop *loop, struct workers *workers,
                         struct settings *settings, database_watch_fn *watch, void *ctx,
                         struct error *err) WARN_UNUSED;
/* After the workers have ended. Whoever waits for a look is told first. NULL is allowed. */
void database_free(struct database *database);
void database_set_settings(struct database *database, struct settings *settings); /* and looks again */
void database_stop(struct database *database); /* no look begins any more; one that runs is cancelled */

enum database_state database_state(const struct database *database);
/* This daemon leads, with this token; 0 = no longer. Looks at once, to clear up. */
void database_lead(struct database *database, int64_t leader);
/* Whether that was done for the present leadership: work can begin. */
bool database_is_cleared(const struct database *database);
/* In the watch function: this was the look that did it. */
bool database_is_new(const struct database *database);
/* By how much our clock was ahead of its at the last look that succeeded. */
int64_t database_clock_off_ms(const struct database *database);
/* Why it is not UP; "" when it is. Our own words. */
const char *database_reason(const struct database *database);
/* When the last look ended, Unix ms; 0 = none did. */
int64_t database_looked_unix_ms(const struct database *database);
/* Unix ms, by our clock: when the last round of cause schedule began that was committed or held, as the leadership began; just
 * before the first one, when all failed; 0 = none was ever begun, or not known yet. */
int64_t database_last_scheduled_unix_ms(const struct database *database);
/* The newest figures, borrowed until the next turn; NULL when there are none. */
const struct api_facts *database_facts(const struct database *database);

/*
 * Writes an audit row of an operator's act that no transaction of its own belongs to, with the next look that succeeds: by a
 * standby, too, for it tells what was done to this daemon.
 * Texts are copied; detail_json is an object without personal data. Acts that wait for a database that is away are kept, up
 * to DATABASE_ACTS_MAX; the log has them all.
 */
enum { DATABASE_ACTS_MAX = 64 };
void database_note_act(struct database *database, const char *actor, const char *action,
                       const char *detail_json);
/* Whether any of them is not written yet. */
bool database_has_acts(const struct database *database);

/* Something failed that touches the database: look now. */
void database_suspect(struct database *database);

/* Waits for figures that are no older than max_age_ms, or for the news that there are none. */
struct database_waiter {
    void (*seen)(void *ctx); /* from the loop, once; never inside database_wait */
    void *ctx;
    /* private */
    bool queued;
    int64_t min_ms; /* monotonic */
    TAILQ_ENTRY(database_waiter) link;
};
void database_wait(struct database *database, struct database_waiter *waiter, int64_t max_age_ms);
void database_wait_cancel(struct database *database, struct database_waiter *waiter);

#endif
