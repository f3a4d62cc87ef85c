/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every row of every feed passes here, so sixteen of the digits are read at once.
 *
 * The weights of GB 11643 are the powers of two modulo 11, from 2^17 for the first digit to 2^0 for the check character, and
 * a number is right when the weighted sum is 1 modulo 11 (X counts 10). So where a processor has no instructions that weigh
 * sixteen numbers, the sum is a number written to base 2 with digits up to 9, and is read like the number itself to base 10.
 */
#include "domain/resident_id.h"

#include "base/digits.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    LENGTH = 18,
    LENGTH_LEGACY = 15,
    BIRTH_AT = 6,
    SEQUENCE_AT = 14,
    READ_MAX = 64,
    CHECK_MODULUS = 11,
    CHECK_X = 10,
};

/* The value of a digit, or something above 9. */
static unsigned digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

/* 0–9, 10 for X and x, or something above 10 . One number in eleven has an X:
 * a processor would guess wrong. */
static unsigned check_of(char c)
{
    unsigned is_x = (c | 0x20) == 'x', digit = digit_of(c), above = digit > 9;
    return is_x * CHECK_X | (!is_x * (digit | above * 16));
}

/* A number of 18 characters: sixteen digits in two halves, one digit, and the value of the check character. */
struct digits {
    uint64_t first_pairs, second_pairs; /* four pairs each, the first in the lowest 16 bits */
    uint32_t first, second;             /* the same as numbers of eight digits */
    unsigned sum;                       /* of the sixteen, weighted */
    unsigned last, check;
};

#ifdef __SSE2__
/* False: one of them is no digit. */
static inline bool read_sixteen(const char *text, struct digits *digits)
{
    const __m128i nine = _mm_set1_epi8(9), none = _mm_setzero_si128();
    const __m128i weights_low = _mm_setr_epi16(7, 9, 10, 5, 8, 4, 2, 1),
                  weights_high = _mm_setr_epi16(6, 3, 7, 9, 10, 5, 8, 4);
    const __m128i tens = _mm_set1_epi32(1 << 16 | 10), hundreds = _mm_set1_epi32(1 << 16 | 100),
                  myriads = _mm_set1_epi32(1 << 16 | 10000);
    __m128i all = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)text), _mm_set1_epi8('0'));
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(all, nine), nine)) != 0xFFFF)
        return false;
    __m128i low = _mm_unpacklo_epi8(all, none), high = _mm_unpackhi_epi8(all, none);
    __m128i sum = _mm_add_epi32(_mm_madd_epi16(low, weights_low), _mm_madd_epi16(high, weights_high));
    __m128i pairs = _mm_packs_epi32(_mm_madd_epi16(low, tens), _mm_madd_epi16(high, tens));
    __m128i fours = _mm_madd_epi16(pairs, hundreds);
    __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), myriads);
    sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
    digits->first_pairs = (uint64_t)_mm_cvtsi128_si64(pairs);
    digits->second_pairs = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(pairs, pairs));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights), sums = (uint64_t)_mm_cvtsi128_si64(sum);
    digits->first = (uint32_t)both;
    digits->second = (uint32_t)(both >> 32);
    digits->sum = (unsigned)(sums + (sums >> 32));
    return true;
}
#else
/* The second word stands ten places below the first, and 2^10 is 1 modulo 11: so both are added first, digit by digit, which
 * a byte can hold (9 + 4 × 9). The last digit's place and the check character's are still open. */
static inline bool read_sixteen(const char *text, struct digits *digits)
{
    uint64_t first = digits_load(text) ^ DIGITS_ZEROS, second = digits_load(text + 8) ^ DIGITS_ZEROS;
    if (digits_wrong(first) | digits_wrong(second))
        return false;
    digits->first_pairs = digits_pairs(first, 10);
    digits->second_pairs = digits_pairs(second, 10);
    digits->first = digits_join_pairs(digits->first_pairs, 10);
    digits->second = digits_join_pairs(digits->second_pairs, 10);
    digits->sum = digits_join(first + 4 * second, 2);
    return true;
}
#endif

