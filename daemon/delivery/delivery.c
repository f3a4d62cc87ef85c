/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pump: claim what is due for endpoints with free places, send it, hand the result to be written, go on.
 *
 *     pump ── outbox_claim_async ──► claimed ── start_attempt ──► http ──► attempt_done ── results_add ──► written ─┐
 *       ▲                                                                                                           │
 *       └───────────────── poll timer (POLL_MS, or the next retry that is known) ◄──────────────────────────────────┘
 *
 * A claim asks for no more than there are free places. Where those do not reach for all endpoints, the next claim goes on
 * behind the last one asked, until each has been asked once; the next pump begins where that ended. So no endpoint can
 * keep another from its turn, whether it has nothing to be sent or far too much. One that keeps failing is tried by one
 * attempt at a time (its breaker), so that it does not fill the places of all.
 *
 * Until its result is committed, an event stands in the database as in flight; so a household's next event is never claimed
 * while the fate of the one before is only in memory.
 */
#include "delivery/delivery.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "base/random.h"
#include "delivery/message.h"
#include "delivery/overdue.h"
#include "delivery/results.h"
#include "delivery/test_event.h"
#include "delivery/verdict.h"
#include "io/http_client.h"
#include "io/pg.h"
#include "store/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    POLL_MS = 2000, /* events of a daemon beside us, or whose wake-up was lost */
    STATEMENT_TIMEOUT_MS = 10000,
    LEASE_MARGIN_MS = 15000,   /* beyond the attempt's own timeout: writing the result */
    RESPONSE_MAX_BYTES = 4096, /* nothing in it is used */
    CONNECT_TIMEOUT_MS = 5000, /* or the whole timeout, if that is shorter */
    TEST_PRIORITY = -1,        /* before every warning: somebody is watching */
    TEST_MARGIN_MS = 10000,    /* an endpoint test waits so much longer than its attempt */
    BREAKER_FAILURES = 3,      /* in a row, without an answer or with a 5xx: more than a hiccup */
};
#define NEVER_MS (INT64_MAX / 2)

/* An endpoint and what is under way to it. */
struct target {
    const struct endpoint_config *config;
    unsigned in_flight;
    unsigned failures;     /* attempts in a row after which the receiver must be taken for down */
    int64_t not_before_ms; /* monotonic: Retry-After of 429 and 503 */
};

struct attempt {
    TAILQ_ENTRY(attempt) link;
    struct delivery *delivery;
    struct message message;
    struct http_call *call;
    int64_t household_id, township;
    int64_t leader; /* the leadership under which it was claimed */
    int32_t attempts;
    char event_id[UUID_TEXT_SIZE];
};

struct test {
    TAILQ_ENTRY(test) link;
    struct delivery *delivery;
    struct loop_timer *deadline;
    delivery_test_fn *done;
    void *ctx;
    char event_id[UUID_TEXT_SIZE];
};

struct delivery {
    struct loop *loop;
    struct delivery_settings settings;
    struct pg_async *pg;
    struct http_client *http;
    struct results *results;
    struct overdue *overdue;
    struct loop_timer *poll;
    struct random random;
    struct target *targets; /* in the order of settings.endpoints */
    size_t target_count;
    size_t turn;    /* the target that is asked for next */
    size_t unasked; /* targets that the present pump has not come to */
    TAILQ_HEAD(, attempt) attempts;
    TAILQ_HEAD(, test) tests;
    bool claiming, again, draining;
    bool leading;
    int64_t leader, claim_leader; /* the token; that of the claim under way */
    int64_t next_retry_ms;        /* monotonic; when the nearest known retry is due */
    delivery_fn *drained;
    void *drained_ctx;
    struct loop_task drain_look; /* callbacks are never made from inside delivery_drain */
    delivery_settled_fn *settled;
    void *settled_ctx;
    struct delivery_stats stats;
};

