/* SPDX-License-Identifier: PostgreSQL */
/*
 * libcurl's multi interface, driven by the loop: libcurl names the sockets that it waits for (watch_socket)
 * and the time of its next deadline (set_timer); whenever one of them comes, drive() lets it work and then
 * ends the calls that are complete. Done functions run from there alone, never inside one of libcurl's
 * callbacks, so they may start and cancel other calls.
 *
 * A call keeps its easy handle when it ends and is used again: the options that never change are set once
 * (prepare); those of a request are set each time, unless they are what they were (apply_request).
 */
#include "config.h"

#include "io/http_client_internal.h"

#include "base/clock.h"
#include "base/kill_point.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Answers are short: more than this per call would be memory that a thousand calls multiply. */
enum { RECEIVE_BUFFER_BYTES = 8 * 1024, KEPT_BODY_BYTES = 16 * 1024 };
enum { KEEPALIVE_IDLE_S = 30, KEEPALIVE_INTERVAL_S = 10 };

/* ---- what libcurl calls: headers and body ---- */

static bool take_value(struct slice line, const char *name, struct slice *value)
{
    const size_t length = strlen(name);
    if (line.length < length || strncasecmp(line.bytes, name, length) != 0)
        return false;
    *value = slice_trim((struct slice){line.bytes + length, line.length - length});
    return true;
}

