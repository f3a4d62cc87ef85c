/* SPDX-License-Identifier: PostgreSQL */
/* A claim's way: it waits for a place, is signed and sent, and ends in a result. */
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "delivery/delivery_internal.h"
#include "delivery/results.h"
#include "delivery/verdict.h"
#include "io/http_client.h"

#include <stdlib.h>
#include <string.h>

enum {
    RESPONSE_MAX_BYTES = 4096, /* nothing in it is used: a longer one costs its connection and nothing else */
    CONNECT_TIMEOUT_MS = 5000, /* or the whole timeout, if that is shorter */
};

static void attempt_free(struct attempt *attempt)
{
    message_fini(&attempt->message);
    free(attempt);
}

/* --- results ------------------------------------------------------------------------------------------------------ */

static struct verdict_terms terms_of(const struct delivery *delivery)
{
    return (struct verdict_terms){delivery->settings.retry_first_ms, delivery->settings.retry_max_ms};
}

static void keep_result(struct delivery *delivery, const struct attempt *attempt,
                        const struct outbox_result *outcome)
{
    struct outbox_result result = *outcome;
    result.household_id = attempt->household_id;
    result.township = attempt->township;
    result.attempts = attempt->attempts;
    memcpy(result.event_id, attempt->event_id, sizeof result.event_id);
    memcpy(result.place, attempt->place, sizeof result.place);
    if (attempt->leader != delivery->leader)
        log_event(LOG_DELIVERY_STALE, log_text("delivery", attempt->event_id),
                  log_int("township", attempt->township));
    else if (!results_add(delivery->results, &result))
        log_event(LOG_DELIVERY_DATABASE, log_text("err", "out of memory: the attempt will be made again"));
}

/* What cannot even be begun waits like what failed; frees it. */
static void not_sent(struct delivery *delivery, struct attempt *attempt, const struct error *why)
{
    struct verdict_terms terms = terms_of(delivery);
    struct outbox_result result = {
        .outcome = why->status == STATUS_REJECT ? OUTBOX_FAILED : OUTBOX_AGAIN,
        .next_attempt_in_ms = verdict_backoff_ms(attempt->attempts, &terms, &delivery->random),
        .error = why->text,
    };
    log_event(LOG_DELIVERY_NOT_SENT, log_text("delivery", attempt->event_id),
              log_int("township", attempt->township), log_error(why));
    keep_result(delivery, attempt, &result);
    attempt_free(attempt);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

/* Behind those that are as urgent: a red warning does not wait for yellow ones that were claimed before it. */
static void wait_for_place(struct delivery *delivery, struct target *target, struct attempt *attempt)
{
    struct attempt *before = TAILQ_LAST(&target->waiting, attempt_list);
    while (before != NULL && before->priority > attempt->priority)
        before = TAILQ_PREV(before, attempt_list, link);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&target->waiting, before, attempt, link);
    else
        TAILQ_INSERT_HEAD(&target->waiting, attempt, link);
    target->waiting_count++;
    delivery->waiting_count++;
    delivery->waiting_bytes += attempt->message.body.length;
    target_settle(delivery, target);
}

static void take_out(struct delivery *delivery, struct target *target, struct attempt *attempt)
{
    TAILQ_REMOVE(&target->waiting, attempt, link);
    target->waiting_count--;
    delivery->waiting_count--;
    delivery->waiting_bytes -= attempt->message.body.length;
}

void attempt_claimed(struct delivery *delivery, const struct outbox_claim *claim)
{
    struct error err;
    struct target *target = target_of(delivery, claim->township);
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL) { /* its lease brings it back */
        log_event(LOG_DELIVERY_DATABASE, log_text("err", "out of memory: the attempt will be made again"));
        return;
    }
    attempt->delivery = delivery;
    attempt->household_id = claim->household_id;
    attempt->township = claim->township;
    attempt->attempts = claim->attempts;
    attempt->refusals = claim->refusals;
    attempt->priority = claim->priority;
    attempt->leader = delivery->leader;
    attempt->claimed_ms = clock_monotonic_ms();
    memcpy(attempt->event_id, claim->event_id, sizeof attempt->event_id);
    memcpy(attempt->place, claim->place, sizeof attempt->place);
    if (claim->event.bytes == NULL) { /* beyond what we keep: it comes again */
        text_init(&attempt->message.signed_bytes);
        keep_result(delivery, attempt, &(struct outbox_result){.outcome = OUTBOX_RELEASED});
        attempt_free(attempt);
        return;
    }
    delivery->event_bytes = smoothed(delivery->event_bytes, (int64_t)claim->event.length);
    enum status status =
        message_prepare(&attempt->message, claim->event_id, claim->event, claim->sequence, &err);
    if (status == STATUS_OK && target == NULL) /* an endpoint that a reload has just taken away */
        status = error_set(&err, STATUS_RETRY, "the endpoint is no longer configured");
    if (status == STATUS_OK)
        wait_for_place(delivery, target, attempt);
    else
        not_sent(delivery, attempt, &err);
}

