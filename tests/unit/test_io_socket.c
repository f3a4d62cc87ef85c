/* SPDX-License-Identifier: PostgreSQL */
/* Lines over a Unix socket: the server against raw clients, and the blocking client against the server. */
#include "config.h"

#include "base/random.h"
#include "cases.h"
#include "io/socket_client.h"
#include "io/socket_server.h"
#include "io_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEERS_MAX = 4, LINE_MAX_BYTES = 1000, OUTPUT_MAX_BYTES = 64 * 1024, IDLE_MS = 300, SPARE_MS = 30 };

static struct loop *loop;
static struct socket_server *server;
static char *folder;
static char path[200];
static struct text lines; /* all that were taken, each with a '|' behind it */
static int closed_count;
static int refused_writes;
static struct socket_peer *last_peer;

/* What the line asks of the test's server. */
static void take_line(void *ctx, struct socket_peer *peer, struct slice line)
{
    struct error err;
    (void)ctx;
    last_peer = peer;
    text_add(&lines, line.bytes, line.length);
    text_add_char(&lines, '|');
    if (slice_is(line, "busy")) {
        socket_peer_set_busy(peer, true);
    } else if (slice_is(line, "close")) {
        socket_peer_close(peer);
        ck_assert_int_eq(socket_peer_write(peer, "x", 1, &err), STATUS_REJECT);
    } else if (slice_is(line, "bye")) {
        io_ok(socket_peer_write(peer, "bye\n", 4, &err), err);
        socket_peer_close(peer);
    } else if (slice_is(line, "half")) {
        io_ok(socket_peer_write(peer, "whole\r\nhal", 10, &err), err);
        socket_peer_close(peer);
    } else if (slice_is(line, "long")) {
        static char filler[OUTPUT_MAX_BYTES];
        memset(filler, 'l', sizeof filler);
        io_ok(socket_peer_write(peer, filler, sizeof filler, &err), err);
    } else if (slice_is(line, "half room")) {
        static char half[OUTPUT_MAX_BYTES / 2];
        refused_writes += socket_peer_write(peer, half, sizeof half, &err) != STATUS_OK;
    } else if (slice_is(line, "many")) {
        for (int i = 0; i < 3; i++)
            io_ok(socket_peer_write(peer, "row\n", 4, &err), err);
        socket_peer_close(peer);
    } else if (!slice_is(line, "quiet")) {
        io_ok(socket_peer_write(peer, line.bytes, line.length, &err), err);
        io_ok(socket_peer_write(peer, "\n", 1, &err), err);
    }
}

static void note_closed(void *ctx, struct socket_peer *peer)
{
    (void)ctx;
    if (peer == last_peer)
        last_peer = NULL;
    closed_count++;
}

static void serve(int64_t idle_ms)
{
    static const struct socket_server_events events = {take_line, note_closed};
    struct error err;
    const struct socket_server_settings settings = {.path = path,
                                                    .peers_max = PEERS_MAX,
                                                    .refusal = "no room\n",
                                                    .line_max_bytes = LINE_MAX_BYTES,
                                                    .output_max_bytes = OUTPUT_MAX_BYTES,
                                                    .idle_timeout_ms = idle_ms,
                                                    .spare_ms = SPARE_MS};
    io_ok(socket_server_new(&server, loop, &settings, &events, NULL, &err), err);
}

/* Nobody is silent for so long, but whom a test leaves so: it takes another server. */
static void set_up(void)
{
    folder = io_make_folder();
    snprintf(path, sizeof path, "%s/control", folder);
    text_init(&lines);
    loop = io_loop();
    serve(2 * IO_PATIENCE_MS);
}

static void serve_again(int64_t idle_ms)
{
    socket_server_free(server);
    text_fini(&lines);
    text_init(&lines);
    last_peer = NULL;
    closed_count = 0;
    serve(idle_ms);
}

static void tear_down(void)
{
    socket_server_free(server);
    loop_free(loop);
    text_fini(&lines);
    io_remove_folder(folder);
}

