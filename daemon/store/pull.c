/* SPDX-License-Identifier: PostgreSQL */
#include "store/pull.h"

#include "domain/fact.h"
#include "io/pg.h"
#include "store/columns.h"
#include "store/fetch.h"
#include "store/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the snapshot ------------------------------------------------------------------------------------------- */

/* The two connections share the work; what a parallel worker would be told (a plan with some ten thousand numbers, once for
 * each partition) costs more than it would spare. */
static enum status begin_alone(struct pg *pg, const char *snapshot_sql, struct error *err)
{
    enum status status = pg_begin(pg, PG_SNAPSHOT, err);
    if (status == STATUS_OK && snapshot_sql != NULL)
        status = pg_exec(pg, snapshot_sql, err);
    if (status == STATUS_OK)
        status = pg_exec(pg, "set local max_parallel_workers_per_gather = 0", err);
    return status;
}

enum status pull_snapshot_begin(struct pg *pg, char id[PULL_SNAPSHOT_ID_SIZE], struct error *err)
{
    struct pg_result *result;
    enum status status = begin_alone(pg, NULL, err);
    if (status || !id)
        return status;
    status = pg_query(pg, "select pg_export_snapshot()", pg_params(), &result, err);
    if (status)
        return status;
    struct slice name = pg_get_text(result, 0, 0);
    snprintf(id, PULL_SNAPSHOT_ID_SIZE, "%.*s", (int)name.length, name.bytes);
    pg_result_free(result);
    return STATUS_OK;
}

enum status pull_snapshot_join(struct pg *pg, const char *id, struct error *err)
{
    char sql[PULL_SNAPSHOT_ID_SIZE + 40];
    if (strspn(id, "0123456789ABCDEF-") != strlen(id))
        return error_set(err, STATUS_FATAL, "no snapshot has such a name");
    snprintf(sql, sizeof sql, "set transaction snapshot '%s'", id);
    enum status status = begin_alone(pg, sql, err);
    if (status)
        pg_rollback(pg);
    if (status && strcmp(pg_sqlstate(pg), "22023") == 0)
        return error_set(err, STATUS_RETRY, "the snapshot to join is gone: its transaction has ended");
    return status;
}

void pull_snapshot_end(struct pg *pg)
{
    pg_rollback(pg);
}

/* --- the register ------------------------------------------------------------------------------------------- */

enum { HOUSEHOLD_COLUMNS = 3, MEMBER_COLUMNS = 4 };

static void household_columns(struct pull_households *h, struct column columns[HOUSEHOLD_COLUMNS])
{
    columns[0] = (struct column){&h->household_id, sizeof *h->household_id, 0};
    columns[1] = (struct column){&h->township, sizeof *h->township, 0};
    columns[2] = (struct column){&h->urban, sizeof *h->urban, 0};
}

static bool read_household(void *target, struct pg_row *row)
{
    struct pull_households *h = target;
    struct column columns[HOUSEHOLD_COLUMNS];
    household_columns(h, columns);
    if (h->count == h->capacity && !columns_grow(&h->capacity, columns, HOUSEHOLD_COLUMNS))
        return false;
    size_t i = h->count++;
    bool urban = false;
    pg_row_int64(row, &h->household_id[i]);
    pg_row_int64(row, &h->township[i]);
    pg_row_bool(row, &urban);
    h->urban[i] = urban;
    return true;
}

enum status pull_households(struct pg *pg, struct pull_households *households, struct error *err)
{
    return columns_copy(
        pg,
        "copy (select household_id, township_code, urban from household where valid_to is null)"
        " to stdout (format binary)",
        read_household, households, err);
}

void pull_households_free(struct pull_households *households)
{
    struct column columns[HOUSEHOLD_COLUMNS];
    household_columns(households, columns);
    columns_free(columns, HOUSEHOLD_COLUMNS);
    *households = (struct pull_households){0};
}

/* " and ctid …" for a stretch of a table, nothing for all of it. */
static void add_pages(struct text *sql, struct pull_pages pages)
{
    if (pages.first > 0)
        text_printf(sql, " and ctid >= '(%u,0)'", pages.first);
    if (pages.end != PULL_PAGES_END)
        text_printf(sql, " and ctid < '(%u,0)'", pages.end);
}

static enum status no_statement(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for a statement");
}

