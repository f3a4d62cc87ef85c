/* SPDX-License-Identifier: PostgreSQL */
/*
 * Clauses that can never fire, as far as intervals tell: a line that its bounds decide, two lines of which one is the
 * opposite of the other, and two lines that hold one quantity against multiples of another and leave no room between them
 * (人均 ≥ 1.5 × 低保 beside 人均 < 低保).
 */
#include "policy/compiler.h"

/* a `op` ratio × b, where b is a register that is never negative, or 1 (NO_REGISTER). */
struct limit {
    int a, b;
    enum op op; /* OP_LESS, OP_LESS_EQUAL or OP_EQUAL */
    bool negated;
    struct fraction ratio;
};

/* The parts of a line that must all hold, with where they stand. */
struct part {
    int reg;
    const struct program_line *line;
};

enum { PARTS_MAX = 64 };

struct parts {
    size_t count;
    struct part items[PARTS_MAX];
};

static void add_parts(const struct program *program, struct parts *parts, const struct program_line *line,
                      int reg, int depth)
{
    const struct step *step = &program->steps[reg];
    if (step->op == OP_AND && depth > 0) {
        add_parts(program, parts, line, step->a, depth - 1);
        add_parts(program, parts, line, step->b, depth - 1);
    } else if (parts->count < PARTS_MAX) {
        parts->items[parts->count++] = (struct part){reg, line};
    }
}

static int unscaled(const struct program *program, int reg, int64_t *factor)
{
    const struct step *step = &program->steps[reg];
    *factor = step->op == OP_SCALE ? step->k : 1;
    return step->op == OP_SCALE ? step->a : reg;
}

static bool read_limit(const struct program *program, int reg, struct limit *limit)
{
    const struct step *step = &program->steps[reg];
    int64_t left, right = 1;
    limit->negated = step->op == OP_NOT;
    if (limit->negated)
        step = &program->steps[step->a];
    limit->op = (enum op)step->op;
    if (limit->op != OP_LESS && limit->op != OP_LESS_EQUAL && limit->op != OP_EQUAL)
        return false;
    limit->a = unscaled(program, step->a, &left);
    limit->b = step->b < 0 ? NO_REGISTER : unscaled(program, step->b, &right);
    if (left <= 0 || (limit->b >= 0 && program->steps[limit->b].low < 0))
        return false;
    return fraction_make(step->b < 0 ? step->k : right, left, &limit->ratio);
}

/* The limit bounds a ÷ b from above (true) or below; strictly or not. Equality bounds neither here. */
static bool bounds_above(const struct limit *limit, bool *strict)
{
    *strict = (limit->op == OP_LESS) != limit->negated;
    return !limit->negated;
}

/* Above r and below s, with r > s: nothing fits, unless both include it and b is 0; with r = s both must include it. */
static bool exclude(const struct program *program, const struct limit *x, const struct limit *y)
{
    bool x_strict, y_strict, x_above = bounds_above(x, &x_strict), y_above = bounds_above(y, &y_strict);
    if (x->a != y->a || x->b != y->b || x->op == OP_EQUAL || y->op == OP_EQUAL || x_above == y_above)
        return false;
    const struct limit *upper = x_above ? x : y, *lower = x_above ? y : x;
    int order = fraction_compare(lower->ratio, upper->ratio);
    bool strict = x_strict || y_strict, positive = x->b < 0 || program->steps[x->b].low > 0;
    return order >= 0 && (strict || (order > 0 && positive));
}

static bool opposite(const struct program *program, int a, int b)
{
    return (program->steps[a].op == OP_NOT && program->steps[a].a == b) ||
           (program->steps[b].op == OP_NOT && program->steps[b].a == a);
}

static bool contradict(const struct program *program, int a, int b)
{
    struct limit x, y;
    return opposite(program, a, b) ||
           (read_limit(program, a, &x) && read_limit(program, b, &y) && exclude(program, &x, &y));
}

static void check_always(struct compiler *compiler, const struct program_line *line)
{
    uint8_t always = emit_always(compiler->program, line->reg);
    if (always == SETTLED_FALSE)
        diagnose(compiler->diagnoser, line->at, MESSAGE_CLAUSE_NEVER, line->text, NULL, NULL);
    if (always == SETTLED_TRUE)
        diagnose(compiler->diagnoser, line->at, MESSAGE_CLAUSE_ALWAYS, line->text, NULL, NULL);
}

static void check_parts(struct compiler *compiler, const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!contradict(compiler->program, parts->items[i].reg, parts->items[j].reg))
                continue;
            diagnose(compiler->diagnoser, parts->items[i].line->at, MESSAGE_CLAUSE_CONTRADICTION,
                     diagnose_number(compiler->diagnoser, parts->items[j].line->at.line), NULL, NULL);
            return; /* one is enough to mend */
        }
    }
}

void contradict_check(struct compiler *compiler, const struct program_clause *clause)
{
    enum { CONJUNCTION_DEPTH = 16 };
    struct parts households = {0}, persons = {0};
    bool members = !clause->even_empty; /* bounds of counts presume that there is a member */
    for (size_t i = 0; i < clause->line_count; i++) {
        if (members)
            check_always(compiler, &clause->lines[i]);
        add_parts(compiler->program, &households, &clause->lines[i], clause->lines[i].reg, CONJUNCTION_DEPTH);
    }
    for (size_t i = 0; i < clause->some_line_count; i++) {
        if (members)
            check_always(compiler, &clause->some_lines[i]);
        add_parts(compiler->program, &persons, &clause->some_lines[i], clause->some_lines[i].reg,
                  CONJUNCTION_DEPTH);
    }
    check_parts(compiler, &households);
    check_parts(compiler, &persons);
}
