/* SPDX-License-Identifier: PostgreSQL */
/*
 * Not delivery yet: a daemon with this file takes in feeds and runs rounds, and says in its log and to every test of an
 * endpoint that nothing is sent. Events wait in the outbox, where they lose nothing.
 */
#include "delivery/delivery.h"

#include "base/log.h"

#include <stdlib.h>

struct delivery {
    struct loop *loop;
    struct loop_task drained_task, settled_task;
    delivery_fn *drained;
    delivery_settled_fn *settled;
    void *drained_ctx, *settled_ctx;
};

static void run_drained(void *ctx)
{
    struct delivery *delivery = ctx;
    delivery->drained(delivery->drained_ctx);
}

static void run_settled(void *ctx)
{
    struct delivery *delivery = ctx;
    delivery->settled(delivery->settled_ctx, true);
}

enum status delivery_new(struct delivery **handle, struct loop *loop,
                         const struct delivery_settings *settings, struct error *err)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        return error_set(err, STATUS_FATAL, "no memory for delivery");
    delivery->loop = loop;
    delivery->drained_task = (struct loop_task){.run = run_drained, .ctx = delivery};
    delivery->settled_task = (struct loop_task){.run = run_settled, .ctx = delivery};
    log_event(LOG_DELIVERY_ABSENT, log_int("endpoints", (int64_t)settings->endpoint_count));
    *handle = delivery;
    return STATUS_OK;
}

void delivery_free(struct delivery *delivery)
{
    if (!delivery)
        return;
    loop_task_cancel(delivery->loop, &delivery->drained_task);
    loop_task_cancel(delivery->loop, &delivery->settled_task);
    free(delivery);
}

void delivery_wake(struct delivery *delivery)
{
    (void)delivery;
}

enum status delivery_reconfigure(struct delivery *delivery, const struct delivery_settings *settings,
                                 struct error *err)
{
    (void)delivery;
    (void)settings;
    (void)err;
    return STATUS_OK;
}

void delivery_drain(struct delivery *delivery, delivery_fn *drained, void *ctx)
{
    delivery->drained = drained;
    delivery->drained_ctx = ctx;
    loop_defer(delivery->loop, &delivery->drained_task);
}

void delivery_settle(struct delivery *delivery, delivery_settled_fn *fn, void *ctx)
{
    delivery->settled = fn;
    delivery->settled_ctx = ctx;
    loop_defer(delivery->loop, &delivery->settled_task);
}

enum status delivery_test(struct delivery *delivery, int64_t township_code, const char *actor,
                          delivery_test_fn *done, void *ctx, struct error *err)
{
    (void)delivery;
    (void)actor;
    (void)done;
    (void)ctx;
    return error_set(err, STATUS_RETRY, "this build sends nothing, to %lld neither",
                     (long long)township_code);
}

void delivery_stats(const struct delivery *delivery, struct delivery_stats *stats)
{
    (void)delivery;
    *stats = (struct delivery_stats){0};
}
