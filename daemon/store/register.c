/* SPDX-License-Identifier: PostgreSQL */
#include "store/register.h"

#include "io/pg.h"
#include "store/columns.h"

/* --- keys --------------------------------------------------------------------------------------------------- */

enum { IDENTITY_COLUMNS = 2, HOUSEHOLD_COLUMNS = 2 };

enum status register_size(struct pg *pg, int64_t *persons, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(pg, "select coalesce(max(person_id), 0) from person", pg_params(), &result, err);
    *persons = status ? 0 : pg_get_int64(result, 0, 0);
    pg_result_free(result);
    return status;
}

static void identity_columns(struct register_identities *identities, struct column columns[IDENTITY_COLUMNS])
{
    columns[0] = (struct column){&identities->id_packed, sizeof *identities->id_packed, 0};
    columns[1] = (struct column){&identities->person_id, sizeof *identities->person_id, 0};
}

static bool add_identity(struct register_identities *identities, int64_t id_packed, int64_t person_id)
{
    struct column columns[IDENTITY_COLUMNS];
    identity_columns(identities, columns);
    if (identities->count == identities->capacity &&
        !columns_grow(&identities->capacity, columns, IDENTITY_COLUMNS))
        return false;
    identities->id_packed[identities->count] = id_packed;
    identities->person_id[identities->count++] = person_id;
    return true;
}

static bool read_identity(void *target, struct pg_row *row)
{
    int64_t id_packed = 0, person_id = 0;
    pg_row_int64(row, &id_packed);
    pg_row_int64(row, &person_id);
    return add_identity(target, id_packed, person_id);
}

enum status register_load_identities(struct pg *pg, struct register_identities *identities, struct error *err)
{
    return columns_copy(pg, "copy person_identity (id_packed, person_id) to stdout (format binary)",
                        read_identity, identities, err);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for keys of the register");
}

enum status register_find_identities(struct pg *pg, const int64_t *ids_packed, size_t count,
                                     struct register_identities *identities, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(pg, "select id_packed, person_id from person_identity where id_packed = any($1)",
                 pg_params(pg_of_int64_array(ids_packed, count)), &result, err);
    for (size_t i = 0; !status && i < pg_result_rows(result); i++)
        if (!add_identity(identities, pg_get_int64(result, i, 0), pg_get_int64(result, i, 1)))
            status = no_memory(err);
    pg_result_free(result);
    return status;
}

void register_identities_free(struct register_identities *identities)
{
    struct column columns[IDENTITY_COLUMNS];
    identity_columns(identities, columns);
    columns_free(columns, IDENTITY_COLUMNS);
    *identities = (struct register_identities){0};
}

static void household_columns(struct register_households *households,
                              struct column columns[HOUSEHOLD_COLUMNS])
{
    columns[0] = (struct column){&households->household_id, sizeof *households->household_id, 0};
    columns[1] = (struct column){&households->number_begin, sizeof *households->number_begin, 1};
}

static bool add_household(struct register_households *households, int64_t household_id, struct slice number)
{
    struct column columns[HOUSEHOLD_COLUMNS];
    household_columns(households, columns);
    if (households->count == households->capacity &&
        !columns_grow(&households->capacity, columns, HOUSEHOLD_COLUMNS))
        return false;
    households->household_id[households->count] = household_id;
    households->number_begin[households->count++] = (uint32_t)households->numbers.length;
    text_add(&households->numbers, number.bytes, number.length);
    households->number_begin[households->count] = (uint32_t)households->numbers.length;
    return !households->numbers.failed && households->numbers.length <= UINT32_MAX;
}

static bool read_household(void *target, struct pg_row *row)
{
    int64_t household_id = 0;
    pg_row_int64(row, &household_id);
    return add_household(target, household_id, pg_row_text(row));
}

enum status register_load_households(struct pg *pg, struct register_households *households, struct error *err)
{
    return columns_copy(pg, "copy household_number (household_id, household_no) to stdout (format binary)",
                        read_household, households, err);
}

void register_households_free(struct register_households *households)
{
    struct column columns[HOUSEHOLD_COLUMNS];
    household_columns(households, columns);
    columns_free(columns, HOUSEHOLD_COLUMNS);
    text_fini(&households->numbers);
    *households = (struct register_households){0};
}

/* --- a few of them ------------------------------------------------------------------------------------------ */

enum status register_find_persons(struct pg *pg, const int64_t *person_ids, size_t count, bool names,
                                  register_take_person *take, void *context, struct error *err)
{
    struct pg_result *result;
    if (count == 0)
        return STATUS_OK;
    enum status status = pg_query(
        pg,
        "select p.person_id, case when $2 then p.name else '' end, coalesce(h.township_code, 0) from person p"
        " left join membership m on m.person_id = p.person_id and m.valid_to is null"
        " left join household h on h.household_id = m.household_id and h.valid_to is null"
        " where p.person_id = any($1)",
        pg_params(pg_of_int64_array(person_ids, count), pg_of_bool(names)), &result, err);
    for (size_t i = 0; !status && i < pg_result_rows(result); i++)
        if (!take(context, pg_get_int64(result, i, 0), pg_get_text(result, i, 1), pg_get_int64(result, i, 2)))
            status = no_memory(err);
    pg_result_free(result);
    return status;
}

enum status register_find_households(struct pg *pg, const struct slice *numbers, size_t count,
                                     register_take_household *take, void *context, struct error *err)
{
    struct pg_result *result;
    if (count == 0)
        return STATUS_OK;
    enum status status =
        pg_query(pg,
                 "select n.household_id, n.household_no, coalesce(h.township_code, 0) from household_number n"
                 " left join household h on h.household_id = n.household_id and h.valid_to is null"
                 " where n.household_no = any($1)",
                 pg_params(pg_of_text_array(numbers, count)), &result, err);
    for (size_t i = 0; !status && i < pg_result_rows(result); i++)
        if (!take(context, pg_get_int64(result, i, 0), pg_get_text(result, i, 1), pg_get_int64(result, i, 2)))
            status = no_memory(err);
    pg_result_free(result);
    return status;
}
