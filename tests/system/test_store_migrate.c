/* SPDX-License-Identifier: PostgreSQL */
/* Migrations: twice, two at once, tampered, newer; roles and what they may do. */
#include "config.h"

#include "store/migrate.h"
#include "store_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int lines;

static void count_lines(void *context, const char *line)
{
    (void)context;
    (void)line;
    lines++;
}

START_TEST(twice)
{
    struct migrate_state state;
    must(migrate_status(db, &state, &err));
    ck_assert_int_eq(state.database, 0);
    ck_assert_int_ge(state.program, 3);
    ck_assert_int_eq(migrate_check(db, dictionary, NULL, 0, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "shouwangctl migrate"));

    must(migrate_run(db, dictionary, NULL, 0, count_lines, NULL, &err));
    ck_assert_int_gt(lines, (int)dictionary_count(dictionary));
    must(migrate_check(db, dictionary, NULL, 0, &err));
    must(migrate_status(db, &state, &err));
    ck_assert_int_eq(state.database, state.program);
    ck_assert_int_eq(fixture_int("select max(number) from migration"), state.program);
    ck_assert_int_eq(
        fixture_int("select count(*) from pg_inherits where inhparent = 'person_fact'::regclass"),
        (int)dictionary_count(dictionary));

    lines = 0;
    must(migrate_run(db, dictionary, NULL, 0, count_lines, NULL, &err));
    ck_assert_int_eq(lines, 0);
}
END_TEST

static void *migrate_in_thread(void *status)
{
    struct error own;
    struct pg *pg = fixture_connect(NULL);
    enum status s = migrate_run(pg, dictionary, NULL, 0, NULL, NULL, &own);
    if (s)
        fprintf(stderr, "migrate: %s\n", own.text);
    *(enum status *)status = s;
    pg_close(pg);
    return NULL;
}

START_TEST(at_once)
{
    enum { COUNT = 4 };
    pthread_t threads[COUNT];
    enum status statuses[COUNT];
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, migrate_in_thread, &statuses[i]), 0);
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(statuses[i], STATUS_OK);
    }
    must(migrate_check(db, dictionary, NULL, 0, &err));
    ck_assert_int_eq(fixture_int("select count(*) from lease"), 4);
}
END_TEST

START_TEST(tampered)
{
    fixture_sql("update migration set sha256 = repeat('0', 64) where number = 2");
    ck_assert_int_eq(migrate_run(db, dictionary, NULL, 0, NULL, NULL, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "0002_"));
    ck_assert_int_eq(migrate_check(db, dictionary, NULL, 0, &err), STATUS_CONFIG);
}
END_TEST

START_TEST(newer)
{
    fixture_sql("insert into migration (number, name, sha256) values (9999, '9999_later.sql', '')");
    ck_assert_int_eq(migrate_run(db, dictionary, NULL, 0, NULL, NULL, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "9999"));
    ck_assert_int_eq(migrate_check(db, dictionary, NULL, 0, &err), STATUS_CONFIG);
}
END_TEST

/* A migration that fails leaves nothing of itself, and those before it stay. */
START_TEST(broken_one)
{
    static const struct embedded_file files[] = {
        {"0001_a.sql", "create table a (x int);", 23},
        {"0002_b.sql", "create table b (x int); create table c (x nonsense);", 52},
        {0, 0, 0},
    };
    ck_assert_int_eq(migrate_apply(db, files, NULL, NULL, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "0002_b.sql"));
    ck_assert_int_eq(fixture_int("select count(*) from migration"), 1);
    ck_assert_int_eq(fixture_int("select count(*) from pg_tables where schemaname = 'shouwang'"), 2);
}
END_TEST

