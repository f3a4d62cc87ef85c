/* SPDX-License-Identifier: PostgreSQL */
/*
 * Where an import's rows come from: three tables, one after the other, of CSV files or of a county's views. Both give
 * the same kind of row (csv.h), so that everything behind them is the same.
 */
#ifndef SHOUWANG_SOURCE_IMPORT_ROWS_H
#define SHOUWANG_SOURCE_IMPORT_ROWS_H

#include "base/status.h"
#include "io/crypto.h"
#include "source/csv.h"
#include "source/import.h"

#include <stdint.h>

enum import_table { IMPORT_TABLE_HOUSEHOLD, IMPORT_TABLE_PERSON, IMPORT_TABLE_FACT, IMPORT_TABLES };

struct import_rows {
    void *source;
    /* Settles the table's columns. They are those of *csv, which then holds each row. */
    enum status (*begin)(void *source, enum import_table table, struct csv **csv, struct error *err);
    /* As table_next. */
    enum csv_step (*next)(void *source, enum import_table table, struct error *err);
    /* After the last row: did the table stay what it was? */
    enum status (*end)(void *source, enum import_table table, struct error *err);
    const char *names[IMPORT_TABLES];    /* "household.csv", as in messages */
    const char *prefixes[IMPORT_TABLES]; /* "household", as in the quarantine's columns */
    const char *file_name;               /* for the batch */
    const char *encoding;                /* for the batch; NULL where there is none */
    uint64_t expected_facts;
    /* Of everything that will be read; "" where it is not known before. */
    char sha256[CRYPTO_SHA256_HEX_SIZE];
};

/* A part of a snapshot's fingerprint. */
extern const char import_pipeline_version[];

enum status import_run(struct pg *pg, const struct import_settings *settings, struct import_rows *rows,
                       struct import_result *result, struct error *err) WARN_UNUSED;

#endif
