/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whether this daemon acts. Of several daemons on one database one leads: it runs rounds, takes feeds in and delivers. The
 * others wait, and one of them takes over when the leader is gone, frozen or cut off.
 *
 *                taken                    not kept in time, by our own clock
 *     STANDBY ───────────► LEADING ───────────────────────────────────► SUSPENDED
 *        ▲ ▲                 │ ▲                                           │ │
 *        │ └──── lost ───────┘ └────── kept after all: nobody took it ─────┘ │
 *        └─────────────────────── lost: another has taken it ────────────────┘
 *
 * The lease (store/lease.h) runs for `duration` by the database's clock and is kept every quarter of it, over a connection of
 * its own. By our monotonic clock, counted from when the request was sent, the leader suspends itself a fifth of the
 * duration before the lease can have run out. That saves needless work; what makes it safe is the token, which every write
 * carries.
 *
 * Fitness. A daemon whose configuration and the database's schema do not fit each other (database.h: MISFIT) can run no round and
 * take nothing in; all that it can do is deliver. Such a leader goes on, but lets its lease run out at once each time it keeps it:
 *
 *     leader \ standby     fit                          unfit
 *     fit                  waits                        waits
 *     unfit                takes it within a second     waits: the lease is kept, run out as it is
 *     gone, cut off        takes it when it runs out    takes it a minute later, if nobody else has
 *     ended cleanly        takes it at once             takes it at once, and lets a fit one have it
 *
 * (One that was killed and comes again takes its own lease at once, fit or not.)
 * So the leadership passes only to one that is fit, or from one that is gone: two that do not fit never pass it to and
 * fro, and one that is alone keeps it. The token makes it safe, as in all other cases: the taker waits for what the
 * leader has open, and nothing of the leader's comes after it.
 *
 * Threading: the loop's thread, all of it.
 */
#ifndef SHOUWANG_APP_LEADER_H
#define SHOUWANG_APP_LEADER_H

#include "base/status.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct leader;
struct settings;

enum leader_state {
    LEADER_UNKNOWN, /* nothing was answered yet */
    LEADER_STANDBY,
    LEADER_LEADING,
    LEADER_SUSPENDED,
};
const char *leader_state_name(enum leader_state state); /* "unknown", "standby", "leader", "suspended" */

/* After every change of state, and of who leads, from the loop. */
typedef void leader_watch_fn(void *ctx, enum leader_state before, enum leader_state now);

enum status leader_new(struct leader **leader, struct loop *loop, const struct settings *settings,
                       leader_watch_fn *watch, void *ctx, struct error *err) WARN_UNUSED;
/* Leaves nothing behind but a lease that runs out by itself. NULL is allowed. */
void leader_free(struct leader *leader);

/* Whether this daemon could do all that a leader does. Until that is known it is no reason to let the lease run out, nor to take
 * one that has. */
void leader_set_fit(struct leader *leader, bool fit);

enum leader_state leader_state(const struct leader *leader);
/* The token of our leadership, also while it is suspended; 0 = we do not lead. */
int64_t leader_token(const struct leader *leader);
/* Who leads, as far as we know: host, control socket, boot. "" = nobody, or not known. */
const char *leader_holder(const struct leader *leader);
/* Its token, and when it took the lease (Unix ms). 0 = not known. */
int64_t leader_holder_token(const struct leader *leader);
int64_t leader_since_unix_ms(const struct leader *leader);

/* Why the database, which answers, does not let us take or keep the lease: no privilege, mostly. "" = it does, or did not answer. */
const char *leader_refusal(const struct leader *leader);

/* Gives the lease back, if we have it, and never takes it again. `left` is called once, from the loop, with or without an
 * answer of the database. Our writes must have ended. */
enum { LEADER_LEAVE_MS = 2000 };
void leader_leave(struct leader *leader, loop_fn *left, void *ctx);

#endif
