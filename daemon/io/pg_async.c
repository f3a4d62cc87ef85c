/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection on the loop.
 *
 * States                          and what ends them
 *     WAITING     no connection       the timer (back-off)      → begin_connect
 *     RESOLVING   a thread resolves   its pipe, the timer       → start_connect, lose
 *     CONNECTING  libpq's handshake   the socket, the timer     → on_connecting, lose
 *     IDLE        up, nothing sent    a statement, the timer    → send_next (a probe when nobody asked for long)
 *     BUSY        a statement is out  the socket, the timer     → on_answer, lose
 *
 * One timer serves all states; set_timer says when it is due next. `lose` is the only way back to WAITING: it answers
 * everything that waits.
 */
#include "config.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/random.h"
#include "io/loop.h"
#include "io/pg_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum async_phase { WAITING, RESOLVING, CONNECTING, IDLE, BUSY };

struct request {
    TAILQ_ENTRY(request) link;
    char *sql;
    struct pg_encoded encoded;
    int64_t deadline_ms; /* monotonic */
    pg_async_done done;  /* NULL: our own probe */
    void *context;
};
TAILQ_HEAD(request_list, request);

struct pg_async {
    struct loop *loop;
    char *conninfo, *application_name;
    pg_async_state state;
    void *context;
    enum async_phase phase;
    PGconn *conn;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct loop_task send_task; /* sends what was submitted, at the end of the turn */
    struct pg_resolve *resolve;
    int64_t due_ms; /* WAITING: next attempt; RESOLVING, CONNECTING: deadline; IDLE: next probe */
    int backoff_ms;
    struct random random;
    struct request_list queue;
    size_t waiting; /* in the queue, `current` not counted */
    struct request *current;
    PGresult *answer; /* of current, so far */
    enum status failed;
    struct error why; /* if failed */
    bool freeing;
};

/* --- requests --- */

static void request_free(struct request *request)
{
    pg_encoded_fini(&request->encoded);
    free(request->sql);
    free(request);
}

static void answer(struct request *request, enum status status, PGresult *result, const struct error *why)
{
    if (request->done)
        request->done(request->context, status, status ? NULL : (const struct pg_result *)result, why);
    request_free(request);
}

/* Answers all with STATUS_RETRY. The list is the caller's own by now: callbacks may submit (and are refused). */
static void answer_all(struct request_list *list, const struct error *why)
{
    struct request *request;
    struct error copy = *why;
    copy.status = STATUS_RETRY;
    while ((request = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, request, link);
        answer(request, STATUS_RETRY, NULL, &copy);
    }
}

/* --- the timer --- */

static int64_t earliest_deadline(const struct pg_async *async)
{
    int64_t due_ms = async->current ? async->current->deadline_ms : INT64_MAX;
    const struct request *request;
    TAILQ_FOREACH(request, &async->queue, link)
    {
        if (request->deadline_ms < due_ms)
            due_ms = request->deadline_ms;
    }
    return due_ms;
}

static void set_timer(struct pg_async *async)
{
    int64_t due_ms = async->phase == BUSY ? earliest_deadline(async) : async->due_ms;
    if (async->phase == IDLE && earliest_deadline(async) < due_ms)
        due_ms = earliest_deadline(async);
    loop_timer_arm_at(async->timer, due_ms);
}

/* --- losing the connection --- */

static void close_connection(struct pg_async *async)
{
    loop_watch_free(async->watch);
    async->watch = NULL;
    PQfinish(async->conn);
    async->conn = NULL;
    pg_resolve_free(async->resolve);
    async->resolve = NULL;
    PQclear(async->answer);
    async->answer = NULL;
}

/* Between half and the whole of the back-off, so that many daemons do not come back at once. */
static int next_pause_ms(struct pg_async *async)
{
    int pause_ms =
        async->backoff_ms / 2 + (int)random_below(&async->random, (uint64_t)async->backoff_ms / 2 + 1);
    async->backoff_ms =
        async->backoff_ms >= PG_BACKOFF_MAX_MS / 2 ? PG_BACKOFF_MAX_MS : async->backoff_ms * 2;
    return pause_ms;
}

