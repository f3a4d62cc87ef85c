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
    {PULL_VALUE, "value"},      {PULL_FROM, "from_day"},  {PULL_TO, "to_day"},
    {PULL_DAY, DAY_EXPRESSION}, {PULL_BATCH, "batch_id"}, {PULL_ROW, "row_no"},
};

static void read_fact(struct pull_facts *f, unsigned columns, struct pg_row *row)
{
    size_t i = f->count++;
    int16_t source = 0;
    pg_row_int64(row, &f->subject_id[i]);
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
    text_printf(sql, "copy (select %s, source", of_persons ? "person_id" : "household_id");
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
static enum status hand_over_rows(struct pg_copy_out *copy, unsigned columns, struct pull_facts *rows,
                                  pull_facts_take *take, void *context, struct error *err)
{
    enum status status = STATUS_OK;
    struct pg_row *row;
    rows->count = 0;
    while (status == STATUS_OK && (row = pg_copy_out_next(copy)) != NULL) {
        read_fact(rows, columns, row);
        if (rows->count == PULL_FACTS_ROWS) {
            status = take(context, rows, err);
            rows->count = 0;
        }
    }
    return status;
}

static enum status stream_facts(struct pg *pg, const char *sql, unsigned columns, struct pull_facts *rows,
                                pull_facts_take *take, void *context, struct error *err)
{
    struct pg_copy_out *copy;
    struct error ended;
    enum status status = pg_copy_out_begin(pg, sql, &copy, err);
    if (status != STATUS_OK)
        return status;
    status = hand_over_rows(copy, columns, rows, take, context, err);
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
        sql.failed ? no_statement(err) : stream_facts(pg, sql.bytes, code->columns, rows, take, context, err);
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

static day_t shanghai_day(int64_t unix_ms)
{
    if (unix_ms == INT64_MIN)
        return DAY_NONE;
    return civil_shanghai_day(unix_ms / 1000);
}

enum status pull_batches(struct pg *pg, struct arena *arena, const struct pull_batch **batches, size_t *count,
                         struct error *err)
{
    struct fetch fetch;
    *batches = NULL;
    *count = 0;
    enum status status =
        fetch_query(&fetch, pg,
                    "select distinct on (source) source, batch_id, period_to, received_at, sent_at, batch"
                    " from batch where status = 'accepted' order by source, batch_id desc",
                    pg_params(), arena, err);
    struct pull_batch *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct pull_batch){
            .source = pg_get_int16(fetch.result, fetch.row, 0),
            .batch_id = pg_get_int64(fetch.result, fetch.row, 1),
            .period_to = pg_get_day(fetch.result, fetch.row, 2),
            .received_on = shanghai_day(pg_get_unix_ms(fetch.result, fetch.row, 3)),
            .sent_on = shanghai_day(pg_get_unix_ms(fetch.result, fetch.row, 4)),
            .name = fetch_text(&fetch, 5),
        };
    *batches = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

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

/* --- what stands -------------------------------------------------------------------------------------------- */

enum { FINDING_COLUMNS = 8, WARNING_COLUMNS = 8 };

static void finding_columns(struct pull_findings *f, struct column columns[FINDING_COLUMNS])
{
    columns[0] = (struct column){&f->household_id, sizeof *f->household_id, 0};
    columns[1] = (struct column){&f->since_round, sizeof *f->since_round, 0};
    columns[2] = (struct column){&f->since_on, sizeof *f->since_on, 0};
    columns[3] = (struct column){&f->stale_since, sizeof *f->stale_since, 0};
    columns[4] = (struct column){&f->rule, sizeof *f->rule, 0};
    columns[5] = (struct column){&f->kind, sizeof *f->kind, 0};
    columns[6] = (struct column){&f->undecided, sizeof *f->undecided, 0};
    columns[7] = (struct column){&f->level, sizeof *f->level, 0};
}

static bool rule_is(const struct pull_findings *f, size_t rule, struct slice name)
{
    return slice_is(name, f->rules[rule]);
}

/* The position of a rule's name, added if it is new; UINT16_MAX without memory. A policy has at most 64 clauses, so that
 * with those of earlier policies a list is short. */
static size_t rule_position(struct pull_findings *f, struct slice name)
{
    size_t last = f->count ? f->rule[f->count - 1] : 0;
    if (f->rule_count && rule_is(f, last, name))
        return last;
    for (size_t i = 0; i < f->rule_count; i++)
        if (rule_is(f, i, name))
            return i;
    if (f->rule_count == UINT16_MAX)
        return UINT16_MAX;
    char **rules = realloc(f->rules, (f->rule_count + 1) * sizeof *rules);
    if (!rules)
        return UINT16_MAX;
    f->rules = rules;
    rules[f->rule_count] = malloc(name.length + 1);
    if (!rules[f->rule_count])
        return UINT16_MAX;
    memcpy(rules[f->rule_count], name.bytes, name.length);
    rules[f->rule_count][name.length] = '\0';
    return f->rule_count++;
}

static bool read_finding(void *target, struct pg_row *row)
{
    struct pull_findings *f = target;
    struct column columns[FINDING_COLUMNS];
    finding_columns(f, columns);
    if (f->count == f->capacity && !columns_grow(&f->capacity, columns, FINDING_COLUMNS))
        return false;
    size_t i = f->count;
    pg_row_int64(row, &f->household_id[i]);
    pg_row_int64(row, &f->since_round[i]);
    f->since_on[i] = pg_row_day(row);
    f->stale_since[i] = pg_row_day(row);
    size_t rule = rule_position(f, pg_row_text(row));
    f->rule[i] = (uint16_t)rule;
    f->kind[i] = (uint8_t)vocabulary_kind(pg_row_text(row));
    f->undecided[i] = slice_is(pg_row_text(row), "undecided");
    f->level[i] = (uint8_t)vocabulary_level(pg_row_text(row));
    f->count++;
    return rule != UINT16_MAX;
}

enum status pull_findings(struct pg *pg, struct pull_findings *findings, struct error *err)
{
    return columns_copy(
        pg,
        "copy finding (household_id, since_round, since_on, stale_since, rule, kind, status, level)"
        " to stdout (format binary)",
        read_finding, findings, err);
}

void pull_findings_free(struct pull_findings *findings)
{
    struct column columns[FINDING_COLUMNS];
    finding_columns(findings, columns);
    columns_free(columns, FINDING_COLUMNS);
    for (size_t i = 0; i < findings->rule_count; i++)
        free(findings->rules[i]);
    free(findings->rules);
    *findings = (struct pull_findings){0};
}

static const char *const state_names[] = {
    [CASE_OPEN] = "open",           [CASE_ACCEPTED] = "accepted", [CASE_VISITED] = "visited",
    [CASE_ASSISTING] = "assisting", [CASE_WATCHING] = "watching", [CASE_CLOSED] = "closed",
};

const char *case_state_name(enum case_state state)
{
    return state_names[state];
}

bool case_state_parse(struct slice text, enum case_state *state)
{
    int found = vocabulary_find(state_names, sizeof state_names / sizeof *state_names, text);
    if (found >= 0)
        *state = (enum case_state)found;
    return found >= 0;
}

static void warning_columns(struct pull_warnings *w, struct column columns[WARNING_COLUMNS])
{
    columns[0] = (struct column){&w->household_id, sizeof *w->household_id, 0};
    columns[1] = (struct column){&w->warning_id, sizeof *w->warning_id, 0};
    columns[2] = (struct column){&w->township, sizeof *w->township, 0};
    columns[3] = (struct column){&w->level, sizeof *w->level, 0};
    columns[4] = (struct column){&w->state, sizeof *w->state, 0};
    columns[5] = (struct column){&w->raised_on, sizeof *w->raised_on, 0};
    columns[6] = (struct column){&w->due_on, sizeof *w->due_on, 0};
    columns[7] = (struct column){&w->raised_round, sizeof *w->raised_round, 0};
}

static bool read_warning(void *target, struct pg_row *row)
{
    struct pull_warnings *w = target;
    struct column columns[WARNING_COLUMNS];
    warning_columns(w, columns);
    if (w->count == w->capacity && !columns_grow(&w->capacity, columns, WARNING_COLUMNS))
        return false;
    size_t i = w->count++;
    enum case_state state = CASE_OPEN;
    pg_row_int64(row, &w->household_id[i]);
    pg_row_uuid(row, w->warning_id[i]);
    pg_row_int64(row, &w->township[i]);
    w->level[i] = (uint8_t)vocabulary_level(pg_row_text(row));
    case_state_parse(pg_row_text(row), &state);
    w->state[i] = (uint8_t)state;
    w->raised_on[i] = pg_row_day(row);
    w->due_on[i] = pg_row_day(row);
    pg_row_int64(row, &w->raised_round[i]);
    return true;
}

enum status pull_warnings(struct pg *pg, struct pull_warnings *warnings, struct error *err)
{
    return columns_copy(
        pg,
        "copy (select household_id, warning_id, township_code, level, state, raised_on, due_on,"
        " raised_round from warning where state <> 'closed') to stdout (format binary)",
        read_warning, warnings, err);
}

void pull_warnings_free(struct pull_warnings *warnings)
{
    struct column columns[WARNING_COLUMNS];
    warning_columns(warnings, columns);
    columns_free(columns, WARNING_COLUMNS);
    *warnings = (struct pull_warnings){0};
}

/* --- one household ------------------------------------------------------------------------------------------ */

static enum status fetch_household(struct pg *pg, const char *household_no, struct arena *arena,
                                   struct pull_one **one, struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg,
                    "select h.household_id, h.household_no, h.address, h.township_code, h.village_code,"
                    " h.urban, h.valid_to is null from household_number n"
                    " join household h using (household_id) where n.household_no = $1",
                    pg_params(pg_of_text(household_no)), arena, err);
    struct pull_one *item = fetch_array(&fetch, sizeof *item);
    if (item)
        *item = (struct pull_one){
            .household_id = pg_get_int64(fetch.result, 0, 0),
            .household_no = fetch_text(&fetch, 1),
            .address = fetch_text(&fetch, 2),
            .township = pg_get_int64(fetch.result, 0, 3),
            .village = pg_get_int64(fetch.result, 0, 4),
            .urban = pg_get_bool(fetch.result, 0, 5),
            .on_register = pg_get_bool(fetch.result, 0, 6),
        };
    *one = item;
    return fetch_done(&fetch, status, err);
}

#define MEMBER_SELECT                                                                                        \
    "select m.household_id, m.person_id,"                                                                    \
    " (select i.id_packed from person_identity i where i.person_id = m.person_id limit 1),"                  \
    " p.name, m.birth, m.kinship, m.labour, m.valid_from"                                                    \
    " from membership m join person p using (person_id) where m.valid_to is null"

static struct pull_person member_of(struct fetch *fetch)
{
    const struct pg_result *result = fetch->result;
    size_t row = fetch->row;
    return (struct pull_person){
        .household_id = pg_get_int64(result, row, 0),
        .member = {.person_id = pg_get_int64(result, row, 1),
                   .id_packed = (uint64_t)pg_get_int64(result, row, 2),
                   .name = fetch_text(fetch, 3),
                   .birth = pg_get_day(result, row, 4),
                   .kinship = pg_is_null(result, row, 5) ? -1 : pg_get_int16(result, row, 5),
                   .labour = fetch_text(fetch, 6),
                   .since = pg_get_day(result, row, 7)},
    };
}

static enum status fetch_members(struct pg *pg, struct arena *arena, struct pull_one *one, struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg, MEMBER_SELECT " and m.household_id = $1 order by m.line, m.person_id",
                    pg_params(pg_of_int64(one->household_id)), arena, err);
    struct pull_one_member *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = member_of(&fetch).member;
    one->members = items;
    one->member_count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

/* Persons' facts by their current members, then the household's own; the same columns. */
static const char one_facts_sql[] =
    "select f.subject, f.of_household, f.code, f.source, f.value, f.from_day, f.to_day, f.as_of,"
    " f.batch_id, f.row_no,"
    "       f.ref, f.detail, b.batch from ("
    " select person_id as subject, false as of_household, code, source, value, from_day, to_day, as_of,"
    " batch_id, row_no,"
    "        ref, detail from person_fact"
    "  where person_id in (select person_id from membership where household_id = $1 and valid_to is null)"
    " union all"
    " select household_id, true, code, source, value, from_day, to_day, as_of, batch_id, row_no, ref, detail"
    "  from household_fact where household_id = $1) f"
    " left join batch b using (batch_id)"
    " order by f.code, f.of_household, f.subject, f.source, f.from_day nulls first, f.batch_id, f.row_no";

void pull_facts_of_one(struct fetch *fetch, struct pull_one *one)
{
    struct pull_one_fact *items = fetch_array(fetch, sizeof *items);
    const struct pg_result *result = fetch->result;
    for (; fetch->row < fetch->rows; fetch->row++)
        items[fetch->row] = (struct pull_one_fact){
            .subject_id = pg_get_int64(result, fetch->row, 0),
            .of_household = pg_get_bool(result, fetch->row, 1),
            .code = pg_get_int16(result, fetch->row, 2),
            .source = pg_get_int16(result, fetch->row, 3),
            .value = pg_is_null(result, fetch->row, 4) ? FACT_UNKNOWN : pg_get_int64(result, fetch->row, 4),
            .from = pg_get_day(result, fetch->row, 5),
            .to = pg_get_day(result, fetch->row, 6),
            .as_of = pg_get_day(result, fetch->row, 7),
            .batch_id = pg_get_int64(result, fetch->row, 8),
            .row_no = pg_get_int32(result, fetch->row, 9),
            .ref = fetch_text(fetch, 10),
            .detail = fetch_text(fetch, 11),
            .batch_name = fetch_text(fetch, 12),
        };
    one->facts = items;
    one->fact_count = fetch->rows;
}

static enum status fetch_facts(struct pg *pg, struct arena *arena, struct pull_one *one, struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg, one_facts_sql, pg_params(pg_of_int64(one->household_id)), arena, err);
    pull_facts_of_one(&fetch, one);
    return fetch_done(&fetch, status, err);
}

