/* SPDX-License-Identifier: PostgreSQL */
#include "policy/tell/near_miss.h"

#include <stdint.h>

__extension__ typedef unsigned __int128 product_t;

static uint64_t size_of(int64_t n)
{
    return n < 0 ? ~(uint64_t)n + 1 : (uint64_t)n;
}

/* Of what is not known exactly the end that is nearer. */
static uint64_t gap_of(const struct policy_shown_conjunct *c)
{
    uint64_t low = size_of(c->distance_low), high = size_of(c->distance_high);
    return low < high ? low : high;
}

static uint64_t scale_of(const struct policy_shown_conjunct *c)
{
    uint64_t left = size_of(c->left.low), right = size_of(c->right.low);
    uint64_t scale = left > right ? left : right;
    return scale == 0 ? 1 : scale;
}

static bool is_nearer(const struct policy_shown_conjunct *a, const struct policy_shown_conjunct *b)
{
    return (product_t)gap_of(a) * scale_of(b) < (product_t)gap_of(b) * scale_of(a);
}

/* Not when one side is nothing, or of the other sign: the distance is then all there is. */
static bool is_near(const struct policy_shown_conjunct *c)
{
    return c->has_distance && gap_of(c) < scale_of(c);
}

/* The one that fails; NULL when none or several do, or when it is no matter of amounts, or far. */
static const struct policy_shown_conjunct *only_failing(const struct policy_shown_conjunct *conjuncts,
                                                        size_t count)
{
    const struct policy_shown_conjunct *failing = NULL;
    for (size_t i = 0; i < count; i++) {
        if (conjuncts[i].truth == TRI_TRUE)
            continue;
        if (failing != NULL || conjuncts[i].truth != TRI_FALSE || !is_near(&conjuncts[i]))
            return NULL;
        failing = &conjuncts[i];
    }
    return failing;
}

static bool all_hold(const struct policy_shown_conjunct *conjuncts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (conjuncts[i].truth != TRI_TRUE)
            return false;
    return true;
}

static bool find_miss(const struct policy_shown_clause *clause, struct near_miss *miss)
{
    *miss = (struct near_miss){.clause = clause};
    if (!clause->exists || clause->truth != TRI_FALSE)
        return false;
    miss->conjunct = only_failing(clause->conjuncts, clause->conjunct_count);
    if (miss->conjunct != NULL || !all_hold(clause->conjuncts, clause->conjunct_count))
        return miss->conjunct != NULL;
    for (size_t i = 0; i < clause->member_count; i++) {
        const struct policy_shown_member *member = &clause->members[i];
        const struct policy_shown_conjunct *failing = only_failing(member->conjuncts, member->conjunct_count);
        if (failing == NULL || (miss->conjunct != NULL && !is_nearer(failing, miss->conjunct)))
            continue;
        miss->conjunct = failing;
        miss->of_member = true;
        miss->person = member->person;
    }
    return miss->conjunct != NULL;
}

static bool is_told(const struct policy *policy, const struct policy_shown_clause *clause)
{
    enum policy_clause_kind kind = policy_clause_at(policy, clause->clause)->kind;
    return kind == CLAUSE_COLOUR || kind == CLAUSE_VERIFY || kind == CLAUSE_CHECK;
}

size_t near_misses(const struct policy *policy, const struct policy_explanation *explanation,
                   struct near_miss misses[NEAR_MISSES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < explanation->clause_count; i++) {
        struct near_miss miss;
        if (!is_told(policy, &explanation->clauses[i]) || !find_miss(&explanation->clauses[i], &miss))
            continue;
        size_t at = count;
        while (at > 0 && is_nearer(miss.conjunct, misses[at - 1].conjunct))
            at--;
        if (at == NEAR_MISSES_MAX)
            continue;
        count += count < NEAR_MISSES_MAX ? 1 : 0;
        for (size_t j = count - 1; j > at; j--)
            misses[j] = misses[j - 1];
        misses[at] = miss;
    }
    return count;
}
