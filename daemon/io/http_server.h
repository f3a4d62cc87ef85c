/* SPDX-License-Identifier: PostgreSQL */
/*
 * A small HTTP/1.1 server on the loop, for the status page, metrics and health. The only user of libmicrohttpd. TLS is
 * the business of a reverse proxy in front of it.
 *
 * A request is gathered whole (headers, then the body up to its limit) and handed to the handler as an
 * exchange. The handler answers with http_exchange_reply, at once or later (after the database has spoken).
 *
 * Invariants
 * 1. Connections are bounded in number, in number per address, in memory and in time: a connection has deadline_ms from
 *    its start, or from the end of the previous exchange, until the next answer has been taken. Activity does not
 *    extend it. When nearly all connections are taken, the one that has kept us waiting the longest is ended for each
 *    that comes.
 * 2. A request that two parsers could read in two ways (repeated or conflicting lengths, odd transfer codings, no or
 *    several Hosts, an escaped zero byte in the target) is answered 400 and its connection closed; it never reaches the
 *    handler.
 * 3. Every exchange given to the handler is answered exactly once with http_exchange_reply, and it and its texts exist until
 *    then, even if the client has gone or its deadline has passed (it was sent 503). If the server was freed meanwhile,
 *    nothing else may be asked of the exchange.
 *
 * Threading: the loop's thread.
 */
#ifndef SHOUWANG_IO_HTTP_SERVER_H
#define SHOUWANG_IO_HTTP_SERVER_H

#include "base/status.h"
#include "base/text.h"
#include "io/loop.h"

#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_exchange;

struct http_server_settings {
    const char *listen;               /* "127.0.0.1:8090" or "[::1]:8090"; port 0 = any free one */
    unsigned connections_max;         /* 0 = 64 */
    unsigned connections_per_address; /* 0 = connections_max: behind a proxy all come from one address */
    int64_t deadline_ms;              /* 0 = 10 s */
    size_t connection_memory_bytes; /* request line and headers, and the answer's headers; 0 = 32 KiB; more is
                                       431 */
    size_t body_max_bytes;          /* 0 = 64 KiB; more is 413 */
};

typedef void http_handler_fn(void *ctx, struct http_exchange *exchange);

/* STATUS_CONFIG: the address; STATUS_RETRY: it is in use. */
enum status http_server_new(struct http_server **server, struct loop *loop,
                            const struct http_server_settings *settings, http_handler_fn *handler, void *ctx,
                            struct error *err) WARN_UNUSED;
/* Closes everything. Not from a handler. NULL is allowed. */
void http_server_free(struct http_server *server);
uint16_t http_server_port(const struct http_server *server);
unsigned http_server_connections(const struct http_server *server);

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST }; /* others are answered 405 without the handler */

/* What was asked. Texts are borrowed until the reply; they may be no UTF-8 but hold no zero byte. */
enum http_method http_exchange_method(const struct http_exchange *exchange);
const char *http_exchange_path(const struct http_exchange *exchange); /* percent-decoded, begins with '/' */
/* A query parameter, decoded; "" when it has no value, NULL when absent. The first of several. */
const char *http_exchange_query(const struct http_exchange *exchange, const char *name);
/* A header's value; names in any case; NULL when absent. The first of several: see
 * http_exchange_header_count. */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);
unsigned http_exchange_header_count(const struct http_exchange *exchange, const char *name);
struct slice http_exchange_body(const struct http_exchange *exchange); /* may hold any byte */
/* For the caller's own bookkeeping while the answer is outstanding. */
void http_exchange_set_context(struct http_exchange *exchange, void *ctx);
void *http_exchange_context(const struct http_exchange *exchange);

struct http_response_header {
    const char *name;
    const char *value;
};

struct http_response {
    unsigned status;          /* 200–599 */
    const char *content_type; /* NULL = none */
    struct slice body;        /* a HEAD request is told its length only */
    const struct http_response_header *headers;
    size_t header_count;
};

/* Answers and gives the exchange back; everything is copied. A header that cannot be sent (control
 * characters) makes it a 500. */
void http_exchange_reply(struct http_exchange *exchange, const struct http_response *response);
/* The same with a plain text of our own. */
void http_exchange_reply_text(struct http_exchange *exchange, unsigned status, const char *text);

#endif
