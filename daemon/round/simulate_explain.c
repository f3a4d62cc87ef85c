/* SPDX-License-Identifier: PostgreSQL */
#include "round/simulate_explain.h"

#include "base/arena.h"
#include "round/gather.h"

enum {
    /* One explanation; the largest real ones take some hundred kilobytes. */
    EXPLAIN_HOUSEHOLD_BYTES = 64 << 20,
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory to explain a simulation's households");
}

enum status simulate_explainer_open(struct simulate_explainer *explainer, const struct load *load,
                                    const struct judge_side *side, day_t as_of, const atomic_bool *cancel,
                                    struct error *err)
{
    *explainer = (struct simulate_explainer){.load = *load, .side = side, .cancel = cancel};
    explainer->load.policy = side->policy;
    explainer->standing =
        (struct standing){.register_count = load->households.count, .count = load->households.count};
    return policy_run_new(side->policy, as_of, &explainer->run, err);
}

void simulate_explainer_close(struct simulate_explainer *explainer)
{
    policy_run_free(explainer->run);
    explainer->run = NULL;
}

/* Anything else is a defect, and would tell officials what was not decided. */
static enum status check_decided(const struct simulate_explainer *e, uint32_t position,
                                 const struct policy_explanation *explanation, struct error *err)
{
    const struct policy_outcome *decided = &e->side->outcomes[position], *told = &explanation->outcome;
    if (told->fired == decided->fired && told->undecided == decided->undecided &&
        told->denied == decided->denied)
        return STATUS_OK;
    return error_set(err, STATUS_REJECT,
                     "household %lld: the explanation (fired %llx, undecided %llx) differs from the decision "
                     "(%llx, %llx)",
                     (long long)e->load.households.household_id[position], (unsigned long long)told->fired,
                     (unsigned long long)told->undecided, (unsigned long long)decided->fired,
                     (unsigned long long)decided->undecided);
}

static enum status explain_one(struct simulate_explainer *e, const struct gather *gather, uint32_t position,
                               struct arena *arena, struct policy_explanation *explanation, struct error *err)
{
    struct dossier dossier;
    enum status status = gather_dossier(gather, position, arena, &dossier, err);
    if (status == STATUS_OK)
        status = policy_explain(e->run, &dossier.block, 0, arena, explanation, err);
    return status == STATUS_OK ? check_decided(e, position, explanation, err) : status;
}

static enum status explain_chunk(struct simulate_explainer *e, const uint32_t *positions, size_t count,
                                 simulate_explain_visit *visit, void *context, struct arena *arena,
                                 struct error *err)
{
    struct gather gather;
    enum status status = gather_chunk(&gather, &e->load, &e->standing, positions, count, arena, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct policy_explanation explanation;
        struct arena *own = arena_new(EXPLAIN_HOUSEHOLD_BYTES);
        if (own == NULL)
            return no_memory(err);
        status = explain_one(e, &gather, positions[i], own, &explanation, err);
        if (status == STATUS_OK)
            status = visit(context, i, &explanation, err);
        arena_free(own);
        if (status == STATUS_OK && e->cancel != NULL && atomic_load(e->cancel))
            status = error_set(err, STATUS_RETRY, "the simulation was cancelled");
    }
    return status;
}

enum status simulate_explain(struct simulate_explainer *explainer, const uint32_t *positions, size_t count,
                             simulate_explain_visit *visit, void *context, struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return no_memory(err);
    enum status status = explain_chunk(explainer, positions, count, visit, context, arena, err);
    arena_free(arena);
    return status;
}
