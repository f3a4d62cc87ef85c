/* SPDX-License-Identifier: PostgreSQL */
#include "store/pull_detail.h"

#include "io/pg.h"
#include "store/lease.h"
#include "store/round_store.h"

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

/* An array's elements are looked up in the index when they are few, hashed and met by one scan of each partition when they
 * are many; also while a table that was just filled has no statistics, where a join goes astray. */
static const char notes_of_persons[] =
    "select f.person_id, f.code, f.batch_id, f.row_no, f.as_of, f.ref"
    "  from person_fact f where f.person_id = any($1) and f.code = any($2::smallint[]) and (f.as_of is not "
    "null or f.ref <> '') order by 1, 2, 3, 4";
static const char notes_of_households[] =
    "select f.household_id, f.code, f.batch_id, f.row_no, f.as_of, f.ref"
    "  from household_fact f where f.household_id = any($1) and f.code = any($2::smallint[]) and (f.as_of is "
    "not null or f.ref <> '') order by 1, 2, 3, 4";

enum status pull_notes(struct pg *pg, enum pull_subject subject, const int64_t *subject_ids,
                       size_t subject_count, const int16_t *codes, size_t code_count, struct arena *arena,
                       const struct pull_note **notes, size_t *count, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(
        pg, subject == PULL_PERSON_FACTS ? notes_of_persons : notes_of_households,
        pg_params(pg_of_int64_array(subject_ids, subject_count), pg_of_int16_array(codes, code_count)),
        &result, err);
    if (status != STATUS_OK)
        return status;
    size_t rows = pg_result_rows(result);
    struct pull_note *made = arena_array(arena, rows, sizeof *made);
    for (size_t i = 0; made != NULL && i < rows; i++) {
        made[i] = (struct pull_note){
            .subject_id = pg_get_int64(result, i, 0),
            .code = pg_get_int16(result, i, 1),
            .batch_id = pg_get_int64(result, i, 2),
            .row_no = pg_get_int32(result, i, 3),
            .as_of = pg_get_day(result, i, 4),
            .ref = copy_of(arena, pg_get_text(result, i, 5)),
        };
        if (made[i].ref == NULL)
            made = NULL;
    }
    pg_result_free(result);
    *notes = made;
    *count = rows;
    return made == NULL ? no_memory(err, rows) : STATUS_OK;
}

/* Below 0 when the note comes before the key. */
static int compare_note(const struct pull_note *note, int64_t subject_id, int code, int64_t batch_id,
                        int32_t row_no)
{
    const int64_t keys[][2] = {{note->subject_id, subject_id},
                               {note->code, code},
                               {note->batch_id, batch_id},
                               {note->row_no, row_no}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

const struct pull_note *pull_note_find(const struct pull_note *notes, size_t count, int64_t subject_id,
                                       int code, int64_t batch_id, int32_t row_no)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_note(&notes[middle], subject_id, code, batch_id, row_no);
        if (order == 0)
            return &notes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
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
