/* SPDX-License-Identifier: PostgreSQL */
/*
 * A peer takes lines while it is neither busy, nor has output to take (takes_lines); refresh derives from its state what the loop watches and whether the idle deadline runs, and is called after each change.
 * Whoever ends a peer calls end_peer: the descriptor is closed at once, the memory and the place at the end of the turn.
 */
#include "config.h"

#include "io/socket_server.h"

#include "base/clock.h"
#include "io/address.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MODE_DEFAULT = 0660,
    PEERS_DEFAULT = 16,
    LINE_MAX_DEFAULT = 64 * 1024,
    OUTPUT_MAX_DEFAULT = 1024 * 1024,
    IDLE_DEFAULT_MS = 30 * 1000,
    SPARE_DEFAULT_MS = 1000,
    /* How long to leave new clients in the socket's queue when there is no descriptor or no place for them. */
    ACCEPT_PAUSE_MS = 200,
};

struct socket_peer {
    struct socket_server *server;
    TAILQ_ENTRY(socket_peer) link;
    int fd; /* -1 once ended */
    struct loop_watch *watch;
    struct loop_timer *idle_timer;
    struct loop_task lines_task; /* takes lines that came earlier */
    struct loop_task end_task;   /* `closed`, and free */
    struct text input;
    struct text output;
    size_t written;    /* of output */
    int64_t active_ms; /* monotonic: when it came, completed a line, took output, or was answered */
    bool busy;
    bool input_ended;
    void *ctx;
    struct socket_credentials credentials;
};

TAILQ_HEAD(peer_list, socket_peer);

struct socket_server {
    struct loop *loop;
    struct socket_server_settings settings;
    struct socket_server_events events;
    void *ctx;
    struct sockaddr_un address;
    dev_t device; /* of the socket file, to remove no other's */
    ino_t inode;
    bool bound;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *accept_timer;
    struct peer_list peers;
    unsigned peer_count;
};

/* ---- peers: their end ---- */

static size_t pending_output(const struct socket_peer *peer)
{
    return peer->output.length - peer->written;
}

static void accept_again(void *ctx);

static void free_peer(struct socket_peer *peer)
{
    struct socket_server *server = peer->server;
    if (server->events.closed != NULL)
        server->events.closed(server->ctx, peer);
    TAILQ_REMOVE(&server->peers, peer, link);
    server->peer_count--;
    loop_task_cancel(server->loop, &peer->lines_task);
    loop_timer_free(peer->idle_timer);
    text_fini(&peer->input);
    text_fini(&peer->output);
    free(peer);
    if (loop_timer_armed(server->accept_timer))
        accept_again(server); /* this was what the client in the queue waits for */
}

static void free_ended(void *ctx)
{
    free_peer(ctx);
}

static void end_peer(struct socket_peer *peer)
{
    if (peer->fd < 0)
        return;
    loop_watch_free(peer->watch);
    peer->watch = NULL;
    close(peer->fd);
    peer->fd = -1;
    loop_timer_cancel(peer->idle_timer);
    loop_defer(peer->server->loop, &peer->end_task);
}

/* ---- peers: what they wait for ---- */

static bool takes_lines(const struct socket_peer *peer)
{
    return peer->fd >= 0 && !peer->busy && pending_output(peer) == 0;
}

static void restart_idle(struct socket_peer *peer)
{
    peer->active_ms = clock_monotonic_ms();
    loop_timer_cancel(peer->idle_timer); /* refresh arms it where it applies */
}

static void refresh(struct socket_peer *peer)
{
    struct error err;
    if (peer->fd < 0)
        return;
    const bool has_output = pending_output(peer) > 0;
    if (!has_output && !peer->busy && peer->input_ended) {
        end_peer(peer);
        return;
    }
    if (peer->busy && !has_output)
        loop_timer_cancel(peer->idle_timer);
    else if (!loop_timer_armed(peer->idle_timer))
        loop_timer_arm(peer->idle_timer, peer->server->settings.idle_timeout_ms);
    const unsigned ready =
        (takes_lines(peer) && !peer->input_ended ? LOOP_READ : 0U) | (has_output ? LOOP_WRITE : 0U);
    if (loop_watch_set(peer->watch, ready, &err) != STATUS_OK)
        end_peer(peer);
}

static void idle_due(void *ctx)
{
    end_peer(ctx);
}

/* ---- peers: lines in ---- */

