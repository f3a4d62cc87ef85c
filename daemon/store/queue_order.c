/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "store/queue_order.h"

#include "io/pg.h"

static struct pg_param reason_of(const struct queue_order *order)
{
    return order->reason != NULL ? pg_of_text(order->reason) : pg_of_null();
}

enum status queue_release(struct pg *pg, const struct queue_order *order, bool *done, struct error *err)
{
    int64_t released = 0;
    enum status status = pg_update(
        pg,
        "with released as (update endpoint set state = 'active', held_reason = null"
        "  where township_code = $1 and state = 'held' returning township_code)"
        " insert into audit (actor, action, detail) select $2, 'endpoint.release', jsonb_strip_nulls("
        "  jsonb_build_object('township', township_code::text, 'reason', $3::text)) from released",
        pg_params(pg_of_int64(order->township), pg_of_text(order->by), reason_of(order)), &released, err);
    *done = status == STATUS_OK && released > 0;
    return status;
}

static enum status lock_endpoint(struct pg *pg, int64_t township, struct error *err)
{
    struct pg_result *result = NULL;
    enum status status = pg_query(pg, "select 1 from endpoint where township_code = $1 for update",
                                  pg_params(pg_of_int64(township)), &result, err);
    pg_result_free(result);
    return status;
}

static enum status requeue_locked(struct pg *pg, const struct queue_order *order, int64_t term_ms,
                                  int64_t *events, struct error *err)
{
    enum status status = lock_endpoint(pg, order->township, err);
    if (status == STATUS_OK)
        status = pg_update(
            pg,
            "update delivery set state = 'queued', attempts = 0, refusals = 0, next_attempt_at = now(),"
            "  expires_at = now() + $2 * interval '1 millisecond', finished_at = null"
            " where township_code = $1 and state in ('failed', 'expired')",
            pg_params(pg_of_int64(order->township), pg_of_int64(term_ms)), events, err);
    if (status == STATUS_OK && *events > 0)
        status = pg_update(
            pg,
            "insert into audit (actor, action, detail) values ($2, 'queue.requeue', jsonb_strip_nulls("
            "  jsonb_build_object('township', $1::bigint::text, 'events', $4::bigint, 'reason', $3::text)))",
            pg_params(pg_of_int64(order->township), pg_of_text(order->by), reason_of(order),
                      pg_of_int64(*events)),
            NULL, err);
    return status;
}

enum status queue_requeue(struct pg *pg, const struct queue_order *order, int64_t term_ms, int64_t *events,
                          struct error *err)
{
    *events = 0;
    enum status status = pg_begin(pg, PG_READ_COMMITTED, err);
    if (status != STATUS_OK)
        return status;
    status = requeue_locked(pg, order, term_ms, events, err);
    if (status == STATUS_OK)
        return pg_commit(pg, err);
    pg_rollback(pg);
    return status;
}
