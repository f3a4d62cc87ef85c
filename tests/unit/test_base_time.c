/* SPDX-License-Identifier: PostgreSQL */
#include "test_base.h"

#include "base/civil.h"
#include "base/clock.h"
#include "cases.h"

/* dates.tsv: text, day number or refused, why */
START_TEST(dates_are_read_strictly)
{
    struct cases *cases = cases_open("dates.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));) {
        day_t day = 77;
        bool ok = civil_parse(row->cell[0], &day);
        if (case_is(row, 1, "refused")) {
            ck_assert_msg(!ok, "%s", cases_where(cases));
            ck_assert_msg(day == 77, "%s: *day was touched", cases_where(cases));
            continue;
        }
        ck_assert_msg(ok && day == case_number(row, 1), "%s: got %d", cases_where(cases), (int)day);
        char out[CIVIL_TEXT_SIZE];
        ck_assert_str_eq(civil_format(day, out), row->cell[0].bytes);
    }
    cases_close(cases);
}
END_TEST

/* Counts every day of the range one by one. */
START_TEST(every_day_of_the_range_follows_the_day_before)
{
    static const int length[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1850, month = 1, day_of_month = 1;
    for (day_t day = DAY_MIN; day <= DAY_MAX; day++) {
        int y, m, d;
        day_t back;
        civil_to_ymd(day, &y, &m, &d);
        if (y != year || m != month || d != day_of_month || !civil_from_ymd(y, m, d, &back) || back != day)
            ck_abort_msg("day %d: %d-%d-%d, expected %d-%d-%d", (int)day, y, m, d, year, month, day_of_month);
        bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        if (++day_of_month > length[month] + (month == 2 && leap)) {
            day_of_month = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
    ck_assert_int_eq(year, 3000);
}
END_TEST

static day_t day_from(const char *text)
{
    day_t day = DAY_NONE;
    ck_assert_msg(civil_parse(slice_of(text), &day), "%s", text);
    return day;
}

START_TEST(months_are_added_and_clamped)
{
    static const struct {
        const char *from;
        int months;
        const char *to;
    } cases[] = {{"2021-03-31", -1, "2021-02-28"},
                 {"2020-03-31", -1, "2020-02-29"},
                 {"2021-06-30", -12, "2020-06-30"},
                 {"2020-02-29", 12, "2021-02-28"},
                 {"2020-02-29", 48, "2024-02-29"},
                 {"2021-01-31", 1, "2021-02-28"},
                 {"2021-12-31", 2, "2022-02-28"},
                 {"2021-01-15", -1, "2020-12-15"},
                 {"2021-06-30", 0, "2021-06-30"},
                 {"1850-01-01", -1, "1850-01-01"},
                 {"2999-12-01", 1, "2999-12-31"},
                 {"2021-06-30", 2147483647, "2999-12-31"},
                 {"2021-06-30", -2147483647 - 1, "1850-01-01"}};
    char out[CIVIL_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(civil_format(civil_add_months(day_from(cases[i].from), cases[i].months), out),
                         cases[i].to);
    ck_assert_int_eq(civil_add_months(DAY_NONE, 3), DAY_NONE);
}
END_TEST

START_TEST(ages_are_completed_years)
{
    static const struct {
        const char *birth, *on;
        int age;
    } cases[] = {{"2000-02-29", "2021-02-28", 20}, {"2000-02-29", "2021-03-01", 21},
                 {"2000-02-29", "2024-02-29", 24}, {"2010-06-30", "2021-06-29", 10},
                 {"2010-06-30", "2021-06-30", 11}, {"2021-06-30", "2021-06-30", 0},
                 {"2021-07-01", "2021-06-30", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_int_eq(civil_age_years(day_from(cases[i].birth), day_from(cases[i].on)), cases[i].age);
}
END_TEST

START_TEST(weekdays_and_other_epochs)
{
    ck_assert_int_eq(civil_weekday(day_from("1970-01-01")), 4);
    ck_assert_int_eq(civil_weekday(day_from("2021-06-30")), 3);
    ck_assert_int_eq(civil_weekday(day_from("1940-06-01")), 6);
    ck_assert_int_eq(civil_weekday(DAY_MIN), 2);
    ck_assert_int_eq(civil_from_pg(0), day_from("2000-01-01"));
    ck_assert_int_eq(civil_to_pg(day_from("2000-01-02")), 1);
    ck_assert_int_eq(civil_from_pg(INT32_MIN), DAY_NONE);
    ck_assert_int_eq(civil_from_pg(INT32_MAX), DAY_MAX);
    ck_assert_int_eq(civil_to_pg(DAY_NONE), INT32_MIN);
    /* Midnight in Shanghai is 16:00 UTC of the day before. */
    ck_assert_int_eq(civil_shanghai_day(INT64_C(1625068799)), day_from("2021-06-30"));
    ck_assert_int_eq(civil_shanghai_day(INT64_C(1625068800)), day_from("2021-07-01"));
    ck_assert_int_eq(civil_shanghai_day(-1), day_from("1970-01-01"));
    ck_assert_int_eq(civil_shanghai_day(-28801), day_from("1969-12-31"));
    ck_assert_int_eq(civil_shanghai_day(INT64_MAX), DAY_MAX);
    ck_assert_int_eq(civil_shanghai_day(INT64_MIN), DAY_MIN);
    char out[CIVIL_TEXT_SIZE];
    ck_assert_str_eq(civil_format(DAY_NONE, out), "");
}
END_TEST

/* timestamps.tsv: text, Unix milliseconds or refused, the same moment as we write it, why */
START_TEST(time_stamps_are_rfc3339)
{
    struct cases *cases = cases_open("timestamps.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        int64_t ms = -77;
        bool ok = clock_parse_rfc3339(row->cell[0], &ms);
        if (case_is(row, 1, "refused")) {
            ck_assert_msg(!ok && ms == -77, "%s", cases_where(cases));
            continue;
        }
        ck_assert_msg(ok && ms == case_number(row, 1), "%s: got %jd", cases_where(cases), (intmax_t)ms);
        char out[CLOCK_RFC3339_SIZE];
        ck_assert_str_eq(clock_rfc3339(ms, out), row->cell[2].bytes);
    }
    cases_close(cases);
    char out[CLOCK_RFC3339_SIZE];
    ck_assert_str_eq(clock_rfc3339(INT64_MIN, out), "1850-01-01T08:00:00.000+08:00");
    ck_assert_str_eq(clock_rfc3339(INT64_MAX, out), "2999-12-31T08:00:00.000+08:00");
}
END_TEST

START_TEST(clocks_go_forward)
{
    int64_t before = clock_monotonic_us();
    ck_assert_int_ge(clock_monotonic_us(), before);
    ck_assert_int_ge(clock_monotonic_ms(), before / 1000);
    ck_assert_int_gt(clock_unix_ms(), INT64_C(1700000000000));
    ck_assert_int_ge(clock_today(), day_from("2023-11-15"));
}
END_TEST

Suite *time_suite(void)
{
    Suite *suite = suite_create("time");
    TCase *civil = tcase_create("civil");
    tcase_add_test(civil, dates_are_read_strictly);
    tcase_add_test(civil, every_day_of_the_range_follows_the_day_before);
    tcase_add_test(civil, months_are_added_and_clamped);
    tcase_add_test(civil, ages_are_completed_years);
    tcase_add_test(civil, weekdays_and_other_epochs);
    suite_add_tcase(suite, civil);
    TCase *clock = tcase_create("clock");
    tcase_add_test(clock, time_stamps_are_rfc3339);
    tcase_add_test(clock, clocks_go_forward);
    suite_add_tcase(suite, clock);
    return suite;
}