/* A program between two versions did not have a number that a later one brings: it is made up for, before what is newer. */
START_TEST(one_left_out)
{
    static const struct embedded_file before[] = {
        {"0001_a.sql", "create table a (x int);", 23},
        {"0003_c.sql", "create table c (x int);", 23},
        {0, 0, 0},
    };
    static const struct embedded_file after[] = {
        {"0001_a.sql", "create table a (x int);", 23},
        {"0002_b.sql", "create table b (x int);", 23},
        {"0003_c.sql", "create table c (x int);", 23},
        {"0004_d.sql", "alter table b add y int;", 24},
        {0, 0, 0},
    };
    must(migrate_apply(db, before, NULL, NULL, &err));
    lines = 0;
    must(migrate_apply(db, after, count_lines, NULL, &err));
    ck_assert_int_eq(lines, 2);
    ck_assert_str_eq(fixture_text("select number, name from migration order by number"),
                     "1,0001_a.sql;2,0002_b.sql;3,0003_c.sql;4,0004_d.sql");
    must(migrate_apply(db, after, count_lines, NULL, &err));
    ck_assert_int_eq(lines, 2);
}
END_TEST

/* A schema is not whole merely because its last migration is there. */
START_TEST(one_is_missing)
{
    fixture_sql("delete from migration where number = 9");
    ck_assert_int_eq(migrate_check(db, dictionary, NULL, 0, &err), STATUS_CONFIG);
    ck_assert_msg(strstr(err.text, "0009_") != NULL && strstr(err.text, "shouwangctl migrate") != NULL, "%s",
                  err.text);
}
END_TEST

/* A code or a source that would change its meaning is refused, and nothing is done. */
START_TEST(changed_code)
{
    static const struct source_name water = {100, "water_bureau", "水务局"};
    static const struct source_name renamed = {100, "fire_brigade", "消防队"};
    must(migrate_run(db, dictionary, &water, 1, NULL, NULL, &err));
    must(migrate_check(db, dictionary, &water, 1, &err));
    ck_assert_int_eq(migrate_run(db, dictionary, &renamed, 1, NULL, NULL, &err), STATUS_CONFIG);
    ck_assert_int_eq(migrate_check(db, dictionary, &renamed, 1, &err), STATUS_CONFIG);

    static const char county[] = "[water.wells]\nnumber = 1000\nkind = yesno\ntitle = 水井\n";
    struct dictionary *more = dictionary_new();
    must(dictionary_add_base(more, &err));
    must(dictionary_add(more, "county.conf", county, sizeof county - 1, &err));
    ck_assert_int_eq(migrate_check(db, more, NULL, 0, &err), STATUS_CONFIG);
    must(migrate_run(db, more, NULL, 0, NULL, NULL, &err));
    must(migrate_check(db, more, NULL, 0, &err));
    ck_assert_int_eq(fixture_int("select count(*) from person_fact_1000"), 0);
    fixture_sql("update fact_code set kind = 'amount' where code = 1000");
    ck_assert_int_eq(migrate_run(db, more, NULL, 0, NULL, NULL, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "water.wells"));
    dictionary_free(more);
}
END_TEST

/* A county whose account may create no roles runs on that one account. */
START_TEST(without_createrole)
{
    fixture_role("plain_owner", NULL, "");
    fixture_sql("do $$ begin execute format('grant create on database %I to plain_owner',"
                " current_database()); end $$");
    struct pg *pg = fixture_connect("plain_owner");
    must(migrate_run(pg, dictionary, NULL, 0, NULL, NULL, &err));
    must(migrate_check(pg, dictionary, NULL, 0, &err));
    must(migrate_run(pg, dictionary, NULL, 0, NULL, NULL, &err));
    pg_close(pg);
}
END_TEST

/* --- what roles may do --- */

static enum status try_sql(struct pg *pg, const char *sql)
{
    enum status status = pg_exec(pg, sql, &err);
    pg_rollback(pg);
    return status;
}

struct
try {
    const char *sql;
    bool daemon, reader;
};

