/* SPDX-License-Identifier: PostgreSQL */
/* Values of facts: read from the exchange format, written for officials. The dictionary is in dictionary.c. */
#include "domain/fact.h"

#include "base/money.h"
#include "domain/resident_id.h"

#include <stdio.h>
#include <string.h>

enum {
    CERTIFICATE_LENGTH = 20,
    CERTIFICATE_ID_LENGTH = 18,
    CERTIFICATE_SUFFIX_MAX = 32, /* bytes: "B1", " 补", "-2"; a longer one is another column, glued on */
    TYPE_MAX = 7,
    GRADE_MAX = 4,
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool equals_ignoring_case(struct slice text, const char *other)
{
    if (text.length != strlen(other))
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (lower(text.bytes[i]) != lower(other[i]))
            return false;
    return true;
}

static bool is_one_of(struct slice text, const char *const *words)
{
    for (; *words; words++)
        if (equals_ignoring_case(text, *words))
            return true;
    return false;
}

static const char *const yes_words[] = {"yes", "是", "y", NULL};
static const char *const no_words[] = {"no", "否", "n", NULL};

/* --- reading -------------------------------------------------------------------------------------------------- */

static enum fact_verdict read_amount(struct slice text, int64_t *value)
{
    *value = FACT_UNKNOWN;
    return text.length == 0 || money_parse(text, value) ? FACT_OK : FACT_AMOUNT_UNREADABLE;
}

static enum fact_verdict read_yesno(struct slice text, int64_t *value)
{
    bool yes = text.length == 0 || slice_is(text, "1") || is_one_of(text, yes_words);
    if (!yes && !slice_is(text, "0") && !is_one_of(text, no_words))
        return FACT_VALUE_UNKNOWN_CODE;
    *value = yes ? FACT_YES : 0;
    return FACT_OK;
}

static enum fact_verdict read_relief(struct slice text, int64_t *value)
{
    int64_t fen = 0;
    bool yes = text.length == 0 || is_one_of(text, yes_words);
    bool no = is_one_of(text, no_words);
    if (!yes && !no && !money_parse(text, &fen))
        return FACT_VALUE_UNKNOWN_CODE;
    /* Only the word ends a relief: a roster that says 0.00 yuan still has this person on it. */
    *value = no ? 0 : fen ? fen : FACT_YES;
    return FACT_OK;
}

static enum fact_verdict read_choice(const struct fact_code *code, struct slice text, int64_t *value)
{
    if (text.length == 0)
        return FACT_VALUE_MISSING;
    for (int i = 0; i < code->choice_count; i++) {
        if (slice_is(text, code->choices[i])) {
            *value = i + 1;
            return FACT_OK;
        }
    }
    return FACT_VALUE_UNKNOWN_CODE;
}

/* The text itself stays with the caller. "n" and "0" may be somebody's code, so that only the words say no. */
static enum fact_verdict read_text(struct slice text, int64_t *value)
{
    if (text.length == 0)
        return FACT_VALUE_MISSING;
    *value = equals_ignoring_case(text, "no") || slice_is(text, "否") ? 0 : FACT_YES;
    return FACT_OK;
}

static bool are_alphanumeric(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!((bytes[i] >= '0' && bytes[i] <= '9') || (lower(bytes[i]) >= 'a' && lower(bytes[i]) <= 'z')))
            return false;
    return true;
}

static bool are_printable(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
            return false;
    return true;
}

