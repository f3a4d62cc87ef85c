/* SPDX-License-Identifier: PostgreSQL */
/* What each row of a snapshot says, and what the snapshot as a whole would end: households, persons, then facts. */
#include "config.h"

#include "source/import_snapshot.h"

#include "domain/area.h"
#include "domain/resident_id.h"
#include "source/fact_stage.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RAW_ID_MAX = 64,     /* bytes of a number that cannot be used */
    VILLAGE_UNKNOWN = 0, /* the last three digits of a village that cannot be told */
    PART = 1000,         /* a village's code is its township's with three digits more */
};

/* Columns of one table, by position in its list. */
enum { HOUSEHOLD_NO, TOWNSHIP, VILLAGE, AREA, ADDRESS, HOUSEHOLD_COLUMNS };
enum { PERSON_HOUSEHOLD, PERSON_ID, PERSON_NAME, PERSON_KINSHIP, PERSON_LABOUR, PERSON_COLUMNS };
_Static_assert((int)HOUSEHOLD_COLUMNS <= (int)IMPORT_COLUMNS_MAX, "room for the columns of household.csv");
_Static_assert((int)PERSON_COLUMNS <= (int)IMPORT_COLUMNS_MAX, "room for the columns of person.csv");

static const struct import_column household_columns[HOUSEHOLD_COLUMNS] = {{"household_no", false},
                                                                          {"township_code", false},
                                                                          {"village_code", false},
                                                                          {"area", false},
                                                                          {"address", true}};
static const struct import_column person_columns[PERSON_COLUMNS] = {
    {"household_no", false}, {"id_number", false}, {"name", false}, {"kinship", true}, {"labour", true}};

/* --- households ----------------------------------------------------------------------------------------------------------- */

/* A village that cannot be told does not cost a household its place in the township. */
static enum status read_village(struct importing *import, int64_t township, int64_t *village,
                                struct error *err)
{
    struct slice text = import_field(import, VILLAGE);
    if (!area_parse_village(text, village)) {
        *village = township * PART + VILLAGE_UNKNOWN;
        return import_keep(import, "village_code", "village.unreadable", text, "12 digits", err);
    }
    if (area_township_of_village(*village) != township)
        return import_keep(import, "village_code", "village.township", text,
                           "a village of the household's township", err);
    return STATUS_OK;
}

static bool spare_household(struct importing *import)
{
    return register_writer_spare_household(import->writer, import_field(import, HOUSEHOLD_NO));
}

/* One wrong field does not end a household that the register holds. */
static enum status refuse_household(struct importing *import, const char *column, const char *reason,
                                    struct slice found, const char *expected, struct error *err)
{
    return import_note(import, column, reason, found, expected, spare_household(import), err);
}

static enum status take_household(struct importing *import, struct error *err)
{
    struct slice number = import_field(import, HOUSEHOLD_NO), township = import_field(import, TOWNSHIP),
                 area = import_field(import, AREA);
    struct register_household household = {.household_no = number, .address = import_field(import, ADDRESS)};
    household.urban = slice_is(area, "urban");
    if (number.length == 0 || number.length > HOUSEHOLD_NO_MAX ||
        !utf8_has_no_control(number.bytes, number.length))
        return import_refuse(import, "household_no", "household.number", number,
                             "1 to 64 bytes without control characters", err);
    if (!area_parse_township(township, &household.township))
        return refuse_household(import, "township_code", "township.unreadable", township,
                                "9 digits of a township", err);
    if (!household.urban && !slice_is(area, "rural"))
        return refuse_household(import, "area", "area.unknown", area, "urban or rural", err);
    if (register_writer_is_given(import->writer, number))
        return import_refuse(import, "household_no", "household.repeat", number,
                             "each household once: it stands above", err);
    enum status status = read_village(import, household.township, &household.village, err);
    if (status != STATUS_OK)
        return status;
    import->household_count++;
    return register_writer_add_household(import->writer, &household, err);
}

static enum status read_households(struct importing *import, struct error *err)
{
    enum status status = import_table_begin(import, IMPORT_TABLE_HOUSEHOLD, &import->result->households, err);
    if (status == STATUS_OK)
        status = import_table_bind(import, household_columns, HOUSEHOLD_COLUMNS, err);
    if (status == STATUS_OK)
        status = import_table_read(import, IMPORT_HOUSEHOLDS, take_household, spare_household, err);
    if (status == STATUS_OK && import->household_count == 0)
        return error_set(err, STATUS_REJECT, "%s: found no usable household, expected some",
                         import->rows->names[IMPORT_TABLE_HOUSEHOLD]);
    import_end_stage(import, IMPORT_HOUSEHOLDS);
    return status;
}

/* --- persons -------------------------------------------------------------------------------------------------------------- */

