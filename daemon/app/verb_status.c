/* SPDX-License-Identifier: PostgreSQL */
/* The order `status` of the control socket: what the daemon shows of itself as one document (docs/control.md). */
#include "app/daemon_state.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Events that wait for longer are told of: a township that is reached takes them within seconds. */
#define LATE_MS INT64_C(3600000)

struct status_wait {
    struct database_waiter waiter;
    struct daemon *daemon;
    struct control_request *request;
};

/* 0 as JSON's null. */
static json_t *time_json(int64_t unix_ms)
{
    char stamp[CLOCK_RFC3339_SIZE];
    return unix_ms > 0 ? json_string(clock_rfc3339(unix_ms, stamp)) : json_null();
}

static json_t *day_json(day_t day)
{
    char text[CIVIL_TEXT_SIZE];
    return day != DAY_NONE ? json_string(civil_format(day, text)) : json_null();
}

static json_t *levels_json(const struct api_counts *counts)
{
    int64_t total[LEVEL_RED + 1] = {0};
    json_t *json = json_object();
    for (size_t i = 0; i < counts->level_count; i++)
        for (int level = LEVEL_NONE; level <= LEVEL_RED; level++)
            total[level] += counts->levels[i].count[level];
    for (int level = LEVEL_RED; level > LEVEL_NONE; level--)
        json_object_set_new(json, policy_level_name((enum policy_level)level), json_integer(total[level]));
    return json;
}

static json_t *queue_json(const struct listing_status *status)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "waiting", (json_int_t)status->queue_waiting, "in_flight",
                     (json_int_t)status->queue_in_flight, "failed", (json_int_t)status->queue_failed, "held",
                     (json_int_t)status->queue_held, "expired", (json_int_t)status->queue_expired, "oldest_s",
                     (json_int_t)(status->queue_oldest_ms / 1000));
}

static json_t *last_round_json(const struct listing_status *status)
{
    if (status->last_round == 0)
        return json_null();
    return json_pack("{s:I,s:o}", "round", (json_int_t)status->last_round, "as_of",
                     day_json(status->last_as_of));
}

static json_t *code_json(int64_t township)
{
    return json_sprintf("%lld", (long long)township);
}

static json_t *held_json(const struct api_facts *facts)
{
    json_t *json = json_array();
    for (size_t i = 0; i < facts->held_count; i++)
        json_array_append_new(json, code_json(facts->held[i]));
    return json;
}

static bool is_late(const struct listing_shape *shape)
{
    return shape->oldest_ms >= LATE_MS;
}

static bool has_given_up(const struct listing_shape *shape)
{
    return shape->failed + shape->expired > 0;
}

/* Townships of which that is so, with what of their events is not delivered. */
static json_t *townships_json(const struct api_facts *facts, bool (*is_so)(const struct listing_shape *))
{
    json_t *json = json_array();
    for (size_t i = 0; i < facts->queue_count; i++) {
        const struct listing_shape *shape = &facts->queue[i];
        if (is_so(shape))
            json_array_append_new(
                json,
                json_pack("{s:o,s:I,s:I,s:I,s:I}", "township_code", code_json(shape->township), "waiting",
                          (json_int_t)api_view_waiting(shape), "failed", (json_int_t)shape->failed, "expired",
                          (json_int_t)shape->expired, "oldest_s", (json_int_t)(shape->oldest_ms / 1000)));
    }
    return json;
}

/* Townships whose events wait, and for which no receiver is configured: they would wait for ever. */
static json_t *no_receiver_json(const struct api_view *view)
{
    json_t *json = json_array();
    for (size_t i = 0; i < view->facts->queue_count; i++) {
        const struct listing_shape *shape = &view->facts->queue[i];
        if (api_view_waiting(shape) > 0 && !api_view_has_endpoint(view, shape->township))
            json_array_append_new(json, code_json(shape->township));
    }
    return json;
}

/* Null when none holds anything back. */
static json_t *transaction_json(const struct transaction *oldest)
{
    return oldest ? json_pack("{s:I,s:s,s:I,s:b}", "pid", (json_int_t)oldest->pid, "account", oldest->account,
                              "age_s", (json_int_t)(oldest->age_ms / 1000), "old",
                              oldest->age_ms >= TRANSACTION_OLD_MS)
                  : json_null();
}

static void add_facts(json_t *json, const struct api_facts *facts)
{
    if (facts->counts) {
        json_object_set_new(json, "households", json_integer(facts->counts->on_register.households));
        json_object_set_new(json, "persons", json_integer(facts->counts->on_register.persons));
        json_object_set_new(json, "levels", levels_json(facts->counts));
    }
    json_object_set_new(json, "last_round", last_round_json(&facts->status));
    json_object_set_new(json, "rounds_held", json_integer(facts->status.rounds_held));
    json_object_set_new(json, "queue", queue_json(&facts->status));
    json_object_set_new(json, "endpoints_held", json_integer((json_int_t)facts->held_count));
    json_object_set_new(json, "held", held_json(facts));
    json_object_set_new(json, "late", townships_json(facts, is_late));
    json_object_set_new(json, "given_up", townships_json(facts, has_given_up));
    json_object_set_new(json, "oldest_transaction", transaction_json(facts->oldest));
    json_object_set_new(json, "figures_of", time_json(facts->read_unix_ms));
}

