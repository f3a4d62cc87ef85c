/* SPDX-License-Identifier: PostgreSQL */
#include "store/volume.h"

#include "domain/fact.h"
#include "io/pg.h"
#include "store/fetch.h"

/* --- counting ----------------------------------------------------------------------------------------------- */

/* %s: which of the source's facts. $3 are the codes that it ever spoke of, so that other codes' tables are not read. */
#define COUNT_SQL(OF_PERSONS, OF_HOUSEHOLDS)                                                                 \
    "insert into batch_township (batch_id, township_code, rows)"                                             \
    " select $1, township_code, sum(n)::bigint from ("                                                       \
    "select coalesce(h.township_code, 0) as township_code, count(*) as n from person_fact f"                 \
    " left join membership m on m.person_id = f.person_id and m.valid_to is null"                            \
    " left join household h on h.household_id = m.household_id"                                              \
    " where f.source = $2 and f.code = any($3)" OF_PERSONS " group by 1"                                     \
    " union all "                                                                                            \
    "select case when h.valid_to is null then h.township_code else 0 end, count(*) from household_fact f"    \
    " join household h on h.household_id = f.household_id"                                                   \
    " where f.source = $2 and f.code = any($3)" OF_HOUSEHOLDS " group by 1"                                  \
    " union all select 0, $4) part group by township_code"

static const char count_full_sql[] = COUNT_SQL("", "");
static const char count_delta_sql[] = COUNT_SQL(" and f.batch_id = $1", " and f.batch_id = $1");
static const char count_scope_sql[] = COUNT_SQL(" and f.batch_id = $1 and f.person_id = any($5)",
                                                " and f.batch_id = $1 and f.household_id = any($6)");

static enum status count_codes(struct pg *pg, const struct fact_plan *plan, const struct pg_param codes,
                               int64_t strangers, struct error *err)
{
    const struct pg_param batch = pg_of_int64(plan->batch_id), source = pg_of_int16(plan->source);
    const struct fact_scope *scope = plan->scope;
    if (plan->mode == BATCH_FULL || scope == NULL)
        return pg_update(pg, plan->mode == BATCH_FULL ? count_full_sql : count_delta_sql,
                         pg_params(batch, source, codes, pg_of_int64(strangers)), NULL, err);
    return pg_update(pg, count_scope_sql,
                     pg_params(batch, source, codes, pg_of_int64(strangers),
                               pg_of_int64_array(scope->ids[FACT_PERSON], scope->counts[FACT_PERSON]),
                               pg_of_int64_array(scope->ids[FACT_HOUSEHOLD], scope->counts[FACT_HOUSEHOLD])),
                     NULL, err);
}

enum status volume_count(struct pg *pg, const struct fact_plan *plan, int64_t strangers, struct error *err)
{
    struct pg_result *result;
    int16_t codes[FACT_CODE_NUMBER_MAX + 1];
    size_t count = 0;
    enum status status = pg_query(pg, "select code from source_code where source = $1",
                                  pg_params(pg_of_int16(plan->source)), &result, err);
    for (; status == STATUS_OK && count < pg_result_rows(result); count++)
        codes[count] = pg_get_int16(result, count, 0);
    if (status == STATUS_OK)
        pg_result_free(result);
    if (status == STATUS_OK)
        status = count_codes(pg, plan, pg_of_int16_array(codes, count), strangers, err);
    return status == STATUS_OK ? STATUS_OK : error_wrap(err, "counting a batch by township");
}

enum status volume_read(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *arena,
                        const struct volume **volumes, size_t *volume_count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg,
                                     "select township_code, batch_id, rows from batch_township"
                                     " where batch_id = any($1) order by township_code, batch_id",
                                     pg_params(pg_of_int64_array(batch_ids, count)), arena, err);
    struct volume *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct volume){pg_get_int64(fetch.result, fetch.row, 0),
                                           pg_get_int64(fetch.result, fetch.row, 1),
                                           pg_get_int64(fetch.result, fetch.row, 2)};
    *volumes = items;
    *volume_count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

/* --- what a round found ------------------------------------------------------------------------------------- */

enum status volume_put_swings(struct pg *pg, int64_t round_id, const struct volume_swing *swings,
                              size_t count, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = pg_update(pg,
                           "insert into round_swing (round_id, source, batch_id, township_code, rows, low,"
                           " high) values ($1, $2, $3, $4, $5, $6, $7)",
                           pg_params(pg_of_int64(round_id), pg_of_int16(swings[i].source),
                                     pg_of_int64(swings[i].batch_id), pg_of_int64(swings[i].township),
                                     pg_of_int64(swings[i].rows), pg_of_int64(swings[i].low),
                                     pg_of_int64(swings[i].high)),
                           NULL, err);
    return status;
}

enum status volume_swings(struct pg *pg, int64_t round_id, struct arena *arena,
                          const struct volume_swing **swings, size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg,
                    "select w.source, w.batch_id, w.township_code, w.rows, w.low, w.high, b.batch, s.name,"
                    " s.title from round_swing w join batch b using (batch_id) join source s on s.source ="
                    " w.source where w.round_id = case when $1 > 0 then $1 else (select max(round_id) from"
                    " round where state in ('committed', 'held')) end order by 1, 2, 3",
                    pg_params(pg_of_int64(round_id)), arena, err);
    struct volume_swing *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct volume_swing){
            .source = pg_get_int16(fetch.result, fetch.row, 0),
            .batch_id = pg_get_int64(fetch.result, fetch.row, 1),
            .township = pg_get_int64(fetch.result, fetch.row, 2),
            .rows = pg_get_int64(fetch.result, fetch.row, 3),
            .low = pg_get_int64(fetch.result, fetch.row, 4),
            .high = pg_get_int64(fetch.result, fetch.row, 5),
            .batch = fetch_text(&fetch, 6),
            .source_name = fetch_text(&fetch, 7),
            .source_title = fetch_text(&fetch, 8),
        };
    *swings = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}
