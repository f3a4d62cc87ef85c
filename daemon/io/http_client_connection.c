/* SPDX-License-Identifier: PostgreSQL */
/*
 * Connections. libcurl makes each (CURLOPT_CONNECT_ONLY: name, addresses, TLS), and its easy handle stays as long as the
 * connection is open. Then bytes go over the socket itself where they are plain, and through libcurl where they are not
 * (curl_easy_send, curl_easy_recv). What libcurl would do beside that for each request, it took most of a delivery's time for.
 *
 * A kept connection is watched: one that the other side closes is closed at once, and one on which something comes that nobody
 * asked for as well.
 */
#include "config.h"

#include "io/http_client_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

enum {
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_INTERVAL_S = 10,
    /* Firewalls forget silent connections after some minutes, and nobody tells us: a younger one is taken or none. */
    KEPT_MAX_MS = 118 * 1000,
};

/* ---- made ---- */

static bool set_long(CURL *easy, CURLoption option, long value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_text(CURL *easy, CURLoption option, const char *value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

/* A file of one's own stands alone: the system's folder of certificates would otherwise still be trusted
 * beside it. */
static bool set_trust(CURL *easy, const struct http_route *route)
{
    const curl_version_info_data *system = curl_version_info(CURLVERSION_NOW);
    const bool own = route->ca_file != NULL;
    return set_text(easy, CURLOPT_CAINFO, own ? route->ca_file : system->cainfo) &&
           set_text(easy, CURLOPT_CAPATH, own ? NULL : system->capath) &&
           set_text(easy, CURLOPT_SSLCERT, route->client_cert_file) &&
           set_text(easy, CURLOPT_SSLKEY, route->client_key_file);
}

static bool set_options(struct http_connection *connection)
{
    static const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_CONNECT_ONLY, 1},
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_TCP_NODELAY, 1},
        {CURLOPT_TCP_KEEPALIVE, 1},
        {CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {CURLOPT_BUFFERSIZE, 1024 /* the least: nothing is read into it */},
        /* Else a CA that is replaced in its file, because the receiver's certificate was, would be taken up after a day. */
        {CURLOPT_CA_CACHE_TIMEOUT, 0},
        /* Without it a call that times out while its name is resolved waits for the resolver's thread, and
         * the loop with it. The thread is detached instead and frees what it holds when it ends. */
        {CURLOPT_QUICK_EXIT, 1},
    };
    CURL *easy = connection->easy;
    bool good = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        good &= set_long(easy, numbers[i].option, numbers[i].value);
    good &= set_text(easy, CURLOPT_PROXY, "");
    good &= set_text(easy, CURLOPT_NOPROXY, "*"); /* or the environment is read for every connection */
    good &= set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    good &= set_text(easy, CURLOPT_URL, connection->route->url);
    good &= curl_easy_setopt(easy, CURLOPT_PRIVATE, connection) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_SHARE, connection->share) == CURLE_OK;
    return good && set_trust(easy, connection->route) && connection_sockets_set(connection);
}

/* Within the connect timeout, and what is left of the whole. */
static long connect_limit_ms(const struct http_call *call)
{
    const int64_t left_ms = (call->deadline_us - clock_monotonic_us() + 999) / 1000;
    const int64_t limit_ms = left_ms < call->connect_timeout_ms ? left_ms : call->connect_timeout_ms;
    return limit_ms < 1 ? 1 : (long)limit_ms; /* 0 would mean libcurl's own default of five minutes */
}

enum status connection_open(struct http_call *call, struct error *err)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    connection->client = call->client;
    connection->route = call->route;
    connection->route->users++;
    connection->fd = -1;
    connection->easy = curl_easy_init();
    connection->share = curl_share_init();
    enum status status = STATUS_OK;
    if (connection->easy == NULL || connection->share == NULL ||
        curl_share_setopt(connection->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK ||
        !set_options(connection) ||
        !set_long(connection->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_limit_ms(call)) ||
        curl_multi_add_handle(connection->client->multi, connection->easy) != CURLM_OK)
        status = error_set(err, STATUS_FATAL, "libcurl refused a connection");
    if (status != STATUS_OK) {
        connection_close(connection);
        return status;
    }
    connection->connecting = true;
    connection->call = call;
    call->connection = connection;
    return STATUS_OK;
}

static void socket_ready(void *ctx, unsigned ready)
{
    struct http_connection *connection = ctx;
    char byte;
    size_t got;
    if (connection->call != NULL)
        http_call_ready(connection->call, ready);
    else if (connection_receive(connection, &byte, 1, &got) != TRANSFER_WAITS)
        connection_close(connection);
}

