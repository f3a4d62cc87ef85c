/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/fact_stage.h"

#include "domain/person_name.h"
#include "domain/resident_id.h"
#include "store/register.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* The group's texts: no row has more than these. */
    TEXT_OF_FACT = FACT_REF_MAX + FACT_DETAIL_MAX + HOUSEHOLD_NO_MAX + NAME_BYTES_MAX,
    NOBODY = 0, /* person and household numbers begin at 1 */
};

struct fact_stage {
    struct fact_stage_plan plan;
    struct fact_writer *writer;
    struct fact_stage_counts counts;
    /* The group that waits to be looked up. */
    size_t waiting;
    struct feed_fact facts[IDENTITY_GROUP];
    int64_t persons[IDENTITY_GROUP];
    /* Of these, those that concern somebody. */
    size_t resolved;
    struct fact_row rows[IDENTITY_GROUP];
    size_t given[IDENTITY_GROUP]; /* whose rows they are: positions in `facts` */
    enum fact_met met[IDENTITY_GROUP];
    size_t text_length;
    char text[IDENTITY_GROUP * TEXT_OF_FACT];
    int64_t by_code[FACT_CODE_NUMBER_MAX + 1];
};

enum status fact_stage_new(struct fact_stage **stage, const struct fact_stage_plan *plan, struct error *err)
{
    *stage = calloc(1, sizeof **stage);
    if (!*stage)
        return error_set(err, STATUS_FATAL, "out of memory");
    (*stage)->plan = *plan;
    const struct fact_plan facts = {
        .source = plan->source,
        .batch_id = plan->batch_id,
        .mode = plan->mode,
        .sent_at_ms = plan->sent_at_ms,
        .expected_rows = plan->expected_facts,
        .scope = plan->scope,
        .days = plan->days,
        .day_count = plan->day_count,
        .by_township = plan->by_township,
        .places = plan->places,
        .sender = plan->sender,
    };
    enum status status = fact_writer_new(plan->pg, &facts, &(*stage)->writer, err);
    if (status != STATUS_OK) {
        fact_stage_free(*stage);
        *stage = NULL;
    }
    return status;
}

void fact_stage_free(struct fact_stage *stage)
{
    if (!stage)
        return;
    fact_writer_free(stage->writer);
    free(stage);
}

/* --- the list of what is wrong -------------------------------------------------------------------------------------- */

enum status quarantine_note(struct quarantine_writer *quarantine, const struct row_note *note,
                            const char *file_prefix, struct error *err)
{
    char column[CSV_COLUMN_NAME_MAX + 32];
    snprintf(column, sizeof column, "%s%s%s", file_prefix ? file_prefix : "",
             file_prefix && note->column[0] ? "." : "", note->column);
    struct quarantine_row row = {
        .line = (int64_t)note->line,
        .column = slice_of(column),
        .reason = note->reason,
        .found = slice_of(note->found),
        .expected = note->expected,
        .kept = note->kept,
    };
    return quarantine_writer_add(quarantine, &row, err);
}

static enum status list_note(struct fact_stage *stage, const struct row_note *note, struct error *err)
{
    if (note->kept)
        stage->counts.kept++;
    else if (stage->counts.refused++ == 0)
        stage->counts.first_refused = *note;
    return quarantine_note(stage->plan.quarantine, note, stage->plan.file_prefix, err);
}

static enum status refuse(struct fact_stage *stage, const struct feed_fact *fact, const char *column,
                          const char *reason, struct slice found, const char *expected, struct error *err)
{
    struct row_note note;
    row_note_set(&note, fact->line, column, reason, found, expected, false);
    return list_note(stage, &note, err);
}

/* --- one group -------------------------------------------------------------------------------------------------------- */

