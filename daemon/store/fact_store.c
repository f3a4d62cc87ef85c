/* SPDX-License-Identifier: PostgreSQL */
#include "store/fact_store.h"

#include "base/kill_point.h"
#include "store/fact_writer.h"
#include "store/sender.h"

#include <stdlib.h>

/* Rows are sorted by subject in portions of this size, so that an index is met leaf by leaf: in the order of a
 * partner's file every row would miss the cache. */
enum { PORTION_BYTES = 16 << 20 };

const struct fact_table fact_tables[SUBJECTS] = {
    [FACT_PERSON] = {"person_fact", "person_id", 11},
    [FACT_HOUSEHOLD] = {"household_fact", "household_id", 11},
    [FACT_STRANGER] = {"stranger_fact", "id_packed", 12},
};

enum status fact_writer_no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for a batch's facts");
}

void fact_writer_columns(struct text *sql, enum fact_subject subject)
{
    text_printf(sql, "%s, value, batch_id, from_day, to_day, row_no, code, source, as_of, ref, detail%s",
                fact_tables[subject].key, subject == FACT_STRANGER ? ", name" : "");
}

void fact_writer_table(struct text *sql, const struct part *part)
{
    text_add_str(sql, fact_tables[part->subject].table);
    if (part->code)
        text_printf(sql, "_%d", part->code);
    if (part->history)
        text_add_str(sql, "_history");
}

enum status fact_writer_part(struct fact_writer *writer, enum fact_subject subject, int code,
                             struct part **part, struct error *err)
{
    if (subject == FACT_STRANGER)
        code = 0;
    uint32_t *at = &writer->part_at[subject][code];
    if (*at == 0) {
        if (writer->part_count == writer->part_capacity) {
            size_t capacity = writer->part_capacity ? 2 * writer->part_capacity : 32;
            struct part *grown = realloc(writer->parts, capacity * sizeof *grown);
            if (!grown)
                return fact_writer_no_memory(err);
            writer->parts = grown;
            writer->part_capacity = capacity;
        }
        writer->parts[writer->part_count] = (struct part){.subject = subject, .code = code};
        pg_rows_init(&writer->parts[writer->part_count].rows);
        *at = (uint32_t)++writer->part_count;
    }
    *part = &writer->parts[*at - 1];
    return STATUS_OK;
}

/* The kinds that the database knows decide what an identity is. Of the codes those that the source has spoken of are seen. */
static enum status load_codes(struct fact_writer *writer, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(writer->pg,
                                  "select c.code, c.kind = 'amount', s.code is not null from fact_code c"
                                  " left join source_code s on s.source = $1 and s.code = c.code",
                                  pg_params(pg_of_int16(writer->plan.source)), &result, err);
    if (status)
        return status;
    for (size_t i = 0; i < pg_result_rows(result); i++) {
        int code = pg_get_int16(result, i, 0);
        if (code < 0)
            continue;
        writer->amount[code] = pg_get_bool(result, i, 1);
        writer->code_seen[code] = pg_get_bool(result, i, 2);
    }
    pg_result_free(result);
    return STATUS_OK;
}

/* What was sent later came first, and stands. */
static enum status load_later(struct fact_writer *writer, struct error *err)
{
    const struct fact_plan *plan = &writer->plan;
    struct pg_result *result;
    if (plan->sent_at_ms == 0 || plan->sent_at_ms == INT64_MIN)
        return STATUS_OK;
    enum status status =
        pg_query(writer->pg,
                 "select batch_id from batch where source = $1 and status = 'accepted' and"
                 " sent_at > $2 and " BATCH_SENT_BELIEVABLE " order by batch_id",
                 pg_params(pg_of_int16(plan->source), pg_of_timestamp(plan->sent_at_ms)), &result, err);
    if (status)
        return status;
    size_t count = pg_result_rows(result);
    writer->later = malloc((count + 1) * sizeof *writer->later);
    for (; writer->later && writer->later_count < count; writer->later_count++)
        writer->later[writer->later_count] = pg_get_int64(result, writer->later_count, 0);
    pg_result_free(result);
    return writer->later ? STATUS_OK : fact_writer_no_memory(err);
}

