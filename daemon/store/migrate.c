/* SPDX-License-Identifier: PostgreSQL */
#include "store/migrate.h"

#include "io/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CREATE_TRIES = 20, /* "if not exists" still fails when two create at the same instant */
    LINE_SIZE = 256,
};

static const char create_sql[] =
    "begin;"
    "create schema if not exists shouwang;"
    "create table if not exists shouwang.migration ("
    " number integer primary key, name text not null, sha256 text not null,"
    " applied_at timestamptz not null default now(), applied_by text not null default session_user);"
    "comment on table shouwang.migration is 'Which migrations of the schema were applied; shouwangctl"
    " migrate.';"
    "comment on column shouwang.migration.number is 'Its number; they are applied in this order.';"
    "comment on column shouwang.migration.name is 'Its file name.';"
    "comment on column shouwang.migration.sha256 is 'SHA-256 of its text, lower-case hex; it never changes.';"
    "comment on column shouwang.migration.applied_at is 'When it was applied.';"
    "comment on column shouwang.migration.applied_by is 'The account that applied it, owner of what it"
    " made.';"
    "commit";

struct report {
    migrate_report call;
    void *context;
};

static void tell(const struct report *report, const char *format, ...) PRINTF_LIKE(2, 3);
static void tell(const struct report *report, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    if (!report->call)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    report->call(report->context, line);
}

static int number_of(const struct embedded_file *file)
{
    return atoi(file->name);
}

static int last_number(const struct embedded_file *files)
{
    int last = 0;
    for (; files->name; files++)
        if (number_of(files) > last)
            last = number_of(files);
    return last;
}

/* --- the table of migrations --- */

static enum status table_exists(struct pg *pg, bool *exists, struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(pg, "select to_regclass('shouwang.migration') is not null", pg_params(), &result, err);
    if (status)
        return status;
    *exists = pg_get_bool(result, 0, 0);
    pg_result_free(result);
    return STATUS_OK;
}

/* Somebody else created it at the same instant. */
static bool lost_race(const struct pg *pg)
{
    static const char *const states[] = {"23505", "42P06", "42P07", "42710", "XX000", "40001"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(pg_sqlstate(pg), states[i]) == 0)
            return true;
    return false;
}

/* Others cannot hold every name, or take bytes that are none. Asked where nothing was made yet: a county that has gone well with
 * another encoding is not stopped. */
static enum status check_encoding(struct pg *pg, struct error *err)
{
    const char *encoding = pg_server_encoding(pg);
    if (*encoding == '\0' || strcmp(encoding, "UTF8") == 0)
        return STATUS_OK;
    return error_set(err, STATUS_CONFIG,
                     "the database's encoding is %s, expected UTF8: make it anew with encoding 'UTF8'"
                     " template template0",
                     encoding);
}

static enum status ensure_table(struct pg *pg, const struct report *report, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < CREATE_TRIES; i++) {
        bool exists;
        status = table_exists(pg, &exists, err);
        if (!status && !exists)
            status = check_encoding(pg, err);
        if (status || exists)
            return status;
        status = pg_exec(pg, create_sql, err);
        if (!status) {
            tell(report, "schema shouwang created");
            return STATUS_OK;
        }
        pg_rollback(pg);
        if (!lost_race(pg))
            break;
    }
    return error_wrap(err, "creating the schema shouwang");
}

/* --- comparing what was applied with what the program brings --- */

static enum status sha256_of(struct pg *pg, const struct embedded_file *file, char out[65], struct error *err)
{
    struct pg_result *result;
    enum status status =
        pg_query(pg, "select encode(sha256(convert_to($1, 'UTF8')), 'hex')",
                 pg_params(pg_of_slice((struct slice){file->bytes, file->length})), &result, err);
    if (status)
        return status;
    snprintf(out, 65, "%.64s", pg_get_text(result, 0, 0).bytes);
    pg_result_free(result);
    return STATUS_OK;
}

static const struct embedded_file *file_of(const struct embedded_file *files, int number)
{
    for (; files->name; files++)
        if (number_of(files) == number)
            return files;
    return NULL;
}

