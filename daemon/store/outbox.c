/* SPDX-License-Identifier: PostgreSQL */
/* The outbox: claims, results, what is due before its time, what is given up, endpoints. */
#include "store/outbox.h"

#include "base/clock.h"
#include "io/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- claiming ----------------------------------------------------------------------------------------------- */

/* Migrations 0009, 0018 and 0021 say how. */
static const char claim_sql[] =
    "select household_id, event_id, township_code, sequence, attempts, priority, fresh, expires_at, place::text,"
    " refusals"
    " from claim_deliveries($4, $1, $2, $3) order by township_code, priority, outbox_no";

/*
 * The bodies, by the claims' places in the arrays. A statement of its own: PostgreSQL keeps all rows of one that writes until it has
 * ended, but of a plain one it reads a long body when it sends it (until then the row holds only where that lies, and how long it
 * is). Bodies never change, so nothing is lost in between.
 *
 * Nearly always none is longer than its part of the bytes that all may come to, $3; a sum over those before would cost a tenth of
 * a claim.
 */
static const char bodies_sql[] =
    "select k.place, o.created_at, o.type, case when octet_length(o.event) <= $3 then o.event end"
    " from unnest($1::bigint[], $2::uuid[]) with ordinality as k (household_id, event_id, place)"
    " join outbox o on o.household_id = k.household_id and o.event_id = k.event_id";

/* Where one is longer: all again, until those before come to $3 bytes. */
static const char bodies_by_turns_sql[] =
    "select place, created_at, type, case when before < $3 then event end from ("
    " select k.place, o.created_at, o.type, o.event,"
    "   sum(octet_length(o.event)) over (order by k.turn, k.place) - octet_length(o.event) as before"
    " from unnest($1::bigint[], $2::uuid[], $4::integer[]) with ordinality as k (household_id, event_id, turn, place)"
    " join outbox o on o.household_id = k.household_id and o.event_id = k.event_id) as body";

static struct outbox_claim claim_at(const struct pg_result *r, size_t row, int64_t lease_ms)
{
    struct outbox_claim claim = {
        .household_id = pg_get_int64(r, row, 0),
        .township = pg_get_int64(r, row, 2),
        .sequence = pg_get_int64(r, row, 3),
        .attempts = pg_get_int32(r, row, 4),
        .refusals = pg_get_int16(r, row, 9),
        .priority = pg_get_int16(r, row, 5),
        .first = pg_get_bool(r, row, 6),
        .expires_at_ms = pg_get_unix_ms(r, row, 7),
        .lease_ms = lease_ms,
    };
    pg_get_uuid(r, row, 1, claim.event_id);
    struct slice place = pg_get_text(r, row, 8);
    snprintf(claim.place, sizeof claim.place, "%.*s", (int)place.length, place.bytes);
    return claim;
}

/* NULL if the row is of none of them. */
static struct outbox_claim *claim_of_body(struct outbox_claim *claims, size_t count,
                                          const struct pg_result *r, size_t row)
{
    int64_t place = pg_get_int64(r, row, 0);
    if (place < 1 || (uint64_t)place > count)
        return NULL;
    struct outbox_claim *claim = &claims[place - 1];
    claim->created_at_ms = pg_get_unix_ms(r, row, 1);
    claim->type = pg_get_text(r, row, 2);
    if (!pg_is_null(r, row, 3))
        claim->event = pg_get_text(r, row, 3);
    return claim;
}

/* Whose bodies, and whose turn it is among those of all townships. */
struct body_arrays {
    int64_t *households;
    const char **event_ids;
    int32_t *turns;
};

static enum status body_arrays_make(struct body_arrays *arrays, const struct outbox_claim *claims,
                                    size_t count, struct error *err)
{
    arrays->households = calloc(count + 1, sizeof *arrays->households);
    arrays->event_ids = calloc(count + 1, sizeof *arrays->event_ids);
    arrays->turns = calloc(count + 1, sizeof *arrays->turns);
    if (!arrays->households || !arrays->event_ids || !arrays->turns)
        return error_set(err, STATUS_FATAL, "no memory to fetch the bodies of deliveries");
    for (size_t i = 0; i < count; i++) {
        const bool same_township = i > 0 && claims[i].township == claims[i - 1].township;
        arrays->households[i] = claims[i].household_id;
        arrays->event_ids[i] = claims[i].event_id;
        arrays->turns[i] = same_township ? arrays->turns[i - 1] + 1 : 0;
    }
    return STATUS_OK;
}

