/* SPDX-License-Identifier: PostgreSQL */
#include "round/freshness.h"

static const struct policy_source *source_of(const struct policy *policy, int number)
{
    for (size_t i = 0; i < policy_source_count(policy); i++)
        if (policy_source_at(policy, i)->number == number)
            return policy_source_at(policy, i);
    return NULL;
}

static void judge_source(struct freshness_source *source, const struct policy_source *trust,
                         const struct pull_batch *batch, day_t as_of)
{
    source->batch_id = batch->batch_id;
    source->period_to = batch->period_to;
    source->days = trust == NULL ? FRESHNESS_DAYS_DEFAULT : trust->freshness_days;
    source->may_clear = trust == NULL || trust->may_clear;
    source->fresh =
        batch->source == SOURCE_REGISTER ||
        (batch->period_to != DAY_NONE && (int64_t)batch->period_to >= (int64_t)as_of - source->days);
}

static bool provides(const struct policy *policy, const struct pull_source_code *pairs, size_t pair_count,
                     int source, int code)
{
    for (size_t i = 0; i < pair_count; i++)
        if (pairs[i].source == source && pairs[i].code == code)
            return true;
    return policy_names_source(policy, code, source);
}

static bool may_end(const struct freshness *freshness, const struct policy *policy,
                    const struct policy_clause *clause, const struct pull_source_code *pairs,
                    size_t pair_count)
{
    for (int number = 0; number <= SOURCE_NUMBER_MAX; number++) {
        const struct freshness_source *source = &freshness->sources[number];
        if (source->batch_id == 0 || (source->fresh && source->may_clear))
            continue;
        for (size_t c = 0; c < clause->code_count; c++)
            if (provides(policy, pairs, pair_count, number, clause->codes[c]))
                return false;
    }
    return true;
}

uint64_t freshness_provided(const struct policy *policy, const struct pull_source_code *pairs,
                            size_t pair_count, int source)
{
    uint64_t clauses = 0;
    for (size_t i = 0; i < policy_clause_count(policy); i++) {
        const struct policy_clause *clause = policy_clause_at(policy, i);
        for (size_t c = 0; c < clause->code_count; c++)
            if (provides(policy, pairs, pair_count, source, clause->codes[c]))
                clauses |= UINT64_C(1) << i;
    }
    return clauses;
}

uint64_t freshness_unusable(const struct policy *policy, const struct pull_source_code *pairs,
                            size_t pair_count, const struct unusable *items, size_t count)
{
    uint64_t clauses = 0;
    for (size_t i = 0; i < count; i++)
        if (!items[i].trusted)
            clauses |= freshness_provided(policy, pairs, pair_count, items[i].source);
    return clauses;
}

void freshness_judge(struct freshness *freshness, const struct policy *policy,
                     const struct pull_batch *batches, size_t batch_count,
                     const struct pull_source_code *pairs, size_t pair_count, day_t as_of)
{
    *freshness = (struct freshness){0};
    for (size_t i = 0; i < batch_count; i++)
        judge_source(&freshness->sources[batches[i].source], source_of(policy, batches[i].source),
                     &batches[i], as_of);
    for (size_t i = 0; i < policy_clause_count(policy); i++)
        if (may_end(freshness, policy, policy_clause_at(policy, i), pairs, pair_count))
            freshness->clauses |= UINT64_C(1) << i;
}