static int raw_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void raw_send(int fd, const char *bytes)
{
    ck_assert_int_eq(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

/* Adds what has come to `got`; true once the server has closed. */
static bool raw_ended(int fd, struct text *got)
{
    char block[4096];
    for (;;) {
        const ssize_t n = recv(fd, block, sizeof block, 0);
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0)
            return true;
        text_add(got, block, (size_t)n);
    }
}

static bool raw_has(int fd, struct text *got, const char *expected)
{
    raw_ended(fd, got);
    return got->length == strlen(expected) && memcmp(got->bytes, expected, got->length) == 0;
}

static bool lines_are(const char *expected)
{
    return lines.length == strlen(expected) && memcmp(lines.bytes, expected, lines.length) == 0;
}

static void turn_for(int64_t time_ms)
{
    const int64_t until_ms = clock_monotonic_ms() + time_ms;
    while (clock_monotonic_ms() < until_ms)
        io_turn(loop);
}

/* ---- lines ---- */

START_TEST(lines_are_taken_whole_however_they_arrive)
{
    struct text got;
    text_init(&got);
    const int fd = raw_connect();
    raw_send(fd, "one\ntwo\r\n\nthr");
    io_turn_until(loop, lines_are("one|two||"));
    raw_send(fd, "ee\n");
    io_turn_until(loop, lines_are("one|two||three|"));
    io_turn_until(loop, raw_has(fd, &got, "one\ntwo\n\nthree\n"));
    ck_assert_uint_eq(socket_server_peers(server), 1);
    const struct socket_credentials credentials = socket_peer_credentials(last_peer);
    ck_assert_int_eq(credentials.pid, getpid());
    ck_assert_uint_eq(credentials.uid, getuid());
    socket_peer_set_context(last_peer, &got);
    ck_assert_ptr_eq(socket_peer_context(last_peer), &got);
    close(fd);
    io_turn_until(loop, closed_count == 1);
    ck_assert_uint_eq(socket_server_peers(server), 0);
    text_fini(&got);
}
END_TEST

START_TEST(lines_are_bounded)
{
    char line[LINE_MAX_BYTES + 4];
    struct text got;
    text_init(&got);
    memset(line, 'x', sizeof line);
    line[LINE_MAX_BYTES] = '\n';
    line[LINE_MAX_BYTES + 1] = '\0';
    int fd = raw_connect();
    raw_send(fd, line);
    io_turn_until(loop, lines.length == LINE_MAX_BYTES + 1); /* exactly the bound */
    raw_send(fd, "after\n");
    io_turn_until(loop, lines.length == LINE_MAX_BYTES + 7);
    close(fd);
    io_turn_until(loop, closed_count == 1);

    line[LINE_MAX_BYTES] = 'x';
    line[LINE_MAX_BYTES + 1] = '\n';
    line[LINE_MAX_BYTES + 2] = '\0';
    fd = raw_connect();
    raw_send(fd, line); /* one more */
    io_turn_until(loop, raw_ended(fd, &got));
    close(fd);
    fd = raw_connect();
    line[LINE_MAX_BYTES + 1] = 'x';
    for (int i = 0; i < 3; i++)
        raw_send(fd, line); /* and without an end */
    io_turn_until(loop, raw_ended(fd, &got));
    close(fd);
    ck_assert_uint_eq(lines.length, LINE_MAX_BYTES + 7);
    ck_assert_uint_eq(got.length, 0);
    text_fini(&got);
}
END_TEST

START_TEST(a_busy_peer_gives_no_lines_until_it_is_set_back)
{
    struct error err;
    struct text got;
    text_init(&got);
    serve_again(IDLE_MS);
    const int fd = raw_connect();
    raw_send(fd, "first\nbusy\nsecond\nthird\n");
    io_turn_until(loop, lines_are("first|busy|"));
    struct socket_peer *peer = last_peer;
    const int64_t until_ms = clock_monotonic_ms() + 2 * IDLE_MS;
    while (clock_monotonic_ms() < until_ms) /* and it may wait longer than the idle deadline */
        io_turn(loop);
    ck_assert(lines_are("first|busy|"));
    io_ok(socket_peer_write(peer, "answer\n", 7, &err), err);
    socket_peer_set_busy(peer, false);
    io_turn_until(loop, lines_are("first|busy|second|third|"));
    io_turn_until(loop, raw_has(fd, &got, "first\nanswer\nsecond\nthird\n"));
    io_turn_until(loop, raw_ended(fd, &got)); /* not busy: the idle deadline applies again */
    close(fd);
    text_fini(&got);
}
END_TEST

START_TEST(a_client_that_ends_its_side_still_gets_its_answer)
{
    struct error err;
    struct text got;
    text_init(&got);
    int fd = raw_connect();
    raw_send(fd, "hello\nhalf a line");
    shutdown(fd, SHUT_WR);
    io_turn_until(loop, raw_ended(fd, &got));
    ck_assert_str_eq(got.bytes, "hello\n");
    close(fd);
    text_clear(&got);
    fd = raw_connect();
    raw_send(fd, "busy\n");
    shutdown(fd, SHUT_WR);
    io_turn_until(loop, last_peer != NULL);
    io_ok(socket_peer_write(last_peer, "late\n", 5, &err), err);
    socket_peer_set_busy(last_peer, false);
    io_turn_until(loop, raw_ended(fd, &got));
    ck_assert_str_eq(got.bytes, "late\n");
    close(fd);
    text_fini(&got);
}
END_TEST

START_TEST(a_peer_is_closed_from_within_its_line)
{
    struct text got;
    text_init(&got);
    int fd = raw_connect();
    raw_send(fd, "bye\nnever taken\n");
    io_turn_until(loop, raw_ended(fd, &got));
    ck_assert_str_eq(got.bytes, "bye\n");
    close(fd);
    text_clear(&got);
    fd = raw_connect();
    raw_send(fd, "close\nnever taken\n");
    io_turn_until(loop, raw_ended(fd, &got));
    ck_assert_uint_eq(got.length, 0);
    close(fd);
    io_turn_until(loop, closed_count == 2);
    ck_assert(lines_are("bye|close|"));
    text_fini(&got);
}
END_TEST

/* ---- bounds ---- */

START_TEST(a_client_that_does_not_read_is_refused_until_it_has)
{
    static char block[4096];
    struct error err;
    struct text got;
    text_init(&got);
    memset(block, 'b', sizeof block);
    const int fd = raw_connect();
    raw_send(fd, "quiet\nquiet\n");
    io_turn_until(loop, lines_are("quiet|quiet|"));
    size_t taken = 0;
    while (socket_peer_write(last_peer, block, sizeof block, &err) == STATUS_OK) {
        taken += sizeof block;
        ck_assert_uint_lt(taken, 16 * 1024 * 1024);
    }
    ck_assert_int_eq(err.status, STATUS_RETRY);
    raw_send(fd, "later\n");
    io_turn(loop);
    io_turn(loop);
    ck_assert(lines_are("quiet|quiet|")); /* no further line meanwhile */
    io_turn_until(loop, (raw_ended(fd, &got), got.length == taken + 6));
    ck_assert_int_eq(memcmp(got.bytes + taken, "later\n", 6), 0);
    ck_assert_int_eq(socket_peer_write(last_peer, block, OUTPUT_MAX_BYTES + 1, &err), STATUS_REJECT);
    close(fd);
    text_fini(&got);
}
END_TEST

/* Many requests in a row, and no answer read: no more of them wait in our memory than one answer. */
START_TEST(a_client_that_asks_without_reading_is_not_taken_further_questions)
{
    enum { QUESTIONS = 200 };
    struct text got, questions;
    text_init(&got);
    text_init(&questions);
    for (int i = 0; i < QUESTIONS; i++)
        text_add_str(&questions, "half room\n");
    const int fd = raw_connect();
    raw_send(fd, questions.bytes);
    io_turn_until(loop, lines.length > 0);
    for (size_t before = 0; before < lines.length;) {
        before = lines.length;
        io_turn(loop);
    }
    const size_t answered = lines.length / strlen("half room|");
    ck_assert_uint_lt(answered, QUESTIONS);
    ck_assert_int_eq(refused_writes, 0); /* there was room for each answer that was asked for */
    io_turn_until(loop, (raw_ended(fd, &got), got.length == (size_t)QUESTIONS * (OUTPUT_MAX_BYTES / 2)));
    close(fd);
    text_fini(&questions);
    text_fini(&got);
}
END_TEST

/* Writes and reads of all sizes, in turns of chance: what comes out is what went in. */
START_TEST(output_keeps_its_order_under_pressure)
{
    enum { TOTAL = 3 * 1024 * 1024, LARGEST = 30000 };
    static char pattern[TOTAL];
    static char block[LARGEST];
    struct random random;
    struct error err;
    random_seed(&random, 17);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)random_next(&random);
    const int fd = raw_connect();
    raw_send(fd, "quiet\n");
    io_turn_until(loop, last_peer != NULL);
    size_t written = 0, got = 0;
    int refusals = 0;
    const int64_t give_up_ms = clock_monotonic_ms() + IO_PATIENCE_MS;
    while (got < TOTAL) {
        ck_assert_int_lt(clock_monotonic_ms(), give_up_ms);
        size_t length = random_below(&random, LARGEST) + 1;
        length = length < TOTAL - written ? length : TOTAL - written;
        if (length > 0 && socket_peer_write(last_peer, pattern + written, length, &err) == STATUS_OK)
            written += length;
        else if (length > 0)
            refusals++;
        const ssize_t n = recv(fd, block, random_below(&random, LARGEST / 4) + 1, 0);
        if (n > 0) {
            ck_assert_int_eq(memcmp(block, pattern + got, (size_t)n), 0);
            got += (size_t)n;
        }
        if (n <= 0 || random_below(&random, 3) == 0)
            io_ok(loop_turn(loop, 0, &err), err);
        ck_assert_ptr_nonnull(last_peer);
    }
    ck_assert_int_gt(refusals, 0);
    close(fd);
}
END_TEST

