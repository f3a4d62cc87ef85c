/* SPDX-License-Identifier: PostgreSQL */
#include "store/fact_store.h"

#include "base/kill_point.h"
#include "domain/fact.h"
#include "io/pg.h"
#include "store/columns.h"
#include "store/fact_index.h"
#include "store/sender.h"
#include "store/volume.h"

#include <stdlib.h>
#include <string.h>

enum {
    SUBJECTS = 3,
    CODES = FACT_CODE_NUMBER_MAX + 1,
    PARTS_MAX = 2 * CODES + 1,
    /* Rows are sorted by subject in portions of this size, so that an index is met leaf by leaf: in the order of a
     * partner's file every row would miss the cache. */
    PORTION_BYTES = 16 << 20,
    TIDS_AT_ONCE = 5000,
    SUBJECTS_AT_ONCE = 5000, /* whose facts one answer holds */
};

/* Where facts about each kind of subject lie. */
static const struct {
    const char *table, *key;
    int columns;
} subjects[SUBJECTS] = {
    [FACT_PERSON] = {"person_fact", "person_id", 11},
    [FACT_HOUSEHOLD] = {"household_fact", "household_id", 11},
    [FACT_STRANGER] = {"stranger_fact", "id_packed", 12},
};

/* What becomes of a live fact. */
enum fate {
    FATE_UNSTATED,  /* full: it is ended */
    FATE_KEPT,      /* full: it was repeated */
    FATE_CHANGED,   /* superseded by a row that differs */
    FATE_RESTATED,  /* delta: it was repeated, and is written anew */
    FATE_RENUMBERED /* full: it was repeated, and takes this batch's numbers */
};

struct row_key {
    int64_t subject_id;
    uint32_t begin, end; /* of its bytes */
};

/* One table: a code's partition, or all strangers. */
struct part {
    enum fact_subject subject;
    int code; /* 0 for strangers */
    struct pg_rows rows;
    struct row_key *keys;
    size_t count, capacity;
};

/* A state with a document number: it may have others of the same day beside it. */
struct tie {
    struct fact_print plain; /* the same without a number: what its group is known by */
    uint32_t entry, line;
};

struct fact_writer {
    struct pg *pg;
    struct fact_plan plan;
    struct sender *sender;
    bool owns_sender;
    struct fact_index index;
    struct part *parts;
    size_t part_count, part_capacity;
    size_t pending_bytes;
    struct tie *ties;
    size_t tie_count, tie_capacity;
    int64_t added[SUBJECTS], kept, restated;
    struct volume_tally tally;
    struct text codes; /* as int16_t, each that the batch speaks of once */
    bool code_seen[CODES], amount[CODES];
    uint32_t part_at[SUBJECTS][CODES]; /* index + 1 */
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for a batch's facts");
}

static void add_columns(struct text *sql, enum fact_subject subject)
{
    text_printf(sql, "%s, value, batch_id, from_day, to_day, row_no, code, source, as_of, ref, detail%s",
                subjects[subject].key, subject == FACT_STRANGER ? ", name" : "");
}

static void add_table(struct text *sql, const struct part *part)
{
    text_add_str(sql, subjects[part->subject].table);
    if (part->code)
        text_printf(sql, "_%d", part->code);
}

