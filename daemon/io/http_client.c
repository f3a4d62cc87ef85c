/* SPDX-License-Identifier: PostgreSQL */
/*
 * libcurl's multi interface, driven by the loop: libcurl names the sockets that it waits for (watch_socket)
 * and the time of its next deadline (set_timer); whenever one of them comes, drive() lets it work and then
 * ends the calls that are complete. Done functions run from there alone, never inside one of libcurl's
 * callbacks, so they may start and cancel other calls.
 *
 * A call keeps its easy handle when it ends and is used again: the options that never change are set once
 * (prepare), those of a request are all set each time (apply_request).
 */
#include "config.h"

#include "io/http_client.h"

#include "base/clock.h"
#include "base/kill_point.h"
#include "io/crypto.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

/* Answers are short: more than this per call would be memory that a thousand calls multiply. */
enum { RECEIVE_BUFFER_BYTES = 8 * 1024, KEPT_BODY_BYTES = 16 * 1024 };
enum { KEEPALIVE_IDLE_S = 30, KEEPALIVE_INTERVAL_S = 10 };
enum { RESULT_TEXT_SIZE = 256 };
/* A hundred years: all of any honest wish, and adding it to a clock cannot overflow. */
#define RETRY_AFTER_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

struct http_call {
    struct http_client *client;
    TAILQ_ENTRY(http_call) link; /* in calls, or in idle */
    CURL *easy;
    struct curl_slist *headers;
    http_done_fn *done;
    void *ctx;
    int64_t connect_timeout_ms;
    int64_t total_timeout_ms;
    bool is_tls;
    size_t body_max;
    struct text body;
    size_t header_bytes;
    int64_t retry_after_ms;
    bool headers_ended;
    bool too_large;
    bool not_allowed; /* an address was refused */
    bool tried;       /* an allowed one was not */
    int socket_errno; /* the process had no socket for it */
    bool unwatched;   /* a socket of it could not be watched: ended by end_unwatched */
    char text[RESULT_TEXT_SIZE];
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
    unsigned watch_count;
    unsigned calls_max;
    struct address_network *networks;
    size_t network_count;
};

/* ---- names ---- */

const char *http_outcome_name(enum http_outcome outcome)
{
    static const char *const names[HTTP_OUTCOME_COUNT] = {
        [HTTP_ANSWERED] = "answered",       [HTTP_NOT_RESOLVED] = "not_resolved",
        [HTTP_NOT_ALLOWED] = "not_allowed", [HTTP_NOT_CONNECTED] = "not_connected",
        [HTTP_NOT_TRUSTED] = "not_trusted", [HTTP_TIMED_OUT] = "timed_out",
        [HTTP_BROKEN_OFF] = "broken_off",   [HTTP_TOO_LARGE] = "too_large",
        [HTTP_MALFORMED] = "malformed",     [HTTP_LOCAL_FAILURE] = "local_failure",
    };
    return outcome < HTTP_OUTCOME_COUNT ? names[outcome] : "unknown";
}

/* ---- URL and Retry-After ---- */