START_TEST(silence_drips_and_unread_output_end_at_the_deadline)
{
    static char block[4096];
    struct error err;
    struct text got;
    text_init(&got);
    serve_again(IDLE_MS);
    for (int kind = 0; kind < 3; kind++) {
        const int64_t begin_ms = clock_monotonic_ms();
        const int fd = raw_connect();
        if (kind == 2) {
            raw_send(fd, "busy\n");
            last_peer = NULL;
            io_turn_until(loop, last_peer != NULL);
            while (socket_peer_write(last_peer, block, sizeof block, &err) == STATUS_OK)
                continue;
        }
        while (socket_server_peers(server) > 0 || clock_monotonic_ms() - begin_ms < IDLE_MS - 1) {
            ck_assert_int_lt(clock_monotonic_ms() - begin_ms, IO_PATIENCE_MS);
            if (kind == 1)
                send(fd, "x", 1, MSG_NOSIGNAL);
            io_turn(loop);
        }
        ck_assert_int_eq(closed_count, kind + 1);
        close(fd);
    }
    text_fini(&got);
}
END_TEST

/* Twice the deadline with whole lines, and twice with output that is taken. */
static bool is_served_on(int fd, int64_t idle_ms, struct text *got)
{
    static char block[4096];
    struct error err;
    for (int i = 0; i < 4; i++) {
        if (send(fd, "quiet\n", 6, MSG_NOSIGNAL) != 6)
            return false;
        turn_for(idle_ms / 2);
    }
    for (int i = 0; i < 5; i++) {
        if (socket_server_peers(server) != 1)
            return false;
        while (socket_peer_write(last_peer, block, sizeof block, &err) == STATUS_OK)
            continue;
        /* All that the kernel holds is taken, and the refusal renewed. */
        if (raw_ended(fd, got))
            return false;
        turn_for(idle_ms / 2);
    }
    return true;
}

