/* SPDX-License-Identifier: PostgreSQL */
#include "config.h" /* strdup */

#include "app/look.h"

#include "app/settings.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "io/pg.h"
#include "store/arrival.h"
#include "store/lease.h"
#include "store/migrate.h"
#include "store/outbox.h"
#include "store/round_store.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

/* The figures take milliseconds; a server that needs longer is as good as away. */
enum { CALL_TIMEOUT_MS = 10000 };

struct look_act *look_act_new(const char *actor, const char *action, const char *detail_json)
{
    struct look_act *act = calloc(1, sizeof *act);
    if (!act)
        return 0;
    act->actor = strdup(actor);
    act->action = strdup(action);
    act->detail = strdup(detail_json);
    if (act->actor && act->action && act->detail)
        return act;
    look_act_free(act);
    return 0;
}

void look_act_free(struct look_act *act)
{
    if (!act)
        return;
    free(act->actor);
    free(act->action);
    free(act->detail);
    free(act);
}

static enum status make_endpoints(struct look *look, struct error *err)
{
    const struct townships *townships = &look->settings->townships;
    int64_t codes[TOWNSHIPS_MAX];
    size_t count = 0;
    for (; count < townships->count && count < TOWNSHIPS_MAX; count++)
        codes[count] = townships->endpoints[count].code;
    return outbox_ensure_endpoints(look->pg, codes, count, err);
}

/* Before anything of ours runs. */
static enum status clear_up(struct look *look, struct error *err)
{
    enum status status = round_fail_leftovers(look->pg, &look->leftovers, err);
    KILL_POINT("start.leftovers_failed");
    return status == STATUS_OK ? outbox_recall(look->pg, &look->recalled, err) : status;
}

/* What only the leader writes, in one transaction. */
static enum status lead(struct look *look, struct error *err)
{
    if (look->leader == 0 || !(look->clears || look->makes_endpoints))
        return STATUS_OK;
    enum status status = lease_begin(look->pg, look->leader, err);
    KILL_POINT("start.lease_checked");
    if (status == STATUS_OK && look->makes_endpoints)
        status = make_endpoints(look, err);
    KILL_POINT("start.endpoints_made");
    if (status == STATUS_OK && look->clears)
        status = clear_up(look, err);
    if (status == STATUS_OK)
        status = pg_commit(look->pg, err);
    KILL_POINT("start.cleared");
    pg_rollback(look->pg);
    if (status != STATUS_OK && strcmp(pg_sqlstate(look->pg), "SW001") == 0) {
        look->leader = 0; /* the leadership was lost since the look began: it only looks */
        look->clears = false;
        return STATUS_OK;
    }
    return status;
}

static enum status write_acts(struct look *look, struct error *err)
{
    for (struct look_act *act; (act = TAILQ_FIRST(&look->acts));) {
        KILL_POINT("audit.before_act");
        enum status status = arrival_audit(look->pg, act->actor, act->action, act->detail, err);
        KILL_POINT("audit.act_written");
        if (status != STATUS_OK)
            return status;
        TAILQ_REMOVE(&look->acts, act, link);
        look_act_free(act);
        look->acts_written++;
    }
    return STATUS_OK;
}

static enum status connect_to(struct look *look, struct error *err)
{
    const struct options *options = look->settings->options;
    if (look->pg && !pg_is_broken(look->pg))
        return STATUS_OK;
    look_close(look);
    enum status status = pg_connect(options->database_conninfo, "shouwangd-status",
                                    (int)options->database_connect_timeout, &look->pg, err);
    if (status == STATUS_OK) {
        pg_set_call_timeout(look->pg, CALL_TIMEOUT_MS);
        pg_set_cancel(look->pg, &look->cancel);
        look->connected = true;
    }
    return status;
}

/* What the steps find decides the state: a server that cannot be reached is DOWN, a schema that is not ours MISFIT. */
void look_run(struct look *look)
{
    const struct settings *settings = look->settings;
    struct error *err = &look->err;
    look->state = DATABASE_DOWN;
    if (connect_to(look, err) != STATUS_OK)
        return;
    if (session_check_writable(look->pg, err) != STATUS_OK) {
        look_close(look); /* conninfo may name another server beside this one */
        return;
    }
    enum status status = migrate_check(look->pg, settings->dictionary, settings->county_sources,
                                       settings->county_source_count, err);
    if (status == STATUS_CONFIG)
        look->state = DATABASE_MISFIT;
    if (status == STATUS_OK)
        status = lead(look, err);
    if (status == STATUS_OK && look->clears)
        status = round_last_scheduled(look->pg, &look->last_scheduled_unix_ms, err);
    if (status == STATUS_OK)
        status = write_acts(look, err);
    if (status == STATUS_OK)
        status = session_clock_off(look->pg, &look->clock_off_ms, err);
    if (status == STATUS_OK)
        status = api_facts_read(look->pg, &look->facts, err);
    if (status == STATUS_OK)
        look->state = DATABASE_UP;
}

/* What could not be counted is counted with the next look, which also tells if the database is away. */
void look_count(struct look *look)
{
    struct error err;
    if (api_counts_read(look->pg, look->last_import, look->last_judged, &look->counts, &err) != STATUS_OK &&
        !atomic_load(&look->cancel))
        log_event(LOG_DATABASE_NOT_COUNTED, log_error(&err));
}

void look_close(struct look *look)
{
    pg_close(look->pg);
    look->pg = 0;
}
