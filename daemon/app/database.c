/* SPDX-License-Identifier: PostgreSQL */
#include "app/database.h"

#include "app/look.h"
#include "app/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/workers.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    LOOK_INTERVAL_MS = 15000, /* how late an outage is noticed when nothing else touches the database */
    RETRY_FIRST_MS = 500,     /* a restart of PostgreSQL takes a second or two */
    RETRY_MAX_MS = 15000,
};

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
    struct look_acts acts;
    size_t act_count; /* those of the look included */

    struct look look; /* the worker's while `looking` */
    struct workers_job job;
    bool looking, look_again;
    int64_t look_began_ms; /* monotonic, as the next */
    int64_t seen_began_ms; /* when the look began that was the last to end */
};

const char *database_state_name(enum database_state state)
{
    static const char *const names[] = {"unknown", "down", "misfit", "up"};
    return names[state];
}

/* On a worker. */
static void look(struct workers_job *job)
{
    struct database *database = job->ctx;
    look_run(&database->look);
}

/* On a worker. */
static void count(struct workers_job *job)
{
    struct database *database = job->ctx;
    look_count(&database->look);
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
    database->state = database->look.state;
    database->err = database->look.err;
    database->looked_unix_ms = clock_unix_ms();
    if (database->look.state != DATABASE_UP) {
        database->endpoints_wanted = database->endpoints_wanted || database->look.makes_endpoints;
        return;
    }
    database->err.text[0] = 0;
    database->clock_off_ms = database->look.clock_off_ms;
    api_facts_free(database->facts);
    database->facts = database->look.facts;
    database->look.facts = 0;
    if (database->look.connected)
        drop_counts(database);
    database->look.connected = false;
    database->facts->counts = database->counts;
    watch_transactions(database);
    if (database->look.leader == 0)
        database->endpoints_wanted = database->endpoints_wanted || database->look.makes_endpoints;
    if (database->look.clears) {
        database->cleared_leader = database->look.leader;
        database->last_scheduled_unix_ms = database->look.last_scheduled_unix_ms;
        if (database->last_scheduled_unix_ms !=
            0) /* was written by the database's clock, and is looked up in a calendar by ours */
            database->last_scheduled_unix_ms += database->look.clock_off_ms;
        if (database->look.leftovers > 0)
            log_event(LOG_ROUND_LEFTOVERS, log_int("rounds", database->look.leftovers));
        if (database->look.recalled > 0)
            log_event(LOG_DELIVERY_RECALLED, log_int("deliveries", database->look.recalled));
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
    TAILQ_CONCAT(&database->look.acts, &database->acts, link);
    TAILQ_CONCAT(&database->acts, &database->look.acts, link);
    database->act_count -= database->look.acts_written;
    database->look.acts_written = 0;
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
    if (did_run && database->look.counts) {
        drop_counts(database);
        database->facts->counts = database->counts = database->look.counts;
        database->look.counts = 0;
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
    database->look.last_import = database->facts->status.last_import;
    database->look.last_judged = database->facts->status.last_judged;
    database->job = (struct workers_job){.run = count, .done = counted, .ctx = database};
    return workers_submit(database->workers, &database->job, &err) == STATUS_OK;
}

static void looked(struct workers_job *job, bool did_run)
{
    struct database *database = job->ctx;
    enum database_state before = database->state;
    settings_release(database->look.settings);
    database->look.settings = 0;
    take_back_acts(database);
    if (did_run && !database->stopping) {
        take_seen(database);
        tell_change(database, before);
    }
    api_facts_free(database->look.facts);
    database->look.facts = 0;
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
    database->job = (struct workers_job){.run = look, .done = looked, .ctx = database};
    database->look_again = false;
    database->look_began_ms = clock_monotonic_ms();
    database->look.settings = database->settings;
    settings_hold(database->look.settings);
    database->look.leftovers = database->look.recalled = 0;
    database->look.leader = database->leader;
    database->look.clears = database->leader != 0 && database->leader != database->cleared_leader;
    database->look.makes_endpoints = database->endpoints_wanted;
    database->endpoints_wanted = false;
    TAILQ_CONCAT(&database->look.acts, &database->acts, link);
    database->looking = true;
    if (workers_submit(database->workers, &database->job, &err) == STATUS_OK)
        return;
    database->looking = false; /* the pool is full: later */
    database->endpoints_wanted = database->look.makes_endpoints;
    take_back_acts(database);
    settings_release(database->look.settings);
    database->look.settings = 0;
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
    struct look_act *act =
        database->act_count < DATABASE_ACTS_MAX ? look_act_new(actor, action, detail_json) : 0;
    if (!act) {
        log_event(LOG_AUDIT_LOST, log_text("action", action), log_text("operator", actor));
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
    return database->state == DATABASE_UP && database->look.clears && database_is_cleared(database);
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
    atomic_store(&database->look.cancel, true);
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
    TAILQ_INIT(&database->look.acts);
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
    look_close(&database->look);
    for (struct look_act *act; (act = TAILQ_FIRST(&database->acts));) {
        TAILQ_REMOVE(&database->acts, act, link);
        look_act_free(act);
    }
    api_facts_free(database->facts);
    api_counts_free(database->counts);
    settings_release(database->settings);
    free(database);
}
