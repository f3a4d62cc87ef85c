/* SPDX-License-Identifier: PostgreSQL */
/*
 * The proof that nothing overflows: the declared ranges and the limits of policy.h give the smallest and greatest value that a
 * step can ever take.
 *
 * A person's quantity also carries bounds of its sum over any of a household's persons: a household has at most
 * POLICY_FACTS_PER_HOUSEHOLD_MAX facts in all, which is far tighter than that number for every person.
 */
#include "policy/compile/compiler.h"

struct bounds {
    wide_t low, high, total_low, total_high;
};

static wide_t least(wide_t a, wide_t b)
{
    return a < b ? a : b;
}

static wide_t greatest(wide_t a, wide_t b)
{
    return a > b ? a : b;
}

/* Totals when nothing better is known than that each subject may count. */
static struct bounds each_subject(wide_t low, wide_t high)
{
    enum { SUBJECTS_MAX = POLICY_PERSONS_PER_HOUSEHOLD_MAX + 1 };
    return (struct bounds){low, high, wide_multiply(least(low, 0), SUBJECTS_MAX),
                           wide_multiply(greatest(high, 0), SUBJECTS_MAX)};
}

static struct bounds scale_bounds(struct bounds a, int64_t k)
{
    struct bounds b = {wide_multiply(a.low, k), wide_multiply(a.high, k), wide_multiply(a.total_low, k),
                       wide_multiply(a.total_high, k)};
    if (k >= 0)
        return b;
    return (struct bounds){b.high, b.low, b.total_high, b.total_low};
}

static struct bounds product_bounds(struct bounds a, struct bounds b)
{
    wide_t corners[4] = {wide_multiply(a.low, b.low), wide_multiply(a.low, b.high),
                         wide_multiply(a.high, b.low), wide_multiply(a.high, b.high)};
    wide_t low = corners[0], high = corners[0];
    for (int i = 1; i < 4; i++) {
        low = least(low, corners[i]);
        high = greatest(high, corners[i]);
    }
    return each_subject(low, high);
}

static struct bounds bounds_of(const struct program *program, int reg)
{
    if (reg < 0)
        return (struct bounds){0};
    const struct step *step = &program->steps[reg];
    return (struct bounds){step->low, step->high, step->total_low, step->total_high};
}

/* Of a window's number of days, on any date: declare_window has seen that it is one at least. */
static struct bounds days_bounds(const struct program_window *window)
{
    enum { MONTH_DAYS_MIN = 28, MONTH_DAYS_MAX = 31 };
    int64_t months = window->from_months - window->to_months, days = window->from_days - window->to_days;
    int64_t least_days = months * (months < 0 ? MONTH_DAYS_MAX : MONTH_DAYS_MIN) + days,
            most_days = months * (months < 0 ? MONTH_DAYS_MIN : MONTH_DAYS_MAX) + days;
    return each_subject(least_days < 1 ? 1 : least_days, most_days);
}

static struct bounds standard_bounds(const struct compiler *compiler, const struct step *step)
{
    const struct program_standard *standard = &compiler->program->standards[step->k];
    wide_t low = 0, high = 0;
    for (size_t i = 0; i < standard->value_count; i++) {
        const struct program_value *value = &standard->values[i];
        wide_t smaller = least(value->rural, value->urban), larger = greatest(value->rural, value->urban);
        low = i == 0 ? smaller : least(low, smaller);
        high = i == 0 ? larger : greatest(high, larger);
    }
    struct bounds parts = {1, 1, 0, 0};
    if (step->window >= 0)
        parts = step->mask == 0 ? days_bounds(&compiler->program->windows[step->window])
                                : (struct bounds){(int64_t)step->mask, (int64_t)step->mask, 0, 0};
    return product_bounds((struct bounds){low, high, 0, 0}, parts);
}

/*
 * Of either a or b. Over persons some count a and the others b: whatever the sum of the one and of the other can at most come
 * to, added, holds, and so does that of each person alone; of the smaller, also the sum of either.
 */
