/* SPDX-License-Identifier: PostgreSQL */
/*
 * The steps of a large household (policy.h), where they differ: those between persons and their household, which take any
 * number of persons and sum in 128 bits; and after each step, whether the ends of its intervals hold.
 *
 * A sum beyond what was proven is cut to it. Its low end then is too low, which is as sound as the exact one; its high end does
 * not hold, and nothing that is computed from it. So no step leaves the bounds that the compiler proved, and what is decided is
 * certain.
 */
#include "policy/machine/machine.h"

#include <string.h>

static uint8_t bounds_at(const struct frame *frame, int reg)
{
    return reg < 0 ? BOUND_BOTH : frame->bounds[reg];
}

/* Of −a. */
static uint8_t turned(uint8_t bounds)
{
    return (uint8_t)((bounds & BOUND_LOW ? BOUND_HIGH : 0) | (bounds & BOUND_HIGH ? BOUND_LOW : 0));
}

static bool between(wide_t value, const struct step *step)
{
    return value >= step->low && value <= step->high;
}

/* Cuts the only household's interval to what was proven of the step. */
static void put_interval(const struct frame *frame, int reg, wide_t low, wide_t high)
{
    const struct step *step = &frame->program->steps[reg];
    struct column out = frame->columns[reg];
    if (low < step->low)
        frame->bounds[reg] &= (uint8_t)~BOUND_LOW;
    if (high > step->high)
        frame->bounds[reg] &= (uint8_t)~BOUND_HIGH;
    out.low[0] = between(low, step) ? (int64_t)low : low < step->low ? step->low : step->high;
    out.high[0] = between(high, step) ? (int64_t)high : high < step->low ? step->low : step->high;
}

/* --- between persons and their household -------------------------------------------------------------------------- */

static void spread(const struct batch *batch, const struct step *step, struct column out)
{
    struct column a = batch->frame->columns[step->a];
    for (size_t i = 0; i < batch->persons; i++) {
        if (step->kind == REGISTER_QUANTITY) {
            out.low[i] = a.low[0];
            out.high[i] = a.high[0];
        } else {
            out.byte[i] = a.byte[0];
        }
    }
}

static void sum(const struct batch *batch, int reg)
{
    const struct frame *frame = batch->frame;
    const struct step *step = &frame->program->steps[reg];
    struct column a = frame->columns[step->a], b = frame->columns[step->b];
    wide_t low = 0, high = 0;
    for (size_t i = 0; i < batch->persons; i++) {
        bool certain = a.byte[i] == SETTLED_TRUE, open = a.byte[i] == UNSETTLED;
        low += certain || (open && b.low[i] < 0) ? b.low[i] : 0;
        high += certain || (open && b.high[i] > 0) ? b.high[i] : 0;
    }
    put_interval(frame, reg, low, high);
}

static void count(const struct batch *batch, int reg)
{
    const struct frame *frame = batch->frame;
    const struct step *step = &frame->program->steps[reg];
    struct column a = frame->columns[step->a], out = frame->columns[reg];
    int64_t low = 0, high = 0;
    for (size_t i = 0; i < batch->persons; i++) {
        low += a.byte[i] == SETTLED_TRUE;
        high += a.byte[i] & 1;
    }
    if (high > step->high)
        frame->bounds[reg] &= (uint8_t)~BOUND_HIGH;
    out.low[0] = low > step->high ? step->high : low;
    out.high[0] = high > step->high ? step->high : high;
}

static void any(const struct batch *batch, int reg)
{
    const struct frame *frame = batch->frame;
    struct column a = frame->columns[frame->program->steps[reg].a];
    uint8_t found = batch->omits ? UNSETTLED : SETTLED_FALSE;
    for (size_t i = 0; i < batch->persons; i++)
        found = (uint8_t)(((found | a.byte[i]) & 1) | (found & a.byte[i] & 2));
    frame->columns[reg].byte[0] = found;
}

