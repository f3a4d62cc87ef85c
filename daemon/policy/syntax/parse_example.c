/* SPDX-License-Identifier: PostgreSQL */
/*
 * Examples:
 *   例 CLAUSE title  日期 DATE 农村|城市 人口 N  FACT…  得 EXPECTATION…
 *   FACT         [户|人2] name [= value | value] [自 DATE] [至 DATE] [由 source]
 *   value        4829.99 | ? | 是 | 否 | 无 (takes away what 同上 brought) | = C | 类别 5 等级 3
 *   person       人2 生日 DATE | 生日 ? | 年龄 12岁 | 亲属 子 | 劳动力 无 | 亲属 ?
 *   EXPECTATION  红 clause… | 查 clause… | 无 clause… | 待核 clause… | 未定 clause… ; 红 橙 黄 核 and 无
 * alone: the level
 *   议 clause 金额 [title] 1200.00[..1800.00]
 */
#include "policy/syntax/parser.h"
#include "policy/syntax/trait.h"

struct example_parse {
    struct example_statement *example;
    struct example_fact **fact_tail;
    int subject;               /* who the next facts are about; -1 not said */
    bool subject_said;         /* right before the next fact */
    bool bare;                 /* nothing is said yet of the one that was named last */
    struct slice subject_word; /* as it was named */
};

/* The word here, which is known to be a name. */
static void take_name(struct parser *parser, struct slice *name, struct place *at)
{
    const struct token *token = parser_next(parser);
    *name = parser_slice(parser, token);
    *at = parser_place(token);
}

/* 人3 → 3; 0 when the word is none. */
static int person_number(const struct parser *parser, struct slice word)
{
    const char *prefix = word_text(WORD_PERSON, parser->language);
    size_t length = slice_of(prefix).length;
    if (word.length <= length || word.length > length + 3 ||
        !slice_equal((struct slice){word.bytes, length}, slice_of(prefix)))
        return 0;
    int number = 0;
    for (size_t i = length; i < word.length; i++) {
        if (word.bytes[i] < '0' || word.bytes[i] > '9')
            return 0;
        number = number * 10 + (word.bytes[i] - '0');
    }
    return number;
}

/* What is said of a person follows: a household has none of it. */
static bool of_person(struct parser *parser, struct example_parse *parse)
{
    parse->bare = false;
    if (parse->subject != 0)
        return true;
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_EXAMPLE_NOT_HOUSEHOLD,
             diagnose_slice(parser->diagnoser, parser_slice(parser, parser_peek(parser))),
             word_text(WORD_PERSON, parser->language), NULL);
    return false;
}

/* The word before what is said now was said already. */
static bool said_twice(struct parser *parser)
{
    diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_EXAMPLE_TWICE,
             diagnose_slice(parser->diagnoser, parser_slice(parser, parser_peek(parser))), NULL, NULL);
    return false;
}

static struct example_person *current_person(struct parser *parser, struct example_parse *parse)
{
    int number = parse->subject < 1 ? 1 : parse->subject;
    if (number > AST_PEOPLE_MAX) {
        diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_EXAMPLE_PERSON,
                 diagnose_number(parser->diagnoser, number), NULL, NULL);
        return NULL;
    }
    return &parse->example->persons[number - 1];
}

/* Whose birth or age is said now; NULL, and diagnosed, when it cannot be said. */
static struct example_person *person_without_age(struct parser *parser, struct example_parse *parse)
{
    struct example_person *person = of_person(parser, parse) ? current_person(parser, parse) : NULL;
    if (person == NULL || !person->given)
        return person;
    said_twice(parser);
    return NULL;
}

static bool parse_born(struct parser *parser, struct example_parse *parse)
{
    struct example_person *person = person_without_age(parser, parse);
    if (person == NULL)
        return false;
    parser_next(parser);
    *person = (struct example_person){.given = true, .age = -1};
    if (parser_accept_symbol(parser, SYMBOL_UNKNOWN)) {
        person->unknown = true;
        return true;
    }
    return parser_date(parser, &person->birth);
}