/* Its socket is ours to watch from now on. False: it cannot be. */
static bool take_socket(struct http_connection *connection)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    socklen_t length = sizeof connection->peer;
    if (curl_easy_getinfo(connection->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
        return false;
    connection->fd = fd;
    if (getpeername(fd, (struct sockaddr *)&connection->peer, &length) != 0)
        connection->peer.ss_family = AF_UNSPEC; /* gone already, as sending will tell */
    connection->watch = loop_watch_new(connection->client->loop, fd, socket_ready, connection);
    return connection->watch != NULL && connection_watch(connection, false);
}

static int64_t time_us(CURL *easy, CURLINFO info)
{
    curl_off_t time = 0;
    return curl_easy_getinfo(easy, info, &time) == CURLE_OK ? time : 0;
}

static void connection_opened(struct http_connection *connection, CURLcode code)
{
    struct http_call *call = connection->call;
    if (code == CURLE_OK) {
        connection->connecting = false;
        call->connect_us = time_us(connection->easy, connection->route->is_tls ? CURLINFO_APPCONNECT_TIME_T
                                                                               : CURLINFO_CONNECT_TIME_T);
        if (!take_socket(connection))
            code = CURLE_FAILED_INIT;
    }
    http_call_connected(call, code);
}

void connections_drive(struct http_client *client, curl_socket_t fd, int events)
{
    const CURLMsg *message;
    int count;
    curl_multi_socket_action(client->multi, fd, events, &count);
    while ((message = curl_multi_info_read(client->multi, &count)) != NULL) {
        struct http_connection *connection = NULL;
        const CURLcode code = message->data.result; /* the message ends with what follows */
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&connection);
        if (connection != NULL && connection->connecting && connection->call != NULL)
            connection_opened(connection, code);
    }
}

/* ---- kept, closed ---- */

static void take_out_of_kept(struct http_connection *connection)
{
    TAILQ_REMOVE(&connection->client->kept, connection, link);
    TAILQ_REMOVE(&connection->route->kept, connection, route_link);
    connection->client->kept_count--;
}

void connection_close(struct http_connection *connection)
{
    if (connection->kept_at_ms != 0)
        take_out_of_kept(connection);
    if (connection->call != NULL)
        connection->call->connection = NULL;
    loop_watch_free(connection->watch); /* before its descriptor */
    if (connection->easy != NULL) {
        curl_multi_remove_handle(connection->client->multi, connection->easy);
        curl_easy_cleanup(connection->easy);
    }
    if (connection->share != NULL)
        curl_share_cleanup(connection->share);
    route_release(connection->route);
    free(connection);
}

static bool too_old(const struct http_connection *connection, int64_t now_ms)
{
    return now_ms - connection->kept_at_ms > KEPT_MAX_MS;
}

void connection_keep(struct http_connection *connection)
{
    struct http_client *client = connection->client;
    struct http_connection *first;
    const int64_t now_ms = clock_monotonic_ms();
    connection->call->connection = NULL;
    connection->call = NULL;
    connection->used = true;
    connection->kept_at_ms = now_ms > 0 ? now_ms : 1;
    TAILQ_INSERT_TAIL(&client->kept, connection, link);
    TAILQ_INSERT_TAIL(&connection->route->kept, connection, route_link);
    client->kept_count++;
    while ((first = TAILQ_FIRST(&client->kept)) != NULL &&
           (client->kept_count > client->kept_max || too_old(first, now_ms)))
        connection_close(first);
}

struct http_connection *connection_take_kept(struct http_call *call)
{
    struct http_client *client = call->client;
    struct http_connection *connection;
    while ((connection = TAILQ_LAST(&call->route->kept, kept_list)) != NULL) {
        if (!too_old(connection, clock_monotonic_ms()) &&
            http_client_allows(client, (const struct sockaddr *)&connection->peer)) {
            take_out_of_kept(connection);
            connection->kept_at_ms = 0;
            connection->call = call;
            call->connection = connection;
            return connection;
        }
        connection_close(connection);
    }
    return NULL;
}

/* ---- bytes ---- */

static enum transfer transfer_of(CURLcode code)
{
    return code == CURLE_OK ? TRANSFERRED : code == CURLE_AGAIN ? TRANSFER_WAITS : TRANSFER_BROKEN;
}

static enum transfer transfer_of_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? TRANSFER_WAITS : TRANSFER_BROKEN;
}

enum transfer connection_send(struct http_connection *connection, const char *bytes, size_t length,
                              size_t *sent)
{
    *sent = 0;
    if (connection->route->is_tls)
        return transfer_of(curl_easy_send(connection->easy, bytes, length, sent));
    const ssize_t count = send(connection->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0)
        return transfer_of_errno();
    *sent = (size_t)count;
    return TRANSFERRED;
}

enum transfer connection_receive(struct http_connection *connection, char *bytes, size_t size, size_t *got)
{
    enum transfer transfer = TRANSFERRED;
    *got = 0;
    if (connection->route->is_tls) {
        transfer = transfer_of(curl_easy_recv(connection->easy, bytes, size, got));
    } else {
        const ssize_t count = recv(connection->fd, bytes, size, MSG_DONTWAIT);
        if (count < 0)
            return transfer_of_errno();
        *got = (size_t)count;
    }
    return transfer == TRANSFERRED && *got == 0 ? TRANSFER_ENDED : transfer;
}

bool connection_watch(struct http_connection *connection, bool for_room)
{
    struct error err;
    return loop_watch_set(connection->watch, for_room ? LOOP_READ | LOOP_WRITE : LOOP_READ, &err) ==
           STATUS_OK;
}
