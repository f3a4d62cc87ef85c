/* SPDX-License-Identifier: PostgreSQL */
/*
 * When the next round is due by the calendar. The calendar is of wall time, timers are monotonic: the clock is looked at
 * again every minute, so that a clock that was set, or a machine that slept, neither loses a round nor runs one twice.
 * Retries are of monotonic time.
 *
 * Threading: the loop's thread.
 */
#ifndef SHOUWANG_APP_SCHEDULE_H
#define SHOUWANG_APP_SCHEDULE_H

#include "app/option_values.h"
#include "base/status.h"
#include "io/loop.h"

#include <stdint.h>

struct schedule;

/* NULL when memory has run out. Nothing is scheduled yet. */
struct schedule *schedule_new(struct loop *loop, loop_fn *due, void *ctx);
void schedule_free(struct schedule *schedule); /* NULL is allowed */
void schedule_set(struct schedule *schedule, const struct option_schedule *calendar);
/* Due at once if the calendar had a time between the last round (Unix seconds) and now: the daemon was down then. */
void schedule_catch_up(struct schedule *schedule, int64_t last_unix_s);
/* Due once more after this time, unless the calendar's next comes first: the last round failed for a passing reason. */
void schedule_retry(struct schedule *schedule, int64_t delay_ms);
void schedule_stop(struct schedule *schedule);
/* Unix seconds; 0 = none. */
int64_t schedule_next_unix_s(const struct schedule *schedule);

/* Whether the calendar has a time after last and not after now. */
bool schedule_missed(const struct option_schedule *calendar, int64_t last_unix_s, int64_t now_unix_s);

#endif
