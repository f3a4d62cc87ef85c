/* SPDX-License-Identifier: PostgreSQL */
/*
 * Bytes sent to the HTTP server over a loopback connection, in two pieces (the first byte says where they part). Whatever
 * reaches the handler can be read in one way only; the connection ends, and nothing of it stays.
 */
#include "config.h"

#include "base/clock.h"
#include "base/log.h"
#include "fuzz.h"
#include "io/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_MAX = 128 * 1024, DEADLINE_MS = 40, PATIENCE_MS = 10000 };

struct rig {
    struct loop *loop;
    struct http_server *server;
};

static void handle(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    char answer[128];
    const char *path = http_exchange_path(exchange), *query = http_exchange_query(exchange, "q");
    struct slice body = http_exchange_body(exchange);
    unsigned lengths = http_exchange_header_count(exchange, "Content-Length");
    unsigned codings = http_exchange_header_count(exchange, "Transfer-Encoding");
    FUZZ_CHECK(path[0] == '/' && http_exchange_header_count(exchange, "Host") <= 1);
    FUZZ_CHECK(lengths + codings <= 1);
    FUZZ_CHECK(lengths == 0 ||
               (size_t)strtoull(http_exchange_header(exchange, "Content-Length"), NULL, 10) == body.length);
    FUZZ_CHECK(body.length == 0 || http_exchange_method(exchange) == HTTP_POST || lengths + codings == 1);
    unsigned sum = 0;
    for (size_t i = 0; i < body.length; i++)
        sum += (unsigned char)body.bytes[i];
    snprintf(answer, sizeof answer, "%zu %zu %u", strlen(path), query ? strlen(query) : 0, sum);
    http_exchange_reply_text(exchange, 200, answer);
}

static struct rig *the_rig(void)
{
    static struct rig rig;
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .deadline_ms = DEADLINE_MS};
    struct error err;
    if (!rig.loop) {
        log_set_level(LOG_LEVEL_ALERT);
        FUZZ_CHECK(loop_new(&rig.loop, &err) == STATUS_OK);
        FUZZ_CHECK(http_server_new(&rig.server, rig.loop, &settings, handle, NULL, &err) == STATUS_OK);
    }
    return &rig;
}

/* From another loopback address each time: each has its own ports, and a closed connection keeps its port for a minute. */
static int connect_to(const struct rig *rig)
{
    static uint32_t client;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_server_port(rig->server))};
    struct sockaddr_in from = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (++client & 0xFFFF));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&from, sizeof from) == 0);
    int status;
    while ((status = connect(fd, (const struct sockaddr *)&to, sizeof to)) != 0 && errno == EINTR)
        ; /* libFuzzer's alarm */
    if (status != 0)
        perror("connect");
    FUZZ_CHECK(status == 0);
    FUZZ_CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static void turn(const struct rig *rig, int wait_ms)
{
    struct error err;
    FUZZ_CHECK(loop_turn(rig->loop, wait_ms, &err) == STATUS_OK);
}

/* Sends what is taken, turning in between; gives up when the server has closed. */
static void send_all(const struct rig *rig, int fd, const uint8_t *bytes, size_t length)
{
    for (int idle = 0; length > 0 && idle < 20;) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        idle = sent > 0 ? 0 : idle + 1;
        bytes += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
        turn(rig, 0);
    }
}

static void take_answers(const struct rig *rig, int fd)
{
    char bytes[4096];
    bool first = true;
    int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return;
        if (got > 9 && first)
            FUZZ_CHECK(memcmp(bytes, "HTTP/1.", 7) == 0);
        first = first && got < 0;
        FUZZ_CHECK(clock_monotonic_ms() < give_up_ms);
        if (got < 0)
            turn(rig, 5);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > INPUT_MAX)
        return 0;
    const struct rig *rig = the_rig();
    size_t cut = (length - 1) * bytes[0] / 256;
    int fd = connect_to(rig);
    send_all(rig, fd, bytes + 1, cut);
    send_all(rig, fd, bytes + 1 + cut, length - 1 - cut);
    shutdown(fd, SHUT_WR);
    take_answers(rig, fd);
    close(fd);
    int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (http_server_connections(rig->server) > 0) {
        FUZZ_CHECK(clock_monotonic_ms() < give_up_ms);
        turn(rig, 5);
    }
    return 0;
}