static void lose(struct pg_async *async, const struct error *why)
{
    struct request_list lost = TAILQ_HEAD_INITIALIZER(lost);
    struct error copy = *why; /* it may lie in what is closed now */
    close_connection(async);
    async->phase = WAITING;
    async->due_ms = clock_monotonic_ms() + next_pause_ms(async);
    if (async->current)
        TAILQ_INSERT_TAIL(&lost, async->current, link);
    async->current = NULL;
    TAILQ_CONCAT(&lost, &async->queue, link);
    async->waiting = 0;
    set_timer(async);
    if (async->state)
        async->state(async->context, false, &copy);
    answer_all(&lost, &copy);
}

static void lose_because(struct pg_async *async, const char *words)
{
    struct error why;
    error_set(&why, STATUS_RETRY, "database: %s", words);
    lose(async, &why);
}

/* --- sending and answers --- */

/* Sends what libpq holds and waits for what comes. False: lost. */
static bool flush(struct pg_async *async)
{
    struct error why;
    int more = PQflush(async->conn);
    if (more < 0) {
        lose_because(async, "connection lost");
        return false;
    }
    if (loop_watch_set(async->watch, more ? LOOP_READ | LOOP_WRITE : LOOP_READ, &why)) {
        lose(async, &why);
        return false;
    }
    return true;
}

static void send_next(struct pg_async *async)
{
    struct request *request = TAILQ_FIRST(&async->queue);
    if (async->phase != IDLE || !request)
        return;
    TAILQ_REMOVE(&async->queue, request, link);
    async->waiting--;
    async->current = request;
    async->phase = BUSY;
    async->failed = STATUS_OK;
    if (!PQsendQueryParams(async->conn, request->sql, request->encoded.count, request->encoded.types,
                           request->encoded.values, request->encoded.lengths, request->encoded.formats, 1)) {
        lose_because(async, "connection lost");
        return;
    }
    if (flush(async))
        set_timer(async);
    KILL_POINT("database.statement_sent");
}

static void send_submitted(void *ctx)
{
    send_next(ctx);
}

/* The statement has ended. The callback may submit more. */
static void finish_current(struct pg_async *async)
{
    struct request *request = async->current;
    PGresult *result = async->answer;
    struct error why = async->why;
    enum status failed = async->failed;
    async->current = NULL;
    async->answer = NULL;
    async->phase = IDLE;
    async->backoff_ms =
        PG_BACKOFF_MIN_MS; /* not before: a pooler takes connections while its server is away */
    async->due_ms = clock_monotonic_ms() + PG_PROBE_MS;
    answer(request, failed, result, &why);
    PQclear(result);
    send_next(async);
    if (async->phase == IDLE)
        set_timer(async);
}

/* False: lost. */
static bool take_result(struct pg_async *async, PGresult *result)
{
    char sqlstate[PG_SQLSTATE_SIZE] = "";
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH: /* would never end by itself */
        PQclear(result);
        lose_because(async, "a COPY came where none was expected");
        return false;
    default:
        if (!async->failed)
            async->failed = pg_result_error(result, sqlstate, &async->why);
        if (strcmp(sqlstate, "25006") == 0) { /* it was the primary: conninfo may name the one that is now */
            PQclear(result);
            lose(async, &async->why);
            return false;
        }
    }
    PQclear(async->answer);
    async->answer = result;
    return true;
}

static void on_answer(struct pg_async *async)
{
    if (!PQconsumeInput(async->conn)) {
        lose_because(async, "connection lost");
        return;
    }
    if (!flush(async))
        return;
    while (async->phase == BUSY && !PQisBusy(async->conn)) {
        PGresult *result = PQgetResult(async->conn);
        if (result && !take_result(async, result))
            return;
        if (!result && PQstatus(async->conn) == CONNECTION_BAD)
            lose_because(async, "connection lost");
        else if (!result)
            finish_current(async);
    }
}

/* --- connecting --- */

static void on_socket(void *ctx, unsigned ready);

/* Watches the socket anew: libpq may have taken another one. False: lost. */
static bool watch_socket(struct pg_async *async, unsigned ready)
{
    struct error why;
    loop_watch_free(async->watch);
    async->watch = loop_watch_new(async->loop, PQsocket(async->conn), on_socket, async);
    if (!async->watch) {
        lose_because(async, "no memory to watch its socket");
        return false;
    }
    if (loop_watch_set(async->watch, ready, &why)) {
        lose(async, &why);
        return false;
    }
    return true;
}

static void come_up(struct pg_async *async)
{
    if (PQsetnonblocking(async->conn, 1) != 0) {
        lose_because(async, "connection lost");
        return;
    }
    if (!watch_socket(async, LOOP_READ))
        return;
    async->phase = IDLE;
    async->due_ms = clock_monotonic_ms() + PG_PROBE_MS;
    set_timer(async);
    if (async->state)
        async->state(async->context, true, NULL);
}

