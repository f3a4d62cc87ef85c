/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/limit.h"

/*
 * a `op` ratio × b. b is a register that is never negative, or 1 (NO_REGISTER). Of two such registers b is the one that
 * is known to be positive, else the later one, so that 低保 > 人均 and 人均 < 低保 meet.
 */
struct limit {
    int a, b;
    bool above, below; /* what it bounds the quantity from; neither: ≠, both: = */
    bool strict;
    struct fraction ratio;
};

static int unscaled(const struct program *program, int reg, int64_t *factor)
{
    const struct step *step = &program->steps[reg];
    *factor = step->op == OP_SCALE ? step->k : 1;
    return step->op == OP_SCALE ? step->a : reg;
}

static bool never_negative(const struct program *program, int reg)
{
    return program->steps[reg].low >= 0;
}

/* 1 always positive, 0 never negative, −1 perhaps negative. */
static int sign_of(const struct program *program, int reg)
{
    return program->steps[reg].low > 0 ? 1 : program->steps[reg].low == 0 ? 0 : -1;
}

/* b `op` k × a becomes a `turned op` 1/k × b. */
static void turn(struct limit *limit)
{
    int reg = limit->a;
    bool above = limit->above;
    limit->a = limit->b;
    limit->b = reg;
    limit->above = limit->below;
    limit->below = above;
    limit->ratio = fraction_inverse(limit->ratio);
}

static bool read_limit(const struct program *program, int reg, bool negated, struct limit *limit)
{
    const struct step *step = &program->steps[reg];
    int64_t left, right = 1;
    if (step->op != OP_LESS && step->op != OP_LESS_EQUAL && step->op != OP_EQUAL)
        return false;
    bool equal = step->op == OP_EQUAL;
    limit->above = !negated;
    limit->below = equal ? !negated : negated;
    limit->strict = !equal && (step->op == OP_LESS) != negated;
    limit->a = unscaled(program, step->a, &left);
    limit->b = step->b < 0 ? NO_REGISTER : unscaled(program, step->b, &right);
    if (left <= 0 || (step->b >= 0 && right <= 0))
        return false;
    limit->ratio = fraction_reduced(step->b < 0 ? step->k : right, left);
    if (limit->b < 0)
        return true;
    int a_sign = sign_of(program, limit->a), b_sign = sign_of(program, limit->b);
    if (a_sign < 0 && b_sign < 0)
        return false;
    if (a_sign > b_sign || (a_sign == b_sign && limit->a > limit->b))
        turn(limit);
    return true;
}

/* x is never below y: low by low and high by high. */
static bool dominates(const struct program *program, int x, int y, int depth)
{
    const struct step *more = &program->steps[x], *less = &program->steps[y];
    if (x == y)
        return true;
    if (depth == 0)
        return false;
    if (more->op == OP_ADD &&
        ((never_negative(program, more->b) && dominates(program, more->a, y, depth - 1)) ||
         (never_negative(program, more->a) && dominates(program, more->b, y, depth - 1))))
        return true;
    if (more->op == OP_LARGER &&
        (dominates(program, more->a, y, depth - 1) || dominates(program, more->b, y, depth - 1)))
        return true;
    if (more->op == OP_SMALLER && dominates(program, more->a, y, depth - 1) &&
        dominates(program, more->b, y, depth - 1))
        return true;
    if (less->op == OP_SUBTRACT && never_negative(program, less->b) &&
        dominates(program, x, less->a, depth - 1))
        return true;
    if (less->op == OP_LARGER && dominates(program, x, less->a, depth - 1) &&
        dominates(program, x, less->b, depth - 1))
        return true;
    return less->op == OP_SMALLER &&
           (dominates(program, x, less->a, depth - 1) || dominates(program, x, less->b, depth - 1));
}

/* Below r × b and no more than s × b … : the first bound is as tight as the second. Where b is 0 the ratios do not count. */
static bool as_tight(const struct program *program, const struct limit *from, const struct limit *to,
                     int order)
{
    bool positive = to->b < 0 || program->steps[to->b].low > 0;
    bool strict_enough = from->strict || !to->strict;
    return order < 0 ? positive || strict_enough : order == 0 && strict_enough;
}

bool limit_follows(const struct program *program, int from, bool from_negated, int to, bool to_negated)
{
    enum { DOMINATES_DEPTH = 4 };
    struct limit x, y;
    if (program->steps[from].domain != program->steps[to].domain ||
        !read_limit(program, from, from_negated, &x) || !read_limit(program, to, to_negated, &y) ||
        x.b != y.b)
        return false;
    int order = fraction_compare(x.ratio, y.ratio);
    if (y.above && y.below)
        return x.above && x.below && x.a == y.a && order == 0;
    if (!y.above && !y.below) { /* ≠: outside of what is left */
        struct limit strictly = y;
        strictly.strict = true;
        return (x.above && as_tight(program, &x, &strictly, order) &&
                dominates(program, x.a, y.a, DOMINATES_DEPTH)) ||
               (x.below && as_tight(program, &x, &strictly, -order) &&
                dominates(program, y.a, x.a, DOMINATES_DEPTH));
    }
    if (y.above)
        return x.above && as_tight(program, &x, &y, order) && dominates(program, x.a, y.a, DOMINATES_DEPTH);
    return x.below && as_tight(program, &x, &y, -order) && dominates(program, y.a, x.a, DOMINATES_DEPTH);
}

bool limit_same_quantity(const struct program *program, int x, int y)
{
    struct limit a, b;
    return program->steps[x].domain == program->steps[y].domain && read_limit(program, x, false, &a) &&
           read_limit(program, y, false, &b) && a.a == b.a && a.b == b.b;
}
