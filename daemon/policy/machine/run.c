/* SPDX-License-Identifier: PostgreSQL */
/* Binding a policy to a date, giving registers their columns, and going through a block in batches. */
#include "policy/machine/machine.h"
#include "policy/machine/version.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)BATCH_PERSONS >= (int)POLICY_PERSONS_PER_HOUSEHOLD_MAX,
               "a household that is not large must fit into a batch");

/* --- columns ------------------------------------------------------------------------------------------------------ */

/* Columns of one kind and domain that are free again. */
struct pool {
    size_t free_count;
    struct column *free;
};

struct allocation {
    struct frame *frame;
    struct arena *arena;
    int16_t *last_use; /* position in the plan; PLAN_ALWAYS for what clauses read */
    struct pool pools[DOMAIN_COUNT][2];
};

enum { PLAN_ALWAYS = INT16_MAX };

static size_t rows_of(const struct frame *frame, const struct step *step)
{
    return step->domain == DOMAIN_HOUSEHOLD ? frame->households_max : frame->persons_max;
}

static bool give_column(struct allocation *allocation, int reg)
{
    struct frame *frame = allocation->frame;
    const struct step *step = &frame->program->steps[reg];
    bool quantity = step->kind == REGISTER_QUANTITY;
    struct pool *pool = &allocation->pools[step->domain][quantity];
    if (pool->free_count > 0) {
        frame->columns[reg] = pool->free[--pool->free_count];
        return true;
    }
    struct column *column = &frame->columns[reg];
    size_t rows = rows_of(frame, step) + 1;
    if (quantity) {
        column->low = arena_array(allocation->arena, rows, sizeof *column->low);
        column->high = arena_array(allocation->arena, rows, sizeof *column->high);
        return column->low != NULL && column->high != NULL;
    }
    column->byte = arena_array(allocation->arena, rows, 1);
    return column->byte != NULL;
}

static void free_column(struct allocation *allocation, int reg)
{
    const struct step *step = &allocation->frame->program->steps[reg];
    struct pool *pool = &allocation->pools[step->domain][step->kind == REGISTER_QUANTITY];
    pool->free[pool->free_count++] = allocation->frame->columns[reg];
}

static void use_at(struct allocation *allocation, int reg, int position)
{
    if (reg >= 0 && allocation->last_use[reg] < position)
        allocation->last_use[reg] = (int16_t)position;
}

/* What clauses, statistics and the count of members read stays until the batch is over. */
static void use_by_clauses(struct allocation *allocation)
{
    const struct program *program = allocation->frame->program;
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *clause = &program->clauses[i];
        for (size_t l = 0; l < clause->line_count; l++)
            use_at(allocation, clause->lines[l].reg, PLAN_ALWAYS);
        for (size_t l = 0; l < clause->some_line_count; l++)
            use_at(allocation, clause->some_lines[l].reg, PLAN_ALWAYS);
        use_at(allocation, clause->some, PLAN_ALWAYS);
    }
    for (size_t i = 0; i < program->statistic_count; i++)
        use_at(allocation, program->statistics[i], PLAN_ALWAYS);
    use_at(allocation, program->members, PLAN_ALWAYS);
}

static bool is_part(const struct frame *frame, int reg)
{
    enum op op = (enum op)frame->program->steps[reg].op;
    return op == OP_AMOUNT || (op == OP_ADD && frame->parts[reg] > 0);
}

/* Of how many leaves a register is made. Sums of amounts are, in a frame for batches. */
static uint8_t parts_of(const struct frame *frame, const struct step *step)
{
    if (op_is_leaf((enum op)step->op))
        return 1;
    if (frame->use != FRAME_FOR_BATCHES || step->op != OP_ADD || !is_part(frame, step->a) ||
        !is_part(frame, step->b))
        return 0;
    int parts = frame->parts[step->a] + frame->parts[step->b];
    return parts <= PARTS_MAX ? (uint8_t)parts : 0;
}

