/* SPDX-License-Identifier: PostgreSQL */
#include "round/simulate_explain.h"

#include "base/arena.h"
#include "round/gather.h"

/* One call. */
struct explaining {
    struct simulate_explainer *explainer;
    struct gather gather;
    const uint64_t *only;
    simulate_explain_visit *visit;
    void *context;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory to explain a simulation's households");
}

enum status simulate_explainer_open(struct simulate_explainer *explainer, const struct load *load,
                                    const struct judge_side sides[LOAD_POLICIES_MAX], day_t as_of,
                                    const atomic_bool *cancel, struct error *err)
{
    enum status status = STATUS_OK;
    *explainer = (struct simulate_explainer){.sides = sides, .cancel = cancel};
    explainer->standing =
        (struct standing){.register_count = load->households.count, .count = load->households.count};
    for (size_t i = 0; i < LOAD_POLICIES_MAX && status == STATUS_OK; i++) {
        explainer->loads[i] = *load;
        explainer->loads[i].policy = sides[i].policy;
        status = policy_run_new(sides[i].policy, as_of, &explainer->runs[i], err);
    }
    return status;
}

void simulate_explainer_close(struct simulate_explainer *explainer)
{
    for (size_t i = 0; i < LOAD_POLICIES_MAX; i++) {
        policy_run_free(explainer->runs[i]);
        explainer->runs[i] = NULL;
    }
}

/* Anything else is a defect, and would tell officials what was not decided. */
static enum status check_decided(const struct simulate_explainer *e, uint32_t position, size_t side,
                                 const struct policy_explanation *explanation, struct error *err)
{
    const struct policy_outcome *decided = &e->sides[side].outcomes[position], *told = &explanation->outcome;
    if (told->fired == decided->fired && told->undecided == decided->undecided &&
        told->denied == decided->denied)
        return STATUS_OK;
    return error_set(err, STATUS_REJECT,
                     "household %lld: the explanation (fired %llx, undecided %llx) differs from the decision "
                     "(%llx, %llx)",
                     (long long)e->loads[side].households.household_id[position],
                     (unsigned long long)told->fired, (unsigned long long)told->undecided,
                     (unsigned long long)decided->fired, (unsigned long long)decided->undecided);
}

static enum status explain_side(const struct explaining *x, uint32_t position, size_t index, size_t side,
                                struct arena *arena, struct error *err)
{
    struct dossier dossier;
    struct policy_explanation explanation;
    enum status status = gather_dossier(&x->gather, arena, &dossier, err);
    if (status == STATUS_OK)
        status = policy_explain(x->explainer->runs[side], &dossier.block, 0, arena, &explanation, err);
    if (status == STATUS_OK)
        status = check_decided(x->explainer, position, side, &explanation, err);
    return status == STATUS_OK ? x->visit(x->context, index, side, &explanation, err) : status;
}

static enum status explain_one(struct explaining *x, uint32_t position, size_t index, struct error *err)
{
    const atomic_bool *cancel = x->explainer->cancel;
    enum status status = gather_household(&x->gather, position, err);
    for (size_t side = 0; side < LOAD_POLICIES_MAX && status == STATUS_OK; side++) {
        if (x->only != NULL && (x->explainer->sides[side].outcomes[position].fired & x->only[side]) == 0)
            continue;
        x->gather.load = &x->explainer->loads[side];
        struct arena *arena = gather_arena(&x->gather);
        status = arena == NULL ? no_memory(err) : explain_side(x, position, index, side, arena, err);
        arena_free(arena);
    }
    if (status == STATUS_OK && cancel != NULL && atomic_load(cancel))
        return error_set(err, STATUS_RETRY, "the simulation was cancelled");
    return status;
}

enum status simulate_explain(struct simulate_explainer *explainer, const uint32_t *positions, size_t count,
                             const uint64_t only[LOAD_POLICIES_MAX], simulate_explain_visit *visit,
                             void *context, struct error *err)
{
    struct explaining x = {.explainer = explainer, .only = only, .visit = visit, .context = context};
    if (count == 0)
        return STATUS_OK;
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return no_memory(err);
    enum status status =
        gather_open(&x.gather, &explainer->loads[0], &explainer->standing, positions, count, arena, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = explain_one(&x, positions[i], i, err);
    status = gather_close(&x.gather, status, err);
    arena_free(arena);
    return status;
}
