/* SPDX-License-Identifier: PostgreSQL */
/*
 * Leaves that few policies have, kept out of the way of those that all have (extract.c).
 *
 * OP_LATEST_AMOUNT   the first source in the ranking that has an amount within the window, an unknown one included; of its
 *                    amounts those of the greatest day, summed
 * OP_ACTIVE_AMOUNT   the first source that has any fact existing on D; its facts active on D, summed; a relief without an amount
 *                    is unknown within the declared range
 * OP_RECORDED        any fact in the window, of any source and value: an amount by its day, an event by its `from`, a state by
 *                    the days that it covers
 * OP_GAP             each source that has a fact there comes to a sum, an interval; at least the greatest low end less the least
 *                    high end, at most the greatest high end less the least low end of another; 0 when fewer than two speak
 * OP_DISAGREE        of the sources that have a fact existing on D one says that the state is active and one that it is not;
 *                    of codes: the latest values of two sources that have one on D differ
 */
#include "policy/machine/leaf.h"

/* --- the latest amounts ------------------------------------------------------------------------------------------- */

struct latest_amount {
    int rank;
    day_t day;
    wide_t low, high; /* a large household may have more than int64 was proven to hold */
};

static struct latest_amount latest_amount(const struct run_of_facts *facts,
                                          const struct program_fact *declared, struct bound_window window)
{
    struct latest_amount latest = {.rank = SOURCE_NUMBER_MAX + 1, .day = DAY_NONE};
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        int rank = declared->rank[fact->source];
        day_t day = amount_day(fact);
        if (!amount_counts(fact, window) || rank > latest.rank || (rank == latest.rank && day < latest.day))
            continue;
        if (rank < latest.rank || day > latest.day)
            latest = (struct latest_amount){.rank = rank, .day = day};
        int64_t low = 0, high = 0;
        add_amount(declared, fact->value, &low, &high);
        latest.low += low;
        latest.high += high;
    }
    return latest;
}

/* Cut to what was proven, which only a large household's can exceed. */
static void put_amount(const struct frame *frame, int reg, size_t row, wide_t low, wide_t high)
{
    wide_t most = frame->program->steps[reg].high;
    if (frame->bounds != NULL && high > most)
        frame->bounds[reg] &= (uint8_t)~BOUND_HIGH;
    frame->columns[reg].low[row] = (int64_t)(low > most ? most : low);
    frame->columns[reg].high[row] = (int64_t)(high > most ? most : high);
}

/* --- amounts of reliefs, and records ------------------------------------------------------------------------------ */

static bool relief_counts(const struct run_of_facts *facts, const struct policy_fact *fact)
{
    return active_on(fact, facts->run->as_of) && fact->value != 0;
}

static void fill_active_amount(const struct run_of_facts *facts, const struct program_fact *declared,
                               const struct frame *frame, int reg, size_t row)
{
    wide_t low = 0, high = 0;
    int believed = believed_rank(facts, declared);
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        if (declared->rank[fact->source] != believed || !relief_counts(facts, fact))
            continue;
        int64_t least = 0, greatest = 0;
        add_amount(declared, fact->value == FACT_YES ? FACT_UNKNOWN : fact->value, &least, &greatest);
        low += least;
        high += greatest;
    }
    put_amount(frame, reg, row, low, high);
}

static bool lies_in(const struct run_of_facts *facts, const struct program_fact *declared,
                    const struct policy_fact *fact, struct bound_window window)
{
    if (declared->code->kind == FACT_AMOUNT)
        return amount_counts(fact, window);
    if (declared->code->kind == FACT_EVENT)
        return fact->from != DAY_NONE && in_window(fact->from, window);
    return fact->from <= facts->run->as_of && fact->from <= window.until &&
           (fact->to == DAY_NONE || fact->to > window.after);
}

static bool recorded(const struct run_of_facts *facts, const struct program_fact *declared,
                     struct bound_window window)
{
    bool found = false;
    for (size_t i = 0; i < facts->count && !found; i++)
        found = lies_in(facts, declared, &facts->facts[i], window);
    return found;
}

/* --- what each source says ---------------------------------------------------------------------------------------- */

static struct saying *saying_of(struct saying *sayings, size_t *count, uint8_t source)
{
    for (size_t i = 0; i < *count; i++) {
        if (sayings[i].source == source)
            return &sayings[i];
    }
    sayings[*count] = (struct saying){.source = source};
    return &sayings[(*count)++];
}

