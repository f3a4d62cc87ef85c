/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/import.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "domain/area.h"
#include "domain/resident_id.h"
#include "io/pg.h"
#include "source/drop.h"
#include "source/fact_stage.h"
#include "source/import_rows.h"
#include "store/arrival.h"
#include "store/batch.h"
#include "store/lease.h"
#include "store/register.h"
#include "store/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Change it when the same files would now give another register: they are then read again. */
const char import_pipeline_version[] = "1";

enum {
    PROGRESS_ROWS = 50000,
    RAW_ID_MAX = 64,
    VILLAGE_UNKNOWN = 0, /* the last three digits of a village that cannot be told */
    PART = 1000,
    BATCH_NAME_SIZE = 64,
};

/* Columns of one table, by position in its list. */
enum { HOUSEHOLD_NO, TOWNSHIP, VILLAGE, AREA, ADDRESS, HOUSEHOLD_COLUMNS };
enum { PERSON_HOUSEHOLD, PERSON_ID, PERSON_NAME, PERSON_KINSHIP, PERSON_LABOUR, PERSON_COLUMNS };
enum { COLUMNS_MOST = 5 };

struct wanted_column {
    const char *name;
    bool optional;
};
static const struct wanted_column household_columns[HOUSEHOLD_COLUMNS] = {{"household_no", false},
                                                                          {"township_code", false},
                                                                          {"village_code", false},
                                                                          {"area", false},
                                                                          {"address", true}};
static const struct wanted_column person_columns[PERSON_COLUMNS] = {
    {"household_no", false}, {"id_number", false}, {"name", false}, {"kinship", true}, {"labour", true}};

struct importing {
    struct pg *pg;
    const struct import_settings *settings;
    struct import_rows *rows;
    struct import_result *result;
    day_t today;
    char batch_name[BATCH_NAME_SIZE];
    struct sender *sender;
    struct quarantine_writer *quarantine;
    struct register_writer *writer;
    struct register_counts counts;
    int64_t household_count; /* usable ones */
    /* the table that is read */
    enum import_table table;
    struct csv *csv;
    int columns[COLUMNS_MOST];
    struct import_counts *tally;
    int64_t rows_read;
    int64_t stage_began_ms;
};

const char *import_stage_name(enum import_stage stage)
{
    static const char *const names[] = {
        [IMPORT_HOUSEHOLDS] = "households", [IMPORT_PERSONS] = "persons", [IMPORT_FACTS] = "facts",
        [IMPORT_COMPARE] = "compare",       [IMPORT_WRITE] = "write",
    };
    return names[stage];
}

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "out of memory for an import");
}

/* --- rows of a table ---------------------------------------------------------------------------------------------------- */

static void report_progress(const struct importing *import, enum import_stage stage)
{
    if (import->settings->progress)
        import->settings->progress(import->settings->context, stage, import->rows_read, 0);
}

static void end_stage(struct importing *import, enum import_stage stage)
{
    int64_t now_ms = clock_monotonic_ms();
    import->result->stage_ms[stage] = now_ms - import->stage_began_ms;
    import->stage_began_ms = now_ms;
    report_progress(import, stage);
}

static enum status begin_table(struct importing *import, enum import_table table, struct import_counts *tally,
                               struct error *err)
{
    import->table = table;
    import->tally = tally;
    import->rows_read = 0;
    return import->rows->begin(import->rows->source, table, &import->csv, err);
}

static enum status bind_columns(struct importing *import, const struct wanted_column *wanted, size_t count,
                                struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        import->columns[i] = csv_column(import->csv, wanted[i].name);
        if (import->columns[i] < 0 && !wanted[i].optional)
            return error_set(err, STATUS_REJECT, "%s: found no column %s, expected one of that name",
                             import->rows->names[import->table], wanted[i].name);
    }
    return STATUS_OK;
}

/* A damaged row has fewer fields or more. */
static struct slice field(const struct importing *import, int column)
{
    int at = import->columns[column];
    bool there = at >= 0 && (import->csv->fault == CSV_FAULT_NONE || (unsigned)at < import->csv->fields);
    return !there ? (struct slice){"", 0} : slice_trim(import->csv->field[at]);
}

