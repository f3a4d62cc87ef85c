/* SPDX-License-Identifier: PostgreSQL */
/*
 * Jobs: the work that reads much and writes: looking through the drop directory, and rounds. One at a time, in the order
 * in which they were asked for, each whole on a worker with connections of its own.
 *
 *     order ─► waiting ─► running (worker) ─► ended (loop) ─► the asker and the watcher are told
 *
 * Invariants
 * 1. At most one job runs. A round looks through the drop directory first, so it sees what lies there.
 * 2. Each accepted order gets exactly one `done`, unless its asker has left (job_leave).
 * 3. A job works with the settings that were current when it began to run.
 * 4. Jobs run only while this daemon leads (app/leader.h), and carry its token into every transaction that writes: what a
 *    job begins under a leadership that has ended meanwhile is refused by the database.
 *
 * Threading: the loop's thread, all of it.
 */
#ifndef SHOUWANG_APP_JOBS_H
#define SHOUWANG_APP_JOBS_H

#include "base/civil.h"
#include "base/status.h"
#include "domain/fact.h"
#include "io/loop.h"
#include "round/round.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct jobs;
struct settings;
struct workers;

enum { JOBS_WAITING_MAX = 16 }; /* more orders than that wait for nothing that operators want */

/* No job runs while our clock and the database's are further apart: it would judge by a wrong date. */
#define JOBS_CLOCK_OFF_MS INT64_C(86400000)

enum job_kind { JOB_SCAN, JOB_ROUND };
const char *job_kind_name(enum job_kind kind); /* "scan", "round" */

/* What is wanted. Texts are copied. */
struct job_order {
    enum job_kind kind;
    const char *actor; /* "daemon" or the operator's account */
    /* of a round */
    const char *cause; /* "schedule", "operator", "once" */
    day_t as_of;       /* DAY_NONE = the day on which it begins */
    bool dry_run, full;
    int64_t accept_round; /* 0 = none */
    const char *accept_reason;
};

/* What a look through the drop directory found. */
struct job_scan {
    bool done; /* reached its end */
    int64_t accepted, refused, archived, waiting;
    int64_t rows, rows_quarantined, facts_stored;
};

/* How a job ended; valid during the call. */
struct job_end {
    const struct job_order *order;
    enum status status;
    const struct error *err; /* unless STATUS_OK */
    const struct job_scan *scan;
    const struct error *scan_err;      /* a round's scan failed (the round went on): why; else NULL */
    const struct round_report *report; /* of a round that ended with STATUS_OK, else NULL */
    const char *report_json;           /* of the same, one line; NULL when there was no memory */
    int64_t ran_ms;
};

struct job_events {
    void (*progress)(void *ctx, const char *stage); /* "scan", "round"; NULL is allowed */
    void (*done)(void *ctx, const struct job_end *end);
};

/* Told of the end of every job, before its asker. */
typedef void jobs_watch_fn(void *ctx, const struct job_end *end);

/* Per feed, since the start of the process. */
struct jobs_feed_counts {
    uint64_t accepted, refused;
    uint64_t rows, rows_quarantined;
};

struct jobs_counts {
    uint64_t scans, scans_failed;
    uint64_t rounds_committed, rounds_held, rounds_failed, rounds_dry;
    uint64_t raised, escalated, deescalated, cleared;
    struct jobs_feed_counts feeds[SOURCE_NUMBER_MAX + 1]; /* by number of the source */
};

/* How work that is done again and again went wrong the last time. */
struct jobs_failure {
    int64_t unix_ms; /* 0 = it did not, or was not done yet */
    char text[ERROR_TEXT_MAX];
};

/* Holds the settings. */
enum status jobs_new(struct jobs **jobs, struct loop *loop, struct workers *workers,
                     struct settings *settings, jobs_watch_fn *watch, void *ctx,
                     struct error *err) WARN_UNUSED;
/* After the workers have ended. NULL is allowed. */
void jobs_free(struct jobs *jobs);
/* For jobs that begin from now on. */
void jobs_set_settings(struct jobs *jobs, struct settings *settings);

/* This daemon leads: jobs run, under this token. */
void jobs_lead(struct jobs *jobs, int64_t leader);
/* It does not lead, or must suppose so: the running job is cancelled, waiting ones are ended, none is taken: all with
 * STATUS_RETRY. So it begins. */
void jobs_stand_by(struct jobs *jobs);

/* STATUS_RETRY: too many wait, we do not lead, or we are stopping. *job (NULL is allowed) is valid until done. */
enum status jobs_order(struct jobs *jobs, const struct job_order *order, const struct job_events *events,
                       void *ctx, struct job **job, struct error *err) WARN_UNUSED;
/* Its asker has gone: no more events for it. The job goes on, but for a dry run, which nobody would see. */
void job_leave(struct job *job);

bool jobs_idle(const struct jobs *jobs);
const char *jobs_running(const struct jobs *jobs); /* name of the kind that runs, "" = none */
size_t jobs_waiting(const struct jobs *jobs);
/* Takes no orders any more, ends the waiting ones and cancels the running one: all with STATUS_RETRY. */
void jobs_stop(struct jobs *jobs);
const struct jobs_counts *jobs_counts(const struct jobs *jobs);
/* Of the newest scan, a round's own included, or of the newest round, but for dry runs and for what was refused to an operator,
 * who was told. Forgotten with the process. */
const struct jobs_failure *jobs_failure(const struct jobs *jobs, enum job_kind kind);

#endif
