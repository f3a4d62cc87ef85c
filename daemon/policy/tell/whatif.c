/* SPDX-License-Identifier: PostgreSQL */
#include "policy/tell/whatif.h"

#include "policy/machine/display.h"
#include "policy/machine/machine.h"

#include <string.h>

/* All registers of the household after one evaluation. */
struct snapshot {
    int64_t *low, *high; /* by cell */
    uint8_t *byte;
    int64_t value; /* of the amount that is varied */
};

/* One household that is evaluated again and again, each time with one fact that is otherwise. */
struct probe {
    const struct policy_run *run;
    const struct program *program;
    struct arena *arena;
    struct policy_changes *into;
    size_t capacity;
    bool failed; /* no memory */

    struct policy_fact *original; /* the household's own, then person by person */
    uint32_t *original_begin;     /* subject i owns [begin[i], begin[i + 1]); subject 0 is the household */
    size_t persons, facts;
    size_t first_person, first_own, first_fact; /* in the caller's block */

    struct policy_fact *changed; /* what the block reads; one more than there are */
    uint32_t *changed_begin;
    uint32_t person_begin[2];
    struct policy_block block;
    struct batch batch;

    size_t *cell; /* by position in the plan: where its rows begin in a snapshot */
    struct snapshot here, beside;
};

/* --- evaluating --------------------------------------------------------------------------------------------------- */

static bool is_spent(const struct probe *probe)
{
    return probe->into->cost >= WHATIF_COST_MAX;
}

static enum policy_level evaluate(struct probe *probe)
{
    struct policy_outcome outcome;
    probe->into->cost += 1 + (probe->persons + probe->facts) / 32;
    outcome_batch(&probe->batch, &outcome);
    return (enum policy_level)outcome.level;
}

static size_t subject_count(const struct probe *probe)
{
    return 1 + probe->persons;
}

/* As it is, without fact `left_out` (SIZE_MAX: with all), with `added` about `subject` unless that is NULL. */
static void arrange(struct probe *probe, size_t left_out, size_t subject, const struct policy_fact *added)
{
    size_t at = 0;
    for (size_t s = 0; s < subject_count(probe); s++) {
        bool pending = added != NULL && s == subject;
        probe->changed_begin[s] = (uint32_t)at;
        for (uint32_t f = probe->original_begin[s]; f < probe->original_begin[s + 1]; f++) {
            if (pending && added->code <= probe->original[f].code) {
                probe->changed[at++] = *added;
                pending = false;
            }
            if (f != left_out)
                probe->changed[at++] = probe->original[f];
        }
        if (pending)
            probe->changed[at++] = *added;
    }
    probe->changed_begin[subject_count(probe)] = (uint32_t)at;
}

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

static size_t rows_of(const struct probe *probe, const struct step *step)
{
    return step->domain == DOMAIN_HOUSEHOLD ? 1 : probe->persons;
}

static void take(const struct probe *probe, int64_t value, struct snapshot *snapshot)
{
    const struct program *program = probe->program;
    snapshot->value = value;
    for (size_t p = 0; p < program->plan_end[PHASE_CLAUSES]; p++) {
        int reg = program->plan[p];
        const struct step *step = &program->steps[reg];
        struct column column = probe->batch.frame->columns[reg];
        size_t rows = rows_of(probe, step), cell = probe->cell[p];
        if (rows == 0)
            continue;
        if (step->kind != REGISTER_QUANTITY) {
            memcpy(snapshot->byte + cell, column.byte, rows);
            continue;
        }
        memcpy(snapshot->low + cell, column.low, rows * sizeof *column.low);
        memcpy(snapshot->high + cell, column.high, rows * sizeof *column.high);
    }
}

static bool same_truths(const struct probe *probe)
{
    const struct program *program = probe->program;
    for (size_t p = 0; p < program->plan_end[PHASE_CLAUSES]; p++) {
        const struct step *step = &program->steps[program->plan[p]];
        if (step->kind != REGISTER_QUANTITY &&
            memcmp(probe->here.byte + probe->cell[p], probe->beside.byte + probe->cell[p],
                   rows_of(probe, step)) != 0)
            return false;
    }
    return true;
}

/* --- straight stretches ------------------------------------------------------------------------------------------- */

/* Whether `now` lies on the line through `here` and `beside`, `far` steps from `here`. */
static bool on_line(int64_t here, int64_t beside, int64_t now, int64_t far)
{
    return (wide_t)here + ((wide_t)beside - here) * far == (wide_t)now;
}

