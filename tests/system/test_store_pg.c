/* SPDX-License-Identifier: PostgreSQL */
/* The blocking connection: values, errors, deadlines, transactions, COPY. */
#include "config.h"

#include "base/clock.h"
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct pg_result *query(const char *sql, const struct pg_param *params)
{
    struct pg_result *result;
    must(pg_query(db, sql, params, &result, &err));
    return result;
}

/* --- values --- */

START_TEST(values)
{
    char uuid[UUID_TEXT_SIZE];
    struct pg_result *r =
        query("select $1, $2, $3, $4, $5, $6, $7, $8, $9::text is null",
              pg_params(pg_of_int64(INT64_MIN), pg_of_int32(-7), pg_of_int16(-32768), pg_of_bool(true),
                        pg_of_day(DAY_MIN), pg_of_timestamp(-1), pg_of_text("守望"),
                        pg_of_uuid("0192F3A0-0000-7ABC-8000-00000000000f"), pg_of_null()));
    ck_assert_int_eq(pg_get_int64(r, 0, 0), INT64_MIN);
    ck_assert_int_eq(pg_get_int32(r, 0, 1), -7);
    ck_assert_int_eq(pg_get_int64(r, 0, 2), -32768);
    ck_assert(pg_get_bool(r, 0, 3));
    ck_assert_int_eq(pg_get_day(r, 0, 4), DAY_MIN);
    ck_assert_int_eq(pg_get_unix_ms(r, 0, 5), -1);
    ck_assert(slice_is(pg_get_text(r, 0, 6), "守望"));
    ck_assert_str_eq(pg_get_uuid(r, 0, 7, uuid), "0192f3a0-0000-7abc-8000-00000000000f");
    ck_assert(pg_get_bool(r, 0, 8));
    pg_result_free(r);
}
END_TEST

START_TEST(nulls)
{
    char uuid[UUID_TEXT_SIZE];
    struct pg_result *r =
        query("select null::bigint, null::boolean, null::date, null::timestamptz, null::text, null::uuid,"
              " $1, $2, $3",
              pg_params(pg_of_day(DAY_NONE), pg_of_text(NULL), pg_of_uuid(NULL)));
    ck_assert_int_eq(pg_get_int64(r, 0, 0), 0);
    ck_assert(!pg_get_bool(r, 0, 1));
    ck_assert_int_eq(pg_get_day(r, 0, 2), DAY_NONE);
    ck_assert(pg_get_unix_ms(r, 0, 3) == INT64_MIN);
    ck_assert_uint_eq(pg_get_text(r, 0, 4).length, 0);
    ck_assert_str_eq(pg_get_uuid(r, 0, 5, uuid), "");
    for (int i = 6; i < 9; i++)
        ck_assert(pg_is_null(r, 0, i));
    pg_result_free(r);
}
END_TEST

START_TEST(dates_and_times)
{
    day_t leap;
    ck_assert(civil_from_ymd(2024, 2, 29, &leap));
    struct pg_result *r =
        query("select date '2024-02-29', timestamptz '2024-02-29 12:00:00.123456+08',"
              " timestamptz '1999-12-31 23:59:59.9995Z', $1 = date '2024-02-29',"
              " $2 = timestamptz '2024-02-29 12:00:00.123+08', $3 = timestamptz 'infinity'",
              pg_params(pg_of_day(leap), pg_of_timestamp(1709179200123), pg_of_timestamp(INT64_MAX)));
    ck_assert_int_eq(pg_get_day(r, 0, 0), leap);
    ck_assert_int_eq(pg_get_unix_ms(r, 0, 1), 1709179200123);
    ck_assert_int_eq(pg_get_unix_ms(r, 0, 2), 946684799999);
    for (int i = 3; i < 6; i++)
        ck_assert(pg_get_bool(r, 0, i));
    pg_result_free(r);
}
END_TEST

