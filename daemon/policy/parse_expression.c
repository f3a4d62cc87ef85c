/* SPDX-License-Identifier: PostgreSQL */
/*
 * Expressions, from loose to tight:  或   且   非   comparison and 属于   + −   × ÷   a value.
 * Depth is bounded by AST_DEPTH_MAX: every way down passes through parse_or or parse_not.
 */
#include "policy/parser.h"

#include <string.h>

static struct expr *parse_or(struct parser *parser);

static bool enter(struct parser *parser)
{
    if (++parser->depth <= AST_DEPTH_MAX)
        return true;
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_TOO_DEEP,
             diagnose_number(parser->diagnoser, AST_DEPTH_MAX), NULL, NULL);
    return false;
}

static void leave(struct parser *parser)
{
    parser->depth--;
}

static struct expr *new_expr(struct parser *parser, enum expr_kind kind, const struct token *token)
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
static struct expr *finish(struct parser *parser, struct expr *expr)
{
    if (parser->position > 0) {
        const struct token *last = &parser->tokens[parser->position - 1];
        expr->end = last->offset + last->length;
    }
    return expr;
}

static struct expr *join(struct parser *parser, enum expr_kind kind, const struct token *op, struct expr *a,
                         struct expr *b)
{
    struct expr *expr = a == NULL || b == NULL ? NULL : new_expr(parser, kind, op);
    if (expr == NULL)
        return NULL;
    expr->a = a;
    expr->b = b;
    expr->symbol = op->symbol;
    expr->begin = a->begin;
    return finish(parser, expr);
}

static struct expr *refuse(struct parser *parser, enum message message)
{
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), message, parser_found(parser), NULL, NULL);
    return NULL;
}

static bool open(struct parser *parser)
{
    if (!parser_expect_symbol(parser, SYMBOL_OPEN, "("))
        return false;
    parser->parentheses++;
    return true;
}

static bool close(struct parser *parser)
{
    if (!parser_expect_symbol(parser, SYMBOL_CLOSE, ")"))
        return false;
    parser->parentheses--;
    return true;
}

/* --- windows
 * ------------------------------------------------------------------------------------------------------ */

bool parse_window_word(struct slice word, enum language language, int *months, int *days)
{
    static const struct {
        const char *prefix, *suffix;
        int months, days;
    } forms[2][5] = {
        {{"近", "月", 1, 0},
         {"近", "个月", 1, 0},
         {"近", "年", 12, 0},
         {"近", "日", 0, 1},
         {"近", "天", 0, 1}},
        {{"last_", "_months", 1, 0},
         {"last_", "_month", 1, 0},
         {"last_", "_years", 12, 0},
         {"last_", "_days", 0, 1},
         {"last_", "_day", 0, 1}},
    };
    for (size_t i = 0; i < sizeof forms[0] / sizeof forms[0][0]; i++) {
        size_t prefix = strlen(forms[language][i].prefix), suffix = strlen(forms[language][i].suffix);
        if (word.length <= prefix + suffix || word.length > prefix + suffix + 4 ||
            memcmp(word.bytes, forms[language][i].prefix, prefix) != 0 ||
            memcmp(word.bytes + word.length - suffix, forms[language][i].suffix, suffix) != 0)
            continue;
        int count = 0;
        bool digits = true;
        for (size_t at = prefix; at < word.length - suffix; at++) {
            digits = digits && word.bytes[at] >= '0' && word.bytes[at] <= '9';
            count = count * 10 + (word.bytes[at] - '0');
        }
        if (!digits || count * forms[language][i].months > 1200 || count == 0)
            continue;
        *months = count * forms[language][i].months;
        *days = count * forms[language][i].days;
        return true;
    }
    return false;
}

/* --- sets
 * ---------------------------------------------------------------------------------------------------------
 */