static enum fact_verdict read_certificate(struct slice text, uint64_t packed_id, int64_t *value)
{
    struct slice number = slice_trim(text);
    if (number.length == 0)
        return FACT_VALUE_MISSING;
    if (number.length < CERTIFICATE_LENGTH || number.length > CERTIFICATE_LENGTH + CERTIFICATE_SUFFIX_MAX ||
        !are_alphanumeric(number.bytes, CERTIFICATE_LENGTH) ||
        !are_printable(number.bytes + CERTIFICATE_LENGTH, number.length - CERTIFICATE_LENGTH))
        return FACT_CERTIFICATE_FORM;
    int type = number.bytes[CERTIFICATE_ID_LENGTH] - '0';
    int grade = number.bytes[CERTIFICATE_ID_LENGTH + 1] - '0';
    if (type < 1 || type > TYPE_MAX || grade < 1 || grade > GRADE_MAX)
        return FACT_CERTIFICATE_FORM;
    uint64_t holder;
    if (resident_id_parse((struct slice){number.bytes, CERTIFICATE_ID_LENGTH}, DAY_NONE, &holder) !=
        RESIDENT_ID_OK)
        return FACT_CERTIFICATE_ID;
    if (packed_id != 0 && packed_id != holder)
        return FACT_CERTIFICATE_ID;
    *value = type * 10 + grade;
    return FACT_OK;
}

enum fact_verdict fact_value_parse(const struct fact_code *code, struct slice text, uint64_t packed_id,
                                   int64_t *value)
{
    switch (code->kind) {
    case FACT_AMOUNT:
        return read_amount(text, value);
    case FACT_YESNO:
    case FACT_EVENT:
        return read_yesno(text, value);
    case FACT_RELIEF:
        return read_relief(text, value);
    case FACT_CHOICE:
        return read_choice(code, text, value);
    case FACT_CERTIFICATE:
        return read_certificate(text, packed_id, value);
    default: /* FACT_TEXT */
        return read_text(text, value);
    }
}

const char *fact_verdict_text(enum fact_verdict verdict)
{
    static const char *const texts[] = {
        [FACT_OK] = "readable",
        [FACT_AMOUNT_UNREADABLE] =
            "the amount cannot be read (expected yuan with at most 12 digits and 2 decimals)",
        [FACT_VALUE_UNKNOWN_CODE] = "the value is none that this code can have",
        [FACT_VALUE_MISSING] = "this code must have a value",
        [FACT_CERTIFICATE_FORM] =
            "the certificate is not 20 characters that end in a type 1-7 and a grade 1-4",
        [FACT_CERTIFICATE_ID] = "the ID inside the certificate is damaged or somebody else's",
    };
    return texts[verdict];
}

/* --- writing -------------------------------------------------------------------------------------------------- */

static const char *yes_or_no(int64_t value)
{
    return value ? "是" : "否";
}

/* Composes at most `wanted` bytes; what does not fit is cut at a whole character. */
static void put(char *out, size_t size, const char *text)
{
    size_t length = utf8_cut(text, strlen(text), size - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

static void write_certificate(int64_t value, char *out, size_t size)
{
    static const char *const types[] = {"视力", "听力", "言语", "肢体", "智力", "精神", "多重"};
    static const char *const grades[] = {"一级", "二级", "三级", "四级"};
    int64_t type = value / 10, grade = value % 10;
    char text[32] = "未知";
    if (type >= 1 && type <= TYPE_MAX && grade >= 1 && grade <= GRADE_MAX)
        snprintf(text, sizeof text, "%s%s", types[type - 1], grades[grade - 1]);
    put(out, size, text);
}

static void write_amount(const char *before, int64_t fen, char *out, size_t size)
{
    char money[MONEY_TEXT_SIZE];
    char text[MONEY_TEXT_SIZE + 32];
    snprintf(text, sizeof text, "%s%s 元", before, money_format(fen, money));
    put(out, size, text);
}

const char *fact_value_format(const struct fact_code *code, int64_t value, char *out, size_t size)
{
    if (size == 0)
        return out;
    if (value == FACT_UNKNOWN)
        put(out, size, "未知");
    else if (code->kind == FACT_AMOUNT)
        write_amount("", value, out, size);
    else if (code->kind == FACT_RELIEF && value != 0 && value != FACT_YES)
        write_amount("每月 ", value, out, size);
    else if (code->kind == FACT_CERTIFICATE)
        write_certificate(value, out, size);
    else if (code->kind == FACT_CHOICE)
        put(out, size, value >= 1 && value <= code->choice_count ? code->choice_titles[value - 1] : "未知");
    else
        put(out, size, yes_or_no(value));
    return out;
}