static bool parse_age(struct parser *parser, struct example_parse *parse)
{
    enum { AGE_MAX = 150 };
    struct example_person *person = person_without_age(parser, parse);
    if (person == NULL)
        return false;
    parser_next(parser);
    *person = (struct example_person){.given = true};
    if (!parser_count(parser, AGE_MAX, &person->age))
        return false;
    if (!word_is(parser_slice(parser, parser_peek(parser)), WORD_AGE_YEARS, parser->language)) {
        diagnose(parser->diagnoser, parser_place(parser_peek(parser)), MESSAGE_EXPECTED,
                 word_text(WORD_AGE_YEARS, parser->language), parser_found(parser), NULL);
        return false;
    }
    parser_next(parser);
    return true;
}

/* 亲属 子, 劳动力 无, 亲属 ? */
static bool parse_trait(struct parser *parser, struct example_parse *parse, enum trait trait)
{
    int number = parse->subject < 1 ? 1 : parse->subject;
    if (!of_person(parser, parse) || current_person(parser, parse) == NULL)
        return false;
    int *said = &parse->example->traits[number - 1].values[trait];
    if (*said != 0)
        return said_twice(parser);
    parser_next(parser);
    if (parser_accept_symbol(parser, SYMBOL_UNKNOWN)) {
        *said = 1;
        return true;
    }
    struct slice word = parser_slice(parser, parser_peek(parser));
    int value = parser_in_statement(parser) ? trait_value(trait, word, parser->language) : -1;
    if (value < 0)
        return parser_wrong(parser, MESSAGE_EXAMPLE_TRAIT, trait_words(trait, parser->language));
    *said = value + 2;
    parser_next(parser);
    return true;
}

/* 类别 5 等级 3 */
static bool parse_certificate(struct parser *parser, struct example_fact *fact)
{
    while (parser_in_statement(parser)) {
        struct slice word = parser_slice(parser, parser_peek(parser));
        if (word_is(word, WORD_CERTIFICATE_TYPE, parser->language)) {
            parser_next(parser);
            if (!parser_count(parser, 7, &fact->certificate_type))
                return false;
        } else if (word_is(word, WORD_CERTIFICATE_GRADE, parser->language)) {
            parser_next(parser);
            if (!parser_count(parser, 4, &fact->certificate_grade))
                return false;
        } else {
            break;
        }
    }
    return true;
}

static bool parse_fact_value(struct parser *parser, struct example_fact *fact)
{
    bool equal = parser_accept_symbol(parser, SYMBOL_EQUAL);
    const struct token *token = parser_peek(parser);
    if (!parser_in_statement(parser))
        return true;
    if (token->kind == TOKEN_NUMBER) {
        fact->kind = EXAMPLE_NUMBER;
        return parser_number(parser, parser_next(parser), &fact->number);
    }
    if (parser_accept_symbol(parser, SYMBOL_UNKNOWN)) {
        fact->kind = EXAMPLE_UNKNOWN;
    } else if (parser_accept(parser, KW_NO)) {
        fact->kind = EXAMPLE_NO;
    } else if (parser_accept(parser, KW_NONE)) {
        fact->kind = EXAMPLE_REMOVED;
    } else if (parser_accept(parser, KW_YES)) {
        fact->kind = EXAMPLE_PLAIN;
    } else if (equal) {
        if (token->kind != TOKEN_WORD)
            return parser_wrong(parser, MESSAGE_NAME_EXPECTED, NULL);
        fact->kind = EXAMPLE_WORD;
        fact->word = parser_slice(parser, parser_next(parser));
    }
    return true;
}

static bool parse_fact_period(struct parser *parser, struct example_fact *fact)
{
    bool more = parser_at_keyword(parser, KW_FROM) || parser_at_keyword(parser, KW_TO) ||
                parser_at_keyword(parser, KW_BY_SOURCE);
    if (more && fact->kind == EXAMPLE_REMOVED) {
        diagnose(parser->diagnoser, fact->at, MESSAGE_EXAMPLE_REMOVED_MORE,
                 diagnose_slice(parser->diagnoser, fact->name), keyword_text(KW_NONE, parser->language),
                 NULL);
        return false;
    }
    for (;;) {
        if (parser_accept(parser, KW_FROM)) {
            if (!parser_date(parser, &fact->from))
                return false;
        } else if (parser_accept(parser, KW_TO)) {
            if (!parser_date(parser, &fact->to))
                return false;
        } else if (parser_accept(parser, KW_BY_SOURCE)) {
            if (!parser_name(parser, &fact->source.text, &fact->source.at))
                return false;
        } else {
            return true;
        }
    }
}

