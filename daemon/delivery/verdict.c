/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/verdict.h"

enum answer_class { ANSWER_TAKEN, ANSWER_LATER, ANSWER_GONE, ANSWER_REFUSED };

/* record_results (migration 0018) counts as refusals what is ANSWER_REFUSED here. */
static enum answer_class class_of(const struct http_result *result)
{
    if (result->outcome != HTTP_ANSWERED)
        return ANSWER_LATER;
    int code = result->status_code;
    if (code >= 200 && code < 300)
        return ANSWER_TAKEN;
    if (code == 410)
        return ANSWER_GONE;
    if (code == 408 || code == 425 || code == 429 || code >= 500 || code < 200)
        return ANSWER_LATER;
    return ANSWER_REFUSED;
}

int64_t verdict_backoff_ms(int32_t attempts, const struct verdict_terms *terms, struct random *random)
{
    int64_t wait_ms = terms->retry_first_ms;
    for (int32_t i = 1; i < attempts && wait_ms < terms->retry_max_ms; i++)
        wait_ms *= 2;
    if (wait_ms > terms->retry_max_ms)
        wait_ms = terms->retry_max_ms;
    return wait_ms / 2 + (int64_t)random_below(random, (uint64_t)wait_ms + 1);
}

static struct verdict again(const struct http_result *result, int32_t attempts,
                            const struct verdict_terms *terms, struct random *random)
{
    struct verdict verdict = {.outcome = OUTBOX_AGAIN,
                              .next_attempt_in_ms = verdict_backoff_ms(attempts, terms, random)};
    if (result->retry_after_ms > verdict.next_attempt_in_ms)
        verdict.next_attempt_in_ms = result->retry_after_ms;
    /* What refuses an event speaks of that event; all others of themselves. */
    if (result->retry_after_ms > 0 && class_of(result) == ANSWER_LATER)
        verdict.endpoint_pause_ms = result->retry_after_ms;
    verdict.endpoint_fails = class_of(result) == ANSWER_LATER;
    return verdict;
}

struct verdict verdict_of(const struct http_result *result, int32_t attempts, int refusals,
                          const struct verdict_terms *terms, struct random *random)
{
    switch (class_of(result)) {
    case ANSWER_TAKEN:
        return (struct verdict){.outcome = OUTBOX_DELIVERED};
    case ANSWER_GONE: /* after a back-off: until the hold stands in the database, nothing else holds it */
        return (struct verdict){.outcome = OUTBOX_AGAIN,
                                .next_attempt_in_ms = verdict_backoff_ms(attempts, terms, random),
                                .hold_endpoint = true};
    case ANSWER_REFUSED:
        if (attempts >= DELIVERY_REFUSALS_MAX && refusals + 1 >= DELIVERY_REFUSALS_MAX)
            return (struct verdict){.outcome = OUTBOX_FAILED};
        return again(result, attempts, terms, random);
    case ANSWER_LATER:
        break;
    }
    return again(result, attempts, terms, random);
}