struct set_expr *parse_set(struct parser *parser)
{
    struct set_expr *set = parser_alloc(parser, sizeof *set);
    if (set == NULL)
        return NULL;
    set->at = parser_place(parser_peek(parser));
    do {
        const struct token *token = parser_peek(parser);
        bool fits = token->keyword == KW_REGISTERED || token->keyword == KW_HOUSEHOLD ||
                    token->keyword == KW_NONE_OF_THESE;
        if (!parser_in_expression(parser) || token->kind != TOKEN_WORD || !fits ||
            set->part_count == AST_SET_PARTS_MAX) {
            refuse(parser, MESSAGE_SET_EXPECTED);
            return NULL;
        }
        set->parts[set->part_count++] =
            (struct item){parser_slice(parser, token), parser_place(token), (enum keyword)token->keyword};
        parser_next(parser);
    } while (parser_accept(parser, KW_WITH));
    if (parser_in_expression(parser) && parser_accept(parser, KW_AMONG) &&
        (set->filter = parse_or(parser)) == NULL)
        return NULL;
    return set;
}

/* --- values
 * ------------------------------------------------------------------------------------------------------- */

static struct expr *parse_number(struct parser *parser)
{
    const struct token *token = parser_next(parser);
    struct expr *expr = new_expr(parser, EXPR_NUMBER, token);
    if (expr == NULL || !parser_number(parser, token, &expr->number))
        return NULL;
    const struct token *next = parser_peek(parser);
    if (next->glued && next->kind == TOKEN_OTHER && slice_is(parser_slice(parser, next), "%")) {
        parser_next(parser);
        if (!fraction_divide(expr->number, fraction_of(100), &expr->number))
            return NULL;
    } else if (next->glued && next->kind == TOKEN_WORD) {
        expr->has_unit = true;
        if (!parser_unit(parser, &expr->unit))
            return NULL;
    }
    return finish(parser, expr);
}

/* (amount), (condition) */
static struct expr *parse_parentheses(struct parser *parser)
{
    if (!open(parser))
        return NULL;
    struct expr *expr = parse_or(parser);
    if (expr == NULL || !close(parser))
        return NULL;
    return expr;
}

/* 合计(set, x), 计数(set), 计数(set, x) … */
static struct expr *parse_aggregate(struct parser *parser)
{
    const struct token *token = parser_next(parser);
    struct expr *expr = new_expr(parser, EXPR_AGGREGATE, token);
    if (expr == NULL)
        return NULL;
    expr->verb = (enum keyword)token->keyword;
    if (!open(parser) || (expr->set = parse_set(parser)) == NULL)
        return NULL;
    if (parser_accept_symbol(parser, SYMBOL_COMMA)) {
        if ((expr->a = parse_or(parser)) == NULL)
            return NULL;
    } else if (expr->verb != KW_COUNT) {
        return parser_expect_symbol(parser, SYMBOL_COMMA, ",") ? expr : NULL;
    }
    return close(parser) ? finish(parser, expr) : NULL;
}

/* 申报(condition, range, amount) */
static struct expr *parse_declared(struct parser *parser)
{
    struct expr *expr = new_expr(parser, EXPR_DECLARED, parser_next(parser));
    if (expr == NULL || !open(parser) || (expr->a = parse_or(parser)) == NULL ||
        !parser_expect_symbol(parser, SYMBOL_COMMA, ",") || (expr->b = parse_or(parser)) == NULL ||
        !parser_expect_symbol(parser, SYMBOL_COMMA, ",") || (expr->c = parse_or(parser)) == NULL ||
        !close(parser))
        return NULL;
    return finish(parser, expr);
}

/* 含未知(amount) */
static struct expr *parse_has_unknown(struct parser *parser)
{
    struct expr *expr = new_expr(parser, EXPR_HAS_UNKNOWN, parser_next(parser));
    if (expr == NULL || (expr->a = parse_parentheses(parser)) == NULL)
        return NULL;
    return finish(parser, expr);
}

static bool is_verb(enum keyword keyword)
{
    return keyword == KW_CURRENT || keyword == KW_LATEST || keyword == KW_HELD || keyword == KW_AT_END ||
           keyword == KW_HAPPENED || keyword == KW_ENDED;
}

