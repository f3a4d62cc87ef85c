/* SPDX-License-Identifier: PostgreSQL */
/*
 * libmicrohttpd in its external epoll mode: its epoll descriptor is one watch on the loop, its own wish for
 * time one timer, and MHD_run does the work. What it does not do is done here: total deadlines (its own
 * timeouts end with any activity), the refusal of ambiguous requests (io/http_framing.h), and the bound on bodies.
 *
 * The life of a request, with the function for each step:
 *
 *     request line           begin_exchange    libmicrohttpd's URI callback: the only one to see the raw target
 *     headers                accept_headers    refuses, or goes on
 *     body, piece by piece   take_body_piece
 *     end of body            hand_over         calls the handler; the connection is suspended until the reply
 *     http_exchange_reply    resume_exchange   libmicrohttpd calls in again, and send_reply queues the response
 *     response taken, or cut end_exchange
 *
 * A connection whose deadline passes is shut down at the socket; libmicrohttpd then sees its end and frees
 * it. While it is suspended it sees nothing, so the exchange and its texts stay until the handler replies.
 */
#include "config.h"

#include "io/http_server.h"

#include "base/clock.h"
#include "io/address.h"
#include "io/http_framing.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_DEFAULT = 64,
    MEMORY_DEFAULT = 32 * 1024,
    BODY_MAX_DEFAULT = 64 * 1024,
    DEADLINE_DEFAULT_MS = 10 * 1000,
    LISTEN_BACKLOG = 128,
    /* A body of unknown length that is too long is read on up to this multiple of the limit, so that its
     * sender can be told 413 instead of a reset. */
    OVERLONG_BODY_FACTOR = 4,
    /* How long to leave new clients alone when the process has no descriptor for them. */
    ACCEPT_PAUSE_MS = 200,
    ROOM_SHARE = 8, /* that part of the connections is kept free for who comes next */
};

enum stage { STAGE_HEADERS, STAGE_BODY, STAGE_HANDLER, STAGE_REPLIED };

struct http_exchange {
    struct http_server *server; /* NULL once it was freed: the reply only frees the exchange */
    struct peer *peer;
    struct MHD_Connection *connection;
    enum stage stage;
    bool bad_target;
    bool suspended;
    bool overlong;
    enum http_method method;
    const char *path;
    struct text body;
    size_t discarded;
    void *ctx;
    struct MHD_Response *response;
    unsigned status;
};

/* A connection, in the order of deadlines: all have the same length of time, so a new one goes to the end. */
struct peer {
    TAILQ_ENTRY(peer) link;
    struct MHD_Connection *connection;
    struct http_exchange *exchange; /* the one under way */
    int64_t due_ms;
    bool cut; /* shut down, and out of the list */
};

TAILQ_HEAD(peer_list, peer);

struct http_server {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *turn_timer;     /* when libmicrohttpd wants to run without an event */
    struct loop_timer *deadline_timer; /* of the first peer */
    struct loop_timer *accept_timer;   /* ends a pause */
    http_handler_fn *handler;
    void *handler_ctx;
    struct http_server_settings settings;
    uint16_t port;
    struct peer_list peers;
    unsigned peer_count;
    uint64_t peers_came;
    struct peer_list cut_peers;
    bool run_again; /* a connection was freed: see run_daemon */
};

/* ---- replies ---- */

static bool add_headers(struct MHD_Response *reply, const struct http_response *response)
{
    if (response->content_type != NULL &&
        MHD_add_response_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type) != MHD_YES)
        return false;
    for (size_t i = 0; i < response->header_count; i++)
        if (MHD_add_response_header(reply, response->headers[i].name, response->headers[i].value) != MHD_YES)
            return false;
    return true;
}

/* NULL: memory, or a header that cannot be sent. */
static struct MHD_Response *make_reply(const struct http_response *response)
{
    /* libmicrohttpd copies; it only wants the pointer without const. */
    void *body = (void *)(uintptr_t)response->body.bytes;
    struct MHD_Response *reply =
        MHD_create_response_from_buffer(response->body.length, body, MHD_RESPMEM_MUST_COPY);
    if (reply != NULL && !add_headers(reply, response)) {
        MHD_destroy_response(reply);
        return NULL;
    }
    return reply;
}

static struct http_response text_response(unsigned status, const char *text)
{
    return (struct http_response){
        .status = status, .content_type = "text/plain; charset=utf-8", .body = slice_of(text)};
}

