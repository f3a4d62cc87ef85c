/* SPDX-License-Identifier: PostgreSQL */
/*
 * The vector scan is John Keiser's and Daniel Lemire's ("Validating UTF-8 In Less Than One Instruction Per Byte", Software:
 * Practice and Experience 51(5), 2021): of each two neighbours, three table look-ups by half bytes say which errors they
 * may be part of, and what all three agree on is one. It says that a block is damaged, not where: that is left to the scan
 * byte by byte.
 */
#include "base/text.h"
#include "base/utf8_scan.h"

#include <string.h>

#if defined __x86_64__ && defined __GNUC__
#define HAVE_AVX2_SCAN 1
#include <immintrin.h>
#endif

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences). */
size_t utf8_char_length(const char *bytes, size_t available)
{
    if (available == 0)
        return 0;
    unsigned char first = (unsigned char)bytes[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (available < length)
        return 0;
    unsigned char second = (unsigned char)bytes[1];
    unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80; /* no overlongs */
    unsigned char greatest = first == 0xED   ? 0x9F
                             : first == 0xF4 ? 0x8F
                                             : 0xBF; /* no surrogates, ≤ U+10FFFF */
    if (second < least || second > greatest)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!is_continuation(bytes[i]))
            return 0;
    return length;
}

size_t utf8_scan_portable(const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        /* Most of a feed is ASCII: eight bytes at a time. */
        uint64_t eight;
        if (length - at >= sizeof eight) {
            memcpy(&eight, bytes + at, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t step = utf8_char_length(bytes + at, length - at);
        if (step == 0)
            return at;
        at += step;
    }
    return length;
}

#ifdef HAVE_AVX2_SCAN
#define AVX2 __attribute__((target("avx2")))

enum { BLOCK = 32 };

/* What two neighbours may be part of. */
enum {
    TOO_SHORT = 1 << 0,  /* a lead, or nothing, where a continuation is due */
    TOO_LONG = 1 << 1,   /* a continuation after ASCII */
    OVERLONG_3 = 1 << 2, /* E0, then below A0 */
    TOO_LARGE = 1 << 3,  /* F4, then above 8F; F5 and beyond */
    SURROGATE = 1 << 4,  /* ED, then above 9F */
    OVERLONG_2 = 1 << 5, /* C0, C1 */
    TOO_LARGE_1000 = 1 << 6,
    OVERLONG_4 = 1 << 6,   /* F0, then below 90 */
    TWO_CONTINUE = 1 << 7, /* two continuations: right only as the end of three or four bytes */
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUE,
    FIVE_AND_BEYOND = ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
};

static inline AVX2 __m256i both_halves(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

static inline AVX2 __m256i high_half(__m256i bytes)
{
    return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
}

/* The block moved up by `count` bytes, with the last ones of the block before. */
#define MOVED_UP(block, before, count)                                                                       \
    _mm256_alignr_epi8(block, _mm256_permute2x128_si256(before, block, 0x21), 16 - (count))

/* Bits are set where something is wrong; characters may have begun in the block before. */
static inline AVX2 __m256i errors_of(__m256i block, __m256i before)
{
    static const uint8_t first_high[16] = {
        TOO_LONG,
        TOO_LONG,
        TOO_LONG,
        TOO_LONG,
        TOO_LONG,
        TOO_LONG,
        TOO_LONG,
        TOO_LONG,
        TWO_CONTINUE,
        TWO_CONTINUE,
        TWO_CONTINUE,
        TWO_CONTINUE,
        TOO_SHORT | OVERLONG_2,
        TOO_SHORT,
        TOO_SHORT | OVERLONG_3 | SURROGATE,
        TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
    };
    static const uint8_t first_low[16] = {
        ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
        ANY_LOW | OVERLONG_2,
        ANY_LOW,
        ANY_LOW,
        ANY_LOW | TOO_LARGE,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND | SURROGATE,
        FIVE_AND_BEYOND,
        FIVE_AND_BEYOND,
    };
    static const uint8_t second_high[16] = {
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_LONG | TWO_CONTINUE | OVERLONG_2 | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
        TOO_LONG | TWO_CONTINUE | OVERLONG_2 | OVERLONG_3 | TOO_LARGE,
        TOO_LONG | TWO_CONTINUE | OVERLONG_2 | SURROGATE | TOO_LARGE,
        TOO_LONG | TWO_CONTINUE | OVERLONG_2 | SURROGATE | TOO_LARGE,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
        TOO_SHORT,
    };
    __m256i first = MOVED_UP(block, before, 1);
    __m256i two = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(both_halves(first_high), high_half(first)),
            _mm256_shuffle_epi8(both_halves(first_low), _mm256_and_si256(first, _mm256_set1_epi8(0x0F)))),
        _mm256_shuffle_epi8(both_halves(second_high), high_half(block)));
    /* Third and fourth bytes must be continuations, which two neighbours alone cannot know. */
    __m256i third = _mm256_subs_epu8(MOVED_UP(block, before, 2), _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(MOVED_UP(block, before, 3), _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(due, two);
}

/* Where the character begins that the bytes before `at` leave open; `at` when they end a character. */
static size_t begin_of_open(const char *bytes, size_t at)
{
    for (size_t back = 1; back <= 3 && back <= at; back++)
        if (!is_continuation(bytes[at - back]))
            return (unsigned char)bytes[at - back] < 0xC0 ? at : at - back;
    return at;
}

AVX2 size_t utf8_scan_avx2(const char *bytes, size_t length)
{
    __m256i before = _mm256_setzero_si256();
    size_t at = 0;
    for (; length - at >= 2 * BLOCK; at += 2 * BLOCK) {
        __m256i one = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + at));
        __m256i two = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + at + BLOCK));
        __m256i errors = _mm256_or_si256(errors_of(one, before), errors_of(two, one));
        if (!_mm256_testz_si256(errors, errors))
            break;
        before = two;
    }
    /* What is left, or what is damaged: the blocks before it are well-formed but for a character that they leave open. */
    at = begin_of_open(bytes, at);
    return at + utf8_scan_portable(bytes + at, length - at);
}

