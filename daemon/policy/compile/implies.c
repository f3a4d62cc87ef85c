/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/implies.h"

#include "policy/compile/limit.h"

struct proof {
    const struct program *program;
    int budget;
};

static bool follows(struct proof *proof, const struct known *known, struct literal goal, int cases);

/* --- what is known ------------------------------------------------------------------------------------------------ */

void known_init(struct known *known, const struct program *program)
{
    known->program = program;
    known->count = 0;
}

static void add(struct known *known, struct literal literal, int depth)
{
    enum { PARTS_DEPTH = 16 };
    const struct step *step = &known->program->steps[literal.reg];
    bool parts = step->op == (literal.negated ? OP_OR : OP_AND) && depth < PARTS_DEPTH;
    if (step->op == OP_NOT || step->op == OP_SPREAD) {
        add(known, (struct literal){step->a, literal.negated != (step->op == OP_NOT)}, depth);
    } else if (parts) {
        add(known, (struct literal){step->a, literal.negated}, depth + 1);
        add(known, (struct literal){step->b, literal.negated}, depth + 1);
    } else if (known->count < KNOWN_MAX) {
        known->items[known->count++] = literal;
    }
}

void known_add(struct known *known, int reg, bool negated)
{
    if (reg >= 0)
        add(known, (struct literal){reg, negated}, 0);
}

void known_add_clause(struct known *known, const struct program_clause *clause)
{
    for (size_t i = 0; i < clause->line_count; i++)
        known_add(known, clause->lines[i].reg, false);
    known_add(known, clause->some, false);
    for (size_t i = 0; i < clause->some_line_count; i++)
        known_add(known, clause->some_lines[i].reg, false);
}

/* --- values and states -------------------------------------------------------------------------------------------- */

/* The values that what is known leaves to a code or to the level. Bits beyond the last value mean that there is none. */
static uint64_t possible_values(const struct known *known, enum op op, int code)
{
    uint64_t possible = UINT64_MAX;
    for (size_t i = 0; i < known->count; i++) {
        const struct step *step = &known->program->steps[known->items[i].reg];
        if (step->op != op || step->a != code)
            continue;
        possible &= known->items[i].negated ? ~step->mask : step->mask;
    }
    return possible;
}

/* The values of the code that the literal, or one of its alternatives, holds for. */
static void add_alternatives(const struct program *program, struct literal literal, enum op op, int code,
                             uint64_t *listed)
{
    const struct step *step = &program->steps[literal.reg];
    if (step->op == OP_NOT || step->op == OP_SPREAD) {
        add_alternatives(program, (struct literal){step->a, literal.negated != (step->op == OP_NOT)}, op,
                         code, listed);
    } else if (step->op == (literal.negated ? OP_AND : OP_OR)) {
        add_alternatives(program, (struct literal){step->a, literal.negated}, op, code, listed);
        add_alternatives(program, (struct literal){step->b, literal.negated}, op, code, listed);
    } else if (step->op == op && step->a == code) {
        *listed |= literal.negated ? ~step->mask : step->mask;
    }
}

/* Of a code of which something is known the goal covers all values that are left, perhaps by several alternatives. */
static bool values_follow(const struct known *known, struct literal goal)
{
    for (size_t i = 0; i < known->count; i++) {
        const struct step *step = &known->program->steps[known->items[i].reg];
        uint64_t listed = 0;
        if (step->op != OP_CODE_IN && step->op != OP_LEVEL_IN)
            continue;
        add_alternatives(known->program, goal, (enum op)step->op, step->a, &listed);
        if ((possible_values(known, (enum op)step->op, step->a) & ~listed) == 0)
            return true;
    }
    return false;
}

/* In days, whatever the months are: that a date so far back lies no later than another. */
static bool no_later(int months, int days, int other_months, int other_days)
{
    enum { MONTH_LEAST = 28, MONTH_MOST = 31 };
    if (days == other_days)
        return months >= other_months;
    return (int64_t)months * MONTH_LEAST + days >= (int64_t)other_months * MONTH_MOST + other_days;
}

