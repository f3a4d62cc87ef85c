/* SPDX-License-Identifier: PostgreSQL */
/* What all that parse stand on: tokens, and the small parts of many statements. */
#include "policy/syntax/parser.h"

/* --- tokens ------------------------------------------------------------------------------------------------------- */

const struct token *parser_peek(const struct parser *parser)
{
    return &parser->tokens[parser->position];
}

const struct token *parser_next(struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    parser->position += token->kind != TOKEN_END;
    return token;
}

struct slice parser_slice(const struct parser *parser, const struct token *token)
{
    return (struct slice){parser->text + token->offset, token->length};
}

struct place parser_place(const struct token *token)
{
    return (struct place){token->line, token->column};
}

static bool begins_statement(const struct token *token)
{
    return token->kind == TOKEN_END || (token->first && token->column == 1);
}

bool parser_in_statement(const struct parser *parser)
{
    return !begins_statement(parser_peek(parser));
}

bool parser_in_expression(const struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    if (begins_statement(token))
        return false;
    if (!parser->in_clause || !token->first || parser->parentheses > 0)
        return true;
    return token->keyword == KW_OR;
}

bool parser_at_keyword(const struct parser *parser, enum keyword keyword)
{
    return parser_in_statement(parser) && parser_peek(parser)->keyword == keyword;
}

bool parser_accept(struct parser *parser, enum keyword keyword)
{
    if (!parser_at_keyword(parser, keyword))
        return false;
    parser_next(parser);
    return true;
}

bool parser_accept_symbol(struct parser *parser, enum mark symbol)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_statement(parser) || token->kind != TOKEN_SYMBOL || token->symbol != symbol)
        return false;
    parser_next(parser);
    return true;
}

const char *parser_found(struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    bool chinese = parser->language == LANGUAGE_CHINESE;
    if (token->kind == TOKEN_END)
        return chinese ? "文本的末尾" : "the end of the text";
    if (begins_statement(token))
        return chinese ? "语句的末尾" : "the end of the statement";
    return diagnose_quoted(parser->diagnoser, parser_slice(parser, token));
}

bool parser_expected(struct parser *parser, const char *what)
{
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_EXPECTED, what,
             parser_found(parser), NULL);
    return false;
}

bool parser_expect(struct parser *parser, enum keyword keyword)
{
    if (parser_accept(parser, keyword))
        return true;
    return parser_expected(parser, keyword_text(keyword, parser->language));
}

bool parser_expect_symbol(struct parser *parser, enum mark symbol, const char *shown)
{
    if (parser_accept_symbol(parser, symbol))
        return true;
    return parser_expected(parser, shown);
}

bool parser_wrong(struct parser *parser, enum message message, const char *b)
{
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), message, parser_found(parser), b, NULL);
    return false;
}

bool parser_wrong_at(struct parser *parser, struct place at, enum message message, const char *a,
                     const char *b)
{
    diagnose(parser->diagnoser, at, message, a, b, NULL);
    return false;
}

void *parser_alloc(struct parser *parser, size_t bytes)
{
    void *memory = arena_alloc(parser->arena, bytes);
    if (memory == NULL)
        parser->diagnoser->failed = true;
    return memory;
}

/* --- small parts -------------------------------------------------------------------------------------------------- */

bool parser_name(struct parser *parser, struct slice *name, struct place *at)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_statement(parser) || token->kind != TOKEN_WORD)
        return parser_wrong(parser, MESSAGE_NAME_EXPECTED, NULL);
    *name = parser_slice(parser, token);
    *at = parser_place(token);
    if (token->keyword != KW_NONE_OF_THESE) {
        return parser_wrong_at(parser, *at, MESSAGE_NAME_RESERVED, diagnose_slice(parser->diagnoser, *name),
                               NULL);
    }
    parser_next(parser);
    return true;
}

bool parser_string(struct parser *parser, struct slice *string)
{
    if (!parser_in_statement(parser) || parser_peek(parser)->kind != TOKEN_STRING)
        return parser_wrong(parser, MESSAGE_STRING_EXPECTED, NULL);
    *string = parser_slice(parser, parser_peek(parser));
    if (slice_trim(*string).length == 0)
        return parser_wrong(parser, MESSAGE_STRING_EMPTY, NULL);
    parser_next(parser);
    return true;
}

bool parser_date(struct parser *parser, day_t *day)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_statement(parser) || token->kind != TOKEN_DATE)
        return parser_wrong(parser, MESSAGE_DATE_EXPECTED, NULL);
    if (!civil_parse(parser_slice(parser, token), day)) {
        const char *shown = diagnose_slice(parser->diagnoser, parser_slice(parser, token));
        diagnose(parser->diagnoser, parser_place(token), MESSAGE_DATE_WRONG, shown, NULL, NULL);
        return false;
    }
    parser_next(parser);
    return true;
}

