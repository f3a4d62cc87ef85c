/* SPDX-License-Identifier: PostgreSQL */
/*
 * What follows from an attempt's end. Pure: the answer and how often it was tried decide.
 *
 *   2xx                               delivered
 *   408, 425, 429, 5xx, no answer     again, until the event's term ends (overdue.h); Retry-After is obeyed in full, for all that goes
 *                                     to this receiver
 *   410                               again, but the endpoint is held until an operator releases it
 *   3xx and every other 4xx           a refusal: again, but the event's DELIVERY_REFUSALS_MAX-th fails for good, however often
 *                                     nobody answered before
 *
 * Between attempts: retry_first × 2^(attempts − 1), at most retry_max, times a random factor between 0.5 and 1.5, so that
 * a receiver that comes back is not met by everybody at once.
 */
#ifndef SHOUWANG_DELIVERY_VERDICT_H
#define SHOUWANG_DELIVERY_VERDICT_H

#include "base/random.h"
#include "io/http_client.h"
#include "store/outbox.h"

#include <stdbool.h>
#include <stdint.h>

enum { DELIVERY_REFUSALS_MAX = 5 };

struct verdict_terms {
    int64_t retry_first_ms, retry_max_ms;
};

struct verdict {
    enum outbox_outcome outcome;
    int64_t next_attempt_in_ms; /* OUTBOX_AGAIN */
    bool hold_endpoint;         /* 410 */
    bool endpoint_fails; /* no answer, 408, 425, 429 or 5xx: the receiver, it seems, and not the event */
    /* Retry-After: nothing more goes to this receiver before, whoever leads meanwhile; 0 = none. */
    int64_t endpoint_pause_ms;
    /* It fails again and again: nothing goes to it before; 0 = it does not (target_rest). */
    int64_t endpoint_rest_ms;
};

/* attempts: this one included, from 1. refusals: before this one. Both count: an operator who puts an event back sets attempts
 * to 0, and it is tried so often again. */
struct verdict verdict_of(const struct http_result *result, int32_t attempts, int refusals,
                          const struct verdict_terms *terms, struct random *random);

/* The wait after so many attempts, jitter included. */
int64_t verdict_backoff_ms(int32_t attempts, const struct verdict_terms *terms, struct random *random);

#endif
