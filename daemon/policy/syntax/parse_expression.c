/* SPDX-License-Identifier: PostgreSQL */
/*
 * Expressions, from loose to tight:  或   且   非   comparison and 属于   + −   × ÷   a value (parse_value.c).
 * Depth is bounded by AST_DEPTH_MAX: every way down passes through parse_condition, parse_not, 若 or 超过.
 */
#include "policy/syntax/parse_expression.h"

bool parse_enter(struct parser *parser)
{
    if (++parser->depth <= AST_DEPTH_MAX)
        return true;
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_TOO_DEEP,
             diagnose_number(parser->diagnoser, AST_DEPTH_MAX), NULL, NULL);
    return false;
}

void parse_leave(struct parser *parser)
{
    parser->depth--;
}

struct expr *parse_new(struct parser *parser, enum expr_kind kind, const struct token *token)
{
    struct expr *expr = parser_alloc(parser, sizeof *expr);
    if (expr == NULL)
        return NULL;
    expr->kind = kind;
    expr->at = parser_place(token);
    expr->begin = token->offset;
    expr->end = token->offset + token->length;
    return expr;
}

/* The expression ends with the token taken last. */
struct expr *parse_finish(struct parser *parser, struct expr *expr)
{
    const struct token *last = &parser->tokens[parser->position - 1];
    expr->end = last->offset + last->length;
    return expr;
}

/* first: the token that the left side began with, which may be a parenthesis. */
static struct expr *join(struct parser *parser, enum expr_kind kind, const struct token *first,
                         const struct token *op, struct expr *a, struct expr *b)
{
    struct expr *expr = b == NULL ? NULL : parse_new(parser, kind, op);
    if (expr == NULL)
        return NULL;
    expr->a = a;
    expr->b = b;
    expr->symbol = op->symbol;
    expr->begin = first->offset;
    return parse_finish(parser, expr);
}

struct expr *parse_refuse(struct parser *parser, enum message message)
{
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), message, parser_found(parser), NULL, NULL);
    return NULL;
}

bool parse_open(struct parser *parser)
{
    if (!parser_expect_symbol(parser, SYMBOL_OPEN, "("))
        return false;
    parser->parentheses++;
    return true;
}

bool parse_close(struct parser *parser)
{
    if (!parser_expect_symbol(parser, SYMBOL_CLOSE, ")"))
        return false;
    parser->parentheses--;
    return true;
}

/* --- operators --------------------------------------------------------------------------------------------------- */

static const struct token *accept_operator(struct parser *parser, enum mark a, enum mark b)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_expression(parser) || token->kind != TOKEN_SYMBOL ||
        (token->symbol != a && token->symbol != b))
        return NULL;
    return parser_next(parser);
}

/* A long chain of + is a deep tree; its depth counts like that of parentheses, because the checker walks it.
 */
enum { CHAIN_MAX = 256 };

static bool chain_goes_on(struct parser *parser, int *links)
{
    if (++*links <= CHAIN_MAX)
        return true;
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_TOO_DEEP,
             diagnose_number(parser->diagnoser, CHAIN_MAX), NULL, NULL);
    return false;
}

static struct expr *parse_product(struct parser *parser)
{
    int links = 0;
    const struct token *first = parser_peek(parser);
    struct expr *left = parse_value(parser);
    for (const struct token *op;
         left != NULL && (op = accept_operator(parser, SYMBOL_TIMES, SYMBOL_DIVIDE)) != NULL;) {
        enum expr_kind kind = op->symbol == SYMBOL_TIMES ? EXPR_MULTIPLY : EXPR_DIVIDE;
        left =
            chain_goes_on(parser, &links) ? join(parser, kind, first, op, left, parse_value(parser)) : NULL;
    }
    return left;
}

struct expr *parse_amount(struct parser *parser)
{
    int links = 0;
    const struct token *first = parser_peek(parser);
    struct expr *left = parse_product(parser);
    for (const struct token *op;
         left != NULL && (op = accept_operator(parser, SYMBOL_PLUS, SYMBOL_MINUS)) != NULL;) {
        enum expr_kind kind = op->symbol == SYMBOL_PLUS ? EXPR_ADD : EXPR_SUBTRACT;
        left =
            chain_goes_on(parser, &links) ? join(parser, kind, first, op, left, parse_product(parser)) : NULL;
    }
    return left;
}

static bool at_comparison(const struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    return parser_in_expression(parser) && token->kind == TOKEN_SYMBOL && token->symbol >= SYMBOL_EQUAL &&
           token->symbol <= SYMBOL_GREATER_EQUAL;
}

/* 属于 (a, b, c) */
static struct expr *parse_in(struct parser *parser, const struct token *first, struct expr *left)
{
    const struct token *op = parser_next(parser);
    struct expr *expr = parse_new(parser, EXPR_IN, op);
    if (expr == NULL || !parse_open(parser))
        return NULL;
    expr->a = left;
    expr->begin = first->offset;
    expr->items = parser_alloc(parser, AST_LIST_MAX * sizeof *expr->items);
    if (expr->items == NULL)
        return NULL;
    do {
        const struct token *token = parser_peek(parser);
        if (!parser_in_expression(parser) || (token->kind != TOKEN_WORD && token->kind != TOKEN_NUMBER) ||
            expr->item_count == AST_LIST_MAX)
            return parse_refuse(parser, MESSAGE_NAME_EXPECTED);
        expr->items[expr->item_count++] =
            (struct item){parser_slice(parser, token), parser_place(token), (enum keyword)token->keyword};
        parser_next(parser);
    } while (parser_accept_symbol(parser, SYMBOL_COMMA));
    return parse_close(parser) ? parse_finish(parser, expr) : NULL;
}