static void body_arrays_free(struct body_arrays *arrays)
{
    free(arrays->households);
    free(arrays->event_ids);
    free(arrays->turns);
}

/* The asks as two arrays; claim_deliveries takes a negative number for a probe. */
struct ask_arrays {
    int64_t *townships;
    int32_t *limits;
};

static enum status ask_arrays_make(struct ask_arrays *arrays, const struct outbox_ask *asks, size_t count,
                                   struct error *err)
{
    arrays->townships = calloc(count + 1, sizeof *arrays->townships);
    arrays->limits = calloc(count + 1, sizeof *arrays->limits);
    if (!arrays->townships || !arrays->limits)
        return error_set(err, STATUS_FATAL, "no memory to claim deliveries");
    for (size_t i = 0; i < count; i++) {
        arrays->townships[i] = asks[i].township;
        arrays->limits[i] = asks[i].probe ? -1 : asks[i].limit;
    }
    return STATUS_OK;
}

static void ask_arrays_free(struct ask_arrays *arrays)
{
    free(arrays->townships);
    free(arrays->limits);
}

/* Whom to call back; one of the functions is set. */
struct call {
    void *context;
    outbox_recorded recorded;
    outbox_overdue_known overdue;
};

/* Submits and hands the call over; frees it when that fails. */
static enum status submit(struct pg_async *async, const char *sql, const struct pg_param *params,
                          int timeout_ms, pg_async_done done, struct call call, struct error *err)
{
    struct call *kept = malloc(sizeof *kept);
    if (!kept)
        return error_set(err, STATUS_FATAL, "no memory to ask the database");
    *kept = call;
    enum status status = pg_async_submit(async, sql, params, timeout_ms, done, kept, err);
    if (status)
        free(kept);
    return status;
}

/* An array for the callback, one entry per row; NULL without rows. *status becomes STATUS_FATAL without memory. */
static void *rows_array(const struct pg_result *result, size_t item_bytes, enum status *status,
                        struct error *err)
{
    size_t rows = pg_result_rows(result);
    void *items = rows ? calloc(rows, item_bytes) : NULL;
    if (rows && !items)
        *status = error_set(err, STATUS_FATAL, "no memory for what the database answers");
    return items;
}

/* A claim that has been made, while its bodies are fetched. */
struct claiming {
    struct pg_async *async;
    int64_t lease_ms;
    int64_t bytes_max;
    bool by_turns;       /* there are long ones */
    int64_t deadline_ms; /* monotonic; of both statements */
    outbox_claimed claimed;
    void *context;
    struct outbox_claim *claims;
    size_t count;
};

static void claiming_end(struct claiming *claiming, enum status status, const struct error *why)
{
    claiming->claimed(claiming->context, status, claiming->claims, status ? 0 : claiming->count, why);
    free(claiming->claims);
    free(claiming);
}

static enum status fetch_bodies(struct claiming *claiming, struct error *err);

static bool lacks_body(const struct claiming *claiming)
{
    for (size_t i = 0; i < claiming->count; i++)
        if (claiming->claims[i].event.bytes == NULL)
            return true;
    return false;
}

static void bodies_done(void *context, enum status status, const struct pg_result *result,
                        const struct error *why)
{
    struct claiming *claiming = context;
    struct error own;
    for (size_t i = 0; i < pg_result_rows(result); i++)
        (void)claim_of_body(claiming->claims, claiming->count, result, i);
    if (!status && !claiming->by_turns && lacks_body(claiming)) {
        claiming->by_turns = true;
        for (size_t i = 0; i < claiming->count; i++)
            claiming->claims[i].event = (struct slice){0}; /* it ends with this answer */
        status = fetch_bodies(claiming, &own);
        if (!status)
            return;
        why = &own;
    }
    claiming_end(claiming, status, why);
}