/* Refuses a request before its body was read; what follows on the connection cannot be trusted. */
static enum MHD_Result refuse(struct http_exchange *exchange, unsigned status, const char *text)
{
    static const struct http_response_header headers[] = {{"Connection", "close"},
                                                          {"Allow", "GET, HEAD, POST"}};
    struct http_response response = text_response(status, text);
    response.headers = headers;
    response.header_count = status == MHD_HTTP_METHOD_NOT_ALLOWED ? 2 : 1;
    struct MHD_Response *reply = make_reply(&response);
    exchange->stage = STAGE_REPLIED;
    if (reply == NULL)
        return MHD_NO;
    const enum MHD_Result queued = MHD_queue_response(exchange->connection, status, reply);
    MHD_destroy_response(reply);
    return queued;
}

static enum MHD_Result send_reply(struct http_exchange *exchange)
{
    if (exchange->response == NULL)
        return MHD_NO;
    const enum MHD_Result queued =
        MHD_queue_response(exchange->connection, exchange->status, exchange->response);
    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return queued;
}

static void free_exchange(struct http_exchange *exchange)
{
    if (exchange->response != NULL)
        MHD_destroy_response(exchange->response);
    text_fini(&exchange->body);
    free(exchange);
}

/* Lets libmicrohttpd go on with it, in a turn of its own: the reply may come from inside a callback. */
static void resume_exchange(struct http_exchange *exchange)
{
    exchange->suspended = false;
    MHD_resume_connection(exchange->connection);
    loop_timer_arm(exchange->server->turn_timer, 0);
}

void http_exchange_reply(struct http_exchange *exchange, const struct http_response *response)
{
    assert(exchange->stage == STAGE_HANDLER);
    if (exchange->server == NULL) {
        free_exchange(exchange);
        return;
    }
    exchange->stage = STAGE_REPLIED;
    exchange->status = response->status;
    exchange->response = make_reply(response);
    if (exchange->response == NULL) {
        const struct http_response failure = text_response(500, "the answer could not be composed\n");
        exchange->status = failure.status;
        exchange->response = make_reply(&failure);
    }
    if (exchange->suspended)
        resume_exchange(exchange);
}

void http_exchange_reply_text(struct http_exchange *exchange, unsigned status, const char *text)
{
    const struct http_response response = text_response(status, text);
    http_exchange_reply(exchange, &response);
}

/* ---- the request: headers ---- */

static enum MHD_Result note_header(void *ctx, enum MHD_ValueKind kind, const char *name, size_t name_length,
                                   const char *value, size_t value_length)
{
    (void)kind;
    http_framing_note(ctx, (struct slice){name, name_length}, (struct slice){value, value_length});
    return MHD_YES;
}

static bool find_method(const char *name, enum http_method *method)
{
    static const char *const names[] = {[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *method = (enum http_method)i;
            return true;
        }
    }
    return false;
}

static enum MHD_Result accept_headers(struct http_exchange *exchange, const char *path, const char *method,
                                      const char *version)
{
    struct http_framing framing = {0};
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, note_header, &framing);
    const char *fault = http_framing_fault(&framing, strcmp(version, MHD_HTTP_VERSION_1_1) == 0);
    if (fault == NULL && (exchange->bad_target || path[0] != '/'))
        fault = "the target is malformed\n";
    if (fault != NULL)
        return refuse(exchange, MHD_HTTP_BAD_REQUEST, fault);
    if (!find_method(method, &exchange->method))
        return refuse(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, HEAD and POST are understood\n");
    if (framing.length > exchange->server->settings.body_max_bytes)
        return refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large\n");
    exchange->path = path;
    exchange->stage = STAGE_BODY;
    return MHD_YES;
}

/* ---- the request: body and handler ---- */

static enum MHD_Result take_body_piece(struct http_exchange *exchange, const char *bytes, size_t length)
{
    const size_t limit = exchange->server->settings.body_max_bytes;
    if (exchange->overlong || length > limit - exchange->body.length) {
        exchange->overlong = true;
        text_clear(&exchange->body);
        exchange->discarded += length;
        return exchange->discarded > limit * OVERLONG_BODY_FACTOR ? MHD_NO : MHD_YES;
    }
    text_add(&exchange->body, bytes, length);
    return exchange->body.failed ? MHD_NO : MHD_YES;
}

