/* SPDX-License-Identifier: PostgreSQL */
/*
 * Civil dates: days, without time of day and without time zone.
 *
 * A `day_t` counts days from 1970-01-01 (proleptic Gregorian); its valid range is DAY_MIN..DAY_MAX, the years
 * 1850–2999 (the register knows people born before 1900). DAY_NONE stands for "not given" and sorts before
 * every valid day. PostgreSQL's wire format counts from 2000-01-01; use civil_from_pg / civil_to_pg.
 *
 * Shanghai has been UTC+8 without summer time since 1991-09-15; "today" is computed with that fixed offset,
 * so no time-zone database is needed and none can be wrong.
 */
#ifndef SHOUWANG_BASE_CIVIL_H
#define SHOUWANG_BASE_CIVIL_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef int32_t day_t;

#define DAY_NONE INT32_MIN
/* 1850-01-01 and 2999-12-31: older than anybody alive, so that a rare birth date is not taken for a wrong one. */
#define DAY_MIN (-43829)
#define DAY_MAX 376199

enum { CIVIL_TEXT_SIZE = 11 }; /* "YYYY-MM-DD" and the terminator */

/* False (and *day untouched) when the date does not exist or lies outside 1850–2999. */
bool civil_from_ymd(int year, int month, int day_of_month, day_t *day);
void civil_to_ymd(day_t day, int *year, int *month, int *day_of_month);

/* Exactly YYYY-MM-DD, nothing before or after. */
bool civil_parse(struct slice text, day_t *day);
/* Writes YYYY-MM-DD, or an empty text for DAY_NONE; returns out. */
const char *civil_format(day_t day, char out[CIVIL_TEXT_SIZE]);

/* Adds (or subtracts) months; the day of the month is clamped to the last day of the target month.
 * DAY_NONE stays DAY_NONE; a result beyond DAY_MIN..DAY_MAX is clamped to it. */
day_t civil_add_months(day_t day, int months);

/* Completed years from birth to on (born 29 February: completed on 1 March of common years). Negative before
 * birth. */
int civil_age_years(day_t birth, day_t on);

/* 0 = Sunday … 6 = Saturday. */
int civil_weekday(day_t day);

/* The civil day in Asia/Shanghai of a Unix time in seconds. */
day_t civil_shanghai_day(int64_t unix_s);

/* PostgreSQL's date on the wire: days from 2000-01-01. DAY_NONE is '-infinity'; days outside our range are
 * clamped to it. */
day_t civil_from_pg(int32_t pg_days);
int32_t civil_to_pg(day_t day);

#endif
