/* SPDX-License-Identifier: PostgreSQL */
/* A loop with an HTTP client in it, and calls that are waited for: what the tests of the client share. */
#ifndef SHOUWANG_TESTS_IO_CLIENT_H
#define SHOUWANG_TESTS_IO_CLIENT_H

#include "io/http_client.h"
#include "io/loop.h"

#include <stdint.h>

enum { BODY_MAX = 64 }; /* of an answer, unless a test says otherwise */

extern struct loop *loop;
extern struct http_client *client;

struct answer {
    int calls;
    struct http_result result; /* body and text: below */
    char body[256];
    char text[256];
    struct http_call *cancel; /* in done: another call to end */
};

void rig_up(void);
void rig_down(void);
const char *url_of(const char *scheme, const char *host, uint16_t port, const char *path);
struct http_request request_to(const char *target);
void start(const struct http_request *request, struct answer *answer, struct http_call **call);
void run(const struct http_request *request, struct answer *answer);
void run_post(uint16_t port, struct answer *answer);
void take_answer(void *ctx, const struct http_result *result); /* done of all calls */
void expect(const struct answer *answer, enum http_outcome outcome, const char *text_part);

/* Servers (io_net.h). */
struct flood {
    const char *begin;
    const char *piece;
};
void serve_silence(int fd, void *ctx);
void serve_keeping(int fd, void *ctx);
void serve_flood(int fd, void *flood);

#endif
