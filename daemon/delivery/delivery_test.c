/* SPDX-License-Identifier: PostgreSQL */
/* Endpoint tests: an event of type endpoint.test, put into the queue and sent by the path that warnings take. */
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "delivery/delivery_internal.h"
#include "delivery/test_event.h"

#include <stdlib.h>
#include <string.h>

enum {
    TEST_PRIORITY = -1,     /* before every warning: somebody is watching */
    TEST_MARGIN_MS = 10000, /* an endpoint test waits so much longer than its attempt */
};

struct test {
    TAILQ_ENTRY(test) link;
    struct delivery *delivery;
    struct loop_timer *deadline;
    delivery_test_fn *done;
    void *ctx;
    char event_id[UUID_TEXT_SIZE];
};

void test_end(struct test *test, const struct delivery_test_result *result)
{
    TAILQ_REMOVE(&test->delivery->tests, test, link);
    test->done(test->ctx, result);
    loop_timer_free(test->deadline);
    free(test);
}

struct test *test_find(struct delivery *delivery, const char *event_id)
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
    test_fail(ctx,
              "no attempt was made in time: did it ask for a pause, or are all its connections busy? see "
              "shouwangctl queue");
}

void tests_fail(struct delivery *delivery, const char *text)
{
    struct test *test, *next;
    for (test = TAILQ_FIRST(&delivery->tests); test != NULL; test = next) {
        next = TAILQ_NEXT(test, link);
        test_fail(test, text);
    }
}

/* What is being put into the queue; the test itself may end before that is known. */
struct putting {
    struct delivery *delivery;
    char event_id[UUID_TEXT_SIZE];
};

static void test_put(void *context, enum status status, int64_t affected, const struct error *err)
{
    struct putting *putting = context;
    struct delivery *delivery = putting->delivery;
    struct test *test = test_find(delivery, putting->event_id);
    KILL_POINT("endpoint.test_put");
    if (test != NULL && status != STATUS_OK) {
        test_fail(test, err->text);
    } else if (test != NULL && affected == 0) {
        test_fail(test, "the receiver is held, because it answered 410: shouwangctl queue release lets it "
                        "have events again");
    } else if (status == STATUS_OK) {
        targets_end_rests(delivery); /* whoever asks wants to know now */
        delivery_pump(delivery);
    }
    free(putting);
}

static enum status put_test_event(struct delivery *delivery, const struct test *test, int64_t township_code,
                                  struct error *err)
{
    struct text body;
    int64_t now_ms = clock_unix_ms();
    struct putting *putting = malloc(sizeof *putting);
    if (putting == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    putting->delivery = delivery;
    memcpy(putting->event_id, test->event_id, sizeof putting->event_id);
    text_init(&body);
    test_event_compose(&body, delivery->settings.county_code, township_code, test->event_id, now_ms);
    struct outbox_event event = {
        .event_id = test->event_id,
        .township = township_code,
        .type = "endpoint.test",
        .priority = TEST_PRIORITY,
        .term_ms = delivery->settings.timeout_ms + TEST_MARGIN_MS,
        .event = {body.bytes, body.length},
    };
    enum status status = body.failed ? error_set(err, STATUS_FATAL, "out of memory")
                                     : outbox_put_async(delivery->pg, delivery->leader, &event,
                                                        STATEMENT_TIMEOUT_MS, test_put, putting, err);
    text_fini(&body);
    if (status != STATUS_OK)
        free(putting);
    return status;
}

enum status delivery_test(struct delivery *delivery, int64_t township_code, const char *actor,
                          delivery_test_fn *done, void *ctx, struct error *err)
{
    if (target_of(delivery, township_code) == NULL)
        return error_set(
            err, STATUS_CONFIG,
            "no endpoint is configured for %lld; expected a file %lld.conf in [delivery] townships, and a reload",
            (long long)township_code, (long long)township_code);
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
