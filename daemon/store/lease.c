/* SPDX-License-Identifier: PostgreSQL */
#include "store/lease.h"

#include "io/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- within a transaction ------------------------------------------------------------------------------------- */

static const char *const duty_names[] = {[LEASE_INGEST] = "ingest", [LEASE_ROUND] = "round"};

enum status lease_fence(struct pg *pg, int64_t leader, struct error *err)
{
    if (leader == 0)
        return STATUS_OK;
    enum status status = pg_update(pg, "select fence($1)", pg_params(pg_of_int64(leader)), NULL, err);
    if (status && strcmp(pg_sqlstate(pg), "SW001") == 0)
        return error_set(err, STATUS_RETRY,
                         "the leadership has passed to another daemon (ours had token %lld)",
                         (long long)leader);
    return status;
}

enum status lease_begin(struct pg *pg, int64_t leader, struct error *err)
{
    enum status status = pg_begin(pg, PG_READ_COMMITTED, err);
    if (!status)
        status = lease_fence(pg, leader, err);
    if (status)
        pg_rollback(pg);
    return status;
}

enum status lease_lock(struct pg *pg, enum lease_duty duty, int64_t leader, struct error *err)
{
    int64_t rows;
    const char *name = duty_names[duty];
    enum status status = pg_update(pg, "select from lease where name = $1 for update",
                                   pg_params(pg_of_text(name)), &rows, err);
    if (status)
        return error_wrap(err, "waiting for the lease %s", name);
    if (rows != 1)
        return error_set(err, STATUS_CONFIG,
                         "the lease %s is missing in the database: run shouwangctl migrate", name);
    return lease_fence(pg, leader, err);
}

/* --- who leads ------------------------------------------------------------------------------------------------ */

#define TEXT_OF(number)     #number
#define INTERVAL_OF(number) "interval '" TEXT_OF(number) " milliseconds'"
/* It ran out so long ago, or the clock was set back: nobody prolongs it so far. */
#define RAN_OUT(ago)                                                                                         \
    "(expires_at <= clock_timestamp()" ago                                                                   \
    " or expires_at > clock_timestamp() + " INTERVAL_OF(LEASE_DURATION_MAX_MS) ")"
#define PATIENCE " - $4 * interval '1 millisecond'"

/* `skip locked`: an open transaction of the holder's keeps it; whoever waited for it here could do nothing else. */
static const char take_sql[] =
    "with free as ("
    "  select from lease where name = 'leader'"
    "    and (holder = '' or " RAN_OUT(
        PATIENCE) " or $2 and holder = $1) for update skip locked),"
                  " taken as ("
                  "  update lease set token = token + 1, holder = $1, taken_at = clock_timestamp(),"
                  "    expires_at = clock_timestamp() + $3 * interval '1 millisecond'"
                  "  from free where name = 'leader' returning token, taken_at)"
                  " select t.token is not null, coalesce(t.token, l.token), coalesce(t.taken_at, l.taken_at), l.holder,"
                  "        t.token is null and l.holder <> '' and " RAN_OUT(
                      PATIENCE) " from lease l left join taken t on true where l.name = 'leader'";

/* The holder, too: a failover may have lost the transaction by which we took it, and then another has our token. */
static const char keep_sql[] =
    "with kept as ("
    "  update lease set expires_at = clock_timestamp() + $2 * interval '1 millisecond'"
    "  where name = 'leader' and token = $1 and holder = $3 returning token)"
    " select exists (select from kept), l.token, l.taken_at, l.holder, false from lease l where l.name = 'leader'";

static const char leave_sql[] =
    "with kept as ("
    "  update lease set token = token + 1, holder = '', expires_at = '-infinity', taken_at = null"
    "  where name = 'leader' and token = $1 and holder <> '' returning token)"
    " select false, l.token, l.taken_at, l.holder, false from lease l where l.name = 'leader'";

/* Every open transaction that was fenced holds a lock on the table lease, and pg_locks shows it. The names are those of the
 * daemon's connections but the one that asks; an import by shouwangctl goes on. */
