/* SPDX-License-Identifier: PostgreSQL */
#include "store/pull_detail.h"

#include "domain/fact.h"
#include "io/pg.h"
#include "store/columns.h"
#include "store/lease.h"
#include "store/round_store.h"

#include <string.h>

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

struct known {
    struct arena *arena;
    struct pull_known_fact *facts;
    size_t count, capacity;
};

static bool grow_known(struct known *known)
{
    enum { FIRST_FACTS = 1024 };
    size_t capacity = known->capacity == 0 ? FIRST_FACTS : known->capacity * 2;
    struct pull_known_fact *grown = arena_array(known->arena, capacity, sizeof *grown);
    if (grown == NULL)
        return false;
    if (known->count > 0)
        memcpy(grown, known->facts, known->count * sizeof *grown);
    known->facts = grown;
    known->capacity = capacity;
    return true;
}

static bool read_known(void *target, struct pg_row *row)
{
    struct known *known = target;
    if (known->count == known->capacity && !grow_known(known))
        return false;
    struct pull_known_fact *fact = &known->facts[known->count++];
    int16_t source = 0;
    *fact = (struct pull_known_fact){.value = FACT_UNKNOWN};
    pg_row_int64(row, &fact->subject_id);
    pg_row_int16(row, &fact->code);
    pg_row_int16(row, &source);
    fact->source = (uint8_t)source;
    pg_row_int64(row, &fact->value);
    fact->from = pg_row_day(row);
    fact->to = pg_row_day(row);
    pg_row_int64(row, &fact->batch_id);
    pg_row_int32(row, &fact->row_no);
    fact->as_of = pg_row_day(row);
    struct slice ref = pg_row_text(row);
    fact->ref = ref.length == 0 ? "" : copy_of(known->arena, ref);
    return fact->ref != NULL;
}

static void add_numbers64(struct text *sql, const int64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(sql, "%s%lld", i == 0 ? "" : ",", (long long)numbers[i]);
}

/*
 * COPY takes no parameters, so the numbers stand in the statement; a result would hold every value several times over. An
 * array's elements are looked up in the index when they are few, hashed and met by one scan of each partition when they are
 * many; also while a table that was just filled has no statistics, where a join goes astray.
 */
static void compose_known(struct text *sql, enum pull_subject subject, const int64_t *subject_ids,
                          size_t subject_count, const int16_t *codes, size_t code_count)
{
    bool of_persons = subject == PULL_PERSON_FACTS;
    const char *key = of_persons ? "person_id" : "household_id";
    text_printf(sql,
                "copy (select %s, code, source, value, from_day, to_day, batch_id, row_no, as_of, ref"
                " from %s where %s = any('{",
                key, of_persons ? "person_fact" : "household_fact", key);
    add_numbers64(sql, subject_ids, subject_count);
    text_add_str(sql, "}'::bigint[]) and code = any('{");
    for (size_t i = 0; i < code_count; i++)
        text_printf(sql, "%s%d", i == 0 ? "" : ",", codes[i]);
    text_printf(sql, "}'::smallint[]) order by %s) to stdout (format binary)", key);
}

enum status pull_known_facts(struct pg *pg, enum pull_subject subject, const int64_t *subject_ids,
                             size_t subject_count, const int16_t *codes, size_t code_count,
                             struct arena *arena, const struct pull_known_fact **facts, size_t *count,
                             struct error *err)
{
    struct known known = {.arena = arena};
    struct text sql;
    text_init(&sql);
    compose_known(&sql, subject, subject_ids, subject_count, codes, code_count);
    enum status status = sql.failed ? error_set(err, STATUS_FATAL, "no memory for a statement")
                                    : columns_copy(pg, sql.bytes, read_known, &known, err);
    text_fini(&sql);
    *facts = known.facts;
    *count = known.count;
    return status;
}

const struct pull_known_fact *pull_known_of(const struct pull_known_fact *facts, size_t fact_count,
                                            int64_t subject_id, size_t *count)
{
    size_t low = 0, high = fact_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts[middle].subject_id < subject_id)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < fact_count && facts[low + *count].subject_id == subject_id)
        (*count)++;
    return *count == 0 ? NULL : facts + low;
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