bool parser_count(struct parser *parser, int maximum, int *count)
{
    const struct token *token = parser_peek(parser);
    struct slice digits = parser_slice(parser, token);
    bool fits = parser_in_statement(parser) && token->kind == TOKEN_NUMBER && digits.length <= 6;
    int value = 0;
    for (size_t i = 0; fits && i < digits.length; i++) {
        fits = digits.bytes[i] != '.';
        value = value * 10 + (digits.bytes[i] - '0');
    }
    if (!fits || value > maximum)
        return parser_wrong(parser, MESSAGE_COUNT_EXPECTED, diagnose_number(parser->diagnoser, maximum));
    parser_next(parser);
    *count = value;
    return true;
}

bool parser_days(struct parser *parser, int *days)
{
    enum { DAYS_MAX = 3660 };
    if (parser_peek(parser)->kind != TOKEN_NUMBER || !parser_in_statement(parser))
        return parser_wrong(parser, MESSAGE_DAYS_EXPECTED, NULL);
    if (!parser_count(parser, DAYS_MAX, days))
        return false;
    const struct token *token = parser_peek(parser);
    if (!word_is(parser_slice(parser, token), WORD_DAY, parser->language))
        return parser_wrong(parser, MESSAGE_DAYS_EXPECTED, NULL);
    parser_next(parser);
    return true;
}

bool parser_number(struct parser *parser, const struct token *token, struct fraction *number)
{
    enum { WHOLE_DIGITS_MAX = 15, DECIMALS_MAX = 6 };
    struct slice digits = parser_slice(parser, token);
    wide_t value = 0, den = 1;
    size_t whole = 0, decimals = 0;
    bool point = false;
    for (size_t i = 0; i < digits.length && whole <= WHOLE_DIGITS_MAX && decimals <= DECIMALS_MAX; i++) {
        if (digits.bytes[i] == '.') {
            point = true;
            continue;
        }
        *(point ? &decimals : &whole) += 1;
        value = value * 10 + (digits.bytes[i] - '0');
        den = point ? den * 10 : den;
    }
    if (whole > WHOLE_DIGITS_MAX || decimals > DECIMALS_MAX || !fraction_make(value, den, number)) {
        diagnose(parser->diagnoser, parser_place(token), MESSAGE_NUMBER_TOO_LONG,
                 diagnose_slice(parser->diagnoser, digits), NULL, NULL);
        return false;
    }
    return true;
}

struct slice parser_rest_of_line(struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    if (token->first) /* the end is, too */
        return (struct slice){parser->text + token->offset, 0};
    size_t begin = token_begin(parser->text, token), end = begin;
    while (end < parser->text_length && parser->text[end] != '\n' && parser->text[end] != '\r' &&
           parser->text[end] != '#')
        end++;
    for (int line = token->line; parser_peek(parser)->line == line && parser_peek(parser)->kind != TOKEN_END;)
        parser_next(parser);
    return slice_trim((struct slice){parser->text + begin, end - begin});
}

bool parser_citation(struct parser *parser, struct citation *citation)
{
    citation->at = parser_place(parser_peek(parser));
    if (!parser_name(parser, &citation->document, &citation->at))
        return false;
    citation->article = parser_rest_of_line(parser);
    if (citation->article.length == 0) {
        diagnose(parser->diagnoser, citation->at, MESSAGE_CITATION_ARTICLE, NULL, NULL, NULL);
        return false;
    }
    citation->given = true;
    return true;
}

bool parser_unit(struct parser *parser, struct unit *unit)
{
    *unit = unit_none();
    for (bool numerator = true;; numerator = false) {
        struct unit part;
        const struct token *token = parser_peek(parser);
        if (!parser_in_statement(parser) || token->kind != TOKEN_WORD ||
            !unit_word(parser_slice(parser, token), parser->language, numerator, &part))
            return parser_wrong(parser, MESSAGE_UNIT_EXPECTED, NULL);
        *unit = numerator ? part : unit_divide(*unit, part);
        parser_next(parser);
        /* ÷ divides quantities; only / joins units */
        if (!slice_is(parser_slice(parser, parser_peek(parser)), "/") || !parser_in_statement(parser))
            return true;
        parser_next(parser);
    }
}

bool parser_areas(struct parser *parser, struct expr *(*parse)(struct parser *), struct expr **rural,
                  struct expr **urban)
{
    while (*rural == NULL || *urban == NULL) {
        bool is_urban = *rural != NULL || (*urban == NULL && parser_at_keyword(parser, KW_URBAN));
        struct expr **value = is_urban ? urban : rural;
        if (!parser_expect(parser, is_urban ? KW_URBAN : KW_RURAL) || (*value = parse(parser)) == NULL)
            return false;
    }
    return true;
}

bool parser_end_of_statement(struct parser *parser)
{
    if (!parser_in_statement(parser))
        return true;
    return parser_wrong(parser, MESSAGE_REST_UNEXPECTED, NULL);
}
