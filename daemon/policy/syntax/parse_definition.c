/* SPDX-License-Identifier: PostgreSQL */
/* Definitions: standards, settings, windows, facts, sets of people, conditions, amounts and statistics. */
#include "policy/syntax/parser.h"

/* DATE 起 [至 DATE] 农村 A 城市 B | A   依据 … */
static bool parse_dated(struct parser *parser, struct definition *definition, struct dated_value *dated)
{
    dated->at = parser_place(parser_peek(parser));
    dated->to = DAY_NONE;
    if (!parser_date(parser, &dated->from) || !parser_expect(parser, KW_SINCE))
        return false;
    if (parser_accept(parser, KW_TO) && !parser_date(parser, &dated->to))
        return false;
    if (definition->by_area) {
        if (!parser_areas(parser, parse_amount, &dated->rural, &dated->urban))
            return false;
    } else if ((dated->rural = dated->urban = parse_amount(parser)) == NULL) {
        return false;
    }
    return !parser_accept(parser, KW_CITE) || parser_citation(parser, &dated->citation);
}

static bool parse_dated_values(struct parser *parser, struct definition *definition)
{
    for (struct dated_value **tail = &definition->dated; parser_in_statement(parser); tail = &(*tail)->next) {
        if ((*tail = parser_alloc(parser, sizeof **tail)) == NULL || !parse_dated(parser, definition, *tail))
            return false;
    }
    return true;
}

/* 标准 低保 : 元/年/人 按 城乡, then its dated values */
static bool parse_standard(struct parser *parser, struct definition *definition)
{
    if (!parser_expect_symbol(parser, SYMBOL_COLON, ":") || !parser_unit(parser, &definition->unit))
        return false;
    if (parser_accept(parser, KW_BY)) {
        if (!parser_expect(parser, KW_AREA))
            return false;
        definition->by_area = true;
    }
    return parse_dated_values(parser, definition);
}

/* 设定 X : UNIT = VALUE 依据 …, or dated values below as of a standard */
static bool parse_setting(struct parser *parser, struct definition *definition)
{
    if (!parser_expect_symbol(parser, SYMBOL_COLON, ":") || !parser_unit(parser, &definition->unit))
        return false;
    if (parser_in_statement(parser) && parser_peek(parser)->kind == TOKEN_DATE)
        return parse_dated_values(parser, definition);
    if (!parser_expect_symbol(parser, SYMBOL_EQUAL, "=") ||
        (definition->value = parse_amount(parser)) == NULL)
        return false;
    return (!parser_accept(parser, KW_CITE) || parser_citation(parser, &definition->citation)) &&
           parser_end_of_statement(parser);
}

static bool parse_window_edge(struct parser *parser, struct window_edge *edge)
{
    const struct token *token = parser_peek(parser);
    edge->at = parser_place(token);
    if (!parser_in_statement(parser) ||
        !parse_window_word(parser_slice(parser, token), parser->language, &edge->months, &edge->days))
        return parser_wrong(parser, MESSAGE_WINDOW_EXPECTED, NULL);
    edge->present = true;
    parser_next(parser);
    return true;
}

/* 时段 X = 近24月 [至 近12月] */
static bool parse_window(struct parser *parser, struct definition *definition)
{
    if (!parser_expect_symbol(parser, SYMBOL_EQUAL, "=") || !parse_window_edge(parser, &definition->from))
        return false;
    return (!parser_accept(parser, KW_TO) || parse_window_edge(parser, &definition->to)) &&
           parser_end_of_statement(parser);
}

static bool parse_fact_kind(struct parser *parser, struct definition *definition)
{
    static const enum word kinds[] = {WORD_YESNO, WORD_EVENT, WORD_CODE, WORD_TYPE, WORD_GRADE};
    struct slice word = parser_slice(parser, parser_peek(parser));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (word_is(word, kinds[i], parser->language)) {
            definition->fact_kind = kinds[i];
            parser_next(parser);
            return true;
        }
    }
    return parser_unit(parser, &definition->unit);
}

/* 的 类别 / 的 等级 */
static bool parse_code_part(struct parser *parser, struct definition *definition)
{
    struct slice word = parser_slice(parser, parser_peek(parser));
    if (word_is(word, WORD_CERTIFICATE_TYPE, parser->language))
        definition->code_part = WORD_CERTIFICATE_TYPE;
    else if (word_is(word, WORD_CERTIFICATE_GRADE, parser->language))
        definition->code_part = WORD_CERTIFICATE_GRADE;
    else
        return parser_expected(parser, word_text(WORD_CERTIFICATE_TYPE, parser->language));
    parser_next(parser);
    return true;
}

