/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about events and receivers. They work while the daemon is down; a leader sees what they changed within seconds. */
#include "ctl.h"

#include "app/options.h"
#include "base/arena.h"
#include "base/clock.h"
#include "store/listing.h"
#include "store/queue_order.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static enum status delivery_json(void *context, const struct listing_delivery *delivery, struct error *err)
{
    json_t *item = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "event_id", delivery->event_id,
        "household_no", ctl_json_slice(delivery->household_no), "township_code",
        json_sprintf("%lld", (long long)delivery->township), "type", ctl_json_slice(delivery->type), "state",
        ctl_json_slice(delivery->state), "priority", delivery->priority, "attempts", (int)delivery->attempts,
        "created_at", ctl_json_time(delivery->created_ms), "next_attempt_at",
        ctl_json_time(delivery->next_attempt_ms), "expires_at", ctl_json_time(delivery->expires_ms),
        "sequence", delivery->sequence ? json_integer(delivery->sequence) : json_null(), "http_status",
        delivery->http_status ? json_integer(delivery->http_status) : json_null(), "last_error",
        ctl_json_slice(delivery->last_error));
    return json_array_append_new(context, item) == 0 ? STATUS_OK
                                                     : error_set(err, STATUS_FATAL, "out of memory");
}

static enum status delivery_print(void *context, const struct listing_delivery *delivery, struct error *err)
{
    (void)err;
    char next[CLOCK_RFC3339_SIZE];
    json_t *seen = context;
    json_array_append_new(seen, json_true());
    printf("%s  %lld  %-20.*s %-10.*s attempts %d, next %s", delivery->event_id,
           (long long)delivery->township, (int)delivery->type.length, delivery->type.bytes,
           (int)delivery->state.length, delivery->state.bytes, delivery->attempts,
           clock_rfc3339(delivery->next_attempt_ms, next));
    if (delivery->http_status != 0)
        printf(", last answer %d", delivery->http_status);
    if (delivery->last_error.length > 0)
        printf(": %.*s", (int)delivery->last_error.length, delivery->last_error.bytes);
    putchar('\n');
    return STATUS_OK;
}

/* 0 without the option. False after a message. */
static bool read_receiver(const struct ctl *ctl, int64_t *code)
{
    const char *value = ctl_value(ctl, "--township");
    *code = 0;
    return value == NULL || ctl_receiver(ctl, "--township: ", value, code);
}

int verb_queue(struct ctl *ctl)
{
    struct error err;
    int64_t limit = 100, township = 0;
    if (!read_receiver(ctl, &township) || !ctl_number(ctl, "--limit", &limit))
        return EX_USAGE;
    int exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    json_t *list = json_array();
    if (listing_queue(ctl->pg, township, NULL, limit, ctl->json ? delivery_json : delivery_print, list,
                      &err) != STATUS_OK) {
        json_decref(list);
        return ctl_fail_error(&err);
    }
    if (ctl->json)
        return ctl_print_json(json_pack("{s:o}", "queue", list));
    if (json_array_size(list) == 0)
        puts("nothing waits");
    json_decref(list);
    return 0;
}

int verb_queue_shape(struct ctl *ctl)
{
    struct error err;
    int exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    struct arena *arena = arena_new(0);
    const struct listing_shape *shapes = NULL;
    size_t count = 0;
    if (listing_queue_shape(ctl->pg, arena, &shapes, &count, &err) != STATUS_OK) {
        arena_free(arena);
        return ctl_fail_error(&err);
    }
    json_t *list = json_array();
    if (!ctl->json)
        puts("township      <1min  <10min     <1h     <6h    <24h   older  failed    held expired");
    for (size_t i = 0; i < count; i++) {
        const struct listing_shape *shape = &shapes[i];
        json_t *ages = json_array();
        if (!ctl->json)
            printf("%lld  ", (long long)shape->township);
        for (int age = 0; age < LISTING_AGES; age++) {
            json_array_append_new(ages, json_integer(shape->count[age]));
            if (!ctl->json)
                printf(" %7lld", (long long)shape->count[age]);
        }
        if (!ctl->json)
            printf(" %7lld %7lld %7lld\n", (long long)shape->failed, (long long)shape->held,
                   (long long)shape->expired);
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:I, s:I, s:I}", "township_code",
                                        json_sprintf("%lld", (long long)shape->township), "waiting_by_age",
                                        ages, "failed", (json_int_t)shape->failed, "held",
                                        (json_int_t)shape->held, "expired", (json_int_t)shape->expired));
    }
    arena_free(arena);
    if (ctl->json)
        return ctl_print_json(json_pack("{s:o}", "townships", list));
    json_decref(list);
    return 0;
}

/* --- orders ----------------------------------------------------------------------------------------------------- */

/* The order that the options give; 0, or an exit code after a message. The database is open then. */
static int read_order(struct ctl *ctl, const char *what, struct queue_order *order)
{
    *order = (struct queue_order){.by = ctl_account(), .reason = ctl_value(ctl, "--reason")};
    if (!read_receiver(ctl, &order->township) ||
        (order->reason != NULL && ctl_reason(ctl, order->reason) != 0))
        return EX_USAGE;
    if (order->township == 0)
        return ctl_usage(ctl, "--township is missing: whose %s", what);
    return ctl_store(ctl);
}

int verb_queue_release(struct ctl *ctl)
{
    struct error err;
    struct queue_order order;
    bool released = false;
    int exit_code = read_order(ctl, "receiver is to be released", &order);
    if (exit_code != 0)
        return exit_code;
    if (queue_release(ctl->pg, &order, &released, &err) != STATUS_OK)
        return ctl_fail_error(&err);
    const long long township = (long long)order.township;
    if (ctl->json)
        return ctl_print_json(
            json_pack("{s:o, s:b}", "township_code", json_sprintf("%lld", township), "released", released));
    if (released)
        printf("the receiver of %lld is released: what waits for it is sent within seconds, oldest first\n",
               township);
    else
        printf(
            "the receiver of %lld was not held; shouwangctl queue --township %lld says what waits and why\n",
            township, township);
    return 0;
}

int verb_queue_requeue(struct ctl *ctl)
{
    struct error err;
    struct queue_order order;
    int64_t events = 0;
    int exit_code = read_order(ctl, "events are to be sent again", &order);
    if (exit_code != 0)
        return exit_code;
    if (queue_requeue(ctl->pg, &order, ctl->options->delivery_expiry, &events, &err) != STATUS_OK)
        return ctl_fail_error(&err);
    const long long township = (long long)order.township;
    if (ctl->json)
        return ctl_print_json(json_pack("{s:o, s:I}", "township_code", json_sprintf("%lld", township),
                                        "events", (json_int_t)events));
    if (events > 0)
        printf("%lld events of %lld are sent again, with a new term, under their old ids\n",
               (long long)events, township);
    else
        printf("no event of %lld has failed or expired\n", township);
    return 0;
}