static enum MHD_Result hand_over(struct http_exchange *exchange)
{
    if (exchange->overlong)
        return refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large\n");
    struct http_server *server = exchange->server;
    exchange->stage = STAGE_HANDLER;
    server->handler(server->handler_ctx, exchange);
    if (exchange->stage == STAGE_REPLIED)
        return send_reply(exchange);
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

/* ---- what libmicrohttpd calls ---- */

static struct peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void *begin_exchange(void *ctx, const char *target, struct MHD_Connection *connection)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->server = ctx;
    exchange->connection = connection;
    exchange->peer = peer_of(connection);
    if (exchange->peer != NULL)
        exchange->peer->exchange = exchange;
    text_init(&exchange->body);
    exchange->bad_target = strstr(target, "%00") != NULL;
    return exchange;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request_ctx)
{
    (void)ctx;
    (void)connection;
    struct http_exchange *exchange = *request_ctx;
    if (exchange == NULL || exchange->peer == NULL)
        return MHD_NO;
    if (exchange->stage == STAGE_HEADERS)
        return accept_headers(exchange, path, method, version);
    if (exchange->stage == STAGE_BODY && *upload_size > 0) {
        const size_t length = *upload_size;
        *upload_size = 0;
        return take_body_piece(exchange, upload, length);
    }
    if (exchange->stage == STAGE_BODY)
        return hand_over(exchange);
    return send_reply(exchange);
}

static void arm_deadline(struct http_server *server)
{
    const struct peer *first = TAILQ_FIRST(&server->peers);
    if (first == NULL)
        loop_timer_cancel(server->deadline_timer);
    else
        loop_timer_arm_at(server->deadline_timer, first->due_ms);
}

static void start_deadline(struct http_server *server, struct peer *peer)
{
    peer->due_ms = clock_monotonic_ms() + server->settings.deadline_ms;
    TAILQ_INSERT_TAIL(&server->peers, peer, link);
    arm_deadline(server);
}

static void end_exchange(void *ctx, struct MHD_Connection *connection, void **request_ctx,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct http_server *server = ctx;
    struct http_exchange *exchange = *request_ctx;
    if (exchange == NULL)
        return;
    *request_ctx = NULL;
    struct peer *peer = exchange->peer;
    if (peer != NULL) {
        peer->exchange = NULL;
        if (!peer->cut) {
            TAILQ_REMOVE(&server->peers, peer, link);
            start_deadline(server, peer);
        }
    }
    if (exchange->stage != STAGE_HANDLER) {
        free_exchange(exchange);
        return;
    }
    /* Only while the server is freed: the handler still has it. */
    exchange->server = NULL;
    exchange->peer = NULL;
    exchange->connection = NULL;
}

/*
 * Ends a connection at its socket. If its request is with the handler nothing was sent yet, so the client can
 * be told; what does not fit into the socket's buffer is not worth waiting for.
 */
static void cut(struct http_server *server, struct peer *peer)
{
    static const char too_late[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                                   "Content-Length: 0\r\n\r\n";
    TAILQ_REMOVE(&server->peers, peer, link);
    TAILQ_INSERT_TAIL(&server->cut_peers, peer, link);
    peer->cut = true;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL)
        return;
    if (peer->exchange != NULL && peer->exchange->stage == STAGE_HANDLER) {
        const ssize_t sent =
            send(info->connect_fd, too_late, sizeof too_late - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)sent;
    }
    shutdown(info->connect_fd, SHUT_RDWR);
}

/* Whether we are still to answer what was asked; all else waits for the client. */
static bool is_ours_to_answer(const struct peer *peer)
{
    return peer->exchange != NULL && peer->exchange->stage == STAGE_HANDLER;
}

/* Nearly full: the connection that has waited for its client the longest goes, so that the next to come finds room. */
static void make_room(struct http_server *server)
{
    const unsigned full = server->settings.connections_max;
    unsigned open = 0;
    struct peer *peer, *oldest = NULL;
    TAILQ_FOREACH(peer, &server->peers, link)
    {
        open++;
        if (oldest == NULL && !is_ours_to_answer(peer))
            oldest = peer;
    }
    /* Not the one that has just come, which stands last. */
    if (oldest != NULL && open > full - full / ROOM_SHARE && oldest != TAILQ_LAST(&server->peers, peer_list))
        cut(server, oldest);
}

