/* SPDX-License-Identifier: PostgreSQL */
/*
 * The other end of io/socket_server.h, for shouwangctl: lines over a Unix-domain stream socket. Every call blocks, but never
 * longer than timeout_ms.
 *
 * Errors: STATUS_RETRY when nobody listens, the time is over, or the other side has closed; STATUS_CONFIG for a path that
 * cannot be connected to; STATUS_REJECT for a line that may not be sent, or is longer than line_max_bytes.
 * Threading: one thread at a time.
 */
#ifndef SHOUWANG_IO_SOCKET_CLIENT_H
#define SHOUWANG_IO_SOCKET_CLIENT_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct socket_client;

/* The path has at most 107 bytes. */
enum status socket_client_connect(struct socket_client **client, const char *path, size_t line_max_bytes,
                                  int64_t timeout_ms, struct error *err) WARN_UNUSED;
void socket_client_free(struct socket_client *client); /* NULL is allowed */
/* Sends the line and a '\n', which may not be in it. */
enum status socket_client_send(struct socket_client *client, struct slice line, int64_t timeout_ms,
                               struct error *err) WARN_UNUSED;
/* The next line, borrowed until the next call. *ended: the other side closed after its last line. */
enum status socket_client_read(struct socket_client *client, struct slice *line, bool *ended,
                               int64_t timeout_ms, struct error *err) WARN_UNUSED;

#endif