enum status pull_one(struct pg *pg, const char *household_no, struct arena *arena,
                     const struct pull_one **one, struct error *err)
{
    struct pull_one *found;
    *one = NULL;
    enum status status = fetch_household(pg, household_no, arena, &found, err);
    if (status || !found)
        return status;
    status = fetch_members(pg, arena, found, err);
    if (!status)
        status = fetch_facts(pg, arena, found, err);
    if (!status)
        *one = found;
    return status;
}

enum status pull_household_of_warning(struct pg *pg, const char *warning_id, struct arena *arena,
                                      const char **household_no, struct error *err)
{
    struct fetch fetch;
    *household_no = NULL;
    enum status status =
        fetch_query(&fetch, pg,
                    "select h.household_no from warning w join household h using (household_id)"
                    " where w.warning_id = $1",
                    pg_params(pg_of_uuid(warning_id)), arena, err);
    if (fetch.rows)
        *household_no = fetch_text(&fetch, 0);
    return fetch_done(&fetch, status, err);
}

enum status pull_persons(struct pg *pg, const int64_t *household_ids, size_t household_count,
                         struct arena *arena, const struct pull_person **persons, size_t *count,
                         struct error *err)
{
    struct fetch fetch;
    *persons = NULL;
    *count = 0;
    enum status status = fetch_query(
        &fetch, pg,
        MEMBER_SELECT " and m.household_id = any($1) order by m.household_id, m.line, m.person_id",
        pg_params(pg_of_int64_array(household_ids, household_count)), arena, err);
    struct pull_person *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = member_of(&fetch);
    *persons = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}