static struct target *target_of(const struct delivery *delivery, int64_t code)
{
    size_t low = 0, high = delivery->target_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (delivery->targets[middle].config->code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < delivery->target_count && delivery->targets[low].config->code == code
               ? &delivery->targets[low]
               : NULL;
}

/* --- the end of draining and settling --------------------------------------------------------------------------- */

static bool idle(const struct delivery *delivery)
{
    return TAILQ_EMPTY(&delivery->attempts) && results_waiting(delivery->results) == 0 && !delivery->claiming;
}

static void tell_drained(struct delivery *delivery)
{
    if (!delivery->draining || delivery->drained == NULL || !idle(delivery))
        return;
    delivery_fn *drained = delivery->drained;
    delivery->drained = NULL;
    drained(delivery->drained_ctx);
}

static void look_drained(void *ctx)
{
    tell_drained(ctx);
}

static void tell_settled(struct delivery *delivery, bool settled)
{
    delivery_settled_fn *fn = delivery->settled;
    delivery->settled = NULL;
    if (fn != NULL)
        fn(delivery->settled_ctx, settled);
}

/* --- endpoint tests --------------------------------------------------------------------------------------------- */

static void test_end(struct test *test, const struct delivery_test_result *result)
{
    TAILQ_REMOVE(&test->delivery->tests, test, link);
    test->done(test->ctx, result);
    loop_timer_free(test->deadline);
    free(test);
}

static struct test *test_find(struct delivery *delivery, const char *event_id)
{
    struct test *test;
    TAILQ_FOREACH(test, &delivery->tests, link)
    if (strcmp(test->event_id, event_id) == 0)
        return test;
    return NULL;
}

static void test_fail(struct test *test, const char *text)
{
    struct delivery_test_result result = {.text = text, .event_id = test->event_id};
    test_end(test, &result);
}

static void test_late(void *ctx)
{
    test_fail(ctx, "no attempt was made in time: is the endpoint held, or are all its connections busy? see "
                   "shouwangctl queue");
}

/* --- attempts --------------------------------------------------------------------------------------------------- */

static void attempt_free(struct attempt *attempt)
{
    message_fini(&attempt->message);
    free(attempt);
}

static void log_outcome(const struct attempt *attempt, const struct http_result *result,
                        const struct verdict *verdict)
{
    static const enum log_event_id events[] = {
        [OUTBOX_DELIVERED] = LOG_DELIVERY_DELIVERED,
        [OUTBOX_AGAIN] = LOG_DELIVERY_RETRY,
        [OUTBOX_FAILED] = LOG_DELIVERY_FAILED,
        [OUTBOX_EXPIRED] = LOG_DELIVERY_EXPIRED,
    };
    log_event(events[verdict->outcome], log_text("delivery", attempt->event_id),
              log_int("township", attempt->township), log_int("attempt", attempt->attempts),
              log_int("http", result->status_code), log_text("outcome", http_outcome_name(result->outcome)),
              log_int("ms", result->total_us / 1000),
              log_int("next_s", (verdict->next_attempt_in_ms + 999) / 1000));
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
        break;
    }
}

static void held(void *context, enum status status, int64_t affected, const struct error *err)
{
    (void)context;
    (void)affected;
    KILL_POINT("endpoint.held");
    if (status != STATUS_OK) /* the next attempt's 410 holds it */
        log_event(LOG_DELIVERY_DATABASE, log_error(err));
}

static void hold_endpoint(struct delivery *delivery, int64_t township)
{
    struct error err;
    log_event(LOG_ENDPOINT_HELD, log_int("township", township), log_int("http", 410));
    KILL_POINT("endpoint.before_hold");
    if (outbox_hold_endpoint_async(delivery->pg, delivery->leader, township, "the receiver answered 410 Gone",
                                   STATEMENT_TIMEOUT_MS, held, delivery, &err) != STATUS_OK)
        log_event(LOG_DELIVERY_DATABASE, log_error(&err));
}