static bool url_has(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    const bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

static bool url_part_is(CURLU *url, CURLUPart part, const char *expected)
{
    char *text = NULL;
    const bool same = curl_url_get(url, part, &text, 0) == CURLUE_OK && strcmp(text, expected) == 0;
    curl_free(text);
    return same;
}

/* libcurl forgives "http:///host", and would go to a host that was meant as a path. */
static bool has_empty_host(const char *url)
{
    const char *separator = strstr(url, "://");
    return separator != NULL && separator[3] == '/';
}

/* The words leave the URL out: it may hold a token. */
static enum status check_url_parts(CURLU *parts, const char *url, bool *is_tls, struct error *err)
{
    const CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
    if (code != CURLUE_OK)
        return error_set(err, STATUS_CONFIG, "the URL is unusable: %s", curl_url_strerror(code));
    *is_tls = url_part_is(parts, CURLUPART_SCHEME, "https");
    if (!*is_tls && !url_part_is(parts, CURLUPART_SCHEME, "http"))
        return error_set(err, STATUS_CONFIG, "the URL must begin with http:// or https://");
    if (has_empty_host(url))
        return error_set(err, STATUS_CONFIG, "the URL has no host");
    if (url_has(parts, CURLUPART_USER) || url_has(parts, CURLUPART_PASSWORD))
        return error_set(err, STATUS_CONFIG, "the URL must not hold a user or a password");
    if (url_has(parts, CURLUPART_FRAGMENT))
        return error_set(err, STATUS_CONFIG, "the URL must not have a fragment (#)");
    return STATUS_OK;
}

static enum status check_url(const char *url, bool *is_tls, struct error *err)
{
    CURLU *parts = curl_url();
    if (parts == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    const enum status status = check_url_parts(parts, url, is_tls, err);
    curl_url_cleanup(parts);
    return status;
}

enum status http_client_check_url(const char *url, struct error *err)
{
    bool is_tls;
    return check_url(url, &is_tls, err);
}

int64_t http_client_parse_retry_after(struct slice value, int64_t unix_ms)
{
    char text[64];
    value = slice_trim(value);
    if (value.length == 0)
        return -1;
    int64_t seconds = 0;
    size_t digits = 0;
    while (digits < value.length && value.bytes[digits] >= '0' && value.bytes[digits] <= '9') {
        if (seconds <= RETRY_AFTER_MAX_MS)
            seconds = seconds * 10 + (value.bytes[digits] - '0');
        digits++;
    }
    if (digits == value.length)
        return seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : seconds * 1000;
    if (value.length >= sizeof text)
        return -1;
    memcpy(text, value.bytes, value.length);
    text[value.length] = '\0';
    const time_t date = curl_getdate(text, NULL);
    if (date < 0)
        return -1;
    if (date > (RETRY_AFTER_MAX_MS + unix_ms) / 1000)
        return RETRY_AFTER_MAX_MS;
    const int64_t wait_ms = (int64_t)date * 1000 - unix_ms;
    return wait_ms > 0 ? wait_ms : 0;
}

/* ---- what libcurl calls: sockets and the timer ---- */

static void drive(struct http_client *client, curl_socket_t fd, int events);

struct socket_watch {
    struct http_client *client;
    struct loop_watch *watch;
    curl_socket_t fd;
};

static void socket_ready(void *ctx, unsigned ready)
{
    const struct socket_watch *watch = ctx;
    /* libcurl may end this watch meanwhile: nothing of it is used after drive. */
    drive(watch->client, watch->fd,
          (ready & LOOP_READ ? CURL_CSELECT_IN : 0) | (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void end_watch(struct socket_watch *watch)
{
    if (watch == NULL)
        return;
    watch->client->watch_count--;
    loop_watch_free(watch->watch);
    free(watch);
}

static struct socket_watch *begin_watch(struct http_client *client, curl_socket_t fd)
{
    struct socket_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return NULL;
    watch->client = client;
    watch->fd = fd;
    watch->watch = loop_watch_new(client->loop, fd, socket_ready, watch);
    if (watch->watch == NULL) {
        free(watch);
        return NULL;
    }
    client->watch_count++;
    curl_multi_assign(client->multi, fd, watch);
    return watch;
}

/* Telling libcurl of a failure here would end every call of the client; so only this one is ended, by and by.
 */
static void give_up_socket(struct http_client *client, CURL *easy)
{
    struct http_call *call = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call) == CURLE_OK && call != NULL)
        call->unwatched = true;
    loop_defer(client->loop, &client->unwatched_task);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *client_arg, void *watch_arg)
{
    struct http_client *client = client_arg;
    struct socket_watch *watch = watch_arg;
    struct error err;
    if (what == CURL_POLL_REMOVE) {
        end_watch(watch);
        curl_multi_assign(client->multi, fd, NULL);
        return 0;
    }
    if (watch == NULL)
        watch = begin_watch(client, fd);
    const unsigned ready = (what & CURL_POLL_IN ? LOOP_READ : 0U) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0U);
    if (watch == NULL || loop_watch_set(watch->watch, ready, &err) != STATUS_OK)
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

/* ---- what libcurl calls: one call's connection, headers and body ---- */

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
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* Called once a connection, new or kept, is about to carry the request. */
static int check_connection(void *call_arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    struct http_call *call = call_arg;
    KILL_POINT("send.connected");
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *address = NULL;
    if (inet_pton(AF_INET, remote_ip, &v4.sin_addr) == 1)
        address = (const struct sockaddr *)&v4;
    else if (inet_pton(AF_INET6, remote_ip, &v6.sin6_addr) == 1)
        address = (const struct sockaddr *)&v6;
    if (call->client->network_count == 0 || (address != NULL && address_allowed(call->client, address)))
        return CURL_PREREQFUNC_OK;
    call->not_allowed = true;
    return CURL_PREREQFUNC_ABORT;
}

static bool take_value(struct slice line, const char *name, struct slice *value)
{
    const size_t length = strlen(name);
    if (line.length < length || strncasecmp(line.bytes, name, length) != 0)
        return false;
    *value = slice_trim((struct slice){line.bytes + length, line.length - length});
    return true;
}

/* One whole header line with its end; a status line begins the headers anew (after a 100). */
static size_t take_header(char *bytes, size_t size, size_t count, void *call_arg)
{
    struct http_call *call = call_arg;
    const struct slice line = {bytes, size * count};
    struct slice value;
    KILL_POINT("send.answer_begun");
    call->header_bytes += line.length;
    if (call->header_bytes > HTTP_CLIENT_HEADER_MAX) {
        call->too_large = true;
        return 0;
    }
    if (take_value(line, "HTTP/", &value)) {
        call->retry_after_ms = -1;
        call->headers_ended = false;
    } else if (take_value(line, "Retry-After:", &value)) {
        const int64_t wait_ms = http_client_parse_retry_after(value, clock_unix_ms());
        if (wait_ms > call->retry_after_ms)
            call->retry_after_ms = wait_ms;
    } else if (line.length <= 2) {
        call->headers_ended = true;
    }
    return line.length;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *call_arg)
{
    struct http_call *call = call_arg;
    const size_t length = size * count;
    if (length > call->body_max - call->body.length) {
        call->too_large = true;
        return 0;
    }
    text_add(&call->body, bytes, length);
    return call->body.failed ? 0 : length;
}

/* ---- calls: made, used again, freed ---- */

static bool set_long(CURL *easy, CURLoption option, long value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_text(CURL *easy, CURLoption option, const char *value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

/* What is the same for all requests. */
static bool prepare(struct http_call *call)
{
    static const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_TCP_KEEPALIVE, 1},
        {CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES},
        /* Without it a call that times out while its name is resolved waits for the resolver's thread, and
         * the loop with it. The thread is detached instead and frees what it holds when it ends. */
        {CURLOPT_QUICK_EXIT, 1},
    };
    CURL *easy = call->easy;
    bool good = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        good &= set_long(easy, numbers[i].option, numbers[i].value);
    good &= set_text(easy, CURLOPT_PROXY, "");
    good &= set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    good &= set_text(easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
    good &= curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, check_connection) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
    good &= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK;
    return good;
}

static void free_call(struct http_call *call)
{
    if (call->easy != NULL)
        curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    text_fini(&call->body);
    free(call);
}

static struct http_call *take_call(struct http_client *client)
{
    struct http_call *call = TAILQ_FIRST(&client->idle);
    if (call != NULL) {
        TAILQ_REMOVE(&client->idle, call, link);
        client->idle_count--;
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->client = client;
    text_init(&call->body);
    call->easy = curl_easy_init();
    if (call->easy == NULL || !prepare(call)) {
        free_call(call);
        return NULL;
    }
    return call;
}

static void give_call_back(struct http_call *call)
{
    struct http_client *client = call->client;
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    /* The caller's body is his own again. */
    curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    if (client->idle_count >= client->calls_max || call->body.capacity > KEPT_BODY_BYTES ||
        call->body.failed) {
        free_call(call);
        return;
    }
    text_clear(&call->body);
    TAILQ_INSERT_HEAD(&client->idle, call, link);
    client->idle_count++;
}

/* ---- a request ---- */

static bool header_is_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static enum status add_headers(struct http_call *call, const struct http_request *request, struct error *err)
{
    struct text line;
    text_init(&line);
    /* libcurl would ask for "100 Continue" before a large body, and wait a second for servers that do not
     * know it. */
    bool good = add_header(&call->headers, "Expect:");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < request->header_count && status == STATUS_OK; i++) {
        const struct http_header *header = &request->headers[i];
        if (header->name[0] == '\0' || strpbrk(header->name, " :;") != NULL ||
            !header_is_clean(header->name) || !header_is_clean(header->value))
            status = error_set(err, STATUS_CONFIG, "request header %zu cannot be sent", i + 1);
        text_clear(&line);
        /* "Name;" is how libcurl is told to send a header without a value. */
        text_printf(&line, header->value[0] != '\0' ? "%s: %s" : "%s;", header->name, header->value);
        good = good && !line.failed && add_header(&call->headers, line.bytes);
    }
    text_fini(&line);
    if (status == STATUS_OK && !good)
        status = error_set(err, STATUS_FATAL, "out of memory");
    return status;
}

static long bounded_ms(int64_t timeout_ms)
{
    /* 0 would mean libcurl's own default of five minutes. */
    return timeout_ms < 1 ? 1 : timeout_ms > INT32_MAX ? INT32_MAX : (long)timeout_ms;
}

static bool apply_body(CURL *easy, const struct http_request *request)
{
    if (request->method == HTTP_CLIENT_GET)
        return set_long(easy, CURLOPT_HTTPGET, 1);
    return set_long(easy, CURLOPT_POST, 1) &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_length > 0 ? request->body : "") ==
               CURLE_OK;
}

/* A file of one's own stands alone: the system's folder of certificates would otherwise still be trusted
 * beside it. */
static bool apply_trust(CURL *easy, const char *ca_file)
{
    const curl_version_info_data *system = curl_version_info(CURLVERSION_NOW);
    return set_text(easy, CURLOPT_CAINFO, ca_file != NULL ? ca_file : system->cainfo) &&
           set_text(easy, CURLOPT_CAPATH, ca_file != NULL ? NULL : system->capath);
}

/* Each option that a request decides, so that nothing of the handle's former request is left. */
static enum status apply_request(struct http_call *call, const struct http_request *request,
                                 struct error *err)
{
    CURL *easy = call->easy;
    enum status status = check_url(request->url, &call->is_tls, err);
    if (status == STATUS_OK)
        status = add_headers(call, request, err);
    if (status != STATUS_OK)
        return status;
    call->connect_timeout_ms = bounded_ms(request->connect_timeout_ms);
    call->total_timeout_ms = bounded_ms(request->total_timeout_ms);
    call->body_max = request->response_max_bytes;
    bool good = set_text(easy, CURLOPT_URL, request->url) && apply_body(easy, request);
    good &= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
    good &= set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_timeout_ms);
    good &= set_long(easy, CURLOPT_TIMEOUT_MS, (long)call->total_timeout_ms);
    good &= apply_trust(easy, request->ca_file);
    good &= set_text(easy, CURLOPT_SSLCERT, request->client_cert_file);
    good &= set_text(easy, CURLOPT_SSLKEY, request->client_key_file);
    if (!good)
        return error_set(err, STATUS_FATAL, "libcurl refused an option of the request");
    return STATUS_OK;
}

enum status http_client_start(struct http_client *client, const struct http_request *request,
                              http_done_fn *done, void *ctx, struct http_call **call, struct error *err)
{
    if (client->call_count >= client->calls_max)
        return error_set(err, STATUS_RETRY, "%u calls are under way already", client->call_count);
    struct http_call *made = take_call(client);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->done = done;
    made->ctx = ctx;
    made->header_bytes = 0;
    made->socket_errno = 0;
    made->retry_after_ms = -1;
    made->headers_ended = made->too_large = made->not_allowed = made->tried = made->unwatched = false;
    enum status status = apply_request(made, request, err);
    if (status == STATUS_OK && curl_multi_add_handle(client->multi, made->easy) != CURLM_OK)
        status = error_set(err, STATUS_FATAL, "libcurl refused a request");
    if (status != STATUS_OK) {
        give_call_back(made);
        return status;
    }
    TAILQ_INSERT_TAIL(&client->calls, made, link);
    client->call_count++;
    if (call != NULL)
        *call = made;
    return STATUS_OK;
}

/* ---- the end of a call ---- */

/* Out of libcurl and out of the list; its memory stays. */
static void detach(struct http_call *call)
{
    curl_multi_remove_handle(call->client->multi, call->easy);
    TAILQ_REMOVE(&call->client->calls, call, link);
    call->client->call_count--;
}

void http_client_cancel(struct http_call *call)
{
    detach(call);
    give_call_back(call);
}

static const struct failure {
    CURLcode code;
    enum http_outcome outcome;
    const char *text; /* NULL = composed by the function for the outcome */
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_NOT_RESOLVED, "the host's name could not be resolved"},
    {CURLE_COULDNT_CONNECT, HTTP_NOT_CONNECTED, NULL},
    {CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT, NULL},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_NOT_TRUSTED, NULL},
    {CURLE_SSL_ISSUER_ERROR, HTTP_NOT_TRUSTED, NULL},
    {CURLE_SSL_CONNECT_ERROR, HTTP_NOT_TRUSTED, "the TLS handshake failed"},
    {CURLE_SSL_CACERT_BADFILE, HTTP_LOCAL_FAILURE, "the CA file cannot be read or used"},
    {CURLE_SSL_CERTPROBLEM, HTTP_LOCAL_FAILURE, "the client certificate or its key cannot be read or used"},
    {CURLE_SSL_CIPHER, HTTP_NOT_TRUSTED, "the TLS handshake failed: no common cipher"},
    {CURLE_GOT_NOTHING, HTTP_BROKEN_OFF, "the connection was closed without an answer"},
    {CURLE_PARTIAL_FILE, HTTP_BROKEN_OFF, "the connection was closed in the middle of the answer"},
    {CURLE_RECV_ERROR, HTTP_BROKEN_OFF, "the connection was reset before the answer was whole"},
    {CURLE_SEND_ERROR, HTTP_BROKEN_OFF, "the connection was reset before the request was whole"},
    {CURLE_WEIRD_SERVER_REPLY, HTTP_MALFORMED, "the answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_MALFORMED, "the answer is not HTTP/1"},
    {CURLE_BAD_CONTENT_ENCODING, HTTP_MALFORMED, "the answer's encoding is not what it says"},
    {CURLE_OUT_OF_MEMORY, HTTP_LOCAL_FAILURE, "out of memory"},
};

