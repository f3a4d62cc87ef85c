/* SPDX-License-Identifier: PostgreSQL */
#include "app/daemon.h"

#include "app/daemon_state.h"
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "config.h"
#include "io/file.h"
#include "io/notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    WORKER_THREADS = 2, /* one for the job that runs, one for looks at the database */
    WORKER_QUEUE = 8,
    DRAIN_MS = 25000,               /* below systemd's 90 s and Kubernetes' 30 s before the kill */
    ROUND_RETRY_MS = 5 * 60 * 1000, /* a scheduled round that failed for a passing reason */
};

/* Why it does not start, to whoever started it; the log has it already, unless that goes to stderr. */
static void tell_starter(const struct daemon *daemon, const char *text)
{
    notify_status("%s", text);
    if (daemon->settings->options->log_file && !daemon->arguments->log_to_stderr)
        fprintf(stderr, "%sshouwangd: %s\n", notify_stderr_is_journal() ? "<1>" : "", text);
}

/* --- stopping ------------------------------------------------------------------------------------------------- */

static void on_left(void *ctx)
{
    struct daemon *daemon = ctx;
    loop_stop(daemon->loop);
}

/* The lease goes last: until then a standby must wait for what we finish. */
static void stop_if_drained(struct daemon *daemon)
{
    if (!daemon->stopping || daemon->leaving || !daemon->delivery_drained || !jobs_idle(daemon->jobs))
        return;
    daemon->leaving = true;
    leader_leave(daemon->leader, on_left, daemon);
}

static void on_delivery_drained(void *ctx)
{
    struct daemon *daemon = ctx;
    daemon->delivery_drained = true;
    stop_if_drained(daemon);
}

static void on_drain_deadline(void *ctx)
{
    struct daemon *daemon = ctx;
    log_event(LOG_DAEMON_DRAIN_DEADLINE, log_int("after_s", DRAIN_MS / 1000));
    loop_stop(daemon->loop);
}

void daemon_stop(struct daemon *daemon, int exit_code)
{
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    daemon->exit_code = exit_code;
    notify_stopping();
    notify_status("stopping");
    log_event(LOG_DAEMON_DRAIN, log_text("job", jobs_running(daemon->jobs)));
    loop_timer_cancel(daemon->scan_timer);
    schedule_stop(daemon->schedule);
    jobs_stop(daemon->jobs);
    database_stop(daemon->database);
    loop_timer_arm(daemon->drain_timer, DRAIN_MS);
    if (daemon->delivery)
        delivery_drain(daemon->delivery, on_delivery_drained, daemon);
    else
        daemon->delivery_drained = true;
    stop_if_drained(daemon);
}

static void on_terminate(void *ctx)
{
    daemon_stop(ctx, EX_OK);
}

/* --- jobs ----------------------------------------------------------------------------------------------------- */

enum status daemon_can_work(const struct daemon *daemon, struct error *err)
{
    if (daemon->stopping)
        return error_set(err, STATUS_RETRY, "the daemon is stopping");
    if (database_state(daemon->database) != DATABASE_UP)
        return error_set(err, STATUS_RETRY, "the database cannot be worked with: %s",
                         database_reason(daemon->database));
    if (wall_clock_wrong_ms(&daemon->clock) != 0)
        return error_set(err, STATUS_RETRY,
                         "this machine's clock is wrong by years; if it is right, restart shouwangd");
    if (daemon->clock.holds)
        return error_set(err, STATUS_RETRY,
                         "this machine's clock and the database's are more than a day apart");
    if (leader_refusal(daemon->leader)[0])
        return error_set(err, STATUS_RETRY, "the lease cannot be taken or kept: %s",
                         leader_refusal(daemon->leader));
    if (leader_state(daemon->leader) == LEADER_SUSPENDED)
        return error_set(err, STATUS_RETRY, "the lease could not be kept in time; it is tried again");
    if (leader_state(daemon->leader) != LEADER_LEADING)
        return error_set(err, STATUS_RETRY, "this daemon is a standby; ask the one that leads: %s",
                         leader_holder(daemon->leader)[0] ? leader_holder(daemon->leader) : "not known yet");
    if (!database_is_cleared(daemon->database))
        return error_set(err, STATUS_RETRY, "this daemon is just taking over");
    return STATUS_OK;
}

