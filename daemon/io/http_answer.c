/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/http_answer.h"

#include "base/clock.h"
#include "io/http_client.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    NAME_MAX_BYTES = 16, /* the longest that we ask for is Retry-After */
    VALUE_MAX_BYTES =
        64, /* a date of RFC 9110 has 29; seconds longer than this are a hundred years all the same */
    KEPT_BODY_BYTES = 16 * 1024,
    OVERHEAD_OF_BODY = 8, /* a chunk of one byte has five beside it */
};

/* A header's text as far as it fits; its real length may be more. */
struct field {
    char bytes[VALUE_MAX_BYTES + 1];
    size_t length;
};

struct http_answer {
    http_parser parser;
    enum http_answer_state state;
    size_t body_max;
    struct text body;
    size_t taken;      /* bytes that belong to it, its body too */
    size_t body_bytes; /* of these, kept or not */
    bool begun;
    bool headers_ended; /* what follows are trailers */
    bool in_value;
    bool keeps;
    struct field name, value;
    int64_t retry_after_ms; /* by our clock */
    struct field retry_after, date;
};

/* ---- headers ---- */

static void field_add(struct field *field, const char *bytes, size_t length)
{
    if (field->length < VALUE_MAX_BYTES) {
        const size_t room = VALUE_MAX_BYTES - field->length;
        memcpy(field->bytes + field->length, bytes, length < room ? length : room);
    }
    field->length += length;
    field->bytes[field->length < VALUE_MAX_BYTES ? field->length : VALUE_MAX_BYTES] = '\0';
}

static struct slice field_slice(const struct field *field)
{
    return (struct slice){field->bytes, field->length < VALUE_MAX_BYTES ? field->length : VALUE_MAX_BYTES};
}

static bool field_is(const struct field *field, const char *name)
{
    return field->length <= NAME_MAX_BYTES && strcasecmp(field->bytes, name) == 0;
}

static void end_header(struct http_answer *answer)
{
    if (answer->in_value && field_is(&answer->name, "Retry-After")) {
        const int64_t wait_ms = http_client_parse_retry_after(field_slice(&answer->value), clock_unix_ms());
        if (wait_ms > answer->retry_after_ms) {
            answer->retry_after_ms = wait_ms;
            answer->retry_after = answer->value;
        }
    } else if (answer->in_value && field_is(&answer->name, "Date")) {
        answer->date = answer->value;
    }
    answer->in_value = false;
    answer->name.length = answer->value.length = 0;
}

static int take_name(http_parser *parser, const char *bytes, size_t length)
{
    struct http_answer *answer = parser->data;
    if (answer->in_value)
        end_header(answer);
    if (!answer->headers_ended)
        field_add(&answer->name, bytes, length);
    return 0;
}

static int take_value(http_parser *parser, const char *bytes, size_t length)
{
    struct http_answer *answer = parser->data;
    answer->in_value = !answer->headers_ended;
    if (answer->in_value)
        field_add(&answer->value, bytes, length);
    return 0;
}

/* ---- messages ---- */

enum { GO_ON = 0, WITHOUT_BODY = 1, STOP = -1 };

static int stop(struct http_answer *answer, enum http_answer_state state)
{
    answer->state = state;
    return STOP;
}

static bool is_interim(const http_parser *parser)
{
    return parser->status_code / 100 == 1;
}

/* After an interim answer, or what its end was. */
static int begin_message(http_parser *parser)
{
    struct http_answer *answer = parser->data;
    answer->retry_after_ms = -1;
    answer->date.length = 0;
    answer->headers_ended = false;
    return GO_ON;
}

static int end_headers(http_parser *parser)
{
    enum { SWITCHING_PROTOCOLS = 101, NO_CONTENT = 204, NOT_MODIFIED = 304, STATUS_MAX = 599 };
    struct http_answer *answer = parser->data;
    const unsigned status = parser->status_code;
    end_header(answer);
    answer->headers_ended = true;
    if (parser->http_major != 1 || status < 100 || status > STATUS_MAX || status == SWITCHING_PROTOCOLS)
        return stop(answer, HTTP_ANSWER_MALFORMED);
    if (is_interim(parser) || status == NO_CONTENT || status == NOT_MODIFIED)
        return WITHOUT_BODY;
    if ((parser->flags & F_CONTENTLENGTH) != 0 && parser->content_length > answer->body_max)
        return stop(answer, HTTP_ANSWER_LONG_BODY);
    return GO_ON;
}

static int take_body(http_parser *parser, const char *bytes, size_t length)
{
    struct http_answer *answer = parser->data;
    answer->body_bytes += length;
    if (length > answer->body_max - answer->body.length)
        return stop(answer, HTTP_ANSWER_LONG_BODY);
    text_add(&answer->body, bytes, length);
    return answer->body.failed ? stop(answer, HTTP_ANSWER_NO_MEMORY) : GO_ON;
}

