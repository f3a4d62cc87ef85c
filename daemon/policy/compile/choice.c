/* SPDX-License-Identifier: PostgreSQL */
/*
 * 较大(a, b), 较小(a, b), 若 condition 取 a 否则 b: two quantities of one unit, of which the result is one. Divisors are positive
 * and factors common, so that the larger of what is multiplied out is the larger.
 *
 * Intervals: the larger of [a, A] and [b, B] is [max(a, b), max(A, B)], exactly. Where the condition is undecided the result is
 * the hull of both; that the condition and the amounts may hang together is not followed up.
 */
#include "policy/compile/operand.h"

/* Both are known: so is the result, and it stays a constant. */
static struct operand constant_extreme(const struct expr *expr, struct operand a, struct operand b)
{
    bool a_larger = fraction_compare(a.quantity.factor, b.quantity.factor) >= 0;
    struct operand chosen = a_larger == (expr->kind == EXPR_LARGER) ? a : b;
    chosen.bare = a.bare && b.bare;
    return chosen;
}

struct operand choice_elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    static const enum op ops[] = {OP_LARGER, OP_SMALLER, OP_CHOOSE};
    enum op op = ops[expr->kind - EXPR_LARGER];
    int condition = op == OP_CHOOSE ? elaborate_condition(compiler, expr->c, scope) : NO_REGISTER;
    struct operand a = elaborate_quantity(compiler, expr->a, scope),
                   b = elaborate_quantity(compiler, expr->b, scope);
    if (a.type != OPERAND_QUANTITY || b.type != OPERAND_QUANTITY || (op == OP_CHOOSE && condition < 0) ||
        !quantity_reconcile(compiler, &a, &b, expr->at))
        return operand_none();
    if (op != OP_CHOOSE && a.quantity.constant && b.quantity.constant)
        return constant_extreme(expr, a, b);
    struct quantity joined;
    int l, r;
    enum domain domain = scope_domain(scope);
    if (!quantity_meet(compiler, &a, &b, domain, &joined, &l, &r, expr->at))
        return operand_none();
    joined.reg = emit_choice(compiler, op, l, r, condition, expr->at); /* within their bounds */
    return (struct operand){
        .type = OPERAND_QUANTITY, .domain = domain, .quantity = joined, .reg = NO_REGISTER};
}