static enum status fetch_bodies(struct claiming *claiming, struct error *err)
{
    struct body_arrays arrays;
    const size_t count = claiming->count;
    int64_t left_ms = claiming->deadline_ms - clock_monotonic_ms();
    int timeout_ms = left_ms > 0 ? (int)left_ms : 0;
    enum status status = body_arrays_make(&arrays, claiming->claims, count, err);
    if (!status && !claiming->by_turns)
        status = pg_async_submit(claiming->async, bodies_sql,
                                 pg_params(pg_of_int64_array(arrays.households, count),
                                           pg_of_uuid_array(arrays.event_ids, count),
                                           pg_of_int64(claiming->bytes_max / (int64_t)count)),
                                 timeout_ms, bodies_done, claiming, err);
    else if (!status)
        status = pg_async_submit(
            claiming->async, bodies_by_turns_sql,
            pg_params(pg_of_int64_array(arrays.households, count), pg_of_uuid_array(arrays.event_ids, count),
                      pg_of_int64(claiming->bytes_max), pg_of_int32_array(arrays.turns, count)),
            timeout_ms, bodies_done, claiming, err);
    body_arrays_free(&arrays);
    return status;
}

static void claim_done(void *context, enum status status, const struct pg_result *result,
                       const struct error *why)
{
    struct claiming *claiming = context;
    struct error own;
    if (!status) {
        claiming->claims = rows_array(result, sizeof *claiming->claims, &status, &own);
        claiming->count = claiming->claims ? pg_result_rows(result) : 0;
        why = status ? &own : why;
    }
    for (size_t i = 0; i < claiming->count; i++)
        claiming->claims[i] = claim_at(result, i, claiming->lease_ms);
    if (!status && claiming->count > 0) {
        status = fetch_bodies(claiming, &own);
        if (!status)
            return;
        why = &own;
    }
    claiming_end(claiming, status, why);
}

enum status outbox_claim_async(struct pg_async *async, int64_t leader, const struct outbox_ask *asks,
                               size_t ask_count, int64_t lease_ms, int64_t bytes_max, int timeout_ms,
                               outbox_claimed done, void *context, struct error *err)
{
    struct ask_arrays arrays;
    struct claiming *claiming = calloc(1, sizeof *claiming);
    if (!claiming)
        return error_set(err, STATUS_FATAL, "no memory to claim deliveries");
    *claiming = (struct claiming){
        .async = async,
        .lease_ms = lease_ms,
        .bytes_max = bytes_max,
        .deadline_ms = clock_monotonic_ms() + timeout_ms,
        .claimed = done,
        .context = context,
    };
    enum status status = ask_arrays_make(&arrays, asks, ask_count, err);
    if (!status)
        status = pg_async_submit(async, claim_sql,
                                 pg_params(pg_of_int64_array(arrays.townships, ask_count),
                                           pg_of_int32_array(arrays.limits, ask_count), pg_of_int64(lease_ms),
                                           pg_of_int64(leader)),
                                 timeout_ms, claim_done, claiming, err);
    ask_arrays_free(&arrays);
    if (status)
        free(claiming);
    return status;
}

enum status outbox_recall(struct pg *pg, int64_t *count, struct error *err)
{
    return pg_update(pg,
                     "update delivery set lease_until = now()"
                     " where finished_at is null and state = 'in_flight' and lease_until > now()",
                     pg_params(), count, err);
}

/* --- results ------------------------------------------------------------------------------------------------ */

static const char *const outcome_states[] = {
    [OUTBOX_DELIVERED] = "delivered", [OUTBOX_AGAIN] = "queued",      [OUTBOX_FAILED] = "failed",
    [OUTBOX_EXPIRED] = "expired",     [OUTBOX_RELEASED] = "released",
};

static const char record_sql[] =
    "select record_results($9, $1, $2, $3, $4, $5, $6, $7, $8, $10, $11::text[]::tid[])";

struct result_arrays {
    int64_t *households, *townships, *next_ms, *pauses_ms;
    int32_t *attempts, *http;
    struct slice *states, *errors, *places;
    const char **event_ids;
    size_t count;
};

static void result_arrays_free(struct result_arrays *a)
{
    free(a->households);
    free(a->townships);
    free(a->next_ms);
    free(a->pauses_ms);
    free(a->attempts);
    free(a->http);
    free(a->states);
    free(a->errors);
    free(a->places);
    free(a->event_ids);
}

