/* SPDX-License-Identifier: PostgreSQL */
/* Before each test program (see configure.ac): Check without its mark of every assertion that holds. That is a write() each,
 * only to say near which line a test crashed, and half of the time of tests that assert a hundred thousand times. */
#ifndef SHOUWANG_TESTS_QUICK_CHECK_H
#define SHOUWANG_TESTS_QUICK_CHECK_H

#include "config.h"

#include <check.h>

#define _mark_point(file, line) ((void)0)

#endif
