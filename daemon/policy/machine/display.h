/* SPDX-License-Identifier: PostgreSQL */
/* Quantities of a frame as people read them: divided out, rounded, with their unit. For explanations and tests. */
#ifndef SHOUWANG_POLICY_DISPLAY_H
#define SHOUWANG_POLICY_DISPLAY_H

#include "policy/machine/machine.h"

struct interval {
    int64_t low, high;
};

/* The integer side of a comparison. */
struct interval display_side(const struct frame *frame, int reg, int64_t constant, size_t row);
/* left − right in the unit of the comparison's left side, rounded away from zero. */
struct interval display_distance(const struct frame *frame, const struct comparison *comparison,
                                 struct interval left, struct interval right, size_t row);
/* Rounded toward zero; the unit's text lives in the arena and is NULL when memory has run out. */
struct policy_value display_quantity(const struct frame *frame, const struct quantity *quantity, size_t row,
                                     enum language language, struct arena *arena);
/* 4829.99元, 4829.99元以上, 不明, 3人. */
void display_amount(const struct frame *frame, const struct quantity *quantity, size_t row,
                    enum language language, struct text *out);
/* The value of a code column: C级, 是, 5. */
void display_code(const struct program *program, int fact, uint8_t code, enum language language,
                  struct text *out);

#endif