enum status pull_member_pages(struct pg *pg, uint32_t *pages, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(
        pg, "select pg_relation_size('membership'::regclass) / current_setting('block_size')::bigint",
        pg_params(), &result, err);
    if (status != STATUS_OK)
        return status;
    *pages = (uint32_t)pg_get_int64(result, 0, 0);
    pg_result_free(result);
    return STATUS_OK;
}

static void member_columns(struct pull_members *m, struct column columns[MEMBER_COLUMNS])
{
    columns[0] = (struct column){&m->person_id, sizeof *m->person_id, 0};
    columns[1] = (struct column){&m->household_id, sizeof *m->household_id, 0};
    columns[2] = (struct column){&m->birth, sizeof *m->birth, 0};
    columns[3] = (struct column){&m->traits, sizeof *m->traits, 0};
}

/* The last one is only for those who ask for it. */
static size_t member_column_count(const struct pull_members *m)
{
    return m->with_traits ? MEMBER_COLUMNS : MEMBER_COLUMNS - 1;
}

static uint8_t read_traits(struct pg_row *row)
{
    int16_t kinship = -1, labour = 0;
    pg_row_int16(row, &kinship);
    pg_row_int16(row, &labour);
    return policy_traits(kinship, (enum policy_labour)labour);
}

static bool read_member(void *target, struct pg_row *row)
{
    struct pull_members *m = target;
    struct column columns[MEMBER_COLUMNS];
    member_columns(m, columns);
    if (m->count == m->capacity && !columns_grow(&m->capacity, columns, member_column_count(m)))
        return false;
    pg_row_int64(row, &m->person_id[m->count]);
    pg_row_int64(row, &m->household_id[m->count]);
    m->birth[m->count] = pg_row_day(row);
    if (m->with_traits)
        m->traits[m->count] = read_traits(row);
    m->count++;
    return true;
}

/* As enum policy_labour has them. */
#define LABOUR_EXPRESSION                                                                                    \
    "(case labour when 'full' then 1 when 'weak' then 2 when 'none' then 3 else 0 end)::smallint"

enum status pull_members(struct pg *pg, struct pull_pages pages, struct pull_members *members,
                         struct error *err)
{
    struct text sql;
    text_init(&sql);
    text_printf(&sql, "copy (select person_id, household_id, birth%s from membership where valid_to is null",
                members->with_traits ? ", coalesce(kinship, -1::smallint), " LABOUR_EXPRESSION : "");
    add_pages(&sql, pages);
    text_add_str(&sql, ") to stdout (format binary)");
    enum status status =
        sql.failed ? no_statement(err) : columns_copy(pg, sql.bytes, read_member, members, err);
    text_fini(&sql);
    return status;
}

void pull_members_free(struct pull_members *members)
{
    struct column columns[MEMBER_COLUMNS];
    member_columns(members, columns);
    columns_free(columns, MEMBER_COLUMNS);
    *members = (struct pull_members){0};
}

/* --- facts -------------------------------------------------------------------------------------------------- */

#define DAY_EXPRESSION "coalesce(to_day, from_day)"

/* The columns come in this order, those not asked for left out. */
static const struct {
    unsigned column;
    const char *expression;
} fact_columns[] = {
    {PULL_SOURCE, "source"},    {PULL_VALUE, "value"},    {PULL_FROM, "from_day"}, {PULL_TO, "to_day"},
    {PULL_DAY, DAY_EXPRESSION}, {PULL_BATCH, "batch_id"}, {PULL_ROW, "row_no"},
};

static void read_fact(struct pull_facts *f, const struct pull_code *code, struct pg_row *row)
{
    size_t i = f->count++;
    unsigned columns = code->columns;
    int16_t source = code->source;
    pg_row_int64(row, &f->subject_id[i]);
    if (columns & PULL_SOURCE)
        pg_row_int16(row, &source);
    f->source[i] = (uint8_t)source;
    f->value[i] = FACT_UNKNOWN;
    f->batch_id[i] = 0;
    f->row_no[i] = 0;
    if (columns & PULL_VALUE)
        pg_row_int64(row, &f->value[i]);
    f->from[i] = columns & PULL_FROM ? pg_row_day(row) : DAY_NONE;
    f->to[i] = columns & (PULL_TO | PULL_DAY) ? pg_row_day(row) : DAY_NONE;
    if (columns & PULL_BATCH)
        pg_row_int64(row, &f->batch_id[i]);
    if (columns & PULL_ROW)
        pg_row_int32(row, &f->row_no[i]);
}

