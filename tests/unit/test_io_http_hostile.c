/* SPDX-License-Identifier: PostgreSQL */
/* The HTTP client against servers that misbehave, and over connections that it has kept. */
#include "config.h"

#include "cases.h"
#include "io_client.h"
#include "io_fixture.h"
#include "io_net.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- against servers that misbehave ---- */

static void serve_canned(int fd, void *ctx)
{
    const struct slice *answer = ctx;
    if (net_read_request(fd))
        net_send(fd, answer->bytes, answer->length);
}

START_TEST(answers_are_read_as_the_table_says)
{
    rig_up();
    struct cases *cases = cases_open("http_answers.tsv", 6);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct answer answer;
        struct slice canned = row->cell[0];
        struct net_server *server = net_server_start(serve_canned, &canned);
        run_post(net_server_port(server), &answer);
        net_server_stop(server);
        ck_assert_msg(case_is(row, 1, http_outcome_name(answer.result.outcome)), "%s: %s: %s",
                      cases_where(cases), http_outcome_name(answer.result.outcome), answer.text);
        ck_assert_msg(answer.result.status_code == case_number(row, 2), "%s: status %d", cases_where(cases),
                      answer.result.status_code);
        ck_assert_msg(answer.result.retry_after_ms == case_number(row, 3), "%s: retry after %lld",
                      cases_where(cases), (long long)answer.result.retry_after_ms);
        ck_assert_msg(case_is(row, 4, answer.body), "%s: body \"%s\"", cases_where(cases), answer.body);
    }
    cases_close(cases);
    rig_down();
}
END_TEST

START_TEST(retry_after_as_a_date_is_counted_from_now)
{
    struct answer answer;
    char canned[200], date[64];
    const time_t when = time(NULL) + 7200;
    struct tm parts;
    rig_up();
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &parts));
    snprintf(canned, sizeof canned, "HTTP/1.1 429 Slow\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
             date);
    struct slice slice = slice_of(canned);
    struct net_server *server = net_server_start(serve_canned, &slice);
    run_post(net_server_port(server), &answer);
    net_server_stop(server);
    ck_assert_int_eq(answer.result.status_code, 429);
    ck_assert_int_le(answer.result.retry_after_ms, 7200 * 1000);
    ck_assert_int_gt(answer.result.retry_after_ms, 7200 * 1000 - IO_PATIENCE_MS);
    rig_down();
}
END_TEST

START_TEST(retry_after_is_parsed_as_the_table_says)
{
    struct cases *cases = cases_open("retry_after.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));) {
        const int64_t wait_ms = http_client_parse_retry_after(row->cell[0], INT64_C(1625011200000));
        ck_assert_msg(wait_ms == case_number(row, 1), "%s: %lld", cases_where(cases), (long long)wait_ms);
    }
    cases_close(cases);
}
END_TEST

/* A byte at a time, for ever: never silent, never done. */
static void serve_drip(int fd, void *ctx)
{
    const char *start_with = ctx;
    if (!net_read_request(fd) || !net_send(fd, start_with, strlen(start_with)))
        return;
    while (!net_client_gone(fd, 5) && net_send(fd, "x", 1))
        continue;
}

START_TEST(silence_and_drips_end_at_the_deadline)
{
    static const char *const begins[] = {
        NULL, "HTTP/1.1 200 OK\r\nX-Long: ", "HTTP/1.1 202 Accepted\r\nContent-Length: 9999\r\n\r\n",
        "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 9999\r\n\r\n"};
    static const int statuses[] = {0, 0, 202, 503};
    struct answer answer;
    rig_up();
    for (int i = 0; i < 4; i++) {
        struct net_server *server = begins[i] != NULL
                                        ? net_server_start(serve_drip, (void *)(uintptr_t)begins[i])
                                        : net_server_start(serve_silence, NULL);
        struct http_request request = request_to(url_of("http", "127.0.0.1", net_server_port(server), "/"));
        request.total_timeout_ms = 120;
        request.response_max_bytes = 100000;
        const int64_t begin_ms = clock_monotonic_ms();
        run(&request, &answer);
        if (statuses[i] == 0)
            expect(&answer, HTTP_TIMED_OUT, "no answer within 120 ms");
        else
            expect(&answer, HTTP_ANSWERED, "HTTP ");
        ck_assert_int_eq(answer.result.status_code, statuses[i]);
        ck_assert(answer.result.cut == (statuses[i] != 0));
        ck_assert_int_eq(answer.result.retry_after_ms, statuses[i] == 503 ? 7000 : -1);
        ck_assert_uint_eq(answer.result.body.length, 0);
        ck_assert_int_ge(clock_monotonic_ms() - begin_ms, 119);
        ck_assert_int_lt(clock_monotonic_ms() - begin_ms, IO_PATIENCE_MS);
        net_server_stop(server);
    }
    rig_down();
}
END_TEST

