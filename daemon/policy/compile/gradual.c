/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/gradual.h"

#include "policy/compile/operand.h"

/* --- compiling ---------------------------------------------------------------------------------------------------- */

static struct people members_of(struct compiler *compiler, const struct definition *d)
{
    struct slice name = slice_of(word_text(WORD_MEMBERS, compiler->language));
    const struct set_expr set = {.at = d->at, .part_count = 1, .parts = {{name, d->at, KW_NONE_OF_THESE}}};
    return aggregate_people(compiler, &set);
}

/* The state after 自; -1 and diagnosed when it is none. */
static int state_of(struct compiler *compiler, const struct definition *d)
{
    struct symbol *symbol = declare_find(compiler, d->code, d->code_at);
    if (symbol == NULL)
        return NO_REGISTER;
    bool fact = symbol->definition->kind == KW_FACT;
    enum word kind = symbol->definition->fact_kind;
    if (fact && symbol->index >= 0 && (kind == WORD_YESNO || kind == WORD_CODE))
        return symbol->index;
    if (!fact || symbol->index >= 0)
        diagnose(compiler->diagnoser, d->code_at, MESSAGE_GRADUAL_FACT,
                 diagnose_slice(compiler->diagnoser, d->code), NULL, NULL);
    return NO_REGISTER;
}

static int months_window(struct compiler *compiler, const struct gradual_row *row)
{
    const char *name = compiler_keep(
        compiler,
        arena_printf(compiler->arena, compiler->language == LANGUAGE_CHINESE ? "近%d月" : "last_%d_months",
                     row->months));
    return declare_inline_window(compiler, slice_of(name), (struct window_edge){.months = row->months},
                                 row->at);
}

/* The subject's state has ended in the window and holds no more. */
static int left_state(struct compiler *compiler, int fact, enum domain domain, struct place at, int ended)
{
    int now = emit_state(compiler, fact, NO_REGISTER, STATE_NOW, 0, domain, at);
    return emit_binary(compiler, OP_AND, ended, emit_unary(compiler, OP_NOT, now, at), at);
}

static struct program_gradual_row compile_row(struct compiler *compiler, const struct definition *d,
                                              const struct gradual_row *row, int fact, int members)
{
    struct program_gradual_row made = {.months = row->months, .reg = NO_REGISTER};
    int window = months_window(compiler, row);
    declare_check_citation(compiler, &row->citation, d->name, row->at);
    if (window < 0)
        return made;
    made.ended[DOMAIN_HOUSEHOLD] =
        emit_state(compiler, fact, window, STATE_ENDED, 0, DOMAIN_HOUSEHOLD, row->at);
    made.ended[DOMAIN_PERSON] = emit_state(compiler, fact, window, STATE_ENDED, 0, DOMAIN_PERSON, row->at);
    made.left[DOMAIN_HOUSEHOLD] =
        left_state(compiler, fact, DOMAIN_HOUSEHOLD, row->at, made.ended[DOMAIN_HOUSEHOLD]);
    made.left[DOMAIN_PERSON] =
        emit_binary(compiler, OP_AND, members,
                    left_state(compiler, fact, DOMAIN_PERSON, row->at, made.ended[DOMAIN_PERSON]), row->at);
    int somebody = emit_segment(compiler, OP_ANY, made.left[DOMAIN_PERSON], NO_REGISTER, false, row->at);
    made.reg = emit_binary(compiler, OP_OR, somebody, made.left[DOMAIN_HOUSEHOLD], row->at);
    if (row->condition != NULL)
        made.reg = emit_binary(compiler, OP_AND, made.reg,
                               elaborate_condition(compiler, row->condition, SCOPE_HOUSEHOLD), row->at);
    return made;
}

/* A row without a condition makes those that last no longer superfluous. */
static void check_rows(struct compiler *compiler, const struct definition *d)
{
    for (const struct gradual_row *row = d->gradual; row != NULL; row = row->next) {
        for (const struct gradual_row *other = d->gradual; other != NULL && row->condition == NULL;
             other = other->next) {
            if (other != row && other->months <= row->months)
                diagnose(compiler->diagnoser, other->at, MESSAGE_GRADUAL_ROW,
                         diagnose_number(compiler->diagnoser, row->at.line), NULL, NULL);
        }
    }
}