static void lose_connecting(struct pg_async *async)
{
    struct error why;
    char sqlstate[PG_SQLSTATE_SIZE];
    pg_connect_error(async->conn, sqlstate, &why);
    lose(async, &why);
}

static void start_connect(struct pg_async *async, const char *hostaddr)
{
    struct error why;
    async->phase = CONNECTING;
    if (pg_start(async->conninfo, async->application_name, hostaddr, &async->conn, &why))
        lose(async, &why);
    else if (PQstatus(async->conn) == CONNECTION_BAD)
        lose_connecting(async);
    else
        watch_socket(async, LOOP_WRITE);
}

static void on_connecting(struct pg_async *async)
{
    loop_watch_free(async->watch); /* PQconnectPoll may close the socket */
    async->watch = NULL;
    switch (PQconnectPoll(async->conn)) {
    case PGRES_POLLING_READING:
        watch_socket(async, LOOP_READ);
        break;
    case PGRES_POLLING_WRITING:
        watch_socket(async, LOOP_WRITE);
        break;
    case PGRES_POLLING_OK:
        come_up(async);
        break;
    default:
        lose_connecting(async);
    }
}

static void on_resolved(struct pg_async *async)
{
    struct pg_resolve *resolve = async->resolve;
    loop_watch_free(async->watch);
    async->watch = NULL;
    async->resolve = NULL;
    if (pg_resolve_addresses(resolve))
        start_connect(async, pg_resolve_addresses(resolve));
    else
        lose_because(async, "its host name cannot be resolved");
    pg_resolve_free(resolve);
}

/* Watches the resolver's pipe. */
static void start_resolve(struct pg_async *async, const char *hosts)
{
    struct error why;
    int fd;
    async->phase = RESOLVING;
    if (pg_resolve_start(hosts, &async->resolve, &fd, &why)) {
        lose(async, &why);
        return;
    }
    async->watch = loop_watch_new(async->loop, fd, on_socket, async);
    if (!async->watch)
        lose_because(async, "no memory to resolve its host name");
    else if (loop_watch_set(async->watch, LOOP_READ, &why))
        lose(async, &why);
}

static void begin_connect(struct pg_async *async)
{
    struct error why;
    char *hosts;
    async->due_ms = clock_monotonic_ms() + PG_CONNECT_TIMEOUT_MS;
    loop_timer_arm_at(async->timer, async->due_ms);
    if (pg_host_to_resolve(async->conninfo, &hosts, &why))
        lose(async, &why);
    else if (hosts)
        start_resolve(async, hosts);
    else
        start_connect(async, NULL);
    free(hosts);
}

/* --- what the loop calls --- */

static void on_socket(void *ctx, unsigned ready)
{
    struct pg_async *async = ctx;
    (void)ready;
    switch (async->phase) {
    case WAITING:
        break;
    case RESOLVING:
        on_resolved(async);
        break;
    case CONNECTING:
        on_connecting(async);
        break;
    case IDLE:
        if (!PQconsumeInput(async->conn) || PQstatus(async->conn) == CONNECTION_BAD)
            lose_because(async, "connection lost");
        break;
    case BUSY:
        on_answer(async);
        break;
    }
}

static enum status enqueue(struct pg_async *async, const char *sql, const struct pg_param *params,
                           int timeout_ms, pg_async_done done, void *context, struct error *err)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return error_set(err, STATUS_FATAL, "database: no memory for a statement");
    request->sql = strdup(sql);
    enum status status = request->sql ? pg_encode(params, &request->encoded, err)
                                      : error_set(err, STATUS_FATAL, "database: no memory for a statement");
    if (status) {
        request_free(request);
        return status;
    }
    request->deadline_ms = clock_monotonic_ms() + timeout_ms;
    request->done = done;
    request->context = context;
    TAILQ_INSERT_TAIL(&async->queue, request, link);
    async->waiting++;
    loop_defer(async->loop, &async->send_task);
    return STATUS_OK;
}

