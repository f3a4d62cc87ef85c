/* SPDX-License-Identifier: PostgreSQL */
/*
 * Calls. Each is one request and its answer over one connection (http_client_connection.c): composed in memory (compose),
 * sent as far as the socket takes it (send_more), its answer read as it comes (receive). Done functions run from the loop's
 * callbacks, never inside http_client_start and never inside one of libcurl's, so they may start and cancel other calls.
 *
 * A call keeps its memory when it ends and is used again. Deadlines have one timer for all calls: it goes off at the first of
 * them, and moves on if that call has ended meanwhile, as nearly all have.
 */
#include "config.h"

#include "io/http_client_internal.h"

#include "base/clock.h"
#include "base/kill_point.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    RECEIVE_BYTES = 8 * 1024, /* answers are short */
    /* A body of this size goes out with the head in one piece; a longer one is not copied. */
    BODY_WITH_HEAD_BYTES = 16 * 1024,
};

/* ---- calls: made, used again, freed ---- */

static void free_call(struct http_call *call)
{
    http_answer_free(call->answer);
    text_fini(&call->head);
    free(call);
}

static struct http_call *take_call(struct http_client *client)
{
    struct http_call *call = TAILQ_FIRST(&client->idle);
    if (call != NULL) {
        TAILQ_REMOVE(&client->idle, call, link);
        client->idle_count--;
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->client = client;
    text_init(&call->head);
    call->answer = http_answer_new();
    if (call->answer == NULL) {
        free_call(call);
        return NULL;
    }
    return call;
}

static void give_call_back(struct http_call *call)
{
    struct http_client *client = call->client;
    if (call->route != NULL)
        route_release(call->route);
    call->route = NULL;
    call->rest = NULL; /* the caller's body is his own again */
    if (client->idle_count >= client->calls_max) {
        free_call(call);
        return;
    }
    http_answer_shrink(call->answer);
    TAILQ_INSERT_HEAD(&client->idle, call, link);
    client->idle_count++;
}

/* ---- a request ---- */

static bool header_is_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* Where a message ends is for us to say. */
static bool header_is_ours(const char *name)
{
    static const char *const ours[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    return false;
}

static enum status add_headers(struct text *head, const struct http_request *request, struct error *err)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (header->name[0] == '\0' || strpbrk(header->name, " :;") != NULL || header_is_ours(header->name) ||
            !header_is_clean(header->name) || !header_is_clean(header->value))
            return error_set(err, STATUS_CONFIG, "request header %zu cannot be sent", i + 1);
        text_add_str(head, header->name);
        text_add_str(head, ": ");
        text_add_str(head, header->value);
        text_add_str(head, "\r\n");
    }
    return STATUS_OK;
}

static enum status compose(struct http_call *call, const struct http_request *request, struct error *err)
{
    struct text *head = &call->head;
    const bool post = request->method == HTTP_CLIENT_POST;
    const size_t body_length = post ? request->body_length : 0;
    const bool short_body = body_length <= BODY_WITH_HEAD_BYTES;
    text_clear(head);
    text_add_str(head, post ? "POST " : "GET ");
    text_add_str(head, call->route->target);
    text_add_str(head, " HTTP/1.1\r\n");
    text_add(head, call->route->head.bytes, call->route->head.length);
    const enum status status = add_headers(head, request, err);
    if (status != STATUS_OK)
        return status;
    if (post)
        text_printf(head, "Content-Length: %zu\r\n", body_length);
    text_add_str(head, "\r\n");
    if (short_body && body_length > 0)
        text_add(head, request->body, body_length);
    call->rest = short_body ? NULL : request->body;
    call->rest_length = short_body ? 0 : body_length;
    return head->failed ? error_set(err, STATUS_FATAL, "out of memory") : STATUS_OK;
}

/* ---- the end of a call ---- */

/* Its connection is kept if it may carry another call. */
static void let_go(struct http_call *call)
{
    struct http_connection *connection = call->connection;
    if (connection != NULL && !connection->connecting && http_answer_keeps_connection(call->answer) &&
        call->sent == call->head.length + call->rest_length)
        connection_keep(connection);
    else if (connection != NULL)
        connection_close(connection);
}

static void detach(struct http_call *call)
{
    TAILQ_REMOVE(&call->client->calls, call, link);
    call->client->call_count--;
}

void http_client_cancel(struct http_call *call)
{
    if (call->connection != NULL)
        connection_close(call->connection);
    detach(call);
    give_call_back(call);
}

