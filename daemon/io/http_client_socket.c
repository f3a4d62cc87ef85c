/* SPDX-License-Identifier: PostgreSQL */
/*
 * libcurl's sockets while it connects (and its resolver's), watched as it says. When a connection is made, libcurl waits for
 * nothing more on it, and http_client_connection.c watches it.
 */
#include "io/http_client_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_FIRST = 128 };

struct http_socket {
    struct http_client *client;
    struct loop_watch *watch;
    curl_socket_t fd;
};

/* ---- the sockets by descriptor ---- */

static struct http_socket *find_socket(const struct http_client *client, curl_socket_t fd)
{
    return (size_t)fd < client->socket_capacity ? client->sockets[fd] : NULL;
}

static bool make_room(struct http_client *client, curl_socket_t fd)
{
    size_t capacity = client->socket_capacity ? client->socket_capacity : SOCKETS_FIRST;
    while (capacity <= (size_t)fd)
        capacity *= 2;
    if (capacity == client->socket_capacity)
        return true;
    struct http_socket **grown = realloc(client->sockets, capacity * sizeof(struct http_socket *));
    if (grown == NULL)
        return false;
    memset(grown + client->socket_capacity, 0,
           (capacity - client->socket_capacity) * sizeof(struct http_socket *));
    client->sockets = grown;
    client->socket_capacity = capacity;
    return true;
}

static void drop_socket(struct http_client *client, curl_socket_t fd)
{
    struct http_socket *socket = find_socket(client, fd);
    if (socket == NULL)
        return;
    client->sockets[fd] = NULL;
    client->socket_count--;
    loop_watch_free(socket->watch);
    free(socket);
}

static void socket_ready(void *ctx, unsigned ready)
{
    const struct http_socket *socket = ctx;
    /* libcurl may end this socket meanwhile: nothing of it is used after that. */
    connections_drive(socket->client, socket->fd,
                      (ready & LOOP_READ ? CURL_CSELECT_IN : 0) |
                          (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static struct http_socket *add_socket(struct http_client *client, curl_socket_t fd)
{
    struct http_socket *socket = make_room(client, fd) ? calloc(1, sizeof *socket) : NULL;
    if (socket == NULL)
        return NULL;
    *socket = (struct http_socket){.client = client, .fd = fd};
    socket->watch = loop_watch_new(client->loop, fd, socket_ready, socket);
    if (socket->watch == NULL) {
        free(socket);
        return NULL;
    }
    client->sockets[fd] = socket;
    client->socket_count++;
    return socket;
}

/* ---- what libcurl calls: watches and the timer ---- */

/* Telling libcurl of a failure here would end every connection of the client; so only this one is ended, by and by. */
static void give_up_socket(CURL *easy)
{
    struct http_connection *connection = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&connection) == CURLE_OK && connection != NULL &&
        connection->call != NULL)
        http_call_end_later(connection->call, HTTP_LOCAL_FAILURE, "a socket could not be watched");
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *client_arg, void *unused)
{
    (void)unused;
    struct http_client *client = client_arg;
    struct http_socket *socket = find_socket(client, fd);
    struct error err;
    if (what == CURL_POLL_REMOVE) {
        drop_socket(client, fd);
        return 0;
    }
    if (socket == NULL)
        socket = add_socket(client, fd);
    const unsigned ready = (what & CURL_POLL_IN ? LOOP_READ : 0U) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0U);
    if (socket == NULL || loop_watch_set(socket->watch, ready, &err) != STATUS_OK)
        give_up_socket(easy);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *client_arg)
{
    (void)multi;
    struct http_client *client = client_arg;
    if (timeout_ms < 0)
        loop_timer_cancel(client->timer);
    else
        loop_timer_arm(client->timer, timeout_ms);
    return 0;
}

/* ---- what libcurl calls: connections ---- */

bool http_client_allows(const struct http_client *client, const struct sockaddr *address)
{
    return client->network_count == 0 ||
           address_in_networks(address, client->networks, client->network_count);
}

/* Refusing one address makes libcurl try the next one that the name has. */
static curl_socket_t open_socket(void *connection_arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http_connection *connection = connection_arg;
    if (!http_client_allows(connection->client, &address->addr)) {
        connection->not_allowed = true;
        return CURL_SOCKET_BAD;
    }
    connection->tried = true;
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    /* Without IPv6 here an address of that kind is unreachable, which is not a want of ours. */
    if (fd < 0 && errno != EAFNOSUPPORT)
        connection->socket_errno = errno;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    drop_socket(connection->client, fd); /* nothing stands there, unless libcurl closed one without a word */
    return fd;
}

static int close_socket(void *client_arg, curl_socket_t fd)
{
    drop_socket(client_arg, fd);
    return close(fd);
}

/* ---- taking all this up ---- */

bool http_client_sockets_set(struct http_client *client)
{
    return curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
           curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) == CURLM_OK &&
           curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) == CURLM_OK;
}

bool connection_sockets_set(struct http_connection *connection)
{
    CURL *easy = connection->easy;
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, connection) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, connection->client) == CURLE_OK;
}
