/* SPDX-License-Identifier: PostgreSQL */
/*
 * Operands: what an expression has become. The files that elaborate expressions share these.
 *
 * operand.c      making, describing and spreading operands
 * quantity.c     exact forms, units and arithmetic
 * comparison.c   comparisons of quantities
 * code.c         choices, yes and no, grades, levels
 * phrase.c       facts in windows
 */
#ifndef SHOUWANG_POLICY_OPERAND_H
#define SHOUWANG_POLICY_OPERAND_H

#include "policy/compile/compiler.h"

/* --- operand.c ---------------------------------------------------------------------------------------------------- */

struct operand operand_none(void); /* what silences all that follows from a mistake */
/* reg NO_REGISTER gives operand_none. */
struct operand operand_condition(int reg, enum domain domain);
struct operand operand_quantity(int reg, struct unit unit, enum domain domain);
struct operand operand_constant(struct fraction value, struct unit unit, bool bare);
const char *operand_describe(struct compiler *compiler, const struct operand *operand);
/* The expression as written, for diagnostics. */
const char *operand_text(struct compiler *compiler, const struct expr *expr);
/* Makes an operand of a household one of its persons. */
struct operand operand_spread(struct compiler *compiler, struct operand operand, enum scope scope,
                              struct place at);

/* --- quantity.c --------------------------------------------------------------------------------------------------- */

/* A side as an integer: a register, or a constant. */
struct side {
    bool constant;
    int64_t k; /* the constant, or the factor of the register */
    int reg;
};

/* Diagnoses; always false. */
bool quantity_overflows(struct compiler *compiler, struct place at);
/* A number without a unit takes one: yuan become fen. */
bool quantity_adopt(struct compiler *compiler, struct operand *operand, struct unit unit, struct place at);
/* Both sides must have one unit; zero has every unit. */
bool quantity_reconcile(struct compiler *compiler, struct operand *a, struct operand *b, struct place at);
/* Gives a constant a register, so that it can be multiplied by one. The factor's denominator stays. */
void quantity_materialise(struct compiler *compiler, struct quantity *q, enum domain domain, struct place at);
/* Brings a and b to a common denominator; their integers are `left` and `right`. */
bool quantity_align(struct compiler *compiler, struct quantity *a, struct quantity *b, struct side *left,
                    struct side *right, int64_t *denominator, struct place at);
/* The divisors of both: for each the greater number of times. */
bool quantity_join_divisors(struct compiler *compiler, const struct quantity *a, const struct quantity *b,
                            struct quantity *joined, struct place at);
/* Brings both, of one unit, to what can be added, compared, chosen from: registers l and r of one factor and the same divisors,
 * which are those of `joined`; its register is the caller's to set. */
bool quantity_meet(struct compiler *compiler, struct operand *a, struct operand *b, enum domain domain,
                   struct quantity *joined, int *l, int *r, struct place at);
struct operand quantity_add(struct compiler *compiler, struct operand a, struct operand b, bool subtract,
                            struct place at);
struct operand quantity_arithmetic(struct compiler *compiler, const struct expr *expr, enum scope scope);

/* --- comparison.c ------------------------------------------------------------------------------------------------- */

struct relation {
    enum op op;
    bool negated;
};

/* a > b is not a ≤ b: so a comparison and its opposite share a step, and a contradiction shows. */
struct relation comparison_relation(int symbol);
struct operand comparison_elaborate(struct compiler *compiler, const struct expr *expr, struct operand a,
                                    struct operand b, enum scope scope);

/* --- code.c ------------------------------------------------------------------------------------------------------- */

struct operand code_compare(struct compiler *compiler, const struct expr *expr, struct operand code);
struct operand code_in_list(struct compiler *compiler, const struct expr *expr, enum scope scope);

/* --- trait_condition.c -------------------------------------------------------------------------------------------- */

/* 亲属 属于 (配偶, 子), 劳动力 = 无 */
struct operand trait_elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope);

/* --- phrase.c ----------------------------------------------------------------------------------------------------- */

/* mask: the values that 现有 … 属于 lists; 0 for any but no. */
struct operand phrase_elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope,
                                uint64_t mask);

#endif
