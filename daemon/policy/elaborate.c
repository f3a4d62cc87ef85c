/* SPDX-License-Identifier: PostgreSQL */
/*
 * Expressions → operands: typed, in exact units, without division.
 *
 * A quantity is a register × an exact fraction ÷ registers that are proven positive. Adding and comparing bring both sides to
 * one denominator by multiplying; so the machine compares integers, and I/n < 1.5·L becomes 2·I < 3·L·n.
 */
#include "policy/compiler.h"
#include "policy/parser.h"

#include <string.h>

enum domain scope_domain(enum scope scope)
{
    return scope == SCOPE_PERSON ? DOMAIN_PERSON : DOMAIN_HOUSEHOLD;
}

static struct operand nothing(void)
{
    return (struct operand){.type = OPERAND_ERROR, .reg = NO_REGISTER};
}

static struct operand condition(int reg, enum domain domain)
{
    return reg < 0 ? nothing() : (struct operand){.type = OPERAND_CONDITION, .reg = reg, .domain = domain};
}

static struct operand quantity(int reg, struct unit unit, enum domain domain)
{
    if (reg < 0)
        return nothing();
    return (struct operand){.type = OPERAND_QUANTITY,
                            .domain = domain,
                            .quantity = {.reg = reg, .factor = fraction_of(1), .unit = unit},
                            .reg = NO_REGISTER};
}

static struct operand constant(struct fraction value, struct unit unit, bool bare)
{
    return (struct operand){.type = OPERAND_QUANTITY,
                            .quantity = {.constant = true, .reg = NO_REGISTER, .factor = value, .unit = unit},
                            .bare = bare,
                            .reg = NO_REGISTER};
}

static const char *describe(struct compiler *compiler, const struct operand *operand)
{
    bool chinese = compiler->language == LANGUAGE_CHINESE;
    if (operand->type == OPERAND_CONDITION)
        return chinese ? "条件" : "a condition";
    if (operand->type == OPERAND_CODE)
        return chinese ? "代码" : "a code";
    const char *unit = compiler_unit(compiler, operand->quantity.unit);
    const char *text = arena_printf(compiler->scratch, chinese ? "数量(%s)" : "a quantity (%s)", unit);
    return text == NULL ? "" : text;
}

/* --- exact forms -------------------------------------------------------------------------------------------------- */

/* A side as an integer: a register, or a constant. */
struct side {
    bool constant;
    int64_t k; /* the constant, or the factor of the register */
    int reg;
};

static bool overflows(struct compiler *compiler, struct place at)
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

