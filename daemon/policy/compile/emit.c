/* SPDX-License-Identifier: PostgreSQL */
/*
 * Steps: each new one is compared with those before it (equal steps are shared), folded where its operands are constant,
 * and bounded (bounds.c): a step that could leave int64 is refused here, so the machine needs no check.
 */
#include "policy/compile/compiler.h"

#include <string.h>

static bool same(const struct step *a, const struct step *b)
{
    return a->op == b->op && a->domain == b->domain && a->mode == b->mode && a->a == b->a && a->b == b->b &&
           a->c == b->c && a->fact == b->fact && a->window == b->window && a->k == b->k && a->mask == b->mask;
}

bool emit_begin(struct compiler *compiler)
{
    compiler->step_capacity = 256;
    compiler->program->steps =
        compiler_alloc(compiler, compiler->step_capacity, sizeof *compiler->program->steps);
    return compiler->program->steps != NULL;
}

/* False when the compilation has come to its end over it. */
static bool make_room(struct compiler *compiler, struct place at)
{
    struct program *program = compiler->program;
    if (program->step_count < compiler->step_capacity)
        return true;
    if (program->step_count == PROGRAM_STEPS_MAX) {
        if (!compiler->full)
            diagnose(compiler->diagnoser, at, MESSAGE_TOO_BIG,
                     compiler->language == LANGUAGE_CHINESE ? "步骤" : "steps",
                     diagnose_number(compiler->diagnoser, PROGRAM_STEPS_MAX), NULL);
        compiler->full = true;
        return false;
    }
    size_t capacity = compiler->step_capacity * 2;
    struct step *grown = compiler_alloc(compiler, capacity, sizeof *grown);
    if (grown == NULL)
        return false;
    memcpy(grown, program->steps, program->step_count * sizeof *grown);
    program->steps = grown;
    compiler->step_capacity = capacity;
    return true;
}

/* NO_REGISTER, and diagnosed, only of quantities that could leave int64. */
static int add(struct compiler *compiler, struct step step, struct place at)
{
    struct program *program = compiler->program;
    for (size_t i = 0; i < program->step_count; i++) {
        if (same(&program->steps[i], &step))
            return (int)i;
    }
    if (!make_room(compiler, at))
        return 0; /* stands in for it: nothing more is compiled */
    if (!bounds_prove(compiler, &step)) {
        diagnose(compiler->diagnoser, at, MESSAGE_OVERFLOW, NULL, NULL, NULL);
        return NO_REGISTER;
    }
    step.phase = PHASE_EXPLANATION;
    program->steps[program->step_count] = step;
    return (int)program->step_count++;
}

/* A step without operands, fact and window. */
static struct step plain(enum op op, enum domain domain, enum register_kind kind)
{
    return (struct step){.op = (uint8_t)op,
                         .domain = (uint8_t)domain,
                         .kind = (uint8_t)kind,
                         .a = -1,
                         .b = -1,
                         .c = -1,
                         .fact = -1,
                         .window = -1};
}

static struct step *at_register(const struct compiler *compiler, int reg)
{
    return &compiler->program->steps[reg];
}

static void mark_fact(struct compiler *compiler, int fact, enum domain domain)
{
    struct program_fact *read = &compiler->program->facts[fact];
    read->needed = true;
    read->of_household = read->of_household || domain == DOMAIN_HOUSEHOLD;
    read->of_person = read->of_person || domain == DOMAIN_PERSON;
}

static int leaf(struct compiler *compiler, struct step step, int fact, int window, struct place at)
{
    mark_fact(compiler, fact, (enum domain)step.domain);
    step.fact = (int16_t)fact;
    step.window = (int16_t)window;
    return add(compiler, step, at);
}

int emit_amount(struct compiler *compiler, enum op op, int fact, int window, enum domain domain,
                struct place at)
{
    return leaf(compiler, plain(op, domain, REGISTER_QUANTITY), fact, window, at);
}

int emit_state(struct compiler *compiler, int fact, int window, enum state_mode mode, uint64_t mask,
               enum domain domain, struct place at)
{
    struct step step = plain(OP_STATE, domain, REGISTER_TRI);
    step.mode = (uint8_t)mode;
    step.mask = mask;
    return leaf(compiler, step, fact, window, at);
}

int emit_told(struct compiler *compiler, enum op op, int fact, int window, enum domain domain,
              struct place at)
{
    return leaf(compiler, plain(op, domain, REGISTER_TRI), fact, window, at);
}

