/* SPDX-License-Identifier: PostgreSQL */
/* What the parts of the daemon share: daemon.c (its life), reload.c (its settings), verbs.c and verb_status.c (operators' orders), view.c
 * (what it shows). */
#ifndef SHOUWANG_APP_DAEMON_STATE_H
#define SHOUWANG_APP_DAEMON_STATE_H

#include "api/server.h"
#include "app/control.h"
#include "app/daemon.h"
#include "app/database.h"
#include "app/jobs.h"
#include "app/leader.h"
#include "app/schedule.h"
#include "app/settings.h"
#include "app/wall_clock.h"
#include "delivery/delivery.h"
#include "io/loop.h"
#include "io/workers.h"

#include <stdbool.h>
#include <stdint.h>

enum { DAEMON_SIGNALS = 4, DAEMON_ADDRESS_MAX = 128 };

struct daemon {
    const struct daemon_arguments *arguments;
    struct loop *loop;
    struct workers *workers;
    struct settings *settings;
    struct control *control;
    struct api_server *api; /* NULL: [http] listen = off, or --once */
    struct jobs *jobs;
    struct database *database;
    struct leader *leader;
    struct delivery *delivery;
    struct schedule *schedule;
    struct loop_timer *scan_timer, *watchdog_timer, *drain_timer;
    struct loop_signal *signals[DAEMON_SIGNALS];

    struct wall_clock clock;

    int64_t started_unix_ms;
    int64_t settings_loaded_unix_ms;
    bool settings_failed; /* the last reload was refused */
    bool ready;
    bool stopping, delivery_drained, leaving;
    int exit_code;
    char http_address[DAEMON_ADDRESS_MAX];        /* "" = none */
    struct api_feed feeds[SOURCE_NUMBER_MAX + 1]; /* what was shown last: of daemon_view() */
    struct error waits;                           /* likewise */
};

/* The settings of a process that begins; mistakes go to stderr, as events of the log where that leads to the journal. EX_OK, or
 * the exit status. */
int daemon_load_settings(const char *conf, struct settings **settings);
/* What is said of the policy: hardly meant, but no mistake. */
void daemon_log_findings(const struct settings *settings);
/* Borrows from the settings. */
struct delivery_settings daemon_delivery_settings(const struct settings *settings);
/* Builds new settings and takes them into use; any error keeps the old whole. All mistakes go to `mistakes`. */
enum status daemon_reload(struct daemon *daemon, struct mistakes *mistakes, struct error *err) WARN_UNUSED;
/* What `systemctl status` shows. */
void daemon_tell_status(const struct daemon *daemon);
/* Begins to drain; the exit status is the first that was given. */
void daemon_stop(struct daemon *daemon, int exit_code);
/* STATUS_RETRY, with the reason, unless rounds and scans can run now. */
enum status daemon_can_work(const struct daemon *daemon, struct error *err) WARN_UNUSED;

/* Everything that can be seen. */
void daemon_view(void *daemon, struct api_view *view);

/* The order `status`. */
void daemon_begin_status(void *daemon, struct control_request *request);
extern const struct control_verb daemon_verbs[];

#endif
