/* SPDX-License-Identifier: PostgreSQL */
/*
 * The vocabulary: keywords.def (reserved words), words.def (words that mean something in one place) and
 * causes.def. Pure tables; any thread may read them.
 */
#ifndef SHOUWANG_POLICY_KEYWORDS_H
#define SHOUWANG_POLICY_KEYWORDS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum language { LANGUAGE_CHINESE, LANGUAGE_ENGLISH };

enum keyword {
    KW_NONE_OF_THESE,
#define KEYWORD(symbol, chinese, english) KW_##symbol,
#include "policy/syntax/keywords.def"
#undef KEYWORD
    KEYWORD_COUNT
};

enum word {
    WORD_NONE,
#define WORD(symbol, chinese, english) WORD_##symbol,
#include "policy/syntax/words.def"
#undef WORD
    WORD_COUNT
};

/* KW_NONE_OF_THESE when the text is no keyword of that language. */
enum keyword keyword_find(struct slice text, enum language language);
const char *keyword_text(enum keyword keyword, enum language language);
/* The longest keyword that `text` begins with (to tell that a blank is missing); KW_NONE_OF_THESE if none. */
enum keyword keyword_prefix(struct slice text, enum language language);

/* 红 … 签: the first word of a clause. */
static inline bool keyword_is_clause(enum keyword keyword)
{
    return keyword >= KW_RED && keyword <= KW_TAG;
}

bool word_is(struct slice text, enum word word, enum language language);
const char *word_text(enum word word, enum language language);

/* The webhook's name of a cause ("illness"), NULL when there is none; both languages' words are accepted. */
const char *cause_find(struct slice text, enum language language);
/* All causes of the language, separated by blanks, for diagnostics. */
const char *cause_list(enum language language);

#endif
