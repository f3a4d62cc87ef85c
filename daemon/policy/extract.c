/* SPDX-License-Identifier: PostgreSQL */
/* Facts → leaf columns, in one pass over each subject's facts, which are ordered by code. Which facts count: leaf.h. */
#include "policy/leaf.h"

#include <string.h>

/* --- amounts ------------------------------------------------------------------------------------------------------ */

/* The same of a large household, which may have more facts than int64 was proven to hold the sum of. */
static void fill_amount_bounded(const struct run_of_facts *facts, const struct program_fact *declared,
                                struct bound_window window, const struct frame *frame, int reg, size_t row)
{
    wide_t low = 0, high = 0, most = frame->program->steps[reg].high;
    int best = SOURCE_NUMBER_MAX + 1;
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        int rank = declared->rank[fact->source];
        if (rank > best || !amount_counts(fact, window))
            continue;
        if (rank < best) {
            best = rank;
            low = high = 0;
        }
        int64_t least = 0, greatest = 0;
        add_amount(declared, fact->value, &least, &greatest);
        low += least;
        high += greatest;
    }
    if (high > most)
        frame->bounds[reg] &= (uint8_t)~BOUND_HIGH;
    frame->columns[reg].low[row] = (int64_t)(low > most ? most : low);
    frame->columns[reg].high[row] = (int64_t)(high > most ? most : high);
}

static void fill_amount(const struct run_of_facts *facts, const struct program_fact *declared,
                        struct bound_window window, struct column column, size_t row)
{
    int64_t low = 0, high = 0;
    int best = SOURCE_NUMBER_MAX + 1;
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        int rank = declared->rank[fact->source];
        if (rank > best || !amount_counts(fact, window))
            continue;
        if (rank < best) {
            best = rank;
            low = high = 0;
        }
        add_amount(declared, fact->value, &low, &high);
    }
    column.low[row] = low;
    column.high[row] = high;
}

/* --- states and events -------------------------------------------------------------------------------------------- */

/* The fact is one that the state asks for, its source aside. */
static bool state_holds(const struct policy_run *run, const struct step *step,
                        const struct program_fact *declared, const struct policy_fact *fact)
{
    if (fact->from > run->as_of || !value_holds(declared, fact, step->mask))
        return false;
    struct bound_window window = step->window >= 0 ? run->windows[step->window] : (struct bound_window){0};
    switch ((enum state_mode)step->mode) {
    case STATE_NOW:
        return active_on(fact, run->as_of);
    case STATE_HELD:
        return fact->from <= window.until && (fact->to == DAY_NONE || fact->to > window.after);
    case STATE_AT_END:
        return active_on(fact, window.until);
    case STATE_HAPPENED:
        return fact->from != DAY_NONE && in_window(fact->from, window);
    case STATE_LASTED:
        return active_on(fact, run->as_of) && fact->from <= window.after;
    case STATE_ENDED:
        return fact->to != DAY_NONE && in_window(fact->to, window);
    }
    return false;
}

static void fill_state(const struct run_of_facts *facts, const struct step *step,
                       const struct program_fact *declared, int believed, struct column column, size_t row)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        if (declared->rank[fact->source] == believed && state_holds(facts->run, step, declared, fact)) {
            column.byte[row] = SETTLED_TRUE;
            return;
        }
    }
}

static const struct policy_fact *latest_fact(const struct run_of_facts *facts,
                                             const struct program_fact *declared, int rank)
{
    const struct policy_fact *latest = NULL;
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        if (declared->rank[fact->source] == rank && active_on(fact, facts->run->as_of) &&
            (latest == NULL || later(fact, latest)))
            latest = fact;
    }
    return latest;
}

const struct policy_fact *leaf_latest(const struct run_of_facts *facts, const struct program_fact *declared,
                                      int rank)
{
    return latest_fact(facts, declared, rank);
}

/* --- subjects ----------------------------------------------------------------------------------------------------- */

