/* SPDX-License-Identifier: PostgreSQL */
#include "store/register.h"

#include "base/kill_point.h"
#include "domain/resident_id.h"
#include "io/pg.h"
#include "store/columns.h"
#include "store/sender.h"

#include <stdlib.h>
#include <string.h>

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

/* --- a snapshot: taking it in --------------------------------------------------------------------------------- */

struct register_writer {
    struct pg *pg;
    struct sender *sender;
    bool owns_sender;
    day_t today;
    struct pg_rows households, persons;
    struct register_counts counts;
};

static const char stage_sql[] =
    "create temporary table stage_household (household_no text, township_code bigint, village_code bigint,"
    " urban boolean, address text) on commit drop;"
    "create temporary table stage_person (household_no text, id_packed bigint, raw_id text, name text,"
    " birth date,"
    " kinship smallint, labour text, line integer) on commit drop";

enum status register_writer_new(struct pg *pg, day_t today, struct sender *sender,
                                struct register_writer **writer, struct error *err)
{
    *writer = NULL;
    enum status status = pg_exec(pg, stage_sql, err);
    if (status)
        return error_wrap(err, "staging the register");
    struct register_writer *new = calloc(1, sizeof *new);
    if (!new)
        return error_set(err, STATUS_FATAL, "no memory for an import");
    new->pg = pg;
    new->sender = sender;
    new->owns_sender = sender == NULL;
    new->today = today;
    pg_rows_init(&new->households);
    pg_rows_init(&new->persons);
    *writer = new;
    return new->owns_sender ? sender_new(pg, &new->sender, err) : STATUS_OK;
}

void register_writer_free(struct register_writer *writer)
{
    if (!writer)
        return;
    if (writer->owns_sender)
        sender_free(writer->sender);
    pg_rows_fini(&writer->households);
    pg_rows_fini(&writer->persons);
    free(writer);
}

static enum status send_households(struct register_writer *writer, struct error *err)
{
    return sender_send(writer->sender, "copy stage_household from stdin (format binary)", &writer->households,
                       err);
}

static enum status send_persons(struct register_writer *writer, struct error *err)
{
    return sender_send(writer->sender, "copy stage_person from stdin (format binary)", &writer->persons, err);
}

/* Never null: an empty slice may have no address. */
static struct slice present(struct slice text)
{
    return text.bytes ? text : (struct slice){"", 0};
}

enum status register_writer_add_household(struct register_writer *writer,
                                          const struct register_household *household, struct error *err)
{
    struct pg_rows *rows = &writer->households;
    pg_rows_begin(rows, 5);
    pg_put_text(rows, present(household->household_no));
    pg_put_int64(rows, household->township);
    pg_put_int64(rows, household->village);
    pg_put_bool(rows, household->urban);
    pg_put_text(rows, present(household->address));
    writer->counts.households++;
    return pg_rows_full(rows) ? send_households(writer, err) : STATUS_OK;
}

enum status register_writer_add_person(struct register_writer *writer, const struct register_person *person,
                                       struct error *err)
{
    struct pg_rows *rows = &writer->persons;
    bool identified = person->id_packed != 0;
    pg_rows_begin(rows, 8);
    pg_put_text(rows, present(person->household_no));
    if (identified)
        pg_put_int64(rows, (int64_t)person->id_packed);
    else
        pg_put_null(rows);
    pg_put_text(rows, identified ? (struct slice){NULL, 0} : present(person->raw_id));
    pg_put_text(rows, present(person->name));
    pg_put_day(rows, identified ? resident_id_birth(person->id_packed) : DAY_NONE);
    if (person->kinship == REGISTER_KINSHIP_NONE)
        pg_put_null(rows);
    else
        pg_put_int16(rows, person->kinship);
    pg_put_text(rows, present(person->labour));
    pg_put_int32(rows, person->line);
    writer->counts.persons++;
    return pg_rows_full(rows) ? send_persons(writer, err) : STATUS_OK;
}

/* --- a snapshot: checking it ---------------------------------------------------------------------------------- */

static const struct {
    const char *sql, *words;
} checks[] = {
    {"select count(*) from (select from stage_household group by household_no having count(*) > 1) t",
     "household numbers stand more than once in the snapshot"},
    {"select count(*) from (select from stage_person where id_packed is not null group by id_packed"
     " having count(*) > 1) t",
     "persons stand more than once in the snapshot"},
    {"select count(*) from stage_person p"
     " where not exists (select from stage_household h where h.household_no = p.household_no)",
     "persons belong to a household that the snapshot does not hold"},
};

