/* SPDX-License-Identifier: PostgreSQL */
#include "policy/trait.h"

#include "policy/lexer.h"

#include <string.h>

static const struct {
    enum word first, last; /* in the order of the values */
    int value;             /* of the first */
} traits[] = {
    [TRAIT_KINSHIP] = {WORD_KIN_HEAD, WORD_KIN_OTHER, 0},
    [TRAIT_LABOUR] = {WORD_LABOUR_FULL, WORD_LABOUR_NONE, LABOUR_FULL},
};

int trait_value(enum trait trait, struct slice word, enum language language)
{
    for (int w = (int)traits[trait].first; w <= (int)traits[trait].last; w++) {
        if (word_is(word, (enum word)w, language))
            return traits[trait].value + w - (int)traits[trait].first;
    }
    return -1;
}

const char *trait_words(enum trait trait, enum language language)
{
    static const char *const lists[][2] = {
        [TRAIT_KINSHIP] = {"户主 配偶 子 女 孙辈 父母 祖父母 兄弟姐妹 其他",
                           "head spouse son daughter grandchild parent grandparent sibling other"},
        [TRAIT_LABOUR] = {"完全 部分 无", "full part none"},
    };
    return lists[trait][language];
}

uint8_t trait_set(uint8_t traits_before, enum trait trait, int value)
{
    if (trait == TRAIT_KINSHIP)
        return (uint8_t)((traits_before & ~POLICY_TRAITS_UNKNOWN) |
                         (value < 0 ? POLICY_TRAITS_UNKNOWN : value));
    return (uint8_t)((traits_before & POLICY_TRAITS_UNKNOWN) | (value < 0 ? LABOUR_NOT_GIVEN : value)
                                                                   << POLICY_LABOUR_SHIFT);
}

enum policy_labour policy_labour_of(const char *text)
{
    static const char *const words[] = {
        [LABOUR_FULL] = "full", [LABOUR_PART] = "weak", [LABOUR_NONE] = "none"};
    for (int i = LABOUR_FULL; i <= LABOUR_NONE; i++) {
        if (text != NULL && strcmp(text, words[i]) == 0)
            return (enum policy_labour)i;
    }
    return LABOUR_NOT_GIVEN;
}

bool policy_reads_traits(const struct policy *policy)
{
    for (size_t i = 0; i < policy->program.step_count; i++) {
        if (policy->program.steps[i].op == OP_TRAIT)
            return true;
    }
    return false;
}

static uint64_t all_values(enum trait trait)
{
    uint64_t mask = 0;
    for (int w = (int)traits[trait].first; w <= (int)traits[trait].last; w++)
        mask |= UINT64_C(1) << (traits[trait].value + w - (int)traits[trait].first);
    return mask;
}

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
            return mask == 0 || !relation.negated ? mask : all_values(trait) & ~mask;
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
