/* SPDX-License-Identifier: PostgreSQL */
/*
 * Quantities: a register × an exact fraction ÷ registers that are proven positive, in exact units.
 *
 * Adding and comparing bring both sides to one denominator by multiplying; so the machine adds and compares integers, and
 * I/n < 1.5·L becomes 2·I < 3·L·n.
 */
#include "policy/compile/operand.h"

#include <string.h>

bool quantity_overflows(struct compiler *compiler, struct place at)
{
    diagnose(compiler->diagnoser, at, MESSAGE_OVERFLOW, NULL, NULL, NULL);
    return false;
}

static int count_divisor(const struct quantity *quantity, int divisor)
{
    int count = 0;
    for (int i = 0; i < quantity->divisor_count; i++)
        count += quantity->divisors[i] == divisor;
    return count;
}

void quantity_materialise(struct compiler *compiler, struct quantity *q, enum domain domain, struct place at)
{
    if (!q->constant)
        return;
    q->reg = emit_nullary(compiler, OP_CONSTANT, domain, q->factor.num, at);
    q->factor.num = 1;
    q->constant = false;
}

/* Multiplies `q` by those divisors of `other` that it does not have itself: they cancel on the other side. */
static bool multiply_out(struct compiler *compiler, struct quantity *q, const struct quantity *other,
                         struct place at)
{
    for (int i = 0; i < other->divisor_count; i++) {
        int divisor = other->divisors[i], earlier = 0;
        for (int j = 0; j < i; j++)
            earlier += other->divisors[j] == divisor;
        if (earlier < count_divisor(q, divisor))
            continue;
        if (q->constant) { /* a constant times a register is the register with that factor */
            q->constant = false;
            q->reg = divisor;
            continue;
        }
        if ((q->reg = emit_binary(compiler, OP_MULTIPLY, q->reg, divisor, at)) < 0)
            return false;
    }
    return true;
}

/* What both sides are multiplied by, when it leaves int64 the ranges are absurd. */
static bool make_side(const struct quantity *q, int64_t denominator, struct side *side)
{
    wide_t k = (wide_t)q->factor.num * (denominator / q->factor.den);
    if (!wide_fits(k))
        return false;
    *side = (struct side){.constant = q->constant, .k = (int64_t)k, .reg = q->reg};
    return true;
}

/* Brings a and b to a common denominator; their integers are `left` and `right`. */
bool quantity_align(struct compiler *compiler, struct quantity *a, struct quantity *b, struct side *left,
                    struct side *right, int64_t *denominator, struct place at)
{
    struct quantity a_before = *a;
    if (!multiply_out(compiler, a, b, at) || !multiply_out(compiler, b, &a_before, at))
        return false;
    wide_t common = (wide_t)a->factor.den / fraction_gcd(a->factor.den, b->factor.den) * b->factor.den;
    if (!wide_fits(common) || !make_side(a, (int64_t)common, left) || !make_side(b, (int64_t)common, right))
        return quantity_overflows(compiler, at);
    *denominator = (int64_t)common;
    return true;
}

/* The divisors of both: for each the greater number of times. */
bool quantity_join_divisors(struct compiler *compiler, const struct quantity *a, const struct quantity *b,
                            struct quantity *joined, struct place at)
{
    joined->divisor_count = a->divisor_count;
    memcpy(joined->divisors, a->divisors, sizeof a->divisors);
    for (int i = 0; i < b->divisor_count; i++) {
        int times = 0;
        for (int j = 0; j <= i; j++)
            times += b->divisors[j] == b->divisors[i];
        if (times <= count_divisor(a, b->divisors[i]))
            continue;
        if (joined->divisor_count == QUANTITY_DIVISORS_MAX) {
            diagnose(compiler->diagnoser, at, MESSAGE_DIVISORS, NULL, NULL, NULL);
            return false;
        }
        joined->divisors[joined->divisor_count++] = b->divisors[i];
    }
    return true;
}

static int side_register(struct compiler *compiler, struct side side, enum domain domain, struct place at)
{
    if (side.constant)
        return emit_nullary(compiler, OP_CONSTANT, domain, side.k, at);
    return emit_scale(compiler, side.reg, side.k, at);
}

/* --- units -------------------------------------------------------------------------------------------------------- */

/* A number without a unit takes a unit: yuan become fen. */
bool quantity_adopt(struct compiler *compiler, struct operand *operand, struct unit unit, struct place at)
{
    enum { FEN_PER_YUAN = 100 };
    for (int i = 0; i < unit.exponent[UNIT_YUAN]; i++) {
        if (!fraction_multiply(operand->quantity.factor, fraction_of(FEN_PER_YUAN),
                               &operand->quantity.factor))
            return quantity_overflows(compiler, at);
    }
    operand->quantity.unit = unit;
    operand->bare = false;
    return true;
}

