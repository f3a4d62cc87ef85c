/* SPDX-License-Identifier: PostgreSQL */
#include "app/jobs.h"

#include "app/settings.h"
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "io/pg.h"
#include "io/workers.h"
#include "source/import.h"
#include "source/ingest.h"
#include "store/session.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum stage { STAGE_NONE, STAGE_SCAN, STAGE_REGISTER, STAGE_ROUND };
static const char *const stage_names[] = {"", "scan", "register", "round"};

struct job {
    struct workers_job work;
    struct loop_task progress_task;
    struct jobs *jobs;
    struct arena *arena; /* the order's texts */
    struct job_order order;
    struct job_events events;
    void *ctx; /* of the events; gone is true when its asker has left */
    bool gone;
    TAILQ_ENTRY(job) link;

    /* While it runs: the worker's. */
    struct settings *settings;
    int64_t leader;
    atomic_bool cancel;
    atomic_int stage;
    struct pg *pg;
    struct job_scan scan;
    struct jobs_feed_counts feeds[SOURCE_NUMBER_MAX + 1];
    enum status status, scan_status;
    struct error err, scan_err;
    struct round_report report;
    char *report_json;
    int64_t began_ms, ran_ms;
};

struct jobs {
    struct loop *loop;
    struct workers *workers;
    struct settings *settings;
    jobs_watch_fn *watch;
    void *watch_ctx;
    TAILQ_HEAD(, job) waiting;
    size_t waiting_count;
    struct job *running;
    bool stopping;
    int64_t leader; /* the leadership's token; 0 = we do not lead */
    struct loop_task start_task;
    struct jobs_counts counts;
    struct jobs_failure failures[JOB_ROUND + 1]; /* by kind */
    struct ingest_memory memory;                 /* of the running job's worker: there is one at a time */
};

const char *job_kind_name(enum job_kind kind)
{
    return kind == JOB_SCAN ? "scan" : "round";
}

/* --- on the worker -------------------------------------------------------------------------------------------- */

static void enter_stage(struct job *job, enum stage stage)
{
    atomic_store(&job->stage, stage);
    loop_post(job->jobs->loop, &job->progress_task);
}

static void count_file(void *ctx, const struct ingest_result *result)
{
    struct job *job = ctx;
    switch (result->outcome) {
    case INGEST_ACCEPTED:
        job->scan.accepted++;
        break;
    case INGEST_REFUSED:
        job->scan.refused++;
        break;
    case INGEST_ARCHIVED:
        job->scan.archived++;
        return;
    case INGEST_WAITING:
        job->scan.waiting++;
        return;
    }
    job->scan.rows += result->rows_total;
    job->scan.rows_quarantined += result->rows_quarantined;
    job->scan.facts_stored += result->facts_stored;
    if (result->source < 0 || result->source > SOURCE_NUMBER_MAX)
        return;
    struct jobs_feed_counts *feed = &job->feeds[result->source];
    feed->accepted += result->outcome == INGEST_ACCEPTED;
    feed->refused += result->outcome == INGEST_REFUSED;
    feed->rows += (uint64_t)result->rows_total;
    feed->rows_quarantined += (uint64_t)result->rows_quarantined;
}

static enum status run_scan(struct job *job, struct error *err)
{
    const struct settings *settings = job->settings;
    struct ingest_settings ingest = {
        .dictionary = settings->dictionary,
        .drop_directory = settings->options->feeds_directory,
        .archive_directory = settings->options->feeds_archive,
        .configs = (const struct feed_config *const *)settings->feeds,
        .config_count = settings->feed_count,
        .actor = job->order.actor,
        .leader = job->leader,
        .memory = &job->jobs->memory,
        .cancel = &job->cancel,
    };
    enter_stage(job, STAGE_SCAN);
    enum status status = ingest_scan(job->pg, &ingest, count_file, job, err);
    job->scan.done = status == STATUS_OK;
    KILL_POINT("job.scanned");
    return status;
}

/* A register that cannot be read fails the round: what was read before would count as today's. */
static enum status read_register(struct job *job, struct error *err)
{
    const struct options *options = job->settings->options;
    struct pg *county = NULL;
    if (options->register_schema == NULL)
        return STATUS_OK;
    enter_stage(job, STAGE_REGISTER);
    const char *conninfo =
        options->register_conninfo ? options->register_conninfo : options->database_conninfo;
    enum status status =
        pg_connect(conninfo, "shouwangd-register", (int)options->database_connect_timeout, &county, err);
    struct import_settings import = {
        .dictionary = job->settings->dictionary,
        .today = DAY_NONE,
        .actor = job->order.actor,
        .leader = job->leader,
        .cancel = &job->cancel,
    };
    struct import_result result;
    if (status == STATUS_OK)
        status = import_views(job->pg, county, options->register_schema, &import, &result, err);
    pg_close(county);
    KILL_POINT("job.register_read");
    return status == STATUS_OK ? status : error_wrap(err, "reading the register's views");
}

