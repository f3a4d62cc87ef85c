/* SPDX-License-Identifier: PostgreSQL */
/* Phrases: [本户] [window] [verb] fact, and a standard averaged over a window. */
#include "policy/operand.h"
#include "policy/parser.h"

/* What 最新 gives is no flow: it has no /年. */
static struct unit stock_unit(enum scope scope)
{
    return unit_divide(unit_of(UNIT_YUAN), unit_of(scope == SCOPE_HOUSEHOLD ? UNIT_HOUSEHOLD : UNIT_PERSON));
}

/* The sum over a window has the window's length in its unit, when that is a year or a month. */
static struct unit amount_unit(const struct program_window *window, enum scope scope)
{
    int months = window->from_months - window->to_months;
    bool whole = !window->ever && window->from_days == 0 && window->to_days == 0;
    struct unit unit = unit_of(UNIT_YUAN);
    if (whole && months == 12)
        unit = unit_divide(unit, unit_of(UNIT_YEAR));
    else if (whole && months == 1)
        unit = unit_divide(unit, unit_of(UNIT_MONTH));
    return unit_divide(unit, unit_of(scope == SCOPE_HOUSEHOLD ? UNIT_HOUSEHOLD : UNIT_PERSON));
}

/* The window of a phrase: -1 when it has none, -2 when diagnosed. */
static int phrase_window(struct compiler *compiler, const struct expr *expr)
{
    if (expr->ever)
        return declare_ever_window(compiler);
    if (expr->window.length == 0)
        return -1;
    struct window_edge edge = {0};
    if (parse_window_word(expr->window, compiler->language, &edge.months, &edge.days))
        return declare_inline_window(compiler, expr->window, edge, expr->window_at);
    struct symbol *symbol = declare_find(compiler, expr->window, expr->window_at);
    if (symbol == NULL)
        return -2;
    if (symbol->definition->kind == KW_WINDOW)
        return symbol->index < 0 ? -2 : symbol->index;
    diagnose(compiler->diagnoser, expr->window_at, MESSAGE_KIND_WRONG,
             diagnose_slice(compiler->diagnoser, expr->window),
             compiler_kind(compiler, symbol->definition->kind), compiler_kind(compiler, KW_WINDOW));
    return -2;
}

static const struct {
    enum keyword verb;
    enum state_mode mode;
} verb_modes[] = {{KW_CURRENT, STATE_NOW},
                  {KW_HELD, STATE_HELD},
                  {KW_AT_END, STATE_AT_END},
                  {KW_HAPPENED, STATE_HAPPENED},
                  {KW_ENDED, STATE_ENDED}};

static enum state_mode mode_of(enum keyword verb)
{
    for (size_t i = 0; i < sizeof verb_modes / sizeof verb_modes[0]; i++) {
        if (verb_modes[i].verb == verb)
            return verb_modes[i].mode;
    }
    return STATE_NOW;
}

/* False and diagnosed when the words do not fit the fact. */
static bool verb_fits(struct compiler *compiler, const struct expr *expr, const struct program_fact *fact,
                      int window)
{
    const char *verb = keyword_text(expr->verb, compiler->language);
    enum message message = MESSAGE_MORE;
    bool now = expr->verb == KW_CURRENT || expr->verb == KW_LATEST;
    if (fact->kind == WORD_NONE && expr->verb == KW_LATEST)
        return true; /* without a window: of all days up to the evaluation date */
    if (fact->kind == WORD_NONE && expr->verb != KW_NONE_OF_THESE)
        message = MESSAGE_VERB_AMOUNT;
    else if (fact->kind == WORD_NONE && window < 0)
        message = MESSAGE_WINDOW_NEEDED;
    else if (fact->kind == WORD_NONE)
        return true;
    else if (expr->verb == KW_NONE_OF_THESE)
        message = MESSAGE_VERB_NEEDED;
    else if ((fact->kind == WORD_TYPE || fact->kind == WORD_GRADE) && expr->verb != KW_LATEST)
        message = MESSAGE_VERB_PART;
    else if (fact->kind == WORD_EVENT && expr->verb != KW_HAPPENED)
        message = MESSAGE_VERB_STATE;
    else if (fact->kind != WORD_EVENT && expr->verb == KW_HAPPENED)
        message = MESSAGE_VERB_EVENT;
    else if (expr->ever && expr->verb != KW_HAPPENED)
        message = MESSAGE_EVER_VERB;
    else if (now && window >= 0)
        message = MESSAGE_VERB_NO_WINDOW;
    else if (!now && window < 0)
        message = MESSAGE_VERB_WINDOW;
    if (message == MESSAGE_MORE)
        return true;
    diagnose(compiler->diagnoser, expr->at, message, fact->name, verb, NULL);
    return false;
}