/* Every day of `inner` is one of `outer`. */
static bool window_within(const struct program_window *inner, const struct program_window *outer)
{
    if (outer->ever)
        return true;
    return !inner->ever &&
           no_later(outer->from_months, outer->from_days, inner->from_months, inner->from_days) &&
           no_later(inner->to_months, inner->to_days, outer->to_months, outer->to_days);
}

/* Of states: without a list any value will do that is no “no”. */
static bool mask_within(const struct step *inner, const struct step *outer)
{
    uint64_t listed = outer->mask == 0 ? ~UINT64_C(1) : outer->mask;
    return inner->mask == outer->mask || (inner->mask != 0 && (inner->mask & ~listed) == 0);
}

/* The window ends on the evaluation date. */
static bool ends_today(const struct program_window *window)
{
    return window->to_months == 0 && window->to_days == 0;
}

/* A state that is `inner` is `outer` as well. */
static bool state_within(const struct program *program, const struct step *inner, const struct step *outer)
{
    if (inner->fact != outer->fact || inner->domain != outer->domain || !mask_within(inner, outer))
        return false;
    const struct program_window *in = inner->window < 0 ? NULL : &program->windows[inner->window],
                                *out = outer->window < 0 ? NULL : &program->windows[outer->window];
    bool now = inner->mode == STATE_NOW || inner->mode == STATE_LASTED ||
               (inner->mode == STATE_AT_END && ends_today(in));
    switch ((enum state_mode)outer->mode) {
    case STATE_NOW:
        return now;
    case STATE_HELD:
        return now ? ends_today(out) : inner->mode == STATE_HELD && window_within(in, out);
    case STATE_AT_END:
        return now && ends_today(out);
    case STATE_LASTED: /* its window begins so long ago */
        return inner->mode == STATE_LASTED &&
               no_later(in->from_months, in->from_days, out->from_months, out->from_days);
    default:
        return inner->mode == outer->mode && window_within(in, out);
    }
}

static bool recorded_within(const struct program *program, const struct step *inner, const struct step *outer)
{
    return inner->fact == outer->fact && inner->domain == outer->domain &&
           window_within(&program->windows[inner->window], &program->windows[outer->window]);
}

/* --- somebody ----------------------------------------------------------------------------------------------------- */

/* What is known, without any person of it; and a person of whom `mask` holds. */
static bool person_implies(struct proof *proof, const struct known *known, int mask, int goal)
{
    struct known person;
    known_init(&person, known->program);
    for (size_t i = 0; i < known->count; i++) {
        if (proof->program->steps[known->items[i].reg].domain == DOMAIN_HOUSEHOLD)
            person.items[person.count++] = known->items[i];
    }
    known_add(&person, mask, false);
    return follows(proof, &person, (struct literal){goal, false}, 0);
}

static bool knows_a_person(const struct known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        if (known->program->steps[known->items[i].reg].domain == DOMAIN_PERSON)
            return true;
    }
    return false;
}

/* --- one that is known and one that is asked for --------------------------------------------------------------------- */

static bool literal_follows(struct proof *proof, const struct known *known, struct literal one,
                            struct literal goal)
{
    if (one.reg == goal.reg)
        return one.negated == goal.negated;
    const struct step *from = &proof->program->steps[one.reg], *to = &proof->program->steps[goal.reg];
    if (limit_follows(proof->program, one.reg, one.negated, goal.reg, goal.negated))
        return true;
    if (one.negated != goal.negated || from->op != to->op)
        return false;
    const struct step *inner = one.negated ? to : from, *outer = one.negated ? from : to;
    switch ((enum op)to->op) {
    case OP_STATE:
        return state_within(proof->program, inner, outer);
    case OP_RECORDED:
        return recorded_within(proof->program, inner, outer);
    case OP_ANY:
        return person_implies(proof, known, inner->a, outer->a);
    default:
        return false;
    }
}

/* Case by case: whichever alternative of a known 或 is so. */
static bool follows_in_cases(struct proof *proof, const struct known *known, struct literal goal, int cases)
{
    for (size_t i = 0; i < known->count && cases > 0; i++) {
        struct literal either = known->items[i];
        const struct step *step = &proof->program->steps[either.reg];
        if (step->op != (either.negated ? OP_AND : OP_OR))
            continue;
        const int sides[2] = {step->a, step->b};
        bool all = true;
        for (int s = 0; s < 2 && all; s++) {
            struct literal side = {sides[s], either.negated};
            struct known with = *known;
            with.items[i] = with.items[--with.count];
            all = follows(proof, &with, (struct literal){side.reg, !side.negated}, 0);
            known_add(&with, side.reg, side.negated);
            all = all || follows(proof, &with, goal, cases - 1);
        }
        if (all)
            return true;
    }
    return false;
}

