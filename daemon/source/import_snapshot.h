/* SPDX-License-Identifier: PostgreSQL */
/*
 * One snapshot on its way in (import.h), as the steps of import.c see it, which is its transaction: import_register.c reads
 * the tables, one row after the other by import_table.c, and says what they would end.
 *
 * Everything that is pointed to is the caller's of import_run, or freed by it. Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_IMPORT_SNAPSHOT_H
#define SHOUWANG_SOURCE_IMPORT_SNAPSHOT_H

#include "source/import_rows.h"
#include "store/register.h"
#include "store/sender.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quarantine_writer;

enum { IMPORT_COLUMNS_MAX = 5, IMPORT_BATCH_NAME_SIZE = 64 };

struct importing {
    struct pg *pg;
    const struct import_settings *settings;
    struct import_rows *rows;
    struct import_result *result;
    day_t today;
    char batch_name[IMPORT_BATCH_NAME_SIZE];
    struct sender *sender;
    struct quarantine_writer *quarantine;
    struct register_writer *writer;
    struct register_counts counts;
    int64_t household_count; /* usable ones */
    int64_t stage_began_ms;  /* monotonic */
    /* the table that is read */
    enum import_table table;
    struct csv *csv;
    int columns[IMPORT_COLUMNS_MAX]; /* of the CSV, by the place in the table's list; -1 = not there */
    struct import_counts *tally;
    int64_t rows_read;
};

/* --- import_table.c --- */

struct import_column {
    const char *name;
    bool optional;
};

enum status import_table_begin(struct importing *import, enum import_table table, struct import_counts *tally,
                               struct error *err) WARN_UNUSED;
/* At most IMPORT_COLUMNS_MAX. STATUS_REJECT when one is missing that is not optional. */
enum status import_table_bind(struct importing *import, const struct import_column *wanted, size_t count,
                              struct error *err) WARN_UNUSED;
/* Every row that can be read goes to `take`. Of one that cannot, `spare` says whether it keeps something of the register. */
enum status import_table_read(struct importing *import, enum import_stage stage,
                              enum status (*take)(struct importing *import, struct error *err),
                              bool (*spare)(struct importing *import), struct error *err) WARN_UNUSED;
/* Of the current row, without blanks around it; empty where the file has no such column. Borrowed until the next row. */
struct slice import_field(const struct importing *import, int column);
/* Lists something about the current row: refused, or kept all the same. */
enum status import_note(struct importing *import, const char *column, const char *reason, struct slice found,
                        const char *expected, bool kept, struct error *err) WARN_UNUSED;
enum status import_refuse(struct importing *import, const char *column, const char *reason,
                          struct slice found, const char *expected, struct error *err) WARN_UNUSED;
enum status import_keep(struct importing *import, const char *column, const char *reason, struct slice found,
                        const char *expected, struct error *err) WARN_UNUSED;
/* A row is done; progress is told now and then, and at the end of each stage. */
void import_count_row(struct importing *import, enum import_stage stage);
void import_end_stage(struct importing *import, enum import_stage stage);

/* --- import_register.c --- */

/* Households and persons, and their comparison with the register: STATUS_REJECT when too many would end. */
enum status import_read_register(struct importing *import, struct error *err) WARN_UNUSED;
/* The register's own facts, after that. */
enum status import_read_facts(struct importing *import, struct error *err) WARN_UNUSED;

#endif