/* Where two intervals lie that are found unequal: -1 the first below, 1 above, 0 neither. */
static int side_of(struct interval a, struct interval b)
{
    return a.high < b.low ? -1 : a.low > b.high ? 1 : 0;
}

static size_t plan_position(const struct program *program, int reg)
{
    size_t p = 0;
    while (program->plan[p] != reg)
        p++;
    return p;
}

/* An equality that is false at both ends may hold in between: when its operands have changed sides. */
static bool keeps_side(const struct probe *probe, const struct step *step, size_t row)
{
    const struct program *program = probe->program;
    const struct column *columns = probe->batch.frame->columns;
    size_t a = probe->cell[plan_position(program, step->a)] + row;
    struct interval before = {probe->here.low[a], probe->here.high[a]};
    struct interval now = {columns[step->a].low[row], columns[step->a].high[row]};
    struct interval other_before = {step->k, step->k}, other_now = other_before;
    if (step->b >= 0) {
        size_t b = probe->cell[plan_position(program, step->b)] + row;
        other_before = (struct interval){probe->here.low[b], probe->here.high[b]};
        other_now = (struct interval){columns[step->b].low[row], columns[step->b].high[row]};
    }
    return side_of(before, other_before) == side_of(now, other_now);
}

static bool is_straight(const struct probe *probe, size_t position, int64_t far)
{
    const struct step *step = &probe->program->steps[probe->program->plan[position]];
    struct column column = probe->batch.frame->columns[probe->program->plan[position]];
    size_t rows = rows_of(probe, step), cell = probe->cell[position];
    for (size_t i = 0; i < rows; i++, cell++) {
        if (step->kind == REGISTER_QUANTITY) {
            if (!on_line(probe->here.low[cell], probe->beside.low[cell], column.low[i], far) ||
                !on_line(probe->here.high[cell], probe->beside.high[cell], column.high[i], far))
                return false;
        } else if (probe->here.byte[cell] != column.byte[i] ||
                   (step->op == OP_EQUAL && column.byte[i] == SETTLED_FALSE && !keeps_side(probe, step, i))) {
            return false;
        }
    }
    return true;
}

/* Whether nothing turns between `here` and what was evaluated last, at `value`. */
static bool is_quiet(const struct probe *probe, int64_t value)
{
    int64_t far = value > probe->here.value ? value - probe->here.value : probe->here.value - value;
    for (size_t p = 0; p < probe->program->plan_end[PHASE_CLAUSES]; p++)
        if (!is_straight(probe, p, far))
            return false;
    return true;
}

/* An amount that is varied. */
struct amount {
    size_t fact; /* position among the original ones, and in the arrangement */
    int64_t low, high;
};

static enum policy_level level_at(struct probe *probe, const struct amount *amount, int64_t value)
{
    probe->changed[amount->fact].value = value;
    return evaluate(probe);
}

/* The end of the longest quiet stretch from `here` on towards `limit`, given that `beside` belongs to it. */
static int64_t quiet_until(struct probe *probe, const struct amount *amount, int64_t limit)
{
    int64_t quiet = probe->beside.value, turned = limit;
    level_at(probe, amount, limit);
    if (is_quiet(probe, limit))
        return limit;
    while (turned - quiet > 1 || quiet - turned > 1) {
        int64_t middle = quiet + (turned - quiet) / 2;
        level_at(probe, amount, middle);
        if (is_quiet(probe, middle))
            quiet = middle;
        else
            turned = middle;
    }
    return quiet;
}

/* The first value from `from` on towards `limit` whose level is not that at `from`. False when there is none. */
static bool find_turn(struct probe *probe, const struct amount *amount, int64_t from, int64_t limit,
                      int64_t *value, enum policy_level *level)
{
    int64_t at = from, step = limit > from ? 1 : -1;
    enum policy_level level_here = level_at(probe, amount, at);
    while (at != limit && !is_spent(probe)) {
        level_at(probe, amount, at);
        take(probe, at, &probe->here);
        *value = at + step;
        *level = level_at(probe, amount, *value);
        if (*level != level_here)
            return true;
        take(probe, *value, &probe->beside);
        if (*value == limit)
            return false;
        if (!same_truths(probe)) {
            at = *value;
            continue;
        }
        int64_t quiet = quiet_until(probe, amount, limit);
        if (quiet == limit)
            return false;
        *value = quiet + step;
        *level = level_at(probe, amount, *value);
        if (*level != level_here)
            return true;
        at = *value;
    }
    return false;
}

/* --- what is found ------------------------------------------------------------------------------------------------ */

