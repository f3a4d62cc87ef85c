/* SPDX-License-Identifier: PostgreSQL */
/* The HTTP server against raw clients: ambiguous requests, drips, floods, oversized headers and bodies, late replies. */
#include "config.h"

#include "cases.h"
#include "io/http_server.h"
#include "io_fixture.h"
#include "io_net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEPT_MAX = 8, DEADLINE_MS = 150 };

/* ---- the rig ---- */

static struct loop *loop;
static struct http_server *server;
static int handled;
static bool reply_later;
static struct http_exchange *kept[KEPT_MAX];
static char last_text[512];

static void handle(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    const struct slice body = http_exchange_body(exchange);
    snprintf(last_text, sizeof last_text, "%s %zu", http_exchange_path(exchange), body.length);
    if (reply_later) {
        ck_assert_int_lt(handled, KEPT_MAX);
        kept[handled] = exchange;
    } else {
        http_exchange_reply_text(exchange, 200, last_text);
    }
    handled++;
}

static void rig_up_with(const struct http_server_settings *settings, http_handler_fn *handler)
{
    struct error err;
    loop = io_loop();
    io_ok(http_server_new(&server, loop, settings, handler, NULL, &err), err);
    ck_assert_uint_ne(http_server_port(server), 0);
}

/* Every exchange ends before the deadline. */
static void rig_up(void)
{
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .deadline_ms = 2 * IO_PATIENCE_MS};
    rig_up_with(&settings, handle);
}

/* A deadline that a test waits for. */
static void rig_up_impatient(void)
{
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .deadline_ms = DEADLINE_MS};
    rig_up_with(&settings, handle);
}

static void rig_down(void)
{
    http_server_free(server);
    loop_free(loop);
}

/* A raw client in the loop's own thread. */
struct raw {
    int fd;
    char answer[64 * 1024];
    size_t length;
    bool ended; /* closed or reset by the server */
};

static struct raw *raw_open(void)
{
    struct raw *raw = calloc(1, sizeof *raw);
    ck_assert_ptr_nonnull(raw);
    raw->fd = net_connect(http_server_port(server));
    ck_assert_int_eq(fcntl(raw->fd, F_SETFL, O_NONBLOCK), 0);
    return raw;
}

static void raw_close(struct raw *raw)
{
    close(raw->fd);
    free(raw);
}

/* Takes what has come; true once the server has closed. */
static bool raw_poll(struct raw *raw)
{
    while (!raw->ended && raw->length < sizeof raw->answer - 1) {
        const ssize_t got = recv(raw->fd, raw->answer + raw->length, sizeof raw->answer - 1 - raw->length, 0);
        if (got < 0 && errno == EAGAIN)
            break;
        raw->ended = got <= 0;
        raw->length += got > 0 ? (size_t)got : 0;
        raw->answer[raw->length] = '\0';
    }
    return raw->ended;
}