static enum status find_part(struct fact_writer *writer, enum fact_subject subject, int code,
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
                return no_memory(err);
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

/* --- what is live ------------------------------------------------------------------------------------------- */

struct live_reading {
    struct fact_writer *writer;
    enum fact_subject subject;
    int code; /* 0: the row says */
    uint32_t part;
};

/* A live fact as it was read; its texts are borrowed. */
struct live_row {
    struct fact_live live;
    struct fact_identity identity;
    struct fact_content content;
    int64_t batch_id;
};

static struct live_row live_row(const struct live_reading *reading)
{
    return (struct live_row){.live = {.part = reading->part},
                             .identity = {.kind = (int)reading->subject, .code = reading->code},
                             .content = {.value = FACT_UNKNOWN}};
}

static enum status add_live(const struct live_reading *reading, struct live_row *row, struct error *err)
{
    struct fact_writer *writer = reading->writer;
    struct fact_index *index = &writer->index;
    row->content.to = row->identity.to;
    row->identity.amount = row->identity.code >= 0 && writer->amount[row->identity.code];
    row->live.batch = (uint32_t)row->batch_id;
    row->live.content = fact_index_content(index, &row->content);
    return fact_index_add_live(index, fact_index_print(index, &row->identity), &row->live, err);
}

static bool read_ctid(struct pg_row *row, struct fact_live *live)
{
    int length;
    const unsigned char *bytes = pg_row_column(row, 6, &length);
    if (!bytes)
        return false;
    live->block = pg_wire_uint32(bytes);
    live->offset = (uint16_t)(bytes[4] << 8 | bytes[5]);
    return true;
}

static bool read_live(void *target, struct pg_row *row)
{
    const struct live_reading *reading = target;
    struct live_row known = live_row(reading);
    int16_t code = (int16_t)reading->code;
    read_ctid(row, &known.live);
    pg_row_int64(row, &known.identity.subject);
    pg_row_int64(row, &known.content.value);
    known.identity.from = pg_row_day(row);
    known.identity.to = pg_row_day(row);
    known.content.as_of = pg_row_day(row);
    known.identity.ref = pg_row_text(row);
    known.content.detail = pg_row_text(row);
    pg_row_int64(row, &known.batch_id);
    pg_row_int32(row, &known.live.row_no);
    if (reading->subject == FACT_STRANGER) {
        pg_row_int16(row, &code);
        known.content.name = pg_row_text(row);
        known.identity.code = code;
    }
    struct error ignored;
    return add_live(reading, &known, &ignored) == STATUS_OK;
}

/* The same from an answer. */
static enum status get_live(const struct live_reading *reading, const struct pg_result *result, size_t i,
                            struct error *err)
{
    struct live_row known = live_row(reading);
    pg_get_tid(result, i, 0, &known.live.block, &known.live.offset);
    known.identity.subject = pg_get_int64(result, i, 1);
    if (!pg_is_null(result, i, 2))
        known.content.value = pg_get_int64(result, i, 2);
    known.identity.from = pg_get_day(result, i, 3);
    known.identity.to = pg_get_day(result, i, 4);
    known.content.as_of = pg_get_day(result, i, 5);
    known.identity.ref = pg_get_text(result, i, 6);
    if (!pg_is_null(result, i, 7))
        known.content.detail = pg_get_text(result, i, 7);
    known.batch_id = pg_get_int64(result, i, 8);
    known.live.row_no = pg_get_int32(result, i, 9);
    if (reading->subject == FACT_STRANGER) {
        known.identity.code = pg_get_int16(result, i, 10);
        known.content.name = pg_get_text(result, i, 11);
    }
    return add_live(reading, &known, err);
}

static void add_live_query(struct text *sql, const struct fact_writer *writer, const struct part *part)
{
    text_printf(sql, "select ctid, %s, value, from_day, to_day, as_of, ref, detail, batch_id, row_no%s from ",
                subjects[part->subject].key, part->subject == FACT_STRANGER ? ", code, name" : "");
    add_table(sql, part);
    text_printf(sql, " where source = %d", writer->plan.source);
}

static enum status load_whole(const struct live_reading *reading, struct text *sql, const struct part *part,
                              struct error *err)
{
    struct live_reading target = *reading;
    text_add_str(sql, "copy (");
    add_live_query(sql, reading->writer, part);
    text_add_str(sql, ") to stdout (format binary)");
    return sql->failed ? no_memory(err)
                       : columns_copy(reading->writer->pg, sql->bytes, read_live, &target, err);
}

/* By parameters, which a server's log of failed statements does not show: those of strangers are persons' numbers. */
static enum status load_scope(const struct live_reading *reading, struct text *sql, const struct part *part,
                              struct error *err)
{
    const struct fact_scope *scope = reading->writer->plan.scope;
    const int64_t *ids = scope->ids[part->subject];
    size_t left = scope->counts[part->subject];
    add_live_query(sql, reading->writer, part);
    text_printf(sql, " and %s = any($1)", subjects[part->subject].key);
    enum status status = sql->failed ? no_memory(err) : STATUS_OK;
    while (left > 0 && !status) {
        struct pg_result *result;
        size_t count = left < SUBJECTS_AT_ONCE ? left : SUBJECTS_AT_ONCE;
        status =
            pg_query(reading->writer->pg, sql->bytes, pg_params(pg_of_int64_array(ids, count)), &result, err);
        for (size_t i = 0; !status && i < pg_result_rows(result); i++)
            status = get_live(reading, result, i, err);
        pg_result_free(result);
        ids += count;
        left -= count;
    }
    return status;
}

static bool may_meet(const struct fact_scope *scope, enum fact_subject subject, int code)
{
    return !scope ||
           (scope->counts[subject] > 0 && (subject == FACT_STRANGER || !scope->codes || scope->codes[code]));
}

static enum status load_live(struct fact_writer *writer, enum fact_subject subject, int code,
                             struct error *err)
{
    if (!may_meet(writer->plan.scope, subject, code))
        return STATUS_OK;
    struct part *part;
    enum status status = find_part(writer, subject, code, &part, err);
    if (status)
        return status;
    const struct live_reading reading = {writer, subject, code, (uint32_t)(part - writer->parts)};
    struct text sql;
    text_init(&sql);
    status = (writer->plan.scope ? load_scope : load_whole)(&reading, &sql, part, err);
    text_fini(&sql);
    return status ? error_wrap(err, "reading what is known from a source") : STATUS_OK;
}

/* Everything that the source ever spoke of. A source that never had an accepted batch has nothing. */
static enum status load_all_live(struct fact_writer *writer, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(writer->pg, "select code from source_code where source = $1 order by code",
                                  pg_params(pg_of_int16(writer->plan.source)), &result, err);
    if (status)
        return status;
    for (size_t i = 0; i < pg_result_rows(result) && !status; i++) {
        int code = pg_get_int16(result, i, 0);
        status = load_live(writer, FACT_PERSON, code, err);
        if (!status)
            status = load_live(writer, FACT_HOUSEHOLD, code, err);
    }
    if (!status && pg_result_rows(result) > 0)
        status = load_live(writer, FACT_STRANGER, 0, err);
    pg_result_free(result);
    return status;
}

/* The kinds that the database knows decide what an identity is. */
static enum status load_kinds(struct fact_writer *writer, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(writer->pg, "select code from fact_code where kind = 'amount'", pg_params(), &result, err);
    if (status)
        return status;
    for (size_t i = 0; i < pg_result_rows(result); i++) {
        int code = pg_get_int16(result, i, 0);
        if (code >= 0)
            writer->amount[code] = true;
    }
    pg_result_free(result);
    return STATUS_OK;
}

enum status fact_writer_new(struct pg *pg, const struct fact_plan *plan, struct fact_writer **writer,
                            struct error *err)
{
    struct fact_writer *new = calloc(1, sizeof *new);
    *writer = NULL;
    if (!new)
        return no_memory(err);
    new->pg = pg;
    new->plan = *plan;
    new->sender = plan->sender;
    new->owns_sender = plan->sender == NULL;
    enum status status = fact_index_init(&new->index, plan->expected_rows, err);
    if (!status && new->owns_sender)
        status = sender_new(pg, &new->sender, err);
    if (!status)
        status = load_kinds(new, err);
    if (!status)
        status = load_all_live(new, err);
    new->plan.scope = NULL;
    if (status) {
        fact_writer_free(new);
        return status;
    }
    *writer = new;
    return STATUS_OK;
}

void fact_writer_free(struct fact_writer *writer)
{
    if (!writer)
        return;
    if (writer->owns_sender)
        sender_free(writer->sender);
    for (size_t i = 0; i < writer->part_count; i++) {
        pg_rows_fini(&writer->parts[i].rows);
        free(writer->parts[i].keys);
    }
    free(writer->parts);
    free(writer->ties);
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

/* Files come code by code: a portion's memory must not stay with every part that once filled it. */
static void empty_part(struct part *part)
{
    pg_rows_fini(&part->rows);
    free(part->keys);
    part->keys = NULL;
    part->count = part->capacity = 0;
}

static enum status send_part(struct fact_writer *writer, struct part *part, struct error *err)
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
    add_table(&sql, part);
    text_add_str(&sql, " (");
    add_columns(&sql, part->subject);
    text_add_str(&sql, ") from stdin (format binary)");
    enum status status = sql.failed ? no_memory(err) : sender_send(writer->sender, sql.bytes, &sorted, err);
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
            status = send_part(writer, &writer->parts[i], err);
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

static enum status compose(struct fact_writer *writer, const struct fact_row *row, struct error *err)
{
    struct part *part;
    enum status status = find_part(writer, row->subject, row->code, &part, err);
    if (status)
        return status;
    struct pg_rows *rows = &part->rows;
    size_t begin = pg_rows_begin(rows, subjects[row->subject].columns);
    pg_put_int64(rows, row->subject_id);
    if (row->value == FACT_UNKNOWN)
        pg_put_null(rows);
    else
        pg_put_int64(rows, row->value);
    pg_put_int64(rows, writer->plan.batch_id);
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
    if (rows->bytes.failed || !add_key(part, row->subject_id, begin, rows->bytes.length))
        return no_memory(err);
    writer->pending_bytes += rows->bytes.length - begin;
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
            return no_memory(err);
        writer->ties = grown;
        writer->tie_capacity = capacity;
    }
    struct fact_identity plain = identity_of(writer, row);
    plain.ref = (struct slice){"", 0};
    writer->ties[writer->tie_count++] =
        (struct tie){fact_index_print(&writer->index, &plain), (uint32_t)entry, (uint32_t)row->row_no};
    return STATUS_OK;
}

/* A fact that is live. False: it stays as it is, and nothing is written. */
static bool meet_live(struct fact_writer *writer, const struct fact_row *row, struct fact_live *live)
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
    if (same && writer->plan.mode == BATCH_FULL) {
        live->fate = FATE_KEPT;
        writer->kept++;
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
                           bool *repeat, struct error *err)
{
    size_t entry;
    bool fresh;
    enum status status = fact_index_add(&writer->index, print, &entry, &fresh, err);
    if (status)
        return status;
    struct fact_live *live = entry < writer->index.live_count ? &writer->index.live[entry] : NULL;
    *repeat = !fresh && (!live || live->fate != FATE_UNSTATED);
    if (*repeat)
        return STATUS_OK;
    if (!tally(writer, row))
        return no_memory(err);
    writer->added[row->subject]++;
    note_code(writer, row->code);
    bool written = !live || meet_live(writer, row, live);
    status = note_tie(writer, row, entry, err);
    return status || !written ? status : compose(writer, row, err);
}

enum status fact_writer_add(struct fact_writer *writer, const struct fact_row *rows, size_t count,
                            bool *repeats, struct error *err)
{
    struct fact_print prints[FACT_GROUP];
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        struct fact_identity identity = identity_of(writer, &rows[i]);
        prints[i] = fact_index_print(&writer->index, &identity);
        fact_index_prefetch(&writer->index, prints[i]);
    }
    for (size_t i = 0; i < count && !status; i++)
        status = add_one(writer, &rows[i], prints[i], &repeats[i], err);
    return status;
}