static void serve_reset(int fd, void *ctx)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    const char *first = ctx;
    net_read_request(fd);
    net_send(fd, first, strlen(first));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void serve_once_then_silence(int fd, void *ctx)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nonce";
    if (net_read_request(fd) && net_send(fd, answer, sizeof answer - 1))
        serve_silence(fd, ctx);
}

START_TEST(silence_on_a_kept_connection_is_told_as_such)
{
    struct answer answer;
    rig_up();
    struct net_server *server = net_server_start(serve_once_then_silence, NULL);
    struct http_request request = request_to(url_of("http", "127.0.0.1", net_server_port(server), "/"));
    run(&request, &answer);
    ck_assert_str_eq(answer.body, "once");
    request.total_timeout_ms = 100;
    run(&request, &answer);
    expect(&answer, HTTP_TIMED_OUT, "no answer within 100 ms");
    ck_assert_uint_eq(net_server_accepted(server), 1);
    net_server_stop(server);
    rig_down();
}
END_TEST

START_TEST(resets_are_told)
{
    static const char *const firsts[] = {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"};
    struct answer answer;
    rig_up();
    for (int i = 0; i < 2; i++) {
        struct net_server *server = net_server_start(serve_reset, (void *)(uintptr_t)firsts[i]);
        run_post(net_server_port(server), &answer);
        net_server_stop(server);
        expect(&answer, HTTP_BROKEN_OFF, "connection was");
    }
    rig_down();
}
END_TEST

struct held_reset {
    atomic_bool asked, answer;
};

static void serve_reset_when_told(int fd, void *ctx)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab";
    struct held_reset *held = ctx;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    net_read_request(fd);
    atomic_store(&held->asked, true);
    while (!atomic_load(&held->answer))
        poll(NULL, 0, 1);
    net_send(fd, half, sizeof half - 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Half an answer and its reset are read in one turn with the deadline: it did not end at the deadline. */
START_TEST(a_reset_is_no_answer_either_for_a_client_that_stood_still)
{
    struct held_reset held = {0};
    struct answer answer = {0};
    rig_up();
    struct net_server *server = net_server_start(serve_reset_when_told, &held);
    struct http_request request = request_to(url_of("http", "127.0.0.1", net_server_port(server), "/"));
    request.total_timeout_ms = 500;
    const int64_t begin_ms = clock_monotonic_ms();
    start(&request, &answer, NULL);
    io_turn_until(loop, atomic_load(&held.asked));
    atomic_store(&held.answer, true);
    net_server_stop(server);
    while (clock_monotonic_ms() <= begin_ms + request.total_timeout_ms)
        poll(NULL, 0, 1);
    io_turn_until(loop, answer.calls == 1);
    expect(&answer, HTTP_BROKEN_OFF, "connection was");
    rig_down();
}
END_TEST

START_TEST(endless_answers_cost_no_more_than_their_limit)
{
    static char filler[4096];
    memset(filler, 'x', sizeof filler - 1);
    static const struct {
        struct flood flood;
        const char *text;
    } floods[] = {
        {{"HTTP/1.1 200 OK\r\n\r\n", filler}, "HTTP 200"},
        {{"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nabcd\r\n"}, "HTTP 404"},
        {{"HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"}, "headers are too large"},
        {{"HTTP/1.1 200 OK\r\nX-Line: ", filler}, "headers are too large"},
        {{"", "HTTP/1.1 100 Continue\r\n\r\n"}, "headers are too large"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", filler}, "HTTP 200"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-More: and more\r\n"}, "HTTP 200"},
    };
    struct answer answer;
    rig_up();
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        struct flood flood = floods[i].flood;
        struct net_server *server = net_server_start(serve_flood, &flood);
        run_post(net_server_port(server), &answer);
        net_server_stop(server);
        const bool has_head = strncmp(floods[i].text, "HTTP", 4) == 0;
        expect(&answer, has_head ? HTTP_ANSWERED : HTTP_TOO_LARGE, floods[i].text);
        ck_assert(answer.result.cut == has_head);
        ck_assert_uint_eq(answer.result.body.length, 0);
    }
    rig_down();
}
END_TEST