static enum status note(struct importing *import, const char *column, const char *reason, struct slice found,
                        const char *expected, bool kept, struct error *err)
{
    struct row_note row_note;
    row_note_set(&row_note, import->csv->line, column, reason, found, expected, kept);
    if (kept)
        import->tally->kept++;
    else
        import->tally->quarantined++;
    return quarantine_note(import->quarantine, &row_note, import->rows->prefixes[import->table], err);
}

static enum status refuse(struct importing *import, const char *column, const char *reason,
                          struct slice found, const char *expected, struct error *err)
{
    return note(import, column, reason, found, expected, false, err);
}

static enum status keep(struct importing *import, const char *column, const char *reason, struct slice found,
                        const char *expected, struct error *err)
{
    return note(import, column, reason, found, expected, true, err);
}

/* Whom a damaged row is about is not sure enough to change anything, but enough to end nothing: a comma that is not quoted
 * in an address would cost a household its place, and its members theirs. */
static enum status list_damaged_row(struct importing *import, bool (*spare)(struct importing *import),
                                    struct error *err)
{
    char found[NOTE_FOUND_MAX], expected[NOTE_FOUND_MAX];
    csv_fault_describe(import->csv, found, expected, sizeof found);
    return note(import, "", csv_fault_reason(import->csv->fault), slice_of(found), expected, spare(import),
                err);
}

/* Every row of the table that can be read goes to `take`. */
static enum status read_table(struct importing *import, enum import_stage stage,
                              enum status (*take)(struct importing *import, struct error *err),
                              bool (*spare)(struct importing *import), struct error *err)
{
    for (;;) {
        enum csv_step step = import->rows->next(import->rows->source, import->table, err);
        if (step == CSV_BROKEN)
            return err->status;
        if (step == CSV_END)
            break;
        enum status status = step == CSV_BAD_ROW ? list_damaged_row(import, spare, err) : take(import, err);
        if (status != STATUS_OK)
            return status;
        import->tally->rows++;
        if (++import->rows_read % PROGRESS_ROWS == 0)
            report_progress(import, stage);
    }
    return import->rows->end(import->rows->source, import->table, err);
}

/* --- households ----------------------------------------------------------------------------------------------------------- */

/* A village that cannot be told does not cost a household its place in the township. */
static enum status read_village(struct importing *import, int64_t township, int64_t *village,
                                struct error *err)
{
    struct slice text = field(import, VILLAGE);
    if (!area_parse_village(text, village)) {
        *village = township * PART + VILLAGE_UNKNOWN;
        return keep(import, "village_code", "village.unreadable", text, "12 digits", err);
    }
    if (area_township_of_village(*village) != township)
        return keep(import, "village_code", "village.township", text, "a village of the household's township",
                    err);
    return STATUS_OK;
}

static bool spare_household(struct importing *import)
{
    return register_writer_spare_household(import->writer, field(import, HOUSEHOLD_NO));
}

/* One wrong field does not end a household that the register holds. */
static enum status refuse_household(struct importing *import, const char *column, const char *reason,
                                    struct slice found, const char *expected, struct error *err)
{
    return note(import, column, reason, found, expected, spare_household(import), err);
}

static enum status take_household(struct importing *import, struct error *err)
{
    struct slice number = field(import, HOUSEHOLD_NO), township = field(import, TOWNSHIP),
                 area = field(import, AREA);
    struct register_household household = {.household_no = number, .address = field(import, ADDRESS)};
    household.urban = slice_is(area, "urban");
    if (number.length == 0 || number.length > HOUSEHOLD_NO_MAX ||
        !utf8_has_no_control(number.bytes, number.length))
        return refuse(import, "household_no", "household.number", number,
                      "1 to 64 bytes without control characters", err);
    if (!area_parse_township(township, &household.township))
        return refuse_household(import, "township_code", "township.unreadable", township,
                                "9 digits of a township", err);
    if (!household.urban && !slice_is(area, "rural"))
        return refuse_household(import, "area", "area.unknown", area, "urban or rural", err);
    if (register_writer_is_given(import->writer, number))
        return refuse(import, "household_no", "household.repeat", number,
                      "each household once: it stands above", err);
    enum status status = read_village(import, household.township, &household.village, err);
    if (status != STATUS_OK)
        return status;
    import->household_count++;
    return register_writer_add_household(import->writer, &household, err);
}