/* Which registers are made of leaves, and the steps that are left. `read`: a byte for each register, 0. */
static void plan_frame(struct frame *frame, uint8_t *read)
{
    const struct program *program = frame->program;
    size_t count = 0, p = 0, end = program->plan_end[frame->last];
    for (int phase = 0; phase <= (int)frame->last; phase++) {
        for (; p < program->plan_end[phase]; p++) {
            const struct step *step = &program->steps[program->plan[p]];
            frame->parts[program->plan[p]] = parts_of(frame, step);
            if (frame->parts[program->plan[p]] == 0)
                frame->plan[count++] = program->plan[p];
        }
        frame->plan_end[phase] = count;
    }
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &program->steps[frame->plan[i]];
        const int16_t operands[] = {step->a, step->b, step->c};
        for (size_t o = 0; o < sizeof operands / sizeof *operands; o++)
            read[operands[o] >= 0 ? (size_t)operands[o] : program->step_count] = 1;
    }
    for (size_t i = 0; i < end && frame->use == FRAME_FOR_BATCHES; i++) {
        int reg = program->plan[i];
        if (is_part(frame, reg) && !read[reg])
            frame->parts[reg] = 0;
    }
}

/* What is made of leaves is so before the first step: all that is given columns first. */
static bool give_columns(struct allocation *allocation)
{
    const struct frame *frame = allocation->frame;
    const struct program *program = frame->program;
    for (size_t p = 0; p < program->plan_end[frame->last]; p++) {
        if (frame->parts[program->plan[p]] > 0 && !give_column(allocation, program->plan[p]))
            return false;
    }
    for (size_t p = 0; p < frame->plan_end[frame->last]; p++) {
        const struct step *step = &program->steps[frame->plan[p]];
        use_at(allocation, frame->plan[p], (int)p);
        use_at(allocation, step->a, (int)p);
        use_at(allocation, step->b, (int)p);
        use_at(allocation, step->c, (int)p);
    }
    use_by_clauses(allocation);
    for (size_t p = 0; p < frame->plan_end[frame->last]; p++) {
        int reg = frame->plan[p];
        const struct step *step = &program->steps[reg];
        if (!give_column(allocation, reg))
            return false;
        if (frame->use == FRAME_FOR_EXPLANATION)
            continue;
        if (step->a >= 0 && allocation->last_use[step->a] == (int)p)
            free_column(allocation, step->a);
        if (step->b >= 0 && step->b != step->a && allocation->last_use[step->b] == (int)p)
            free_column(allocation, step->b);
        if (step->c >= 0 && allocation->last_use[step->c] == (int)p) /* a condition: neither a nor b */
            free_column(allocation, step->c);
    }
    return true;
}

static bool make_registers(struct frame *frame, struct arena *arena)
{
    size_t registers = frame->program->step_count + 1;
    struct allocation allocation = {.frame = frame, .arena = arena};
    uint8_t *read = arena_array(arena, registers, 1);
    frame->columns = arena_array(arena, registers, sizeof *frame->columns);
    frame->parts = arena_array(arena, registers, 1);
    frame->plan = arena_array(arena, registers, sizeof *frame->plan);
    allocation.last_use = arena_array(arena, registers, sizeof *allocation.last_use);
    if (read == NULL || frame->columns == NULL || frame->parts == NULL || frame->plan == NULL ||
        allocation.last_use == NULL)
        return false;
    for (int domain = 0; domain < DOMAIN_COUNT; domain++) {
        for (int quantity = 0; quantity < 2; quantity++) {
            struct pool *pool = &allocation.pools[domain][quantity];
            pool->free = arena_array(arena, registers, sizeof *pool->free);
            if (pool->free == NULL)
                return false;
        }
    }
    plan_frame(frame, read);
    return give_columns(&allocation);
}