/* Adds a fact to what its source says, unless it says nothing there. */
static void hear(const struct run_of_facts *facts, const struct program_fact *declared,
                 struct bound_window window, const struct policy_fact *fact, struct saying *sayings,
                 size_t *count)
{
    bool amount = declared->code->kind == FACT_AMOUNT;
    bool coded = declared->kind != WORD_NONE && declared->kind != WORD_YESNO;
    bool active = active_on(fact, facts->run->as_of);
    if (amount ? !amount_counts(fact, window) : coded ? !active : fact->from > facts->run->as_of)
        return;
    struct saying *saying = saying_of(sayings, count, fact->source);
    if (coded && (saying->latest == NULL || later(fact, saying->latest)))
        saying->latest = fact;
    saying->active = saying->active || (active && fact->value != 0);
    if (declared->kind != WORD_NONE || (!amount && !relief_counts(facts, fact)))
        return;
    int64_t low = 0, high = 0;
    add_amount(declared, !amount && fact->value == FACT_YES ? FACT_UNKNOWN : fact->value, &low, &high);
    saying->low += low;
    saying->high += high;
}

size_t rare_sayings(const struct run_of_facts *facts, const struct step *step,
                    struct saying sayings[RARE_SAYINGS_MAX])
{
    const struct program_fact *declared = &facts->run->policy->program.facts[step->fact];
    struct bound_window window =
        step->window >= 0 ? facts->run->windows[step->window] : (struct bound_window){0};
    size_t count = 0;
    for (size_t i = 0; i < facts->count; i++)
        hear(facts, declared, window, &facts->facts[i], sayings, &count);
    return count;
}

static void gap_of(const struct saying *sayings, size_t count, wide_t *low, wide_t *high)
{
    *low = *high = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (i != j && sayings[i].low - sayings[j].high > *low)
                *low = sayings[i].low - sayings[j].high;
            if (i != j && sayings[i].high - sayings[j].low > *high)
                *high = sayings[i].high - sayings[j].low;
        }
    }
}

static bool disagree(const struct program_fact *declared, const struct saying *sayings, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct saying *a = &sayings[0], *b = &sayings[i];
        bool differ = declared->kind == WORD_YESNO
                          ? a->active != b->active
                          : code_of(declared, a->latest->value) != code_of(declared, b->latest->value);
        if (differ)
            return true;
    }
    return false;
}

/* Most subjects are spoken of by one source: nothing is collected for them. */
static bool by_one_source(const struct run_of_facts *facts)
{
    size_t i = 1;
    while (i < facts->count && facts->facts[i].source == facts->facts[0].source)
        i++;
    return i >= facts->count;
}

static void fill_disagreement(const struct run_of_facts *facts, const struct frame *frame, int reg,
                              size_t row)
{
    const struct step *step = &frame->program->steps[reg];
    struct saying sayings[RARE_SAYINGS_MAX];
    size_t count = by_one_source(facts) ? 0 : rare_sayings(facts, step, sayings);
    wide_t low, high;
    if (step->op == OP_DISAGREE) {
        bool differ = disagree(&frame->program->facts[step->fact], sayings, count);
        frame->columns[reg].byte[row] = differ ? SETTLED_TRUE : SETTLED_FALSE;
        return;
    }
    gap_of(sayings, count, &low, &high);
    put_amount(frame, reg, row, low, high);
}

/* All that a source says there counts, of codes only the latest. */
static void disagreement_uses(const struct run_of_facts *facts, const struct step *step, uint8_t *used)
{
    struct saying sayings[RARE_SAYINGS_MAX];
    const struct program_fact *declared = &facts->run->policy->program.facts[step->fact];
    struct bound_window window =
        step->window >= 0 ? facts->run->windows[step->window] : (struct bound_window){0};
    size_t count = rare_sayings(facts, step, sayings);
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        used[i] = declared->code->kind == FACT_AMOUNT ? amount_counts(fact, window)
                                                      : fact->from <= facts->run->as_of;
        for (size_t s = 0; s < count && declared->kind != WORD_NONE && declared->kind != WORD_YESNO; s++)
            used[i] = sayings[s].source == fact->source ? sayings[s].latest == fact : used[i];
    }
}

/* --- leaves ------------------------------------------------------------------------------------------------------- */

static void fill_leaf(const struct run_of_facts *facts, const struct frame *frame, int reg, size_t row)
{
    const struct step *step = &frame->program->steps[reg];
    const struct program_fact *declared = &frame->program->facts[step->fact];
    struct bound_window window =
        step->window >= 0 ? facts->run->windows[step->window] : (struct bound_window){0};
    struct latest_amount latest;
    switch ((enum op)step->op) {
    case OP_LATEST_AMOUNT:
        latest = latest_amount(facts, declared, window);
        put_amount(frame, reg, row, latest.low, latest.high);
        break;
    case OP_ACTIVE_AMOUNT:
        fill_active_amount(facts, declared, frame, reg, row);
        break;
    case OP_GAP:
    case OP_DISAGREE:
        fill_disagreement(facts, frame, reg, row);
        break;
    default:
        frame->columns[reg].byte[row] = recorded(facts, declared, window) ? SETTLED_TRUE : SETTLED_FALSE;
        break;
    }
}

