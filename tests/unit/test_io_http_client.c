/* SPDX-License-Identifier: PostgreSQL */
/* The HTTP client against our own server in the same loop: where calls go, how they end. Servers that misbehave: test_io_http_hostile.c. */
#include "config.h"

#include "cases.h"
#include "io/http_server.h"
#include "io_client.h"
#include "io_fixture.h"
#include "io_net.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- the resolver, in place of the C library's: "here.test" is 127.0.0.1, "slow.test" waits until it is let
 * go ---- */

static pthread_mutex_t resolver_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t resolver_change = PTHREAD_COND_INITIALIZER;
static bool resolver_released;
static int resolver_waiting;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result);
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node != NULL && strcmp(node, "slow.test") == 0) {
        pthread_mutex_lock(&resolver_lock);
        resolver_waiting++;
        while (!resolver_released)
            pthread_cond_wait(&resolver_change, &resolver_lock);
        resolver_waiting--;
        pthread_cond_broadcast(&resolver_change);
        pthread_mutex_unlock(&resolver_lock);
    }
    const bool ours = node != NULL && strstr(node, ".test") != NULL && strcmp(node, "nowhere.test") != 0;
    if (node != NULL && strcmp(node, "nowhere.test") == 0)
        return EAI_NONAME;
    return real(ours ? "127.0.0.1" : node, service, hints, result);
}

static int resolver_count(void)
{
    pthread_mutex_lock(&resolver_lock);
    const int count = resolver_waiting;
    pthread_mutex_unlock(&resolver_lock);
    return count;
}

static void resolver_release(void)
{
    pthread_mutex_lock(&resolver_lock);
    resolver_released = true;
    pthread_cond_broadcast(&resolver_change);
    while (resolver_waiting > 0)
        pthread_cond_wait(&resolver_change, &resolver_lock);
    pthread_mutex_unlock(&resolver_lock);
}

/* ---- against our own server ---- */

static void echo(void *ctx, struct http_exchange *exchange)
{
    static const char *const methods[] = {"GET", "HEAD", "POST"};
    (void)ctx;
    char text[BODY_MAX + 1];
    const struct slice body = http_exchange_body(exchange);
    const char *agent = http_exchange_header(exchange, "user-agent");
    const char *mark = http_exchange_header(exchange, "X-Mark");
    snprintf(text, sizeof text, "%s %s %.*s %s %s %u", methods[http_exchange_method(exchange)],
             http_exchange_path(exchange), (int)body.length, body.bytes, agent != NULL ? agent : "-",
             mark != NULL ? mark : "-", http_exchange_header_count(exchange, "Expect"));
    http_exchange_reply_text(exchange, 200, text);
}

static void count_expectations(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    char text[BODY_MAX];
    snprintf(text, sizeof text, "%zu bytes, %u expectations", http_exchange_body(exchange).length,
             http_exchange_header_count(exchange, "Expect"));
    http_exchange_reply_text(exchange, 200, text);
}

START_TEST(requests_arrive_as_they_were_made_and_connections_are_kept)
{
    struct error err;
    struct http_server *server;
    struct answer answer;
    const struct http_server_settings settings = {.listen = "127.0.0.1:0"};
    const struct http_header headers[] = {{"X-Mark", "a b"}, {"X-Empty", ""}, {"Content-Type", "text/x"}};
    rig_up();
    io_ok(http_server_new(&server, loop, &settings, echo, NULL, &err), err);
    const char *target = url_of("http", "127.0.0.1", http_server_port(server), "/a%20b?c");
    struct http_request request = request_to(target);
    request.headers = headers;
    request.header_count = 3;
    run(&request, &answer);
    ck_assert_int_eq(answer.result.status_code, 200);
    ck_assert_str_eq(answer.body, "POST /a b {} " PACKAGE_NAME "/" PACKAGE_VERSION " a b 0");
    ck_assert_str_eq(answer.text, "HTTP 200");
    ck_assert_int_gt(answer.result.connect_us, 0);
    ck_assert_int_ge(answer.result.total_us, answer.result.connect_us);

    request.method = HTTP_CLIENT_GET;
    request.header_count = 0;
    for (int i = 0; i < 20; i++) {
        run(&request, &answer);
        ck_assert_str_eq(answer.body, "GET /a b  " PACKAGE_NAME "/" PACKAGE_VERSION " - 0");
        ck_assert_int_eq(answer.result.connect_us, 0); /* over the kept connection */
        ck_assert_uint_eq(http_server_connections(server), 1);
    }
    http_server_free(server);
    rig_down();
}
END_TEST

