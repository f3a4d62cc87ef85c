/* SPDX-License-Identifier: PostgreSQL */
/* The rows of one table of a snapshot, and how far the import has come. */
#include "config.h"

#include "source/import_snapshot.h"

#include "base/clock.h"
#include "source/fact_stage.h"

enum { PROGRESS_ROWS = 50000 };

static void report_progress(const struct importing *import, enum import_stage stage)
{
    if (import->settings->progress)
        import->settings->progress(import->settings->context, stage, import->rows_read, 0);
}

void import_end_stage(struct importing *import, enum import_stage stage)
{
    int64_t now_ms = clock_monotonic_ms();
    import->result->stage_ms[stage] = now_ms - import->stage_began_ms;
    import->stage_began_ms = now_ms;
    report_progress(import, stage);
}

void import_count_row(struct importing *import, enum import_stage stage)
{
    import->tally->rows++;
    if (++import->rows_read % PROGRESS_ROWS == 0)
        report_progress(import, stage);
}

enum status import_table_begin(struct importing *import, enum import_table table, struct import_counts *tally,
                               struct error *err)
{
    import->table = table;
    import->tally = tally;
    import->rows_read = 0;
    return import->rows->begin(import->rows->source, table, &import->csv, err);
}

enum status import_table_bind(struct importing *import, const struct import_column *wanted, size_t count,
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
struct slice import_field(const struct importing *import, int column)
{
    int at = import->columns[column];
    bool there = at >= 0 && (import->csv->fault == CSV_FAULT_NONE || (unsigned)at < import->csv->fields);
    return !there ? (struct slice){"", 0} : slice_trim(import->csv->field[at]);
}

enum status import_note(struct importing *import, const char *column, const char *reason, struct slice found,
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

enum status import_refuse(struct importing *import, const char *column, const char *reason,
                          struct slice found, const char *expected, struct error *err)
{
    return import_note(import, column, reason, found, expected, false, err);
}

enum status import_keep(struct importing *import, const char *column, const char *reason, struct slice found,
                        const char *expected, struct error *err)
{
    return import_note(import, column, reason, found, expected, true, err);
}

/* Whom a damaged row is about is not sure enough to change anything, but enough to end nothing: a comma that is not quoted
 * in an address would cost a household its place, and its members theirs. */
static enum status list_damaged_row(struct importing *import, bool (*spare)(struct importing *import),
                                    struct error *err)
{
    char found[NOTE_FOUND_MAX], expected[NOTE_FOUND_MAX];
    csv_fault_describe(import->csv, found, expected, sizeof found);
    return import_note(import, "", csv_fault_reason(import->csv->fault), slice_of(found), expected,
                       spare(import), err);
}

enum status import_table_read(struct importing *import, enum import_stage stage,
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
        import_count_row(import, stage);
    }
    return import->rows->end(import->rows->source, import->table, err);
}