/* Hands over the whole lines of the input for as long as the peer takes them; what is left moves to the front. */
static void deliver_lines(struct socket_peer *peer)
{
    size_t taken = 0;
    while (takes_lines(peer)) {
        const char *begin = peer->input.bytes + taken;
        const size_t length = peer->input.length - taken;
        const char *end = length > 0 ? memchr(begin, '\n', length) : NULL;
        if (end == NULL)
            break;
        struct slice line = {begin, (size_t)(end - begin)};
        taken += line.length + 1;
        if (line.length > 0 && line.bytes[line.length - 1] == '\r')
            line.length--;
        if (line.length > peer->server->settings.line_max_bytes) {
            end_peer(peer);
            return;
        }
        restart_idle(peer);
        peer->server->events.line(peer->server->ctx, peer, line);
    }
    if (taken > 0) {
        memmove(peer->input.bytes, peer->input.bytes + taken, peer->input.length - taken);
        peer->input.length -= taken;
    }
}

static void lines_due(void *ctx)
{
    struct socket_peer *peer = ctx;
    deliver_lines(peer);
    refresh(peer);
}

static bool has_line(const struct socket_peer *peer)
{
    return peer->input.length > 0 && memchr(peer->input.bytes, '\n', peer->input.length) != NULL;
}

static void read_input(struct socket_peer *peer)
{
    char block[8192];
    const size_t input_max = peer->server->settings.line_max_bytes + 2; /* and "\r\n" */
    const size_t room = input_max - peer->input.length;
    const ssize_t got = recv(peer->fd, block, room < sizeof block ? room : sizeof block, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        end_peer(peer);
        return;
    }
    peer->input_ended = got == 0;
    text_add(&peer->input, block, (size_t)got);
    deliver_lines(peer);
    if (peer->input.failed || (peer->input.length >= input_max && !has_line(peer)))
        end_peer(peer);
}

/* ---- peers: output ---- */

static void write_output(struct socket_peer *peer)
{
    while (pending_output(peer) > 0) {
        const ssize_t sent = send(peer->fd, peer->output.bytes + peer->written, pending_output(peer),
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            if (errno != EAGAIN)
                end_peer(peer);
            return;
        }
        peer->written += (size_t)sent;
        restart_idle(peer);
    }
    text_clear(&peer->output);
    peer->written = 0;
}

static void peer_ready(void *ctx, unsigned ready)
{
    struct socket_peer *peer = ctx;
    if (ready & LOOP_WRITE) {
        write_output(peer);
        deliver_lines(peer);
    }
    if ((ready & LOOP_READ) && takes_lines(peer) && !peer->input_ended)
        read_input(peer);
    refresh(peer);
}

enum status socket_peer_write(struct socket_peer *peer, const char *bytes, size_t length, struct error *err)
{
    const size_t limit = peer->server->settings.output_max_bytes;
    if (peer->fd < 0)
        return error_set(err, STATUS_REJECT, "the client has gone");
    if (length > limit)
        return error_set(err, STATUS_REJECT, "%zu bytes at once are too many: expected at most %zu", length,
                         limit);
    const bool queued = pending_output(peer) > 0; /* behind it; the loop tells when there is room */
    if (length > limit - pending_output(peer))
        return error_set(err, STATUS_RETRY, "the client does not read");
    /* What was written makes room before the buffer grows. */
    if (peer->written > 0) {
        memmove(peer->output.bytes, peer->output.bytes + peer->written, pending_output(peer));
        peer->output.length -= peer->written;
        peer->written = 0;
    }
    text_add(&peer->output, bytes, length);
    if (peer->output.failed) {
        end_peer(peer);
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    if (!queued)
        write_output(peer);
    refresh(peer);
    return STATUS_OK;
}

void socket_peer_set_busy(struct socket_peer *peer, bool busy)
{
    if (peer->busy == busy)
        return;
    peer->busy = busy;
    restart_idle(peer);
    /* Not from here: this may be inside of a callback that goes on to use the peer. */
    if (!busy && peer->fd >= 0)
        loop_defer(peer->server->loop, &peer->lines_task);
    else
        refresh(peer);
}

void socket_peer_close(struct socket_peer *peer)
{
    end_peer(peer);
}

void socket_peer_set_context(struct socket_peer *peer, void *ctx)
{
    peer->ctx = ctx;
}

void *socket_peer_context(const struct socket_peer *peer)
{
    return peer->ctx;
}

struct socket_credentials socket_peer_credentials(const struct socket_peer *peer)
{
    return peer->credentials;
}

/* ---- the server: clients come ---- */

static bool read_credentials(int fd, struct socket_credentials *credentials)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return false;
    *credentials = (struct socket_credentials){.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
    return true;
}

/* Takes fd over. Without the memory it is closed. */
static void add_peer(struct socket_server *server, int fd)
{
    struct socket_peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL) {
        close(fd);
        return;
    }
    peer->server = server;
    peer->fd = fd;
    peer->lines_task = (struct loop_task){.run = lines_due, .ctx = peer};
    peer->end_task = (struct loop_task){.run = free_ended, .ctx = peer};
    text_init(&peer->input);
    text_init(&peer->output);
    peer->watch = loop_watch_new(server->loop, fd, peer_ready, peer);
    peer->idle_timer = loop_timer_new(server->loop, idle_due, peer);
    if (peer->watch == NULL || peer->idle_timer == NULL || !read_credentials(fd, &peer->credentials)) {
        loop_watch_free(peer->watch);
        loop_timer_free(peer->idle_timer);
        close(fd);
        free(peer);
        return;
    }
    TAILQ_INSERT_TAIL(&server->peers, peer, link);
    server->peer_count++;
    restart_idle(peer);
    refresh(peer);
}

