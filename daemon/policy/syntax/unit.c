/* SPDX-License-Identifier: PostgreSQL */
#include "policy/syntax/unit.h"

#include <string.h>

static const enum word base_words[UNIT_BASE_COUNT] = {
    [UNIT_YUAN] = WORD_YUAN,     [UNIT_MONTH] = WORD_MONTH,         [UNIT_YEAR] = WORD_YEAR,
    [UNIT_PERSON] = WORD_PERSON, [UNIT_HOUSEHOLD] = WORD_HOUSEHOLD, [UNIT_AGE] = WORD_AGE_YEARS,
    [UNIT_DAY] = WORD_DAY,
};

struct unit unit_none(void)
{
    return (struct unit){{0}};
}

struct unit unit_of(enum unit_base base)
{
    struct unit unit = {{0}};
    unit.exponent[base] = 1;
    return unit;
}

struct unit unit_people(void)
{
    return unit_divide(unit_of(UNIT_PERSON), unit_of(UNIT_HOUSEHOLD));
}

/* Exponents stay within ±100 whatever a file multiplies; a unit that far out matches no declared one. */
static int8_t clamp(int exponent)
{
    if (exponent > 100)
        return 100;
    return (int8_t)(exponent < -100 ? -100 : exponent);
}

struct unit unit_multiply(struct unit a, struct unit b)
{
    for (int i = 0; i < UNIT_BASE_COUNT; i++)
        a.exponent[i] = clamp(a.exponent[i] + b.exponent[i]);
    return a;
}

struct unit unit_divide(struct unit a, struct unit b)
{
    for (int i = 0; i < UNIT_BASE_COUNT; i++)
        a.exponent[i] = clamp(a.exponent[i] - b.exponent[i]);
    return a;
}

bool unit_equal(struct unit a, struct unit b)
{
    return memcmp(a.exponent, b.exponent, sizeof a.exponent) == 0;
}

bool unit_is_none(struct unit a)
{
    return unit_equal(a, unit_none());
}

bool unit_word(struct slice word, enum language language, bool numerator, struct unit *unit)
{
    if (word_is(word, WORD_RATIO, language)) {
        *unit = unit_none();
        return true;
    }
    for (int i = 0; i < UNIT_BASE_COUNT; i++) {
        if (word_is(word, base_words[i], language)) {
            *unit = numerator && i == UNIT_PERSON ? unit_people() : unit_of((enum unit_base)i);
            return true;
        }
    }
    return false;
}

static void append(char out[UNIT_TEXT_SIZE], const char *text)
{
    size_t used = strlen(out), length = strlen(text), room = UNIT_TEXT_SIZE - 1 - used;
    size_t taken = length < room ? length : room;
    memcpy(out + used, text, taken);
    out[used + taken] = '\0';
}

const char *unit_format(struct unit unit, enum language language, char out[UNIT_TEXT_SIZE])
{
    out[0] = '\0';
    if (unit.exponent[UNIT_PERSON] > 0 && unit.exponent[UNIT_HOUSEHOLD] < 0)
        unit.exponent[UNIT_HOUSEHOLD]++; /* the other half of 人 */
    for (int i = 0; i < UNIT_BASE_COUNT; i++) {
        for (int n = 0; n < unit.exponent[i] && n < 4; n++) {
            append(out, out[0] != '\0' ? "×" : "");
            append(out, word_text(base_words[i], language));
        }
    }
    if (out[0] == '\0')
        append(out, unit_is_none(unit) ? word_text(WORD_RATIO, language) : "1");
    for (int i = 0; i < UNIT_BASE_COUNT; i++) {
        for (int n = 0; n < -unit.exponent[i] && n < 4; n++) {
            append(out, "/");
            append(out, word_text(base_words[i], language));
        }
    }
    return out;
}
