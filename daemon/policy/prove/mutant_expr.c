/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/compiler.h"
#include "policy/prove/mutant.h"

#include "policy/syntax/lexer.h"
#include "policy/syntax/parser.h"

#include <string.h>

/* --- making them -------------------------------------------------------------------------------------------------- */

struct mutant *mutant_add(struct mutant_maker *maker, enum mutant_operator op, struct place at)
{
    struct mutant *mutant = arena_alloc(maker->arena, sizeof *mutant);
    if (mutant == NULL) {
        maker->failed = true;
        return NULL;
    }
    *mutant = (struct mutant){.op = op,
                              .at = at,
                              .owner = maker->owner,
                              .clauses = maker->clauses,
                              .amounts = maker->amounts,
                              .before = "",
                              .after = "",
                              .shift = {.window = -1}};
    *maker->tail = mutant;
    maker->tail = &mutant->next;
    maker->count++;
    return mutant;
}

void mutant_patch(struct mutant_maker *maker, struct mutant *mutant, void *target, const void *bytes,
                  size_t size)
{
    if (mutant == NULL)
        return;
    struct patch *patch = arena_alloc(maker->arena, sizeof *patch);
    void *copy = arena_alloc(maker->arena, size);
    if (patch == NULL || copy == NULL) {
        maker->failed = true;
        return;
    }
    memcpy(copy, bytes, size);
    *patch = (struct patch){.next = mutant->patches, .target = target, .bytes = copy, .size = size};
    mutant->patches = patch;
}

void mutant_toggle(const struct mutant *mutant)
{
    for (struct patch *patch = mutant->patches; patch != NULL; patch = patch->next) {
        unsigned char *a = patch->target, *b = patch->bytes;
        for (size_t i = 0; i < patch->size; i++) {
            unsigned char byte = a[i];
            a[i] = b[i];
            b[i] = byte;
        }
    }
}

const char *mutant_text(struct mutant_maker *maker)
{
    const char *copy = text_keep(&maker->text, maker->arena);
    text_clear(&maker->text);
    if (copy == NULL)
        maker->failed = true;
    return copy == NULL ? "" : copy;
}

const char *mutant_gone(const struct mutant_maker *maker)
{
    return maker->policy->language == LANGUAGE_CHINESE ? "去掉" : "dropped";
}

static struct unparser unparser_of(struct mutant_maker *maker)
{
    return (struct unparser){maker->policy->text, maker->policy->language, &maker->text};
}

/* Describes what the expression is now and what it is with the mutant. */
static void mutant_describe_expr(struct mutant_maker *maker, struct mutant *mutant, const struct expr *expr)
{
    if (mutant == NULL)
        return;
    struct unparser unparser = unparser_of(maker);
    unparse_expr(&unparser, expr);
    mutant->before = mutant_text(maker);
    mutant_toggle(mutant);
    unparse_expr(&unparser, expr);
    mutant->after = mutant_text(maker);
    mutant_toggle(mutant);
}

