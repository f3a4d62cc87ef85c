/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every allocation of io fails once: nothing crashes, leaks (AddressSanitizer sees to that) or hangs, and what was
 * promised about the end of calls, jobs and peers still holds. The libraries' own allocations are not touched.
 */
#include "config.h"

#include "allocation.h"
#include "cases.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "io/socket_client.h"
#include "io/socket_server.h"
#include "io/workers.h"
#include "io_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FAILURES_MAX = 500 };

static char *folder;

/* libcheck is linked statically and allocates in each assertion: a scenario notes the first fault, asserted afterwards. */
static const char *fault;
#define must(condition) ((condition) || fault != NULL ? (void)0 : (void)(fault = #condition))

/* Turns until *value is `wanted`. */
static void turn_until(struct loop *loop, unsigned (*value)(const void *), const void *of, unsigned wanted)
{
    struct error err;
    const int64_t give_up_ms = clock_monotonic_ms() + IO_PATIENCE_MS;
    while (value(of) != wanted && clock_monotonic_ms() < give_up_ms)
        must(loop_turn(loop, 20, &err) == STATUS_OK);
    must(value(of) == wanted);
}

/* Runs the scenario with its first allocation failing, then its second …, until all are made. */
static void each_allocation_fails(void (*scenario)(void))
{
    int n = 1;
    for (; n < FAILURES_MAX; n++) {
        allocation_fail_at(n);
        scenario();
        const bool failed = allocation_failed();
        ck_assert_msg(fault == NULL, "allocation %d: not %s", n, fault);
        if (!failed)
            break;
    }
    ck_assert_int_gt(n, 1);
    ck_assert_int_lt(n, FAILURES_MAX);
}

static void set_up(void)
{
    folder = io_make_folder();
}

static void tear_down(void)
{
    io_remove_folder(folder);
}

static void note_ready(void *ctx, unsigned ready)
{
    (void)ctx;
    (void)ready;
}

static void count_call(void *ctx)
{
    ++*(int *)ctx;
}

static void loop_scenario(void)
{
    struct loop *loop = NULL;
    struct loop_signal *handle = NULL;
    struct error err;
    int calls = 0;
    if (loop_new(&loop, &err) != STATUS_OK)
        return;
    struct loop_timer *timer = loop_timer_new(loop, count_call, &calls);
    struct loop_watch *watch = loop_watch_new(loop, 0, note_ready, NULL);
    const enum status status = loop_signal_new(&handle, loop, SIGUSR1, count_call, &calls, &err);
    must(status == STATUS_OK || status == STATUS_FATAL);
    loop_timer_free(timer);
    loop_watch_free(watch);
    loop_signal_free(handle);
    loop_free(loop);
}

START_TEST(loop_bears_it)
{
    each_allocation_fails(loop_scenario);
}
END_TEST

static void run_nothing(struct workers_job *job)
{
    (void)job;
}

static void count_done(struct workers_job *job, bool did_run)
{
    (void)did_run;
    ++*(int *)job->ctx;
}

static void workers_scenario(void)
{
    struct loop *loop = NULL;
    struct workers *workers = NULL;
    struct error err;
    int done = 0;
    struct workers_job job = {.run = run_nothing, .done = count_done, .ctx = &done};
    if (loop_new(&loop, &err) != STATUS_OK)
        return;
    if (workers_new(&workers, loop, 2, 4, &err) == STATUS_OK) {
        must(workers_submit(workers, &job, &err) == STATUS_OK);
        workers_free(workers);
        must(done == 1);
    }
    loop_free(loop);
}

START_TEST(workers_bear_it)
{
    each_allocation_fails(workers_scenario);
}
END_TEST

static void reply_hello(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    http_exchange_reply_text(exchange, 200, "hello");
}

static void take_result(void *ctx, const struct http_result *result)
{
    (void)result;
    ++*(int *)ctx;
}

static unsigned value_of_int(const void *number)
{
    return (unsigned)*(const int *)number;
}

/* Two calls, so that what is kept for the second is seen too. */
static void make_calls(struct loop *loop, struct http_client *client, uint16_t port)
{
    struct error err;
    char url[64];
    const struct http_header header = {"X-Mark", "m"};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    const struct http_request request = {.method = HTTP_CLIENT_POST,
                                         .url = url,
                                         .headers = &header,
                                         .header_count = 1,
                                         .body = "{}",
                                         .body_length = 2,
                                         .connect_timeout_ms = 1000,
                                         .total_timeout_ms = 1000,
                                         .response_max_bytes = 100};
    for (int i = 0; i < 2; i++) {
        int done = 0;
        if (http_client_start(client, &request, take_result, &done, NULL, &err) == STATUS_OK)
            turn_until(loop, value_of_int, &done, 1);
        must(http_client_calls(client) == 0);
    }
}

