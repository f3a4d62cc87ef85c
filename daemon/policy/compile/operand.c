/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/operand.h"

enum domain scope_domain(enum scope scope)
{
    return scope == SCOPE_PERSON ? DOMAIN_PERSON : DOMAIN_HOUSEHOLD;
}

struct operand operand_none(void)
{
    return (struct operand){.type = OPERAND_ERROR, .reg = NO_REGISTER};
}

struct operand operand_condition(int reg, enum domain domain)
{
    return reg < 0 ? operand_none()
                   : (struct operand){.type = OPERAND_CONDITION, .reg = reg, .domain = domain};
}

struct operand operand_quantity(int reg, struct unit unit, enum domain domain)
{
    if (reg < 0)
        return operand_none();
    return (struct operand){.type = OPERAND_QUANTITY,
                            .domain = domain,
                            .quantity = {.reg = reg, .factor = fraction_of(1), .unit = unit},
                            .reg = NO_REGISTER};
}

struct operand operand_constant(struct fraction value, struct unit unit, bool bare)
{
    return (struct operand){.type = OPERAND_QUANTITY,
                            .quantity = {.constant = true, .reg = NO_REGISTER, .factor = value, .unit = unit},
                            .bare = bare,
                            .reg = NO_REGISTER};
}

const char *operand_describe(struct compiler *compiler, const struct operand *operand)
{
    bool chinese = compiler->language == LANGUAGE_CHINESE;
    if (operand->type == OPERAND_CONDITION)
        return chinese ? "条件" : "a condition";
    if (operand->type == OPERAND_CODE)
        return chinese ? "代码" : "a code";
    const char *unit = compiler_unit(compiler, operand->quantity.unit);
    return compiler_keep(compiler,
                         arena_printf(compiler->scratch, chinese ? "数量(%s)" : "a quantity (%s)", unit));
}

const char *operand_text(struct compiler *compiler, const struct expr *expr)
{
    return diagnose_slice(compiler->diagnoser,
                          (struct slice){compiler->policy->text + expr->begin, expr->end - expr->begin});
}

struct operand operand_spread(struct compiler *compiler, struct operand operand, enum scope scope,
                              struct place at)
{
    if (scope != SCOPE_PERSON || operand.type == OPERAND_ERROR || operand.domain == DOMAIN_PERSON ||
        (operand.type == OPERAND_QUANTITY && operand.quantity.constant))
        return operand;
    operand.domain = DOMAIN_PERSON;
    if (operand.type != OPERAND_QUANTITY) {
        operand.reg = emit_unary(compiler, OP_SPREAD, operand.reg, at);
        return operand;
    }
    operand.quantity.reg = emit_unary(compiler, OP_SPREAD, operand.quantity.reg, at);
    for (int i = 0; i < operand.quantity.divisor_count; i++)
        operand.quantity.divisors[i] = emit_unary(compiler, OP_SPREAD, operand.quantity.divisors[i], at);
    return operand;
}