struct operand gradual_elaborate(struct compiler *compiler, const struct definition *d)
{
    struct program *program = compiler->program;
    size_t count = 0;
    for (const struct gradual_row *row = d->gradual; row != NULL; row = row->next)
        count++;
    if (count == 0)
        return compiler_refuse(compiler, d->at, MESSAGE_GRADUAL_EMPTY,
                               diagnose_slice(compiler->diagnoser, d->name), NULL, NULL);
    int fact = state_of(compiler, d);
    struct people members = members_of(compiler, d);
    struct program_gradual *gradual = compiler_alloc(compiler, 1, sizeof *gradual);
    if (fact < 0 || !members.good || gradual == NULL)
        return operand_none();
    *gradual = (struct program_gradual){.definition = d, .reg = NO_REGISTER};
    gradual->rows = compiler_alloc(compiler, count, sizeof *gradual->rows);
    if (gradual->rows == NULL)
        return operand_none();
    check_rows(compiler, d);
    for (const struct gradual_row *row = d->gradual; row != NULL; row = row->next) {
        struct program_gradual_row *made = &gradual->rows[gradual->row_count++];
        *made = compile_row(compiler, d, row, fact, members.mask);
        gradual->reg =
            row == d->gradual ? made->reg : emit_binary(compiler, OP_OR, gradual->reg, made->reg, row->at);
    }
    gradual->next = program->graduals;
    program->graduals = gradual;
    return operand_condition(gradual->reg, DOMAIN_HOUSEHOLD);
}

/* --- until when --------------------------------------------------------------------------------------------------- */

/* The last D for which `last` lies after D − months. It is not after the day `months` later: D − months of the days that follow that
 * one begins beyond `last`. */
static day_t last_day(day_t last, int months)
{
    day_t day = civil_add_months(last, months);
    while (civil_add_months(day, -months) >= last)
        day--;
    return day;
}

static day_t later(day_t a, day_t b)
{
    return b > a ? b : a; /* DAY_NONE sorts before every day */
}

/* The last day of the state that this subject has lost; DAY_NONE. */
static day_t lost_on(const struct policy_run *run, const struct step *step, const struct policy_fact *facts,
                     size_t count, uint8_t *used)
{
    uint16_t code = run->policy->program.facts[step->fact].position;
    size_t begin = 0, end = 0; /* facts are in the order of their codes */
    day_t last = DAY_NONE;
    for (size_t i = 0; i < count; i++) {
        begin += facts[i].code < code;
        end += facts[i].code <= code;
    }
    extract_uses(run, step, facts + begin, end - begin, used);
    for (size_t i = begin; i < end; i++)
        if (used[i - begin])
            last = later(last, facts[i].to);
    return last;
}

static day_t row_lost_on(const struct program_gradual_row *row, const struct batch *batch, uint8_t *used)
{
    const struct policy_block *block = batch->block;
    const struct step *steps = batch->frame->program->steps;
    const struct column *columns = batch->frame->columns;
    day_t last = DAY_NONE;
    if (columns[row->left[DOMAIN_HOUSEHOLD]].byte[0] != SETTLED_FALSE) {
        const uint32_t *begin = block->household_fact_begin + batch->first;
        last = lost_on(batch->run, &steps[row->ended[DOMAIN_HOUSEHOLD]], block->household_facts + begin[0],
                       begin[1] - begin[0], used);
    }
    for (size_t p = 0; p < batch->persons; p++) {
        const uint32_t *begin = block->person_fact_begin + batch->first_person + p;
        if (columns[row->left[DOMAIN_PERSON]].byte[p] != SETTLED_FALSE)
            last = later(last, lost_on(batch->run, &steps[row->ended[DOMAIN_PERSON]],
                                       block->person_facts + begin[0], begin[1] - begin[0], used));
    }
    return last;
}

day_t gradual_until(const struct program_gradual *gradual, const struct batch *batch, uint8_t *used)
{
    day_t until = DAY_NONE;
    for (size_t i = 0; i < gradual->row_count; i++) {
        const struct program_gradual_row *row = &gradual->rows[i];
        if (batch->frame->columns[row->reg].byte[0] == SETTLED_FALSE)
            continue;
        day_t lost = row_lost_on(row, batch, used);
        if (lost != DAY_NONE)
            until = later(until, last_day(lost, row->months));
    }
    return until;
}
