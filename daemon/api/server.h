/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pages over HTTP: GET / (status page), /livez, /readyz[?verbose], /metrics. Everything else is 404; another method
 * than GET and HEAD is 405. Nothing here changes anything, and nothing here is secret, but it has no password either:
 * loopback, or a proxy in front.
 *
 * Pages that need the database's figures wait for the host to look (at most one look at a time, shared by all who wait);
 * /livez waits for nothing: that it is answered is the loop's progress.
 *
 * Threading: the loop's thread.
 */
#ifndef SHOUWANG_API_SERVER_H
#define SHOUWANG_API_SERVER_H

#include "api/view.h"
#include "base/status.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct api_server;

/* What the daemon lends. */
struct api_host {
    void *ctx;
    /* Everything that can be seen now; borrowed until the next call or turn. */
    void (*view)(void *ctx, struct api_view *view);
    /* Calls seen(seen_ctx) once, later, when the database's figures are fresh or there are none to be had. False: it cannot
     * wait; seen is not called. */
    bool (*wait)(void *ctx, void (*seen)(void *seen_ctx), void *seen_ctx);
};

/* STATUS_CONFIG: the address; STATUS_RETRY: it is in use. */
enum status api_server_new(struct api_server **server, struct loop *loop, const char *listen,
                           const struct api_host *host, struct error *err) WARN_UNUSED;
/* After the host has answered all who wait. NULL is allowed. */
void api_server_free(struct api_server *server);
uint16_t api_server_port(const struct api_server *server);
unsigned api_server_connections(const struct api_server *server);

#endif
