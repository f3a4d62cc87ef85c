/* SPDX-License-Identifier: PostgreSQL */
/*
 * Calendar expressions, the form of systemd.time(7)'s OnCalendar that schedules of a county need:
 *   [WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE]      *-*-05 02:30   Mon..Fri 01:00   *-06,12-01   *-*-~1
 * (last day) minutely? no.  hourly daily weekly monthly quarterly semiannually yearly Fields: `*`, a number,
 * lists `a,b`, ranges `a..b`, repetition `a/n`. Times are Asia/Shanghai (UTC+8, see civil.h).
 */
#ifndef SHOUWANG_DOMAIN_CALENDAR_H
#define SHOUWANG_DOMAIN_CALENDAR_H

#include "base/status.h"

#include <stdint.h>

struct calendar {
    uint64_t minutes;   /* bit 0–59 */
    uint32_t hours;     /* bit 0–23 */
    uint32_t days;      /* bit 1–31 */
    uint32_t last_days; /* bit n: the n-th day from the month's end, 1 = last */
    uint16_t months;    /* bit 1–12 */
    uint8_t weekdays;   /* bit 0 = Sunday */
    int year_first, year_last;
};

enum status calendar_parse(const char *text, struct calendar *calendar, struct error *err) WARN_UNUSED;
/* The first moment strictly after `unix_s` that fits, in Unix seconds; -1 when there is none within ten
 * years. */
int64_t calendar_next(const struct calendar *calendar, int64_t unix_s);

#endif