static void take_row(struct fact_stage *stage, size_t i, enum fact_subject subject, int64_t subject_id)
{
    const struct feed_fact *fact = &stage->facts[i];
    stage->given[stage->resolved] = i;
    stage->rows[stage->resolved++] = (struct fact_row){
        .subject = subject,
        .subject_id = subject_id,
        .code = fact->code->number,
        .value = fact->value,
        .from = fact->from_day,
        .to = fact->to_day,
        .as_of = fact->as_of,
        .row_no = (int32_t)fact->line,
        .ref = fact->ref,
        .detail = fact->detail.length > 0 ? fact->detail : (struct slice){NULL, 0},
        .name = subject == FACT_STRANGER ? fact->name : (struct slice){NULL, 0},
    };
}

static int64_t find_household(const struct fact_stage *stage, struct slice number)
{
    if (stage->plan.snapshot)
        return register_writer_household(stage->plan.snapshot, number);
    const int64_t *id = number_map_get(&stage->plan.subjects->households, number);
    return id ? *id : NOBODY;
}

static enum status resolve_household(struct fact_stage *stage, size_t i, struct error *err)
{
    const struct feed_fact *fact = &stage->facts[i];
    int64_t household_id = find_household(stage, fact->household_no);
    if (household_id == NOBODY)
        return refuse(stage, fact, stage->plan.household_column, "household.unknown", fact->household_no,
                      "a household of the register", err);
    take_row(stage, i, FACT_HOUSEHOLD, household_id);
    return STATUS_OK;
}

static enum status resolve_person(struct fact_stage *stage, size_t i, struct error *err)
{
    const struct feed_fact *fact = &stage->facts[i];
    bool stranger = stage->persons[i] == NOBODY;
    if (stranger && !stage->plan.strangers) {
        char masked[RESIDENT_ID_TEXT_SIZE];
        return refuse(stage, fact, stage->plan.id_column, "person.unknown",
                      slice_of(resident_id_mask(fact->id_packed, masked)), "a person of this register", err);
    }
    take_row(stage, i, stranger ? FACT_STRANGER : FACT_PERSON,
             stranger ? (int64_t)fact->id_packed : stage->persons[i]);
    return STATUS_OK;
}

static enum status resolve_group(struct fact_stage *stage, struct error *err)
{
    uint64_t keys[IDENTITY_GROUP];
    enum status status = STATUS_OK;
    for (size_t i = 0; i < stage->waiting; i++)
        keys[i] = stage->facts[i].id_packed;
    if (stage->plan.snapshot)
        register_writer_persons(stage->plan.snapshot, keys, stage->waiting, stage->persons);
    else
        identity_map_get_group(&stage->plan.subjects->persons, keys, stage->waiting, NOBODY, stage->persons);
    stage->resolved = 0;
    for (size_t i = 0; i < stage->waiting && status == STATUS_OK; i++)
        status = keys[i] ? resolve_person(stage, i, err) : resolve_household(stage, i, err);
    return status;
}

/* The number decides who is meant; a name that truly differs is for somebody to look at. */
static enum status check_name(struct fact_stage *stage, size_t i, struct error *err)
{
    const struct feed_fact *fact = &stage->facts[stage->given[i]];
    if (stage->rows[i].subject != FACT_PERSON || fact->name.length == 0 || !stage->plan.subjects)
        return STATUS_OK;
    struct slice registered = subjects_name(stage->plan.subjects, stage->rows[i].subject_id);
    if (slice_equal(registered, fact->name) || person_name_compare(registered, fact->name) != NAME_DIFFERENT)
        return STATUS_OK;
    struct text masked;
    struct row_note note;
    text_init(&masked);
    text_add_str(&masked, "");
    person_name_mask(fact->name, &masked);
    row_note_set(&note, fact->line, stage->plan.name_column, "name.differs",
                 (struct slice){masked.bytes, masked.length}, "the name as registered", true);
    text_fini(&masked);
    stage->counts.names_differ++;
    return list_note(stage, &note, err);
}

static enum status check_stored(struct fact_stage *stage, size_t i, struct error *err)
{
    if (stage->met[i] == FACT_OUTDATED)
        return refuse(stage, &stage->facts[stage->given[i]], "", "fact.outdated", (struct slice){"", 0},
                      "what a batch that was sent later says of the same fact", err);
    if (stage->met[i] == FACT_REPEATED)
        return refuse(stage, &stage->facts[stage->given[i]], "", "fact.repeat", (struct slice){"", 0},
                      "each fact once: the same subject, code, period and ref stand above", err);
    stage->by_code[stage->rows[i].code]++;
    return check_name(stage, i, err);
}

