/* SPDX-License-Identifier: PostgreSQL */
/* Rounds that are disturbed: cancelled, two at once, cut off in the pull or in the commit. They write all or nothing. */
#include "config.h"

#include "round_fixture.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

START_TEST(a_cancelled_round_fails_and_writes_nothing)
{
    struct round_report report;
    struct round_options options = options_on("2021-06-30");
    atomic_bool cancel = true;
    sql("select t_single(1, 1000)");
    round_report_init(&report);
    ck_assert_int_eq(round_execute(&options, &cancel, &report, &err), STATUS_RETRY);
    round_report_fini(&report);
    ck_assert_int_eq(fixture_int("select count(*) from finding"), 0);
    ck_assert_int_eq(fixture_int("select count(*) from round where state not in ('failed')"), 0);
}
END_TEST

/* --- two rounds at once --------------------------------------------------------------------------------------------- */

struct rival {
    pthread_t thread;
    atomic_bool cancel;
    enum status status;
    struct error err;
};

static void *compete(void *argument)
{
    struct rival *rival = argument;
    struct round_options options = options_on("2021-06-30");
    struct round_report report;
    round_report_init(&report);
    rival->status = round_execute(&options, &rival->cancel, &report, &rival->err);
    round_report_fini(&report);
    return NULL;
}

static void wait_for(const char *query, int64_t value)
{
    static const struct timespec pause = {0, 10000000};
    int64_t until = clock_monotonic_ms() + PATIENCE_MS;
    while (fixture_int(query) != value) {
        ck_assert_msg(clock_monotonic_ms() < until, "%s is still not %lld", query, (long long)value);
        nanosleep(&pause, NULL);
    }
}

START_TEST(of_two_rounds_at_once_one_commits_and_one_is_run_again)
{
    struct rival rivals[2] = {0};
    sql("select t_single(n, 1000) from generate_series(1, 30) n");
    struct pg *holder = fixture_connect(NULL);
    must(pg_exec(holder, "begin; select from lease where name = 'round' for update", &err));
    for (int i = 0; i < 2; i++)
        pthread_create(&rivals[i].thread, NULL, compete, &rivals[i]);
    wait_for("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = "
             "'Lock'",
             2);
    pg_close(holder);
    for (int i = 0; i < 2; i++)
        pthread_join(rivals[i].thread, NULL);
    int ok = (rivals[0].status == STATUS_OK) + (rivals[1].status == STATUS_OK);
    int again = (rivals[0].status == STATUS_RETRY) + (rivals[1].status == STATUS_RETRY);
    ck_assert_msg(ok == 1 && again == 1, "%d ok, %d retry: %s / %s", ok, again, rivals[0].err.text,
                  rivals[1].err.text);
    ck_assert_int_eq(fixture_int("select count(*) from warning"), 30);
    ck_assert_int_eq(fixture_int("select count(*) from outbox"), 30);
    ck_assert_str_eq(fixture_text("select state from round order by 1"), "committed;failed");
    ck_assert_int_eq(round_on("2021-06-30").events, 0);
}
END_TEST

/* --- a pull that is cut off ----------------------------------------------------------------------------------------- */

/* The tables that a round pulls. */
static const char *const pulled[] = {"household", "membership", "person_fact", "household_fact"};
enum { PERSON_FACTS = 2 };

/* The session whose statement pulls from the table %s. */
#define PULLS                                                                                                \
    "from pg_stat_activity where datname = current_database() and state = 'active'"                          \
    " and query like 'copy (select %% from %s where%%' and wait_event = 'PgSleep'"

/* From here on each row of the table takes a second: a round stays in its pull for more than half a minute. */
static void slow_down(const char *table)
{
    sql("alter table %s rename to fast_table; create view %s as select * from fast_table where "
        "pg_sleep(1) is not null; grant select on %s to public",
        table, table, table);
}

static void speed_up(const char *table)
{
    sql("drop view %s; alter table fast_table rename to %s", table, table);
}

static void start_slow_round(struct rival *rival, size_t which)
{
    char query[256];
    *rival = (struct rival){0};
    slow_down(pulled[which]);
    pthread_create(&rival->thread, NULL, compete, rival);
    snprintf(query, sizeof query, "select count(*) " PULLS, pulled[which]);
    wait_for(query, 1);
}

static void check_ended_clean(struct rival *rival, size_t which, const char *why)
{
    int64_t since = clock_monotonic_ms();
    pthread_join(rival->thread, NULL);
    ck_assert_int_lt(clock_monotonic_ms() - since, 20000); /* the slow statement would take longer */
    sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "
        "application_name = 'shouwangd round'"); /* a server notices only when it sends */
    speed_up(pulled[which]);
    ck_assert_int_eq(rival->status, STATUS_RETRY);
    ck_assert_str_eq(rival->err.text, why);
    ck_assert_int_eq(fixture_int("select count(*) from finding"), 0);
    ck_assert_int_eq(fixture_int("select count(*) from round where state <> 'failed'"), 0);
}

