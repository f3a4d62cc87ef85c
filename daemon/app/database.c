/* SPDX-License-Identifier: PostgreSQL */
#include "config.h" /* strdup */

#include "app/database.h"

#include "app/settings.h"
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "io/pg.h"
#include "io/workers.h"
#include "store/arrival.h"
#include "store/lease.h"
#include "store/migrate.h"
#include "store/outbox.h"
#include "store/round_store.h"
#include "store/session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_INTERVAL_MS = 15000, /* how late an outage is noticed when nothing else touches the database */
    RETRY_FIRST_MS = 500,     /* a restart of PostgreSQL takes a second or two */
    RETRY_MAX_MS = 15000,
    LOOK_CALL_TIMEOUT_MS =
        10000, /* the figures take milliseconds; a server that needs longer is as good as away */
};

/* An operator's act that waits to be written to the audit. */
struct act {
    char *actor, *action, *detail;
    TAILQ_ENTRY(act) link;
};
TAILQ_HEAD(acts, act);

struct database {
    struct loop *loop;
    struct workers *workers;
    struct settings *settings;
    database_watch_fn *watch;
    void *watch_ctx;
    struct loop_timer *timer;
    struct loop_task told_task;

    enum database_state state;
    struct error err;
    int64_t looked_unix_ms;
    int64_t clock_off_ms;
    int64_t retry_ms;
    struct api_facts *facts;
    struct api_counts *counts; /* the facts point to them */
    struct transactions_watch transactions;
    bool count_deferred; /* the first look has left the counting to the next one */
    int64_t last_scheduled_unix_ms;
    bool stopping;
    int64_t leader, cleared_leader; /* the leadership's token, 0 = none; that for which was cleared up */
    bool endpoints_wanted;          /* the endpoints' rows are to be made */
    TAILQ_HEAD(, database_waiter) waiters;
    struct acts acts;
    size_t act_count; /* those with the worker included */

    /* Of the look that is under way: the worker's until its done. */
    struct workers_job look;
    bool looking, look_again;
    bool look_makes_endpoints, look_clears;
    int64_t look_leader;
    struct settings *look_settings;
    struct acts look_acts;
    size_t acts_written;
    struct pg *pg;
    atomic_bool cancel;
    enum database_state seen;
    struct error seen_err;
    struct api_facts *seen_facts;
    struct api_counts *seen_counts;
    bool seen_connected; /* anew: perhaps to another server, whose numbers mean something else */
    int64_t seen_scheduled_unix_ms;
    int64_t seen_clock_off_ms;
    int64_t leftovers, recalled;
    int64_t look_began_ms; /* monotonic, as the next */
    int64_t seen_began_ms; /* when the look began that was the last to end */
};

const char *database_state_name(enum database_state state)
{
    static const char *const names[] = {"unknown", "down", "misfit", "up"};
    return names[state];
}

/* --- on the worker -------------------------------------------------------------------------------------------- */

static enum status make_endpoints(struct database *database, struct error *err)
{
    const struct townships *townships = &database->look_settings->townships;
    int64_t codes[TOWNSHIPS_MAX];
    size_t count = 0;
    for (; count < townships->count && count < TOWNSHIPS_MAX; count++)
        codes[count] = townships->endpoints[count].code;
    return outbox_ensure_endpoints(database->pg, codes, count, err);
}

/* Before anything of ours runs. */
static enum status clear_up(struct database *database, struct error *err)
{
    enum status status = round_fail_leftovers(database->pg, &database->leftovers, err);
    KILL_POINT("start.leftovers_failed");
    return status == STATUS_OK ? outbox_recall(database->pg, &database->recalled, err) : status;
}

