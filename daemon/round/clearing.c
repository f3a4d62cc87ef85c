/* SPDX-License-Identifier: PostgreSQL */
#include "round/clearing.h"

#include <string.h>

enum status clearing_load(struct clearing *clearing, const struct policy *policy, day_t as_of, struct pg *pg,
                          struct arena *arena, struct error *err)
{
    *clearing = (struct clearing){.policy = policy, .as_of = as_of};
    for (size_t i = 0; i < policy_clause_count(policy); i++) {
        const struct policy_clause *clause = policy_clause_at(policy, i);
        if (clause->clear_rounds > 0 || clause->clear_batches > 0)
            clearing->clauses |= UINT64_C(1) << i;
    }
    enum status status = clearing_pull(pg, arena, clearing->clauses != 0, &clearing->stored, err);
    for (size_t i = 0; status == STATUS_OK && i < clearing->stored.count; i++) {
        int clause = policy_clause_on(policy, clearing->stored.rows[i].rule, as_of);
        clearing->clauses |= clause < 0 ? 0 : UINT64_C(1) << clause;
    }
    for (size_t i = 0; status == STATUS_OK && i < clearing->stored.seen_count; i++)
        clearing->seen[clearing->stored.seen[i].source] = clearing->stored.seen[i].batch_id;
    return status;
}

/* The stored row; NULL when the finding does not wait. */
static const struct clearing_row *find(const struct clearing *clearing, int64_t household_id,
                                       const char *rule)
{
    const struct clearing_rows *stored = &clearing->stored;
    size_t low = 0, high = stored->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stored->rows[middle].household_id < household_id)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < stored->count && stored->rows[low].household_id == household_id; low++)
        if (strcmp(stored->rows[low].rule, rule) == 0)
            return &stored->rows[low];
    return NULL;
}

static int count_batches(const struct clearing *clearing, int source, int64_t base, int most)
{
    int count = 0;
    for (size_t i = 0; i < clearing->stored.since_count && count < most; i++)
        count +=
            clearing->stored.since[i].source == source && clearing->stored.since[i].batch_id > base ? 1 : 0;
    return count;
}

struct clearing_row clearing_next(const struct clearing *clearing, int64_t household_id, int clause,
                                  bool found, bool good, bool *waits)
{
    const struct policy_clause *info = policy_clause_at(clearing->policy, (size_t)clause);
    const struct clearing_row *before = find(clearing, household_id, info->name);
    struct clearing_row now = {.household_id = household_id, .rule = info->name, .since = DAY_NONE};
    *waits = false;
    if (info->clear_rounds == 0 && info->clear_batches == 0)
        return now; /* it waited by another policy */
    if (before != NULL && !found)
        now = *before;
    now.rule = info->name;
    if (found || !good)
        return now;
    if (before == NULL) {
        now.since = clearing->as_of;
        now.counted_on = DAY_NONE;
        now.base_batch = info->clear_batches > 0 ? clearing->seen[info->clear_source] : 0;
    }
    if (now.counted_on == DAY_NONE || now.counted_on < clearing->as_of) {
        now.counted_on = clearing->as_of;
        now.rounds += now.rounds < INT16_MAX ? 1 : 0;
    }
    now.rounds_needed = info->clear_rounds;
    now.batches_needed = info->clear_batches;
    now.batches = info->clear_batches == 0
                      ? 0
                      : count_batches(clearing, info->clear_source, now.base_batch, info->clear_batches);
    *waits = now.rounds < now.rounds_needed || now.batches < now.batches_needed;
    if (!*waits)
        now.since = DAY_NONE;
    return now;
}

static bool same(const struct clearing_row *a, const struct clearing_row *b)
{
    return a->since == b->since && a->counted_on == b->counted_on && a->rounds == b->rounds &&
           a->rounds_needed == b->rounds_needed && a->batches == b->batches &&
           a->batches_needed == b->batches_needed;
}

uint64_t clearing_waits(const struct clearing *clearing, int64_t household_id,
                        const struct compare_standing *standing, const struct policy_outcome *outcome,
                        uint64_t fresh, uint64_t *changed)
{
    uint64_t asked = clearing->clauses & (standing->fired | standing->undecided), waiting = 0;
    *changed = 0;
    for (int clause = 0; clause < POLICY_CLAUSES_MAX; clause++) {
        uint64_t bit = UINT64_C(1) << clause;
        if (!(asked & bit))
            continue;
        bool waits, found = ((outcome->fired | outcome->undecided) & bit) != 0;
        const struct clearing_row *before =
            find(clearing, household_id, policy_clause_at(clearing->policy, (size_t)clause)->name);
        struct clearing_row now = clearing_next(clearing, household_id, clause, found,
                                                (outcome->denied & fresh & bit) != 0, &waits);
        waiting |= waits ? bit : 0;
        bool ends = !waits && (outcome->denied & fresh & bit) != 0; /* its row goes with the finding */
        bool differs = before == NULL ? now.since != DAY_NONE : !same(before, &now);
        *changed |= differs && !ends ? bit : 0;
    }
    return waiting;
}