static int64_t call_time_us(struct http_call *call, CURLINFO info)
{
    curl_off_t time_us = 0;
    return curl_easy_getinfo(call->easy, info, &time_us) == CURLE_OK ? time_us : 0;
}

/* Which stage had not been reached when the time was over. */
static void describe_timeout(struct http_call *call)
{
    const char *missing = "no whole answer";
    int64_t limit_ms = call->total_timeout_ms;
    if (call_time_us(call, CURLINFO_PRETRANSFER_TIME_T) == 0) {
        if (call->connect_timeout_ms < limit_ms)
            limit_ms = call->connect_timeout_ms;
        if (call_time_us(call, CURLINFO_NAMELOOKUP_TIME_T) == 0)
            missing = "the host's name was not resolved";
        else
            missing = call->is_tls ? "no TLS connection" : "no connection";
    }
    snprintf(call->text, sizeof call->text, "%s within %lld ms", missing, (long long)limit_ms);
}

static void describe_distrust(struct http_call *call)
{
    /* 1 is what libcurl begins with: OpenSSL found no fault, but the name does not match. */
    enum { VERIFIED = 0, NOT_SAID = 1 };
    long result = NOT_SAID;
    curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    snprintf(call->text, sizeof call->text, "the server's certificate is not accepted: %s",
             result == VERIFIED || result == NOT_SAID ? "it is not for this host"
                                                      : crypto_certificate_error(result));
}

