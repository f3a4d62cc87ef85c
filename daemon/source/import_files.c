/* SPDX-License-Identifier: PostgreSQL */
/* The register from CSV files: household.csv, person.csv and fact.csv of one folder. */
#include "config.h"

#include "source/drop.h"
#include "source/import.h"
#include "source/import_rows.h"
#include "source/table.h"

#include "domain/fact.h"

#include <stdio.h>
#include <string.h>

/* Bytes of the shortest row of fact.csv, to guess how many there are. */
enum { FACT_ROW_BYTES = 48 };

static const char *const file_names[IMPORT_TABLES] = {"household.csv", "person.csv", "fact.csv"};

struct import_files {
    struct table *tables[IMPORT_TABLES];
};

static enum status files_begin(void *source, enum import_table table, struct csv **csv, struct error *err)
{
    struct import_files *files = source;
    *csv = &files->tables[table]->csv;
    return table_header(files->tables[table], err);
}

static enum csv_step files_next(void *source, enum import_table table, struct error *err)
{
    struct import_files *files = source;
    return table_next(files->tables[table], err);
}

static enum status files_end(void *source, enum import_table table, struct error *err)
{
    struct import_files *files = source;
    return table_check(files->tables[table], err);
}

static enum status open_files(struct import_files *files, const struct import_settings *settings,
                              const char *directory, struct error *err)
{
    for (int i = 0; i < IMPORT_TABLES; i++) {
        char path[DROP_PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", directory, file_names[i]);
        if (length < 0 || length >= DROP_PATH_MAX)
            return error_set(err, STATUS_CONFIG, "the folder's path is too long, expected less than %d bytes",
                             DROP_PATH_MAX);
        enum status status = table_open(&files->tables[i], path, settings->encoding, settings->cancel, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Everything that decides what the register will be: the files, the codes that are known, and this program's way. */
static enum status fingerprint(const struct import_files *files, const struct import_settings *settings,
                               char *sha256, struct error *err)
{
    struct crypto_sha256 *hash;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    enum status status = crypto_sha256_new(&hash, err);
    if (status != STATUS_OK)
        return status;
    crypto_sha256_add(hash, import_pipeline_version, strlen(import_pipeline_version) + 1);
    crypto_sha256_add(hash, &settings->encoding, sizeof settings->encoding);
    for (int i = 0; i < IMPORT_TABLES; i++)
        crypto_sha256_add(hash, files->tables[i]->sha256, sizeof files->tables[i]->sha256);
    for (size_t i = 0; i < dictionary_count(settings->dictionary); i++) {
        const struct fact_code *code = dictionary_at(settings->dictionary, i);
        crypto_sha256_add(hash, code->name, strlen(code->name) + 1);
        crypto_sha256_add(hash, &code->choice_count, sizeof code->choice_count);
    }
    status = crypto_sha256_end(hash, digest, err);
    crypto_sha256_free(hash);
    crypto_hex(digest, sizeof digest, sha256);
    return status;
}

static enum status run(struct pg *pg, const struct import_settings *settings, struct import_files *files,
                       struct import_result *result, struct error *err)
{
    struct import_rows rows = {
        .source = files,
        .begin = files_begin,
        .next = files_next,
        .end = files_end,
        .names = {"household.csv", "person.csv", "fact.csv"},
        .prefixes = {"household", "person", "fact"},
        .file_name = "household.csv, person.csv, fact.csv",
        .encoding = encoding_name(settings->encoding),
        .expected_facts = files->tables[IMPORT_TABLE_FACT]->bytes / FACT_ROW_BYTES,
    };
    enum status status = fingerprint(files, settings, rows.sha256, err);
    return status == STATUS_OK ? import_run(pg, settings, &rows, result, err) : status;
}

enum status import_directory(struct pg *pg, const struct import_settings *settings, const char *directory,
                             struct import_result *result, struct error *err)
{
    struct import_files files = {{NULL}};
    *result = (struct import_result){0};
    enum status status = open_files(&files, settings, directory, err);
    if (status == STATUS_OK)
        status = run(pg, settings, &files, result, err);
    for (int i = 0; i < IMPORT_TABLES; i++)
        table_close(files.tables[i]);
    return status;
}
