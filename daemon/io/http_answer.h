/* SPDX-License-Identifier: PostgreSQL */
/*
 * One HTTP/1 answer, read piece by piece as it comes off a connection (RFC 9110, RFC 9112). The only user of http_parser.
 *
 * Invariants
 * 1. The state does not depend on where the pieces part.
 * 2. An answer costs at most body_max of body and HTTP_CLIENT_HEADER_MAX of all the rest: status lines, headers, interim
 * answers (1xx), chunk sizes and trailers; the sizes of many small chunks may take eight times the body more.
 * 3. What can be read in two ways is malformed: several Content-Lengths, one beside a Transfer-Encoding, a protocol switched
 * to unasked.
 *
 * Threading: none shared.
 */
#ifndef SHOUWANG_IO_HTTP_ANSWER_H
#define SHOUWANG_IO_HTTP_ANSWER_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_answer;

enum http_answer_state {
    HTTP_ANSWER_MORE, /* not whole yet */
    HTTP_ANSWER_WHOLE,
    HTTP_ANSWER_CUT, /* the stream ended before it was whole */
    HTTP_ANSWER_MALFORMED,
    HTTP_ANSWER_LONG_HEADERS,
    HTTP_ANSWER_LONG_BODY, /* behind a head that is whole; or what stands beside its chunks, or trailers behind them */
    HTTP_ANSWER_NO_MEMORY,
};

/* NULL: memory. Empty: http_answer_begin comes first. */
struct http_answer *http_answer_new(void);
void http_answer_free(struct http_answer *answer); /* NULL is allowed */
/* For another answer; what was read is gone. */
void http_answer_begin(struct http_answer *answer, size_t body_max);
/* The next bytes, or their end; to be called as long as the state is HTTP_ANSWER_MORE. */
enum http_answer_state http_answer_take(struct http_answer *answer, const char *bytes, size_t length);
enum http_answer_state http_answer_end(struct http_answer *answer);

bool http_answer_begun(const struct http_answer *answer); /* a byte has come */
/* The status line and the headers have come whole, and are neither an interim answer's nor part of a fault. */
bool http_answer_has_head(const struct http_answer *answer);
/* Of an answer that has a head: */
int http_answer_status(const struct http_answer *answer); /* 200–599 */
/* The longest wait that a Retry-After asks for, a date beside the receiver's own clock if Date tells it; -1 = none. */
int64_t http_answer_retry_after_ms(const struct http_answer *answer);
/* Of an answer that is whole: */
struct slice http_answer_body(const struct http_answer *answer); /* until the next begin */
/* Nothing came behind it, and the other side did not say that it would close. */
bool http_answer_keeps_connection(const struct http_answer *answer);

/* Gives much memory back; what was read is gone. */
void http_answer_shrink(struct http_answer *answer);

#endif