/* libcurl would take a proxy from the environment, and ask for "100 Continue" before a body of more than a megabyte. */
START_TEST(neither_proxies_nor_expectations_are_used)
{
    enum { LARGE = 1200 * 1000 };
    static char large[LARGE];
    struct error err;
    struct http_server *server;
    struct answer answer;
    char proxy[64];
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .body_max_bytes = LARGE};
    memset(large, 'x', sizeof large);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", (unsigned)net_closed_port());
    setenv("http_proxy", proxy, 1);
    setenv("all_proxy", proxy, 1);
    rig_up();
    io_ok(http_server_new(&server, loop, &settings, count_expectations, NULL, &err), err);
    struct http_request request = request_to(url_of("http", "here.test", http_server_port(server), "/"));
    request.body = large;
    request.body_length = sizeof large;
    run(&request, &answer);
    ck_assert_str_eq(answer.text, "HTTP 200");
    ck_assert_str_eq(answer.body, "1200000 bytes, 0 expectations");
    http_server_free(server);
    rig_down();
}
END_TEST

START_TEST(both_speak_ipv6)
{
    struct error err;
    struct http_server *server;
    struct answer answer;
    const struct http_server_settings settings = {.listen = "[::1]:0"};
    rig_up();
    const enum status status = http_server_new(&server, loop, &settings, echo, NULL, &err);
    if (status != STATUS_OK) { /* a machine without IPv6 */
        ck_assert_ptr_nonnull(strstr(err.text, "[::1]:0"));
        rig_down();
        return;
    }
    struct http_request request = request_to(url_of("http", "[::1]", http_server_port(server), "/six"));
    run(&request, &answer);
    ck_assert_int_eq(answer.result.status_code, 200);
    http_server_free(server);
    rig_down();
}
END_TEST

START_TEST(many_calls_run_at_one_time_up_to_the_limit)
{
    enum { CALLS = 64 };
    struct error err;
    struct http_server *server;
    struct answer answers[CALLS] = {0};
    const struct http_server_settings settings = {.listen = "127.0.0.1:0", .connections_max = 100};
    rig_up();
    io_ok(http_server_new(&server, loop, &settings, echo, NULL, &err), err);
    struct http_request request = request_to(url_of("http", "here.test", http_server_port(server), "/"));
    for (int round = 0; round < 3; round++) {
        memset(answers, 0, sizeof answers);
        for (int i = 0; i < CALLS; i++)
            start(&request, &answers[i], NULL);
        struct answer refused = {0};
        ck_assert_int_eq(http_client_start(client, &request, take_answer, &refused, NULL, &err),
                         STATUS_RETRY);
        io_turn_until(loop, http_client_calls(client) == 0);
        for (int i = 0; i < CALLS; i++) {
            ck_assert_int_eq(answers[i].calls, 1);
            ck_assert_int_eq(answers[i].result.status_code, 200);
        }
        ck_assert_int_eq(refused.calls, 0);
    }
    http_server_free(server);
    rig_down();
}
END_TEST

START_TEST(no_more_connections_are_kept_than_allowed)
{
    enum { CALLS = 6 };
    struct error err;
    struct http_server *server;
    struct answer answers[CALLS] = {0};
    const struct http_server_settings settings = {.listen = "127.0.0.1:0"};
    const struct http_client_settings two = {.kept_connections_max = 2, .calls_max = CALLS};
    rig_up();
    io_ok(http_client_configure(client, &two, &err), err);
    io_ok(http_server_new(&server, loop, &settings, echo, NULL, &err), err);
    struct http_request request = request_to(url_of("http", "127.0.0.1", http_server_port(server), "/"));
    for (int i = 0; i < CALLS; i++)
        start(&request, &answers[i], NULL);
    io_turn_until(loop, http_client_calls(client) == 0);
    io_turn_until(loop, http_server_connections(server) == 2);
    run(&request, &answers[0]);
    ck_assert_int_eq(answers[0].result.connect_us, 0);
    http_server_free(server);
    rig_down();
}
END_TEST