static void note_answer(struct target *target, const struct verdict *verdict)
{
    int64_t until_ms = clock_monotonic_ms() + verdict->endpoint_pause_ms;
    if (verdict->endpoint_pause_ms > 0 && until_ms > target->not_before_ms)
        target->not_before_ms = until_ms;
    if (!verdict->endpoint_fails)
        target->failures = 0;
    else if (target->failures < BREAKER_FAILURES)
        target->failures++;
}

static void attempt_done(void *ctx, const struct http_result *http)
{
    struct attempt *attempt = ctx;
    struct delivery *delivery = attempt->delivery;
    struct target *target = target_of(delivery, attempt->township);
    KILL_POINT("delivery.answered");
    struct verdict_terms terms = {delivery->settings.retry_first_ms, delivery->settings.retry_max_ms};
    struct verdict verdict = verdict_of(http, attempt->attempts, &terms, &delivery->random);
    struct test *test = test_find(delivery, attempt->event_id);
    if (test != NULL && verdict.outcome != OUTBOX_DELIVERED)
        verdict.outcome = OUTBOX_FAILED; /* a test is one attempt */
    count_outcome(&delivery->stats, verdict.outcome);
    log_outcome(attempt, http, &verdict);
    if (verdict.hold_endpoint && attempt->leader == delivery->leader)
        hold_endpoint(delivery, attempt->township);
    if (target != NULL)
        note_answer(target, &verdict);

    struct outbox_result result = {
        .household_id = attempt->household_id,
        .township = attempt->township,
        .attempts = attempt->attempts,
        .outcome = verdict.outcome,
        .next_attempt_in_ms = verdict.next_attempt_in_ms,
        .http_status = http->status_code,
        .error = verdict.outcome == OUTBOX_DELIVERED ? NULL : http->text,
    };
    memcpy(result.event_id, attempt->event_id, sizeof result.event_id);
    if (attempt->leader != delivery->leader)
        log_event(LOG_DELIVERY_STALE, log_text("delivery", attempt->event_id),
                  log_int("township", attempt->township));
    else if (!results_add(delivery->results, &result))
        log_event(LOG_DELIVERY_DATABASE, log_text("err", "out of memory: the attempt will be made again"));
    KILL_POINT("delivery.result_kept");
    if (target != NULL && target->in_flight > 0)
        target->in_flight--;
    TAILQ_REMOVE(&delivery->attempts, attempt, link);
    delivery->stats.in_flight--;
    if (test != NULL)
        test_end(test, &(struct delivery_test_result){verdict.outcome == OUTBOX_DELIVERED, http->status_code,
                                                      http->total_us, http->text, attempt->event_id});
    attempt_free(attempt);
}

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

/* A claim that cannot even be begun waits like one that failed. */
static void claim_back(struct delivery *delivery, const struct outbox_claim *claim, const struct error *why)
{
    struct verdict_terms terms = {delivery->settings.retry_first_ms, delivery->settings.retry_max_ms};
    struct outbox_result result = {
        .household_id = claim->household_id,
        .township = claim->township,
        .attempts = claim->attempts,
        .outcome = why->status == STATUS_REJECT ? OUTBOX_FAILED : OUTBOX_AGAIN,
        .next_attempt_in_ms = verdict_backoff_ms(claim->attempts, &terms, &delivery->random),
        .error = why->text,
    };
    memcpy(result.event_id, claim->event_id, sizeof result.event_id);
    log_event(LOG_DELIVERY_NOT_SENT, log_text("delivery", claim->event_id),
              log_int("township", claim->township), log_error(why));
    if (!results_add(delivery->results, &result))
        log_event(LOG_DELIVERY_DATABASE, log_text("err", "out of memory: the attempt will be made again"));
}

