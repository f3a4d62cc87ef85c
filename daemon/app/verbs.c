/* SPDX-License-Identifier: PostgreSQL */
/* The orders that operators can give over the control socket: the table, and what each does (docs/control.md). status has a file of its
 * own, verb_status.c. */
#include "app/daemon_state.h"

#include "base/kill_point.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* --- jobs ----------------------------------------------------------------------------------------------------- */

static void on_stage(void *ctx, const char *stage)
{
    control_progress(ctx, stage);
}

static json_t *scan_json(const struct job_scan *scan)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "accepted", (json_int_t)scan->accepted, "refused",
                     (json_int_t)scan->refused, "archived", (json_int_t)scan->archived, "waiting",
                     (json_int_t)scan->waiting, "rows", (json_int_t)scan->rows, "rows_quarantined",
                     (json_int_t)scan->rows_quarantined, "facts_stored", (json_int_t)scan->facts_stored);
}

static void on_job_done(void *ctx, const struct job_end *end)
{
    struct control_request *request = ctx;
    if (end->err)
        control_fail_error(request, end->err);
    else if (end->report)
        control_succeed_text(request, end->report_json);
    else
        control_succeed(request, scan_json(end->scan));
}

static void leave_job(void *ctx)
{
    job_leave(ctx);
}

/* Without wait, the answer says only that the order was taken. */
static void order_job(struct daemon *daemon, struct control_request *request, const struct job_order *order,
                      bool wait)
{
    static const struct job_events events = {.progress = on_stage, .done = on_job_done};
    struct job *job = 0;
    struct error err;
    enum status status = daemon_can_work(daemon, &err);
    if (status == STATUS_OK)
        status = jobs_order(daemon->jobs, order, wait ? &events : 0, request, &job, &err);
    if (status != STATUS_OK)
        control_fail_error(request, &err);
    else if (wait)
        control_on_leave(request, leave_job, job);
    else
        control_succeed(request, json_pack("{s:b}", "ordered", 1));
}

static void begin_scan(void *ctx, struct control_request *request)
{
    struct job_order order = {.kind = JOB_SCAN, .actor = control_actor(request), .as_of = DAY_NONE};
    order_job(ctx, request, &order, control_flag(request, "wait"));
}

static void begin_round(void *ctx, struct control_request *request)
{
    struct job_order order = {
        .kind = JOB_ROUND,
        .cause = "operator",
        .actor = control_actor(request),
        .as_of = control_date(request, "as_of"),
        .dry_run = control_flag(request, "dry_run"),
        .full = control_flag(request, "full"),
    };
    order_job(ctx, request, &order, control_flag(request, "wait") || order.dry_run);
}

static void begin_accept(void *ctx, struct control_request *request)
{
    struct job_order order = {
        .kind = JOB_ROUND,
        .cause = "operator",
        .actor = control_actor(request),
        .as_of = DAY_NONE,
        .accept_round = control_number(request, "id"),
        .accept_reason = control_text(request, "reason"),
    };
    order_job(ctx, request, &order, true);
}

/* --- configuration and log ------------------------------------------------------------------------------------ */

/* An answer that waits until its act stands in the audit: were we killed in between, the act would be known to nobody but
 * the operator, who was told that it is done. */
struct act_wait {
    struct database_waiter waiter;
    struct daemon *daemon;
    struct control_request *request;
    json_t *result;
    int looks;
};
enum {
    ACT_LOOKS = 4
}; /* one may be under way; the act is kept, and is written later, if that is not enough */

static void act_seen(void *ctx)
{
    struct act_wait *wait = ctx;
    struct daemon *daemon = wait->daemon;
    bool away = daemon->stopping || database_state(daemon->database) != DATABASE_UP;
    if (!away && database_has_acts(daemon->database) && wait->looks++ < ACT_LOOKS) {
        database_wait(daemon->database, &wait->waiter, 0);
        return;
    }
    control_succeed(wait->request, wait->result);
    free(wait);
}

static void act_leave(void *ctx)
{
    struct act_wait *wait = ctx;
    database_wait_cancel(wait->daemon->database, &wait->waiter);
    json_decref(wait->result);
    free(wait);
}

/* Notes what was done, then answers. */
static void answer_act(struct daemon *daemon, struct control_request *request, const char *action,
                       json_t *detail, json_t *result)
{
    char *text = detail ? json_dumps(detail, JSON_COMPACT) : 0;
    struct act_wait *wait = calloc(1, sizeof *wait);
    database_note_act(daemon->database, control_actor(request), action, text ? text : "{}");
    free(text);
    json_decref(detail);
    if (!wait) {
        control_succeed(request, result);
        return;
    }
    *wait = (struct act_wait){.daemon = daemon, .request = request, .result = result};
    wait->waiter = (struct database_waiter){.seen = act_seen, .ctx = wait};
    control_on_leave(request, act_leave, wait);
    database_wait(daemon->database, &wait->waiter, 0);
}