static void compose_fact_pull(struct text *sql, enum pull_subject subject, const struct pull_code *code,
                              struct pull_pages pages)
{
    char day[CIVIL_TEXT_SIZE];
    bool of_persons = subject == PULL_PERSON_FACTS;
    text_printf(sql, "copy (select %s", of_persons ? "person_id" : "household_id");
    for (size_t i = 0; i < sizeof fact_columns / sizeof *fact_columns; i++)
        if (code->columns & fact_columns[i].column)
            text_printf(sql, ", %s", fact_columns[i].expression);
    text_printf(sql, " from %s where code = %d", of_persons ? "person_fact" : "household_fact", code->code);
    if (code->after != DAY_NONE)
        text_printf(sql, " and " DAY_EXPRESSION " > date '%s'", civil_format(code->after, day));
    add_pages(sql, pages);
    text_add_str(sql, ") to stdout (format binary)");
}

/* Rows to the end, or until `take` fails; the last ones stay in `rows`. */
static enum status hand_over_rows(struct pg_copy_out *copy, const struct pull_code *code,
                                  struct pull_facts *rows, pull_facts_take *take, void *context,
                                  struct error *err)
{
    enum status status = STATUS_OK;
    struct pg_row *row;
    rows->count = 0;
    while (status == STATUS_OK && (row = pg_copy_out_next(copy)) != NULL) {
        read_fact(rows, code, row);
        if (rows->count == PULL_FACTS_ROWS) {
            status = take(context, rows, err);
            rows->count = 0;
        }
    }
    return status;
}

static enum status stream_facts(struct pg *pg, const char *sql, const struct pull_code *code,
                                struct pull_facts *rows, pull_facts_take *take, void *context,
                                struct error *err)
{
    struct pg_copy_out *copy;
    struct error ended;
    enum status status = pg_copy_out_begin(pg, sql, &copy, err);
    if (status != STATUS_OK)
        return status;
    status = hand_over_rows(copy, code, rows, take, context, err);
    enum status end = pg_copy_out_end(copy, &ended);
    if (status != STATUS_OK)
        return status;
    if (end != STATUS_OK) {
        *err = ended;
        return end;
    }
    return rows->count > 0 ? take(context, rows, err) : STATUS_OK;
}

enum status pull_facts(struct pg *pg, enum pull_subject subject, const struct pull_code *code,
                       struct pull_pages pages, struct pull_facts *rows, pull_facts_take *take, void *context,
                       struct error *err)
{
    struct text sql;
    text_init(&sql);
    compose_fact_pull(&sql, subject, code, pages);
    enum status status =
        sql.failed ? no_statement(err) : stream_facts(pg, sql.bytes, code, rows, take, context, err);
    text_fini(&sql);
    return status;
}

/* A code's table is named after its number (define_code). */
enum status pull_fact_pages(struct pg *pg, enum pull_subject subject, const int16_t *codes, size_t code_count,
                            uint32_t *pages, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(pg,
                 "select coalesce(pg_relation_size(to_regclass($1 || '_' || code)), 0)"
                 " / current_setting('block_size')::bigint"
                 " from unnest($2::smallint[]) with ordinality as wanted (code, place) order by place",
                 pg_params(pg_of_text(subject == PULL_PERSON_FACTS ? "person_fact" : "household_fact"),
                           pg_of_int16_array(codes, code_count)),
                 &result, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < code_count; i++)
        pages[i] = (uint32_t)pg_get_int64(result, i, 0);
    pg_result_free(result);
    return STATUS_OK;
}

/* --- sources ------------------------------------------------------------------------------------------------ */

enum status pull_source_codes(struct pg *pg, struct arena *arena, const struct pull_source_code **pairs,
                              size_t *count, struct error *err)
{
    struct fetch fetch;
    *pairs = NULL;
    *count = 0;
    enum status status =
        fetch_query(&fetch, pg, "select source, code, first_batch from source_code order by source, code",
                    pg_params(), arena, err);
    struct pull_source_code *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct pull_source_code){
            .source = pg_get_int16(fetch.result, fetch.row, 0),
            .code = pg_get_int16(fetch.result, fetch.row, 1),
            .first_batch = pg_get_int64(fetch.result, fetch.row, 2),
        };
    *pairs = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}