/* Over a window: the sum over its months divided by their number, or over its days divided by theirs, which depends on the date. */
static struct operand standard_window(struct compiler *compiler, const struct expr *expr,
                                      const struct symbol *symbol, int window, enum scope scope)
{
    const struct program_window *w = &compiler->program->windows[window];
    if (symbol->index < 0)
        return operand_none();
    if (w->ever || expr->verb != KW_NONE_OF_THESE || expr->household)
        return compiler_refuse(compiler, expr->at, MESSAGE_STANDARD_WINDOW, NULL, NULL, NULL);
    const struct program_standard *standard = &compiler->program->standards[symbol->index];
    bool by_months = standard->by_months && w->from_days == 0 && w->to_days == 0;
    int months = by_months ? w->from_months - w->to_months : 0;
    int reg = emit_standard(compiler, symbol->index, window, months, expr->at);
    struct operand operand = operand_quantity(reg, symbol->definition->unit, DOMAIN_HOUSEHOLD);
    struct fraction parts = {1, by_months ? months : 1}, scale = {1, standard->denominator};
    if (operand.type != OPERAND_QUANTITY || !fraction_multiply(parts, scale, &operand.quantity.factor))
        return operand_none();
    if (!by_months)
        operand.quantity.divisors[operand.quantity.divisor_count++] = emit_days(compiler, window, expr->at);
    return operand_spread(compiler, operand, scope, expr->at);
}

/* Where the phrase speaks: 本户 turns a person's place into the household's. */
static bool phrase_scope(struct compiler *compiler, const struct expr *expr, enum scope *scope)
{
    if (!expr->household)
        return true;
    if (*scope == SCOPE_HOUSEHOLD) {
        diagnose(compiler->diagnoser, expr->first_at, MESSAGE_HOUSEHOLD_PLACE, NULL, NULL, NULL);
        return false;
    }
    *scope = SCOPE_HOUSEHOLD;
    return true;
}

static struct operand emit_phrase(struct compiler *compiler, const struct expr *expr, int fact_index,
                                  int window, enum scope scope, uint64_t mask)
{
    const struct program_fact *fact = &compiler->program->facts[fact_index];
    enum domain domain = scope_domain(scope);
    if (fact->kind == WORD_NONE && expr->verb == KW_LATEST) {
        int within = window < 0 ? declare_ever_window(compiler) : window;
        return operand_quantity(
            within < 0 ? NO_REGISTER
                       : emit_amount(compiler, OP_LATEST_AMOUNT, fact_index, within, domain, expr->at),
            stock_unit(scope), domain);
    }
    if (fact->kind == WORD_NONE)
        return operand_quantity(emit_amount(compiler, OP_AMOUNT, fact_index, window, domain, expr->at),
                                amount_unit(&compiler->program->windows[window], scope), domain);
    if (expr->verb == KW_LATEST)
        return (struct operand){.type = OPERAND_CODE,
                                .domain = domain,
                                .reg = emit_latest(compiler, fact_index, domain, expr->at),
                                .fact = fact_index};
    return operand_condition(
        emit_state(compiler, fact_index, window, mode_of(expr->verb), mask, domain, expr->at), domain);
}

struct operand phrase_elaborate(struct compiler *compiler, const struct expr *expr, enum scope scope,
                                uint64_t mask)
{
    enum scope place = scope;
    int window = phrase_window(compiler, expr);
    struct symbol *symbol = window == -2 ? NULL : declare_find(compiler, expr->name, expr->at);
    if (symbol == NULL)
        return operand_none();
    if (definition_is_dated(symbol->definition) && window >= 0)
        return standard_window(compiler, expr, symbol, window, scope);
    if (symbol->definition->kind != KW_FACT) {
        const char *name = diagnose_slice(compiler->diagnoser, expr->name);
        return compiler_refuse(compiler, expr->at, MESSAGE_KIND_WRONG, name,
                               compiler_kind(compiler, symbol->definition->kind),
                               compiler_kind(compiler, KW_FACT));
    }
    if (symbol->index < 0 || !phrase_scope(compiler, expr, &place) ||
        !verb_fits(compiler, expr, &compiler->program->facts[symbol->index], window))
        return operand_none();
    struct operand operand = emit_phrase(compiler, expr, symbol->index, window, place, mask);
    if (operand.type == OPERAND_CODE && operand.reg < 0)
        return operand_none();
    return place == scope ? operand : operand_spread(compiler, operand, scope, expr->at);
}