/* Any word, reserved or not: 劳动力 = 无 */
static struct expr *parse_word(struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_expression(parser) || token->kind != TOKEN_WORD)
        return parse_refuse(parser, MESSAGE_NAME_EXPECTED);
    struct expr *expr = parse_new(parser, EXPR_NAME, parser_next(parser));
    if (expr != NULL)
        expr->name = parser_slice(parser, token);
    return expr;
}

/* What people write for a sign; none of these is a word of the language. */
static const struct {
    const char *text, *sign;
} signs_in_words[] = {
    {"低于", "<"},     {"小于", "<"},    {"少于", "<"},      {"不足", "<"},      {"高于", ">"},
    {"大于", ">"},     {"多于", ">"},    {"不低于", "≥"},    {"不小于", "≥"},    {"不少于", "≥"},
    {"至少", "≥"},     {"不高于", "≤"},  {"不大于", "≤"},    {"不多于", "≤"},    {"不超过", "≤"},
    {"至多", "≤"},     {"等于", "="},    {"不等于", "≠"},    {"below", "<"},     {"above", ">"},
    {"at_least", "≥"}, {"at_most", "≤"}, {"less_than", "<"}, {"more_than", ">"}, {"equals", "="},
};

static const char *sign_meant(struct parser *parser, const struct token *token)
{
    for (size_t i = 0; token->kind == TOKEN_WORD && i < sizeof signs_in_words / sizeof *signs_in_words; i++)
        if (slice_is(parser_slice(parser, token), signs_in_words[i].text))
            return signs_in_words[i].sign;
    return NULL;
}

/*
 * 人均 低于 低保: the word was read as the name of a fact behind a window, or stands where the expression ends; both are mistakes
 * already, which only need to be said better. `first`: the token with which the left side begins.
 */
static bool says_sign_in_words(struct parser *parser, const struct token *first)
{
    const struct token *token = parser_peek(parser), *last = &parser->tokens[parser->position - 1];
    if (!parser_in_expression(parser))
        return false;
    const char *sign = sign_meant(parser, token);
    if (sign == NULL && last != first && token->keyword == KW_NONE_OF_THESE && token->kind != TOKEN_SYMBOL &&
        (sign = sign_meant(parser, last)) != NULL)
        token = last;
    if (sign == NULL)
        return false;
    diagnose(parser->diagnoser, parser_place(token), MESSAGE_SIGN_IN_WORDS,
             diagnose_slice(parser->diagnoser, parser_slice(parser, token)), sign, NULL);
    return true;
}

/* =< and =>, whose parts are signs each */
static bool is_turned_round(struct parser *parser, const struct token *op)
{
    const struct token *next = parser_peek(parser);
    if (op->symbol != SYMBOL_EQUAL || !parser_in_expression(parser) || next->kind != TOKEN_SYMBOL ||
        (next->symbol != SYMBOL_LESS && next->symbol != SYMBOL_GREATER))
        return false;
    bool less = next->symbol == SYMBOL_LESS;
    diagnose(parser->diagnoser, parser_place(op), MESSAGE_SIGN_IN_WORDS, less ? "=<" : "=>", less ? "≤" : "≥",
             NULL);
    return true;
}

static struct expr *parse_comparison(struct parser *parser)
{
    const struct token *first = parser_peek(parser);
    struct expr *left = parse_amount(parser);
    if (left == NULL || says_sign_in_words(parser, first))
        return NULL;
    if (parser_in_expression(parser) && parser_at_keyword(parser, KW_IN))
        return parse_in(parser, first, left);
    if (!at_comparison(parser))
        return left;
    const struct token *op = parser_next(parser);
    if (is_turned_round(parser, op))
        return NULL;
    bool trait = left->kind == EXPR_KINSHIP || left->kind == EXPR_LABOUR;
    struct expr *right = trait ? parse_word(parser) : parse_amount(parser);
    struct expr *expr = join(parser, EXPR_COMPARE, first, op, left, right);
    if (expr != NULL && at_comparison(parser))
        return parse_refuse(parser, MESSAGE_CHAIN);
    return expr;
}

static struct expr *parse_not(struct parser *parser)
{
    if (!parser_in_expression(parser) || !parser_at_keyword(parser, KW_NOT))
        return parse_comparison(parser);
    struct expr *expr = parse_new(parser, EXPR_NOT, parser_next(parser));
    if (expr == NULL || !parse_enter(parser))
        return NULL;
    expr->a = parse_not(parser);
    parse_leave(parser);
    return expr->a == NULL ? NULL : parse_finish(parser, expr);
}

static struct expr *parse_and(struct parser *parser)
{
    int links = 0;
    const struct token *first = parser_peek(parser);
    struct expr *left = parse_not(parser);
    while (left != NULL && parser_in_expression(parser) && parser_at_keyword(parser, KW_AND)) {
        const struct token *op = parser_next(parser);
        left =
            chain_goes_on(parser, &links) ? join(parser, EXPR_AND, first, op, left, parse_not(parser)) : NULL;
    }
    return left;
}

struct expr *parse_condition(struct parser *parser)
{
    int links = 0;
    const struct token *first = parser_peek(parser);
    if (!parse_enter(parser))
        return NULL;
    struct expr *left = parse_and(parser);
    while (left != NULL && parser_in_expression(parser) && parser_at_keyword(parser, KW_OR)) {
        const struct token *op = parser_next(parser);
        left =
            chain_goes_on(parser, &links) ? join(parser, EXPR_OR, first, op, left, parse_and(parser)) : NULL;
    }
    parse_leave(parser);
    return left;
}
