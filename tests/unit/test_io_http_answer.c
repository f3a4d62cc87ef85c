/* SPDX-License-Identifier: PostgreSQL */
/* Answers as they come off a connection: whole, parted at every byte, and byte by byte, which must make no difference. */
#include "config.h"

#include "cases.h"
#include "io/http_answer.h"
#include "io/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 };

static struct http_answer *answer;

static void set_up(void)
{
    answer = http_answer_new();
    ck_assert_ptr_nonnull(answer);
}

static void tear_down(void)
{
    http_answer_free(answer);
}

/* Of its own size, so that AddressSanitizer sees a byte read too far. No assertion of Check's: each writes to a file. */
static enum http_answer_state take(const char *bytes, size_t length)
{
    char *exact = malloc(length > 0 ? length : 1);
    if (exact == NULL)
        abort();
    memcpy(exact, bytes, length);
    const enum http_answer_state state = http_answer_take(answer, exact, length);
    free(exact);
    return state;
}

/* Pieces of `first` bytes, then of `others`, then the end. */
static enum http_answer_state read_in_pieces(struct slice bytes, size_t first, size_t others)
{
    enum http_answer_state state = HTTP_ANSWER_MORE;
    http_answer_begin(answer, BODY_MAX);
    for (size_t at = 0, piece = first; at < bytes.length && state == HTTP_ANSWER_MORE;
         at += piece, piece = others) {
        piece = piece < bytes.length - at ? piece : bytes.length - at;
        state = take(bytes.bytes + at, piece);
    }
    return state == HTTP_ANSWER_MORE ? http_answer_end(answer) : state;
}

static const char *name_of(enum http_answer_state state)
{
    static const char *const names[] = {
        [HTTP_ANSWER_MORE] = "more",
        [HTTP_ANSWER_WHOLE] = "answered",
        [HTTP_ANSWER_CUT] = "broken_off",
        [HTTP_ANSWER_MALFORMED] = "malformed",
        [HTTP_ANSWER_LONG_HEADERS] = "too_large",
        [HTTP_ANSWER_LONG_BODY] = "answered",
        [HTTP_ANSWER_NO_MEMORY] = "no_memory",
    };
    return names[state];
}

static void expect_case(const struct cases *cases, const struct case_row *row, enum http_answer_state state,
                        size_t first, size_t others)
{
    ck_assert_msg(case_is(row, 1, name_of(state)), "%s: %s in pieces of %zu and %zu", cases_where(cases),
                  name_of(state), first, others);
    if (state != HTTP_ANSWER_WHOLE && state != HTTP_ANSWER_LONG_BODY)
        return;
    ck_assert_msg(http_answer_has_head(answer), "%s", cases_where(cases));
    const struct slice body = state == HTTP_ANSWER_WHOLE ? http_answer_body(answer) : (struct slice){"", 0};
    ck_assert_msg(http_answer_status(answer) == case_number(row, 2), "%s: status %d", cases_where(cases),
                  http_answer_status(answer));
    ck_assert_msg(http_answer_retry_after_ms(answer) == case_number(row, 3), "%s: retry after %lld",
                  cases_where(cases), (long long)http_answer_retry_after_ms(answer));
    ck_assert_msg(slice_equal(body, row->cell[4]), "%s: body \"%.*s\"", cases_where(cases), (int)body.length,
                  body.bytes);
}

START_TEST(answers_are_the_same_however_they_come)
{
    struct cases *cases = cases_open("http_answers.tsv", 6);
    for (const struct case_row *row; (row = cases_next(cases));) {
        const size_t length = row->cell[0].length;
        for (size_t first = 1; first <= length; first++)
            expect_case(cases, row, read_in_pieces(row->cell[0], first, length), first, length);
        for (size_t size = 1; size < 4; size++)
            expect_case(cases, row, read_in_pieces(row->cell[0], size, size), size, size);
    }
    cases_close(cases);
}
END_TEST

