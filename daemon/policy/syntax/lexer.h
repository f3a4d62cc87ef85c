/* SPDX-License-Identifier: PostgreSQL */
/*
 * Text → tokens. Blanks separate words; '#' begins a comment; a token that begins in the first column begins
 * a statement.
 *
 * The lexer refuses nothing but text that is not UTF-8 and a quotation mark without its partner: titles and
 * citations run to the end of their line and may hold anything. Full-width punctuation means the same as
 * half-width.
 *
 * Ownership: tokens are allocated from the arena and borrow the text. Columns count characters from 1.
 */
#ifndef SHOUWANG_POLICY_LEXER_H
#define SHOUWANG_POLICY_LEXER_H

#include "base/arena.h"
#include "policy/syntax/diagnose.h"
#include "policy/syntax/keywords.h"

#include <stdint.h>

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_NUMBER, /* 4830.00 */
    TOKEN_DATE,   /* 2021-01-01 */
    TOKEN_STRING, /* without its quotation marks */
    TOKEN_SYMBOL,
    TOKEN_OTHER, /* a character that means nothing to the language */
};

enum mark {
    SYMBOL_NONE,
    SYMBOL_OPEN,
    SYMBOL_CLOSE,
    SYMBOL_COMMA,
    SYMBOL_COLON,
    SYMBOL_EQUAL,
    SYMBOL_NOT_EQUAL,
    SYMBOL_LESS,
    SYMBOL_LESS_EQUAL,
    SYMBOL_GREATER,
    SYMBOL_GREATER_EQUAL,
    SYMBOL_PLUS,
    SYMBOL_MINUS,
    SYMBOL_TIMES,
    SYMBOL_DIVIDE, /* ÷ and / */
    SYMBOL_RANGE,  /* .. */
    SYMBOL_UNKNOWN /* ? */
};

struct token {
    uint8_t kind;    /* enum token_kind */
    uint8_t symbol;  /* enum mark */
    uint8_t keyword; /* enum keyword, of words */
    bool first;      /* the first of its line */
    bool glued;      /* no blank before it */
    int line, column;
    uint32_t offset, length; /* in the whole text */
};

/* Where a token's own marks begin and end: a string's are outside of its text. */
size_t token_begin(const char *text, const struct token *token);
size_t token_end(const char *text, const struct token *token);

struct lexer_result {
    struct token *tokens; /* the last one is TOKEN_END */
    size_t count;
};

/* Lexes text[begin, end), whose first character stands at `at`. False when diagnosed or memory has run out.
 */
bool lexer_run(const char *text, size_t begin, size_t end, struct place at, struct diagnoser *diagnoser,
               struct arena *arena, struct lexer_result *result);

/* Where the text begins: after the byte order mark that some editors put first. */
size_t lexer_first(const char *text, size_t length);
/* The language that the first word chooses; false when it is neither language's word for a policy. */
bool lexer_language(const char *text, size_t length, enum language *language);

#endif
