/* SPDX-License-Identifier: PostgreSQL */
#include "config.h" /* gethostname */

#include "app/leader.h"

#include "app/settings.h"
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "io/pg.h"
#include "store/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ASK_MAX_MS = 1000, /* a standby asks so often at least: after a clean end it takes over within a second */
    AGAIN_MS = 500,    /* after a failure, and after the sessions of the one before were ended */
    TIMEOUT_MAX_MS = 5000,
    BOOT_SHOWN = 8,
    UNFIT_PATIENCE_MS =
        60000, /* every fit one has taken the lease by then, also after a restart of the database */
};

struct leader {
    struct loop *loop;
    struct pg_async *pg;
    struct loop_timer *timer;
    struct loop_task left_task;
    leader_watch_fn *watch;
    void *watch_ctx;
    char name[LEASE_HOLDER_MAX];
    int64_t duration_ms;

    enum leader_state state;
    int64_t token;          /* of ours; 0 = we have none */
    struct lease_seen seen; /* who leads */
    int64_t valid_until_ms; /* monotonic */
    int64_t next_ask_ms, sent_ms;
    bool asking;
    bool again; /* a holder of our name is ourselves: at the start, and after an answer that was lost */
    bool evict_told;
    int refusals; /* in a row */
    char refusal[ERROR_TEXT_MAX];
    enum { FIT_UNKNOWN, FIT, UNFIT } fitness;
    bool taking;   /* what was asked is the lease: its answer decides what is to be given back */
    loop_fn *left; /* set: we are about to end */
    void *left_ctx;
};

const char *leader_state_name(enum leader_state state)
{
    static const char *const names[] = {"unknown", "standby", "leader", "suspended"};
    return names[state];
}

/* Host, control socket, and which boot of which machine: clones of a machine have the first two in common. */
static void make_name(char out[LEASE_HOLDER_MAX], const char *socket)
{
    char host[65] = "", boot[BOOT_SHOWN + 1] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = 0;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file) {
        if (!fgets(boot, sizeof boot, file))
            boot[0] = 0;
        fclose(file);
    }
    snprintf(out, LEASE_HOLDER_MAX, "%s:%.100s:%s", host, socket, boot);
}

static int statement_timeout_ms(const struct leader *leader)
{
    int64_t third = leader->duration_ms / 3;
    return (int)(third < TIMEOUT_MAX_MS ? third : TIMEOUT_MAX_MS);
}

/* --- states --------------------------------------------------------------------------------------------------- */

static void set_timer(struct leader *leader)
{
    int64_t due_ms = leader->next_ask_ms;
    if (leader->asking || due_ms == 0)
        due_ms = INT64_MAX;
    if (leader->state == LEADER_LEADING && leader->valid_until_ms < due_ms)
        due_ms = leader->valid_until_ms;
    if (due_ms != INT64_MAX)
        loop_timer_arm_at(leader->timer, due_ms);
    else
        loop_timer_cancel(leader->timer);
}

static void become(struct leader *leader, enum leader_state state)
{
    enum leader_state before = leader->state;
    leader->state = state;
    if (state == LEADER_STANDBY || state == LEADER_UNKNOWN)
        leader->token = 0;
    set_timer(leader);
    if (before != state)
        leader->watch(leader->watch_ctx, before, state);
}

static void suspend_if_late(struct leader *leader)
{
    if (leader->state != LEADER_LEADING || clock_monotonic_ms() < leader->valid_until_ms)
        return;
    log_event(LOG_LEASE_SUSPENDED, log_int("token", leader->token));
    become(leader, LEADER_SUSPENDED);
}

static int64_t standby_ask_ms(const struct leader *leader)
{
    return leader->duration_ms / 4 < ASK_MAX_MS ? leader->duration_ms / 4 : ASK_MAX_MS;
}

/* An unfit one looks as often as a standby: it may have been taken from us. */
static void have(struct leader *leader)
{
    leader->valid_until_ms = leader->sent_ms + leader->duration_ms - leader->duration_ms / 5;
    leader->next_ask_ms =
        leader->sent_ms + (leader->fitness == UNFIT ? standby_ask_ms(leader) : leader->duration_ms / 4);
}

static void ask(struct leader *leader);

static void ask_after(struct leader *leader, int64_t delay_ms)
{
    leader->next_ask_ms = clock_monotonic_ms() + delay_ms;
    set_timer(leader);
}

/* --- answers -------------------------------------------------------------------------------------------------- */

/* Told at the second one: at the first it may be known in a moment that the schema is not ours, which says more. */
static void note_refusal(struct leader *leader, enum status status, const struct error *err)
{
    if (status == STATUS_RETRY)
        return;
    leader->refusals = status == STATUS_OK ? 0 : leader->refusals + 1;
    snprintf(leader->refusal, sizeof leader->refusal, "%s", status == STATUS_OK ? "" : err->text);
    if (leader->refusals == 2)
        log_event(LOG_LEASE_REFUSED, log_error(err));
}