/* The node becomes `other`. */
static void replace(struct mutant_maker *maker, enum mutant_operator op, struct expr *expr,
                    const struct expr *other, const struct expr *shown)
{
    struct mutant *mutant = mutant_add(maker, op, expr->at);
    mutant_patch(maker, mutant, expr, other, sizeof *expr);
    mutant_describe_expr(maker, mutant, shown);
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

struct decimal {
    int64_t digits; /* value × 10^places */
    int places;
    struct slice rest; /* the unit or % after it */
};

static int64_t power_of_ten(int places)
{
    int64_t power = 1;
    for (int i = 0; i < places; i++)
        power *= 10;
    return power;
}

static struct decimal read_decimal(struct slice text)
{
    struct decimal decimal = {0};
    size_t i = 0;
    bool point = false;
    for (; i < text.length && (text.bytes[i] == '.' || (text.bytes[i] >= '0' && text.bytes[i] <= '9')); i++) {
        if (text.bytes[i] == '.') {
            point = true;
            continue;
        }
        decimal.digits = decimal.digits * 10 + (text.bytes[i] - '0');
        decimal.places += point;
    }
    decimal.rest = (struct slice){text.bytes + i, text.length - i};
    return decimal;
}

static void print_decimal(struct text *out, struct decimal decimal)
{
    int64_t power = power_of_ten(decimal.places),
            digits = decimal.digits < 0 ? -decimal.digits : decimal.digits;
    text_printf(out, "%s%lld", decimal.digits < 0 ? "-" : "", (long long)(digits / power));
    if (decimal.places > 0)
        text_printf(out, ".%0*lld", decimal.places, (long long)(digits % power));
    text_add(out, decimal.rest.bytes, decimal.rest.length);
}

static enum step_size step_of_unit(struct unit unit)
{
    if (unit.exponent[UNIT_YUAN] == 1)
        return STEP_FEN;
    return unit_is_none(unit) ? STEP_RATIO : STEP_ONE;
}

/* 4830.00 → 4830.01; the number keeps its unit. */
static bool step_number(struct mutant_maker *maker, const struct expr *expr, enum step_size step,
                        int direction, struct expr *out)
{
    struct slice source = {maker->policy->text + expr->begin, expr->end - expr->begin};
    struct decimal decimal = read_decimal(source);
    bool percent = decimal.rest.length > 0 && decimal.rest.bytes[0] == '%';
    int places = step == STEP_ONE || (step == STEP_RATIO && percent) ? 0 : 2;
    if (places > decimal.places) {
        decimal.digits *= power_of_ten(places - decimal.places);
        decimal.places = places;
    }
    decimal.digits += direction;
    *out = *expr;
    print_decimal(&maker->text, decimal);
    out->name = slice_of(mutant_text(maker));
    return fraction_make(decimal.digits, (wide_t)power_of_ten(decimal.places) * (percent ? 100 : 1),
                         &out->number);
}

/* 3/2 is one number: the hundredth is added to its value, unless it is too long for that. */
static bool step_ratio(struct mutant_maker *maker, const struct expr *expr, int direction, struct expr *out)
{
    struct fraction ratio = expr->a->number;
    fraction_divide(expr->a->number, expr->b->number, &ratio); /* the checker did the same */
    if (!fraction_add(ratio, (struct fraction){direction, 100}, &ratio))
        return false;
    text_printf(&maker->text, "%lld/%lld", (long long)ratio.num, (long long)ratio.den);
    *out = (struct expr){.kind = EXPR_NUMBER, .at = expr->at, .number = ratio};
    out->name = slice_of(mutant_text(maker));
    return !maker->failed;
}

static void step_both_ways(struct mutant_maker *maker, struct expr *expr, struct unit unit)
{
    enum step_size step = expr->has_unit ? step_of_unit(expr->unit) : maker->step;
    for (int direction = -1; direction <= 1; direction += 2) {
        struct expr other;
        bool stepped = unparse_is_ratio(expr) ? step_ratio(maker, expr, direction, &other)
                                              : step_number(maker, expr, step, direction, &other);
        if (!stepped)
            continue;
        if (!other.has_unit && !unit_is_none(unit)) { /* 0 needs no unit, 1 does */
            char text[UNIT_TEXT_SIZE];
            text_printf(&maker->text, "%.*s%s", (int)other.name.length, other.name.bytes,
                        unit_format(unit, maker->policy->language, text));
            other.name = slice_of(mutant_text(maker));
            other.has_unit = true;
            other.unit = unit;
        }
        replace(maker, MUTANT_STEP, expr, &other, maker->context != NULL ? maker->context : expr);
    }
}

/* --- comparisons -------------------------------------------------------------------------------------------------- */

static const struct comparison *find_comparison(const struct mutant_maker *maker, const struct expr *expr)
{
    const struct program *program = &maker->policy->program;
    for (size_t i = 0; i < program->comparison_count; i++) {
        if (program->comparisons[i].expr == expr)
            return &program->comparisons[i];
    }
    return NULL;
}

static void walk_side(struct mutant_maker *maker, struct expr *side, const struct comparison *comparison)
{
    if (side->kind == EXPR_NUMBER) {
        maker->step = comparison == NULL ? STEP_ONE : step_of_unit(comparison->left.unit);
        step_both_ways(maker, side, comparison == NULL ? unit_none() : comparison->left.unit);
        maker->step = STEP_RATIO;
    } else {
        mutant_walk_expr(maker, side);
    }
}

/* A code is compared by = and ≠ alone, unless its values have an order; the checker knows. */
static void walk_comparison(struct mutant_maker *maker, struct expr *expr)
{
    static const enum mark marks[] = {SYMBOL_LESS,      SYMBOL_LESS_EQUAL,    SYMBOL_EQUAL,
                                      SYMBOL_NOT_EQUAL, SYMBOL_GREATER_EQUAL, SYMBOL_GREATER};
    const struct expr *around = maker->context;
    maker->context = expr;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        struct expr other = *expr;
        other.symbol = (int)marks[i];
        if (other.symbol != expr->symbol)
            replace(maker, MUTANT_COMPARE, expr, &other, expr);
    }
    const struct comparison *comparison = find_comparison(maker, expr);
    if (expr->b->kind == EXPR_YES || expr->b->kind == EXPR_NO) {
        struct expr other = *expr->b;
        other.kind = expr->b->kind == EXPR_YES ? EXPR_NO : EXPR_YES;
        replace(maker, MUTANT_MEMBER, expr->b, &other, expr);
    }
    walk_side(maker, expr->a, comparison);
    walk_side(maker, expr->b, comparison);
    maker->context = around;
}

