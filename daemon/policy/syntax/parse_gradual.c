/* SPDX-License-Identifier: PostgreSQL */
/* 渐退 NAME 自 FACT, then its rows: 18月 [当 CONDITION] 依据 … */
#include "policy/syntax/parser.h"

bool parser_months(struct parser *parser, int *months)
{
    enum { MONTHS_MAX = 1200 };
    if (parser_peek(parser)->kind != TOKEN_NUMBER)
        return parser_wrong(parser, MESSAGE_MONTHS_EXPECTED, NULL);
    if (!parser_count(parser, MONTHS_MAX, months))
        return false;
    if (*months == 0 || !parser_in_statement(parser) ||
        !word_is(parser_slice(parser, parser_peek(parser)), WORD_MONTH, parser->language))
        return parser_wrong(parser, MESSAGE_MONTHS_EXPECTED, NULL);
    parser_next(parser);
    return true;
}

static bool parse_row(struct parser *parser, struct gradual_row *row)
{
    row->at = parser_place(parser_peek(parser));
    if (!parser_months(parser, &row->months))
        return false;
    if (parser_in_expression(parser) && parser_accept(parser, KW_WHEN) &&
        (row->condition = parse_condition(parser)) == NULL)
        return false;
    if (parser_in_expression(parser) && parser_accept(parser, KW_CITE) &&
        !parser_citation(parser, &row->citation))
        return false;
    if (!parser_in_expression(parser))
        return true;
    return parser_wrong(parser, MESSAGE_REST_UNEXPECTED, NULL);
}

bool parse_gradual(struct parser *parser, struct definition *definition)
{
    if (!parser_expect(parser, KW_FROM) || !parser_name(parser, &definition->code, &definition->code_at))
        return false;
    struct gradual_row **tail = &definition->gradual;
    parser->in_clause = true; /* each row ends with its line */
    while (parser_in_statement(parser)) {
        struct gradual_row *row = parser_alloc(parser, sizeof *row);
        if (row == NULL || !parse_row(parser, row))
            return false;
        *tail = row;
        tail = &row->next;
    }
    parser->in_clause = false;
    return true;
}
