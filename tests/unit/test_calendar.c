/* SPDX-License-Identifier: PostgreSQL */
#include "cases.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/random.h"
#include "domain/calendar.h"

#include <stdio.h>
#include <string.h>

/* "2021-06-30 08:00:59" in Shanghai, or "none" */
static int64_t moment(struct slice text)
{
    if (slice_is(text, "none"))
        return -1;
    char stamp[40];
    int64_t ms;
    snprintf(stamp, sizeof stamp, "%.10sT%s+08:00", text.bytes, text.bytes + 11);
    ck_assert_msg(clock_parse_rfc3339(slice_of(stamp), &ms), "%s", stamp);
    return ms / 1000;
}

/* calendar.tsv: expression, after, the next moment (or none, or refused), the one after that, why */
START_TEST(expressions_give_their_moments)
{
    struct cases *cases = cases_open("calendar.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct calendar calendar = {.year_first = 77};
        struct error err;
        enum status status = calendar_parse(row->cell[0].bytes, &calendar, &err);
        if (case_is(row, 2, "refused")) {
            ck_assert_msg(status == STATUS_CONFIG && calendar.year_first == 77, "%s", cases_where(cases));
            ck_assert_msg(strstr(err.text, row->cell[3].bytes) != NULL, "%s: %s", cases_where(cases),
                          err.text);
            continue;
        }
        ck_assert_msg(status == STATUS_OK, "%s: %s", cases_where(cases), err.text);
        int64_t first = calendar_next(&calendar, moment(row->cell[1]));
        ck_assert_msg(first == moment(row->cell[2]), "%s: got %jd", cases_where(cases), (intmax_t)first);
        if (first >= 0)
            ck_assert_msg(calendar_next(&calendar, first) == moment(row->cell[3]), "%s: then got %jd",
                          cases_where(cases), (intmax_t)calendar_next(&calendar, first));
    }
    cases_close(cases);
}
END_TEST

/* Nothing is skipped: every minute between two answers is asked one by one. */
START_TEST(no_moment_is_skipped)
{
    struct calendar calendar;
    struct error err;
    ck_assert_int_eq(calendar_parse("Mon,Wed *-*-10..20,~2 1,13:5/20", &calendar, &err), STATUS_OK);
    int64_t from = INT64_C(1609459200), at = from, count = 0;
    int64_t next = calendar_next(&calendar, at);
    for (; at < from + INT64_C(86400) * 120; at += 60) {
        int64_t local = at + 8 * 3600;
        day_t day = (day_t)(local / 86400);
        int year, month, day_of_month;
        civil_to_ymd(day, &year, &month, &day_of_month);
        int days_left = civil_add_months(day - day_of_month + 1, 1) - day;
        int hour = (int)(local / 3600 % 24), minute = (int)(local / 60 % 60);
        bool fits = (civil_weekday(day) == 1 || civil_weekday(day) == 3) &&
                    ((day_of_month >= 10 && day_of_month <= 20) || days_left == 2) &&
                    (hour == 1 || hour == 13) && minute >= 5 && minute % 20 == 5;
        if (fits != (at == next))
            ck_abort_msg("at %jd: %d, but the next is %jd", (intmax_t)at, fits, (intmax_t)next);
        if (fits) {
            count++;
            next = calendar_next(&calendar, at);
        }
    }
    ck_assert_int_gt(count, 60);
}
END_TEST

START_TEST(extreme_times_have_no_next)
{
    struct calendar calendar;
    struct error err;
    ck_assert_int_eq(calendar_parse("daily", &calendar, &err), STATUS_OK);
    ck_assert_int_eq(calendar_next(&calendar, INT64_MAX), -1);
    ck_assert_int_eq(calendar_next(&calendar, INT64_MIN), -1);
}
END_TEST

START_TEST(any_text_is_read_or_refused)
{
    static const char alphabet[] = "*-,.:/~ 0123456789MonTueFri";
    struct random random;
    random_seed(&random, 9);
    int accepted = 0;
    for (int i = 0; i < 300000; i++) {
        char text[24];
        size_t length = (size_t)random_below(&random, sizeof text);
        for (size_t k = 0; k < length; k++)
            text[k] = alphabet[random_below(&random, sizeof alphabet - 1)];
        text[length] = '\0';
        struct calendar calendar;
        struct error err;
        if (calendar_parse(text, &calendar, &err) == STATUS_OK) {
            accepted++;
            int64_t next = calendar_next(&calendar, INT64_C(1625011200));
            if (next != -1 && (next <= INT64_C(1625011200) || next % 60 != 0))
                ck_abort_msg("\"%s\" gives %jd", text, (intmax_t)next);
        }
    }
    ck_assert_int_gt(accepted, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar");
    TCase *expressions = tcase_create("expressions");
    tcase_add_test(expressions, expressions_give_their_moments);
    tcase_add_test(expressions, no_moment_is_skipped);
    tcase_add_test(expressions, extreme_times_have_no_next);
    tcase_add_test(expressions, any_text_is_read_or_refused);
    suite_add_tcase(suite, expressions);
    return unit_run(&suite, 1);
}