static void note_connection(void *ctx, struct MHD_Connection *connection, void **socket_ctx,
                            enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = ctx;
    struct peer *peer = *socket_ctx;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        peer = calloc(1, sizeof *peer);
        *socket_ctx = peer; /* NULL: handle refuses whatever it asks */
        if (peer == NULL)
            return;
        peer->connection = connection;
        server->peers_came++;
        server->peer_count++;
        start_deadline(server, peer);
        make_room(server);
    } else if (peer != NULL) {
        TAILQ_REMOVE(peer->cut ? &server->cut_peers : &server->peers, peer, link);
        server->peer_count--;
        server->run_again = true;
        free(peer);
        *socket_ctx = NULL;
        arm_deadline(server);
    }
}

/* ---- the loop's side ---- */

/*
 * At its limit of connections libmicrohttpd takes the listening socket out of its epoll, and puts it back only when it
 * is run after one was freed, for which it does not ask: without one more run the next client would never be served.
 */
static void run_daemon(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    server->run_again = false;
    MHD_run(server->daemon);
    if (server->run_again)
        loop_timer_arm(server->turn_timer, 0);
    else if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        loop_timer_arm(server->turn_timer, (int64_t)wait_ms);
    else
        loop_timer_cancel(server->turn_timer);
}

static void accept_again(void *ctx)
{
    struct http_server *server = ctx;
    struct error err;
    if (loop_watch_set(server->watch, LOOP_READ, &err) != STATUS_OK)
        loop_timer_arm(server->accept_timer, ACCEPT_PAUSE_MS);
}

/*
 * Who waits and cannot be taken leaves the listening socket ready. While there are connections libmicrohttpd looks away from
 * it then, until one of them has ended; without any, there is nothing that it could wait for, and the loop would spin.
 */
static void daemon_ready(void *ctx, unsigned ready)
{
    (void)ready;
    struct http_server *server = ctx;
    const bool alone = server->peer_count == 0;
    const uint64_t came = server->peers_came;
    run_daemon(server);
    if (alone && server->peers_came == came) {
        loop_watch_pause(server->watch);
        loop_timer_arm(server->accept_timer, ACCEPT_PAUSE_MS);
    }
}

static void turn_due(void *ctx)
{
    run_daemon(ctx);
}

static void deadline_due(void *ctx)
{
    struct http_server *server = ctx;
    const int64_t now_ms = clock_monotonic_ms();
    struct peer *peer;
    while ((peer = TAILQ_FIRST(&server->peers)) != NULL && peer->due_ms <= now_ms)
        cut(server, peer);
    arm_deadline(server);
}

/* ---- the server ---- */

static enum status open_listener(const char *listen_on, int *fd, uint16_t *port, struct error *err)
{
    struct sockaddr_storage address;
    socklen_t length;
    const enum status status = address_parse(listen_on, &address, &length, err);
    if (status != STATUS_OK)
        return status;
    const int one = 1;
    *fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return error_set(err, STATUS_RETRY, "cannot make a socket for %s: %s", listen_on, strerror(errno));
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address.ss_family == AF_INET6)
        setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(*fd, (const struct sockaddr *)&address, length) != 0 || listen(*fd, LISTEN_BACKLOG) != 0 ||
        getsockname(*fd, (struct sockaddr *)&address, &length) != 0) {
        const int number = errno;
        close(*fd);
        return error_set(err, number == EADDRINUSE ? STATUS_RETRY : STATUS_CONFIG, "cannot listen on %s: %s",
                         listen_on, strerror(number));
    }
    *port = ntohs(address.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&address)->sin6_port
                                                : ((const struct sockaddr_in *)&address)->sin_port);
    return STATUS_OK;
}

static void apply_defaults(struct http_server_settings *settings)
{
    if (settings->connections_max == 0)
        settings->connections_max = CONNECTIONS_DEFAULT;
    if (settings->connections_per_address == 0)
        settings->connections_per_address = settings->connections_max;
    if (settings->deadline_ms <= 0)
        settings->deadline_ms = DEADLINE_DEFAULT_MS;
    if (settings->connection_memory_bytes == 0)
        settings->connection_memory_bytes = MEMORY_DEFAULT;
    if (settings->body_max_bytes == 0)
        settings->body_max_bytes = BODY_MAX_DEFAULT;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd)
{
    const struct http_server_settings *settings = &server->settings;
    /* clang-format off */
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, server,
                            MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_CONNECTION_LIMIT, settings->connections_max,
                            MHD_OPTION_PER_IP_CONNECTION_LIMIT, settings->connections_per_address,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings->connection_memory_bytes,
                            MHD_OPTION_CONNECTION_TIMEOUT, 0U,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                            MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, server,
                            MHD_OPTION_NOTIFY_COMPLETED, end_exchange, server,
                            MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
                            MHD_OPTION_END);
    /* clang-format on */
}

