/* SPDX-License-Identifier: PostgreSQL */
/*
 * Facts → leaf columns. Which facts count: leaf.h.
 *
 * The facts of a batch are taken by code, so that what a leaf asks is asked of one fact after another, without a guess for the
 * processor. Of most subjects one source alone speaks of a code: then each fact is added by itself, whatever others there are. Where sources
 * disagree, and where the latest counts, the facts of the subject and code are looked at together.
 */
#include "policy/machine/leaf.h"

#include <string.h>

/* --- which days count ---------------------------------------------------------------------------------------------- */

/* The days that a state asks for, on which it must exist as well. */
static struct leaf_days days_of_state(enum state_mode mode, struct bound_window window, day_t as_of)
{
    struct leaf_days days = {DAY_NONE, as_of, DAY_NONE, DAY_OPEN};
    day_t until = window.until < as_of ? window.until : as_of;
    switch (mode) {
    case STATE_NOW:
        days.end_least = as_of;
        break;
    case STATE_HELD:
        days.begin_most = until;
        days.end_least = window.after + 1;
        break;
    case STATE_AT_END:
        days.begin_most = until;
        days.end_least = window.until;
        break;
    case STATE_HAPPENED:
        days.begin_least = window.after + 1;
        days.begin_most = until;
        break;
    case STATE_LASTED:
        days.begin_most = window.after < as_of ? window.after : as_of;
        days.end_least = as_of;
        break;
    default: /* STATE_ENDED */
        days.end_least = window.after + 1;
        days.end_most = window.until;
        break;
    }
    return days;
}

static struct leaf_days days_of(const struct policy_run *run, const struct step *step)
{
    struct bound_window window = step->window >= 0 ? run->windows[step->window] : (struct bound_window){0};
    if (step->op == OP_STATE)
        return days_of_state((enum state_mode)step->mode, window, run->as_of);
    return (struct leaf_days){DAY_NONE, DAY_OPEN, window.after + 1, window.until};
}

void extract_bind(struct frame *frame, const struct policy_run *run)
{
    for (int domain = 0; domain < DOMAIN_COUNT; domain++) {
        const struct leaf_table *table = &frame->leaves[domain];
        for (size_t i = 0; i < table->count; i++)
            table->leaves[i].days = days_of(run, &frame->program->steps[table->leaves[i].step]);
    }
}

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

/* Without a guess for the processor: which window an amount lies in is as good as chance. */
static inline void add_amount_if(bool counts, const struct leaf *leaf, int64_t value, int64_t *low,
                                 int64_t *high)
{
    int64_t known = -(int64_t)((value >= leaf->low) & (value <= leaf->high)), all = -(int64_t)counts;
    *low += all & ((known & value) | (~known & leaf->low));
    *high += all & ((known & value) | (~known & leaf->high));
}

static inline bool amount_within(const struct policy_fact *fact, struct leaf_days days)
{
    day_t day = amount_day(fact);
    return (day >= days.end_least) & (day <= days.end_most);
}

static void fill_amount(const struct run_of_facts *facts, const struct leaf *leaf, size_t row)
{
    const struct program_fact *declared = leaf->declared;
    int64_t low = 0, high = 0;
    int best = SOURCE_NUMBER_MAX + 1;
    for (size_t i = 0; i < facts->count && facts->disagree; i++) {
        int rank = declared->rank[facts->facts[i].source];
        if (rank < best && amount_within(&facts->facts[i], leaf->days))
            best = rank;
    }
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        bool believed = !facts->disagree || declared->rank[fact->source] == best;
        add_amount_if(believed & amount_within(fact, leaf->days), leaf, fact->value, &low, &high);
    }
    leaf->column.low[row] += low;
    leaf->column.high[row] += high;
}

/* --- states and events -------------------------------------------------------------------------------------------- */

static inline bool within_days(const struct policy_fact *fact, struct leaf_days days)
{
    day_t end = fact->to == DAY_NONE ? DAY_OPEN : fact->to;
    return (fact->from >= days.begin_least) & (fact->from <= days.begin_most) & (end >= days.end_least) &
           (end <= days.end_most);
}