static void finish(struct http_call *call, struct http_result *result)
{
    result->connect_us = call->connect_us;
    result->sent = call->sent > 0;
    result->total_us = clock_monotonic_us() - call->started_us;
    let_go(call); /* first, so that a call which done starts may go over the same connection */
    detach(call);
    call->done(call->ctx, result);
    give_call_back(call);
}

void http_call_end_later(struct http_call *call, enum http_outcome outcome, const char *text)
{
    call->ending = outcome;
    call->ending_text = text;
    loop_defer(call->client->loop, &call->client->ending_task);
}

static void end_ending(void *client_arg)
{
    struct http_client *client = client_arg;
    struct http_call *call = TAILQ_FIRST(&client->calls);
    while (call != NULL) {
        if (call->ending == HTTP_ANSWERED) {
            call = TAILQ_NEXT(call, link);
            continue;
        }
        struct http_result result = {
            .outcome = call->ending, .retry_after_ms = -1, .text = call->ending_text};
        finish(call, &result);
        call = TAILQ_FIRST(&client->calls); /* done may have cancelled the next one */
    }
}

static void finish_fault(struct http_call *call, enum http_answer_state state)
{
    struct http_result result = {.retry_after_ms = -1};
    http_call_describe_fault(call, state, &result);
    finish(call, &result);
}

static void finish_answer(struct http_call *call, bool cut)
{
    struct http_result result = {.retry_after_ms = -1};
    http_call_describe_answer(call, cut, &result);
    finish(call, &result);
}

/* Of an answer to which nothing more will come. */
static void conclude(struct http_call *call, enum http_answer_state state)
{
    if (state == HTTP_ANSWER_WHOLE || state == HTTP_ANSWER_LONG_BODY)
        finish_answer(call, state == HTTP_ANSWER_LONG_BODY);
    else
        finish_fault(call, state);
}

/* What the answer has come to by the end of its connection, or its break. */
static enum http_answer_state end_answer(struct http_call *call, enum transfer transfer)
{
    if (transfer == TRANSFER_ENDED)
        return http_answer_end(call->answer);
    call->connection->reset = true;
    return HTTP_ANSWER_CUT;
}

/* ---- deadlines ---- */

static int64_t deadline_ms_of(const struct http_call *call)
{
    return (call->deadline_us + 999) / 1000;
}

static void mind_deadline(struct http_call *call)
{
    struct http_client *client = call->client;
    const int64_t due_ms = deadline_ms_of(call);
    if (loop_timer_armed(client->deadline) && client->deadline_ms <= due_ms)
        return;
    client->deadline_ms = due_ms;
    loop_timer_arm_at(client->deadline, due_ms);
}

/* One that is connecting is left to libcurl, which has the same limit and knows at which step it stands. */
static bool is_overdue(const struct http_call *call)
{
    return call->connection != NULL && !call->connection->connecting &&
           call->deadline_us <= clock_monotonic_us();
}

/*
 * What came while we stood still (a frozen process, a machine that was suspended) is there, and is the answer, however late it is
 * looked for. True: the call has ended.
 */
static bool finish_with_what_came(struct http_call *call)
{
    char bytes[RECEIVE_BYTES];
    size_t got;
    enum transfer transfer = TRANSFERRED;
    enum http_answer_state state = HTTP_ANSWER_MORE;
    while (state == HTTP_ANSWER_MORE && transfer == TRANSFERRED) {
        transfer = connection_receive(call->connection, bytes, sizeof bytes, &got);
        if (transfer == TRANSFERRED)
            state = http_answer_take(call->answer, bytes, got);
    }
    if (transfer == TRANSFER_ENDED || transfer == TRANSFER_BROKEN)
        state = end_answer(call, transfer);
    if (state == HTTP_ANSWER_MORE)
        return false;
    conclude(call, state);
    return true;
}

static void finish_overdue(struct http_call *call)
{
    if (finish_with_what_came(call))
        return;
    if (http_answer_has_head(call->answer)) {
        finish_answer(call, true);
        return;
    }
    struct http_result result = {.outcome = HTTP_TIMED_OUT, .retry_after_ms = -1, .text = call->text};
    snprintf(call->text, sizeof call->text, "no answer within %lld ms", (long long)call->total_timeout_ms);
    finish(call, &result);
}

static void deadline_passed(void *client_arg)
{
    struct http_client *client = client_arg;
    struct http_call *call = TAILQ_FIRST(&client->calls);
    while (call != NULL) {
        if (is_overdue(call)) {
            finish_overdue(call);
            call = TAILQ_FIRST(&client->calls); /* done may have cancelled the next one */
        } else {
            call = TAILQ_NEXT(call, link);
        }
    }
    TAILQ_FOREACH(call, &client->calls, link)
    {
        if (call->connection != NULL && !call->connection->connecting)
            mind_deadline(call);
    }
}

