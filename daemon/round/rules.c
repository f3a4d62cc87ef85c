/* SPDX-License-Identifier: PostgreSQL */
#include "round/rules.h"

void rules_init(struct rules *rules, const struct policy *policy, uint64_t fresh)
{
    *rules = (struct rules){.fresh = fresh};
    for (size_t i = 0; i < policy_clause_count(policy); i++) {
        const struct policy_clause *clause = policy_clause_at(policy, i);
        uint64_t *const kinds[] = {
            [CLAUSE_COLOUR] = &rules->colours, [CLAUSE_VERIFY] = &rules->verifies,
            [CLAUSE_CHECK] = &rules->checks,   [CLAUSE_SUGGESTION] = &rules->suggestions,
            [CLAUSE_TAG] = &rules->tags,
        };
        *kinds[clause->kind] |= UINT64_C(1) << i;
        if (clause->kind == CLAUSE_COLOUR || clause->kind == CLAUSE_VERIFY)
            rules->by_level[clause->level] |= UINT64_C(1) << i;
    }
}

uint64_t rules_withheld(const struct rules *rules, int64_t township)
{
    return rules->unusable | rules_swinging(rules, township);
}

uint64_t rules_swinging(const struct rules *rules, int64_t township)
{
    size_t low = 0, high = rules->withheld_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules->withheld[middle].township < township)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < rules->withheld_count && rules->withheld[low].township == township;
    return rules->withheld_everywhere | (found ? rules->withheld[low].clauses : 0);
}

int rules_due_days(const struct rules *rules, const struct policy *policy, enum policy_level level,
                   uint64_t fired, uint64_t undecided)
{
    static const int usual[] = {
        [LEVEL_NONE] = 15, [LEVEL_VERIFY] = 7, [LEVEL_YELLOW] = 15, [LEVEL_ORANGE] = 7, [LEVEL_RED] = 3};
    uint64_t urgent = fired & rules->by_level[level];
    if (level == LEVEL_VERIFY)
        urgent |= undecided & rules->verifies;
    int days = 0;
    for (size_t i = 0; urgent >> i != 0; i++) {
        int due = urgent >> i & 1 ? policy_clause_at(policy, i)->due_days : 0;
        if (due > 0 && (days == 0 || due < days))
            days = due;
    }
    return days > 0 ? days : usual[level];
}