static struct bounds choice_bounds(enum op op, struct bounds a, struct bounds b)
{
    struct bounds hull = {least(a.low, b.low), greatest(a.high, b.high), 0, 0};
    if (op == OP_LARGER)
        hull.low = greatest(a.low, b.low);
    if (op == OP_SMALLER)
        hull.high = least(a.high, b.high);
    struct bounds chosen = each_subject(hull.low, hull.high);
    wide_t a_low = least(a.total_low, 0), b_low = least(b.total_low, 0), a_high = greatest(a.total_high, 0),
           b_high = greatest(b.total_high, 0);
    wide_t low = op == OP_LARGER ? greatest(a_low, b_low) : wide_add(a_low, b_low);
    wide_t high = op == OP_SMALLER ? least(a_high, b_high) : wide_add(a_high, b_high);
    chosen.total_low = greatest(chosen.total_low, low);
    chosen.total_high = least(chosen.total_high, high);
    return chosen;
}

static struct bounds quantity_bounds(const struct compiler *compiler, const struct step *step)
{
    const struct program *program = compiler->program;
    struct bounds a = bounds_of(program, step->a), b = bounds_of(program, step->b);
    switch ((enum op)step->op) {
    case OP_AMOUNT:
    case OP_LATEST_AMOUNT:
    case OP_ACTIVE_AMOUNT:
    case OP_GAP: {
        wide_t most = wide_multiply(program->facts[step->fact].high, POLICY_FACTS_PER_HOUSEHOLD_MAX);
        return (struct bounds){0, most, 0, most};
    }
    case OP_AGE:
        return each_subject(AGE_UNKNOWN_LOW, AGE_UNKNOWN_HIGH);
    case OP_CONSTANT:
        return each_subject(step->k, step->k);
    case OP_STANDARD:
        return standard_bounds(compiler, step);
    case OP_DAYS:
        return days_bounds(&program->windows[step->window]);
    case OP_SCALE:
        return scale_bounds(a, step->k);
    case OP_ADD:
        return (struct bounds){wide_add(a.low, b.low), wide_add(a.high, b.high),
                               wide_add(a.total_low, b.total_low), wide_add(a.total_high, b.total_high)};
    case OP_SUBTRACT:
        return (struct bounds){wide_add(a.low, -b.high), wide_add(a.high, -b.low),
                               wide_add(a.total_low, -b.total_high), wide_add(a.total_high, -b.total_low)};
    case OP_MULTIPLY:
        return product_bounds(a, b);
    case OP_WIDEN:
        return each_subject(a.low, wide_add(a.high, step->k));
    case OP_LARGER:
    case OP_SMALLER:
    case OP_CHOOSE:
        return choice_bounds((enum op)step->op, a, b);
    case OP_SPREAD:
        return each_subject(a.low, a.high);
    case OP_SUM:
        return each_subject(b.total_low, b.total_high);
    case OP_COUNT:
        return each_subject(step->k, POLICY_PERSONS_PER_HOUSEHOLD_MAX);
    default: /* OP_MAXIMUM, OP_MINIMUM */
        return each_subject(least(b.low, 0), greatest(b.high, 0));
    }
}

static bool may_be_undecided(const struct program *program, const struct step *step)
{
    bool a = step->a >= 0 && program->steps[step->a].may_be_undecided;
    bool b = step->b >= 0 && program->steps[step->b].may_be_undecided;
    bool c = step->c >= 0 && program->steps[step->c].may_be_undecided;
    switch ((enum op)step->op) {
    case OP_AMOUNT:
    case OP_LATEST_AMOUNT:
    case OP_ACTIVE_AMOUNT:
    case OP_GAP:
    case OP_AGE:
    case OP_TRAIT:
    case OP_WIDEN:
        return true;
    case OP_TRUTH:
        return step->k == UNSETTLED;
    case OP_UNKNOWN:
        return false;
    default:
        return a || b || c;
    }
}

bool bounds_prove(struct compiler *compiler, struct step *step)
{
    step->may_be_undecided = may_be_undecided(compiler->program, step);
    if (step->kind != REGISTER_QUANTITY)
        return true;
    struct bounds bounds = quantity_bounds(compiler, step);
    if (!wide_fits(bounds.low) || !wide_fits(bounds.high))
        return false;
    step->low = (int64_t)bounds.low;
    step->high = (int64_t)bounds.high;
    step->total_low = bounds.total_low;
    step->total_high = bounds.total_high;
    return true;
}