static void note(struct probe *probe, const struct policy_change *change)
{
    struct policy_changes *into = probe->into;
    if (into->count == probe->capacity) {
        enum { FIRST_CHANGES = 64 };
        size_t capacity = probe->capacity == 0 ? FIRST_CHANGES : probe->capacity * 2;
        struct policy_change *grown = arena_array(probe->arena, capacity, sizeof *grown);
        if (grown == NULL) {
            probe->failed = true;
            return;
        }
        if (into->count > 0)
            memcpy(grown, into->items, into->count * sizeof *grown);
        into->items = grown;
        probe->capacity = capacity;
    }
    into->items[into->count++] = *change;
}

/* The change of fact `fact` of a subject; SIZE_MAX: of none that is there. */
static struct policy_change change_of(const struct probe *probe, enum policy_change_kind kind, size_t subject,
                                      size_t fact, uint16_t code)
{
    struct policy_change change = {
        .kind = kind, .of_household = subject == 0, .fact = SIZE_MAX, .code = code};
    if (subject > 0)
        change.person = probe->first_person + subject - 1;
    if (fact != SIZE_MAX)
        change.fact =
            subject == 0 ? probe->first_own + fact : probe->first_fact + fact - probe->original_begin[1];
    return change;
}

/* --- amounts ------------------------------------------------------------------------------------------------------ */

/* The values that every reader of the code takes for known. False when nobody reads it as an amount. */
static bool find_range(const struct probe *probe, uint16_t code, struct amount *amount)
{
    bool read = false;
    for (size_t i = 0; i < probe->program->fact_count; i++) {
        const struct program_fact *fact = &probe->program->facts[i];
        if (fact->position != code || !fact->needed || fact->kind != WORD_NONE)
            continue;
        amount->low = !read || fact->low > amount->low ? fact->low : amount->low;
        amount->high = !read || fact->high < amount->high ? fact->high : amount->high;
        read = true;
    }
    return read && amount->low < amount->high;
}

static void vary_known(struct probe *probe, const struct amount *amount, struct policy_change change)
{
    int64_t now = probe->original[amount->fact].value;
    change.kind = CHANGE_LESS;
    if (find_turn(probe, amount, now, amount->low, &change.value, &change.level))
        note(probe, &change);
    change.kind = CHANGE_MORE;
    if (find_turn(probe, amount, now, amount->high, &change.value, &change.level))
        note(probe, &change);
}

static void vary_unknown(struct probe *probe, const struct amount *amount, struct policy_change change)
{
    change.kind = CHANGE_KNOWN;
    change.value = amount->low;
    change.level = level_at(probe, amount, amount->low);
    for (int ranges = 0; ranges < WHATIF_RANGES_MAX; ranges++) {
        struct policy_change next = change;
        bool turns = change.value < amount->high &&
                     find_turn(probe, amount, change.value, amount->high, &next.value, &next.level);
        change.high = turns ? next.value - 1 : amount->high;
        if (is_spent(probe))
            return;
        if (change.level != probe->into->level)
            note(probe, &change);
        if (!turns)
            return;
        change = next;
    }
    probe->into->complete = false;
}

static void vary_amount(struct probe *probe, size_t subject, size_t fact, struct amount amount)
{
    int64_t now = probe->original[fact].value;
    struct policy_change change = change_of(probe, CHANGE_MORE, subject, fact, probe->original[fact].code);
    amount.fact = fact;
    arrange(probe, SIZE_MAX, 0, NULL);
    if (now < amount.low || now > amount.high)
        vary_unknown(probe, &amount, change);
    else
        vary_known(probe, &amount, change);
}

/* --- states ------------------------------------------------------------------------------------------------------- */

enum { VALUES_MAX = 28, CERTIFICATE_TYPES = 7, CERTIFICATE_GRADES = 4, TYPE_STEP = 10 };
/* Every value that a state or an event of this code may have. */
static size_t values_of(const struct fact_code *code, int64_t values[VALUES_MAX])
{
    size_t count = 0;
    switch (code->kind) { /* the compiler sees that every kind is here: GCOVR_EXCL_BR_LINE */
    case FACT_CHOICE:
        for (int i = 1; i <= code->choice_count; i++)
            values[count++] = i;
        break;
    case FACT_CERTIFICATE:
        for (int type = 1; type <= CERTIFICATE_TYPES; type++)
            for (int grade = 1; grade <= CERTIFICATE_GRADES; grade++)
                values[count++] = type * TYPE_STEP + grade;
        break;
    case FACT_YESNO:
    case FACT_RELIEF: /* that it holds; how much it is, is varied as an amount */
    case FACT_TEXT:
    case FACT_EVENT:
        values[count++] = 0;
        values[count++] = FACT_YES;
        break;
    case FACT_AMOUNT:
        break;
    }
    return count;
}