/* As the answer has it; empty if it is too long to be a date. */
static void keep_text(char out[HTTP_CLIENT_DATE_SIZE], struct slice value)
{
    const size_t length = value.length < HTTP_CLIENT_DATE_SIZE ? value.length : 0;
    memcpy(out, value.bytes, length);
    out[length] = '\0';
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
        call->date[0] = '\0';
        call->headers_ended = false;
    } else if (take_value(line, "Retry-After:", &value)) {
        const int64_t wait_ms = http_client_parse_retry_after(value, clock_unix_ms());
        if (wait_ms > call->retry_after_ms) {
            call->retry_after_ms = wait_ms;
            keep_text(call->retry_after, value);
        }
    } else if (take_value(line, "Date:", &value)) {
        keep_text(call->date, value);
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
    good &= set_text(easy, CURLOPT_NOPROXY, "*"); /* or the environment is read before every request */
    good &= set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    good &= set_text(easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
    good &= curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK;
    good &= http_call_sockets_set(call);
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
    free(call->url);
    free(call->ca_file);
    free(call->client_cert_file);
    free(call->client_key_file);
    free(call->headers);
    text_fini(&call->header_text);
    text_fini(&call->body);
    free(call);
}

/* One that went to the same URL, if there is one among the first: less is to be set anew. */
static struct http_call *find_idle(const struct http_client *client, const char *url)
{
    enum { LOOK_AT = 16 };
    struct http_call *call = TAILQ_FIRST(&client->idle);
    for (int looked = 0; call != NULL && looked < LOOK_AT; looked++, call = TAILQ_NEXT(call, link))
        if (call->url != NULL && strcmp(call->url, url) == 0)
            return call;
    return TAILQ_LAST(&client->idle, call_list);
}

static struct http_call *take_call(struct http_client *client, const char *url)
{
    struct http_call *call = find_idle(client, url);
    if (call != NULL) {
        TAILQ_REMOVE(&client->idle, call, link);
        client->idle_count--;
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->client = client;
    text_init(&call->header_text);
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

static bool make_header_room(struct http_call *call, size_t count)
{
    if (count <= call->header_capacity)
        return true;
    struct curl_slist *grown = realloc(call->headers, count * sizeof *grown);
    if (grown == NULL)
        return false;
    call->headers = grown;
    call->header_capacity = count;
    return true;
}

/* The lines one behind the other, each with its end. */
static enum status write_headers(struct text *text, const struct http_request *request, struct error *err)
{
    text_clear(text);
    /* libcurl would ask for "100 Continue" before a large body, and wait a second for servers that do not know it. */
    text_add(text, "Expect:", sizeof "Expect:");
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (header->name[0] == '\0' || strpbrk(header->name, " :;") != NULL ||
            !header_is_clean(header->name) || !header_is_clean(header->value))
            return error_set(err, STATUS_CONFIG, "request header %zu cannot be sent", i + 1);
        text_add_str(text, header->name);
        /* "Name;" is how libcurl is told to send a header without a value. */
        text_add_str(text, header->value[0] != '\0' ? ": " : ";");
        text_add(text, header->value, strlen(header->value) + 1);
    }
    return text->failed ? error_set(err, STATUS_FATAL, "out of memory") : STATUS_OK;
}

/* libcurl reads the list and never frees it: an array of ours that is used again and again. */
static enum status set_headers(struct http_call *call, const struct http_request *request, struct error *err)
{
    const size_t count = request->header_count + 1;
    enum status status = write_headers(&call->header_text, request, err);
    if (status == STATUS_OK && !make_header_room(call, count))
        status = error_set(err, STATUS_FATAL, "out of memory");
    if (status != STATUS_OK)
        return status;
    char *line = call->header_text.bytes;
    for (size_t i = 0; i < count; i++) {
        call->headers[i] =
            (struct curl_slist){.data = line, .next = i + 1 < count ? &call->headers[i + 1] : NULL};
        line += strlen(line) + 1;
    }
    if (curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers) != CURLE_OK)
        return error_set(err, STATUS_FATAL, "libcurl refused the request's headers");
    return STATUS_OK;
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

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Remembers a copy of what an option is being set to. False without memory: then nothing is remembered. */
static bool keep(char **kept, const char *value)
{
    free(*kept);
    *kept = value != NULL ? strdup(value) : NULL;
    return value == NULL || *kept != NULL;
}

static enum status set_url(struct http_call *call, const char *url, struct error *err)
{
    if (call->url != NULL && strcmp(call->url, url) == 0)
        return STATUS_OK;
    enum status status = http_client_parse_url(url, &call->is_tls, err);
    free(call->url);
    call->url = NULL;
    if (status == STATUS_OK && (!set_text(call->easy, CURLOPT_URL, url) || !keep(&call->url, url)))
        status = error_set(err, STATUS_FATAL, "out of memory");
    return status;
}

/* A file of one's own stands alone: the system's folder of certificates would otherwise still be trusted
 * beside it. */
static bool set_trust(struct http_call *call, const char *ca_file)
{
    if (call->has_trust && same(call->ca_file, ca_file))
        return true;
    const curl_version_info_data *system = curl_version_info(CURLVERSION_NOW);
    call->has_trust = set_text(call->easy, CURLOPT_CAINFO, ca_file != NULL ? ca_file : system->cainfo) &&
                      set_text(call->easy, CURLOPT_CAPATH, ca_file != NULL ? NULL : system->capath) &&
                      keep(&call->ca_file, ca_file);
    return call->has_trust;
}

static bool set_file(struct http_call *call, CURLoption option, char **kept, const char *file)
{
    return same(*kept, file) || (set_text(call->easy, option, file) && keep(kept, file));
}

/* Each option that a request decides, so that nothing of the handle's former request is left. */
static enum status apply_request(struct http_call *call, const struct http_request *request,
                                 struct error *err)
{
    CURL *easy = call->easy;
    enum status status = set_url(call, request->url, err);
    if (status == STATUS_OK)
        status = set_headers(call, request, err);
    if (status != STATUS_OK)
        return status;
    call->connect_timeout_ms = bounded_ms(request->connect_timeout_ms);
    call->total_timeout_ms = bounded_ms(request->total_timeout_ms);
    call->body_max = request->response_max_bytes;
    bool good = apply_body(easy, request);
    good &= set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_timeout_ms);
    good &= set_long(easy, CURLOPT_TIMEOUT_MS, (long)call->total_timeout_ms);
    good &= set_trust(call, request->ca_file);
    good &= set_file(call, CURLOPT_SSLCERT, &call->client_cert_file, request->client_cert_file);
    good &= set_file(call, CURLOPT_SSLKEY, &call->client_key_file, request->client_key_file);
    if (!good)
        return error_set(err, STATUS_FATAL, "libcurl refused an option of the request");
    return STATUS_OK;
}

enum status http_client_start(struct http_client *client, const struct http_request *request,
                              http_done_fn *done, void *ctx, struct http_call **call, struct error *err)
{
    if (client->call_count >= client->calls_max)
        return error_set(err, STATUS_RETRY, "%u calls are under way already", client->call_count);
    struct http_call *made = take_call(client, request->url);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->done = done;
    made->ctx = ctx;
    made->header_bytes = 0;
    made->socket_errno = 0;
    made->retry_after_ms = -1;
    made->date[0] = '\0';
    made->headers_ended = made->too_large = made->not_allowed = made->tried = made->unwatched = false;
    enum status status = apply_request(made, request, err);
    if (status == STATUS_OK && curl_multi_add_handle(client->multi, made->easy) != CURLM_OK)
        status = error_set(err, STATUS_FATAL, "libcurl refused a request");
    if (status == STATUS_CONFIG)
        give_call_back(made);
    else if (status != STATUS_OK)
        free_call(made); /* what it was set to is not sure */
    if (status != STATUS_OK)
        return status;
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

static void finish(struct http_call *call, struct http_result *result)
{
    long connections = 0;
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connections);
    result->total_us = http_call_time_us(call, CURLINFO_TOTAL_TIME_T);
    if (connections > 0)
        result->connect_us =
            http_call_time_us(call, call->is_tls ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T);
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
            http_call_describe_answer(call, &result);
        else
            http_call_describe_failure(call, code, &result);
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

void http_client_drive(struct http_client *client, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(client->multi, fd, events, &running);
    end_completed(client);
}

static void timer_ready(void *client_arg)
{
    http_client_drive(client_arg, CURL_SOCKET_TIMEOUT, 0);
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
    if (client->timer == NULL || client->multi == NULL || !http_client_sockets_set(client))
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
    assert(client->socket_count == 0);
    loop_task_cancel(client->loop, &client->unwatched_task);
    loop_timer_free(client->timer);
    free(client->sockets);
    free(client->networks);
    free(client);
    curl_global_cleanup();
}

unsigned http_client_calls(const struct http_client *client)
{
    return client->call_count;
}
