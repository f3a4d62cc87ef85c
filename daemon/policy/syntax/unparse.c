/* SPDX-License-Identifier: PostgreSQL */
#include "policy/syntax/unparse.h"

#include "policy/syntax/lexer.h"

#include <string.h>

/* From loose to tight; an operand that binds more loosely than its place needs parentheses. */
enum binding { BIND_OR, BIND_AND, BIND_NOT, BIND_COMPARE, BIND_SUM, BIND_PRODUCT, BIND_VALUE };

static void at_binding(const struct unparser *u, const struct expr *expr, enum binding least);

static void word(const struct unparser *u, enum keyword keyword)
{
    text_add_str(u->out, keyword_text(keyword, u->language));
}

static void slice(const struct unparser *u, struct slice text)
{
    text_add(u->out, text.bytes, text.length);
}

void unparse_edge(struct text *out, enum language language, const struct window_edge *edge)
{
    bool days = edge->days > 0;
    int count = days ? edge->days : edge->months;
    if (language == LANGUAGE_CHINESE)
        text_printf(out, "近%d%s", count, days ? "日" : "月");
    else
        text_printf(out, "last_%d_%s", count, days ? "days" : "months");
}

static const char *unparse_mark(int symbol)
{
    switch (symbol) {
    case SYMBOL_EQUAL:
        return "=";
    case SYMBOL_NOT_EQUAL:
        return "≠";
    case SYMBOL_LESS:
        return "<";
    case SYMBOL_LESS_EQUAL:
        return "≤";
    case SYMBOL_GREATER:
        return ">";
    default:
        return "≥";
    }
}

static enum binding binding_of(const struct expr *expr)
{
    switch (expr->kind) { /* the compiler sees that every kind is here: GCOVR_EXCL_BR_LINE */
    case EXPR_OR:
        return BIND_OR;
    case EXPR_AND:
        return BIND_AND;
    case EXPR_NOT:
        return BIND_NOT;
    case EXPR_COMPARE:
    case EXPR_IN:
    case EXPR_IF: /* reaches as far as it can: parenthesised as an operand */
        return BIND_COMPARE;
    case EXPR_ADD:
    case EXPR_SUBTRACT:
        return BIND_SUM;
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
        return BIND_PRODUCT;
    case EXPR_FACT:
        return expr->verb == KW_DISAGREE && expr->a != NULL ? BIND_COMPARE : BIND_VALUE;
    case EXPR_NUMBER:
    case EXPR_NAME:
    case EXPR_AGGREGATE:
    case EXPR_DECLARED:
    case EXPR_LARGER:
    case EXPR_SMALLER:
    case EXPR_HAS_UNKNOWN:
    case EXPR_UNDECIDED:
    case EXPR_YES:
    case EXPR_NO:
    case EXPR_RURAL:
    case EXPR_URBAN:
    case EXPR_AGE:
    case EXPR_KINSHIP:
    case EXPR_LABOUR:
    case EXPR_LEVEL:
        break;
    }
    return BIND_VALUE;
}

bool unparse_is_ratio(const struct expr *expr)
{
    return expr->kind == EXPR_DIVIDE && expr->a->kind == EXPR_NUMBER && expr->b->kind == EXPR_NUMBER &&
           !expr->a->has_unit && !expr->b->has_unit;
}

/* A ratio is written without blanks; other divisions with the sign that officials write. */
static const char *operator_text(const struct expr *expr)
{
    switch (expr->kind) {
    case EXPR_ADD:
        return " + ";
    case EXPR_SUBTRACT:
        return " - ";
    case EXPR_MULTIPLY:
        return " × ";
    default:
        return unparse_is_ratio(expr) ? "/" : " ÷ ";
    }
}

static void infix(const struct unparser *u, const struct expr *expr, const char *between)
{
    enum binding own = binding_of(expr);
    at_binding(u, expr->a, own);
    text_add_str(u->out, between);
    at_binding(u, expr->b, own + 1);
}

static void logic(const struct unparser *u, const struct expr *expr, enum keyword keyword)
{
    enum binding own = binding_of(expr);
    at_binding(u, expr->a, own);
    text_add_char(u->out, ' ');
    word(u, keyword);
    text_add_char(u->out, ' ');
    at_binding(u, expr->b, own + 1);
}

static void list(const struct unparser *u, const struct expr *expr)
{
    at_binding(u, expr->a, BIND_SUM);
    text_add_char(u->out, ' ');
    word(u, KW_IN);
    text_add_str(u->out, " (");
    for (size_t i = 0; i < expr->item_count; i++) {
        text_add_str(u->out, i == 0 ? "" : ", ");
        slice(u, expr->items[i].text);
    }
    text_add_char(u->out, ')');
}

static void phrase(const struct unparser *u, const struct expr *expr)
{
    if (expr->household) {
        word(u, KW_HOUSEHOLD);
        text_add_char(u->out, ' ');
    }
    if (expr->ever)
        word(u, KW_EVER);
    slice(u, expr->window);
    if (expr->ever || expr->window.length > 0)
        text_add_char(u->out, ' ');
    if (expr->verb != KW_NONE_OF_THESE) {
        word(u, expr->verb);
        text_add_char(u->out, ' ');
    }
    slice(u, expr->name);
    if (expr->verb == KW_DISAGREE && expr->a != NULL) {
        text_printf(u->out, " %s ", word_text(WORD_EXCEEDING, u->language));
        at_binding(u, expr->a, BIND_SUM);
    }
    if (!expr->lasted.present)
        return;
    text_add_char(u->out, ' ');
    word(u, KW_LASTED);
    text_printf(u->out, " %d%s", expr->lasted.months + expr->lasted.days,
                word_text(expr->lasted.months > 0 ? WORD_MONTH : WORD_DAY, u->language));
}

