/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/operand.h"
#include "policy/syntax/trait.h"

/* 0 and diagnosed when the word is no value. */
static uint64_t value_bit(struct compiler *compiler, enum trait trait, struct slice word, struct place at)
{
    int value = trait_value(trait, word, compiler->language);
    if (value >= 0)
        return UINT64_C(1) << value;
    diagnose(compiler->diagnoser, at, MESSAGE_CHOICE_UNKNOWN, diagnose_slice(compiler->diagnoser, word),
             keyword_text(trait == TRAIT_KINSHIP ? KW_KINSHIP : KW_LABOUR, compiler->language),
             trait_words(trait, compiler->language));
    return 0;
}

static uint64_t values_asked(struct compiler *compiler, const struct expr *expr, enum trait trait)
{
    uint64_t mask = 0, bit = 1;
    if (expr->kind == EXPR_COMPARE) {
        const struct expr *right = expr->b;
        struct slice word = {compiler->policy->text + right->begin, right->end - right->begin};
        struct relation relation = comparison_relation(expr->symbol);
        if (relation.op == OP_EQUAL) {
            mask = value_bit(compiler, trait, word, right->at);
            return mask == 0 || !relation.negated ? mask : trait_values(trait) & ~mask;
        }
        diagnose(compiler->diagnoser, expr->at, MESSAGE_COMPARE_ORDER,
                 keyword_text(trait == TRAIT_KINSHIP ? KW_KINSHIP : KW_LABOUR, compiler->language), NULL,
                 NULL);
        return 0;
    }
    for (size_t i = 0; i < expr->item_count && bit != 0; i++) {
        bit = value_bit(compiler, trait, expr->items[i].text, expr->items[i].at);
        mask |= bit;
    }
    return bit == 0 ? 0 : mask;
}

struct operand trait_elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope)
{
    enum trait trait = expr->a->kind == EXPR_KINSHIP ? TRAIT_KINSHIP : TRAIT_LABOUR;
    if (scope != SCOPE_PERSON)
        return compiler_refuse(
            compiler, expr->a->at, MESSAGE_PERSON_ONLY,
            keyword_text(trait == TRAIT_KINSHIP ? KW_KINSHIP : KW_LABOUR, compiler->language), NULL, NULL);
    uint64_t mask = values_asked(compiler, expr, trait);
    if (mask == 0)
        return operand_none();
    int reg = emit_trait(compiler, trait, expr->at);
    return operand_condition(emit_mask(compiler, OP_CODE_IN, reg, mask, expr->at), DOMAIN_PERSON);
}
