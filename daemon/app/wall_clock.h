/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whether this machine's wall clock can be believed.
 *
 * Terms, leases and retries are by the database's clock, timers by the monotonic one. By our wall clock go the date that
 * a round judges by, and the time stamp of webhooks: when the two clocks are a day apart, nobody knows which is right, and
 * everything waits until somebody has set one. When both have leapt ahead together, as on one machine, everything waits until
 * they are back, or we are started again: whoever does that has looked.
 *
 * A value of its owner's, zero at the start. Units are in the names; "unix" is the wall clock's. Threading: its owner's.
 */
#ifndef SHOUWANG_APP_WALL_CLOCK_H
#define SHOUWANG_APP_WALL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct wall_clock {
    bool disagrees;        /* with the database's, by minutes; or is wrong */
    bool holds;            /* work up: it disagrees by more than a day, or is wrong */
    int64_t agreed_unix_s; /* when it last did not hold work up; 0 = never */
    int64_t ahead_ms;      /* of the monotonic one, when it last agreed; 0 = never did */
};

enum wall_clock_turn {
    WALL_CLOCK_AS_BEFORE,
    WALL_CLOCK_LOST,  /* holds work up from now on */
    WALL_CLOCK_FOUND, /* no longer does; agreed_unix_s still says since when it had */
};

/*
 * By how much it is wrong as far as one can tell who has no other: ahead, since it last agreed with the database's (which may
 * have leapt with it); or, below 0, behind the day on which this program was written. 0 = not.
 */
int64_t wall_clock_wrong_ms(const struct wall_clock *clock);
/* off_ms: how far it is ahead of the database's. Says to the log what has changed. */
enum wall_clock_turn wall_clock_compare(struct wall_clock *clock, int64_t off_ms);
/* After a comparison that left it holding nothing up: this is how the clocks stand when all is well. */
void wall_clock_agreed(struct wall_clock *clock);

#endif