static void walk_list(struct mutant_maker *maker, struct expr *expr)
{
    for (size_t drop = 0; drop < expr->item_count && expr->item_count > 1; drop++) {
        struct expr other = *expr;
        other.items = arena_array(maker->arena, expr->item_count, sizeof *other.items);
        if (other.items == NULL) {
            maker->failed = true;
            return;
        }
        other.item_count = 0;
        for (size_t i = 0; i < expr->item_count; i++) {
            if (i != drop)
                other.items[other.item_count++] = expr->items[i];
        }
        struct mutant *mutant = mutant_add(maker, MUTANT_MEMBER, expr->items[drop].at);
        mutant_patch(maker, mutant, expr, &other, sizeof other);
        mutant_describe_expr(maker, mutant, expr);
    }
    mutant_walk_expr(maker, expr->a);
}

/* --- logic and arithmetic ----------------------------------------------------------------------------------------- */

static void walk_logic(struct mutant_maker *maker, struct expr *expr)
{
    struct expr other = *expr;
    other.kind = expr->kind == EXPR_AND ? EXPR_OR : EXPR_AND;
    replace(maker, MUTANT_CONNECTIVE, expr, &other, expr);
    replace(maker, MUTANT_OPERAND, expr, expr->b, expr);
    replace(maker, MUTANT_OPERAND, expr, expr->a, expr);
    mutant_walk_expr(maker, expr->a);
    mutant_walk_expr(maker, expr->b);
}

static void walk_sum(struct mutant_maker *maker, struct expr *expr)
{
    struct expr other = *expr;
    other.kind = expr->kind == EXPR_ADD ? EXPR_SUBTRACT : EXPR_ADD;
    replace(maker, MUTANT_SIGN, expr, &other, expr);
    replace(maker, MUTANT_ADDEND, expr, expr->b, expr);
    replace(maker, MUTANT_ADDEND, expr, expr->a, expr);
    mutant_walk_expr(maker, expr->a);
    mutant_walk_expr(maker, expr->b);
}

static void walk_product(struct mutant_maker *maker, struct expr *expr)
{
    const struct expr *around = maker->context;
    if (maker->context == NULL)
        maker->context = expr;
    if (unparse_is_ratio(expr)) {
        step_both_ways(maker, expr, unit_none());
    } else {
        mutant_walk_expr(maker, expr->a);
        mutant_walk_expr(maker, expr->b);
    }
    maker->context = around;
}

/* --- facts and aggregates ----------------------------------------------------------------------------------------- */

static int inline_window(const struct mutant_maker *maker, struct slice word)
{
    int months, days;
    return parse_window_word(word, maker->policy->language, &months, &days)
               ? declare_find_window(&maker->policy->program, months, days)
               : -1;
}

/* What it may exceed, a fen more or less; of a state: that there is one. */
static void walk_disagreement(struct mutant_maker *maker, struct expr *expr, const struct expr *shown)
{
    const struct comparison *comparison = find_comparison(maker, expr);
    const struct expr *around = maker->context;
    struct expr other = *expr;
    other.verb = KW_CURRENT;
    if (comparison == NULL) { /* of a part of a certificate the checker refuses it */
        replace(maker, MUTANT_VERB, expr, &other, shown);
        return;
    }
    maker->context = shown;
    if (expr->a != NULL) {
        walk_side(maker, expr->a, comparison);
    } else {
        struct expr *fen = arena_alloc(maker->arena, sizeof *fen);
        if (fen == NULL) {
            maker->failed = true;
            return;
        }
        *fen = (struct expr){.kind = EXPR_NUMBER,
                             .at = expr->at,
                             .number = {1, 100},
                             .has_unit = true,
                             .unit = unit_of(UNIT_YUAN)};
        text_printf(&maker->text, "0.01%s", word_text(WORD_YUAN, maker->policy->language));
        fen->name = slice_of(mutant_text(maker));
        other = *expr;
        other.a = fen;
        replace(maker, MUTANT_STEP, expr, &other, shown);
    }
    maker->context = around;
}