/* False: one of the first 17 characters is no digit, or the last is none of the check characters. */
static inline bool read_digits(const char *text, struct digits *digits)
{
    digits->last = digit_of(text[16]);
    digits->check = check_of(text[17]);
    return read_sixteen(text, digits) && digits->last <= 9 && digits->check <= CHECK_X;
}

/* The sum over 17 digits, modulo 11, with the check character's place still open. */
static inline unsigned weighted(const struct digits *digits)
{
    return digits->sum + digits->last * 2;
}

/* A spreadsheet keeps 15 digits and puts zeros for the rest; some senders then put an X or a digit of their own last. */
static bool zeros_at_end(const char *text)
{
    bool sequence_zeros = memcmp(text + SEQUENCE_AT, "000", 3) == 0;
    bool last_zeros = text[15] == '0' && text[16] == '0' && (text[17] == '0' || (text[17] | 0x20) == 'x');
    return sequence_zeros || last_zeros;
}

/* Long ago, on a day that every such month has: sure to be a date and past, as that of nearly everybody. */
static inline bool is_surely_past(int year, unsigned month, unsigned day, day_t today)
{
    static const unsigned char shortest[16] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    enum { EPOCH = 1970, YEAR_SURE = 1850, LONGEST_YEAR = 366 };
    return year >= YEAR_SURE && year < EPOCH + today / LONGEST_YEAR && month < sizeof shortest &&
           day - 1 < shortest[month];
}

static __attribute__((noinline)) bool is_past(int year, unsigned month, unsigned day, day_t today)
{
    day_t birth;
    return civil_from_ymd(year, (int)month, (int)day, &birth) && (today == DAY_NONE || birth <= today);
}

static inline __attribute__((always_inline)) enum resident_id_verdict
check_digits(const struct digits *digits, const char *text, day_t today, uint64_t *packed)
{
    int year = (int)((digits->first_pairs >> 48) * 100 + (digits->second_pairs & 0xFF));
    unsigned month = digits->second_pairs >> 16 & 0xFF, day = digits->second_pairs >> 32 & 0xFF;
    if (!is_surely_past(year, month, day, today) && !is_past(year, month, day, today))
        return RESIDENT_ID_BIRTH_DATE;
    if ((weighted(digits) + digits->check) % CHECK_MODULUS != 1)
        return zeros_at_end(text) ? RESIDENT_ID_CHECK_ZEROS : RESIDENT_ID_CHECK;
    uint64_t number = digits->first * UINT64_C(1000000000) + digits->second * UINT64_C(10) + digits->last;
    *packed = number * CHECK_MODULUS + digits->check;
    return RESIDENT_ID_OK;
}

/* The same for what comes seldom. */
static enum resident_id_verdict check_unclean(const char *text, day_t today, uint64_t *packed)
{
    struct digits digits;
    return read_digits(text, &digits) ? check_digits(&digits, text, today, packed) : RESIDENT_ID_CHARACTER;
}

static bool are_digits(const char *text, int count)
{
    unsigned bad = 0;
    for (int i = 0; i < count; i++)
        bad |= digit_of(text[i]) > 9;
    return !bad;
}

/* "19" after the sixth digit, and the check character that makes the sum fit. */
static enum resident_id_verdict read_legacy(const char *text, day_t today, uint64_t *packed)
{
    char full[LENGTH];
    memcpy(full, text, BIRTH_AT);
    memcpy(full + BIRTH_AT, "19", 2);
    memcpy(full + BIRTH_AT + 2, text + BIRTH_AT, LENGTH_LEGACY - BIRTH_AT);
    full[LENGTH - 1] = '0';
    struct digits digits;
    if (!read_digits(full, &digits))
        return RESIDENT_ID_CHARACTER;
    unsigned check = (CHECK_MODULUS + 1 - weighted(&digits) % CHECK_MODULUS) % CHECK_MODULUS;
    full[LENGTH - 1] = check == CHECK_X ? 'X' : (char)('0' + check);
    return check_unclean(full, today, packed);
}

