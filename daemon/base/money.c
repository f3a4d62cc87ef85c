/* SPDX-License-Identifier: PostgreSQL */
#include "base/money.h"

#include "base/digits.h"

enum {
    YUAN_DIGITS_MAX = 12,
    FEN_DIGITS_MAX = 2,
    /* What is read at one go: at most eight digits of yuan; four bytes can be loaded from either end. */
    SWIFT_YUAN_MAX = 8,
    SWIFT_LENGTH_MIN = 4,
};

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

/* The first `length` bytes (4 to 8) of a text, the first in the lowest byte; nothing behind it is touched. */
static uint64_t load_short(const char *bytes, size_t length)
{
    uint32_t begin, end;
    memcpy(&begin, bytes, sizeof begin);
    memcpy(&end, bytes + length - sizeof end, sizeof end);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    begin = __builtin_bswap32(begin);
    end = __builtin_bswap32(end);
#endif
    return begin | (uint64_t)end << 8 * (length - sizeof end);
}

/* "4830.00" or "4830", as nearly all amounts are; false when it must be looked at more closely. */
static bool parse_swiftly(struct slice text, int64_t *fen)
{
    const char *end = text.bytes + text.length;
    if (text.length < SWIFT_LENGTH_MIN)
        return false;
    bool point = end[-3] == '.';
    size_t whole = point ? text.length - 3 : text.length;
    if (whole > SWIFT_YUAN_MAX)
        return false;
    uint64_t word = text.length > 8 ? digits_load(text.bytes) : load_short(text.bytes, text.length);
    /* What stands behind the yuan is moved out, and zeros move in before them. */
    unsigned moved = 8 * (unsigned)(SWIFT_YUAN_MAX - whole);
    uint64_t digits = (word << moved) ^ (DIGITS_ZEROS << moved);
    unsigned tens = point ? (unsigned)(unsigned char)end[-2] - '0' : 0;
    unsigned ones = point ? (unsigned)(unsigned char)end[-1] - '0' : 0;
    if (digits_wrong(digits) || tens > 9 || ones > 9)
        return false;
    *fen = (int64_t)digits_join(digits, 10) * 100 + tens * 10 + ones;
    return true;
}

bool money_parse(struct slice text, int64_t *fen)
{
    if (parse_swiftly(text, fen))
        return true;
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
    char *end = out;
    *end = '-';
    end += fen < 0;
    end += digits_put(size / 100, end);
    *end++ = '.';
    *end++ = (char)('0' + size % 100 / 10);
    *end++ = (char)('0' + size % 10);
    *end = '\0';
    return out;
}