static void describe_no_connection(struct http_call *call)
{
    long number = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    snprintf(call->text, sizeof call->text, "no connection: %s",
             number != 0 ? strerror((int)number) : "refused or unreachable");
}

static const struct failure *find_failure(CURLcode code)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].code == code)
            return &failures[i];
    return NULL;
}

/* What libcurl's code cannot tell but the call has noticed itself. */
static bool describe_noticed(struct http_call *call, CURLcode code, struct http_result *result)
{
    /* libcurl calls a header line of more than 100 KiB a lack of memory. */
    const bool long_header = code == CURLE_OUT_OF_MEMORY && !call->headers_ended && !call->body.failed &&
                             call_time_us(call, CURLINFO_STARTTRANSFER_TIME_T) > 0;
    if (call->too_large || long_header) {
        result->outcome = HTTP_TOO_LARGE;
        result->text =
            call->headers_ended ? "the answer's body is too large" : "the answer's headers are too large";
    } else if (call->body.failed) {
        result->outcome = HTTP_LOCAL_FAILURE;
        result->text = "out of memory for the answer";
    } else if (call->socket_errno != 0 && code == CURLE_COULDNT_CONNECT) {
        /* Not the township's fault: its endpoint must not be held for it. */
        result->outcome = HTTP_LOCAL_FAILURE;
        snprintf(call->text, sizeof call->text, "no socket: %s", strerror(call->socket_errno));
        result->text = call->text;
    } else if (call->not_allowed &&
               ((code == CURLE_COULDNT_CONNECT && !call->tried) || code == CURLE_ABORTED_BY_CALLBACK)) {
        result->outcome = HTTP_NOT_ALLOWED;
        result->text = "the host's address is outside of the allowed networks";
    } else {
        return false;
    }
    return true;
}