/* Those in the queue whose time has run out; the connection is not to blame. */
static void answer_overdue(struct pg_async *async, int64_t now_ms)
{
    struct request_list overdue = TAILQ_HEAD_INITIALIZER(overdue);
    struct request *request, *next;
    struct error why;
    for (request = TAILQ_FIRST(&async->queue); request; request = next) {
        next = TAILQ_NEXT(request, link);
        if (request->deadline_ms > now_ms)
            continue;
        TAILQ_REMOVE(&async->queue, request, link);
        async->waiting--;
        TAILQ_INSERT_TAIL(&overdue, request, link);
    }
    error_set(&why, STATUS_RETRY, "database: the statement was not sent before its deadline");
    answer_all(&overdue, &why);
}

static void probe(struct pg_async *async)
{
    struct error why;
    async->due_ms = clock_monotonic_ms() + PG_PROBE_MS;
    if (TAILQ_EMPTY(&async->queue) &&
        enqueue(async, "select 1", pg_params(), PG_PROBE_TIMEOUT_MS, NULL, NULL, &why) == STATUS_OK)
        send_next(async);
}

static void on_timer(void *ctx)
{
    struct pg_async *async = ctx;
    int64_t now_ms = clock_monotonic_ms();
    switch (async->phase) {
    case WAITING:
        begin_connect(async);
        return;
    case RESOLVING:
    case CONNECTING:
        lose_because(async, "no connection before the deadline");
        return;
    case IDLE:
    case BUSY:
        break;
    }
    if (async->current && async->current->deadline_ms <= now_ms) {
        lose_because(async, "no answer before the deadline");
        return;
    }
    answer_overdue(async, now_ms);
    if (async->phase == IDLE && async->due_ms <= now_ms)
        probe(async);
    if (async->phase == IDLE || async->phase == BUSY)
        set_timer(async);
}

/* --- what the owner calls --- */

enum status pg_async_new(struct loop *loop, const char *conninfo, const char *application_name,
                         pg_async_state state, void *context, struct pg_async **async, struct error *err)
{
    char *hosts;
    *async = NULL;
    enum status status =
        pg_host_to_resolve(conninfo, &hosts, err); /* a conninfo that nobody can read is told at once */
    if (status)
        return status;
    free(hosts);
    struct pg_async *new = calloc(1, sizeof *new);
    if (!new)
        return error_set(err, STATUS_FATAL, "database: no memory for a connection");
    new->loop = loop;
    new->conninfo = strdup(conninfo);
    new->application_name = strdup(application_name);
    new->state = state;
    new->context = context;
    new->timer = loop_timer_new(loop, on_timer, new);
    new->send_task = (struct loop_task){.run = send_submitted, .ctx = new};
    new->backoff_ms = PG_BACKOFF_MIN_MS;
    random_seed(&new->random, (uint64_t)clock_monotonic_us() ^ (uint64_t)(uintptr_t) new);
    TAILQ_INIT(&new->queue);
    if (!new->conninfo || !new->application_name || !new->timer) {
        pg_async_free(new);
        return error_set(err, STATUS_FATAL, "database: no memory for a connection");
    }
    new->phase = WAITING;
    loop_timer_arm(new->timer, 0); /* from the loop, so that no callback runs in here */
    *async = new;
    return STATUS_OK;
}

void pg_async_free(struct pg_async *async)
{
    struct request_list lost = TAILQ_HEAD_INITIALIZER(lost);
    struct error why;
    if (!async)
        return;
    async->freeing = true; /* nothing more is taken */
    if (async->current)
        TAILQ_INSERT_TAIL(&lost, async->current, link);
    async->current = NULL;
    TAILQ_CONCAT(&lost, &async->queue, link);
    close_connection(async);
    error_set(&why, STATUS_RETRY, "database: the connection is being closed");
    answer_all(&lost, &why);
    loop_task_cancel(async->loop, &async->send_task);
    loop_timer_free(async->timer);
    free(async->conninfo);
    free(async->application_name);
    free(async);
}

bool pg_async_is_up(const struct pg_async *async)
{
    return async->phase == IDLE || async->phase == BUSY;
}

enum status pg_async_submit(struct pg_async *async, const char *sql, const struct pg_param *params,
                            int timeout_ms, pg_async_done done, void *context, struct error *err)
{
    if (!pg_async_is_up(async) || async->freeing)
        return error_set(err, STATUS_RETRY, "database: there is no connection");
    if (async->waiting >= PG_ASYNC_QUEUE_MAX)
        return error_set(err, STATUS_RETRY, "database: %zu statements are waiting already", async->waiting);
    enum status status = enqueue(async, sql, params, timeout_ms, done, context, err);
    if (!status)
        set_timer(async);
    return status;
}
