/* SPDX-License-Identifier: PostgreSQL */
#ifndef SHOUWANG_TESTS_UNIT_TEST_APP_H
#define SHOUWANG_TESTS_UNIT_TEST_APP_H

#include <check.h>

Suite *options_suite(void);
Suite *settings_suite(void);
Suite *schedule_suite(void);
Suite *wall_clock_suite(void);
Suite *jobs_suite(void);

#endif
