/* SPDX-License-Identifier: PostgreSQL */
#include "store/batch.h"

#include "io/pg.h"
#include "store/fetch.h"
#include "store/sender.h"

#include <stdlib.h>
#include <string.h>

/* Lines of one answer; a file may have a million, and a line several rows. */
enum { QUARANTINE_AT_ONCE = 2000 };

const char *batch_mode_name(enum batch_mode mode)
{
    return mode == BATCH_FULL ? "full" : "delta";
}

/* --- writing --- */

static struct pg_param sent_at(const struct batch_manifest *manifest)
{
    return manifest->sent_at_ms == INT64_MIN ? pg_of_null() : pg_of_timestamp(manifest->sent_at_ms);
}

static enum status insert_batch(struct pg *pg, const struct batch_manifest *manifest,
                                const char *batch_status, const char *reason,
                                const struct batch_counts *counts, int64_t *batch_id, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(
        pg,
        "insert into batch (source, batch, mode, status, reason, period_from, period_to, sent_at, file_name,"
        "  sha256, encoding, rows_total, rows_stored, rows_quarantined, rows_stranger)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning batch_id",
        pg_params(pg_of_int16(manifest->source), pg_of_text(manifest->name ? manifest->name : ""),
                  pg_of_text(batch_mode_name(manifest->mode)), pg_of_text(batch_status), pg_of_text(reason),
                  pg_of_day(manifest->period_from), pg_of_day(manifest->period_to), sent_at(manifest),
                  pg_of_text(manifest->file_name ? manifest->file_name : ""), pg_of_text(manifest->sha256),
                  pg_of_text(manifest->encoding), pg_of_int64(counts->rows_total),
                  pg_of_int64(counts->rows_stored), pg_of_int64(counts->rows_quarantined),
                  pg_of_int64(counts->rows_stranger)),
        &result, err);
    if (status)
        return status;
    *batch_id = pg_get_int64(result, 0, 0);
    pg_result_free(result);
    return STATUS_OK;
}

enum status batch_accept(struct pg *pg, const struct batch_manifest *manifest, int64_t *batch_id,
                         struct error *err)
{
    static const struct batch_counts none = {0};
    enum status status = insert_batch(pg, manifest, "accepted", NULL, &none, batch_id, err);
    if (status && strcmp(pg_sqlstate(pg), "23505") == 0)
        return error_set(err, STATUS_REJECT, "a batch of this source named %s was accepted before",
                         manifest->name);
    return status;
}

enum status batch_count(struct pg *pg, int64_t batch_id, const struct batch_counts *counts,
                        const char *detail_json, struct error *err)
{
    return pg_update(
        pg,
        "update batch set rows_total = $2, rows_stored = $3, rows_quarantined = $4, rows_stranger = $5,"
        "  detail = coalesce($6::jsonb, '{}') where batch_id = $1",
        pg_params(pg_of_int64(batch_id), pg_of_int64(counts->rows_total), pg_of_int64(counts->rows_stored),
                  pg_of_int64(counts->rows_quarantined), pg_of_int64(counts->rows_stranger),
                  pg_of_text(detail_json)),
        NULL, err);
}

enum status batch_refuse(struct pg *pg, const struct batch_manifest *manifest, const char *reason,
                         const struct batch_counts *counts, int64_t *batch_id, struct error *err)
{
    return insert_batch(pg, manifest, "refused", reason, counts, batch_id, err);
}

bool batch_is_unusable(const struct batch_counts *counts)
{
    const int64_t lost = counts->rows_quarantined, rows = counts->rows_total;
    return lost > 0 && lost * 10 >= rows && (lost >= 10 || lost * 2 >= rows);
}

/* --- quarantine --- */

struct quarantine_writer {
    struct pg *pg;
    struct sender *sender;
    int64_t batch_id;
    struct pg_rows rows;
};

enum status quarantine_writer_new(struct pg *pg, int64_t batch_id, struct sender *sender,
                                  struct quarantine_writer **writer, struct error *err)
{
    *writer = calloc(1, sizeof **writer);
    if (!*writer)
        return error_set(err, STATUS_FATAL, "no memory for the quarantine of a batch");
    (*writer)->pg = pg;
    (*writer)->sender = sender;
    (*writer)->batch_id = batch_id;
    pg_rows_init(&(*writer)->rows);
    return STATUS_OK;
}

static enum status send_quarantine(struct quarantine_writer *writer, struct error *err)
{
    static const char sql[] = "copy quarantine (batch_id, line, column_name, reason, found, expected, kept)"
                              " from stdin (format binary)";
    return writer->sender ? sender_send(writer->sender, sql, &writer->rows, err)
                          : pg_copy_in(writer->pg, sql, &writer->rows, err);
}

enum status quarantine_writer_finish(struct quarantine_writer *writer, struct error *err)
{
    enum status status = send_quarantine(writer, err);
    return status || !writer->sender ? status : sender_wait(writer->sender, err);
}

