/* SPDX-License-Identifier: PostgreSQL */
/*
 * The weights of GB 11643 are the powers of two modulo 11, from 2^17 for the first digit to 2^0 for the check character,
 * and a number is right when the weighted sum is 1 modulo 11 (X counts 10). So the sum is a number written to base 2
 * with digits up to 9, and is read like the number itself to base 10: eight digits at a time in one 64-bit word, because
 * every row of every feed passes here.
 */
#include "domain/resident_id.h"

#include "base/digits.h"

#include <string.h>

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

/* 0–9, 10 for X and x, or something above 10. */
static unsigned check_of(char c)
{
    return (c | 0x20) == 'x' ? CHECK_X : digit_of(c) <= 9 ? digit_of(c) : CHECK_X + 1;
}

/* A number of 18 characters: sixteen digits in two words, one digit, and the value of the check character. */
struct digits {
    uint64_t first, second; /* the place and the century; year, month, day and two digits of the sequence */
    unsigned last, check;
};

/* False: one of the first 17 characters is no digit, or the last is none of the check characters. */
static inline bool read_digits(const char *text, struct digits *digits)
{
    digits->first = digits_load(text) ^ DIGITS_ZEROS;
    digits->second = digits_load(text + 8) ^ DIGITS_ZEROS;
    digits->last = digit_of(text[16]);
    digits->check = check_of(text[17]);
    return !(digits_wrong(digits->first) | digits_wrong(digits->second)) && digits->last <= 9 &&
           digits->check <= CHECK_X;
}

/*
 * The sum over 17 digits, modulo 11, with the check character's place still open. The second word stands ten places below
 * the first, and 2^10 is 1 modulo 11: so both are added first, digit by digit, which a byte can hold (9 + 4 × 9).
 */
static inline unsigned weighted(const struct digits *digits)
{
    return digits_join(digits->first + 4 * digits->second, 2) + digits->last * 2;
}

/* A spreadsheet keeps 15 digits and puts zeros for the rest; some senders then put an X or a digit of their own last. */
static bool zeros_at_end(const char *text)
{
    bool sequence_zeros = memcmp(text + SEQUENCE_AT, "000", 3) == 0;
    bool last_zeros = text[15] == '0' && text[16] == '0' && (text[17] == '0' || (text[17] | 0x20) == 'x');
    return sequence_zeros || last_zeros;
}

static inline __attribute__((always_inline)) enum resident_id_verdict
judge(const struct digits *digits, const char *text, day_t today, uint64_t *packed)
{
    uint64_t first = digits_pairs(digits->first, 10), second = digits_pairs(digits->second, 10);
    int year = (int)((first >> 48) * 100 + (second & 0xFF));
    day_t birth;
    if (!civil_from_ymd(year, (int)(second >> 16 & 0xFF), (int)(second >> 32 & 0xFF), &birth) ||
        (today != DAY_NONE && birth > today))
        return RESIDENT_ID_BIRTH_DATE;
    if ((weighted(digits) + digits->check) % CHECK_MODULUS != 1)
        return zeros_at_end(text) ? RESIDENT_ID_CHECK_ZEROS : RESIDENT_ID_CHECK;
    uint64_t number = digits_join_pairs(first, 10) * UINT64_C(1000000000) +
                      digits_join_pairs(second, 10) * UINT64_C(10) + digits->last;
    *packed = number * CHECK_MODULUS + digits->check;
    return RESIDENT_ID_OK;
}

/* The same for what comes seldom. */
static enum resident_id_verdict judge_unclean(const char *text, day_t today, uint64_t *packed)
{
    struct digits digits;
    return read_digits(text, &digits) ? judge(&digits, text, today, packed) : RESIDENT_ID_CHARACTER;
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
    return judge_unclean(full, today, packed);
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

static enum resident_id_verdict read_unclean(struct slice text, day_t today, uint64_t *packed)
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
    return judge_unclean(plain, today, packed);
}

enum resident_id_verdict resident_id_parse(struct slice text, day_t today, uint64_t *packed)
{
    struct digits digits;
    if (text.length == LENGTH && read_digits(text.bytes, &digits))
        return judge(&digits, text.bytes, today, packed);
    return read_unclean(text, today, packed);
}

/* --- words and forms ------------------------------------------------------------------------------------------ */

static const struct {
    const char *english, *chinese;
} words[] = {
    [RESIDENT_ID_OK] = {"valid", "有效"},
    [RESIDENT_ID_EMPTY] = {"empty", "身份证号为空"},
    [RESIDENT_ID_SCIENTIFIC] = {"damaged by a spreadsheet (scientific notation such as 5.1E+17)",
                                "被电子表格改成科学计数法（如 5.1E+17）"},
    [RESIDENT_ID_LENGTH] = {"neither 15 nor 18 characters long", "位数不对（应为18位，或旧15位）"},
    [RESIDENT_ID_CHARACTER] = {"holds a character that is no digit (nor an X at the end)",
                               "含有数字和末位X以外的字符"},
    [RESIDENT_ID_BIRTH_DATE] = {"its birth date does not exist or lies in the future",
                                "出生日期不存在或晚于今天"},
    [RESIDENT_ID_CHECK] = {"the check character does not fit", "校验码不符"},
    [RESIDENT_ID_CHECK_ZEROS] =
        {"the check character does not fit and the number ends in zeros: digits lost in a spreadsheet",
         "校验码不符且末尾为000：被电子表格截去尾数"},
};

const char *resident_id_verdict_text(enum resident_id_verdict verdict)
{
    return words[verdict].english;
}

const char *resident_id_verdict_chinese(enum resident_id_verdict verdict)
{
    return words[verdict].chinese;
}

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

const char *resident_id_mask(uint64_t packed, char out[RESIDENT_ID_TEXT_SIZE])
{
    enum { SHOWN = 4 };
    resident_id_format(packed, out);
    memset(out + SHOWN, '*', LENGTH - 2 * SHOWN);
    return out;
}
