/* SPDX-License-Identifier: PostgreSQL */
/*
 * The planted households and what a round must find in each: worked out by hand from the definitions of the
 * scheme of 004 篇五 (docs), never by a program. county_planted.c explains the language. The lines (dibao
 * L, 1.5 L) are 4830.00 and 7245.00 a person and year in rural households, 7320.00 and 10980.00 in urban
 * ones, from 2021-01-01.
 */
#include "county.h"

/* clang-format off */

/* What is planted, household, facts, level, rules that fire, checks, undecided with evidence, suggestions. */
#define CASE(what, household, facts, level, rules, checks, undecided, suggestions) \
    {what, household, facts, level, rules, checks, undecided, suggestions}

#define WAGE(yuan) "1 income.wage " yuan " D-89 D;"
/* A comfortable single: nothing that depends on income fires. */
#define RICH WAGE("60000.00")
#define MEDICAL "expense.medical_self_paid"

const struct county_case county_cases[] = {
/* --- lines: red.apply and orange.margin, exactly on the line and one fen to either side ------------------------- */
CASE("rural, one fen under the dibao line", "rural m45", WAGE("4829.99"), "red", "red.apply", "", "", ""),
CASE("rural, exactly on the dibao line", "rural m45", WAGE("4830.00"), "orange", "orange.margin", "", "", ""),
CASE("rural, one fen over the dibao line", "rural m45", WAGE("4830.01"), "orange", "orange.margin", "", "", ""),
CASE("rural, one fen under the low-income line", "rural m45", WAGE("7244.99"), "orange", "orange.margin", "", "", ""),
CASE("rural, exactly on the low-income line", "rural m45", WAGE("7245.00"), "none", "", "", "", ""),
CASE("rural, one fen over the low-income line", "rural m45", WAGE("7245.01"), "none", "", "", "", ""),
CASE("urban, one fen under the dibao line", "urban f38", WAGE("7319.99"), "red", "red.apply", "", "", ""),
CASE("urban, exactly on the dibao line", "urban f38", WAGE("7320.00"), "orange", "orange.margin", "", "", ""),
CASE("urban, one fen under the low-income line", "urban f38", WAGE("10979.99"), "orange", "orange.margin", "", "", ""),
CASE("urban, exactly on the low-income line", "urban f38", WAGE("10980.00"), "none", "", "", "", ""),
CASE("three persons, one fen under the dibao line", "rural m45 f43 m10", "1 income.wage 14489.99 D-89 D", "red", "red.apply", "", "", ""),
CASE("two persons, exactly on the dibao line", "rural m45 f43", "1 income.wage 9660.00 D-89 D", "orange", "orange.margin", "", "", ""),
CASE("two persons, one fen under the low-income line", "rural m45 f43", "1 income.wage 10000.00 D-89 D; 2 income.business 4489.99 D-89 D", "orange", "orange.margin", "", "", ""),
CASE("two persons, exactly on the low-income line", "rural m45 f43", "1 income.wage 10000.00 D-89 D; 2 income.business 4490.00 D-89 D", "none", "", "", "", ""),
CASE("seven persons, one fen under the dibao line", "rural m70 f68 m45 f43 m20 f16 m8", "3 income.wage 33809.99 D-89 D", "red", "red.apply", "", "", ""),
CASE("declared, and no income at all", "rural m45", "", "red", "red.apply", "", "", ""),
};
const size_t county_case_count = sizeof county_cases / sizeof county_cases[0];