/* What only the leader writes, in one transaction. */
static enum status lead(struct database *database, struct error *err)
{
    if (database->look_leader == 0 || !(database->look_clears || database->look_makes_endpoints))
        return STATUS_OK;
    enum status status = lease_begin(database->pg, database->look_leader, err);
    KILL_POINT("start.lease_checked");
    if (status == STATUS_OK && database->look_makes_endpoints)
        status = make_endpoints(database, err);
    KILL_POINT("start.endpoints_made");
    if (status == STATUS_OK && database->look_clears)
        status = clear_up(database, err);
    if (status == STATUS_OK)
        status = pg_commit(database->pg, err);
    KILL_POINT("start.cleared");
    pg_rollback(database->pg);
    if (status != STATUS_OK && strcmp(pg_sqlstate(database->pg), "SW001") == 0) {
        database->look_leader = 0; /* the leadership was lost since the look began: it only looks */
        database->look_clears = false;
        return STATUS_OK;
    }
    return status;
}

static void act_free(struct act *act)
{
    free(act->actor);
    free(act->action);
    free(act->detail);
    free(act);
}

static enum status write_acts(struct database *database, struct error *err)
{
    for (struct act *act; (act = TAILQ_FIRST(&database->look_acts));) {
        KILL_POINT("audit.before_act");
        enum status status = arrival_audit(database->pg, act->actor, act->action, act->detail, err);
        KILL_POINT("audit.act_written");
        if (status != STATUS_OK)
            return status;
        TAILQ_REMOVE(&database->look_acts, act, link);
        act_free(act);
        database->acts_written++;
    }
    return STATUS_OK;
}

static enum status connect_to(struct database *database, struct error *err)
{
    const struct options *options = database->look_settings->options;
    if (database->pg && !pg_is_broken(database->pg))
        return STATUS_OK;
    pg_close(database->pg);
    database->pg = 0;
    enum status status = pg_connect(options->database_conninfo, "shouwangd-status",
                                    (int)options->database_connect_timeout, &database->pg, err);
    if (status == STATUS_OK) {
        pg_set_call_timeout(database->pg, LOOK_CALL_TIMEOUT_MS);
        pg_set_cancel(database->pg, &database->cancel);
        database->seen_connected = true;
    }
    return status;
}

/* What the steps find decides the state: a server that cannot be reached is DOWN, a schema that is not ours MISFIT. */
static void look(struct workers_job *job)
{
    struct database *database = job->ctx;
    const struct settings *settings = database->look_settings;
    struct error *err = &database->seen_err;
    database->seen = DATABASE_DOWN;
    if (connect_to(database, err) != STATUS_OK)
        return;
    if (session_check_writable(database->pg, err) != STATUS_OK) {
        pg_close(database->pg); /* conninfo may name another server beside this one */
        database->pg = 0;
        return;
    }
    enum status status = migrate_check(database->pg, settings->dictionary, settings->county_sources,
                                       settings->county_source_count, err);
    if (status == STATUS_CONFIG)
        database->seen = DATABASE_MISFIT;
    if (status == STATUS_OK)
        status = lead(database, err);
    if (status == STATUS_OK && database->look_clears)
        status = round_last_scheduled(database->pg, &database->seen_scheduled_unix_ms, err);
    if (status == STATUS_OK)
        status = write_acts(database, err);
    if (status == STATUS_OK)
        status = session_clock_off(database->pg, &database->seen_clock_off_ms, err);
    if (status == STATUS_OK)
        status = api_facts_read(database->pg, &database->seen_facts, err);
    if (status == STATUS_OK)
        database->seen = DATABASE_UP;
}

/* What could not be counted is counted with the next look, which also tells if the database is away. */
static void count(struct workers_job *job)
{
    struct database *database = job->ctx;
    const struct listing_status *status = &database->facts->status; /* the loop leaves it alone meanwhile */
    struct error err;
    if (api_counts_read(database->pg, status->last_import, status->last_judged, &database->seen_counts,
                        &err) != STATUS_OK &&
        !atomic_load(&database->cancel))
        log_event(LOG_DATABASE_NOT_COUNTED, log_error(&err));
}

/* --- on the loop ---------------------------------------------------------------------------------------------- */

static void begin(struct database *database);

