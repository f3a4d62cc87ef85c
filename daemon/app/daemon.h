/* SPDX-License-Identifier: PostgreSQL */
/*
 * The daemon's life.
 *
 *     settings → log → control socket (only one daemon may have it) → pages → watch over the database
 *         first look:   schema is not ours ─► ends with 78, naming `shouwangctl migrate`
 *                       database is away   ─► READY all the same; /readyz says why; looked at again with back-off
 *                       database is up     ─► READY; a round that was missed, a scan, delivery
 *     STANDBY or LEADING (leader.h): a standby answers its pages and status, and takes over within the lease's duration
 *     RUNNING ── SIGHUP, reload ─► new settings whole, or the old ones whole
 *     RUNNING ── SIGTERM, SIGINT ─► DRAINING: no new work, the running job is cancelled, attempts in flight end
 *     DRAINING ── all ended ─► the lease is given back ─► ends with 0; after DRAIN_MS it ends without all that
 *
 * The loop's thread owns everything. Jobs and looks at the database go to workers whole (jobs.h, database.h).
 */
#ifndef SHOUWANG_APP_DAEMON_H
#define SHOUWANG_APP_DAEMON_H

#include <stdbool.h>

struct daemon_arguments {
    const char *conf;
    bool log_to_stderr; /* -f: even if [log] file is set */
    bool once;          /* take in what lies there, one round, deliver what is due, end */
};

/* Runs until it is told to end; the process's exit status (sysexits). */
int daemon_run(const struct daemon_arguments *arguments);

/* --check-config: prints every mistake; 0 or 78. */
int daemon_check_config(const char *conf);

#endif