int emit_trait(struct compiler *compiler, enum trait trait, struct place at)
{
    struct step step = plain(OP_TRAIT, DOMAIN_PERSON, REGISTER_CODE);
    step.k = trait;
    return add(compiler, step, at);
}

int emit_latest(struct compiler *compiler, int fact, enum domain domain, struct place at)
{
    return leaf(compiler, plain(OP_LATEST, domain, REGISTER_CODE), fact, NO_REGISTER, at);
}

int emit_nullary(struct compiler *compiler, enum op op, enum domain domain, int64_t k, struct place at)
{
    struct step step =
        plain(op, domain, op == OP_CONSTANT || op == OP_AGE ? REGISTER_QUANTITY : REGISTER_TRI);
    step.k = k;
    return add(compiler, step, at);
}

int emit_standard(struct compiler *compiler, int standard, int window, int months, struct place at)
{
    struct step step = plain(OP_STANDARD, DOMAIN_HOUSEHOLD, REGISTER_QUANTITY);
    step.k = standard;
    step.window = (int16_t)window;
    step.mask = (uint64_t)months;
    return add(compiler, step, at);
}

int emit_days(struct compiler *compiler, int window, struct place at)
{
    struct step step = plain(OP_DAYS, DOMAIN_HOUSEHOLD, REGISTER_QUANTITY);
    step.window = (int16_t)window;
    return add(compiler, step, at);
}

int emit_scale(struct compiler *compiler, int a, int64_t k, struct place at)
{
    if (k == 1)
        return a;
    struct step step = plain(OP_SCALE, (enum domain)at_register(compiler, a)->domain, REGISTER_QUANTITY);
    step.a = (int16_t)a;
    step.k = k;
    return add(compiler, step, at);
}

/* Constant operands of 且 and 或 are folded; order does not matter, so equal ones meet. */
static int fold(struct compiler *compiler, enum op op, int a, int b)
{
    const struct step *left = at_register(compiler, a), *right = at_register(compiler, b);
    int64_t neutral = op == OP_AND ? SETTLED_TRUE : SETTLED_FALSE,
            ruling = op == OP_AND ? SETTLED_FALSE : SETTLED_TRUE;
    if (left->op == OP_TRUTH && (left->k == neutral || left->k == ruling))
        return left->k == neutral ? b : a;
    if (right->op == OP_TRUTH && (right->k == neutral || right->k == ruling))
        return right->k == neutral ? a : b;
    return a == b ? a : NO_REGISTER;
}

int emit_binary(struct compiler *compiler, enum op op, int a, int b, struct place at)
{
    if (a < 0 || b < 0)
        return NO_REGISTER;
    bool logic = op == OP_AND || op == OP_OR;
    int folded = logic ? fold(compiler, op, a, b) : NO_REGISTER;
    if (folded >= 0)
        return folded;
    struct step step =
        plain(op, (enum domain)at_register(compiler, a)->domain, logic ? REGISTER_TRI : REGISTER_QUANTITY);
    bool turned = (logic || op == OP_ADD) && a > b;
    step.a = (int16_t)(turned ? b : a);
    step.b = (int16_t)(turned ? a : b);
    return add(compiler, step, at);
}

int emit_choice(struct compiler *compiler, enum op op, int a, int b, int c, struct place at)
{
    if (a == b)
        return a;
    if (op == OP_CHOOSE && at_register(compiler, c)->op == OP_TRUTH &&
        at_register(compiler, c)->k != UNSETTLED)
        return at_register(compiler, c)->k == SETTLED_TRUE ? a : b;
    struct step step = plain(op, (enum domain)at_register(compiler, a)->domain, REGISTER_QUANTITY);
    bool turned = op != OP_CHOOSE && a > b; /* equal ones meet */
    step.a = (int16_t)(turned ? b : a);
    step.b = (int16_t)(turned ? a : b);
    step.c = (int16_t)c;
    return add(compiler, step, at);
}

int emit_widen(struct compiler *compiler, int a, int condition, int64_t k, struct place at)
{
    if (a < 0)
        return NO_REGISTER;
    struct step step = plain(OP_WIDEN, (enum domain)at_register(compiler, a)->domain, REGISTER_QUANTITY);
    step.a = (int16_t)a;
    step.b = (int16_t)condition;
    step.k = k;
    return add(compiler, step, at);
}