static enum status read_kinship(struct importing *import, int *kinship, struct error *err)
{
    struct slice text = import_field(import, PERSON_KINSHIP);
    *kinship = REGISTER_KINSHIP_NONE;
    if (text.length == 0)
        return STATUS_OK;
    int value = 0;
    bool digits = text.length <= 2;
    for (size_t i = 0; digits && i < text.length; i++) {
        digits = text.bytes[i] >= '0' && text.bytes[i] <= '9';
        value = value * 10 + (text.bytes[i] - '0');
    }
    if (!digits)
        return import_keep(import, "kinship", "kinship.unknown", text, "two digits of GB/T 4761", err);
    *kinship = value;
    return STATUS_OK;
}

static enum status read_labour(struct importing *import, struct slice *labour, struct error *err)
{
    *labour = import_field(import, PERSON_LABOUR);
    if (labour->length == 0 || slice_is(*labour, "full") || slice_is(*labour, "weak") ||
        slice_is(*labour, "none"))
        return STATUS_OK;
    struct slice found = *labour;
    *labour = (struct slice){"", 0};
    return import_keep(import, "labour", "labour.unknown", found, "full, weak, none or nothing", err);
}

static enum status read_person_name(struct importing *import, struct slice *name, struct error *err)
{
    *name = import_field(import, PERSON_NAME);
    name->length = utf8_cut(name->bytes, name->length, NAME_BYTES_MAX);
    return name->length > 0 ? STATUS_OK : import_keep(import, "name", "name.missing", *name, "a name", err);
}

/* *repeat: the ID stands above; the row is refused. */
static enum status read_identity(struct importing *import, struct register_person *person, bool *repeat,
                                 struct error *err)
{
    struct slice text = import_field(import, PERSON_ID);
    enum resident_id_verdict verdict = resident_id_parse(text, import->today, &person->id_packed);
    *repeat = false;
    if (verdict != RESIDENT_ID_OK) {
        person->id_packed = 0;
        person->raw_id = (struct slice){text.bytes, utf8_cut(text.bytes, text.length, RAW_ID_MAX)};
        import->result->without_identity++;
        return import_keep(import, "id_number", feed_id_reason(verdict), text,
                           "an identity number of GB 11643", err);
    }
    int64_t line = register_writer_line(import->writer, person->id_packed);
    *repeat = line != 0;
    if (!*repeat)
        return STATUS_OK;
    char masked[RESIDENT_ID_TEXT_SIZE], expected[NOTE_EXPECTED_MAX];
    snprintf(expected, sizeof expected, "each person once: line %lld has the same number", (long long)line);
    return import_refuse(import, "id_number", "person.repeat",
                         slice_of(resident_id_mask(person->id_packed, masked)), expected, err);
}

static bool spare_person(struct importing *import)
{
    uint64_t id_packed;
    return resident_id_parse(import_field(import, PERSON_ID), import->today, &id_packed) == RESIDENT_ID_OK &&
           register_writer_spare_person(import->writer, id_packed, (int32_t)import->csv->line);
}

static enum status take_person(struct importing *import, struct error *err)
{
    struct register_person person = {.household_no = import_field(import, PERSON_HOUSEHOLD),
                                     .line = (int32_t)import->csv->line};
    if (!register_writer_household(import->writer, person.household_no))
        return import_note(import, "household_no", "household.unknown", person.household_no,
                           "a household of the same snapshot", spare_person(import), err);
    bool repeat;
    enum status status = read_identity(import, &person, &repeat, err);
    if (status != STATUS_OK || repeat)
        return status;
    status = read_person_name(import, &person.name, err);
    if (status == STATUS_OK)
        status = read_kinship(import, &person.kinship, err);
    if (status == STATUS_OK)
        status = read_labour(import, &person.labour, err);
    if (status != STATUS_OK)
        return status;
    return register_writer_add_person(import->writer, &person, err);
}

static enum status read_persons(struct importing *import, struct error *err)
{
    enum status status = import_table_begin(import, IMPORT_TABLE_PERSON, &import->result->persons, err);
    if (status == STATUS_OK)
        status = import_table_bind(import, person_columns, PERSON_COLUMNS, err);
    if (status == STATUS_OK)
        status = import_table_read(import, IMPORT_PERSONS, take_person, spare_person, err);
    import_end_stage(import, IMPORT_PERSONS);
    return status;
}

/* --- comparing with what was there ------------------------------------------------------------------------------------------ */

/* A truncated extract looks like this; a table that was cut off may be any of the three. */
static enum status check_shrink(const struct importing *import, const char *what, int64_t before,
                                int64_t gone, int percent, struct error *err)
{
    if (import->settings->allow_shrink || gone < IMPORT_SHRINK_LEAST || gone * 100 <= before * percent)
        return STATUS_OK;
    return error_set(err, STATUS_REJECT,
                     "the snapshot would end %lld of %lld %s (more than %d %%), expected a whole one (or "
                     "--allow-shrink)",
                     (long long)gone, (long long)before, what, percent);
}

