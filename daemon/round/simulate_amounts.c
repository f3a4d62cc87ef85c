/* SPDX-License-Identifier: PostgreSQL */
#include "round/simulate_amounts.h"

#include "round/simulate_explain.h"

#include <string.h>

_Static_assert(LOAD_POLICIES_MAX == 2, "the policy in force, and the other");

enum {
    AMOUNTS_MAX = 2 * POLICY_CLAUSES_MAX * 8, /* clauses of both policies, with several lines each */
};

struct summing {
    struct simulate_explainer explainer;
    struct arena *arena;
    struct simulation_amount *sums;
    size_t count;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for the amounts of suggestions");
}

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum; /* never below zero */
}

/* The sum of that clause, title and unit; NULL without room. */
static struct simulation_amount *find_sum(struct summing *s, const char *rule,
                                          const struct policy_shown_amount *amount)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->sums[i].rule, rule) == 0 && strcmp(s->sums[i].title, amount->title) == 0 &&
            strcmp(s->sums[i].unit, amount->value.unit) == 0)
            return &s->sums[i];
    if (s->count == AMOUNTS_MAX)
        return NULL;
    struct simulation_amount made = {.rule = arena_strdup(s->arena, rule),
                                     .title = arena_strdup(s->arena, amount->title),
                                     .unit = arena_strdup(s->arena, amount->value.unit)};
    if (made.rule == NULL || made.title == NULL || made.unit == NULL)
        return NULL;
    s->sums[s->count] = made;
    return &s->sums[s->count++];
}

static enum status sum_clause(struct summing *s, size_t side, const struct policy_shown_clause *clause,
                              struct error *err)
{
    const char *rule = policy_clause_at(s->explainer.sides[side].policy, clause->clause)->name;
    for (size_t i = 0; i < clause->amount_count; i++) {
        const struct policy_value *value = &clause->amounts[i].value;
        struct simulation_amount *sum = find_sum(s, rule, &clause->amounts[i]);
        if (sum == NULL)
            return no_memory(err);
        struct simulation_sum *part = &sum->parts[side];
        part->households++;
        part->low = add(part->low, value->low);
        part->high = add(part->high, value->high);
    }
    return STATUS_OK;
}

static enum status sum_household(void *context, size_t index, size_t side,
                                 const struct policy_explanation *explanation, struct error *err)
{
    enum status status = STATUS_OK;
    (void)index;
    for (size_t i = 0; status == STATUS_OK && i < explanation->clause_count; i++)
        status = sum_clause(context, side, &explanation->clauses[i], err);
    return status;
}

static uint64_t clauses_with_amounts(const struct policy *policy)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < policy_clause_count(policy); i++)
        if (policy_clause_amount_count(policy, i) > 0)
            mask |= UINT64_C(1) << i;
    return mask;
}

static enum status sum_all(struct summing *s, const struct load *load, int64_t township, struct error *err)
{
    const struct judge_side *sides = s->explainer.sides;
    const uint64_t only[LOAD_POLICIES_MAX] = {clauses_with_amounts(sides[0].policy),
                                              clauses_with_amounts(sides[1].policy)};
    uint32_t positions[SIMULATE_EXPLAIN_MAX];
    size_t waiting = 0, count = (only[0] | only[1]) == 0 ? 0 : load->households.count;
    enum status status = STATUS_OK;
    for (size_t h = 0; h < count && status == STATUS_OK; h++) {
        bool fires = ((sides[0].outcomes[h].fired & only[0]) | (sides[1].outcomes[h].fired & only[1])) != 0;
        if (fires && (township == 0 || load->households.township[h] == township))
            positions[waiting++] = (uint32_t)h;
        if (waiting < SIMULATE_EXPLAIN_MAX)
            continue;
        status = simulate_explain(&s->explainer, positions, waiting, only, sum_household, s, err);
        waiting = 0;
    }
    return status == STATUS_OK
               ? simulate_explain(&s->explainer, positions, waiting, only, sum_household, s, err)
               : status;
}

enum status simulate_amounts(const struct load *load, const struct judge_side sides[LOAD_POLICIES_MAX],
                             day_t as_of, int64_t township, const atomic_bool *cancel, struct arena *arena,
                             struct simulation *simulation, struct error *err)
{
    struct summing s = {.arena = arena};
    s.sums = arena_array(arena, AMOUNTS_MAX, sizeof *s.sums);
    if (s.sums == NULL)
        return no_memory(err);
    enum status status = simulate_explainer_open(&s.explainer, load, sides, as_of, cancel, err);
    if (status == STATUS_OK)
        status = sum_all(&s, load, township, err);
    simulate_explainer_close(&s.explainer);
    simulation->amounts = s.sums;
    simulation->amount_count = s.count;
    return status;
}