static void walk_phrase(struct mutant_maker *maker, struct expr *expr)
{
    static const enum keyword verbs[] = {KW_HELD, KW_AT_END, KW_ENDED};
    const struct expr *shown = maker->context != NULL ? maker->context : expr;
    struct expr other = *expr;
    bool windowed = false;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        windowed = windowed || expr->verb == verbs[i];
    for (size_t i = 0; windowed && i < sizeof verbs / sizeof verbs[0]; i++) {
        other.verb = verbs[i];
        if (verbs[i] != expr->verb)
            replace(maker, MUTANT_VERB, expr, &other, shown);
    }
    other = *expr;
    other.household = false;
    if (expr->household)
        replace(maker, MUTANT_HOUSEHOLD, expr, &other, shown);
    other = *expr;
    other.verb = KW_HELD;
    if (expr->verb == KW_BEGAN)
        replace(maker, MUTANT_VERB, expr, &other, shown);
    if (expr->verb == KW_DISAGREE)
        walk_disagreement(maker, expr, shown);
    for (int step = -1; step <= 1 && expr->lasted.present; step += 2) {
        int *length;
        other = *expr;
        length = other.lasted.months > 0 ? &other.lasted.months : &other.lasted.days;
        *length += step;
        if (*length > 0)
            replace(maker, MUTANT_STEP, expr, &other, shown);
    }
    if (expr->window.length > 0)
        mutant_move_window(maker, inline_window(maker, expr->window), expr->window_at);
}

static void walk_aggregate(struct mutant_maker *maker, struct expr *expr)
{
    static const enum keyword opposite[][2] = {
        {KW_ANY, KW_ALL}, {KW_ALL, KW_ANY}, {KW_MAXIMUM, KW_MINIMUM}, {KW_MINIMUM, KW_MAXIMUM}};
    const struct expr *around = maker->context;
    for (size_t i = 0; i < sizeof opposite / sizeof opposite[0]; i++) {
        struct expr other = *expr;
        other.verb = opposite[i][1];
        if (expr->verb == opposite[i][0])
            replace(maker, MUTANT_QUANTIFIER, expr, &other, expr);
    }
    if (expr->verb == KW_COUNT && expr->a != NULL) {
        struct expr other = *expr;
        other.a = NULL;
        replace(maker, MUTANT_FILTER, expr, &other, around != NULL ? around : expr);
    }
    maker->context = NULL; /* what stands inside is shown by itself */
    mutant_walk_set(maker, expr->set);
    if (expr->a != NULL)
        mutant_walk_expr(maker, expr->a);
    maker->context = around;
}

static void walk_declared(struct mutant_maker *maker, struct expr *expr)
{
    const struct expr *around = maker->context;
    replace(maker, MUTANT_DECLARED, expr, expr->c, expr);
    maker->context = NULL;
    mutant_walk_expr(maker, expr->a);
    mutant_walk_expr(maker, expr->b);
    mutant_walk_expr(maker, expr->c);
    maker->context = around;
}

