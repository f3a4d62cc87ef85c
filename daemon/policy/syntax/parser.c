/* SPDX-License-Identifier: PostgreSQL */
/* Statements: the header, documents, sources, standards, settings, windows, facts and definitions. */
#include "policy/syntax/parser.h"

#include <string.h>

/* --- tokens
 * ----------------------------------------------------------------------------------------------------- */

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

static bool expected(struct parser *parser, const char *what)
{
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_EXPECTED, what,
             parser_found(parser), NULL);
    return false;
}

bool parser_expect(struct parser *parser, enum keyword keyword)
{
    if (parser_accept(parser, keyword))
        return true;
    return expected(parser, keyword_text(keyword, parser->language));
}

bool parser_expect_symbol(struct parser *parser, enum mark symbol, const char *shown)
{
    if (parser_accept_symbol(parser, symbol))
        return true;
    return expected(parser, shown);
}

/* Diagnoses `message` about the current token. */
static bool wrong(struct parser *parser, enum message message, const char *b)
{
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), message, parser_found(parser), b, NULL);
    return false;
}

void *parser_alloc(struct parser *parser, size_t bytes)
{
    void *memory = arena_alloc(parser->arena, bytes);
    if (memory == NULL)
        parser->diagnoser->failed = true;
    return memory;
}

/* --- small parts
 * ------------------------------------------------------------------------------------------------ */

bool parser_name(struct parser *parser, struct slice *name, struct place *at)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_statement(parser) || token->kind != TOKEN_WORD)
        return wrong(parser, MESSAGE_NAME_EXPECTED, NULL);
    *name = parser_slice(parser, token);
    *at = parser_place(token);
    if (token->keyword != KW_NONE_OF_THESE) {
        diagnose(parser->diagnoser, *at, MESSAGE_NAME_RESERVED, diagnose_slice(parser->diagnoser, *name),
                 NULL, NULL);
        return false;
    }
    parser_next(parser);
    return true;
}

bool parser_date(struct parser *parser, day_t *day)
{
    const struct token *token = parser_peek(parser);
    if (!parser_in_statement(parser) || token->kind != TOKEN_DATE)
        return wrong(parser, MESSAGE_DATE_EXPECTED, NULL);
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
        return wrong(parser, MESSAGE_COUNT_EXPECTED, diagnose_number(parser->diagnoser, maximum));
    parser_next(parser);
    *count = value;
    return true;
}

bool parser_days(struct parser *parser, int *days)
{
    enum { DAYS_MAX = 3660 };
    if (parser_peek(parser)->kind != TOKEN_NUMBER || !parser_in_statement(parser))
        return wrong(parser, MESSAGE_DAYS_EXPECTED, NULL);
    if (!parser_count(parser, DAYS_MAX, days))
        return false;
    const struct token *token = parser_peek(parser);
    if (!word_is(parser_slice(parser, token), WORD_DAY, parser->language))
        return wrong(parser, MESSAGE_DAYS_EXPECTED, NULL);
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
            return wrong(parser, MESSAGE_UNIT_EXPECTED, NULL);
        *unit = numerator ? part : unit_divide(*unit, part);
        parser_next(parser);
        /* ÷ divides quantities; only / joins units */
        if (!slice_is(parser_slice(parser, parser_peek(parser)), "/") || !parser_in_statement(parser))
            return true;
        parser_next(parser);
    }
}

static bool end_of_statement(struct parser *parser)
{
    if (!parser_in_statement(parser))
        return true;
    return wrong(parser, MESSAGE_REST_UNEXPECTED, NULL);
}

static void skip_statement(struct parser *parser)
{
    while (parser_in_statement(parser))
        parser_next(parser);
}

/* --- statements
 * --------------------------------------------------------------------------------------------------- */

/* 政策 NAME 版本 V 生效 DATE */
static bool parse_header(struct parser *parser, struct policy_ast *ast)
{
    struct place at;
    parser_next(parser); /* lexer_language has seen that it is 政策 or policy */
    if (!parser_name(parser, &ast->name, &at) || !parser_expect(parser, KW_VERSION))
        return false;
    const struct token *version = parser_peek(parser);
    if (!parser_in_statement(parser) ||
        (version->kind != TOKEN_NUMBER && version->kind != TOKEN_WORD && version->kind != TOKEN_STRING))
        return wrong(parser, MESSAGE_NAME_EXPECTED, NULL);
    ast->version = parser_slice(parser, parser_next(parser));
    return parser_expect(parser, KW_EFFECTIVE) && parser_date(parser, &ast->valid_from) &&
           end_of_statement(parser);
}