static void order(struct daemon *daemon, enum job_kind kind, const char *cause)
{
    struct job_order job = {.kind = kind, .actor = "daemon", .cause = cause, .as_of = DAY_NONE};
    struct error err;
    if (jobs_order(daemon->jobs, &job, 0, 0, 0, &err) != STATUS_OK)
        log_event(LOG_JOB_FAILED, log_text("job", job_kind_name(kind)), log_text("actor", "daemon"),
                  log_error(&err));
}

static void on_scan_timer(void *ctx)
{
    struct daemon *daemon = ctx;
    struct error err;
    loop_timer_arm(daemon->scan_timer, daemon->settings->options->feeds_scan_interval);
    if (daemon_can_work(daemon, &err) == STATUS_OK && jobs_idle(daemon->jobs))
        order(daemon, JOB_SCAN, "");
}

/* A standby does nothing: the leader has the same calendar, and whoever takes over makes up for what it missed. */
static void on_round_due(void *ctx)
{
    struct daemon *daemon = ctx;
    struct error err;
    if (daemon_can_work(daemon, &err) == STATUS_OK)
        order(daemon, JOB_ROUND, "schedule");
    else if (leader_state(daemon->leader) != LEADER_STANDBY && !daemon->clock.holds)
        schedule_retry(daemon->schedule, ROUND_RETRY_MS);
}

void daemon_tell_status(const struct daemon *daemon)
{
    const struct api_facts *facts = database_facts(daemon->database);
    if (daemon->stopping)
        return;
    if (database_state(daemon->database) != DATABASE_UP)
        notify_status("database %s: %s", database_state_name(database_state(daemon->database)),
                      database_reason(daemon->database));
    else if (leader_refusal(daemon->leader)[0])
        notify_status("the lease cannot be taken or kept: %s", leader_refusal(daemon->leader));
    else if (leader_state(daemon->leader) == LEADER_STANDBY)
        notify_status("standby, %s leads", leader_holder(daemon->leader));
    else if (leader_state(daemon->leader) == LEADER_SUSPENDED)
        notify_status("suspended: the lease could not be kept in time");
    else
        notify_status("round %lld, %lld events waiting%s%s%s",
                      (long long)(facts ? facts->status.last_round : 0),
                      (long long)(facts ? facts->status.queue_waiting : 0),
                      jobs_running(daemon->jobs)[0] ? ", now: " : "", jobs_running(daemon->jobs),
                      daemon->settings_failed ? "; the last reload was refused" : "");
}

static void on_settled(void *ctx, bool settled)
{
    daemon_stop(ctx, settled ? EX_OK : EX_TEMPFAIL);
}

/* --once: the exit status tells the worst of scan and round; a held round is a "no". */
static void end_once(struct daemon *daemon, const struct job_end *end)
{
    int exit_code = status_exit_code(end->status);
    if (end->status == STATUS_OK && end->scan_err)
        exit_code = status_exit_code(end->scan_err->status);
    else if (end->status == STATUS_OK && end->report->held)
        exit_code = 1;
    if (exit_code == EX_OK && daemon->delivery)
        delivery_settle(daemon->delivery, on_settled, daemon);
    else
        daemon_stop(daemon, exit_code);
}

static void on_job_end(void *ctx, const struct job_end *end)
{
    struct daemon *daemon = ctx;
    KILL_POINT("delivery.before_wake");
    if (daemon->delivery && end->report)
        delivery_wake(daemon->delivery);
    if (end->status == STATUS_RETRY)
        database_suspect(daemon->database);
    if (end->status == STATUS_OK && strcmp(end->order->cause, "schedule") == 0)
        daemon->clock.agreed_unix_s = clock_unix_ms() / 1000;
    if (end->status == STATUS_RETRY && strcmp(end->order->cause, "schedule") == 0 && !daemon->stopping)
        schedule_retry(daemon->schedule, ROUND_RETRY_MS);
    if (daemon->arguments->once && !daemon->stopping)
        end_once(daemon, end);
    daemon_tell_status(daemon);
    stop_if_drained(daemon);
}

/* --- the database --------------------------------------------------------------------------------------------- */

/* Once it is known what this daemon is to be, or that the database is away. */
static void become_ready(struct daemon *daemon)
{
    enum leader_state leader = leader_state(daemon->leader);
    if (daemon->ready || daemon->stopping || database_state(daemon->database) == DATABASE_UNKNOWN)
        return;
    if (database_state(daemon->database) == DATABASE_UP &&
        (leader == LEADER_UNKNOWN || (leader == LEADER_LEADING && !database_is_cleared(daemon->database))))
        return;
    daemon->ready = true;
    notify_ready();
    log_event(LOG_DAEMON_READY, log_text("http", daemon->http_address),
              log_text("socket", daemon->settings->options->control_socket),
              log_text("database", database_state_name(database_state(daemon->database))),
              log_text("role", leader_state_name(leader)));
}