/* ---- nobody there ---- */

START_TEST(missing_servers_and_names_are_told)
{
    struct answer answer;
    rig_up();
    run_post(net_closed_port(), &answer);
    expect(&answer, HTTP_NOT_CONNECTED, "Connection refused");
    struct http_request request = request_to("http://nowhere.test/");
    run(&request, &answer);
    expect(&answer, HTTP_NOT_RESOLVED, "could not be resolved");
    rig_down();
}
END_TEST

/* ---- cancelling ---- */

START_TEST(cancelled_calls_are_never_done)
{
    struct answer answers[3] = {0};
    struct http_call *calls[3];
    rig_up();
    struct net_server *silent = net_server_start(serve_silence, NULL);
    struct net_server *server = net_server_start(serve_keeping, NULL);
    struct http_request request = request_to(url_of("http", "127.0.0.1", net_server_port(silent), "/"));
    char *body = strdup("borrowed");
    request.body = body;
    request.body_length = strlen(body);
    start(&request, &answers[0], &calls[0]);
    http_client_cancel(calls[0]); /* before it began */
    start(&request, &answers[1], &calls[1]);
    io_turn_until(loop, net_server_accepted(silent) == 1);
    http_client_cancel(calls[1]);
    free(body); /* given back: AddressSanitizer sees who still reads it */
    io_turn(loop);
    ck_assert_uint_eq(http_client_calls(client), 0);

    request = request_to(url_of("http", "127.0.0.1", net_server_port(silent), "/"));
    start(&request, &answers[1], &calls[1]);
    request = request_to(url_of("http", "127.0.0.1", net_server_port(server), "/"));
    answers[2].cancel = calls[1]; /* from inside of another's done */
    start(&request, &answers[2], &calls[2]);
    io_turn_until(loop, answers[2].calls == 1);
    for (int i = 0; i < 5; i++)
        io_turn(loop);
    ck_assert_int_eq(answers[0].calls + answers[1].calls, 0);
    ck_assert_uint_eq(http_client_calls(client), 0);
    start(&request, &answers[0], NULL); /* and freeing the client cancels too */
    rig_down();
    ck_assert_int_eq(answers[0].calls, 0);
    net_server_stop(server);
    net_server_stop(silent);
}
END_TEST

/* ---- where calls may go ---- */

static void allow(const char *const *networks, size_t count)
{
    struct error err;
    struct address_network parsed[4];
    for (size_t i = 0; i < count; i++)
        io_ok(address_parse_network(networks[i], &parsed[i], &err), err);
    const struct http_client_settings settings = {
        .kept_connections_max = 16, .calls_max = 64, .networks = parsed, .network_count = count};
    io_ok(http_client_configure(client, &settings, &err), err);
}

START_TEST(only_allowed_networks_are_reached)
{
    struct answer answer;
    rig_up();
    struct net_server *server = net_server_start(serve_keeping, NULL);
    const uint16_t port = net_server_port(server);
    struct http_request request = request_to(url_of("http", "here.test", port, "/"));
    allow((const char *const[]){"10.61.0.0/16", "fd00::/8"}, 2);
    run(&request, &answer);
    expect(&answer, HTTP_NOT_ALLOWED, "outside of the allowed networks");
    ck_assert_uint_eq(net_server_accepted(server), 0);

    allow((const char *const[]){"10.61.0.0/16", "127.0.0.0/8"}, 2);
    run(&request, &answer);
    ck_assert_int_eq(answer.result.status_code, 200);

    /* The connection is kept; the list no longer holds it. */
    allow((const char *const[]){"10.61.0.0/16"}, 1);
    run(&request, &answer);
    expect(&answer, HTTP_NOT_ALLOWED, "outside of the allowed networks");
    ck_assert_uint_eq(net_server_accepted(server), 1);

    allow(NULL, 0);
    run(&request, &answer);
    ck_assert_int_eq(answer.result.status_code, 200);

    allow((const char *const[]){"127.0.0.0/8"}, 1);
    request.url = url_of("http", "127.0.0.1", net_closed_port(), "/");
    run(&request, &answer);
    expect(&answer, HTTP_NOT_CONNECTED, "refused"); /* allowed, but nobody there */
    rig_down();
    net_server_stop(server);
}
END_TEST