static void tell_change(const struct database *database, enum database_state before)
{
    if (before == database->state)
        return;
    if (database->state == DATABASE_UP)
        log_event(LOG_DATABASE_UP);
    else if (database->state == DATABASE_MISFIT)
        log_event(LOG_DATABASE_MISFIT, log_error(&database->err));
    else
        log_event(LOG_DATABASE_DOWN, log_error(&database->err));
}

static void drop_counts(struct database *database)
{
    if (database->facts)
        database->facts->counts = 0;
    api_counts_free(database->counts);
    database->counts = 0;
}

static void watch_transactions(struct database *database)
{
    struct api_facts *facts = database->facts;
    facts->oldest = transactions_watch(&database->transactions, facts->transactions, facts->transaction_count,
                                       clock_monotonic_ms());
    for (size_t i = 0; i < facts->transaction_count; i++)
        if (facts->transactions[i].news)
            log_event(LOG_DATABASE_OLD_TRANSACTION, log_int("pid", facts->transactions[i].pid),
                      log_text("account", facts->transactions[i].account),
                      log_int("age_s", facts->transactions[i].age_ms / 1000));
}

static void take_seen(struct database *database)
{
    database->state = database->seen;
    database->err = database->seen_err;
    database->looked_unix_ms = clock_unix_ms();
    if (database->seen != DATABASE_UP) {
        database->endpoints_wanted = database->endpoints_wanted || database->look_makes_endpoints;
        return;
    }
    database->err.text[0] = 0;
    database->clock_off_ms = database->seen_clock_off_ms;
    api_facts_free(database->facts);
    database->facts = database->seen_facts;
    database->seen_facts = 0;
    if (database->seen_connected)
        drop_counts(database);
    database->seen_connected = false;
    database->facts->counts = database->counts;
    watch_transactions(database);
    if (database->look_leader == 0)
        database->endpoints_wanted = database->endpoints_wanted || database->look_makes_endpoints;
    if (database->look_clears) {
        database->cleared_leader = database->look_leader;
        database->last_scheduled_unix_ms = database->seen_scheduled_unix_ms;
        if (database->last_scheduled_unix_ms !=
            0) /* was written by the database's clock, and is looked up in a calendar by ours */
            database->last_scheduled_unix_ms += database->seen_clock_off_ms;
        if (database->leftovers > 0)
            log_event(LOG_ROUND_LEFTOVERS, log_int("rounds", database->leftovers));
        if (database->recalled > 0)
            log_event(LOG_DELIVERY_RECALLED, log_int("deliveries", database->recalled));
    }
}

/* Those whom this look serves: it began after they came, or its figures are young enough. */
static void tell_waiters(struct database *database, bool all)
{
    struct database_waiter *waiter = TAILQ_FIRST(&database->waiters);
    while (waiter) {
        struct database_waiter *next = TAILQ_NEXT(waiter, link);
        if (all || database->state != DATABASE_UP || database->seen_began_ms >= waiter->min_ms) {
            TAILQ_REMOVE(&database->waiters, waiter, link);
            waiter->queued = false;
            waiter->seen(waiter->ctx);
            next = TAILQ_FIRST(&database->waiters); /* the callback may have cancelled others */
        }
        waiter = next;
    }
}

static void arm(struct database *database)
{
    int64_t delay = LOOK_INTERVAL_MS;
    if (database->state == DATABASE_DOWN) {
        delay = database->retry_ms;
        database->retry_ms = database->retry_ms * 2 < RETRY_MAX_MS ? database->retry_ms * 2 : RETRY_MAX_MS;
    } else
        database->retry_ms = RETRY_FIRST_MS;
    loop_timer_arm(database->timer, delay);
}

/* Those that the look did not write are the first of the next one. */
static void take_back_acts(struct database *database)
{
    TAILQ_CONCAT(&database->look_acts, &database->acts, link);
    TAILQ_CONCAT(&database->acts, &database->look_acts, link);
    database->act_count -= database->acts_written;
    database->acts_written = 0;
}

static bool is_counted(const struct database *database)
{
    return database->state != DATABASE_UP || api_counts_match(database->counts, database->facts);
}

/* A new leader's look follows at once. */
static bool clears_next(const struct database *database)
{
    return !database->stopping && database->look_again && database->leader != 0 &&
           database->leader != database->cleared_leader;
}

