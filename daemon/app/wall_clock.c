/* SPDX-License-Identifier: PostgreSQL */
#include "app/wall_clock.h"

#include "app/jobs.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum {
    /* Receivers may refuse an older or younger webhook-timestamp (Standard Webhooks 1.0). */
    WARN_MS = 5 * 60 * 1000,
};
/* A clock that leaps ahead so far was not set right, and no machine was asleep: half a year is more than either takes. */
#define LEAP_MS INT64_C(15552000000)
/* 2020-01-01, before this program was written: a clock that stands there has not been set since its battery died. */
#define LEAST_UNIX_MS INT64_C(1577836800000)

int64_t wall_clock_wrong_ms(const struct wall_clock *clock)
{
    const int64_t now_ms = clock_unix_ms();
    const int64_t leap_ms = now_ms - clock_monotonic_ms() - clock->ahead_ms;
    if (now_ms < LEAST_UNIX_MS)
        return now_ms - LEAST_UNIX_MS;
    return clock->ahead_ms != 0 && leap_ms > LEAP_MS ? leap_ms : 0;
}

enum wall_clock_turn wall_clock_compare(struct wall_clock *clock, int64_t off_ms)
{
    const bool apart = llabs(off_ms) > JOBS_CLOCK_OFF_MS;
    const int64_t wrong_ms = apart ? 0 : wall_clock_wrong_ms(clock); /* else that is said */
    const bool disagrees = llabs(off_ms) > WARN_MS || wrong_ms != 0, holds = apart || wrong_ms != 0;
    const bool held = clock->holds;
    if (disagrees != clock->disagrees || holds != held) {
        if (wrong_ms != 0)
            log_event(LOG_CLOCK_WRONG, log_int("ahead_s", wrong_ms / 1000));
        else if (disagrees)
            log_event(LOG_CLOCK_DISAGREES, log_int("ahead_s", off_ms / 1000),
                      log_text("work", holds ? "waits" : "goes on"));
        else
            log_event(LOG_CLOCK_AGREES);
    }
    clock->disagrees = disagrees;
    clock->holds = holds;
    if (holds == held)
        return WALL_CLOCK_AS_BEFORE;
    return holds ? WALL_CLOCK_LOST : WALL_CLOCK_FOUND;
}

void wall_clock_agreed(struct wall_clock *clock)
{
    clock->agreed_unix_s = clock_unix_ms() / 1000;
    clock->ahead_ms = clock_unix_ms() - clock_monotonic_ms();
}