static void fill_subject(const struct batch *batch, enum domain domain, const struct policy_fact *facts,
                         size_t count, size_t row)
{
    const struct leaf_table *table = &batch->frame->rare[domain];
    for (size_t i = 0, end; i < count; i = end) {
        uint16_t code = facts[i].code;
        for (end = i + 1; end < count && facts[end].code == code; end++)
            continue;
        if (code >= batch->frame->program->code_count)
            continue;
        struct run_of_facts same = {.run = batch->run, .facts = facts + i, .count = end - i};
        for (uint32_t l = table->begin[code]; l < table->begin[code + 1]; l++)
            fill_leaf(&same, batch->frame, table->leaves[l].step, row);
    }
}

/* Subject i has the facts [begin[i], begin[i + 1]). */
static void fill_domain(const struct batch *batch, enum domain domain, const uint32_t *begin,
                        const struct policy_fact *facts, size_t subjects, const uint16_t *rows)
{
    if (batch->frame->rare[domain].count == 0)
        return;
    for (size_t i = 0; i < subjects; i++)
        fill_subject(batch, domain, facts + begin[i], begin[i + 1] - begin[i], rows[i]);
}

void rare_extract(const struct batch *batch)
{
    const struct policy_block *block = batch->block;
    fill_domain(batch, DOMAIN_HOUSEHOLD, block->household_fact_begin + batch->first, block->household_facts,
                batch->count, batch->frame->rows.household);
    fill_domain(batch, DOMAIN_PERSON, block->person_fact_begin + batch->first_person, block->person_facts,
                batch->persons, batch->frame->rows.person);
}

void rare_traits(const struct batch *batch, const struct step *step, uint8_t *out)
{
    const uint8_t *traits = batch->block->traits;
    for (size_t i = 0; i < batch->persons; i++) {
        int byte = traits == NULL ? POLICY_TRAITS_UNKNOWN : traits[batch->first_person + i];
        int kinship = byte & POLICY_TRAITS_UNKNOWN, labour = byte >> POLICY_LABOUR_SHIFT;
        int value = step->k == TRAIT_LABOUR ? (labour == LABOUR_NOT_GIVEN ? CODE_UNKNOWN : labour)
                                            : (kinship > POLICY_KINSHIP_OTHER ? CODE_UNKNOWN : kinship);
        out[batch->frame->rows.person[i]] = (uint8_t)value;
    }
}

void rare_uses(const struct run_of_facts *facts, const struct step *step, uint8_t *used)
{
    const struct program_fact *declared = &facts->run->policy->program.facts[step->fact];
    struct bound_window window =
        step->window >= 0 ? facts->run->windows[step->window] : (struct bound_window){0};
    struct latest_amount latest = latest_amount(facts, declared, window);
    int believed = believed_rank(facts, declared);
    if (step->op == OP_GAP || step->op == OP_DISAGREE) {
        disagreement_uses(facts, step, used);
        return;
    }
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        int rank = declared->rank[fact->source];
        if (step->op == OP_LATEST_AMOUNT)
            used[i] = rank == latest.rank && amount_counts(fact, window) && amount_day(fact) == latest.day;
        else if (step->op == OP_ACTIVE_AMOUNT)
            used[i] = rank == believed && relief_counts(facts, fact);
        else
            used[i] = lies_in(facts, declared, fact, window);
    }
}

void rare_need(const struct policy_run *run, size_t code, bool of_persons, struct policy_need *need)
{
    const struct program *program = &run->policy->program;
    const struct leaf_table *table = &run->hot->rare[of_persons ? DOMAIN_PERSON : DOMAIN_HOUSEHOLD];
    for (uint32_t l = table->begin[code]; l < table->begin[code + 1]; l++) {
        const struct step *step = &program->steps[table->leaves[l].step];
        need->read = true;
        need->order =
            need->order || (step->op == OP_DISAGREE && program->facts[step->fact].kind != WORD_YESNO);
        if (program->facts[step->fact].code->kind != FACT_AMOUNT)
            need->periods = true;
        else if (run->windows[step->window].after < need->after)
            need->after = run->windows[step->window].after;
    }
}
