/* SPDX-License-Identifier: PostgreSQL */
#include "store/clearing_store.h"

#include "io/pg.h"
#include "store/batch.h"
#include "store/fetch.h"

static enum status pull_rows(struct pg *pg, struct arena *arena, struct clearing_rows *rows,
                             struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg,
                    "select household_id, rule, clearing_since, clearing_on, clearing_rounds,"
                    " clearing_rounds_needed, clearing_base, clearing_batches, clearing_batches_needed"
                    " from finding where clearing_since is not null order by household_id",
                    pg_params(), arena, err);
    struct clearing_row *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct clearing_row){
            .household_id = pg_get_int64(fetch.result, fetch.row, 0),
            .rule = fetch_text(&fetch, 1),
            .since = pg_get_day(fetch.result, fetch.row, 2),
            .counted_on = pg_get_day(fetch.result, fetch.row, 3),
            .rounds = pg_get_int16(fetch.result, fetch.row, 4),
            .rounds_needed = pg_get_int16(fetch.result, fetch.row, 5),
            .base_batch = pg_get_int64(fetch.result, fetch.row, 6),
            .batches = pg_get_int16(fetch.result, fetch.row, 7),
            .batches_needed = pg_get_int16(fetch.result, fetch.row, 8),
        };
    rows->rows = items;
    rows->count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

static enum status pull_numbers(struct pg *pg, const char *sql, struct arena *arena,
                                const struct clearing_batch **batches, size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg, sql, pg_params(), arena, err);
    struct clearing_batch *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct clearing_batch){pg_get_int16(fetch.result, fetch.row, 0),
                                                   pg_get_int64(fetch.result, fetch.row, 1)};
    *batches = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

enum status clearing_pull(struct pg *pg, struct arena *arena, bool batches, struct clearing_rows *rows,
                          struct error *err)
{
    *rows = (struct clearing_rows){0};
    enum status status = pull_rows(pg, arena, rows, err);
    if (status == STATUS_OK && batches)
        status = pull_numbers(pg,
                              "select source, batch_id from round_batch where round_id ="
                              " (select max(round_id) from round where state = 'committed')",
                              arena, &rows->seen, &rows->seen_count, err);
    if (status == STATUS_OK && batches)
        status = pull_numbers(
            pg,
            "select source, batch_id from batch where status = 'accepted' and (not (" BATCH_UNUSABLE(
                "batch.") ")"
                          "  or exists (select from batch_trust t where t.batch_id = batch.batch_id)) and batch_id >"
                          " least((select min(clearing_base) from finding where clearing_since is not null),"
                          "       (select min(batch_id) from round_batch where round_id ="
                          "          (select max(round_id) from round where state = 'committed')))"
                          " order by source, batch_id",
            arena, &rows->since, &rows->since_count, err);
    return status;
}

static const char told_now_sql[] =
    "select rule, clearing_since, clearing_rounds, clearing_rounds_needed, clearing_batches,"
    " clearing_batches_needed, 0::bigint from finding where household_id = $1 and clearing_since is not null"
    " and $2 = 0 order by rule collate \"C\"";

static const char told_then_sql[] =
    "select rule, since, rounds, rounds_needed, batches, batches_needed, round_id from"
    " (select distinct on (rule) * from finding_waiting where household_id = $1 and round_id <= $2"
    "  order by rule, round_id desc) w where since is not null order by rule collate \"C\"";

enum status clearing_told(struct pg *pg, int64_t household_id, int64_t round_id, struct arena *arena,
                          const struct clearing_row **rows, size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg, round_id == 0 ? told_now_sql : told_then_sql,
                                     pg_params(pg_of_int64(household_id), pg_of_int64(round_id)), arena, err);
    struct clearing_row *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct clearing_row){
            .household_id = household_id,
            .rule = fetch_text(&fetch, 0),
            .since = pg_get_day(fetch.result, fetch.row, 1),
            .counted_on = DAY_NONE,
            .rounds = pg_get_int16(fetch.result, fetch.row, 2),
            .rounds_needed = pg_get_int16(fetch.result, fetch.row, 3),
            .batches = pg_get_int16(fetch.result, fetch.row, 4),
            .batches_needed = pg_get_int16(fetch.result, fetch.row, 5),
            .told_by = pg_get_int64(fetch.result, fetch.row, 6),
        };
    *rows = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}
