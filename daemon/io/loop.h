/* SPDX-License-Identifier: PostgreSQL */
/*
 * The event loop: timers, file descriptors, signals, and the two queues "at the end of this turn" and "from
 * another thread". The only user of libevent.
 *
 * One turn: wait for file descriptors and signals (at most until the next timer) and call back for those that
 * are ready; then the timers that are due; then what other threads posted; then what was deferred. Then the
 * turn counter rises.
 *
 * Invariants
 * 1. All callbacks run on the thread that calls loop_run; every function belongs to that thread but loop_post
 * and loop_turns. Signals arrive as ordinary callbacks.
 * 2. Timers are monotonic. A timer never runs early, and one that is armed with 0 from a callback runs in the
 * next turn, so that it cannot starve file descriptors.
 * 3. Arming, cancelling, deferring and posting allocate nothing and cannot fail; their memory is in the
 * object itself.
 * 4. A callback may free or re-arm its own timer, watch or signal. It must not free an object that others may
 * still touch in this turn: it defers that (loop_defer).
 *
 * Ownership: _new gives an object to the caller, who frees it before the loop. Tasks are embedded in the
 * caller's object.
 */
#ifndef SHOUWANG_IO_LOOP_H
#define SHOUWANG_IO_LOOP_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct loop;
struct loop_timer;
struct loop_watch;
struct loop_signal;

typedef void loop_fn(void *ctx);

/* Also makes the process ignore SIGPIPE: a closed peer is an error of the write, not the end of the daemon.
 */
enum status loop_new(struct loop **loop, struct error *err) WARN_UNUSED;
/* Runs what is still posted or deferred, then frees. NULL is allowed. */
void loop_free(struct loop *loop);

/* Turns until loop_stop. STATUS_FATAL when the kernel's wait fails. */
enum status loop_run(struct loop *loop, struct error *err) WARN_UNUSED;
/* Makes loop_run return at the end of this turn; called before loop_run, it ends the first turn. */
void loop_stop(struct loop *loop);
/* One turn that waits for at most max_wait_ms (0 = does not wait, < 0 = no bound of its own). For tests and
 * for draining. Not from a callback. */
enum status loop_turn(struct loop *loop, int64_t max_wait_ms, struct error *err) WARN_UNUSED;
/* How many turns have ended: the sign of life for the watchdog and /livez. Any thread. */
uint64_t loop_turns(const struct loop *loop);

/* Timers. One-shot; arm again from the callback for a period. NULL when memory has run out. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *ctx);
/* Due delay_ms from now (below 0 counts as 0); replaces an earlier arming. */
void loop_timer_arm(struct loop_timer *timer, int64_t delay_ms);
/* Due at a monotonic time (clock_monotonic_ms). */
void loop_timer_arm_at(struct loop_timer *timer, int64_t due_ms);
void loop_timer_cancel(struct loop_timer *timer);
bool loop_timer_armed(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* cancels; NULL is allowed */

/* File descriptors, level-triggered. */
enum loop_ready { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_watch_fn(void *ctx,
                           unsigned ready); /* a set of enum loop_ready; an error or hang-up shows as ready */
/* Watches nothing until loop_watch_set. Does not own the descriptor. NULL when memory has run out. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn, void *ctx);
/* Which readiness to wait for (a set of enum loop_ready, 0 = none, which cannot fail). STATUS_RETRY: the
 * kernel refused. */
enum status loop_watch_set(struct loop_watch *watch, unsigned ready, struct error *err) WARN_UNUSED;
void loop_watch_pause(struct loop_watch *watch); /* = set to 0 */
/* Before the descriptor is closed. NULL is allowed. */
void loop_watch_free(struct loop_watch *watch);

/* Signals (TERM, INT, HUP, USR1), delivered as a callback in a turn; several may be merged into one. One loop
 * per process. */
enum status loop_signal_new(struct loop_signal **handle, struct loop *loop, int signal_number, loop_fn *fn,
                            void *ctx, struct error *err) WARN_UNUSED;
void loop_signal_free(struct loop_signal *handle); /* gives the default action back; NULL is allowed */

/*
 * A task is embedded in the caller's object, zeroed but for run and ctx. It is in at most one queue; queueing
 * it again while it waits does nothing. When run is called, the task is out of the queue and may be queued
 * again or freed.
 */
struct loop_task {
    loop_fn *run;
    void *ctx;
    /* private */
    int queued;
    TAILQ_ENTRY(loop_task) link;
};

/* Runs at the end of this turn (or of the next one, if called outside of a turn or by a deferred task). */
void loop_defer(struct loop *loop, struct loop_task *task);
/* Wakes the loop and runs in a turn. Any thread; the only function here that takes a lock. */
void loop_post(struct loop *loop, struct loop_task *task);
/* Takes a waiting task out of its queue; does nothing for one that does not wait. */
void loop_task_cancel(struct loop *loop, struct loop_task *task);

#endif
