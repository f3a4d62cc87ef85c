/* SPDX-License-Identifier: PostgreSQL */
/*
 * Eight digits at a time in one 64-bit word, for numbers, dates and identity numbers: every field of every feed passes here.
 *
 *     uint64_t digits = digits_load(text) ^ DIGITS_ZEROS;      eight characters, the first in the lowest byte
 *     if (digits_wrong(digits)) …                              not every one of them is a digit
 *     uint32_t number = digits_join(digits, 10);
 *
 * And the way back, two digits at a time: every event and all evidence is full of numbers.
 */
#ifndef SHOUWANG_BASE_DIGITS_H
#define SHOUWANG_BASE_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_EACH(value) (UINT64_C(0x0101010101010101) * (value))
#define DIGITS_ZEROS       DIGITS_EACH('0')

/* Eight bytes, the first in the lowest. */
static inline uint64_t digits_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Not zero when a byte is above 9. */
static inline uint64_t digits_wrong(uint64_t digits)
{
    return (digits | (digits + DIGITS_EACH(0x7F - 9))) & DIGITS_EACH(0x80);
}

/* The first step of joining: four lanes of 16 bits, each a pair of neighbours as a number to that base. */
static inline uint64_t digits_pairs(uint64_t digits, uint64_t base)
{
    return (digits * (base << 8 | 1)) >> 8 & UINT64_C(0x00FF00FF00FF00FF);
}

/* The others: pairs become fours, fours one number. */
static inline uint32_t digits_join_pairs(uint64_t pairs, uint64_t base)
{
    uint64_t fours = (pairs * (base * base << 16 | 1)) >> 16 & UINT64_C(0x0000FFFF0000FFFF);
    return (uint32_t)((fours * (base * base * base * base << 32 | 1)) >> 32);
}

static inline uint32_t digits_join(uint64_t digits, uint64_t base)
{
    return digits_join_pairs(digits_pairs(digits, base), base);
}

enum { DIGITS_MAX = 20 }; /* of UINT64_MAX */

/* The number in decimal, without a terminator; returns how many digits. */
static inline size_t digits_put(uint64_t number, char out[DIGITS_MAX])
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    char reversed[DIGITS_MAX];
    size_t at = sizeof reversed;
    for (; number >= 10; number /= 100) {
        at -= 2;
        memcpy(reversed + at, pairs + 2 * (number % 100), 2);
    }
    if (number > 0 || at == sizeof reversed)
        reversed[--at] = (char)('0' + number);
    memcpy(out, reversed + at, sizeof reversed - at);
    return sizeof reversed - at;
}

#endif