static bool is_put_off(int64_t idle_ms)
{
    struct text got;
    text_init(&got);
    serve_again(idle_ms);
    const int fd = raw_connect();
    bool served_on = is_served_on(fd, idle_ms, &got);
    close(fd);
    text_fini(&got);
    return served_on;
}

START_TEST(whole_lines_and_output_taken_put_the_deadline_off)
{
    io_unhurried(idle_ms, IDLE_MS, is_put_off(idle_ms));
}
END_TEST

/* Who stands by the door is not in the way of who has something to ask. */
START_TEST(the_longest_idle_gives_way_to_a_new_client)
{
    enum { MORE = 3 * PEERS_MAX };
    int fds[PEERS_MAX], more[MORE], fd;
    struct error err;
    struct text got;
    text_init(&got);
    fds[0] = raw_connect();
    raw_send(fds[0], "busy\n");
    io_turn_until(loop, lines_are("busy|"));
    struct socket_peer *busy = last_peer;
    for (int i = 1; i < PEERS_MAX; i++) {
        fds[i] = raw_connect();
        const unsigned peers = (unsigned)i + 1;
        io_turn_until(loop, socket_server_peers(server) == peers);
        turn_for(2);
    }
    raw_send(fds[1], "quiet\n"); /* it came first and asked last */
    io_turn_until(loop, lines_are("busy|quiet|"));
    raw_send(fds[2], "half a li"); /* which is no line */
    fd = raw_connect();
    raw_send(fd, "new\n");
    io_turn_until(loop, raw_has(fd, &got, "new\n"));
    ck_assert(raw_ended(fds[2], &got));
    ck_assert(!raw_ended(fds[1], &got) && !raw_ended(fds[3], &got));
    close(fds[2]);
    close(fd);

    for (int i = 0; i < MORE; i++) { /* nor do any number of them put the busy one out */
        fd = raw_connect();
        text_clear(&got);
        raw_send(fd, "more\n");
        io_turn_until(loop, raw_has(fd, &got, "more\n"));
        ck_assert_uint_le(socket_server_peers(server), PEERS_MAX);
        more[i] = fd;
    }
    for (int i = 0; i < MORE; i++)
        close(more[i]);
    io_ok(socket_peer_write(busy, "answer\n", 7, &err), err);
    text_clear(&got);
    io_turn_until(loop, raw_has(fds[0], &got, "answer\n"));
    close(fds[0]);
    close(fds[1]);
    close(fds[3]);
    text_fini(&got);
}
END_TEST