static enum status check_stage(struct register_writer *writer, struct error *err)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct pg_result *result;
        enum status status = pg_query(writer->pg, checks[i].sql, pg_params(), &result, err);
        if (status)
            return status;
        int64_t found = pg_get_int64(result, 0, 0);
        pg_result_free(result);
        if (found)
            return error_set(err, STATUS_REJECT, "%lld %s", (long long)found, checks[i].words);
    }
    return STATUS_OK;
}

/* --- a snapshot: applying it ---------------------------------------------------------------------------------- */

/*
 * In this order. $1 is today. `counter` is where the number of rows goes.
 *
 * snap_household and snap_person are the snapshot by our own keys, the latter with what is new about each person;
 * new_person holds those whose identity number is new.
 * Ids go on from the greatest; nobody else gives any, since the ingest lease is held.
 */
static const struct step {
    const char *what, *sql;
    size_t counter; /* 0 = none: the first counter is the caller's own */
} steps[] = {
    {"numbering households",
     "insert into household_number (household_no, household_id)"
     " select household_no, (select coalesce(max(household_id), 0) from household_number)"
     "        + row_number() over (order by household_no collate \"C\")"
     " from stage_household s where not exists (select from household_number n where n.household_no ="
     " s.household_no)",
     0},
    {"numbering households",
     "create temporary table snap_household on commit drop as"
     " select n.household_id, s.* from stage_household s join household_number n using (household_no)",
     0},
    {"numbering households", "analyze snap_household", 0},
    {"ending households",
     "update household h set valid_to = $1 where valid_to is null"
     " and not exists (select from snap_household s where s.household_id = h.household_id)",
     offsetof(struct register_counts, households_ended)},
    {"reopening households",
     "update household h set valid_from = $1, valid_to = null from snap_household s"
     " where s.household_id = h.household_id and h.valid_to is not null",
     offsetof(struct register_counts, households_returned)},
    {"changing households",
     "update household h set township_code = s.township_code, village_code = s.village_code, urban = s.urban,"
     " address = s.address from snap_household s where s.household_id = h.household_id"
     " and (h.township_code, h.village_code, h.urban, h.address) is distinct from"
     "     (s.township_code, s.village_code, s.urban, s.address)",
     offsetof(struct register_counts, households_changed)},
    {"adding households",
     "insert into household (household_id, household_no, township_code, village_code, urban, address,"
     " valid_from)"
     " select household_id, household_no, township_code, village_code, urban, address, $1 from"
     " snap_household s"
     " where not exists (select from household h where h.household_id = s.household_id)",
     offsetof(struct register_counts, households_new)},
    {"numbering persons",
     "create temporary table new_person on commit drop as"
     " select id_packed, name, (select coalesce(max(person_id), 0) from person)"
     "        + row_number() over (order by line) as person_id"
     " from stage_person s where id_packed is not null"
     " and not exists (select from person_identity i where i.id_packed = s.id_packed)",
     0},
    {"numbering persons", "analyze new_person", 0},
    {"adding persons", "insert into person (person_id, name) select person_id, name from new_person",
     offsetof(struct register_counts, persons_new)},
    {"adding persons",
     "insert into person_identity (id_packed, person_id) select id_packed, person_id from new_person", 0},
    {"matching persons",
     "create temporary table snap_person on commit drop as"
     " select i.person_id, h.household_id, s.raw_id, s.name, s.birth, s.kinship, s.labour, s.line,"
     "        s.name <> p.name as renamed, m.person_id is null as joins,"
     "        (m.birth, m.kinship, m.labour) is distinct from (s.birth, s.kinship, s.labour) as changed"
     " from stage_person s join person_identity i using (id_packed) join person p using (person_id)"
     " join snap_household h using (household_no)"
     " left join membership m on m.person_id = i.person_id and m.household_id = h.household_id"
     "   and m.valid_to is null",
     0},
    /* Who has no usable number is known again by household, number as registered and name; of two who share all of
     * that, the first stays the first. Those without a match sort first and so are numbered 1, 2 … */
    {"matching persons without identity",
     "with known as ("
     "  select m.household_id, p.raw_id, p.name, p.person_id, m.birth, m.kinship, m.labour,"
     "         row_number() over (partition by m.household_id, p.raw_id, p.name order by p.person_id) as nth"
     "  from membership m join person p using (person_id) where m.valid_to is null and p.raw_id is not null),"
     " given as ("
     "  select h.household_id, s.raw_id, s.name, s.birth, s.kinship, s.labour, s.line,"
     "         row_number() over (partition by h.household_id, s.raw_id, s.name order by s.line) as nth"
     "  from stage_person s join snap_household h using (household_no) where s.id_packed is null)"
     " insert into snap_person (person_id, household_id, raw_id, name, birth, kinship, labour, line, renamed, joins,"
     "   changed)"
     " select coalesce(k.person_id, (select coalesce(max(person_id), 0) from person)"
     "                              + row_number() over (order by k.person_id is not null, g.line)),"
     "        g.household_id, g.raw_id, g.name, g.birth, g.kinship, g.labour, g.line, false, k.person_id is null,"
     "        (k.birth, k.kinship, k.labour) is distinct from (g.birth, g.kinship, g.labour)"
     " from given g left join known k using (household_id, raw_id, name, nth)",
     0},
    {"matching persons", "analyze snap_person", 0},
    {"adding persons without identity",
     "insert into person (person_id, name, raw_id) select person_id, name, raw_id from snap_person"
     " where joins and raw_id is not null",
     offsetof(struct register_counts, persons_new)},
    {"renaming persons",
     "update person p set name = s.name from snap_person s where s.renamed and s.person_id = p.person_id",
     offsetof(struct register_counts, persons_renamed)},
    {"ending memberships",
     "update membership m set valid_to = $1 where valid_to is null and not exists"
     " (select from snap_person s where s.person_id = m.person_id and s.household_id = m.household_id)",
     offsetof(struct register_counts, memberships_ended)},
    {"changing memberships",
     "update membership m set birth = s.birth, kinship = s.kinship, labour = s.labour, line = s.line"
     " from snap_person s where s.changed and not s.joins and s.person_id = m.person_id"
     "   and s.household_id = m.household_id and m.valid_to is null",
     offsetof(struct register_counts, memberships_changed)},
    {"adding memberships",
     "insert into membership (person_id, household_id, valid_from, birth, kinship, labour, line)"
     " select person_id, household_id, $1, birth, kinship, labour, line from snap_person where joins",
     offsetof(struct register_counts, memberships_new)},
};