static enum status flush(struct fact_stage *stage, struct error *err)
{
    _Static_assert((int)IDENTITY_GROUP <= (int)FACT_GROUP, "a group goes to the writer whole");
    enum status status = resolve_group(stage, err);
    if (status == STATUS_OK)
        status = fact_writer_add(stage->writer, stage->rows, stage->resolved, stage->met, err);
    for (size_t i = 0; status == STATUS_OK && i < stage->resolved; i++)
        status = check_stored(stage, i, err);
    stage->waiting = 0;
    stage->text_length = 0;
    return status;
}

/* --- rows that were refused ------------------------------------------------------------------------------------------ */

static int64_t find_person(const struct fact_stage *stage, uint64_t id_packed)
{
    int64_t person_id;
    if (stage->plan.snapshot)
        register_writer_persons(stage->plan.snapshot, &id_packed, 1, &person_id);
    else
        identity_map_get_group(&stage->plan.subjects->persons, &id_packed, 1, NOBODY, &person_id);
    return person_id;
}

/* Of a full batch: what the row would have said is not known, so it ends nothing. */
static enum status spare(struct fact_stage *stage, const struct feed_spoiled *spoiled, struct error *err)
{
    enum fact_subject subject = FACT_HOUSEHOLD;
    int64_t id;
    if (spoiled->id_packed == 0) {
        id = find_household(stage, spoiled->household_no);
    } else {
        id = find_person(stage, spoiled->id_packed);
        subject = id == NOBODY ? FACT_STRANGER : FACT_PERSON;
        id = id == NOBODY ? (int64_t)spoiled->id_packed : id;
    }
    return id == NOBODY ? STATUS_OK : fact_writer_spare(stage->writer, subject, id, spoiled->code, err);
}

/* --- rows in -------------------------------------------------------------------------------------------------------- */

static struct slice keep(struct fact_stage *stage, struct slice text)
{
    char *kept = stage->text + stage->text_length;
    if (text.length > 0)
        memcpy(kept, text.bytes, text.length);
    stage->text_length += text.length;
    return (struct slice){kept, text.length};
}

enum status fact_stage_add(struct fact_stage *stage, const struct feed_row *row, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < row->note_count; i++)
        status = list_note(stage, &row->notes[i], err);
    for (size_t i = 0; status == STATUS_OK && i < row->spoiled_count; i++)
        status = spare(stage, &row->spoiled[i], err);
    for (size_t i = 0; status == STATUS_OK && i < row->fact_count; i++) {
        struct feed_fact *fact = &stage->facts[stage->waiting++];
        *fact = row->facts[i];
        fact->household_no = keep(stage, fact->household_no);
        fact->name = keep(stage, fact->name);
        fact->ref = keep(stage, fact->ref);
        fact->detail = keep(stage, fact->detail);
        if (stage->waiting == IDENTITY_GROUP)
            status = flush(stage, err);
    }
    return status;
}

enum status fact_stage_finish(struct fact_stage *stage, struct fact_stage_counts *counts, struct error *err)
{
    enum status status = flush(stage, err);
    if (status == STATUS_OK)
        status = fact_writer_finish(stage->writer, &stage->counts.stored, err);
    *counts = stage->counts;
    return status;
}

void fact_stage_describe_codes(const struct fact_stage *stage, const struct dictionary *dictionary,
                               struct text *out)
{
    const char *comma = "";
    text_add_str(out, "{");
    for (size_t i = 0; i < dictionary_count(dictionary); i++) {
        const struct fact_code *code = dictionary_at(dictionary, i);
        if (stage->by_code[code->number] == 0)
            continue;
        text_printf(out, "%s\"%s\": %lld", comma, code->name, (long long)stage->by_code[code->number]);
        comma = ", ";
    }
    text_add_str(out, "}");
}
