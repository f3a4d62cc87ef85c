/* SPDX-License-Identifier: PostgreSQL */
#include "store/pull_past.h"

#include "io/pg.h"
#include "store/fetch.h"

enum status pull_round_on(struct pg *pg, day_t day, struct arena *arena, const struct round_info **round,
                          struct error *err)
{
    struct pg_result *result;
    *round = NULL;
    enum status status = pg_query(pg,
                                  "select round_id from round where state = 'committed' and as_of <= $1"
                                  " order by round_id desc limit 1",
                                  pg_params(pg_of_day(day)), &result, err);
    if (status != STATUS_OK)
        return status;
    int64_t round_id = pg_result_rows(result) == 0 ? 0 : pg_get_int64(result, 0, 0);
    pg_result_free(result);
    return round_id == 0 ? STATUS_OK : round_get(pg, round_id, arena, round, err);
}

/* --- the register ----------------------------------------------------------------------------------------------- */

/* The state before the first import that came later, or else what is there now. Before the first import there was nobody. */
static enum status fetch_household(struct pg *pg, const char *household_no, int64_t seen, struct arena *arena,
                                   struct pull_one **one, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(
        &fetch, pg,
        "select h.household_id, h.household_no, h.address, coalesce(p.township_code, h.township_code),"
        " coalesce(p.village_code, h.village_code), coalesce(p.urban, h.urban),"
        " $2 <> 0 and case when p.ended_by is null then h.valid_to is null else p.on_register end"
        " from household_number n join household h using (household_id) left join lateral"
        " (select * from household_history x where x.household_id = h.household_id and x.ended_by > $2"
        "  order by x.ended_by limit 1) p on true where n.household_no = $1",
        pg_params(pg_of_text(household_no), pg_of_int64(seen)), arena, err);
    *one = pull_household_of_one(&fetch);
    return fetch_done(&fetch, status, err);
}

static const char members_sql[] =
    "with candidate as (select person_id from membership where household_id = $1"
    " union select person_id from membership_history where household_id = $1),"
    " past as (select c.person_id, p.ended_by, p.household_id, p.birth, p.kinship, p.labour, p.line"
    "  from candidate c left join lateral (select * from membership_history x where x.person_id = c.person_id"
    "   and x.ended_by > $2 order by x.ended_by limit 1) p on true),"
    " known as (select person_id, household_id, birth, kinship, labour, line from past where ended_by is not null"
    "  union all select m.person_id, m.household_id, m.birth, m.kinship, m.labour, m.line"
    "  from past join membership m using (person_id) where past.ended_by is null and m.valid_to is null)"
    " select k.person_id,"
    " (select i.id_packed from person_identity i where i.person_id = k.person_id limit 1),"
    " p.name, k.birth, k.kinship, k.labour from known k join person p using (person_id)"
    " where k.household_id = $1 order by k.line, k.person_id";

static enum status fetch_members(struct pg *pg, int64_t seen, struct arena *arena, struct pull_one *one,
                                 struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(
        &fetch, pg, members_sql, pg_params(pg_of_int64(one->household_id), pg_of_int64(seen)), arena, err);
    struct pull_one_member *items = fetch_array(&fetch, sizeof *items);
    const struct pg_result *result = fetch.result;
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct pull_one_member){
            .person_id = pg_get_int64(result, fetch.row, 0),
            .id_packed = (uint64_t)pg_get_int64(result, fetch.row, 1),
            .name = fetch_text(&fetch, 2),
            .birth = pg_get_day(result, fetch.row, 3),
            .kinship = pg_is_null(result, fetch.row, 4) ? -1 : pg_get_int16(result, fetch.row, 4),
            .labour = fetch_text(&fetch, 5),
            .since = DAY_NONE,
        };
    one->members = items;
    one->member_count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

/* --- facts ------------------------------------------------------------------------------------------------------ */

#define PAST_COLUMNS "code, source, value, from_day, to_day, as_of, batch_id, row_no, ref, detail"

