/* SPDX-License-Identifier: PostgreSQL */
#include "store/transactions.h"

#include "io/pg.h"
#include "store/fetch.h"

/* Sessions without an account are the server's own. Another database's hold back nothing of ours, a standby's (of none) do. */
static const char list_sql[] =
    "select pid, coalesce(backend_xid, backend_xmin)::text::bigint,"
    "       coalesce((extract(epoch from clock_timestamp() - xact_start) * 1000)::bigint, -1), usename"
    " from pg_stat_activity"
    " where coalesce(backend_xid, backend_xmin) is not null and usename is not null and leader_pid is null"
    "   and (datname = current_database() or datname is null) and pid <> pg_backend_pid()"
    " order by greatest(age(backend_xid), age(backend_xmin)) desc, pid limit $1";

enum status transactions_read(struct pg *pg, struct arena *arena, struct transaction **list, size_t *count,
                              struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg, list_sql, pg_params(pg_of_int32(TRANSACTIONS_MAX)), arena, err);
    struct transaction *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct transaction){
            .pid = pg_get_int32(fetch.result, fetch.row, 0),
            .xid = pg_get_int64(fetch.result, fetch.row, 1),
            .age_ms = pg_get_int64(fetch.result, fetch.row, 2),
            .account = fetch_text(&fetch, 3),
        };
    *list = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

static struct transaction_seen recall(const struct transactions_watch *watch, const struct transaction *one,
                                      int64_t now_ms)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->seen[i].pid == one->pid && watch->seen[i].xid == one->xid)
            return watch->seen[i];
    return (struct transaction_seen){.pid = one->pid, .xid = one->xid, .since_ms = now_ms};
}

const struct transaction *transactions_watch(struct transactions_watch *watch, struct transaction *list,
                                             size_t count, int64_t now_ms)
{
    const struct transaction *oldest = NULL;
    struct transactions_watch now = {.count = 0};
    for (size_t i = 0; i < count && i < TRANSACTIONS_MAX; i++) {
        struct transaction *one = &list[i];
        struct transaction_seen seen = recall(watch, one, now_ms);
        if (one->age_ms < now_ms - seen.since_ms)
            one->age_ms = now_ms - seen.since_ms;
        one->news = one->age_ms >= TRANSACTION_OLD_MS && !seen.told;
        seen.told = seen.told || one->news;
        now.seen[now.count++] = seen;
        if (!oldest || one->age_ms > oldest->age_ms)
            oldest = one;
    }
    *watch = now;
    return oldest;
}