/* Names of sources after 先 or 由. */
static bool parse_source_names(struct parser *parser, struct item items[AST_SOURCES_MAX], size_t *count)
{
    do {
        if (*count == AST_SOURCES_MAX)
            return parser_wrong(parser, MESSAGE_REST_UNEXPECTED, NULL);
        struct item *item = &items[(*count)++];
        if (!parser_name(parser, &item->text, &item->at))
            return false;
    } while (parser_in_statement(parser) && parser_peek(parser)->keyword == KW_NONE_OF_THESE);
    return true;
}

/* 事实 X : KIND 范围 A..B 取 CODE [的 PART] [先 SOURCE …] [由 SOURCE …] */
static bool parse_fact(struct parser *parser, struct definition *definition)
{
    if (!parser_expect_symbol(parser, SYMBOL_COLON, ":") || !parse_fact_kind(parser, definition))
        return false;
    if (parser_accept(parser, KW_RANGE)) {
        if ((definition->low = parse_amount(parser)) == NULL ||
            !parser_expect_symbol(parser, SYMBOL_RANGE, "..") ||
            (definition->high = parse_amount(parser)) == NULL)
            return false;
    }
    if (!parser_expect(parser, KW_TAKE) || !parser_name(parser, &definition->code, &definition->code_at))
        return false;
    if (parser_accept(parser, KW_OF) && !parse_code_part(parser, definition))
        return false;
    if (parser_accept(parser, KW_FIRST) &&
        !parse_source_names(parser, definition->first, &definition->first_count))
        return false;
    if (parser_accept(parser, KW_BY_SOURCE) &&
        !parse_source_names(parser, definition->providers, &definition->provider_count))
        return false;
    return parser_end_of_statement(parser);
}

static bool parse_people(struct parser *parser, struct definition *definition)
{
    return parser_expect_symbol(parser, SYMBOL_EQUAL, "=") && (definition->set = parse_set(parser)) != NULL &&
           parser_end_of_statement(parser);
}

/* 逐人 X = COND and 断 X = COND */
static bool parse_condition_definition(struct parser *parser, struct definition *definition)
{
    return parser_expect_symbol(parser, SYMBOL_EQUAL, "=") &&
           (definition->value = parse_condition(parser)) != NULL && parser_end_of_statement(parser);
}

/* 算 X : UNIT = AMOUNT */
static bool parse_amount_definition(struct parser *parser, struct definition *definition)
{
    return parser_expect_symbol(parser, SYMBOL_COLON, ":") && parser_unit(parser, &definition->unit) &&
           parser_expect_symbol(parser, SYMBOL_EQUAL, "=") &&
           (definition->value = parse_amount(parser)) != NULL && parser_end_of_statement(parser);
}

/* 统计 name title = COND */
static bool parse_statistic(struct parser *parser, struct definition *definition)
{
    struct place at;
    if (parser_peek(parser)->kind == TOKEN_WORD && !parser_name(parser, &definition->title, &at))
        return false;
    return parse_condition_definition(parser, definition);
}

struct definition_parser {
    enum keyword keyword;
    bool (*parse)(struct parser *parser, struct definition *definition);
};

static const struct definition_parser definition_parsers[] = {
    {KW_STANDARD, parse_standard},
    {KW_SETTING, parse_setting},
    {KW_WINDOW, parse_window},
    {KW_FACT, parse_fact},
    {KW_SET, parse_people},
    {KW_PERSON_DEF, parse_condition_definition},
    {KW_CONDITION_DEF, parse_condition_definition},
    {KW_AMOUNT_DEF, parse_amount_definition},
    {KW_GRADUAL, parse_gradual},
    {KW_STATISTIC, parse_statistic},
};

const struct definition_parser *parse_definition_by(enum keyword keyword)
{
    for (size_t i = 0; i < sizeof definition_parsers / sizeof definition_parsers[0]; i++) {
        if (definition_parsers[i].keyword == keyword)
            return &definition_parsers[i];
    }
    return NULL;
}

bool parse_definition(struct parser *parser, const struct definition_parser *by,
                      struct definition **definition)
{
    struct definition *made = parser_alloc(parser, sizeof *made);
    if (made == NULL)
        return false;
    made->kind = by->keyword;
    parser_next(parser);
    if (!parser_name(parser, &made->name, &made->at))
        return false;
    *definition = made;
    return by->parse(parser, made);
}