/* --- ties --------------------------------------------------------------------------------------------------- */

static int compare_ties(const void *a, const void *b)
{
    const struct tie *one = a, *other = b;
    if (one->plain.high != other->plain.high)
        return one->plain.high < other->plain.high ? -1 : 1;
    if (one->plain.tag != other->plain.tag)
        return one->plain.tag < other->plain.tag ? -1 : 1;
    return one->line < other->line ? -1 : one->line > other->line;
}

/* Whether two live facts that the batch repeats stand in its order. */
static bool in_order(const struct fact_live *a, const struct fact_live *b)
{
    bool before = a->batch != b->batch ? a->batch < b->batch : a->row_no < b->row_no;
    return (a->line < b->line) == before;
}

static struct fact_live *kept_live(struct fact_writer *writer, size_t entry)
{
    struct fact_live *live = entry < writer->index.live_count ? &writer->index.live[entry] : NULL;
    return live && (live->fate == FATE_KEPT || live->fate == FATE_RENUMBERED) ? live : NULL;
}

/* The group of ties[0..count), in the order of lines, and the fact without a number. When all are where they were, in the
 * order of this batch, nothing needs to be done. */
static bool group_stands(struct fact_writer *writer, const struct tie *ties, size_t count, size_t plain)
{
    const struct fact_live *without = plain == FACT_INDEX_NONE ? NULL : kept_live(writer, plain);
    if (plain != FACT_INDEX_NONE && !without)
        return false;
    const struct fact_live *before = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct fact_live *live = kept_live(writer, ties[i].entry);
        if (!live || (before && !in_order(before, live)) || (without && !in_order(without, live)))
            return false;
        before = live;
    }
    return true;
}