static enum status compare_one(struct pg *pg, const struct embedded_file *files, int number,
                               struct slice recorded, struct error *err)
{
    char sha256[65];
    const struct embedded_file *file = file_of(files, number);
    if (!file)
        return error_set(
            err, STATUS_CONFIG,
            "the database has migration %d, this program brings migrations up to %d: use a program that"
            " is as new as the database",
            number, last_number(files));
    enum status status = sha256_of(pg, file, sha256, err);
    if (status)
        return status;
    if (!slice_is(recorded, sha256))
        return error_set(
            err, STATUS_CONFIG,
            "migration %s was applied with another text (SHA-256 %.8s…, this program has %.8s…): the"
            " database and this program do not belong together",
            file->name, recorded.bytes, sha256);
    return STATUS_OK;
}

static bool is_applied(const struct pg_result *applied, int number)
{
    for (size_t i = 0; i < pg_result_rows(applied); i++)
        if (pg_get_int32(applied, i, 0) == number)
            return true;
    return false;
}

/* The first that was not applied. Not merely one beyond the newest: of numbers that were given out at one time the greater may
 * have come into a program, and into a database, first. */
static const struct embedded_file *first_missing(const struct embedded_file *files,
                                                 const struct pg_result *applied)
{
    const struct embedded_file *first = NULL;
    for (; files->name; files++)
        if (!is_applied(applied, number_of(files)) && (!first || number_of(files) < number_of(first)))
            first = files;
    return first;
}

/* *missing: the first that was not applied, or NULL. Refuses a database that is newer or was made from other texts. */
static enum status compare_applied(struct pg *pg, const struct embedded_file *files,
                                   const struct embedded_file **missing, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(pg, "select number, sha256 from shouwang.migration order by number desc",
                                  pg_params(), &result, err);
    if (status)
        return status;
    *missing = first_missing(files, result);
    for (size_t i = 0; i < pg_result_rows(result) && !status; i++)
        status = compare_one(pg, files, pg_get_int32(result, i, 0), pg_get_text(result, i, 1), err);
    pg_result_free(result);
    return status;
}

/* --- applying --- */

static enum status apply_file(struct pg *pg, const struct embedded_file *file, struct error *err)
{
    char sha256[65];
    enum status status = pg_exec(pg, file->bytes, err);
    if (!status)
        status = sha256_of(pg, file, sha256, err);
    if (!status)
        status = pg_update(
            pg, "insert into shouwang.migration (number, name, sha256) values ($1, $2, $3)",
            pg_params(pg_of_int32(number_of(file)), pg_of_text(file->name), pg_of_text(sha256)), NULL, err);
    return status ? error_wrap(err, "migration %s", file->name) : STATUS_OK;
}

/* Within the transaction. *applied stays NULL when there is nothing left to do. */
static enum status apply_next(struct pg *pg, const struct embedded_file *files,
                              const struct embedded_file **applied, struct error *err)
{
    const struct embedded_file *next = NULL;
    *applied = NULL;
    enum status status = pg_exec(pg, "lock table shouwang.migration in exclusive mode", err);
    if (!status)
        status = compare_applied(pg, files, &next, err);
    if (status || !next)
        return status;
    *applied = next;
    return apply_file(pg, next, err);
}

enum status migrate_apply(struct pg *pg, const struct embedded_file *files, migrate_report report,
                          void *context, struct error *err)
{
    const struct report told = {report, context};
    const struct embedded_file *applied;
    enum status status = ensure_table(pg, &told, err);
    if (status)
        return status;
    do {
        status = pg_begin(pg, PG_READ_COMMITTED, err);
        if (!status)
            status = apply_next(pg, files, &applied, err);
        if (!status)
            status = pg_commit(pg, err);
        if (status) {
            pg_rollback(pg);
            return status;
        }
        if (applied)
            tell(&told, "migration %s applied", applied->name);
    } while (applied);
    return STATUS_OK;
}

/* --- codes and sources --- */

static const char *const kind_names[] = {
    [FACT_AMOUNT] = "amount",
    [FACT_YESNO] = "yesno",
    [FACT_RELIEF] = "relief",
    [FACT_CHOICE] = "choice",
    [FACT_CERTIFICATE] = "certificate",
    [FACT_TEXT] = "text",
    [FACT_EVENT] = "event",
};

