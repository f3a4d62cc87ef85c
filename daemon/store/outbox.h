/* SPDX-License-Identifier: PostgreSQL */
/*
 * The outbox: claiming what is due, recording what became of it, giving up what nobody took in its term. What operators
 * put back into the queue (store/queue_order.h) they put back under the lock that claims take.
 *
 * A delivery's way:
 *     queued ── claim ──► in_flight ── result ──► delivered, failed, expired, or queued again (retry)
 *     in_flight, lease_until passed ── claim ──► in_flight, with the same event id and the same sequence
 *
 * Invariants
 * 1. Per household and township one event is in flight, and only the oldest that is neither delivered nor given
 *    up is claimed (held ones keep later ones back).
 * 2. `sequence` per township has no gaps: it is given in the statement that claims an event for the first time,
 *    and kept. That statement (claim_deliveries, migration 0009) locks endpoint.last_sequence; claimers of one township exclude each other.
 * 3. A result counts only for the attempt it belongs to; but "delivered" counts always.
 * 4. A claim has committed before its answer arrives here, so nothing is sent that the database does not know
 *    to be in flight. The bodies are fetched by a second statement: they never change.
 *
 * 5. leader is the token of the leadership (store/lease.h): in the statement's own transaction it is checked, and a
 *    daemon that has lost it gets STATUS_FATAL and has changed nothing. 0 = not checked (tests).
 *
 * The _async functions are one statement each, a claim two; their callbacks come from the loop. The blocking ones belong to
 * the worker that holds the connection.
 */
#ifndef SHOUWANG_STORE_OUTBOX_H
#define SHOUWANG_STORE_OUTBOX_H

#include "base/random.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;
struct pg_async;

/* --- claiming ------------------------------------------------------------------------------------------- */

/* At most `limit` deliveries to this township, the most urgent first. */
struct outbox_ask {
    int64_t township;
    int32_t limit;
    bool probe; /* instead one, whichever of those that are due */
};

/* Where the database saw a delivery's row last, in its own words: a hint that spares it a look into the index. */
enum { OUTBOX_PLACE_SIZE = 20 /* "(4294967295,65535)" */ };

/* A delivery that is ours until lease_until. Slices are valid during the callback only. */
struct outbox_claim {
    int64_t household_id;
    char event_id[UUID_TEXT_SIZE];
    char place[OUTBOX_PLACE_SIZE];
    int64_t township;
    int64_t sequence;
    int32_t attempts; /* this one included: 1 = the first */
    int refusals;     /* of those before it: answered with 3xx or 4xx, but 408, 410, 425 and 429 */
    int priority;
    bool first;                           /* the sequence was given now */
    int64_t created_at_ms, expires_at_ms; /* Unix */
    int64_t lease_ms;                     /* how long the lease lasts, as asked */
    struct slice type;
    struct slice event; /* JSON, all but its sequence; bytes NULL: it was not fetched (bytes_max) */
};

/* claims are ordered by township, priority and order of writing. With STATUS_RETRY some may be in flight all
 * the same: they come back when their lease expires. */
typedef void (*outbox_claimed)(void *context, enum status status, const struct outbox_claim *claims,
                               size_t count, const struct error *err);

/*
 * Held and paused endpoints, and townships without an endpoint row (outbox_ensure_endpoints), give nothing. lease_ms
 * must be longer than an attempt can last.
 *
 * Once the bodies fetched come to bytes_max, no more are: by turns, the townships' first, then their second. So an answer costs
 * bytes_max and one event at the most, here and in PostgreSQL. What is claimed without its body is to be released.
 */
enum status outbox_claim_async(struct pg_async *async, int64_t leader, const struct outbox_ask *asks,
                               size_t ask_count, int64_t lease_ms, int64_t bytes_max, int timeout_ms,
                               outbox_claimed done, void *context, struct error *err) WARN_UNUSED;
/* Calls back what a leader that is gone had in flight: it can be claimed now. Within a transaction that is fenced. */
enum status outbox_recall(struct pg *pg, int64_t *count, struct error *err) WARN_UNUSED;

/* --- results -------------------------------------------------------------------------------------------- */

enum outbox_outcome {
    OUTBOX_DELIVERED,
    OUTBOX_AGAIN,   /* queued until next_attempt_in_ms from now */
    OUTBOX_FAILED,  /* for good; can be requeued */
    OUTBOX_EXPIRED, /* given up */
    /* The attempt was never begun: queued again as if it had not been claimed, but for its sequence, which it keeps.
     * Such a result must not be repeated after STATUS_RETRY: it gives the number of the attempt back, so that a second
     * one could meet the next claim. The lease brings it back as well. */
    OUTBOX_RELEASED,
};

struct outbox_result {
    int64_t household_id;
    char event_id[UUID_TEXT_SIZE];
    char place[OUTBOX_PLACE_SIZE]; /* as claimed; "" = not known */
    int64_t township;
    int32_t attempts; /* as claimed */
    enum outbox_outcome outcome;
    int64_t next_attempt_in_ms; /* OUTBOX_AGAIN, OUTBOX_RELEASED; by the database's clock */
    int64_t endpoint_pause_ms;  /* nothing more is claimed for the township so long; 0 = as before */
    int http_status;            /* 0 = there was no answer */
    const char *error;          /* our own words, NULL or "" on success */
};