static const struct fact_code *code_at(const struct probe *probe, uint16_t position)
{
    return dictionary_by_number(probe->run->policy->dictionary, probe->program->codes[position]);
}

static void try_change(struct probe *probe, struct policy_change *change)
{
    change->level = evaluate(probe);
    if (change->level != probe->into->level)
        note(probe, change);
}

static void vary_state(struct probe *probe, size_t subject, size_t fact, const struct fact_code *code)
{
    int64_t values[VALUES_MAX];
    const struct policy_fact *now = &probe->original[fact];
    struct policy_change change = change_of(probe, CHANGE_GONE, subject, fact, now->code);
    arrange(probe, fact, 0, NULL);
    try_change(probe, &change);
    arrange(probe, SIZE_MAX, 0, NULL);
    change.kind = CHANGE_OTHER;
    size_t count = values_of(code, values);
    for (size_t i = 0; i < count && !is_spent(probe); i++) {
        change.value = probe->changed[fact].value = values[i];
        if (values[i] != now->value && (code->kind != FACT_RELIEF || values[i] == 0 || now->value == 0))
            try_change(probe, &change);
    }
}

/* The amount of a relief that does not hold is not asked for; one that holds without an amount is unknown. */
static bool fits_kind(const struct fact_code *code, int64_t now, struct amount *amount)
{
    if (code->kind != FACT_RELIEF)
        return true;
    if (amount->low <= FACT_YES)
        amount->low = FACT_YES + 1;
    return now != 0 && amount->low < amount->high;
}

static void vary_facts(struct probe *probe)
{
    for (size_t s = 0; s < subject_count(probe); s++)
        for (uint32_t f = probe->original_begin[s]; f < probe->original_begin[s + 1]; f++) {
            const struct fact_code *code = code_at(probe, probe->original[f].code);
            struct amount amount = {0};
            if (is_spent(probe))
                return;
            if (code->kind != FACT_AMOUNT)
                vary_state(probe, s, f, code);
            if (find_range(probe, probe->original[f].code, &amount) &&
                fits_kind(code, probe->original[f].value, &amount))
                vary_amount(probe, s, f, amount);
        }
}

/* --- states that are not there ------------------------------------------------------------------------------------ */

static bool has_now(const struct probe *probe, size_t subject, uint16_t code)
{
    for (uint32_t f = probe->original_begin[subject]; f < probe->original_begin[subject + 1]; f++) {
        const struct policy_fact *fact = &probe->original[f];
        if (fact->code == code && fact->from <= probe->run->as_of &&
            (fact->to == DAY_NONE || fact->to >= probe->run->as_of))
            return true;
    }
    return false;
}

/* The source that every reader believes before others, as far as they agree; who is to say it is not asked. */
static uint8_t believed_source(const struct program_fact *fact)
{
    int best = 0;
    for (int source = 1; source <= SOURCE_NUMBER_MAX; source++)
        if (fact->rank[source] < fact->rank[best])
            best = source;
    return (uint8_t)best;
}

static const struct program_fact *reader_of(const struct probe *probe, uint16_t code, bool of_household)
{
    for (size_t i = 0; i < probe->program->fact_count; i++) {
        const struct program_fact *fact = &probe->program->facts[i];
        if (fact->position == code && fact->needed && (of_household ? fact->of_household : fact->of_person))
            return fact;
    }
    return NULL;
}

static void add_states(struct probe *probe, size_t subject, uint16_t code)
{
    int64_t values[VALUES_MAX];
    const struct program_fact *reader = reader_of(probe, code, subject == 0);
    size_t count = reader == NULL ? 0 : values_of(code_at(probe, code), values);
    if (count == 0 || code_at(probe, code)->kind == FACT_EVENT || has_now(probe, subject, code))
        return;
    struct policy_fact added = {.from = probe->run->as_of,
                                .to = DAY_NONE,
                                .batch = UINT32_MAX,
                                .code = code,
                                .source = believed_source(reader)};
    struct policy_change change = change_of(probe, CHANGE_NEW, subject, SIZE_MAX, code);
    for (size_t i = 0; i < count && !is_spent(probe); i++) {
        change.value = added.value = values[i];
        arrange(probe, SIZE_MAX, subject, &added);
        try_change(probe, &change);
    }
}

static void add_all_states(struct probe *probe)
{
    for (size_t code = 0; code < probe->program->code_count; code++)
        for (size_t s = 0; s < subject_count(probe) && !is_spent(probe); s++)
            add_states(probe, s, (uint16_t)code);
}

/* --- setting up --------------------------------------------------------------------------------------------------- */