START_TEST(a_process_without_descriptors_does_not_blame_the_server)
{
    struct answer answer;
    struct rlimit limit, none;
    rig_up();
    struct net_server *server = net_server_start(serve_silence, NULL);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    run_post(net_server_port(server), &answer);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    expect(&answer, HTTP_LOCAL_FAILURE, "no socket: Too many open files");
    net_server_stop(server);
    rig_down();
}
END_TEST

START_TEST(a_kept_connection_that_died_meanwhile_is_replaced)
{
    struct slice once = slice_of("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nonce");
    struct answer answer;
    rig_up();
    struct net_server *server = net_server_start(serve_canned, &once);
    for (int i = 0; i < 3; i++) {
        run_post(net_server_port(server), &answer);
        ck_assert_int_eq(answer.result.status_code, 200);
    }
    ck_assert_uint_eq(net_server_accepted(server), 3);
    net_server_stop(server);
    rig_down();
}
END_TEST

/* ---- connections that are kept, or not ---- */

/* What a server does with each of its connections, one after the other; the last one does as the one before. */
struct script {
    const char *const *answers; /* to each request on it, then it is closed; NULL ends them */
    unsigned requests;          /* that came, on all */
    char *first;                /* of them, whole */
};

static char *read_whole_request(int fd)
{
    static const char field[] = "Content-Length: ";
    char *text = calloc(1, 4096);
    size_t length = 0;
    for (const char *end = NULL; length < 4095; end = strstr(text, "\r\n\r\n")) {
        const char *count = end != NULL ? strstr(text, field) : NULL;
        if (end != NULL && length == (size_t)(end - text) + 4 +
                                         (count != NULL ? strtoul(count + sizeof field - 1, NULL, 10) : 0))
            return text;
        if (recv(fd, text + length, 1, 0) != 1)
            break;
        length++;
    }
    free(text);
    return NULL;
}

static void serve_script(int fd, void *ctx)
{
    struct script *script = ctx;
    for (;;) {
        char *request = read_whole_request(fd);
        if (request == NULL)
            return;
        script->requests++;
        if (script->first != NULL && strcmp(request, script->first) != 0)
            script->requests += 100; /* a resend is not what was sent */
        if (script->first == NULL)
            script->first = request;
        else
            free(request);
        const char *answer = *script->answers;
        if (answer != NULL)
            script->answers++;
        if (answer == NULL || answer[0] == '\0')
            return;
        net_send(fd, answer, strlen(answer));
    }
}

#define KEPT_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept"

START_TEST(a_request_is_sent_again_only_over_a_kept_connection_and_before_any_answer)
{
    static const struct {
        const char *answers[4]; /* "" closes the connection */
        enum http_outcome outcome;
        unsigned accepted, requests;
    } table[] = {
        {{KEPT_ANSWER, "", KEPT_ANSWER, NULL}, HTTP_ANSWERED, 2, 3},
        {{KEPT_ANSWER, "", "", NULL}, HTTP_BROKEN_OFF, 2, 3}, /* the new one dies as well: no more */
        {{KEPT_ANSWER, "H", "", NULL}, HTTP_BROKEN_OFF, 1, 2},
        {{KEPT_ANSWER, KEPT_ANSWER, NULL, NULL}, HTTP_ANSWERED, 1, 2},
    };
    rig_up();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct answer answer;
        struct script script = {.answers = table[i].answers};
        struct net_server *server = net_server_start(serve_script, &script);
        struct http_request request = request_to(url_of("http", "127.0.0.1", net_server_port(server), "/"));
        run(&request, &answer);
        ck_assert_str_eq(answer.body, "kept");
        if (strcmp(table[i].answers[1], "H") == 0) /* a byte, and then the end of patience */
            request.total_timeout_ms = 100;
        run(&request, &answer);
        if (strcmp(table[i].answers[1], "H") == 0)
            expect(&answer, HTTP_TIMED_OUT, "no answer");
        else
            expect(&answer, table[i].outcome, "");
        ck_assert_uint_eq(net_server_accepted(server), table[i].accepted);
        http_client_free(client); /* ends the kept one, for which the server waits */
        loop_free(loop);
        net_server_stop(server);
        ck_assert_uint_eq(script.requests, table[i].requests);
        free(script.first);
        rig_up();
    }
    rig_down();
}
END_TEST

struct excess {
    const char *const *texts;
    atomic_uint answered; /* the client has that many */
    atomic_uint left;     /* and so many connections */
};