/* The fact is one that the state asks for, its source aside. */
static inline bool state_holds(const struct program_fact *declared, uint64_t mask, struct leaf_days days,
                               const struct policy_fact *fact)
{
    return within_days(fact, days) && value_holds(declared, fact, mask);
}

static void fill_state(const struct run_of_facts *facts, const struct leaf *leaf, size_t row)
{
    const struct program_fact *declared = leaf->declared;
    int believed = facts->disagree ? believed_rank(facts, declared) : 0;
    for (size_t i = 0; i < facts->count; i++) {
        const struct policy_fact *fact = &facts->facts[i];
        if ((!facts->disagree || declared->rank[fact->source] == believed) &&
            state_holds(declared, leaf->mask, leaf->days, fact)) {
            leaf->column.byte[row] = SETTLED_TRUE;
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

/* --- the facts of one subject and code ------------------------------------------------------------------------------ */

static void fill_latest(const struct run_of_facts *facts, const struct leaf *leaf, size_t row)
{
    const struct policy_fact *latest =
        latest_fact(facts, leaf->declared, believed_rank(facts, leaf->declared));
    leaf->column.byte[row] = latest == NULL ? CODE_NONE : code_of(leaf->declared, latest->value);
}

static void fill_leaf(const struct run_of_facts *facts, const struct frame *frame, const struct leaf *leaf,
                      size_t row)
{
    if (leaf->op == OP_AMOUNT && frame->bounds != NULL) {
        const struct program *program = frame->program;
        struct bound_window window = facts->run->windows[program->steps[leaf->step].window];
        fill_amount_bounded(facts, leaf->declared, window, frame, leaf->step, row);
    } else if (leaf->op == OP_AMOUNT) {
        fill_amount(facts, leaf, row);
    } else if (leaf->op == OP_STATE) {
        fill_state(facts, leaf, row);
    } else {
        fill_latest(facts, leaf, row);
    }
}

/* Of a subject with any number of facts. */
static void fill_subject(const struct batch *batch, enum domain domain, const struct policy_fact *facts,
                         size_t count, size_t row)
{
    const struct frame *frame = batch->frame;
    const struct leaf_table *table = &frame->leaves[domain];
    for (size_t i = 0, end; i < count; i = end) {
        struct run_of_facts same = {.run = batch->run, .facts = facts + i};
        for (end = i + 1; end < count && facts[end].code == facts[i].code; end++)
            same.disagree |= facts[end].source != facts[i].source;
        same.count = end - i;
        if (facts[i].code >= frame->program->code_count)
            continue;
        for (uint32_t l = table->begin[facts[i].code]; l < table->begin[facts[i].code + 1]; l++)
            fill_leaf(&same, frame, &table->leaves[l], row);
    }
}

/* --- the facts of one code ---------------------------------------------------------------------------------------- */

/* So many facts are sorted at a time. */
enum { CHUNK_FACTS = 2048, ROWS_AT_ONCE = 8 };

struct chunk {
    const struct batch *batch;
    const struct leaf_table *table;
    const struct policy_fact *facts;
    size_t count;
    uint16_t row[CHUNK_FACTS + ROWS_AT_ONCE]; /* by fact */
    uint16_t place[CHUNK_FACTS];              /* facts, by code */
};

static void add_amounts(const struct chunk *chunk, const uint16_t *places, size_t count,
                        const struct leaf *leaf)
{
    const struct leaf local = *leaf;
    for (size_t i = 0; i < count; i++) {
        const struct policy_fact *fact = &chunk->facts[places[i]];
        size_t row = chunk->row[places[i]];
        add_amount_if(amount_within(fact, local.days), &local, fact->value, &local.column.low[row],
                      &local.column.high[row]);
    }
}

static void set_states(const struct chunk *chunk, const uint16_t *places, size_t count,
                       const struct leaf *leaf)
{
    const struct leaf local = *leaf;
    for (size_t i = 0; i < count; i++) {
        const struct policy_fact *fact = &chunk->facts[places[i]];
        uint8_t *state = &local.column.byte[chunk->row[places[i]]];
        bool holds = local.mask == 0 ? fact->value != 0 : value_holds(local.declared, fact, local.mask);
        *state = holds & within_days(fact, local.days) ? SETTLED_TRUE : *state;
    }
}

/* The facts of one subject begin here; `places` are those of one code. */
static struct run_of_facts facts_at(const struct chunk *chunk, const uint16_t *places, size_t count)
{
    size_t length = 1;
    while (length < count && chunk->row[places[length]] == chunk->row[places[0]])
        length++;
    return (struct run_of_facts){
        .run = chunk->batch->run, .facts = chunk->facts + places[0], .count = length};
}

static void set_latest(const struct chunk *chunk, const uint16_t *places, size_t count,
                       const struct leaf *leaf)
{
    struct run_of_facts same;
    for (size_t i = 0; i < count; i += same.count) {
        same = facts_at(chunk, places + i, count - i);
        fill_latest(&same, leaf, chunk->row[places[i]]);
    }
}

/*
 * Fills the leaves that count single facts where sources disagree, and takes those facts out of the places. Returns how many are left.
 */
static size_t settle_disagreements(const struct chunk *chunk, uint16_t *places, size_t count,
                                   const struct leaf *leaves, size_t leaf_count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = chunk->row[places[i]];
        places[left++] = places[i];
        if (i + 1 == count || chunk->row[places[i + 1]] != row ||
            chunk->facts[places[i + 1]].source == chunk->facts[places[i]].source)
            continue;
        while (left > 0 && chunk->row[places[left - 1]] == row)
            left--;
        while (i + 1 < count && chunk->row[places[i + 1]] == row)
            i++;
        struct run_of_facts same = {.run = chunk->batch->run,
                                    .facts = chunk->facts + places[left],
                                    .count = (size_t)(places[i] - places[left]) + 1,
                                    .disagree = true};
        for (size_t l = 0; l < leaf_count; l++)
            if (leaves[l].op != OP_LATEST)
                fill_leaf(&same, chunk->batch->frame, &leaves[l], row);
    }
    return left;
}

static void fill_code(const struct chunk *chunk, size_t code, uint16_t *places, size_t count)
{
    const struct leaf *leaves = chunk->table->leaves + chunk->table->begin[code];
    size_t leaf_count = chunk->table->begin[code + 1] - chunk->table->begin[code];
    for (size_t l = 0; l < leaf_count; l++)
        if (leaves[l].op == OP_LATEST)
            set_latest(chunk, places, count, &leaves[l]);
    size_t left = settle_disagreements(chunk, places, count, leaves, leaf_count);
    for (size_t l = 0; l < leaf_count; l++) {
        if (leaves[l].op == OP_AMOUNT)
            add_amounts(chunk, places, left, &leaves[l]);
        else if (leaves[l].op == OP_STATE)
            set_states(chunk, places, left, &leaves[l]);
    }
}

/* A counting sort; codes that nothing is known of come last and are left. */
static void fill_chunk(struct chunk *chunk)
{
    const struct policy_fact *facts = chunk->facts;
    const size_t codes = chunk->batch->frame->program->code_count, count = chunk->count;
    uint32_t *end =
        chunk->table->sorted; /* [code]: where the places of the codes before end, and then its own */
    memset(end, 0, (codes + 2) * sizeof *end);
    for (size_t i = 0; i < count; i++)
        end[(facts[i].code < codes ? facts[i].code : codes) + 1]++;
    for (size_t code = 0; code < codes; code++)
        end[code + 1] += end[code];
    for (size_t i = 0; i < count; i++)
        chunk->place[end[facts[i].code < codes ? facts[i].code : codes]++] = (uint16_t)i;
    for (size_t code = 0, begin = 0; code < codes; begin = end[code++])
        if (end[code] > begin)
            fill_code(chunk, code, chunk->place + begin, end[code] - begin);
}

/* Subject i has the facts [begin[i], begin[i + 1]). */
static void fill_domain(const struct batch *batch, enum domain domain, const uint32_t *begin,
                        const struct policy_fact *facts, size_t subjects, const uint16_t *rows)
{
    struct chunk chunk; /* its arrays are not cleared */
    chunk.batch = batch;
    chunk.table = &batch->frame->leaves[domain];
    for (size_t i = 0; i < subjects;) {
        if (begin[i + 1] - begin[i] > CHUNK_FACTS) {
            fill_subject(batch, domain, facts + begin[i], begin[i + 1] - begin[i], rows[i]);
            i++;
            continue;
        }
        chunk.facts = facts + begin[i];
        uint32_t first = begin[i], last = first + CHUNK_FACTS;
        for (; i < subjects && begin[i + 1] <= last; i++) {
            uint16_t *row = chunk.row + (begin[i] - first);
            size_t count = begin[i + 1] - begin[i];
            for (size_t k = 0; k < ROWS_AT_ONCE;
                 k++) /* most have no more; the next subject writes over the rest */
                row[k] = rows[i];
            for (size_t k = ROWS_AT_ONCE; k < count; k++)
                row[k] = rows[i];
        }
        chunk.count = begin[i] - first;
        fill_chunk(&chunk);
    }
}
/* What a subject without facts has: nothing, no, none. */
static void clear_leaf(const struct batch *batch, int reg)
{
    const struct step *step = &batch->frame->program->steps[reg];
    struct column column = batch->frame->columns[reg];
    size_t rows = step->domain == DOMAIN_HOUSEHOLD ? batch->count : batch->persons;
    switch ((enum op)step->op) {
    case OP_STATE:
    case OP_RECORDED:
    case OP_DISAGREE:
        memset(column.byte, SETTLED_FALSE, rows);
        break;
    case OP_LATEST:
        memset(column.byte, CODE_NONE, rows);
        break;
    case OP_TRAIT:
        rare_traits(batch, step, column.byte);
        break;
    default: /* amounts and their sums */
        memset(column.low, 0, rows * sizeof *column.low);
        memset(column.high, 0, rows * sizeof *column.high);
        break;
    }
}

/* Completed years: a first guess by the days, mended by the day of birth of those who complete that year on D. */
static int64_t age_of(const struct policy_run *run, day_t birth)
{
    int64_t days = (int64_t)run->as_of - birth;
    if (days < 0 || days >= (int64_t)AGE_TABLE_YEARS * 365)
        return civil_age_years(birth, run->as_of);
    int64_t age =
        days / 365; /* too great by one at the most: in 150 years there are fewer than 365 leap days */
    return age - (birth > run->birthdays[age]);
}

static void fill_age(const struct batch *batch, struct column column)
{
    const uint16_t *row = batch->frame->rows.person;
    for (size_t i = 0; i < batch->persons; i++) {
        day_t birth = batch->block->birth[batch->first_person + i];
        bool known = birth != DAY_NONE;
        int64_t age = known ? age_of(batch->run, birth) : 0;
        column.low[row[i]] = known ? age : AGE_UNKNOWN_LOW;
        column.high[row[i]] = known ? age : AGE_UNKNOWN_HIGH;
    }
}

static void fill_urban(const struct batch *batch, struct column column)
{
    const uint16_t *row = batch->frame->rows.household;
    for (size_t i = 0; i < batch->count; i++)
        column.byte[row[i]] = batch->block->urban[batch->first + i] != 0 ? SETTLED_TRUE : SETTLED_FALSE;
}

void extract_batch(const struct batch *batch)
{
    const struct program *program = batch->frame->program;
    const struct policy_block *block = batch->block;
    for (size_t p = 0; p < program->plan_end[batch->frame->last]; p++) {
        int reg = program->plan[p];
        if (batch->frame->parts[reg] == 0)
            continue;
        if (program->steps[reg].op == OP_AGE)
            fill_age(batch, batch->frame->columns[reg]);
        else if (program->steps[reg].op == OP_URBAN)
            fill_urban(batch, batch->frame->columns[reg]);
        else
            clear_leaf(batch, reg);
    }
    const uint32_t *own = block->household_fact_begin + batch->first,
                   *begin = block->person_fact_begin + batch->first_person;
    const struct rows *rows = &batch->frame->rows;
    if (batch->large) {
        fill_subject(batch, DOMAIN_HOUSEHOLD, block->household_facts + own[0], own[1] - own[0], 0);
        for (size_t i = 0; i < batch->persons; i++)
            fill_subject(batch, DOMAIN_PERSON, block->person_facts + begin[i], begin[i + 1] - begin[i], i);
    } else {
        fill_domain(batch, DOMAIN_HOUSEHOLD, own, block->household_facts, batch->count, rows->household);
        fill_domain(batch, DOMAIN_PERSON, begin, block->person_facts, batch->persons, rows->person);
    }
    if (batch->frame->rare[DOMAIN_HOUSEHOLD].count + batch->frame->rare[DOMAIN_PERSON].count > 0)
        rare_extract(batch);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

/* The leaves that a register is made of: one, or those of a sum. Returns how many. */
static size_t parts_of(const struct frame *frame, int16_t reg, int16_t *parts)
{
    const struct step *steps = frame->program->steps;
    size_t count = frame->parts[reg] > 0;
    parts[0] = reg;
    for (size_t i = 0; i < count;) {
        if (steps[parts[i]].op != OP_ADD) {
            i++;
            continue;
        }
        const struct step *sum = &steps[parts[i]];
        parts[i] = sum->a;
        parts[count++] = sum->b;
    }
    return count;
}

/* The code that a step, rare or not, reads facts of in this domain; -1: none. */
static int code_read(const struct program *program, int reg, enum domain domain, bool rare)
{
    const struct step *step = &program->steps[reg];
    bool fits = step->fact >= 0 && step->domain == domain && op_is_rare((enum op)step->op) == rare;
    return fits ? program->facts[step->fact].position : -1;
}

static struct leaf leaf_of(const struct frame *frame, int16_t reg, struct column column)
{
    const struct step *step = &frame->program->steps[reg];
    return (struct leaf){.step = reg,
                         .fact = step->fact,
                         .op = step->op,
                         .mask = step->mask,
                         .low = frame->program->facts[step->fact].low,
                         .high = frame->program->facts[step->fact].high,
                         .declared = &frame->program->facts[step->fact],
                         .column = column};
}

/* A counting sort: an explanation makes such tables for every household. */
static bool prepare_domain(struct frame *frame, enum domain domain, bool rare, struct arena *arena)
{
    const struct program *program = frame->program;
    struct leaf_table *table = rare ? &frame->rare[domain] : &frame->leaves[domain];
    size_t end = program->plan_end[frame->last];
    int16_t parts[PARTS_MAX];
    uint32_t *begin = table->begin = arena_array(arena, program->code_count + 2, sizeof *begin);
    table->sorted = arena_array(arena, program->code_count + 2, sizeof *table->sorted);
    if (begin == NULL || table->sorted == NULL)
        return false;
    for (size_t p = 0; p < end; p++) {
        for (size_t left = parts_of(frame, program->plan[p], parts); left-- > 0;)
            begin[code_read(program, parts[left], domain, rare) + 2]++;
    }
    begin[1] = 0; /* those that read none */
    for (size_t code = 0; code < program->code_count; code++)
        begin[code + 2] += begin[code + 1];
    table->count = begin[program->code_count + 1];
    table->leaves = arena_array(arena, table->count + 1, sizeof *table->leaves);
    if (table->leaves == NULL)
        return false;
    for (size_t p = 0; p < end; p++) {
        for (size_t left = parts_of(frame, program->plan[p], parts); left-- > 0;) {
            int code = code_read(program, parts[left], domain, rare);
            if (code >= 0)
                table->leaves[begin[code + 1]++] =
                    leaf_of(frame, parts[left], frame->columns[program->plan[p]]);
        }
    }
    begin[0] = 0;
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
    struct run_of_facts same = {.run = run, .facts = facts, .count = count};
    if (op_is_rare((enum op)step->op)) {
        rare_uses(&same, step, used);
        return;
    }
    struct bound_window window = step->window >= 0 ? run->windows[step->window] : (struct bound_window){0};
    bool amount = step->op == OP_AMOUNT;
    struct leaf_days days = days_of(run, step);
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
                      (amount ? amount_counts(fact, window) : state_holds(declared, step->mask, days, fact));
    }
}