START_TEST(connections_are_kept_as_the_table_says)
{
    struct cases *cases = cases_open("http_kept.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));) {
        http_answer_begin(answer, BODY_MAX);
        ck_assert_msg(!http_answer_begun(answer), "%s", cases_where(cases));
        ck_assert_msg(take(row->cell[0].bytes, row->cell[0].length) == HTTP_ANSWER_WHOLE, "%s",
                      cases_where(cases));
        ck_assert_msg(http_answer_begun(answer), "%s", cases_where(cases));
        ck_assert_msg(case_is(row, 1, http_answer_keeps_connection(answer) ? "yes" : "no"), "%s",
                      cases_where(cases));
    }
    cases_close(cases);
}
END_TEST

START_TEST(a_body_to_the_end_of_the_stream_ends_the_connection)
{
    const struct slice bytes = slice_of("HTTP/1.1 200 OK\r\n\r\nto the end");
    ck_assert_int_eq(read_in_pieces(bytes, bytes.length, 1), HTTP_ANSWER_WHOLE);
    ck_assert(slice_is(http_answer_body(answer), "to the end"));
    ck_assert(!http_answer_keeps_connection(answer));
}
END_TEST

/* `begin`, then `piece` again and again: how many bytes are taken before it is refused. */
static size_t flood(const char *begin, const char *piece, size_t body_max, enum http_answer_state expected)
{
    enum { GIVE_UP = 4 * 1024 * 1024 };
    size_t taken = strlen(begin);
    http_answer_begin(answer, body_max);
    enum http_answer_state state = take(begin, taken);
    while (state == HTTP_ANSWER_MORE && taken < GIVE_UP) {
        state = take(piece, strlen(piece));
        taken += strlen(piece);
    }
    ck_assert_msg(state == expected, "%s…%s: %s", begin, piece, name_of(state));
    return taken;
}

START_TEST(endless_answers_are_refused_at_their_limits)
{
    static const struct {
        const char *begin, *piece;
        enum http_answer_state state;
        size_t most;
    } floods[] = {
        {"", "HTTP/1.1 100 Continue\r\n\r\n", HTTP_ANSWER_LONG_HEADERS, HTTP_CLIENT_HEADER_MAX + 100},
        {"", "\r\n", HTTP_ANSWER_LONG_HEADERS, HTTP_CLIENT_HEADER_MAX + 100},
        {"HTTP/1.1 200 ", "reason", HTTP_ANSWER_LONG_HEADERS, HTTP_CLIENT_HEADER_MAX + 100},
        {"HTTP/1.1 200 OK\r\nX", "x", HTTP_ANSWER_LONG_HEADERS, HTTP_CLIENT_HEADER_MAX + 100},
        {"HTTP/1.1 200 OK\r\nRetry-After: ", "9", HTTP_ANSWER_LONG_HEADERS, HTTP_CLIENT_HEADER_MAX + 100},
        {"HTTP/1.1 200 OK\r\n", "X: y\r\n", HTTP_ANSWER_LONG_HEADERS, HTTP_CLIENT_HEADER_MAX + 100},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", "x", HTTP_ANSWER_LONG_BODY,
         HTTP_CLIENT_HEADER_MAX + 100},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", HTTP_ANSWER_LONG_BODY,
         HTTP_CLIENT_HEADER_MAX + 100},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", HTTP_ANSWER_LONG_BODY, 600},
        {"HTTP/1.1 200 OK\r\n\r\n", "x", HTTP_ANSWER_LONG_BODY, 100},
    };
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++)
        ck_assert_uint_le(flood(floods[i].begin, floods[i].piece, BODY_MAX, floods[i].state), floods[i].most);
    /* Chunks of one byte each are honest, if silly; with more beside each they are not. */
    flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 100 * 1024,
          HTTP_ANSWER_LONG_BODY);
    flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;12345678901234567890\r\nx\r\n",
          100 * 1024, HTTP_ANSWER_LONG_BODY);
}
END_TEST

static Suite *answer_suite(void)
{
    Suite *suite = suite_create("io_http_answer");
    TCase *all = tcase_create("answers");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, answers_are_the_same_however_they_come);
    tcase_add_test(all, connections_are_kept_as_the_table_says);
    tcase_add_test(all, a_body_to_the_end_of_the_stream_ends_the_connection);
    tcase_add_test(all, endless_answers_are_refused_at_their_limits);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    Suite *suites[] = {answer_suite()};
    return unit_run(suites, 1);
}