static void release(struct delivery *delivery, struct target *target, struct attempt *attempt)
{
    take_out(delivery, target, attempt);
    keep_result(delivery, attempt, &(struct outbox_result){.outcome = OUTBOX_RELEASED});
    attempt_free(attempt);
}

void attempts_release(struct delivery *delivery, struct target *target)
{
    struct attempt *attempt;
    while ((attempt = TAILQ_FIRST(&target->waiting)) != NULL)
        release(delivery, target, attempt);
    target_settle(delivery, target);
}

void attempts_release_all(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->target_count; i++)
        attempts_release(delivery, &delivery->targets[i]);
}

static bool too_old(const struct attempt *attempt)
{
    return clock_monotonic_ms() - attempt->claimed_ms > WAITING_MAX_MS;
}

void attempts_release_old(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->target_count; i++) {
        struct target *target = &delivery->targets[i];
        struct attempt *attempt, *next;
        for (attempt = TAILQ_FIRST(&target->waiting); attempt != NULL; attempt = next) {
            next = TAILQ_NEXT(attempt, link);
            if (too_old(attempt))
                release(delivery, target, attempt);
        }
        target_settle(delivery, target);
    }
}

void attempts_forget(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->target_count; i++) {
        struct target *target = &delivery->targets[i];
        struct attempt *attempt;
        while ((attempt = TAILQ_FIRST(&target->waiting)) != NULL) {
            take_out(delivery, target, attempt);
            attempt_free(attempt);
        }
        target_settle(delivery, target);
    }
}