static void describe_failure(struct http_call *call, CURLcode code, struct http_result *result)
{
    if (describe_noticed(call, code, result))
        return;
    const struct failure *failure = find_failure(code);
    result->outcome = failure != NULL ? failure->outcome : HTTP_LOCAL_FAILURE;
    result->text = failure != NULL && failure->text != NULL ? failure->text : call->text;
    if (failure == NULL)
        snprintf(call->text, sizeof call->text, "libcurl's error %d", (int)code);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        describe_timeout(call);
    else if (code == CURLE_COULDNT_CONNECT)
        describe_no_connection(call);
    else if (failure->text == NULL)
        describe_distrust(call);
}

static void describe_answer(struct http_call *call, struct http_result *result)
{
    long status_code = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status_code);
    result->outcome = HTTP_ANSWERED;
    result->status_code = (int)status_code;
    result->body = (struct slice){call->body.length > 0 ? call->body.bytes : "", call->body.length};
    result->retry_after_ms = call->retry_after_ms;
    snprintf(call->text, sizeof call->text, "HTTP %ld", status_code);
    result->text = call->text;
}

static void finish(struct http_call *call, struct http_result *result)
{
    long connections = 0;
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connections);
    result->total_us = call_time_us(call, CURLINFO_TOTAL_TIME_T);
    if (connections > 0)
        result->connect_us =
            call_time_us(call, call->is_tls ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T);
    detach(call);
    call->done(call->ctx, result);
    give_call_back(call);
}