enum status fact_writer_new(struct pg *pg, const struct fact_plan *plan, struct fact_writer **writer,
                            struct error *err)
{
    struct fact_writer *new = calloc(1, sizeof *new);
    *writer = NULL;
    if (!new)
        return fact_writer_no_memory(err);
    new->pg = pg;
    new->plan = *plan;
    new->sender = plan->sender;
    new->owns_sender = plan->sender == NULL;
    new->tally.places = plan->places;
    new->scoped = plan->scope != NULL;
    for (size_t i = 0; i < SUBJECTS; i++) {
        new->past[i] = (struct part){.subject = (enum fact_subject)i, .history = true};
        pg_rows_init(&new->past[i].rows);
    }
    enum status status = fact_index_init(&new->index, plan->expected_rows, err);
    if (!status && new->owns_sender)
        status = sender_new(pg, &new->sender, err);
    if (!status)
        status = load_codes(new, err);
    if (!status)
        status = load_later(new, err);
    if (!status)
        status = fact_writer_load_live(new, err);
    new->plan.scope = NULL;
    new->plan.days = NULL;
    if (status) {
        fact_writer_free(new);
        return status;
    }
    *writer = new;
    return STATUS_OK;
}

/* Files come code by code: a portion's memory must not stay with every part that once filled it. */
static void empty_part(struct part *part)
{
    pg_rows_fini(&part->rows);
    free(part->keys);
    part->keys = NULL;
    part->count = part->capacity = 0;
}

void fact_writer_free(struct fact_writer *writer)
{
    if (!writer)
        return;
    if (writer->owns_sender)
        sender_free(writer->sender);
    for (size_t i = 0; i < writer->part_count; i++)
        empty_part(&writer->parts[i]);
    for (size_t i = 0; i < SUBJECTS; i++)
        empty_part(&writer->past[i]);
    free(writer->parts);
    free(writer->ties);
    free(writer->spared);
    free(writer->later);
    fact_index_fini(&writer->index);
    volume_tally_free(&writer->tally);
    text_fini(&writer->codes);
    free(writer);
}

/* --- sending ------------------------------------------------------------------------------------------------ */

static int compare_keys(const void *a, const void *b)
{
    const struct row_key *one = a, *other = b;
    if (one->subject_id != other->subject_id)
        return one->subject_id < other->subject_id ? -1 : 1;
    return one->begin < other->begin ? -1 : one->begin > other->begin;
}

enum status fact_writer_send(struct fact_writer *writer, struct part *part, struct error *err)
{
    struct pg_rows sorted;
    struct text sql;
    qsort(part->keys, part->count, sizeof *part->keys, compare_keys);
    pg_rows_init(&sorted);
    for (size_t i = 0; i < part->count; i++)
        pg_rows_copy(&sorted, &part->rows, part->keys[i].begin, part->keys[i].end);
    empty_part(part);
    text_init(&sql);
    text_add_str(&sql, "copy ");
    fact_writer_table(&sql, part);
    text_add_str(&sql, " (");
    fact_writer_columns(&sql, part->subject);
    text_printf(&sql, "%s) from stdin (format binary)", part->history ? ", ended_by" : "");
    enum status status =
        sql.failed ? fact_writer_no_memory(err) : sender_send(writer->sender, sql.bytes, &sorted, err);
    text_fini(&sql);
    pg_rows_fini(&sorted);
    KILL_POINT("facts.copied");
    return status ? error_wrap(err, "storing facts") : STATUS_OK;
}

static enum status send_portion(struct fact_writer *writer, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < writer->part_count && !status; i++)
        if (writer->parts[i].count > 0)
            status = fact_writer_send(writer, &writer->parts[i], err);
    writer->pending_bytes = 0;
    return status;
}

static bool add_key(struct part *part, int64_t subject_id, size_t begin, size_t end)
{
    if (part->count == part->capacity) {
        size_t capacity = part->capacity ? 2 * part->capacity : 256;
        struct row_key *grown = realloc(part->keys, capacity * sizeof *grown);
        if (!grown)
            return false;
        part->keys = grown;
        part->capacity = capacity;
    }
    part->keys[part->count++] = (struct row_key){subject_id, (uint32_t)begin, (uint32_t)end};
    return true;
}