START_TEST(arrays)
{
    const int64_t longs[] = {1, -2, INT64_MAX};
    const int32_t ints[] = {3, 4};
    const int16_t shorts[] = {-5};
    const struct slice texts[] = {slice_of("a\"b{,}"), slice_of(""), {NULL, 0}};
    const char *const uuids[] = {"00000000-0000-0000-0000-000000000001"};
    struct pg_result *r =
        query("select $1 = array[1, -2, 9223372036854775807], $2 = array[3, 4], $3 = array[-5]::smallint[],"
              " $4 = array['a\"b{,}', '', null], $5 = array['00000000-0000-0000-0000-000000000001']::uuid[],"
              " cardinality($6) = 0",
              pg_params(pg_of_int64_array(longs, 3), pg_of_int32_array(ints, 2), pg_of_int16_array(shorts, 1),
                        pg_of_text_array(texts, 3), pg_of_uuid_array(uuids, 1), pg_of_int64_array(NULL, 0)));
    for (int i = 0; i < 6; i++)
        ck_assert_msg(pg_get_bool(r, 0, i), "array %d", i + 1);
    pg_result_free(r);
}
END_TEST

START_TEST(not_a_uuid)
{
    static const char *const none[] = {
        "nonsense", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
        "00000000x0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000g"};
    struct pg_result *r;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        ck_assert_int_eq(pg_query(db, "select $1", pg_params(pg_of_uuid(none[i])), &r, &err), STATUS_REJECT);
        ck_assert_ptr_null(r);
        ck_assert_int_eq(pg_query(db, "select $1", pg_params(pg_of_uuid_array(&none[i], 1)), &r, &err),
                         STATUS_REJECT);
    }
    r = query("select $1 = uuid '00000000-0000-0000-0000-00000000000f'",
              pg_params(pg_of_uuid("00000000-0000-0000-0000-00000000000F")));
    ck_assert(pg_get_bool(r, 0, 0));
    pg_result_free(r);
}
END_TEST

/* --- errors --- */

static const struct {
    const char *sql;
    enum status status;
    const char *sqlstate;
} errors[] = {
    {"select nonsense", STATUS_CONFIG, "42703"},
    {"select * from nowhere", STATUS_CONFIG, "42P01"},
    {"select 1/0", STATUS_FATAL, "22012"},
    {"select 'geheim'::integer", STATUS_FATAL, "22P02"},
    {"create temporary table t (x int primary key); insert into t values (1), (1)", STATUS_FATAL, "23505"},
    {"do $$ begin raise exception 'geheim'; end $$", STATUS_FATAL, "P0001"},
    {"do $$ begin raise exception using errcode = '40001'; end $$", STATUS_RETRY, "40001"},
    {"do $$ begin raise exception using errcode = '53100'; end $$", STATUS_RETRY, "53100"},
    {"do $$ begin raise exception using errcode = '55P03'; end $$", STATUS_RETRY, "55P03"},
    {"do $$ begin raise exception using errcode = '57014'; end $$", STATUS_RETRY, "57014"},
    {"do $$ begin raise exception using errcode = '3D000'; end $$", STATUS_CONFIG, "3D000"},
    {"do $$ begin raise exception using errcode = 'XX000'; end $$", STATUS_RETRY,
     "XX000"}, /* no room for an init file */
    {"do $$ begin raise exception using errcode = 'XX001'; end $$", STATUS_FATAL, "XX001"},
    {"set statement_timeout = 20; select pg_sleep(10)", STATUS_RETRY, "57014"},
};

START_TEST(error_classes)
{
    ck_assert_int_eq(pg_exec(db, errors[_i].sql, &err), errors[_i].status);
    ck_assert_str_eq(pg_sqlstate(db), errors[_i].sqlstate);
    ck_assert_ptr_nonnull(strstr(err.text, errors[_i].sqlstate));
    ck_assert_msg(!strstr(err.text, "geheim"), "the server's text was passed on: %s", err.text);
    ck_assert(!pg_is_broken(db));
    ck_assert_int_eq(fixture_int("select 1"), 1);
}
END_TEST