/* The JSON as one line, whatever form the report gives it, with what the round had to go without. */
static char *report_json(const struct round_report *report, const struct error *scan_err)
{
    struct text text;
    struct error err;
    char *line = 0;
    text_init(&text);
    if (round_report_json(report, &text, &err) == STATUS_OK && !text.failed) {
        json_t *json = json_loadb(text.bytes, text.length, JSON_DISABLE_EOF_CHECK, 0);
        json_object_set_new(json, "scan_error", scan_err ? json_string(scan_err->text) : json_null());
        line = json ? json_dumps(json, JSON_COMPACT) : 0;
        json_decref(json);
    }
    text_fini(&text);
    return line;
}

static enum status run_round(struct job *job, struct error *err)
{
    const struct settings *settings = job->settings;
    struct round_options round = {
        .conninfo = settings->options->database_conninfo,
        .policy = settings->policy,
        .policy_hash = settings->policy_hash,
        .dictionary = settings->dictionary,
        .county_code = settings->options->county_code,
        .as_of = job->order.as_of == DAY_NONE ? clock_today() : job->order.as_of,
        .cause = job->order.cause,
        .actor = job->order.actor,
        .dry_run = job->order.dry_run,
        .full = job->order.full,
        .limit = settings->options->rounds_limit,
        .accept_round = job->order.accept_round,
        .accept_reason = job->order.accept_reason,
        .disclosure = {settings->named_townships, settings->named_count},
        .delivery_expiry_ms = settings->options->delivery_expiry,
        .leader = job->leader,
    };
    enter_stage(job, STAGE_ROUND);
    enum status status = round_execute(&round, &job->cancel, &job->report, err);
    if (status == STATUS_OK)
        job->report_json = report_json(&job->report, job->scan_status == STATUS_OK ? 0 : &job->scan_err);
    return status;
}

/* The clock may have been set since the last look at the database: no date is taken from one that nobody agrees with. */
static enum status check_clock(struct job *job, struct error *err)
{
    int64_t off_ms;
    enum status status = session_clock_off(job->pg, &off_ms, err);
    if (status != STATUS_OK || llabs(off_ms) <= JOBS_CLOCK_OFF_MS)
        return status;
    return error_set(err, STATUS_RETRY,
                     "this machine's clock and the database's are %lld days apart, expected less than one",
                     (long long)(llabs(off_ms) / JOBS_CLOCK_OFF_MS));
}

/* On a worker. A scan that fails does not keep the round from what is in the database: stale feeds clear nothing. */
static void run(struct workers_job *work)
{
    struct job *job = work->ctx;
    const struct options *options = job->settings->options;
    job->began_ms = clock_monotonic_ms();
    job->status = pg_connect(options->database_conninfo, "shouwangd-job",
                             (int)options->database_connect_timeout, &job->pg, &job->err);
    if (job->status == STATUS_OK) {
        pg_set_cancel(job->pg, &job->cancel);
        job->status = check_clock(job, &job->err);
    }
    if (job->status == STATUS_OK) {
        job->scan_status = run_scan(job, &job->scan_err);
        if (job->order.kind == JOB_SCAN) {
            job->status = job->scan_status;
            job->err = job->scan_err;
        } else if (pg_is_broken(job->pg)) {
            job->status = error_set(&job->err, STATUS_RETRY, "the database connection was lost: %s",
                                    job->scan_err.text);
        } else {
            job->status = read_register(job, &job->err);
            if (job->status == STATUS_OK)
                job->status = run_round(job, &job->err);
        }
    }
    pg_close(job->pg);
    job->ran_ms = clock_monotonic_ms() - job->began_ms;
}

/* --- on the loop ---------------------------------------------------------------------------------------------- */

static bool may_run(const struct jobs *jobs)
{
    return !jobs->stopping && jobs->leader != 0;
}

static enum status not_now(const struct jobs *jobs, struct error *err)
{
    return error_set(err, STATUS_RETRY,
                     jobs->stopping ? "the daemon is stopping"
                                    : "this daemon does not lead, or not for sure");
}

static void job_free(struct job *job)
{
    loop_task_cancel(job->jobs->loop, &job->progress_task);
    round_report_fini(&job->report);
    free(job->report_json);
    settings_release(job->settings);
    arena_free(job->arena);
    free(job);
}