/* If we lead, the database is there, and what the leader before left is cleared up. `first`: that was done just now. */
static void begin_work(struct daemon *daemon, bool first)
{
    struct error err;
    if (daemon_can_work(daemon, &err) != STATUS_OK) {
        if (daemon->arguments->once && first && !daemon->stopping) { /* nothing is waited for */
            log_event(LOG_DAEMON_FAILED, log_error(&err));
            daemon_stop(daemon, status_exit_code(err.status));
            tell_starter(daemon, err.text);
        }
        return;
    }
    jobs_lead(daemon->jobs, leader_token(daemon->leader));
    delivery_lead(daemon->delivery, leader_token(daemon->leader));
    if (daemon->arguments->once) {
        if (first)
            order(daemon, JOB_ROUND, "once");
        return;
    }
    if (first)
        schedule_catch_up(daemon->schedule, database_last_scheduled_unix_ms(daemon->database) / 1000);
    loop_timer_arm(daemon->scan_timer, 0);
}

static void stand_by(struct daemon *daemon)
{
    delivery_stand_by(daemon->delivery);
    jobs_stand_by(daemon->jobs);
    loop_timer_cancel(daemon->scan_timer);
}

/* What the calendar had while the clock was wrong is made up for; what a wrong clock made of the calendar is forgotten. */
static void clock_is_right_again(struct daemon *daemon)
{
    int64_t since_s = daemon->clock.agreed_unix_s > 0
                          ? daemon->clock.agreed_unix_s
                          : database_last_scheduled_unix_ms(daemon->database) / 1000;
    schedule_set(daemon->schedule, &daemon->settings->options->rounds_schedule);
    schedule_catch_up(daemon->schedule, since_s);
    begin_work(daemon, false);
    delivery_clock_is_back(daemon->delivery);
}

/* While nobody knows what day it is, nothing is judged or told by it (app/wall_clock.h). */
static void look_at_clock(struct daemon *daemon)
{
    const enum wall_clock_turn turn =
        wall_clock_compare(&daemon->clock, database_clock_off_ms(daemon->database));
    if (turn == WALL_CLOCK_LOST)
        stand_by(daemon);
    if (turn == WALL_CLOCK_FOUND)
        clock_is_right_again(daemon);
    if (daemon->clock.holds)
        return;
    wall_clock_agreed(&daemon->clock);
    delivery_clock_agrees(daemon->delivery);
}

static void on_database(void *ctx, enum database_state before, enum database_state now)
{
    struct daemon *daemon = ctx;
    bool first = database_is_new(daemon->database);
    daemon_tell_status(daemon);
    if (now == DATABASE_MISFIT && !daemon->ready) {
        daemon_stop(daemon, EX_CONFIG);
        tell_starter(daemon, database_reason(daemon->database));
        return;
    }
    if (now == DATABASE_UP || now == DATABASE_MISFIT) /* of a database that is away nobody knows */
        leader_set_fit(daemon->leader, now == DATABASE_UP);
    if (now == DATABASE_DOWN && daemon->arguments->once) {
        daemon_stop(daemon, EX_TEMPFAIL);
        return;
    }
    if (now == DATABASE_UP && !daemon->arguments->once)
        look_at_clock(daemon); /* of --once the job itself tells */
    if (now == DATABASE_UP && (before != DATABASE_UP || first))
        begin_work(daemon, first);
    become_ready(daemon);
}

/* --- who leads ------------------------------------------------------------------------------------------------ */

static void on_leader(void *ctx, enum leader_state before, enum leader_state now)
{
    struct daemon *daemon = ctx;
    if (now == LEADER_LEADING && before != LEADER_SUSPENDED)
        database_lead(daemon->database, leader_token(daemon->leader)); /* its watch goes on */
    else if (now == LEADER_LEADING)
        begin_work(daemon, false);
    else
        stand_by(daemon);
    if (now == LEADER_STANDBY)
        database_lead(daemon->database, 0);
    if (now == LEADER_STANDBY && daemon->arguments->once && leader_holder(daemon->leader)[0]) {
        struct error err;
        (void)error_set(&err, STATUS_RETRY, "another daemon leads: %s", leader_holder(daemon->leader));
        daemon_stop(daemon, EX_TEMPFAIL);
        tell_starter(daemon, err.text);
    }
    daemon_tell_status(daemon);
    become_ready(daemon);
}