static void settle_group(struct fact_writer *writer, const struct tie *ties, size_t count)
{
    size_t plain = fact_index_find(&writer->index, ties[0].plain);
    if (plain < writer->index.live_count && writer->index.live[plain].fate == FATE_UNSTATED)
        plain = FACT_INDEX_NONE;
    if ((count == 1 && plain == FACT_INDEX_NONE) || group_stands(writer, ties, count, plain))
        return;
    for (size_t i = 0; i <= count; i++) {
        size_t entry = i < count ? ties[i].entry : plain;
        struct fact_live *live = entry == FACT_INDEX_NONE ? NULL : kept_live(writer, entry);
        if (live)
            live->fate = FATE_RENUMBERED;
    }
}

static void settle_ties(struct fact_writer *writer)
{
    if (writer->tie_count == 0)
        return;
    qsort(writer->ties, writer->tie_count, sizeof *writer->ties, compare_ties);
    for (size_t begin = 0, end; begin < writer->tie_count; begin = end) {
        const struct tie *first = &writer->ties[begin];
        for (end = begin + 1; end < writer->tie_count; end++)
            if (writer->ties[end].plain.high != first->plain.high ||
                writer->ties[end].plain.tag != first->plain.tag)
                break;
        settle_group(writer, first, end - begin);
    }
}