static const char evict_sql[] =
    "select count(*) filter (where pg_terminate_backend(a.pid)) from ("
    "  select distinct k.pid from pg_locks k where k.locktype = 'relation' and k.granted"
    "    and k.relation = 'shouwang.lease'::regclass"
    "    and k.database = (select oid from pg_database where datname = current_database())) k"
    " join pg_stat_activity a using (pid)"
    " where a.application_name like 'shouwangd%' and a.application_name <> 'shouwangd-lease'"
    "   and a.pid <> pg_backend_pid()"
    "   and exists (select from lease where name = 'leader' and " RAN_OUT("") ")";

struct call {
    void *context;
    lease_answered answered;
    lease_evicted evicted;
};

static void row_done(void *context, enum status status, const struct pg_result *result,
                     const struct error *why)
{
    struct call call = *(struct call *)context;
    struct lease_seen seen = {0};
    struct error missing;
    free(context);
    if (!status && pg_result_rows(result) == 0) {
        status = error_set(&missing, STATUS_CONFIG, "the lease leader is missing: run shouwangctl migrate");
        why = &missing;
    }
    if (status) {
        call.answered(call.context, status, NULL, why);
        return;
    }
    struct slice holder = pg_get_text(result, 0, 3);
    seen.ours = pg_get_bool(result, 0, 0);
    seen.token = pg_get_int64(result, 0, 1);
    seen.taken_unix_ms = pg_is_null(result, 0, 2) ? 0 : pg_get_unix_ms(result, 0, 2);
    snprintf(seen.holder, sizeof seen.holder, "%.*s",
             (int)utf8_cut(holder.bytes, holder.length, sizeof seen.holder - 1), holder.bytes);
    seen.expired = pg_get_bool(result, 0, 4);
    call.answered(call.context, STATUS_OK, &seen, NULL);
}

static void evict_done(void *context, enum status status, const struct pg_result *result,
                       const struct error *why)
{
    struct call call = *(struct call *)context;
    free(context);
    call.evicted(call.context, status, pg_result_rows(result) ? pg_get_int64(result, 0, 0) : 0, why);
}

static enum status submit(struct pg_async *async, const char *sql, const struct pg_param *params,
                          int timeout_ms, pg_async_done done, struct call call, struct error *err)
{
    struct call *kept = malloc(sizeof *kept);
    if (!kept)
        return error_set(err, STATUS_FATAL, "no memory to ask for the lease");
    *kept = call;
    enum status status = pg_async_submit(async, sql, params, timeout_ms, done, kept, err);
    if (status)
        free(kept);
    return status;
}

enum status lease_take_async(struct pg_async *async, const char *holder, bool again, int64_t duration_ms,
                             int64_t patience_ms, int timeout_ms, lease_answered done, void *context,
                             struct error *err)
{
    return submit(
        async, take_sql,
        pg_params(pg_of_text(holder), pg_of_bool(again), pg_of_int64(duration_ms), pg_of_int64(patience_ms)),
        timeout_ms, row_done, (struct call){.context = context, .answered = done}, err);
}

enum status lease_keep_async(struct pg_async *async, const char *holder, int64_t token, int64_t duration_ms,
                             int timeout_ms, lease_answered done, void *context, struct error *err)
{
    return submit(async, keep_sql,
                  pg_params(pg_of_int64(token), pg_of_int64(duration_ms), pg_of_text(holder)), timeout_ms,
                  row_done, (struct call){.context = context, .answered = done}, err);
}

enum status lease_leave_async(struct pg_async *async, int64_t token, int timeout_ms, lease_answered done,
                              void *context, struct error *err)
{
    return submit(async, leave_sql, pg_params(pg_of_int64(token)), timeout_ms, row_done,
                  (struct call){.context = context, .answered = done}, err);
}

enum status lease_evict_async(struct pg_async *async, int timeout_ms, lease_evicted done, void *context,
                              struct error *err)
{
    return submit(async, evict_sql, pg_params(), timeout_ms, evict_done,
                  (struct call){.context = context, .evicted = done}, err);
}