/* Never null: an empty slice may have no address. */
static struct slice present(struct slice text)
{
    return text.bytes ? text : (struct slice){"", 0};
}

enum status quarantine_writer_add(struct quarantine_writer *writer, const struct quarantine_row *row,
                                  struct error *err)
{
    struct pg_rows *rows = &writer->rows;
    pg_rows_begin(rows, 7);
    pg_put_int64(rows, writer->batch_id);
    pg_put_int64(rows, row->line);
    pg_put_text(rows, present(row->column));
    pg_put_str(rows, row->reason);
    pg_put_text(rows, present(row->found));
    pg_put_str(rows, row->expected);
    pg_put_bool(rows, row->kept);
    return pg_rows_full(rows) ? send_quarantine(writer, err) : STATUS_OK;
}

void quarantine_writer_free(struct quarantine_writer *writer)
{
    if (!writer)
        return;
    pg_rows_fini(&writer->rows);
    free(writer);
}

/* --- looking --- */

#define BATCH_COLUMNS                                                                                        \
    "b.batch_id, b.source, s.name, s.title, b.batch, b.mode, b.status, b.reason, b.period_from, "            \
    "b.period_to,"                                                                                           \
    " b.sent_at, b.received_at, b.file_name, b.sha256, b.encoding, b.rows_total, b.rows_stored, "            \
    "b.rows_quarantined,"                                                                                    \
    " b.rows_stranger, b.detail"
#define BATCH_FROM " from batch b join source s using (source)"

static void read_batch(struct fetch *fetch, struct batch_info *batch)
{
    const struct pg_result *result = fetch->result;
    size_t row = fetch->row;
    *batch = (struct batch_info){
        .batch_id = pg_get_int64(result, row, 0),
        .source = pg_get_int16(result, row, 1),
        .source_name = fetch_text(fetch, 2),
        .source_title = fetch_text(fetch, 3),
        .name = fetch_text(fetch, 4),
        .mode = slice_is(pg_get_text(result, row, 5), "full") ? BATCH_FULL : BATCH_DELTA,
        .accepted = slice_is(pg_get_text(result, row, 6), "accepted"),
        .reason = fetch_text(fetch, 7),
        .period_from = pg_get_day(result, row, 8),
        .period_to = pg_get_day(result, row, 9),
        .sent_at_ms = pg_get_unix_ms(result, row, 10),
        .received_at_ms = pg_get_unix_ms(result, row, 11),
        .file_name = fetch_text(fetch, 12),
        .sha256 = fetch_text(fetch, 13),
        .encoding = fetch_text(fetch, 14),
        .counts = {pg_get_int64(result, row, 15), pg_get_int64(result, row, 16),
                   pg_get_int64(result, row, 17), pg_get_int64(result, row, 18)},
        .detail_json = fetch_text(fetch, 19),
    };
}

day_t batch_speaks_to(const struct batch_info *batch)
{
    if (batch->period_to == DAY_NONE || batch->received_at_ms == INT64_MIN)
        return batch->period_to;
    day_t received = civil_shanghai_day(batch->received_at_ms / 1000);
    return batch->period_to < received ? batch->period_to : received;
}

static enum status query_list(struct pg *pg, const char *sql, const struct pg_param *params,
                              struct arena *arena, const struct batch_info **batches, size_t *count,
                              struct error *err)
{
    struct fetch fetch;
    *batches = NULL;
    *count = 0;
    enum status status = fetch_query(&fetch, pg, sql, params, arena, err);
    struct batch_info *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        read_batch(&fetch, &items[fetch.row]);
    size_t rows = fetch.rows;
    status = fetch_done(&fetch, status, err);
    if (status)
        return status;
    *batches = items;
    *count = rows;
    return STATUS_OK;
}

static enum status query_one(struct pg *pg, const char *sql, const struct pg_param *params,
                             struct arena *arena, const struct batch_info **batch, struct error *err)
{
    size_t count;
    return query_list(pg, sql, params, arena, batch, &count, err);
}

enum status batch_list_newest(struct pg *pg, struct arena *arena, const struct batch_info **batches,
                              size_t *count, struct error *err)
{
    return query_list(
        pg,
        "select " BATCH_COLUMNS " from source s cross join lateral"
        " (select (select max(batch_id) from batch where source = s.source and status = 'accepted') as accepted,"
        "    (select max(batch_id) from batch where source = s.source and status = 'refused') as refused) n"
        " join batch b on b.batch_id = any (array[n.accepted,"
        "   case when n.refused > coalesce(n.accepted, 0) then n.refused end])"
        " order by b.source, b.batch_id desc",
        pg_params(), arena, batches, count, err);
}