static void call(const struct unparser *u, enum keyword keyword, const struct set_expr *set,
                 const struct expr *const arguments[3])
{
    bool first = set == NULL;
    word(u, keyword);
    text_add_char(u->out, '(');
    if (set != NULL)
        unparse_set(u, set);
    for (int i = 0; i < 3; i++) {
        if (arguments[i] == NULL)
            continue;
        text_add_str(u->out, first ? "" : ", ");
        first = false;
        unparse_expr(u, arguments[i]);
    }
    text_add_char(u->out, ')');
}

static void number(const struct unparser *u, const struct expr *expr)
{
    if (expr->name.length > 0)
        slice(u, expr->name);
    else
        text_add(u->out, u->source + expr->begin, expr->end - expr->begin);
}

static void choice(const struct unparser *u, const struct expr *expr)
{
    word(u, KW_IF);
    text_add_char(u->out, ' ');
    unparse_expr(u, expr->c);
    text_add_char(u->out, ' ');
    word(u, KW_TAKE);
    text_add_char(u->out, ' ');
    at_binding(u, expr->a, BIND_SUM);
    text_add_char(u->out, ' ');
    word(u, KW_ELSE);
    text_add_char(u->out, ' ');
    at_binding(u, expr->b, BIND_SUM);
}

/* What is said by one word. */
static const enum keyword single_words[] = {
    [EXPR_UNDECIDED] = KW_UNDECIDED, [EXPR_YES] = KW_YES,       [EXPR_NO] = KW_NO,
    [EXPR_RURAL] = KW_RURAL,         [EXPR_URBAN] = KW_URBAN,   [EXPR_AGE] = KW_AGE,
    [EXPR_KINSHIP] = KW_KINSHIP,     [EXPR_LABOUR] = KW_LABOUR, [EXPR_LEVEL] = KW_LEVEL,
};

void unparse_expr(const struct unparser *u, const struct expr *expr)
{
    switch (expr->kind) {
    case EXPR_NUMBER:
        number(u, expr);
        return;
    case EXPR_NAME:
        slice(u, expr->name);
        return;
    case EXPR_FACT:
        phrase(u, expr);
        return;
    case EXPR_ADD:
    case EXPR_SUBTRACT:
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
        infix(u, expr, operator_text(expr));
        return;
    case EXPR_COMPARE:
        at_binding(u, expr->a, BIND_SUM);
        text_printf(u->out, " %s ", unparse_mark(expr->symbol));
        at_binding(u, expr->b, BIND_SUM);
        return;
    case EXPR_IN:
        list(u, expr);
        return;
    case EXPR_AND:
        logic(u, expr, KW_AND);
        return;
    case EXPR_OR:
        logic(u, expr, KW_OR);
        return;
    case EXPR_NOT:
        word(u, KW_NOT);
        text_add_char(u->out, ' ');
        at_binding(u, expr->a, BIND_NOT);
        return;
    case EXPR_AGGREGATE:
        call(u, expr->verb, expr->set, (const struct expr *const[3]){expr->a, NULL, NULL});
        return;
    case EXPR_DECLARED:
        call(u, KW_DECLARED, NULL, (const struct expr *const[3]){expr->a, expr->b, expr->c});
        return;
    case EXPR_LARGER:
        call(u, KW_LARGER, NULL, (const struct expr *const[3]){expr->a, expr->b, NULL});
        return;
    case EXPR_SMALLER:
        call(u, KW_SMALLER, NULL, (const struct expr *const[3]){expr->a, expr->b, NULL});
        return;
    case EXPR_IF:
        choice(u, expr);
        return;
    case EXPR_HAS_UNKNOWN:
        call(u, KW_HAS_UNKNOWN, NULL, (const struct expr *const[3]){expr->a, NULL, NULL});
        return;
    default: /* one word */
        word(u, single_words[expr->kind]);
    }
}

static void at_binding(const struct unparser *u, const struct expr *expr, enum binding least)
{
    bool loose = binding_of(expr) < least;
    text_add_str(u->out, loose ? "(" : "");
    unparse_expr(u, expr);
    text_add_str(u->out, loose ? ")" : "");
}

void unparse_set(const struct unparser *u, const struct set_expr *set)
{
    for (size_t i = 0; i < set->part_count; i++) {
        if (i > 0) {
            text_add_char(u->out, ' ');
            word(u, KW_WITH);
            text_add_char(u->out, ' ');
        }
        slice(u, set->parts[i].text);
    }
    if (set->filter != NULL) {
        text_add_char(u->out, ' ');
        word(u, KW_AMONG);
        text_add_char(u->out, ' ');
        unparse_expr(u, set->filter);
    }
}

void unparse_line(const struct unparser *u, const struct clause_line *line)
{
    word(u, line->kind);
    text_add_char(u->out, ' ');
    unparse_expr(u, line->value);
}

void unparse_words(const struct unparser *u, uint32_t begin, uint32_t end)
{
    bool blank = false;
    size_t before = u->out->length;
    for (uint32_t i = begin; i < end; i++) {
        if (u->source[i] == '#')
            i += (uint32_t)strcspn(u->source + i, "\n"); /* the last word stands behind it */
        if (strchr(" \t\r\n", u->source[i]) != NULL) {
            blank = true;
            continue;
        }
        text_add_str(u->out, blank && u->out->length > before ? " " : "");
        text_add_char(u->out, u->source[i]);
        blank = false;
    }
}