/* A fact was known when its batch had come and none that ended it; $3 and $4 are the sources and what was seen of them. */
static const char facts_sql[] =
    "select f.subject, f.of_household, f.code, f.source, f.value, f.from_day, f.to_day, f.as_of, f.batch_id,"
    " f.row_no, f.ref, f.detail, b.batch from ("
    " select person_id as subject, false as of_household, null::bigint as ended_by, " PAST_COLUMNS
    "  from person_fact where person_id = any($2)"
    " union all select person_id, false, ended_by, " PAST_COLUMNS
    "  from person_fact_history where person_id = any($2)"
    " union all select household_id, true, null, " PAST_COLUMNS
    "  from household_fact where household_id = $1"
    " union all select household_id, true, ended_by, " PAST_COLUMNS
    "  from household_fact_history where household_id = $1) f"
    " join unnest($3::smallint[], $4::bigint[]) s (source, seen) using (source)"
    " left join batch b using (batch_id)"
    " where f.batch_id <= s.seen and (f.ended_by is null or f.ended_by > s.seen)"
    " order by f.code, f.of_household, f.subject, f.source, f.from_day nulls first, f.batch_id, f.row_no";

static enum status query_facts(struct fetch *fetch, struct pg *pg, const struct pull_seen *seen,
                               struct arena *arena, const struct pull_one *one, struct error *err)
{
    int16_t sources[SOURCE_NUMBER_MAX + 1];
    int64_t batches[SOURCE_NUMBER_MAX + 1];
    size_t count = 0;
    for (int source = 0; source <= SOURCE_NUMBER_MAX; source++) {
        if (seen->batch[source] == 0)
            continue;
        sources[count] = (int16_t)source;
        batches[count++] = seen->batch[source];
    }
    int64_t *persons = arena_array(arena, one->member_count, sizeof *persons);
    for (size_t i = 0; persons != NULL && i < one->member_count; i++)
        persons[i] = one->members[i].person_id;
    *fetch = (struct fetch){.arena = arena};
    if (persons == NULL)
        return error_set(err, STATUS_FATAL, "no memory for a household of %zu persons", one->member_count);
    return fetch_query(fetch, pg, facts_sql,
                       pg_params(pg_of_int64(one->household_id),
                                 pg_of_int64_array(persons, one->member_count),
                                 pg_of_int16_array(sources, count), pg_of_int64_array(batches, count)),
                       arena, err);
}

static enum status fetch_facts(struct pg *pg, const struct pull_seen *seen, struct arena *arena,
                               struct pull_one *one, struct error *err)
{
    struct fetch fetch;
    enum status status = query_facts(&fetch, pg, seen, arena, one, err);
    pull_facts_of_one(&fetch, one);
    return fetch_done(&fetch, status, err);
}

enum status pull_one_past(struct pg *pg, const char *household_no, const struct pull_seen *seen,
                          struct arena *arena, const struct pull_one **one, struct error *err)
{
    struct pull_one *found;
    int64_t registered = seen->batch[SOURCE_REGISTER];
    *one = NULL;
    enum status status = fetch_household(pg, household_no, registered, arena, &found, err);
    if (status != STATUS_OK || found == NULL)
        return status;
    if (found->on_register)
        status = fetch_members(pg, registered, arena, found, err);
    if (status == STATUS_OK && found->on_register)
        status = fetch_facts(pg, seen, arena, found, err);
    if (status == STATUS_OK)
        *one = found;
    return status;
}

enum status pull_past_is_whole(struct pg *pg, const struct pull_seen *seen, bool *whole, struct error *err)
{
    struct pg_result *result;
    *whole = false;
    enum status status = pg_query(
        pg,
        "select b.source, max(b.batch_id) from batch b, (select coalesce(max(batch_id), 0) as batch_id"
        " from history_start) h where b.status = 'accepted' and b.batch_id <= h.batch_id group by 1",
        pg_params(), &result, err);
    if (status != STATUS_OK)
        return status;
    *whole = true;
    for (size_t i = 0; i < pg_result_rows(result); i++) {
        int source = pg_get_int16(result, i, 0);
        if (source >= 0 && source <= SOURCE_NUMBER_MAX && seen->batch[source] < pg_get_int64(result, i, 1))
            *whole = false;
    }
    pg_result_free(result);
    return STATUS_OK;
}
