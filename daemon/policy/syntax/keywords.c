/* SPDX-License-Identifier: PostgreSQL */
#include "policy/syntax/keywords.h"

#include <string.h>

struct entry {
    const char *text[2]; /* by enum language */
};

static const struct entry keywords[KEYWORD_COUNT] = {
#define KEYWORD(symbol, chinese, english) [KW_##symbol] = {{chinese, english}},
#include "policy/syntax/keywords.def"
#undef KEYWORD
};

static const struct entry words[WORD_COUNT] = {
#define WORD(symbol, chinese, english) [WORD_##symbol] = {{chinese, english}},
#include "policy/syntax/words.def"
#undef WORD
};

static const struct {
    const char *name, *chinese;
} causes[] = {
#define CAUSE(name, chinese) {name, chinese},
#include "policy/syntax/causes.def"
#undef CAUSE
};

static const char *const cause_lists[2] = {
#define CAUSE(name, chinese) " " chinese
#include "policy/syntax/causes.def"
#undef CAUSE
    ,
#define CAUSE(name, chinese) " " name
#include "policy/syntax/causes.def"
#undef CAUSE
};

enum keyword keyword_find(struct slice text, enum language language)
{
    for (int i = 1; i < KEYWORD_COUNT; i++) {
        if (slice_is(text, keywords[i].text[language]))
            return (enum keyword)i;
    }
    return KW_NONE_OF_THESE;
}

const char *keyword_text(enum keyword keyword, enum language language)
{
    return keyword == KW_NONE_OF_THESE ? "" : keywords[keyword].text[language];
}

enum keyword keyword_prefix(struct slice text, enum language language)
{
    enum keyword best = KW_NONE_OF_THESE;
    size_t best_length = 0;
    for (int i = 1; i < KEYWORD_COUNT; i++) {
        size_t length = strlen(keywords[i].text[language]);
        if (length > best_length && length < text.length &&
            memcmp(text.bytes, keywords[i].text[language], length) == 0) {
            best = (enum keyword)i;
            best_length = length;
        }
    }
    return best;
}

bool word_is(struct slice text, enum word word, enum language language)
{
    return slice_is(text, words[word].text[language]);
}

const char *word_text(enum word word, enum language language)
{
    return word == WORD_NONE ? "" : words[word].text[language];
}

const char *cause_find(struct slice text, enum language language)
{
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (slice_is(text, language == LANGUAGE_CHINESE ? causes[i].chinese : causes[i].name))
            return causes[i].name;
    }
    return NULL;
}

const char *cause_list(enum language language)
{
    return cause_lists[language] + 1;
}
