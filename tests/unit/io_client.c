/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io_client.h"

#include "io_fixture.h"
#include "io_net.h"

#include <stdio.h>
#include <string.h>

struct loop *loop;
struct http_client *client;
static char url[256];

void rig_up(void)
{
    struct error err;
    const struct http_client_settings settings = {.kept_connections_max = 16, .calls_max = 64};
    loop = io_loop();
    io_ok(http_client_new(&client, loop, &settings, &err), err);
}

void rig_down(void)
{
    http_client_free(client);
    loop_free(loop);
}

void take_answer(void *ctx, const struct http_result *result)
{
    struct answer *answer = ctx;
    answer->calls++;
    answer->result = *result;
    snprintf(answer->text, sizeof answer->text, "%s", result->text);
    if (result->body.length > 0)
        memcpy(answer->body, result->body.bytes, result->body.length);
    answer->body[result->body.length] = '\0';
    if (answer->cancel != NULL)
        http_client_cancel(answer->cancel);
}

const char *url_of(const char *scheme, const char *host, uint16_t port, const char *path)
{
    snprintf(url, sizeof url, "%s://%s:%u%s", scheme, host, (unsigned)port, path);
    return url;
}

struct http_request request_to(const char *target)
{
    return (struct http_request){.method = HTTP_CLIENT_POST,
                                 .url = target,
                                 .body = "{}",
                                 .body_length = 2,
                                 .connect_timeout_ms = IO_PATIENCE_MS - 1000,
                                 .total_timeout_ms = IO_PATIENCE_MS - 1000,
                                 .response_max_bytes = BODY_MAX};
}

void start(const struct http_request *request, struct answer *answer, struct http_call **call)
{
    struct error err;
    io_ok(http_client_start(client, request, take_answer, answer, call, &err), err);
    ck_assert_int_eq(answer->calls, 0); /* never inside start */
}

void run(const struct http_request *request, struct answer *answer)
{
    memset(answer, 0, sizeof *answer);
    start(request, answer, NULL);
    io_turn_until(loop, answer->calls == 1);
    ck_assert_uint_eq(http_client_calls(client), 0);
}

void run_post(uint16_t port, struct answer *answer)
{
    const struct http_request request = request_to(url_of("http", "127.0.0.1", port, "/hook"));
    run(&request, answer);
}

void expect(const struct answer *answer, enum http_outcome outcome, const char *text_part)
{
    ck_assert_msg(answer->result.outcome == outcome && strstr(answer->text, text_part) != NULL,
                  "%s: \"%s\", expected %s: \"…%s…\"", http_outcome_name(answer->result.outcome),
                  answer->text, http_outcome_name(outcome), text_part);
}

/* ---- servers ---- */

void serve_silence(int fd, void *ctx)
{
    (void)ctx;
    while (!net_client_gone(fd, 1000))
        continue;
}

void serve_keeping(int fd, void *ctx)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept";
    (void)ctx;
    while (net_read_request(fd) && net_send(fd, answer, sizeof answer - 1))
        continue;
}

void serve_flood(int fd, void *ctx)
{
    const struct flood *flood = ctx;
    if (net_read_request(fd) && net_send(fd, flood->begin, strlen(flood->begin)))
        while (net_send(fd, flood->piece, strlen(flood->piece)))
            continue;
}