/* More come at once than there are places: each asks, and each is answered. */
START_TEST(a_rush_is_served_in_turn)
{
    enum { CLIENTS = 5 * PEERS_MAX };
    int fds[CLIENTS];
    struct text got;
    text_init(&got);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = raw_connect();
    for (int i = 0; i < CLIENTS; i++)
        raw_send(fds[i], "hello\n");
    for (int i = 0; i < CLIENTS; i++) {
        text_clear(&got);
        io_turn_until(loop, raw_has(fds[i], &got, "hello\n"));
        close(fds[i]);
    }
    text_fini(&got);
}
END_TEST

START_TEST(a_client_is_refused_while_all_wait_for_their_answers)
{
    int fds[PEERS_MAX];
    struct text got;
    text_init(&got);
    for (int i = 0; i < PEERS_MAX; i++) {
        fds[i] = raw_connect();
        raw_send(fds[i], "busy\n");
    }
    io_turn_until(loop, lines_are("busy|busy|busy|busy|"));
    turn_for(2 * SPARE_MS);
    int fd = raw_connect();
    io_turn_until(loop, raw_ended(fd, &got));
    ck_assert_str_eq(got.bytes, "no room\n");
    ck_assert_uint_eq(socket_server_peers(server), PEERS_MAX);
    ck_assert_int_eq(closed_count, 0);
    close(fd);

    close(fds[1]); /* whom nobody can answer any more */
    fd = raw_connect();
    raw_send(fd, "hello\n");
    text_clear(&got);
    io_turn_until(loop, raw_has(fd, &got, "hello\n"));
    ck_assert_int_eq(closed_count, 1);
    close(fd);
    for (int i = 0; i < PEERS_MAX; i++)
        if (i != 1)
            close(fds[i]);
    text_fini(&got);
}
END_TEST

/* Requests that came while the process stood still are older than spare_ms when they are first seen. */
START_TEST(a_request_that_waited_unread_counts)
{
    int fds[PEERS_MAX];
    struct text got;
    text_init(&got);
    for (int i = 0; i < PEERS_MAX; i++)
        fds[i] = raw_connect();
    io_turn_until(loop, socket_server_peers(server) == PEERS_MAX);
    const int fd = raw_connect();
    for (int i = 0; i < PEERS_MAX; i++)
        raw_send(fds[i], "busy\n");
    const int64_t until_ms = clock_monotonic_ms() + 2 * SPARE_MS;
    while (clock_monotonic_ms() < until_ms)
        continue; /* no turn of the loop */
    io_turn_until(loop, raw_ended(fd, &got));
    ck_assert(lines_are("busy|busy|busy|busy|"));
    ck_assert_str_eq(got.bytes, "no room\n");
    ck_assert_int_eq(closed_count, 0);
    for (int i = 0; i < PEERS_MAX; i++)
        close(fds[i]);
    close(fd);
    text_fini(&got);
}
END_TEST

