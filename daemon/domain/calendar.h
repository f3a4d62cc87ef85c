/* SPDX-License-Identifier: PostgreSQL */
/*
 * Calendar expressions, the form of systemd.time(7)'s OnCalendar that schedules of a county need:
 *   [WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE]      *-*-05 02:30   Mon..Fri 01:00   *-06,12-01   *-*-~1 (the last day)
 *   hourly daily weekly monthly quarterly semiannually yearly
 * Weekdays: names or their first three letters, lists `Mon,Wed`, ranges `Mon..Fri`. Year: `*`, a number, a range. Other
 * fields: `*`, a number, lists `a,b`, ranges `a..b`, repetition `a/n`. A day with `~` in front counts from the month's
 * end; systemd's own form `*-*~1` means the same. Without a date every day is meant, without a time midnight. Seconds
 * are left out. Times are Asia/Shanghai (UTC+8, see civil.h).
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

/* STATUS_CONFIG says what was found and what was expected; *calendar is then untouched. */
enum status calendar_parse(const char *text, struct calendar *calendar, struct error *err) WARN_UNUSED;
/* The first moment strictly after `unix_s` that fits, in Unix seconds; -1 when there is none within ten years. */
int64_t calendar_next(const struct calendar *calendar, int64_t unix_s);

#endif