/* Of a bare number. */
static bool is_zero(const struct operand *operand)
{
    return operand->quantity.factor.num == 0;
}

/* Both sides must have one unit; zero has every unit. */
bool quantity_reconcile(struct compiler *compiler, struct operand *a, struct operand *b, struct place at)
{
    if (unit_equal(a->quantity.unit, b->quantity.unit))
        return true;
    if (a->bare && is_zero(a))
        return quantity_adopt(compiler, a, b->quantity.unit, at);
    if (b->bare && is_zero(b))
        return quantity_adopt(compiler, b, a->quantity.unit, at);
    const struct operand *number = a->bare ? a : b, *other = a->bare ? b : a;
    if (number->bare) {
        const struct fraction value = number->quantity.factor;
        const char *shown = value.den == 1 ? diagnose_number(compiler->diagnoser, value.num)
                                           : arena_printf(compiler->scratch, "%lld/%lld",
                                                          (long long)value.num, (long long)value.den);
        diagnose(compiler->diagnoser, at, MESSAGE_NUMBER_NEEDS_UNIT, shown,
                 compiler_unit(compiler, other->quantity.unit), NULL);
        return false;
    }
    struct unit ratio = unit_divide(a->quantity.unit, b->quantity.unit);
    bool month_year =
        ratio.exponent[UNIT_MONTH] != 0 && ratio.exponent[UNIT_MONTH] == -ratio.exponent[UNIT_YEAR];
    const char *mend = !month_year                              ? ""
                       : compiler->language == LANGUAGE_CHINESE ? ";月与年要写明换算,如 12月/年 × …"
                                                                : "; convert explicitly: 12month/year * …";
    diagnose(compiler->diagnoser, at, MESSAGE_UNITS_DIFFER, compiler_unit(compiler, a->quantity.unit),
             compiler_unit(compiler, b->quantity.unit), mend);
    return false;
}

/* --- arithmetic --------------------------------------------------------------------------------------------------- */

static enum domain common_domain(const struct operand *a, const struct operand *b)
{
    return a->quantity.constant ? b->domain : a->domain;
}

bool quantity_meet(struct compiler *compiler, struct operand *a, struct operand *b, enum domain domain,
                   struct quantity *joined, int *l, int *r, struct place at)
{
    struct side left, right;
    int64_t denominator;
    *joined = (struct quantity){.reg = NO_REGISTER, .unit = a->quantity.unit};
    if (!quantity_join_divisors(compiler, &a->quantity, &b->quantity, joined, at) ||
        !quantity_align(compiler, &a->quantity, &b->quantity, &left, &right, &denominator, at))
        return false;
    *l = side_register(compiler, left, domain, at);
    *r = side_register(compiler, right, domain, at);
    joined->factor = (struct fraction){1, denominator};
    return *l >= 0 && *r >= 0;
}

struct operand quantity_add(struct compiler *compiler, struct operand a, struct operand b, bool subtract,
                            struct place at)
{
    if (a.type != OPERAND_QUANTITY || b.type != OPERAND_QUANTITY || !quantity_reconcile(compiler, &a, &b, at))
        return operand_none();
    if (a.quantity.constant && b.quantity.constant) {
        struct fraction value, right = b.quantity.factor;
        right.num = subtract ? -right.num : right.num;
        if (!fraction_add(a.quantity.factor, right, &value))
            return quantity_overflows(compiler, at), operand_none();
        return operand_constant(value, a.quantity.unit, a.bare && b.bare);
    }
    enum domain domain = common_domain(&a, &b);
    struct quantity joined;
    int l, r;
    if (!quantity_meet(compiler, &a, &b, domain, &joined, &l, &r, at))
        return operand_none();
    joined.reg = emit_binary(compiler, subtract ? OP_SUBTRACT : OP_ADD, l, r, at);
    if (joined.reg < 0)
        return operand_none();
    return (struct operand){
        .type = OPERAND_QUANTITY, .domain = domain, .quantity = joined, .reg = NO_REGISTER};
}

static struct operand multiply_by_constant(struct compiler *compiler, struct operand a, struct operand number,
                                           struct place at)
{
    if (!fraction_multiply(a.quantity.factor, number.quantity.factor, &a.quantity.factor))
        return quantity_overflows(compiler, at), operand_none();
    a.quantity.unit = unit_multiply(a.quantity.unit, number.quantity.unit);
    a.bare = a.bare && number.bare;
    return a;
}

static bool is_count(const struct compiler *compiler, const struct operand *operand)
{
    return operand->quantity.unit.exponent[UNIT_YUAN] == 0 &&
           compiler->program->steps[operand->quantity.reg].low >= 0 && operand->quantity.factor.num > 0;
}

