/* SPDX-License-Identifier: PostgreSQL */
/* What a compiled policy tells about itself. */
#include "policy/machine/version.h"

static const struct {
    const char *name, *chinese;
} levels[] = {
    [LEVEL_NONE] = {"none", "无预警"},       [LEVEL_VERIFY] = {"verify", "待核"},
    [LEVEL_YELLOW] = {"yellow", "黄色预警"}, [LEVEL_ORANGE] = {"orange", "橙色预警"},
    [LEVEL_RED] = {"red", "红色预警"},
};

const char *policy_level_name(enum policy_level level)
{
    return levels[level].name;
}

const char *policy_level_chinese(enum policy_level level)
{
    return levels[level].chinese;
}

const char *policy_clause_kind_name(enum policy_clause_kind kind)
{
    static const char *const names[POLICY_CLAUSE_KINDS] = {[CLAUSE_COLOUR] = "colour",
                                                           [CLAUSE_VERIFY] = "verify",
                                                           [CLAUSE_CHECK] = "check",
                                                           [CLAUSE_SUGGESTION] = "suggestion",
                                                           [CLAUSE_TAG] = "tag"};
    return names[kind];
}

bool policy_level_parse(struct slice text, enum policy_level *level)
{
    for (int i = LEVEL_NONE; i <= LEVEL_RED; i++) {
        if (slice_is(text, levels[i].name)) {
            *level = (enum policy_level)i;
            return true;
        }
    }
    return false;
}

const char *policy_name(const struct policy *policy)
{
    return policy->name;
}

const char *policy_version(const struct policy *policy)
{
    return policy->version;
}

const struct policy_diagnostics *policy_warnings(const struct policy *policy)
{
    return &policy->warnings;
}

const char *policy_text(const struct policy *policy, size_t *length)
{
    *length = policy->text_length;
    return policy->text;
}

size_t policy_trial_count(const struct policy *policy)
{
    return policy->trial_count;
}

const char *policy_trial_name(const struct policy *policy, size_t index)
{
    return policy->trials[index];
}

const char *policy_trial(const struct policy *policy)
{
    return policy->trial;
}

size_t policy_clause_count(const struct policy *policy)
{
    return policy->program.clause_count;
}

const struct policy_clause *policy_clause_at(const struct policy *policy, size_t index)
{
    return &policy->program.clauses[index].shown;
}

size_t policy_clause_amount_count(const struct policy *policy, size_t index)
{
    return policy->program.clauses[index].amount_count;
}

int policy_clause_on(const struct policy *policy, const char *name, day_t day)
{
    return version_on(&policy->program, slice_of(name), day);
}

size_t policy_source_count(const struct policy *policy)
{
    return policy->source_count;
}

const struct policy_source *policy_source_at(const struct policy *policy, size_t index)
{
    return &policy->sources[index];
}

const int16_t *policy_codes(const struct policy *policy, size_t *count)
{
    *count = policy->program.code_count;
    return policy->program.codes;
}

bool policy_names_source(const struct policy *policy, int code, int source)
{
    const struct program *program = &policy->program;
    for (size_t i = 0; i < program->fact_count; i++) {
        if (program->facts[i].code->number == code && program->facts[i].named[source])
            return true;
    }
    return false;
}

bool policy_reads_traits(const struct policy *policy)
{
    for (size_t i = 0; i < policy->program.step_count; i++) {
        if (policy->program.steps[i].op == OP_TRAIT)
            return true;
    }
    return false;
}

size_t policy_statistic_count(const struct policy *policy)
{
    return policy->program.statistic_count;
}

const char *policy_statistic_name(const struct policy *policy, size_t index)
{
    return policy->program.statistic_names[index];
}

/* Joining a line to its clause is one step more for each row. */
static void cost_of_clauses(const struct program *program, struct policy_cost *cost)
{
    for (size_t i = 0; i < program->clause_count; i++) {
        const struct program_clause *clause = &program->clauses[i];
        cost->household_steps += clause->line_count + 1;
        cost->person_steps += clause->some_line_count + (clause->some >= 0);
    }
}

struct policy_cost policy_cost(const struct policy *policy)
{
    const struct program *program = &policy->program;
    struct policy_cost cost = {0};
    size_t most[DOMAIN_COUNT][PROGRAM_FACTS_MAX] = {{0}};
    for (size_t p = 0; p < program->plan_end[PHASE_SUGGESTIONS]; p++) {
        const struct step *step = &program->steps[program->plan[p]];
        bool gathers = step->op >= OP_SUM; /* one row of a household from all its persons */
        cost.columns += step->kind == REGISTER_QUANTITY ? 2 : 1;
        cost.household_steps += step->domain == DOMAIN_HOUSEHOLD;
        cost.person_steps += step->domain == DOMAIN_PERSON || gathers;
        if (step->fact >= 0) {
            size_t *leaves = &most[step->domain][program->facts[step->fact].position];
            *leaves += 1;
            cost.fact_steps = *leaves > cost.fact_steps ? *leaves : cost.fact_steps;
        }
    }
    cost_of_clauses(program, &cost);
    cost.worst_household = cost.household_steps + cost.person_steps * POLICY_PERSONS_PER_HOUSEHOLD_MAX +
                           cost.fact_steps * POLICY_FACTS_PER_HOUSEHOLD_MAX;
    return cost;
}
