/* SPDX-License-Identifier: PostgreSQL */
/*
 * A small pool of worker threads for work on memory (decode, evaluate) and on connections that are handed
 * over whole (a round's bulk pulls). A job's run function is called on a worker, then its done function on
 * the loop's thread.
 *
 * Invariants
 * 1. Each job that was submitted gets exactly one call of done, whether it ran, was cancelled before it ran,
 * or the pool was freed.
 * 2. Between submit and done the job and what it points to belong to the worker; the loop's thread may only
 * cancel.
 * 3. Workers block all signals, and touch the loop through loop_post alone.
 */
#ifndef SHOUWANG_IO_WORKERS_H
#define SHOUWANG_IO_WORKERS_H

#include "base/status.h"
#include "io/loop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct workers;
struct workers_job;

typedef void workers_run_fn(struct workers_job *job); /* on a worker */
typedef void workers_done_fn(struct workers_job *job,
                             bool did_run); /* on the loop's thread; may free the job */

/* Embedded in the caller's object, zeroed but for the first three. May be submitted again once done was
 * called. */
struct workers_job {
    workers_run_fn *run;
    workers_done_fn *done;
    void *ctx;
    /* private */
    atomic_bool cancelled;
    bool did_run;
    TAILQ_ENTRY(workers_job) link;
};

/* thread_count 1–64; queue_max is the number of jobs that may wait for a worker (running ones are not
 * counted). */
enum status workers_new(struct workers **workers, struct loop *loop, unsigned thread_count, size_t queue_max,
                        struct error *err) WARN_UNUSED;
/*
 * Cancels every job, waits for those that run (so long as they take to notice), and calls done for all of
 * them before it returns. Not from a run or done function. NULL is allowed.
 */
void workers_free(struct workers *workers);

/* STATUS_RETRY when the queue is full: nothing is kept then, and done is not called. */
enum status workers_submit(struct workers *workers, struct workers_job *job, struct error *err) WARN_UNUSED;
/* Asks a job to end early; done is still called. A job that waits will not run. Loop's thread, until done was
 * called. */
void workers_job_cancel(struct workers_job *job);
/* A long run function polls this, about every millisecond of work, and returns when it is true. Any thread.
 */
bool workers_job_cancelled(const struct workers_job *job);

#endif