static void refuse_client(const struct socket_server *server, int fd)
{
    const char *refusal = server->settings.refusal;
    if (refusal != NULL)
        (void)!send(fd, refusal, strlen(refusal), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

/* ---- the server: places for those who come ---- */

static bool is_idle(const struct socket_peer *peer)
{
    return takes_lines(peer) && !has_line(peer);
}

static bool hung_up(int fd)
{
    struct pollfd look = {.fd = fd};
    return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

static void give_place(struct socket_peer *peer)
{
    const int64_t spare_ms = peer->server->settings.spare_ms;
    if (clock_monotonic_ms() - peer->active_ms < spare_ms)
        return;
    peer_ready(peer, LOOP_READ); /* we may have been away for so long, and it has asked meanwhile */
    if (peer->fd >= 0 && is_idle(peer) && clock_monotonic_ms() - peer->active_ms >= spare_ms)
        end_peer(peer);
}

/* All places are taken. False: by peers who wait for their answers; true: one is about to be free, or will be when a peer
 * that asks nothing has been spared long enough. */
static bool place_comes(struct socket_server *server)
{
    struct socket_peer *peer, *idlest = NULL;
    TAILQ_FOREACH(peer, &server->peers, link)
    {
        if (peer->busy && hung_up(peer->fd))
            end_peer(peer);
        if (peer->fd < 0)
            return true;
        if (is_idle(peer) && (idlest == NULL || peer->active_ms < idlest->active_ms))
            idlest = peer;
    }
    if (idlest != NULL)
        give_place(idlest);
    return idlest != NULL;
}

/* The clients stay in the queue, and the socket stays ready: without a pause the loop would spin. */
static void pause_accepting(struct socket_server *server)
{
    loop_watch_pause(server->watch);
    loop_timer_arm(server->accept_timer, ACCEPT_PAUSE_MS);
}

static void accept_again(void *ctx)
{
    struct socket_server *server = ctx;
    struct error err;
    loop_timer_cancel(server->accept_timer);
    if (loop_watch_set(server->watch, LOOP_READ, &err) != STATUS_OK)
        loop_timer_arm(server->accept_timer, ACCEPT_PAUSE_MS);
}

/* One a turn: those who have come already are heard in between. */
static void client_waits(void *ctx, unsigned ready)
{
    (void)ready;
    struct socket_server *server = ctx;
    const bool full = server->peer_count >= server->settings.peers_max;
    if (full && place_comes(server)) {
        pause_accepting(server);
        return;
    }
    const int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && full)
        refuse_client(server, fd);
    else if (fd >= 0)
        add_peer(server, fd);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_accepting(server);
}

/* ---- the server: its socket ---- */

/* Makes way for our socket: removes a file on which nobody listens, and nothing else. */
static enum status clear_path(const struct sockaddr_un *address, struct error *err)
{
    const char *path = address->sun_path;
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT
                   ? STATUS_OK
                   : error_set(err, STATUS_CONFIG, "%s: cannot look at it: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, STATUS_CONFIG, "%s: is no socket; not replaced", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(err, STATUS_RETRY, "cannot make a socket: %s", strerror(errno));
    const int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    const int number = errno;
    close(fd);
    if (rc == 0 || number != ECONNREFUSED)
        return error_set(err, STATUS_CONFIG, "%s: somebody listens there already", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return error_set(err, STATUS_CONFIG, "%s: cannot remove the old socket: %s", path, strerror(errno));
    return STATUS_OK;
}

static enum status bind_socket(struct socket_server *server, struct error *err)
{
    const char *path = server->address.sun_path;
    const mode_t mode = server->settings.mode;
    struct stat st;
    /* The mode of the socket is that of the file when it is made, less the umask: never wider than asked, not even for a
     * moment; the chmod gives back what the umask took. */
    if (fchmod(server->fd, mode) != 0 ||
        bind(server->fd, (const struct sockaddr *)&server->address, sizeof server->address) != 0)
        return error_set(err, STATUS_CONFIG, "%s: cannot make the socket: %s", path, strerror(errno));
    server->bound = true;
    if (lstat(path, &st) != 0 || chmod(path, mode) != 0 || listen(server->fd, SOMAXCONN) != 0)
        return error_set(err, STATUS_CONFIG, "%s: cannot listen: %s", path, strerror(errno));
    server->device = st.st_dev;
    server->inode = st.st_ino;
    return STATUS_OK;
}

static enum status open_server(struct socket_server *server, struct error *err)
{
    enum status status = address_of_path(server->settings.path, &server->address, err);
    if (status == STATUS_OK)
        status = clear_path(&server->address, err);
    if (status != STATUS_OK)
        return status;
    server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->fd < 0)
        return error_set(err, STATUS_RETRY, "cannot make a socket: %s", strerror(errno));
    status = bind_socket(server, err);
    if (status != STATUS_OK)
        return status;
    server->accept_timer = loop_timer_new(server->loop, accept_again, server);
    server->watch = loop_watch_new(server->loop, server->fd, client_waits, server);
    if (server->accept_timer == NULL || server->watch == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    return loop_watch_set(server->watch, LOOP_READ, err);
}

static void apply_defaults(struct socket_server_settings *settings)
{
    if (settings->mode == 0)
        settings->mode = MODE_DEFAULT;
    if (settings->peers_max == 0)
        settings->peers_max = PEERS_DEFAULT;
    if (settings->line_max_bytes == 0)
        settings->line_max_bytes = LINE_MAX_DEFAULT;
    if (settings->output_max_bytes == 0)
        settings->output_max_bytes = OUTPUT_MAX_DEFAULT;
    if (settings->idle_timeout_ms <= 0)
        settings->idle_timeout_ms = IDLE_DEFAULT_MS;
    if (settings->spare_ms <= 0)
        settings->spare_ms = SPARE_DEFAULT_MS;
}

enum status socket_server_new(struct socket_server **server, struct loop *loop,
                              const struct socket_server_settings *settings,
                              const struct socket_server_events *events, void *ctx, struct error *err)
{
    struct socket_server *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->loop = loop;
    made->settings = *settings;
    made->events = *events;
    made->ctx = ctx;
    made->fd = -1;
    TAILQ_INIT(&made->peers);
    apply_defaults(&made->settings);
    const enum status status = open_server(made, err);
    made->settings.path = NULL; /* the caller's */
    if (status != STATUS_OK) {
        socket_server_free(made);
        return status;
    }
    *server = made;
    return STATUS_OK;
}

static void remove_own_file(const struct socket_server *server)
{
    struct stat st;
    if (server->bound && lstat(server->address.sun_path, &st) == 0 && st.st_dev == server->device &&
        st.st_ino == server->inode)
        unlink(server->address.sun_path);
}

void socket_server_free(struct socket_server *server)
{
    if (server == NULL)
        return;
    struct socket_peer *peer;
    while ((peer = TAILQ_FIRST(&server->peers)) != NULL) {
        end_peer(peer);
        loop_task_cancel(server->loop, &peer->end_task);
        free_peer(peer);
    }
    remove_own_file(server);
    loop_watch_free(server->watch);
    loop_timer_free(server->accept_timer);
    if (server->fd >= 0)
        close(server->fd);
    free(server);
}

unsigned socket_server_peers(const struct socket_server *server)
{
    return server->peer_count;
}
