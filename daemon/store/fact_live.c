/* SPDX-License-Identifier: PostgreSQL */
/* What is live of a source before a batch of it: all, or what the subjects of a small batch have, and of a delta batch no other days
 * than those that it speaks of. */
#include "store/fact_writer.h"

#include "store/columns.h"

enum { SUBJECTS_AT_ONCE = 5000 }; /* whose facts one answer holds */

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

/* As it was, if it must go to history. */
static enum status keep_past(const struct live_reading *reading, const struct live_row *known,
                             struct error *err)
{
    const struct fact_row row = {
        .subject = reading->subject,
        .subject_id = known->identity.subject,
        .code = known->identity.code,
        .value = known->content.value,
        .from = known->identity.from,
        .to = known->identity.to,
        .as_of = known->content.as_of,
        .row_no = known->live.row_no,
        .ref = known->identity.ref,
        .detail = known->content.detail,
        .name = known->content.name,
    };
    struct part *part = &reading->writer->past[reading->subject];
    return fact_writer_compose(reading->writer, part, &row, known->batch_id) ? STATUS_OK
                                                                             : fact_writer_no_memory(err);
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
    enum status status = keep_past(reading, &known, err);
    return status ? status : add_live(reading, &known, err);
}

/* "column between … and …", as far as days are given. */
static void add_range(struct text *sql, const char *column, const struct fact_day_range *range)
{
    char first[CIVIL_TEXT_SIZE], last[CIVIL_TEXT_SIZE];
    text_add_str(sql, " and (");
    if (range->first <= range->last)
        text_printf(sql, "%s between date '%s' and date '%s'%s", column, civil_format(range->first, first),
                    civil_format(range->last, last), range->open ? " or " : "");
    if (range->open)
        text_printf(sql, "%s is null", column);
    text_add_str(sql, ")");
}

/* What makes a fact's identity beside its subject and number (fact_index.h). */
static void add_days(struct text *sql, const struct fact_writer *writer, const struct fact_days *days)
{
    add_range(sql, "from_day", &days->from);
    if (writer->amount[days->code])
        add_range(sql, "to_day", &days->to);
}

/* Strangers' facts of all codes lie together. */
static void add_days_of_all(struct text *sql, const struct fact_writer *writer)
{
    const struct fact_plan *plan = &writer->plan;
    for (size_t i = 0; i < plan->day_count; i++) {
        text_printf(sql, "%s(code = %d", i == 0 ? " and (" : " or ", plan->days[i].code);
        add_days(sql, writer, &plan->days[i]);
        text_add_str(sql, ")");
    }
    text_add_str(sql, plan->day_count > 0 ? ")" : " and false");
}

static const struct fact_days *days_of(const struct fact_plan *plan, int code)
{
    for (size_t i = 0; i < plan->day_count; i++)
        if (plan->days[i].code == code)
            return &plan->days[i];
    return NULL;
}

static void add_live_query(struct text *sql, const struct fact_writer *writer, const struct part *part)
{
    const struct fact_plan *plan = &writer->plan;
    text_printf(sql, "select ctid, %s, value, from_day, to_day, as_of, ref, detail, batch_id, row_no%s from ",
                fact_tables[part->subject].key, part->subject == FACT_STRANGER ? ", code, name" : "");
    fact_writer_table(sql, part);
    text_printf(sql, " where source = %d", plan->source);
    if (plan->days && part->subject == FACT_STRANGER)
        add_days_of_all(sql, writer);
    else if (plan->days)
        add_days(sql, writer, days_of(plan, part->code));
}

static enum status load_whole(const struct live_reading *reading, struct text *sql, const struct part *part,
                              struct error *err)
{
    struct live_reading target = *reading;
    text_add_str(sql, "copy (");
    add_live_query(sql, reading->writer, part);
    text_add_str(sql, ") to stdout (format binary)");
    return sql->failed ? fact_writer_no_memory(err)
                       : columns_copy(reading->writer->pg, sql->bytes, read_live, &target, err);
}

/* By parameters, which a server's log of failed statements does not show: those of strangers are persons' numbers. */
static enum status load_span(const struct live_reading *reading, struct text *sql, const struct part *part,
                             const struct fact_span *span, struct error *err)
{
    const int64_t *ids = span->ids;
    size_t left = span->count;
    add_live_query(sql, reading->writer, part);
    text_printf(sql, " and %s = any($1)", fact_tables[part->subject].key);
    enum status status = sql->failed ? fact_writer_no_memory(err) : STATUS_OK;
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

/* What the batch says of that code, NULL when it says nothing. */
static const struct fact_span *find_span(const struct fact_scope *scope, enum fact_subject subject, int code)
{
    const struct fact_span *span = scope->spans[subject];
    while (span->count > 0 && span->code != code)
        span++;
    return span->count > 0 ? span : NULL;
}

static enum status load_live(struct fact_writer *writer, enum fact_subject subject, int code,
                             struct error *err)
{
    const struct fact_scope *scope = writer->plan.scope;
    const struct fact_span *span = scope ? find_span(scope, subject, code) : NULL;
    bool silent = writer->plan.days && code != 0 && !days_of(&writer->plan, code);
    if ((scope && !span) || silent)
        return STATUS_OK;
    struct part *part;
    enum status status = fact_writer_part(writer, subject, code, &part, err);
    if (status)
        return status;
    const struct live_reading reading = {writer, subject, code, (uint32_t)(part - writer->parts)};
    struct text sql;
    text_init(&sql);
    status = span ? load_span(&reading, &sql, part, span, err) : load_whole(&reading, &sql, part, err);
    text_fini(&sql);
    return status ? error_wrap(err, "reading what is known from a source") : STATUS_OK;
}

enum status fact_writer_load_live(struct fact_writer *writer, struct error *err)
{
    enum status status = STATUS_OK;
    bool spoke = false;
    for (int code = 0; code < CODES && !status; code++) {
        if (!writer->code_seen[code])
            continue;
        spoke = true;
        status = load_live(writer, FACT_PERSON, code, err);
        if (!status)
            status = load_live(writer, FACT_HOUSEHOLD, code, err);
    }
    return spoke && !status ? load_live(writer, FACT_STRANGER, 0, err) : status;
}