/* ---- the loop does not wait for names ---- */

START_TEST(a_slow_resolver_blocks_neither_loop_nor_deadline_nor_cancel)
{
    struct answer answers[3] = {0};
    struct http_call *call;
    rig_up();
    struct net_server *server = net_server_start(serve_keeping, NULL);
    struct http_request request = request_to(url_of("http", "slow.test", net_server_port(server), "/"));
    start(&request, &answers[0], &call);
    request.total_timeout_ms = 100;
    start(&request, &answers[1], NULL);
    io_turn_until(loop, resolver_count() == 2);
    request = request_to(url_of("http", "127.0.0.1", net_server_port(server), "/"));
    start(&request, &answers[2], NULL);
    io_turn_until(loop, answers[2].calls == 1); /* others go on */
    ck_assert_int_eq(answers[2].result.status_code, 200);
    io_turn_until(loop, answers[1].calls == 1); /* the deadline holds */
    expect(&answers[1], HTTP_TIMED_OUT, "the host's name was not resolved within 100 ms");
    http_client_cancel(call);
    ck_assert_int_eq(answers[0].calls, 0);
    ck_assert_int_eq(resolver_count(), 2); /* the threads still wait: nobody waited for them */
    rig_down();
    resolver_release();
    net_server_stop(server);
}
END_TEST

/* ---- TLS ---- */

struct tls_rig {
    char *folder;
    struct net_identity *ca;
    struct net_identity *other_ca;
};

static void tls_up(struct tls_rig *rig)
{
    rig_up();
    rig->folder = io_make_folder();
    rig->ca = net_identity_new("Test CA", NULL, false);
    rig->other_ca = net_identity_new("Other CA", NULL, false);
    net_identity_write(rig->ca, io_path(rig->folder, "ca.pem"), NULL);
    net_identity_write(rig->other_ca, io_path(rig->folder, "other.pem"), NULL);
}

static void tls_down(struct tls_rig *rig)
{
    net_identity_free(rig->ca);
    net_identity_free(rig->other_ca);
    io_remove_folder(rig->folder);
}

START_TEST(certificates_are_verified)
{
    static const struct {
        const char *host;
        bool expired;
        bool by_other;
        const char *ca_file;
        enum http_outcome outcome;
        const char *text;
    } table[] = {
        {"127.0.0.1", false, false, "ca.pem", HTTP_ANSWERED, "HTTP 200"},
        {"127.0.0.1", false, false, "other.pem", HTTP_NOT_TRUSTED, "issuer certificate"},
        {"127.0.0.1", false, true, "ca.pem", HTTP_NOT_TRUSTED, "issuer certificate"},
        {"127.0.0.1", false, false, NULL, HTTP_NOT_TRUSTED, "issuer certificate"},
        {"127.0.0.1", true, false, "ca.pem", HTTP_NOT_TRUSTED, "expired"},
        {"127.0.0.2", false, false, "ca.pem", HTTP_NOT_TRUSTED, "not for this host"},
        {"township.example", false, false, "ca.pem", HTTP_NOT_TRUSTED, "not for this host"},
        {"127.0.0.1", false, false, "missing.pem", HTTP_LOCAL_FAILURE, "CA file"},
    };
    struct tls_rig rig;
    struct answer answer;
    tls_up(&rig);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct net_identity *identity =
            net_identity_new(table[i].host, table[i].by_other ? rig.other_ca : rig.ca, table[i].expired);
        struct net_tls *tls = net_tls_start(identity, NULL);
        struct http_request request = request_to(url_of("https", "127.0.0.1", net_tls_port(tls), "/"));
        request.ca_file = table[i].ca_file != NULL ? io_path(rig.folder, table[i].ca_file) : NULL;
        run(&request, &answer);
        expect(&answer, table[i].outcome, table[i].text);
        if (table[i].outcome == HTTP_ANSWERED) {
            ck_assert_str_eq(answer.body, "tls");
            ck_assert_int_gt(answer.result.connect_us, 0);
            run(&request, &answer);
            ck_assert_int_eq(answer.result.connect_us, 0);
            /* The kept connection was verified by this CA file; a request that trusts another must not go
             * over it. */
            request.ca_file = io_path(rig.folder, "other.pem");
            struct answer distrust = {0};
            start(&request, &distrust, NULL);
            http_client_free(client); /* ends the kept one, for which the server waits */
            loop_free(loop);
            net_tls_stop(tls);
            rig_up();
        } else {
            net_tls_stop(tls);
        }
        net_identity_free(identity);
    }
    rig_down();
    tls_down(&rig);
}
END_TEST