size_t fact_writer_compose(const struct fact_writer *writer, struct part *part, const struct fact_row *row,
                           int64_t batch_id)
{
    struct pg_rows *rows = &part->rows;
    size_t begin = pg_rows_begin(rows, fact_tables[row->subject].columns + part->history);
    pg_put_int64(rows, row->subject_id);
    if (row->value == FACT_UNKNOWN)
        pg_put_null(rows);
    else
        pg_put_int64(rows, row->value);
    pg_put_int64(rows, batch_id);
    pg_put_day(rows, row->from);
    pg_put_day(rows, row->to);
    pg_put_int32(rows, row->row_no);
    pg_put_int16(rows, row->code);
    pg_put_int16(rows, writer->plan.source);
    pg_put_day(rows, row->as_of);
    pg_put_text(rows, row->ref.bytes ? row->ref : (struct slice){"", 0});
    pg_put_text(rows, row->detail);
    if (row->subject == FACT_STRANGER)
        pg_put_text(rows, row->name.bytes ? row->name : (struct slice){"", 0});
    if (part->history)
        pg_put_int64(rows, writer->plan.batch_id);
    bool room = !rows->bytes.failed && add_key(part, row->subject_id, begin, rows->bytes.length);
    return room ? rows->bytes.length - begin : 0;
}

static enum status compose(struct fact_writer *writer, const struct fact_row *row, struct error *err)
{
    struct part *part;
    enum status status = fact_writer_part(writer, row->subject, row->code, &part, err);
    if (status)
        return status;
    size_t bytes = fact_writer_compose(writer, part, row, writer->plan.batch_id);
    if (bytes == 0)
        return fact_writer_no_memory(err);
    writer->pending_bytes += bytes;
    return writer->pending_bytes >= PORTION_BYTES ? send_portion(writer, err) : STATUS_OK;
}

/* --- adding ------------------------------------------------------------------------------------------------- */

static void note_code(struct fact_writer *writer, int code)
{
    int16_t number = (int16_t)code;
    if (!writer->code_seen[code])
        text_add(&writer->codes, (const char *)&number, sizeof number);
    writer->code_seen[code] = true;
}

static struct fact_identity identity_of(const struct fact_writer *writer, const struct fact_row *row)
{
    return (struct fact_identity){.kind = (int)row->subject,
                                  .code = row->code,
                                  .amount = writer->amount[row->code],
                                  .subject = row->subject_id,
                                  .from = row->from,
                                  .to = row->to,
                                  .ref = row->ref};
}

/* Only a state with a number can stand beside others of its day: see fact_store.h. */
static enum status note_tie(struct fact_writer *writer, const struct fact_row *row, size_t entry,
                            struct error *err)
{
    if (writer->plan.mode != BATCH_FULL || writer->index.live_count == 0 || row->ref.length == 0 ||
        writer->amount[row->code])
        return STATUS_OK;
    if (writer->tie_count == writer->tie_capacity) {
        size_t capacity = writer->tie_capacity ? 2 * writer->tie_capacity : 256;
        struct tie *grown = realloc(writer->ties, capacity * sizeof *grown);
        if (!grown)
            return fact_writer_no_memory(err);
        writer->ties = grown;
        writer->tie_capacity = capacity;
    }
    struct fact_identity plain = identity_of(writer, row);
    plain.ref = (struct slice){"", 0};
    writer->ties[writer->tie_count++] =
        (struct tie){fact_index_print(&writer->index, &plain), (uint32_t)entry, (uint32_t)row->row_no};
    return STATUS_OK;
}

