/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets of persons, and what is said over them: 合计 计数 存在 全都 最大 最小.
 *
 * A set is a tri of persons (belongs, does not, undecided). 与 is union; 中 keeps those for whom a condition holds; 本户 adds
 * the household itself as one more subject, for which the same expression is read about the household.
 */
#include "policy/compile/operand.h"

static struct people no_people(void)
{
    return (struct people){.good = false, .mask = NO_REGISTER};
}

static struct people named_people(struct compiler *compiler, const struct item *part)
{
    struct symbol *symbol = declare_find(compiler, part->text, part->at);
    if (symbol == NULL)
        return no_people();
    const struct definition *d = symbol->definition;
    if (d->kind != KW_SET) {
        compiler_refuse(compiler, part->at, MESSAGE_KIND_WRONG,
                        diagnose_slice(compiler->diagnoser, part->text), compiler_kind(compiler, d->kind),
                        compiler_kind(compiler, KW_SET));
        return no_people();
    }
    if (!symbol->done[SCOPE_PERSON]) {
        symbol->done[SCOPE_PERSON] = symbol->busy = true;
        symbol->people = aggregate_people(compiler, d->set);
        symbol->busy = false;
        if (word_is(d->name, WORD_MEMBERS, compiler->language))
            symbol->people.never_empty = true; /* a household without members has no clauses */
    }
    return symbol->people;
}

static struct people part_people(struct compiler *compiler, const struct item *part)
{
    if (part->keyword == KW_HOUSEHOLD)
        return (struct people){.good = true,
                               .mask =
                                   emit_nullary(compiler, OP_TRUTH, DOMAIN_PERSON, SETTLED_FALSE, part->at),
                               .household = true};
    if (part->keyword == KW_REGISTERED)
        return (struct people){.good = true,
                               .mask =
                                   emit_nullary(compiler, OP_TRUTH, DOMAIN_PERSON, SETTLED_TRUE, part->at),
                               .never_empty = true};
    return named_people(compiler, part);
}

struct people aggregate_people(struct compiler *compiler, const struct set_expr *set)
{
    struct people people = part_people(compiler, &set->parts[0]);
    for (size_t i = 1; i < set->part_count && people.good; i++) {
        struct people more = part_people(compiler, &set->parts[i]);
        people.good = more.good;
        people.household = people.household || more.household;
        people.never_empty = people.never_empty || more.never_empty;
        people.mask = emit_binary(compiler, OP_OR, people.mask, more.mask, set->at);
    }
    if (!people.good || set->filter == NULL)
        return people;
    if (people.household) {
        compiler_refuse(compiler, set->at, MESSAGE_SET_FILTER_HOUSEHOLD, NULL, NULL, NULL);
        return no_people();
    }
    people.mask = emit_binary(compiler, OP_AND, people.mask,
                              elaborate_condition(compiler, set->filter, SCOPE_PERSON), set->at);
    people.never_empty = false;
    people.good = people.mask >= 0;
    return people;
}

static struct operand household_condition(int reg)
{
    return reg < 0 ? operand_none()
                   : (struct operand){.type = OPERAND_CONDITION, .reg = reg, .domain = DOMAIN_HOUSEHOLD};
}

static struct operand household_quantity(struct quantity quantity)
{
    if (quantity.reg < 0)
        return operand_none();
    return (struct operand){
        .type = OPERAND_QUANTITY, .domain = DOMAIN_HOUSEHOLD, .quantity = quantity, .reg = NO_REGISTER};
}

/* 存在(set, c): somebody for whom c holds. 全都(set, c): nobody for whom it does not. */
static struct operand any_or_all(struct compiler *compiler, const struct expr *expr, struct people people)
{
    bool all = expr->verb == KW_ALL;
    int inner = elaborate_condition(compiler, expr->a, SCOPE_PERSON);
    if (all)
        inner = emit_unary(compiler, OP_NOT, inner, expr->at);
    int reg = emit_segment(compiler, OP_ANY, emit_binary(compiler, OP_AND, people.mask, inner, expr->at),
                           NO_REGISTER, false, expr->at);
    if (people.household) {
        int own = elaborate_condition(compiler, expr->a, SCOPE_SUBJECT);
        if (all)
            own = emit_unary(compiler, OP_NOT, own, expr->at);
        reg = emit_binary(compiler, OP_OR, reg, own, expr->at);
    }
    return household_condition(all ? emit_unary(compiler, OP_NOT, reg, expr->at) : reg);
}

