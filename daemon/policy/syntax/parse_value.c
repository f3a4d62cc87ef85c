/* SPDX-License-Identifier: PostgreSQL */
/* Values: numbers, parentheses, functions of the language, phrases about facts; windows and sets. */
#include "policy/syntax/parse_expression.h"

#include <string.h>

/* --- windows ------------------------------------------------------------------------------------------------------ */

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
            parse_refuse(parser, MESSAGE_SET_EXPECTED);
            return NULL;
        }
        set->parts[set->part_count++] =
            (struct item){parser_slice(parser, token), parser_place(token), (enum keyword)token->keyword};
        parser_next(parser);
    } while (parser_accept(parser, KW_WITH));
    if (parser_in_expression(parser) && parser_accept(parser, KW_AMONG) &&
        (set->filter = parse_condition(parser)) == NULL)
        return NULL;
    return set;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static struct expr *parse_number(struct parser *parser)
{
    const struct token *token = parser_next(parser);
    struct expr *expr = parse_new(parser, EXPR_NUMBER, token);
    if (expr == NULL || !parser_number(parser, token, &expr->number))
        return NULL;
    const struct token *next = parser_peek(parser);
    if (next->glued && next->kind == TOKEN_OTHER && slice_is(parser_slice(parser, next), "%")) {
        parser_next(parser);
        fraction_divide(expr->number, fraction_of(100), &expr->number); /* of 21 digits at most */
    } else if (next->glued && next->kind == TOKEN_WORD) {
        expr->has_unit = true;
        if (!parser_unit(parser, &expr->unit))
            return NULL;
    }
    return parse_finish(parser, expr);
}

/* (amount), (condition) */
static struct expr *parse_parentheses(struct parser *parser)
{
    if (!parse_open(parser))
        return NULL;
    struct expr *expr = parse_condition(parser);
    if (expr == NULL || !parse_close(parser))
        return NULL;
    return expr;
}

/* 合计(set, x), 计数(set), 计数(set, x) … */
static struct expr *parse_aggregate(struct parser *parser)
{
    const struct token *token = parser_next(parser);
    struct expr *expr = parse_new(parser, EXPR_AGGREGATE, token);
    if (expr == NULL)
        return NULL;
    expr->verb = (enum keyword)token->keyword;
    if (!parse_open(parser) || (expr->set = parse_set(parser)) == NULL)
        return NULL;
    if (parser_accept_symbol(parser, SYMBOL_COMMA)) {
        if ((expr->a = parse_condition(parser)) == NULL)
            return NULL;
    } else if (expr->verb != KW_COUNT) {
        parser_expect_symbol(parser, SYMBOL_COMMA, ","); /* it is not there */
        return NULL;
    }
    return parse_close(parser) ? parse_finish(parser, expr) : NULL;
}

/* 申报(condition, range, amount) */
static struct expr *parse_declared(struct parser *parser)
{
    struct expr *expr = parse_new(parser, EXPR_DECLARED, parser_next(parser));
    if (expr == NULL || !parse_open(parser) || (expr->a = parse_condition(parser)) == NULL ||
        !parser_expect_symbol(parser, SYMBOL_COMMA, ",") || (expr->b = parse_condition(parser)) == NULL ||
        !parser_expect_symbol(parser, SYMBOL_COMMA, ",") || (expr->c = parse_condition(parser)) == NULL ||
        !parse_close(parser))
        return NULL;
    return parse_finish(parser, expr);
}

/* 较大(a, b) */
static struct expr *parse_pair(struct parser *parser, enum expr_kind kind)
{
    struct expr *expr = parse_new(parser, kind, parser_next(parser));
    if (expr == NULL || !parse_open(parser) || (expr->a = parse_condition(parser)) == NULL ||
        !parser_expect_symbol(parser, SYMBOL_COMMA, ",") || (expr->b = parse_condition(parser)) == NULL ||
        !parse_close(parser))
        return NULL;
    return parse_finish(parser, expr);
}

/* 若 condition 取 amount 否则 amount: the last one reaches as far as an amount can. */
static struct expr *parse_if(struct parser *parser)
{
    struct expr *expr = parse_new(parser, EXPR_IF, parser_next(parser));
    if (expr == NULL)
        return NULL;
    bool good = parse_enter(parser);
    good = good && (expr->c = parse_condition(parser)) != NULL && parser_expect(parser, KW_TAKE) &&
           (expr->a = parse_amount(parser)) != NULL && parser_expect(parser, KW_ELSE) &&
           (expr->b = parse_amount(parser)) != NULL;
    parse_leave(parser);
    return good ? parse_finish(parser, expr) : NULL;
}

/* 含未知(amount) */
static struct expr *parse_has_unknown(struct parser *parser)
{
    struct expr *expr = parse_new(parser, EXPR_HAS_UNKNOWN, parser_next(parser));
    if (expr == NULL || (expr->a = parse_parentheses(parser)) == NULL)
        return NULL;
    return parse_finish(parser, expr);
}

