/* SPDX-License-Identifier: PostgreSQL */
/*
 * An HTTP/1.1 client on the loop, for webhooks to townships and calls of partners. The only user of libcurl, which makes the
 * connections: names, addresses, TLS. What is said on them is ours, and http_answer's.
 *
 * Invariants
 * 1. Certificates and host names are always verified. Redirects are never followed: a 3xx is returned as its
 * status. No proxy, no cookies, no .netrc, no credentials in URLs, no protocol but http and https.
 * 2. Every call ends by its total timeout, name resolution included, which runs on a thread of libcurl's own:
 * the loop never waits for it.
 * 3. A call has exactly one end: its done function, on the loop's thread and never inside http_client_start;
 * or http_client_cancel, after which done is not called.
 * 4. A response costs at most response_max_bytes of decoded body and HTTP_CLIENT_HEADER_MAX of headers. Its status is the
 * answer: a body that is longer (or its trailers, which RFC 9112 7.1.2 lets us discard), or not at its end when the time is over,
 * is cut, and its connection closed. One that breaks off in the middle is no answer: then nobody knows how far the other side came.
 * 5. The resolved address is compared with the allowed networks before a connection is opened and again
 * before a request goes over a kept one, so that neither DNS nor an earlier list can lead outside.
 *
 * Texts in results are our own words: never a part of what the other side sent.
 */
#ifndef SHOUWANG_IO_HTTP_CLIENT_H
#define SHOUWANG_IO_HTTP_CLIENT_H

#include "base/status.h"
#include "base/text.h"
#include "io/address.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct http_call;

enum { HTTP_CLIENT_HEADER_MAX = 64 * 1024 };

struct http_client_settings {
    /* Connections that are kept open while they carry nothing: at least the number of endpoints, or two thirds of the
     * speed is lost. */
    unsigned kept_connections_max;
    /* Calls under way at one time; more are refused with STATUS_RETRY. */
    unsigned calls_max;
    /* Where connections may go. Copied. count 0 = everywhere. */
    const struct address_network *networks;
    size_t network_count;
};

/* STATUS_FATAL: memory, or a libcurl without an asynchronous resolver. */
enum status http_client_new(struct http_client **client, struct loop *loop,
                            const struct http_client_settings *settings, struct error *err) WARN_UNUSED;
/* Cancels all calls. Not from a done function. NULL is allowed. */
void http_client_free(struct http_client *client);
/* After a reload: for calls started from now on, over new and kept connections alike. calls_max below what is
 * under way stops none. On failure nothing has changed. */
enum status http_client_configure(struct http_client *client, const struct http_client_settings *settings,
                                  struct error *err) WARN_UNUSED;
unsigned http_client_calls(const struct http_client *client); /* under way */

enum http_client_method { HTTP_CLIENT_GET, HTTP_CLIENT_POST };

/* Neither name nor value may hold a control character; the value may be empty. Host, Content-Length, Transfer-Encoding and
 * Connection are the client's own. */
struct http_header {
    const char *name;
    const char *value;
};

/* All that it points to is copied but the body, which is borrowed until the call's end. */
struct http_request {
    enum http_client_method method;
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    const void *body; /* POST only */
    size_t body_length;
    int64_t connect_timeout_ms;   /* resolving, connecting, TLS; 1 … */
    int64_t total_timeout_ms;     /* all of it; 1 … */
    size_t response_max_bytes;    /* a longer body is cut */
    const char *ca_file;          /* PEM; NULL = the system's */
    const char *client_cert_file; /* PEM; NULL = none */
    const char *client_key_file;  /* PEM; NULL = in client_cert_file */
};

enum http_outcome {
    HTTP_ANSWERED,      /* there is a status code, of any class, and a whole body unless it was cut */
    HTTP_NOT_RESOLVED,  /* the name has no address, or the resolver failed */
    HTTP_NOT_ALLOWED,   /* every address is outside of the allowed networks */
    HTTP_NOT_CONNECTED, /* refused, unreachable */
    HTTP_NOT_TRUSTED,   /* TLS: certificate or handshake */
    HTTP_TIMED_OUT,     /* connect, or total before there was a status */
    HTTP_BROKEN_OFF,    /* the connection ended before the answer was whole */
    HTTP_TOO_LARGE,     /* headers beyond their limits */
    HTTP_MALFORMED,     /* the answer is not HTTP */
    HTTP_LOCAL_FAILURE, /* memory, a CA or key file that cannot be read, descriptors */
    HTTP_OUTCOME_COUNT
};
/* "answered", "not_resolved" …: a label for log and metrics. */
const char *http_outcome_name(enum http_outcome outcome);

struct http_result {
    enum http_outcome outcome;
    int status_code;        /* 100–599 with HTTP_ANSWERED; else 0 */
    bool cut;               /* HTTP_ANSWERED, but the body was too long or not at its end in time */
    struct slice body;      /* valid during done only; with HTTP_ANSWERED, empty if it was cut */
    int64_t retry_after_ms; /* the whole wait that Retry-After asks for (RFC 9110 10.2.3; past date = 0); -1 =
                               none */
    const char *text;       /* our words for what failed, or "HTTP 503"; valid during done only */
    bool sent;          /* a part of the request, at least: before that nothing that fails can be about it */
    int64_t connect_us; /* until the connection, TLS included, was usable; 0 if kept or never */
    int64_t total_us;
};

typedef void http_done_fn(void *ctx, const struct http_result *result);

/*
 * Starts a call; *call is for http_client_cancel and may be NULL. STATUS_CONFIG: the URL or a header is
 * unusable. STATUS_RETRY: calls_max are under way. Otherwise done will be called.
 */
enum status http_client_start(struct http_client *client, const struct http_request *request,
                              http_done_fn *done, void *ctx, struct http_call **call,
                              struct error *err) WARN_UNUSED;
/* Ends a call whose done was not called yet. The body is given back at once. */
void http_client_cancel(struct http_call *call);

/* For the check of a configuration: http or https, a host, no credentials, no fragment. STATUS_CONFIG. */
enum status http_client_check_url(const char *url, struct error *err) WARN_UNUSED;
/* Whether a usable URL leads to this very machine: localhost, 127.0.0.0/8, [::1]. Other names may resolve to anything. */
bool http_client_is_loopback(const char *text);

/* Retry-After's value (seconds or an HTTP-date) as a wait from unix_ms; -1 if it is neither. */
int64_t http_client_parse_retry_after(struct slice value, int64_t unix_ms);
/* An HTTP-date as Unix time; -1 if it is none. */
int64_t http_client_parse_date_ms(const char *text);

#endif