/* ---- the exchange ---- */

static void connect_call(struct http_call *call)
{
    struct error err;
    if (connection_open(call, &err) != STATUS_OK)
        http_call_end_later(call, HTTP_LOCAL_FAILURE, "out of memory for a connection");
}

/* True: the connection was a kept one that had died; the call goes over another. */
static bool begun_again(struct http_call *call)
{
    struct http_connection *connection = call->connection;
    if (!connection->used || http_answer_begun(call->answer))
        return false;
    connection_close(connection);
    connect_call(call);
    return true;
}

static enum transfer send_part(struct http_call *call)
{
    const bool in_head = call->sent < call->head.length;
    const char *bytes =
        in_head ? call->head.bytes + call->sent : call->rest + (call->sent - call->head.length);
    const size_t length =
        in_head ? call->head.length - call->sent : call->rest_length - (call->sent - call->head.length);
    size_t count = 0;
    const enum transfer transfer = connection_send(call->connection, bytes, length, &count);
    call->sent += count;
    return transfer;
}

/*
 * As much as the connection takes. If it is broken, the answer may still be there: some answer before they have read all, and
 * close. So that is for receive to find out, unless the connection was a kept one.
 */
static void send_more(struct http_call *call)
{
    struct http_connection *connection = call->connection;
    enum transfer transfer = TRANSFERRED;
    while (transfer == TRANSFERRED && call->sent < call->head.length + call->rest_length)
        transfer = send_part(call);
    if (transfer == TRANSFER_BROKEN && begun_again(call))
        return;
    connection->send_failed = transfer == TRANSFER_BROKEN;
    if (!connection_watch(connection, transfer == TRANSFER_WAITS))
        http_call_end_later(call, HTTP_LOCAL_FAILURE, "a socket could not be watched");
}

/*
 * Who stood still since the call was made (a frozen process, a machine that was suspended) has no time left: what is sent then may be
 * taken, but nobody waits for the answer, and it would be sent again.
 */
static void begin_exchange(struct http_call *call)
{
    KILL_POINT("send.connected");
    call->sent = 0;
    if (call->deadline_us <= clock_monotonic_us()) {
        http_call_end_later(call, HTTP_TIMED_OUT, "no time was left to send it");
        return;
    }
    mind_deadline(call);
    send_more(call);
}

/* False: the call has ended, or goes on elsewhere. */
static bool take_bytes(struct http_call *call, enum transfer transfer, const char *bytes, size_t length)
{
    const bool first = !http_answer_begun(call->answer);
    enum http_answer_state state;
    if (transfer == TRANSFER_WAITS)
        return false;
    if (transfer == TRANSFERRED)
        state = http_answer_take(call->answer, bytes, length);
    else if (begun_again(call))
        return false;
    else
        state = end_answer(call, transfer);
    if (first && transfer == TRANSFERRED)
        KILL_POINT("send.answer_begun");
    if (state == HTTP_ANSWER_MORE)
        return true;
    conclude(call, state);
    return false;
}

/* All that is there: with TLS, bytes may lie in libcurl while the socket is silent. The answer's limits bound it. */
static void receive(struct http_call *call)
{
    char bytes[RECEIVE_BYTES];
    size_t got;
    const bool tls = call->route->is_tls;
    enum transfer transfer;
    do
        transfer = connection_receive(call->connection, bytes, sizeof bytes, &got);
    while (take_bytes(call, transfer, bytes, got) && (tls || got == sizeof bytes));
}

void http_call_ready(struct http_call *call, unsigned ready)
{
    struct http_connection *connection = call->connection;
    if (call->ending != HTTP_ANSWERED)
        return;
    if ((ready & LOOP_WRITE) != 0 && !connection->send_failed)
        send_more(call);
    if ((ready & LOOP_READ) != 0 && call->connection == connection && call->ending == HTTP_ANSWERED)
        receive(call);
}

void http_call_connected(struct http_call *call, CURLcode code)
{
    if (call->ending != HTTP_ANSWERED)
        return;
    if (code == CURLE_OK) {
        begin_exchange(call);
        return;
    }
    struct http_result result = {.retry_after_ms = -1};
    http_call_describe_failure(call, code, &result);
    finish(call, &result);
}

static int64_t bounded_ms(int64_t timeout_ms)
{
    return timeout_ms < 1 ? 1 : timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms;
}