/* As much as the socket takes now; 0 also when the server has closed. */
static size_t raw_send(struct raw *raw, const char *bytes, size_t length)
{
    const ssize_t sent = send(raw->fd, bytes, length, MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

static void raw_send_text(struct raw *raw, const char *text)
{
    ck_assert_uint_eq(raw_send(raw, text, strlen(text)), strlen(text));
}

static int raw_status(const struct raw *raw)
{
    if (raw->length < 12 || memcmp(raw->answer, "HTTP/1.", 7) != 0)
        return 0;
    return atoi(raw->answer + 9);
}

static const char *raw_body(const struct raw *raw)
{
    const char *end = strstr(raw->answer, "\r\n\r\n");
    return end != NULL ? end + 4 : "";
}

/* ---- requests ---- */

static bool answer_fits(const char *expected, int status)
{
    int least, most;
    if (strcmp(expected, "refused") == 0)
        return status == 0 || (status >= 400 && status < 600);
    const int fields = sscanf(expected, "%d-%d", &least, &most);
    return status >= least && status <= (fields == 2 ? most : least);
}

START_TEST(requests_are_taken_or_refused_as_the_table_says)
{
    rig_up();
    struct cases *cases = cases_open("http_requests.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct raw *raw = raw_open();
        handled = 0;
        ck_assert_uint_eq(raw_send(raw, row->cell[0].bytes, row->cell[0].length), row->cell[0].length);
        io_turn_until(loop, raw_poll(raw));
        ck_assert_msg(answer_fits(row->cell[1].bytes, raw_status(raw)), "%s: answered \"%s\"",
                      cases_where(cases), raw->answer);
        ck_assert_msg(case_is(row, 2, "?") || handled == case_number(row, 2),
                      "%s: handled %d, answered \"%s\"", cases_where(cases), handled, raw->answer);
        raw_close(raw);
        io_turn_until(loop, http_server_connections(server) == 0);
    }
    cases_close(cases);
    rig_down();
}
END_TEST

static void inspect(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    ck_assert_int_eq(http_exchange_method(exchange), HTTP_POST);
    ck_assert_str_eq(http_exchange_path(exchange), "/v1/a b");
    ck_assert_str_eq(http_exchange_query(exchange, "after"), "12 3");
    ck_assert_str_eq(http_exchange_query(exchange, "verbose"), "");
    ck_assert_str_eq(http_exchange_query(exchange, "empty"), "");
    ck_assert_ptr_null(http_exchange_query(exchange, "absent"));
    ck_assert_str_eq(http_exchange_header(exchange, "WEBHOOK-id"), "first");
    ck_assert_uint_eq(http_exchange_header_count(exchange, "webhook-ID"), 2);
    ck_assert_ptr_null(http_exchange_header(exchange, "X-Absent"));
    ck_assert(slice_is(http_exchange_body(exchange), "hello"));
    ck_assert_ptr_null(http_exchange_context(exchange));
    http_exchange_set_context(exchange, &handled);
    ck_assert_ptr_eq(http_exchange_context(exchange), &handled);
    const struct http_response_header headers[] = {{"X-One", "1"}, {"Retry-After", "9"}};
    const struct http_response response = {.status = 202,
                                           .content_type = "application/json",
                                           .body = slice_of("{\"a\":1}"),
                                           .headers = headers,
                                           .header_count = 2};
    handled++;
    http_exchange_reply(exchange, &response);
}

START_TEST(handler_sees_what_was_asked_and_the_client_what_was_answered)
{
    const struct http_server_settings settings = {.listen = "127.0.0.1:0"};
    rig_up_with(&settings, inspect);
    struct raw *raw = raw_open();
    raw_send_text(raw, "POST /v1/a%20b?after=12+3&verbose&empty= HTTP/1.1\r\nHost: a\r\nWebhook-Id: first\r\n"
                       "webhook-id: second\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    io_turn_until(loop, raw_poll(raw));
    ck_assert_int_eq(handled, 1);
    ck_assert_int_eq(raw_status(raw), 202);
    ck_assert_ptr_nonnull(strstr(raw->answer, "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(raw->answer, "X-One: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(raw->answer, "Retry-After: 9\r\n"));
    ck_assert_ptr_nonnull(strstr(raw->answer, "Content-Length: 7\r\n"));
    ck_assert_str_eq(raw_body(raw), "{\"a\":1}");
    raw_close(raw);
    rig_down();
}
END_TEST

static void reply_badly(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    const struct http_response_header header = {"X-Split", "a\r\nSet-Cookie: b"};
    const struct http_response response = {.status = 200, .headers = &header, .header_count = 1};
    http_exchange_reply(exchange, &response);
}

START_TEST(a_header_that_would_split_the_answer_is_not_sent)
{
    const struct http_server_settings settings = {.listen = "127.0.0.1:0"};
    rig_up_with(&settings, reply_badly);
    struct raw *raw = raw_open();
    raw_send_text(raw, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    io_turn_until(loop, raw_poll(raw));
    ck_assert_int_eq(raw_status(raw), 500);
    ck_assert_ptr_null(strstr(raw->answer, "Cookie"));
    raw_close(raw);
    rig_down();
}
END_TEST

/* ---- limits ---- */

/* Sends pieces until the server ends it; returns the bytes that went out. */
static size_t flood(struct raw *raw, const char *begin, const char *piece, size_t at_most)
{
    size_t total = 0;
    raw_send_text(raw, begin);
    const int64_t give_up_ms = clock_monotonic_ms() + IO_PATIENCE_MS;
    while (!raw_poll(raw) && total < at_most) {
        ck_assert(clock_monotonic_ms() < give_up_ms);
        /* Whole pieces: a piece is small, so a socket that takes any of it takes all of it, nearly always. */
        total += raw_send(raw, piece, strlen(piece));
        io_turn(loop);
    }
    return total;
}

START_TEST(oversized_headers_and_bodies_are_refused)
{
    static char line[4096];
    static char chunk[4096 + 16];
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .deadline_ms = 2 * IO_PATIENCE_MS};
    struct raw *raw;
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof line - 3, "\r\n", 2);
    snprintf(chunk, sizeof chunk, "fff\r\n%.4095s\r\n", line);
    rig_up_with(&settings, handle);
    const struct {
        const char *begin;
        const char *piece;
        size_t limit;
        int status;
    } table[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n", line, 64 * 1024, 431},
        {"GET / HTTP/1.1\r\nHost: a\r\nX-One: ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         64 * 1024, 431},
        {"GET /", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 64 * 1024, 414},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, 512 * 1024, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        raw = raw_open();
        const size_t sent = flood(raw, table[i].begin, table[i].piece, 4 * 1024 * 1024);
        ck_assert_msg(sent <= table[i].limit + 512 * 1024, "case %zu took %zu bytes", i, sent);
        ck_assert_msg(raw->ended, "case %zu went on", i);
        ck_assert_msg(raw_status(raw) == table[i].status || raw_status(raw) == 0, "case %zu: \"%s\"", i,
                      raw->answer);
        raw_close(raw);
        io_turn_until(loop, http_server_connections(server) == 0);
    }
    ck_assert_int_eq(handled, 0);
    rig_down();
}
END_TEST

START_TEST(bodies_up_to_the_limit_are_taken_and_longer_chunked_ones_get_413)
{
    static const size_t sizes[] = {64 * 1024, 64 * 1024 + 1};
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .deadline_ms = 2 * IO_PATIENCE_MS};
    rig_up_with(&settings, handle);
    for (int i = 0; i < 2; i++) {
        struct text request;
        text_init(&request);
        text_printf(
            &request,
            "POST /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
            sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            text_add_char(&request, 'b');
        text_add_str(&request, "\r\n0\r\n\r\n");
        struct raw *raw = raw_open();
        size_t sent = 0;
        handled = 0;
        io_turn_until(loop,
                      (sent += raw_send(raw, request.bytes + sent, request.length - sent)) == request.length);
        io_turn_until(loop, raw_poll(raw));
        ck_assert_int_eq(raw_status(raw), i == 0 ? 200 : 413);
        ck_assert_int_eq(handled, i == 0);
        if (i == 0)
            ck_assert_str_eq(raw_body(raw), "/b 65536");
        raw_close(raw);
        text_fini(&request);
    }
    rig_down();
}
END_TEST

/* ---- time ---- */

START_TEST(a_client_that_drips_is_cut_at_the_deadline)
{
    static const char *const begins[] = {
        "", "GET / HTTP/1.1\r\nX: ",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n"}; /* more than can drip in time */
    rig_up_impatient();
    for (int i = 0; i < 3; i++) {
        const int64_t begin_ms = clock_monotonic_ms();
        struct raw *raw = raw_open();
        raw_send_text(raw, begins[i]);
        while (!raw_poll(raw)) {
            ck_assert_int_lt(clock_monotonic_ms() - begin_ms, IO_PATIENCE_MS);
            raw_send(raw, "x", 1); /* never inactive */
            io_turn(loop);
        }
        ck_assert_int_ge(clock_monotonic_ms() - begin_ms, DEADLINE_MS - 1);
        ck_assert_int_lt(clock_monotonic_ms() - begin_ms, IO_PATIENCE_MS);
        raw_close(raw);
        io_turn_until(loop, http_server_connections(server) == 0);
    }
    ck_assert_int_eq(handled, 0);
    rig_down();
}
END_TEST

static void reply_large(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    static char page[4 * 1024 * 1024];
    memset(page, 'p', sizeof page);
    const struct http_response response = {.status = 200, .body = {page, sizeof page}};
    http_exchange_reply(exchange, &response);
}

START_TEST(a_client_that_does_not_read_is_cut_at_the_deadline)
{
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .deadline_ms = DEADLINE_MS};
    rig_up_with(&settings, reply_large);
    const int64_t begin_ms = clock_monotonic_ms();
    struct raw *raw = raw_open();
    raw_send_text(raw, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    io_turn_until(loop, http_server_connections(server) == 1);
    io_turn_until(loop, http_server_connections(server) == 0);
    ck_assert_int_ge(clock_monotonic_ms() - begin_ms, DEADLINE_MS - 1);
    raw_close(raw);
    rig_down();
}
END_TEST

/* Three exchanges on one connection, which lives longer than the deadline of each. */
static bool is_served_thrice(int64_t whole_ms)
{
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .deadline_ms = whole_ms};
    rig_up_with(&settings, handle);
    struct raw *raw = raw_open();
    const int64_t begin_ms = clock_monotonic_ms();
    bool served = true;
    handled = 0;
    for (int i = 1; i <= 3 && served; i++) {
        raw_send_text(raw, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        io_turn_until(loop, handled == i || raw_poll(raw));
        const int64_t next_ms = clock_monotonic_ms() + whole_ms * 5 / 12;
        while (clock_monotonic_ms() < next_ms)
            io_turn(loop);
        served = !raw_poll(raw);
    }
    if (served) {
        ck_assert_int_eq(handled, 3);
        ck_assert_int_gt(clock_monotonic_ms() - begin_ms, whole_ms);
        io_turn_until(loop, raw_poll(raw)); /* idle: the deadline ends it too */
    }
    raw_close(raw);
    rig_down();
    return served;
}

START_TEST(each_exchange_has_the_whole_deadline)
{
    io_unhurried(whole_ms, 600, is_served_thrice(whole_ms));
}
END_TEST

/* ---- floods of connections ---- */

START_TEST(connections_are_bounded_and_the_next_are_served_when_room_is_made)
{
    enum { FLOOD = 40, LIMIT = 8 };
    const struct http_server_settings settings = {
        .listen = "127.0.0.1:0", .deadline_ms = DEADLINE_MS, .connections_max = LIMIT};
    struct raw *raws[FLOOD];
    rig_up_with(&settings, handle);
    for (int i = 0; i < FLOOD; i++)
        raws[i] = raw_open();
    for (int i = 0; i < 4; i++) {
        io_turn(loop);
        ck_assert_uint_le(http_server_connections(server), LIMIT);
    }
    struct raw *honest = raw_open();
    raw_send_text(honest, "GET /honest HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    io_turn_until(loop, raw_poll(honest)); /* behind the others, each of which is cut at its deadline */
    ck_assert_str_eq(raw_body(honest), "/honest 0");
    raw_close(honest);
    for (int i = 0; i < FLOOD; i++)
        raw_close(raws[i]);
    io_turn_until(loop, http_server_connections(server) == 0);
    rig_down();
}
END_TEST

/* Whoever holds connections without asking anything makes room, oldest first, long before the deadline. */
START_TEST(those_who_wait_make_room_for_those_who_ask)
{
    enum { FLOOD = 40, LIMIT = 8 };
    const struct http_server_settings settings = {
        .listen = "127.0.0.1:0", .deadline_ms = 2 * IO_PATIENCE_MS, .connections_max = LIMIT};
    struct raw *raws[FLOOD];
    rig_up_with(&settings, handle);
    for (int i = 0; i < FLOOD; i++) {
        raws[i] = raw_open();
        raw_send_text(raws[i], i % 2 ? "GET / HTTP/1.1\r\nHo" : "");
    }
    struct raw *honest = raw_open();
    raw_send_text(honest, "GET /honest HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    io_turn_until(loop, raw_poll(honest));
    ck_assert_str_eq(raw_body(honest), "/honest 0");
    ck_assert_uint_le(http_server_connections(server), LIMIT);
    raw_close(honest);
    for (int i = 0; i < FLOOD; i++)
        raw_close(raws[i]);
    io_turn_until(loop, http_server_connections(server) == 0);
    rig_down();
}
END_TEST

/* Whoever comes meanwhile is served when there are descriptors again. */
START_TEST(a_process_without_descriptors_does_not_spin)
{
    enum { WATCHED_MS = 300, TURNS_MAX = 10 };
    struct rlimit limit, none;
    rig_up();
    struct raw *raw = raw_open();
    raw_send_text(raw, "GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    const int64_t end_ms = clock_monotonic_ms() + WATCHED_MS;
    unsigned turns = 0;
    for (; clock_monotonic_ms() < end_ms; turns++) {
        struct error err;
        io_ok(loop_turn(loop, WATCHED_MS, &err), err);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_msg(turns <= TURNS_MAX, "%u turns in %d ms", turns, WATCHED_MS);
    io_turn_until(loop, raw_poll(raw));
    ck_assert_str_eq(raw_body(raw), "/late 0");
    raw_close(raw);
    rig_down();
}
END_TEST

static int count_ended(struct raw **raws, int count)
{
    int ended = 0;
    for (int i = 0; i < count; i++)
        ended += raw_poll(raws[i]);
    return ended;
}

START_TEST(one_address_cannot_take_all_connections)
{
    const struct http_server_settings settings = {.listen = "127.0.0.1:0",
                                                  .deadline_ms = 2 * IO_PATIENCE_MS,
                                                  .connections_max = 10,
                                                  .connections_per_address = 3};
    struct raw *raws[6];
    rig_up_with(&settings, handle);
    for (int i = 0; i < 6; i++)
        raws[i] = raw_open();
    io_turn_until(loop, count_ended(raws, 6) == 3);
    ck_assert_uint_eq(http_server_connections(server), 3);
    for (int i = 0; i < 6; i++)
        raw_close(raws[i]);
    rig_down();
}
END_TEST

/* ---- replies that come later ---- */

START_TEST(a_reply_may_come_later)
{
    rig_up();
    reply_later = true;
    struct raw *raws[3];
    for (int i = 0; i < 3; i++) {
        raws[i] = raw_open();
        raw_send_text(raws[i], "GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    io_turn_until(loop, handled == 3);
    for (int i = 2; i >= 0; i--) {
        ck_assert_str_eq(http_exchange_path(kept[i]), "/late"); /* still there */
        http_exchange_reply_text(kept[i], 200, "late");
    }
    for (int i = 0; i < 3; i++) {
        io_turn_until(loop, raw_poll(raws[i]));
        ck_assert_int_eq(raw_status(raws[i]), 200);
        ck_assert_str_eq(raw_body(raws[i]), "late");
        raw_close(raws[i]);
    }
    rig_down();
}
END_TEST

START_TEST(a_reply_that_comes_too_late_is_dropped_and_the_client_was_told)
{
    rig_up_impatient();
    reply_later = true;
    struct raw *raw = raw_open();
    raw_send_text(raw, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    io_turn_until(loop, raw_poll(raw)); /* the deadline */
    ck_assert_int_eq(handled, 1);
    ck_assert_int_eq(raw_status(raw), 503);
    ck_assert_str_eq(http_exchange_path(kept[0]), "/late");
    http_exchange_reply_text(kept[0], 200, "too late");
    io_turn_until(loop, http_server_connections(server) == 0);
    raw_close(raw);
    /* The client gone before the reply is the same. */
    raw = raw_open();
    raw_send_text(raw, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    io_turn_until(loop, handled == 2);
    raw_close(raw);
    io_turn(loop);
    http_exchange_reply_text(kept[1], 200, "gone");
    io_turn_until(loop, http_server_connections(server) == 0);
    rig_down();
}
END_TEST

START_TEST(exchanges_outlive_a_server_that_is_freed)
{
    rig_up_impatient();
    reply_later = true;
    struct raw *raws[3];
    for (int i = 0; i < 3; i++) {
        raws[i] = raw_open();
        raw_send_text(raws[i], "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
        io_turn_until(loop, handled == i + 1);
        if (i == 0) /* one is past its deadline, the others are not */
            io_turn_until(loop, raw_poll(raws[0]));
    }
    rig_down();
    for (int i = 0; i < 3; i++) {
        http_exchange_reply_text(kept[i], 200, "nobody hears it"); /* must neither crash nor leak */
        raw_close(raws[i]);
    }
}
END_TEST

START_TEST(unusable_addresses_are_refused)
{
    struct error err;
    struct http_server *second = NULL;
    char taken[64];
    rig_up();
    snprintf(taken, sizeof taken, "127.0.0.1:%u", (unsigned)http_server_port(server));
    struct http_server_settings settings = {.listen = taken};
    ck_assert_int_eq(http_server_new(&second, loop, &settings, handle, NULL, &err), STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(err.text, taken));
    settings.listen = "192.0.2.1:80"; /* TEST-NET-1: not ours */
    ck_assert_int_eq(http_server_new(&second, loop, &settings, handle, NULL, &err), STATUS_CONFIG);
    settings.listen = "localhost:80";
    ck_assert_int_eq(http_server_new(&second, loop, &settings, handle, NULL, &err), STATUS_CONFIG);
    rig_down();
}
END_TEST

static Suite *server_suite(void)
{
    Suite *suite = suite_create("io_http_server");
    TCase *requests = tcase_create("requests");
    tcase_set_timeout(requests, 30);
    tcase_add_test(requests, requests_are_taken_or_refused_as_the_table_says);
    tcase_add_test(requests, handler_sees_what_was_asked_and_the_client_what_was_answered);
    tcase_add_test(requests, a_header_that_would_split_the_answer_is_not_sent);
    suite_add_tcase(suite, requests);
    TCase *limits = tcase_create("limits");
    tcase_set_timeout(limits, 30);
    tcase_add_test(limits, oversized_headers_and_bodies_are_refused);
    tcase_add_test(limits, bodies_up_to_the_limit_are_taken_and_longer_chunked_ones_get_413);
    tcase_add_test(limits, a_client_that_drips_is_cut_at_the_deadline);
    tcase_add_test(limits, a_client_that_does_not_read_is_cut_at_the_deadline);
    tcase_add_test(limits, each_exchange_has_the_whole_deadline);
    tcase_add_test(limits, connections_are_bounded_and_the_next_are_served_when_room_is_made);
    tcase_add_test(limits, those_who_wait_make_room_for_those_who_ask);
    tcase_add_test(limits, a_process_without_descriptors_does_not_spin);
    tcase_add_test(limits, one_address_cannot_take_all_connections);
    suite_add_tcase(suite, limits);
    TCase *later = tcase_create("later");
    tcase_add_test(later, a_reply_may_come_later);
    tcase_add_test(later, a_reply_that_comes_too_late_is_dropped_and_the_client_was_told);
    tcase_add_test(later, exchanges_outlive_a_server_that_is_freed);
    tcase_add_test(later, unusable_addresses_are_refused);
    suite_add_tcase(suite, later);
    return suite;
}

int main(void)
{
    Suite *suites[] = {server_suite()};
    return unit_run(suites, 1);
}
