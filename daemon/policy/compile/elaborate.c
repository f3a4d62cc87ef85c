/* SPDX-License-Identifier: PostgreSQL */
/* Expressions → operands: names, definitions, and one function for each kind of expression. */
#include "policy/compile/gradual.h"
#include "policy/compile/operand.h"
#include "policy/syntax/trait.h"

/* --- names -------------------------------------------------------------------------------------------------------- */

static struct operand check_declared_unit(struct compiler *compiler, const struct definition *d,
                                          struct operand operand)
{
    if (operand.type != OPERAND_QUANTITY)
        return operand;
    if (operand.bare && !quantity_adopt(compiler, &operand, d->unit, d->at))
        return operand_none();
    if (unit_equal(operand.quantity.unit, d->unit))
        return operand;
    return compiler_refuse(compiler, d->at, MESSAGE_UNIT_DECLARED,
                           diagnose_slice(compiler->diagnoser, d->name), compiler_unit(compiler, d->unit),
                           compiler_unit(compiler, operand.quantity.unit));
}

struct operand elaborate_definition(struct compiler *compiler, struct symbol *symbol, enum scope scope,
                                    struct place at)
{
    const struct definition *d = symbol->definition;
    if (d->kind == KW_PERSON_DEF && scope == SCOPE_HOUSEHOLD)
        return compiler_refuse(compiler, at, MESSAGE_PERSON_ONLY,
                               diagnose_slice(compiler->diagnoser, d->name), NULL, NULL);
    enum scope body = d->kind == KW_PERSON_DEF ? scope : SCOPE_HOUSEHOLD;
    if (!symbol->done[body]) {
        bool level = compiler->level_allowed;
        compiler->level_allowed = false;
        symbol->done[body] = true;
        symbol->busy = true;
        struct operand operand;
        if (d->kind == KW_AMOUNT_DEF)
            operand = check_declared_unit(compiler, d, elaborate_quantity(compiler, d->value, body));
        else if (d->kind == KW_GRADUAL)
            operand = gradual_elaborate(compiler, d);
        else
            operand = operand_condition(elaborate_condition(compiler, d->value, body), scope_domain(body));
        symbol->operands[body] = operand;
        symbol->busy = false;
        compiler->level_allowed = level;
    }
    return operand_spread(compiler, symbol->operands[body], scope, at);
}

/* The value in force on the evaluation date. */
static struct operand standard_value(struct compiler *compiler, const struct symbol *symbol, enum scope scope,
                                     struct place at)
{
    if (symbol->index < 0)
        return operand_none();
    int reg = emit_standard(compiler, symbol->index, -1, 0, at);
    struct operand operand = operand_quantity(reg, symbol->definition->unit, DOMAIN_HOUSEHOLD);
    operand.quantity.factor.den = compiler->program->standards[symbol->index].denominator;
    return operand_spread(compiler, operand, scope, at);
}

static struct operand name_value(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct symbol *symbol = declare_find(compiler, expr->name, expr->at);
    if (symbol == NULL)
        return operand_none();
    const char *name = diagnose_slice(compiler->diagnoser, expr->name);
    if (definition_is_dated(symbol->definition))
        return standard_value(compiler, symbol, scope, expr->at);
    switch (symbol->definition->kind) {
    case KW_SETTING:
        return symbol->operands[scope];
    case KW_PERSON_DEF:
    case KW_CONDITION_DEF:
    case KW_AMOUNT_DEF:
    case KW_GRADUAL:
    case KW_STATISTIC:
        return elaborate_definition(compiler, symbol, scope, expr->at);
    case KW_FACT:
        return compiler_refuse(compiler, expr->at,
                               symbol->definition->fact_kind == WORD_NONE ? MESSAGE_WINDOW_NEEDED
                                                                          : MESSAGE_VERB_NEEDED,
                               name, NULL, NULL);
    default:
        return compiler_refuse(
            compiler, expr->at, MESSAGE_KIND_WRONG, name, compiler_kind(compiler, symbol->definition->kind),
            compiler->language == LANGUAGE_CHINESE ? "数量或条件" : "a quantity or a condition");
    }
}

/* --- other values --------------------------------------------------------------------------------------------------- */

static struct operand number_value(struct compiler *compiler, const struct expr *expr)
{
    struct operand operand = operand_constant(expr->number, unit_none(), true);
    if (!expr->has_unit)
        return operand;
    quantity_adopt(compiler, &operand, expr->unit, expr->at); /* what can be written fits */
    if (expr->unit.exponent[UNIT_YUAN] == 1 && operand.quantity.factor.den != 1)
        return compiler_refuse(compiler, expr->at, MESSAGE_FEN, operand_text(compiler, expr), NULL, NULL);
    if (expr->unit.exponent[UNIT_AGE] != 0 && fraction_compare(expr->number, fraction_of(150)) > 0)
        return compiler_refuse(compiler, expr->at, MESSAGE_AGE_RANGE, NULL, NULL, NULL);
    return operand;
}

