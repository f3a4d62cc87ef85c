/* SPDX-License-Identifier: PostgreSQL */
/* What the unit tests of io share: a loop, turning it until a condition holds, and raw sockets. */
#ifndef SHOUWANG_TESTS_UNIT_IO_FIXTURE_H
#define SHOUWANG_TESTS_UNIT_IO_FIXTURE_H

#include "base/clock.h"
#include "io/loop.h"

#include <check.h>

/* How long a test waits for what must come: the end of one that waits in vain, not a property of anything. */
enum { IO_PATIENCE_MS = 30000 };

struct loop *io_loop(void);
void io_turn(struct loop *loop); /* one turn of at most 20 ms */

/* Turns until the condition holds; fails the test after IO_PATIENCE_MS. */
#define io_turn_until(loop, condition)                                                                       \
    do {                                                                                                     \
        const int64_t give_up_ms = clock_monotonic_ms() + IO_PATIENCE_MS;                                    \
        while (!(condition)) {                                                                               \
            ck_assert_msg(clock_monotonic_ms() < give_up_ms, "never came: %s", #condition);                  \
            io_turn(loop);                                                                                   \
        }                                                                                                    \
    } while (0)

/* For what would end by a deadline if this process stood still for long enough: `held` is an expression over `ms`, which is
 * `first_ms` and, as long as that does not hold, twice and four and eight times as much. What the code does too early by its
 * own measure is so at every scale. */
#define io_unhurried(ms, first_ms, held)                                                                     \
    do {                                                                                                     \
        int64_t ms = (first_ms);                                                                             \
        while (!(held)) {                                                                                    \
            ck_assert_msg(ms < 8 * (first_ms), "never held: %s", #held);                                     \
            ms *= 2;                                                                                         \
        }                                                                                                    \
    } while (0)

#define io_ok(status, err) ck_assert_msg((status) == STATUS_OK, "%s", (err).text)

/* A new folder under /tmp with a short name (socket paths); io_remove_folder takes it away with what is in
 * it. */
char *io_make_folder(void);
void io_remove_folder(char *path);
/* folder/name in a static buffer of its own for each of the last four calls. */
const char *io_path(const char *folder, const char *name);

#endif