/* The kept connection was verified by one CA file; a request that trusts another must not go over it. */
START_TEST(kept_connections_are_not_shared_between_ca_files)
{
    struct tls_rig rig;
    struct answer answer;
    tls_up(&rig);
    struct net_identity *identity = net_identity_new("127.0.0.1", rig.ca, false);
    struct net_tls *tls = net_tls_start(identity, NULL);
    struct http_request request = request_to(url_of("https", "127.0.0.1", net_tls_port(tls), "/"));
    request.ca_file = io_path(rig.folder, "ca.pem");
    run(&request, &answer);
    ck_assert_str_eq(answer.body, "tls");
    /* The server serves one connection at a time: a new one waits behind the kept one. */
    request.ca_file = io_path(rig.folder, "other.pem");
    request.total_timeout_ms = 100;
    run(&request, &answer);
    expect(&answer, HTTP_TIMED_OUT, "no TLS connection");
    rig_down();
    net_tls_stop(tls);
    net_identity_free(identity);
    tls_down(&rig);
}
END_TEST

START_TEST(client_certificates_are_shown_where_they_are_configured)
{
    struct tls_rig rig;
    struct answer answer;
    tls_up(&rig);
    struct net_identity *identity = net_identity_new("127.0.0.1", rig.ca, false);
    struct net_identity *mine = net_identity_new("shouwang", rig.other_ca, false);
    net_identity_write(mine, io_path(rig.folder, "mine.pem"), io_path(rig.folder, "mine.key"));
    struct net_tls *tls = net_tls_start(identity, rig.other_ca);
    struct http_request request = request_to(url_of("https", "127.0.0.1", net_tls_port(tls), "/"));
    request.ca_file = io_path(rig.folder, "ca.pem");
    run(&request, &answer);
    ck_assert_int_ne(answer.result.outcome, HTTP_ANSWERED);
    request.client_cert_file = io_path(rig.folder, "mine.pem");
    request.client_key_file = io_path(rig.folder, "missing.key");
    run(&request, &answer);
    expect(&answer, HTTP_LOCAL_FAILURE, "client certificate");
    request.client_key_file = io_path(rig.folder, "mine.key");
    run(&request, &answer);
    ck_assert_str_eq(answer.body, "tls");
    rig_down();
    net_tls_stop(tls);
    net_identity_free(identity);
    net_identity_free(mine);
    tls_down(&rig);
}
END_TEST

START_TEST(large_bodies_go_over_tls_as_well)
{
    enum { LARGE = 3 * 1024 * 1024 };
    struct tls_rig rig;
    struct answer answer;
    char *large = calloc(1, LARGE);
    tls_up(&rig);
    struct net_identity *identity = net_identity_new("127.0.0.1", rig.ca, false);
    struct net_tls *tls = net_tls_start(identity, NULL);
    struct http_request request = request_to(url_of("https", "127.0.0.1", net_tls_port(tls), "/"));
    request.ca_file = io_path(rig.folder, "ca.pem");
    request.body = large;
    for (int i = 0; i < 3; i++) {
        request.body_length = i == 1 ? 20000 : LARGE;
        run(&request, &answer);
        ck_assert_str_eq(answer.text, "HTTP 200");
        ck_assert_str_eq(answer.body, "tls");
        ck_assert_int_eq(answer.result.connect_us > 0, i == 0);
    }
    rig_down();
    net_tls_stop(tls);
    net_identity_free(identity);
    tls_down(&rig);
    free(large);
}
END_TEST

