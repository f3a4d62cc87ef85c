/* SPDX-License-Identifier: PostgreSQL */
#include "api/metrics.h"

#include <string.h>

enum type { COUNTER, GAUGE };

/* Begins a family; its samples follow. */
static void family(struct text *out, const char *name, enum type type, const char *help)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type == COUNTER ? "counter" : "gauge");
}

/* A family of one sample without labels. */
static void number(struct text *out, const char *name, enum type type, const char *help, int64_t value)
{
    family(out, name, type, help);
    text_printf(out, "%s %lld\n", name, (long long)value);
}

/* Milliseconds as seconds, exactly. */
static void add_seconds(struct text *out, int64_t ms)
{
    text_printf(out, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
}

static void seconds(struct text *out, const char *name, const char *help, int64_t ms)
{
    family(out, name, GAUGE, help);
    text_printf(out, "%s ", name);
    add_seconds(out, ms > 0 ? ms : 0);
    text_add_char(out, '\n');
}

/* Label values are our own words and codes; what the format would misread is escaped all the same. */
static void add_label(struct text *out, const char *name, const char *value)
{
    text_printf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            text_add_char(out, '\\');
        text_add_str(out, *value == '\n' ? "\\n" : (const char[]){*value, 0});
    }
    text_add_char(out, '"');
}

/* name{label="value"} number */
static void labelled(struct text *out, const char *name, const char *label, const char *value, uint64_t count)
{
    text_printf(out, "%s{", name);
    add_label(out, label, value);
    text_printf(out, "} %llu\n", (unsigned long long)count);
}

/* name{first="value",second="value"} number */
static void labelled_pair(struct text *out, const char *name, const char *first, const char *first_value,
                          const char *second, const char *second_value, uint64_t count)
{
    text_printf(out, "%s{", name);
    add_label(out, first, first_value);
    text_add_char(out, ',');
    add_label(out, second, second_value);
    text_printf(out, "} %llu\n", (unsigned long long)count);
}

/* --- process and configuration -------------------------------------------------------------------------------- */

static void render_process(const struct api_view *view, struct text *out)
{
    family(out, "shouwang_build_info", GAUGE, "The running program; always 1.");
    labelled(out, "shouwang_build_info", "version", view->version, 1);
    seconds(out, "process_start_time_seconds", "Start of the process, Unix time.", view->started_unix_ms);
    family(out, "process_cpu_seconds_total", COUNTER, "User and system time spent.");
    text_printf(out, "process_cpu_seconds_total %.2f\n", view->cpu_seconds);
    number(out, "process_resident_memory_bytes", GAUGE, "Memory of the process.", view->resident_bytes);
    number(out, "process_open_fds", GAUGE, "Open file descriptors.", view->open_descriptors);
    number(out, "shouwang_loop_turns_total", COUNTER, "Turns of the event loop: the sign of life.",
           (int64_t)view->loop_turns);
    number(out, "shouwang_http_connections", GAUGE, "Open connections of the HTTP server.",
           (int64_t)view->http_connections);
    number(out, "shouwang_control_connections", GAUGE, "Open connections of the control socket.",
           (int64_t)view->control_peers);
    number(out, "shouwang_config_last_reload_successful", GAUGE,
           "1 when the configuration on disk is in use, 0 when the last reload refused it.",
           !view->settings_failed);
    seconds(out, "shouwang_config_last_reload_success_timestamp_seconds",
            "When the settings in use were loaded.", view->settings_loaded_unix_ms);
    family(out, "shouwang_policy_info", GAUGE, "The policy in use; always 1.");
    text_add_str(out, "shouwang_policy_info{");
    add_label(out, "name", view->policy_name);
    text_add_char(out, ',');
    add_label(out, "version", view->policy_version);
    text_add_char(out, ',');
    add_label(out, "hash", view->policy_hash);
    text_add_str(out, "} 1\n");
}

static void render_jobs(const struct api_view *view, struct text *out)
{
    static const char rounds[] = "shouwang_rounds_total", scans[] = "shouwang_scans_total",
                      changes[] = "shouwang_warning_changes_total";
    family(out, rounds, COUNTER, "Rounds by how they ended, since the start.");
    labelled(out, rounds, "outcome", "committed", view->rounds_committed);
    labelled(out, rounds, "outcome", "held", view->rounds_held);
    labelled(out, rounds, "outcome", "failed", view->rounds_failed);
    labelled(out, rounds, "outcome", "dry_run", view->rounds_dry);
    family(out, changes, COUNTER, "Warnings changed by rounds, since the start.");
    labelled(out, changes, "change", "raised", view->raised);
    labelled(out, changes, "change", "escalated", view->escalated);
    labelled(out, changes, "change", "deescalated", view->deescalated);
    labelled(out, changes, "change", "cleared", view->cleared);
    family(out, scans, COUNTER, "Looks through the drop directory, since the start.");
    labelled(out, scans, "outcome", "done", view->scans - view->scans_failed);
    labelled(out, scans, "outcome", "failed", view->scans_failed);
    number(out, "shouwang_job_running", GAUGE, "1 while a scan or a round runs.", view->job_running[0] != 0);
    number(out, "shouwang_jobs_waiting", GAUGE, "Jobs that wait for the one that runs.",
           (int64_t)view->jobs_waiting);
    if (view->next_round_unix_ms > 0)
        seconds(out, "shouwang_round_next_timestamp_seconds", "When the next scheduled round is due.",
                view->next_round_unix_ms);
}