static bool parse_string(struct parser *parser, struct slice *string)
{
    if (!parser_in_statement(parser) || parser_peek(parser)->kind != TOKEN_STRING)
        return wrong(parser, MESSAGE_STRING_EXPECTED, NULL);
    *string = parser_slice(parser, parser_peek(parser));
    if (slice_trim(*string).length == 0)
        return wrong(parser, MESSAGE_STRING_EMPTY, NULL);
    parser_next(parser);
    return true;
}

/* 文件 甲 "004 篇五" */
static bool parse_document(struct parser *parser, struct document *document)
{
    return parser_name(parser, &document->name, &document->at) && parse_string(parser, &document->title) &&
           end_of_statement(parser);
}

/* 等效 red.collapse "上年收入 > 0.00" "上年收入 ≥ 0.00" 理由 "…" */
static bool parse_equivalent(struct parser *parser, struct equivalent_statement *equivalent)
{
    return parser_name(parser, &equivalent->owner, &equivalent->at) &&
           parse_string(parser, &equivalent->before) && parse_string(parser, &equivalent->after) &&
           parser_expect(parser, KW_REASON) && parse_string(parser, &equivalent->reason) &&
           end_of_statement(parser);
}

/* 波动 ≤ 6 倍中位差 按乡镇, after its keyword */
static bool parse_swing(struct parser *parser, struct source_statement *source)
{
    enum { SWING_MAX = 100 };
    static const enum word words[] = {WORD_DEVIATIONS, WORD_BY_TOWNSHIP};
    if (!parser_accept_symbol(parser, SYMBOL_LESS_EQUAL))
        return wrong(parser, MESSAGE_SWING_EXPECTED, "≤");
    const struct token *token = parser_peek(parser);
    struct fraction times;
    if (!parser_in_statement(parser) || token->kind != TOKEN_NUMBER)
        return wrong(parser, MESSAGE_SWING_COUNT, NULL);
    if (!parser_number(parser, token, &times))
        return false;
    if (times.den != 1 || times.num < 1 || times.num > SWING_MAX)
        return wrong(parser, MESSAGE_SWING_COUNT, NULL);
    source->swing = (int)times.num;
    parser_next(parser);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!parser_in_statement(parser) ||
            !word_is(parser_slice(parser, parser_peek(parser)), words[i], parser->language))
            return wrong(parser, MESSAGE_SWING_EXPECTED, word_text(words[i], parser->language));
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
static bool parse_source(struct parser *parser, struct source_statement *source)
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
            return end_of_statement(parser);
        }
    }
    return true;
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
           end_of_statement(parser);
}

static bool parse_window_edge(struct parser *parser, struct window_edge *edge)
{
    const struct token *token = parser_peek(parser);
    edge->at = parser_place(token);
    if (!parser_in_statement(parser) ||
        !parse_window_word(parser_slice(parser, token), parser->language, &edge->months, &edge->days))
        return wrong(parser, MESSAGE_WINDOW_EXPECTED, NULL);
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
           end_of_statement(parser);
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
        return expected(parser, word_text(WORD_CERTIFICATE_TYPE, parser->language));
    parser_next(parser);
    return true;
}

