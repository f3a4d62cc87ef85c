/* SPDX-License-Identifier: PostgreSQL */
#include "store/fact_store.h"

#include "base/kill_point.h"
#include "domain/fact.h"
#include "io/pg.h"

#include <stdlib.h>

enum {
    SUBJECTS = 3,
    ANALYZE_FROM_ROWS = 1000, /* below that any plan will do */
    CODE_WORDS = (FACT_CODE_NUMBER_MAX + 1 + 63) / 64,
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

struct fact_writer {
    struct pg *pg;
    int source;
    int64_t batch_id;
    enum batch_mode mode;
    bool staged; /* false: the source has no live rows, so rows are copied straight in */
    struct pg_rows rows[SUBJECTS];
    int64_t added[SUBJECTS];
    uint64_t codes_seen[CODE_WORDS]; /* a bit per code */
    struct text codes;               /* the same as int16_t, each once */
};

static void add_columns(struct text *sql, size_t subject, const char *alias)
{
    static const char *const names[] = {"value", "batch_id", "from_day", "to_day", "row_no",
                                        "code",  "source",   "as_of",    "ref",    "detail"};
    text_printf(sql, "%s%s", alias, subjects[subject].key);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        text_printf(sql, ", %s%s", alias, names[i]);
    if (subject == FACT_STRANGER)
        text_printf(sql, ", %sname", alias);
}

static enum status exec_text(struct fact_writer *writer, struct text *sql, struct error *err)
{
    if (sql->failed)
        return error_set(err, STATUS_FATAL, "no memory for a statement");
    return pg_exec(writer->pg, sql->bytes, err);
}

/* --- adding ------------------------------------------------------------------------------------------------- */

/* Is this the first that the source ever says? Then nothing of it can be superseded. */
static enum status look_for_earlier(struct fact_writer *writer, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(
        writer->pg,
        "select exists (select from batch where source = $1 and status = 'accepted' and batch_id <> $2)",
        pg_params(pg_of_int16(writer->source), pg_of_int64(writer->batch_id)), &result, err);
    if (status)
        return status;
    writer->staged = pg_get_bool(result, 0, 0);
    pg_result_free(result);
    if (!writer->staged)
        return STATUS_OK;
    return pg_exec(writer->pg,
                   "create temporary table stage_person_fact (like person_fact) on commit drop;"
                   "create temporary table stage_household_fact (like household_fact) on commit drop;"
                   "create temporary table stage_stranger_fact (like stranger_fact) on commit drop",
                   err);
}

enum status fact_writer_new(struct pg *pg, int source, int64_t batch_id, enum batch_mode mode,
                            struct fact_writer **writer, struct error *err)
{
    *writer = NULL;
    struct fact_writer *new = calloc(1, sizeof *new);
    if (!new)
        return error_set(err, STATUS_FATAL, "no memory for a batch's facts");
    new->pg = pg;
    new->source = source;
    new->batch_id = batch_id;
    new->mode = mode;
    for (size_t i = 0; i < SUBJECTS; i++)
        pg_rows_init(&new->rows[i]);
    enum status status = look_for_earlier(new, err);
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
    for (size_t i = 0; i < SUBJECTS; i++)
        pg_rows_fini(&writer->rows[i]);
    text_fini(&writer->codes);
    free(writer);
}

static enum status send_rows(struct fact_writer *writer, size_t subject, struct error *err)
{
    struct text sql;
    text_init(&sql);
    text_printf(&sql, "copy %s%s (", writer->staged ? "stage_" : "", subjects[subject].table);
    add_columns(&sql, subject, "");
    text_add_str(&sql, ") from stdin (format binary)");
    enum status status = sql.failed ? error_set(err, STATUS_FATAL, "no memory for a statement")
                                    : pg_copy_in(writer->pg, sql.bytes, &writer->rows[subject], err);
    text_fini(&sql);
    KILL_POINT("facts.copied");
    return status ? error_wrap(err, "storing facts") : STATUS_OK;
}

static void note_code(struct fact_writer *writer, int code)
{
    uint64_t *word = &writer->codes_seen[code / 64], bit = UINT64_C(1) << (code % 64);
    int16_t number = (int16_t)code;
    if (!(*word & bit))
        text_add(&writer->codes, (const char *)&number, sizeof number);
    *word |= bit;
}

enum status fact_writer_add(struct fact_writer *writer, const struct fact_row *row, struct error *err)
{
    struct pg_rows *rows = &writer->rows[row->subject];
    pg_rows_begin(rows, subjects[row->subject].columns);
    pg_put_int64(rows, row->subject_id);
    if (row->value == FACT_UNKNOWN)
        pg_put_null(rows);
    else
        pg_put_int64(rows, row->value);
    pg_put_int64(rows, writer->batch_id);
    pg_put_day(rows, row->from);
    pg_put_day(rows, row->to);
    pg_put_int32(rows, row->row_no);
    pg_put_int16(rows, row->code);
    pg_put_int16(rows, writer->source);
    pg_put_day(rows, row->as_of);
    pg_put_text(rows, row->ref.bytes ? row->ref : (struct slice){"", 0});
    pg_put_text(rows, row->detail);
    if (row->subject == FACT_STRANGER)
        pg_put_text(rows, row->name.bytes ? row->name : (struct slice){"", 0});
    writer->added[row->subject]++;
    note_code(writer, row->code);
    return pg_rows_full(rows) ? send_rows(writer, row->subject, err) : STATUS_OK;
}

/* --- superseding -------------------------------------------------------------------------------------------- */

/* A staged row that says exactly the same as the live row `old`. Key, code and ref are compared by =, so that the rows
 * can be hashed; the others may be null. */
static void add_same(struct text *sql, size_t subject, const char *old)
{
    static const char *const nullable[] = {"value", "from_day", "to_day", "as_of", "detail"};
    const char *key = subjects[subject].key;
    text_printf(sql,
                "exists (select from stage_%s s where s.%s = %s.%s and s.code = %s.code and s.ref = %s.ref",
                subjects[subject].table, key, old, key, old, old);
    for (size_t i = 0; i < sizeof nullable / sizeof *nullable; i++)
        text_printf(sql, " and s.%s is not distinct from %s.%s", nullable[i], old, nullable[i]);
    if (subject == FACT_STRANGER)
        text_printf(sql, " and s.name = %s.name", old);
    text_add_char(sql, ')');
}

/* gone (a DELETE … RETURNING) is in place; moves to history what is not said again, and counts. */
static enum status run_supersede(struct fact_writer *writer, size_t subject, struct text *sql,
                                 struct fact_counts *counts, struct error *err)
{
    struct pg_result *result;
    text_printf(sql, ", moved as (insert into %s_history (", subjects[subject].table);
    add_columns(sql, subject, "");
    text_add_str(sql, ", ended_by) select ");
    add_columns(sql, subject, "gone.");
    text_add_str(sql, ", $1 from gone where not ");
    add_same(sql, subject, "gone");
    text_add_str(sql, " returning 1) select (select count(*) from gone), (select count(*) from moved)");
    if (sql->failed)
        return error_set(err, STATUS_FATAL, "no memory for a statement");
    enum status status =
        pg_query(writer->pg, sql->bytes, pg_params(pg_of_int64(writer->batch_id)), &result, err);
    if (status)
        return error_wrap(err, "superseding facts in %s", subjects[subject].table);
    int64_t gone = pg_get_int64(result, 0, 0), moved = pg_get_int64(result, 0, 1);
    counts->ended += moved;
    counts->repeated += gone - moved;
    pg_result_free(result);
    return STATUS_OK;
}

/* Full: whatever the source said about this kind of subject is taken away. */
static enum status supersede_all(struct fact_writer *writer, size_t subject, struct fact_counts *counts,
                                 struct error *err)
{
    struct text sql;
    text_init(&sql);
    text_printf(&sql, "with gone as (delete from %s f where f.source = %d returning f.*)",
                subjects[subject].table, writer->source);
    enum status status = run_supersede(writer, subject, &sql, counts, err);
    text_fini(&sql);
    return status;
}

/* Delta, one code at a time: the code as a constant leads straight to its partition. */
static enum status supersede_code(struct fact_writer *writer, size_t subject, int code, bool amount,
                                  struct fact_counts *counts, struct error *err)
{
    struct text sql;
    const char *table = subjects[subject].table, *key = subjects[subject].key;
    text_init(&sql);
    text_printf(
        &sql,
        "with gone as (delete from %s f using stage_%s n where f.code = %d and n.code = %d and f.source = %d"
        " and f.%s = n.%s and f.ref = n.ref and f.from_day is not distinct from n.from_day%s returning f.*)",
        table, table, code, code, writer->source, key, key,
        amount ? " and f.to_day is not distinct from n.to_day" : "");
    enum status status = run_supersede(writer, subject, &sql, counts, err);
    text_fini(&sql);
    return status;
}

static enum status supersede_repeated(struct fact_writer *writer, size_t subject, struct fact_counts *counts,
                                      struct error *err)
{
    struct text sql;
    struct pg_result *result = NULL;
    text_init(&sql);
    text_printf(&sql,
                "select c.code, c.kind = 'amount' from fact_code c"
                " where c.code in (select code from stage_%s) order by c.code",
                subjects[subject].table);
    enum status status = sql.failed ? error_set(err, STATUS_FATAL, "no memory for a statement")
                                    : pg_query(writer->pg, sql.bytes, pg_params(), &result, err);
    text_fini(&sql);
    for (size_t i = 0; !status && i < pg_result_rows(result); i++)
        status = supersede_code(writer, subject, pg_get_int16(result, i, 0), pg_get_bool(result, i, 1),
                                counts, err);
    pg_result_free(result);
    return status;
}

static enum status insert_staged(struct fact_writer *writer, size_t subject, struct error *err)
{
    struct text sql;
    text_init(&sql);
    text_printf(&sql, "insert into %s (", subjects[subject].table);
    add_columns(&sql, subject, "");
    text_add_str(&sql, ") select ");
    add_columns(&sql, subject, "");
    text_printf(&sql, " from stage_%s; drop table stage_%s", subjects[subject].table,
                subjects[subject].table);
    enum status status = exec_text(writer, &sql, err);
    text_fini(&sql);
    return status ? error_wrap(err, "storing facts in %s", subjects[subject].table) : STATUS_OK;
}

static enum status analyze_stage(struct fact_writer *writer, size_t subject, struct error *err)
{
    struct text sql;
    if (writer->added[subject] < ANALYZE_FROM_ROWS)
        return STATUS_OK;
    text_init(&sql);
    text_printf(&sql, "analyze stage_%s", subjects[subject].table);
    enum status status = exec_text(writer, &sql, err);
    text_fini(&sql);
    return status;
}

static enum status finish_subject(struct fact_writer *writer, size_t subject, struct fact_counts *counts,
                                  struct error *err)
{
    enum status status = send_rows(writer, subject, err);
    if (status || !writer->staged)
        return status;
    status = analyze_stage(writer, subject, err);
    if (!status)
        status = writer->mode == BATCH_FULL ? supersede_all(writer, subject, counts, err)
                                            : supersede_repeated(writer, subject, counts, err);
    KILL_POINT("facts.superseded");
    return status ? status : insert_staged(writer, subject, err);
}

/* Which codes the source has now spoken about. */
static enum status store_codes(struct fact_writer *writer, struct error *err)
{
    if (writer->codes.failed)
        return error_set(err, STATUS_FATAL, "no memory for a batch's codes");
    return pg_update(writer->pg,
                     "insert into source_code (source, code, first_batch)"
                     " select $1, unnest($2), $3 on conflict do nothing",
                     pg_params(pg_of_int16(writer->source),
                               pg_of_int16_array((const int16_t *)(const void *)writer->codes.bytes,
                                                 writer->codes.length / sizeof(int16_t)),
                               pg_of_int64(writer->batch_id)),
                     NULL, err);
}

enum status fact_writer_finish(struct fact_writer *writer, struct fact_counts *counts, struct error *err)
{
    *counts = (struct fact_counts){
        .persons = writer->added[FACT_PERSON],
        .households = writer->added[FACT_HOUSEHOLD],
        .strangers = writer->added[FACT_STRANGER],
    };
    /* Hashes of a feed's rows; the default of 4 MB would go to disk in many pieces. */
    enum status status = pg_exec(writer->pg, "set local work_mem = '128MB'", err);
    for (size_t i = 0; i < SUBJECTS && !status; i++)
        status = finish_subject(writer, i, counts, err);
    KILL_POINT("facts.placed");
    return status ? status : store_codes(writer, err);
}
