/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "store_fixture.h"

#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct error err;
struct pg *db;
struct dictionary *dictionary;
static char database[64], template_name[64];

static const char *cluster(void)
{
    const char *conninfo = getenv("TEST_CONNINFO");
    ck_assert_msg(conninfo != NULL, "TEST_CONNINFO names no cluster; run tests/system/run-store.sh");
    return conninfo;
}

/* Databases are made and dropped from here. */
static struct pg *connect_postgres(void)
{
    char conninfo[512];
    struct pg *pg;
    snprintf(conninfo, sizeof conninfo, "%s dbname=postgres", cluster());
    must(pg_connect(conninfo, "fixture", PATIENCE_MS, &pg, &err));
    return pg;
}

const char *fixture_conninfo(const char *user, char out[512])
{
    snprintf(out, 512, "%s dbname=%s%s%s", cluster(), database, user ? " user=" : "", user ? user : "");
    return out;
}

struct pg *fixture_connect(const char *user)
{
    char conninfo[512];
    struct pg *pg;
    must(pg_connect(fixture_conninfo(user, conninfo), "test", PATIENCE_MS, &pg, &err));
    return pg;
}

static void create_database(const char *options)
{
    char sql[256];
    static int count;
    snprintf(database, sizeof database, "store_%ld_%d", (long)getpid(), ++count);
    struct pg *pg = connect_postgres();
    snprintf(sql, sizeof sql, "create database %s %s", database, options);
    must(pg_exec(pg, sql, &err));
    pg_close(pg);
    db = fixture_connect(NULL);
    dictionary = dictionary_new();
    must(dictionary_add_base(dictionary, &err));
}

static void drop_database(const char *name)
{
    char sql[128];
    struct pg *pg = connect_postgres();
    snprintf(sql, sizeof sql, "drop database %s with (force)", name);
    must(pg_exec(pg, sql, &err));
    pg_close(pg);
}

void fixture_empty(void)
{
    create_database("");
}

/* That of tests/system/run, migrated once for all programs; it stays. */
#define TEMPLATE "template_county"

static bool has_template(void)
{
    struct pg *pg = connect_postgres();
    struct pg_result *result;
    must(pg_query(pg, "select from pg_database where datname = '" TEMPLATE "'", pg_params(), &result, &err));
    bool found = pg_result_rows(result) == 1;
    pg_result_free(result);
    pg_close(pg);
    return found;
}

void fixture_template(void)
{
    if (has_template()) {
        snprintf(template_name, sizeof template_name, TEMPLATE);
        return;
    }
    create_database("");
    must(migrate_run(db, dictionary, NULL, 0, NULL, NULL, &err));
    pg_close(db);
    db = NULL;
    dictionary_free(dictionary);
    memcpy(template_name, database, sizeof template_name);
}

void fixture_template_drop(void)
{
    if (strcmp(template_name, TEMPLATE) != 0)
        drop_database(template_name);
}

void fixture_migrated(void)
{
    char options[128];
    /* Files are copied in half the time that pages are through the log. */
    snprintf(options, sizeof options, "template %s strategy file_copy", template_name);
    create_database(options);
}

void fixture_drop(void)
{
    pg_close(db);
    db = NULL;
    dictionary_free(dictionary);
    drop_database(database);
}

void fixture_role(const char *name, const char *member_of, const char *attributes)
{
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "do $$ begin if not exists (select from pg_roles where rolname = '%s') then create role %s login %s;"
        " end if; end $$",
        name, name, attributes);
    must(pg_exec(db, sql, &err));
    if (!member_of)
        return;
    snprintf(sql, sizeof sql, "grant %s to %s", member_of, name);
    must(pg_exec(db, sql, &err));
}

int64_t fixture_int(const char *sql)
{
    struct pg_result *result;
    must(pg_query(db, sql, pg_params(), &result, &err));
    ck_assert_msg(pg_result_rows(result) == 1, "%s: %zu rows", sql, pg_result_rows(result));
    int64_t value = pg_get_int64(result, 0, 0);
    pg_result_free(result);
    return value;
}

/* The server prints the rows, so that a test can compare any types. */
const char *fixture_text(const char *sql)
{
    static char out[4096];
    char *wrapped;
    struct pg_result *result;
    ck_assert(asprintf(&wrapped,
                       "select coalesce(string_agg(trim(both '()' from r::text), ';' order by n), '')"
                       "  from (select q as r, row_number() over () as n from (%s) as q) as rows",
                       sql) > 0);
    must(pg_query(db, wrapped, pg_params(), &result, &err));
    struct slice text = pg_get_text(result, 0, 0);
    snprintf(out, sizeof out, "%.*s", (int)text.length, text.bytes);
    pg_result_free(result);
    free(wrapped);
    return out;
}

void fixture_sql(const char *sql)
{
    must(pg_exec(db, sql, &err));
}

int fixture_code(const char *name)
{
    const struct fact_code *code = dictionary_by_name(dictionary, slice_of(name));
    ck_assert_msg(code != NULL, "no code %s", name);
    return code->number;
}

int fixture_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
