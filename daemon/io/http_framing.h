/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whether two parsers could read a request's header lines in two ways: one that a proxy takes for one request and we for two
 * is how requests are smuggled past it (RFC 9112 section 11.2). What is ambiguous is refused, never guessed.
 *
 * Pure; borrows its arguments for the call.
 */
#ifndef SHOUWANG_IO_HTTP_FRAMING_H
#define SHOUWANG_IO_HTTP_FRAMING_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* What the header lines that were noted say; begins as {0}. */
struct http_framing {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
    bool coding_is_chunked;
    bool malformed;
    uint64_t
        length; /* bytes of the body, of Content-Length; beyond all limits when it is too long for a number */
};

/* Notes one header line, of any bytes; a zero byte stands behind the name and the value. */
void http_framing_note(struct http_framing *framing, struct slice name, struct slice value);

/* Why the request may not be answered, a line of text; NULL = it is clear where it ends. */
const char *http_framing_fault(const struct http_framing *framing, bool is_http_1_1);

#endif