static const struct {
    const char *more;
    enum status status;
    const char *word;
} refusals[] = {
    {" dbname=nowhere", STATUS_CONFIG, "3D000"},
    {" user=nobody_here", STATUS_CONFIG, "28000"},
    {" host=/nonexistent", STATUS_RETRY, "cannot be reached"},
    {" host=127.0.0.1 port=1", STATUS_RETRY, "cannot be reached"},
    {" nonsense=1 password=geheim", STATUS_CONFIG, "conninfo"},
};

START_TEST(refused)
{
    char conninfo[1024];
    struct pg *pg;
    char base[512];
    snprintf(conninfo, sizeof conninfo, "%s%s", fixture_conninfo(NULL, base), refusals[_i].more);
    ck_assert_int_eq(pg_connect(conninfo, "test", PATIENCE_MS, &pg, &err), refusals[_i].status);
    ck_assert_ptr_null(pg);
    ck_assert_msg(strstr(err.text, refusals[_i].word), "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "geheim"));
}
END_TEST

/* A server that accepts and says nothing. */
START_TEST(deaf_server)
{
    char directory[] = "/tmp/swdeaf.XXXXXX", conninfo[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pg *pg;
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    snprintf(conninfo, sizeof conninfo, "host=%s dbname=x user=x", directory);
    int64_t waited = INT64_MAX;
    for (int tries = 0; waited >= 2000 && tries < 4;
         tries++) { /* late once is the machine's doing, late always ours */
        int64_t since = clock_monotonic_ms();
        ck_assert_int_eq(pg_connect(conninfo, "test", 200, &pg, &err), STATUS_RETRY);
        waited = clock_monotonic_ms() - since;
        ck_assert_msg(waited >= 200, "waited %lld ms", (long long)waited);
    }
    ck_assert_msg(waited < 2000, "waited %lld ms", (long long)waited);
    close(listener);
    unlink(address.sun_path);
    rmdir(directory);
}
END_TEST

START_TEST(deadline)
{
    pg_set_call_timeout(db, 100);
    int64_t since = clock_monotonic_ms();
    ck_assert_int_eq(pg_exec(db, "select pg_sleep(30)", &err), STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(err.text, "deadline"));
    ck_assert_int_lt(clock_monotonic_ms() - since, 20000); /* the statement would take longer */
    ck_assert(pg_is_broken(db));
    ck_assert_int_eq(pg_exec(db, "select 1", &err), STATUS_RETRY);
    pg_rollback(db);
}
END_TEST

START_TEST(cancelled)
{
    atomic_bool cancel = true;
    pg_set_cancel(db, &cancel);
    ck_assert_int_eq(pg_exec(db, "select pg_sleep(30)", &err), STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(err.text, "cancelled"));
    ck_assert(pg_is_broken(db));
}
END_TEST

/* --- transactions --- */

START_TEST(transactions)
{
    fixture_sql("create table public.t (x int primary key deferrable initially deferred)");
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(pg_exec(db, "insert into public.t values (1)", &err));
    pg_rollback(db);
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(pg_exec(db, "insert into public.t values (2)", &err));
    must(pg_commit(db, &err));
    ck_assert_str_eq(fixture_text("select x from public.t"), "2");

    /* A failure that COMMIT itself finds is definite. */
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    must(pg_exec(db, "insert into public.t values (2)", &err));
    ck_assert_int_eq(pg_commit(db, &err), STATUS_FATAL);
    ck_assert(!pg_commit_unknown(db));

    /* So is one that was overlooked before. */
    must(pg_begin(db, PG_READ_COMMITTED, &err));
    ck_assert_int_eq(pg_exec(db, "select 1/0", &err), STATUS_FATAL);
    ck_assert_int_eq(pg_commit(db, &err), STATUS_FATAL);
    ck_assert(!pg_commit_unknown(db));

    must(pg_begin(db, PG_SNAPSHOT, &err));
    ck_assert_int_eq(pg_exec(db, "insert into public.t values (3)", &err), STATUS_RETRY);
    ck_assert_str_eq(pg_sqlstate(db), "25006");
    pg_rollback(db);
}
END_TEST

static void terminate(struct pg *victim)
{
    struct pg_result *result;
    must(pg_query(victim, "select pg_backend_pid()", pg_params(), &result, &err));
    int32_t pid = pg_get_int32(result, 0, 0);
    pg_result_free(result);
    must(pg_query(db, "select pg_terminate_backend($1, 5000)", pg_params(pg_of_int32(pid)), &result, &err));
    ck_assert(pg_get_bool(result, 0, 0));
    pg_result_free(result);
}

START_TEST(lost_connection)
{
    struct pg *victim = fixture_connect(NULL);
    terminate(victim);
    ck_assert_int_eq(pg_exec(victim, "select 1", &err), STATUS_RETRY);
    ck_assert(pg_is_broken(victim));
    pg_close(victim);

    victim = fixture_connect(NULL);
    must(pg_begin(victim, PG_READ_COMMITTED, &err));
    terminate(victim);
    ck_assert_int_eq(pg_commit(victim, &err), STATUS_RETRY);
    ck_assert_msg(pg_commit_unknown(victim), "COMMIT was sent into a lost connection: %s", err.text);
    pg_close(victim);

    /* Broken before COMMIT was sent: nothing can have been committed. */
    victim = fixture_connect(NULL);
    must(pg_begin(victim, PG_READ_COMMITTED, &err));
    terminate(victim);
    ck_assert_int_eq(pg_exec(victim, "select 1", &err), STATUS_RETRY);
    ck_assert_int_eq(pg_commit(victim, &err), STATUS_RETRY);
    ck_assert(!pg_commit_unknown(victim));
    pg_close(victim);
}
END_TEST

/* --- COPY --- */

enum { COPY_ROWS = 200000 };

static void fill(struct pg_rows *rows, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof text, "第%lld行", (long long)i);
        pg_rows_begin(rows, 8);
        pg_put_int64(rows, i);
        pg_put_int32(rows, (int32_t)-i);
        pg_put_int16(rows, (int)(i % 1000));
        pg_put_bool(rows, i % 2 == 1);
        pg_put_day(rows, i % 3 == 0 ? DAY_NONE : (day_t)(i % 10000));
        pg_put_str(rows, i % 5 == 0 ? NULL : text);
        pg_put_jsonb(rows, slice_of("{\"a\": 1}"));
        pg_put_uuid(rows, "00000000-0000-0000-0000-00000000000f");
    }
}

