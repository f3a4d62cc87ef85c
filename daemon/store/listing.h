/* SPDX-License-Identifier: PostgreSQL */
/*
 * What shouwangctl and the status page list. Blocking; rows are handed to a visitor one by one, so that a
 * county's whole list needs no memory. A visitor's texts are valid during its call; what it returns other
 * than STATUS_OK ends the listing with that status.
 */
#ifndef SHOUWANG_STORE_LISTING_H
#define SHOUWANG_STORE_LISTING_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/random.h"
#include "base/status.h"
#include "base/text.h"
#include "policy/policy.h"
#include "store/pull_standing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

/* --- warnings ------------------------------------------------------------------------------------------- */

struct listing_finding {
    struct slice rule;
    enum policy_clause_kind kind;
    bool undecided;
    enum policy_level level;
    day_t since_on, stale_since;
    day_t clearing_since; /* DAY_NONE: does not wait to be cleared */
    int rounds, rounds_needed, batches, batches_needed;
};

struct listing_household {
    int64_t household_id;
    struct slice household_no;
    int64_t township, village;
    enum policy_level level; /* of the case; none where only checks are open */
    bool has_case;
    char warning_id[UUID_TEXT_SIZE]; /* "" = no case */
    enum case_state state;           /* if has_case */
    day_t raised_on, due_on, closed_on;
    size_t finding_count;
    const struct listing_finding *findings; /* by the bytes of their rule */
};

/* 0 / false = no filter. A village's code selects that village. Findings of kind suggestion alone do not make
 * a household appear; checks and tags do. */
struct listing_filter {
    int64_t township, village;
    bool by_level;
    enum policy_level level;
    bool by_state;
    enum case_state state; /* CASE_CLOSED lists closed cases (and their households' present findings) */
};

typedef enum status (*listing_household_visit)(void *context, const struct listing_household *household,
                                               struct error *err);
/* Households with an open case, or a finding that is a check or is undecided; by the bytes of household_no.
 */
enum status listing_warnings(struct pg *pg, const struct listing_filter *filter,
                             listing_household_visit visit, void *context, struct error *err) WARN_UNUSED;

/* --- leads ---------------------------------------------------------------------------------------------- */

struct listing_lead {
    uint64_t id_packed;   /* mask before showing */
    struct slice name;    /* as one of the feeds or the register gave it; may be empty */
    struct slice sources; /* names, comma-separated, sorted */
    struct slice codes;
    int64_t fact_count;
    bool was_on_register; /* a person whose membership was ended, not a stranger */
};
typedef enum status (*listing_lead_visit)(void *context, const struct listing_lead *lead, struct error *err);
/* People of whom feeds speak and who are in no household of the register now; by identity number. *total
 * counts all, visited or not; limit 0 = no limit. */
enum status listing_leads(struct pg *pg, int64_t limit, listing_lead_visit visit, void *context,
                          int64_t *total, struct error *err) WARN_UNUSED;

/* --- counts --------------------------------------------------------------------------------------------- */

struct listing_township_level {
    int64_t township;
    int64_t count[5]; /* by enum policy_level; [LEVEL_NONE] = households with open checks only */
};
/* Open cases by township, ordered by it. Reads all open cases and findings: they change with a round alone, and their
 * townships with an import. */
enum status listing_levels(struct pg *pg, struct arena *arena, const struct listing_township_level **levels,
                           size_t *count, struct error *err) WARN_UNUSED;

struct listing_register {
    int64_t households, persons; /* on the register */
};
/* Reads the whole register, which changes with an import alone. */
enum status listing_register(struct pg *pg, struct listing_register *counts, struct error *err) WARN_UNUSED;

/* --- queue ---------------------------------------------------------------------------------------------- */

struct listing_delivery {
    char event_id[UUID_TEXT_SIZE];
    int64_t household_id;
    struct slice household_no; /* empty for events about no household */
    int64_t township;
    struct slice type, state;
    int priority;
    int32_t attempts;
    int64_t created_ms, next_attempt_ms, expires_ms, lease_until_ms; /* Unix; INT64_MIN = none */
    int64_t sequence;                                                /* 0 = not given yet */
    int http_status;                                                 /* 0 = none */
    struct slice last_error;
};
typedef enum status (*listing_delivery_visit)(void *context, const struct listing_delivery *delivery,
                                              struct error *err);
/* state: a delivery state ("queued", "failed" …) or NULL for all that is not final (queued, in_flight, held,
 * failed, expired). township 0 = all; limit 0 = no limit. Oldest first. */
enum status listing_queue(struct pg *pg, int64_t township, const char *state, int64_t limit,
                          listing_delivery_visit visit, void *context, struct error *err) WARN_UNUSED;

/* `queue shape`: township × age of what waits (queued and in flight). */
enum { LISTING_AGES = 6 };
extern const int64_t
    listing_age_limits_s[LISTING_AGES - 1]; /* 1 min, 10 min, 1 h, 6 h, 24 h; the last class is older */
struct listing_shape {
    int64_t township;
    int64_t count[LISTING_AGES];
    int64_t queued, in_flight; /* together: the sum of count */
    int64_t failed, held, expired;
    int64_t oldest_ms; /* age of the oldest waiting event; 0 when there is none */
};
/* Can be read every few seconds: it costs as much as there are events that are not delivered. */
enum status listing_queue_shape(struct pg *pg, struct arena *arena, const struct listing_shape **shapes,
                                size_t *count, struct error *err) WARN_UNUSED;

/* --- status --------------------------------------------------------------------------------------------- */

/* What can be read every few seconds. */
struct listing_status {
    int64_t last_import; /* newest accepted batch of the register; 0 = none */
    int64_t rounds_held; /* since the last committed one; nobody accepted them yet */
    int64_t last_round;  /* committed; 0 = none */
    int64_t last_judged; /* committed or held */
    day_t last_as_of;
    int64_t queue_waiting, queue_in_flight, queue_failed, queue_held, queue_expired;
    int64_t queue_oldest_ms; /* age of the oldest waiting event; 0 when there is none */
};
/* The queue's figures are the sums of its shape, which is read before: the queue may be long, so it is counted once. */
enum status listing_status(struct pg *pg, const struct listing_shape *shapes, size_t count,
                           struct listing_status *status, struct error *err) WARN_UNUSED;
/* Whose receivers are held: nothing is sent to them until they are released (store/queue_order.h). In order. */
enum status listing_held(struct pg *pg, struct arena *arena, const int64_t **townships, size_t *count,
                         struct error *err) WARN_UNUSED;

#endif