static enum status set_up(struct http_server *server, const char *listen_on, struct error *err)
{
    int fd;
    enum status status = open_listener(listen_on, &fd, &server->port, err);
    if (status != STATUS_OK)
        return status;
    server->daemon = start_daemon(server, fd); /* and closes fd when it stops */
    if (server->daemon == NULL) {
        close(fd);
        return error_set(err, STATUS_FATAL, "libmicrohttpd cannot be set up");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL)
        return error_set(err, STATUS_FATAL, "libmicrohttpd has no epoll descriptor");
    server->turn_timer = loop_timer_new(server->loop, turn_due, server);
    server->deadline_timer = loop_timer_new(server->loop, deadline_due, server);
    server->accept_timer = loop_timer_new(server->loop, accept_again, server);
    server->watch = loop_watch_new(server->loop, info->epoll_fd, daemon_ready, server);
    if (server->turn_timer == NULL || server->deadline_timer == NULL || server->accept_timer == NULL ||
        server->watch == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    return loop_watch_set(server->watch, LOOP_READ, err);
}

enum status http_server_new(struct http_server **server, struct loop *loop,
                            const struct http_server_settings *settings, http_handler_fn *handler, void *ctx,
                            struct error *err)
{
    struct http_server *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->loop = loop;
    made->handler = handler;
    made->handler_ctx = ctx;
    made->settings = *settings;
    made->settings.listen = NULL; /* the caller's */
    apply_defaults(&made->settings);
    TAILQ_INIT(&made->peers);
    TAILQ_INIT(&made->cut_peers);
    const enum status status = set_up(made, settings->listen, err);
    if (status != STATUS_OK) {
        http_server_free(made);
        return status;
    }
    *server = made;
    return STATUS_OK;
}

/* libmicrohttpd does not stop with suspended connections. */
static void resume_all(struct peer_list *peers)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, peers, link)
    if (peer->exchange != NULL && peer->exchange->suspended)
        MHD_resume_connection(peer->connection);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    loop_watch_free(server->watch);
    if (server->daemon != NULL) {
        resume_all(&server->peers);
        resume_all(&server->cut_peers);
        MHD_stop_daemon(server->daemon);
    }
    loop_timer_free(server->turn_timer);
    loop_timer_free(server->deadline_timer);
    loop_timer_free(server->accept_timer);
    free(server);
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

unsigned http_server_connections(const struct http_server *server)
{
    return server->peer_count;
}

/* ---- what was asked ---- */

enum http_method http_exchange_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

/* A found key without a value is told apart from none. */
static enum MHD_Result find_argument(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    const char **wanted = ctx; /* [0] the name, [1] the result */
    if (strcmp(name, wanted[0]) != 0)
        return MHD_YES;
    wanted[1] = value != NULL ? value : "";
    return MHD_NO;
}

const char *http_exchange_query(const struct http_exchange *exchange, const char *name)
{
    const char *wanted[2] = {name, NULL};
    MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, find_argument, wanted);
    return wanted[1];
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

struct header_count {
    const char *name;
    unsigned count;
};

static enum MHD_Result count_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    (void)value;
    struct header_count *count = ctx;
    if (strcasecmp(name, count->name) == 0)
        count->count++;
    return MHD_YES;
}

unsigned http_exchange_header_count(const struct http_exchange *exchange, const char *name)
{
    struct header_count count = {name, 0};
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, count_header, &count);
    return count.count;
}

struct slice http_exchange_body(const struct http_exchange *exchange)
{
    return (struct slice){exchange->body.length > 0 ? exchange->body.bytes : "", exchange->body.length};
}

void http_exchange_set_context(struct http_exchange *exchange, void *ctx)
{
    exchange->ctx = ctx;
}

void *http_exchange_context(const struct http_exchange *exchange)
{
    return exchange->ctx;
}
