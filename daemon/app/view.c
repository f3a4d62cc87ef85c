/* SPDX-License-Identifier: PostgreSQL */
/* What the daemon shows of itself: gathers from its parts what api/ renders. */
#include "api/view.h"

#include "app/daemon_state.h"
#include "base/clock.h"
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* proc(5): statm's second number is resident pages. */
static int64_t resident_bytes(void)
{
    long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    bool read = fscanf(file, "%lld %lld", &size, &resident) == 2;
    fclose(file);
    return read ? resident * sysconf(_SC_PAGESIZE) : 0;
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 3; /* ".", ".." and this very directory */
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int freshness_of(const struct settings *settings, int source)
{
    for (size_t i = 0; i < policy_source_count(settings->policy); i++)
        if (policy_source_at(settings->policy, i)->number == source)
            return policy_source_at(settings->policy, i)->freshness_days;
    return 0;
}

static bool has_sent(const struct api_facts *facts, int source)
{
    for (size_t i = 0; facts && i < facts->batch_count; i++)
        if (facts->batches[i].source == source)
            return true;
    return false;
}

static void add_feed(struct daemon *daemon, struct api_view *view, const struct source_name *source,
                     bool configured)
{
    int freshness = freshness_of(daemon->settings, source->number);
    const struct jobs_feed_counts *counts = &jobs_counts(daemon->jobs)->feeds[source->number];
    if (freshness == 0 && !configured && !has_sent(view->facts, source->number))
        return;
    daemon->feeds[view->feed_count++] = (struct api_feed){
        .source = source->number,
        .name = source->name,
        .title = source->title,
        .freshness_days = freshness,
        .batches_accepted = counts->accepted,
        .batches_refused = counts->refused,
        .rows = counts->rows,
        .rows_quarantined = counts->rows_quarantined,
    };
}

/* Those that the policy names, that are configured, or that have sent. */
static void view_feeds(struct daemon *daemon, struct api_view *view)
{
    const struct settings *settings = daemon->settings;
    for (const struct source_name *source = source_names; source->name; source++)
        if (source->number != SOURCE_REGISTER)
            add_feed(daemon, view, source, false);
    for (size_t i = 0; i < settings->county_source_count; i++)
        add_feed(daemon, view, &settings->county_sources[i], true);
    view->feeds = daemon->feeds;
}

static struct api_failure failure_of(const struct daemon *daemon, enum job_kind kind)
{
    const struct jobs_failure *failure = jobs_failure(daemon->jobs, kind);
    return (struct api_failure){failure->unix_ms, failure->text};
}

static void view_jobs(const struct daemon *daemon, struct api_view *view)
{
    const struct jobs_counts *counts = jobs_counts(daemon->jobs);
    view->job_running = jobs_running(daemon->jobs);
    view->jobs_waiting = jobs_waiting(daemon->jobs);
    view->next_round_unix_ms = schedule_next_unix_s(daemon->schedule) * 1000;
    view->scan_failed = failure_of(daemon, JOB_SCAN);
    view->round_failed = failure_of(daemon, JOB_ROUND);
    view->scans = counts->scans;
    view->scans_failed = counts->scans_failed;
    view->rounds_committed = counts->rounds_committed;
    view->rounds_held = counts->rounds_held;
    view->rounds_failed = counts->rounds_failed;
    view->rounds_dry = counts->rounds_dry;
    view->raised = counts->raised;
    view->escalated = counts->escalated;
    view->deescalated = counts->deescalated;
    view->cleared = counts->cleared;
}

static void view_process(const struct daemon *daemon, struct api_view *view)
{
    view->draining = daemon->stopping;
    view->loop_turns = loop_turns(daemon->loop);
    view->http_connections = daemon->api ? api_server_connections(daemon->api) : 0;
    view->control_peers = control_peers(daemon->control);
    view->resident_bytes = resident_bytes();
    view->cpu_seconds = cpu_seconds();
    view->open_descriptors = open_descriptors();
}

void daemon_view(void *ctx, struct api_view *view)
{
    struct daemon *daemon = ctx;
    const struct settings *settings = daemon->settings;
    *view = (struct api_view){
        .now_unix_ms = clock_unix_ms(),
        .started_unix_ms = daemon->started_unix_ms,
        .version = PACKAGE_VERSION,
        .county_code = settings->options->county_code,
        .county_name = settings->options->county_name,
        .policy_name = policy_name(settings->policy),
        .policy_version = policy_version(settings->policy),
        .policy_hash = settings->policy_hash,
        .settings_loaded_unix_ms = daemon->settings_loaded_unix_ms,
        .settings_failed = daemon->settings_failed,
        .database_state = database_state_name(database_state(daemon->database)),
        .database_up = database_state(daemon->database) == DATABASE_UP,
        .database_reason = database_reason(daemon->database),
        .looked_unix_ms = database_looked_unix_ms(daemon->database),
        .role = leader_state_name(leader_state(daemon->leader)),
        .leading = leader_state(daemon->leader) == LEADER_LEADING,
        .leader_holder = leader_holder(daemon->leader),
        .leader_refusal = leader_refusal(daemon->leader),
        .leader_token = leader_holder_token(daemon->leader),
        .leader_since_unix_ms = leader_since_unix_ms(daemon->leader),
        .facts = database_facts(daemon->database),
        .endpoints_configured = settings->townships.count,
        .endpoints = settings->townships.endpoints,
    };
    view->waits = daemon_can_work(daemon, &daemon->waits) == STATUS_OK ? "" : daemon->waits.text;
    view_feeds(daemon, view);
    view_jobs(daemon, view);
    view_process(daemon, view);
    if (daemon->delivery) {
        view->delivering = true;
        delivery_stats(daemon->delivery, &view->delivery);
    }
}