static enum status prepare(struct http_call *call, const struct http_request *request, struct error *err)
{
    call->connection = NULL;
    call->connect_us = 0;
    call->ending = HTTP_ANSWERED;
    call->started_us = clock_monotonic_us();
    call->connect_timeout_ms = bounded_ms(request->connect_timeout_ms);
    call->total_timeout_ms = bounded_ms(request->total_timeout_ms);
    call->deadline_us = call->started_us + call->total_timeout_ms * 1000;
    call->sent = 0;
    http_answer_begin(call->answer, request->response_max_bytes);
    enum status status = route_get(call->client, request, &call->route, err);
    if (status == STATUS_OK)
        status = compose(call, request, err);
    return status;
}

enum status http_client_start(struct http_client *client, const struct http_request *request,
                              http_done_fn *done, void *ctx, struct http_call **call, struct error *err)
{
    if (client->call_count >= client->calls_max)
        return error_set(err, STATUS_RETRY, "%u calls are under way already", client->call_count);
    struct http_call *made = take_call(client);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->done = done;
    made->ctx = ctx;
    enum status status = prepare(made, request, err);
    if (status == STATUS_OK && connection_take_kept(made) == NULL)
        status = connection_open(made, err);
    if (status != STATUS_OK) {
        give_call_back(made);
        return status;
    }
    TAILQ_INSERT_TAIL(&client->calls, made, link);
    client->call_count++;
    if (!made->connection->connecting)
        begin_exchange(made);
    if (call != NULL)
        *call = made;
    return STATUS_OK;
}

/* ---- the client ---- */

static enum status copy_networks(const struct http_client_settings *settings,
                                 struct address_network **networks, struct error *err)
{
    *networks = NULL;
    if (settings->network_count == 0)
        return STATUS_OK;
    *networks = calloc(settings->network_count, sizeof **networks);
    if (*networks == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    memcpy(*networks, settings->networks, settings->network_count * sizeof **networks);
    return STATUS_OK;
}

enum status http_client_configure(struct http_client *client, const struct http_client_settings *settings,
                                  struct error *err)
{
    struct address_network *networks;
    const enum status status = copy_networks(settings, &networks, err);
    if (status != STATUS_OK)
        return status;
    free(client->networks);
    client->networks = networks;
    client->network_count = settings->network_count;
    client->calls_max = settings->calls_max;
    client->kept_max = settings->kept_connections_max;
    return STATUS_OK;
}

static void timer_ready(void *client_arg)
{
    connections_drive(client_arg, CURL_SOCKET_TIMEOUT, 0);
}

static enum status set_up(struct http_client *client, const struct http_client_settings *settings,
                          struct error *err)
{
    client->timer = loop_timer_new(client->loop, timer_ready, client);
    client->deadline = loop_timer_new(client->loop, deadline_passed, client);
    client->multi = curl_multi_init();
    if (client->timer == NULL || client->deadline == NULL || client->multi == NULL ||
        !http_client_sockets_set(client))
        return error_set(err, STATUS_FATAL, "libcurl cannot be set up");
    return http_client_configure(client, settings, err);
}

enum status http_client_new(struct http_client **client, struct loop *loop,
                            const struct http_client_settings *settings, struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, STATUS_FATAL, "libcurl cannot be set up");
    struct http_client *made = calloc(1, sizeof *made);
    if (made == NULL) {
        curl_global_cleanup();
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    made->loop = loop;
    made->ending_task.run = end_ending;
    made->ending_task.ctx = made;
    TAILQ_INIT(&made->calls);
    TAILQ_INIT(&made->idle);
    TAILQ_INIT(&made->routes);
    TAILQ_INIT(&made->kept);
    enum status status = STATUS_OK;
    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) == 0)
        status = error_set(err, STATUS_FATAL,
                           "this libcurl has no asynchronous resolver: names would block the loop");
    if (status == STATUS_OK)
        status = set_up(made, settings, err);
    if (status != STATUS_OK) {
        http_client_free(made);
        return status;
    }
    *client = made;
    return STATUS_OK;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    struct http_call *call;
    struct http_connection *connection;
    while ((call = TAILQ_FIRST(&client->calls)) != NULL)
        http_client_cancel(call);
    while ((connection = TAILQ_FIRST(&client->kept)) != NULL)
        connection_close(connection);
    while ((call = TAILQ_FIRST(&client->idle)) != NULL) {
        TAILQ_REMOVE(&client->idle, call, link);
        free_call(call);
    }
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    assert(client->socket_count == 0 && TAILQ_EMPTY(&client->routes));
    loop_task_cancel(client->loop, &client->ending_task);
    loop_timer_free(client->timer);
    loop_timer_free(client->deadline);
    free(client->sockets);
    free(client->networks);
    free(client);
    curl_global_cleanup();
}

unsigned http_client_calls(const struct http_client *client)
{
    return client->call_count;
}