static void count_end(struct jobs *jobs, const struct job *job)
{
    struct jobs_counts *counts = &jobs->counts;
    for (size_t i = 0; i <= SOURCE_NUMBER_MAX; i++) {
        counts->feeds[i].accepted += job->feeds[i].accepted;
        counts->feeds[i].refused += job->feeds[i].refused;
        counts->feeds[i].rows += job->feeds[i].rows;
        counts->feeds[i].rows_quarantined += job->feeds[i].rows_quarantined;
    }
    counts->scans++;
    counts->scans_failed += !job->scan.done;
    if (job->order.kind == JOB_SCAN)
        return;
    const struct round_counts *round = &job->report.counts;
    if (job->status != STATUS_OK)
        counts->rounds_failed++;
    else if (job->order.dry_run)
        counts->rounds_dry++;
    else if (job->report.held)
        counts->rounds_held++;
    else {
        counts->rounds_committed++;
        counts->raised += (uint64_t)round->raised;
        counts->escalated += (uint64_t)round->escalated;
        counts->deescalated += (uint64_t)round->deescalated;
        counts->cleared += (uint64_t)round->cleared;
    }
}

static void keep_failure(struct jobs *jobs, enum job_kind kind, enum status status, const struct error *err)
{
    struct jobs_failure *failure = &jobs->failures[kind];
    failure->unix_ms = status == STATUS_OK ? 0 : clock_unix_ms();
    snprintf(failure->text, sizeof failure->text, "%s", status == STATUS_OK ? "" : err->text);
}

/* What did not get as far as the scan says nothing of it: the database, which has its own place in the status. */
static void keep_failures(struct jobs *jobs, const struct job *job)
{
    bool by_operator = strcmp(job->order.actor, "daemon") != 0;
    if (job->scan.done || job->scan_status != STATUS_OK)
        keep_failure(jobs, JOB_SCAN, job->scan_status, &job->scan_err);
    if (job->order.kind == JOB_ROUND && !job->order.dry_run && (job->status == STATUS_OK || !by_operator))
        keep_failure(jobs, JOB_ROUND, job->status, &job->err);
}

static void tell_end(struct jobs *jobs, struct job *job)
{
    bool round_done = job->order.kind == JOB_ROUND && job->status == STATUS_OK;
    struct job_end end = {
        .order = &job->order,
        .status = job->status,
        .err = job->status == STATUS_OK ? 0 : &job->err,
        .scan = &job->scan,
        .scan_err = job->order.kind == JOB_ROUND && job->scan_status != STATUS_OK ? &job->scan_err : 0,
        .report = round_done ? &job->report : 0,
        .report_json = round_done ? job->report_json : 0,
        .ran_ms = job->ran_ms,
    };
    bool cancelled = job->status == STATUS_RETRY && (!may_run(jobs) || atomic_load(&job->cancel));
    if (!cancelled)
        keep_failures(jobs, job);
    if (job->status != STATUS_OK && !cancelled)
        log_event(LOG_JOB_FAILED, log_text("job", job_kind_name(job->order.kind)),
                  log_text("actor", job->order.actor), log_error(&job->err));
    if (end.scan_err)
        log_event(LOG_JOB_SCAN_FAILED, log_error(end.scan_err));
    jobs->watch(jobs->watch_ctx, &end);
    if (!job->gone)
        job->events.done(job->ctx, &end);
}

static void done(struct workers_job *work, bool did_run)
{
    struct job *job = work->ctx;
    struct jobs *jobs = job->jobs;
    jobs->running = 0;
    KILL_POINT("job.ended");
    if (did_run)
        count_end(jobs, job);
    else if (job->status == STATUS_OK)
        job->status = not_now(jobs, &job->err);
    tell_end(jobs, job);
    job_free(job);
    loop_defer(jobs->loop, &jobs->start_task);
}

/* Once it is taken the job is the worker's, which may have ended it by now. */
static bool submit(struct job *job)
{
    enum status status = workers_submit(job->jobs->workers, &job->work, &job->err);
    if (status != STATUS_OK)
        job->status = status;
    return status == STATUS_OK;
}

static void start_next(void *ctx)
{
    struct jobs *jobs = ctx;
    struct job *job = TAILQ_FIRST(&jobs->waiting);
    if (jobs->running || !job)
        return;
    TAILQ_REMOVE(&jobs->waiting, job, link);
    jobs->waiting_count--;
    job->settings = jobs->settings;
    settings_hold(job->settings);
    job->work = (struct workers_job){.run = run, .done = done, .ctx = job};
    jobs->running = job;
    job->leader = jobs->leader;
    if (may_run(jobs) && submit(job))
        return;
    done(&job->work, false);
}