static enum status read_households(struct importing *import, struct error *err)
{
    enum status status = begin_table(import, IMPORT_TABLE_HOUSEHOLD, &import->result->households, err);
    if (status == STATUS_OK)
        status = bind_columns(import, household_columns, HOUSEHOLD_COLUMNS, err);
    if (status == STATUS_OK)
        status = read_table(import, IMPORT_HOUSEHOLDS, take_household, spare_household, err);
    if (status == STATUS_OK && import->household_count == 0)
        return error_set(err, STATUS_REJECT, "%s: found no usable household, expected some",
                         import->rows->names[IMPORT_TABLE_HOUSEHOLD]);
    end_stage(import, IMPORT_HOUSEHOLDS);
    return status;
}

/* --- persons -------------------------------------------------------------------------------------------------------------- */

static enum status read_kinship(struct importing *import, int *kinship, struct error *err)
{
    struct slice text = field(import, PERSON_KINSHIP);
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
        return keep(import, "kinship", "kinship.unknown", text, "two digits of GB/T 4761", err);
    *kinship = value;
    return STATUS_OK;
}

static enum status read_labour(struct importing *import, struct slice *labour, struct error *err)
{
    *labour = field(import, PERSON_LABOUR);
    if (labour->length == 0 || slice_is(*labour, "full") || slice_is(*labour, "weak") ||
        slice_is(*labour, "none"))
        return STATUS_OK;
    struct slice found = *labour;
    *labour = (struct slice){"", 0};
    return keep(import, "labour", "labour.unknown", found, "full, weak, none or nothing", err);
}

static enum status read_person_name(struct importing *import, struct slice *name, struct error *err)
{
    *name = field(import, PERSON_NAME);
    name->length = utf8_cut(name->bytes, name->length, NAME_BYTES_MAX);
    return name->length > 0 ? STATUS_OK : keep(import, "name", "name.missing", *name, "a name", err);
}

/* *repeat: the ID stands above; the row is refused. */
static enum status read_identity(struct importing *import, struct register_person *person, bool *repeat,
                                 struct error *err)
{
    struct slice text = field(import, PERSON_ID);
    enum resident_id_verdict verdict = resident_id_parse(text, import->today, &person->id_packed);
    *repeat = false;
    if (verdict != RESIDENT_ID_OK) {
        person->id_packed = 0;
        person->raw_id = (struct slice){text.bytes, utf8_cut(text.bytes, text.length, RAW_ID_MAX)};
        import->result->without_identity++;
        return keep(import, "id_number", feed_id_reason((int)verdict), text, "an identity number of GB 11643",
                    err);
    }
    int64_t line = register_writer_line(import->writer, person->id_packed);
    *repeat = line != 0;
    if (!*repeat)
        return STATUS_OK;
    char masked[RESIDENT_ID_TEXT_SIZE], expected[NOTE_EXPECTED_MAX];
    snprintf(expected, sizeof expected, "each person once: line %lld has the same number", (long long)line);
    return refuse(import, "id_number", "person.repeat", slice_of(resident_id_mask(person->id_packed, masked)),
                  expected, err);
}

static bool spare_person(struct importing *import)
{
    uint64_t id_packed;
    return resident_id_parse(field(import, PERSON_ID), import->today, &id_packed) == RESIDENT_ID_OK &&
           register_writer_spare_person(import->writer, id_packed, (int32_t)import->csv->line);
}

static enum status take_person(struct importing *import, struct error *err)
{
    struct register_person person = {.household_no = field(import, PERSON_HOUSEHOLD),
                                     .line = (int32_t)import->csv->line};
    if (!register_writer_household(import->writer, person.household_no))
        return note(import, "household_no", "household.unknown", person.household_no,
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
    enum status status = begin_table(import, IMPORT_TABLE_PERSON, &import->result->persons, err);
    if (status == STATUS_OK)
        status = bind_columns(import, person_columns, PERSON_COLUMNS, err);
    if (status == STATUS_OK)
        status = read_table(import, IMPORT_PERSONS, take_person, spare_person, err);
    end_stage(import, IMPORT_PERSONS);
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
    end_stage(import, IMPORT_COMPARE);
    return status;
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
        import->tally->rows++;
        if (++import->rows_read % PROGRESS_ROWS == 0)
            report_progress(import, IMPORT_FACTS);
    }
}

