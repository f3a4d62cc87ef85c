/* SPDX-License-Identifier: PostgreSQL */
#include "policy/syntax/trait.h"

#include "policy/syntax/lexer.h"

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

uint64_t trait_values(enum trait trait)
{
    uint64_t mask = 0;
    for (int w = (int)traits[trait].first; w <= (int)traits[trait].last; w++)
        mask |= UINT64_C(1) << (traits[trait].value + w - (int)traits[trait].first);
    return mask;
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