static const struct try tries[] = {
    {"select count(*) from warning", true, true},
    {"select person_id, value, source from person_fact", true, true},
    {"select household_id, township_code from household", true, true},
    {"select address from household", true, false},
    {"select detail from person_fact", true, false},
    {"select ref from person_fact_history", true, false},
    {"select evidence from warning_history", true, false},
    {"select warning_id, findings from warning_history", true, true},
    {"select name from person", true, false},
    {"select id_packed from person_identity", true, false},
    {"select * from stranger_fact", true, false},
    {"select * from quarantine", true, false},
    {"select event from outbox", true, false},
    {"insert into person (person_id, name) values (1, 'x')", true, false},
    {"update lease set holder = 'x'", true, false},
    {"delete from person_fact", true, false},
    {"delete from finding", true, false},
    {"update warning set level = 'red'", true, false},
    {"create temporary table t (x int)", true, true},
    {"delete from person", false, false},
    {"delete from person_identity", false, false},
    {"delete from audit", false, false},
    {"update audit set actor = 'x'", false, false},
    {"update outbox set event = 'x'", false, false},
    {"delete from warning", false, false},
    {"delete from warning_history", false, false},
    {"update policy_version set body = 'x'", false, false},
    {"delete from person_fact_history", false, false},
    {"insert into fact_code values (7, 'x', 'text', 'x')", false, false},
    {"update migration set sha256 = 'x'", false, false},
    {"create table t (x int)", false, false},
    {"drop table audit", false, false},
    {"truncate finding", false, false},
};

START_TEST(roles)
{
    fixture_role("test_daemon", "shouwang_daemon", "");
    fixture_role("test_reader", "shouwang_reader", "");
    struct pg *daemon = fixture_connect("test_daemon"), *reader = fixture_connect("test_reader");
    must(migrate_check(daemon, dictionary, NULL, 0, &err));
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        enum status as_daemon = try_sql(daemon, tries[i].sql), as_reader = try_sql(reader, tries[i].sql);
        ck_assert_msg(as_daemon == (tries[i].daemon ? STATUS_OK : STATUS_CONFIG), "daemon: %s: %s",
                      tries[i].sql, status_name(as_daemon));
        ck_assert_msg(as_reader == (tries[i].reader ? STATUS_OK : STATUS_CONFIG), "reader: %s: %s",
                      tries[i].sql, status_name(as_reader));
    }
    /* A reader may not go round the columns by way of a partition. */
    char sql[128];
    snprintf(sql, sizeof sql, "select detail from person_fact_%d", fixture_code("disability.certificate"));
    ck_assert_int_eq(try_sql(reader, sql), STATUS_CONFIG);
    pg_close(daemon);
    pg_close(reader);
}
END_TEST

/* Every table and column tells what it is for. */
START_TEST(comments)
{
    ck_assert_str_eq(
        fixture_text("select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid"
                     " where c.relnamespace = 'shouwang'::regnamespace and c.relkind in ('r', 'p')"
                     "   and not c.relispartition and a.attnum > 0"
                     "   and col_description(c.oid, a.attnum) is null"),
        "");
    ck_assert_str_eq(
        fixture_text("select c.relname from pg_class c"
                     " where c.relnamespace = 'shouwang'::regnamespace and c.relkind in ('r', 'p')"
                     "   and not c.relispartition and obj_description(c.oid, 'pg_class') is null"),
        "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_migrate");
    TCase *empty = tcase_create("empty"), *migrated = tcase_create("migrated");
    tcase_set_timeout(empty, 60);
    tcase_add_checked_fixture(empty, fixture_empty, fixture_drop);
    tcase_add_test(empty, twice);
    tcase_add_test(empty, at_once);
    tcase_add_test(empty, broken_one);
    tcase_add_test(empty, one_left_out);
    tcase_add_test(empty, changed_code);
    tcase_add_test(empty, without_createrole);
    tcase_set_timeout(migrated, 60);
    tcase_add_unchecked_fixture(migrated, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(migrated, fixture_migrated, fixture_drop);
    tcase_add_test(migrated, tampered);
    tcase_add_test(migrated, newer);
    tcase_add_test(migrated, one_is_missing);
    tcase_add_test(migrated, roles);
    tcase_add_test(migrated, comments);
    suite_add_tcase(suite, empty);
    suite_add_tcase(suite, migrated);
    return fixture_main(suite);
}
