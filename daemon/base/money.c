/* SPDX-License-Identifier: PostgreSQL */
#include "base/money.h"

#include <inttypes.h>
#include <stdio.h>

enum { YUAN_DIGITS_MAX = 12, FEN_DIGITS_MAX = 2 };

/* Reads digits from *at on; returns how many. */
static size_t digits(struct slice text, size_t *at, size_t limit, int64_t *number)
{
    size_t count = 0;
    while (*at < text.length && count < limit && text.bytes[*at] >= '0' && text.bytes[*at] <= '9') {
        *number = *number * 10 + (text.bytes[*at] - '0');
        ++*at;
        ++count;
    }
    return count;
}

bool money_parse(struct slice text, int64_t *fen)
{
    size_t at = 0;
    int64_t number = 0;
    if (digits(text, &at, YUAN_DIGITS_MAX, &number) == 0)
        return false;
    if (at == text.length) {
        *fen = number * 100;
        return true;
    }
    if (text.bytes[at++] != '.')
        return false;
    size_t decimals = digits(text, &at, FEN_DIGITS_MAX, &number);
    if (decimals == 0 || at != text.length)
        return false;
    *fen = decimals == 1 ? number * 10 : number;
    return true;
}

const char *money_format(int64_t fen, char out[MONEY_TEXT_SIZE])
{
    uint64_t size = fen < 0 ? 0 - (uint64_t)fen : (uint64_t)fen;
    snprintf(out, MONEY_TEXT_SIZE, "%s%" PRIu64 ".%02u", fen < 0 ? "-" : "", size / 100,
             (unsigned)(size % 100));
    return out;
}