static enum status run_step(struct register_writer *writer, const struct step *step, struct error *err)
{
    int64_t affected;
    enum status status =
        pg_update(writer->pg, step->sql, pg_params(pg_of_day(writer->today)), &affected, err);
    if (status)
        return error_wrap(err, "%s", step->what);
    if (step->counter) {
        int64_t *counter = (int64_t *)(void *)((char *)&writer->counts + step->counter);
        *counter += affected;
    }
    return STATUS_OK;
}

/* Feeds spoke of them before the register did. */
static enum status take_up_strangers(struct register_writer *writer, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(
        writer->pg,
        "with taken as (delete from stranger_fact f using new_person n where f.id_packed = n.id_packed"
        "  returning n.person_id, f.*),"
        " placed as (insert into person_fact (person_id, value, batch_id, from_day, to_day, row_no, code,"
        "  source, as_of, ref, detail) select person_id, value, batch_id, from_day, to_day, row_no, code,"
        "  source, as_of, ref, detail from taken)"
        " select count(distinct person_id), count(*) from taken",
        pg_params(), &result, err);
    if (status)
        return error_wrap(err, "taking up facts about new persons");
    writer->counts.strangers_taken_up = pg_get_int64(result, 0, 0);
    writer->counts.facts_taken_up = pg_get_int64(result, 0, 1);
    pg_result_free(result);
    return STATUS_OK;
}

enum status register_writer_finish(struct register_writer *writer, struct register_counts *counts,
                                   struct error *err)
{
    enum status status = send_households(writer, err);
    if (!status)
        status = send_persons(writer, err);
    if (!status)
        status = sender_wait(writer->sender, err);
    KILL_POINT("register.copied");
    /* Hashes of the whole register; the default of 4 MB would go to disk in many pieces. */
    if (!status)
        status = pg_exec(writer->pg,
                         "set local work_mem = '128MB'; analyze stage_household; analyze stage_person", err);
    if (!status)
        status = check_stage(writer, err);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !status; i++)
        status = run_step(writer, &steps[i], err);
    KILL_POINT("register.compared");
    if (!status)
        status = take_up_strangers(writer, err);
    if (!status)
        status =
            pg_exec(writer->pg,
                    "drop table stage_household, stage_person, snap_household, new_person, snap_person", err);
    *counts = writer->counts;
    return status;
}