/* The current token continues the fact phrase on the same line. */
static bool phrase_goes_on(const struct parser *parser)
{
    return parser_in_expression(parser) && !parser_peek(parser)->first &&
           parser_peek(parser)->kind == TOKEN_WORD;
}

/* [本户] [window | 至今] [verb] name */
static struct expr *parse_phrase(struct parser *parser)
{
    struct expr *expr = new_expr(parser, EXPR_FACT, parser_peek(parser));
    if (expr == NULL)
        return NULL;
    expr->first_at = expr->at;
    expr->household = parser_accept(parser, KW_HOUSEHOLD);
    expr->window_at = expr->at;
    if (parser_in_expression(parser) && parser_accept(parser, KW_EVER)) {
        expr->ever = true;
    } else if (parser_in_expression(parser) && parser_peek(parser)->keyword == KW_NONE_OF_THESE) {
        if (!parser_name(parser, &expr->name, &expr->at))
            return NULL;
        bool windowed = phrase_goes_on(parser) && (is_verb((enum keyword)parser_peek(parser)->keyword) ||
                                                   parser_peek(parser)->keyword == KW_NONE_OF_THESE);
        if (!windowed) {
            expr->kind = EXPR_NAME;
            return finish(parser, expr);
        }
        expr->window = expr->name;
        expr->window_at = expr->at;
    }
    if (parser_in_expression(parser) && is_verb((enum keyword)parser_peek(parser)->keyword))
        expr->verb = (enum keyword)parser_next(parser)->keyword;
    if (!parser_in_expression(parser))
        return refuse(parser, MESSAGE_NAME_EXPECTED);
    return parser_name(parser, &expr->name, &expr->at) ? finish(parser, expr) : NULL;
}

static struct expr *parse_word_value(struct parser *parser, enum expr_kind kind)
{
    return new_expr(parser, kind, parser_next(parser));
}

static struct expr *parse_keyword_value(struct parser *parser)
{
    switch (parser_peek(parser)->keyword) {
    case KW_SUM:
    case KW_COUNT:
    case KW_ANY:
    case KW_ALL:
    case KW_MAXIMUM:
    case KW_MINIMUM:
        return parse_aggregate(parser);
    case KW_DECLARED:
        return parse_declared(parser);
    case KW_HAS_UNKNOWN:
        return parse_has_unknown(parser);
    case KW_UNDECIDED:
        return parse_word_value(parser, EXPR_UNDECIDED);
    case KW_YES:
        return parse_word_value(parser, EXPR_YES);
    case KW_NO:
        return parse_word_value(parser, EXPR_NO);
    case KW_RURAL:
        return parse_word_value(parser, EXPR_RURAL);
    case KW_URBAN:
        return parse_word_value(parser, EXPR_URBAN);
    case KW_AGE:
        return parse_word_value(parser, EXPR_AGE);
    case KW_LEVEL:
        return parse_word_value(parser, EXPR_LEVEL);
    case KW_HOUSEHOLD:
    case KW_EVER:
    case KW_CURRENT:
    case KW_LATEST:
    case KW_NONE_OF_THESE:
        return parse_phrase(parser);
    default:
        return refuse(parser, MESSAGE_VALUE_EXPECTED);
    }
}

static struct expr *parse_value(struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_expression(parser))
        return refuse(parser, MESSAGE_VALUE_EXPECTED);
    if (token->kind == TOKEN_NUMBER)
        return parse_number(parser);
    if (token->kind == TOKEN_SYMBOL && token->symbol == SYMBOL_OPEN)
        return parse_parentheses(parser);
    if (token->kind == TOKEN_WORD)
        return parse_keyword_value(parser);
    return refuse(parser, MESSAGE_VALUE_EXPECTED);
}