/* Ends all calls that libcurl has completed. */
static void end_completed(struct http_client *client)
{
    const CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        const CURLcode code = message->data.result; /* the message ends with finish */
        struct http_call *call = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        struct http_result result = {.retry_after_ms = -1};
        if (code == CURLE_OK)
            describe_answer(call, &result);
        else
            describe_failure(call, code, &result);
        finish(call, &result);
    }
}

static void end_unwatched(void *client_arg)
{
    struct http_client *client = client_arg;
    struct http_call *call = TAILQ_FIRST(&client->calls);
    while (call != NULL) {
        if (!call->unwatched) {
            call = TAILQ_NEXT(call, link);
            continue;
        }
        struct http_result result = {
            .outcome = HTTP_LOCAL_FAILURE, .retry_after_ms = -1, .text = "a socket could not be watched"};
        finish(call, &result);
        call = TAILQ_FIRST(&client->calls); /* done may have cancelled the next one */
    }
}

static void drive(struct http_client *client, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(client->multi, fd, events, &running);
    end_completed(client);
}

static void timer_ready(void *client_arg)
{
    drive(client_arg, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- the client ---- */

static enum status copy_networks(const struct http_client_settings *settings,
                                 struct address_network **networks, struct error *err)
{
    *networks = NULL;
    if (settings->network_count == 0)
        return STATUS_OK;
    *networks = calloc(settings->network_count, sizeof **networks);
    if (*networks == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    memcpy(*networks, settings->networks, settings->network_count * sizeof **networks);
    return STATUS_OK;
}

enum status http_client_configure(struct http_client *client, const struct http_client_settings *settings,
                                  struct error *err)
{
    struct address_network *networks;
    const enum status status = copy_networks(settings, &networks, err);
    if (status != STATUS_OK)
        return status;
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)settings->kept_connections_max);
    free(client->networks);
    client->networks = networks;
    client->network_count = settings->network_count;
    client->calls_max = settings->calls_max;
    return STATUS_OK;
}

static enum status set_up(struct http_client *client, const struct http_client_settings *settings,
                          struct error *err)
{
    client->timer = loop_timer_new(client->loop, timer_ready, client);
    client->multi = curl_multi_init();
    if (client->timer == NULL || client->multi == NULL ||
        curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) != CURLM_OK)
        return error_set(err, STATUS_FATAL, "libcurl cannot be set up");
    return http_client_configure(client, settings, err);
}