static void begin_reload(void *ctx, struct control_request *request)
{
    struct daemon *daemon = ctx;
    struct mistakes mistakes;
    struct error err;
    mistakes_init(&mistakes);
    enum status status = daemon_reload(daemon, &mistakes, &err);
    KILL_POINT("reload.done");
    if (status == STATUS_OK)
        answer_act(daemon, request, "daemon.reload",
                   json_pack("{s:s}", "policy_hash", daemon->settings->policy_hash),
                   json_pack("{s:{s:s,s:s,s:s},s:I}", "policy", "name", policy_name(daemon->settings->policy),
                             "version", policy_version(daemon->settings->policy), "hash",
                             daemon->settings->policy_hash, "townships",
                             (json_int_t)daemon->settings->townships.count));
    else if (mistakes.count > 0 && mistakes.lines.bytes)
        control_fail(request, status_exit_code(status), mistakes.lines.bytes);
    else
        control_fail_error(request, &err);
    mistakes_fini(&mistakes);
}

/* Until the next reload or restart; the file is not changed. */
static void begin_log_level(void *ctx, struct control_request *request)
{
    const char *word = control_text(request, "level");
    int level = option_level_parse(slice_of(word));
    if (level < 0) {
        control_fail(request, EX_USAGE, "level must be debug, info, notice, warn, error or alert");
        return;
    }
    log_set_level((enum log_level)level);
    log_event(LOG_LOG_LEVEL, log_text("to", word), log_text("operator", control_actor(request)));
    answer_act(ctx, request, "daemon.log_level", json_pack("{s:s}", "level", word),
               json_pack("{s:s}", "level", word));
}

/* --- endpoint test -------------------------------------------------------------------------------------------- */

struct test_wait {
    struct control_request *request; /* NULL: the asker has gone */
};

static void test_leave(void *ctx)
{
    struct test_wait *wait = ctx;
    wait->request = 0;
}

/* What an answer means to whoever sets up a township. */
static const char *hint_of(int http_status)
{
    static const struct {
        int from, to;
        const char *hint;
    } hints[] = {
        {300, 399, ": redirects are never followed; put the last address into [endpoint] url"},
        {401, 401,
         ": the receiver does not accept the signature; have both sides the same secret, and the right time?"},
        {403, 403,
         ": the receiver does not accept the signature or the sender; have both sides the same secret?"},
        {404, 405, ": is the path in [endpoint] url the receiver's?"},
        {410, 410, ": the receiver says that it is gone; nothing is sent to it until it is released"},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (http_status >= hints[i].from && http_status <= hints[i].to)
            return hints[i].hint;
    return "";
}

static void test_done(void *ctx, const struct delivery_test_result *result)
{
    struct test_wait *wait = ctx;
    char text[ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%s%s", result->text, hint_of(result->http_status));
    if (wait->request && result->delivered)
        control_succeed(wait->request,
                        json_pack("{s:b,s:i,s:I,s:s,s:s}", "delivered", 1, "http_status", result->http_status,
                                  "total_us", (json_int_t)result->total_us, "event_id", result->event_id,
                                  "text", result->text));
    else if (wait->request)
        control_fail(wait->request, 1, text);
    free(wait);
}

static void begin_endpoint_test(void *ctx, struct control_request *request)
{
    struct daemon *daemon = ctx;
    struct error err;
    struct test_wait *wait = calloc(1, sizeof *wait);
    enum status status = wait ? daemon_can_work(daemon, &err) : error_set(&err, STATUS_FATAL, "no memory");
    if (status == STATUS_OK) {
        wait->request = request;
        status = delivery_test(daemon->delivery, control_number(request, "township"), control_actor(request),
                               test_done, wait, &err);
    }
    if (status == STATUS_OK)
        control_on_leave(request, test_leave, wait);
    else {
        free(wait);
        control_fail_error(request, &err);
    }
}

/* --- the table ------------------------------------------------------------------------------------------------ */

const struct control_verb daemon_verbs[] = {
    {.name = "status", .begin = daemon_begin_status},
    {.name = "round",
     .begin = begin_round,
     .arguments = {{"dry_run", CONTROL_FLAG, false},
                   {"full", CONTROL_FLAG, false},
                   {"as_of", CONTROL_DATE, false},
                   {"wait", CONTROL_FLAG, false}}},
    {.name = "round accept",
     .begin = begin_accept,
     .arguments = {{"id", CONTROL_NUMBER, true}, {"reason", CONTROL_TEXT, false}}},
    {.name = "scan", .begin = begin_scan, .arguments = {{"wait", CONTROL_FLAG, false}}},
    {.name = "reload", .begin = begin_reload},
    {.name = "endpoint test",
     .begin = begin_endpoint_test,
     .arguments = {{"township", CONTROL_NUMBER, true}}},
    {.name = "log level", .begin = begin_log_level, .arguments = {{"level", CONTROL_TEXT, true}}},
    {0},
};
