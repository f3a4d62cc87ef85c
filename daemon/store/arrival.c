/* SPDX-License-Identifier: PostgreSQL */
#include "store/arrival.h"

#include "io/pg.h"

#include <stdio.h>
#include <string.h>

#define FROM_BATCH                                                                                           \
    "batch_id, batch, sha256, mode, period_from, period_to, rows_total, sent_at from batch where source = $1"
#define ACCEPTED FROM_BATCH " and status = 'accepted'"

static void copy_text(char *out, size_t size, struct slice text)
{
    snprintf(out, size, "%.*s", (int)text.length, text.length > 0 ? text.bytes : "");
}

/* Its columns from `column` on. */
static void read_batch(const struct pg_result *result, size_t row, int column, struct arrival_batch *batch)
{
    batch->exists = true;
    batch->batch_id = pg_get_int64(result, row, column);
    copy_text(batch->name, sizeof batch->name, pg_get_text(result, row, column + 1));
    copy_text(batch->sha256, sizeof batch->sha256, pg_get_text(result, row, column + 2));
    batch->mode = slice_is(pg_get_text(result, row, column + 3), "full") ? BATCH_FULL : BATCH_DELTA;
    batch->period_from = pg_get_day(result, row, column + 4);
    batch->period_to = pg_get_day(result, row, column + 5);
    batch->rows_total = pg_get_int64(result, row, column + 6);
    batch->sent_at_ms = pg_get_unix_ms(result, row, column + 7);
}

static void no_batch(struct arrival_batch *batch)
{
    *batch = (struct arrival_batch){.period_from = DAY_NONE, .period_to = DAY_NONE, .sent_at_ms = INT64_MIN};
}

static const char look_sql[] =
    "select 0, " ACCEPTED " and batch = $2"
    " union all (select 1, " ACCEPTED " and sha256 = $3 order by batch_id desc limit 1)"
    " union all (select 2, " ACCEPTED
    " and period_to is not null order by period_to desc, batch_id desc limit 1)"
    " union all (select 3, " ACCEPTED " order by batch_id desc limit 1)"
    " union all (select 4, " ACCEPTED " and " BATCH_SENT_BELIEVABLE " order by sent_at desc limit 1)";

enum status arrival_look(struct pg *pg, int source, const char *name, const char *sha256,
                         struct arrival *arrival, struct error *err)
{
    struct arrival_batch *const looks[] = {&arrival->same_name, &arrival->same_bytes, &arrival->latest,
                                           &arrival->newest, &arrival->last_sent};
    struct pg_result *result;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        no_batch(looks[i]);
    enum status status = pg_query(
        pg, look_sql, pg_params(pg_of_int16(source), pg_of_text(name), pg_of_text(sha256)), &result, err);
    for (size_t row = 0; row < pg_result_rows(result); row++)
        read_batch(result, row, 1, looks[pg_get_int32(result, row, 0)]);
    pg_result_free(result);
    return status;
}

/* The first row. */
static enum status look_one(struct pg *pg, const char *sql, const struct pg_param *params,
                            struct arrival_batch *batch, struct error *err)
{
    struct pg_result *result;
    no_batch(batch);
    enum status status = pg_query(pg, sql, params, &result, err);
    if (pg_result_rows(result) > 0)
        read_batch(result, 0, 0, batch);
    pg_result_free(result);
    return status;
}

enum status arrival_outdated(struct pg *pg, int source, day_t period_to, int64_t sent_at_ms,
                             struct arrival_batch *batch, struct error *err)
{
    return look_one(pg,
                    "select " ACCEPTED " and period_to >= $2 and sent_at > $3 and " BATCH_SENT_BELIEVABLE
                    " and mode = 'full' order by sent_at desc, batch_id desc limit 1",
                    pg_params(pg_of_int16(source), pg_of_day(period_to), pg_of_timestamp(sent_at_ms)), batch,
                    err);
}

enum status arrival_refused(struct pg *pg, int source, const char *name, const char *file_name,
                            const char *sha256, bool any_bytes, struct arrival_batch *batch,
                            struct error *err)
{
    return look_one(pg,
                    "select " FROM_BATCH " and status = 'refused' and batch = $2 and file_name = $3"
                    " and ($5 or sha256 is not distinct from $4) order by batch_id desc limit 1",
                    pg_params(pg_of_int16(source), pg_of_text(name), pg_of_text(file_name),
                              pg_of_text(sha256), pg_of_bool(any_bytes)),
                    batch, err);
}

enum status arrival_names(struct pg *pg, arrival_take_name *take, void *context, struct error *err)
{
    struct pg_copy_out *copy;
    enum status status = pg_copy_out_begin(
        pg, "copy (select person_id, name from person) to stdout (format binary)", &copy, err);
    if (status)
        return status;
    for (struct pg_row *row; (row = pg_copy_out_next(copy));) {
        int64_t person_id = 0;
        (void)pg_row_int64(row, &person_id);
        take(context, person_id, pg_row_text(row));
    }
    return pg_copy_out_end(copy, err);
}

enum status arrival_audit(struct pg *pg, const char *actor, const char *action, const char *detail_json,
                          struct error *err)
{
    return pg_update(pg, "insert into audit (actor, action, detail) values ($1, $2, $3::jsonb)",
                     pg_params(pg_of_text(actor), pg_of_text(action), pg_of_text(detail_json)), NULL, err);
}