/* Nothing is known of the persons: a quantity of theirs lies where it was proven to lie, or beyond when they are many. */
static void omit(const struct batch *batch, int reg)
{
    const struct frame *frame = batch->frame;
    const struct step *step = &frame->program->steps[reg];
    frame->columns[reg].low[0] = step->low < 0 ? step->low : 0;
    frame->columns[reg].high[0] = step->high;
    frame->bounds[reg] = step->low < 0 ? 0 : BOUND_LOW;
}

bool large_between(const struct batch *batch, int reg)
{
    const struct step *step = &batch->frame->program->steps[reg];
    switch ((enum op)step->op) {
    case OP_SPREAD:
        spread(batch, step, batch->frame->columns[reg]);
        return true;
    case OP_ANY:
        any(batch, reg);
        return true;
    case OP_SUM:
    case OP_COUNT:
        if (batch->omits)
            omit(batch, reg);
        else if (step->op == OP_SUM)
            sum(batch, reg);
        else
            count(batch, reg);
        return true;
    case OP_MAXIMUM:
    case OP_MINIMUM:
        if (batch->omits)
            omit(batch, reg);
        return batch->omits;
    default:
        return false;
    }
}

/* --- after each step ---------------------------------------------------------------------------------------------- */

/* b is never negative. A negative a is multiplied by the other end of b. */
static uint8_t product_bounds(const struct frame *frame, const struct step *step)
{
    uint8_t a = bounds_at(frame, step->a), b = bounds_at(frame, step->b);
    bool negative = frame->program->steps[step->a].low < 0;
    bool low = (a & BOUND_LOW) && (b & BOUND_LOW) && (!negative || (b & BOUND_HIGH));
    bool high = a == BOUND_BOTH && b == BOUND_BOTH;
    return (uint8_t)((low ? BOUND_LOW : 0) | (high ? BOUND_HIGH : 0));
}

/* What an end that does not hold may not decide. */
static void leave_open(const struct batch *batch, const struct step *step, struct column out)
{
    uint8_t a = bounds_at(batch->frame, step->a), b = bounds_at(batch->frame, step->b), open = 0;
    if ((a & b) == BOUND_BOTH)
        return;
    if (step->op == OP_EQUAL || !(a & BOUND_LOW) || !(b & BOUND_HIGH))
        open |= SETTLED_TRUE; /* may be true: being a's low end beyond b's high one says nothing */
    if (step->op == OP_EQUAL || !(a & BOUND_HIGH) || !(b & BOUND_LOW))
        open |= SETTLED_FALSE;
    size_t rows = step->domain == DOMAIN_HOUSEHOLD ? 1 : batch->persons;
    for (size_t i = 0; i < rows; i++)
        out.byte[i] |= open;
}

void large_bound(const struct batch *batch, int reg)
{
    const struct frame *frame = batch->frame;
    const struct step *step = &frame->program->steps[reg];
    uint8_t a = bounds_at(frame, step->a), b = bounds_at(frame, step->b);
    switch ((enum op)step->op) {
    case OP_SCALE:
        frame->bounds[reg] = step->k >= 0 ? a : turned(a);
        break;
    case OP_ADD:
    case OP_LARGER:
    case OP_SMALLER:
    case OP_CHOOSE:
        frame->bounds[reg] = a & b;
        break;
    case OP_SUBTRACT:
        frame->bounds[reg] = a & turned(b);
        break;
    case OP_MULTIPLY:
        frame->bounds[reg] = product_bounds(frame, step);
        break;
    case OP_WIDEN:
        frame->bounds[reg] = a;
        break;
    case OP_SPREAD:
        frame->bounds[reg] = step->kind == REGISTER_QUANTITY ? a : BOUND_BOTH;
        break;
    case OP_SUM:
    case OP_MAXIMUM:
    case OP_MINIMUM:
        frame->bounds[reg] &= b;
        break;
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_EQUAL:
        leave_open(batch, step, frame->columns[reg]);
        break;
    case OP_UNKNOWN:
        if (a != BOUND_BOTH)
            memset(frame->columns[reg].byte, SETTLED_TRUE,
                   step->domain == DOMAIN_HOUSEHOLD ? 1 : batch->persons);
        break;
    default:
        break;
    }
}
