/* SPDX-License-Identifier: PostgreSQL */
/* Rounds as rows; the transaction that writes their changes is in round_commit.c. */
#include "store/round_store.h"

#include "io/pg.h"
#include "store/fetch.h"
#include "store/vocabulary.h"

static const char *const state_names[] = {
    [ROUND_RUNNING] = "running",
    [ROUND_COMMITTED] = "committed",
    [ROUND_HELD] = "held",
    [ROUND_FAILED] = "failed",
};

const char *round_state_name(enum round_state state)
{
    return state_names[state];
}

/* --- policies ------------------------------------------------------------------------------------------------- */

enum status round_policy_put(struct pg *pg, const char *policy_hash, const char *name, const char *version,
                             struct slice body, struct error *err)
{
    return pg_update(
        pg,
        "insert into policy_version (policy_hash, name, version, body) values ($1, $2, $3, $4)"
        " on conflict (policy_hash) do nothing",
        pg_params(pg_of_text(policy_hash), pg_of_text(name), pg_of_text(version), pg_of_slice(body)), NULL,
        err);
}

enum status round_policy_get(struct pg *pg, const char *policy_hash, struct arena *arena, const char **name,
                             const char **version, const char **body, struct error *err)
{
    struct fetch fetch;
    *name = *version = *body = NULL;
    enum status status =
        fetch_query(&fetch, pg, "select name, version, body from policy_version where policy_hash = $1",
                    pg_params(pg_of_text(policy_hash)), arena, err);
    if (fetch.rows) {
        *name = fetch_text(&fetch, 0);
        *version = fetch_text(&fetch, 1);
        *body = fetch_text(&fetch, 2);
    }
    return fetch_done(&fetch, status, err);
}

/* --- the life of a round -------------------------------------------------------------------------------------- */

enum status round_begin(struct pg *pg, const char *cause, day_t as_of, const char *policy_hash,
                        int64_t *round_id, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(pg,
                 "insert into round (state, cause, as_of, policy_hash)"
                 " values ('running', $1, $2, $3) returning round_id",
                 pg_params(pg_of_text(cause), pg_of_day(as_of), pg_of_text(policy_hash)), &result, err);
    if (status)
        return status;
    *round_id = pg_get_int64(result, 0, 0);
    pg_result_free(result);
    return STATUS_OK;
}

enum status round_fail(struct pg *pg, int64_t round_id, const char *reason, struct error *err)
{
    return pg_update(pg,
                     "update round set state = 'failed', finished_at = clock_timestamp(), error = $2"
                     " where round_id = $1 and state = 'running'",
                     pg_params(pg_of_int64(round_id), pg_of_text(reason)), NULL, err);
}

enum status round_fail_leftovers(struct pg *pg, int64_t *count, struct error *err)
{
    return pg_update(pg,
                     "update round set state = 'failed', finished_at = clock_timestamp(),"
                     " error = 'the daemon ended during this round' where state = 'running'",
                     pg_params(), count, err);
}

enum status round_hold(struct pg *pg, int64_t round_id, const char *counts_json, const char *stages_json,
                       const char *reason, struct error *err)
{
    int64_t affected;
    enum status status =
        pg_update(pg,
                  "update round set state = 'held', finished_at = clock_timestamp(), counts = $2::jsonb,"
                  " stages = $3::jsonb, error = $4 where round_id = $1 and state = 'running'",
                  pg_params(pg_of_int64(round_id), pg_of_text(counts_json), pg_of_text(stages_json),
                            pg_of_text(reason)),
                  &affected, err);
    if (!status && affected == 0)
        return error_set(err, STATUS_RETRY, "round %lld is no longer running", (long long)round_id);
    return status;
}

enum status round_accept(struct pg *pg, int64_t round_id, const char *who, const char *reason,
                         struct error *err)
{
    int64_t affected;
    enum status status =
        pg_update(pg,
                  "update round set accepted_by = $2, accepted_reason = $3"
                  " where round_id = $1 and state = 'held' and accepted_by is null",
                  pg_params(pg_of_int64(round_id), pg_of_text(who), pg_of_text(reason)), &affected, err);
    if (!status && affected == 0)
        return error_set(err, STATUS_REJECT, "round %lld is not held, or was accepted before",
                         (long long)round_id);
    return status;
}

/* --- looking -------------------------------------------------------------------------------------------------- */

#define ROUND_SELECT                                                                                         \
    "select r.round_id, r.state, r.cause, r.as_of, r.policy_hash, p.name, p.version, r.started_at, "         \
    "r.finished_at,"                                                                                         \
    " r.error, r.accepted_by, r.accepted_reason, r.counts, r.stages"                                         \
    " from round r left join policy_version p using (policy_hash)"

