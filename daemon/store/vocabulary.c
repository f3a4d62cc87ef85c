/* SPDX-License-Identifier: PostgreSQL */
#include "store/vocabulary.h"

const char *const vocabulary_levels[VOCABULARY_LEVELS] = {
    [LEVEL_NONE] = "none",     [LEVEL_VERIFY] = "verify", [LEVEL_YELLOW] = "yellow",
    [LEVEL_ORANGE] = "orange", [LEVEL_RED] = "red",
};

const char *const vocabulary_kinds[VOCABULARY_KINDS] = {
    [CLAUSE_COLOUR] = "colour",         [CLAUSE_VERIFY] = "verify", [CLAUSE_CHECK] = "check",
    [CLAUSE_SUGGESTION] = "suggestion", [CLAUSE_TAG] = "tag",
};

int vocabulary_find(const char *const *words, size_t count, struct slice word)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(word, words[i]))
            return (int)i;
    return -1;
}

enum policy_level vocabulary_level(struct slice word)
{
    int found = vocabulary_find(vocabulary_levels, VOCABULARY_LEVELS, word);
    return found < 0 ? LEVEL_NONE : (enum policy_level)found;
}

enum policy_clause_kind vocabulary_kind(struct slice word)
{
    int found = vocabulary_find(vocabulary_kinds, VOCABULARY_KINDS, word);
    return found < 0 ? CLAUSE_COLOUR : (enum policy_clause_kind)found;
}
