/* SPDX-License-Identifier: PostgreSQL */
#include "store/register_writer.h"

#include "base/kill_point.h"

#include <stdlib.h>

enum { AT_ONCE = 5000 };

static const char stage_sql[] =
    "create temporary table changed_household (household_id bigint, township_code bigint, village_code bigint,"
    " urban boolean, address text, returned boolean) on commit drop;"
    "create temporary table renamed_person (person_id bigint, name text) on commit drop;"
    "create temporary table changed_membership (person_id bigint, household_id bigint, valid_from date, birth date,"
    " kinship smallint, labour text, line integer) on commit drop;"
    "create temporary table moved_membership (like changed_membership) on commit drop;"
    "create temporary table taken_up (id_packed bigint, person_id bigint) on commit drop";

enum status register_stage(struct pg *pg, struct error *err)
{
    return pg_exec(pg, stage_sql, err);
}

/* This import: batch_accept came before. */
#define THIS_BATCH                                                                                           \
    "(select coalesce(max(batch_id), 0) from shouwang.batch where source = 0 and status = 'accepted')"

/* $1 is today, $2 an array of keys. What was is kept in the history, in the same statement. */
struct ending {
    const char *what, *sql;
    bool (*ends)(const struct register_writer *writer, int64_t id);
};

static bool household_ends(const struct register_writer *writer, int64_t id)
{
    return writer->household[id].on_register && !writer->household[id].given;
}

static bool membership_ends(const struct register_writer *writer, int64_t id)
{
    const struct known_person *person = &writer->person[id];
    return person->household != 0 && (person->line == 0 || person->moved);
}

static const struct ending household_ending = {
    "ending households",
    "with ended as (update household set valid_to = $1 where household_id = any($2) and valid_to is null"
    " returning household_id, township_code, village_code, urban)"
    " insert into household_history (household_id, ended_by, on_register, township_code, village_code, urban)"
    " select household_id, " THIS_BATCH ", true, township_code, village_code, urban from ended",
    household_ends};
static const struct ending membership_ending = {
    "ending memberships",
    "with ended as (update membership set valid_to = $1 where person_id = any($2) and valid_to is null"
    " returning person_id, household_id, birth, kinship, labour, line)"
    " insert into membership_history (person_id, ended_by, household_id, birth, kinship, labour, line)"
    " select person_id, " THIS_BATCH ", household_id, birth, kinship, labour, line from ended",
    membership_ends};

static enum status run_ending(struct register_writer *writer, const struct ending *ending, int64_t last,
                              int64_t *count, struct error *err)
{
    int64_t *ids = malloc(AT_ONCE * sizeof *ids);
    size_t waiting = 0;
    enum status status = ids ? STATUS_OK : error_set(err, STATUS_FATAL, "no memory for an import");
    for (int64_t id = 1; id <= last && !status; id++) {
        if (ending->ends(writer, id))
            ids[waiting++] = id;
        if (waiting == 0 || (waiting < AT_ONCE && id < last))
            continue;
        int64_t affected;
        status =
            pg_update(writer->pg, ending->sql,
                      pg_params(pg_of_day(writer->today), pg_of_int64_array(ids, waiting)), &affected, err);
        *count += status ? 0 : affected;
        waiting = 0;
    }
    free(ids);
    return status ? error_wrap(err, "%s", ending->what) : STATUS_OK;
}