static bool follows(struct proof *proof, const struct known *known, struct literal goal, int cases)
{
    const struct step *step = &proof->program->steps[goal.reg];
    if (--proof->budget < 0)
        return false;
    if (step->op == OP_TRUTH)
        return step->k == (goal.negated ? SETTLED_FALSE : SETTLED_TRUE);
    if (step->op == OP_NOT || step->op == OP_SPREAD)
        return follows(proof, known, (struct literal){step->a, goal.negated != (step->op == OP_NOT)}, cases);
    struct literal a = {step->a, goal.negated}, b = {step->b, goal.negated};
    if (step->op == (goal.negated ? OP_OR : OP_AND))
        return follows(proof, known, a, cases) && follows(proof, known, b, cases);
    for (size_t i = 0; i < known->count; i++) {
        if (literal_follows(proof, known, known->items[i], goal))
            return true;
    }
    if (step->op == (goal.negated ? OP_AND : OP_OR) &&
        (follows(proof, known, a, 0) || follows(proof, known, b, 0)))
        return true;
    if (values_follow(known, goal))
        return true;
    if (step->op == OP_ANY && !goal.negated && knows_a_person(known) &&
        follows(proof, known, (struct literal){step->a, false}, 0))
        return true; /* he is somebody */
    return follows_in_cases(proof, known, goal, cases);
}

bool implies(const struct known *known, int reg, bool negated)
{
    struct proof proof = {known->program, IMPLIES_BUDGET};
    return follows(&proof, known, (struct literal){reg, negated}, IMPLIES_CASES_DEPTH);
}

bool implies_nothing(const struct known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        struct known others = *known;
        others.items[i] = others.items[--others.count];
        if (implies(&others, known->items[i].reg, !known->items[i].negated))
            return true;
    }
    return false;
}

/* --- both at once --------------------------------------------------------------------------------------------------- */

/* `known` says something of the very quantity or value that the literal speaks of. */
static bool speaks_of_the_same(const struct known *known, struct literal literal)
{
    const struct program *program = known->program;
    const struct step *step = &program->steps[literal.reg];
    for (size_t i = 0; i < known->count; i++) {
        const struct step *other = &program->steps[known->items[i].reg];
        bool values = step->op == other->op && step->a == other->a &&
                      (step->op == OP_CODE_IN || step->op == OP_LEVEL_IN);
        if (values || limit_same_quantity(program, literal.reg, known->items[i].reg))
            return true;
    }
    return false;
}

static bool is_comparison(const struct step *step)
{
    return step->op == OP_LESS || step->op == OP_LESS_EQUAL || step->op == OP_EQUAL;
}

/* No other quantity is compared beside it that might hang together with it, as 收入 does with 人均. */
static bool is_alone(const struct known *known, struct literal literal)
{
    const struct program *program = known->program;
    for (size_t i = 0; i < known->count; i++) {
        if (is_comparison(&program->steps[known->items[i].reg]) &&
            !limit_same_quantity(program, literal.reg, known->items[i].reg))
            return false;
    }
    return true;
}

static bool covers(const struct known *a, const struct known *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct literal literal = b->items[i];
        if (implies(a, literal.reg, literal.negated))
            continue;
        bool compares = is_comparison(&a->program->steps[literal.reg]);
        if (!speaks_of_the_same(a, literal) || (compares && !(is_alone(a, literal) && is_alone(b, literal))))
            return false;
    }
    return true;
}

bool known_overlap(const struct known *a, const struct known *b)
{
    struct known both = *a;
    if (a->count + b->count > KNOWN_MAX)
        return false; /* what is left out might exclude it */
    for (size_t i = 0; i < b->count; i++)
        both.items[both.count++] = b->items[i];
    return (covers(a, b) || covers(b, a)) && !implies_nothing(&both);
}
