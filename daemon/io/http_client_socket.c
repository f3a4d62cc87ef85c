/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sockets. libcurl says before each answer that it waits for a socket, and after it that it does not; to tell the kernel each
 * time would be two system calls an answer. So a socket of ours stays watched as long as it is open: what libcurl wants is kept
 * in `wanted`, and only a socket that becomes ready while nothing is wanted of it (the other side closed it) is paused.
 * That needs to know when it is closed: close_socket, which libcurl calls for every socket that connected. Sockets that libcurl makes by itself (its resolver's) are watched as
 * it says.
 */
#include "io/http_client_internal.h"

#include "base/kill_point.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS_FIRST = 128 };

struct http_socket {
    struct http_client *client;
    struct loop_watch *watch;
    curl_socket_t fd;
    unsigned wanted;
    bool ours;      /* from open_socket to close_socket */
    bool connected; /* libcurl has waited for bytes of it */
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
    if (socket->wanted == 0) {
        loop_watch_pause(socket->watch);
        return;
    }
    /* libcurl may end this socket meanwhile: nothing of it is used after that. */
    http_client_drive(socket->client, socket->fd,
                      (ready & LOOP_READ ? CURL_CSELECT_IN : 0) |
                          (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static struct http_socket *add_socket(struct http_client *client, curl_socket_t fd, bool ours)
{
    struct http_socket *socket = make_room(client, fd) ? calloc(1, sizeof *socket) : NULL;
    if (socket == NULL)
        return NULL;
    *socket = (struct http_socket){.client = client, .fd = fd, .ours = ours};
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

/* Telling libcurl of a failure here would end every call of the client; so only this one is ended, by and by. */
static void give_up_socket(struct http_client *client, CURL *easy)
{
    struct http_call *call = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call) == CURLE_OK && call != NULL)
        call->unwatched = true;
    loop_defer(client->loop, &client->unwatched_task);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *client_arg, void *unused)
{
    (void)unused;
    struct http_client *client = client_arg;
    struct http_socket *socket = find_socket(client, fd);
    struct error err;
    if (what == CURL_POLL_REMOVE) {
        /* One that never connected libcurl 7.88 closes without a word. */
        if (socket != NULL && socket->ours && socket->connected)
            socket->wanted = 0;
        else
            drop_socket(client, fd);
        return 0;
    }
    if (socket == NULL)
        socket = add_socket(client, fd, false);
    const unsigned ready = (what & CURL_POLL_IN ? LOOP_READ : 0U) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0U);
    if (socket != NULL) {
        socket->wanted = ready;
        socket->connected |= (ready & LOOP_READ) != 0;
    }
    if (socket == NULL || loop_watch_set(socket->watch, ready, &err) != STATUS_OK)
        give_up_socket(client, easy);
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

static bool address_allowed(const struct http_client *client, const struct sockaddr *address)
{
    return client->network_count == 0 ||
           address_in_networks(address, client->networks, client->network_count);
}

/* Refusing one address makes libcurl try the next one that the name has. */
static curl_socket_t open_socket(void *call_arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http_call *call = call_arg;
    if (!address_allowed(call->client, &address->addr)) {
        call->not_allowed = true;
        return CURL_SOCKET_BAD;
    }
    call->tried = true;
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    /* Without IPv6 here an address of that kind is unreachable, which is not a want of ours. */
    if (fd < 0 && errno != EAFNOSUPPORT)
        call->socket_errno = errno;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    drop_socket(call->client, fd);      /* nothing stands there, unless libcurl closed one without a word */
    add_socket(call->client, fd, true); /* without memory: watch_socket tries again */
    return fd;
}

static int close_socket(void *client_arg, curl_socket_t fd)
{
    drop_socket(client_arg, fd);
    return close(fd);
}

/* Called once a connection, new or kept, is about to carry the request. */
static int check_connection(void *call_arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    struct http_call *call = call_arg;
    KILL_POINT("send.connected");
    if (call->client->network_count == 0)
        return CURL_PREREQFUNC_OK;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *address = NULL;
    if (inet_pton(AF_INET, remote_ip, &v4.sin_addr) == 1)
        address = (const struct sockaddr *)&v4;
    else if (inet_pton(AF_INET6, remote_ip, &v6.sin6_addr) == 1)
        address = (const struct sockaddr *)&v6;
    if (address != NULL && address_allowed(call->client, address))
        return CURL_PREREQFUNC_OK;
    call->not_allowed = true;
    return CURL_PREREQFUNC_ABORT;
}

/* ---- taking all this up ---- */

bool http_client_sockets_set(struct http_client *client)
{
    return curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
           curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) == CURLM_OK &&
           curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) == CURLM_OK;
}

bool http_call_sockets_set(struct http_call *call)
{
    CURL *easy = call->easy;
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->client) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, check_connection) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) == CURLE_OK;
}