/* --- operators
 * ---------------------------------------------------------------------------------------------------- */

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
    struct expr *left = parse_value(parser);
    for (const struct token *op;
         left != NULL && (op = accept_operator(parser, SYMBOL_TIMES, SYMBOL_DIVIDE)) != NULL;) {
        enum expr_kind kind = op->symbol == SYMBOL_TIMES ? EXPR_MULTIPLY : EXPR_DIVIDE;
        left = chain_goes_on(parser, &links) ? join(parser, kind, op, left, parse_value(parser)) : NULL;
    }
    return left;
}

struct expr *parse_amount(struct parser *parser)
{
    int links = 0;
    struct expr *left = parse_product(parser);
    for (const struct token *op;
         left != NULL && (op = accept_operator(parser, SYMBOL_PLUS, SYMBOL_MINUS)) != NULL;) {
        enum expr_kind kind = op->symbol == SYMBOL_PLUS ? EXPR_ADD : EXPR_SUBTRACT;
        left = chain_goes_on(parser, &links) ? join(parser, kind, op, left, parse_product(parser)) : NULL;
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
static struct expr *parse_in(struct parser *parser, struct expr *left)
{
    const struct token *op = parser_next(parser);
    struct expr *expr = new_expr(parser, EXPR_IN, op);
    if (expr == NULL || !open(parser))
        return NULL;
    expr->a = left;
    expr->begin = left->begin;
    expr->items = parser_alloc(parser, AST_LIST_MAX * sizeof *expr->items);
    if (expr->items == NULL)
        return NULL;
    do {
        const struct token *token = parser_peek(parser);
        if (!parser_in_expression(parser) || (token->kind != TOKEN_WORD && token->kind != TOKEN_NUMBER) ||
            expr->item_count == AST_LIST_MAX)
            return refuse(parser, MESSAGE_NAME_EXPECTED);
        expr->items[expr->item_count++] =
            (struct item){parser_slice(parser, token), parser_place(token), (enum keyword)token->keyword};
        parser_next(parser);
    } while (parser_accept_symbol(parser, SYMBOL_COMMA));
    return close(parser) ? finish(parser, expr) : NULL;
}

static struct expr *parse_comparison(struct parser *parser)
{
    struct expr *left = parse_amount(parser);
    if (left == NULL)
        return NULL;
    if (parser_in_expression(parser) && parser_at_keyword(parser, KW_IN))
        return parse_in(parser, left);
    if (!at_comparison(parser))
        return left;
    const struct token *op = parser_next(parser);
    struct expr *expr = join(parser, EXPR_COMPARE, op, left, parse_amount(parser));
    if (expr != NULL && at_comparison(parser))
        return refuse(parser, MESSAGE_CHAIN);
    return expr;
}

static struct expr *parse_not(struct parser *parser)
{
    if (!parser_in_expression(parser) || !parser_at_keyword(parser, KW_NOT))
        return parse_comparison(parser);
    struct expr *expr = new_expr(parser, EXPR_NOT, parser_next(parser));
    if (expr == NULL || !enter(parser))
        return NULL;
    expr->a = parse_not(parser);
    leave(parser);
    return expr->a == NULL ? NULL : finish(parser, expr);
}

static struct expr *parse_and(struct parser *parser)
{
    int links = 0;
    struct expr *left = parse_not(parser);
    while (left != NULL && parser_in_expression(parser) && parser_at_keyword(parser, KW_AND)) {
        const struct token *op = parser_next(parser);
        left = chain_goes_on(parser, &links) ? join(parser, EXPR_AND, op, left, parse_not(parser)) : NULL;
    }
    return left;
}

static struct expr *parse_or(struct parser *parser)
{
    int links = 0;
    if (!enter(parser))
        return NULL;
    struct expr *left = parse_and(parser);
    while (left != NULL && parser_in_expression(parser) && parser_at_keyword(parser, KW_OR)) {
        const struct token *op = parser_next(parser);
        left = chain_goes_on(parser, &links) ? join(parser, EXPR_OR, op, left, parse_and(parser)) : NULL;
    }
    leave(parser);
    return left;
}

struct expr *parse_condition(struct parser *parser)
{
    return parse_or(parser);
}
