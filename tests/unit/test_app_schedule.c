/* SPDX-License-Identifier: PostgreSQL */
/* When rounds are due: what was missed, what comes next, and that the timer calls. */
#include "test_app.h"

#include "app/schedule.h"
#include "base/civil.h"
#include "base/clock.h"
#include "cases.h"

#include <stdlib.h>

static struct option_schedule calendar_of(const char *text)
{
    struct option_schedule schedule = {.is_set = true};
    struct error err;
    ck_assert_int_eq(calendar_parse(text, &schedule.calendar, &err), STATUS_OK);
    return schedule;
}

/* 2021-07-05 02:30 in Asia/Shanghai. */
#define FIFTH_OF_JULY INT64_C(1625423400)

START_TEST(a_round_is_missed_only_if_its_time_has_passed)
{
    struct option_schedule monthly = calendar_of("*-*-05 02:30");
    struct option_schedule off = {0};
    ck_assert(!schedule_missed(&monthly, FIFTH_OF_JULY - 86400, FIFTH_OF_JULY - 1));
    ck_assert(schedule_missed(&monthly, FIFTH_OF_JULY - 86400, FIFTH_OF_JULY));
    ck_assert(schedule_missed(&monthly, FIFTH_OF_JULY - 1, FIFTH_OF_JULY + 40 * 86400));
    ck_assert(!schedule_missed(&monthly, FIFTH_OF_JULY, FIFTH_OF_JULY + 86400));
    ck_assert(!schedule_missed(&monthly, 0, FIFTH_OF_JULY)); /* there never was one: nothing is missed */
    ck_assert(!schedule_missed(&off, FIFTH_OF_JULY - 86400, FIFTH_OF_JULY));
}
END_TEST

static void count_call(void *ctx)
{
    ++*(int *)ctx;
}

/* Every month, on a day that is not near: a round falls due in no test. */
static struct option_schedule far_from_today(void)
{
    char today[CIVIL_TEXT_SIZE];
    civil_format(clock_today(), today);
    const int day = atoi(today + 8);
    return calendar_of(day >= 3 && day <= 7 ? "*-*-20 02:30" : "*-*-05 02:30");
}

START_TEST(what_was_missed_is_due_once)
{
    struct loop *loop;
    struct error err;
    int calls = 0;
    struct option_schedule monthly = far_from_today();
    ck_assert_int_eq(loop_new(&loop, &err), STATUS_OK);
    struct schedule *schedule = schedule_new(loop, count_call, &calls);
    schedule_set(schedule, &monthly);
    int64_t next = schedule_next_unix_s(schedule);
    ck_assert_int_eq(next, calendar_next(&monthly.calendar, clock_unix_ms() / 1000));
    schedule_catch_up(schedule, clock_unix_ms() / 1000); /* nothing between then and now */
    ck_assert_int_eq(schedule_next_unix_s(schedule), next);
    schedule_catch_up(schedule, clock_unix_ms() / 1000 - 40 * 86400);
    int64_t deadline = clock_monotonic_ms() + 60000;
    while (calls == 0 && clock_monotonic_ms() < deadline)
        ck_assert_int_eq(loop_turn(loop, 100, &err), STATUS_OK);
    ck_assert_int_eq(calls, 1);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(loop_turn(loop, 1, &err), STATUS_OK);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_ge(schedule_next_unix_s(schedule), next);
    schedule_free(schedule);
    loop_free(loop);
}
END_TEST

START_TEST(a_retry_comes_before_the_calendar_but_not_after_it)
{
    struct loop *loop;
    struct error err;
    int calls = 0;
    struct option_schedule monthly = far_from_today();
    ck_assert_int_eq(loop_new(&loop, &err), STATUS_OK);
    struct schedule *schedule = schedule_new(loop, count_call, &calls);
    schedule_set(schedule, &monthly);
    int64_t next = schedule_next_unix_s(schedule);
    schedule_retry(schedule, (next - clock_unix_ms() / 1000 + 86400) * 1000);
    ck_assert_int_eq(schedule_next_unix_s(schedule), next);
    schedule_retry(schedule, 60000);
    ck_assert_int_le(schedule_next_unix_s(schedule), clock_unix_ms() / 1000 + 60);
    schedule_stop(schedule);
    ck_assert_int_eq(schedule_next_unix_s(schedule), 0);
    schedule_free(schedule);
    loop_free(loop);
}
END_TEST

/* The later within its second a retry is due, the longer is what whole seconds make too early. */
START_TEST(a_retry_is_waited_for_without_spinning)
{
    enum { LATE_MS = 900, TURNS_MAX = 10 };
    struct loop *loop;
    struct error err;
    int calls = 0, turns = 0;
    ck_assert_int_eq(loop_new(&loop, &err), STATUS_OK);
    struct schedule *schedule = schedule_new(loop, count_call, &calls);
    int64_t delay_ms = LATE_MS - clock_unix_ms() % 1000;
    schedule_retry(schedule, delay_ms < LATE_MS / 2 ? delay_ms + 1000 : delay_ms);
    int64_t deadline = clock_monotonic_ms() + 5000;
    for (; calls == 0 && clock_monotonic_ms() < deadline; turns++)
        ck_assert_int_eq(loop_turn(loop, 5000, &err), STATUS_OK);
    ck_assert_int_eq(calls, 1);
    ck_assert_msg(turns <= TURNS_MAX, "%d turns", turns);
    schedule_free(schedule);
    loop_free(loop);
}
END_TEST

Suite *schedule_suite(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tcase = tcase_create("schedule");
    tcase_add_test(tcase, a_round_is_missed_only_if_its_time_has_passed);
    tcase_add_test(tcase, what_was_missed_is_due_once);
    tcase_add_test(tcase, a_retry_comes_before_the_calendar_but_not_after_it);
    tcase_add_test(tcase, a_retry_is_waited_for_without_spinning);
    suite_add_tcase(suite, tcase);
    return suite;
}