static void end_look(struct database *database)
{
    database->looking = false;
    database->seen_began_ms = database->look_began_ms;
    if (!database->stopping)
        arm(database);
    if (!clears_next(database))
        tell_waiters(database, database->stopping);
    if (database->look_again || TAILQ_FIRST(&database->waiters))
        begin(database);
}

static void counted(struct workers_job *job, bool did_run)
{
    struct database *database = job->ctx;
    if (did_run && database->seen_counts) {
        drop_counts(database);
        database->facts->counts = database->counts = database->seen_counts;
        database->seen_counts = 0;
    }
    end_look(database);
}

/*
 * Counting is the last part of a look, if an import or a round was committed since. Work goes before it: a new leader's look,
 * and at the start the leadership itself, which is on its way when the first look ends.
 */
static bool begin_count(struct database *database)
{
    struct error err;
    bool early = database->leader == 0 && !database->count_deferred && !TAILQ_FIRST(&database->waiters);
    if (database->stopping || is_counted(database) || clears_next(database))
        return false;
    database->count_deferred = true;
    if (early)
        return false;
    database->look = (struct workers_job){.run = count, .done = counted, .ctx = database};
    return workers_submit(database->workers, &database->look, &err) == STATUS_OK;
}

static void looked(struct workers_job *job, bool did_run)
{
    struct database *database = job->ctx;
    enum database_state before = database->state;
    settings_release(database->look_settings);
    database->look_settings = 0;
    take_back_acts(database);
    if (did_run && !database->stopping) {
        take_seen(database);
        tell_change(database, before);
    }
    api_facts_free(database->seen_facts);
    database->seen_facts = 0;
    if (did_run && !database->stopping)
        database->watch(database->watch_ctx, before, database->state);
    if (!did_run || !begin_count(database))
        end_look(database);
}

static void begin(struct database *database)
{
    if (database->stopping)
        return;
    if (database->looking) {
        database->look_again = true;
        return;
    }
    struct error err;
    database->look = (struct workers_job){.run = look, .done = looked, .ctx = database};
    database->look_again = false;
    database->look_began_ms = clock_monotonic_ms();
    database->look_settings = database->settings;
    settings_hold(database->look_settings);
    database->leftovers = database->recalled = 0;
    database->look_leader = database->leader;
    database->look_clears = database->leader != 0 && database->leader != database->cleared_leader;
    database->look_makes_endpoints = database->endpoints_wanted;
    database->endpoints_wanted = false;
    TAILQ_CONCAT(&database->look_acts, &database->acts, link);
    database->looking = true;
    if (workers_submit(database->workers, &database->look, &err) == STATUS_OK)
        return;
    database->looking = false; /* the pool is full: later */
    database->endpoints_wanted = database->look_makes_endpoints;
    take_back_acts(database);
    settings_release(database->look_settings);
    database->look_settings = 0;
    loop_timer_arm(database->timer, RETRY_FIRST_MS);
}

static void on_timer(void *ctx)
{
    begin(ctx);
}

/* Waiters for whom there is nothing to wait for. */
static void on_told(void *ctx)
{
    struct database *database = ctx;
    tell_waiters(database, database->stopping);
}

void database_wait(struct database *database, struct database_waiter *waiter, int64_t max_age_ms)
{
    int64_t now = clock_monotonic_ms();
    waiter->queued = true;
    waiter->min_ms = now - max_age_ms;
    TAILQ_INSERT_TAIL(&database->waiters, waiter, link);
    bool young = database->state != DATABASE_UNKNOWN && !database->looking && is_counted(database) &&
                 database->seen_began_ms >= waiter->min_ms && database->seen_began_ms <= now;
    bool known_down = database->state == DATABASE_DOWN; /* the back-off decides when to look again */
    if (young || known_down || database->stopping)
        loop_defer(database->loop, &database->told_task);
    else if (!database->looking)
        begin(database);
}