static void check_row(struct pg_row *row)
{
    int64_t a = -1;
    int32_t b = -1;
    int16_t c = -1;
    bool d = false;
    char uuid[UUID_TEXT_SIZE], text[32];
    ck_assert(pg_row_int64(row, &a));
    ck_assert(pg_row_int32(row, &b) && b == (int32_t)-a);
    ck_assert(pg_row_int16(row, &c) && c == a % 1000);
    ck_assert(pg_row_bool(row, &d) && d == (a % 2 == 1));
    ck_assert_int_eq(pg_row_day(row), a % 3 == 0 ? DAY_NONE : (day_t)(a % 10000));
    struct slice s = pg_row_text(row);
    snprintf(text, sizeof text, "第%lld行", (long long)a);
    ck_assert(a % 5 == 0 ? s.bytes == NULL : slice_is(s, text));
    pg_row_uuid(row, uuid);
    ck_assert_str_eq(uuid, "00000000-0000-0000-0000-00000000000f");
}

START_TEST(copy_both_ways)
{
    struct pg_rows rows;
    struct pg_copy_out *copy;
    struct pg_row *row;
    int64_t count = 0;
    fixture_sql(
        "create table public.t (a bigint, b int, c smallint, d boolean, e date, f text, g jsonb, h uuid)");
    pg_rows_init(&rows);
    must(pg_copy_in(db, "copy public.t from stdin (format binary)", &rows, &err)); /* nothing to send */
    for (int64_t i = 0; i < COPY_ROWS; i += 1000) {
        fill(&rows, i, i + 1000);
        if (pg_rows_full(&rows))
            must(pg_copy_in(db, "copy public.t from stdin (format binary)", &rows, &err));
    }
    must(pg_copy_in(db, "copy public.t from stdin (format binary)", &rows, &err));
    ck_assert_int_eq(rows.count, 0);
    pg_rows_fini(&rows);
    ck_assert_int_eq(fixture_int("select count(*) from public.t"), COPY_ROWS);
    ck_assert_int_eq(fixture_int("select count(*) from public.t where g = '{\"a\": 1}'"), COPY_ROWS);

    must(pg_copy_out_begin(db, "copy public.t (a, b, c, d, e, f, h) to stdout (format binary)", &copy, &err));
    while ((row = pg_copy_out_next(copy))) {
        check_row(row);
        count++;
    }
    must(pg_copy_out_end(copy, &err));
    ck_assert_int_eq(count, COPY_ROWS);

    must(pg_copy_out_begin(db, "copy (select a from public.t where false) to stdout (format binary)", &copy,
                           &err));
    ck_assert_ptr_null(pg_copy_out_next(copy));
    must(pg_copy_out_end(copy, &err));
}
END_TEST

