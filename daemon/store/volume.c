/* SPDX-License-Identifier: PostgreSQL */
#include "store/volume.h"

#include "io/pg.h"
#include "store/fetch.h"
#include "store/identity_map.h"
#include "store/pull.h"

#include <stdlib.h>
#include <string.h>

enum {
    IDS_MIN = 1 << 10,
    SWING_COLUMNS = 7, /* of round_swing, beside the round */
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for counting a batch by township");
}

/* --- tallying ----------------------------------------------------------------------------------------------- */

static bool grow(struct volume_tally *tally, enum volume_subject subject, size_t least)
{
    size_t size = tally->size[subject] == 0 ? IDS_MIN : tally->size[subject];
    while (size <= least)
        size *= 2;
    uint32_t *grown = realloc(tally->stated[subject], size * sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + tally->size[subject], 0, (size - tally->size[subject]) * sizeof *grown);
    tally->stated[subject] = grown;
    tally->size[subject] = size;
    return true;
}

static bool add_facts(struct volume_townships *list, int64_t township, int64_t facts)
{
    size_t at = list->count; /* neighbours come together */
    while (at > 0 && list->codes[at - 1] != township)
        at--;
    if (at > 0) {
        list->facts[at - 1] += facts;
        return true;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        int64_t *codes = realloc(list->codes, capacity * sizeof *codes);
        if (codes == NULL)
            return false;
        list->codes = codes;
        int64_t *grown = realloc(list->facts, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        list->facts = grown;
        list->capacity = capacity;
    }
    list->codes[list->count] = township;
    list->facts[list->count++] = facts;
    return true;
}

static int64_t township_of(const struct volume_places *places, enum volume_subject subject, int64_t id)
{
    const int64_t *township = identity_map_get(places->townships[subject], (uint64_t)id);
    return township ? *township : VOLUME_NO_TOWNSHIP;
}

bool volume_add(struct volume_tally *tally, enum volume_subject subject, int64_t id)
{
    tally->facts[subject]++;
    if (tally->places)
        return add_facts(&tally->townships, township_of(tally->places, subject, id), 1);
    if ((size_t)id >= tally->size[subject] && !grow(tally, subject, (size_t)id))
        return false;
    tally->stated[subject][id]++;
    return true;
}

void volume_tally_free(struct volume_tally *tally)
{
    for (int i = 0; i < VOLUME_SUBJECTS; i++)
        free(tally->stated[i]);
    free(tally->townships.codes);
    free(tally->townships.facts);
    *tally = (struct volume_tally){0};
}

/* --- where they live, of the whole register ----------------------------------------------------------------- */

static int64_t stated(const struct volume_tally *tally, enum volume_subject subject, int64_t id)
{
    return (size_t)id < tally->size[subject] ? tally->stated[subject][id] : 0;
}

/* What persons' facts come to household by household: *of_household by household_id, up to *size. */
static bool gather_households(const struct volume_tally *tally, const struct pull_members *members,
                              const struct pull_households *households, int64_t **of_household)
{
    int64_t greatest = 0;
    for (size_t i = 0; i < households->count; i++)
        greatest = households->household_id[i] > greatest ? households->household_id[i] : greatest;
    *of_household = calloc((size_t)greatest + 1, sizeof **of_household);
    for (size_t i = 0; *of_household != NULL && i < members->count; i++)
        if (members->household_id[i] <= greatest)
            (*of_household)[members->household_id[i]] += stated(tally, VOLUME_PERSON, members->person_id[i]);
    return *of_household != NULL;
}

static bool gather_townships(struct volume_tally *tally, const struct pull_members *members,
                             const struct pull_households *households)
{
    int64_t *of_household = NULL;
    int64_t left = tally->facts[VOLUME_PERSON] + tally->facts[VOLUME_HOUSEHOLD];
    bool good = gather_households(tally, members, households, &of_household);
    for (size_t i = 0; good && i < households->count; i++) {
        int64_t id = households->household_id[i];
        int64_t facts = of_household[id] + stated(tally, VOLUME_HOUSEHOLD, id);
        left -= facts;
        good = facts == 0 || add_facts(&tally->townships, households->township[i], facts);
    }
    free(of_household);
    return good && add_facts(&tally->townships, VOLUME_NO_TOWNSHIP, left);
}

static enum status ask_register(struct pg *pg, struct volume_tally *tally, struct error *err)
{
    struct pull_members members = {0};
    struct pull_households households = {0};
    enum status status = pull_members(pg, PULL_ALL_PAGES, &members, err);
    if (status == STATUS_OK)
        status = pull_households(pg, &households, err);
    if (status == STATUS_OK && !gather_townships(tally, &members, &households))
        status = no_memory(err);
    pull_members_free(&members);
    pull_households_free(&households);
    return status;
}

enum status volume_store(struct pg *pg, int64_t batch_id, struct volume_tally *tally, struct error *err)
{
    const struct volume_townships *list = &tally->townships;
    enum status status = tally->places ? STATUS_OK : ask_register(pg, tally, err);
    if (status == STATUS_OK && !add_facts(&tally->townships, VOLUME_NO_TOWNSHIP, tally->strangers))
        status = no_memory(err);
    if (status == STATUS_OK)
        status = pg_update(pg,
                           "insert into batch_township (batch_id, township_code, rows)"
                           " select $1, * from unnest($2::bigint[], $3::bigint[])",
                           pg_params(pg_of_int64(batch_id), pg_of_int64_array(list->codes, list->count),
                                     pg_of_int64_array(list->facts, list->count)),
                           NULL, err);
    return status == STATUS_OK ? STATUS_OK : error_wrap(err, "counting a batch by township");
}

/* --- reading ------------------------------------------------------------------------------------------------ */

enum status volume_read(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *arena,
                        const struct volume **volumes, size_t *volume_count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(&fetch, pg,
                                     "select township_code, batch_id, rows from batch_township"
                                     " where batch_id = any($1) order by township_code, batch_id",
                                     pg_params(pg_of_int64_array(batch_ids, count)), arena, err);
    struct volume *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct volume){pg_get_int64(fetch.result, fetch.row, 0),
                                           pg_get_int64(fetch.result, fetch.row, 1),
                                           pg_get_int64(fetch.result, fetch.row, 2)};
    *volumes = items;
    *volume_count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

/* --- what a round found ------------------------------------------------------------------------------------- */

/* One array for each column, in one piece; free() it. */
static int64_t *columns_of(const struct volume_swing *swings, size_t count)
{
    int64_t *columns = calloc(SWING_COLUMNS * count + 1, sizeof *columns);
    for (size_t i = 0; columns != NULL && i < count; i++) {
        const int64_t row[SWING_COLUMNS] = {swings[i].source, swings[i].batch_id, swings[i].township,
                                            swings[i].rows,   swings[i].low,      swings[i].high,
                                            swings[i].trusted};
        for (size_t column = 0; column < SWING_COLUMNS; column++)
            columns[column * count + i] = row[column];
    }
    return columns;
}

enum status volume_put_swings(struct pg *pg, int64_t round_id, const struct volume_swing *swings,
                              size_t count, struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    int64_t *columns = columns_of(swings, count);
    if (columns == NULL)
        return no_memory(err);
    enum status status = pg_update(
        pg,
        "insert into round_swing (round_id, source, batch_id, township_code, rows, low, high, trusted)"
        " select $1, source, batch, township, rows, low, high, trusted <> 0 from unnest($2::bigint[],"
        " $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])"
        " s (source, batch, township, rows, low, high, trusted)",
        pg_params(
            pg_of_int64(round_id), pg_of_int64_array(columns, count),
            pg_of_int64_array(columns + count, count), pg_of_int64_array(columns + 2 * count, count),
            pg_of_int64_array(columns + 3 * count, count), pg_of_int64_array(columns + 4 * count, count),
            pg_of_int64_array(columns + 5 * count, count), pg_of_int64_array(columns + 6 * count, count)),
        NULL, err);
    free(columns);
    return status;
}

enum status volume_swings(struct pg *pg, int64_t round_id, struct arena *arena,
                          const struct volume_swing **swings, size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(
        &fetch, pg,
        "select w.source, w.batch_id, w.township_code, w.rows, w.low, w.high, b.batch, s.name,"
        " s.title, w.trusted, t.actor, t.reason, t.at from round_swing w join batch b using"
        " (batch_id) join source s on s.source = w.source left join batch_trust t using (batch_id)"
        " where w.round_id = case when $1 > 0 then $1 else (select max(round_id) from"
        " round where state in ('committed', 'held')) end order by 1, 2, 3",
        pg_params(pg_of_int64(round_id)), arena, err);
    struct volume_swing *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct volume_swing){
            .source = pg_get_int16(fetch.result, fetch.row, 0),
            .batch_id = pg_get_int64(fetch.result, fetch.row, 1),
            .township = pg_get_int64(fetch.result, fetch.row, 2),
            .rows = pg_get_int64(fetch.result, fetch.row, 3),
            .low = pg_get_int64(fetch.result, fetch.row, 4),
            .high = pg_get_int64(fetch.result, fetch.row, 5),
            .batch = fetch_text(&fetch, 6),
            .source_name = fetch_text(&fetch, 7),
            .source_title = fetch_text(&fetch, 8),
            .trusted = pg_get_bool(fetch.result, fetch.row, 9),
            .word = trust_fetch(&fetch, 10),
        };
    *swings = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}

enum status volume_swinging(struct pg *pg, struct arena *arena, const struct volume_swinging **sources,
                            size_t *count, struct error *err)
{
    struct fetch fetch;
    enum status status = fetch_query(
        &fetch, pg,
        "select source, count(distinct nullif(township_code, 0)), bool_or(township_code = 0) from round_swing"
        " where not trusted and round_id = (select max(round_id) from round where state in ('committed', 'held'))"
        " group by source order by source",
        pg_params(), arena, err);
    struct volume_swinging *items = fetch_array(&fetch, sizeof *items);
    for (; fetch.row < fetch.rows; fetch.row++)
        items[fetch.row] = (struct volume_swinging){pg_get_int16(fetch.result, fetch.row, 0),
                                                    pg_get_int64(fetch.result, fetch.row, 1),
                                                    pg_get_bool(fetch.result, fetch.row, 2)};
    *sources = items;
    *count = fetch.rows;
    return fetch_done(&fetch, status, err);
}
