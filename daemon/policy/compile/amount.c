/* SPDX-License-Identifier: PostgreSQL */
/*
 * Amounts that suggestions name (金额): exact quantities of money with their own citation. They are computed for explanations
 * alone. What cannot be decided is an interval; what would be below zero is zero.
 */
#include "policy/compile/amount.h"

#include "base/money.h"
#include "policy/machine/display.h"

/* --- compiling ---------------------------------------------------------------------------------------------------- */

static struct program_amount compile_line(struct compiler *compiler, const struct program_clause *clause,
                                          const struct amount_line *line)
{
    struct program_amount amount = {.line = line, .quantity = {.constant = true, .reg = NO_REGISTER}};
    bool named = line->title.length > 0;
    amount.title = named ? compiler_string(compiler, line->title) : clause->shown.title;
    amount.citation = clause->shown.citation;
    if (line->citation.given) {
        declare_check_citation(compiler, &line->citation, line->title, line->at);
        amount.citation = declare_citation_text(compiler, &line->citation);
    }
    struct operand operand = elaborate_quantity(compiler, line->value, SCOPE_HOUSEHOLD);
    if (operand.type != OPERAND_QUANTITY)
        return amount;
    if (operand.quantity.unit.exponent[UNIT_YUAN] != 1)
        compiler_refuse(compiler, line->value->at, MESSAGE_AMOUNT_UNIT,
                        compiler_unit(compiler, operand.quantity.unit), NULL, NULL);
    if (operand.quantity.divisor_count > 0 && clause->even_empty)
        compiler_refuse(compiler, line->value->at, MESSAGE_DIVISOR_EMPTY,
                        compiler_text(compiler, line->value), NULL, NULL);
    amount.quantity = operand.quantity;
    return amount;
}

void amount_compile(struct compiler *compiler, struct program_clause *clause)
{
    size_t count = 0;
    for (const struct amount_line *line = clause->statement->amounts; line != NULL; line = line->next)
        count++;
    if (count == 0)
        return;
    clause->amounts = compiler_alloc(compiler, count, sizeof *clause->amounts);
    for (const struct amount_line *line = clause->statement->amounts; line != NULL && clause->amounts != NULL;
         line = line->next)
        clause->amounts[clause->amount_count++] = compile_line(compiler, clause, line);
}

/* --- shown -------------------------------------------------------------------------------------------------------- */

static int64_t not_negative(int64_t fen)
{
    return fen < 0 ? 0 : fen;
}

bool amount_show(const struct frame *frame, const struct program_clause *clause, enum language language,
                 struct arena *arena, struct policy_shown_clause *shown)
{
    shown->amounts = arena_array(arena, clause->amount_count + 1, sizeof *shown->amounts);
    if (shown->amounts == NULL)
        return false;
    for (size_t i = 0; i < clause->amount_count; i++) {
        struct policy_value value = display_quantity(frame, &clause->amounts[i].quantity, 0, language, arena);
        if (value.unit == NULL)
            return false;
        value.low = not_negative(value.low);
        value.high = not_negative(value.high);
        shown->amounts[shown->amount_count++] =
            (struct policy_shown_amount){clause->amounts[i].title, clause->amounts[i].citation, value};
    }
    return true;
}

int amount_find(const struct program_clause *clause, struct slice title)
{
    for (size_t i = 0; i < clause->amount_count; i++) {
        if (slice_equal(clause->amounts[i].line->title, title))
            return (int)i;
    }
    return title.length == 0 && clause->amount_count > 0 ? 0 : -1;
}

static void add_interval(struct text *out, int64_t low, int64_t high)
{
    char a[MONEY_TEXT_SIZE], b[MONEY_TEXT_SIZE];
    text_add_str(out, money_format(low, a));
    if (low != high)
        text_printf(out, "..%s", money_format(high, b));
}

bool amount_is(const struct program_clause *clause, const struct policy_shown_clause *shown,
               const struct example_amount *expected, enum language language, struct text *out)
{
    int index = amount_find(clause, expected->title); /* there is one: example.c has looked */
    if ((size_t)index >= shown->amount_count)
        return true; /* the clause has not fired, which is told by itself */
    const struct policy_shown_amount *amount = &shown->amounts[index];
    if (amount->value.low == expected->low && amount->value.high == expected->high)
        return true;
    bool chinese = language == LANGUAGE_CHINESE;
    text_printf(out, chinese ? "%s 的金额“%s”应为" : "%s: amount \"%s\" expected ", clause->shown.name,
                amount->title);
    add_interval(out, expected->low, expected->high);
    text_add_str(out, chinese ? ",实为" : ", got ");
    add_interval(out, amount->value.low, amount->value.high);
    return false;
}