/* Names of sources after 先 or 由. */
static bool parse_source_names(struct parser *parser, struct item items[AST_SOURCES_MAX], size_t *count)
{
    do {
        if (*count == AST_SOURCES_MAX)
            return wrong(parser, MESSAGE_REST_UNEXPECTED, NULL);
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
    return end_of_statement(parser);
}

static bool parse_people(struct parser *parser, struct definition *definition)
{
    return parser_expect_symbol(parser, SYMBOL_EQUAL, "=") && (definition->set = parse_set(parser)) != NULL &&
           end_of_statement(parser);
}

/* 逐人 X = COND and 断 X = COND */
static bool parse_condition_definition(struct parser *parser, struct definition *definition)
{
    return parser_expect_symbol(parser, SYMBOL_EQUAL, "=") &&
           (definition->value = parse_condition(parser)) != NULL && end_of_statement(parser);
}

/* 算 X : UNIT = AMOUNT */
static bool parse_amount_definition(struct parser *parser, struct definition *definition)
{
    return parser_expect_symbol(parser, SYMBOL_COLON, ":") && parser_unit(parser, &definition->unit) &&
           parser_expect_symbol(parser, SYMBOL_EQUAL, "=") &&
           (definition->value = parse_amount(parser)) != NULL && end_of_statement(parser);
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

struct tails {
    struct document **document;
    struct source_statement **source;
    struct definition **definition;
    struct clause_statement **clause;
    struct example_statement **example;
    struct equivalent_statement **equivalent;
    struct trial_statement **trial;
};

static bool parse_definition(struct parser *parser, const struct definition_parser *by, struct tails *tails)
{
    struct definition *definition = parser_alloc(parser, sizeof *definition);
    if (definition == NULL)
        return false;
    definition->kind = by->keyword;
    parser_next(parser);
    if (!parser_name(parser, &definition->name, &definition->at))
        return false;
    *tails->definition = definition;
    tails->definition = &definition->next;
    return by->parse(parser, definition);
}

static bool parse_statement(struct parser *parser, struct tails *tails)
{
    enum keyword keyword = (enum keyword)parser_peek(parser)->keyword;
    if (keyword_is_clause(keyword)) {
        bool good = parse_clause(parser, keyword, tails->clause);
        if (*tails->clause != NULL)
            tails->clause = &(*tails->clause)->next;
        return good;
    }
    if (keyword == KW_DOCUMENT || keyword == KW_SOURCE) {
        parser_next(parser);
        void *statement = parser_alloc(parser, keyword == KW_DOCUMENT ? sizeof(struct document)
                                                                      : sizeof(struct source_statement));
        if (statement == NULL)
            return false;
        if (keyword == KW_DOCUMENT) {
            *tails->document = statement;
            tails->document = &(*tails->document)->next;
            return parse_document(parser, statement);
        }
        *tails->source = statement;
        tails->source = &(*tails->source)->next;
        return parse_source(parser, statement);
    }
    if (keyword == KW_EQUIVALENT) {
        struct equivalent_statement *statement = parser_alloc(parser, sizeof *statement);
        parser_next(parser);
        if (statement == NULL || !parse_equivalent(parser, statement))
            return false;
        *tails->equivalent = statement;
        tails->equivalent = &statement->next;
        return true;
    }
    if (keyword == KW_EXAMPLE) {
        bool good = parse_example(parser, tails->example);
        if (*tails->example != NULL)
            tails->example = &(*tails->example)->next;
        return good;
    }
    if (keyword == KW_TRIAL) {
        bool good = parse_trial(parser, tails->trial);
        if (*tails->trial != NULL)
            tails->trial = &(*tails->trial)->next;
        return good;
    }
    for (size_t i = 0; i < sizeof definition_parsers / sizeof definition_parsers[0]; i++) {
        if (definition_parsers[i].keyword == keyword)
            return parse_definition(parser, &definition_parsers[i], tails);
    }
    struct slice found = parser_slice(parser, parser_peek(parser));
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_STATEMENT_EXPECTED,
             diagnose_quoted(parser->diagnoser, found), NULL, NULL);
    parser_next(parser);
    return false;
}

static void parse_statements(struct parser *parser, struct policy_ast *ast)
{
    struct tails tails = {&ast->documents, &ast->sources,     &ast->definitions, &ast->clauses,
                          &ast->examples,  &ast->equivalents, &ast->trials};
    if (!parse_header(parser, ast))
        skip_statement(parser);
    while (parser_peek(parser)->kind != TOKEN_END && !parser->diagnoser->failed) {
        parser->in_clause = false;
        parser->parentheses = 0;
        parser->depth = 0;
        if (!parse_statement(parser, &tails))
            skip_statement(parser);
    }
}

bool parser_run(const char *text, size_t length, struct diagnoser *diagnoser, struct arena *arena,
                struct arena *scratch, struct policy_ast *ast)
{
    if (!lexer_language(text, length, &diagnoser->language)) {
        diagnose(diagnoser, (struct place){1, 1}, MESSAGE_NO_LANGUAGE, NULL, NULL, NULL);
        return false;
    }
    struct lexer_result lexed;
    if (!lexer_run(text, 0, length, (struct place){1, 1}, diagnoser, scratch, &lexed))
        return false;
    struct parser parser = {.text = text,
                            .text_length = length,
                            .tokens = lexed.tokens,
                            .diagnoser = diagnoser,
                            .arena = arena,
                            .language = diagnoser->language};
    if (parser_peek(&parser)->column != 1) {
        diagnose(diagnoser, parser_place(parser_peek(&parser)), MESSAGE_INDENTED_FIRST, parser_found(&parser),
                 NULL, NULL);
        return false;
    }
    parse_statements(&parser, ast);
    return diagnoser_clean(diagnoser);
}

struct expr *parser_run_expression(const char *text, size_t begin, size_t end, struct place at,
                                   struct diagnoser *diagnoser, struct arena *arena, struct arena *scratch)
{
    struct lexer_result lexed;
    if (!lexer_run(text, begin, end, at, diagnoser, scratch, &lexed))
        return NULL;
    struct parser parser = {.text = text,
                            .text_length = end,
                            .tokens = lexed.tokens,
                            .diagnoser = diagnoser,
                            .arena = arena,
                            .language = diagnoser->language};
    struct expr *expr = parse_condition(&parser);
    return expr != NULL && end_of_statement(&parser) ? expr : NULL;
}
