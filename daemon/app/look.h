/* SPDX-License-Identifier: PostgreSQL */
/*
 * One look at the database, as a worker takes it: connect, see whether the schema is ours, do what only the leader does, write
 * operators' acts, read the figures. When it is due and what follows from it is app/database.h's.
 *
 * Ownership: between workers_submit and done the look is the worker's alone, but for `cancel`; otherwise the loop's. What it
 * has found is whoever takes it over (and sets it to NULL).
 */
#ifndef SHOUWANG_APP_LOOK_H
#define SHOUWANG_APP_LOOK_H

#include "api/facts.h"
#include "app/database.h"
#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct pg;
struct settings;

/* An operator's act that waits to be written to the audit. */
struct look_act {
    char *actor, *action, *detail;
    TAILQ_ENTRY(look_act) link;
};
TAILQ_HEAD(look_acts, look_act);

struct look {
    /* What is asked. */
    struct settings *settings;
    int64_t leader; /* the leadership's token; 0 = this daemon does not lead, or turned out to have lost it */
    bool makes_endpoints;             /* the configured endpoints' rows */
    bool clears;                      /* up after the leader before */
    struct look_acts acts;            /* those that could not be written stay */
    int64_t last_import, last_judged; /* of which look_count counts: an import, a round */
    atomic_bool cancel;               /* by any thread: ends what the server is asked */

    /* What was found. */
    enum database_state state;
    struct error err; /* why it is not DATABASE_UP */
    bool connected;   /* anew: perhaps to another server, whose numbers mean something else */
    struct api_facts *facts;
    struct api_counts *counts;
    size_t acts_written;
    int64_t leftovers, recalled;    /* cleared up: rounds that ran, attempts that were under way */
    int64_t last_scheduled_unix_ms; /* by the database's clock; 0 = none. Only if it cleared up */
    int64_t clock_off_ms;           /* how far our clock is ahead of the database's */

    struct pg *pg; /* kept from look to look */
};

void look_run(struct look *look);
/* What the register and all cases amount to; without success `counts` stays NULL. */
void look_count(struct look *look);
void look_close(struct look *look); /* its connection */

/* Copies the texts. NULL when memory has run out. */
struct look_act *look_act_new(const char *actor, const char *action, const char *detail_json);
void look_act_free(struct look_act *act); /* NULL is allowed */

#endif