static enum status result_arrays_make(struct result_arrays *a, const struct outbox_result *results,
                                      size_t count, struct error *err)
{
    size_t n = count + 1;
    *a = (struct result_arrays){
        .households = calloc(n, sizeof *a->households),
        .townships = calloc(n, sizeof *a->townships),
        .next_ms = calloc(n, sizeof *a->next_ms),
        .pauses_ms = calloc(n, sizeof *a->pauses_ms),
        .attempts = calloc(n, sizeof *a->attempts),
        .http = calloc(n, sizeof *a->http),
        .states = calloc(n, sizeof *a->states),
        .errors = calloc(n, sizeof *a->errors),
        .places = calloc(n, sizeof *a->places),
        .event_ids = calloc(n, sizeof *a->event_ids),
        .count = count,
    };
    if (!a->households || !a->townships || !a->next_ms || !a->attempts || !a->http || !a->states ||
        !a->errors || !a->event_ids || !a->pauses_ms || !a->places)
        return error_set(err, STATUS_FATAL, "no memory to record results");
    for (size_t i = 0; i < count; i++) {
        const struct outbox_result *r = &results[i];
        a->households[i] = r->household_id;
        a->townships[i] = r->township;
        a->next_ms[i] = r->next_attempt_in_ms;
        a->pauses_ms[i] = r->endpoint_pause_ms;
        a->places[i] = slice_of(r->place[0] ? r->place : "(0,0)"); /* where no row lies */
        a->attempts[i] = r->attempts;
        a->http[i] = r->http_status;
        a->states[i] = slice_of(outcome_states[r->outcome]);
        a->errors[i] = slice_of(r->error ? r->error : "");
        a->event_ids[i] = r->event_id;
    }
    return STATUS_OK;
}

#define RESULT_PARAMS(a, leader)                                                                             \
    pg_params(pg_of_int64_array((a)->households, (a)->count), pg_of_uuid_array((a)->event_ids, (a)->count),  \
              pg_of_int64_array((a)->townships, (a)->count), pg_of_int32_array((a)->attempts, (a)->count),   \
              pg_of_text_array((a)->states, (a)->count), pg_of_int64_array((a)->next_ms, (a)->count),        \
              pg_of_int32_array((a)->http, (a)->count), pg_of_text_array((a)->errors, (a)->count),           \
              pg_of_int64(leader), pg_of_int64_array((a)->pauses_ms, (a)->count),                            \
              pg_of_text_array((a)->places, (a)->count))

/* Of statements whose one row says how many rows counted. */
static void count_done(void *context, enum status status, const struct pg_result *result,
                       const struct error *why)
{
    struct call *call = context;
    int64_t affected = pg_result_rows(result) ? pg_get_int64(result, 0, 0) : 0;
    if (call->recorded)
        call->recorded(call->context, status, affected, why);
    free(call);
}

enum status outbox_record_async(struct pg_async *async, int64_t leader, const struct outbox_result *results,
                                size_t count, int timeout_ms, outbox_recorded done, void *context,
                                struct error *err)
{
    struct result_arrays arrays;
    enum status status = result_arrays_make(&arrays, results, count, err);
    if (!status)
        status = submit(async, record_sql, RESULT_PARAMS(&arrays, leader), timeout_ms, count_done,
                        (struct call){.context = context, .recorded = done}, err);
    result_arrays_free(&arrays);
    return status;
}

/* --- due before their time ---------------------------------------------------------------------------------- */

/* An attempt may be under way by a lease of that clock: it gets a minute. */
static const char set_right_sql[] =
    "with led as materialized (select fence($1)),"
    " due as (update delivery set next_attempt_at = least(next_attempt_at, now()),"
    "     lease_until = case when state = 'in_flight' then least(lease_until, now() + interval '1 minute') end"
    "   from led where finished_at is null and state <> 'held'"
    "     and (next_attempt_at > now() + interval '1 day' or lease_until > now() + interval '1 day') returning 1),"
    " awake as (update endpoint set paused_until = null from led"
    "   where paused_until > now() + interval '1 day' returning 1)"
    " select (select count(*) from due) + (select count(*) from awake)";