static bool parse_example_fact(struct parser *parser, struct example_parse *parse)
{
    struct example_fact *fact = parser_alloc(parser, sizeof *fact);
    if (fact == NULL)
        return false;
    *fact = (struct example_fact){
        .subject = parse->subject, .subject_said = parse->subject_said, .from = DAY_NONE, .to = DAY_NONE};
    take_name(parser, &fact->name, &fact->at);
    *parse->fact_tail = fact;
    parse->fact_tail = &fact->next;
    parse->subject_said = parse->bare = false;
    return parse_certificate(parser, fact) && parse_fact_value(parser, fact) &&
           parse_fact_period(parser, fact);
}

static bool parse_date(struct parser *parser, struct example_parse *parse)
{
    if (parse->example->date != DAY_NONE)
        return said_twice(parser);
    parser_next(parser);
    return parser_date(parser, &parse->example->date);
}

static bool parse_area(struct parser *parser, struct example_parse *parse)
{
    if (parse->example->urban >= 0)
        return said_twice(parser);
    parse->example->urban = parser_next(parser)->keyword == KW_URBAN;
    return true;
}

static bool parse_people_count(struct parser *parser, struct example_parse *parse)
{
    if (parse->example->people >= 0)
        return said_twice(parser);
    parser_next(parser);
    return parser_count(parser, AST_PEOPLE_MAX, &parse->example->people);
}

/* 户, 人2: something must be said of them. */
static bool nothing_said(struct parser *parser, const struct example_parse *parse)
{
    return parser_wrong(
        parser, parse->subject == 0 ? MESSAGE_EXAMPLE_SUBJECT_HOUSEHOLD : MESSAGE_EXAMPLE_SUBJECT_PERSON,
        diagnose_slice(parser->diagnoser, parse->subject_word));
}

/* What is said of the subject; *other: the item is something else. */
static bool parse_saying(struct parser *parser, struct example_parse *parse, bool *other)
{
    switch (parser_peek(parser)->keyword) {
    case KW_BORN:
        return parse_born(parser, parse);
    case KW_AGE:
        return parse_age(parser, parse);
    case KW_KINSHIP:
        return parse_trait(parser, parse, TRAIT_KINSHIP);
    case KW_LABOUR:
        return parse_trait(parser, parse, TRAIT_LABOUR);
    case KW_NONE_OF_THESE:
        return parse_example_fact(parser, parse);
    default:
        *other = true;
        return true;
    }
}

static bool parse_item(struct parser *parser, struct example_parse *parse)
{
    const struct token *token = parser_peek(parser);
    struct slice word = parser_slice(parser, token);
    if (token->kind != TOKEN_WORD)
        return parser_wrong(parser, MESSAGE_EXAMPLE_ITEM, NULL);
    int person = person_number(parser, word);
    bool subject = person > 0 || word_is(word, WORD_HOUSEHOLD, parser->language),
         people = word_is(word, WORD_PEOPLE, parser->language), other = false;
    if (!subject && !people && !parse_saying(parser, parse, &other))
        return false;
    if (!subject && !people && !other)
        return true;
    if (parse->bare)
        return nothing_said(parser, parse);
    if (subject) {
        parse->subject = person;
        parse->subject_said = parse->bare = true;
        parse->subject_word = word;
        parser_next(parser);
        return true;
    }
    if (people)
        return parse_people_count(parser, parse);
    if (token->keyword == KW_DATE)
        return parse_date(parser, parse);
    if (token->keyword == KW_RURAL || token->keyword == KW_URBAN)
        return parse_area(parser, parse);
    return parser_wrong(parser, MESSAGE_EXAMPLE_ITEM, NULL);
}

