/* SPDX-License-Identifier: PostgreSQL */
/* What a clause says beside its conditions: amounts that a suggestion names (金额). */
#include "policy/parser.h"

static bool wrong_at(struct parser *parser, struct place at, enum message message, const char *a,
                     const char *b)
{
    diagnose(parser->diagnoser, at, message, a, b, NULL);
    return false;
}

/* A name that = follows. */
static bool parse_title(struct parser *parser, struct amount_line *line)
{
    const struct token *after = parser_peek(parser) + 1; /* the end is a token, too */
    if (parser_peek(parser)->kind != TOKEN_WORD || after->kind != TOKEN_SYMBOL ||
        after->symbol != SYMBOL_EQUAL)
        return true;
    struct place at;
    return parser_name(parser, &line->title, &at) && parser_expect_symbol(parser, SYMBOL_EQUAL, "=");
}

bool parse_amount_line(struct parser *parser, struct place at, struct clause_statement *clause)
{
    struct amount_line **tail = &clause->amounts;
    size_t count = 0;
    for (; *tail != NULL; tail = &(*tail)->next)
        count++;
    if (count == AST_AMOUNTS_MAX)
        return wrong_at(parser, at, MESSAGE_TOO_MANY, keyword_text(KW_AMOUNT, parser->language),
                        diagnose_number(parser->diagnoser, AST_AMOUNTS_MAX));
    struct amount_line *line = parser_alloc(parser, sizeof *line);
    if (line == NULL)
        return false;
    line->at = at;
    if (!parse_title(parser, line))
        return false;
    for (const struct amount_line *earlier = clause->amounts; earlier != NULL; earlier = earlier->next) {
        const char *title = line->title.length > 0 ? diagnose_slice(parser->diagnoser, line->title)
                                                   : keyword_text(KW_AMOUNT, parser->language);
        if (slice_equal(earlier->title, line->title))
            return wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, title, NULL);
    }
    if ((line->value = parse_amount(parser)) == NULL)
        return false;
    *tail = line;
    return !parser_accept(parser, KW_CITE) || parser_citation(parser, &line->citation);
}

/* --- in examples -------------------------------------------------------------------------------------------------- */

static bool parse_fen(struct parser *parser, int64_t *fen)
{
    const struct token *token = parser_peek(parser);
    struct fraction yuan, value;
    if (!parser_in_statement(parser) || token->kind != TOKEN_NUMBER)
        return wrong_at(parser, parser_place(token), MESSAGE_EXAMPLE_AMOUNT, parser_found(parser), NULL);
    if (!parser_number(parser, token, &yuan))
        return false;
    if (!fraction_multiply(yuan, fraction_of(100), &value) || value.den != 1)
        return wrong_at(parser, parser_place(token), MESSAGE_FEN,
                        diagnose_slice(parser->diagnoser, parser_slice(parser, token)), NULL);
    parser_next(parser);
    *fen = value.num;
    return true;
}

bool parse_example_amounts(struct parser *parser, struct example_expectation *expectation)
{
    struct example_amount **tail = &expectation->amounts;
    while (parser_at_keyword(parser, KW_AMOUNT)) {
        struct example_amount *amount = parser_alloc(parser, sizeof *amount);
        if (amount == NULL)
            return false;
        amount->at = parser_place(parser_next(parser));
        struct place at;
        if (parser_in_statement(parser) && parser_peek(parser)->kind == TOKEN_WORD &&
            !parser_name(parser, &amount->title, &at))
            return false;
        if (!parse_fen(parser, &amount->low))
            return false;
        amount->high = amount->low;
        if (parser_accept_symbol(parser, SYMBOL_RANGE) && !parse_fen(parser, &amount->high))
            return false;
        *tail = amount;
        tail = &amount->next;
    }
    return true;
}