/* 较大, 较小: the other one. All three: one of the two alone. */
static void walk_choice(struct mutant_maker *maker, struct expr *expr)
{
    const struct expr *around = maker->context;
    struct expr other = *expr;
    other.kind = expr->kind == EXPR_LARGER ? EXPR_SMALLER : EXPR_LARGER;
    if (expr->kind != EXPR_IF)
        replace(maker, MUTANT_QUANTIFIER, expr, &other, expr);
    replace(maker, MUTANT_OPERAND, expr, expr->b, expr);
    replace(maker, MUTANT_OPERAND, expr, expr->a, expr);
    maker->context = NULL;
    if (expr->c != NULL)
        mutant_walk_expr(maker, expr->c);
    mutant_walk_expr(maker, expr->a);
    mutant_walk_expr(maker, expr->b);
    maker->context = around;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

void mutant_walk_expr(struct mutant_maker *maker, struct expr *expr)
{
    struct expr other = *expr;
    switch (expr->kind) { /* the compiler sees that every kind is here: GCOVR_EXCL_BR_LINE */
    case EXPR_NUMBER:
        step_both_ways(maker, expr, unit_none());
        return;
    case EXPR_FACT:
        walk_phrase(maker, expr);
        return;
    case EXPR_ADD:
    case EXPR_SUBTRACT:
        walk_sum(maker, expr);
        return;
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
        walk_product(maker, expr);
        return;
    case EXPR_COMPARE:
        walk_comparison(maker, expr);
        return;
    case EXPR_IN:
        walk_list(maker, expr);
        return;
    case EXPR_AND:
    case EXPR_OR:
        walk_logic(maker, expr);
        return;
    case EXPR_NOT:
        replace(maker, MUTANT_NEGATION, expr, expr->a, expr);
        mutant_walk_expr(maker, expr->a);
        return;
    case EXPR_AGGREGATE:
        walk_aggregate(maker, expr);
        return;
    case EXPR_DECLARED:
        walk_declared(maker, expr);
        return;
    case EXPR_LARGER:
    case EXPR_SMALLER:
    case EXPR_IF:
        walk_choice(maker, expr);
        return;
    case EXPR_HAS_UNKNOWN:
        mutant_walk_expr(maker, expr->a);
        return;
    case EXPR_RURAL:
    case EXPR_URBAN:
        other.kind = expr->kind == EXPR_RURAL ? EXPR_URBAN : EXPR_RURAL;
        replace(maker, MUTANT_AREA, expr, &other, expr);
        return;
    case EXPR_NAME: /* what it names is changed where it is defined */
    case EXPR_UNDECIDED:
    case EXPR_YES:
    case EXPR_NO:
    case EXPR_AGE:
    case EXPR_KINSHIP:
    case EXPR_LABOUR:
    case EXPR_LEVEL:
        return;
    }
}

void mutant_walk_value(struct mutant_maker *maker, struct expr *expr, struct unit unit)
{
    maker->step = step_of_unit(unit);
    mutant_walk_expr(maker, expr);
    maker->step = STEP_RATIO;
}

static void describe_set(struct mutant_maker *maker, struct mutant *mutant, const struct set_expr *set)
{
    if (mutant == NULL)
        return;
    struct unparser unparser = unparser_of(maker);
    unparse_set(&unparser, set);
    mutant->before = mutant_text(maker);
    mutant_toggle(mutant);
    unparse_set(&unparser, set);
    mutant->after = mutant_text(maker);
    mutant_toggle(mutant);
}

void mutant_walk_set(struct mutant_maker *maker, struct set_expr *set)
{
    for (size_t drop = 0; drop < set->part_count && set->part_count > 1; drop++) {
        struct set_expr other = *set;
        other.part_count = 0;
        for (size_t i = 0; i < set->part_count; i++) {
            if (i != drop)
                other.parts[other.part_count++] = set->parts[i];
        }
        struct mutant *mutant = mutant_add(maker, MUTANT_PART, set->parts[drop].at);
        mutant_patch(maker, mutant, set, &other, sizeof other);
        describe_set(maker, mutant, set);
    }
    if (set->filter == NULL)
        return;
    struct set_expr other = *set;
    other.filter = NULL;
    struct mutant *mutant = mutant_add(maker, MUTANT_FILTER, set->filter->at);
    mutant_patch(maker, mutant, set, &other, sizeof other);
    describe_set(maker, mutant, set);
    mutant_walk_expr(maker, set->filter);
}

/* --- windows ------------------------------------------------------------------------------------------------------ */

static void describe_shift(struct mutant_maker *maker, struct mutant *mutant)
{
    const struct program_window *w = &maker->policy->program.windows[mutant->shift.window];
    bool chinese = maker->policy->language == LANGUAGE_CHINESE, begin = mutant->shift.to_days == 0;
    int by = begin ? mutant->shift.from_days + mutant->shift.from_months : mutant->shift.to_days;
    const char *unit = mutant->shift.from_months != 0 ? (chinese ? "一月" : "a month")
                       : chinese                      ? "一天"
                                                      : "a day";
    const char *edge = begin ? (chinese ? "开始" : "begins") : chinese ? "结束" : "ends";
    mutant->before = w->name;
    if (chinese)
        text_printf(&maker->text, "%s%s%s%s", w->name, edge, by > 0 ? "早" : "晚", unit);
    else
        text_printf(&maker->text, "%s %s %s %s", w->name, edge, unit, by > 0 ? "earlier" : "later");
    mutant->after = mutant_text(maker);
}

void mutant_move_window(struct mutant_maker *maker, int window, struct place at)
{
    static const struct window_shift shifts[] = {{0, 0, 1, 0},  {0, 0, -1, 0}, {0, 1, 0, 0},
                                                 {0, -1, 0, 0}, {0, 0, 0, 1},  {0, 0, 0, -1}};
    if (window < 0 || (maker->windows_done >> window & 1) != 0)
        return;
    maker->windows_done |= UINT64_C(1) << window;
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        struct mutant *mutant = mutant_add(maker, MUTANT_WINDOW, at);
        if (mutant == NULL)
            return;
        mutant->shift = shifts[i];
        mutant->shift.window = window;
        describe_shift(maker, mutant);
    }
}