static struct operand count(struct compiler *compiler, const struct expr *expr, struct people people)
{
    int mask = people.mask;
    if (expr->a != NULL)
        mask = emit_binary(compiler, OP_AND, mask, elaborate_condition(compiler, expr->a, SCOPE_PERSON),
                           expr->at);
    int reg =
        emit_segment(compiler, OP_COUNT, mask, NO_REGISTER, people.never_empty && expr->a == NULL, expr->at);
    return household_quantity((struct quantity){.reg = reg, .factor = fraction_of(1), .unit = unit_people()});
}

/* Divisors of a person's quantity are the household's, spread; the sum divides by the household's own. */
static bool gather_divisors(struct compiler *compiler, struct quantity *quantity, struct place at)
{
    for (int i = 0; i < quantity->divisor_count; i++) {
        const struct step *step = &compiler->program->steps[quantity->divisors[i]];
        if (step->op != OP_SPREAD) {
            compiler_refuse(compiler, at, MESSAGE_DIVISORS, NULL, NULL, NULL);
            return false;
        }
        quantity->divisors[i] = step->a;
    }
    return true;
}

/* What is added up over persons, or the largest of theirs; 合计(成员, 100.00元/月/人) counts a constant. */
static struct operand of_each_person(struct compiler *compiler, const struct expr *expr)
{
    struct operand inner = elaborate_quantity(compiler, expr->a, SCOPE_PERSON);
    if (inner.type != OPERAND_QUANTITY)
        return operand_none();
    quantity_materialise(compiler, &inner.quantity, DOMAIN_PERSON, expr->at);
    return gather_divisors(compiler, &inner.quantity, expr->at) ? inner : operand_none();
}

static struct operand sum(struct compiler *compiler, const struct expr *expr, struct people people)
{
    struct operand inner = of_each_person(compiler, expr);
    if (inner.type != OPERAND_QUANTITY)
        return operand_none();
    inner.quantity.reg = emit_segment(compiler, OP_SUM, people.mask, inner.quantity.reg, false, expr->at);
    struct operand total = household_quantity(inner.quantity);
    if (people.household) {
        struct operand own = elaborate_quantity(compiler, expr->a, SCOPE_SUBJECT);
        total = quantity_add(compiler, total, own, false, expr->at);
    }
    if (total.type == OPERAND_QUANTITY)
        total.quantity.unit = unit_multiply(total.quantity.unit, unit_people()); /* /人 becomes /户 */
    return total;
}

/* Nobody's 最大 is 0; 最小 is only taken where somebody is. */
static struct operand extreme(struct compiler *compiler, const struct expr *expr, struct people people)
{
    struct operand inner = of_each_person(compiler, expr);
    if (inner.type != OPERAND_QUANTITY)
        return operand_none();
    if (expr->verb == KW_MINIMUM && !people.never_empty)
        return compiler_refuse(compiler, expr->at, MESSAGE_SET_EMPTY_MINIMUM, NULL, NULL, NULL);
    if (compiler->program->steps[inner.quantity.reg].low < 0 || inner.quantity.factor.num < 0)
        return compiler_refuse(compiler, expr->at, MESSAGE_MAXIMUM_SIGN,
                               keyword_text(expr->verb, compiler->language), NULL, NULL);
    enum op op = expr->verb == KW_MINIMUM ? OP_MINIMUM : OP_MAXIMUM;
    inner.quantity.reg = emit_segment(compiler, op, people.mask, inner.quantity.reg, false, expr->at);
    return household_quantity(inner.quantity);
}

struct operand aggregate_elaborate(struct compiler *compiler, const struct expr *expr)
{
    struct people people = aggregate_people(compiler, expr->set);
    if (!people.good)
        return operand_none();
    bool persons_only = expr->verb == KW_COUNT || expr->verb == KW_MAXIMUM || expr->verb == KW_MINIMUM;
    if (persons_only && people.household)
        return compiler_refuse(compiler, expr->at, MESSAGE_SET_HOUSEHOLD,
                               keyword_text(expr->verb, compiler->language), NULL, NULL);
    switch (expr->verb) {
    case KW_ANY:
    case KW_ALL:
        return any_or_all(compiler, expr, people);
    case KW_COUNT:
        return count(compiler, expr, people);
    case KW_SUM:
        return sum(compiler, expr, people);
    default:
        return extreme(compiler, expr, people);
    }
}