enum status outbox_set_right_async(struct pg_async *async, int64_t leader, int timeout_ms,
                                   outbox_recorded done, void *context, struct error *err)
{
    return submit(async, set_right_sql, pg_params(pg_of_int64(leader)), timeout_ms, count_done,
                  (struct call){.context = context, .recorded = done}, err);
}

enum status outbox_unpause_async(struct pg_async *async, int64_t leader, const int64_t *townships,
                                 size_t count, int timeout_ms, outbox_recorded done, void *context,
                                 struct error *err)
{
    return submit(async,
                  "with led as materialized (select fence($2)),"
                  " awake as (update endpoint set paused_until = null from led"
                  "   where township_code = any($1) and paused_until is not null returning 1),"
                  " due as (update delivery set next_attempt_at = now() from led"
                  "   where township_code = any($1) and finished_at is null and state = 'queued'"
                  "     and next_attempt_at > now() returning 1)"
                  " select (select count(*) from awake) + (select count(*) from due)",
                  pg_params(pg_of_int64_array(townships, count), pg_of_int64(leader)), timeout_ms, count_done,
                  (struct call){.context = context, .recorded = done}, err);
}

enum status outbox_hurry_async(struct pg_async *async, int64_t leader, const int64_t *townships, size_t count,
                               int timeout_ms, outbox_recorded done, void *context, struct error *err)
{
    return submit(
        async,
        "with led as materialized (select fence($2)),"
        " down as materialized (select township_code from endpoint, led"
        "   where township_code = any($1) and last_failure_at is not null),"
        " due as (update delivery d set next_attempt_at = now() from down"
        "   where d.township_code = down.township_code and d.finished_at is null and d.state = 'queued'"
        "     and d.next_attempt_at > now()"
        "     and (d.last_status is null or d.last_status = 408 or d.last_status >= 500) returning 1)"
        " select count(*) from due",
        pg_params(pg_of_int64_array(townships, count), pg_of_int64(leader)), timeout_ms, count_done,
        (struct call){.context = context, .recorded = done}, err);
}

/* --- giving up ---------------------------------------------------------------------------------------------- */

#define IS_OVERDUE                                                                                           \
    "d.expires_at <= now() and d.finished_at is null and (d.state = 'queued' or d.state = 'in_flight' and d.lease_until <= now())"

static const char overdue_sql[] =
    "select household_id, event_id, township_code, attempts, priority, type, event from ("
    " select d.household_id, d.event_id, d.township_code, d.attempts, d.priority, o.type, o.event, d.outbox_no,"
    "   sum(octet_length(o.event)) over (order by d.outbox_no) - octet_length(o.event) as before"
    " from (select * from delivery d where " IS_OVERDUE
    "   and now() <= $2::timestamptz + interval '1 day' order by d.outbox_no limit $1) d"
    " join outbox o using (household_id, event_id)) as body where before < $3 order by outbox_no";

static void overdue_done(void *context, enum status status, const struct pg_result *result,
                         const struct error *why)
{
    struct call *call = context;
    struct error own;
    struct outbox_overdue *overdue = rows_array(result, sizeof *overdue, &status, &own);
    size_t count = overdue ? pg_result_rows(result) : 0;
    for (size_t i = 0; i < count; i++) {
        overdue[i] = (struct outbox_overdue){
            .household_id = pg_get_int64(result, i, 0),
            .township = pg_get_int64(result, i, 2),
            .attempts = pg_get_int32(result, i, 3),
            .priority = pg_get_int16(result, i, 4),
            .type = pg_get_text(result, i, 5),
            .event = pg_get_text(result, i, 6),
        };
        pg_get_uuid(result, i, 1, overdue[i].event_id);
    }
    call->overdue(call->context, status, overdue, count, status && result ? &own : why);
    free(overdue);
    free(call);
}

enum status outbox_overdue_async(struct pg_async *async, int limit, int64_t unix_ms, int timeout_ms,
                                 outbox_overdue_known done, void *context, struct error *err)
{
    return submit(async, overdue_sql,
                  pg_params(pg_of_int32(limit), pg_of_timestamp(unix_ms), pg_of_int64(OUTBOX_OVERDUE_BYTES)),
                  timeout_ms, overdue_done, (struct call){.context = context, .overdue = done}, err);
}