/* --- superseding -------------------------------------------------------------------------------------------- */

/* A statement over live facts by where they lie, some thousands at a time. */
struct deed {
    unsigned fates; /* a bit per fate */
    void (*compose)(const struct fact_writer *writer, const struct part *part, struct text *sql);
    bool numbers; /* $3 is their lines */
};

/* Moves to history, which says for ever what was known when. */
static void compose_ending(const struct fact_writer *writer, const struct part *part, struct text *sql)
{
    (void)writer;
    text_add_str(sql, "with gone as (delete from ");
    add_table(sql, part);
    text_printf(sql, " f where f.ctid = any($2::text::tid[]) returning f.*) insert into %s_history (",
                subjects[part->subject].table);
    add_columns(sql, part->subject);
    text_add_str(sql, ", ended_by) select ");
    add_columns(sql, part->subject);
    text_add_str(sql, ", $1 from gone");
}

static void compose_renumbering(const struct fact_writer *writer, const struct part *part, struct text *sql)
{
    (void)writer;
    text_printf(sql, "with before as (insert into %s_history (", subjects[part->subject].table);
    add_columns(sql, part->subject);
    text_add_str(sql, ", ended_by) select ");
    add_columns(sql, part->subject);
    text_add_str(sql, ", $1 from ");
    add_table(sql, part);
    text_add_str(sql, " f where f.ctid = any($2::text::tid[])) update ");
    add_table(sql, part);
    text_add_str(sql, " f set batch_id = $1, row_no = n.line from unnest($2::text::tid[], $3::integer[])"
                      " n (place, line) where f.ctid = n.place");
}