static struct operand multiply(struct compiler *compiler, struct operand a, struct operand b, struct place at)
{
    if (b.quantity.constant)
        return multiply_by_constant(compiler, a, b, at);
    if (a.quantity.constant)
        return multiply_by_constant(compiler, b, a, at);
    if (!is_count(compiler, &b)) {
        struct operand turned = a;
        a = b;
        b = turned;
    }
    struct quantity product = {.unit = unit_multiply(a.quantity.unit, b.quantity.unit)};
    if (!is_count(compiler, &b))
        return compiler_refuse(compiler, at, MESSAGE_PRODUCT, NULL, NULL, NULL);
    if (a.quantity.divisor_count + b.quantity.divisor_count > QUANTITY_DIVISORS_MAX)
        return compiler_refuse(compiler, at, MESSAGE_DIVISORS, NULL, NULL, NULL);
    for (int i = 0; i < a.quantity.divisor_count; i++)
        product.divisors[product.divisor_count++] = a.quantity.divisors[i];
    for (int i = 0; i < b.quantity.divisor_count; i++)
        product.divisors[product.divisor_count++] = b.quantity.divisors[i];
    if (!fraction_multiply(a.quantity.factor, b.quantity.factor, &product.factor))
        return quantity_overflows(compiler, at), operand_none();
    product.reg = emit_binary(compiler, OP_MULTIPLY, a.quantity.reg, b.quantity.reg, at);
    if (product.reg < 0)
        return operand_none();
    return (struct operand){
        .type = OPERAND_QUANTITY, .domain = a.domain, .quantity = product, .reg = NO_REGISTER};
}

/* a ÷ (b ÷ d) is a × d ÷ b: a loses a divisor of b's or is multiplied by it. */
static bool turn_divisors(struct compiler *compiler, struct quantity *a, const struct quantity *b,
                          enum domain domain, struct place at)
{
    for (int i = 0; i < b->divisor_count; i++) {
        int at_divisor = 0;
        while (at_divisor < a->divisor_count && a->divisors[at_divisor] != b->divisors[i])
            at_divisor++;
        if (at_divisor < a->divisor_count) {
            a->divisors[at_divisor] = a->divisors[--a->divisor_count];
            continue;
        }
        quantity_materialise(compiler, a, domain, at);
        if ((a->reg = emit_binary(compiler, OP_MULTIPLY, a->reg, b->divisors[i], at)) < 0)
            return false;
    }
    return true;
}

static struct operand divide(struct compiler *compiler, struct operand a, struct operand b,
                             const struct expr *divisor, struct place at)
{
    if (b.quantity.factor.num == 0)
        return compiler_refuse(compiler, at, MESSAGE_DIVISOR_ZERO, NULL, NULL, NULL);
    struct fraction inverse = fraction_inverse(b.quantity.factor);
    if (b.quantity.constant) {
        struct operand number = operand_constant(inverse, unit_divide(unit_none(), b.quantity.unit), b.bare);
        return multiply_by_constant(compiler, a, number, at);
    }
    bool positive = b.quantity.factor.num > 0 && compiler->program->steps[b.quantity.reg].low >= 1;
    if (!positive)
        return compiler_refuse(compiler, at, MESSAGE_DIVISOR, operand_text(compiler, divisor), NULL, NULL);
    enum domain domain = b.domain;
    if (!turn_divisors(compiler, &a.quantity, &b.quantity, domain, at))
        return operand_none();
    if (a.quantity.divisor_count == QUANTITY_DIVISORS_MAX)
        return compiler_refuse(compiler, at, MESSAGE_DIVISORS, NULL, NULL, NULL);
    quantity_materialise(compiler, &a.quantity, domain, at);
    if (!fraction_multiply(a.quantity.factor, inverse, &a.quantity.factor))
        return quantity_overflows(compiler, at), operand_none();
    a.quantity.divisors[a.quantity.divisor_count++] = b.quantity.reg;
    a.quantity.unit = unit_divide(a.quantity.unit, b.quantity.unit);
    a.domain = domain;
    a.bare = false;
    return a;
}

struct operand quantity_arithmetic(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand a = elaborate_quantity(compiler, expr->a, scope),
                   b = elaborate_quantity(compiler, expr->b, scope);
    if (a.type != OPERAND_QUANTITY || b.type != OPERAND_QUANTITY)
        return operand_none();
    switch (expr->kind) {
    case EXPR_MULTIPLY:
        return multiply(compiler, a, b, expr->at);
    case EXPR_DIVIDE:
        return divide(compiler, a, b, expr->b, expr->at);
    default:
        return quantity_add(compiler, a, b, expr->kind == EXPR_SUBTRACT, expr->at);
    }
}
