/* SPDX-License-Identifier: PostgreSQL */
/* The whole of delivery: it begins, ends, is configured, drained and settled. delivery_internal.h is the map of its parts. */
#include "base/clock.h"
#include "base/log.h"
#include "delivery/delivery_internal.h"
#include "delivery/overdue.h"
#include "delivery/results.h"
#include "io/http_client.h"
#include "io/pg.h"

#include <stdlib.h>

/* --- the end of draining and settling --------------------------------------------------------------------------- */

bool delivery_idle(const struct delivery *delivery)
{
    return TAILQ_EMPTY(&delivery->attempts) && delivery->waiting_count == 0 &&
           results_waiting(delivery->results) == 0 && !delivery->claiming;
}

void delivery_tell_drained(struct delivery *delivery)
{
    if (!delivery->draining || delivery->drained == NULL || !delivery_idle(delivery))
        return;
    delivery_fn *drained = delivery->drained;
    delivery->drained = NULL;
    drained(delivery->drained_ctx);
}

static void look_drained(void *ctx)
{
    delivery_tell_drained(ctx);
}

void delivery_tell_settled(struct delivery *delivery, bool settled)
{
    delivery_settled_fn *fn = delivery->settled;
    delivery->settled = NULL;
    if (fn != NULL)
        fn(delivery->settled_ctx, settled);
}

static void event_given_up(void *ctx)
{
    delivery_pump(ctx);
}

static void database_changed(void *context, bool up, const struct error *err)
{
    struct delivery *delivery = context;
    bool was_up = delivery->stats.database_up;
    delivery->stats.database_up = up;
    if (up) {
        delivery->outage_told = false;
        log_event(LOG_DELIVERY_DATABASE_UP);
        results_write(
            delivery->results); /* first: what is done may not be claimed again for its lease's end */
        overdue_look(delivery->overdue);
        targets_unpause(delivery);
        delivery_pump(delivery);
    } else {
        /* That the connection was lost, and the first reason why there is no other; an outage may last for hours. */
        if (was_up || !delivery->outage_told)
            log_event(LOG_DELIVERY_DATABASE, log_error(err));
        delivery->outage_told = !was_up;
        delivery_tell_settled(delivery, false);
    }
}

/* --- settings --------------------------------------------------------------------------------------------------- */

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
    struct target *targets;
    delivery->reloads++;
    enum status status = targets_make(delivery, settings, &targets, err);
    if (status != STATUS_OK)
        return status;
    status = http_client_configure(delivery->http, &http, err);
    if (status != STATUS_OK) {
        targets_free(targets, settings->endpoint_count);
        return status;
    }
    targets_take_over(delivery, targets, settings->endpoint_count);
    delivery->settings = *settings;
    struct overdue_terms terms = overdue_terms_of(delivery, settings);
    overdue_configure(delivery->overdue, &terms);
    targets_unpause(delivery);
    delivery_wake(delivery);
    return STATUS_OK;
}

static enum status open_parts(struct delivery *delivery, struct error *err)
{
    struct http_client_settings http = http_settings(&delivery->settings);
    delivery->poll = loop_timer_new(delivery->loop, delivery_pump_at, delivery);
    if (delivery->poll == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = targets_make(delivery, &delivery->settings, &delivery->targets, err);
    if (status != STATUS_OK)
        return status;
    delivery->target_count = delivery->settings.endpoint_count;
    status = http_client_new(&delivery->http, delivery->loop, &http, err);
    if (status == STATUS_OK)
        status = pg_async_new(delivery->loop, delivery->settings.conninfo, "shouwangd delivery",
                              database_changed, delivery, &delivery->pg, err);
    delivery->statements.pg = delivery->pg;
    struct overdue_terms terms = overdue_terms_of(delivery, &delivery->settings);
    if (status == STATUS_OK)
        status = overdue_new(&delivery->overdue, delivery->loop, &delivery->statements, &terms,
                             event_given_up, delivery, err);
    if (status == STATUS_OK)
        status = results_new(&delivery->results, delivery->loop, &delivery->statements,
                             delivery_results_written, delivery, err);
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
    TAILQ_INIT(&delivery->proven);
    TAILQ_INIT(&delivery->unproven);
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
    delivery_clock_agrees(delivery);
    *out = delivery;
    return STATUS_OK;
}

void delivery_free(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    delivery->draining = true;
    delivery->drained = NULL;
    delivery->settled = NULL;
    loop_task_cancel(delivery->loop, &delivery->drain_look);
    http_client_free(delivery->http); /* cancels every call; none calls back */
    pg_async_free(delivery->pg);
    results_free(delivery->results);
    overdue_free(delivery->overdue);
    attempts_free(delivery);
    tests_fail(delivery, "shouwangd ends");
    loop_timer_free(delivery->poll);
    targets_free(delivery->targets, delivery->target_count);
    free(delivery);
}

/* --- what the daemon asks --------------------------------------------------------------------------------------- */

void delivery_lead(struct delivery *delivery, int64_t leader)
{
    if (leader != delivery->leader) {
        attempts_forget(delivery); /* they were claimed under a leadership that is over */
        targets_doubt(delivery);
    }
    delivery->leading = true;
    delivery->leader = leader;
    results_lead(delivery->results, leader);
    overdue_lead(delivery->overdue, leader);
    targets_unpause(delivery);
    delivery_wake(delivery);
}

void delivery_clock_agrees(struct delivery *delivery)
{
    delivery->wall_ahead_ms = clock_unix_ms() - clock_monotonic_ms();
    overdue_set_clock(delivery->overdue, delivery->wall_ahead_ms);
}

static void set_right(void *context, enum status status, int64_t affected, const struct error *err)
{
    struct delivery *delivery = context;
    if (status != STATUS_OK)
        statement_failed(&delivery->statements, err);
    else if (affected > 0)
        delivery_wake(delivery);
}

void delivery_clock_is_back(struct delivery *delivery)
{
    struct error err;
    if (delivery->leading && outbox_set_right_async(delivery->pg, delivery->leader, STATEMENT_TIMEOUT_MS,
                                                    set_right, delivery, &err) != STATUS_OK)
        statement_failed(&delivery->statements, &err);
}

void delivery_stand_by(struct delivery *delivery)
{
    delivery->leading = false;
    overdue_lead(delivery->overdue, 0);
    attempts_release_all(delivery);
    loop_timer_cancel(delivery->poll);
}

void delivery_wake(struct delivery *delivery)
{
    targets_end_rests(delivery);
    delivery->again = true; /* a claim under way may not have seen the newest events */
    loop_timer_arm(delivery->poll, 0);
}

void delivery_drain(struct delivery *delivery, delivery_fn *drained, void *ctx)
{
    delivery->draining = true;
    delivery->drained = drained;
    delivery->drained_ctx = ctx;
    loop_timer_cancel(delivery->poll);
    attempts_release_all(delivery);
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
        stats->endpoints_broken += target_broken(&delivery->targets[i]);
}
