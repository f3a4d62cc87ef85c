/* SPDX-License-Identifier: PostgreSQL */
#include "store/pull_detail.h"

#include "domain/fact.h"
#include "io/pg.h"
#include "store/lease.h"
#include "store/round_store.h"

#include <stdlib.h>

static const char *copy_of(struct arena *arena, struct slice text)
{
    return arena_copy(arena, text.bytes == NULL ? "" : text.bytes, text.length);
}

static enum status no_memory(struct error *err, size_t count)
{
    return error_set(err, STATUS_FATAL, "no memory for the particulars of %zu rows", count);
}

enum status pull_places(struct pg *pg, const int64_t *household_ids, size_t household_count,
                        struct arena *arena, const struct pull_place **places, size_t *count,
                        struct error *err)
{
    static const char sql[] =
        "select household_id, household_no, address, township_code, village_code, urban,"
        "       valid_to is null"
        "  from household where household_id = any($1) order by household_id";
    struct pg_result *result;
    enum status status =
        pg_query(pg, sql, pg_params(pg_of_int64_array(household_ids, household_count)), &result, err);
    if (status != STATUS_OK)
        return status;
    size_t rows = pg_result_rows(result);
    struct pull_place *made = arena_array(arena, rows, sizeof *made);
    for (size_t i = 0; made != NULL && i < rows; i++) {
        made[i] = (struct pull_place){
            .household_id = pg_get_int64(result, i, 0),
            .household_no = copy_of(arena, pg_get_text(result, i, 1)),
            .address = copy_of(arena, pg_get_text(result, i, 2)),
            .township = pg_get_int64(result, i, 3),
            .village = pg_get_int64(result, i, 4),
            .urban = pg_get_bool(result, i, 5),
            .on_register = pg_get_bool(result, i, 6),
        };
        if (made[i].household_no == NULL || made[i].address == NULL)
            made = NULL;
    }
    pg_result_free(result);
    *places = made;
    *count = rows;
    return made == NULL ? no_memory(err, rows) : STATUS_OK;
}

/* --- facts -------------------------------------------------------------------------------------------------- */

struct pull_known {
    struct pg_copy_out *copy;
};

static void add_subjects(struct text *sql, const char *table, const char *key, const struct pull_asked *asked,
                         const int16_t *codes, size_t code_count)
{
    text_printf(sql,
                "(select place, code, source, value, from_day, to_day, batch_id, row_no, as_of, ref"
                " from (select distinct on (%s) unnest('{",
                key);
    for (size_t i = 0; i < asked->count; i++) {
        text_add_str(sql, i == 0 ? "" : ",");
        text_add_int(sql, asked->ids[i]);
    }
    text_printf(sql, "}'::bigint[]) as %s, unnest('{", key);
    for (size_t i = 0; i < asked->count; i++) {
        text_add_str(sql, i == 0 ? "" : ",");
        text_add_int(sql, asked->places[i]);
    }
    text_printf(sql, "}'::integer[]) as place) as asked join %s using (%s) where code = any('{", table, key);
    for (size_t i = 0; i < code_count; i++)
        text_printf(sql, "%s%d", i == 0 ? "" : ",", codes[i]);
    text_add_str(sql, "}'::smallint[]))");
}

/*
 * COPY takes no parameters, so the numbers stand in the statement; a result would hold every value several times over.
 *
 * A join, and not `= any`: the tables have a partition for each code, and PostgreSQL would look at each of many numbers once for
 * each partition to plan, and again to run. `distinct on` tells it what it could not know, that no number comes twice, and two
 * `unnest` how many there are (from one with two arguments it expects 200 different ones): so it looks few of them up in the
 * indexes, and puts many into a table that one scan of the facts meets.
 */
