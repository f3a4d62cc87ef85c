/* SPDX-License-Identifier: PostgreSQL */
/* Phrases: [本户] [window] [verb] fact, 不一致 fact 超过 amount, and a standard averaged over a window. */
#include "policy/compile/operand.h"
#include "policy/syntax/parser.h"

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
} verb_modes[] = {
    {KW_CURRENT, STATE_NOW},       {KW_HELD, STATE_HELD},      {KW_AT_END, STATE_AT_END},
    {KW_HAPPENED, STATE_HAPPENED}, {KW_BEGAN, STATE_HAPPENED}, /* both look at the day on which it begins */
    {KW_ENDED, STATE_ENDED}};

static enum state_mode mode_of(enum keyword verb)
{
    size_t i = 0;
    while (verb_modes[i].verb != verb) /* state_misfit has let no other through */
        i++;
    return verb_modes[i].mode;
}

/* An amount: a sum over a window, the latest, or whether there is any. */
static enum message amount_misfit(const struct expr *expr, const struct program_fact *fact, int window)
{
    bool relief = fact->code->kind == FACT_RELIEF, disagree = expr->verb == KW_DISAGREE;
    if (relief && expr->verb != KW_RECORDED)
        return (expr->verb == KW_CURRENT || disagree) && window < 0 ? MESSAGE_MORE : MESSAGE_VERB_RELIEF;
    if (expr->verb == KW_LATEST) /* without a window: of all days up to the evaluation date */
        return MESSAGE_MORE;
    if (expr->verb != KW_NONE_OF_THESE && expr->verb != KW_RECORDED && !disagree)
        return MESSAGE_VERB_AMOUNT;
    return window < 0 ? MESSAGE_WINDOW_NEEDED : MESSAGE_MORE;
}

static enum message state_misfit(const struct expr *expr, const struct program_fact *fact, int window)
{
    bool disagree = expr->verb == KW_DISAGREE;
    bool now = expr->verb == KW_CURRENT || expr->verb == KW_LATEST || disagree;
    if (expr->verb == KW_NONE_OF_THESE)
        return MESSAGE_VERB_NEEDED;
    if ((fact->kind == WORD_TYPE || fact->kind == WORD_GRADE) && expr->verb != KW_LATEST && !disagree)
        return MESSAGE_VERB_PART;
    if (fact->kind == WORD_EVENT && expr->verb != KW_HAPPENED && expr->verb != KW_RECORDED)
        return MESSAGE_VERB_STATE;
    if (fact->kind != WORD_EVENT && expr->verb == KW_HAPPENED)
        return MESSAGE_VERB_EVENT;
    if (expr->ever && expr->verb != KW_HAPPENED && expr->verb != KW_RECORDED)
        return MESSAGE_EVER_VERB;
    if (now && window >= 0)
        return MESSAGE_VERB_NO_WINDOW;
    if (disagree && expr->a != NULL)
        return MESSAGE_EXCEEDING_AMOUNT;
    return !now && window < 0 ? MESSAGE_VERB_WINDOW : MESSAGE_MORE;
}

/* False and diagnosed when the words do not fit the fact. */
static bool verb_fits(struct compiler *compiler, const struct expr *expr, const struct program_fact *fact,
                      int window)
{
    bool amount = fact->kind == WORD_NONE;
    enum message message = amount ? amount_misfit(expr, fact, window) : state_misfit(expr, fact, window);
    if (message == MESSAGE_MORE && expr->lasted.present && (amount || expr->verb != KW_CURRENT))
        message = MESSAGE_LASTED_VERB;
    if (message == MESSAGE_MORE)
        return true;
    diagnose(compiler->diagnoser, expr->at, message, fact->name, keyword_text(expr->verb, compiler->language),
             NULL);
    return false;
}

