/* SPDX-License-Identifier: PostgreSQL */
/* The operator's side of the outbox: endpoints and the hand on the queue. Every act leaves an audit row. */
#include "store/outbox.h"

#include "io/pg.h"
#include "store/fetch.h"

/* --- endpoints ---------------------------------------------------------------------------------------------- */

enum status outbox_ensure_endpoints(struct pg *pg, const int64_t *townships, size_t count, struct error *err)
{
    return pg_update(pg, "insert into endpoint (township_code) select unnest($1) on conflict do nothing",
                     pg_params(pg_of_int64_array(townships, count)), NULL, err);
}

/* One row, one statement: what was known, what was changed, and the audit row. */
static enum status set_endpoint(struct pg *pg, const char *sql, int64_t township, const char *reason,
                                const char *actor, bool *known, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(
        pg, sql, pg_params(pg_of_int64(township), pg_of_text(reason), pg_of_text(actor)), &result, err);
    if (status)
        return status;
    *known = pg_get_bool(result, 0, 0);
    pg_result_free(result);
    return STATUS_OK;
}

enum status outbox_hold_endpoint(struct pg *pg, int64_t township, const char *reason, const char *actor,
                                 bool *known, struct error *err)
{
    return set_endpoint(
        pg,
        "with held as (update endpoint set state = 'held', held_reason = $2 where township_code = $1"
        "   returning township_code),"
        " noted as (insert into audit (actor, action, detail) select $3, 'endpoint.hold',"
        "   jsonb_build_object('township', township_code::text, 'reason', $2) from held)"
        " select exists (select from held)",
        township, reason, actor, known, err);
}

enum status outbox_release_endpoint(struct pg *pg, int64_t township, const char *actor, bool *known,
                                    struct error *err)
{
    return set_endpoint(pg,
                        "with released as (update endpoint set state = 'active', held_reason = $2,"
                        "   paused_until = null"
                        "   where township_code = $1 returning township_code),"
                        " noted as (insert into audit (actor, action, detail) select $3, 'endpoint.release',"
                        "   jsonb_build_object('township', township_code::text) from released)"
                        " select exists (select from released)",
                        township, NULL, actor, known, err);
}

enum status outbox_endpoints(struct pg *pg, struct arena *arena, const struct outbox_endpoint **endpoints,
                             size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg,
                                     "select township_code, state = 'held', held_reason, last_sequence,"
                                     " last_success_at, last_failure_at, last_error from endpoint"
                                     " order by township_code",
                                     pg_params(), arena, err);
    struct outbox_endpoint *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct outbox_endpoint){
            .township = pg_get_int64(fetch.result, fetch.row, 0),
            .held = pg_get_bool(fetch.result, fetch.row, 1),
            .held_reason = fetch_text(&fetch, 2),
            .last_sequence = pg_get_int64(fetch.result, fetch.row, 3),
            .last_success_ms = pg_get_unix_ms(fetch.result, fetch.row, 4),
            .last_failure_ms = pg_get_unix_ms(fetch.result, fetch.row, 5),
            .last_error = fetch_text(&fetch, 6),
        };
    *endpoints = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

/* --- acts --------------------------------------------------------------------------------------------------- */

/* $1 event ids, $2 township (0 = any), $3 since, $4 the new term. */
#define CHOSEN                                                                                               \
    " and ($2 = 0 or d.township_code = $2) and (cardinality($1) = 0 or d.event_id = any($1))"                \
    " and ($3::timestamptz is null or d.created_at >= $3)"
#define AGAIN "state = 'queued', next_attempt_at = now(), lease_until = null, finished_at = null"

static const struct {
    const char *action, *sql;
} acts[] = {
    [OUTBOX_HOLD] = {"queue.hold", "update delivery d set state = 'held' where state = 'queued'" CHOSEN},
    [OUTBOX_RELEASE] = {"queue.release", "update delivery d set " AGAIN " where state = 'held'" CHOSEN},
    [OUTBOX_RETRY] = {"queue.retry",
                      "update delivery d set next_attempt_at = now() where state = 'queued'" CHOSEN},
    [OUTBOX_REQUEUE] =
        {"queue.requeue",
         "update delivery d set " AGAIN
         ", expires_at = now() + $4 * interval '1 millisecond' where state in ('failed', 'expired')" CHOSEN},
    [OUTBOX_REPLAY] =
        {"queue.replay",
         "update delivery d set " AGAIN
         ", expires_at = now() + $4 * interval '1 millisecond' where state in ('delivered', 'failed', 'expired')" CHOSEN},
    [OUTBOX_DROP] = {"queue.drop",
                     "update delivery d set state = case when sequence is null then 'superseded'"
                     " else 'failed' end, last_error = 'dropped by an operator', finished_at = now()"
                     " where state in ('queued', 'held')" CHOSEN},
};

/* What comes back into the queue must not meet a claim that has not seen it: claims hold the endpoint's row. */
static enum status lock_endpoints(struct pg *pg, struct pg_param ids, struct pg_param township,
                                  struct error *err)
{
    return pg_update(pg,
                     "select from endpoint where township_code = $2 or township_code in"
                     " (select township_code from delivery where event_id = any($1))"
                     " order by township_code for update",
                     pg_params(ids, township), NULL, err);
}

static enum status run_act(struct pg *pg, enum outbox_act act, const struct outbox_choice *choice,
                           int64_t term_ms, const char *actor, const char *reason, int64_t *affected,
                           struct error *err)
{
    struct pg_param ids = pg_of_uuid_array(choice->event_ids, choice->event_count);
    struct pg_param township = pg_of_int64(choice->township);
    struct pg_param since = choice->since_ms == INT64_MIN ? pg_of_null() : pg_of_timestamp(choice->since_ms);
    enum status status = lock_endpoints(pg, ids, township, err);
    if (!status)
        status = pg_update(pg, acts[act].sql, pg_params(ids, township, since, pg_of_int64(term_ms)), affected,
                           err);
    if (!status)
        status = pg_update(pg,
                           "insert into audit (actor, action, detail) values ($1, $2, jsonb_build_object("
                           " 'township', nullif($3, 0)::text, 'asked', $4::integer, 'changed', $5::bigint,"
                           " 'reason', $6::text))",
                           pg_params(pg_of_text(actor), pg_of_text(acts[act].action), township,
                                     pg_of_int32((int32_t)choice->event_count), pg_of_int64(*affected),
                                     pg_of_text(reason)),
                           NULL, err);
    return status;
}

enum status outbox_act(struct pg *pg, enum outbox_act act, const struct outbox_choice *choice,
                       int64_t term_ms, const char *actor, const char *reason, int64_t *affected,
                       struct error *err)
{
    *affected = 0;
    if (choice->event_count == 0 && choice->township == 0)
        return error_set(err, STATUS_REJECT, "neither events nor a township are named");
    enum status status = pg_begin(pg, PG_READ_COMMITTED, err);
    if (!status)
        status = run_act(pg, act, choice, term_ms, actor, reason, affected, err);
    if (!status)
        status = pg_commit(pg, err);
    if (status)
        pg_rollback(pg);
    return status;
}
