/* SPDX-License-Identifier: PostgreSQL */
#include "app/schedule.h"

#include "base/clock.h"

#include <stdlib.h>

enum { LOOK_AGAIN_MS = 60000 };

struct schedule {
    struct loop_timer *timer;
    loop_fn *due;
    void *ctx;
    struct option_schedule calendar;
    int64_t next_unix_s; /* of the calendar; 0 = none */
    int64_t retry_at_ms; /* monotonic; 0 = none */
};

bool schedule_missed(const struct option_schedule *calendar, int64_t last_unix_s, int64_t now_unix_s)
{
    if (!calendar->is_set || last_unix_s <= 0)
        return false;
    int64_t next = calendar_next(&calendar->calendar, last_unix_s);
    return next > 0 && next <= now_unix_s;
}

int64_t schedule_next_unix_s(const struct schedule *schedule)
{
    int64_t next = schedule->next_unix_s;
    if (schedule->retry_at_ms == 0)
        return next;
    int64_t retry = (clock_unix_ms() + schedule->retry_at_ms - clock_monotonic_ms()) / 1000;
    return next == 0 || retry < next ? retry : next;
}

static int64_t calendar_after(const struct schedule *schedule, int64_t unix_s)
{
    int64_t next = schedule->calendar.is_set ? calendar_next(&schedule->calendar.calendar, unix_s) : 0;
    return next > 0 ? next : 0;
}

/* To the millisecond: whole seconds would be over before a retry is due, and the loop would spin for the rest of one. */
static void arm(struct schedule *schedule)
{
    int64_t calendar_ms =
        schedule->next_unix_s > 0 ? schedule->next_unix_s * 1000 - clock_unix_ms() : LOOK_AGAIN_MS;
    int64_t retry_ms =
        schedule->retry_at_ms > 0 ? schedule->retry_at_ms - clock_monotonic_ms() : LOOK_AGAIN_MS;
    int64_t delay_ms = calendar_ms < retry_ms ? calendar_ms : retry_ms;
    if (schedule->next_unix_s == 0 && schedule->retry_at_ms == 0)
        loop_timer_cancel(schedule->timer);
    else
        loop_timer_arm(schedule->timer, delay_ms < LOOK_AGAIN_MS ? delay_ms : LOOK_AGAIN_MS);
}

static void on_timer(void *ctx)
{
    struct schedule *schedule = ctx;
    int64_t now = clock_unix_ms() / 1000;
    int64_t next = calendar_after(schedule, now);
    bool is_due = (schedule->next_unix_s > 0 && now >= schedule->next_unix_s) ||
                  (schedule->retry_at_ms > 0 && clock_monotonic_ms() >= schedule->retry_at_ms);
    /* A clock that was set back must not keep the calendar waiting for a day that is far off. */
    if (is_due || (next > 0 && next < schedule->next_unix_s))
        schedule->next_unix_s = next;
    if (is_due)
        schedule->retry_at_ms = 0;
    arm(schedule);
    if (is_due)
        schedule->due(schedule->ctx);
}

struct schedule *schedule_new(struct loop *loop, loop_fn *due, void *ctx)
{
    struct schedule *schedule = calloc(1, sizeof *schedule);
    if (!schedule)
        return 0;
    *schedule = (struct schedule){.due = due, .ctx = ctx, .timer = loop_timer_new(loop, on_timer, schedule)};
    if (!schedule->timer) {
        free(schedule);
        return 0;
    }
    return schedule;
}

void schedule_free(struct schedule *schedule)
{
    if (!schedule)
        return;
    loop_timer_free(schedule->timer);
    free(schedule);
}

void schedule_set(struct schedule *schedule, const struct option_schedule *calendar)
{
    schedule->calendar = *calendar;
    schedule->next_unix_s = calendar_after(schedule, clock_unix_ms() / 1000);
    schedule->retry_at_ms = 0;
    arm(schedule);
}

void schedule_catch_up(struct schedule *schedule, int64_t last_unix_s)
{
    if (schedule_missed(&schedule->calendar, last_unix_s, clock_unix_ms() / 1000))
        schedule_retry(schedule, 0);
}

void schedule_retry(struct schedule *schedule, int64_t delay_ms)
{
    schedule->retry_at_ms = clock_monotonic_ms() + delay_ms;
    arm(schedule);
}

void schedule_stop(struct schedule *schedule)
{
    schedule->calendar.is_set = false;
    schedule->next_unix_s = schedule->retry_at_ms = 0;
    loop_timer_cancel(schedule->timer);
}