enum status batch_list_accepted(struct pg *pg, struct arena *arena, const struct batch_info **batches,
                                size_t *count, struct error *err)
{
    return query_list(
        pg,
        "select b.batch_id, b.source, s.name, s.title, b.batch, b.mode, b.status, null::text, b.period_from,"
        " b.period_to, b.sent_at, b.received_at, ''::text, null::text, null::text, b.rows_total, b.rows_stored,"
        " b.rows_quarantined, b.rows_stranger, null::text" BATCH_FROM
        " where b.status = 'accepted' order by b.batch_id",
        pg_params(), arena, batches, count, err);
}

enum status batch_lookup(struct pg *pg, const char *number_or_name, struct arena *arena,
                         const struct batch_info **batch, struct error *err)
{
    return query_one(pg,
                     "select " BATCH_COLUMNS BATCH_FROM " where b.batch_id::text = $1 or b.batch = $1"
                     " order by b.batch_id::text = $1 desc, b.batch_id desc limit 1",
                     pg_params(pg_of_text(number_or_name)), arena, batch, err);
}

enum status batch_lookup_of(struct pg *pg, const char *feed, const char *number_or_name, struct arena *arena,
                            const struct batch_info **batch, bool *known, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(pg, "select 1 from source where name = $1 and source <> 0",
                                  pg_params(pg_of_text(feed)), &result, err);
    *known = status == STATUS_OK && pg_result_rows(result) > 0;
    pg_result_free(result);
    *batch = NULL;
    return status != STATUS_OK || !*known
               ? status
               : query_one(pg,
                           "select " BATCH_COLUMNS BATCH_FROM
                           " where s.name = $2 and (b.batch_id::text = $1 or b.batch = $1)"
                           " order by b.batch_id::text = $1 desc, b.status = 'accepted' desc, b.batch_id desc"
                           " limit 1",
                           pg_params(pg_of_text(number_or_name), pg_of_text(feed)), arena, batch, err);
}

/*
 * By whole lines, so that what lies behind the last one is all that is left; between two lines, and the first of them found by the
 * index's order, so that the server reads no more than that, whether it knows a million rows of the batch or, as long as it has
 * not analysed them, believes that there are none: then min() or an offset would read and sort all that is left for each answer.
 */
static const char quarantine_sql[] =
    "with first as materialized (select line from quarantine where batch_id = $1 and line > $2 order by line limit 1)"
    " select line, column_name, reason, found, expected, kept from quarantine where batch_id = $1"
    " and line >= (select line from first) and line < (select line from first) + $3"
    " order by line, column_name, reason";

static enum status visit_rows(const struct pg_result *result, size_t rows, quarantine_visit visit,
                              void *context, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < rows; i++)
        status = visit(context,
                       &(struct quarantine_row){
                           .line = pg_get_int64(result, i, 0),
                           .column = pg_get_text(result, i, 1),
                           .reason = pg_get_text(result, i, 2).bytes,
                           .found = pg_get_text(result, i, 3),
                           .expected = pg_get_text(result, i, 4).bytes,
                           .kept = pg_get_bool(result, i, 5),
                       },
                       err);
    return status;
}

enum status batch_quarantine_kinds(struct pg *pg, int64_t batch_id, struct arena *arena,
                                   const struct quarantine_kind **kinds, size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(
        &fetch, pg,
        "select reason, column_name, kept, count(*), min(line) from quarantine where batch_id = $1"
        " group by 1, 2, 3 order by 4 desc, 1, 2, 3",
        pg_params(pg_of_int64(batch_id)), arena, err);
    struct quarantine_kind *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct quarantine_kind){
            .reason = fetch_text(&fetch, 0),
            .column = fetch_text(&fetch, 1),
            .kept = pg_get_bool(fetch.result, fetch.row, 2),
            .rows = pg_get_int64(fetch.result, fetch.row, 3),
            .first_line = pg_get_int64(fetch.result, fetch.row, 4),
        };
    *kinds = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

enum status batch_quarantine(struct pg *pg, int64_t batch_id, int64_t limit, quarantine_visit visit,
                             void *context, struct error *err)
{
    int64_t line = INT64_MIN, left = limit > 0 ? limit : INT64_MAX;
    for (bool more = true; more;) {
        struct pg_result *result;
        enum status status =
            pg_query(pg, quarantine_sql,
                     pg_params(pg_of_int64(batch_id), pg_of_int64(line), pg_of_int64(QUARANTINE_AT_ONCE)),
                     &result, err);
        if (status)
            return status;
        size_t rows = pg_result_rows(result);
        if (rows > 0)
            line = pg_get_int64(result, rows - 1, 0);
        if ((int64_t)rows > left)
            rows = (size_t)left;
        left -= (int64_t)rows;
        more = rows > 0 && left > 0;
        status = visit_rows(result, rows, visit, context, err);
        pg_result_free(result);
        if (status)
            return status;
    }
    return STATUS_OK;
}