START_TEST(copy_failures)
{
    struct pg_rows rows;
    struct pg_copy_out *copy;
    int64_t value;
    fixture_sql("create table public.t (a bigint primary key)");
    pg_rows_init(&rows);
    for (int i = 0; i < 2; i++) {
        pg_rows_begin(&rows, 1);
        pg_put_int64(&rows, 7);
    }
    ck_assert_int_eq(pg_copy_in(db, "copy public.t from stdin (format binary)", &rows, &err), STATUS_FATAL);
    ck_assert_str_eq(pg_sqlstate(db), "23505");
    ck_assert_int_eq(fixture_int("select count(*) from public.t"), 0); /* and the connection is still good */
    pg_rows_fini(&rows);
    ck_assert_int_eq(pg_copy_out_begin(db, "copy nowhere to stdout (format binary)", &copy, &err),
                     STATUS_CONFIG);

    /* An error after some rows. */
    must(pg_copy_out_begin(
        db, "copy (select 1::bigint / (5 - g) from generate_series(0, 9) g) to stdout (format binary)", &copy,
        &err));
    for (struct pg_row *row; (row = pg_copy_out_next(copy));)
        pg_row_int64(row, &value);
    ck_assert_int_eq(pg_copy_out_end(copy, &err), STATUS_FATAL);
    ck_assert_str_eq(pg_sqlstate(db), "22012");

    /* A decoder that does not fit: another width, too few columns, too many. */
    static const char *const misfits[] = {
        "copy (select 1::integer) to stdout (format binary)",
        "copy (select 1::bigint, 2::bigint from generate_series(1, 3)) to stdout"
        " (format binary)",
        "copy (select from generate_series(1, 3)) to stdout (format binary)"};
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        struct pg *pg = fixture_connect(NULL);
        must(pg_copy_out_begin(pg, misfits[i], &copy, &err));
        for (struct pg_row *row; (row = pg_copy_out_next(copy));)
            pg_row_int64(row, &value);
        ck_assert_int_eq(pg_copy_out_end(copy, &err), STATUS_FATAL);
        pg_close(pg);
    }

    /* Abandoned. */
    must(pg_copy_out_begin(
        db, "copy (select g from generate_series(1::bigint, 1000000) g) to stdout (format binary)", &copy,
        &err));
    ck_assert_ptr_nonnull(pg_copy_out_next(copy));
    must(pg_copy_out_end(copy, &err));
    ck_assert(pg_is_broken(db));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_pg");
    TCase *tests = tcase_create("pg");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, fixture_empty, fixture_drop);
    tcase_add_test(tests, values);
    tcase_add_test(tests, nulls);
    tcase_add_test(tests, dates_and_times);
    tcase_add_test(tests, arrays);
    tcase_add_test(tests, not_a_uuid);
    tcase_add_loop_test(tests, error_classes, 0, sizeof errors / sizeof *errors);
    tcase_add_loop_test(tests, refused, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(tests, deaf_server);
    tcase_add_test(tests, deadline);
    tcase_add_test(tests, cancelled);
    tcase_add_test(tests, transactions);
    tcase_add_test(tests, lost_connection);
    tcase_add_test(tests, copy_both_ways);
    tcase_add_test(tests, copy_failures);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
