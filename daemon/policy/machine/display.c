/* SPDX-License-Identifier: PostgreSQL */
#include "policy/machine/display.h"

#include "base/money.h"

enum rounding { TOWARD_ZERO, AWAY_FROM_ZERO };

static int64_t divide(wide_t num, wide_t den, enum rounding rounding)
{
    wide_t quotient = num / den;
    if (rounding == AWAY_FROM_ZERO && num % den != 0)
        quotient += num < 0 ? -1 : 1;
    if (quotient >= INT64_MAX)
        return INT64_MAX;
    return quotient <= -INT64_MAX ? -INT64_MAX : (int64_t)quotient;
}

/* The product of the divisors, at their least or greatest; a household without members divides by nothing. */
static wide_t divisor_product(const struct frame *frame, const int *divisors, int count, size_t row,
                              bool greatest)
{
    enum { MANY = 1 << 24 }; /* what no number of persons exceeds, where it has no upper end */
    wide_t product = 1;
    for (int i = 0; i < count; i++) {
        struct column column = frame->columns[divisors[i]];
        int64_t value = greatest ? column.high[row] : column.low[row];
        if (greatest && frame->bounds != NULL && !(frame->bounds[divisors[i]] & BOUND_HIGH))
            value = MANY;
        product *= value < 1 ? 1 : value;
    }
    return product;
}

/* interval × factor ÷ divisors. A low bound is least where its divisor is greatest, if it is positive. */
static struct interval apply(const struct frame *frame, struct interval value, struct fraction factor,
                             const int *divisors, int count, size_t row, enum rounding rounding)
{
    if (factor.num < 0)
        value = (struct interval){value.high, value.low};
    wide_t low = (wide_t)value.low * factor.num, high = (wide_t)value.high * factor.num;
    wide_t low_den = factor.den * divisor_product(frame, divisors, count, row, low >= 0);
    wide_t high_den = factor.den * divisor_product(frame, divisors, count, row, high < 0);
    return (struct interval){divide(low, low_den, rounding), divide(high, high_den, rounding)};
}

struct interval display_side(const struct frame *frame, int reg, int64_t constant, size_t row)
{
    if (reg < 0)
        return (struct interval){constant, constant};
    struct interval value = {frame->columns[reg].low[row], frame->columns[reg].high[row]};
    if (frame->bounds != NULL && !(frame->bounds[reg] & BOUND_LOW))
        value.low = -INT64_MAX;
    if (frame->bounds != NULL && !(frame->bounds[reg] & BOUND_HIGH))
        value.high = INT64_MAX;
    return value;
}

struct interval display_distance(const struct frame *frame, const struct comparison *comparison,
                                 struct interval left, struct interval right, size_t row)
{
    struct interval difference = {divide((wide_t)left.low - right.high, 1, TOWARD_ZERO),
                                  divide((wide_t)left.high - right.low, 1, TOWARD_ZERO)};
    return apply(frame, difference, comparison->factor, comparison->divisors, comparison->divisor_count, row,
                 AWAY_FROM_ZERO);
}

static struct interval value_of(const struct frame *frame, const struct quantity *quantity, size_t row)
{
    struct interval integers =
        quantity->constant ? (struct interval){1, 1} : display_side(frame, quantity->reg, 0, row);
    return apply(frame, integers, quantity->factor, quantity->divisors, quantity->divisor_count, row,
                 TOWARD_ZERO);
}

struct policy_value display_quantity(const struct frame *frame, const struct quantity *quantity, size_t row,
                                     enum language language, struct arena *arena)
{
    char unit[UNIT_TEXT_SIZE];
    struct interval value = value_of(frame, quantity, row);
    return (struct policy_value){.low = value.low,
                                 .high = value.high,
                                 .unit = arena_strdup(arena, unit_format(quantity->unit, language, unit))};
}

static void add_number(const struct quantity *quantity, int64_t value, enum language language,
                       struct text *out)
{
    char number[MONEY_TEXT_SIZE], unit[UNIT_TEXT_SIZE];
    const char *space = language == LANGUAGE_CHINESE ? "" : " ";
    bool yuan = quantity->unit.exponent[UNIT_YUAN] == 1;
    if (yuan)
        text_add_str(out, money_format(value, number));
    else
        text_add_int(out, value);
    if (unit_is_none(quantity->unit))
        return;
    text_add_str(out, space);
    text_add_str(out, yuan ? word_text(WORD_YUAN, language) : unit_format(quantity->unit, language, unit));
}

void display_amount(const struct frame *frame, const struct quantity *quantity, size_t row,
                    enum language language, struct text *out)
{
    struct interval value = value_of(frame, quantity, row);
    bool chinese = language == LANGUAGE_CHINESE, known = value.low == value.high;
    if (!known && value.low <= 0) {
        text_add_str(out, chinese ? "不明" : "unknown");
        return;
    }
    if (!known && !chinese)
        text_add_str(out, "at least ");
    add_number(quantity, value.low, language, out);
    if (!known && chinese)
        text_add_str(out, "以上");
}

void display_code(const struct program *program, int fact, uint8_t code, enum language language,
                  struct text *out)
{
    const struct program_fact *declared = &program->facts[fact];
    bool chinese = language == LANGUAGE_CHINESE;
    if (code >= CODE_VALUES_MAX)
        text_add_str(out, chinese ? "无" : "none");
    else if (declared->kind == WORD_YESNO)
        text_add_str(out, keyword_text(code != 0 ? KW_YES : KW_NO, language));
    else if (declared->kind == WORD_CODE && code >= 1 && code <= declared->code->choice_count)
        text_add_str(out,
                     chinese ? declared->code->choice_titles[code - 1] : declared->code->choices[code - 1]);
    else
        text_printf(out, "%u", code);
}
