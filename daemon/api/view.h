/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the daemon shows of itself at one moment, gathered by app/ and rendered here: the status page, readiness, metrics.
 * Borrows everything; plain data, so that rendering can be tested without a daemon.
 */
#ifndef SHOUWANG_API_VIEW_H
#define SHOUWANG_API_VIEW_H

#include "api/facts.h"
#include "delivery/delivery.h"
#include "domain/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A partner feed that is expected: what the policy says about its freshness. */
struct api_feed {
    int source;
    const char *name, *title;
    int freshness_days; /* 0 = the policy does not name it */
    /* since the start of the process */
    uint64_t batches_accepted, batches_refused, rows, rows_quarantined;
};

/* How work went wrong that is done again and again. */
struct api_failure {
    int64_t unix_ms; /* 0 = it did not */
    const char *text;
};

struct api_view {
    int64_t now_unix_ms;
    int64_t started_unix_ms;
    const char *version;
    int64_t county_code;
    const char *county_name;
    const char *policy_name, *policy_version, *policy_hash;
    int64_t settings_loaded_unix_ms; /* the last load that succeeded */
    bool settings_failed;            /* a later one failed: the file on disk is not what is in use */

    const char *database_state; /* "unknown", "down", "misfit", "up" */
    bool database_up;
    const char *database_reason;   /* "" when up */
    int64_t looked_unix_ms;        /* 0 = never */
    const struct api_facts *facts; /* NULL = none yet; may be old when the database is down */

    const char *role; /* "leader", "standby", "suspended", "unknown" */
    bool leading;
    const char *leader_holder;                  /* "" = nobody, or not known */
    int64_t leader_token, leader_since_unix_ms; /* 0 = not known */
    const char *leader_refusal;                 /* why we may not lead; "" = we may */

    const char *waits; /* why neither rounds nor feeds are worked on now; "" = they are */

    size_t feed_count;
    const struct api_feed *feeds; /* those that have sent or that the policy names, by number */

    const char *job_running; /* "" = none */
    size_t jobs_waiting;
    int64_t next_round_unix_ms;                   /* 0 = none is scheduled */
    struct api_failure scan_failed, round_failed; /* the newest of each */
    uint64_t scans, scans_failed;
    uint64_t rounds_committed, rounds_held, rounds_failed, rounds_dry;
    uint64_t raised, escalated, deescalated, cleared;

    bool delivering;
    struct delivery_stats delivery;
    size_t endpoints_configured;
    const struct endpoint_config *endpoints; /* by code; nothing of them is shown but that they are there */

    bool draining;
    uint64_t loop_turns;
    unsigned http_connections, control_peers;
    int64_t resident_bytes; /* 0 = not known */
    double cpu_seconds;
    int open_descriptors;
};

/* The newest accepted and the newest refused batch of a source; NULL when there is none. */
const struct batch_info *api_view_accepted(const struct api_view *view, int source);
const struct batch_info *api_view_refused(const struct api_view *view, int source);
/* Of how many of its batches much is lost, so that it ends no warning; *newest of them (may be NULL): NULL = none. */
size_t api_view_unusable(const struct api_view *view, int source, const struct unusable **newest);
/* Where the last round found the source's batches of unusual size (swings.h); NULL: nowhere, or not known. */
const struct volume_swinging *api_view_swinging(const struct api_view *view, int source);
/* Whether the township has a receiver: without one its events wait for ever. */
bool api_view_has_endpoint(const struct api_view *view, int64_t township);
/* The transaction that has kept rows from being cleaned for too long; NULL: there is none. */
const struct transaction *api_view_old_transaction(const struct api_view *view);
/* Events that wait for the township of this row of the queue. */
int64_t api_view_waiting(const struct listing_shape *shape);
/* Days from the end of what the newest accepted batch speaks about to today; -1 when there is none. */
int64_t api_view_feed_age_days(const struct api_view *view, int source);

#endif