static bool copy_facts(struct probe *probe, const struct policy_block *block, size_t index)
{
    size_t first = block->person_begin[index], at = 0;
    probe->persons = block->person_begin[index + 1] - first;
    probe->first_person = first;
    probe->first_own = block->household_fact_begin[index];
    probe->first_fact = block->person_fact_begin[first];
    size_t own = block->household_fact_begin[index + 1] - probe->first_own;
    size_t others = block->person_fact_begin[first + probe->persons] - probe->first_fact;
    probe->facts = own + others;
    probe->original = arena_array(probe->arena, probe->facts + 1, sizeof *probe->original);
    probe->changed = arena_array(probe->arena, probe->facts + 2, sizeof *probe->changed);
    probe->original_begin = arena_array(probe->arena, probe->persons + 2, sizeof *probe->original_begin);
    probe->changed_begin = arena_array(probe->arena, probe->persons + 2, sizeof *probe->changed_begin);
    if (probe->original == NULL || probe->changed == NULL || probe->original_begin == NULL ||
        probe->changed_begin == NULL)
        return false;
    for (; at < own; at++)
        probe->original[at] = block->household_facts[probe->first_own + at];
    for (size_t i = 0; i < others; i++)
        probe->original[at++] = block->person_facts[probe->first_fact + i];
    for (size_t s = 1; s <= probe->persons + 1; s++)
        probe->original_begin[s] =
            (uint32_t)(own + (block->person_fact_begin[first + s - 1] - probe->first_fact));
    return true;
}

/* The household's facts and the persons' lie behind each other, so that one array serves both. */
static void set_block(struct probe *probe, const struct policy_block *block, size_t index)
{
    probe->person_begin[1] = (uint32_t)probe->persons;
    probe->block = (struct policy_block){
        .household_count = 1,
        .urban = block->urban + index,
        .person_begin = probe->person_begin,
        .birth = block->birth + probe->first_person,
        .traits = block->traits == NULL ? NULL : block->traits + probe->first_person,
        .household_fact_begin = probe->changed_begin,
        .household_facts = probe->changed,
        .person_fact_begin = probe->changed_begin + 1,
        .person_facts = probe->changed,
    };
}

static bool make_snapshot(struct probe *probe, struct snapshot *snapshot, size_t cells)
{
    snapshot->low = arena_array(probe->arena, cells, sizeof *snapshot->low);
    snapshot->high = arena_array(probe->arena, cells, sizeof *snapshot->high);
    snapshot->byte = arena_array(probe->arena, cells, 1);
    return snapshot->low != NULL && snapshot->high != NULL && snapshot->byte != NULL;
}

static bool set_batch(struct probe *probe)
{
    const struct program *program = probe->program;
    size_t cells = 1;
    struct batch *batch = &probe->batch;
    *batch = (struct batch){.run = probe->run, .block = &probe->block, .count = 1, .persons = probe->persons};
    batch->frame =
        frame_new(probe->arena, probe->run, PHASE_SUGGESTIONS, FRAME_FOR_EXPLANATION, 1, probe->persons);
    batch->levels = arena_alloc(probe->arena, 1);
    probe->cell = arena_array(probe->arena, program->step_count + 1, sizeof *probe->cell);
    if (batch->frame == NULL || batch->levels == NULL || probe->cell == NULL)
        return false;
    for (size_t p = 0; p < program->plan_end[PHASE_CLAUSES]; p++) {
        probe->cell[p] = cells;
        cells += rows_of(probe, &program->steps[program->plan[p]]);
    }
    return make_snapshot(probe, &probe->here, cells) && make_snapshot(probe, &probe->beside, cells);
}

enum status policy_what_would_change(const struct policy_run *run, const struct policy_block *block,
                                     size_t index, struct arena *arena, struct policy_changes *changes,
                                     struct error *err)
{
    struct probe probe = {.run = run, .program = &run->policy->program, .arena = arena, .into = changes};
    *changes = (struct policy_changes){0};
    if (run_is_large(block, index))
        return STATUS_OK;
    bool good = copy_facts(&probe, block, index);
    if (good) {
        set_block(&probe, block, index);
        good = set_batch(&probe);
    }
    if (good) {
        arrange(&probe, SIZE_MAX, 0, NULL);
        changes->level = evaluate(&probe);
        changes->complete = true;
        vary_facts(&probe);
        add_all_states(&probe);
        changes->complete = changes->complete && !is_spent(&probe);
    }
    return good && !probe.failed ? STATUS_OK
                                 : error_set(err, STATUS_FATAL, "out of memory for what would change");
}