/* In this order, each where something was sent to its table. $1 is today. */
static const struct step {
    enum target target;
    const char *what, *prepare, *sql;
} steps[] = {
    {TO_CHANGED_HOUSEHOLD, "changing households", "analyze changed_household",
     "with before as (insert into household_history (household_id, ended_by, on_register, township_code,"
     "  village_code, urban) select h.household_id, " THIS_BATCH ", h.valid_to is null, h.township_code,"
     "  h.village_code, h.urban from household h join changed_household s using (household_id))"
     " update household h set township_code = s.township_code, village_code = s.village_code, urban = s.urban,"
     " address = s.address, valid_from = case when s.returned then $1 else h.valid_from end, valid_to = null"
     " from changed_household s where s.household_id = h.household_id"},
    {TO_RENAMED, "renaming persons", "analyze renamed_person",
     "update person p set name = s.name from renamed_person s where s.person_id = p.person_id and $1::date is not"
     " null"},
    {TO_CHANGED_MEMBERSHIP, "changing memberships", "analyze changed_membership",
     "with before as (insert into membership_history (person_id, ended_by, household_id, birth, kinship, labour,"
     "  line) select m.person_id, " THIS_BATCH ", m.household_id, m.birth, m.kinship, m.labour, m.line"
     "  from membership m join changed_membership s using (person_id) where m.valid_to is null)"
     " update membership m set birth = s.birth, kinship = s.kinship, labour = s.labour, line = s.line"
     " from changed_membership s where s.person_id = m.person_id and m.valid_to is null and $1::date is not null"},
    {TO_MOVED, "adding memberships", "analyze moved_membership",
     "with before as (insert into membership_history (person_id, ended_by) select person_id, " THIS_BATCH
     "  from moved_membership on conflict do nothing)" /* who left another household stands there already */
     " insert into membership (person_id, household_id, valid_from, birth, kinship, labour, line)"
     " select person_id, household_id, $1, birth, kinship, labour, line from moved_membership"},
};

static enum status run_step(struct register_writer *writer, const struct step *step, struct error *err)
{
    int64_t affected;
    if (writer->sent[step->target] == 0)
        return STATUS_OK;
    enum status status = pg_exec(writer->pg, step->prepare, err);
    if (!status)
        status = pg_update(writer->pg, step->sql, pg_params(pg_of_day(writer->today)), &affected, err);
    if (status)
        return error_wrap(err, "%s", step->what);
    if (affected != writer->sent[step->target])
        return error_set(err, STATUS_FATAL, "%s: found %lld rows, expected %lld", step->what,
                         (long long)affected, (long long)writer->sent[step->target]);
    return STATUS_OK;
}

/* Who is new was not there before; of the first snapshot of all nobody needs to be told so. */
static enum status note_new(struct register_writer *writer, struct error *err)
{
    if (writer->household_old == 0)
        return STATUS_OK;
    enum status status =
        pg_update(writer->pg,
                  "insert into household_history (household_id, ended_by, on_register)"
                  " select household_id, " THIS_BATCH ", false from household where household_id > $1",
                  pg_params(pg_of_int64(writer->household_old)), NULL, err);
    if (!status)
        status =
            pg_update(writer->pg,
                      "insert into membership_history (person_id, ended_by) select person_id, " THIS_BATCH
                      " from membership where person_id > $1 and valid_to is null",
                      pg_params(pg_of_int64(writer->person_old)), NULL, err);
    return status ? error_wrap(err, "noting who is new") : STATUS_OK;
}

/* Feeds spoke of them before the register did. */
static enum status take_up_strangers(struct register_writer *writer, struct error *err)
{
    struct pg_result *result;
    if (writer->sent[TO_TAKEN_UP] == 0)
        return STATUS_OK;
    enum status status = pg_exec(writer->pg, "analyze taken_up", err);
    if (!status)
        status = pg_query(
            writer->pg,
            "with taken as (delete from stranger_fact f using taken_up n where f.id_packed = n.id_packed"
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

enum status register_apply(struct register_writer *writer, struct error *err)
{
    struct register_counts *counts = &writer->counts;
    enum status status =
        run_ending(writer, &household_ending, writer->household_last, &counts->households_ended, err);
    if (!status)
        status = run_ending(writer, &membership_ending, writer->person_last, &counts->memberships_ended, err);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !status; i++)
        status = run_step(writer, &steps[i], err);
    if (!status)
        status = note_new(writer, err);
    KILL_POINT("register.compared");
    if (!status)
        status = take_up_strangers(writer, err);
    if (!status)
        status = pg_exec(writer->pg,
                         "drop table changed_household, renamed_person, changed_membership, moved_membership,"
                         " taken_up",
                         err);
    return status;
}