static void slow_county(void)
{
    sql("select t_single(n, 1000) from generate_series(1, 40) n");
}

/* Whichever of its two connections it is, and whatever the other one is doing. */
START_TEST(a_connection_lost_in_the_pull_fails_the_round_and_the_next_one_succeeds)
{
    slow_county();
    for (size_t i = 0; i < sizeof pulled / sizeof *pulled; i++) {
        struct rival rival;
        start_slow_round(&rival, i);
        sql("select pg_terminate_backend(pid) " PULLS, pulled[i]);
        check_ended_clean(&rival, i, "load: database: connection lost");
    }
    ck_assert_int_eq(round_on("2021-06-30").raised, 40);
}
END_TEST

START_TEST(a_round_can_be_cancelled_in_the_pull)
{
    slow_county();
    for (size_t i = 0; i < sizeof pulled / sizeof *pulled; i++) {
        struct rival rival;
        start_slow_round(&rival, i);
        atomic_store(&rival.cancel, true);
        check_ended_clean(&rival, i, "load: database: cancelled");
    }
    ck_assert_int_eq(round_on("2021-06-30").raised, 40);
}
END_TEST

/* --- particulars that are cut off ------------------------------------------------------------------------------------ */

#define STREAMS                                                                                              \
    "from pg_stat_activity where datname = current_database() and state = 'active'"                          \
    " and query like 'copy ((select place%%' and wait_event = 'PgSleep'"

/* From here on a fact's document takes a second: only the particulars of what changes ask for it. */
static void start_slow_record(struct rival *rival)
{
    *rival = (struct rival){0};
    sql("alter table person_fact rename to fast_table; create view person_fact as select person_id, value, batch_id,"
        " from_day, to_day, row_no, code, source, as_of, (select f.ref from pg_sleep(1)) as ref, detail from fast_table f;"
        " grant select on person_fact to public");
    pthread_create(&rival->thread, NULL, compete, rival);
    wait_for("select count(*) " STREAMS, 1);
}

/* What was read until then is no evidence: the round fails as one whose connection was lost, and is run again. */
START_TEST(a_round_cut_off_among_particulars_fails_and_the_next_one_succeeds)
{
    static const char *const why[] = {"database: connection lost", "database: cancelled"};
    slow_county();
    for (size_t i = 0; i < 2; i++) {
        struct rival rival;
        start_slow_record(&rival);
        if (i == 0)
            sql("select pg_terminate_backend(pid) " STREAMS);
        else
            atomic_store(&rival.cancel, true);
        check_ended_clean(&rival, PERSON_FACTS, why[i]);
    }
    ck_assert_int_eq(round_on("2021-06-30").raised, 40);
    ck_assert_int_eq(
        fixture_int("select count(*) from warning_history where jsonb_array_length(evidence->'facts') = 0"),
        0);
}
END_TEST

/* A trigger that fires at the commit waits for a lock, so that the session can be killed in the middle of it. */
START_TEST(a_lost_commit_is_looked_up)
{
    struct rival rival = {0};
    sql("select t_single(1, 1000); create table gate (n int); create function wait_at_gate() returns trigger "
        "language plpgsql as"
        " $$ begin lock table shouwang.gate in share mode; return null; end $$; create constraint trigger t "
        "after insert on warning"
        " deferrable initially deferred for each row execute function wait_at_gate()");
    struct pg *holder = fixture_connect(NULL);
    must(pg_exec(holder, "begin; lock table gate in exclusive mode", &err));
    pthread_create(&rival.thread, NULL, compete, &rival);
    wait_for("select count(*) from pg_stat_activity where datname = current_database() and wait_event = "
             "'relation'",
             1);
    sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "
        "wait_event = 'relation'");
    pthread_join(rival.thread, NULL);
    pg_close(holder);
    ck_assert_int_eq(rival.status, STATUS_RETRY);
    ck_assert_int_eq(fixture_int("select count(*) from warning"), 0);
    ck_assert_str_eq(fixture_text("select state from round"), "failed");
    ck_assert_int_eq(round_on("2021-06-30").raised, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("round faults");
    TCase *tests = tcase_create("round faults");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, fixture_template, fixture_template_drop);
    tcase_add_checked_fixture(tests, round_fixture_county, round_fixture_drop);
    tcase_add_test(tests, a_cancelled_round_fails_and_writes_nothing);
    tcase_add_test(tests, of_two_rounds_at_once_one_commits_and_one_is_run_again);
    tcase_add_test(tests, a_connection_lost_in_the_pull_fails_the_round_and_the_next_one_succeeds);
    tcase_add_test(tests, a_round_can_be_cancelled_in_the_pull);
    tcase_add_test(tests, a_round_cut_off_among_particulars_fails_and_the_next_one_succeeds);
    tcase_add_test(tests, a_lost_commit_is_looked_up);
    suite_add_tcase(suite, tests);
    return fixture_main(suite);
}
