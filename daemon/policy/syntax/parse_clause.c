/* SPDX-License-Identifier: PostgreSQL */
/* Clauses: a kind, a name, a title, and indented lines that each begin with a keyword. */
#include "policy/syntax/parser.h"

struct clause_parse {
    struct clause_statement *clause;
    struct clause_line **line_tail, **some_tail;
    struct cause_line **cause_tail;
};

/* The lines below 某 stand deeper than 某 itself. */
static bool parse_line(struct parser *parser, enum keyword kind, struct place at, struct clause_line ***tail)
{
    struct clause_line *line = parser_alloc(parser, sizeof *line);
    if (line == NULL)
        return false;
    line->kind = kind;
    line->at = at;
    **tail = line;
    *tail = &line->next;
    if ((line->value = parse_condition(parser)) == NULL)
        return false;
    return !parser_accept(parser, KW_CITE) || parser_citation(parser, &line->citation);
}

static bool line_keyword(enum keyword keyword)
{
    return keyword == KW_WHEN || keyword == KW_AND || keyword == KW_EVIDENCE;
}

static bool parse_some(struct parser *parser, struct place at, struct clause_parse *parse)
{
    if (parse->clause->some != NULL)
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, keyword_text(KW_SOME, parser->language),
                               NULL);
    if ((parse->clause->some = parse_set(parser)) == NULL)
        return false;
    while (parser_in_statement(parser) && parser_peek(parser)->first &&
           parser_peek(parser)->column > at.column) {
        const struct token *token = parser_peek(parser);
        enum keyword keyword = (enum keyword)token->keyword;
        if (keyword == KW_ONLY || keyword == KW_EXCEPT)
            return parser_wrong_at(parser, parser_place(token), MESSAGE_CLAUSE_GUARD_IN_SOME,
                                   keyword_text(keyword, parser->language), NULL);
        if (!line_keyword(keyword))
            return parser_wrong_at(parser, parser_place(token), MESSAGE_CLAUSE_LINE, parser_found(parser),
                                   NULL);
        if (keyword == KW_AND && parse->clause->some_lines == NULL)
            return parser_wrong_at(parser, parser_place(token), MESSAGE_CLAUSE_FIRST_AND, NULL, NULL);
        parser_next(parser);
        if (!parse_line(parser, keyword == KW_AND ? KW_WHEN : keyword, parser_place(token),
                        &parse->some_tail))
            return false;
    }
    if (parse->clause->some_lines != NULL)
        return true;
    return parser_wrong_at(parser, at, MESSAGE_CLAUSE_INDENT, NULL, NULL);
}

static bool parse_cause(struct parser *parser, struct place at, struct clause_parse *parse)
{
    const struct token *token = parser_peek(parser);
    struct slice word = parser_slice(parser, token);
    const char *cause = parser_in_expression(parser) ? cause_find(word, parser->language) : NULL;
    if (cause == NULL)
        return parser_wrong_at(parser, parser_place(token), MESSAGE_CLAUSE_CAUSE,
                               diagnose_slice(parser->diagnoser, word), cause_list(parser->language));
    parser_next(parser);
    struct cause_line *line = parser_alloc(parser, sizeof *line);
    if (line == NULL)
        return false;
    *line = (struct cause_line){.at = at, .cause = cause};
    *parse->cause_tail = line;
    parse->cause_tail = &line->next;
    if (parser_in_expression(parser) && parser_accept(parser, KW_WHEN))
        return (line->condition = parse_condition(parser)) != NULL;
    return true;
}

static bool parse_reason(struct parser *parser, struct place at, struct clause_parse *parse)
{
    struct clause_statement *clause = parse->clause;
    if (clause->has_reason)
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, keyword_text(KW_REASON, parser->language),
                               NULL);
    const struct token *token = parser_peek(parser);
    if (!parser_in_statement(parser) || token->kind != TOKEN_STRING)
        return parser_wrong_at(parser, parser_place(token), MESSAGE_STRING_EXPECTED, parser_found(parser),
                               NULL);
    if (slice_trim(parser_slice(parser, token)).length == 0)
        return parser_wrong_at(parser, parser_place(token), MESSAGE_STRING_EMPTY, NULL, NULL);
    clause->has_reason = true;
    clause->reason_at = (struct place){token->line, token->column + 1};
    clause->reason_begin = token->offset;
    clause->reason_end = token->offset + token->length;
    parser_next(parser);
    return true;
}

/* The days after 办理, which stands at `at` */
static bool parse_due(struct parser *parser, struct place at, struct clause_statement *clause)
{
    const char *due = keyword_text(KW_DUE, parser->language);
    if (clause->due_days > 0)
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, due, NULL);
    clause->due_at = at;
    if (!parser_days(parser, &clause->due_days))
        return false;
    if (clause->due_days == 0)
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_DUE_ZERO, due, NULL);
    return true;
}

static bool is_referred(const struct clause_statement *clause, struct slice whom)
{
    for (size_t i = 0; i < clause->referral_count; i++)
        if (slice_equal(clause->referrals[i].text, whom))
            return true;
    return false;
}