/* The stored code with this number or this name, if any. */
static enum status check_code(const struct pg_result *stored, const struct fact_code *code, bool *defined,
                              struct error *err)
{
    *defined = false;
    for (size_t i = 0; i < pg_result_rows(stored); i++) {
        bool same_number = pg_get_int16(stored, i, 0) == code->number;
        bool same_name = slice_is(pg_get_text(stored, i, 1), code->name);
        if (!same_number && !same_name)
            continue;
        struct slice name = pg_get_text(stored, i, 1), kind = pg_get_text(stored, i, 2);
        if (!same_number || !same_name || !slice_is(kind, kind_names[code->kind]))
            return error_set(
                err, STATUS_CONFIG,
                "fact code %d %s (%s): the database has %d %.*s (%.*s), and a code never changes its"
                " number, name or kind",
                code->number, code->name, kind_names[code->kind], pg_get_int16(stored, i, 0),
                (int)name.length, name.bytes, (int)kind.length, kind.bytes);
        *defined = slice_is(pg_get_text(stored, i, 3), code->title) && pg_get_bool(stored, i, 4);
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* Codes with their partitions: a code without one is not yet defined. */
static const char codes_sql[] =
    "select code, name, kind, title,"
    "       to_regclass(format('shouwang.person_fact_%s', code)) is not null"
    "       and to_regclass(format('shouwang.household_fact_%s', code)) is not null"
    "  from shouwang.fact_code";

static enum status define_codes(struct pg *pg, const struct dictionary *dictionary,
                                const struct report *report, struct error *err)
{
    struct pg_result *stored;
    enum status status = pg_query(pg, codes_sql, pg_params(), &stored, err);
    if (status)
        return status;
    for (size_t i = 0; i < dictionary_count(dictionary) && !status; i++) {
        const struct fact_code *code = dictionary_at(dictionary, i);
        bool defined;
        status = check_code(stored, code, &defined, err);
        if (status || defined)
            continue;
        status = pg_update(pg, "select shouwang.define_code($1, $2, $3, $4)",
                           pg_params(pg_of_int16(code->number), pg_of_text(code->name),
                                     pg_of_text(kind_names[code->kind]), pg_of_text(code->title)),
                           NULL, err);
        if (!status)
            tell(report, "code %d %s defined", code->number, code->name);
    }
    pg_result_free(stored);
    return status;
}

static enum status check_source(const struct pg_result *stored, const struct source_name *source,
                                bool *defined, struct error *err)
{
    *defined = false;
    for (size_t i = 0; i < pg_result_rows(stored); i++) {
        bool same_number = pg_get_int16(stored, i, 0) == source->number;
        struct slice name = pg_get_text(stored, i, 1);
        bool same_name = slice_is(name, source->name);
        if (same_number != same_name)
            return error_set(
                err, STATUS_CONFIG,
                "source %d %s: the database has %d %.*s, and a source never changes its number or name",
                source->number, source->name, pg_get_int16(stored, i, 0), (int)name.length, name.bytes);
        if (same_number)
            *defined = slice_is(pg_get_text(stored, i, 2), source->title);
    }
    return STATUS_OK;
}

static const char sources_sql[] = "select source, name, title from shouwang.source";

static const struct source_name register_source = {SOURCE_REGISTER, "register", "低收入人口登记"};

/* The register, the feeds that the program knows and the county's own, one by one. */
static const struct source_name *source_at(const struct source_name *county, size_t county_count,
                                           size_t index)
{
    if (index == 0)
        return &register_source;
    for (const struct source_name *known = source_names; known->name; known++)
        if (--index == 0)
            return known;
    return --index < county_count ? &county[index] : NULL;
}

static enum status define_sources(struct pg *pg, const struct source_name *county, size_t county_count,
                                  const struct report *report, struct error *err)
{
    struct pg_result *stored;
    const struct source_name *source;
    enum status status = pg_query(pg, sources_sql, pg_params(), &stored, err);
    for (size_t i = 0; !status && (source = source_at(county, county_count, i)); i++) {
        bool defined;
        status = check_source(stored, source, &defined, err);
        if (status || defined)
            continue;
        status = pg_update(pg,
                           "insert into shouwang.source (source, name, title) values ($1, $2, $3)"
                           " on conflict (source) do update set title = excluded.title",
                           pg_params(pg_of_int16(source->number), pg_of_text(source->name),
                                     pg_of_text(source->title ? source->title : source->name)),
                           NULL, err);
        if (!status)
            tell(report, "source %d %s defined", source->number, source->name);
    }
    pg_result_free(stored);
    return status;
}

static enum status divide_privileges(struct pg *pg, const struct report *report, struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(pg, "select shouwang.divide_privileges()", pg_params(), &result, err);
    if (status)
        return status;
    if (!pg_get_bool(result, 0, 0))
        tell(
            report,
            "the roles shouwang_owner, shouwang_daemon and shouwang_reader do not exist, and this account may"
            " not create them: privileges are not divided");
    pg_result_free(result);
    return STATUS_OK;
}

static enum status define_all(struct pg *pg, const struct dictionary *dictionary,
                              const struct source_name *county, size_t county_count,
                              const struct report *report, struct error *err)
{
    enum status status = pg_exec(pg, "lock table shouwang.migration in exclusive mode", err);
    if (!status)
        status = define_sources(pg, county, county_count, report, err);
    if (!status)
        status = define_codes(pg, dictionary, report, err);
    if (!status)
        status = divide_privileges(pg, report, err);
    return status;
}

enum status migrate_run(struct pg *pg, const struct dictionary *dictionary,
                        const struct source_name *county_sources, size_t county_source_count,
                        migrate_report report, void *context, struct error *err)
{
    const struct report told = {report, context};
    enum status status = migrate_apply(pg, migrations_embedded, report, context, err);
    if (!status)
        status = pg_begin(pg, PG_READ_COMMITTED, err);
    if (status)
        return status;
    status = define_all(pg, dictionary, county_sources, county_source_count, &told, err);
    if (!status)
        status = pg_commit(pg, err);
    if (status)
        pg_rollback(pg);
    return status;
}

/* --- looking --- */

enum status migrate_status(struct pg *pg, struct migrate_state *state, struct error *err)
{
    struct pg_result *result;
    bool exists;
    *state = (struct migrate_state){0, last_number(migrations_embedded)};
    enum status status = table_exists(pg, &exists, err);
    if (status || !exists)
        return status;
    status =
        pg_query(pg, "select coalesce(max(number), 0) from shouwang.migration", pg_params(), &result, err);
    if (status)
        return status;
    state->database = pg_get_int32(result, 0, 0);
    pg_result_free(result);
    return STATUS_OK;
}

static enum status check_codes(struct pg *pg, const struct dictionary *dictionary, struct error *err)
{
    struct pg_result *stored;
    enum status status = pg_query(pg, codes_sql, pg_params(), &stored, err);
    for (size_t i = 0; !status && i < dictionary_count(dictionary); i++) {
        const struct fact_code *code = dictionary_at(dictionary, i);
        bool defined;
        status = check_code(stored, code, &defined, err);
        if (!status && !defined)
            status = error_set(
                err, STATUS_CONFIG,
                "fact code %d %s is not in the database as the dictionary has it: run shouwangctl migrate",
                code->number, code->name);
    }
    pg_result_free(stored);
    return status;
}

static enum status check_sources(struct pg *pg, const struct source_name *county, size_t county_count,
                                 struct error *err)
{
    struct pg_result *stored;
    const struct source_name *source;
    enum status status = pg_query(pg, sources_sql, pg_params(), &stored, err);
    for (size_t i = 0; !status && (source = source_at(county, county_count, i)); i++) {
        bool defined;
        status = check_source(stored, source, &defined, err);
        if (!status && !defined)
            status = error_set(err, STATUS_CONFIG,
                               "source %d %s is not in the database as configured: run shouwangctl migrate",
                               source->number, source->name);
    }
    pg_result_free(stored);
    return status;
}

enum status migrate_check_schema(struct pg *pg, struct error *err)
{
    struct migrate_state state;
    const struct embedded_file *missing = NULL;
    enum status status = migrate_status(pg, &state, err);
    if (status)
        return status;
    if (state.database < state.program)
        return error_set(
            err, STATUS_CONFIG,
            "the database's schema is at migration %d, this program needs %d: run shouwangctl migrate",
            state.database, state.program);
    status = compare_applied(pg, migrations_embedded, &missing, err);
    if (!status && missing)
        status =
            error_set(err, STATUS_CONFIG, "the database's schema lacks migration %s: run shouwangctl migrate",
                      missing->name);
    return status;
}

enum status migrate_check(struct pg *pg, const struct dictionary *dictionary,
                          const struct source_name *county_sources, size_t county_source_count,
                          struct error *err)
{
    enum status status = migrate_check_schema(pg, err);
    if (!status)
        status = check_sources(pg, county_sources, county_source_count, err);
    return status ? status : check_codes(pg, dictionary, err);
}