static void start_attempt(struct delivery *delivery, const struct outbox_claim *claim)
{
    struct error err;
    struct target *target = target_of(delivery, claim->township);
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (target == NULL || attempt == NULL) { /* an endpoint that a reload has just taken away */
        free(attempt);
        error_set(&err, STATUS_RETRY,
                  target == NULL ? "the endpoint is no longer configured" : "out of memory");
        claim_back(delivery, claim, &err);
        return;
    }
    attempt->delivery = delivery;
    attempt->household_id = claim->household_id;
    attempt->leader = delivery->leader;
    attempt->township = claim->township;
    attempt->attempts = claim->attempts;
    memcpy(attempt->event_id, claim->event_id, sizeof attempt->event_id);
    enum status status = message_compose(&attempt->message, target->config, claim->event_id, claim->event,
                                         claim->sequence, clock_unix_ms() / 1000, &err);
    KILL_POINT("delivery.composed");
    if (status == STATUS_OK)
        status = start_http(delivery, attempt, target->config, &err);
    if (status != STATUS_OK) {
        attempt_free(attempt);
        claim_back(delivery, claim, &err);
        return;
    }
    KILL_POINT("delivery.begun");
    TAILQ_INSERT_TAIL(&delivery->attempts, attempt, link);
    target->in_flight++;
    delivery->stats.in_flight++;
    delivery->stats.attempts++;
}

/* --- the pump --------------------------------------------------------------------------------------------------- */

static void pump(struct delivery *delivery);

static void pump_at(void *ctx)
{
    pump(ctx);
}

static void sleep_until_next(struct delivery *delivery)
{
    int64_t poll_ms = clock_monotonic_ms() + POLL_MS;
    loop_timer_arm_at(delivery->poll, delivery->next_retry_ms < poll_ms ? delivery->next_retry_ms : poll_ms);
}

/* The present pump is over. */
static void rest(struct delivery *delivery, bool database_up)
{
    if (idle(delivery) || !database_up)
        tell_settled(delivery, database_up);
    sleep_until_next(delivery);
}

static void ask(struct delivery *delivery);

static void claimed(void *context, enum status status, const struct outbox_claim *claims, size_t count,
                    const struct error *err)
{
    struct delivery *delivery = context;
    KILL_POINT("delivery.claimed");
    delivery->claiming = false;
    delivery->stats.database_up = status == STATUS_OK;
    if (status != STATUS_OK)
        log_event(LOG_DELIVERY_DATABASE, log_error(err));
    /* What was claimed under a leadership that is over is the new leader's. */
    for (size_t i = 0; i < count && delivery->claim_leader == delivery->leader; i++)
        start_attempt(delivery, &claims[i]);
    if (delivery->draining || !delivery->leading) {
        tell_drained(delivery);
    } else if (status != STATUS_OK) {
        rest(delivery, false);
    } else if (delivery->again) {
        pump(delivery);
    } else {
        ask(delivery);
    }
}

/* How many more each target may have, within the whole's bound, from the one whose turn it is; the number of asks. */
static size_t free_places(struct delivery *delivery, struct outbox_ask *asks)
{
    int64_t now_ms = clock_monotonic_ms();
    unsigned left = delivery->settings.connections > delivery->stats.in_flight
                        ? delivery->settings.connections - delivery->stats.in_flight
                        : 0;
    size_t count = 0;
    for (; delivery->unasked > 0 && left > 0; delivery->unasked--) {
        const struct target *target = &delivery->targets[delivery->turn];
        unsigned most = target->failures < BREAKER_FAILURES ? target->config->connections : 1;
        delivery->turn = (delivery->turn + 1) % delivery->target_count;
        if (target->not_before_ms > now_ms || target->in_flight >= most)
            continue;
        unsigned room = most - target->in_flight;
        unsigned places = room < left ? room : left;
        left -= places;
        asks[count++] = (struct outbox_ask){target->config->code, (int32_t)places};
    }
    return count;
}