void attempts_free(struct delivery *delivery)
{
    struct attempt *attempt;
    attempts_forget(delivery);
    while ((attempt = TAILQ_FIRST(&delivery->attempts)) != NULL) {
        TAILQ_REMOVE(&delivery->attempts, attempt, link);
        attempt_free(attempt);
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void log_outcome(const struct attempt *attempt, const struct http_result *result,
                        const struct verdict *verdict)
{
    static const enum log_event_id events[] = {
        [OUTBOX_DELIVERED] = LOG_DELIVERY_DELIVERED,
        [OUTBOX_AGAIN] = LOG_DELIVERY_RETRY,
        [OUTBOX_FAILED] = LOG_DELIVERY_FAILED,
    };
    const struct log_field nothing = {.kind = LOG_FIELD_END};
    const struct log_field body = result->cut ? log_text("body", "cut") : nothing;
    const bool taken = verdict->outcome == OUTBOX_DELIVERED;
    log_event(events[verdict->outcome], log_text("delivery", attempt->event_id),
              log_int("township", attempt->township), log_int("attempt", attempt->attempts),
              log_int("http", result->status_code), log_text("outcome", http_outcome_name(result->outcome)),
              log_int("ms", result->total_us / 1000),
              log_int("next_s", (verdict->next_attempt_in_ms + 999) / 1000),
              taken ? body : log_text("err", result->text), taken ? nothing : body);
}

static void count_outcome(struct delivery_stats *stats, enum outbox_outcome outcome)
{
    switch (outcome) {
    case OUTBOX_DELIVERED:
        stats->delivered++;
        break;
    case OUTBOX_AGAIN:
        stats->retried++;
        break;
    case OUTBOX_FAILED:
        stats->failed++;
        break;
    case OUTBOX_EXPIRED: /* no attempt ends so: see overdue.h */
    case OUTBOX_RELEASED:
        break;
    }
}

static void held(void *context, enum status status, int64_t affected, const struct error *err)
{
    struct delivery *delivery = context;
    (void)affected;
    KILL_POINT("endpoint.held");
    if (status != STATUS_OK) /* the next attempt's 410 holds it */
        statement_failed(&delivery->statements, err);
}

static void hold_endpoint(struct delivery *delivery, int64_t township)
{
    struct error err;
    log_event(LOG_ENDPOINT_HELD, log_int("township", township), log_int("http", 410));
    KILL_POINT("endpoint.before_hold");
    if (outbox_hold_endpoint_async(delivery->pg, delivery->leader, township, "the receiver answered 410 Gone",
                                   STATEMENT_TIMEOUT_MS, held, delivery, &err) != STATUS_OK)
        statement_failed(&delivery->statements, &err);
}

/* Whether a reload has put another receiver in the place of the one that was asked, or none. */
static bool is_replaced(const struct delivery *delivery, const struct attempt *attempt)
{
    const struct target *target = target_of(delivery, attempt->township);
    return target == NULL || target->address != attempt->address;
}

/* What such a one says of itself (gone, busy, down) does not hold for the new one. */
static void forget_receiver(struct delivery *delivery, const struct attempt *attempt, struct verdict *verdict)
{
    struct verdict_terms terms = terms_of(delivery);
    verdict->hold_endpoint = false;
    verdict->endpoint_pause_ms = 0;
    if (verdict->outcome == OUTBOX_AGAIN)
        verdict->next_attempt_in_ms = verdict_backoff_ms(attempt->attempts, &terms, &delivery->random);
}

/* The place is free; the target learns how it went, unless that says nothing of its receiver (verdict NULL). */
static void leave_place(struct delivery *delivery, struct attempt *attempt, const struct verdict *verdict,
                        int64_t total_us)
{
    struct target *target = target_of(delivery, attempt->township);
    TAILQ_REMOVE(&delivery->attempts, attempt, link);
    delivery->stats.in_flight--;
    if (target == NULL)
        return;
    if (target->in_flight > 0)
        target->in_flight--;
    if (verdict != NULL)
        target_note(delivery, target, verdict, total_us);
    target_settle(delivery, target);
}

static void attempt_done(void *ctx, const struct http_result *http)
{
    struct attempt *attempt = ctx;
    struct delivery *delivery = attempt->delivery;
    KILL_POINT("delivery.answered");
    struct verdict_terms terms = terms_of(delivery);
    struct verdict verdict =
        verdict_of(http, attempt->attempts, attempt->refusals, &terms, &delivery->random);
    const bool replaced = is_replaced(delivery, attempt);
    if (replaced)
        forget_receiver(delivery, attempt, &verdict);
    else
        target_rest(delivery, target_of(delivery, attempt->township), http, &verdict);
    struct test *test = test_find(delivery, attempt->event_id);
    if (test != NULL && verdict.outcome != OUTBOX_DELIVERED)
        verdict.outcome = OUTBOX_FAILED; /* a test is one attempt */
    count_outcome(&delivery->stats, verdict.outcome);
    log_outcome(attempt, http, &verdict);
    if (verdict.hold_endpoint && attempt->leader == delivery->leader)
        hold_endpoint(delivery, attempt->township);
    struct outbox_result result = {
        .outcome = verdict.outcome,
        .next_attempt_in_ms = verdict.next_attempt_in_ms,
        .endpoint_pause_ms = verdict.endpoint_pause_ms,
        .http_status = http->status_code,
        .error = verdict.outcome == OUTBOX_DELIVERED ? NULL : http->text,
    };
    keep_result(delivery, attempt, &result);
    KILL_POINT("delivery.result_kept");
    leave_place(delivery, attempt, replaced ? NULL : &verdict, http->total_us);
    if (test != NULL)
        test_end(test, &(struct delivery_test_result){verdict.outcome == OUTBOX_DELIVERED, http->status_code,
                                                      http->total_us, http->text, attempt->event_id});
    struct target *target = target_of(delivery, attempt->township);
    attempt_free(attempt);
    if (delivery->draining || !delivery->leading) {
        delivery_tell_drained(delivery); /* where no result is written, nothing else tells */
        return;
    }
    attempts_send(delivery);
    if (target != NULL)
        delivery_pump_if_low(delivery, target);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static enum status start_http(struct delivery *delivery, struct attempt *attempt,
                              const struct endpoint_config *endpoint, struct error *err)
{
    const struct http_header headers[] = {
        {"Content-Type", "application/cloudevents+json; charset=utf-8"},
        {"webhook-id", attempt->event_id},
        {"webhook-timestamp", attempt->message.timestamp},
        {"webhook-signature", attempt->message.signature},
    };
    int64_t timeout_ms = delivery->settings.timeout_ms;
    struct http_request request = {
        .method = HTTP_CLIENT_POST,
        .url = endpoint->url,
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
        .body = attempt->message.body.bytes,
        .body_length = attempt->message.body.length,
        .connect_timeout_ms = timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS,
        .total_timeout_ms = timeout_ms,
        .response_max_bytes = RESPONSE_MAX_BYTES,
        .ca_file = endpoint->ca_file,
        .client_cert_file = endpoint->client_cert_file,
        .client_key_file = endpoint->client_key_file,
    };
    return http_client_start(delivery->http, &request, attempt_done, attempt, &attempt->call, err);
}

static void begin(struct delivery *delivery, struct target *target, struct attempt *attempt)
{
    struct error err;
    int64_t now_s = (clock_monotonic_ms() + delivery->wall_ahead_ms) / 1000;
    enum status status = message_sign(&attempt->message, &target->keys, now_s, &err);
    KILL_POINT("delivery.composed");
    if (status == STATUS_OK)
        status = start_http(delivery, attempt, target->config, &err);
    if (status != STATUS_OK) {
        not_sent(delivery, attempt, &err);
        return;
    }
    KILL_POINT("delivery.begun");
    attempt->address = target->address;
    TAILQ_INSERT_TAIL(&delivery->attempts, attempt, link);
    target->in_flight++;
    delivery->stats.in_flight++;
    delivery->stats.attempts++;
}

/* The targets take turns, so that where there are fewer places than they all want, each gets its share. */
void attempts_send(struct delivery *delivery)
{
    struct target *target;
    while (delivery->stats.in_flight < delivery->settings.connections &&
           (target = target_next(delivery)) != NULL) {
        struct attempt *attempt = TAILQ_FIRST(&target->waiting);
        TAILQ_REMOVE(target->ringed, target, ring);
        target->ringed = NULL;
        if (too_old(attempt) || target_waits(target, clock_monotonic_ms())) {
            release(delivery, target, attempt); /* or claimed before the receiver said so */
        } else {
            take_out(delivery, target, attempt);
            begin(delivery, target, attempt);
        }
        target_settle(delivery, target);
    }
}