/* --- signals -------------------------------------------------------------------------------------------------- */

static void on_hangup(void *ctx)
{
    struct daemon *daemon = ctx;
    struct mistakes mistakes;
    struct error err;
    mistakes_init(&mistakes);
    enum status status = daemon_reload(daemon, &mistakes, &err);
    (void)status; /* said to the log */
    mistakes_fini(&mistakes);
}

static void on_reopen_log(void *ctx)
{
    (void)ctx;
    struct error err;
    if (log_reopen(&err) != STATUS_OK)
        log_event(LOG_LOG_REOPEN_FAILED, log_error(&err));
}

/* --- start-up ------------------------------------------------------------------------------------------------- */

/* Timer callbacks are the loop's progress: a loop that hangs does not get here, and systemd restarts us. */
static void on_watchdog(void *ctx)
{
    struct daemon *daemon = ctx;
    notify_watchdog();
    loop_timer_arm(daemon->watchdog_timer, notify_watchdog_interval_ms() / 2);
}

static enum status open_log(const struct daemon *daemon, struct error *err)
{
    const struct options *options = daemon->settings->options;
    const char *path = daemon->arguments->log_to_stderr ? 0 : options->log_file;
    log_set_level((enum log_level)options->log_level);
    enum status status = log_open(path, !path && notify_stderr_is_journal(), err);
    if (status == STATUS_OK)
        log_event(LOG_DAEMON_START, log_text("version", PACKAGE_VERSION), log_int("pid", getpid()),
                  log_text("conf", daemon->arguments->conf),
                  log_text("policy", policy_name(daemon->settings->policy)),
                  log_text("policy_version", policy_version(daemon->settings->policy)));
    if (status == STATUS_OK)
        daemon_log_findings(daemon->settings);
    return status;
}

static enum status make_signals(struct daemon *daemon, struct error *err)
{
    static const struct {
        int number;
        loop_fn *fn;
    } rows[DAEMON_SIGNALS] = {
        {SIGTERM, on_terminate}, {SIGINT, on_terminate}, {SIGHUP, on_hangup}, {SIGUSR1, on_reopen_log}};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < DAEMON_SIGNALS; i++)
        status = loop_signal_new(&daemon->signals[i], daemon->loop, rows[i].number, rows[i].fn, daemon, err);
    return status;
}

static enum status make_timers(struct daemon *daemon, struct error *err)
{
    daemon->scan_timer = loop_timer_new(daemon->loop, on_scan_timer, daemon);
    daemon->watchdog_timer = loop_timer_new(daemon->loop, on_watchdog, daemon);
    daemon->drain_timer = loop_timer_new(daemon->loop, on_drain_deadline, daemon);
    daemon->schedule = schedule_new(daemon->loop, on_round_due, daemon);
    if (!daemon->scan_timer || !daemon->watchdog_timer || !daemon->drain_timer || !daemon->schedule)
        return error_set(err, STATUS_FATAL, "no memory for timers");
    if (!daemon->arguments->once)
        schedule_set(daemon->schedule, &daemon->settings->options->rounds_schedule);
    if (notify_watchdog_interval_ms() > 0)
        loop_timer_arm(daemon->watchdog_timer, 0);
    return STATUS_OK;
}

static enum status make_folders(const struct daemon *daemon, struct error *err)
{
    const struct options *options = daemon->settings->options;
    const char *folders[] = {options->state_directory, options->feeds_directory, options->feeds_archive};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof folders / sizeof *folders; i++)
        status = file_make_directory(folders[i], 0750, err);
    return status;
}

struct look_wait {
    struct database_waiter waiter;
    void (*seen)(void *ctx);
    void *ctx;
};

static void on_look_seen(void *ctx)
{
    struct look_wait *wait = ctx;
    void (*seen)(void *) = wait->seen;
    void *seen_ctx = wait->ctx;
    free(wait);
    seen(seen_ctx);
}

static bool wait_for_look(void *ctx, void (*seen)(void *seen_ctx), void *seen_ctx)
{
    enum {
        FRESH_MS = 2000
    }; /* however often a page is asked for, the database is asked no more often than that */
    struct daemon *daemon = ctx;
    struct look_wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        return false;
    *wait = (struct look_wait){.waiter = {.seen = on_look_seen, .ctx = wait}, .seen = seen, .ctx = seen_ctx};
    database_wait(daemon->database, &wait->waiter, FRESH_MS);
    return true;
}