/* Claims for as many of the targets that are still to be asked as there are places. */
static void ask(struct delivery *delivery)
{
    struct error err;
    struct outbox_ask *asks = calloc(delivery->target_count + 1, sizeof *asks);
    enum status status = asks == NULL ? error_set(&err, STATUS_FATAL, "out of memory") : STATUS_OK;
    size_t count = asks == NULL ? 0 : free_places(delivery, asks);
    KILL_POINT("delivery.before_claim");
    if (count > 0)
        status = outbox_claim_async(delivery->pg, delivery->leader, asks, count,
                                    delivery->settings.timeout_ms + LEASE_MARGIN_MS, STATEMENT_TIMEOUT_MS,
                                    claimed, delivery, &err);
    free(asks);
    delivery->claiming = status == STATUS_OK && count > 0;
    delivery->claim_leader = delivery->leader;
    if (status != STATUS_OK)
        delivery->stats.database_up = false;
    if (!delivery->claiming)
        rest(delivery, status == STATUS_OK);
}

static void pump(struct delivery *delivery)
{
    if (delivery->draining || !delivery->leading)
        return;
    delivery->again = delivery->claiming;
    if (delivery->claiming)
        return;
    if (delivery->next_retry_ms <= clock_monotonic_ms())
        delivery->next_retry_ms = NEVER_MS;
    delivery->unasked = delivery->target_count;
    ask(delivery);
}

/* Results are committed: places are free, and households may go on. */
static void results_written(void *ctx)
{
    struct delivery *delivery = ctx;
    int64_t soonest_ms = results_soonest_ms(delivery->results);
    int64_t retry_ms = soonest_ms < NEVER_MS / 2 ? clock_monotonic_ms() + soonest_ms + 1 : NEVER_MS;
    if (retry_ms < delivery->next_retry_ms)
        delivery->next_retry_ms = retry_ms;
    tell_drained(delivery);
    pump(delivery);
}

static void event_given_up(void *ctx)
{
    pump(ctx);
}

static void database_changed(void *context, bool up, const struct error *err)
{
    struct delivery *delivery = context;
    delivery->stats.database_up = up;
    if (up) {
        log_event(LOG_DELIVERY_DATABASE_UP);
        results_write(
            delivery->results); /* first: what is done may not be claimed again for its lease's end */
        overdue_look(delivery->overdue);
        pump(delivery);
    } else {
        log_event(LOG_DELIVERY_DATABASE, log_error(err));
        tell_settled(delivery, false);
    }
}

/* --- settings --------------------------------------------------------------------------------------------------- */

/* The new targets, with what is under way to those that stay. NULL without memory. */
static struct target *targets_of(const struct delivery *delivery, const struct delivery_settings *settings)
{
    struct target *targets = calloc(settings->endpoint_count + 1, sizeof *targets);
    for (size_t i = 0; targets != NULL && i < settings->endpoint_count; i++) {
        targets[i].config = &settings->endpoints[i];
        for (size_t old = 0; old < delivery->target_count; old++)
            if (delivery->targets[old].config->code == targets[i].config->code) {
                const struct endpoint_config *config = targets[i].config;
                targets[i] = delivery->targets[old];
                targets[i].config = config;
            }
    }
    return targets;
}

static struct overdue_terms overdue_terms_of(const struct delivery *delivery,
                                             const struct delivery_settings *settings)
{
    const struct target *county = target_of(delivery, settings->county_code);
    return (struct overdue_terms){
        .county_code = settings->county_code,
        .county_has_endpoint = county != NULL,
        .county_may_know_names = county != NULL && county->config->disclosure == ENDPOINT_NAMED,
        .expiry_ms = settings->expiry_ms,
    };
}

static struct http_client_settings http_settings(const struct delivery_settings *settings)
{
    unsigned kept = settings->connections > settings->endpoint_count ? settings->connections
                                                                     : (unsigned)settings->endpoint_count;
    return (struct http_client_settings){
        .kept_connections_max = kept + 1,
        .calls_max = settings->connections + 1,
        .networks = settings->networks,
        .network_count = settings->network_count,
    };
}

