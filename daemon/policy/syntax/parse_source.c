/* SPDX-License-Identifier: PostgreSQL */
/* Sources: which feed it is, how long its word is fresh, how far it may swing, and what it may bring about. */
#include "policy/syntax/parser.h"

/* 波动 ≤ 6 倍中位差 按乡镇, after its keyword */
static bool parse_swing(struct parser *parser, struct source_statement *source)
{
    enum { SWING_MAX = 100 };
    static const enum word words[] = {WORD_DEVIATIONS, WORD_BY_TOWNSHIP};
    if (!parser_accept_symbol(parser, SYMBOL_LESS_EQUAL))
        return parser_wrong(parser, MESSAGE_SWING_EXPECTED, "≤");
    const struct token *token = parser_peek(parser);
    struct fraction times;
    if (!parser_in_statement(parser) || token->kind != TOKEN_NUMBER)
        return parser_wrong(parser, MESSAGE_SWING_COUNT, NULL);
    if (!parser_number(parser, token, &times))
        return false;
    if (times.den != 1 || times.num < 1 || times.num > SWING_MAX)
        return parser_wrong(parser, MESSAGE_SWING_COUNT, NULL);
    source->swing = (int)times.num;
    parser_next(parser);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!parser_in_statement(parser) ||
            !word_is(parser_slice(parser, parser_peek(parser)), words[i], parser->language))
            return parser_wrong(parser, MESSAGE_SWING_EXPECTED, word_text(words[i], parser->language));
        parser_next(parser);
    }
    return true;
}

/* Takes the keyword that says something of a source; `said` is what said it before. */
static bool said_once(struct parser *parser, enum keyword *said)
{
    enum keyword keyword = (enum keyword)parser_peek(parser)->keyword;
    if (*said != KW_NONE_OF_THESE) {
        diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_SOURCE_SAID_TWICE,
                 keyword_text(*said, parser->language), keyword_text(keyword, parser->language), NULL);
        return false;
    }
    *said = keyword;
    parser_next(parser);
    return true;
}

/* 来源 医保局 medical_insurance 时效 35天 波动 ≤ 6 倍中位差 按乡镇 可发警 可解警 */
static bool parse_parts(struct parser *parser, struct source_statement *source)
{
    enum { FRESHNESS_DAYS_DEFAULT = 35 };                                /* a monthly feed, some days late */
    enum keyword freshness = KW_NONE_OF_THESE, swing = KW_NONE_OF_THESE; /* what was said already */
    enum keyword raise = KW_NONE_OF_THESE, clear = KW_NONE_OF_THESE;
    source->freshness_days = FRESHNESS_DAYS_DEFAULT;
    source->may_raise = source->may_clear = true;
    if (!parser_name(parser, &source->name, &source->at) ||
        !parser_name(parser, &source->feed, &source->feed_at))
        return false;
    while (parser_in_statement(parser)) {
        const struct token *token = parser_peek(parser);
        switch (token->keyword) {
        case KW_FRESHNESS:
            if (!said_once(parser, &freshness) || !parser_days(parser, &source->freshness_days))
                return false;
            break;
        case KW_SWING:
            source->swing_at = parser_place(token);
            if (!said_once(parser, &swing) || !parse_swing(parser, source))
                return false;
            break;
        case KW_MAY_RAISE:
        case KW_MAY_NOT_RAISE:
            source->may_raise = token->keyword == KW_MAY_RAISE;
            if (!said_once(parser, &raise))
                return false;
            break;
        case KW_MAY_CLEAR:
        case KW_MAY_NOT_CLEAR:
            source->may_clear = token->keyword == KW_MAY_CLEAR;
            if (!said_once(parser, &clear))
                return false;
            break;
        default:
            return parser_end_of_statement(parser);
        }
    }
    return true;
}

bool parse_source(struct parser *parser, struct source_statement **source)
{
    struct source_statement *made = *source = parser_alloc(parser, sizeof *made);
    parser_next(parser);
    return made != NULL && parse_parts(parser, made);
}