/* Sends more than was asked for, at once or while the connection is kept, and waits for the client to go. */
static void serve_excess(int fd, void *ctx)
{
    struct excess *excess = ctx;
    const unsigned before = atomic_load(&excess->left);
    if (!net_read_request(fd) || !net_send(fd, excess->texts[0], strlen(excess->texts[0])))
        return;
    while (excess->texts[1][0] != '\0' && atomic_load(&excess->answered) == before && !net_client_gone(fd, 1))
        continue;
    if (net_send(fd, excess->texts[1], strlen(excess->texts[1])))
        while (!net_client_gone(fd, 1000))
            continue;
    atomic_store(&excess->left, before + 1);
}

START_TEST(what_nobody_asked_for_ends_a_connection)
{
    static const char *const texts[][2] = {
        {KEPT_ANSWER KEPT_ANSWER, ""},
        {KEPT_ANSWER, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nkept", ""}};
    rig_up();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct answer answer;
        struct excess excess = {.texts = texts[i]};
        struct net_server *server = net_server_start(serve_excess, &excess);
        for (unsigned n = 1; n <= 3; n++) {
            run_post(net_server_port(server), &answer);
            ck_assert_str_eq(answer.text, "HTTP 200");
            ck_assert_str_eq(answer.body, "kept");
            ck_assert_uint_eq(net_server_accepted(server), n);
            atomic_store(&excess.answered, n);
            io_turn_until(loop, atomic_load(&excess.left) == n);
        }
        net_server_stop(server);
    }
    rig_down();
}
END_TEST

struct early {
    const char *answer;
    atomic_uint answered; /* the client has that many */
    unsigned served;
};

/* Answers when it has the head, and reads nothing of the body before the client has the answer. */
static void serve_early(int fd, void *ctx)
{
    struct early *early = ctx;
    char block[4096] = "";
    for (size_t n = 0; n < sizeof block - 1 && strstr(block, "\r\n\r\n") == NULL; n++)
        if (recv(fd, block + n, 1, 0) != 1)
            return;
    net_send(fd, early->answer, strlen(early->answer));
    early->served++;
    while (atomic_load(&early->answered) < early->served)
        poll(NULL, 0, 5);
    while (recv(fd, block, sizeof block, 0) > 0)
        continue;
}

START_TEST(an_answer_may_come_before_the_request_is_sent)
{
    enum { LARGE = 32 * 1024 * 1024 };
    struct early early = {.answer =
                              "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n"};
    struct answer answer;
    char *large = calloc(1, LARGE);
    rig_up();
    struct net_server *server = net_server_start(serve_early, &early);
    struct http_request request = request_to(url_of("http", "127.0.0.1", net_server_port(server), "/"));
    request.body = large;
    request.body_length = LARGE;
    for (unsigned n = 1; n <= 2; n++) {
        run(&request, &answer);
        atomic_fetch_add(&early.answered, 1);
        ck_assert_str_eq(answer.text, "HTTP 413");
        ck_assert_uint_eq(net_server_accepted(server), n); /* half a request lies in the connection */
    }
    net_server_stop(server);
    rig_down();
    free(large);
}
END_TEST

static Suite *hostile_suite(void)
{
    Suite *suite = suite_create("io_http_hostile");
    TCase *hostile = tcase_create("misbehaving servers");
    tcase_add_test(hostile, answers_are_read_as_the_table_says);
    tcase_add_test(hostile, retry_after_as_a_date_is_counted_from_now);
    tcase_add_test(hostile, retry_after_is_parsed_as_the_table_says);
    tcase_add_test(hostile, silence_and_drips_end_at_the_deadline);
    tcase_add_test(hostile, silence_on_a_kept_connection_is_told_as_such);
    tcase_add_test(hostile, resets_are_told);
    tcase_add_test(hostile, a_reset_is_no_answer_either_for_a_client_that_stood_still);
    tcase_add_test(hostile, endless_answers_cost_no_more_than_their_limit);
    tcase_add_test(hostile, a_process_without_descriptors_does_not_blame_the_server);
    tcase_add_test(hostile, a_kept_connection_that_died_meanwhile_is_replaced);
    suite_add_tcase(suite, hostile);
    TCase *kept = tcase_create("kept connections");
    tcase_add_test(kept, a_request_is_sent_again_only_over_a_kept_connection_and_before_any_answer);
    tcase_add_test(kept, what_nobody_asked_for_ends_a_connection);
    tcase_add_test(kept, an_answer_may_come_before_the_request_is_sent);
    suite_add_tcase(suite, kept);
    return suite;
}

int main(void)
{
    Suite *suites[] = {hostile_suite()};
    return unit_run(suites, 1);
}
