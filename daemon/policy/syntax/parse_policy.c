/* SPDX-License-Identifier: PostgreSQL */
/* A policy from its first statement to the last: the header, documents, equivalents, and whose each other statement is. */
#include "policy/syntax/parser.h"

/* 政策 NAME 版本 V 生效 DATE */
static bool parse_header(struct parser *parser, struct policy_ast *ast)
{
    struct place at;
    parser_next(parser); /* lexer_language has seen that it is 政策 or policy */
    if (!parser_name(parser, &ast->name, &at) || !parser_expect(parser, KW_VERSION))
        return false;
    const struct token *version = parser_peek(parser);
    if (!parser_in_statement(parser) ||
        (version->kind != TOKEN_NUMBER && version->kind != TOKEN_WORD && version->kind != TOKEN_STRING))
        return parser_wrong(parser, MESSAGE_NAME_EXPECTED, NULL);
    ast->version = parser_slice(parser, parser_next(parser));
    return parser_expect(parser, KW_EFFECTIVE) && parser_date(parser, &ast->valid_from) &&
           parser_end_of_statement(parser);
}

/* 文件 甲 "004 篇五" */
static bool parse_document(struct parser *parser, struct document **document)
{
    struct document *made = *document = parser_alloc(parser, sizeof *made);
    parser_next(parser);
    return made != NULL && parser_name(parser, &made->name, &made->at) &&
           parser_string(parser, &made->title) && parser_end_of_statement(parser);
}

/* 等效 red.collapse "上年收入 > 0.00" "上年收入 ≥ 0.00" 理由 "…" */
static bool parse_equivalent(struct parser *parser, struct equivalent_statement **equivalent)
{
    struct equivalent_statement *made = parser_alloc(parser, sizeof *made);
    parser_next(parser);
    if (made == NULL || !parser_name(parser, &made->owner, &made->at) ||
        !parser_string(parser, &made->before) || !parser_string(parser, &made->after) ||
        !parser_expect(parser, KW_REASON) || !parser_string(parser, &made->reason) ||
        !parser_end_of_statement(parser))
        return false;
    *equivalent = made;
    return true;
}

static void skip_statement(struct parser *parser)
{
    while (parser_in_statement(parser))
        parser_next(parser);
}

/* Where the next statement of each kind goes. */
struct tails {
    struct document **document;
    struct source_statement **source;
    struct definition **definition;
    struct clause_statement **clause;
    struct example_statement **example;
    struct equivalent_statement **equivalent;
    struct trial_statement **trial;
};

#define BEHIND(tail) (*(tail) != NULL ? &(*(tail))->next : (tail))

/* What was begun stays in the tree, even when the rest of it is wrong. */
static void move_on(struct tails *tails)
{
    tails->document = BEHIND(tails->document);
    tails->source = BEHIND(tails->source);
    tails->definition = BEHIND(tails->definition);
    tails->clause = BEHIND(tails->clause);
    tails->example = BEHIND(tails->example);
    tails->equivalent = BEHIND(tails->equivalent);
    tails->trial = BEHIND(tails->trial);
}

static bool no_statement(struct parser *parser)
{
    const struct token *token = parser_next(parser);
    const char *found = diagnose_quoted(parser->diagnoser, parser_slice(parser, token));
    return parser_wrong_at(parser, parser_place(token), MESSAGE_STATEMENT_EXPECTED, found, NULL);
}

static bool parse_statement(struct parser *parser, const struct tails *tails)
{
    enum keyword keyword = (enum keyword)parser_peek(parser)->keyword;
    if (keyword_is_clause(keyword))
        return parse_clause(parser, keyword, tails->clause);
    const struct definition_parser *by = parse_definition_by(keyword);
    if (by != NULL)
        return parse_definition(parser, by, tails->definition);
    switch ((int)keyword) {
    case KW_DOCUMENT:
        return parse_document(parser, tails->document);
    case KW_SOURCE:
        return parse_source(parser, tails->source);
    case KW_EXAMPLE:
        return parse_example(parser, tails->example);
    case KW_EQUIVALENT:
        return parse_equivalent(parser, tails->equivalent);
    case KW_TRIAL:
        return parse_trial(parser, tails->trial);
    default:
        return no_statement(parser);
    }
}

static void parse_statements(struct parser *parser, struct policy_ast *ast)
{
    struct tails tails = {&ast->documents, &ast->sources,     &ast->definitions, &ast->clauses,
                          &ast->examples,  &ast->equivalents, &ast->trials};
    if (!parse_header(parser, ast))
        skip_statement(parser);
    while (parser_peek(parser)->kind != TOKEN_END && !parser->diagnoser->failed) {
        parser->in_clause = false;
        parser->parentheses = 0;
        parser->depth = 0;
        if (!parse_statement(parser, &tails))
            skip_statement(parser);
        move_on(&tails);
    }
}

bool parser_run(const char *text, size_t length, struct diagnoser *diagnoser, struct arena *arena,
                struct arena *scratch, struct policy_ast *ast)
{
    if (!lexer_language(text, length, &diagnoser->language)) {
        diagnose(diagnoser, (struct place){1, 1}, MESSAGE_NO_LANGUAGE, NULL, NULL, NULL);
        return false;
    }
    struct lexer_result lexed;
    if (!lexer_run(text, 0, length, (struct place){1, 1}, diagnoser, scratch, &lexed))
        return false;
    struct parser parser = {.text = text,
                            .text_length = length,
                            .tokens = lexed.tokens,
                            .diagnoser = diagnoser,
                            .arena = arena,
                            .language = diagnoser->language};
    if (parser_peek(&parser)->column != 1) {
        diagnose(diagnoser, parser_place(parser_peek(&parser)), MESSAGE_INDENTED_FIRST, parser_found(&parser),
                 NULL, NULL);
        return false;
    }
    parse_statements(&parser, ast);
    return diagnoser_clean(diagnoser);
}

struct expr *parser_run_expression(const char *text, size_t begin, size_t end, struct place at,
                                   struct diagnoser *diagnoser, struct arena *arena, struct arena *scratch)
{
    struct lexer_result lexed;
    if (!lexer_run(text, begin, end, at, diagnoser, scratch, &lexed))
        return NULL;
    struct parser parser = {.text = text,
                            .text_length = end,
                            .tokens = lexed.tokens,
                            .diagnoser = diagnoser,
                            .arena = arena,
                            .language = diagnoser->language};
    struct expr *expr = parse_condition(&parser);
    return expr != NULL && parser_end_of_statement(&parser) ? expr : NULL;
}
