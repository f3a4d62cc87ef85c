/* SPDX-License-Identifier: PostgreSQL */
/*
 * 试算 NAME, then its changes, one a line:
 *   低保 × 11/10          a standard or a setting multiplied
 *   支出占比 = 3/5        a setting or a standard replaced, through all its dates
 *   低保 = 农村 5313.00 城市 8052.00
 *   停用 red.collapse     a clause left out
 */
#include "policy/syntax/parser.h"

/* Numbers and what is reckoned of them: a trial names no other value. */
static const struct expr *find_name(const struct expr *expr, int depth)
{
    if (expr == NULL)
        return NULL;
    if (expr->kind == EXPR_NUMBER)
        return NULL;
    bool arithmetic = expr->kind == EXPR_ADD || expr->kind == EXPR_SUBTRACT || expr->kind == EXPR_MULTIPLY ||
                      expr->kind == EXPR_DIVIDE;
    if (!arithmetic || depth == 0)
        return expr;
    const struct expr *found = find_name(expr->a, depth - 1);
    return found != NULL ? found : find_name(expr->b, depth - 1);
}

static struct expr *parse_value(struct parser *parser)
{
    struct expr *value = parse_amount(parser);
    const struct expr *name = find_name(value, AST_DEPTH_MAX);
    if (value == NULL || name == NULL)
        return value;
    parser_wrong_at(parser, name->at, MESSAGE_CONSTANT_NEEDED, NULL, NULL);
    return NULL;
}

/* 农村 A 城市 B | A */
static bool parse_values(struct parser *parser, struct trial_change *change)
{
    if (!parser_at_keyword(parser, KW_RURAL) && !parser_at_keyword(parser, KW_URBAN))
        return (change->rural = change->urban = parse_value(parser)) != NULL;
    change->by_area = true;
    return parser_areas(parser, parse_value, &change->rural, &change->urban);
}

static bool parse_change(struct parser *parser, struct trial_change *change)
{
    change->at = parser_place(parser_peek(parser));
    change->begin = parser_peek(parser)->offset;
    if (parser_accept(parser, KW_DISABLE)) {
        change->kind = TRIAL_DISABLE;
        return parser_name(parser, &change->name, &change->at);
    }
    if (!parser_name(parser, &change->name, &change->at))
        return false;
    if (parser_in_expression(parser) && parser_accept_symbol(parser, SYMBOL_TIMES)) {
        change->kind = TRIAL_SCALE;
        return (change->rural = change->urban = parse_value(parser)) != NULL;
    }
    change->kind = TRIAL_SET;
    if (!parser_in_expression(parser) || !parser_accept_symbol(parser, SYMBOL_EQUAL))
        return parser_wrong_at(parser, parser_place(parser_peek(parser)), MESSAGE_TRIAL_CHANGE,
                               parser_found(parser), NULL);
    return parse_values(parser, change);
}

static bool changed_before(struct parser *parser, const struct trial_statement *trial,
                           const struct trial_change *change)
{
    for (const struct trial_change *c = trial->changes; c != NULL; c = c->next) {
        if (slice_equal(c->name, change->name))
            return !parser_wrong_at(parser, change->at, MESSAGE_NAME_TWICE,
                                    diagnose_slice(parser->diagnoser, change->name),
                                    diagnose_number(parser->diagnoser, c->at.line));
    }
    return false;
}

static bool parse_changes(struct parser *parser, struct trial_statement *trial)
{
    struct trial_change **tail = &trial->changes;
    while (parser_in_statement(parser)) {
        struct trial_change *change = parser_alloc(parser, sizeof *change);
        if (change == NULL || !parse_change(parser, change))
            return false;
        if (parser_in_expression(parser))
            return parser_wrong_at(parser, parser_place(parser_peek(parser)), MESSAGE_REST_UNEXPECTED,
                                   parser_found(parser), NULL);
        const struct token *last = parser_peek(parser) - 1;
        change->end = last->offset + last->length;
        if (changed_before(parser, trial, change))
            return false;
        *tail = change;
        tail = &change->next;
    }
    if (trial->changes != NULL)
        return true;
    return parser_wrong_at(parser, trial->at, MESSAGE_TRIAL_EMPTY,
                           diagnose_slice(parser->diagnoser, trial->name), NULL);
}

bool parse_trial(struct parser *parser, struct trial_statement **trial)
{
    parser_next(parser);
    struct trial_statement *made = parser_alloc(parser, sizeof *made);
    if (made == NULL || !parser_name(parser, &made->name, &made->at))
        return false;
    *trial = made;
    parser->in_clause = true; /* each change ends with its line */
    bool good = parse_changes(parser, made);
    parser->in_clause = false;
    return good;
}