static bool is_verb(enum keyword keyword)
{
    return keyword == KW_CURRENT || keyword == KW_LATEST || keyword == KW_HELD || keyword == KW_AT_END ||
           keyword == KW_HAPPENED || keyword == KW_ENDED || keyword == KW_BEGAN || keyword == KW_RECORDED ||
           keyword == KW_DISAGREE;
}

/* The current token continues the fact phrase on the same line. */
static bool phrase_goes_on(const struct parser *parser)
{
    return parser_in_expression(parser) && !parser_peek(parser)->first &&
           parser_peek(parser)->kind == TOKEN_WORD;
}

/* 满 12月, 满 2年, 满 30天 */
static bool parse_lasted(struct parser *parser, struct window_edge *lasted)
{
    enum { COUNT_MAX = 1200 };
    static const struct {
        enum word word;
        int months, days;
    } units[] = {{WORD_MONTH, 1, 0}, {WORD_YEAR, 12, 0}, {WORD_DAY, 0, 1}};
    int count = 0;
    lasted->at = parser_place(parser_peek(parser));
    if (!parser_in_expression(parser) || parser_peek(parser)->kind != TOKEN_NUMBER ||
        !parser_count(parser, COUNT_MAX, &count))
        return parse_refuse(parser, MESSAGE_LASTED_EXPECTED) != NULL;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!parser_in_expression(parser) ||
            !word_is(parser_slice(parser, parser_peek(parser)), units[i].word, parser->language))
            continue;
        lasted->present = true;
        lasted->months = count * units[i].months;
        lasted->days = count * units[i].days;
        if (count == 0 || lasted->months > COUNT_MAX)
            break;
        parser_next(parser);
        return true;
    }
    return parse_refuse(parser, MESSAGE_LASTED_EXPECTED) != NULL;
}

/* 不一致 name [超过 amount]: the amount reaches as far as it can. */
static bool parse_exceeding(struct parser *parser, struct expr *expr)
{
    expr->symbol = SYMBOL_GREATER;
    if (!parser_in_expression(parser) || parser_peek(parser)->kind != TOKEN_WORD ||
        !word_is(parser_slice(parser, parser_peek(parser)), WORD_EXCEEDING, parser->language))
        return true;
    parser_next(parser);
    expr->a = parse_enter(parser) ? parse_amount(parser) : NULL;
    parse_leave(parser);
    return expr->a != NULL;
}

/* [本户] [window | 至今] [verb] name [满 length | 超过 amount] */
static struct expr *parse_phrase(struct parser *parser)
{
    struct expr *expr = parse_new(parser, EXPR_FACT, parser_peek(parser));
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
            return parse_finish(parser, expr);
        }
        expr->window = expr->name;
        expr->window_at = expr->at;
    }
    if (parser_in_expression(parser) && is_verb((enum keyword)parser_peek(parser)->keyword))
        expr->verb = (enum keyword)parser_next(parser)->keyword;
    if (!parser_in_expression(parser))
        return parse_refuse(parser, MESSAGE_NAME_EXPECTED);
    if (!parser_name(parser, &expr->name, &expr->at))
        return NULL;
    if (parser_in_expression(parser) && parser_accept(parser, KW_LASTED) &&
        !parse_lasted(parser, &expr->lasted))
        return NULL;
    if (expr->verb == KW_DISAGREE && !parse_exceeding(parser, expr))
        return NULL;
    return parse_finish(parser, expr);
}

static struct expr *parse_word_value(struct parser *parser, enum expr_kind kind)
{
    return parse_new(parser, kind, parser_next(parser));
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
    case KW_LARGER:
        return parse_pair(parser, EXPR_LARGER);
    case KW_SMALLER:
        return parse_pair(parser, EXPR_SMALLER);
    case KW_IF:
        return parse_if(parser);
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
    case KW_KINSHIP:
        return parse_word_value(parser, EXPR_KINSHIP);
    case KW_LABOUR:
        return parse_word_value(parser, EXPR_LABOUR);
    case KW_LEVEL:
        return parse_word_value(parser, EXPR_LEVEL);
    case KW_HOUSEHOLD:
    case KW_EVER:
    case KW_CURRENT:
    case KW_LATEST:
    case KW_DISAGREE:
    case KW_NONE_OF_THESE:
        return parse_phrase(parser);
    default:
        return parse_refuse(parser, MESSAGE_VALUE_EXPECTED);
    }
}

struct expr *parse_value(struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_expression(parser))
        return parse_refuse(parser, MESSAGE_VALUE_EXPECTED);
    if (token->kind == TOKEN_NUMBER)
        return parse_number(parser);
    if (token->kind == TOKEN_SYMBOL && token->symbol == SYMBOL_OPEN)
        return parse_parentheses(parser);
    if (token->kind == TOKEN_WORD)
        return parse_keyword_value(parser);
    return parse_refuse(parser, MESSAGE_VALUE_EXPECTED);
}
