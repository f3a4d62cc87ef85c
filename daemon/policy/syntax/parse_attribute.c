/* SPDX-License-Identifier: PostgreSQL */
/* What a clause says beside its conditions: amounts that a suggestion names (金额), and what ends a finding (解除). */
#include "policy/syntax/parser.h"

#include <string.h>

/* A name that = follows. */
static bool parse_title(struct parser *parser, struct amount_line *line)
{
    const struct token *after = parser_peek(parser) + 1; /* the end is a token, too */
    if (parser_peek(parser)->kind != TOKEN_WORD || after->kind != TOKEN_SYMBOL ||
        after->symbol != SYMBOL_EQUAL)
        return true;
    struct place at;
    if (!parser_name(parser, &line->title, &at))
        return false;
    parser_next(parser);
    return true;
}

bool parse_amount_line(struct parser *parser, struct place at, struct clause_statement *clause)
{
    struct amount_line **tail = &clause->amounts;
    size_t count = 0;
    for (; *tail != NULL; tail = &(*tail)->next)
        count++;
    if (count == AST_AMOUNTS_MAX)
        return parser_wrong_at(parser, at, MESSAGE_TOO_MANY, keyword_text(KW_AMOUNT, parser->language),
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
            return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, title, NULL);
    }
    if ((line->value = parse_amount(parser)) == NULL)
        return false;
    *tail = line;
    return !parser_accept(parser, KW_CITE) || parser_citation(parser, &line->citation);
}

/* --- clearing ----------------------------------------------------------------------------------------------------- */

enum { CLEAR_MAX = 100 };

static bool count_expected(struct parser *parser)
{
    return parser_wrong_at(parser, parser_place(parser_peek(parser)), MESSAGE_CLEAR_COUNT,
                           parser_found(parser), NULL);
}

static bool begins_count(const struct parser *parser)
{
    const char *first = word_text(WORD_CONSECUTIVE, parser->language);
    struct slice word = parser_slice(parser, parser_peek(parser));
    return word.length >= strlen(first) && memcmp(word.bytes, first, strlen(first)) == 0;
}

/* 连续2批 in one word: the digits between; false when it is something else. */
static bool split_count(struct slice word, enum language language, enum word unit, int *count)
{
    const char *first = word_text(WORD_CONSECUTIVE, language), *last = word_text(unit, language);
    size_t begin = strlen(first), tail = strlen(last);
    if (word.length <= begin + tail || word.length > begin + tail + 3 ||
        memcmp(word.bytes + word.length - tail, last, tail) != 0)
        return false;
    *count = 0;
    for (size_t i = begin; i < word.length - tail; i++) {
        if (word.bytes[i] < '0' || word.bytes[i] > '9')
            return false;
        *count = *count * 10 + (word.bytes[i] - '0');
    }
    return *count <= CLEAR_MAX;
}

/* 连续2批, 连续 2 批, consecutive 2 batches */
static bool parse_count(struct parser *parser, int *count, enum word *unit)
{
    struct slice word = parser_slice(parser, parser_peek(parser));
    *unit = WORD_BATCHES;
    if (split_count(word, parser->language, WORD_BATCHES, count))
        return parser_next(parser) != NULL;
    *unit = WORD_ROUNDS;
    if (split_count(word, parser->language, WORD_ROUNDS, count))
        return parser_next(parser) != NULL;
    if (!word_is(word, WORD_CONSECUTIVE, parser->language))
        return count_expected(parser);
    parser_next(parser);
    if (!parser_count(parser, CLEAR_MAX, count))
        return false;
    word = parser_slice(parser, parser_peek(parser));
    if (!parser_in_expression(parser) ||
        (!word_is(word, WORD_BATCHES, parser->language) && !word_is(word, WORD_ROUNDS, parser->language)))
        return count_expected(parser);
    *unit = word_is(word, WORD_BATCHES, parser->language) ? WORD_BATCHES : WORD_ROUNDS;
    parser_next(parser);
    return true;
}

bool parse_clear(struct parser *parser, struct place at, struct clause_statement *clause)
{
    struct item source = {.text = {NULL, 0}};
    int count = 0;
    enum word unit = WORD_NONE;
    if (!parser_in_expression(parser))
        return count_expected(parser);
    if (!begins_count(parser) && !parser_name(parser, &source.text, &source.at))
        return false;
    if (!parser_in_expression(parser) || !begins_count(parser))
        return count_expected(parser);
    if (!parse_count(parser, &count, &unit))
        return false;
    bool batches = unit == WORD_BATCHES;
    if (batches != (source.text.length > 0) || count < (batches ? 1 : 2))
        return parser_wrong_at(parser, at, batches ? MESSAGE_CLEAR_SOURCE : MESSAGE_CLEAR_ROUNDS, NULL, NULL);
    int *into = batches ? &clause->clear_batches : &clause->clear_rounds;
    if (*into > 0)
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, keyword_text(KW_CLEAR, parser->language),
                               NULL);
    *into = count;
    clause->clear_at = at;
    if (batches)
        clause->clear_source = source;
    return true;
}

/* --- in examples -------------------------------------------------------------------------------------------------- */

static bool parse_fen(struct parser *parser, int64_t *fen)
{
    const struct token *token = parser_peek(parser);
    struct fraction yuan;
    if (!parser_in_statement(parser) || token->kind != TOKEN_NUMBER)
        return parser_wrong_at(parser, parser_place(token), MESSAGE_EXAMPLE_AMOUNT, parser_found(parser),
                               NULL);
    if (!parser_number(parser, token, &yuan))
        return false;
    if (!fraction_to_fen(yuan, fen))
        return parser_wrong_at(parser, parser_place(token), MESSAGE_FEN,
                               diagnose_slice(parser->diagnoser, parser_slice(parser, token)), NULL);
    parser_next(parser);
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
