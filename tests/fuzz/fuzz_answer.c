/* SPDX-License-Identifier: PostgreSQL */
/*
 * Bytes as an answer that comes off a connection: at once, in two pieces (the first byte says where they part), and byte by
 * byte. That must make no difference, and no more than the limits is kept.
 */
#include "config.h"

#include "fuzz.h"
#include "io/http_answer.h"
#include "io/http_client.h"

#include <stdbool.h>
#include <string.h>

enum { BODY_MAX = 300 };

static enum http_answer_state take(struct http_answer *answer, const uint8_t *bytes, size_t length,
                                   size_t first, size_t others)
{
    enum http_answer_state state = HTTP_ANSWER_MORE;
    http_answer_begin(answer, BODY_MAX);
    for (size_t at = 0, piece = first; at < length && state == HTTP_ANSWER_MORE;
         at += piece, piece = others) {
        piece = piece < length - at ? piece : length - at;
        state = http_answer_take(answer, (const char *)bytes + at, piece);
    }
    if (state == HTTP_ANSWER_MORE)
        state = http_answer_end(answer);
    FUZZ_CHECK(state != HTTP_ANSWER_MORE && state != HTTP_ANSWER_NO_MEMORY);
    FUZZ_CHECK(http_answer_body(answer).length <= BODY_MAX);
    return state;
}

/* The same, whatever was read into it before. */
static void compare(struct http_answer *whole, enum http_answer_state state, struct http_answer *parted,
                    enum http_answer_state parted_state)
{
    FUZZ_CHECK(state == parted_state);
    FUZZ_CHECK(http_answer_has_head(whole) == http_answer_has_head(parted));
    if (!http_answer_has_head(whole))
        return;
    FUZZ_CHECK(http_answer_status(whole) >= 200 && http_answer_status(whole) <= 599);
    FUZZ_CHECK(http_answer_status(whole) == http_answer_status(parted));
    if (state != HTTP_ANSWER_WHOLE)
        return;
    FUZZ_CHECK(slice_equal(http_answer_body(whole), http_answer_body(parted)));
    /* A date without the receiver's own is counted from now. */
    FUZZ_CHECK((http_answer_retry_after_ms(whole) < 0) == (http_answer_retry_after_ms(parted) < 0));
    FUZZ_CHECK(!http_answer_keeps_connection(whole) || http_answer_keeps_connection(parted));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1)
        return 0;
    static struct http_answer *whole, *parted;
    const size_t first = 1 + (length - 1) * bytes[0] / 256;
    if (whole == NULL) {
        whole = http_answer_new();
        parted = http_answer_new();
        FUZZ_CHECK(whole != NULL && parted != NULL);
    }
    bytes++;
    length--;
    const enum http_answer_state state = take(whole, bytes, length, length, 1);
    compare(whole, state, parted, take(parted, bytes, length, first, length));
    compare(whole, state, parted, take(parted, bytes, length, 1, 1));
    http_answer_shrink(parted);
    return 0;
}
