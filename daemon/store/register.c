/* SPDX-License-Identifier: PostgreSQL */
#include "store/register.h"

#include "io/pg.h"
#include "store/columns.h"

/* --- keys --------------------------------------------------------------------------------------------------- */

enum { IDENTITY_COLUMNS = 2, HOUSEHOLD_COLUMNS = 2 };

static void identity_columns(struct register_identities *identities, struct column columns[IDENTITY_COLUMNS])
{
    columns[0] = (struct column){&identities->id_packed, sizeof *identities->id_packed, 0};
    columns[1] = (struct column){&identities->person_id, sizeof *identities->person_id, 0};
}

static bool read_identity(void *target, struct pg_row *row)
{
    struct register_identities *identities = target;
    struct column columns[IDENTITY_COLUMNS];
    identity_columns(identities, columns);
    if (identities->count == identities->capacity &&
        !columns_grow(&identities->capacity, columns, IDENTITY_COLUMNS))
        return false;
    pg_row_int64(row, &identities->id_packed[identities->count]);
    pg_row_int64(row, &identities->person_id[identities->count]);
    identities->count++;
    return true;
}

enum status register_load_identities(struct pg *pg, struct register_identities *identities, struct error *err)
{
    return columns_copy(pg, "copy person_identity (id_packed, person_id) to stdout (format binary)",
                        read_identity, identities, err);
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

static bool read_household(void *target, struct pg_row *row)
{
    struct register_households *households = target;
    struct column columns[HOUSEHOLD_COLUMNS];
    household_columns(households, columns);
    if (households->count == households->capacity &&
        !columns_grow(&households->capacity, columns, HOUSEHOLD_COLUMNS))
        return false;
    pg_row_int64(row, &households->household_id[households->count]);
    struct slice number = pg_row_text(row);
    households->number_begin[households->count++] = (uint32_t)households->numbers.length;
    text_add(&households->numbers, number.bytes, number.length);
    households->number_begin[households->count] = (uint32_t)households->numbers.length;
    return !households->numbers.failed && households->numbers.length <= UINT32_MAX;
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
