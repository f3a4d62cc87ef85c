/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the parts of the HTTP client share.
 *
 *     http_client.c             the client; calls: made, begun, ended, used again
 *     http_client_connection.c  connections: made by libcurl, carrying, kept, closed
 *     http_client_socket.c      libcurl's sockets and timer while it connects; which addresses are allowed
 *     http_client_route.c       where a call goes: URL, trust, certificate; what is sent to there each time
 *     http_client_outcome.c     what a call's end means
 *     http_client_url.c         URLs, Retry-After
 *
 * A connection's states, and who moves it:
 *
 *     (none) ── connection_open ──► CONNECTING ── connection_opened ──► CARRYING ── connection_keep ──► KEPT
 *                                                                          ▲                             │
 *                                                                          └──── connection_take_kept ───┘
 *     connection_close ends it in each of them.
 *
 * Invariants
 * 1. A connection has a call unless it is KEPT, and then it is in client->kept and in its route's kept.
 * 2. A call under way has a connection, or it is ending: end_ending ends it at the end of the turn.
 */
#ifndef SHOUWANG_IO_HTTP_CLIENT_INTERNAL_H
#define SHOUWANG_IO_HTTP_CLIENT_INTERNAL_H

#include "io/http_answer.h"
#include "io/http_client.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum { HTTP_CALL_TEXT_SIZE = 256 };

struct http_socket;

/* Calls to the same URL, with the same trust and certificate, take turns over the same connections. Gone with its last user. */
TAILQ_HEAD(kept_list, http_connection);

struct http_route {
    TAILQ_ENTRY(http_route) link;
    struct http_client *client;
    uint64_t hash; /* of the URL */
    char *url, *ca_file, *client_cert_file, *client_key_file;
    bool is_tls;
    char *target;          /* path and query, as they stand in the request line */
    struct text head;      /* the header lines that are always the same */
    unsigned users;        /* calls and connections */
    struct kept_list kept; /* the one used last is the last */
};

struct http_connection {
    struct http_client *client;
    struct http_route *route;
    struct http_call *call; /* NULL: kept */
    TAILQ_ENTRY(http_connection) link, route_link;
    CURL *easy; /* stays in the multi handle as long as the connection is open */
    CURLSH *
        share; /* libcurl's cache with this connection alone, so that libcurl never closes it for another's sake */
    bool connecting;  /* libcurl's */
    bool used;        /* it has carried a request to its end */
    bool send_failed; /* what is not sent cannot be */
    bool reset;       /* it broke while the answer was awaited */
    int fd;
    struct loop_watch *watch; /* from connection_opened */
    struct sockaddr_storage peer;
    int64_t kept_at_ms; /* monotonic */
    /* While it connects: */
    bool not_allowed; /* an address was refused */
    bool tried;       /* an allowed one was not */
    int socket_errno; /* the process had no socket for it */
};

struct http_call {
    struct http_client *client;
    TAILQ_ENTRY(http_call) link; /* in calls, or in idle */
    struct http_route *route;
    struct http_connection *connection;
    http_done_fn *done;
    void *ctx;
    struct http_answer *answer;
    struct text head; /* request line and headers, and the body behind it if that is short */
    const char *rest; /* of the body, borrowed */
    size_t rest_length;
    size_t sent; /* of both */
    int64_t connect_timeout_ms;
    int64_t total_timeout_ms;
    int64_t started_us, deadline_us; /* monotonic */
    int64_t connect_us;
    enum http_outcome ending; /* HTTP_ANSWERED: it is not */
    const char *ending_text;
    char text[HTTP_CALL_TEXT_SIZE];
};
TAILQ_HEAD(call_list, http_call);

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;    /* libcurl's */
    struct loop_timer *deadline; /* of the call whose deadline comes first, or before it */
    int64_t deadline_ms;         /* when that is */
    struct loop_task ending_task;
    struct call_list calls;
    struct call_list idle;
    unsigned call_count;
    unsigned idle_count;
    unsigned calls_max;
    TAILQ_HEAD(, http_route) routes;
    struct kept_list kept; /* the longest first */
    unsigned kept_count;
    unsigned kept_max;
    struct http_socket **sockets; /* by descriptor */
    size_t socket_capacity;
    unsigned socket_count;
    struct address_network *networks;
    size_t network_count;
};

/* --- http_client.c --- */
/* The connection is made (CURLE_OK) or cannot be. */
void http_call_connected(struct http_call *call, CURLcode code);
/* Its connection can be read or written. */
void http_call_ready(struct http_call *call, unsigned ready);
/* Ends it at the end of the turn, from where its done function must not be called. */
void http_call_end_later(struct http_call *call, enum http_outcome outcome, const char *text);

/* --- http_client_connection.c --- */
/* A new one for the call, which learns by http_call_connected how that went; STATUS_FATAL. */
enum status connection_open(struct http_call *call, struct error *err) WARN_UNUSED;
/* One that is kept, or NULL. */
struct http_connection *connection_take_kept(struct http_call *call);
/* Its call has ended, and it may carry another. */
void connection_keep(struct http_connection *connection);
void connection_close(struct http_connection *connection);
/* Lets libcurl work (fd and events as curl_multi_socket_action takes them). */
void connections_drive(struct http_client *client, curl_socket_t fd, int events);

enum transfer { TRANSFERRED, TRANSFER_WAITS, TRANSFER_ENDED /* closed */, TRANSFER_BROKEN };
enum transfer connection_send(struct http_connection *connection, const char *bytes, size_t length,
                              size_t *sent);
enum transfer connection_receive(struct http_connection *connection, char *bytes, size_t size, size_t *got);
/* For bytes, and for room to send more of them. False: the kernel refused. */
bool connection_watch(struct http_connection *connection, bool for_room);

/* --- http_client_socket.c --- */
/* The options of the multi handle, and of each easy handle. False: refused. */
bool http_client_sockets_set(struct http_client *client);
bool connection_sockets_set(struct http_connection *connection);
bool http_client_allows(const struct http_client *client, const struct sockaddr *address);

/* --- http_client_route.c --- */
/* Found or made, with a user more. STATUS_CONFIG: the URL. */
enum status route_get(struct http_client *client, const struct http_request *request,
                      struct http_route **route, struct error *err) WARN_UNUSED;
void route_release(struct http_route *route);

/* --- http_client_outcome.c --- */
/* It has a head; cut: but no whole body. */
void http_call_describe_answer(struct http_call *call, bool cut, struct http_result *result);
/* The connection could not be made. */
void http_call_describe_failure(struct http_call *call, CURLcode code, struct http_result *result);
/* The answer is not whole, and will not be. */
void http_call_describe_fault(struct http_call *call, enum http_answer_state state,
                              struct http_result *result);

/* --- http_client_url.c --- */
struct http_url {
    bool is_tls;
    char *host;   /* as the Host header has it */
    char *target; /* path and query */
};
enum status http_url_parse(const char *text, struct http_url *url, struct error *err) WARN_UNUSED;
void http_url_fini(struct http_url *url);

#endif
