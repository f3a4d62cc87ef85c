/* SPDX-License-Identifier: PostgreSQL */
/*
 * Delivery: takes the events that stand in the outbox to the townships' receivers, until each is delivered,
 * failed, superseded or expired.
 *
 * It begins as a standby: nothing is claimed before delivery_lead. Every statement that writes carries the token of the
 * leadership (store/lease.h) under which its attempt was claimed, so that a daemon that has lost it writes nothing.
 *
 * Everything durable is in PostgreSQL (tables delivery, endpoint); what is here can be lost at any
 * instruction. Delivery polls, whether or not anybody wakes it.
 *
 * Invariants
 * 1. All functions and all callbacks belong to the loop's thread. No callback is made from inside a function
 * here but delivery_free.
 * 2. Settings are borrowed until delivery_reconfigure or delivery_free has returned: an attempt in flight
 * holds nothing of the old settings.
 * 3. No transaction of the database stays open while an attempt is in flight.
 */
#ifndef SHOUWANG_DELIVERY_DELIVERY_H
#define SHOUWANG_DELIVERY_DELIVERY_H

#include "base/status.h"
#include "delivery/endpoint.h"
#include "io/address.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delivery;

struct delivery_settings {
    const char *conninfo;       /* for the connections of its own; reconnected with back-off */
    int64_t connect_timeout_ms; /* of the database */
    int64_t county_code; /* 6 digits: source attribute, and the endpoint for what townships did not take */
    const struct endpoint_config *endpoints; /* by code, ascending */
    size_t endpoint_count;
    unsigned connections;                   /* attempts in flight, all endpoints together */
    int64_t timeout_ms;                     /* one attempt, from name to the answer's end */
    int64_t retry_first_ms, retry_max_ms;   /* back-off before its jitter */
    int64_t expiry_ms;                      /* after this an event is the county's */
    const struct address_network *networks; /* [delivery] allow; count 0 = everywhere */
    size_t network_count;
};

enum status delivery_new(struct delivery **delivery, struct loop *loop,
                         const struct delivery_settings *settings, struct error *err) WARN_UNUSED;
/* Ends what is in flight without waiting: those attempts are made again when their lease ends. Calls back for endpoint
 * tests that still wait (not delivered), for nothing else. NULL is allowed. */
void delivery_free(struct delivery *delivery);

/* This daemon leads: claims what is due, now and from now on. With the token of before, it only goes on. */
void delivery_lead(struct delivery *delivery, int64_t leader);
/* The wall clock agrees with the database's now: messages are signed by it and the monotonic clock, so that one which
 * leaves after a jump and before anybody noticed still bears the right time. */
void delivery_clock_agrees(struct delivery *delivery);
/* The clocks are right again: what was put off by the wrong one is put right. While this daemon leads. */
void delivery_clock_is_back(struct delivery *delivery);
/* Claims nothing more. Attempts in flight go on to their end; their results are written as long as the database takes
 * the token. */
void delivery_stand_by(struct delivery *delivery);

/* There may be new events: look now, not at the next poll, and at receivers that could not be reached, too. */
void delivery_wake(struct delivery *delivery);
/* On failure everything goes on with the old settings, which stay borrowed. A changed conninfo is not taken
 * up. */
enum status delivery_reconfigure(struct delivery *delivery, const struct delivery_settings *settings,
                                 struct error *err) WARN_UNUSED;

typedef void delivery_fn(void *ctx);
/* Starts nothing more; calls back once the attempts in flight are finished and their results are committed.
 */
void delivery_drain(struct delivery *delivery, delivery_fn *drained, void *ctx);
/* Calls back once when nothing is in flight and nothing is due now: what is left waits for a later attempt,
 * is held, or has ended. Also when the database cannot be asked (settled = false). For shouwangd --once. */
typedef void delivery_settled_fn(void *ctx, bool settled);
void delivery_settle(struct delivery *delivery, delivery_settled_fn *fn, void *ctx);

/* The end of an endpoint test. http_status 0: there was no answer; text is our own words, valid during the
 * call. */
struct delivery_test_result {
    bool delivered;
    int http_status;
    int64_t total_us;
    const char *text;
    const char *event_id;
};
typedef void delivery_test_fn(void *ctx, const struct delivery_test_result *result);
/*
 * Enqueues an endpoint.test event for the township and makes one attempt by the path that warnings take, at
 * once, whatever waits; calls back with its end, within the attempt's timeout and the database's.
 * actor (for the audit) is copied. STATUS_CONFIG: no endpoint is configured for that code. STATUS_RETRY: the database is away, or we are
 * draining or a standby.
 */
enum status delivery_test(struct delivery *delivery, int64_t township_code, const char *actor,
                          delivery_test_fn *done, void *ctx, struct error *err) WARN_UNUSED;

/* Since the start of the process. */
struct delivery_stats {
    bool database_up;          /* the last statement succeeded */
    unsigned in_flight;        /* attempts */
    uint64_t attempts;         /* begun */
    uint64_t delivered;        /* attempts answered 2xx */
    uint64_t retried;          /* attempts after which the event waits for another */
    uint64_t failed;           /* events given up for good */
    uint64_t expired;          /* events handed to the county */
    unsigned endpoints_broken; /* endpoints that keep failing: one attempt at a time */
};
void delivery_stats(const struct delivery *delivery, struct delivery_stats *stats);

#endif
