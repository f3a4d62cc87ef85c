/* SPDX-License-Identifier: PostgreSQL */
#include "store/pull_one.h"

#include "domain/fact.h"
#include "io/pg.h"
#include "store/fetch.h"

struct pull_one *pull_household_of_one(struct fetch *fetch)
{
    struct pull_one *one = fetch_array(fetch, sizeof *one);
    if (one)
        *one = (struct pull_one){
            .household_id = pg_get_int64(fetch->result, 0, 0),
            .household_no = fetch_text(fetch, 1),
            .address = fetch_text(fetch, 2),
            .township = pg_get_int64(fetch->result, 0, 3),
            .village = pg_get_int64(fetch->result, 0, 4),
            .urban = pg_get_bool(fetch->result, 0, 5),
            .on_register = pg_get_bool(fetch->result, 0, 6),
        };
    return one;
}

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
    *one = pull_household_of_one(&fetch);
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