/* The database could not be asked, or refused; it is asked again, over a connection that comes back by itself. */
static void not_answered(struct leader *leader)
{
    leader->again = leader->again || leader->token == 0;
    if (leader->state == LEADER_UNKNOWN)
        become(leader, LEADER_STANDBY);
    suspend_if_late(leader);
    ask_after(leader, AGAIN_MS);
}

static void on_left(void *context, enum status status, const struct lease_seen *seen, const struct error *err)
{
    struct leader *leader = context;
    (void)seen;
    leader->asking = false;
    leader->token = 0;
    if (status == STATUS_OK)
        log_event(LOG_LEASE_LEFT);
    else
        log_event(LOG_LEASE_NOT_LEFT, log_error(err));
    loop_defer(leader->loop, &leader->left_task);
}

static void give_back(struct leader *leader)
{
    struct error err;
    if (leader->token == 0 ||
        lease_leave_async(leader->pg, leader->token, LEADER_LEAVE_MS, on_left, leader, &err) != STATUS_OK)
        loop_defer(leader->loop, &leader->left_task);
}

static void on_kept(void *context, enum status status, const struct lease_seen *seen, const struct error *err)
{
    struct leader *leader = context;
    leader->asking = false;
    if (leader->left)
        return;
    note_refusal(leader, status, err);
    if (status != STATUS_OK) {
        not_answered(leader);
        return;
    }
    if (!seen->ours) {
        log_event(LOG_LEASE_LOST, log_text("holder", seen->holder), log_int("token", seen->token),
                  log_int("ours", leader->token));
        leader->seen = *seen;
        leader->next_ask_ms = clock_monotonic_ms() + ASK_MAX_MS;
        become(leader, LEADER_STANDBY);
        return;
    }
    have(leader);
    if (leader->state == LEADER_SUSPENDED && clock_monotonic_ms() < leader->valid_until_ms) {
        log_event(LOG_LEASE_KEPT, log_int("token", leader->token));
        become(leader, LEADER_LEADING);
    }
    suspend_if_late(leader);
    set_timer(leader);
}

static void on_evicted(void *context, enum status status, int64_t sessions, const struct error *err)
{
    struct leader *leader = context;
    leader->asking = false;
    if (leader->left)
        return;
    if (status == STATUS_OK && sessions > 0)
        log_event(LOG_LEASE_EVICTED, log_text("holder", leader->seen.holder), log_int("sessions", sessions));
    else if (status != STATUS_OK && !leader->evict_told)
        log_event(LOG_LEASE_BLOCKED, log_text("holder", leader->seen.holder), log_error(err));
    leader->evict_told = status != STATUS_OK;
    ask_after(leader, status == STATUS_OK && sessions > 0 ? AGAIN_MS / 5 : AGAIN_MS);
}

/* Its lease has run out, but a transaction that it left open keeps the row. */
static void evict(struct leader *leader)
{
    struct error err;
    if (lease_evict_async(leader->pg, statement_timeout_ms(leader), on_evicted, leader, &err) == STATUS_OK)
        leader->asking = true;
    else
        ask_after(leader, AGAIN_MS);
}

static void wait_for_holder(struct leader *leader, const struct lease_seen *seen)
{
    bool news = leader->seen.token != seen->token || strcmp(leader->seen.holder, seen->holder) != 0;
    if (seen->holder[0] && (news || leader->state == LEADER_UNKNOWN))
        log_event(LOG_LEASE_WAITING, log_text("holder", seen->holder), log_int("token", seen->token));
    leader->seen = *seen;
    leader->next_ask_ms = clock_monotonic_ms() + standby_ask_ms(leader);
    if (seen->expired)
        evict(leader);
    if (leader->state == LEADER_STANDBY && news)
        leader->watch(leader->watch_ctx, LEADER_STANDBY, LEADER_STANDBY);
    become(leader, LEADER_STANDBY);
}

static void on_taken(void *context, enum status status, const struct lease_seen *seen,
                     const struct error *err)
{
    struct leader *leader = context;
    leader->asking = leader->taking = false;
    note_refusal(leader, status, err);
    if (leader->left) {
        leader->token = status == STATUS_OK && seen->ours ? seen->token : 0;
        give_back(leader);
        return;
    }
    if (status != STATUS_OK) {
        not_answered(leader);
        return;
    }
    leader->again = false;
    if (!seen->ours) {
        wait_for_holder(leader, seen);
        return;
    }
    KILL_POINT("start.lease_taken");
    log_event(LOG_LEASE_TAKEN, log_int("token", seen->token), log_text("holder", leader->name),
              log_text("before", seen->holder));
    leader->seen = *seen;
    snprintf(leader->seen.holder, sizeof leader->seen.holder, "%s", leader->name);
    leader->token = seen->token;
    have(leader);
    become(leader, LEADER_LEADING);
    suspend_if_late(leader); /* an answer that came very late */
}