/* Null while nothing was counted. */
static json_t *swings_json(const struct api_view *view, int source)
{
    const struct volume_swinging *swinging = api_view_swinging(view, source);
    if (!view->facts || !view->facts->counts)
        return json_null();
    return json_pack("{s:I,s:b}", "townships", (json_int_t)(swinging ? swinging->townships : 0), "in_sum",
                     swinging && swinging->in_sum);
}

static json_t *unusable_json(const struct api_view *view, int source)
{
    const struct unusable *newest;
    size_t batches = api_view_unusable(view, source, &newest);
    return batches > 0
               ? json_pack("{s:s,s:I,s:I,s:I}", "batch", newest->batch, "rows", (json_int_t)newest->rows,
                           "quarantined", (json_int_t)newest->quarantined, "batches", (json_int_t)batches)
               : json_null();
}

static json_t *feeds_json(const struct api_view *view)
{
    json_t *json = json_array();
    for (size_t i = 0; i < view->feed_count; i++) {
        const struct api_feed *feed = &view->feeds[i];
        const struct batch_info *batch = api_view_accepted(view, feed->source);
        const struct batch_info *refused = api_view_refused(view, feed->source);
        int64_t days = api_view_feed_age_days(view, feed->source);
        json_array_append_new(
            json,
            json_pack("{s:s,s:s,s:o,s:o,s:o,s:i,s:b,s:o,s:o,s:o}", "feed", feed->name, "title", feed->title,
                      "batch", batch ? json_string(batch->name) : json_null(), "received_at",
                      batch ? time_json(batch->received_at_ms) : json_null(), "age_days",
                      days >= 0 ? json_integer(days) : json_null(), "freshness_days", feed->freshness_days,
                      "fresh", days >= 0 && (feed->freshness_days == 0 || days <= feed->freshness_days),
                      "swings", swings_json(view, feed->source), "refused",
                      refused ? json_string(refused->name) : json_null(), "unusable",
                      unusable_json(view, feed->source)));
    }
    return json;
}

/* Null when it went well. */
static json_t *failure_json(const struct api_failure *failure)
{
    return failure->unix_ms != 0
               ? json_pack("{s:o,s:s}", "at", time_json(failure->unix_ms), "error", failure->text)
               : json_null();
}

static json_t *status_json(const struct daemon *daemon, const struct api_view *view)
{
    json_t *json = json_pack(
        "{s:s,s:o,s:b,s:{s:s,s:s},s:{s:s,s:s,s:s},s:{s:s,s:s},s:s,s:I,s:o,s:b,s:o,s:s,s:I}", "version",
        view->version, "started_at", time_json(view->started_unix_ms), "draining", view->draining, "county",
        "code", option_shown(&daemon->settings->file.set, option_index(&options_table, "county", "code")),
        "name", view->county_name, "policy", "name", view->policy_name, "version", view->policy_version,
        "hash", view->policy_hash, "database", "state", view->database_state, "reason", view->database_reason,
        "job", view->job_running, "jobs_waiting", (json_int_t)view->jobs_waiting, "next_round_at",
        time_json(view->next_round_unix_ms), "configuration_refused", view->settings_failed,
        "configuration_of", time_json(view->settings_loaded_unix_ms), "http", daemon->http_address,
        "memory_bytes", (json_int_t)view->resident_bytes);
    if (json) {
        json_object_set_new(json, "lease",
                            json_pack("{s:s,s:s,s:I,s:o}", "role", view->role, "holder", view->leader_holder,
                                      "token", (json_int_t)view->leader_token, "since",
                                      time_json(view->leader_since_unix_ms)));
        json_object_set_new(json, "waits", json_string(view->waits));
        json_object_set_new(json, "scan_failed", failure_json(&view->scan_failed));
        json_object_set_new(json, "round_failed", failure_json(&view->round_failed));
        json_object_set_new(json, "feeds", feeds_json(view));
        if (view->facts) {
            add_facts(json, view->facts);
            json_object_set_new(json, "no_receiver", no_receiver_json(view));
        }
    }
    return json;
}

static void status_seen(void *ctx)
{
    struct status_wait *wait = ctx;
    struct api_view view;
    daemon_view(wait->daemon, &view);
    control_succeed(wait->request, status_json(wait->daemon, &view));
    free(wait);
}

static void status_leave(void *ctx)
{
    struct status_wait *wait = ctx;
    database_wait_cancel(wait->daemon->database, &wait->waiter);
    free(wait);
}

void daemon_begin_status(void *ctx, struct control_request *request)
{
    struct status_wait *wait = calloc(1, sizeof *wait);
    if (!wait) {
        control_fail(request, EX_OSERR, "no memory");
        return;
    }
    *wait = (struct status_wait){.daemon = ctx, .request = request};
    wait->waiter = (struct database_waiter){.seen = status_seen, .ctx = wait};
    control_on_leave(request, status_leave, wait);
    database_wait(wait->daemon->database, &wait->waiter, 0);
}