/* --- what is not clean ASCII ---------------------------------------------------------------------------------- */

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x3000 || c == 0xFEFF;
}

/* Full-width forms become ASCII; whatever else is none becomes '?'. */
static char narrow(uint32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E)
        c -= 0xFF01 - '!';
    return c > ' ' && c < 0x7F ? (char)c : '?';
}

/* Writes one ASCII character for each character, without blanks at both ends; returns how many, READ_MAX if too many. */
static int normalise(struct slice text, char out[READ_MAX])
{
    if (text.length > READ_MAX)
        return READ_MAX;
    int count = 0, end = 0;
    for (size_t at = 0; at < text.length;) {
        size_t step = utf8_char_length(text.bytes + at, text.length - at);
        uint32_t c = step ? utf8_decode(text.bytes + at, step) : '?';
        at += step ? step : 1;
        if (is_blank(c) && count == 0)
            continue;
        out[count++] = is_blank(c) ? ' ' : narrow(c);
        if (!is_blank(c))
            end = count;
    }
    return end;
}

/* d[.ddd]E[+]dd */
static bool is_scientific(const char *text, int length)
{
    int at = 0;
    if (length < 3 || digit_of(text[at++]) > 9)
        return false;
    if (text[at] == '.')
        for (at++; at < length && digit_of(text[at]) <= 9;)
            at++;
    if (at >= length || (text[at++] | 0x20) != 'e')
        return false;
    if (at < length && text[at] == '+')
        at++;
    return at < length && length - at <= 3 && are_digits(text + at, length - at);
}

static __attribute__((noinline)) enum resident_id_verdict read_unclean(struct slice text, day_t today,
                                                                       uint64_t *packed)
{
    char plain[READ_MAX];
    int length = normalise(text, plain);
    if (length == 0)
        return RESIDENT_ID_EMPTY;
    if (length < READ_MAX && is_scientific(plain, length))
        return RESIDENT_ID_SCIENTIFIC;
    if (length != LENGTH && length != LENGTH_LEGACY)
        return RESIDENT_ID_LENGTH;
    if (length == LENGTH_LEGACY)
        return read_legacy(plain, today, packed);
    return check_unclean(plain, today, packed);
}

enum resident_id_verdict resident_id_parse(struct slice text, day_t today, uint64_t *packed)
{
    struct digits digits;
    if (text.length == LENGTH && read_digits(text.bytes, &digits))
        return check_digits(&digits, text.bytes, today, packed);
    return read_unclean(text, today, packed);
}

/* --- forms ------------------------------------------------------------------------------------------------ */

const char *resident_id_format(uint64_t packed, char out[RESIDENT_ID_TEXT_SIZE])
{
    unsigned check = (unsigned)(packed % CHECK_MODULUS);
    uint64_t number = packed / CHECK_MODULUS;
    out[LENGTH] = '\0';
    out[LENGTH - 1] = check == CHECK_X ? 'X' : (char)('0' + check);
    for (int i = LENGTH - 2; i >= 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
    return out;
}

day_t resident_id_birth(uint64_t packed)
{
    /* The birth date is followed by three digits of sequence and the check character. */
    int date = (int)(packed / CHECK_MODULUS / 1000 % 100000000);
    day_t birth = DAY_NONE;
    return civil_from_ymd(date / 10000, date / 100 % 100, date % 100, &birth) ? birth : DAY_NONE;
}

enum { SHOWN = 4 }; /* of a number, at either end */

const char *resident_id_mask(uint64_t packed, char out[RESIDENT_ID_TEXT_SIZE])
{
    resident_id_format(packed, out);
    memset(out + SHOWN, '*', LENGTH - 2 * SHOWN);
    return out;
}

void resident_id_hide(char *text)
{
    enum { OLD_LENGTH = 15 }; /* numbers of before 1999 */
    for (char *at = text; *at != '\0';) {
        size_t run = strspn(at, "0123456789");
        if (run >= OLD_LENGTH)
            memset(at + SHOWN, '*', run - 2 * (size_t)SHOWN);
        at += run > 0 ? run : 1;
    }
}