struct frame *frame_new(struct arena *arena, const struct policy_run *run, enum phase last,
                        enum frame_use use, size_t households, size_t persons)
{
    struct frame *frame = arena_alloc(arena, sizeof *frame);
    if (frame == NULL)
        return NULL;
    *frame = (struct frame){.program = &run->policy->program,
                            .use = use,
                            .last = last,
                            .households_max = households,
                            .persons_max = persons};
    if (!make_registers(frame, arena) || !rows_new(frame, arena) || !extract_prepare(frame, arena))
        return NULL;
    extract_bind(frame, run);
    return frame;
}

/* --- the evaluation date ------------------------------------------------------------------------------------------ */

static void bind_windows(struct policy_run *run)
{
    const struct program *program = &run->policy->program;
    for (size_t i = 0; i < program->window_count; i++)
        run->windows[i] = standard_window(&program->windows[i], run->as_of);
}

/* Born on 29 February: a year is completed on 1 March of a common year, which is what clamping to the 28th amounts to. */
static void bind_birthdays(struct policy_run *run)
{
    for (int years = 0; years <= AGE_TABLE_YEARS; years++)
        run->birthdays[years] = civil_add_months(run->as_of, -12 * years);
}

static void bind_clauses(struct policy_run *run)
{
    const struct program *program = &run->policy->program;
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *clause = &program->clauses[i];
        if (version_in_force(clause, run->as_of))
            run->in_force |= UINT64_C(1) << i;
    }
}

enum status run_new(const struct policy *policy, day_t as_of, size_t households, size_t persons,
                    struct policy_run **run, struct error *err)
{
    char date[CIVIL_TEXT_SIZE], from[CIVIL_TEXT_SIZE];
    *run = NULL;
    if (as_of < policy->ast.valid_from || as_of > DAY_MAX)
        return error_set(err, STATUS_CONFIG, "%s: the policy is effective from %s and says nothing about %s",
                         policy->file_name, civil_format(policy->ast.valid_from, from),
                         civil_format(as_of, date));
    struct arena *arena = arena_new(0);
    struct policy_run *made = arena == NULL ? NULL : arena_alloc(arena, sizeof *made);
    if (made == NULL) {
        arena_free(arena);
        return error_set(err, STATUS_FATAL, "out of memory for a policy run");
    }
    const struct program *program = &policy->program;
    *made = (struct policy_run){.policy = policy, .as_of = as_of, .arena = arena};
    made->windows = arena_array(arena, program->window_count + 1, sizeof *made->windows);
    made->standards = arena_array(arena, program->step_count + 1, sizeof *made->standards);
    made->absent = arena_array(arena, program->step_count + 1, sizeof *made->absent);
    if (made->windows != NULL && made->standards != NULL && made->absent != NULL) {
        bind_windows(made);
        made->hot = frame_new(arena, made, PHASE_SUGGESTIONS, FRAME_FOR_BATCHES, households, persons);
    }
    enum status status = STATUS_OK;
    if (made->hot == NULL) {
        status = error_set(err, STATUS_FATAL, "out of memory for a policy run");
    } else {
        bind_clauses(made);
        bind_birthdays(made);
        status = standard_bind(made, err);
    }
    if (status != STATUS_OK)
        arena_free(arena);
    else
        *run = made;
    return status;
}

enum status policy_run_new(const struct policy *policy, day_t as_of, struct policy_run **run,
                           struct error *err)
{
    return run_new(policy, as_of, BATCH_HOUSEHOLDS, BATCH_PERSONS, run, err);
}

void policy_run_free(struct policy_run *run)
{
    if (run != NULL)
        arena_free(run->arena);
}

/* --- a block ------------------------------------------------------------------------------------------------------ */

bool run_is_large(const struct policy_block *block, size_t index)
{
    uint32_t first = block->person_begin[index], end = block->person_begin[index + 1];
    size_t facts = block->household_fact_begin[index + 1] - block->household_fact_begin[index];
    facts += block->person_fact_begin[end] - block->person_fact_begin[first];
    return end - first > POLICY_PERSONS_PER_HOUSEHOLD_MAX || facts > POLICY_FACTS_PER_HOUSEHOLD_MAX;
}

