/* SPDX-License-Identifier: PostgreSQL */
/* The suites of test_base, one for each file. */
#ifndef SHOUWANG_TESTS_UNIT_TEST_BASE_H
#define SHOUWANG_TESTS_UNIT_TEST_BASE_H

#include <check.h>

Suite *text_suite(void);
Suite *time_suite(void);
Suite *log_suite(void);

#endif