START_TEST(without_descriptors_the_server_waits_instead_of_spinning)
{
    struct rlimit limit, none;
    struct text got;
    text_init(&got);
    const int fd = raw_connect();
    raw_send(fd, "hello\n");
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    const uint64_t turns = loop_turns(loop);
    const int64_t until_ms = clock_monotonic_ms() + 100;
    while (clock_monotonic_ms() < until_ms)
        io_turn(loop);
    ck_assert_uint_lt(loop_turns(loop) - turns, 20); /* turns of up to 20 ms: it slept */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    io_turn_until(loop, raw_has(fd, &got, "hello\n"));
    close(fd);
    text_fini(&got);
}
END_TEST

/* ---- the socket file ---- */

static enum status second_server(const char *second_path, struct socket_server **second, struct error *err)
{
    static const struct socket_server_events events = {take_line, NULL};
    const struct socket_server_settings settings = {.path = second_path};
    return socket_server_new(second, loop, &settings, &events, NULL, err);
}

START_TEST(the_socket_file_is_replaced_only_when_nobody_listens)
{
    struct error err;
    struct stat st;
    struct socket_server *second = NULL;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
    ck_assert_int_eq(second_server(path, &second, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "somebody listens"));
    ck_assert_int_eq(stat(path, &st), 0); /* and the first still has it */

    /* A stale one: bound, and its owner gone without removing it. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/stale", folder);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    io_ok(second_server(address.sun_path, &second, &err), err);
    /* Freed, it removes its file, but not one that has taken its place. */
    ck_assert_int_eq(unlink(address.sun_path), 0);
    FILE *other = fopen(address.sun_path, "w");
    fclose(other);
    socket_server_free(second);
    ck_assert_int_eq(stat(address.sun_path, &st), 0);
    ck_assert_int_eq(second_server(address.sun_path, &second, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "is no socket"));

    char too_long[200];
    memset(too_long, 'p', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    too_long[0] = '/';
    ck_assert_int_eq(second_server(too_long, &second, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "199 bytes: expected 1 to 107"));
    ck_assert_int_eq(second_server("", &second, &err), STATUS_CONFIG);
}
END_TEST

START_TEST(freeing_the_server_ends_its_peers_and_its_file)
{
    struct stat st;
    struct text got;
    text_init(&got);
    const int fd = raw_connect();
    raw_send(fd, "hello\n");
    io_turn_until(loop, lines_are("hello|"));
    socket_server_free(server);
    server = NULL;
    ck_assert_int_eq(closed_count, 1);
    ck_assert(raw_ended(fd, &got));
    ck_assert_int_eq(stat(path, &st), -1);
    close(fd);
    text_fini(&got);
}
END_TEST

/* ---- the blocking client, on a thread ---- */

struct visit {
    pthread_t thread;
    const char *request;
    size_t line_max;
    int64_t read_timeout_ms;
    atomic_bool over;
    struct error err;
    enum status status;
    int rows;
    size_t longest;
};

static void *visit_main(void *arg)
{
    struct visit *visit = arg;
    struct socket_client *client = NULL;
    bool ended = false;
    visit->status = socket_client_connect(&client, path, visit->line_max, 2000, &visit->err);
    if (visit->status == STATUS_OK)
        visit->status = socket_client_send(client, slice_of(visit->request), 2000, &visit->err);
    while (visit->status == STATUS_OK && !ended) {
        struct slice line;
        visit->status = socket_client_read(client, &line, &ended, visit->read_timeout_ms, &visit->err);
        if (visit->status == STATUS_OK && !ended) {
            visit->rows++;
            visit->longest = line.length > visit->longest ? line.length : visit->longest;
        }
    }
    socket_client_free(client);
    atomic_store(&visit->over, true);
    return NULL;
}

static void run_visit(struct visit *visit, const char *request, int64_t read_timeout_ms)
{
    memset(visit, 0, sizeof *visit);
    visit->request = request;
    visit->line_max = 100;
    visit->read_timeout_ms = read_timeout_ms;
    ck_assert_int_eq(pthread_create(&visit->thread, NULL, visit_main, visit), 0);
    io_turn_until(loop, atomic_load(&visit->over));
    pthread_join(visit->thread, NULL);
}

START_TEST(the_client_reads_lines_until_the_end)
{
    struct visit visit;
    run_visit(&visit, "many", IO_PATIENCE_MS);
    io_ok(visit.status, visit.err);
    ck_assert_int_eq(visit.rows, 3);
    ck_assert_uint_eq(visit.longest, 3);
}
END_TEST

START_TEST(the_client_waits_no_longer_than_its_deadline)
{
    struct visit visit;
    const int64_t begin_ms = clock_monotonic_ms();
    run_visit(&visit, "busy", 60);
    ck_assert_int_eq(visit.status, STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(visit.err.text, "did not answer in time"));
    ck_assert_int_ge(clock_monotonic_ms() - begin_ms, 60);
}
END_TEST

START_TEST(the_client_refuses_what_is_too_long_or_no_line)
{
    static char request[302];
    struct visit visit;
    memset(request, 'x', sizeof request - 1);
    run_visit(&visit, request, IO_PATIENCE_MS); /* echoed: more than its bound of 100 */
    ck_assert_int_eq(visit.status, STATUS_REJECT);
    ck_assert_ptr_nonnull(strstr(visit.err.text, "more than 100"));
    run_visit(&visit, "long", IO_PATIENCE_MS); /* without an end, in pieces */
    ck_assert_int_eq(visit.status, STATUS_REJECT);
    run_visit(&visit, "half", IO_PATIENCE_MS); /* closed in the middle of the second line */
    ck_assert_int_eq(visit.status, STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(visit.err.text, "middle of a line"));
    ck_assert_int_eq(visit.rows, 1);
    ck_assert_uint_eq(visit.longest, 5); /* "whole", without its "\r" */
    run_visit(&visit, "two\nlines", IO_PATIENCE_MS);
    ck_assert_int_eq(visit.status, STATUS_REJECT);
}
END_TEST

START_TEST(the_client_tells_when_nobody_is_there)
{
    struct error err;
    struct socket_client *client = NULL;
    socket_server_free(server);
    server = NULL;
    ck_assert_int_eq(socket_client_connect(&client, path, 100, 100, &err), STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(err.text, "nobody listens"));
    ck_assert_ptr_nonnull(strstr(err.text, path));
    socket_client_free(NULL);
}
END_TEST

START_TEST(the_client_gives_up_on_a_full_queue)
{
    struct error err;
    struct socket_client *client = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/full", folder);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    const int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(first, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(socket_client_connect(&client, address.sun_path, 100, 50, &err), STATUS_RETRY);
    ck_assert_ptr_nonnull(strstr(err.text, "within 50 ms"));
    close(first);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_socket");
    TCase *peers = tcase_create("server");
    tcase_add_checked_fixture(peers, set_up, tear_down);
    tcase_add_test(peers, lines_are_taken_whole_however_they_arrive);
    tcase_add_test(peers, lines_are_bounded);
    tcase_add_test(peers, a_busy_peer_gives_no_lines_until_it_is_set_back);
    tcase_add_test(peers, a_client_that_ends_its_side_still_gets_its_answer);
    tcase_add_test(peers, a_peer_is_closed_from_within_its_line);
    tcase_add_test(peers, a_client_that_does_not_read_is_refused_until_it_has);
    tcase_add_test(peers, a_client_that_asks_without_reading_is_not_taken_further_questions);
    tcase_add_test(peers, output_keeps_its_order_under_pressure);
    tcase_add_test(peers, silence_drips_and_unread_output_end_at_the_deadline);
    tcase_add_test(peers, whole_lines_and_output_taken_put_the_deadline_off);
    tcase_add_test(peers, the_longest_idle_gives_way_to_a_new_client);
    tcase_add_test(peers, a_rush_is_served_in_turn);
    tcase_add_test(peers, a_client_is_refused_while_all_wait_for_their_answers);
    tcase_add_test(peers, a_request_that_waited_unread_counts);
    tcase_add_test(peers, without_descriptors_the_server_waits_instead_of_spinning);
    tcase_add_test(peers, the_socket_file_is_replaced_only_when_nobody_listens);
    tcase_add_test(peers, freeing_the_server_ends_its_peers_and_its_file);
    suite_add_tcase(suite, peers);
    TCase *client = tcase_create("client");
    tcase_add_checked_fixture(client, set_up, tear_down);
    tcase_add_test(client, the_client_reads_lines_until_the_end);
    tcase_add_test(client, the_client_waits_no_longer_than_its_deadline);
    tcase_add_test(client, the_client_refuses_what_is_too_long_or_no_line);
    tcase_add_test(client, the_client_tells_when_nobody_is_there);
    tcase_add_test(client, the_client_gives_up_on_a_full_queue);
    suite_add_tcase(suite, client);
    return unit_run(&suite, 1);
}