static void http_scenario(void)
{
    struct loop *loop = NULL;
    struct http_server *server = NULL;
    struct http_client *client = NULL;
    struct error err;
    struct address_network network;
    if (loop_new(&loop, &err) != STATUS_OK)
        return;
    must(address_parse_network("127.0.0.0/8", &network, &err) == STATUS_OK);
    const struct http_client_settings client_settings = {
        .kept_connections_max = 2, .calls_max = 2, .networks = &network, .network_count = 1};
    const struct http_server_settings server_settings = {.listen = "127.0.0.1:0", .deadline_ms = 500};
    if (http_server_new(&server, loop, &server_settings, reply_hello, NULL, &err) == STATUS_OK &&
        http_client_new(&client, loop, &client_settings, &err) == STATUS_OK)
        make_calls(loop, client, http_server_port(server));
    http_client_free(client);
    http_server_free(server);
    loop_free(loop);
}

START_TEST(http_bears_it)
{
    each_allocation_fails(http_scenario);
}
END_TEST

static void echo_line(void *ctx, struct socket_peer *peer, struct slice line)
{
    struct error err;
    (void)ctx;
    if (socket_peer_write(peer, line.bytes, line.length, &err) == STATUS_OK)
        socket_peer_close(peer);
}

static void count_closed(void *ctx, struct socket_peer *peer)
{
    (void)peer;
    ++*(int *)ctx;
}

static unsigned peers_of(const void *server)
{
    return socket_server_peers(server);
}

static void visit(struct loop *loop, struct socket_server *server, const char *path)
{
    struct error err;
    struct socket_client *client = NULL;
    if (socket_client_connect(&client, path, 100, 1000, &err) != STATUS_OK)
        return;
    const enum status status = socket_client_send(client, slice_of("hello"), 1000, &err);
    must(status == STATUS_OK || status == STATUS_RETRY);
    for (int i = 0; i < 3; i++)
        must(loop_turn(loop, 20, &err) == STATUS_OK);
    turn_until(loop, peers_of, server, 0);
    struct slice line;
    bool ended;
    const enum status read = socket_client_read(client, &line, &ended, 1000, &err);
    must(read != STATUS_CONFIG);
    socket_client_free(client);
}

static void socket_scenario(void)
{
    struct loop *loop = NULL;
    struct socket_server *server = NULL;
    struct error err;
    int closed = 0;
    const char *path = io_path(folder, "s");
    const struct socket_server_settings settings = {.path = path, .idle_timeout_ms = 500};
    const struct socket_server_events events = {echo_line, count_closed};
    if (loop_new(&loop, &err) != STATUS_OK)
        return;
    if (socket_server_new(&server, loop, &settings, &events, &closed, &err) == STATUS_OK)
        visit(loop, server, path);
    socket_server_free(server);
    loop_free(loop);
    must(closed <= 1);
}

START_TEST(control_socket_bears_it)
{
    each_allocation_fails(socket_scenario);
}
END_TEST

static void file_scenario(void)
{
    struct error err;
    struct text text;
    struct file_list list;
    bool exposed;
    text_init(&text);
    FILE *file = fopen(io_path(folder, "f"), "w");
    must(file != NULL && fclose(file) == 0);
    must(file_replace(io_path(folder, "f"), "hello", 5, &err) == STATUS_OK);
    enum status status = file_read_secret(io_path(folder, "f"), 10, &text, &exposed, &err);
    must(status == STATUS_OK || status == STATUS_FATAL);
    text_fini(&text);
    status = file_list_open(&list, folder, 10, &err);
    must(status == STATUS_OK || status == STATUS_FATAL);
    file_list_close(&list);
}

START_TEST(files_bear_it)
{
    each_allocation_fails(file_scenario);
}
END_TEST

static void crypto_scenario(void)
{
    static const uint8_t seed[CRYPTO_ED25519_SEED_BYTES] = {1};
    struct error err;
    struct crypto_sha256 *hash = NULL;
    struct crypto_signer *signer = NULL;
    enum status status = crypto_sha256_new(&hash, &err);
    must(status == STATUS_OK || status == STATUS_FATAL);
    crypto_sha256_free(hash);
    status = crypto_signer_from_seed(&signer, seed, &err);
    must(status == STATUS_OK || status == STATUS_FATAL);
    crypto_signer_free(signer);
}

START_TEST(crypto_bears_it)
{
    each_allocation_fails(crypto_scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_allocation");
    TCase *all = tcase_create("allocation");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, loop_bears_it);
    tcase_add_test(all, workers_bear_it);
    tcase_add_test(all, http_bears_it);
    tcase_add_test(all, control_socket_bears_it);
    tcase_add_test(all, files_bear_it);
    tcase_add_test(all, crypto_bears_it);
    suite_add_tcase(suite, all);
    return unit_run(&suite, 1);
}
