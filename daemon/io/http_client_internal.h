/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the parts of the HTTP client share.
 *
 *     http_client.c          the client; calls: made, begun, ended, used again
 *     http_client_socket.c   sockets, their watches and libcurl's timer; which addresses are allowed
 *     http_client_outcome.c  what a call's end means
 *     http_client_url.c      URLs, Retry-After
 */
#ifndef SHOUWANG_IO_HTTP_CLIENT_INTERNAL_H
#define SHOUWANG_IO_HTTP_CLIENT_INTERNAL_H

#include "io/http_client.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>

enum { HTTP_CALL_TEXT_SIZE = 256 };

struct http_socket;

enum { HTTP_CLIENT_DATE_SIZE = 64 /* a date of RFC 9110 has 29 bytes */ };

struct http_call {
    struct http_client *client;
    TAILQ_ENTRY(http_call) link; /* in calls, or in idle */
    CURL *easy;
    /* What the handle was set to last; it is not set again to the same. */
    char *url, *ca_file, *client_cert_file, *client_key_file;
    bool has_trust;             /* ca_file was set, if only to the system's */
    struct curl_slist *headers; /* an array, whose lines lie in header_text */
    size_t header_capacity;
    struct text header_text;
    http_done_fn *done;
    void *ctx;
    int64_t connect_timeout_ms;
    int64_t total_timeout_ms;
    bool is_tls;
    size_t body_max;
    struct text body;
    size_t header_bytes;
    int64_t retry_after_ms;                  /* by our clock */
    char retry_after[HTTP_CLIENT_DATE_SIZE]; /* as the answer has it */
    char date[HTTP_CLIENT_DATE_SIZE];        /* the answer's Date; read only beside a Retry-After */
    bool headers_ended;
    bool too_large;
    bool not_allowed; /* an address was refused */
    bool tried;       /* an allowed one was not */
    int socket_errno; /* the process had no socket for it */
    bool unwatched;   /* a socket of it could not be watched: ended by end_unwatched */
    char text[HTTP_CALL_TEXT_SIZE];
};

TAILQ_HEAD(call_list, http_call);

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    struct loop_task unwatched_task;
    struct call_list calls;
    struct call_list idle;
    unsigned call_count;
    unsigned idle_count;
    unsigned calls_max;
    struct http_socket **sockets; /* by descriptor */
    size_t socket_capacity;
    unsigned socket_count;
    struct address_network *networks;
    size_t network_count;
};

/* --- http_client.c --- */
/* Lets libcurl work (fd and events as curl_multi_socket_action takes them), and ends the calls that are complete. */
void http_client_drive(struct http_client *client, curl_socket_t fd, int events);

/* --- http_client_socket.c --- */
/* The options of the multi handle, and of each easy handle. False: refused. */
bool http_client_sockets_set(struct http_client *client);
bool http_call_sockets_set(struct http_call *call);

/* --- http_client_outcome.c --- */
void http_call_describe_answer(struct http_call *call, struct http_result *result);
void http_call_describe_failure(struct http_call *call, CURLcode code, struct http_result *result);
int64_t http_call_time_us(struct http_call *call, CURLINFO info);

/* --- http_client_url.c --- */
enum status http_client_parse_url(const char *url, bool *is_tls, struct error *err) WARN_UNUSED;

#endif