static void read_round(struct fetch *fetch, struct round_info *round)
{
    const struct pg_result *result = fetch->result;
    size_t row = fetch->row;
    int state =
        vocabulary_find(state_names, sizeof state_names / sizeof *state_names, pg_get_text(result, row, 1));
    *round = (struct round_info){
        .round_id = pg_get_int64(result, row, 0),
        .state = state < 0 ? ROUND_FAILED : (enum round_state)state,
        .cause = fetch_text(fetch, 2),
        .as_of = pg_get_day(result, row, 3),
        .policy_hash = fetch_text(fetch, 4),
        .policy_name = fetch_text(fetch, 5),
        .policy_version = fetch_text(fetch, 6),
        .started_at_ms = pg_get_unix_ms(result, row, 7),
        .finished_at_ms = pg_get_unix_ms(result, row, 8),
        .error = fetch_text(fetch, 9),
        .accepted_by = fetch_text(fetch, 10),
        .accepted_reason = fetch_text(fetch, 11),
        .counts_json = fetch_text(fetch, 12),
        .stages_json = fetch_text(fetch, 13),
    };
}

static enum status query_rounds(struct pg *pg, const char *sql, const struct pg_param *params,
                                struct arena *arena, const struct round_info **rounds, size_t *count,
                                struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg, sql, params, arena, err);
    struct round_info *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        read_round(&fetch, &items[fetch.row]);
    *rounds = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

enum status round_get(struct pg *pg, int64_t round_id, struct arena *arena, const struct round_info **round,
                      struct error *err)
{
    size_t count;
    return query_rounds(pg, ROUND_SELECT " where r.round_id = $1", pg_params(pg_of_int64(round_id)), arena,
                        round, &count, err);
}

enum status round_last_committed(struct pg *pg, struct arena *arena, const struct round_info **round,
                                 struct error *err)
{
    size_t count;
    return query_rounds(pg, ROUND_SELECT " where r.state = 'committed' order by r.round_id desc limit 1",
                        pg_params(), arena, round, &count, err);
}

enum status round_last_scheduled(struct pg *pg, int64_t *unix_ms, struct error *err)
{
    struct pg_result *result = NULL;
    enum status status = pg_query(pg,
                                  "select coalesce((select started_at from round where cause = 'schedule'"
                                  " and state in ('committed', 'held') order by round_id desc limit 1),"
                                  " (select started_at - interval '1 minute' from round"
                                  " where cause = 'schedule' order by round_id limit 1))",
                                  pg_params(), &result, err);
    *unix_ms = status || pg_is_null(result, 0, 0) ? 0 : pg_get_unix_ms(result, 0, 0);
    pg_result_free(result);
    return status;
}

enum status round_list(struct pg *pg, int limit, struct arena *arena, const struct round_info **rounds,
                       size_t *count, struct error *err)
{
    return query_rounds(pg, ROUND_SELECT " order by r.round_id desc limit $1", pg_params(pg_of_int32(limit)),
                        arena, rounds, count, err);
}

enum status round_batches(struct pg *pg, int64_t round_id, struct arena *arena,
                          const struct round_batch **batches, size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg,
                    "select source, batch_id, period_to, fresh from round_batch where round_id = $1"
                    " order by source",
                    pg_params(pg_of_int64(round_id)), arena, err);
    struct round_batch *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct round_batch){
            .source = pg_get_int16(fetch.result, fetch.row, 0),
            .batch_id = pg_get_int64(fetch.result, fetch.row, 1),
            .period_to = pg_get_day(fetch.result, fetch.row, 2),
            .fresh = pg_get_bool(fetch.result, fetch.row, 3),
        };
    *batches = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

enum status round_household_get(struct pg *pg, int64_t household_id, int64_t round_id, struct arena *arena,
                                const struct round_household **household, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(
        &fetch, pg,
        "select round_id, warning_id, previous_level, level, findings, evidence from warning_history"
        " where household_id = $1 and round_id <= $2 order by round_id desc limit 1",
        pg_params(pg_of_int64(household_id), pg_of_int64(round_id)), arena, err);
    struct round_household *item = fetch_array(&fetch, sizeof *item);
    if (item) {
        item->round_id = pg_get_int64(fetch.result, 0, 0);
        pg_get_uuid(fetch.result, 0, 1, item->warning_id);
        item->previous_level = vocabulary_level(pg_get_text(fetch.result, 0, 2));
        item->level = vocabulary_level(pg_get_text(fetch.result, 0, 3));
        item->findings_json = fetch_text(&fetch, 4);
        item->evidence_json = fetch_text(&fetch, 5);
    }
    *household = item;
    return fetch_done(&fetch, status, err);
}