static enum status check_register(const struct importing *import, struct error *err)
{
    const struct register_counts *counts = &import->counts;
    int64_t before =
        counts->households - counts->households_new - counts->households_returned + counts->households_ended;
    enum status status =
        check_shrink(import, "households", before, counts->households_ended, IMPORT_SHRINK_PERCENT, err);
    return status != STATUS_OK ? status
                               : check_shrink(import, "persons", counts->members_before, counts->members_gone,
                                              IMPORT_SHRINK_PERCENT, err);
}

static void take_register_counts(struct importing *import)
{
    const struct register_counts *counts = &import->counts;
    struct import_counts *households = &import->result->households, *persons = &import->result->persons;
    households->added = counts->households_new + counts->households_returned;
    households->changed = counts->households_changed;
    households->ended = counts->households_ended;
    households->unchanged = counts->households - households->added - households->changed;
    persons->added = counts->persons_new;
    persons->changed = counts->persons_renamed + counts->memberships_changed;
    persons->ended = counts->memberships_ended;
    persons->unchanged = counts->persons - persons->added - persons->changed;
    import->result->strangers_moved = counts->facts_taken_up;
    import->result->empty_households = counts->households_empty;
}

static enum status compare(struct importing *import, struct error *err)
{
    enum status status = register_writer_finish(import->writer, &import->counts, err);
    if (status == STATUS_OK)
        status = check_register(import, err);
    take_register_counts(import);
    import_end_stage(import, IMPORT_COMPARE);
    return status;
}

enum status import_read_register(struct importing *import, struct error *err)
{
    enum status status = read_households(import, err);
    if (status == STATUS_OK)
        status = read_persons(import, err);
    return status == STATUS_OK ? compare(import, err) : status;
}

/* --- facts ------------------------------------------------------------------------------------------------------------------ */

struct fact_reading {
    struct feed_rows *rows;
    struct fact_stage *stage;
    struct feed_row row;
};

static enum status pump_facts(struct importing *import, struct fact_reading *reading, struct error *err)
{
    for (;;) {
        enum csv_step step = import->rows->next(import->rows->source, IMPORT_TABLE_FACT, err);
        if (step == CSV_BROKEN)
            return err->status;
        if (step == CSV_END)
            return import->rows->end(import->rows->source, IMPORT_TABLE_FACT, err);
        feed_rows_read(reading->rows, step == CSV_BAD_ROW, &reading->row);
        enum status status = fact_stage_add(reading->stage, &reading->row, err);
        if (status != STATUS_OK)
            return status;
        import_count_row(import, IMPORT_FACTS);
    }
}

static enum status run_facts(struct importing *import, struct fact_reading *reading, struct error *err)
{
    enum status status = import_table_begin(import, IMPORT_TABLE_FACT, &import->result->facts, err);
    if (status != STATUS_OK)
        return status;
    status =
        feed_rows_new(&reading->rows, import->settings->dictionary, NULL, import->csv, import->today, err);
    if (status != STATUS_OK)
        return error_wrap(err, "%s", import->rows->names[IMPORT_TABLE_FACT]);
    struct fact_stage_plan plan = {
        .pg = import->pg,
        .source = SOURCE_REGISTER,
        .batch_id = import->result->batch_id,
        .mode = BATCH_FULL,
        .sent_at_ms = INT64_MIN,
        .snapshot = import->writer,
        .sender = import->sender,
        .quarantine = import->quarantine,
        .expected_facts = (size_t)import->rows->expected_facts,
        .id_column = feed_rows_id_column(reading->rows),
        .household_column = feed_rows_household_column(reading->rows),
        .name_column = feed_rows_name_column(reading->rows),
        .file_prefix = import->rows->prefixes[IMPORT_TABLE_FACT],
    };
    status = fact_stage_new(&reading->stage, &plan, err);
    if (status == STATUS_OK)
        status = pump_facts(import, reading, err);
    import_end_stage(import, IMPORT_FACTS);
    return status;
}

enum status import_read_facts(struct importing *import, struct error *err)
{
    struct fact_reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return error_set(err, STATUS_FATAL, "out of memory for an import");
    struct fact_stage_counts counts = {0};
    enum status status = run_facts(import, reading, err);
    if (status == STATUS_OK)
        status = fact_stage_finish(reading->stage, &counts, err);
    if (status == STATUS_OK)
        status = check_shrink(import, "facts", counts.stored.before,
                              counts.stored.before - counts.stored.persons - counts.stored.households -
                                  counts.stored.spared,
                              IMPORT_SHRINK_FACTS_PERCENT, err);
    struct import_counts *facts = &import->result->facts;
    facts->quarantined = counts.refused;
    facts->kept = counts.kept;
    facts->unchanged = counts.stored.repeated;
    facts->added = counts.stored.persons + counts.stored.households - counts.stored.repeated;
    facts->ended = counts.stored.ended;
    fact_stage_free(reading->stage);
    feed_rows_free(reading->rows);
    free(reading);
    return status;
}