enum status http_client_new(struct http_client **client, struct loop *loop,
                            const struct http_client_settings *settings, struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, STATUS_FATAL, "libcurl cannot be set up");
    struct http_client *made = calloc(1, sizeof *made);
    if (made == NULL) {
        curl_global_cleanup();
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    made->loop = loop;
    made->unwatched_task.run = end_unwatched;
    made->unwatched_task.ctx = made;
    TAILQ_INIT(&made->calls);
    TAILQ_INIT(&made->idle);
    enum status status = STATUS_OK;
    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) == 0)
        status = error_set(err, STATUS_FATAL,
                           "this libcurl has no asynchronous resolver: names would block the loop");
    if (status == STATUS_OK)
        status = set_up(made, settings, err);
    if (status != STATUS_OK) {
        http_client_free(made);
        return status;
    }
    *client = made;
    return STATUS_OK;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    struct http_call *call;
    while ((call = TAILQ_FIRST(&client->calls)) != NULL)
        http_client_cancel(call);
    while ((call = TAILQ_FIRST(&client->idle)) != NULL) {
        TAILQ_REMOVE(&client->idle, call, link);
        free_call(call);
    }
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    assert(client->watch_count == 0);
    loop_task_cancel(client->loop, &client->unwatched_task);
    loop_timer_free(client->timer);
    free(client->networks);
    free(client);
    curl_global_cleanup();
}

unsigned http_client_calls(const struct http_client *client)
{
    return client->call_count;
}
