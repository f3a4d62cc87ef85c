/* SPDX-License-Identifier: PostgreSQL */
/* Comparisons as intervals: a quantity against a multiple of another that is never negative, or against a constant. */
#ifndef SHOUWANG_POLICY_LIMIT_H
#define SHOUWANG_POLICY_LIMIT_H

#include "policy/compile/compiler.h"

/* From one comparison (a register, or its opposite) the other follows. False also of what are no comparisons. */
bool limit_follows(const struct program *program, int from, bool from_negated, int to, bool to_negated);
/* Both compare one quantity, with multiples of the same or with constants. */
bool limit_same_quantity(const struct program *program, int x, int y);

#endif
