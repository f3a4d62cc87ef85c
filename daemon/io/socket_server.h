/* SPDX-License-Identifier: PostgreSQL */
/*
 * Lines over a Unix-domain stream socket, on the loop: the control socket. Its client: io/socket_client.h.
 *
 * Invariants
 * 1. A line ends with '\n' (a '\r' before it is dropped); one longer than line_max_bytes closes the peer.
 * 2. A peer that does not read holds at most output_max_bytes of our memory: a write beyond that is refused, and no further
 *    line is taken from a peer before it has taken all that was written to it.
 * 3. A peer that neither completes a line nor takes output for idle_timeout_ms is closed; bytes without a line's end do
 *    not count. While it is busy (socket_peer_set_busy) with nothing to take, it may wait as long as the answer takes.
 * 4. Nobody is kept out by peers who want nothing: of peers_max, the one that has been idle longest (it is not busy, has
 *    taken its output, and completed no line) gives its place to a new client once it has been so for spare_ms, until which
 *    the client waits. A busy peer keeps its place unless its other end is gone. A client that finds nobody idle is refused.
 * 5. `closed` is called exactly once for each peer, at the end of a turn, whoever closed it; the pointer ends with it.
 *
 * Threading: the loop's thread.
 */
#ifndef SHOUWANG_IO_SOCKET_SERVER_H
#define SHOUWANG_IO_SOCKET_SERVER_H

#include "base/status.h"
#include "base/text.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct socket_server;
struct socket_peer;

struct socket_server_settings {
    const char *path;   /* at most 107 bytes */
    mode_t mode;        /* 0 = 0660 */
    unsigned peers_max; /* 0 = 16 */
    const char
        *refusal; /* what a client is told for whom there is no place; outlives the server. NULL: nothing */
    size_t line_max_bytes;   /* 0 = 64 KiB */
    size_t output_max_bytes; /* 0 = 1 MiB */
    int64_t idle_timeout_ms; /* 0 = 30 s */
    int64_t spare_ms;        /* 0 = 1 s: who has just come may be about to ask */
};

struct socket_server_events {
    void (*line)(void *ctx, struct socket_peer *peer, struct slice line); /* borrowed during the call */
    void (*closed)(void *ctx, struct socket_peer *peer);                  /* NULL is allowed */
};

/*
 * A socket file on which nobody listens is replaced. STATUS_CONFIG: somebody does, or something else than a
 * socket lies there.
 */
enum status socket_server_new(struct socket_server **server, struct loop *loop,
                              const struct socket_server_settings *settings,
                              const struct socket_server_events *events, void *ctx,
                              struct error *err) WARN_UNUSED;
/* Closes all peers (calling `closed`) and removes the socket file. Not from an event. NULL is allowed. */
void socket_server_free(struct socket_server *server);
unsigned socket_server_peers(const struct socket_server *server);

/* Takes all or nothing. STATUS_RETRY: the peer has not taken enough of what was written. STATUS_REJECT: it has gone, or
 * the bytes are more than output_max_bytes. */
enum status socket_peer_write(struct socket_peer *peer, const char *bytes, size_t length,
                              struct error *err) WARN_UNUSED;
/* Busy: the answer comes later; no further line is taken until it is set back. */
void socket_peer_set_busy(struct socket_peer *peer, bool busy);
void socket_peer_close(struct socket_peer *peer); /* at once; what it has not taken is lost */
void socket_peer_set_context(struct socket_peer *peer, void *ctx);
void *socket_peer_context(const struct socket_peer *peer);

/* Who is at the other end, as the kernel saw it at connect (SO_PEERCRED). */
struct socket_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
struct socket_credentials socket_peer_credentials(const struct socket_peer *peer);

#endif
