/* SPDX-License-Identifier: PostgreSQL */
/* Comparisons of quantities: which integers are compared, and what the explanation keeps of it. */
#include "policy/compile/operand.h"
#include "policy/syntax/lexer.h"

#include <string.h>

static struct comparison *add_comparison(struct compiler *compiler)
{
    struct program *program = compiler->program;
    if (program->comparison_count == compiler->comparison_capacity) {
        size_t capacity = compiler->comparison_capacity == 0 ? 64 : compiler->comparison_capacity * 2;
        struct comparison *grown = compiler_alloc(compiler, capacity, sizeof *grown);
        if (grown == NULL)
            return NULL;
        if (program->comparison_count > 0)
            memcpy(grown, program->comparisons, program->comparison_count * sizeof *grown);
        program->comparisons = grown;
        compiler->comparison_capacity = capacity;
    }
    return &program->comparisons[program->comparison_count++];
}

/* a > b is not a ≤ b: so a comparison and its opposite share a step, and a contradiction shows. */
struct relation comparison_relation(int symbol)
{
    switch (symbol) {
    case SYMBOL_LESS:
        return (struct relation){OP_LESS, false};
    case SYMBOL_LESS_EQUAL:
        return (struct relation){OP_LESS_EQUAL, false};
    case SYMBOL_GREATER:
        return (struct relation){OP_LESS_EQUAL, true};
    case SYMBOL_GREATER_EQUAL:
        return (struct relation){OP_LESS, true};
    case SYMBOL_NOT_EQUAL:
        return (struct relation){OP_EQUAL, true};
    default:
        return (struct relation){OP_EQUAL, false};
    }
}

/* Left and right integers → tri; the register of smaller number stands left, a constant right. */
static int emit_relation(struct compiler *compiler, struct relation relation, int l, int64_t lk, int r,
                         int64_t rk, struct place at)
{
    if (l < 0 || (r >= 0 && r < l)) {
        int reg = l;
        int64_t k = lk;
        l = r;
        r = reg;
        rk = k;
        if (relation.op != OP_EQUAL) { /* a < b is not b ≤ a */
            relation.op = relation.op == OP_LESS ? OP_LESS_EQUAL : OP_LESS;
            relation.negated = !relation.negated;
        }
    }
    int reg = emit_compare(compiler, relation.op, l, r, rk, at);
    return relation.negated ? emit_unary(compiler, OP_NOT, reg, at) : reg;
}

/* The constants' values are known: true or false for good. */
static int constant_relation(struct compiler *compiler, struct relation relation, struct fraction a,
                             struct fraction b, enum domain domain, struct place at)
{
    int order = fraction_compare(a, b);
    bool holds = relation.op == OP_LESS ? order < 0 : relation.op == OP_LESS_EQUAL ? order <= 0 : order == 0;
    return emit_nullary(compiler, OP_TRUTH, domain, holds != relation.negated ? SETTLED_TRUE : SETTLED_FALSE,
                        at);
}

/* Removes what both sides have in common, so that the integers stay small. */
static int64_t reduce(struct side *left, struct side *right)
{
    int64_t divisor = fraction_gcd(left->k, right->k);
    left->k /= divisor;
    right->k /= divisor;
    return divisor;
}

struct operand comparison_elaborate(struct compiler *compiler, const struct expr *expr, struct operand a,
                                    struct operand b, enum scope scope)
{
    struct relation relation = comparison_relation(expr->symbol);
    enum domain domain = scope_domain(scope);
    if (!quantity_reconcile(compiler, &a, &b, expr->at))
        return operand_none();
    if (a.quantity.constant && b.quantity.constant)
        return operand_condition(
            constant_relation(compiler, relation, a.quantity.factor, b.quantity.factor, domain, expr->at),
            domain);
    struct comparison kept = {.expr = expr, .domain = domain, .left = a.quantity, .right = b.quantity};
    struct quantity joined;
    struct side left, right;
    int64_t denominator;
    if (!quantity_join_divisors(compiler, &a.quantity, &b.quantity, &joined, expr->at) ||
        !quantity_align(compiler, &a.quantity, &b.quantity, &left, &right, &denominator, expr->at))
        return operand_none();
    kept.factor = (struct fraction){reduce(&left, &right), denominator};
    kept.divisor_count = joined.divisor_count;
    memcpy(kept.divisors, joined.divisors, sizeof joined.divisors);
    kept.left_reg = left.constant ? NO_REGISTER : emit_scale(compiler, left.reg, left.k, expr->at);
    kept.right_reg = right.constant ? NO_REGISTER : emit_scale(compiler, right.reg, right.k, expr->at);
    kept.left_constant = left.k;
    kept.right_constant = right.k;
    if ((!left.constant && kept.left_reg < 0) || (!right.constant && kept.right_reg < 0))
        return operand_none();
    kept.reg = emit_relation(compiler, relation, kept.left_reg, left.k, kept.right_reg, right.k, expr->at);
    struct comparison *comparison = add_comparison(compiler);
    if (comparison != NULL)
        *comparison = kept;
    return operand_condition(kept.reg, domain);
}
