/* SPDX-License-Identifier: PostgreSQL */
/*
 * Dates as partners write them, by a format such as YYYY-MM-DD or YYYY/M/D. Pure.
 */
#ifndef SHOUWANG_SOURCE_FEED_DATE_H
#define SHOUWANG_SOURCE_FEED_DATE_H

#include "base/civil.h"
#include "base/text.h"

#include <stdbool.h>

/* Whether year (YYYY), month (MM, or M) and day (DD, or D) stand in it, each exactly once. */
bool feed_date_format_ok(const char *format);

/* Reads a date exactly as the format says: YYYY, MM or M, DD or D, and other bytes as they are. */
bool feed_date_parse(const char *format, struct slice text, day_t *day);

#endif
