/* SPDX-License-Identifier: PostgreSQL */
/*
 * One household explained: the same steps as in the hot path, in a frame that keeps every register, and read off.
 *
 * Shown values are rounded toward zero; distances away from zero, so that what is not on the line never shows as 0.00.
 */
#include "policy/compile/amount.h"
#include "policy/compile/gradual.h"
#include "policy/machine/display.h"
#include "policy/machine/machine.h"
#include "policy/machine/version.h"
#include "policy/tell/disagreement.h"

struct explainer {
    const struct policy_run *run;
    const struct program *program;
    const struct policy_block *block;
    struct batch batch;
    const struct frame *frame;
    struct arena *arena;
    struct policy_explanation *into;
    bool failed; /* memory has run out */
};

static void *explainer_array(struct explainer *explainer, size_t count, size_t size)
{
    void *memory = arena_array(explainer->arena, count + 1, size);
    if (memory == NULL)
        explainer->failed = true;
    return memory;
}

static const char *keep(struct explainer *explainer, struct text *text)
{
    const char *copy = text_keep(text, explainer->arena);
    if (copy == NULL)
        explainer->failed = true;
    text_fini(text);
    return copy == NULL ? "" : copy;
}

static enum tri tri_of(uint8_t byte)
{
    return byte == SETTLED_TRUE ? TRI_TRUE : byte == SETTLED_FALSE ? TRI_FALSE : TRI_UNDECIDED;
}

static uint8_t byte_at(const struct explainer *explainer, int reg, size_t row)
{
    return explainer->frame->columns[reg].byte[row];
}

static struct policy_value condition_value(enum tri truth)
{
    return (struct policy_value){.is_condition = true, .truth = truth, .unit = ""};
}