void database_wait_cancel(struct database *database, struct database_waiter *waiter)
{
    if (waiter->queued)
        TAILQ_REMOVE(&database->waiters, waiter, link);
    waiter->queued = false;
}

void database_note_act(struct database *database, const char *actor, const char *action,
                       const char *detail_json)
{
    struct act *act = database->act_count < DATABASE_ACTS_MAX ? calloc(1, sizeof *act) : 0;
    if (act) {
        act->actor = strdup(actor);
        act->action = strdup(action);
        act->detail = strdup(detail_json);
    }
    if (!act || !act->actor || !act->action || !act->detail) {
        log_event(LOG_AUDIT_LOST, log_text("action", action), log_text("operator", actor));
        if (act)
            act_free(act);
        return;
    }
    TAILQ_INSERT_TAIL(&database->acts, act, link);
    database->act_count++;
    if (database->state == DATABASE_UP)
        begin(database);
}

bool database_has_acts(const struct database *database)
{
    return database->act_count > 0;
}

void database_suspect(struct database *database)
{
    if (database->state == DATABASE_UP)
        begin(database);
}

enum database_state database_state(const struct database *database)
{
    return database->state;
}

const char *database_reason(const struct database *database)
{
    return database->state == DATABASE_UNKNOWN ? "not looked at yet" : database->err.text;
}

bool database_is_new(const struct database *database)
{
    return database->state == DATABASE_UP && database->look_clears && database_is_cleared(database);
}

bool database_is_cleared(const struct database *database)
{
    return database->leader != 0 && database->cleared_leader == database->leader;
}

void database_lead(struct database *database, int64_t leader)
{
    database->leader = leader;
    if (leader != 0)
        begin(database);
}

int64_t database_clock_off_ms(const struct database *database)
{
    return database->clock_off_ms;
}

int64_t database_looked_unix_ms(const struct database *database)
{
    return database->looked_unix_ms;
}

int64_t database_last_scheduled_unix_ms(const struct database *database)
{
    return database->last_scheduled_unix_ms;
}

const struct api_facts *database_facts(const struct database *database)
{
    return database->facts;
}

void database_set_settings(struct database *database, struct settings *settings)
{
    settings_hold(settings);
    settings_release(database->settings);
    database->settings = settings;
    database->endpoints_wanted = true;
    begin(database);
}

void database_stop(struct database *database)
{
    database->stopping = true;
    atomic_store(&database->cancel, true);
    loop_timer_cancel(database->timer);
    loop_defer(database->loop, &database->told_task);
}

enum status database_new(struct database **handle, struct loop *loop, struct workers *workers,
                         struct settings *settings, database_watch_fn *watch, void *ctx, struct error *err)
{
    struct database *database = calloc(1, sizeof *database);
    if (!database)
        return error_set(err, STATUS_FATAL, "no memory for the watch over the database");
    *database = (struct database){.loop = loop, .workers = workers, .watch = watch, .watch_ctx = ctx};
    TAILQ_INIT(&database->waiters);
    TAILQ_INIT(&database->acts);
    TAILQ_INIT(&database->look_acts);
    database->retry_ms = RETRY_FIRST_MS;
    database->told_task = (struct loop_task){.run = on_told, .ctx = database};
    database->timer = loop_timer_new(loop, on_timer, database);
    if (!database->timer) {
        free(database);
        return error_set(err, STATUS_FATAL, "no memory for the watch over the database");
    }
    settings_hold(settings);
    database->settings = settings;
    database->endpoints_wanted = true;
    begin(database);
    *handle = database;
    return STATUS_OK;
}

void database_free(struct database *database)
{
    if (!database)
        return;
    database->stopping = true;
    tell_waiters(database, true);
    loop_task_cancel(database->loop, &database->told_task);
    loop_timer_free(database->timer);
    pg_close(database->pg);
    for (struct act *act; (act = TAILQ_FIRST(&database->acts));) {
        TAILQ_REMOVE(&database->acts, act, link);
        act_free(act);
    }
    api_facts_free(database->facts);
    api_counts_free(database->counts);
    settings_release(database->settings);
    free(database);
}
