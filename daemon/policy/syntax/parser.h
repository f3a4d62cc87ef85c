/* SPDX-License-Identifier: PostgreSQL */
/*
 * Tokens → policy_ast. A mistake is diagnosed and the parser goes on with the next statement, so that one run
 * shows many.
 *
 * parse_policy.c begins each statement; parse_definition.c, parse_source.c, parse_clause.c (with parse_attribute.c),
 * parse_gradual.c, parse_trial.c and parse_example.c read one; parse_expression.c and parse_value.c read what they compute
 * with. All stand on parser.c: tokens, and the small parts of many statements. What gives false or NULL has diagnosed why.
 *
 * Ownership: the tree lives in `arena`; its texts are borrowed from the policy's. Threading: one thread at a time.
 */
#ifndef SHOUWANG_POLICY_PARSER_H
#define SHOUWANG_POLICY_PARSER_H

#include "policy/syntax/ast.h"
#include "policy/syntax/lexer.h"

/* False when something was diagnosed. `scratch` keeps the tokens, `arena` the tree. */
bool parser_run(const char *text, size_t length, struct diagnoser *diagnoser, struct arena *arena,
                struct arena *scratch, struct policy_ast *ast);

/* Parses one expression of a template: text[begin, end), which begins at `at`. NULL when diagnosed. */
struct expr *parser_run_expression(const char *text, size_t begin, size_t end, struct place at,
                                   struct diagnoser *diagnoser, struct arena *arena, struct arena *scratch);

/* --- parser.c ------------------------------------------------------------------------------------------------------- */

struct parser {
    const char *text;
    size_t text_length;
    const struct token *tokens;
    size_t position;
    bool in_clause; /* each line is a conjunct: an expression ends with its line, unless 或 goes on */
    int parentheses;
    int depth;
    struct diagnoser *diagnoser;
    struct arena *arena;
    enum language language;
};

const struct token *parser_peek(const struct parser *parser);
const struct token *parser_next(struct parser *parser); /* takes one; stays at the end */
struct slice parser_slice(const struct parser *parser, const struct token *token);
struct place parser_place(const struct token *token);
/* The current token belongs to the statement that began at the last first column. */
bool parser_in_statement(const struct parser *parser);
/* The current token belongs to the expression being read. */
bool parser_in_expression(const struct parser *parser);
bool parser_at_keyword(const struct parser *parser, enum keyword keyword);
bool parser_accept(struct parser *parser, enum keyword keyword);
bool parser_accept_symbol(struct parser *parser, enum mark symbol);
/* Diagnose, and are false: `message` about the current token, or about what stands at a place; `what` stood to be expected. */
bool parser_wrong(struct parser *parser, enum message message, const char *b);
bool parser_wrong_at(struct parser *parser, struct place at, enum message message, const char *a,
                     const char *b);
bool parser_expected(struct parser *parser, const char *what);
bool parser_expect(struct parser *parser, enum keyword keyword);
/* 农村 A 城市 B, in any order; the values are read by `parse`. Both must be NULL. */
bool parser_areas(struct parser *parser, struct expr *(*parse)(struct parser *), struct expr **rural,
                  struct expr **urban);
bool parser_expect_symbol(struct parser *parser, enum mark symbol, const char *shown);
/* "‘当’", or what stands for the end of the text. */
const char *parser_found(struct parser *parser);
bool parser_name(struct parser *parser, struct slice *name,
                 struct place *at); /* a new or used name: no keyword */
bool parser_date(struct parser *parser, day_t *day);
bool parser_count(struct parser *parser, int maximum, int *count); /* a whole number without unit */
bool parser_days(struct parser *parser, int *days);                /* 35天 */
bool parser_months(struct parser *parser, int *months);            /* 18月; at least 1 */
bool parser_number(struct parser *parser, const struct token *token, struct fraction *number);
/* From the current token to the end of its line, without a comment; takes its tokens. */
struct slice parser_rest_of_line(struct parser *parser);
bool parser_citation(struct parser *parser, struct citation *citation); /* after 依据 */
bool parser_unit(struct parser *parser, struct unit *unit);
bool parser_string(struct parser *parser, struct slice *string); /* not empty */
bool parser_end_of_statement(struct parser *parser);             /* nothing else belongs to it */
void *parser_alloc(struct parser *parser, size_t bytes);

/* --- the others --------------------------------------------------------------------------------------------------- */

/* How a definition goes on that begins with the keyword; NULL when none does. */
struct definition_parser;
const struct definition_parser *parse_definition_by(enum keyword keyword);
bool parse_definition(struct parser *parser, const struct definition_parser *by,
                      struct definition **definition);
bool parse_source(struct parser *parser, struct source_statement **source);

struct expr *parse_condition(struct parser *parser);
struct expr *parse_amount(struct parser *parser); /* no comparison, no 且 */
struct set_expr *parse_set(struct parser *parser);
/* 近12月, 近1日, 近2年; false when the word is none. */
bool parse_window_word(struct slice word, enum language language, int *months, int *days);

bool parse_clause(struct parser *parser, enum keyword kind, struct clause_statement **clause);
/* 解除 SOURCE 连续2批, or 解除 连续3轮, after its keyword. */
bool parse_clear(struct parser *parser, struct place at, struct clause_statement *clause);
/* 渐退 NAME: what follows the name. */
bool parse_gradual(struct parser *parser, struct definition *definition);
/* 金额 [X =] AMOUNT [依据 …], after its keyword. */
bool parse_amount_line(struct parser *parser, struct place at, struct clause_statement *clause);
/* 金额 [X] 1200.00 [.. 1800.00], as many as there are. */
bool parse_example_amounts(struct parser *parser, struct example_expectation *expectation);
bool parse_trial(struct parser *parser, struct trial_statement **trial);
bool parse_example(struct parser *parser, struct example_statement **example);

#endif