int emit_compare(struct compiler *compiler, enum op op, int a, int b, int64_t k, struct place at)
{
    struct step step = plain(op, (enum domain)at_register(compiler, a)->domain, REGISTER_TRI);
    step.a = (int16_t)a;
    step.b = (int16_t)b;
    step.k = b < 0 ? k : 0;
    return add(compiler, step, at);
}

int emit_mask(struct compiler *compiler, enum op op, int a, uint64_t mask, struct place at)
{
    struct step step =
        plain(op, op == OP_LEVEL_IN ? DOMAIN_HOUSEHOLD : (enum domain)at_register(compiler, a)->domain,
              REGISTER_TRI);
    step.a = (int16_t)a;
    step.mask = mask;
    return add(compiler, step, at);
}

int emit_unary(struct compiler *compiler, enum op op, int a, struct place at)
{
    if (a < 0)
        return NO_REGISTER;
    const struct step *operand = at_register(compiler, a);
    if (op == OP_NOT && operand->op == OP_NOT)
        return operand->a;
    if (op == OP_NOT && operand->op == OP_TRUTH)
        return emit_nullary(compiler, OP_TRUTH, (enum domain)operand->domain,
                            operand->k == UNSETTLED ? UNSETTLED : 3 - operand->k, at);
    struct step step = plain(op, op == OP_SPREAD ? DOMAIN_PERSON : (enum domain)operand->domain,
                             op == OP_SPREAD ? (enum register_kind)operand->kind : REGISTER_TRI);
    step.a = (int16_t)a;
    return add(compiler, step, at);
}

int emit_segment(struct compiler *compiler, enum op op, int who, int what, bool never_empty, struct place at)
{
    if (who < 0)
        return NO_REGISTER;
    struct step step = plain(op, DOMAIN_HOUSEHOLD, op == OP_ANY ? REGISTER_TRI : REGISTER_QUANTITY);
    step.a = (int16_t)who;
    step.b = (int16_t)what;
    step.k = op == OP_COUNT && never_empty ? 1 : 0;
    return add(compiler, step, at);
}

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static void need_value(struct program *program, const struct quantity *quantity, uint64_t readers)
{
    if (!quantity->constant)
        program->steps[quantity->reg].readers |= readers;
    for (int d = 0; d < quantity->divisor_count; d++)
        program->steps[quantity->divisors[d]].readers |= readers;
}

static void need(struct program *program, int reg, enum phase phase, uint64_t clauses)
{
    if (reg < 0)
        return;
    struct step *step = &program->steps[reg];
    if (step->phase > phase)
        step->phase = (uint8_t)phase;
    step->clauses |= clauses;
}

static void need_clause(struct program *program, size_t index)
{
    const struct program_clause *clause = &program->clauses[index];
    enum phase phase = clause->shown.kind == CLAUSE_SUGGESTION ? PHASE_SUGGESTIONS : PHASE_CLAUSES;
    uint64_t bit = UINT64_C(1) << index;
    for (size_t i = 0; i < clause->line_count; i++)
        need(program, clause->lines[i].reg, phase, bit);
    need(program, clause->some, phase, bit);
    for (size_t i = 0; i < clause->some_line_count; i++)
        need(program, clause->some_lines[i].reg, phase, bit);
    for (size_t i = 0; i < clause->amount_count; i++) {
        const struct quantity *amount = &clause->amounts[i].quantity;
        need(program, amount->reg, PHASE_EXPLANATION, bit);
        for (int d = 0; d < amount->divisor_count; d++)
            need(program, amount->divisors[d], PHASE_EXPLANATION, bit);
    }
    for (size_t i = 0; i < clause->piece_count; i++)
        if (clause->pieces[i].text == NULL && !clause->pieces[i].is_code)
            need_value(program, &clause->pieces[i].quantity, bit);
    for (size_t i = 0; i < clause->cause_count; i++)
        if (clause->causes[i].reg >= 0)
            program->steps[clause->causes[i].reg].readers |= bit;
    if (!clause->even_empty)
        need(program, program->members, phase, bit);
}

/* The level rests on every colour clause, so a suggestion that asks for it reads what they read. */
static uint64_t clauses_that_ask_level(const struct program *program)
{
    uint64_t asking = 0;
    for (size_t i = 0; i < program->step_count; i++) {
        if (program->steps[i].op == OP_LEVEL_IN)
            asking |= program->steps[i].clauses;
    }
    return asking;
}