/* Gives a constant a register, so that it can be multiplied by one. The factor's denominator stays. */
static bool materialise(struct compiler *compiler, struct quantity *q, enum domain domain, struct place at)
{
    if (!q->constant)
        return true;
    q->reg = emit_nullary(compiler, OP_CONSTANT, domain, q->factor.num, at);
    q->factor.num = 1;
    q->constant = false;
    return q->reg >= 0;
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
static bool align(struct compiler *compiler, struct quantity *a, struct quantity *b, struct side *left,
                  struct side *right, int64_t *denominator, struct place at)
{
    struct quantity a_before = *a;
    if (!multiply_out(compiler, a, b, at) || !multiply_out(compiler, b, &a_before, at))
        return false;
    wide_t common = (wide_t)a->factor.den / fraction_gcd(a->factor.den, b->factor.den) * b->factor.den;
    if (!wide_fits(common) || !make_side(a, (int64_t)common, left) || !make_side(b, (int64_t)common, right))
        return overflows(compiler, at);
    *denominator = (int64_t)common;
    return true;
}

/* The divisors of both: for each the greater number of times. */
static bool join_divisors(struct compiler *compiler, const struct quantity *a, const struct quantity *b,
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
static bool adopt(struct compiler *compiler, struct operand *operand, struct unit unit, struct place at)
{
    enum { FEN_PER_YUAN = 100 };
    for (int i = 0; i < unit.exponent[UNIT_YUAN]; i++) {
        if (!fraction_multiply(operand->quantity.factor, fraction_of(FEN_PER_YUAN),
                               &operand->quantity.factor))
            return overflows(compiler, at);
    }
    operand->quantity.unit = unit;
    operand->bare = false;
    return true;
}

static bool is_zero(const struct operand *operand)
{
    return operand->quantity.constant && operand->quantity.factor.num == 0;
}

/* Both sides must have one unit; zero has every unit. */
static bool reconcile(struct compiler *compiler, struct operand *a, struct operand *b, struct place at)
{
    if (unit_equal(a->quantity.unit, b->quantity.unit))
        return true;
    if (a->bare && is_zero(a))
        return adopt(compiler, a, b->quantity.unit, at);
    if (b->bare && is_zero(b))
        return adopt(compiler, b, a->quantity.unit, at);
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

struct operand elaborate_add(struct compiler *compiler, struct operand a, struct operand b, bool subtract,
                             struct place at)
{
    if (a.type != OPERAND_QUANTITY || b.type != OPERAND_QUANTITY || !reconcile(compiler, &a, &b, at))
        return nothing();
    if (a.quantity.constant && b.quantity.constant) {
        struct fraction value, right = b.quantity.factor;
        right.num = subtract ? -right.num : right.num;
        if (!fraction_add(a.quantity.factor, right, &value))
            return overflows(compiler, at), nothing();
        return constant(value, a.quantity.unit, a.bare && b.bare);
    }
    enum domain domain = common_domain(&a, &b);
    struct quantity joined = {.unit = a.quantity.unit};
    if (!join_divisors(compiler, &a.quantity, &b.quantity, &joined, at))
        return nothing();
    struct side left, right;
    int64_t denominator;
    if (!align(compiler, &a.quantity, &b.quantity, &left, &right, &denominator, at))
        return nothing();
    int l = side_register(compiler, left, domain, at), r = side_register(compiler, right, domain, at);
    joined.reg = emit_binary(compiler, subtract ? OP_SUBTRACT : OP_ADD, l, r, at);
    joined.factor = (struct fraction){1, denominator};
    if (joined.reg < 0)
        return nothing();
    return (struct operand){
        .type = OPERAND_QUANTITY, .domain = domain, .quantity = joined, .reg = NO_REGISTER};
}

static struct operand multiply_by_constant(struct compiler *compiler, struct operand a, struct operand number,
                                           struct place at)
{
    if (!fraction_multiply(a.quantity.factor, number.quantity.factor, &a.quantity.factor))
        return overflows(compiler, at), nothing();
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
        return overflows(compiler, at), nothing();
    product.reg = emit_binary(compiler, OP_MULTIPLY, a.quantity.reg, b.quantity.reg, at);
    if (product.reg < 0)
        return nothing();
    return (struct operand){
        .type = OPERAND_QUANTITY, .domain = a.domain, .quantity = product, .reg = NO_REGISTER};
}

static const char *text_of(struct compiler *compiler, const struct expr *expr)
{
    return diagnose_slice(compiler->diagnoser,
                          (struct slice){compiler->policy->text + expr->begin, expr->end - expr->begin});
}

static struct operand divide(struct compiler *compiler, struct operand a, struct operand b,
                             const struct expr *divisor, struct place at)
{
    struct fraction inverse = {1, 1};
    if (b.quantity.factor.num == 0)
        return compiler_refuse(compiler, at, MESSAGE_DIVISOR_ZERO, NULL, NULL, NULL);
    if (!fraction_divide(fraction_of(1), b.quantity.factor, &inverse))
        return overflows(compiler, at), nothing();
    if (b.quantity.constant) {
        struct operand number = constant(inverse, unit_divide(unit_none(), b.quantity.unit), b.bare);
        return multiply_by_constant(compiler, a, number, at);
    }
    bool positive = b.quantity.factor.num > 0 && compiler->program->steps[b.quantity.reg].low >= 1;
    if (!positive)
        return compiler_refuse(compiler, at, MESSAGE_DIVISOR, text_of(compiler, divisor), NULL, NULL);
    if (b.quantity.divisor_count > 0 || a.quantity.divisor_count == QUANTITY_DIVISORS_MAX)
        return compiler_refuse(compiler, at, MESSAGE_DIVISORS, NULL, NULL, NULL);
    enum domain domain = b.domain;
    if (!materialise(compiler, &a.quantity, domain, at) ||
        !fraction_multiply(a.quantity.factor, inverse, &a.quantity.factor))
        return overflows(compiler, at), nothing();
    a.quantity.divisors[a.quantity.divisor_count++] = b.quantity.reg;
    a.quantity.unit = unit_divide(a.quantity.unit, b.quantity.unit);
    a.domain = domain;
    a.bare = false;
    return a;
}

static struct operand arithmetic(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand a = elaborate_quantity(compiler, expr->a, scope),
                   b = elaborate_quantity(compiler, expr->b, scope);
    if (a.type != OPERAND_QUANTITY || b.type != OPERAND_QUANTITY)
        return nothing();
    switch (expr->kind) {
    case EXPR_MULTIPLY:
        return multiply(compiler, a, b, expr->at);
    case EXPR_DIVIDE:
        return divide(compiler, a, b, expr->b, expr->at);
    default:
        return elaborate_add(compiler, a, b, expr->kind == EXPR_SUBTRACT, expr->at);
    }
}

/* --- comparisons -------------------------------------------------------------------------------------------------- */

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

struct relation {
    enum op op;
    bool negated;
};

/* a > b is not a ≤ b: so a comparison and its opposite share a step, and a contradiction shows. */
static struct relation relation_of(int symbol)
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

static struct operand compare_quantities(struct compiler *compiler, const struct expr *expr, struct operand a,
                                         struct operand b, enum scope scope)
{
    struct relation relation = relation_of(expr->symbol);
    enum domain domain = scope_domain(scope);
    if (!reconcile(compiler, &a, &b, expr->at))
        return nothing();
    if (a.quantity.constant && b.quantity.constant)
        return condition(
            constant_relation(compiler, relation, a.quantity.factor, b.quantity.factor, domain, expr->at),
            domain);
    struct comparison kept = {.expr = expr, .domain = domain, .left = a.quantity, .right = b.quantity};
    struct quantity joined;
    struct side left, right;
    int64_t denominator;
    if (!join_divisors(compiler, &a.quantity, &b.quantity, &joined, expr->at) ||
        !align(compiler, &a.quantity, &b.quantity, &left, &right, &denominator, expr->at))
        return nothing();
    kept.factor = (struct fraction){reduce(&left, &right), denominator};
    kept.divisor_count = joined.divisor_count;
    memcpy(kept.divisors, joined.divisors, sizeof joined.divisors);
    kept.left_reg = left.constant ? NO_REGISTER : emit_scale(compiler, left.reg, left.k, expr->at);
    kept.right_reg = right.constant ? NO_REGISTER : emit_scale(compiler, right.reg, right.k, expr->at);
    kept.left_constant = left.k;
    kept.right_constant = right.k;
    if ((!left.constant && kept.left_reg < 0) || (!right.constant && kept.right_reg < 0))
        return nothing();
    kept.reg = emit_relation(compiler, relation, kept.left_reg, left.k, kept.right_reg, right.k, expr->at);
    struct comparison *comparison = add_comparison(compiler);
    if (comparison != NULL)
        *comparison = kept;
    return condition(kept.reg, domain);
}

/* --- codes -------------------------------------------------------------------------------------------------------- */

static const char *choices_of(struct compiler *compiler, const struct program_fact *fact)
{
    struct text text;
    text_init(&text);
    for (int i = 0; i < fact->code->choice_count; i++)
        text_printf(&text, "%s%s", i == 0 ? "" : " ", fact->code->choices[i]);
    if (fact->kind == WORD_TYPE || fact->kind == WORD_GRADE)
        text_printf(&text, "%lld..%lld", (long long)fact->low, (long long)fact->high);
    if (fact->kind == WORD_YESNO)
        text_printf(&text, "%s %s", keyword_text(KW_YES, compiler->language),
                    keyword_text(KW_NO, compiler->language));
    const char *copy = text.failed || text.bytes == NULL ? "" : arena_strdup(compiler->scratch, text.bytes);
    text_fini(&text);
    return copy == NULL ? "" : copy;
}

/* The value that a word or number stands for; -1 and diagnosed when it is none of the fact's. */
static int code_value(struct compiler *compiler, const struct program_fact *fact, struct slice text,
                      enum keyword keyword, struct place at)
{
    if (fact->kind == WORD_YESNO && (keyword == KW_YES || keyword == KW_NO))
        return keyword == KW_YES;
    if (fact->kind == WORD_TYPE || fact->kind == WORD_GRADE) {
        int value = 0;
        bool digits = text.length > 0 && text.length <= 2;
        for (size_t i = 0; digits && i < text.length; i++) {
            digits = text.bytes[i] >= '0' && text.bytes[i] <= '9';
            value = value * 10 + (text.bytes[i] - '0');
        }
        if (digits && value >= fact->low && value <= fact->high)
            return value;
    }
    for (int i = 0; fact->kind == WORD_CODE && i < fact->code->choice_count; i++) {
        if (slice_is(text, fact->code->choices[i]) || slice_is(text, fact->code->choice_titles[i]))
            return i + 1;
    }
    diagnose(compiler->diagnoser, at, MESSAGE_CHOICE_UNKNOWN, diagnose_slice(compiler->diagnoser, text),
             fact->name, choices_of(compiler, fact));
    return -1;
}

/* All values of a fact that stand in the relation to `value`. */
static uint64_t related_values(const struct program_fact *fact, int symbol, int value)
{
    int first = 1, last = fact->code->choice_count;
    if (fact->kind == WORD_YESNO) {
        first = 0;
        last = 1;
    } else if (fact->kind == WORD_TYPE || fact->kind == WORD_GRADE) {
        first = (int)fact->low;
        last = (int)fact->high;
    }
    uint64_t mask = 0;
    struct relation relation = relation_of(symbol);
    for (int v = first; v <= last; v++) {
        bool holds = relation.op == OP_LESS         ? v < value
                     : relation.op == OP_LESS_EQUAL ? v <= value
                                                    : v == value;
        if (holds != relation.negated)
            mask |= UINT64_C(1) << v;
    }
    return mask;
}

static struct operand compare_code(struct compiler *compiler, const struct expr *expr, struct operand code)
{
    const struct program_fact *fact = &compiler->program->facts[code.fact];
    const struct expr *right = expr->b;
    struct slice text = {compiler->policy->text + right->begin, right->end - right->begin};
    bool plain = right->kind == EXPR_NUMBER || right->kind == EXPR_YES || right->kind == EXPR_NO ||
                 right->kind == EXPR_NAME;
    if (!plain || (right->kind == EXPR_NUMBER && right->has_unit))
        return compiler_refuse(compiler, right->at, MESSAGE_COMPARE_SIDES, fact->name, NULL, NULL);
    if (fact->kind != WORD_GRADE && relation_of(expr->symbol).op != OP_EQUAL)
        return compiler_refuse(compiler, expr->at, MESSAGE_COMPARE_ORDER, fact->name, NULL, NULL);
    enum keyword keyword = right->kind == EXPR_YES  ? KW_YES
                           : right->kind == EXPR_NO ? KW_NO
                                                    : KW_NONE_OF_THESE;
    int value = code_value(compiler, fact, text, keyword, right->at);
    if (value < 0)
        return nothing();
    return condition(
        emit_mask(compiler, OP_CODE_IN, code.reg, related_values(fact, expr->symbol, value), expr->at),
        code.domain);
}

static struct operand compare(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand a = elaborate(compiler, expr->a, scope);
    if (a.type == OPERAND_CODE)
        return compare_code(compiler, expr, a);
    if (a.type == OPERAND_CONDITION)
        return compiler_refuse(compiler, expr->a->at, MESSAGE_AMOUNT_NEEDED, describe(compiler, &a), NULL,
                               NULL);
    struct operand b = elaborate_quantity(compiler, expr->b, scope);
    if (a.type != OPERAND_QUANTITY || b.type != OPERAND_QUANTITY)
        return nothing();
    return compare_quantities(compiler, expr, a, b, scope);
}

static struct operand level_in(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    static const enum policy_level levels[] = {[KW_RED - KW_RED] = LEVEL_RED,
                                               [KW_ORANGE - KW_RED] = LEVEL_ORANGE,
                                               [KW_YELLOW - KW_RED] = LEVEL_YELLOW,
                                               [KW_VERIFY - KW_RED] = LEVEL_VERIFY};
    if (!compiler->level_allowed || scope != SCOPE_HOUSEHOLD)
        return compiler_refuse(compiler, expr->a->at, MESSAGE_LEVEL_PLACE, NULL, NULL, NULL);
    uint64_t mask = 0;
    for (size_t i = 0; i < expr->item_count; i++) {
        enum keyword keyword = expr->items[i].keyword;
        if (keyword < KW_RED || keyword > KW_VERIFY)
            return compiler_refuse(compiler, expr->items[i].at, MESSAGE_LEVEL_PLACE, NULL, NULL, NULL);
        mask |= UINT64_C(1) << levels[keyword - KW_RED];
    }
    return condition(emit_mask(compiler, OP_LEVEL_IN, NO_REGISTER, mask, expr->at), DOMAIN_HOUSEHOLD);
}

static struct operand fact_phrase(struct compiler *compiler, const struct expr *expr, enum scope scope,
                                  uint64_t mask);

/* Finds the fact of 现有 or 最新 without emitting anything. */
static const struct program_fact *phrase_fact(struct compiler *compiler, const struct expr *phrase)
{
    struct symbol *symbol = declare_find(compiler, phrase->name, phrase->at);
    if (symbol == NULL || symbol->definition->kind != KW_FACT || symbol->index < 0) {
        if (symbol != NULL && symbol->definition->kind != KW_FACT)
            diagnose(compiler->diagnoser, phrase->at, MESSAGE_IN_LEFT, NULL, NULL, NULL);
        return NULL;
    }
    return &compiler->program->facts[symbol->index];
}

static struct operand in_list(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    const struct expr *left = expr->a;
    if (left->kind == EXPR_LEVEL)
        return level_in(compiler, expr, scope);
    if (left->kind != EXPR_FACT || (left->verb != KW_CURRENT && left->verb != KW_LATEST))
        return compiler_refuse(compiler, left->at, MESSAGE_IN_LEFT, NULL, NULL, NULL);
    const struct program_fact *fact = phrase_fact(compiler, left);
    if (fact == NULL)
        return nothing();
    uint64_t mask = 0;
    for (size_t i = 0; i < expr->item_count; i++) {
        int value =
            code_value(compiler, fact, expr->items[i].text, expr->items[i].keyword, expr->items[i].at);
        if (value < 0)
            return nothing();
        mask |= UINT64_C(1) << value;
    }
    if (left->verb == KW_CURRENT)
        return fact_phrase(compiler, left, scope, mask);
    struct operand code = elaborate(compiler, left, scope);
    if (code.type != OPERAND_CODE)
        return nothing();
    return condition(emit_mask(compiler, OP_CODE_IN, code.reg, mask, expr->at), code.domain);
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

/* The sum over a window has the window's length in its unit, when that is a year or a month. */
static struct unit amount_unit(const struct program_window *window, enum scope scope)
{
    int months = window->from_months - window->to_months;
    bool whole = !window->ever && window->from_days == 0 && window->to_days == 0;
    struct unit unit = unit_of(UNIT_YUAN);
    if (whole && months == 12)
        unit = unit_divide(unit, unit_of(UNIT_YEAR));
    else if (whole && months == 1)
        unit = unit_divide(unit, unit_of(UNIT_MONTH));
    return unit_divide(unit, unit_of(scope == SCOPE_HOUSEHOLD ? UNIT_HOUSEHOLD : UNIT_PERSON));
}

/* The window of a phrase: -1 when it has none, -2 when diagnosed. */
static int phrase_window(struct compiler *compiler, const struct expr *expr)
{
    if (expr->ever)
        return declare_ever_window(compiler);
    if (expr->window.length == 0)
        return -1;
    struct window_edge edge = {0};
    if (parse_window_word(expr->window, compiler->language, &edge.months, &edge.days))
        return declare_inline_window(compiler, expr->window, edge, expr->window_at);
    struct symbol *symbol = declare_find(compiler, expr->window, expr->window_at);
    if (symbol == NULL)
        return -2;
    if (symbol->definition->kind == KW_WINDOW)
        return symbol->index < 0 ? -2 : symbol->index;
    diagnose(compiler->diagnoser, expr->window_at, MESSAGE_KIND_WRONG,
             diagnose_slice(compiler->diagnoser, expr->window),
             compiler_kind(compiler, symbol->definition->kind), compiler_kind(compiler, KW_WINDOW));
    return -2;
}

static const struct {
    enum keyword verb;
    enum state_mode mode;
} verb_modes[] = {{KW_CURRENT, STATE_NOW},
                  {KW_HELD, STATE_HELD},
                  {KW_AT_END, STATE_AT_END},
                  {KW_HAPPENED, STATE_HAPPENED},
                  {KW_ENDED, STATE_ENDED}};

static enum state_mode mode_of(enum keyword verb)
{
    for (size_t i = 0; i < sizeof verb_modes / sizeof verb_modes[0]; i++) {
        if (verb_modes[i].verb == verb)
            return verb_modes[i].mode;
    }
    return STATE_NOW;
}

/* False and diagnosed when the words do not fit the fact. */
static bool verb_fits(struct compiler *compiler, const struct expr *expr, const struct program_fact *fact,
                      int window)
{
    const char *verb = keyword_text(expr->verb, compiler->language);
    enum message message = MESSAGE_MORE;
    bool now = expr->verb == KW_CURRENT || expr->verb == KW_LATEST;
    if (fact->kind == WORD_NONE && expr->verb != KW_NONE_OF_THESE)
        message = MESSAGE_VERB_AMOUNT;
    else if (fact->kind == WORD_NONE && window < 0)
        message = MESSAGE_WINDOW_NEEDED;
    else if (fact->kind == WORD_NONE)
        return true;
    else if (expr->verb == KW_NONE_OF_THESE)
        message = MESSAGE_VERB_NEEDED;
    else if ((fact->kind == WORD_TYPE || fact->kind == WORD_GRADE) && expr->verb != KW_LATEST)
        message = MESSAGE_VERB_PART;
    else if (fact->kind == WORD_EVENT && expr->verb != KW_HAPPENED)
        message = MESSAGE_VERB_STATE;
    else if (fact->kind != WORD_EVENT && expr->verb == KW_HAPPENED)
        message = MESSAGE_VERB_EVENT;
    else if (expr->ever && expr->verb != KW_HAPPENED)
        message = MESSAGE_EVER_VERB;
    else if (now && window >= 0)
        message = MESSAGE_VERB_NO_WINDOW;
    else if (!now && window < 0)
        message = MESSAGE_VERB_WINDOW;
    if (message == MESSAGE_MORE)
        return true;
    diagnose(compiler->diagnoser, expr->at, message, fact->name, verb, NULL);
    return false;
}

static struct operand standard_window(struct compiler *compiler, const struct expr *expr,
                                      const struct symbol *symbol, int window, enum scope scope)
{
    const struct program_window *w = &compiler->program->windows[window];
    if (symbol->index < 0)
        return nothing();
    if (w->ever || w->from_months - w->to_months != 12 || w->from_days != 0 || w->to_days != 0 ||
        expr->verb != KW_NONE_OF_THESE)
        return compiler_refuse(compiler, expr->at, MESSAGE_STANDARD_WINDOW, NULL, NULL, NULL);
    int reg = emit_standard(compiler, symbol->index, window, expr->at);
    struct operand operand = quantity(reg, symbol->definition->unit, DOMAIN_HOUSEHOLD);
    if (operand.type != OPERAND_QUANTITY)
        return operand;
    operand.quantity.factor.den = (int64_t)compiler->program->steps[reg].mask;
    struct fraction scale = {1, compiler->program->standards[symbol->index].denominator};
    if (!fraction_multiply(operand.quantity.factor, scale, &operand.quantity.factor))
        return nothing();
    return elaborate_spread(compiler, operand, scope, expr->at);
}

/* Where the phrase speaks: 本户 turns a person's place into the household's. */
static bool phrase_scope(struct compiler *compiler, const struct expr *expr, enum scope *scope)
{
    if (!expr->household)
        return true;
    if (*scope == SCOPE_HOUSEHOLD) {
        diagnose(compiler->diagnoser, expr->first_at, MESSAGE_HOUSEHOLD_PLACE, NULL, NULL, NULL);
        return false;
    }
    *scope = SCOPE_HOUSEHOLD;
    return true;
}

static struct operand emit_phrase(struct compiler *compiler, const struct expr *expr, int fact_index,
                                  int window, enum scope scope, uint64_t mask)
{
    const struct program_fact *fact = &compiler->program->facts[fact_index];
    enum domain domain = scope_domain(scope);
    if (fact->kind == WORD_NONE)
        return quantity(emit_amount(compiler, fact_index, window, domain, expr->at),
                        amount_unit(&compiler->program->windows[window], scope), domain);
    if (expr->verb == KW_LATEST)
        return (struct operand){.type = OPERAND_CODE,
                                .domain = domain,
                                .reg = emit_latest(compiler, fact_index, domain, expr->at),
                                .fact = fact_index};
    return condition(emit_state(compiler, fact_index, window, mode_of(expr->verb), mask, domain, expr->at),
                     domain);
}

static struct operand fact_phrase(struct compiler *compiler, const struct expr *expr, enum scope scope,
                                  uint64_t mask)
{
    enum scope place = scope;
    int window = phrase_window(compiler, expr);
    struct symbol *symbol = window == -2 ? NULL : declare_find(compiler, expr->name, expr->at);
    if (symbol == NULL)
        return nothing();
    if (symbol->definition->kind == KW_STANDARD && window >= 0)
        return standard_window(compiler, expr, symbol, window, scope);
    if (symbol->definition->kind != KW_FACT) {
        const char *name = diagnose_slice(compiler->diagnoser, expr->name);
        return compiler_refuse(compiler, expr->at, MESSAGE_KIND_WRONG, name,
                               compiler_kind(compiler, symbol->definition->kind),
                               compiler_kind(compiler, KW_FACT));
    }
    if (symbol->index < 0 || !phrase_scope(compiler, expr, &place) ||
        !verb_fits(compiler, expr, &compiler->program->facts[symbol->index], window))
        return nothing();
    struct operand operand = emit_phrase(compiler, expr, symbol->index, window, place, mask);
    if (operand.type == OPERAND_CODE && operand.reg < 0)
        return nothing();
    return place == scope ? operand : elaborate_spread(compiler, operand, scope, expr->at);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

struct operand elaborate_spread(struct compiler *compiler, struct operand operand, enum scope scope,
                                struct place at)
{
    if (scope != SCOPE_PERSON || operand.type == OPERAND_ERROR || operand.domain == DOMAIN_PERSON ||
        (operand.type == OPERAND_QUANTITY && operand.quantity.constant))
        return operand;
    operand.domain = DOMAIN_PERSON;
    if (operand.type != OPERAND_QUANTITY) {
        operand.reg = emit_unary(compiler, OP_SPREAD, operand.reg, at);
        return operand.reg < 0 ? nothing() : operand;
    }
    operand.quantity.reg = emit_unary(compiler, OP_SPREAD, operand.quantity.reg, at);
    for (int i = 0; i < operand.quantity.divisor_count; i++)
        operand.quantity.divisors[i] = emit_unary(compiler, OP_SPREAD, operand.quantity.divisors[i], at);
    return operand.quantity.reg < 0 ? nothing() : operand;
}

static struct operand check_declared_unit(struct compiler *compiler, const struct definition *d,
                                          struct operand operand)
{
    if (operand.type != OPERAND_QUANTITY)
        return operand;
    if (operand.bare && !adopt(compiler, &operand, d->unit, d->at))
        return nothing();
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
        struct operand operand = nothing();
        if (d->value != NULL && d->kind == KW_AMOUNT_DEF)
            operand = check_declared_unit(compiler, d, elaborate_quantity(compiler, d->value, body));
        else if (d->value != NULL)
            operand = condition(elaborate_condition(compiler, d->value, body), scope_domain(body));
        symbol->operands[body] = operand;
        symbol->busy = false;
        compiler->level_allowed = level;
    }
    return elaborate_spread(compiler, symbol->operands[body], scope, at);
}

static struct operand name_value(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct symbol *symbol = declare_find(compiler, expr->name, expr->at);
    if (symbol == NULL)
        return nothing();
    const char *name = diagnose_slice(compiler->diagnoser, expr->name);
    switch (symbol->definition->kind) {
    case KW_SETTING:
        return symbol->done[scope] ? symbol->operands[scope] : nothing();
    case KW_STANDARD: {
        if (symbol->index < 0)
            return nothing();
        int reg = emit_standard(compiler, symbol->index, -1, expr->at);
        struct operand operand = quantity(reg, symbol->definition->unit, DOMAIN_HOUSEHOLD);
        operand.quantity.factor.den = compiler->program->standards[symbol->index].denominator;
        return elaborate_spread(compiler, operand, scope, expr->at);
    }
    case KW_PERSON_DEF:
    case KW_CONDITION_DEF:
    case KW_AMOUNT_DEF:
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
    struct operand operand = constant(expr->number, unit_none(), true);
    if (!expr->has_unit)
        return operand;
    if (!adopt(compiler, &operand, expr->unit, expr->at))
        return nothing();
    if (expr->unit.exponent[UNIT_YUAN] == 1 && operand.quantity.factor.den != 1)
        return compiler_refuse(compiler, expr->at, MESSAGE_FEN, text_of(compiler, expr), NULL, NULL);
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
        return nothing();
    bool fits = range.quantity.constant && !range.bare && range.quantity.factor.num >= 0 &&
                (unit_equal(range.quantity.unit, unit_of(UNIT_YUAN)) ||
                 unit_equal(range.quantity.unit, amount.quantity.unit));
    if (!fits)
        return compiler_refuse(compiler, expr->b->at, MESSAGE_UNDECLARED_AMOUNT, NULL, NULL, NULL);
    if (amount.quantity.constant || amount.quantity.divisor_count > 0)
        return compiler_refuse(compiler, expr->c->at, MESSAGE_DIVISORS, NULL, NULL, NULL);
    struct fraction scaled;
    int64_t denominator = amount.quantity.factor.den;
    if (!fraction_multiply(range.quantity.factor, fraction_of(denominator), &scaled) || scaled.den != 1)
        return overflows(compiler, expr->at), nothing();
    int reg = emit_scale(compiler, amount.quantity.reg, amount.quantity.factor.num, expr->at);
    amount.quantity.reg = emit_widen(compiler, reg, known, scaled.num, expr->at);
    amount.quantity.factor = (struct fraction){1, denominator};
    return amount.quantity.reg < 0 ? nothing() : amount;
}

static struct operand has_unknown(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand amount = elaborate_quantity(compiler, expr->a, scope);
    if (amount.type != OPERAND_QUANTITY)
        return nothing();
    if (amount.quantity.constant)
        return condition(emit_nullary(compiler, OP_TRUTH, scope_domain(scope), SETTLED_FALSE, expr->at),
                         scope_domain(scope));
    return condition(emit_unary(compiler, OP_UNKNOWN, amount.quantity.reg, expr->at), amount.domain);
}

static struct operand area_value(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    int urban = emit_nullary(compiler, OP_URBAN, DOMAIN_HOUSEHOLD, 0, expr->at);
    int reg = expr->kind == EXPR_URBAN ? urban : emit_unary(compiler, OP_NOT, urban, expr->at);
    return elaborate_spread(compiler, condition(reg, DOMAIN_HOUSEHOLD), scope, expr->at);
}

static struct operand logic(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    int a = elaborate_condition(compiler, expr->a, scope);
    if (expr->kind == EXPR_NOT)
        return condition(emit_unary(compiler, OP_NOT, a, expr->at), scope_domain(scope));
    int b = elaborate_condition(compiler, expr->b, scope);
    return condition(emit_binary(compiler, expr->kind == EXPR_AND ? OP_AND : OP_OR, a, b, expr->at),
                     scope_domain(scope));
}

static struct operand age_value(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    if (scope != SCOPE_PERSON)
        return compiler_refuse(compiler, expr->at, MESSAGE_PERSON_ONLY,
                               keyword_text(KW_AGE, compiler->language), NULL, NULL);
    return quantity(emit_nullary(compiler, OP_AGE, DOMAIN_PERSON, 0, expr->at), unit_of(UNIT_AGE),
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
        return fact_phrase(compiler, expr, scope, 0);
    case EXPR_ADD:
    case EXPR_SUBTRACT:
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
        return arithmetic(compiler, expr, scope);
    case EXPR_COMPARE:
        return compare(compiler, expr, scope);
    case EXPR_IN:
        return in_list(compiler, expr, scope);
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
        return logic(compiler, expr, scope);
    case EXPR_AGGREGATE:
        return elaborate_spread(compiler, aggregate_elaborate(compiler, expr), scope, expr->at);
    case EXPR_DECLARED:
        return declared_value(compiler, expr, scope);
    case EXPR_HAS_UNKNOWN:
        return has_unknown(compiler, expr, scope);
    case EXPR_UNDECIDED:
        return condition(emit_nullary(compiler, OP_TRUTH, scope_domain(scope), UNSETTLED, expr->at),
                         scope_domain(scope));
    case EXPR_RURAL:
    case EXPR_URBAN:
        return area_value(compiler, expr, scope);
    case EXPR_AGE:
        return age_value(compiler, expr, scope);
    case EXPR_LEVEL:
        return compiler_refuse(compiler, expr->at, MESSAGE_LEVEL_PLACE, NULL, NULL, NULL);
    case EXPR_YES:
    case EXPR_NO:
        break;
    }
    return compiler_refuse(compiler, expr->at, MESSAGE_VALUE_EXPECTED, text_of(compiler, expr), NULL, NULL);
}

struct operand elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    if (expr == NULL || compiler->failed)
        return nothing();
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
        diagnose(compiler->diagnoser, expr->at, MESSAGE_CONDITION_NEEDED, describe(compiler, &operand), NULL,
                 NULL);
    return NO_REGISTER;
}

struct operand elaborate_quantity(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    struct operand operand = elaborate(compiler, expr, scope);
    if (operand.type == OPERAND_QUANTITY || operand.type == OPERAND_ERROR)
        return operand;
    return compiler_refuse(compiler, expr->at, MESSAGE_AMOUNT_NEEDED, describe(compiler, &operand), NULL,
                           NULL);
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
    if (operand.bare && !adopt(compiler, &operand, unit, expr->at))
        return false;
    if (!unit_equal(operand.quantity.unit, unit)) {
        diagnose(compiler->diagnoser, expr->at, MESSAGE_UNITS_DIFFER, compiler_unit(compiler, unit),
                 compiler_unit(compiler, operand.quantity.unit), "");
        return false;
    }
    if (unit.exponent[UNIT_YUAN] == 1 && operand.quantity.factor.den != 1) {
        diagnose(compiler->diagnoser, expr->at, MESSAGE_FEN, text_of(compiler, expr), NULL, NULL);
        return false;
    }
    *value = operand.quantity.factor;
    return true;
}