static void on_progress(void *ctx)
{
    struct job *job = ctx;
    int stage = atomic_load(&job->stage);
    if (!job->gone && job->events.progress)
        job->events.progress(job->ctx, stage_names[stage]);
}

static bool copy_order(struct job *job, const struct job_order *order)
{
    job->order = *order;
    job->arena = arena_new(0);
    if (!job->arena)
        return false;
    job->order.actor = arena_strdup(job->arena, order->actor);
    job->order.cause = arena_strdup(job->arena, order->cause ? order->cause : "");
    job->order.accept_reason = arena_strdup(job->arena, order->accept_reason ? order->accept_reason : "");
    return job->order.actor && job->order.cause && job->order.accept_reason;
}

enum status jobs_order(struct jobs *jobs, const struct job_order *order, const struct job_events *events,
                       void *ctx, struct job **handle, struct error *err)
{
    if (!may_run(jobs))
        return not_now(jobs, err);
    if (jobs->waiting_count >= JOBS_WAITING_MAX)
        return error_set(err, STATUS_RETRY, "%d jobs wait already", JOBS_WAITING_MAX);
    struct job *job = calloc(1, sizeof *job);
    if (!job || !copy_order(job, order)) {
        if (job)
            arena_free(job->arena);
        free(job);
        return error_set(err, STATUS_FATAL, "no memory for a job");
    }
    job->jobs = jobs;
    job->gone = !events;
    if (events)
        job->events = *events;
    job->ctx = ctx;
    job->progress_task = (struct loop_task){.run = on_progress, .ctx = job};
    round_report_init(&job->report);
    TAILQ_INSERT_TAIL(&jobs->waiting, job, link);
    jobs->waiting_count++;
    loop_defer(jobs->loop, &jobs->start_task);
    if (handle)
        *handle = job;
    KILL_POINT("job.ordered");
    return STATUS_OK;
}

void job_leave(struct job *job)
{
    struct jobs *jobs = job->jobs;
    job->gone = true;
    if (!job->order.dry_run)
        return;
    if (job == jobs->running) {
        atomic_store(&job->cancel, true);
        return;
    }
    TAILQ_REMOVE(&jobs->waiting, job, link);
    jobs->waiting_count--;
    job_free(job);
}

bool jobs_idle(const struct jobs *jobs)
{
    return !jobs->running && jobs->waiting_count == 0;
}

const char *jobs_running(const struct jobs *jobs)
{
    return jobs->running ? job_kind_name(jobs->running->order.kind) : "";
}

size_t jobs_waiting(const struct jobs *jobs)
{
    return jobs->waiting_count;
}

void jobs_lead(struct jobs *jobs, int64_t leader)
{
    jobs->leader = leader;
}

void jobs_stand_by(struct jobs *jobs)
{
    jobs->leader = 0;
    loop_defer(jobs->loop, &jobs->start_task);
    if (!jobs->running)
        return;
    atomic_store(&jobs->running->cancel, true);
    workers_job_cancel(&jobs->running->work);
}

void jobs_stop(struct jobs *jobs)
{
    jobs->stopping = true;
    jobs_stand_by(jobs);
}

const struct jobs_counts *jobs_counts(const struct jobs *jobs)
{
    return &jobs->counts;
}

const struct jobs_failure *jobs_failure(const struct jobs *jobs, enum job_kind kind)
{
    return &jobs->failures[kind];
}

void jobs_set_settings(struct jobs *jobs, struct settings *settings)
{
    settings_hold(settings);
    settings_release(jobs->settings);
    jobs->settings = settings;
}

enum status jobs_new(struct jobs **handle, struct loop *loop, struct workers *workers,
                     struct settings *settings, jobs_watch_fn *watch, void *ctx, struct error *err)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return error_set(err, STATUS_FATAL, "no memory for jobs");
    *jobs = (struct jobs){.loop = loop, .workers = workers, .watch = watch, .watch_ctx = ctx};
    TAILQ_INIT(&jobs->waiting);
    jobs->start_task = (struct loop_task){.run = start_next, .ctx = jobs};
    jobs_set_settings(jobs, settings);
    *handle = jobs;
    return STATUS_OK;
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    jobs->stopping = true;
    while (TAILQ_FIRST(&jobs->waiting))
        start_next(jobs); /* which ends them */
    loop_task_cancel(jobs->loop, &jobs->start_task);
    settings_release(jobs->settings);
    ingest_memory_fini(&jobs->memory);
    free(jobs);
}