static void compose_known(struct text *sql, const struct pull_asked *persons,
                          const struct pull_asked *households, const int16_t *codes, size_t code_count)
{
    text_add_str(sql, "copy (");
    add_subjects(sql, "person_fact", "person_id", persons, codes, code_count);
    text_add_str(sql, " union all ");
    add_subjects(sql, "household_fact", "household_id", households, codes, code_count);
    text_add_str(sql, " order by place) to stdout (format binary)");
}

enum status pull_known_begin(struct pg *pg, const struct pull_asked *persons,
                             const struct pull_asked *households, const int16_t *codes, size_t code_count,
                             struct pull_known **known, struct error *err)
{
    struct text sql;
    text_init(&sql);
    *known = NULL;
    struct pull_known *made = calloc(1, sizeof *made);
    compose_known(&sql, persons, households, codes, code_count);
    enum status status = made == NULL || sql.failed
                             ? error_set(err, STATUS_FATAL, "no memory for a statement")
                             : pg_copy_out_begin(pg, sql.bytes, &made->copy, err);
    text_fini(&sql);
    if (status != STATUS_OK)
        free(made);
    else
        *known = made;
    return status;
}

bool pull_known_next(struct pull_known *known, struct pull_known_fact *fact)
{
    int16_t source = 0;
    int32_t place = 0;
    struct pg_row *row = pg_copy_out_next(known->copy);
    if (row == NULL)
        return false;
    *fact = (struct pull_known_fact){.value = FACT_UNKNOWN};
    pg_row_int32(row, &place);
    fact->place = (uint32_t)place;
    pg_row_int16(row, &fact->code);
    pg_row_int16(row, &source);
    fact->source = (uint8_t)source;
    pg_row_int64(row, &fact->value);
    fact->from = pg_row_day(row);
    fact->to = pg_row_day(row);
    pg_row_int64(row, &fact->batch_id);
    pg_row_int32(row, &fact->row_no);
    fact->as_of = pg_row_day(row);
    fact->ref = pg_row_text(row);
    return true;
}

enum status pull_known_end(struct pull_known *known, struct error *err)
{
    enum status status = pg_copy_out_end(known->copy, err);
    free(known);
    return status;
}

enum status pull_history_of_warning(struct pg *pg, int64_t household_id, const char *warning_id,
                                    struct arena *arena, const struct pull_history **history,
                                    struct error *err)
{
    static const char sql[] =
        "select round_id, previous_level, level, findings, evidence from warning_history"
        " where household_id = $1 and warning_id = $2 order by round_id desc limit 1";
    struct pg_result *result;
    struct pull_history *made = NULL;
    enum status status =
        pg_query(pg, sql, pg_params(pg_of_int64(household_id), pg_of_uuid(warning_id)), &result, err);
    *history = NULL;
    if (status != STATUS_OK)
        return status;
    if (pg_result_rows(result) > 0 && (made = arena_alloc(arena, sizeof *made)) != NULL)
        *made = (struct pull_history){
            .round_id = pg_get_int64(result, 0, 0),
            .previous_level = copy_of(arena, pg_get_text(result, 0, 1)),
            .level = copy_of(arena, pg_get_text(result, 0, 2)),
            .findings_json = copy_of(arena, pg_get_text(result, 0, 3)),
            .evidence_json = copy_of(arena, pg_get_text(result, 0, 4)),
        };
    bool short_of_memory = pg_result_rows(result) > 0 && (made == NULL || made->evidence_json == NULL);
    pg_result_free(result);
    *history = made;
    return short_of_memory ? no_memory(err, 1) : STATUS_OK;
}

enum status pull_round_settled(struct pg *pg, int64_t round_id, struct arena *arena,
                               const struct round_info **round, struct error *err)
{
    *round = NULL;
    enum status status = pg_begin(pg, PG_READ_COMMITTED, err);
    if (status == STATUS_OK)
        status = lease_lock(pg, LEASE_ROUND, 0, err);
    if (status == STATUS_OK)
        status = round_get(pg, round_id, arena, round, err);
    pg_rollback(pg);
    return status;
}
