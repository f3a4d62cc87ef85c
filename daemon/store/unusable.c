/* SPDX-License-Identifier: PostgreSQL */
#include "store/unusable.h"

#include "io/pg.h"
#include "store/batch.h"
#include "store/fetch.h"

#include <stdlib.h>

enum { ROUND_COLUMNS = 5 }; /* of round_unusable, beside the round */

/* --- looking ------------------------------------------------------------------------------------------------ */

#define COLUMNS                                                                                              \
    "b.source, b.batch_id, b.rows_total, b.rows_quarantined, b.batch, s.name, s.title, "                     \
    "t.actor, t.reason, t.at, "
#define JOINED "join source s on s.source = b.source left join batch_trust t on t.batch_id = b.batch_id "

static enum status read_items(struct pg *pg, const char *sql, const struct pg_param *params,
                              struct arena *arena, const struct unusable **items, size_t *count,
                              struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg, sql, params, arena, err);
    struct unusable *read = fetch_array(&fetch, sizeof *read);
    for (; fetch.row < fetch.rows; fetch.row++)
        read[fetch.row] = (struct unusable){
            .source = pg_get_int16(fetch.result, fetch.row, 0),
            .batch_id = pg_get_int64(fetch.result, fetch.row, 1),
            .rows = pg_get_int64(fetch.result, fetch.row, 2),
            .quarantined = pg_get_int64(fetch.result, fetch.row, 3),
            .batch = fetch_text(&fetch, 4),
            .source_name = fetch_text(&fetch, 5),
            .source_title = fetch_text(&fetch, 6),
            .word = trust_fetch(&fetch, 7),
            .trusted = pg_get_bool(fetch.result, fetch.row, 10),
        };
    *items = read;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

/*
 * $1: excluded. The index batch_unusable (0025) finds them among all batches; of each its successors are looked at one by one, in
 * order, up to the one that makes it good, mostly the next: a join would read every batch.
 */
static const char find_sql[] =
    "select " COLUMNS "t.batch_id is not null from batch b " JOINED
    "where b.status = 'accepted' and " BATCH_UNUSABLE(
        "b.") " and b.source <> 0 and b.batch_id <> all ($1)"
              " and (select l.batch_id from batch l where l.source = b.source and l.status = 'accepted'"
              "  and l.batch_id > b.batch_id and l.batch_id <> all ($1) and (t.batch_id is not null"
              "   or ((b.sent_at is null or l.sent_at >= b.sent_at or b.sent_at > b.received_at + interval '1 day')"
              "    and (l.mode = 'full' or (b.mode = 'delta' and l.period_from <= b.period_from"
              "     and l.period_to >= b.period_to and (not (" BATCH_UNUSABLE(
                  "l.") ")"
                        "      or exists (select from batch_trust w where w.batch_id = l.batch_id))))))"
                        "  order by l.batch_id limit 1) is null order by 1, 2";

enum status unusable_find(struct pg *pg, const int64_t *excluded, size_t excluded_count, struct arena *arena,
                          const struct unusable **items, size_t *count, struct error *err)
{
    return read_items(pg, find_sql, pg_params(pg_of_int64_array(excluded, excluded_count)), arena, items,
                      count, err);
}

/* --- what a round found ------------------------------------------------------------------------------------- */

enum status unusable_of_round(struct pg *pg, int64_t round_id, struct arena *arena,
                              const struct unusable **items, size_t *count, struct error *err)
{
    return read_items(pg,
                      "select " COLUMNS "u.trusted from round_unusable u join batch b on b.batch_id ="
                      " u.batch_id " JOINED "where u.round_id = case when $1 > 0 then $1 else (select"
                      " max(round_id) from round where state in ('committed', 'held')) end order by 1, 2",
                      pg_params(pg_of_int64(round_id)), arena, items, count, err);
}

enum status unusable_put(struct pg *pg, int64_t round_id, const struct unusable *items, size_t count,
                         struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    int64_t *columns = calloc(ROUND_COLUMNS * count, sizeof *columns); /* one array for each, in one piece */
    if (columns == NULL)
        return error_set(err, STATUS_FATAL, "no memory for %zu batches that cannot be used", count);
    for (size_t i = 0; i < count; i++) {
        const int64_t row[ROUND_COLUMNS] = {items[i].source, items[i].batch_id, items[i].rows,
                                            items[i].quarantined, items[i].trusted};
        for (size_t column = 0; column < ROUND_COLUMNS; column++)
            columns[column * count + i] = row[column];
    }
    enum status status = pg_update(
        pg,
        "insert into round_unusable (round_id, source, batch_id, rows, quarantined, trusted)"
        " select $1, source, batch, rows, quarantined, trusted <> 0 from unnest($2::bigint[], $3::bigint[],"
        " $4::bigint[], $5::bigint[], $6::bigint[]) u (source, batch, rows, quarantined, trusted)",
        pg_params(pg_of_int64(round_id), pg_of_int64_array(columns, count),
                  pg_of_int64_array(columns + count, count), pg_of_int64_array(columns + 2 * count, count),
                  pg_of_int64_array(columns + 3 * count, count),
                  pg_of_int64_array(columns + 4 * count, count)),
        NULL, err);
    free(columns);
    return status;
}
