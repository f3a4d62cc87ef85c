/* SPDX-License-Identifier: PostgreSQL */
/* 亲属 and 劳动力: what the register says of a person beside the birth date. What is not given is undecided, never "no". */
#ifndef SHOUWANG_POLICY_TRAIT_H
#define SHOUWANG_POLICY_TRAIT_H

#include "policy/syntax/ast.h"

/* The value (0 to 8; 1 to 3) that the word stands for; −1 when it is none. */
int trait_value(enum trait trait, struct slice word, enum language language);
/* All of its values, as a mask. */
uint64_t trait_values(enum trait trait);
/* All words of it, for diagnostics. */
const char *trait_words(enum trait trait, enum language language);

/* The byte of a block (policy_traits) with one of the two set; value −1: not given. */
uint8_t trait_set(uint8_t traits, enum trait trait, int value);

#endif