/* Over a window: the sum over its months divided by their number, or over its days divided by theirs, which depends on the date. */
static struct operand standard_window(struct compiler *compiler, const struct expr *expr,
                                      const struct symbol *symbol, int window, enum scope scope)
{
    const struct program_window *w = &compiler->program->windows[window];
    if (symbol->index < 0)
        return operand_none();
    if (w->ever || expr->verb != KW_NONE_OF_THESE || expr->household || expr->lasted.present)
        return compiler_refuse(compiler, expr->at, MESSAGE_STANDARD_WINDOW, NULL, NULL, NULL);
    const struct program_standard *standard = &compiler->program->standards[symbol->index];
    bool by_months = standard->by_months && w->from_days == 0 && w->to_days == 0;
    int months = by_months ? w->from_months - w->to_months : 0;
    int reg = emit_standard(compiler, symbol->index, window, months, expr->at);
    struct operand operand = operand_quantity(reg, symbol->definition->unit, DOMAIN_HOUSEHOLD);
    struct fraction parts = {1, by_months ? months : 1}, scale = {1, standard->denominator};
    if (operand.type != OPERAND_QUANTITY)
        return operand_none();
    if (!fraction_multiply(parts, scale, &operand.quantity.factor))
        return quantity_overflows(compiler, expr->at), operand_none();
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

/* 不一致 F 超过 amount: the gap between the sources, compared. Plain 元 takes the unit of the phrase. */
static struct operand emit_gap(struct compiler *compiler, const struct expr *expr, int fact, int window,
                               enum scope scope)
{
    enum domain domain = scope_domain(scope);
    struct unit unit = window < 0 ? unit_divide(stock_unit(scope), unit_of(UNIT_MONTH))
                                  : amount_unit(&compiler->program->windows[window], scope);
    struct operand gap =
        operand_quantity(emit_amount(compiler, OP_GAP, fact, window, domain, expr->at), unit, domain);
    struct operand limit = expr->a == NULL ? operand_constant(fraction_of(0), unit_none(), true)
                                           : elaborate_quantity(compiler, expr->a, scope);
    if (gap.type != OPERAND_QUANTITY || limit.type != OPERAND_QUANTITY)
        return operand_none();
    if (unit_equal(limit.quantity.unit, unit_of(UNIT_YUAN)))
        limit.quantity.unit = unit;
    return comparison_elaborate(compiler, expr, gap, limit, scope);
}

static struct operand emit_amount_phrase(struct compiler *compiler, const struct expr *expr, int fact,
                                         int window, enum scope scope)
{
    enum domain domain = scope_domain(scope);
    if (expr->verb == KW_DISAGREE)
        return emit_gap(compiler, expr, fact, window, scope);
    if (expr->verb == KW_CURRENT)
        return operand_quantity(emit_amount(compiler, OP_ACTIVE_AMOUNT, fact, NO_REGISTER, domain, expr->at),
                                unit_divide(stock_unit(scope), unit_of(UNIT_MONTH)), domain);
    if (expr->verb == KW_NONE_OF_THESE)
        return operand_quantity(emit_amount(compiler, OP_AMOUNT, fact, window, domain, expr->at),
                                amount_unit(&compiler->program->windows[window], scope), domain);
    int within = window < 0 ? declare_ever_window(compiler) : window;
    if (within < 0)
        return operand_none();
    return operand_quantity(emit_amount(compiler, OP_LATEST_AMOUNT, fact, within, domain, expr->at),
                            stock_unit(scope), domain);
}

static struct operand emit_phrase(struct compiler *compiler, const struct expr *expr, int fact_index,
                                  int window, enum scope scope, uint64_t mask)
{
    const struct program_fact *fact = &compiler->program->facts[fact_index];
    enum domain domain = scope_domain(scope);
    if (expr->verb == KW_RECORDED)
        return operand_condition(emit_told(compiler, OP_RECORDED, fact_index, window, domain, expr->at),
                                 domain);
    if (fact->kind == WORD_NONE)
        return emit_amount_phrase(compiler, expr, fact_index, window, scope);
    if (expr->verb == KW_DISAGREE)
        return operand_condition(emit_told(compiler, OP_DISAGREE, fact_index, NO_REGISTER, domain, expr->at),
                                 domain);
    if (expr->verb == KW_LATEST)
        return (struct operand){.type = OPERAND_CODE,
                                .domain = domain,
                                .reg = emit_latest(compiler, fact_index, domain, expr->at),
                                .fact = fact_index};
    enum state_mode mode = mode_of(expr->verb);
    if (expr->lasted.present) {
        mode = STATE_LASTED;
        window = declare_inline_window(compiler, slice_of(keyword_text(KW_LASTED, compiler->language)),
                                       expr->lasted, expr->lasted.at);
        if (window < 0)
            return operand_none();
    }
    return operand_condition(emit_state(compiler, fact_index, window, mode, mask, domain, expr->at), domain);
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
    return place == scope ? operand : operand_spread(compiler, operand, scope, expr->at);
}