/* 申报(condition, range, amount): unless the condition is true, the amount may be higher by the range. */
static struct operand declared_value(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    int known = elaborate_condition(compiler, expr->a, scope);
    struct operand range = elaborate_quantity(compiler, expr->b, scope),
                   amount = elaborate_quantity(compiler, expr->c, scope);
    if (known < 0 || range.type != OPERAND_QUANTITY || amount.type != OPERAND_QUANTITY)
        return operand_none();
    bool fits = range.quantity.constant && !range.bare && range.quantity.factor.num >= 0 &&
                (unit_equal(range.quantity.unit, unit_of(UNIT_YUAN)) ||
                 unit_equal(range.quantity.unit, amount.quantity.unit));
    if (!fits)
        return compiler_refuse(compiler, expr->b->at, MESSAGE_UNDECLARED_AMOUNT, NULL, NULL, NULL);
    if (amount.quantity.constant || amount.quantity.divisor_count > 0)
        return compiler_refuse(compiler, expr->c->at,
                               amount.quantity.constant ? MESSAGE_DECLARED_CONSTANT
                                                        : MESSAGE_DECLARED_QUOTIENT,
                               operand_text(compiler, expr->c), NULL, NULL);
    if (range.quantity.factor.den != 1)
        return compiler_refuse(compiler, expr->b->at, MESSAGE_FEN, operand_text(compiler, expr->b), NULL,
                               NULL);
    struct fraction scaled;
    int64_t denominator = amount.quantity.factor.den;
    if (!fraction_multiply(range.quantity.factor, fraction_of(denominator), &scaled))
        return quantity_overflows(compiler, expr->at), operand_none();
    int reg = emit_scale(compiler, amount.quantity.reg, amount.quantity.factor.num, expr->at);
    amount.quantity.reg = emit_widen(compiler, reg, known, scaled.num, expr->at);
    amount.quantity.factor = (struct fraction){1, denominator};
    return amount.quantity.reg < 0 ? operand_none() : amount;
}

static struct operand has_unknown(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand amount = elaborate_quantity(compiler, expr->a, scope);
    if (amount.type != OPERAND_QUANTITY)
        return operand_none();
    if (amount.quantity.constant || amount.quantity.factor.num == 0)
        return operand_condition(
            emit_nullary(compiler, OP_TRUTH, scope_domain(scope), SETTLED_FALSE, expr->at),
            scope_domain(scope));
    return operand_condition(emit_unary(compiler, OP_UNKNOWN, amount.quantity.reg, expr->at), amount.domain);
}

static struct operand area_value(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    int urban = emit_nullary(compiler, OP_URBAN, DOMAIN_HOUSEHOLD, 0, expr->at);
    int reg = expr->kind == EXPR_URBAN ? urban : emit_unary(compiler, OP_NOT, urban, expr->at);
    return operand_spread(compiler, operand_condition(reg, DOMAIN_HOUSEHOLD), scope, expr->at);
}

static struct operand compare(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    if (expr->a->kind == EXPR_KINSHIP || expr->a->kind == EXPR_LABOUR)
        return trait_elaborate(compiler, expr, scope);
    struct operand a = elaborate(compiler, expr->a, scope);
    if (a.type == OPERAND_CODE)
        return code_compare(compiler, expr, a);
    if (a.type == OPERAND_CONDITION && expr->a->kind == EXPR_FACT && expr->a->verb == KW_CURRENT)
        return compiler_refuse(compiler, expr->a->at, MESSAGE_CURRENT_COMPARED,
                               compiler_text(compiler, expr->a),
                               diagnose_slice(compiler->diagnoser, expr->a->name), NULL);
    if (a.type == OPERAND_CONDITION)
        return compiler_refuse(compiler, expr->a->at, MESSAGE_AMOUNT_NEEDED, operand_describe(compiler, &a),
                               NULL, NULL);
    struct operand b = elaborate_quantity(compiler, expr->b, scope);
    if (a.type != OPERAND_QUANTITY || b.type != OPERAND_QUANTITY)
        return operand_none();
    return comparison_elaborate(compiler, expr, a, b, scope);
}

static struct operand logic(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    int a = elaborate_condition(compiler, expr->a, scope);
    if (expr->kind == EXPR_NOT)
        return operand_condition(emit_unary(compiler, OP_NOT, a, expr->at), scope_domain(scope));
    int b = elaborate_condition(compiler, expr->b, scope);
    return operand_condition(emit_binary(compiler, expr->kind == EXPR_AND ? OP_AND : OP_OR, a, b, expr->at),
                             scope_domain(scope));
}

static struct operand age_value(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    if (scope != SCOPE_PERSON)
        return compiler_refuse(compiler, expr->at, MESSAGE_PERSON_ONLY,
                               keyword_text(KW_AGE, compiler->language), NULL, NULL);
    return operand_quantity(emit_nullary(compiler, OP_AGE, DOMAIN_PERSON, 0, expr->at), unit_of(UNIT_AGE),
                            DOMAIN_PERSON);
}