static enum status make_pages(struct daemon *daemon, struct error *err)
{
    const char *listen = daemon->settings->options->http_listen;
    struct api_host host = {.ctx = daemon, .view = daemon_view, .wait = wait_for_look};
    if (!listen || daemon->arguments->once)
        return STATUS_OK;
    enum status status = api_server_new(&daemon->api, daemon->loop, listen, &host, err);
    if (status == STATUS_OK) {
        int host_length = (int)(strrchr(listen, ':') - listen);
        snprintf(daemon->http_address, sizeof daemon->http_address, "%.*s:%u", host_length, listen,
                 (unsigned)api_server_port(daemon->api));
    }
    return status;
}

/* The control socket comes first: it is what tells that another daemon is at work here. */
static enum status make_parts(struct daemon *daemon, struct error *err)
{
    struct delivery_settings delivery = daemon_delivery_settings(daemon->settings);
    enum status status = loop_new(&daemon->loop, err);
    if (status == STATUS_OK)
        status = make_signals(daemon, err);
    if (status == STATUS_OK)
        status = make_timers(daemon, err);
    if (status == STATUS_OK)
        status = make_folders(daemon, err);
    if (status == STATUS_OK)
        status = control_new(&daemon->control, daemon->loop, daemon->settings->options->control_socket,
                             daemon_verbs, daemon, err);
    if (status == STATUS_OK)
        status = workers_new(&daemon->workers, daemon->loop, WORKER_THREADS, WORKER_QUEUE, err);
    if (status == STATUS_OK)
        status =
            jobs_new(&daemon->jobs, daemon->loop, daemon->workers, daemon->settings, on_job_end, daemon, err);
    if (status == STATUS_OK)
        status = delivery_new(&daemon->delivery, daemon->loop, &delivery, err);
    if (status == STATUS_OK)
        status = make_pages(daemon, err);
    if (status == STATUS_OK)
        status = database_new(&daemon->database, daemon->loop, daemon->workers, daemon->settings, on_database,
                              daemon, err);
    if (status == STATUS_OK)
        status = leader_new(&daemon->leader, daemon->loop, daemon->settings, on_leader, daemon, err);
    return status;
}

/* Workers end first: what they hand back finds everything still there. Then those who wait are answered. */
static void free_parts(struct daemon *daemon)
{
    if (daemon->database)
        database_stop(daemon->database);
    if (daemon->jobs)
        jobs_stop(daemon->jobs);
    workers_free(daemon->workers);
    delivery_free(daemon->delivery);
    database_free(daemon->database);
    leader_free(daemon->leader);
    jobs_free(daemon->jobs);
    api_server_free(daemon->api);
    control_free(daemon->control);
    schedule_free(daemon->schedule);
    loop_timer_free(daemon->scan_timer);
    loop_timer_free(daemon->watchdog_timer);
    loop_timer_free(daemon->drain_timer);
    for (size_t i = 0; i < DAEMON_SIGNALS; i++)
        loop_signal_free(daemon->signals[i]);
    loop_free(daemon->loop);
    settings_release(daemon->settings);
}

int daemon_run(const struct daemon_arguments *arguments)
{
    struct daemon daemon = {.arguments = arguments, .started_unix_ms = clock_unix_ms()};
    struct error err = {0};
    enum status status = log_open(NULL, notify_stderr_is_journal(), &err); /* until the settings say where */
    if (status != STATUS_OK)
        return status_exit_code(status);
    int exit_code = daemon_load_settings(arguments->conf, &daemon.settings);
    if (exit_code != EX_OK)
        return exit_code;
    daemon.settings_loaded_unix_ms = daemon.started_unix_ms;
    status = open_log(&daemon, &err);
    if (status == STATUS_OK)
        status = make_parts(&daemon, &err);
    if (status == STATUS_OK)
        status = loop_run(daemon.loop, &err);
    exit_code = daemon.exit_code;
    if (status != STATUS_OK) {
        log_event(LOG_DAEMON_FAILED, log_error(&err));
        tell_starter(&daemon, err.text);
        exit_code = status_exit_code(status);
    }
    free_parts(&daemon);
    log_event(LOG_DAEMON_STOP, log_int("exit", exit_code));
    return exit_code;
}
