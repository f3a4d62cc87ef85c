/* SPDX-License-Identifier: PostgreSQL */
#include "policy/tell/disagreement.h"

#include "policy/machine/display.h"
#include "policy/machine/leaf.h"

#include <string.h>

/* Room for one more; NULL without memory. */
static struct policy_shown_disagreement *next_of(struct policy_explanation *into, struct arena *arena)
{
    size_t count = into->disagreement_count;
    if ((count & (count - 1)) == 0) { /* it was full */
        struct policy_shown_disagreement *grown =
            arena_array(arena, count == 0 ? 1 : count * 2, sizeof *grown);
        if (grown == NULL)
            return NULL;
        if (count > 0)
            memcpy(grown, into->disagreements, count * sizeof *grown);
        into->disagreements = grown;
    }
    return &into->disagreements[count];
}

/* In which the policy compares the gap, as it does with each. */
static struct unit unit_of_gap(const struct program *program, int reg)
{
    const struct comparison *comparison = program->comparisons;
    while (comparison->left.reg != reg)
        comparison++;
    return comparison->left.unit;
}

static int64_t within_int64(wide_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static bool show_code(const struct program *program, const struct step *step, const struct saying *saying,
                      enum language language, struct arena *arena, struct policy_shown_saying *shown)
{
    struct text text;
    text_init(&text);
    uint8_t code = code_of(&program->facts[step->fact], saying->latest->value);
    display_code(program, step->fact, code, language, &text);
    shown->text = text_keep(&text, arena);
    text_fini(&text);
    return shown->text != NULL;
}

static bool show_saying(const struct policy *policy, int reg, const struct saying *saying, const char *unit,
                        struct arena *arena, struct policy_shown_saying *shown)
{
    const struct step *step = &policy->program.steps[reg];
    enum word kind = policy->program.facts[step->fact].kind;
    *shown = (struct policy_shown_saying){.source = saying->source};
    shown->value = (struct policy_value){.unit = unit};
    if (kind == WORD_NONE) {
        shown->value.low = within_int64(saying->low);
        shown->value.high = within_int64(saying->high);
        return true;
    }
    shown->value.is_condition = kind == WORD_YESNO;
    shown->value.truth = saying->active ? TRI_TRUE : TRI_FALSE;
    return kind == WORD_YESNO || show_code(&policy->program, step, saying, policy->language, arena, shown);
}

bool disagreement_note(const struct batch *batch, int reg, const struct policy_fact *facts, size_t count,
                       struct policy_shown_fact subject, struct arena *arena, struct policy_explanation *into)
{
    const struct policy *policy = batch->run->policy;
    const struct step *step = &policy->program.steps[reg];
    const struct run_of_facts same = {.run = batch->run, .facts = facts, .count = count};
    struct saying sayings[RARE_SAYINGS_MAX];
    char text[UNIT_TEXT_SIZE] = "";
    size_t sources = rare_sayings(&same, step, sayings);
    if (sources < 2 || into->disagreement_count == POLICY_FACTS_PER_HOUSEHOLD_MAX)
        return true;
    if (step->op == OP_GAP)
        unit_format(unit_of_gap(&policy->program, reg), policy->language, text);
    struct policy_shown_disagreement *shown = next_of(into, arena);
    const char *unit = arena_strdup(arena, text);
    struct policy_shown_saying *items = arena_array(arena, sources, sizeof *items);
    if (shown == NULL || unit == NULL || items == NULL)
        return false;
    *shown = (struct policy_shown_disagreement){
        .of_household = subject.of_household,
        .person = subject.person,
        .name = policy->program.facts[step->fact].name,
        .window = step->window < 0 ? "" : policy->program.windows[step->window].name,
        .code = facts[0].code,
        .clauses = step->clauses,
        .count = sources,
        .sayings = items,
    };
    size_t row = subject.of_household ? 0 : subject.person - batch->first_person;
    shown->gap = (struct policy_value){.is_condition = step->op == OP_DISAGREE, .unit = unit};
    if (shown->gap.is_condition) {
        shown->gap.truth = batch->frame->columns[reg].byte[row] == SETTLED_TRUE ? TRI_TRUE : TRI_FALSE;
    } else {
        struct interval gap = display_side(batch->frame, reg, 0, row);
        shown->gap.low = gap.low;
        shown->gap.high = gap.high;
    }
    bool good = true;
    for (size_t i = 0; i < sources && good; i++)
        good = show_saying(policy, reg, &sayings[i], unit, arena, &items[i]);
    into->disagreement_count += good;
    return good;
}
