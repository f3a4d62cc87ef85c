/* SPDX-License-Identifier: PostgreSQL */
/*
 * Units as vectors of exponents: 元/年/人 is yuan¹ year⁻¹ person⁻¹. Two units are the same or they are not;
 * nothing converts by itself. A month becomes a year only by an explicit factor in 月/年 (12月/年).
 *
 * Standing first, 人 counts persons of a household: its vector is person¹ household⁻¹. So 元/年/户 ÷ 人 =
 * 元/年/人, and 元/年/人 × 人 = 元/年/户, and a sum over persons turns /人 into /户.
 *
 * The machine's integers are fen for yuan; everything else counts in the unit itself.
 */
#ifndef SHOUWANG_POLICY_UNIT_H
#define SHOUWANG_POLICY_UNIT_H

#include "policy/syntax/keywords.h"

#include <stdint.h>

enum unit_base {
    UNIT_YUAN,
    UNIT_MONTH,
    UNIT_YEAR,
    UNIT_PERSON,
    UNIT_HOUSEHOLD,
    UNIT_AGE,
    UNIT_DAY,
    UNIT_BASE_COUNT
};

struct unit {
    int8_t exponent[UNIT_BASE_COUNT];
};

enum { UNIT_TEXT_SIZE = 96 };

struct unit unit_none(void); /* 比 */
struct unit unit_of(enum unit_base base);
struct unit unit_people(void); /* 人 as a count of a household's persons */
struct unit unit_multiply(struct unit a, struct unit b);
struct unit unit_divide(struct unit a, struct unit b);
bool unit_equal(struct unit a, struct unit b);
bool unit_is_none(struct unit a);

/* Reads one word of a unit ("元"); as a numerator 人 means persons of a household. False when it is no unit.
 */
bool unit_word(struct slice word, enum language language, bool numerator, struct unit *unit);
/* "元/年/人"; returns out. */
const char *unit_format(struct unit unit, enum language language, char out[UNIT_TEXT_SIZE]);

#endif
