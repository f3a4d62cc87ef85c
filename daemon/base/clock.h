/* SPDX-License-Identifier: PostgreSQL */
/*
 * The two clocks. Timers and durations use the monotonic one; the wall clock tells dates and time stamps, and
 * orders nothing.
 */
#ifndef SHOUWANG_BASE_CLOCK_H
#define SHOUWANG_BASE_CLOCK_H

#include "base/civil.h"

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_unix_ms(void);
day_t clock_today(void); /* the civil day in Asia/Shanghai */

enum { CLOCK_RFC3339_SIZE = 32 };
/* "2021-06-30T08:00:00.123+08:00"; returns out. */
const char *clock_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_SIZE]);
/* RFC 3339 with an offset or Z; fractions of a second to the millisecond. */
bool clock_parse_rfc3339(struct slice text, int64_t *unix_ms);

#endif