START_TEST(plain_text_where_tls_is_expected_is_told)
{
    struct slice canned = slice_of("HTTP/1.1 400 Bad\r\n\r\n");
    struct answer answer;
    rig_up();
    struct net_server *server = net_server_start(serve_flood, &(struct flood){"", canned.bytes});
    struct http_request request = request_to(url_of("https", "127.0.0.1", net_server_port(server), "/"));
    /* The server waits for a request that never comes whole; the handshake must end by the connect timeout.
     */
    request.connect_timeout_ms = 100;
    run(&request, &answer);
    expect(&answer, HTTP_TIMED_OUT, "no TLS connection within 100 ms");
    net_server_stop(server);
    rig_down();
}
END_TEST

/* ---- what is refused at once ---- */

START_TEST(unusable_requests_are_refused)
{
    static const char *const urls[] = {"",
                                       "127.0.0.1/hook",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "http://user:secret@127.0.0.1/",
                                       "http://user@127.0.0.1/",
                                       "http://127.0.0.1/#part",
                                       "http://127.0.0.1:99999/",
                                       "http:///path",
                                       "http://127.0.0.1/a b",
                                       "http://127.0.0.1/a\r\nHost: x"};
    static const struct http_header headers[] = {{"", "x"},
                                                 {"X Y", "x"},
                                                 {"X:Y", "x"},
                                                 {"X\r\nY", "x"},
                                                 {"X", "a\r\nY: b"},
                                                 {"X", "a\nb"},
                                                 {"X;", "a"},
                                                 {"host", "a"},
                                                 {"Connection", "close"},
                                                 {"content-length", "2"},
                                                 {"Transfer-Encoding", "chunked"}};
    struct error err;
    struct answer answer = {0};
    rig_up();
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        const struct http_request request = request_to(urls[i]);
        ck_assert_msg(http_client_start(client, &request, take_answer, &answer, NULL, &err) == STATUS_CONFIG,
                      "%s was taken", urls[i]);
        ck_assert_int_eq(http_client_check_url(urls[i], &err), STATUS_CONFIG);
        ck_assert_ptr_null(strstr(err.text, "secret"));
    }
    io_ok(http_client_check_url("https://township.example:8443/hook?x=1", &err), err);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct http_request request = request_to("http://127.0.0.1/");
        request.headers = &headers[i];
        request.header_count = 1;
        ck_assert_msg(http_client_start(client, &request, take_answer, &answer, NULL, &err) == STATUS_CONFIG,
                      "header %zu was taken", i);
    }
    ck_assert_uint_eq(http_client_calls(client), 0);
    for (int i = 0; i < HTTP_OUTCOME_COUNT; i++)
        ck_assert_str_ne(http_outcome_name((enum http_outcome)i), "unknown");
    rig_down();
}
END_TEST

static Suite *client_suite(void)
{
    Suite *suite = suite_create("io_http_client");
    TCase *own = tcase_create("own server");
    tcase_add_test(own, requests_arrive_as_they_were_made_and_connections_are_kept);
    tcase_add_test(own, neither_proxies_nor_expectations_are_used);
    tcase_add_test(own, both_speak_ipv6);
    tcase_add_test(own, many_calls_run_at_one_time_up_to_the_limit);
    tcase_add_test(own, no_more_connections_are_kept_than_allowed);
    suite_add_tcase(suite, own);
    TCase *control = tcase_create("control");
    tcase_add_test(control, missing_servers_and_names_are_told);
    tcase_add_test(control, cancelled_calls_are_never_done);
    tcase_add_test(control, only_allowed_networks_are_reached);
    tcase_add_test(control, a_slow_resolver_blocks_neither_loop_nor_deadline_nor_cancel);
    tcase_add_test(control, unusable_requests_are_refused);
    suite_add_tcase(suite, control);
    TCase *tls = tcase_create("tls");
    tcase_add_test(tls, certificates_are_verified);
    tcase_add_test(tls, kept_connections_are_not_shared_between_ca_files);
    tcase_add_test(tls, client_certificates_are_shown_where_they_are_configured);
    tcase_add_test(tls, large_bodies_go_over_tls_as_well);
    tcase_add_test(tls, plain_text_where_tls_is_expected_is_told);
    suite_add_tcase(suite, tls);
    return suite;
}

int main(void)
{
    Suite *suites[] = {client_suite()};
    return unit_run(suites, 1);
}