/* $1… the new event; `source` says from where it comes: an unconditional row, or the delivery that was given up. */
#define PUT_EVENT(source)                                                                                    \
    " ready as (insert into endpoint (township_code) select $3 from " source " on conflict do nothing),"     \
    " put as (insert into outbox (household_id, event_id, township_code, type, event)"                       \
    "   select $1, $2, $3, $4, $7 from " source                                                              \
    " on conflict do nothing returning household_id, event_id, outbox_no),"                                  \
    " queued as (insert into delivery (household_id, event_id, outbox_no, township_code, priority, state, "  \
    "expires_at)"                                                                                            \
    "   select household_id, event_id, outbox_no, $3, $5, 'queued', now() + $6 * interval '1 millisecond' from put returning 1)"

#define EVENT_PARAMS(e, leader)                                                                              \
    pg_of_int64((e)->household_id), pg_of_uuid((e)->event_id), pg_of_int64((e)->township),                   \
        pg_of_text((e)->type), pg_of_int16((e)->priority), pg_of_int64((e)->term_ms),                        \
        pg_of_slice((e)->event), pg_of_int64(leader)

static const char put_sql[] =
    "with one as (select fence($8) where not exists"
    "   (select from endpoint where township_code = $3 and state = 'held'))," PUT_EVENT(
        "one") " select count(*) from queued";

static const char give_up_sql[] =
    "with gone as (update delivery d set state = 'expired', lease_until = null, finished_at = now()"
    "   where d.household_id = $1 and d.event_id = $2 and " IS_OVERDUE " and fence($3) returning 1)"
    " select count(*) from gone";

static const char give_up_instead_sql[] =
    "with gone as (update delivery d set state = 'expired', lease_until = null, finished_at = now()"
    "   where d.household_id = $9 and d.event_id = $10 and " IS_OVERDUE
    " and fence($8) returning 1)," PUT_EVENT("gone") " select count(*) from gone";

enum status outbox_give_up_async(struct pg_async *async, int64_t leader, int64_t household_id,
                                 const char *event_id, const struct outbox_event *instead, int timeout_ms,
                                 outbox_recorded done, void *context, struct error *err)
{
    struct call call = {.context = context, .recorded = done};
    if (!instead)
        return submit(async, give_up_sql,
                      pg_params(pg_of_int64(household_id), pg_of_uuid(event_id), pg_of_int64(leader)),
                      timeout_ms, count_done, call, err);
    return submit(async, give_up_instead_sql,
                  pg_params(EVENT_PARAMS(instead, leader), pg_of_int64(household_id), pg_of_uuid(event_id)),
                  timeout_ms, count_done, call, err);
}

enum status outbox_put_async(struct pg_async *async, int64_t leader, const struct outbox_event *event,
                             int timeout_ms, outbox_recorded done, void *context, struct error *err)
{
    return submit(async, put_sql, pg_params(EVENT_PARAMS(event, leader)), timeout_ms, count_done,
                  (struct call){.context = context, .recorded = done}, err);
}

/* --- endpoints ------------------------------------------------------------------------------------------------ */

enum status outbox_ensure_endpoints(struct pg *pg, const int64_t *townships, size_t count, struct error *err)
{
    return pg_update(pg, "insert into endpoint (township_code) select unnest($1) on conflict do nothing",
                     pg_params(pg_of_int64_array(townships, count)), NULL, err);
}

enum status outbox_hold_endpoint_async(struct pg_async *async, int64_t leader, int64_t township,
                                       const char *reason, int timeout_ms, outbox_recorded done,
                                       void *context, struct error *err)
{
    return submit(async,
                  "with held as (update endpoint set state = 'held', held_reason = $2"
                  "   where township_code = $1 and state = 'active' and fence($3) returning township_code),"
                  " noted as (insert into audit (actor, action, detail) select 'daemon', 'endpoint.hold',"
                  "   jsonb_build_object('township', township_code::text, 'reason', $2) from held)"
                  " select count(*) from held",
                  pg_params(pg_of_int64(township), pg_of_text(reason), pg_of_int64(leader)), timeout_ms,
                  count_done, (struct call){.context = context, .recorded = done}, err);
}
