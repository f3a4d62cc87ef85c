/* SPDX-License-Identifier: PostgreSQL */
#include "round/simulate_reasons.h"

#include "round/simulate_explain.h"

_Static_assert((int)SIMULATION_BLOCK <= (int)SIMULATE_EXPLAIN_MAX, "a block is explained at once");

/* One block. */
struct telling {
    const struct judge_side *sides;
    struct arena *arena;
    struct simulation_told *told;
};

static enum status no_memory(size_t count, struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for the reasons of %zu households", count);
}

static bool is_told(const struct policy *policy, const struct policy_shown_clause *clause)
{
    return policy_clause_at(policy, clause->clause)->kind != CLAUSE_TAG &&
           (clause->truth == TRI_TRUE || clause->undecided_with_evidence);
}

static bool copy_amounts(const struct policy_shown_clause *clause, struct arena *arena,
                         struct simulation_reason *reason)
{
    struct policy_shown_amount *amounts = arena_array(arena, clause->amount_count, sizeof *amounts);
    reason->amount_count = clause->amount_count;
    reason->amounts = amounts;
    for (size_t i = 0; amounts != NULL && i < clause->amount_count; i++) {
        amounts[i] = clause->amounts[i];
        amounts[i].title = arena_strdup(arena, clause->amounts[i].title);
        amounts[i].citation = arena_strdup(arena, clause->amounts[i].citation);
        amounts[i].value.unit = arena_strdup(arena, clause->amounts[i].value.unit);
        if (amounts[i].title == NULL || amounts[i].citation == NULL || amounts[i].value.unit == NULL)
            return false;
    }
    return amounts != NULL;
}

static enum status tell_household(void *context, size_t index, size_t side,
                                  const struct policy_explanation *explanation, struct error *err)
{
    const struct telling *t = context;
    const struct policy *policy = t->sides[side].policy;
    size_t count = 0;
    for (size_t i = 0; i < explanation->clause_count; i++)
        count += is_told(policy, &explanation->clauses[i]) ? 1 : 0;
    struct simulation_reason *reasons = arena_array(t->arena, count, sizeof *reasons);
    if (reasons == NULL)
        return no_memory(index, err);
    count = 0;
    for (size_t i = 0; i < explanation->clause_count; i++) {
        const struct policy_shown_clause *clause = &explanation->clauses[i];
        if (!is_told(policy, clause))
            continue;
        struct simulation_reason *reason = &reasons[count++];
        reason->clause = clause->clause;
        reason->text = arena_strdup(t->arena, clause->reason);
        if (reason->text == NULL || !copy_amounts(clause, t->arena, reason))
            return no_memory(index, err);
    }
    t->told[index].sides[side].count = count;
    t->told[index].sides[side].reasons = reasons;
    return STATUS_OK;
}

enum status simulate_reasons_tell(void *teller, const struct simulation_move *moves, size_t count,
                                  const struct simulation_told **told, struct error *err)
{
    struct simulate_reasons *reasons = teller;
    arena_free(reasons->arena);
    reasons->arena = arena_new(0);
    if (reasons->arena == NULL)
        return no_memory(count, err);
    struct simulation_told *made = arena_array(reasons->arena, count, sizeof *made);
    uint32_t *positions = arena_array(reasons->arena, count, sizeof *positions);
    if (made == NULL || positions == NULL)
        return no_memory(count, err);
    for (size_t i = 0; i < count; i++)
        positions[i] = moves[i].position;
    struct simulate_explainer explainer;
    struct telling telling = {reasons->sides, reasons->arena, made};
    enum status status = simulate_explainer_open(&explainer, reasons->load, reasons->sides, reasons->as_of,
                                                 reasons->cancel, err);
    if (status == STATUS_OK)
        status = simulate_explain(&explainer, positions, count, NULL, tell_household, &telling, err);
    simulate_explainer_close(&explainer);
    *told = made;
    return status;
}

void simulate_reasons_fini(struct simulate_reasons *reasons)
{
    arena_free(reasons->arena);
    reasons->arena = NULL;
}