static int end_message(http_parser *parser)
{
    struct http_answer *answer = parser->data;
    if (is_interim(parser))
        return GO_ON;
    answer->keeps = http_should_keep_alive(parser) != 0;
    answer->state = HTTP_ANSWER_WHOLE;
    http_parser_pause(parser, 1); /* what follows is not ours */
    return GO_ON;
}

static const http_parser_settings callbacks = {
    .on_message_begin = begin_message,
    .on_header_field = take_name,
    .on_header_value = take_value,
    .on_headers_complete = end_headers,
    .on_body = take_body,
    .on_message_complete = end_message,
};

/* ---- answers ---- */

struct http_answer *http_answer_new(void)
{
    struct http_answer *answer = calloc(1, sizeof *answer);
    if (answer != NULL)
        text_init(&answer->body);
    return answer;
}

void http_answer_free(struct http_answer *answer)
{
    if (answer == NULL)
        return;
    text_fini(&answer->body);
    free(answer);
}

void http_answer_begin(struct http_answer *answer, size_t body_max)
{
    http_parser_init(&answer->parser, HTTP_RESPONSE);
    answer->parser.data = answer;
    answer->state = HTTP_ANSWER_MORE;
    answer->body_max = body_max;
    text_clear(&answer->body);
    answer->taken = answer->body_bytes = 0;
    answer->begun = answer->headers_ended = answer->in_value = answer->keeps = false;
    answer->name.length = answer->value.length = answer->date.length = 0;
    answer->retry_after_ms = -1;
}

/* What follows belongs to the body: chunks, and trailers behind them. */
static bool in_body(const struct http_answer *answer)
{
    return answer->headers_ended && !is_interim(&answer->parser);
}

/* What the parser makes of the bytes; its own limit of headers is above ours. */
static enum http_answer_state judge(struct http_answer *answer)
{
    const size_t allowed =
        answer->body_bytes + HTTP_CLIENT_HEADER_MAX + OVERHEAD_OF_BODY * answer->body.length;
    const enum http_errno failure = HTTP_PARSER_ERRNO(&answer->parser);
    if (failure == HPE_HEADER_OVERFLOW || answer->taken > allowed)
        answer->state = in_body(answer) ? HTTP_ANSWER_LONG_BODY : HTTP_ANSWER_LONG_HEADERS;
    else if (answer->state == HTTP_ANSWER_MORE && failure != HPE_OK)
        answer->state = HTTP_ANSWER_MALFORMED;
    return answer->state;
}

enum http_answer_state http_answer_take(struct http_answer *answer, const char *bytes, size_t length)
{
    if (length == 0) /* to the parser that would be the end */
        return answer->state;
    answer->begun = true;
    const size_t parsed = http_parser_execute(&answer->parser, &callbacks, bytes, length);
    answer->taken += parsed;
    const enum http_answer_state state = judge(answer);
    if (state == HTTP_ANSWER_WHOLE && parsed < length)
        answer->keeps = false;
    return state;
}

enum http_answer_state http_answer_end(struct http_answer *answer)
{
    http_parser_execute(&answer->parser, &callbacks, NULL, 0);
    if (answer->state == HTTP_ANSWER_MORE)
        answer->state = HTTP_ANSWER_CUT;
    answer->keeps = false;
    return answer->state;
}

bool http_answer_begun(const struct http_answer *answer)
{
    return answer->begun;
}

bool http_answer_has_head(const struct http_answer *answer)
{
    return in_body(answer) && (answer->state <= HTTP_ANSWER_CUT || answer->state == HTTP_ANSWER_LONG_BODY);
}

int http_answer_status(const struct http_answer *answer)
{
    return (int)answer->parser.status_code;
}

struct slice http_answer_body(const struct http_answer *answer)
{
    return (struct slice){answer->body.length > 0 ? answer->body.bytes : "", answer->body.length};
}

bool http_answer_keeps_connection(const struct http_answer *answer)
{
    return answer->keeps;
}

/* A date is the receiver's: it is taken beside the receiver's own clock, which Date tells, and not beside ours. */
int64_t http_answer_retry_after_ms(const struct http_answer *answer)
{
    if (answer->retry_after_ms < 0 || answer->date.length == 0 || answer->date.length > VALUE_MAX_BYTES)
        return answer->retry_after_ms;
    const int64_t date_ms = http_client_parse_date_ms(answer->date.bytes);
    return date_ms < 0 ? answer->retry_after_ms
                       : http_client_parse_retry_after(field_slice(&answer->retry_after), date_ms);
}

void http_answer_shrink(struct http_answer *answer)
{
    if (answer->body.capacity > KEPT_BODY_BYTES || answer->body.failed) {
        text_fini(&answer->body);
        text_init(&answer->body);
    }
}