static void fill_leaf(const struct run_of_facts *facts, const struct frame *frame, struct leaf leaf,
                      size_t row)
{
    const struct program *program = frame->program;
    const struct step *step = &program->steps[leaf.step];
    const struct program_fact *declared = &program->facts[leaf.fact];
    struct column column = frame->columns[leaf.step];
    if (step->op == OP_AMOUNT) {
        struct bound_window window = facts->run->windows[step->window];
        if (frame->bounds != NULL)
            fill_amount_bounded(facts, declared, window, frame, leaf.step, row);
        else
            fill_amount(facts, declared, window, column, row);
        return;
    }
    int believed = believed_rank(facts, declared);
    if (step->op == OP_STATE) {
        fill_state(facts, step, declared, believed, column, row);
        return;
    }
    const struct policy_fact *latest = latest_fact(facts, declared, believed);
    column.byte[row] = latest == NULL ? CODE_NONE : code_of(declared, latest->value);
}

static void fill_subject(const struct batch *batch, enum domain domain, const struct policy_fact *facts,
                         size_t count, size_t row)
{
    const struct leaf_table *table = &batch->frame->leaves[domain];
    for (size_t i = 0, end; i < count; i = end) {
        uint16_t code = facts[i].code;
        for (end = i + 1; end < count && facts[end].code == code; end++)
            continue;
        if (code >= batch->frame->program->code_count)
            continue;
        struct run_of_facts same = {batch->run, facts + i, end - i};
        for (uint32_t l = table->begin[code]; l < table->begin[code + 1]; l++)
            fill_leaf(&same, batch->frame, table->leaves[l], row);
    }
}

/* What a subject without facts has: nothing, no, none. */
static void clear_leaf(const struct batch *batch, int reg)
{
    const struct step *step = &batch->frame->program->steps[reg];
    struct column column = batch->frame->columns[reg];
    size_t rows = step->domain == DOMAIN_HOUSEHOLD ? batch->count : batch->persons;
    switch ((enum op)step->op) {
    case OP_AMOUNT:
    case OP_LATEST_AMOUNT:
    case OP_ACTIVE_AMOUNT:
        memset(column.low, 0, rows * sizeof *column.low);
        memset(column.high, 0, rows * sizeof *column.high);
        break;
    case OP_STATE:
    case OP_RECORDED:
        memset(column.byte, SETTLED_FALSE, rows);
        break;
    case OP_LATEST:
        memset(column.byte, CODE_NONE, rows);
        break;
    default:
        break;
    }
}

/* Completed years: a first guess by the days, mended by the day of birth of those who complete that year on D. */
static int64_t age_of(const struct policy_run *run, day_t birth)
{
    int64_t days = (int64_t)run->as_of - birth;
    if (days < 0 || days >= (int64_t)AGE_TABLE_YEARS * 365)
        return civil_age_years(birth, run->as_of);
    int64_t age = days / 365;
    while (age > 0 && birth > run->birthdays[age])
        age--;
    return age;
}

static void fill_age(const struct batch *batch, struct column column)
{
    for (size_t i = 0; i < batch->persons; i++) {
        day_t birth = batch->block->birth[batch->first_person + i];
        bool known = birth != DAY_NONE;
        int64_t age = known ? age_of(batch->run, birth) : 0;
        column.low[i] = known ? age : AGE_UNKNOWN_LOW;
        column.high[i] = known ? age : AGE_UNKNOWN_HIGH;
    }
}

static void fill_urban(const struct batch *batch, struct column column)
{
    for (size_t i = 0; i < batch->count; i++)
        column.byte[i] = batch->block->urban[batch->first + i] != 0 ? SETTLED_TRUE : SETTLED_FALSE;
}

void extract_batch(const struct batch *batch)
{
    const struct program *program = batch->frame->program;
    const struct policy_block *block = batch->block;
    for (size_t p = 0; p < program->plan_end[batch->frame->last]; p++) {
        int reg = program->plan[p];
        if (program->steps[reg].op == OP_AGE)
            fill_age(batch, batch->frame->columns[reg]);
        else if (program->steps[reg].op == OP_URBAN)
            fill_urban(batch, batch->frame->columns[reg]);
        else
            clear_leaf(batch, reg);
    }
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t begin = block->household_fact_begin[batch->first + i],
                 end = block->household_fact_begin[batch->first + i + 1];
        if (end > begin)
            fill_subject(batch, DOMAIN_HOUSEHOLD, block->household_facts + begin, end - begin, i);
    }
    for (size_t i = 0; i < batch->persons; i++) {
        uint32_t begin = block->person_fact_begin[batch->first_person + i],
                 end = block->person_fact_begin[batch->first_person + i + 1];
        if (end > begin)
            fill_subject(batch, DOMAIN_PERSON, block->person_facts + begin, end - begin, i);
    }
    if (batch->frame->rare[DOMAIN_HOUSEHOLD].count + batch->frame->rare[DOMAIN_PERSON].count > 0)
        rare_extract(batch);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

