/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/http_framing.h"

#include <string.h>
#include <strings.h>

/* RFC 9110 5.6.2. */
static bool is_token(const char *name, size_t length)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < length; i++) {
        const char c = name[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return length > 0;
}

static bool is_clean_value(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return false;
    return true;
}

/* Digits alone; a length too long for the number stays at its greatest, which no limit allows. */
static bool parse_length(const char *value, size_t length, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        *number = *number > UINT64_MAX / 10 - 1 ? UINT64_MAX / 10 : *number * 10 + (uint64_t)(value[i] - '0');
    }
    return length > 0;
}

void http_framing_note(struct http_framing *framing, struct slice name, struct slice value)
{
    if (!is_token(name.bytes, name.length) || !is_clean_value(value.bytes, value.length)) {
        framing->malformed = true;
    } else if (strcasecmp(name.bytes, "Host") == 0) {
        framing->hosts++;
    } else if (strcasecmp(name.bytes, "Content-Length") == 0) {
        framing->lengths++;
        if (!parse_length(value.bytes, value.length, &framing->length))
            framing->malformed = true;
    } else if (strcasecmp(name.bytes, "Transfer-Encoding") == 0) {
        framing->codings++;
        framing->coding_is_chunked = strcasecmp(value.bytes, "chunked") == 0;
    }
}

const char *http_framing_fault(const struct http_framing *framing, bool is_http_1_1)
{
    if (framing->malformed)
        return "a header is malformed\n";
    if (framing->hosts > 1 || (is_http_1_1 && framing->hosts == 0))
        return "one Host header is needed\n";
    if (framing->lengths > 1 || framing->codings > 1 || (framing->lengths > 0 && framing->codings > 0))
        return "the length of the body is said twice\n";
    if (framing->codings > 0 && (!framing->coding_is_chunked || !is_http_1_1))
        return "the transfer coding is not understood\n";
    return NULL;
}