bool utf8_scan_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
size_t utf8_scan_avx2(const char *bytes, size_t length)
{
    return utf8_scan_portable(bytes, length);
}

bool utf8_scan_has_avx2(void)
{
    return false;
}
#endif

size_t utf8_well_formed(const char *bytes, size_t length)
{
    enum { WORTH_IT = 256 }; /* what is shorter is a name or a line */
    return length >= WORTH_IT && utf8_scan_has_avx2() ? utf8_scan_avx2(bytes, length)
                                                      : utf8_scan_portable(bytes, length);
}

bool utf8_valid(const char *bytes, size_t length)
{
    return utf8_well_formed(bytes, length) == length;
}

uint32_t utf8_decode(const char *bytes, size_t length)
{
    static const unsigned char first_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)bytes[0] & first_mask[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)bytes[i] & 0x3F);
    return code;
}

size_t utf8_cut(const char *bytes, size_t length, size_t max_bytes)
{
    if (length <= max_bytes)
        return length;
    size_t end = max_bytes;
    /* A character has at most three continuation bytes; text that is no UTF-8 is cut where asked. */
    for (int back = 0; back < 4 && end > 0; back++, end--)
        if (!is_continuation(bytes[end]))
            return end;
    return is_continuation(bytes[end]) ? max_bytes : end;
}

bool utf8_is_deceptive(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

bool utf8_has_no_control(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)bytes[i];
        if (byte < 0x20 || byte == 0x7F)
            return false;
        if (byte == 0xC2 && i + 1 < length && (unsigned char)bytes[i + 1] < 0xA0) /* U+0080 to U+009F */
            return false;
    }
    return true;
}