/* The code that a step, rare or not, reads facts of in this domain; -1: none. */
static int code_read(const struct program *program, int reg, enum domain domain, bool rare)
{
    const struct step *step = &program->steps[reg];
    bool fits = step->fact >= 0 && step->domain == domain && op_is_rare((enum op)step->op) == rare;
    return fits ? program->facts[step->fact].position : -1;
}

/* A counting sort: an explanation makes such tables for every household. */
static bool prepare_domain(struct frame *frame, enum domain domain, bool rare, struct arena *arena)
{
    const struct program *program = frame->program;
    struct leaf_table *table = rare ? &frame->rare[domain] : &frame->leaves[domain];
    size_t end = program->plan_end[frame->last];
    uint32_t *begin = table->begin = arena_array(arena, program->code_count + 2, sizeof *table->begin);
    table->leaves = arena_array(arena, end + 1, sizeof *table->leaves);
    if (table->begin == NULL || table->leaves == NULL)
        return false;
    for (size_t p = 0; p < end; p++)
        begin[code_read(program, program->plan[p], domain, rare) + 2]++;
    begin[1] = 0; /* those that read none */
    for (size_t code = 0; code < program->code_count; code++)
        begin[code + 2] += begin[code + 1];
    for (size_t p = 0; p < end; p++) {
        int code = code_read(program, program->plan[p], domain, rare);
        if (code >= 0)
            table->leaves[begin[code + 1]++] =
                (struct leaf){program->plan[p], program->steps[program->plan[p]].fact};
    }
    begin[0] = 0;
    table->count = begin[program->code_count];
    return true;
}

bool extract_prepare(struct frame *frame, struct arena *arena)
{
    bool good = true;
    for (int domain = 0; domain < DOMAIN_COUNT && good; domain++)
        good = prepare_domain(frame, (enum domain)domain, false, arena) &&
               prepare_domain(frame, (enum domain)domain, true, arena);
    return good;
}

/* --- what must be known --------------------------------------------------------------------------------------------- */

struct policy_need policy_run_need(const struct policy_run *run, size_t code, bool of_persons)
{
    const struct leaf_table *table = &run->hot->leaves[of_persons ? DOMAIN_PERSON : DOMAIN_HOUSEHOLD];
    struct policy_need need = {.after = DAY_MAX};
    for (uint32_t l = table->begin[code]; l < table->begin[code + 1]; l++) {
        const struct step *step = &run->policy->program.steps[table->leaves[l].step];
        need.read = true;
        if (step->op != OP_AMOUNT)
            need.periods = true;
        else if (run->windows[step->window].after < need.after)
            need.after = run->windows[step->window].after;
        need.order = need.order || step->op == OP_LATEST;
    }
    rare_need(run, code, of_persons, &need);
    if (need.periods || !need.read)
        need.after = DAY_NONE;
    return need;
}

/* --- for the explanation ------------------------------------------------------------------------------------------ */

void extract_uses(const struct policy_run *run, const struct step *step, const struct policy_fact *facts,
                  size_t count, uint8_t *used)
{
    const struct program_fact *declared = &run->policy->program.facts[step->fact];
    struct run_of_facts same = {run, facts, count};
    if (op_is_rare((enum op)step->op)) {
        rare_uses(&same, step, used);
        return;
    }
    struct bound_window window = step->window >= 0 ? run->windows[step->window] : (struct bound_window){0};
    bool amount = step->op == OP_AMOUNT;
    int best = amount ? SOURCE_NUMBER_MAX + 1 : believed_rank(&same, declared);
    for (size_t i = 0; i < count && amount; i++) {
        int rank = declared->rank[facts[i].source];
        if (rank < best && amount_counts(&facts[i], window))
            best = rank;
    }
    const struct policy_fact *latest = step->op == OP_LATEST ? latest_fact(&same, declared, best) : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct policy_fact *fact = &facts[i];
        if (step->op == OP_LATEST)
            used[i] = fact == latest;
        else
            used[i] = declared->rank[fact->source] == best &&
                      (amount ? amount_counts(fact, window) : state_holds(run, step, declared, fact));
    }
}