static void render_delivery(const struct api_view *view, struct text *out)
{
    static const char ends[] = "shouwang_deliveries_total";
    const struct delivery_stats *stats = &view->delivery;
    number(out, "shouwang_endpoints_configured", GAUGE, "Receivers that are configured.",
           (int64_t)view->endpoints_configured);
    if (!view->delivering)
        return;
    number(out, "shouwang_delivery_attempts_total", COUNTER, "Attempts begun, since the start.",
           (int64_t)stats->attempts);
    family(out, ends, COUNTER, "What became of attempts and events, since the start.");
    labelled(out, ends, "outcome", "delivered", stats->delivered);
    labelled(out, ends, "outcome", "retried", stats->retried);
    labelled(out, ends, "outcome", "failed", stats->failed);
    labelled(out, ends, "outcome", "expired", stats->expired);
    number(out, "shouwang_delivery_in_flight", GAUGE, "Attempts under way.", stats->in_flight);
    number(out, "shouwang_endpoints_broken", GAUGE,
           "Receivers that keep failing; each is tried by one attempt at a time.", stats->endpoints_broken);
}

/* --- what the database says ----------------------------------------------------------------------------------- */

static void render_feeds(const struct api_view *view, struct text *out)
{
    static const char batches[] = "shouwang_feed_batches_total", rows[] = "shouwang_feed_rows_total",
                      quarantined[] = "shouwang_feed_quarantined_rows_total",
                      age[] = "shouwang_feed_age_seconds", last_rows[] = "shouwang_feed_last_batch_rows",
                      last_quarantined[] = "shouwang_feed_last_batch_quarantined_rows";
    family(out, batches, COUNTER, "Files taken in or refused, since the start.");
    for (size_t i = 0; i < view->feed_count; i++) {
        const struct api_feed *feed = &view->feeds[i];
        labelled_pair(out, batches, "feed", feed->name, "outcome", "accepted", feed->batches_accepted);
        labelled_pair(out, batches, "feed", feed->name, "outcome", "refused", feed->batches_refused);
    }
    family(out, rows, COUNTER, "Rows read, since the start.");
    for (size_t i = 0; i < view->feed_count; i++)
        labelled(out, rows, "feed", view->feeds[i].name, view->feeds[i].rows);
    family(out, quarantined, COUNTER, "Rows refused, since the start.");
    for (size_t i = 0; i < view->feed_count; i++)
        labelled(out, quarantined, "feed", view->feeds[i].name, view->feeds[i].rows_quarantined);
    if (!view->facts)
        return;
    family(out, age, GAUGE, "Time since the newest batch was taken in.");
    for (size_t i = 0; i < view->feed_count; i++) {
        const struct batch_info *batch = api_view_accepted(view, view->feeds[i].source);
        if (!batch)
            continue;
        int64_t ms = view->now_unix_ms - batch->received_at_ms;
        text_printf(out, "%s{", age);
        add_label(out, "feed", view->feeds[i].name);
        text_add_str(out, "} ");
        add_seconds(out, ms > 0 ? ms : 0);
        text_add_char(out, '\n');
    }
    family(out, last_rows, GAUGE, "Rows of the newest batch.");
    for (size_t i = 0; i < view->feed_count; i++) {
        const struct batch_info *batch = api_view_accepted(view, view->feeds[i].source);
        if (batch)
            labelled(out, last_rows, "feed", view->feeds[i].name, (uint64_t)batch->counts.rows_total);
    }
    family(out, last_quarantined, GAUGE, "Rows of the newest batch that were refused.");
    for (size_t i = 0; i < view->feed_count; i++) {
        const struct batch_info *batch = api_view_accepted(view, view->feeds[i].source);
        if (batch)
            labelled(out, last_quarantined, "feed", view->feeds[i].name,
                     (uint64_t)batch->counts.rows_quarantined);
    }
}

