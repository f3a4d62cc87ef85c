/* SPDX-License-Identifier: PostgreSQL */
/*
 * Tables of cases for unit tests: tests/cases/NAME, one line one case, cells separated by one tab.
 *
 * Lines that begin with '#' and empty lines are comments. In a cell `(empty)` stands for no bytes; \t \n \r
 * \\ and \xNN stand for those bytes; `(none)` and all else is for the test to read. The last cell should say
 * why the case exists.
 *
 *     struct cases *cases = cases_open("money.tsv", 3);
 *     for (const struct case_row *row; (row = cases_next(cases));)
 *         ck_assert_msg(…, "%s", cases_where(cases));
 *     cases_close(cases);
 *
 * Everything fails the running test when the file is missing, a line has the wrong number of cells or there
 * is no case.
 */
#ifndef SHOUWANG_TESTS_UNIT_CASES_H
#define SHOUWANG_TESTS_UNIT_CASES_H

#include "base/text.h"

#include <check.h>
#include <stdint.h>

enum { CASE_CELLS_MAX = 12 };

struct case_row {
    int line;
    struct slice cell[CASE_CELLS_MAX]; /* terminated by a zero; valid until the next row */
};

struct cases;
struct cases *cases_open(const char *name, int cells);
const struct case_row *cases_next(struct cases *cases); /* NULL at the end */
const char *cases_where(const struct cases *cases);     /* "money.tsv:12: why" */
void cases_close(struct cases *cases);

/* The cell as a number; fails the test when it is none. */
int64_t case_number(const struct case_row *row, int cell);
bool case_is(const struct case_row *row, int cell, const char *text);

/* Runs the suites; the program's exit status. */
int unit_run(Suite *const *suites, int count);

#endif