/* 转介 医保局 乡镇 [办理 3天] */
static bool parse_referrals(struct parser *parser, struct clause_statement *clause)
{
    do {
        if (clause->referral_count == AST_REFERRALS_MAX)
            return parser_wrong_at(parser, parser_place(parser_peek(parser)), MESSAGE_TOO_MANY,
                                   keyword_text(KW_REFER, parser->language),
                                   diagnose_number(parser->diagnoser, AST_REFERRALS_MAX));
        struct item item;
        if (!parser_name(parser, &item.text, &item.at))
            return false;
        if (is_referred(clause, item.text))
            return parser_wrong_at(parser, item.at, MESSAGE_CLAUSE_TWICE,
                                   diagnose_slice(parser->diagnoser, item.text), NULL);
        clause->referrals[clause->referral_count++] = item;
    } while (parser_in_expression(parser) && parser_peek(parser)->keyword == KW_NONE_OF_THESE);
    if (!parser_at_keyword(parser, KW_DUE) || !parser_in_expression(parser))
        return true;
    return parse_due(parser, parser_place(parser_next(parser)), clause);
}

/* 生效 DATE [至 DATE]: when the clause is not as old as the policy, or ends */
static bool parse_validity(struct parser *parser, struct place at, struct clause_statement *clause)
{
    if (clause->from != DAY_NONE)
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, keyword_text(KW_EFFECTIVE, parser->language),
                               NULL);
    if (!parser_date(parser, &clause->from) ||
        (parser_accept(parser, KW_TO) && !parser_date(parser, &clause->to)))
        return false;
    if (clause->to == DAY_NONE || clause->to >= clause->from)
        return true;
    char from[CIVIL_TEXT_SIZE], to[CIVIL_TEXT_SIZE];
    return parser_wrong_at(parser, clause->at, MESSAGE_DATED_BACKWARDS, civil_format(clause->from, from),
                           civil_format(clause->to, to));
}

static bool parse_condition_line(struct parser *parser, enum keyword keyword, struct place at,
                                 struct clause_parse *parse)
{
    if (keyword == KW_AND && parse->clause->lines == NULL)
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_FIRST_AND, NULL, NULL);
    return parse_line(parser, keyword == KW_AND ? KW_WHEN : keyword, at, &parse->line_tail);
}

static bool parse_clause_line(struct parser *parser, struct clause_parse *parse)
{
    const struct token *token = parser_peek(parser);
    enum keyword keyword = (enum keyword)token->keyword;
    struct place at = parser_place(token);
    if (!token->first)
        return parser_wrong_at(parser, at, MESSAGE_REST_UNEXPECTED, parser_found(parser), NULL);
    const char *found = parser_found(parser);
    parser_next(parser);
    switch (keyword) {
    case KW_CITE:
        if (parse->clause->citation.given)
            return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, keyword_text(KW_CITE, parser->language),
                                   NULL);
        return parser_citation(parser, &parse->clause->citation);
    case KW_ONLY:
    case KW_EXCEPT:
    case KW_WHEN:
    case KW_AND:
    case KW_EVIDENCE:
        return parse_condition_line(parser, keyword, at, parse);
    case KW_SOME:
        return parse_some(parser, at, parse);
    case KW_CAUSE:
        return parse_cause(parser, at, parse);
    case KW_REASON:
        return parse_reason(parser, at, parse);
    case KW_REFER:
        return parse_referrals(parser, parse->clause);
    case KW_DUE:
        return parse_due(parser, at, parse->clause);
    case KW_AMOUNT:
        return parse_amount_line(parser, at, parse->clause);
    case KW_CLEAR:
        return parse_clear(parser, at, parse->clause);
    case KW_VALID:
        if (parse->clause->valid_months > 0)
            return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE, keyword_text(KW_VALID, parser->language),
                                   NULL);
        parse->clause->valid_at = at;
        return parser_months(parser, &parse->clause->valid_months);
    case KW_EFFECTIVE:
        return parse_validity(parser, at, parse->clause);
    case KW_EVEN_EMPTY:
        if (parse->clause->even_empty)
            return parser_wrong_at(parser, at, MESSAGE_CLAUSE_TWICE,
                                   keyword_text(KW_EVEN_EMPTY, parser->language), NULL);
        parse->clause->even_empty = true;
        return true;
    default:
        return parser_wrong_at(parser, at, MESSAGE_CLAUSE_LINE, found, NULL);
    }
}

/* After a mistake the clause goes on with its next line. */
static void skip_line(struct parser *parser)
{
    while (parser_in_statement(parser) && !parser_peek(parser)->first)
        parser_next(parser);
}

bool parse_clause(struct parser *parser, enum keyword kind, struct clause_statement **clause)
{
    parser_next(parser);
    struct clause_statement *made = parser_alloc(parser, sizeof *made);
    if (made == NULL)
        return false;
    made->kind = kind;
    made->from = made->to = DAY_NONE;
    if (!parser_name(parser, &made->name, &made->at))
        return false;
    *clause = made;
    made->title = parser_rest_of_line(parser);
    struct clause_parse parse = {made, &made->lines, &made->some_lines, &made->causes};
    bool good = true;
    parser->in_clause = true;
    while (parser_in_statement(parser) && !parser->diagnoser->failed) {
        parser->parentheses = 0;
        parser->depth = 0;
        if (!parse_clause_line(parser, &parse)) {
            good = false;
            skip_line(parser);
        }
    }
    parser->in_clause = false;
    return good;
}