static struct policy_value show_quantity(struct explainer *explainer, const struct quantity *quantity,
                                         size_t row)
{
    struct policy_value value =
        display_quantity(explainer->frame, quantity, row, explainer->run->policy->language, explainer->arena);
    if (value.unit == NULL) {
        explainer->failed = true;
        value.unit = "";
    }
    return value;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void show_comparison(struct explainer *explainer, const struct comparison *comparison, size_t row,
                            struct policy_shown_conjunct *shown)
{
    const struct frame *frame = explainer->frame;
    struct interval left = display_side(frame, comparison->left_reg, comparison->left_constant, row);
    struct interval right = display_side(frame, comparison->right_reg, comparison->right_constant, row);
    struct interval distance = display_distance(frame, comparison, left, right, row);
    shown->has_distance = true;
    shown->left = show_quantity(explainer, &comparison->left, row);
    shown->right = show_quantity(explainer, &comparison->right, row);
    shown->distance_low = distance.low;
    shown->distance_high = distance.high;
}

/* A comparison of the household read about a person stands in the household's row. */
static size_t comparison_row(const struct comparison *comparison, size_t row)
{
    return comparison->domain == DOMAIN_HOUSEHOLD ? 0 : row;
}

static struct policy_shown_conjunct *show_lines(struct explainer *explainer, const struct program_line *lines,
                                                size_t count, size_t row)
{
    struct policy_shown_conjunct *shown = explainer_array(explainer, count, sizeof *shown);
    for (size_t i = 0; i < count && shown != NULL; i++) {
        const struct program_line *line = &lines[i];
        shown[i] = (struct policy_shown_conjunct){.text = line->text,
                                                  .guard = line->guard,
                                                  .evidence = line->evidence,
                                                  .truth = tri_of(byte_at(explainer, line->reg, row))};
        const struct comparison *comparison =
            line->comparison < 0 ? NULL : &explainer->program->comparisons[line->comparison];
        if (comparison != NULL && comparison->left.unit.exponent[UNIT_YUAN] == 1) {
            show_comparison(explainer, comparison, comparison_row(comparison, row), &shown[i]);
        }
    }
    return shown;
}

/* --- clauses ------------------------------------------------------------------------------------------------------ */

static enum tri and_of(enum tri a, enum tri b)
{
    if (a == TRI_FALSE || b == TRI_FALSE)
        return TRI_FALSE;
    return a == TRI_TRUE && b == TRI_TRUE ? TRI_TRUE : TRI_UNDECIDED;
}

static void show_members(struct explainer *explainer, const struct program_clause *clause,
                         struct policy_shown_clause *shown)
{
    size_t most = explainer->batch.persons < POLICY_PERSONS_PER_HOUSEHOLD_MAX
                      ? explainer->batch.persons
                      : POLICY_PERSONS_PER_HOUSEHOLD_MAX;
    shown->members = explainer_array(explainer, most, sizeof *shown->members);
    bool hit = false; /* somebody for whom it fired is among those shown */
    for (size_t row = 0; row < explainer->batch.persons && shown->members != NULL; row++) {
        enum tri truth = tri_of(byte_at(explainer, clause->some, row));
        for (size_t i = 0; i < clause->some_line_count; i++)
            truth = and_of(truth, tri_of(byte_at(explainer, clause->some_lines[i].reg, row)));
        if (tri_of(byte_at(explainer, clause->some, row)) == TRI_FALSE)
            continue;
        if (shown->member_count == most) { /* of many those for whom it did not fire are left out first */
            if (hit || truth != TRI_TRUE)
                continue;
            shown->member_count--;
        }
        hit = hit || truth == TRI_TRUE;
        struct policy_shown_member *member = &shown->members[shown->member_count++];
        *member = (struct policy_shown_member){.person = explainer->batch.first_person + row,
                                               .truth = truth,
                                               .conjunct_count = clause->some_line_count};
        member->conjuncts = show_lines(explainer, clause->some_lines, clause->some_line_count, row);
    }
}

/* A clause that is not in force may read what has no value on the date: nothing is told of its lines. */
static bool lines_absent(const struct explainer *explainer, const struct program_clause *clause)
{
    const bool *absent = explainer->run->absent;
    bool found = clause->some >= 0 && absent[clause->some];
    for (size_t i = 0; i < clause->line_count; i++)
        found = found || absent[clause->lines[i].reg];
    for (size_t i = 0; i < clause->some_line_count; i++)
        found = found || absent[clause->some_lines[i].reg];
    return found;
}

static bool quantity_absent(const struct explainer *explainer, const struct quantity *quantity)
{
    const bool *absent = explainer->run->absent;
    bool found = !quantity->constant && absent[quantity->reg];
    for (int i = 0; i < quantity->divisor_count; i++)
        found = found || absent[quantity->divisors[i]];
    return found;
}

static const char *cause_of(const struct explainer *explainer, const struct program_clause *clause)
{
    for (size_t i = 0; i < clause->cause_count; i++) {
        if (clause->causes[i].reg >= 0 && explainer->run->absent[clause->causes[i].reg])
            return "";
        if (clause->causes[i].reg < 0 || byte_at(explainer, clause->causes[i].reg, 0) == SETTLED_TRUE)
            return clause->causes[i].cause;
    }
    return "";
}

/* A reason is worded for a clause that fired. One of a clause that merely stands, or is to be verified, must not claim as much. */
static const char *qualifier(enum tri truth, enum language language)
{
    bool chinese = language == LANGUAGE_CHINESE;
    switch (truth) {
    case TRI_UNDECIDED:
        return chinese ? "待核实:" : "To verify: ";
    case TRI_FALSE:
        return chinese ? "按现有数据不成立:" : "Not so by what is known now: ";
    default:
        return "";
    }
}

static const char *reason_of(struct explainer *explainer, const struct program_clause *clause, enum tri truth)
{
    struct text text;
    text_init(&text);
    if (clause->piece_count > 0)
        text_add_str(&text, qualifier(truth, explainer->run->policy->language));
    for (size_t i = 0; i < clause->piece_count; i++) {
        const struct reason_piece *piece = &clause->pieces[i];
        if (piece->text == NULL && !piece->is_code && quantity_absent(explainer, &piece->quantity)) {
            text_fini(&text);
            return "";
        }
        if (piece->text != NULL)
            text_add_str(&text, piece->text);
        else if (piece->is_code)
            display_code(explainer->program, piece->fact, byte_at(explainer, piece->reg, 0),
                         explainer->run->policy->language, &text);
        else
            display_amount(explainer->frame, &piece->quantity, 0, explainer->run->policy->language, &text);
    }
    return keep(explainer, &text);
}

/* The last comparison of amounts among the lines, when both sides are known. */
static void take_distance(struct policy_shown_clause *clause, const struct policy_shown_conjunct *conjuncts,
                          size_t count)
{
    for (size_t i = 0; i < count && conjuncts != NULL; i++) {
        if (!conjuncts[i].has_distance || conjuncts[i].guard)
            continue;
        clause->has_distance = conjuncts[i].distance_low == conjuncts[i].distance_high;
        clause->distance_fen = clause->has_distance ? conjuncts[i].distance_low : 0;
    }
}

/* That of the household's lines; of the first person for whom the clause fired; of the first person. */
static void find_distance(struct policy_shown_clause *clause)
{
    const struct policy_shown_member *chosen = clause->member_count > 0 ? &clause->members[0] : NULL;
    for (size_t i = clause->member_count; i-- > 0;) {
        if (clause->members[i].truth == TRI_TRUE)
            chosen = &clause->members[i];
    }
    take_distance(clause, clause->conjuncts, clause->conjunct_count);
    if (chosen != NULL)
        take_distance(clause, chosen->conjuncts, chosen->conjunct_count);
}

static bool clause_exists(const struct explainer *explainer, size_t index,
                          const struct policy_shown_clause *shown)
{
    const struct program_clause *clause = &explainer->program->clauses[index];
    bool empty = explainer->frame->columns[explainer->program->members].high[0] == 0;
    if ((explainer->run->in_force >> index & 1) == 0 || (empty && !clause->even_empty))
        return false;
    for (size_t i = 0; i < shown->conjunct_count && shown->conjuncts != NULL; i++) {
        if (shown->conjuncts[i].guard && shown->conjuncts[i].truth == TRI_FALSE)
            return false;
    }
    return true;
}

static void show_clause(struct explainer *explainer, size_t index, struct policy_shown_clause *shown)
{
    const struct program_clause *clause = &explainer->program->clauses[index];
    const struct policy_outcome *outcome = &explainer->into->outcome;
    uint64_t bit = UINT64_C(1) << index;
    enum tri truth = (outcome->fired & bit) != 0    ? TRI_TRUE
                     : (outcome->denied & bit) != 0 ? TRI_FALSE
                                                    : TRI_UNDECIDED;
    *shown = (struct policy_shown_clause){
        .clause = index,
        .truth = truth,
        .superseded =
            version_on(explainer->program, clause->statement->name, explainer->run->as_of) != (int)index,
        .undecided_with_evidence = (outcome->undecided & bit) != 0,
        .cause = cause_of(explainer, clause),
        .reason = reason_of(explainer, clause, truth),
        .conjunct_count = clause->line_count,
        .valid_until = DAY_NONE,
    };
    if (lines_absent(explainer, clause)) {
        shown->conjunct_count = 0;
        return;
    }
    shown->conjuncts = show_lines(explainer, clause->lines, clause->line_count, 0);
    shown->exists = clause_exists(explainer, index, shown);
    if (clause->some >= 0)
        show_members(explainer, clause, shown);
    find_distance(shown);
    if (shown->truth == TRI_TRUE && clause->shown.valid_months > 0)
        shown->valid_until = civil_add_months(explainer->run->as_of, clause->shown.valid_months);
    if (shown->truth == TRI_TRUE && clause->amount_count > 0 &&
        !amount_show(explainer->frame, clause, explainer->run->policy->language, explainer->arena, shown))
        explainer->failed = true;
}

static void show_clauses(struct explainer *explainer)
{
    struct policy_explanation *into = explainer->into;
    into->clause_count = explainer->program->clause_count;
    into->clauses = explainer_array(explainer, into->clause_count, sizeof *into->clauses);
    for (size_t i = 0; i < into->clause_count && into->clauses != NULL; i++)
        show_clause(explainer, i, &into->clauses[i]);
}

/* --- definitions -------------------------------------------------------------------------------------------------- */

/* Room for the facts of any subject of the household. */
static uint8_t *use_marks(struct explainer *explainer)
{
    const struct policy_block *block = explainer->block;
    size_t household = explainer->batch.first, first = explainer->batch.first_person;
    size_t own = block->household_fact_begin[household + 1] - block->household_fact_begin[household];
    size_t persons =
        block->person_fact_begin[first + explainer->batch.persons] - block->person_fact_begin[first];
    return explainer_array(explainer, own + persons, 1);
}

static void show_until(struct explainer *explainer, const struct program_gradual *gradual,
                       struct policy_shown_definition *shown)
{
    shown->until = DAY_NONE;
    shown->gradual = gradual != NULL;
    uint8_t *used = gradual == NULL ? NULL : use_marks(explainer);
    if (used != NULL)
        shown->until = gradual_until(gradual, &explainer->batch, used);
}

static void show_definitions(struct explainer *explainer)
{
    struct policy_explanation *into = explainer->into;
    const struct program *program = explainer->program;
    into->definitions = explainer_array(explainer, program->definition_count, sizeof *into->definitions);
    for (size_t i = 0; i < program->definition_count && into->definitions != NULL; i++) {
        const struct program_definition *definition = &program->definitions[i];
        if (definition->is_condition ? explainer->run->absent[definition->reg]
                                     : quantity_absent(explainer, &definition->quantity))
            continue;
        struct policy_shown_definition *shown = &into->definitions[into->definition_count++];
        shown->name = definition->name;
        if (definition->is_condition)
            shown->value = condition_value(tri_of(byte_at(explainer, definition->reg, 0)));
        else
            shown->value = show_quantity(explainer, &definition->quantity, 0);
        show_until(explainer, definition->gradual, shown);
    }
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

/* Which clauses read these facts, all of one subject and code, by all leaves of the code. */
static void show_code(struct explainer *explainer, enum domain domain, const struct policy_fact *facts,
                      size_t count, uint8_t *used, struct policy_shown_fact *shown)
{
    const struct leaf_table *tables[] = {&explainer->frame->leaves[domain], &explainer->frame->rare[domain]};
    uint16_t code = facts[0].code;
    if (code >= explainer->program->code_count)
        return;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (uint32_t l = tables[t]->begin[code]; l < tables[t]->begin[code + 1]; l++) {
            int reg = tables[t]->leaves[l].step;
            const struct step *step = &explainer->program->steps[reg];
            if (disagreement_asked(step) && !disagreement_note(&explainer->batch, reg, facts, count, shown[0],
                                                               explainer->arena, explainer->into))
                explainer->failed = true;
            extract_uses(explainer->run, step, facts, count, used);
            for (size_t i = 0; i < count; i++) {
                shown[i].used = shown[i].used || used[i];
                shown[i].clauses |= used[i] ? step->clauses : 0;
            }
        }
    }
}

/* Of a large household what is not used is left out, and what is too much. */
static void drop_facts(struct explainer *explainer, size_t begin)
{
    struct policy_explanation *into = explainer->into;
    size_t kept = begin;
    if (!explainer->batch.large)
        return;
    for (size_t i = begin; i < into->fact_count && kept < POLICY_FACTS_PER_HOUSEHOLD_MAX; i++)
        if (into->facts[i].used)
            into->facts[kept++] = into->facts[i];
    into->fact_count = kept;
}

static void show_subject(struct explainer *explainer, bool of_household, size_t person, uint32_t begin,
                         uint32_t end, uint8_t *used)
{
    struct policy_explanation *into = explainer->into;
    const struct policy_fact *facts =
        of_household ? explainer->block->household_facts : explainer->block->person_facts;
    size_t before = into->fact_count;
    for (uint32_t i = begin, next; i < end; i = next) {
        struct policy_shown_fact *shown = &into->facts[into->fact_count];
        for (next = i; next < end && facts[next].code == facts[i].code; next++)
            into->facts[into->fact_count++] =
                (struct policy_shown_fact){.of_household = of_household, .person = person, .fact = next};
        show_code(explainer, of_household ? DOMAIN_HOUSEHOLD : DOMAIN_PERSON, facts + i, next - i, used,
                  shown);
    }
    drop_facts(explainer, before);
}

static void show_facts(struct explainer *explainer)
{
    const struct policy_block *block = explainer->block;
    size_t household = explainer->batch.first, first = explainer->batch.first_person,
           end = first + explainer->batch.persons;
    uint32_t own_begin = block->household_fact_begin[household],
             own_end = block->household_fact_begin[household + 1];
    size_t count = own_end - own_begin + (block->person_fact_begin[end] - block->person_fact_begin[first]);
    explainer->into->facts = explainer_array(explainer, count, sizeof *explainer->into->facts);
    uint8_t *used = explainer_array(explainer, count, 1);
    if (explainer->into->facts == NULL || used == NULL)
        return;
    show_subject(explainer, true, 0, own_begin, own_end, used);
    for (size_t person = first; person < end; person++)
        show_subject(explainer, false, person, block->person_fact_begin[person],
                     block->person_fact_begin[person + 1], used);
}

enum status policy_explain(struct policy_run *run, const struct policy_block *block, size_t index,
                           struct arena *arena, struct policy_explanation *explanation, struct error *err)
{
    *explanation = (struct policy_explanation){0};
    struct explainer explainer = {
        .run = run, .program = &run->policy->program, .block = block, .arena = arena, .into = explanation};
    enum status status = run_household(run, block, index, PHASE_EXPLANATION, arena, &explainer.batch,
                                       &explanation->outcome, err);
    if (status != STATUS_OK)
        return status;
    explainer.frame = explainer.batch.frame;
    show_definitions(&explainer);
    show_clauses(&explainer);
    show_facts(&explainer);
    return explainer.failed ? error_set(err, STATUS_FATAL, "out of memory while explaining a household")
                            : STATUS_OK;
}
