/* SPDX-License-Identifier: PostgreSQL */
#include "store/arrival.h"

#include "io/pg.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS "select batch_id, batch, sha256, mode, period_from, period_to, rows_total, sent_at from batch"

static void copy_text(char *out, size_t size, struct slice text)
{
    snprintf(out, size, "%.*s", (int)text.length, text.length > 0 ? text.bytes : "");
}

static enum status look_one(struct pg *pg, const char *sql, const struct pg_param *params,
                            struct arrival_batch *batch, struct error *err)
{
    struct pg_result *result;
    *batch = (struct arrival_batch){.period_from = DAY_NONE, .period_to = DAY_NONE, .sent_at_ms = INT64_MIN};
    enum status status = pg_query(pg, sql, params, &result, err);
    if (status)
        return status;
    if (pg_result_rows(result) > 0) {
        batch->exists = true;
        batch->batch_id = pg_get_int64(result, 0, 0);
        copy_text(batch->name, sizeof batch->name, pg_get_text(result, 0, 1));
        copy_text(batch->sha256, sizeof batch->sha256, pg_get_text(result, 0, 2));
        batch->mode = slice_is(pg_get_text(result, 0, 3), "full") ? BATCH_FULL : BATCH_DELTA;
        batch->period_from = pg_get_day(result, 0, 4);
        batch->period_to = pg_get_day(result, 0, 5);
        batch->rows_total = pg_get_int64(result, 0, 6);
        batch->sent_at_ms = pg_get_unix_ms(result, 0, 7);
    }
    pg_result_free(result);
    return STATUS_OK;
}

enum status arrival_look(struct pg *pg, int source, const char *name, const char *sha256,
                         struct arrival *arrival, struct error *err)
{
    enum status status = look_one(pg, COLUMNS " where source = $1 and status = 'accepted' and batch = $2",
                                  pg_params(pg_of_int16(source), pg_of_text(name)), &arrival->same_name, err);
    if (!status)
        status = look_one(pg,
                          COLUMNS " where source = $1 and status = 'accepted' and sha256 = $2"
                                  " order by batch_id desc limit 1",
                          pg_params(pg_of_int16(source), pg_of_text(sha256)), &arrival->same_bytes, err);
    if (!status)
        status = look_one(pg,
                          COLUMNS " where source = $1 and status = 'accepted' and period_to is not null"
                                  " order by period_to desc, batch_id desc limit 1",
                          pg_params(pg_of_int16(source)), &arrival->latest, err);
    if (!status)
        status =
            look_one(pg, COLUMNS " where source = $1 and status = 'accepted' order by batch_id desc limit 1",
                     pg_params(pg_of_int16(source)), &arrival->newest, err);
    if (!status)
        status = look_one(pg,
                          COLUMNS " where source = $1 and status = 'accepted' and " BATCH_SENT_BELIEVABLE
                                  " order by sent_at desc limit 1",
                          pg_params(pg_of_int16(source)), &arrival->last_sent, err);
    return status;
}

enum status arrival_outdated(struct pg *pg, int source, day_t period_to, int64_t sent_at_ms,
                             struct arrival_batch *batch, struct error *err)
{
    return look_one(pg,
                    COLUMNS " where source = $1 and status = 'accepted' and period_to >= $2 and sent_at > $3"
                            " and " BATCH_SENT_BELIEVABLE
                            " and mode = 'full' order by sent_at desc, batch_id desc limit 1",
                    pg_params(pg_of_int16(source), pg_of_day(period_to), pg_of_timestamp(sent_at_ms)), batch,
                    err);
}

enum status arrival_refused(struct pg *pg, int source, const char *name, const char *file_name,
                            const char *sha256, bool any_bytes, struct arrival_batch *batch,
                            struct error *err)
{
    return look_one(pg,
                    COLUMNS " where source = $1 and status = 'refused' and batch = $2 and file_name = $3"
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

enum status arrival_names_of(struct pg *pg, const int64_t *person_ids, size_t count, arrival_take_name *take,
                             void *context, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(pg, "select person_id, name from person where person_id = any($1)",
                                  pg_params(pg_of_int64_array(person_ids, count)), &result, err);
    for (size_t i = 0; i < pg_result_rows(result); i++)
        take(context, pg_get_int64(result, i, 0), pg_get_text(result, i, 1));
    pg_result_free(result);
    return status;
}

enum status arrival_audit(struct pg *pg, const char *actor, const char *action, const char *detail_json,
                          struct error *err)
{
    return pg_update(pg, "insert into audit (actor, action, detail) values ($1, $2, $3::jsonb)",
                     pg_params(pg_of_text(actor), pg_of_text(action), pg_of_text(detail_json)), NULL, err);
}