/* affected: how many of them counted (the rest had been claimed again, or were final). */
typedef void (*outbox_recorded)(void *context, enum status status, int64_t affected, const struct error *err);
/* Copies the results. Records the endpoints' last success and failure, too (a success at most once a second). May be
 * repeated after STATUS_RETRY, but for OUTBOX_RELEASED. */
enum status outbox_record_async(struct pg_async *async, int64_t leader, const struct outbox_result *results,
                                size_t count, int timeout_ms, outbox_recorded done, void *context,
                                struct error *err) WARN_UNUSED;
/* --- due before their time ------------------------------------------------------------------------------ */

/* After the database's clock has come back from years ahead: what was to wait by it for more than a day is due, and no
 * endpoint is paused for so long. affected: how many deliveries and endpoints that were. */
enum status outbox_set_right_async(struct pg_async *async, int64_t leader, int timeout_ms,
                                   outbox_recorded done, void *context, struct error *err) WARN_UNUSED;
/* These townships have other receivers now: ends the pauses that the old ones asked for, and what waits for a retry is due. */
enum status outbox_unpause_async(struct pg_async *async, int64_t leader, const int64_t *townships,
                                 size_t count, int timeout_ms, outbox_recorded done, void *context,
                                 struct error *err) WARN_UNUSED;

/* These townships take events again after they were down: what waits for a retry because nobody answered, or with 408 or 5xx, is
 * due. What was answered otherwise was answered about the event, and waits; a pause that was asked for (paused_until) holds. One
 * statement over what waits for them; nothing where no attempt has ever failed. affected: how many are due. */
enum status outbox_hurry_async(struct pg_async *async, int64_t leader, const int64_t *townships, size_t count,
                               int timeout_ms, outbox_recorded done, void *context,
                               struct error *err) WARN_UNUSED;

/* --- giving up ------------------------------------------------------------------------------------------ */

enum { OUTBOX_OVERDUE_BYTES = 4 * 1024 * 1024 };

/* A delivery whose term has run out (expires_at has passed, and it is not in flight): nothing claims it any more, but
 * it keeps later events of its household back until it is given up. Slices are valid during the callback only. */
struct outbox_overdue {
    int64_t household_id;
    char event_id[UUID_TEXT_SIZE];
    int64_t township;
    int32_t attempts;
    int priority;
    struct slice type;
    struct slice event; /* JSON, all but its sequence */
};
typedef void (*outbox_overdue_known)(void *context, enum status status, const struct outbox_overdue *overdue,
                                     size_t count, const struct error *err);
/* At most `limit` of them, oldest first, and no more once their bodies come to OUTBOX_OVERDUE_BYTES; changes nothing. None
 * while the database's clock is more than a day ahead of unix_ms, the caller's: then it is wrong, or nobody knows. */
enum status outbox_overdue_async(struct pg_async *async, int limit, int64_t unix_ms, int timeout_ms,
                                 outbox_overdue_known done, void *context, struct error *err) WARN_UNUSED;

/* An event that no round makes: to the county, a test. */
struct outbox_event {
    int64_t household_id; /* 0 = about none */
    const char *event_id; /* UUIDv7 */
    int64_t township;     /* or the county's 6 digits; its endpoint row is made if there is none */
    const char *type;     /* "warning.overdue" */
    int priority;
    int64_t term_ms;    /* from now, by the database's clock */
    struct slice event; /* JSON, all but its sequence */
};
/* The delivery becomes expired, and in the same statement `instead` (NULL = nothing) goes into the queue, so that the
 * county is told exactly once. affected 0: it is no longer overdue (somebody else gave it up, it was requeued). */
enum status outbox_give_up_async(struct pg_async *async, int64_t leader, int64_t household_id,
                                 const char *event_id, const struct outbox_event *instead, int timeout_ms,
                                 outbox_recorded done, void *context, struct error *err) WARN_UNUSED;
/* Puts an event into the queue. affected 0: the endpoint is held, or the event is there already. */
enum status outbox_put_async(struct pg_async *async, int64_t leader, const struct outbox_event *event,
                             int timeout_ms, outbox_recorded done, void *context,
                             struct error *err) WARN_UNUSED;

/* --- endpoints ------------------------------------------------------------------------------------------ */

/* Makes the rows of endpoints that are configured. */
enum status outbox_ensure_endpoints(struct pg *pg, const int64_t *townships, size_t count,
                                    struct error *err) WARN_UNUSED;
/* Held: nothing more is claimed for it, until an operator releases it; one that is held already is left so. reason in our own
 * words, with an audit row. done may be NULL. */
enum status outbox_hold_endpoint_async(struct pg_async *async, int64_t leader, int64_t township,
                                       const char *reason, int timeout_ms, outbox_recorded done,
                                       void *context, struct error *err) WARN_UNUSED;

#endif