/* As many households from `first` on, which is not large, as fit into a batch; up to the next large one. */
static void next_batch(struct batch *batch, size_t first)
{
    const struct policy_block *block = batch->block;
    batch->first = first;
    batch->first_person = block->person_begin[first];
    batch->count = batch->persons = 0;
    while (first + batch->count < block->household_count && batch->count < BATCH_HOUSEHOLDS) {
        size_t index = first + batch->count;
        size_t persons = block->person_begin[index + 1] - block->person_begin[index];
        if (batch->count > 0 && (batch->persons + persons > BATCH_PERSONS || run_is_large(block, index)))
            break;
        batch->persons += persons;
        batch->count++;
    }
}

/* What only a large household needs. */
static bool make_large(struct batch *batch, struct frame *frame, struct arena *arena)
{
    frame->bounds = arena_array(arena, frame->program->step_count + 1, 1);
    batch->all = arena_array(arena, batch->persons + 1, 1);
    batch->evidence = arena_array(arena, batch->persons + 1, 1);
    if (frame->bounds == NULL || batch->all == NULL || batch->evidence == NULL)
        return false;
    memset(frame->bounds, BOUND_BOTH, frame->program->step_count + 1);
    return true;
}

enum status run_household(const struct policy_run *run, const struct policy_block *block, size_t index,
                          enum phase last, struct arena *arena, struct batch *batch,
                          struct policy_outcome *outcome, struct error *err)
{
    size_t persons = block->person_begin[index + 1] - block->person_begin[index];
    *batch = (struct batch){.run = run,
                            .block = block,
                            .first = index,
                            .count = 1,
                            .first_person = block->person_begin[index],
                            .large = run_is_large(block, index),
                            .omits = persons > POLICY_PERSONS_READ_MAX};
    batch->persons = batch->omits ? 0 : persons;
    enum frame_use use = last == PHASE_EXPLANATION ? FRAME_FOR_EXPLANATION : FRAME_FOR_ONE;
    struct frame *frame = frame_new(arena, run, last, use, 1, batch->persons);
    batch->frame = frame;
    batch->levels = arena_alloc(arena, 1);
    if (frame == NULL || batch->levels == NULL || (batch->large && !make_large(batch, frame, arena)))
        return error_set(err, STATUS_FATAL, "out of memory for a household of %zu persons", persons);
    outcome_batch(batch, outcome);
    return STATUS_OK;
}

static bool is_bounded(const struct batch *batch)
{
    bool bounded = batch->omits;
    for (size_t reg = 0; reg < batch->frame->program->step_count && !bounded; reg++)
        bounded = batch->frame->bounds[reg] != BOUND_BOTH;
    return bounded;
}

static enum status evaluate_large(struct policy_run *run, const struct policy_block *block, size_t index,
                                  struct policy_outcome *outcome, struct error *err)
{
    struct batch batch;
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return error_set(err, STATUS_FATAL, "out of memory for a large household");
    enum status status = run_household(run, block, index, PHASE_SUGGESTIONS, arena, &batch, outcome, err);
    if (status == STATUS_OK) {
        run->large.households++;
        run->large.bounded += is_bounded(&batch);
    }
    arena_free(arena);
    return status;
}

enum status policy_run_evaluate(struct policy_run *run, const struct policy_block *block,
                                struct policy_outcome *outcomes, struct error *err)
{
    uint8_t levels[BATCH_HOUSEHOLDS];
    struct batch batch = {.run = run, .block = block, .frame = run->hot, .levels = levels};
    enum status status = STATUS_OK;
    for (size_t first = 0; first < block->household_count && status == STATUS_OK; first += batch.count) {
        if (run_is_large(block, first)) {
            status = evaluate_large(run, block, first, outcomes + first, err);
            batch.count = 1;
            continue;
        }
        next_batch(&batch, first);
        outcome_batch(&batch, outcomes + first);
    }
    return status;
}

struct policy_large policy_run_large(const struct policy_run *run)
{
    return run->large;
}