static bool is_level(enum keyword keyword)
{
    return keyword >= KW_RED && keyword <= KW_VERIFY;
}

static bool at_clause_name(const struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    return parser_in_statement(parser) && token->kind == TOKEN_WORD && token->keyword == KW_NONE_OF_THESE;
}

/* 红 橙 黄 核 or 无 alone name the household's level: the highest, or none. */
static bool parse_level(struct parser *parser, struct example_statement *example, enum keyword kind,
                        struct place at)
{
    bool level = is_level(kind), none = kind == KW_NONE && !at_clause_name(parser);
    if ((level && example->level == KW_NONE) || (none && is_level(example->level))) {
        diagnose(parser->diagnoser, at, MESSAGE_EXAMPLE_LEVEL_TWICE, keyword_text(KW_NONE, parser->language),
                 keyword_text(level ? kind : example->level, parser->language), NULL);
        return false;
    }
    if (none || (level && (example->level == KW_NONE_OF_THESE || kind < example->level)))
        example->level = kind; /* red comes first */
    return true;
}

/* One mode word and the clauses after it. */
static bool parse_expectation(struct parser *parser, struct example_statement *example,
                              struct example_expectation ***tail)
{
    enum keyword kind = (enum keyword)parser_peek(parser)->keyword;
    bool mode = keyword_is_clause(kind) || kind == KW_NONE || kind == KW_TO_VERIFY || kind == KW_UNDECIDED;
    if (!mode)
        return parser_wrong(parser, MESSAGE_EXAMPLE_EXPECTATION, NULL);
    struct place at = parser_place(parser_next(parser));
    if (!parse_level(parser, example, kind, at))
        return false;
    if (!is_level(kind) && kind != KW_NONE && !at_clause_name(parser))
        return parser_wrong(parser, MESSAGE_EXAMPLE_EXPECTATION, NULL);
    while (at_clause_name(parser)) {
        struct example_expectation *expectation = parser_alloc(parser, sizeof *expectation);
        if (expectation == NULL)
            return false;
        expectation->kind = kind;
        take_name(parser, &expectation->clause, &expectation->at);
        **tail = expectation;
        *tail = &expectation->next;
        if (kind == KW_SUGGEST && !parse_example_amounts(parser, expectation))
            return false;
    }
    return true;
}

static bool title_goes_on(const struct parser *parser)
{
    const struct token *token = parser_peek(parser);
    return parser_in_statement(parser) && token->keyword != KW_DATE && token->keyword != KW_SAME &&
           token->keyword != KW_EXPECT;
}

bool parse_example(struct parser *parser, struct example_statement **example)
{
    struct example_statement *made = parser_alloc(parser, sizeof *made);
    if (made == NULL)
        return false;
    made->at = parser_place(parser_next(parser));
    made->date = DAY_NONE;
    made->urban = made->people = -1;
    if (!parser_name(parser, &made->clause, &made->clause_at))
        return false;
    *example = made;
    const struct token *title = parser_peek(parser);
    while (title_goes_on(parser))
        parser_next(parser);
    made->title =
        slice_trim((struct slice){parser->text + title->offset, parser_peek(parser)->offset - title->offset});
    made->same = parser_accept(parser, KW_SAME);
    struct example_parse parse = {.example = made, .fact_tail = &made->facts, .subject = -1};
    while (parser_in_statement(parser) && !parser_at_keyword(parser, KW_EXPECT)) {
        if (!parse_item(parser, &parse))
            return false;
    }
    if (parse.bare)
        return nothing_said(parser, &parse);
    if (!parser_accept(parser, KW_EXPECT) || !parser_in_statement(parser)) {
        diagnose(parser->diagnoser, made->at, MESSAGE_EXAMPLE_NOTHING, NULL, NULL, NULL);
        return false;
    }
    for (struct example_expectation **tail = &made->expectations; parser_in_statement(parser);) {
        if (!parse_expectation(parser, made, &tail))
            return false;
    }
    const struct token *last = parser_peek(parser) - 1;
    made->end = last->offset + last->length;
    return true;
}
