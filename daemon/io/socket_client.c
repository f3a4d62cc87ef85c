/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/socket_client.h"

#include "base/clock.h"
#include "io/address.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

struct socket_client {
    int fd;
    size_t line_max;
    struct text input;
    size_t taken;   /* of input: the line that was given last */
    size_t scanned; /* of input: holds no line end */
    bool input_ended;
};

/* Waits until fd is ready or the time is over (false). */
static bool wait_ready(int fd, short what, int64_t due_ms)
{
    for (;;) {
        const int64_t left_ms = due_ms - clock_monotonic_ms();
        struct pollfd wait = {.fd = fd, .events = what};
        if (left_ms <= 0)
            return false;
        const int rc = poll(&wait, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
        if (rc > 0 || (rc < 0 && errno != EINTR))
            return true; /* an error shows in the call that follows */
    }
}

static int64_t due_after(int64_t timeout_ms)
{
    const int64_t now_ms = clock_monotonic_ms();
    return timeout_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + timeout_ms;
}

static enum status connect_within(int fd, const struct sockaddr_un *address, int64_t timeout_ms,
                                  struct error *err)
{
    const char *path = address->sun_path;
    /* Where the server's queue is full, connect waits, and this bounds how long. */
    const struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return STATUS_OK;
    switch (errno) {
    case ENOENT:
    case ECONNREFUSED:
        return error_set(err, STATUS_RETRY, "%s: nobody listens there", path);
    case EAGAIN:
    case EINTR:
        return error_set(err, STATUS_RETRY, "%s: no connection within %lld ms", path, (long long)timeout_ms);
    default:
        return error_set(err, STATUS_CONFIG, "%s: cannot connect: %s", path, strerror(errno));
    }
}

enum status socket_client_connect(struct socket_client **client, const char *path, size_t line_max_bytes,
                                  int64_t timeout_ms, struct error *err)
{
    struct sockaddr_un address;
    enum status status = address_of_path(path, &address, err);
    if (status != STATUS_OK)
        return status;
    struct socket_client *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->line_max = line_max_bytes;
    text_init(&made->input);
    made->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made->fd < 0)
        status = error_set(err, STATUS_RETRY, "cannot make a socket: %s", strerror(errno));
    else
        status = connect_within(made->fd, &address, timeout_ms < 1 ? 1 : timeout_ms, err);
    if (status != STATUS_OK) {
        socket_client_free(made);
        return status;
    }
    *client = made;
    return STATUS_OK;
}

void socket_client_free(struct socket_client *client)
{
    if (client == NULL)
        return;
    if (client->fd >= 0)
        close(client->fd);
    text_fini(&client->input);
    free(client);
}

static enum status send_within(int fd, const char *bytes, size_t length, int64_t due_ms, struct error *err)
{
    while (length > 0) {
        if (!wait_ready(fd, POLLOUT, due_ms))
            return error_set(err, STATUS_RETRY, "the daemon did not take the request in time");
        const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (sent < 0)
            return error_set(err, STATUS_RETRY, "the daemon has closed the connection");
        bytes += sent;
        length -= (size_t)sent;
    }
    return STATUS_OK;
}

enum status socket_client_send(struct socket_client *client, struct slice line, int64_t timeout_ms,
                               struct error *err)
{
    if (line.length > 0 && memchr(line.bytes, '\n', line.length) != NULL)
        return error_set(err, STATUS_REJECT, "a request is one line: no line end may be in it");
    const int64_t due_ms = due_after(timeout_ms);
    const enum status status = send_within(client->fd, line.bytes, line.length, due_ms, err);
    return status != STATUS_OK ? status : send_within(client->fd, "\n", 1, due_ms, err);
}

/* Takes the line that begins the input, if it is whole. */
static bool take_line(struct socket_client *client, struct slice *line)
{
    if (client->input.length == client->scanned)
        return false;
    const char *end =
        memchr(client->input.bytes + client->scanned, '\n', client->input.length - client->scanned);
    client->scanned = end != NULL ? 0 : client->input.length;
    if (end == NULL)
        return false;
    *line = (struct slice){client->input.bytes, (size_t)(end - client->input.bytes)};
    client->taken = line->length + 1;
    if (line->length > 0 && line->bytes[line->length - 1] == '\r')
        line->length--;
    return true;
}

static enum status line_too_long(const struct socket_client *client, struct error *err)
{
    return error_set(err, STATUS_REJECT, "the daemon's answer has a line of more than %zu bytes",
                     client->line_max);
}

static enum status receive_within(struct socket_client *client, int64_t due_ms, struct error *err)
{
    char block[16 * 1024];
    if (client->input.length > client->line_max)
        return line_too_long(client, err);
    if (!wait_ready(client->fd, POLLIN, due_ms))
        return error_set(err, STATUS_RETRY, "the daemon did not answer in time");
    const ssize_t got = recv(client->fd, block, sizeof block, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return STATUS_OK;
    if (got < 0)
        return error_set(err, STATUS_RETRY, "the connection to the daemon broke: %s", strerror(errno));
    client->input_ended = got == 0;
    text_add(&client->input, block, (size_t)got);
    if (client->input.failed)
        return error_set(err, STATUS_FATAL, "out of memory");
    return STATUS_OK;
}

enum status socket_client_read(struct socket_client *client, struct slice *line, bool *ended,
                               int64_t timeout_ms, struct error *err)
{
    const int64_t due_ms = due_after(timeout_ms);
    if (client->taken > 0) {
        memmove(client->input.bytes, client->input.bytes + client->taken,
                client->input.length - client->taken);
        client->input.length -= client->taken;
        client->taken = 0;
    }
    *ended = false;
    while (!take_line(client, line)) {
        if (client->input_ended && client->input.length > 0)
            return error_set(err, STATUS_RETRY, "the daemon closed the connection in the middle of a line");
        if (client->input_ended) {
            *ended = true;
            return STATUS_OK;
        }
        const enum status status = receive_within(client, due_ms, err);
        if (status != STATUS_OK)
            return status;
    }
    return line->length > client->line_max ? line_too_long(client, err) : STATUS_OK;
}