static void pass_needs_down(struct program *program)
{
    for (size_t i = program->step_count; i-- > 0;) {
        struct step *step = &program->steps[i];
        step->readers |= step->clauses;
        const int16_t operands[] = {step->a, step->b, step->c};
        for (size_t o = 0; o < sizeof operands / sizeof *operands; o++) {
            need(program, operands[o], (enum phase)step->phase, step->clauses);
            if (operands[o] < 0)
                continue;
            program->steps[operands[o]].readers |= step->readers;
            program->steps[operands[o]].statistics |= step->statistics;
        }
    }
}

bool emit_plan(struct compiler *compiler)
{
    struct program *program = compiler->program;
    uint64_t levels = 0;
    for (size_t i = 0; i < program->clause_count; i++) {
        need_clause(program, i);
        if (program->clauses[i].shown.level != LEVEL_NONE)
            levels |= UINT64_C(1) << i;
    }
    for (size_t i = 0; i < program->statistic_count; i++) {
        need(program, program->statistics[i], PHASE_CLAUSES, 0);
        program->steps[program->statistics[i]].statistics |= UINT32_C(1) << i;
    }
    need(program, program->members, PHASE_CLAUSES, 0);
    program->steps[program->members].readers =
        UINT64_MAX; /* who belongs is asked for whatever clause there is */
    pass_needs_down(program);
    uint64_t asking = clauses_that_ask_level(program);
    for (size_t i = 0; i < program->step_count && asking != 0; i++) {
        if (program->steps[i].clauses & levels)
            program->steps[i].clauses |= asking;
    }
    program->plan = compiler_alloc(compiler, program->step_count + 1, sizeof *program->plan);
    if (program->plan == NULL)
        return false;
    size_t count = 0;
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        for (size_t i = 0; i < program->step_count; i++) {
            if (program->steps[i].phase == phase)
                program->plan[count++] = (int16_t)i;
        }
        program->plan_end[phase] = count;
    }
    return true;
}

/* --- what is always so -------------------------------------------------------------------------------------------- */

static uint8_t always_compare(const struct program *program, const struct step *step)
{
    const struct step *left = &program->steps[step->a], *right = &program->steps[step->b < 0 ? 0 : step->b];
    struct {
        int64_t low, high;
    } a = {left->low, left->high}, b = {right->low, right->high};
    if (step->b < 0)
        b.low = b.high = step->k;
    switch ((enum op)step->op) {
    case OP_LESS:
        return a.high < b.low ? SETTLED_TRUE : a.low >= b.high ? SETTLED_FALSE : UNSETTLED;
    case OP_LESS_EQUAL:
        return a.high <= b.low ? SETTLED_TRUE : a.low > b.high ? SETTLED_FALSE : UNSETTLED;
    default:
        return a.high < b.low || a.low > b.high ? SETTLED_FALSE : UNSETTLED;
    }
}

/* Steps are few and operands come first, so a look at the operands' own operands is enough; depth is bounded by the caller's. */
static uint8_t always_deep(const struct program *program, int reg, int depth)
{
    const struct step *step = &program->steps[reg];
    if (depth == 0)
        return UNSETTLED;
    switch ((enum op)step->op) {
    case OP_TRUTH:
        return (uint8_t)step->k;
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_EQUAL:
        return always_compare(program, step);
    case OP_UNKNOWN:
        return program->steps[step->a].may_be_undecided ? UNSETTLED : SETTLED_FALSE;
    case OP_CODE_IN:
        return step->mask == 0 ? SETTLED_FALSE : UNSETTLED;
    case OP_NOT: {
        uint8_t a = always_deep(program, step->a, depth - 1);
        return a == UNSETTLED ? UNSETTLED : (uint8_t)(3 - a);
    }
    case OP_AND:
    case OP_OR: {
        uint8_t a = always_deep(program, step->a, depth - 1), b = always_deep(program, step->b, depth - 1);
        uint8_t ruling = step->op == OP_AND ? SETTLED_FALSE : SETTLED_TRUE;
        if (a == ruling || b == ruling)
            return ruling;
        return a == b ? a : UNSETTLED;
    }
    default:
        return UNSETTLED;
    }
}

uint8_t emit_always(const struct program *program, int reg)
{
    enum { LOOK_DEPTH = 12 };
    return always_deep(program, reg, LOOK_DEPTH);
}