static struct operand elaborate_kind(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    switch (expr->kind) {
    case EXPR_NUMBER:
        return number_value(compiler, expr);
    case EXPR_NAME:
        return name_value(compiler, expr, scope);
    case EXPR_FACT:
        return phrase_elaborate(compiler, expr, scope, 0);
    case EXPR_ADD:
    case EXPR_SUBTRACT:
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
        return quantity_arithmetic(compiler, expr, scope);
    case EXPR_COMPARE:
        return compare(compiler, expr, scope);
    case EXPR_IN:
        return code_in_list(compiler, expr, scope);
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
        return logic(compiler, expr, scope);
    case EXPR_AGGREGATE:
        return operand_spread(compiler, aggregate_elaborate(compiler, expr), scope, expr->at);
    case EXPR_DECLARED:
        return declared_value(compiler, expr, scope);
    case EXPR_LARGER:
    case EXPR_SMALLER:
    case EXPR_IF:
        return choice_elaborate(compiler, expr, scope);
    case EXPR_HAS_UNKNOWN:
        return has_unknown(compiler, expr, scope);
    case EXPR_UNDECIDED:
        return operand_condition(emit_nullary(compiler, OP_TRUTH, scope_domain(scope), UNSETTLED, expr->at),
                                 scope_domain(scope));
    case EXPR_RURAL:
    case EXPR_URBAN:
        return area_value(compiler, expr, scope);
    case EXPR_AGE:
        return age_value(compiler, expr, scope);
    case EXPR_KINSHIP:
    case EXPR_LABOUR:
        return compiler_refuse(
            compiler, expr->at, MESSAGE_TRAIT_COMPARE,
            keyword_text(expr->kind == EXPR_KINSHIP ? KW_KINSHIP : KW_LABOUR, compiler->language),
            trait_words(expr->kind == EXPR_KINSHIP ? TRAIT_KINSHIP : TRAIT_LABOUR, compiler->language), NULL);
    case EXPR_LEVEL:
        return compiler_refuse(compiler, expr->at, MESSAGE_LEVEL_PLACE, NULL, NULL, NULL);
    default: /* EXPR_YES, EXPR_NO */
        return compiler_refuse(compiler, expr->at, MESSAGE_VALUE_EXPECTED,
                               diagnose_quoted(compiler->diagnoser, slice_of(operand_text(compiler, expr))),
                               NULL, NULL);
    }
}

struct operand elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    if (expr == NULL || compiler->failed || compiler->full)
        return operand_none();
    if (compiler->depth == ELABORATE_DEPTH_MAX)
        return compiler_refuse(compiler, expr->at, MESSAGE_TOO_DEEP,
                               diagnose_number(compiler->diagnoser, ELABORATE_DEPTH_MAX), NULL, NULL);
    compiler->depth++;
    struct operand operand = elaborate_kind(compiler, expr, scope);
    compiler->depth--;
    return operand;
}

int elaborate_condition(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand operand = elaborate(compiler, expr, scope);
    if (operand.type == OPERAND_CONDITION)
        return operand.reg;
    if (operand.type == OPERAND_CODE)
        diagnose(compiler->diagnoser, expr->at, MESSAGE_LATEST_COMPARE,
                 compiler->program->facts[operand.fact].name, NULL, NULL);
    else if (operand.type == OPERAND_QUANTITY)
        diagnose(compiler->diagnoser, expr->at, MESSAGE_CONDITION_NEEDED,
                 operand_describe(compiler, &operand), NULL, NULL);
    return NO_REGISTER;
}

struct operand elaborate_quantity(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand operand = elaborate(compiler, expr, scope);
    if (operand.type == OPERAND_QUANTITY || operand.type == OPERAND_ERROR)
        return operand;
    return compiler_refuse(compiler, expr->at, MESSAGE_AMOUNT_NEEDED, operand_describe(compiler, &operand),
                           NULL, NULL);
}

bool elaborate_constant(struct compiler *compiler, const struct expr *expr, struct unit unit,
                        struct fraction *value)
{
    struct operand operand = elaborate_quantity(compiler, expr, SCOPE_HOUSEHOLD);
    if (operand.type != OPERAND_QUANTITY)
        return false;
    if (!operand.quantity.constant) {
        diagnose(compiler->diagnoser, expr->at, MESSAGE_CONSTANT_NEEDED, NULL, NULL, NULL);
        return false;
    }
    if (operand.bare && !quantity_adopt(compiler, &operand, unit, expr->at))
        return false;
    if (!unit_equal(operand.quantity.unit, unit)) {
        diagnose(compiler->diagnoser, expr->at, MESSAGE_UNITS_DIFFER, compiler_unit(compiler, unit),
                 compiler_unit(compiler, operand.quantity.unit), "");
        return false;
    }
    if (unit.exponent[UNIT_YUAN] == 1 && operand.quantity.factor.den != 1) {
        diagnose(compiler->diagnoser, expr->at, MESSAGE_FEN, operand_text(compiler, expr), NULL, NULL);
        return false;
    }
    *value = operand.quantity.factor;
    return true;
}