/* --- asking --------------------------------------------------------------------------------------------------- */

static void ask(struct leader *leader)
{
    struct error err;
    int timeout_ms = statement_timeout_ms(leader);
    int64_t term_ms = leader->fitness == UNFIT ? 0 : leader->duration_ms;
    int64_t patience_ms = leader->fitness == FIT ? 0 : UNFIT_PATIENCE_MS;
    leader->sent_ms = clock_monotonic_ms();
    enum status status = leader->token ? lease_keep_async(leader->pg, leader->name, leader->token, term_ms,
                                                          timeout_ms, on_kept, leader, &err)
                                       : lease_take_async(leader->pg, leader->name, leader->again, term_ms,
                                                          patience_ms, timeout_ms, on_taken, leader, &err);
    leader->asking = status == STATUS_OK;
    leader->taking = leader->asking && leader->token == 0;
    if (leader->asking)
        set_timer(leader);
    else
        ask_after(leader, AGAIN_MS);
}

static void on_timer(void *ctx)
{
    struct leader *leader = ctx;
    suspend_if_late(leader);
    if (!leader->asking && !leader->left && pg_async_is_up(leader->pg) &&
        clock_monotonic_ms() >= leader->next_ask_ms)
        ask(leader);
    else if (!leader->asking && clock_monotonic_ms() >= leader->next_ask_ms)
        leader->next_ask_ms = 0; /* the connection says when it is up */
    set_timer(leader);
}

static void on_connection(void *context, bool up, const struct error *err)
{
    struct leader *leader = context;
    (void)err;
    if (leader->left)
        return;
    if (up && !leader->asking)
        ask(leader);
    else if (!up && leader->state == LEADER_UNKNOWN)
        become(leader, LEADER_STANDBY);
}

void leader_set_fit(struct leader *leader, bool fit)
{
    if (leader->fitness == (fit ? FIT : UNFIT))
        return;
    leader->fitness = fit ? FIT : UNFIT;
    if (!leader->asking && !leader->left && pg_async_is_up(leader->pg))
        ask(leader);
}

/* --- what the daemon asks ------------------------------------------------------------------------------------- */

enum leader_state leader_state(const struct leader *leader)
{
    return leader->state;
}

int64_t leader_token(const struct leader *leader)
{
    return leader->token;
}

const char *leader_holder(const struct leader *leader)
{
    return leader->seen.holder;
}

int64_t leader_holder_token(const struct leader *leader)
{
    return leader->seen.token;
}

int64_t leader_since_unix_ms(const struct leader *leader)
{
    return leader->seen.taken_unix_ms;
}

const char *leader_refusal(const struct leader *leader)
{
    return leader->refusal;
}

static void tell_left(void *ctx)
{
    struct leader *leader = ctx;
    leader->left(leader->left_ctx);
}

void leader_leave(struct leader *leader, loop_fn *left, void *ctx)
{
    if (leader->left)
        return;
    leader->left = left;
    leader->left_ctx = ctx;
    loop_timer_cancel(leader->timer);
    if (!leader->taking)
        give_back(leader);
}

enum status leader_new(struct leader **handle, struct loop *loop, const struct settings *settings,
                       leader_watch_fn *watch, void *ctx, struct error *err)
{
    struct leader *leader = calloc(1, sizeof *leader);
    if (!leader)
        return error_set(err, STATUS_FATAL, "no memory for the lease");
    *leader = (struct leader){.loop = loop,
                              .watch = watch,
                              .watch_ctx = ctx,
                              .again = true,
                              .duration_ms = settings->options->lease_duration};
    leader->left_task = (struct loop_task){.run = tell_left, .ctx = leader};
    make_name(leader->name, settings->options->control_socket);
    leader->timer = loop_timer_new(loop, on_timer, leader);
    enum status status = leader->timer
                             ? pg_async_new(loop, settings->options->database_conninfo, "shouwangd-lease",
                                            on_connection, leader, &leader->pg, err)
                             : error_set(err, STATUS_FATAL, "no memory for the lease");
    if (status != STATUS_OK) {
        leader_free(leader);
        return status;
    }
    *handle = leader;
    return STATUS_OK;
}

void leader_free(struct leader *leader)
{
    if (!leader)
        return;
    leader->left = leader->left ? leader->left : tell_left; /* answers change nothing any more */
    pg_async_free(leader->pg);
    loop_task_cancel(leader->loop, &leader->left_task);
    loop_timer_free(leader->timer);
    free(leader);
}
