/* SPDX-License-Identifier: PostgreSQL */
/* When this machine's clock is believed. A clock that leaps is one that stood elsewhere before: the state says so. */
#include "config.h"

#include "app/wall_clock.h"
#include "base/clock.h"
#include "base/log.h"
#include "test_app.h"

#include <stdlib.h>

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

static void quiet(void)
{
    log_set_level(LOG_LEVEL_ALERT);
}

START_TEST(minutes_are_told_and_days_hold_work_up)
{
    static const struct {
        int64_t off_ms;
        bool disagrees, holds;
    } table[] = {{0, false, false},
                 {5 * MINUTE_MS, false, false},
                 {5 * MINUTE_MS + 1, true, false},
                 {-6 * MINUTE_MS, true, false},
                 {DAY_MS, true, false},
                 {DAY_MS + 1, true, true},
                 {-DAY_MS - 1, true, true}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct wall_clock clock = {0};
        const enum wall_clock_turn turn = wall_clock_compare(&clock, table[i].off_ms);
        ck_assert_int_eq(clock.disagrees, table[i].disagrees);
        ck_assert_int_eq(clock.holds, table[i].holds);
        ck_assert_int_eq(turn, table[i].holds ? WALL_CLOCK_LOST : WALL_CLOCK_AS_BEFORE);
        ck_assert_int_eq(wall_clock_compare(&clock, table[i].off_ms), WALL_CLOCK_AS_BEFORE);
        ck_assert_int_eq(wall_clock_compare(&clock, 0),
                         table[i].holds ? WALL_CLOCK_FOUND : WALL_CLOCK_AS_BEFORE);
        ck_assert(!clock.disagrees && !clock.holds);
    }
}
END_TEST

/* The database's clock leaps along on the same machine: what they agree on is wrong. */
START_TEST(a_leap_of_both_clocks_holds_work_up_until_it_is_taken_back)
{
    struct wall_clock clock = {0};
    ck_assert_int_eq(wall_clock_wrong_ms(&clock), 0); /* nobody knows yet where it stood */
    wall_clock_agreed(&clock);
    const int64_t agreed_unix_s = clock.agreed_unix_s, true_ahead_ms = clock.ahead_ms;
    ck_assert_int_le(llabs(agreed_unix_s - clock_unix_ms() / 1000), 60);
    ck_assert_int_eq(wall_clock_compare(&clock, 0), WALL_CLOCK_AS_BEFORE);
    clock.ahead_ms = true_ahead_ms - 170 * DAY_MS; /* a machine that slept */
    ck_assert_int_eq(wall_clock_compare(&clock, 0), WALL_CLOCK_AS_BEFORE);
    clock.ahead_ms = true_ahead_ms - 190 * DAY_MS;
    ck_assert_int_ge(wall_clock_wrong_ms(&clock), 190 * DAY_MS - MINUTE_MS);
    ck_assert_int_eq(wall_clock_compare(&clock, 0), WALL_CLOCK_LOST);
    ck_assert(clock.disagrees && clock.holds);
    clock.ahead_ms = true_ahead_ms;
    ck_assert_int_eq(wall_clock_compare(&clock, 0), WALL_CLOCK_FOUND);
    ck_assert_int_eq(clock.agreed_unix_s, agreed_unix_s); /* since then work was held up */
}
END_TEST

Suite *wall_clock_suite(void)
{
    Suite *suite = suite_create("wall_clock");
    TCase *tcase = tcase_create("wall_clock");
    tcase_add_unchecked_fixture(tcase, quiet, NULL);
    tcase_add_test(tcase, minutes_are_told_and_days_hold_work_up);
    tcase_add_test(tcase, a_leap_of_both_clocks_holds_work_up_until_it_is_taken_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