static void render_unusable(const struct api_view *view, struct text *out)
{
    static const char name[] = "shouwang_feed_unusable";
    family(out, name, GAUGE,
           "Batches that lost a tenth of their rows or more, so that the feed ends no warning.");
    for (size_t i = 0; i < view->feed_count; i++)
        labelled(out, name, "feed", view->feeds[i].name,
                 (uint64_t)api_view_unusable(view, view->feeds[i].source, NULL));
}

static void render_swings(const struct api_view *view, struct text *out)
{
    static const char name[] = "shouwang_feed_swings";
    family(out, name, GAUGE,
           "Townships where the last round found an unusual number of rows, and one more if all in sum.");
    for (size_t i = 0; i < view->feed_count; i++) {
        const struct volume_swinging *swinging = api_view_swinging(view, view->feeds[i].source);
        labelled(out, name, "feed", view->feeds[i].name,
                 swinging ? (uint64_t)swinging->townships + swinging->in_sum : 0);
    }
}

static void render_counts(const struct api_counts *counts, struct text *out)
{
    static const char name[] = "shouwang_warnings";
    number(out, "shouwang_households", GAUGE, "Households on the register.", counts->on_register.households);
    number(out, "shouwang_persons", GAUGE, "Persons on the register.", counts->on_register.persons);
    family(out, name, GAUGE, "Open warnings by township and level.");
    for (size_t i = 0; i < counts->level_count; i++)
        for (int level = LEVEL_RED; level > LEVEL_NONE; level--)
            text_printf(out, "%s{township=\"%lld\",level=\"%s\"} %lld\n", name,
                        (long long)counts->levels[i].township, policy_level_name((enum policy_level)level),
                        (long long)counts->levels[i].count[level]);
}

static void render_queue(const struct api_facts *facts, struct text *out)
{
    static const char name[] = "shouwang_queue_events";
    family(out, name, GAUGE,
           "Events not delivered, by township and state; waiting includes those in flight.");
    for (size_t i = 0; i < facts->queue_count; i++) {
        const struct listing_shape *shape = &facts->queue[i];
        const struct {
            const char *state;
            int64_t count;
        } states[] = {{"waiting", api_view_waiting(shape)},
                      {"held", shape->held},
                      {"failed", shape->failed},
                      {"expired", shape->expired}};
        for (size_t s = 0; s < sizeof states / sizeof *states; s++)
            text_printf(out, "%s{township=\"%lld\",state=\"%s\"} %lld\n", name, (long long)shape->township,
                        states[s].state, (long long)states[s].count);
    }
    seconds(out, "shouwang_queue_oldest_age_seconds", "Age of the oldest event that waits.",
            facts->status.queue_oldest_ms);
    number(out, "shouwang_endpoints_held", GAUGE,
           "Receivers that nothing is sent to until they are released.", (int64_t)facts->held_count);
}

static void render_last_round(const struct api_facts *facts, struct text *out)
{
    for (size_t i = 0; i < facts->round_count; i++) {
        const struct round_info *round = &facts->rounds[i];
        if (round->state != ROUND_COMMITTED || round->finished_at_ms == INT64_MIN)
            continue;
        seconds(out, "shouwang_round_last_timestamp_seconds", "When the last round was committed.",
                round->finished_at_ms);
        seconds(out, "shouwang_round_last_duration_seconds", "How long it took.",
                round->finished_at_ms - round->started_at_ms);
        return;
    }
}

static void render_facts(const struct api_facts *facts, struct text *out)
{
    number(out, "shouwang_rounds_held", GAUGE, "Rounds that wait for an operator.",
           facts->status.rounds_held);
    seconds(
        out, "shouwang_database_oldest_transaction_age_seconds",
        "Age of the oldest transaction that holds a snapshot or has written: it keeps dead rows from being cleaned.",
        facts->oldest ? facts->oldest->age_ms : 0);
    seconds(out, "shouwang_database_figures_timestamp_seconds", "When the figures of the database were read.",
            facts->read_unix_ms);
    render_last_round(facts, out);
    if (facts->counts)
        render_counts(facts->counts, out);
    render_queue(facts, out);
}

void metrics_render(const struct api_view *view, struct text *out)
{
    render_process(view, out);
    number(out, "shouwang_database_up", GAUGE, "1 when the database answers and its schema is ours.",
           view->database_up);
    number(out, "shouwang_leader", GAUGE, "1 when this daemon acts, 0 when it is a standby or suspended.",
           view->leading);
    number(out, "shouwang_leader_token", GAUGE,
           "The lease's fencing token: it grows with every change of leader.", view->leader_token);
    render_jobs(view, out);
    render_delivery(view, out);
    render_feeds(view, out);
    if (view->facts)
        render_unusable(view, out);
    if (view->facts && view->facts->counts)
        render_swings(view, out);
    if (view->facts)
        render_facts(view->facts, out);
}