enum status delivery_reconfigure(struct delivery *delivery, const struct delivery_settings *settings,
                                 struct error *err)
{
    struct http_client_settings http = http_settings(settings);
    struct target *targets = targets_of(delivery, settings);
    if (targets == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = http_client_configure(delivery->http, &http, err);
    if (status != STATUS_OK) {
        free(targets);
        return status;
    }
    free(delivery->targets);
    delivery->targets = targets;
    delivery->target_count = settings->endpoint_count;
    delivery->turn = delivery->unasked = 0;
    delivery->settings = *settings;
    struct overdue_terms terms = overdue_terms_of(delivery, settings);
    overdue_configure(delivery->overdue, &terms);
    delivery_wake(delivery);
    return STATUS_OK;
}

static enum status open_parts(struct delivery *delivery, struct error *err)
{
    struct http_client_settings http = http_settings(&delivery->settings);
    delivery->poll = loop_timer_new(delivery->loop, pump_at, delivery);
    delivery->targets = targets_of(delivery, &delivery->settings);
    delivery->target_count = delivery->settings.endpoint_count;
    if (delivery->poll == NULL || delivery->targets == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = http_client_new(&delivery->http, delivery->loop, &http, err);
    if (status == STATUS_OK)
        status = pg_async_new(delivery->loop, delivery->settings.conninfo, "shouwangd delivery",
                              database_changed, delivery, &delivery->pg, err);
    struct overdue_terms terms = overdue_terms_of(delivery, &delivery->settings);
    if (status == STATUS_OK)
        status = overdue_new(&delivery->overdue, delivery->loop, delivery->pg, &terms, event_given_up,
                             delivery, err);
    if (status == STATUS_OK)
        status =
            results_new(&delivery->results, delivery->loop, delivery->pg, results_written, delivery, err);
    return status;
}

enum status delivery_new(struct delivery **out, struct loop *loop, const struct delivery_settings *settings,
                         struct error *err)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    TAILQ_INIT(&delivery->attempts);
    TAILQ_INIT(&delivery->tests);
    delivery->loop = loop;
    delivery->settings = *settings;
    delivery->drain_look = (struct loop_task){.run = look_drained, .ctx = delivery};
    delivery->next_retry_ms = NEVER_MS;
    random_seed(&delivery->random, (uint64_t)clock_monotonic_us());
    enum status status = open_parts(delivery, err);
    if (status != STATUS_OK) {
        delivery_free(delivery);
        return status;
    }
    *out = delivery;
    return STATUS_OK;
}

void delivery_free(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    struct attempt *attempt;
    struct test *test;
    delivery->draining = true;
    delivery->drained = NULL;
    delivery->settled = NULL;
    loop_task_cancel(delivery->loop, &delivery->drain_look);
    http_client_free(delivery->http); /* cancels every call; none calls back */
    pg_async_free(delivery->pg);
    results_free(delivery->results);
    overdue_free(delivery->overdue);
    while ((attempt = TAILQ_FIRST(&delivery->attempts)) != NULL) {
        TAILQ_REMOVE(&delivery->attempts, attempt, link);
        attempt_free(attempt);
    }
    while ((test = TAILQ_FIRST(&delivery->tests)) != NULL)
        test_fail(test, "shouwangd ends");
    loop_timer_free(delivery->poll);
    free(delivery->targets);
    free(delivery);
}

/* --- what the daemon asks --------------------------------------------------------------------------------------- */

void delivery_lead(struct delivery *delivery, int64_t leader)
{
    delivery->leading = true;
    delivery->leader = leader;
    results_lead(delivery->results, leader);
    overdue_lead(delivery->overdue, leader);
    delivery_wake(delivery);
}

void delivery_stand_by(struct delivery *delivery)
{
    delivery->leading = false;
    overdue_lead(delivery->overdue, 0);
    loop_timer_cancel(delivery->poll);
}

void delivery_wake(struct delivery *delivery)
{
    delivery->again = true; /* a claim under way may not have seen the newest events */
    loop_timer_arm(delivery->poll, 0);
}

static void test_put(void *context, enum status status, int64_t affected, const struct error *err)
{
    (void)affected;
    struct delivery *delivery = context;
    struct test *test, *next;
    KILL_POINT("endpoint.test_put");
    if (status == STATUS_OK) {
        pump(delivery);
        return;
    }
    /* Which test it was is not told; with the database away none of them has a chance. */
    for (test = TAILQ_FIRST(&delivery->tests); test != NULL; test = next) {
        next = TAILQ_NEXT(test, link);
        test_fail(test, err->text);
    }
}

static enum status put_test_event(struct delivery *delivery, const struct test *test, int64_t township_code,
                                  struct error *err)
{
    struct text body;
    int64_t now_ms = clock_unix_ms();
    text_init(&body);
    test_event_compose(&body, delivery->settings.county_code, township_code, test->event_id, now_ms);
    struct outbox_event event = {
        .event_id = test->event_id,
        .township = township_code,
        .type = "endpoint.test",
        .priority = TEST_PRIORITY,
        .expires_at_ms = now_ms + delivery->settings.timeout_ms + TEST_MARGIN_MS,
        .event = {body.bytes, body.length},
    };
    enum status status = body.failed ? error_set(err, STATUS_FATAL, "out of memory")
                                     : outbox_put_async(delivery->pg, delivery->leader, &event,
                                                        STATEMENT_TIMEOUT_MS, test_put, delivery, err);
    text_fini(&body);
    return status;
}

enum status delivery_test(struct delivery *delivery, int64_t township_code, const char *actor,
                          delivery_test_fn *done, void *ctx, struct error *err)
{
    if (target_of(delivery, township_code) == NULL)
        return error_set(err, STATUS_CONFIG, "no endpoint is configured for %lld", (long long)township_code);
    if (delivery->draining)
        return error_set(err, STATUS_RETRY, "shouwangd is about to end");
    if (!delivery->leading)
        return error_set(err, STATUS_RETRY, "this shouwangd is a standby");
    struct test *test = calloc(1, sizeof *test);
    if (test != NULL)
        test->deadline = loop_timer_new(delivery->loop, test_late, test);
    if (test == NULL || test->deadline == NULL) {
        free(test);
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    test->delivery = delivery;
    test->done = done;
    test->ctx = ctx;
    uuid_v7(clock_unix_ms(), test->event_id);
    log_event(LOG_ENDPOINT_TEST, log_text("delivery", test->event_id), log_int("township", township_code),
              log_text("operator", actor));
    enum status status = put_test_event(delivery, test, township_code, err);
    if (status != STATUS_OK) {
        loop_timer_free(test->deadline);
        free(test);
        return status;
    }
    TAILQ_INSERT_TAIL(&delivery->tests, test, link);
    loop_timer_arm(test->deadline, delivery->settings.timeout_ms + TEST_MARGIN_MS);
    return STATUS_OK;
}

void delivery_drain(struct delivery *delivery, delivery_fn *drained, void *ctx)
{
    delivery->draining = true;
    delivery->drained = drained;
    delivery->drained_ctx = ctx;
    loop_timer_cancel(delivery->poll);
    loop_defer(delivery->loop, &delivery->drain_look);
}

void delivery_settle(struct delivery *delivery, delivery_settled_fn *fn, void *ctx)
{
    delivery->settled = fn;
    delivery->settled_ctx = ctx;
    delivery_wake(delivery);
}

void delivery_stats(const struct delivery *delivery, struct delivery_stats *stats)
{
    *stats = delivery->stats;
    stats->expired = overdue_count(delivery->overdue);
    for (size_t i = 0; i < delivery->target_count; i++)
        stats->endpoints_broken += delivery->targets[i].failures >= BREAKER_FAILURES;
}