static int compare_batches(const void *a, const void *b)
{
    const int64_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

bool fact_writer_is_of_later(const struct fact_writer *writer, const struct fact_live *live)
{
    const int64_t batch = live->batch;
    return writer->later_count > 0 &&
           bsearch(&batch, writer->later, writer->later_count, sizeof batch, compare_batches) != NULL;
}

/* A fact that is live. False: it stays as it is, and nothing is written. */
static bool meet_live(struct fact_writer *writer, const struct fact_row *row, struct fact_live *live,
                      enum fact_met *met)
{
    const struct fact_content content = {
        .value = row->value,
        .to = row->to,
        .as_of = row->as_of,
        .detail = row->detail,
        .name = row->subject != FACT_STRANGER ? (struct slice){NULL, 0}
                : row->name.bytes             ? row->name
                                              : (struct slice){"", 0},
    };
    bool same = live->content == fact_index_content(&writer->index, &content);
    live->line = (uint32_t)row->row_no;
    const bool later = fact_writer_is_of_later(writer, live);
    if (later || (same && writer->plan.mode == BATCH_FULL)) {
        live->fate = FATE_KEPT;
        writer->kept += same;
        *met = same ? FACT_TAKEN : FACT_OUTDATED;
        return false;
    }
    live->fate = same ? FATE_RESTATED : FATE_CHANGED;
    writer->restated += same;
    return true;
}

static bool tally(struct fact_writer *writer, const struct fact_row *row)
{
    return !writer->plan.by_township || row->subject == FACT_STRANGER ||
           volume_add(&writer->tally, row->subject == FACT_PERSON ? VOLUME_PERSON : VOLUME_HOUSEHOLD,
                      row->subject_id);
}

static enum status add_one(struct fact_writer *writer, const struct fact_row *row, struct fact_print print,
                           enum fact_met *met, struct error *err)
{
    size_t entry;
    bool fresh;
    enum status status = fact_index_add(&writer->index, print, &entry, &fresh, err);
    if (status)
        return status;
    struct fact_live *live = entry < writer->index.live_count ? &writer->index.live[entry] : NULL;
    *met = !fresh && (!live || live->fate != FATE_UNSTATED) ? FACT_REPEATED : FACT_TAKEN;
    if (*met == FACT_REPEATED)
        return STATUS_OK;
    bool written = !live || meet_live(writer, row, live, met);
    if (*met == FACT_OUTDATED)
        return STATUS_OK;
    if (!tally(writer, row))
        return fact_writer_no_memory(err);
    writer->added[row->subject]++;
    note_code(writer, row->code);
    status = note_tie(writer, row, entry, err);
    return status || !written ? status : compose(writer, row, err);
}

enum status fact_writer_add(struct fact_writer *writer, const struct fact_row *rows, size_t count,
                            enum fact_met *met, struct error *err)
{
    struct fact_print prints[FACT_GROUP];
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        struct fact_identity identity = identity_of(writer, &rows[i]);
        prints[i] = fact_index_print(&writer->index, &identity);
        fact_index_prefetch(&writer->index, prints[i]);
    }
    for (size_t i = 0; i < count && !status; i++)
        status = add_one(writer, &rows[i], prints[i], &met[i], err);
    return status;
}

enum status fact_writer_spare(struct fact_writer *writer, enum fact_subject subject, int64_t subject_id,
                              int code, struct error *err)
{
    if (writer->plan.mode != BATCH_FULL || writer->index.live_count == 0)
        return STATUS_OK;
    if (writer->spared_count == writer->spared_capacity) {
        size_t capacity = writer->spared_capacity ? 2 * writer->spared_capacity : 64;
        struct spared *grown = realloc(writer->spared, capacity * sizeof *grown);
        if (!grown)
            return fact_writer_no_memory(err);
        writer->spared = grown;
        writer->spared_capacity = capacity;
    }
    writer->spared[writer->spared_count++] = (struct spared){subject, code, subject_id};
    return STATUS_OK;
}

/* --- the end ------------------------------------------------------------------------------------------------ */

/* Which codes the source has now spoken about for the first time. */
static enum status store_codes(struct fact_writer *writer, struct error *err)
{
    if (writer->codes.failed)
        return fact_writer_no_memory(err);
    if (writer->codes.length == 0)
        return STATUS_OK;
    return pg_update(writer->pg,
                     "insert into source_code (source, code, first_batch)"
                     " select $1, unnest($2), $3 on conflict do nothing",
                     pg_params(pg_of_int16(writer->plan.source),
                               pg_of_int16_array((const int16_t *)(const void *)writer->codes.bytes,
                                                 writer->codes.length / sizeof(int16_t)),
                               pg_of_int64(writer->plan.batch_id)),
                     NULL, err);
}

enum status fact_writer_finish(struct fact_writer *writer, struct fact_counts *counts, struct error *err)
{
    *counts = (struct fact_counts){
        .persons = writer->added[FACT_PERSON],
        .households = writer->added[FACT_HOUSEHOLD],
        .strangers = writer->added[FACT_STRANGER],
        .before = (int64_t)writer->index.live_count,
    };
    enum status status = send_portion(writer, err);
    if (!status)
        status = sender_wait(writer->sender, err);
    KILL_POINT("facts.placed");
    if (!status)
        status = fact_writer_supersede(writer, counts, err);
    KILL_POINT("facts.superseded");
    if (!status)
        status = store_codes(writer, err);
    writer->tally.strangers = counts->strangers;
    return status || !writer->plan.by_township
               ? status
               : volume_store(writer->pg, writer->plan.batch_id, &writer->tally, err);
}