static const struct deed endings = {1U << FATE_UNSTATED | 1U << FATE_CHANGED, compose_ending, false},
                         supersessions = {1U << FATE_CHANGED, compose_ending, false},
                         restatements = {1U << FATE_RESTATED, compose_ending, false},
                         renumberings = {1U << FATE_RENUMBERED, compose_renumbering, true};

struct places {
    size_t count;
    struct text tids;
    int32_t lines[TIDS_AT_ONCE];
};

static enum status do_deed(struct fact_writer *writer, const struct deed *deed, const struct part *part,
                           struct places *places, struct error *err)
{
    struct text sql;
    int64_t touched;
    text_init(&sql);
    deed->compose(writer, part, &sql);
    text_add_char(&places->tids, '}');
    enum status status =
        sql.failed || places->tids.failed
            ? no_memory(err)
            : pg_update(writer->pg, sql.bytes,
                        deed->numbers
                            ? pg_params(pg_of_int64(writer->plan.batch_id), pg_of_text(places->tids.bytes),
                                        pg_of_int32_array(places->lines, places->count))
                            : pg_params(pg_of_int64(writer->plan.batch_id), pg_of_text(places->tids.bytes)),
                        &touched, err);
    text_fini(&sql);
    if (status)
        return error_wrap(err, "superseding facts in %s", subjects[part->subject].table);
    if (touched != (int64_t)places->count)
        return error_set(err, STATUS_FATAL,
                         "superseding facts in %s: found %lld rows, expected %zu where they were read",
                         subjects[part->subject].table, (long long)touched, places->count);
    places->count = 0;
    text_clear(&places->tids);
    return STATUS_OK;
}

/* Live facts lie table by table. *count grows by those that were met. */
static enum status run_deed(struct fact_writer *writer, const struct deed *deed, int64_t *count,
                            struct error *err)
{
    struct places *places = calloc(1, sizeof *places);
    if (!places)
        return no_memory(err);
    enum status status = STATUS_OK;
    const struct fact_live *live = writer->index.live, *end = live + writer->index.live_count;
    uint32_t part = 0;
    for (; live < end && !status; live++) {
        if (!(deed->fates >> live->fate & 1))
            continue;
        if (places->count > 0 && (live->part != part || places->count == TIDS_AT_ONCE))
            status = do_deed(writer, deed, &writer->parts[part], places, err);
        part = live->part;
        text_printf(&places->tids, "%s\"(%lu,%u)\"", places->count ? "," : "{", (unsigned long)live->block,
                    live->offset);
        places->lines[places->count++] = (int32_t)live->line;
        ++*count;
    }
    if (!status && places->count > 0)
        status = do_deed(writer, deed, &writer->parts[part], places, err);
    text_fini(&places->tids);
    free(places);
    return status;
}

static enum status supersede(struct fact_writer *writer, struct fact_counts *counts, struct error *err)
{
    int64_t ignored = 0;
    counts->repeated = writer->kept + writer->restated;
    if (writer->plan.mode == BATCH_DELTA) {
        enum status status = run_deed(writer, &supersessions, &counts->ended, err);
        return status ? status : run_deed(writer, &restatements, &ignored, err);
    }
    settle_ties(writer);
    enum status status = run_deed(writer, &endings, &counts->ended, err);
    return status ? status : run_deed(writer, &renumberings, &ignored, err);
}

/* --- the end ------------------------------------------------------------------------------------------------ */

/* Which codes the source has now spoken about. */
static enum status store_codes(struct fact_writer *writer, struct error *err)
{
    if (writer->codes.failed)
        return no_memory(err);
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
    };
    enum status status = send_portion(writer, err);
    if (!status)
        status = sender_wait(writer->sender, err);
    KILL_POINT("facts.placed");
    if (!status)
        status = supersede(writer, counts, err);
    KILL_POINT("facts.superseded");
    if (!status)
        status = store_codes(writer, err);
    writer->tally.strangers = counts->strangers;
    return status || !writer->plan.by_township
               ? status
               : volume_store(writer->pg, writer->plan.batch_id, &writer->tally, err);
}