static enum status run_facts(struct importing *import, struct fact_reading *reading, struct error *err)
{
    enum status status = begin_table(import, IMPORT_TABLE_FACT, &import->result->facts, err);
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
    end_stage(import, IMPORT_FACTS);
    return status;
}

static enum status read_facts(struct importing *import, struct error *err)
{
    struct fact_reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return out_of_memory(err);
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

/* --- the batch -------------------------------------------------------------------------------------------------------------- */

static struct batch_manifest describe_batch(const struct importing *import)
{
    return (struct batch_manifest){
        .source = SOURCE_REGISTER,
        .name = import->batch_name,
        .mode = BATCH_FULL,
        .period_from = DAY_NONE,
        .period_to = import->today,
        .sent_at_ms = INT64_MIN,
        .file_name = import->rows->file_name,
        .sha256 = import->rows->sha256[0] ? import->rows->sha256 : NULL,
        .encoding = import->rows->encoding,
    };
}

static enum status write_audit(const struct importing *import, const char *action, struct error *err)
{
    char detail[128];
    snprintf(detail, sizeof detail, "{\"batch_id\": %lld}", (long long)import->result->batch_id);
    return arrival_audit(import->pg, import->settings->actor, action, detail, err);
}

static enum status write_counts(const struct importing *import, struct error *err)
{
    const struct import_result *r = import->result;
    struct batch_counts counts = {
        .rows_total = r->households.rows + r->persons.rows + r->facts.rows,
        .rows_stored = r->facts.added + r->facts.unchanged,
        .rows_quarantined = r->households.quarantined + r->persons.quarantined + r->facts.quarantined,
    };
    char detail[512];
    snprintf(detail, sizeof detail,
             "{\"households\": %lld, \"persons\": %lld, \"facts\": %lld, \"kept\": %lld, "
             "\"without_identity\": %lld, "
             "\"empty_households\": %lld, \"households_ended\": %lld, \"strangers_moved\": %lld}",
             (long long)r->households.rows, (long long)r->persons.rows, (long long)r->facts.rows,
             (long long)(r->households.kept + r->persons.kept + r->facts.kept),
             (long long)r->without_identity, (long long)r->empty_households, (long long)r->households.ended,
             (long long)r->strangers_moved);
    return batch_count(import->pg, r->batch_id, &counts, detail, err);
}

/* Not to be cut off: whoever stops us wants to know what became of it. */
static enum status commit(const struct importing *import, struct error *err)
{
    pg_set_cancel(import->pg, NULL);
    enum status status = pg_commit(import->pg, err);
    pg_set_cancel(import->pg, import->settings->cancel);
    return status;
}

/* The snapshot is the one that is there. It is worth a row once a day: see import.h. */
static enum status confirm(struct importing *import, const struct arrival_batch *newest, struct error *err)
{
    import->result->same = true;
    if (newest->period_to != DAY_NONE && newest->period_to >= import->today)
        return STATUS_OK;
    struct batch_manifest batch = describe_batch(import);
    struct batch_counts counts = {.rows_total = newest->rows_total};
    char detail[64];
    snprintf(detail, sizeof detail, "{\"same_as\": %lld}", (long long)newest->batch_id);
    enum status status = batch_accept(import->pg, &batch, &import->result->batch_id, err);
    if (status == STATUS_OK)
        status = batch_count(import->pg, import->result->batch_id, &counts, detail, err);
    if (status == STATUS_OK)
        status = write_audit(import, "register.confirmed", err);
    KILL_POINT("import.before_confirmation");
    if (status == STATUS_OK)
        status = commit(import, err);
    KILL_POINT("import.confirmed");
    return status;
}

static enum status write_snapshot(struct importing *import, struct error *err)
{
    struct batch_manifest batch = describe_batch(import);
    enum status status = batch_accept(import->pg, &batch, &import->result->batch_id, err);
    if (status == STATUS_OK)
        status = sender_new(import->pg, &import->sender, err);
    if (status == STATUS_OK)
        status = quarantine_writer_new(import->pg, import->result->batch_id, import->sender,
                                       &import->quarantine, err);
    if (status == STATUS_OK)
        status = register_writer_new(import->pg, import->today, import->sender, &import->writer, err);
    if (status == STATUS_OK)
        status = read_households(import, err);
    if (status == STATUS_OK)
        status = read_persons(import, err);
    if (status == STATUS_OK)
        status = compare(import, err);
    if (status == STATUS_OK)
        status = read_facts(import, err);
    if (status == STATUS_OK)
        status = quarantine_writer_finish(import->quarantine, err);
    if (status == STATUS_OK)
        status = write_counts(import, err);
    if (status == STATUS_OK)
        status = write_audit(import, "register.imported", err);
    KILL_POINT("import.before_commit");
    return status;
}

static enum status run_transaction(struct importing *import, struct error *err)
{
    struct arrival arrival;
    enum status status = pg_begin(import->pg, PG_READ_COMMITTED, err);
    if (status == STATUS_OK)
        status = lease_lock(import->pg, LEASE_INGEST, import->settings->leader, err);
    KILL_POINT("import.transaction_open");
    if (status == STATUS_OK)
        status = arrival_look(import->pg, SOURCE_REGISTER, import->batch_name, import->rows->sha256, &arrival,
                              err);
    if (status != STATUS_OK)
        return status;
    const char *sha256 = import->rows->sha256;
    if (sha256[0] && arrival.newest.exists && strcmp(arrival.newest.sha256, sha256) == 0)
        return confirm(import, &arrival.newest, err);
    status = write_snapshot(import, err);
    sender_free(import->sender); /* and the connection is ours alone */
    import->sender = NULL;
    if (status == STATUS_OK)
        status = commit(import, err);
    if (status == STATUS_OK)
        KILL_POINT("import.committed");
    end_stage(import, IMPORT_WRITE);
    return status;
}

static enum status record_refusal(struct importing *import, struct error *err)
{
    struct error why = *err;
    char reason[ERROR_TEXT_MAX];
    drop_clean_text(why.text, reason, sizeof reason);
    struct batch_manifest batch = describe_batch(import);
    struct batch_counts none = {0};
    enum status status = lease_begin(import->pg, import->settings->leader, err);
    if (status == STATUS_OK)
        status = batch_refuse(import->pg, &batch, reason, &none, &import->result->batch_id, err);
    if (status == STATUS_OK)
        status = write_audit(import, "register.refused", err);
    KILL_POINT("import.before_refusal");
    if (status == STATUS_OK)
        status = commit(import, err);
    KILL_POINT("import.refused");
    if (status != STATUS_OK) {
        pg_rollback(import->pg);
        return status;
    }
    log_event(LOG_IMPORT_REFUSED, log_int("batch_id", import->result->batch_id), log_text("reason", reason));
    *err = why;
    return STATUS_REJECT;
}

static void log_done(const struct import_result *result)
{
    if (result->same) {
        log_event(LOG_IMPORT_SAME, log_int("batch_id", result->batch_id));
        return;
    }
    log_event(LOG_IMPORT_DONE, log_int("batch_id", result->batch_id),
              log_int("households", result->households.rows), log_int("persons", result->persons.rows),
              log_int("facts", result->facts.rows),
              log_int("quarantined", result->households.quarantined + result->persons.quarantined +
                                         result->facts.quarantined),
              log_int("without_identity", result->without_identity),
              log_int("households_ended", result->households.ended));
}

enum status import_run(struct pg *pg, const struct import_settings *settings, struct import_rows *rows,
                       struct import_result *result, struct error *err)
{
    struct importing import = {.pg = pg, .settings = settings, .rows = rows, .result = result};
    import.today = settings->today == DAY_NONE ? clock_today() : settings->today;
    import.stage_began_ms = clock_monotonic_ms();
    char day[CIVIL_TEXT_SIZE];
    snprintf(import.batch_name, sizeof import.batch_name, "register-%s-%lld", civil_format(import.today, day),
             (long long)clock_unix_ms());
    *result = (struct import_result){0};
    enum status status = run_transaction(&import, err);
    register_writer_free(import.writer);
    quarantine_writer_free(import.quarantine);
    pg_rollback(pg); /* does nothing after a commit */
    if (status != STATUS_OK)
        result->batch_id = 0;
    if (status == STATUS_REJECT)
        return record_refusal(&import, err);
    if (status == STATUS_OK)
        log_done(result);
    return status;
}
