/* SPDX-License-Identifier: PostgreSQL */
#include "round/simulate_amounts.h"

#include "round/gather.h"
#include "round/standing.h"

#include <stdlib.h>
#include <string.h>

enum {
    AMOUNTS_CHUNK = 8192, /* households gathered at a time */
    AMOUNTS_HOUSEHOLD_BYTES =
        64 << 20, /* one explanation; the largest real ones take some hundred kilobytes */
    AMOUNTS_MAX = 2 * POLICY_CLAUSES_MAX * 8, /* clauses of both policies, with several lines each */
};

struct summing {
    struct load load; /* as the policy of this side sees it */
    struct standing standing;
    const struct judge_side *side;
    size_t which; /* 0 in force, 1 the other */
    struct policy_run *run;
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

static enum status sum_clause(struct summing *s, const struct policy_shown_clause *clause, struct error *err)
{
    const char *rule = policy_clause_at(s->side->policy, clause->clause)->name;
    for (size_t i = 0; i < clause->amount_count; i++) {
        const struct policy_value *value = &clause->amounts[i].value;
        struct simulation_amount *sum = find_sum(s, rule, &clause->amounts[i]);
        if (sum == NULL)
            return no_memory(err);
        struct simulation_sum *part = &sum->parts[s->which];
        part->households++;
        part->low = add(part->low, value->low);
        part->high = add(part->high, value->high);
    }
    return STATUS_OK;
}

static enum status sum_household(struct summing *s, const struct gather *gather, uint32_t position,
                                 struct arena *arena, struct error *err)
{
    struct dossier dossier;
    struct policy_explanation explanation;
    enum status status = gather_dossier(gather, position, arena, &dossier, err);
    if (status == STATUS_OK)
        status = policy_explain(s->run, &dossier.block, 0, arena, &explanation, err);
    for (size_t i = 0; status == STATUS_OK && i < explanation.clause_count; i++)
        status = sum_clause(s, &explanation.clauses[i], err);
    return status;
}

static enum status sum_chunk(struct summing *s, const uint32_t *positions, size_t count, struct error *err)
{
    struct gather gather;
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return no_memory(err);
    enum status status = gather_chunk(&gather, &s->load, &s->standing, positions, count, arena, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct arena *own = arena_new(AMOUNTS_HOUSEHOLD_BYTES);
        status = own == NULL ? no_memory(err) : sum_household(s, &gather, positions[i], own, err);
        arena_free(own);
    }
    arena_free(arena);
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

static enum status sum_side(struct summing *s, int64_t township, const atomic_bool *cancel, struct error *err)
{
    uint64_t mask = clauses_with_amounts(s->side->policy);
    uint32_t positions[AMOUNTS_CHUNK];
    size_t waiting = 0, count = s->load.households.count;
    enum status status = STATUS_OK;
    if (mask == 0)
        return STATUS_OK;
    for (size_t h = 0; h < count && status == STATUS_OK; h++) {
        bool counts = (s->side->outcomes[h].fired & mask) != 0 &&
                      (township == 0 || s->load.households.township[h] == township);
        if (counts)
            positions[waiting++] = (uint32_t)h;
        if (waiting == AMOUNTS_CHUNK) {
            status = sum_chunk(s, positions, waiting, err);
            waiting = 0;
        }
        if (status == STATUS_OK && cancel != NULL && atomic_load(cancel))
            status = error_set(err, STATUS_RETRY, "the simulation was cancelled");
    }
    return status == STATUS_OK && waiting > 0 ? sum_chunk(s, positions, waiting, err) : status;
}

enum status simulate_amounts(const struct load *load, const struct judge_side sides[LOAD_POLICIES_MAX],
                             day_t as_of, int64_t township, const atomic_bool *cancel, struct arena *arena,
                             struct simulation *simulation, struct error *err)
{
    struct summing s = {.load = *load, .arena = arena};
    enum status status = STATUS_OK;
    s.standing = (struct standing){.register_count = load->households.count, .count = load->households.count};
    s.sums = arena_array(arena, AMOUNTS_MAX, sizeof *s.sums);
    if (s.sums == NULL)
        return no_memory(err);
    for (size_t i = 0; i < LOAD_POLICIES_MAX && status == STATUS_OK; i++) {
        s.side = &sides[i];
        s.which = i;
        s.load.policy = sides[i].policy;
        s.run = NULL;
        status = policy_run_new(sides[i].policy, as_of, &s.run, err);
        if (status == STATUS_OK)
            status = sum_side(&s, township, cancel, err);
        policy_run_free(s.run);
    }
    simulation->has_amounts = true;
    simulation->amounts = s.sums;
    simulation->amount_count = s.count;
    return status;
}
